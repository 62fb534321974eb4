//! Turning texts into vectors of meaning (embeddings), without knowing the model that does.

use super::{Cancel, Result};

/// Turns texts into vectors: the nearer two vectors are, the more alike the meanings of the texts.
/// The engine implements this with an embedding model; the index keeps and compares the vectors.
pub trait Embed: Send + Sync + std::fmt::Debug {
    /// Names the model and the file of it: vectors of another are not to be compared with these.
    fn name(&self) -> &str;

    /// Returns the number of dimensions of a vector.
    fn width(&self) -> usize;

    /// Computes a vector for each text, in order: `texts × width`, f32, each of length 1. A text
    /// that is too long is cut.
    ///
    /// # Errors
    /// Of kind interrupted when cancelled; of kind model, if the model cannot be run.
    fn embed(&self, texts: &[String], cancel: &Cancel) -> Result<Vec<Vec<f32>>>;
}
