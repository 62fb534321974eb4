//! What a few tokens have for a block of weights, where rows are taken one by one as they lie in
//! memory. Each token is a tile of its own, so its numbers lie one behind the other.

use super::activations::Activations;
use super::blocks::{Format, MOST_WEIGHTS};

/// Bytes between the weights that are used and those that are asked for: what the processor
/// fetches by itself stops at the end of a page of 4 KiB.
pub(super) const AHEAD: usize = 2048;

/// What `T` tokens have for a block of 256.
pub(super) struct Inputs<'a, const T: usize> {
    pub numbers: [&'a [i8; MOST_WEIGHTS]; T],
    pub scales: [f32; T],
    /// Sums of the block's runs, in twos.
    pub twos: [&'a [[i16; 2]]; T],
}

impl<'a, const T: usize> Inputs<'a, T> {
    #[inline(always)]
    pub fn new<F: Format>(x: &'a Activations, block: usize) -> Self {
        let (width, groups) = (x.width, x.groups());
        let twos = if F::SUB == 32 { &x.twos32 } else { &x.twos };
        let pairs = MOST_WEIGHTS / F::SUB / 2;
        Self {
            numbers: std::array::from_fn(|t| {
                let numbers = &x.q[t * width + block * MOST_WEIGHTS..][..MOST_WEIGHTS];
                numbers.try_into().unwrap_or_else(|_| unreachable!())
            }),
            scales: std::array::from_fn(|t| x.scales[t * groups + block]),
            twos: std::array::from_fn(|t| &twos[(t * groups + block) * pairs..][..pairs]),
        }
    }
}
