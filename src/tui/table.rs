//! Tables: columns as wide as they need to be, cells wrapped where there is no room.

use pulldown_cmark::Alignment;
use ratatui::text::Span;

use super::styled_rows::Row;
use super::theme::{Role, Theme};
use super::width::spans_width;
use super::wrap::wrap;

type Spans = Vec<Span<'static>>;

/// More columns than this are not drawn.
const MOST: usize = 40;

/// A table as it is being read.
pub(super) struct Table {
    alignments: Vec<Alignment>,
    rows: Vec<Vec<Spans>>,
    open: Vec<Spans>,
}

impl Table {
    pub(super) fn new(alignments: &[Alignment]) -> Self {
        Self {
            alignments: alignments.to_vec(),
            rows: Vec::new(),
            open: Vec::new(),
        }
    }

    pub(super) fn cell(&mut self, cell: Spans) {
        if self.open.len() < MOST {
            self.open.push(cell);
        }
    }

    pub(super) fn end_row(&mut self) {
        self.rows.push(std::mem::take(&mut self.open));
    }

    /// The rows in at most `room` cells.
    pub(super) fn rows(&self, room: usize, theme: &Theme) -> Vec<Row> {
        let widths = self.widths(room);
        let glyphs = theme.glyphs();
        let rule = theme.style(Role::Rule);
        let mut out = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            let cells: Vec<Vec<Spans>> = widths
                .iter()
                .enumerate()
                // A row may have fewer cells than another.
                .map(|(i, width)| row.get(i).map_or_else(Vec::new, |cell| wrap(cell, *width)))
                .collect();
            // A row without cells is still a row.
            let height = cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
            for line in 0..height {
                let mut body: Spans = Vec::new();
                for (i, (width, cell)) in widths.iter().zip(&cells).enumerate() {
                    if i > 0 {
                        body.push(Span::styled(format!(" {} ", glyphs.bar), rule));
                    }
                    // A cell with fewer lines than its row is blank below them.
                    let piece = cell.get(line).cloned().unwrap_or_default();
                    let blank = width.saturating_sub(spans_width(&piece));
                    let left = match self.alignments.get(i) {
                        Some(Alignment::Right) => blank,
                        Some(Alignment::Center) => blank / 2,
                        _ => 0,
                    };
                    body.push(Span::raw(" ".repeat(left)));
                    body.extend(piece);
                    body.push(Span::raw(" ".repeat(blank - left)));
                }
                // A table too wide for any wrapping scrolls sideways as code does.
                out.push(Row {
                    body,
                    room: Some(room as u16),
                    ..Row::default()
                });
            }
            if at == 0 {
                let line: Vec<String> = widths.iter().map(|w| glyphs.line.repeat(*w)).collect();
                let joint = format!("{}{}{}", glyphs.line, glyphs.cross, glyphs.line);
                let line = super::width::fit(&line.join(&joint), room);
                out.push(Row::decoration(vec![Span::styled(line, rule)]));
            }
        }
        out
    }

    /// Natural widths, or the widest columns narrowed until all fit.
    fn widths(&self, room: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            widths.resize(widths.len().max(row.len()), 1);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = spans_width(cell).max(*width);
            }
        }
        let room = room.saturating_sub(3 * widths.len().saturating_sub(1));
        while widths.iter().sum::<usize>() > room {
            let Some(widest) = widths.iter_mut().max() else {
                break;
            };
            if *widest <= 6 {
                break;
            }
            *widest -= 1;
        }
        widths
    }
}
