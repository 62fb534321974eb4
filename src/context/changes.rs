//! Diffs for the prompt: pieces that fit a budget, for reviews; an overview, for messages.

use std::ops::Range;

use super::{Excerpt, LeftOut};
use crate::base::{LineRange, RepoPath, TokenCount};
use crate::index::Index;
use crate::repo::{Diff, Repo};

/// A run of lines of one hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffPart {
    /// The file's name now.
    pub path: RepoPath,
    /// Which file of the diff, from 0.
    pub file: usize,
    /// Which hunk of the file, from 0.
    pub hunk: usize,
    /// Which lines of the hunk, from 0.
    pub lines: Range<usize>,
    /// Lines on the old side, where there are any.
    pub old: Option<LineRange>,
    /// Lines on the new side, where there are any.
    pub new: Option<LineRange>,
}

/// As much of a diff as is read at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffPiece {
    /// What it holds, in the order of the text.
    pub parts: Vec<DiffPart>,
    /// The diff as it stands in the prompt, lines numbered: `12+ new`, `11- old`, `13  both`.
    pub text: String,
    /// Definitions around the changes, to be written with [`super::pack::pack`].
    pub around: Vec<Excerpt>,
    /// Tokens of the text and of what is around it.
    pub tokens: usize,
}

/// A diff in pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiffPieces {
    /// To be read one after another.
    pub pieces: Vec<DiffPiece>,
    /// What is in none of them: binary files, lines that are too long.
    pub left_out: Vec<LeftOut>,
}

/// A diff as one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiffOverview {
    /// Every file with its counts, then as many of the changed lines as fit.
    pub text: String,
    /// Its tokens.
    pub tokens: usize,
    /// What is not shown in full.
    pub left_out: Vec<LeftOut>,
}

/// Cuts a diff into pieces of at most `budget` tokens, files and hunks in order; a hunk is cut
/// only if it is larger than a piece. With `around`, up to a quarter of each piece is kept for
/// the definitions that the changes stand in (read from the repository, and shown only where
/// the file still is as the diff's new side says); their numbers begin with `first_id` and go
/// on through the pieces.
pub fn diff_pieces(
    diff: &Diff,
    around: Option<(&Repo, &Index)>,
    budget: usize,
    first_id: u32,
    count: &dyn TokenCount,
) -> DiffPieces {
    let _ = (diff, around, budget, first_id, count);
    DiffPieces::default()
}

/// A diff as one text of at most `budget` tokens, each file getting its share: for commit
/// messages.
pub fn diff_overview(diff: &Diff, budget: usize, count: &dyn TokenCount) -> DiffOverview {
    let _ = (diff, budget, count);
    DiffOverview::default()
}
