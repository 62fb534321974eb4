//! Counting tokens, without knowing what counts them.

/// Tells how many tokens a text takes. The engine implements it with the model's own
/// tokenizer; the context is packed with it.
pub trait TokenCount {
    /// Tokens of `text` as part of a message, without the template around it.
    fn count(&self, text: &str) -> usize;
}

/// A stand-in where no model is at hand: four bytes a token, rounded up.
#[derive(Debug, Clone, Copy, Default)]
pub struct RoughCount;

impl TokenCount for RoughCount {
    fn count(&self, text: &str) -> usize {
        text.len().div_ceil(4)
    }
}
