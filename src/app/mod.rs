//! Floor 5: the screen's truth and how it changes. Pure: (State, Event, now) -> Commands.
//!
//! Law: no thread, no file, no clock, no terminal; time comes in as a number. It knows the
//! message types of jobs, index, repo and patch, and calls nothing of theirs but what a value
//! can tell about itself.

pub mod blocks;
pub mod branches;
pub mod command;
pub mod editing;
pub mod event;
pub mod find;
pub mod help;
pub mod key;
pub mod keymap;
pub mod log;
pub mod markdown;
pub mod next_step;
pub mod overlay;
pub mod panel_row;
pub mod pointer;
pub mod query;
pub mod settings;
pub mod slash;
pub mod state;
pub mod table;
pub mod update;
pub mod wrap;

pub use blocks::block::{
    AnswerBlock, Block, BlockId, Body, Check, Download, DownloadEnd, JobKind, Note, Phase, Reading,
    Sent, Thinking, Tone, UserTurn,
};
pub use blocks::patch_block::{
    Decision, FileFate, HUNK_CONTEXT, PatchBlock, PatchFile, PatchHunk, PatchRow, PatchState,
};
pub use blocks::review_block::{FindingRow, ReviewBlock};
pub use branches::{BackRow, BackTo, Branch, Branches};
pub use command::{Command, Editable, EditorPurpose, IoCommand, WriteCommand};
pub use editing::complete::{Completion, CompletionItem, SHOWN, Subject, WIDE};
pub use editing::composer::Composer;
pub use editing::history::History;
pub use editing::places::KnownFiles;
pub use editing::wrapped_rows::Row;
pub use event::{
    Copied, EngineEvent, EngineFacts, Event, Fit, Generation, IndexEvent, Millis, ModelRow,
    PullEvent, Signal,
};
pub use find::{Find, Match};
pub use key::{Code, Key};
pub use keymap::{Action, Keymap, Place};
pub use log::Conversation;
pub use next_step::next_step_here;
pub use overlay::{
    Confirm, ModelPicker, Overlay, PaletteItem, PaletteRun, Picker, SessionPicker, SettingChange,
    SettingEntry, SettingRow, SettingsForm,
};
pub use panel_row::PanelRow;
pub use pointer::{BlockPart, Mouse, MouseKind, MouseTarget, Selection, Spot};
pub use state::{
    Activity, Composing, Cursor, DiffLook, EngineState, Focus, Indexing, Layout, Options, Panel,
    PanelTab, Queued, RunningJob, Scroll, State, Toast,
};
pub use update::{start, update};

#[cfg(test)]
#[path = "sample_tests.rs"]
mod sample;
