//! Runs quantized models on a CPU.
//!
//! - [`kernels`]: arithmetic on quantized weights
//! - [`model`]: GGUF, tokenizer, template, sampling, networks
//! - [`engine`]: prompts to tokens to text, within a grammar

#![cfg_attr(
    test,
    allow(
        clippy::too_many_lines,
        reason = "a test tells one story from top to bottom"
    )
)]

use homebody_ground::{base, grammar};

pub mod engine;
pub mod kernels;
pub mod model;
