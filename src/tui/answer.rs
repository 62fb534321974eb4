//! An answer: the thinking before it, its text, and what stands below it.

use ratatui::text::Span;

use super::diff::sketch::sketch;
use super::draw::{Cx, Kept, rate_text, sides};
use super::styled_rows::{Row, Rows};
use super::text::{MEASURE, bar, plain};
use super::theme::Role;
use super::width::width;
use crate::app::{AnswerBlock, BlockPart, JobKind, Phase, State};
use crate::base::RepoPath;
use crate::base::text::{counted, human_count, human_time, printable};

/// The rows of an answer, in stretches that are kept apart.
pub fn chunks(answer: &AnswerBlock, state: &State, cx: &Cx<'_>, kept: &mut Kept) -> Vec<Rows> {
    let mut head = Vec::new();
    for note in &answer.notes {
        head.extend(plain(note, cx.role(Role::Dim), cx.width.min(MEASURE)));
    }
    if answer.thinking.is_some() {
        head.extend(thinking(answer, cx));
    }
    let body = match answer.job {
        // One that did not come to its end keeps what was written of its edits.
        JobKind::Patch if answer.phase != Phase::Done => {
            vec![sketch(answer, state.diff_look, &mut kept.laid, cx).into()]
        }
        JobKind::Message => {
            vec![plain(&answer.text, cx.role(Role::Text), cx.width.min(MEASURE)).into()]
        }
        _ => kept.stream.rows(
            &answer.text,
            cx.width,
            cx.theme,
            cx.highlighter,
            cx.revision,
        ),
    };
    let has_text = !answer.text.trim().is_empty();
    let mut out: Vec<Rows> = Vec::new();
    if !head.is_empty() {
        if has_text {
            head.push(Row::blank());
        }
        out.push(head.into());
    }
    if has_text {
        out.extend(body);
    }
    let foot = foot(answer, state, cx);
    if !foot.is_empty() {
        let mut rows = Vec::new();
        if has_text {
            rows.push(Row::blank());
        }
        rows.extend(foot);
        out.push(rows.into());
    }
    out
}

fn thinking(answer: &AnswerBlock, cx: &Cx<'_>) -> Vec<Row> {
    let thinking = &answer.thinking;
    let glyphs = cx.theme.glyphs();
    let fold = if thinking.open {
        glyphs.open
    } else {
        glyphs.folded
    };
    let dot = glyphs.dot;
    let tokens = thinking.cut.map_or(thinking.tokens, |(tokens, _)| tokens);
    let cut = thinking.cut.map_or_else(String::new, |(_, why)| {
        format!(" {dot} ended {}", why.words())
    });
    let mut rows = vec![
        cx.dim(&format!(
            "{fold} thinking {dot} {} {dot} {}{cut}",
            counted(tokens, "token"),
            human_time(thinking.seconds(cx.now)),
        ))
        .part(BlockPart::Thinking),
    ];
    if thinking.open {
        let cells = cx.width.saturating_sub(2).min(MEASURE);
        for mut row in plain(thinking.text.trim(), cx.role(Role::Dim), cells) {
            row.lead = vec![Span::styled(
                format!("{} ", glyphs.bar),
                cx.role(Role::Rule),
            )];
            rows.push(row.part(BlockPart::Thinking));
        }
    }
    rows
}

/// The rows below an answer: what goes on, or what it was made from.
fn foot(answer: &AnswerBlock, state: &State, cx: &Cx<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    let stopping = state.job.as_ref().is_some_and(|job| job.stopping);
    if answer.phase.is_running() {
        if stopping {
            rows.push(cx.line("stopping…", Role::Warning));
            return rows;
        }
        rows.extend(running(answer, cx));
        return rows;
    }
    if answer.phase == Phase::Stopped {
        rows.push(cx.line("stopped", Role::Warning));
    }
    rows.extend(sources(answer, cx));
    if answer.job == JobKind::Message && answer.phase == Phase::Done {
        let next = "/copy takes it to the clipboard, for git commit";
        rows.extend(plain(next, cx.role(Role::Dim), cx.width.min(MEASURE)));
    }
    rows
}

/// The rows below an answer that is being made: how far it is.
fn running(answer: &AnswerBlock, cx: &Cx<'_>) -> Vec<Row> {
    let dot = cx.theme.glyphs().dot;
    let since = cx.now.saturating_sub(answer.started) as f64 / 1000.0;
    let mut rows = Vec::new();
    match answer.phase {
        Phase::Choosing => rows.push(cx.line("choosing what to show the model…", Role::Accent)),
        Phase::Reading(reading) => {
            let text = format!(
                "reading {} of {} ",
                human_count(reading.done as u64),
                counted(reading.total, "token")
            );
            let mut after = String::new();
            if reading.rate > 0.0 {
                after = format!(" {:.0}/s", reading.rate);
            }
            match reading.left_s() {
                Some(left) => after.push_str(&format!(" {dot} {} left", human_time(left))),
                None => after.push_str(&format!(" {}", human_time(since))),
            }
            let cells = cx
                .width
                .min(MEASURE)
                .saturating_sub(width(&text) + width(&after))
                .clamp(4, 40);
            let mut body = vec![Span::styled(text, cx.role(Role::Text))];
            body.extend(bar(
                reading.done as f64 / reading.total.max(1) as f64,
                cells,
                cx.theme,
            ));
            body.push(Span::styled(after, cx.role(Role::Dim)));
            rows.push(sides(body, Vec::new(), cx.width));
        }
        Phase::Thinking => {
            let what = if answer.thinking.open {
                "folds"
            } else {
                "opens"
            };
            rows.push(cx.dim(&format!("Enter {what} it {dot} Esc stops")));
        }
        Phase::Writing => {
            for edit in &answer.edits {
                rows.push(cx.line(&format!("edits {edit}"), Role::Note));
            }
            let rate = answer
                .rate(cx.now)
                .map_or(String::new(), |r| format!(" {dot} {} tok/s", rate_text(r)));
            rows.push(cx.dim(&format!("writing{rate} {dot} Esc stops")));
        }
        _ => {}
    }
    rows
}

/// The rows below an answer that is over: its sources, and how much was shown.
fn sources(answer: &AnswerBlock, cx: &Cx<'_>) -> Vec<Row> {
    let dot = cx.theme.glyphs().dot;
    let cells = cx.width.min(MEASURE);
    let mut rows = Vec::new();
    if !answer.index_complete {
        rows.push(cx.line(
            "the index was not complete yet: some files could not be found",
            Role::Warning,
        ));
    }
    let Some(context) = &answer.context else {
        return rows;
    };
    // Where nothing was shown, a note above the answer says so, and what to do.
    if context.excerpts.is_empty() {
        return rows;
    }

    // The row that is still open, and the cells it takes.
    let (mut row, mut used) = cited(answer, cells, cx, &mut rows);
    let shown = context.excerpts.len();
    let mut rest = format!(
        "{}, {} shown",
        counted(shown, "excerpt"),
        counted(context.tokens, "token")
    );
    if !context.left_out.is_empty() {
        rest.push_str(&format!(", {} left out", context.left_out.len()));
    }
    if used == 0 && answer.job == JobKind::Ask {
        rest = format!("no source is named {dot} {rest}");
    }
    if used > 0 && used + 6 + width(&rest) > cells {
        rows.push(std::mem::take(&mut row));
        used = 0;
    }
    let before = format!("   {dot}  ");
    if used == 0 {
        rows.extend(plain(&rest, cx.role(Role::Dim), cells));
    } else {
        row.body
            .push(Span::styled(format!("{before}{rest}"), cx.role(Role::Dim)));
        rows.push(row);
    }
    rows
}

/// The end of a path: its name, with as many folders before it as tell it from the others.
fn told_apart<'a>(path: &'a RepoPath, all: &[&RepoPath]) -> &'a str {
    let whole = path.as_str();
    let starts = whole.rmatch_indices('/').map(|(at, _)| at + 1);
    for start in starts {
        let tail = whole.get(start..).unwrap_or(whole);
        let same = |other: &&&RepoPath| {
            let rest = other.as_str().strip_suffix(tail);
            **other != path && rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        };
        if all.iter().find(same).is_none() {
            return tail;
        }
    }
    whole
}

/// Adds the rows of the sources that an answer cites, but for the last one: that comes back
/// with the cells it takes, for more may stand in it.
fn cited(answer: &AnswerBlock, cells: usize, cx: &Cx<'_>, rows: &mut Vec<Row>) -> (Row, usize) {
    let mut row = Row::default();
    let mut used = 0;
    let paths: Vec<&RepoPath> = (answer.sources.iter().filter(|s| s.cited))
        .map(|source| &source.path)
        .collect();
    for source in answer.sources.iter().filter(|s| s.cited) {
        let lines = if source.start == source.end {
            source.start.to_string()
        } else {
            format!("{}-{}", source.start, source.end)
        };
        let name = printable(told_apart(&source.path, &paths)).into_owned();
        let word = format!("{} {name}:{lines}", source.id);
        let cells_of = width(&word);
        if used > 0 && used + 3 + cells_of > cells {
            rows.push(std::mem::take(&mut row));
            used = 0;
        }
        if used > 0 {
            row.body.push(Span::raw("   "));
            used += 3;
        }
        row.links.push((
            used as u16,
            (used + cells_of) as u16,
            BlockPart::Source(source.id),
        ));
        row.body.push(Span::styled(
            format!("{} ", source.id),
            cx.role(Role::Accent),
        ));
        row.body
            .push(Span::styled(format!("{name}:{lines}"), cx.role(Role::Text)));
        used += cells_of;
    }
    (row, used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_as_much_of_its_path_as_tells_it_from_the_others() {
        let paths = ["t/unit/tasks.py", "app/tasks.py", "tasks.py", "t/other.py"]
            .map(|path| RepoPath::new(path).expect("a path"));
        let all: Vec<&RepoPath> = paths.iter().collect();
        let named: Vec<&str> = paths.iter().map(|path| told_apart(path, &all)).collect();
        assert_eq!(
            named,
            ["unit/tasks.py", "app/tasks.py", "tasks.py", "other.py"]
        );
        // Twice the same file is one file.
        let twice = [&paths[0], &paths[0]];
        assert_eq!(told_apart(&paths[0], &twice), "tasks.py");
    }
}
