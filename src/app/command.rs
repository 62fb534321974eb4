//! Commands: everything that the state wants done by somebody who can.

use super::block::BlockId;
use super::message::{Generation, Selection};
use crate::base::{LineRange, RepoPath};
use crate::jobs::{Finding, Request, Turn};
use crate::patch::Change;

/// What a text is edited for in `$EDITOR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditorPurpose {
    /// The composer's text.
    Composer,
    /// The new text of a file of a patch.
    PatchFile {
        /// The patch block.
        block: BlockId,
        /// Which file of its change, from 0.
        file: usize,
    },
    /// A file of the repository as it lies there.
    Look,
}

/// What `$EDITOR` is opened on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Editable {
    /// A text, in a private temporary file.
    Text {
        /// The text.
        text: String,
        /// The temporary file's name ends with it: `question.md`, `walk.rs`.
        name: String,
        /// The line to start at, from 1.
        line: u32,
    },
    /// A file of the repository.
    File {
        /// The file.
        path: RepoPath,
        /// The line to start at, from 1.
        line: u32,
    },
}

/// Something to be done by somebody who can.
#[derive(Debug, Clone)]
pub enum Command {
    /// Run a job on the engine's thread with the newest index. Reports [`super::Event::Job`] and in
    /// the end [`super::Event::JobDone`]. Never sent while one runs.
    StartJob {
        /// To be given back with every report.
        generation: Generation,
        /// What to do.
        request: Box<Request>,
    },
    /// Cancel that job; its [`super::Event::JobDone`] still comes.
    Cancel {
        /// Which.
        generation: Generation,
    },
    /// What a request would be shown; runs no model. Reports [`super::Event::Preview`].
    Preview {
        /// To be given back.
        generation: Generation,
        /// For which request.
        request: Box<Request>,
    },
    /// Search the index. Reports [`super::Event::Search`].
    Search {
        /// To be given back.
        generation: Generation,
        /// The words.
        query: String,
        /// Most places.
        top: usize,
    },
    /// Read lines of a file for showing. Reports [`super::Event::Code`].
    ReadCode {
        /// The file.
        path: RepoPath,
        /// The lines.
        range: LineRange,
    },

    /// Write a change to the working tree. Reports [`super::Event::Applied`].
    Apply {
        /// To be given back.
        block: BlockId,
        /// Only what was accepted.
        change: Box<Change>,
    },
    /// Take back the last applied patch. Reports [`super::Event::Undone`].
    Undo,
    /// Run the user's check command on the change (applied already, or on a copy of the tree
    /// with it). Reports [`super::Event::Checked`].
    RunCheck {
        /// To be given back.
        block: BlockId,
        /// Only what is not rejected.
        change: Box<Change>,
        /// Whether it stands in the working tree already.
        applied: bool,
    },
    /// Cancel the running check; [`super::Event::Checked`] still comes.
    CancelCheck,
    /// Give the terminal to `$EDITOR`. Reports [`super::Event::EditorDone`].
    OpenEditor {
        /// To be given back.
        purpose: EditorPurpose,
        /// What is opened.
        editable: Editable,
    },

    /// Bring the index up to date. Reports [`super::Event::Index`].
    Reindex {
        /// Throw away what is there.
        rebuild: bool,
    },
    /// Ask git for head and status. Reports [`super::Event::Repo`].
    RefreshRepo,
    /// The models there are. Reports [`super::Event::Models`].
    ListModels,
    /// Load a model, dropping the one that is loaded; none for the configured, chosen or best
    /// one. `choose`: remember it for the next start. Reports [`super::Event::Engine`].
    LoadModel {
        /// Name or path.
        name: Option<String>,
        /// Whether to remember it.
        choose: bool,
    },
    /// Stop loading; reports [`super::EngineEvent::Failed`] of kind interrupted.
    CancelLoad,
    /// Fetch a model of the catalog. Reports [`super::Event::Pull`].
    Pull {
        /// Its name.
        name: String,
    },
    /// Stop the download; reports [`super::PullEvent::Failed`] of kind interrupted.
    CancelPull,
    /// The engine forgets the conversation it holds. No report.
    ResetEngine,

    /// Put a text on the clipboard. Reports [`super::Event::Copied`].
    Copy(String),
    /// Put the drawn text of a stretch of the transcript on the clipboard. Reports
    /// [`super::Event::Copied`].
    CopySelection(Selection),

    /// The sessions of this repository. Reports [`super::Event::Sessions`].
    ListSessions,
    /// Load a session and go on with it: later turns are added to it; none for the newest.
    /// Reports [`super::Event::SessionLoaded`].
    LoadSession {
        /// Its id.
        id: Option<String>,
    },
    /// The next turn that is saved begins a new session. No report.
    NewSession,
    /// Add a turn to the session (never sent with `save` off). Reports only failure.
    SaveTurn(Box<Turn>),
    /// Add a line to the composer's history on disk (never sent with `save` off).
    SaveHistory(String),
    /// Write the conversation as Markdown. Reports [`super::Event::Written`].
    Export {
        /// The conversation.
        turns: Vec<Turn>,
        /// Where the user wants it; none for a name of its own in the current folder.
        file: Option<String>,
    },
    /// Write the report of a review as Markdown in the current folder. Reports
    /// [`super::Event::Written`].
    WriteReport(String),
    /// Put a finding aside for all reviews to come, or no longer. A failure is reported as
    /// [`super::Event::SaveFailed`].
    Dismiss {
        /// Which.
        finding: Box<Finding>,
        /// Whether it is aside from now on.
        aside: bool,
    },
    /// Work out the change that came with a finding. Reports [`super::Event::Suggested`].
    Suggest(Box<Finding>),
    /// Write a first `AGENTS.md`, never over one that is there. Reports
    /// [`super::Event::InitWritten`].
    WriteInit,
    /// What was found, what fits, and the proof of the seal. Reports [`super::Event::Doctor`].
    Doctor,
    /// The themes there are. Reports [`super::Event::Themes`].
    ListThemes,
    /// Draw with a theme from now on; `keep` false while it is only looked at. Reports
    /// [`super::Event::ThemeSet`].
    SetTheme {
        /// Its name.
        name: String,
        /// Whether it was chosen.
        keep: bool,
    },

    /// Draw everything again from an empty screen.
    Redraw,
    /// Ring the bell: something long has ended while the window had no focus.
    Bell,
    /// Stop the process as Ctrl-Z does, giving the terminal back meanwhile.
    Suspend,
    /// End.
    Quit,
}
