//! Rows of numbers, one for each token: on the CPU plain floats for our kernels, on other
//! devices tensors of candle's. What a model does with them is written once.

use candle_core::{D, DType, Device, Result, Tensor, bail};
use candle_nn::ops;

use super::buffer::Buffer;
use super::rope::Angles;
use crate::kernels::matmul::Inputs;
use crate::kernels::rowwise::{self, Gate};

/// Rows of numbers.
#[derive(Debug)]
pub struct Activations {
    count: usize,
    width: usize,
    numbers: Numbers,
}

#[derive(Debug)]
enum Numbers {
    /// `count × width`, f32, row-major; and the blocks that products round them to.
    Host(Buffer, Box<Inputs>),
    /// `count × width`, contiguous.
    Device(Tensor),
}

/// Numbers that are applied to every row: gains of a norm, biases.
#[derive(Debug, Clone)]
pub enum Vector {
    /// On the CPU.
    Host(Vec<f32>),
    /// On another device.
    Device(Tensor),
}

impl Vector {
    /// Puts numbers where they are needed.
    pub fn new(numbers: Vec<f32>, device: Option<&Device>) -> Result<Self> {
        Ok(match device {
            None => Self::Host(numbers),
            Some(device) => {
                let count = numbers.len();
                Self::Device(Tensor::from_vec(numbers, count, device)?)
            }
        })
    }

    /// Counts the numbers.
    pub fn len(&self) -> usize {
        match self {
            Self::Host(numbers) => numbers.len(),
            Self::Device(tensor) => tensor.elem_count(),
        }
    }

    /// Tells whether there are no numbers.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the numbers, which must lie in the memory of the CPU.
    pub fn host(&self) -> Result<&[f32]> {
        match self {
            Self::Host(numbers) => Ok(numbers),
            Self::Device(_) => bail!("numbers lie on another device"),
        }
    }

    /// Returns the tensor of numbers, which must lie on a device.
    pub fn device(&self) -> Result<&Tensor> {
        match self {
            Self::Device(tensor) => Ok(tensor),
            Self::Host(_) => bail!("numbers lie on the CPU"),
        }
    }
}

impl Activations {
    /// Rows of `width` numbers on the CPU.
    pub fn host(numbers: impl Into<Buffer>, width: usize) -> Self {
        let numbers = numbers.into();
        Self {
            count: numbers.len() / width.max(1),
            width,
            numbers: Numbers::Host(numbers, Box::default()),
        }
    }

    /// Rows on a device. `tensor`: `count × width`.
    pub fn device(tensor: Tensor) -> Result<Self> {
        let (count, width) = tensor.dims2()?;
        Ok(Self {
            count,
            width,
            numbers: Numbers::Device(tensor.contiguous()?),
        })
    }

    /// Counts the rows.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Counts the numbers of a row.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Returns the numbers, row-major; none where they lie on another device.
    pub fn as_host(&self) -> Option<&[f32]> {
        match &self.numbers {
            Numbers::Host(numbers, _) => Some(numbers),
            Numbers::Device(_) => None,
        }
    }

    /// Returns the numbers, row-major, of rows that must lie in the memory of the CPU.
    pub fn on_host(&self) -> Result<&[f32]> {
        match self.as_host() {
            Some(numbers) => Ok(numbers),
            None => bail!("rows lie on another device"),
        }
    }

    /// Returns the tensor, `count × width`, of rows that must lie on a device.
    pub fn on_device(&self) -> Result<&Tensor> {
        match &self.numbers {
            Numbers::Device(tensor) => Ok(tensor),
            Numbers::Host(..) => bail!("rows lie on the CPU"),
        }
    }

    /// Returns the numbers, row-major, and the blocks that products round them to, kept for the
    /// next product with the same rows.
    pub fn inputs(&self) -> Result<(&[f32], &Inputs)> {
        match &self.numbers {
            Numbers::Host(numbers, inputs) => Ok((numbers, inputs)),
            Numbers::Device(_) => bail!("rows lie on another device"),
        }
    }

    /// Gives all numbers, row-major, from wherever they lie.
    pub fn into_vec(self) -> Result<Vec<f32>> {
        match self.numbers {
            Numbers::Host(numbers, _) => Ok(numbers.into_vec()),
            Numbers::Device(tensor) => tensor.flatten_all()?.to_dtype(DType::F32)?.to_vec1(),
        }
    }

    /// Gives the buffer of rows that must lie in the memory of the CPU: all numbers, row-major.
    pub fn into_host(self) -> Result<Buffer> {
        match self.numbers {
            Numbers::Host(numbers, _) => Ok(numbers),
            Numbers::Device(_) => bail!("rows lie on another device"),
        }
    }

    /// Computes the root mean square norm of each run of as many numbers as `gain` has.
    pub fn norm(&self, gain: &Vector, epsilon: f32) -> Result<Self> {
        let run = gain.len();
        if run == 0 || !self.width.is_multiple_of(run) {
            bail!("a norm of {run} numbers for rows of {}", self.width);
        }
        match &self.numbers {
            Numbers::Host(x, _) => {
                let mut y = Buffer::stale(x.len());
                rowwise::rms_norm(x, gain.host()?, epsilon, &mut y);
                Ok(Self::host(y, self.width))
            }
            Numbers::Device(x) => {
                let runs = x.reshape((self.count * self.width / run, run))?;
                let y = ops::rms_norm(&runs, gain.device()?, epsilon)?;
                Self::device(y.reshape((self.count, self.width))?)
            }
        }
    }

    /// Turns each head, a run of `head` numbers, by the angles of its row.
    pub fn turned(self, angles: &Angles, head: usize) -> Result<Self> {
        let Self {
            count,
            width,
            numbers,
        } = self;
        match numbers {
            Numbers::Host(mut x, _) => {
                rowwise::turn(&mut x, width, head, angles.turns());
                Ok(Self::host(x, width))
            }
            Numbers::Device(x) => {
                let x = x.reshape((count, width / head, head))?;
                Self::device(angles.turn(&x)?.reshape((count, width))?)
            }
        }
    }

    /// Computes `gate(self) · other`, number by number; both are of one shape.
    pub fn gated(self, gate: Gate, other: &Self) -> Result<Self> {
        if (self.count, self.width) != (other.count, other.width) {
            bail!("a gate of another shape");
        }
        match self.numbers {
            Numbers::Host(mut x, _) => {
                rowwise::gated(gate, &mut x, other.on_host()?, self.width);
                Ok(Self::host(x, self.width))
            }
            Numbers::Device(x) => {
                let x = match gate {
                    Gate::Silu => x.silu()?,
                    Gate::Gelu => x.gelu()?,
                    Gate::Sigmoid => ops::sigmoid(&x)?,
                };
                Self::device((x * other.on_device()?)?)
            }
        }
    }

    /// Adds rows of the same shape.
    pub fn plus(self, other: &Self) -> Result<Self> {
        if (self.count, self.width) != (other.count, other.width) {
            bail!("a sum of different shapes");
        }
        match self.numbers {
            Numbers::Host(mut x, _) => {
                rowwise::add(&mut x, other.on_host()?, self.width);
                Ok(Self::host(x, self.width))
            }
            Numbers::Device(x) => Self::device((x + other.on_device()?)?),
        }
    }

    /// Adds `bias`, `width` numbers, to every row.
    pub fn plus_each(self, bias: &Vector) -> Result<Self> {
        match self.numbers {
            Numbers::Host(mut x, _) => {
                let bias = bias.host()?;
                for row in x.chunks_exact_mut(self.width) {
                    for (x, bias) in row.iter_mut().zip(bias) {
                        *x += bias;
                    }
                }
                Ok(Self::host(x, self.width))
            }
            Numbers::Device(x) => Self::device(x.broadcast_add(bias.device()?)?),
        }
    }

    /// Multiplies all numbers with a factor.
    pub fn times(self, factor: f32) -> Result<Self> {
        match self.numbers {
            Numbers::Host(mut x, _) => {
                for x in x.iter_mut() {
                    *x *= factor;
                }
                Ok(Self::host(x, self.width))
            }
            Numbers::Device(x) => Self::device((x * f64::from(factor))?),
        }
    }

    /// Copies `width` columns from `first` on.
    pub fn columns(&self, first: usize, width: usize) -> Result<Self> {
        if first + width > self.width {
            bail!("columns to {} of {}", first + width, self.width);
        }
        match &self.numbers {
            Numbers::Host(x, _) => {
                let mut cut = Buffer::stale(self.count * width);
                let rows = x.chunks_exact(self.width);
                for (cut, row) in cut.chunks_exact_mut(width.max(1)).zip(rows) {
                    cut.copy_from_slice(&row[first..first + width]);
                }
                Ok(Self::host(cut, width))
            }
            Numbers::Device(x) => Self::device(x.narrow(D::Minus1, first, width)?),
        }
    }

    /// Parts each row's runs of `run` numbers: the first, third, … and the second, fourth, …;
    /// `count × width / 2` each.
    pub fn alternate(&self, run: usize) -> Result<(Self, Self)> {
        let half = self.width / 2;
        if run == 0 || !half.is_multiple_of(run) {
            bail!("runs of {run} in rows of {}", self.width);
        }
        match &self.numbers {
            Numbers::Host(x, _) => {
                let (mut a, mut b) = (Buffer::stale(x.len() / 2), Buffer::stale(x.len() / 2));
                let parts = a.chunks_exact_mut(run).zip(b.chunks_exact_mut(run));
                for (pair, (a, b)) in x.chunks_exact(2 * run).zip(parts) {
                    let (first, second) = pair.split_at(run);
                    a.copy_from_slice(first);
                    b.copy_from_slice(second);
                }
                Ok((Self::host(a, half), Self::host(b, half)))
            }
            Numbers::Device(x) => {
                let pairs = x.reshape((self.count, half / run, 2, run))?;
                let part = |i: usize| {
                    let part = pairs.narrow(2, i, 1)?.contiguous()?;
                    Self::device(part.reshape((self.count, half))?)
                };
                Ok((part(0)?, part(1)?))
            }
        }
    }

    /// Joins each row with the same row of `other`: `count × (width + other's width)`.
    pub fn beside(&self, other: &Self) -> Result<Self> {
        if self.count != other.count {
            bail!("{} rows beside {}", self.count, other.count);
        }
        match &self.numbers {
            Numbers::Host(x, _) => {
                let pairs = x
                    .chunks_exact(self.width)
                    .zip(other.on_host()?.chunks_exact(other.width));
                let joined: Vec<f32> = pairs
                    .flat_map(|(a, b)| a.iter().chain(b).copied())
                    .collect();
                Ok(Self::host(joined, self.width + other.width))
            }
            Numbers::Device(x) => Self::device(Tensor::cat(&[x, other.on_device()?], 1)?),
        }
    }

    /// Copies the last row alone.
    pub fn last(&self) -> Result<Self> {
        let at = self.count.saturating_sub(1);
        match &self.numbers {
            Numbers::Host(x, _) => {
                let Some(row) = x.get(at * self.width..) else {
                    bail!("{} numbers are not {} rows", x.len(), self.count);
                };
                Ok(Self::host(row.to_vec(), self.width))
            }
            Numbers::Device(x) => Self::device(x.narrow(0, at, 1)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both() -> [Activations; 2] {
        let numbers: Vec<f32> = (0..24).map(|i| i as f32 / 7.0 - 1.5).collect();
        let tensor = Tensor::from_vec(numbers.clone(), (3, 8), &Device::Cpu).expect("a tensor");
        [
            Activations::host(numbers, 8),
            Activations::device(tensor).expect("two dimensions"),
        ]
    }

    /// The rows that an operation makes of the same rows in either form.
    fn same(what: impl Fn(Activations, Option<&Device>) -> Result<Activations>) {
        let [host, device] = both();
        let host = what(host, None)
            .and_then(Activations::into_vec)
            .expect("rows");
        let device = what(device, Some(&Device::Cpu))
            .and_then(Activations::into_vec)
            .expect("rows");
        assert_eq!(host.len(), device.len());
        for (host, device) in host.iter().zip(&device) {
            assert!((host - device).abs() < 1e-5, "{host} {device}");
        }
    }

    #[test]
    fn both_forms_do_the_same() {
        let gain = |device: Option<&Device>| Vector::new(vec![1.0, 0.5, 2.0, 1.5], device);
        same(|rows, device| rows.norm(&gain(device)?, 1e-6));
        same(|rows, _| rows.columns(2, 5));
        same(|rows, _| rows.last());
        same(|rows, _| rows.beside(&rows.columns(1, 3)?));
        same(|rows, _| rows.times(3.0));
        same(|rows, _| Ok(rows.alternate(2)?.0));
        same(|rows, _| Ok(rows.alternate(2)?.1));
        same(|rows, _| {
            let other = rows.columns(0, 8)?;
            rows.plus(&other)
        });
        same(|rows, device| rows.plus_each(&Vector::new(vec![0.5; 8], device)?));
        for gate in [Gate::Silu, Gate::Gelu, Gate::Sigmoid] {
            same(|rows, _| {
                let other = rows.columns(0, 8)?;
                rows.gated(gate, &other)
            });
        }
        for halves in [true, false] {
            let rope = super::super::rope::Rope::new(4, 10_000.0, None, 1.0, halves);
            same(|rows, device| rows.turned(&rope.angles(5, 3, device)?, 4));
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        for rows in both() {
            assert!(rows.columns(4, 5).is_err());
            assert!(rows.alternate(3).is_err());
            assert!(rows.norm(&Vector::Host(vec![1.0; 3]), 1e-6).is_err());
        }
    }
}
