//! Tests of checking a patch.

use super::*;
use crate::app::sample::*;
use crate::app::{Event, Focus, Options};
use crate::jobs::Request;

fn checking() -> Harness {
    Harness::ready_with(Options {
        check: Some("cargo check".to_owned()),
        ..Options::default()
    })
}

fn passed() -> Checked {
    Checked {
        command: "cargo check".to_owned(),
        verdict: Verdict::Passed,
        status: "exit status: 0".to_owned(),
        before: None,
        seconds: 6.0,
        output: String::new(),
        notes: Vec::new(),
    }
}

#[test]
fn a_check_is_made_of_what_is_not_rejected() {
    let mut harness = checking();
    let id = harness.planned();
    harness.press("r");
    let out = harness.press("c");
    let change = out.iter().find_map(|command| match command {
        Command::RunCheck {
            change,
            applied: false,
            ..
        } => Some(change),
        _ => None,
    });
    assert_eq!(change.expect("a check").files.len(), 1);
    assert!(matches!(harness.patch(id).check, Check::Running { .. }));
    assert!(harness.press("c").is_empty(), "one at a time");
    harness.event(Event::Focus(false));
    harness.wait(20_000);
    let report = passed();
    let out = harness.event(Event::Checked {
        block: id,
        result: Ok(report.clone()),
    });
    assert!(has!(out, Command::Notify(said) if said == "homebody: the check passed"));
    assert_eq!(harness.patch(id).check, Check::Done(report.clone()));
    assert!(harness.state.checking.is_none());
    // What was found stays with what is written.
    harness.press("A enter");
    written(&mut harness, id, &["src/walk.rs"]);
    assert_eq!(harness.patch(id).check, Check::Done(report));
}

#[test]
fn what_failed_is_asked_for_again_whole_with_what_the_check_said() {
    let mut harness = checking();
    let id = harness.planned();
    harness.press("c");
    let failed = Checked {
        verdict: Verdict::Failed,
        before: Some(false),
        output: "error: in the check".to_owned(),
        ..passed()
    };
    harness.event(Event::Checked {
        block: id,
        result: Ok(failed),
    });
    harness.press("R");
    let (_, request) = started(&harness.press("enter")).expect("a job");
    let Request::Patch(patch) = request else {
        panic!("{request:?}");
    };
    let (tried, remark) = patch.again.expect("again");
    assert_eq!(tried, harness.patch(id).change.to_unified());
    assert!(remark.contains("`cargo check`"), "{remark}");
    assert!(
        patch
            .piped
            .is_some_and(|said| said.contains("error: in the check"))
    );
    assert!(patch.files.is_empty(), "any file may have to change");
}

#[test]
fn a_check_of_what_is_applied_is_made_in_place() {
    let mut harness = checking();
    let id = harness.planned();
    harness.press("A enter");
    written(&mut harness, id, &["src/lib.rs", "src/walk.rs"]);
    harness.state.focus = Focus::Patch(id);
    assert!(has!(
        harness.press("c"),
        Command::RunCheck { applied: true, .. }
    ));
}

#[test]
fn checks_that_cannot_be_made_say_why() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    assert!(harness.press("c").is_empty());
    assert!(harness.toast().contains("no check command is set"));
    let mut desk2 = checking();
    let id2 = desk2.planned();
    desk2.press("c");
    desk2.event(Event::Checked {
        block: id2,
        result: Err(Failure::environment("cargo is not here")),
    });
    assert!(matches!(desk2.patch(id2).check, Check::Failed(_)));
    desk2.press("c");
    desk2.event(Event::Checked {
        block: id2,
        result: Err(Failure::interrupted()),
    });
    assert_eq!(desk2.patch(id2).check, Check::None);
    assert_eq!(harness.patch(id).check, Check::None);
}
