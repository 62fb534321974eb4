//! `lfm2`: LFM 2, whose layers are short convolutions and some of attention.
//!
//! The convolution forgets the tokens before a piece of more than one, so that only a text's
//! first piece is read as one; and before a text that begins with a single token it still knows
//! the text before, so that the model is then opened anew.

use std::io::{Read, Seek};

use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::{Device, Tensor};
use candle_transformers::models::quantized_lfm2::ModelWeights;

use super::Model;
use super::shapes::{Shapes, wrong};
use crate::base::Result;
use crate::model::gguf::Header;
use crate::model::hyperparameters::{Hyperparameters, LayerKind};

/// Tokens that a longer first piece is a multiple of. A mask is kept for every length that was
/// ever read.
const STEP: usize = 32;

/// Says what is wrong with a file, if anything is.
///
/// # Errors
/// Of kind model, naming the tensor or figure.
pub(super) fn check(header: &Header, hyper: &Hyperparameters) -> Result<()> {
    figures(header, hyper)?;
    let width = hyper.width as u64;
    let vocabulary = hyper.vocabulary as u64;
    let mut shapes = Shapes::new(header);
    shapes.matrix("token_embd.weight", vocabulary, width)?;
    if shapes.has("output.weight") {
        shapes.matrix("output.weight", vocabulary, width)?;
    }
    // Converters have given the last norm either name.
    let norm = if shapes.has("output_norm.weight") {
        "output_norm.weight"
    } else {
        "token_embd_norm.weight"
    };
    shapes.vector(norm, width)?;
    for (layer, kind) in hyper.kinds.iter().enumerate() {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        shapes.vector(&name("attn_norm"), width)?;
        match kind {
            LayerKind::Convolution { taps } => {
                let taps = *taps as u64;
                shapes.shaped(&name("shortconv.conv"), &[taps, width])?;
                shapes.matrix(&name("shortconv.in_proj"), 3 * width, width)?;
                shapes.matrix(&name("shortconv.out_proj"), width, width)?;
            }
            _ => attention(&mut shapes, hyper, &name)?,
        }
        shapes.vector(&name("ffn_norm"), width)?;
        let inner = shapes.inner(&name("ffn_down"));
        shapes.matrix(&name("ffn_gate"), inner, width)?;
        shapes.matrix(&name("ffn_up"), inner, width)?;
        shapes.matrix(&name("ffn_down"), width, inner)?;
    }
    shapes.nothing_else()
}

fn attention(
    shapes: &mut Shapes<'_>,
    hyper: &Hyperparameters,
    name: &dyn Fn(&str) -> String,
) -> Result<()> {
    let (width, head) = (hyper.width as u64, hyper.head as u64);
    let keys = hyper.kv_heads as u64 * head;
    shapes.matrix(&name("attn_q"), width, width)?;
    shapes.matrix(&name("attn_k"), keys, width)?;
    shapes.matrix(&name("attn_v"), keys, width)?;
    shapes.matrix(&name("attn_output"), width, width)?;
    shapes.vector(&name("attn_q_norm"), head)?;
    shapes.vector(&name("attn_k_norm"), head)
}

/// Checks the figures that the code takes for granted.
fn figures(header: &Header, hyper: &Hyperparameters) -> Result<()> {
    if hyper.heads * hyper.head != hyper.width {
        return Err(wrong(format!(
            "{} heads of {} do not make up a width of {}",
            hyper.heads, hyper.head, hyper.width
        )));
    }
    if hyper.rotary != hyper.head || hyper.stretch.is_some() {
        return Err(wrong(
            "its positions are not turned as those of LFM 2 are".to_owned(),
        ));
    }
    if header
        .arch_number("attention.sliding_window")
        .is_some_and(|tokens| tokens > 0)
    {
        return Err(wrong(
            "its attention sees a window, which is not known in this architecture".to_owned(),
        ));
    }
    // A matrix of taps that is as long as it is wide would be turned on its side.
    if taps(hyper) >= hyper.width {
        return Err(wrong(format!(
            "its convolutions see {} tokens",
            taps(hyper)
        )));
    }
    Ok(())
}

/// Counts the tokens that a convolution sees; 1 where there is none.
fn taps(hyper: &Hyperparameters) -> usize {
    let taps = hyper.kinds.iter().find_map(|kind| match kind {
        LayerKind::Convolution { taps } => Some(*taps),
        _ => None,
    });
    taps.unwrap_or(1)
}

/// Lists figures that only this architecture has, as candle asks for them.
pub(super) fn own_figures(hyper: &Hyperparameters) -> [(&'static str, Value); 2] {
    let kv_heads = hyper.kinds.iter().map(|kind| match kind {
        LayerKind::Attention => Value::U32(hyper.kv_heads as u32),
        _ => Value::U32(0),
    });
    [
        ("attention.head_count_kv", Value::Array(kv_heads.collect())),
        ("shortconv.l_cache", Value::U32(taps(hyper) as u32)),
    ]
}

/// Reads the weights of a file that was checked.
pub(super) fn open<R: Read + Seek>(
    content: Content,
    reader: &mut R,
    device: &Device,
) -> candle_core::Result<Box<dyn Model>> {
    let weights = ModelWeights::from_gguf(content, reader, device)?;
    Ok(Box::new(Lfm2 {
        weights,
        used: false,
    }))
}

struct Lfm2 {
    weights: ModelWeights,
    /// True once anything was read.
    used: bool,
}

impl Model for Lfm2 {
    fn forward(&mut self, tokens: &Tensor, position: usize) -> candle_core::Result<Tensor> {
        self.used = true;
        self.weights.forward(tokens, position)
    }

    fn at_once(&self, position: usize, tokens: usize) -> usize {
        match tokens {
            _ if position > 0 => 1,
            0..STEP => tokens,
            _ => tokens - tokens % STEP,
        }
    }

    fn can_begin(&self, piece: usize) -> bool {
        piece > 1 || !self.used
    }
}
