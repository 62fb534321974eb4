//! `qwen3`: Qwen 3, dense; norms on the queries and keys of each head.

use candle_core::{Result, bail};

use super::dense::{Dense, Style};
use super::hyper::Hyper;
use super::weights::Weights;

/// Loads it.
pub(super) fn load(weights: &Weights<'_>, hyper: Hyper, context: usize) -> Result<Dense> {
    if !weights.has("blk.0.attn_q_norm.weight") {
        bail!("it has no norms on queries and keys");
    }
    let style = Style {
        halves: true,
        ..Style::default()
    };
    Dense::load(weights, hyper, &style, context)
}
