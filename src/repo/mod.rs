//! Floor 1: the repository as it lies on disk. git2 and ignore live here and nowhere else.
//!
//! Law: reads only (writing the working tree is `patch::write`'s); never follows a link out
//! of the root; a folder that is no git repository works, without diffs; every name and
//! every content is hostile and is passed on as it is, to be made printable where shown.

pub mod diff;
pub mod git;
pub mod walk;

use std::path::{Path, PathBuf};

use crate::base::{RepoPath, Result};

pub use diff::{Diff, DiffKind, DiffLine, DiffSpec, FileDiff, FileStatus, Hunk};
pub use git::{Commit, Head, Status};
pub use walk::{BlobId, FileEntry, FileText, Skipped, Walk, WalkRules};

/// A repository, or a plain folder treated as one.
#[derive(Debug, Clone)]
pub struct Repo {
    root: PathBuf,
    git: bool,
}

impl Repo {
    /// Opens the repository that holds `dir`: the working tree's root where git knows one
    /// (found upward, never across a file system's or a home folder's ceiling), else `dir`.
    ///
    /// # Errors
    /// Of kind environment, if `dir` is not there or cannot be read; of kind input, if it is
    /// a bare repository or its `.git` is broken.
    pub fn open(dir: &Path) -> Result<Self> {
        let _ = dir;
        Err(crate::base::Failure::bug("repo::open is not built"))
    }

    /// The canonical root of the working tree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether git can be asked for diffs, status and history.
    pub const fn is_git(&self) -> bool {
        self.git
    }

    /// Reads one file as text. Links that lead out of the root are refused, and so is what is
    /// not UTF-8 (UTF-16 with a byte-order mark and Latin-1 are converted and marked), what
    /// holds NUL, and what is larger than [`walk::MAX_FILE`].
    pub fn read(&self, path: &RepoPath) -> Result<FileText> {
        walk::read(self, path)
    }
}
