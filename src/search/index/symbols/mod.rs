//! Definitions of a source text, by tree-sitter. Pure.
//!
//! The only place that knows tree-sitter. The rules by which nodes are definitions stand in
//! `rules` and `table`, the walk through the tree in `walk`. The walk is a loop, not a recursion, so that no
//! nesting can exhaust the stack, and parsing stops after a time limit.

mod language;
mod node;
mod rules;
mod sections;
mod table;
mod walk;

pub use language::Language;
pub use sections::{keys, scripts, sections};
pub use walk::{errors, parse};

#[cfg(test)]
mod tests;
