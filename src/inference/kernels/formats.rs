//! The meaning of the bytes of each block format. See [`super::blocks`] for the rule.
//!
//! Formats: `ggml-common.h` and `ggml-quants.c` of <https://github.com/ggml-org/ggml>.

#[cfg(target_arch = "x86_64")]
use super::blocks::RowsByOne;
use super::f32x16::widened;
use half::f16;

use super::blocks::{Format, Kind};

/// The half-precision number at byte `at`, little-endian.
#[inline(always)]
pub(super) fn half(block: &[u8], at: usize) -> f32 {
    widened(f16::from_le_bytes([block[at], block[at + 1]]))
}

/// 32 weights of 4 bits and a scale.
#[derive(Debug)]
pub struct Q4_0;

/// Unpacks 32 numbers of 4 bits: the lower ones of 16 bytes, then the upper ones.
#[inline(always)]
fn nibbles(packed: &[u8; 16], q: &mut [u8]) {
    let packed = *packed;
    put::<16>(q, 0, |i| packed[i] & 15);
    put::<16>(q, 16, |i| packed[i] >> 4);
}

/// Puts `N` numbers in place from `at` on. All are made as values first: of slices the compiler
/// would have to fear that they overlap, and would take the numbers one by one.
#[inline(always)]
fn put<const N: usize>(q: &mut [u8], at: usize, number: impl Fn(usize) -> u8) {
    let mut numbers = [0; N];
    for (i, place) in numbers.iter_mut().enumerate() {
        *place = number(i);
    }
    q[at..at + N].copy_from_slice(&numbers);
}

/// The `N` bytes from `at` on.
#[inline(always)]
fn array<const N: usize>(bytes: &[u8], at: usize) -> &[u8; N] {
    bytes[at..at + N]
        .try_into()
        .unwrap_or_else(|_| unreachable!())
}

impl Format for Q4_0 {
    const KIND: Kind = Kind::Q4_0;
    const BLOCK: usize = 32;
    const BYTES: usize = 18;
    const SUB: usize = 32;
    const MOST: i32 = 15;
    const OFFSET: i16 = 8;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], _k: &mut [i16], _n: &mut [i16]) -> (f32, f32) {
        nibbles(array(block, 2), q);
        (half(block, 0), 0.0)
    }
}

/// 32 weights of 4 bits, a scale and a minimum.
#[derive(Debug)]
pub struct Q4_1;

impl Format for Q4_1 {
    const KIND: Kind = Kind::Q4_1;
    const BLOCK: usize = 32;
    const BYTES: usize = 20;
    const SUB: usize = 32;
    const MOST: i32 = 15;
    const OFFSET: i16 = 0;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], _k: &mut [i16], _n: &mut [i16]) -> (f32, f32) {
        nibbles(array(block, 4), q);
        (half(block, 0), -half(block, 2))
    }
}

/// Adds the fifth bits of 32 numbers, bit `i` of `bits` to number `i`.
#[inline(always)]
fn fifth_bits(bits: &[u8; 4], q: &mut [u8]) {
    let low: [u8; 32] = *array(q, 0);
    let bits = *bits;
    put::<32>(q, 0, |i| low[i] | (bits[i / 8] >> (i % 8) & 1) << 4);
}

/// 32 weights of 5 bits and a scale.
#[derive(Debug)]
pub struct Q5_0;

impl Format for Q5_0 {
    const KIND: Kind = Kind::Q5_0;
    const BLOCK: usize = 32;
    const BYTES: usize = 22;
    const SUB: usize = 32;
    const MOST: i32 = 31;
    const OFFSET: i16 = 16;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], _k: &mut [i16], _n: &mut [i16]) -> (f32, f32) {
        nibbles(array(block, 6), q);
        fifth_bits(array(block, 2), q);
        (half(block, 0), 0.0)
    }
}

/// 32 weights of 5 bits, a scale and a minimum.
#[derive(Debug)]
pub struct Q5_1;

impl Format for Q5_1 {
    const KIND: Kind = Kind::Q5_1;
    const BLOCK: usize = 32;
    const BYTES: usize = 24;
    const SUB: usize = 32;
    const MOST: i32 = 31;
    const OFFSET: i16 = 0;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], _k: &mut [i16], _n: &mut [i16]) -> (f32, f32) {
        nibbles(array(block, 8), q);
        fifth_bits(array(block, 4), q);
        (half(block, 0), -half(block, 2))
    }
}

/// 32 weights of 8 bits and a scale.
#[derive(Debug)]
pub struct Q8_0;

impl Format for Q8_0 {
    const KIND: Kind = Kind::Q8_0;
    const BLOCK: usize = 32;
    const BYTES: usize = 34;
    const SUB: usize = 32;
    const MOST: i32 = 255;
    const OFFSET: i16 = 128;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], _k: &mut [i16], _n: &mut [i16]) -> (f32, f32) {
        let weights: [u8; 32] = *array(block, 2);
        put::<32>(q, 0, |i| weights[i] ^ 0x80);
        (half(block, 0), 0.0)
    }
}

/// 256 weights of 2 bits, scales and minima of 4 bits for each 16.
#[derive(Debug)]
pub struct Q2K;

impl Format for Q2K {
    const KIND: Kind = Kind::Q2K;
    const BLOCK: usize = 256;
    const BYTES: usize = 84;
    const SUB: usize = 16;
    const MOST: i32 = 3;
    const OFFSET: i16 = 0;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], k: &mut [i16], n: &mut [i16]) -> (f32, f32) {
        for i in 0..16 {
            k[i] = i16::from(block[i] & 15);
            n[i] = i16::from(block[i] >> 4);
        }
        for part in 0..2 {
            let packed: [u8; 32] = *array(block, 16 + 32 * part);
            for two in 0..4 {
                put::<32>(q, 128 * part + 32 * two, |i| packed[i] >> (2 * two) & 3);
            }
        }
        (half(block, 80), half(block, 82))
    }
}

/// 256 weights of 3 bits, scales of 6 bits for each 16.
#[derive(Debug)]
pub struct Q3K;

impl Format for Q3K {
    const KIND: Kind = Kind::Q3K;
    const BLOCK: usize = 256;
    const BYTES: usize = 110;
    const SUB: usize = 16;
    const MOST: i32 = 7;
    const OFFSET: i16 = 4;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], k: &mut [i16], _n: &mut [i16]) -> (f32, f32) {
        let high: [u8; 32] = *array(block, 0);
        let scales: &[u8; 12] = array(block, 96);
        for i in 0..16 {
            let low = scales[i % 8] >> (4 * (i / 8)) & 15;
            let top = scales[8 + i % 4] >> (2 * (i / 4)) & 3;
            k[i] = i16::from(low | top << 4) - 32;
        }
        for part in 0..2 {
            let packed: [u8; 32] = *array(block, 32 + 32 * part);
            for two in 0..4 {
                let bit = 4 * part + two;
                let number = |i: usize| packed[i] >> (2 * two) & 3 | (high[i] >> bit & 1) << 2;
                put::<32>(q, 128 * part + 32 * two, number);
            }
        }
        (half(block, 108), 0.0)
    }
}

/// The eight scales and minima of 6 bits that Q4_K and Q5_K pack into 12 bytes, as bytes.
#[inline(always)]
pub(super) fn six_bits(block: &[u8]) -> (u64, u64) {
    let word = |at: usize| u32::from_le_bytes(*array(block, at));
    let (a, b, c) = (word(4), word(8), word(12));
    let (low, four, two) = (0x3f3f_3f3f, 0x0f0f_0f0f, 0x0303_0303);
    let scales = u64::from(a & low) | u64::from((c & four) | ((a >> 6 & two) << 4)) << 32;
    let minima = u64::from(b & low) | u64::from((c >> 4 & four) | ((b >> 6 & two) << 4)) << 32;
    (scales, minima)
}

/// Unpacks the eight scales and minima of Q4_K and Q5_K; gives the floats that multiply them.
#[inline(always)]
fn scales_and_minima(block: &[u8], k: &mut [i16], n: &mut [i16]) -> (f32, f32) {
    let (scales, minima) = six_bits(block);
    let (scales, minima) = (scales.to_le_bytes(), minima.to_le_bytes());
    k[..8].copy_from_slice(&scales.map(i16::from));
    n[..8].copy_from_slice(&minima.map(i16::from));
    (half(block, 0), half(block, 2))
}

/// 256 weights of 4 bits, scales and minima of 6 bits for each 32.
#[derive(Debug)]
pub struct Q4K;

impl Format for Q4K {
    #[cfg(target_arch = "x86_64")]
    const BY_ONE: Option<RowsByOne> = Some(super::avx512::rows::q4k);
    const KIND: Kind = Kind::Q4K;
    const BLOCK: usize = 256;
    const BYTES: usize = 144;
    const SUB: usize = 32;
    const MOST: i32 = 15;
    const OFFSET: i16 = 0;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], k: &mut [i16], n: &mut [i16]) -> (f32, f32) {
        for part in 0..4 {
            let packed: [u8; 32] = *array(block, 16 + 32 * part);
            put::<32>(q, 64 * part, |i| packed[i] & 15);
            put::<32>(q, 64 * part + 32, |i| packed[i] >> 4);
        }
        scales_and_minima(block, k, n)
    }
}

/// 256 weights of 5 bits, scales and minima of 6 bits for each 32.
#[derive(Debug)]
pub struct Q5K;

impl Format for Q5K {
    #[cfg(target_arch = "x86_64")]
    const BY_ONE: Option<RowsByOne> = Some(super::avx512::rows::q5k);
    const KIND: Kind = Kind::Q5K;
    const BLOCK: usize = 256;
    const BYTES: usize = 176;
    const SUB: usize = 32;
    const MOST: i32 = 31;
    const OFFSET: i16 = 0;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], k: &mut [i16], n: &mut [i16]) -> (f32, f32) {
        let fifth: [u8; 32] = *array(block, 16);
        for part in 0..4 {
            let packed: [u8; 32] = *array(block, 48 + 32 * part);
            let low = |i: usize| packed[i] & 15 | (fifth[i] >> (2 * part) & 1) << 4;
            let high = |i: usize| packed[i] >> 4 | (fifth[i] >> (2 * part + 1) & 1) << 4;
            put::<32>(q, 64 * part, low);
            put::<32>(q, 64 * part + 32, high);
        }
        scales_and_minima(block, k, n)
    }
}

/// 256 weights of 6 bits, scales of 8 bits for each 16.
#[derive(Debug)]
pub struct Q6K;

impl Format for Q6K {
    #[cfg(target_arch = "x86_64")]
    const BY_ONE: Option<RowsByOne> = Some(super::avx512::rows::q6k);
    const KIND: Kind = Kind::Q6K;
    const BLOCK: usize = 256;
    const BYTES: usize = 210;
    const SUB: usize = 16;
    const MOST: i32 = 63;
    const OFFSET: i16 = 32;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], k: &mut [i16], _n: &mut [i16]) -> (f32, f32) {
        for i in 0..16 {
            k[i] = i16::from(block[192 + i].cast_signed());
        }
        for part in 0..2 {
            let low: [u8; 64] = *array(block, 64 * part);
            let high: [u8; 32] = *array(block, 128 + 32 * part);
            let q = &mut q[128 * part..][..128];
            put::<32>(q, 0, |i| low[i] & 15 | (high[i] & 3) << 4);
            put::<32>(q, 32, |i| low[i + 32] & 15 | (high[i] >> 2 & 3) << 4);
            put::<32>(q, 64, |i| low[i] >> 4 | (high[i] >> 4 & 3) << 4);
            put::<32>(q, 96, |i| low[i + 32] >> 4 | (high[i] >> 6) << 4);
        }
        (half(block, 208), 0.0)
    }
}

/// The values of the non-linear formats of 4 bits, plus 128.
pub(super) const LEVELS: [u8; 16] = [
    1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241,
];

/// Unpacks 32 numbers of 4 bits and puts their levels in place.
#[inline(always)]
fn levels(packed: &[u8; 16], q: &mut [u8]) {
    nibbles(packed, q);
    for at in [0, 16] {
        let found = looked_up(*array(q, at));
        put::<16>(q, at, |i| found[i]);
    }
}

/// The level of each index, by a table in a register, of which the compiler does not think.
#[inline(always)]
fn looked_up(indices: [u8; 16]) -> [u8; 16] {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_mm_loadu_si128, _mm_shuffle_epi8, _mm_storeu_si128};
        #[inline]
        #[target_feature(enable = "ssse3")]
        fn shuffled(indices: [u8; 16]) -> [u8; 16] {
            let mut found = indices;
            // SAFETY: all are 16 bytes.
            unsafe {
                let table = _mm_loadu_si128(LEVELS.as_ptr().cast());
                let at = _mm_loadu_si128(indices.as_ptr().cast());
                _mm_storeu_si128(found.as_mut_ptr().cast(), _mm_shuffle_epi8(table, at));
            }
            found
        }
        if is_x86_feature_detected!("ssse3") {
            // SAFETY: the CPU was just asked; the answer is kept by the standard library.
            return unsafe { shuffled(indices) };
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        use std::arch::aarch64::{vld1q_u8, vqtbl1q_u8, vst1q_u8};
        let mut found = indices;
        // SAFETY: NEON is part of the architecture; all are 16 bytes.
        unsafe {
            let (table, at) = (vld1q_u8(LEVELS.as_ptr()), vld1q_u8(indices.as_ptr()));
            vst1q_u8(found.as_mut_ptr(), vqtbl1q_u8(table, at));
        }
        found
    }
    #[cfg(not(target_arch = "aarch64"))]
    indices.map(|i| LEVELS[usize::from(i)])
}

/// 32 weights of 4 bits on a curve, and a scale.
#[derive(Debug)]
pub struct IQ4NL;

impl Format for IQ4NL {
    const KIND: Kind = Kind::IQ4NL;
    const BLOCK: usize = 32;
    const BYTES: usize = 18;
    const SUB: usize = 32;
    const MOST: i32 = 255;
    const OFFSET: i16 = 128;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], _k: &mut [i16], _n: &mut [i16]) -> (f32, f32) {
        levels(array(block, 2), q);
        (half(block, 0), 0.0)
    }
}

/// 256 weights of 4 bits on a curve, scales of 6 bits for each 32.
#[derive(Debug)]
pub struct IQ4XS;

impl Format for IQ4XS {
    const KIND: Kind = Kind::IQ4XS;
    const BLOCK: usize = 256;
    const BYTES: usize = 136;
    const SUB: usize = 32;
    const MOST: i32 = 255;
    const OFFSET: i16 = 128;

    #[inline(always)]
    fn unpack(block: &[u8], q: &mut [u8], k: &mut [i16], _n: &mut [i16]) -> (f32, f32) {
        let high = u16::from_le_bytes([block[2], block[3]]);
        for run in 0..8 {
            let low = block[4 + run / 2] >> (4 * (run % 2)) & 15;
            let top = (high >> (2 * run) & 3) as u8;
            k[run] = i16::from(low | top << 4) - 32;
            levels(array(block, 8 + 16 * run), &mut q[32 * run..]);
        }
        (half(block, 0), 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::half;

    #[test]
    fn every_half_is_the_number_it_says() {
        for bits in 0..=u16::MAX {
            let (got, wanted) = (half(&bits.to_le_bytes(), 0), ::half::f16::from_bits(bits));
            let same = got.to_bits() == wanted.to_f32().to_bits();
            let same = same || got.is_nan() && wanted.is_nan();
            assert!(
                same && got.is_sign_negative() == wanted.is_sign_negative(),
                "{bits:#x}"
            );
        }
    }
}
