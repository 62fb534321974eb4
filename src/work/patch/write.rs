//! The only writer of the working tree.
//!
//! Order of things: lock; finish what an earlier process left half done; check every file;
//! write the record; write all new texts beside their places; move them in; say so in the
//! record. Whatever stops it in between, the record holds what is needed to go back.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::disk::{
    Stands, clear_ready, dress_ready, lay_ready, make_folder, move_in, remove, remove_folder,
    restore_folders, stands,
};
use super::record::{Entry, Record, WriteStage, hash, numbers, prune};
use super::{Change, FileChange, merge};
use crate::base::encoding::{TextEncoding, decode};
use crate::base::places::{self, RepoPlaces, private_dir};
use crate::base::{Cancel, Failure, Kind, RepoPath, Result};

/// Time for which another homebody that writes is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The folder of the `undo` records of one repository (never in the repository).
#[derive(Debug, Clone)]
pub struct UndoDir {
    pub(super) dir: PathBuf,
    pub(super) key: PathBuf,
}

impl UndoDir {
    /// Names the folder, and the file of the key by which records are known to be ours.
    pub const fn new(dir: PathBuf, key: PathBuf) -> Self {
        Self { dir, key }
    }

    /// The folder and key of a repository.
    pub fn of(places: &RepoPlaces) -> Self {
        Self::new(places.undo.clone(), places.key.clone())
    }
}

/// An account of a change that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The files that changed.
    pub files: Vec<RepoPath>,
    /// The record's number, for messages.
    pub record: u64,
    /// Events besides that must be told: an interrupted patch that was found and taken back.
    pub notes: Vec<String>,
}

/// Writes a change, all or nothing, under a lock: merges it with what has changed since it was
/// planned, records what was there, writes new texts beside the old ones and renames them into
/// place (keeping permissions), and puts all back when one fails.
///
/// # Errors
/// Of kind usage, if the change is empty; of kind input, if a file has changed meanwhile in the
/// same lines or lies behind a link; of kind environment, if it cannot be written.
pub fn apply(root: &Path, change: &Change, undo: &UndoDir) -> Result<Applied> {
    if change.is_empty() {
        return Err(Failure::usage("there is nothing to apply"));
    }
    let _lock = lock(undo, PATIENCE)?;
    let mut notes = Vec::new();
    recover(root, undo, Foreign::Refused, &mut notes)?;
    let change = merged_with_what_stands(root, change, &mut notes)?;
    let mut record = begin(root, &change, undo, None)?;
    record.state = WriteStage::Applied;
    if let Err(failure) = record.save(undo) {
        record.state = WriteStage::Applying;
        let failure = failure.because("so the patch was taken back");
        return Err(match take_back(root, &record, record.files.len()) {
            Ok(()) => {
                let _ = record.remove(&undo.dir);
                failure
            }
            Err(also) => failure.because(also),
        });
    }
    prune(&undo.dir);
    Ok(Applied {
        files: record.files.iter().map(|e| e.target().clone()).collect(),
        record: record.number,
        notes,
    })
}

/// Takes back the half-done work of a process that was killed, and says so; for every start. While
/// another process writes, nothing is done.
///
/// # Errors
/// Of kind environment, if a file cannot be put back: `undo` tries again.
pub fn put_back_interrupted(root: &Path, undo: &UndoDir) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    // Before the first patch there is no folder of records.
    let last = numbers(&undo.dir).unwrap_or_default().last().copied();
    let state = last.and_then(|last| Record::state_of(&undo.dir, last));
    if !matches!(state, None | Some(WriteStage::Applied))
        && let Ok(_lock) = lock(undo, Duration::ZERO)
    {
        recover(root, undo, Foreign::Refused, &mut notes)?;
    }
    Ok(notes)
}

/// The treatment of a record that is not known to be ours: an older homebody made it without a
/// code, or somebody else laid it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// The record is not put back.
    Refused,
    /// The user has seen what the record does, and wants it.
    Wanted,
}

/// The failure of a record that is not known to be ours; says what the record would do.
pub(super) fn not_ours(record: &Record) -> Failure {
    let named = |entry: &Entry| match &entry.before {
        Some(before) => format!("writes {} ({} lines)", entry.path, before.lines().count()),
        None => format!("removes {}", entry.target()),
    };
    let what: Vec<String> = record.files.iter().map(named).collect();
    Failure::input("the last record of a patch is not known to be homebody's own")
        .because(format!("put back, it {}", what.join(", ")))
        .hint(
            "an older homebody made such records; `homebody --yes undo` puts it back, \
             `homebody forget` removes all of this repository",
        )
}

/// Takes the lock of this repository's writers.
pub(super) fn lock(undo: &UndoDir, patience: Duration) -> Result<File> {
    private_dir(&undo.dir)?;
    let taken = places::lock(&undo.dir.join("lock"), patience, &Cancel::never())?;
    taken.ok_or_else(|| {
        Failure::environment("another homebody is writing to this repository")
            .hint("wait until it has finished, and try again")
    })
}

/// Takes back the half-done work of a process that was killed, and says so in `notes`. Returns the
/// files concerned, if there was such work.
pub(super) fn recover(
    root: &Path,
    undo: &UndoDir,
    foreign: Foreign,
    notes: &mut Vec<String>,
) -> Result<Option<Vec<RepoPath>>> {
    let Some(last) = numbers(&undo.dir)?.last().copied() else {
        return Ok(None);
    };
    let record = Record::load(undo, last)?;
    let what = match record.state {
        WriteStage::Applied => return Ok(None),
        WriteStage::Applying => {
            "a patch that was interrupted while it was written has been taken back"
        }
        WriteStage::Undoing => "an undo that was interrupted has been finished",
    };
    let what = match record.undoes {
        Some(_) if record.state == WriteStage::Applying => {
            "an undo that was interrupted has been taken back"
        }
        _ => what,
    };
    if !record.own && foreign == Foreign::Refused {
        notes.push(format!("nothing is put back: {}", not_ours(&record)));
        return Ok(None);
    }
    let files: Vec<RepoPath> = record.files.iter().map(|e| e.path.clone()).collect();
    let names: Vec<String> = files.iter().map(ToString::to_string).collect();
    if record.state == WriteStage::Undoing && record.undoes.is_some() {
        finish_undo(root, undo, record)?;
        notes.push(format!("{what}: {}", names.join(", ")));
        return Ok(Some(files));
    }
    match take_back(root, &record, files.len()) {
        Ok(()) => {
            record.remove(&undo.dir)?;
            notes.push(format!("{what}: {}", names.join(", ")));
        }
        Err(failure) if failure.kind() == Kind::Input => {
            let aside = record.set_aside(&undo.dir)?;
            notes.push(format!(
                "{what}, but not whole: {failure}; the texts from before are kept in {}",
                aside.display()
            ));
        }
        Err(failure) => return Err(failure),
    }
    Ok(Some(files))
}

/// Ends an undo whose files are all written: the record that it has taken back goes, and its own
/// too, unless that holds what would be lost.
pub(super) fn finish_undo(root: &Path, undo: &UndoDir, mut record: Record) -> Result<()> {
    if let Some(undone) = record.undoes
        && let Ok(undone) = Record::load(undo, undone)
    {
        for folder in undone.folders.iter().rev() {
            // A folder that holds something else by now stays.
            remove_folder(root, folder);
        }
        undone.remove(&undo.dir)?;
    }
    if !record.keeps {
        return record.remove(&undo.dir);
    }
    record.state = WriteStage::Applied;
    record.undoes = None;
    record.save(undo)
}

/// Checks every file, writes the record and then the change, which may take back another `undone`;
/// a change that fails is taken back.
pub(super) fn begin(
    root: &Path,
    change: &Change,
    undo: &UndoDir,
    undone: Option<&Record>,
) -> Result<Record> {
    let mut record = Record {
        number: numbers(&undo.dir)?.last().map_or(1, |last| last + 1),
        state: WriteStage::Applying,
        files: Vec::new(),
        folders: Vec::new(),
        undoes: undone.map(|record| record.number),
        keeps: false,
        own: true,
    };
    for file in &change.files {
        let mut entry = checked_entry(root, file)?;
        // A file comes back in the encoding that it had, and one that was removed with its rights.
        let had = undone.and_then(|record| {
            let mut entries = record.files.iter();
            entries.find(|before| before.path == *entry.target())
        });
        if let Some(had) = had {
            entry.mode = entry.mode.or(had.mode);
            entry.encoding.clone_from(&had.encoding);
            sign(&mut entry)?;
        }
        note_folders(root, entry.target(), &mut record.folders)?;
        record.files.push(entry);
    }
    record.save(undo)?;
    // The records come along where the repository goes.
    if let Some(state) = undo.dir.parent() {
        places::mark(root, state);
    }
    let mut reached = 0;
    let Err(failure) = carry_out(root, change, &record, &mut reached) else {
        return Ok(record);
    };
    Err(match take_back(root, &record, reached) {
        Ok(()) => {
            // Nothing is changed: a record left behind is found and removed at the next start.
            let _ = record.remove(&undo.dir);
            failure.because("nothing was changed")
        }
        Err(also) => failure
            .because(format!("and not everything could be put back: {also}"))
            .hint("run `homebody undo`: it tries again to put everything back"),
    })
}

/// Plans the change anew on files that have changed since it was planned, and says so in `notes`.
fn merged_with_what_stands(
    root: &Path,
    change: &Change,
    notes: &mut Vec<String>,
) -> Result<Change> {
    let mut merged = Change::default();
    for file in &change.files {
        let mut file = file.clone();
        if let (Some(before), Some(after)) = (&file.before, &file.after)
            && let Stands::File { bytes, .. } = stands(root, &file.path)?
            && TextEncoding::in_which(&bytes, before).is_none()
            && let Some(now) = decode(&bytes).filter(|now| !now.lossy)
        {
            let now = now.text;
            let path = &file.path;
            let both = merge::merged(before, &now, after).map_err(|meet| {
                let ranges: Vec<String> = meet.iter().map(ToString::to_string).collect();
                let lines = ranges.join(", ");
                Failure::input(format!(
                    "`{path}` has changed since the patch was made, in the same lines: {lines}"
                ))
                .because("nothing was changed")
                .hint("ask for the patch again")
            })?;
            notes.push(if both == now {
                format!("{path} has the change already")
            } else {
                format!("{path} has changed since the patch was made: both changes are kept")
            });
            if both == now && file.renamed_to.is_none() {
                continue;
            }
            file.after = Some(both);
            file.before = Some(now);
        }
        merged.files.push(file);
    }
    if merged.is_empty() {
        return Err(Failure::input("nothing is left to write")
            .because(notes.join("; "))
            .hint("look at the files: the change is there"));
    }
    Ok(merged)
}

/// Checks one file of a change against the disk.
fn checked_entry(root: &Path, file: &FileChange) -> Result<Entry> {
    let changed = || {
        Failure::input(format!(
            "`{}` has changed since the patch was made",
            file.path
        ))
        .hint("ask for the patch again")
    };
    let (mode, encoding) = match (&file.before, stands(root, &file.path)?) {
        (None, Stands::Nothing) => (None, TextEncoding::UTF_8),
        (None, Stands::File { .. }) => {
            return Err(Failure::input(format!("`{}` exists already", file.path)));
        }
        // Renaming a new text into its place would not ask whether the file may be written.
        (
            Some(_),
            Stands::File {
                read_only: true, ..
            },
        ) => {
            return Err(Failure::input(format!("`{}` is read-only", file.path))
                .hint("allow writing to it (chmod u+w), and try again"));
        }
        (Some(before), Stands::File { bytes, mode, .. }) => {
            let encoding = TextEncoding::in_which(&bytes, before);
            (mode, encoding.ok_or_else(changed)?)
        }
        (Some(_), Stands::Nothing) => return Err(changed()),
    };
    if let Some(to) = &file.renamed_to
        && !matches!(stands(root, to)?, Stands::Nothing)
    {
        return Err(Failure::input(format!("`{to}` exists already")));
    }
    let mut entry = Entry {
        path: file.path.clone(),
        renamed_to: file.renamed_to.clone(),
        before: file.before.clone(),
        after_hash: None,
        after: file.after.clone(),
        encoding: (!encoding.is_utf8()).then(|| encoding.name().to_owned()),
        mode,
    };
    sign(&mut entry)?;
    Ok(entry)
}

/// Puts down the hash of the text after, as it will stand on the disk.
fn sign(entry: &mut Entry) -> Result<()> {
    let bytes = entry.after.as_ref().map(|after| entry.bytes(after));
    entry.after_hash = bytes.transpose()?.map(|bytes| hash(&bytes));
    Ok(())
}

/// Adds the folders above `path` that are not there yet.
fn note_folders(root: &Path, path: &RepoPath, folders: &mut Vec<RepoPath>) -> Result<()> {
    let mut above = String::new();
    for part in path.folder().split('/').filter(|part| !part.is_empty()) {
        if !above.is_empty() {
            above.push('/');
        }
        above.push_str(part);
        let folder = RepoPath::new(&above)?;
        if !folders.contains(&folder) && fs::symlink_metadata(folder.under(root)).is_err() {
            folders.push(folder);
        }
    }
    Ok(())
}

/// Writes everything. `reached` counts the files that may have been changed, also on failure.
fn carry_out(root: &Path, change: &Change, record: &Record, reached: &mut usize) -> Result<()> {
    for folder in &record.folders {
        make_folder(root, folder)?;
    }
    for (index, (file, entry)) in change.files.iter().zip(&record.files).enumerate() {
        if let Some(after) = &file.after {
            let of = (record.number, index);
            lay_ready(root, entry.target(), of, &entry.bytes(after)?, entry.mode)?;
            if file.before.is_some() {
                dress_ready(root, &file.path, entry.target(), of)?;
            }
        }
    }
    for (index, (file, entry)) in change.files.iter().zip(&record.files).enumerate() {
        // Checked once more right before: another program may have written meanwhile.
        checked_entry(root, file)?;
        *reached = index + 1;
        if file.after.is_some() {
            let fresh = file.before.is_none() || entry.renamed_to.is_some();
            move_in(root, entry.target(), (record.number, index), fresh)?;
        }
        if file.after.is_none() || entry.renamed_to.is_some() {
            remove(root, &entry.path)?;
        }
    }
    Ok(())
}

/// Puts the first `reached` files back as they were before, from whatever point the patch had
/// come to, and takes everything away that the patch had laid ready. This may be done again after
/// an interruption.
///
/// # Errors
/// Of kind input, if a file is neither as before nor as after: it is left alone, the others
/// are put back.
fn take_back(root: &Path, record: &Record, reached: usize) -> Result<()> {
    let mut strange = Vec::new();
    for (index, entry) in record.files.iter().enumerate().rev() {
        clear_ready(root, entry.target(), record.number, index);
        if index < reached
            && let Err(failure) = put_back(root, entry, record.number, index)
        {
            strange.push(failure);
        }
    }
    for folder in record.folders.iter().rev() {
        // A folder that holds something else by now stays.
        remove_folder(root, folder);
    }
    let mut strange = strange.into_iter();
    match strange.next() {
        None => Ok(()),
        Some(first) => Err(strange.fold(first, Failure::because)),
    }
}

/// Puts one file back as it was before the patch; a file that is neither as before nor as after is
/// left alone.
fn put_back(root: &Path, entry: &Entry, number: u64, index: usize) -> Result<()> {
    let target = entry.target();
    let moved = entry.renamed_to.is_some();
    let is_after = |bytes: &[u8]| entry.after_hash.as_deref() == Some(&hash(bytes));
    let Some(before) = &entry.before else {
        return match stands(root, target)? {
            Stands::Nothing => Ok(()),
            Stands::File { bytes, .. } if is_after(&bytes) => remove(root, target),
            Stands::File { .. } => Err(left_alone(target)),
        };
    };
    let before = entry.bytes(before)?;
    match stands(root, &entry.path)? {
        Stands::File { bytes, .. } if bytes == before => {}
        Stands::File { bytes, .. } if moved || !is_after(&bytes) => {
            return Err(left_alone(&entry.path));
        }
        Stands::Nothing if entry.after_hash.is_some() && !moved => {
            return Err(left_alone(&entry.path));
        }
        state => {
            let fresh = matches!(state, Stands::Nothing);
            restore_folders(root, &entry.path)?;
            let of = (number, index);
            lay_ready(root, &entry.path, of, &before, entry.mode)?;
            // A file that was removed has left nothing to be taken over.
            if entry.after_hash.is_some() {
                dress_ready(root, target, &entry.path, of)?;
            }
            move_in(root, &entry.path, of, fresh)?;
        }
    }
    if moved {
        return match stands(root, target)? {
            Stands::Nothing => Ok(()),
            Stands::File { bytes, .. } if is_after(&bytes) => remove(root, target),
            Stands::File { .. } => Err(left_alone(target)),
        };
    }
    Ok(())
}

fn left_alone(path: &RepoPath) -> Failure {
    Failure::input(format!(
        "`{path}` is neither as it was before the patch nor as it is after, and was left alone"
    ))
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
