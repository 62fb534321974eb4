//! Words that are looked for in what is shown: the transcript, or the text that lies over it.

use super::blocks::block::BlockId;
use super::state::Scroll;

/// A search in what is shown, from its key to Esc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Find {
    /// The words, as typed. Without capital letters they mean those too.
    pub words: String,
    /// True while they are typed.
    pub typing: bool,
    /// The match at the cursor; none before there is one.
    pub at: Option<Match>,
    /// The part of the transcript that was in view before.
    pub(super) from: Scroll,
    /// True if the search is in a text that lies over the transcript.
    pub(super) over: bool,
    /// The first row of it, or of the text that lies over it: matches are looked for from here.
    pub(super) row: u64,
}

/// The place at which a match begins, in rows as they are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Match {
    /// The block; none in a text that lies over the transcript.
    pub block: Option<BlockId>,
    /// The row of the block or text, from 0.
    pub line: u32,
    /// True in the right one of two texts side by side.
    pub right: bool,
    /// The cell of the text, from 0.
    pub cell: u16,
}
