//! Where runs of a sequence stand at one place only, by its suffix array.

use crate::base::OrBug as _;

/// The bug of a place that is none of the sequence.
const PLACE: &str = "there is no such place";

/// The positions of a sequence in the order of what follows from there on, the shorter of two
/// that are equal to its end first: by doubling (Manber and Myers 1990).
pub(super) fn suffixes(ranks: &[u32]) -> Vec<u32> {
    let mut rank: Vec<u32> = ranks.to_vec();
    let mut order: Vec<u32> = (0..ranks.len() as u32).collect();
    let mut width = 0_usize;
    loop {
        let key = |at: &u32| {
            let at = *at as usize;
            let second = match width {
                0 => 0,
                width => rank.get(at + width).map_or(0, |rank| rank + 1),
            };
            (rank.get(at).copied().or_bug(PLACE), second)
        };
        order.sort_unstable_by_key(key);
        let mut next = vec![0_u32; rank.len()];
        let mut last = 0;
        let mut before = None;
        for at in &order {
            let this = key(at);
            if before.is_some_and(|before| before != this) {
                last += 1;
            }
            before = Some(this);
            if let Some(slot) = next.get_mut(*at as usize) {
                *slot = last;
            }
        }
        rank = next;
        if last as usize + 1 >= order.len() || width >= order.len() {
            return order;
        }
        width = (width * 2).max(1);
    }
}

/// How many from each position on stand at no other position; 0 where even all that follow
/// do. From what neighbours in order share (Kasai et al. 2001).
pub(super) fn needed(ranks: &[u32], order: &[u32]) -> Vec<u32> {
    let mut place = vec![0_usize; order.len()];
    for (at, position) in order.iter().enumerate() {
        if let Some(slot) = place.get_mut(*position as usize) {
            *slot = at;
        }
    }
    // What each position shares with the one after it in order.
    let mut shared = vec![0_usize; order.len()];
    let mut held = 0_usize;
    for (position, at) in place.iter().enumerate() {
        let Some(other) = order.get(at + 1).map(|other| *other as usize) else {
            held = 0;
            continue;
        };
        let (a, b) = (
            ranks.get(position + held..).or_bug(PLACE),
            ranks.get(other + held..).or_bug(PLACE),
        );
        held += a.iter().zip(b).take_while(|(a, b)| a == b).count();
        if let Some(slot) = shared.get_mut(*at) {
            *slot = held;
        }
        held = held.saturating_sub(1);
    }
    let mut need = vec![0_u32; order.len()];
    for (position, at) in place.iter().enumerate() {
        let after = shared.get(*at).copied().or_bug(PLACE);
        // The first has none before it.
        let before = at.checked_sub(1).and_then(|at| shared.get(at));
        let before = before.copied().unwrap_or(0);
        let this = after.max(before) + 1;
        if position + this <= order.len()
            && let Some(slot) = need.get_mut(position)
        {
            *slot = this as u32;
        }
    }
    need
}
