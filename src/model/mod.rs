//! Floor 2: what a GGUF file holds, and the models that run from it.
//!
//! Law: candle lives here, in `engine` and in the kernels' custom ops, and nowhere else; one
//! file per architecture; nothing here knows a repository, a prompt or a screen.

pub mod chat;
pub mod gguf;
pub mod merge;
pub mod network;
pub mod sample;
pub mod split;
pub mod tokenizer;
