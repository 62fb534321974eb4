//! Tests of working through findings.

use super::*;
use crate::app::Event as Happened;
use crate::app::sample::*;
use crate::base::Failure;
use crate::jobs::{Answer, Event, Request, Severity};

#[test]
fn findings_stream_in_and_the_worst_come_first_in_the_end() {
    let mut harness = Harness::ready();
    let (generation, _) = started(&harness.send("/review")).expect("a job");
    harness.job(
        generation,
        Event::Progress {
            done: 1,
            total: 4,
            path: Some(path("src/walk.rs")),
            range: None,
        },
    );
    harness.job(generation, Event::Finding(a_finding("src/walk.rs", 12)));
    let mut bad = a_finding("src/lib.rs", 3);
    bad.severity = Severity::Error;
    harness.job(generation, Event::Finding(bad.clone()));
    let id = harness.state.job.as_ref().expect("it runs").block;
    assert_eq!(harness.review(id).progress, (1, 4));
    assert_eq!(harness.review(id).findings.len(), 2);
    // One can work through them while it runs; what was done stays.
    harness.press("f6");
    assert_eq!(harness.state.focus, Focus::Review(id));
    harness.press("enter d");
    harness.done(
        generation,
        Answer::Review {
            findings: vec![a_finding("src/walk.rs", 12), bad],
            unread: vec![(path("big.rs"), "too large".to_owned())],
            stopped: false,
            failed: None,
        },
    );
    let review = harness.review(id);
    assert_eq!(review.phase, Phase::Done);
    let lines: Vec<(u32, bool)> = review
        .findings
        .iter()
        .map(|f| (f.finding.line, f.dismissed))
        .collect();
    assert_eq!(lines, [(3, false), (12, true)]);
    assert_eq!(review.cursor, 0, "the cursor stays on its finding");
    assert_eq!(review.unread.len(), 1);
}

#[test]
fn how_long_it_takes_is_told_by_the_pieces_done() {
    let mut harness = Harness::ready();
    let (generation, _) = started(&harness.send("/review")).expect("a job");
    let id = harness.state.job.as_ref().expect("it runs").block;
    let progress = |done| Event::Progress {
        done,
        total: 5,
        path: None,
        range: None,
    };
    assert_eq!(harness.review(id).left_s(harness.now), None);
    harness.job(generation, progress(1));
    harness.wait(10_000);
    harness.job(generation, progress(2));
    // The first piece took no time here, the second ten seconds, and three are left.
    let left = harness
        .review(id)
        .left_s(harness.now)
        .expect("it can be told");
    assert!((left - 30.0).abs() < 1.0, "{left}");
    harness.press("esc");
    assert_eq!(harness.review(id).left_s(harness.now), None);
}

#[test]
fn the_end_gives_the_review_the_keys() {
    let mut harness = Harness::ready();
    let id = harness.reviewed();
    assert_eq!(harness.state.focus, Focus::Review(id));
}

#[test]
fn an_opened_finding_asks_for_its_code_once() {
    let mut harness = Harness::ready();
    let id = harness.reviewed();
    let out = harness.press("enter");
    let range = harness.review(id).findings[0].code_range();
    assert_eq!((range.start(), range.end()), (8, 16));
    assert!(
        has!(out, Command::Io(IoCommand::ReadCode { path, range: r }) if *r == range && path.as_str() == "src/walk.rs")
    );
    assert!(harness.review(id).findings[0].open);
    harness.event(Happened::Code {
        path: path("src/walk.rs"),
        range,
        result: Ok("code".to_owned()),
    });
    harness.press("enter");
    assert!(!harness.review(id).findings[0].open);
    let out = harness.press("enter");
    assert!(
        !has!(out, Command::Io(IoCommand::ReadCode { .. })),
        "it is known"
    );
}

#[test]
fn dismissing_goes_on_and_can_be_taken_back() {
    let mut harness = Harness::ready();
    let id = harness.reviewed();
    harness.press("enter d");
    let review = harness.review(id);
    assert!(review.findings[0].dismissed && !review.findings[0].open);
    assert_eq!(review.cursor, 1);
    harness.press("up d");
    assert!(!harness.review(id).findings[0].dismissed);
    harness.press("down down down");
    assert_eq!(harness.review(id).cursor, 1);
}

#[test]
fn fix_asks_for_a_patch_of_these_lines() {
    let mut harness = Harness::ready();
    harness.reviewed();
    let (_, request) = started(&harness.press("f")).expect("a job");
    let Request::Patch(patch) = request else {
        panic!("no patch")
    };
    assert_eq!(
        patch.request,
        "Fix this in @src/walk.rs:2-22: wrong in src/walk.rs. since it is. \
         The line reads: `line 12 of src/walk.rs`"
    );
    assert_eq!(harness.state.focus, Focus::Composer);
}

#[test]
fn asking_about_it_begins_a_question_and_keeps_what_is_typed() {
    let mut harness = Harness::ready();
    let id = harness.reviewed();
    harness.press("a");
    assert_eq!(harness.text(), "@src/walk.rs:2-22 “wrong in src/walk.rs”: ");
    assert_eq!(harness.state.focus, Focus::Composer);
    harness.press("ctrl-u");
    harness.event(Happened::Paste("is it?".to_owned()));
    harness.state.focus = Focus::Review(id);
    harness.press("a");
    assert_eq!(
        harness.text(),
        "@src/walk.rs:2-22 “wrong in src/walk.rs”: is it?"
    );
}

#[test]
fn the_report_holds_what_stands() {
    let mut harness = Harness::ready();
    harness.reviewed();
    harness.press("d");
    let out = harness.press("w");
    let report = out.iter().find_map(|command| match command {
        Command::Io(IoCommand::WriteReport(text)) => Some(text.clone()),
        _ => None,
    });
    insta::assert_snapshot!(report.expect("a report"));
    harness.event(Happened::Written(Ok("review.md".to_owned())));
    assert_eq!(harness.notes(), ["written to review.md"]);
}

#[test]
fn a_report_waits_for_the_end_whatever_end_it_is() {
    let mut harness = Harness::ready();
    let (generation, _) = started(&harness.send("/review")).expect("a job");
    harness.job(generation, Event::Finding(a_finding("src/walk.rs", 12)));
    harness.press("f6");
    assert!(harness.press("w").is_empty());
    assert!(harness.toast().contains("not ended yet"));
    harness.event(Happened::JobDone {
        generation,
        result: Err(Failure::model("it broke")),
    });
    assert!(
        has!(harness.press("w"), Command::Io(IoCommand::WriteReport(text))
        if text.contains("ended with an error") && text.contains("src/walk.rs:12"))
    );
}

#[test]
fn a_finding_is_copied_and_opened_where_it_stands() {
    let mut harness = Harness::ready();
    harness.reviewed();
    assert!(
        copy_of(&harness.press("y"))
            .is_some_and(|text| text.starts_with("**warning** `src/walk.rs:12`"))
    );
    assert!(has!(
        harness.press("e"),
        Command::OpenEditor {
            purpose: EditorPurpose::Look,
            editable: Editable::File { line: 12, .. },
        }
    ));
}

#[test]
fn a_quote_with_fences_stays_within_its_own() {
    let mut finding = a_finding("a.md", 1);
    finding.quote = "```rust".to_owned();
    assert!(entry(&finding).contains("````\n```rust\n````"));
}

#[test]
fn nothing_found_is_a_report_too() {
    let mut harness = Harness::ready();
    let (generation, _) = started(&harness.send("/review unstaged")).expect("a job");
    let id = harness.state.job.as_ref().expect("it runs").block;
    harness.done(
        generation,
        Answer::Review {
            findings: Vec::new(),
            unread: vec![(path("big.rs"), "too large".to_owned())],
            stopped: true,
            failed: None,
        },
    );
    assert_eq!(
        harness.state.focus,
        Focus::Composer,
        "there is nothing to work through"
    );
    let report = report(harness.review(id));
    assert!(report.contains("Nothing was found.") && report.contains("`big.rs`: too large"));
    assert!(report.contains("stopped before its end"));
    harness.state.focus = Focus::Review(id);
    for key in ["enter", "f", "d", "a", "e", "y", "up", "down"] {
        assert!(harness.press(key).is_empty(), "{key} on nothing");
        harness.state.focus = Focus::Review(id);
    }
}

#[test]
fn what_is_put_away_stays_so_and_comes_back() {
    let mut harness = Harness::ready();
    let (generation, _) = started(&harness.send("/review")).expect("a job");
    harness.job(generation, Event::Finding(a_finding("src/walk.rs", 12)));
    harness.press("f6");
    let aside = |out: &[Command]| {
        out.iter().find_map(|command| match command {
            Command::Io(IoCommand::Dismiss { finding, aside }) => Some((finding.line, *aside)),
            _ => None,
        })
    };
    assert_eq!(aside(&harness.press("d")), Some((12, true)));
    assert_eq!(aside(&harness.press("d")), Some((12, false)));
}

#[test]
fn what_is_said_of_a_whole_file_is_not_given_to_a_model() {
    let mut harness = Harness::ready();
    let (generation, _) = started(&harness.send("/review")).expect("a job");
    let finding = a_finding("big.bin", 0);
    assert_eq!(finding.place(), "big.bin");
    harness.job(generation, Event::Finding(finding.clone()));
    harness.done(
        generation,
        Answer::Review {
            findings: vec![finding],
            unread: Vec::new(),
            stopped: false,
            failed: None,
        },
    );
    assert!(matches!(harness.state.focus, Focus::Review(_)));
    assert!(harness.press("f").is_empty());
    assert!(harness.state.toast.is_some());
}

#[test]
fn a_fix_that_came_with_a_finding_is_decided_on_without_a_model() {
    let mut harness = Harness::ready();
    let (generation, _) = started(&harness.send("/review")).expect("a job");
    let mut finding = a_finding("src/walk.rs", 12);
    finding.suggestion = Some("better\n".to_owned());
    harness.job(generation, Event::Finding(finding.clone()));
    harness.done(
        generation,
        Answer::Review {
            findings: vec![finding.clone()],
            unread: Vec::new(),
            stopped: false,
            failed: None,
        },
    );
    if !matches!(harness.state.focus, Focus::Review(_)) {
        harness.press("f6");
    }
    let out = harness.press("f");
    assert!(has!(out, Command::Io(IoCommand::Suggest(asked)) if **asked == finding));
    let change = a_change();
    harness.event(Happened::Suggested {
        finding: Box::new(finding.clone()),
        change: Some(change.clone()),
    });
    let Focus::Patch(id) = harness.state.focus else {
        panic!("{:?}", harness.state.focus);
    };
    assert_eq!(harness.patch(id).change, change);
    // The line reads otherwise by now: the model is asked.
    let out = harness.event(Happened::Suggested {
        finding: Box::new(finding),
        change: None,
    });
    let (_, request) = started(&out).expect("a job");
    assert!(matches!(request, Request::Patch(_)));
}
