//! Conversations kept on disk: saved turn by turn, resumed, exported, forgotten.

use std::path::PathBuf;

use super::Turn;
use crate::base::{Failure, Result};

/// The folder of one repository's sessions (0700; files 0600).
#[derive(Debug, Clone)]
pub struct Sessions {
    /// The folder.
    pub dir: PathBuf,
}

/// A session in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionEntry {
    /// Its id: sortable, newest last.
    pub id: String,
    /// The first request, one line.
    pub title: String,
    /// Turns.
    pub turns: usize,
    /// Seconds since 1970 of the last change.
    pub changed: u64,
}

impl Sessions {
    /// The sessions there are, newest first. Broken files are left out.
    pub fn list(&self) -> Result<Vec<SessionEntry>> {
        Err(Failure::bug("sessions are not built"))
    }

    /// An id for a new session.
    pub fn new_id(&self) -> String {
        String::new()
    }

    /// Adds a turn to a session's file (created with the first). A killed process loses at
    /// most the turn being written.
    pub fn append(&self, id: &str, turn: &Turn) -> Result<()> {
        let _ = (id, turn);
        Err(Failure::bug("sessions are not built"))
    }

    /// The turns of a session.
    pub fn load(&self, id: &str) -> Result<Vec<Turn>> {
        let _ = id;
        Err(Failure::bug("sessions are not built"))
    }

    /// Removes a session.
    pub fn remove(&self, id: &str) -> Result<()> {
        let _ = id;
        Err(Failure::bug("sessions are not built"))
    }
}

/// A session as a Markdown document, sources listed under each answer.
pub fn export(turns: &[Turn]) -> String {
    let _ = turns;
    String::new()
}
