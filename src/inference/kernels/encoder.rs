//! The arithmetic of encoders besides products (arXiv:1810.04805): the layer norm, GELU in place,
//! rounding to 8 bits, and attention of all tokens of a text to all of them.

use std::ops::Range;

use super::disjoint::Disjoint;
use super::exponent::{exp, gelu};
use super::f32x16::Lanes;
use super::pool;
use super::simd::{Simd, Work};

/// Keys that one step scores: as many as stay in registers and the first-level cache.
const AT_ONCE: usize = 64;

/// Normalizes each row of `x` (`rows × gain.len()`, f32, row-major) in place (arXiv:1607.06450):
/// `x = gain · (x − mean) / √(variance + epsilon) + bias`.
pub fn layer_norm(x: &mut [f32], gain: &[f32], bias: &[f32], epsilon: f32) {
    struct Norm<'a>(&'a mut [f32], &'a [f32], &'a [f32], f32);
    impl Work for Norm<'_> {
        type Output = ();
        #[inline(always)]
        fn run<V: Lanes>(self) {
            let Self(x, gain, bias, epsilon) = self;
            let width = gain.len();
            for row in x.chunks_exact_mut(width) {
                let mean = sum(row) / width as f32;
                for x in row.iter_mut() {
                    *x -= mean;
                }
                let scale = 1.0 / (super::rowwise::squares(row) / width as f32 + epsilon).sqrt();
                for ((x, gain), bias) in row.iter_mut().zip(gain).zip(bias) {
                    *x = *x * scale * gain + bias;
                }
            }
        }
    }
    let width = gain.len();
    let simd = Simd::best();
    pool::run_rows(x, width, |_, x| simd.run(Norm(x, gain, bias, epsilon)));
}

/// Applies GELU to every number of `x` (`rows × width`) in place, in its form with a hyperbolic
/// tangent, which is within 5e-4 of the one with the error function.
pub fn gelu_each(x: &mut [f32], width: usize) {
    struct Each<'a>(&'a mut [f32]);
    impl Work for Each<'_> {
        type Output = ();
        #[inline(always)]
        fn run<V: Lanes>(self) {
            self.0.iter_mut().for_each(|x| *x = gelu(*x));
        }
    }
    let simd = Simd::best();
    pool::run_rows(x, width, |_, x| simd.run(Each(x)));
}

/// Rounds `x` (`rows × width`, `width` a multiple of 32) to blocks of
/// [`super::blocks::Kind::Q8_0`]: each 32 numbers to a scale in half precision and 32 whole
/// numbers.
pub fn round_to_8(x: &[f32], width: usize) -> Vec<u8> {
    const BLOCK: usize = 32;
    const BYTES: usize = 34;
    /// Beside this number (1.5 · 2²³) a float has no room for a fraction.
    const WHOLE: f32 = 12_582_912.0;
    struct Round<'a>(&'a [f32], &'a mut [u8]);
    impl Work for Round<'_> {
        type Output = ();
        #[inline(always)]
        fn run<V: Lanes>(self) {
            let blocks = self.0.as_chunks::<BLOCK>().0;
            for (x, out) in blocks.iter().zip(self.1.as_chunks_mut::<BYTES>().0) {
                let mut most = [0.0_f32; 8];
                for part in x.as_chunks::<8>().0 {
                    for (most, x) in most.iter_mut().zip(part) {
                        *most = most.max(x.abs());
                    }
                }
                let scale = half::f16::from_f32(most.into_iter().fold(0.0, f32::max) / 127.0);
                let by = scale.to_f32();
                let by = if by > 0.0 { 1.0 / by } else { 0.0 };
                let mut whole = [0_i32; BLOCK];
                for (whole, x) in whole.iter_mut().zip(x) {
                    let shifted = (x * by).clamp(-127.0, 127.0) + WHOLE;
                    *whole = shifted.to_bits().cast_signed() - WHOLE.to_bits().cast_signed();
                }
                let (head, rest) = out.split_at_mut(2);
                head.copy_from_slice(&scale.to_le_bytes());
                for (out, whole) in rest.iter_mut().zip(&whole) {
                    *out = (*whole as i8).cast_unsigned();
                }
            }
        }
    }
    debug_assert!(width.is_multiple_of(BLOCK));
    let bytes = width / BLOCK * BYTES;
    let mut out = vec![0; x.len() / width.max(1) * bytes];
    let simd = Simd::best();
    pool::run_rows(&mut out, bytes, |first, out| {
        let x = &x[first * width..][..out.len() / bytes * width];
        simd.run(Round(x, out));
    });
    out
}

/// The sum of all numbers, in sixteen sums side by side.
#[inline(always)]
fn sum(x: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 16];
    let (whole, rest) = x.as_chunks::<16>();
    for part in whole {
        for (sum, x) in sums.iter_mut().zip(part) {
            *sum += x;
        }
    }
    sums.iter().sum::<f32>() + rest.iter().sum::<f32>()
}

/// Queries, keys and values of several texts, each `tokens × (heads · width)`, f32, row-major.
#[derive(Debug, Clone, Copy)]
pub struct Encoded<'a> {
    /// The queries.
    pub queries: &'a [f32],
    /// The keys.
    pub keys: &'a [f32],
    /// The values.
    pub values: &'a [f32],
    /// The number of heads.
    pub heads: usize,
    /// Numbers of a head.
    pub width: usize,
}

impl Encoded<'_> {
    /// Attends among the tokens of each text (`texts` are runs of rows that do not overlap), with
    /// scores divided by the root of the head's width, into `out` (as large as the queries).
    ///
    /// # Panics
    /// If a text lies outside the rows.
    pub fn attend(&self, texts: &[Range<usize>], out: &mut [f32]) {
        let simd = Simd::best();
        let row = self.heads * self.width;
        let whole = Disjoint::new(out);
        pool::run(texts.len() * self.heads, |piece| {
            let (text, head) = (&texts[piece / self.heads], piece % self.heads);
            let mut own = vec![0.0; text.len() * self.width];
            simd.run(OneHead {
                encoded: self,
                number: head,
                text: text.clone(),
                out: &mut own,
            });
            for (token, own) in text.clone().zip(own.chunks_exact(self.width)) {
                // SAFETY: no other piece has this head of this token.
                let out = unsafe { whole.part(token * row + head * self.width, self.width) };
                out.copy_from_slice(own);
            }
        });
    }
}

/// One head of one text.
struct OneHead<'a> {
    encoded: &'a Encoded<'a>,
    /// The number of the head.
    number: usize,
    /// Rows of the text.
    text: Range<usize>,
    /// The result, `[text][width]`.
    out: &'a mut [f32],
}

impl Work for OneHead<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        let Self {
            encoded,
            number,
            text,
            out,
        } = self;
        let width = encoded.width;
        let row = encoded.heads * width;
        let count = text.len();
        let at = |token: usize| (text.start + token) * row + number * width;
        // Keys stand in columns, so that many scores are summed side by side.
        let padded = count.next_multiple_of(AT_ONCE);
        let mut columns = vec![0.0_f32; width * padded];
        for token in 0..count {
            for (i, key) in encoded.keys[at(token)..][..width].iter().enumerate() {
                columns[i * padded + token] = *key;
            }
        }
        let scale = 1.0 / (width as f32).sqrt();
        let mut scores = vec![0.0_f32; padded];
        for (token, out) in out.chunks_exact_mut(width).enumerate() {
            let query = &encoded.queries[at(token)..][..width];
            for first in (0..padded).step_by(AT_ONCE) {
                let mut sums = [0.0_f32; AT_ONCE];
                for (i, query) in query.iter().enumerate() {
                    let keys = &columns[i * padded + first..][..AT_ONCE];
                    for (sum, key) in sums.iter_mut().zip(keys) {
                        *sum += query * key;
                    }
                }
                for (score, sum) in scores[first..][..AT_ONCE].iter_mut().zip(&sums) {
                    *score = sum * scale;
                }
            }
            let seen = &mut scores[..count];
            let most = seen.iter().copied().fold(f32::MIN, f32::max);
            for score in seen.iter_mut() {
                *score = exp(*score - most);
            }
            let whole = 1.0 / sum(seen);
            out.fill(0.0);
            for (other, score) in seen.iter().enumerate() {
                let values = &encoded.values[at(other)..][..width];
                for (out, value) in out.iter_mut().zip(values) {
                    *out += score * value;
                }
            }
            for out in out.iter_mut() {
                *out *= whole;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::blocks::{Kind, dequantize};
    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count)
            .map(|i| ((i * 37 + seed * 53 + 11) % 101) as f32 / 40.0 - 1.2)
            .collect()
    }

    #[test]
    fn a_norm_has_no_mean_and_unit_size() {
        Simd::each(|| {
            for width in [5, 16, 384] {
                let mut x = numbers(width * 70, 1);
                layer_norm(&mut x, &vec![2.0; width], &vec![0.5; width], 1e-12);
                for row in x.chunks_exact(width) {
                    let mean = row.iter().sum::<f32>() / width as f32;
                    let size = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>();
                    assert!((mean - 0.5).abs() < 1e-4, "{mean}");
                    assert!((size / width as f32 - 4.0).abs() < 1e-3, "{size}");
                }
            }
        });
    }

    #[test]
    fn rounding_to_8_bits_is_off_by_half_a_step() {
        Simd::each(|| {
            let mut x = numbers(64 * 700, 3);
            x[..64].fill(0.0);
            let bytes = round_to_8(&x, 64);
            let mut back = vec![f32::NAN; x.len()];
            dequantize(Kind::Q8_0, &bytes, &mut back);
            for (x, back) in x.chunks(32).zip(back.chunks(32)) {
                let step = x.iter().fold(0.0_f32, |most, x| most.max(x.abs())) / 127.0;
                for (x, back) in x.iter().zip(back) {
                    assert!((x - back).abs() <= step * 0.57, "{x} {back} {step}");
                }
            }
        });
    }

    #[test]
    fn gelu_is_near_the_one_with_the_error_function() {
        // Values of x · Φ(x).
        let known = [
            (-3.0, -0.004_05),
            (-1.0, -0.158_655),
            (0.0, 0.0),
            (0.5, 0.345_731),
            (2.0, 1.954_5),
        ];
        for (x, y) in known {
            let mut x = [x];
            gelu_each(&mut x, 1);
            assert!((x[0] - y).abs() < 5e-4, "{} {y}", x[0]);
        }
    }

    #[test]
    fn attention_is_a_weighted_mean_within_each_text() {
        Simd::each(|| {
            let (heads, width) = (3, 8);
            let row = heads * width;
            let texts = [0..1, 1..71, 71..200];
            let (q, k, v) = (
                numbers(200 * row, 1),
                numbers(200 * row, 2),
                numbers(200 * row, 3),
            );
            let encoded = Encoded {
                queries: &q,
                keys: &k,
                values: &v,
                heads,
                width,
            };
            let mut out = vec![f32::NAN; q.len()];
            encoded.attend(&texts, &mut out);
            for text in &texts {
                for token in text.clone() {
                    for head in 0..heads {
                        let of =
                            |x: &[f32], t: usize| x[t * row + head * width..][..width].to_vec();
                        let query = of(&q, token);
                        let scores: Vec<f64> = text
                            .clone()
                            .map(|t| {
                                let dot: f32 =
                                    query.iter().zip(of(&k, t)).map(|(a, b)| a * b).sum();
                                f64::from(dot / (width as f32).sqrt()).exp()
                            })
                            .collect();
                        let all: f64 = scores.iter().sum();
                        for i in 0..width {
                            let mean: f64 = text
                                .clone()
                                .zip(&scores)
                                .map(|(t, s)| f64::from(of(&v, t)[i]) * s / all)
                                .sum();
                            let got = f64::from(out[token * row + head * width + i]);
                            assert!((got - mean).abs() < 1e-5, "{got} {mean}");
                        }
                    }
                }
            }
        });
    }
}
