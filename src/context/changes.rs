//! Diffs for the prompt: pieces that fit a budget, for reviews; an overview, for messages.
//!
//! Every line carries its number, `12+ new`, `11- old`, `13  both`, so that it can be named,
//! and so that no line of a diff can be taken for a heading. Control characters are shown as
//! visible escapes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use super::pack::cost;
use super::{Excerpt, LeftOut, Why};
use crate::base::text::{printable, printable_block};
use crate::base::{LineRange, RepoPath, TokenCount};
use crate::index::{Index, Symbol};
use crate::repo::{Diff, DiffKind, DiffLine, FileDiff, FileStatus, Hunk, Repo};

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

/// A diff as one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiffOverview {
    /// Every file with its counts, then as many of the changed lines as fit.
    pub text: String,
    /// Its tokens.
    pub tokens: usize,
    /// What is not shown in full.
    pub left_out: Vec<LeftOut>,
}

/// Cuts a diff into pieces of at most `budget` tokens, files and hunks in order; a hunk is cut
/// only if it is larger than a piece. With `around`, up to a quarter of each piece is kept for
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
        let mut surroundings = Surroundings {
            diff,
            repo,
            index,
            texts: BTreeMap::new(),
            next: first_id.max(1),
        };
        for piece in &mut pieces {
            surroundings.add(piece, budget, count);
        }
    }
    DiffPieces {
        pieces,
        left_out: cutter.left_out,
    }
}

/// A diff as one text of at most `budget` tokens, each file getting its share: for commit
/// messages.
pub fn diff_overview(diff: &Diff, budget: usize, count: &dyn TokenCount) -> DiffOverview {
    let mut overview = DiffOverview::default();
    // The list of files first: what changed where is worth more than any line of it.
    let mut listed = diff.files.len();
    let mut list = stat(diff, listed);
    while listed > 0 && count.count(&list) > budget {
        listed /= 2;
        list = stat(diff, listed);
    }
    if count.count(&list) > budget {
        list.clear();
    }
    let mut left = budget.saturating_sub(count.count(&list));
    let mut shown: Vec<Option<(String, bool)>> = vec![None; diff.files.len()];
    let mut order: Vec<usize> = (0..diff.files.len())
        .filter(|at| diff.files.get(*at).is_some_and(|f| !f.hunks.is_empty()))
        .collect();
    // Small files leave to the large ones what they do not need.
    order.sort_by_key(|at| (diff.files.get(*at).map_or(0, size), *at));
    for (turn, at) in order.iter().enumerate() {
        let share = left / (order.len() - turn);
        let Some(file) = diff.files.get(*at) else {
            continue;
        };
        let total = size(file);
        let text_of = |lines: usize| first_lines(file, *at, lines);
        let fits = most(total, |lines| count.count(&text_of(lines)) <= share);
        if fits > 0 {
            let text = text_of(fits);
            left = left.saturating_sub(count.count(&text));
            if let Some(slot) = shown.get_mut(*at) {
                *slot = Some((text, fits == total));
            }
        }
    }
    let assemble = |shown: &[Option<(String, bool)>]| {
        let mut text = list.clone();
        for (part, _) in shown.iter().flatten() {
            text.push_str(part);
        }
        text
    };
    let mut text = assemble(&shown);
    // Parts counted apart may come to a token less than together.
    while count.count(&text) > budget {
        let Some(last) = shown.iter_mut().rev().find(|part| part.is_some()) else {
            text.clear();
            break;
        };
        *last = None;
        text = assemble(&shown);
    }
    for (at, file) in diff.files.iter().enumerate() {
        let reason = match shown.get(at).and_then(Option::as_ref) {
            _ if at >= listed => "does not fit",
            Some((_, true)) => continue,
            Some((_, false)) => "shown in part: the rest does not fit",
            None if file.binary => "binary",
            None if file.hunks.is_empty() => continue,
            None => "only named: its lines do not fit",
        };
        overview.left_out.push(LeftOut {
            path: file.path.clone(),
            range: None,
            tokens: 0,
            reason: reason.to_owned(),
        });
    }
    overview.tokens = count.count(&text);
    overview.text = text;
    overview
}

/// The list of the first `listed` files with their counts.
fn stat(diff: &Diff, listed: usize) -> String {
    let mut out = String::new();
    for file in diff.files.iter().take(listed) {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}", title(file));
    }
    if listed < diff.files.len() {
        let _ = writeln!(out, "and {} more files", diff.files.len() - listed);
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
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

fn size(file: &FileDiff) -> usize {
    file.hunks.iter().map(|h| h.lines.len()).sum()
}

/// The first lines of a file's hunks, written out.
fn first_lines(file: &FileDiff, at: usize, lines: usize) -> String {
    let mut parts = Vec::new();
    let mut left = lines;
    for (number, hunk) in file.hunks.iter().enumerate() {
        let take = left.min(hunk.lines.len());
        if take == 0 {
            break;
        }
        parts.push(part(file, at, number, hunk, 0..take));
        left -= take;
    }
    let mut out = String::new();
    for (turn, this) in parts.iter().enumerate() {
        write_part(&mut out, file, this, turn == 0);
    }
    out.push('\n');
    out
}

/// The largest number up to `total` that holds, if all below one that holds do. It tries small
/// ones first, so that no text much larger than what fits is ever counted.
fn most(total: usize, holds: impl Fn(usize) -> bool) -> usize {
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
        let (number, sign) = match line.kind {
            DiffKind::Context => (line.new.or(line.old), ' '),
            DiffKind::Added => (line.new, '+'),
            DiffKind::Removed => (line.old, '-'),
        };
        let text = printable_block(line.text.trim_end_matches(['\r', '\n'])).replace('\n', "\\n");
        let line = format!("{}{sign} {text}", number.unwrap_or(0));
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

/// Finds the definitions around changes.
struct Surroundings<'a> {
    diff: &'a Diff,
    repo: &'a Repo,
    index: &'a Index,
    texts: BTreeMap<RepoPath, Option<String>>,
    next: u32,
}

impl Surroundings<'_> {
    fn add(&mut self, piece: &mut DiffPiece, budget: usize, count: &dyn TokenCount) {
        for part in &piece.parts {
            let Some(new) = part.new else {
                continue;
            };
            let Some(text) = self
                .texts
                .entry(part.path.clone())
                .or_insert_with(|| self.repo.read(&part.path).ok().map(|file| file.text))
            else {
                continue;
            };
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            if !is_current(self.diff, part, &lines) {
                continue;
            }
            let Some(symbol) = around(&self.index.symbols(&part.path), new) else {
                continue;
            };
            let range = symbol.range;
            let known = piece.parts.iter().any(|p| {
                p.path == part.path
                    && p.new
                        .is_some_and(|n| n.start <= range.start && range.end <= n.end)
            }) || piece
                .around
                .iter()
                .any(|e| e.path == part.path && e.range.overlaps(range));
            let Some(of_it) = lines.get(range.start as usize - 1..range.end as usize) else {
                continue;
            };
            // The index may be older than the file.
            let stands = of_it
                .iter()
                .any(|line| line.trim().starts_with(symbol.signature.trim()));
            if known || !stands {
                continue;
            }
            let mut text = of_it.concat();
            if !text.ends_with('\n') {
                text.push('\n');
            }
            let mut excerpt = Excerpt {
                id: self.next,
                path: part.path.clone(),
                range,
                text,
                symbol: Some(full_name(&symbol)),
                why: Why::Definition,
                tokens: 0,
            };
            excerpt.tokens = cost(&excerpt, count);
            if piece.tokens + excerpt.tokens <= budget {
                piece.tokens += excerpt.tokens;
                self.next += 1;
                piece.around.push(excerpt);
            }
        }
    }
}

/// Whether the file's lines are those of the diff's new side.
fn is_current(diff: &Diff, part: &DiffPart, lines: &[&str]) -> bool {
    let hunk = diff
        .files
        .get(part.file)
        .and_then(|file| file.hunks.get(part.hunk));
    hunk.and_then(|hunk| hunk.lines.get(part.lines.clone()))
        .unwrap_or(&[])
        .iter()
        .all(|line| match line.new {
            None => true,
            Some(number) => lines
                .get((number as usize).saturating_sub(1))
                .is_some_and(|l| l.trim_end() == line.text.trim_end()),
        })
}

/// The smallest definition that holds all these lines.
fn around(symbols: &[Symbol], lines: LineRange) -> Option<Symbol> {
    symbols
        .iter()
        .filter(|s| s.range.start <= lines.start && lines.end <= s.range.end)
        .min_by_key(|s| s.range.len())
        // A hunk shows a few lines beyond the definition it changes.
        .or_else(|| {
            let middle = lines.start + lines.len() / 2;
            symbols
                .iter()
                .filter(|s| s.range.contains(middle))
                .min_by_key(|s| s.range.len())
        })
        .cloned()
}

fn full_name(symbol: &Symbol) -> String {
    if symbol.within.is_empty() {
        symbol.name.clone()
    } else {
        format!("{}::{}", symbol.within, symbol.name)
    }
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
