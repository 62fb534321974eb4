//! `gemma3`: Gemma 3, text; most layers look back over a window only, norms before and
//! behind each part.

use candle_core::Result;

use super::gguf::Header;
use super::hyperparameters::Hyperparameters;
use super::transformer::{Style, Transformer, Window};
use super::weights::Weights;
use crate::kernels::rowwise::Gate;

/// Loads a Gemma 3 for a context of so many tokens.
pub(super) fn load(
    weights: &Weights<'_>,
    mut hyper: Hyperparameters,
    context: usize,
) -> Result<Transformer> {
    let style = style(weights.header(), &mut hyper);
    Transformer::load(weights, hyper, &style, context)
}

/// Returns the style of Gemma 3, and mends `hyper` where the file leaves out what is usual.
pub(super) fn style(header: &Header, hyper: &mut Hyperparameters) -> Style {
    if header.arch_float("rope.freq_base").is_none() {
        hyper.rope_base = 1e6;
    }
    // The largest of the family scales by the width of the model, not of a head.
    let scale = (hyper.layers == 62).then(|| (hyper.width as f64 / hyper.heads as f64).powf(-0.5));
    Style {
        scale,
        halves: true,
        gate: Gate::Gelu,
        scaled_embedding: true,
        after_norms: true,
        window: Some(Window {
            tokens: header
                .arch_number("attention.sliding_window")
                .map_or(1024, |tokens| tokens.clamp(1, 1 << 32) as usize),
            every: 6,
            base: Some(10_000.0),
        }),
        ..Style::default()
    }
}
