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
    let mut desk = Harness::ready();
    desk.type_text("a");
    desk.press("shift-enter alt-enter ctrl-j");
    desk.type_text("b");
    assert_eq!(desk.text(), "a\n\n\nb");
    assert!(desk.state.job.is_none());
}

#[test]
fn up_on_the_first_line_recalls_and_the_draft_comes_back() {
    let mut desk = with_history();
    desk.type_text("draft");
    desk.press("up");
    assert_eq!(desk.text(), "third");
    // An entry of two lines is walked through line by line.
    desk.press("up");
    assert_eq!(desk.text(), "second\nline");
    desk.press("up");
    assert_eq!(desk.text(), "second\nline");
    desk.press("up");
    assert_eq!(desk.text(), "first");
    desk.press("up");
    assert_eq!(desk.text(), "first", "at the oldest it stays");
    desk.press("down");
    assert_eq!(desk.text(), "second\nline");
    desk.press("down down");
    assert_eq!(desk.text(), "draft");
    desk.press("down");
    assert_eq!(desk.text(), "draft");
}

#[test]
fn within_a_draft_of_lines_up_moves_before_it_recalls() {
    let mut desk = with_history();
    desk.event(Event::Paste("one\ntwo".to_owned()));
    desk.press("up");
    assert_eq!(desk.text(), "one\ntwo");
    desk.press("up");
    assert_eq!(desk.text(), "third");
    desk.press("down");
    assert_eq!(desk.text(), "one\ntwo");
}

#[test]
fn what_is_recalled_and_changed_is_a_draft_of_its_own() {
    let mut desk = with_history();
    desk.press("up");
    desk.type_text("!");
    desk.press("up");
    assert_eq!(desk.text(), "third");
    desk.press("down");
    assert_eq!(desk.text(), "third!");
}

#[test]
fn what_is_sent_is_recalled_first() {
    let mut desk = with_history();
    desk.send("fourth");
    desk.press("up");
    assert_eq!(desk.text(), "fourth");
}

#[test]
fn the_history_is_searched_by_words() {
    let mut desk = with_history();
    desk.type_text("ir");
    desk.press("ctrl-r");
    let shown = |desk: &Harness| match &desk.state.overlay {
        Some(Overlay::History(picker)) => picker.rows().cloned().collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(shown(&desk), ["third", "first"]);
    desk.type_text("s");
    assert_eq!(shown(&desk), ["first"]);
    desk.press("backspace down enter");
    assert_eq!(desk.text(), "first");
    assert!(desk.state.overlay.is_none());
    // The walk begins anew from what was taken.
    desk.press("up");
    assert_eq!(desk.text(), "third");
    desk.press("down");
    assert_eq!(desk.text(), "first");
}

#[test]
fn leaving_the_search_leaves_the_text() {
    let mut desk = with_history();
    desk.type_text("mine");
    desk.press("ctrl-r esc");
    assert_eq!(desk.text(), "mine");
}

#[test]
fn the_popup_opens_narrows_and_is_taken_with_tab() {
    let mut desk = Harness::ready();
    desk.type_text("see @");
    let items = |desk: &Harness| desk.state.completion.as_ref().map_or(0, |p| p.items.len());
    assert_eq!(items(&desk), 4);
    desk.type_text("walk");
    assert_eq!(items(&desk), 1);
    desk.press("tab");
    assert_eq!(desk.text(), "see @src/walk.rs ");
    assert!(desk.state.completion.is_none());
    desk.press("ctrl-_");
    assert_eq!(desk.text(), "see @walk");
}

#[test]
fn up_and_down_move_in_the_popup_and_round() {
    let mut desk = with_history();
    desk.type_text("@");
    let cursor = |desk: &Harness| desk.state.completion.as_ref().map(|p| p.cursor);
    desk.press("up");
    assert_eq!(cursor(&desk), Some(3));
    desk.press("down down");
    assert_eq!(cursor(&desk), Some(1));
    assert_eq!(desk.text(), "@");
}

#[test]
fn esc_closes_the_popup_until_the_text_changes() {
    let mut desk = Harness::ready();
    desk.type_text("@wa");
    desk.press("esc");
    assert!(desk.state.completion.is_none());
    assert_eq!(desk.text(), "@wa");
    desk.press("left right");
    assert!(desk.state.completion.is_none());
    desk.type_text("l");
    assert!(desk.state.completion.is_some());
    desk.press("esc tab");
    assert_eq!(desk.text(), "@src/walk.rs ", "Tab asks for it again");
}

#[test]
fn enter_takes_a_file_and_sends_a_command() {
    let mut desk = Harness::ready();
    desk.type_text("@walk");
    assert!(started(&desk.press("enter")).is_none());
    assert_eq!(desk.text(), "@src/walk.rs ");
    desk.press("esc");
    desk.type_text("/hel");
    desk.press("enter");
    assert!(matches!(desk.state.overlay, Some(Overlay::Help { .. })));
    assert_eq!(desk.text(), "");
}

#[test]
fn a_command_that_takes_something_waits_for_it() {
    let mut desk = Harness::ready();
    desk.type_text("/the");
    desk.press("enter");
    assert_eq!(desk.text(), "/theme ");
    let offered = desk.state.completion.as_ref().expect("its words");
    assert_eq!(offered.items.len(), 3);
    let out = desk.press("down enter");
    assert_eq!(desk.text(), "/theme light");
    assert!(out.is_empty());
    assert!(has!(
        desk.press("enter"),
        Command::SetTheme { keep: true, .. }
    ));
}

#[test]
fn a_command_is_taken_whole_from_within() {
    let mut desk = Harness::ready();
    desk.type_text("/help");
    desk.press("esc left left");
    desk.type_text("l");
    desk.press("backspace tab");
    assert_eq!(desk.text(), "/help");
}

#[test]
fn a_paste_opens_no_popup_and_goes_into_the_composer_from_anywhere() {
    let mut desk = Harness::ready();
    let patch = desk.planned();
    assert_eq!(desk.state.focus, Focus::Patch(patch));
    desk.event(Event::Paste("@wa\u{1b}[1m\r\n".to_owned()));
    assert_eq!(desk.text(), "@wa\n");
    assert_eq!(desk.state.focus, Focus::Composer);
    assert!(desk.state.completion.is_none());
}

#[test]
fn a_paste_answers_no_question_and_goes_into_a_filter() {
    let mut desk = Harness::ready();
    desk.ask("why?");
    desk.press("ctrl-d");
    assert!(matches!(desk.state.overlay, Some(Overlay::Confirm { .. })));
    desk.event(Event::Paste("y\n".to_owned()));
    assert!(!desk.state.quitting);
    desk.press("esc");
    desk.send("/models");
    desk.event(Event::Paste("sma\nll".to_owned()));
    match &desk.state.overlay {
        Some(Overlay::Models(picker)) => assert_eq!(picker.list.filter, "sma ll"),
        other => panic!("{other:?}"),
    }
    assert_eq!(desk.text(), "");
}

#[test]
fn the_editor_gets_the_text_and_the_line_and_gives_it_back() {
    let mut desk = Harness::ready();
    desk.event(Event::Paste("one\ntwo".to_owned()));
    let out = desk.press("ctrl-g");
    assert!(has!(out, Command::OpenEditor {
        purpose: EditorPurpose::Composer,
        editable: Editable::Text { text, line: 2, .. },
    } if text == "one\ntwo"));
    let done = |text: Option<&str>| Event::EditorDone {
        purpose: EditorPurpose::Composer,
        result: Ok(text.map(str::to_owned)),
    };
    desk.event(done(None));
    assert_eq!(desk.text(), "one\ntwo");
    desk.event(done(Some("three\n")));
    assert_eq!(desk.text(), "three");
}

#[test]
fn home_and_end_belong_to_the_text_where_there_is_some() {
    let mut desk = Harness::ready();
    for n in 0..4 {
        desk.exchange(&format!("question {n}"), "answer");
    }
    desk.measure();
    desk.press("home");
    assert_ne!(desk.state.scroll, super::super::super::Scroll::Bottom);
    desk.press("end");
    assert_eq!(desk.state.scroll, super::super::super::Scroll::Bottom);
    desk.type_text("ab");
    desk.press("home");
    assert_eq!(desk.state.composer.cursor(), 0);
    assert_eq!(desk.state.scroll, super::super::super::Scroll::Bottom);
    desk.press("end");
    assert_eq!(desk.state.composer.cursor(), 2);
}

#[test]
fn ctrl_d_deletes_where_something_is_typed() {
    let mut desk = Harness::ready();
    desk.type_text("ab");
    desk.press("home ctrl-d");
    assert_eq!(desk.text(), "b");
    desk.press("ctrl-d");
    assert!(!desk.state.quitting);
    desk.press("ctrl-d");
    assert!(desk.state.quitting);
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
    let mut desk = vim();
    desk.type_text("one two");
    desk.press("esc");
    assert_eq!(desk.state.composer.mode(), Some(Mode::Normal));
    desk.type_text("bdw");
    assert_eq!(desk.text(), "one ");
    desk.type_text("k");
    assert_eq!(desk.text(), "before");
    desk.type_text("j");
    assert_eq!(desk.text(), "one ");
    assert!(started(&desk.press("enter")).is_some());
    assert_eq!(desk.state.composer.mode(), Some(Mode::Insert));
}

#[test]
fn esc_stops_what_runs_before_it_is_vims() {
    let mut desk = vim();
    desk.ask("why?");
    desk.type_text("next");
    let out = desk.press("esc");
    assert!(has!(out, Command::Cancel { .. }));
    assert_eq!(desk.state.composer.mode(), Some(Mode::Insert));
    desk.press("esc");
    assert_eq!(desk.state.composer.mode(), Some(Mode::Normal));
    desk.press("esc");
    assert_eq!(desk.text(), "");
}

#[test]
fn keys_that_come_back_from_a_patch_are_vims_too() {
    let mut desk = vim();
    desk.type_text("one");
    desk.press("esc");
    desk.send("/patch fix it");
    let generation = desk.state.job.as_ref().expect("a job").generation;
    desk.press("esc");
    desk.type_text("x");
    desk.done(generation, patched(a_change()));
    let patch = desk.last_patch();
    desk.state.focus = Focus::Patch(patch);
    desk.press("esc");
    desk.type_text("ione");
    desk.press("esc");
    desk.state.focus = Focus::Patch(patch);
    desk.type_text("x");
    assert_eq!(desk.state.focus, Focus::Composer);
    assert_eq!(desk.state.composer.mode(), Some(Mode::Normal));
}

#[test]
fn a_change_of_the_same_length_ends_the_walk_too() {
    let mut desk = vim();
    desk.press("esc");
    desk.type_text("k0rX");
    assert_eq!(desk.text(), "Xefore");
    desk.type_text("k");
    assert_eq!(desk.text(), "before");
    desk.type_text("j");
    assert_eq!(desk.text(), "Xefore");
}
