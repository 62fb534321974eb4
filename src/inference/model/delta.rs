//! The gated delta net: the mixing layer of Qwen 3.5 and its kin that keeps a matrix for each
//! head where attention keeps all tokens (arXiv:2412.06464).

use std::sync::Arc;

use candle_core::{Device, Result, Tensor, bail};

use super::activations::{Activations, Vector};
use super::buffer::Buffer;
use super::linear::Linear;
use super::recurrent::{Moment, Pending, Recurrent, Replay};
use super::weights::Weights;
use crate::kernels::convolution::{self, MOST_TAPS};
use crate::kernels::delta::{self, Shape, Tokens};
use crate::kernels::exponent::{sigmoid, softplus};
use crate::kernels::rowwise::Gate;

/// The weights of a layer's delta net.
pub struct DeltaNet {
    shape: Shape,
    taps: usize,
    /// Queries, keys and values in one.
    mixed: Linear,
    /// The gate of the output.
    gate: Linear,
    alpha: Linear,
    beta: Linear,
    /// Weights of the convolution: `taps × channels`.
    taps_first: Vec<f32>,
    /// The weights of the convolution on a device, where the layer runs on one.
    taps_tensor: Option<Tensor>,
    /// Biases of `alpha`, one for each value head.
    time: Vec<f32>,
    /// Rates of decay, negative, one for each value head.
    fade: Vec<f32>,
    norm: Vector,
    output: Linear,
    epsilon: f32,
    device: Option<Device>,
}

impl DeltaNet {
    /// Loads the weights of a layer.
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape than the figures say.
    pub fn load(
        weights: &Weights<'_>,
        width: usize,
        epsilon: f32,
        shape: Shape,
        taps: usize,
        layer: usize,
    ) -> Result<Self> {
        let name = |part: &str| format!("blk.{layer}.{part}");
        if !(2..=MOST_TAPS).contains(&taps) || !shape.value.is_multiple_of(16) {
            bail!(
                "a convolution of {taps} tokens, value heads of {} numbers",
                shape.value
            );
        }
        let channels = shape.channels();
        let inner = shape.value_heads * shape.value;
        let by_channel = weights.floats(&name("ssm_conv1d.weight"), channels * taps)?;
        let taps_first: Vec<f32> = (0..taps)
            .flat_map(|tap| by_channel.iter().skip(tap).step_by(taps).copied())
            .collect();
        let device = weights.tensors_on().cloned();
        let taps_tensor = match &device {
            None => None,
            Some(device) => Some(Tensor::from_vec(
                taps_first.clone(),
                (taps, channels),
                device,
            )?),
        };
        Ok(Self {
            shape,
            taps,
            mixed: weights.linear(&name("attn_qkv"), channels, width)?,
            gate: weights.linear(&name("attn_gate"), inner, width)?,
            alpha: weights.linear(&name("ssm_alpha"), shape.value_heads, width)?,
            beta: weights.linear(&name("ssm_beta"), shape.value_heads, width)?,
            taps_first,
            taps_tensor,
            time: weights.floats(&name("ssm_dt.bias"), shape.value_heads)?,
            fade: weights.floats(&name("ssm_a"), shape.value_heads)?,
            norm: weights.plain(&name("ssm_norm.weight"), shape.value)?,
            output: weights.linear(&name("ssm_out"), width, inner)?,
            epsilon,
            device,
        })
    }

    /// Returns the state of an empty text.
    pub fn state(&self) -> Result<Recurrent> {
        let rows = (self.taps - 1) * self.shape.channels();
        Recurrent::new(self.shape, rows, self.device.as_ref())
    }

    /// Runs the rule over new rows. `x` and the result: `tokens × hidden`. The new state stays
    /// pending in `state` until it is settled; with `replay`, any number of these tokens can be
    /// settled, else all or none.
    pub fn forward(
        &self,
        x: &Activations,
        state: &mut Recurrent,
        replay: bool,
    ) -> Result<Activations> {
        let raw = self.mixed.forward(x)?;
        let gate = self.gate.forward(x)?;
        let beta = self.beta.forward(x)?.into_vec()?;
        let alpha = self.alpha.forward(x)?.into_vec()?;
        let heads = self.shape.value_heads;
        let beta: Vec<f32> = beta.into_iter().map(sigmoid).collect();
        let decay: Vec<f32> = alpha
            .chunks_exact(heads)
            .flat_map(|row| row.iter().zip(&self.time).zip(&self.fade))
            .map(|((alpha, time), fade)| fade * softplus(alpha + time))
            .collect();
        let out = if self.device.is_none() {
            self.by_kernels(raw, decay, beta, state, replay)?
        } else {
            self.by_tensors(raw.on_device()?, &decay, &beta, state, replay)?
        };
        let out = out.norm(&self.norm, self.epsilon)?;
        self.output.forward(&gate.gated(Gate::Silu, &out)?)
    }

    /// Runs the rule by our kernels. `raw`: `tokens × channels`; `decay` and `beta`:
    /// `tokens × value_heads`; the result: `tokens × (value_heads · value)`.
    fn by_kernels(
        &self,
        raw: Activations,
        decay: Vec<f32>,
        beta: Vec<f32>,
        state: &mut Recurrent,
        replay: bool,
    ) -> Result<Activations> {
        let count = raw.count();
        let channels = self.shape.channels();
        let inner = self.shape.value_heads * self.shape.value;
        let raw = raw.into_host()?;
        let (mut after, mut kept) = state.buffer();
        let Moment::Host(now) = state.now() else {
            bail!("the state lies on another device");
        };
        let mut rows = Buffer::stale(raw.len());
        convolution::causal(&self.taps_first, &now.1, &raw, &mut rows, channels);
        convolution::remember(&now.1, &raw, &mut kept);
        delta::normalize(&mut rows, self.shape, self.epsilon);
        let tokens = Tokens {
            rows: &rows,
            decay: &decay,
            beta: &beta,
        };
        let mut out = Buffer::stale(count * inner);
        delta::run(self.shape, &now.0, tokens, &mut after, &mut out);
        state.leave(Pending {
            count,
            after: Moment::Host(Arc::new((after, kept))),
            replay: replay.then_some(Replay::Host {
                rows,
                decay,
                beta,
                raw,
            }),
        });
        Ok(Activations::host(out, inner))
    }

    /// Runs the rule by candle's tensors, token by token, on other devices. Shapes are those of
    /// [`Self::by_kernels`].
    fn by_tensors(
        &self,
        raw: &Tensor,
        decay: &[f32],
        beta: &[f32],
        state: &mut Recurrent,
        replay: bool,
    ) -> Result<Activations> {
        let (Moment::Device(matrix, kept), Some(taps)) = (state.now(), &self.taps_tensor) else {
            bail!("the state lies on the CPU");
        };
        let Shape {
            value_heads, value, ..
        } = self.shape;
        let device = raw.device();
        let count = raw.dim(0)?;
        let all = Tensor::cat(&[kept, raw], 0)?;
        let Heads { q, k, v } = self.heads(&self.convolved(&all, taps, count)?)?;
        let by_head = |numbers: &[f32]| {
            Tensor::from_vec(numbers.to_vec(), (count, value_heads, 1, 1), device)
        };
        let (fade, beta) = (by_head(decay)?.exp()?, by_head(beta)?);
        let mut matrix = matrix.clone();
        let mut out = Vec::with_capacity(count);
        let mut moments = Vec::new();
        for t in 0..count {
            let q = q.get(t)?.unsqueeze(1)?.contiguous()?;
            let k = k.get(t)?.unsqueeze(1)?.contiguous()?;
            let v = v.get(t)?.unsqueeze(1)?;
            matrix = matrix.broadcast_mul(&fade.get(t)?)?;
            let written = (v - k.matmul(&matrix)?)?.broadcast_mul(&beta.get(t)?)?;
            matrix = (matrix + k.transpose(1, 2)?.contiguous()?.matmul(&written)?)?;
            out.push(q.matmul(&matrix)?.reshape((1, value_heads * value))?);
            if replay {
                let kept = all.narrow(0, t + 1, self.taps - 1)?.copy()?;
                moments.push(Moment::Device(matrix.clone(), kept));
            }
        }
        let kept = all.narrow(0, count, self.taps - 1)?.copy()?;
        state.leave(Pending {
            count,
            after: Moment::Device(matrix, kept),
            replay: replay.then_some(Replay::Device(moments)),
        });
        Activations::device(Tensor::cat(&out, 0)?)
    }

    /// Convolves each channel over time. `all`: `(taps − 1 + count) × channels`; `taps`:
    /// `taps × channels`; the result: `count × channels`.
    fn convolved(&self, all: &Tensor, taps: &Tensor, count: usize) -> Result<Tensor> {
        let mut mixed = all.narrow(0, 0, count)?.zeros_like()?;
        for tap in 0..self.taps {
            let rows = all.narrow(0, tap, count)?;
            mixed = (mixed + rows.broadcast_mul(&taps.narrow(0, tap, 1)?)?)?;
        }
        mixed.silu()
    }

    /// Parts convolved rows, `tokens × channels`, into heads; queries and keys get the length 1,
    /// queries their scale too.
    fn heads(&self, mixed: &Tensor) -> Result<Heads> {
        let Shape {
            key_heads,
            value_heads,
            key,
            value,
        } = self.shape;
        let count = mixed.dim(0)?;
        let half = key_heads * key;
        let unit = |first: usize| -> Result<Tensor> {
            let heads = mixed
                .narrow(1, first, half)?
                .contiguous()?
                .reshape((count, key_heads, key))?;
            let length = (heads.sqr()?.sum_keepdim(2)? + f64::from(self.epsilon))?.sqrt()?;
            let heads = heads.broadcast_div(&length)?;
            // Value head i uses key head i modulo their number.
            Tensor::cat(&vec![heads; value_heads / key_heads], 1)
        };
        Ok(Heads {
            q: (unit(0)? / (key as f64).sqrt())?,
            k: unit(half)?,
            v: mixed
                .narrow(1, 2 * half, value_heads * value)?
                .contiguous()?
                .reshape((count, value_heads, value))?,
        })
    }
}

/// Queries, keys and values of some tokens, `tokens × value_heads × width` each.
struct Heads {
    q: Tensor,
    k: Tensor,
    v: Tensor,
}
