//! Speed and memory of the engine, measured.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{Engine as _, LocalEngine};
use crate::base::text::human_count;
use crate::base::{Cancel, Failure, Result, memory};
use crate::kernels::simd::Simd;
use crate::model::network::Wanted;

/// Tokens read at once, as for real prompts.
const PIECE: usize = 512;

/// The plan of [`bench`]: numbers of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BenchPlan {
    /// Tokens that are read and timed.
    pub prompt: usize,
    /// Tokens that are held before writing begins: those missing behind the prompt are read
    /// too, but not timed. Of no effect where it is not more than the prompt.
    pub depth: usize,
    /// Tokens that are written and timed; 0 to time reading alone.
    pub written: usize,
}

impl BenchPlan {
    /// Returns the number of tokens that are held before writing begins.
    pub const fn n_past(self) -> usize {
        if self.depth > self.prompt {
            self.depth
        } else {
            self.prompt
        }
    }

    /// Returns the number of tokens that the context must hold.
    pub const fn context(self) -> usize {
        self.n_past().saturating_add(self.written)
    }
}

/// The report of [`bench`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchReport {
    /// The model's name.
    pub model: String,
    /// Number of threads that computed.
    pub threads: usize,
    /// The instructions that the kernels used: `scalar`, `avx2`, …
    pub simd: String,
    /// Tokens of the prompt that was read and timed.
    pub prompt_tokens: usize,
    /// Tokens that were held when writing began.
    pub depth_tokens: usize,
    /// Tokens that were written.
    pub gen_tokens: usize,
    /// Tokens a second while reading the prompt.
    pub prefill_tps: f64,
    /// Operations a second while reading the prompt, in 10^9: a weight's multiplication and its
    /// addition are two. To be held against the products of 8-bit numbers that the processor can
    /// do.
    pub prefill_gops: f64,
    /// Tokens a second while writing; 0 where none were written.
    pub decode_tps: f64,
    /// Bytes moved a second while writing, in 10^9: the weights and the state that every token
    /// needs. To be held against the bandwidth of the memory.
    pub decode_gb_s: f64,
    /// Seconds the model took to load.
    pub load_s: f64,
    /// Peak memory of this process, in MB (10^6 bytes); 0 where the platform does not tell.
    pub peak_rss_mb: f64,
}

/// Reads and writes as many tokens as planned, on a fresh context.
/// `on` is told how much of the work is done, 0 to 1.
///
/// # Errors
/// Of kind usage, if the plan does not fit the context; interrupted, if cancelled.
pub fn bench(
    engine: &mut LocalEngine,
    plan: BenchPlan,
    cancel: &Cancel,
    on: &mut dyn FnMut(f32),
) -> Result<BenchReport> {
    let tokens = tokens(engine, plan)?;
    engine.reset();
    let (prompt, rest) = tokens.split_at(plan.prompt);
    let (rest, written) = rest.split_at(plan.n_past() - plan.prompt);
    let network = engine.prefix_cache.network();
    // Packing of weights and waking of threads are no part of the rate.
    let first = prompt.get(..1);
    let first = first.ok_or_else(|| Failure::bug("no token is to be read"))?;
    network.read(first, Wanted::Last, cancel)?;
    network.reset();
    let mut timed = |tokens: &[u32], piece: usize| -> Result<f64> {
        let begun = Instant::now();
        for piece in tokens.chunks(piece) {
            network.read(piece, Wanted::Last, cancel)?;
            on(network.n_past() as f32 / plan.context() as f32);
        }
        Ok(begun.elapsed().as_secs_f64())
    };
    let prefill = timed(prompt, PIECE)?;
    timed(rest, PIECE)?;
    let decode = timed(written, 1)?;
    engine.reset();
    let rate = |amount: f64, seconds: f64| {
        if amount > 0.0 {
            amount / seconds.max(1e-9)
        } else {
            0.0
        }
    };
    let operations = 2.0 * engine.work.products(plan.prompt as u64) as f64;
    let held = plan.n_past() as u64;
    let bytes: u64 = (held..held + plan.written as u64)
        .map(|held| engine.work.bytes(held + 1))
        .sum();
    Ok(BenchReport {
        model: engine.facts().name.clone(),
        threads: crate::kernels::threads::number(),
        simd: Simd::best().name().to_owned(),
        prompt_tokens: plan.prompt,
        depth_tokens: plan.n_past(),
        gen_tokens: plan.written,
        prefill_tps: rate(plan.prompt as f64, prefill),
        prefill_gops: rate(operations / 1e9, prefill),
        decode_tps: rate(plan.written as f64, decode),
        decode_gb_s: rate(bytes as f64 / 1e9, decode),
        load_s: engine.facts().load_s,
        peak_rss_mb: memory::peak_resident().map_or(0.0, |bytes| bytes as f64 / 1e6),
    })
}

/// Makes up as many tokens as the plan needs, if they fit the context: from all over the
/// vocabulary, the same at every run. Their text has no influence on how long they take.
fn tokens(engine: &LocalEngine, plan: BenchPlan) -> Result<Vec<u32>> {
    let context = engine.facts().context;
    if plan.prompt == 0 || plan.context() > context {
        return Err(Failure::usage(format!(
            "{} tokens to read and {} to write do not fit the context of {}",
            human_count(plan.n_past() as u64),
            human_count(plan.written as u64),
            human_count(context as u64)
        ))
        .hint("lower --prompt, --depth or --gen, or raise --ctx"));
    }
    let vocabulary = engine.tokenizer.len().max(1) as u64;
    let token = |i: usize| {
        (i as u64)
            .wrapping_mul(7919)
            .wrapping_add(13)
            .rem_euclid(vocabulary) as u32
    };
    Ok((0..plan.context()).map(token).collect())
}
