//! Floor 1: the repository as it lies on disk. git2 and ignore live here and nowhere else.
//!
//! Law: reads only (writing the working tree is `patch::write`'s; `stage` and `commit` write git's
//! own data, where the user asks for just that; `create` makes new repositories, in empty folders
//! of homebody's own); runs no program but the installed git, in
//! `installed`, for what libgit2 cannot read; never follows a link out of the root; a
//! folder that is no git repository works, without diffs; every name and every content is hostile
//! and is passed on as it is, to be made printable where shown.

pub mod blame;
mod case_twins;
mod command_settings;
pub mod commit;
mod confidential;
mod conversion;
mod create;
pub mod diff;
pub mod git;
pub mod history;
mod ignored;
mod index_view;
mod installed;
pub mod log;
mod new_file;
mod open;
#[cfg(test)]
mod proof;
pub mod read;
mod revisions;
pub mod stage;
mod submodules;
mod tree;
#[cfg(any(test, feature = "lab"))]
pub mod trial;
mod uncommitted;
pub mod unified;
pub mod walk;

use std::path::{Path, PathBuf};

use crate::base::encoding::{Decoded, decode};
use crate::base::{RepoPath, Result};

pub use blame::Blamed;
pub use case_twins::CaseTwins;
pub use commit::{CommitPlan, NewCommit};
pub use confidential::Confidential;
pub use diff::{Diff, DiffKind, DiffLine, DiffSpec, FileDiff, FileKind, FileStatus, Hunk};
pub use git::{Commit, Head, Status};
pub use history::{CommitLog, Past, PastFile, Run};
pub use ignored::{Globs, Ignoring};
pub use log::{HistoryEdges, Log, Logged, Since};
pub use new_file::NewFileForm;
pub use read::{BlobId, blob_id};
pub use revisions::RevisionName;
pub use stage::TextChange;
pub use tree::{TreeEntry, TreeKind};
pub use uncommitted::AtHead;
pub use walk::{FileEntry, MAX_FILE, Skipped, Walk, WalkRules};

/// A repository, or a plain folder treated as one.
#[derive(Debug, Clone)]
pub struct Repo {
    root: PathBuf,
    /// Git's own folder of this working tree (`.git`, or `.git/worktrees/NAME`).
    git_dir: Option<PathBuf>,
    /// The index that is being committed, where it is another than git's own.
    index: Option<PathBuf>,
    /// A remark for the user on how the repository was opened.
    note: Option<String>,
}

impl Repo {
    /// Opens the repository that holds `dir`: the working tree's root where git knows one
    /// (found upward, never across a file system's or a home folder's ceiling), else `dir`.
    ///
    /// # Errors
    /// Of kind environment, if `dir` is not there or cannot be read, or belongs to somebody
    /// else; of kind input, if it is a bare repository or its `.git` is broken, or if settings
    /// that git hands down in the environment are not in its form.
    pub fn open(dir: &Path) -> Result<Self> {
        let repo = open::open(dir)?;
        if repo.is_git() {
            // Later they could only be passed over.
            command_settings::of_the_environment()?;
        }
        Ok(repo)
    }

    /// The canonical root of the working tree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Git's own folder of this working tree, where there is one.
    pub fn git_dir(&self) -> Option<&Path> {
        self.git_dir.as_deref()
    }

    /// Tells whether git can be asked for diffs, status and history.
    pub const fn is_git(&self) -> bool {
        self.git_dir.is_some()
    }

    /// A remark for the user on how the repository was opened: that it uses a form of git we
    /// cannot read, so that it is treated as a plain folder.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Reads one file as text, in whatever encoding. Links that lead out of the root are refused,
    /// and so is what is no text, and what is larger than [`walk::MAX_FILE`].
    ///
    /// # Errors
    /// Of kind input, if there is no such file or it is refused; of kind environment, if the
    /// system does not let us read it.
    pub fn read(&self, path: &RepoPath) -> Result<Decoded> {
        let bytes = self.read_bytes(path)?;
        decode(&bytes).ok_or_else(|| {
            crate::base::Failure::input(format!("`{}` is not a text file", path.as_str()))
                .because("it holds NUL bytes or is in no known encoding")
        })
    }
}
