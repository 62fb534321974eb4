//! Tests of vim keys: motions, operators, counts.

use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation as _;

use super::*;
use crate::app::{Keymap, Place};

/// In normal mode, `|` standing before the character under the cursor.
fn at(text: &str) -> Composer {
    let cursor = text.find('|').expect("a cursor");
    let mut composer = Composer::new(true);
    composer.set(&text.replacen('|', "", 1));
    press(&mut composer, Key::plain(Code::Esc));
    composer.put_cursor(cursor);
    composer
}

fn press(composer: &mut Composer, pressed: Key) -> Outcome {
    let bound = Keymap::default().action(Place::Composer, pressed);
    key(composer, pressed, bound)
}

/// Types keys; what vim leaves alone in insert mode is typed, as the composer does.
fn run(composer: &mut Composer, keys: &str) {
    for c in keys.chars() {
        let pressed = if c == '␛' {
            Key::plain(Code::Esc)
        } else {
            Key::char(c)
        };
        if press(composer, pressed) == Outcome::Not && composer.mode() == Some(Mode::Insert) {
            composer.type_char(c);
        }
    }
}

fn shown(composer: &Composer) -> String {
    format!("{}|{}", composer.before(), composer.after())
}

#[track_caller]
fn does(from: &str, keys: &str, to: &str) {
    let mut composer = at(from);
    run(&mut composer, keys);
    assert_eq!(shown(&composer), to, "{from} by {keys}");
    assert_eq!(composer.pending(), "", "nothing is left of {keys}");
}

#[test]
fn it_begins_with_typing_and_esc_leads_out() {
    let mut composer = Composer::new(true);
    assert_eq!(composer.mode(), Some(Mode::Insert));
    run(&mut composer, "dd␛");
    assert_eq!(composer.mode(), Some(Mode::Normal));
    assert_eq!(shown(&composer), "d|d");
    // A second Esc is not vim's: it clears or closes what is open.
    assert_eq!(press(&mut composer, Key::plain(Code::Esc)), Outcome::Not);
}

#[test]
fn motions_go_by_characters_words_and_lines() {
    does("|one two", "l", "o|ne two");
    does("on|e two", "2h", "|one two");
    does("|one two_x.y", "w", "one |two_x.y");
    does("|one two_x.y", "2w", "one two_x|.y");
    does("one t|wo", "b", "one |two");
    does("one |two", "b", "|one two");
    does("|one two", "e", "on|e two");
    does("on|e two", "e", "one tw|o");
    does("a\nb|c", "0", "a\n|bc");
    does("a\n|bc\nd", "$", "a\nbc|\nd");
    does("a\nb|c\nd", "gg", "|a\nbc\nd");
    does("|a\nb", "G", "a\nb|");
    does("a\n|b", "h", "a\n|b");
    does("caf|e\u{301} x", "w", "cafe\u{301} |x");
}

#[test]
fn characters_are_sought_within_the_line() {
    does("|a.b.c", "f.", "a|.b.c");
    does("|a.b.c", "2f.", "a.b|.c");
    does("|a.b.c", "tb", "a|.b.c");
    does("a.b.|c", "Fb", "a.|b.c");
    does("a.b.|c", "Ta", "a|.b.c");
    does("|a\n.", "f.", "|a\n.");
    does("|a.b.c", "3f.", "|a.b.c");
}

#[test]
fn operators_take_a_motion() {
    does("|one two three", "dw", "|two three");
    does("|one two three", "d2w", "|three");
    does("|one two three", "2dw", "|three");
    does("one |two", "dw", "one |");
    does("one |two\nx", "dw", "one |\nx");
    does("one two|", "db", "one |");
    does("|one two", "de", "| two");
    does("on|e two", "d$", "on|");
    does("on|e two", "d0", "|e two");
    does("on|e\ntwo", "D", "on|\ntwo");
    does("|a.b.c", "d2f.", "|c");
    does("|a.b.c", "dtb", "|b.c");
    does("a\nb|c\nd", "dG", "a\nb|");
    does("a\nb|c\nd", "dgg", "|c\nd");
    does("|abcd", "2x", "|cd");
    does("ab|cd", "X", "a|cd");
    does("a|bcd", "d2l", "a|d");
    does("|a b", "dq", "|a b");
}

#[test]
fn whole_lines_go_with_their_newline() {
    does("a\nb|b\nc", "dd", "a\n|c");
    does("a\nb|b", "dd", "|a");
    does("|a\nb\nc", "2dd", "|c");
    does("|a\nb", "9dd", "|");
    does("a\nb|b\nc", "ccx␛", "a\n|x\nc");
    does("|ab\nc", "yyp", "ab\n|ab\nc");
    does("|ab\nc", "yyP", "|ab\nab\nc");
    does("|a\nb", "J", "a| b");
}

#[test]
fn changing_goes_on_typing() {
    does("|one two", "cwx␛", "|x two");
    does("on|e two", "Cx␛", "on|x");
    does("|one", "sx␛", "|xne");
    does("|one", "2sx␛", "|xe");
    does("o|ne\nx", "Sy␛", "|y\nx");
    does("o|ne", "ix␛", "o|xne");
    does("o|ne", "ax␛", "on|xe");
    does("o|ne", "Ax␛", "one|x");
    does("o|ne", "Ix␛", "|xone");
    does("o|ne", "ox␛", "one\n|x");
    does("o|ne", "Ox␛", "|x\none");
}

#[test]
fn characters_are_put_over_others() {
    does("a|bc", "rx", "a|xc");
    does("a|bcd", "2rx", "ax|xd");
    does("a|b", "3rx", "a|b");
    does("a|b\nc", "2rx", "a|b\nc");
    does("|e\u{301}x", "ra", "|ax");
}

#[test]
fn what_was_cut_is_put_behind_or_before() {
    does("|ab", "xp", "b|a");
    does("|ab", "x2p", "ba|a");
    does("|one two", "dwP", "one| two");
    does("|ab", "yl2p", "aa|ab");
}

#[test]
fn undo_and_redo_take_counts() {
    let mut composer = at("|abc");
    run(&mut composer, "xx2u");
    assert_eq!(composer.text(), "abc");
    assert_eq!(press(&mut composer, Key::ctrl('r')), Outcome::Taken);
    assert_eq!(composer.text(), "bc");
}

#[test]
fn what_is_not_whole_is_shown_and_esc_drops_it() {
    let mut composer = at("|one two");
    run(&mut composer, "3d2");
    assert_eq!(composer.pending(), "3d2");
    assert_eq!(press(&mut composer, Key::plain(Code::Esc)), Outcome::Taken);
    assert_eq!(composer.pending(), "");
    run(&mut composer, "w");
    assert_eq!(shown(&composer), "one |two");
}

#[test]
fn a_huge_count_takes_no_time() {
    does("|one two", "99999999999999999999l", "one two|");
    does("|one two", "999999999d999999999w", "|");
}

#[test]
fn up_and_down_and_what_vim_does_not_know_are_left_to_others() {
    let mut composer = at("|a");
    assert_eq!(press(&mut composer, Key::char('k')), Outcome::Up);
    assert_eq!(press(&mut composer, Key::char('j')), Outcome::Down);
    assert_eq!(press(&mut composer, Key::plain(Code::Enter)), Outcome::Not);
    let mut empty = at("|");
    for c in ['?', '[', ']'] {
        assert_eq!(press(&mut empty, Key::char(c)), Outcome::Not);
    }
    assert_eq!(empty.mode(), Some(Mode::Normal));
    press(&mut empty, Key::char('/'));
    assert_eq!(empty.mode(), Some(Mode::Insert));
}

proptest! {
    #[test]
    fn no_keys_lead_into_a_grapheme(
        text in "[ab. \\n日e\u{301}👩\u{200d}]{0,12}",
        keys in "[hlwbe0$gGdcyrftFTxXsDCJpPuiaIAoOS2␛ab.\u{301}]{0,30}",
    ) {
        let mut composer = at(&format!("|{text}"));
        for c in keys.chars() {
            run(&mut composer, &c.to_string());
            let text = composer.text();
            let mut ends = text.grapheme_indices(true).map(|(i, _)| i).chain([text.len()]);
            prop_assert!(ends.any(|end| end == composer.cursor()), "{c} in {text:?}");
        }
    }
}
