//! The product of one row with one token: the specification of all products.

use super::activations::{RUN, RoundedInputs};
use super::blocks::{Format, MOST_WEIGHTS, Unpacked, chunk_bytes, unpack_chunk};
use super::f32x16::Lanes;
use super::simd::Work;

/// A token in its tile.
#[derive(Clone, Copy)]
pub(super) struct TokenIn<'a> {
    /// The inputs of all tiles.
    pub x: &'a RoundedInputs,
    /// The first token of the tile.
    pub first: usize,
    /// Tokens of the tile.
    pub count: usize,
    /// The number of the token in the tile.
    pub token: usize,
}

/// The product of one row with one token: the specification of all products, to the last bit. Whole
/// numbers are added up for each block, then its floats in the order of the blocks, whatever the
/// instructions and however many tokens there are.
#[inline(always)]
pub(super) fn row_dot<F: Format>(row: &[u8], place: TokenIn<'_>) -> f32 {
    let TokenIn {
        x,
        first,
        count,
        token,
    } = place;
    let (width, groups) = (x.width, x.groups());
    let q = &x.q[first * width..];
    let scales = &x.scales[first * groups..];
    let sums = &x.sums[first * (width / RUN)..];
    let mut unpacked = Unpacked::new();
    let mut total = 0.0;
    for (chunk, bytes) in row.chunks(chunk_bytes::<F>()).enumerate() {
        let weights = unpack_chunk::<F>(bytes, &mut unpacked);
        let numbers = unpacked.q[..weights].chunks_exact(F::BLOCK);
        for (block, weights) in numbers.enumerate() {
            let base = chunk * MOST_WEIGHTS + block * F::BLOCK;
            let (mut whole, mut taken) = (0_i32, 0_i32);
            for (run, weights) in weights.chunks_exact(F::SUB).enumerate() {
                let at = base + run * F::SUB;
                let mut dot = 0_i32;
                if count == 1 {
                    let x = &q[at..at + F::SUB];
                    for (w, x) in weights.iter().zip(x) {
                        dot += i32::from(*w) * i32::from(*x);
                    }
                } else {
                    for (four, weights) in weights.as_chunks::<4>().0.iter().enumerate() {
                        let from = ((at / 4 + four) * count + token) * 4;
                        for (w, x) in weights.iter().zip(&q[from..from + 4]) {
                            dot += i32::from(*w) * i32::from(*x);
                        }
                    }
                }
                let mut sum = 0.0;
                for part in 0..F::SUB / RUN {
                    sum += sums[(at / RUN + part) * count + token];
                }
                whole += i32::from(unpacked.k[run]) * dot;
                taken += i32::from(unpacked.n[run]) * sum as i32;
            }
            let d = unpacked.d[block];
            let value = if F::OFFSET == 0 {
                (-(taken as f32)).mul_add(unpacked.least[block], whole as f32 * d)
            } else if F::BLOCK == MOST_WEIGHTS {
                (whole - taken) as f32 * d
            } else {
                (whole - i32::from(F::OFFSET) * taken) as f32 * d
            };
            total = value.mul_add(scales[base / x.group * count + token], total);
        }
    }
    total
}

/// The product of two rows of floats, in 16 sums side by side.
#[inline(always)]
fn float_dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 16];
    let (a16, a_rest) = a.as_chunks::<16>();
    let (b16, b_rest) = b.as_chunks::<16>();
    for (a, b) in a16.iter().zip(b16) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// [`float_dot`] as a work.
pub(super) struct FloatDot<'a>(pub &'a [f32], pub &'a [f32]);

impl Work for FloatDot<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<V: Lanes>(self) -> f32 {
        float_dot(self.0, self.1)
    }
}
