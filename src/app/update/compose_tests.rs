//! Tests of typing: history, popup, pastes, vim keys among the others.

use super::*;
use crate::app::editing::vim::Mode;
use crate::app::sample::*;
use crate::app::{Event, Options};

fn with_history() -> Harness {
    Harness::ready_with(Options {
        history: ["first", "second\nline", "third"]
            .map(str::to_owned)
            .to_vec(),
        ..Options::default()
    })
}

#[test]
fn all_three_keys_make_a_new_line() {
    let mut harness = Harness::ready();
    harness.type_text("a");
    harness.press("shift-enter alt-enter ctrl-j");
    harness.type_text("b");
    assert_eq!(harness.text(), "a\n\n\nb");
    assert!(harness.state.job.is_none());
}

#[test]
fn up_on_the_first_line_recalls_and_the_draft_comes_back() {
    let mut harness = with_history();
    harness.type_text("draft");
    harness.press("up");
    assert_eq!(harness.text(), "third");
    // An entry of two lines is walked through line by line.
    harness.press("up");
    assert_eq!(harness.text(), "second\nline");
    harness.press("up");
    assert_eq!(harness.text(), "second\nline");
    harness.press("up");
    assert_eq!(harness.text(), "first");
    harness.press("up");
    assert_eq!(harness.text(), "first", "at the oldest it stays");
    harness.press("down");
    assert_eq!(harness.text(), "second\nline");
    harness.press("down down");
    assert_eq!(harness.text(), "draft");
    harness.press("down");
    assert_eq!(harness.text(), "draft");
}

#[test]
fn within_a_draft_of_lines_up_moves_before_it_recalls() {
    let mut harness = with_history();
    harness.event(Event::Paste("one\ntwo".to_owned()));
    harness.press("up");
    assert_eq!(harness.text(), "one\ntwo");
    harness.press("up");
    assert_eq!(harness.text(), "third");
    harness.press("down");
    assert_eq!(harness.text(), "one\ntwo");
}

#[test]
fn what_is_recalled_and_changed_is_a_draft_of_its_own() {
    let mut harness = with_history();
    harness.press("up");
    harness.type_text("!");
    harness.press("up");
    assert_eq!(harness.text(), "third");
    harness.press("down");
    assert_eq!(harness.text(), "third!");
}

#[test]
fn what_is_sent_is_recalled_first() {
    let mut harness = with_history();
    harness.send("fourth");
    harness.press("up");
    assert_eq!(harness.text(), "fourth");
}

#[test]
fn the_history_is_searched_by_words() {
    let mut harness = with_history();
    harness.type_text("ir");
    harness.press("ctrl-r");
    let shown = |harness: &Harness| match &harness.state.overlay {
        Some(Overlay::History(picker)) => picker.rows().cloned().collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(shown(&harness), ["third", "first"]);
    harness.type_text("s");
    assert_eq!(shown(&harness), ["first"]);
    harness.press("backspace down enter");
    assert_eq!(harness.text(), "first");
    assert!(harness.state.overlay.is_none());
    // The walk begins anew from what was taken.
    harness.press("up");
    assert_eq!(harness.text(), "third");
    harness.press("down");
    assert_eq!(harness.text(), "first");
}

#[test]
fn leaving_the_search_leaves_the_text() {
    let mut harness = with_history();
    harness.type_text("mine");
    harness.press("ctrl-r esc");
    assert_eq!(harness.text(), "mine");
}

#[test]
fn a_paste_opens_no_popup_and_goes_into_the_composer_from_anywhere() {
    let mut harness = Harness::ready();
    let patch = harness.planned();
    assert_eq!(harness.state.focus, Focus::Patch(patch));
    harness.event(Event::Paste("@wa\u{1b}[1m\r\n".to_owned()));
    assert_eq!(harness.text(), "@wa\n");
    assert_eq!(harness.state.focus, Focus::Composer);
    assert!(harness.state.completion.is_none());
}

#[test]
fn a_paste_answers_no_question_and_goes_into_a_filter() {
    let mut harness = Harness::ready();
    harness.ask("why?");
    harness.press("ctrl-d");
    assert!(matches!(
        harness.state.overlay,
        Some(Overlay::Confirm { .. })
    ));
    harness.event(Event::Paste("y\n".to_owned()));
    assert!(!harness.state.quitting);
    harness.press("esc");
    harness.send("/models");
    harness.event(Event::Paste("sma\nll".to_owned()));
    match &harness.state.overlay {
        Some(Overlay::Models(picker)) => assert_eq!(picker.list.filter, "sma ll"),
        other => panic!("{other:?}"),
    }
    assert_eq!(harness.text(), "");
}

#[test]
fn the_editor_gets_the_text_and_the_line_and_gives_it_back() {
    let mut harness = Harness::ready();
    harness.event(Event::Paste("one\ntwo".to_owned()));
    let out = harness.press("ctrl-g");
    assert!(has!(out, Command::OpenEditor {
        purpose: EditorPurpose::Composer,
        editable: Editable::Text { text, line: 2, .. },
    } if text == "one\ntwo"));
    let done = |text: Option<&str>| Event::EditorDone {
        purpose: EditorPurpose::Composer,
        result: Ok(text.map(str::to_owned)),
    };
    harness.event(done(None));
    assert_eq!(harness.text(), "one\ntwo");
    harness.event(done(Some("three\n")));
    assert_eq!(harness.text(), "three");
}

#[test]
fn home_and_end_belong_to_the_text_where_there_is_some() {
    let mut harness = Harness::ready();
    for n in 0..4 {
        harness.exchange(&format!("question {n}"), "answer");
    }
    harness.measure();
    harness.press("home");
    assert_ne!(harness.state.scroll, super::super::super::Scroll::Bottom);
    harness.press("end");
    assert_eq!(harness.state.scroll, super::super::super::Scroll::Bottom);
    harness.type_text("ab");
    harness.press("home");
    assert_eq!(harness.state.composer.cursor(), 0);
    assert_eq!(harness.state.scroll, super::super::super::Scroll::Bottom);
    harness.press("end");
    assert_eq!(harness.state.composer.cursor(), 2);
}

#[test]
fn ctrl_d_deletes_where_something_is_typed() {
    let mut harness = Harness::ready();
    harness.type_text("ab");
    harness.press("home ctrl-d");
    assert_eq!(harness.text(), "b");
    harness.press("ctrl-d");
    assert!(!harness.state.quitting);
    harness.press("ctrl-d");
    assert!(harness.state.quitting);
}

fn vim() -> Harness {
    Harness::ready_with(Options {
        vim: true,
        history: vec!["before".to_owned()],
        ..Options::default()
    })
}

#[test]
fn vim_takes_letters_and_leaves_the_other_keys() {
    let mut harness = vim();
    harness.type_text("one two");
    harness.press("esc");
    assert_eq!(harness.state.composer.mode(), Some(Mode::Normal));
    harness.type_text("bdw");
    assert_eq!(harness.text(), "one ");
    harness.type_text("k");
    assert_eq!(harness.text(), "before");
    harness.type_text("j");
    assert_eq!(harness.text(), "one ");
    assert!(started(&harness.press("enter")).is_some());
    assert_eq!(harness.state.composer.mode(), Some(Mode::Insert));
}

#[test]
fn esc_stops_what_runs_before_it_is_vims() {
    let mut harness = vim();
    harness.ask("why?");
    harness.type_text("next");
    let out = harness.press("esc");
    assert!(has!(out, Command::Cancel { .. }));
    assert_eq!(harness.state.composer.mode(), Some(Mode::Insert));
    harness.press("esc");
    assert_eq!(harness.state.composer.mode(), Some(Mode::Normal));
    harness.press("esc");
    assert_eq!(harness.text(), "next");
}

#[test]
fn vim_tells_what_it_does_not_know_and_selects_rows() {
    let mut harness = vim();
    harness.type_text("one");
    harness.press("ctrl-j");
    harness.type_text("two");
    harness.press("esc");
    harness.type_text("Q");
    assert_eq!(harness.toast(), "Q has no meaning here");
    // What vim ends with Enter is not sent, and says what there is instead.
    harness.type_text(":wq");
    assert_eq!(harness.state.composer.pending(), ":wq");
    harness.press("enter");
    assert!(harness.toast().starts_with(":wq: there is no command line"));
    assert_eq!(harness.text(), "one\ntwo");
    harness.type_text("ggVj");
    assert_eq!(harness.state.composer.selected(), Some(0..7));
    // On the last row a selection does not lead into the history.
    harness.type_text("j");
    assert_eq!(harness.text(), "one\ntwo");
    harness.press("esc");
    assert_eq!(harness.state.composer.mode(), Some(Mode::Normal));
}

#[test]
fn keys_that_come_back_from_a_patch_are_vims_too() {
    let mut harness = vim();
    harness.type_text("one");
    harness.press("esc");
    harness.send("/patch fix it");
    let generation = harness.state.job.as_ref().expect("a job").generation;
    harness.press("esc");
    harness.type_text("x");
    harness.done(generation, patched(a_change()));
    let patch = harness.last_patch();
    harness.state.focus = Focus::Patch(patch);
    harness.press("esc");
    harness.type_text("ione");
    harness.press("esc");
    harness.state.focus = Focus::Patch(patch);
    harness.type_text("ix");
    assert_eq!(harness.state.focus, Focus::Composer);
    assert_eq!(harness.state.composer.mode(), Some(Mode::Normal));
    assert_eq!(harness.text(), "xion");
}

#[test]
fn a_key_without_a_meaning_in_a_place_types_nothing_and_says_so() {
    let mut harness = Harness::ready();
    let patch = harness.planned();
    let said = "X has no meaning here · Tab or i to write";
    for focus in [Focus::Patch(patch), Focus::Transcript] {
        harness.state.focus = focus;
        harness.state.cursor = Some(crate::app::Cursor {
            block: patch,
            code: None,
        });
        harness.state.toast = None;
        harness.press("X");
        assert_eq!((harness.toast(), harness.state.focus), (said, focus));
        assert_eq!(harness.text(), "");
        harness.press("i");
        assert_eq!(harness.state.focus, Focus::Composer, "{focus:?}");
        assert_eq!(harness.text(), "");
    }
    // Where one types everything is typed.
    harness.type_text("X");
    assert_eq!(harness.text(), "X");
}

#[test]
fn a_change_of_the_same_length_ends_the_walk_too() {
    let mut harness = vim();
    harness.press("esc");
    harness.type_text("k0rX");
    assert_eq!(harness.text(), "Xefore");
    harness.type_text("k");
    assert_eq!(harness.text(), "before");
    harness.type_text("j");
    assert_eq!(harness.text(), "Xefore");
}

#[test]
fn tab_goes_to_the_patch_that_is_open() {
    let mut harness = Harness::ready();
    harness.exchange("why?", "so");
    let patch = harness.planned();
    harness.press("esc");
    assert_eq!(harness.state.focus, Focus::Composer);
    harness.press("tab");
    assert_eq!(harness.state.focus, Focus::Patch(patch));
}
