//! Taking in what a search found, within the room there is.

use super::super::Why;
use super::Picker;
use crate::base::{LineRange, RepoPath};
use crate::index::{Hit, Symbol};

/// Hits scoring less than this share of the best are noise. Measured by what of the lines wanted
/// is shown in 3,000 tokens: a quarter leaves out too much. To take first what is worth most for
/// its tokens did no better than to take the best first.
const FLOOR: f32 = 0.1;
/// Factor by which a file counts more that was just talked about.
const NEAR: f32 = 1.5;
/// Lines of a definition that is shown whole though only a part of it was found.
const SMALL: u32 = 60;

/// An excerpt that a hit would become, before all of these are settled.
struct Planned {
    path: RepoPath,
    range: LineRange,
    /// The range with what stands around it.
    wider: LineRange,
    symbol: Option<String>,
    tokens: usize,
}

/// The excerpts that hits would become.
struct ExcerptPlan {
    /// Excerpts that fit whole, best first.
    fitting: Vec<Planned>,
    /// Excerpts that do not, best first.
    large: Vec<Planned>,
    /// Tokens that are left of the budget.
    room: usize,
}

impl Planned {
    /// Tells whether the excerpt shares a line with these lines of a file.
    fn meets(&self, path: &RepoPath, range: LineRange) -> bool {
        self.path == *path && self.range.overlaps(range)
    }
}

impl Picker<'_> {
    /// Takes in what the search found: first the definitions themselves, best first, then, while
    /// there is room, what stands around them.
    pub(super) fn hits(&mut self) {
        let hits: Vec<Hit> = self.found.iter().take(self.most * 3).cloned().collect();
        self.take_hits(hits, Why::Search);
    }

    /// Takes in some hits, those of files that were just talked about before others as good.
    pub(super) fn take_hits(&mut self, mut hits: Vec<Hit>, why: Why) {
        for hit in &mut hits {
            if self.wanted.near.contains(&hit.path) {
                hit.score *= NEAR;
            }
        }
        hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        let mut plan = self.plan(&hits);
        let cut = self.first_large(&mut plan);
        self.widen(&mut plan);
        for plan in plan.fitting {
            if !self.show(&plan.path, plan.range, plan.symbol.clone(), why) {
                self.beginning(&plan.path, plan.range, plan.symbol, why);
            }
        }
        if let Some(plan) = cut {
            self.beginning(&plan.path, plan.range, plan.symbol, why);
        }
    }

    /// Decides which hits, best first, are shown whole, and which are too large for that.
    fn plan(&mut self, hits: &[Hit]) -> ExcerptPlan {
        let best = hits.first().map_or(0.0, |hit| hit.score);
        let mut plan = ExcerptPlan {
            fitting: Vec::new(),
            large: Vec::new(),
            room: self.ceiling.saturating_sub(self.context.tokens),
        };
        for hit in hits {
            let shown = self.context.excerpts.len() + plan.fitting.len() + plan.large.len();
            if shown >= self.most || hit.score < best * FLOOR {
                break;
            }
            let Some(planned) = self.planned(hit) else {
                continue;
            };
            let mut others = plan.fitting.iter().chain(&plan.large);
            if others.any(|other| other.meets(&planned.path, planned.range)) {
                continue;
            }
            if planned.tokens <= plan.room {
                plan.room -= planned.tokens;
                plan.fitting.push(planned);
            } else {
                // The beginning of what fits best is worth more than all of something else.
                if plan.fitting.is_empty() {
                    plan.room = 0;
                }
                plan.large.push(planned);
            }
        }
        plan
    }

    /// Takes the first of the large excerpts whose beginning gets the room that smaller ones
    /// leave; all others are left out.
    fn first_large(&mut self, plan: &mut ExcerptPlan) -> Option<Planned> {
        let mut cut = None;
        for large in std::mem::take(&mut plan.large) {
            if cut.is_none() && (plan.fitting.is_empty() || large.tokens / 4 <= plan.room) {
                plan.room = 0;
                cut = Some(large);
            } else {
                self.leave_out(&large.path, Some(large.range), large.tokens, "does not fit");
            }
        }
        cut
    }

    /// Adds to the planned excerpts what stands around them, while there is room.
    fn widen(&mut self, plan: &mut ExcerptPlan) {
        for at in 0..plan.fitting.len() {
            let (before, from) = plan.fitting.split_at_mut(at);
            let [this, behind @ ..] = from else {
                break;
            };
            let free = this.wider != this.range
                && !self.is_dropped(&this.path, this.wider)
                && self.unshown(&this.path, this.wider) == [this.wider]
                && !before
                    .iter()
                    .chain(behind.iter())
                    .any(|other| other.meets(&this.path, this.wider));
            let symbol = this.symbol.clone();
            let wider = free
                .then(|| self.excerpt(&this.path, this.wider, symbol, Why::Search))
                .flatten();
            if let Some(wider) = wider {
                let more = wider.tokens.saturating_sub(this.tokens);
                if more <= plan.room {
                    plan.room -= more;
                    this.range = this.wider;
                    this.tokens = wider.tokens;
                }
            }
        }
    }

    /// Makes the excerpt that would be shown of a hit; none if the file is another now, or if the
    /// lines are dropped or shown already.
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
        let symbol = own.map(Symbol::full_name);
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
