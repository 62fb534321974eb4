//! Tests of what lies over everything: help, texts, lists, questions.

use proptest::prelude::*;

use super::*;
use crate::app::sample::*;
use crate::app::{Event, Layout, Options};
use crate::base::LineRange;

fn hit(name: &str) -> Hit {
    Hit {
        path: path(name),
        range: LineRange::new(3, 9),
        core: LineRange::new(3, 9),
        symbol: None,
        score: 1.0,
        why: String::new(),
    }
}

fn entry(id: &str, title: &str) -> SessionEntry {
    SessionEntry {
        id: id.to_owned(),
        title: title.to_owned(),
        turns: 2,
        changed: 0,
    }
}

fn help_top(desk: &Harness) -> usize {
    match desk.state.overlay {
        Some(Overlay::Help { top }) => top,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn help_opens_from_an_empty_composer_and_scrolls_to_its_ends() {
    let mut desk = Harness::ready();
    desk.type_text("a?");
    assert_eq!(desk.text(), "a?", "within a text it is a character");
    desk.press("ctrl-u ?");
    assert_eq!(help_top(&desk), 0);
    desk.press("up");
    assert_eq!(help_top(&desk), 0);
    desk.press("down j pgdn");
    assert_eq!(help_top(&desk), 6);
    desk.press("end");
    let last = help_lines::lines(&desk.state.keymap).len() - 5;
    assert_eq!(help_top(&desk), last);
    desk.press("down G");
    assert_eq!(help_top(&desk), last);
    desk.press("home");
    assert_eq!(help_top(&desk), 0);
    desk.press("?");
    assert!(desk.state.overlay.is_none());
}

#[test]
fn a_larger_window_leaves_no_empty_end() {
    let mut desk = Harness::ready();
    desk.press("f1 end");
    let lines = help_lines::lines(&desk.state.keymap).len();
    desk.event(Event::Measured(Layout {
        overlay_rows: 20,
        ..desk.state.layout.clone()
    }));
    assert_eq!(help_top(&desk), lines - 20);
}

#[test]
fn a_text_scrolls_and_can_be_copied() {
    let mut desk = Harness::ready();
    assert!(has!(desk.send("/doctor"), Command::Doctor));
    assert_eq!(desk.state.overlay_title(), "doctor");
    let report: String = (0..20).map(|n| format!("line {n}\n")).collect();
    desk.event(Event::Doctor(Ok(report.clone())));
    assert_eq!(copy_of(&desk.press("y")), Some(report.as_str()));
    desk.press("end");
    assert!(matches!(
        desk.state.overlay,
        Some(Overlay::Text { top: 15, .. })
    ));
    desk.press("q");
    assert!(desk.state.overlay.is_none());
    // It comes when it was closed already: it does not open again.
    desk.event(Event::Doctor(Ok("late".to_owned())));
    assert!(desk.state.overlay.is_none());
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
        let mut desk = Harness::ready();
        desk.ask("why?");
        desk.press("ctrl-d x 1 space");
        assert!(
            matches!(desk.state.overlay, Some(Overlay::Confirm { .. })),
            "others do nothing"
        );
        desk.press(key);
        assert_eq!(desk.state.quitting, quits, "{key}");
        assert!(desk.state.overlay.is_none());
    }
}

fn themes(desk: &Harness) -> &Picker<String> {
    match &desk.state.overlay {
        Some(Overlay::Themes(picker)) => picker,
        other => panic!("{other:?}"),
    }
}

#[test]
fn themes_are_shown_while_the_cursor_is_on_them() {
    let mut desk = Harness::ready();
    assert!(has!(desk.send("/theme"), Command::ListThemes));
    assert_eq!(
        themes(&desk).chosen().map(String::as_str),
        Some("dark"),
        "the one in use"
    );
    assert!(has!(desk.press("down"), Command::SetTheme { name, keep: false } if name == "light"));
    desk.event(Event::ThemeSet(Ok("light".to_owned())));
    assert_eq!(desk.state.options.theme, "dark", "it is only looked at");
    assert!(has!(desk.press("esc"), Command::SetTheme { name, keep: false } if name == "dark"));
    desk.send("/theme");
    assert!(
        has!(desk.type_text("term"), Command::SetTheme { name, keep: false } if name == "terminal")
    );
    assert!(
        has!(desk.press("enter"), Command::SetTheme { name, keep: true } if name == "terminal")
    );
    desk.event(Event::ThemeSet(Ok("terminal".to_owned())));
    assert_eq!(desk.state.options.theme, "terminal");
}

#[test]
fn themes_that_come_late_are_put_in() {
    let mut desk = Harness::fresh(Options::default());
    desk.send("/theme");
    assert!(themes(&desk).loading);
    desk.event(Event::Themes(["light", "dark"].map(str::to_owned).to_vec()));
    assert_eq!(themes(&desk).chosen().map(String::as_str), Some("dark"));
}

#[test]
fn sessions_are_filtered_by_words_and_resumed() {
    let mut desk = Harness::ready();
    assert!(has!(desk.send("/sessions"), Command::ListSessions));
    desk.type_text("wa");
    desk.event(Event::Sessions(Ok(vec![
        entry("3", "Why a walk?"),
        entry("2", "Something else"),
        entry("1", "walk the dog"),
    ])));
    let titles = |desk: &Harness| match &desk.state.overlay {
        Some(Overlay::Sessions(picker)) => {
            picker.rows().map(|e| e.title.clone()).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(
        titles(&desk),
        ["Why a walk?", "walk the dog"],
        "typed before they came"
    );
    desk.type_text("lk dog");
    assert_eq!(titles(&desk), ["walk the dog"]);
    assert!(has!(desk.press("enter"), Command::LoadSession { id: Some(id) } if id == "1"));
    assert!(desk.state.overlay.is_none());
}

#[test]
fn no_sessions_is_said() {
    let mut desk = Harness::ready();
    desk.send("/sessions");
    desk.event(Event::Sessions(Ok(Vec::new())));
    assert!(desk.state.overlay.is_none());
    assert_eq!(desk.toast(), "there are no earlier conversations here");
}

#[test]
fn a_search_asks_anew_with_every_key_and_older_answers_are_passed_over() {
    let mut desk = Harness::ready();
    let generation = |out: &[Command]| {
        out.iter().find_map(|command| match command {
            Command::Search {
                generation, query, ..
            } => Some((*generation, query.clone())),
            _ => None,
        })
    };
    let first = generation(&desk.send("/search loo")).expect("a search");
    assert_eq!(first.1, "loo");
    let second = generation(&desk.type_text("p")).expect("another");
    assert_eq!(second.1, "loop");
    let rows = |desk: &Harness| match &desk.state.overlay {
        Some(Overlay::Search(picker)) => {
            (picker.loading, picker.shown.len(), picker.filter.clone())
        }
        other => panic!("{other:?}"),
    };
    desk.event(Event::Search {
        generation: first.0,
        result: Ok(vec![hit("README.md")]),
    });
    assert_eq!(rows(&desk), (true, 0, "loop".to_owned()));
    desk.event(Event::Search {
        generation: second.0,
        result: Ok(vec![hit("src/walk.rs"), hit("docs/a b.md")]),
    });
    assert_eq!(rows(&desk), (false, 2, "loop".to_owned()));
    // Enter looks into the place and comes back; @ takes it along.
    assert!(has!(
        desk.press("enter"),
        Command::OpenEditor {
            editable: Editable::File { line: 3, .. },
            ..
        }
    ));
    desk.press("down @");
    assert!(desk.state.overlay.is_none());
    assert_eq!(desk.text(), "@\"docs/a b.md\":3-9 ");
}

#[test]
fn a_mention_of_a_hit_stands_apart_from_what_is_typed() {
    let mut desk = Harness::ready();
    let out = desk.send("/search loop");
    let Some(Command::Search { generation, .. }) =
        out.iter().find(|c| matches!(c, Command::Search { .. }))
    else {
        panic!("no search")
    };
    desk.event(Event::Search {
        generation: *generation,
        result: Ok(vec![hit("src/walk.rs")]),
    });
    desk.state.composer.set("see");
    desk.press("@");
    assert_eq!(desk.text(), "see @src/walk.rs:3-9 ");
}

#[test]
fn a_filter_takes_no_control_characters_and_can_be_emptied() {
    let mut desk = Harness::ready();
    desk.send("/theme");
    desk.event(Event::Paste("li\u{1b}[1mgh\u{7}".to_owned()));
    assert_eq!(themes(&desk).filter, "ligh");
    assert_eq!(themes(&desk).shown, [1]);
    desk.press("backspace");
    assert_eq!(themes(&desk).filter, "lig");
    desk.press("ctrl-u");
    assert_eq!(themes(&desk).filter, "");
    assert_eq!(themes(&desk).shown.len(), 3);
    desk.type_text("zzz");
    assert!(themes(&desk).chosen().is_none());
    assert!(desk.press("down up").is_empty());
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
