//! `qwen2`: Qwen 2, 2.5 and 2.5 Coder; biases on queries, keys and values.

use candle_core::Result;

use super::hyperparameters::Hyperparameters;
use super::transformer::{Style, Transformer};
use super::weights::Weights;

/// Loads a Qwen 2 for a context of so many tokens.
pub(super) fn load(
    weights: &Weights<'_>,
    hyper: Hyperparameters,
    context: usize,
) -> Result<Transformer> {
    let style = Style {
        halves: true,
        ..Style::default()
    };
    Transformer::load(weights, hyper, &style, context)
}
