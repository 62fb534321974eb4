//! Patches over a small repository, written by a script.

use super::super::trial::{Trial, notes};
use super::*;
use crate::base::CancelSource;
use crate::engine::scripted::{Play, ScriptedAnswer};
use crate::engine::{Engine as _, ScriptedEngine};
use crate::jobs::{Prompts, Request};
use crate::patch::{Change, EditKind};
use crate::repo::WalkRules;

const WALK: &str = "/// Walks a folder.\nfn walk() {\n    step();\n    step();\n    leap();\n}\n";

fn trial() -> Trial {
    Trial::new(&[
        ("src/walk.rs", WALK),
        ("src/print.rs", "/// Prints.\nfn print() {}\n"),
        (".gitignore", "target/\n"),
        ("target/out.rs", "made\n"),
    ])
}

fn wish(request: &str) -> Patch {
    Patch {
        request: request.to_owned(),
        ..Patch::default()
    }
}

struct Came {
    change: Change,
    prose: String,
    troubles: Vec<String>,
    stopped: bool,
    events: Vec<Event>,
}

fn play(trial: &Trial, request: Patch, engine: &mut ScriptedEngine) -> Came {
    let (answer, events) = trial.run(&Request::Patch(request), engine);
    match answer {
        Ok(Answer::Patch {
            change,
            prose,
            troubles,
            stopped,
            ..
        }) => Came {
            change,
            prose,
            troubles,
            stopped,
            events,
        },
        other => panic!("{other:?}"),
    }
}

const GOOD: &str = "I make the walk run.\n\n*** replace src/walk.rs\n<<<<<<<\n    leap();\n=======\n    run();\n>>>>>>>\n*** end\nand on";

#[test]
fn a_change_is_planned_and_nothing_is_written() {
    let trial = trial();
    let mut engine = ScriptedEngine::saying(&[GOOD]);
    let came = play(&trial, wish("make walk run instead of leap"), &mut engine);
    assert_eq!(came.troubles, [] as [&str; 0]);
    assert_eq!(came.prose, "I make the walk run.");
    let after = came.change.files[0].after.as_deref().expect("a text");
    assert_eq!(after, WALK.replace("leap", "run"));
    assert!(came.events.contains(&Event::Edit {
        path: RepoPath::new("src/walk.rs").expect("good path"),
        form: EditKind::Replace,
        start: 5,
        end: 5,
    }));
    let on_disk = std::fs::read_to_string(trial.dir.path().join("src/walk.rs"));
    assert_eq!(on_disk.expect("read"), WALK);
    let prompt = &engine.asked()[0].messages[1].content;
    assert!(prompt.contains("5|     leap();"), "{prompt}");
    assert!(prompt.ends_with("Request: make walk run instead of leap"));
}

#[test]
fn a_new_file_ends_its_lines_as_git_has_them() {
    let trial = Trial::new(&[
        (
            ".gitattributes",
            "*.bat eol=crlf\n*.ps1 working-tree-encoding=UTF-16\n",
        ),
        ("a.txt", "a\n"),
    ]);
    let made =
        |name: &str| format!("So.\n\n*** create {name}\n<<<<<<<\none\ntwo\n>>>>>>>\n*** end\n");
    for (name, text) in [("run.bat", "one\r\ntwo\r\n"), ("run.sh", "one\ntwo\n")] {
        let mut engine = ScriptedEngine::saying(&[&made(name)]);
        let came = play(&trial, wish("create a file"), &mut engine);
        assert_eq!(came.change.files[0].after.as_deref(), Some(text), "{name}");
    }
    barred(&trial, wish("create a file"), &made("run.ps1"));
}

/// That no model could have said this, and how far it could.
fn barred(trial: &Trial, request: Patch, says: &str) -> String {
    let mut engine = ScriptedEngine::saying(&[says]);
    let (answer, _) = trial.run(&Request::Patch(request), &mut engine);
    let failure = answer.expect_err(says).to_string();
    assert!(failure.contains("the grammar does not allow"), "{failure}");
    failure
}

#[test]
fn what_does_not_stand_there_cannot_be_said() {
    let trial = trial();
    let bad = "*** replace src/walk.rs\n<<<<<<<\n    jump();\n=======\n    run();\n>>>>>>>\n";
    let why = barred(&trial, wish("make walk run"), bad);
    assert!(why.contains("it says \"jump()"), "{why}");
}

#[test]
fn a_no_is_asked_again_and_an_edit_must_come() {
    let trial = trial();
    let no = "Nothing needs to be changed.\n*** end";
    let mut engine = ScriptedEngine::saying(&[no, GOOD]);
    let came = play(&trial, wish("make walk run"), &mut engine);
    assert!(!came.change.is_empty());
    assert!(notes(&came.events).contains("(there is no edit in it); the model is asked again"));
    let again = &engine.asked()[1].messages;
    assert_eq!(again.len(), 4);
    assert_eq!(again[2].content, "Nothing needs to be changed.");
    assert!(again[3].content.contains("- there is no edit in it"));
    // The two answers do not run into each other where they are shown.
    let shown: String = came
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Token { text } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert!(shown.contains("changed.\n\nI make"), "{shown}");
    // The second answer may not be a no.
    let mut engine = ScriptedEngine::saying(&[no, no]);
    let (answer, _) = trial.run(&Request::Patch(wish("make walk run")), &mut engine);
    assert!(answer.is_err());
}

#[test]
fn a_change_is_planned_on_what_the_model_was_shown() {
    let trial = trial();
    // Somebody adds a line above while the model writes.
    let root = trial.dir.path().to_owned();
    let slow = ScriptedAnswer::steps(vec![Play::WaitMs(400), Play::Text(GOOD.to_owned())]);
    let mut engine = ScriptedEngine::new(vec![slow]);
    let neighbour = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(150));
        std::fs::write(root.join("src/walk.rs"), format!("use std::fs;\n{WALK}"))
    });
    let came = play(&trial, wish("make walk run"), &mut engine);
    neighbour.join().expect("joined").expect("written");
    assert_eq!(came.change.files[0].before.as_deref(), Some(WALK));
}

#[test]
fn what_is_ignored_or_not_named_is_left_alone() {
    let trial = trial();
    for ignored in [
        "*** replace target/out.rs\n<<<<<<<\nmade\n=======\nbroken\n>>>>>>>\n",
        "*** create target/new.rs\n<<<<<<<\nx\n>>>>>>>\n",
    ] {
        barred(&trial, wish("break the build"), ignored);
    }
    let only = Patch {
        files: vec![RepoPath::new("src/print.rs").expect("good path")],
        ..wish("make it run")
    };
    let why = barred(&trial, only.clone(), GOOD);
    assert!(why.contains("it says \"walk.rs"), "{why}");
    let mut engine = ScriptedEngine::saying(&["*** end"]);
    let _ = trial.run(&Request::Patch(only), &mut engine);
    let prompt = &engine.asked()[0].messages[1].content;
    assert!(prompt.contains("Only these files may be changed: src/print.rs"));
    assert!(prompt.contains("[1] src/print.rs:"), "{prompt}");
}

#[test]
fn a_new_file_that_would_be_ignored_cannot_be_named() {
    let mut trial = Trial::new(&[
        ("src/walk.rs", WALK),
        (".gitignore", "*.log\n"),
        (".homebodyignore", "secret/\n"),
        ("src/.gitignore", "made.rs\n"),
    ]);
    trial.settings.rules.exclude = vec!["*.gen".to_owned()];
    let make = |name: &str| format!("*** create {name}\n<<<<<<<\nx\n>>>>>>>\n");
    for name in [
        "out.log",
        "new/deep/out.log",
        "secret/key.txt",
        "src/made.rs",
        "a.gen",
        // Names of files of passwords, and one that many systems take for one that is there.
        "web/.env",
        "src/Walk.rs",
    ] {
        barred(&trial, wish("make it"), &make(name));
        let moved = format!("*** rename src/walk.rs -> {name}\n");
        barred(&trial, wish("make it"), &moved);
    }
    let fine = format!("{}{}*** end", make("made.rs"), make("src/new.rs"));
    let mut engine = ScriptedEngine::saying(&[&fine]);
    let came = play(&trial, wish("make it"), &mut engine);
    assert_eq!(came.change.files.len(), 2, "{:?}", came.troubles);
    // What git tracks it does not ignore; our own rules count as they are now, whatever the index
    // holds.
    trial.put(".gitignore", "walk.rs\n");
    let came = play(
        &trial,
        wish("make walk run"),
        &mut ScriptedEngine::saying(&[GOOD]),
    );
    assert_eq!(came.change.files.len(), 1, "{:?}", came.troubles);
    trial.put(".homebodyignore", "secret/\nwalk.rs\n");
    barred(&trial, wish("make walk run"), GOOD);
}

#[test]
fn a_letter_that_a_file_cannot_hold_goes_back_to_the_model() {
    let trial = trial();
    let latin = b"// Gr\xf6\xdfe der Liste, f\xfcr sp\xe4ter\nfn size() {}\n";
    std::fs::write(trial.dir.path().join("latin.rs"), latin).expect("written");
    let edit = |new: &str| {
        format!("*** replace latin.rs\n<<<<<<<\nfn size() {{}}\n=======\n{new}\n>>>>>>>\n*** end")
    };
    let (bad, good) = (edit("fn size() {} // a → b"), edit("fn größe() {}"));
    let mut request = wish("rename size");
    request.files = vec![RepoPath::new("latin.rs").expect("a path")];
    let mut engine = ScriptedEngine::saying(&[&bad, &good]);
    let came = play(&trial, request, &mut engine);
    assert_eq!(engine.asked().len(), 2);
    let again = &engine.asked()[1].messages;
    let again = &again.last().expect("a message").content;
    assert!(again.contains("`→` cannot be written"), "{again}");
    let after = came.change.files[0].after.as_deref();
    assert_eq!(
        after,
        Some("// Größe der Liste, für später\nfn größe() {}\n")
    );
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_links() {
    let trial = trial();
    let outside = tempfile::tempdir().expect("a folder");
    std::fs::write(outside.path().join("a.txt"), "a\n").expect("written");
    let link = |name: &str, to: &std::path::Path| {
        std::os::unix::fs::symlink(to, trial.dir.path().join(name)).expect("linked");
    };
    link("folder", outside.path());
    link("file.rs", &trial.dir.path().join("src/walk.rs"));
    let texts = RepoTexts::new(&trial.repo, &[], &WalkRules::default());
    let path = |text: &str| RepoPath::new(text).expect("good path");
    assert!(texts.text(&path("folder/a.txt")).is_err());
    assert!(texts.text(&path("file.rs")).is_err());
    assert!(texts.may_create(&path("folder/b.txt")).is_err());
    assert!(texts.may_create(&path("src/walk.rs/b.txt")).is_err());
    assert!(texts.may_create(&path("new/deep/b.txt")).is_ok());
    assert!(texts.text(&path("src/walk.rs")).is_ok());
}

#[test]
fn a_refused_hunk_is_asked_again_with_the_remark() {
    let trial = trial();
    let mut engine = ScriptedEngine::saying(&[GOOD]);
    let request = Patch {
        again: Some((
            "-    leap();\n+    fly();\n".to_owned(),
            "not so high".to_owned(),
        )),
        ..wish("make walk faster")
    };
    assert!(!play(&trial, request, &mut engine).change.is_empty());
    let prompt = &engine.asked()[0].messages[1].content;
    assert!(prompt.contains("+    fly();\n```"), "{prompt}");
    assert!(prompt.contains("The remark to it: not so high"));
}

#[test]
fn a_cancel_keeps_what_is_there_and_asks_no_more() {
    let mut trial = trial();
    let source = CancelSource::new();
    trial.cancel = source.token();
    let mut engine = ScriptedEngine::new(vec![ScriptedAnswer::steps(vec![
        Play::Text(GOOD.replace("*** end\nand on", "\n")),
        Play::WaitMs(60_000),
    ])]);
    let waiter = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(300));
        source.cancel();
    });
    let came = play(&trial, wish("run"), &mut engine);
    waiter.join().expect("joined");
    assert!(came.stopped);
    assert!(!came.change.is_empty());
}

#[test]
fn a_block_that_was_cut_off_is_never_taken() {
    let trial = trial();
    let cut = "*** create src/run.rs\n<<<<<<<\nfn run() {}\n>>>>>>>\n*** delete src/walk.rs";
    for finish in ["length", "cancelled"] {
        let script = serde_json::json!({"steps": [{"text": cut}], "finish": finish});
        let mut engine =
            ScriptedEngine::from_text(&script.to_string(), "test").expect("a good script");
        let came = play(&trial, wish("run"), &mut engine);
        let files: Vec<_> = came.change.files.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(files, ["src/run.rs"], "{finish}");
        let told = "the change to src/walk.rs is left out: the answer was cut off there";
        assert_eq!(came.troubles, [told], "{finish}");
    }
    let whole = format!("{cut}\n*** end");
    let mut engine = ScriptedEngine::saying(&[&whole]);
    let came = play(&trial, wish("run"), &mut engine);
    assert_eq!(came.change.files.len(), 2, "a whole answer is taken whole");
}

#[test]
fn a_context_that_is_too_small_is_said() {
    let trial = trial();
    let mut engine = ScriptedEngine::saying(&[GOOD]).with_context(300);
    let (answer, _) = trial.run(&Request::Patch(wish("run")), &mut engine);
    let failure = answer.expect_err("too small");
    assert!(
        failure
            .next_step()
            .is_some_and(|hint| hint.contains("--ctx"))
    );
    assert!(engine.asked().is_empty());
}

/// What is proposed, and what was asked.
fn play_asked(trial: &Trial, request: Patch, rewrites: bool, says: &[&str]) -> (Came, Vec<String>) {
    let mut engine = ScriptedEngine::saying(says);
    if rewrites {
        engine = engine.rewriting();
    }
    let came = play(trial, request, &mut engine);
    let asked = engine.asked().iter();
    let last = asked.map(|asked| asked.messages.last().expect("a message").content.clone());
    (came, last.collect())
}

#[test]
fn an_edit_without_end_is_dropped_aloud_and_asked_for_again() {
    let trial = trial();
    let head = "*** rewrite src/walk.rs:walk\n<<<<<<<\n";
    let endless = format!("I do.\n{head}{}", "fn walk() {}\n".repeat(2_000));
    let long = format!("{head}{}", "fn walk() {}".repeat(1_000));
    let one = format!("{head}fn walk() {{}}\n>>>>>>>\n*** end");
    let says = [endless.as_str(), &long, &one];
    let (came, asked) = play_asked(&trial, wish("make walk empty"), true, &says);
    let after = came.change.files[0].after.as_deref().expect("a text");
    assert_eq!(after, "fn walk() {}\n");
    assert_eq!(came.troubles, [] as [&str; 0]);
    let told = notes(&came.events);
    assert!(
        told.contains("(the change to src/walk.rs:walk is left out: the answer was cut off there)"),
        "{told}"
    );
    assert!(
        asked[1].contains("at most 12 lines") && asked[2].contains("one line"),
        "{asked:?}"
    );
    assert!(
        !asked[0].contains("*** replace") && !asked[0].contains("*** create"),
        "{asked:?}"
    );
}

#[test]
fn what_makes_the_code_worse_goes_back_once() {
    let trial = trial();
    let broken =
        "*** replace src/print.rs\n<<<<<<<\nfn print() {}\n=======\nfn print( {}\n>>>>>>>\n*** end";
    let fine = broken.replace("print( {}", "print() { say() }");
    let (came, asked) = play_asked(&trial, wish("let print say"), false, &[broken, &fine]);
    let after = came.change.files[0].after.as_deref().expect("a text");
    assert_eq!(after, "/// Prints.\nfn print() { say() }\n");
    assert!(
        asked[1].contains("src/print.rs:2 would be a syntax error"),
        "{asked:?}"
    );
    assert_eq!(came.troubles, [] as [&str; 0]);
    // If it stays, it is shown with the complaint.
    let (came, asked) = play_asked(&trial, wish("let print say"), false, &[broken, broken]);
    assert!(!came.change.is_empty() && asked.len() == 2);
    let told = notes(&came.events);
    assert!(
        told.contains("beware: src/print.rs:2 would be a syntax error"),
        "{told}"
    );
}

#[test]
fn files_of_a_repository_within_are_not_offered() {
    let trial = trial();
    trial.put("vendor/lib/.git", "gitdir: elsewhere\n");
    trial.put("vendor/lib/walk.rs", "fn walk() {}\n");
    let named = Patch {
        files: vec![RepoPath::new("vendor/lib/walk.rs").expect("good path")],
        ..wish("walk")
    };
    let mut engine = ScriptedEngine::saying(&["*** end"]);
    let (answer, _) = trial.run(&Request::Patch(named), &mut engine);
    let failure = answer.expect_err("nothing may be changed");
    assert!(
        failure.to_string().contains("a repository of its own"),
        "{failure}"
    );
    assert!(engine.asked().is_empty(), "no model runs for it");
}

#[test]
fn a_preview_is_what_a_model_that_rewrites_is_sent() {
    let trial = trial();
    let request = Request::Patch(wish("let print say"));
    let mut engine = ScriptedEngine::saying(&["*** end"]).rewriting();
    let prompts = Prompts::load(None).expect("the embedded prompts");
    let reader = crate::jobs::Reader {
        count: &crate::base::count::RoughCount,
        context: engine.facts().context,
        rewrites: true,
    };
    let (repo, index) = (&trial.repo, &trial.index);
    let seen = crate::jobs::preview(&request, repo, index, &trial.settings, &prompts, reader)
        .expect("a preview");
    let _ = trial.run(&request, &mut engine);
    assert_eq!(seen.messages, engine.asked()[0].messages);
    assert!(
        seen.messages[1]
            .content
            .contains("the whole definition anew")
    );
}

#[test]
fn files_that_are_named_are_the_only_ones_and_may_be_new() {
    let trial = trial();
    let named = |path: &str| Patch {
        files: vec![RepoPath::new(path).expect("good path")],
        // Other files are found for it, which may not be changed.
        ..wish("print a walk")
    };
    let says = ["*** create src/new.rs\n<<<<<<<\nfn greet() {}\n>>>>>>>\n*** end"];
    let (came, _) = play_asked(&trial, named("src/new.rs"), true, &says);
    assert_eq!(came.change.files[0].path.as_str(), "src/new.rs");
    // Another name is not taken, and no model is asked where nothing can be.
    let mut engine = ScriptedEngine::saying(&says).rewriting();
    let (answer, _) = trial.run(&Request::Patch(named("target/out.rs")), &mut engine);
    let failure = answer.expect_err("nothing may be changed");
    assert!(
        failure.to_string().contains("no file that may be changed"),
        "{failure}"
    );
    assert!(engine.asked().is_empty());
}
