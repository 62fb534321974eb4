//! The block behind the trunk that predicts one token further (`nextn`): from the trunk's row of
//! a token and the token that follows it, the one after that. The block drafts; the trunk
//! verifies.

use candle_core::{Result, bail};

use super::{Block, LayerState, Style, Transformer, Turns};
use crate::model::activations::{Activations, Vector};
use crate::model::hyperparameters::Hyperparameters;
use crate::model::linear::Linear;
use crate::model::weights::Weights;

/// A block that predicts one token further, with the state of one text.
pub struct Drafter {
    /// The product that makes one row of two, an embedding and a hidden row: `2 · hidden` inputs,
    /// `hidden` outputs.
    merge: Linear,
    embedding_norm: Vector,
    hidden_norm: Vector,
    block: Block,
    norm: Vector,
    state: LayerState,
}

impl Drafter {
    /// Loads the block behind the trunk; none where the file has none.
    ///
    /// # Errors
    /// Where a tensor of it is missing or has another shape than the figures say.
    pub fn load(
        weights: &Weights<'_>,
        hyper: &Hyperparameters,
        style: &Style,
    ) -> Result<Option<Self>> {
        let at = hyper.layers;
        let name = |part: &str| format!("blk.{at}.nextn.{part}");
        if !weights.has(&name("eh_proj.weight")) {
            return Ok(None);
        }
        let width = hyper.width;
        let block = Block::load(weights, hyper, style, at)?;
        Ok(Some(Self {
            merge: weights.linear(&name("eh_proj"), width, 2 * width)?,
            embedding_norm: weights.plain(&name("enorm.weight"), width)?,
            hidden_norm: weights.plain(&name("hnorm.weight"), width)?,
            norm: weights.plain(&name("shared_head_norm.weight"), width)?,
            state: block.state(weights.tensors_on().is_none())?,
            block,
        }))
    }

    /// Computes the rows, `tokens × hidden`, that predict what comes behind each of `tokens`, the
    /// first of them at `position`. `hidden`, `tokens × hidden`, are the trunk's rows, after its
    /// last norm, of the tokens before each (zeros before the first of a text), or rows that this
    /// function gave. All tokens of a text are read, in order. [`Transformer::logits`] makes
    /// logits of the rows.
    ///
    /// # Errors
    /// Where there are not as many rows as tokens, or the arithmetic fails.
    pub fn forward(
        &mut self,
        trunk: &Transformer,
        tokens: &[u32],
        hidden: &Activations,
        position: usize,
    ) -> Result<Activations> {
        if tokens.len() != hidden.count() {
            bail!("{} tokens and {} rows", tokens.len(), hidden.count());
        }
        let epsilon = trunk.hyper.epsilon as f32;
        let embedded = trunk.embedding.embed(tokens, &trunk.device)?;
        let embedded = embedded.norm(&self.embedding_norm, epsilon)?;
        let both = embedded.beside(&hidden.norm(&self.hidden_norm, epsilon)?)?;
        let turns = Turns {
            far: trunk
                .rope
                .angles(position, tokens.len(), trunk.tensors_on())?,
            near: None,
        };
        let x = self.merge.forward(&both)?;
        let x = self
            .block
            .forward(x, position, &turns, &mut self.state, epsilon, false)?;
        x.norm(&self.norm, epsilon)
    }
}

#[cfg(test)]
#[path = "drafter_tests.rs"]
mod tests;
