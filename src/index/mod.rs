//! Floor 2: what stands where. Definitions by tree-sitter, words by tantivy, what commits said
//! of them by git, kept on disk and brought up to date by blob id.
//!
//! A query is looked at in several views (`views`): the words of each piece, its name, its
//! neighbouring words, the commits that touched it, its file as a whole. A first guess by these
//! gives candidates; what is told of each (`features`, `file_features`) is ranked by forests that
//! were learned (`rank`), and the best become ranges that are worth showing (`arrange`). Where an
//! embedding model is installed, what pieces mean (`meaning`) and what commits meant (`past`)
//! is compared with the query too.
//!
//! Law: an [`Index`] is an immutable snapshot, replaced whole; a reader never waits for a
//! writer; a killed builder leaves the last good snapshot in place. tree-sitter lives in
//! `symbols` only.

mod adopt;
mod arrange;
pub mod build;
mod checked;
mod class;
mod feature_names;
mod features;
mod file_features;
mod history;
mod meaning;
mod outline;
mod past;
mod pieces;
mod rank;
pub mod scripts;
mod search;
mod short;
pub mod snapshot;
mod stem;
mod store;
pub mod symbols;
mod table;
pub mod terms;
mod update;
mod vectors;
mod views;

use serde::{Deserialize, Serialize};

use crate::base::{LineRange, RepoPath};

pub use adopt::adopt;
pub use build::{Progress, build, open};
pub use meaning::{Coverage, Meaning};
pub use outline::Outlined;
pub use scripts::is_english;
pub use search::Part;
pub use snapshot::Index;

/// What kind of thing a definition is.
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
    /// Its own name.
    pub name: String,
    /// The names around it, outermost first, joined by `::`; empty at top level.
    pub within: String,
    /// What it is.
    pub kind: SymbolKind,
    /// From its doc comment and attributes to its last line.
    pub range: LineRange,
    /// Its first line of code, trimmed, at most 200 bytes.
    pub signature: String,
}

/// How a file is counted in ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileClass {
    /// Code.
    Source,
    /// Tests, benches, fixtures.
    Test,
    /// Prose, and examples.
    Docs,
    /// Written by a machine.
    Generated,
    /// Somebody else's.
    Vendored,
    /// Configuration and build files.
    Build,
}

/// A search result: lines of a file, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The file.
    pub path: RepoPath,
    /// The lines, with short neighbours of what was found.
    pub range: LineRange,
    /// What was found, without them.
    pub core: LineRange,
    /// The definition that was found, where it is one.
    pub symbol: Option<Symbol>,
    /// Comparable within one search only: 1 for the best, and how much less likely others are.
    pub score: f32,
    /// In a word: `name`, `path`, `text`, `history`.
    pub why: String,
}

/// What an index holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Files indexed.
    pub files: usize,
    /// Definitions.
    pub symbols: usize,
    /// Bytes of source read.
    pub source_bytes: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Files by language, most first.
    pub languages: Vec<(String, usize)>,
    /// What the walk left out.
    pub skipped: crate::repo::Skipped,
    /// What the user should know: kept in memory only, another process is writing.
    pub note: Option<String>,
}
