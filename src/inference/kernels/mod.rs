//! Floor 1: arithmetic on quantized weights, by instructions picked for this CPU at run time.
//!
//! Law: the scalar form of each kernel is its specification; a fast form is proven equal to
//! it, then timed; every `unsafe` block says why it holds.

#![expect(
    clippy::inline_always,
    reason = "plain code becomes AVX code only where it is compiled into a function that asks for it"
)]
#![expect(
    clippy::needless_range_loop,
    reason = "arrays of vectors stay in registers where loops run over indices; iterators put them into memory"
)]

pub mod activations;
pub mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod blocks;
pub mod convolution;
pub mod delta;
mod disjoint;
mod dispatch;
pub mod encoder;
pub mod exponent;
mod f32x16;
pub mod formats;
pub mod lines;
pub mod matmul;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(test)]
mod noise;
mod online_softmax;
mod output;
pub mod pages;
mod panel;
pub mod pool;
mod products;
pub mod rowwise;
pub mod simd;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod small_batch;
pub mod threads;
