//! Floor 4: a request to an answer; the same code for the screen and for headless commands.
//!
//! Law: a job is a plain call, [`run`], that reads its inputs from [`JobCx`], tells what
//! happens through `emit`, and returns an [`Answer`]. It never prints, never writes the
//! working tree, and never asks who is listening. This is where rooms that are blind to each
//! other meet.

pub mod ask;
pub mod check;
pub mod commit;
mod embedding;
pub mod event;
pub mod fold;
pub mod forget;
pub mod init;
#[cfg(feature = "lab")]
pub mod lab;
pub mod message;
mod model_calls;
pub mod model_trial;
mod moved;
pub mod patch;
mod preview;
pub mod prompt;
pub mod review;
pub mod session;
mod texts;
mod translate;
pub mod workspace;

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::{Cancel, Failure, RepoPath, Result};
use crate::context::nearest;
use crate::engine::{Engine, Sampling};
use crate::index::Index;
use crate::patch::Change;
use crate::repo::{Diff, DiffSpec, Repo, WalkRules};

// What events and requests are made of, so that the screen's state need not know the rooms
// below.
pub use crate::context::{
    Context, Excerpt, LeftOut, Mention, Named, Told, ToldKind, Why, named, nearest as nearest_path,
};
pub use crate::engine::{Cut, Usage};

pub use embedding::meaning_line;
pub use event::{Event, Finding, Severity, Source};
pub use fold::Fold;
pub use forget::{Forgotten, forget};
pub use init::{init, init_text};
pub use prompt::Prompts;
pub use workspace::{ModelChoice, Workspace, choose_model, load_engine};

/// A finished exchange of a conversation, with the request exactly as the model was sent it,
/// so that the next prompt begins with the same tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The question as the person typed it.
    pub request: String,
    /// The user message as rendered, excerpts included.
    pub sent: String,
    /// The answer's text, without thinking.
    pub answer: String,
    /// The sources shown in this turn.
    pub sources: Vec<Source>,
    /// True if the answer goes on with that of the turn before, and nothing was asked.
    #[serde(default)]
    pub continues: bool,
    /// True if the answer is whole: the model itself came to its end.
    #[serde(default)]
    pub whole: bool,
}

/// The settings that all jobs may be given.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Tokens excerpts may take; 0 to choose by the context and the measured speed.
    pub budget: usize,
    /// Seconds that excerpts may take to be read where there is no budget; 0 for 20.
    pub first_token: f64,
    /// The sampling of tokens, where the user or the command line says so.
    pub sampling: Sampling,
    /// Most tokens of an answer; 0 for the job's default.
    pub max_tokens: usize,
    /// True if thinking models think.
    pub thinking: bool,
    /// Tokens of a thought, where the user says so; 0 for no limit.
    pub thinking_limit: Option<usize>,
    /// The rules file's name in the repository (`AGENTS.md`).
    pub rules_file: String,
    /// Globs of files a review passes over.
    pub review_skip: Vec<String>,
    /// True if each finding of a review is put to the model once more.
    pub second_look: bool,
    /// The folder of what reviews have found before; none to keep nothing.
    pub reviews: Option<PathBuf>,
    /// The file of findings that the user has put aside.
    pub dismissed: Option<PathBuf>,
    /// The rules of the walk: what it leaves out no job shows or touches that was not told to.
    pub rules: WalkRules,
}

/// A question.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// The question as the person typed it, mentions and all.
    pub question: String,
    /// Text piped in.
    pub piped: Option<String>,
    /// Pinned files.
    pub pinned: Vec<Mention>,
    /// Dropped files.
    pub dropped: Vec<Mention>,
    /// Files and folders that all is narrowed to; empty for the whole repository.
    pub within: Vec<RepoPath>,
    /// The conversation so far.
    pub history: Vec<Turn>,
    /// The way in which it is folded.
    pub fold: Fold,
    /// True if the last answer is to be gone on with where it ends, instead of a question.
    pub go_on: bool,
    /// Times that the same was asked before: each draws with another seed.
    pub reseed: u32,
}

/// A change wanted.
#[derive(Debug, Clone, Default)]
pub struct Patch {
    /// The request as the person typed it, mentions and all.
    pub request: String,
    /// Text piped in.
    pub piped: Option<String>,
    /// Only these files may be changed; empty for any.
    pub files: Vec<RepoPath>,
    /// Pinned files.
    pub pinned: Vec<Mention>,
    /// Dropped files.
    pub dropped: Vec<Mention>,
    /// Files and folders that all is narrowed to; empty for the whole repository.
    pub within: Vec<RepoPath>,
    /// A hunk that was refused and the person's remark, to be asked again.
    pub again: Option<(String, String)>,
    /// Times that the same was asked before: each draws with another seed.
    pub reseed: u32,
}

/// A review.
#[derive(Debug, Clone)]
pub struct Review {
    /// The diff to read.
    pub diff: ReviewOf,
    /// Findings below this are left out.
    pub least: Severity,
    /// Seconds after which no further piece is begun; 0 for no limit.
    pub max_time_s: u64,
    /// Findings that are put aside, besides those of the user ([`Settings::dismissed`]).
    pub dismissed: review::Dismissed,
    /// Files and folders that are read alone; empty for the whole diff.
    pub within: Vec<RepoPath>,
    /// True if pieces are read that were read before.
    pub anew: bool,
    /// True if the rules alone look, since there is no model to read the diff.
    pub rules_only: bool,
}

/// The source of a review's diff. What was given is not kept with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<DiffSpec>", into = "Option<DiffSpec>")]
pub enum ReviewOf {
    /// The repository.
    Repo(DiffSpec),
    /// Standard input.
    Given(Diff),
}

impl From<ReviewOf> for Option<DiffSpec> {
    fn from(of: ReviewOf) -> Self {
        match of {
            ReviewOf::Repo(spec) => Some(spec),
            ReviewOf::Given(_) => None,
        }
    }
}

impl From<Option<DiffSpec>> for ReviewOf {
    fn from(spec: Option<DiffSpec>) -> Self {
        spec.map_or_else(|| Self::Given(Diff::default()), Self::Repo)
    }
}

/// A request of any kind.
#[derive(Debug, Clone)]
pub enum Request {
    /// Answer a question.
    Ask(Ask),
    /// Propose a change.
    Patch(Patch),
    /// Review a diff.
    Review(Review),
    /// A commit message for what is staged.
    Message,
    /// A commit message for this diff.
    MessageOf(Diff),
}

impl Request {
    /// The files and folders that the request is narrowed to; none for the whole repository.
    pub fn within(&self) -> &[RepoPath] {
        match self {
            Self::Ask(ask) => &ask.within,
            Self::Patch(patch) => &patch.within,
            Self::Review(review) => &review.within,
            Self::Message | Self::MessageOf(_) => &[],
        }
    }
}

/// The outcome of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The answer to a question.
    Ask {
        /// The finished turn, for the history.
        turn: Turn,
        /// The excerpts that were shown.
        context: Context,
        /// True if the job was cancelled; what was written stands.
        stopped: bool,
    },
    /// The answer to a wish for a change. An empty change with prose is an honest "nothing".
    Patch {
        /// The planned change; nothing is written yet.
        change: Change,
        /// The words of the model around the edits.
        prose: String,
        /// Edits that could not be used, with reasons.
        troubles: Vec<String>,
        /// The excerpts that were shown.
        context: Context,
        /// True if the job was cancelled.
        stopped: bool,
    },
    /// The answer to a wish for a review.
    Review {
        /// The findings, worst first.
        findings: Vec<Finding>,
        /// Files that were not read, with reasons (too large, out of time, binary, skipped).
        unread: Vec<(RepoPath, String)>,
        /// True if the job was cancelled or out of time.
        stopped: bool,
        /// The failure for which no model has read any of it, where none could; the rules have
        /// looked.
        failed: Option<Failure>,
    },
    /// A commit message.
    Message {
        /// Subject, blank line, body.
        text: String,
        /// True if the job was cancelled.
        stopped: bool,
    },
}

/// The things that a job works with.
pub struct JobCx<'a> {
    /// The model.
    pub engine: &'a mut dyn Engine,
    /// The repository.
    pub repo: &'a Repo,
    /// The repository's index, as it is now.
    pub index: &'a Index,
    /// True if the index covers every file.
    pub index_complete: bool,
    /// Settings.
    pub settings: &'a Settings,
    /// Prompt templates.
    pub prompts: &'a Prompts,
    /// The cancel token, asked at every step.
    pub cancel: Cancel,
}

/// Runs a job. Everything that happens is told to `emit`, the last event being
/// [`Event::Done`]; on failure [`Event::Error`] comes before it.
pub fn run(request: &Request, cx: &mut JobCx<'_>, emit: &mut dyn FnMut(Event)) -> Result<Answer> {
    let outcome = narrowed(cx.index, request.within()).and_then(|part| match part {
        None => run_on(request, cx, emit),
        Some(part) => {
            let mut cx = JobCx {
                engine: &mut *cx.engine,
                index: &part,
                cancel: cx.cancel.clone(),
                ..*cx
            };
            run_on(request, &mut cx, emit)
        }
    });
    if let Err(failure) = &outcome {
        emit(Event::error(failure));
    }
    emit(Event::Done);
    outcome
}

/// Runs a job on the index it is given, be that all of it or a part.
fn run_on(request: &Request, cx: &mut JobCx<'_>, emit: &mut dyn FnMut(Event)) -> Result<Answer> {
    match request {
        Request::Ask(ask) => ask::run(ask, cx, emit),
        Request::Patch(patch) => patch::run(patch, cx, emit),
        Request::Review(review) => review::run(review, cx, emit),
        Request::Message => message::run(None, cx, emit),
        Request::MessageOf(diff) => message::run(Some(diff), cx, emit),
    }
}

/// Returns the part of an index that lies in some files and folders; none for all of it.
///
/// # Errors
/// Of kind usage, if one of them holds nothing that is indexed.
pub fn narrowed(index: &Index, within: &[RepoPath]) -> Result<Option<Arc<Index>>> {
    if within.is_empty() {
        return Ok(None);
    }
    if let Some(missing) = within.iter().find(|path| !index.holds(path)) {
        let failure = Failure::usage(format!("nothing is in the index at {missing}"));
        return Err(match nearest(missing, &index.paths()) {
            Some(near) => failure.hint(format!("did you mean {near}?")),
            None => failure.hint("name a file or folder as it is seen from the repository's root"),
        });
    }
    Ok(Some(index.within(within)))
}

/// The facts that a preview must know of the model that would read.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    /// The counter of tokens.
    pub count: &'a dyn crate::engine::CountMessages,
    /// The model's context in tokens; 0 where that is not known.
    pub context: usize,
    /// True if the model is asked to rewrite definitions ([`crate::engine::Facts::rewrites`]).
    pub rewrites: bool,
}

/// Returns the conversation that the model would be shown for a request; runs no model.
pub fn preview(
    request: &Request,
    repo: &Repo,
    index: &Index,
    settings: &Settings,
    prompts: &Prompts,
    reader: Reader<'_>,
) -> Result<Preview> {
    let part = narrowed(index, request.within())?;
    let index = part.as_deref().unwrap_or(index);
    preview::preview(request, repo, index, settings, prompts, reader)
}

/// The conversation that the model would be shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// The chosen excerpts.
    pub context: Context,
    /// The messages as they would be sent.
    pub messages: Vec<crate::engine::Message>,
    /// Tokens of the messages together.
    pub tokens: usize,
    /// Words of the request that name nothing or several things, said in sentences.
    #[serde(default)]
    pub notes: Vec<String>,
}

#[cfg(test)]
mod scripts_tests;
#[cfg(test)]
mod secrets_tests;
#[cfg(test)]
mod trial;

#[cfg(test)]
#[path = "endings_tests.rs"]
mod endings_tests;

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
