//! Floor 2: what a GGUF file holds, and the models that run from it.
//!
//! Law: candle lives here, in `engine` and in the kernels' custom ops, and nowhere else; one
//! file per architecture; nothing here knows a repository, a prompt or a screen.

pub mod cache;
pub mod chat;
pub mod dense;
mod gemma3;
pub mod gguf;
pub mod hyper;
mod jinja;
mod llama;
pub mod mapping;
pub mod merge;
pub mod network;
mod phi3;
mod pieces;
mod qwen2;
mod qwen3;
pub mod rope;
pub mod sample;
pub mod split;
mod token_kind;
pub mod tokenizer;
pub mod weights;
