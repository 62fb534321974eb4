//! Speed and memory of the engine, measured.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{Engine as _, LocalEngine};
use crate::base::text::human_count;
use crate::base::{Cancel, Failure, Result, memory};
use crate::model::network::Wanted;

/// Tokens read at once, as for real prompts.
const PIECE: usize = 512;

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
    let context = engine.facts().context;
    if prompt == 0 || prompt + gen_tokens > context {
        return Err(Failure::usage(format!(
            "{} tokens of prompt and {} of answer do not fit the context of {}",
            human_count(prompt as u64),
            human_count(gen_tokens as u64),
            human_count(context as u64)
        ))
        .hint("lower --prompt or --gen, or raise --ctx"));
    }
    engine.reset();
    // Tokens from all over the vocabulary, the same at every run: what they say has no
    // influence on how long they take.
    let vocabulary = engine.tokenizer.len().max(1) as u64;
    let token = |i: usize| {
        (i as u64)
            .wrapping_mul(7919)
            .wrapping_add(13)
            .rem_euclid(vocabulary) as u32
    };
    let tokens: Vec<u32> = (0..prompt).map(token).collect();
    // Packing of weights and waking of threads are no part of the rate.
    let network = engine.recall.network();
    network.read(&[token(0)], Wanted::Last, cancel)?;
    network.reset();
    let all = (prompt + gen_tokens) as f32;
    let begun = Instant::now();
    for piece in tokens.chunks(PIECE) {
        network.read(piece, Wanted::Last, cancel)?;
        on(network.held() as f32 / all);
    }
    let prefill = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    for i in 0..gen_tokens {
        network.read(&[token(prompt + i)], Wanted::Last, cancel)?;
        on((prompt + i + 1) as f32 / all);
    }
    let decode = begun.elapsed().as_secs_f64();
    engine.reset();
    Ok(BenchReport {
        model: engine.facts().name.clone(),
        threads: crate::kernels::threads::number(),
        prompt_tokens: prompt,
        gen_tokens,
        prefill_tps: prompt as f64 / prefill.max(1e-9),
        decode_tps: if gen_tokens == 0 {
            0.0
        } else {
            gen_tokens as f64 / decode.max(1e-9)
        },
        load_s: engine.facts().load_s,
        peak_rss_mb: memory::peak_resident().map_or(0.0, |bytes| bytes as f64 / 1e6),
    })
}
