//! One row of weights with one token by AVX-512, for the formats that most weights have: when
//! text is written every weight is read once for each token, so this must keep up with memory.
//!
//! Sums of four products fit 16 bits, so a block's own whole-number scales are multiplied in by
//! `vpmaddwd` before anything becomes a float: one conversion a block.

use std::arch::x86_64::{
    __m512i, _mm_loadl_epi64, _mm_loadu_si128, _mm256_cvtepi32_ps, _mm256_cvtepu8_epi32,
    _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256, _mm256_mul_ps, _mm256_set1_ps,
    _mm256_setzero_ps, _mm512_add_epi32, _mm512_and_si512, _mm512_broadcast_i64x4,
    _mm512_castsi256_si512, _mm512_cvtepi8_epi32, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32,
    _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_madd_epi16,
    _mm512_mul_ps, _mm512_or_si512, _mm512_permutexvar_epi32, _mm512_reduce_add_ps,
    _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setr_epi32, _mm512_setr_epi64,
    _mm512_setzero_ps, _mm512_setzero_si512, _mm512_shuffle_i64x2, _mm512_slli_epi16,
    _mm512_srli_epi16, _mm512_srlv_epi64, _mm512_zextps256_ps512,
};

use super::activations::{Activations, RUN};
use half::f16;

/// Weights of a block.
const BLOCK: usize = 256;

/// The inputs of one token that is a tile of its own: numbers, scales of 256, sums of 16 and 32.
struct Token<'a> {
    numbers: &'a [i8],
    scales: &'a [f32],
    sums: &'a [f32],
    sums32: &'a [f32],
}

impl<'a> Token<'a> {
    /// The `first`-th token; there must be blocks of 256 for all of them.
    #[inline(always)]
    fn of(x: &'a Activations, first: usize, blocks: usize) -> Self {
        assert!(x.width == blocks * BLOCK && x.group == BLOCK);
        let (width, groups) = (x.width, x.groups());
        Self {
            numbers: &x.q[first * width..][..width],
            scales: &x.scales[first * groups..][..groups],
            sums: &x.sums[first * (width / RUN)..][..width / RUN],
            sums32: &x.sums32[first * (width / 32)..][..width / 32],
        }
    }
}

/// The half-precision number at `at`.
#[inline]
#[target_feature(enable = "f16c")]
fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// Scales and minima of 6 bits each, as bytes: see Q4_K.
#[inline(always)]
fn six_bits(block: &[u8]) -> (u64, u64) {
    let word =
        |at: usize| u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
    let (a, b, c) = (word(4), word(8), word(12));
    let (low, four, two) = (0x3f3f_3f3f, 0x0f0f_0f0f, 0x0303_0303);
    let scales = u64::from(a & low) | u64::from((c & four) | ((a >> 6 & two) << 4)) << 32;
    let minima = u64::from(b & low) | u64::from((c >> 4 & four) | ((b >> 6 & two) << 4)) << 32;
    (scales, minima)
}

/// Of 128 inputs the first and third 32, and the second and fourth.
///
/// # Safety
/// 128 bytes must be readable from `x` on.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn thirty_twos(x: *const i8) -> (__m512i, __m512i) {
    // SAFETY: by the caller's word.
    let (a, b) = unsafe {
        (
            _mm512_loadu_si512(x.cast()),
            _mm512_loadu_si512(x.add(64).cast()),
        )
    };
    (
        _mm512_shuffle_i64x2::<0x44>(a, b),
        _mm512_shuffle_i64x2::<0xee>(a, b),
    )
}

/// For each of the four vectors of sums of a block with runs of 32, which scale a lane takes.
#[inline]
#[target_feature(enable = "avx512f")]
fn spread32() -> [__m512i; 4] {
    // Lower lanes one run, upper lanes the run after the next.
    std::array::from_fn(|i| {
        let (a, b) = ([0, 1, 4, 5][i], [2, 3, 6, 7][i]);
        _mm512_setr_epi32(a, a, a, a, a, a, a, a, b, b, b, b, b, b, b, b)
    })
}

/// Q4_K and Q5_K: they differ in where the nibbles lie and in the fifth bit.
///
/// # Panics
/// Where the row is not as many blocks as the token has.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
fn four_or_five<const BYTES: usize, const FIFTH: bool>(
    row: &[u8],
    x: &Activations,
    first: usize,
) -> f32 {
    let blocks = row.as_chunks::<BYTES>().0;
    let token = Token::of(x, first, blocks.len());
    let spread = spread32();
    let nibble = _mm512_set1_epi8(15);
    let (bit, next) = (_mm512_set1_epi8(1), _mm512_set1_epi8(2));
    let shifts = [
        _mm512_setr_epi64(0, 0, 0, 0, 2, 2, 2, 2),
        _mm512_setr_epi64(4, 4, 4, 4, 6, 6, 6, 6),
    ];
    let nibbles = if FIFTH { 48 } else { 16 };
    let mut total = _mm512_setzero_ps();
    let mut least = _mm256_setzero_ps();
    for (b, block) in blocks.iter().enumerate() {
        let (d, dmin) = (half_at(block, 0), half_at(block, 2));
        let (scales, minima) = six_bits(block);
        let (scales, minima) = (scales.to_le_bytes(), minima.to_le_bytes());
        // SAFETY: both are eight bytes; eight sums of 32 belong to this block.
        let (scales, minima, sums) = unsafe {
            (
                _mm256_cvtepu8_epi32(_mm_loadl_epi64(scales.as_ptr().cast())),
                _mm256_cvtepu8_epi32(_mm_loadl_epi64(minima.as_ptr().cast())),
                _mm256_loadu_ps(token.sums32[8 * b..][..8].as_ptr()),
            )
        };
        let scales = _mm512_castsi256_si512(scales);
        let numbers = token.numbers[BLOCK * b..][..BLOCK].as_ptr();
        let mut fifth = _mm512_setzero_si512();
        if FIFTH {
            // SAFETY: 32 bytes from 16 on lie within a block of 176.
            fifth = _mm512_broadcast_i64x4(unsafe {
                _mm256_loadu_si256(block.as_ptr().add(16).cast())
            });
        }
        let mut sum = _mm512_setzero_si512();
        for half in 0..2 {
            // SAFETY: 128 bytes of nibbles lie at the end of a block, and 256 inputs belong to it.
            let (packed, (even, odd)) = unsafe {
                (
                    _mm512_loadu_si512(block.as_ptr().add(nibbles + 64 * half).cast()),
                    thirty_twos(numbers.add(128 * half)),
                )
            };
            let mut low = _mm512_and_si512(packed, nibble);
            let mut high = _mm512_and_si512(_mm512_srli_epi16::<4>(packed), nibble);
            if FIFTH {
                let bits = _mm512_srlv_epi64(fifth, shifts[half]);
                let even = _mm512_slli_epi16::<4>(_mm512_and_si512(bits, bit));
                let odd = _mm512_slli_epi16::<3>(_mm512_and_si512(bits, next));
                low = _mm512_or_si512(low, even);
                high = _mm512_or_si512(high, odd);
            }
            let low = _mm512_dpbusd_epi32(_mm512_setzero_si512(), low, even);
            let high = _mm512_dpbusd_epi32(_mm512_setzero_si512(), high, odd);
            let of = |i: usize| _mm512_permutexvar_epi32(spread[2 * half + i], scales);
            // At most 4 · 31 · 127 in magnitude: the lower 16 bits of a sum are all of it.
            let scaled = _mm512_add_epi32(
                _mm512_madd_epi16(low, of(0)),
                _mm512_madd_epi16(high, of(1)),
            );
            sum = _mm512_add_epi32(sum, scaled);
        }
        let scale = token.scales[b];
        total = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_set1_ps(d * scale), total);
        let minima = _mm256_mul_ps(_mm256_cvtepi32_ps(minima), sums);
        least = _mm256_fmadd_ps(minima, _mm256_set1_ps(dmin * scale), least);
    }
    _mm512_reduce_add_ps(total) - _mm512_reduce_add_ps(_mm512_zextps256_ps512(least))
}

/// A row of Q4_K with the token that is the `first`-th, a tile of its own.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
pub(super) fn q4k(row: &[u8], x: &Activations, first: usize) -> f32 {
    four_or_five::<144, false>(row, x, first)
}

/// The same of Q5_K.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
pub(super) fn q5k(row: &[u8], x: &Activations, first: usize) -> f32 {
    four_or_five::<176, true>(row, x, first)
}

/// The same of Q6_K.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
pub(super) fn q6k(row: &[u8], x: &Activations, first: usize) -> f32 {
    let blocks = row.as_chunks::<210>().0;
    let token = Token::of(x, first, blocks.len());
    // A scale for each four lanes, which are 16 weights.
    let spread: [__m512i; 4] = std::array::from_fn(|i| {
        let a = 4 * i as i32;
        let (b, c, d) = (a + 1, a + 2, a + 3);
        _mm512_setr_epi32(a, a, a, a, b, b, b, b, c, c, c, c, d, d, d, d)
    });
    let (nibble, two) = (_mm512_set1_epi8(15), _mm512_set1_epi8(3));
    let upper = _mm512_set1_epi8(0x30);
    let low_half = _mm512_set1_epi32(0xffff);
    let shift = _mm512_setr_epi64(0, 0, 0, 0, 2, 2, 2, 2);
    let offset = _mm512_set1_ps(32.0);
    let mut total = _mm512_setzero_ps();
    for (b, block) in blocks.iter().enumerate() {
        let d = half_at(block, 208);
        // SAFETY: 16 bytes from 192 on lie within a block of 210; 16 sums belong to this block.
        let (scales, sums) = unsafe {
            (
                _mm512_cvtepi8_epi32(_mm_loadu_si128(block.as_ptr().add(192).cast())),
                _mm512_loadu_ps(token.sums[16 * b..][..16].as_ptr()),
            )
        };
        let scales16 = _mm512_and_si512(scales, low_half);
        let numbers = token.numbers[BLOCK * b..][..BLOCK].as_ptr();
        let mut sum = _mm512_setzero_si512();
        for half in 0..2 {
            // SAFETY: 128 bytes of nibbles begin a block, 64 of upper bits follow; 256 inputs
            // belong to it.
            let (packed, bits, x0, x1) = unsafe {
                (
                    _mm512_loadu_si512(block.as_ptr().add(64 * half).cast()),
                    _mm256_loadu_si256(block.as_ptr().add(128 + 32 * half).cast()),
                    _mm512_loadu_si512(numbers.add(128 * half).cast()),
                    _mm512_loadu_si512(numbers.add(128 * half + 64).cast()),
                )
            };
            // Bits 0, 1 for the first 32 weights, 2, 3 for the second, and so on.
            let bits = _mm512_srlv_epi64(_mm512_broadcast_i64x4(bits), shift);
            let low = _mm512_or_si512(
                _mm512_and_si512(packed, nibble),
                _mm512_slli_epi16::<4>(_mm512_and_si512(bits, two)),
            );
            let high = _mm512_or_si512(
                _mm512_and_si512(_mm512_srli_epi16::<4>(packed), nibble),
                _mm512_and_si512(bits, upper),
            );
            let low = _mm512_dpbusd_epi32(_mm512_setzero_si512(), low, x0);
            let high = _mm512_dpbusd_epi32(_mm512_setzero_si512(), high, x1);
            let of = |i: usize| _mm512_permutexvar_epi32(spread[2 * half + i], scales16);
            // At most 4 · 63 · 128 in magnitude, which 16 bits hold.
            let scaled = _mm512_add_epi32(
                _mm512_madd_epi16(low, of(0)),
                _mm512_madd_epi16(high, of(1)),
            );
            sum = _mm512_add_epi32(sum, scaled);
        }
        let taken = _mm512_mul_ps(_mm512_cvtepi32_ps(scales), sums);
        let value = _mm512_fnmadd_ps(taken, offset, _mm512_cvtepi32_ps(sum));
        total = _mm512_fmadd_ps(value, _mm512_set1_ps(d * token.scales[b]), total);
    }
    _mm512_reduce_add_ps(total)
}
