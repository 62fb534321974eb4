//! The project's own rules for who works on it (`AGENTS.md`), for the stable part of the prompt.

use super::LeftOut;
use crate::base::{Failure, RepoPath, Result, TokenCount};
use crate::repo::Repo;

/// The rules as they are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Path and text, for [`super::Context::rules`]; none where there is no such file.
    pub shown: Option<(RepoPath, String)>,
    /// Tokens of that text.
    pub tokens: usize,
    /// What of the file is not shown, with the reason; for [`super::Context::left_out`].
    pub left_out: Vec<LeftOut>,
}

/// Reads the rules file `name` (empty for none) of a repository, as much of it from the
/// beginning as `max_tokens` allow, cut between paragraphs.
///
/// # Errors
/// Of kind config, if the name is no path inside the repository.
pub fn rules(repo: &Repo, name: &str, count: &dyn TokenCount, max_tokens: usize) -> Result<Rules> {
    let _ = (repo, name, count, max_tokens);
    Err(Failure::bug("rules are not built"))
}
