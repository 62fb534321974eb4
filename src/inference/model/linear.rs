//! Products with matrices of the file, and the table of embeddings.

use std::ops::Range;
use std::sync::Arc;

use candle_core::quantized::QMatMul;
use candle_core::{DType, Device, Module as _, Result, Tensor, bail};

use super::activations::{Activations, Vector};
use super::buffer::Buffer;
use super::mapping::Mapping;
use crate::kernels::blocks::Kind;
use crate::kernels::matmul::Matrix;
use crate::kernels::pool;

/// A matrix of the file.
#[derive(Debug, Clone)]
pub(super) enum Product {
    /// A matrix in the file's own memory.
    Mapped(Mapped),
    /// A matrix of candle's, on another device.
    Candle(QMatMul),
}

/// A matrix where the file lies in memory.
#[derive(Debug, Clone)]
pub(super) struct Mapped {
    /// The file.
    pub file: Arc<Mapping>,
    /// The bytes of the file that are the matrix.
    pub range: Range<usize>,
    /// The format of the weights.
    pub kind: Kind,
    /// Rows of the matrix: outputs of the product.
    pub rows: usize,
    /// Columns of the matrix: inputs of the product.
    pub columns: usize,
}

impl Mapped {
    fn matrix(&self) -> Result<Matrix<'_>> {
        let bytes = self.file.bytes().get(self.range.clone());
        let matrix = bytes.and_then(|b| Matrix::new(self.kind, b, self.rows, self.columns));
        matrix.ok_or_else(|| candle_core::Error::Msg("a matrix lies outside its file".into()))
    }
}

/// A product with a weight of the file.
#[derive(Debug, Clone)]
pub struct Linear {
    pub(super) product: Product,
    pub(super) bias: Option<Vector>,
}

impl Linear {
    /// Multiplies rows with the matrix. `x`: `tokens × inputs`; the result: `tokens × outputs`.
    ///
    /// # Errors
    /// Where shapes do not fit; and once cancelled, since room for the outputs would be made for
    /// nothing, which takes its time.
    pub fn forward(&self, x: &Activations) -> Result<Activations> {
        if pool::cancelled() {
            bail!("cancelled");
        }
        let y = match &self.product {
            Product::Mapped(mapped) => {
                if x.width() != mapped.columns {
                    bail!("inputs of {} for {} columns", x.width(), mapped.columns);
                }
                let (x, inputs) = x.inputs()?;
                let mut y = Buffer::stale(x.len() / mapped.columns * mapped.rows);
                mapped.matrix()?.multiply(x, inputs, &mut y);
                Activations::host(y, mapped.rows)
            }
            Product::Candle(product) => Activations::device(product.forward(x.on_device()?)?)?,
        };
        match &self.bias {
            Some(bias) => y.plus_each(bias),
            None => Ok(y),
        }
    }
}

/// The embeddings of all tokens; rows are turned to floats as they are needed.
#[derive(Debug, Clone)]
pub struct Table {
    pub(super) rows: Product,
    pub(super) tokens: usize,
    pub(super) width: usize,
}

impl Table {
    /// Returns the embeddings of some tokens: `tokens × width`.
    pub fn embed(&self, tokens: &[u32], device: &Device) -> Result<Activations> {
        if let Some(token) = tokens.iter().find(|token| **token as usize >= self.tokens) {
            bail!("there is no token {token}");
        }
        match &self.rows {
            Product::Mapped(mapped) => {
                let matrix = mapped.matrix()?;
                let mut rows = vec![0.0; tokens.len() * self.width];
                for (token, row) in tokens.iter().zip(rows.chunks_exact_mut(self.width)) {
                    matrix.dequantize_row(*token as usize, row);
                }
                Ok(Activations::host(rows, self.width))
            }
            Product::Candle(product) => {
                let ids = Tensor::new(tokens, device)?;
                Activations::device(product.embedding(&ids)?.to_dtype(DType::F32)?)
            }
        }
    }

    /// Returns the table as the product that gives the logits, for models whose head is tied.
    pub fn head(&self) -> Linear {
        Linear {
            product: self.rows.clone(),
            bias: None,
        }
    }
}
