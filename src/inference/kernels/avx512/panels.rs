//! Products by AVX-512 with VNNI.
//!
//! `vpdpbusd` multiplies 64 unsigned by 64 signed bytes and adds fours of them to 16 sums. In a
//! panel its lanes are 16 rows of weights and the other side is the same four inputs for all.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_and_si512, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32,
    _mm512_dpwssd_epi32, _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_load_ps, _mm512_load_si512,
    _mm512_mul_ps, _mm512_mullo_epi32, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_si512,
    _mm512_shuffle_i32x4, _mm512_store_ps, _mm512_store_si512, _mm512_sub_epi32,
    _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};
use std::hint::black_box;

use crate::base::bug::bug;
use crate::kernels::activations::RoundedInputs;
use crate::kernels::avx2::panels::scales;
use crate::kernels::blocks::{Format, MOST_WEIGHTS, Unpacked};
use crate::kernels::lines::CacheLine;
use crate::kernels::output::OutputRows;
use crate::kernels::panel::{self, InputTile, PANEL, Panel, Rows, Scratch, Sums, packed};

/// Multiplies panels of 16 rows, one behind the other, with every token.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
pub(in crate::kernels) fn panels<F: Format>(
    rows: Rows<'_>,
    x: &RoundedInputs,
    scratch: &mut Scratch,
    out: &mut OutputRows<'_>,
) {
    panel::sweep::<F>(
        rows,
        x,
        scratch,
        |unpacked, chunk, panel| fill::<F>(unpacked, chunk, panel),
        |panels, part, sums| match panels {
            [a, b] => tiles::<F, 2>([a, b], part, sums),
            [a] => tiles::<F, 1>([a], part, sums),
            _ => bug("one panel or two", ()),
        },
        out,
    );
}

/// Puts 256 columns of 16 rows in their places.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
fn fill<F: Format>(unpacked: &[Unpacked; PANEL], chunk: usize, panel: &mut Panel) {
    scales::<F, true>(unpacked, chunk, panel);
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

/// Turns 16 rows of 16 fours to 16 lines, each with one four of every row.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose(rows: &[__m512i; PANEL], lines: &mut [CacheLine; PANEL]) {
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
    // `b[4 i + c]` has in its four parts the columns c, c + 4, c + 8, c + 12 of rows 4 i to 4 i +
    // 3.
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

/// Adds the products of `P` panels with all tokens of a tile to their sums, as many tokens at once
/// as there are registers for.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma")]
fn tiles<F: Format, const P: usize>(panels: [&Panel; P], part: InputTile<'_>, mut sums: Sums<'_>) {
    match part.tokens {
        12 => {
            tile::<F, P, 6>(panels, part, 0, &mut sums);
            tile::<F, P, 6>(panels, part, 6, &mut sums);
        }
        8 => {
            tile::<F, P, 4>(panels, part, 0, &mut sums);
            tile::<F, P, 4>(panels, part, 4, &mut sums);
        }
        4 => tile::<F, P, 4>(panels, part, 0, &mut sums),
        2 => tile::<F, P, 2>(panels, part, 0, &mut sums),
        _ => tile::<F, P, 1>(panels, part, 0, &mut sums),
    }
}

/// Adds the products of `P` panels with `T` tokens of a tile, from the `first` on, to their sums.
///
/// Two panels and six tokens keep twelve sums, so that no product waits for the one before, and
/// each input that is read meets both panels. Sums are variables of their own and loops run
/// over indices, since only so all of them stay in registers.
#[allow(
    clippy::too_many_lines,
    reason = "a loop whose sums stay in registers is one function"
)]
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma")]
fn tile<F: Format, const P: usize, const T: usize>(
    panels: [&Panel; P],
    part: InputTile<'_>,
    first: usize,
    sums: &mut Sums<'_>,
) {
    let n = part.tokens;
    assert!(first + T <= n);
    let blocks = part.columns / F::BLOCK;
    let runs = F::BLOCK / F::SUB;
    // Whether sums of 16 products fit 16 bits. They are then multiplied by the scale of their
    // run and added by one instruction.
    let narrow = F::BLOCK == MOST_WEIGHTS && 16 * F::MOST * 127 <= i16::MAX as i32;
    let steps = if narrow { F::SUB / 16 } else { 1 };
    // The compiler must not know the number: it would unroll the loop and take one token after the
    // other, each product then waiting for the one before.
    let fours = black_box(F::SUB / 4 / steps);
    assert!(fours * 4 * steps == F::SUB);
    assert!(part.q.len() == part.columns * n);
    let low = _mm512_set1_epi32(0xffff);
    for block in 0..blocks {
        let mut whole = [[_mm512_setzero_si512(); T]; P];
        for run in block * runs..(block + 1) * runs {
            let mut k = [_mm512_setzero_si512(); P];
            if F::BLOCK == MOST_WEIGHTS {
                for p in 0..P {
                    // SAFETY: a line of 64 bytes.
                    k[p] = unsafe { _mm512_load_si512(panels[p].k[run].0.as_ptr().cast()) };
                    if narrow {
                        k[p] = _mm512_and_si512(k[p], low);
                    }
                }
            }
            for step in 0..steps {
                let at = run * F::SUB / 4 + step * fours;
                let mut dots = [[_mm512_setzero_si512(); T]; P];
                let lines: [*const CacheLine; P] =
                    std::array::from_fn(|p| panels[p].q[at..][..fours].as_ptr());
                let numbers = &part.q[(at * n + first) * 4..];
                assert!(numbers.len() >= ((fours - 1) * n + T) * 4);
                let mut from = numbers.as_ptr().cast::<[u8; 4]>();
                for four in 0..fours {
                    let mut w = [_mm512_setzero_si512(); P];
                    for p in 0..P {
                        // SAFETY: `four` is below the number of the lines.
                        w[p] = unsafe { _mm512_load_si512(lines[p].add(four).cast()) };
                    }
                    for t in 0..T {
                        // SAFETY: what was asserted: `T` fours from each `n`-th on.
                        let x = unsafe { i32::from_le_bytes(from.add(t).read()) };
                        let x = _mm512_set1_epi32(x);
                        for p in 0..P {
                            dots[p][t] = _mm512_dpbusd_epi32(dots[p][t], w[p], x);
                        }
                    }
                    from = from.wrapping_add(n);
                }
                for p in 0..P {
                    for t in 0..T {
                        whole[p][t] = if F::BLOCK != MOST_WEIGHTS {
                            dots[p][t]
                        } else if narrow {
                            _mm512_dpwssd_epi32(whole[p][t], dots[p][t], k[p])
                        } else {
                            _mm512_add_epi32(whole[p][t], _mm512_mullo_epi32(dots[p][t], k[p]))
                        };
                    }
                }
            }
        }
        let of_tokens = |all: &[f32]| -> [f32; T] {
            let tokens = &all[block * n + first..][..T];
            tokens.try_into().unwrap_or_else(|_| unreachable!())
        };
        let scales = of_tokens(part.scales);
        let minus = if F::BLOCK == MOST_WEIGHTS {
            [0.0; T]
        } else {
            of_tokens(part.sums)
        };
        for p in 0..P {
            let panel = panels[p];
            let taken = taken::<F, T>(panel, part, block, first);
            // SAFETY: lines of 16 floats.
            let (d, least) = unsafe {
                (
                    _mm512_load_ps(panel.d[block].0.as_ptr()),
                    _mm512_load_ps(panel.least[block].0.as_ptr()),
                )
            };
            let sums = sums.of::<T>(p, first);
            for t in 0..T {
                let scale = _mm512_set1_ps(scales[t]);
                let value = if F::BLOCK != MOST_WEIGHTS && F::OFFSET != 0 {
                    let taken = minus[t] as i32 * i32::from(F::OFFSET);
                    let whole = _mm512_sub_epi32(whole[p][t], _mm512_set1_epi32(taken));
                    _mm512_mul_ps(_mm512_cvtepi32_ps(whole), d)
                } else if F::BLOCK != MOST_WEIGHTS {
                    let value = _mm512_mul_ps(_mm512_cvtepi32_ps(whole[p][t]), d);
                    _mm512_fnmadd_ps(_mm512_set1_ps(minus[t]), least, value)
                } else if F::OFFSET != 0 {
                    // Scales and minima have the same float.
                    let whole = _mm512_sub_epi32(whole[p][t], taken[t]);
                    _mm512_mul_ps(_mm512_cvtepi32_ps(whole), d)
                } else {
                    let value = _mm512_mul_ps(_mm512_cvtepi32_ps(whole[p][t]), d);
                    _mm512_fnmadd_ps(_mm512_cvtepi32_ps(taken[t]), least, value)
                };
                // SAFETY: a line of 16 floats.
                unsafe {
                    let total = _mm512_load_ps(sums[t].0.as_ptr());
                    let total = _mm512_fmadd_ps(value, scale, total);
                    _mm512_store_ps(sums[t].0.as_mut_ptr(), total);
                }
            }
        }
    }
}

/// The minima of a block of 256 times the sums of its inputs, for `T` tokens from the `first` on; 0
/// for smaller blocks.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma")]
fn taken<F: Format, const T: usize>(
    panel: &Panel,
    part: InputTile<'_>,
    block: usize,
    first: usize,
) -> [__m512i; T] {
    let mut taken = [_mm512_setzero_si512(); T];
    if F::BLOCK == MOST_WEIGHTS {
        let pairs = MOST_WEIGHTS / F::SUB / 2;
        for pair in block * pairs..(block + 1) * pairs {
            // SAFETY: a line of 64 bytes.
            let n = unsafe { _mm512_load_si512(panel.n[pair].0.as_ptr().cast()) };
            let twos = &part.twos[pair * part.tokens + first..][..T];
            for t in 0..T {
                let two = _mm512_set1_epi32(packed(twos[t]));
                taken[t] = _mm512_dpwssd_epi32(taken[t], n, two);
            }
        }
    }
    taken
}
