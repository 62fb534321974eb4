//! Commands: everything that the state wants done by somebody who can.

use super::blocks::block::BlockId;
use super::event::Generation;
use super::log::Record;
use super::pointer::Selection;
use crate::base::{LineRange, RepoPath};
use crate::jobs::{Finding, Request};
use crate::patch::Change;

/// The purpose a text is edited for in `$EDITOR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditorPurpose {
    /// The composer's text, to be put back there.
    Composer,
    /// The new text of a file in a patch.
    PatchFile {
        /// The block of the patch.
        block: BlockId,
        /// Index of the file in `change.files`.
        file: usize,
    },
    /// The message of a commit of what was applied.
    CommitMessage,
    /// A file of the repository, opened where it lies.
    Look,
}

/// The thing `$EDITOR` is opened on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Editable {
    /// A text, in a private temporary file.
    Text {
        /// The text to edit.
        text: String,
        /// The end of the temporary file's name: `question.md`, `walk.rs`.
        name: String,
        /// The line to start at, from 1.
        line: u32,
    },
    /// A file of the repository.
    File {
        /// The path of the file.
        path: RepoPath,
        /// The line to start at, from 1.
        line: u32,
    },
}

/// A request of the state to those who can act on the world.
#[derive(Debug, Clone)]
pub enum Command {
    /// Run a job on the engine's thread with the newest index. Reports [`super::Event::Job`] and in
    /// the end [`super::Event::JobDone`]. Never sent while one runs.
    StartJob {
        /// The generation that every report names.
        generation: Generation,
        /// The job to run.
        request: Box<Request>,
    },
    /// Cancel the job of that generation; its [`super::Event::JobDone`] still comes.
    Cancel {
        /// The generation of the job.
        generation: Generation,
    },
    /// Run the user's check command on the change (applied already, or on a copy of the tree
    /// with it). Reports [`super::Event::Checked`].
    RunCheck {
        /// The block that the report names.
        block: BlockId,
        /// The part of the planned change that is not rejected.
        change: Box<Change>,
        /// True if the change stands in the working tree already.
        applied: bool,
    },
    /// Cancel the running check; [`super::Event::Checked`] still comes.
    CancelCheck,
    /// Give the terminal to `$EDITOR`. Reports [`super::Event::EditorDone`].
    OpenEditor {
        /// The purpose that the report names.
        purpose: EditorPurpose,
        /// The text or file to open.
        editable: Editable,
    },

    /// Bring the index up to date. Reports [`super::Event::Index`].
    Reindex {
        /// True to throw the index away and build it from nothing.
        rebuild: bool,
    },
    /// Load a model, dropping the one that is loaded; none for the configured, chosen or best
    /// one. `choose`: remember it for the next start. Reports [`super::Event::Engine`].
    LoadModel {
        /// The model's name or a path.
        name: Option<String>,
        /// True to remember the model for the next start.
        choose: bool,
    },
    /// Stop loading; reports [`super::EngineEvent::Failed`] of kind interrupted.
    CancelLoad,
    /// Fetch a model of the catalog. Reports [`super::Event::Pull`].
    Pull {
        /// The model's name in the catalog.
        name: String,
    },
    /// Stop the download; reports [`super::PullEvent::Failed`] of kind interrupted.
    CancelPull,
    /// Stop the hooks of the commit that is being made; it then reports
    /// [`super::Event::Committed`] of kind interrupted.
    CancelCommit,
    /// Have the engine forget the conversation it holds. No report.
    ResetEngine {
        /// True if nothing of the next one may be written to disk.
        private: bool,
    },

    /// Put a text on the clipboard. Reports [`super::Event::Copied`].
    Copy(String),
    /// Put the drawn text of a stretch of the transcript on the clipboard. Reports
    /// [`super::Event::Copied`].
    CopySelection(Selection),
    /// List the themes. Reports [`super::Event::Themes`].
    ListThemes,
    /// Draw with a theme from now on; `keep` false while it is only looked at. Reports
    /// [`super::Event::ThemeSet`].
    SetTheme {
        /// The theme's name.
        name: String,
        /// True if the theme was chosen, false while it is only looked at.
        keep: bool,
    },

    /// Count the tokens of texts on the engine's thread. Reports [`super::Event::Counted`].
    CountTokens {
        /// The texts.
        texts: Vec<String>,
    },

    /// Scroll the code at the cursor sideways, if some of it is out of sight. No report.
    Aside {
        /// Steps to the right; negative is to the left.
        by: i8,
    },
    /// Draw everything again from an empty screen.
    Redraw,
    /// Tell the desktop that something long has ended while the window had no focus. The words
    /// are our own: nothing of a repository or a model may stand in them.
    Notify(String),
    /// Stop the process as Ctrl-Z does, giving the terminal back meanwhile.
    Suspend,
    /// End the program.
    Quit,
    /// Work for the I/O worker.
    Io(IoCommand),
    /// Work for the thread that writes to the working tree.
    Write(WriteCommand),
}

/// The quick work: reading files, asking git, sessions, lists, reports. The I/O worker does it in
/// order.
#[derive(Debug, Clone)]
pub enum IoCommand {
    /// Gather the context of a request without running a model. Reports [`super::Event::Preview`].
    Preview {
        /// The generation that the report names.
        generation: Generation,
        /// The request to gather context for.
        request: Box<Request>,
    },
    /// Search the index. Reports [`super::Event::Search`].
    Search {
        /// The generation that the report names.
        generation: Generation,
        /// The words to search for.
        query: String,
        /// Most places to return.
        top: usize,
        /// Files and folders that are searched alone; empty for all.
        within: Vec<RepoPath>,
    },
    /// Find definitions whose name begins with what is typed. Reports [`super::Event::Names`].
    FindNames {
        /// The text behind `@`.
        typed: String,
        /// Files and folders that are looked at alone; empty for all.
        within: Vec<RepoPath>,
    },
    /// Read lines of a file for showing. Reports [`super::Event::Code`].
    ReadCode {
        /// The path of the file.
        path: RepoPath,
        /// The range of lines.
        range: LineRange,
    },
    /// Ask git for head and status. Reports [`super::Event::Repo`].
    RefreshRepo,
    /// List the models, here or to be fetched. Reports [`super::Event::Models`].
    ListModels,
    /// List the sessions of this repository. Reports [`super::Event::Sessions`].
    ListSessions,
    /// Look for sessions in whose texts all of some words stand. Reports
    /// [`super::Event::SessionsFound`].
    FindSessions {
        /// The words, as typed.
        words: String,
    },
    /// Give a session a title. A failure is reported as [`super::Event::Warning`].
    RenameSession {
        /// The session's id.
        id: String,
        /// The title.
        title: String,
    },
    /// Load a session; none for the newest. Reports [`super::Event::SessionLoaded`].
    LoadSession {
        /// The session's id; none for the newest.
        id: Option<String>,
    },
    /// Write a session as a document. Reports [`super::Event::SessionShown`].
    ShowSession {
        /// The session's id.
        id: String,
    },
    /// Delete a session. A failure is reported as [`super::Event::Warning`].
    RemoveSession {
        /// The session's id.
        id: String,
    },
    /// Go on with the session that was loaded last: later records are added to it. No report.
    GoOn,
    /// Begin a new session with the next records. No report.
    NewSession,
    /// Append records to the session's log (never sent with `save` off). Reports only failure, as
    /// [`super::Event::LogFailed`].
    Log {
        /// The records, in order.
        records: Vec<Record>,
        /// True if they are to be on the disk before anything else is done.
        sync: bool,
    },
    /// Add a line to the composer's history on disk (never sent with `save` off).
    SaveHistory(String),
    /// Write the conversation as Markdown. Reports [`super::Event::Written`].
    Export {
        /// The document.
        text: String,
        /// The path the user gave; none for a generated name in the current folder.
        file: Option<String>,
    },
    /// Write the report of a review as Markdown in the current folder. Reports
    /// [`super::Event::Written`].
    WriteReport(String),
    /// Put a finding aside for all reviews to come, or no longer. A failure is reported as
    /// [`super::Event::SaveFailed`].
    Dismiss {
        /// The finding to put aside or take back.
        finding: Box<Finding>,
        /// True to put it aside, false to take it back.
        aside: bool,
    },
    /// Work out the change that came with a finding. Reports [`super::Event::Suggested`].
    Suggest(Box<Finding>),
    /// Read the settings, where each comes from, and what each takes. Reports
    /// [`super::Event::Settings`].
    ListSettings,
    /// Set a setting in the user's own file. Reports [`super::Event::SettingSaved`].
    SaveSetting {
        /// The setting's name.
        name: String,
        /// The value as typed; none to take the setting out of the file.
        value: Option<String>,
    },
    /// Examine the machine, the models that fit, and the seal. Reports [`super::Event::Doctor`].
    Doctor,
}

/// Changes of the working tree, done one after another.
#[derive(Debug, Clone)]
pub enum WriteCommand {
    /// Write a change to the working tree. Reports [`super::Event::Applied`].
    Apply {
        /// The block that the report names.
        block: BlockId,
        /// The accepted part of the planned change.
        change: Box<Change>,
    },
    /// Stage a change that stands in the working tree, and nothing else. Reports
    /// [`super::Event::Staged`].
    Stage {
        /// The block that the report names.
        block: BlockId,
        /// The written part of the change.
        change: Box<Change>,
    },
    /// Plan a commit of such a change. Reports [`super::Event::CommitPlanned`].
    PlanCommit {
        /// The block that the report names.
        block: BlockId,
        /// The written part of the change.
        change: Box<Change>,
    },
    /// Make that commit. Reports [`super::Event::Committed`], and [`super::Event::Checking`] while
    /// hooks run.
    Commit {
        /// The block that the report names.
        block: BlockId,
        /// The written part of the change.
        change: Box<Change>,
        /// The message.
        message: String,
        /// True if the hooks run.
        hooks: bool,
    },
    /// Take back the last applied patch. Reports [`super::Event::Undone`], or
    /// [`super::Event::UndoAsked`] where its record is another than `own`.
    Undo {
        /// The number of the last record that the conversation has written.
        own: Option<u64>,
    },
    /// Take back the patch of this record, whoever has written it. Reports
    /// [`super::Event::Undone`].
    UndoRecord(u64),
    /// Write a first `AGENTS.md`, never over one that is there. Reports
    /// [`super::Event::InitWritten`].
    WriteInit,
}
