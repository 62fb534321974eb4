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
    /// Its tokens.
    pub tokens: usize,
    /// What is not shown in full.
    pub left_out: Vec<LeftOut>,
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
