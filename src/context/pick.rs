//! Choosing excerpts for a request.

use std::collections::BTreeSet;

use super::{Context, Mention};
use crate::base::{Result, TokenCount};
use crate::index::Index;
use crate::repo::Repo;

/// What a request wants to be shown.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The words to search with.
    pub query: String,
    /// Named with `@`: first, and whole if they fit.
    pub mentions: Vec<Mention>,
    /// Pinned by the user: after mentions.
    pub pinned: Vec<Mention>,
    /// Dropped by the user: never.
    pub dropped: Vec<Mention>,
    /// Shown earlier in the conversation (path, start, end): not again.
    pub shown: BTreeSet<(String, u32, u32)>,
    /// The number of the first excerpt.
    pub first_id: u32,
    /// Tokens the excerpts may take.
    pub budget: usize,
    /// Most excerpts; 0 for a default.
    pub most: usize,
}

/// Chooses excerpts, within the budget, and says what stays out.
pub fn pick(
    wanted: &Wanted,
    repo: &Repo,
    index: &Index,
    count: &dyn TokenCount,
) -> Result<Context> {
    let _ = (wanted, repo, index, count);
    Err(crate::base::Failure::bug("pick is not built"))
}
