//! Words found in rows as they are drawn, also across the end of a row that was wrapped.

use unicode_width::UnicodeWidthChar as _;

use super::styled_rows::Row;

/// A stretch of a row in which a match, or a part of one, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The row, from 0.
    pub line: u32,
    /// The first cell of the row's text.
    pub from: u16,
    /// The cell behind the last.
    pub to: u16,
    /// The row and the cell at which the match begins.
    pub begin: (u32, u16),
}

/// A character of a line, small where capitals are the same, and where it stands.
struct Letter {
    small: char,
    line: u32,
    cell: u16,
    width: u16,
}

/// Finds words in rows. Words without a capital letter mean those with some too; blanks at their
/// ends count.
pub fn find<'r>(rows: impl Iterator<Item = &'r Row>, words: &str) -> Vec<Found> {
    let same = !words.chars().any(char::is_uppercase);
    let needle: Vec<char> = if same {
        words.chars().flat_map(char::to_lowercase).collect()
    } else {
        words.chars().collect()
    };
    let mut found = Vec::new();
    if needle.is_empty() {
        return found;
    }
    let mut letters: Vec<Letter> = Vec::new();
    for (line, row) in (0u32..).zip(rows) {
        if row.decoration {
            continue;
        }
        if row.soft {
            // Wrapping took a blank away where words were parted.
            if letters.last().is_some_and(|last| last.small != ' ') {
                let cell = letters.last().map_or(0, |last| last.cell + last.width);
                let line = letters.last().map_or(line, |last| last.line);
                letters.push(Letter {
                    small: ' ',
                    line,
                    cell,
                    width: 0,
                });
            }
        } else {
            found_in(&letters, &needle, &mut found);
            letters.clear();
        }
        let mut cell = 0;
        for c in row.body.iter().flat_map(|span| span.content.chars()) {
            let width = c.width().unwrap_or(0) as u16;
            let letter = |small| Letter {
                small,
                line,
                cell,
                width,
            };
            if same {
                letters.extend(c.to_lowercase().map(letter));
            } else {
                letters.push(letter(c));
            }
            cell += width;
        }
    }
    found_in(&letters, &needle, &mut found);
    found
}

/// Adds the matches in a line, which do not overlap.
fn found_in(letters: &[Letter], needle: &[char], found: &mut Vec<Found>) {
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
