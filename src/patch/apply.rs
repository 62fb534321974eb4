//! From edits to new texts, in memory.

use super::{Edit, Texts};
use crate::base::{Failure, LineRange, RepoPath, Result};

/// What becomes of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// The file before; for a new file, the new one.
    pub path: RepoPath,
    /// The new name, when renamed.
    pub renamed_to: Option<RepoPath>,
    /// The text before; none for a new file.
    pub before: Option<String>,
    /// The text after; none for a deleted file.
    pub after: Option<String>,
}

/// A run of changed lines that can be taken or left by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedHunk {
    /// Which file of the change, from 0.
    pub file: usize,
    /// Lines on the old side with context (`None` for a new file).
    pub old: Option<LineRange>,
    /// Lines on the new side with context (`None` for a deleted file).
    pub new: Option<LineRange>,
    /// `+1`, `-1` or `0` for each line, with the text without newline.
    pub lines: Vec<(i8, String)>,
}

/// A whole patch: every file it touches, before and after.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The files, in order of path.
    pub files: Vec<FileChange>,
}

impl Change {
    /// Works out the new texts. All edits hold or none does; edits of one file are all located
    /// in its text as it is now and must not overlap. Newlines of the file are kept (CRLF).
    ///
    /// # Errors
    /// Of kind input, naming edit, file and reason.
    pub fn plan(edits: &[Edit], texts: &dyn Texts) -> Result<Self> {
        let _ = (edits, texts);
        Err(Failure::bug("plan is not built"))
    }

    /// As [`Change::plan`], with what should be said about how places were found: text that
    /// stands in the file only with another indentation or other blanks at the ends of lines.
    pub fn plan_noted(edits: &[Edit], texts: &dyn Texts) -> Result<(Self, Vec<String>)> {
        Self::plan(edits, texts).map(|change| (change, Vec::new()))
    }

    /// The hunks, with `context` lines around, in order of file and line.
    pub fn hunks(&self, context: usize) -> Vec<ChangedHunk> {
        let _ = context;
        Vec::new()
    }

    /// The change with only those hunks of [`Change::hunks`] (same `context`) whose flag is
    /// set. Files left without a hunk are left out.
    #[must_use]
    pub fn select(&self, context: usize, keep: &[bool]) -> Self {
        let _ = (context, keep);
        self.clone()
    }

    /// As a unified diff that `git apply` takes.
    pub fn to_unified(&self) -> String {
        String::new()
    }

    /// Lines added and removed.
    pub fn line_counts(&self) -> (usize, usize) {
        let hunks = self.hunks(0);
        let count = |sign: i8| {
            hunks
                .iter()
                .flat_map(|h| &h.lines)
                .filter(|(s, _)| *s == sign)
                .count()
        };
        (count(1), count(-1))
    }

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}
