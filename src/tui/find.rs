//! Words found in rows as they are drawn, also across the end of a row that was wrapped.

use unicode_width::UnicodeWidthChar as _;

use ratatui::text::Span;

use super::styled_rows::Row;
use crate::app::{BlockId, Match};

/// A stretch of a row in which a match, or a part of one, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The row, from 0.
    pub line: u32,
    /// True in the right one of two texts side by side.
    pub right: bool,
    /// The first cell of the text.
    pub from: u16,
    /// The cell behind the last.
    pub to: u16,
    /// The row and the cell at which the match begins.
    pub begin: (u32, u16),
}

impl Found {
    /// The match that begins with this stretch, if one does.
    pub fn beginning(&self, block: Option<BlockId>) -> Option<Match> {
        (self.begin == (self.line, self.from)).then_some(Match {
            block,
            line: self.line,
            right: self.right,
            cell: self.from,
        })
    }

    /// Tells whether the stretch is a part of a match.
    pub fn belongs_to(&self, found: Match) -> bool {
        self.right == found.right && self.begin == (found.line, found.cell)
    }
}

/// A character of a line, small where capitals are the same, and where it stands.
struct Letter {
    small: char,
    line: u32,
    cell: u16,
    width: u16,
}

/// The words that are looked for.
struct Needle {
    chars: Vec<char>,
    /// True if capitals mean the same.
    same: bool,
}

/// A line of text as far as it was read, on one side.
#[derive(Default)]
struct Reading {
    letters: Vec<Letter>,
    right: bool,
}

/// Finds words in rows, in the order of rows, what stands at the left first. Words without a capital
/// letter mean those with some too; blanks at their ends count.
pub fn find<'r>(rows: impl Iterator<Item = &'r Row>, words: &str) -> Vec<Found> {
    let same = !words.chars().any(char::is_uppercase);
    let chars: Vec<char> = if same {
        words.chars().flat_map(char::to_lowercase).collect()
    } else {
        words.chars().collect()
    };
    let mut found = Vec::new();
    if chars.is_empty() {
        return found;
    }
    let needle = Needle { chars, same };
    let mut left = Reading::default();
    let mut right = Reading {
        right: true,
        ..Reading::default()
    };
    for (line, row) in (0u32..).zip(rows) {
        if row.decoration {
            continue;
        }
        if !row.soft {
            left.end(&needle, &mut found);
            right.end(&needle, &mut found);
        }
        left.read(line, &row.body, &needle);
        // A line that has not changed stands on both sides and is found once.
        if let Some(half) = &row.beside
            && !half
                .body
                .iter()
                .map(|s| &s.content)
                .eq(row.body.iter().map(|s| &s.content))
        {
            right.read(line, &half.body, &needle);
        }
    }
    left.end(&needle, &mut found);
    right.end(&needle, &mut found);
    found.sort_by_key(|f| (f.line, f.right, f.from));
    found
}

impl Reading {
    /// Reads a row of the line.
    fn read(&mut self, line: u32, body: &[Span<'_>], needle: &Needle) {
        if let Some(last) = self.letters.last().map(|l| (l.line, l.cell + l.width)) {
            // Wrapping took a blank away where words were parted, or filled the row with some.
            while self.letters.last().is_some_and(|last| last.small == ' ') {
                self.letters.pop();
            }
            self.letters.push(Letter {
                small: ' ',
                line: last.0,
                cell: last.1,
                width: 0,
            });
        }
        let mut cell = 0;
        for c in body.iter().flat_map(|span| span.content.chars()) {
            let width = c.width().unwrap_or(0) as u16;
            let letter = |small| Letter {
                small,
                line,
                cell,
                width,
            };
            if needle.same {
                self.letters.extend(c.to_lowercase().map(letter));
            } else {
                self.letters.push(letter(c));
            }
            cell += width;
        }
    }

    /// Adds the matches in the line, and begins a new one.
    fn end(&mut self, needle: &Needle, found: &mut Vec<Found>) {
        found_in(&self.letters, &needle.chars, self.right, found);
        self.letters.clear();
    }
}

/// Adds the matches in a line, which do not overlap.
fn found_in(letters: &[Letter], needle: &[char], right: bool, found: &mut Vec<Found>) {
    let mut at = 0;
    while let Some(window) = letters.get(at..at + needle.len()) {
        if !window.iter().map(|l| l.small).eq(needle.iter().copied()) {
            at += 1;
            continue;
        }
        let first = found.len();
        let begin = window.first().map_or((0, 0), |l| (l.line, l.cell));
        for letter in window {
            let to = letter.cell + letter.width;
            let of_match = found.get_mut(first..).and_then(<[Found]>::last_mut);
            match of_match {
                Some(last) if last.line == letter.line => last.to = to,
                _ => found.push(Found {
                    line: letter.line,
                    right,
                    from: letter.cell,
                    to,
                    begin,
                }),
            }
        }
        at += needle.len();
    }
}

#[cfg(test)]
mod tests {
    use ratatui::text::Span;

    use super::*;

    fn rows() -> Vec<Row> {
        let text = |text: &'static str| Row::text(vec![Span::raw(text)]);
        vec![
            text("It walks 漢 Walks, and it"),
            Row {
                soft: true,
                ..text("walks on")
            },
            Row::decoration(vec![Span::raw("walks")]),
            text("it"),
            text("walks"),
        ]
    }

    #[test]
    fn both_of_two_texts_side_by_side_are_searched_and_what_is_the_same_once() {
        use crate::tui::styled_rows::Half;
        let beside = |left: &'static str, right: &'static str, soft| Row {
            soft,
            room: Some(10),
            beside: Some(Box::new(Half {
                body: vec![Span::raw(right)],
                ..Half::default()
            })),
            ..Row::text(vec![Span::raw(left)])
        };
        let rows = [
            beside("walk", "walk", false),
            beside("an old walk", "a new   ", false),
            beside("", "walk here", true),
        ];
        let places = |words: &str| {
            let found = find(rows.iter(), words).into_iter();
            found
                .map(|f| (f.line, f.right, f.from, f.to))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            places("walk"),
            [(0, false, 0, 4), (1, false, 7, 11), (2, true, 0, 4)]
        );
        let across = places("new walk");
        assert!(across.iter().all(|(_, right, ..)| *right) && across.len() == 2);
    }

    fn places(words: &str) -> Vec<(u32, u16, u16, bool)> {
        find(rows().iter(), words)
            .into_iter()
            .map(|f| (f.line, f.from, f.to, f.begin != (f.line, f.from)))
            .collect()
    }

    #[test]
    fn words_are_found_in_text_and_not_in_what_decorates_it() {
        assert_eq!(
            places("walks"),
            [
                (0, 3, 8, false),
                (0, 12, 17, false),
                (1, 0, 5, false),
                (4, 0, 5, false)
            ]
        );
        assert_eq!(
            places("Walks"),
            [(0, 12, 17, false)],
            "a capital means itself"
        );
        assert_eq!(places("漢 w"), [(0, 9, 13, false)], "two cells");
        assert_eq!(places(""), []);
        assert_eq!(places("nowhere at all, however long the words are"), []);
    }

    #[test]
    fn a_match_goes_on_where_its_line_was_wrapped_and_not_beyond_its_line() {
        assert_eq!(
            places("and it walks"),
            [(0, 19, 25, false), (1, 0, 5, true)]
        );
        assert_eq!(places("on it"), []);
    }
}
