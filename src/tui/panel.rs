//! The side panel: the sources of an answer with their code, or the context as it was sent.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::draw::Cx;
use super::highlight::Grown;
use super::rows::Row;
use super::theme::Role;
use super::width::{code_line, fit, fit_end, pad, width};
use crate::app::{Body, Focus, Panel, PanelRow, PanelTab, Place, State};
use crate::base::text::{human_count, printable};

/// Where the panel's list lies, for the mouse.
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

fn list_row(row: &PanelRow, at: bool, focused: bool, cells: usize, cx: &Cx<'_>) -> Line<'static> {
    let glyphs = cx.theme.glyphs();
    let mark = if at { glyphs.prompt } else { " " };
    let mut spans = vec![Span::styled(
        format!("{mark} "),
        if focused {
            cx.role(Role::Accent)
        } else {
            cx.role(Role::Dim)
        },
    )];
    let ground = |role| {
        if at && focused {
            cx.role(Role::Selection)
        } else {
            cx.role(role)
        }
    };
    let cells = cells.saturating_sub(3);
    match row {
        PanelRow::Rules { path, .. } => {
            spans.push(Span::styled(
                pad(&format!("rules  {path}"), cells.saturating_sub(8)),
                ground(Role::Text),
            ));
            spans.push(Span::styled("  always", cx.role(Role::Dim)));
        }
        PanelRow::Told {
            what,
            title,
            tokens,
            ..
        } => {
            spans.push(Span::styled(
                pad(&format!("{what}  {title}"), cells.saturating_sub(8)),
                ground(Role::Text),
            ));
            // What is shown every time costs nothing this time.
            let right = match tokens {
                0 => "  always".to_owned(),
                tokens => format!("{tokens:>8}"),
            };
            spans.push(Span::styled(right, cx.role(Role::Dim)));
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
            let mut right = String::new();
            if *pinned {
                right.push_str(" pinned");
            } else if *dropped {
                right.push_str(" dropped");
            } else if let Some(why) = why {
                right.push_str(&format!(" {why}"));
            }
            if *tokens > 0 {
                right.push_str(&format!(" {:>6}", human_count(*tokens as u64)));
            }
            let number = format!("{id:>2} ");
            let room = cells.saturating_sub(width(&number) + width(&right));
            let mut name = format!("{path}:{range}");
            if let Some(symbol) = symbol {
                let longer = format!("{name}  {}", printable(symbol));
                if width(&longer) <= room {
                    name = longer;
                }
            }
            let name = fit_end(&name, room);
            let role = if *dropped {
                Role::Dim
            } else if *cited {
                Role::Text
            } else {
                Role::Dim
            };
            spans.push(Span::styled(
                number,
                cx.role(if *cited { Role::Accent } else { Role::Dim }),
            ));
            spans.push(Span::styled(pad(&name, room), ground(role)));
            spans.push(Span::styled(right, cx.role(Role::Dim)));
        }
        PanelRow::LeftOut {
            path,
            range,
            tokens,
            reason,
        } => {
            let range = range.map_or(String::new(), |r| format!(":{r}"));
            let mut right = format!(" {}", printable(reason));
            if *tokens > 0 {
                right.push_str(&format!(" {:>6}", human_count(*tokens as u64)));
            }
            let right = fit(&right, cells * 2 / 3);
            let room = cells.saturating_sub(width(&right) + 3);
            spans.push(Span::styled(
                format!("{}  ", glyphs.no),
                cx.role(Role::Warning),
            ));
            spans.push(Span::styled(
                pad(&fit_end(&format!("{path}{range}"), room), room),
                ground(Role::Dim),
            ));
            spans.push(Span::styled(right, cx.role(Role::Warning)));
        }
    }
    Line::from(spans)
}

/// The code of the row at the cursor.
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
        PanelRow::LeftOut { range: None, .. } => (None, None, 1),
    };
    let cells = usize::from(rest.width).saturating_sub(1);
    match text {
        Some(Ok(text)) => {
            let lines: Vec<String> = text
                .lines()
                .take(usize::from(rest.height))
                .map(code_line)
                .collect();
            let digits = (first as usize + lines.len()).to_string().len();
            let coloured = cx.highlighter.lines(
                &lines,
                &extension.unwrap_or_default(),
                cx.role(Role::Text),
                &mut Grown::default(),
            );
            for (i, body) in coloured.into_iter().enumerate() {
                let row = Row {
                    lead: vec![Span::styled(
                        format!("{:>digits$} ", first as usize + i),
                        cx.role(Role::Dim),
                    )],
                    body,
                    room: Some(cells.saturating_sub(digits + 1) as u16),
                    ..Row::default()
                };
                row.draw(
                    buffer,
                    (rest.x, rest.y + i as u16),
                    rest.width,
                    0,
                    cx.role(Role::Accent),
                );
            }
        }
        Some(Err(reason)) => {
            buffer.set_stringn(
                rest.x,
                rest.y,
                printable(&reason),
                cells,
                cx.role(Role::Warning),
            );
        }
        None if !matches!(row, PanelRow::LeftOut { range: None, .. }) => {
            buffer.set_stringn(
                rest.x,
                rest.y,
                "reading the code…",
                cells,
                cx.role(Role::Dim),
            );
        }
        None => {}
    }
}
