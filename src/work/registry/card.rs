//! The sampling settings that a model's card recommends.

use serde::{Deserialize, Serialize};

/// Sampling settings from a model's card.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CardSampling {
    /// Temperature: logits are divided by it.
    pub temperature: f32,
    /// Nucleus: the most likely tokens are kept until their probabilities sum to so much.
    pub top_p: f32,
    /// Most likely tokens kept, 0 for all.
    pub top_k: u32,
    /// Least probability of a token, relative to that of the best.
    pub min_p: f32,
    /// Subtracted from the logit of each token that has been written.
    pub presence_penalty: f32,
    /// Divides (multiplies) positive (negative) logits of tokens that were seen; 1 for none.
    pub repetition_penalty: f32,
}

impl Default for CardSampling {
    fn default() -> Self {
        Self {
            temperature: 0.7,
            top_p: 0.95,
            top_k: 0,
            min_p: 0.0,
            presence_penalty: 0.0,
            repetition_penalty: 1.0,
        }
    }
}
