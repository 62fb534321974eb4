use super::*;
use crate::app::editing::motion::Motion;

fn long(lines: usize) -> String {
    "a line of it\n".repeat(lines)
}

#[test]
fn a_long_paste_is_one_thing_and_sent_whole() {
    let mut composer = Composer::new(false);
    composer.paste("why ");
    composer.paste(&long(500));
    composer.type_char('?');
    assert_eq!(composer.text().chars().count(), 6);
    assert_eq!(composer.whole(), format!("why {}?", long(500)));
    assert_eq!(composer.whole_len(), composer.whole().len());
    let label = "[pasted 500 lines · ~1,625 tokens]";
    assert_eq!(composer.pasted()[0].label(), label);
    let rows = composer.layout(60);
    assert_eq!((rows.len(), composer.cursor_cell(&rows).1), (1, 4 + 34 + 1));
    let bytes = composer.uncounted()[0].1.text.len();
    composer.counted((0, bytes), 1_700);
    assert_eq!(
        composer.pasted()[0].label(),
        "[pasted 500 lines · 1,700 tokens]"
    );
    // The cursor passes over it, and it is deleted as one; that can be undone.
    composer.go(Motion::Left);
    composer.delete(Motion::Left);
    assert_eq!(composer.text(), "why ?");
    assert!(composer.undo());
    assert_eq!(composer.whole(), format!("why {}?", long(500)));
    assert_eq!(composer.take(), format!("why {}?", long(500)));
    assert!(composer.pasted().is_empty());
}

#[test]
fn a_short_paste_stands_as_it_is() {
    let mut composer = Composer::new(false);
    composer.paste(&long(10));
    assert_eq!(composer.text(), long(10));
}

#[test]
fn it_can_be_opened_and_folded_again() {
    let mut composer = Composer::new(false);
    assert!(!composer.open_paste());
    composer.paste(&long(11));
    composer.paste(&long(12));
    composer.go(Motion::TextStart);
    assert!(composer.open_paste());
    assert!(composer.text().starts_with(&long(11)));
    assert_eq!(composer.pasted().len(), 1);
    assert!(composer.undo());
    assert_eq!(composer.pasted().len(), 2);
}

#[test]
fn a_cut_paste_outlives_the_sending() {
    let mut composer = Composer::new(false);
    composer.paste(&long(11));
    composer.kill(Motion::LineStart);
    composer.take();
    composer.yank();
    assert_eq!(composer.whole(), long(11));
}

#[test]
fn nobody_else_can_write_the_signs() {
    let mut composer = Composer::new(false);
    composer.paste(&long(11));
    let sign = composer.text().to_owned();
    composer.paste(&sign);
    composer.type_char(sign.chars().next().expect("a sign"));
    composer.replace(0..0, &sign);
    assert_eq!(composer.text(), sign);
    composer.set(&sign);
    assert_eq!(composer.text(), "");
}
