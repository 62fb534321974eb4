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
    let mut desk = Harness::ready();
    for n in 0..4 {
        desk.exchange(&format!("question {n}"), "```\na\n```\n\n```\nb\n```\n");
    }
    desk.measure();
    desk
}

#[test]
fn the_wheel_scrolls_what_is_under_it() {
    let mut desk = long();
    desk.event(at(MouseKind::Scroll(-3), MouseTarget::Nothing));
    assert_ne!(desk.state.scroll, Scroll::Bottom);
    desk.event(at(MouseKind::Scroll(3), MouseTarget::Nothing));
    assert_eq!(desk.state.scroll, Scroll::Bottom);
    desk.press("ctrl-o right");
    desk.event(at(MouseKind::Scroll(2), MouseTarget::Panel));
    assert_eq!(desk.state.panel.map(|panel| panel.cursor), Some(2));
    desk.press("f1");
    desk.event(at(MouseKind::Scroll(2), MouseTarget::Panel));
    assert!(
        matches!(desk.state.overlay, Some(Overlay::Help { top: 2 })),
        "what lies over all takes it"
    );
}

#[test]
fn dragging_marks_and_copies_and_esc_unmarks() {
    let mut desk = long();
    let (first, last) = (desk.state.blocks[6].id, desk.state.blocks[7].id);
    desk.event(at(MouseKind::Down, cell(first, 1, BlockPart::Text)));
    desk.event(at(MouseKind::Drag, cell(last, 2, BlockPart::Text)));
    desk.event(at(MouseKind::Drag, MouseTarget::Beyond(-1)));
    assert_ne!(
        desk.state.scroll,
        Scroll::Bottom,
        "beyond the end it scrolls"
    );
    let out = desk.event(at(MouseKind::Up, cell(last, 3, BlockPart::Text)));
    assert!(has!(out, Command::CopySelection(selection)
        if selection.from.line == 1 && selection.to.line == 3));
    assert!(
        desk.state.selection.is_some(),
        "it is seen until it is copied"
    );
    desk.press("esc");
    assert!(desk.state.selection.is_none());
}

#[test]
fn a_click_on_a_source_opens_it() {
    let mut desk = Harness::ready();
    let generation = desk.ask("why?");
    for id in [1, 2] {
        let source = a_source(id, ["src/walk.rs", "src/lib.rs"][id as usize - 1], false);
        desk.job(generation, crate::jobs::Event::Source(source));
    }
    desk.done(generation, asked("why?", "so"));
    let id = desk.state.blocks.last().expect("one").id;
    desk.click(&cell(id, 0, BlockPart::Source(2)));
    assert_eq!(desk.state.panel.map(|panel| panel.cursor), Some(1));
    assert_eq!(desk.state.focus, Focus::Panel);
}

#[test]
fn a_click_on_code_marks_it_for_copying() {
    let mut desk = long();
    let id = desk.state.blocks[7].id;
    desk.click(&cell(id, 0, BlockPart::Code(1)));
    assert_eq!(copy_of(&desk.press("y")), Some("b\n"));
}

#[test]
fn clicks_in_a_patch_put_the_cursor_and_fold() {
    let mut desk = Harness::ready();
    let id = desk.planned();
    desk.press("esc");
    desk.click(&cell(id, 0, BlockPart::Hunk(2)));
    assert_eq!(desk.patch(id).cursor, PatchRow::Hunk(2));
    assert_eq!(desk.state.focus, Focus::Patch(id));
    desk.click(&cell(id, 0, BlockPart::PatchFile(0)));
    assert!(desk.patch(id).files[0].folded);
    desk.click(&cell(id, 0, BlockPart::Hunk(99)));
    assert_eq!(
        desk.patch(id).cursor,
        PatchRow::File(0),
        "what is not there is passed over"
    );
}

#[test]
fn a_click_on_a_finding_opens_it() {
    let mut desk = Harness::ready();
    let id = desk.reviewed();
    let out = desk.click(&cell(id, 0, BlockPart::Finding(1)));
    assert!(has!(out, Command::ReadCode { .. }));
    assert!(desk.review(id).findings[1].open);
}

#[test]
fn a_click_in_the_composer_puts_the_cursor() {
    let mut desk = Harness::ready();
    desk.exchange("why?", "so");
    desk.event(Event::Paste("日本".to_owned()));
    desk.press("[");
    desk.click(&MouseTarget::Composer(4));
    assert_eq!(desk.state.composer.cursor(), 3, "between characters");
    assert_eq!(desk.state.focus, Focus::Composer);
    assert_eq!(desk.state.composing, Composing::Request);
}

#[test]
fn a_click_in_the_popup_takes_the_row_and_one_elsewhere_closes_it() {
    let mut desk = Harness::ready();
    desk.type_text("@");
    desk.click(&MouseTarget::Completion(99));
    assert_eq!(desk.text(), "@");
    desk.click(&MouseTarget::Completion(0));
    assert_eq!(desk.text(), "@README.md ");
    desk.press("ctrl-u");
    desk.planned();
    desk.press("esc");
    desk.type_text("z @");
    assert!(desk.state.completion.is_some());
    let id = desk.last_patch();
    desk.click(&cell(id, 0, BlockPart::Hunk(0)));
    assert!(desk.state.completion.is_none());
}

#[test]
fn rows_of_a_list_are_marked_and_then_taken() {
    let mut desk = Harness::ready();
    desk.send("/theme");
    assert!(has!(
        desk.click(&MouseTarget::OverlayRow(1)),
        Command::SetTheme { keep: false, .. }
    ));
    assert!(has!(
        desk.click(&MouseTarget::OverlayRow(1)),
        Command::SetTheme { keep: true, .. }
    ));
    desk.send("/theme");
    desk.click(&MouseTarget::OverlayRow(99));
    assert!(desk.state.overlay.is_some());
    desk.click(&MouseTarget::Nothing);
    assert!(desk.state.overlay.is_none(), "a click beside it closes it");
}

#[test]
fn the_status_line_explains_itself() {
    let mut desk = Harness::ready();
    desk.click(&MouseTarget::Seal);
    assert_eq!(desk.state.overlay_title(), "sealed");
    desk.press("esc");
    assert!(has!(desk.click(&MouseTarget::Model), Command::ListModels));
    desk.press("esc");
    desk.click(&MouseTarget::Help);
    assert_eq!(desk.state.overlay_title(), "help");
    desk.press("esc");
    desk.click(&MouseTarget::ContextFigure);
    assert_eq!(desk.state.focus, Focus::Panel);
}
