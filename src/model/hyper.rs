//! The figures of a model from its metadata, checked before anything is computed with them.

use super::gguf::Header;
use crate::base::{Failure, Result};

/// Sizes of a transformer.
#[derive(Debug, Clone, PartialEq)]
pub struct Hyper {
    /// `general.architecture`.
    pub architecture: String,
    /// Width of the hidden state.
    pub width: usize,
    /// Layers.
    pub layers: usize,
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
                None if header.metadata.contains_key(&key) => {
                    Err(refuse(format!("{key} is not one whole number")))
                }
                None => Ok(None),
            }
        };
        let need = |name: &str, most: u64| -> Result<usize> {
            get(name, most)?.ok_or_else(|| refuse(format!("it does not say {architecture}.{name}")))
        };
        let width = need("embedding_length", 1 << 20)?;
        let layers = need("block_count", 1 << 12)?;
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
            heads,
            kv_heads,
            head,
            rotary,
            context,
            vocabulary,
        })
    }
}
