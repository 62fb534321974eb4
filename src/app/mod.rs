//! Floor 5: the screen's truth and how it changes. Pure: (State, Event, now) -> Commands.
//!
//! Law: no thread, no file, no clock, no terminal; time comes in as a number. It knows the
//! message types of jobs, index, repo and patch, and calls nothing of theirs but what a value
//! can tell about itself.

pub mod block;
pub mod command;
pub mod complete;
pub mod composer;
pub mod event;
pub mod help;
pub mod history;
pub mod key;
pub mod keymap;
pub mod markdown;
pub mod motion;
pub mod overlay;
pub mod patch_block;
pub mod query;
pub mod review_block;
pub mod slash;
pub mod state;
pub mod update;
pub mod vim;
pub mod wrapped_rows;

pub use block::{
    AnswerBlock, Block, BlockId, Body, Check, Download, DownloadEnd, JobKind, Note, Phase, Reading,
    Sent, Thinking, Tone, UserTurn,
};
pub use command::{Command, Editable, EditorPurpose};
pub use complete::{Completion, CompletionItem};
pub use composer::Composer;
pub use event::{
    BlockPart, Copied, EngineEvent, EngineFacts, Event, Fit, Generation, IndexEvent, Millis,
    ModelRow, Mouse, MouseKind, MouseTarget, PullEvent, Selection, Signal, Spot,
};
pub use history::History;
pub use key::{Code, Key};
pub use keymap::{Action, Keymap, Place};
pub use overlay::{Confirm, ModelPicker, Overlay, Picker};
pub use patch_block::{
    Decision, FileFate, HUNK_CONTEXT, PatchBlock, PatchFile, PatchHunk, PatchRow, PatchState,
};
pub use review_block::{FindingRow, ReviewBlock};
pub use state::{
    Activity, Composing, Cursor, EngineState, Focus, Indexing, Layout, Options, Panel, PanelRow,
    PanelTab, Queued, RunningJob, Scroll, State, Toast,
};
pub use update::{start, update};
pub use wrapped_rows::Row;

#[cfg(test)]
#[path = "sample_tests.rs"]
mod sample;
