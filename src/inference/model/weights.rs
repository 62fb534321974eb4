//! Tensors out of the file: on the CPU they stay where the file lies in memory, for other
//! devices each is read once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use candle_core::quantized::{GgmlDType, QMatMul, QStorage, QTensor};
use candle_core::{Device, Result, Tensor, bail};

use super::activations::Vector;
use super::gguf::{self, Header};
use super::kv_cache;
use super::linear::{Linear, Mapped, Product, Table};
use super::mapping::Mapping;
use crate::kernels::blocks::{Kind, dequantize};
use crate::kernels::encoder::round_to_8;
use crate::kernels::matmul::Matrix;
use crate::kernels::pages::Precision;

/// Returns the format of a tensor by its number in the file; none where this build does not
/// calculate with it.
pub const fn kind_of(number: u32) -> Option<Kind> {
    Kind::from_gguf(number)
}

/// Returns candle's name of a format; none where candle does not know it.
const fn candle_type(kind: Kind) -> Option<GgmlDType> {
    Some(match kind {
        Kind::F32 => GgmlDType::F32,
        Kind::F16 => GgmlDType::F16,
        Kind::BF16 => GgmlDType::BF16,
        Kind::Q4_0 => GgmlDType::Q4_0,
        Kind::Q4_1 => GgmlDType::Q4_1,
        Kind::Q5_0 => GgmlDType::Q5_0,
        Kind::Q5_1 => GgmlDType::Q5_1,
        Kind::Q8_0 => GgmlDType::Q8_0,
        Kind::Q2K => GgmlDType::Q2K,
        Kind::Q3K => GgmlDType::Q3K,
        Kind::Q4K => GgmlDType::Q4K,
        Kind::Q5K => GgmlDType::Q5K,
        Kind::Q6K => GgmlDType::Q6K,
        Kind::IQ4NL | Kind::IQ4XS => return None,
    })
}

/// The tensors of a file.
pub struct Weights<'a> {
    header: &'a Header,
    by_name: HashMap<&'a str, &'a gguf::TensorInfo>,
    /// The model's files, in the order of the header's parts.
    files: Vec<Arc<Mapping>>,
    /// The device that computes.
    pub device: Device,
    /// True if tensors stay where the file lies in memory, for our kernels.
    ours: bool,
    /// The precision of keys and values on the CPU.
    pub(super) precision: Precision,
}

/// A tensor where it lies in its file.
struct LocatedTensor<'w> {
    tensor: &'w gguf::TensorInfo,
    kind: Kind,
    file: &'w Arc<Mapping>,
    /// The tensor's bytes, as a range of the file's.
    range: Range<usize>,
    /// The tensor's bytes.
    bytes: &'w [u8],
}

impl<'a> Weights<'a> {
    /// The tensors that a header lists, in `files`, one for each of its parts.
    pub fn new(header: &'a Header, files: Vec<Arc<Mapping>>, device: Device) -> Self {
        Self {
            by_name: header
                .tensors
                .iter()
                .map(|tensor| (tensor.name.as_str(), tensor))
                .collect(),
            header,
            files,
            ours: device.is_cpu(),
            precision: kv_cache::precision(header),
            device,
        }
    }

    /// Has the tensors made candle's on the CPU too: so the code for other devices is tried where
    /// there are none.
    #[cfg(test)]
    #[must_use]
    pub fn as_tensors(mut self) -> Self {
        self.ours = false;
        self
    }

    /// Returns the device of candle's tensors; none where our kernels compute.
    pub fn tensors_on(&self) -> Option<&Device> {
        (!self.ours).then_some(&self.device)
    }

    /// Returns the model's header.
    pub const fn header(&self) -> &'a Header {
        self.header
    }

    /// Returns the shape of a tensor, rows first; none where the file has no such tensor.
    pub fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let tensor = self.by_name.get(name)?;
        Some(tensor.shape.iter().rev().map(|&n| n as usize).collect())
    }

    /// Tells whether the file has a tensor of that name.
    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Finds a tensor in its file.
    fn place(&self, name: &str) -> Result<LocatedTensor<'_>> {
        let Some(tensor) = self.by_name.get(name) else {
            bail!("the file has no tensor {name}");
        };
        let Some(kind) = kind_of(tensor.kind) else {
            bail!("{name} is of the type {}", gguf::type_name(tensor.kind));
        };
        let range = self.header.range(tensor);
        let range = range.start as usize..range.end as usize;
        let file = self.files.get(tensor.part);
        let found = file.and_then(|file| Some((file, file.bytes().get(range.clone())?)));
        match found {
            Some((file, bytes)) => Ok(LocatedTensor {
                tensor,
                kind,
                file,
                range,
                bytes,
            }),
            None => bail!("{name} lies beyond the end of the file, which has become shorter"),
        }
    }

    /// Loads a tensor of `size` numbers in full precision, on the device: norms, biases.
    pub fn plain(&self, name: &str, size: usize) -> Result<Vector> {
        Vector::new(self.floats(name, size)?, self.tensors_on())
    }

    /// Reads the numbers of a tensor in full precision, which must be `size`.
    pub fn floats(&self, name: &str, size: usize) -> Result<Vec<f32>> {
        let LocatedTensor {
            tensor,
            kind,
            bytes,
            ..
        } = self.place(name)?;
        let elements = tensor.elements() as usize;
        if elements != size {
            bail!("{name} has {elements} numbers, not {size}");
        }
        let mut floats = vec![0.0_f32; size];
        dequantize(kind, bytes, &mut floats);
        Ok(floats)
    }

    /// Loads a tensor as [`Self::plain`] does; none where the file has no such tensor.
    pub fn plain_if(&self, name: &str, size: usize) -> Result<Option<Vector>> {
        self.has(name).then(|| self.plain(name, size)).transpose()
    }

    /// Loads a product of `rows` outputs from `columns` inputs, with its bias where there is one.
    pub fn linear(&self, name: &str, rows: usize, columns: usize) -> Result<Linear> {
        let product = self.product(&format!("{name}.weight"), rows, columns)?;
        let bias = self.plain_if(&format!("{name}.bias"), rows)?;
        Ok(Linear { product, bias })
    }

    /// Loads a product as [`Self::linear`] does, but with floats rounded to 8 bits, on the CPU:
    /// for products that are computed often and need not be exact.
    pub fn rounded(&self, name: &str, rows: usize, columns: usize) -> Result<Linear> {
        let weight = format!("{name}.weight");
        let kind = self.place(&weight)?.kind;
        if !kind.is_float() || !columns.is_multiple_of(32) {
            return self.linear(name, rows, columns);
        }
        let bytes = round_to_8(&self.floats(&weight, rows * columns)?, columns);
        let product = Product::Mapped(Mapped {
            range: 0..bytes.len(),
            file: Arc::new(Mapping::owned(bytes)),
            kind: Kind::Q8_0,
            rows,
            columns,
        });
        let bias = self.plain_if(&format!("{name}.bias"), rows)?;
        Ok(Linear { product, bias })
    }

    /// Loads the table of embeddings: `rows` tokens of `columns` numbers.
    pub fn table(&self, name: &str, rows: usize, columns: usize) -> Result<Table> {
        Ok(Table {
            rows: self.product(name, rows, columns)?,
            tokens: rows,
            width: columns,
        })
    }

    fn product(&self, name: &str, rows: usize, columns: usize) -> Result<Product> {
        match self.shape(name) {
            Some(shape) if shape.as_slice() == [rows, columns] => {}
            shape => bail!("{name} has the shape {shape:?}, not [{rows}, {columns}]"),
        }
        let LocatedTensor {
            kind,
            file,
            range,
            bytes,
            ..
        } = self.place(name)?;
        if self.ours {
            if Matrix::new(kind, bytes, rows, columns).is_none() {
                bail!("{name}: rows of {columns} are no whole blocks");
            }
            return Ok(Product::Mapped(Mapped {
                file: Arc::clone(file),
                range,
                kind,
                rows,
                columns,
            }));
        }
        let tensor = if let Some(theirs) = candle_type(kind) {
            let storage = QStorage::from_data(Cow::Borrowed(bytes), &self.device, theirs)?;
            QTensor::new(storage, (rows, columns))?
        } else {
            // What candle has no kernels for is held as half floats there.
            let mut floats = vec![0.0_f32; rows * columns];
            dequantize(kind, bytes, &mut floats);
            let floats = Tensor::from_vec(floats, (rows, columns), &self.device)?;
            QTensor::quantize(&floats, GgmlDType::F16)?
        };
        Ok(Product::Candle(QMatMul::from_arc(Arc::new(tensor))?))
    }
}
