//! Keys and values of the tokens read so far, of one layer. On the CPU they lie in pages
//! that a checkpoint shares: only a page that is written to again is copied.

use std::sync::Arc;

use candle_core::{DType, Result, Tensor};

use super::activations::Activations;
use super::gguf::Header;
use super::weights::kind_of;
use crate::kernels::blocks::Kind;
use crate::kernels::pages::{Numbers, PAGE, Page, Precision, put_rows};

/// Returns the precision that keys and values of a model have on the CPU: half, which loses less
/// than its weights have lost, but single where all matrices are of single precision. Who takes
/// a file of that kind wants it calculated exactly, and pays for it in weights already.
pub fn precision(header: &Header) -> Precision {
    let mut matrices = header.tensors.iter().filter(|t| t.shape.len() > 1);
    if matrices.all(|tensor| kind_of(tensor.kind) == Some(Kind::F32)) {
        Precision::Single
    } else {
        Precision::Half
    }
}

/// The first size of a tensor, in tokens.
const FIRST: usize = 256;

/// Keys and values of one layer.
#[derive(Debug, Clone)]
pub struct KvCache {
    heads: usize,
    width: usize,
    kept: Kept,
}

#[derive(Debug, Clone)]
enum Kept {
    /// On the CPU.
    Pages(Precision, Vec<Arc<Page>>),
    /// On another device: `tokens × heads × width` each, with room for more tokens behind.
    Tensors(Option<(Tensor, Tensor)>),
}

impl KvCache {
    /// Keys and values of an empty text, for `heads` heads of `width` numbers; in pages of that
    /// precision, or in tensors where none is given.
    pub const fn new(heads: usize, width: usize, pages: Option<Precision>) -> Self {
        Self {
            heads,
            width,
            kept: match pages {
                Some(precision) => Kept::Pages(precision, Vec::new()),
                None => Kept::Tensors(None),
            },
        }
    }

    /// Puts keys and values, `tokens × (heads · width)` each, at a position; all that was held
    /// from there on is forgotten.
    pub fn put(&mut self, position: usize, keys: &Activations, values: &Activations) -> Result<()> {
        let (heads, width) = (self.heads, self.width);
        match &mut self.kept {
            Kept::Pages(precision, pages) => {
                pages.truncate(position.div_ceil(PAGE));
                let end = position + keys.count();
                while pages.len() * PAGE < end {
                    pages.push(Arc::new(Page::new(heads, width, *precision)));
                }
                put_rows(pages, position, keys.on_host()?, values.on_host()?);
            }
            Kept::Tensors(kept) => {
                let count = keys.count();
                let shape = (count, heads, width);
                let (keys, values) = (
                    keys.on_device()?.reshape(shape)?,
                    values.on_device()?.reshape(shape)?,
                );
                let old = kept.take();
                let (old_keys, old_values) = old.unzip();
                *kept = Some((
                    grown(old_keys, position, &keys)?,
                    grown(old_values, position, &values)?,
                ));
            }
        }
        Ok(())
    }

    /// Returns the pages; none on another device.
    pub fn pages(&self) -> Option<&[Arc<Page>]> {
        match &self.kept {
            Kept::Pages(_, pages) => Some(pages),
            Kept::Tensors(_) => None,
        }
    }

    /// Returns keys and values of `count` tokens from `start` on, `count × heads × width` each,
    /// on another device.
    pub fn tensors(&self, start: usize, count: usize) -> Result<(Tensor, Tensor)> {
        let Kept::Tensors(Some((keys, values))) = &self.kept else {
            candle_core::bail!("there are no keys on a device");
        };
        Ok((
            keys.narrow(0, start, count)?,
            values.narrow(0, start, count)?,
        ))
    }

    /// Returns keys and values of the first `tokens`, for a checkpoint. Pages are shared; tensors
    /// are copied, since they are written to in place.
    pub fn saved(&self, tokens: usize) -> Result<Self> {
        let kept = match &self.kept {
            Kept::Pages(precision, pages) => {
                let pages = pages.iter().take(tokens.div_ceil(PAGE));
                Kept::Pages(*precision, pages.cloned().collect())
            }
            Kept::Tensors(Some((keys, values))) if tokens > 0 => Kept::Tensors(Some((
                keys.narrow(0, 0, tokens)?.copy()?,
                values.narrow(0, 0, tokens)?.copy()?,
            ))),
            Kept::Tensors(_) => Kept::Tensors(None),
        };
        Ok(Self { kept, ..*self })
    }

    /// Counts the bytes that a checkpoint of so many tokens keeps alive.
    pub fn bytes(&self, tokens: usize) -> usize {
        // Tensors are of single precision.
        let number = self.precision().unwrap_or(Precision::Single).bytes();
        tokens.div_ceil(PAGE) * Page::size(self.heads, self.width) * number
    }

    /// Returns the precision of the pages; none on another device.
    pub const fn precision(&self) -> Option<Precision> {
        match &self.kept {
            Kept::Pages(precision, _) => Some(*precision),
            Kept::Tensors(_) => None,
        }
    }

    /// Makes as many pages as `tokens` take, and has `next` fill each with its numbers.
    ///
    /// # Errors
    /// The first that `next` gives.
    pub fn read_pages(
        heads: usize,
        width: usize,
        precision: Precision,
        tokens: usize,
        next: &mut dyn FnMut(&mut Numbers) -> std::io::Result<()>,
    ) -> std::io::Result<Self> {
        let mut pages = Vec::new();
        for _ in 0..tokens.div_ceil(PAGE) {
            let mut page = Page::new(heads, width, precision);
            next(page.numbers_mut())?;
            pages.push(Arc::new(page));
        }
        Ok(Self {
            heads,
            width,
            kept: Kept::Pages(precision, pages),
        })
    }

    /// Returns the number of heads, and the width of a head.
    pub const fn shape(&self) -> (usize, usize) {
        (self.heads, self.width)
    }
}

/// Puts `new`, `tokens × heads × width`, behind the first `held` rows of a buffer that is
/// enlarged where it must be.
fn grown(old: Option<Tensor>, held: usize, new: &Tensor) -> Result<Tensor> {
    let (count, heads, width) = new.dims3()?;
    let needed = held + count;
    let whole = match old {
        Some(whole) if whole.dim(0)? >= needed => whole,
        old => {
            let size = needed.next_power_of_two().max(FIRST);
            let larger = Tensor::zeros((size, heads, width), DType::F32, new.device())?;
            if let Some(old) = old.filter(|_| held > 0) {
                larger.slice_set(&old.narrow(0, 0, held)?.contiguous()?, 0, 0)?;
            }
            larger
        }
    };
    whole.slice_set(&new.contiguous()?, 0, held)?;
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn rows(from: usize, count: usize, device: bool) -> Activations {
        let numbers: Vec<f32> = (from..from + count).map(|i| i as f32).collect();
        if device {
            let tensor = Tensor::from_vec(numbers, (count, 1), &Device::Cpu).expect("a tensor");
            Activations::device(tensor).expect("rows")
        } else {
            Activations::host(numbers, 1)
        }
    }

    fn held(keys: &KvCache, count: usize) -> Vec<f32> {
        match keys.pages() {
            Some(pages) => (0..count)
                .map(|at| match pages[at / PAGE].numbers() {
                    Numbers::Halves(numbers) => numbers[at % PAGE].to_f32(),
                    Numbers::Floats(numbers) => numbers[at % PAGE],
                })
                .collect(),
            None => keys
                .tensors(0, count)
                .and_then(|(keys, _)| keys.flatten_all()?.to_vec1())
                .expect("numbers"),
        }
    }

    #[test]
    fn they_grow_forget_from_the_end_and_can_be_taken_up_again() {
        for pages in [Some(Precision::Half), Some(Precision::Single), None] {
            let device = pages.is_none();
            let mut keys = KvCache::new(1, 1, pages);
            let put = |keys: &mut KvCache, at: usize, from: usize, count: usize| {
                keys.put(at, &rows(from, count, device), &rows(from, count, device))
                    .expect("room");
            };
            put(&mut keys, 0, 0, 200);
            put(&mut keys, 200, 200, 100);
            let expected: Vec<f32> = (0..300).map(|i| i as f32).collect();
            assert_eq!(held(&keys, 300), expected);
            let saved = keys.saved(290).expect("a copy");
            put(&mut keys, 70, 1000, 3);
            assert_eq!(held(&keys, 73)[69..], [69.0, 1000.0, 1001.0, 1002.0]);
            // What was saved has not changed.
            assert_eq!(held(&saved, 290), expected[..290]);
        }
    }
}
