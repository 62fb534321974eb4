//! Pieces of text, each in its tone, in lines broken at words.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use super::out::Tone;

/// Text in a tone.
pub(super) type Piece = (Tone, String);

/// A grapheme in its tone.
#[derive(Clone, Copy)]
struct Cell<'a> {
    text: &'a str,
    wide: usize,
    tone: Tone,
}

/// The cells that pieces take in a line.
pub(super) fn cells(pieces: &[Piece]) -> usize {
    pieces.iter().map(|(_, text)| text.width()).sum()
}

/// Pieces in lines of at most `room` cells, broken at blanks and beside wide characters; a word
/// longer than a line is broken where the line is full. A newline breaks a line. There is always a
/// line.
pub(super) fn wrap(pieces: &[Piece], room: usize) -> Vec<Vec<Piece>> {
    let room = room.max(2);
    let mut lines = Vec::new();
    let mut line: Vec<Cell<'_>> = Vec::new();
    // The place where the line may be broken: cells before it stay.
    let mut chance = 0;
    let all = pieces.iter().flat_map(|(tone, text)| {
        text.graphemes(true).map(|text| Cell {
            text,
            wide: text.width(),
            tone: *tone,
        })
    });
    for cell in all {
        if cell.text == "\n" {
            lines.push(finished(&line));
            line.clear();
            chance = 0;
            continue;
        }
        let blank = cell.text == " ";
        if cell.wide > 1 {
            chance = line.len();
        }
        let used: usize = line.iter().map(|cell| cell.wide).sum();
        if used + cell.wide > room && !blank {
            let at = if chance == 0 { line.len() } else { chance };
            let rest = line.split_off(at);
            lines.push(finished(&line));
            line = rest
                .into_iter()
                .skip_while(|cell| cell.text == " ")
                .collect();
            chance = 0;
        }
        line.push(cell);
        if blank || cell.wide > 1 {
            chance = line.len();
        }
    }
    lines.push(finished(&line));
    lines
}

/// A line without the blanks at its end, neighbours of one tone joined.
fn finished(line: &[Cell<'_>]) -> Vec<Piece> {
    let end = line.iter().rposition(|cell| cell.text != " ");
    let mut out: Vec<Piece> = Vec::new();
    for cell in line.iter().take(end.map_or(0, |at| at + 1)) {
        match out.last_mut() {
            Some((tone, text)) if *tone == cell.tone => text.push_str(cell.text),
            _ => out.push((cell.tone, cell.text.to_owned())),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(text: &str, room: usize) -> Vec<String> {
        let pieces = [(Tone::Plain, text.to_owned())];
        let lines = wrap(&pieces, room);
        let joined = |line: Vec<Piece>| line.into_iter().map(|(_, text)| text).collect();
        lines.into_iter().map(joined).collect()
    }

    #[test]
    fn lines_break_at_words_and_beside_wide_characters() {
        assert_eq!(plain("one two three", 8), ["one two", "three"]);
        assert_eq!(plain("one two three", 7), ["one two", "three"]);
        assert_eq!(plain("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(plain("漢字漢字 ab", 5), ["漢字", "漢字", "ab"]);
        assert_eq!(plain("a\nb", 5), ["a", "b"]);
        assert_eq!(plain("", 5), [""]);
    }

    proptest! {
        #[test]
        fn no_line_is_too_long_and_no_text_is_lost(text in "[a-z漢é ]{0,80}", room in 2usize..30) {
            let lines = plain(&text, room);
            for line in &lines {
                prop_assert!(line.width() <= room);
            }
            let without = |s: &str| s.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(without(&lines.concat()), without(&text));
        }
    }
}
