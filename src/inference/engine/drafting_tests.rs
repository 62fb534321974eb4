//! Answers with drafts, held against the same without.

use super::thinking::{brooding_on, with_template};
use super::*;
use crate::engine::speculative::Drafting;
use crate::model::checkpoint::Checkpoint;

/// One whose state can be cut back, one whose state cannot, and one with another family's
/// weights.
const MODELS: [&str; 3] = ["qwen2-tiny", "qwen35-tiny-mtp", "llama-tiny"];

/// All that an answer shows and leaves.
#[derive(Debug, PartialEq)]
struct Shown {
    steps: Vec<Step>,
    text: String,
    finish: Finish,
    generated: usize,
    held: Vec<u32>,
}

fn shown(engine: &mut LocalEngine, request: &Generate) -> (Shown, Usage) {
    let mut steps = Vec::new();
    let done = engine
        .generate(request, None, &Cancel::never(), &mut |step| {
            if !matches!(step, Step::Prefill { .. }) {
                steps.push(step);
            }
        })
        .expect("an answer");
    let shown = Shown {
        steps,
        text: done.text,
        finish: done.finish,
        generated: done.usage.generated_tokens,
        held: engine.prefix_cache.tokens().to_vec(),
    };
    (shown, done.usage)
}

/// A network that is given the next token eight times of nine, so that its texts repeat
/// themselves with small changes, as edited code does.
struct Steered(Box<dyn Network>);

impl Steered {
    fn steer(&self, mut rows: Vec<f32>, count: usize) -> Vec<f32> {
        let width = rows.len() / count;
        for (i, row) in rows.chunks_mut(width).enumerate() {
            let at = self.0.n_past() - count + i + 1;
            if !at.is_multiple_of(9) {
                row[100 + at % 20] += 50.0;
            }
        }
        rows
    }
}

impl Network for Steered {
    fn n_past(&self) -> usize {
        self.0.n_past()
    }

    fn read(&mut self, tokens: &[u32], wanted: Wanted, cancel: &Cancel) -> Result<Vec<f32>> {
        let rows = self.0.read(tokens, wanted, cancel)?;
        let count = if wanted == Wanted::Last {
            1
        } else {
            tokens.len()
        };
        Ok(self.steer(rows, count))
    }

    fn verify(&mut self, tokens: &[u32], cancel: &Cancel) -> Result<Vec<f32>> {
        let rows = self.0.verify(tokens, cancel)?;
        Ok(self.steer(rows, tokens.len()))
    }

    fn truncate(&mut self, tokens: usize) -> usize {
        self.0.truncate(tokens)
    }

    fn can_truncate(&self) -> bool {
        self.0.can_truncate()
    }

    fn can_roll_back(&self) -> bool {
        self.0.can_roll_back()
    }

    fn checkpoint(&mut self) -> Option<Checkpoint> {
        self.0.checkpoint()
    }

    fn restore(&mut self, checkpoint: &Checkpoint) -> bool {
        self.0.restore(checkpoint)
    }
}

fn steered(name: &str) -> LocalEngine {
    let mut engine = load(name);
    let file = fixture(&format!("{name}.F32.gguf"));
    let header = Header::read(&file).expect("a header");
    let (context, go) = (engine.facts.context, Cancel::never());
    let network = network::load(&file, &header, context, &device(), &go, &mut |_| {});
    let network = Steered(network.expect("a network"));
    engine.prefix_cache = PrefixCache::new(Box::new(network), None);
    engine
}

/// Few likely tokens, so that the same comes again now and then.
fn warm(seed: u64, most: usize) -> Generate {
    let question = "one two three, one two four, one two three and one two four";
    Generate {
        sampling: Sampling {
            seed: Some(seed),
            temperature: Some(1.0),
            top_k: Some(2),
            ..Sampling::default()
        },
        ..ask(question, most)
    }
}

fn cold(most: usize) -> Generate {
    Generate {
        sampling: Sampling {
            temperature: Some(0.0),
            ..Sampling::default()
        },
        ..warm(0, most)
    }
}

#[test]
fn drafts_change_nothing_in_what_is_written_and_held() {
    let (mut drafted, mut accepted) = (0, 0);
    for (model, name) in MODELS.into_iter().enumerate() {
        let mut engine = steered(name);
        let (long, _) = shown(&mut engine, &cold(80));
        // A stop text out of the middle of what comes.
        let middle: String = long.text.chars().skip(40).take(4).collect();
        let mut requests = vec![cold(80), cold(7)];
        requests.extend((0..4).map(|seed| warm(seed, 60)));
        for stop in [middle, "\u{fffd}".to_owned()] {
            requests.push(Generate {
                stop: vec![stop],
                ..cold(80)
            });
        }
        requests.push(Generate {
            sampling: Sampling {
                repetition_penalty: Some(1.1),
                presence_penalty: Some(0.5),
                ..warm(9, 60).sampling
            },
            ..warm(9, 60)
        });
        for (i, request) in requests.iter().enumerate() {
            engine.drafting = None;
            engine.reset();
            let (wanted, usage) = shown(&mut engine, request);
            assert_eq!(usage.drafted_tokens, 0);
            // The conversation goes on from what is held.
            let mut next = request.clone();
            for (role, content) in [(Role::Assistant, &*wanted.text), (Role::User, "go on")] {
                next.messages.push(Message {
                    role,
                    content: content.to_owned(),
                });
            }
            let (further, plain) = shown(&mut engine, &next);
            // Each request meets each length with one model or another.
            for length in [[1, 7], [3, 15]][(i + model) % 2] {
                engine.drafting = Some(Drafting::always(length));
                engine.reset();
                let (found, usage) = shown(&mut engine, request);
                assert_eq!(found, wanted, "{name}, request {i}, drafts of {length}");
                drafted += usage.drafted_tokens;
                accepted += usage.accepted_tokens;
                let (found, usage) = shown(&mut engine, &next);
                assert_eq!(found, further, "{name}, request {i}, drafts of {length}");
                assert_eq!(usage.cached_tokens, plain.cached_tokens);
            }
        }
    }
    assert!(
        accepted > 100 && drafted > accepted + 100,
        "{accepted} of {drafted}"
    );
}

#[test]
fn drafts_end_with_the_context() {
    for name in MODELS {
        let mut engine = steered(name);
        let prompt = engine.count_messages(&cold(0).messages).expect("counted");
        for room in [16, 17, 40, 41] {
            engine.facts.context = prompt + room;
            engine.drafting = None;
            engine.reset();
            let (wanted, _) = shown(&mut engine, &cold(0));
            assert_eq!(wanted.finish, Finish::Length);
            for length in [1, 4, 15] {
                engine.drafting = Some(Drafting::always(length));
                engine.reset();
                assert_eq!(shown(&mut engine, &cold(0)).0, wanted, "{name}, {room}");
            }
        }
    }
}

#[test]
fn a_cancel_inside_a_draft_keeps_what_was_written() {
    for name in MODELS {
        let mut engine = steered(name);
        let request = cold(60);
        let (whole, _) = shown(&mut engine, &request);
        for length in [1, 7] {
            for pieces in [2, 9, 20] {
                engine.drafting = Some(Drafting::always(length));
                engine.reset();
                let source = CancelSource::new();
                let mut told = 0;
                let done = engine
                    .generate(&request, None, &source.token(), &mut |step| {
                        told += usize::from(matches!(step, Step::Text(_)));
                        if told == pieces {
                            source.cancel();
                        }
                    })
                    .expect("no error");
                assert_eq!(done.finish, Finish::Cancelled);
                assert!(whole.text.starts_with(&done.text) && done.text != whole.text);
                assert!(
                    whole.held.starts_with(engine.prefix_cache.tokens()),
                    "{name}"
                );
                assert_eq!(
                    engine.prefix_cache.network().n_past(),
                    engine.prefix_cache.tokens().len()
                );
                // The same once more is not disturbed.
                assert_eq!(shown(&mut engine, &request).0.text, whole.text);
            }
        }
    }
}

#[test]
fn what_is_learned_on_the_way_changes_nothing_either() {
    for name in MODELS {
        let mut engine = steered(name);
        let (wanted, _) = shown(&mut engine, &cold(80));
        engine.drafting = Some(Drafting::default());
        for _ in 0..3 {
            engine.reset();
            assert_eq!(shown(&mut engine, &cold(80)).0, wanted, "{name}");
        }
    }
}

/// A network that says what a rule makes of all it has read, with a way back.
struct Ruled {
    text: Vec<u32>,
    rule: fn(&[u32], &Words) -> u32,
    words: Words,
}

#[derive(Clone)]
struct Words {
    close: u32,
    end: u32,
    answer: Vec<u32>,
}

impl Network for Ruled {
    fn n_past(&self) -> usize {
        self.text.len()
    }

    fn read(&mut self, tokens: &[u32], wanted: Wanted, cancel: &Cancel) -> Result<Vec<f32>> {
        cancel.check()?;
        let mut rows = Vec::new();
        for token in tokens {
            self.text.push(*token);
            if wanted == Wanted::Last {
                rows.clear();
            }
            let next = (self.rule)(&self.text, &self.words);
            rows.extend((0..2300).map(|id| if id == next { 100.0 } else { 0.0 }));
        }
        Ok(rows)
    }

    fn truncate(&mut self, tokens: usize) -> usize {
        self.text.truncate(tokens);
        self.text.len()
    }

    fn can_truncate(&self) -> bool {
        true
    }
}

/// Tokens since the last `</think>`; none before it.
fn since(text: &[u32], words: &Words) -> Option<usize> {
    text.iter().rev().position(|id| *id == words.close)
}

/// An engine that thinks by a rule.
fn ruled(rule: fn(&[u32], &Words) -> u32) -> LocalEngine {
    let mut engine = with_template();
    let special = |text: &str| engine.tokenizer.special(text).expect("a token");
    let words = Words {
        close: special("</think>"),
        end: special("<|im_end|>"),
        answer: engine.tokenizer.encode("ok, ok, ok.", Encoding::TEXT),
    };
    let network = Ruled {
        text: Vec::new(),
        rule,
        words,
    };
    engine.prefix_cache = PrefixCache::new(Box::new(network), None);
    engine
}

/// What a thought looks like that says nearly the same again and again.
fn musing(text: &[u32]) -> u32 {
    let at = text.len();
    if at % 20 == 7 {
        500 + at as u32 % 1000
    } else {
        100 + at as u32 % 20
    }
}

#[test]
fn a_thought_is_closed_at_the_same_place() {
    // Thinks on and on, then answers and ends.
    let onward = |text: &[u32], words: &Words| match since(text, words) {
        None => musing(text),
        Some(n) => words
            .answer
            .get(n.saturating_sub(1))
            .copied()
            .unwrap_or(words.end),
    };
    // Ends its turn inside the thought, at a place where a draft is right until there.
    let gives_up = |text: &[u32], words: &Words| match since(text, words) {
        None if text.len() % 90 == 89 => words.end,
        None => musing(text),
        Some(n) => words
            .answer
            .get(n.saturating_sub(1))
            .copied()
            .unwrap_or(words.end),
    };
    // Goes in a circle, and after the thought too.
    let circling = |text: &[u32], _: &Words| 100 + text.len() as u32 % 20;
    let rules: [fn(&[u32], &Words) -> u32; 3] = [onward, gives_up, circling];
    for (i, rule) in rules.into_iter().enumerate() {
        for limit in [50, 51, 52, 53, 54, 400] {
            let request = Generate {
                sampling: Sampling {
                    temperature: Some(0.0),
                    ..Sampling::default()
                },
                ..brooding_on(Some(limit), 300)
            };
            let mut engine = ruled(rule);
            let (wanted, _) = shown(&mut engine, &request);
            for length in [1, 5, 15] {
                let mut engine = ruled(rule);
                engine.drafting = Some(Drafting::always(length));
                let (found, usage) = shown(&mut engine, &request);
                assert_eq!(found, wanted, "rule {i}, limit {limit}, drafts of {length}");
                assert!(usage.accepted_tokens > 10, "{usage:?}");
            }
        }
    }
}

/// Greedy answers of the starter, where it is installed.
#[test]
fn the_starter_writes_the_same_with_drafts() {
    let Some(file) = crate::model::tokenizer::starter() else {
        return;
    };
    let options = LoadOptions {
        name: "starter".into(),
        file,
        context: 1024,
        ..LoadOptions::default()
    };
    let mut engine = LocalEngine::load(&options, &Cancel::never(), &mut |_| {}).expect("a model");
    let code = "fn sum(numbers: &[u32]) -> u32 {\n    let mut sum = 0;\n    for n in numbers {\n        \
                sum += n;\n    }\n    sum\n}\n";
    let request = Generate {
        messages: ask(&format!("Repeat this function:\n{code}"), 0).messages,
        ..cold(40)
    };
    let (wanted, _) = shown(&mut engine, &request);
    engine.drafting = Some(Drafting::always(3));
    engine.reset();
    let (found, usage) = shown(&mut engine, &request);
    assert_eq!(found, wanted);
    assert!(usage.drafted_tokens > 0, "{usage:?}");
}
