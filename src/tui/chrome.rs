//! The rows around the transcript: the rule that says what goes on, the composer, the status
//! line, the completion popup.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation as _;

use super::draw::{Cx, hint_spans, rate_text, tone};
use super::markdown::bar;
use super::theme::Role;
use super::width::{fit, pad, spans_width, width};
use crate::app::{
    Activity, Body, Composing, EngineState, Focus, Indexing, Place, Scroll, State, Target,
};
use crate::base::seal::Sealed;
use crate::base::text::{human_bytes, human_count, human_time, printable};
use crate::index::Progress;

/// Rows of the completion popup at most.
const POPUP: usize = 8;

/// The rule above the composer: at the left what goes on, at the right a toast, hints, or
/// how much lies below.
pub fn rule(buffer: &mut Buffer, area: Rect, state: &State, below: u32, cx: &Cx<'_>) {
    let line = cx.theme.glyphs().line;
    let cells = usize::from(area.width);
    buffer.set_string(area.x, area.y, line.repeat(cells), cx.role(Role::Rule));
    let right = rule_right(state, below, cx);
    let right_cells = spans_width(&right);
    let mut left = rule_left(state, below, cx, cells.saturating_sub(right_cells + 6));
    if !left.is_empty() {
        left.insert(0, Span::raw(" "));
        left.push(Span::raw(" "));
        let room = cells.saturating_sub(right_cells + 4) as u16;
        buffer.set_line(area.x + 2.min(area.width), area.y, &Line::from(left), room);
    }
    if right_cells > 0 && right_cells + 4 <= cells {
        let x = area.x + (cells - right_cells - 4) as u16;
        let mut spans = vec![Span::raw(" ")];
        spans.extend(right);
        spans.push(Span::raw(" "));
        buffer.set_line(x, area.y, &Line::from(spans), right_cells as u16 + 2);
    } else if right_cells > 0 {
        buffer.set_line(area.x, area.y, &Line::from(right), area.width);
    }
}

fn rule_right(state: &State, below: u32, cx: &Cx<'_>) -> Vec<Span<'static>> {
    if let Some(toast) = &state.toast {
        let (sign, role) = tone(toast.tone);
        let role = if role == Role::Dim {
            Role::Accent
        } else {
            role
        };
        let text = fit(
            &format!("{sign}{}", printable(&toast.text)),
            usize::from(state.size.0).saturating_sub(6),
        );
        return vec![Span::styled(text, cx.role(role))];
    }
    if state.overlay.is_none() {
        match state.focus {
            Focus::Transcript => return hint_spans(cx, Place::Transcript, cx.width / 2),
            // Over the code of a row the panel shows them itself.
            Focus::Panel if state.panel_rows().is_empty() => {
                return hint_spans(cx, Place::Panel, cx.width / 2 + 10);
            }
            _ => {}
        }
    }
    let mut words = Vec::new();
    if state.scroll != Scroll::Bottom && below > 0 {
        words.push(format!(
            "{} line{} below",
            human_count(u64::from(below)),
            if below == 1 { "" } else { "s" }
        ));
    }
    if let Some(mode) = state.composer.mode() {
        let pending = state.composer.pending();
        words.push(format!("{mode:?}").to_lowercase());
        if !pending.is_empty() {
            words.push(pending);
        }
    }
    if words.is_empty() {
        return Vec::new();
    }
    let dot = cx.theme.glyphs().dot;
    vec![Span::styled(
        words.join(&format!(" {dot} ")),
        cx.role(Role::Dim),
    )]
}

fn rule_left(state: &State, below: u32, cx: &Cx<'_>, room: usize) -> Vec<Span<'static>> {
    let dot = cx.theme.glyphs().dot;
    if let Composing::Remark { block, hunk } = state.composing {
        let place = match state.block(block).map(|b| &b.body) {
            Some(Body::Patch(patch)) => patch
                .file_of(crate::app::PatchRow::Hunk(hunk))
                .and_then(|file| patch.files.get(file))
                .map_or(String::new(), |file| format!(" of {}", file.path)),
            _ => String::new(),
        };
        return vec![Span::styled(
            fit(
                &format!(
                    "what should hunk {}{place} be instead? Esc goes back",
                    hunk + 1
                ),
                room,
            ),
            cx.role(Role::Accent),
        )];
    }
    let (text, part, after) = match state.activity() {
        Activity::Idle => (idle(state, cx), None, String::new()),
        Activity::Job { stopping: true, .. } => ("stopping…".to_owned(), None, String::new()),
        Activity::Job { block, .. } => {
            // Its block says so, unless it is out of sight.
            if below == 0 {
                (String::new(), None, String::new())
            } else {
                job(state, block, cx)
            }
        }
        Activity::Loading {
            name,
            memory,
            fraction,
            left_s,
        } => {
            let takes = if memory > 0 {
                format!(", {} of memory", human_bytes(memory))
            } else {
                String::new()
            };
            let left = left_s.map_or(String::new(), |s| format!(" {dot} {} left", human_time(s)));
            (
                format!("loading {}{takes}", printable(&name)),
                Some(f64::from(fraction)),
                left,
            )
        }
        Activity::Pulling { block } => match state.block(block).map(|b| &b.body) {
            Some(Body::Download(d)) => (
                format!("fetching {}", printable(&d.name)),
                Some(d.done as f64 / d.total.max(1) as f64),
                d.left_s()
                    .map_or(String::new(), |s| format!(" {dot} {} left", human_time(s))),
            ),
            _ => (String::new(), None, String::new()),
        },
        Activity::Checking { seconds, .. } => (
            format!("checking {dot} {}", human_time(seconds)),
            None,
            String::new(),
        ),
        Activity::Indexing {
            progress,
            rate,
            left_s,
        } => indexing(progress, rate, left_s, dot),
    };
    if text.is_empty() {
        return Vec::new();
    }
    let mut out = vec![Span::styled(fit(&text, room), cx.role(Role::Text))];
    if let Some(part) = part {
        let cells = room
            .saturating_sub(width(&text) + width(&after) + 1)
            .min(24);
        if cells >= 4 {
            out.push(Span::raw(" "));
            out.extend(bar(part, cells, cx.theme));
        }
    }
    out.push(Span::styled(after, cx.role(Role::Dim)));
    out
}

fn idle(state: &State, cx: &Cx<'_>) -> String {
    if let Some(waiting) = state.waiting() {
        return format!("the question {waiting}");
    }
    let _ = cx;
    match &state.indexing {
        Indexing::Failed { usable: true, .. } => {
            "the index is an older one: it could not be brought up to date".to_owned()
        }
        Indexing::Failed { .. } => {
            "there is no index: only what you name with @ is shown".to_owned()
        }
        _ => String::new(),
    }
}

fn job(state: &State, block: crate::app::BlockId, cx: &Cx<'_>) -> (String, Option<f64>, String) {
    match state.block(block).map(|b| &b.body) {
        Some(Body::Answer(answer)) => {
            if let Some(reading) = state.reading() {
                let left = reading
                    .left_s()
                    .map_or(String::new(), |s| format!(" {}", human_time(s)));
                return (
                    "reading".to_owned(),
                    Some(reading.done as f64 / reading.total.max(1) as f64),
                    left,
                );
            }
            let rate = answer
                .rate(cx.now)
                .map_or(String::new(), |r| format!(" {} tok/s", rate_text(r)));
            (format!("writing{rate}"), None, String::new())
        }
        Some(Body::Review(review)) => {
            let (done, total) = review.progress;
            (
                "reviewing".to_owned(),
                Some(done as f64 / total.max(1) as f64),
                review
                    .left_s(cx.now)
                    .map_or(String::new(), |s| format!(" {} left", human_time(s))),
            )
        }
        _ => (String::new(), None, String::new()),
    }
}

fn indexing(
    progress: Progress,
    rate: f64,
    left_s: Option<f64>,
    dot: &str,
) -> (String, Option<f64>, String) {
    match progress {
        Progress::Walking(files) => (
            format!("indexing {dot} {} files found", human_count(files as u64)),
            None,
            String::new(),
        ),
        Progress::Reading { done, total } => {
            let mut after = String::new();
            if rate > 0.0 {
                after = format!(" {}/s", human_count(rate as u64));
            }
            if let Some(left) = left_s {
                after.push_str(&format!(" {dot} {} left", human_time(left)));
            }
            (
                format!(
                    "indexing {} of {} files",
                    human_count(done as u64),
                    human_count(total as u64)
                ),
                Some(done as f64 / total.max(1) as f64),
                after,
            )
        }
        Progress::Writing => ("indexing · writing".replace('·', dot), None, String::new()),
    }
}

/// Draws the composer; returns where the cursor belongs.
pub fn composer(
    buffer: &mut Buffer,
    area: Rect,
    state: &State,
    top: usize,
    cx: &Cx<'_>,
) -> (u16, u16) {
    let prompt = cx.theme.glyphs().prompt;
    let active = state.focus == Focus::Composer && state.overlay.is_none();
    let mark = if active { Role::Accent } else { Role::Dim };
    buffer.set_string(area.x, area.y, prompt, cx.role(mark));
    let x = area.x + 2;
    let cells = area.width.saturating_sub(2);
    if state.composer.is_empty() {
        let hint = match (&state.engine, &state.composing) {
            (_, Composing::Remark { .. }) => "a remark, in a sentence",
            (EngineState::Missing, _) => "no model is here: /models fetches one",
            _ => "ask, or / for commands, @ for files",
        };
        buffer.set_stringn(x, area.y, hint, usize::from(cells), cx.role(Role::Dim));
        return (x, area.y);
    }
    let rows = state.composer.layout(cells);
    let text = state.composer.text();
    for (i, row) in rows
        .iter()
        .skip(top)
        .take(usize::from(area.height))
        .enumerate()
    {
        let mut at = 0;
        for grapheme in text.get(row.start..row.end).unwrap_or("").graphemes(true) {
            let wide = crate::app::composer::cell_width(grapheme, at);
            if grapheme != "\t" && at + wide <= cells {
                buffer.set_string(x + at, area.y + i as u16, grapheme, cx.role(Role::Text));
            }
            at = at.saturating_add(wide);
        }
    }
    let (row, column) = state.composer.cursor_cell(&rows);
    let y = area.y + (row.saturating_sub(top) as u16).min(area.height.saturating_sub(1));
    (x + column.min(cells.saturating_sub(1)), y)
}

/// Draws the status line; returns which cells mean what.
pub fn status(
    buffer: &mut Buffer,
    area: Rect,
    state: &State,
    cx: &Cx<'_>,
) -> Vec<(u16, u16, Target)> {
    let dim = cx.role(Role::Dim);
    // Text, look, meaning, and how soon it gives way where there is no room.
    let mut parts: Vec<(String, Style, Target, u8)> = Vec::new();
    let (model, role) = match &state.engine {
        EngineState::Waiting => ("…".to_owned(), Role::Dim),
        EngineState::Missing => ("no model".to_owned(), Role::Warning),
        EngineState::Loading { name, .. } => (format!("{name}…"), Role::Dim),
        EngineState::Ready(facts) => (facts.name.clone(), Role::Text),
        EngineState::Failed { name } => (format!("{name} failed"), Role::Error),
    };
    parts.push((
        printable(&model).into_owned(),
        cx.role(role),
        Target::Model,
        9,
    ));
    if let Some(head) = &state.head {
        let mut text = match (&head.branch, &head.commit) {
            (Some(branch), _) => printable(branch).into_owned(),
            (None, Some(commit)) => commit.chars().take(8).collect(),
            (None, None) => "no commit yet".to_owned(),
        };
        let status = state.repo_status;
        let differ = status.staged + status.unstaged + status.untracked;
        if differ > 0 {
            text.push_str(&format!(" {}{differ}", cx.theme.glyphs().differs));
        }
        parts.push((fit(&text, 30), dim, Target::Nothing, 4));
    }
    if let Some(facts) = state.facts() {
        let used = state.context_used;
        let nearly = facts.context > 0 && used * 10 > facts.context * 9;
        let style = if nearly { cx.role(Role::Warning) } else { dim };
        let text = if used == 0 {
            format!("context {}", thousands(facts.context))
        } else {
            format!(
                "context {} of {}",
                thousands(used),
                thousands(facts.context)
            )
        };
        parts.push((text, style, Target::ContextFigure, 5));
    }
    if let Some(rate) = state.rate {
        parts.push((
            format!("{} tok/s", rate_text(rate)),
            dim,
            Target::Nothing,
            2,
        ));
    }
    let memory = if state.memory > 0 {
        state.memory
    } else {
        state.facts().map_or(0, |f| f.memory)
    };
    if memory > 0 {
        parts.push((human_bytes(memory), dim, Target::Nothing, 1));
    }
    match &state.options.sealed {
        Sealed::Yes => parts.push(("sealed".to_owned(), cx.role(Role::Ok), Target::Seal, 8)),
        Sealed::No(_) => parts.push((
            "not sealed".to_owned(),
            cx.role(Role::Warning).add_modifier(Modifier::BOLD),
            Target::Seal,
            10,
        )),
    }
    if !state.options.save {
        parts.push(("not saved".to_owned(), dim, Target::Nothing, 3));
    }
    let dot = format!(" {} ", cx.theme.glyphs().dot);
    let cells = usize::from(area.width).saturating_sub(4);
    while parts.len() > 1 {
        let used: usize =
            parts.iter().map(|(t, ..)| width(t)).sum::<usize>() + 3 * (parts.len() - 1);
        if used <= cells {
            break;
        }
        let least = parts.iter().map(|p| p.3).min().unwrap_or(0);
        parts.retain(|p| p.3 != least);
    }
    let mut hits = Vec::new();
    let mut x = area.x + 1;
    let end = area.right().saturating_sub(2);
    for (i, (text, style, target, _)) in parts.into_iter().enumerate() {
        if i > 0 {
            x = buffer
                .set_stringn(
                    x,
                    area.y,
                    &dot,
                    usize::from(end.saturating_sub(x)),
                    cx.role(Role::Rule),
                )
                .0;
        }
        let from = x;
        x = buffer
            .set_stringn(x, area.y, &text, usize::from(end.saturating_sub(x)), style)
            .0;
        hits.push((from, x, target));
    }
    if area.width > 3 {
        buffer.set_string(end, area.y, "?", cx.role(Role::Accent));
        hits.push((end, area.right(), Target::Help));
    }
    hits
}

fn thousands(n: usize) -> String {
    if n < 1_000 {
        n.to_string()
    } else if n < 10_000 {
        format!("{:.1}k", n as f64 / 1_000.0)
    } else {
        format!("{}k", n / 1_000)
    }
}

/// Draws the completion popup above `bottom`; returns its area and the first item shown.
pub fn completion(
    buffer: &mut Buffer,
    above: Rect,
    state: &State,
    cx: &Cx<'_>,
) -> Option<(Rect, usize)> {
    let completion = state.completion.as_ref()?;
    let room = usize::from(above.height).min(POPUP);
    let rows = completion.items.len().min(room);
    if rows == 0 {
        return None;
    }
    let top = completion
        .cursor
        .saturating_sub(rows.saturating_sub(1) / 2)
        .min(completion.items.len() - rows);
    let more = completion.items.len() - rows + completion.more;
    let area = Rect::new(
        above.x,
        above.bottom() - rows as u16,
        above.width,
        rows as u16,
    );
    super::view::clear(buffer, area, cx);
    let widest = completion
        .items
        .iter()
        .map(|item| width(&printable(&item.label)))
        .max()
        .unwrap_or(0)
        .min(usize::from(area.width) * 3 / 5)
        .max(8);
    for (i, item) in completion.items.iter().enumerate().skip(top).take(rows) {
        let y = area.y + (i - top) as u16;
        let chosen = i == completion.cursor;
        let ground = if chosen {
            cx.role(Role::Selection)
        } else {
            cx.role(Role::Text)
        };
        let mut spans = vec![Span::styled(
            if chosen {
                format!("{} ", cx.theme.glyphs().prompt)
            } else {
                "  ".to_owned()
            },
            cx.role(Role::Accent),
        )];
        let mut used = 0;
        for (n, c) in (0u32..).zip(item.label.chars()) {
            let shown = printable(c.encode_utf8(&mut [0; 4])).into_owned();
            let wide = width(&shown);
            if used + wide > widest {
                break;
            }
            used += wide;
            let style = if item.matched.contains(&n) {
                ground
                    .patch(cx.role(Role::Accent))
                    .add_modifier(Modifier::BOLD)
            } else {
                ground
            };
            spans.push(Span::styled(shown, style));
        }
        spans.push(Span::styled(" ".repeat(widest - used + 2), ground));
        spans.push(Span::styled(
            pad(
                &printable(&item.about),
                usize::from(area.width).saturating_sub(widest + 6),
            ),
            if chosen { ground } else { cx.role(Role::Dim) },
        ));
        buffer.set_line(area.x, y, &Line::from(spans), area.width);
        if i + 1 == top + rows && more > 0 {
            let text = format!(" +{} ", human_count(more as u64));
            let x = area.right().saturating_sub(width(&text) as u16);
            buffer.set_string(x, y, text, cx.role(Role::Dim));
        }
    }
    Some((area, top))
}
