//! Wrapping styled text at words.

use ratatui::style::Style;
use ratatui::text::Span;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// A grapheme with its look.
struct Cell<'a> {
    text: &'a str,
    wide: usize,
    style: Style,
}

/// Styled text in lines of at most `width` cells (at least one), broken at spaces, beside
/// wide characters, and inside words only where a word is longer than a line. A newline in
/// the text breaks a line. There is always a line.
pub fn wrap(spans: &[Span<'_>], width: usize) -> Vec<Vec<Span<'static>>> {
    let width = width.max(2);
    let mut lines = Vec::new();
    let mut line: Vec<Cell<'_>> = Vec::new();
    let mut used = 0;
    // Where the line may be broken: cells before it stay.
    let mut chance: Option<usize> = None;
    let cells = spans.iter().flat_map(|span| {
        span.content.graphemes(true).map(|text| Cell {
            text,
            wide: text.width(),
            style: span.style,
        })
    });
    for cell in cells {
        if cell.text == "\n" || cell.text == "\r\n" {
            lines.push(finish(&line));
            line.clear();
            (used, chance) = (0, None);
            continue;
        }
        let blank = cell.text == " ";
        if cell.wide > 1 && !line.is_empty() {
            chance = Some(line.len());
        }
        if used + cell.wide > width {
            if blank {
                // The space at the end of a full line is what the break stands for.
                chance = Some(line.len());
                line.push(cell);
                used += 1;
                continue;
            }
            // Without a chance the break is where the line is full, inside a word.
            let at = chance.filter(|at| *at > 0).unwrap_or(line.len());
            let mut rest = line.split_off(at);
            lines.push(finish(&line));
            let blanks = rest.iter().take_while(|c| c.text == " ").count();
            rest.drain(..blanks);
            line = rest;
            used = line.iter().map(|c| c.wide).sum();
            chance = None;
            // What is carried over can still be too long together with this cell.
            if used + cell.wide > width && !line.is_empty() {
                lines.push(finish(&line));
                line.clear();
                used = 0;
            }
        }
        used += cell.wide;
        let wide = cell.wide > 1;
        line.push(cell);
        if blank || wide {
            chance = Some(line.len());
        }
    }
    lines.push(finish(&line));
    lines
}

/// A line's cells as spans, without the blanks at its end.
fn finish(line: &[Cell<'_>]) -> Vec<Span<'static>> {
    // A line of blanks alone is empty.
    let end = line
        .iter()
        .rposition(|c| c.text != " ")
        .map_or(0, |at| at + 1);
    let mut out: Vec<Span<'static>> = Vec::new();
    for cell in line.iter().take(end) {
        match out.last_mut() {
            Some(last) if last.style == cell.style => last.content.to_mut().push_str(cell.text),
            _ => out.push(Span::styled(cell.text.to_owned(), cell.style)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::width::spans_width;
    use proptest::prelude::*;

    fn plain(text: &str, width: usize) -> Vec<String> {
        wrap(&[Span::raw(text)], width)
            .iter()
            .map(|line| line.iter().map(|s| s.content.as_ref()).collect())
            .collect()
    }

    #[test]
    fn lines_break_at_words() {
        assert_eq!(plain("one two three", 8), ["one two", "three"]);
        assert_eq!(plain("one two three", 7), ["one two", "three"]);
        assert_eq!(plain("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(plain("漢字漢字 ab", 5), ["漢字", "漢字", "ab"]);
        assert_eq!(plain("a\nb", 5), ["a", "b"]);
        assert_eq!(plain("", 5), [""]);
    }

    proptest! {
        #[test]
        fn no_line_is_too_long_and_no_text_is_lost(
            text in "[a-z漢字é ]{0,80}", width in 2usize..30
        ) {
            let lines = wrap(&[Span::raw(text.clone())], width);
            for line in &lines {
                prop_assert!(spans_width(line) <= width);
            }
            let joined: String = lines.iter().flatten().map(|s| s.content.as_ref()).collect();
            let without = |s: &str| s.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(without(&joined), without(&text));
        }
    }
}
