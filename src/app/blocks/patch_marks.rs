//! The marks of what was done to a patch, and its parts that are written.

use serde::{Deserialize, Serialize};

use crate::app::blocks::block::Check;
use crate::app::blocks::patch_block::{Decision, PatchBlock, PatchHunk, PatchRow, PatchState};
use crate::base::RepoPath;
use crate::base::secrets::MASK;
use crate::patch::{Change, FileChange};

/// A part of a patch that was written at once, and is taken back at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writing {
    /// The files that changed.
    pub files: Vec<RepoPath>,
    /// The hunks that were written, and the files without hunks.
    rows: Vec<PatchRow>,
    /// The number of the record by which it is taken back; none in a log of before it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// The things that git was given of it.
    #[serde(default, skip_serializing_if = "InGit::is_none")]
    pub in_git: InGit,
}

/// The things that git was given of what is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InGit {
    /// True if what is written is staged.
    pub staged: bool,
    /// The commit of what is written.
    pub commit: Option<String>,
}

impl InGit {
    /// Says that undoing the patch leaves git as it is, and what to do there; none where git has
    /// nothing of it.
    pub(in crate::app) fn stays(&self) -> Option<String> {
        match (&self.commit, self.staged) {
            (Some(id), _) => Some(format!(
                "the commit {id} stays: `git revert {id}` takes it back there too, and so does \
                 `git reset --soft HEAD~1` while it is the last one and nobody has it"
            )),
            (None, true) => Some(
                "what was staged stays staged: `git restore --staged FILE` takes it back"
                    .to_owned(),
            ),
            (None, false) => None,
        }
    }

    /// The state of what is written, in words.
    pub fn words(&self) -> Option<String> {
        match (&self.commit, self.staged) {
            (Some(id), _) => Some(format!("committed as {id}")),
            (None, true) => Some("staged".to_owned()),
            (None, false) => None,
        }
    }

    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// All that a person and the program did to a planned change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PatchMarks {
    /// The decisions on the hunks, in order.
    pub hunks: Vec<Decision>,
    /// The decisions on the files, in order, and whether their hunks are hidden.
    pub files: Vec<(Decision, bool)>,
    /// The parts that are written and not taken back, in order.
    pub writings: Vec<Writing>,
    /// The stage of the patch.
    pub state: PatchState,
    /// The check of the patch.
    pub check: Check,
}

/// A patch as it is kept: what can be worked out is not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredPatch {
    request: String,
    change: Change,
    troubles: Vec<String>,
    marks: PatchMarks,
}

impl From<PatchBlock> for StoredPatch {
    fn from(patch: PatchBlock) -> Self {
        Self {
            marks: patch.marks(),
            request: patch.request,
            change: patch.change,
            troubles: patch.troubles,
        }
    }
}

impl From<StoredPatch> for PatchBlock {
    fn from(stored: StoredPatch) -> Self {
        let lost = stored.change.files.iter().find(|file| loses_a_secret(file));
        let lost = lost.map(|file| format!("{}: a secret in it is not kept; ask again", file.path));
        let mut patch = Self::new(stored.request, stored.change, stored.troubles);
        patch.set_marks(stored.marks);
        if let Some(lost) = lost {
            patch.troubles.push(lost);
            if patch.is_open() {
                patch.state = PatchState::Discarded;
            }
        }
        patch
    }
}

/// Tells whether a change as it is kept would write the mask of a secret, and not the secret. One
/// that leaves its line alone is left in the file as it stands there, as any other line that is
/// not the one that was shown.
fn loses_a_secret(file: &FileChange) -> bool {
    let masks = |text: &Option<String>| {
        let text = text.as_deref();
        text.map_or(0, |text| text.matches(MASK).count())
    };
    masks(&file.after) > masks(&file.before)
}

/// Marks, and writing in parts.
impl PatchBlock {
    /// Returns all that was done to the patch.
    pub fn marks(&self) -> PatchMarks {
        PatchMarks {
            hunks: self.hunks.iter().map(|hunk| hunk.decision).collect(),
            files: self.files.iter().map(|f| (f.decision, f.folded)).collect(),
            writings: self.writings.clone(),
            state: self.state.clone(),
            check: self.check.clone(),
        }
    }

    /// Does all that was done to the patch. Marks of other hunks than it has are passed over.
    pub(in crate::app) fn set_marks(&mut self, marks: PatchMarks) {
        for (hunk, decision) in self.hunks.iter_mut().zip(marks.hunks) {
            hunk.decision = decision;
        }
        for (file, (decision, folded)) in self.files.iter_mut().zip(marks.files) {
            (file.decision, file.folded) = (decision, folded);
        }
        self.writings = marks.writings;
        self.state = marks.state;
        self.check = marks.check;
    }

    /// Returns the change from what is written to that and what passes `keep`.
    pub(in crate::app) fn beyond_written(&self, keep: impl Fn(Decision) -> bool) -> Change {
        let written = self.selected(|decision| decision == Decision::Written);
        let mut change = self.selected(|decision| decision == Decision::Written || keep(decision));
        change.files = change
            .files
            .into_iter()
            .filter_map(|file| {
                let before = written.files.iter().find(|known| known.path == file.path);
                let Some(before) = before else {
                    return Some(file);
                };
                (*before != file).then(|| FileChange {
                    path: before.renamed_to.clone().unwrap_or(file.path),
                    renamed_to: None,
                    before: before.after.clone(),
                    after: file.after,
                })
            })
            .collect();
        change
    }

    /// Tells whether what was rejected may be accepted after all, once all is decided.
    pub(in crate::app) fn can_reopen(&self) -> bool {
        let closed = matches!(
            self.state,
            PatchState::Applied { .. } | PatchState::Discarded
        );
        // As it is kept, it would write the mask of a secret.
        closed && !self.change.files.iter().any(loses_a_secret)
    }

    /// Opens a patch on which all was decided: one that was rejected as a whole as it was proposed,
    /// another where the cursor stands on something rejected, which is accepted. False where it
    /// cannot be.
    pub(in crate::app) fn reopen(&mut self) -> bool {
        if !self.can_reopen() {
            return false;
        }
        let cursor = self.cursor;
        let discarded = self.state == PatchState::Discarded;
        let (from, to) = match cursor {
            PatchRow::Hunk(at) => (at, at + 1),
            PatchRow::File(at) => self.files.get(at).map_or((0, 0), |file| file.hunks),
        };
        let to_decision = if discarded {
            Decision::Undecided
        } else {
            Decision::Accepted
        };
        let mut some = false;
        let mut take = |decision: &mut Decision, here: bool| {
            if *decision == Decision::Rejected && (here || discarded) {
                *decision = to_decision;
                some = true;
            }
        };
        for (at, hunk) in self.hunks.iter_mut().enumerate() {
            take(&mut hunk.decision, (from..to).contains(&at));
        }
        for (at, file) in self.files.iter_mut().enumerate() {
            if file.hunks.0 == file.hunks.1 {
                take(&mut file.decision, cursor == PatchRow::File(at));
            }
        }
        if some {
            self.state = PatchState::Open;
        }
        some
    }

    /// Takes in that what was accepted is written now, in these files and by this record.
    pub(in crate::app) fn written(&mut self, files: Vec<RepoPath>, record: u64) {
        let mut rows = Vec::new();
        for (at, hunk) in self.hunks.iter_mut().enumerate() {
            if hunk.decision == Decision::Accepted {
                hunk.decision = Decision::Written;
                rows.push(PatchRow::Hunk(at));
            }
        }
        for (at, file) in self.files.iter_mut().enumerate() {
            if file.hunks.0 == file.hunks.1 && file.decision == Decision::Accepted {
                file.decision = Decision::Written;
                rows.push(PatchRow::File(at));
            }
        }
        self.writings.push(Writing {
            files,
            rows,
            record: Some(record),
            in_git: InGit::default(),
        });
        self.state = PatchState::Open;
        self.decided();
        let open = |hunk: &PatchHunk| hunk.decision == Decision::Undecided;
        if let Some(at) = self.hunks.iter().position(open) {
            self.cursor = PatchRow::Hunk(at);
        }
    }

    /// Takes in that all that is written is staged.
    pub(in crate::app) fn staged(&mut self) {
        for writing in &mut self.writings {
            writing.in_git.staged = true;
        }
    }

    /// Takes in that all that is written is committed, what was not before in this commit.
    pub(in crate::app) fn committed(&mut self, id: &str) {
        for writing in &mut self.writings {
            writing.in_git.commit.get_or_insert_with(|| id.to_owned());
        }
    }

    /// Takes in that what was written last is taken back: it is open again. Gives what git has of
    /// it.
    pub(in crate::app) fn taken_back(&mut self) -> InGit {
        let Some(writing) = self.writings.pop() else {
            return InGit::default();
        };
        for row in writing.rows {
            let decision = match row {
                PatchRow::Hunk(at) => self.hunks.get_mut(at).map(|hunk| &mut hunk.decision),
                PatchRow::File(at) => self.files.get_mut(at).map(|file| &mut file.decision),
            };
            // The editor may have taken it away meanwhile.
            if let Some(decision) = decision {
                *decision = Decision::Undecided;
            }
        }
        self.state = PatchState::Open;
        writing.in_git
    }

    /// Ends the patch where nothing is left to decide on or to write.
    pub(in crate::app) fn decided(&mut self) {
        let open = |decision| matches!(decision, Decision::Undecided | Decision::Accepted);
        if self.all_rejected() {
            self.state = PatchState::Discarded;
        } else if self.count(open) == 0 {
            let mut files: Vec<RepoPath> =
                self.writings.iter().flat_map(|w| w.files.clone()).collect();
            files.sort();
            files.dedup();
            self.state = PatchState::Applied { files };
        }
    }

    /// Finds the written hunks again after the hunks were worked out anew: `moved` says from where
    /// to where. What is another hunk now is none of those that are there.
    pub(super) fn find_written(&mut self, moved: &[(usize, usize)]) {
        let rows = self
            .writings
            .iter_mut()
            .flat_map(|writing| &mut writing.rows);
        for row in rows {
            if let PatchRow::Hunk(at) = row {
                let now = moved.iter().find(|(from, _)| from == at);
                *at = now.map_or(usize::MAX, |(_, to)| *to);
            }
        }
    }
}
