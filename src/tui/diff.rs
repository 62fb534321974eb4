//! A planned change as rows: files, hunks with their decisions, and how its check came out.

mod colours;
pub mod lines;
pub mod sketch;
mod words;

use ratatui::style::Style;
use ratatui::text::Span;

use self::lines::{HunkText, Laid, starts};
use super::draw::{Cx, hint_spans, sides};
use super::styled_rows::{Row, Rows};
use super::theme::Role;
use super::width::{code_line, fit, fit_end, spans_width, width};
use crate::app::{
    Action, BlockPart, Check, Decision, DiffLook, FileFate, PatchBlock, PatchFile, PatchHunk,
    PatchRow, PatchState,
};
use crate::base::text::{counted, human_time, printable};
use crate::jobs::check::{Checked, Verdict};

/// Lines of a failed check's output that are shown.
const CHECK_LINES: usize = 12;

/// Cells below which the keys do not fit beside the heading.
pub const NARROW: usize = 60;

/// The rows of a patch, those of each hunk for themselves. `focused`: keys go to it.
pub fn chunks(
    patch: &PatchBlock,
    focused: bool,
    look: DiffLook,
    laid: &mut Laid,
    cx: &Cx<'_>,
) -> Vec<Rows> {
    let mut out: Vec<Rows> = Vec::new();
    let mut rows = vec![heading(patch, focused, cx)];
    for trouble in &patch.troubles {
        rows.extend(cx.said("", trouble, Role::Warning));
    }
    laid.begin();
    for (i, file) in patch.files.iter().enumerate() {
        rows.extend(failure_rows(patch, PatchRow::File(i), cx));
        rows.push(file_row(patch, i, file, focused, cx));
        if file.folded || matches!(patch.state, PatchState::Discarded) {
            continue;
        }
        let (from, to) = file.hunks;
        let language = language(file);
        for (h, entry) in patch.hunks.iter().enumerate().take(to).skip(from) {
            rows.extend(failure_rows(patch, PatchRow::Hunk(h), cx));
            rows.push(hunk_head(patch, h, entry, focused, cx));
            let text = HunkText {
                lines: &entry.hunk.lines,
                starts: starts(entry.hunk.old, entry.hunk.new),
                number: h,
                language: &language,
                rejected: entry.decision == Decision::Rejected,
            };
            out.push(std::mem::take(&mut rows).into());
            out.push(laid.rows(&text, look, cx));
        }
    }
    laid.end();
    rows.extend(check_rows(patch, cx));
    out.push(rows.into());
    out
}

/// The name by which the language of a file is known: its extension, else its whole name.
fn language(file: &PatchFile) -> String {
    let path = match &file.what {
        FileFate::Renamed(to) => to,
        _ => &file.path,
    };
    let name = || path.name().to_owned();
    path.extension().map_or_else(name, Into::into)
}

/// The rows of what went wrong with the patch just now, if something did and the cursor stands on
/// `at`. They stand above it, where they tear no head from its lines, and are part of it, so that
/// they come into view with it.
fn failure_rows(patch: &PatchBlock, at: PatchRow, cx: &Cx<'_>) -> Vec<Row> {
    let failure = patch.failure.as_ref().filter(|_| patch.cursor == at);
    let rows = failure.map_or_else(Vec::new, |failure| cx.failure(failure));
    let part = match at {
        PatchRow::File(file) => BlockPart::PatchFile(file),
        PatchRow::Hunk(hunk) => BlockPart::Hunk(hunk),
    };
    rows.into_iter()
        .map(|row| row.indented(2).part(part))
        .collect()
}

fn heading(patch: &PatchBlock, focused: bool, cx: &Cx<'_>) -> Row {
    let mut left = vec![
        Span::styled("patch  ", cx.role(Role::Heading)),
        Span::styled(
            format!("{}, ", counted(patch.files.len(), "file")),
            cx.role(Role::Text),
        ),
    ];
    let word = |text: &str, role| Span::styled(text.to_owned(), cx.role(role));
    left.push(match accepted(patch) {
        Some((accepted, all)) => word(&format!("{accepted} of {all} accepted"), Role::Ok),
        None => word(&counted(patch.hunks.len(), "hunk"), Role::Text),
    });
    let written = patch.count(|decision| decision == Decision::Written);
    let all = patch.count(|_| true);
    if !patch.is_open() && written > 0 && written < all {
        left.push(word(&format!("  {written} of them written"), Role::Ok));
    }
    if patch.is_open() && written > 0 {
        let open = patch.count(|decision| decision == Decision::Undecided);
        let text = format!("  {written} of {all} written, {open} open");
        left.push(word(&text, Role::Ok));
    }
    let committing = patch.committing.as_deref().map(printable);
    let right = match &patch.state {
        _ if committing.is_some() => {
            let text = format!("{}…", committing.unwrap_or_default());
            vec![word(&fit(&text, cx.width / 2), Role::Accent)]
        }
        PatchState::Open if patch.files.is_empty() => vec![word("nothing to change", Role::Dim)],
        // On a narrow screen the rule has them.
        PatchState::Open if focused && cx.width < NARROW => Vec::new(),
        PatchState::Open if focused => {
            let room = cx.width.saturating_sub(spans_width(&left) + 3);
            hint_spans(cx, crate::app::Place::Patch, room)
        }
        PatchState::Open => vec![word("open: Tab goes to it", Role::Dim)],
        PatchState::Applying => vec![word("being written…", Role::Accent)],
        PatchState::Applied { files } => {
            let last = patch.writings.last();
            let git = last.and_then(|writing| writing.in_git.words());
            left.push(word("  applied", Role::Ok));
            left.extend(git.map(|git| word(&format!(", {git}"), Role::Ok)));
            let room = cx.width.saturating_sub(spans_width(&left) + 3);
            vec![word(&afterwards(files.len(), focused, room, cx), Role::Dim)]
        }
        PatchState::Discarded => vec![word("rejected", Role::Dim)],
    };
    sides(left, right, cx.width)
}

/// The words on what can be done with a patch that is applied: the most that `room` cells hold.
fn afterwards(files: usize, focused: bool, room: usize, cx: &Cx<'_>) -> String {
    let [commit, stage] = [Action::Commit, Action::Stage].map(|action| cx.keymap.hint(action));
    let dot = cx.theme.glyphs().dot;
    let git = if focused {
        format!("{commit} commits, {stage} stages {dot} /undo takes it back")
    } else {
        format!("/commit commits it {dot} /undo takes it back")
    };
    let written = counted(files, "file");
    let mut choices = [
        git,
        format!("{written} written {dot} /undo takes it back"),
        format!("/commit {dot} /undo"),
    ]
    .into_iter();
    let fits = |text: &String| width(text) <= room;
    choices.find(fits).unwrap_or_else(|| "/undo".to_owned())
}

/// How many hunks of a patch are accepted, of how many that are not written; none where none is.
pub fn accepted(patch: &PatchBlock) -> Option<(usize, usize)> {
    let count = patch.count(|decision| decision == Decision::Accepted);
    let all = patch.count(|decision| decision != Decision::Written);
    (patch.is_open() && count > 0).then_some((count, all))
}

fn file_row(patch: &PatchBlock, i: usize, file: &PatchFile, focused: bool, cx: &Cx<'_>) -> Row {
    let glyphs = cx.theme.glyphs();
    let at_cursor = focused && patch.cursor == PatchRow::File(i);
    let fold = if file.folded {
        glyphs.folded
    } else {
        glyphs.open
    };
    let (accepted, of) = patch.accepted_of(i);
    let what = match &file.what {
        FileFate::Changed => String::new(),
        FileFate::Created => "  new".to_owned(),
        FileFate::Deleted => "  deleted".to_owned(),
        FileFate::Renamed(to) => format!("  to {to}"),
    };
    let right = vec![
        Span::styled(format!("+{}", file.added), cx.role(Role::Added)),
        Span::raw(" "),
        Span::styled(format!("−{}", file.removed), cx.role(Role::Removed)),
        Span::styled(format!("  {accepted}/{of}"), cx.role(Role::Dim)),
    ];
    let room = cx
        .width
        .saturating_sub(super::width::spans_width(&right) + 4 + width(&what));
    let style = if at_cursor {
        cx.role(Role::Selection)
    } else {
        cx.role(Role::Heading)
    };
    let left = vec![
        Span::styled(format!("{fold} "), cx.role(Role::Accent)),
        Span::styled(fit_end(&file.path.to_string(), room), style),
        Span::styled(what, cx.role(Role::Note)),
    ];
    sides(left, right, cx.width).part(BlockPart::PatchFile(i))
}

/// The row above a hunk: its decision, its place, and the definition it stands in.
fn hunk_head(patch: &PatchBlock, h: usize, entry: &PatchHunk, focused: bool, cx: &Cx<'_>) -> Row {
    let glyphs = cx.theme.glyphs();
    let (sign, role) = match entry.decision {
        Decision::Accepted => (glyphs.yes, Role::Ok),
        Decision::Written => (glyphs.yes, Role::Dim),
        Decision::Rejected => (glyphs.no, Role::Error),
        Decision::Undecided => (glyphs.dot, Role::Dim),
    };
    let at_cursor = focused && patch.cursor == PatchRow::Hunk(h);
    let place = match (entry.hunk.old, entry.hunk.new) {
        (Some(old), Some(_) | None) => format!("@@ {},{}", old.start(), old.len()),
        (None, _) => "@@ new".to_owned(),
    };
    let mut head = Row::text(vec![
        Span::styled(format!("{sign} "), cx.role(role)),
        Span::styled(
            place,
            if at_cursor {
                cx.role(Role::Selection)
            } else {
                cx.role(Role::Dim)
            },
        ),
    ])
    .part(BlockPart::Hunk(h));
    if entry.decision == Decision::Written && patch.is_open() {
        let said = Span::styled(" written", cx.role(Role::Dim));
        head.body.push(said);
    }
    let room = cx.width.saturating_sub(3 + spans_width(&head.body));
    if !entry.hunk.section.is_empty() && room > 0 {
        // It stays where it is while the lines below are scrolled.
        let section = fit(&code_line(&entry.hunk.section), room);
        let section = Span::styled(format!(" {section}"), cx.role(Role::Dim));
        head.body.push(section);
    }
    head.lead.push(Span::raw("  "));
    head
}

fn check_rows(patch: &PatchBlock, cx: &Cx<'_>) -> Vec<Row> {
    match &patch.check {
        Check::None => Vec::new(),
        Check::Running { since, what } => {
            let seconds = cx.now.saturating_sub(*since) as f64 / 1000.0;
            let words = format!("running for {}", human_time(seconds));
            let mut rows = cx.said("check: ", &words, Role::Accent);
            if !what.is_empty() {
                rows.push(code_row(what, cx.role(Role::Dim), cx));
            }
            rows
        }
        Check::Failed(failure) => cx.failure(failure),
        Check::Done(checked) => check_done(checked, cx),
    }
}

fn check_done(checked: &Checked, cx: &Cx<'_>) -> Vec<Row> {
    let (verdict, role) = match checked.verdict {
        Verdict::Passed => ("passed", Role::Ok),
        Verdict::AsBefore => ("fails as it does without the change", Role::Warning),
        Verdict::Failed => ("failed", Role::Error),
    };
    let (command, time) = (printable(&checked.command), human_time(checked.seconds));
    let words = format!("{command} — {verdict} in {time}");
    let mut rows = cx.said("check: ", &words, role);
    if checked.verdict != Verdict::Passed {
        // The first faults come first: what follows mostly follows from them.
        let dim = cx.role(Role::Dim);
        let lines = checked.output.lines();
        let left = lines.clone().count().saturating_sub(CHECK_LINES);
        rows.extend(lines.take(CHECK_LINES).map(|line| code_row(line, dim, cx)));
        if left > 0 {
            rows.push(cx.dim(&format!("  … {left} more lines")));
        }
    }
    for note in &checked.notes {
        rows.extend(cx.said("  ", note, Role::Dim));
    }
    rows
}

fn code_row(line: &str, style: Style, cx: &Cx<'_>) -> Row {
    Row {
        lead: vec![Span::raw("  ")],
        body: vec![Span::styled(code_line(line), style)],
        room: Some(cx.width.saturating_sub(2) as u16),
        ..Row::default()
    }
}
