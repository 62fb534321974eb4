//! The blocks of the transcript.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::app::blocks::patch_block::PatchBlock;
use crate::app::blocks::review_block::ReviewBlock;
use crate::app::editing::pastes::label;
use crate::app::event::Millis;
use crate::app::slash::{self, Parsed};
use crate::base::Failure;
use crate::jobs::check::Checked;
use crate::jobs::{Context, Cut, Fold, Source, Usage};

/// Names a block for as long as the program runs. Never used twice; later blocks have
/// greater ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId(pub u64);

/// A block of the transcript.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// The block's identity.
    pub id: BlockId,
    /// Grows with every change of the block: what was drawn for (id, revision, width, theme)
    /// may be kept. Figures that run with the clock (elapsed time, ETA) are not counted.
    pub revision: u64,
    /// The content, by kind.
    pub body: Body,
}

/// The content of a block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// The first lines of an empty transcript: what the program is and how to begin.
    #[serde(skip)]
    Welcome,
    /// A request, as the person typed it.
    User(UserTurn),
    /// Text the model writes: an answer to a question, the prose around a patch, a commit message.
    Answer(Box<AnswerBlock>),
    /// A planned change, decided on hunk by hunk.
    Patch(Box<PatchBlock>),
    /// A review with its findings.
    Review(Box<ReviewBlock>),
    /// A model being downloaded.
    #[serde(skip)]
    Download(Download),
    /// The conversation before is folded: the model is shown less of it from here on.
    Fold(Fold),
    /// A message of the program.
    Note(Note),
    /// A failure: what went wrong, why, what to do.
    Error(Failure),
}

/// The kind of job a turn asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// A question about the code.
    Ask,
    /// A change, to be planned.
    Patch,
    /// A review of a diff.
    Review,
    /// A commit message.
    Message,
}

/// A request of the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserTurn {
    /// The request as typed.
    pub text: String,
    /// The kind of job it asks for.
    pub job: JobKind,
    /// Progress of the request on its way to the model.
    pub sent: Sent,
    /// The long pastes in the text, which are folded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pastes: Vec<Pasted>,
    /// True if they are open.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
    /// Turns of the conversation before it, once it is sent; older logs do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<usize>,
    /// Times that the same was asked before, in other branches.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reseed: u32,
    /// The words that, typed into the composer, ask the same, where the text is none such: a fix
    /// is shown by its finding alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl UserTurn {
    /// The words that, typed into the composer, ask the same; none where there are none: a remark
    /// on a hunk means nothing without its patch.
    pub fn typed(&self) -> Option<Cow<'_, str>> {
        if let Some(asks) = &self.asks {
            return Some(Cow::Borrowed(asks));
        }
        let is_command = matches!(slash::parse(&self.text), Parsed::Command(..));
        match self.job {
            JobKind::Ask if self.text == "/continue" => Some(Cow::Borrowed(&self.text)),
            JobKind::Ask if matches!(slash::parse(&self.text), Parsed::Plain(_)) => {
                Some(Cow::Borrowed(&self.text))
            }
            JobKind::Ask => Some(Cow::Owned(format!("/ask {}", self.text))),
            _ => is_command.then_some(Cow::Borrowed(&self.text)),
        }
    }

    /// The text with a label for each long paste, unless they are open.
    pub fn shown(&self) -> Cow<'_, str> {
        // In a log secrets are masked, by which places may have moved.
        let of_this = |paste: &Pasted| paste.of == self.text.len();
        if self.open || self.pastes.is_empty() || !self.pastes.iter().all(of_this) {
            return Cow::Borrowed(&self.text);
        }
        let (mut out, mut from) = (String::new(), 0);
        for paste in &self.pastes {
            out += self.text.get(from..paste.at).unwrap_or("");
            out += &label(paste.lines, Some(paste.tokens), paste.len);
            from = paste.at + paste.len;
        }
        out += self.text.get(from..).unwrap_or("");
        Cow::Owned(out)
    }
}

/// A long paste in a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pasted {
    /// The byte at which it begins.
    pub at: usize,
    /// Bytes of it.
    pub len: usize,
    /// Bytes of the whole text.
    pub of: usize,
    /// Lines of it.
    pub lines: usize,
    /// Tokens of it.
    pub tokens: usize,
}

/// Progress of a request on its way to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sent {
    /// Sent to the model.
    Yes,
    /// Waiting for the model (being loaded, fetched or chosen).
    WaitsForModel,
    /// Waiting until the job before ends.
    WaitsForJob,
    /// Taken back before it was sent.
    Withdrawn,
}

/// Text the model writes, with everything known about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerBlock {
    /// The kind of job; never [`JobKind::Review`].
    pub job: JobKind,
    /// Markdown as it came so far ([`JobKind::Message`]: plain text). While a patch is being
    /// written this is the raw answer with its edit blocks; at the end the prose around them.
    pub text: String,
    /// The stage the answer is in.
    pub phase: Phase,
    /// The thinking before the text.
    pub thinking: Thinking,
    /// The sources, sent after the text; `cited` where the answer names them.
    pub sources: Vec<Source>,
    /// The context the model was shown.
    pub context: Option<Context>,
    /// Edits announced while a patch is written, for people: `src/walk.rs:1480-1502`.
    pub edits: Vec<String>,
    /// Remarks of the job on its way.
    pub notes: Vec<String>,
    /// Token counts and times, at the end.
    pub usage: Option<Usage>,
    /// Time the job was started.
    pub started: Millis,
    /// Time the first token of text came.
    pub first_token: Option<Millis>,
    /// Number of pieces of text so far: tokens, as good as can be known while they come.
    pub pieces: usize,
    /// True if the index was complete when excerpts were chosen; false is worth saying.
    pub index_complete: bool,
}

/// The stage of an answer or a review.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// Ended with an error, which stands in a block below.
    Failed,
    /// Written to its end.
    Done,
}

impl Phase {
    /// True while something more may come.
    pub const fn is_running(self) -> bool {
        matches!(
            self,
            Self::Choosing | Self::Reading(_) | Self::Thinking | Self::Writing
        )
    }
}

/// Progress of reading the prompt (prefill).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Tokens read, cached ones included.
    pub done: usize,
    /// Tokens of the whole prompt.
    pub total: usize,
    /// Tokens found in the KV cache, which need not be read again.
    pub cached: usize,
    /// Tokens per second; 0 where not known yet.
    pub rate: f64,
}

impl Reading {
    /// Returns the seconds left, where that can be told.
    pub fn left_s(self) -> Option<f64> {
        (self.rate > 0.0 && self.total >= self.done)
            .then(|| (self.total - self.done) as f64 / self.rate)
    }
}

/// The model's thinking, folded into one line unless opened.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Thinking {
    /// The text of the thinking so far.
    pub text: String,
    /// Number of pieces so far; each is about a token.
    pub tokens: usize,
    /// Time the thinking began; none where there was no thinking.
    pub since: Option<Millis>,
    /// Time the thinking ended; none while it goes on.
    pub until: Option<Millis>,
    /// True if the text is shown.
    pub open: bool,
    /// The number of tokens after which the thinking was ended for the model, and why; none
    /// where the model ended it.
    pub cut: Option<(usize, Cut)>,
}

impl Thinking {
    /// Tells whether there was any thinking.
    pub fn is_some(&self) -> bool {
        self.since.is_some()
    }

    /// Returns the seconds the thinking took, or takes up to `now`.
    pub fn seconds(&self, now: Millis) -> f64 {
        let Some(since) = self.since else { return 0.0 };
        self.until.unwrap_or(now).saturating_sub(since) as f64 / 1000.0
    }
}

impl AnswerBlock {
    /// Makes an empty answer to a job that starts now.
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

    /// Returns tokens per second: measured at the end, by the pieces while the answer is written.
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

/// A message of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The message: a sentence or a few lines.
    pub text: String,
    /// The tone to show it in.
    pub tone: Tone,
}

/// The tone of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Neutral, by the way.
    Plain,
    /// Something went well.
    Good,
    /// Something to look at.
    Warning,
    /// Something went wrong.
    Bad,
}

/// A download of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Download {
    /// The model's name in the catalog.
    pub name: String,
    /// The stage: `connecting`, `downloading`, `checking`, `unpacking`.
    pub stage: String,
    /// Bytes on disk so far.
    pub done: u64,
    /// Bytes of the whole file; 0 while not known.
    pub total: u64,
    /// Bytes per second.
    pub rate: f64,
    /// Bytes on disk before this download started.
    pub resumed: u64,
    /// Under way, or how it ended.
    pub end: DownloadEnd,
}

/// A download under way, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownloadEnd {
    /// Under way.
    Running,
    /// Complete and on disk.
    Done,
    /// Stopped; the bytes on disk are kept and fetching goes on from there.
    Stopped,
    /// Failed; the error stands in a block below.
    Failed,
}

impl Download {
    /// Returns the seconds left, where that can be told.
    pub fn left_s(&self) -> Option<f64> {
        (self.rate > 0.0 && self.total >= self.done && self.total > 0)
            .then(|| (self.total - self.done) as f64 / self.rate)
    }
}

/// The stage or the outcome of a patch's check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// No check was made.
    None,
    /// The check runs.
    Running {
        /// Time the check was started.
        since: Millis,
        /// The step the check is at, in a line; empty before the first report.
        what: String,
    },
    /// The check has ended, with this report.
    Done(Checked),
    /// The check could not be started.
    Failed(Failure),
}
