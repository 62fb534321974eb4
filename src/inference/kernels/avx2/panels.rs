//! Products by AVX2, sixteen rows of weights with up to four tokens at a time.
//!
//! `vpmaddubsw` multiplies 32 unsigned by 32 signed bytes and adds twos of them to 16 bits, where
//! several sums have room as long as weights are small; `vpmaddwd` multiplies those by the
//! block's own whole-number scale. So a product of 256 weights is exact, and becomes a float once.
//!
//! With AVX-VNNI one instruction adds fours of products to 32 bits, whatever the weights.

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm_unpackhi_epi16, _mm_unpacklo_epi16, _mm256_abs_epi8,
    _mm256_add_epi16, _mm256_add_epi32, _mm256_castps_si256, _mm256_cvtepi16_epi32,
    _mm256_cvtepi32_ps, _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_load_ps, _mm256_load_si256,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps, _mm256_mullo_epi32,
    _mm256_permute2x128_si256, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32,
    _mm256_set1_ps, _mm256_setr_m128i, _mm256_setr_ps, _mm256_setzero_si256, _mm256_sign_epi8,
    _mm256_store_ps, _mm256_store_si256, _mm256_storeu_si256, _mm256_sub_epi32,
    _mm256_unpackhi_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64,
    _mm256_xor_si256,
};

use crate::kernels::activations::RoundedInputs;
use crate::kernels::blocks::{Format, MOST_WEIGHTS, Unpacked};
use crate::kernels::output::OutputRows;
use crate::kernels::panel::{self, InputTile, Lanes, PANEL, Panel, Rows, Scratch, packed};

/// Products of fours of a format that can be added in 16 bits; 0 where not even two products can.
pub(in crate::kernels) const fn together<F: Format>() -> usize {
    let fours = (i16::MAX as i32 / (2 * F::MOST * 127)) as usize;
    if fours > F::SUB / 4 {
        F::SUB / 4
    } else {
        fours
    }
}

/// Tells whether weights are turned to signed numbers, so that no offset is left to take off.
const fn signed<F: Format, const VNNI: bool>() -> bool {
    !VNNI && together::<F>() == 0
}

/// Multiplies panels of 16 rows, one behind the other, with every token; by AVX-VNNI too, if
/// `VNNI`.
///
/// # Safety
/// With `VNNI` this CPU must have AVX-VNNI.
#[target_feature(enable = "avx2,fma,f16c")]
pub(in crate::kernels) unsafe fn panels<F: Format, const VNNI: bool>(
    rows: Rows<'_>,
    x: &RoundedInputs,
    scratch: &mut Scratch,
    out: &mut OutputRows<'_>,
) {
    panel::sweep::<F>(
        rows,
        x,
        scratch,
        |unpacked, chunk, panel| fill::<F, VNNI>(unpacked, chunk, panel),
        |panels, part, mut sums| {
            for (p, panel) in panels.iter().enumerate() {
                match part.tokens {
                    4 => tile::<F, 4, VNNI>(panel, part, sums.of(p, 0)),
                    2 => tile::<F, 2, VNNI>(panel, part, sums.of(p, 0)),
                    _ => tile::<F, 1, VNNI>(panel, part, sums.of(p, 0)),
                }
            }
        },
        out,
    );
}

/// Puts 256 columns of 16 rows in their places.
#[inline]
#[target_feature(enable = "avx2")]
fn fill<F: Format, const VNNI: bool>(
    unpacked: &[Unpacked; PANEL],
    chunk: usize,
    panel: &mut Panel,
) {
    scales::<F, VNNI>(unpacked, chunk, panel);
    let lines = &mut panel.q[chunk * MOST_WEIGHTS / 4..][..MOST_WEIGHTS / 4];
    for (i, lines) in lines.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        for (half, rows) in unpacked.as_chunks::<8>().0.iter().enumerate() {
            // SAFETY: `i` is below 8, so 32 bytes from `32 · i` on lie within the 256 of `q`.
            let rows = std::array::from_fn(|r| unsafe {
                _mm256_load_si256(rows[r].q.as_ptr().add(32 * i).cast())
            });
            for (line, column) in lines.iter_mut().zip(transpose(rows)) {
                // SAFETY: `half` is 0 or 1: 32 of the line's 64 bytes, which is aligned to 64.
                unsafe { _mm256_store_si256(line.0.as_mut_ptr().add(32 * half).cast(), column) };
            }
        }
    }
}

/// Puts the scales of 256 columns of 16 rows in their places; those of runs once for each of two
/// sums in 16 bits, or if `wide` for one in 32 bits.
///
/// By hand, since the compiler would scatter number by number.
#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn scales<F: Format, const WIDE: bool>(
    unpacked: &[Unpacked; PANEL],
    chunk: usize,
    panel: &mut Panel,
) {
    let (runs, blocks) = (MOST_WEIGHTS / F::SUB, MOST_WEIGHTS / F::BLOCK);
    for (half, rows) in unpacked.as_chunks::<8>().0.iter().enumerate() {
        let place = |line: *mut u8, column: __m256i| {
            // SAFETY: `line` has 64 bytes, of which `half`, 0 or 1, takes 32.
            unsafe { _mm256_storeu_si256(line.add(32 * half).cast(), column) };
        };
        if F::BLOCK == MOST_WEIGHTS {
            let lines = panel.k[chunk * runs..][..runs].as_chunks_mut::<8>().0;
            for (eight, lines) in lines.iter_mut().enumerate() {
                let rows = rows.each_ref().map(|row| {
                    // SAFETY: `eight` is 0 or 1: eight of the 16 numbers.
                    let k = unsafe { _mm_loadu_si128(row.k.as_ptr().add(8 * eight).cast()) };
                    if WIDE {
                        _mm256_cvtepi16_epi32(k)
                    } else {
                        _mm256_setr_m128i(_mm_unpacklo_epi16(k, k), _mm_unpackhi_epi16(k, k))
                    }
                });
                for (line, column) in lines.iter_mut().zip(transpose(rows)) {
                    place(line.0.as_mut_ptr().cast(), column);
                }
            }
            // SAFETY: there are 16 numbers; with eight runs only the first eight count.
            let n = rows
                .each_ref()
                .map(|row| unsafe { _mm256_loadu_si256(row.n.as_ptr().cast()) });
            let lines = panel.n[chunk * runs / 2..][..runs / 2].iter_mut();
            for (line, column) in lines.zip(transpose(n)) {
                place(line.0.as_mut_ptr().cast(), column);
            }
            let floats = |of: &dyn Fn(&Unpacked) -> f32| {
                let [a, b, c, d, e, f, g, h] = rows.each_ref().map(of);
                _mm256_castps_si256(_mm256_setr_ps(a, b, c, d, e, f, g, h))
            };
            place(
                panel.d[chunk].0.as_mut_ptr().cast(),
                floats(&|row| row.d[0]),
            );
            place(
                panel.least[chunk].0.as_mut_ptr().cast(),
                floats(&|row| row.least[0]),
            );
        } else {
            let (d, least) = (&mut panel.d, &mut panel.least);
            let all_d = rows.each_ref().map(|row| &row.d);
            let all_least = rows.each_ref().map(|row| &row.least);
            for (lines, rows) in [(d, all_d), (least, all_least)] {
                // SAFETY: eight floats.
                let rows = rows.map(|row| unsafe { _mm256_loadu_si256(row.as_ptr().cast()) });
                let lines = lines[chunk * blocks..][..blocks].iter_mut();
                for (line, column) in lines.zip(transpose(rows)) {
                    place(line.0.as_mut_ptr().cast(), column);
                }
            }
        }
    }
}

/// Turns 8 rows of 8 fours to 8 columns of 8 fours.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose(rows: [__m256i; 8]) -> [__m256i; 8] {
    let mut a = rows;
    for i in 0..4 {
        a[2 * i] = _mm256_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
        a[2 * i + 1] = _mm256_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
    }
    let mut b = a;
    for i in 0..2 {
        b[4 * i] = _mm256_unpacklo_epi64(a[4 * i], a[4 * i + 2]);
        b[4 * i + 1] = _mm256_unpackhi_epi64(a[4 * i], a[4 * i + 2]);
        b[4 * i + 2] = _mm256_unpacklo_epi64(a[4 * i + 1], a[4 * i + 3]);
        b[4 * i + 3] = _mm256_unpackhi_epi64(a[4 * i + 1], a[4 * i + 3]);
    }
    // `b[c]` has the columns c and c + 4 of rows 0 to 3, `b[4 + c]` those of rows 4 to 7.
    let mut columns = b;
    for c in 0..4 {
        columns[c] = _mm256_permute2x128_si256::<0x20>(b[c], b[4 + c]);
        columns[c + 4] = _mm256_permute2x128_si256::<0x31>(b[c], b[4 + c]);
    }
    columns
}

/// Sums of a run, i32, of 8 rows twice, for `T` tokens.
type Sums<const T: usize> = [[__m256i; 2]; T];

/// Adds the products of 16 rows with the `T` tokens of one tile to their sums.
#[allow(
    clippy::too_many_lines,
    reason = "a loop whose sums stay in registers is one function"
)]
#[inline]
#[target_feature(enable = "avx2,fma")]
fn tile<F: Format, const T: usize, const VNNI: bool>(
    panel: &Panel,
    part: InputTile<'_>,
    sums: &mut [Lanes; T],
) {
    let mut totals = sums.each_ref().map(|sums| {
        // SAFETY: a line of 16 floats.
        unsafe {
            [
                _mm256_load_ps(sums.0.as_ptr()),
                _mm256_load_ps(sums.0.as_ptr().add(8)),
            ]
        }
    });
    let ones = [_mm256_set1_epi16(1); 2];
    let blocks = part.columns / F::BLOCK;
    let numbers = &part.q[..part.columns * T];
    let lines = &panel.q[..part.columns / 4];
    let scales = &part.scales[..blocks * T];
    let (d, least) = (&panel.d[..blocks], &panel.least[..blocks]);
    let runs = F::BLOCK / F::SUB;
    for block in 0..blocks {
        let mut whole = [[_mm256_setzero_si256(); 2]; T];
        let mut taken = [[_mm256_setzero_si256(); 2]; T];
        for run in block * runs..(block + 1) * runs {
            let k = if F::BLOCK == MOST_WEIGHTS {
                halves(&panel.k[run].0)
            } else {
                ones
            };
            let from = run * F::SUB / 4;
            // SAFETY: the fours of a run lie within the lines, and `T` of them for each line
            // within the numbers: both slices were cut to the same columns.
            unsafe {
                let lines = lines.as_ptr().add(from);
                let numbers = numbers.as_ptr().add(from * T * 4).cast();
                if VNNI {
                    products_vnni::<F, T>(lines.cast(), numbers, k, &mut whole);
                } else {
                    products::<F, T>(lines.cast(), numbers, k, &mut whole);
                }
            }
        }
        if F::BLOCK == MOST_WEIGHTS && !signed::<F, VNNI>() {
            let pairs = block * runs / 2..(block + 1) * runs / 2;
            for (n, twos) in panel.n[pairs.clone()]
                .iter()
                .zip(part.twos[pairs.start * T..pairs.end * T].as_chunks::<T>().0)
            {
                let n = halves(&n.0);
                for (taken, two) in taken.iter_mut().zip(twos) {
                    let two = _mm256_set1_epi32(packed(*two));
                    for (taken, n) in taken.iter_mut().zip(n) {
                        *taken = _mm256_add_epi32(*taken, _mm256_madd_epi16(n, two));
                    }
                }
            }
        }
        // SAFETY: lines of 16 floats.
        let (d, least) = unsafe {
            let both = |line: &Lanes| {
                [
                    _mm256_load_ps(line.0.as_ptr()),
                    _mm256_load_ps(line.0.as_ptr().add(8)),
                ]
            };
            (both(&d[block]), both(&least[block]))
        };
        for t in 0..T {
            let scale = _mm256_set1_ps(scales[block * T + t]);
            for half in 0..2 {
                let total = &mut totals[t][half];
                let whole = whole[t][half];
                if signed::<F, VNNI>() {
                    // The offset is gone from the weights already.
                    let value = _mm256_mul_ps(_mm256_cvtepi32_ps(whole), d[half]);
                    *total = _mm256_fmadd_ps(value, scale, *total);
                } else if F::BLOCK != MOST_WEIGHTS && F::OFFSET != 0 {
                    let taken = part.sums[block * T + t] as i32 * i32::from(F::OFFSET);
                    let whole = _mm256_sub_epi32(whole, _mm256_set1_epi32(taken));
                    let value = _mm256_mul_ps(_mm256_cvtepi32_ps(whole), d[half]);
                    *total = _mm256_fmadd_ps(value, scale, *total);
                } else if F::BLOCK != MOST_WEIGHTS {
                    let sum = _mm256_set1_ps(part.sums[block * T + t]);
                    let value = _mm256_mul_ps(_mm256_cvtepi32_ps(whole), d[half]);
                    let value = _mm256_fnmadd_ps(sum, least[half], value);
                    *total = _mm256_fmadd_ps(value, scale, *total);
                } else if F::OFFSET != 0 {
                    // Scales and minima have the same float.
                    let whole = _mm256_sub_epi32(whole, taken[t][half]);
                    let value = _mm256_mul_ps(_mm256_cvtepi32_ps(whole), d[half]);
                    *total = _mm256_fmadd_ps(value, scale, *total);
                } else {
                    let value = _mm256_mul_ps(_mm256_cvtepi32_ps(whole), d[half]);
                    let taken = _mm256_cvtepi32_ps(taken[t][half]);
                    let value = _mm256_fnmadd_ps(taken, least[half], value);
                    *total = _mm256_fmadd_ps(value, scale, *total);
                }
            }
        }
    }
    for (sums, total) in sums.iter_mut().zip(totals) {
        // SAFETY: a line of 16 floats.
        unsafe {
            _mm256_store_ps(sums.0.as_mut_ptr(), total[0]);
            _mm256_store_ps(sums.0.as_mut_ptr().add(8), total[1]);
        }
    }
}

/// 16 times two numbers of 16 bits, as two registers.
#[inline]
#[target_feature(enable = "avx2")]
fn halves(line: &[[i16; 2]; PANEL]) -> [__m256i; 2] {
    // SAFETY: 64 bytes.
    unsafe {
        [
            _mm256_loadu_si256(line.as_ptr().cast()),
            _mm256_loadu_si256(line.as_ptr().add(8).cast()),
        ]
    }
}

/// Adds to `whole` the products of one run, times its scale `k`.
///
/// # Safety
/// `SUB / 4` lines must be readable from `lines` on, and `T` times as many fours from `x` on;
/// lines are aligned.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn products<F: Format, const T: usize>(
    lines: *const __m256i,
    x: *const [u8; 4],
    k: [__m256i; 2],
    whole: &mut Sums<T>,
) {
    let fours = F::SUB / 4;
    let at_once = together::<F>();
    let input = |four: usize, t: usize| {
        // SAFETY: by the caller's word.
        _mm256_set1_epi32(i32::from_le_bytes(unsafe { x.add(four * T + t).read() }))
    };
    let weights = |four: usize| {
        // SAFETY: by the caller's word.
        unsafe {
            [
                _mm256_load_si256(lines.add(2 * four)),
                _mm256_load_si256(lines.add(2 * four + 1)),
            ]
        }
    };
    if at_once == 0 {
        // Weights of 8 bits: as signed numbers, whose signs go to the inputs.
        let top = _mm256_set1_epi8(i8::MIN);
        for four in 0..fours {
            let w = weights(four).map(|w| _mm256_xor_si256(w, top));
            let size = w.map(|w| _mm256_abs_epi8(w));
            for (t, whole) in whole.iter_mut().enumerate() {
                let x = input(four, t);
                for half in 0..2 {
                    let two = _mm256_maddubs_epi16(size[half], _mm256_sign_epi8(x, w[half]));
                    whole[half] = _mm256_add_epi32(whole[half], _mm256_madd_epi16(two, k[half]));
                }
            }
        }
        return;
    }
    for from in (0..fours).step_by(at_once) {
        let mut part = [[_mm256_setzero_si256(); 2]; T];
        // The compiler must not see the number of steps: it would unroll the loop and then take one
        // token after the other, with all weights of the run put down on the stack.
        for four in from..from + std::hint::black_box(at_once) {
            let w = weights(four);
            for (t, part) in part.iter_mut().enumerate() {
                let x = input(four, t);
                for half in 0..2 {
                    let two = _mm256_maddubs_epi16(w[half], x);
                    part[half] = _mm256_add_epi16(part[half], two);
                }
            }
        }
        for (whole, part) in whole.iter_mut().zip(part) {
            for half in 0..2 {
                let scaled = _mm256_madd_epi16(part[half], k[half]);
                whole[half] = _mm256_add_epi32(whole[half], scaled);
            }
        }
    }
}

/// Does [`products`] by AVX-VNNI.
///
/// # Safety
/// As for [`products`]; and this CPU must have AVX-VNNI.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn products_vnni<F: Format, const T: usize>(
    lines: *const __m256i,
    x: *const [u8; 4],
    k: [__m256i; 2],
    whole: &mut Sums<T>,
) {
    let mut dots = [[_mm256_setzero_si256(); 2]; T];
    for four in 0..F::SUB / 4 {
        for (t, dot) in dots.iter_mut().enumerate() {
            // SAFETY: by the caller's word, all that is read.
            unsafe {
                let x = _mm256_set1_epi32(i32::from_le_bytes(x.add(four * T + t).read()));
                for (half, dot) in dot.iter_mut().enumerate() {
                    let w = _mm256_load_si256(lines.add(2 * four + half));
                    // As an instruction, not an intrinsic: an intrinsic would have to be in a
                    // function for CPUs which have it, and all of this file twice.
                    std::arch::asm!(
                        "{{vex}} vpdpbusd {dot}, {w}, {x}",
                        dot = inout(ymm_reg) *dot,
                        w = in(ymm_reg) w,
                        x = in(ymm_reg) x,
                        options(pure, nomem, nostack, preserves_flags),
                    );
                }
            }
        }
    }
    for (whole, dots) in whole.iter_mut().zip(dots) {
        for half in 0..2 {
            whole[half] = if F::BLOCK == MOST_WEIGHTS {
                let scaled = _mm256_mullo_epi32(dots[half], k[half]);
                _mm256_add_epi32(whole[half], scaled)
            } else {
                dots[half]
            };
        }
    }
}
