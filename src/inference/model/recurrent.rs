//! The state of a layer with a delta rule: a matrix for each head, and the last raw rows before
//! its convolution. Neither can be cut back, so what a forward pass makes of them lies beside
//! what was there before until it is taken over.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};

use super::buffer::Buffer;
use crate::base::bug::bug;
use crate::kernels::convolution;
use crate::kernels::delta::{self, Shape, Tokens};
use crate::kernels::lines::Lines;

/// A moment of the state.
#[derive(Debug, Clone)]
pub enum Moment {
    /// On the CPU: the matrices, `value_heads × key × value`, and the raw rows,
    /// `(taps − 1) × channels`. Never changed once they are here, so a checkpoint is a second
    /// reference.
    Host(Arc<(Lines, Lines)>),
    /// On another device: matrices and rows as tensors, which are never written to.
    Device(Tensor, Tensor),
}

/// A layer's state.
#[derive(Debug)]
pub struct Recurrent {
    shape: Shape,
    /// Numbers of the rows kept for the convolution.
    rows: usize,
    now: Moment,
    /// The state that the last forward pass left, not yet taken over.
    pending: Option<Pending>,
    /// A buffer of the sizes of `now`, free to be filled.
    spare: Option<(Lines, Lines)>,
}

/// The state that a forward pass leaves.
#[derive(Debug)]
pub struct Pending {
    /// Tokens that the pass read.
    pub count: usize,
    /// The state after the last of these tokens.
    pub after: Moment,
    /// The means to find the state after any of these tokens; where that was asked for.
    pub replay: Option<Replay>,
}

/// The tokens of a forward pass, as the rule met them: `tokens` rows in each field.
#[derive(Debug)]
pub enum Replay {
    /// On the CPU.
    Host {
        /// Queries, keys and values, see [`Tokens`]: `tokens × channels`.
        rows: Buffer,
        /// Logarithms of the decay of the matrices: `tokens × value_heads`.
        decay: Vec<f32>,
        /// Strengths of writing, 0 to 1: `tokens × value_heads`.
        beta: Vec<f32>,
        /// Raw rows before the convolution: `tokens × channels`.
        raw: Buffer,
    },
    /// On a device: the moments themselves, after the first token, the second, …
    Device(Vec<Moment>),
}

impl Recurrent {
    /// The state of an empty text; `rows` numbers are kept for the convolution. On `device` where
    /// one is given.
    pub fn new(shape: Shape, rows: usize, device: Option<&Device>) -> Result<Self> {
        Ok(Self {
            shape,
            rows,
            now: Self::empty(shape, rows, device)?,
            pending: None,
            spare: None,
        })
    }

    fn empty(shape: Shape, rows: usize, device: Option<&Device>) -> Result<Moment> {
        Ok(match device {
            None => Moment::Host(Arc::new((Lines::zeros(shape.state()), Lines::zeros(rows)))),
            Some(device) => Moment::Device(
                Tensor::zeros(
                    (shape.value_heads, shape.key, shape.value),
                    DType::F32,
                    device,
                )?,
                Tensor::zeros(
                    (rows / shape.channels(), shape.channels()),
                    DType::F32,
                    device,
                )?,
            ),
        })
    }

    /// Goes back to an empty text.
    pub fn clear(&mut self) -> Result<()> {
        self.pending = None;
        self.now = match &self.now {
            Moment::Host(_) => Self::empty(self.shape, self.rows, None)?,
            Moment::Device(state, _) => Self::empty(self.shape, self.rows, Some(state.device()))?,
        };
        Ok(())
    }

    /// Returns the state that the next forward pass begins with.
    pub const fn now(&self) -> &Moment {
        &self.now
    }

    /// Returns numbers and widths of the heads.
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// Counts the numbers kept for the convolution.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Gives a buffer for the state after a forward pass; its numbers may be of any value.
    pub fn buffer(&mut self) -> (Lines, Lines) {
        self.spare
            .take()
            .unwrap_or_else(|| (Lines::zeros(self.shape.state()), Lines::zeros(self.rows)))
    }

    /// Leaves the state after a forward pass, to be settled.
    pub fn leave(&mut self, pending: Pending) {
        self.drop_pending();
        self.pending = Some(pending);
    }

    /// Takes over the first `count` tokens of the last forward pass: all, none, or where it was
    /// left so that it can be replayed, any number. Tells whether it could.
    pub fn settle(&mut self, count: usize) -> bool {
        let Some(pending) = self.pending.take() else {
            return true;
        };
        if count >= pending.count {
            let before = std::mem::replace(&mut self.now, pending.after);
            self.reuse(before);
            return true;
        }
        self.reuse(pending.after);
        match (count, pending.replay) {
            (0, _) => true,
            (_, None) => false,
            (count, Some(Replay::Device(mut moments))) => {
                if count > moments.len() {
                    return false;
                }
                self.now = moments.swap_remove(count - 1);
                true
            }
            (
                count,
                Some(Replay::Host {
                    rows,
                    decay,
                    beta,
                    raw,
                }),
            ) => {
                let (mut state, mut kept) = self.buffer();
                let Moment::Host(now) = &self.now else {
                    return false;
                };
                let numbers = count * self.shape.channels();
                let heads = count * self.shape.value_heads;
                let (Some(rows), Some(decay), Some(beta), Some(raw)) = (
                    rows.get(..numbers),
                    decay.get(..heads),
                    beta.get(..heads),
                    raw.get(..numbers),
                ) else {
                    return bug("a replay has fewer tokens than were read", false);
                };
                let tokens = Tokens { rows, decay, beta };
                delta::run(self.shape, &now.0, tokens, &mut state, &mut []);
                convolution::remember(&now.1, raw, &mut kept);
                let after = Moment::Host(Arc::new((state, kept)));
                let before = std::mem::replace(&mut self.now, after);
                self.reuse(before);
                true
            }
        }
    }

    /// Takes up a moment that was kept.
    pub fn restore(&mut self, moment: &Moment) {
        self.drop_pending();
        let before = std::mem::replace(&mut self.now, moment.clone());
        self.reuse(before);
    }

    fn drop_pending(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.reuse(pending.after);
        }
    }

    /// Keeps the buffers of a moment that nobody else holds.
    fn reuse(&mut self, moment: Moment) {
        if let Moment::Host(moment) = moment
            && self.spare.is_none()
        {
            self.spare = Arc::try_unwrap(moment).ok();
        }
    }
}
