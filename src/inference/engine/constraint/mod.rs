//! The tokens that may come next: by the vocabulary, and by the grammar of an answer.
//!
//! Law: a token is allowed if and only if the grammar takes all of its bytes.

pub(in crate::engine) mod allowed_tokens;
pub(in crate::engine) mod constrained;
pub(in crate::engine) mod token_mask;
pub(in crate::engine) mod trie;
