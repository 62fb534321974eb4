//! The state of a network at one moment, kept to be taken up again, in memory and in a file.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::sync::Arc;

use super::kv_cache::KvCache;
use super::recurrent::Moment;
use crate::kernels::lines::Lines;
use crate::kernels::pages::{Numbers, PAGE, Precision};

/// Most heads, widths and numbers that a file may claim; all models lie far below.
const MOST: u64 = 1 << 28;
/// Numbers that are turned to bytes at once.
const AT_ONCE: usize = 16 << 10;

/// The state of a network after some tokens.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// The number of these tokens.
    pub(super) tokens: usize,
    /// The state of each layer.
    pub(super) layers: Vec<KeptLayer>,
}

/// The state of a layer.
#[derive(Debug, Clone)]
pub(super) enum KeptLayer {
    /// The state of a layer with attention.
    KvCache(KvCache),
    /// The state of a layer with a delta rule, and how many numbers its two parts have.
    Moment {
        moment: Moment,
        matrix: usize,
        rows: usize,
    },
}

impl Checkpoint {
    /// Counts the tokens that the checkpoint stands for.
    pub const fn tokens(&self) -> usize {
        self.tokens
    }

    /// Cuts the state back to its first `tokens`; none where that cannot be done: with a delta
    /// rule, or if a device refuses the copy.
    pub fn cut(mut self, tokens: usize) -> Option<Self> {
        if tokens == self.tokens {
            return Some(self);
        }
        for layer in &mut self.layers {
            match layer {
                KeptLayer::KvCache(keys) => *keys = keys.saved(tokens).ok()?,
                KeptLayer::Moment { .. } => return None,
            }
        }
        self.tokens = self.tokens.min(tokens);
        Some(self)
    }

    /// Counts the bytes that the checkpoint keeps alive by itself: recurrent state. Keys and values
    /// are mostly shared with the state that goes on.
    pub fn own_bytes(&self) -> usize {
        let bytes = |kept: &KeptLayer| match kept {
            KeptLayer::KvCache(_) => 0,
            KeptLayer::Moment { matrix, rows, .. } => (matrix + rows) * 4,
        };
        self.layers.iter().map(bytes).sum()
    }

    /// Counts the bytes that the checkpoint takes in a file.
    pub fn file_bytes(&self) -> usize {
        let bytes = |kept: &KeptLayer| match kept {
            KeptLayer::KvCache(keys) => keys.bytes(self.tokens),
            KeptLayer::Moment { .. } => 0,
        };
        let sizes = 16 + 24 * self.layers.len();
        sizes + self.own_bytes() + self.layers.iter().map(bytes).sum::<usize>()
    }

    /// Writes the checkpoint, little-endian: the number of tokens and of layers; for each layer
    /// with attention 0 (or, where its pages are of single precision, 2), heads, width, and the
    /// numbers of its pages; for each with a delta rule 1, the sizes of its two parts, and their
    /// numbers.
    ///
    /// # Errors
    /// Those of the writer; unsupported where the state lies on another device.
    pub fn write(&self, out: &mut dyn Write) -> Result<()> {
        number(out, self.tokens)?;
        number(out, self.layers.len())?;
        for layer in &self.layers {
            match layer {
                KeptLayer::KvCache(keys) => {
                    let (heads, width) = keys.shape();
                    let kind = match keys.precision().ok_or(ErrorKind::Unsupported)? {
                        Precision::Half => 0,
                        Precision::Single => 2,
                    };
                    [kind, heads, width]
                        .iter()
                        .try_for_each(|n| number(out, *n))?;
                    let pages = keys.pages().ok_or(ErrorKind::Unsupported)?;
                    for page in pages {
                        match page.numbers() {
                            Numbers::Halves(halves) => {
                                numbers(out, halves, half::f16::to_le_bytes)?
                            }
                            Numbers::Floats(floats) => numbers(out, floats, f32::to_le_bytes)?,
                        }
                    }
                }
                KeptLayer::Moment {
                    moment,
                    matrix,
                    rows,
                } => {
                    [1, *matrix, *rows]
                        .iter()
                        .try_for_each(|n| number(out, *n))?;
                    let Moment::Host(moment) = moment else {
                        return Err(ErrorKind::Unsupported.into());
                    };
                    numbers(out, &moment.0, f32::to_le_bytes)?;
                    numbers(out, &moment.1, f32::to_le_bytes)?;
                }
            }
        }
        Ok(())
    }

    /// Reads what [`Checkpoint::write`] has written; `left` are the bytes that there are.
    ///
    /// # Errors
    /// Those of the reader; invalid data where it cannot be.
    pub fn read(from: &mut dyn Read, mut left: u64) -> Result<Self> {
        let tokens = size(from)?;
        let count = size(from)?;
        // No room is made for more than the file can hold.
        let mut take = |bytes: Option<usize>| {
            let rest = bytes.and_then(|bytes| left.checked_sub(bytes as u64));
            left = rest.ok_or_else(broken)?;
            Ok::<(), Error>(())
        };
        let mut layers = Vec::new();
        for _ in 0..count {
            let (kind, a, b) = (size(from)?, size(from)?, size(from)?);
            layers.push(match kind {
                0 | 2 => {
                    let precision = match kind {
                        0 => Precision::Half,
                        _ => Precision::Single,
                    };
                    let padded = b.next_multiple_of(16).checked_add(b);
                    let per_token =
                        padded.and_then(|n| n.checked_mul(a)?.checked_mul(precision.bytes()));
                    let held = tokens.next_multiple_of(PAGE);
                    take(per_token.and_then(|bytes| bytes.checked_mul(held)))?;
                    let mut next = |numbers: &mut Numbers| match numbers {
                        Numbers::Halves(halves) => read(from, halves, half::f16::from_le_bytes),
                        Numbers::Floats(floats) => read(from, floats, f32::from_le_bytes),
                    };
                    KeptLayer::KvCache(KvCache::read_pages(a, b, precision, tokens, &mut next)?)
                }
                1 => {
                    take(a.checked_mul(4))?;
                    take(b.checked_mul(4))?;
                    let (mut state, mut rows) = (Lines::zeros(a), Lines::zeros(b));
                    read(from, &mut state, f32::from_le_bytes)?;
                    read(from, &mut rows, f32::from_le_bytes)?;
                    KeptLayer::Moment {
                        moment: Moment::Host(Arc::new((state, rows))),
                        matrix: a,
                        rows: b,
                    }
                }
                _ => return Err(broken()),
            });
        }
        Ok(Self { tokens, layers })
    }
}

fn broken() -> Error {
    Error::new(ErrorKind::InvalidData, "the file is no state of a model")
}

fn number(out: &mut dyn Write, n: usize) -> Result<()> {
    out.write_all(&(n as u64).to_le_bytes())
}

fn size(from: &mut dyn Read) -> Result<usize> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    match u64::from_le_bytes(bytes) {
        n if n <= MOST => Ok(n as usize),
        _ => Err(broken()),
    }
}

fn numbers<T: Copy, const N: usize>(
    out: &mut dyn Write,
    numbers: &[T],
    to_bytes: impl Fn(T) -> [u8; N],
) -> Result<()> {
    let mut bytes = Vec::with_capacity(AT_ONCE * N);
    for part in numbers.chunks(AT_ONCE) {
        bytes.clear();
        bytes.extend(part.iter().flat_map(|x| to_bytes(*x)));
        out.write_all(&bytes)?;
    }
    Ok(())
}

fn read<T, const N: usize>(
    from: &mut dyn Read,
    numbers: &mut [T],
    from_bytes: impl Fn([u8; N]) -> T,
) -> Result<()> {
    let mut bytes = Vec::new();
    for part in numbers.chunks_mut(AT_ONCE) {
        bytes.resize(part.len() * N, 0);
        from.read_exact(&mut bytes)?;
        for (x, bytes) in part.iter_mut().zip(bytes.as_chunks::<N>().0) {
            *x = from_bytes(*bytes);
        }
    }
    Ok(())
}
