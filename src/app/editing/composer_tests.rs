//! Tests of the editor: typing, words, cutting, undo, rows.

use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation as _;

use super::*;

/// A composer from a text in which `|` stands for the cursor.
fn at(text: &str) -> Composer {
    let cursor = text.find('|').expect("a cursor");
    let mut composer = Composer::new(false);
    composer.set(&text.replacen('|', "", 1));
    composer.put_cursor(cursor);
    composer
}

fn shown(composer: &Composer) -> String {
    format!("{}|{}", composer.before(), composer.after())
}

#[track_caller]
fn goes(from: &str, motion: Motion, to: &str) {
    let mut composer = at(from);
    composer.go(motion);
    assert_eq!(shown(&composer), to, "{from} by {motion:?}");
}

#[track_caller]
fn kills(from: &str, motion: Motion, to: &str) {
    let mut composer = at(from);
    composer.kill(motion);
    assert_eq!(shown(&composer), to, "{from} by {motion:?}");
    composer.yank();
    assert_eq!(composer.text(), from.replacen('|', "", 1), "put in again");
}

#[test]
fn characters_go_in_where_the_cursor_stands() {
    let mut composer = at("a|c");
    composer.type_char('b');
    assert_eq!(shown(&composer), "ab|c");
    composer.type_char('\u{1b}');
    composer.type_char('\u{202e}');
    assert_eq!(shown(&composer), "ab|c", "hostile ones are left out");
}

#[test]
fn a_step_is_a_grapheme_however_many_characters_it_has() {
    goes("e\u{301}|x", Motion::Left, "|e\u{301}x");
    goes("|👨‍👩‍👧x", Motion::Right, "👨‍👩‍👧|x");
    goes("|日本", Motion::Right, "日|本");
    kills("🇩🇪|", Motion::Left, "|");
    let mut composer = at("xe\u{301}|");
    composer.delete(Motion::Left);
    assert_eq!(shown(&composer), "x|");
}

#[test]
fn words_are_letters_or_signs_and_never_part_what_is_joined() {
    goes("fn check_loop(|", Motion::WordLeft, "fn check_loop|(");
    goes("fn check_loop|(", Motion::WordLeft, "fn |check_loop(");
    goes("fn |", Motion::WordLeft, "|fn ");
    goes("  |  ", Motion::WordLeft, "|    ");
    goes("|fn check", Motion::WordRight, "fn| check");
    goes("fn| check(", Motion::WordRight, "fn check|(");
    goes("a| \n ", Motion::WordRight, "a \n |");
    goes("cafe\u{301}s|", Motion::WordLeft, "|cafe\u{301}s");
    goes("|cafe\u{301}s x", Motion::WordRight, "cafe\u{301}s| x");
    goes("cafe\u{301}|", Motion::WordLeft, "|cafe\u{301}");
    goes("日本|語", Motion::WordLeft, "|日本語");
}

#[test]
fn lines_and_the_whole_text_have_two_ends() {
    goes("a\nb|c\nd", Motion::LineStart, "a\n|bc\nd");
    goes("a\nb|c\nd", Motion::LineEnd, "a\nbc|\nd");
    goes("a\nb|c\nd", Motion::TextStart, "|a\nbc\nd");
    goes("a\nb|c\nd", Motion::TextEnd, "a\nbc\nd|");
}

#[test]
fn what_is_cut_can_be_put_in_again() {
    kills("one two|", Motion::WordLeft, "one |");
    kills("cafe\u{301}|", Motion::WordLeft, "|");
    kills("|one two", Motion::WordRight, "| two");
    kills("a\nbc|d", Motion::LineStart, "a\n|d");
    kills("a|bc\nd", Motion::LineEnd, "a|\nd");
    kills("a|\nd", Motion::LineEnd, "a|d");
}

#[test]
fn cuts_in_a_row_are_one_text_in_the_order_it_stood() {
    let mut composer = at("one two three|");
    composer.kill(Motion::WordLeft);
    composer.kill(Motion::WordLeft);
    composer.yank();
    assert_eq!(shown(&composer), "one two three|");
    // A motion between begins a new text.
    composer.kill(Motion::WordLeft);
    composer.go(Motion::Left);
    composer.kill(Motion::WordLeft);
    composer.yank();
    composer.yank();
    assert_eq!(shown(&composer), "one twotwo| ");
}

#[test]
fn cutting_nothing_keeps_what_was_cut_before() {
    let mut composer = at("one|");
    composer.kill(Motion::WordLeft);
    composer.kill(Motion::WordLeft);
    composer.yank();
    assert_eq!(shown(&composer), "one|");
}

#[test]
fn undo_goes_back_by_words_and_forth_again() {
    let mut composer = Composer::new(false);
    for c in "one two".chars() {
        composer.type_char(c);
    }
    composer.kill(Motion::LineStart);
    assert_eq!(composer.text(), "");
    assert!(composer.undo());
    assert_eq!(shown(&composer), "one two|");
    assert!(composer.undo());
    assert_eq!(shown(&composer), "one|");
    assert!(composer.undo());
    assert!(!composer.undo());
    assert_eq!(composer.text(), "");
    while composer.redo() {}
    assert_eq!(composer.text(), "");
    composer.undo();
    composer.type_char('!');
    assert!(!composer.redo(), "another way was taken");
    assert_eq!(shown(&composer), "one two!|");
}

#[test]
fn what_has_been_sent_cannot_be_undone() {
    let mut composer = at("one|");
    assert_eq!(composer.take(), "one");
    assert!(!composer.undo());
    assert!(composer.is_empty());
}

#[test]
fn a_paste_is_cleaned() {
    for (pasted, kept) in [
        ("a\r\nb\rc\n", "a\nb\nc\n"),
        ("\tx", "\tx"),
        ("\u{1b}[31mred\u{1b}[0m", "red"),
        ("a\u{0}b\u{7}c\u{8}", "abc"),
        ("\u{1b}[201~; rm -rf /", "; rm -rf /"),
        ("\u{9b}31m", "31m"),
        ("a\u{202e}b", "ab"),
        ("\u{1b}[12\u{e9}", "\u{e9}"),
    ] {
        assert_eq!(clean(pasted), kept, "{pasted:?}");
    }
    let mut composer = at("a|d");
    composer.paste("b\u{1b}[2Jc");
    assert_eq!(shown(&composer), "abc|d");
    composer.undo();
    assert_eq!(shown(&composer), "a|d", "a paste is one step");
}

#[test]
fn a_composer_takes_only_so_much() {
    let mut composer = Composer::new(false);
    composer.paste(&"é".repeat(MAX_TEXT));
    assert!(composer.text().len() <= MAX_TEXT);
    composer.type_char('x');
    assert!(composer.text().len() <= MAX_TEXT);
}

fn rows(text: &str, width: u16) -> Vec<String> {
    let mut composer = Composer::new(false);
    composer.set(text);
    let row = |row: &Row| {
        composer
            .text()
            .get(row.start..row.end)
            .expect("a row")
            .to_owned()
    };
    composer.layout(width).iter().map(row).collect()
}

#[test]
fn rows_break_behind_spaces_and_within_long_words_only() {
    assert_eq!(rows("", 10), [""]);
    assert_eq!(rows("one two three", 9), ["one two ", "three"]);
    assert_eq!(rows("abcdefgh", 5), ["abcd", "efgh"]);
    assert_eq!(rows("a\n\nb", 5), ["a", "", "b"]);
    assert_eq!(rows("日本語", 5), ["日本", "語"]);
    assert_eq!(rows("abcd efgh", 5), ["abcd ", "efgh"]);
}

#[test]
fn the_column_is_kept_over_short_lines() {
    let mut composer = at("long line\nx\nlong| line");
    assert!(composer.up(40));
    assert_eq!(shown(&composer), "long line\nx|\nlong line");
    assert!(composer.up(40));
    assert_eq!(shown(&composer), "long| line\nx\nlong line");
    assert!(!composer.up(40));
    assert!(composer.down(40) && composer.down(40) && !composer.down(40));
    assert_eq!(shown(&composer), "long line\nx\nlong| line");
}

#[test]
fn up_and_down_go_by_rows_as_drawn() {
    let mut composer = at("one two three|");
    assert!(composer.up(9));
    assert_eq!(shown(&composer), "one t|wo three");
}

#[test]
fn a_cell_and_its_offset_belong_together() {
    let composer = at("a\t日b|");
    let rows = composer.layout(40);
    assert_eq!(composer.cursor_cell(&rows), (0, 7));
    for (column, offset) in [
        (0, 0),
        (1, 1),
        (3, 1),
        (4, 2),
        (5, 2),
        (6, 5),
        (7, 6),
        (99, 6),
    ] {
        assert_eq!(composer.offset_at(&rows, 0, column), offset, "{column}");
    }
}

fn motion() -> impl Strategy<Value = Motion> {
    prop::sample::select(vec![
        Motion::Left,
        Motion::Right,
        Motion::WordLeft,
        Motion::WordRight,
        Motion::LineStart,
        Motion::LineEnd,
        Motion::TextStart,
        Motion::TextEnd,
    ])
}

#[derive(Debug, Clone)]
enum Keystroke {
    Type(char),
    Paste(String),
    Go(Motion),
    Delete(Motion),
    Kill(Motion),
    Yank,
    Undo,
    Redo,
    Up,
    Down,
    Click(usize, u16),
}

fn step() -> impl Strategy<Value = Keystroke> {
    let piece = "[a-c \\n\\t日\u{301}\u{200d}👩🇩🇪\\x1b\\[]{0,6}";
    prop_oneof![
        4 => any::<char>().prop_map(Keystroke::Type),
        4 => prop::sample::select(vec!['a', ' ', '\n', '\u{301}', '\u{200d}', '👩', '🇩'])
            .prop_map(Keystroke::Type),
        3 => piece.prop_map(Keystroke::Paste),
        6 => motion().prop_map(Keystroke::Go),
        2 => motion().prop_map(Keystroke::Delete),
        2 => motion().prop_map(Keystroke::Kill),
        2 => Just(Keystroke::Yank),
        3 => Just(Keystroke::Undo),
        2 => Just(Keystroke::Redo),
        2 => Just(Keystroke::Up),
        2 => Just(Keystroke::Down),
        1 => (0..9usize, 0..20u16).prop_map(|(row, column)| Keystroke::Click(row, column)),
    ]
}

proptest! {
    #[test]
    fn the_cursor_stands_between_graphemes_whatever_is_done(
        steps in prop::collection::vec(step(), 0..60),
        width in 1..12u16,
    ) {
        let mut composer = Composer::new(false);
        for step in steps {
            match step.clone() {
                Keystroke::Type(c) => composer.type_char(c),
                Keystroke::Paste(text) => composer.paste(&text),
                Keystroke::Go(motion) => composer.go(motion),
                Keystroke::Delete(motion) => composer.delete(motion),
                Keystroke::Kill(motion) => composer.kill(motion),
                Keystroke::Yank => composer.yank(),
                Keystroke::Undo => drop(composer.undo()),
                Keystroke::Redo => drop(composer.redo()),
                Keystroke::Up => drop(composer.up(width)),
                Keystroke::Down => drop(composer.down(width)),
                Keystroke::Click(row, column) => {
                    let rows = composer.layout(width);
                    composer.put_cursor(composer.offset_at(&rows, row, column));
                }
            }
            let text = composer.text();
            let mut ends = text.grapheme_indices(true).map(|(i, _)| i).chain([text.len()]);
            prop_assert!(ends.any(|end| end == composer.cursor()), "{step:?} in {text:?}");
            prop_assert_eq!(&clean(text), text, "nothing hostile gets in");
            // Rows hold the text, and the cursor is in one of them.
            let rows = composer.layout(width);
            let (row, _) = composer.cursor_cell(&rows);
            prop_assert!(rows[row].start <= composer.cursor());
            let mut joined = String::new();
            for row in &rows {
                joined.push_str(text.get(row.start..row.end).expect("a row"));
                if !row.wrapped {
                    joined.push('\n');
                }
            }
            joined.pop();
            prop_assert_eq!(joined, text);
        }
    }

    #[test]
    fn undoing_all_and_redoing_all_leads_back(
        steps in prop::collection::vec(step(), 0..40),
    ) {
        let mut composer = Composer::new(false);
        for step in steps {
            match step {
                Keystroke::Type(c) => composer.type_char(c),
                Keystroke::Paste(text) => composer.paste(&text),
                Keystroke::Go(motion) => composer.go(motion),
                Keystroke::Delete(motion) => composer.delete(motion),
                Keystroke::Kill(motion) => composer.kill(motion),
                Keystroke::Yank => composer.yank(),
                _ => {}
            }
        }
        let text = composer.text().to_owned();
        while composer.undo() {}
        prop_assert_eq!(composer.text(), "");
        while composer.redo() {}
        prop_assert_eq!(composer.text(), text);
    }
}
