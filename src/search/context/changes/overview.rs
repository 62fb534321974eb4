//! A diff as one text for a commit message: every file named, then the lines that fit.

use std::fmt::Write as _;

use super::super::LeftOut;
use super::{most, part, title, write_part};
use crate::base::TokenCount;
use crate::repo::{Diff, FileDiff};

/// A diff as one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiffOverview {
    /// Every file with its counts, then as many of the changed lines as fit.
    pub text: String,
    /// Tokens of the text.
    pub tokens: usize,
    /// Files that are not shown in full.
    pub left_out: Vec<LeftOut>,
}

/// Writes a diff as one text of at most `budget` tokens, each file getting its share: for commit
/// messages.
pub fn diff_overview(diff: &Diff, budget: usize, count: &dyn TokenCount) -> DiffOverview {
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
    let mut shown = shares(diff, budget.saturating_sub(count.count(&list)), count);
    let mut text = assembled(&list, &shown);
    // Parts counted apart may come to a token less than together.
    while count.count(&text) > budget {
        let Some(last) = shown.iter_mut().rev().find(|part| part.is_some()) else {
            text.clear();
            break;
        };
        *last = None;
        text = assembled(&list, &shown);
    }
    let mut left_out = Vec::new();
    for (at, (file, shown)) in diff.files.iter().zip(&shown).enumerate() {
        let reason = match shown {
            _ if at >= listed => "does not fit",
            Some(part) if part.whole => continue,
            Some(_) => "shown in part: the rest does not fit",
            None if file.binary => "binary",
            None if file.hunks.is_empty() => continue,
            None => "only named: its lines do not fit",
        };
        left_out.push(LeftOut {
            path: file.path.clone(),
            range: None,
            tokens: 0,
            reason: reason.to_owned(),
        });
    }
    DiffOverview {
        tokens: count.count(&text),
        text,
        left_out,
    }
}

/// Lines of one file, written out.
struct Share {
    text: String,
    /// True if these are all lines of the file's hunks.
    whole: bool,
}

/// Writes out of each file as many lines as fit into its share of `room` tokens; none for files
/// without lines, and where not one fits.
fn shares(diff: &Diff, room: usize, count: &dyn TokenCount) -> Vec<Option<Share>> {
    let mut left = room;
    let mut shown: Vec<Option<Share>> = diff.files.iter().map(|_| None).collect();
    let mut order: Vec<(usize, &FileDiff, &mut Option<Share>)> = diff
        .files
        .iter()
        .enumerate()
        .zip(&mut shown)
        .filter(|((_, file), _)| !file.hunks.is_empty())
        .map(|((at, file), slot)| (at, file, slot))
        .collect();
    // Small files leave to the large ones what they do not need. The sort is stable: files of one
    // size stay in order.
    order.sort_by_key(|(_, file, _)| size(file));
    let files = order.len();
    for (turn, (at, file, slot)) in order.into_iter().enumerate() {
        let share = left / (files - turn);
        let total = size(file);
        let title = title(file);
        let text_of = |lines: usize| first_lines(file, &title, at, lines);
        let fits = most(total, |lines| count.count(&text_of(lines)) <= share);
        if fits > 0 {
            let text = text_of(fits);
            left = left.saturating_sub(count.count(&text));
            *slot = Some(Share {
                text,
                whole: fits == total,
            });
        }
    }
    shown
}

/// Joins the list of files and the lines of those that are shown.
fn assembled(list: &str, shown: &[Option<Share>]) -> String {
    let mut text = list.to_owned();
    for share in shown.iter().flatten() {
        text.push_str(&share.text);
    }
    text
}

/// Lists the first `listed` files with their counts.
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

/// Number of lines of a file's hunks.
fn size(file: &FileDiff) -> usize {
    file.hunks.iter().map(|h| h.lines.len()).sum()
}

/// Writes out the first `lines` lines of the hunks of file number `at`, behind its title.
fn first_lines(file: &FileDiff, title: &str, at: usize, lines: usize) -> String {
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
        let title = Some(title).filter(|_| turn == 0);
        write_part(&mut out, file, this, title);
    }
    out.push('\n');
    out
}
