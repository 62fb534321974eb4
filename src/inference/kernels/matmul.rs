//! Products of rows of activations with quantized weights: `y[t][r] = Σ x[t][k] · w[r][k]`.
//!
//! Weights stay as they lie in the file. Where many tokens meet a row, 16 rows at a time are
//! unpacked to whole numbers and used for all of them; a single token takes each row as it
//! comes, at the speed of memory.

use std::cell::{OnceCell, RefCell};

use super::activations::{RUN, RoundedInputs};
use super::blocks::{Format, Kind, MOST_WEIGHTS, Unpacked, chunk_bytes, dequantize, unpack_chunk};
use super::panel::{PANEL, PANELS, Rows, Scratch};
use super::pool;
use super::simd::{Level, Simd};
use crate::base::bug::bug;
use crate::with_format;

/// The least bytes of weights of one piece of work, for a single token.
const PIECE: usize = 48 << 10;

/// Rounded forms of rows of inputs, each made when a product first asks for it.
#[derive(Debug, Default)]
pub struct Inputs {
    /// Inputs with a scale for each 32.
    by32: OnceCell<RoundedInputs>,
    /// Inputs with a scale for each 256.
    by256: OnceCell<RoundedInputs>,
}

/// A matrix of `rows × width` weights as it lies in the file.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    kind: Kind,
    bytes: &'a [u8],
    rows: usize,
    width: usize,
    row_bytes: usize,
}

impl<'a> Matrix<'a> {
    /// A matrix of `rows` rows of `width` weights; none where the bytes are not as many as that
    /// takes, or a quantized row is not a multiple of 32 weights.
    pub fn new(kind: Kind, bytes: &'a [u8], rows: usize, width: usize) -> Option<Self> {
        let row_bytes = kind.row_bytes(width)?;
        let fits = rows.checked_mul(row_bytes)? == bytes.len() && width > 0;
        fits.then_some(Self {
            kind,
            bytes,
            rows,
            width,
            row_bytes,
        })
    }

    /// The bytes of a row.
    fn row(&self, row: usize) -> &'a [u8] {
        &self.bytes[row * self.row_bytes..][..self.row_bytes]
    }

    /// Turns a row into `width` floats.
    pub fn dequantize_row(&self, row: usize, out: &mut [f32]) {
        dequantize(self.kind, self.row(row), out);
    }

    /// Numbers of an input that share a scale.
    const fn group(&self) -> usize {
        if self.kind.block() == MOST_WEIGHTS {
            256
        } else {
            32
        }
    }

    /// Multiplies `x` (`tokens × width`, f32, row-major) with the matrix, into `y`
    /// (`tokens × rows`, likewise). `inputs` are those of `x`, for the products that meet the same
    /// rows.
    pub fn multiply(&self, x: &[f32], inputs: &Inputs, y: &mut [f32]) {
        debug_assert_eq!(x.len() / self.width * self.rows, y.len());
        let simd = Simd::best();
        with_format!(self.kind, F => {
            let rounded = match self.group() {
                256 => &inputs.by256,
                _ => &inputs.by32,
            };
            let x = rounded.get_or_init(|| RoundedInputs::new(x, self.width, self.group(), simd));
            self.blocks::<F>(x, y, simd);
        }, self.floats(x, y, simd));
    }

    /// [`Self::multiply`] with chosen instructions, and inputs of its own.
    #[cfg(test)]
    pub fn multiply_with(&self, x: &[f32], y: &mut [f32], simd: Simd) {
        debug_assert_eq!(x.len() / self.width * self.rows, y.len());
        with_format!(self.kind, F => {
            let x = RoundedInputs::new(x, self.width, self.group(), simd);
            self.blocks::<F>(&x, y, simd);
        }, self.floats(x, y, simd));
    }

    /// Multiplies by weights in blocks.
    fn blocks<F: Format>(&self, x: &RoundedInputs, y: &mut [f32], simd: Simd) {
        let out = Output::new(y, self.rows);
        if simd.in_panels(x.tokens) {
            // The rows behind the last whole 16 are done row by row.
            let (most, whole) = (PANEL * PANELS, self.rows / PANEL * PANEL);
            pool::run(self.rows.div_ceil(most), |piece| {
                let first = piece * most;
                let count = most.min(whole - first.min(whole));
                if count > 0 {
                    self.panels::<F>(x, first, count, out, simd);
                }
                self.rows_times::<F>(x, first + count, most - count, out, simd);
            });
        } else {
            let at_once = (PIECE / self.row_bytes.max(1)).clamp(1, 256);
            pool::run(self.rows.div_ceil(at_once), |piece| {
                self.rows_times::<F>(x, piece * at_once, at_once, out, simd);
            });
        }
    }

    /// Multiplies up to `count` rows from the `first` on with every token, row by row.
    fn rows_times<F: Format>(
        &self,
        x: &RoundedInputs,
        first: usize,
        count: usize,
        out: Output,
        simd: Simd,
    ) {
        let count = count.min(self.rows.saturating_sub(first));
        #[cfg(target_arch = "x86_64")]
        if !simd.in_panels(x.tokens) {
            let rows = &self.bytes[first * self.row_bytes..][..count * self.row_bytes];
            match (simd.level(), F::BY_ONE) {
                (Level::Avx512, Some(products)) if x.tokens == 1 => {
                    // SAFETY: a `Simd` is made only where the CPU has its instructions; no
                    // other piece has these rows.
                    unsafe { products(rows, x, out.rows_of_one(first, count)) };
                    return;
                }
                (Level::Avx512 | Level::Avx2 | Level::AvxVnni, _) => {
                    let put = |row: usize, token: usize, value: f32| {
                        // SAFETY: no other piece has these rows.
                        unsafe { out.put(token, first + row, value) };
                    };
                    // SAFETY: a `Simd` is made only where the CPU has its instructions, and all
                    // of these have AVX2.
                    unsafe { super::avx2::rows::few::<F>(rows, self.row_bytes, x, put) };
                    return;
                }
                _ => {}
            }
        }
        #[cfg(target_arch = "aarch64")]
        if !simd.in_panels(x.tokens) && simd.level() != Level::Scalar {
            let rows = &self.bytes[first * self.row_bytes..][..count * self.row_bytes];
            let put = |row: usize, token: usize, value: f32| {
                // SAFETY: no other piece has these rows.
                unsafe { out.put(token, first + row, value) };
            };
            // SAFETY: a `Simd` is made only where the CPU has its instructions, and both have
            // dot products.
            unsafe { super::neon::rows::few::<F>(rows, self.row_bytes, x, put) };
            return;
        }
        for row in first..first + count {
            self.row_times::<F>(x, row, simd, |token, value| {
                // SAFETY: no other piece has this row, so no other thread has this place.
                unsafe { out.put(token, row, value) };
            });
        }
    }

    /// Multiplies one row with every token; `put` is told a token and its product.
    fn row_times<F: Format>(
        &self,
        x: &RoundedInputs,
        row: usize,
        simd: Simd,
        mut put: impl FnMut(usize, f32),
    ) {
        let row = self.row(row);
        let mut first = 0;
        for &count in &x.tiles {
            for token in 0..count {
                let place = TokenIn {
                    x,
                    first,
                    count,
                    token,
                };
                let value = match simd.level() {
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 | Level::AvxVnni | Level::Avx2 => {
                        // SAFETY: a `Simd` is made only where the CPU has its instructions, and
                        // all of these have AVX2.
                        unsafe { row_dot_avx2::<F>(row, place) }
                    }
                    _ => row_dot::<F>(row, place),
                };
                put(first + token, value);
            }
            first += count;
        }
    }

    /// Multiplies `count` rows from the `first` on, a multiple of 16, with every token.
    fn panels<F: Format>(
        &self,
        x: &RoundedInputs,
        first: usize,
        count: usize,
        out: Output,
        simd: Simd,
    ) {
        thread_local! {
            static SCRATCH: RefCell<Scratch> = RefCell::default();
        }
        let rows = Rows {
            bytes: &self.bytes[first * self.row_bytes..][..count * self.row_bytes],
            row_bytes: self.row_bytes,
        };
        let put = |token: usize, panel: usize, values: &[f32; PANEL]| {
            // SAFETY: no other piece has these rows.
            unsafe { out.put_panel(token, first + panel * PANEL, values) };
        };
        SCRATCH.with_borrow_mut(|scratch| match simd.level() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Simd` is made only where the CPU has its instructions.
            Level::Avx512 => unsafe { super::avx512::panels::panels::<F>(rows, x, scratch, put) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::AvxVnni => unsafe {
                super::avx2::panels::panels::<F, true>(rows, x, scratch, put)
            },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Avx2 => unsafe {
                super::avx2::panels::panels::<F, false>(rows, x, scratch, put)
            },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: as above.
            Level::Neon => unsafe {
                super::neon::panels::panels::<F, false>(rows, x, scratch, put)
            },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: as above.
            Level::NeonI8mm => unsafe {
                super::neon::panels::panels::<F, true>(rows, x, scratch, put)
            },
            // `in_panels` says so.
            level => bug(&format!("{level:?} has no products in panels"), ()),
        });
    }

    /// Multiplies by weights that are floats: every row turned to f32 once, then used for all
    /// tokens.
    fn floats(&self, x: &[f32], y: &mut [f32], simd: Simd) {
        let out = Output::new(y, self.rows);
        let at_once = (PIECE / self.row_bytes.max(1)).clamp(1, 256);
        pool::run(self.rows.div_ceil(at_once), |piece| {
            let first = piece * at_once;
            let mut weights = vec![0.0; self.width];
            for row in first..(first + at_once).min(self.rows) {
                self.dequantize_row(row, &mut weights);
                for (token, x) in x.chunks_exact(self.width).enumerate() {
                    let value = match simd.level() {
                        #[cfg(target_arch = "x86_64")]
                        Level::Avx512 | Level::AvxVnni | Level::Avx2 => {
                            // SAFETY: a `Simd` is made only where the CPU has its instructions.
                            unsafe { float_dot_avx2(&weights, x) }
                        }
                        _ => float_dot(&weights, x),
                    };
                    // SAFETY: no other piece has this row.
                    unsafe { out.put(token, row, value) };
                }
            }
        });
    }
}

/// The place of the products, `[tokens][rows]`, shared among threads that each write rows of their
/// own.
#[derive(Clone, Copy)]
struct Output {
    start: *mut f32,
    length: usize,
    rows: usize,
}

// SAFETY: it is a pointer into a slice that `multiply` borrows for as long as the threads run;
// `put` and `put_panel` say who may write where.
unsafe impl Send for Output {}
// SAFETY: as above.
unsafe impl Sync for Output {}

impl Output {
    fn new(y: &mut [f32], rows: usize) -> Self {
        Self {
            start: y.as_mut_ptr(),
            length: y.len(),
            rows,
        }
    }

    /// Writes the product of a token and a row.
    ///
    /// # Safety
    /// No other thread may have the same row.
    unsafe fn put(self, token: usize, row: usize, value: f32) {
        let at = token * self.rows + row;
        debug_assert!(row < self.rows && at < self.length);
        if row < self.rows && at < self.length {
            // SAFETY: it lies within the slice, and by the caller's word nobody else has it.
            unsafe { *self.start.add(at) = value };
        }
    }

    /// The places of `count` rows from `first` on, where there is one token.
    ///
    /// # Safety
    /// No other thread may have these rows.
    #[cfg(target_arch = "x86_64")]
    unsafe fn rows_of_one<'a>(self, first: usize, count: usize) -> &'a mut [f32] {
        assert!(self.length == self.rows && first + count <= self.length);
        // SAFETY: they lie within the slice, and by the caller's word nobody else has them.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(first), count) }
    }

    /// Writes the products of a token and 16 rows from `first` on.
    ///
    /// # Safety
    /// No other thread may have these rows.
    unsafe fn put_panel(self, token: usize, first: usize, values: &[f32; PANEL]) {
        let at = token * self.rows + first;
        debug_assert!(first + PANEL <= self.rows && at + PANEL <= self.length);
        if first + PANEL <= self.rows && at + PANEL <= self.length {
            // SAFETY: all 16 lie within the slice, and by the caller's word nobody else has them.
            unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), self.start.add(at), PANEL) };
        }
    }
}

/// A token in its tile.
#[derive(Clone, Copy)]
struct TokenIn<'a> {
    x: &'a RoundedInputs,
    /// The first token of the tile.
    first: usize,
    /// Tokens of the tile.
    count: usize,
    /// The number of the token in the tile.
    token: usize,
}

/// The product of one row with one token: the specification of all products, to the last bit. Whole
/// numbers are added up for each block, then its floats in the order of the blocks, whatever the
/// instructions and however many tokens there are.
#[inline(always)]
fn row_dot<F: Format>(row: &[u8], place: TokenIn<'_>) -> f32 {
    let TokenIn {
        x,
        first,
        count,
        token,
    } = place;
    let (width, groups) = (x.width, x.groups());
    let q = &x.q[first * width..];
    let scales = &x.scales[first * groups..];
    let sums = &x.sums[first * (width / RUN)..];
    let mut unpacked = Unpacked::new();
    let mut total = 0.0;
    for (chunk, bytes) in row.chunks(chunk_bytes::<F>()).enumerate() {
        let weights = unpack_chunk::<F>(bytes, &mut unpacked);
        let numbers = unpacked.q[..weights].chunks_exact(F::BLOCK);
        for (block, weights) in numbers.enumerate() {
            let base = chunk * MOST_WEIGHTS + block * F::BLOCK;
            let (mut whole, mut taken) = (0_i32, 0_i32);
            for (run, weights) in weights.chunks_exact(F::SUB).enumerate() {
                let at = base + run * F::SUB;
                let mut dot = 0_i32;
                if count == 1 {
                    let x = &q[at..at + F::SUB];
                    for (w, x) in weights.iter().zip(x) {
                        dot += i32::from(*w) * i32::from(*x);
                    }
                } else {
                    for (four, weights) in weights.as_chunks::<4>().0.iter().enumerate() {
                        let from = ((at / 4 + four) * count + token) * 4;
                        for (w, x) in weights.iter().zip(&q[from..from + 4]) {
                            dot += i32::from(*w) * i32::from(*x);
                        }
                    }
                }
                let mut sum = 0.0;
                for part in 0..F::SUB / RUN {
                    sum += sums[(at / RUN + part) * count + token];
                }
                whole += i32::from(unpacked.k[run]) * dot;
                taken += i32::from(unpacked.n[run]) * sum as i32;
            }
            let d = unpacked.d[block];
            let value = if F::OFFSET == 0 {
                (-(taken as f32)).mul_add(unpacked.least[block], whole as f32 * d)
            } else if F::BLOCK == MOST_WEIGHTS {
                (whole - taken) as f32 * d
            } else {
                (whole - i32::from(F::OFFSET) * taken) as f32 * d
            };
            total = value.mul_add(scales[base / x.group * count + token], total);
        }
    }
    total
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn row_dot_avx2<F: Format>(row: &[u8], place: TokenIn<'_>) -> f32 {
    row_dot::<F>(row, place)
}

/// The product of two rows of floats, in 16 sums side by side.
#[inline(always)]
fn float_dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 16];
    let (a16, a_rest) = a.as_chunks::<16>();
    let (b16, b_rest) = b.as_chunks::<16>();
    for (a, b) in a16.iter().zip(b16) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn float_dot_avx2(a: &[f32], b: &[f32]) -> f32 {
    float_dot(a, b)
}

#[cfg(test)]
#[path = "matmul_tests.rs"]
mod tests;
