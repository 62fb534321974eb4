//! The conversation as a log: what the screen shows is appended to it as it comes, and is made
//! again from it alone.
//!
//! A block stands in the log whole when it is new, grows by what is added to it while the model
//! writes, and is marked by what is done to it. The log is written behind every event by comparing
//! the state with what is in the log already, so nothing has to be told twice.

mod export;
mod find;
mod replay;
mod write;

use serde::{Deserialize, Serialize};

use super::blocks::block::{AnswerBlock, Body};
use super::blocks::patch_marks::PatchMarks;
use super::event::Millis;
use crate::jobs::session::{self, PinnedFiles};
use crate::jobs::{Fold, Turn};

pub use export::export;
pub use find::find;
pub use replay::replay;
#[cfg(test)]
pub(super) use replay::settle;
#[cfg(test)]
pub(super) use tests::written_and_read;
pub(super) use write::{Log, write};

/// A record of a conversation's log.
pub type Record = session::Record<Screen>;

/// A change of what the screen shows. Blocks have numbers that rise in the order in which they
/// stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Screen {
    /// A block is new, or another one than before.
    Block {
        /// The block's number.
        block: u64,
        /// All of it.
        body: Box<Body>,
    },
    /// The model has written more.
    More {
        /// The number of the answer's block.
        block: u64,
        /// The addition to the text.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        text: String,
        /// The addition to the thinking.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        thinking: String,
        /// The figures of the answer so far.
        figures: Figures,
    },
    /// Something was done to a patch.
    Marks {
        /// The number of the patch's block.
        block: u64,
        /// All that was done to it.
        marks: PatchMarks,
    },
    /// Something was done to the findings of a review.
    Findings {
        /// The number of the review's block.
        block: u64,
        /// For each finding, in order: whether it is open, and whether it is dismissed.
        rows: Vec<(bool, bool)>,
    },
    /// A block is gone.
    Gone {
        /// The block's number.
        block: u64,
    },
}

/// The figures of an answer that is being written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    pieces: usize,
    first_token: Option<Millis>,
    thought: usize,
    since: Option<Millis>,
    until: Option<Millis>,
}

impl Figures {
    /// The figures of an answer.
    fn of(answer: &AnswerBlock) -> Self {
        Self {
            pieces: answer.pieces,
            first_token: answer.first_token,
            thought: answer.thinking.tokens,
            since: answer.thinking.since,
            until: answer.thinking.until,
        }
    }

    /// Makes them those of an answer.
    fn put(self, answer: &mut AnswerBlock) {
        answer.pieces = self.pieces;
        answer.first_token = self.first_token;
        answer.thinking.tokens = self.thought;
        answer.thinking.since = self.since;
        answer.thinking.until = self.until;
    }
}

/// A conversation, made from its log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conversation {
    /// The title; none before the first request.
    pub title: Option<String>,
    /// The blocks of the transcript, with their numbers.
    pub blocks: Vec<(u64, Body)>,
    /// The turns, as jobs are given them.
    pub turns: Vec<Turn>,
    /// The way in which it is folded.
    pub fold: Fold,
    /// The files that are pinned and dropped; none where it was never said.
    pub files: Option<PinnedFiles>,
    /// The session that it parted from, if it is a branch.
    pub branch_of: Option<String>,
    /// The greatest number that a block has had.
    pub last: u64,
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
