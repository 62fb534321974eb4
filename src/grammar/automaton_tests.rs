use super::super::{Choices, Value};
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
