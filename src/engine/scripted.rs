//! An engine that plays a script, so that jobs and screens are tested without a model.
//!
//! It keeps to grammars as a real engine does: where nothing at all may come next it ends with
//! [`Finish::Length`]. What else a script says and a grammar does not allow is an error that names
//! the place: a real model could never have said it.
//!
//! How a script is written stands in `script.rs`.

mod script;
mod writing;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use self::script::{Pretended, echoed};
use self::writing::Writing;
use super::count::{CountMessages, roughly};
use super::{Engine, Facts, Finish, Generate, Generated, Message, Role, Step, Usage};
use crate::base::failure::io_failure;
use crate::base::text::truncated;
use crate::base::{Cancel, Failure, Kind, Result, TokenCount};
use crate::grammar::{ByteSet, Grammar};

pub use script::{Echo, Line, Play};

/// Longest time between two looks at the cancel token.
const SLICE: Duration = Duration::from_millis(5);

/// Plays pieces, failures and waits from a script (JSON lines, one answer after another).
#[derive(Debug)]
pub struct ScriptedEngine {
    facts: Facts,
    rates: Option<(f64, f64)>,
    /// The answers, each with whether it has been given.
    lines: Vec<(Line, bool)>,
    /// What was asked so far.
    asked: Vec<Generate>,
    /// The conversation held, as a real engine would keep its state.
    held: Vec<Message>,
}

impl ScriptedEngine {
    /// Plays these answers, in order.
    pub fn new(lines: Vec<Line>) -> Self {
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

    /// Answers with these texts, in order.
    pub fn saying(texts: &[&str]) -> Self {
        Self::new(texts.iter().map(|text| Line::text(*text)).collect())
    }

    /// The same, pretending a model that changes texts by writing parts of them anew.
    #[must_use]
    pub const fn rewriting(mut self) -> Self {
        self.facts.rewrites = true;
        self
    }

    /// The same, pretending a context of so many tokens.
    #[must_use]
    pub fn with_context(mut self, tokens: usize) -> Self {
        self.facts.context = tokens;
        self
    }

    /// The same, pretending these rates of reading and writing.
    #[must_use]
    pub const fn with_rates(mut self, prefill: f64, decode: f64) -> Self {
        self.rates = Some((prefill, decode));
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
                Value::String(text) => engine.lines.push((Line::text(text), false)),
                Value::Object(mut object) if object.contains_key("model") => {
                    let pretended = object.remove("model").unwrap_or_default();
                    let model: Pretended =
                        serde_json::from_value(pretended).map_err(|e| wrong(&e))?;
                    engine.pretend(model);
                }
                value => {
                    let line = serde_json::from_value(value).map_err(|e| wrong(&e))?;
                    engine.lines.push((line, false));
                }
            }
        }
        Ok(engine)
    }

    /// What was asked so far, in order, for tests.
    pub fn asked(&self) -> &[Generate] {
        &self.asked
    }

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

    /// The next answer for that request.
    fn next(&mut self, request: &Generate) -> Result<Line> {
        let last = request.messages.last().map_or("", |m| m.content.as_str());
        let fits = |line: &Line| line.when.as_ref().is_none_or(|when| last.contains(when));
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
}

/// Waits; `false` when cancelled on the way.
fn wait(ms: u64, cancel: &Cancel) -> bool {
    let end = Instant::now() + Duration::from_millis(ms);
    loop {
        if cancel.is_cancelled() {
            return false;
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        sleep(left.min(SLICE));
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
        let total = self.count_messages(&request.messages)?;
        if total >= self.facts.context {
            return Err(Failure::model(format!(
                "the prompt takes {total} tokens; the context holds {}",
                self.facts.context
            )));
        }
        let line = self.next(request)?;
        let cached = if request.messages.starts_with(&self.held) {
            self.count_messages(&self.held)?
        } else {
            0
        };
        self.held.clone_from(&request.messages);
        let rate = self.rates.map_or(0.0, |(prefill, _)| prefill);
        if !line.steps.iter().any(|s| matches!(s, Play::Prefill { .. })) {
            on(Step::Prefill {
                done: total,
                total,
                cached,
                rate,
            });
        }
        if let Some(grammar) = &mut grammar {
            grammar.set_alphabet(ByteSet::ALL);
        }
        let mut writing = Writing {
            text: String::new(),
            told: 0,
            stop: &request.stop,
            grammar,
        };
        let mut finish = line.finish;
        for step in &line.steps {
            if cancel.is_cancelled() {
                finish = Finish::Cancelled;
                break;
            }
            let ended = match step {
                Play::Text(text) => writing.add(text, on)?,
                Play::Stream { text, every_ms } => {
                    let mut ended = None;
                    for word in text.split_inclusive(char::is_whitespace) {
                        ended = if wait(*every_ms, cancel) {
                            writing.add(word, on)?
                        } else {
                            Some(Finish::Cancelled)
                        };
                        if ended.is_some() {
                            break;
                        }
                    }
                    ended
                }
                Play::Thinking(text) => {
                    on(Step::Thinking(text.clone()));
                    None
                }
                Play::ThinkingCut { tokens, why } => {
                    on(Step::ThinkingCut {
                        tokens: *tokens,
                        why: *why,
                    });
                    None
                }
                Play::WaitMs(ms) => {
                    let whole = wait(*ms, cancel);
                    (!whole).then_some(Finish::Cancelled)
                }
                Play::Prefill {
                    done,
                    total,
                    cached,
                    rate,
                } => {
                    on(Step::Prefill {
                        done: *done,
                        total: *total,
                        cached: *cached,
                        rate: *rate,
                    });
                    None
                }
                Play::StartOver(why) => {
                    on(Step::StartOver(why.clone()));
                    None
                }
                Play::Fail { kind, what, hint } => {
                    let failure = Failure::new(kind.unwrap_or(Kind::Model), what);
                    return Err(match hint {
                        Some(hint) => failure.hint(hint),
                        None => failure,
                    });
                }
                Play::Expect(text) => {
                    let prompt = echoed(&request.messages, Echo::All);
                    if !prompt.contains(text) {
                        return Err(Failure::model(format!(
                            "the script expects {text:?} in the prompt"
                        ))
                        .because(format!("it is {prompt:?}")));
                    }
                    None
                }
                Play::Refuse(text) => {
                    let prompt = echoed(&request.messages, Echo::All);
                    if prompt.contains(text) {
                        return Err(Failure::model(format!(
                            "the script does not want {text:?} in the prompt"
                        ))
                        .because(format!("it is {prompt:?}")));
                    }
                    None
                }
                Play::Echo(which) => writing.add(&echoed(&request.messages, *which), on)?,
            };
            match ended {
                None => {}
                // By a stop text: the script says why it ends.
                Some(Finish::Stop) => break,
                Some(why) => {
                    finish = why;
                    break;
                }
            }
        }
        if finish == Finish::Stop {
            writing.may_end()?;
        }
        writing.tell(writing.text.len(), on);
        let generated_tokens = self.count(&writing.text);
        let (prefill, decode) = self.rates.unwrap_or((0.0, 0.0));
        let seconds = |tokens: usize, rate: f64| {
            if rate > 0.0 {
                tokens as f64 / rate
            } else {
                0.0
            }
        };
        // What a real engine would hold now: the answer belongs to it.
        self.held.push(Message {
            role: Role::Assistant,
            content: writing.text.clone(),
        });
        Ok(Generated {
            usage: Usage {
                prompt_tokens: total,
                cached_tokens: cached,
                generated_tokens,
                prefill_s: seconds(total - cached.min(total), prefill),
                decode_s: seconds(generated_tokens, decode),
                drafted_tokens: 0,
                accepted_tokens: 0,
            },
            text: writing.text,
            finish,
        })
    }

    fn rates(&self) -> Option<(f64, f64)> {
        self.rates
    }

    fn reset(&mut self) {
        self.held.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::CancelSource;

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
        let mut engine = ScriptedEngine::new(vec![Line::steps(vec![
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
        let mut engine = ScriptedEngine::new(vec![Line::steps(vec![
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
