//! Jinja as Python runs it. Published chat templates were written against jinja2 with the
//! settings of the `transformers` library; where minijinja does otherwise, or lacks what
//! Python's values have, it is set right in this folder and nowhere else.
//!
//! Law: a template is hostile text. It gets no clock, no files, no network, and an end to how
//! long it runs, how much it writes and how much memory it takes: it is rendered in a process of
//! its own.

mod environment;
mod json;
mod python;
mod rendering;
mod source;

#[cfg(test)]
mod tests;

use environment::environment;
pub(super) use rendering::Compiled;
pub use rendering::answer;
pub(super) use source::prepared;
