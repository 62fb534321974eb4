//! Tests of scrolling and of the cursor over blocks.

use proptest::prelude::*;

use super::*;
use crate::app::Event;
use crate::app::sample::*;

/// Four answers, every block ten rows tall: 80 rows, of which 12 are seen.
fn long() -> Harness {
    let mut harness = Harness::ready();
    for n in 0..4 {
        harness.exchange(&format!("question {n}"), &format!("answer {n}"));
    }
    harness.measure();
    harness
}

/// The first row seen, from the start of the transcript.
fn first(harness: &Harness) -> u64 {
    top(&harness.state).unwrap_or_else(|| last_top(&harness.state))
}

fn layout(harness: &Harness, change: impl Fn(usize, &mut u32)) -> Layout {
    let mut layout = harness.state.layout.clone();
    for (at, (_, height)) in layout.heights.iter_mut().enumerate() {
        change(at, height);
    }
    layout
}

#[test]
fn it_follows_at_the_bottom() {
    let mut harness = long();
    assert_eq!(harness.state.scroll, Scroll::Bottom);
    let taller = layout(&harness, |at, height| {
        *height += if at == 7 { 30 } else { 0 }
    });
    harness.event(Event::Measured(taller));
    assert_eq!(harness.state.scroll, Scroll::Bottom);
    assert_eq!(first(&harness), 98);
}

#[test]
fn once_scrolled_what_grows_above_or_below_moves_nothing() {
    let mut harness = long();
    harness.press("pgup pgup");
    let before = harness.state.scroll;
    assert_eq!(
        before,
        Scroll::At {
            block: harness.state.blocks[4].id,
            line: 8,
        }
    );
    for grown in [0, 3, 5, 7] {
        let taller = layout(&harness, |at, height| {
            *height += if at == grown { 9 } else { 0 }
        });
        harness.event(Event::Measured(taller));
        assert_eq!(harness.state.scroll, before, "block {grown} grew");
    }
    let generation = harness.ask("more");
    harness.state.scroll = before;
    harness.token(generation, "text");
    harness.measure();
    assert_eq!(harness.state.scroll, before);
}

#[test]
fn a_question_brings_the_end_back() {
    let mut harness = long();
    harness.press("pgup");
    assert_ne!(harness.state.scroll, Scroll::Bottom);
    harness.ask("more");
    assert_eq!(harness.state.scroll, Scroll::Bottom);
}

#[test]
fn pages_keep_two_rows_and_stop_at_the_ends() {
    let mut harness = long();
    harness.press("pgup");
    assert_eq!(first(&harness), 58);
    harness.press("pgdn");
    assert_eq!(
        harness.state.scroll,
        Scroll::Bottom,
        "at the end it follows again"
    );
    for _ in 0..20 {
        harness.press("pgup");
    }
    assert_eq!(first(&harness), 0);
    assert!(matches!(harness.state.scroll, Scroll::At { line: 0, .. }));
}

#[test]
fn another_width_keeps_the_eye_at_the_same_share_of_the_block() {
    let mut harness = long();
    harness.press("pgup pgup");
    let mut narrow = layout(&harness, |_, height| *height *= 2);
    narrow.width = 40;
    harness.event(Event::Resize {
        width: 40,
        height: 24,
    });
    harness.event(Event::Measured(narrow));
    assert_eq!(
        harness.state.scroll,
        Scroll::At {
            block: harness.state.blocks[4].id,
            line: 16,
        }
    );
}

#[test]
fn where_all_is_seen_it_is_at_the_bottom() {
    let mut harness = long();
    harness.press("pgup");
    harness.measure_as(80, 100, 10);
    assert_eq!(harness.state.scroll, Scroll::Bottom);
    harness.press("pgup");
    assert_eq!(harness.state.scroll, Scroll::Bottom);
}

#[test]
fn brackets_go_between_answers_and_leave_behind_the_last() {
    let mut harness = long();
    let answers: Vec<BlockId> = harness
        .state
        .blocks
        .iter()
        .filter(|b| is_stop(&b.body))
        .map(|b| b.id)
        .collect();
    let at = |harness: &Harness| harness.state.cursor.map(|cursor| cursor.block);
    harness.press("[");
    assert_eq!(at(&harness), Some(answers[3]));
    assert_eq!(harness.state.focus, Focus::Transcript);
    harness.press("[ [");
    assert_eq!(at(&harness), Some(answers[1]));
    assert_eq!(first(&harness), 30, "its first row is seen");
    harness.press("[ [ [");
    assert_eq!(at(&harness), Some(answers[0]));
    harness.press("] ] ] ]");
    assert_eq!(at(&harness), None);
    assert_eq!(harness.state.focus, Focus::Composer);
    assert_eq!(harness.state.scroll, Scroll::Bottom);
    harness.type_text("a[");
    assert_eq!(harness.text(), "a[", "within a text it is a character");
}

#[test]
fn home_and_end_lead_to_the_ends_also_from_a_patch() {
    let mut harness = long();
    let patch = harness.planned();
    harness.measure();
    assert_eq!(harness.state.focus, Focus::Patch(patch));
    harness.press("home");
    assert_eq!(first(&harness), 0);
    harness.press("end");
    assert_eq!(harness.state.scroll, Scroll::Bottom);
    assert_eq!(harness.state.focus, Focus::Patch(patch));
}

#[test]
fn the_block_at_the_cursor_is_copied_as_its_source() {
    let mut harness = Harness::ready();
    let text = "Use this:\n\n```rust\nfn a() {}\n```\n\nor\n\n```\nb\n```\n";
    harness.exchange("how?", text);
    harness.measure();
    harness.press("[");
    assert_eq!(copy_of(&harness.press("y")), Some(text));
    harness.press("}");
    assert_eq!(copy_of(&harness.press("y")), Some("fn a() {}\n"));
    harness.press("} } }");
    assert_eq!(copy_of(&harness.press("y")), Some("b\n"));
    harness.press("{ {");
    assert_eq!(copy_of(&harness.press("y")), Some(text));
}

#[test]
fn every_block_can_be_had_as_text() {
    let mut harness = Harness::ready();
    harness.reviewed();
    harness.planned();
    harness.event(Event::Warning(
        crate::base::Failure::config("a broken theme").hint("mend it"),
    ));
    let texts: Vec<Option<String>> = harness
        .state
        .blocks
        .iter()
        .map(|block| {
            source(
                &harness.state,
                Cursor {
                    block: block.id,
                    code: None,
                },
            )
        })
        .collect();
    let all = texts
        .into_iter()
        .map(|text| text.expect("a text"))
        .collect::<Vec<_>>();
    assert!(
        all.iter()
            .any(|text| text.starts_with("# Review of what is staged"))
    );
    assert!(all.iter().any(|text| text.contains("--- a/src/lib.rs")));
    assert!(all.iter().any(|text| text == "a broken theme\nmend it"));
    assert!(all.iter().any(|text| text == "/review"));
}

#[test]
fn nothing_to_copy_is_said() {
    let mut harness = Harness::ready();
    assert!(copy_of(&harness.send("/copy")).is_none());
    assert!(harness.toast().contains("no answer to copy"));
}

#[test]
fn enter_opens_what_the_block_holds() {
    let mut harness = Harness::ready();
    let generation = harness.ask("why?");
    harness.job(
        generation,
        crate::jobs::Event::Thinking {
            text: "hm".to_owned(),
        },
    );
    harness.token(generation, "so");
    harness.done(generation, asked("why?", "so"));
    harness.measure();
    harness.press("[ enter");
    assert!(harness.answer().thinking.open);
    let patch = harness.planned();
    harness.state.focus = Focus::Composer;
    harness.measure();
    harness.press("[ enter");
    assert_eq!(harness.state.focus, Focus::Patch(patch));
}

#[test]
fn tab_on_nothing_reads_and_tab_again_types() {
    let mut harness = long();
    harness.press("tab");
    assert_eq!(harness.state.focus, Focus::Transcript);
    harness.press("tab");
    assert_eq!(harness.state.focus, Focus::Composer);
}

proptest! {
    #[test]
    fn the_first_row_is_always_one_that_is_there(
        heights in prop::collection::vec(0..30u32, 8),
        rows in 0..40u16,
        steps in prop::collection::vec(-60..60i64, 0..20),
        after in prop::collection::vec(0..30u32, 8),
        width in prop::sample::select(vec![40u16, 80]),
    ) {
        let mut harness = long();
        let with = |harness: &mut Harness, heights: &[u32], width| {
            let mut new = layout(harness, |at, height| *height = heights[at]);
            new.rows = rows;
            new.width = width;
            harness.event(Event::Measured(new));
        };
        with(&mut harness, &heights, 80);
        for step in steps {
            by(&mut harness.state, step);
            prop_assert!(first(&harness) <= last_top(&harness.state));
        }
        with(&mut harness, &after, width);
        prop_assert!(first(&harness) <= last_top(&harness.state));
    }
}
