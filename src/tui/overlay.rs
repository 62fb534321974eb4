//! What lies over everything: help, texts, lists, questions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::draw::{Cx, sides};
use super::markdown::plain;
use super::rows::Row;
use super::theme::Role;
use super::view::clear;
use super::width::{fit, fit_end, pad, width};
use crate::app::{Fit, ModelPicker, ModelRow, Overlay, Picker, State, help};
use crate::base::text::{human_bytes, human_count, printable};

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
        Overlay::Models(picker) => models(buffer, screen, picker, cx),
        Overlay::Sessions(picker) => list(
            buffer,
            screen,
            "conversations",
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
        Overlay::Themes(picker) => list(buffer, screen, "themes", picker, cx, |name, cells| {
            vec![pad(&printable(name), cells), String::new()]
        }),
        Overlay::Search(picker) => list(buffer, screen, "search", picker, cx, |hit, cells| {
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
        }),
        Overlay::History(picker) => list(buffer, screen, "history", picker, cx, |line, cells| {
            vec![pad(&printable(line), cells), String::new()]
        }),
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
fn frame(
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
    title: &str,
    picker: &Picker<T>,
    cx: &Cx<'_>,
    row: impl Fn(&T, usize) -> Vec<String>,
) -> Drawn {
    let most = screen.width.min(92);
    let room = screen.height.saturating_sub(4).max(1);
    let count = picker.shown.len().max(1) as u16;
    let rows = count.min(room).min(18);
    let foot = format!(
        "{} of {} · Enter takes it · Esc",
        human_count(picker.shown.len() as u64),
        human_count(picker.items.len() as u64)
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

fn top_of<T>(picker: &Picker<T>, rows: usize) -> usize {
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

fn mark(at: bool, cx: &Cx<'_>) -> Span<'static> {
    let text = if at {
        format!("{} ", cx.theme.glyphs().prompt)
    } else {
        "  ".to_owned()
    };
    Span::styled(text, cx.role(Role::Accent))
}

fn filter(buffer: &mut Buffer, area: Rect, typed: &str, cx: &Cx<'_>) -> (u16, u16) {
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

fn models(buffer: &mut Buffer, screen: Rect, picker: &ModelPicker, cx: &Cx<'_>) -> Drawn {
    let most = screen.width.min(92);
    let cells = usize::from(most.saturating_sub(4));
    let mut intro = Vec::new();
    if let Some(wanted) = &picker.wanted {
        intro.extend(plain(
            &format!("The model `{wanted}` is not here."),
            cx.role(Role::Warning),
            cells,
        ));
    }
    if picker.first {
        intro.extend(plain(
            "No model is here yet. Choose one: it is fetched once, by a process that reads no \
             code, and then runs on this machine alone.",
            cx.role(Role::Text),
            cells,
        ));
    }
    let free = picker.list.items.iter().map(|m| m.free).max().unwrap_or(0);
    if free > 0 {
        intro.push(cx.dim(&format!("{} of memory are free.", human_bytes(free))));
    }
    let room = usize::from(screen.height)
        .saturating_sub(intro.len() + 4)
        .max(2);
    let tall = picker.list.shown.len() * 2 <= room;
    let step = if tall { 2 } else { 1 };
    let rows = (picker.list.shown.len() * step).clamp(1, room);
    let foot = "1-9 or Enter takes it · Esc later".replace('·', cx.theme.glyphs().dot);
    let title = if picker.first {
        "choose a model"
    } else {
        "models"
    };
    let (area, inside) = frame(
        buffer,
        screen,
        (most, (intro.len() + 1 + rows) as u16),
        title,
        &foot,
        cx,
    );
    for (i, row) in intro.iter().enumerate().take(usize::from(inside.height)) {
        row.draw(
            buffer,
            (inside.x, inside.y + i as u16),
            inside.width,
            0,
            Style::new(),
        );
    }
    let used = (intro.len() as u16).min(inside.height);
    let filter_area = Rect::new(inside.x, inside.y + used, inside.width, 1);
    let cursor = if used < inside.height && !picker.first {
        Some(filter(buffer, filter_area, &picker.list.filter, cx))
    } else {
        None
    };
    let list = Rect::new(
        inside.x,
        inside.y + (used + 1).min(inside.height),
        inside.width,
        inside.height.saturating_sub(used + 1),
    );
    let visible = (usize::from(list.height) / step).max(1);
    let top = top_of(&picker.list, visible);
    for (i, model) in picker.list.rows().enumerate().skip(top).take(visible) {
        let y = list.y + ((i - top) * step) as u16;
        if y >= list.bottom() {
            break;
        }
        let at = i == picker.list.cursor;
        let (first, second) = model_rows(i, model, at, usize::from(list.width), cx);
        first.draw(buffer, (list.x, y), list.width, 0, Style::new());
        if tall && y + 1 < list.bottom() {
            second.draw(buffer, (list.x, y + 1), list.width, 0, Style::new());
        }
    }
    if picker.list.shown.is_empty() && list.height > 0 {
        let word = if picker.list.loading {
            "looking…"
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
    Drawn {
        area,
        list,
        top,
        step: step as u16,
        total: 0,
        cursor,
    }
}

fn model_rows(i: usize, model: &ModelRow, at: bool, cells: usize, cx: &Cx<'_>) -> (Row, Row) {
    let style = if at {
        cx.role(Role::Selection)
    } else {
        cx.role(Role::Text)
    };
    let key = if i < 9 {
        format!("{} ", i + 1)
    } else {
        "  ".to_owned()
    };
    let (word, role) = if model.fit == Fit::Unsupported {
        ("cannot run here yet".to_owned(), Role::Dim)
    } else if model.fit == Fit::No {
        (
            format!("needs {}", human_bytes(model.memory)),
            Role::Warning,
        )
    } else if model.installed {
        ("is here".to_owned(), Role::Ok)
    } else if model.partial > 0 {
        (
            format!(
                "{} of {} are here",
                human_bytes(model.partial),
                human_bytes(model.bytes)
            ),
            Role::Note,
        )
    } else {
        (format!("fetch {}", human_bytes(model.bytes)), Role::Text)
    };
    let best = if model.recommended {
        "  best for this machine"
    } else {
        ""
    };
    let left = vec![
        mark(at, cx),
        Span::styled(key, cx.role(Role::Accent)),
        Span::styled(printable(&model.name).into_owned(), style),
        Span::styled(best, cx.role(Role::Ok)),
    ];
    let memory = if model.memory > 0 && model.fit == Fit::Yes {
        format!("  {} of memory", human_bytes(model.memory))
    } else {
        String::new()
    };
    let right = vec![
        Span::styled(word, cx.role(role)),
        Span::styled(memory, cx.role(Role::Dim)),
    ];
    let second = fit(
        &printable(&format!(
            "{}{}{}",
            model.about,
            if model.from.is_empty() {
                String::new()
            } else {
                format!(" · {}", model.from)
            },
            if model.license.is_empty() {
                String::new()
            } else {
                format!(" · {}", model.license)
            },
        )),
        cells.saturating_sub(4),
    );
    (
        sides(left, right, cells),
        Row::text(vec![Span::styled(second, cx.role(Role::Dim))]).indented(4),
    )
}
