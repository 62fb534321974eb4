//! The state of a transformer put aside and taken up again.

use candle_core::{Result, bail};

use super::super::checkpoint::{Checkpoint, KeptLayer};
use super::{LayerState, Transformer};

impl Transformer {
    /// Returns the state as it is now, to be taken up again; cheap on the CPU.
    pub fn checkpoint(&mut self) -> Result<Checkpoint> {
        self.truncate(self.held)?;
        let layers = self.states.iter().map(|state| {
            Ok(match state {
                LayerState::KvCache(keys) => KeptLayer::KvCache(keys.saved(self.held)?),
                LayerState::Recurrent(state) => KeptLayer::Moment {
                    moment: state.now().clone(),
                    matrix: state.shape().state(),
                    rows: state.rows(),
                },
            })
        });
        Ok(Checkpoint {
            tokens: self.held,
            layers: layers.collect::<Result<_>>()?,
        })
    }

    /// Takes up a checkpoint of this network.
    ///
    /// # Errors
    /// Where it is of another; then the state is that of an empty text.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        self.truncate(0)?;
        let fits = checkpoint.tokens <= self.context
            && checkpoint.layers.len() == self.states.len()
            && checkpoint
                .layers
                .iter()
                .zip(&self.states)
                .all(|(kept, state)| match (kept, state) {
                    (KeptLayer::KvCache(kept), LayerState::KvCache(keys)) => {
                        kept.shape() == keys.shape() && kept.precision() == keys.precision()
                    }
                    (KeptLayer::Moment { matrix, rows, .. }, LayerState::Recurrent(state)) => {
                        *matrix == state.shape().state() && *rows == state.rows()
                    }
                    _ => false,
                });
        if !fits {
            bail!("the state that was kept is of another model");
        }
        for (kept, state) in checkpoint.layers.iter().zip(&mut self.states) {
            match (kept, state) {
                (KeptLayer::KvCache(kept), LayerState::KvCache(keys)) => {
                    *keys = kept.saved(checkpoint.tokens)?
                }
                (KeptLayer::Moment { moment, .. }, LayerState::Recurrent(state)) => {
                    state.restore(moment)
                }
                _ => bail!("the state that was kept is of another model"),
            }
        }
        self.held = checkpoint.tokens;
        Ok(())
    }
}
