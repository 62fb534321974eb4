use super::super::super::sample::{Harness, has};
use super::*;
use crate::app::{BlockId, Command, Event};

fn matched(block: u64, line: u32) -> Match {
    Match {
        block: Some(BlockId(block)),
        line,
        right: false,
        cell: 4,
    }
}

/// Three answers of ten rows each, of which twelve are in view: the last.
fn answered() -> Harness {
    let mut harness = Harness::ready();
    for n in 0..3 {
        harness.exchange(&format!("why {n}?"), "so");
    }
    harness.measure();
    harness
}

fn told(harness: &mut Harness, matches: &[Match]) {
    harness.matches = matches.to_vec();
    harness.measure();
}

fn at(harness: &Harness) -> Option<Match> {
    harness.state.find.as_ref().and_then(|find| find.at)
}

#[test]
fn words_are_typed_found_gone_through_and_left() {
    let mut harness = answered();
    let ids: Vec<u64> = harness.state.blocks.iter().map(|b| b.id.0).collect();
    let (first, last) = (ids[1], ids[ids.len() - 1]);
    harness.press("f3");
    harness.type_text("n");
    assert_eq!(harness.text(), "", "they go into the search");
    assert_eq!(harness.state.find.as_ref().map(|f| &*f.words), Some("n"));
    told(
        &mut harness,
        &[matched(first, 2), matched(first, 7), matched(last, 9)],
    );
    // The first from the top of the view on.
    assert_eq!(at(&harness), Some(matched(last, 9)));
    harness.press("enter");
    assert_eq!(harness.state.focus, Focus::Transcript);
    harness.press("n");
    assert_eq!(
        at(&harness),
        Some(matched(first, 2)),
        "behind the last the first"
    );
    assert_eq!(harness.toast(), "on from the beginning");
    assert!(matches!(harness.state.scroll, Scroll::At { .. }));
    harness.press("n");
    assert_eq!(at(&harness), Some(matched(first, 7)));
    harness.press("N");
    harness.press("N");
    assert_eq!(at(&harness), Some(matched(last, 9)));
    harness.press("esc");
    assert!(harness.state.find.is_none());
    harness.press("/");
    harness.event(Event::Paste("two\nlines".to_owned()));
    assert_eq!(harness.state.find.as_ref().map(|f| &*f.words), Some("two"));
}

#[test]
fn esc_while_typing_leaves_everything_as_it_was() {
    let mut harness = answered();
    let ids: Vec<u64> = harness.state.blocks.iter().map(|b| b.id.0).collect();
    harness.press("f3");
    harness.type_text("s");
    told(&mut harness, &[matched(ids[0], 1)]);
    assert!(matches!(harness.state.scroll, Scroll::At { .. }));
    harness.type_text("x");
    told(&mut harness, &[]);
    assert_eq!(harness.state.scroll, Scroll::Bottom, "a letter too many");
    harness.press("backspace");
    told(&mut harness, &[matched(ids[0], 1)]);
    harness.press("esc");
    assert_eq!(harness.state.scroll, Scroll::Bottom);
    assert_eq!(harness.state.focus, Focus::Composer);
    // Without a match there is nothing to keep; it is told once it is known.
    harness.press("f3");
    harness.type_text("qq");
    harness.press("enter");
    assert!(harness.state.find.is_some());
    told(&mut harness, &[]);
    assert_eq!(harness.toast(), "\"qq\" is nowhere here");
    assert!(harness.state.find.is_none());
}

#[test]
fn in_a_patch_n_means_hunks_again_once_the_search_has_ended() {
    let mut harness = Harness::ready();
    let block = harness.planned();
    harness.measure();
    harness.press("/");
    assert!(harness.state.find.is_some());
    harness.type_text("w");
    told(&mut harness, &[matched(block.0, 1), matched(block.0, 3)]);
    harness.press("enter");
    assert_eq!(harness.state.focus, Focus::Patch(block));
    let cursor = harness.patch(block).cursor;
    harness.press("n");
    assert_eq!(harness.patch(block).cursor, cursor);
    harness.press("esc");
    assert_eq!(
        harness.state.focus,
        Focus::Patch(block),
        "the first Esc ends the search"
    );
    harness.press("n");
    assert_ne!(harness.patch(block).cursor, cursor);
}

#[test]
fn help_is_searched_and_a_search_ends_with_the_text_it_is_in() {
    let mut harness = answered();
    harness.press("f1");
    harness.press("/");
    harness.type_text("y");
    let over = |line| Match {
        block: None,
        line,
        right: false,
        cell: 0,
    };
    told(&mut harness, &[over(30), over(31)]);
    assert_eq!(at(&harness), Some(over(30)));
    assert!(matches!(harness.state.overlay, Some(Overlay::Help { top }) if top > 0));
    harness.press("enter");
    let out = harness.press("y");
    assert!(!has!(out, Command::Copy(_)) && harness.state.overlay.is_some());
    harness.press("esc");
    assert!(harness.state.find.is_none() && harness.state.overlay.is_some());
    harness.press("/");
    harness.press("esc");
    harness.press("esc");
    assert!(harness.state.overlay.is_none());
    // One in the transcript ends where something comes over it.
    harness.press("f3");
    harness.type_text("x");
    harness.event(Event::SessionShown(Ok(("a".to_owned(), "b".to_owned()))));
    assert!(harness.state.find.is_some());
    harness.press("esc");
    assert!(harness.state.find.is_none());
}

#[test]
fn a_search_that_is_open_takes_no_keys_of_lists_and_questions() {
    let mut harness = answered();
    let last = harness.state.blocks.last().expect("a block").id.0;
    harness.press("f3");
    harness.type_text("w");
    told(&mut harness, &[matched(last, 1)]);
    harness.press("enter");
    harness.press("f2");
    harness.type_text("new");
    match &harness.state.overlay {
        Some(Overlay::Palette(picker)) => assert_eq!(picker.filter, "new"),
        other => panic!("{other:?}"),
    }
    harness.press("esc");
    assert!(harness.state.overlay.is_none(), "one Esc is enough");
}

#[test]
fn a_command_typed_away_from_the_composer_goes_there() {
    let mut harness = Harness::ready();
    harness.planned();
    harness.press("/");
    harness.type_text("undo");
    told(&mut harness, &[]);
    harness.press("enter");
    assert_eq!(
        (harness.text(), harness.state.focus),
        ("/undo", Focus::Composer)
    );
    assert!(harness.state.find.is_none());
}
