//! Products of rows of activations with quantized weights: `y[t][r] = Σ x[t][k] · w[r][k]`.
//!
//! Weights stay as they lie in the file. Where many tokens meet a row, 16 rows at a time are
//! unpacked to whole numbers and used for all of them; a single token takes each row as it
//! comes, at the speed of memory.

use std::cell::{OnceCell, RefCell};

use super::activations::RoundedInputs;
use super::blocks::{Format, Kind, MOST_WEIGHTS, dequantize};
use super::dispatch::Kernels;
use super::output::Output;
use super::panel::{PANEL, PANELS, Rows, Scratch};
use super::pool;
use super::products::{FloatDot, TokenIn};
use super::simd::Simd;
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
        out: Output<'_>,
        simd: Simd,
    ) {
        let count = count.min(self.rows.saturating_sub(first));
        let rows = &self.bytes[first * self.row_bytes..][..count * self.row_bytes];
        // SAFETY: no other piece has these rows.
        let mut out = unsafe { out.rows(first, count) };
        let few = !simd.in_panels(x.tokens);
        let kernels = Kernels::of::<F>(simd);
        // SAFETY of all that is called: a `Simd` is made only where the CPU has its instructions.
        match (kernels.single, kernels.few) {
            (Some(single), _) if few && x.tokens == 1 => {
                // SAFETY: as said above.
                unsafe { single(rows, x, out.of_one_token()) };
            }
            (_, Some(products)) if few => {
                // SAFETY: as said above.
                unsafe { products(rows, self.row_bytes, x, &mut out) };
            }
            _ => {
                for (row, bytes) in rows.chunks_exact(self.row_bytes).enumerate() {
                    row_times(kernels, bytes, x, |token, value| out.put(token, row, value));
                }
            }
        }
    }

    /// Multiplies `count` rows from the `first` on, a multiple of 16, with every token.
    fn panels<F: Format>(
        &self,
        x: &RoundedInputs,
        first: usize,
        count: usize,
        out: Output<'_>,
        simd: Simd,
    ) {
        thread_local! {
            static SCRATCH: RefCell<Scratch> = RefCell::default();
        }
        let rows = Rows {
            bytes: &self.bytes[first * self.row_bytes..][..count * self.row_bytes],
            row_bytes: self.row_bytes,
        };
        let Some(panels) = Kernels::of::<F>(simd).panels else {
            // `in_panels` says so.
            return bug(&format!("{} has no products in panels", simd.name()), ());
        };
        // SAFETY: no other piece has these rows.
        let mut out = unsafe { out.rows(first, count) };
        SCRATCH.with_borrow_mut(|scratch| {
            // SAFETY: a `Simd` is made only where the CPU has its instructions.
            unsafe { panels(rows, x, scratch, &mut out) };
        });
    }

    /// Multiplies by weights that are floats: every row turned to f32 once, then used for all
    /// tokens.
    fn floats(&self, x: &[f32], y: &mut [f32], simd: Simd) {
        let out = Output::new(y, self.rows);
        let at_once = (PIECE / self.row_bytes.max(1)).clamp(1, 256);
        pool::run(self.rows.div_ceil(at_once), |piece| {
            let first = piece * at_once;
            let count = at_once.min(self.rows - first);
            // SAFETY: no other piece has these rows.
            let mut out = unsafe { out.rows(first, count) };
            let mut weights = vec![0.0; self.width];
            for row in 0..count {
                self.dequantize_row(first + row, &mut weights);
                for (token, x) in x.chunks_exact(self.width).enumerate() {
                    out.put(token, row, simd.run(FloatDot(&weights, x)));
                }
            }
        });
    }
}

/// Multiplies one row with every token; `put` is told a token and its product.
fn row_times(kernels: Kernels, row: &[u8], x: &RoundedInputs, mut put: impl FnMut(usize, f32)) {
    let mut first = 0;
    for &count in &x.tiles {
        for token in 0..count {
            let place = TokenIn {
                x,
                first,
                count,
                token,
            };
            // SAFETY: the table is that of a `Simd`, which is made only where the CPU has its
            // instructions.
            let value = unsafe { (kernels.row_dot)(row, place) };
            put(first + token, value);
        }
        first += count;
    }
}

#[cfg(test)]
#[path = "matmul_tests.rs"]
mod tests;
