//! Floor 2: the index of a repository. Definitions by tree-sitter, words by tantivy, what commits
//! said of them by git, kept on disk and brought up to date by blob id.
//!
//! A query is looked at in several views (`views`): the words of each piece, its name, its
//! neighbouring words, the commits that touched it, its file as a whole. A first guess by these
//! gives candidates; the features of each are ranked by forests that were learned, and the best
//! become ranges that are worth showing (`ranking`). Where an embedding model is installed, the
//! meaning of pieces and of commits (`meaning`) is compared with the query too. How a text becomes
//! terms stands in `words`.
//!
//! Law: an [`Index`] is an immutable snapshot, replaced whole; a reader never waits for a
//! writer; a killed builder leaves the last good snapshot in place. tree-sitter lives in
//! `symbols` only.

mod adopt;
pub mod build;
mod checked;
mod class;
mod history;
mod meaning;
mod names;
mod outline;
mod part;
mod pieces;
mod ranking;
mod search;
pub mod snapshot;
mod store;
pub mod symbols;
mod table;
#[cfg(test)]
mod trial;
mod update;
mod views;
pub mod words;

use serde::{Deserialize, Serialize};

use crate::base::{LineRange, RepoPath};

pub use adopt::adopt;
#[cfg(any(test, feature = "lab"))]
pub use build::built;
pub use build::{Progress, build, open};
pub use class::is_lock_file;
pub use meaning::embeddings::{Coverage, Meaning};
pub use names::{FileSize, name_parts};
pub use outline::Outlined;
pub(crate) use pieces::lines_of;
pub use search::SearchPart;
pub use snapshot::Index;
pub use words::scripts::is_english;

/// The kind of a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SymbolKind {
    /// A free function.
    Function,
    /// A function of a type.
    Method,
    /// A struct, class, record or union.
    Type,
    /// An enumeration.
    Enum,
    /// A trait, interface or protocol.
    Trait,
    /// A module or namespace.
    Module,
    /// A constant, static or global.
    Constant,
    /// A macro.
    Macro,
    /// A section of a document.
    Section,
    /// An `impl` block or extension.
    Impl,
}

/// A definition and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symbol {
    /// The definition's own name.
    pub name: String,
    /// Names of the definitions around this one, outermost first, joined by `::`; empty at top
    /// level.
    pub within: String,
    /// Kind of the definition.
    pub kind: SymbolKind,
    /// Lines from the doc comment and the attributes to the last line of the definition.
    pub range: LineRange,
    /// First line of code of the definition, trimmed, at most 200 bytes.
    pub signature: String,
}

impl Symbol {
    /// The definition's name behind the names around it: `Walk::next`.
    pub fn full_name(&self) -> String {
        if self.within.is_empty() {
            self.name.clone()
        } else {
            format!("{}::{}", self.within, self.name)
        }
    }
}

/// The class of a file, by which it counts more or less in ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileClass {
    /// Code that is none of the others.
    Source,
    /// Tests, benches, fixtures.
    Test,
    /// Prose, and examples.
    Docs,
    /// Files written by a machine.
    Generated,
    /// Copies of somebody else's files.
    Vendored,
    /// Configuration and build files.
    Build,
}

/// A search result: lines of a file, and why they were found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Path of the file.
    pub path: RepoPath,
    /// Lines of the piece that was found and of its short neighbours.
    pub range: LineRange,
    /// Lines of the piece alone.
    pub core: LineRange,
    /// The definition that the piece is or belongs to, where there is one.
    pub symbol: Option<Symbol>,
    /// Score, comparable within one search only: 1 for the best, less for what is less likely.
    pub score: f32,
    /// Why it was found, in a word: `name`, `path`, `text`, `history`.
    pub why: String,
    /// Number of definitions of the name that the query holds, where this is one of them; else 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub namesakes: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The sizes of an index, and how it came about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Number of files indexed.
    pub files: usize,
    /// Number of definitions.
    pub symbols: usize,
    /// Bytes of source read.
    pub source_bytes: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Number of files by language, most first.
    pub languages: Vec<(String, usize)>,
    /// Files that the walk left out.
    pub skipped: crate::repo::Skipped,
    /// Note for the user: kept in memory only, another process is writing.
    pub note: Option<String>,
}
