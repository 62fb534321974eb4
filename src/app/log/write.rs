//! From the state to the records that are not in the log yet.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::super::blocks::block::{AnswerBlock, Block, BlockId, Body};
use super::super::blocks::patch_block::PatchBlock;
use super::super::blocks::patch_marks::PatchMarks;
use super::super::blocks::review_block::ReviewBlock;
use super::super::command::{Command, IoCommand};
use super::super::event::Millis;
use super::super::state::State;
use super::{Conversation, Figures, Record, Screen};
use crate::jobs::Fold;
use crate::jobs::session::{PinnedFiles, line};

/// The longest time for which what the model writes is in memory alone.
const LONGEST: Millis = 2_000;
/// The time after which a log that could not be written is tried again.
const AGAIN: Millis = 30_000;

/// The part of the state that is in the log.
#[derive(Debug, Clone, Default)]
pub struct Log {
    blocks: HashMap<BlockId, Logged>,
    /// The greatest number that was given to a block.
    last: u64,
    titled: bool,
    /// The review whose title the conversation has, while it runs.
    titled_by: Option<BlockId>,
    turns: usize,
    fold: Fold,
    files: PinnedFiles,
    branch_of: Option<String>,
    /// True if all is to be told once more.
    anew: bool,
    /// Time from which on a log that could not be written is tried again.
    held_until: Option<Millis>,
    /// True once the person was told that it could not be written.
    told: bool,
}

/// A block in the log.
#[derive(Debug, Clone)]
struct Logged {
    number: u64,
    /// The revision that was looked at last.
    revision: u64,
    detail: Detail,
}

/// The parts of a block that are in the log by themselves.
#[derive(Debug, Clone)]
enum Detail {
    /// None: it is logged as a whole.
    Whole,
    /// An answer or a review that is being written.
    Running { extent: Extent, since: Millis },
    /// A patch: the hash of its change, and what was done to it.
    Patch(u64, PatchMarks),
    /// A review that has ended: the hash of what it told, and what was done to its findings.
    Review(u64, Vec<(bool, bool)>),
}

/// How much there is of an answer or a review that is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    /// Bytes of the text and of the thinking: these are logged as they grow.
    written: [usize; 2],
    /// Counts and marks of all else: with a change of one the block is logged anew.
    parts: [usize; 5],
}

impl Log {
    /// The log of a conversation that goes on, whose blocks now have these ids.
    pub fn of(conversation: &Conversation, blocks: &[Block]) -> Self {
        let numbers = conversation.blocks.iter().map(|(number, _)| *number);
        let logged = blocks.iter().zip(numbers).map(|(block, number)| {
            let logged = Logged {
                number,
                revision: block.revision,
                detail: Detail::of(&block.body, 0),
            };
            (block.id, logged)
        });
        Self {
            blocks: logged.collect(),
            last: conversation.last,
            titled: conversation.title.is_some(),
            turns: conversation.turns.len(),
            fold: conversation.fold.clone(),
            files: conversation.files.clone().unwrap_or_default(),
            branch_of: conversation.branch_of.clone(),
            ..Self::default()
        }
    }

    /// Takes in that the person has given the conversation a title.
    pub const fn named(&mut self) {
        self.titled_by = None;
    }

    /// Has records written with the next event, though they could not be a short while ago.
    pub const fn retry(&mut self) {
        self.held_until = None;
    }

    /// Tells whether records could not be written last.
    pub const fn is_failing(&self) -> bool {
        self.told
    }

    /// Takes in that records could not be written: later all are written once more. True where the
    /// person is not told yet.
    pub fn failed(&mut self, now: Millis) -> bool {
        let told = self.told;
        *self = Self {
            anew: true,
            held_until: Some(now + AGAIN),
            told: true,
            ..Self::default()
        };
        !told
    }
}

impl Detail {
    fn of(body: &Body, now: Millis) -> Self {
        match body {
            Body::Answer(_) | Body::Review(_) if is_running(body) => Self::Running {
                extent: extent(body),
                since: now,
            },
            Body::Patch(patch) => Self::Patch(hash(patch), patch.marks()),
            Body::Review(review) => Self::Review(told(review), review.rows()),
            _ => Self::Whole,
        }
    }
}

/// Has what is new in the state appended to the log.
pub fn write(state: &mut State, out: &mut Vec<Command>) {
    // A conversation begins with the first request.
    let begun = |block: &Block| matches!(block.body, Body::User(_));
    let new = state.log.last == 0 && !state.log.anew;
    if !state.keeps() || new && !state.blocks.iter().any(begun) {
        return;
    }
    let now = state.now;
    if state.log.held_until.is_some_and(|until| now < until) && !state.quitting {
        return;
    }
    let mut log = std::mem::take(&mut state.log);
    log.held_until = None;
    let records = records(&mut log, state);
    state.log = log;
    if !records.is_empty() {
        let grows = |record: &Record| matches!(record, Record::Screen(Screen::More { .. }));
        let sync = !records.iter().all(grows);
        let end = out.iter().position(|c| matches!(c, Command::Quit));
        let log = Command::Io(IoCommand::Log { records, sync });
        out.insert(end.unwrap_or(out.len()), log);
    }
}

/// The title that the log lacks: the first request, or the review that it was for, once more when
/// that has ended.
fn title(log: &mut Log, state: &State) -> Option<String> {
    let review = |id: BlockId| match state.block(id).map(|block| &block.body) {
        Some(Body::Review(review)) => Some(review),
        _ => None,
    };
    if log.titled {
        let ended = review(log.titled_by?).filter(|review| !review.phase.is_running())?;
        log.titled_by = None;
        return Some(line(&ended.title()));
    }
    let mut from_first = state
        .blocks
        .iter()
        .skip_while(|block| !matches!(block.body, Body::User(_)));
    let first = match from_first.next().map(|block| &block.body) {
        Some(Body::User(turn)) => turn.text.as_str(),
        _ => return None,
    };
    log.titled = true;
    let answer = from_first.next().map(|block| block.id);
    let Some((id, begun)) = answer.and_then(|id| Some((id, review(id)?))) else {
        return Some(line(first));
    };
    log.titled_by = begun.phase.is_running().then_some(id);
    Some(line(&begun.title()))
}

/// The records that the log lacks, which it has from then on.
fn records(log: &mut Log, state: &State) -> Vec<Record> {
    let mut records = Vec::new();
    if std::mem::take(&mut log.anew) {
        records.push(Record::Anew);
    }
    if state.branches.of != log.branch_of {
        log.branch_of.clone_from(&state.branches.of);
        records.extend(log.branch_of.clone().map(Record::Branch));
    }
    records.extend(title(log, state).map(Record::Title));
    let gone = |id: &BlockId| state.index_of(*id).is_none();
    let gone: Vec<BlockId> = log.blocks.keys().filter(|id| gone(id)).copied().collect();
    for id in gone {
        let logged = log.blocks.remove(&id);
        records.extend(logged.map(|logged| {
            let block = logged.number;
            Record::Screen(Screen::Gone { block })
        }));
    }
    for block in &state.blocks {
        let kept = !matches!(block.body, Body::Welcome | Body::Download(_));
        if kept && let Some(screen) = fresh(log, block, state) {
            records.push(Record::Screen(screen));
        }
    }
    for turn in state.turns.iter().skip(log.turns) {
        let turn = Box::new(turn.clone());
        records.push(Record::Turn { turn, shown: true });
    }
    log.turns = state.turns.len();
    if state.fold != log.fold {
        log.fold = state.fold.clone();
        let fold = log.fold.clone();
        records.push(Record::Fold { fold, shown: true });
    }
    let files = PinnedFiles {
        pinned: state.pins.clone(),
        dropped: state.drops.clone(),
        within: state.within.clone(),
    };
    if files != log.files {
        records.push(Record::Files(files.clone()));
        log.files = files;
    }
    records
}

/// The news of a block, if there are any.
fn fresh(log: &mut Log, block: &Block, state: &State) -> Option<Screen> {
    let whole = |number| {
        let body = Box::new(block.body.clone());
        Some(Screen::Block {
            block: number,
            body,
        })
    };
    let last = &mut log.last;
    let mut is_new = false;
    let logged = log.blocks.entry(block.id).or_insert_with(|| {
        *last += 1;
        is_new = true;
        Logged {
            number: *last,
            revision: block.revision,
            detail: Detail::of(&block.body, state.now),
        }
    });
    let number = logged.number;
    if is_new {
        return whole(number);
    }
    if logged.revision == block.revision {
        return None;
    }
    let part = logged.detail.part(number, &block.body, state);
    if !matches!(part, Part::Later) {
        logged.revision = block.revision;
    }
    match part {
        Part::Later | Part::Nothing => None,
        Part::Piece(screen) => Some(*screen),
        Part::Whole => {
            logged.detail = Detail::of(&block.body, state.now);
            whole(number)
        }
    }
}

/// The part of a changed block that the log lacks.
enum Part {
    /// No part yet: there will be more.
    Later,
    /// None: what changed is not kept.
    Nothing,
    /// A part that is kept by itself.
    Piece(Box<Screen>),
    /// All of it.
    Whole,
}

impl Detail {
    /// The part of a block that the log lacks, which it has from then on.
    fn part(&mut self, block: u64, body: &Body, state: &State) -> Part {
        match (self, body) {
            (Self::Running { extent, since }, body) if is_running(body) => {
                if state.now < *since + LONGEST && !state.quitting {
                    return Part::Later;
                }
                let now = self::extent(body);
                if *extent == now {
                    // The figures alone have changed: they are logged with what comes, or at the end.
                    return if state.quitting {
                        Part::Whole
                    } else {
                        Part::Later
                    };
                }
                let more = (extent.parts == now.parts)
                    .then(|| added(body, extent.written, block))
                    .flatten();
                (*extent, *since) = (now, state.now);
                more.map_or(Part::Whole, |more| Part::Piece(Box::new(more)))
            }
            (Self::Patch(known, marks), Body::Patch(patch)) if *known == hash(patch) => {
                let now = patch.marks();
                if *marks == now {
                    return Part::Nothing;
                }
                marks.clone_from(&now);
                Part::Piece(Box::new(Screen::Marks { block, marks: now }))
            }
            (Self::Review(known, rows), Body::Review(review)) if *known == told(review) => {
                let now = review.rows();
                if *rows == now {
                    return Part::Nothing;
                }
                rows.clone_from(&now);
                Part::Piece(Box::new(Screen::Findings { block, rows: now }))
            }
            _ => Part::Whole,
        }
    }
}

/// The addition to an answer since it held so much; none where it is something else.
fn added(body: &Body, [text, thinking]: [usize; 2], block: u64) -> Option<Screen> {
    let Body::Answer(answer) = body else {
        return None;
    };
    Some(Screen::More {
        block,
        text: answer.text.get(text..)?.to_owned(),
        thinking: answer.thinking.text.get(thinking..)?.to_owned(),
        figures: Figures::of(answer),
    })
}

pub(super) fn is_running(body: &Body) -> bool {
    match body {
        Body::Answer(answer) => answer.phase.is_running(),
        Body::Review(review) => review.phase.is_running(),
        _ => false,
    }
}

fn extent(body: &Body) -> Extent {
    match body {
        Body::Answer(answer) => of_answer(answer),
        Body::Review(review) => of_review(review),
        _ => Extent {
            written: [0; 2],
            parts: [0; 5],
        },
    }
}

fn of_answer(answer: &AnswerBlock) -> Extent {
    Extent {
        written: [answer.text.len(), answer.thinking.text.len()],
        parts: [
            answer.sources.len(),
            answer.edits.len(),
            answer.notes.len(),
            usize::from(answer.context.is_some()),
            usize::from(answer.thinking.cut.is_some()) + 2 * usize::from(answer.thinking.open),
        ],
    }
}

fn of_review(review: &ReviewBlock) -> Extent {
    Extent {
        written: [0; 2],
        parts: [
            review.findings.len(),
            // Both only grow.
            review.progress.0 + review.read.len(),
            review.notes.len(),
            usize::from(review.context.is_some()),
            review
                .rows()
                .iter()
                .fold(0, |sum: usize, (open, dismissed)| {
                    let row = usize::from(*open) + 2 * usize::from(*dismissed);
                    sum.wrapping_mul(31).wrapping_add(row)
                }),
        ],
    }
}

/// A number for all that a review told: where it was stopped, its end may tell other findings.
fn told(review: &ReviewBlock) -> u64 {
    let findings: Vec<_> = review.findings.iter().map(|row| &row.finding).collect();
    let rest = (&review.unread, &review.notes, review.phase, &review.usage);
    let mut hasher = DefaultHasher::new();
    format!("{findings:?} {rest:?} {:?}", review.context).hash(&mut hasher);
    hasher.finish()
}

/// A number for the change of a patch, so that it need not be kept twice.
fn hash(patch: &PatchBlock) -> u64 {
    let mut hasher = DefaultHasher::new();
    for file in &patch.change.files {
        (&file.path, &file.renamed_to, &file.before, &file.after).hash(&mut hasher);
    }
    patch.troubles.hash(&mut hasher);
    hasher.finish()
}
