//! Floor 2: from what a model may write to edits, to new texts, to files on disk, and back.
//!
//! Law: all or nothing; an edit names its lines, and how they read when it was written;
//! nothing outside the repository, in `.git`, or through a link is ever touched; what was
//! there before is recorded first, so that `undo` can bring it back. Only `write` touches
//! the working tree. It knows no git: which paths are allowed is given to it.

pub mod apply;
pub mod attributes;
mod disk;
mod edit_language;
mod growing;
mod hunks;
mod merge;
mod own_encoding;
mod record;
mod refused;
mod section;
pub mod undo;
mod unified;
pub mod write;

use serde::{Deserialize, Serialize};

use crate::base::{LineRange, RepoPath, Result};

pub use apply::{Change, FileChange};
pub use edit_language::{EditAnswer, EditGrammar, EditLanguage, Scope, ScopeFile};
pub use growing::{Growing, GrowingEdit, growing};
pub use hunks::ChangedHunk;
pub use merge::merged;
pub use own_encoding::to_unified_bytes;
pub use refused::Refused;
pub use undo::{UndoRequest, Undoable, Undone};
pub use write::{Applied, Foreign, UndoDir};

/// The kinds of edits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EditKind {
    /// Whole lines as they stand in the file, then the new text.
    Replace,
    /// A range of lines or a definition, written anew.
    Rewrite,
    /// A new file.
    Create,
    /// A file taken away.
    Delete,
    /// A file under a new name.
    Rename,
}

impl EditKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Replace,
        Self::Rewrite,
        Self::Create,
        Self::Delete,
        Self::Rename,
    ];

    /// The word by which a model says an edit of that kind.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Rewrite => "rewrite",
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Rename => "rename",
        }
    }
}

/// A proposed change, as the model said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Lines of a file become others.
    Lines {
        /// The file.
        path: RepoPath,
        /// The lines, from 1; the first one for a file that has none.
        range: LineRange,
        /// The text of those lines when the edit was written, each with `\n` behind it.
        old: String,
        /// Whole lines to stand there.
        new: String,
        /// The kind by which the place was said: [`EditKind::Replace`] or [`EditKind::Rewrite`].
        kind: EditKind,
    },
    /// A new file.
    Create {
        /// The file, which must not exist.
        path: RepoPath,
        /// The file's text.
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

    /// The form of the edit.
    pub const fn kind(&self) -> EditKind {
        match self {
            Self::Lines { kind, .. } => *kind,
            Self::Create { .. } => EditKind::Create,
            Self::Delete { .. } => EditKind::Delete,
            Self::Rename { .. } => EditKind::Rename,
        }
    }
}

/// A source of texts for `patch`: the repository, or a map in tests.
pub trait Texts {
    /// The text of a file that may be edited.
    ///
    /// # Errors
    /// Of kind input, if it is not there, not text, or must not be touched.
    fn text(&self, path: &RepoPath) -> Result<String>;

    /// Checks that a text can be written into a file, which may be in an encoding that lacks some
    /// characters.
    ///
    /// # Errors
    /// Of kind input, with the character that cannot be written.
    fn can_hold(&self, _path: &RepoPath, _text: &str) -> Result<()> {
        Ok(())
    }

    /// The end of lines that a new file gets: `\n`, or `\r\n`.
    ///
    /// # Errors
    /// Of kind input, where it cannot be told.
    fn newline(&self, _path: &RepoPath) -> Result<&'static str> {
        Ok("\n")
    }

    /// Tells whether something stands at that path: a file, a folder or anything else.
    fn exists(&self, path: &RepoPath) -> bool;

    /// Checks that a new file may be made there (inside, not ignored, legal).
    ///
    /// # Errors
    /// Of kind input, with the reason why not.
    fn may_create(&self, path: &RepoPath) -> Result<()>;
}
