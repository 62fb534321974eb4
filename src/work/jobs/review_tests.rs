//! Reviews of small diffs, written by a script.

#[path = "review_rules_tests.rs"]
mod by_rules;

use super::super::trial::{Trial, notes, staged};
use super::*;
use crate::base::CancelSource;
use crate::engine::ScriptedEngine;
use crate::engine::scripted::{Play, ScriptedAnswer};
use crate::jobs::{Request, Severity};
use crate::repo::DiffKind;

fn trial() -> Trial {
    let trial = Trial::new(&[
        ("src/a.rs", "fn a() {\n    read()?;\n}\n"),
        ("docs/guide.md", "Guide.\n"),
        ("Cargo.lock", "one\n"),
    ]);
    trial.put("src/a.rs", "fn a() {\n    read().unwrap();\n}\n");
    trial.put("docs/guide.md", "Guide.\nMore of it.\n");
    trial.put("Cargo.lock", "two\n");
    trial.put("logo.bin", "a\0b");
    trial.git(&["add", "-A"]);
    trial
}

struct Came {
    findings: Vec<Finding>,
    unread: Vec<(String, String)>,
    stopped: bool,
    failed: Option<Failure>,
    events: Vec<Event>,
}

fn play(trial: &Trial, request: Review, engine: &mut ScriptedEngine) -> Came {
    let (answer, events) = trial.run(&Request::Review(request), engine);
    match answer {
        Ok(Answer::Review {
            findings,
            unread,
            stopped,
            failed,
        }) => Came {
            findings,
            unread: unread
                .into_iter()
                .map(|(path, reason)| (path.to_string(), reason))
                .collect(),
            stopped,
            failed,
            events,
        },
        other => panic!("{other:?}"),
    }
}

const FINDING: &str =
    "src/a.rs:2: error: bug: it panics\n>     read().unwrap();\nThe error was passed on before.\n";

fn always(text: &str) -> ScriptedEngine {
    ScriptedEngine::new(vec![ScriptedAnswer {
        repeat: true,
        ..ScriptedAnswer::text(text)
    }])
}

/// An AWS key in its form, which is none.
const KEY: &str = "let k = \"AKIAIOSFODNN7EXAMPLZ\";\n";

fn rules(findings: &[Finding]) -> Vec<&str> {
    let mut rules: Vec<_> = findings
        .iter()
        .filter_map(|finding| finding.rule.as_deref())
        .collect();
    rules.sort_unstable();
    rules
}

#[test]
fn findings_are_checked_and_the_rest_is_said() {
    let trial = trial();
    let made_up = format!("{FINDING}\nsrc/a.rs:1: note: bug: made up\n> never_written();\n");
    let came = play(&trial, staged(), &mut within(&[&made_up, "No findings."]));
    assert!(came.findings.is_empty());
    let (_, why) = &came
        .unread
        .iter()
        .find(|(path, _)| path == "src/a.rs")
        .expect("unread");
    assert!(why.contains("never_written"), "{why}");

    let mut engine = ScriptedEngine::new(vec![
        ScriptedAnswer::text(FINDING),
        ScriptedAnswer {
            repeat: true,
            ..ScriptedAnswer::text("No findings.")
        },
    ]);
    let came = play(&trial, staged(), &mut engine);
    assert_eq!(came.findings.len(), 1, "{:?}", came.findings);
    let finding = &came.findings[0];
    assert_eq!((finding.line, finding.side), (2, DiffKind::Added));
    assert!(finding.verified);
    assert!(came.events.contains(&Event::Finding(finding.clone())));
    for (file, reason) in [("Cargo.lock", "lock"), ("logo.bin", "binary")] {
        assert!(
            came.unread
                .iter()
                .any(|(path, why)| path == file && why.contains(reason)),
            "{:?}",
            came.unread
        );
    }
    assert!(!came.stopped);
    let progress: Vec<_> = came
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Progress { done, total, .. } => Some((*done, *total)),
            _ => None,
        })
        .collect();
    let total = progress.first().expect("progress").1;
    assert_eq!(progress.last(), Some(&(total, total)));
}

#[test]
fn nothing_staged_is_no_error() {
    let trial = Trial::new(&[("a.rs", "fn a() {}\n")]);
    let mut engine = ScriptedEngine::saying(&[]);
    let came = play(&trial, staged(), &mut engine);
    assert!(came.findings.is_empty());
    let said = notes(&came.events);
    assert!(
        said.contains("nothing is staged") && said.contains("--unstaged"),
        "{said}"
    );
    assert!(engine.asked().is_empty());
}

#[test]
fn files_are_skipped_as_configured_and_severity_is_a_floor() {
    let mut trial = trial();
    trial.settings.review_skip = vec!["*.md".to_owned()];
    let came = play(&trial, staged(), &mut always("No findings."));
    assert!(came.unread.iter().any(|(path, _)| path == "docs/guide.md"));
    let text = FINDING.replace("error", "note");
    let strict = Review {
        least: Severity::Warning,
        ..staged()
    };
    assert!(play(&trial, strict, &mut always(&text)).findings.is_empty());
}

#[test]
fn a_diff_that_is_piped_in_needs_no_repository() {
    let trial = Trial::plain(&[]);
    let diff = "--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1,3 +1,3 @@\n fn a() {\n-    read()?;\n+    read().unwrap();\n }\n";
    let request = Review {
        diff: ReviewOf::Given(Diff::parse(diff).expect("a diff")),
        ..staged()
    };
    let came = play(&trial, request, &mut always(FINDING));
    assert_eq!(came.findings.len(), 1);
    let (answer, _) = trial.run(&Request::Review(staged()), &mut always(""));
    let hint = answer.expect_err("no repository");
    assert!(
        hint.next_step()
            .is_some_and(|hint| hint.contains("--stdin"))
    );
}

#[test]
fn a_large_diff_comes_in_pieces_and_a_failure_costs_one() {
    let mut trial = Trial::new(&[]);
    let long: String = (0..120)
        .map(|n| format!("let value_{n} = {n};\n"))
        .collect();
    for name in ["a.rs", "b.rs", "c.rs"] {
        trial.put(name, &long);
    }
    trial.git(&["add", "-A"]);
    trial.reindex();
    trial.settings.budget = 600;
    let fail = ScriptedAnswer::steps(vec![Play::Fail {
        kind: None,
        what: "no".to_owned(),
        hint: None,
    }]);
    let mut lines = vec![ScriptedAnswer::text("No findings."), fail];
    lines.push(ScriptedAnswer {
        repeat: true,
        ..ScriptedAnswer::text("No findings.")
    });
    let mut engine = ScriptedEngine::new(lines);
    let came = play(&trial, staged(), &mut engine);
    assert!(engine.asked().len() > 3, "{}", engine.asked().len());
    assert_eq!(came.unread.len(), 1, "{:?}", came.unread);
    assert!(!came.stopped);
}

#[test]
fn where_no_model_can_be_run_the_rules_have_looked() {
    let trial = Trial::new(&[("a.rs", "fn a() {}\n")]);
    trial.put("b.rs", KEY);
    trial.put("c.rs", "fn c() {}\n");
    trial.git(&["add", "-A"]);
    let fail = ScriptedAnswer {
        repeat: true,
        ..ScriptedAnswer::steps(vec![Play::Fail {
            kind: None,
            what: "no memory".to_owned(),
            hint: None,
        }])
    };
    let came = play(&trial, staged(), &mut ScriptedEngine::new(vec![fail]));
    assert_eq!(rules(&came.findings), ["secret"]);
    let failed = came.failed.expect("none was read");
    assert!(failed.to_string().contains("no memory"), "{failed}");
    assert_eq!(came.unread.len(), 2);
}

#[test]
fn a_cancel_keeps_what_was_found() {
    let mut trial = trial();
    trial.settings.review_skip = vec!["*.md".to_owned()];
    let source = CancelSource::new();
    trial.cancel = source.token();
    let mut engine = ScriptedEngine::new(vec![ScriptedAnswer::steps(vec![
        Play::Text(FINDING.to_owned()),
        Play::WaitMs(60_000),
    ])]);
    let waiter = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(400));
        source.cancel();
    });
    let came = play(&trial, staged(), &mut engine);
    waiter.join().expect("joined");
    assert!(came.stopped);
    assert_eq!(came.findings.len(), 1);
    assert!(came.unread.iter().any(|(_, why)| why == "stopped"));
}

/// The same in the form that the grammar asks for.
const EXACT: &str = "src/a.rs:2: error: bug: it panics\n>     read().unwrap();\n\
                     The error was passed on before.\n";

/// A trial in which findings are looked at again, and kept.
fn looking() -> Trial {
    let mut trial = trial();
    trial.settings.second_look = true;
    trial.settings.reviews = Some(trial.dir.path().join("kept"));
    trial.settings.dismissed = Some(trial.dir.path().join("dismissed.json"));
    trial
}

fn within(says: &[&str]) -> ScriptedEngine {
    ScriptedEngine::saying(says)
}

#[test]
fn what_does_not_stand_a_second_look_is_dropped() {
    for (verdict, severity) in [
        ("with any input\nVerdict: stands", Some(Severity::Error)),
        ("I cannot tell\nVerdict: unsure", Some(Severity::Note)),
        ("read never fails\nVerdict: falls", None),
    ] {
        let mut engine = within(&[EXACT, verdict, "No findings."]);
        let came = play(&looking(), staged(), &mut engine);
        let found = came.findings.first().map(|finding| finding.severity);
        assert_eq!(found, severity, "{verdict}");
        let dropped = notes(&came.events).contains("not having stood a second look");
        assert_eq!(dropped, severity.is_none());
        // Alone: neither the other findings nor the first answer are shown.
        let asked = &engine.asked()[1].messages;
        assert_eq!(asked.len(), 2);
        assert!(
            asked[1]
                .content
                .contains("src/a.rs:2: error: bug: it panics")
        );
        // Both begin alike, so that the diff is read once.
        let first = &engine.asked()[0].messages[1].content;
        let (before, _) = first.split_once("Findings:").expect("the prompt");
        assert!(asked[1].content.starts_with(before));
    }
}

#[test]
fn the_grammar_lets_nothing_be_said_of_lines_that_are_not_there() {
    // The script wants another line than the diff has, and the grammar ends it.
    let wrong = "src/a.rs:7: error: bug: it panics\n> never();\nWhy.\n";
    let came = play(&trial(), staged(), &mut within(&[wrong, "No findings."]));
    assert!(came.findings.is_empty(), "{:?}", came.findings);
}

#[test]
fn what_was_read_before_is_known() {
    let trial = looking();
    let says = [EXACT, "x\nVerdict: stands", "No findings."];
    let first = play(&trial, staged(), &mut within(&says));
    assert_eq!(first.findings.len(), 1);
    let mut engine = within(&[]);
    let second = play(&trial, staged(), &mut engine);
    assert_eq!(second.findings, first.findings);
    assert!(engine.asked().is_empty(), "nothing was asked");
    assert!(notes(&second.events).contains("known from before"));
    // Where one file changes, the others' pieces are known all the same.
    trial.put("docs/guide.md", "Guide.\nMore of it, and more.\n");
    trial.git(&["add", "docs"]);
    let mut engine = within(&["No findings."]);
    let third = play(&trial, staged(), &mut engine);
    assert_eq!(third.findings, first.findings);
    assert_eq!(engine.asked().len(), 1);
    // What is read anew takes the place of what was known.
    let anew = Review {
        anew: true,
        within: Vec::new(),
        rules_only: false,
        ..staged()
    };
    let mut engine = within(&["No findings.", "No findings."]);
    assert!(play(&trial, anew, &mut engine).findings.is_empty());
    assert_eq!(engine.asked().len(), 2);
    let last = play(&trial, staged(), &mut within(&[]));
    assert!(last.findings.is_empty());
    // Without a second look it is another review.
    let mut trial = trial;
    trial.settings.second_look = false;
    let last = play(&trial, staged(), &mut within(&[EXACT, "No findings."]));
    assert_eq!(last.findings.len(), 1);
}

#[test]
fn what_was_put_aside_stays_so_after_lines_have_moved() {
    let mut trial = looking();
    trial.settings.second_look = false;
    trial.settings.reviews = None;
    let first = play(&trial, staged(), &mut within(&[EXACT, "No findings."]));
    let mut aside = Dismissed::default();
    assert!(aside.add(&first.findings[0]));
    let file = trial.settings.dismissed.clone().expect("a file");
    aside.write(&file).expect("written");
    trial.put(
        "src/a.rs",
        "// one more\nfn a() {\n    read().unwrap();\n}\n",
    );
    trial.git(&["add", "src"]);
    let moved = EXACT.replace(":2:", ":3:");
    let came = play(&trial, staged(), &mut within(&[&moved, "No findings."]));
    assert!(came.findings.is_empty(), "{:?}", came.findings);
    assert!(notes(&came.events).contains("put aside"));
    // A broken file is said, and not taken for none.
    std::fs::write(&file, "{").expect("written");
    let (answer, _) = trial.run(&Request::Review(staged()), &mut within(&[]));
    assert!(answer.is_err_and(|failure| failure.what().contains("no file of findings")));
}

#[test]
fn a_word_in_the_code_silences_its_line() {
    let silenced = |comment: &str| {
        let trial = trial();
        trial.put(
            "src/a.rs",
            &format!("fn a() {{\n    read().unwrap(); {comment}\n}}\n"),
        );
        trial.git(&["add", "-A"]);
        let says = EXACT.replace("unwrap();", &format!("unwrap(); {comment}"));
        let came = play(&trial, staged(), &mut within(&[&says, "No findings."]));
        came.findings.is_empty()
    };
    assert!(silenced("// homebody: ignore"));
    assert!(silenced("// homebody: ignore (bug, docs)"));
    assert!(!silenced("// homebody: ignore (security)"));
    assert!(!silenced("// homebody: nothing"));
    assert!(!silenced("// homebody: ignored by nobody"));
}

#[test]
fn new_text_for_a_line_is_a_change() {
    let trial = trial();
    let says = format!("{EXACT}<<<<<<<\n    read()?;\n>>>>>>>\n");
    let came = play(&trial, staged(), &mut within(&[&says, "No findings."]));
    let finding = &came.findings[0];
    assert_eq!(finding.suggestion.as_deref(), Some("    read()?;\n"));
    let change = finding.change(&trial.repo).expect("a change");
    let after = change.files[0].after.as_deref();
    assert_eq!(after, Some("fn a() {\n    read()?;\n}\n"));
    // The line has changed since.
    trial.put("src/a.rs", "fn a() {\n    other();\n}\n");
    assert!(finding.change(&trial.repo).is_none());
    // Small models are not asked for it, and cannot give it.
    let mut small = ScriptedEngine::saying(&[&says, "No findings."]).rewriting();
    let came = play(&self::trial(), staged(), &mut small);
    assert!(came.findings.is_empty());
    assert!(!small.asked()[0].messages[0].content.contains("<<<<<<<"));
}
