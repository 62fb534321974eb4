//! Folded things: earlier turns, and long pastes.

use super::*;
use crate::jobs::Fold;

/// A question after a fold.
fn folded(size: (u16, u16)) -> Screen {
    let mut screen = Screen::ready(size);
    screen.say("why does a symlink loop not hang the walk?");
    screen.told(Told::Folded(Fold {
        names: 9,
        gists: 6,
        at: 10,
        tokens: (27_210, 6_900),
        ..Fold::default()
    }));
    screen.told(Told::Token {
        text: "A loop is caught before it is walked.".into(),
    });
    screen
}

#[test]
fn earlier_turns_that_are_folded() {
    seen!("folded", folded(SMALL).picture());
    seen!("folded_narrow", folded((40, 12)).picture());
    seen!("folded_wide", folded((120, 40)).picture());
}

#[test]
fn a_long_paste() {
    for (size, name) in [(SMALL, "pasted"), ((40, 12), "pasted_narrow")] {
        let mut screen = Screen::ready(size);
        screen.event(Event::Paste("explain this: ".into()));
        screen.event(Event::Paste("at walk.rs:1480 in check_loop\n".repeat(500)));
        screen.event(Event::Paste(" and why?".into()));
        screen.wait(10_000);
        screen.event(Event::Counted {
            bytes: 15_023,
            tokens: vec![5_004, 5_000],
        });
        // The last words came while it was counted.
        screen.event(Event::Counted {
            bytes: 15_023,
            tokens: vec![5_007],
        });
        let picture = screen.picture();
        screen.keys(&["enter"]);
        let sent = screen.picture();
        insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!(name, format!("{picture}\n====\n{sent}"));
        });
    }
}
