//! Tables of an answer: columns as wide as they need to be, cells wrapped where there is no room.

use pulldown_cmark::Alignment;

use super::out::Tone;
use super::wrap::{Piece, cells, wrap};

/// The least cells of a column.
const LEAST: usize = 6;

/// A table as it is being read.
pub(super) struct Table {
    alignments: Vec<Alignment>,
    rows: Vec<Vec<Vec<Piece>>>,
    open: Vec<Vec<Piece>>,
}

impl Table {
    /// A table without rows.
    pub(super) fn new(alignments: Vec<Alignment>) -> Self {
        Self {
            alignments,
            rows: Vec::new(),
            open: Vec::new(),
        }
    }

    /// Adds a cell to the row that is open.
    pub(super) fn cell(&mut self, cell: Vec<Piece>) {
        self.open.push(cell);
    }

    /// Ends the row that is open.
    pub(super) fn end_row(&mut self) {
        self.rows.push(std::mem::take(&mut self.open));
    }

    /// The lines in at most `room` cells, where the columns can be made so narrow.
    pub(super) fn lines(&self, room: usize) -> Vec<Vec<Piece>> {
        let widths = self.widths(room);
        let mut out = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            let columns: Vec<Vec<Vec<Piece>>> = (widths.iter().enumerate())
                // A row may have fewer cells than another.
                .map(|(i, width)| row.get(i).map_or_else(Vec::new, |cell| wrap(cell, *width)))
                .collect();
            let height = columns.iter().map(Vec::len).max().unwrap_or(0).max(1);
            out.extend((0..height).map(|line| self.line(&widths, &columns, line)));
            if at == 0 {
                let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
                out.push(vec![(Tone::Dim, rules.join("-|-"))]);
            }
        }
        out
    }

    /// One line of a row.
    fn line(&self, widths: &[usize], columns: &[Vec<Vec<Piece>>], line: usize) -> Vec<Piece> {
        let mut out = Vec::new();
        for (i, (width, column)) in widths.iter().zip(columns).enumerate() {
            if i > 0 {
                out.push((Tone::Dim, " | ".to_owned()));
            }
            // A cell with fewer lines than its row is blank below them.
            let text = column.get(line).cloned().unwrap_or_default();
            let blank = width.saturating_sub(cells(&text));
            let left = match self.alignments.get(i) {
                Some(Alignment::Right) => blank,
                Some(Alignment::Center) => blank / 2,
                _ => 0,
            };
            out.push((Tone::Plain, " ".repeat(left)));
            out.extend(text);
            if i + 1 < widths.len() {
                out.push((Tone::Plain, " ".repeat(blank - left)));
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
                *width = cells(cell).max(*width);
            }
        }
        let room = room.saturating_sub(3 * widths.len().saturating_sub(1));
        while widths.iter().sum::<usize>() > room {
            match widths.iter_mut().max() {
                Some(widest) if *widest > LEAST => *widest -= 1,
                _ => break,
            }
        }
        widths
    }
}
