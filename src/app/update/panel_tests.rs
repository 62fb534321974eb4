//! Tests of the side panel: what it lists, and what is dropped and pinned from it.

use super::*;
use crate::app::Event;
use crate::app::sample::*;
use crate::jobs::{self, Request};

fn answered() -> Harness {
    let mut harness = Harness::ready();
    let generation = harness.ask("why?");
    for (id, name, cited) in [(1, "src/walk.rs", false), (2, "src/lib.rs", true)] {
        harness.job(generation, jobs::Event::Source(a_source(id, name, cited)));
    }
    harness.token(generation, "so");
    harness.done(generation, asked("why?", "so"));
    harness.measure();
    harness
}

fn names(harness: &Harness) -> Vec<String> {
    harness
        .state
        .panel_rows()
        .into_iter()
        .map(|row| match row {
            PanelRow::Rules { path, .. } => format!("rules {path}"),
            PanelRow::Told { what, title, .. } => format!("{what} {title}"),
            PanelRow::Excerpt { path, .. } => path.to_string(),
            PanelRow::LeftOut { path, .. } => format!("not {path}"),
        })
        .collect()
}

#[test]
fn it_lists_the_sources_those_named_first() {
    let mut harness = answered();
    assert!(harness.state.panel_rows().is_empty());
    harness.press("ctrl-o");
    assert_eq!(names(&harness), ["src/lib.rs", "src/walk.rs"]);
    assert_eq!(harness.state.focus, Focus::Panel);
    harness.press("ctrl-o");
    assert!(harness.state.panel.is_none());
    assert_eq!(harness.state.focus, Focus::Composer);
}

#[test]
fn the_other_list_is_the_context_with_what_did_not_fit() {
    let mut harness = answered();
    harness.press("ctrl-o right");
    assert_eq!(
        names(&harness),
        ["src/walk.rs", "src/lib.rs", "not README.md"]
    );
    match &harness.state.panel_rows()[0] {
        PanelRow::Excerpt {
            why, tokens, text, ..
        } => {
            assert_eq!((*why, *tokens), (Some("search"), 10));
            assert!(text.is_some());
        }
        other => panic!("{other:?}"),
    }
    let mut out = harness.press("down down down down");
    assert_eq!(harness.state.panel.expect("open").cursor, 2);
    assert!(
        has!(out, Command::Io(IoCommand::ReadCode { path, .. }) if path.as_str() == "README.md")
    );
    out = harness.press("enter");
    assert!(has!(out, Command::OpenEditor { .. }));
}

#[test]
fn home_and_end_go_to_its_ends() {
    let mut harness = answered();
    harness.press("ctrl-o right end");
    assert_eq!(harness.state.panel.expect("open").cursor, 2);
    harness.press("home");
    assert_eq!(harness.state.panel.expect("open").cursor, 0);
    harness.press("pgdn");
    assert_eq!(harness.state.panel.expect("open").cursor, 2);
}

#[test]
fn what_is_dropped_or_pinned_goes_with_the_next_request() {
    let mut harness = answered();
    harness.press("ctrl-o x");
    assert!(matches!(
        &harness.state.panel_rows()[0],
        PanelRow::Excerpt { dropped: true, .. }
    ));
    harness.press("down p");
    assert!(matches!(
        &harness.state.panel_rows()[1],
        PanelRow::Excerpt { pinned: true, .. }
    ));
    let Some((_, Request::Ask(ask))) = started(&harness.send("and?")) else {
        panic!("no question")
    };
    assert_eq!(ask.dropped, [whole(path("src/lib.rs"))]);
    assert_eq!(
        ask.pinned,
        [Mention {
            path: path("src/walk.rs"),
            range: Some(LineRange::new(1, 9)),
        }]
    );
}

#[test]
fn the_same_key_takes_it_back_and_the_two_exclude_each_other() {
    let mut harness = answered();
    harness.press("ctrl-o x x");
    assert!(harness.state.drops.is_empty());
    harness.press("x p");
    assert!(harness.state.drops.is_empty());
    assert_eq!(harness.state.pins.len(), 1);
    harness.press("x");
    assert!(harness.state.pins.is_empty());
    assert_eq!(harness.state.drops.len(), 1);
}

#[test]
fn a_row_is_copied_as_its_text() {
    let mut harness = answered();
    harness.press("ctrl-o");
    assert_eq!(copy_of(&harness.press("y")), Some("text of src/lib.rs"));
    harness.press("right end");
    assert!(copy_of(&harness.press("y")).is_none());
    assert!(harness.toast().contains("no text to copy"));
}

#[test]
fn it_is_about_the_answer_at_the_cursor() {
    let mut harness = answered();
    let generation = harness.ask("and?");
    harness.job(
        generation,
        jobs::Event::Source(a_source(3, "README.md", true)),
    );
    harness.done(generation, asked("and?", "so"));
    harness.measure();
    harness.press("ctrl-o");
    assert_eq!(names(&harness), ["README.md"]);
    harness.press("[ [");
    assert_eq!(names(&harness), ["src/lib.rs", "src/walk.rs"]);
}

#[test]
fn a_preview_is_shown_until_the_next_question() {
    let mut harness = Harness::ready();
    let out = harness.send("/context symlinks");
    let generation = out
        .iter()
        .find_map(|command| match command {
            Command::Io(IoCommand::Preview {
                generation,
                request,
            }) => {
                assert!(matches!(&**request, Request::Ask(ask) if ask.question == "symlinks"));
                Some(*generation)
            }
            _ => None,
        })
        .expect("a preview");
    let preview = || Preview {
        context: a_context(),
        ..Preview::default()
    };
    harness.event(Event::Preview {
        generation: generation + 1,
        result: Ok(Box::new(preview())),
    });
    assert!(harness.state.preview.is_none(), "it was not asked for");
    harness.event(Event::Preview {
        generation,
        result: Ok(Box::new(preview())),
    });
    assert_eq!(
        names(&harness),
        ["src/walk.rs", "src/lib.rs", "not README.md"]
    );
    assert_eq!(harness.state.focus, Focus::Panel);
    harness.ask("why?");
    assert!(harness.state.preview.is_none());
}

#[test]
fn code_that_cannot_be_read_is_not_asked_for_again() {
    let mut harness = answered();
    harness.press("ctrl-o right");
    let out = harness.press("end");
    assert!(has!(out, Command::Io(IoCommand::ReadCode { .. })));
    harness.event(Event::Code {
        path: path("README.md"),
        range: LineRange::new(1, 2),
        result: Err(Failure::input("it has gone")),
    });
    assert!(harness.press("up down").is_empty());
    let key = (path("README.md"), LineRange::new(1, 2));
    assert_eq!(
        harness.state.code.get(&key),
        Some(&Err("it has gone".to_owned()))
    );
}

#[test]
fn the_cursor_stays_within_the_rows_and_in_sight() {
    let mut harness = answered();
    harness.press("ctrl-o right end");
    let few = super::super::super::Layout {
        panel_rows: 1,
        ..harness.state.layout.clone()
    };
    harness.event(Event::Measured(few));
    let panel = harness.state.panel.expect("open");
    assert_eq!((panel.cursor, panel.top), (2, 2));
    harness.press("left");
    assert_eq!(harness.state.panel.expect("open").cursor, 0);
}

#[test]
fn a_pin_is_of_the_lines_of_its_row_alone() {
    let mut harness = answered();
    harness.press("ctrl-o");
    let row = |harness: &Harness| match &harness.state.panel_rows()[0] {
        PanelRow::Excerpt { path, range, .. } => (path.clone(), *range),
        other => panic!("{other:?}"),
    };
    let (path, range) = row(&harness);
    let other = Mention {
        path: path.clone(),
        range: Some(LineRange::new(9_000, 9_001)),
    };
    harness.state.pins.push(other.clone());
    harness.press("p");
    assert_eq!(
        harness.toast(),
        format!("{path}:{range}: shown with every question")
    );
    assert_eq!(harness.state.pins.len(), 2, "the other lines stay pinned");
    harness.press("p");
    assert_eq!(harness.toast(), format!("{path}:{range}: no longer pinned"));
    assert_eq!(harness.state.pins, [other]);
    harness.state.pins.push(whole(path.clone()));
    harness.press("p");
    assert_eq!(
        harness.toast(),
        format!("all of {path} is pinned: /unpin {path} takes it back")
    );
    assert_eq!(harness.state.pins.len(), 2);
}
