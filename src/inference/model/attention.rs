//! Attention over grouped heads with rotary positions, in all the forms its architectures have.

use candle_core::{Result, Tensor};
use candle_nn::ops::softmax_last_dim;

use super::activations::{Activations, Vector};
use super::buffer::Buffer;
use super::hyperparameters::Hyperparameters;
use super::kv_cache::KvCache;
use super::linear::Linear;
use super::rope::Angles;
use super::weights::Weights;
use crate::kernels::attention;
use crate::kernels::pages::Precision;
use crate::kernels::rowwise::Gate;

/// The form of a layer's attention.
#[derive(Debug, Clone, Copy, Default)]
pub struct AttentionForm {
    /// True if queries, keys and values come out of one product.
    pub fused: bool,
    /// True if behind each head's query stands a gate for the head's output.
    pub gated: bool,
    /// Tokens that a token sees, itself among them, where not all.
    pub window: Option<usize>,
    /// Factor of the scores before their softmax.
    pub scale: f32,
}

/// The weights of a layer's attention.
pub struct Attention {
    projection: Projection,
    query_norm: Option<Vector>,
    key_norm: Option<Vector>,
    output: Linear,
    form: AttentionForm,
    heads: usize,
    kv_heads: usize,
    head: usize,
    epsilon: f32,
    precision: Precision,
}

enum Projection {
    Apart { q: Linear, k: Linear, v: Linear },
    Fused(Linear),
}

impl Attention {
    /// Loads the weights of a layer.
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape than the figures say.
    pub fn load(
        weights: &Weights<'_>,
        hyper: &Hyperparameters,
        layer: usize,
        form: AttentionForm,
    ) -> Result<Self> {
        let name = |part: &str| format!("blk.{layer}.{part}");
        let (width, head) = (hyper.width, hyper.head);
        let (queries, keys) = (hyper.heads * head, hyper.kv_heads * head);
        let projection = if form.fused {
            Projection::Fused(weights.linear(&name("attn_qkv"), queries + 2 * keys, width)?)
        } else {
            let gates = if form.gated { queries } else { 0 };
            Projection::Apart {
                q: weights.linear(&name("attn_q"), queries + gates, width)?,
                k: weights.linear(&name("attn_k"), keys, width)?,
                v: weights.linear(&name("attn_v"), keys, width)?,
            }
        };
        Ok(Self {
            projection,
            query_norm: weights.plain_if(&name("attn_q_norm.weight"), head)?,
            key_norm: weights.plain_if(&name("attn_k_norm.weight"), head)?,
            output: weights.linear(&name("attn_output"), width, queries)?,
            form,
            heads: hyper.heads,
            kv_heads: hyper.kv_heads,
            head,
            epsilon: hyper.epsilon as f32,
            precision: weights.precision,
        })
    }

    /// Tells whether the layer sees only the last tokens.
    pub const fn is_near(&self) -> bool {
        self.form.window.is_some()
    }

    /// Returns the keys and values of an empty text; in pages for the CPU, or in tensors.
    pub fn state(&self, pages: bool) -> KvCache {
        KvCache::new(self.kv_heads, self.head, pages.then_some(self.precision))
    }

    /// Computes the attention of new rows, the first at `position`, over those before and
    /// themselves. `x` and the result: `tokens × hidden`.
    pub fn forward(
        &self,
        x: &Activations,
        position: usize,
        angles: &Angles,
        state: &mut KvCache,
    ) -> Result<Activations> {
        let (queries, keys) = (self.heads * self.head, self.kv_heads * self.head);
        let (mut q, mut k, v, gate) = match &self.projection {
            Projection::Apart { q, k, v } => {
                let q = q.forward(x)?;
                let (q, gate) = if self.form.gated {
                    let (q, gate) = q.alternate(self.head)?;
                    (q, Some(gate))
                } else {
                    (q, None)
                };
                (q, k.forward(x)?, v.forward(x)?, gate)
            }
            Projection::Fused(all) => {
                let all = all.forward(x)?;
                (
                    all.columns(0, queries)?,
                    all.columns(queries, keys)?,
                    all.columns(queries + keys, keys)?,
                    None,
                )
            }
        };
        if let Some(norm) = &self.query_norm {
            q = q.norm(norm, self.epsilon)?;
        }
        if let Some(norm) = &self.key_norm {
            k = k.norm(norm, self.epsilon)?;
        }
        let q = q.turned(angles, self.head)?;
        let k = k.turned(angles, self.head)?;
        state.put(position, &k, &v)?;
        let mut seen = match state.pages() {
            Some(pages) => {
                let q = q.on_host()?;
                let mut out = Buffer::stale(q.len());
                let attention = attention::Attention {
                    pages,
                    position,
                    heads: self.heads,
                    scale: self.form.scale,
                    window: self.form.window,
                };
                attention.run(q, &mut out);
                Activations::host(out, queries)
            }
            None => self.by_tensors(&q, position, state)?,
        };
        if let Some(gate) = gate {
            seen = gate.gated(Gate::Sigmoid, &seen)?;
        }
        self.output.forward(&seen)
    }

    /// Computes attention by whole products and a mask, on other devices. `q` and the result:
    /// `tokens × (heads · head)`; keys and values of these tokens are in `state` already.
    fn by_tensors(&self, q: &Activations, position: usize, state: &KvCache) -> Result<Activations> {
        let (heads, kv_heads, width) = (self.heads, self.kv_heads, self.head);
        let count = q.count();
        // A window counts the token itself.
        let window = self.form.window.map(|window| window.saturating_sub(1));
        let start = window.map_or(0, |window| position.saturating_sub(window));
        let all = position + count - start;
        let (k, v) = state.tensors(start, all)?;
        let q = q.on_device()?.reshape((count, heads, width))?;
        let by_head = |x: &Tensor, heads: usize, rows: usize| {
            x.transpose(0, 1)?
                .contiguous()?
                .reshape((heads, rows, width))
        };
        let group = heads / kv_heads;
        let repeat = |x: &Tensor| -> Result<Tensor> {
            by_head(x, kv_heads, all)?
                .unsqueeze(1)?
                .broadcast_as((kv_heads, group, all, width))?
                .contiguous()?
                .reshape((heads, all, width))
        };
        let q = (by_head(&q, heads, count)? * f64::from(self.form.scale))?;
        let mut scores = q.matmul(&repeat(&k)?.transpose(1, 2)?.contiguous()?)?;
        if count > 1 {
            let before = position - start;
            let window = self.form.window;
            let mask: Vec<f32> = (0..count)
                .flat_map(|row| {
                    let at = before + row;
                    (0..all).map(move |column| {
                        let seen = column <= at && window.is_none_or(|window| at - column < window);
                        if seen { 0.0 } else { f32::NEG_INFINITY }
                    })
                })
                .collect();
            let mask = Tensor::from_vec(mask, (1, count, all), q.device())?;
            scores = scores.broadcast_add(&mask)?;
        }
        let seen = softmax_last_dim(&scores)?.matmul(&repeat(&v)?)?;
        let seen = seen.transpose(0, 1)?.contiguous()?;
        Activations::device(seen.reshape((count, heads * width))?)
    }
}
