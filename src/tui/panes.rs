//! The windows in which code is scrolled sideways: each code block of an answer has one of its
//! own, and the lines of a patch have one together.

use std::ops::Range;

use super::styled_rows::Row;
use crate::app::BlockPart;

/// The windows of a block, and how far each is scrolled.
#[derive(Debug, Default)]
pub struct Panes {
    panes: Vec<Pane>,
    /// Cells by which each is scrolled: they stay while a block grows or is laid out anew.
    asides: Vec<usize>,
}

/// Rows that are scrolled together.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pane {
    rows: Range<u32>,
    part: BlockPart,
    /// Cells of the longest line that do not fit.
    beyond: usize,
}

impl Panes {
    /// Finds the windows among the rows of a block. `together`: there is one for all rows.
    pub fn measure<'r>(&mut self, rows: impl Iterator<Item = &'r Row>, together: bool) {
        self.panes.clear();
        let mut open: Option<Pane> = None;
        for (line, row) in (0_u32..).zip(rows) {
            let goes_on = |pane: &Pane| together || pane.part == row.part;
            if !(together || row.room.is_some() || row.decoration) {
                self.panes.extend(open.take());
                continue;
            }
            if let Some(pane) = open.as_mut().filter(|pane| goes_on(pane)) {
                pane.rows.end = line + 1;
                pane.beyond = pane.beyond.max(row.beyond());
                continue;
            }
            self.panes.extend(open.take());
            open = Some(Pane {
                rows: line..line + 1,
                part: row.part,
                beyond: row.beyond(),
            });
        }
        self.panes.extend(open);
        for (aside, pane) in self.asides.iter_mut().zip(&self.panes) {
            *aside = (*aside).min(pane.beyond);
        }
    }

    /// Cells by which a row is scrolled.
    pub fn aside(&self, line: u32) -> usize {
        let aside = self.at(line).and_then(|pane| self.asides.get(pane));
        aside.copied().unwrap_or(0)
    }

    /// The window that a row lies in.
    pub fn at(&self, line: u32) -> Option<usize> {
        let at = self.panes.partition_point(|pane| pane.rows.end <= line);
        let pane = self.panes.get(at)?;
        pane.rows.contains(&line).then_some(at)
    }

    /// The first window of a part in which something does not fit.
    pub fn of(&self, part: BlockPart) -> Option<usize> {
        let of = |pane: &Pane| pane.part == part && pane.beyond > 0;
        self.panes.iter().position(of)
    }

    /// The first window in sight in which something does not fit.
    pub fn in_sight(&self, seen: &Range<u32>) -> Option<usize> {
        let of = |pane: &Pane| {
            pane.beyond > 0 && pane.rows.start < seen.end && seen.start < pane.rows.end
        };
        self.panes.iter().position(of)
    }

    /// Scrolls a window, up to the end of its longest line.
    pub fn shift(&mut self, pane: usize, by: i32) {
        let Some(beyond) = self.panes.get(pane).map(|pane| pane.beyond) else {
            return;
        };
        if self.asides.len() <= pane {
            self.asides.resize(pane + 1, 0);
        }
        if let Some(aside) = self.asides.get_mut(pane) {
            *aside = aside.saturating_add_signed(by as isize).min(beyond);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::text::Span;

    fn code(n: usize, text: &str) -> Row {
        Row {
            body: vec![Span::raw(text.to_owned())],
            room: Some(10),
            part: BlockPart::Code(n),
            ..Row::default()
        }
    }

    #[test]
    fn each_code_block_is_scrolled_by_itself_up_to_the_end_of_its_longest_line() {
        let rows = [
            Row::text(vec![Span::raw("words")]),
            Row::decoration(Vec::new()).part(BlockPart::Code(0)),
            code(0, "twelve cells"),
            code(0, "short"),
            Row::blank(),
            code(1, "fourteen cells"),
            code(2, "ten cells."),
        ];
        let mut panes = Panes::default();
        panes.measure(rows.iter(), false);
        assert_eq!(
            (panes.at(0), panes.at(3), panes.at(5)),
            (None, Some(0), Some(1))
        );
        assert_eq!(panes.of(BlockPart::Code(1)), Some(1));
        assert_eq!(panes.of(BlockPart::Code(2)), None, "all of it is seen");
        assert_eq!(panes.in_sight(&(4..7)), Some(1));
        panes.shift(1, 8);
        assert_eq!((panes.aside(2), panes.aside(5)), (0, 4));
        panes.shift(1, -3);
        assert_eq!(panes.aside(5), 1);
        // What is laid out wider shows more, and is scrolled less.
        let mut wide = code(1, "fourteen cells");
        wide.room = Some(14);
        panes.measure([code(0, "a"), Row::blank(), wide].iter(), false);
        assert_eq!(panes.aside(2), 0);
    }

    #[test]
    fn the_lines_of_a_patch_are_scrolled_together() {
        let rows = [
            code(0, "twelve cells"),
            Row::blank(),
            code(1, "fourteen cells"),
        ];
        let mut panes = Panes::default();
        panes.measure(rows.iter(), true);
        panes.shift(0, 100);
        assert_eq!((panes.aside(0), panes.aside(2)), (4, 4));
    }
}
