//! Choosing excerpts for a request.

mod folders;
mod hits;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::did_you_mean::{nearest, spelled};
use super::enclosing;
use super::pack::cost;
use super::{Context, Excerpt, LeftOut, Mention, Why};
use crate::base::{LineRange, RepoPath, Result, TokenCount};
use crate::index::{FileClass, Hit, Index, Symbol, lines_of};
use crate::repo::Repo;

/// Excerpts where the caller sets no limit: a small model loses its way among more.
const USUAL: usize = 12;
/// Places that are searched for: more than are ever shown, since a file that is named and does
/// not fit is shown by the best of its own.
const FOUND: usize = 60;
/// Most files of a repository that is shown itself where none of the words stand in it.
const FEW_FILES: usize = 12;
/// Fewest lines that are worth showing of something that does not fit.
const LEAST_LINES: u32 = 5;
/// The wishes of a request: what it wants to be shown.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The words to search with.
    pub query: String,
    /// Files named with `@`: shown first, and whole if they fit.
    pub mentions: Vec<Mention>,
    /// Files pinned by the user: shown after mentions.
    pub pinned: Vec<Mention>,
    /// Files dropped by the user: never shown.
    pub dropped: Vec<Mention>,
    /// Files that were talked about, which weigh a little more: those that the last answer named,
    /// those of the last diff.
    pub near: Vec<RepoPath>,
    /// Lines shown earlier in the conversation (path, first, last): not shown again.
    pub shown: BTreeSet<(String, u32, u32)>,
    /// The number of the first excerpt.
    pub first_id: u32,
    /// True if the file that suits best is to be changed: it is shown whole, where that takes at
    /// most half of what is left.
    pub whole: bool,
    /// Most tokens that the excerpts may take.
    pub budget: usize,
    /// Most excerpts; 0 for a default.
    pub most: usize,
}

/// Chooses excerpts, within the budget, and says what stays out.
///
/// Mentions come first, then pins, then what the search finds; every text is read anew, since
/// the index may be older than the file.
///
/// # Errors
/// As [`Index::search`]; a file that cannot be read is no error but left out, with the reason.
pub fn pick(
    wanted: &Wanted,
    repo: &Repo,
    index: &Index,
    count: &dyn TokenCount,
) -> Result<Context> {
    let mut picker = Picker {
        wanted,
        repo,
        index,
        count,
        texts: BTreeMap::new(),
        symbols: BTreeMap::new(),
        found: Rc::from(index.search(&wanted.query, FOUND)?),
        context: Context {
            budget: wanted.budget,
            index_complete: true,
            ..Context::default()
        },
        next: wanted.first_id.max(1),
        ceiling: wanted.budget,
        most: if wanted.most == 0 { USUAL } else { wanted.most },
    };
    for (mentions, why, behind) in [
        (&wanted.mentions, Why::Mention, !wanted.pinned.is_empty()),
        (&wanted.pinned, Why::Pinned, false),
    ] {
        // What is named in full comes before the folders, which take what room there is.
        let (folders, files): (Vec<&Mention>, Vec<&Mention>) = mentions
            .iter()
            .partition(|mention| picker.is_folder(mention));
        for mention in files {
            picker.mention(mention, why);
        }
        picker.folders(&folders, why, behind)?;
    }
    if wanted.whole && picker.context.excerpts.is_empty() {
        picker.best_file();
    }
    picker.hits();
    picker.few_files();
    picker.add_imports();
    Ok(picker.context)
}

/// The context while it is filled.
struct Picker<'a> {
    wanted: &'a Wanted,
    repo: &'a Repo,
    index: &'a Index,
    count: &'a dyn TokenCount,
    /// Texts of files that were asked for; none for those that cannot be read.
    texts: BTreeMap<RepoPath, Option<Rc<str>>>,
    /// Definitions of files that were asked for.
    symbols: BTreeMap<RepoPath, Rc<[Symbol]>>,
    /// Hits of the search, best first.
    found: Rc<[Hit]>,
    context: Context,
    /// Number of the next excerpt.
    next: u32,
    /// Tokens that may be taken up to now: the budget, or less while a folder gets its share.
    ceiling: usize,
    /// Most excerpts.
    most: usize,
}

impl Picker<'_> {
    /// Returns the text of a file, read once; what cannot be read is said once if it was asked for.
    fn text(&mut self, path: &RepoPath, asked: bool) -> Option<Rc<str>> {
        if let Some(known) = self.texts.get(path) {
            return known.clone();
        }
        let text = match self.repo.shown_text(path) {
            Ok(text) => Some(Rc::from(text)),
            Err(failure) => {
                if asked {
                    self.leave_out(path, None, 0, &failure.to_string());
                }
                None
            }
        };
        self.texts.insert(path.clone(), text.clone());
        text
    }

    /// Notes, once, that something is not shown.
    fn leave_out(
        &mut self,
        path: &RepoPath,
        range: Option<LineRange>,
        tokens: usize,
        reason: &str,
    ) {
        let entry = LeftOut {
            path: path.clone(),
            range,
            tokens,
            reason: reason.to_owned(),
        };
        if !self.context.left_out.contains(&entry) {
            self.context.left_out.push(entry);
        }
    }

    /// Tells whether the user dropped any of these lines.
    fn is_dropped(&self, path: &RepoPath, range: LineRange) -> bool {
        self.wanted.dropped.iter().any(|mention| {
            mention.names(path) && mention.range.is_none_or(|dropped| dropped.overlaps(range))
        })
    }

    /// Takes in what a mention names: a file, or lines of one.
    fn mention(&mut self, mention: &Mention, why: Why) {
        let full = mention.path.under(self.repo.root());
        if full.symlink_metadata().is_ok() {
            self.whole(&mention.path, mention.range, why);
        } else if let Some(path) = spelled(&mention.path, self.index.paths()) {
            self.whole(&path, mention.range, why);
        } else if mention.looks_like_path() {
            let reason = match nearest(&mention.path, &self.index.paths()) {
                Some(near) => format!("not in the repository; did you mean {near}?"),
                None => "not in the repository".to_owned(),
            };
            self.leave_out(&mention.path, mention.range, 0, &reason);
        }
    }

    /// Takes in the file that suits best, whole, if it leaves as much room as it takes.
    fn best_file(&mut self) {
        let Some(path) = self.found.first().map(|hit| hit.path.clone()) else {
            return;
        };
        let Some(lines) = self.text(&path, false).map(|text| text.lines().count()) else {
            return;
        };
        let all = LineRange::new(1, (lines as u32).max(1));
        let fits = self
            .excerpt(&path, all, None, Why::Search)
            .is_some_and(|excerpt| self.has_room(excerpt.tokens * 2));
        if fits && !self.is_dropped(&path, all) {
            self.show(&path, all, None, Why::Search);
        }
    }

    /// Takes in the files of a small repository, code first and then by size, so that few are cut
    /// off, where nothing else is to be shown and nothing was before: a question about it all may
    /// hold none of its words, and such a repository has no map that would answer it.
    fn few_files(&mut self) {
        let nothing = self.context.excerpts.is_empty() && self.context.told.is_empty();
        if !nothing || !self.found.is_empty() || !self.wanted.shown.is_empty() {
            return;
        }
        let mut paths = self.index.paths();
        if paths.len() > FEW_FILES {
            return;
        }
        paths.sort_by_cached_key(|path| {
            let code = self.index.class(path) == Some(FileClass::Source);
            (!code, self.text(path, false).map_or(0, |text| text.len()))
        });
        for path in paths {
            if self.context.excerpts.len() < self.most {
                self.whole(&path, None, Why::Small);
            }
        }
    }

    /// Takes in a file or a range of it, as it was asked for: whole if it fits, else its
    /// definitions that suit the question best, else its beginning.
    fn whole(&mut self, path: &RepoPath, range: Option<LineRange>, why: Why) {
        let Some(text) = self.text(path, true) else {
            return;
        };
        let lines = text.lines().count() as u32;
        if lines == 0 {
            self.leave_out(path, range, 0, "the file is empty");
            return;
        }
        let asked = range.unwrap_or(LineRange::new(1, lines));
        if asked.start() > lines {
            self.leave_out(path, range, 0, &format!("the file has only {lines} lines"));
            return;
        }
        let asked = LineRange::new(asked.start(), asked.end().min(lines));
        if self.is_dropped(path, asked) {
            self.leave_out(path, range, 0, "dropped");
            return;
        }
        let symbol = self.name_of(path, range);
        let parts = self.unshown(path, asked);
        if parts != [asked] {
            // The rest of what is in the prompt already.
            for part in parts {
                if !self.show(path, part, None, why) {
                    self.beginning(path, part, None, why);
                }
            }
            return;
        }
        if self.show(path, asked, symbol.clone(), why) {
            return;
        }
        if range.is_none() {
            let hits = Rc::clone(&self.found);
            let mut shown = false;
            // The index may be older than the file.
            let here = |hit: &&Hit| hit.path == *path && hit.range.end() <= lines;
            for hit in hits.iter().filter(here).take(4) {
                let symbol = hit.symbol.as_ref();
                shown |= self.show(path, hit.range, symbol.map(Symbol::full_name), why);
            }
            if shown {
                self.leave_out(path, Some(asked), 0, "the rest of the file does not fit");
                return;
            }
        }
        self.beginning(path, asked, symbol, why);
    }

    /// Names the definition that these lines are, if they are one.
    fn name_of(&mut self, path: &RepoPath, range: Option<LineRange>) -> Option<String> {
        let range = range?;
        let symbols = self.symbols(path);
        let mut own = symbols.iter().filter(|symbol| symbol.range == range);
        own.next().map(Symbol::full_name)
    }

    /// Takes in as many lines of a range as fit, and notes that the rest is left out.
    fn beginning(&mut self, path: &RepoPath, range: LineRange, symbol: Option<String>, why: Why) {
        let (mut fits, mut too_many) = (range.start().saturating_sub(1), range.end());
        while too_many > fits + 1 {
            let middle = fits + (too_many - fits) / 2;
            let part = LineRange::new(range.start(), middle);
            if self
                .excerpt(path, part, symbol.clone(), why)
                .is_some_and(|e| self.has_room(e.tokens))
            {
                fits = middle;
            } else {
                too_many = middle;
            }
        }
        let lines = (fits + 1).saturating_sub(range.start());
        if lines < LEAST_LINES || !self.show(path, LineRange::new(range.start(), fits), symbol, why)
        {
            // A file that cannot be read has no tokens to count.
            let tokens = self.excerpt(path, range, None, why).map_or(0, |e| e.tokens);
            self.leave_out(path, Some(range), tokens, "does not fit");
        } else if fits < range.end() {
            self.leave_out(
                path,
                Some(LineRange::new(fits + 1, range.end())),
                0,
                "does not fit",
            );
        }
    }

    /// Returns the parts of a range that are not in the prompt yet.
    fn unshown(&self, path: &RepoPath, range: LineRange) -> Vec<LineRange> {
        let mut parts = vec![range];
        for (start, end) in self.shown_of(path) {
            parts = parts
                .into_iter()
                .flat_map(|part| {
                    let before = (part.start() < start)
                        .then(|| LineRange::new(part.start(), part.end().min(start - 1)));
                    let after = (part.end() > end)
                        .then(|| LineRange::new(part.start().max(end + 1), part.end()));
                    [before, after].into_iter().flatten()
                })
                .collect();
        }
        parts
    }

    /// Lists the lines of a file that are in the prompt: first and last, by excerpt.
    fn shown_of<'b>(&'b self, path: &'b RepoPath) -> impl Iterator<Item = (u32, u32)> + 'b {
        let here = self.context.excerpts.iter().filter(|e| e.path == *path);
        let before = self.wanted.shown.iter();
        here.map(|e| (e.range.start(), e.range.end())).chain(
            before
                .filter(|(shown, ..)| shown == path.as_str())
                .map(|(_, start, end)| (*start, *end)),
        )
    }

    /// Tells whether most of these lines are in the prompt already.
    fn is_shown(&self, path: &RepoPath, range: LineRange) -> bool {
        let shared = |start: u32, end: u32| {
            let overlap = (end.min(range.end()) + 1).saturating_sub(start.max(range.start()));
            overlap * 2 > range.len()
        };
        self.shown_of(path).any(|(start, end)| shared(start, end))
    }

    /// Tells whether so many more tokens fit into the budget.
    fn has_room(&self, tokens: usize) -> bool {
        self.context.tokens + tokens <= self.ceiling
    }

    /// Returns the definitions of a file, read once.
    fn symbols(&mut self, path: &RepoPath) -> Rc<[Symbol]> {
        let index = self.index;
        let known = self.symbols.entry(path.clone());
        Rc::clone(known.or_insert_with(|| Rc::from(index.symbols(path))))
    }

    /// Puts the imports that excerpts use before them, where there is room left: the first
    /// excerpt of a file gets those of its others too, or they would be shown again and again.
    fn add_imports(&mut self) {
        let mut seen = BTreeSet::new();
        for at in 0..self.context.excerpts.len() {
            let Some(excerpt) = self.context.excerpts.get(at).cloned() else {
                continue;
            };
            if !seen.insert(excerpt.path.clone()) {
                continue;
            }
            let Some(text) = self.text(&excerpt.path, false) else {
                continue;
            };
            let lines: Vec<&str> = text.lines().collect();
            let shown: Vec<LineRange> = self
                .shown_of(&excerpt.path)
                .map(|(start, end)| LineRange::new(start, end))
                .collect();
            let mut framed = excerpt.clone();
            framed.frame.extend(
                enclosing::imports(&excerpt.path, &lines, excerpt.range)
                    .into_iter()
                    .filter(|line| !shown.iter().any(|range| range.contains(line.number))),
            );
            framed.frame.sort_by_key(|line| line.number);
            framed.frame.dedup();
            framed.tokens = cost(&framed, self.count);
            let more = framed.tokens.saturating_sub(excerpt.tokens);
            if framed.frame != excerpt.frame
                && self.has_room(more)
                && let Some(slot) = self.context.excerpts.get_mut(at)
            {
                self.context.tokens += more;
                *slot = framed;
            }
        }
    }

    /// Makes an excerpt of these lines, as far as the file has them; none if it cannot be read.
    fn excerpt(
        &mut self,
        path: &RepoPath,
        range: LineRange,
        symbol: Option<String>,
        why: Why,
    ) -> Option<Excerpt> {
        let text = self.text(path, false)?;
        let all: Vec<&str> = text.split_inclusive('\n').collect();
        let mut lines = lines_of(&all, range).concat();
        if !lines.ends_with('\n') {
            lines.push('\n');
        }
        let symbols = self.symbols(path);
        let mut excerpt = Excerpt {
            id: self.next,
            path: path.clone(),
            range,
            text: lines,
            frame: enclosing::around(&all, &symbols, range),
            symbol,
            why,
            tokens: 0,
        };
        excerpt.tokens = cost(&excerpt, self.count);
        Some(excerpt)
    }

    /// Takes an excerpt in if it fits; true also if it is shown already.
    fn show(
        &mut self,
        path: &RepoPath,
        range: LineRange,
        symbol: Option<String>,
        why: Why,
    ) -> bool {
        if self.is_shown(path, range) {
            return true;
        }
        // Lines shown already are not shown twice.
        let overlaps = self
            .context
            .excerpts
            .iter()
            .any(|e| e.path == *path && e.range.overlaps(range));
        if overlaps {
            return false;
        }
        // A text that is larger in bytes than any budget need not be counted.
        let Some(excerpt) = self.excerpt(path, range, symbol, why) else {
            return false;
        };
        if !self.has_room(excerpt.tokens) {
            return false;
        }
        self.context.tokens += excerpt.tokens;
        self.next += 1;
        self.context.excerpts.push(excerpt);
        true
    }
}

#[cfg(test)]
#[path = "pick_tests.rs"]
mod tests;
