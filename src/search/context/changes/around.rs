//! The definitions that changes stand in.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::pack::cost;
use super::super::{Excerpt, Why};
use super::{DiffPart, DiffPiece, lines_of};
use crate::base::bug::bug;
use crate::base::{LineRange, RepoPath, TokenCount};
use crate::index::{Index, Symbol};
use crate::repo::{Diff, Repo};

/// Most changed definitions of a piece whose users are looked for.
const SYMBOLS: usize = 3;
/// Most places shown that use one definition.
const USERS: usize = 2;
/// Hits of the search for a definition's name that are looked through.
const HITS: usize = 12;
/// Shortest name, in bytes, that is searched for: shorter ones stand for anything.
const TELLING: usize = 4;
/// Lines shown before the one that uses a definition.
const BEFORE: u32 = 3;
/// Lines shown after that one.
const AFTER: u32 = 5;

/// Texts of files that are held at once.
const TEXTS: usize = 64;

/// Finds the definitions that changes stand in: read from the repository, and shown only where the
/// file still is as the diff's new side says. Pieces are dealt with one by one, as they are needed:
/// the first one is not kept waiting for the last.
pub struct Surroundings<'a> {
    diff: &'a Diff,
    repo: &'a Repo,
    index: &'a Index,
    /// Texts of files that were asked for; none for those that cannot be read.
    texts: BTreeMap<RepoPath, Option<Rc<str>>>,
    /// The definitions of the file that was asked for last.
    symbols: Option<(RepoPath, Rc<[Symbol]>)>,
    /// Number of the next excerpt.
    next: u32,
}

impl<'a> Surroundings<'a> {
    /// Begins with excerpt number `next`, from 1.
    pub const fn new(diff: &'a Diff, repo: &'a Repo, index: &'a Index, next: u32) -> Self {
        Self {
            diff,
            repo,
            index,
            texts: BTreeMap::new(),
            symbols: None,
            next,
        }
    }

    /// Adds to a piece what fits of the definitions around its changes, and of what uses those:
    /// callers, tests. `budget` is that of the pieces, in tokens.
    pub fn add(&mut self, piece: &mut DiffPiece, budget: usize, count: &dyn TokenCount) {
        let mut changed: Vec<(RepoPath, Symbol)> = Vec::new();
        for part in piece.parts.clone() {
            let Some(new) = part.new else {
                continue;
            };
            let Some(text) = self.text(&part.path) else {
                continue;
            };
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            if !is_current(self.diff, &part, &lines) {
                continue;
            }
            let Some(symbol) = around(&self.symbols(&part.path), new) else {
                continue;
            };
            let range = symbol.range;
            // The index may be older than the file: the lines may be others, or not there.
            let Some(of_it) = lines.get(range.start() as usize - 1..range.end() as usize) else {
                continue;
            };
            let stands = of_it
                .iter()
                .any(|line| line.trim().starts_with(symbol.signature.trim()));
            if !stands {
                continue;
            }
            let known = piece.parts.iter().any(|p| {
                p.path == part.path
                    && p.new
                        .is_some_and(|n| n.start() <= range.start() && range.end() <= n.end())
            });
            if !known {
                let name = Some(symbol.full_name());
                self.show(piece, &part.path, range, name, budget, count);
            }
            if !changed.iter().any(|(_, other)| other.name == symbol.name) {
                changed.push((part.path, symbol));
            }
        }
        for (path, symbol) in changed.iter().take(SYMBOLS) {
            self.users(piece, path, symbol, budget, count);
        }
    }

    /// Returns the text of a file, read once; none if it cannot be read: what is around a change is
    /// a help, and that change is shown without.
    fn text(&mut self, path: &RepoPath) -> Option<Rc<str>> {
        if self.texts.len() > TEXTS {
            self.texts.clear();
        }
        let read = || self.repo.shown_text(path).ok().map(Rc::from);
        self.texts.entry(path.clone()).or_insert_with(read).clone()
    }

    /// The definitions of a file.
    fn symbols(&mut self, path: &RepoPath) -> Rc<[Symbol]> {
        match &self.symbols {
            Some((of, symbols)) if of == path => Rc::clone(symbols),
            _ => {
                let symbols: Rc<[Symbol]> = self.index.symbols(path).into();
                self.symbols = Some((path.clone(), Rc::clone(&symbols)));
                symbols
            }
        }
    }

    /// Shows lines of a file, if there is room. Tells whether it did.
    fn show(
        &mut self,
        piece: &mut DiffPiece,
        path: &RepoPath,
        range: LineRange,
        symbol: Option<String>,
        budget: usize,
        count: &dyn TokenCount,
    ) -> bool {
        let shown = |e: &Excerpt| e.path == *path && e.range.overlaps(range);
        let Some(text) = self.text(path).filter(|_| !piece.around.iter().any(shown)) else {
            return false;
        };
        let lines = text.split_inclusive('\n');
        let lines = lines
            .skip(range.start() as usize - 1)
            .take(range.len() as usize);
        let mut text: String = lines.collect();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let mut excerpt = Excerpt {
            frame: Vec::new(),
            id: self.next,
            path: path.clone(),
            range,
            text,
            symbol,
            why: Why::Definition,
            tokens: 0,
        };
        excerpt.tokens = cost(&excerpt, count);
        if piece.tokens + excerpt.tokens > budget {
            return false;
        }
        piece.tokens += excerpt.tokens;
        self.next += 1;
        piece.around.push(excerpt);
        true
    }

    /// Adds some of the places that name a definition.
    fn users(
        &mut self,
        piece: &mut DiffPiece,
        path: &RepoPath,
        symbol: &Symbol,
        budget: usize,
        count: &dyn TokenCount,
    ) {
        if symbol.name.len() < TELLING {
            return;
        }
        let mut shown = 0;
        // An index that cannot be searched helps nobody, and is no reason to show nothing else.
        for hit in self.index.search(&symbol.name, HITS).unwrap_or_default() {
            let own = hit.path == *path && hit.range.overlaps(symbol.range);
            let in_piece = piece.parts.iter().any(|part| {
                let overlaps = |new: LineRange| new.overlaps(hit.range);
                part.path == hit.path && part.new.is_some_and(overlaps)
            });
            if own || in_piece || shown == USERS {
                continue;
            }
            let Some(text) = self.text(&hit.path) else {
                continue;
            };
            let inside = (hit.range.start()..=hit.range.end())
                .zip(text.lines().skip(hit.range.start() as usize - 1));
            let Some(line) = inside
                .into_iter()
                .find_map(|(number, line)| names(line, &symbol.name).then_some(number))
            else {
                continue;
            };
            let range = LineRange::new(
                line.saturating_sub(BEFORE).max(hit.range.start()),
                (line + AFTER).min(hit.range.end()),
            );
            let within = hit.symbol.as_ref().map(Symbol::full_name);
            shown += usize::from(self.show(piece, &hit.path, range, within, budget, count));
        }
    }
}

/// Tells whether a line has a word, whole.
fn names(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        let after = line
            .get(at + word.len()..)
            .and_then(|after| after.chars().next());
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

/// Tells whether the file's lines are those of the diff's new side.
fn is_current(diff: &Diff, part: &DiffPart, lines: &[&str]) -> bool {
    let file = diff.files.get(part.file);
    let Some(hunk) = file.and_then(|file| file.hunks.get(part.hunk)) else {
        return bug("a part is of a hunk that the diff has not", false);
    };
    lines_of(hunk, &part.lines)
        .iter()
        .all(|line| match line.new {
            None => true,
            Some(number) => lines
                .get((number as usize).saturating_sub(1))
                .is_some_and(|l| l.trim_end() == line.text.trim_end()),
        })
}

/// Finds the smallest definition that holds all these lines, or else the middle one of them.
fn around(symbols: &[Symbol], lines: LineRange) -> Option<Symbol> {
    symbols
        .iter()
        .filter(|s| s.range.start() <= lines.start() && lines.end() <= s.range.end())
        .min_by_key(|s| s.range.len())
        // A hunk shows a few lines beyond the definition it changes.
        .or_else(|| {
            let middle = lines.start() + lines.len() / 2;
            symbols
                .iter()
                .filter(|s| s.range.contains(middle))
                .min_by_key(|s| s.range.len())
        })
        .cloned()
}
