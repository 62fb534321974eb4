//! Taking in what a search found, within the room there is.

use super::super::Why;
use super::{Picker, full_name};
use crate::base::{LineRange, RepoPath};
use crate::index::Hit;

/// Hits scoring less than this share of the best are noise. Measured by what of the lines wanted
/// is shown in 3,000 tokens: a quarter leaves out too much. To take first what is worth most for
/// its tokens did no better than to take the best first.
const FLOOR: f32 = 0.1;
/// How much more a file counts that was just talked about.
const NEAR: f32 = 1.5;
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

impl Picker<'_> {
    /// Takes in what the search found: first the definitions themselves, best first, then, while
    /// there is room, what stands around them.
    pub(super) fn hits(&mut self) {
        let mut hits: Vec<Hit> = self.found.iter().take(self.most * 3).cloned().collect();
        for hit in &mut hits {
            if self.wanted.near.contains(&hit.path) {
                hit.score *= NEAR;
            }
        }
        hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        let best = hits.first().map_or(0.0, |hit| hit.score);
        let mut room = self.wanted.budget.saturating_sub(self.context.tokens);
        let (mut planned, mut large) = (Vec::<Planned>::new(), Vec::<Planned>::new());
        for hit in &hits {
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
        if hit.core.start() > lines {
            return None;
        }
        let within = |range: LineRange| LineRange::new(range.start(), range.end().min(lines));
        let mut range = within(hit.core);
        // A small definition is shown whole, even if only a part of it was found.
        let own = hit.symbol.as_ref().filter(|s| s.range.overlaps(range));
        if let Some(own) = own
            && own.range.len() <= SMALL
            && own.range.end() <= lines
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
}
