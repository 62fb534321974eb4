//! Floor 2: what a GGUF file holds, and the models that run from it.
//!
//! Law: candle lives here, in `engine` and in the kernels' custom ops, and nowhere else; one
//! file per architecture; nothing here knows a repository, a prompt or a screen.

pub mod activations;
mod attention;
pub mod bert;
mod buffer;
mod candle_models;
pub mod chat;
pub mod checkpoint;
mod delta;
pub mod footprint;
mod gemma3;
pub mod gguf;
pub mod hyperparameters;
pub mod jinja;
pub mod kv_cache;
mod linear;
mod llama;
pub mod mapping;
mod mlp;
pub mod network;
mod phi3;
mod qwen2;
mod qwen3;
pub mod qwen35;
mod recurrent;
#[cfg(test)]
mod reference_tests;
pub mod rope;
pub mod sample;
#[cfg(feature = "lab")]
pub mod synthetic;
pub mod tokenizer;
pub mod transformer;
pub mod weights;
pub mod work;
