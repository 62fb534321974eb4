//! Choosing excerpts for a request.

use std::collections::{BTreeMap, BTreeSet};

use super::near::nearest;
use super::pack::cost;
use super::{Context, Excerpt, LeftOut, Mention, Why};
use crate::base::{LineRange, RepoPath, Result, TokenCount};
use crate::index::{Hit, Index};
use crate::repo::Repo;

/// Excerpts where the caller sets no limit: a small model loses its way among more.
const USUAL: usize = 12;
/// Hits scoring less than this share of the best are noise.
const FLOOR: f32 = 0.25;
/// Fewest lines that are worth showing of something that does not fit.
const LEAST_LINES: u32 = 5;
/// Files of a folder mention that are considered.
const FOLDER: usize = 50;

/// What a request wants to be shown.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The words to search with.
    pub query: String,
    /// Named with `@`: first, and whole if they fit.
    pub mentions: Vec<Mention>,
    /// Pinned by the user: after mentions.
    pub pinned: Vec<Mention>,
    /// Dropped by the user: never.
    pub dropped: Vec<Mention>,
    /// Shown earlier in the conversation (path, start, end): not again.
    pub shown: BTreeSet<(String, u32, u32)>,
    /// The number of the first excerpt.
    pub first_id: u32,
    /// Tokens the excerpts may take.
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
        context: Context {
            budget: wanted.budget,
            index_complete: true,
            ..Context::default()
        },
        next: wanted.first_id.max(1),
        most: if wanted.most == 0 { USUAL } else { wanted.most },
    };
    for (mentions, why) in [
        (&wanted.mentions, Why::Mention),
        (&wanted.pinned, Why::Pinned),
    ] {
        for mention in mentions {
            picker.mention(mention, why);
        }
    }
    let hits = index.search(&wanted.query, picker.most * 3)?;
    picker.hits(&hits);
    Ok(picker.context)
}

/// Lines of a definition that is shown whole though only a part of it was found.
const SMALL: u32 = 60;

/// An excerpt before all of them are settled.
#[derive(Clone)]
struct Planned {
    path: RepoPath,
    range: LineRange,
    /// The same with what stands around it.
    wider: LineRange,
    symbol: Option<String>,
    tokens: usize,
}

impl Planned {
    fn meets(&self, path: &RepoPath, range: LineRange) -> bool {
        self.path == *path && self.range.overlaps(range)
    }
}

struct Picker<'a> {
    wanted: &'a Wanted,
    repo: &'a Repo,
    index: &'a Index,
    count: &'a dyn TokenCount,
    texts: BTreeMap<RepoPath, Option<String>>,
    context: Context,
    next: u32,
    most: usize,
}

impl Picker<'_> {
    /// The text of a file, read once; what cannot be read is said once if it was asked for.
    fn text(&mut self, path: &RepoPath, asked: bool) -> Option<String> {
        if let Some(known) = self.texts.get(path) {
            return known.clone();
        }
        let text = match self.repo.read(path) {
            Ok(file) => Some(file.text),
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

    fn is_dropped(&self, path: &RepoPath, range: LineRange) -> bool {
        self.wanted.dropped.iter().any(|mention| {
            mention.names(path) && mention.range.is_none_or(|dropped| dropped.overlaps(range))
        })
    }

    fn mention(&mut self, mention: &Mention, why: Why) {
        let full = mention.path.under(self.repo.root());
        if full.is_dir() {
            let files: Vec<RepoPath> = self
                .index
                .paths()
                .into_iter()
                .filter(|path| mention.names(path))
                .collect();
            if files.is_empty() {
                self.leave_out(&mention.path, None, 0, "no files in the index");
            }
            for path in files.iter().skip(FOLDER) {
                self.leave_out(path, None, 0, "too many files in the folder");
            }
            for path in files.iter().take(FOLDER) {
                self.whole(path, None, why);
            }
        } else if full.symlink_metadata().is_ok() {
            self.whole(&mention.path, mention.range, why);
        } else if mention.looks_like_path() {
            let reason = match nearest(&mention.path, &self.index.paths()) {
                Some(near) => format!("not in the repository; did you mean {near}?"),
                None => "not in the repository".to_owned(),
            };
            self.leave_out(&mention.path, mention.range, 0, &reason);
        }
    }

    /// A file or a range of it, as it was asked for: whole if it fits, else its definitions that
    /// suit the question best, else its beginning.
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
        if asked.start > lines {
            self.leave_out(path, range, 0, &format!("the file has only {lines} lines"));
            return;
        }
        let asked = LineRange::new(asked.start, asked.end.min(lines));
        if self.is_dropped(path, asked) {
            self.leave_out(path, range, 0, "dropped");
            return;
        }
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
        if self.show(path, asked, None, why) {
            return;
        }
        if range.is_none() {
            let hits = self
                .index
                .search(&self.wanted.query, 60)
                .unwrap_or_default();
            let mut shown = false;
            // The index may be older than the file.
            let here = |hit: &&Hit| hit.path == *path && hit.range.end <= lines;
            for hit in hits.iter().filter(here).take(4) {
                let symbol = hit.symbol.as_ref();
                shown |= self.show(path, hit.range, symbol.map(full_name), why);
            }
            if shown {
                self.leave_out(path, Some(asked), 0, "the rest of the file does not fit");
                return;
            }
        }
        self.beginning(path, asked, None, why);
    }

    /// As many lines of a range as fit, and a word about the rest.
    fn beginning(&mut self, path: &RepoPath, range: LineRange, symbol: Option<String>, why: Why) {
        let (mut fits, mut too_many) = (range.start.saturating_sub(1), range.end);
        while too_many > fits + 1 {
            let middle = fits + (too_many - fits) / 2;
            let part = LineRange::new(range.start, middle);
            if self
                .excerpt(path, part, symbol.clone(), why)
                .is_some_and(|e| self.has_room(e.tokens))
            {
                fits = middle;
            } else {
                too_many = middle;
            }
        }
        let lines = (fits + 1).saturating_sub(range.start);
        if lines < LEAST_LINES || !self.show(path, LineRange::new(range.start, fits), symbol, why) {
            let tokens = self.excerpt(path, range, None, why).map_or(0, |e| e.tokens);
            self.leave_out(path, Some(range), tokens, "does not fit");
        } else if fits < range.end {
            self.leave_out(
                path,
                Some(LineRange::new(fits + 1, range.end)),
                0,
                "does not fit",
            );
        }
    }

    /// Takes in what the search found: first the definitions themselves, best first, then, while
    /// there is room, what stands around them.
    fn hits(&mut self, hits: &[Hit]) {
        let best = hits.first().map_or(0.0, |hit| hit.score);
        let mut room = self.wanted.budget.saturating_sub(self.context.tokens);
        let (mut planned, mut large) = (Vec::<Planned>::new(), Vec::<Planned>::new());
        for hit in hits {
            let shown = self.context.excerpts.len() + planned.len() + large.len();
            if shown >= self.most || hit.score < best * FLOOR {
                break;
            }
            let Some(plan) = self.planned(hit) else {
                continue;
            };
            let known = |others: &[Planned]| others.iter().any(|p| p.meets(&plan.path, plan.range));
            if known(&planned) || known(&large) {
                continue;
            }
            if plan.tokens <= room {
                room -= plan.tokens;
                planned.push(plan);
            } else {
                // The beginning of what fits best is worth more than all of something else.
                room = if planned.is_empty() { 0 } else { room };
                large.push(plan);
            }
        }
        // What smaller ones leave is for the beginning of the best that does not fit.
        let mut cut = None;
        for plan in large {
            if cut.is_none() && (planned.is_empty() || plan.tokens / 4 <= room) {
                room = 0;
                cut = Some(plan);
            } else {
                self.leave_out(&plan.path, Some(plan.range), plan.tokens, "does not fit");
            }
        }
        for at in 0..planned.len() {
            let Some(plan) = planned.get(at).cloned() else {
                continue;
            };
            let free = plan.wider != plan.range
                && !self.is_dropped(&plan.path, plan.wider)
                && self.unshown(&plan.path, plan.wider) == [plan.wider]
                && planned
                    .iter()
                    .enumerate()
                    .all(|(other, p)| other == at || !p.meets(&plan.path, plan.wider));
            let symbol = plan.symbol.clone();
            let wider = free
                .then(|| self.excerpt(&plan.path, plan.wider, symbol, Why::Search))
                .flatten();
            if let Some(wider) = wider
                && let Some(slot) = planned.get_mut(at)
                && wider.tokens.saturating_sub(slot.tokens) <= room
            {
                room -= wider.tokens.saturating_sub(slot.tokens);
                slot.range = slot.wider;
                slot.tokens = wider.tokens;
            }
        }
        for plan in planned {
            if !self.show(&plan.path, plan.range, plan.symbol.clone(), Why::Search) {
                self.beginning(&plan.path, plan.range, plan.symbol, Why::Search);
            }
        }
        if let Some(plan) = cut {
            self.beginning(&plan.path, plan.range, plan.symbol, Why::Search);
        }
    }

    /// What would be shown of a hit; none if the file is another now, or it is shown already.
    fn planned(&mut self, hit: &Hit) -> Option<Planned> {
        let lines = self.text(&hit.path, false)?.lines().count() as u32;
        if hit.core.start > lines {
            return None;
        }
        let within = |range: LineRange| LineRange::new(range.start, range.end.min(lines));
        let mut range = within(hit.core);
        // A small definition is shown whole, even if only a part of it was found.
        let own = hit.symbol.as_ref().filter(|s| s.range.overlaps(range));
        if let Some(own) = own
            && own.range.len() <= SMALL
            && own.range.end <= lines
        {
            range = range.hull(own.range);
        }
        if self.is_dropped(&hit.path, range) || self.is_shown(&hit.path, range) {
            return None;
        }
        let symbol = own.map(full_name);
        let excerpt = self.excerpt(&hit.path, range, symbol.clone(), Why::Search)?;
        Some(Planned {
            path: hit.path.clone(),
            range,
            wider: range.hull(within(hit.range)),
            symbol,
            tokens: excerpt.tokens,
        })
    }

    /// The parts of a range that are not in the prompt yet.
    fn unshown(&self, path: &RepoPath, range: LineRange) -> Vec<LineRange> {
        let mut parts = vec![range];
        for (start, end) in self.shown_of(path) {
            parts = parts
                .into_iter()
                .flat_map(|part| {
                    let before = (part.start < start)
                        .then(|| LineRange::new(part.start, part.end.min(start - 1)));
                    let after =
                        (part.end > end).then(|| LineRange::new(part.start.max(end + 1), part.end));
                    [before, after].into_iter().flatten()
                })
                .collect();
        }
        parts
    }

    /// The lines of a file that are in the prompt, by excerpt.
    fn shown_of<'b>(&'b self, path: &'b RepoPath) -> impl Iterator<Item = (u32, u32)> + 'b {
        let here = self.context.excerpts.iter().filter(|e| e.path == *path);
        let before = self.wanted.shown.iter();
        here.map(|e| (e.range.start, e.range.end)).chain(
            before
                .filter(|(shown, ..)| shown == path.as_str())
                .map(|(_, start, end)| (*start, *end)),
        )
    }

    /// Whether most of these lines are in the prompt already.
    fn is_shown(&self, path: &RepoPath, range: LineRange) -> bool {
        let shared = |start: u32, end: u32| {
            let overlap = (end.min(range.end) + 1).saturating_sub(start.max(range.start));
            overlap * 2 > range.len()
        };
        self.shown_of(path).any(|(start, end)| shared(start, end))
    }

    fn has_room(&self, tokens: usize) -> bool {
        self.context.tokens + tokens <= self.wanted.budget
    }

    fn excerpt(
        &mut self,
        path: &RepoPath,
        range: LineRange,
        symbol: Option<String>,
        why: Why,
    ) -> Option<Excerpt> {
        let text = self.text(path, false)?;
        let mut lines = String::new();
        for line in text
            .split_inclusive('\n')
            .skip(range.start as usize - 1)
            .take(range.len() as usize)
        {
            lines.push_str(line);
        }
        if !lines.ends_with('\n') {
            lines.push('\n');
        }
        let mut excerpt = Excerpt {
            id: self.next,
            path: path.clone(),
            range,
            text: lines,
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

fn full_name(symbol: &crate::index::Symbol) -> String {
    if symbol.within.is_empty() {
        symbol.name.clone()
    } else {
        format!("{}::{}", symbol.within, symbol.name)
    }
}

#[cfg(test)]
#[path = "pick_tests.rs"]
mod tests;
