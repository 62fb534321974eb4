//! Diffs for the prompt: pieces that fit a budget, for reviews; an overview, for messages.
//!
//! Every line carries its number, `12+ new`, `11- old`, `13  both`, so that it can be named,
//! and so that no line of a diff can be taken for a heading. Control characters are shown as
//! visible escapes.

mod around;
mod overview;

use std::fmt::Write as _;
use std::ops::Range;

pub use self::around::Surroundings;
use super::{Excerpt, LeftOut};
use crate::base::bug::bug;
use crate::base::text::{printable, printable_block};
use crate::base::{LineRange, OrBug, RepoPath, TokenCount};
use crate::repo::{Diff, DiffKind, DiffLine, FileDiff, FileKind, FileStatus, Hunk};

pub use overview::{DiffOverview, diff_overview};

/// A piece that ends inside a hunk may be this much shorter, in order to end at a better line.
const SLACK: usize = 3;
/// The longest section shown behind `@@`, in characters.
const LONGEST_SECTION: usize = 100;

/// The line behind a file's last one that has no newline.
const NO_NEWLINE: &str = "\\ no newline at the end of the file";

/// A run of lines of one hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffPart {
    /// Path of the file on the new side; of a deleted one, on the old.
    pub path: RepoPath,
    /// Number of the file in the diff, from 0.
    pub file: usize,
    /// Number of the hunk in the file, from 0.
    pub hunk: usize,
    /// Numbers of the lines in the hunk, from 0.
    pub lines: Range<usize>,
    /// Lines on the old side, where there are any.
    pub old: Option<LineRange>,
    /// Lines on the new side, where there are any.
    pub new: Option<LineRange>,
}

/// As much of a diff as is read at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffPiece {
    /// Parts of the diff that the piece holds, in the order of the text.
    pub parts: Vec<DiffPart>,
    /// The diff as it stands in the prompt, lines numbered: `12+ new`, `11- old`, `13  both`.
    pub text: String,
    /// Definitions around the changes, to be written with [`super::pack::pack`].
    pub around: Vec<Excerpt>,
    /// Tokens of the text and of the definitions around it.
    pub tokens: usize,
}

/// A diff in pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiffPieces {
    /// The pieces, to be read one after another.
    pub pieces: Vec<DiffPiece>,
    /// Most tokens of a piece.
    pub budget: usize,
    /// Files and lines that are in no piece: binary files, lines that are too long.
    pub left_out: Vec<LeftOut>,
}

/// Cuts a diff into pieces of at most `budget` tokens, files and hunks in order, each of one
/// file; a hunk is cut only if it is larger than a piece. With `around`, a quarter of each piece is
/// kept for what [`Surroundings`] adds to it.
pub fn diff_pieces(diff: &Diff, around: bool, budget: usize, count: &dyn TokenCount) -> DiffPieces {
    let limit = if around { budget - budget / 4 } else { budget };
    let mut cutter = Cutter {
        diff,
        titles: diff.files.iter().map(title).collect(),
        limit,
        count,
        parts: Vec::new(),
        done: Vec::new(),
        left_out: Vec::new(),
    };
    for (file, found) in diff.files.iter().enumerate() {
        if found.binary {
            cutter.leave_out(found, None, "binary");
        } else if found.hunks.is_empty() {
            cutter.leave_out(found, None, "no lines changed");
        }
        for hunk in found.hunks.iter().enumerate() {
            cutter.hunk((file, found), hunk);
        }
    }
    cutter.close();
    let pieces = cutter.done.into_iter();
    let pieces = pieces.map(|(parts, text, tokens)| DiffPiece {
        parts,
        text,
        around: Vec::new(),
        tokens,
    });
    DiffPieces {
        pieces: pieces.collect(),
        budget,
        left_out: cutter.left_out,
    }
}

/// Names a file and what was done to it: `src/a.rs (modified, +3 -1)`
fn title(file: &FileDiff) -> String {
    let what = match (file.status, &file.old_path) {
        (FileStatus::Added, _) => "new".to_owned(),
        (FileStatus::Deleted, _) => "deleted".to_owned(),
        (FileStatus::Modified, _) => "modified".to_owned(),
        (FileStatus::Renamed, Some(old)) => format!("renamed from {old}"),
        (FileStatus::Renamed, None) => "renamed".to_owned(),
        (FileStatus::ModeChanged, _) => "mode changed".to_owned(),
        (FileStatus::Conflicted, _) => "in conflict".to_owned(),
    };
    let what = match kind_of(file) {
        Some(kind) => format!("{what}, {kind}"),
        None => what,
    };
    let lines = || file.hunks.iter().flat_map(|h| &h.lines);
    let added = lines().filter(|l| l.kind == DiffKind::Added).count();
    let removed = lines().filter(|l| l.kind == DiffKind::Removed).count();
    if file.binary {
        format!("{} ({what}, binary)", file.path)
    } else {
        format!("{} ({what}, +{added} -{removed})", file.path)
    }
}

/// Says what a file is, where it is or was no plain one.
fn kind_of(file: &FileDiff) -> Option<String> {
    let (before, after) = file.kinds;
    match (before, after) {
        (None | Some(FileKind::Plain), None | Some(FileKind::Plain)) => None,
        (Some(FileKind::Executable), Some(FileKind::Plain)) => {
            Some("no longer executable".to_owned())
        }
        (Some(before), Some(after)) if before != after => Some(match after {
            FileKind::Executable if before == FileKind::Plain => "now executable".to_owned(),
            _ => format!("was {}, is {} now", before.words(), after.words()),
        }),
        (_, Some(kind)) | (Some(kind), None) => Some(kind.words().to_owned()),
    }
}

/// Finds the largest number up to `total` that holds, if all below one that holds do. Small ones
/// are tried first, so that no text much larger than what fits is ever counted.
pub(super) fn most(total: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut good, mut step) = (0, 1);
    while good < total {
        let next = (good + step).min(total);
        if !holds(next) {
            let mut bad = next;
            while bad > good + 1 {
                let middle = good + (bad - good) / 2;
                if holds(middle) {
                    good = middle;
                } else {
                    bad = middle;
                }
            }
            break;
        }
        good = next;
        step *= 2;
    }
    good
}

/// Makes a part of `lines` of a hunk, which is number `number` of the file, which is number `at`.
fn part(file: &FileDiff, at: usize, number: usize, hunk: &Hunk, lines: Range<usize>) -> DiffPart {
    let these = lines_of(hunk, &lines);
    let side = |line_of: fn(&DiffLine) -> Option<u32>| {
        let first = these.iter().find_map(line_of)?;
        let last = these.iter().rev().find_map(line_of)?;
        Some(LineRange::new(first, last))
    };
    DiffPart {
        path: file.path.clone(),
        file: at,
        hunk: number,
        lines,
        old: side(|line| line.old),
        new: side(|line| line.new),
    }
}

/// Returns the lines of a part of a hunk.
fn lines_of<'a>(hunk: &'a Hunk, lines: &Range<usize>) -> &'a [DiffLine] {
    let lines = hunk.lines.get(lines.clone());
    lines.or_bug("a part has lines that its hunk has not")
}

/// Writes out a part of a file, behind the file's title where one is given.
fn write_part(out: &mut String, file: &FileDiff, part: &DiffPart, title: Option<&str>) {
    // Writing to a String cannot fail.
    if let Some(title) = title {
        let _ = writeln!(out, "--- {title}");
    }
    let Some(hunk) = file.hunks.get(part.hunk) else {
        return bug("a part is of a hunk that its file has not", ());
    };
    let section: String = hunk.section.trim().chars().take(LONGEST_SECTION).collect();
    let _ = writeln!(out, "{}", format!("@@ {}", printable(&section)).trim_end());
    for line in lines_of(hunk, &part.lines) {
        let (sign, line_ends_file) = (line.kind.sign(), line.no_newline);
        let text = printable_block(line.text.trim_end_matches(['\r', '\n'])).replace('\n', "\\n");
        // Diffs come from git, or from a file: not every line need have a number.
        let line = format!("{}{sign} {text}", line.number().unwrap_or(0));
        let _ = writeln!(out, "{}", line.trim_end());
        if line_ends_file {
            let _ = writeln!(out, "{NO_NEWLINE}");
        }
    }
}

/// A diff while it is cut into pieces.
struct Cutter<'a> {
    diff: &'a Diff,
    /// The title of each file: its lines are counted once, not for every piece.
    titles: Vec<String>,
    /// Most tokens of a piece, without the definitions around it.
    limit: usize,
    count: &'a dyn TokenCount,
    /// The piece that is being filled.
    parts: Vec<DiffPart>,
    /// Pieces that are full: parts, text, and the tokens of the text.
    done: Vec<(Vec<DiffPart>, String, usize)>,
    left_out: Vec<LeftOut>,
}

impl Cutter<'_> {
    fn leave_out(&mut self, file: &FileDiff, range: Option<LineRange>, reason: &str) {
        self.left_out.push(LeftOut {
            path: file.path.clone(),
            range,
            tokens: 0,
            reason: reason.to_owned(),
        });
    }

    /// Writes out the piece that is being filled, with one part more.
    fn text(&self, more: Option<&DiffPart>) -> String {
        let mut out = String::new();
        let mut before = None;
        for part in self.parts.iter().chain(more) {
            if let Some(file) = self.diff.files.get(part.file) {
                if before.is_some() && before != Some(part.file) {
                    out.push('\n');
                }
                let title = self.titles.get(part.file).map(String::as_str);
                let title = title.filter(|_| before != Some(part.file));
                write_part(&mut out, file, part, title);
                before = Some(part.file);
            }
        }
        out
    }

    /// Ends the piece that is being filled, unless it is empty.
    fn close(&mut self) {
        if !self.parts.is_empty() {
            let text = self.text(None);
            let tokens = self.count.count(&text);
            self.done
                .push((std::mem::take(&mut self.parts), text, tokens));
        }
    }

    /// Adds hunk `number` of file `at` to the pieces, in parts where it does not fit into one.
    fn hunk(&mut self, (at, file): (usize, &FileDiff), (number, hunk): (usize, &Hunk)) {
        // Files by themselves: what was found in one is known as long as it does not change.
        if self.parts.last().is_some_and(|last| last.file != at) {
            self.close();
        }
        let total = hunk.lines.len();
        let mut start = 0;
        while start < total {
            let fits = most(total - start, |lines| {
                let part = part(file, at, number, hunk, start..start + lines);
                self.count.count(&self.text(Some(&part))) <= self.limit
            });
            if fits < total - start && !self.parts.is_empty() {
                // It may fit into a piece of its own.
                self.close();
                continue;
            }
            if fits == 0 {
                let line = part(file, at, number, hunk, start..start + 1);
                self.leave_out(
                    file,
                    line.new.or(line.old),
                    "this line alone is larger than a piece",
                );
                start += 1;
                continue;
            }
            let take = if fits < total - start {
                better_end(hunk, start, fits)
            } else {
                fits
            };
            self.parts
                .push(part(file, at, number, hunk, start..start + take));
            start += take;
        }
    }
}

/// Chooses how many lines of a hunk to take from `start` on if `fits` of them fit: rather up to a
/// line that did not change or is empty than to the middle of a block.
fn better_end(hunk: &Hunk, start: usize, fits: usize) -> usize {
    let least = fits - fits / SLACK;
    (least.max(1)..=fits)
        .rev()
        .find(|take| {
            hunk.lines
                .get(start + take)
                .is_some_and(|line| line.kind == DiffKind::Context || line.text.trim().is_empty())
        })
        .unwrap_or(fits)
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
