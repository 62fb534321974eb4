//! `@path` and `@path:10-40` in a request.

use crate::base::{LineRange, RepoPath};

/// A file, folder or range the user names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// What stands after `@`, without the range.
    pub path: RepoPath,
    /// The lines, where given.
    pub range: Option<LineRange>,
}

/// The mentions in a text: `@src/a.rs`, `@src/a.rs:10`, `@src/a.rs:10-40`, `@"with space.rs"`.
pub fn mentions(text: &str) -> Vec<Mention> {
    let _ = text;
    Vec::new()
}
