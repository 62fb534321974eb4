//! The facts about a GGUF file and the memory it would take, from its header alone.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::cache::checkpoints;
use crate::base::Result;
use crate::kernels::pages::Precision;
use crate::model::bert;
use crate::model::chat::{ChatFacts, ChatTemplate};
use crate::model::footprint::Footprint;
use crate::model::gguf::{Header, type_name};
use crate::model::hyperparameters::Hyperparameters;
use crate::model::kv_cache;
use crate::model::network;
use crate::model::tokenizer::Tokenizer;

/// Facts of a GGUF's header and the estimate of memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// `general.name`, or the file's name.
    pub name: String,
    /// `general.architecture`.
    pub architecture: String,
    /// True if this build can run the model.
    pub supported: bool,
    /// The reason for which this build cannot run the model, where it cannot.
    pub obstacle: Option<String>,
    /// Number of parameters.
    pub parameters: u64,
    /// The type most weights have: `Q4_K`.
    pub quantization: String,
    /// Native context in tokens, as far as this build has room for it.
    pub context: u32,
    /// Number of layers.
    pub layers: u32,
    /// Bytes of the weights as they will lie in memory, repacked copies included.
    pub weight_bytes: u64,
    /// Bytes of state per token of context.
    pub state_bytes_per_token: u64,
    /// Bytes needed besides (activations, logits, recurrent state).
    pub other_bytes: u64,
    /// The abilities of the chat template; none for a model that holds no conversations.
    pub chat: Option<ChatFacts>,
    /// The reason for which the chat template cannot be used, where it cannot.
    pub no_chat: Option<String>,
}

impl Inspection {
    /// Returns the largest context in tokens that `free` bytes hold, and no more than the model
    /// takes; 0 where not even the weights fit.
    pub fn most_context(&self, free: u64) -> usize {
        let left = free.saturating_sub(self.memory_bytes(0));
        // A state of a fixed size holds any context.
        let most = left
            .checked_div(self.state_bytes_per_token)
            .unwrap_or(u64::MAX);
        most.min(u64::from(self.context)) as usize
    }

    /// Returns the bytes needed with a context of so many tokens.
    pub fn memory_bytes(&self, context: usize) -> u64 {
        self.state_bytes_per_token
            .saturating_mul(context as u64)
            .saturating_add(self.weight_bytes)
            .saturating_add(self.other_bytes)
    }
}

/// Reads the header of a GGUF file and tells what is known from it.
///
/// # Errors
/// Of kind input, saying what was found instead: no GGUF, a version not supported, truncated,
/// sizes that cannot be.
pub fn inspect(file: &Path) -> Result<Inspection> {
    Ok(facts(file, &Header::read(file)?))
}

/// Tells what is known of a model from its header. A number that the file does not give is 0:
/// `network::check` has an obstacle for each that is needed.
pub(super) fn facts(file: &Path, header: &Header) -> Inspection {
    let architecture = header.architecture().to_owned();
    let (chat, no_chat) = conversations(header);
    let obstacle = network::check(header)
        .and_then(|()| vocabulary_of(header))
        .err();
    let layers = header.arch_number("block_count").unwrap_or(0);
    let weights = Weights::of(header);
    let state = StateBytes::of(header);
    let room = network::most_context(header.architecture()).map_or(u32::MAX, |most| most as u32);
    Inspection {
        // A path that ends in `..` has no name.
        name: header
            .text("general.name")
            .map(str::to_owned)
            .or_else(|| file.file_stem().map(|s| s.to_string_lossy().into_owned()))
            .unwrap_or_default(),
        supported: obstacle.is_none(),
        obstacle: obstacle.map(|failure| failure.to_string()),
        parameters: weights.parameters,
        quantization: weights.quantization,
        context: header
            .arch_number("context_length")
            .unwrap_or(2048)
            .min(u64::from(room)) as u32,
        layers: layers.min(u64::from(u32::MAX)) as u32,
        weight_bytes: weights.bytes,
        state_bytes_per_token: state.per_token,
        other_bytes: scratch_bytes(header).saturating_add(state.fixed),
        chat,
        no_chat,
        architecture,
    }
}

/// Estimates the bytes of the activations of a piece, the logits, the vocabulary itself, and the
/// program.
fn scratch_bytes(header: &Header) -> u64 {
    let embedding = header.arch_number("embedding_length").unwrap_or(0);
    let vocabulary = header
        .metadata
        .get("tokenizer.ggml.tokens")
        .and_then(|tokens| tokens.as_array())
        .map_or(0, <[_]>::len) as u64;
    (60_000_000 + vocabulary * 400).saturating_add(embedding.saturating_mul(40_000))
}

/// Bytes of the state of a network.
struct StateBytes {
    /// Bytes per token of context.
    per_token: u64,
    /// Bytes whatever the context: the state itself, the one that a pass makes of it, and the
    /// checkpoints that are kept.
    fixed: u64,
}

impl StateBytes {
    /// Estimates the state of the network that a header describes.
    fn of(header: &Header) -> Self {
        let ours = network::is_ours(header.architecture());
        // On other devices keys and values are of single precision, as candle's own are.
        let precision = if ours && !cfg!(any(feature = "cuda", feature = "metal")) {
            kv_cache::precision(header)
        } else {
            Precision::Single
        };
        // Figures that cannot be are told by `network::check`, not by an estimate.
        let footprint = Hyperparameters::from_header(header)
            .map(|hyper| Footprint::of(&hyper, precision))
            .unwrap_or_default();
        Self {
            // candle's own caches hold keys and values twice while they grow.
            per_token: footprint.per_token.saturating_mul(if ours { 1 } else { 2 }),
            fixed: footprint
                .fixed
                .saturating_mul(2 + checkpoints::CERTAIN as u64),
        }
    }
}

/// Figures of all weights together.
struct Weights {
    /// Bytes in memory.
    bytes: u64,
    parameters: u64,
    /// The type of most of them; empty where there are none.
    quantization: String,
}

impl Weights {
    /// Sums up the tensors of a header.
    fn of(header: &Header) -> Self {
        let ours = network::is_ours(header.architecture());
        let (mut bytes, mut parameters) = (0_u64, 0_u64);
        // Elements by type, in the order in which the types come.
        let mut by_type: Vec<(u32, u64)> = Vec::new();
        for tensor in &header.tensors {
            let taken = in_memory(ours, tensor.kind, tensor.bytes, tensor.shape.len());
            bytes = bytes.saturating_add(taken);
            parameters = parameters.saturating_add(tensor.elements());
            let slot = by_type.iter_mut().find(|(kind, _)| *kind == tensor.kind);
            match slot {
                Some((_, elements)) => *elements = elements.saturating_add(tensor.elements()),
                None => by_type.push((tensor.kind, tensor.elements())),
            }
        }
        // candle's models turn the embedding table into f32; ours turn rows as they are needed.
        if let Some(table) = header.tensor("token_embd.weight").filter(|_| !ours) {
            bytes = bytes.saturating_add(table.elements().saturating_mul(4));
        }
        let most = by_type.iter().max_by_key(|(_, elements)| *elements);
        Self {
            bytes,
            parameters,
            quantization: most.map(|(kind, _)| type_name(*kind)).unwrap_or_default(),
        }
    }
}

/// Returns the facts about the chat template in a header, or why it cannot be used; neither for a
/// model that holds no conversations.
fn conversations(header: &Header) -> (Option<ChatFacts>, Option<String>) {
    if header.architecture() == bert::ARCHITECTURE {
        return (None, None);
    }
    match ChatTemplate::from_header(header) {
        Ok(template) => (Some(template.facts().clone()), None),
        Err(failure) => (None, Some(failure.to_string())),
    }
}

/// Checks that texts can be cut as the model's vocabulary wants it; other faults of a vocabulary
/// are told when it is opened.
fn vocabulary_of(header: &Header) -> Result<()> {
    if header.architecture() == bert::ARCHITECTURE {
        return Ok(());
    }
    Tokenizer::check(header)
}

/// Returns the bytes that a tensor takes once candle has it: its blocks, and beside them the copies
/// that candle packs for this CPU's instructions (Q4_K, Q6_K, Q8_0 on x86-64 with AVX2), or f32 for
/// float types. Our own networks leave every tensor as it lies in the file.
fn in_memory(ours: bool, kind: u32, bytes: u64, dimensions: usize) -> u64 {
    let factor = match type_name(kind).as_str() {
        _ if ours => 1.0,
        "F16" | "BF16" => 2.0,
        _ if dimensions < 2 => 1.0,
        "Q4_K" => 1.0 + 0.75 / 0.5625,
        "Q6_K" => 1.0 + 1.25 / 0.8203,
        "Q8_0" => 1.0 + 1.06 / 1.0625,
        _ => 1.0,
    };
    (bytes as f64 * factor) as u64
}
