//! Where vim's motions lead.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use super::parse::Move;
use crate::app::editing::composer::Composer;
use crate::app::editing::motion::{
    Class, class, next_word_by, whole_class, word_left_by, word_right_by,
};

/// The character that was looked for last, with the key it was looked for by.
pub(super) type Sought = (char, char);

/// The end of a motion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reach {
    pub to: usize,
    pub kind: Kind,
}

/// How an operator takes the text up to the end of a motion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Without the character at the later end.
    Exclusive,
    /// With it.
    Inclusive,
    /// Whole lines.
    Lines,
}

/// The start of the line that `at` is in.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or(text);
    before.rfind('\n').map_or(0, |newline| newline + 1)
}

/// The end of the line that `at` is in, before its newline.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let behind = text.get(at..).unwrap_or_default();
    behind.find('\n').map_or(text.len(), |newline| at + newline)
}

/// The first character of the line that is no blank, or its end.
pub(super) fn first_word(text: &str, at: usize) -> usize {
    let (start, end) = (line_start(text, at), line_end(text, at));
    let line = text.get(start..end).unwrap_or_default();
    let blank = line.len() - line.trim_start_matches([' ', '\t']).len();
    start + blank
}

/// The text between a cursor and the end of a motion; true for whole lines, the newline behind the
/// last left out.
pub(super) fn range(composer: &Composer, reach: Reach) -> (Range<usize>, bool) {
    let (text, at) = (composer.text(), composer.cursor());
    let (from, to) = (at.min(reach.to), at.max(reach.to));
    match reach.kind {
        Kind::Exclusive => (from..to, false),
        Kind::Inclusive => (from..composer.right_of(to), false),
        Kind::Lines => (line_start(text, from)..line_end(text, to), true),
    }
}

/// Finds where a motion leads; none where it leads nowhere. `operator`: the one that waits for it.
pub(super) fn reach(
    composer: &Composer,
    motion: Move,
    count: Option<usize>,
    sought: Option<Sought>,
    operator: Option<char>,
) -> Option<Reach> {
    let (text, at) = (composer.text(), composer.cursor());
    let times = count.unwrap_or(1);
    let exclusive = |to| Reach {
        to,
        kind: Kind::Exclusive,
    };
    let lines = |to| Reach {
        to,
        kind: Kind::Lines,
    };
    Some(match motion.key {
        'h' => exclusive(repeat(at, times, |at| composer.left_of(at)).max(line_start(text, at))),
        'l' | ' ' => {
            exclusive(repeat(at, times, |at| composer.right_of(at)).min(line_end(text, at)))
        }
        'w' | 'W' => exclusive(word(text, at, times, words(motion.key), operator)),
        'b' | 'B' => {
            let class = words(motion.key);
            exclusive(repeat(at, times, |at| word_left_by(text, at, class)))
        }
        'e' | 'E' | 'g' if motion.with != Some('g') || motion.key != 'g' => {
            let to = word_end(composer, motion, times);
            let kind = Kind::Inclusive;
            Reach { to, kind }
        }
        'g' => lines(nth_line(text, count.unwrap_or(1))),
        'G' => lines(count.map_or(text.len(), |line| nth_line(text, line))),
        '0' => exclusive(line_start(text, at)),
        '^' => exclusive(first_word(text, at)),
        '$' => exclusive(line_end(text, at)),
        '}' => exclusive(repeat(at, times, |at| paragraph_end(text, at))),
        '{' => exclusive(repeat(at, times, |at| paragraph_start(text, at))),
        'j' | 'k' => lines(other_line(text, at, motion.key == 'j', times)?),
        '%' => Reach {
            to: partner(text, at)?,
            kind: Kind::Inclusive,
        },
        ';' | ',' => {
            let (key, c) = sought?;
            let key = if motion.key == ';' { key } else { turned(key) };
            found(composer, (key, c), times, true)?
        }
        key => found(composer, (key, motion.with?), times, false)?,
    })
}

/// The classes of characters that a motion by words tells apart.
fn words(key: char) -> Class {
    if key.is_uppercase() {
        whole_class
    } else {
        class
    }
}

pub(super) fn repeat(mut at: usize, times: usize, step: impl Fn(usize) -> usize) -> usize {
    for _ in 0..times {
        let next = step(at);
        if next == at {
            break;
        }
        at = next;
    }
    at
}

/// `w`: the start of a word further on. With an operator the last word of a line does not take the
/// newline with it, and `cw` leaves the space behind the word, as in vim.
fn word(text: &str, at: usize, times: usize, class: Class, operator: Option<char>) -> usize {
    let step = |at| next_word_by(text, at, class);
    match operator {
        None => repeat(at, times, step),
        Some('c') => repeat(at, times, |at| word_right_by(text, at, class)),
        Some(_) => {
            let last = repeat(at, times - 1, step);
            step(last).min(line_end(text, last).max(last))
        }
    }
}

/// `e` and `ge`: the last character of a word further on or back.
fn word_end(composer: &Composer, motion: Move, times: usize) -> usize {
    let (text, at) = (composer.text(), composer.cursor());
    let class = words(
        motion
            .with
            .filter(|_| motion.key == 'g')
            .unwrap_or(motion.key),
    );
    if motion.key != 'g' {
        return repeat(at, times, |at| {
            let end = word_right_by(text, composer.right_of(at), class);
            composer.left_of(end).max(at)
        });
    }
    repeat(at, times, |at| {
        let mut behind = text
            .get(at..)
            .and_then(|text| text.graphemes(true).next())
            .map_or(0, class);
        let before = text.get(..at).unwrap_or_default();
        for (start, grapheme) in before.grapheme_indices(true).rev() {
            let here = class(grapheme);
            if here != 0 && here != behind {
                return start;
            }
            behind = here;
        }
        0
    })
}

/// The start of a line, by its number from 1.
fn nth_line(text: &str, line: usize) -> usize {
    let newlines = text.match_indices('\n').take(line.saturating_sub(1));
    newlines.last().map_or(0, |(at, _)| at + 1)
}

/// The start of a line so many further down or up; none where there is none that way.
fn other_line(text: &str, at: usize, down: bool, times: usize) -> Option<usize> {
    let start = line_start(text, at);
    let to = repeat(start, times, |at| {
        if down {
            let end = line_end(text, at);
            if end == text.len() { at } else { end + 1 }
        } else {
            line_start(text, at.saturating_sub(1))
        }
    });
    (to != start).then_some(to)
}

fn paragraph_end(text: &str, at: usize) -> usize {
    let mut line = line_end(text, at);
    let mut seen = line > line_start(text, at);
    while line < text.len() {
        let start = line + 1;
        let end = line_end(text, start);
        let blank = text
            .get(start..end)
            .is_none_or(|line| line.trim().is_empty());
        if blank && seen {
            return start;
        }
        seen |= !blank;
        line = end;
    }
    text.len()
}

fn paragraph_start(text: &str, at: usize) -> usize {
    let mut start = line_start(text, at);
    let mut seen = start < at;
    while start > 0 {
        let end = start - 1;
        start = line_start(text, end);
        let blank = text
            .get(start..end)
            .is_none_or(|line| line.trim().is_empty());
        if blank && seen {
            return start;
        }
        seen |= !blank;
    }
    0
}

/// The bracket that belongs to the one at or behind the cursor in its line.
fn partner(text: &str, at: usize) -> Option<usize> {
    const PAIRS: [(char, char); 3] = [('(', ')'), ('[', ']'), ('{', '}')];
    let line = text.get(at..line_end(text, at))?;
    let is_bracket = |c: char| PAIRS.iter().any(|(open, close)| c == *open || c == *close);
    let (from, bracket) = line.char_indices().find(|(_, c)| is_bracket(*c))?;
    let from = at + from;
    let (open, close) = PAIRS
        .into_iter()
        .find(|(open, close)| bracket == *open || bracket == *close)?;
    if bracket == open {
        closing(text, from, open, close)
    } else {
        opening(text, from, open, close)
    }
}

/// The bracket that closes the one at `from`.
pub(super) fn closing(text: &str, from: usize, open: char, close: char) -> Option<usize> {
    let mut depth = 0;
    for (i, c) in text.get(from..)?.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                return Some(from + i);
            }
        }
    }
    None
}

/// The bracket that opens what is closed at `from`, or what is open there.
pub(super) fn opening(text: &str, from: usize, open: char, close: char) -> Option<usize> {
    let mut depth = 1;
    for (i, c) in text.get(..from)?.char_indices().rev() {
        if c == close {
            depth += 1;
        } else if c == open {
            depth -= 1;
            if depth == 0 {
                return Some(i);
            }
        }
    }
    None
}

/// The key that looks for a character the other way.
const fn turned(key: char) -> char {
    if key.is_ascii_lowercase() {
        key.to_ascii_uppercase()
    } else {
        key.to_ascii_lowercase()
    }
}

/// Where `f`, `t`, `F` or `T` leads within the line. `again`: `t` that has led before a character
/// goes on to the next.
fn found(composer: &Composer, (key, c): Sought, times: usize, again: bool) -> Option<Reach> {
    let (text, at) = (composer.text(), composer.cursor());
    let till = key.eq_ignore_ascii_case(&'t');
    if key.is_lowercase() {
        let mut from = composer.right_of(at);
        if till && again {
            from = composer.right_of(from);
        }
        let line = text.get(from..line_end(text, at))?;
        let found = from + line.match_indices(c).nth(times - 1)?.0;
        Some(Reach {
            to: if till { composer.left_of(found) } else { found },
            kind: Kind::Inclusive,
        })
    } else {
        let mut to = at;
        if till && again {
            to = composer.left_of(to);
        }
        let start = line_start(text, at);
        let line = text.get(start..to)?;
        let found = start + line.rmatch_indices(c).nth(times - 1)?.0;
        Some(Reach {
            to: if till {
                composer.right_of(found)
            } else {
                found
            },
            kind: Kind::Exclusive,
        })
    }
}
