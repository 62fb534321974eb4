//! Running text and bars: what the person typed, what the program says.

use ratatui::style::Style;
use ratatui::text::Span;

use super::rows::Row;
use super::theme::{Role, Theme};
use super::width::{code_line, pad};
use super::wrap::wrap;
use crate::base::text::printable_block;

/// Prose is wrapped at this many columns at most.
pub const MEASURE: usize = 100;

/// A text without any marks, wrapped: what the person typed, what the program says.
pub fn plain(text: &str, style: Style, cells: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for line in printable_block(text).split('\n') {
        let line = if line.contains('\t') {
            code_line(line)
        } else {
            line.to_owned()
        };
        for (i, body) in wrap(&[Span::styled(line, style)], cells)
            .into_iter()
            .enumerate()
        {
            rows.push(Row {
                soft: i > 0,
                ..Row::text(body)
            });
        }
    }
    rows
}

/// A bar of so many cells, `part` of it done.
pub fn bar(part: f64, cells: usize, theme: &Theme) -> Vec<Span<'static>> {
    let glyphs = theme.glyphs();
    let part = if part.is_finite() {
        part.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let done = (part * cells as f64).round() as usize;
    vec![
        Span::styled(glyphs.done.repeat(done), theme.style(Role::Accent)),
        Span::styled(
            pad(
                &glyphs.line.repeat(cells - done.min(cells)),
                cells - done.min(cells),
            ),
            theme.style(Role::Rule),
        ),
    ]
}

/// A text in pieces, and of each whether it is a citation: `[1]`, `[2, 3]`.
pub fn citations(text: &str) -> Vec<(&str, bool)> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(from) = rest.find('[') {
        let after = rest.get(from + 1..).unwrap_or("");
        let inside = after.split(']').next().unwrap_or("");
        let is_citation = after.len() > inside.len()
            && inside.starts_with(|c: char| c.is_ascii_digit())
            && inside.len() < 40
            && inside
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, ',' | ' ' | '-'));
        if is_citation {
            let end = from + inside.len() + 2;
            pieces.push((rest.get(..from).unwrap_or(""), false));
            pieces.push((rest.get(from..end).unwrap_or(""), true));
            rest = rest.get(end..).unwrap_or("");
        } else {
            pieces.push((rest.get(..=from).unwrap_or(""), false));
            rest = after;
        }
    }
    pieces.push((rest, false));
    pieces
}
