//! Rows of weights with one token by AVX-512, for the formats that most weights have: when text
//! is written every weight is read once for each token, so this must keep up with memory.
//!
//! Sums of four products fit 16 bits, so a block's own whole-number scales are multiplied in by
//! `vpmaddwd`, and all of a block is added up before anything becomes a float.

use std::arch::x86_64::{
    __m256i, __m512i, _mm_cvtepu8_epi16, _mm_loadl_epi64, _mm_loadu_si128, _mm_madd_epi16,
    _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_cvtepu8_epi32, _mm256_loadu_si256,
    _mm256_madd_epi16, _mm256_slli_epi32, _mm256_sub_epi32, _mm512_add_epi32, _mm512_and_si512,
    _mm512_broadcast_i64x4, _mm512_castsi256_si512, _mm512_castsi512_si256, _mm512_cvtepi8_epi32,
    _mm512_dpbusd_epi32, _mm512_extracti64x4_epi64, _mm512_loadu_si512, _mm512_madd_epi16,
    _mm512_or_si512, _mm512_permutexvar_epi32, _mm512_set1_epi8, _mm512_set1_epi32,
    _mm512_setr_epi32, _mm512_setr_epi64, _mm512_setzero_si512, _mm512_shuffle_i64x2,
    _mm512_slli_epi16, _mm512_srli_epi16, _mm512_srlv_epi64,
};

use crate::kernels::activations::RoundedInputs;
use crate::kernels::avx2::rows::{both, half, sum, with_minima};
use crate::kernels::formats::six_bits;
use crate::kernels::panel::fetch;
use crate::kernels::small_batch::AHEAD;

/// Weights of a block.
const BLOCK: usize = 256;

/// The inputs of one token: numbers, scales of 256, sums of 16 and 32 in twos. All are whole
/// blocks.
struct Token<'a> {
    numbers: &'a [i8],
    scales: &'a [f32],
    twos: &'a [[i16; 2]],
    twos32: &'a [[i16; 2]],
}

impl<'a> Token<'a> {
    /// The inputs of the only token of `x`.
    #[inline(always)]
    fn of(x: &'a RoundedInputs) -> Self {
        let (width, blocks) = (x.width, x.width / BLOCK);
        assert!(x.tokens == 1 && x.group == BLOCK && width == blocks * BLOCK);
        Self {
            numbers: &x.q[..width],
            scales: &x.scales[..blocks],
            twos: &x.twos[..width / 32],
            twos32: &x.twos32[..width / 64],
        }
    }
}

/// Two vectors of 128 inputs: the first and third 32, and the second and fourth.
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

/// The number of the scale that each lane takes, for each of the four vectors of sums of a block
/// with runs of 32.
#[inline]
#[target_feature(enable = "avx512f")]
fn spread32() -> [__m512i; 4] {
    // Lower lanes one run, upper lanes the run after the next.
    std::array::from_fn(|i| {
        let (a, b) = ([0, 1, 4, 5][i], [2, 3, 6, 7][i]);
        _mm512_setr_epi32(a, a, a, a, a, a, a, a, b, b, b, b, b, b, b, b)
    })
}

/// The kernel of a format whose blocks have `BYTES` bytes.
trait Dot<const BYTES: usize> {
    /// The product of a row, of as many blocks as the token has, with the token.
    fn dot(&self, row: &[[u8; BYTES]], token: &Token<'_>) -> f32;
}

/// Multiplies all rows of `rows`, which lie one behind the other, with the only token, into `out`.
/// (Two rows at a time, so that inputs are loaded once for both, are slower by a third.)
///
/// # Panics
/// Where the rows are not as many as `out` has places.
#[inline(always)]
fn each<const BYTES: usize>(
    kernel: &impl Dot<BYTES>,
    rows: &[u8],
    x: &RoundedInputs,
    out: &mut [f32],
) {
    let token = Token::of(x);
    let blocks = token.scales.len();
    let (all, rest) = rows.as_chunks::<BYTES>();
    assert!(rest.is_empty() && all.len() == blocks * out.len());
    for (out, row) in out.iter_mut().zip(all.chunks_exact(blocks)) {
        *out = kernel.dot(row, &token);
    }
}

/// The kernel of Q4_K and Q5_K, which differ in the place of the nibbles and in the fifth bit.
struct FourOrFive<const BYTES: usize, const FIFTH: bool> {
    /// The number of the scale of a block that each lane takes.
    spread: [__m512i; 4],
}

impl<const BYTES: usize, const FIFTH: bool> Dot<BYTES> for FourOrFive<BYTES, FIFTH> {
    #[inline(always)]
    fn dot(&self, row: &[[u8; BYTES]], token: &Token<'_>) -> f32 {
        // SAFETY: only functions that run where AVX-512 is make one.
        unsafe { four_or_five::<BYTES, FIFTH>(self.spread, row, token) }
    }
}

/// The product of a row of Q4_K or Q5_K with a token.
#[allow(
    clippy::too_many_lines,
    reason = "a loop whose sums stay in registers is one function"
)]
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
fn four_or_five<const BYTES: usize, const FIFTH: bool>(
    spread: [__m512i; 4],
    row: &[[u8; BYTES]],
    token: &Token<'_>,
) -> f32 {
    let nibble = _mm512_set1_epi8(15);
    let (bit, next) = (_mm512_set1_epi8(1), _mm512_set1_epi8(2));
    let shifts = [
        _mm512_setr_epi64(0, 0, 0, 0, 2, 2, 2, 2),
        _mm512_setr_epi64(4, 4, 4, 4, 6, 6, 6, 6),
    ];
    let nibbles = if FIFTH { 48 } else { 16 };
    let mut total = 0.0;
    for (b, scale) in token.scales.iter().enumerate() {
        let numbers = token.numbers[BLOCK * b..][..BLOCK].as_ptr();
        // SAFETY: 256 inputs and eight sums of 32 belong to this block.
        let (x, sums) = unsafe {
            (
                [thirty_twos(numbers), thirty_twos(numbers.add(128))],
                _mm_loadu_si128(token.twos32[4 * b..][..4].as_ptr().cast()),
            )
        };
        let block = &row[b];
        fetch(block, AHEAD);
        let (d, dmin) = (half(block, 0), half(block, 2));
        let (scales, minima) = six_bits(block);
        let (scales, minima) = (scales.to_le_bytes(), minima.to_le_bytes());
        // SAFETY: both are eight bytes.
        let (scales, minima) = unsafe {
            (
                _mm256_cvtepu8_epi32(_mm_loadl_epi64(scales.as_ptr().cast())),
                _mm_cvtepu8_epi16(_mm_loadl_epi64(minima.as_ptr().cast())),
            )
        };
        let scales = _mm512_castsi256_si512(scales);
        let mut fifth = _mm512_setzero_si512();
        if FIFTH {
            // SAFETY: 32 bytes from 16 on lie within a block of 176.
            fifth = _mm512_broadcast_i64x4(unsafe {
                _mm256_loadu_si256(block.as_ptr().add(16).cast())
            });
        }
        let mut sum = _mm512_setzero_si512();
        for half in 0..2 {
            let (even, odd) = x[half];
            // SAFETY: 128 bytes of nibbles lie at the end of a block.
            let packed =
                unsafe { _mm512_loadu_si512(block.as_ptr().add(nibbles + 64 * half).cast()) };
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
        let sums = both(eight(sum), _mm_madd_epi16(minima, sums));
        total = with_minima(sums, d, dmin).mul_add(*scale, total);
    }
    total
}

/// Sixteen whole numbers as eight sums of two.
#[inline]
#[target_feature(enable = "avx512f,avx2")]
fn eight(x: __m512i) -> __m256i {
    _mm256_add_epi32(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64::<1>(x))
}

/// Multiplies rows of Q4_K with the only token.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
pub(in crate::kernels) fn q4k(rows: &[u8], x: &RoundedInputs, out: &mut [f32]) {
    let spread = spread32();
    each(&FourOrFive::<144, false> { spread }, rows, x, out);
}

/// Multiplies rows of Q5_K with the only token.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
pub(in crate::kernels) fn q5k(rows: &[u8], x: &RoundedInputs, out: &mut [f32]) {
    let spread = spread32();
    each(&FourOrFive::<176, true> { spread }, rows, x, out);
}

/// The kernel of Q6_K.
struct Six {
    /// The number of the scale of a block that each lane takes.
    spread: [__m512i; 4],
}

impl Dot<210> for Six {
    #[inline(always)]
    fn dot(&self, row: &[[u8; 210]], token: &Token<'_>) -> f32 {
        // SAFETY: only functions that run where AVX-512 is make one.
        unsafe { six(self.spread, row, token) }
    }
}

/// The product of a row of Q6_K with a token.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
fn six(spread: [__m512i; 4], row: &[[u8; 210]], token: &Token<'_>) -> f32 {
    let (nibble, two) = (_mm512_set1_epi8(15), _mm512_set1_epi8(3));
    let upper = _mm512_set1_epi8(0x30);
    let low_half = _mm512_set1_epi32(0xffff);
    let shift = _mm512_setr_epi64(0, 0, 0, 0, 2, 2, 2, 2);
    let mut total = 0.0;
    for (b, scale) in token.scales.iter().enumerate() {
        let numbers = token.numbers[BLOCK * b..][..BLOCK].as_ptr();
        // SAFETY: 256 inputs and 16 sums belong to this block.
        let (x, sums) = unsafe {
            (
                [0, 64, 128, 192].map(|at| _mm512_loadu_si512(numbers.add(at).cast())),
                _mm256_loadu_si256(token.twos[8 * b..][..8].as_ptr().cast()),
            )
        };
        let block = &row[b];
        fetch(block, AHEAD);
        let d = half(block, 208);
        // SAFETY: 16 bytes from 192 on lie within a block of 210.
        let scales = unsafe { _mm_loadu_si128(block.as_ptr().add(192).cast()) };
        let scales16 = _mm512_and_si512(_mm512_cvtepi8_epi32(scales), low_half);
        let mut sum = _mm512_setzero_si512();
        for half in 0..2 {
            // SAFETY: 128 bytes of nibbles begin a block, 64 of upper bits follow.
            let (packed, bits) = unsafe {
                (
                    _mm512_loadu_si512(block.as_ptr().add(64 * half).cast()),
                    _mm256_loadu_si256(block.as_ptr().add(128 + 32 * half).cast()),
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
            let low = _mm512_dpbusd_epi32(_mm512_setzero_si512(), low, x[2 * half]);
            let high = _mm512_dpbusd_epi32(_mm512_setzero_si512(), high, x[2 * half + 1]);
            let of = |i: usize| _mm512_permutexvar_epi32(spread[2 * half + i], scales16);
            // At most 4 · 63 · 128 in magnitude, which 16 bits hold.
            let scaled = _mm512_add_epi32(
                _mm512_madd_epi16(low, of(0)),
                _mm512_madd_epi16(high, of(1)),
            );
            sum = _mm512_add_epi32(sum, scaled);
        }
        let taken = _mm256_madd_epi16(_mm256_cvtepi8_epi16(scales), sums);
        let whole = _mm256_sub_epi32(eight(sum), _mm256_slli_epi32::<5>(taken));
        total = (self::sum(whole) as f32 * d).mul_add(*scale, total);
    }
    total
}

/// Multiplies rows of Q6_K with the only token.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
pub(in crate::kernels) fn q6k(rows: &[u8], x: &RoundedInputs, out: &mut [f32]) {
    // A scale for each four lanes, which are 16 weights.
    let spread: [__m512i; 4] = std::array::from_fn(|i| {
        let a = 4 * i as i32;
        let (b, c, d) = (a + 1, a + 2, a + 3);
        _mm512_setr_epi32(a, a, a, a, b, b, b, b, c, c, c, c, d, d, d, d)
    });
    each(&Six { spread }, rows, x, out);
}
