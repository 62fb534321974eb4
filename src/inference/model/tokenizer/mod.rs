//! Text to token ids and back, by the vocabulary of a GGUF.
//!
//! Three families (`tokenizer.ggml.model`): byte-level BPE with ranked merges (`gpt2`),
//! SentencePiece BPE with scores and byte fallback (`llama`), and ranked merges over
//! characters with byte fallback (`gemma4`).
//!
//! Law: the ids are those that the model was trained on, or there are none: what is not known
//! of a vocabulary is an error when it is opened, never a guess.

mod byte_level;
mod char_level;
mod encoder;
mod merge;
mod special;
mod split;
mod text_stream;
mod token_kind;
mod vocabulary;

#[cfg(test)]
mod tests;

pub use encoder::{Encoder, Encoding};
pub use text_stream::TextStream;
pub use token_kind::TokenKind;
pub use vocabulary::Tokenizer;

#[cfg(test)]
pub(crate) use tests::starter;
