use super::*;
use crate::app::event::Event;
use crate::app::sample::{Harness, has};

fn entry(id: &str, title: &str) -> SessionEntry {
    SessionEntry {
        id: id.to_owned(),
        title: title.to_owned(),
        turns: 1,
        changed: 0,
        bytes: 0,
        ..SessionEntry::default()
    }
}

/// A list of three conversations, open.
fn listed() -> Harness {
    let mut harness = Harness::ready();
    harness.send("/sessions");
    harness.event(Event::Sessions(Ok(vec![
        entry("3", "Why a walk?"),
        entry("2", "Something else"),
        entry("1", "walk the dog"),
    ])));
    harness
}

fn picker(harness: &Harness) -> &SessionPicker {
    match &harness.state.overlay {
        Some(Overlay::Sessions(picker)) => picker,
        other => panic!("{other:?}"),
    }
}

fn title(harness: &Harness) -> Option<&str> {
    picker(harness).title.as_ref().map(|(_, title)| &**title)
}

fn ids(harness: &Harness) -> Vec<&str> {
    picker(harness).list.rows().map(|e| &*e.id).collect()
}

fn looked_for(out: &[Command]) -> Vec<&str> {
    let words = out.iter().filter_map(|command| match command {
        Command::Io(IoCommand::FindSessions { words }) => Some(&**words),
        _ => None,
    });
    words.collect()
}

#[test]
fn texts_are_looked_through_one_search_at_a_time_and_the_last_words_count() {
    let mut harness = listed();
    assert!(looked_for(&harness.type_text("d")).is_empty(), "too short");
    assert_eq!(looked_for(&harness.type_text("og")), ["do"]);
    assert_eq!(ids(&harness), ["1"]);
    let found = |words: &str| Event::SessionsFound {
        words: words.to_owned(),
        result: Ok(vec![("2".to_owned(), "of a dog".to_owned())]),
    };
    let out = harness.event(found("do"));
    assert_eq!(looked_for(&out), ["dog"]);
    assert_eq!(ids(&harness), ["1"], "found for other words");
    harness.event(found("dog"));
    assert_eq!(ids(&harness), ["2", "1"]);
    let chosen = picker(&harness).list.chosen().map(|e| &*e.id);
    assert_eq!(chosen, Some("1"), "the cursor stays on its conversation");
    // A list opened anew waits for its own.
    harness.press("esc");
    harness.send("/sessions");
    harness.event(found("dog"));
    assert!(picker(&harness).found.is_empty());
}

#[test]
fn a_conversation_gets_the_title_that_is_typed() {
    let mut harness = listed();
    harness.press("down");
    harness.press("ctrl-r");
    assert_eq!(title(&harness), Some("Something else"));
    harness.press("ctrl-u");
    harness.type_text("of q and ");
    harness.event(Event::Paste("the\nrest".to_owned()));
    harness.press("backspace");
    assert_eq!(title(&harness), Some("of q and the res"));
    let out = harness.press("enter");
    assert!(
        has!(out, Command::Io(IoCommand::RenameSession { id, title })
        if id == "2" && title == "of q and the res")
    );
    assert!(has!(out, Command::Io(IoCommand::ListSessions)));
    harness.event(Event::Sessions(Ok(vec![
        entry("4", "a new one"),
        entry("3", "Why a walk?"),
        entry("2", "of q and the res"),
    ])));
    let chosen = picker(&harness).list.chosen().map(|e| &*e.id);
    assert_eq!(chosen, Some("2"), "one goes on where one was");
    // A list that comes while a title is typed moves nothing under it.
    harness.press("ctrl-r");
    harness.type_text("t");
    harness.event(Event::Sessions(Ok(vec![entry("1", "walk the dog")])));
    let out = harness.press("enter");
    assert!(has!(out, Command::Io(IoCommand::RenameSession { id, .. }) if id == "2"));
    // Esc leaves the title alone, and the list open; an empty title is none.
    harness.press("ctrl-r");
    harness.type_text("x");
    harness.press("esc");
    assert_eq!(title(&harness), None);
    harness.press("ctrl-r");
    harness.press("ctrl-u");
    let out = harness.press("enter");
    assert!(!has!(out, Command::Io(IoCommand::RenameSession { .. })));
}

#[test]
fn behind_a_conversation_that_was_looked_into_the_list_comes_back() {
    let mut harness = listed();
    harness.type_text("walk");
    harness.press("down");
    let out = harness.press("ctrl-o");
    assert!(has!(out, Command::Io(IoCommand::ShowSession { id }) if id == "1"));
    let shown = Ok(("walk the dog".to_owned(), "## walk".to_owned()));
    harness.event(Event::SessionShown(shown));
    assert_eq!(harness.state.overlay_title(), "walk the dog");
    harness.press("esc");
    assert_eq!(picker(&harness).list.filter, "walk");
    assert_eq!(picker(&harness).list.cursor, 1);
    harness.press("esc");
    assert!(harness.state.overlay.is_none());
}

#[test]
fn a_question_about_one_leaves_the_list_as_it_was() {
    let mut harness = listed();
    harness.type_text("walk");
    harness.press("down delete");
    assert_eq!(harness.state.overlay_title(), "sure?");
    harness.press("n");
    assert_eq!(picker(&harness).list.filter, "walk");
    harness.press("delete");
    let out = harness.press("y");
    assert!(has!(out, Command::Io(IoCommand::RemoveSession { id }) if id == "1"));
    harness.event(Event::Sessions(Ok(vec![
        entry("3", "Why a walk?"),
        entry("2", "Something else"),
    ])));
    assert_eq!(ids(&harness), ["3"]);
}
