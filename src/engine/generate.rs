//! Writing an answer: the prompt is read, then token after token is chosen within the grammar,
//! parted into thinking and answer, and counted.

use std::time::Instant;

use super::answer::AnswerStream;
use super::constrained::{Constrained, token_mask};
use super::local::{LEAST_ANSWER, LocalEngine};
use super::recall::{Marks, Read};
use super::repeats::Repeats;
use super::thought::Thought;
use super::writer::{CLOSE, Writer};
use super::{Finish, Generate, Generated, Step, Usage};
use crate::base::{Cancel, Failure, Result};
use crate::grammar::Grammar;
use crate::model::chat::{Prompt, TAGS, ThinkingTags};
use crate::model::sample::{Choice, Sampler};
use crate::model::tokenizer::TextStream;

/// A request as it will be read and written.
struct Plan {
    prompt: Prompt,
    /// The tokens of what the answer begins with.
    prefill: Vec<u32>,
    marks: Marks,
    tags: ThinkingTags,
    /// Texts that end the answer.
    stops: Vec<String>,
    /// Tokens that the context leaves.
    room: usize,
    /// Most tokens of the answer.
    most: usize,
}

/// What was written.
struct Written {
    text: String,
    tokens: Vec<u32>,
    finish: Finish,
    /// Whether the text is all that stands in the tokens: no thought, and nothing cut off.
    whole: bool,
}

impl LocalEngine {
    /// See [`super::Engine::generate`].
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
        let written = self.write(request, &plan, read, grammar, &mut usage, cancel, on)?;
        usage.generated_tokens = written.tokens.len();
        usage.decode_s = begun.elapsed().as_secs_f64();
        if written.finish != Finish::Cancelled {
            self.recall.store(&plan.prompt.tokens, plan.marks);
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

    fn plan(&self, request: &Generate) -> Result<Plan> {
        let chat = self.chat()?;
        let mut prompt = self.prompt_of(&request.messages, request.thinking)?;
        let marks = self.marks(request, &prompt.tokens);
        let prefill = self.prefilled(&request.prefill);
        prompt.tokens.extend_from_slice(&prefill);
        let length = prompt.tokens.len();
        if length == 0 || length + LEAST_ANSWER > self.facts.context {
            return Err(self.too_long(length));
        }
        let room = self.facts.context - length;
        let ends = chat.end_text().map(str::to_owned);
        Ok(Plan {
            prompt,
            prefill,
            marks,
            tags: chat.thinking_tags().unwrap_or(TAGS[0]),
            stops: request.stop.iter().cloned().chain(ends).collect(),
            room,
            most: match request.max_tokens {
                0 => room,
                most => most.min(room),
            },
        })
    }

    /// Reads the prompt, and makes beside it what a grammar needs. None when cancelled.
    fn read_prompt(
        &mut self,
        request: &Generate,
        plan: &Plan,
        constrained: bool,
        cancel: &Cancel,
        on: &mut dyn FnMut(Step),
    ) -> Result<Option<Read>> {
        let tokens = &plan.prompt.tokens;
        let held = self.recall.held().to_vec();
        let cached = self.recall.go_back(tokens, on);
        if let Some(anew) = self.read_anew(request, tokens, &held, cached) {
            on(anew);
        }
        // Ready when the prompt is read: it takes a tenth of a second at most.
        let known = self.token_mask.take();
        let (tokenizer, stops, recall) = (&self.tokenizer, &self.stops, &mut self.recall);
        let (token_mask, read) = std::thread::scope(|scope| {
            let token_mask = match known {
                None if constrained => Err(scope.spawn(|| token_mask(tokenizer, stops))),
                known => Ok(known),
            };
            let read = recall.read_from(cached, tokens, plan.marks, cancel, on);
            let token_mask = token_mask.unwrap_or_else(|made| made.join().ok());
            (token_mask, read)
        });
        self.token_mask = token_mask;
        read
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one loop over everything at once"
    )]
    fn write(
        &mut self,
        request: &Generate,
        plan: &Plan,
        read: Read,
        grammar: Option<&mut dyn Grammar>,
        usage: &mut Usage,
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
        let mut sampler = Sampler::new(settings, seed, &plan.prompt.tokens);
        let mut characters = TextStream::default();
        let mut answer = AnswerStream::new(opened, plan.tags, &plan.stops);
        let limit = request.thinking_limit.or(self.card.thinking_limit);
        let (room, most) = (plan.room, plan.most);
        let mut thought = Thought::new(&self.tokenizer, plan.tags, limit, room, most);
        let mut tokens = Vec::new();
        let mut answered = 0;
        let mut repeats = Repeats::default();
        let mut writer = Writer::new(&mut self.recall, read.logits, self.drafting.as_mut());
        let mut constrained = Constrained::new(
            grammar.zip(self.token_mask.as_mut()),
            &self.stops,
            &self.allowed,
        );
        let finish = loop {
            if cancel.is_cancelled() {
                break Finish::Cancelled;
            }
            if answered >= most || writer.len() >= self.facts.context {
                break Finish::Length;
            }
            let allowed = constrained.allowed(answer.thinks());
            if constrained.bars(&allowed) {
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
                tokens.push(token);
                next.push(token);
                if !answer.thinks() {
                    constrained.take(token, most.saturating_sub(answered + 1));
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
                    if repeats.push(token) && constrained.is_free() {
                        break Finish::Repeated;
                    }
                } else if let Some(why) = thought.push(token) {
                    close = true;
                    let tokens = thought.tokens;
                    on(Step::ThinkingCut { tokens, why });
                }
            }
            if close {
                next.extend_from_slice(&thought.closing_tokens);
                answer.push(&(characters.finish() + &thought.closing), on);
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
        answer.push(&characters.finish(), on);
        answer.finish(on);
        Ok(Written {
            text: answer.text().to_owned(),
            tokens,
            finish,
            whole: !answer.thought && !answer.stopped,
        })
    }

    /// Keeps the speeds of a generation that was long enough to tell.
    fn measure(&mut self, usage: &Usage) {
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

/// A seed where none is asked for: from the system's randomness, else from a counter.
fn fresh_seed(count: u64) -> u64 {
    getrandom::u64().unwrap_or(count)
}
