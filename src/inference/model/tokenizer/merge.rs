//! Merging neighbours in order of rank: the heart of byte-pair encoding.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use crate::base::OrBug as _;
use crate::base::bug::bug;

/// Merges by the ids of two neighbouring tokens: the rank (lower goes first), and the id of the
/// token that they become.
pub type Merges = FxHashMap<(u32, u32), (u32, u32)>;

/// The place of a neighbour that is not there.
const NONE: usize = usize::MAX;

/// Symbols up to which the lowest rank is looked for pair by pair: nearly all words of a text
/// are shorter, and for them a queue costs more than it saves.
const SHORT: usize = 32;

/// Merges neighbours until none can be merged: always the pair with the lowest rank, among
/// equals the leftmost. Takes O(n log n), however long the piece.
pub fn merge(symbols: &mut Vec<u32>, rank_of: impl Fn(u32, u32) -> Option<(u32, u32)>) {
    if symbols.len() <= SHORT {
        merge_short(symbols, rank_of);
    } else {
        merge_long(symbols, rank_of);
    }
}

fn merge_short(symbols: &mut Vec<u32>, rank_of: impl Fn(u32, u32) -> Option<(u32, u32)>) {
    // Rank and token of each symbol's merge with the one behind it.
    let mut pairs = [None; SHORT];
    let pair = |symbols: &[u32], at: usize| match symbols.get(at..at + 2) {
        Some([a, b]) => rank_of(*a, *b),
        _ => None,
    };
    for (at, slot) in pairs.iter_mut().enumerate().take(symbols.len()) {
        *slot = pair(symbols, at);
    }
    loop {
        let ranks = pairs.iter().take(symbols.len()).enumerate();
        let ranks = ranks.filter_map(|(at, pair)| pair.map(|(rank, id)| (rank, at, id)));
        let Some((_, at, id)) = ranks.min() else {
            return;
        };
        symbols.remove(at + 1);
        if let Some(symbol) = symbols.get_mut(at) {
            *symbol = id;
        }
        pairs.copy_within(at + 2.., at + 1);
        for changed in [at.checked_sub(1), Some(at)].into_iter().flatten() {
            if let Some(slot) = pairs.get_mut(changed) {
                *slot = pair(symbols, changed);
            }
        }
    }
}

fn merge_long(symbols: &mut Vec<u32>, rank_of: impl Fn(u32, u32) -> Option<(u32, u32)>) {
    if symbols.len() < 2 {
        return;
    }
    let n = symbols.len();
    let mut next: Vec<usize> = (1..=n).map(|i| if i < n { i } else { NONE }).collect();
    let mut previous: Vec<usize> = (0..n).map(|i| i.checked_sub(1).unwrap_or(NONE)).collect();
    let mut alive = vec![true; n];
    // (rank, left position, left symbol, right symbol, merged): stale entries are known by
    // their symbols, which change whenever a position is merged.
    let mut queue = BinaryHeap::new();
    let push = |queue: &mut BinaryHeap<_>, symbols: &[u32], left: usize, right: usize| {
        if let (Some(&a), Some(&b)) = (symbols.get(left), symbols.get(right))
            && let Some((rank, merged)) = rank_of(a, b)
        {
            queue.push(Reverse((rank, left, a, b, merged)));
        }
    };
    for left in 0..n - 1 {
        push(&mut queue, symbols, left, left + 1);
    }
    while let Some(Reverse((_, left, a, b, merged))) = queue.pop() {
        let right = neighbour(&next, left);
        let fresh = alive.get(left) == Some(&true)
            && symbols.get(left) == Some(&a)
            && symbols.get(right) == Some(&b);
        if !fresh {
            continue;
        }
        let after = neighbour(&next, right);
        if let Some(symbol) = symbols.get_mut(left) {
            *symbol = merged;
        }
        if let Some(flag) = alive.get_mut(right) {
            *flag = false;
        }
        if let Some(link) = next.get_mut(left) {
            *link = after;
        }
        if let Some(link) = previous.get_mut(after) {
            *link = left;
        }
        push(&mut queue, symbols, left, after);
        let before = neighbour(&previous, left);
        push(&mut queue, symbols, before, left);
    }
    let mut flags = alive.into_iter();
    symbols.retain(|_| {
        flags
            .next()
            .or_bug("a symbol that is neither alive nor merged")
    });
}

/// Returns the neighbour of the symbol at a place of the text, [`NONE`] at its ends.
fn neighbour(links: &[usize], place: usize) -> usize {
    match links.get(place) {
        Some(link) => *link,
        None => bug("a symbol outside of its text is merged", NONE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, word for word.
    fn plainly(symbols: &mut Vec<u32>, merges: &Merges) {
        loop {
            let best = symbols
                .windows(2)
                .enumerate()
                .filter_map(|(i, pair)| {
                    merges
                        .get(&(pair[0], pair[1]))
                        .map(|(rank, to)| (*rank, i, *to))
                })
                .min();
            let Some((_, i, to)) = best else { return };
            symbols[i] = to;
            symbols.remove(i + 1);
        }
    }

    proptest! {
        #[test]
        fn as_defined(
            text in proptest::collection::vec(0_u32..4, 0..40),
            pairs in proptest::collection::vec((0_u32..12, 0_u32..12), 0..30),
        ) {
            let mut merges = Merges::default();
            for (rank, pair) in pairs.into_iter().enumerate() {
                merges.entry(pair).or_insert((rank as u32, 4 + rank as u32 % 8));
            }
            let rank_of = |a, b| merges.get(&(a, b)).copied();
            let (mut long, mut fast, mut slow) = (text.clone(), text.clone(), text);
            merge_long(&mut long, rank_of);
            merge(&mut fast, rank_of);
            plainly(&mut slow, &merges);
            prop_assert_eq!(&long, &slow);
            prop_assert_eq!(fast, slow);
        }
    }

    #[test]
    fn a_long_piece_takes_no_quadratic_time() {
        let merges: Merges = [((0, 0), (0, 1)), ((1, 1), (1, 2))].into_iter().collect();
        let mut symbols = vec![0; 1_000_000];
        merge(&mut symbols, |a, b| merges.get(&(a, b)).copied());
        assert_eq!(symbols.len(), 250_000);
    }
}
