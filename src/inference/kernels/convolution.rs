//! The short causal convolution before a delta rule: each channel by itself, over the last few
//! tokens, then SiLU.

use super::exponent::silu;
use super::f32x16::Lanes;
use super::pool;
use super::simd::{Simd, Work};

/// `y[t][c] = silu(Σ_j w[j][c] · x[t − taps + 1 + j][c])` for every row `t` and channel `c`.
///
/// All f32, row-major. `weights` is `taps × channels`, the last tap for the token itself; `before`
/// the raw rows before the first, `(taps − 1) × channels`, zeros at the start of a text; `x` and
/// `y` are `tokens × channels`.
pub fn causal(weights: &[f32], before: &[f32], x: &[f32], y: &mut [f32], channels: usize) {
    struct ConvolutionRow<'a> {
        weights: &'a [f32],
        inputs: [&'a [f32]; MOST_TAPS],
        y: &'a mut [f32],
    }
    impl Work for ConvolutionRow<'_> {
        type Output = ();
        #[inline(always)]
        fn run<V: Lanes>(self) {
            let channels = self.y.len();
            self.y.fill(0.0);
            for (weights, x) in self.weights.chunks_exact(channels).zip(self.inputs) {
                for ((y, w), x) in self.y.iter_mut().zip(weights).zip(x) {
                    *y += w * x;
                }
            }
            for y in self.y.iter_mut() {
                *y = silu(*y);
            }
        }
    }
    let taps = weights.len() / channels;
    assert!((1..=MOST_TAPS).contains(&taps));
    let row = |at: usize| {
        // Row `at` of what came before and `x`, one behind the other.
        match at.checked_sub(taps - 1) {
            Some(at) => &x[at * channels..][..channels],
            None => &before[at * channels..][..channels],
        }
    };
    let simd = Simd::best();
    pool::run_rows(y, channels, |first, y| {
        for (i, y) in y.chunks_exact_mut(channels).enumerate() {
            let mut inputs: [&[f32]; MOST_TAPS] = [&[]; MOST_TAPS];
            for (j, input) in inputs.iter_mut().enumerate().take(taps) {
                *input = row(first + i + j);
            }
            simd.run(ConvolutionRow { weights, inputs, y });
        }
    });
}

/// The most taps that [`causal`] takes.
pub const MOST_TAPS: usize = 8;

/// Copies the last `taps − 1` raw rows of `before` and `x`, one behind the other, into `after`:
/// the `before` of the tokens that follow.
pub fn remember(before: &[f32], x: &[f32], after: &mut [f32]) {
    let keep = after.len();
    if x.len() >= keep {
        after.copy_from_slice(&x[x.len() - keep..]);
    } else {
        let (old, new) = after.split_at_mut(keep - x.len());
        old.copy_from_slice(&before[x.len()..]);
        new.copy_from_slice(x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count)
            .map(|i| ((i * 37 + seed * 13) % 101) as f32 / 40.0 - 1.2)
            .collect()
    }

    #[test]
    fn pieces_give_what_the_whole_gives() {
        Simd::each(pieces);
    }

    fn pieces() {
        let (channels, taps, tokens) = (600, 4, 90);
        let weights = numbers(taps * channels, 1);
        let x = numbers(tokens * channels, 2);
        let zeros = vec![0.0; (taps - 1) * channels];
        let mut whole = vec![0.0; x.len()];
        causal(&weights, &zeros, &x, &mut whole, channels);
        for t in [0, 1, 3, 89] {
            for c in [0, 5, 599] {
                let sum: f64 = (0..taps)
                    .filter(|j| t + j >= taps - 1)
                    .map(|j| {
                        f64::from(weights[j * channels + c])
                            * f64::from(x[(t + j + 1 - taps) * channels + c])
                    })
                    .sum();
                let wanted = sum / (1.0 + (-sum).exp());
                assert!((f64::from(whole[t * channels + c]) - wanted).abs() < 1e-5);
            }
        }
        for piece in [1, 2, 3, 7] {
            let mut before = zeros.clone();
            for (x, wanted) in x
                .chunks(piece * channels)
                .zip(whole.chunks(piece * channels))
            {
                let mut y = vec![0.0; x.len()];
                causal(&weights, &before, x, &mut y, channels);
                assert_eq!(y, wanted);
                let mut after = vec![0.0; before.len()];
                remember(&before, x, &mut after);
                before = after;
            }
        }
    }
}
