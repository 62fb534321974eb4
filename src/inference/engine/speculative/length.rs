//! The length of a draft: as many tokens as promise the most tokens a second.
//!
//! The cost of reading several tokens at once depends on the machine, the model and the text held,
//! so it is measured on the way, and so is how often the expected token comes. Neither has any
//! influence on the text, only on the time it takes.

use super::DraftMatch;
use super::index::LONGEST;
use crate::base::OrBug;

/// The most tokens of a draft.
pub(in crate::engine) const MOST: usize = 15;
/// Numbers of tokens that are read at once, the certain one and the draft: few sizes, so that the
/// cost of each is known soon.
const SIZES: [usize; 7] = [2, 3, 4, 6, 8, 12, MOST + 1];
/// The least that a draft must promise, in tokens for each that would be written without: more than
/// one, since measurements are not sure.
const GAIN: f32 = 1.05;
/// Weight of a new measurement in a mean.
const NEW: f32 = 0.25;
/// Cost of each further token before anything is known, with a token alone as 1: little, so that
/// reading several is tried.
const HOPE: f32 = 0.1;
/// Reads after which a cost is a tenth less believed: it may have been measured while the
/// machine was busy.
const STALE: u32 = 200;
/// Classes of lengths of a match: the least length of each, in rising order.
const CLASSES: [usize; 10] = [0, 1, 2, 3, 4, 5, 7, 10, 16, LONGEST];
/// Share of matches that the right token follows, by class, before anything is learned: of another
/// source than the followed one, and of that.
const FIRST: [[f32; CLASSES.len()]; 2] = [
    [0.3, 0.3, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.88, 0.93],
    [0.25, 0.45, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.96],
];
/// Weight of the first guess, in tokens.
const WEIGHT: f32 = 4.0;
/// Factor of a token's weight after the next of the same class: some sixty count.
const FADE: f32 = 0.984;

/// The share of expected tokens that come, by the length of the match.
#[derive(Debug, Clone, Default)]
pub(in crate::engine) struct Odds {
    /// Tokens that were right, and all, by class: of another source than the followed one, and of
    /// that. Tokens further back count less.
    counts: [[(f32, f32); CLASSES.len()]; 2],
}

impl Odds {
    /// Returns the row and the class of a source in the tables.
    fn class(source: DraftMatch) -> (usize, usize) {
        let class = CLASSES.iter().rposition(|least| source.length >= *least);
        // What is shorter than the first class is of it.
        (usize::from(source.near), class.unwrap_or(0))
    }

    /// Returns the probability that a source gives the next token, 0 to 1.
    pub fn of(&self, source: DraftMatch) -> f32 {
        let (near, class) = Self::class(source);
        let first = FIRST.get(near).and_then(|row| row.get(class)).copied();
        let counts = self.counts.get(near).and_then(|row| row.get(class));
        let (right, all) = counts.copied().or_bug("a class has no counts");
        (right + first.or_bug("a class has no first guess") * WEIGHT) / (all + WEIGHT)
    }

    /// Takes in whether a source gave the next token.
    pub fn learn(&mut self, source: DraftMatch, right: bool) {
        let (near, class) = Self::class(source);
        if let Some((known, all)) = self.counts.get_mut(near).and_then(|row| row.get_mut(class)) {
            *known = *known * FADE + f32::from(u8::from(right));
            *all = *all * FADE + 1.0;
        }
    }

    /// Halves the weight of all that was learned, for another text.
    fn soften(&mut self) {
        for (right, all) in self.counts.iter_mut().flatten() {
            *right /= 2.0;
            *all /= 2.0;
        }
    }
}

/// The costs of reads.
#[derive(Debug, Clone, Default)]
struct Costs {
    /// Seconds for a token alone; none before one was read.
    one: Option<f32>,
    /// Cost of reading so many tokens at once, with a token alone as 1, and reads since that was
    /// measured; for each of [`SIZES`].
    many: [Option<(f32, u32)>; SIZES.len()],
    /// Cost of taking wrong tokens back, with reading a token alone as 1.
    back: f32,
}

impl Costs {
    /// Takes in the seconds that a read of so many tokens took.
    fn took(&mut self, tokens: usize, seconds: f32) {
        for (_, age) in self.many.iter_mut().flatten() {
            *age = age.saturating_add(1);
        }
        if tokens == 1 {
            self.one = Some(smooth(self.one, seconds));
        } else if let (Some(one), Some(i)) = (self.one, SIZES.iter().position(|n| *n == tokens))
            && let Some(slot) = self.many.get_mut(i)
        {
            let cost = seconds / one.max(1e-9);
            *slot = Some((smooth(slot.map(|(cost, _)| cost), cost), 0));
        }
    }

    /// Takes in the seconds that taking wrong tokens back took.
    fn took_back(&mut self, seconds: f32) {
        if let Some(one) = self.one {
            self.back = smooth(Some(self.back), seconds / one.max(1e-9));
        }
    }

    /// Returns the cost of each size; none where it is too early to try a size: one is tried once
    /// one at least half as large is known, so that the first attempts are not the dearest.
    fn of(&self) -> [Option<f32>; SIZES.len()] {
        // The largest size below that is known, its cost, and the cost of a token more.
        let (mut known, mut cost, mut step) = (1, 1.0, HOPE);
        std::array::from_fn(|i| {
            let (size, measured) = (SIZES[i], self.many[i]);
            if let Some((measured, age)) = measured {
                let stale = (age / STALE).min(3) as f32;
                let measured = measured * (1.0 - 0.1 * stale);
                step = ((measured - 1.0) / (size - 1) as f32).max(HOPE);
                (known, cost) = (size, measured.max(1.0));
                return Some(cost);
            }
            // A little better than what is known makes one think, so that it is tried.
            let guess = cost + 0.8 * step * (size - known) as f32;
            (size <= 2 * known).then_some(guess)
        })
    }
}

/// Returns a running mean in which the new number has the weight [`NEW`]; a single delay counts for
/// twice the mean at most.
fn smooth(old: Option<f32>, new: f32) -> f32 {
    old.map_or(new, |old| {
        let new = if old > 0.0 { new.min(2.0 * old) } else { new };
        old + NEW * (new - old)
    })
}

/// The statistics of drafts on this machine with this model.
#[derive(Debug, Clone, Default)]
pub(in crate::engine) struct Drafting {
    /// The share of expected tokens that come.
    pub odds: Odds,
    costs: Costs,
    /// A length that is always taken, whatever the cost.
    #[cfg(test)]
    always: Option<usize>,
}

impl Drafting {
    /// Makes one that always drafts so many tokens, whatever the cost.
    #[cfg(test)]
    pub fn always(length: usize) -> Self {
        Self {
            always: Some(length),
            ..Self::default()
        }
    }

    /// Begins a new text.
    pub fn begin(&mut self) {
        self.odds.soften();
    }

    /// Takes in the seconds that a read of so many tokens took, the certain one among them.
    pub fn took(&mut self, tokens: usize, seconds: f64) {
        self.costs.took(tokens, seconds as f32);
    }

    /// Takes in the seconds that taking wrong tokens back took.
    pub fn took_back(&mut self, seconds: f64) {
        self.costs.took_back(seconds as f32);
    }

    /// Returns the number of tokens to be drafted from a source, `most` at most; 0 where no number
    /// promises enough.
    pub fn length(&self, source: DraftMatch, most: usize) -> usize {
        #[cfg(test)]
        if let Some(always) = self.always {
            return always.min(most);
        }
        if self.costs.one.is_none() {
            return 0;
        }
        let costs = self.costs.of();
        let (mut best, mut gain) = (0, GAIN);
        // Tokens written on the average, the probability that all of the draft are right, and the
        // length of the draft.
        let (mut tokens, mut all, mut drafted) = (1.0, 1.0, 0);
        for (size, cost) in SIZES.iter().zip(costs) {
            while drafted + 1 < *size {
                all *= self.odds.of(source.further(drafted));
                tokens += all;
                drafted += 1;
            }
            let Some(cost) = cost.filter(|_| drafted <= most) else {
                break;
            };
            let promised = tokens / (cost + (1.0 - all) * self.costs.back);
            if promised > gain {
                (best, gain) = (drafted, promised);
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(length: usize) -> DraftMatch {
        DraftMatch {
            at: 100,
            length,
            near: true,
        }
    }

    /// One for which the sizes cost what `cost` says, all measured.
    fn measured(cost: impl Fn(usize) -> f64) -> Drafting {
        let mut drafting = Drafting::default();
        for size in [1].into_iter().chain(SIZES) {
            drafting.took(size, cost(size));
        }
        drafting
    }

    #[test]
    fn nothing_is_drafted_before_a_read_was_measured() {
        assert_eq!(Drafting::default().length(source(40), MOST), 0);
    }

    #[test]
    fn cheap_reads_make_long_drafts_and_dear_ones_none() {
        let flat = measured(|n| 1.0 + 0.02 * n as f64);
        assert_eq!(flat.length(source(40), MOST), MOST);
        assert_eq!(flat.length(source(40), 6), 5, "of the sizes that fit");
        assert_eq!(flat.length(source(40), 0), 0);
        assert_eq!(measured(|n| n as f64).length(source(40), MOST), 0);
        // A step in the cost ends a draft before it.
        let steps = measured(|n| if n <= 4 { 1.2 } else { 6.0 });
        assert_eq!(steps.length(source(40), MOST), 3);
    }

    #[test]
    fn dear_corrections_shorten_drafts() {
        let mut drafting = measured(|n| 1.0 + 0.05 * n as f64);
        let before = drafting.length(source(1), MOST);
        for _ in 0..50 {
            drafting.took_back(2.0);
        }
        assert!(before > 0 && drafting.length(source(1), MOST) < before);
    }

    #[test]
    fn what_never_comes_is_no_longer_drafted_and_what_comes_again_is() {
        let mut drafting = measured(|n| 1.0 + 0.15 * n as f64);
        assert!(drafting.length(source(8), MOST) > 0);
        for _ in 0..40 {
            drafting.odds.learn(source(8), false);
        }
        assert_eq!(drafting.length(source(8), MOST), 0);
        assert!(drafting.length(source(40), MOST) > 0, "another class");
        for _ in 0..80 {
            drafting.odds.learn(source(8), true);
        }
        assert!(drafting.length(source(8), MOST) > 0);
    }

    #[test]
    fn larger_sizes_are_tried_one_after_the_other() {
        let mut drafting = Drafting::default();
        let mut tried = Vec::new();
        drafting.took(1, 1.0);
        for _ in 0..12 {
            let size = drafting.length(source(40), MOST) + 1;
            if tried.last() != Some(&size) {
                tried.push(size);
            }
            // As much work as there are tokens above eight.
            drafting.took(
                size,
                1.0 + 0.05 * size as f64 + size.saturating_sub(8) as f64,
            );
        }
        assert_eq!(tried.first(), Some(&2));
        assert!(tried.contains(&8) && tried.contains(&12), "{tried:?}");
        assert_eq!(drafting.length(source(40), MOST), 7);
    }

    #[test]
    fn a_cost_measured_in_a_bad_moment_is_measured_again() {
        let mut drafting = measured(|n| match n {
            1 => 1.0,
            2 => 1.1,
            n => 2.0 * n as f64,
        });
        for _ in 0..60 {
            drafting.odds.learn(source(8), true);
        }
        for _ in 0..10 {
            // Too dear just so.
            drafting.took(2, 2.1);
        }
        assert_eq!(drafting.length(source(8), MOST), 0);
        for _ in 0..2 * STALE {
            drafting.took(1, 1.0);
        }
        assert_eq!(drafting.length(source(8), MOST), 1);
    }
}
