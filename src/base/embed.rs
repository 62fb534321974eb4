//! Turning texts into vectors of meaning, without knowing what turns them.

use super::{Cancel, Result};

/// Turns texts into vectors: the nearer two are, the more alike what the texts say. The engine
/// implements it with an embedding model; the index keeps and compares the vectors.
pub trait Embed: Send + Sync + std::fmt::Debug {
    /// Which model, and which file of it: vectors of another are not to be compared with these.
    fn name(&self) -> &str;

    /// Numbers in a vector.
    fn width(&self) -> usize;

    /// A vector of length 1 for each text, in order. What is too long is cut.
    ///
    /// # Errors
    /// Of kind interrupted when cancelled; of kind model, if the model cannot be run.
    fn embed(&self, texts: &[String], cancel: &Cancel) -> Result<Vec<Vec<f32>>>;
}
