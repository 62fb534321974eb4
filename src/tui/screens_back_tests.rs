//! Going back to an earlier question.

use super::*;

/// Three questions and their answers.
fn talk(size: (u16, u16)) -> Screen {
    let mut screen = Screen::ready(size);
    for (question, answer) in [
        (
            "why does a symlink loop not hang the walk?",
            "It is caught.",
        ),
        (
            "and where is it told of, when the walk is one that goes through many folders?",
            "In `walk.rs`.",
        ),
        ("who reads that?", "Nobody yet."),
    ] {
        screen.say(question);
        screen.told(Told::Token {
            text: answer.into(),
        });
        screen.done(Ok(Answer::Ask {
            turn: crate::jobs::Turn {
                request: question.into(),
                sent: question.into(),
                answer: answer.into(),
                sources: Vec::new(),
                continues: false,
                whole: true,
            },
            context: crate::jobs::Context::default(),
            stopped: false,
        }));
    }
    screen
}

#[test]
fn the_choice_of_a_question_and_the_branch() {
    for (size, name) in [
        (SMALL, "back"),
        ((40, 12), "back_narrow"),
        ((120, 40), "back_wide"),
    ] {
        let mut screen = talk(size);
        screen.keys(&["esc", "esc", "up"]);
        let choice = screen.picture();
        screen.keys(&["enter"]);
        let again = screen.picture();
        screen.keys(&["enter"]);
        let branch = screen.picture();
        insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!(name, format!("{choice}\n====\n{again}\n====\n{branch}"));
        });
    }
}
