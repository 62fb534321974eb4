//! `bert`: encoders that turn a text into one vector (arXiv:1810.04805, arXiv:1908.10084), as
//! all-MiniLM-L6-v2: the mean of the last layer's rows of its tokens, made of length 1.
//!
//! Matrices that the file holds as floats are rounded to 8 bits when it is loaded: a quarter of
//! the memory, several times as fast, and vectors that differ by less than a hundredth.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, bail};
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;

use super::activations::Activations;
use super::gguf::Header;
use super::linear::{Linear, Table};
use super::mapping::Mapping;
use super::weights::Weights;
use crate::base::{Cancel, Failure, OrBug as _, Result};
use crate::kernels::encoder::{Encoded, gelu_each, layer_norm};
use crate::kernels::pool;

/// The architecture's name.
pub const ARCHITECTURE: &str = crate::base::architectures::EMBEDDING;
/// Tokens of a text that are read: beyond, a piece of code says little that is new, and a text
/// twice as long takes more than twice the time.
const LONGEST: usize = 128;
/// Mean pooling, by its number in the file.
const MEAN: u64 = 1;

/// An encoder and its words.
pub struct Bert {
    words: tokenizers::Tokenizer,
    begin: u32,
    end: u32,
    table: Table,
    /// Embeddings of positions: `positions × width`, that of the first kind of text added to each.
    positions: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    width: usize,
    heads: usize,
    epsilon: f32,
}

struct Norm {
    gain: Vec<f32>,
    bias: Vec<f32>,
}

struct Layer {
    queries: Linear,
    keys: Linear,
    values: Linear,
    output: Linear,
    output_norm: Norm,
    up: Linear,
    down: Linear,
    norm: Norm,
}

/// Checks that the header is that of an encoder that can be run.
///
/// # Errors
/// Of kind model, saying what is missing.
pub fn check(header: &Header) -> Result<()> {
    let cannot = |why: String| {
        Err(Failure::model("this embedding model cannot be run")
            .because(why)
            .hint("all-MiniLM-L6-v2 can: `homebody models pull minilm`"))
    };
    if header.architecture() != ARCHITECTURE {
        return cannot(format!("its architecture is `{}`", header.architecture()));
    }
    // A file that does not say is taken for one of the usual kind.
    let pooling = header.arch_number("pooling_type").unwrap_or(MEAN);
    if pooling != MEAN {
        return cannot(format!("it pools in the way {pooling}, not by the mean"));
    }
    if header.text("tokenizer.ggml.model") != Some("bert") {
        return cannot("its vocabulary is not of word pieces".to_owned());
    }
    // A figure that is missing is refused as zero is.
    let number = |key| header.arch_number(key).unwrap_or(0);
    let (width, heads) = (number("embedding_length"), number("attention.head_count"));
    if width == 0 || heads == 0 || !width.is_multiple_of(heads) || width > 1 << 14 {
        return cannot(format!("a width of {width} for {heads} heads"));
    }
    let layers = number("block_count");
    if layers == 0 || layers > 1024 {
        return cannot(format!("it has {layers} layers"));
    }
    Ok(())
}

/// Returns how many numbers the vectors of an encoder have; its header has passed [`check`].
pub fn width(header: &Header) -> usize {
    checked(header, "embedding_length")
}

/// Returns a figure that [`check`] has seen.
fn checked(header: &Header, key: &str) -> usize {
    let figure = header.arch_number(key);
    figure.or_bug("the header of an encoder was not checked") as usize
}

impl Bert {
    /// Loads an encoder.
    ///
    /// # Errors
    /// Of kind model, if the file is damaged or cannot be run; of kind environment, if it cannot
    /// be read.
    pub fn load(file: &Path, header: &Header) -> Result<Self> {
        check(header)?;
        let files = header
            .parts
            .iter()
            .map(|part| Mapping::open(&part.path).map(Arc::new))
            .collect::<Result<Vec<_>>>()?;
        let weights = Weights::new(header, files, Device::Cpu);
        let broken = |e: &dyn std::fmt::Display| {
            Failure::model(format!("{} cannot be used", file.display()))
                .because(e)
                .hint("fetch it again, or remove it with `homebody models remove`")
        };
        let words = Words::of(header).map_err(|e| broken(&e))?;
        Self::of(&weights, header, words).map_err(|e| broken(&e))
    }

    /// Loads the weights; `header` has passed [`check`].
    fn of(weights: &Weights<'_>, header: &Header, words: Words) -> candle_core::Result<Self> {
        let width = width(header);
        // A file may lack a tensor: it is missed when its numbers are read.
        let rows_of = |name: &str| {
            let shape = weights.shape(name);
            shape.and_then(|shape| shape.first().copied()).unwrap_or(0)
        };
        let norm = |name: &str| -> candle_core::Result<Norm> {
            Ok(Norm {
                gain: weights.floats(&format!("{name}.weight"), width)?,
                bias: weights.floats(&format!("{name}.bias"), width)?,
            })
        };
        let kinds = rows_of("token_types.weight");
        let kinds = weights.floats("token_types.weight", kinds * width)?;
        let count = rows_of("position_embd.weight");
        let mut positions = weights.floats("position_embd.weight", count * width)?;
        for row in positions.chunks_exact_mut(width) {
            for (x, kind) in row.iter_mut().zip(&kinds) {
                *x += kind;
            }
        }
        let layers = (0..checked(header, "block_count"))
            .map(|layer| {
                let name = |part: &str| format!("blk.{layer}.{part}");
                let square = |part: &str| weights.rounded(&name(part), width, width);
                let inner = rows_of(&name("ffn_up.weight"));
                Ok(Layer {
                    queries: square("attn_q")?,
                    keys: square("attn_k")?,
                    values: square("attn_v")?,
                    output: square("attn_output")?,
                    output_norm: norm(&name("attn_output_norm"))?,
                    up: weights.rounded(&name("ffn_up"), inner, width)?,
                    down: weights.rounded(&name("ffn_down"), width, inner)?,
                    norm: norm(&name("layer_output_norm"))?,
                })
            })
            .collect::<candle_core::Result<Vec<_>>>()?;
        Ok(Self {
            table: weights.table("token_embd.weight", words.count, width)?,
            words: words.tokenizer,
            begin: words.begin,
            end: words.end,
            positions,
            norm: norm("token_embd_norm")?,
            layers,
            width,
            heads: checked(header, "attention.head_count"),
            epsilon: header
                .arch_float("attention.layer_norm_epsilon")
                .unwrap_or(1e-12) as f32,
        })
    }

    /// Computes a vector of length 1, `width` numbers, for each text.
    ///
    /// # Errors
    /// Of kind interrupted when cancelled; of kind model, if the file does not hold what its
    /// header says.
    pub fn embed(&self, texts: &[String], cancel: &Cancel) -> Result<Vec<Vec<f32>>> {
        let mut tokens = Vec::new();
        let mut runs = Vec::with_capacity(texts.len());
        let most = LONGEST.min(self.positions.len() / self.width);
        for text in texts {
            let found = self.words.encode_fast(text.as_str(), false);
            let found = found.map_err(|e| Failure::bug("a text has no word pieces").because(e))?;
            let first = tokens.len();
            tokens.push(self.begin);
            tokens.extend(found.get_ids().iter().take(most.saturating_sub(2)));
            tokens.push(self.end);
            runs.push(first..tokens.len());
        }
        if tokens.is_empty() {
            return Ok(Vec::new());
        }
        let made = pool::until(cancel, || self.forward(&tokens, &runs));
        cancel.check()?;
        made.map_err(|e| Failure::model("the embedding model cannot be run").because(e))
    }

    /// Runs all layers over the tokens of all texts; `texts` are the tokens of each. Returns their
    /// vectors.
    fn forward(
        &self,
        tokens: &[u32],
        texts: &[Range<usize>],
    ) -> candle_core::Result<Vec<Vec<f32>>> {
        let width = self.width;
        let mut x = self.table.embed(tokens, &Device::Cpu)?.into_vec()?;
        for text in texts {
            let Some(rows) = x.get_mut(text.start * width..text.end * width) else {
                bail!("a text lies beyond its rows");
            };
            let rows = rows.chunks_exact_mut(width);
            for (row, position) in rows.zip(self.positions.chunks_exact(width)) {
                for (x, position) in row.iter_mut().zip(position) {
                    *x += position;
                }
            }
        }
        self.normed(&mut x, &self.norm);
        for layer in &self.layers {
            x = self.layer(layer, x, texts)?;
        }
        texts
            .iter()
            .map(|text| match x.get(text.start * width..text.end * width) {
                Some(rows) => Ok(direction(rows, width)),
                None => bail!("a text lies beyond its rows"),
            })
            .collect()
    }

    /// Runs a layer. `x` and the result: `tokens × width`, row-major.
    fn layer(
        &self,
        layer: &Layer,
        x: Vec<f32>,
        texts: &[Range<usize>],
    ) -> candle_core::Result<Vec<f32>> {
        let width = self.width;
        let x = Activations::host(x, width);
        let (queries, keys, values) = (
            layer.queries.forward(&x)?,
            layer.keys.forward(&x)?,
            layer.values.forward(&x)?,
        );
        let mut seen = vec![0.0; x.count() * width];
        Encoded {
            queries: queries.on_host()?,
            keys: keys.on_host()?,
            values: values.on_host()?,
            heads: self.heads,
            width: width / self.heads,
        }
        .attend(texts, &mut seen);
        let mut y = layer
            .output
            .forward(&Activations::host(seen, width))?
            .into_vec()?;
        add(&mut y, x.on_host()?);
        self.normed(&mut y, &layer.output_norm);
        let y = Activations::host(y, width);
        let up = layer.up.forward(&y)?;
        let inner = up.width();
        let mut up = up.into_vec()?;
        gelu_each(&mut up, inner);
        let mut out = layer
            .down
            .forward(&Activations::host(up, inner))?
            .into_vec()?;
        add(&mut out, y.on_host()?);
        self.normed(&mut out, &layer.norm);
        Ok(out)
    }

    fn normed(&self, x: &mut [f32], norm: &Norm) {
        layer_norm(x, &norm.gain, &norm.bias, self.epsilon);
    }
}

/// Sums rows, `tokens × width`, and makes the sum of length 1: the direction of their mean.
fn direction(rows: &[f32], width: usize) -> Vec<f32> {
    let mut mean = vec![0.0_f32; width];
    for row in rows.chunks_exact(width) {
        for (sum, x) in mean.iter_mut().zip(row) {
            *sum += x;
        }
    }
    let length = mean.iter().map(|x| x * x).sum::<f32>().sqrt();
    for x in &mut mean {
        *x /= length.max(f32::MIN_POSITIVE);
    }
    mean
}

fn add(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
}

/// The vocabulary of a file.
struct Words {
    tokenizer: tokenizers::Tokenizer,
    count: usize,
    begin: u32,
    end: u32,
}

impl Words {
    fn of(header: &Header) -> std::result::Result<Self, String> {
        let tokens = header
            .texts("tokenizer.ggml.tokens")
            .filter(|tokens| !tokens.is_empty())
            .ok_or("`tokenizer.ggml.tokens` is missing")?;
        let mut list = String::with_capacity(tokens.len() * 9);
        for token in &tokens {
            // In these files words begin with a bar (U+2581), and pieces that continue a word have
            // no mark.
            match token.strip_prefix('\u{2581}') {
                Some(word) => list.push_str(word),
                None if token.starts_with('[') && token.ends_with(']') => list.push_str(token),
                None => {
                    list.push_str("##");
                    list.push_str(token);
                }
            }
            list.push('\n');
        }
        let place = |token: &str| {
            tokens
                .iter()
                .position(|known| *known == token)
                .map(|at| at as u32)
                .ok_or_else(|| format!("its vocabulary has no {token}"))
        };
        let (begin, end) = (place("[CLS]")?, place("[SEP]")?);
        let words = WordPiece::read_bytes(list.as_bytes())
            .and_then(|words| WordPiece::builder().vocab(words).build())
            .map_err(|e| e.to_string())?;
        let mut tokenizer = tokenizers::Tokenizer::new(words);
        tokenizer
            .with_normalizer(Some(BertNormalizer::default()))
            .map_err(|e| e.to_string())?;
        tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
        Ok(Self {
            tokenizer,
            count: tokens.len(),
            begin,
            end,
        })
    }
}

#[cfg(test)]
#[path = "bert_tests.rs"]
mod tests;
