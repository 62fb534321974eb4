//! Mouse events: the wheel scrolls what is under it, a click puts the cursor or opens, dragging
//! marks and copies.

use super::super::blocks::block::Body;
use super::super::blocks::patch_block::PatchRow;
use super::super::command::Command;
use super::super::overlay::Overlay;
use super::super::pointer::{BlockPart, Mouse, MouseKind, MouseTarget, Selection, Spot};
use super::super::state::{Focus, State};
use super::{compose, models, overlay, panel, reviewing, scroll, stop};

/// Does what a mouse event asks for.
pub(super) fn mouse(state: &mut State, mouse: &Mouse, out: &mut Vec<Command>) {
    match mouse.kind {
        MouseKind::Scroll(lines) => wheel(state, &mouse.target, lines, out),
        MouseKind::Down => down(state, &mouse.target, out),
        MouseKind::Drag => drag(state, &mouse.target),
        MouseKind::Up => up(state, &mouse.target, out),
    }
}

fn wheel(state: &mut State, target: &MouseTarget, lines: i32, out: &mut Vec<Command>) {
    let by = lines as isize;
    if state.overlay.is_some() {
        overlay::go(state, by, out);
        return;
    }
    match target {
        MouseTarget::Panel | MouseTarget::PanelRow(_) => panel::step(state, by, out),
        MouseTarget::Completion(_) => compose::popup_move(state, by.signum()),
        _ => scroll::by(state, i64::from(lines)),
    }
}

fn down(state: &mut State, target: &MouseTarget, out: &mut Vec<Command>) {
    state.selection = None;
    state.dragging = false;
    if state.overlay.is_some() {
        match target {
            MouseTarget::OverlayRow(row) => click_row(state, *row, out),
            MouseTarget::Overlay => {}
            _ => overlay::close(state, out),
        }
        return;
    }
    match target {
        MouseTarget::Transcript { spot, .. } => {
            state.selection = Some(Selection {
                from: *spot,
                to: *spot,
            });
            state.dragging = true;
        }
        MouseTarget::Composer(offset) => {
            scroll::leave(state);
            state.composer.put_cursor(*offset);
            compose::refresh(state);
        }
        MouseTarget::Completion(row) => {
            if let Some(popup) = &mut state.completion
                && *row < popup.items.len()
            {
                popup.cursor = *row;
                compose::accept(state, false, out);
            }
        }
        MouseTarget::PanelRow(row) => panel::go(state, *row, out),
        MouseTarget::Panel if state.panel.is_some() => state.focus = Focus::Panel,
        MouseTarget::Seal => stop::explain_seal(state),
        MouseTarget::Model => models::open_models(state, false, out),
        MouseTarget::ContextFigure => {
            stop::show_context(state);
            state.focus = Focus::Panel;
            panel::clamp(state);
        }
        MouseTarget::Help => overlay::help(state),
        _ => {}
    }
}

/// Takes the clicked row if the cursor is on it; else moves the cursor there.
fn click_row(state: &mut State, row: usize, out: &mut Vec<Command>) {
    let at = match &state.overlay {
        Some(Overlay::Models(picker)) => (picker.list.cursor, picker.list.shown.len()),
        Some(Overlay::Sessions(picker)) => (picker.list.cursor, picker.list.shown.len()),
        Some(Overlay::Themes(picker)) => (picker.cursor, picker.shown.len()),
        Some(Overlay::Search(picker)) => (picker.cursor, picker.shown.len()),
        Some(Overlay::Settings(form)) if form.change.is_none() => {
            (form.list.cursor, form.list.shown.len())
        }
        Some(Overlay::Palette(picker)) => (picker.cursor, picker.shown.len()),
        Some(Overlay::History(picker)) => (picker.cursor, picker.shown.len()),
        _ => return,
    };
    let (cursor, len) = at;
    if row >= len {
        return;
    }
    if row == cursor {
        overlay::choose(state, out);
    } else {
        overlay::go(state, row as isize - cursor as isize, out);
    }
}

fn drag(state: &mut State, target: &MouseTarget) {
    if !state.dragging {
        return;
    }
    match target {
        MouseTarget::Transcript { spot, .. } => set_end(state, *spot),
        MouseTarget::Beyond(way) => scroll::by(state, i64::from(*way)),
        _ => {}
    }
}

fn set_end(state: &mut State, spot: Spot) {
    if let Some(selection) = &mut state.selection {
        selection.to = spot;
    }
}

fn up(state: &mut State, target: &MouseTarget, out: &mut Vec<Command>) {
    if !std::mem::take(&mut state.dragging) {
        return;
    }
    if let MouseTarget::Transcript { spot, .. } = target {
        set_end(state, *spot);
    }
    let Some(selection) = state.selection else {
        return;
    };
    if selection.from == selection.to {
        // It was a click.
        state.selection = None;
        if let MouseTarget::Transcript { spot, part } = target {
            click(state, *spot, *part, out);
        }
        return;
    }
    out.push(Command::CopySelection(selection));
}

fn click(state: &mut State, spot: Spot, part: BlockPart, out: &mut Vec<Command>) {
    let id = spot.block;
    if state.block(id).is_none() {
        return;
    }
    match part {
        BlockPart::Source(source) => {
            super::job::mark(state, id);
            panel::open_source(state, source, out);
        }
        BlockPart::Thinking => {
            if let Some(Body::Answer(answer)) = state.body_mut(id) {
                answer.thinking.open = !answer.thinking.open;
            }
        }
        BlockPart::Folded => match state.body_mut(id) {
            Some(Body::User(turn)) => turn.open = !turn.open,
            _ => panel::toggle(state, out),
        },
        BlockPart::Code(at) => {
            super::job::mark(state, id);
            if let Some(cursor) = &mut state.cursor {
                cursor.code = Some(at);
            }
            state.focus = Focus::Transcript;
        }
        BlockPart::PatchFile(_) | BlockPart::Hunk(_) => click_patch(state, spot, part),
        BlockPart::Finding(at) => {
            let Some(Body::Review(review)) = state.body_mut(id) else {
                return;
            };
            if at < review.findings.len() {
                review.cursor = at;
                state.focus = Focus::Review(id);
                reviewing::toggle(state, id, out);
            }
        }
        BlockPart::Text => {
            super::job::mark(state, id);
            state.focus = match state.block(id).map(|block| &block.body) {
                Some(Body::Patch(_)) => Focus::Patch(id),
                Some(Body::Review(_)) => Focus::Review(id),
                _ => Focus::Transcript,
            };
        }
    }
    panel::clamp(state);
}

fn click_patch(state: &mut State, spot: Spot, part: BlockPart) {
    let Some(Body::Patch(patch)) = state.body_mut(spot.block) else {
        return;
    };
    match part {
        BlockPart::PatchFile(at) => {
            if let Some(file) = patch.files.get_mut(at) {
                file.folded = !file.folded;
                patch.cursor = PatchRow::File(at);
            }
        }
        BlockPart::Hunk(at) if at < patch.hunks.len() => patch.cursor = PatchRow::Hunk(at),
        _ => return,
    }
    state.focus = Focus::Patch(spot.block);
}

#[cfg(test)]
#[path = "mouse_tests.rs"]
mod tests;
