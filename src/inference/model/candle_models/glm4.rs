//! `glm4`: GLM 4 of 2025.

use std::io::{Read, Seek};

use candle_core::quantized::gguf_file::Content;
use candle_core::{DType, Device, Tensor};
use candle_transformers::models::quantized_glm4::ModelWeights;

use super::Model;
use super::shapes::{Shapes, wrong};
use crate::base::Result;
use crate::model::gguf::Header;
use crate::model::hyperparameters::Hyperparameters;

/// Says what is wrong with a file, if anything is.
///
/// # Errors
/// Of kind model, naming the tensor or figure.
pub(super) fn check(header: &Header, hyper: &Hyperparameters) -> Result<()> {
    if hyper.rotary != hyper.head / 2 || !hyper.rotary.is_multiple_of(2) {
        return Err(wrong(format!(
            "{} numbers of {} of a head are turned by position, not half of them",
            hyper.rotary, hyper.head
        )));
    }
    let width = hyper.width as u64;
    let vocabulary = hyper.vocabulary as u64;
    let queries = (hyper.heads * hyper.head) as u64;
    let keys = (hyper.kv_heads * hyper.head) as u64;
    let mut shapes = Shapes::new(header);
    shapes.matrix("token_embd.weight", vocabulary, width)?;
    if shapes.has("output.weight") {
        shapes.matrix("output.weight", vocabulary, width)?;
    }
    shapes.vector("output_norm.weight", width)?;
    for layer in 0..hyper.layers {
        let name = |part: &str| format!("blk.{layer}.{part}");
        for part in [
            "attn_norm.weight",
            "post_attention_norm.weight",
            "ffn_norm.weight",
            "post_ffw_norm.weight",
        ] {
            shapes.vector(&name(part), width)?;
        }
        for (part, rows) in [("attn_q", queries), ("attn_k", keys), ("attn_v", keys)] {
            shapes.matrix(&name(&format!("{part}.weight")), rows, width)?;
            shapes.vector_if_there(&name(&format!("{part}.bias")), rows)?;
        }
        shapes.matrix(&name("attn_output.weight"), width, queries)?;
        let down = name("ffn_down.weight");
        let inner = shapes.inner(&down);
        shapes.matrix(&down, width, inner)?;
        shapes.matrix(&name("ffn_up.weight"), inner.saturating_mul(2), width)?;
    }
    Ok(())
}

/// Reads the weights of a file that was checked.
pub(super) fn open<R: Read + Seek>(
    content: Content,
    reader: &mut R,
    device: &Device,
) -> candle_core::Result<Box<dyn Model>> {
    let weights = ModelWeights::from_gguf(content, reader, device, DType::F32)?;
    Ok(Box::new(Glm4 { weights }))
}

struct Glm4 {
    weights: ModelWeights,
}

impl Model for Glm4 {
    fn forward(&mut self, tokens: &Tensor, position: usize) -> candle_core::Result<Tensor> {
        self.weights.forward(tokens, position)
    }
}
