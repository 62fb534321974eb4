//! What git knows: head, status, commits.

use super::Repo;
use crate::base::{Failure, Result};

/// Where HEAD points.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// The branch's short name; none when detached or no repository.
    pub branch: Option<String>,
    /// The commit in 40 hex digits; none before the first commit.
    pub commit: Option<String>,
    /// HEAD names a commit and no branch.
    pub detached: bool,
}

/// How many files differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Status {
    /// Staged against HEAD.
    pub staged: usize,
    /// In the working tree against the index.
    pub unstaged: usize,
    /// Not known to git and not ignored.
    pub untracked: usize,
}

/// A commit, for prompts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// 40 hex digits.
    pub id: String,
    /// First line of the message.
    pub subject: String,
    /// The rest of the message, trimmed.
    pub body: String,
}

impl Repo {
    /// Where HEAD points; all empty in a folder that is no git repository.
    pub fn head(&self) -> Result<Head> {
        Err(Failure::bug("head is not built"))
    }

    /// How many files differ.
    pub fn status(&self) -> Result<Status> {
        Err(Failure::bug("status is not built"))
    }

    /// The last `n` commits reachable from HEAD, newest first; none before the first commit.
    pub fn recent_commits(&self, n: usize) -> Result<Vec<Commit>> {
        let _ = n;
        Err(Failure::bug("recent_commits is not built"))
    }

    /// The folder of git hooks (honours `core.hooksPath` and worktrees).
    pub fn hooks_dir(&self) -> Result<std::path::PathBuf> {
        Err(Failure::bug("hooks_dir is not built"))
    }
}
