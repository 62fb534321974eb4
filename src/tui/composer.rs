//! The composer, where the person types, and the completion popup above it.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation as _;

use super::draw::Cx;
use super::overlay::mark;
use super::theme::Role;
use super::width::{fit, pad, width};
use crate::app::{
    Action, Code, Completion, CompletionItem, Composing, EngineState, Focus, Key, SHOWN, State,
    Subject, WIDE,
};
use crate::base::OrBug;
use crate::base::text::{human_count, printable};

/// Rows of the completion popup at most.
const POPUP: usize = SHOWN as usize;

/// Draws the composer; returns where the cursor belongs.
pub fn composer(
    buffer: &mut Buffer,
    area: Rect,
    state: &State,
    top: usize,
    cx: &Cx<'_>,
) -> (u16, u16) {
    let prompt = cx.theme.glyphs().prompt;
    let active = state.focus == Focus::Composer && state.overlay.is_none();
    let mark = if active { Role::Accent } else { Role::Dim };
    buffer.set_string(area.x, area.y, prompt, cx.role(mark));
    let x = area.x + 2;
    let cells = area.width.saturating_sub(2);
    if state.composer.is_empty() {
        let hint = placeholder(state);
        buffer.set_stringn(x, area.y, hint, usize::from(cells), cx.role(Role::Dim));
        return (x, area.y);
    }
    let rows = state.composer.layout(cells);
    let text = state.composer.text();
    let selected = state.composer.selected().unwrap_or_default();
    for (i, row) in rows
        .iter()
        .skip(top)
        .take(usize::from(area.height))
        .enumerate()
    {
        let mut at = 0;
        let line = text.get(row.start..row.end);
        for (offset, grapheme) in line.or_bug("a row lies in its text").grapheme_indices(true) {
            let wide = state.composer.cell_width(grapheme, at);
            let shown = state.composer.shown(grapheme);
            let (y, room) = (area.y + i as u16, usize::from(cells.saturating_sub(at)));
            if let Cow::Owned(label) = &shown {
                let label = label.replace('·', cx.theme.glyphs().dot);
                buffer.set_stringn(x + at, y, fit(&label, room), room, cx.role(Role::Accent));
            } else if grapheme != "\t" && at + wide <= cells {
                buffer.set_string(x + at, y, grapheme, cx.role(Role::Text));
            }
            if selected.contains(&(row.start + offset)) {
                let cells = Rect::new(x + at.min(cells), y, wide.min(cells.saturating_sub(at)), 1);
                buffer.set_style(cells, cx.role(Role::Selection));
            }
            at = at.saturating_add(wide);
        }
        // A newline is seen as a blank.
        if selected.contains(&row.end) && text.get(row.end..).is_some_and(|t| t.starts_with('\n')) {
            let cells = Rect::new(
                x + at.min(cells),
                area.y + i as u16,
                u16::from(at < cells),
                1,
            );
            buffer.set_style(cells, cx.role(Role::Selection));
        }
    }
    let (row, column) = state.composer.cursor_cell(&rows);
    let y = area.y + (row.saturating_sub(top) as u16).min(area.height.saturating_sub(1));
    (x + column.min(cells.saturating_sub(1)), y)
}

/// The words that stand where nothing is typed yet.
fn placeholder(state: &State) -> String {
    let hint = match (&state.engine, &state.composing) {
        (_, Composing::Remark { .. }) => "a remark, in a sentence",
        (EngineState::Missing, _) if state.pulling.is_none() => {
            "no model is here: /models fetches one"
        }
        _ => "ask, or / for commands, @ for files",
    };
    let send = state.keymap.hint(Action::Send);
    let enter = Key::plain(Code::Enter).to_string();
    if send == enter || send.is_empty() {
        hint.to_owned()
    } else {
        format!("{hint}, {send} sends")
    }
}

/// Draws the completion popup at the bottom of `above`; returns its area and the first item
/// shown.
pub fn completion(
    buffer: &mut Buffer,
    above: Rect,
    state: &State,
    cx: &Cx<'_>,
) -> Option<(Rect, usize)> {
    let completion = state.completion.as_ref()?;
    let room = usize::from(above.height).min(POPUP);
    let shown = completion.subject == Subject::File && above.width >= WIDE;
    let most = if shown { room } else { completion.items.len() };
    let height = most.min(room);
    let rows = completion.items.len().min(room);
    if rows == 0 {
        return None;
    }
    let top = completion
        .cursor
        .saturating_sub(rows.saturating_sub(1) / 2)
        .min(completion.items.len() - rows);
    let more = completion.items.len() - rows + completion.more;
    let area = Rect::new(
        above.x,
        above.bottom() - height as u16,
        above.width,
        height as u16,
    );
    super::view::clear(buffer, area, Role::Raised, cx);
    let whole = area;
    let area = if shown {
        let (list, beside) = halves(area);
        show(buffer, beside, completion, state, cx);
        list
    } else {
        area
    };
    let widest = completion
        .items
        .iter()
        .map(|item| width(&printable(&item.label)))
        .max()
        .or_bug("a popup that is shown has items")
        .min(usize::from(area.width) * 3 / 5)
        .max(8);
    let more_text = format!(" +{} ", human_count(more as u64));
    for (i, item) in completion.items.iter().enumerate().skip(top).take(rows) {
        let y = area.y + (i - top) as u16;
        let chosen = i == completion.cursor;
        let mut spans = vec![mark(chosen, cx)];
        let ground = if chosen { Role::Selection } else { Role::Text };
        spans.extend(label(item, widest, chosen, cx));
        let counted = i + 1 == top + rows && more > 0;
        let taken = if counted { width(&more_text) } else { 2 };
        spans.push(Span::styled(
            pad(
                &printable(&item.about),
                usize::from(area.width).saturating_sub(widest + 4 + taken),
            ),
            cx.role(if chosen { ground } else { Role::Dim }),
        ));
        buffer.set_line(area.x, y, &Line::from(spans), area.width);
        if counted {
            let x = area.right().saturating_sub(width(&more_text) as u16);
            buffer.set_string(x, y, &more_text, cx.role(Role::Dim));
        }
    }
    Some((whole, top))
}

/// The place of the list, and that of the lines beside it.
fn halves(area: Rect) -> (Rect, Rect) {
    let list = area.width * 6 / 10;
    let beside = Rect::new(
        area.x + list + 1,
        area.y,
        area.width - list - 1,
        area.height,
    );
    (Rect::new(area.x, area.y, list, area.height), beside)
}

/// Draws the lines that show what the row at the cursor names.
fn show(buffer: &mut Buffer, area: Rect, completion: &Completion, state: &State, cx: &Cx<'_>) {
    let item = completion.items.get(completion.cursor);
    let Some(key) = item.and_then(|item| item.shows.as_ref()) else {
        return;
    };
    // One that cannot be read is told when it is asked about.
    if let Some(Ok(text)) = state.code.get(key) {
        let language = key.0.extension().unwrap_or_default();
        super::panel::draw_code(buffer, area, text, &language, key.1.start(), cx);
    }
}

/// The label of a completion in `cells` cells and two blanks, with what was typed in bold.
fn label(item: &CompletionItem, cells: usize, chosen: bool, cx: &Cx<'_>) -> Vec<Span<'static>> {
    let ground = cx.role(if chosen { Role::Selection } else { Role::Text });
    let mut spans = Vec::new();
    let mut used = 0;
    for (n, c) in (0u32..).zip(item.label.chars()) {
        let shown = printable(c.encode_utf8(&mut [0; 4])).into_owned();
        let wide = width(&shown);
        let last = used + wide == cells && item.label.chars().count() > n as usize + 1;
        if used + wide > cells || last {
            spans.push(Span::styled("…", ground));
            used += 1;
            break;
        }
        used += wide;
        let style = if item.matched.contains(&n) && chosen {
            // On the ground of the chosen row other colours are hard to read.
            ground.add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
        } else if item.matched.contains(&n) {
            ground
                .patch(cx.role(Role::Accent))
                .add_modifier(Modifier::BOLD)
        } else {
            ground
        };
        spans.push(Span::styled(shown, style));
    }
    spans.push(Span::styled(" ".repeat(cells - used + 2), ground));
    spans
}
