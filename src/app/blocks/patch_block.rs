//! A planned change in the transcript: hunks that are taken or left one by one.

use serde::{Deserialize, Serialize};

use crate::app::blocks::block::Check;
use crate::app::blocks::patch_marks::{StoredPatch, Writing};
use crate::base::{Failure, OrBug as _, RepoPath};
use crate::patch::{Change, ChangedHunk, FileChange};

/// Lines of context around changes, in hunks as shown and as selected by.
pub const HUNK_CONTEXT: usize = 3;

const NO_HUNKS: &str = "a file has hunks that its patch has not";

/// The person's decision on a hunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Not decided yet: applying leaves it out.
    Undecided,
    /// Accepted: will be written.
    Accepted,
    /// Rejected: will be left out.
    Rejected,
    /// Written to the working tree: decided, until it is taken back.
    Written,
}

impl Decision {
    /// True where something is written, or is to be.
    pub const fn is_taken(self) -> bool {
        matches!(self, Self::Accepted | Self::Written)
    }
}

/// A hunk with the decision on it.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchHunk {
    /// The hunk, with its lines.
    pub hunk: ChangedHunk,
    /// The decision on the hunk.
    pub decision: Decision,
}

/// A file of the change, as shown.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchFile {
    /// The path before the change (the new path for a new file).
    pub path: RepoPath,
    /// The kind of change to the file.
    pub what: FileFate,
    /// True if its hunks are hidden.
    pub folded: bool,
    /// Number of lines added.
    pub added: usize,
    /// Number of lines removed.
    pub removed: usize,
    /// Range in [`PatchBlock::hunks`]: from, up to (excluded). Empty for a mere rename.
    pub hunks: (usize, usize),
    /// Decision for a file without hunks (a mere rename, an empty file); else unused.
    pub decision: Decision,
}

impl PatchFile {
    /// Makes the file at index `at` of a change, unfolded and undecided; `hunks` are those of
    /// the whole change.
    fn new(at: usize, file: &FileChange, hunks: &[ChangedHunk]) -> Self {
        let from = hunks.iter().take_while(|h| h.file < at).count();
        let count = hunks.iter().filter(|h| h.file == at).count();
        let lines = |sign: i8| {
            hunks
                .iter()
                .filter(|h| h.file == at)
                .flat_map(|h| &h.lines)
                .filter(|(s, _)| *s == sign)
                .count()
        };
        Self {
            path: file.path.clone(),
            what: match (&file.renamed_to, &file.before, &file.after) {
                (Some(to), _, _) => FileFate::Renamed(to.clone()),
                (None, None, _) => FileFate::Created,
                (None, Some(_), None) => FileFate::Deleted,
                (None, Some(_), Some(_)) => FileFate::Changed,
            },
            folded: false,
            added: lines(1),
            removed: lines(-1),
            hunks: (from, from + count),
            decision: Decision::Undecided,
        }
    }
}

/// The kind of change to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileFate {
    /// Changed in place.
    Changed,
    /// New in the working tree.
    Created,
    /// Taken away from the working tree.
    Deleted,
    /// Renamed to this path, perhaps changed too.
    Renamed(RepoPath),
}

/// A row the cursor can stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatchRow {
    /// The heading of a file: index in [`PatchBlock::files`].
    File(usize),
    /// A hunk: index in [`PatchBlock::hunks`].
    Hunk(usize),
}

/// The stage of a patch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatchState {
    /// Open: can be decided on.
    Open,
    /// Being written to the working tree.
    Applying,
    /// Written to the working tree, but for what was rejected.
    Applied {
        /// The files that changed.
        files: Vec<RepoPath>,
    },
    /// Discarded: every hunk was rejected.
    Discarded,
}

/// A planned change with the decisions on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredPatch", into = "StoredPatch")]
pub struct PatchBlock {
    /// The request in the person's words.
    pub request: String,
    /// The change as planned.
    pub change: Change,
    /// The files, in the order of `change.files`.
    pub files: Vec<PatchFile>,
    /// The hunks, as [`Change::hunks`] with [`HUNK_CONTEXT`] gives them.
    pub hunks: Vec<PatchHunk>,
    /// The row the cursor stands on.
    pub cursor: PatchRow,
    /// Edits that could not be used, with reasons.
    pub troubles: Vec<String>,
    /// The parts that are written and not taken back, in order.
    pub writings: Vec<Writing>,
    /// The stage of the patch.
    pub state: PatchState,
    /// The check of the patch.
    pub check: Check,
    /// The step that its commit is at, while it is made.
    pub committing: Option<String>,
    /// The reason why it could not be written, edited or taken back just now; shown at the cursor.
    pub failure: Option<Failure>,
}

impl PatchBlock {
    /// Makes an open patch of a planned change.
    pub fn new(request: String, change: Change, troubles: Vec<String>) -> Self {
        let hunks = change.hunks(HUNK_CONTEXT);
        let files = change
            .files
            .iter()
            .enumerate()
            .map(|(at, file)| PatchFile::new(at, file, &hunks))
            .collect();
        let cursor = if hunks.is_empty() {
            PatchRow::File(0)
        } else {
            PatchRow::Hunk(0)
        };
        Self {
            request,
            change,
            files,
            hunks: hunks
                .into_iter()
                .map(|hunk| PatchHunk {
                    hunk,
                    decision: Decision::Undecided,
                })
                .collect(),
            cursor,
            troubles,
            writings: Vec::new(),
            state: PatchState::Open,
            check: Check::None,
            committing: None,
            failure: None,
        }
    }

    /// Tells whether the patch can still be decided on.
    pub fn is_open(&self) -> bool {
        self.state == PatchState::Open
    }

    /// Returns the rows the cursor can stand on, in the order shown; hunks of folded files are not
    /// among them.
    pub fn rows(&self) -> Vec<PatchRow> {
        let mut rows = Vec::new();
        for (i, file) in self.files.iter().enumerate() {
            rows.push(PatchRow::File(i));
            if !file.folded {
                rows.extend((file.hunks.0..file.hunks.1).map(PatchRow::Hunk));
            }
        }
        rows
    }

    /// Counts the accepted hunks of a file, and all its hunks, for its heading.
    pub fn accepted_of(&self, file: usize) -> (usize, usize) {
        let Some(file) = self.files.get(file) else {
            return (0, 0);
        };
        if file.hunks.0 == file.hunks.1 {
            return (usize::from(file.decision.is_taken()), 1);
        }
        let hunks = self.hunks.get(file.hunks.0..file.hunks.1).or_bug(NO_HUNKS);
        let accepted = hunks.iter().filter(|h| h.decision.is_taken());
        (accepted.count(), hunks.len())
    }

    /// Counts the hunks and the files without hunks on which a decision is such.
    pub fn count(&self, is_such: impl Fn(Decision) -> bool) -> usize {
        let hunks = self.hunks.iter().map(|hunk| hunk.decision);
        let bare = self.bare_files().map(|(_, decision)| decision);
        hunks
            .chain(bare)
            .filter(|decision| is_such(*decision))
            .count()
    }

    /// Returns the index of the file a row belongs to.
    pub fn file_of(&self, row: PatchRow) -> Option<usize> {
        match row {
            PatchRow::File(i) => (i < self.files.len()).then_some(i),
            PatchRow::Hunk(i) => self.hunks.get(i).map(|h| h.hunk.file),
        }
    }

    /// Returns the lines a hunk concerns, for naming it: on the new side, else on the old one.
    #[cfg(test)]
    pub fn range_of(&self, hunk: usize) -> Option<crate::base::LineRange> {
        self.hunks.get(hunk).and_then(|h| h.hunk.new.or(h.hunk.old))
    }
}

/// Decisions on the hunks, and the changes they select.
impl PatchBlock {
    /// Decides on a row; a file's heading stands for all its hunks. What is written stays so.
    pub(in crate::app) fn decide(&mut self, row: PatchRow, decision: Decision) {
        let decide = |known: &mut Decision| {
            if *known != Decision::Written {
                *known = decision;
            }
        };
        match row {
            PatchRow::Hunk(at) => {
                if let Some(hunk) = self.hunks.get_mut(at) {
                    decide(&mut hunk.decision);
                }
            }
            PatchRow::File(at) => {
                let Some(file) = self.files.get_mut(at) else {
                    return;
                };
                decide(&mut file.decision);
                let (from, to) = file.hunks;
                let hunks = self.hunks.get_mut(from..to).or_bug(NO_HUNKS);
                for hunk in hunks {
                    decide(&mut hunk.decision);
                }
            }
        }
    }

    /// Accepts all hunks that are not decided on.
    pub(in crate::app) fn accept_rest(&mut self) {
        let rest = |decision: &mut Decision| {
            if *decision == Decision::Undecided {
                *decision = Decision::Accepted;
            }
        };
        self.files.iter_mut().for_each(|f| rest(&mut f.decision));
        self.hunks.iter_mut().for_each(|h| rest(&mut h.decision));
    }

    /// The files without hunks (mere renames, empty files), with the decisions on them.
    fn bare_files(&self) -> impl Iterator<Item = (&FileChange, Decision)> {
        let files = self.files.iter().zip(&self.change.files);
        files.filter_map(|(shown, file)| {
            (shown.hunks.0 == shown.hunks.1).then_some((file, shown.decision))
        })
    }

    pub(in crate::app) fn all_rejected(&self) -> bool {
        let rejected = |decision| decision == Decision::Rejected;
        self.hunks.iter().all(|hunk| rejected(hunk.decision))
            && self.bare_files().all(|(_, decision)| rejected(decision))
    }

    /// Returns the part of the change whose decisions pass `keep`.
    pub(in crate::app) fn selected(&self, keep: impl Fn(Decision) -> bool) -> Change {
        let flags: Vec<bool> = self.hunks.iter().map(|h| keep(h.decision)).collect();
        let mut change = self.change.select(HUNK_CONTEXT, &flags);
        // The flags say nothing of files without hunks, which have decisions of their own.
        for (file, decision) in self.bare_files() {
            change.files.retain(|other| other.path != file.path);
            if keep(decision) {
                change.files.push(file.clone());
            }
        }
        let place = |file: &FileChange| {
            let mut all = self.change.files.iter();
            all.position(|other| other.path == file.path)
        };
        change.files.sort_by_key(place);
        change
    }

    /// Replaces a file's new text by an edited one; the hunks are worked out anew, decisions on
    /// equal ones stay.
    pub(in crate::app) fn edit(&mut self, file: usize, text: String) {
        let Some(changed) = self.change.files.get_mut(file) else {
            return;
        };
        changed.after = Some(text);
        let mut change = self.change.clone();
        change
            .files
            .retain(|f| f.before != f.after || f.renamed_to.is_some());
        self.rebuild(change, file);
    }

    /// Tells whether a hunk that was edited stands for hunks that are all accepted: who edits what
    /// is accepted wants it so.
    fn is_wanted(&self, edited: &ChangedHunk, path: Option<&RepoPath>) -> bool {
        let of = |hunk: &ChangedHunk| self.change.files.get(hunk.file).map(|file| &file.path);
        let before = self.hunks.iter();
        let mut before = before
            .filter(|old| of(&old.hunk) == path && meet(&old.hunk, edited))
            .peekable();
        before.peek().is_some() && before.all(|old| old.decision == Decision::Accepted)
    }

    fn rebuild(&mut self, change: Change, file: usize) {
        let mut new = Self::new(
            std::mem::take(&mut self.request),
            change,
            std::mem::take(&mut self.troubles),
        );
        let mut moved = Vec::new();
        for (to, hunk) in new.hunks.iter_mut().enumerate() {
            let path = new.change.files.get(hunk.hunk.file).map(|f| &f.path);
            let same = self.hunks.iter().position(|old| {
                old.hunk.lines == hunk.hunk.lines
                    && self.change.files.get(old.hunk.file).map(|f| &f.path) == path
            });
            if let Some((from, old)) = same.and_then(|at| Some((at, self.hunks.get(at)?))) {
                hunk.decision = old.decision;
                moved.push((from, to));
            } else if self.is_wanted(&hunk.hunk, path) {
                hunk.decision = Decision::Accepted;
            }
        }
        for bare in &mut new.files {
            let same = self.files.iter().find(|old| old.path == bare.path);
            if let Some(old) = same {
                bare.decision = old.decision;
                bare.folded = old.folded;
            }
        }
        new.writings = std::mem::take(&mut self.writings);
        new.find_written(&moved);
        if let Some(edited) = new.files.get(file) {
            // The eye is on the hunk that was edited.
            let at = match self.cursor {
                PatchRow::Hunk(at) => self.hunks.get(at).map(|hunk| &hunk.hunk),
                PatchRow::File(_) => None,
            };
            let same = |to: &usize| {
                let hunk = new.hunks.get(*to).map(|hunk| &hunk.hunk);
                at.zip(hunk).is_some_and(|(a, b)| meet(a, b))
            };
            let (from, to) = edited.hunks;
            new.cursor = match (from..to).find(same) {
                Some(at) => PatchRow::Hunk(at),
                None if from < to => PatchRow::Hunk(from),
                None => PatchRow::File(file),
            };
        }
        if new.change.is_empty() {
            new.state = PatchState::Discarded;
        }
        *self = new;
    }
}

/// Tells whether two hunks of a file change the same lines of it, or stand between the same.
fn meet(a: &ChangedHunk, b: &ChangedHunk) -> bool {
    match (a.old, b.old) {
        (Some(a), Some(b)) => a.start() <= b.end() && b.start() <= a.end(),
        _ => true,
    }
}
