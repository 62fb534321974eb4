//! Rows of weights in blocks of 32 with one token or a few by AVX2: see [`super::rows`].
//!
//! A block of 32 ends in a float of its own, so that its last step would cost as much as its
//! products; eight blocks take that step together. The product of each is the same to the last bit.

use std::arch::x86_64::{
    __m256i, _mm_setr_epi16, _mm256_add_epi32, _mm256_and_si256, _mm256_cmpeq_epi8,
    _mm256_cvtepi32_ps, _mm256_cvtph_ps, _mm256_cvttps_epi32, _mm256_fmadd_ps, _mm256_hadd_epi32,
    _mm256_loadu_ps, _mm256_loadu_si256, _mm256_mul_ps, _mm256_mullo_epi32, _mm256_or_si256,
    _mm256_permute2x128_si256, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32,
    _mm256_set1_epi64x, _mm256_setr_epi64x, _mm256_shuffle_epi8, _mm256_storeu_ps,
    _mm256_sub_epi32, _mm256_xor_si256,
};

use crate::kernels::activations::RoundedInputs;
use crate::kernels::avx2::panels::together;
use crate::kernels::avx2::rows::{half, levels, load, nibbles, product, sum};
use crate::kernels::blocks::{Format, Kind};

/// Adds the products of a block of 32, the `at`-th of its row, with `T` tokens to their totals.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(in crate::kernels) fn block_of_32<F: Format, const T: usize>(
    block: &[u8],
    x: &RoundedInputs,
    at: usize,
    totals: &mut [f32; T],
) {
    let w = weights_of_32::<F>(block);
    let d = half(block, 0);
    let ones = _mm256_set1_epi16(1);
    let blocks = x.width / 32;
    for t in 0..T {
        let whole = sum(product::<F>(w, numbers(x, t, at), ones));
        let of_inputs = x.sums32[t * blocks + at];
        let value = if together::<F>() == 0 {
            // The offset is gone from the weights already.
            whole as f32 * d
        } else if F::OFFSET != 0 {
            (whole - of_inputs as i32 * i32::from(F::OFFSET)) as f32 * d
        } else {
            of_inputs.mul_add(half(block, 2), whole as f32 * d)
        };
        totals[t] = value.mul_add(x.scales[t * blocks + at], totals[t]);
    }
}

/// Does [`block_of_32`] with eight blocks from the `at`-th on, the last step on eight at once.
#[allow(
    clippy::too_many_lines,
    reason = "a loop whose sums stay in registers is one function"
)]
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(in crate::kernels) fn eight_of_32<F: Format, const T: usize>(
    blocks: &[u8],
    x: &RoundedInputs,
    at: usize,
    totals: &mut [f32; T],
) {
    let blocks = &blocks[..8 * F::BYTES];
    let block = |i: usize| &blocks[i * F::BYTES..][..F::BYTES];
    let number = |i: usize, from: usize| i16::from_le_bytes([block(i)[from], block(i)[from + 1]]);
    let halves = |from: usize| {
        _mm256_cvtph_ps(_mm_setr_epi16(
            number(0, from),
            number(1, from),
            number(2, from),
            number(3, from),
            number(4, from),
            number(5, from),
            number(6, from),
            number(7, from),
        ))
    };
    let d = halves(0);
    let minima = together::<F>() != 0 && F::OFFSET == 0;
    let least = if minima { halves(2) } else { d };
    let ones = _mm256_set1_epi16(1);
    let w = [
        weights_of_32::<F>(block(0)),
        weights_of_32::<F>(block(1)),
        weights_of_32::<F>(block(2)),
        weights_of_32::<F>(block(3)),
        weights_of_32::<F>(block(4)),
        weights_of_32::<F>(block(5)),
        weights_of_32::<F>(block(6)),
        weights_of_32::<F>(block(7)),
    ];
    let of_row = x.width / 32;
    for t in 0..T {
        let two = |i: usize| product::<F>(w[i], numbers(x, t, at + i), ones);
        let four = |i: usize| {
            let (a, b) = (two(i), two(i + 1));
            let (c, d) = (two(i + 2), two(i + 3));
            _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d))
        };
        let (first, second) = (four(0), four(4));
        let whole = _mm256_add_epi32(
            _mm256_permute2x128_si256::<0x20>(first, second),
            _mm256_permute2x128_si256::<0x31>(first, second),
        );
        let of_inputs = &x.sums32[t * of_row + at..][..8];
        // SAFETY: eight floats.
        let of_inputs = unsafe { _mm256_loadu_ps(of_inputs.as_ptr()) };
        let value = if together::<F>() == 0 {
            _mm256_mul_ps(_mm256_cvtepi32_ps(whole), d)
        } else if minima {
            let whole = _mm256_mul_ps(_mm256_cvtepi32_ps(whole), d);
            _mm256_fmadd_ps(of_inputs, least, whole)
        } else {
            let offset = _mm256_set1_epi32(i32::from(F::OFFSET));
            let taken = _mm256_mullo_epi32(_mm256_cvttps_epi32(of_inputs), offset);
            _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(whole, taken)), d)
        };
        let mut values = [0.0; 8];
        // SAFETY: eight floats.
        unsafe { _mm256_storeu_ps(values.as_mut_ptr(), value) };
        let scales = &x.scales[t * of_row + at..][..8];
        for i in 0..8 {
            totals[t] = values[i].mul_add(scales[i], totals[t]);
        }
    }
}

/// The 32 inputs of a token for the `at`-th block.
#[inline]
#[target_feature(enable = "avx2")]
fn numbers(x: &RoundedInputs, token: usize, at: usize) -> __m256i {
    let numbers = &x.q[token * x.width + 32 * at..][..32];
    // SAFETY: 32 numbers.
    unsafe { _mm256_loadu_si256(numbers.as_ptr().cast()) }
}

/// The weights of a block of 32, unsigned.
#[inline]
#[target_feature(enable = "avx2")]
fn weights_of_32<F: Format>(block: &[u8]) -> __m256i {
    let block = &block[..F::BYTES];
    match F::KIND {
        Kind::Q4_0 => nibbles(block, 2),
        Kind::Q4_1 => nibbles(block, 4),
        Kind::Q5_0 => _mm256_or_si256(nibbles(block, 6), fifth_bits(block, 2)),
        Kind::Q5_1 => _mm256_or_si256(nibbles(block, 8), fifth_bits(block, 4)),
        Kind::IQ4NL => levels(nibbles(block, 2)),
        // Q8_0, made unsigned as the others are.
        _ => _mm256_xor_si256(load(block, 2), _mm256_set1_epi8(i8::MIN)),
    }
}

/// 16 where one of 32 bits is set, else 0.
#[inline]
#[target_feature(enable = "avx2")]
fn fifth_bits(block: &[u8], at: usize) -> __m256i {
    let bits = u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
    // Each byte stands in eight places, of which each keeps one bit.
    let places = _mm256_setr_epi64x(
        0,
        0x0101_0101_0101_0101,
        0x0202_0202_0202_0202,
        0x0303_0303_0303_0303,
    );
    let bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(bits.cast_signed()), places);
    let one = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64.cast_signed());
    let set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, one), one);
    _mm256_and_si256(set, _mm256_set1_epi8(16))
}
