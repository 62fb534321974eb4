//! Events: everything that the world tells the state.

use std::sync::Arc;

use super::block::BlockId;
use super::command::EditorPurpose;
use super::key::Key;
use super::state::Layout;
use crate::base::seal::Sealed;
use crate::base::{Failure, LineRange, RepoPath};
use crate::index::{Hit, Stats};
use crate::jobs::check::Checked;
use crate::jobs::session::SessionEntry;
use crate::jobs::{self, Answer, Finding, Preview, Turn};
use crate::patch::{Applied, Change, Undone};
use crate::repo::{Head, Status};

/// Milliseconds of a clock that never goes back; where it starts does not matter.
pub type Millis = u64;

/// Which run of a job, a preview or a search is meant: reports of an older one are passed over.
pub type Generation = u64;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A key was pressed (or repeats). Releases are not sent.
    Key(Key),
    /// A bracketed paste, as it came; it is cleaned here.
    Paste(String),
    /// The mouse.
    Mouse(Mouse),
    /// The terminal's size, also once at the start.
    Resize {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// The terminal window got (`true`) or lost the focus.
    Focus(bool),
    /// How tall things came out when drawn. Sent after every drawing that changed it; without
    /// it nothing can be scrolled. Gives no command back.
    Measured(Layout),
    /// Time has passed (see [`super::State::next_tick`] for when one is wanted).
    Tick,

    /// Files of the repository have changed, or something else is checked out or staged.
    Changed,
    /// About the index.
    Index(IndexEvent),
    /// About the model.
    Engine(EngineEvent),
    /// Models that are here or could be fetched, as an answer to [`super::Command::ListModels`].
    Models(Result<Vec<ModelRow>, Failure>),
    /// A download.
    Pull(PullEvent),

    /// A job tells something.
    Job {
        /// Of [`super::Command::StartJob`].
        generation: Generation,
        /// What.
        event: Box<jobs::Event>,
    },
    /// A job has returned; nothing comes after it. Sent exactly once for each
    /// [`super::Command::StartJob`], cancelled ones too.
    JobDone {
        /// Of [`super::Command::StartJob`].
        generation: Generation,
        /// What `jobs::run` returned. A failure was also sent as [`jobs::Event::Error`].
        result: Result<Box<Answer>, Failure>,
    },
    /// Answer to [`super::Command::Preview`].
    Preview {
        /// Of the command.
        generation: Generation,
        /// What would be shown.
        result: Result<Box<Preview>, Failure>,
    },
    /// Answer to [`super::Command::Search`].
    Search {
        /// Of the command.
        generation: Generation,
        /// The places, best first.
        result: Result<Vec<Hit>, Failure>,
    },
    /// Answer to [`super::Command::ReadCode`].
    Code {
        /// The file asked for.
        path: RepoPath,
        /// The lines asked for.
        range: LineRange,
        /// The text of these lines (fewer where the file is shorter).
        result: Result<String, Failure>,
    },

    /// Answer to [`super::Command::Apply`].
    Applied {
        /// The patch block it was for.
        block: BlockId,
        /// What was written.
        result: Result<Applied, Failure>,
    },
    /// Answer to [`super::Command::Undo`].
    Undone(Result<Undone, Failure>),
    /// What a check is doing, now and then until [`Event::Checked`].
    Checking {
        /// The patch block it is for.
        block: BlockId,
        /// In a line, safe to show.
        what: String,
    },
    /// Answer to [`super::Command::RunCheck`].
    Checked {
        /// The patch block it was for.
        block: BlockId,
        /// How it went; a failure is one of starting it.
        result: Result<Checked, Failure>,
    },
    /// Answer to [`super::Command::OpenEditor`].
    EditorDone {
        /// As in the command.
        purpose: EditorPurpose,
        /// The text as saved; none where nothing was changed or a file of the repository was
        /// opened.
        result: Result<Option<String>, Failure>,
    },
    /// Answer to [`super::Command::Copy`] and [`super::Command::CopySelection`].
    Copied(Result<Copied, Failure>),

    /// Answer to [`super::Command::ListSessions`], newest first.
    Sessions(Result<Vec<SessionEntry>, Failure>),
    /// Answer to [`super::Command::LoadSession`].
    SessionLoaded {
        /// Its id.
        id: String,
        /// Its turns.
        result: Result<Vec<Turn>, Failure>,
    },
    /// A turn, or the history, could not be saved. (Success is silent.)
    SaveFailed(Failure),
    /// Answer to [`super::Command::Export`] and [`super::Command::WriteReport`]: the file as shown to people.
    Written(Result<String, Failure>),
    /// Answer to [`super::Command::Suggest`]: the change, none where the line reads otherwise.
    Suggested {
        /// The finding.
        finding: Box<Finding>,
        /// What came with it.
        change: Option<Change>,
    },
    /// Answer to [`super::Command::WriteInit`]: the file as shown to people.
    InitWritten(Result<RepoPath, Failure>),
    /// Answer to [`super::Command::Doctor`].
    Doctor(Result<String, Failure>),
    /// Answer to [`super::Command::SetTheme`].
    ThemeSet(Result<String, Failure>),
    /// The themes there are, in the order to show. Sent once at the start, and as an answer to
    /// [`super::Command::ListThemes`].
    Themes(Vec<String>),

    /// What git says. Sent at the start and when it has changed.
    Repo {
        /// Where HEAD points; none in a folder that is no repository.
        head: Option<Head>,
        /// Files that differ.
        status: Status,
    },
    /// Bytes this process holds in memory. Every few seconds while a model is loaded.
    Memory(u64),
    /// Whether the seal is on, where that was not known at the start.
    Sealed(Sealed),
    /// The process was told something.
    Signal(Signal),
    /// A warning of a worker that belongs to no job (a broken theme, a watcher that failed).
    Warning(Failure),
}

/// About the index.
#[derive(Debug, Clone, PartialEq)]
pub enum IndexEvent {
    /// How far it is.
    Progress(crate::index::Progress),
    /// An index can be used.
    Ready {
        /// Its files, in order of path.
        paths: Arc<Vec<RepoPath>>,
        /// What it holds.
        stats: Box<Stats>,
        /// False for the last snapshot, opened while it is still being brought up to date.
        complete: bool,
    },
    /// It could not be built; an older one stays in use.
    Failed(Failure),
    /// How far the vectors of meaning are, while they are made; none when nobody makes any.
    Meaning(Option<crate::index::Coverage>),
}

/// About the model.
#[derive(Debug, Clone, PartialEq)]
pub enum EngineEvent {
    /// No model is here (or the one asked for is not): the rows to choose from. Opens the
    /// picker where the composer is untouched.
    Missing {
        /// As in [`Event::Models`].
        rows: Vec<ModelRow>,
        /// The name that was asked for and is not here, if one was.
        wanted: Option<String>,
    },
    /// It is being loaded.
    Loading {
        /// Its name.
        name: String,
        /// Bytes of memory it will take; 0 where not known.
        memory: u64,
        /// 0 to 1.
        fraction: f32,
    },
    /// It is there.
    Ready(EngineFacts),
    /// It could not be loaded.
    Failed {
        /// Its name.
        name: String,
        /// Why.
        failure: Failure,
    },
}

/// What the screen says about the loaded model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EngineFacts {
    /// The name to type.
    pub name: String,
    /// `llama`, `qwen35`…
    pub architecture: String,
    /// Context in tokens.
    pub context: usize,
    /// Bytes of memory it takes.
    pub memory: u64,
    /// Seconds it took to load.
    pub load_s: f64,
    /// `cpu`, `cuda:0`, `metal`, `script`.
    pub device: String,
}

/// Whether a model fits into this machine's free memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It does.
    Yes,
    /// It would need more than is free.
    No,
    /// This build cannot run it.
    Unsupported,
}

/// A model in the picker.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRow {
    /// The name to type.
    pub name: String,
    /// What it is, in a line.
    pub about: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of memory it will take.
    pub memory: u64,
    /// Bytes of memory that are free.
    pub free: u64,
    /// Whether it fits.
    pub fit: Fit,
    /// Whether it is here.
    pub installed: bool,
    /// Bytes of an unfinished download that are here.
    pub partial: u64,
    /// Where it comes from, for people: `huggingface.co/…`, `a Python package`, a path.
    pub from: String,
    /// Licence, SPDX.
    pub license: String,
    /// The one homebody would choose on this machine.
    pub recommended: bool,
}

/// About a download.
#[derive(Debug, Clone, PartialEq)]
pub enum PullEvent {
    /// How far it is (the fields of `models::Progress`).
    Progress {
        /// The model.
        name: String,
        /// `connecting`, `downloading`, `checking`, `unpacking`.
        stage: String,
        /// Bytes that are here.
        done: u64,
        /// Bytes in all.
        total: u64,
        /// Bytes a second.
        rate: f64,
        /// Bytes that were here before.
        resumed: u64,
    },
    /// It is here. The state then asks for it to be loaded.
    Done {
        /// The model.
        name: String,
    },
    /// It went wrong, or was cancelled (a failure of kind interrupted).
    Failed {
        /// The model.
        name: String,
        /// Why.
        failure: Failure,
    },
}

/// What was copied, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Characters.
    pub chars: usize,
    /// The ways that were taken, for people: `the terminal (OSC 52)`, `wl-copy`.
    pub ways: Vec<String>,
}

/// Told by the system.
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

/// What the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseKind {
    /// The wheel, in lines; negative is up.
    Scroll(i32),
    /// The left button went down.
    Down,
    /// It moved with the left button down.
    Drag,
    /// The left button went up.
    Up,
}

/// The mouse, with what lies under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mouse {
    /// What it did.
    pub kind: MouseKind,
    /// Column on the screen, from 0.
    pub column: u16,
    /// Row on the screen, from 0.
    pub row: u16,
    /// What lies there, by the layout last drawn.
    pub target: Target,
}

/// A cell of the transcript as it is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Spot {
    /// The block.
    pub block: BlockId,
    /// The line within the block as drawn, from 0.
    pub line: u32,
    /// The column within the transcript, from 0.
    pub column: u16,
}

/// What lies under the mouse. The one who draws knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Nothing that can be clicked (a rule, an empty part).
    Nothing,
    /// A cell of the transcript, and what it shows there.
    Transcript {
        /// Where.
        spot: Spot,
        /// What.
        part: Part,
    },
    /// The transcript's empty rest, or a row above (`-1`) or below (`1`) it while dragging.
    Beyond(i8),
    /// The composer: the byte offset of the character under the mouse.
    Composer(usize),
    /// A row of the completion popup, counted as in `Completion::items`.
    Completion(usize),
    /// A row of the side panel, counted as in [`super::State::panel_rows`].
    PanelRow(usize),
    /// The side panel, between rows.
    Panel,
    /// A row of the overlay, counted as the overlay's own rows.
    OverlayRow(usize),
    /// The overlay, between rows.
    Overlay,
    /// The status line's word about the seal.
    Seal,
    /// The status line's model.
    Model,
    /// The status line's context figure.
    ContextFigure,
    /// The status line's `?`.
    Help,
}

/// What of a block lies at a spot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Just text.
    Text,
    /// The folded or open line of thinking.
    Thinking,
    /// A source: its number.
    Source(u32),
    /// A fenced code block of the answer, from 0.
    Code(usize),
    /// The heading of a file of a patch, from 0.
    PatchFile(usize),
    /// A hunk of a patch, from 0.
    Hunk(usize),
    /// A finding of a review, from 0.
    Finding(usize),
}

/// A stretch of the transcript, as drawn; both ends included, in the order dragged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    /// Where the button went down.
    pub from: Spot,
    /// Where it is.
    pub to: Spot,
}
