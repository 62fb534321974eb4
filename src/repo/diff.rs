//! Diffs as values, whether git made them or somebody piped them in.

use serde::{Deserialize, Serialize};

use super::Repo;
use crate::base::{Failure, RepoPath, Result};

/// Which diff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiffSpec {
    /// Index against HEAD.
    Staged,
    /// Working tree against index, untracked files included as new.
    Unstaged,
    /// A commit against its first parent (or nothing).
    Commit(String),
    /// `A..B` or `A...B` (from the merge base).
    Range(String),
    /// Working tree and index against the merge base with a branch.
    Base(String),
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileStatus {
    /// New.
    Added,
    /// Gone.
    Deleted,
    /// Changed in place.
    Modified,
    /// Under another name, perhaps changed too.
    Renamed,
    /// Mode or type only.
    ModeChanged,
}

/// Which side of the diff a line stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiffKind {
    /// On both sides.
    Context,
    /// On the new side.
    Added,
    /// On the old side.
    Removed,
}

/// A line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffLine {
    /// Which side.
    pub kind: DiffKind,
    /// Number on the old side, from 1.
    pub old: Option<u32>,
    /// Number on the new side, from 1.
    pub new: Option<u32>,
    /// The text without its newline.
    pub text: String,
}

/// A run of changed lines with context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// First line on the old side (0 where there is none).
    pub old_start: u32,
    /// Lines on the old side.
    pub old_len: u32,
    /// First line on the new side (0 where there is none).
    pub new_start: u32,
    /// Lines on the new side.
    pub new_len: u32,
    /// What git prints after the second `@@`.
    pub section: String,
    /// The lines.
    pub lines: Vec<DiffLine>,
}

/// What changed in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDiff {
    /// The name before, where it was another or the file is gone.
    pub old_path: Option<RepoPath>,
    /// The name now; the old one for a deleted file.
    pub path: RepoPath,
    /// What happened.
    pub status: FileStatus,
    /// Binary: no hunks.
    pub binary: bool,
    /// The changes.
    pub hunks: Vec<Hunk>,
}

/// A diff over files, in order of path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// The files.
    pub files: Vec<FileDiff>,
}

impl Diff {
    /// Lines added and removed.
    pub fn line_counts(&self) -> (usize, usize) {
        let lines = || {
            self.files
                .iter()
                .flat_map(|f| &f.hunks)
                .flat_map(|h| &h.lines)
        };
        (
            lines().filter(|l| l.kind == DiffKind::Added).count(),
            lines().filter(|l| l.kind == DiffKind::Removed).count(),
        )
    }

    /// Reads a unified diff, as `git diff` and `diff -u` write it (`--stdin`).
    ///
    /// # Errors
    /// Of kind input, naming the line that is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        let _ = text;
        Err(Failure::bug("Diff::parse is not built"))
    }

    /// The diff as git would write it, with `a/` and `b/`.
    pub fn to_unified(&self) -> String {
        String::new()
    }
}

impl Repo {
    /// Makes a diff with `context` lines around changes. Binary files and files over
    /// [`super::walk::MAX_FILE`] come without hunks.
    pub fn diff(&self, spec: &DiffSpec, context: u32) -> Result<Diff> {
        let _ = (spec, context);
        Err(Failure::bug("diff is not built"))
    }
}
