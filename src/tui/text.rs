//! Running text and bars: what the person typed, what the program says.

use ratatui::style::Style;
use ratatui::text::Span;

use super::styled_rows::Row;
use super::theme::{Role, Theme};
use super::width::{code_line, pad};
use super::wrap::wrap;
use crate::base::text::printable_block;

/// Prose is wrapped at this many columns at most.
pub const MEASURE: usize = 100;

/// The rows of a text without any marks, wrapped: what the person typed, what the program
/// says.
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

/// The rows of a text as wrapped last: a long one is not wrapped for each frame.
#[derive(Debug, Default)]
pub struct PlainRows {
    of: (String, Style, usize),
    rows: Vec<Row>,
}

impl PlainRows {
    /// The rows of a text ([`plain`]).
    pub fn of(&mut self, text: &str, style: Style, cells: usize) -> &[Row] {
        let (known, at) = (&self.of.0, (self.of.1, self.of.2));
        if known != text || at != (style, cells) {
            self.of = (text.to_owned(), style, cells);
            self.rows = plain(text, style, cells);
        }
        &self.rows
    }
}

/// A bar of so many cells, `part` (0 to 1) of it done.
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

/// Cuts a text into pieces, each with true if it is a citation: `[1]`, `[2, 3]`.
pub fn citations(text: &str) -> Vec<(&str, bool)> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        match after.split_once(']').filter(|(inside, _)| cites(inside)) {
            Some((inside, behind)) => {
                let (_, bracket) = rest.split_at(before.len());
                let (citation, _) = bracket.split_at("[]".len() + inside.len());
                pieces.push((before, false));
                pieces.push((citation, true));
                rest = behind;
            }
            None => {
                let (plain, _) = rest.split_at(before.len() + "[".len());
                pieces.push((plain, false));
                rest = after;
            }
        }
    }
    pieces.push((rest, false));
    pieces
}

/// Tells whether the text between two brackets is the numbers of sources.
fn cites(inside: &str) -> bool {
    inside.starts_with(|c: char| c.is_ascii_digit())
        && inside.len() < 40
        && inside
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, ',' | ' ' | '-'))
}
