//! Events: everything that the world tells the state.

use std::sync::Arc;

use super::blocks::block::BlockId;
use super::command::EditorPurpose;
use super::editing::places::KnownFiles;
use super::key::Key;
use super::log::Conversation;
use super::pointer::Mouse;
use super::settings::Settings;
use super::state::Layout;
use crate::base::seal::Sealed;
use crate::base::{Failure, LineRange, RepoPath};
use crate::index::{Hit, Stats, Symbol};
use crate::jobs::check::Checked;
use crate::jobs::commit::Committed;
use crate::jobs::session::SessionEntry;
use crate::jobs::{self, Answer, Finding, Preview};
use crate::patch::{Applied, Change, Undoable, Undone};
use crate::repo::{CommitPlan, Head, Status};

/// Milliseconds of a clock that never goes back; where it starts does not matter.
pub type Millis = u64;

/// The number of a run of a job, a preview or a search: reports of an older one are passed over.
pub type Generation = u64;

/// A report of the world to the state.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A key was pressed (or repeats). Releases are not sent.
    Key(Key),
    /// A bracketed paste, as it came; [`super::update`] cleans it.
    Paste(String),
    /// A button of the mouse went down or up, the mouse was dragged, or its wheel turned.
    Mouse(Mouse),
    /// The terminal's size, also once at the start.
    Resize {
        /// Width in columns.
        width: u16,
        /// Height in rows.
        height: u16,
    },
    /// The terminal window gained (`true`) or lost the focus.
    Focus(bool),
    /// The heights of things as drawn. Sent after every drawing that changed them; without
    /// them nothing can be scrolled. Gives no command back.
    Measured(Layout),
    /// Time has passed (see [`super::State::next_tick`] for when a tick is wanted).
    Tick,

    /// Files of the repository have changed, or something else is checked out or staged.
    Changed,
    /// A report about the index.
    Index(IndexEvent),
    /// A report about the model.
    Engine(EngineEvent),
    /// Models that are here or could be fetched, as an answer to [`super::IoCommand::ListModels`].
    Models(Result<Vec<ModelRow>, Failure>),
    /// A report about a download.
    Pull(PullEvent),

    /// A report of a running job.
    Job {
        /// The generation of [`super::Command::StartJob`].
        generation: Generation,
        /// The report of the job.
        event: Box<jobs::Event>,
    },
    /// A job has returned; nothing comes after it. Sent exactly once for each
    /// [`super::Command::StartJob`], cancelled ones too.
    JobDone {
        /// The generation of [`super::Command::StartJob`].
        generation: Generation,
        /// The return value of `jobs::run`. A failure was also sent as [`jobs::Event::Error`].
        result: Result<Box<Answer>, Failure>,
    },
    /// Answer to [`super::IoCommand::Preview`].
    Preview {
        /// The generation of the command.
        generation: Generation,
        /// The context the model would be given.
        result: Result<Box<Preview>, Failure>,
    },
    /// Answer to [`super::IoCommand::Search`].
    Search {
        /// The generation of the command.
        generation: Generation,
        /// The places, best first.
        result: Result<Vec<Hit>, Failure>,
    },
    /// Answer to [`super::IoCommand::FindNames`].
    Names {
        /// The text that was typed.
        typed: String,
        /// The definitions, with their files.
        found: Vec<(RepoPath, Symbol)>,
    },
    /// Answer to [`super::IoCommand::ReadCode`].
    Code {
        /// The file asked for.
        path: RepoPath,
        /// The lines asked for.
        range: LineRange,
        /// The text of these lines (fewer where the file is shorter).
        result: Result<String, Failure>,
    },

    /// Answer to [`super::WriteCommand::Apply`].
    Applied {
        /// The patch block it was for.
        block: BlockId,
        /// The files written.
        result: Result<Applied, Failure>,
    },
    /// Answer to [`super::WriteCommand::Undo`] and [`super::WriteCommand::UndoRecord`].
    Undone(Result<Undone, Failure>),
    /// Answer to [`super::WriteCommand::Undo`], where the last patch is of another conversation.
    UndoAsked {
        /// The last patch.
        last: Undoable,
        /// Seconds since it was written; none where nobody knows.
        age: Option<u64>,
    },
    /// Answer to [`super::WriteCommand::Stage`]: the files.
    Staged {
        /// The patch block it was for.
        block: BlockId,
        /// The files staged.
        result: Result<Vec<RepoPath>, Failure>,
    },
    /// Answer to [`super::WriteCommand::PlanCommit`].
    CommitPlanned {
        /// The patch block it was for.
        block: BlockId,
        /// The commit that can be made.
        result: Result<CommitPlan, Failure>,
    },
    /// The step that a commit is at, now and then until [`Event::Committed`].
    Committing {
        /// The patch block it is for.
        block: BlockId,
        /// The step, in a line.
        what: String,
    },
    /// Answer to [`super::WriteCommand::Commit`].
    Committed {
        /// The patch block it was for.
        block: BlockId,
        /// The commit.
        result: Result<Committed, Failure>,
    },
    /// The step a check is at, now and then until [`Event::Checked`].
    Checking {
        /// The patch block it is for.
        block: BlockId,
        /// The step, in a line, safe to show.
        what: String,
    },
    /// Answer to [`super::Command::RunCheck`].
    Checked {
        /// The patch block it was for.
        block: BlockId,
        /// The verdict of the check; a failure is one of starting it.
        result: Result<Checked, Failure>,
    },
    /// Answer to [`super::Command::OpenEditor`].
    EditorDone {
        /// The purpose named in the command.
        purpose: EditorPurpose,
        /// The text as saved; none where nothing was changed or a file of the repository was
        /// opened.
        result: Result<Option<String>, Failure>,
    },
    /// Answer to [`super::Command::CountTokens`].
    Counted {
        /// Bytes of the first text.
        bytes: usize,
        /// The tokens of each text.
        tokens: Vec<usize>,
    },
    /// Answer to [`super::Command::Copy`] and [`super::Command::CopySelection`].
    Copied(Result<Copied, Failure>),

    /// Answer to [`super::IoCommand::ListSessions`], newest first.
    Sessions(Result<Vec<SessionEntry>, Failure>),
    /// Answer to [`super::IoCommand::ShowSession`]: title and document.
    SessionShown(Result<(String, String), Failure>),
    /// Answer to [`super::IoCommand::FindSessions`].
    SessionsFound {
        /// The words that were looked for.
        words: String,
        /// For each session that has all of them, its id and a line with one.
        result: Result<Vec<(String, String)>, Failure>,
    },
    /// The first records of a session were written; it has this id.
    SessionBegun(String),
    /// Answer to [`super::IoCommand::LoadSession`].
    SessionLoaded {
        /// The session's id.
        id: String,
        /// The conversation as its log has it.
        result: Result<Box<Conversation>, Failure>,
    },
    /// Something that is kept for later, as the history, could not be saved. (Success is silent.)
    SaveFailed(Failure),
    /// Records of [`super::IoCommand::Log`] could not be written. (Success is silent.)
    LogFailed(Failure),
    /// Answer to [`super::IoCommand::Export`] and [`super::IoCommand::WriteReport`]: the file as
    /// shown to people.
    Written(Result<String, Failure>),
    /// Answer to [`super::IoCommand::Suggest`]: the change, none where the line reads otherwise.
    Suggested {
        /// The finding the change came with.
        finding: Box<Finding>,
        /// The change, applied to the file as it reads now.
        change: Option<Change>,
    },
    /// Answer to [`super::WriteCommand::WriteInit`]: the file as shown to people.
    InitWritten(Result<RepoPath, Failure>),
    /// Answer to [`super::IoCommand::Doctor`].
    Doctor(Result<String, Failure>),
    /// Answer to [`super::Command::SetTheme`].
    ThemeSet(Result<String, Failure>),
    /// Answer to [`super::IoCommand::ListSettings`].
    Settings(Result<Settings, Failure>),
    /// Answer to [`super::IoCommand::SaveSetting`]: the settings as they are then.
    SettingSaved {
        /// The setting's name.
        name: String,
        /// The outcome.
        result: Result<Settings, Failure>,
    },
    /// The themes there are, in the order to show. Sent once at the start, and as an answer to
    /// [`super::Command::ListThemes`].
    Themes(Vec<String>),

    /// HEAD and status of the repository. Sent at the start and when they have changed.
    Repo {
        /// The target of HEAD; none in a folder that is no repository.
        head: Option<Head>,
        /// Files that differ from HEAD or the index.
        status: Status,
    },
    /// Bytes this process holds in memory. Every few seconds while a model is loaded.
    Memory(u64),
    /// The state of the seal, where that was not known at the start.
    Sealed(Sealed),
    /// A signal of the operating system.
    Signal(Signal),
    /// A warning of a worker that belongs to no job (a broken theme, a watcher that failed).
    Warning(Failure),
}

/// A report about the index.
#[derive(Debug, Clone, PartialEq)]
pub enum IndexEvent {
    /// Progress of building the index.
    Progress(crate::index::Progress),
    /// An index can be used.
    Ready {
        /// The indexed files.
        files: Arc<KnownFiles>,
        /// Counts of files, definitions and the like.
        stats: Box<Stats>,
        /// False for the last snapshot, opened while it is still being brought up to date.
        complete: bool,
    },
    /// The index could not be built; an older one stays in use.
    Failed(Failure),
    /// Coverage of the embedding vectors while they are made; none when nobody makes any.
    Meaning(Option<crate::index::Coverage>),
}

/// A report about the model.
#[derive(Debug, Clone, PartialEq)]
pub enum EngineEvent {
    /// No model is here (or the one asked for is not): the rows to choose from. Opens the
    /// picker where the composer is untouched.
    Missing {
        /// The models to choose from, as in [`Event::Models`].
        rows: Vec<ModelRow>,
        /// The name that was asked for and is not here, if one was.
        wanted: Option<String>,
    },
    /// A model is being loaded.
    Loading {
        /// The model's name.
        name: String,
        /// Bytes of memory it will take; 0 where not known.
        memory: u64,
        /// Share loaded, 0 to 1.
        fraction: f32,
    },
    /// A model is loaded.
    Ready(EngineFacts),
    /// The model could not be loaded.
    Failed {
        /// The model's name.
        name: String,
        /// The reason of the failure.
        failure: Failure,
    },
}

/// The facts about the loaded model that the screen shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EngineFacts {
    /// The model's name, as typed after `/model`.
    pub name: String,
    /// The architecture in the GGUF file: `llama`, `qwen35`…
    pub architecture: String,
    /// Context length in tokens.
    pub context: usize,
    /// Memory taken, in bytes.
    pub memory: u64,
    /// Time it took to load, in seconds.
    pub load_s: f64,
    /// The device: `cpu`, `cuda:0`, `metal`, `script`.
    pub device: String,
}

/// The fit of a model into this machine's free memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Fits into free memory.
    Yes,
    /// Needs more than is free.
    No,
    /// Cannot be run by this build.
    Unsupported,
}

/// A model in the picker.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRow {
    /// The model's name, as typed after `/model`.
    pub name: String,
    /// A description, in a line.
    pub about: String,
    /// Size of the file, in bytes.
    pub bytes: u64,
    /// Memory needed, in bytes.
    pub memory: u64,
    /// Memory free on this machine, in bytes.
    pub free: u64,
    /// The fit into the free memory.
    pub fit: Fit,
    /// True if the model is on disk.
    pub installed: bool,
    /// Bytes on disk of an unfinished download.
    pub partial: u64,
    /// The origin, for people: `huggingface.co/…`, `a Python package`, a path.
    pub from: String,
    /// The licence as an SPDX expression.
    pub license: String,
    /// True for the one homebody would choose on this machine.
    pub recommended: bool,
}

/// A report about a download.
#[derive(Debug, Clone, PartialEq)]
pub enum PullEvent {
    /// Progress (the fields of `registry::Progress`).
    Progress {
        /// The model's name in the catalog.
        name: String,
        /// The stage: `connecting`, `downloading`, `checking`, `unpacking`.
        stage: String,
        /// Bytes on disk so far.
        done: u64,
        /// Bytes of the whole file.
        total: u64,
        /// Bytes per second.
        rate: f64,
        /// Bytes on disk before this download started.
        resumed: u64,
    },
    /// The model is on disk. The state then asks for it to be loaded.
    Done {
        /// The model's name in the catalog.
        name: String,
    },
    /// The download failed, or was cancelled (a failure of kind interrupted).
    Failed {
        /// The model's name in the catalog.
        name: String,
        /// The reason of the failure.
        failure: Failure,
    },
}

/// A copy to the clipboard that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Number of characters copied.
    pub chars: usize,
    /// The ways taken, for people: `the terminal (OSC 52)`, `wl-copy`.
    pub ways: Vec<String>,
}

/// A signal of the operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: the same as Ctrl-C.
    Interrupt,
    /// SIGTERM: ends at once.
    Terminate,
    /// SIGHUP: the terminal has gone; ends at once.
    Hangup,
    /// SIGCONT: the terminal may show anything; draws all again.
    Continue,
}
