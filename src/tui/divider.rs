//! The rule above the composer: at the left what goes on, at the right a toast, hints, or how
//! much lies below.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::diff::{NARROW, accepted};
use super::draw::{Cx, hint_spans, rate_text};
use super::text::bar;
use super::theme::Role;
use super::toast;
use super::width::{fit, fit_end, spans_width, width};
use crate::app::{
    Action, Activity, BlockId, Body, Composing, Find, Focus, Indexing, Match, PatchRow, Place,
    Scroll, State,
};
use crate::base::text::{counted, human_bytes, human_count, human_time, printable};
use crate::index::Progress;

/// Cells below which a shortened text says nothing any more.
const LEAST: usize = 16;

/// Draws the rule. `below`: rows of the transcript under the last one seen; `keys`: whose keys
/// to show.
pub fn rule(
    buffer: &mut Buffer,
    area: Rect,
    state: &State,
    below: u32,
    keys: Option<Place>,
    cx: &Cx<'_>,
) {
    let line = cx.theme.glyphs().line;
    let cells = usize::from(area.width);
    buffer.set_string(area.x, area.y, line.repeat(cells), cx.role(Role::Rule));
    let mut right = rule_right(state, below, keys, cx);
    // What is asked is read whole; a toast that does not go with it has other rows.
    if asked(state).is_some_and(|asked| width(&asked) + spans_width(&right) + 9 > cells) {
        right.clear();
    }
    let right_cells = spans_width(&right);
    let taken = if right_cells > 0 { right_cells + 9 } else { 6 };
    let mut left = match keys.and_then(|_| decided(state, cx)) {
        // Half of it would say nothing.
        Some(text) if width(&text) + taken > cells => Vec::new(),
        Some(text) => vec![Span::styled(text, cx.role(Role::Ok))],
        None => rule_left(state, below, cx, cells.saturating_sub(taken)),
    };
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

/// Draws the line of a search over the rule's beginning: the words, and how many matches there
/// are; returns the cell of the cursor.
pub fn find(
    buffer: &mut Buffer,
    area: Rect,
    find: &Find,
    matches: &[Match],
    cx: &Cx<'_>,
) -> (u16, u16) {
    let count = match find.at.and_then(|at| matches.binary_search(&at).ok()) {
        Some(n) => format!(
            "{} of {}",
            human_count(n as u64 + 1),
            human_count(matches.len() as u64)
        ),
        None if find.words.is_empty() => "what to look for?".to_owned(),
        None if matches.is_empty() => "nowhere here".to_owned(),
        None => counted(matches.len(), "place"),
    };
    let keys = if find.typing {
        "Enter keeps  Esc leaves".to_owned()
    } else {
        let key = |action| cx.keymap.hint(action);
        let (next, back) = (key(Action::FindNext), key(Action::FindPrevious));
        format!("{next} next  {back} back  Esc ends")
    };
    let cells = usize::from(area.width);
    // The words give way to the count, the keys to both.
    let room = cells.saturating_sub(width(&count) + 9);
    let words = fit_end(&printable(&find.words), room);
    let mut spans = vec![
        Span::styled(" / ", cx.role(Role::Accent)),
        Span::styled(words.clone(), cx.role(Role::Text)),
        Span::styled(format!("  {count} "), cx.role(Role::Dim)),
    ];
    if spans_width(&spans) + width(&keys) + 6 <= cells {
        spans.push(Span::styled(format!(" {keys} "), cx.role(Role::Dim)));
    }
    let x = area.x + 2.min(area.width);
    buffer.set_line(x, area.y, &Line::from(spans), area.width.saturating_sub(2));
    let at = x + 3 + width(&words) as u16;
    (at.min(area.right().saturating_sub(1)), area.y)
}

/// How many hunks are accepted of the patch that has the keys.
fn decided(state: &State, cx: &Cx<'_>) -> Option<String> {
    let Focus::Patch(id) = state.focus else {
        return None;
    };
    match &state.block(id)?.body {
        Body::Patch(patch) if matches!(state.activity(), Activity::Idle) => {
            let (accepted, all) = accepted(patch)?;
            let word = if cx.width < NARROW { "" } else { " accepted" };
            Some(format!("{accepted} of {all}{word}"))
        }
        _ => None,
    }
}

fn rule_right(state: &State, below: u32, keys: Option<Place>, cx: &Cx<'_>) -> Vec<Span<'static>> {
    if let Some(toast) = toast::in_rule(state, cx) {
        return vec![toast];
    }
    if let Some(place) = keys {
        // What runs is said at the left, and how much of a patch is accepted.
        let busy = !matches!(state.activity(), Activity::Idle);
        let room = if busy { cx.width / 2 } else { cx.width };
        let said = decided(state, cx).map_or(0, |text| width(&text) + 4);
        return hint_spans(cx, place, room.saturating_sub(6 + said));
    }
    let mut words = Vec::new();
    if state.scroll != Scroll::Bottom && below > 0 {
        words.push(format!(
            "{} line{} below",
            human_count(u64::from(below)),
            if below == 1 { "" } else { "s" }
        ));
    }
    if let Some((tokens, exact)) = state.composer_tokens() {
        let about = if exact { "" } else { "~" };
        let tokens = human_count(tokens as u64);
        words.push(format!("{about}{tokens} tokens"));
    }
    if let Some(mode) = state.composer.mode() {
        let pending = state.composer.pending();
        words.push(mode.words().to_owned());
        if !pending.is_empty() {
            words.push(pending.to_owned());
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

/// The words of something that goes on.
#[derive(Default)]
struct StatusWords {
    text: String,
    /// The part of it that is done, 0 to 1, for a bar; none where that is not known.
    part: Option<f64>,
    /// Less important words behind the bar.
    after: String,
}

impl StatusWords {
    fn words(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// The words in at most `room` cells, with a bar where there is room for one.
    fn spans(&self, room: usize, cx: &Cx<'_>) -> Vec<Span<'static>> {
        let Self { text, part, after } = self;
        // A few letters of it would say nothing.
        if text.is_empty() || room < LEAST.min(width(text)) {
            return Vec::new();
        }
        let mut out = vec![Span::styled(fit(text, room), cx.role(Role::Text))];
        if let Some(part) = part {
            let cells = room.saturating_sub(width(text) + width(after) + 1).min(24);
            if cells >= 4 {
                out.push(Span::raw(" "));
                out.extend(bar(*part, cells, cx.theme));
            }
        }
        let used = spans_width(&out);
        if used + width(after) <= room {
            out.push(Span::styled(after.clone(), cx.role(Role::Dim)));
        }
        out
    }
}

fn rule_left(state: &State, below: u32, cx: &Cx<'_>, room: usize) -> Vec<Span<'static>> {
    if let Some(asked) = asked(state) {
        return vec![Span::styled(fit(&asked, room), cx.role(Role::Accent))];
    }
    let dot = cx.theme.glyphs().dot;
    let said = match state.activity() {
        Activity::Idle => StatusWords::words(idle(state)),
        Activity::Job { stopping: true, .. } => StatusWords::words("stopping…"),
        // A job's block says how far it is, unless it is out of sight.
        Activity::Job { .. } if below == 0 => StatusWords::default(),
        Activity::Job { block, .. } => job(state, block, cx),
        Activity::Loading {
            name,
            memory,
            fraction,
            left_s,
        } => loading(&name, memory, fraction, left_s, dot),
        Activity::Pulling { block } => pulling(state, block, dot),
        Activity::Checking { seconds, .. } => {
            StatusWords::words(format!("checking {dot} {}", human_time(seconds)))
        }
        Activity::Indexing {
            progress,
            rate,
            left_s,
        } => indexing(progress, rate, left_s, dot),
    };
    said.spans(room, cx)
}

/// The words on what is being typed, where that is no request.
pub(super) fn asked(state: &State) -> Option<String> {
    match state.composing {
        Composing::Request => None,
        Composing::Remark { block, hunk } => Some(remark(state, block, hunk)),
        Composing::Again { .. } => {
            Some("asked again in a branch of its own; Esc leaves it".to_owned())
        }
    }
}

/// The question a remark on a hunk answers.
fn remark(state: &State, block: BlockId, hunk: usize) -> String {
    let place = match state.block(block).map(|b| &b.body) {
        // A patch that was worked out anew since may have fewer hunks.
        Some(Body::Patch(patch)) => patch
            .file_of(PatchRow::Hunk(hunk))
            .and_then(|file| patch.files.get(file))
            .map_or(String::new(), |file| format!(" of {}", file.path)),
        _ => String::new(),
    };
    let number = hunk + 1;
    format!("what should hunk {number}{place} be instead? Esc goes back")
}

fn loading(name: &str, memory: u64, fraction: f32, left_s: Option<f64>, dot: &str) -> StatusWords {
    let takes = if memory > 0 {
        format!(", {} of memory", human_bytes(memory))
    } else {
        String::new()
    };
    StatusWords {
        text: format!("loading {}{takes}", printable(name)),
        part: Some(f64::from(fraction)),
        after: left(left_s, dot),
    }
}

fn pulling(state: &State, block: BlockId, dot: &str) -> StatusWords {
    match state.block(block).map(|b| &b.body) {
        Some(Body::Download(d)) => StatusWords {
            text: format!("fetching {}", printable(&d.name)),
            part: Some(d.done as f64 / d.total.max(1) as f64),
            after: left(d.left_s(), dot),
        },
        _ => StatusWords::default(),
    }
}

/// The time that is left, where it can be told.
fn left(seconds: Option<f64>, dot: &str) -> String {
    seconds.map_or(String::new(), |s| format!(" {dot} {} left", human_time(s)))
}

fn idle(state: &State) -> String {
    if let Some(waiting) = state.waiting() {
        return format!("the question {waiting}");
    }
    match &state.indexing {
        Indexing::Failed { usable: true, .. } => {
            "the index is an older one: it could not be brought up to date".to_owned()
        }
        Indexing::Failed { .. } => {
            "there is no index: only what you name with @ is shown".to_owned()
        }
        // Reading for the meaning takes the processor, so it is said.
        _ => state.meaning.map_or_else(String::new, |coverage| {
            format!(
                "idle, reading for the meaning: {} of {} texts",
                human_count(coverage.done as u64),
                human_count(coverage.total as u64)
            )
        }),
    }
}

fn job(state: &State, block: BlockId, cx: &Cx<'_>) -> StatusWords {
    match state.block(block).map(|b| &b.body) {
        Some(Body::Answer(answer)) => {
            if let Some(reading) = state.reading() {
                let left = reading
                    .left_s()
                    .map_or(String::new(), |s| format!(" {}", human_time(s)));
                return StatusWords {
                    text: "reading".to_owned(),
                    part: Some(reading.done as f64 / reading.total.max(1) as f64),
                    after: left,
                };
            }
            let rate = answer
                .rate(cx.now)
                .map_or(String::new(), |r| format!(" {} tok/s", rate_text(r)));
            StatusWords::words(format!("writing{rate}"))
        }
        Some(Body::Review(review)) => {
            let (done, total) = review.progress;
            StatusWords {
                text: "reviewing".to_owned(),
                part: Some(done as f64 / total.max(1) as f64),
                after: review
                    .left_s(cx.now)
                    .map_or(String::new(), |s| format!(" {} left", human_time(s))),
            }
        }
        _ => StatusWords::default(),
    }
}

fn indexing(progress: Progress, rate: f64, left_s: Option<f64>, dot: &str) -> StatusWords {
    match progress {
        Progress::Walking(files) => {
            StatusWords::words(format!("indexing {dot} {} found", counted(files, "file")))
        }
        Progress::Reading { done, total } => {
            let mut after = String::new();
            if rate > 0.0 {
                after = format!(" {}/s", human_count(rate as u64));
            }
            after.push_str(&left(left_s, dot));
            StatusWords {
                text: format!(
                    "indexing {} of {}",
                    human_count(done as u64),
                    counted(total, "file")
                ),
                part: Some(done as f64 / total.max(1) as f64),
                after,
            }
        }
        Progress::History { done, total } => StatusWords {
            text: format!(
                "indexing {dot} {} of {} commits",
                human_count(done as u64),
                human_count(total as u64)
            ),
            part: Some(done as f64 / total.max(1) as f64),
            after: String::new(),
        },
        Progress::Writing => StatusWords::words("indexing · writing".replace('·', dot)),
    }
}
