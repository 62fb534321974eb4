//! Arithmetic on every row, or on every number of it: norms, rotary embedding, gates, sums.

use super::exponent::{gelu, sigmoid, silu};
use super::f32x16::Lanes;
use super::pool;
use super::simd::{Simd, Work};

/// Writes the root mean square norm of each row of `x` into `y` (both `rows × gain.len()`, f32,
/// row-major): `y = gain · x / √(mean(x²) + epsilon)` (arXiv:1910.07467).
pub fn rms_norm(x: &[f32], gain: &[f32], epsilon: f32, y: &mut [f32]) {
    struct Norm<'a>(&'a [f32], &'a [f32], f32, &'a mut [f32]);
    impl Work for Norm<'_> {
        type Output = ();
        #[inline(always)]
        fn run<V: Lanes>(self) {
            let Self(x, gain, epsilon, y) = self;
            let width = gain.len();
            for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
                let scale = 1.0 / (squares(x) / width as f32 + epsilon).sqrt();
                for ((y, x), gain) in y.iter_mut().zip(x).zip(gain) {
                    *y = x * scale * gain;
                }
            }
        }
    }
    let width = gain.len();
    let simd = Simd::best();
    pool::run_rows(y, width, |first, y| {
        let x = &x[first * width..][..y.len()];
        simd.run(Norm(x, gain, epsilon, y));
    });
}

/// The sum of squares, in sixteen sums side by side.
#[inline(always)]
pub(super) fn squares(x: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 16];
    let (whole, rest) = x.as_chunks::<16>();
    for part in whole {
        for (sum, x) in sums.iter_mut().zip(part) {
            *sum += x * x;
        }
    }
    sums.iter().sum::<f32>() + rest.iter().map(|x| x * x).sum::<f32>()
}

/// Sine and cosine of the angles of the rotary embedding of some positions: `[positions][rotary /
/// 2]` each.
#[derive(Debug, Clone, Copy)]
pub struct Turns<'a> {
    /// The cosines.
    pub cos: &'a [f32],
    /// The sines.
    pub sin: &'a [f32],
    /// Numbers of a head that are turned, the first of it; the others stay.
    pub rotary: usize,
    /// True if the two numbers of a pair stand half of `rotary` apart; else they are neighbours.
    pub halves: bool,
}

/// Turns each head (a run of `head` numbers) of each row of `x` (`positions × width`) by the angles
/// of the row's position, in place (arXiv:2104.09864).
pub fn turn(x: &mut [f32], width: usize, head: usize, turns: Turns<'_>) {
    let half = turns.rotary / 2;
    pool::run_rows(x, width, |first, rows| {
        for (i, row) in rows.chunks_exact_mut(width).enumerate() {
            let cos = &turns.cos[(first + i) * half..][..half];
            let sin = &turns.sin[(first + i) * half..][..half];
            for head in row.chunks_exact_mut(head) {
                let turned = &mut head[..turns.rotary];
                if turns.halves {
                    let (a, b) = turned.split_at_mut(half);
                    for (((a, b), cos), sin) in a.iter_mut().zip(b).zip(cos).zip(sin) {
                        (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
                    }
                } else {
                    for (([a, b], cos), sin) in
                        turned.as_chunks_mut::<2>().0.iter_mut().zip(cos).zip(sin)
                    {
                        (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
                    }
                }
            }
        }
    });
}

/// The activation function of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// `x · sigmoid(x)`.
    Silu,
    /// The Gaussian error linear unit, by tanh.
    Gelu,
    /// `sigmoid(x)`.
    Sigmoid,
}

/// Computes `x = gate(x) · y`, number by number; both `rows × width`.
pub fn gated(gate: Gate, x: &mut [f32], y: &[f32], width: usize) {
    struct Gated<'a>(Gate, &'a mut [f32], &'a [f32]);
    impl Work for Gated<'_> {
        type Output = ();
        #[inline(always)]
        fn run<V: Lanes>(self) {
            let Self(gate, x, y) = self;
            let both = x.iter_mut().zip(y);
            match gate {
                Gate::Silu => both.for_each(|(x, y)| *x = silu(*x) * y),
                Gate::Gelu => both.for_each(|(x, y)| *x = gelu(*x) * y),
                Gate::Sigmoid => both.for_each(|(x, y)| *x = sigmoid(*x) * y),
            }
        }
    }
    let simd = Simd::best();
    pool::run_rows(x, width, |first, x| {
        let y = &y[first * width..][..x.len()];
        simd.run(Gated(gate, x, y));
    });
}

/// Computes `x += y`, number by number; both `rows × width`.
pub fn add(x: &mut [f32], y: &[f32], width: usize) {
    pool::run_rows(x, width, |first, x| {
        for (x, y) in x.iter_mut().zip(&y[first * width..]) {
            *x += y;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize) -> Vec<f32> {
        (0..count)
            .map(|i| ((i * 37 + 11) % 101) as f32 / 20.0 - 2.5)
            .collect()
    }

    #[test]
    fn a_norm_leaves_rows_of_unit_size() {
        Simd::each(norms);
    }

    fn norms() {
        for width in [5, 16, 40, 256] {
            let x = numbers(width * 300);
            let gain: Vec<f32> = (0..width).map(|i| 1.0 + i as f32 / 100.0).collect();
            let mut y = vec![0.0; x.len()];
            rms_norm(&x, &gain, 1e-6, &mut y);
            for (x, y) in x.chunks(width).zip(y.chunks(width)) {
                let mean = x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / width as f64;
                for ((x, y), gain) in x.iter().zip(y).zip(&gain) {
                    let wanted = f64::from(*x) / (mean + 1e-6).sqrt() * f64::from(*gain);
                    assert!((f64::from(*y) - wanted).abs() < 1e-5);
                }
            }
        }
    }

    #[test]
    fn turns_leave_lengths_and_what_is_not_turned() {
        let (positions, heads, head, rotary) = (40, 3, 10, 6);
        let angles: Vec<f32> = (0..positions * rotary / 2)
            .map(|i| i as f32 * 0.7)
            .collect();
        let cos: Vec<f32> = angles.iter().map(|a| a.cos()).collect();
        let sin: Vec<f32> = angles.iter().map(|a| a.sin()).collect();
        for halves in [true, false] {
            let turns = Turns {
                cos: &cos,
                sin: &sin,
                rotary,
                halves,
            };
            let x = numbers(positions * heads * head);
            let mut y = x.clone();
            turn(&mut y, heads * head, head, turns);
            for (at, (x, y)) in x.chunks(head).zip(y.chunks(head)).enumerate() {
                assert_eq!(x[rotary..], y[rotary..]);
                for pair in 0..rotary / 2 {
                    let (i, j) = if halves {
                        (pair, pair + rotary / 2)
                    } else {
                        (2 * pair, 2 * pair + 1)
                    };
                    let angle = angles[at / heads * (rotary / 2) + pair];
                    let wanted = x[i] * angle.cos() - x[j] * angle.sin();
                    assert!((y[i] - wanted).abs() < 1e-6);
                    let (before, after) = (x[i].hypot(x[j]), y[i].hypot(y[j]));
                    assert!((before - after).abs() < 1e-5);
                }
            }
        }
    }

    #[test]
    fn gates_and_sums_go_number_by_number() {
        Simd::each(gates);
    }

    fn gates() {
        let (x, y) = (numbers(70_000), numbers(70_001));
        let mut z = x.clone();
        gated(Gate::Silu, &mut z, &y[1..], 700);
        add(&mut z, &x, 700);
        for i in [0, 1, 699, 700, 69_999] {
            assert!((z[i] - (silu(x[i]) * y[i + 1] + x[i])).abs() < 1e-5);
        }
    }
}
