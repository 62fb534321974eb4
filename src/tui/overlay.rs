//! What lies over everything: help, texts, lists, questions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::draw::Cx;
use super::model_picker;
use super::prose::plain;
use super::rows::Row;
use super::theme::Role;
use super::view::clear;
use super::width::{fit, fit_end, pad, width};
use crate::app::{Overlay, Picker, State, help};
use crate::base::text::{human_count, printable};

/// Where an overlay lies, for the mouse and the state.
#[derive(Debug, Clone, Copy, Default)]
pub struct Drawn {
    /// All of it.
    pub area: Rect,
    /// The rows of its list.
    pub list: Rect,
    /// The row shown first.
    pub top: usize,
    /// Rows a row of the list takes.
    pub step: u16,
    /// Rows of its text in all.
    pub total: u32,
    /// Where the cursor belongs, if something is typed here.
    pub cursor: Option<(u16, u16)>,
}

/// Draws the overlay that is open.
pub fn draw(buffer: &mut Buffer, screen: Rect, state: &State, cx: &Cx<'_>) -> Option<Drawn> {
    let overlay = state.overlay.as_ref()?;
    Some(match overlay {
        Overlay::Help { top } => {
            let cells = inner(screen, 92);
            let rows = help_rows(state, cells, cx);
            text(buffer, screen, 92, "help", rows, *top, cx)
        }
        Overlay::Text {
            title,
            text: t,
            top,
        } => {
            let rows = plain(t, cx.role(Role::Text), inner(screen, 92));
            text(buffer, screen, 92, &printable(title), rows, *top, cx)
        }
        Overlay::Confirm { question, .. } => {
            let mut rows = plain(question, cx.role(Role::Text), inner(screen, 60));
            rows.push(Row::blank());
            rows.push(Row::text(vec![
                Span::styled("Enter", cx.role(Role::Accent)),
                Span::styled(" or ", cx.role(Role::Dim)),
                Span::styled("y", cx.role(Role::Accent)),
                Span::styled(" yes   ", cx.role(Role::Text)),
                Span::styled("Esc", cx.role(Role::Accent)),
                Span::styled(" or ", cx.role(Role::Dim)),
                Span::styled("n", cx.role(Role::Accent)),
                Span::styled(" no", cx.role(Role::Text)),
            ]));
            text(buffer, screen, 60, "sure?", rows, 0, cx)
        }
        Overlay::Models(picker) => model_picker::draw(buffer, screen, picker, cx),
        Overlay::Sessions(picker) => list(
            buffer,
            screen,
            ("conversations", "Enter goes on with it"),
            picker,
            cx,
            |entry, cells| {
                let age = cx.today.saturating_sub(entry.changed);
                let right = format!(
                    "{} turn{}  {:>10}",
                    entry.turns,
                    if entry.turns == 1 { "" } else { "s" },
                    ago(age)
                );
                vec![
                    pad(
                        &printable(&entry.title),
                        cells.saturating_sub(width(&right) + 1),
                    ),
                    format!(" {right}"),
                ]
            },
        ),
        Overlay::Themes(picker) => list(
            buffer,
            screen,
            ("themes", "Enter keeps it"),
            picker,
            cx,
            |name, cells| vec![pad(&printable(name), cells), String::new()],
        ),
        Overlay::Search(picker) => list(
            buffer,
            screen,
            ("search", "Enter opens it · @ names it"),
            picker,
            cx,
            |hit, cells| {
                let right = hit
                    .symbol
                    .as_ref()
                    .map_or(String::new(), |s| printable(&s.name).into_owned());
                let right = fit(&format!("  {right}  {}", printable(&hit.why)), cells / 2);
                let room = cells.saturating_sub(width(&right));
                vec![
                    pad(&fit_end(&format!("{}:{}", hit.path, hit.range), room), room),
                    right,
                ]
            },
        ),
        Overlay::History(picker) => list(
            buffer,
            screen,
            ("history", "Enter takes it"),
            picker,
            cx,
            |line, cells| vec![pad(&printable(line), cells), String::new()],
        ),
    })
}

fn ago(seconds: u64) -> String {
    match seconds {
        0..60 => "just now".to_owned(),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// Cells of text in a box of at most `most` cells.
fn inner(screen: Rect, most: u16) -> usize {
    usize::from(screen.width.min(most).saturating_sub(4)).max(4)
}

/// A box in the middle with a title; returns what is inside.
pub(super) fn frame(
    buffer: &mut Buffer,
    screen: Rect,
    (cells, rows): (u16, u16),
    title: &str,
    foot: &str,
    cx: &Cx<'_>,
) -> (Rect, Rect) {
    let width_of = cells.min(screen.width);
    let height = (rows + 2).min(screen.height);
    let area = Rect::new(
        screen.x + (screen.width - width_of) / 2,
        screen.y + (screen.height - height) / 2,
        width_of,
        height,
    );
    clear(buffer, area, cx);
    let glyphs = cx.theme.glyphs();
    let rule = cx.role(Role::Rule);
    let across = usize::from(width_of.saturating_sub(2));
    let edge = |word: &str, left: &'static str, right: &'static str, role: Role| {
        let word = fit(word, across.saturating_sub(4));
        let mut spans = vec![Span::styled(left, rule)];
        let mut used = 0;
        if !word.is_empty() {
            used = width(&word) + 2;
            spans.push(Span::styled(format!(" {word} "), cx.role(role)));
        }
        spans.push(Span::styled(
            glyphs.line.repeat(across.saturating_sub(used)),
            rule,
        ));
        spans.push(Span::styled(right, rule));
        Line::from(spans)
    };
    let top = edge(title, glyphs.top_left, glyphs.top_right, Role::Heading);
    buffer.set_line(area.x, area.y, &top, area.width);
    for y in area.y + 1..area.bottom().saturating_sub(1) {
        buffer.set_string(area.x, y, glyphs.bar, rule);
        buffer.set_string(area.right() - 1, y, glyphs.bar, rule);
    }
    let bottom = edge(foot, glyphs.bottom_left, glyphs.bottom_right, Role::Dim);
    buffer.set_line(area.x, area.bottom() - 1, &bottom, area.width);
    let inside = Rect::new(
        area.x + 2.min(area.width),
        area.y + 1,
        area.width.saturating_sub(4),
        area.height.saturating_sub(2),
    );
    (area, inside)
}

fn text(
    buffer: &mut Buffer,
    screen: Rect,
    most: u16,
    title: &str,
    rows: Vec<Row>,
    top: usize,
    cx: &Cx<'_>,
) -> Drawn {
    let total = rows.len();
    let room = usize::from(screen.height.saturating_sub(2));
    let shown = total.min(room);
    let top = top.min(total.saturating_sub(shown));
    let foot = if total > shown {
        format!("{}-{} of {total} · PgUp PgDn · Esc", top + 1, top + shown)
            .replace('·', cx.theme.glyphs().dot)
    } else {
        "Esc".to_owned()
    };
    let (area, inside) = frame(buffer, screen, (most, shown as u16), title, &foot, cx);
    for (i, row) in rows
        .iter()
        .skip(top)
        .take(usize::from(inside.height))
        .enumerate()
    {
        row.draw(
            buffer,
            (inside.x, inside.y + i as u16),
            inside.width,
            0,
            cx.role(Role::Accent),
        );
    }
    Drawn {
        area,
        list: inside,
        top,
        step: 1,
        total: total as u32,
        cursor: None,
    }
}

fn help_rows(state: &State, cells: usize, cx: &Cx<'_>) -> Vec<Row> {
    let lines = help::lines(&state.keymap);
    let left_cells = (cells * 2 / 5).min(34);
    let mut rows = Vec::new();
    for line in lines {
        match line {
            help::Line::Heading(text) => {
                rows.push(Row::text(vec![Span::styled(text, cx.role(Role::Heading))]))
            }
            help::Line::Text(text) => rows.extend(plain(&text, cx.role(Role::Dim), cells)),
            help::Line::Empty => rows.push(Row::blank()),
            help::Line::Entry { left, right } => {
                let left_rows = plain(&left, cx.role(Role::Accent), left_cells.saturating_sub(1));
                let right_rows = plain(
                    &right,
                    cx.role(Role::Text),
                    cells.saturating_sub(left_cells + 2),
                );
                for i in 0..left_rows.len().max(right_rows.len()) {
                    let mut body = vec![Span::raw("  ")];
                    let mut used = 0;
                    if let Some(row) = left_rows.get(i) {
                        used = super::width::spans_width(&row.body);
                        body.extend(row.body.iter().cloned());
                    }
                    body.push(Span::raw(" ".repeat(left_cells.saturating_sub(used))));
                    if let Some(row) = right_rows.get(i) {
                        body.extend(row.body.iter().cloned());
                    }
                    rows.push(Row::text(body));
                }
            }
        }
    }
    rows
}

/// A list with its filter above it.
fn list<T>(
    buffer: &mut Buffer,
    screen: Rect,
    (title, enter): (&str, &str),
    picker: &Picker<T>,
    cx: &Cx<'_>,
    row: impl Fn(&T, usize) -> Vec<String>,
) -> Drawn {
    let most = screen.width.min(92);
    let room = screen.height.saturating_sub(4).max(1);
    let count = picker.shown.len().max(1) as u16;
    let rows = count.min(room).min(18);
    let foot = format!(
        "{} of {} · {enter} · Esc",
        human_count(picker.shown.len() as u64),
        human_count(picker.items.len() as u64),
    )
    .replace('·', cx.theme.glyphs().dot);
    let (area, inside) = frame(buffer, screen, (most, rows + 1), title, &foot, cx);
    let cursor = filter(buffer, inside, &picker.filter, cx);
    let list = Rect::new(
        inside.x,
        inside.y + 1,
        inside.width,
        inside.height.saturating_sub(1),
    );
    let top = top_of(picker, usize::from(list.height));
    if picker.shown.is_empty() {
        let word = if picker.loading {
            "looking…"
        } else if picker.items.is_empty() {
            "nothing is here"
        } else {
            "nothing matches"
        };
        buffer.set_stringn(
            list.x,
            list.y,
            word,
            usize::from(list.width),
            cx.role(Role::Dim),
        );
    }
    let cells = usize::from(list.width).saturating_sub(2);
    for (i, item) in picker
        .rows()
        .enumerate()
        .skip(top)
        .take(usize::from(list.height))
    {
        let at = i == picker.cursor;
        let style = if at {
            cx.role(Role::Selection)
        } else {
            cx.role(Role::Text)
        };
        let mut parts = row(item, cells).into_iter();
        let spans = vec![
            mark(at, cx),
            Span::styled(parts.next().unwrap_or_default(), style),
            Span::styled(
                parts.next().unwrap_or_default(),
                if at { style } else { cx.role(Role::Dim) },
            ),
        ];
        buffer.set_line(
            list.x,
            list.y + (i - top) as u16,
            &Line::from(spans),
            list.width,
        );
    }
    Drawn {
        area,
        list,
        top,
        step: 1,
        total: 0,
        cursor: Some(cursor),
    }
}

/// The row shown first, so that the cursor is in sight.
pub(super) fn top_of<T>(picker: &Picker<T>, rows: usize) -> usize {
    let rows = rows.max(1);
    let top = picker.top.min(picker.shown.len().saturating_sub(rows));
    if picker.cursor < top {
        picker.cursor
    } else if picker.cursor >= top + rows {
        picker.cursor + 1 - rows
    } else {
        top
    }
}

/// The mark before a row.
pub(super) fn mark(at: bool, cx: &Cx<'_>) -> Span<'static> {
    let text = if at {
        format!("{} ", cx.theme.glyphs().prompt)
    } else {
        "  ".to_owned()
    };
    Span::styled(text, cx.role(Role::Accent))
}

/// The line that narrows a list; gives back where the cursor belongs.
pub(super) fn filter(buffer: &mut Buffer, area: Rect, typed: &str, cx: &Cx<'_>) -> (u16, u16) {
    let safe = printable(typed);
    let shown = fit_end(&safe, usize::from(area.width).saturating_sub(3));
    if shown.is_empty() {
        buffer.set_stringn(
            area.x + 2,
            area.y,
            "type to narrow",
            usize::from(area.width).saturating_sub(2),
            cx.role(Role::Dim),
        );
    }
    buffer.set_string(area.x, area.y, "/ ", cx.role(Role::Accent));
    let (x, y) = buffer.set_stringn(
        area.x + 2,
        area.y,
        &shown,
        usize::from(area.width).saturating_sub(2),
        cx.role(Role::Text),
    );
    (x.max(area.x + 2), y)
}
