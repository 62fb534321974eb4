//! Vectors of meaning (embeddings), of pieces and of commits.
//!
//! Law: a vector belongs to a content, by its hash, and is made once.

pub(in crate::index) mod commit_embeddings;
pub(in crate::index) mod embeddings;
pub(in crate::index) mod vectors;
