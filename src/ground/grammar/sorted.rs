//! Lists in order, narrowed byte by byte.

use super::ByteSet;

/// The part of a sorted list that has `byte` at the place `at` tells of; those that end before
/// it come first.
pub(super) fn narrow(
    low: u32,
    high: u32,
    byte: u8,
    at: impl Fn(u32) -> Option<u8>,
) -> Option<(u32, u32)> {
    let from = partition(low, high, |place| at(place) < Some(byte));
    let to = partition(from, high, |place| at(place) <= Some(byte));
    (from < to).then_some((from, to))
}

/// Where in `low..high` it stops being so.
fn partition(mut low: u32, mut high: u32, so: impl Fn(u32) -> bool) -> u32 {
    while low < high {
        let middle = low + (high - low) / 2;
        if so(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// All bytes that a part of a sorted list has at a place.
pub(super) fn each(low: u32, high: u32, at: impl Fn(u32) -> Option<u8>, set: &mut ByteSet) {
    let mut from = low;
    while from < high {
        let byte = at(from);
        if let Some(byte) = byte {
            set.insert(byte);
        }
        from = partition(from, high, |place| at(place) <= byte);
    }
}

/// Tells whether `value`, with more digits behind it or none, is one of `low..=high`.
pub(super) fn reaches(value: u32, low: u32, high: u32) -> bool {
    let (mut least, mut most) = (u64::from(value), u64::from(value));
    while least <= u64::from(high) {
        if most >= u64::from(low) {
            return true;
        }
        least *= 10;
        most = most * 10 + 9;
    }
    false
}
