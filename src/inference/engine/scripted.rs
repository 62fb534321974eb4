//! An engine that plays a script, so that jobs and screens are tested without a model.
//!
//! The engine keeps to grammars as a real one does: where nothing at all may come next it ends with
//! [`super::Finish::Length`]. Other text of a script that a grammar does not allow is an error that
//! names the place: a real model could never have said it.
//!
//! The form of scripts is described in `script.rs`.

mod playing;
mod script;
mod writing;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use serde_json::Value;

use self::playing::Playing;
use self::script::Pretended;
use self::writing::Writing;
use super::count::{CountMessages, roughly};
use super::{Engine, Facts, Generate, Generated, Message, Role, Step, Usage};
use crate::base::failure::io_failure;
use crate::base::text::truncated;
use crate::base::{Cancel, Failure, Result, TokenCount};
use crate::grammar::{ByteSet, Grammar};

pub use script::{Echo, Play, ScriptedAnswer};

/// Plays pieces, failures and waits from a script (JSON lines, one answer after another).
#[derive(Debug)]
pub struct ScriptedEngine {
    facts: Facts,
    rates: Option<(f64, f64)>,
    /// The answers, each with true once it has been given.
    lines: Vec<(ScriptedAnswer, bool)>,
    /// The requests so far.
    asked: Vec<Generate>,
    /// The conversation held, as a real engine would keep its state.
    held: Vec<Message>,
}

impl ScriptedEngine {
    /// Plays the given answers, in order.
    pub fn new(lines: Vec<ScriptedAnswer>) -> Self {
        Self {
            facts: Facts {
                name: "script".to_owned(),
                architecture: "script".to_owned(),
                context: 32_768,
                memory_bytes: 0,
                load_s: 0.0,
                device: "script".to_owned(),
                rewrites: false,
            },
            rates: None,
            lines: lines.into_iter().map(|line| (line, false)).collect(),
            asked: Vec::new(),
            held: Vec::new(),
        }
    }

    /// Answers with the given texts, in order.
    pub fn saying(texts: &[&str]) -> Self {
        Self::new(
            texts
                .iter()
                .map(|text| ScriptedAnswer::text(*text))
                .collect(),
        )
    }

    /// Pretends a model that changes texts by writing parts of them anew.
    #[must_use]
    pub const fn rewriting(mut self) -> Self {
        self.facts.rewrites = true;
        self
    }

    /// Pretends a context of so many tokens.
    #[must_use]
    pub fn with_context(mut self, tokens: usize) -> Self {
        self.facts.context = tokens;
        self
    }

    /// Reads a script.
    ///
    /// # Errors
    /// Of kind environment, if it cannot be read; of kind input, naming the line that is wrong.
    pub fn from_file(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file)
            .map_err(|e| io_failure(format!("cannot read the script {}", file.display()), &e))?;
        Self::from_text(&text, &file.display().to_string())
    }

    /// Reads a script from a text; `name` is for messages.
    pub fn from_text(text: &str, name: &str) -> Result<Self> {
        let mut engine = Self::new(Vec::new());
        // What one script has said is no answer of another.
        let mut hash = DefaultHasher::new();
        text.hash(&mut hash);
        engine.facts.architecture = format!("script-{:016x}", hash.finish());
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |e: &serde_json::Error| {
                Failure::input(format!("line {} of the script {name} is wrong", number + 1))
                    .because(e)
            };
            match serde_json::from_str(line).map_err(|e| wrong(&e))? {
                Value::String(text) => engine.lines.push((ScriptedAnswer::text(text), false)),
                mut value => {
                    let pretended = value.as_object_mut().and_then(|line| line.remove("model"));
                    if let Some(pretended) = pretended {
                        let model = serde_json::from_value(pretended).map_err(|e| wrong(&e))?;
                        engine.pretend(model);
                    } else {
                        let line = serde_json::from_value(value).map_err(|e| wrong(&e))?;
                        engine.lines.push((line, false));
                    }
                }
            }
        }
        Ok(engine)
    }

    /// Returns the requests so far, in order, for tests.
    pub fn asked(&self) -> &[Generate] {
        &self.asked
    }

    /// Takes over the facts about the pretended model.
    fn pretend(&mut self, model: Pretended) {
        if let Some(name) = model.name {
            self.facts.name = name;
        }
        if let Some(context) = model.context {
            self.facts.context = context;
        }
        if let Some(bytes) = model.memory_bytes {
            self.facts.memory_bytes = bytes;
        }
        self.rates = model.rates.or(self.rates);
    }

    /// Takes the next answer for a request out of the script.
    fn next(&mut self, request: &Generate) -> Result<ScriptedAnswer> {
        // A request of a test may have no message.
        let last = request.messages.last().map_or("", |m| m.content.as_str());
        let fits =
            |line: &ScriptedAnswer| line.when.as_ref().is_none_or(|when| last.contains(when));
        let given = self.lines.iter().filter(|(_, given)| *given).count();
        let found = self
            .lines
            .iter_mut()
            .find(|(line, given)| !*given && fits(line));
        let Some((line, given_now)) = found else {
            let left = self.lines.len() - given;
            return Err(Failure::model(if left == 0 {
                format!("the script has no further answer; all {given} were given")
            } else {
                format!("none of the script's {left} answers left fits this request")
            })
            .because(format!("the request is {:?}", truncated(last, 200)))
            .hint("add an answer to the script, or \"repeat\": true to its last one"));
        };
        *given_now = !line.repeat;
        Ok(line.clone())
    }

    /// Counts the tokens of a prompt.
    ///
    /// # Errors
    /// Of kind model, where it does not fit the context.
    fn prompt_tokens(&self, messages: &[Message]) -> Result<usize> {
        let total = self.count_messages(messages)?;
        if total >= self.facts.context {
            return Err(Failure::model(format!(
                "the prompt takes {total} tokens; the context holds {}",
                self.facts.context
            )));
        }
        Ok(total)
    }

    /// Reads the messages in place of those held; returns the tokens that were held already.
    fn hold(&mut self, messages: &[Message]) -> Result<usize> {
        let cached = if messages.starts_with(&self.held) {
            self.count_messages(&self.held)?
        } else {
            0
        };
        self.held = messages.to_vec();
        Ok(cached)
    }

    /// Returns the figures of a generation, with the seconds that the pretended rates make of it.
    fn usage(&self, prompt_tokens: usize, cached_tokens: usize, written: &str) -> Usage {
        // Without rates nothing takes any time.
        let (prefill, decode) = self.rates.unwrap_or((0.0, 0.0));
        let seconds = |tokens: usize, rate: f64| {
            if rate > 0.0 {
                tokens as f64 / rate
            } else {
                0.0
            }
        };
        let generated_tokens = self.count(written);
        let read = prompt_tokens - cached_tokens.min(prompt_tokens);
        Usage {
            prompt_tokens,
            cached_tokens,
            generated_tokens,
            prefill_s: seconds(read, prefill),
            decode_s: seconds(generated_tokens, decode),
            drafted_tokens: 0,
            accepted_tokens: 0,
        }
    }
}

impl TokenCount for ScriptedEngine {
    fn count(&self, text: &str) -> usize {
        text.len().div_ceil(4)
    }
}

impl CountMessages for ScriptedEngine {
    fn count_messages(&self, messages: &[Message]) -> Result<usize> {
        Ok(roughly(messages, self))
    }
}

impl Engine for ScriptedEngine {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn generate(
        &mut self,
        request: &Generate,
        mut grammar: Option<&mut dyn Grammar>,
        cancel: &Cancel,
        on: &mut dyn FnMut(Step),
    ) -> Result<Generated> {
        self.asked.push(request.clone());
        let total = self.prompt_tokens(&request.messages)?;
        let line = self.next(request)?;
        let cached = self.hold(&request.messages)?;
        if !line.steps.iter().any(|s| matches!(s, Play::Prefill { .. })) {
            on(Step::Prefill {
                done: total,
                total,
                cached,
                // 0 where no rates are pretended.
                rate: self.rates.map_or(0.0, |(prefill, _)| prefill),
            });
        }
        if let Some(grammar) = &mut grammar {
            grammar.set_alphabet(ByteSet::ALL);
        }
        let mut playing = Playing {
            messages: &request.messages,
            writing: Writing {
                text: String::new(),
                told: 0,
                stop: &request.stop,
                grammar,
            },
            cancel,
            on,
        };
        let finish = playing.play(&line)?;
        let text = playing.writing.text;
        // As a real engine would, this one holds the answer too.
        self.held.push(Message {
            role: Role::Assistant,
            content: text.clone(),
        });
        Ok(Generated {
            usage: self.usage(total, cached, &text),
            text,
            finish,
        })
    }

    fn rates(&self) -> Option<(f64, f64)> {
        self.rates
    }

    fn reset(&mut self) {
        self.held.clear();
    }

    // A script has no states.
    fn keep_states(&mut self, _keep: bool) {}
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::base::{CancelSource, Kind};
    use crate::engine::Finish;

    fn ask(text: &str) -> Generate {
        Generate {
            messages: vec![Message {
                role: Role::User,
                content: text.to_owned(),
            }],
            ..Generate::default()
        }
    }

    fn play(engine: &mut ScriptedEngine, request: &Generate) -> (Result<Generated>, Vec<Step>) {
        let mut steps = Vec::new();
        let result = engine.generate(request, None, &Cancel::never(), &mut |s| steps.push(s));
        (result, steps)
    }

    const SCRIPT: &str = r#"
# facts first
{"model": {"name": "tiny", "context": 4000, "rates": [100.0, 10.0]}}
"one"
{"steps": [{"thinking": "hm"}, {"text": "tw"}, {"wait_ms": 1}, {"text": "o"}], "finish": "length"}
{"when": "special", "steps": [{"echo": "last"}], "repeat": true}
{"steps": [{"fail": {"kind": "environment", "what": "no disk", "hint": "buy one"}}]}
"#;

    #[test]
    fn a_script_is_played_in_order() {
        let mut engine = ScriptedEngine::from_text(SCRIPT, "test").expect("good script");
        assert_eq!(engine.facts().name, "tiny");
        assert_eq!(engine.rates(), Some((100.0, 10.0)));
        let (first, steps) = play(&mut engine, &ask("a"));
        assert_eq!(first.expect("answer").text, "one");
        assert!(matches!(
            steps.first(),
            Some(Step::Prefill { total: 9, .. })
        ));
        let (second, steps) = play(&mut engine, &ask("b"));
        let second = second.expect("answer");
        assert_eq!(
            (second.text.as_str(), second.finish),
            ("two", Finish::Length)
        );
        assert!(steps.contains(&Step::Thinking("hm".into())));
        for _ in 0..2 {
            let (echo, _) = play(&mut engine, &ask("special case"));
            assert_eq!(echo.expect("answer").text, "special case");
        }
        let failure = play(&mut engine, &ask("c")).0.expect_err("fails");
        assert_eq!(failure.kind(), Kind::Environment);
        assert_eq!(failure.next_step(), Some("buy one"));
        let failure = play(&mut engine, &ask("d")).0.expect_err("exhausted");
        assert_eq!(failure.kind(), Kind::Model);
        assert!(failure.to_string().contains("answers left"), "{failure}");
        assert_eq!(engine.asked().len(), 6);
    }

    #[test]
    fn a_wrong_line_is_named() {
        let failure =
            ScriptedEngine::from_text("\"a\"\n{\"stepz\": []}", "s.jsonl").expect_err("wrong");
        assert!(failure.what().contains("line 2"), "{failure}");
    }

    #[test]
    fn a_wait_ends_with_a_cancel() {
        let source = CancelSource::new();
        let token = source.token();
        let mut engine = ScriptedEngine::new(vec![ScriptedAnswer::steps(vec![
            Play::Text("begun".into()),
            Play::WaitMs(60_000),
            Play::Text("never".into()),
        ])]);
        let waiter = std::thread::spawn(move || {
            sleep(Duration::from_millis(30));
            source.cancel();
        });
        let begun = Instant::now();
        let done = engine
            .generate(&ask("x"), None, &token, &mut |_| {})
            .expect("no error");
        waiter.join().expect("joined");
        assert_eq!(
            (done.text.as_str(), done.finish),
            ("begun", Finish::Cancelled)
        );
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn stop_texts_end_the_answer_and_are_never_told() {
        let mut engine = ScriptedEngine::new(vec![ScriptedAnswer::steps(vec![
            Play::Text("keep <E".into()),
            Play::Text("ND> drop".into()),
        ])]);
        let mut request = ask("x");
        request.stop = vec!["<END>".into()];
        let (done, steps) = play(&mut engine, &request);
        assert_eq!(done.expect("answer").text, "keep ");
        let told: String = steps
            .iter()
            .filter_map(|s| match s {
                Step::Text(t) => Some(t.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(told, "keep ");
    }

    #[test]
    fn a_prompt_that_does_not_fit_is_refused() {
        let mut engine = ScriptedEngine::saying(&["x"]).with_context(10);
        assert!(play(&mut engine, &ask(&"word ".repeat(40))).0.is_err());
    }

    #[test]
    fn the_same_beginning_counts_as_cached() {
        let mut engine = ScriptedEngine::saying(&["first", "second"]);
        let mut request = ask("hello there");
        play(&mut engine, &request).0.expect("answer");
        request.messages.push(Message {
            role: Role::Assistant,
            content: "first".into(),
        });
        request.messages.push(ask("more").messages.remove(0));
        let second = play(&mut engine, &request).0.expect("answer");
        assert!(second.usage.cached_tokens > 0);
    }

    #[test]
    fn expectations_are_checked() {
        let mut engine = ScriptedEngine::from_text(
            r#"{"steps": [{"expect": "abc"}, {"refuse": "xyz"}, {"stream": {"text": "a b"}}], "repeat": true}"#,
            "s",
        )
        .expect("good script");
        assert_eq!(play(&mut engine, &ask("abc")).0.expect("ok").text, "a b");
        assert!(play(&mut engine, &ask("nothing")).0.is_err());
        assert!(play(&mut engine, &ask("abc xyz")).0.is_err());
    }
}
