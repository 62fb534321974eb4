//! Looking into the engine: logits, token ids, raw greedy text. Behind `homebody debug`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::LocalEngine;
use crate::base::{Cancel, Failure, Result};

/// What [`generate`] wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawText {
    /// Ids of the prompt.
    pub prompt_ids: Vec<u32>,
    /// Ids that were written, the end token included where it came.
    pub ids: Vec<u32>,
    /// Their text.
    pub text: String,
}

/// Reads token ids (numbers apart by white space or commas, brackets ignored) from
/// `tokens` and writes one row of the vocabulary per token to `out`, as little-endian
/// float32. Returns (rows, columns).
pub fn logits(
    engine: &mut LocalEngine,
    tokens: &Path,
    out: &Path,
    cancel: &Cancel,
) -> Result<(usize, usize)> {
    let _ = (engine, tokens, out, cancel);
    Err(Failure::bug("debug logits is not built"))
}

/// The token ids of a text file by the vocabulary of the GGUF `model`; loads no weights.
/// With `special`, control tokens in the text are parsed.
pub fn tokenize(model: &Path, file: &Path, special: bool) -> Result<Vec<u32>> {
    let _ = (model, file, special);
    Err(Failure::bug("debug tokenize is not built"))
}

/// Greedy text after a raw prompt (control tokens parsed, no template), `max` tokens or
/// until an end token.
pub fn generate(
    engine: &mut LocalEngine,
    prompt: &Path,
    max: usize,
    cancel: &Cancel,
) -> Result<RawText> {
    let _ = (engine, prompt, max, cancel);
    Err(Failure::bug("debug generate is not built"))
}
