//! Tensors out of the file, each read once.

use std::collections::HashMap;
use std::io::{Read, Seek};
use std::sync::Arc;

use candle_core::quantized::gguf_file::TensorInfo;
use candle_core::quantized::{GgmlDType, QMatMul, QTensor};
use candle_core::{Device, Module as _, Result, Tensor, bail};

use super::gguf::{self, Header};

/// candle's name of a tensor type, by its number in the format, where candle calculates
/// with it.
pub const fn candle_type(kind: u32) -> Option<GgmlDType> {
    Some(match kind {
        0 => GgmlDType::F32,
        1 => GgmlDType::F16,
        2 => GgmlDType::Q4_0,
        3 => GgmlDType::Q4_1,
        6 => GgmlDType::Q5_0,
        7 => GgmlDType::Q5_1,
        8 => GgmlDType::Q8_0,
        10 => GgmlDType::Q2K,
        11 => GgmlDType::Q3K,
        12 => GgmlDType::Q4K,
        13 => GgmlDType::Q5K,
        14 => GgmlDType::Q6K,
        15 => GgmlDType::Q8K,
        30 => GgmlDType::BF16,
        _ => return None,
    })
}

/// The tensors of a file.
pub struct Weights<'a, R> {
    header: &'a Header,
    by_name: HashMap<&'a str, &'a gguf::TensorInfo>,
    reader: &'a mut R,
    /// Where they are to lie.
    pub device: Device,
}

impl<'a, R: Read + Seek> Weights<'a, R> {
    /// Those that a header tells of, out of its file.
    pub fn new(header: &'a Header, reader: &'a mut R, device: Device) -> Self {
        Self {
            by_name: header
                .tensors
                .iter()
                .map(|tensor| (tensor.name.as_str(), tensor))
                .collect(),
            header,
            reader,
            device,
        }
    }

    /// The header.
    pub const fn header(&self) -> &'a Header {
        self.header
    }

    /// The shape of a tensor, rows first; none where the file has no such tensor.
    pub fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let tensor = self.by_name.get(name)?;
        Some(tensor.shape.iter().rev().map(|&n| n as usize).collect())
    }

    /// Whether the file has that tensor.
    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// A tensor as it is stored.
    pub fn tensor(&mut self, name: &str) -> Result<Arc<QTensor>> {
        let (Some(tensor), Some(shape)) = (self.by_name.get(name), self.shape(name)) else {
            bail!("the file has no tensor {name}");
        };
        let Some(ggml_dtype) = candle_type(tensor.kind) else {
            bail!("{name} is of the type {}", gguf::type_name(tensor.kind));
        };
        let info = TensorInfo {
            ggml_dtype,
            shape: shape.into(),
            offset: tensor.offset,
        };
        let tensor = info.read(self.reader, self.header.data_start, &self.device)?;
        Ok(Arc::new(tensor))
    }

    /// A tensor in full precision: norms, biases, factors.
    pub fn plain(&mut self, name: &str, size: usize) -> Result<Tensor> {
        self.tensor(name)?.dequantize(&self.device)?.reshape(size)
    }

    /// The same, where the file has it.
    pub fn plain_if(&mut self, name: &str, size: usize) -> Result<Option<Tensor>> {
        self.has(name).then(|| self.plain(name, size)).transpose()
    }

    /// A product of `rows` outputs from `columns` inputs, with its bias where there is one.
    pub fn linear(&mut self, name: &str, rows: usize, columns: usize) -> Result<Linear> {
        let weight = format!("{name}.weight");
        match self.shape(&weight) {
            Some(shape) if shape.as_slice() == [rows, columns] => {}
            shape => bail!("{weight} has the shape {shape:?}, not [{rows}, {columns}]"),
        }
        let product = QMatMul::from_arc(self.tensor(&weight)?)?;
        let bias = self.plain_if(&format!("{name}.bias"), rows)?;
        Ok(Linear { product, bias })
    }
}

/// A product with a weight of the file.
#[derive(Debug, Clone)]
pub struct Linear {
    product: QMatMul,
    bias: Option<Tensor>,
}

impl Linear {
    /// Without a bias.
    pub const fn new(product: QMatMul) -> Self {
        Self {
            product,
            bias: None,
        }
    }

    /// Rows of inputs to rows of outputs.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = self.product.forward(x)?;
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }
}
