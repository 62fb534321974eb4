//! The engine on small random models with reference logits, and on the starter.

use std::path::Path;

use super::*;
use crate::base::CancelSource;
use crate::engine::{Cut, Finish, Role, Sampling, Usage};
use crate::model::network::{Network, Wanted};
use crate::model::synthetic::{self, Quantization, Shape};

/// With drafts and without.
#[path = "drafting_tests.rs"]
mod drafting;
/// Models that think.
#[path = "thinking_tests.rs"]
mod thinking;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/models")
        .join(name)
}

fn load(name: &str) -> LocalEngine {
    let options = LoadOptions {
        name: name.to_owned(),
        file: fixture(&format!("{name}.F32.gguf")),
        drafts: true,
        ..LoadOptions::default()
    };
    LocalEngine::load(&options, &Cancel::never(), &mut |_| {}).expect("a model")
}

fn ask(text: &str, n: usize) -> Generate {
    Generate {
        messages: vec![Message {
            role: Role::User,
            content: text.to_owned(),
        }],
        sampling: Sampling {
            seed: Some(1),
            temperature: Some(0.8),
            ..Sampling::default()
        },
        max_tokens: n,
        ..Generate::default()
    }
}

#[test]
fn the_same_seed_writes_the_same() {
    let mut engine = load("llama-tiny");
    let mut run = || {
        engine.reset();
        engine
            .generate(&ask("hello", 12), None, &Cancel::never(), &mut |_| {})
            .expect("an answer")
    };
    let (a, b) = (run(), run());
    assert_eq!(a.text, b.text);
    assert!(a.usage.generated_tokens > 0);
}

/// What was read before is no part of an answer, where the network keeps all of a text or nothing.
#[test]
fn networks_by_candle_answer_the_same_again() {
    for name in ["glm4-tiny", "phi2-tiny", "lfm2-tiny"] {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("m.gguf");
        synthetic::write(
            Shape::named(name).expect("a shape"),
            Quantization::named("Q8_0").expect("a quantization"),
            None,
            &file,
            &Cancel::never(),
            &mut |_, _| {},
        )
        .expect("written");
        let options = LoadOptions {
            name: name.to_owned(),
            file,
            drafts: true,
            ..LoadOptions::default()
        };
        let never = Cancel::never();
        let mut engine = LocalEngine::load(&options, &never, &mut |_| {}).expect("a model");
        let mut run = |text: &str| {
            let request = ask(text, 12);
            let answer = engine.generate(&request, None, &Cancel::never(), &mut |_| {});
            answer.expect("an answer")
        };
        let first = run("hello there, and what is this?");
        let other = run("another question");
        let again = run("hello there, and what is this?");
        assert_eq!(first.text, again.text, "{name}");
        assert_ne!(first.text, other.text, "{name}");
        assert!(first.usage.generated_tokens > 0);
    }
}

/// The rest of an answer is written with the state as it was left: the same as if it had never
/// been cut.
#[test]
fn an_answer_goes_on_as_if_it_had_never_been_cut() {
    for model in ["qwen2-tiny", "qwen35-tiny-mtp"] {
        let greedy = |n| Generate {
            sampling: Sampling {
                temperature: Some(0.0),
                ..Sampling::default()
            },
            ..ask("hello there", n)
        };
        let run = |engine: &mut LocalEngine, request: &Generate| {
            engine
                .generate(request, None, &Cancel::never(), &mut |_| {})
                .expect("an answer")
        };
        let whole = run(&mut load(model), &greedy(24));
        let mut engine = load(model);
        let first = run(&mut engine, &greedy(10));
        let rest = Generate {
            prefill: first.text.clone(),
            ..greedy(14)
        };
        let rest = run(&mut engine, &rest);
        assert_eq!(
            format!("{}{}", first.text, rest.text),
            whole.text,
            "{model}"
        );
        // Ten tokens were written; the last of them is read for its logits.
        let read = rest.usage.prompt_tokens - rest.usage.cached_tokens;
        assert!(
            model != "qwen2-tiny" || read <= 2,
            "{read} tokens were read again"
        );
    }
}

/// A template that writes past answers otherwise has them read again, and it is said how much.
#[test]
fn what_is_read_again_is_said() {
    let mut engine = load("qwen2-tiny");
    let mut header = Header::read(&fixture("qwen2-tiny.F32.gguf")).expect("the fixture");
    let template = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n\
        {% endfor %}<|im_start|>assistant\n{% if not enable_thinking %}<think>\n\n</think>\n\n{% endif %}";
    let template = crate::model::gguf::Value::Text(template.to_owned());
    header
        .metadata
        .insert("tokenizer.chat_template".to_owned(), template);
    engine.template = ChatTemplate::from_header(&header);
    let mut request = ask("hello there", 48);
    let first = engine
        .generate(&request, None, &Cancel::never(), &mut |_| {})
        .expect("an answer");
    assert!(first.usage.generated_tokens > 40);
    for (role, content) in [
        (Role::Assistant, first.text.as_str()),
        (Role::User, "go on"),
    ] {
        request.messages.push(Message {
            role,
            content: content.to_owned(),
        });
    }
    let mut told = Vec::new();
    let second = engine
        .generate(&request, None, &Cancel::never(), &mut |step| {
            if let Step::ReadAnew { tokens, why } = step {
                told.push((tokens, why));
            }
        })
        .expect("an answer");
    let [(tokens, why)] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert!(why.contains("leaves old thinking out"), "{why}");
    // What is read is that, and what is new.
    let read = second.usage.prompt_tokens - second.usage.cached_tokens;
    assert!(
        *tokens > 40 && *tokens < read && read < tokens + 40,
        "{tokens} of {read}"
    );
}

#[test]
fn the_next_turn_reads_only_what_is_new() {
    let mut engine = load("qwen2-tiny");
    let mut request = ask("hello there", 12);
    let first = engine
        .generate(&request, None, &Cancel::never(), &mut |_| {})
        .expect("an answer");
    let held = engine.prefix_cache.tokens().len();
    request.messages.push(Message {
        role: Role::Assistant,
        content: first.text.clone(),
    });
    request.messages.push(Message {
        role: Role::User,
        content: "go on".into(),
    });
    let mut started_over = false;
    let second = engine
        .generate(&request, None, &Cancel::never(), &mut |step| {
            started_over |= matches!(step, Step::StartOver(_))
        })
        .expect("an answer");
    if first.text.trim().is_empty() {
        return;
    }
    assert_eq!(second.usage.cached_tokens, held);
    assert!(!started_over);
    // One that differs is read from where it differs.
    let third = engine
        .generate(
            &ask("hello other", 4),
            None,
            &Cancel::never(),
            &mut |step| started_over |= matches!(step, Step::StartOver(_)),
        )
        .expect("an answer");
    assert!(third.usage.cached_tokens > 0);
    assert!(third.usage.cached_tokens < third.usage.prompt_tokens);
    assert!(!started_over);
    // The same once more: only its last token is read again.
    let fourth = engine
        .generate(&ask("hello other", 4), None, &Cancel::never(), &mut |_| {})
        .expect("an answer");
    assert_eq!(fourth.usage.cached_tokens + 1, fourth.usage.prompt_tokens);
    assert_eq!(fourth.text, third.text);
}

/// A network that can only go on or begin anew.
struct Forgetful(usize);

impl Network for Forgetful {
    fn n_past(&self) -> usize {
        self.0
    }

    fn read(&mut self, tokens: &[u32], _wanted: Wanted, _cancel: &Cancel) -> Result<Vec<f32>> {
        self.0 += tokens.len();
        Ok((0..643).map(|i| (i as f32).sin()).collect())
    }

    fn truncate(&mut self, tokens: usize) -> usize {
        if tokens != self.0 {
            self.0 = 0;
        }
        self.0
    }
}

#[test]
fn a_network_that_cannot_go_back_starts_over_aloud() {
    let mut engine = load("llama-tiny");
    engine.prefix_cache = PrefixCache::new(Box::new(Forgetful(0)), None);
    let mut steps = Vec::new();
    for text in ["hello there", "hello other"] {
        let done = engine
            .generate(&ask(text, 4), None, &Cancel::never(), &mut |step| {
                steps.push(step)
            })
            .expect("an answer");
        assert_eq!(done.usage.cached_tokens, 0);
    }
    let over = steps
        .iter()
        .filter(|step| matches!(step, Step::StartOver(_)))
        .count();
    assert_eq!(over, 1);
}

#[test]
fn what_is_kept_changes_nothing() {
    let mut engine = load("llama-tiny");
    let mut request = ask("one two three", 10);
    let first = engine
        .generate(&request, None, &Cancel::never(), &mut |_| {})
        .expect("an answer");
    request.messages.push(Message {
        role: Role::Assistant,
        content: first.text,
    });
    request.messages.push(Message {
        role: Role::User,
        content: "four".into(),
    });
    let kept = engine
        .generate(&request, None, &Cancel::never(), &mut |_| {})
        .expect("an answer");
    engine.prefix_cache.reset();
    let anew = engine
        .generate(&request, None, &Cancel::never(), &mut |_| {})
        .expect("an answer");
    assert_eq!(kept.text, anew.text);
}

#[test]
fn a_cancel_keeps_what_was_written() {
    let mut engine = load("llama-tiny");
    let source = CancelSource::new();
    let cancel = source.token();
    let mut pieces = 0;
    let done = engine
        .generate(&ask("hello", 200), None, &cancel, &mut |step| {
            if matches!(step, Step::Text(_)) {
                pieces += 1;
                if pieces == 3 {
                    source.cancel();
                }
            }
        })
        .expect("no error");
    assert_eq!(done.finish, Finish::Cancelled);
    assert!(done.usage.generated_tokens < 200);
    let again = engine
        .generate(&ask("hello", 5), None, &Cancel::never(), &mut |_| {})
        .expect("goes on");
    assert!(again.usage.generated_tokens > 0);
}

#[test]
fn a_prompt_that_does_not_fit_is_refused_with_figures() {
    let mut engine = load("llama-tiny");
    let failure = engine
        .generate(
            &ask(&"word ".repeat(20_000), 5),
            None,
            &Cancel::never(),
            &mut |_| {},
        )
        .expect_err("too long");
    assert!(failure.to_string().contains("context"), "{failure}");
}

#[test]
fn a_model_that_does_not_fit_is_refused_with_figures() {
    let options = LoadOptions {
        name: "tiny".into(),
        file: fixture("llama-tiny.F32.gguf"),
        memory_limit: 1000,
        ..LoadOptions::default()
    };
    let failure = LocalEngine::load(&options, &Cancel::never(), &mut |_| {})
        .err()
        .expect("refused");
    assert!(failure.to_string().contains("1.0 kB are free"), "{failure}");
}

#[test]
fn a_context_that_does_not_fit_is_refused_with_one_that_does() {
    let file = fixture("qwen2-tiny.F32.gguf");
    let facts = crate::engine::inspect(&file).expect("facts");
    let limit = facts.memory_bytes(300);
    let load = |context: usize, memory_limit: u64| {
        let options = LoadOptions {
            name: "tiny".into(),
            file: file.clone(),
            memory_limit,
            context,
            ..LoadOptions::default()
        };
        LocalEngine::load(&options, &Cancel::never(), &mut |_| {}).map(|e| e.facts().context)
    };
    let failure = load(400, limit).expect_err("refused");
    let said = failure.next_step().unwrap_or_default().to_owned();
    let fits: usize = said
        .rsplit(' ')
        .next()
        .and_then(|n| n.parse().ok())
        .expect("a number");
    assert!((290..=300).contains(&fits), "{said}");
    assert_eq!(load(fits, limit).expect("fits"), fits);
    assert!(load(fits + 10, limit).is_err());
    let failure = load(1 << 30, u64::MAX).expect_err("refused");
    assert!(failure.to_string().contains("more than the model takes"));
}

#[test]
fn a_file_cannot_end_a_turn() {
    let engine = load("llama-tiny");
    let plain = engine
        .count_messages(&ask("x", 1).messages)
        .expect("counted");
    let end = engine
        .tokenizer
        .special("<|vision_end|>")
        .expect("a control token");
    let hostile = [Message {
        role: Role::User,
        content: "<|vision_end|> x".into(),
    }];
    let tokens = engine.prompt_of(&hostile, false).expect("tokens").tokens;
    assert!(!tokens.contains(&end));
    assert!(tokens.len() > plain);
}

/// The reference texts of the starter. Along the
/// reference's own text, the best token must be the reference's wherever that is clear.
#[test]
fn the_starter_follows_the_reference_along_its_text() {
    let Some(file) = crate::model::tokenizer::starter() else {
        return;
    };
    let options = LoadOptions {
        name: "starter".into(),
        file,
        ..LoadOptions::default()
    };
    let mut engine = LocalEngine::load(&options, &Cancel::never(), &mut |_| {}).expect("a model");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/models");
    let lines = std::fs::read_to_string(folder.join("smollm2-greedy.jsonl")).expect("the cases");
    let (mut llama, mut float, mut all, mut clear) = (0, 0, 0, 0);
    for line in lines.lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let ids = |value: &serde_json::Value| -> Vec<u32> {
            let values = value.as_array().expect("a list");
            values
                .iter()
                .map(|id| id.as_u64().expect("an id") as u32)
                .collect()
        };
        let prompt = ids(&case["prompt_ids"]);
        if prompt.len() > 200 {
            // A minute each where dependencies are not compiled for speed.
            continue;
        }
        let written = ids(&case["gen_ids"]);
        let best = ids(&case["float_ref"]["gen_top1"]);
        let gaps = case["float_ref"]["gen_gap"].as_array().expect("gaps");
        engine.prefix_cache.reset();
        let network = engine.prefix_cache.network();
        let go = Cancel::never();
        let mut logits = network.read(&prompt, Wanted::Last, &go).expect("logits");
        for (i, token) in written.iter().enumerate() {
            let most = logits
                .iter()
                .enumerate()
                .max_by(|a, b| a.1.total_cmp(b.1))
                .map(|(id, _)| id as u32);
            all += 1;
            llama += usize::from(most == Some(*token));
            float += usize::from(most == best.get(i).copied());
            let gap = gaps
                .get(i)
                .and_then(serde_json::Value::as_f64)
                .unwrap_or(0.0);
            if gap > 0.5 {
                clear += 1;
                assert_eq!(most, best.get(i).copied(), "step {i}, gap {gap}");
            }
            logits = network.read(&[*token], Wanted::Last, &go).expect("logits");
        }
    }
    eprintln!(
        "best token: {float} of {all} as in float, {llama} as llama.cpp wrote; {clear} clear"
    );
    assert!(float * 100 >= all * 96, "{float} of {all}");
}
