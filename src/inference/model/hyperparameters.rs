//! The figures of a model from its metadata, checked before anything is computed with them.

use super::gguf::{Header, Value};
use crate::base::{Failure, Result};
use crate::kernels::delta::Shape;

/// The way in which a layer mixes the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerKind {
    /// Attention, which keeps keys and values of every token.
    Attention,
    /// A gated delta net, whose state is of the same size however long the text.
    Delta(Delta),
    /// A convolution over each token and those shortly before it, which keeps their rows.
    Convolution {
        /// Tokens that it sees.
        taps: usize,
    },
}

/// Sizes of a gated delta net.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delta {
    /// Numbers and widths of the heads.
    pub shape: Shape,
    /// Tokens that the convolution sees.
    pub taps: usize,
}

impl Delta {
    /// Counts the numbers of a state: a matrix for each value head, and the raw rows before the
    /// convolution.
    pub const fn state(&self) -> usize {
        self.shape.state() + (self.taps - 1) * self.shape.channels()
    }
}

/// Sizes of a transformer.
#[derive(Debug, Clone, PartialEq)]
pub struct Hyperparameters {
    /// `general.architecture`.
    pub architecture: String,
    /// Width of the hidden state.
    pub width: usize,
    /// Layers of the trunk; blocks that predict further tokens come behind.
    pub layers: usize,
    /// The kind of each layer of the trunk.
    pub kinds: Vec<LayerKind>,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Width of a head.
    pub head: usize,
    /// Numbers of a head that are turned by position, from its first on.
    pub rotary: usize,
    /// Context the model was trained for.
    pub context: usize,
    /// Rows of the vocabulary.
    pub vocabulary: usize,
    /// The term under the root of a norm that keeps it from zero.
    pub epsilon: f64,
    /// Base of the rotary frequencies.
    pub rope_base: f64,
    /// The divisor of positions, for models stretched linearly beyond their first context.
    pub stretch: Option<f32>,
}

impl Hyperparameters {
    /// Reads and checks the figures of a model.
    ///
    /// # Errors
    /// Of kind input, naming the key that is missing or cannot be.
    pub fn from_header(header: &Header) -> Result<Self> {
        let figures = Figures { header };
        let width = figures.need("embedding_length", 1 << 20)?;
        let layers = figures.layers()?;
        let heads = figures.heads(width)?;
        let context = figures.need("context_length", 1 << 40)?;
        heads.check()?;
        if header.tensors.is_empty() {
            return Err(
                Failure::input("the file holds a vocabulary alone, and no weights")
                    .hint("fetch the whole model: such files are for tests of tokenizers"),
            );
        }
        let kinds = figures.kinds(layers)?;
        let vocabulary = header
            .tensor("token_embd.weight")
            .and_then(|table| table.shape.get(1).copied())
            .filter(|&rows| rows <= 1 << 32)
            .ok_or_else(|| refuse("the table of embeddings is missing".to_owned()))?
            as usize;
        let stretch = figures.stretch()?;
        Ok(Self {
            epsilon: figures.positive(
                &[
                    "attention.layer_norm_rms_epsilon",
                    "attention.layer_norm_epsilon",
                ],
                1e-5,
            )?,
            rope_base: figures.positive(&["rope.freq_base"], 10_000.0)?,
            stretch,
            architecture: header.architecture().to_owned(),
            width,
            layers,
            kinds,
            heads: heads.count,
            kv_heads: heads.kv_count,
            head: heads.keys,
            rotary: heads.rotary,
            context,
            vocabulary,
        })
    }
}

fn refuse(what: String) -> Failure {
    Failure::input("the model's figures cannot be").because(what)
}

/// The metadata under the architecture's prefix, each figure checked as it is read.
struct Figures<'h> {
    header: &'h Header,
}

/// Numbers and widths of the heads of attention.
struct Heads {
    count: usize,
    kv_count: usize,
    /// Width of a key.
    keys: usize,
    /// Width of a value.
    values: usize,
    /// Numbers of a key that are turned by position.
    rotary: usize,
}

impl Heads {
    fn check(&self) -> Result<()> {
        let Self {
            count,
            kv_count,
            keys,
            values,
            rotary,
        } = *self;
        if !count.is_multiple_of(kv_count) {
            return Err(refuse(format!("{count} heads over {kv_count} key heads")));
        }
        if keys == 0 || values != keys || rotary > keys || !rotary.is_multiple_of(2) {
            return Err(refuse(format!(
                "heads of {keys} (keys), {values} (values), {rotary} (rotary) numbers"
            )));
        }
        Ok(())
    }
}

impl Figures<'_> {
    /// Returns a whole number from 1 to `most`; none where the file does not say it.
    fn get(&self, name: &str, most: u64) -> Result<Option<usize>> {
        let key = self.key(name);
        match self.header.number(&key) {
            Some(n) if (1..=most).contains(&n) => Ok(Some(n as usize)),
            Some(n) => Err(refuse(format!("{key} is {n}, which cannot be"))),
            None => match self.header.metadata.get(&key) {
                None => Ok(None),
                Some(value) => match same_in_all(value) {
                    Some(n) if (1..=most).contains(&n) => Ok(Some(n as usize)),
                    _ => Err(refuse(format!("{key} is not one whole number"))),
                },
            },
        }
    }

    /// Returns a whole number from 1 to `most` that the file must say.
    fn need(&self, name: &str, most: u64) -> Result<usize> {
        self.get(name, most)?
            .ok_or_else(|| refuse(format!("it does not say {}", self.key(name))))
    }

    /// Returns the first of some floats that the file says, else the default.
    fn positive(&self, names: &[&str], default: f64) -> Result<f64> {
        let found = names.iter().find_map(|name| self.header.arch_float(name));
        match found {
            None => Ok(default),
            Some(x) if x > 0.0 && x.is_finite() => Ok(x),
            Some(x) => Err(refuse(format!("{} is {x}", names.join(" or ")))),
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.header.architecture())
    }

    /// Counts the layers of the trunk.
    fn layers(&self) -> Result<usize> {
        let blocks = self.need("block_count", 1 << 12)?;
        match self.header.arch_number("nextn_predict_layers") {
            None => Ok(blocks),
            Some(further) if further < blocks as u64 => Ok(blocks - further as usize),
            Some(further) => Err(refuse(format!(
                "{further} of its {blocks} blocks are to predict further tokens"
            ))),
        }
    }

    fn heads(&self, width: usize) -> Result<Heads> {
        let most = 1 << 14;
        let count = self.need("attention.head_count", most)?;
        let kv_count = self.get("attention.head_count_kv", most)?;
        let keys = self.get("attention.key_length", most)?;
        let keys = keys.unwrap_or(width / count);
        let values = self.get("attention.value_length", most)?;
        let rotary = self.get("rope.dimension_count", most)?;
        Ok(Heads {
            count,
            kv_count: kv_count.unwrap_or(count),
            keys,
            values: values.unwrap_or(keys),
            rotary: rotary.unwrap_or(keys),
        })
    }

    /// Returns the factor by which positions are stretched linearly; none where they are not.
    fn stretch(&self) -> Result<Option<f32>> {
        let factor = self.positive(&["rope.scaling.factor"], 1.0)?;
        match self.header.text(&self.key("rope.scaling.type")) {
            Some("linear") if factor > 1.0 => Ok(Some(factor as f32)),
            // Llama 3 and Phi 3 bring their factors as tensors.
            None | Some("linear" | "none" | "llama3" | "longrope") => Ok(None),
            Some(_) if factor <= 1.0 => Ok(None),
            Some(other) => Err(refuse(format!(
                "it stretches its context by `{other}`, which this build does not know"
            ))),
        }
    }

    /// Returns the kind of each layer of the trunk.
    fn kinds(&self, layers: usize) -> Result<Vec<LayerKind>> {
        match self.header.architecture() {
            "qwen35" => self.kinds_by_interval(layers),
            "lfm2" => self.kinds_by_heads(layers),
            _ => Ok(vec![LayerKind::Attention; layers]),
        }
    }

    /// Returns the kind of each layer of a model that lists its key heads by layer: convolutions
    /// have none.
    fn kinds_by_heads(&self, layers: usize) -> Result<Vec<LayerKind>> {
        let heads = self.key("attention.head_count_kv");
        let listed = self.header.metadata.get(&heads).and_then(Value::as_array);
        let Some(listed) = listed else {
            return Ok(vec![LayerKind::Attention; layers]);
        };
        if listed.len() != layers {
            return Err(refuse(format!(
                "{heads} has {} numbers for {layers} layers",
                listed.len()
            )));
        }
        let taps = self.need("shortconv.l_cache", MOST_TAPS)?;
        let kind = |heads: &Value| match heads.as_u64() {
            Some(0) => LayerKind::Convolution { taps },
            _ => LayerKind::Attention,
        };
        Ok(listed.iter().map(kind).collect())
    }

    /// Returns the kind of each layer of a model whose attention comes at intervals.
    fn kinds_by_interval(&self, layers: usize) -> Result<Vec<LayerKind>> {
        let delta = self.delta()?;
        // A newer key says it for each layer; without it every fourth sees all tokens.
        let listed = self
            .header
            .metadata
            .get(&self.key("attention.recurrent_layers"));
        let listed = listed.and_then(Value::as_array);
        let every = self.get("full_attention_interval", 1 << 12)?.unwrap_or(4);
        (0..layers)
            .map(|layer| {
                let recurrent = match listed {
                    None => !(layer + 1).is_multiple_of(every),
                    Some(list) => match list.get(layer) {
                        Some(Value::Bool(recurrent)) => *recurrent,
                        Some(value) => value.as_u64() == Some(1),
                        None => {
                            return Err(refuse("a list of layers that is too short".to_owned()));
                        }
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

    fn delta(&self) -> Result<Delta> {
        let need = |name: &str| self.need(name, 1 << 16);
        let (key_heads, value_heads) = (need("ssm.group_count")?, need("ssm.time_step_rank")?);
        let (key, inner) = (need("ssm.state_size")?, need("ssm.inner_size")?);
        let taps = need("ssm.conv_kernel")?;
        // The state is the product of both widths: figures that nobody would train must not ask
        // for more memory than the file's size gives reason to.
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
        Ok(Delta {
            shape: Shape {
                key_heads,
                value_heads,
                key,
                value: inner / value_heads,
            },
            taps,
        })
    }
}

/// Most tokens that a convolution sees; models in use have 3.
const MOST_TAPS: u64 = 64;
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
