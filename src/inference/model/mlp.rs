//! The feed-forward part of a layer: a gate, what it lets through, and the way back.

use candle_core::Result;

use super::activations::Activations;
use super::linear::Linear;
use super::weights::Weights;
use crate::kernels::rowwise::Gate;

/// The weights of a layer's feed-forward part.
pub struct Mlp {
    inner: usize,
    entry: MlpInput,
    down: Linear,
    gate: Gate,
}

enum MlpInput {
    Apart { gate: Linear, up: Linear },
    Fused(Linear),
}

impl Mlp {
    /// Loads the weights of a layer; gate and up come out of one product if `fused`.
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape than the others say.
    pub fn load(
        weights: &Weights<'_>,
        width: usize,
        layer: usize,
        fused: bool,
        gate: Gate,
    ) -> Result<Self> {
        let name = |part: &str| format!("blk.{layer}.{part}");
        // A file may lack the tensor, or have it flat: then no product below has its shape.
        let inner = weights
            .shape(&name("ffn_down.weight"))
            .and_then(|shape| shape.get(1).copied())
            .unwrap_or(0);
        let entry = if fused {
            MlpInput::Fused(weights.linear(&name("ffn_up"), 2 * inner, width)?)
        } else {
            MlpInput::Apart {
                gate: weights.linear(&name("ffn_gate"), inner, width)?,
                up: weights.linear(&name("ffn_up"), inner, width)?,
            }
        };
        Ok(Self {
            inner,
            entry,
            down: weights.linear(&name("ffn_down"), width, inner)?,
            gate,
        })
    }

    /// Computes the feed-forward. `x` and the result: `tokens × hidden`.
    pub fn forward(&self, x: &Activations) -> Result<Activations> {
        let (gate, up) = match &self.entry {
            MlpInput::Apart { gate, up } => (gate.forward(x)?, up.forward(x)?),
            MlpInput::Fused(both) => {
                let both = both.forward(x)?;
                (
                    both.columns(0, self.inner)?,
                    both.columns(self.inner, self.inner)?,
                )
            }
        };
        self.down.forward(&gate.gated(self.gate, &up)?)
    }
}
