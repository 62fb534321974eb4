//! Inputs of a product, rounded to 8 bits once and used for many rows of weights.
//!
//! Runs of 32 or 256 numbers share a scale, as in GGML's Q8_0 and Q8_K, so that a product here
//! rounds as much as one there.

use super::blocks::MOST_WEIGHTS;
use super::disjoint::Disjoint;
use super::pool;
use super::simd::Simd;

/// Numbers of a run, whose sum is kept: offsets and minima of the weights are taken off by such
/// sums.
pub const RUN: usize = 16;

/// Rows of inputs, rounded. Tokens lie in tiles: a tile of `n` tokens is laid out as
/// `[width / 4][n][4]`, so that the four numbers that one instruction takes lie together and
/// those of the next token behind them.
#[derive(Debug, Clone)]
pub struct RoundedInputs {
    /// Tokens, a row each.
    pub tokens: usize,
    /// Numbers of a row.
    pub width: usize,
    /// Numbers that share a scale: 32 or 256.
    pub group: usize,
    /// Tokens of each tile, in order.
    pub tiles: Vec<usize>,
    /// The rounded numbers, −127 to 127: for each tile `[width / 4][n][4]`.
    pub q: Vec<i8>,
    /// The scales, `x ≈ scale · q`: for each tile `[width / group][n]`.
    pub scales: Vec<f32>,
    /// Sums of 16 rounded numbers each, whole: for each tile `[width / 16][n]`.
    pub sums: Vec<f32>,
    /// Sums of 32 rounded numbers each, whole: for each tile `[width / 32][n]`.
    pub sums32: Vec<f32>,
    /// The sums of 16 in 16 bits, two neighbours together, where 256 numbers share a scale: for
    /// each tile `[width / 32][n]`.
    pub twos: Vec<[i16; 2]>,
    /// The sums of 32 in 16 bits, two neighbours together, likewise: for each tile
    /// `[width / 64][n]`.
    pub twos32: Vec<[i16; 2]>,
}

impl RoundedInputs {
    /// Rounds `x`: `tokens × width`, f32, row-major; `width` must be a multiple of 32. Tiles are as
    /// large as `simd` likes them.
    pub fn new(x: &[f32], width: usize, group: usize, simd: Simd) -> Self {
        let tokens = x.len() / width.max(1);
        let tiles = tiles(tokens, simd);
        let groups = width.div_ceil(group);
        let in_blocks = group == MOST_WEIGHTS;
        let mut out = Self {
            tokens,
            width,
            group,
            q: vec![0; tokens * width],
            scales: vec![0.0; tokens * groups],
            sums: vec![0.0; tokens * (width / RUN)],
            sums32: vec![0.0; tokens * (width / 32)],
            twos: vec![[0; 2]; if in_blocks { tokens * (width / 32) } else { 0 }],
            twos32: vec![[0; 2]; if in_blocks { tokens * (width / 64) } else { 0 }],
            tiles,
        };
        let (q, scales) = (Disjoint::new(&mut out.q), Disjoint::new(&mut out.scales));
        let (sums, sums32) = (Disjoint::new(&mut out.sums), Disjoint::new(&mut out.sums32));
        let (twos, twos32) = (Disjoint::new(&mut out.twos), Disjoint::new(&mut out.twos32));
        let mut firsts = Vec::with_capacity(out.tiles.len());
        let mut first = 0;
        for count in &out.tiles {
            firsts.push(first);
            first += count;
        }
        pool::run(out.tiles.len(), |tile| {
            let (first, count) = (firsts[tile], out.tiles[tile]);
            // SAFETY: each tile has tokens of its own, and so places of its own.
            let tile = unsafe {
                Tile {
                    count,
                    group,
                    q: q.part(first * width, count * width),
                    scales: scales.part(first * groups, count * groups),
                    sums: sums.part(first * (width / RUN), count * (width / RUN)),
                    sums32: sums32.part(first * (width / 32), count * (width / 32)),
                    twos: if in_blocks {
                        twos.part(first * (width / 32), count * (width / 32))
                    } else {
                        &mut []
                    },
                    twos32: if in_blocks {
                        twos32.part(first * (width / 64), count * (width / 64))
                    } else {
                        &mut []
                    },
                }
            };
            simd.round_tile(&x[first * width..][..count * width], width, tile);
        });
        out
    }

    /// Scales of a row, `width / group`.
    pub const fn groups(&self) -> usize {
        self.width.div_ceil(self.group)
    }
}

/// The tokens of each tile into which `tokens` are parted, in order.
fn tiles(tokens: usize, simd: Simd) -> Vec<usize> {
    let sizes = simd.tiles(tokens);
    let mut left = tokens;
    let mut tiles = Vec::new();
    for &size in sizes {
        while left >= size {
            tiles.push(size);
            left -= size;
        }
    }
    tiles
}

/// One tile of [`RoundedInputs`] to be filled, zeros before.
#[derive(Debug)]
pub struct Tile<'a> {
    /// Tokens of the tile.
    count: usize,
    /// Numbers that share a scale.
    group: usize,
    q: &'a mut [i8],
    scales: &'a mut [f32],
    sums: &'a mut [f32],
    sums32: &'a mut [f32],
    twos: &'a mut [[i16; 2]],
    twos32: &'a mut [[i16; 2]],
}

/// A number whose addition and subtraction leaves the nearest whole number: 1.5 · 2²³, beside
/// which a float has no room for fractions.
const ROUNDING: f32 = 12_582_912.0;

/// Rounds `x` (`count × width`) into a tile: the specification, and by way of the compiler its fast
/// forms, so the loops are over 16 numbers and do one thing each.
#[inline(always)]
pub fn round_tile(x: &[f32], width: usize, tile: Tile<'_>) {
    let n = tile.count;
    let fours = tile.q.as_chunks_mut::<4>().0;
    for (t, row) in x.chunks_exact(width).enumerate() {
        for (g, group) in row.chunks(tile.group).enumerate() {
            let runs = group.as_chunks::<RUN>().0;
            let scale = most(runs) / 127.0;
            // One over a number near nothing is infinite, and infinite steps have no sum.
            let inverse = if scale > 0.0 {
                (1.0 / scale).min(f32::MAX)
            } else {
                0.0
            };
            tile.scales[g * n + t] = scale;
            for (r, run) in runs.iter().enumerate() {
                let rounded = rounded(run, inverse);
                let sum = folded(rounded, |a, b| a + b);
                let at = g * tile.group + r * RUN;
                tile.sums[at / RUN * n + t] = sum as f32;
                tile.sums32[at / 32 * n + t] += sum as f32;
                if tile.group == MOST_WEIGHTS {
                    tile.twos[at / 32 * n + t][r % 2] = sum as i16;
                    tile.twos32[at / 64 * n + t][r / 2 % 2] += sum as i16;
                }
                let to = fours[at / 4 * n + t..].iter_mut().step_by(n);
                for (to, from) in to.zip(bytes(rounded).as_chunks::<4>().0) {
                    *to = *from;
                }
            }
        }
    }
}

/// The largest magnitude; NaN counts for nothing.
#[inline(always)]
fn most(runs: &[[f32; RUN]]) -> f32 {
    let larger = |a: f32, b: f32| if a > b { a } else { b };
    let mut most = [0.0; RUN];
    for run in runs {
        for (most, value) in most.iter_mut().zip(run) {
            *most = larger(value.abs(), *most);
        }
    }
    folded(most, larger)
}

/// The whole numbers nearest to `run · inverse`, none beyond ±127; 0 for NaN.
#[inline(always)]
fn rounded(run: &[f32; RUN], inverse: f32) -> [i32; RUN] {
    let mut rounded = [0; RUN];
    for (rounded, value) in rounded.iter_mut().zip(run) {
        // The whole number stands in the lowest bits of the float.
        let nearest = value * inverse + ROUNDING;
        let whole = nearest.to_bits().wrapping_sub(ROUNDING.to_bits());
        *rounded = if nearest.is_nan() {
            0
        } else {
            whole.cast_signed()
        };
    }
    rounded
}

/// The lowest byte of each number.
#[inline(always)]
fn bytes(whole: [i32; RUN]) -> [i8; RUN] {
    let mut bytes = [0; RUN];
    for (byte, whole) in bytes.iter_mut().zip(whole) {
        *byte = whole as i8;
    }
    bytes
}

/// All numbers put into one by `one`, those far apart first: steps that are done for several at
/// once.
#[inline(always)]
fn folded<T: Copy>(mut all: [T; RUN], one: impl Fn(T, T) -> T) -> T {
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            all[i] = one(all[i], all[i + half]);
        }
    }
    all[0]
}
