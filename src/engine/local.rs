//! The real engine: GGUF models run in this process.

use std::path::PathBuf;
use std::time::Instant;

use candle_core::Device;

use super::answer::AnswerStream;
use super::card::Card;
use super::draft::Drafting;
use super::drawable::drawable;
use super::fit;
use super::guide::{Guide, lift};
use super::inspect;
use super::lift::Lift;
use super::recall::{Marks, Recall, common};
use super::repeats::Repeats;
use super::states::{self, States};
use super::thought::{CLOSING, Thought, opened};
use super::writer::{CLOSE, Writer};
use super::{Engine, Facts, Finish, Generate, Generated, Message, Role, Step, Usage};
use crate::base::text::human_count;
use crate::base::{Cancel, Failure, Mask, Result, TokenCount, memory};
use crate::model::chat::{ChatMessage, ChatTemplate};
use crate::model::gguf::Header;
use crate::model::hyper::Hyper;
use crate::model::network;
use crate::model::sample::{Allowed, Choice, Sampler};
use crate::model::tokenizer::{Encoding, TextStream, Tokenizer};
use crate::model::work::Work;

/// Tokens that must be left for an answer.
pub(super) const LEAST_ANSWER: usize = 16;

/// How to load a model.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// The name it was asked for by.
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
    pub card: Card,
    /// Where states are kept from one process to the next; none to keep none.
    pub states: Option<PathBuf>,
    /// Bytes that these may take.
    pub states_limit: u64,
    /// Whether what is likely to come next is drafted from the text itself, which changes
    /// nothing but the speed.
    pub drafts: bool,
}

/// A GGUF model run in this process.
pub struct LocalEngine {
    facts: Facts,
    pub(super) tokenizer: Tokenizer,
    template: ChatTemplate,
    pub(super) recall: Recall,
    /// What reading and writing take of the machine.
    pub(super) work: Work,
    /// Answers of this conversation, as text and as the tokens they were written with.
    answers: Vec<(String, Vec<u32>)>,
    pub(super) stops: Vec<u32>,
    pub(super) allowed: Allowed,
    card: Card,
    rates: Option<(f64, f64)>,
    drawn: u64,
    /// The vocabulary as masks need it, once one was there.
    lift: Option<Lift>,
    /// What was learned about drafts; none where there are to be none.
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
        let name_of = |id: Option<u32>| id.map(|id| tokenizer.text(id)).unwrap_or_default();
        let template = ChatTemplate::new(
            header.text("tokenizer.chat_template"),
            &name_of(tokenizer.bos),
            &name_of(tokenizer.eos),
        )?;
        let work = Work::of(&header, &Hyper::from_header(&header)?);
        let stops = stop_tokens(&header, &tokenizer);
        let allowed = drawable(&tokenizer, &stops);
        let before = memory::resident();
        let network = network::load(&options.file, &header, context, &device(), cancel, progress)?;
        let states = options.states.as_ref().and_then(|dir| {
            let key = states::model_key(&header).ok()?;
            Some(States::new(dir.clone(), key, options.states_limit))
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
            recall: Recall::new(network, states),
            work,
            answers: Vec::new(),
            stops,
            allowed,
            card: options.card.clone().or_from(&header),
            rates: None,
            drawn: 0,
            lift: None,
            drafting: options.drafts.then(Drafting::default),
        })
    }

    fn tokens_of(&self, messages: &[Message], thinking: bool, open: bool) -> Result<Vec<u32>> {
        let messages: Vec<ChatMessage> = messages
            .iter()
            .map(|message| ChatMessage {
                role: match message.role {
                    Role::System => "system",
                    Role::User => "user",
                    Role::Assistant => "assistant",
                }
                .to_owned(),
                content: message.content.clone(),
            })
            .collect();
        let known = |text: &str| {
            let text = text.trim();
            let found = self.answers.iter().find(|(said, _)| said.trim() == text);
            found.map(|(_, ids)| ids.clone())
        };
        self.template
            .encode(&self.tokenizer, &messages, thinking, open, &known)
    }

    /// Where the next prompt of this conversation, or of one with the same system block, may
    /// part from this one: found by rendering such prompts, since only the template knows.
    fn marks(&self, request: &Generate, tokens: &[u32]) -> Marks {
        let probe = |role: Role| Message {
            role,
            content: "\u{b7}".to_owned(),
        };
        let same = |messages: &[Message]| {
            let other = self.tokens_of(messages, request.thinking, true).ok()?;
            // The last token is read in any case, for its logits: so the same prompt once more
            // can begin here too.
            let most = tokens.len().saturating_sub(1);
            Some(common(&other, tokens).min(most)).filter(|n| *n > 0)
        };
        let first = request.messages.first();
        let system = first
            .filter(|first| first.role == Role::System)
            .and_then(|first| same(&[first.clone(), probe(Role::User)]));
        // Where the state can be cut back, the next prompt finds its own place.
        let answer = || {
            let mut longer = request.messages.clone();
            longer.extend([probe(Role::Assistant), probe(Role::User)]);
            same(&longer)
        };
        Marks {
            system,
            answer: if self.recall.can_cut() {
                None
            } else {
                answer()
            },
            next: Some(&request.next)
                .filter(|next| !next.is_empty() && !self.recall.can_cut())
                .and_then(|next| same(next)),
        }
    }

    fn too_long(&self, tokens: usize) -> Failure {
        Failure::model("the conversation does not fit the model's context")
            .because(format!(
                "it has {} tokens, and the context holds {}",
                human_count(tokens as u64),
                human_count(self.facts.context as u64)
            ))
            .hint("begin anew (/new), show fewer files, or set a smaller budget")
    }
}

/// The tokens that end an answer: the file's own and the usual ones by their text.
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

/// The device this build computes on.
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

impl Engine for LocalEngine {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn count_messages(&self, messages: &[Message]) -> Result<usize> {
        Ok(self.tokens_of(messages, false, true)?.len())
    }

    fn masks(&self) -> bool {
        true
    }

    fn generate_within(
        &mut self,
        request: &Generate,
        mask: Option<&mut dyn Mask>,
        cancel: &Cancel,
        on: &mut dyn FnMut(Step),
    ) -> Result<Generated> {
        let thinking = request.thinking && self.template.thinks();
        let mut tokens = self.tokens_of(&request.messages, thinking, true)?;
        let opened = opened(&self.tokenizer, &tokens);
        self.tokenizer
            .encode_into(&request.prefill, Encoding::TEXT, false, &mut tokens);
        if tokens.is_empty() || tokens.len() + LEAST_ANSWER > self.facts.context {
            return Err(self.too_long(tokens.len()));
        }
        let room = self.facts.context - tokens.len();
        let most = if request.max_tokens == 0 {
            room
        } else {
            request.max_tokens.min(room)
        };
        let mut usage = Usage {
            prompt_tokens: tokens.len(),
            cached_tokens: 0,
            generated_tokens: 0,
            prefill_s: 0.0,
            decode_s: 0.0,
            drafted_tokens: 0,
            accepted_tokens: 0,
        };
        let begun = Instant::now();
        let marks = self.marks(request, &tokens);
        // Ready when the prompt is read: it takes a tenth of a second at most.
        let (lift, read) = std::thread::scope(|scope| {
            let known = self.lift.take();
            let lift = match (&mask, known) {
                (None, known) => Ok(known),
                (Some(_), Some(known)) => Ok(Some(known)),
                (Some(_), None) => Err(scope.spawn(|| lift(&self.tokenizer, &self.stops))),
            };
            let read = self.recall.read(&tokens, marks, cancel, on);
            let lift = lift.unwrap_or_else(|made| made.join().ok());
            (lift, read)
        });
        self.lift = lift;
        let Some(read) = read? else {
            usage.prefill_s = begun.elapsed().as_secs_f64();
            return Ok(Generated {
                text: String::new(),
                finish: Finish::Cancelled,
                usage,
            });
        };
        let cached = read.cached;
        usage.cached_tokens = cached;
        usage.prefill_s = read.seconds;
        self.drawn += 1;
        let seed = request
            .sampling
            .seed
            .unwrap_or_else(|| fresh_seed(self.drawn));
        let settings = self.card.settings(&request.sampling, thinking || opened);
        let mut sampler = Sampler::new(settings, seed, &tokens);
        let mut characters = TextStream::default();
        let mut answer = AnswerStream::new(opened, &request.stop);
        let limit = request.thinking_limit.or(self.card.thinking_limit);
        let mut thought = Thought::new(&self.tokenizer, limit, room, most);
        let mut written = Vec::new();
        let mut answered = 0;
        let mut repeats = Repeats::default();
        let begun = Instant::now();
        let mut writer = Writer::new(&mut self.recall, read.logits, self.drafting.as_mut());
        let mut guide = Guide::new(mask.zip(self.lift.as_mut()), &self.stops, &self.allowed);
        let finish = loop {
            if cancel.is_cancelled() {
                break Finish::Cancelled;
            }
            if answered >= most || writer.len() >= self.facts.context {
                break Finish::Length;
            }
            let allowed = guide.allowed(answer.thinks());
            if guide.bars(&allowed) {
                break Finish::Length;
            }
            let mut choice = sampler.choose(writer.logits(), &allowed);
            if choice.is_some_and(|choice| choice.lead < CLOSE) {
                match writer.alone(cancel) {
                    Ok(true) => choice = sampler.choose(writer.logits(), &allowed),
                    Ok(false) => {}
                    Err(failure) if failure.is_interrupted() => break Finish::Cancelled,
                    Err(failure) => return Err(failure),
                }
            }
            let Some(Choice { token, .. }) = choice else {
                return Err(Failure::model("the model gave no next token")
                    .because("its numbers are not finite")
                    .hint("`homebody models verify` tells whether the file is whole"));
            };
            sampler.take(token);
            let mut next = Vec::new();
            let mut close = false;
            if self.stops.contains(&token) {
                // A model that stops inside its thought still owes the answer.
                close = answer.thinks();
                if !close {
                    break Finish::Stop;
                }
            } else {
                written.push(token);
                next.push(token);
                if !answer.thinks() {
                    guide.take(token, most.saturating_sub(answered + 1));
                }
                answer.push(&characters.push(self.tokenizer.printed(token)), on);
                if answer.stopped {
                    break Finish::Stop;
                }
                if !answer.thinks() {
                    answered += 1;
                    if answered >= most {
                        break Finish::Length;
                    }
                    if repeats.push(token) && guide.is_free() {
                        break Finish::Repeated;
                    }
                } else if let Some(why) = thought.push(token) {
                    close = true;
                    let tokens = thought.tokens;
                    on(Step::ThinkingCut { tokens, why });
                }
            }
            if close {
                next.extend_from_slice(&thought.closing);
                answer.push(&(characters.finish() + CLOSING), on);
            }
            let held = writer.len() + next.len();
            if held >= self.facts.context {
                break Finish::Length;
            }
            // What could not be written any more need not be drafted.
            let more = (most - answered).min(self.facts.context - held) - 1;
            match writer.read_on(&next, more, cancel) {
                Ok(()) => {}
                Err(failure) if failure.is_interrupted() => break Finish::Cancelled,
                Err(failure) => return Err(failure),
            }
        };
        let drafted = writer.finish();
        usage.drafted_tokens = drafted.tokens;
        usage.accepted_tokens = drafted.accepted;
        let rest = characters.finish();
        answer.push(&rest, on);
        answer.finish(on);
        usage.generated_tokens = written.len();
        usage.decode_s = begun.elapsed().as_secs_f64();
        if finish != Finish::Cancelled {
            self.recall.store(&tokens, marks);
        }
        let text = answer.text().to_owned();
        if !answer.thought
            && !answer.stopped
            && request.prefill.is_empty()
            && !text.trim().is_empty()
        {
            self.answers.retain(|(said, _)| *said != text);
            self.answers.push((text.clone(), written.clone()));
        }
        let old = self.rates.unwrap_or((0.0, 0.0));
        let of = |n: usize, s: f64, old: f64, least: usize| {
            if n >= least && s > 0.0 {
                n as f64 / s
            } else {
                old
            }
        };
        let prefill = of(usage.prompt_tokens - cached, usage.prefill_s, old.0, 32);
        let decode = of(usage.generated_tokens, usage.decode_s, old.1, 4);
        if prefill > 0.0 || decode > 0.0 {
            self.rates = Some((prefill, decode));
        }
        Ok(Generated {
            text,
            finish,
            usage,
        })
    }

    fn rates(&self) -> Option<(f64, f64)> {
        self.rates
    }

    fn reset(&mut self) {
        self.recall.reset();
        self.answers.clear();
    }
}

/// A seed where none is asked for: from the system's randomness, else from a counter.
fn fresh_seed(count: u64) -> u64 {
    getrandom::u64().unwrap_or(count)
}

#[cfg(test)]
#[path = "local_tests.rs"]
mod tests;
