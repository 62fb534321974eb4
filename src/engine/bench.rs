//! Speed and memory of the engine, measured.

use serde::{Deserialize, Serialize};

use super::LocalEngine;
use crate::base::{Cancel, Failure, Result};

/// What [`bench`] found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchReport {
    /// The model's name.
    pub model: String,
    /// Threads that computed.
    pub threads: usize,
    /// Tokens of the prompt that was read.
    pub prompt_tokens: usize,
    /// Tokens that were written.
    pub gen_tokens: usize,
    /// Tokens a second while reading.
    pub prefill_tps: f64,
    /// Tokens a second while writing.
    pub decode_tps: f64,
    /// Seconds the model took to load.
    pub load_s: f64,
    /// Most memory this process has held, in MB (10^6 bytes); 0 where the platform does not tell.
    pub peak_rss_mb: f64,
}

/// Reads a prompt of `prompt` tokens and writes `gen_tokens` more, on a fresh context.
/// `on` is told how much of the work is done, 0 to 1.
///
/// # Errors
/// Of kind usage, if the two do not fit the context; interrupted, if cancelled.
pub fn bench(
    engine: &mut LocalEngine,
    prompt: usize,
    gen_tokens: usize,
    cancel: &Cancel,
    on: &mut dyn FnMut(f32),
) -> Result<BenchReport> {
    let _ = (engine, prompt, gen_tokens, cancel, on);
    Err(Failure::bug("bench is not built"))
}
