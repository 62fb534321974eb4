//! Floor 1: from the text a model wrote to edits, to new texts, to files on disk, and back.
//!
//! Law: all or nothing; text that is to be replaced stands in the file at exactly one place;
//! nothing outside the repository, in `.git`, or through a link is ever touched; what was
//! there before is recorded first, so that `undo` can bring it back. Only `write` touches
//! the working tree. It knows no git: which paths are allowed is given to it.

pub mod apply;
mod disk;
mod hunks;
pub mod lines;
pub mod locate;
pub mod mask;
mod merge;
pub mod parse;
mod record;
mod said;
mod unified;
pub mod write;

use serde::{Deserialize, Serialize};

use crate::base::{LineRange, RepoPath, Result};

pub use apply::{Change, ChangedHunk, FileChange};
pub use mask::{EditMask, Scope, ScopeFile};
pub use parse::{Parsed, parse, parse_cut};
pub use write::{Applied, Foreign, UndoDir, Undone};

/// How an edit is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Text that stands in the file, whole lines, then the new text.
    Replace,
    /// A line range or definition written anew.
    Rewrite,
    /// A new file.
    Create,
    /// A file taken away.
    Delete,
    /// A file under a new name.
    Rename,
}

/// One proposed change, as the model said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// `old` stands in the file at exactly one place and becomes `new`.
    Replace {
        /// The file.
        path: RepoPath,
        /// Whole lines that stand there.
        old: String,
        /// Whole lines to stand there.
        new: String,
    },
    /// The lines of `range` become `new`.
    Rewrite {
        /// The file.
        path: RepoPath,
        /// The lines.
        range: LineRange,
        /// Whole lines to stand there.
        new: String,
    },
    /// A new file.
    Create {
        /// The file, which must not exist.
        path: RepoPath,
        /// Its text.
        text: String,
    },
    /// A file taken away.
    Delete {
        /// The file.
        path: RepoPath,
    },
    /// A file under a new name.
    Rename {
        /// The file.
        path: RepoPath,
        /// The new name, which must not exist.
        to: RepoPath,
    },
}

impl Edit {
    /// The file concerned.
    pub const fn path(&self) -> &RepoPath {
        match self {
            Self::Replace { path, .. }
            | Self::Rewrite { path, .. }
            | Self::Create { path, .. }
            | Self::Delete { path }
            | Self::Rename { path, .. } => path,
        }
    }

    /// How it is said.
    pub const fn form(&self) -> Form {
        match self {
            Self::Replace { .. } => Form::Replace,
            Self::Rewrite { .. } => Form::Rewrite,
            Self::Create { .. } => Form::Create,
            Self::Delete { .. } => Form::Delete,
            Self::Rename { .. } => Form::Rename,
        }
    }
}

/// Where `patch` gets the texts from: the repository, or a map in tests.
pub trait Texts {
    /// The text of a file that may be edited.
    ///
    /// # Errors
    /// Of kind input, if it is not there, not text, or must not be touched.
    fn text(&self, path: &RepoPath) -> Result<String>;

    /// Whether something stands at that path, whatever it is.
    fn exists(&self, path: &RepoPath) -> bool;

    /// Whether a new file may be made there (inside, not ignored, legal).
    ///
    /// # Errors
    /// Of kind input, with the reason why not.
    fn may_create(&self, path: &RepoPath) -> Result<()>;
}
