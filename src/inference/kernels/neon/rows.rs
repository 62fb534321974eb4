//! Rows of weights with a few tokens by NEON: each row as it lies in memory, a block at a time in
//! registers, to keep up with memory. The same sums as in panels, their lanes 16 neighbours of one
//! row.

use std::arch::aarch64::{
    float32x4_t, int8x16_t, int32x4_t, uint8x16_t, vaddvq_f32, vandq_u8, vcvtq_f32_s32,
    vdupq_n_f32, vdupq_n_s8, vdupq_n_s32, vdupq_n_u8, vfmaq_n_f32, vfmsq_f32, vfmsq_n_f32,
    vget_low_s16, vld1q_f32, vld1q_s8, vld1q_s16, vld1q_u8, vmlal_high_s16, vmlal_s16, vmlaq_n_s32,
    vmulq_f32, vorrq_u8, vreinterpretq_s8_u8, vshlq_u8, vshrq_n_u8, vsubq_u8,
};
use std::arch::asm;

use crate::kernels::activations::RoundedInputs;
use crate::kernels::blocks::{
    Format, Kind, MOST_RUNS, MOST_WEIGHTS, Unpacked, chunk_bytes, unpack_chunk,
};
use crate::kernels::formats::{half, six_bits};
use crate::kernels::output::OutputRows;
use crate::kernels::panel::fetch;
use crate::kernels::small_batch::{AHEAD, Inputs};

/// Multiplies rows, one behind the other, with up to five tokens, each a tile of its own, into `out`.
#[target_feature(enable = "neon,dotprod")]
pub(in crate::kernels) fn few<F: Format>(
    rows: &[u8],
    row_bytes: usize,
    x: &RoundedInputs,
    out: &mut OutputRows<'_>,
) {
    for (row, bytes) in rows.chunks_exact(row_bytes).enumerate() {
        match x.tokens {
            1 => row_times::<F, 1>(row, bytes, x, out),
            2 => row_times::<F, 2>(row, bytes, x, out),
            3 => row_times::<F, 3>(row, bytes, x, out),
            4 => row_times::<F, 4>(row, bytes, x, out),
            _ => row_times::<F, 5>(row, bytes, x, out),
        }
    }
}

#[inline]
#[target_feature(enable = "neon,dotprod")]
fn row_times<F: Format, const T: usize>(
    row: usize,
    bytes: &[u8],
    x: &RoundedInputs,
    out: &mut OutputRows<'_>,
) {
    assert!(x.q.len() >= T * x.width && x.tiles.len() == T);
    let mut unpacked = Unpacked::new();
    let mut totals = [vdupq_n_f32(0.0); T];
    for (chunk, bytes) in bytes.chunks(chunk_bytes::<F>()).enumerate() {
        fetch(bytes, AHEAD);
        if F::BLOCK == MOST_WEIGHTS {
            let inputs = Inputs::<T>::new::<F>(x, chunk);
            match F::KIND {
                Kind::Q4K => four_or_five::<false, T>(bytes, &inputs, &mut totals),
                Kind::Q5K => four_or_five::<true, T>(bytes, &inputs, &mut totals),
                Kind::Q6K => six::<T>(bytes, &inputs, &mut totals),
                _ => {
                    unpack_chunk::<F>(bytes, &mut unpacked);
                    block_of_256::<F, T>(&unpacked, &inputs, &mut totals);
                }
            }
        } else {
            let weights = unpack_chunk::<F>(bytes, &mut unpacked);
            for (t, total) in totals.iter_mut().enumerate() {
                let inputs = Eight::new(x, t, chunk * MOST_WEIGHTS, weights);
                *total = blocks_of_32::<F>(&unpacked, &inputs, *total);
            }
        }
    }
    for (token, total) in totals.into_iter().enumerate() {
        out.put(token, row, vaddvq_f32(total));
    }
}

impl<const T: usize> Inputs<'_, T> {
    /// The `part`-th 16 inputs of a token.
    #[inline]
    #[target_feature(enable = "neon")]
    fn part(&self, token: usize, part: usize) -> int8x16_t {
        // SAFETY: 16 of the 256 numbers.
        unsafe { vld1q_s8(self.numbers[token][16 * part..][..16].as_ptr()) }
    }

    /// The minima of all runs times the token's sums, as four sums.
    #[inline]
    #[target_feature(enable = "neon")]
    fn taken(&self, token: usize, minima: &[i16; MOST_RUNS]) -> int32x4_t {
        let mut taken = vdupq_n_s32(0);
        let sums = self.twos[token].as_flattened().as_chunks::<8>().0;
        for (sums, minima) in sums.iter().zip(minima.as_chunks::<8>().0) {
            // SAFETY: eight numbers each.
            let (sums, minima) = unsafe { (vld1q_s16(sums.as_ptr()), vld1q_s16(minima.as_ptr())) };
            taken = vmlal_s16(taken, vget_low_s16(sums), vget_low_s16(minima));
            taken = vmlal_high_s16(taken, sums, minima);
        }
        taken
    }
}

/// Adds to four sums the products of four fours with as many.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn sdot(sums: int32x4_t, w: int8x16_t, x: int8x16_t) -> int32x4_t {
    let mut added = sums;
    // SAFETY: the instruction touches nothing but its registers, and the function is for CPUs that
    // have it.
    unsafe {
        asm!(
            "sdot {added:v}.4s, {w:v}.16b, {x:v}.16b",
            added = inout(vreg) added,
            w = in(vreg) w,
            x = in(vreg) x,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    added
}

/// Adds to the sums of each token the products of `N` times 16 weights, the first of them the
/// `16 · part`-th of the block, times the scale of their run.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn run<const N: usize, const T: usize>(
    w: [uint8x16_t; N],
    part: usize,
    k: i16,
    inputs: &Inputs<'_, T>,
    whole: &mut [int32x4_t; T],
) {
    for (t, whole) in whole.iter_mut().enumerate() {
        let mut dot = vdupq_n_s32(0);
        for (i, w) in w.into_iter().enumerate() {
            dot = sdot(dot, vreinterpretq_s8_u8(w), inputs.part(t, part + i));
        }
        *whole = vmlaq_n_s32(*whole, dot, i32::from(k));
    }
}

/// Adds the products of a block of Q4_K, or with the fifth bit of Q5_K, with `T` tokens to their
/// totals.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn four_or_five<const FIFTH: bool, const T: usize>(
    block: &[u8],
    inputs: &Inputs<'_, T>,
    totals: &mut [float32x4_t; T],
) {
    let nibbles = if FIFTH { 48 } else { 16 };
    let block = &block[..nibbles + 128];
    let (scales, minima) = six_bits(block);
    let k = scales.to_le_bytes().map(i16::from);
    let mut n = [0; MOST_RUNS];
    n[..8].copy_from_slice(&minima.to_le_bytes().map(i16::from));
    let low_bits = vdupq_n_u8(15);
    let fifth = [load(block, 16), load(block, 32)];
    let mut whole = [vdupq_n_s32(0); T];
    for part in 0..4 {
        let packed = [0, 16].map(|at| load(block, nibbles + 32 * part + at));
        let mut low = packed.map(|w| vandq_u8(w, low_bits));
        let mut high = packed.map(|w| vshrq_n_u8::<4>(w));
        if FIFTH {
            let to_left = 4 - 2 * part as i8;
            for i in 0..2 {
                low[i] = vorrq_u8(low[i], bit(fifth[i], to_left));
                high[i] = vorrq_u8(high[i], bit(fifth[i], to_left - 1));
            }
        }
        run(low, 4 * part, k[2 * part], inputs, &mut whole);
        run(high, 4 * part + 2, k[2 * part + 1], inputs, &mut whole);
    }
    let (d, least) = (half(block, 0), half(block, 2));
    for (t, total) in totals.iter_mut().enumerate() {
        let scale = inputs.scales[t];
        *total = vfmaq_n_f32(*total, vcvtq_f32_s32(whole[t]), d * scale);
        let taken = vcvtq_f32_s32(inputs.taken(t, &n));
        *total = vfmsq_n_f32(*total, taken, least * scale);
    }
}

/// The bits that come to the value of 16 when all bits are moved `to_left` places to the left.
#[inline]
#[target_feature(enable = "neon")]
fn bit(bits: uint8x16_t, to_left: i8) -> uint8x16_t {
    vandq_u8(vshlq_u8(bits, vdupq_n_s8(to_left)), vdupq_n_u8(16))
}

/// Adds the products of a block of Q6_K with `T` tokens to their totals.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn six<const T: usize>(block: &[u8], inputs: &Inputs<'_, T>, totals: &mut [float32x4_t; T]) {
    let block = &block[..210];
    let (low_bits, upper) = (vdupq_n_u8(15), vdupq_n_u8(0x30));
    let offset = vdupq_n_u8(32);
    let mut whole = [vdupq_n_s32(0); T];
    for half in 0..2 {
        for part in 0..4 {
            for i in 0..2 {
                let packed = load(block, 64 * half + 32 * (part % 2) + 16 * i);
                let low = if part < 2 {
                    vandq_u8(packed, low_bits)
                } else {
                    vshrq_n_u8::<4>(packed)
                };
                let bits = load(block, 128 + 32 * half + 16 * i);
                let bits = vshlq_u8(bits, vdupq_n_s8(4 - 2 * part as i8));
                let w = vorrq_u8(low, vandq_u8(bits, upper));
                let at = 8 * half + 2 * part + i;
                let k = i16::from(block[192 + at].cast_signed());
                run([vsubq_u8(w, offset)], at, k, inputs, &mut whole);
            }
        }
    }
    let d = self::half(block, 208);
    for (t, total) in totals.iter_mut().enumerate() {
        *total = vfmaq_n_f32(*total, vcvtq_f32_s32(whole[t]), d * inputs.scales[t]);
    }
}

/// 16 bytes of a block, from `at` on.
#[inline]
#[target_feature(enable = "neon")]
fn load(block: &[u8], at: usize) -> uint8x16_t {
    // SAFETY: the slice has 16 bytes.
    unsafe { vld1q_u8(block[at..][..16].as_ptr()) }
}

/// The `part`-th 16 weights, without their offset.
#[inline]
#[target_feature(enable = "neon")]
fn weights<F: Format>(unpacked: &Unpacked, part: usize) -> uint8x16_t {
    vsubq_u8(load(&unpacked.q, 16 * part), vdupq_n_u8(F::OFFSET as u8))
}

/// Adds the products of an unpacked block of 256 with `T` tokens to their totals.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn block_of_256<F: Format, const T: usize>(
    unpacked: &Unpacked,
    inputs: &Inputs<'_, T>,
    totals: &mut [float32x4_t; T],
) {
    let mut whole = [vdupq_n_s32(0); T];
    for i in 0..MOST_WEIGHTS / F::SUB {
        let k = unpacked.k[i];
        if F::SUB == 32 {
            let w = [2 * i, 2 * i + 1].map(|part| weights::<F>(unpacked, part));
            run(w, 2 * i, k, inputs, &mut whole);
        } else {
            run([weights::<F>(unpacked, i)], i, k, inputs, &mut whole);
        }
    }
    for (t, total) in totals.iter_mut().enumerate() {
        let scale = inputs.scales[t];
        *total = vfmaq_n_f32(*total, vcvtq_f32_s32(whole[t]), unpacked.d[0] * scale);
        // With an offset nothing is left to take off.
        if F::OFFSET == 0 {
            let taken = vcvtq_f32_s32(inputs.taken(t, &unpacked.n));
            *total = vfmsq_n_f32(*total, taken, unpacked.least[0] * scale);
        }
    }
}

/// A token's total with the products of up to eight blocks of 32 added.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn blocks_of_32<F: Format>(
    unpacked: &Unpacked,
    inputs: &Eight<'_>,
    total: float32x4_t,
) -> float32x4_t {
    let mut total = total;
    if F::OFFSET == 0 {
        for at in [0, 4] {
            // SAFETY: four of eight floats. Sums and scales beyond the last block are zero.
            unsafe {
                let least = vld1q_f32(unpacked.least.as_ptr().add(at));
                let least = vmulq_f32(least, vld1q_f32(inputs.scales.as_ptr().add(at)));
                total = vfmsq_f32(total, least, vld1q_f32(inputs.sums.as_ptr().add(at)));
            }
        }
    }
    for (i, numbers) in inputs.numbers.as_chunks::<32>().0.iter().enumerate() {
        let mut dot = vdupq_n_s32(0);
        for part in 0..2 {
            let w = vreinterpretq_s8_u8(weights::<F>(unpacked, 2 * i + part));
            // SAFETY: 16 of 32 numbers.
            dot = sdot(dot, w, unsafe { vld1q_s8(numbers.as_ptr().add(16 * part)) });
        }
        total = vfmaq_n_f32(total, vcvtq_f32_s32(dot), unpacked.d[i] * inputs.scales[i]);
    }
    total
}

/// The inputs of a token for up to eight blocks of 32.
struct Eight<'a> {
    numbers: &'a [i8],
    /// Scales of the inputs, with zeros behind the last block, as are the sums.
    scales: [f32; 8],
    sums: [f32; 8],
}

impl<'a> Eight<'a> {
    /// The inputs for `weights` weights of a row from the `at`-th on.
    #[inline(always)]
    fn new(x: &'a RoundedInputs, token: usize, at: usize, weights: usize) -> Self {
        let of = |all: &[f32]| {
            let runs = weights / 32;
            let mut eight = [0.0; 8];
            eight[..runs].copy_from_slice(&all[(token * x.width + at) / 32..][..runs]);
            eight
        };
        Self {
            numbers: &x.q[token * x.width + at..][..weights],
            scales: of(&x.scales),
            sums: of(&x.sums32),
        }
    }
}
