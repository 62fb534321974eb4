//! The records of a session, and the lines that they are in its file.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::{Fold, Mention, Turn};
use crate::base::RepoPath;
use crate::base::secrets::masked_copy;
use crate::base::{Failure, Result};

/// The version of the file format. The first one had turns alone.
const VERSION: u32 = 2;

/// A record of a conversation. `S` says what the screen shows of it, which is the screen's to
/// know.
#[derive(Debug, Clone, PartialEq)]
pub enum Record<S> {
    /// The conversation has this title from now on.
    Title(String),
    /// An exchange with the model, as later requests are given it.
    Turn {
        /// The exchange.
        turn: Box<Turn>,
        /// True if other records show it; one of the command line is shown by itself.
        shown: bool,
    },
    /// The conversation is folded so from now on.
    Fold {
        /// The fold.
        fold: Fold,
        /// True if other records show it; one of the command line is shown by itself.
        shown: bool,
    },
    /// Files that are pinned and dropped from now on.
    Files(PinnedFiles),
    /// The conversation is a branch: it parted from the session of this id.
    Branch(String),
    /// A change of what the screen shows.
    Screen(S),
    /// All before this is told once more: not all of it may have come to the disk.
    Anew,
}

/// The files that a conversation has pinned and dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedFiles {
    /// Files shown with every question.
    pub pinned: Vec<Mention>,
    /// Files never shown.
    pub dropped: Vec<Mention>,
    /// Files and folders that all is narrowed to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<RepoPath>,
}

/// A line of a session's file: one of the fields after `at`.
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de>"))]
struct Line<S> {
    version: u32,
    /// Seconds since 1970; not in the first version.
    #[serde(default)]
    at: u64,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    turn: Option<Box<Turn>>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    fold: Option<Fold>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    shown: bool,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    files: Option<PinnedFiles>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    branch: Option<String>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    screen: Option<S>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    anew: bool,
}

/// Nothing, of any type: a derived default would ask that the type has one.
const fn none<T>() -> Option<T> {
    None
}

impl<S> Line<S> {
    fn of(record: Record<S>, at: u64) -> Self {
        let mut line = Self {
            version: VERSION,
            at,
            title: None,
            turn: None,
            fold: None,
            shown: false,
            files: None,
            branch: None,
            screen: None,
            anew: false,
        };
        match record {
            Record::Title(title) => line.title = Some(title),
            Record::Turn { turn, shown } => (line.turn, line.shown) = (Some(turn), shown),
            Record::Fold { fold, shown } => (line.fold, line.shown) = (Some(fold), shown),
            Record::Files(files) => line.files = Some(files),
            Record::Branch(of) => line.branch = Some(of),
            Record::Screen(screen) => line.screen = Some(screen),
            Record::Anew => line.anew = true,
        }
        line
    }

    /// The record of a line; none in a line of a version to come.
    fn record(self) -> Option<Record<S>> {
        let record = self.title.map(Record::Title);
        let shown = self.shown;
        let record = record.or(self.turn.map(|turn| Record::Turn { turn, shown }));
        let record = record.or(self.fold.map(|fold| Record::Fold { fold, shown }));
        let record = record.or(self.files.map(Record::Files));
        let record = record.or(self.branch.map(Record::Branch));
        let record = record.or(self.screen.map(Record::Screen));
        let record = record.or_else(|| self.anew.then_some(Record::Anew));
        record.filter(|_| self.version <= VERSION)
    }
}

/// A record as a line of a session's file, without its end; secrets in it are masked.
///
/// # Errors
/// Of kind bug, where it cannot be JSON.
pub fn to_line<S: Serialize>(record: Record<S>) -> Result<String> {
    // A clock may stand before 1970.
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let failed =
        |e: serde_json::Error| Failure::bug("a record cannot be written as JSON").caused_by(&e);
    let mut line = serde_json::to_value(Line::of(record, now.as_secs())).map_err(failed)?;
    mask(&mut line)?;
    serde_json::to_string(&line).map_err(failed)
}

/// Puts the mask in place of the secrets in all texts of a value.
fn mask(value: &mut Value) -> Result<()> {
    match value {
        Value::String(text) => {
            if let Some(masked) = masked_copy(text)? {
                *text = masked;
            }
            Ok(())
        }
        Value::Array(all) => all.iter_mut().try_for_each(mask),
        Value::Object(fields) => fields.values_mut().try_for_each(mask),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// The record of a line of a session's file; none where it is of no form that is known.
pub fn from_line<S: DeserializeOwned>(line: impl AsRef<[u8]>) -> Option<Record<S>> {
    serde_json::from_slice::<Line<S>>(line.as_ref())
        .ok()?
        .record()
}
