//! Counting tokens, without knowing the tokenizer.

/// Counts the tokens of texts. The engine implements this with the model's own tokenizer; the
/// context is packed with it.
pub trait TokenCount {
    /// Counts the tokens of `text` as part of a message, without the template around it.
    fn count(&self, text: &str) -> usize;
}

/// A counter where no model is at hand: four bytes a token, rounded up.
#[derive(Debug, Clone, Copy, Default)]
pub struct RoughCount;

impl TokenCount for RoughCount {
    fn count(&self, text: &str) -> usize {
        text.len().div_ceil(4)
    }
}
