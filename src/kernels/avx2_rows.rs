//! Rows of weights with one token or a few by AVX2, for every format. When text is
//! written every weight is read once for each token, so this must keep up with memory: the most
//! common formats are unpacked in registers, others into the first cache.

use std::arch::x86_64::{
    __m128i, __m256, __m256i, _mm_cvtepu8_epi16, _mm_cvtph_ps, _mm_cvtsi32_si128,
    _mm_cvtsi64_si128, _mm_cvtss_f32, _mm_loadu_si128, _mm_madd_epi16, _mm_set1_epi16,
    _mm256_abs_epi8, _mm256_add_epi32, _mm256_and_si256, _mm256_broadcastsi128_si256,
    _mm256_cvtepi8_epi16, _mm256_cvtepi32_ps, _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_load_si256,
    _mm256_loadu_ps, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps,
    _mm256_or_si256, _mm256_permute2x128_si256, _mm256_set1_epi8, _mm256_set1_epi16,
    _mm256_set1_ps, _mm256_setr_m128i, _mm256_setzero_ps, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_sign_epi8, _mm256_sll_epi16, _mm256_slli_epi16, _mm256_slli_epi32,
    _mm256_srl_epi16, _mm256_srli_epi16, _mm256_storeu_ps, _mm256_sub_epi32, _mm256_xor_si256,
    _mm256_zextsi128_si256,
};

use super::activations::Activations;
use super::avx2::together;
use super::blocks::{Format, Kind, MOST_WEIGHTS, Unpacked, chunk_bytes, unpack_chunk};
use super::few::{AHEAD, Eight, Inputs};
use super::formats::six_bits;
use super::panel::fetch;

/// Rows, one behind the other, with up to six tokens, each a tile of its own; `put` is told
/// row, token and product.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn few<F: Format>(
    rows: &[u8],
    row_bytes: usize,
    x: &Activations,
    mut put: impl FnMut(usize, usize, f32),
) {
    for (row, bytes) in rows.chunks_exact(row_bytes).enumerate() {
        match x.tokens {
            1 => row_times::<F, 1>(row, bytes, x, &mut put),
            2 => row_times::<F, 2>(row, bytes, x, &mut put),
            3 => row_times::<F, 3>(row, bytes, x, &mut put),
            4 => row_times::<F, 4>(row, bytes, x, &mut put),
            5 => row_times::<F, 5>(row, bytes, x, &mut put),
            _ => row_times::<F, 6>(row, bytes, x, &mut put),
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn row_times<F: Format, const T: usize>(
    row: usize,
    bytes: &[u8],
    x: &Activations,
    put: &mut impl FnMut(usize, usize, f32),
) {
    assert!(x.q.len() >= T * x.width && x.tiles.len() == T);
    let mut unpacked = Unpacked::new();
    let mut totals = [_mm256_setzero_ps(); T];
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
        put(row, token, sum(total));
    }
}

impl<const T: usize> Inputs<'_, T> {
    /// 32 inputs of a token, the `part`-th.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn part(&self, token: usize, part: usize) -> __m256i {
        // SAFETY: 32 of the 256 numbers.
        unsafe { _mm256_loadu_si256(self.numbers[token][32 * part..][..32].as_ptr().cast()) }
    }

    /// The minima of eight runs of 32, as they are in the block, times the token's sums.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn eight(&self, token: usize, minima: __m128i) -> __m256i {
        // SAFETY: four times two numbers of 16 bits.
        let sums = unsafe { _mm_loadu_si128(self.twos[token][..4].as_ptr().cast()) };
        _mm256_zextsi128_si256(_mm_madd_epi16(minima, sums))
    }

    /// The same of 16 runs of 16.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn sixteen(&self, token: usize, minima: __m256i) -> __m256i {
        // SAFETY: eight times two numbers of 16 bits.
        let sums = unsafe { _mm256_loadu_si256(self.twos[token][..8].as_ptr().cast()) };
        _mm256_madd_epi16(minima, sums)
    }
}

/// For each of eight numbers of 16 bits the bytes that spread it over a half register.
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

/// A block of Q4_K, or with the fifth bit of Q5_K, with `T` tokens.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn four_or_five<const FIFTH: bool, const T: usize>(
    block: &[u8],
    inputs: &Inputs<'_, T>,
    totals: &mut [__m256; T],
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
    for (t, total) in totals.iter_mut().enumerate() {
        let by = _mm256_set1_ps(d * inputs.scales[t]);
        let least = _mm256_set1_ps(least * inputs.scales[t]);
        *total = _mm256_fmadd_ps(_mm256_cvtepi32_ps(whole[t]), by, *total);
        let taken = _mm256_cvtepi32_ps(inputs.eight(t, minima));
        *total = _mm256_fnmadd_ps(taken, least, *total);
    }
}

/// A block of Q6_K with `T` tokens.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn six<const T: usize>(block: &[u8], inputs: &Inputs<'_, T>, totals: &mut [__m256; T]) {
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
    for (t, total) in totals.iter_mut().enumerate() {
        let by = _mm256_set1_ps(d * inputs.scales[t]);
        let taken = _mm256_slli_epi32::<5>(inputs.sixteen(t, scales));
        let value = _mm256_cvtepi32_ps(_mm256_sub_epi32(whole[t], taken));
        *total = _mm256_fmadd_ps(value, by, *total);
    }
}

/// The half-precision number at `at`.
#[inline]
#[target_feature(enable = "f16c")]
pub(super) fn half(block: &[u8], at: usize) -> f32 {
    let bits = u16::from_le_bytes([block[at], block[at + 1]]);
    _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(i32::from(bits))))
}

/// 32 bytes of a block.
#[inline]
#[target_feature(enable = "avx2")]
fn load(block: &[u8], at: usize) -> __m256i {
    // SAFETY: the slice has 32 bytes.
    unsafe { _mm256_loadu_si256(block[at..][..32].as_ptr().cast()) }
}

/// Products of 32 weights with as many inputs, times scales of 16 bits.
#[inline]
#[target_feature(enable = "avx2")]
fn product<F: Format>(w: __m256i, x: __m256i, k: __m256i) -> __m256i {
    let two = if together::<F>() == 0 {
        // Weights of 8 bits: as signed numbers, whose signs go to the inputs.
        let w = _mm256_xor_si256(w, _mm256_set1_epi8(i8::MIN));
        _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w))
    } else {
        _mm256_maddubs_epi16(w, x)
    };
    _mm256_madd_epi16(two, k)
}

/// An unpacked block of 256 with `T` tokens.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn block_of_256<F: Format, const T: usize>(
    unpacked: &Unpacked,
    inputs: &Inputs<'_, T>,
    totals: &mut [__m256; T],
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
    for (t, total) in totals.iter_mut().enumerate() {
        let by = _mm256_set1_ps(unpacked.d[0] * inputs.scales[t]);
        if together::<F>() == 0 {
            // The offset is gone from the weights already.
            *total = _mm256_fmadd_ps(_mm256_cvtepi32_ps(whole[t]), by, *total);
            continue;
        }
        // SAFETY: there are 16 minima.
        let taken = unsafe {
            let n = unpacked.n.as_ptr();
            if F::SUB == 16 {
                inputs.sixteen(t, _mm256_loadu_si256(n.cast()))
            } else {
                inputs.eight(t, _mm_loadu_si128(n.cast()))
            }
        };
        if F::OFFSET != 0 {
            // Scales and minima have the same float.
            let value = _mm256_cvtepi32_ps(_mm256_sub_epi32(whole[t], taken));
            *total = _mm256_fmadd_ps(value, by, *total);
        } else {
            let least = _mm256_set1_ps(unpacked.least[0] * inputs.scales[t]);
            *total = _mm256_fmadd_ps(_mm256_cvtepi32_ps(whole[t]), by, *total);
            *total = _mm256_fnmadd_ps(_mm256_cvtepi32_ps(taken), least, *total);
        }
    }
}

/// Up to eight blocks of 32 with one token, added to its total.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn blocks_of_32<F: Format>(unpacked: &Unpacked, inputs: &Eight<'_>, total: __m256) -> __m256 {
    let ones = _mm256_set1_epi16(1);
    let mut total = total;
    // SAFETY: eight floats each.
    let (d, least, scales, sums) = unsafe {
        (
            _mm256_loadu_ps(unpacked.d.as_ptr()),
            _mm256_loadu_ps(unpacked.least.as_ptr()),
            _mm256_loadu_ps(inputs.scales.as_ptr()),
            _mm256_loadu_ps(inputs.sums.as_ptr()),
        )
    };
    if together::<F>() > 0 {
        // Sums and scales beyond the last block are zero.
        total = _mm256_fnmadd_ps(_mm256_mul_ps(least, scales), sums, total);
    }
    let mut by = [0.0; 8];
    // SAFETY: eight floats.
    unsafe { _mm256_storeu_ps(by.as_mut_ptr(), _mm256_mul_ps(d, scales)) };
    for (i, (numbers, by)) in inputs
        .numbers
        .as_chunks::<32>()
        .0
        .iter()
        .zip(by)
        .enumerate()
    {
        // SAFETY: `i` is below 8: 32 bytes within the 256 of `q`, which is aligned; 32 numbers.
        let (w, x) = unsafe {
            (
                _mm256_load_si256(unpacked.q[32 * i..][..32].as_ptr().cast()),
                _mm256_loadu_si256(numbers.as_ptr().cast()),
            )
        };
        let dot = _mm256_cvtepi32_ps(product::<F>(w, x, ones));
        total = _mm256_fmadd_ps(dot, _mm256_set1_ps(by), total);
    }
    total
}

/// The sum of eight floats.
#[inline]
#[target_feature(enable = "avx2")]
fn sum(x: __m256) -> f32 {
    let mut all = [0.0_f32; 8];
    // SAFETY: eight floats.
    unsafe { _mm256_storeu_ps(all.as_mut_ptr(), x) };
    let four: [f32; 4] = std::array::from_fn(|i| all[i] + all[i + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}
