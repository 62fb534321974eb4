use super::super::{Beyond, Choices, Notation, Value, print};
use super::*;

/// A path, a line, and perhaps a block.
struct Letters;

impl Form for Letters {
    type At = u8;

    fn start(&self) -> u8 {
        0
    }

    fn part(&self, at: &u8, answer: &Answer<'_, u8>) -> Part {
        let texts = |texts: &[&str]| {
            let texts = texts.iter().map(|text| text.as_bytes().to_vec());
            Rc::new(Choices::new(texts))
        };
        match at {
            0 => Part::OneOf {
                choices: texts(&["a:1: ", "a:12: ", "é: ", "none"]),
                may_end: false,
            },
            1 => Part::Line { most: 20 },
            2 if answer.left > 5 => Part::OneOf {
                choices: texts(&["<<<\n", "more"]),
                may_end: true,
            },
            3 => Part::Block {
                fence: 7,
                most: 30,
                forced: true,
                lines: None,
                unlike: Some(Rc::from(&b"same\n"[..])),
            },
            _ => Part::end(),
        }
    }

    fn after(&self, at: &u8, value: Value) -> u8 {
        match (at, value) {
            (0, Value::Chosen(3)) | (2, Value::Chosen(1)) => 4,
            (at, _) => at + 1,
        }
    }
}

/// Tells whether an answer may end behind a text; none where it is not taken.
fn takes(text: &str) -> Option<bool> {
    let mut grammar = FormGrammar::new(Letters, 100);
    let all = text.bytes().all(|byte| {
        let may = grammar.next().contains(byte);
        let pushed = grammar.push(byte);
        assert!(may || !pushed, "{text:?}");
        grammar.commit(50);
        pushed
    });
    all.then(|| grammar.may_end())
}

#[test]
fn a_form_takes_what_it_says_and_ends_where_it_may() {
    assert_eq!(takes("none"), Some(true));
    assert_eq!(takes("nonea"), None);
    assert_eq!(takes("a:1: title\n"), Some(true));
    assert_eq!(takes("a:12: title"), Some(false));
    assert_eq!(takes("a:2: "), None);
    assert_eq!(takes("é: x\nmore"), Some(true));
    assert_eq!(takes("a:1:  x\n"), Some(true), "a blank first");
    assert_eq!(takes("a:1:   \n"), None, "nothing but blanks");
    let blanks = " ".repeat(60);
    assert_eq!(
        takes(&format!("a:1: {blanks}x\n")),
        Some(true),
        "it can always end"
    );
    assert_eq!(takes("a:1: \n"), None, "an empty line");
    assert_eq!(takes("a:1: x\n<<<\nnew\n>>>>>>>\n"), Some(true));
    assert_eq!(
        takes("a:1: x\n<<<\n>>>>>>>\n"),
        Some(true),
        "nothing is a block"
    );
    assert_eq!(takes("a:1: x\n<<<\nsame\n>>>>>>>\n"), None);
    assert_eq!(takes("a:1: x\n<<<\nsame\nand\n>>>>>>>\n"), Some(true));
    assert_eq!(takes("a:1: x\n<<<\n>> 1\n>>>>>>>\n"), Some(true));
    assert_eq!(takes("a:1: x\n<<<\n>>>>>>>>"), None);
    assert_eq!(takes("a:1: \u{1b}[1m\n"), None);
    let long = "y".repeat(21);
    assert_eq!(takes(&format!("a:1: {long}\n")), Some(true));
    assert_eq!(takes(&format!("a:1: {long}z")), None);
    let long = "y".repeat(31);
    let block = format!("a:1: x\n<<<\n{long}");
    assert_eq!(takes(&format!("{block}y")), None);
    assert_eq!(
        takes(&format!("{block}\n>>>>>>>\n")),
        Some(true),
        "its last line is ended by force"
    );
}

#[test]
fn what_was_tried_is_taken_back() {
    let mut grammar = FormGrammar::new(Letters, 100);
    let before = (grammar.parts.clone(), grammar.states.clone());
    for length in 0..30 {
        let text = "a:1: x\n<<<\nnew\n>>>>>>>\n".as_bytes();
        let pushed = text
            .iter()
            .take(length)
            .take_while(|byte| grammar.push(**byte))
            .count();
        grammar.pop(pushed);
        assert_eq!((grammar.parts.clone(), grammar.states.clone()), before);
        assert!(grammar.said.is_empty());
    }
}

#[test]
fn what_cannot_be_written_is_not_offered() {
    let mut grammar = FormGrammar::new(Letters, 100);
    let mut bytes = ByteSet::ALL;
    bytes.remove(b'2');
    grammar.set_alphabet(bytes);
    assert!("a:1".bytes().all(|byte| grammar.push(byte)));
    assert!(grammar.next().iter().eq([b':']));
}

#[test]
fn a_rule_beyond_its_text_is_named() {
    let rule = |text: &str, byte: Option<u8>| {
        let mut grammar = FormGrammar::new(Letters, 100);
        for byte in text.bytes() {
            assert!(grammar.push(byte), "{text:?}");
            grammar.commit(50);
        }
        assert!(byte.is_none_or(|byte| !grammar.push(byte)), "{text:?}");
        grammar.beyond(byte)
    };
    let block = "a:1: x\n<<<\n";
    assert_eq!(rule("a:1", Some(b'3')), None, "that is none of its texts");
    assert_eq!(rule("a:1", None), None, "nor may it end there");
    assert_eq!(
        rule(&format!("{block}same\n"), Some(b'>')),
        Some(Beyond::Same)
    );
    assert_eq!(
        rule(&format!("{block}>>>>>>>"), Some(b'>')),
        Some(Beyond::Fences)
    );
    assert_eq!(rule(&format!("{block}new"), None), None);
    let long = "y".repeat(21);
    assert_eq!(
        rule(&format!("a:1: {long}"), Some(b'y')),
        Some(Beyond::Length)
    );
    assert_eq!(rule("a:1: x", Some(0x1b)), None, "no text has it");
}

#[test]
fn a_form_is_printed_in_both_notations() {
    let gbnf = print(&Letters, Notation::Gbnf);
    assert!(gbnf.starts_with("root ::= at0\n"), "{gbnf}");
    let first = "at0 ::= (\"a:12: \" | \"a:1: \" | \"é: \") at1 | (\"none\") at2\n";
    assert!(gbnf.contains(first), "{gbnf}");
    assert!(
        gbnf.contains("(line7 \"\\n\")* \">\"{7,7} \"\\n\""),
        "{gbnf}"
    );
    let lark = print(&Letters, Notation::Lark);
    assert!(lark.starts_with("start : at0\n"), "{lark}");
    assert!(
        lark.contains("/[\\u{9}\\u{20}-\\u{7E}\\u{A0}-\\u{10FFFF}]/"),
        "{lark}"
    );
}
