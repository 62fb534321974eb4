//! The rows a block of the transcript is drawn as: styled text, each knowing which of its
//! cells are decoration, so that copying and clicking mean the text.

use std::rc::Rc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::width::{spans_width, window};
use crate::app::BlockPart;

/// A row as it will be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Decoration before the text: margins, bars, bullets of the rows before.
    pub lead: Vec<Span<'static>>,
    /// The text.
    pub body: Vec<Span<'static>>,
    /// Decoration behind the text.
    pub tail: Vec<Span<'static>>,
    /// Cells of the window the text is scrolled sideways in; none where it is shown whole.
    pub room: Option<u16>,
    /// True if the row goes on with the line of the row before.
    pub soft: bool,
    /// True if the row is nothing but decoration: copying leaves it out.
    pub decoration: bool,
    /// The part of its block that the row belongs to.
    pub part: BlockPart,
    /// Cells of the body that mean something else: from, up to, what.
    pub links: Vec<(u16, u16, BlockPart)>,
    /// A second text beside the first, behind its tail.
    pub beside: Option<Box<Half>>,
    /// The ground under cells of the row: from, up to, its style.
    pub grounds: Vec<(u16, u16, Style)>,
}

/// A text with what stands before it, as a part of a row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Half {
    /// Decoration before the text.
    pub lead: Vec<Span<'static>>,
    /// The text.
    pub body: Vec<Span<'static>>,
    /// Cells of the window the text is scrolled sideways in; none where it is shown whole.
    pub room: Option<u16>,
}

impl Half {
    /// The spans of the half, its window moved `aside` cells to the right.
    fn spans(&self, aside: usize, marker: Style) -> Vec<Span<'static>> {
        let mut spans = self.lead.clone();
        match self.room {
            Some(room) => spans.extend(window(&self.body, aside, usize::from(room), marker)),
            None => spans.extend(self.body.iter().cloned()),
        }
        spans
    }
}

impl Default for Row {
    fn default() -> Self {
        Self {
            lead: Vec::new(),
            body: Vec::new(),
            tail: Vec::new(),
            room: None,
            soft: false,
            decoration: false,
            part: BlockPart::Text,
            links: Vec::new(),
            beside: None,
            grounds: Vec::new(),
        }
    }
}

/// Rows that are kept and shared.
pub type Rows = Rc<[Row]>;

impl Row {
    /// An empty row.
    pub fn blank() -> Self {
        Self::default()
    }

    /// A row of text.
    pub fn text(body: Vec<Span<'static>>) -> Self {
        Self {
            body,
            ..Self::default()
        }
    }

    /// A row that is only decoration.
    pub fn decoration(lead: Vec<Span<'static>>) -> Self {
        Self {
            lead,
            decoration: true,
            ..Self::default()
        }
    }

    /// The row as part of something.
    #[must_use]
    pub fn part(mut self, part: BlockPart) -> Self {
        self.part = part;
        self
    }

    /// The row with a margin of blanks before it.
    #[must_use]
    pub fn indented(mut self, cells: usize) -> Self {
        if cells > 0 {
            self.lead.insert(0, Span::raw(" ".repeat(cells)));
        }
        self
    }

    /// The row as one line, its window moved `aside` cells to the right.
    pub fn line(&self, aside: usize, marker: Style) -> Line<'static> {
        let mut spans = self.lead.clone();
        match self.room {
            Some(room) => spans.extend(window(&self.body, aside, usize::from(room), marker)),
            None => spans.extend(self.body.iter().cloned()),
        }
        spans.extend(self.tail.iter().cloned());
        if let Some(half) = &self.beside {
            spans.extend(half.spans(aside, marker));
        }
        Line::from(spans)
    }

    /// Cells of the text that are not seen for want of room.
    pub fn beyond(&self) -> usize {
        let beyond = |body: &[Span<'_>], room: Option<u16>| {
            room.map_or(0, |room| {
                spans_width(body).saturating_sub(usize::from(room))
            })
        };
        let beside = self.beside.as_ref();
        let beside = beside.map_or(0, |half| beyond(&half.body, half.room));
        beyond(&self.body, self.room).max(beside)
    }

    /// The cell at which a text of the row begins, and the cells of its window; `right`: that of the
    /// right one of two.
    pub fn window_of(&self, right: bool) -> (u16, Option<u16>) {
        let first = spans_width(&self.lead);
        match self.beside.as_ref().filter(|_| right) {
            None => (first as u16, self.room),
            Some(half) => {
                let body = self
                    .room
                    .map_or_else(|| spans_width(&self.body), usize::from);
                let start = first + body + spans_width(&self.tail) + spans_width(&half.lead);
                (start as u16, half.room)
            }
        }
    }

    /// The text that a column lies in or before, and the cell at which it begins: of two texts side
    /// by side one is meant.
    pub fn text_at(&self, column: u16) -> (usize, &[Span<'static>]) {
        let first = spans_width(&self.lead);
        if let Some(half) = &self.beside {
            let body = self
                .room
                .map_or_else(|| spans_width(&self.body), usize::from);
            let start = first + body + spans_width(&self.tail);
            if usize::from(column) >= start {
                return (start + spans_width(&half.lead), &half.body);
            }
        }
        (first, &self.body)
    }

    /// Draws the row.
    pub fn draw(
        &self,
        buffer: &mut Buffer,
        (x, y): (u16, u16),
        width: u16,
        aside: usize,
        marker: Style,
    ) {
        for (from, to, style) in &self.grounds {
            let cells = Rect::new(x + from, y, to.min(&width).saturating_sub(*from), 1);
            buffer.set_style(cells.intersection(buffer.area), *style);
        }
        buffer.set_line(x, y, &self.line(aside, marker), width);
    }

    /// The part at a column of the row.
    pub fn part_at(&self, column: u16) -> BlockPart {
        let start = spans_width(&self.lead) as u16;
        if column >= start {
            let at = column - start;
            if let Some((_, _, part)) = self
                .links
                .iter()
                .find(|(from, to, _)| (*from..*to).contains(&at))
            {
                return *part;
            }
            if let Some(id) = self.citation_at(usize::from(at)) {
                return BlockPart::Source(id);
            }
        }
        self.part
    }

    /// The number of the citation `[n]` or `[n, m]` at a cell of the body.
    fn citation_at(&self, cell: usize) -> Option<u32> {
        if !matches!(self.part, BlockPart::Text) {
            return None;
        }
        let text = self.plain();
        let (before, _) = super::width::prefix(&text, cell);
        let at = before.len();
        let start = text
            .get(..=at.min(text.len().saturating_sub(1)))?
            .rfind('[')?;
        let end = start + text.get(start..)?.find(']')?;
        if at > end {
            return None;
        }
        let inside = text.get(start + 1..end)?;
        // Any text may stand in brackets: only numbers are sources.
        inside.split(',').find_map(|n| n.trim().parse().ok())
    }

    /// The text without decoration.
    pub fn plain(&self) -> String {
        self.body.iter().map(|s| s.content.as_ref()).collect()
    }

    /// Everything as it is shown, for tests.
    pub fn shown(&self) -> String {
        let text: String = self
            .line(0, Style::new())
            .spans
            .iter()
            .map(|s| s.content.as_ref())
            .collect();
        text.trim_end().to_owned()
    }
}

/// The text of some rows between two cells (row, column), both included, as it was before
/// it was wrapped: decoration left out, wrapped rows joined.
pub fn selected(rows: &[Row], from: (usize, u16), to: (usize, u16)) -> String {
    let (from, to) = if from <= to { (from, to) } else { (to, from) };
    let mut out = String::new();
    for (i, row) in rows.iter().enumerate().take(to.0 + 1).skip(from.0) {
        if row.decoration {
            continue;
        }
        let (lead, body) = row.text_at(from.1);
        let text: String = body.iter().map(|s| s.content.as_ref()).collect();
        let first = if i == from.0 {
            usize::from(from.1).saturating_sub(lead)
        } else {
            0
        };
        let last = if i == to.0 {
            (usize::from(to.1) + 1).saturating_sub(lead)
        } else {
            usize::MAX
        };
        let (cut, _) = super::width::prefix(&text, last);
        let (skip, _) = super::width::prefix(cut, first);
        let piece = cut.split_at(skip.len()).1.trim_end();
        if !out.is_empty() {
            out.push(if row.soft { ' ' } else { '\n' });
        }
        out.push_str(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_copied_is_the_text_before_wrapping() {
        let rows = [
            Row::text(vec![Span::raw("one two")]).indented(3),
            Row {
                soft: true,
                ..Row::text(vec![Span::raw("three")]).indented(3)
            },
            Row::decoration(vec![Span::raw("   ┌────")]),
            Row::text(vec![Span::raw("let 漢 = 1;")]).indented(5),
        ];
        assert_eq!(selected(&rows, (0, 7), (3, 100)), "two three\nlet 漢 = 1;");
        assert_eq!(selected(&rows, (3, 8), (0, 0)), "one two three\nlet");
    }

    #[test]
    fn a_citation_is_found_under_the_mouse() {
        let row = Row::text(vec![Span::raw("it is [1] and "), Span::raw("[2, 3].")]).indented(2);
        assert_eq!(row.part_at(9), BlockPart::Source(1));
        assert_eq!(row.part_at(8), BlockPart::Source(1));
        assert_eq!(row.part_at(7), BlockPart::Text);
        assert_eq!(row.part_at(17), BlockPart::Source(2));
        assert_eq!(row.part_at(60), BlockPart::Text);
    }
}
