//! Tensors out of the file: on the CPU they stay where the file lies in memory, for other
//! devices each is read once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use candle_core::quantized::{GgmlDType, QMatMul, QStorage, QTensor};
use candle_core::{D, DType, Device, Module as _, Result, Storage, Tensor, bail};

use super::gguf::{self, Header};
use super::mapping::Mapping;
use crate::kernels::blocks::{Kind, dequantize};
use crate::kernels::matmul::Matrix;

/// The format of a tensor by its number in the file, where this build calculates with it.
pub const fn kind_of(number: u32) -> Option<Kind> {
    Kind::from_gguf(number)
}

/// candle's name of a format, where candle knows it.
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
    /// Where they are to lie.
    pub device: Device,
}

impl<'a> Weights<'a> {
    /// Those that a header tells of, out of its files, one for each of its parts.
    pub fn new(header: &'a Header, files: Vec<Arc<Mapping>>, device: Device) -> Self {
        Self {
            by_name: header
                .tensors
                .iter()
                .map(|tensor| (tensor.name.as_str(), tensor))
                .collect(),
            header,
            files,
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

    /// The format of a tensor, its file and where it lies there.
    fn place(&self, name: &str) -> Result<(Kind, &Arc<Mapping>, Range<usize>)> {
        let Some(tensor) = self.by_name.get(name) else {
            bail!("the file has no tensor {name}");
        };
        let Some(kind) = kind_of(tensor.kind) else {
            bail!("{name} is of the type {}", gguf::type_name(tensor.kind));
        };
        let range = self.header.range(tensor);
        let range = range.start as usize..range.end as usize;
        let file = self.files.get(tensor.part);
        match file.filter(|file| file.bytes().get(range.clone()).is_some()) {
            Some(file) => Ok((kind, file, range)),
            None => bail!("{name} lies beyond the end of the file, which has become shorter"),
        }
    }

    /// A tensor in full precision: norms, biases, factors.
    pub fn plain(&self, name: &str, size: usize) -> Result<Tensor> {
        let (kind, file, range) = self.place(name)?;
        let bytes = file.bytes().get(range).unwrap_or_default();
        let elements = self.by_name.get(name).map_or(0, |t| t.elements()) as usize;
        if elements != size {
            bail!("{name} has {elements} numbers, not {size}");
        }
        let mut floats = vec![0.0_f32; size];
        dequantize(kind, bytes, &mut floats);
        Tensor::from_vec(floats, size, &self.device)
    }

    /// The same, where the file has it.
    pub fn plain_if(&self, name: &str, size: usize) -> Result<Option<Tensor>> {
        self.has(name).then(|| self.plain(name, size)).transpose()
    }

    /// A product of `rows` outputs from `columns` inputs, with its bias where there is one.
    pub fn linear(&self, name: &str, rows: usize, columns: usize) -> Result<Linear> {
        let product = self.product(&format!("{name}.weight"), rows, columns)?;
        let bias = self.plain_if(&format!("{name}.bias"), rows)?;
        Ok(Linear { product, bias })
    }

    /// The table of embeddings: `rows` tokens of `columns` numbers.
    pub fn table(&self, name: &str, rows: usize, columns: usize) -> Result<Table> {
        Ok(Table {
            rows: self.product(name, rows, columns)?,
            width: columns,
        })
    }

    fn product(&self, name: &str, rows: usize, columns: usize) -> Result<Product> {
        match self.shape(name) {
            Some(shape) if shape.as_slice() == [rows, columns] => {}
            shape => bail!("{name} has the shape {shape:?}, not [{rows}, {columns}]"),
        }
        let (kind, file, range) = self.place(name)?;
        let bytes = file.bytes().get(range.clone()).unwrap_or_default();
        if self.device.is_cpu() {
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

/// A matrix of the file.
#[derive(Debug, Clone)]
enum Product {
    /// Where the file lies in memory.
    Mapped(Mapped),
    /// candle's, on another device.
    Candle(QMatMul),
}

#[derive(Debug, Clone)]
struct Mapped {
    file: Arc<Mapping>,
    range: Range<usize>,
    kind: Kind,
    rows: usize,
    columns: usize,
}

impl Mapped {
    fn matrix(&self) -> Result<Matrix<'_>> {
        let bytes = self.file.bytes().get(self.range.clone());
        let matrix = bytes.and_then(|b| Matrix::new(self.kind, b, self.rows, self.columns));
        matrix.ok_or_else(|| candle_core::Error::Msg("a matrix lies outside its file".into()))
    }

    /// Rows of inputs to rows of outputs; the shape but for the last dimension stays.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if x.dim(D::Minus1)? != self.columns {
            bail!("inputs of {:?} for {} columns", x.shape(), self.columns);
        }
        let mut shape = x.dims().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = self.rows;
        }
        let x = x.to_dtype(DType::F32)?.contiguous()?;
        let (storage, layout) = x.storage_and_layout();
        let (Storage::Cpu(storage), Some((from, to))) = (&*storage, layout.contiguous_offsets())
        else {
            bail!("inputs are not in the memory of the CPU");
        };
        let x = storage.as_slice::<f32>()?.get(from..to).unwrap_or_default();
        let mut y = vec![0.0; x.len() / self.columns * self.rows];
        self.matrix()?.multiply(x, &mut y);
        Tensor::from_vec(y, shape, &Device::Cpu)
    }
}

/// A product with a weight of the file.
#[derive(Debug, Clone)]
pub struct Linear {
    product: Product,
    bias: Option<Tensor>,
}

impl Linear {
    /// Rows of inputs to rows of outputs.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = match &self.product {
            Product::Mapped(mapped) => mapped.forward(x)?,
            Product::Candle(product) => product.forward(x)?,
        };
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }
}

/// The embeddings of all tokens; rows are turned to floats as they are needed.
#[derive(Debug, Clone)]
pub struct Table {
    rows: Product,
    width: usize,
}

impl Table {
    /// The embeddings of some tokens, a row each.
    pub fn embed(&self, tokens: &[u32], device: &Device) -> Result<Tensor> {
        match &self.rows {
            Product::Mapped(mapped) => {
                let matrix = mapped.matrix()?;
                let mut rows = vec![0.0; tokens.len() * self.width];
                for (token, row) in tokens.iter().zip(rows.chunks_exact_mut(self.width)) {
                    if *token as usize >= mapped.rows {
                        bail!("there is no token {token}");
                    }
                    matrix.dequantize_row(*token as usize, row);
                }
                Tensor::from_vec(rows, (tokens.len(), self.width), device)
            }
            Product::Candle(product) => {
                let ids = Tensor::new(tokens, device)?;
                product.embedding(&ids)?.to_dtype(DType::F32)
            }
        }
    }

    /// The same matrix as the product that gives the logits.
    pub fn head(&self) -> Linear {
        Linear {
            product: self.rows.clone(),
            bias: None,
        }
    }
}
