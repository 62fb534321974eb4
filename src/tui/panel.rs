//! The side panel: the sources of an answer with their code, or the context as it was sent.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::draw::Cx;
use super::highlight::Grown;
use super::styled_rows::Row;
use super::theme::Role;
use super::width::{code_line, fit, fit_end, pad, width};
use crate::app::{Body, Focus, Panel, PanelRow, PanelTab, Place, State};
use crate::base::text::{human_count, printable};

/// The place of the panel and its list, for the mouse.
#[derive(Debug, Clone, Copy, Default)]
pub struct Drawn {
    /// The whole panel.
    pub area: Rect,
    /// The rows of its list.
    pub list: Rect,
    /// The row shown first.
    pub top: usize,
}

/// Draws the panel.
pub fn draw(buffer: &mut Buffer, area: Rect, panel: Panel, state: &State, cx: &Cx<'_>) -> Drawn {
    let rows = state.panel_rows();
    let focused = state.focus == Focus::Panel && state.overlay.is_none();
    let cells = usize::from(area.width);
    heading(buffer, area, panel, &rows, state, cx);
    let list_height = (rows.len() as u16)
        .min(area.height.saturating_sub(2) / 2)
        .max(1);
    let list = Rect::new(
        area.x,
        area.y + 1,
        area.width,
        list_height.min(area.height.saturating_sub(1)),
    );
    let top = panel
        .top
        .min(rows.len().saturating_sub(usize::from(list.height)));
    if rows.is_empty() {
        let text = match panel.tab {
            PanelTab::Sources => "no answer with sources yet",
            PanelTab::Context => "nothing was sent yet: /context shows what would be",
        };
        buffer.set_stringn(
            list.x + 1,
            list.y,
            text,
            cells.saturating_sub(1),
            cx.role(Role::Dim),
        );
    }
    for (i, row) in rows
        .iter()
        .enumerate()
        .skip(top)
        .take(usize::from(list.height))
    {
        let y = list.y + (i - top) as u16;
        let line = list_row(row, i == panel.cursor, focused, cells, cx);
        buffer.set_line(list.x, y, &line, list.width);
    }
    let code_y = list.bottom();
    if let Some(row) = rows.get(panel.cursor)
        && code_y < area.bottom()
    {
        let below = Rect::new(area.x, code_y, area.width, area.bottom() - code_y);
        detail(buffer, below, row, state, cx);
    }
    Drawn { area, list, top }
}

fn heading(
    buffer: &mut Buffer,
    area: Rect,
    panel: Panel,
    rows: &[PanelRow],
    state: &State,
    cx: &Cx<'_>,
) {
    let mut spans = vec![Span::raw(" ")];
    for (tab, word) in [
        (PanelTab::Sources, "sources"),
        (PanelTab::Context, "context"),
    ] {
        let style = if panel.tab == tab {
            cx.role(Role::Heading)
                .add_modifier(ratatui::style::Modifier::UNDERLINED)
        } else {
            cx.role(Role::Dim)
        };
        spans.push(Span::styled(word, style));
        spans.push(Span::raw("  "));
    }
    let context = match state.panel_block().map(|b| &b.body) {
        Some(Body::Answer(answer)) => answer.context.as_ref(),
        Some(Body::Review(review)) => review.context.as_ref(),
        _ => None,
    };
    let preview = state
        .preview
        .as_ref()
        .filter(|_| panel.tab == PanelTab::Context);
    if let Some(context) = preview.map(|p| &p.context).or(context) {
        let would = if preview.is_some() {
            "would be sent: "
        } else {
            ""
        };
        spans.push(Span::styled(
            format!(
                "{would}{} of {} tokens",
                human_count(context.tokens as u64),
                human_count(context.budget as u64)
            ),
            cx.role(Role::Dim),
        ));
    } else if !rows.is_empty() {
        spans.push(Span::styled(rows.len().to_string(), cx.role(Role::Dim)));
    }
    buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
}

/// The line of a row in the list. `at`: the cursor is there; `focused`: keys go to the panel.
fn list_row(row: &PanelRow, at: bool, focused: bool, cells: usize, cx: &Cx<'_>) -> Line<'static> {
    let mark = if at { cx.theme.glyphs().prompt } else { " " };
    let role = if focused { Role::Accent } else { Role::Dim };
    let mut spans = vec![Span::styled(format!("{mark} "), cx.role(role))];
    let selected = at && focused;
    let cells = cells.saturating_sub(3);
    match row {
        PanelRow::Rules { path, .. } => {
            spans.extend(told(&format!("rules  {path}"), 0, selected, cells, cx));
        }
        PanelRow::Told {
            what,
            title,
            tokens,
            ..
        } => {
            let text = format!("{what}  {title}");
            spans.extend(told(&text, *tokens, selected, cells, cx));
        }
        PanelRow::Excerpt {
            id,
            path,
            range,
            symbol,
            why,
            tokens,
            cited,
            pinned,
            dropped,
            ..
        } => {
            let word = if *dropped { Some("dropped") } else { *why };
            let word = if *pinned { Some("pinned") } else { word };
            let mut right = word.map_or(String::new(), |word| format!(" {word}"));
            push_tokens(&mut right, *tokens);
            let number = format!("{id:>2} ");
            let room = cells.saturating_sub(width(&number) + width(&right));
            let name = named(format!("{path}:{range}"), symbol.as_deref(), room);
            let role = if *cited { Role::Accent } else { Role::Dim };
            spans.push(Span::styled(number, cx.role(role)));
            let shown = *cited && !*dropped;
            let role = if shown { Role::Text } else { Role::Dim };
            spans.push(Span::styled(pad(&name, room), ground(role, selected, cx)));
            spans.push(Span::styled(right, cx.role(Role::Dim)));
        }
        PanelRow::LeftOut {
            path,
            range,
            tokens,
            reason,
        } => {
            let mut right = format!(" {}", printable(reason));
            push_tokens(&mut right, *tokens);
            // A file left out whole has no range.
            let range = range.map_or(String::new(), |r| format!(":{r}"));
            let place = format!("{path}{range}");
            spans.extend(left_out(&place, &right, selected, cells, cx));
        }
    }
    Line::from(spans)
}

/// The style of a row's text: its role's, or that of what is selected.
fn ground(role: Role, selected: bool, cx: &Cx<'_>) -> Style {
    cx.role(if selected { Role::Selection } else { role })
}

/// Adds the tokens an excerpt takes, where they are known.
fn push_tokens(right: &mut String, tokens: usize) {
    if tokens > 0 {
        right.push_str(&format!(" {:>6}", human_count(tokens as u64)));
    }
}

/// The place of an excerpt in at most `room` cells, with its definition where there is room.
fn named(place: String, symbol: Option<&str>, room: usize) -> String {
    let longer = symbol.map(|symbol| format!("{place}  {}", printable(symbol)));
    let name = longer.filter(|longer| width(longer) <= room);
    fit_end(&name.unwrap_or(place), room)
}

/// The spans of a text that is shown besides excerpts, and the tokens it takes: 0 where it is
/// shown every time.
fn told(
    text: &str,
    tokens: usize,
    selected: bool,
    cells: usize,
    cx: &Cx<'_>,
) -> [Span<'static>; 2] {
    // What is shown every time costs nothing this time.
    let right = match tokens {
        0 => "  always".to_owned(),
        tokens => format!("{tokens:>8}"),
    };
    let text = pad(text, cells.saturating_sub(8));
    [
        Span::styled(text, ground(Role::Text, selected, cx)),
        Span::styled(right, cx.role(Role::Dim)),
    ]
}

/// The spans of a place that did not get in, with the reason at the right.
fn left_out(
    place: &str,
    right: &str,
    selected: bool,
    cells: usize,
    cx: &Cx<'_>,
) -> [Span<'static>; 3] {
    let sign = format!("{}  ", cx.theme.glyphs().no);
    let right = fit(right, cells * 2 / 3);
    let room = cells.saturating_sub(width(&right) + 3);
    let place = pad(&fit_end(place, room), room);
    [
        Span::styled(sign, cx.role(Role::Warning)),
        Span::styled(place, ground(Role::Dim, selected, cx)),
        Span::styled(right, cx.role(Role::Warning)),
    ]
}

/// The code of a row, as far as it is known.
struct SourceCode {
    /// The text, or why it cannot be read; none while it is being read.
    text: Option<Result<String, String>>,
    /// The extension of its file, which names the language.
    extension: Option<String>,
    /// The number of the first line.
    first: u32,
}

/// The code of a row; none where a whole file was left out.
fn code_of(row: &PanelRow, state: &State) -> Option<SourceCode> {
    let (text, extension, first) = match row {
        PanelRow::Rules { text, path } => (Some(Ok(text.clone())), path.extension(), 1),
        PanelRow::Told { text, .. } => (Some(Ok(text.clone())), Some("diff".to_owned()), 1),
        PanelRow::Excerpt {
            path, range, text, ..
        } => (
            text.clone()
                .map(Ok)
                .or_else(|| state.code.get(&(path.clone(), *range)).cloned()),
            path.extension(),
            range.start(),
        ),
        PanelRow::LeftOut {
            path,
            range: Some(range),
            ..
        } => (
            state.code.get(&(path.clone(), *range)).cloned(),
            path.extension(),
            range.start(),
        ),
        PanelRow::LeftOut { range: None, .. } => return None,
    };
    Some(SourceCode {
        text,
        extension,
        first,
    })
}

/// Draws the code of the row at the cursor, below a line with the keys.
fn detail(buffer: &mut Buffer, area: Rect, row: &PanelRow, state: &State, cx: &Cx<'_>) {
    let line = cx.theme.glyphs().line;
    buffer.set_string(
        area.x,
        area.y,
        line.repeat(usize::from(area.width)),
        cx.role(Role::Rule),
    );
    let hints =
        super::draw::hint_spans(cx, Place::Panel, usize::from(area.width).saturating_sub(4));
    if state.focus == Focus::Panel {
        let mut spans = vec![Span::raw(" ")];
        spans.extend(hints);
        spans.push(Span::raw(" "));
        buffer.set_line(
            area.x + 1,
            area.y,
            &Line::from(spans),
            area.width.saturating_sub(2),
        );
    }
    let rest = Rect::new(
        area.x,
        area.y + 1,
        area.width,
        area.height.saturating_sub(1),
    );
    let Some(code) = code_of(row, state) else {
        return;
    };
    let cells = usize::from(rest.width).saturating_sub(1);
    match code.text {
        Some(Ok(text)) => {
            let language = code.extension.unwrap_or_default();
            draw_code(buffer, rest, &text, &language, code.first, cx);
        }
        Some(Err(reason)) => {
            let style = cx.role(Role::Warning);
            buffer.set_stringn(rest.x, rest.y, printable(&reason), cells, style);
        }
        None => {
            let style = cx.role(Role::Dim);
            buffer.set_stringn(rest.x, rest.y, "reading the code…", cells, style);
        }
    }
}

/// Draws code with the numbers of its lines, from `first` on.
pub(super) fn draw_code(
    buffer: &mut Buffer,
    area: Rect,
    text: &str,
    language: &str,
    first: u32,
    cx: &Cx<'_>,
) {
    let cells = usize::from(area.width).saturating_sub(1);
    let lines: Vec<String> = text
        .lines()
        .take(usize::from(area.height))
        .map(code_line)
        .collect();
    let digits = (first as usize + lines.len()).to_string().len();
    let plain = cx.role(Role::Text);
    let coloured = cx
        .highlighter
        .lines(&lines, language, plain, &mut Grown::default());
    for (i, body) in coloured.into_iter().enumerate() {
        let number = format!("{:>digits$} ", first as usize + i);
        let row = Row {
            lead: vec![Span::styled(number, cx.role(Role::Dim))],
            body,
            room: Some(cells.saturating_sub(digits + 1) as u16),
            ..Row::default()
        };
        let at = (area.x, area.y + i as u16);
        row.draw(buffer, at, area.width, 0, cx.role(Role::Accent));
    }
}
