//! Keys and values of the tokens read so far: grows by doubling, forgets from the end.

use candle_core::{DType, Device, Result, Tensor};

/// The first size in tokens.
const FIRST: usize = 256;

/// One layer's keys and values.
#[derive(Debug)]
pub struct Cache {
    keys: Option<Tensor>,
    values: Option<Tensor>,
    held: usize,
    most: usize,
}

impl Cache {
    /// An empty one that will hold `most` tokens at most.
    pub const fn new(most: usize) -> Self {
        Self {
            keys: None,
            values: None,
            held: 0,
            most,
        }
    }

    /// Tokens held.
    pub const fn held(&self) -> usize {
        self.held
    }

    /// Forgets what is behind the first `tokens`.
    pub fn keep(&mut self, tokens: usize) {
        self.held = self.held.min(tokens);
    }

    /// Appends keys and values (tokens, heads, width) and gives those of the last `window`
    /// tokens and the new ones, or of all.
    pub fn append(
        &mut self,
        keys: &Tensor,
        values: &Tensor,
        window: Option<usize>,
    ) -> Result<(Tensor, Tensor)> {
        let (count, _, _) = keys.dims3()?;
        let held = self.held;
        let all_keys = grown(&mut self.keys, held, count, self.most, keys)?;
        let all_values = grown(&mut self.values, held, count, self.most, values)?;
        self.held = held + count;
        let start = window.map_or(0, |window| held.saturating_sub(window));
        Ok((
            all_keys.narrow(0, start, self.held - start)?,
            all_values.narrow(0, start, self.held - start)?,
        ))
    }
}

/// Puts `new` behind the first `held` rows of a buffer that is enlarged where it must be.
fn grown(
    buffer: &mut Option<Tensor>,
    held: usize,
    count: usize,
    most: usize,
    new: &Tensor,
) -> Result<Tensor> {
    let needed = held + count;
    if needed > most {
        candle_core::bail!("{needed} tokens do not fit a context of {most}");
    }
    let (_, heads, width) = new.dims3()?;
    let whole = match buffer.take() {
        Some(whole) if whole.dim(0)? >= needed => whole,
        old => {
            let size = needed.next_power_of_two().clamp(FIRST, most.max(FIRST));
            let larger = empty(size, heads, width, new.device())?;
            if let Some(old) = old.filter(|_| held > 0) {
                larger.slice_set(&old.narrow(0, 0, held)?.contiguous()?, 0, 0)?;
            }
            larger
        }
    };
    whole.slice_set(&new.contiguous()?, 0, held)?;
    *buffer = Some(whole.clone());
    Ok(whole)
}

fn empty(size: usize, heads: usize, width: usize, device: &Device) -> Result<Tensor> {
    Tensor::zeros((size, heads, width), DType::F32, device)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(from: usize, count: usize) -> Tensor {
        let numbers: Vec<f32> = (from..from + count).map(|i| i as f32).collect();
        Tensor::from_vec(numbers, (count, 1, 1), &Device::Cpu).expect("a tensor")
    }

    fn numbers(tensor: &Tensor) -> Vec<f32> {
        tensor
            .flatten_all()
            .and_then(|flat| flat.to_vec1())
            .expect("numbers")
    }

    #[test]
    fn it_grows_and_forgets_from_the_end() {
        let mut cache = Cache::new(1000);
        cache
            .append(&rows(0, 200), &rows(0, 200), None)
            .expect("fits");
        let (keys, _) = cache
            .append(&rows(200, 100), &rows(200, 100), None)
            .expect("fits");
        let expected: Vec<f32> = (0..300).map(|i| i as f32).collect();
        assert_eq!(numbers(&keys), expected);
        cache.keep(2);
        let (keys, values) = cache.append(&rows(7, 1), &rows(8, 1), None).expect("fits");
        assert_eq!(numbers(&keys), [0.0, 1.0, 7.0]);
        assert_eq!(numbers(&values), [0.0, 1.0, 8.0]);
        let (keys, _) = cache
            .append(&rows(9, 1), &rows(9, 1), Some(1))
            .expect("fits");
        assert_eq!(numbers(&keys), [7.0, 9.0]);
        assert!(cache.append(&rows(0, 1000), &rows(0, 1000), None).is_err());
    }
}
