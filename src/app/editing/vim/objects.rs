//! Vim's text objects: words, what stands in quotes or brackets, paragraphs.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use super::motions::{closing, line_end, line_start, opening};
use super::parse::Object;
use crate::app::editing::motion::{Class, class, whole_class};

/// The text of an object at a place, and true for whole lines (the last newline left out); none
/// where there is no such object.
pub(super) fn find(
    text: &str,
    at: usize,
    object: Object,
    times: usize,
) -> Option<(Range<usize>, bool)> {
    let around = object.around;
    let text_of = |range| Some((range, false));
    match object.kind {
        'w' => text_of(words(text, at, around, times, class)?),
        'W' => text_of(words(text, at, around, times, whole_class)?),
        'p' => Some((paragraph(text, at, around, times), true)),
        quote @ ('"' | '\'' | '`') => text_of(quoted(text, at, around, quote)?),
        '(' | ')' | 'b' => text_of(bracketed(text, at, around, ('(', ')'), times)?),
        '[' | ']' => text_of(bracketed(text, at, around, ('[', ']'), times)?),
        '{' | '}' | 'B' => text_of(bracketed(text, at, around, ('{', '}'), times)?),
        '<' | '>' => text_of(bracketed(text, at, around, ('<', '>'), times)?),
        _ => None,
    }
}

/// Words of the line, or the space between them.
fn words(text: &str, at: usize, around: bool, times: usize, class: Class) -> Option<Range<usize>> {
    let (start, end) = (line_start(text, at), line_end(text, at));
    let line = text.get(start..end)?;
    // Stretches of one class.
    let mut runs: Vec<(Range<usize>, u8)> = Vec::new();
    for (i, grapheme) in line.grapheme_indices(true) {
        let (class, end) = (class(grapheme), start + i + grapheme.len());
        match runs.last_mut() {
            Some((run, of)) if *of == class => run.end = end,
            _ => runs.push((start + i..end, class)),
        }
    }
    // At the end of a line the last word is meant.
    let here = runs
        .iter()
        .position(|(run, _)| run.contains(&at))
        .or(runs.len().checked_sub(1))?;
    let (first, of) = runs.get(here)?;
    if !around {
        let last = runs.get((here + times - 1).min(runs.len() - 1))?;
        return Some(first.start..last.0.end);
    }
    let mut to = here;
    let mut words = usize::from(*of != 0);
    while words < times && to + 1 < runs.len() {
        to += 1;
        words += usize::from(runs.get(to)?.1 != 0);
    }
    let blank = |at: usize| runs.get(at).is_some_and(|(_, of)| *of == 0);
    let mut from = here;
    // The space behind goes with a word, and where there is none, that before it.
    if *of != 0 && blank(to + 1) {
        to += 1;
    } else if *of != 0 && from > 0 && blank(from - 1) {
        from -= 1;
    }
    Some(runs.get(from)?.0.start..runs.get(to)?.0.end)
}

/// Text in quotes, in the line; where the cursor is in none, the next of the line.
fn quoted(text: &str, at: usize, around: bool, quote: char) -> Option<Range<usize>> {
    let (start, end) = (line_start(text, at), line_end(text, at));
    let line = text.get(start..end)?;
    let mut escaped = false;
    let mut marks = Vec::new();
    for (i, c) in line.char_indices() {
        if c == quote && !escaped {
            marks.push(start + i);
        }
        escaped = c == '\\' && !escaped;
    }
    let pair = marks.chunks_exact(2).find_map(|pair| match pair {
        [open, close] if at <= *close => Some((*open, *close)),
        _ => None,
    });
    let (open, close) = pair?;
    if !around {
        return Some(open + 1..close);
    }
    let blanks = |text: &str| text.len() - text.trim_start_matches([' ', '\t']).len();
    let behind = blanks(text.get(close + 1..end)?);
    if behind > 0 {
        return Some(open..close + 1 + behind);
    }
    let before = text.get(start..open)?;
    let before = before.len() - before.trim_end_matches([' ', '\t']).len();
    Some(open - before..close + 1)
}

/// Text in brackets, those around counted outwards.
fn bracketed(
    text: &str,
    at: usize,
    around: bool,
    (open, close): (char, char),
    times: usize,
) -> Option<Range<usize>> {
    let here = text.get(at..)?.chars().next();
    let mut from = if here == Some(open) {
        at
    } else {
        opening(text, at, open, close)?
    };
    for _ in 1..times {
        from = opening(text, from, open, close)?;
    }
    let to = closing(text, from, open, close)?;
    if around {
        return Some(from..to + 1);
    }
    let (mut first, mut last) = (from + 1, to);
    // In a block of lines the lines are meant, and not the ends of those with the brackets.
    if text.get(first..last)?.starts_with('\n') {
        let start = line_start(text, last);
        if start > first && text.get(start..last)?.trim().is_empty() {
            last = start - 1;
            first = (first + 1).min(last);
        }
    }
    Some(first..last)
}

/// The lines of a paragraph, or the blank ones between two.
fn paragraph(text: &str, at: usize, around: bool, times: usize) -> Range<usize> {
    let is_blank = |start: usize| {
        let line = text.get(start..line_end(text, start));
        line.is_none_or(|line| line.trim().is_empty())
    };
    let mut start = line_start(text, at);
    let blank = is_blank(start);
    while start > 0 {
        let before = line_start(text, start - 1);
        if is_blank(before) != blank {
            break;
        }
        start = before;
    }
    // Stretches of lines that are all blank or all not.
    let run_end = |mut start: usize| {
        let blank = is_blank(start);
        loop {
            let end = line_end(text, start);
            if end == text.len() || is_blank(end + 1) != blank {
                return end;
            }
            start = end + 1;
        }
    };
    let mut end = run_end(line_start(text, at));
    let more = if around { 2 * times - 1 } else { times - 1 };
    let mut took_blank = false;
    for _ in 0..more {
        if end == text.len() {
            break;
        }
        took_blank = is_blank(end + 1);
        end = run_end(end + 1);
    }
    // Without blank lines behind, those before go with it.
    if around && !blank && !took_blank && end == text.len() {
        while start > 0 && is_blank(line_start(text, start - 1)) {
            start = line_start(text, start - 1);
        }
    }
    start..end
}
