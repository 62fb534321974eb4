//! A text as lines, with the place of each.

use std::ops::Range;

/// A line: its text without the newline, and the bytes it takes with the newline.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// The text of the line without its newline.
    pub text: &'a str,
    /// Index of the first byte.
    pub start: usize,
    /// Index of the byte behind the newline.
    pub end: usize,
}

/// Splits a text into lines. A byte-order mark belongs to no line; a text that ends in a newline
/// has no empty line behind it.
pub fn lines(text: &str) -> Vec<Line<'_>> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut start = text.len() - body.len();
    body.split_inclusive('\n')
        .map(|whole| {
            let line = Line {
                text: without_newline(whole),
                start,
                end: start + whole.len(),
            };
            start = line.end;
            line
        })
        .collect()
}

/// Returns a line without `\n` or `\r\n` at its end.
pub fn without_newline(line: &str) -> &str {
    line.strip_suffix('\n')
        .map_or(line, |line| line.strip_suffix('\r').unwrap_or(line))
}

/// Returns a text whose lines end by `newline`, whatever they ended by; a last one without an end
/// has none.
pub fn with_newlines(text: &str, newline: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        out.push_str(without_newline(line));
        if line.ends_with('\n') {
            out.push_str(newline);
        }
    }
    out
}

/// Returns the bytes of a range of lines, counted from 0. Behind the last line there are none: the
/// range is empty, at the end of the text.
pub fn bytes(file: &[Line<'_>], range: Range<usize>) -> Range<usize> {
    let start = file
        .get(range.start)
        .map_or_else(|| file.last().map_or(0, |l| l.end), |l| l.start);
    let end = range
        .end
        .checked_sub(1)
        .and_then(|last| file.get(last))
        .map_or(start, |l| l.end);
    start..end.max(start)
}
