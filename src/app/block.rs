//! The blocks of the transcript.

use super::message::Millis;
use super::patch_block::PatchBlock;
use super::review_block::ReviewBlock;
use crate::base::Failure;
use crate::jobs::check::Checked;
use crate::jobs::{Context, Cut, Source, Usage};

/// Names a block for as long as the program runs. Never used twice; later blocks have
/// greater ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId(pub u64);

/// A block of the transcript.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Its name.
    pub id: BlockId,
    /// Grows with every change of the block: what was drawn for (id, revision, width, theme)
    /// may be kept. Figures that run with the clock (elapsed time, ETA) are not counted.
    pub revision: u64,
    /// What it is.
    pub body: Body,
}

/// What a block is.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// The first lines of an empty transcript: what this is and how to begin.
    Welcome,
    /// What the person asked.
    User(UserTurn),
    /// What the model writes: to a question, around a patch, or a commit message.
    Answer(Box<AnswerBlock>),
    /// A planned change.
    Patch(Box<PatchBlock>),
    /// A review.
    Review(Box<ReviewBlock>),
    /// A download.
    Download(Download),
    /// A word of the program.
    Note(Note),
    /// What went wrong: what, why, what to do.
    Error(Failure),
}

/// Which job a turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// A question.
    Ask,
    /// A change.
    Patch,
    /// A review.
    Review,
    /// A commit message.
    Message,
}

/// What the person asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserTurn {
    /// As typed.
    pub text: String,
    /// Which job.
    pub job: JobKind,
    /// Whether it has been sent.
    pub sent: Sent,
}

/// Whether a turn has been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It has.
    Yes,
    /// It waits for the model (being loaded, fetched or chosen).
    WaitsForModel,
    /// It waits until the job before it ends.
    WaitsForJob,
    /// It was taken back before it was sent.
    Withdrawn,
}

/// What the model writes.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerBlock {
    /// Which job; never [`JobKind::Review`].
    pub job: JobKind,
    /// Markdown as it came so far ([`JobKind::Message`]: plain text). While a patch is being
    /// written this is the raw answer with its edit blocks; at the end the prose around them.
    pub text: String,
    /// Where it stands.
    pub phase: Phase,
    /// The thinking before it.
    pub thinking: Thinking,
    /// The sources, after it; `cited` where the answer names them.
    pub sources: Vec<Source>,
    /// What the model was shown.
    pub context: Option<Context>,
    /// Edits announced while a patch is written, for people: `src/walk.rs:1480-1502`.
    pub edits: Vec<String>,
    /// What the job remarked on its way.
    pub notes: Vec<String>,
    /// The figures, at the end.
    pub usage: Option<Usage>,
    /// When it was sent.
    pub started: Millis,
    /// When the first token of text came.
    pub first_token: Option<Millis>,
    /// Pieces of text so far: tokens, as good as can be known while they come.
    pub pieces: usize,
    /// Whether the index was complete when excerpts were chosen; false is worth saying.
    pub index_complete: bool,
}

/// Where an answer stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Phase {
    /// Excerpts are being chosen.
    Choosing,
    /// The prompt is being read.
    Reading(Reading),
    /// The model thinks.
    Thinking,
    /// The model writes.
    Writing,
    /// Esc was pressed or the job was cancelled: what is there stays, marked.
    Stopped,
    /// It ended with an error, which stands in a block below.
    Failed,
    /// It is whole.
    Done,
}

impl Phase {
    /// Whether something more may come.
    pub const fn is_running(self) -> bool {
        matches!(
            self,
            Self::Choosing | Self::Reading(_) | Self::Thinking | Self::Writing
        )
    }
}

/// How far the prompt has been read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Tokens read, those kept from before included.
    pub done: usize,
    /// Tokens in all.
    pub total: usize,
    /// Tokens kept from before.
    pub cached: usize,
    /// Tokens a second; 0 where not known yet.
    pub rate: f64,
}

impl Reading {
    /// Seconds left, where that can be told.
    pub fn left_s(self) -> Option<f64> {
        (self.rate > 0.0 && self.total >= self.done)
            .then(|| (self.total - self.done) as f64 / self.rate)
    }
}

/// Thinking, folded into one line unless opened.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thinking {
    /// The text so far.
    pub text: String,
    /// Pieces so far.
    pub tokens: usize,
    /// When it began.
    pub since: Option<Millis>,
    /// When it ended.
    pub until: Option<Millis>,
    /// Whether it is shown.
    pub open: bool,
    /// Why it was ended for the model, and after how many tokens, where it was.
    pub cut: Option<(usize, Cut)>,
}

impl Thinking {
    /// Whether there is any.
    pub fn is_some(&self) -> bool {
        self.since.is_some()
    }

    /// How long it took, or takes up to `now`.
    pub fn seconds(&self, now: Millis) -> f64 {
        let Some(since) = self.since else { return 0.0 };
        self.until.unwrap_or(now).saturating_sub(since) as f64 / 1000.0
    }
}

impl AnswerBlock {
    /// A fresh one.
    pub fn new(job: JobKind, now: Millis) -> Self {
        Self {
            job,
            text: String::new(),
            phase: Phase::Choosing,
            thinking: Thinking::default(),
            sources: Vec::new(),
            context: None,
            edits: Vec::new(),
            notes: Vec::new(),
            usage: None,
            started: now,
            first_token: None,
            pieces: 0,
            index_complete: true,
        }
    }

    /// Tokens a second: measured at the end, by the pieces while it is written.
    pub fn rate(&self, now: Millis) -> Option<f64> {
        if let Some(usage) = &self.usage
            && usage.decode_s > 0.0
        {
            return Some(usage.generated_tokens as f64 / usage.decode_s);
        }
        let since = self.first_token?;
        let seconds = now.saturating_sub(since) as f64 / 1000.0;
        (seconds >= 0.5 && self.pieces > 1).then(|| (self.pieces - 1) as f64 / seconds)
    }
}

/// A word of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// In a sentence or a few lines.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
}

/// How a word is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// By the way.
    Plain,
    /// It went well.
    Good,
    /// Look here.
    Warning,
    /// It went wrong.
    Bad,
}

/// A download.
#[derive(Debug, Clone, PartialEq)]
pub struct Download {
    /// The model.
    pub name: String,
    /// `connecting`, `downloading`, `checking`, `unpacking`.
    pub stage: String,
    /// Bytes that are here.
    pub done: u64,
    /// Bytes in all; 0 while not known.
    pub total: u64,
    /// Bytes a second.
    pub rate: f64,
    /// Bytes that were here before.
    pub resumed: u64,
    /// Where it stands.
    pub end: DownloadEnd,
}

/// Where a download stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownloadEnd {
    /// It runs.
    Running,
    /// It is here.
    Done,
    /// Stopped; what is here is kept and fetching goes on from there.
    Stopped,
    /// Failed; the error stands in a block below.
    Failed,
}

impl Download {
    /// Seconds left, where that can be told.
    pub fn left_s(&self) -> Option<f64> {
        (self.rate > 0.0 && self.total >= self.done && self.total > 0)
            .then(|| (self.total - self.done) as f64 / self.rate)
    }
}

/// Where the check of a patch stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    /// None was made.
    None,
    /// It runs.
    Running {
        /// Since when.
        since: Millis,
        /// What it is doing.
        what: String,
    },
    /// It has ended.
    Done(Checked),
    /// It could not be started.
    Failed(Failure),
}
