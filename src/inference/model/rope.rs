//! Turning queries and keys by their position.

use candle_core::{D, Device, Result, Tensor, bail};

use crate::kernels::rowwise::Turns;

/// The rotary frequencies of one kind of layer.
#[derive(Debug, Clone)]
pub struct Rope {
    inverse: Vec<f32>,
    /// The factor of sine and cosine, for models stretched beyond their first context.
    scale: f32,
    /// True if the two halves of the rotary numbers are paired; else neighbours are.
    halves: bool,
}

/// Sine and cosine of some positions: `positions × rotary / 2` each.
#[derive(Debug, Clone)]
pub struct Angles {
    cos: Vec<f32>,
    sin: Vec<f32>,
    /// Cosine and sine on a device, where the model runs on one.
    tensors: Option<(Tensor, Tensor)>,
    rotary: usize,
    halves: bool,
}

impl Rope {
    /// Frequencies for the first `rotary` numbers of a head; each is divided by its factor,
    /// where `rotary / 2` factors are given.
    pub fn new(
        rotary: usize,
        base: f64,
        factors: Option<&[f32]>,
        scale: f32,
        halves: bool,
    ) -> Self {
        debug_assert!(factors.is_none_or(|factors| factors.len() == rotary / 2));
        let inverse = (0..rotary / 2)
            .map(|i| {
                let factor = factors.and_then(|f| f.get(i)).copied().unwrap_or(1.0);
                (1.0 / base.powf(2.0 * i as f64 / rotary as f64)) as f32 / factor
            })
            .collect();
        Self {
            inverse,
            scale,
            halves,
        }
    }

    /// Computes sine and cosine of `count` positions from `start` on; on `device` too, where one
    /// is given.
    pub fn angles(&self, start: usize, count: usize, device: Option<&Device>) -> Result<Angles> {
        let size = count * self.inverse.len();
        let (mut cos, mut sin) = (Vec::with_capacity(size), Vec::with_capacity(size));
        for position in start..start + count {
            for inverse in &self.inverse {
                let angle = f64::from(position as f32 * inverse);
                cos.push(angle.cos() as f32 * self.scale);
                sin.push(angle.sin() as f32 * self.scale);
            }
        }
        let shape = (count, self.inverse.len());
        let tensors = match device {
            None => None,
            Some(device) => Some((
                Tensor::from_vec(cos.clone(), shape, device)?,
                Tensor::from_vec(sin.clone(), shape, device)?,
            )),
        };
        Ok(Angles {
            cos,
            sin,
            tensors,
            rotary: self.inverse.len() * 2,
            halves: self.halves,
        })
    }
}

impl Angles {
    /// Returns the angles as the kernels of the CPU take them.
    pub fn turns(&self) -> Turns<'_> {
        Turns {
            cos: &self.cos,
            sin: &self.sin,
            rotary: self.rotary,
            halves: self.halves,
        }
    }

    /// Turns `x`, `positions × heads × width of a head`, on a device.
    pub fn turn(&self, x: &Tensor) -> Result<Tensor> {
        let width = x.dim(D::Minus1)?;
        if self.rotary == width {
            return self.turn_all(x);
        }
        let turned = self.turn_all(&x.narrow(D::Minus1, 0, self.rotary)?)?;
        let rest = x.narrow(D::Minus1, self.rotary, width - self.rotary)?;
        Tensor::cat(&[turned, rest], D::Minus1)
    }

    fn turn_all(&self, x: &Tensor) -> Result<Tensor> {
        let Some((cos, sin)) = &self.tensors else {
            bail!("angles lie on the CPU");
        };
        let x = x.unsqueeze(0)?;
        let turned = if self.halves {
            candle_nn::rotary_emb::rope_thd(&x.contiguous()?, cos, sin)?
        } else {
            let x = x.transpose(1, 2)?.contiguous()?;
            candle_nn::rotary_emb::rope_i(&x, cos, sin)?.transpose(1, 2)?
        };
        turned.squeeze(0)?.contiguous()
    }
}
