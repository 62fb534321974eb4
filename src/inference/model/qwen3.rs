//! `qwen3`: Qwen 3, dense; norms on the queries and keys of each head.

use candle_core::{Result, bail};

use super::hyperparameters::Hyperparameters;
use super::transformer::{Style, Transformer};
use super::weights::Weights;

/// Loads a Qwen 3 for a context of so many tokens.
pub(super) fn load(
    weights: &Weights<'_>,
    hyper: Hyperparameters,
    context: usize,
) -> Result<Transformer> {
    if !weights.has("blk.0.attn_q_norm.weight") {
        bail!("it has no norms on queries and keys");
    }
    let style = Style {
        halves: true,
        ..Style::default()
    };
    Transformer::load(weights, hyper, &style, context)
}
