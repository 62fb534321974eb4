//! Models of a real model's full shape with random weights: for measuring speed and memory
//! and for tests, never for answers.
//!
//! The shapes are those of published models, and a small one of every architecture. Weights
//! are drawn so that activations stay finite (see [`blocks`]), with a fixed seed: the same
//! shape and quantization give the same file. Large tensors repeat a few million random
//! blocks, so that writing is as fast as the disk.

mod blocks;
mod tensors;
mod vocabulary;

use std::collections::HashMap;
use std::path::Path;

use super::gguf::write::{Planned, Writer};
use super::gguf::{Header, Value};
use crate::base::{Cancel, Failure, Result};
use crate::kernels::blocks::Kind;
pub use blocks::Random;
use blocks::{draw, number};
use tensors::{Content, Tensor};

/// Blocks that are drawn for a large tensor and then repeated; a prime, so that the rows of a
/// matrix differ.
const DRAWN: usize = 65_521;
/// Numbers of a large tensor of floats that are drawn and then repeated; a prime too.
const DRAWN_FLOATS: usize = 2_097_143;
/// Bytes written between two looks at the cancel.
const STEP: usize = 4 << 20;

/// The figures of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// The name of the shape here: `qwen35-9b`.
    pub name: &'static str,
    /// `general.architecture`.
    pub architecture: &'static str,
    /// Width of the hidden state.
    pub width: u64,
    /// Width of the feed-forward.
    pub inner: u64,
    /// Layers.
    pub layers: u64,
    /// Query heads.
    pub heads: u64,
    /// Key and value heads.
    pub kv_heads: u64,
    /// Width of a head.
    pub head: u64,
    /// Key heads, value heads and the width of a head in the layers with a recurrent state;
    /// zeros where there are none.
    pub delta: (u64, u64, u64),
    /// True if the table of embeddings is also the head.
    pub tied: bool,
    /// Rows of the vocabulary, at least.
    pub vocabulary: u64,
}

const fn shape(
    (name, architecture): (&'static str, &'static str),
    (width, inner, layers): (u64, u64, u64),
    (heads, kv_heads, head): (u64, u64, u64),
    delta: (u64, u64, u64),
    tied: bool,
    vocabulary: u64,
) -> Shape {
    Shape {
        name,
        architecture,
        width,
        inner,
        layers,
        heads,
        kv_heads,
        head,
        delta,
        tied,
        vocabulary,
    }
}

const NONE: (u64, u64, u64) = (0, 0, 0);
const QWEN35: u64 = 248_320;
const QWEN3: u64 = 151_936;
const SMALL: u64 = 320;

/// The shapes that can be made.
#[rustfmt::skip]
pub const SHAPES: &[Shape] = &[
    shape(("qwen35-0.8b", "qwen35"), (1024, 3584, 24), (8, 2, 256), (16, 16, 128), true, QWEN35),
    shape(("qwen35-2b", "qwen35"), (2048, 6144, 24), (8, 2, 256), (16, 16, 128), true, QWEN35),
    shape(("qwen35-4b", "qwen35"), (2560, 9216, 32), (16, 4, 256), (16, 32, 128), true, QWEN35),
    shape(("qwen35-9b", "qwen35"), (4096, 12288, 32), (16, 4, 256), (16, 32, 128), false, QWEN35),
    shape(("qwen35-27b", "qwen35"), (5120, 17408, 64), (24, 4, 256), (16, 48, 128), false, QWEN35),
    shape(("qwen3-0.6b", "qwen3"), (1024, 3072, 28), (16, 8, 128), NONE, true, QWEN3),
    shape(("qwen3-4b", "qwen3"), (2560, 9728, 36), (32, 8, 128), NONE, true, QWEN3),
    shape(("llama-tiny", "llama"), (64, 96, 2), (4, 2, 16), NONE, false, SMALL),
    shape(("qwen2-tiny", "qwen2"), (64, 96, 2), (4, 2, 16), NONE, true, SMALL),
    // Wide enough for blocks of 256 weights.
    shape(("qwen3-tiny", "qwen3"), (256, 512, 2), (4, 2, 64), NONE, true, SMALL),
    shape(("qwen35-tiny", "qwen35"), (256, 256, 4), (4, 2, 32), (2, 4, 64), true, SMALL),
    shape(("gemma3-tiny", "gemma3"), (64, 96, 7), (4, 2, 16), NONE, true, SMALL),
    shape(("phi3-tiny", "phi3"), (64, 96, 2), (4, 2, 16), NONE, false, SMALL),
    shape(("glm4-tiny", "glm4"), (64, 128, 2), (4, 2, 16), NONE, false, SMALL),
    shape(("phi2-tiny", "phi2"), (64, 128, 2), (4, 4, 16), NONE, false, SMALL),
    shape(("lfm2-tiny", "lfm2"), (64, 128, 4), (4, 2, 16), NONE, true, SMALL),
];

impl Shape {
    /// Finds a shape by its name.
    ///
    /// # Errors
    /// Of kind usage, naming those that there are.
    pub fn named(name: &str) -> Result<&'static Self> {
        SHAPES
            .iter()
            .find(|shape| shape.name == name)
            .ok_or_else(|| {
                let names: Vec<_> = SHAPES.iter().map(|shape| shape.name).collect();
                Failure::usage(format!("there is no shape `{name}`"))
                    .hint(format!("there are {}", names.join(", ")))
            })
    }

    /// Tells whether the shape is one for tests, with a small vocabulary of its own.
    pub const fn is_tiny(&self) -> bool {
        self.vocabulary == SMALL
    }
}

/// A mixture of formats in which the matrices are stored, as published files have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantization {
    /// The usual name of the mixture: `Q4_K_M`.
    pub name: &'static str,
    /// `general.file_type`.
    file_type: u64,
    /// The format of most matrices.
    base: Kind,
    /// The format of matrices that lose most by few bits: half of those of the values and of the
    /// last of the feed-forward.
    high: Kind,
    /// The format of the head, and of the table of embeddings where it is the head.
    head: Kind,
}

/// The mixtures that can be made.
#[rustfmt::skip]
pub const QUANTIZATIONS: &[Quantization] = &[
    mixture("Q4_K_M", 15, Kind::Q4K, Kind::Q6K, Kind::Q6K),
    mixture("Q5_K_M", 17, Kind::Q5K, Kind::Q6K, Kind::Q6K),
    mixture("Q6_K", 18, Kind::Q6K, Kind::Q6K, Kind::Q6K),
    mixture("Q8_0", 7, Kind::Q8_0, Kind::Q8_0, Kind::Q8_0),
    mixture("Q4_0", 2, Kind::Q4_0, Kind::Q4_0, Kind::Q6K),
    mixture("Q4_1", 3, Kind::Q4_1, Kind::Q4_1, Kind::Q6K),
    mixture("IQ4_XS", 30, Kind::IQ4XS, Kind::Q5K, Kind::Q6K),
    mixture("F32", 0, Kind::F32, Kind::F32, Kind::F32),
    // Nothing but one format, to see what its products take.
    mixture("Q5_K-pure", 17, Kind::Q5K, Kind::Q5K, Kind::Q5K),
    mixture("Q4_0-pure", 2, Kind::Q4_0, Kind::Q4_0, Kind::Q4_0),
    mixture("Q4_1-pure", 3, Kind::Q4_1, Kind::Q4_1, Kind::Q4_1),
    mixture("IQ4_XS-pure", 30, Kind::IQ4XS, Kind::IQ4XS, Kind::IQ4XS),
];

const fn mixture(
    name: &'static str,
    file_type: u64,
    base: Kind,
    high: Kind,
    head: Kind,
) -> Quantization {
    Quantization {
        name,
        file_type,
        base,
        high,
        head,
    }
}

impl Quantization {
    /// Finds a mixture by its name, in any case.
    ///
    /// # Errors
    /// Of kind usage, naming those that there are.
    pub fn named(name: &str) -> Result<&'static Self> {
        QUANTIZATIONS
            .iter()
            .find(|known| known.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                let names: Vec<_> = QUANTIZATIONS.iter().map(|known| known.name).collect();
                Failure::usage(format!("there is no quantization `{name}`"))
                    .hint(format!("there are {}", names.join(", ")))
            })
    }

    /// Returns the format of a tensor. Where its rows are no whole blocks it is that of the next
    /// size whose blocks are smaller, as in published files.
    fn kind(&self, tensor: &Tensor, tied: bool) -> Kind {
        let kind = match tensor.content {
            Content::Matrix => self.base,
            Content::Important => self.high,
            Content::Table if tied => self.head,
            Content::Table => self.base,
            Content::Head => self.head,
            // So few rows that they are kept well whatever the rest is.
            Content::Gate if self.base != Kind::F32 => Kind::Q8_0,
            _ => Kind::F32,
        };
        let whole = |kind: Kind| kind.row_bytes(tensor.columns as usize).is_some();
        let smaller = match kind {
            kind if whole(kind) => kind,
            Kind::Q4K => Kind::Q5_0,
            Kind::Q5K => Kind::Q5_1,
            Kind::Q6K => Kind::Q8_0,
            Kind::IQ4XS => Kind::IQ4NL,
            _ => Kind::F16,
        };
        if whole(smaller) { smaller } else { Kind::F16 }
    }
}

/// Writes a model to a file that is not there yet. The vocabulary is that of another model,
/// filled up with tokens that are never written; without one, it is a small one of bytes.
/// `progress` is told bytes written and bytes in all. Returns the bytes of the tensors.
///
/// # Errors
/// Of kind usage, if the file is there; of kind environment, if it cannot be written;
/// interrupted, if cancelled. Then no file is left.
pub fn write(
    shape: &Shape,
    quantization: &Quantization,
    vocabulary: Option<&Header>,
    out: &Path,
    cancel: &Cancel,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<u64> {
    if out.exists() {
        return Err(
            Failure::usage(format!("{} is there already", out.display()))
                .hint("give another name, or delete it first"),
        );
    }
    let (tensors, metadata, planned) = plan(shape, quantization, vocabulary);
    let (planned, kinds): (Vec<Planned>, Vec<Kind>) = planned.into_iter().unzip();
    let mut writer = Writer::create(out, &metadata, &planned)?;
    let total = writer.total();
    let mut weights = Weights::new();
    let mut done = 0;
    for (tensor, kind) in tensors.iter().zip(kinds) {
        let mut write = |bytes: &[u8]| {
            cancel.check()?;
            writer.write(bytes)?;
            done += bytes.len() as u64;
            progress(done, total);
            Ok(())
        };
        weights.write(tensor, kind, &mut write)?;
    }
    writer.finish()?;
    Ok(done)
}

/// Writes a model as [`write`] does, but with a hole in the place of its weights: for its figures
/// alone.
///
/// # Errors
/// As [`write`].
pub fn write_header(shape: &Shape, quantization: &Quantization, out: &Path) -> Result<()> {
    let (_, metadata, planned) = plan(shape, quantization, None);
    let planned: Vec<Planned> = planned.into_iter().map(|(planned, _)| planned).collect();
    Writer::create(out, &metadata, &planned)?.leave_hole()
}

/// Lists the tensors of a model, its metadata, and the plan and format of each tensor.
#[expect(clippy::type_complexity, reason = "three lists of one plan")]
fn plan(
    shape: &Shape,
    quantization: &Quantization,
    vocabulary: Option<&Header>,
) -> (Vec<Tensor>, Vec<(String, Value)>, Vec<(Planned, Kind)>) {
    let (words, rows) = vocabulary::metadata(shape, vocabulary);
    let mut metadata = metadata(shape, quantization);
    metadata.extend(words);
    let tensors = tensors::of(shape, rows);
    let planned = tensors.iter().map(|tensor| {
        let kind = quantization.kind(tensor, shape.tied);
        let planned = Planned {
            name: tensor.name.clone(),
            shape: tensor.dimensions(),
            kind: number(kind),
        };
        (planned, kind)
    });
    let planned = planned.collect();
    (tensors, metadata, planned)
}

/// Random weights, and those that are repeated.
struct Weights {
    random: Random,
    /// Blocks that are repeated, by their format and by the bits of their spread.
    repeated: HashMap<(Kind, u32), Vec<u8>>,
}

impl Weights {
    fn new() -> Self {
        Self {
            random: Random::new(7),
            repeated: HashMap::new(),
        }
    }

    fn write(
        &mut self,
        tensor: &Tensor,
        kind: Kind,
        write: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        if let Some(floats) = tensor.vector(&mut self.random) {
            let bytes: Vec<u8> = floats.iter().flat_map(|x| x.to_le_bytes()).collect();
            return write(&bytes);
        }
        let spread = tensor.spread();
        let blocks = (tensor.elements() as usize) / kind.block();
        let most = if kind.is_float() { DRAWN_FLOATS } else { DRAWN };
        if blocks <= most {
            return write(&draw(kind, spread, blocks, &mut self.random));
        }
        let random = &mut self.random;
        let drawn = self
            .repeated
            .entry((kind, spread.to_bits()))
            .or_insert_with(|| draw(kind, spread, most, random));
        let mut left = blocks * kind.bytes();
        let mut at = (random.next() as usize % most) * kind.bytes();
        while left > 0 {
            let end = (at + left.min(STEP)).min(drawn.len());
            let piece = drawn
                .get(at..end)
                .ok_or_else(|| Failure::bug("a piece of weights lies beyond those drawn"))?;
            write(piece)?;
            left -= piece.len();
            at = if end == drawn.len() { 0 } else { end };
        }
        Ok(())
    }
}

/// Lists the figures as metadata.
fn metadata(shape: &Shape, quantization: &Quantization) -> Vec<(String, Value)> {
    let name = shape.architecture;
    let mut metadata = general(shape, quantization);
    let mut put = |key: &str, value: Value| metadata.push((format!("{name}.{key}"), value));
    let rotary = match name {
        "qwen35" => shape.head / 4,
        "glm4" | "phi2" => shape.head / 2,
        _ => shape.head,
    };
    for (key, n) in numbers(shape, rotary) {
        put(
            key,
            match key {
                "attention.head_count_kv" if name == "lfm2" => by_layer(shape, n),
                _ => Value::Unsigned(n),
            },
        );
    }
    // Floats as the format holds them, in 32 bits.
    let float = |x: f32| Value::Float(f64::from(x));
    match name {
        "phi2" => put("attention.layer_norm_epsilon", float(1e-5)),
        _ => put("attention.layer_norm_rms_epsilon", float(1e-6)),
    }
    let base = match name {
        "qwen35" => 1e7,
        "qwen2" | "qwen3" | "gemma3" | "lfm2" => 1e6,
        _ => 1e4,
    };
    put("rope.freq_base", float(base));
    if name == "qwen35" {
        // The rotary pairs for time, height and width.
        let pairs = rotary / 2;
        let most = pairs.div_ceil(3);
        let sections = [most, most, pairs - 2 * most, 0];
        put(
            "rope.dimension_sections",
            Value::Array(sections.map(|n| Value::Signed(n as i64)).to_vec()),
        );
    }
    metadata
}

/// Lists the keys under `general.`.
fn general(shape: &Shape, quantization: &Quantization) -> Vec<(String, Value)> {
    let text = |text: &str| Value::Text(text.to_owned());
    let name = format!("{} random {}", shape.name, quantization.name);
    [
        ("general.architecture", text(shape.architecture)),
        ("general.name", text(&name)),
        ("general.file_type", Value::Unsigned(quantization.file_type)),
        ("general.quantization_version", Value::Unsigned(2)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .to_vec()
}

/// Lists the whole numbers under the architecture's prefix.
fn numbers(shape: &Shape, rotary: u64) -> Vec<(&'static str, u64)> {
    let (key_heads, value_heads, delta_head) = shape.delta;
    let context = match shape.architecture {
        "phi2" => 2048,
        _ => 32_768,
    };
    let mut numbers = vec![
        ("context_length", context),
        ("embedding_length", shape.width),
        ("block_count", shape.layers),
        ("feed_forward_length", shape.inner),
        ("attention.head_count", shape.heads),
        ("attention.head_count_kv", shape.kv_heads),
        ("attention.key_length", shape.head),
        ("attention.value_length", shape.head),
        ("rope.dimension_count", rotary),
    ];
    match shape.architecture {
        "qwen35" => numbers.extend([
            ("ssm.conv_kernel", tensors::TAPS),
            ("ssm.state_size", delta_head),
            ("ssm.group_count", key_heads),
            ("ssm.time_step_rank", value_heads),
            ("ssm.inner_size", value_heads * delta_head),
            ("full_attention_interval", tensors::FULL_EVERY),
        ]),
        "gemma3" => numbers.push(("attention.sliding_window", 32)),
        "lfm2" => numbers.push(("shortconv.l_cache", tensors::SHORT_TAPS)),
        _ => {}
    }
    numbers
}

/// Lists a number for each layer that has attention, and zero for the others.
fn by_layer(shape: &Shape, n: u64) -> Value {
    let number = |layer| if tensors::sees_all(layer) { n } else { 0 };
    Value::Array((0..shape.layers).map(number).map(Value::Unsigned).collect())
}

#[cfg(test)]
#[path = "synthetic_tests.rs"]
mod tests;
