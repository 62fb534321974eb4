//! Jinja as Python runs it. Published chat templates were written against jinja2 with the
//! settings of the `transformers` library; where minijinja does otherwise, or lacks what
//! Python's values have, it is set right in this folder and nowhere else.
//!
//! Law: a template is hostile text. It gets no clock, no files, no network, and an end to how
//! long it runs and how much it writes.

mod environment;
mod json;
mod python;
mod source;

#[cfg(test)]
mod tests;

pub(super) use environment::environment;
pub(super) use source::prepared;
