//! Tests of the popup: what it offers, and what its keys do.

use super::*;
use crate::app::sample::*;
use crate::app::{Event, Options};

#[test]
fn the_popup_opens_narrows_and_is_taken_with_tab() {
    let mut harness = Harness::ready();
    harness.type_text("see @");
    let items = |harness: &Harness| {
        harness
            .state
            .completion
            .as_ref()
            .map_or(0, |p| p.items.len())
    };
    assert_eq!(items(&harness), 10);
    harness.type_text("walk");
    assert_eq!(items(&harness), 1);
    harness.press("tab");
    assert_eq!(harness.text(), "see @src/walk.rs ");
    assert!(harness.state.completion.is_none());
    harness.press("ctrl-_");
    assert_eq!(harness.text(), "see @walk");
}

#[test]
fn what_is_typed_in_full_is_sent_by_enter() {
    for text in ["what is in @src/", "what is in @src", "see @src/walk.rs"] {
        let mut harness = Harness::ready();
        harness.type_text(text);
        assert!(harness.state.completion.is_some(), "{text}");
        assert!(started(&harness.press("enter")).is_some(), "{text}");
    }
    for text in ["/add src", "/pin src/walk.rs "] {
        let mut harness = Harness::ready();
        harness.type_text(text);
        harness.press("enter");
        assert_eq!(harness.text(), "", "{text}");
        let files = harness.state.added.iter().chain(&harness.state.pins);
        assert_eq!(files.count(), 1, "{text}");
    }
    // Nothing typed behind the command lists what is pinned, and pins nothing.
    let mut harness = Harness::ready();
    harness.type_text("/pin ");
    harness.press("enter");
    assert!(harness.state.pins.is_empty() && harness.text().is_empty());
}

#[test]
fn a_folder_is_gone_into_and_a_colon_takes_the_blank() {
    let mut harness = Harness::ready();
    harness.type_text("@sr");
    harness.press("tab");
    assert_eq!(harness.text(), "@src/");
    assert!(harness.state.completion.is_some(), "what lies in it");
    harness.type_text("walk");
    harness.press("tab");
    assert_eq!(harness.text(), "@src/walk.rs ");
    harness.type_text(":10-40");
    assert_eq!(harness.text(), "@src/walk.rs:10-40");
    // One that was typed stays.
    harness.type_text(" and");
    harness.type_text(" :x");
    assert_eq!(harness.text(), "@src/walk.rs:10-40 and :x");
}

#[test]
fn definitions_are_asked_for_once_and_offered_when_they_come() {
    let mut harness = Harness::ready();
    let out = harness.type_text("@chec");
    let asked = |command: &&Command| matches!(command, Command::Io(IoCommand::FindNames { typed, .. }) if typed == "chec");
    assert_eq!(out.iter().filter(asked).count(), 1);
    assert!(harness.press("end").iter().filter(asked).count() == 0);
    let symbol = Symbol {
        name: "check_loop".to_owned(),
        within: "Walk".to_owned(),
        kind: crate::index::SymbolKind::Method,
        range: crate::base::LineRange::new(3, 9),
        signature: String::new(),
    };
    let found = vec![(path("src/walk.rs"), symbol)];
    let late = Event::Names {
        typed: "che".to_owned(),
        found: found.clone(),
    };
    harness.event(late);
    assert!(harness.state.completion.is_none());
    let typed = "chec".to_owned();
    harness.event(Event::Names { typed, found });
    harness.press("tab");
    assert_eq!(harness.text(), "@Walk.check_loop ");
}

#[test]
fn up_and_down_move_in_the_popup_and_round() {
    let mut harness = Harness::ready_with(Options {
        history: vec!["first".to_owned()],
        ..Options::default()
    });
    harness.type_text("@");
    let cursor = |harness: &Harness| harness.state.completion.as_ref().map(|p| p.cursor);
    harness.press("up");
    assert_eq!(cursor(&harness), Some(9));
    harness.press("down down");
    assert_eq!(cursor(&harness), Some(1));
    assert_eq!(harness.text(), "@");
}

#[test]
fn esc_closes_the_popup_until_the_text_changes() {
    let mut harness = Harness::ready();
    harness.type_text("@wa");
    harness.press("esc");
    assert!(harness.state.completion.is_none());
    assert_eq!(harness.text(), "@wa");
    harness.press("left right");
    assert!(harness.state.completion.is_none());
    harness.type_text("l");
    assert!(harness.state.completion.is_some());
    harness.press("esc tab");
    assert_eq!(harness.text(), "@src/walk.rs ", "Tab asks for it again");
}

#[test]
fn enter_takes_a_file_and_sends_a_command() {
    let mut harness = Harness::ready();
    harness.type_text("@walk");
    assert!(started(&harness.press("enter")).is_none());
    assert_eq!(harness.text(), "@src/walk.rs ");
    harness.press("esc");
    harness.type_text("/hel");
    harness.press("enter");
    assert!(matches!(harness.state.overlay, Some(Overlay::Help { .. })));
    assert_eq!(harness.text(), "");
}

#[test]
fn a_command_that_takes_something_waits_for_it() {
    let mut harness = Harness::ready();
    harness.type_text("/the");
    harness.press("enter");
    assert_eq!(harness.text(), "/theme ");
    let offered = harness.state.completion.as_ref().expect("its words");
    assert_eq!(offered.items.len(), 3);
    let out = harness.press("down enter");
    assert_eq!(harness.text(), "/theme light");
    assert!(out.is_empty());
    assert!(has!(
        harness.press("enter"),
        Command::SetTheme { keep: true, .. }
    ));
}

#[test]
fn a_command_is_taken_whole_from_within() {
    let mut harness = Harness::ready();
    harness.type_text("/help");
    harness.press("esc left left");
    harness.type_text("l");
    harness.press("backspace tab");
    assert_eq!(harness.text(), "/help");
}

#[test]
fn where_there_is_room_the_row_is_shown_with_its_first_lines() {
    let asked = |commands: &[Command]| -> Vec<String> {
        let reads = commands.iter().filter_map(|command| match command {
            Command::Io(IoCommand::ReadCode { path, range }) => Some(format!("{path}:{range}")),
            _ => None,
        });
        reads.collect()
    };
    let mut harness = Harness::ready_with(Options {
        size: (120, 40),
        ..Options::default()
    });
    let asked_for = asked(&harness.type_text("@src/w"));
    assert_eq!(asked_for, ["README.md:1-8", "src/walk.rs:1-8"]);
    // Once for each row, and not again when one comes back to it.
    assert!(asked(&harness.type_text("a")).is_empty());
    harness.event(Event::Code {
        path: path("src/walk.rs"),
        range: crate::base::LineRange::new(1, 8),
        result: Ok("//! Walks.".to_owned()),
    });
    harness.press("ctrl-u");
    let asked_for = asked(&harness.type_text("@src/w"));
    assert_eq!(asked_for, ["README.md:1-8"]);
    let mut small = Harness::ready();
    assert!(asked(&small.type_text("@src/w")).is_empty());
}

#[test]
fn behind_a_bare_sign_what_nobody_writes_comes_last() {
    let mut harness = Harness::ready();
    harness.event(Event::Index(indexed(&[
        ".gitignore",
        "Cargo.toml",
        "src/lib.rs",
        "uv.lock",
    ])));
    harness.type_text("@");
    let popup = harness.state.completion.as_ref().expect("a popup");
    let labels: Vec<&str> = popup.items.iter().map(|item| &*item.label).collect();
    let files: Vec<&str> = labels
        .into_iter()
        .filter(|l| l.contains(['.', '/']))
        .collect();
    let files: Vec<&str> = files
        .into_iter()
        .filter(|l| !l.starts_with("HEAD"))
        .collect();
    assert_eq!(
        files,
        ["Cargo.toml", "src/", "src/lib.rs", "uv.lock", ".gitignore"]
    );
}

#[test]
fn what_a_command_takes_is_sent_as_it_is_typed() {
    let mut harness = Harness::ready();
    harness.event(Event::Index(indexed(&[
        "src/all_tests.rs",
        "src/nested/search.rs",
    ])));
    harness.type_text("/in src/nested");
    harness.press("enter");
    assert_eq!(harness.state.within, [path("src/nested")]);
    harness.type_text("/in all");
    harness.press("enter");
    assert!(harness.state.within.is_empty(), "{}", harness.text());
    // A file that only has the letters of what is typed is not meant.
    harness.type_text("/in nesrch");
    assert!(harness.state.completion.is_some());
    harness.press("enter");
    assert!(!harness.text().contains("search.rs"), "{}", harness.text());
    assert!(harness.state.within.is_empty());
    harness.press("ctrl-u");
    harness.type_text("/in sear");
    harness.press("enter");
    assert_eq!(harness.text().trim(), "/in src/nested/search.rs");
}
