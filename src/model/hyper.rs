//! The figures of a model from its metadata, checked before anything is computed with them.

use super::gguf::{Header, Value};
use crate::base::{Failure, Result};
use crate::kernels::delta::Shape;

/// How a layer mixes what the tokens say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerKind {
    /// By attention, which keeps keys and values of every token.
    Attention,
    /// By a gated delta net, whose state is of the same size however long the text.
    Delta(Delta),
}

/// Sizes of a gated delta net.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delta {
    /// Its heads.
    pub shape: Shape,
    /// Tokens that its convolution sees.
    pub taps: usize,
}

impl Delta {
    /// Numbers of its state: a matrix for each head, and the raw rows before its convolution.
    pub const fn state(&self) -> usize {
        self.shape.state() + (self.taps - 1) * self.shape.channels()
    }
}

/// Sizes of a transformer.
#[derive(Debug, Clone, PartialEq)]
pub struct Hyper {
    /// `general.architecture`.
    pub architecture: String,
    /// Width of the hidden state.
    pub width: usize,
    /// Layers of the trunk; blocks that predict further tokens come behind.
    pub layers: usize,
    /// What each of them is.
    pub kinds: Vec<LayerKind>,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Width of a head.
    pub head: usize,
    /// How many numbers of a head are turned by position.
    pub rotary: usize,
    /// Context the model was trained for.
    pub context: usize,
    /// Rows of the vocabulary.
    pub vocabulary: usize,
    /// Added under the root of a norm.
    pub epsilon: f64,
    /// Base of the rotary frequencies.
    pub rope_base: f64,
    /// Divides positions, for models stretched linearly beyond their first context.
    pub stretch: Option<f32>,
}

impl Hyper {
    /// Reads and checks them.
    ///
    /// # Errors
    /// Of kind input, naming the key that is missing or cannot be.
    pub fn from_header(header: &Header) -> Result<Self> {
        let architecture = header.architecture().to_owned();
        let refuse = |what: String| Failure::input("the model's figures cannot be").because(what);
        let get = |name: &str, most: u64| -> Result<Option<usize>> {
            let key = format!("{architecture}.{name}");
            match header.number(&key) {
                Some(n) if (1..=most).contains(&n) => Ok(Some(n as usize)),
                Some(n) => Err(refuse(format!("{key} is {n}, which cannot be"))),
                None => match header.metadata.get(&key) {
                    None => Ok(None),
                    Some(value) => match same_in_all(value) {
                        Some(n) if (1..=most).contains(&n) => Ok(Some(n as usize)),
                        _ => Err(refuse(format!("{key} is not one whole number"))),
                    },
                },
            }
        };
        let need = |name: &str, most: u64| -> Result<usize> {
            get(name, most)?.ok_or_else(|| refuse(format!("it does not say {architecture}.{name}")))
        };
        let width = need("embedding_length", 1 << 20)?;
        let blocks = need("block_count", 1 << 12)?;
        let layers = match header.arch_number("nextn_predict_layers") {
            Some(further) if further >= blocks as u64 => {
                return Err(refuse(format!(
                    "{further} of its {blocks} blocks are to predict further tokens"
                )));
            }
            further => blocks - further.unwrap_or(0) as usize,
        };
        let heads = need("attention.head_count", 1 << 14)?;
        let kv_heads = get("attention.head_count_kv", 1 << 14)?.unwrap_or(heads);
        let head = get("attention.key_length", 1 << 14)?.unwrap_or(width / heads);
        let value = get("attention.value_length", 1 << 14)?.unwrap_or(head);
        let rotary = get("rope.dimension_count", 1 << 14)?.unwrap_or(head);
        let context = need("context_length", 1 << 40)?;
        if !heads.is_multiple_of(kv_heads) {
            return Err(refuse(format!("{heads} heads over {kv_heads} key heads")));
        }
        if head == 0 || value != head || rotary > head || !rotary.is_multiple_of(2) {
            return Err(refuse(format!(
                "heads of {head} (keys), {value} (values), {rotary} (rotary) numbers"
            )));
        }
        if header.tensors.is_empty() {
            return Err(
                Failure::input("the file holds a vocabulary alone, and no weights")
                    .hint("fetch the whole model: such files are for tests of tokenizers"),
            );
        }
        let kinds = kinds(header, layers, &get)?;
        let vocabulary = header
            .tensor("token_embd.weight")
            .and_then(|table| table.shape.get(1).copied())
            .filter(|&rows| rows <= 1 << 32)
            .ok_or_else(|| refuse("the table of embeddings is missing".to_owned()))?
            as usize;
        let positive = |names: &[&str], default: f64| -> Result<f64> {
            let found = names.iter().find_map(|name| header.arch_float(name));
            match found {
                None => Ok(default),
                Some(x) if x > 0.0 && x.is_finite() => Ok(x),
                Some(x) => Err(refuse(format!("{} is {x}", names.join(" or ")))),
            }
        };
        let factor = positive(&["rope.scaling.factor"], 1.0)?;
        let stretch = match header.text(&format!("{architecture}.rope.scaling.type")) {
            Some("linear") if factor > 1.0 => Some(factor as f32),
            // Llama 3 and Phi 3 bring their factors as tensors.
            None | Some("linear" | "none" | "llama3" | "longrope") => None,
            Some(_) if factor <= 1.0 => None,
            Some(other) => {
                return Err(refuse(format!(
                    "it stretches its context by `{other}`, which this build does not know"
                )));
            }
        };
        Ok(Self {
            epsilon: positive(
                &[
                    "attention.layer_norm_rms_epsilon",
                    "attention.layer_norm_epsilon",
                ],
                1e-5,
            )?,
            rope_base: positive(&["rope.freq_base"], 10_000.0)?,
            stretch,
            architecture,
            width,
            layers,
            kinds,
            heads,
            kv_heads,
            head,
            rotary,
            context,
            vocabulary,
        })
    }
}

/// Widest key or value of a delta net; models in use have 128.
const MOST_DELTA_WIDTH: usize = 512;

/// The number that an array holds for every layer that has one; zeros stand for layers without.
fn same_in_all(value: &Value) -> Option<u64> {
    let mut numbers = value.as_array()?.iter().map(Value::as_u64);
    let mut found = None;
    for number in &mut numbers {
        match (number?, found) {
            (0, _) => {}
            (n, None) => found = Some(n),
            (n, Some(found)) if n == found => {}
            _ => return None,
        }
    }
    found
}

/// What each layer is.
fn kinds(
    header: &Header,
    layers: usize,
    get: &dyn Fn(&str, u64) -> Result<Option<usize>>,
) -> Result<Vec<LayerKind>> {
    if header.architecture() != "qwen35" {
        return Ok(vec![LayerKind::Attention; layers]);
    }
    let refuse = |what: String| Failure::input("the model's figures cannot be").because(what);
    let need = |name: &str| {
        get(name, 1 << 16)?.ok_or_else(|| refuse(format!("it does not say qwen35.{name}")))
    };
    let (key_heads, value_heads) = (need("ssm.group_count")?, need("ssm.time_step_rank")?);
    let (key, inner) = (need("ssm.state_size")?, need("ssm.inner_size")?);
    let taps = need("ssm.conv_kernel")?;
    // The state is the product of both widths: figures that nobody would train must not ask for
    // more memory than the file's size gives reason to.
    let wide = key > MOST_DELTA_WIDTH || inner / value_heads > MOST_DELTA_WIDTH;
    if !value_heads.is_multiple_of(key_heads)
        || !inner.is_multiple_of(value_heads)
        || taps < 2
        || wide
    {
        return Err(refuse(format!(
            "{value_heads} value heads of {inner} numbers in all over {key_heads} key heads, \
             {taps} tokens to a convolution"
        )));
    }
    let delta = Delta {
        shape: Shape {
            key_heads,
            value_heads,
            key,
            value: inner / value_heads,
        },
        taps,
    };
    // A newer key says it for each layer; without it every fourth sees all tokens.
    let listed = header.metadata.get("qwen35.attention.recurrent_layers");
    let listed = listed.and_then(Value::as_array);
    let every = get("full_attention_interval", 1 << 12)?.unwrap_or(4);
    (0..layers)
        .map(|layer| {
            let recurrent = match listed {
                None => !(layer + 1).is_multiple_of(every),
                Some(list) => match list.get(layer) {
                    Some(Value::Bool(recurrent)) => *recurrent,
                    Some(value) => value.as_u64() == Some(1),
                    None => return Err(refuse("a list of layers that is too short".to_owned())),
                },
            };
            Ok(if recurrent {
                LayerKind::Delta(delta)
            } else {
                LayerKind::Attention
            })
        })
        .collect()
}
