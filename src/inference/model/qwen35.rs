//! `qwen35`: Qwen 3.5, dense; a gated delta net in most layers, attention with a gate in the
//! others.
//!
//! The file has all norms as they are multiplied (1 added already), `ssm_a` negative already,
//! value heads in an order in which head `i` uses key head `i mod key_heads`, and in each head of
//! `attn_q` the query before its gate. For text the three axes of its rotary positions are one.

use candle_core::Result;

use super::hyperparameters::Hyperparameters;
use super::transformer::drafter::Drafter;
use super::transformer::{Style, Transformer};
use super::weights::Weights;

/// Loads the trunk of a Qwen 3.5 for a context of so many tokens; the block that predicts a
/// further token is no part of it.
pub(super) fn load(
    weights: &Weights<'_>,
    hyper: Hyperparameters,
    context: usize,
) -> Result<Transformer> {
    Transformer::load(weights, hyper, &style(), context)
}

/// Loads the block behind the trunk that predicts one token further; none where the file has
/// none.
pub fn drafter(weights: &Weights<'_>, hyper: &Hyperparameters) -> Result<Option<Drafter>> {
    Drafter::load(weights, hyper, &style())
}

fn style() -> Style {
    Style {
        halves: true,
        gated_attention: true,
        feed_norm: "post_attention_norm",
        ..Style::default()
    }
}
