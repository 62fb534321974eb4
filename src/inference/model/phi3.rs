//! `phi3`: Phi 3, 3.5 and 4 mini; fused products, frequencies stretched for long contexts.

use candle_core::Result;

use super::hyperparameters::Hyperparameters;
use super::llama::factors;
use super::transformer::{Style, Transformer, Window};
use super::weights::Weights;

/// Loads a Phi 3 for a context of so many tokens.
pub(super) fn load(
    weights: &Weights<'_>,
    hyper: Hyperparameters,
    context: usize,
) -> Result<Transformer> {
    let header = weights.header();
    let first = header
        .arch_number("rope.scaling.original_context_length")
        .unwrap_or(hyper.context as u64) as usize;
    let name = if context > first {
        "rope_factors_long.weight"
    } else {
        "rope_factors_short.weight"
    };
    let rope_factors = factors(weights, name, hyper.rotary)?;
    let rope_scale = rope_factors
        .is_some()
        .then(|| header.arch_float("rope.scaling.attn_factor"))
        .flatten()
        .filter(|scale| scale.is_finite() && *scale > 0.0)
        .map(|scale| scale as f32);
    let style = Style {
        halves: true,
        fused: true,
        window: header
            .arch_number("attention.sliding_window")
            .filter(|&tokens| tokens > 0 && (tokens as usize) < context)
            .map(|tokens| Window {
                tokens: tokens as usize,
                // No layer of this family sees all.
                every: usize::MAX,
                base: None,
            }),
        rope_factors,
        rope_scale,
        ..Style::default()
    };
    Transformer::load(weights, hyper, &style, context)
}
