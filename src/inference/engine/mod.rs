//! Floor 3: runs models. The real one, and one that plays a script.
//!
//! Law: an engine owns its model and caches, belongs to one thread, and is told everything it
//! needs in the request. It never sees a repository.

mod answer;
pub mod bench;
#[cfg(feature = "lab")]
pub mod bench_drafts;
mod cache;
mod chunk_size;
mod constraint;
mod count;
pub mod debug;
mod decode;
pub mod embedder;
mod fit;
mod generate;
pub mod generation_defaults;
pub mod inspect;
pub mod local;
mod loop_detector;
mod prompt;
#[cfg(feature = "lab")]
pub mod random_walk;
pub mod scripted;
mod speculative;
mod thinking_budget;

#[cfg(test)]
mod fuzz_tests;

use serde::{Deserialize, Serialize};

use crate::base::{Cancel, Result};
use crate::grammar::Grammar;

pub use crate::model::chat::{ChatFacts, Reread, SystemPlace, ThinkingMode, Turns};
pub use bench::{BenchPlan, BenchReport, bench};
#[cfg(feature = "lab")]
pub use bench_drafts::{DraftsCase, DraftsReport};
pub use count::{CountMessages, counter};
pub use embedder::Embedder;
pub use generation_defaults::GenerationDefaults;
pub use inspect::{Inspection, inspect};
pub use local::{LoadOptions, LocalEngine};
#[cfg(feature = "lab")]
pub use random_walk::{Walked, Walker};
pub use scripted::ScriptedEngine;

/// Says how many threads are to compute: 0 for as many as suit this machine. Call it in
/// `main`, once the command line and the configuration are read and before the first thread
/// is started; later it has no effect. Returns the number that will compute.
pub fn set_threads(threads: usize) -> usize {
    crate::kernels::threads::set(threads)
}

/// The speaker of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The system message: standing instructions.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The speaker.
    pub role: Role,
    /// The text of the message; never parsed for control tokens.
    pub content: String,
}

/// The settings by which the next token is sampled. `None` leaves one to the model's card.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// Temperature; 0 takes the most likely token (greedy).
    pub temperature: Option<f32>,
    /// Number of most likely tokens kept; 0 keeps all.
    pub top_k: Option<u32>,
    /// Nucleus sampling: the least set of tokens whose probabilities reach this sum is kept.
    pub top_p: Option<f32>,
    /// Least probability of a token, relative to that of the most likely one.
    pub min_p: Option<f32>,
    /// Number subtracted from the logit of each token already written in this answer.
    pub presence_penalty: Option<f32>,
    /// Divisor of positive and factor of negative logits of the last 256 tokens; 1 for none.
    pub repetition_penalty: Option<f32>,
    /// Seed of the draws: the same seed gives the same text, on the same machine and build.
    pub seed: Option<u64>,
}

/// A request to generate an answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Generate {
    /// The conversation so far; append-only from turn to turn, so that its state is kept.
    pub messages: Vec<Message>,
    /// The beginning of the answer, which is given and not generated.
    pub prefill: String,
    /// The sampling of the tokens.
    pub sampling: Sampling,
    /// Most tokens of the answer, a thought before it not counted; 0 for what the context
    /// leaves.
    pub max_tokens: usize,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
    /// True if a thinking model may think first.
    pub thinking: bool,
    /// Most tokens of a thought: 0 for no limit, none for the card's.
    pub thinking_limit: Option<usize>,
    /// The prompt that will probably be next, if it is another one: the state behind their common
    /// prefix is kept, where the network's state cannot be cut back to it.
    pub next: Vec<Message>,
}

/// The reason for which a thought was ended in the model's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// The thought reached the limit on thinking.
    Limit,
    /// The thought went in circles.
    Repeated,
    /// The rest of the context is needed for the answer.
    Room,
}

impl Cut {
    /// The reason in words, to stand behind "thinking was ended".
    pub const fn words(self) -> &'static str {
        match self {
            Self::Limit => "at its limit",
            Self::Repeated => "because it went in circles",
            Self::Room => "to leave room for the answer",
        }
    }
}

/// A step of generating an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// The prompt is being read.
    Prefill {
        /// Tokens in the state, cached ones included.
        done: usize,
        /// Tokens of the prompt.
        total: usize,
        /// Tokens that did not have to be read again.
        cached: usize,
        /// Tokens a second, measured on this prompt; 0 before the first piece.
        rate: f64,
    },
    /// The conversation differs from the one held and is read from the start; with the reason.
    StartOver(String),
    /// A part of the conversation that was there before is read again.
    ReadAnew {
        /// Tokens of that part.
        tokens: usize,
        /// The reason, in words.
        why: String,
    },
    /// A piece of a thought; whole characters.
    Thinking(String),
    /// The thought was ended in the model's place; the answer follows.
    ThinkingCut {
        /// Tokens of the thought.
        tokens: usize,
        /// The reason.
        why: Cut,
    },
    /// A piece of the answer; whole characters.
    Text(String),
}

/// The reason for which a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model was done, or a stop text came.
    Stop,
    /// `max_tokens` or the context was reached.
    Length,
    /// The answer went in circles: the same words came again and again.
    Repeated,
    /// The generation was cancelled; the text written until then stands.
    Cancelled,
}

/// The figures of one generation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens of the prompt that were not read again.
    pub cached_tokens: usize,
    /// Tokens written.
    pub generated_tokens: usize,
    /// Seconds for reading the prompt.
    pub prefill_s: f64,
    /// Seconds for writing.
    pub decode_s: f64,
    /// Tokens that were drafted from the text itself and read with those before them.
    #[serde(default)]
    pub drafted_tokens: usize,
    /// Drafted tokens that were accepted.
    #[serde(default)]
    pub accepted_tokens: usize,
}

/// A finished generation.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// The answer, thinking left out.
    pub text: String,
    /// The reason for which the generation ended.
    pub finish: Finish,
    /// The figures.
    pub usage: Usage,
}

/// Facts about a loaded model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The name the model was asked for by.
    pub name: String,
    /// `general.architecture`.
    pub architecture: String,
    /// Context in tokens as loaded.
    pub context: usize,
    /// Bytes of memory taken (measured where it can be, else estimated).
    pub memory_bytes: u64,
    /// Seconds that loading took.
    pub load_s: f64,
    /// The device that computes: `cpu`, `cuda:0`, `metal`, `script`.
    pub device: String,
    /// True if the model changes texts by writing parts of them anew: see
    /// [`GenerationDefaults::rewrites`].
    #[serde(default)]
    pub rewrites: bool,
}

/// Runs a model. One at a time, on one thread.
pub trait Engine: CountMessages + Send {
    /// Returns the facts about the loaded model.
    fn facts(&self) -> &Facts;

    /// Reads the conversation, writes an answer, tells of each step. With a `grammar` the answer
    /// belongs to its language, thoughts before it being free; where nothing may come next it ends
    /// with [`Finish::Length`]. A cancel ends it with [`Finish::Cancelled`] and what was written,
    /// not with an error.
    ///
    /// # Errors
    /// Of kind model: the prompt does not fit the context (never truncated), the template
    /// refuses it, or the arithmetic fails.
    fn generate(
        &mut self,
        request: &Generate,
        grammar: Option<&mut dyn Grammar>,
        cancel: &Cancel,
        on: &mut dyn FnMut(Step),
    ) -> Result<Generated>;

    /// Returns the tokens a second this machine reads and writes with this model, measured; none
    /// before the first generation.
    fn rates(&self) -> Option<(f64, f64)>;

    /// Forgets the conversation held.
    fn reset(&mut self);

    /// Has states written to disk from now on, or none; where the model was loaded without a
    /// folder for them, there are none either way.
    fn keep_states(&mut self, keep: bool);
}
