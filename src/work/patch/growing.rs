//! An answer with edits while it is written, for people: what has come of each edit so far.

use super::EditKind;

/// A part of an answer with edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Growing {
    /// Words around the edits.
    Words(String),
    /// An edit, whole or begun.
    Edit(GrowingEdit),
}

/// An edit, as far as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrowingEdit {
    /// The kind of edit.
    pub kind: EditKind,
    /// The name of the file, as far as it is written.
    pub path: String,
    /// The definition or the lines to be written anew, or the new name of the file.
    pub place: Option<String>,
    /// The lines to be replaced, where the answer says them.
    pub old: String,
    /// The new lines; none before the first of them is begun.
    pub new: Option<String>,
    /// True once it has ended.
    pub written: bool,
}

/// The part of a text that the next line belongs to.
enum Inside {
    Words,
    /// Behind the head of an edit, before its fence.
    Head,
    /// Text to be replaced, with the length of the fence.
    Old(usize),
    /// New text, with the length of the fence.
    New(usize),
}

/// The parts of an answer that is being written, in order. Of a last line that may become a fence
/// or the head of an edit nothing is told yet.
pub fn growing(text: &str) -> Vec<Growing> {
    let mut parts: Vec<Growing> = Vec::new();
    let mut inside = Inside::Words;
    for line in text.split_inclusive('\n') {
        let whole = line.ends_with('\n');
        let bare = line.trim_end_matches(['\n', '\r']);
        if !whole && may_be_more(bare) {
            break;
        }
        inside = match (inside, parts.last_mut()) {
            (Inside::Head, Some(Growing::Edit(edit))) => match fence(bare, '<') {
                Some(length) if edit.kind == EditKind::Replace => Inside::Old(length),
                Some(length) => {
                    edit.new = Some(String::new());
                    Inside::New(length)
                }
                None => outside(line, &mut parts),
            },
            (Inside::Old(length), Some(Growing::Edit(edit))) => {
                if fence(bare, '=') == Some(length) {
                    edit.new = Some(String::new());
                    Inside::New(length)
                } else {
                    edit.old += line;
                    Inside::Old(length)
                }
            }
            (Inside::New(length), Some(Growing::Edit(edit))) => {
                if fence(bare, '>') == Some(length) {
                    edit.written = true;
                    Inside::Words
                } else {
                    edit.new.get_or_insert_default().push_str(line);
                    Inside::New(length)
                }
            }
            _ => outside(line, &mut parts),
        };
    }
    parts
}

/// Takes a line outside of the texts of edits.
fn outside(line: &str, parts: &mut Vec<Growing>) -> Inside {
    let Some(head) = line.strip_prefix("*** ") else {
        match parts.last_mut() {
            Some(Growing::Words(words)) => words.push_str(line),
            _ => parts.push(Growing::Words(line.to_owned())),
        }
        return Inside::Words;
    };
    let head = head.trim_end();
    let begins = |kind: &EditKind| head.strip_prefix(kind.word()).map(|rest| (*kind, rest));
    // What ends the answer is no edit.
    let Some((kind, rest)) = EditKind::ALL.iter().find_map(begins) else {
        return Inside::Words;
    };
    let rest = rest.trim_start();
    let split = match kind {
        EditKind::Rewrite => rest.rsplit_once(':'),
        EditKind::Rename => rest.split_once(" -> "),
        _ => None,
    };
    let (path, place) = split.map_or((rest, None), |(path, place)| (path, Some(place)));
    parts.push(Growing::Edit(GrowingEdit {
        kind,
        path: path.to_owned(),
        place: place.map(str::to_owned),
        old: String::new(),
        new: None,
        written: matches!(kind, EditKind::Delete | EditKind::Rename),
    }));
    Inside::Head
}

/// The length of a fence of that character; none where a line is no fence.
fn fence(line: &str, mark: char) -> Option<usize> {
    let is_fence = line.len() >= crate::grammar::FENCE as usize && line.chars().all(|c| c == mark);
    is_fence.then_some(line.len())
}

/// Tells whether a line that is begun may become a fence or the head of an edit.
fn may_be_more(line: &str) -> bool {
    let run = |mark: char| !line.is_empty() && line.chars().all(|c| c == mark);
    ['<', '=', '>', '*'].into_iter().any(run) || line.starts_with("*** ")
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "a test may stop where it stands")]
mod tests {
    use super::*;

    const ANSWER: &str = "I do.\n*** replace src/a.rs\n<<<<<<<\nold\n=======\nnew\n>>>>>>>\n\n\
        *** rewrite b.py:f\n<<<<<<<<\ndef f():\n    <<<<<<<\n>>>>>>>>\n*** delete c\n*** rename d -> e f\n*** end";

    fn edits(text: &str) -> Vec<GrowingEdit> {
        let parts = growing(text).into_iter();
        parts
            .filter_map(|part| match part {
                Growing::Edit(edit) => Some(edit),
                Growing::Words(_) => None,
            })
            .collect()
    }

    #[test]
    fn every_edit_is_told_with_its_texts() {
        let edits = edits(ANSWER);
        let told: Vec<_> = edits
            .iter()
            .map(|e| {
                (
                    e.kind.word(),
                    e.path.as_str(),
                    e.place.as_deref(),
                    e.old.as_str(),
                    e.new.as_deref(),
                    e.written,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("replace", "src/a.rs", None, "old\n", Some("new\n"), true),
                (
                    "rewrite",
                    "b.py",
                    Some("f"),
                    "",
                    Some("def f():\n    <<<<<<<\n"),
                    true
                ),
                ("delete", "c", None, "", None, true),
                ("rename", "d", Some("e f"), "", None, true),
            ]
        );
        assert_eq!(growing(ANSWER)[0], Growing::Words("I do.\n".to_owned()));
    }

    #[test]
    fn while_it_is_written_no_mark_of_the_language_is_told() {
        for end in 0..=ANSWER.len() {
            for part in growing(&ANSWER[..end]) {
                let texts = match part {
                    Growing::Words(words) => [words, String::new()],
                    Growing::Edit(edit) => {
                        assert!(!edit.path.contains('*'), "{edit:?}");
                        [edit.old, edit.new.unwrap_or_default()]
                    }
                };
                for text in texts {
                    let marks = |line: &str| {
                        ["***", "<<<", "===", ">>>"]
                            .iter()
                            .any(|mark| line.starts_with(mark))
                    };
                    assert!(!text.lines().any(marks), "{end}: {text:?}");
                }
            }
        }
    }
}
