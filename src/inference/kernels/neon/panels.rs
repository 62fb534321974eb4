//! Products by NEON, sixteen rows of weights with up to four tokens at a time.
//!
//! `sdot` multiplies 16 signed bytes by as many and adds fours of them to 32 bits: four rows of
//! weights with one four of a token's inputs. `smmla` (i8mm) does twice as much: two rows of
//! eight weights with two tokens. Weights lose their offset when they are put in place, so that
//! nothing is left to take off of formats that have one; those without have weights below 128.
//! So a product of 256 weights is exact, and becomes a float once.
//!
//! Both are written as instructions: Rust has no stable intrinsics for them.

use std::arch::aarch64::{
    int8x16_t, int32x4_t, uint32x4_t, vcombine_s8, vcombine_s32, vcvtq_f32_s32, vdup_n_s8,
    vdupq_n_s32, vdupq_n_s64, vdupq_n_u8, vfmaq_n_f32, vfmsq_f32, vfmsq_n_f32, vget_low_s16,
    vld1_s8, vld1_s16, vld1_s32, vld1q_f32, vld1q_s8, vld1q_s32, vld1q_u8, vld1q_u32, vld2q_s16,
    vmlal_high_n_s16, vmlal_n_s16, vmlaq_s32, vmovl_s16, vmulq_f32, vreinterpretq_s8_s32,
    vreinterpretq_s8_s64, vreinterpretq_u8_u64, vreinterpretq_u32_s32, vreinterpretq_u32_u8,
    vreinterpretq_u32_u64, vreinterpretq_u64_u8, vreinterpretq_u64_u32, vst1q_f32, vst1q_u8,
    vst1q_u32, vsubq_u8, vtrn1q_u32, vtrn1q_u64, vtrn2q_u32, vtrn2q_u64, vuzp1q_s32, vuzp2q_s32,
    vzip1_s32, vzip1q_s32, vzip2_s32, vzip2q_s32,
};
use std::arch::asm;

use crate::kernels::activations::RoundedInputs;
use crate::kernels::blocks::{Format, MOST_WEIGHTS, Unpacked};
use crate::kernels::lines::CacheLine;
use crate::kernels::output::OutputRows;
use crate::kernels::panel::{self, InputTile, Lanes, PANEL, Panel, Rows, Scratch, Twos};

/// Multiplies panels of 16 rows, one behind the other, with every token; by `smmla` if `I8MM`, else
/// by `sdot`.
///
/// # Safety
/// This CPU must have dot products, and with `I8MM` products of matrices.
#[target_feature(enable = "neon")]
pub(in crate::kernels) unsafe fn panels<F: Format, const I8MM: bool>(
    rows: Rows<'_>,
    x: &RoundedInputs,
    scratch: &mut Scratch,
    out: &mut OutputRows<'_>,
) {
    panel::sweep::<F>(
        rows,
        x,
        scratch,
        |unpacked, chunk, panel| fill::<F, I8MM>(unpacked, chunk, panel),
        |panels, part, mut sums| {
            for (p, panel) in panels.iter().enumerate() {
                // SAFETY: by the caller's word.
                unsafe {
                    match (I8MM, part.tokens) {
                        (false, 4) => tile_of_fours::<F, 4>(panel, part, sums.of(p, 0)),
                        (false, 2) => tile_of_fours::<F, 2>(panel, part, sums.of(p, 0)),
                        (false, _) => tile_of_fours::<F, 1>(panel, part, sums.of(p, 0)),
                        (true, 4) => tile_of_eights::<F, 4>(panel, part, sums.of(p, 0)),
                        (true, 2) => tile_of_eights::<F, 2>(panel, part, sums.of(p, 0)),
                        (true, _) => tile_of_eights::<F, 1>(panel, part, sums.of(p, 0)),
                    }
                }
            }
        },
        out,
    );
}

/// Puts 256 columns of 16 rows in their places, as signed numbers: in lines of fours, or if
/// `I8MM` the eights of eight rows in one line and those of the other eight rows in the next.
#[inline]
#[target_feature(enable = "neon")]
fn fill<F: Format, const I8MM: bool>(
    unpacked: &[Unpacked; PANEL],
    chunk: usize,
    panel: &mut Panel,
) {
    scales::<F>(unpacked, chunk, panel);
    let offset = vdupq_n_u8(F::OFFSET as u8);
    let lines = &mut panel.q[chunk * MOST_WEIGHTS / 4..][..MOST_WEIGHTS / 4];
    for (i, lines) in lines.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        for (quarter, rows) in unpacked.as_chunks::<4>().0.iter().enumerate() {
            let rows = rows.each_ref().map(|row| {
                // SAFETY: `i` is below 16, so 16 bytes from `16 · i` on lie within the 256.
                vsubq_u8(unsafe { vld1q_u8(row.q.as_ptr().add(16 * i)) }, offset)
            });
            if I8MM {
                let [a, b, c, d] = rows.map(|row| vreinterpretq_u64_u8(row));
                let columns = [
                    [vtrn1q_u64(a, b), vtrn1q_u64(c, d)],
                    [vtrn2q_u64(a, b), vtrn2q_u64(c, d)],
                ];
                for (lines, column) in lines.as_chunks_mut::<2>().0.iter_mut().zip(columns) {
                    for (pair, rows) in column.into_iter().enumerate() {
                        let at = 32 * (quarter % 2) + 16 * pair;
                        let line = lines[quarter / 2].0.as_mut_ptr();
                        // SAFETY: `at` is at most 48: 16 of the line's 64 bytes.
                        unsafe { vst1q_u8(line.add(at), vreinterpretq_u8_u64(rows)) };
                    }
                }
            } else {
                let columns = transpose(rows.map(|row| vreinterpretq_u32_u8(row)));
                for (line, column) in lines.iter_mut().zip(columns) {
                    // SAFETY: `quarter` is below 4: 16 of the line's 64 bytes.
                    unsafe {
                        vst1q_u32(line.0.as_mut_ptr().cast::<u32>().add(4 * quarter), column)
                    };
                }
            }
        }
    }
}

/// Puts the scales of 256 columns of 16 rows in their places; those of runs as numbers of 32
/// bits. Minima only where weights have no offset.
#[inline]
#[target_feature(enable = "neon")]
fn scales<F: Format>(unpacked: &[Unpacked; PANEL], chunk: usize, panel: &mut Panel) {
    let (runs, blocks) = (MOST_WEIGHTS / F::SUB, MOST_WEIGHTS / F::BLOCK);
    for (quarter, rows) in unpacked.as_chunks::<4>().0.iter().enumerate() {
        let place = |line: *mut u32, column: uint32x4_t| {
            // SAFETY: `line` has 16 numbers of 32 bits, of which `quarter`, below 4, takes four.
            unsafe { vst1q_u32(line.add(4 * quarter), column) };
        };
        if F::BLOCK == MOST_WEIGHTS {
            let lines = panel.k[chunk * runs..][..runs].as_chunks_mut::<4>().0;
            for (four, lines) in lines.iter_mut().enumerate() {
                let k = rows.each_ref().map(|row| {
                    // SAFETY: `four` is below 4: four of the 16 numbers.
                    let k = unsafe { vld1_s16(row.k.as_ptr().add(4 * four)) };
                    vreinterpretq_u32_s32(vmovl_s16(k))
                });
                for (line, column) in lines.iter_mut().zip(transpose(k)) {
                    place(line.0.as_mut_ptr().cast(), column);
                }
            }
            for (row, unpacked) in rows.iter().enumerate() {
                panel.d[chunk].0[4 * quarter + row] = unpacked.d[0];
                panel.least[chunk].0[4 * quarter + row] = unpacked.least[0];
            }
            if F::OFFSET == 0 {
                let lines = panel.n[chunk * runs / 2..][..runs / 2]
                    .as_chunks_mut::<4>()
                    .0;
                for (four, lines) in lines.iter_mut().enumerate() {
                    // SAFETY: `four` is 0 or 1: four of eight twos.
                    let n = rows
                        .each_ref()
                        .map(|row| unsafe { vld1q_u32(row.n.as_ptr().add(8 * four).cast()) });
                    for (line, column) in lines.iter_mut().zip(transpose(n)) {
                        place(line.0.as_mut_ptr().cast(), column);
                    }
                }
            }
        } else {
            let (d, least) = (&mut panel.d, &mut panel.least);
            let all_d = rows.each_ref().map(|row| &row.d);
            let all_least = rows.each_ref().map(|row| &row.least);
            for (lines, rows) in [(d, all_d), (least, all_least)] {
                let lines = lines[chunk * blocks..][..blocks].as_chunks_mut::<4>().0;
                for (four, lines) in lines.iter_mut().enumerate() {
                    // SAFETY: `four` is 0 or 1: four of eight floats.
                    let rows =
                        rows.map(|row| unsafe { vld1q_u32(row.as_ptr().add(4 * four).cast()) });
                    for (line, column) in lines.iter_mut().zip(transpose(rows)) {
                        place(line.0.as_mut_ptr().cast(), column);
                    }
                }
            }
        }
    }
}

/// Turns 4 rows of 4 fours to 4 columns of 4 fours.
#[inline]
#[target_feature(enable = "neon")]
fn transpose([a, b, c, d]: [uint32x4_t; 4]) -> [uint32x4_t; 4] {
    let even = [vtrn1q_u32(a, b), vtrn1q_u32(c, d)].map(|x| vreinterpretq_u64_u32(x));
    let odd = [vtrn2q_u32(a, b), vtrn2q_u32(c, d)].map(|x| vreinterpretq_u64_u32(x));
    [
        vtrn1q_u64(even[0], even[1]),
        vtrn1q_u64(odd[0], odd[1]),
        vtrn2q_u64(even[0], even[1]),
        vtrn2q_u64(odd[0], odd[1]),
    ]
    .map(|x| vreinterpretq_u32_u64(x))
}

/// Sums of a block, i32, of eight rows for each of `T` tokens.
type Sums<const T: usize> = [[int32x4_t; 2]; T];

/// A block of eight rows, the `half`-th of a panel, and the inputs of `T` tokens that it meets.
struct PanelBlock<'a, const T: usize> {
    /// The half of the panel, 0 or 1.
    half: usize,
    /// Lines of weights, `[BLOCK / 4]`: 32 bytes of each belong to the half, or every other line
    /// does.
    lines: &'a [CacheLine],
    /// Inputs, `[BLOCK / 4][T][4]`.
    x: &'a [i8],
    /// The scale of each run; only in blocks of 256.
    k: &'a [Twos],
}

impl<'a, const T: usize> PanelBlock<'a, T> {
    /// The `block`-th block of a half of the panel, with its inputs.
    #[inline(always)]
    fn new<F: Format>(panel: &'a Panel, part: InputTile<'a>, block: usize, half: usize) -> Self {
        let runs = F::BLOCK / F::SUB;
        Self {
            half,
            lines: &panel.q[block * F::BLOCK / 4..][..F::BLOCK / 4],
            x: &part.q[block * F::BLOCK * T..][..F::BLOCK * T],
            k: if F::BLOCK == MOST_WEIGHTS {
                &panel.k[block * runs..][..runs]
            } else {
                &[]
            },
        }
    }

    /// The scales of a run, of four rows twice.
    #[inline]
    #[target_feature(enable = "neon")]
    fn scales(&self, run: usize) -> [int32x4_t; 2] {
        let k = self.k[run].0.as_ptr().cast::<i32>();
        // SAFETY: `half` is 0 or 1: eight of the line's 16 numbers of 32 bits.
        unsafe {
            let k = k.add(8 * self.half);
            [vld1q_s32(k), vld1q_s32(k.add(4))]
        }
    }
}

/// Adds the products of 16 rows with the `T` tokens of one tile to their sums, by `sdot`.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn tile_of_fours<F: Format, const T: usize>(
    panel: &Panel,
    part: InputTile<'_>,
    sums: &mut [Lanes; T],
) {
    for block in 0..part.columns / F::BLOCK {
        for half in 0..2 {
            let whole = fours::<F, T>(&PanelBlock::new::<F>(panel, part, block, half));
            add::<F, T>(panel, part, (block, half), whole, sums);
        }
    }
}

/// Adds the products of 16 rows with the `T` tokens of one tile to their sums, by `smmla`.
#[inline]
#[target_feature(enable = "neon,i8mm")]
fn tile_of_eights<F: Format, const T: usize>(
    panel: &Panel,
    part: InputTile<'_>,
    sums: &mut [Lanes; T],
) {
    for block in 0..part.columns / F::BLOCK {
        for half in 0..2 {
            let whole = eights::<F, T>(&PanelBlock::new::<F>(panel, part, block, half));
            add::<F, T>(panel, part, (block, half), whole, sums);
        }
    }
}

/// The products of a block by `sdot`, times the scales of its runs.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn fours<F: Format, const T: usize>(block: &PanelBlock<'_, T>) -> Sums<T> {
    let mut whole = [[vdupq_n_s32(0); 2]; T];
    for run in 0..F::BLOCK / F::SUB {
        let mut dots = [[vdupq_n_s32(0); 2]; T];
        for four in run * F::SUB / 4..(run + 1) * F::SUB / 4 {
            // SAFETY: `four` is below `BLOCK / 4`, the number of lines, of which the half is 32
            // bytes, and of the `T` fours of inputs.
            let (w, x) = unsafe {
                let line = block.lines.as_ptr().add(four).cast::<i8>();
                let line = line.add(32 * block.half);
                let x = block.x.as_ptr().add(four * T * 4);
                ([vld1q_s8(line), vld1q_s8(line.add(16))], each::<T>(x))
            };
            for (t, dots) in dots.iter_mut().enumerate() {
                for (dot, w) in dots.iter_mut().zip(w) {
                    *dot = match t {
                        0 => sdot::<0>(*dot, w, x),
                        1 => sdot::<1>(*dot, w, x),
                        2 => sdot::<2>(*dot, w, x),
                        _ => sdot::<3>(*dot, w, x),
                    };
                }
            }
        }
        if F::BLOCK != MOST_WEIGHTS {
            return dots;
        }
        let k = block.scales(run);
        for (whole, dots) in whole.iter_mut().zip(dots) {
            for half in 0..2 {
                whole[half] = vmlaq_s32(whole[half], dots[half], k[half]);
            }
        }
    }
    whole
}

/// A four of each of `T` tokens, one behind the other.
///
/// # Safety
/// `4 · T` numbers must be readable from `x` on.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn each<const T: usize>(x: *const i8) -> int8x16_t {
    // SAFETY: by the caller's word.
    unsafe {
        match T {
            4 => vld1q_s8(x),
            2 => vcombine_s8(vld1_s8(x), vdup_n_s8(0)),
            _ => vreinterpretq_s8_s32(vdupq_n_s32(x.cast::<i32>().read_unaligned())),
        }
    }
}

/// Adds to four sums the products of four fours with the `LANE`-th four of `x`.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn sdot<const LANE: usize>(sums: int32x4_t, w: int8x16_t, x: int8x16_t) -> int32x4_t {
    let mut added = sums;
    // SAFETY: the instruction touches nothing but its registers, and the function is for CPUs that
    // have it.
    unsafe {
        asm!(
            "sdot {added:v}.4s, {w:v}.16b, {x:v}.4b[{lane}]",
            added = inout(vreg) added,
            w = in(vreg) w,
            x = in(vreg) x,
            lane = const LANE,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    added
}

/// The products of a block by `smmla`, times the scales of its runs.
#[inline]
#[target_feature(enable = "neon,i8mm")]
fn eights<F: Format, const T: usize>(block: &PanelBlock<'_, T>) -> Sums<T> {
    // A vector has two rows with two tokens, `[row][token]`: four vectors for two tokens, and that
    // twice. A single token stands for two.
    let pairs = T.div_ceil(2);
    let mut whole = [[vdupq_n_s32(0); 4]; 2];
    for run in 0..F::BLOCK / F::SUB {
        let mut dots = [[vdupq_n_s32(0); 4]; 2];
        for eight in run * F::SUB / 8..(run + 1) * F::SUB / 8 {
            // SAFETY: `eight` is below `BLOCK / 8`, half the number of lines, and of the `T`
            // eights of inputs.
            let (w, x) = unsafe {
                let line = block.lines.as_ptr().add(2 * eight + block.half);
                let line = line.cast::<i8>();
                let x = block.x.as_ptr().add(eight * T * 8);
                (
                    [0, 16, 32, 48].map(|at| vld1q_s8(line.add(at))),
                    in_pairs::<T>(x.cast()),
                )
            };
            for (dots, x) in dots.iter_mut().zip(x).take(pairs) {
                for (dot, w) in dots.iter_mut().zip(w) {
                    *dot = smmla(*dot, w, x);
                }
            }
        }
        if F::BLOCK != MOST_WEIGHTS {
            whole = dots;
            break;
        }
        let [a, b] = block.scales(run);
        let k = [
            vzip1q_s32(a, a),
            vzip2q_s32(a, a),
            vzip1q_s32(b, b),
            vzip2q_s32(b, b),
        ];
        for (whole, dots) in whole.iter_mut().zip(dots).take(pairs) {
            for i in 0..4 {
                whole[i] = vmlaq_s32(whole[i], dots[i], k[i]);
            }
        }
    }
    std::array::from_fn(|t| {
        let [a, b, c, d] = whole[t / 2];
        if t % 2 == 0 {
            [vuzp1q_s32(a, b), vuzp1q_s32(c, d)]
        } else {
            [vuzp2q_s32(a, b), vuzp2q_s32(c, d)]
        }
    })
}

/// The eights of two tokens, and of two further ones, from two times the fours of `T` tokens.
///
/// # Safety
/// `2 · T` fours must be readable from `x` on.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn in_pairs<const T: usize>(x: *const i32) -> [int8x16_t; 2] {
    // SAFETY: by the caller's word; vectors are read wherever they lie.
    unsafe {
        match T {
            4 => {
                let (a, b) = (vld1q_s32(x), vld1q_s32(x.add(4)));
                [
                    vreinterpretq_s8_s32(vzip1q_s32(a, b)),
                    vreinterpretq_s8_s32(vzip2q_s32(a, b)),
                ]
            }
            2 => {
                let (a, b) = (vld1_s32(x), vld1_s32(x.add(2)));
                [vreinterpretq_s8_s32(vcombine_s32(vzip1_s32(a, b), vzip2_s32(a, b))); 2]
            }
            _ => {
                let both = x.cast::<i64>().read_unaligned();
                [vreinterpretq_s8_s64(vdupq_n_s64(both)); 2]
            }
        }
    }
}

/// Adds to two times two sums the products of two rows of eight with two tokens' eights.
#[inline]
#[target_feature(enable = "neon,i8mm")]
fn smmla(sums: int32x4_t, w: int8x16_t, x: int8x16_t) -> int32x4_t {
    let mut added = sums;
    // SAFETY: the instruction touches nothing but its registers, and the function is for CPUs that
    // have it.
    unsafe {
        asm!(
            "smmla {added:v}.4s, {w:v}.16b, {x:v}.16b",
            added = inout(vreg) added,
            w = in(vreg) w,
            x = in(vreg) x,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    added
}

/// Adds a block's products to the sums of its tokens: as floats, less the minima.
#[inline]
#[target_feature(enable = "neon")]
fn add<F: Format, const T: usize>(
    panel: &Panel,
    part: InputTile<'_>,
    (block, half): (usize, usize),
    whole: Sums<T>,
    sums: &mut [Lanes; T],
) {
    let scales = &part.scales[block * T..][..T];
    let mut taken = [[vdupq_n_s32(0); 2]; T];
    if F::BLOCK == MOST_WEIGHTS && F::OFFSET == 0 {
        let pairs = F::BLOCK / F::SUB / 2;
        let lines = &panel.n[block * pairs..][..pairs];
        let twos = &part.twos[block * pairs * T..][..pairs * T];
        for (n, twos) in lines.iter().zip(twos.as_chunks::<T>().0) {
            // SAFETY: `half` is 0 or 1: eight of the line's 16 twos.
            let n = unsafe { vld2q_s16(n.0.as_ptr().add(8 * half).cast()) };
            for ([low, high], two) in taken.iter_mut().zip(twos) {
                for (n, sum) in [(n.0, two[0]), (n.1, two[1])] {
                    *low = vmlal_n_s16(*low, vget_low_s16(n), sum);
                    *high = vmlal_high_n_s16(*high, n, sum);
                }
            }
        }
    }
    for quarter in 0..2 {
        let at = 8 * half + 4 * quarter;
        // SAFETY: `at` is at most 12: four of the lines' 16 floats.
        let (d, least) = unsafe {
            (
                vld1q_f32(panel.d[block].0.as_ptr().add(at)),
                vld1q_f32(panel.least[block].0.as_ptr().add(at)),
            )
        };
        for (t, sums) in sums.iter_mut().enumerate() {
            let mut value = vmulq_f32(vcvtq_f32_s32(whole[t][quarter]), d);
            // With an offset nothing is left to take off.
            if F::OFFSET == 0 && F::BLOCK != MOST_WEIGHTS {
                value = vfmsq_n_f32(value, least, part.sums[block * T + t]);
            } else if F::OFFSET == 0 {
                value = vfmsq_f32(value, vcvtq_f32_s32(taken[t][quarter]), least);
            }
            let to = sums.0[at..][..4].as_mut_ptr();
            // SAFETY: four floats.
            unsafe { vst1q_f32(to, vfmaq_n_f32(vld1q_f32(to), value, scales[t])) };
        }
    }
}
