//! `phi2`: Phi 1, 1.5 and 2.

use std::io::{Read, Seek};

use candle_core::quantized::gguf_file::Content;
use candle_core::{Device, Tensor};
use candle_transformers::models::quantized_phi::{MAX_SEQ_LEN, ModelWeights};

use super::Model;
use super::shapes::{Shapes, wrong};
use crate::base::Result;
use crate::model::gguf::Header;
use crate::model::hyperparameters::Hyperparameters;

/// Positions that there are tables for.
pub(super) const MOST_CONTEXT: usize = MAX_SEQ_LEN;
/// Base of the rotary frequencies; a file's own is not asked for.
const ROPE_BASE: f64 = 10_000.0;

/// Says what is wrong with a file, if anything is.
///
/// # Errors
/// Of kind model, naming the tensor or figure.
pub(super) fn check(header: &Header, hyper: &Hyperparameters) -> Result<()> {
    figures(hyper)?;
    let width = hyper.width as u64;
    let vocabulary = hyper.vocabulary as u64;
    let mut shapes = Shapes::new(header);
    shapes.matrix("token_embd.weight", vocabulary, width)?;
    shapes.vector("output_norm.weight", width)?;
    shapes.vector("output_norm.bias", width)?;
    let product = |shapes: &mut Shapes<'_>, name: &str, rows: u64, columns: u64| {
        shapes.matrix(&format!("{name}.weight"), rows, columns)?;
        shapes.vector(&format!("{name}.bias"), rows)
    };
    product(&mut shapes, "output", vocabulary, width)?;
    for layer in 0..hyper.layers {
        let name = |part: &str| format!("blk.{layer}.{part}");
        shapes.vector(&name("attn_norm.weight"), width)?;
        shapes.vector(&name("attn_norm.bias"), width)?;
        product(&mut shapes, &name("attn_qkv"), 3 * width, width)?;
        product(&mut shapes, &name("attn_output"), width, width)?;
        let inner = shapes.inner(&name("ffn_down.weight"));
        product(&mut shapes, &name("ffn_up"), inner, width)?;
        product(&mut shapes, &name("ffn_down"), width, inner)?;
    }
    shapes.nothing_else()
}

/// Checks the figures that the code takes for granted.
fn figures(hyper: &Hyperparameters) -> Result<()> {
    if hyper.kv_heads != hyper.heads {
        return Err(wrong(format!(
            "{} heads share the keys of {}: each must have its own",
            hyper.heads, hyper.kv_heads
        )));
    }
    if hyper.heads * hyper.head != hyper.width {
        return Err(wrong(format!(
            "{} heads of {} do not make up a width of {}",
            hyper.heads, hyper.head, hyper.width
        )));
    }
    if hyper.rope_base != ROPE_BASE || hyper.stretch.is_some() {
        return Err(wrong(
            "its positions are not turned as those of Phi 2 are".to_owned(),
        ));
    }
    Ok(())
}

/// Reads the weights of a file that was checked.
pub(super) fn open<R: Read + Seek>(
    content: Content,
    reader: &mut R,
    device: &Device,
) -> candle_core::Result<Box<dyn Model>> {
    let fresh = ModelWeights::from_gguf(content, reader, device)?;
    let held = fresh.clone();
    Ok(Box::new(Phi2 { fresh, held }))
}

struct Phi2 {
    /// The model with nothing read.
    fresh: ModelWeights,
    /// The same weights, with keys and values of the text.
    held: ModelWeights,
}

impl Model for Phi2 {
    fn forward(&mut self, tokens: &Tensor, position: usize) -> candle_core::Result<Tensor> {
        // A mask is kept for every piece that was ever read: they go with the text.
        if position == 0 {
            self.held = self.fresh.clone();
        }
        self.held.forward(tokens, position)
    }
}
