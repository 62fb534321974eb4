//! The inputs of a few tokens for a block of weights, where rows are taken one by one as they lie
//! in memory. Each token is a tile of its own, so its numbers lie one behind the other.

use super::activations::RoundedInputs;
use super::blocks::{Format, MOST_WEIGHTS};

/// Bytes between the weights that are used and those that are asked for: by itself the processor
/// fetches no further than to the end of a page of 4 KiB.
pub(super) const AHEAD: usize = 2048;

/// The inputs of `T` tokens for a block of 256 weights.
pub(super) struct Inputs<'a, const T: usize> {
    /// Rounded inputs.
    pub numbers: [&'a [i8; MOST_WEIGHTS]; T],
    /// Scales of the inputs.
    pub scales: [f32; T],
    /// Sums of the inputs of each run of the block, in twos: `[256 / SUB / 2]`.
    pub twos: [&'a [[i16; 2]]; T],
}

impl<'a, const T: usize> Inputs<'a, T> {
    /// The inputs for the `block`-th block of a row.
    #[inline(always)]
    pub fn new<F: Format>(x: &'a RoundedInputs, block: usize) -> Self {
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
