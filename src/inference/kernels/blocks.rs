//! The block formats of quantized weights, as GGML defines them, and the meaning of their bytes.
//!
//! Each format is told by one function that turns a block into whole numbers: `q` (0 to
//! [`Format::MOST`]) for each weight, a scale `k` and a minimum `n` for each run of
//! [`Format::SUB`] weights, and two floats for the block: the weight is `d · k · q − least · n`.
//! So all of a block's product but its last step is exact. This is the specification; every
//! fast product uses these very numbers, so there is one place where a format can be wrong.

use half::{bf16, f16};

/// The most runs of a block that have their own scale.
pub const MOST_RUNS: usize = 16;
/// The most weights of a block, and as many as are unpacked at once.
pub const MOST_WEIGHTS: usize = 256;
/// The most blocks that are unpacked at once.
pub const MOST_BLOCKS: usize = 8;

/// A format of weights that this build calculates with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the format's own")]
pub enum Kind {
    F32,
    F16,
    BF16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2K,
    Q3K,
    Q4K,
    Q5K,
    Q6K,
    IQ4NL,
    IQ4XS,
}

impl Kind {
    /// The format by the number of its type in a GGUF file; none for a type that is not calculated
    /// with here.
    pub const fn from_gguf(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::F32,
            1 => Self::F16,
            30 => Self::BF16,
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            6 => Self::Q5_0,
            7 => Self::Q5_1,
            8 => Self::Q8_0,
            10 => Self::Q2K,
            11 => Self::Q3K,
            12 => Self::Q4K,
            13 => Self::Q5K,
            14 => Self::Q6K,
            20 => Self::IQ4NL,
            23 => Self::IQ4XS,
            _ => return None,
        })
    }

    /// Weights of a block; 1 for floats.
    pub const fn block(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::BF16 => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 | Self::IQ4NL => 32,
            _ => 256,
        }
    }

    /// Bytes of a block.
    pub const fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::Q4_0 | Self::IQ4NL => 18,
            Self::Q4_1 => 20,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q8_0 => 34,
            Self::Q2K => 84,
            Self::Q3K => 110,
            Self::Q4K => 144,
            Self::Q5K => 176,
            Self::Q6K => 210,
            Self::IQ4XS => 136,
        }
    }

    /// Bytes of a row of `width` weights; none where the row is not whole blocks.
    pub const fn row_bytes(self, width: usize) -> Option<usize> {
        if width.is_multiple_of(self.block()) {
            (width / self.block()).checked_mul(self.bytes())
        } else {
            None
        }
    }

    /// Tells whether the weights are floats, not blocks.
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F16 | Self::BF16)
    }
}

/// 256 weights, unpacked: one block of 256, or eight of 32.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub struct Unpacked {
    /// The whole numbers `q`, a weight each.
    pub q: [u8; MOST_WEIGHTS],
    /// A scale for each run of a block of 256; 1 in smaller blocks.
    pub k: [i16; MOST_RUNS],
    /// A minimum for each run of a block of 256; 1 in smaller blocks.
    pub n: [i16; MOST_RUNS],
    /// The factor of the scales, for each block.
    pub d: [f32; MOST_BLOCKS],
    /// The factor of the minima, for each block.
    pub least: [f32; MOST_BLOCKS],
}

impl Unpacked {
    /// Room for 256 weights, all of them 0.
    pub const fn new() -> Self {
        Self {
            q: [0; MOST_WEIGHTS],
            k: [1; MOST_RUNS],
            n: [1; MOST_RUNS],
            d: [0.0; MOST_BLOCKS],
            least: [0.0; MOST_BLOCKS],
        }
    }

    /// The scale and the minimum of a run, as floats.
    #[inline(always)]
    pub fn run<F: Format>(&self, run: usize) -> (f32, f32) {
        let block = run * F::SUB / F::BLOCK;
        (
            self.d[block] * f32::from(self.k[run]),
            self.least[block] * f32::from(self.n[run]),
        )
    }
}

impl Default for Unpacked {
    fn default() -> Self {
        Self::new()
    }
}

/// Products of rows, which lie one behind the other, with a token that is the only one, by
/// AVX-512 with VNNI, which the caller must have found this CPU to have.
#[cfg(target_arch = "x86_64")]
pub type RowsByOne = unsafe fn(&[u8], &super::activations::RoundedInputs, &mut [f32]);

/// A format in blocks.
pub trait Format {
    /// The format's own products with a single token, where it has them.
    #[cfg(target_arch = "x86_64")]
    const BY_ONE: Option<RowsByOne> = None;

    /// The name of the format.
    const KIND: Kind;
    /// Weights of a block: 32 or 256.
    const BLOCK: usize;
    /// Bytes of a block.
    const BYTES: usize;
    /// Weights that share a scale: 16 or 32.
    const SUB: usize;
    /// The largest `q`.
    const MOST: i32;
    /// The number taken from each `q`, where it is the same for all; minima are made of it.
    const OFFSET: i16;

    /// Unpacks one block of [`Self::BYTES`] bytes into [`Self::BLOCK`] numbers, and in a block of
    /// 256 the scale of each run; returns the float of the scales and that of the minima.
    ///
    /// Without an offset the minima of a block of 256 are written too; with one they follow from
    /// the scales, as does their float, and are left alone.
    fn unpack(block: &[u8], q: &mut [u8], k: &mut [i16], n: &mut [i16]) -> (f32, f32);
}

/// Evaluates to `$run`, in which `$format` is the [`Format`] of a [`Kind`]; or `$float` for the
/// floats.
#[macro_export]
macro_rules! with_format {
    ($kind:expr, $format:ident => $run:expr, $float:expr) => {{
        use $crate::kernels::{blocks as k, formats as b};
        match $kind {
            k::Kind::F32 | k::Kind::F16 | k::Kind::BF16 => $float,
            k::Kind::Q4_0 => {
                type $format = b::Q4_0;
                $run
            }
            k::Kind::Q4_1 => {
                type $format = b::Q4_1;
                $run
            }
            k::Kind::Q5_0 => {
                type $format = b::Q5_0;
                $run
            }
            k::Kind::Q5_1 => {
                type $format = b::Q5_1;
                $run
            }
            k::Kind::Q8_0 => {
                type $format = b::Q8_0;
                $run
            }
            k::Kind::Q2K => {
                type $format = b::Q2K;
                $run
            }
            k::Kind::Q3K => {
                type $format = b::Q3K;
                $run
            }
            k::Kind::Q4K => {
                type $format = b::Q4K;
                $run
            }
            k::Kind::Q5K => {
                type $format = b::Q5K;
                $run
            }
            k::Kind::Q6K => {
                type $format = b::Q6K;
                $run
            }
            k::Kind::IQ4NL => {
                type $format = b::IQ4NL;
                $run
            }
            k::Kind::IQ4XS => {
                type $format = b::IQ4XS;
                $run
            }
        }
    }};
}

/// Unpacks the blocks of up to 256 weights, one after the other; returns the number of weights.
#[inline(always)]
pub fn unpack_chunk<F: Format>(bytes: &[u8], out: &mut Unpacked) -> usize {
    let blocks = bytes.chunks_exact(F::BYTES).take(MOST_WEIGHTS / F::BLOCK);
    let mut weights = 0;
    for (i, block) in blocks.enumerate() {
        let q = &mut out.q[i * F::BLOCK..][..F::BLOCK];
        let (d, least) = F::unpack(block, q, &mut out.k, &mut out.n);
        out.d[i] = d;
        out.least[i] = least;
        if F::OFFSET != 0 && F::BLOCK == MOST_WEIGHTS {
            for (n, k) in out.n[..F::BLOCK / F::SUB].iter_mut().zip(&out.k) {
                *n = F::OFFSET * k;
            }
            out.least[i] = d;
        } else if F::OFFSET != 0 {
            out.least[i] = d * f32::from(F::OFFSET);
        }
        weights += F::BLOCK;
    }
    weights
}

/// Bytes of 256 weights.
pub const fn chunk_bytes<F: Format>() -> usize {
    MOST_WEIGHTS / F::BLOCK * F::BYTES
}

/// Turns a row of weights into floats. `row` must be whole blocks, and `out` as long as they have
/// weights; numbers beyond the shorter of the two are left as they were.
pub fn dequantize(kind: Kind, row: &[u8], out: &mut [f32]) {
    fn blocks<F: Format>(row: &[u8], out: &mut [f32]) {
        let mut unpacked = Unpacked::new();
        for (bytes, out) in row
            .chunks(chunk_bytes::<F>())
            .zip(out.chunks_mut(MOST_WEIGHTS))
        {
            unpack_chunk::<F>(bytes, &mut unpacked);
            for (i, out) in out.iter_mut().enumerate() {
                let (scale, minimum) = unpacked.run::<F>(i / F::SUB);
                let q = i16::from(unpacked.q[i]);
                // Where there is an offset the difference is taken before it is rounded.
                *out = if F::OFFSET == 0 {
                    scale * f32::from(q) - minimum
                } else {
                    scale * f32::from(q - F::OFFSET)
                };
            }
        }
    }
    with_format!(kind, F => blocks::<F>(row, out), floats(kind, row, out));
}

/// Does [`dequantize`] for formats that are floats.
fn floats(kind: Kind, row: &[u8], out: &mut [f32]) {
    match kind {
        Kind::F32 => {
            for (bytes, out) in row.as_chunks::<4>().0.iter().zip(out) {
                *out = f32::from_le_bytes(*bytes);
            }
        }
        Kind::F16 => {
            for (bytes, out) in row.as_chunks::<2>().0.iter().zip(out) {
                *out = f16::from_le_bytes(*bytes).to_f32();
            }
        }
        _ => {
            for (bytes, out) in row.as_chunks::<2>().0.iter().zip(out) {
                *out = bf16::from_le_bytes(*bytes).to_f32();
            }
        }
    }
}
