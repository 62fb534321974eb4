//! Floor 2: from what a model may write to edits, to new texts, to files on disk, and back.
//!
//! Law: all or nothing; an edit names its lines, and how they read when it was written;
//! nothing outside the repository, in `.git`, or through a link is ever touched; what was
//! there before is recorded first, so that `undo` can bring it back. Only `write` touches
//! the working tree. It knows no git: which paths are allowed is given to it.

pub mod apply;
mod disk;
mod edit_language;
mod hunks;
mod merge;
mod record;
mod unified;
pub mod write;

use serde::{Deserialize, Serialize};

use crate::base::{LineRange, RepoPath, Result};

pub use apply::{Change, ChangedHunk, FileChange};
pub use edit_language::{EditGrammar, EditLanguage, Scope, ScopeFile};
pub use write::{Applied, Foreign, UndoDir, Undone};

/// How an edit is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EditKind {
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
    /// Lines of a file become others.
    Lines {
        /// The file.
        path: RepoPath,
        /// The lines, from 1; the first one for a file that has none.
        range: LineRange,
        /// How they read when the edit was written, each with `\n` behind it.
        old: String,
        /// Whole lines to stand there.
        new: String,
        /// How the place was said: [`EditKind::Replace`] or [`EditKind::Rewrite`].
        kind: EditKind,
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
            Self::Lines { path, .. }
            | Self::Create { path, .. }
            | Self::Delete { path }
            | Self::Rename { path, .. } => path,
        }
    }

    /// How it is said.
    pub const fn kind(&self) -> EditKind {
        match self {
            Self::Lines { kind, .. } => *kind,
            Self::Create { .. } => EditKind::Create,
            Self::Delete { .. } => EditKind::Delete,
            Self::Rename { .. } => EditKind::Rename,
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
