//! The transformer that all architectures written here are variants of: norm, a mixing layer
//! (attention, or a delta net), norm, gated feed-forward.

mod checkpoints;
pub mod drafter;

use candle_core::{Device, Result, bail};

use super::activations::{Activations, Vector};
use super::attention::{Attention, AttentionForm};
use super::delta::DeltaNet;
use super::hyperparameters::{Hyperparameters, LayerKind};
use super::kv_cache::KvCache;
use super::linear::{Linear, Table};
use super::mlp::Mlp;
use super::recurrent::Recurrent;
use super::rope::{Angles, Rope};
use super::weights::Weights;
use crate::base::Cancel;
use crate::kernels::pool;
use crate::kernels::rowwise::Gate;

/// The traits that tell one architecture from another.
#[derive(Debug, Clone)]
pub struct Style {
    /// True if rotary pairs are the halves of a head (else neighbours).
    pub halves: bool,
    /// The activation of the feed-forward's gate.
    pub gate: Gate,
    /// True if embeddings are multiplied by the root of the width.
    pub scaled_embedding: bool,
    /// True if queries, keys and values come out of one product, gate and up of another.
    pub fused: bool,
    /// True if behind each query stands a gate for the output of its head.
    pub gated_attention: bool,
    /// The name of the norm before the feed-forward.
    pub feed_norm: &'static str,
    /// True if there are norms behind the attention and behind the feed-forward.
    pub after_norms: bool,
    /// Layers that look back over so many tokens only, and how often one sees all.
    pub window: Option<Window>,
    /// The factor of the scores, where it is not one over the root of a head's width.
    pub scale: Option<f64>,
    /// Divisors of the rotary frequencies, `rotary / 2` of them.
    pub rope_factors: Option<Vec<f32>>,
    /// The factor of sine and cosine.
    pub rope_scale: Option<f32>,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            halves: false,
            gate: Gate::Silu,
            scaled_embedding: false,
            fused: false,
            gated_attention: false,
            feed_norm: "ffn_norm",
            after_norms: false,
            window: None,
            scale: None,
            rope_factors: None,
            rope_scale: None,
        }
    }
}

/// Layers with a short view.
#[derive(Debug, Clone)]
pub struct Window {
    /// Tokens that such a layer sees.
    pub tokens: usize,
    /// The period of layers that see all: each layer whose number, from 1, is a multiple.
    pub every: usize,
    /// Base of the rotary frequencies in the layers with a short view, where they have their
    /// own.
    pub base: Option<f64>,
}

/// The rows of logits that are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The row of the last token.
    Last,
    /// The rows of all tokens.
    All,
}

/// A transformer with the state of one text.
pub struct Transformer {
    embedding: Table,
    embedding_scale: Option<f32>,
    blocks: Vec<Block>,
    norm: Vector,
    head: Linear,
    rope: Rope,
    near_rope: Option<Rope>,
    hyper: Hyperparameters,
    context: usize,
    device: Device,
    /// True if our kernels compute (else candle's tensors).
    ours: bool,
    states: Vec<LayerState>,
    /// Tokens that the state stands for.
    held: usize,
    /// Tokens before the last forward pass, while any part of it can be taken back.
    tried: Option<usize>,
    /// True if a recurrent layer may hold the state of another text.
    unclean: bool,
}

/// The state of a layer.
enum LayerState {
    KvCache(KvCache),
    Recurrent(Box<Recurrent>),
}

struct Block {
    norm: Vector,
    mix: Mix,
    after_mix: Option<Vector>,
    feed_norm: Vector,
    feed: Mlp,
    after_feed: Option<Vector>,
}

enum Mix {
    Attention(Attention),
    Delta(DeltaNet),
}

/// Angles of the rows of a forward pass, for layers that see all and for those that do not.
struct Turns {
    far: Angles,
    near: Option<Angles>,
}

impl Transformer {
    /// Loads the weights, for a context of so many tokens.
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape than the figures say.
    pub fn load(
        weights: &Weights<'_>,
        hyper: Hyperparameters,
        style: &Style,
        context: usize,
    ) -> Result<Self> {
        let width = hyper.width;
        let embedding = weights.table("token_embd.weight", hyper.vocabulary, width)?;
        let mut blocks = Vec::with_capacity(hyper.layers);
        for layer in 0..hyper.layers {
            blocks.push(Block::load(weights, &hyper, style, layer)?);
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
        let ours = weights.tensors_on().is_none();
        let states = blocks.iter().map(|block| block.state(ours));
        Ok(Self {
            states: states.collect::<Result<_>>()?,
            embedding,
            embedding_scale: style.scaled_embedding.then(|| (width as f32).sqrt()),
            blocks,
            norm,
            head,
            rope,
            near_rope,
            hyper,
            context,
            device: weights.device.clone(),
            ours,
            held: 0,
            tried: None,
            unclean: false,
        })
    }

    /// Counts the tokens that the state stands for.
    pub const fn n_past(&self) -> usize {
        self.held
    }

    /// Reads tokens behind those held and gives the logits of the last one, or of all:
    /// `rows × vocabulary`, row-major; none if cancelled. Where it is cancelled or fails, the
    /// state is as before.
    ///
    /// With `trial`, any number of these tokens can be taken back by [`Transformer::truncate`]
    /// until the next are read.
    pub fn read(
        &mut self,
        tokens: &[u32],
        wanted: Wanted,
        trial: bool,
        cancel: &Cancel,
    ) -> Result<Option<Vec<f32>>> {
        let read = pool::until(cancel, || {
            let x = self.forward(tokens, wanted, trial)?;
            let logits = self.logits(&x)?;
            // Logits that were cancelled in their last product look like any others.
            cancel.check().map_err(candle_core::Error::wrap)?;
            self.advance(tokens.len(), trial)?;
            Ok(logits)
        });
        or_cancelled(read, cancel)
    }

    /// Reads tokens as [`Self::read`] does, and gives the rows after the last norm,
    /// `rows × hidden`, in place of logits.
    pub fn rows(
        &mut self,
        tokens: &[u32],
        wanted: Wanted,
        cancel: &Cancel,
    ) -> Result<Option<Activations>> {
        let read = pool::until(cancel, || {
            let rows = self.forward(tokens, wanted, false)?;
            cancel.check().map_err(candle_core::Error::wrap)?;
            self.advance(tokens.len(), false)?;
            Ok(rows)
        });
        or_cancelled(read, cancel)
    }

    /// Computes the logits of rows after the last norm: `rows × vocabulary`, row-major.
    pub fn logits(&self, rows: &Activations) -> Result<Vec<f32>> {
        self.head.forward(rows)?.into_vec()
    }

    /// Returns the device of candle's tensors; none where our kernels compute.
    fn tensors_on(&self) -> Option<&Device> {
        (!self.ours).then_some(&self.device)
    }

    /// Takes over the state that a forward pass over `count` tokens has left; on trial, only once
    /// it is known how many of them stay.
    fn advance(&mut self, count: usize, trial: bool) -> Result<()> {
        if trial {
            self.tried = Some(self.held);
        } else {
            self.settle(count)?;
        }
        self.held += count;
        Ok(())
    }

    /// Runs all layers over tokens and gives the rows after the last norm, `rows × hidden`. The
    /// new state is not yet taken over. Once cancelled, the pass fails at the next product.
    fn forward(&mut self, tokens: &[u32], wanted: Wanted, trial: bool) -> Result<Activations> {
        let (count, position) = (tokens.len(), self.held);
        if count == 0 || position + count > self.context {
            bail!("{count} tokens at {position} of {}", self.context);
        }
        if std::mem::take(&mut self.unclean) {
            self.forget();
        }
        if self.unclean {
            bail!("the state of another text cannot be cleared");
        }
        // Whoever reads on takes all tokens that were on trial for right.
        if let Some(before) = self.tried.take() {
            self.settle(position - before)?;
        }
        let epsilon = self.hyper.epsilon as f32;
        let device = (!self.ours).then_some(&self.device);
        let mut x = self.embedding.embed(tokens, &self.device)?;
        if let Some(scale) = self.embedding_scale {
            x = x.times(scale)?;
        }
        let near = self
            .near_rope
            .as_ref()
            .map(|rope| rope.angles(position, count, device));
        let turns = Turns {
            far: self.rope.angles(position, count, device)?,
            near: near.transpose()?,
        };
        for (block, state) in self.blocks.iter().zip(&mut self.states) {
            x = block.forward(x, position, &turns, state, epsilon, trial)?;
        }
        if wanted == Wanted::Last {
            x = x.last()?;
        }
        x.norm(&self.norm, epsilon)
    }

    /// Takes over the first `count` tokens of the last forward pass.
    fn settle(&mut self, count: usize) -> Result<()> {
        for state in &mut self.states {
            if let LayerState::Recurrent(state) = state
                && !state.settle(count)
            {
                bail!("the last tokens cannot be taken back one by one");
            }
        }
        Ok(())
    }

    /// Tells whether some layer is recurrent, so that the state cannot be cut back to any length.
    pub fn is_recurrent(&self) -> bool {
        let recurrent = |state: &LayerState| matches!(state, LayerState::Recurrent(_));
        self.states.iter().any(recurrent)
    }

    /// Forgets all but the first `tokens` of those read; returns how many are held then: fewer
    /// where the state cannot be cut back to that length.
    pub fn truncate(&mut self, tokens: usize) -> Result<usize> {
        let wanted = tokens.min(self.held);
        if let Some(before) = self.tried.take() {
            let taken = wanted.saturating_sub(before);
            self.settle(taken)?;
            self.held = before + taken;
        }
        if wanted < self.held && self.is_recurrent() {
            for state in &mut self.states {
                if let LayerState::Recurrent(state) = state {
                    state.clear()?;
                }
            }
            self.held = 0;
        }
        self.held = self.held.min(wanted);
        Ok(self.held)
    }

    /// Forgets all tokens read, whatever state the layers are in.
    pub fn forget(&mut self) {
        self.tried = None;
        self.held = 0;
        for state in &mut self.states {
            if let LayerState::Recurrent(state) = state
                && let Err(error) = state.clear()
            {
                log::error!("the state of a layer cannot be cleared: {error}");
                self.unclean = true;
            }
        }
    }
}

/// Turns the failure of a pass that was cancelled into none.
fn or_cancelled<T>(result: Result<T>, cancel: &Cancel) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(_) if cancel.is_cancelled() => Ok(None),
        Err(error) => Err(error),
    }
}

impl Block {
    fn load(
        weights: &Weights<'_>,
        hyper: &Hyperparameters,
        style: &Style,
        layer: usize,
    ) -> Result<Self> {
        let plain = |part: &str| weights.plain(&format!("blk.{layer}.{part}.weight"), hyper.width);
        let after = |part: &str| style.after_norms.then(|| plain(part)).transpose();
        // The block behind the trunk has no kind of its own: it is one with attention.
        let mix = match hyper.kinds.get(layer) {
            Some(LayerKind::Delta(delta)) => Mix::Delta(DeltaNet::load(
                weights,
                hyper.width,
                hyper.epsilon as f32,
                delta.shape,
                delta.taps,
                layer,
            )?),
            _ => {
                let form = AttentionForm {
                    fused: style.fused,
                    gated: style.gated_attention,
                    window: style
                        .window
                        .as_ref()
                        .filter(|window| !(layer + 1).is_multiple_of(window.every.max(1)))
                        .map(|window| window.tokens),
                    scale: style.scale.unwrap_or(1.0 / (hyper.head as f64).sqrt()) as f32,
                };
                Mix::Attention(Attention::load(weights, hyper, layer, form)?)
            }
        };
        Ok(Self {
            norm: plain("attn_norm")?,
            mix,
            after_mix: after("post_attention_norm")?,
            feed_norm: plain(style.feed_norm)?,
            feed: Mlp::load(weights, hyper.width, layer, style.fused, style.gate)?,
            after_feed: after("post_ffw_norm")?,
        })
    }

    /// Returns the state of an empty text; in the form of our kernels if `ours`.
    fn state(&self, ours: bool) -> Result<LayerState> {
        Ok(match &self.mix {
            Mix::Attention(attention) => LayerState::KvCache(attention.state(ours)),
            Mix::Delta(delta) => LayerState::Recurrent(Box::new(delta.state()?)),
        })
    }

    /// Runs the block over rows, the first at `position`. `x` and the result: `tokens × hidden`.
    fn forward(
        &self,
        x: Activations,
        position: usize,
        turns: &Turns,
        state: &mut LayerState,
        epsilon: f32,
        trial: bool,
    ) -> Result<Activations> {
        let normed = x.norm(&self.norm, epsilon)?;
        let mut mixed = match (&self.mix, state) {
            (Mix::Attention(attention), LayerState::KvCache(keys)) => {
                let angles = match &turns.near {
                    Some(near) if attention.is_near() => near,
                    _ => &turns.far,
                };
                attention.forward(&normed, position, angles, keys)?
            }
            (Mix::Delta(delta), LayerState::Recurrent(state)) => {
                delta.forward(&normed, state, trial)?
            }
            _ => bail!("a layer has the state of another"),
        };
        if let Some(norm) = &self.after_mix {
            mixed = mixed.norm(norm, epsilon)?;
        }
        let x = x.plus(&mixed)?;
        let mut fed = self.feed.forward(&x.norm(&self.feed_norm, epsilon)?)?;
        if let Some(norm) = &self.after_feed {
            fed = fed.norm(norm, epsilon)?;
        }
        x.plus(&fed)
    }
}
