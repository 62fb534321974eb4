//! The real engine: GGUF models run in this process.

use std::path::PathBuf;
use std::time::Instant;

use candle_core::Device;

use super::cache::disk_cache::{self, DiskCache};
use super::cache::prefix_cache::PrefixCache;
use super::constraint::allowed_tokens::drawable;
use super::constraint::token_mask::TokenMask;
use super::count::CountMessages;
use super::fit;
use super::generation_defaults::GenerationDefaults;
use super::inspect;
use super::speculative::Drafting;
use super::{Engine, Facts, Generate, Generated, Message, Step};
use crate::base::{Cancel, Result, TokenCount, memory};
use crate::grammar::Grammar;
use crate::model::chat::ChatTemplate;
use crate::model::gguf::Header;
use crate::model::hyperparameters::Hyperparameters;
use crate::model::network;
use crate::model::sample::Allowed;
use crate::model::tokenizer::{Encoding, Tokenizer};
use crate::model::work::Work;

/// Tokens that must be left for an answer.
pub(super) const LEAST_ANSWER: usize = 16;

/// The options for loading a model.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// The name the model was asked for by.
    pub name: String,
    /// The GGUF file.
    pub file: PathBuf,
    /// Context in tokens; 0 for a size that suits the model and the memory.
    pub context: usize,
    /// Threads; 0 for as many as there are physical cores. See [`super::set_threads`].
    pub threads: usize,
    /// Bytes that may be used; a model that needs more is refused with the figures. 0 to ask
    /// the machine.
    pub memory_limit: u64,
    /// The model card's settings, used where a request leaves them open.
    pub card: GenerationDefaults,
    /// The folder in which states are kept from one process to the next; none to keep none.
    pub states: Option<PathBuf>,
    /// Bytes that the states may take on disk.
    pub states_limit: u64,
    /// True if likely tokens are drafted from the text itself (prompt lookup), which changes
    /// nothing but the speed.
    pub drafts: bool,
}

/// A GGUF model run in this process.
pub struct LocalEngine {
    pub(super) facts: Facts,
    pub(super) tokenizer: Tokenizer,
    /// The form of conversations, or why there is none: numbers can be read and written all the
    /// same.
    pub(super) template: Result<ChatTemplate>,
    pub(super) prefix_cache: PrefixCache,
    /// The operations and the bytes that reading and writing take of the machine.
    pub(super) work: Work,
    /// Answers of this conversation, as text and as the tokens they were written with.
    pub(super) answers: Vec<(String, Vec<u32>)>,
    /// Tokens that end an answer, sorted.
    pub(super) stops: Vec<u32>,
    /// Tokens that an answer may have: see [`drawable`].
    pub(super) allowed: Allowed,
    pub(super) card: GenerationDefaults,
    /// Tokens a second, read and written; 0 for what was not measured yet.
    pub(super) rates: Option<(f64, f64)>,
    /// Answers that were begun.
    pub(super) drawn: u64,
    /// The vocabulary as grammars need it, once one was there.
    pub(super) token_mask: Option<TokenMask>,
    /// The statistics of drafts; none where there are to be no drafts.
    pub(super) drafting: Option<Drafting>,
}

impl LocalEngine {
    /// Loads a model. `progress` is told how much of the file is in memory, 0 to 1.
    ///
    /// # Errors
    /// Of kind input, if the file is broken; of kind model, if it cannot be run or would not
    /// fit in memory, with the figures; interrupted, if cancelled.
    pub fn load(
        options: &LoadOptions,
        cancel: &Cancel,
        progress: &mut dyn FnMut(f32),
    ) -> Result<Self> {
        let begun = Instant::now();
        let header = Header::read(&options.file)?;
        let inspection = inspect::facts(&options.file, &header);
        network::check(&header)?;
        let free = match options.memory_limit {
            0 => memory::available(),
            limit => limit,
        };
        let context = fit::context(&inspection, &options.name, options.context, free)?;
        let tokenizer = Tokenizer::from_header(&header)?;
        let template = ChatTemplate::from_header(&header);
        let work = Work::of(&header, &Hyperparameters::from_header(&header)?);
        let mut stops = stop_tokens(&header, &tokenizer);
        if let Ok(chat) = &template {
            stops.extend(chat.end_token().and_then(|text| tokenizer.special(text)));
            stops.sort_unstable();
            stops.dedup();
        }
        let allowed = drawable(&tokenizer, &stops);
        let before = memory::resident();
        let network = network::load(&options.file, &header, context, &device(), cancel, progress)?;
        let states = options.states.as_ref().and_then(|dir| {
            // A file that cannot be read once more does without states.
            let key = disk_cache::model_key(&header).ok()?;
            Some(DiskCache::new(dir.clone(), key, options.states_limit))
        });
        let taken = memory::resident()
            .zip(before)
            .map(|(now, before)| now.saturating_sub(before))
            .filter(|taken| *taken > 0);
        Ok(Self {
            facts: Facts {
                name: options.name.clone(),
                architecture: inspection.architecture.clone(),
                context,
                memory_bytes: taken.unwrap_or_else(|| inspection.memory_bytes(context)),
                load_s: begun.elapsed().as_secs_f64(),
                device: device_name(),
                rewrites: options.card.rewrites,
            },
            tokenizer,
            template,
            prefix_cache: PrefixCache::new(network, states),
            work,
            answers: Vec::new(),
            stops,
            allowed,
            card: options.card.clone().or_from(&header),
            rates: None,
            drawn: 0,
            token_mask: None,
            drafting: options.drafts.then(Drafting::default),
        })
    }
}

/// Returns the tokens that end an answer, sorted: the file's own and the usual ones by their text.
pub(super) fn stop_tokens(header: &Header, tokenizer: &Tokenizer) -> Vec<u32> {
    let by_key = [
        "tokenizer.ggml.eos_token_id",
        "tokenizer.ggml.eot_token_id",
        "tokenizer.ggml.eom_token_id",
    ]
    .iter()
    .filter_map(|key| header.number(key))
    .filter(|id| *id < tokenizer.len() as u64)
    .map(|id| id as u32);
    let by_text = [
        "<|im_end|>",
        "<|endoftext|>",
        "<|eot_id|>",
        "<|eom_id|>",
        "<|end_of_text|>",
        "<end_of_turn>",
        "<|end|>",
        "<|user|>",
        "<|observation|>",
        "</s>",
        "<eos>",
        "<|fim_pad|>",
        "<|repo_name|>",
        "<|file_sep|>",
    ]
    .iter()
    .filter_map(|text| tokenizer.special(text));
    let mut stops: Vec<u32> = by_key.chain(by_text).collect();
    stops.sort_unstable();
    stops.dedup();
    stops
}

/// Returns the device this build computes on.
fn device() -> Device {
    #[cfg(feature = "cuda")]
    if let Ok(device) = Device::new_cuda(0) {
        return device;
    }
    #[cfg(feature = "metal")]
    if let Ok(device) = Device::new_metal(0) {
        return device;
    }
    Device::Cpu
}

fn device_name() -> String {
    match device() {
        Device::Cpu => "cpu".to_owned(),
        Device::Cuda(_) => "cuda:0".to_owned(),
        Device::Metal(_) => "metal".to_owned(),
    }
}

impl TokenCount for LocalEngine {
    fn count(&self, text: &str) -> usize {
        self.tokenizer.encode(text, Encoding::TEXT).len()
    }
}

impl CountMessages for LocalEngine {
    fn count_messages(&self, messages: &[Message]) -> Result<usize> {
        Ok(self.prompt_of(messages, false)?.tokens.len())
    }
}

impl Engine for LocalEngine {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn generate(
        &mut self,
        request: &Generate,
        grammar: Option<&mut dyn Grammar>,
        cancel: &Cancel,
        on: &mut dyn FnMut(Step),
    ) -> Result<Generated> {
        self.run(request, grammar, cancel, on)
    }

    fn rates(&self) -> Option<(f64, f64)> {
        self.rates
    }

    fn reset(&mut self) {
        self.prefix_cache.reset();
        self.answers.clear();
    }

    fn keep_states(&mut self, keep: bool) {
        self.prefix_cache.keep_states(keep);
    }
}

#[cfg(test)]
#[path = "local_tests.rs"]
mod tests;
