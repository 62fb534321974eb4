//! Diffs for the prompt: pieces that fit a budget, for reviews; an overview, for messages.
//!
//! Every line carries its number, `12+ new`, `11- old`, `13  both`, so that it can be named,
//! and so that no line of a diff can be taken for a heading. Control characters are shown as
//! visible escapes.

mod around;
mod overview;

use std::fmt::Write as _;
use std::ops::Range;

use self::around::Surroundings;
use super::{Excerpt, LeftOut};
use crate::base::text::{printable, printable_block};
use crate::base::{LineRange, RepoPath, TokenCount};
use crate::index::Index;
use crate::repo::{Diff, DiffKind, DiffLine, FileDiff, FileStatus, Hunk, Repo};

pub use overview::{DiffOverview, diff_overview};

/// A piece that ends inside a hunk may be this much shorter, in order to end at a better line.
const SLACK: usize = 3;
/// The longest section shown behind `@@`, in characters.
const LONGEST_SECTION: usize = 100;

/// A run of lines of one hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffPart {
    /// The file's name now.
    pub path: RepoPath,
    /// Which file of the diff, from 0.
    pub file: usize,
    /// Which hunk of the file, from 0.
    pub hunk: usize,
    /// Which lines of the hunk, from 0.
    pub lines: Range<usize>,
    /// Lines on the old side, where there are any.
    pub old: Option<LineRange>,
    /// Lines on the new side, where there are any.
    pub new: Option<LineRange>,
}

/// As much of a diff as is read at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffPiece {
    /// What it holds, in the order of the text.
    pub parts: Vec<DiffPart>,
    /// The diff as it stands in the prompt, lines numbered: `12+ new`, `11- old`, `13  both`.
    pub text: String,
    /// Definitions around the changes, to be written with [`super::pack::pack`].
    pub around: Vec<Excerpt>,
    /// Tokens of the text and of what is around it.
    pub tokens: usize,
}

/// A diff in pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiffPieces {
    /// To be read one after another.
    pub pieces: Vec<DiffPiece>,
    /// What is in none of them: binary files, lines that are too long.
    pub left_out: Vec<LeftOut>,
}

/// Cuts a diff into pieces of at most `budget` tokens, files and hunks in order, each of one
/// file; a hunk is cut only if it is larger than a piece. With `around`, up to a quarter of each piece is kept for
/// the definitions that the changes stand in (read from the repository, and shown only where
/// the file still is as the diff's new side says); their numbers begin with `first_id` and go
/// on through the pieces.
pub fn diff_pieces(
    diff: &Diff,
    around: Option<(&Repo, &Index)>,
    budget: usize,
    first_id: u32,
    count: &dyn TokenCount,
) -> DiffPieces {
    let limit = if around.is_some() {
        budget - budget / 4
    } else {
        budget
    };
    let mut cutter = Cutter {
        diff,
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
        for hunk in 0..found.hunks.len() {
            cutter.hunk(file, hunk);
        }
    }
    cutter.close();
    let mut pieces: Vec<DiffPiece> = cutter
        .done
        .into_iter()
        .map(|(parts, text, tokens)| DiffPiece {
            parts,
            text,
            around: Vec::new(),
            tokens,
        })
        .collect();
    if let Some((repo, index)) = around {
        let mut surroundings = Surroundings::new(diff, repo, index, first_id.max(1));
        for piece in &mut pieces {
            surroundings.add(piece, budget, count);
        }
    }
    DiffPieces {
        pieces,
        left_out: cutter.left_out,
    }
}

/// `src/a.rs (modified, +3 -1)`
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
    let lines = || file.hunks.iter().flat_map(|h| &h.lines);
    let added = lines().filter(|l| l.kind == DiffKind::Added).count();
    let removed = lines().filter(|l| l.kind == DiffKind::Removed).count();
    if file.binary {
        format!("{} ({what}, binary)", file.path)
    } else {
        format!("{} ({what}, +{added} -{removed})", file.path)
    }
}

/// The largest number up to `total` that holds, if all below one that holds do. It tries small
/// ones first, so that no text much larger than what fits is ever counted.
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

fn part(file: &FileDiff, at: usize, number: usize, hunk: &Hunk, lines: Range<usize>) -> DiffPart {
    let these = hunk.lines.get(lines.clone()).unwrap_or(&[]);
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

fn write_part(out: &mut String, file: &FileDiff, part: &DiffPart, titled: bool) {
    // Writing to a String cannot fail.
    if titled {
        let _ = writeln!(out, "--- {}", title(file));
    }
    let Some(hunk) = file.hunks.get(part.hunk) else {
        return;
    };
    let section: String = hunk.section.trim().chars().take(LONGEST_SECTION).collect();
    let _ = writeln!(out, "{}", format!("@@ {}", printable(&section)).trim_end());
    for line in hunk.lines.get(part.lines.clone()).unwrap_or(&[]) {
        let sign = line.kind.sign();
        let text = printable_block(line.text.trim_end_matches(['\r', '\n'])).replace('\n', "\\n");
        let line = format!("{}{sign} {text}", line.number().unwrap_or(0));
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

struct Cutter<'a> {
    diff: &'a Diff,
    limit: usize,
    count: &'a dyn TokenCount,
    /// The piece that is being filled.
    parts: Vec<DiffPart>,
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

    fn text(&self, more: Option<&DiffPart>) -> String {
        let mut out = String::new();
        let mut before = None;
        for part in self.parts.iter().chain(more) {
            if let Some(file) = self.diff.files.get(part.file) {
                if before.is_some() && before != Some(part.file) {
                    out.push('\n');
                }
                write_part(&mut out, file, part, before != Some(part.file));
                before = Some(part.file);
            }
        }
        out
    }

    fn close(&mut self) {
        if !self.parts.is_empty() {
            let text = self.text(None);
            let tokens = self.count.count(&text);
            self.done
                .push((std::mem::take(&mut self.parts), text, tokens));
        }
    }

    fn hunk(&mut self, at: usize, number: usize) {
        let diff = self.diff;
        let Some((file, hunk)) = diff
            .files
            .get(at)
            .and_then(|file| Some((file, file.hunks.get(number)?)))
        else {
            return;
        };
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

/// Where to cut a hunk of which `fits` lines fit: rather before a line that did not change or
/// is empty than in the middle of a block.
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
