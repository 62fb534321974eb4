//! The state of the screen.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::blocks::block::{Block, BlockId, JobKind};
use super::branches::Branches;
use super::editing::complete::Completion;
use super::editing::composer::Composer;
use super::editing::history::History;
use super::editing::pastes::Paste;
use super::editing::places::{KnownFiles, Place};
use super::event::{EngineFacts, Generation, Millis, ModelRow};
use super::find::{Find, Match};
use super::keymap::Keymap;
use super::log::Log;
use super::overlay::{Overlay, SessionPicker};
use super::pointer::Selection;
use super::update::counting::Counting;
use crate::base::seal::Sealed;
use crate::base::{Failure, LineRange, RepoPath};
use crate::index::{Progress, Stats, Symbol};
use crate::jobs::{Fold, Mention, Preview, Request, Turn};
use crate::repo::{Head, Status};

/// Settings known at the start, from the configuration and the command line.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name of the folder, for people.
    pub folder: String,
    /// True if the folder is a git repository.
    pub git: bool,
    /// True for vim keys in the composer.
    pub vim: bool,
    /// True if conversations and history are kept on disk.
    pub save: bool,
    /// `keys.ACTION = […]` of the user's configuration.
    pub keys: BTreeMap<String, Vec<String>>,
    /// The check command, for people; none where none is configured.
    pub check: Option<String>,
    /// The theme in use.
    pub theme: String,
    /// The state of the seal.
    pub sealed: Sealed,
    /// The reason no model can be fetched from here, if so (the puller could not be started).
    pub no_pull: Option<String>,
    /// The session to go on with; `Some("")` for the newest.
    pub resume: Option<String>,
    /// The composer's history, oldest first.
    pub history: Vec<String>,
    /// Files and folders that all is narrowed to; empty for the whole repository.
    pub within: Vec<RepoPath>,
    /// Size of the terminal: columns and rows.
    pub size: (u16, u16),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            folder: String::new(),
            git: true,
            vim: false,
            save: true,
            keys: BTreeMap::new(),
            check: None,
            theme: "dark".to_owned(),
            sealed: Sealed::Yes,
            no_pull: None,
            resume: None,
            history: Vec::new(),
            within: Vec::new(),
            size: (80, 24),
        }
    }
}

/// The state: everything that is drawn. Read it freely; only [`super::update`] changes it.
#[derive(Debug, Clone)]
pub struct State {
    /// Settings known at the start (`sealed` and `theme` follow the events).
    pub options: Options,
    /// The time of the last event.
    pub now: Millis,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// True if the terminal window has the focus.
    pub window_focus: bool,
    /// The keys and their actions.
    pub keymap: Keymap,

    /// The blocks of the transcript, by rising id.
    pub blocks: Vec<Block>,
    /// The part of the transcript in view.
    pub scroll: Scroll,
    /// The heights of things as drawn last.
    pub layout: Layout,
    /// The block that `[`, `]`, `y` and the panel mean; none: the last answer, and nothing is
    /// marked.
    pub cursor: Option<Cursor>,
    /// The stretch marked with the mouse.
    pub selection: Option<Selection>,
    /// The place keys go to, when there is no overlay.
    pub focus: Focus,
    /// The manner in which the lines of patches are shown.
    pub diff_look: DiffLook,

    /// The editor for questions, commands and remarks.
    pub composer: Composer,
    /// The purpose of the composer's text; said in its margin or above it.
    pub composing: Composing,
    /// The completion popup.
    pub completion: Option<Completion>,
    /// The texts sent before.
    pub history: History,

    /// The side panel; none while it is closed.
    pub panel: Option<Panel>,
    /// The overlay, which takes the keys while there is one.
    pub overlay: Option<Overlay>,
    /// The search in what is shown; none while there is none.
    pub find: Option<Find>,
    /// The list of conversations, while one of them is looked into.
    pub behind: Option<SessionPicker>,
    /// A short message that goes away by itself.
    pub toast: Option<Toast>,

    /// The state of the index.
    pub indexing: Indexing,
    /// Coverage of the embedding vectors, while they are made.
    pub meaning: Option<crate::index::Coverage>,
    /// The files of the index; empty before there is one.
    pub files: Arc<KnownFiles>,
    /// The files and folders that completion offers.
    pub places: Arc<Vec<Place>>,
    /// The definitions found last for what is typed behind `@`, with that.
    pub names: (String, Arc<Vec<(RepoPath, Symbol)>>),
    /// The state of the model.
    pub engine: EngineState,
    /// The job that runs (or is being stopped).
    pub job: Option<RunningJob>,
    /// Requests waiting for their turn, in order.
    pub queue: VecDeque<Queued>,
    /// The block of the download that runs.
    pub pulling: Option<BlockId>,
    /// The patch block of the check that runs.
    pub checking: Option<BlockId>,
    /// The commit that is being made ready.
    pub committing: Option<Box<super::update::Commit>>,

    /// The conversation so far, as jobs are given it.
    pub turns: Vec<Turn>,
    /// True while nothing of the conversation may be written to disk.
    pub private: bool,
    /// The way in which the conversation is folded for the model.
    pub fold: Fold,
    /// The id of the session that goes on; none before anything of it is kept.
    pub session: Option<String>,
    /// The branches of the conversation.
    pub branches: Branches,
    /// Files shown with every question.
    pub pins: Vec<Mention>,
    /// Files never shown.
    pub drops: Vec<Mention>,
    /// Files and folders that all is narrowed to; empty for the whole repository.
    pub within: Vec<RepoPath>,
    /// Files shown with the next question only.
    pub added: Vec<Mention>,
    /// The context `/context` gathered; gone with the next question.
    pub preview: Option<Preview>,
    /// Code read for sources and findings; an error text where reading failed.
    pub code: BTreeMap<(RepoPath, LineRange), Result<String, String>>,

    /// The target of HEAD; none in a folder that is no repository, or not known yet.
    pub head: Option<Head>,
    /// Files that differ from HEAD or the index.
    pub repo_status: Status,
    /// Memory of this process in bytes; 0 where not known.
    pub memory: u64,
    /// Tokens of the context the conversation took, with the last answer.
    pub context_used: usize,
    /// Tokens per second of the last answer, or of the one being written.
    pub rate: Option<f64>,
    /// The models as listed last, here or to be fetched.
    pub models: Vec<ModelRow>,
    /// Names of the themes.
    pub themes: Vec<String>,

    /// True once [`super::Command::Quit`] was given.
    pub quitting: bool,

    /// Counts of the composer's text.
    pub(super) counting: Counting,
    /// The long pastes of the text that is being sent.
    pub(super) sending: Vec<Paste>,
    /// The part of all this that is in the session's log.
    pub(super) log: Log,
    pub(super) last_block: u64,
    pub(super) last_generation: Generation,
    /// The generations of the preview and of the search that count.
    pub(super) awaited: Awaited,
    /// Time Ctrl-C was pressed on an empty composer: a second one soon after ends the program.
    pub(super) armed_quit: Option<Millis>,
    /// True while the left button is down over the transcript.
    pub(super) dragging: bool,
    /// The composer's text from before a remark was begun; restored when the remark ends.
    pub(super) draft: String,
    /// The place in the composer behind a blank that completion has put there.
    pub(super) blank: Option<usize>,
    /// True after Esc closed the popup, which stays closed until the text changes.
    pub(super) popup_closed: bool,
}

/// Reports that are waited for.
#[derive(Debug, Clone, Default)]
pub(super) struct Awaited {
    pub(super) preview: Option<Generation>,
    /// The text that definitions are looked for, or were.
    pub(super) names: Option<String>,
    /// The lines that were asked for last, to show what the popup names.
    pub(super) shown: Option<(RepoPath, LineRange)>,
    pub(super) search: Option<Generation>,
}

/// The manner in which the lines of patches are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DiffLook {
    /// True if long lines are wrapped, false if they are scrolled sideways.
    pub wrap: bool,
    /// True if old and new stand side by side where the screen is wide enough.
    pub beside: bool,
}

impl Default for DiffLook {
    fn default() -> Self {
        Self {
            wrap: true,
            beside: false,
        }
    }
}

/// The part of the transcript in view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scroll {
    /// The end of the transcript, also when something is added.
    Bottom,
    /// A place that stays at the top of the view, whatever is added below.
    At {
        /// The block in the first row of the view.
        block: BlockId,
        /// The line of the block as drawn, from 0 (clamp it to the block's height).
        line: u32,
    },
}

/// Heights and widths of things as they were drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// Width of a block in columns.
    pub width: u16,
    /// Height of the transcript's view in rows.
    pub rows: u16,
    /// Rows every block takes, the empty rows around it included, in the order of
    /// [`State::blocks`].
    pub heights: Vec<(BlockId, u32)>,
    /// The rows the cursor of the focused patch or review stands on, counted in its block: first
    /// and last.
    pub cursor_rows: Option<(BlockId, u32, u32)>,
    /// Columns of the composer's text (after its mark): [`Composer::layout`] wraps at it.
    pub composer_width: u16,
    /// Rows of the side panel's list in view; 0 while it is closed.
    pub panel_rows: u16,
    /// Rows of the overlay's list or text in view; 0 while it is closed.
    pub overlay_rows: u16,
    /// Rows of the overlay's text in all, wrapped; 0 where it is a list.
    pub overlay_total: u32,
    /// The words of [`State::find`] as drawn, and the places at which they begin, in order.
    pub matches: (String, Vec<Match>),
}

/// A block, or a code block in it, that the transcript's cursor stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The block the cursor stands on.
    pub block: BlockId,
    /// A fenced code block of the answer, from 0 as [`super::markdown::code_blocks`] counts;
    /// none for the whole.
    pub code: Option<usize>,
}

/// The place keys go to, when there is no overlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// The composer, for typing.
    Composer,
    /// The transcript, at its cursor.
    Transcript,
    /// A patch, to be decided on.
    Patch(BlockId),
    /// A review's findings.
    Review(BlockId),
    /// The side panel.
    Panel,
}

/// The purpose of the composer's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Composing {
    /// A question or a slash command.
    Request,
    /// A remark on a rejected hunk, which is then asked again. Esc goes back to the patch.
    Remark {
        /// The patch block.
        block: BlockId,
        /// The hunk, from 0.
        hunk: usize,
    },
    /// An earlier question, to be sent again: what stands from it on goes into another branch.
    Again {
        /// The question's block.
        block: BlockId,
    },
}

impl Composing {
    /// Tells whether a question or a command is being typed.
    pub const fn is_request(&self) -> bool {
        !matches!(self, Self::Remark { .. })
    }
}

/// The side panel, while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panel {
    /// The list shown.
    pub tab: PanelTab,
    /// The row the cursor stands on, in [`State::panel_rows`].
    pub cursor: usize,
    /// Index of the first row in view.
    pub top: usize,
}

/// The list the side panel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PanelTab {
    /// The sources of the answer at the cursor, with code.
    Sources,
    /// The context as it was sent, or would be: tokens, why, and what did not fit.
    Context,
}

/// A short message that goes away by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// The message, in a line.
    pub text: String,
    /// The tone to show it in.
    pub tone: super::blocks::block::Tone,
    /// Time the message goes.
    pub until: Millis,
}

/// The state of the index.
#[derive(Debug, Clone, PartialEq)]
pub enum Indexing {
    /// Nothing was heard yet.
    Waiting,
    /// The index is being built.
    Running {
        /// Progress of building the index.
        progress: Progress,
        /// Time the present stage began.
        since: Millis,
        /// Files per second while reading; 0 where not known.
        rate: f64,
        /// True if an older index can be used meanwhile.
        usable: bool,
    },
    /// The index is complete.
    Ready(Box<Stats>),
    /// The index could not be built.
    Failed {
        /// The reason of the failure.
        failure: Failure,
        /// True if an older index is in use.
        usable: bool,
    },
}

/// The state of the model.
#[derive(Debug, Clone, PartialEq)]
pub enum EngineState {
    /// Nothing was heard yet.
    Waiting,
    /// No model is here, or not the one asked for.
    Missing,
    /// A model is being loaded.
    Loading {
        /// The model's name.
        name: String,
        /// Bytes of memory it will take; 0 where not known.
        memory: u64,
        /// Share loaded, 0 to 1.
        fraction: f32,
        /// Time loading began.
        since: Millis,
    },
    /// A model is loaded.
    Ready(EngineFacts),
    /// The model could not be loaded, or loading was stopped.
    Failed {
        /// The model's name.
        name: String,
    },
}

/// The job that runs.
#[derive(Debug, Clone)]
pub struct RunningJob {
    /// The generation its reports carry.
    pub generation: Generation,
    /// The kind of job.
    pub kind: JobKind,
    /// The block the job fills: [`super::Body::Answer`] or [`super::Body::Review`].
    pub block: BlockId,
    /// The request in the person's words.
    pub request: String,
    /// True if it writes the message of a commit that is being made ready.
    pub commits: bool,
    /// True after Esc: what still comes is passed over, and the end of the job is waited for.
    pub stopping: bool,
}

/// A request waiting for its turn.
#[derive(Debug, Clone)]
pub struct Queued {
    /// The block that holds the request in the transcript.
    pub block: BlockId,
    /// The request; history, pins and drops are filled in when it is sent.
    pub request: Request,
    /// The words typed, to name the request by.
    pub text: String,
}

/// The most important thing going on. Several can be true at once: this is the
/// one that belongs in a single line.
#[derive(Debug, Clone, PartialEq)]
pub enum Activity {
    /// Nothing is going on.
    Idle,
    /// A job runs; its block says how far it is.
    Job {
        /// The block the job fills.
        block: BlockId,
        /// True after Esc was pressed.
        stopping: bool,
    },
    /// The model is being loaded.
    Loading {
        /// The model's name.
        name: String,
        /// Bytes of memory it will take; 0 where not known.
        memory: u64,
        /// Share loaded, 0 to 1.
        fraction: f32,
        /// Seconds left, judged by the time loading took so far.
        left_s: Option<f64>,
    },
    /// A model is being fetched; its block says how far it is.
    Pulling {
        /// The block of the download.
        block: BlockId,
    },
    /// A check runs.
    Checking {
        /// The block of the patch.
        block: BlockId,
        /// Seconds since the check was started.
        seconds: f64,
    },
    /// The index is being built.
    Indexing {
        /// Progress of building the index.
        progress: Progress,
        /// Files per second; 0 where not known.
        rate: f64,
        /// Seconds left, while files are read.
        left_s: Option<f64>,
    },
}
