//! Rows of the composer's text, and the cursor's cell in them.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::app::editing::composer::Composer;
use crate::base::OrBug as _;
use crate::base::bug::bug;

/// Columns between tab stops in the composer.
pub const TAB: u16 = 4;

const NO_ROW: &str = "a layout without a row";
const OTHER_TEXT: &str = "rows of another text";

/// A row as drawn: a stretch of the text without its newline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
    /// True if the line goes on in the next row.
    pub wrapped: bool,
}

impl Composer {
    /// Wraps the text into rows of `width` columns, at words where it can. One
    /// column stays free at the right for the cursor. There is always a row.
    pub fn layout(&self, width: u16) -> Vec<Row> {
        let limit = width.saturating_sub(1).max(1);
        let mut rows = Vec::new();
        let mut start = 0;
        for line in self.text().split('\n') {
            self.wrap(line, start, limit, &mut rows);
            start += line.len() + 1;
        }
        rows
    }

    /// Returns row and column of the cursor in rows made by [`Composer::layout`].
    pub fn cursor_cell(&self, rows: &[Row]) -> (usize, u16) {
        let row = row_of(rows, self.cursor());
        let start = rows.get(row).map(|r| r.start).or_bug(NO_ROW);
        (row, self.columns(start..self.cursor()))
    }

    /// Returns the byte offset of the character at a column of a row, for the mouse.
    pub fn offset_at(&self, rows: &[Row], row: usize, column: u16) -> usize {
        let Some(row) = rows.get(row).or(rows.last()) else {
            return bug(NO_ROW, 0);
        };
        let mut at = 0;
        let line = self.text().get(row.start..row.end).or_bug(OTHER_TEXT);
        let mut last = row.start;
        for (i, grapheme) in line.grapheme_indices(true) {
            let width = self.cell_width(grapheme, at);
            if at + width > column {
                return row.start + i;
            }
            at += width;
            last = row.start + i;
        }
        // Behind the last character of a wrapped row stands the next row's first.
        if row.wrapped { last } else { row.end }
    }

    fn columns(&self, range: Range<usize>) -> u16 {
        let text = self.text().get(range).or_bug(OTHER_TEXT);
        text.graphemes(true)
            .fold(0u16, |at, g| at.saturating_add(self.cell_width(g, at)))
    }
}

/// Returns the columns a grapheme takes when drawn at a column. A tab reaches to the next stop.
pub(super) fn cell_width(grapheme: &str, at: u16) -> u16 {
    if grapheme == "\t" {
        TAB - at % TAB
    } else {
        // Emoji sequences count more than two in sum; terminals draw them two wide.
        grapheme.width().min(2) as u16
    }
}

fn row_of(rows: &[Row], offset: usize) -> usize {
    rows.partition_point(|row| row.start <= offset)
        .saturating_sub(1)
}

impl Composer {
    fn wrap(&self, line: &str, offset: usize, limit: u16, rows: &mut Vec<Row>) {
        let (mut start, mut rest) = (offset, line);
        while let Some(len) = self.break_at(rest, limit) {
            rows.push(Row {
                start,
                end: start + len,
                wrapped: true,
            });
            start += len;
            rest = rest.get(len..).or_bug("a row ends in a character");
        }
        rows.push(Row {
            start,
            end: offset + line.len(),
            wrapped: false,
        });
    }

    /// Returns the end of a text's first row, if the text does not fit into one.
    fn break_at(&self, text: &str, limit: u16) -> Option<usize> {
        let mut at = 0u16;
        // The last place the row could end at: behind a space.
        let mut space = None;
        for (i, grapheme) in text.grapheme_indices(true) {
            let width = self.cell_width(grapheme, at);
            let blank = grapheme.chars().all(char::is_whitespace);
            // One space may hang over the end of the row: it is not seen there.
            if at + width > limit && i > 0 && !(blank && at <= limit) {
                return Some(space.unwrap_or(i));
            }
            at = at.saturating_add(width);
            if blank {
                space = Some(i + grapheme.len());
            }
        }
        None
    }
}
