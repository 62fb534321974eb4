//! Reading again only what must be read, in one process and from one to the next.

use std::path::{Path, PathBuf};

use super::super::checkpoints;
use super::*;
use crate::base::CancelSource;
use crate::engine::{
    Engine as _, Finish, Generate, LoadOptions, LocalEngine, Message, Role, Sampling,
};

/// One that can be cut back, and one that cannot.
const MODELS: [&str; 2] = ["qwen2-tiny", "qwen35-tiny-mtp"];

fn load(name: &str, states: Option<&Path>, limit: u64) -> LocalEngine {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/models")
        .join(format!("{name}.F32.gguf"));
    let options = LoadOptions {
        name: name.to_owned(),
        file,
        states: states.map(Path::to_path_buf),
        states_limit: limit,
        drafts: true,
        ..LoadOptions::default()
    };
    LocalEngine::load(&options, &Cancel::never(), &mut |_| {}).expect("a model")
}

fn say(role: Role, content: &str) -> Message {
    Message {
        role,
        content: content.to_owned(),
    }
}

/// A system block of some length, and a question.
fn request(question: &str) -> Generate {
    let rules = "Answer with care, name files and lines, and say what you do not know. ".repeat(12);
    Generate {
        messages: vec![say(Role::System, &rules), say(Role::User, question)],
        sampling: Sampling {
            temperature: Some(0.0),
            ..Sampling::default()
        },
        max_tokens: 12,
        ..Generate::default()
    }
}

fn run(engine: &mut LocalEngine, request: &Generate) -> (String, usize, usize) {
    let done = engine
        .generate(request, None, &Cancel::never(), &mut |_| {})
        .expect("an answer");
    (
        done.text,
        done.usage.cached_tokens,
        done.usage.prompt_tokens,
    )
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    files.sort();
    files
}

#[test]
fn the_next_turn_does_not_read_the_conversation_again() {
    for name in MODELS {
        let mut engine = load(name, None, 0);
        let mut turn = request("what does the parser do with tabs?");
        let (first, cached, prompt) = run(&mut engine, &turn);
        assert_eq!(cached, 0);
        turn.messages.push(say(Role::Assistant, &first));
        turn.messages.push(say(Role::User, "and with blanks?"));
        let (second, cached, _) = run(&mut engine, &turn);
        assert!(cached + 8 >= prompt, "{name}: {cached} of {prompt}");
        // What was not read again changes nothing.
        let mut fresh = load(name, None, 0);
        run(&mut fresh, &request("what does the parser do with tabs?"));
        fresh.prefix_cache.reset();
        fresh.prefix_cache.checkpoints.clear();
        let (anew, cached, _) = run(&mut fresh, &turn);
        assert_eq!((anew, cached), (second.clone(), 0), "{name}");
        // Another question under the same rules begins behind them.
        let (other, cached, prompt) = run(&mut engine, &request("who calls it?"));
        assert!(cached * 10 > prompt * 8, "{name}: {cached} of {prompt}");
        assert_eq!(run(&mut fresh, &request("who calls it?")).0, other);
        // The conversation before goes on where its last answer began, if its checkpoint is kept.
        let (again, cached, prompt) = run(&mut engine, &turn);
        assert_eq!(again, second);
        assert!(cached * 10 > prompt * 8, "{name}: {cached} of {prompt}");
    }
}

#[test]
fn the_next_process_begins_where_this_one_read_to() {
    for name in MODELS {
        let dir = tempfile::tempdir().expect("a folder");
        let states = dir.path().join("states/one");
        let turn = request("what does the parser do with tabs?");
        let mut engine = load(name, Some(&states), 1 << 30);
        let (first, cached, prompt) = run(&mut engine, &turn);
        assert_eq!(cached, 0);
        drop(engine);
        assert_eq!(files(&states).len(), 2, "the rules, and the conversation");
        #[cfg(unix)]
        for file in files(&states) {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(file).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        // The same question once more.
        let mut engine = load(name, Some(&states), 1 << 30);
        let (again, cached, _) = run(&mut engine, &turn);
        assert_eq!(again, first, "{name}");
        assert!(cached + 8 >= prompt, "{name}: {cached} of {prompt}");
        // Another question: the rules are not read again, and it takes the place of the last.
        drop(engine);
        let mut engine = load(name, Some(&states), 1 << 30);
        let (other, cached, prompt) = run(&mut engine, &request("who calls it?"));
        assert!(cached * 10 > prompt * 8, "{name}: {cached} of {prompt}");
        drop(engine);
        assert_eq!(
            files(&states).len(),
            2,
            "the rules, and the last conversation"
        );
        let mut engine = load(name, Some(&states), 1 << 30);
        let (_, cached, prompt) = run(&mut engine, &request("who calls it?"));
        assert!(cached + 8 >= prompt, "{name}: {cached} of {prompt}");
        let mut fresh = load(name, None, 0);
        assert_eq!(run(&mut fresh, &request("who calls it?")).0, other);
    }
}

#[test]
fn nothing_is_written_while_states_are_not_to_be_kept() {
    for name in MODELS {
        let dir = tempfile::tempdir().expect("a folder");
        let states = dir.path().join("states/one");
        let mut engine = load(name, Some(&states), 1 << 30);
        engine.keep_states(false);
        run(&mut engine, &request("what does the parser do with tabs?"));
        drop(engine);
        let made = std::fs::read_dir(&states).map_or(0, Iterator::count);
        assert_eq!(made, 0, "{name}");
        let mut engine = load(name, Some(&states), 1 << 30);
        engine.keep_states(false);
        engine.keep_states(true);
        run(&mut engine, &request("what does the parser do with tabs?"));
        drop(engine);
        assert_eq!(files(&states).len(), 2, "{name}");
    }
}

#[test]
fn the_states_of_another_model_are_left_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let states = dir.path().join("states/one");
    for name in MODELS {
        let (_, cached, _) = run(&mut load(name, Some(&states), 1 << 30), &request("x"));
        assert_eq!(cached, 0);
    }
    assert_eq!(files(&states).len(), 4);
}

#[test]
fn broken_states_cost_nothing_but_time() {
    let dir = tempfile::tempdir().expect("a folder");
    let states = dir.path().join("states/one");
    let turn = request("what does the parser do with tabs?");
    let (first, ..) = run(&mut load("qwen35-tiny-mtp", Some(&states), 1 << 30), &turn);
    let whole: Vec<(PathBuf, Vec<u8>)> = files(&states)
        .into_iter()
        .map(|file| {
            let bytes = std::fs::read(&file).expect("there");
            (file, bytes)
        })
        .collect();
    let middle = whole[0].1.len() / 2;
    for (cut, at) in [
        (0, None),
        (100, None),
        (middle, None),
        (usize::MAX, Some(middle)),
        // The number of the form: a state of an older build.
        (usize::MAX, Some(15)),
    ] {
        for (file, bytes) in &whole {
            let mut bytes = bytes[..bytes.len().min(cut)].to_vec();
            if let Some(at) = at {
                bytes[at] ^= 1;
            }
            std::fs::write(file, bytes).expect("written");
        }
        let mut engine = load("qwen35-tiny-mtp", Some(&states), 1 << 30);
        let (again, cached, _) = run(&mut engine, &turn);
        assert_eq!((again, cached), (first.clone(), 0), "cut to {cut}, {at:?}");
    }
}

#[test]
fn the_folder_stays_within_its_size() {
    let dir = tempfile::tempdir().expect("a folder");
    let states = dir.path().join("states/one");
    run(
        &mut load("qwen2-tiny", Some(&states), 1 << 30),
        &request("first"),
    );
    let one: u64 = files(&states)
        .iter()
        .map(|file| std::fs::metadata(file).expect("there").len())
        .sum();
    let limit = one * 2;
    for i in 0..5 {
        let other = dir.path().join(format!("states/{i}"));
        let turn = request(&format!("question {i}, which is another one"));
        run(&mut load("qwen2-tiny", Some(&other), limit), &turn);
    }
    let all: u64 = (0..5)
        .map(|i| dir.path().join(format!("states/{i}")))
        .chain([states])
        .flat_map(|dir| files(&dir))
        .map(|file| std::fs::metadata(file).expect("there").len())
        .sum();
    assert!(all > 0 && all <= limit, "{all} of {limit}");
    // Nothing fits: nothing is written, and nothing fails.
    let none = dir.path().join("states/none");
    run(&mut load("qwen2-tiny", Some(&none), 10), &request("x"));
    assert!(files(&none).is_empty());
}

#[test]
fn a_folder_that_cannot_be_written_is_no_failure() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("file");
    std::fs::write(&file, "x").expect("written");
    run(
        &mut load("qwen2-tiny", Some(&file.join("states")), 1 << 30),
        &request("x"),
    );
}

#[test]
fn going_back_reads_nothing_of_the_conversation_again() {
    for (free, reads) in [(u64::MAX, false), (0, true)] {
        for name in MODELS {
            let mut engine = load(name, None, 0);
            engine.prefix_cache.checkpoints.available = if free > 0 { || u64::MAX } else { || 0 };
            let mut turn = request("what does the parser do with tabs?");
            turn.max_tokens = 40;
            let mut asked = Vec::new();
            for question in [
                "and with blanks?",
                "who calls it?",
                "since when?",
                "and why?",
                "",
            ] {
                let (text, ..) = run(&mut engine, &turn);
                asked.push((turn.clone(), text.clone()));
                turn.messages.push(say(Role::Assistant, &text));
                turn.messages.push(say(Role::User, question));
            }
            // From the newest question back: the same is asked again, and then another in its place.
            for (turn, text) in asked.iter().rev() {
                let (again, cached, prompt) = run(&mut engine, turn);
                assert_eq!(again, *text);
                let all = cached + 8 >= prompt;
                assert!(all || reads, "{name}: {cached} of {prompt}");
                let mut other = turn.clone();
                let last = other.messages.last_mut().expect("a question");
                last.content = "is that so?".to_owned();
                let (_, cached, prompt) = run(&mut engine, &other);
                let question = 24;
                let all = cached + question >= prompt;
                assert!(all || reads, "{name}: {cached} of {prompt}");
            }
            let held = engine.prefix_cache.checkpoints.len();
            let most = if free > 0 {
                checkpoints::MOST
            } else {
                checkpoints::CERTAIN
            };
            assert!(held <= most, "{name}: {held}");
        }
    }
}

#[test]
fn few_checkpoints_are_held_and_the_rules_stay() {
    let mut engine = load("qwen35-tiny-mtp", None, 0);
    engine.prefix_cache.checkpoints.available = || 0;
    for i in 0..8 {
        run(&mut engine, &request(&format!("{i} is another question")));
    }
    let (_, cached, prompt) = run(&mut engine, &request("and one more"));
    assert!(cached * 10 > prompt * 8);
    assert!(engine.prefix_cache.checkpoints.len() <= checkpoints::CERTAIN);
}

#[test]
fn a_cancel_while_reading_keeps_what_was_read() {
    for name in MODELS {
        let mut engine = load(name, None, 0);
        let source = CancelSource::new();
        let cancel = source.token();
        let turn = request("what does the parser do with tabs?");
        let done = engine
            .generate(&turn, None, &cancel, &mut |step| {
                if matches!(step, Step::Prefill { done, .. } if done > 0) {
                    source.cancel();
                }
            })
            .expect("no error");
        assert_eq!(done.finish, Finish::Cancelled);
        let (text, cached, _) = run(&mut engine, &turn);
        assert!(cached > 0, "{name}");
        assert_eq!(text, run(&mut load(name, None, 0), &turn).0);
    }
}

#[test]
fn what_is_read_again_comes_to_the_same_to_the_bit() {
    let mut engines: Vec<LocalEngine> = MODELS.iter().map(|name| load(name, None, 0)).collect();
    // In tiny ones sums come out alike in any order.
    engines.extend(crate::model::tokenizer::starter().map(|file| {
        let options = LoadOptions {
            name: "starter".into(),
            file,
            ..LoadOptions::default()
        };
        LocalEngine::load(&options, &Cancel::never(), &mut |_| {}).expect("a model")
    }));
    for mut engine in engines {
        let name = engine.facts().name.clone();
        // More than are read at once.
        let length = (engine.facts().context - 40).min(1_300) as u32;
        let tokens: Vec<u32> = (0..length).map(|i| 3 + i * 7 % 90).collect();
        let breakpoints = Breakpoints {
            system: None,
            question: None,
            answer: Some(tokens.len() - 4),
            next: None,
        };
        let mut read = || {
            engine
                .prefix_cache
                .read(&tokens, breakpoints, &Cancel::never(), &mut |_| {})
                .expect("read")
                .expect("to the end")
        };
        let (first, second) = (read(), read());
        assert_eq!(first.cached, 0);
        assert!(
            second.cached + 4 >= tokens.len(),
            "{name}: {}",
            second.cached
        );
        let bits = |read: &Read| read.logits.iter().map(|l| l.to_bits()).collect::<Vec<_>>();
        assert!(bits(&first) == bits(&second), "{name}");
    }
}

#[test]
fn what_an_expected_prompt_shares_is_kept() {
    let long = "what does this function do with tabs, blanks and ends of lines? ".repeat(6);
    let (first, second) = (
        request(&format!("{long}one")),
        request(&format!("{long}two")),
    );
    let cached = |next: Vec<Message>| {
        // One that cannot be cut back to any length.
        let mut engine = load("qwen35-tiny-mtp", None, 0);
        run(
            &mut engine,
            &Generate {
                next,
                ..first.clone()
            },
        );
        let (_, cached, prompt) = run(&mut engine, &second);
        (cached, prompt)
    };
    let (with, prompt) = cached(second.messages.clone());
    let (without, _) = cached(Vec::new());
    assert!(with + 24 >= prompt, "{with} of {prompt}");
    assert!(without + 48 < with, "{without} and {with}");
}
