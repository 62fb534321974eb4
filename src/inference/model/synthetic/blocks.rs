//! Random weights in every format, valid blocks with a given spread around zero.
//!
//! The whole numbers of a block are drawn, its scales are set: with them the weights have
//! the standard deviation that is asked for, whatever the format.

use half::{bf16, f16};

use crate::base::OrBug as _;
use crate::kernels::blocks::Kind;

/// A small generator (splitmix64), the same on every machine.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator that begins with a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Draws the next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Draws a number around zero with a standard deviation of one: four uniform ones, added.
    pub fn normal(&mut self) -> f32 {
        let bits = self.next();
        let sum: u64 = [0, 16, 32, 48].iter().map(|by| (bits >> by) & 0xffff).sum();
        let centred = sum as f32 - 2.0 * 65_535.0;
        // Each of the four has a standard deviation of 65,536 over the root of 12.
        centred / (65_536.0 * 2.0 / 12.0_f32.sqrt())
    }

    fn fill(&mut self, into: &mut [u8]) {
        for piece in into.chunks_mut(8) {
            for (byte, drawn) in piece.iter_mut().zip(self.next().to_le_bytes()) {
                *byte = drawn;
            }
        }
    }
}

/// Returns the number of a format in a GGUF file.
pub(super) fn number(kind: Kind) -> u32 {
    (0..64)
        .find(|number| Kind::from_gguf(*number) == Some(kind))
        .or_bug("a format of ours has no number in a GGUF")
}

/// Draws `blocks` blocks whose weights have the standard deviation `spread`.
pub fn draw(kind: Kind, spread: f32, blocks: usize, random: &mut Random) -> Vec<u8> {
    let mut out = vec![0; blocks * kind.bytes()];
    if !kind.is_float() {
        random.fill(&mut out);
    }
    for block in out.chunks_exact_mut(kind.bytes()) {
        set(kind, spread, block, random);
    }
    out
}

/// Sets the scales of a block, so that its weights have the spread.
fn set(kind: Kind, spread: f32, block: &mut [u8], random: &mut Random) {
    match kind {
        Kind::F32 => put(block, 0, (spread * random.normal()).to_le_bytes()),
        Kind::F16 => half(block, 0, spread * random.normal()),
        Kind::BF16 => put(
            block,
            0,
            bf16::from_f32(spread * random.normal()).to_le_bytes(),
        ),
        // Whole numbers 0 to 15 less 8, 0 to 31 less 16, -128 to 127: uniform, so their standard
        // deviation is their count over the root of 12.
        Kind::Q4_0 => half(block, 0, spread / 4.61),
        Kind::Q5_0 => half(block, 0, spread / 9.23),
        Kind::Q8_0 => half(block, 0, spread / 73.9),
        Kind::Q4_1 => both(block, 0, spread / 4.61, -7.5),
        Kind::Q5_1 => both(block, 0, spread / 9.23, -15.5),
        // The same times a scale of 0 to 63 for each run; minima take away the mean.
        Kind::Q4K => both(block, 0, spread / 258.3, 7.5),
        Kind::Q5K => both(block, 0, spread / 526.9, 15.5),
        // The same with scales of 0 to 15 and 0 to 3.
        Kind::Q2K => both(block, 80, spread / 13.9, 1.5),
        // Scales of -32 to 31.
        Kind::Q3K => half(block, 108, spread / 43.1),
        // Scales of -64 to 63, half of what a byte holds.
        Kind::Q6K => {
            for scale in block.iter_mut().skip(192).take(16) {
                *scale = ((*scale as i8) >> 1) as u8;
            }
            half(block, 208, spread / 683.0);
        }
        // Sixteen curved steps; with scales of -32 to 31 in the second.
        Kind::IQ4NL => half(block, 0, spread / 68.8),
        Kind::IQ4XS => half(block, 0, spread / 1271.0),
    }
}

/// Puts a scale at `at`, and behind it a minimum that is `times` as much.
fn both(block: &mut [u8], at: usize, scale: f32, times: f32) {
    half(block, at, scale);
    half(block, at + 2, scale * times);
}

fn half(block: &mut [u8], at: usize, x: f32) {
    put(block, at, f16::from_f32(x).to_le_bytes());
}

fn put<const N: usize>(block: &mut [u8], at: usize, bytes: [u8; N]) {
    if let Some(place) = block.get_mut(at..at + N) {
        place.copy_from_slice(&bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::blocks::dequantize;

    #[test]
    fn every_format_has_the_spread_that_is_asked_for() {
        let kinds: Vec<Kind> = (0..64).filter_map(Kind::from_gguf).collect();
        assert_eq!(kinds.len(), 15);
        for kind in kinds {
            for spread in [0.009, 0.1] {
                let blocks = 65_536 / kind.block();
                let bytes = draw(kind, spread, blocks, &mut Random::new(1));
                let mut weights = vec![0.0_f32; 65_536];
                dequantize(kind, &bytes, &mut weights);
                let n = weights.len() as f32;
                let mean = weights.iter().sum::<f32>() / n;
                let deviation =
                    (weights.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / n).sqrt();
                assert!(
                    (deviation / spread - 1.0).abs() < 0.05,
                    "{kind:?}: {deviation} for {spread}"
                );
                assert!(mean.abs() < 0.15 * spread, "{kind:?}: {mean} for {spread}");
            }
        }
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let draw = |seed| super::draw(Kind::Q6K, 0.1, 10, &mut Random::new(seed));
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
