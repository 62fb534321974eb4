//! Tests of Esc, Ctrl-C and the end.

use super::*;
use crate::app::sample::*;
use crate::app::{EngineEvent, Event, Options, PullEvent, Signal};

#[test]
fn esc_stops_the_job_at_once_and_the_next_esc_clears_the_composer() {
    let mut harness = Harness::ready();
    let generation = harness.ask("why?");
    harness.token(generation, "half");
    harness.event(Event::Paste("next".to_owned()));
    let out = harness.press("esc");
    assert!(has!(out, Command::Cancel { generation: g } if *g == generation));
    assert_eq!(harness.answer().phase, Phase::Stopped);
    assert_eq!(harness.text(), "next");
    assert!(harness.press("esc").is_empty(), "it is not cancelled twice");
    assert_eq!(harness.text(), "");
    assert_eq!(harness.answer().text, "half");
}

#[test]
fn esc_takes_back_what_waits_and_what_was_typed_last_can_be_sent_again() {
    for text in ["two", "/patch fix it", "/review HEAD", "/message"] {
        let mut harness = Harness::ready();
        let first = harness.ask("one");
        harness.send(text);
        harness.press("esc");
        assert!(harness.state.queue.is_empty());
        assert_eq!(harness.text(), text);
        let withdrawn = |b: &super::super::Block| matches!(&b.body, Body::User(turn) if turn.sent == Sent::Withdrawn);
        assert_eq!(
            harness.state.blocks.iter().filter(|b| withdrawn(b)).count(),
            1
        );
        assert!(started(&harness.done(first, asked("one", ""))).is_none());
    }
}

#[test]
fn what_is_typed_is_not_written_over_by_what_is_taken_back() {
    let mut harness = Harness::ready();
    harness.ask("one");
    harness.send("two");
    harness.event(Event::Paste("three".to_owned()));
    harness.press("esc");
    assert_eq!(harness.text(), "three");
}

#[test]
fn esc_closes_one_thing_at_a_time() {
    let mut harness = Harness::ready();
    harness.exchange("why?", "so");
    harness.measure();
    harness.press("ctrl-o");
    assert_eq!(harness.state.focus, Focus::Panel);
    harness.press("f1");
    harness.press("esc");
    assert!(harness.state.overlay.is_none() && harness.state.panel.is_some());
    harness.press("esc");
    assert!(harness.state.panel.is_none());
    assert_eq!(harness.state.focus, Focus::Composer);
    harness.press("[");
    assert!(harness.state.cursor.is_some());
    harness.press("esc");
    assert!(harness.state.cursor.is_none());
    assert!(harness.state.is_quiet());
}

#[test]
fn an_overlay_takes_esc_before_the_job() {
    let mut harness = Harness::ready();
    harness.ask("why?");
    harness.press("f1");
    assert!(!has!(harness.press("esc"), Command::Cancel { .. }));
    assert!(has!(harness.press("esc"), Command::Cancel { .. }));
}

#[test]
fn ctrl_c_once_stops_and_twice_ends() {
    let mut harness = Harness::ready();
    let generation = harness.ask("why?");
    let out = harness.press("ctrl-c");
    assert!(has!(out, Command::Cancel { generation: g } if *g == generation));
    assert!(!harness.state.quitting);
    assert_eq!(harness.toast(), "stopped; Ctrl-C once more ends");
    assert!(has!(harness.press("ctrl-c"), Command::Quit));
    assert!(harness.state.quitting);
}

#[test]
fn ctrl_c_clears_what_is_typed_and_needs_the_second_soon() {
    let mut harness = Harness::ready();
    harness.type_text("@wa");
    harness.press("ctrl-c");
    assert_eq!(harness.text(), "");
    assert!(harness.state.completion.is_none());
    harness.wait(super::super::QUIT_MS);
    harness.press("ctrl-c");
    assert!(!harness.state.quitting, "too late");
    harness.type_text("x");
    assert_eq!(harness.toast(), "", "another key says that it goes on");
    harness.press("ctrl-c");
    assert!(!harness.state.quitting);
    harness.event(Event::Signal(Signal::Interrupt));
    assert!(harness.state.quitting);
}

#[test]
fn the_clock_is_wanted_while_ctrl_c_is_armed() {
    let mut harness = Harness::ready();
    assert_eq!(harness.state.next_tick(), None);
    harness.press("ctrl-c");
    assert_eq!(
        harness.state.next_tick(),
        Some(harness.now + super::super::QUIT_MS)
    );
    harness.wait(super::super::QUIT_MS);
    assert_eq!(harness.state.next_tick(), None);
    assert_eq!(harness.toast(), "");
}

#[test]
fn the_end_is_asked_for_while_something_would_be_lost() {
    let mut harness = Harness::ready();
    let generation = harness.ask("why?");
    harness.press("ctrl-d");
    assert!(!harness.state.quitting);
    harness.press("n");
    assert!(harness.state.overlay.is_none());
    harness.send("/quit");
    let out = harness.press("y");
    assert!(has!(out, Command::Cancel { generation: g } if *g == generation));
    assert!(has!(out, Command::Quit));
}

#[test]
fn a_signal_ends_at_once_and_leaves_nothing_running() {
    for signal in [Signal::Terminate, Signal::Hangup] {
        let mut harness = Harness::ready_with(Options {
            check: Some("cargo check".to_owned()),
            ..Options::default()
        });
        harness.planned();
        harness.press("c");
        harness.fetch("small");
        harness.ask("why?");
        let out = harness.event(Event::Signal(signal));
        assert!(has!(out, Command::Cancel { .. }));
        assert!(has!(out, Command::CancelPull));
        assert!(has!(out, Command::CancelCheck));
        assert!(has!(out, Command::Quit));
    }
    let mut harness = Harness::ready();
    assert!(has!(
        harness.event(Event::Signal(Signal::Continue)),
        Command::Redraw
    ));
}

#[test]
fn esc_stops_loading_and_what_comes_late_is_passed_over() {
    let mut harness = Harness::fresh(Options::default());
    let loading = |fraction| {
        Event::Engine(EngineEvent::Loading {
            name: "starter".to_owned(),
            memory: 10,
            fraction,
        })
    };
    harness.event(loading(0.0));
    assert!(has!(harness.press("esc"), Command::CancelLoad));
    harness.event(loading(0.5));
    assert!(matches!(harness.state.engine, EngineState::Failed { .. }));
}

#[test]
fn esc_stops_a_download_and_keeps_what_is_here() {
    let mut harness = Harness::ready();
    harness.fetch("small");
    let block = harness.state.pulling.expect("it runs");
    assert!(has!(harness.press("esc"), Command::CancelPull));
    assert!(harness.state.pulling.is_none());
    harness.event(Event::Pull(PullEvent::Failed {
        name: "small".to_owned(),
        failure: crate::base::Failure::interrupted(),
    }));
    assert!(matches!(&harness.state.block(block).expect("stays").body,
        Body::Download(download) if download.end == DownloadEnd::Stopped));
    assert!(harness.errors().is_empty());
}

#[test]
fn esc_stops_a_check() {
    let mut harness = Harness::ready_with(Options {
        check: Some("cargo check".to_owned()),
        ..Options::default()
    });
    harness.planned();
    assert!(has!(harness.press("c"), Command::RunCheck { .. }));
    assert!(has!(harness.press("esc"), Command::CancelCheck));
    assert!(harness.state.checking.is_none());
}

#[test]
fn a_remark_gives_the_draft_back_when_it_is_left() {
    for key in ["esc", "ctrl-c"] {
        let mut harness = Harness::ready();
        harness.event(Event::Paste("a draft".to_owned()));
        let draft = harness.state.composer.text().to_owned();
        harness.press("ctrl-u");
        let patch = harness.planned();
        harness.event(Event::Paste(draft));
        harness.state.focus = Focus::Patch(patch);
        harness.press("R");
        assert_eq!(harness.text(), "", "the remark begins empty");
        harness.type_text("no");
        harness.press(key);
        assert_eq!(harness.state.composing, Composing::Request);
        assert_eq!(harness.text(), "a draft");
    }
}

#[test]
fn what_esc_or_ctrl_c_takes_away_is_brought_back_by_up() {
    for away in ["esc", "ctrl-c"] {
        let mut harness = Harness::ready();
        harness.type_text("a long question");
        harness.press(away);
        assert_eq!(harness.text(), "");
        harness.press("up");
        assert_eq!(harness.text(), "a long question", "{away}");
        harness.press("down");
        harness.press("ctrl-_");
        assert_eq!(harness.text(), "a long question", "{away}");
    }
}
