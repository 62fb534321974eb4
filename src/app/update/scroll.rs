//! Scrolling, and the cursor over blocks.
//!
//! The transcript's position is kept as a block and a line in it, so that what is added
//! below, or taken away above, leaves the text under the eye where it is.

use super::super::blocks::block::{BlockId, Body};
use super::super::command::Command;
use super::super::markdown;
use super::super::next_step::next_step_here;
use super::super::state::{Cursor, Focus, Layout, Scroll, State};

/// Takes new heights in. A block that became taller or lower because the width has changed
/// keeps the eye at the same share of it.
pub(super) fn measured(state: &mut State, layout: Layout) {
    if let Scroll::At { block, line } = state.scroll
        && state.layout.width != layout.width
        && let (Some(before), Some(after)) = (height(&state.layout, block), height(&layout, block))
    {
        let line = u64::from(line) * u64::from(after) / u64::from(before.max(1));
        state.scroll = Scroll::At {
            block,
            line: u32::try_from(line).unwrap_or(u32::MAX),
        };
    }
    let moved = layout
        .cursor_rows
        .filter(|rows| state.layout.cursor_rows != Some(*rows));
    state.layout = layout;
    // Lists keep their cursor in sight, and texts their end, in the room there is now.
    if state.overlay.is_some() {
        super::overlay::scroll(state, 0);
    }
    super::panel::clamp(state);
    if let Some((block, first, last)) = moved {
        reveal(state, block, first, last);
    }
    if let Some(top) = top(state) {
        // The end came into view (blocks shrank, or the window grew).
        if top > last_top(state) {
            state.scroll = Scroll::Bottom;
        }
    }
}

fn height(layout: &Layout, id: BlockId) -> Option<u32> {
    layout
        .heights
        .binary_search_by_key(&id, |(block, _)| *block)
        .ok()
        .and_then(|at| layout.heights.get(at))
        .map(|(_, height)| *height)
}

fn total(state: &State) -> u64 {
    state
        .layout
        .heights
        .iter()
        .map(|(_, h)| u64::from(*h))
        .sum()
}

/// The first row in view when the end is in view.
fn last_top(state: &State) -> u64 {
    total(state).saturating_sub(u64::from(state.layout.rows))
}

/// The first row in view, counted from the start of the transcript.
pub(super) fn first_row(state: &State) -> u64 {
    top(state).unwrap_or_else(|| last_top(state))
}

/// The first row of a block, counted from the start of the transcript.
pub(super) fn row_of(state: &State, block: BlockId) -> u64 {
    let heights = &state.layout.heights;
    let before = heights.iter().take_while(|(id, _)| *id < block);
    before.map(|(_, height)| u64::from(*height)).sum()
}

/// The first row in view, counted from the start of the transcript; none at the bottom.
fn top(state: &State) -> Option<u64> {
    let Scroll::At { block, line } = state.scroll else {
        return None;
    };
    let mut rows = 0;
    for (id, height) in &state.layout.heights {
        if *id >= block {
            let inside = if *id == block {
                line.min(height.saturating_sub(1))
            } else {
                0
            };
            return Some(rows + u64::from(inside));
        }
        rows += u64::from(*height);
    }
    Some(rows)
}

fn set_top(state: &mut State, to: u64) {
    if to >= last_top(state) {
        state.scroll = Scroll::Bottom;
        return;
    }
    let mut rows = 0;
    for (id, height) in &state.layout.heights {
        let height = u64::from(*height);
        if to < rows + height {
            state.scroll = Scroll::At {
                block: *id,
                line: (to - rows) as u32,
            };
            return;
        }
        rows += height;
    }
    state.scroll = Scroll::Bottom;
}

/// Scrolls by rows; negative is up.
pub(super) fn by(state: &mut State, rows: i64) {
    let top = top(state).unwrap_or_else(|| last_top(state));
    set_top(state, top.saturating_add_signed(rows));
}

/// Scrolls by pages less two rows, which stay in view.
pub(super) fn page(state: &mut State, pages: i64) {
    by(
        state,
        pages * i64::from(state.layout.rows.saturating_sub(2).max(1)),
    );
}

/// Scrolls to the start.
pub(super) fn to_top(state: &mut State) {
    set_top(state, 0);
}

/// Scrolls to the end, and stays there.
pub(super) fn to_bottom(state: &mut State) {
    state.scroll = Scroll::Bottom;
}

/// Scrolls as little as will do to bring rows of a block into view; the head of the block
/// with them, where there is room for both.
fn reveal(state: &mut State, block: BlockId, first: u32, last: u32) {
    let view = u64::from(state.layout.rows);
    let before = row_of(state, block);
    let last = u64::from(last) + 1;
    let first = if last <= view { 0 } else { u64::from(first) };
    let top = top(state).unwrap_or_else(|| last_top(state));
    let (first, last) = (before + first, before + last);
    if first < top {
        set_top(state, first);
    } else if last > top + view {
        set_top(state, first.min(last.saturating_sub(view)));
    }
}

/// Brings a row of a block into view, with a few around it; nothing moves where it is.
pub(super) fn reveal_row(state: &mut State, block: BlockId, line: u32) {
    let row = row_of(state, block) + u64::from(line);
    let view = u64::from(state.layout.rows.max(1));
    let top = first_row(state);
    if row < top || row >= top + view {
        set_top(state, row.saturating_sub(view / 3));
    }
}

/// Scrolls to the first row of a block, if the block is not in view whole.
pub(super) fn show(state: &mut State, id: BlockId) {
    let mut rows = 0;
    for (block, height) in &state.layout.heights {
        if *block == id {
            let view = u64::from(state.layout.rows);
            let top = top(state).unwrap_or_else(|| last_top(state));
            if rows < top || rows + u64::from(*height) > top + view {
                set_top(state, rows);
            }
            return;
        }
        rows += u64::from(*height);
    }
}

fn is_stop(body: &Body) -> bool {
    matches!(
        body,
        Body::Answer(_) | Body::Patch(_) | Body::Review(_) | Body::Error(_)
    )
}

/// Tells whether the cursor can stand on a block: an answer, or something folded.
fn can_stand(body: &Body) -> bool {
    let pasted = |body: &Body| matches!(body, Body::User(turn) if !turn.pastes.is_empty());
    is_stop(body) || matches!(body, Body::Fold(_)) || pasted(body)
}

/// Tells whether there is a block the cursor can stand on.
pub(super) fn has_answers(state: &State) -> bool {
    state.blocks.iter().any(|block| can_stand(&block.body))
}

/// Moves the cursor to the answer before (`-1`) or behind (`1`).
pub(super) fn answer(state: &mut State, by: i32) {
    let stops: Vec<BlockId> = state
        .blocks
        .iter()
        .filter(|block| can_stand(&block.body))
        .map(|block| block.id)
        .collect();
    let to = match state.cursor {
        None if by < 0 => stops.last(),
        None => None,
        Some(cursor) if by < 0 => stops.iter().rev().find(|id| **id < cursor.block),
        Some(cursor) => stops.iter().find(|id| **id > cursor.block),
    };
    match to {
        Some(&block) => {
            state.cursor = Some(Cursor { block, code: None });
            state.focus = Focus::Transcript;
            show(state, block);
            super::panel::clamp(state);
        }
        // Behind the last answer comes the composer.
        None if by > 0 => {
            leave(state);
            to_bottom(state);
        }
        None => {}
    }
}

/// Moves the cursor over the code blocks of an answer.
pub(super) fn code(state: &mut State, by: i32) {
    if state.cursor.is_none() {
        answer(state, -1);
    }
    let Some(cursor) = state.cursor else { return };
    let count = match state.block(cursor.block).map(|block| &block.body) {
        Some(Body::Answer(answer)) => markdown::code_blocks(&answer.text).len(),
        _ => 0,
    };
    let code = match (cursor.code, by < 0) {
        (None, false) if count > 0 => Some(0),
        (Some(at), false) => Some((at + 1).min(count.saturating_sub(1))),
        (Some(at), true) => at.checked_sub(1),
        (None, _) => None,
    };
    state.cursor = Some(Cursor { code, ..cursor });
    if code.is_some() {
        // Where its rows are is known once they are drawn: they are told as moved, also where the
        // same block is chosen again.
        state.layout.cursor_rows = None;
    } else {
        show(state, cursor.block);
    }
}

/// Leaves for the composer; nothing is marked any more.
pub(super) fn leave(state: &mut State) {
    state.cursor = None;
    state.focus = Focus::Composer;
    super::panel::clamp(state);
}

/// Opens the block at the cursor.
pub(super) fn open(state: &mut State, out: &mut Vec<Command>) {
    let Some(cursor) = state.cursor else { return };
    match state.body_mut(cursor.block) {
        Some(Body::Answer(answer)) if answer.thinking.is_some() => {
            answer.thinking.open = !answer.thinking.open;
        }
        Some(Body::User(turn)) if !turn.pastes.is_empty() => turn.open = !turn.open,
        Some(Body::Patch(_)) => state.focus = Focus::Patch(cursor.block),
        Some(Body::Review(_)) => state.focus = Focus::Review(cursor.block),
        _ => super::panel::toggle(state, out),
    }
}

/// Copies the block at the cursor, else the last answer, as its source.
pub(super) fn copy(state: &mut State, out: &mut Vec<Command>) {
    let target = state.cursor.or_else(|| {
        let last = state.blocks.iter().rev().find(|b| is_stop(&b.body))?;
        Some(Cursor {
            block: last.id,
            code: None,
        })
    });
    let text = target.and_then(|cursor| source(state, cursor));
    match text {
        Some(text) if !text.is_empty() => out.push(Command::Copy(text)),
        _ => state.toast(super::Tone::Warning, "there is nothing to copy yet"),
    }
}

fn source(state: &State, cursor: Cursor) -> Option<String> {
    let block = state.block(cursor.block)?;
    Some(match &block.body {
        Body::Answer(answer) => match cursor.code {
            Some(at) => markdown::code_blocks(&answer.text).get(at)?.code.clone(),
            None => answer.text.clone(),
        },
        Body::Patch(patch) => patch.change.to_unified(),
        Body::Review(review) => super::reviewing::report(review),
        Body::User(turn) => turn.text.clone(),
        Body::Note(note) => note.text.clone(),
        Body::Fold(fold) => fold.line(),
        Body::Error(failure) => {
            let mut text = failure.to_string();
            if let Some(hint) = next_step_here(failure) {
                text.push('\n');
                text.push_str(&hint);
            }
            text
        }
        Body::Welcome | Body::Download(_) => return None,
    })
}

#[cfg(test)]
#[path = "scroll_tests.rs"]
mod tests;
