//! The transcript as a list of which only what is seen is drawn. The rows of a block are kept
//! until something about it changes.

use std::collections::HashMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::draw::{self, Chunk, Cx, Kept};
use super::find::{Found, find};
use super::panes::Panes;
use super::styled_rows::{Row, selected};
use super::theme::Role;
use crate::app::{
    Block, BlockId, BlockPart, Body, Check, Cursor, DiffLook, Focus, Match, PatchRow, PatchState,
    Scroll, Selection, Spot, State,
};

/// Cells left of the text: the mark of the cursor, and a blank.
const MARGIN: u16 = 1;
/// Matches of a search that are counted, at most.
pub(super) const MOST_MATCHES: usize = 10_000;

/// A block as drawn last.
#[derive(Debug, Default)]
struct Memo {
    key: Option<Key>,
    kept: Kept,
    chunks: Vec<Chunk>,
    height: u32,
    /// The words that were looked for, and where they were found.
    found: (String, Vec<Found>),
    panes: Panes,
}

/// The things the look of a block depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    revision: u64,
    width: usize,
    look: u64,
    focused: bool,
    code: usize,
    diff: Option<DiffLook>,
}

/// A row on the screen.
#[derive(Debug, Clone, Copy)]
struct Seen {
    block: BlockId,
    line: u32,
}

/// The transcript as drawn last.
#[derive(Debug, Default)]
pub struct Transcript {
    memos: HashMap<BlockId, Memo>,
    seen: Vec<Option<Seen>>,
    area: Rect,
    /// Rows below the last one seen.
    below: u32,
}

impl Transcript {
    /// Brings all blocks up to date and returns their heights, the empty row behind each
    /// included.
    pub fn measure(&mut self, state: &State, cx: &Cx<'_>) -> Vec<(BlockId, u32)> {
        if self.memos.len() > state.blocks.len() + 16 {
            self.memos.retain(|id, _| state.block(*id).is_some());
        }
        state
            .blocks
            .iter()
            .map(|block| {
                let memo = self.memos.entry(block.id).or_default();
                let key = key(block, state, cx);
                if key.is_none() || memo.key != key {
                    memo.chunks = draw::block(block, state, cx, &mut memo.kept);
                    let rows = memo.chunks.iter().flat_map(|c| c.rows.iter());
                    let together = matches!(block.body, Body::Patch(_));
                    memo.panes.measure(rows, together);
                    let rows: usize = memo.chunks.iter().map(|c| c.rows.len()).sum();
                    // A block with nothing to show takes no empty row either.
                    memo.height = if rows == 0 { 0 } else { rows as u32 + 1 };
                    memo.key = key;
                    memo.found = Default::default();
                }
                (block.id, memo.height)
            })
            .collect()
    }

    /// Finds words in all blocks, those of [`Transcript::measure`], and returns where each match
    /// begins.
    pub fn find(&mut self, words: &str, heights: &[(BlockId, u32)]) -> Vec<Match> {
        let mut matches = Vec::new();
        for (id, _) in heights {
            let Some(memo) = self.memos.get_mut(id) else {
                continue;
            };
            if memo.found.0 != words {
                let rows = memo.chunks.iter().flat_map(|c| c.rows.iter());
                memo.found = (words.to_owned(), find(rows, words));
            }
            let begins = memo.found.1.iter();
            let begins = begins.filter_map(|found| found.beginning(Some(*id)));
            matches.extend(begins.take(MOST_MATCHES - matches.len()));
        }
        matches
    }

    /// Rows that are not seen below the last one drawn.
    pub const fn below(&self) -> u32 {
        self.below
    }

    /// The rows that the cursor of the patch or review with the keys stands on, or those of the code
    /// block that is chosen.
    pub fn cursor_rows(&self, state: &State) -> Option<(BlockId, u32, u32)> {
        let (id, part) = match state.focus {
            Focus::Patch(id) | Focus::Review(id) => (id, cursor_part(state, id)?),
            _ => {
                let cursor = state.cursor?;
                (cursor.block, BlockPart::Code(cursor.code?))
            }
        };
        let memo = self.memos.get(&id)?;
        let mut rows = (0u32..)
            .zip(memo.chunks.iter().flat_map(|c| c.rows.iter()))
            .filter(|(_, row)| row.part == part)
            .map(|(line, _)| line);
        let first = rows.next()?;
        Some((id, first, rows.last().unwrap_or(first)))
    }

    /// Tells whether the first (or the last) row of a block was seen when drawn last.
    pub fn sees_edge(&self, block: BlockId, last: bool) -> bool {
        let line = match self.memos.get(&block) {
            Some(memo) if last => memo.height.saturating_sub(2),
            _ => 0,
        };
        self.seen
            .iter()
            .flatten()
            .any(|seen| seen.block == block && seen.line == line)
    }

    /// Draws what is seen. `heights` as [`Transcript::measure`] gave them for the same state.
    pub fn draw(
        &mut self,
        buffer: &mut Buffer,
        area: Rect,
        state: &State,
        heights: &[(BlockId, u32)],
        cx: &Cx<'_>,
    ) {
        self.area = area;
        self.seen = vec![None; usize::from(area.height)];
        let total: u32 = heights.iter().map(|(_, h)| h).sum();
        let rows = u32::from(area.height);
        let top = top(state.scroll, heights, total.saturating_sub(rows));
        self.below = total.saturating_sub(top + rows);
        let cursor = state.cursor.filter(|_| state.overlay.is_none());
        let selection = state.selection.map(ordered);
        let mut at = 0;
        for &(id, height) in heights {
            let (from, to) = (at, at + height);
            at = to;
            if to <= top || from >= top + rows {
                continue;
            }
            let Some(memo) = self.memos.get(&id) else {
                continue;
            };
            let all = memo
                .chunks
                .iter()
                .flat_map(|c| c.rows.iter().map(move |row| (c.indent, row)));
            for (line, (indent, row)) in (0u32..).zip(all) {
                let absolute = from + line;
                if absolute < top {
                    continue;
                }
                if absolute >= top + rows {
                    break;
                }
                let offset = (absolute - top) as u16;
                let y = area.y + offset;
                let x = area.x + MARGIN + indent;
                let width = area.width.saturating_sub(MARGIN + indent);
                let aside = memo.panes.aside(line);
                row.draw(buffer, (x, y), width, aside, cx.role(Role::Accent));
                if let Some(slot) = self.seen.get_mut(usize::from(offset)) {
                    *slot = Some(Seen { block: id, line });
                }
                if let Some(search) = &state.find {
                    let at = search.at.filter(|at| at.block == Some(id));
                    let found = (&memo.found.1[..], line, at);
                    mark_found(buffer, (x, y, width), row, aside, found, cx);
                }
                if cursor.is_some_and(|c| marks(c, id, row)) {
                    let bar = if cx.theme.ascii { "|" } else { "▌" };
                    buffer.set_string(area.x, y, bar, cx.role(Role::Accent));
                }
                if let Some(selection) = selection {
                    let marked = marked(selection, (id, line), MARGIN + indent, row);
                    if let Some((first, last)) = marked.map(|(a, b)| (a, b.min(area.width)))
                        && last > first
                    {
                        let marked = Rect::new(area.x + first, y, last - first, 1);
                        buffer.set_style(marked, cx.role(Role::Selection));
                    }
                }
            }
        }
    }

    /// The spot at a cell of the screen and what lies there; none where the transcript is
    /// empty.
    pub fn at(&self, column: u16, row: u16) -> Option<(Spot, BlockPart)> {
        let seen = (*self.seen.get(usize::from(row.checked_sub(self.area.y)?))?)?;
        let column = column.saturating_sub(self.area.x);
        let spot = Spot {
            block: seen.block,
            line: seen.line,
            column,
        };
        let memo = self.memos.get(&seen.block)?;
        let mut line = seen.line as usize;
        for chunk in &memo.chunks {
            if let Some(row) = chunk.rows.get(line) {
                let part = match column.checked_sub(MARGIN + chunk.indent) {
                    Some(column) => row.part_at(column),
                    None => row.part,
                };
                return Some((spot, part));
            }
            line = line.saturating_sub(chunk.rows.len());
        }
        Some((spot, BlockPart::Text))
    }

    /// Moves the window under a spot sideways.
    pub fn aside(&mut self, spot: Spot, by: i32) {
        if let Some(memo) = self.memos.get_mut(&spot.block)
            && let Some(pane) = memo.panes.at(spot.line)
        {
            memo.panes.shift(pane, by);
        }
    }

    /// Moves the window at the cursor sideways: that of the code chosen, else the first one in
    /// sight.
    pub fn aside_at_cursor(&mut self, state: &State, by: i32) {
        let (id, part) = match (state.focus, state.cursor) {
            (Focus::Patch(id), _) => (id, None),
            (Focus::Review(id), _) => (id, cursor_part(state, id)),
            (_, Some(cursor)) => (cursor.block, cursor.code.map(BlockPart::Code)),
            (_, None) => return,
        };
        let lines = self.seen.iter().flatten().filter(|seen| seen.block == id);
        let seen = lines.clone().map(|seen| seen.line).min().unwrap_or(0)
            ..lines.map(|seen| seen.line + 1).max().unwrap_or(0);
        let Some(memo) = self.memos.get_mut(&id) else {
            return;
        };
        let pane = match part {
            Some(part) => memo.panes.of(part),
            None => memo.panes.in_sight(&seen),
        };
        if let Some(pane) = pane {
            memo.panes.shift(pane, by);
        }
    }

    /// The text of a selection as it was before it was wrapped.
    pub fn text_of(&self, selection: Selection, state: &State) -> String {
        let (from, to) = ordered(selection);
        let mut rows: Vec<Row> = Vec::new();
        let (mut first, mut last) = ((0, from.column), (0, to.column));
        for block in &state.blocks {
            if block.id < from.block || block.id > to.block {
                continue;
            }
            if block.id == from.block {
                first.0 = rows.len() + from.line as usize;
            }
            if block.id == to.block {
                last.0 = rows.len() + to.line as usize;
            }
            if let Some(memo) = self.memos.get(&block.id) {
                for chunk in &memo.chunks {
                    let indent = usize::from(MARGIN + chunk.indent);
                    rows.extend(chunk.rows.iter().map(|row| row.clone().indented(indent)));
                }
            }
            rows.push(Row::blank());
        }
        selected(&rows, first, last).trim_end().to_owned()
    }
}

/// The part of a patch or a review that its cursor stands on.
fn cursor_part(state: &State, id: BlockId) -> Option<BlockPart> {
    match &state.block(id)?.body {
        Body::Patch(patch) => Some(match patch.cursor {
            PatchRow::File(i) => BlockPart::PatchFile(i),
            PatchRow::Hunk(h) => BlockPart::Hunk(h),
        }),
        Body::Review(review) => Some(BlockPart::Finding(review.cursor)),
        _ => None,
    }
}

/// The first row drawn, counted from the beginning of the transcript. `lowest`: that of the end.
fn top(scroll: Scroll, heights: &[(BlockId, u32)], lowest: u32) -> u32 {
    match scroll {
        Scroll::Bottom => lowest,
        Scroll::At { block, line } => {
            let before = heights.iter().take_while(|(id, _)| *id < block);
            let here = heights.iter().find(|(id, _)| *id == block);
            // Of a block that is gone, what comes after it is drawn.
            let last = here.map_or(0, |(_, height)| height.saturating_sub(1));
            before.map(|(_, height)| height).sum::<u32>() + line.min(last)
        }
    }
}

/// The columns of a row that a selection marks: from, up to (excluded). None where it does not
/// reach the row. `spot`: block and line of the row; `margin`: cells before it.
fn marked(
    (start, end): (Spot, Spot),
    spot: (BlockId, u32),
    margin: u16,
    row: &Row,
) -> Option<(u16, u16)> {
    let (first, last) = ((start.block, start.line), (end.block, end.line));
    if row.decoration || spot < first || spot > last {
        return None;
    }
    let (lead, body) = row.text_at(start.column.saturating_sub(margin));
    let text = margin + lead as u16;
    let text_end = text + super::width::spans_width(body) as u16;
    let from = if spot == first {
        start.column.max(text)
    } else {
        text
    };
    let to = if spot == last {
        (end.column + 1).min(text_end)
    } else {
        text_end
    };
    Some((from, to))
}

/// Marks what was found in a row: `found` with the number of the row, and the match at the cursor.
pub(super) fn mark_found(
    buffer: &mut Buffer,
    (x, y, width): (u16, u16, u16),
    row: &Row,
    aside: usize,
    (found, line, at): (&[Found], u32, Option<Match>),
    cx: &Cx<'_>,
) {
    let first = found.partition_point(|f| f.line < line);
    let row_of = |f: &&Found| f.line == line;
    for f in found.iter().skip(first).take_while(row_of) {
        let (lead, room) = row.window_of(f.right);
        let end = room.map_or(width, |room| width.min(lead + room));
        let style = if at.is_some_and(|m| f.belongs_to(m)) {
            cx.role(Role::Selection)
        } else {
            // On the grounds of changed words it would be hard to read.
            cx.role(Role::Background)
                .patch(cx.role(Role::Accent))
                .add_modifier(Modifier::UNDERLINED)
        };
        let cell = |cell: u16| (lead + cell).saturating_sub(aside as u16).clamp(lead, end);
        let (from, to) = (cell(f.from), cell(f.to));
        buffer.set_style(Rect::new(x + from, y, to.saturating_sub(from), 1), style);
    }
}

fn marks(cursor: Cursor, id: BlockId, row: &Row) -> bool {
    cursor.block == id
        && cursor
            .code
            .is_none_or(|code| row.part == BlockPart::Code(code))
}

fn ordered(selection: Selection) -> (Spot, Spot) {
    let place = |s: &Spot| (s.block, s.line, s.column);
    if place(&selection.from) <= place(&selection.to) {
        (selection.from, selection.to)
    } else {
        (selection.to, selection.from)
    }
}

/// The key of a block's look; none where it runs with the clock.
fn key(block: &Block, state: &State, cx: &Cx<'_>) -> Option<Key> {
    let focused = match state.focus {
        Focus::Patch(id) | Focus::Review(id) => id == block.id && state.overlay.is_none(),
        _ => false,
    };
    let mut code = 0;
    let mut diff = None;
    match &block.body {
        Body::Answer(answer) if answer.phase.is_running() => return None,
        Body::Review(review) if review.phase.is_running() => return None,
        Body::Review(_) => code = state.code.len(),
        Body::Patch(patch)
            if matches!(patch.check, Check::Running { .. })
                || patch.state == PatchState::Applying =>
        {
            return None;
        }
        Body::Patch(_) => diff = Some(state.diff_look),
        // All that is known of the repository comes into it, while there is nothing else.
        Body::Welcome => return None,
        _ => {}
    }
    Some(Key {
        revision: block.revision,
        width: cx.width,
        look: cx.revision,
        focused,
        code,
        diff,
    })
}
