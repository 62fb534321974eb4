//! Reviews of small diffs, written by a script.

use super::super::trial::{Trial, notes};
use super::*;
use crate::base::CancelSource;
use crate::engine::ScriptedEngine;
use crate::engine::scripted::{Line, Play};
use crate::jobs::Request;
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

fn staged() -> Review {
    Review {
        diff: ReviewOf::Repo(DiffSpec::Staged),
        least: Severity::Note,
        max_time_s: 0,
    }
}

struct Came {
    findings: Vec<Finding>,
    unread: Vec<(String, String)>,
    stopped: bool,
    events: Vec<Event>,
}

fn play(trial: &Trial, request: Review, engine: &mut ScriptedEngine) -> Came {
    let (answer, events) = trial.run(&Request::Review(request), engine);
    match answer {
        Ok(Answer::Review {
            findings,
            unread,
            stopped,
        }) => Came {
            findings,
            unread: unread
                .into_iter()
                .map(|(path, reason)| (path.to_string(), reason))
                .collect(),
            stopped,
            events,
        },
        other => panic!("{other:?}"),
    }
}

const FINDING: &str =
    "src/a.rs:2: error: bug: it panics\n>     read().unwrap();\nThe error was passed on before.\n";

fn always(text: &str) -> ScriptedEngine {
    ScriptedEngine::new(vec![Line {
        repeat: true,
        ..Line::text(text)
    }])
}

#[test]
fn findings_are_checked_and_the_rest_is_said() {
    let trial = trial();
    let text = format!("{FINDING}\nsrc/a.rs:2: note: style: made up\n> never_written();\n");
    let came = play(&trial, staged(), &mut always(&text));
    assert_eq!(came.findings.len(), 1, "{:?}", came.findings);
    let finding = &came.findings[0];
    assert_eq!((finding.line, finding.side), (2, DiffKind::Added));
    assert!(finding.verified);
    assert!(came.events.contains(&Event::Finding(finding.clone())));
    assert!(notes(&came.events).contains("dropped"));
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
    let fail = Line::steps(vec![Play::Fail {
        kind: None,
        what: "no".to_owned(),
        hint: None,
    }]);
    let mut lines = vec![Line::text("No findings."), fail];
    lines.push(Line {
        repeat: true,
        ..Line::text("No findings.")
    });
    let mut engine = ScriptedEngine::new(lines);
    let came = play(&trial, staged(), &mut engine);
    assert!(engine.asked().len() > 3, "{}", engine.asked().len());
    assert_eq!(came.unread.len(), 1, "{:?}", came.unread);
    assert!(!came.stopped);
}

#[test]
fn a_cancel_keeps_what_was_found() {
    let mut trial = trial();
    trial.settings.review_skip = vec!["*.md".to_owned()];
    let source = CancelSource::new();
    trial.cancel = source.token();
    let mut engine = ScriptedEngine::new(vec![Line::steps(vec![
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
