//! homebody: a coding assistant for the terminal that never leaves the machine.
//!
//! # The rooms
//!
//! | floor | room | what it is for | may import |
//! | --- | --- | --- | --- |
//! | 0 | [`base`] | failures, cancellation, paths, configuration, the seal | nothing of ours |
//! | 1 | [`repo`] | files, git, diffs | base |
//! | 1 | [`grammar`] | the languages of answers, and what may come next in them | base |
//! | 2 | [`patch`] | what edits may be written; edits to new texts; undo | base, grammar |
//! | 1 | [`kernels`] | arithmetic on quantized weights | base |
//! | 1 | [`models`] | catalog, downloads; the only room with a network | base |
//! | 2 | [`index`] | definitions, words and meaning, on disk | base, repo |
//! | 2 | [`model`] | GGUF, tokenizer, template, sampling, encoders | base, kernels |
//! | 3 | [`context`] | what the model is shown | base, repo, index |
//! | 3 | [`engine`] | runs models | base, grammar, model, kernels |
//! | 4 | [`jobs`] | ask, patch, review, message | floors 0–3, except kernels and model |
//! | 5 | [`app`] | the screen's state | message types of jobs, index, repo, patch |
//! | 6 | [`tui`] | the terminal | 5, 4 and public faces of 0–3 |
//! | 6 | [`cli`] | the command line | as tui; the two never import each other |
//!
//! Data flows one way: a key or a worker's report is an *event*; the state takes it and
//! answers with *commands*; workers carry them out and report. Headless commands call the
//! same `jobs::run` on the main thread.

#![cfg_attr(
    test,
    allow(
        clippy::too_many_lines,
        reason = "a test tells one story from top to bottom"
    )
)]

pub mod app;
pub mod base;
pub mod cli;
pub mod context;
pub mod engine;
pub mod grammar;
pub mod index;
pub mod jobs;
pub mod kernels;
pub mod model;
pub mod models;
pub mod patch;
pub mod repo;
pub mod tui;
