//! Taking a patch back.
//!
//! An undo is a patch of its own: its edits are those of the record the other way round, merged with
//! what was changed since, and it is written as every patch is, all or nothing.

use std::path::Path;
use std::time::SystemTime;

use super::disk::{Stands, stands};
use super::merge;
use super::record::{Entry, Record, WriteStage, hash, numbers, prune, time_of};
use super::write::{Foreign, PATIENCE, UndoDir, begin, finish_undo, lock, not_ours, recover};
use super::{Change, FileChange};
use crate::base::encoding::TextEncoding;
use crate::base::{Failure, RepoPath, Result};

/// A wish to take a patch back.
#[derive(Debug, Clone, Copy)]
pub struct UndoRequest {
    /// The number of the patch's record; none for the last one.
    pub number: Option<u64>,
    /// The treatment of a record that is not known to be ours.
    pub foreign: Foreign,
    /// True to put the files back whatever stands there; that is kept in a record of its own.
    pub force: bool,
}

impl UndoRequest {
    /// The last patch, as far as it can be taken back without a loss.
    pub const LAST: Self = Self {
        number: None,
        foreign: Foreign::Refused,
        force: false,
    };
}

/// An account of a change that was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The files that were put back.
    pub files: Vec<RepoPath>,
    /// The number of the record that was taken back; none for the work of a process that was killed.
    pub record: Option<u64>,
    /// Records that are left.
    pub left: usize,
    /// Events besides that must be told, as in [`super::Applied::notes`].
    pub notes: Vec<String>,
}

/// A patch that can be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undoable {
    /// The number of its record.
    pub number: u64,
    /// The time when it was written; none where the system does not tell.
    pub time: Option<SystemTime>,
    /// Its files, each with a word of what the patch did to it.
    pub files: Vec<(RepoPath, &'static str)>,
    /// False if the record is not known to be ours.
    pub own: bool,
}

/// The patches that can be taken back, newest first.
///
/// # Errors
/// Of kind environment, if a record cannot be read.
pub fn list(undo: &UndoDir) -> Result<Vec<Undoable>> {
    // Before the first patch there is no folder of records.
    let numbers = numbers(&undo.dir).unwrap_or_default();
    let each = numbers.into_iter().rev();
    each.map(|number| Ok(undoable(undo, &Record::load(undo, number)?)))
        .collect()
}

/// The patch that an undo would take back; none where there is none, or where an interrupted one is
/// to be put in order first.
///
/// # Errors
/// Of kind environment, if its record cannot be read.
pub fn last(undo: &UndoDir) -> Result<Option<Undoable>> {
    // Before the first patch there is no folder of records.
    let Some(number) = numbers(&undo.dir).unwrap_or_default().last().copied() else {
        return Ok(None);
    };
    let record = Record::load(undo, number)?;
    let whole = record.state == WriteStage::Applied;
    Ok(whole.then(|| undoable(undo, &record)))
}

fn undoable(undo: &UndoDir, record: &Record) -> Undoable {
    let word = |entry: &Entry| match (&entry.before, &entry.after_hash, &entry.renamed_to) {
        (None, ..) => "created",
        (_, None, _) => "deleted",
        (_, _, Some(_)) => "renamed",
        _ => "changed",
    };
    let files = record.files.iter();
    Undoable {
        number: record.number,
        time: time_of(&undo.dir, record.number),
        files: files
            .map(|entry| (entry.target().clone(), word(entry)))
            .collect(),
        own: record.own,
    }
}

/// Takes an applied patch back. What was changed since in other lines stays.
///
/// # Errors
/// Of kind usage, if there is no such patch; of kind input, if a file has changed since in the same
/// lines; of kind environment, if a file cannot be written.
pub fn undo(root: &Path, undo: &UndoDir, request: &UndoRequest) -> Result<Undone> {
    let _lock = lock(undo, PATIENCE)?;
    let mut notes = Vec::new();
    let recovered = recover(root, undo, request.foreign, &mut notes)?;
    let all = numbers(&undo.dir)?;
    if let Some(files) = recovered
        && request.number.is_none()
    {
        // The half-done patch, which is taken back now, was the last one.
        return Ok(Undone {
            files,
            record: None,
            left: all.len(),
            notes,
        });
    }
    let record = Record::load(undo, wanted(&all, request.number)?)?;
    if !record.own && request.foreign == Foreign::Refused {
        return Err(not_ours(&record));
    }
    let change = inverse(root, &record, request.force, &mut notes)?;
    let files = record.files.iter().map(|entry| entry.path.clone());
    let files = files.collect();
    if change.is_empty() {
        record.remove(&undo.dir)?;
        return Ok(Undone {
            files,
            record: Some(record.number),
            left: all.len() - 1,
            notes,
        });
    }
    let mut writing = begin(root, &change, undo, Some(&record))?;
    writing.state = WriteStage::Undoing;
    writing.keeps = request.force;
    let kept = usize::from(writing.keeps);
    writing.save(undo)?;
    if writing.keeps {
        notes.push(format!(
            "the texts that stood there are kept as patch {}: `homebody undo` brings them back",
            writing.number
        ));
    }
    finish_undo(root, undo, writing)?;
    prune(&undo.dir);
    Ok(Undone {
        files,
        record: Some(record.number),
        left: all.len() - 1 + kept,
        notes,
    })
}

/// The number of the record that is to be taken back.
fn wanted(all: &[u64], number: Option<u64>) -> Result<u64> {
    let Some(last) = all.last() else {
        return Err(Failure::usage("there is no applied patch to undo"));
    };
    match number {
        None => Ok(*last),
        Some(number) if all.contains(&number) => Ok(number),
        Some(number) => Err(
            Failure::usage(format!("there is no patch {number} to undo"))
                .hint("`homebody undo --list` shows those there are"),
        ),
    }
}

/// The change that takes a record back, on the files as they are now.
fn inverse(root: &Path, record: &Record, force: bool, notes: &mut Vec<String>) -> Result<Change> {
    let (mut change, mut changed) = (Change::default(), Vec::new());
    for entry in &record.files {
        match inverse_of(root, entry, force, notes) {
            Ok(files) => change.files.extend(files),
            Err(why) => changed.push(why),
        }
    }
    if changed.is_empty() {
        return Ok(change);
    }
    let failure = Failure::input("the patch cannot be undone: files have changed since").hint(
        "change those lines back by hand, or `homebody undo --force`: it keeps what stands there \
         in a record",
    );
    Err(changed.into_iter().fold(failure, Failure::because))
}

/// The changes that take back those of one file; the reason, where it was changed since in a way
/// that does not allow it.
fn inverse_of(
    root: &Path,
    entry: &Entry,
    force: bool,
    notes: &mut Vec<String>,
) -> std::result::Result<Vec<FileChange>, String> {
    let (path, target) = (&entry.path, entry.target());
    let encoding = entry.encoding().map_err(|failure| failure.to_string())?;
    let text = |path: &RepoPath| text_at(root, path, encoding);
    let change = |path: &RepoPath, to: Option<&RepoPath>, before, after: Option<&str>| FileChange {
        path: path.clone(),
        renamed_to: to.cloned(),
        before,
        after: after.map(str::to_owned),
    };
    let now = text(target)?;
    let before = entry.before.as_deref();
    if entry.renamed_to.is_some()
        && let Some(there) = text(path)?
    {
        if !force {
            return Err(format!("`{path}` is there again"));
        }
        let back = change(path, None, Some(there), before);
        let gone = now.map(|now| change(target, None, Some(now), None));
        return Ok(std::iter::once(back).chain(gone).collect());
    }
    let back = entry.renamed_to.as_ref().map(|_| path);
    let as_left = |now: &str| {
        let bytes = encoding.encode(now);
        bytes.is_some_and(|bytes| entry.after_hash.as_deref() == Some(&hash(&bytes)))
    };
    match (entry.after_hash.is_some(), now) {
        (true, Some(now)) if force || as_left(&now) => {
            Ok(vec![change(target, back, Some(now), before)])
        }
        (true, Some(now)) => {
            let unlike = || format!("`{target}` is not as the patch left it");
            let (Some(after), Some(before)) = (&entry.after, before) else {
                return Err(unlike());
            };
            let both = merge::merged(after, &now, before).map_err(|meet| {
                let ranges: Vec<String> = meet.iter().map(ToString::to_string).collect();
                format!("{}, in the same lines: {}", unlike(), ranges.join(", "))
            })?;
            notes.push(format!(
                "{target} has changed since the patch: those changes stay"
            ));
            if both == now && back.is_none() {
                return Ok(Vec::new());
            }
            Ok(vec![change(target, back, Some(now), Some(&both))])
        }
        // Somebody has taken the new file away already.
        (true, None) if before.is_none() => Ok(Vec::new()),
        (true, None) if force => Ok(vec![change(path, None, None, before)]),
        (true, None) => Err(format!("`{target}` is gone")),
        (false, None) => Ok(vec![change(path, None, None, before)]),
        (false, Some(now)) if Some(now.as_str()) == before => Ok(Vec::new()),
        (false, Some(now)) if force => Ok(vec![change(path, None, Some(now), before)]),
        (false, Some(_)) => Err(format!("`{target}` is there again")),
    }
}

/// The text that stands at a path, in that encoding; none where nothing does.
fn text_at(
    root: &Path,
    path: &RepoPath,
    encoding: TextEncoding,
) -> std::result::Result<Option<String>, String> {
    match stands(root, path).map_err(|failure| failure.to_string())? {
        Stands::Nothing => Ok(None),
        Stands::File { bytes, .. } => encoding
            .decode(&bytes)
            .map(Some)
            .ok_or_else(|| format!("`{path}` is no text in {} any more", encoding.name())),
    }
}
