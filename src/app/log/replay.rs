//! From a log to the conversation.

use std::collections::BTreeMap;

use super::super::blocks::block::{AnswerBlock, Body, Check, JobKind, Phase, Sent, UserTurn};
use super::super::blocks::patch_block::{PatchRow, PatchState};
use super::super::blocks::review_block::ReviewBlock;
use super::write::is_running;
use super::{Conversation, Record, Screen};
use crate::jobs::Turn;

/// Makes a conversation from its records. What ran when the log broke off has stopped; what was
/// being applied is open; what waited is withdrawn.
pub fn replay(records: Vec<Record>) -> Conversation {
    let mut made = Conversation::default();
    let mut blocks = BTreeMap::new();
    for record in records {
        match record {
            Record::Title(title) => made.title = Some(title),
            Record::Files(files) => made.files = Some(files),
            Record::Branch(of) => made.branch_of = Some(of),
            Record::Turn { turn, shown } => {
                if !shown {
                    show(&turn, made.turns.len(), &mut made.last, &mut blocks);
                    made.title.get_or_insert_with(|| turn.request.clone());
                }
                made.turns.push(*turn);
            }
            Record::Fold { fold, shown } => {
                if !shown {
                    made.last += 1;
                    blocks.insert(made.last, Body::Fold(fold.clone()));
                }
                made.fold = fold;
            }
            Record::Anew => {
                made = Conversation::default();
                blocks.clear();
            }
            Record::Screen(screen) => made.last = made.last.max(take(screen, &mut blocks)),
        }
    }
    made.turns.extend(interrupted(&blocks));
    for body in blocks.values_mut() {
        settle(body);
    }
    made.blocks = blocks.into_iter().collect();
    made
}

/// Adds the blocks of a turn of which the log has none: it was asked on the command line.
fn show(turn: &Turn, before: usize, last: &mut u64, blocks: &mut BTreeMap<u64, Body>) {
    let mut answer = AnswerBlock::new(JobKind::Ask, 0);
    answer.text.clone_from(&turn.answer);
    answer.sources.clone_from(&turn.sources);
    answer.phase = Phase::Done;
    let user = UserTurn {
        text: turn.request.clone(),
        job: JobKind::Ask,
        sent: Sent::Yes,
        pastes: Vec::new(),
        open: false,
        before: Some(before),
        reseed: 0,
        asks: None,
    };
    for body in [Body::User(user), Body::Answer(Box::new(answer))] {
        *last += 1;
        blocks.insert(*last, body);
    }
}

/// Takes a change into the blocks, and gives the number of the block.
fn take(screen: Screen, blocks: &mut BTreeMap<u64, Body>) -> u64 {
    match screen {
        Screen::Block { block, body } => {
            blocks.insert(block, *body);
            block
        }
        Screen::More {
            block,
            text,
            thinking,
            figures,
        } => {
            if let Some(Body::Answer(answer)) = blocks.get_mut(&block) {
                answer.text += &text;
                answer.thinking.text += &thinking;
                figures.put(answer);
            }
            block
        }
        Screen::Marks { block, marks } => {
            if let Some(Body::Patch(patch)) = blocks.get_mut(&block) {
                patch.set_marks(marks);
            }
            block
        }
        Screen::Findings { block, rows } => {
            if let Some(Body::Review(review)) = blocks.get_mut(&block) {
                review.set_rows(&rows);
            }
            block
        }
        Screen::Gone { block } => {
            blocks.remove(&block);
            block
        }
    }
}

/// The turn of the last question, if the log broke off while it was being answered: what is there
/// of the answer stands in the conversation.
fn interrupted(blocks: &BTreeMap<u64, Body>) -> Option<Turn> {
    let mut from_last = blocks.values().rev();
    let answer = from_last.find_map(|body| match body {
        Body::Answer(answer) if is_running(body) && answer.job == JobKind::Ask => Some(answer),
        _ => None,
    })?;
    let request = from_last.find_map(|body| match body {
        Body::User(turn) => Some(turn.text.clone()),
        _ => None,
    })?;
    (!answer.text.is_empty()).then(|| Turn {
        sent: request.clone(),
        request,
        answer: answer.text.clone(),
        sources: answer.sources.clone(),
        continues: false,
        whole: false,
    })
}

/// Brings a block to rest: nothing of it runs or waits any more.
pub(in crate::app) fn settle(body: &mut Body) {
    let running = is_running(body);
    match body {
        Body::User(turn) if turn.sent != Sent::Yes => turn.sent = Sent::Withdrawn,
        Body::Answer(answer) if running => {
            answer.phase = Phase::Stopped;
            let thinking = &mut answer.thinking;
            if let Some(since) = thinking.since {
                thinking.until.get_or_insert(since);
            }
        }
        Body::Review(review) => {
            if running {
                stop(review);
            }
            review.cursor = 0;
        }
        Body::Patch(patch) => {
            if patch.state == PatchState::Applying {
                patch.state = PatchState::Open;
            }
            if matches!(patch.check, Check::Running { .. }) {
                patch.check = Check::None;
            }
            (patch.failure, patch.committing) = (None, None);
            patch.cursor = match patch.hunks.first() {
                Some(_) => PatchRow::Hunk(0),
                None => PatchRow::File(0),
            };
        }
        _ => {}
    }
}

fn stop(review: &mut ReviewBlock) {
    review.phase = Phase::Stopped;
    review.at = None;
    if let Some(since) = review.thinking.since {
        review.thinking.until.get_or_insert(since);
    }
}
