//! The dense transformer that most architectures are variants of: norm, attention over
//! grouped heads with rotary positions, norm, gated feed-forward.

use candle_core::{D, Device, Result, Tensor, bail};
use candle_nn::attention::{AttnMask, flash_attn};
use candle_nn::ops::{rms_norm, softmax_last_dim};

use super::cache::Cache;
use super::hyper::Hyper;
use super::rope::{Angles, Rope};
use super::weights::{Linear, Table, Weights};

/// What tells one architecture from another.
#[derive(Debug, Clone, Default)]
pub struct Style {
    /// Rotary pairs are the halves of a head (else neighbours).
    pub halves: bool,
    /// The feed-forward's gate is GELU (else SiLU).
    pub gelu: bool,
    /// Embeddings are multiplied by the root of the width.
    pub scaled_embedding: bool,
    /// Queries, keys and values come out of one product, gate and up of another.
    pub fused: bool,
    /// Norm behind the attention, and behind the feed-forward.
    pub after_norms: bool,
    /// Layers that look back over so many tokens only, and how often one sees all.
    pub window: Option<Window>,
    /// What scores are multiplied by, where it is not one over the root of a head's width.
    pub scale: Option<f64>,
    /// Divides the rotary frequencies.
    pub rope_factors: Option<Vec<f32>>,
    /// Multiplies sine and cosine.
    pub rope_scale: Option<f32>,
}

/// Layers with a short view.
#[derive(Debug, Clone)]
pub struct Window {
    /// Tokens such a layer sees.
    pub tokens: usize,
    /// Every so-many-th layer sees all.
    pub every: usize,
    /// Base of the rotary frequencies in the layers with a short view, where they have their
    /// own.
    pub base: Option<f64>,
}

/// Which rows of logits are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// That of the last token.
    Last,
    /// All.
    All,
}

/// A dense transformer.
pub struct Dense {
    embedding: Table,
    embedding_scale: Option<f64>,
    blocks: Vec<Block>,
    norm: Tensor,
    head: Linear,
    rope: Rope,
    near_rope: Option<Rope>,
    hyper: Hyper,
    gelu: bool,
    scale: f32,
    context: usize,
    device: Device,
}

struct Block {
    attention_norm: Tensor,
    projection: Projection,
    query_norm: Option<Tensor>,
    key_norm: Option<Tensor>,
    output: Linear,
    after_attention: Option<Tensor>,
    feed_norm: Tensor,
    feed: Feed,
    after_feed: Option<Tensor>,
    window: Option<usize>,
    cache: Cache,
}

enum Projection {
    Apart { q: Linear, k: Linear, v: Linear },
    Fused(Linear),
}

enum Feed {
    Apart {
        gate: Linear,
        up: Linear,
        down: Linear,
    },
    Fused {
        gate_up: Linear,
        down: Linear,
    },
}

impl Dense {
    /// Loads the weights.
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape than the figures say.
    pub fn load(
        weights: &Weights<'_>,
        hyper: Hyper,
        style: &Style,
        context: usize,
    ) -> Result<Self> {
        let width = hyper.width;
        let embedding = weights.table("token_embd.weight", hyper.vocabulary, width)?;
        let mut blocks = Vec::with_capacity(hyper.layers);
        for layer in 0..hyper.layers {
            blocks.push(Block::load(weights, &hyper, style, context, layer)?);
        }
        let norm = weights.plain("output_norm.weight", width)?;
        let head = if weights.has("output.weight") {
            weights.linear("output", hyper.vocabulary, width)?
        } else {
            embedding.head()
        };
        let rope_factors = match &style.rope_factors {
            Some(factors) => Some(factors.clone()),
            None => hyper.stretch.map(|stretch| vec![stretch; hyper.rotary / 2]),
        };
        let rope = Rope::new(
            hyper.rotary,
            hyper.rope_base,
            rope_factors.as_deref(),
            style.rope_scale.unwrap_or(1.0),
            style.halves,
        );
        let near_rope = style
            .window
            .as_ref()
            .and_then(|window| window.base)
            .map(|base| Rope::new(hyper.rotary, base, None, 1.0, style.halves));
        Ok(Self {
            embedding,
            embedding_scale: style.scaled_embedding.then(|| (width as f64).sqrt()),
            blocks,
            norm,
            head,
            rope,
            near_rope,
            gelu: style.gelu,
            scale: style.scale.unwrap_or(1.0 / (hyper.head as f64).sqrt()) as f32,
            hyper,
            context,
            device: weights.device.clone(),
        })
    }

    /// Reads tokens at a position, forgetting what is held behind it; gives the logits of the
    /// last one, or of all, row by row.
    pub fn read(&mut self, tokens: &[u32], position: usize, rows: Rows) -> Result<Vec<f32>> {
        let count = tokens.len();
        if count == 0 || position + count > self.context {
            bail!("{count} tokens at {position} of {}", self.context);
        }
        let epsilon = self.hyper.epsilon as f32;
        let mut x = self.embedding.embed(tokens, &self.device)?;
        if let Some(scale) = self.embedding_scale {
            x = (x * scale)?;
        }
        let far = self.rope.angles(position, count, &self.device)?;
        let near = match &self.near_rope {
            Some(rope) => Some(rope.angles(position, count, &self.device)?),
            None => None,
        };
        for block in &mut self.blocks {
            let angles = match &near {
                Some(near) if block.window.is_some() => near,
                _ => &far,
            };
            block.cache.keep(position);
            let seen = block.attend(&x, angles, &self.hyper, self.scale)?;
            x = (x + seen)?;
            let fed = block.feed(&x, self.gelu, epsilon)?;
            x = (x + fed)?;
        }
        if rows == Rows::Last {
            x = x.narrow(0, count - 1, 1)?;
        }
        let x = rms_norm(&x.contiguous()?, &self.norm, epsilon)?;
        self.head.forward(&x)?.flatten_all()?.to_vec1()
    }
}

impl Dense {
    /// Forgets all but the first `tokens` of what was read; says how many are held then.
    pub fn cut(&mut self, tokens: usize) -> usize {
        let mut held = tokens;
        for block in &mut self.blocks {
            block.cache.keep(tokens);
            held = held.min(block.cache.held());
        }
        held
    }
}

impl Block {
    fn load(
        weights: &Weights<'_>,
        hyper: &Hyper,
        style: &Style,
        context: usize,
        layer: usize,
    ) -> Result<Self> {
        let name = |part: &str| format!("blk.{layer}.{part}");
        let (width, head) = (hyper.width, hyper.head);
        let (queries, keys) = (hyper.heads * head, hyper.kv_heads * head);
        let projection = if style.fused {
            Projection::Fused(weights.linear(&name("attn_qkv"), queries + 2 * keys, width)?)
        } else {
            Projection::Apart {
                q: weights.linear(&name("attn_q"), queries, width)?,
                k: weights.linear(&name("attn_k"), keys, width)?,
                v: weights.linear(&name("attn_v"), keys, width)?,
            }
        };
        let inner = weights
            .shape(&name("ffn_down.weight"))
            .and_then(|shape| shape.get(1).copied())
            .unwrap_or(0);
        let down = weights.linear(&name("ffn_down"), width, inner)?;
        let feed = if style.fused {
            Feed::Fused {
                gate_up: weights.linear(&name("ffn_up"), 2 * inner, width)?,
                down,
            }
        } else {
            Feed::Apart {
                gate: weights.linear(&name("ffn_gate"), inner, width)?,
                up: weights.linear(&name("ffn_up"), inner, width)?,
                down,
            }
        };
        let window = style
            .window
            .as_ref()
            .filter(|window| !(layer + 1).is_multiple_of(window.every.max(1)))
            .map(|window| window.tokens);
        let after = |weights: &Weights<'_>, part: &str| {
            style
                .after_norms
                .then(|| weights.plain(&name(part), width))
                .transpose()
        };
        Ok(Self {
            attention_norm: weights.plain(&name("attn_norm.weight"), width)?,
            projection,
            query_norm: weights.plain_if(&name("attn_q_norm.weight"), head)?,
            key_norm: weights.plain_if(&name("attn_k_norm.weight"), head)?,
            output: weights.linear(&name("attn_output"), width, queries)?,
            after_attention: after(weights, "post_attention_norm.weight")?,
            feed_norm: weights.plain(&name("ffn_norm.weight"), width)?,
            feed,
            after_feed: after(weights, "post_ffw_norm.weight")?,
            window,
            cache: Cache::new(context),
        })
    }

    /// Attention of the new rows over those held and themselves.
    fn attend(&mut self, x: &Tensor, angles: &Angles, hyper: &Hyper, scale: f32) -> Result<Tensor> {
        let epsilon = hyper.epsilon as f32;
        let (heads, kv_heads, width) = (hyper.heads, hyper.kv_heads, hyper.head);
        let count = x.dim(0)?;
        let x = rms_norm(x, &self.attention_norm, epsilon)?;
        let (q, k, v) = match &self.projection {
            Projection::Apart { q, k, v } => (q.forward(&x)?, k.forward(&x)?, v.forward(&x)?),
            Projection::Fused(all) => {
                let all = all.forward(&x)?;
                let (queries, keys) = (heads * width, kv_heads * width);
                (
                    all.narrow(D::Minus1, 0, queries)?,
                    all.narrow(D::Minus1, queries, keys)?,
                    all.narrow(D::Minus1, queries + keys, keys)?,
                )
            }
        };
        let mut q = q.contiguous()?.reshape((count, heads, width))?;
        let mut k = k.contiguous()?.reshape((count, kv_heads, width))?;
        let v = v.contiguous()?.reshape((count, kv_heads, width))?;
        if let Some(norm) = &self.query_norm {
            q = rms_norm(&q, norm, epsilon)?;
        }
        if let Some(norm) = &self.key_norm {
            k = rms_norm(&k, norm, epsilon)?;
        }
        let q = angles.turn(&q)?;
        let k = angles.turn(&k)?;
        // A window counts the token itself.
        let window = self.window.map(|window| window.saturating_sub(1));
        let (k, v) = self.cache.append(&k, &v, window)?;
        let before = k.dim(0)? - count;
        let narrow = self
            .window
            .is_some_and(|window| count > 1 && before + count > window);
        let seen = if q.device().is_cpu() && !narrow {
            flash_attn::<f32>(
                &q.unsqueeze(0)?,
                &k.unsqueeze(0)?,
                &v.unsqueeze(0)?,
                scale,
                AttnMask::causal_with_offset(before),
                None,
                None,
            )?
            .squeeze(0)?
        } else {
            plain_attention(&q, &k, &v, scale, before, self.window)?
        };
        let seen = seen
            .transpose(0, 1)?
            .contiguous()?
            .reshape((count, heads * width))?;
        let out = self.output.forward(&seen)?;
        match &self.after_attention {
            Some(norm) => rms_norm(&out, norm, epsilon),
            None => Ok(out),
        }
    }

    fn feed(&self, x: &Tensor, gelu: bool, epsilon: f32) -> Result<Tensor> {
        let x = rms_norm(x, &self.feed_norm, epsilon)?;
        let (gate, up, down) = match &self.feed {
            Feed::Apart { gate, up, down } => (gate.forward(&x)?, up.forward(&x)?, down),
            Feed::Fused { gate_up, down } => {
                let both = gate_up.forward(&x)?;
                let half = both.dim(D::Minus1)? / 2;
                (
                    both.narrow(D::Minus1, 0, half)?.contiguous()?,
                    both.narrow(D::Minus1, half, half)?.contiguous()?,
                    down,
                )
            }
        };
        let gate = if gelu { gate.gelu()? } else { gate.silu()? };
        let out = down.forward(&(gate * up)?)?;
        match &self.after_feed {
            Some(norm) => rms_norm(&out, norm, epsilon),
            None => Ok(out),
        }
    }
}

/// Attention by whole products and a mask: on other devices than the CPU, and where a window
/// cuts through the rows. Returns (heads, rows, width).
fn plain_attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    scale: f32,
    before: usize,
    window: Option<usize>,
) -> Result<Tensor> {
    let (count, heads, width) = q.dims3()?;
    let (all, kv_heads, _) = k.dims3()?;
    let group = heads / kv_heads;
    let by_head = |x: &Tensor, heads: usize, rows: usize| {
        x.transpose(0, 1)?
            .contiguous()?
            .reshape((heads, rows, width))
    };
    let repeat = |x: &Tensor| -> Result<Tensor> {
        by_head(x, kv_heads, all)?
            .unsqueeze(1)?
            .broadcast_as((kv_heads, group, all, width))?
            .contiguous()?
            .reshape((heads, all, width))
    };
    let q = (by_head(q, heads, count)? * f64::from(scale))?;
    let mut scores = q.matmul(&repeat(k)?.transpose(1, 2)?.contiguous()?)?;
    if count > 1 {
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
    softmax_last_dim(&scores)?.matmul(&repeat(v)?)
}
