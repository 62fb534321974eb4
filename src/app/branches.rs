//! The branches of a conversation: it parts where an earlier question is asked again.
//!
//! A branch is a session of its own, so it is listed, looked into, gone on with and deleted as any.
//! Where nothing is kept on disk, the branches that were left are in memory.

use super::blocks::block::{Block, BlockId, Body, Sent};
use super::event::Millis;
use super::state::State;
use crate::jobs::session::line;
use crate::jobs::{Fold, Turn};

/// The branches of a conversation.
#[derive(Debug, Clone, Default)]
pub struct Branches {
    /// The id of the session that this one parted from, if it is a branch.
    pub of: Option<String>,
    /// Branches that were left and are in memory alone, the newest last.
    pub left: Vec<Branch>,
    /// The question that the next choice of a model answers anew.
    pub(super) with_model: Option<BlockId>,
    /// The word that goes before its answer: which model stays, and how the former comes back.
    pub(super) stays: Option<String>,
    /// Times that what is being sent was asked before.
    pub(super) reseed: u32,
    /// Time Esc was pressed where nothing was left to stop: a second one soon after goes back.
    pub(super) armed: Option<Millis>,
}

/// A branch that was left.
#[derive(Debug, Clone)]
pub struct Branch {
    /// Its blocks.
    pub blocks: Vec<Block>,
    /// Its turns.
    pub turns: Vec<Turn>,
    /// The way in which it is folded.
    pub fold: Fold,
}

/// A row of the choice of an earlier question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackRow {
    /// The question, or the last one of a branch, in a line.
    pub text: String,
    /// The thing that is gone back to.
    pub to: BackTo,
}

/// A thing that one can go back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackTo {
    /// A question of this conversation: its block, and its number from 1.
    Question(BlockId, usize),
    /// A branch in memory, by its place.
    Branch(usize),
}

impl State {
    /// The questions that can be asked again, oldest first, and the branches that were left.
    pub(super) fn back_rows(&self) -> Vec<BackRow> {
        let asked = self.blocks.iter().filter_map(|block| match &block.body {
            Body::User(turn) if turn.sent == Sent::Yes => {
                turn.typed().map(|_| (block.id, &turn.text))
            }
            _ => None,
        });
        let asked = (1..).zip(asked).map(|(number, (id, text))| BackRow {
            text: line(text),
            to: BackTo::Question(id, number),
        });
        let left = self.branches.left.iter().enumerate();
        let left = left.map(|(at, branch)| BackRow {
            text: branch.last_words(),
            to: BackTo::Branch(at),
        });
        left.chain(asked).collect()
    }
}

impl Branch {
    fn last_words(&self) -> String {
        let mut from_last = self.blocks.iter().rev().map(|block| &block.body);
        let last = from_last.find_map(|body| match body {
            Body::User(turn) => Some(line(&turn.text)),
            _ => None,
        });
        // One that has no request was never left.
        last.unwrap_or_default()
    }
}
