//! Rows of weights with one token or a few by AVX2, for every format. When text is
//! written every weight is read once for each token, so this must keep up with memory: the most
//! common formats are unpacked in registers, others into the first cache.

use std::arch::asm;
use std::arch::x86_64::{
    __m128, __m128i, __m256i, _mm_add_epi32, _mm_cvtepi32_ps, _mm_cvtepu8_epi16, _mm_cvtsi32_si128,
    _mm_cvtsi64_si128, _mm_cvtsi128_si32, _mm_cvtss_f32, _mm_loadu_si128, _mm_madd_epi16,
    _mm_movehdup_ps, _mm_set1_epi16, _mm_shuffle_epi32, _mm_shuffle_ps, _mm_srli_epi16,
    _mm_unpackhi_epi32, _mm_unpacklo_epi32, _mm256_abs_epi8, _mm256_add_epi32, _mm256_and_si256,
    _mm256_broadcastsi128_si256, _mm256_castsi256_si128, _mm256_cvtepi8_epi16,
    _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16,
    _mm256_or_si256, _mm256_permute2x128_si256, _mm256_set1_epi8, _mm256_set1_epi16,
    _mm256_setr_m128i, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_sign_epi8,
    _mm256_sll_epi16, _mm256_slli_epi16, _mm256_slli_epi32, _mm256_srl_epi16, _mm256_srli_epi16,
    _mm256_sub_epi32, _mm256_xor_si256, _mm256_zextsi128_si256,
};

use crate::kernels::activations::RoundedInputs;
use crate::kernels::avx2::panels::together;
use crate::kernels::avx2::rows_32::{block_of_32, eight_of_32};
use crate::kernels::blocks::{Format, Kind, MOST_WEIGHTS, Unpacked, unpack_chunk};
use crate::kernels::formats::{LEVELS, six_bits};
use crate::kernels::output::OutputRows;
use crate::kernels::panel::fetch;
use crate::kernels::small_batch::{AHEAD, Inputs};

/// Multiplies rows, one behind the other, with up to five tokens, each a tile of its own, into `out`.
#[target_feature(enable = "avx2,fma,f16c")]
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
#[target_feature(enable = "avx2,fma,f16c")]
fn row_times<F: Format, const T: usize>(
    row: usize,
    bytes: &[u8],
    x: &RoundedInputs,
    out: &mut OutputRows<'_>,
) {
    assert!(x.q.len() >= T * x.width && x.tiles.len() == T);
    let mut totals = [0.0; T];
    if F::BLOCK == MOST_WEIGHTS {
        let mut unpacked = Unpacked::new();
        for (block, bytes) in bytes.chunks_exact(F::BYTES).enumerate() {
            fetch(bytes, AHEAD);
            let inputs = Inputs::<T>::new::<F>(x, block);
            match F::KIND {
                Kind::Q4K => four_or_five::<false, T>(bytes, &inputs, &mut totals),
                Kind::Q5K => four_or_five::<true, T>(bytes, &inputs, &mut totals),
                Kind::Q6K => six::<T>(bytes, &inputs, &mut totals),
                Kind::IQ4XS => curved::<F, T>(bytes, &inputs, &mut totals),
                _ => {
                    unpack_chunk::<F>(bytes, &mut unpacked);
                    block_of_256::<F, T>(&unpacked, &inputs, &mut totals);
                }
            }
        }
    } else {
        let eights = bytes.chunks_exact(8 * F::BYTES);
        let rest = eights.remainder();
        let done = 8 * eights.len();
        for (eight, bytes) in eights.enumerate() {
            fetch(bytes, AHEAD);
            fetch(bytes, AHEAD + 64);
            eight_of_32::<F, T>(bytes, x, 8 * eight, &mut totals);
        }
        for (block, bytes) in rest.chunks_exact(F::BYTES).enumerate() {
            block_of_32::<F, T>(bytes, x, done + block, &mut totals);
        }
    }
    for t in 0..T {
        out.put(t, row, totals[t]);
    }
}

impl<const T: usize> Inputs<'_, T> {
    /// The `part`-th 32 inputs of a token.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn part(&self, token: usize, part: usize) -> __m256i {
        // SAFETY: 32 of the 256 numbers.
        unsafe { _mm256_loadu_si256(self.numbers[token][32 * part..][..32].as_ptr().cast()) }
    }

    /// The minima of eight runs of 32, as they are in the block, times the token's sums: four sums
    /// of two products.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn eight(&self, token: usize, minima: __m128i) -> __m128i {
        // SAFETY: four times two numbers of 16 bits.
        let sums = unsafe { _mm_loadu_si128(self.twos[token][..4].as_ptr().cast()) };
        _mm_madd_epi16(minima, sums)
    }

    /// The minima of 16 runs of 16, as they are in the block, times the token's sums: eight sums of
    /// two products.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn sixteen(&self, token: usize, minima: __m256i) -> __m256i {
        // SAFETY: eight times two numbers of 16 bits.
        let sums = unsafe { _mm256_loadu_si256(self.twos[token][..8].as_ptr().cast()) };
        _mm256_madd_epi16(minima, sums)
    }
}

/// The bytes that spread a number of 16 bits over a half register, for each of eight numbers.
static SPREAD: [[u8; 16]; 8] = {
    let mut all = [[0; 16]; 8];
    let mut i = 0;
    while i < 128 {
        all[i / 16][i % 16] = (2 * (i / 16) + i % 2) as u8;
        i += 1;
    }
    all
};

/// The `i`-th of eight numbers of 16 bits, in all places; `numbers` has the eight twice.
#[inline]
#[target_feature(enable = "avx2")]
fn spread(numbers: __m256i, i: usize) -> __m256i {
    // SAFETY: 16 bytes.
    let places = unsafe { _mm_loadu_si128(SPREAD[i].as_ptr().cast()) };
    _mm256_shuffle_epi8(numbers, _mm256_broadcastsi128_si256(places))
}

/// Eight bytes as eight numbers of 16 bits.
#[inline]
#[target_feature(enable = "avx2")]
fn wide(bytes: u64) -> __m128i {
    _mm_cvtepu8_epi16(_mm_cvtsi64_si128(bytes.cast_signed()))
}

/// Adds the products of a block of Q4_K, or with the fifth bit of Q5_K, with `T` tokens to their
/// totals.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn four_or_five<const FIFTH: bool, const T: usize>(
    block: &[u8],
    inputs: &Inputs<'_, T>,
    totals: &mut [f32; T],
) {
    let nibbles = if FIFTH { 48 } else { 16 };
    let block = &block[..nibbles + 128];
    let (scales, minima) = six_bits(block);
    let (scales, minima) = (wide(scales), wide(minima));
    let scales = _mm256_broadcastsi128_si256(scales);
    let low_bits = _mm256_set1_epi8(15);
    let (sixteen, fifth) = (_mm256_set1_epi8(16), load(block, 16));
    let mut whole = [_mm256_setzero_si256(); T];
    for part in 0..4 {
        let packed = load(block, nibbles + 32 * part);
        let mut low = _mm256_and_si256(packed, low_bits);
        let mut high = _mm256_and_si256(_mm256_srli_epi16::<4>(packed), low_bits);
        if FIFTH {
            let left = |by: i32| _mm256_sll_epi16(fifth, _mm_cvtsi32_si128(by));
            let right = |by: i32| _mm256_srl_epi16(fifth, _mm_cvtsi32_si128(by));
            let (a, b) = match part {
                0 => (left(4), left(3)),
                1 => (left(2), left(1)),
                2 => (fifth, right(1)),
                _ => (right(2), right(3)),
            };
            low = _mm256_or_si256(low, _mm256_and_si256(a, sixteen));
            high = _mm256_or_si256(high, _mm256_and_si256(b, sixteen));
        }
        let k = [spread(scales, 2 * part), spread(scales, 2 * part + 1)];
        for (t, whole) in whole.iter_mut().enumerate() {
            for (i, w) in [low, high].into_iter().enumerate() {
                let two = _mm256_maddubs_epi16(w, inputs.part(t, 2 * part + i));
                *whole = _mm256_add_epi32(*whole, _mm256_madd_epi16(two, k[i]));
            }
        }
    }
    let (d, least) = (half(block, 0), half(block, 2));
    for t in 0..T {
        let sums = both(whole[t], inputs.eight(t, minima));
        totals[t] = with_minima(sums, d, least).mul_add(inputs.scales[t], totals[t]);
    }
}

/// Adds the products of a block of Q6_K with `T` tokens to their totals.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn six<const T: usize>(block: &[u8], inputs: &Inputs<'_, T>, totals: &mut [f32; T]) {
    let block = &block[..210];
    let low_bits = _mm256_set1_epi8(15);
    let upper = _mm256_set1_epi8(0x30);
    // SAFETY: 16 bytes.
    let scales = unsafe { _mm_loadu_si128(block[192..][..16].as_ptr().cast()) };
    let scales = _mm256_cvtepi8_epi16(scales);
    let eight = [
        _mm256_permute2x128_si256::<0x00>(scales, scales),
        _mm256_permute2x128_si256::<0x11>(scales, scales),
    ];
    let mut whole = [_mm256_setzero_si256(); T];
    for (half, eight) in eight.into_iter().enumerate() {
        let bits = load(block, 128 + 32 * half);
        for part in 0..4 {
            let packed = load(block, 64 * half + 32 * (part % 2));
            let packed = if part < 2 {
                packed
            } else {
                _mm256_srli_epi16::<4>(packed)
            };
            let bits = match part {
                0 => _mm256_slli_epi16::<4>(bits),
                1 => _mm256_slli_epi16::<2>(bits),
                2 => bits,
                _ => _mm256_srli_epi16::<2>(bits),
            };
            let w = _mm256_or_si256(
                _mm256_and_si256(packed, low_bits),
                _mm256_and_si256(bits, upper),
            );
            // A scale for the lower 16 weights, one for the upper.
            // SAFETY: twice 16 bytes.
            let places = unsafe { _mm256_loadu_si256(SPREAD[2 * part..][..2].as_ptr().cast()) };
            let k = _mm256_shuffle_epi8(eight, places);
            for (t, whole) in whole.iter_mut().enumerate() {
                let two = _mm256_maddubs_epi16(w, inputs.part(t, 4 * half + part));
                *whole = _mm256_add_epi32(*whole, _mm256_madd_epi16(two, k));
            }
        }
    }
    let d = self::half(block, 208);
    for t in 0..T {
        let taken = _mm256_slli_epi32::<5>(inputs.sixteen(t, scales));
        let value = sum(_mm256_sub_epi32(whole[t], taken)) as f32 * d;
        totals[t] = value.mul_add(inputs.scales[t], totals[t]);
    }
}

/// The half-precision number at `at` of a block of eight bytes or more.
///
/// Four numbers are made floats, by hand: of a load of one alone the compiler makes an insertion
/// into some register, which then waits for whatever was in there, such as the sum so far.
#[inline]
#[target_feature(enable = "avx,f16c")]
pub(in crate::kernels) fn half(block: &[u8], at: usize) -> f32 {
    let behind = at + 8 <= block.len();
    let from = block[if behind { at } else { at - 6 }..][..8].as_ptr();
    let four: __m128;
    // SAFETY: eight bytes are read, and the CPU has F16C.
    unsafe {
        asm!(
            "vcvtph2ps {four}, qword ptr [{from}]",
            from = in(reg) from,
            four = lateout(xmm_reg) four,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
    _mm_cvtss_f32(if behind {
        four
    } else {
        _mm_shuffle_ps::<0xff>(four, four)
    })
}

/// 32 bytes of a block, from `at` on.
#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn load(block: &[u8], at: usize) -> __m256i {
    // SAFETY: the slice has 32 bytes.
    unsafe { _mm256_loadu_si256(block[at..][..32].as_ptr().cast()) }
}

/// The products of 32 weights with as many inputs, times scales of 16 bits: eight sums of four.
#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn product<F: Format>(w: __m256i, x: __m256i, k: __m256i) -> __m256i {
    let two = if together::<F>() == 0 {
        // Weights of 8 bits: as signed numbers, whose signs go to the inputs.
        let w = _mm256_xor_si256(w, _mm256_set1_epi8(i8::MIN));
        _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w))
    } else {
        _mm256_maddubs_epi16(w, x)
    };
    _mm256_madd_epi16(two, k)
}

/// Adds the products of an unpacked block of 256 with `T` tokens to their totals.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn block_of_256<F: Format, const T: usize>(
    unpacked: &Unpacked,
    inputs: &Inputs<'_, T>,
    totals: &mut [f32; T],
) {
    let mut whole = [_mm256_setzero_si256(); T];
    for i in 0..MOST_WEIGHTS / 32 {
        let k = if F::SUB == 32 {
            _mm256_set1_epi16(unpacked.k[i])
        } else {
            let (a, b) = (unpacked.k[2 * i], unpacked.k[2 * i + 1]);
            _mm256_setr_m128i(_mm_set1_epi16(a), _mm_set1_epi16(b))
        };
        let w = load(&unpacked.q, 32 * i);
        for (t, whole) in whole.iter_mut().enumerate() {
            *whole = _mm256_add_epi32(*whole, product::<F>(w, inputs.part(t, i), k));
        }
    }
    let (d, least) = (unpacked.d[0], unpacked.least[0]);
    for t in 0..T {
        // SAFETY: there are 16 minima.
        let value = unsafe {
            let n = unpacked.n.as_ptr();
            match (F::OFFSET != 0, F::SUB) {
                // Scales and minima have the same float.
                (true, 16) => {
                    let taken = inputs.sixteen(t, _mm256_loadu_si256(n.cast()));
                    sum(_mm256_sub_epi32(whole[t], taken)) as f32 * d
                }
                (true, _) => {
                    let taken = inputs.eight(t, _mm_loadu_si128(n.cast()));
                    (sum(whole[t]) - sum(_mm256_zextsi128_si256(taken))) as f32 * d
                }
                (false, 16) => {
                    let taken = folded(inputs.sixteen(t, _mm256_loadu_si256(n.cast())));
                    with_minima(both(whole[t], taken), d, least)
                }
                (false, _) => {
                    let taken = inputs.eight(t, _mm_loadu_si128(n.cast()));
                    with_minima(both(whole[t], taken), d, least)
                }
            }
        };
        totals[t] = value.mul_add(inputs.scales[t], totals[t]);
    }
}

/// Adds the products of a block of IQ4_XS with `T` tokens to their totals.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn curved<F: Format, const T: usize>(block: &[u8], inputs: &Inputs<'_, T>, totals: &mut [f32; T]) {
    let block = &block[..136];
    let high = u16::from_le_bytes([block[2], block[3]]);
    let mut whole = [_mm256_setzero_si256(); T];
    for run in 0..8 {
        let low = block[4 + run / 2] >> (4 * (run % 2)) & 15;
        let top = (high >> (2 * run) & 3) as u8;
        let k = _mm256_set1_epi16(i16::from(low | top << 4) - 32);
        let w = levels(nibbles(block, 8 + 16 * run));
        for t in 0..T {
            let scaled = product::<F>(w, inputs.part(t, run), k);
            whole[t] = _mm256_add_epi32(whole[t], scaled);
        }
    }
    let d = half(block, 0);
    for t in 0..T {
        let value = sum(whole[t]) as f32 * d;
        totals[t] = value.mul_add(inputs.scales[t], totals[t]);
    }
}

/// 32 numbers of four bits: the lower ones of 16 bytes, then the upper ones.
#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn nibbles(block: &[u8], at: usize) -> __m256i {
    // SAFETY: 16 bytes.
    let packed = unsafe { _mm_loadu_si128(block[at..][..16].as_ptr().cast()) };
    let both = _mm256_setr_m128i(packed, _mm_srli_epi16::<4>(packed));
    _mm256_and_si256(both, _mm256_set1_epi8(15))
}

/// The level of each index.
#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn levels(indices: __m256i) -> __m256i {
    // SAFETY: 16 bytes.
    let table = unsafe { _mm_loadu_si128(LEVELS.as_ptr().cast()) };
    _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), indices)
}

// The rest adds up a block's whole numbers before anything becomes a float, and then goes the way
// of panels, step by step: so a product is the same to the last bit, however many tokens are read
// at once, and a draft that is verified gives the text that would have been written without it.

/// The sum of eight whole numbers.
#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn sum(x: __m256i) -> i32 {
    let four = folded(x);
    let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0x4e>(four));
    let one = _mm_add_epi32(two, _mm_shuffle_epi32::<0xb1>(two));
    _mm_cvtsi128_si32(one)
}

/// Eight whole numbers as the sums of two each.
#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn folded(x: __m256i) -> __m128i {
    _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x))
}

/// The sum of eight whole numbers, and that of four.
#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn both(whole: __m256i, taken: __m128i) -> [f32; 2] {
    let whole = folded(whole);
    let two = _mm_add_epi32(
        _mm_unpacklo_epi32(whole, taken),
        _mm_unpackhi_epi32(whole, taken),
    );
    let one = _mm_cvtepi32_ps(_mm_add_epi32(two, _mm_shuffle_epi32::<0x4e>(two)));
    [_mm_cvtss_f32(one), _mm_cvtss_f32(_mm_movehdup_ps(one))]
}

/// The product of a block with minima, before the inputs' scale: `d · whole − least · taken`.
#[inline]
#[target_feature(enable = "fma")]
pub(in crate::kernels) fn with_minima([whole, taken]: [f32; 2], d: f32, least: f32) -> f32 {
    (-taken).mul_add(least, whole * d)
}
