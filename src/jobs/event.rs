//! What a job tells while it runs: one enumeration for the screen and for `--json`.

use serde::{Deserialize, Serialize};

use crate::base::{Failure, LineRange, RepoPath};
use crate::context::Context;
use crate::engine::Usage;
use crate::patch::Form;
use crate::repo::DiffKind;

/// The version of the event format.
pub const VERSION: u32 = 1;

/// An excerpt that was shown, as a source of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The number it is cited by.
    pub id: u32,
    /// The file.
    pub path: RepoPath,
    /// First line.
    pub start: u32,
    /// Last line.
    pub end: u32,
    /// Whether the answer names it.
    pub cited: bool,
}

/// How bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Probably wrong.
    Warning,
    /// Wrong.
    Error,
}

/// A review remark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The file.
    pub path: RepoPath,
    /// The line, on `side`.
    pub line: u32,
    /// Which side of the diff.
    pub side: DiffKind,
    /// How bad.
    pub severity: Severity,
    /// One word: `bug`, `security`, `style`…
    pub category: String,
    /// The line as it stands there.
    pub quote: String,
    /// In a few words.
    pub title: String,
    /// Why.
    pub reason: String,
    /// Whether the quote was found in the diff (a finding that fails is dropped) and, where
    /// a second look is taken, held.
    pub verified: bool,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// What the model is shown.
    Context {
        /// The event format's version.
        version: u32,
        /// Excerpts, tokens and what is left out.
        #[serde(flatten)]
        context: Context,
    },
    /// The prompt is being read.
    Prefill {
        /// Tokens read.
        done: usize,
        /// Tokens in all.
        total: usize,
        /// Tokens kept from before.
        cached: usize,
        /// Tokens a second; 0 where not known yet.
        rate: f64,
    },
    /// Something the user should know: the conversation starts over, a piece is left out.
    Note {
        /// In a sentence.
        text: String,
    },
    /// A piece of thinking.
    Thinking {
        /// Whole characters.
        text: String,
    },
    /// A piece of the answer.
    Token {
        /// Whole characters.
        text: String,
    },
    /// A source of the answer, after it.
    Source(Source),
    /// A planned edit.
    Edit {
        /// The file.
        path: RepoPath,
        /// How it is said.
        form: Form,
        /// First line concerned, 0 for a whole file.
        start: u32,
        /// Last line concerned, 0 for a whole file.
        end: u32,
    },
    /// A review remark.
    Finding(Finding),
    /// How far a review is.
    Progress {
        /// Pieces done.
        done: usize,
        /// Pieces in all.
        total: usize,
        /// What is read now.
        path: Option<RepoPath>,
        /// Its lines.
        range: Option<LineRange>,
    },
    /// The figures.
    Usage(Usage),
    /// It went wrong.
    Error {
        /// [`crate::base::Kind::word`].
        kind: String,
        /// What happened and why.
        cause: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// Nothing comes after this.
    Done,
}

impl Event {
    /// A failure as an event.
    pub fn error(failure: &Failure) -> Self {
        Self::Error {
            kind: failure.kind().word().to_owned(),
            cause: failure.to_string(),
            hint: failure.next_step().map(str::to_owned),
        }
    }
}
