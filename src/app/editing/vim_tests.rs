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
        match press(composer, pressed) {
            Outcome::Not if composer.mode() == Some(Mode::Insert) => composer.type_char(c),
            Outcome::Rows { by, .. } => {
                for _ in 0..by.unsigned_abs() {
                    if by < 0 {
                        composer.up(80);
                    } else {
                        composer.down(80);
                    }
                }
            }
            _ => {}
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
    // A second Esc does nothing to the text; with nothing typed it is the screen's.
    assert_eq!(press(&mut composer, Key::plain(Code::Esc)), Outcome::Taken);
    assert_eq!(shown(&composer), "d|d");
    let mut empty = at("|");
    assert_eq!(press(&mut empty, Key::plain(Code::Esc)), Outcome::Not);
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
    does("a\nb|c\nd", "dG", "|a");
    does("a\nb|c\nd", "dgg", "|d");
    does("a\nb|c\nd", "dj", "|a");
    does("a\nb|c\nd", "dk", "|d");
    does("|a\nb\nc", "d2G", "|c");
    does("one t|wo", "dge", "on|o");
    does("|f(a, (b)) c", "d%", "| c");
    does("one.x| two", "dB", "| two");
    does("|one.x two", "dW", "|two");
    does("|one.x two", "dE", "| two");
    does("|abcd", "2x", "|cd");
    does("ab|cd", "X", "a|cd");
    does("a|bcd", "d2l", "a|d");
}

#[test]
fn motions_of_paragraphs_brackets_and_wider_words() {
    does("|a\nb\n\nc\nd", "}", "a\nb\n|\nc\nd");
    does("a\nb\n\nc\n|d", "{", "a\nb\n|\nc\nd");
    does("|a\nb", "}", "a\nb|");
    does("|f(a, [b])", "%", "f(a, [b]|)");
    does("f(a, [b]|)", "%", "f|(a, [b])");
    does("|a.b c.d", "W", "a.b |c.d");
    does("a.b c.|d", "B", "a.b |c.d");
    does("|a.b c.d", "E", "a.|b c.d");
    does("one two |three", "ge", "one tw|o three");
    does("one two |three", "2ge", "on|e two three");
    does("a\nb\nc|", "2G", "a\n|b\nc");
    does("  a|b", "^", "  |ab");
}

#[test]
fn characters_are_sought_again() {
    does("|a.b.c.d", "f.;", "a.b|.c.d");
    does("|a.b.c.d", "f.2;", "a.b.c|.d");
    does("|a.b.c.d", "2f.,", "a|.b.c.d");
    does("|a.b.c.d", "t.;", "a.|b.c.d");
    does("a.b.c|.d", "F.;", "a|.b.c.d");
    does("|a.b.c.d", "dt.;", ".|b.c.d");
    does("|a.b.c.d", "df.d;", "|c.d");
    does("|ab", ";", "|ab");
}

#[test]
fn text_objects_of_words() {
    does("one t|wo three", "diw", "one | three");
    does("one t|wo three", "daw", "one |three");
    does("one t|wo", "daw", "one|");
    does("one two|", "ciwx␛", "one |x");
    does("a.b c|.d e", "diW", "a.b | e");
    does("a  |  b", "diw", "a|b");
    does("on|e two three", "d2aw", "|three");
    does("on|e two three", "d3iw", "| three");
    does("a\n|b c", "daw", "a\n|c");
}

#[test]
fn text_objects_in_quotes_and_brackets() {
    does("say \"o|ne two\" x", "di\"", "say \"|\" x");
    does("say \"o|ne two\" x", "da\"", "say |x");
    does("s|ay \"a\\\"b\" x", "di\"", "say \"|\" x");
    does("say '|a' `b`", "ci'x␛", "say '|x' `b`");
    does("f(a, (b|), c)", "di(", "f(a, (|), c)");
    does("f(a, (|b), c)", "2di(", "f(|)");
    does("f(|a)", "da)", "f|");
    does("x[|a]", "dib", "x[|a]");
    does("x[|a]", "di]", "x[|]");
    does("if {\n  |a\n}", "diB", "if {\n|\n}");
    does("<|a>", "di<", "<|>");
    does("|none", "di\"", "|none");
}

#[test]
fn text_objects_of_paragraphs() {
    does("a\n|b\n\nc", "dip", "|\nc");
    does("a\n|b\n\nc", "dap", "|c");
    does("a\n\n|b\nc", "dap", "|a");
    does("a\n|b\n\nc", "yipGp", "a\nb\n\nc\n|a\nb");
}

#[test]
fn selections_are_cut_changed_kept_and_drawn() {
    does("o|ne two", "vld", "o| two");
    does("|one two", "vec␛", "| two");
    does("|one two", "vexp", " on|etwo");
    does("a\n|b\nc", "Vd", "a\n|c");
    does("a\n|b\nc", "Vcx␛", "a\n|x\nc");
    does("|a\nb", "VGyp", "a\n|a\nb\nb");
    does("one |two", "viwU", "one |TWO");
    does("|ab", "vl~", "|AB");
    does("|ab cd", "vlrx", "|xx cd");
    does("|a\nb", "VGJ", "a| b");
    does("|one two", "vlohd", "|e two");
    does("|one", "v␛x", "|ne");
    does("|one", "vvx", "|ne");
    let mut composer = at("a |bc\nd");
    run(&mut composer, "vl");
    assert_eq!(composer.selected(), Some(2..4));
    assert_eq!(composer.mode(), Some(Mode::Visual));
    run(&mut composer, "V");
    assert_eq!(composer.selected(), Some(0..4));
    assert_eq!(
        press(&mut composer, Key::char('j')),
        Outcome::Rows {
            by: 1,
            history: false
        }
    );
    run(&mut composer, "␛");
    assert_eq!(composer.selected(), None);
}

#[test]
fn what_was_cut_takes_the_place_of_a_selection() {
    does("|one two", "dwviwp", "one| ");
    let mut composer = at("|one two");
    run(&mut composer, "yiwwviwp");
    assert_eq!(shown(&composer), "one on|e");
    run(&mut composer, "0P");
    assert_eq!(composer.text(), "twoone one");
}

#[test]
fn lines_are_shifted_and_letters_change_their_case() {
    does("|a\nb\nc", "2>>", "    |a\n    b\nc");
    does("      |a", "<<", "  |a");
    does("\t|a", "<<", "|a");
    does("|a\nb", ">j", "    |a\n    b");
    does("|aBc", "~~", "Ab|c");
    does("|aBc", "9~", "AbC|");
    does("|a\n  b\nc", "3J", "a b| c");
    does("|a\nb\nc", "YjP", "a\n|a\nb\nc");
}

#[test]
fn the_last_change_is_done_once_more() {
    does("|one two three", "dw.", "|three");
    does("|one two three", "dw2.", "|");
    does("|a b c", "ciwx␛w.", "x |x c");
    does("|ab\ncd", "A;␛j0.", "ab;\ncd|;");
    does("|abcdef", "x..", "|def");
    does("|abcdef", "vld.", "|ef");
    does("|a\nb\nc\nd", "Vjd.", "|");
    does("|ab", "rxl.", "x|x");
    does("|a", "ix␛.", "|xxa");
    does("|a", "3ix␛", "xx|xa");
    does("|a b", "dwyiwu.", "|b");
    does("a|b", ".", "a|b");
}

#[test]
fn a_change_is_taken_back_whole() {
    let mut composer = at("|one two");
    run(&mut composer, "ciwa long␛u");
    assert_eq!(composer.text(), "one two");
    press(&mut composer, Key::ctrl('r'));
    assert_eq!(composer.text(), "a long two");
    run(&mut composer, "w.uu");
    assert_eq!(composer.text(), "one two");
}

#[test]
fn keys_without_a_meaning_do_nothing_and_are_told() {
    for keys in [
        "Q",
        "dq",
        "2diq",
        "gx",
        "vQ",
        "qa",
        "@a",
        "@@",
        "mz",
        "'a",
        "`a",
        "d`a",
        "ZZ",
        "zt",
        "==",
        "=ip",
        "v=",
        "gqip",
        "gww",
        "g?w",
        "\"+yy",
        "\"*3p",
        "\"ap",
        ":wq⏎",
        ":%s/a/b/g⏎",
        "/dd⏎",
        "?x⏎",
        "d/dd⏎",
        "!ipsort⏎",
        "v:s/a/b⏎",
    ] {
        let mut composer = at("a| b");
        let mut last = Outcome::Taken;
        for (i, c) in keys.chars().enumerate() {
            let pressed = if c == '⏎' {
                Key::plain(Code::Enter)
            } else {
                Key::char(c)
            };
            last = press(&mut composer, pressed);
            let whole = i + 1 == keys.chars().count();
            assert_eq!(matches!(last, Outcome::Absent(_)), whole, "{keys} at {c}");
        }
        let Outcome::Absent(words) = last else {
            panic!("{keys} is told of");
        };
        assert!(words.len() < 76, "{words}");
        assert_eq!(shown(&composer), "a| b", "{keys}");
        assert_eq!(composer.pending(), "");
    }
}

#[test]
fn a_line_of_keys_is_shown_mended_and_left() {
    let mut composer = at("a| b");
    run(&mut composer, ":wx");
    press(&mut composer, Key::plain(Code::Backspace));
    assert_eq!(composer.pending(), ":w");
    // Keys of the composer do nothing in it, and those of the screen what they always do.
    let left = press(&mut composer, Key::plain(Code::Left));
    assert_eq!(
        (left, shown(&composer)),
        (Outcome::Taken, "a| b".to_owned())
    );
    assert_eq!(press(&mut composer, Key::ctrl('c')), Outcome::Not);
    run(&mut composer, "␛x");
    assert_eq!(shown(&composer), "a|b");
}

#[test]
fn the_key_that_ends_a_recording_takes_no_other_with_it() {
    let mut composer = at("|ab");
    run(&mut composer, "qaxq");
    assert_eq!((shown(&composer).as_str(), composer.pending()), ("|b", ""));
    run(&mut composer, "q");
    assert_eq!(composer.pending(), "q");
}

#[test]
fn letters_change_their_case_by_operators() {
    does("|one two", "gUw", "|ONE two");
    does("ONE T|WO x", "guiw", "ONE |two x");
    does("|aB cD", "g~$", "|Ab Cd");
    does("one|", "gUb", "|ONE");
    does("a|b\ncd\nef", "gUj", "A|B\nCD\nef");
    does("ab\nc|d", "gUk", "|AB\nCD");
    does("x|y z", "gUU", "X|Y Z");
    does("X|Y", "gugu", "x|y");
    does("a\n|b\nc", "2g~~", "a\n|B\nC");
    does("say \"o|ne\"", "gUi\"", "say \"|ONE\"");
    does("|one two", "vlgU", "|ONe two");
    does("a|b\nc", "Vjg~", "|AB\nC");
    does("|ab ab", "gUiww.", "AB |AB");
    does("|straße x", "gUiw", "|STRASSE x");
    does("|1 2", "gUU", "|1 2");
}

#[test]
fn registers_keep_texts_by_their_names() {
    does("|one two", "\"adwx\"aP", "one| wo");
    does("|a\nb", "\"ayyjp\"ap", "a\nb\na\n|a");
    does("|a\nb\nc", "\"add\"AddjO␛k\"ap", "\n|a\nb\nc");
    does("|a b c", "\"adw\"_dw\"aP.", "aa|  c");
    // Without a name it is what was cut last, under whatever name.
    does("|a b", "\"bdwp", "ba| ");
    // What was kept stays where something is cut since.
    does("|a b", "yiwwviwd\"0p", "a |a");
    does("|a b", "yiwwdiw\"0P", "a |a");
    does("|ab cd", "\"ayiwwviw\"apP", "ab ac|db");
    let mut composer = at("|ab");
    run(&mut composer, "\"ayiw");
    composer.take();
    run(&mut composer, "x␛\"ap");
    assert_eq!(composer.text(), "xab", "sending leaves them as they are");
}

#[test]
fn undo_and_redo_lead_to_the_change() {
    for (text, keys) in [
        ("|a\nb\nc", "VGd"),
        ("one |two", "VGd"),
        ("|one two three", "vEEd"),
        ("on|e two\nx", "dd"),
        ("|one two", "d$"),
        ("|one two", "gUU"),
        ("o|ne\ntwo", "oxyz␛"),
        ("o|ne\ntwo", "Oxyz␛"),
        ("a|b cd\nef", ">>"),
        ("a|b\ncd", "Jx"),
        ("a\n|b\nc", "VGr-"),
    ] {
        let mut composer = at(text);
        run(&mut composer, keys);
        let undone = if keys == "Jx" { "uu" } else { "u" };
        run(&mut composer, undone);
        assert_eq!(shown(&composer), text, "{keys}");
    }
    let mut composer = at("one t|wo three");
    run(&mut composer, "dawu");
    assert_eq!(shown(&composer), "one |two three");
    press(&mut composer, Key::ctrl('r'));
    assert_eq!(shown(&composer), "one |three");
    run(&mut composer, "0gUiwu");
    press(&mut composer, Key::ctrl('r'));
    assert_eq!(shown(&composer), "|ONE three");
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
    let rows = |by, history| Outcome::Rows { by, history };
    assert_eq!(press(&mut composer, Key::char('k')), rows(-1, true));
    assert_eq!(press(&mut composer, Key::char('j')), rows(1, true));
    press(&mut composer, Key::char('3'));
    assert_eq!(press(&mut composer, Key::char('j')), rows(3, false));
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
        text in "[ab. \\n\"(){}日e\u{301}👩\u{200d}]{0,12}",
        keys in "[hlwbe0$gGdcyrftFTxXsDCJpPuiaIAoOS2␛ab.\u{301}WBE^{}%;,vV~><Y\"(\\[U_mq'=!:⏎]{0,30}",
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
