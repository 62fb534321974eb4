//! `llama`: Llama 1 to 3, SmolLM 2, Mistral and their kin.

use candle_core::{Result, bail};

use super::hyperparameters::Hyperparameters;
use super::transformer::{Style, Transformer};
use super::weights::Weights;

/// Loads a Llama for a context of so many tokens.
pub(super) fn load(
    weights: &Weights<'_>,
    hyper: Hyperparameters,
    context: usize,
) -> Result<Transformer> {
    let style = Style {
        // Llama 3.1 and later stretch their context by a factor for each frequency.
        rope_factors: factors(weights, "rope_freqs.weight", hyper.rotary)?,
        ..Style::default()
    };
    Transformer::load(weights, hyper, &style, context)
}

/// Returns the factors of a tensor that divides the rotary frequencies, `rotary / 2` of them;
/// none where the file has no such tensor.
pub(super) fn factors(
    weights: &Weights<'_>,
    name: &str,
    rotary: usize,
) -> Result<Option<Vec<f32>>> {
    if !weights.has(name) {
        return Ok(None);
    }
    let factors = weights.floats(name, rotary / 2)?;
    if factors.iter().any(|f| !f.is_finite() || *f <= 0.0) {
        bail!("{name} holds factors that cannot be");
    }
    Ok(Some(factors))
}
