//! A review as rows: findings as they come, the open ones with code and reason.

use ratatui::text::Span;

use super::draw::{Cx, hint_spans, sides};
use super::frame::Frame;
use super::highlight::Grown;
use super::styled_rows::Row;
use super::text::{MEASURE, bar, plain};
use super::theme::Role;
use super::width::{code_line, fit, fit_end, pad, width};
use crate::app::{BlockPart, FindingRow, Phase, Place, ReviewBlock, State};
use crate::base::text::{human_time, printable};
use crate::jobs::{ReviewOf, Severity};
use crate::repo::DiffSpec;

/// Cells below which a finding's place and title do not stand in one row.
const NARROW: usize = 60;

/// The rows of a review. `focused`: keys go to it.
pub fn rows(review: &ReviewBlock, focused: bool, state: &State, cx: &Cx<'_>) -> Vec<Row> {
    let mut rows = vec![heading(review, cx)];
    if let Some(text) = nothing_to_read(review) {
        rows.extend(cx.said("", text, Role::Dim));
        return rows;
    }
    for note in &review.notes {
        rows.extend(cx.said("", note, Role::Dim));
    }
    let places = review
        .findings
        .iter()
        .map(|row| width(&row.finding.place()));
    // Without findings no place asks for room.
    let widest = places.max().unwrap_or(0);
    for (i, row) in review.findings.iter().enumerate() {
        let entry = PlacedFinding {
            i,
            row,
            at_cursor: focused && review.cursor == i,
            widest,
        };
        rows.extend(entry.heading(cx));
        if row.open {
            rows.extend(entry.code(state, cx));
            rows.extend(entry.reason(cx));
        }
    }
    for (path, reason) in &review.unread {
        rows.extend(cx.said("not read: ", &format!("{path}: {reason}"), Role::Warning));
    }
    match review.phase {
        Phase::Done if read_nothing(review) => {}
        Phase::Done if review.findings.is_empty() && review.unread.is_empty() => {
            rows.push(cx.line("  nothing found", Role::Ok));
        }
        Phase::Done if review.findings.is_empty() => {
            rows.push(cx.line("  nothing found in what was read", Role::Ok));
        }
        Phase::Stopped => rows.push(cx.line(
            "  stopped; what stands here was found before",
            Role::Warning,
        )),
        _ => {}
    }
    if focused && !review.findings.is_empty() {
        let mut row = Row::decoration(vec![Span::raw("  ")]);
        row.lead
            .extend(hint_spans(cx, Place::Review, cx.width.saturating_sub(2)));
        rows.push(row);
    }
    rows
}

/// Tells whether there was no diff: the review is over and not one piece was read.
fn read_nothing(review: &ReviewBlock) -> bool {
    review.phase == Phase::Done && review.progress == (0, 0) && review.findings.is_empty()
}

/// The words of what to do where there was no diff; none where the job's own words will do.
fn nothing_to_read(review: &ReviewBlock) -> Option<&'static str> {
    if !read_nothing(review) || !review.unread.is_empty() {
        return None;
    }
    match review.of {
        ReviewOf::Repo(DiffSpec::Staged) => Some(
            "nothing is staged: `git add` something first, or try /review unstaged, \
             /review HEAD or /review A..B",
        ),
        ReviewOf::Repo(DiffSpec::Unstaged) => Some(
            "nothing differs from what is staged: /review reads that, /review HEAD the last \
             commit",
        ),
        _ => None,
    }
}

fn heading(review: &ReviewBlock, cx: &Cx<'_>) -> Row {
    let found = review.standing().count();
    let findings = format!("{found} finding{}", if found == 1 { "" } else { "s" });
    let running = review.phase.is_running();
    let mut left = vec![Span::styled(
        format!("review of {}", printable(&review.label)),
        cx.role(Role::Heading),
    )];
    if !read_nothing(review) {
        let so_far = if running { " so far" } else { "" };
        left.push(Span::styled(
            format!(" {} {findings}{so_far}", cx.theme.glyphs().dot),
            cx.role(Role::Text),
        ));
    }
    let mut right = Vec::new();
    if running {
        let (done, total) = review.progress;
        if total > 0 {
            right.extend(bar(done as f64 / total as f64, 14, cx.theme));
        }
        let left = review.left_s(cx.now).map_or_else(
            || {
                let so_far = cx.now.saturating_sub(review.started) as f64 / 1000.0;
                format!(" {} so far", human_time(so_far))
            },
            |s| format!(" {} left", human_time(s)),
        );
        right.push(Span::styled(left, cx.role(Role::Dim)));
    }
    sides(left, right, cx.width)
}

/// Sign, word and role of a severity.
pub fn severity(severity: Severity, cx: &Cx<'_>) -> (&'static str, &'static str, Role) {
    let glyphs = cx.theme.glyphs();
    match severity {
        Severity::Error => (glyphs.full, "error", Role::Error),
        Severity::Warning => (glyphs.full, "warning", Role::Warning),
        Severity::Note => (glyphs.hollow, "note", Role::Note),
    }
}

/// A finding and where it stands.
struct PlacedFinding<'a> {
    /// The number of the finding in the review.
    i: usize,
    row: &'a FindingRow,
    at_cursor: bool,
    /// Cells of the longest place in the review.
    widest: usize,
}

impl PlacedFinding<'_> {
    /// The row of the finding, with the title in rows of its own where there is no room beside it.
    fn heading(&self, cx: &Cx<'_>) -> Vec<Row> {
        let row = self.row;
        let finding = &row.finding;
        let (sign, word, _) = severity(finding.severity, cx);
        let role = self.role(cx);
        let place = finding.place();
        let right = if row.dismissed {
            "dismissed"
        } else if finding.rule.is_some() {
            "by rule"
        } else if finding.verified {
            "verified"
        } else {
            ""
        };
        // On a narrow screen the title has rows of its own.
        let narrow = cx.width < NARROW;
        let most = if narrow {
            cx.width.saturating_sub(13 + right.len() + 2)
        } else {
            (cx.width / 3).clamp(12, 40)
        };
        let place_room = self.widest.min(most);
        let title_room = if narrow {
            0
        } else {
            cx.width.saturating_sub(13 + place_room + right.len() + 2)
        };
        let title = printable(&finding.title);
        let text = if row.dismissed { Role::Dim } else { Role::Text };
        let left = vec![
            Span::styled(format!("{sign} "), cx.role(role)),
            Span::styled(pad(word, 9), cx.role(role)),
            Span::styled(
                fit_end(&place, place_room),
                if self.at_cursor {
                    cx.role(Role::Selection)
                } else {
                    cx.role(Role::Accent)
                },
            ),
            Span::raw(" ".repeat(2 + place_room.saturating_sub(width(&place)))),
            Span::styled(fit(&title, title_room), cx.role(text)),
        ];
        let right = vec![Span::styled(right, cx.role(Role::Dim))];
        let part = BlockPart::Finding(self.i);
        let mut rows = vec![sides(left, right, cx.width).part(part)];
        if width(&title) > title_room && (row.open || narrow) {
            let cells = cx.width.saturating_sub(4).min(MEASURE);
            let role = if row.open { Role::Heading } else { text };
            for row in plain(&title, cx.role(role), cells) {
                rows.push(row.indented(4).part(part));
            }
        }
        rows
    }

    /// The code of the finding in a frame, the line it is about marked.
    fn code(&self, state: &State, cx: &Cx<'_>) -> Vec<Row> {
        let finding = &self.row.finding;
        let part = BlockPart::Finding(self.i);
        let range = self.row.code_range();
        match state.code.get(&(finding.path.clone(), range)) {
            Some(Ok(code)) => {
                let mut rows = Vec::new();
                let lines: Vec<String> = code.lines().map(code_line).collect();
                // Without an extension the language is not known.
                let extension = finding.path.extension().unwrap_or_default();
                let coloured = cx.highlighter.lines(
                    &lines,
                    &extension,
                    cx.role(Role::Text),
                    &mut Grown::default(),
                );
                let frame = Frame::new(cx.width.saturating_sub(4), cx.theme);
                let digits = range.end().to_string().len();
                let mut top = Row::decoration(vec![Span::raw("    ")]);
                top.lead
                    .extend(frame.top(&finding.place(), &printable(&finding.category)));
                rows.push(top.part(part));
                for (n, body) in (range.start()..).zip(coloured) {
                    let here = n == finding.line;
                    let number = cx.role(if here { self.role(cx) } else { Role::Dim });
                    let mark = if here { cx.theme.glyphs().prompt } else { " " };
                    let mut lead = vec![Span::raw("    ")];
                    lead.extend(frame.left());
                    lead.push(Span::styled(format!("{mark}{n:>digits$} "), number));
                    rows.push(Row {
                        lead,
                        body,
                        tail: frame.right(),
                        room: Some(frame.inner().saturating_sub(digits + 2).max(1) as u16),
                        part,
                        ..Row::default()
                    });
                }
                let mut bottom = Row::decoration(vec![Span::raw("    ")]);
                bottom.lead.extend(frame.bottom());
                rows.push(bottom.part(part));
                rows
            }
            Some(Err(reason)) => cx.said("    ", reason, Role::Warning),
            None => vec![cx.line("    reading the code…", Role::Dim)],
        }
    }

    /// The reason of the finding, and the suggestion it came with.
    fn reason(&self, cx: &Cx<'_>) -> Vec<Row> {
        let finding = &self.row.finding;
        let part = BlockPart::Finding(self.i);
        let mut rows = Vec::new();
        for row in plain(
            &finding.reason,
            cx.role(Role::Text),
            cx.width.saturating_sub(4).min(MEASURE),
        ) {
            rows.push(row.indented(4).part(part));
        }
        for line in finding.suggestion.iter().flat_map(|text| text.lines()) {
            let text = format!("    + {}", code_line(line));
            rows.push(cx.line(&text, Role::Added).part(part));
        }
        rows
    }

    /// The role of the finding's severity, dim where it is dismissed.
    fn role(&self, cx: &Cx<'_>) -> Role {
        if self.row.dismissed {
            Role::Dim
        } else {
            severity(self.row.finding.severity, cx).2
        }
    }
}
