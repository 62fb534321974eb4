//! Floor 6: the command line. clap lives here and nowhere else.
//!
//! Law: validate first, act then; data to standard output, words for people to standard
//! error; the kind of a failure decides the exit code; help, version, completions and man work
//! with no repository and no model.

mod args;
mod ask;
mod bench;
#[cfg(feature = "lab")]
mod bench_drafts;
mod complete;
mod complete_word;
mod completions;
mod consent;
mod context;
mod debug;
mod doctor;
mod follow;
mod forget;
mod hook;
mod index;
mod invocation;
mod json_text;
#[cfg(feature = "lab")]
mod lab;
mod lines;
mod manual;
mod markdown;
mod markdown_stream;
mod message;
mod models;
mod models_pull;
mod models_try;
mod out;
mod patch;
mod review;
mod sarif;
mod sealing;
mod search;
mod sessions;
mod settings;
mod settings_edit;
mod settings_read;
mod settings_told;
mod start;
mod tone;
mod undo;

pub use start::{Next, Opening, Wiring, farewell, report, start};

/// The exit code of a command that has run: 0, or 1 for a negative answer.
type Code = u8;

/// The exit code of a negative answer: nothing was found, or something bad was.
const NEGATIVE: Code = 1;
