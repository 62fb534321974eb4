//! The choice of a model: what fits this machine, how large it is, where it comes from.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::draw::{Cx, sides};
use super::overlay::{Drawn, filter, frame, mark, top_of};
use super::styled_rows::Row;
use super::text::plain;
use super::theme::Role;
use super::width::{fit, spans_width, width};
use crate::app::{Fit, ModelPicker, ModelRow};
use crate::base::text::{human_bytes, printable};

/// Rows of the screen below which only what matters most is said above the list.
const LOW: u16 = 16;

/// Draws the choice of a model.
pub fn draw(buffer: &mut Buffer, screen: Rect, picker: &ModelPicker, cx: &Cx<'_>) -> Drawn {
    let most = screen.width.min(92);
    let cells = usize::from(most.saturating_sub(4));
    let intro = intro(screen, picker, cells, cx);
    let room = usize::from(screen.height)
        .saturating_sub(intro.len() + 4)
        .max(2);
    let tall = picker.list.shown.len() * 2 <= room;
    let step = if tall { 2 } else { 1 };
    let rows = (picker.list.shown.len() * step).clamp(1, room);
    let leaves = match picker.again {
        Some(_) => "Esc leaves it",
        None => "Esc later",
    };
    let foot = format!("1-9 or Enter takes it · {leaves}").replace('·', cx.theme.glyphs().dot);
    let title = match (picker.first, &picker.again) {
        (true, _) => "choose a model",
        (false, Some(_)) => "answer again: by which model?",
        (false, None) => "models",
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
        let at = (inside.x, inside.y + i as u16);
        row.draw(buffer, at, inside.width, 0, Style::new());
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
    let top = draw_list(buffer, list, picker, step, cx);
    Drawn {
        area,
        list,
        top,
        step: step as u16,
        total: 0,
        cursor,
    }
}

/// The rows above the list: which model is missing, that none is here, the memory that is free.
fn intro(screen: Rect, picker: &ModelPicker, cells: usize, cx: &Cx<'_>) -> Vec<Row> {
    let mut intro = Vec::new();
    if let Some(wanted) = &picker.wanted {
        intro.extend(plain(
            &format!("The model `{wanted}` is not here."),
            cx.role(Role::Warning),
            cells,
        ));
    }
    if picker.first {
        let text = if screen.height < LOW {
            "No model is here yet: choose one."
        } else {
            "No model is here yet. Choose one: it is fetched once, by a process that reads no \
             code, and then runs on this machine alone."
        };
        intro.extend(plain(text, cx.role(Role::Text), cells));
    }

    if let Some(question) = picker.again.as_ref().filter(|_| !picker.first) {
        let text = if screen.height < LOW {
            "It answers in a branch, and stays loaded.".to_owned()
        } else {
            format!("“{question}” is answered anew, in a branch; the model stays loaded.")
        };
        intro.extend(plain(&text, cx.role(Role::Text), cells));
    }
    // A list that is not filled yet does not tell.
    let free = picker.list.items.iter().map(|m| m.free).max().unwrap_or(0);
    if free > 0 && screen.height >= LOW {
        intro.push(cx.dim(&format!("{} of memory are free.", human_bytes(free))));
    }
    intro
}

/// Draws the list, each model in `step` rows; returns the model shown first.
fn draw_list(
    buffer: &mut Buffer,
    list: Rect,
    picker: &ModelPicker,
    step: usize,
    cx: &Cx<'_>,
) -> usize {
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
        if step > 1 && y + 1 < list.bottom() {
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
    top
}

/// The two rows of a model: what it is called and whether it runs here, and what it is.
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
    let (word, role) = state(model);
    const BEST: &str = "  best for this machine";
    let taken = width(&key) + width(&model.name) + width(&word) + width(BEST) + 3;
    let best = if model.recommended && taken <= cells {
        BEST
    } else {
        ""
    };
    let mut left = vec![
        mark(at, cx),
        Span::styled(key, cx.role(Role::Accent)),
        Span::styled(printable(&model.name).into_owned(), style),
    ];
    // Where there is little room the name stays and the rest goes.
    let room = cells.saturating_sub(spans_width(&left) + 1);
    left.push(Span::styled(best, cx.role(Role::Ok)));
    let memory = if model.memory > 0 && model.fit == Fit::Yes {
        format!("  {} of memory", human_bytes(model.memory))
    } else {
        String::new()
    };
    let mut right = vec![Span::styled(fit(&word, room), cx.role(role))];
    if width(&word) + width(&memory) <= room {
        right.push(Span::styled(memory, cx.role(Role::Dim)));
    }
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

/// The state of a model in a few words: whether it is here and runs.
fn state(model: &ModelRow) -> (String, Role) {
    if model.fit == Fit::Unsupported {
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
    }
}
