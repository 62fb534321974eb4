//! Drafts of the next tokens, taken from the text itself.
//!
//! An answer about code repeats the code: a function with three lines changed, a quoted line, a
//! hunk. What followed the last tokens where they stood before is proposed as what follows now
//! (prompt lookup, after Saxena 2023, and arXiv:2304.04487); [`super::decode`] has it verified.
//!
//! Where a copy departs from its source, the source is not given up: the tokens that follow are
//! looked for near the place where it was left, so that a changed, an added or a left-out line
//! costs a few tokens and not the rest of the copy.

mod index;
mod length;

use index::Index;
pub(super) use length::Drafting;
use length::Odds;

/// Length of a match, in tokens, from which on a place is a source worth coming back to.
const SURE: usize = 6;
/// Tokens without a match after which a source is given up.
const LOST: usize = 48;
/// Tokens that may have been left out of a source.
const LEFT_OUT: usize = 32;

/// A place in the text at which the next token is expected to stand already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DraftMatch {
    /// The place, as an index of a token.
    at: usize,
    /// Length of the match: tokens right before the place that equal those at the end of the text.
    length: usize,
    /// True if the place goes on with the source copied from until now.
    near: bool,
}

impl DraftMatch {
    /// Returns the source of the token `i` places further, if those before it are right.
    const fn further(self, i: usize) -> Self {
        Self {
            at: self.at + i,
            length: self.length + i,
            near: self.near || i > 0,
        }
    }
}

/// The source that is being copied from.
#[derive(Debug, Clone, Copy)]
struct Followed {
    /// The place of the next token, had every token that differs taken the place of one.
    at: usize,
    /// Number of tokens in a row that did not stand where they were expected.
    missed: usize,
}

/// A text that grows, and the tokens likely to come next in it. Takes some microseconds a token.
#[derive(Debug, Clone)]
pub(super) struct Lookup {
    index: Index,
    followed: Option<Followed>,
    next: Option<DraftMatch>,
}

impl Lookup {
    /// Begins with the tokens of `text`.
    pub fn new(text: &[u32], odds: &Odds) -> Self {
        let mut lookup = Self {
            index: Index::new(text),
            followed: None,
            next: None,
        };
        lookup.next = lookup.look(odds);
        lookup
    }

    /// Returns the place where the next token is expected to stand.
    pub const fn next(&self) -> Option<DraftMatch> {
        self.next
    }

    /// Takes the next token in, and tells `odds` whether it was expected: so the odds are learned
    /// also where nothing is drafted.
    pub fn push(&mut self, token: u32, odds: &mut Odds) {
        let expected = self.next.map(|source| {
            let right = self.index.text().get(source.at) == Some(&token);
            odds.learn(source, right);
            (source, right)
        });
        self.follow(expected);
        self.index.push(token);
        self.next = self.look(odds);
    }

    /// Returns up to `most` tokens that are expected next. A source that reaches to the end of the
    /// text goes on with the draft itself.
    pub fn draft(&self, most: usize) -> Vec<u32> {
        let text = self.index.text();
        let mut draft: Vec<u32> = Vec::with_capacity(most);
        if let Some(source) = self.next {
            for at in source.at..source.at + most {
                let token = text.get(at).or_else(|| draft.get(at - text.len()));
                draft.extend(token.copied());
            }
        }
        draft
    }

    /// Moves on in the source that is copied from, or gives it up.
    fn follow(&mut self, expected: Option<(DraftMatch, bool)>) {
        let old = self.followed;
        let lost = old.is_some_and(|followed| followed.missed > 0);
        let onward = |missed: usize, at: usize| Some(Followed { at: at + 1, missed });
        self.followed = match (expected, old) {
            // A few tokens that stand somewhere else too are no reason to forget the source
            // that was only just left.
            (Some((source, true)), _) if source.near || source.length >= SURE || !lost => {
                onward(0, source.at)
            }
            (Some((source, false)), None) if source.length >= SURE => onward(1, source.at),
            (_, old) => old.and_then(|old| onward(old.missed + 1, old.at)),
        }
        .filter(|followed| followed.missed <= LOST);
    }

    /// Returns the best place for the next token.
    fn look(&self, odds: &Odds) -> Option<DraftMatch> {
        let near = self.followed.and_then(|followed| self.close_by(followed));
        // A long match where it is expected has no better one elsewhere.
        if near.is_some_and(|near| near.length >= index::LONGEST) {
            return near;
        }
        let far = self.index.longest();
        match (near, far) {
            (Some(near), Some(far)) if odds.of(far) > odds.of(near) => Some(far),
            (near, far) => near.or(far),
        }
    }

    /// Returns the place where the source that is copied from goes on.
    fn close_by(&self, followed: Followed) -> Option<DraftMatch> {
        let Followed { at, missed } = followed;
        let end = self.index.text().len();
        let found = |at: usize| DraftMatch {
            at,
            length: self.index.agreeing(at),
            near: true,
        };
        if missed == 0 {
            return (at < end).then(|| found(at));
        }
        // From where it was left, as after tokens put in, to behind as many as may have been
        // left out; of equal places that which the pace of the copy leads to.
        let places = at.saturating_sub(missed)..(at + LEFT_OUT).min(end);
        let best = places
            .map(found)
            .max_by_key(|source| (source.length, std::cmp::Reverse(source.at.abs_diff(at))))?;
        // With nothing that agrees, a single token may have taken the place of another.
        (best.length > 0 || missed == 1).then_some(best)
    }
}

#[cfg(test)]
#[path = "speculative_tests.rs"]
mod tests;
