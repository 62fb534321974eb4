//! Products by AVX-512 with VNNI.
//!
//! `vpdpbusd` multiplies 64 unsigned by 64 signed bytes and adds fours of them to 16 sums. In a
//! panel its lanes are 16 rows of weights and the other side is the same four inputs for all;
//! for a single token its lanes are 64 neighbours of one row.

use std::arch::x86_64::{
    __m512, __m512i, _mm512_add_epi32, _mm512_cvtepi32_ps, _mm512_cvtepi64_epi32,
    _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_load_ps, _mm512_load_si512,
    _mm512_loadu_ps, _mm512_loadu_si512, _mm512_maskz_loadu_epi8, _mm512_maskz_loadu_ps,
    _mm512_mul_ps, _mm512_permutexvar_ps, _mm512_reduce_add_ps, _mm512_set1_epi32, _mm512_set1_ps,
    _mm512_setr_epi32, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_shuffle_i32x4,
    _mm512_srli_epi64, _mm512_store_si512, _mm512_storeu_ps, _mm512_unpackhi_epi32,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64, _mm512_zextps256_ps512,
};

use super::activations::{Activations, RUN};
use super::blocks::{Format, MOST_WEIGHTS, Unpacked, chunk_bytes, unpack_chunk};
use super::matmul::PANEL;
use super::panel::{Line, Panel};

/// One row with one token that is a tile of its own, the `first`-th.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
pub(super) fn row_dot<F: Format>(row: &[u8], x: &Activations, first: usize) -> f32 {
    let (width, groups) = (x.width, x.groups());
    let numbers = &x.q[first * width..][..width];
    let scales = &x.scales[first * groups..][..groups];
    let sums = &x.sums[first * (width / RUN)..][..width / RUN];
    let mut unpacked = Unpacked::new();
    // For each 64 weights, which run's scale each of the 16 sums of four takes.
    let spread: [__m512i; 4] = std::array::from_fn(|i| {
        let base = (64 * i / F::SUB) as i32;
        let step = (F::SUB / 4) as i32;
        let at = |lane: i32| base + lane / step;
        _mm512_setr_epi32(
            at(0),
            at(1),
            at(2),
            at(3),
            at(4),
            at(5),
            at(6),
            at(7),
            at(8),
            at(9),
            at(10),
            at(11),
            at(12),
            at(13),
            at(14),
            at(15),
        )
    });
    let mut total = _mm512_setzero_ps();
    for (chunk, bytes) in row.chunks(chunk_bytes::<F>()).enumerate() {
        let weights = unpack_chunk::<F>(bytes, &mut unpacked);
        let base = chunk * MOST_WEIGHTS;
        let runs = weights / F::SUB;
        let lanes = mask(runs);
        // SAFETY: `unpacked.s` has 16 floats on a line of its own.
        let mut s = unsafe { _mm512_load_ps(unpacked.s.as_ptr()) };
        if F::BLOCK == 32 {
            // Runs of the input are as long as those of the weights: one scale for both.
            let scales = &scales[base / 32..][..runs];
            // SAFETY: the mask reads no more floats than the slice has.
            s = _mm512_mul_ps(s, unsafe { _mm512_maskz_loadu_ps(lanes, scales.as_ptr()) });
        }
        let mut part = _mm512_setzero_ps();
        for (i, spread) in spread.iter().enumerate() {
            let Some(left) = weights.checked_sub(64 * i).filter(|left| *left > 0) else {
                break;
            };
            let from = numbers[base + 64 * i..].as_ptr();
            // SAFETY: `unpacked.q` has 256 bytes on lines of their own; of the input 64 numbers
            // are read where the row has so many, else the mask reads those that are left.
            let (w, x) = unsafe {
                let w = _mm512_load_si512(unpacked.q.as_ptr().add(64 * i).cast());
                let x = if left >= 64 {
                    _mm512_loadu_si512(from.cast())
                } else {
                    _mm512_maskz_loadu_epi8((1 << left) - 1, from)
                };
                (w, x)
            };
            let dot = _mm512_dpbusd_epi32(_mm512_setzero_si512(), w, x);
            part = _mm512_fmadd_ps(
                _mm512_cvtepi32_ps(dot),
                _mm512_permutexvar_ps(*spread, s),
                part,
            );
        }
        if F::MINS || F::OFFSET != 0 {
            let sums = &sums[base / RUN..][..weights / RUN];
            // SAFETY: the mask reads no more floats than the slice has.
            let sums = unsafe { _mm512_maskz_loadu_ps(mask(weights / RUN), sums.as_ptr()) };
            let sums = if F::SUB == 32 { pairs(sums) } else { sums };
            // SAFETY: `unpacked.m` has 16 floats.
            let m = unsafe { _mm512_loadu_ps(unpacked.m.as_ptr()) };
            let taken = if !F::MINS {
                _mm512_mul_ps(s, _mm512_set1_ps(F::OFFSET as f32))
            } else if F::BLOCK == 32 {
                let scales = &scales[base / 32..][..runs];
                // SAFETY: the mask reads no more floats than the slice has.
                _mm512_mul_ps(m, unsafe { _mm512_maskz_loadu_ps(lanes, scales.as_ptr()) })
            } else {
                m
            };
            // Sums beyond the last run are zero.
            part = _mm512_fnmadd_ps(taken, sums, part);
        }
        let scale = if F::BLOCK == 32 { 1.0 } else { scales[chunk] };
        total = _mm512_fmadd_ps(part, _mm512_set1_ps(scale), total);
    }
    _mm512_reduce_add_ps(total)
}

/// The lowest `lanes` bits.
#[inline(always)]
const fn mask(lanes: usize) -> u16 {
    if lanes >= 16 {
        u16::MAX
    } else {
        (1 << lanes) - 1
    }
}

/// Sums of neighbours, in the lower eight lanes; zero above.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx2")]
fn pairs(sums: __m512) -> __m512 {
    let whole = std::arch::x86_64::_mm512_cvtps_epi32(sums);
    let added = _mm512_add_epi32(whole, _mm512_srli_epi64::<32>(whole));
    let low = std::arch::x86_64::_mm256_cvtepi32_ps(_mm512_cvtepi64_epi32(added));
    _mm512_zextps256_ps512(low)
}

/// 16 rows with every token.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
pub(super) fn panel<F: Format>(
    rows: [&[u8]; PANEL],
    width: usize,
    panel: &mut Panel,
    x: &Activations,
    mut put: impl FnMut(usize, &[f32; PANEL]),
) {
    panel.fit(width, F::SUB);
    unpack::<F>(rows, panel);
    let mut first = 0;
    for &count in &x.tiles {
        match count {
            12 => tile::<F, 12>(panel, x, first, &mut put),
            8 => tile::<F, 8>(panel, x, first, &mut put),
            4 => tile::<F, 4>(panel, x, first, &mut put),
            2 => tile::<F, 2>(panel, x, first, &mut put),
            _ => tile::<F, 1>(panel, x, first, &mut put),
        }
        first += count;
    }
}

/// Fills a panel.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
fn unpack<F: Format>(rows: [&[u8]; PANEL], panel: &mut Panel) {
    let mut unpacked: [Unpacked; PANEL] = std::array::from_fn(|_| Unpacked::new());
    let runs = MOST_WEIGHTS / F::SUB;
    let length = rows.first().map_or(0, |row| row.len());
    for chunk in 0..length.div_ceil(chunk_bytes::<F>()) {
        let from = chunk * chunk_bytes::<F>();
        let to = (from + chunk_bytes::<F>()).min(length);
        for (row, unpacked) in rows.iter().zip(&mut unpacked) {
            unpack_chunk::<F>(&row[from..to], unpacked);
        }
        for run in 0..runs {
            let s = &mut panel.s[chunk * runs + run].0;
            for (s, unpacked) in s.iter_mut().zip(&unpacked) {
                *s = unpacked.s[run];
            }
            let m = &mut panel.m[chunk * runs + run].0;
            for (m, unpacked) in m.iter_mut().zip(&unpacked) {
                *m = if F::MINS {
                    unpacked.m[run]
                } else {
                    unpacked.s[run] * F::OFFSET as f32
                };
            }
        }
        let lines = &mut panel.q[chunk * MOST_WEIGHTS / 4..][..MOST_WEIGHTS / 4];
        for (i, lines) in lines.as_chunks_mut::<PANEL>().0.iter_mut().enumerate() {
            // SAFETY: `i` is below 4, so 64 bytes from `64 · i` on lie within the 256 of `q`,
            // which begins a line.
            let rows = std::array::from_fn(|r| unsafe {
                _mm512_load_si512(unpacked[r].q.as_ptr().add(64 * i).cast())
            });
            transpose(&rows, lines);
        }
    }
}

/// 16 rows of 16 fours to 16 lines, each with one four of every row.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose(rows: &[__m512i; PANEL], lines: &mut [Line; PANEL]) {
    let mut a = [_mm512_setzero_si512(); PANEL];
    let mut b = [_mm512_setzero_si512(); PANEL];
    for i in 0..8 {
        a[2 * i] = _mm512_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
        a[2 * i + 1] = _mm512_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
    }
    for i in 0..4 {
        b[4 * i] = _mm512_unpacklo_epi64(a[4 * i], a[4 * i + 2]);
        b[4 * i + 1] = _mm512_unpackhi_epi64(a[4 * i], a[4 * i + 2]);
        b[4 * i + 2] = _mm512_unpacklo_epi64(a[4 * i + 1], a[4 * i + 3]);
        b[4 * i + 3] = _mm512_unpackhi_epi64(a[4 * i + 1], a[4 * i + 3]);
    }
    // `b[4 i + c]` has in its four parts the columns c, c + 4, c + 8, c + 12 of rows 4 i to 4 i + 3.
    for c in 0..4 {
        let low01 = _mm512_shuffle_i32x4::<0x88>(b[c], b[4 + c]);
        let low23 = _mm512_shuffle_i32x4::<0x88>(b[8 + c], b[12 + c]);
        let high01 = _mm512_shuffle_i32x4::<0xdd>(b[c], b[4 + c]);
        let high23 = _mm512_shuffle_i32x4::<0xdd>(b[8 + c], b[12 + c]);
        let columns = [
            (c, _mm512_shuffle_i32x4::<0x88>(low01, low23)),
            (c + 4, _mm512_shuffle_i32x4::<0x88>(high01, high23)),
            (c + 8, _mm512_shuffle_i32x4::<0xdd>(low01, low23)),
            (c + 12, _mm512_shuffle_i32x4::<0xdd>(high01, high23)),
        ];
        for (at, column) in columns {
            // SAFETY: a line is 64 bytes, aligned to 64.
            unsafe { _mm512_store_si512(lines[at].0.as_mut_ptr().cast(), column) };
        }
    }
}

/// 16 rows with the `T` tokens of one tile.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma")]
fn tile<F: Format, const T: usize>(
    panel: &Panel,
    x: &Activations,
    first: usize,
    put: &mut impl FnMut(usize, &[f32; PANEL]),
) {
    let (width, groups) = (x.width, x.groups());
    let group = if F::BLOCK == 32 { 32 } else { MOST_WEIGHTS };
    let numbers = &x.q[first * width..][..T * width];
    let scales = &x.scales[first * groups..][..T * groups];
    let sums = if F::SUB == 32 {
        &x.sums32[first * (width / 32)..][..T * (width / 32)]
    } else {
        &x.sums[first * (width / RUN)..][..T * (width / RUN)]
    };
    let lines = &panel.q[..width / 4];
    let (s, m) = (&panel.s[..width / F::SUB], &panel.m[..width / F::SUB]);
    let mut totals = [_mm512_setzero_ps(); T];
    for g in 0..groups {
        let mut parts = [_mm512_setzero_ps(); T];
        for run in g * group / F::SUB..((g + 1) * group / F::SUB).min(width / F::SUB) {
            let mut dots = [_mm512_setzero_si512(); T];
            for four in run * F::SUB / 4..(run + 1) * F::SUB / 4 {
                // SAFETY: `four` is below `width / 4`, the number of lines; the `T` fours of the
                // inputs end at `(four + 1) · T · 4`, at most `T · width`, the numbers' length.
                unsafe {
                    let w = _mm512_load_si512(lines.as_ptr().add(four).cast());
                    let from = numbers.as_ptr().add(four * T * 4).cast::<[u8; 4]>();
                    for (t, dot) in dots.iter_mut().enumerate() {
                        let x = _mm512_set1_epi32(i32::from_le_bytes(from.add(t).read()));
                        *dot = _mm512_dpbusd_epi32(*dot, w, x);
                    }
                }
            }
            // SAFETY: `run` is below `width / SUB`, the number of scales and of minima; the `T`
            // sums of a run end at `(run + 1) · T`, at most the sums' length.
            unsafe {
                let s = _mm512_load_ps(s.as_ptr().add(run).cast());
                let m = _mm512_load_ps(m.as_ptr().add(run).cast());
                for t in 0..T {
                    let sum = _mm512_set1_ps(*sums.as_ptr().add(run * T + t));
                    parts[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[t]), s, parts[t]);
                    parts[t] = _mm512_fnmadd_ps(m, sum, parts[t]);
                }
            }
        }
        for t in 0..T {
            let scale = _mm512_set1_ps(scales[g * T + t]);
            totals[t] = _mm512_fmadd_ps(parts[t], scale, totals[t]);
        }
    }
    for (t, total) in totals.iter().enumerate() {
        let mut values = [0.0; PANEL];
        // SAFETY: there are 16 floats.
        unsafe { _mm512_storeu_ps(values.as_mut_ptr(), *total) };
        put(first + t, &values);
    }
}
