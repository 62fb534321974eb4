//! The overlays: help, texts, lists, questions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::draw::Cx;
use super::model_picker;
use super::session_picker;
use super::settings_form;
use super::styled_rows::Row;
use super::text::{PlainRows, plain};
use super::theme::Role;
use super::theme_picker;
use super::transcript::{MOST_MATCHES, mark_found};
use super::view::clear;
use super::width::{fit, fit_end, pad, width};
use crate::app::{BackRow, BackTo, Find, Match, Overlay, PaletteItem, Picker, State, help};
use crate::base::text::{human_count, printable};
use crate::index::Hit;

/// The place of an overlay, for the mouse and the state.
#[derive(Debug, Clone, Copy, Default)]
pub struct Drawn {
    /// The whole overlay.
    pub area: Rect,
    /// The rows of its list or text.
    pub list: Rect,
    /// The row shown first.
    pub top: usize,
    /// Rows of the screen that an item of the list takes.
    pub step: u16,
    /// Rows of its text in all; 0 where it is a list.
    pub total: u32,
    /// The cell of the cursor, if something is typed here.
    pub cursor: Option<(u16, u16)>,
}

/// Draws the overlay that is open. In its text the words of a search are marked, and `matches`
/// filled; the rows of a text are `kept` for the next time.
pub fn draw(
    buffer: &mut Buffer,
    screen: Rect,
    state: &State,
    (matches, kept): (&mut Vec<Match>, &mut PlainRows),
    cx: &Cx<'_>,
) -> Option<Drawn> {
    let overlay = state.overlay.as_ref()?;
    Some(match overlay {
        Overlay::Help { top } => {
            let cells = inner(screen, 92);
            let rows = help_rows(state, cells, cx);
            let page = Page {
                title: "help",
                rows: &rows,
                top: *top,
                find: state.find.as_ref(),
            };
            text(buffer, screen, 92, &page, matches, cx)
        }
        Overlay::Text {
            title,
            text: t,
            top,
        } => {
            let page = Page {
                title: &printable(title),
                rows: kept.of(t, cx.role(Role::Text), inner(screen, 92)),
                top: *top,
                find: state.find.as_ref(),
            };
            text(buffer, screen, 92, &page, matches, cx)
        }
        Overlay::Confirm { question, .. } => confirm(buffer, screen, question, cx),
        Overlay::Models(picker) => model_picker::draw(buffer, screen, picker, cx),
        Overlay::Sessions(picker) => session_picker::draw(buffer, screen, picker, cx),
        Overlay::Themes(picker) => theme_picker::draw(buffer, screen, picker, cx),
        Overlay::Search(picker) => {
            let words = ("search", "Enter opens it · @ names it");
            list(buffer, screen, words, picker, cx, search_item)
        }
        Overlay::Back(picker) => {
            let keys = if screen.width < 80 {
                "Enter · ^A ^X ^F"
            } else {
                "Enter edits · ^A anew · ^X other model · ^F forks"
            };
            list(buffer, screen, ("go back to", keys), picker, cx, back_item)
        }
        Overlay::Settings(form) => settings_form::draw(buffer, screen, form, cx),
        Overlay::Palette(picker) => {
            let words = ("commands and keys", "Enter does it");
            list(buffer, screen, words, picker, cx, palette_item)
        }
        Overlay::History(picker) => {
            let words = ("history", "Enter takes it");
            list(buffer, screen, words, picker, cx, |line, cells| {
                Item::whole(line, cells)
            })
        }
    })
}

fn confirm(buffer: &mut Buffer, screen: Rect, question: &str, cx: &Cx<'_>) -> Drawn {
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
    let page = Page {
        title: "sure?",
        rows: &rows,
        top: 0,
        find: None,
    };
    text(buffer, screen, 60, &page, &mut Vec::new(), cx)
}

/// An item of a list as it is shown.
pub(super) struct Item {
    pub left: String,
    /// Less important words at the right, for which the left makes room.
    pub right: String,
}

impl Item {
    /// An item of one text.
    pub fn whole(text: &str, cells: usize) -> Self {
        Self {
            left: pad(&printable(text), cells),
            right: String::new(),
        }
    }
}

/// A command or key in the palette. The effect gives way to the keys.
fn palette_item(item: &PaletteItem, cells: usize) -> Item {
    let keys = fit(&item.keys, cells / 3);
    let room = cells.saturating_sub(width(&keys) + 1);
    Item {
        left: pad(&fit(&item.text, room), room),
        right: format!(" {keys}"),
    }
}

/// A question that can be asked again, with its number; a branch that was left.
fn back_item(row: &BackRow, cells: usize) -> Item {
    let right = match row.to {
        BackTo::Question(_, number) => format!("{number:>4}"),
        BackTo::Branch(_) => " branch".to_owned(),
    };
    let room = cells.saturating_sub(width(&right));
    Item {
        left: pad(&fit(&printable(&row.text), room), room),
        right,
    }
}

fn search_item(hit: &Hit, cells: usize) -> Item {
    let right = hit
        .symbol
        .as_ref()
        .map_or(String::new(), |s| printable(&s.name).into_owned());
    let why = match hit.namesakes {
        0 | 1 => printable(&hit.why),
        all => format!("one of {all}").into(),
    };
    let right = fit(&format!("  {right}  {why}"), cells / 2);
    let room = cells.saturating_sub(width(&right));
    Item {
        left: pad(&fit_end(&format!("{}:{}", hit.path, hit.range), room), room),
        right,
    }
}

/// Cells of text in a box of at most `most` cells.
fn inner(screen: Rect, most: u16) -> usize {
    usize::from(screen.width.min(most).saturating_sub(4)).max(4)
}

/// Draws a box in the middle with a title; returns its area and what is inside.
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
    clear(buffer, area, Role::Raised, cx);
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

/// A text to be shown over the transcript.
struct Page<'p> {
    title: &'p str,
    rows: &'p [Row],
    top: usize,
    find: Option<&'p Find>,
}

fn text(
    buffer: &mut Buffer,
    screen: Rect,
    most: u16,
    page: &Page<'_>,
    matches: &mut Vec<Match>,
    cx: &Cx<'_>,
) -> Drawn {
    let Page {
        title,
        rows,
        top,
        find,
    } = page;
    let found = find.map_or_else(Vec::new, |f| super::find::find(rows.iter(), &f.words));
    let begins = found.iter().filter_map(|f| f.beginning(None));
    matches.extend(begins.take(MOST_MATCHES));
    let total = rows.len();
    let room = usize::from(screen.height.saturating_sub(2));
    let shown = total.min(room);
    let top = (*top).min(total.saturating_sub(shown));
    let foot = if total > shown {
        let finds = if screen.width < 60 { "" } else { " · / finds" };
        format!(
            "{}-{} of {total} · PgUp PgDn{finds} · Esc",
            top + 1,
            top + shown
        )
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
        let at = (inside.x, inside.y + i as u16, inside.width);
        let found = (&found[..], (top + i) as u32, find.and_then(|f| f.at));
        mark_found(buffer, at, row, 0, found, cx);
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
    let lines = help::lines(&state.keymap, state.focused_place());
    let left_cells = (cells * 2 / 5).min(34);
    let mut rows = Vec::new();
    for line in lines {
        match line {
            help::HelpLine::Heading(text) => {
                rows.push(Row::text(vec![Span::styled(text, cx.role(Role::Heading))]))
            }
            help::HelpLine::Text(text) => rows.extend(plain(&text, cx.role(Role::Dim), cells)),
            help::HelpLine::Empty => rows.push(Row::blank()),
            help::HelpLine::Entry { left, right } => {
                rows.extend(help_entry(&left, &right, cells, left_cells, cx));
            }
        }
    }
    rows
}

/// A key and what it does, side by side.
fn help_entry(left: &str, right: &str, cells: usize, left_cells: usize, cx: &Cx<'_>) -> Vec<Row> {
    let mut left = plain(left, cx.role(Role::Accent), left_cells.saturating_sub(1)).into_iter();
    let room = cells.saturating_sub(left_cells + 2);
    let mut right = plain(right, cx.role(Role::Text), room).into_iter();
    let mut rows = Vec::new();
    loop {
        let (key, words) = (left.next(), right.next());
        if key.is_none() && words.is_none() {
            return rows;
        }
        let mut body = vec![Span::raw("  ")];
        let mut used = 0;
        if let Some(row) = key {
            used = super::width::spans_width(&row.body);
            body.extend(row.body);
        }
        body.push(Span::raw(" ".repeat(left_cells.saturating_sub(used))));
        body.extend(words.into_iter().flat_map(|row| row.body));
        rows.push(Row::text(body));
    }
}

/// Draws a list with its filter above it: its title, and what Enter does to an item.
pub(super) fn list<T>(
    buffer: &mut Buffer,
    screen: Rect,
    (title, enter): (&str, &str),
    picker: &Picker<T>,
    cx: &Cx<'_>,
    item: impl Fn(&T, usize) -> Item,
) -> Drawn {
    list_above(buffer, screen, (title, enter, 0), picker, cx, item)
}

/// Draws a list as [`list`] does, and leaves so many rows free below it.
pub(super) fn list_above<T>(
    buffer: &mut Buffer,
    screen: Rect,
    (title, enter, below): (&str, &str, u16),
    picker: &Picker<T>,
    cx: &Cx<'_>,
    item: impl Fn(&T, usize) -> Item,
) -> Drawn {
    let most = screen.width.min(92);
    let room = screen.height.saturating_sub(4 + below).max(1);
    let count = picker.shown.len().max(1) as u16;
    let rows = count.min(room).min(18);
    let foot = format!(
        "{} of {} · {enter} · Esc",
        human_count(picker.shown.len() as u64),
        human_count(picker.items.len() as u64),
    )
    .replace('·', cx.theme.glyphs().dot);
    let tall = rows + 1 + below;
    let (area, inside) = frame(buffer, screen, (most, tall), title, &foot, cx);
    let cursor = filter(buffer, inside, &picker.filter, cx);
    let list = Rect::new(
        inside.x,
        inside.y + 1,
        inside.width,
        inside.height.saturating_sub(1 + below),
    );
    let top = top_of(picker, usize::from(list.height));
    if picker.shown.is_empty() {
        let cells = usize::from(list.width);
        buffer.set_stringn(list.x, list.y, why_empty(picker), cells, cx.role(Role::Dim));
    }
    let cells = usize::from(list.width).saturating_sub(2);
    let shown = picker.rows().enumerate().skip(top);
    for (y, (i, shown)) in (list.top()..list.bottom()).zip(shown) {
        let at = i == picker.cursor;
        let (left, right) = if at {
            (Role::Selection, Role::Selection)
        } else {
            (Role::Text, Role::Dim)
        };
        let item = item(shown, cells);
        let spans = vec![
            mark(at, cx),
            Span::styled(item.left, cx.role(left)),
            Span::styled(item.right, cx.role(right)),
        ];
        buffer.set_line(list.x, y, &Line::from(spans), list.width);
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

/// The words for a list of which nothing is shown.
fn why_empty<T>(picker: &Picker<T>) -> &'static str {
    if picker.loading {
        "looking…"
    } else if picker.items.is_empty() {
        "nothing is here"
    } else {
        "nothing matches"
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

/// Draws the line that narrows a list; returns where the cursor belongs.
pub(super) fn filter(buffer: &mut Buffer, area: Rect, text: &str, cx: &Cx<'_>) -> (u16, u16) {
    typed(buffer, area, text, "type to narrow", cx)
}

/// Draws a line that is typed, or words that say what for; returns where the cursor belongs.
pub(super) fn typed(
    buffer: &mut Buffer,
    area: Rect,
    text: &str,
    empty: &str,
    cx: &Cx<'_>,
) -> (u16, u16) {
    let safe = printable(text);
    let shown = fit_end(&safe, usize::from(area.width).saturating_sub(3));
    if shown.is_empty() {
        buffer.set_stringn(
            area.x + 2,
            area.y,
            empty,
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
