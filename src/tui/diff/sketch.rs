//! A patch while it is written: a diff that grows.

use ratatui::text::Span;
use similar::{DiffTag, TextDiff};

use super::colours;
use super::lines::{HunkText, Laid, rows};
use crate::app::{AnswerBlock, DiffLook};
use crate::base::LineRange;
use crate::patch::{EditKind, Growing, GrowingEdit, growing};
use crate::tui::draw::Cx;
use crate::tui::styled_rows::Row;
use crate::tui::text::{MEASURE, plain};
use crate::tui::theme::Role;
use crate::tui::width::fit_end;

/// The rows of what is written of a patch.
pub fn sketch(answer: &AnswerBlock, look: DiffLook, laid: &mut Laid, cx: &Cx<'_>) -> Vec<Row> {
    let mut out: Vec<Row> = Vec::new();
    laid.begin();
    for (number, part) in growing(&answer.text).iter().enumerate() {
        let mut part = match part {
            Growing::Words(words) if words.trim().is_empty() => continue,
            Growing::Words(words) => {
                plain(words.trim(), cx.role(Role::Text), cx.width.min(MEASURE))
            }
            Growing::Edit(edit) => edited(number, edit, answer, (look, &mut *laid), cx),
        };
        if !out.is_empty() {
            out.push(Row::blank());
        }
        out.append(&mut part);
    }
    laid.end();
    out
}

fn edited(
    number: usize,
    edit: &GrowingEdit,
    answer: &AnswerBlock,
    (look, laid): (DiffLook, &mut Laid),
    cx: &Cx<'_>,
) -> Vec<Row> {
    let what = match (edit.kind, &edit.place) {
        (EditKind::Create, _) => "  new".to_owned(),
        (EditKind::Delete, _) => "  deleted".to_owned(),
        (EditKind::Rename, Some(to)) => format!("  to {to}"),
        (_, Some(place)) => format!("  {place}"),
        _ => String::new(),
    };
    let (what, path) = (
        colours::plain(&what, cx.role(Role::Note)),
        colours::plain(&edit.path, cx.role(Role::Heading)),
    );
    let name: String = path.iter().map(|span| span.content.as_ref()).collect();
    let room = cx.width.saturating_sub(2 + super::spans_width(&what));
    let mut head = vec![
        Span::styled(
            format!("{} ", cx.theme.glyphs().open),
            cx.role(Role::Accent),
        ),
        Span::styled(fit_end(&name, room), cx.role(Role::Heading)),
    ];
    head.extend(what);
    let mut out = vec![Row::text(head)];
    let (start, old) = before(edit, answer);
    let lines = so_far(&old, edit.new.as_deref(), edit.written);
    let language = edit.path.rsplit(['.', '/']).next().unwrap_or_default();
    let text = HunkText {
        lines: &lines,
        starts: (start, start),
        number,
        language,
        rejected: false,
    };
    if edit.written {
        out.extend(laid.rows(&text, look, cx).iter().cloned());
    } else {
        // It is laid out anew with every token, so it has no colours before it is whole.
        out.extend(rows(&text, look, false, cx));
    }
    out
}

/// The text that an edit replaces, as far as it is known here, and the number of its first line; 0
/// where that is not known.
fn before(edit: &GrowingEdit, answer: &AnswerBlock) -> (u32, String) {
    if edit.kind == EditKind::Create {
        return (1, String::new());
    }
    let context = answer.context.as_ref();
    let mut shown = context.into_iter().flat_map(|context| &context.excerpts);
    let mut shown = shown.by_ref().filter(|e| e.path.as_str() == edit.path);
    match (&edit.place, edit.kind) {
        (_, EditKind::Replace) => {
            let place = shown.find_map(|excerpt| {
                let at = excerpt
                    .text
                    .find(&edit.old)
                    .filter(|_| !edit.old.is_empty())?;
                let above = excerpt.text.get(..at)?;
                // Lines are whole.
                (above.is_empty() || above.ends_with('\n'))
                    .then(|| excerpt.range.start() + above.lines().count() as u32)
            });
            (place.unwrap_or(0), edit.old.clone())
        }
        (Some(place), EditKind::Rewrite) => {
            let found = shown.find_map(|excerpt| match range(place) {
                Some(range) => {
                    lines_of(&excerpt.text, excerpt.range, range).map(|text| (range.start(), text))
                }
                None => (excerpt.symbol.as_deref() == Some(place))
                    .then(|| (excerpt.range.start(), excerpt.text.clone())),
            });
            found.unwrap_or_default()
        }
        _ => (0, String::new()),
    }
}

/// A range of lines as an edit says it: `12`, `12-20`.
fn range(place: &str) -> Option<LineRange> {
    let (from, to) = place.split_once('-').unwrap_or((place, place));
    let (from, to) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
    (0 < from && from <= to).then(|| LineRange::new(from, to))
}

/// The lines of a text that stands at `at`, where it has all of them.
fn lines_of(text: &str, at: LineRange, wanted: LineRange) -> Option<String> {
    if wanted.start() < at.start() || at.end() < wanted.end() {
        return None;
    }
    let skip = (wanted.start() - at.start()) as usize;
    let lines = text.split_inclusive('\n').skip(skip);
    Some(lines.take(wanted.len() as usize).collect())
}

/// The lines of a change as far as it is written. Of the old lines that may still be repeated only
/// as many are removed as stand new in their place.
fn so_far(old: &str, new: Option<&str>, written: bool) -> Vec<(i8, String)> {
    let bare = |line: &str| line.trim_end_matches(['\n', '\r']).to_owned();
    let Some(new) = new else {
        return old.lines().map(|line| (0, bare(line))).collect();
    };
    let diff = TextDiff::from_lines(old, new);
    let (old, new): (Vec<&str>, Vec<&str>) = (
        old.split_inclusive('\n').collect(),
        new.split_inclusive('\n').collect(),
    );
    let mut out = Vec::new();
    let last = diff.ops().len().saturating_sub(1);
    for (at, op) in diff.ops().iter().enumerate() {
        let open = at == last && !written;
        let (mut removed, added) = (op.old_range(), op.new_range());
        if open {
            removed.end = removed.end.min(removed.start + added.len());
        }
        let mut push = |sign: i8, lines: Option<&[&str]>| {
            let lines = lines.unwrap_or_default().iter();
            out.extend(lines.map(|line| (sign, bare(line))));
        };
        match op.tag() {
            DiffTag::Equal => push(0, new.get(added)),
            _ => {
                push(-1, old.get(removed));
                push(1, new.get(added));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(old: &str, new: Option<&str>, written: bool) -> String {
        let line = |(sign, text): &(i8, String)| {
            let sign = ["-", " ", "+"][usize::try_from(sign + 1).expect("a sign")];
            format!("{sign}{text}")
        };
        let lines: Vec<String> = so_far(old, new, written).iter().map(line).collect();
        lines.join("|")
    }

    #[test]
    fn what_is_not_written_again_yet_is_not_removed() {
        let old = "a\nb\nc\nd\n";
        assert_eq!(shown(old, None, false), " a| b| c| d");
        assert_eq!(shown(old, Some(""), false), "");
        assert_eq!(shown(old, Some("a\n"), false), " a");
        assert_eq!(shown(old, Some("a\nx\n"), false), " a|-b|+x");
        assert_eq!(shown(old, Some("a\nx\nc\n"), false), " a|-b|+x| c");
        assert_eq!(shown(old, Some("a\nx\nc\n"), true), " a|-b|+x| c|-d");
    }

    #[test]
    fn ranges_are_read_as_edits_say_them() {
        assert_eq!(range("12"), Some(LineRange::new(12, 12)));
        assert_eq!(range("12-20"), Some(LineRange::new(12, 20)));
        assert_eq!(range("walk"), None);
        assert_eq!(range("0-3"), None);
        let text = lines_of("3\n4\n5\n", LineRange::new(3, 5), LineRange::new(4, 5));
        assert_eq!(text.as_deref(), Some("4\n5\n"));
        assert_eq!(
            lines_of("3\n", LineRange::new(3, 3), LineRange::new(3, 4)),
            None
        );
    }
}
