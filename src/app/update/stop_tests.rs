//! Tests of Esc, Ctrl-C and the end.

use super::*;
use crate::app::sample::*;
use crate::app::{EngineEvent, Event, Options, PullEvent, Signal};

#[test]
fn esc_stops_the_job_at_once_and_the_next_esc_clears_the_composer() {
    let mut desk = Harness::ready();
    let generation = desk.ask("why?");
    desk.token(generation, "half");
    desk.event(Event::Paste("next".to_owned()));
    let out = desk.press("esc");
    assert!(has!(out, Command::Cancel { generation: g } if *g == generation));
    assert_eq!(desk.answer().phase, Phase::Stopped);
    assert_eq!(desk.text(), "next");
    assert!(desk.press("esc").is_empty(), "it is not cancelled twice");
    assert_eq!(desk.text(), "");
    assert_eq!(desk.answer().text, "half");
}

#[test]
fn esc_takes_back_what_waits_and_what_was_typed_last_can_be_sent_again() {
    for text in ["two", "/patch fix it", "/review HEAD", "/message"] {
        let mut desk = Harness::ready();
        let first = desk.ask("one");
        desk.send(text);
        desk.press("esc");
        assert!(desk.state.queue.is_empty());
        assert_eq!(desk.text(), text);
        let withdrawn = |b: &super::super::Block| matches!(&b.body, Body::User(turn) if turn.sent == Sent::Withdrawn);
        assert_eq!(desk.state.blocks.iter().filter(|b| withdrawn(b)).count(), 1);
        assert!(started(&desk.done(first, asked("one", ""))).is_none());
    }
}

#[test]
fn what_is_typed_is_not_written_over_by_what_is_taken_back() {
    let mut desk = Harness::ready();
    desk.ask("one");
    desk.send("two");
    desk.event(Event::Paste("three".to_owned()));
    desk.press("esc");
    assert_eq!(desk.text(), "three");
}

#[test]
fn esc_closes_one_thing_at_a_time() {
    let mut desk = Harness::ready();
    desk.exchange("why?", "so");
    desk.measure();
    desk.press("ctrl-o");
    assert_eq!(desk.state.focus, Focus::Panel);
    desk.press("f1");
    desk.press("esc");
    assert!(desk.state.overlay.is_none() && desk.state.panel.is_some());
    desk.press("esc");
    assert!(desk.state.panel.is_none());
    assert_eq!(desk.state.focus, Focus::Composer);
    desk.press("[");
    assert!(desk.state.cursor.is_some());
    desk.press("esc");
    assert!(desk.state.cursor.is_none());
    assert!(desk.state.is_quiet());
}

#[test]
fn an_overlay_takes_esc_before_the_job() {
    let mut desk = Harness::ready();
    desk.ask("why?");
    desk.press("f1");
    assert!(!has!(desk.press("esc"), Command::Cancel { .. }));
    assert!(has!(desk.press("esc"), Command::Cancel { .. }));
}

#[test]
fn ctrl_c_once_stops_and_twice_ends() {
    let mut desk = Harness::ready();
    let generation = desk.ask("why?");
    let out = desk.press("ctrl-c");
    assert!(has!(out, Command::Cancel { generation: g } if *g == generation));
    assert!(!desk.state.quitting);
    assert_eq!(desk.toast(), "stopped; Ctrl-C once more ends");
    assert!(has!(desk.press("ctrl-c"), Command::Quit));
    assert!(desk.state.quitting);
}

#[test]
fn ctrl_c_clears_what_is_typed_and_needs_the_second_soon() {
    let mut desk = Harness::ready();
    desk.type_text("@wa");
    desk.press("ctrl-c");
    assert_eq!(desk.text(), "");
    assert!(desk.state.completion.is_none());
    desk.wait(super::super::QUIT_MS);
    desk.press("ctrl-c");
    assert!(!desk.state.quitting, "too late");
    desk.type_text("x");
    assert_eq!(desk.toast(), "", "another key says that it goes on");
    desk.press("ctrl-c");
    assert!(!desk.state.quitting);
    desk.event(Event::Signal(Signal::Interrupt));
    assert!(desk.state.quitting);
}

#[test]
fn the_clock_is_wanted_while_ctrl_c_is_armed() {
    let mut desk = Harness::ready();
    assert_eq!(desk.state.next_tick(), None);
    desk.press("ctrl-c");
    assert_eq!(
        desk.state.next_tick(),
        Some(desk.now + super::super::QUIT_MS)
    );
    desk.wait(super::super::QUIT_MS);
    assert_eq!(desk.state.next_tick(), None);
    assert_eq!(desk.toast(), "");
}

#[test]
fn the_end_is_asked_for_while_something_would_be_lost() {
    let mut desk = Harness::ready();
    let generation = desk.ask("why?");
    desk.press("ctrl-d");
    assert!(!desk.state.quitting);
    desk.press("n");
    assert!(desk.state.overlay.is_none());
    desk.send("/quit");
    let out = desk.press("y");
    assert!(has!(out, Command::Cancel { generation: g } if *g == generation));
    assert!(has!(out, Command::Quit));
}

#[test]
fn a_signal_ends_at_once_and_leaves_nothing_running() {
    for signal in [Signal::Terminate, Signal::Hangup] {
        let mut desk = Harness::ready_with(Options {
            check: Some("cargo check".to_owned()),
            ..Options::default()
        });
        desk.planned();
        desk.press("c");
        desk.send("/model small");
        desk.ask("why?");
        let out = desk.event(Event::Signal(signal));
        assert!(has!(out, Command::Cancel { .. }));
        assert!(has!(out, Command::CancelPull));
        assert!(has!(out, Command::CancelCheck));
        assert!(has!(out, Command::Quit));
    }
    let mut desk = Harness::ready();
    assert!(has!(
        desk.event(Event::Signal(Signal::Continue)),
        Command::Redraw
    ));
}

#[test]
fn esc_stops_loading_and_what_comes_late_is_passed_over() {
    let mut desk = Harness::fresh(Options::default());
    let loading = |fraction| {
        Event::Engine(EngineEvent::Loading {
            name: "starter".to_owned(),
            memory: 10,
            fraction,
        })
    };
    desk.event(loading(0.0));
    assert!(has!(desk.press("esc"), Command::CancelLoad));
    desk.event(loading(0.5));
    assert!(matches!(desk.state.engine, EngineState::Failed { .. }));
}

#[test]
fn esc_stops_a_download_and_keeps_what_is_here() {
    let mut desk = Harness::ready();
    desk.send("/model small");
    let block = desk.state.pulling.expect("it runs");
    assert!(has!(desk.press("esc"), Command::CancelPull));
    assert!(desk.state.pulling.is_none());
    desk.event(Event::Pull(PullEvent::Failed {
        name: "small".to_owned(),
        failure: crate::base::Failure::interrupted(),
    }));
    assert!(matches!(&desk.state.block(block).expect("stays").body,
        Body::Download(download) if download.end == DownloadEnd::Stopped));
    assert!(desk.errors().is_empty());
}

#[test]
fn esc_stops_a_check() {
    let mut desk = Harness::ready_with(Options {
        check: Some("cargo check".to_owned()),
        ..Options::default()
    });
    desk.planned();
    assert!(has!(desk.press("c"), Command::RunCheck { .. }));
    assert!(has!(desk.press("esc"), Command::CancelCheck));
    assert!(desk.state.checking.is_none());
}

#[test]
fn a_remark_gives_the_draft_back_when_it_is_left() {
    for key in ["esc", "ctrl-c"] {
        let mut desk = Harness::ready();
        desk.event(Event::Paste("a draft".to_owned()));
        let draft = desk.state.composer.text().to_owned();
        desk.press("ctrl-u");
        let patch = desk.planned();
        desk.event(Event::Paste(draft));
        desk.state.focus = Focus::Patch(patch);
        desk.press("R");
        assert_eq!(desk.text(), "", "the remark begins empty");
        desk.type_text("no");
        desk.press(key);
        assert_eq!(desk.state.composing, Composing::Request);
        assert_eq!(desk.text(), "a draft");
    }
}
