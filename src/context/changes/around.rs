//! The definitions that changes stand in.

use std::collections::BTreeMap;

use super::super::pack::cost;
use super::super::{Excerpt, Why};
use super::{DiffPart, DiffPiece};
use crate::base::{LineRange, RepoPath, TokenCount};
use crate::index::{Index, Symbol};
use crate::repo::{Diff, Repo};

/// Finds the definitions around changes.
pub(super) struct Surroundings<'a> {
    diff: &'a Diff,
    repo: &'a Repo,
    index: &'a Index,
    texts: BTreeMap<RepoPath, Option<String>>,
    next: u32,
}

impl<'a> Surroundings<'a> {
    pub(super) const fn new(diff: &'a Diff, repo: &'a Repo, index: &'a Index, next: u32) -> Self {
        Self {
            diff,
            repo,
            index,
            texts: BTreeMap::new(),
            next,
        }
    }

    /// Adds to a piece what fits of them.
    pub(super) fn add(&mut self, piece: &mut DiffPiece, budget: usize, count: &dyn TokenCount) {
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
                frame: Vec::new(),
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
