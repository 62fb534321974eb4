//! The immutable index.

use crate::base::{RepoPath, Result};

use super::{FileClass, Hit, Stats, Symbol};

/// An immutable snapshot of a repository's index, shared as `Arc<Index>`.
#[derive(Debug, Default)]
pub struct Index {
    stats: Stats,
}

impl Index {
    /// An index of nothing, for folders not indexed yet and for tests.
    pub fn empty() -> Self {
        Self::default()
    }

    /// What it holds.
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// All files, in order of path.
    pub fn paths(&self) -> Vec<RepoPath> {
        Vec::new()
    }

    /// Whether the file is indexed.
    pub fn contains(&self, path: &RepoPath) -> bool {
        let _ = path;
        false
    }

    /// The class of an indexed file.
    pub fn class(&self, path: &RepoPath) -> Option<FileClass> {
        let _ = path;
        None
    }

    /// The definitions of one file, in order of line.
    pub fn symbols(&self, path: &RepoPath) -> Vec<Symbol> {
        let _ = path;
        Vec::new()
    }

    /// The definitions of that name, everywhere.
    pub fn named(&self, name: &str) -> Vec<(RepoPath, Symbol)> {
        let _ = name;
        Vec::new()
    }

    /// The `top` best places for a query in plain words, code or both, best first, without
    /// overlaps.
    pub fn search(&self, query: &str, top: usize) -> Result<Vec<Hit>> {
        super::search::search(self, query, top)
    }
}
