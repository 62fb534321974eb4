//! The screen's truth.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::block::{Block, BlockId, JobKind};
use super::complete::Completion;
use super::composer::Composer;
use super::history::History;
use super::keymap::Keymap;
use super::message::{EngineFacts, Generation, Millis, ModelRow, Selection};
use super::overlay::Overlay;
use crate::base::seal::Sealed;
use crate::base::{Failure, LineRange, RepoPath};
use crate::index::{Progress, Stats};
use crate::jobs::{Mention, Preview, Request, Turn};
use crate::repo::{Head, Status};

/// What the state must know at the start, from the configuration and the command line.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder's name, for people.
    pub folder: String,
    /// Whether it is a git repository.
    pub git: bool,
    /// Vim keys in the composer.
    pub vim: bool,
    /// Whether conversations and history are kept on disk.
    pub save: bool,
    /// `keys.ACTION = […]` of the user's configuration.
    pub keys: BTreeMap<String, Vec<String>>,
    /// The check command, for people; none where none is configured.
    pub check: Option<String>,
    /// The theme in use.
    pub theme: String,
    /// Whether the seal is on.
    pub sealed: Sealed,
    /// Why no model can be fetched from here, if so (the puller could not be started).
    pub no_pull: Option<String>,
    /// The session to go on with; `Some("")` for the newest.
    pub resume: Option<String>,
    /// The composer's history, oldest first.
    pub history: Vec<String>,
    /// The terminal's size.
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
            size: (80, 24),
        }
    }
}

/// Everything that is drawn. Read it freely; only [`super::update`] changes it.
#[derive(Debug, Clone)]
pub struct State {
    /// What was known at the start (`sealed` and `theme` follow the events).
    pub options: Options,
    /// The time of the last event.
    pub now: Millis,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Whether the terminal window has the focus.
    pub window_focus: bool,
    /// Which key does what.
    pub keymap: Keymap,

    /// The transcript.
    pub blocks: Vec<Block>,
    /// What part of it is seen.
    pub scroll: Scroll,
    /// How tall things were when drawn last.
    pub layout: Layout,
    /// The block that `[`, `]`, `y` and the panel mean; none: the last answer, and nothing is
    /// marked.
    pub cursor: Option<Cursor>,
    /// The stretch marked with the mouse.
    pub selection: Option<Selection>,
    /// What keys go to, when there is no overlay.
    pub focus: Focus,

    /// Where the person types.
    pub composer: Composer,
    /// What the composer's text is for; said in its margin or above it.
    pub composing: Composing,
    /// The completion popup.
    pub completion: Option<Completion>,
    /// What was typed before.
    pub history: History,

    /// The side panel.
    pub panel: Option<Panel>,
    /// What lies over everything and takes the keys.
    pub overlay: Option<Overlay>,
    /// A short word that goes away by itself.
    pub toast: Option<Toast>,

    /// The index.
    pub indexing: Indexing,
    /// How far the vectors of meaning are, while they are made.
    pub meaning: Option<crate::index::Coverage>,
    /// The files of the index, for completion; empty before there is one.
    pub paths: Arc<Vec<RepoPath>>,
    /// The model.
    pub engine: EngineState,
    /// The job that runs (or is being stopped).
    pub job: Option<Running>,
    /// What was sent and waits for its turn, in order.
    pub queue: VecDeque<Queued>,
    /// The download that runs: its block.
    pub pulling: Option<BlockId>,
    /// The check that runs: its patch block.
    pub checking: Option<BlockId>,

    /// The conversation so far, as jobs are given it.
    pub turns: Vec<Turn>,
    /// The session that was resumed.
    pub session: Option<String>,
    /// Shown with every question.
    pub pins: Vec<Mention>,
    /// Never shown.
    pub drops: Vec<Mention>,
    /// Shown with the next question only.
    pub added: Vec<Mention>,
    /// What would be shown, from `/context`; gone with the next question.
    pub preview: Option<Preview>,
    /// Code read for sources and findings; an error text where it could not be.
    pub code: BTreeMap<(RepoPath, LineRange), Result<String, String>>,

    /// Where HEAD points; none in a folder that is no repository, or not known yet.
    pub head: Option<Head>,
    /// Files that differ.
    pub repo_status: Status,
    /// Bytes this process holds; 0 where not known.
    pub memory: u64,
    /// Tokens the conversation took in the context, with the last answer.
    pub context_used: usize,
    /// Tokens a second of the last writing, or of the one that runs.
    pub rate: Option<f64>,
    /// The models heard of last, here or to be fetched.
    pub models: Vec<ModelRow>,
    /// The themes there are.
    pub themes: Vec<String>,

    /// Set by [`super::Command::Quit`].
    pub quitting: bool,

    pub(super) last_block: u64,
    pub(super) last_generation: Generation,
    /// The generation of the preview and of the search that count.
    pub(super) awaited: Awaited,
    /// When Ctrl-C was pressed on an empty composer: a second one soon after ends.
    pub(super) armed_quit: Option<Millis>,
    /// Whether the left button is down over the transcript.
    pub(super) dragging: bool,
    /// What stood in the composer when a remark was begun; it comes back behind it.
    pub(super) draft: String,
    /// Esc closed the popup: it stays closed until the text changes.
    pub(super) popup_closed: bool,
}

/// Reports that are waited for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Awaited {
    pub(super) preview: Option<Generation>,
    pub(super) search: Option<Generation>,
}

/// What part of the transcript is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scroll {
    /// The end; it stays the end when something is added.
    Bottom,
    /// The first row of the viewport shows this line of this block, whatever is added below.
    At {
        /// The block.
        block: BlockId,
        /// The line of the block as drawn, from 0 (clamp it to the block's height).
        line: u32,
    },
}

/// How tall things came out when they were drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// Columns a block is drawn in.
    pub width: u16,
    /// Rows of the transcript that are seen.
    pub rows: u16,
    /// Rows every block takes, the empty rows around it included, in the order of
    /// [`State::blocks`].
    pub heights: Vec<(BlockId, u32)>,
    /// The rows, counted in its block, that the cursor of the patch or review with the keys
    /// stands on: first and last.
    pub cursor_rows: Option<(BlockId, u32, u32)>,
    /// Columns of the composer's text (after its mark): [`Composer::layout`] wraps at it.
    pub composer_width: u16,
    /// Rows of the side panel's list that are seen; 0 while it is closed.
    pub panel_rows: u16,
    /// Rows of the overlay's list or text that are seen; 0 while it is closed.
    pub overlay_rows: u16,
    /// Rows of the overlay's text in all, wrapped; 0 where it is a list.
    pub overlay_total: u32,
}

/// The block at the cursor, and what of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The block.
    pub block: BlockId,
    /// A fenced code block of the answer, from 0 as [`super::markdown::code_blocks`] counts;
    /// none for the whole.
    pub code: Option<usize>,
}

/// What keys go to, when there is no overlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// The composer.
    Composer,
    /// The transcript: the block at the cursor.
    Transcript,
    /// A patch that can be decided on.
    Patch(BlockId),
    /// A review's findings.
    Review(BlockId),
    /// The side panel.
    Panel,
}

/// What the composer's text is for.
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
}

/// The side panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panel {
    /// What it lists.
    pub tab: PanelTab,
    /// The row the cursor stands on, in [`State::panel_rows`].
    pub cursor: usize,
    /// The first row that is seen.
    pub top: usize,
}

/// What the panel lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PanelTab {
    /// The sources of the answer at the cursor, with code.
    Sources,
    /// The context as it was sent, or would be: tokens, why, and what did not fit.
    Context,
}

/// A short word that goes away by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// The word.
    pub text: String,
    /// How it is meant.
    pub tone: super::block::Tone,
    /// When it goes.
    pub until: Millis,
}

/// The index.
#[derive(Debug, Clone, PartialEq)]
pub enum Indexing {
    /// Nothing was heard yet.
    Waiting,
    /// It is being built.
    Running {
        /// How far it is.
        progress: Progress,
        /// Since when.
        since: Millis,
        /// Files a second while reading; 0 where not known.
        rate: f64,
        /// Whether an older index can be used meanwhile.
        usable: bool,
    },
    /// It is complete.
    Ready(Box<Stats>),
    /// It could not be built; `usable` if an older one is in use.
    Failed {
        /// Why.
        failure: Failure,
        /// Whether an older one is in use.
        usable: bool,
    },
}

/// The model.
#[derive(Debug, Clone, PartialEq)]
pub enum EngineState {
    /// Nothing was heard yet.
    Waiting,
    /// None is here.
    Missing,
    /// It is being loaded.
    Loading {
        /// Its name.
        name: String,
        /// Bytes of memory it will take; 0 where not known.
        memory: u64,
        /// 0 to 1.
        fraction: f32,
        /// Since when.
        since: Millis,
    },
    /// It is there.
    Ready(EngineFacts),
    /// It could not be loaded.
    Failed {
        /// Its name.
        name: String,
    },
}

/// The job that runs.
#[derive(Debug, Clone)]
pub struct Running {
    /// Its number.
    pub generation: Generation,
    /// Which job.
    pub kind: JobKind,
    /// The block it fills: [`super::Body::Answer`] or [`super::Body::Review`].
    pub block: BlockId,
    /// What the person wanted, in their words.
    pub request: String,
    /// Esc was pressed: what still comes is passed over, its end is waited for.
    pub stopping: bool,
}

/// What was sent and waits for its turn.
#[derive(Debug, Clone)]
pub struct Queued {
    /// The person's block.
    pub block: BlockId,
    /// What will be asked; history, pins and drops are filled in when it is sent.
    pub request: Request,
    /// What to call it: the words typed.
    pub text: String,
}

/// What to say is going on, most important first. Several can be true at once: this is the
/// one that belongs in a single line.
#[derive(Debug, Clone, PartialEq)]
pub enum Activity {
    /// Nothing.
    Idle,
    /// A job runs; its block says how far it is.
    Job {
        /// Its block.
        block: BlockId,
        /// Esc was pressed.
        stopping: bool,
    },
    /// The model is being loaded.
    Loading {
        /// Its name.
        name: String,
        /// Bytes of memory it will take; 0 where not known.
        memory: u64,
        /// 0 to 1.
        fraction: f32,
        /// Seconds left by the time it took so far.
        left_s: Option<f64>,
    },
    /// A model is being fetched; its block says how far it is.
    Pulling {
        /// Its block.
        block: BlockId,
    },
    /// A check runs.
    Checking {
        /// The patch block.
        block: BlockId,
        /// Seconds so far.
        seconds: f64,
    },
    /// The index is being built.
    Indexing {
        /// How far it is.
        progress: Progress,
        /// Files a second; 0 where not known.
        rate: f64,
        /// Seconds left.
        left_s: Option<f64>,
    },
}

/// A row of the side panel.
#[derive(Debug, Clone, PartialEq)]
pub enum PanelRow {
    /// The project's rules, always shown.
    Rules {
        /// The file.
        path: RepoPath,
        /// Its text.
        text: String,
    },
    /// Something else that is shown: the history where the question is about it, the map.
    Told {
        /// In a word: `history`, `map`.
        what: &'static str,
        /// What it is: `2 commits since v1`.
        title: String,
        /// The text as the model is shown it.
        text: String,
        /// Tokens it takes.
        tokens: usize,
    },
    /// An excerpt that was (or would be) shown.
    Excerpt {
        /// Its number.
        id: u32,
        /// The file.
        path: RepoPath,
        /// The lines.
        range: LineRange,
        /// The text, where it is known; else look in [`State::code`].
        text: Option<String>,
        /// The definition it is.
        symbol: Option<String>,
        /// Why it was chosen: `named`, `pinned`, `search`, `definition`, `diff`.
        why: Option<&'static str>,
        /// Tokens it takes; 0 where not known.
        tokens: usize,
        /// Whether the answer names it.
        cited: bool,
        /// Whether it is pinned now.
        pinned: bool,
        /// Whether it is dropped from the next question on.
        dropped: bool,
    },
    /// What did not get in.
    LeftOut {
        /// The file.
        path: RepoPath,
        /// The lines.
        range: Option<LineRange>,
        /// Tokens it would have taken; 0 where not counted.
        tokens: usize,
        /// Why not.
        reason: String,
    },
}
