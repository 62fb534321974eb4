//! Wrapping text at words, for the screen and the command line.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Text in a look: a style of the screen, or a tone of the command line.
pub type Piece<L> = (L, String);

/// A grapheme in its look.
struct Cell<'t, L> {
    text: &'t str,
    wide: usize,
    look: L,
}

/// The cells that pieces take in a line.
pub fn cells<L>(pieces: &[Piece<L>]) -> usize {
    pieces.iter().map(|(_, text)| text.width()).sum()
}

/// Text in lines of at most `width` cells (at least two), broken at spaces, beside wide
/// characters, and inside words only where a word is longer than a line: in a path behind a `/`. A newline in the text
/// breaks a line. There is always a line.
pub fn wrap<'t, L: Copy + PartialEq>(
    pieces: impl IntoIterator<Item = (L, &'t str)>,
    width: usize,
) -> Vec<Vec<Piece<L>>> {
    let width = width.max(2);
    let mut lines = Vec::new();
    let mut line: Vec<Cell<'_, L>> = Vec::new();
    let mut used = 0;
    // Where the line may be broken: cells before it stay.
    let mut chance: Option<usize> = None;
    let cells = pieces.into_iter().flat_map(|(look, text)| {
        text.graphemes(true).map(move |text| Cell {
            text,
            wide: text.width(),
            look,
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
            let at = chance
                .filter(|at| *at > 0)
                .or_else(|| folder_end(&line))
                .unwrap_or(line.len());
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

/// The place behind the last `/` of a line that is one word; none where it would leave most of the
/// line empty.
fn folder_end<L>(line: &[Cell<'_, L>]) -> Option<usize> {
    let slash = line.iter().rposition(|c| c.text == "/")?;
    Some(slash + 1).filter(|at| *at > line.len() / 3)
}

/// A line's cells as pieces, without the blanks at its end.
fn finish<L: Copy + PartialEq>(line: &[Cell<'_, L>]) -> Vec<Piece<L>> {
    // A line of blanks alone is empty.
    let end = line
        .iter()
        .rposition(|c| c.text != " ")
        .map_or(0, |at| at + 1);
    let mut out: Vec<Piece<L>> = Vec::new();
    for cell in line.iter().take(end) {
        match out.last_mut() {
            Some((look, text)) if *look == cell.look => text.push_str(cell.text),
            _ => out.push((cell.look, cell.text.to_owned())),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(text: &str, width: usize) -> Vec<String> {
        let lines = wrap([((), text)], width);
        let joined = |line: Vec<Piece<()>>| line.into_iter().map(|((), text)| text).collect();
        lines.into_iter().map(joined).collect()
    }

    #[test]
    fn lines_break_at_words_and_beside_wide_characters() {
        assert_eq!(plain("one two three", 8), ["one two", "three"]);
        assert_eq!(plain("one two three", 7), ["one two", "three"]);
        assert_eq!(plain("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(plain("漢字漢字 ab", 5), ["漢字", "漢字", "ab"]);
        assert_eq!(plain("a\nb", 5), ["a", "b"]);
        assert_eq!(
            plain("x /state/homebody/logs", 10),
            ["x", "/state/", "homebody/", "logs"]
        );
        assert_eq!(plain("/abcdefghij", 6), ["/abcde", "fghij"]);
        assert_eq!(plain("", 5), [""]);
    }

    #[test]
    fn neighbours_of_one_look_are_one_piece() {
        let lines = wrap([(1, "a"), (1, "b "), (2, "c d")], 4);
        let whole = |line: &[(i32, &str)]| -> Vec<Piece<i32>> {
            line.iter().map(|(l, t)| (*l, (*t).to_owned())).collect()
        };
        assert_eq!(lines, [whole(&[(1, "ab "), (2, "c")]), whole(&[(2, "d")])]);
    }

    proptest! {
        #[test]
        fn no_line_is_too_long_and_no_text_is_lost(
            text in "[a-z漢字é ]{0,80}", width in 2usize..30
        ) {
            let lines = plain(&text, width);
            for line in &lines {
                prop_assert!(line.width() <= width);
            }
            let without = |s: &str| s.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(without(&lines.concat()), without(&text));
        }
    }
}
