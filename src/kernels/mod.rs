//! Floor 1: arithmetic on quantized weights, picked for this CPU at run time.
//!
//! Law: the scalar form of each kernel is its specification; a fast form is proven equal to
//! it, then timed; every `unsafe` block says why it holds. Empty until the engine runs its
//! own model code: candle's kernels do the work so far.

pub mod threads;
