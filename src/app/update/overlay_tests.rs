//! Tests of what lies over everything: help, texts, lists, questions.

use proptest::prelude::*;

use super::*;
use crate::app::sample::*;
use crate::app::{Event, Layout, Options};
use crate::base::LineRange;
use crate::jobs::session::SessionEntry;

fn hit(name: &str) -> Hit {
    Hit {
        path: path(name),
        range: LineRange::new(3, 9),
        core: LineRange::new(3, 9),
        symbol: None,
        score: 1.0,
        why: String::new(),
        namesakes: 0,
    }
}

fn entry(id: &str, title: &str) -> SessionEntry {
    SessionEntry {
        id: id.to_owned(),
        title: title.to_owned(),
        turns: 2,
        changed: 0,
        bytes: 1_000,
        ..SessionEntry::default()
    }
}

fn help_top(harness: &Harness) -> usize {
    match harness.state.overlay {
        Some(Overlay::Help { top }) => top,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn help_opens_from_an_empty_composer_and_scrolls_to_its_ends() {
    let mut harness = Harness::ready();
    harness.type_text("a?");
    assert_eq!(harness.text(), "a?", "within a text it is a character");
    harness.press("ctrl-u ?");
    assert_eq!(help_top(&harness), 0);
    harness.press("up");
    assert_eq!(help_top(&harness), 0);
    harness.press("down j pgdn");
    assert_eq!(help_top(&harness), 6);
    harness.press("end");
    let last = help_lines::lines(&harness.state.keymap, Place::Composer).len() - 5;
    assert_eq!(help_top(&harness), last);
    harness.press("down G");
    assert_eq!(help_top(&harness), last);
    harness.press("home");
    assert_eq!(help_top(&harness), 0);
    harness.press("?");
    assert!(harness.state.overlay.is_none());
}

#[test]
fn a_larger_window_leaves_no_empty_end() {
    let mut harness = Harness::ready();
    harness.press("f1 end");
    let lines = help_lines::lines(&harness.state.keymap, Place::Composer).len();
    harness.event(Event::Measured(Layout {
        overlay_rows: 20,
        ..harness.state.layout.clone()
    }));
    assert_eq!(help_top(&harness), lines - 20);
}

#[test]
fn a_text_scrolls_and_can_be_copied() {
    let mut harness = Harness::ready();
    assert!(has!(
        harness.send("/doctor"),
        Command::Io(IoCommand::Doctor)
    ));
    assert_eq!(harness.state.overlay_title(), "doctor");
    let report: String = (0..20).map(|n| format!("line {n}\n")).collect();
    harness.event(Event::Doctor(Ok(report.clone())));
    assert_eq!(copy_of(&harness.press("y")), Some(report.as_str()));
    harness.press("end");
    assert!(matches!(
        harness.state.overlay,
        Some(Overlay::Text { top: 15, .. })
    ));
    harness.press("q");
    assert!(harness.state.overlay.is_none());
    // It comes when it was closed already: it does not open again.
    harness.event(Event::Doctor(Ok("late".to_owned())));
    assert!(harness.state.overlay.is_none());
}

#[test]
fn a_question_is_answered_with_few_keys_only() {
    for (key, quits) in [
        ("y", true),
        ("enter", true),
        ("n", false),
        ("q", false),
        ("esc", false),
    ] {
        let mut harness = Harness::ready();
        harness.ask("why?");
        harness.press("ctrl-d x 1 space");
        assert!(
            matches!(harness.state.overlay, Some(Overlay::Confirm { .. })),
            "others do nothing"
        );
        harness.press(key);
        assert_eq!(harness.state.quitting, quits, "{key}");
        assert!(harness.state.overlay.is_none());
    }
}

fn themes(harness: &Harness) -> &Picker<String> {
    match &harness.state.overlay {
        Some(Overlay::Themes(picker)) => picker,
        other => panic!("{other:?}"),
    }
}

#[test]
fn themes_are_shown_while_the_cursor_is_on_them() {
    let mut harness = Harness::ready();
    assert!(has!(harness.send("/theme"), Command::ListThemes));
    assert_eq!(
        themes(&harness).chosen().map(String::as_str),
        Some("dark"),
        "the one in use"
    );
    assert!(
        has!(harness.press("down"), Command::SetTheme { name, keep: false } if name == "light")
    );
    harness.event(Event::ThemeSet(Ok("light".to_owned())));
    assert_eq!(harness.state.options.theme, "dark", "it is only looked at");
    assert!(has!(harness.press("esc"), Command::SetTheme { name, keep: false } if name == "dark"));
    harness.send("/theme");
    assert!(
        has!(harness.type_text("term"), Command::SetTheme { name, keep: false } if name == "terminal")
    );
    assert!(
        has!(harness.press("enter"), Command::SetTheme { name, keep: true } if name == "terminal")
    );
    harness.event(Event::ThemeSet(Ok("terminal".to_owned())));
    assert_eq!(harness.state.options.theme, "terminal");
}

#[test]
fn themes_that_come_late_are_put_in() {
    let mut harness = Harness::fresh(Options::default());
    harness.send("/theme");
    assert!(themes(&harness).loading);
    harness.event(Event::Themes(["light", "dark"].map(str::to_owned).to_vec()));
    assert_eq!(themes(&harness).chosen().map(String::as_str), Some("dark"));
}

#[test]
fn sessions_are_filtered_by_words_and_resumed() {
    let mut harness = Harness::ready();
    assert!(has!(
        harness.send("/sessions"),
        Command::Io(IoCommand::ListSessions)
    ));
    harness.type_text("wa");
    harness.event(Event::Sessions(Ok(vec![
        entry("3", "Why a walk?"),
        entry("2", "Something else"),
        entry("1", "walk the dog"),
    ])));
    let titles = |harness: &Harness| match &harness.state.overlay {
        Some(Overlay::Sessions(picker)) => picker
            .list
            .rows()
            .map(|e| e.title.clone())
            .collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        titles(&harness),
        ["Why a walk?", "walk the dog"],
        "typed before they came"
    );
    harness.type_text("lk dog");
    assert_eq!(titles(&harness), ["walk the dog"]);
    assert!(
        has!(harness.press("enter"), Command::Io(IoCommand::LoadSession { id: Some(id) }) if id == "1")
    );
    assert!(harness.state.overlay.is_none());
}

#[test]
fn no_sessions_is_said() {
    let mut harness = Harness::ready();
    harness.send("/sessions");
    harness.event(Event::Sessions(Ok(Vec::new())));
    assert!(harness.state.overlay.is_none());
    assert_eq!(harness.toast(), "there are no earlier conversations here");
}

#[test]
fn a_search_asks_anew_with_every_key_and_older_answers_are_passed_over() {
    let mut harness = Harness::ready();
    let generation = |out: &[Command]| {
        out.iter().find_map(|command| match command {
            Command::Io(IoCommand::Search {
                generation, query, ..
            }) => Some((*generation, query.clone())),
            _ => None,
        })
    };
    let first = generation(&harness.send("/search loo")).expect("a search");
    assert_eq!(first.1, "loo");
    let second = generation(&harness.type_text("p")).expect("another");
    assert_eq!(second.1, "loop");
    let rows = |harness: &Harness| match &harness.state.overlay {
        Some(Overlay::Search(picker)) => {
            (picker.loading, picker.shown.len(), picker.filter.clone())
        }
        other => panic!("{other:?}"),
    };
    harness.event(Event::Search {
        generation: first.0,
        result: Ok(vec![hit("README.md")]),
    });
    assert_eq!(rows(&harness), (true, 0, "loop".to_owned()));
    harness.event(Event::Search {
        generation: second.0,
        result: Ok(vec![hit("src/walk.rs"), hit("docs/a b.md")]),
    });
    assert_eq!(rows(&harness), (false, 2, "loop".to_owned()));
    // Enter looks into the place and comes back; @ takes it along.
    assert!(has!(
        harness.press("enter"),
        Command::OpenEditor {
            editable: Editable::File { line: 3, .. },
            ..
        }
    ));
    harness.press("down @");
    assert!(harness.state.overlay.is_none());
    assert_eq!(harness.text(), "@\"docs/a b.md\":3-9 ");
}

#[test]
fn a_mention_of_a_hit_stands_apart_from_what_is_typed() {
    let mut harness = Harness::ready();
    let out = harness.send("/search loop");
    let Some(Command::Io(IoCommand::Search { generation, .. })) = out
        .iter()
        .find(|c| matches!(c, Command::Io(IoCommand::Search { .. })))
    else {
        panic!("no search")
    };
    harness.event(Event::Search {
        generation: *generation,
        result: Ok(vec![hit("src/walk.rs")]),
    });
    harness.state.composer.set("see");
    harness.press("@");
    assert_eq!(harness.text(), "see @src/walk.rs:3-9 ");
}

#[test]
fn a_filter_takes_no_control_characters_and_can_be_emptied() {
    let mut harness = Harness::ready();
    harness.send("/theme");
    harness.event(Event::Paste("li\u{1b}[1mgh\u{7}".to_owned()));
    assert_eq!(themes(&harness).filter, "ligh");
    assert_eq!(themes(&harness).shown, [1]);
    harness.press("backspace");
    assert_eq!(themes(&harness).filter, "lig");
    harness.press("ctrl-u");
    assert_eq!(themes(&harness).filter, "");
    assert_eq!(themes(&harness).shown.len(), 3);
    harness.type_text("zzz");
    assert!(themes(&harness).chosen().is_none());
    assert!(harness.press("down up").is_empty());
}

proptest! {
    #[test]
    fn the_cursor_stays_within_the_rows_and_in_sight(
        steps in prop::collection::vec((-40..40isize, 1..8usize), 0..30),
        len in 0..30usize,
    ) {
        let mut picker = Picker::new((0..len).collect());
        for (by, rows) in steps {
            picker.step(by, rows);
            prop_assert!(picker.cursor < len.max(1));
            prop_assert!(picker.top <= picker.cursor);
            prop_assert!(picker.cursor < picker.top + rows);
        }
    }
}

#[test]
fn a_session_is_looked_into_and_deleted_after_a_question() {
    let mut harness = Harness::ready();
    harness.send("/sessions");
    let listed = || Event::Sessions(Ok(vec![entry("2", "later"), entry("1", "why?")]));
    harness.event(listed());
    harness.press("down");
    let out = harness.press("ctrl-o");
    assert!(has!(out, Command::Io(IoCommand::ShowSession { id }) if id == "1"));
    let shown = ("why?".to_owned(), "## why?".to_owned());
    harness.event(Event::SessionShown(Ok(shown)));
    assert!(matches!(&harness.state.overlay, Some(Overlay::Text { title, .. }) if title == "why?"));
    harness.press("esc");
    harness.press("esc");
    harness.event(Event::SessionShown(Ok(Default::default())));
    assert!(harness.state.overlay.is_none(), "it comes too late");
    harness.send("/sessions");
    harness.event(listed());
    assert!(harness.press("delete").is_empty(), "it is asked first");
    let out = harness.press("y");
    assert!(has!(out, Command::Io(IoCommand::RemoveSession { id }) if id == "2"));
    assert!(has!(out, Command::Io(IoCommand::ListSessions)));
    harness.event(listed());
    harness.state.session = Some("2".to_owned());
    harness.press("delete");
    assert!(harness.toast().contains("this one is open"));
}
