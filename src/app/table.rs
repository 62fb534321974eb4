//! Tables of Markdown: columns as wide as they need to be, cells wrapped where there is no room.

use pulldown_cmark::Alignment;

use super::wrap::{Piece, cells, wrap};

/// More columns than this are not shown.
const MOST: usize = 40;
/// The least cells of a column that is made narrower.
const LEAST: usize = 6;

/// A table as it is being read; its text has looks `L`.
#[derive(Debug)]
pub struct Table<L> {
    alignments: Vec<Alignment>,
    rows: Vec<Vec<Vec<Piece<L>>>>,
    open: Vec<Vec<Piece<L>>>,
}

/// A line of a table.
#[derive(Debug)]
pub enum TableLine<L> {
    /// A line of a row.
    Row(Vec<Piece<L>>),
    /// The rule below the first row: the cells of each column.
    Rule(Vec<usize>),
}

impl<L: Copy + PartialEq> Table<L> {
    /// A table without rows.
    pub fn new(alignments: Vec<Alignment>) -> Self {
        Self {
            alignments,
            rows: Vec::new(),
            open: Vec::new(),
        }
    }

    /// Adds a cell to the row that is open.
    pub fn cell(&mut self, cell: Vec<Piece<L>>) {
        if self.open.len() < MOST {
            self.open.push(cell);
        }
    }

    /// Ends the row that is open.
    pub fn end_row(&mut self) {
        self.rows.push(std::mem::take(&mut self.open));
    }

    /// The lines in at most `room` cells, where the columns can be made so narrow. `bar` stands
    /// between columns, in three cells; blanks are in the look `plain`.
    pub fn lines(&self, room: usize, plain: L, bar: &Piece<L>) -> Vec<TableLine<L>> {
        let widths = self.widths(room);
        let mut out = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            let columns: Vec<Vec<Vec<Piece<L>>>> = (widths.iter().enumerate())
                // A row may have fewer cells than another.
                .map(|(i, width)| {
                    row.get(i)
                        .map_or_else(Vec::new, |cell| wrapped(cell, *width))
                })
                .collect();
            // A row without cells is still a row.
            let height = columns.iter().map(Vec::len).max().unwrap_or(0).max(1);
            let line = |line| TableLine::Row(self.line(&widths, &columns, line, plain, bar));
            out.extend((0..height).map(line));
            if at == 0 {
                out.push(TableLine::Rule(widths.clone()));
            }
        }
        out
    }

    /// One line of a row.
    fn line(
        &self,
        widths: &[usize],
        columns: &[Vec<Vec<Piece<L>>>],
        line: usize,
        plain: L,
        bar: &Piece<L>,
    ) -> Vec<Piece<L>> {
        let mut out = Vec::new();
        for (i, (width, column)) in widths.iter().zip(columns).enumerate() {
            if i > 0 {
                out.push(bar.clone());
            }
            // A cell with fewer lines than its row is blank below them.
            let text = column.get(line).cloned().unwrap_or_default();
            let blank = width.saturating_sub(cells(&text));
            let left = match self.alignments.get(i) {
                Some(Alignment::Right) => blank,
                Some(Alignment::Center) => blank / 2,
                _ => 0,
            };
            out.push((plain, " ".repeat(left)));
            out.extend(text);
            if i + 1 < widths.len() {
                out.push((plain, " ".repeat(blank - left)));
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

/// A cell in lines.
fn wrapped<L: Copy + PartialEq>(cell: &[Piece<L>], width: usize) -> Vec<Vec<Piece<L>>> {
    wrap(cell.iter().map(|(look, text)| (*look, &**text)), width)
}
