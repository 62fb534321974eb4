//! The only writer of the working tree, and the record that takes a patch back.

use std::path::{Path, PathBuf};

use super::Change;
use crate::base::{Failure, RepoPath, Result};

/// Where the records for `undo` of one repository are kept (never in the repository).
#[derive(Debug, Clone)]
pub struct UndoDir(pub PathBuf);

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The files that changed.
    pub files: Vec<RepoPath>,
    /// The record's number, for messages.
    pub record: u64,
    /// What else happened and must be said: an interrupted patch that was found and taken back.
    pub notes: Vec<String>,
}

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The files put back.
    pub files: Vec<RepoPath>,
    /// How many earlier records are left.
    pub left: usize,
    /// What else happened and must be said, as in [`Applied::notes`].
    pub notes: Vec<String>,
}

/// Writes a change, all or nothing, under a lock: checks that every file still is as the
/// change was planned on, records what was there, writes new texts beside the old ones and
/// renames them into place (keeping permissions), and puts all back when one fails.
///
/// # Errors
/// Of kind input, if a file has changed meanwhile; of kind environment, if it cannot be written.
pub fn apply(root: &Path, change: &Change, undo: &UndoDir) -> Result<Applied> {
    let _ = (root, change, undo);
    Err(Failure::bug("apply is not built"))
}

/// Takes the last applied patch back, if its files still are as it left them.
///
/// # Errors
/// Of kind usage, if there is nothing to undo; of kind input, if a file has changed since.
pub fn undo(root: &Path, undo: &UndoDir) -> Result<Undone> {
    let _ = (root, undo);
    Err(Failure::bug("undo is not built"))
}
