//! Toasts: in the rule where one is read whole beside what else stands there, else in rows of their
//! own above it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::divider;
use super::draw::{Cx, tone};
use super::theme::Role;
use super::view::clear;
use super::width::width;
use super::wrap::wrap;
use crate::app::State;
use crate::base::seal::Sealed;
use crate::base::text::printable;

/// Cells of the rule beside a toast: the line before and behind it, and the blanks.
const BESIDE: usize = 6;
/// Cells that the seal takes of the rule, where there is no status line and it is off.
const SEAL: usize = 13;

/// The toast, if it is read whole in the rule.
pub fn in_rule(state: &State, cx: &Cx<'_>) -> Option<Span<'static>> {
    let span = span(state, cx)?;
    let asked = divider::asked(state).map_or(0, |asked| width(&asked) + 3);
    let low = state.size.1 <= super::view::LOW;
    let seal = match &state.options.sealed {
        Sealed::No(_) if low => SEAL,
        _ => 0,
    };
    let taken = width(&span.content) + BESIDE + asked + seal;
    // A search has the row, and so have the keys of a command that is begun.
    let free = state.find.is_none() && state.composer.pending().is_empty();
    (free && taken <= cx.width).then_some(span)
}

/// Draws a toast that is not in the rule, over the rows above it.
pub fn above(buffer: &mut Buffer, rule: Rect, state: &State, cx: &Cx<'_>) {
    if in_rule(state, cx).is_some() {
        return;
    }
    let Some(span) = span(state, cx) else {
        return;
    };
    let lines = wrap(&[span], usize::from(rule.width.saturating_sub(2)));
    let rows = (lines.len() as u16).min(rule.y);
    let area = Rect::new(rule.x, rule.y - rows, rule.width, rows);
    clear(buffer, area, Role::Raised, cx);
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        buffer.set_line(
            area.x + 1,
            y,
            &Line::from(line),
            area.width.saturating_sub(1),
        );
    }
}

/// The words of the toast in their tone.
fn span(state: &State, cx: &Cx<'_>) -> Option<Span<'static>> {
    let toast = state.toast.as_ref()?;
    let (sign, role) = tone(toast.tone);
    let role = match role {
        Role::Dim => Role::Accent,
        role => role,
    };
    let text = format!("{sign}{}", printable(&toast.text));
    Some(Span::styled(text, cx.role(role)))
}
