//! A text as lines, with where each of them lies.

/// A line: its text without the newline, and the bytes it takes with it.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// Without its newline.
    pub text: &'a str,
    /// Its first byte.
    pub start: usize,
    /// The byte behind it and its newline.
    pub end: usize,
}

/// The lines of a text. A byte-order mark belongs to no line; a text that ends in a newline
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

/// A line without `\n` or `\r\n` at its end.
pub(super) fn without_newline(line: &str) -> &str {
    line.strip_suffix('\n')
        .map_or(line, |line| line.strip_suffix('\r').unwrap_or(line))
}

/// The blanks a line begins with.
pub(super) fn indentation(line: &str) -> &str {
    let rest = line.trim_start_matches([' ', '\t']);
    line.strip_suffix(rest).unwrap_or("")
}

/// Whether a line holds nothing but blanks.
pub(super) fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}
