//! An index of the runs of tokens in a text, by which earlier places of its last tokens are found:
//! chains of places, as compressors keep them (LZ77), one for each of a few lengths.

use super::DraftMatch;
use crate::base::OrBug;

/// Lengths of the runs that are indexed, longest first. Shorter runs say too little.
const RUNS: [usize; 3] = [8, 5, 3];
/// The most tokens of a match that are counted; a longer match is no surer.
pub(in crate::engine) const LONGEST: usize = 32;
/// The most places of a chain that are looked at, the latest first.
const LOOKED_AT: usize = 32;

/// A text, and the places of its runs. Takes 28 bytes a token, about.
#[derive(Debug, Clone)]
pub(super) struct Index {
    text: Vec<u32>,
    chains: [Chains; RUNS.len()],
}

/// The places of the runs of one length.
#[derive(Debug, Clone, Default)]
struct Chains {
    /// The place behind the latest run, by hash; 0 for none. Its length is a power of two.
    heads: Vec<u32>,
    /// The place behind the previous run with the same hash, for each run in order; 0 for none.
    before: Vec<u32>,
}

impl Index {
    /// Indexes a text.
    pub fn new(text: &[u32]) -> Self {
        let mut index = Self {
            text: Vec::with_capacity(text.len() + 1024),
            chains: <[Chains; RUNS.len()]>::default(),
        };
        for token in text {
            index.push(*token);
        }
        index
    }

    /// Returns the text so far.
    pub fn text(&self) -> &[u32] {
        &self.text
    }

    /// Takes the next token in.
    pub fn push(&mut self, token: u32) {
        self.text.push(token);
        for (chains, run) in self.chains.iter_mut().zip(RUNS) {
            chains.push(&self.text, run);
        }
    }

    /// Counts the tokens right before the place `at`, of the text or at its end, that equal those
    /// at the end of the text: [`LONGEST`] at most.
    pub fn agreeing(&self, at: usize) -> usize {
        let before = self.text.get(..at).or_bug("a place lies behind the text");
        let last = self.text.iter().rev().take(LONGEST);
        let pairs = before.iter().rev().zip(last);
        pairs.take_while(|(a, b)| a == b).count()
    }

    /// Finds an earlier place of the longest run at the end of the text. Of several such places,
    /// those followed by the token that most are followed by count, and of these the latest.
    pub fn longest(&self) -> Option<DraftMatch> {
        for (chains, run) in self.chains.iter().zip(RUNS) {
            let mut length = 0;
            let mut places = Vec::new();
            for at in chains.places(run).take(LOOKED_AT) {
                let agreeing = self.agreeing(at);
                // Those of other runs with the same hash agree less.
                if agreeing < run.max(length) {
                    continue;
                }
                if agreeing > length {
                    length = agreeing;
                    places.clear();
                }
                places.push(at);
            }
            if let Some(at) = self.elected(&places) {
                return Some(DraftMatch {
                    at,
                    length,
                    near: false,
                });
            }
        }
        None
    }

    /// Chooses one of several places, given latest first; none of none.
    fn elected(&self, places: &[usize]) -> Option<usize> {
        let next = |at: usize| self.text.get(at);
        let votes = |at: usize| places.iter().filter(|a| next(**a) == next(at)).count();
        // The last of equals is the maximum, and places come latest first.
        places.iter().rev().copied().max_by_key(|at| votes(*at))
    }
}

impl Chains {
    /// Takes in the run of `run` tokens at the end of `text`.
    fn push(&mut self, text: &[u32], run: usize) {
        let Some(start) = text.len().checked_sub(run) else {
            return;
        };
        if self.before.len() >= self.heads.len() {
            self.grow(text, run);
        }
        let (_, last) = text.split_at(start);
        self.link(last, text.len());
    }

    /// Links the run that ends at the place `end` to the one before it with the same hash.
    fn link(&mut self, run: &[u32], end: usize) {
        let slot = hash(run) as usize & (self.heads.len() - 1);
        if let Some(head) = self.heads.get_mut(slot) {
            self.before.push(*head);
            *head = end as u32;
        }
    }

    /// Doubles the slots, so that chains stay short; all runs but the last are linked anew.
    fn grow(&mut self, text: &[u32], run: usize) {
        let slots = (self.heads.len() * 2).max(1024);
        self.heads.clear();
        self.heads.resize(slots, 0);
        self.before.clear();
        for (end, run) in (run..text.len()).zip(text.windows(run)) {
            self.link(run, end);
        }
    }

    /// Returns the places behind earlier runs with the hash of the last one, latest first.
    fn places(&self, run: usize) -> impl Iterator<Item = usize> {
        let known = |end: &u32| (*end > 0).then_some(*end as usize);
        // The run that ends at `end` is number `end − run`.
        let before = move |end: &usize| self.before.get(end.checked_sub(run)?).and_then(known);
        std::iter::successors(self.before.last().and_then(known), before)
    }
}

/// Hashes a run: FNV-1a over tokens, stirred so that the low bits depend on all.
fn hash(run: &[u32]) -> u64 {
    let hash = run.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, token| {
        (hash ^ u64::from(*token)).wrapping_mul(0x0100_0000_01b3)
    });
    hash ^ hash >> 29
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The longest earlier run, by looking everywhere, and the places behind which it ends.
    fn everywhere(text: &[u32]) -> (usize, Vec<usize>) {
        let agreeing = |at: usize| {
            let pairs = text[..at].iter().rev().zip(text.iter().rev());
            pairs.take(LONGEST).take_while(|(a, b)| a == b).count()
        };
        let length = (1..text.len()).map(agreeing).max().unwrap_or(0);
        let places = (1..text.len()).rev().filter(|at| agreeing(*at) == length);
        (length, places.collect())
    }

    proptest! {
        /// As many places as are looked at lie in no text this short: nothing is missed.
        #[test]
        fn the_longest_run_is_found(text in proptest::collection::vec(0_u32..4, 0..34)) {
            let (length, places) = everywhere(&text);
            let found = Index::new(&text).longest();
            if length < RUNS[RUNS.len() - 1] {
                prop_assert_eq!(found, None);
            } else {
                let found = found.expect("found");
                prop_assert_eq!(found.length, length);
                let votes = |at: &usize| places.iter().filter(|a| text[**a] == text[*at]).count();
                let most = places.iter().map(votes).max().expect("one");
                // Latest first, so the first of those with most votes.
                let wanted = places.iter().find(|at| votes(at) == most);
                prop_assert_eq!(Some(&found.at), wanted);
            }
        }

        /// What is found stands there, in texts long enough to make the tables grow.
        #[test]
        fn what_is_found_is_there(text in proptest::collection::vec(0_u32..12, 0..4000)) {
            let mut index = Index::new(&[]);
            for (i, token) in text.iter().enumerate() {
                index.push(*token);
                if i % 97 > 0 { continue; }
                if let Some(found) = index.longest() {
                    let n = found.length;
                    prop_assert!((3..=LONGEST).contains(&n) && found.at <= i);
                    prop_assert_eq!(&text[found.at - n..found.at], &text[i + 1 - n..=i]);
                }
            }
        }
    }

    #[test]
    fn a_run_far_back_is_found_whatever_stands_between() {
        // Its last three tokens come a hundred times more.
        let mut text: Vec<u32> = (0..20).collect();
        text.push(77);
        for i in 0..100 {
            text.extend([17, 18, 19, 1000 + i]);
        }
        for i in 0..20_000 {
            text.push(5000 + i * 7 % 9973);
        }
        text.extend(10..20);
        let found = Index::new(&text).longest().expect("found");
        assert_eq!((found.at, found.length), (20, 10));
    }
}
