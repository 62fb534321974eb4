//! Generating an answer: the prompt is read, then token after token is chosen within the grammar,
//! parted into thinking and answer, and counted.

use std::ops::ControlFlow;
use std::time::Instant;

use super::answer::AnswerStream;
use super::cache::prefix_cache::{Breakpoints, Read};
use super::constraint::constrained::{Constrained, token_mask};
use super::decode::{CLOSE, Decoder, Drafted};
use super::local::{LEAST_ANSWER, LocalEngine};
use super::loop_detector::LoopDetector;
use super::thinking_budget::ThinkingBudget;
use super::{Finish, Generate, Generated, Step, Usage};
use crate::base::{Cancel, Failure, Result};
use crate::grammar::Grammar;
use crate::model::chat::{Prompt, TAGS, ThinkingTags};
use crate::model::sample::{Allowed, Choice, Sampler};
use crate::model::tokenizer::{TextStream, Tokenizer};

/// A request as it will be read and written.
struct GenerationPlan {
    prompt: Prompt,
    /// The tokens of what the answer begins with.
    prefill: Vec<u32>,
    breakpoints: Breakpoints,
    tags: ThinkingTags,
    /// Texts that end the answer.
    stops: Vec<String>,
    /// Tokens that the context leaves.
    room: usize,
    /// Most tokens of the answer.
    most: usize,
}

/// An answer that was written.
struct Written {
    text: String,
    tokens: Vec<u32>,
    finish: Finish,
    /// True if the tokens hold the text and nothing else: no thought, and nothing cut off.
    whole: bool,
    drafted: Drafted,
}

impl LocalEngine {
    /// Reads a conversation and writes an answer: see [`super::Engine::generate`].
    pub(super) fn run(
        &mut self,
        request: &Generate,
        grammar: Option<&mut dyn Grammar>,
        cancel: &Cancel,
        on: &mut dyn FnMut(Step),
    ) -> Result<Generated> {
        let plan = self.plan(request)?;
        let mut usage = Usage {
            prompt_tokens: plan.prompt.tokens.len(),
            cached_tokens: 0,
            generated_tokens: 0,
            prefill_s: 0.0,
            decode_s: 0.0,
            drafted_tokens: 0,
            accepted_tokens: 0,
        };
        let begun = Instant::now();
        let Some(read) = self.read_prompt(request, &plan, grammar.is_some(), cancel, on)? else {
            usage.prefill_s = begun.elapsed().as_secs_f64();
            return Ok(Generated {
                text: String::new(),
                finish: Finish::Cancelled,
                usage,
            });
        };
        usage.cached_tokens = read.cached;
        usage.prefill_s = read.seconds;
        let begun = Instant::now();
        let written = self.write(request, &plan, read, grammar, cancel, on)?;
        usage.generated_tokens = written.tokens.len();
        usage.decode_s = begun.elapsed().as_secs_f64();
        usage.drafted_tokens = written.drafted.tokens;
        usage.accepted_tokens = written.drafted.accepted;
        if written.finish != Finish::Cancelled {
            self.prefix_cache
                .store(&plan.prompt.tokens, plan.breakpoints);
        }
        if written.whole && !written.text.trim().is_empty() {
            let text = format!("{}{}", request.prefill, written.text);
            let tokens = [plan.prefill, written.tokens].concat();
            self.answers.retain(|(said, _)| *said != text);
            self.answers.push((text, tokens));
        }
        self.measure(&usage);
        Ok(Generated {
            text: written.text,
            finish: written.finish,
            usage,
        })
    }

    /// Turns a request into tokens, and sees that they fit the context.
    fn plan(&self, request: &Generate) -> Result<GenerationPlan> {
        let chat = self.chat()?;
        let mut prompt = self.prompt_of(&request.messages, request.thinking)?;
        let breakpoints = self.breakpoints(request, &prompt.tokens);
        let prefill = self.prefilled(&request.prefill);
        prompt.tokens.extend_from_slice(&prefill);
        let length = prompt.tokens.len();
        if length == 0 || length + LEAST_ANSWER > self.facts.context {
            return Err(self.too_long(length));
        }
        let room = self.facts.context - length;
        let ends = chat.end_text().map(str::to_owned);
        Ok(GenerationPlan {
            prompt,
            prefill,
            breakpoints,
            // The template of a model that does not think names no tags; it may write them anyway.
            tags: chat.thinking_tags().unwrap_or(TAGS[0]),
            stops: request.stop.iter().cloned().chain(ends).collect(),
            room,
            most: match request.max_tokens {
                0 => room,
                most => most.min(room),
            },
        })
    }

    /// Reads the prompt, and makes the token mask that a grammar needs meanwhile. None when
    /// cancelled.
    fn read_prompt(
        &mut self,
        request: &Generate,
        plan: &GenerationPlan,
        constrained: bool,
        cancel: &Cancel,
        on: &mut dyn FnMut(Step),
    ) -> Result<Option<Read>> {
        let tokens = &plan.prompt.tokens;
        let held = self.prefix_cache.tokens().to_vec();
        let cached = self.prefix_cache.go_back(tokens, on);
        if let Some(anew) = self.read_anew(request, tokens, &held, cached) {
            on(anew);
        }
        // Ready when the prompt is read: it takes a tenth of a second at most.
        let known = self.token_mask.take();
        let (tokenizer, stops, prefix_cache) =
            (&self.tokenizer, &self.stops, &mut self.prefix_cache);
        let (token_mask, read) = std::thread::scope(|scope| {
            let token_mask = match known {
                None if constrained => Err(scope.spawn(|| token_mask(tokenizer, stops))),
                known => Ok(known),
            };
            let read = prefix_cache.read_from(cached, tokens, plan.breakpoints, cancel, on);
            let token_mask = token_mask.or_else(|made| made.join().map(Some));
            (token_mask, read)
        });
        self.token_mask =
            token_mask.map_err(|_| Failure::bug("the tokens of a grammar cannot be found"))?;
        read
    }

    /// Writes the answer behind a prompt that was read.
    fn write(
        &mut self,
        request: &Generate,
        plan: &GenerationPlan,
        read: Read,
        grammar: Option<&mut dyn Grammar>,
        cancel: &Cancel,
        on: &mut dyn FnMut(Step),
    ) -> Result<Written> {
        self.drawn += 1;
        let opened = plan.prompt.in_thought;
        let thinks = opened || request.thinking && self.chat()?.thinks();
        let seed = request
            .sampling
            .seed
            .unwrap_or_else(|| fresh_seed(self.drawn));
        let settings = self.card.settings(&request.sampling, thinks);
        let limit = request.thinking_limit.or(self.card.thinking_limit);
        let mut writing = Generation {
            tokenizer: &self.tokenizer,
            stops: &self.stops,
            context: self.facts.context,
            most: plan.most,
            cancel,
            sampler: Sampler::new(settings, seed, &plan.prompt.tokens),
            decoder: Decoder::new(&mut self.prefix_cache, read.logits, self.drafting.as_mut()),
            constrained: Constrained::new(
                grammar.zip(self.token_mask.as_mut()),
                &self.stops,
                &self.allowed,
            ),
            characters: TextStream::default(),
            answer: AnswerStream::new(opened, plan.tags, &plan.stops),
            thought: ThinkingBudget::new(&self.tokenizer, plan.tags, limit, plan.room, plan.most),
            repeats: LoopDetector::default(),
            tokens: Vec::new(),
            answered: 0,
        };
        let finish = match writing.write(on) {
            Err(failure) if failure.is_interrupted() => Finish::Cancelled,
            finish => finish?,
        };
        Ok(writing.finish(finish, on))
    }

    /// Keeps the speeds of a generation that was long enough to tell.
    fn measure(&mut self, usage: &Usage) {
        // 0 for what was not measured yet.
        let old = self.rates.unwrap_or((0.0, 0.0));
        let of = |n: usize, s: f64, old: f64, least: usize| {
            if n >= least && s > 0.0 {
                n as f64 / s
            } else {
                old
            }
        };
        let read = usage.prompt_tokens - usage.cached_tokens;
        let prefill = of(read, usage.prefill_s, old.0, 32);
        let decode = of(usage.generated_tokens, usage.decode_s, old.1, 4);
        if prefill > 0.0 || decode > 0.0 {
            self.rates = Some((prefill, decode));
        }
    }
}

/// An answer while it is written.
struct Generation<'a, 'm> {
    tokenizer: &'a Tokenizer,
    /// Tokens that end an answer.
    stops: &'a [u32],
    /// Tokens that the context holds.
    context: usize,
    /// Most tokens of the answer.
    most: usize,
    cancel: &'a Cancel,
    sampler: Sampler,
    decoder: Decoder<'a>,
    constrained: Constrained<'a, 'm>,
    characters: TextStream,
    answer: AnswerStream,
    thought: ThinkingBudget,
    /// The answer's repetitions; the thought has its own.
    repeats: LoopDetector,
    /// All tokens that the model wrote, thinking included.
    tokens: Vec<u32>,
    /// Tokens of the answer, thinking left out.
    answered: usize,
}

impl Generation<'_, '_> {
    /// Writes token after token until the answer ends.
    ///
    /// # Errors
    /// Interrupted, if cancelled in the midst of a token: the answer so far stands. Of kind model,
    /// where there is no next token or the arithmetic fails.
    fn write(&mut self, on: &mut dyn FnMut(Step)) -> Result<Finish> {
        loop {
            if self.cancel.is_cancelled() {
                return Ok(Finish::Cancelled);
            }
            if self.answered >= self.most || self.decoder.len() >= self.context {
                return Ok(Finish::Length);
            }
            let allowed = self.constrained.allowed(self.answer.thinks());
            if self.constrained.bars(&allowed) {
                return Ok(Finish::Length);
            }
            let token = self.choose(&allowed)?;
            self.sampler.take(token);
            let next = match self.take(token, on) {
                ControlFlow::Continue(next) => next,
                ControlFlow::Break(finish) => return Ok(finish),
            };
            let held = self.decoder.len() + next.len();
            if held >= self.context {
                return Ok(Finish::Length);
            }
            // Tokens that could not be written any more need not be drafted.
            let more = (self.most - self.answered).min(self.context - held) - 1;
            self.decoder.read_on(&next, more, self.cancel)?;
        }
    }

    /// Chooses the next token; where two are close, from the logits of the last token read alone.
    fn choose(&mut self, allowed: &Allowed) -> Result<u32> {
        let mut choice = self.sampler.choose(self.decoder.logits(), allowed);
        if choice.is_some_and(|choice| choice.lead < CLOSE) && self.decoder.alone(self.cancel)? {
            choice = self.sampler.choose(self.decoder.logits(), allowed);
        }
        let Some(Choice { token, .. }) = choice else {
            return Err(Failure::model("the model gave no next token")
                .because("its numbers are not finite")
                .hint("`homebody models verify` tells whether the file is whole"));
        };
        Ok(token)
    }

    /// Takes in the token that was chosen. Returns the tokens to be read next, or why the answer
    /// ends with it.
    fn take(&mut self, token: u32, on: &mut dyn FnMut(Step)) -> ControlFlow<Finish, Vec<u32>> {
        if self.stops.contains(&token) {
            if !self.answer.thinks() {
                return ControlFlow::Break(Finish::Stop);
            }
            // A model that stops inside its thought still owes the answer.
            return ControlFlow::Continue(self.close_thought(on).to_vec());
        }
        self.tokens.push(token);
        if !self.answer.thinks() {
            let left = self.most.saturating_sub(self.answered + 1);
            self.constrained.take(token, left);
        }
        let text = self.characters.push(self.tokenizer.printed(token));
        self.answer.push(&text, on);
        if self.answer.stopped {
            return ControlFlow::Break(Finish::Stop);
        }
        let mut next = vec![token];
        if self.answer.thinks() {
            if let Some(why) = self.thought.push(token) {
                let tokens = self.thought.tokens;
                on(Step::ThinkingCut { tokens, why });
                next.extend_from_slice(self.close_thought(on));
            }
            return ControlFlow::Continue(next);
        }
        self.answered += 1;
        if self.answered >= self.most {
            return ControlFlow::Break(Finish::Length);
        }
        if self.repeats.push(token) && self.constrained.is_free() {
            return ControlFlow::Break(Finish::Repeated);
        }
        ControlFlow::Continue(next)
    }

    /// Ends the thought in the model's place; returns the tokens of its closing.
    fn close_thought(&mut self, on: &mut dyn FnMut(Step)) -> &[u32] {
        let text = self.characters.finish() + &self.thought.closing;
        self.answer.push(&text, on);
        &self.thought.closing_tokens
    }

    /// Tells the rest of the text, and takes back what was drafted and not written.
    fn finish(mut self, finish: Finish, on: &mut dyn FnMut(Step)) -> Written {
        let drafted = self.decoder.finish();
        self.answer.push(&self.characters.finish(), on);
        self.answer.finish(on);
        Written {
            text: self.answer.text().to_owned(),
            tokens: self.tokens,
            finish,
            whole: !self.answer.thought && !self.answer.stopped,
            drafted,
        }
    }
}

/// Returns a seed where none is asked for: from the system's randomness, else from a counter.
fn fresh_seed(count: u64) -> u64 {
    getrandom::u64().unwrap_or(count)
}
