//! The tensors of each architecture: names, shapes, and what is in them.

use super::Shape;
use super::blocks::Random;

/// Taps of the convolution before a recurrent state.
pub(super) const TAPS: u64 = 4;
/// Every so-many-th layer of a model with recurrent states has attention instead.
pub(super) const FULL_EVERY: u64 = 4;
/// Tokens that a short convolution sees.
pub(super) const SHORT_TAPS: u64 = 3;

/// The content of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// A product's weights.
    Matrix,
    /// A product's weights that are worth more bits.
    Important,
    /// The embeddings.
    Table,
    /// The product that gives the logits.
    Head,
    /// A product with few rows.
    Gate,
    /// The taps of a convolution.
    Taps,
    /// Numbers around one, of a vector.
    Norm,
    /// Numbers below zero, of a vector.
    Decay,
    /// Numbers around zero, of a vector.
    Bias,
}

/// A tensor that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tensor {
    /// The name of the tensor.
    pub(super) name: String,
    /// Rows; 1 for a vector.
    rows: u64,
    /// Numbers of a row.
    pub(super) columns: u64,
    /// The sort of numbers in the tensor.
    pub(super) content: Content,
}

impl Tensor {
    /// Returns the shape in the file's order.
    pub(super) fn dimensions(&self) -> Vec<u64> {
        match self.content {
            Content::Norm | Content::Decay | Content::Bias => vec![self.columns],
            _ => vec![self.columns, self.rows],
        }
    }

    /// Counts the numbers of the tensor.
    pub(super) const fn elements(&self) -> u64 {
        self.rows * self.columns
    }

    /// Draws the numbers of a vector; none for a tensor that is drawn in blocks.
    pub(super) fn vector(&self, random: &mut Random) -> Option<Vec<f32>> {
        let mut numbers = |around: f32, spread: f32| -> Vec<f32> {
            (0..self.columns)
                .map(|_| around + spread * random.normal())
                .collect()
        };
        match self.content {
            Content::Norm => Some(numbers(1.0, 0.02)),
            Content::Bias => Some(numbers(0.0, 0.02)),
            Content::Decay => Some(numbers(1.0, 0.3).iter().map(|x| -x.abs()).collect()),
            _ => None,
        }
    }

    /// Returns the standard deviation of the numbers: with it a product keeps the size of its
    /// inputs.
    pub(super) fn spread(&self) -> f32 {
        match self.content {
            Content::Taps => 0.2,
            _ => 1.0 / (self.columns as f32).sqrt(),
        }
    }
}

/// Tells whether a layer of an `lfm2` has attention, not a convolution.
pub(super) const fn sees_all(layer: u64) -> bool {
    layer % 3 == 2
}

/// Lists all tensors of a model with a vocabulary of so many tokens.
pub(super) fn of(shape: &Shape, vocabulary: u64) -> Vec<Tensor> {
    let mut list = List {
        tensors: Vec::new(),
        prefix: String::new(),
    };
    let width = shape.width;
    list.add("token_embd.weight", vocabulary, width, Content::Table);
    let norm = match shape.architecture {
        "lfm2" => "token_embd_norm",
        _ => "output_norm",
    };
    norm_of(&mut list, shape, norm);
    if !shape.tied {
        list.add("output.weight", vocabulary, width, Content::Head);
    }
    if shape.architecture == "phi2" {
        list.vector("output.bias", vocabulary, Content::Bias);
    }
    for layer in 0..shape.layers {
        list.prefix = format!("blk.{layer}.");
        norm_of(&mut list, shape, "attn_norm");
        let important = if has_more_bits(layer, shape.layers) {
            Content::Important
        } else {
            Content::Matrix
        };
        match shape.architecture {
            "qwen35" if !(layer + 1).is_multiple_of(FULL_EVERY) => recurrent(&mut list, shape),
            "lfm2" if !sees_all(layer) => convolution(&mut list, shape),
            _ => attention(&mut list, shape, important),
        }
        feed_forward(&mut list, shape, important);
    }
    list.tensors
}

/// Adds a norm, with a bias where the architecture has them.
fn norm_of(list: &mut List, shape: &Shape, name: &str) {
    list.vector(&format!("{name}.weight"), shape.width, Content::Norm);
    if shape.architecture == "phi2" {
        list.vector(&format!("{name}.bias"), shape.width, Content::Bias);
    }
}

/// Tells whether a layer is one of those whose values and last feed-forward get more bits: the
/// first and last eighth, and every third between them.
const fn has_more_bits(layer: u64, layers: u64) -> bool {
    let eighth = layers / 8;
    layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2
}

fn recurrent(list: &mut List, shape: &Shape) {
    let (key_heads, value_heads, head) = shape.delta;
    let values = value_heads * head;
    let all = 2 * key_heads * head + values;
    let width = shape.width;
    list.add("attn_qkv.weight", all, width, Content::Matrix);
    list.add("attn_gate.weight", values, width, Content::Matrix);
    list.add("ssm_conv1d.weight", all, TAPS, Content::Taps);
    list.vector("ssm_dt.bias", value_heads, Content::Bias);
    list.vector("ssm_a", value_heads, Content::Decay);
    list.add("ssm_beta.weight", value_heads, width, Content::Gate);
    list.add("ssm_alpha.weight", value_heads, width, Content::Gate);
    list.vector("ssm_norm.weight", head, Content::Norm);
    list.add("ssm_out.weight", width, values, Content::Matrix);
}

fn convolution(list: &mut List, shape: &Shape) {
    let width = shape.width;
    list.add("shortconv.conv.weight", width, SHORT_TAPS, Content::Taps);
    list.add(
        "shortconv.in_proj.weight",
        3 * width,
        width,
        Content::Matrix,
    );
    list.add("shortconv.out_proj.weight", width, width, Content::Matrix);
}

fn attention(list: &mut List, shape: &Shape, important: Content) {
    let (width, head) = (shape.width, shape.head);
    let (queries, keys) = (shape.heads * head, shape.kv_heads * head);
    match shape.architecture {
        "phi2" | "phi3" => list.add(
            "attn_qkv.weight",
            queries + 2 * keys,
            width,
            Content::Matrix,
        ),
        name => {
            // The gate of each head stands behind its query.
            let gates = if name == "qwen35" { 2 } else { 1 };
            list.add("attn_q.weight", queries * gates, width, Content::Matrix);
            list.add("attn_k.weight", keys, width, Content::Matrix);
            list.add("attn_v.weight", keys, width, important);
        }
    }
    list.add("attn_output.weight", width, queries, Content::Matrix);
    match shape.architecture {
        "qwen2" => {
            list.vector("attn_q.bias", queries, Content::Bias);
            list.vector("attn_k.bias", keys, Content::Bias);
            list.vector("attn_v.bias", keys, Content::Bias);
        }
        "phi2" => {
            list.vector("attn_qkv.bias", queries + 2 * keys, Content::Bias);
            list.vector("attn_output.bias", width, Content::Bias);
        }
        "qwen3" | "qwen35" | "gemma3" | "lfm2" => {
            list.vector("attn_q_norm.weight", head, Content::Norm);
            list.vector("attn_k_norm.weight", head, Content::Norm);
        }
        _ => {}
    }
}

fn feed_forward(list: &mut List, shape: &Shape, important: Content) {
    let (width, inner) = (shape.width, shape.inner);
    if matches!(shape.architecture, "qwen35" | "gemma3" | "glm4") {
        list.vector("post_attention_norm.weight", width, Content::Norm);
    }
    if !matches!(shape.architecture, "qwen35" | "phi2") {
        list.vector("ffn_norm.weight", width, Content::Norm);
    }
    match shape.architecture {
        "phi3" | "glm4" => list.add("ffn_up.weight", 2 * inner, width, Content::Matrix),
        "phi2" => {
            list.add("ffn_up.weight", inner, width, Content::Matrix);
            list.vector("ffn_up.bias", inner, Content::Bias);
            list.vector("ffn_down.bias", width, Content::Bias);
        }
        _ => {
            list.add("ffn_gate.weight", inner, width, Content::Matrix);
            list.add("ffn_up.weight", inner, width, Content::Matrix);
        }
    }
    list.add("ffn_down.weight", width, inner, important);
    if matches!(shape.architecture, "gemma3" | "glm4") {
        list.vector("post_ffw_norm.weight", width, Content::Norm);
    }
}

struct List {
    tensors: Vec<Tensor>,
    prefix: String,
}

impl List {
    fn add(&mut self, name: &str, rows: u64, columns: u64, content: Content) {
        self.tensors.push(Tensor {
            name: format!("{}{name}", self.prefix),
            rows,
            columns,
            content,
        });
    }

    fn vector(&mut self, name: &str, size: u64, content: Content) {
        self.add(name, 1, size, content);
    }
}
