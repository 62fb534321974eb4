//! The rule above the composer: at the left what goes on, at the right a toast, hints, or how
//! much lies below.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::draw::{Cx, hint_spans, rate_text, tone};
use super::prose::bar;
use super::theme::Role;
use super::width::{fit, spans_width, width};
use crate::app::{Activity, Body, Composing, Indexing, Place, Scroll, State};
use crate::base::text::{human_bytes, human_count, human_time, printable};
use crate::index::Progress;

/// Cells in which a shortened text still says something.
const LEAST: usize = 16;

/// Draws the rule.
/// `below`: rows of the transcript under the last one seen; `keys`: whose keys to show.
pub fn rule(
    buffer: &mut Buffer,
    area: Rect,
    state: &State,
    (below, keys): (u32, Option<Place>),
    cx: &Cx<'_>,
) {
    let line = cx.theme.glyphs().line;
    let cells = usize::from(area.width);
    buffer.set_string(area.x, area.y, line.repeat(cells), cx.role(Role::Rule));
    let right = rule_right(state, below, keys, cx);
    let right_cells = spans_width(&right);
    let taken = if right_cells > 0 { right_cells + 9 } else { 6 };
    let mut left = rule_left(state, below, cx, cells.saturating_sub(taken));
    if !left.is_empty() {
        left.insert(0, Span::raw(" "));
        left.push(Span::raw(" "));
        let room = cells.saturating_sub(taken - 2) as u16;
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

fn rule_right(state: &State, below: u32, keys: Option<Place>, cx: &Cx<'_>) -> Vec<Span<'static>> {
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
    if let Some(place) = keys {
        // What runs is said at the left.
        let busy = !matches!(state.activity(), Activity::Idle);
        let room = if busy { cx.width / 2 } else { cx.width };
        return hint_spans(cx, place, room.saturating_sub(6));
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
    // A few letters of it would say nothing.
    if text.is_empty() || room < LEAST.min(width(&text)) {
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
    let used = spans_width(&out);
    if used + width(&after) <= room {
        out.push(Span::styled(after, cx.role(Role::Dim)));
    }
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
        // It takes the processor, so it is said.
        _ => state.meaning.map_or_else(String::new, |coverage| {
            format!(
                "idle, reading for the meaning: {} of {} texts",
                human_count(coverage.done as u64),
                human_count(coverage.total as u64)
            )
        }),
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
        Progress::History { done, total } => (
            format!(
                "indexing {dot} {} of {} commits",
                human_count(done as u64),
                human_count(total as u64)
            ),
            Some(done as f64 / total.max(1) as f64),
            String::new(),
        ),
        Progress::Writing => ("indexing · writing".replace('·', dot), None, String::new()),
    }
}
