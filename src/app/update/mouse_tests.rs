//! Tests of the mouse.

use super::*;
use crate::app::sample::*;
use crate::app::{BlockId, Composing, Event, Scroll};

fn at(kind: MouseKind, target: MouseTarget) -> Event {
    Event::Mouse(Mouse {
        kind,
        column: 0,
        row: 0,
        target,
    })
}

fn cell(block: BlockId, line: u32, part: BlockPart) -> MouseTarget {
    MouseTarget::Transcript {
        spot: Spot {
            block,
            line,
            column: 0,
        },
        part,
    }
}

impl Harness {
    fn click(&mut self, target: &MouseTarget) -> Vec<Command> {
        let mut out = self.event(at(MouseKind::Down, target.clone()));
        out.extend(self.event(at(MouseKind::Up, target.clone())));
        out
    }
}

fn long() -> Harness {
    let mut harness = Harness::ready();
    for n in 0..4 {
        harness.exchange(&format!("question {n}"), "```\na\n```\n\n```\nb\n```\n");
    }
    harness.measure();
    harness
}

#[test]
fn the_wheel_scrolls_what_is_under_it() {
    let mut harness = long();
    harness.event(at(MouseKind::Scroll(-3), MouseTarget::Nothing));
    assert_ne!(harness.state.scroll, Scroll::Bottom);
    harness.event(at(MouseKind::Scroll(3), MouseTarget::Nothing));
    assert_eq!(harness.state.scroll, Scroll::Bottom);
    harness.press("ctrl-o right");
    harness.event(at(MouseKind::Scroll(2), MouseTarget::Panel));
    assert_eq!(harness.state.panel.map(|panel| panel.cursor), Some(2));
    harness.press("f1");
    harness.event(at(MouseKind::Scroll(2), MouseTarget::Panel));
    assert!(
        matches!(harness.state.overlay, Some(Overlay::Help { top: 2 })),
        "what lies over all takes it"
    );
}

#[test]
fn dragging_marks_and_copies_and_esc_unmarks() {
    let mut harness = long();
    let (first, last) = (harness.state.blocks[6].id, harness.state.blocks[7].id);
    harness.event(at(MouseKind::Down, cell(first, 1, BlockPart::Text)));
    harness.event(at(MouseKind::Drag, cell(last, 2, BlockPart::Text)));
    harness.event(at(MouseKind::Drag, MouseTarget::Beyond(-1)));
    assert_ne!(
        harness.state.scroll,
        Scroll::Bottom,
        "beyond the end it scrolls"
    );
    let out = harness.event(at(MouseKind::Up, cell(last, 3, BlockPart::Text)));
    assert!(has!(out, Command::CopySelection(selection)
        if selection.from.line == 1 && selection.to.line == 3));
    assert!(
        harness.state.selection.is_some(),
        "it is seen until it is copied"
    );
    harness.press("esc");
    assert!(harness.state.selection.is_none());
}

#[test]
fn a_click_on_a_source_opens_it() {
    let mut harness = Harness::ready();
    let generation = harness.ask("why?");
    for id in [1, 2] {
        let source = a_source(id, ["src/walk.rs", "src/lib.rs"][id as usize - 1], false);
        harness.job(generation, crate::jobs::Event::Source(source));
    }
    harness.done(generation, asked("why?", "so"));
    let id = harness.state.blocks.last().expect("one").id;
    harness.click(&cell(id, 0, BlockPart::Source(2)));
    assert_eq!(harness.state.panel.map(|panel| panel.cursor), Some(1));
    assert_eq!(harness.state.focus, Focus::Panel);
}

#[test]
fn a_click_on_code_marks_it_for_copying() {
    let mut harness = long();
    let id = harness.state.blocks[7].id;
    harness.click(&cell(id, 0, BlockPart::Code(1)));
    assert_eq!(copy_of(&harness.press("y")), Some("b\n"));
}

#[test]
fn clicks_in_a_patch_put_the_cursor_and_fold() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    harness.press("esc");
    harness.click(&cell(id, 0, BlockPart::Hunk(2)));
    assert_eq!(harness.patch(id).cursor, PatchRow::Hunk(2));
    assert_eq!(harness.state.focus, Focus::Patch(id));
    harness.click(&cell(id, 0, BlockPart::PatchFile(0)));
    assert!(harness.patch(id).files[0].folded);
    harness.click(&cell(id, 0, BlockPart::Hunk(99)));
    assert_eq!(
        harness.patch(id).cursor,
        PatchRow::File(0),
        "what is not there is passed over"
    );
}

#[test]
fn a_click_on_a_finding_opens_it() {
    let mut harness = Harness::ready();
    let id = harness.reviewed();
    let out = harness.click(&cell(id, 0, BlockPart::Finding(1)));
    assert!(has!(out, Command::Io(IoCommand::ReadCode { .. })));
    assert!(harness.review(id).findings[1].open);
}

#[test]
fn a_click_in_the_composer_puts_the_cursor() {
    let mut harness = Harness::ready();
    harness.exchange("why?", "so");
    harness.event(Event::Paste("日本".to_owned()));
    harness.press("[");
    harness.click(&MouseTarget::Composer(4));
    assert_eq!(harness.state.composer.cursor(), 3, "between characters");
    assert_eq!(harness.state.focus, Focus::Composer);
    assert_eq!(harness.state.composing, Composing::Request);
}

#[test]
fn a_click_in_the_popup_takes_the_row_and_one_elsewhere_closes_it() {
    let mut harness = Harness::ready();
    harness.type_text("@");
    harness.click(&MouseTarget::Completion(99));
    assert_eq!(harness.text(), "@");
    harness.click(&MouseTarget::Completion(0));
    assert_eq!(harness.text(), "@README.md ");
    harness.press("ctrl-u");
    harness.planned();
    harness.press("esc");
    harness.type_text("z @");
    assert!(harness.state.completion.is_some());
    let id = harness.last_patch();
    harness.click(&cell(id, 0, BlockPart::Hunk(0)));
    assert!(harness.state.completion.is_none());
}

#[test]
fn rows_of_a_list_are_marked_and_then_taken() {
    let mut harness = Harness::ready();
    harness.send("/theme");
    assert!(has!(
        harness.click(&MouseTarget::OverlayRow(1)),
        Command::SetTheme { keep: false, .. }
    ));
    assert!(has!(
        harness.click(&MouseTarget::OverlayRow(1)),
        Command::SetTheme { keep: true, .. }
    ));
    harness.send("/theme");
    harness.click(&MouseTarget::OverlayRow(99));
    assert!(harness.state.overlay.is_some());
    harness.click(&MouseTarget::Nothing);
    assert!(
        harness.state.overlay.is_none(),
        "a click beside it closes it"
    );
}

#[test]
fn the_status_line_explains_itself() {
    let mut harness = Harness::ready();
    harness.click(&MouseTarget::Seal);
    assert_eq!(harness.state.overlay_title(), "sealed");
    harness.press("esc");
    assert!(has!(
        harness.click(&MouseTarget::Model),
        Command::Io(IoCommand::ListModels)
    ));
    harness.press("esc");
    harness.click(&MouseTarget::Help);
    assert_eq!(harness.state.overlay_title(), "help");
    harness.press("esc");
    harness.click(&MouseTarget::ContextFigure);
    assert_eq!(harness.state.focus, Focus::Panel);
}
