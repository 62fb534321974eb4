//! Tests of scrolling and of the cursor over blocks.

use proptest::prelude::*;

use super::*;
use crate::app::Event;
use crate::app::sample::*;

/// Four answers, every block ten rows tall: 80 rows, of which 12 are seen.
fn long() -> Harness {
    let mut desk = Harness::ready();
    for n in 0..4 {
        desk.exchange(&format!("question {n}"), &format!("answer {n}"));
    }
    desk.measure();
    desk
}

/// The first row seen, from the start of the transcript.
fn first(desk: &Harness) -> u64 {
    top(&desk.state).unwrap_or_else(|| last_top(&desk.state))
}

fn layout(desk: &Harness, change: impl Fn(usize, &mut u32)) -> Layout {
    let mut layout = desk.state.layout.clone();
    for (at, (_, height)) in layout.heights.iter_mut().enumerate() {
        change(at, height);
    }
    layout
}

#[test]
fn it_follows_at_the_bottom() {
    let mut desk = long();
    assert_eq!(desk.state.scroll, Scroll::Bottom);
    let taller = layout(&desk, |at, height| *height += if at == 7 { 30 } else { 0 });
    desk.event(Event::Measured(taller));
    assert_eq!(desk.state.scroll, Scroll::Bottom);
    assert_eq!(first(&desk), 98);
}

#[test]
fn once_scrolled_what_grows_above_or_below_moves_nothing() {
    let mut desk = long();
    desk.press("pgup pgup");
    let before = desk.state.scroll;
    assert_eq!(
        before,
        Scroll::At {
            block: desk.state.blocks[4].id,
            line: 8,
        }
    );
    for grown in [0, 3, 5, 7] {
        let taller = layout(&desk, |at, height| {
            *height += if at == grown { 9 } else { 0 }
        });
        desk.event(Event::Measured(taller));
        assert_eq!(desk.state.scroll, before, "block {grown} grew");
    }
    let generation = desk.ask("more");
    desk.state.scroll = before;
    desk.token(generation, "text");
    desk.measure();
    assert_eq!(desk.state.scroll, before);
}

#[test]
fn a_question_brings_the_end_back() {
    let mut desk = long();
    desk.press("pgup");
    assert_ne!(desk.state.scroll, Scroll::Bottom);
    desk.ask("more");
    assert_eq!(desk.state.scroll, Scroll::Bottom);
}

#[test]
fn pages_keep_two_rows_and_stop_at_the_ends() {
    let mut desk = long();
    desk.press("pgup");
    assert_eq!(first(&desk), 58);
    desk.press("pgdn");
    assert_eq!(
        desk.state.scroll,
        Scroll::Bottom,
        "at the end it follows again"
    );
    for _ in 0..20 {
        desk.press("pgup");
    }
    assert_eq!(first(&desk), 0);
    assert!(matches!(desk.state.scroll, Scroll::At { line: 0, .. }));
}

#[test]
fn another_width_keeps_the_eye_at_the_same_share_of_the_block() {
    let mut desk = long();
    desk.press("pgup pgup");
    let mut narrow = layout(&desk, |_, height| *height *= 2);
    narrow.width = 40;
    desk.event(Event::Resize {
        width: 40,
        height: 24,
    });
    desk.event(Event::Measured(narrow));
    assert_eq!(
        desk.state.scroll,
        Scroll::At {
            block: desk.state.blocks[4].id,
            line: 16,
        }
    );
}

#[test]
fn where_all_is_seen_it_is_at_the_bottom() {
    let mut desk = long();
    desk.press("pgup");
    desk.measure_as(80, 100, 10);
    assert_eq!(desk.state.scroll, Scroll::Bottom);
    desk.press("pgup");
    assert_eq!(desk.state.scroll, Scroll::Bottom);
}

#[test]
fn brackets_go_between_answers_and_leave_behind_the_last() {
    let mut desk = long();
    let answers: Vec<BlockId> = desk
        .state
        .blocks
        .iter()
        .filter(|b| is_stop(&b.body))
        .map(|b| b.id)
        .collect();
    let at = |desk: &Harness| desk.state.cursor.map(|cursor| cursor.block);
    desk.press("[");
    assert_eq!(at(&desk), Some(answers[3]));
    assert_eq!(desk.state.focus, Focus::Transcript);
    desk.press("[ [");
    assert_eq!(at(&desk), Some(answers[1]));
    assert_eq!(first(&desk), 30, "its first row is seen");
    desk.press("[ [ [");
    assert_eq!(at(&desk), Some(answers[0]));
    desk.press("] ] ] ]");
    assert_eq!(at(&desk), None);
    assert_eq!(desk.state.focus, Focus::Composer);
    assert_eq!(desk.state.scroll, Scroll::Bottom);
    desk.type_text("a[");
    assert_eq!(desk.text(), "a[", "within a text it is a character");
}

#[test]
fn home_and_end_lead_to_the_ends_also_from_a_patch() {
    let mut desk = long();
    let patch = desk.planned();
    desk.measure();
    assert_eq!(desk.state.focus, Focus::Patch(patch));
    desk.press("home");
    assert_eq!(first(&desk), 0);
    desk.press("end");
    assert_eq!(desk.state.scroll, Scroll::Bottom);
    assert_eq!(desk.state.focus, Focus::Patch(patch));
}

#[test]
fn the_block_at_the_cursor_is_copied_as_its_source() {
    let mut desk = Harness::ready();
    let text = "Use this:\n\n```rust\nfn a() {}\n```\n\nor\n\n```\nb\n```\n";
    desk.exchange("how?", text);
    desk.measure();
    desk.press("[");
    assert_eq!(copy_of(&desk.press("y")), Some(text));
    desk.press("}");
    assert_eq!(copy_of(&desk.press("y")), Some("fn a() {}\n"));
    desk.press("} } }");
    assert_eq!(copy_of(&desk.press("y")), Some("b\n"));
    desk.press("{ {");
    assert_eq!(copy_of(&desk.press("y")), Some(text));
}

#[test]
fn every_block_can_be_had_as_text() {
    let mut desk = Harness::ready();
    desk.reviewed();
    desk.planned();
    desk.event(Event::Warning(
        crate::base::Failure::config("a broken theme").hint("mend it"),
    ));
    let texts: Vec<Option<String>> = desk
        .state
        .blocks
        .iter()
        .map(|block| {
            source(
                &desk.state,
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
    let mut desk = Harness::ready();
    assert!(copy_of(&desk.send("/copy")).is_none());
    assert!(desk.toast().contains("no answer to copy"));
}

#[test]
fn enter_opens_what_the_block_holds() {
    let mut desk = Harness::ready();
    let generation = desk.ask("why?");
    desk.job(
        generation,
        crate::jobs::Event::Thinking {
            text: "hm".to_owned(),
        },
    );
    desk.token(generation, "so");
    desk.done(generation, asked("why?", "so"));
    desk.measure();
    desk.press("[ enter");
    assert!(desk.answer().thinking.open);
    let patch = desk.planned();
    desk.state.focus = Focus::Composer;
    desk.measure();
    desk.press("[ enter");
    assert_eq!(desk.state.focus, Focus::Patch(patch));
}

#[test]
fn tab_on_nothing_reads_and_tab_again_types() {
    let mut desk = long();
    desk.press("tab");
    assert_eq!(desk.state.focus, Focus::Transcript);
    desk.press("tab");
    assert_eq!(desk.state.focus, Focus::Composer);
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
        let mut desk = long();
        let with = |desk: &mut Harness, heights: &[u32], width| {
            let mut new = layout(desk, |at, height| *height = heights[at]);
            new.rows = rows;
            new.width = width;
            desk.event(Event::Measured(new));
        };
        with(&mut desk, &heights, 80);
        for step in steps {
            by(&mut desk.state, step);
            prop_assert!(first(&desk) <= last_top(&desk.state));
        }
        with(&mut desk, &after, width);
        prop_assert!(first(&desk) <= last_top(&desk.state));
    }
}
