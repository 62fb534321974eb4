//! A planned change as rows: files, hunks with their decisions, changed words marked.

use ratatui::style::Style;
use ratatui::text::Span;
use similar::TextDiff;
use unicode_segmentation::UnicodeSegmentation as _;

use super::draw::{Cx, hint_spans, sides};
use super::styled_rows::Row;
use super::theme::Role;
use super::width::{code_line, fit_end, spans_width, width};
use super::wrap::wrap;
use crate::app::{
    BlockPart, Check, Decision, FileFate, PatchBlock, PatchFile, PatchHunk, PatchRow, PatchState,
};
use crate::base::text::{counted, human_time, printable};
use crate::jobs::check::{Checked, Verdict};

/// Pairs of lines longer than this are not compared word by word.
const MAX_WORDS_LINE: usize = 1_000;
/// Pairs less alike than this are shown as wholly changed.
const LEAST_ALIKE: f32 = 0.35;
/// Rows that a line of code is wrapped to at most.
const MOST_ROWS: usize = 20;
/// Lines of a failed check's output that are shown.
const CHECK_LINES: usize = 12;

/// Cells below which the keys do not fit beside the heading.
pub const NARROW: usize = 60;

/// The rows of a patch. `focused`: keys go to it.
pub fn rows(patch: &PatchBlock, focused: bool, cx: &Cx<'_>) -> Vec<Row> {
    let mut rows = vec![heading(patch, focused, cx)];
    for trouble in &patch.troubles {
        rows.extend(cx.said("left out: ", trouble, Role::Warning));
    }
    for (i, file) in patch.files.iter().enumerate() {
        rows.push(file_row(patch, i, file, focused, cx));
        if patch.cursor == PatchRow::File(i) {
            rows.extend(failure_rows(patch, cx));
        }
        if file.folded || matches!(patch.state, PatchState::Discarded) {
            continue;
        }
        let (from, to) = file.hunks;
        for (h, entry) in patch.hunks.iter().enumerate().take(to).skip(from) {
            rows.push(hunk_head(patch, h, entry, focused, cx));
            if patch.cursor == PatchRow::Hunk(h) {
                rows.extend(failure_rows(patch, cx));
            }
            hunk_lines(h, entry, cx, &mut rows);
        }
    }
    rows.extend(check_rows(patch, cx));
    rows
}

/// The rows of what went wrong with the patch just now, if something did.
fn failure_rows(patch: &PatchBlock, cx: &Cx<'_>) -> Vec<Row> {
    let failure = patch.failure.as_ref();
    failure.map_or_else(Vec::new, |failure| cx.failure(failure))
}

fn heading(patch: &PatchBlock, focused: bool, cx: &Cx<'_>) -> Row {
    let mut left = vec![
        Span::styled("patch  ", cx.role(Role::Heading)),
        Span::styled(
            format!(
                "{}, {}",
                counted(patch.files.len(), "file"),
                counted(patch.hunks.len(), "hunk")
            ),
            cx.role(Role::Text),
        ),
    ];
    let word = |text: &str, role| Span::styled(text.to_owned(), cx.role(role));
    let written = patch.count(|decision| decision == Decision::Written);
    if patch.is_open() && written > 0 {
        let all = patch.count(|_| true);
        let open = patch.count(|decision| decision == Decision::Undecided);
        let text = format!("  {written} of {all} written, {open} open");
        left.push(word(&text, Role::Ok));
    }
    if let Some(text) = accepted(patch) {
        left.push(word(&format!("  {text}"), Role::Ok));
    }
    let right = match &patch.state {
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
            left.push(word("  applied", Role::Ok));
            vec![word(
                &format!(
                    "{} written · /undo takes it back",
                    counted(files.len(), "file")
                ),
                Role::Dim,
            )]
        }
        PatchState::Discarded => vec![word("rejected", Role::Dim)],
    };
    sides(left, right, cx.width)
}

/// How many hunks of a patch are accepted, in words; none where none is yet.
pub fn accepted(patch: &PatchBlock) -> Option<String> {
    let count = patch.count(|decision| decision == Decision::Accepted);
    let all = patch.count(|decision| decision != Decision::Written);
    (patch.is_open() && count > 0).then(|| format!("{count} of {all} accepted"))
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
    if !entry.hunk.section.is_empty() {
        let section = format!(" {}", code_line(&entry.hunk.section));
        head.body.push(Span::styled(section, cx.role(Role::Dim)));
    }
    head.lead.push(Span::raw("  "));
    head.room = Some(cx.width.saturating_sub(2) as u16);
    head
}

/// The lines of a hunk with their numbers, the changed words marked.
fn hunk_lines(h: usize, entry: &PatchHunk, cx: &Cx<'_>, rows: &mut Vec<Row>) {
    let rejected = entry.decision == Decision::Rejected;
    let lines = &entry.hunk.lines;
    // A side without lines, of a file that is new or goes, counts from 1.
    let mut old = entry.hunk.old.map_or(1, crate::base::LineRange::start);
    let mut new = entry.hunk.new.map_or(1, crate::base::LineRange::start);
    let last = old.max(new).saturating_add(lines.len() as u32);
    let digits = last.to_string().len().max(4);
    for ((sign, text), pieces) in lines.iter().zip(words(lines)) {
        let (number, sign, role, word_role) = match sign {
            1.. => (new, '+', Role::Added, Role::AddedWord),
            0 => (new, ' ', Role::Text, Role::Text),
            _ => (old, '-', Role::Removed, Role::RemovedWord),
        };
        if sign != '-' {
            new = new.saturating_add(1);
        }
        if sign != '+' {
            old = old.saturating_add(1);
        }
        let style = if rejected {
            cx.role(Role::Dim)
        } else {
            cx.role(role)
        };
        let body = match pieces {
            Some(pieces) if !rejected => pieces
                .iter()
                .map(|(changed, piece)| {
                    let style = if *changed { cx.role(word_role) } else { style };
                    Span::styled(code_line(piece), style)
                })
                .collect(),
            _ => vec![Span::styled(code_line(text), style)],
        };
        let number = Span::styled(format!("    {number:>digits$} "), cx.role(Role::Dim));
        let room = cx.width.saturating_sub(digits + 7).max(4);
        let sign = Span::styled(format!("{sign} "), style);
        line_rows([number, sign], body, room, BlockPart::Hunk(h), rows);
    }
}

/// The rows of a line of code behind its number and sign: wrapped, for nobody accepts what is not
/// seen; one that would take a screen is scrolled sideways instead.
fn line_rows(
    lead: [Span<'static>; 2],
    body: Vec<Span<'static>>,
    room: usize,
    part: BlockPart,
    rows: &mut Vec<Row>,
) {
    let cells = spans_width(&body);
    if cells <= room || cells > room * MOST_ROWS {
        rows.push(Row {
            lead: lead.into(),
            body,
            room: Some(room as u16),
            part,
            ..Row::default()
        });
        return;
    }
    let margin = " ".repeat(spans_width(&lead));
    for (n, body) in wrap(&body, room).into_iter().enumerate() {
        rows.push(Row {
            lead: match n {
                0 => lead.clone().into(),
                _ => vec![Span::raw(margin.clone())],
            },
            body,
            soft: n > 0,
            part,
            ..Row::default()
        });
    }
}

/// The pieces of a line, each with true if it was changed.
type Pieces = Vec<(bool, String)>;

/// The pieces of each line; none for a line without a counterpart, or wholly changed.
fn words(lines: &[(i8, String)]) -> Vec<Option<Pieces>> {
    let run = |lines: &[(i8, String)], sign: i8| {
        let same = lines.iter().take_while(|(s, _)| *s == sign);
        same.count()
    };
    let mut out = Vec::with_capacity(lines.len());
    let mut rest = lines;
    while let Some(at) = rest.iter().position(|(sign, _)| *sign == -1) {
        out.resize(out.len() + at, None);
        let (_, changed) = rest.split_at(at);
        let (removed, after) = changed.split_at(run(changed, -1));
        let (added, after) = after.split_at(run(after, 1));
        let (mut before, mut behind) = (vec![None; removed.len()], vec![None; added.len()]);
        let slots = before.iter_mut().zip(&mut behind);
        for (((_, old), (_, new)), (from, to)) in removed.iter().zip(added).zip(slots) {
            (*from, *to) = compare(old, new).unzip();
        }
        out.append(&mut before);
        out.append(&mut behind);
        rest = after;
    }
    out.resize(lines.len(), None);
    out
}

fn compare(old: &str, new: &str) -> Option<(Pieces, Pieces)> {
    if old.len().max(new.len()) > MAX_WORDS_LINE {
        return None;
    }
    let (old_words, new_words): (Vec<&str>, Vec<&str>) = (
        old.split_word_bounds().collect(),
        new.split_word_bounds().collect(),
    );
    let diff = TextDiff::from_slices(&old_words, &new_words);
    if diff.ratio() < LEAST_ALIKE {
        return None;
    }
    let (mut before, mut after): (Pieces, Pieces) = (Vec::new(), Vec::new());
    let add = |to: &mut Pieces, changed: bool, text: &str| match to.last_mut() {
        Some((same, piece)) if *same == changed => piece.push_str(text),
        _ => to.push((changed, text.to_owned())),
    };
    for change in diff.iter_all_changes() {
        match change.tag() {
            similar::ChangeTag::Equal => {
                add(&mut before, false, change.value());
                add(&mut after, false, change.value());
            }
            similar::ChangeTag::Delete => add(&mut before, true, change.value()),
            similar::ChangeTag::Insert => add(&mut after, true, change.value()),
        }
    }
    Some((before, after))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(old: &str, new: &str) -> Option<String> {
        let lines = [(-1, old.to_owned()), (1, new.to_owned())];
        let pieces = words(&lines);
        let show = |pieces: &Pieces| -> String {
            pieces
                .iter()
                .map(|(changed, text)| {
                    if *changed {
                        format!("[{text}]")
                    } else {
                        text.clone()
                    }
                })
                .collect()
        };
        Some(format!(
            "{} | {}",
            show(pieces[0].as_ref()?),
            show(pieces[1].as_ref()?)
        ))
    }

    #[test]
    fn changed_words_are_marked_within_lines_that_are_alike() {
        assert_eq!(
            marks("let a = old(x);", "let a = new(x, y);").as_deref(),
            Some("let a = [old](x); | let a = [new](x[, y]);")
        );
        assert_eq!(marks("completely other", "} // nothing 1 2 3 4 5"), None);
    }

    #[test]
    fn a_removed_line_without_a_counterpart_has_no_marks() {
        let lines = [
            (-1, "a b".to_owned()),
            (-1, "c d".to_owned()),
            (1, "a c".to_owned()),
        ];
        let pieces = words(&lines);
        assert!(pieces[0].is_some() && pieces[1].is_none() && pieces[2].is_some());
    }
}
