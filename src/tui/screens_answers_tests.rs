//! The screen while a question is answered, and after.

use super::*;

#[test]
fn an_answer_on_its_way() {
    let mut screen = Screen::ready(SMALL);
    screen.say("why does a symlink loop not hang the walk?");
    seen!("choosing", screen.picture());
    screen.told(Told::Context {
        version: 1,
        context: context(),
    });
    screen.told(Told::Prefill {
        done: 412,
        total: 1_870,
        cached: 0,
        rate: 92.0,
    });
    screen.wait(400);
    seen!("reading", screen.looks());
    screen.told(Told::Thinking {
        text: "Hm, ".into(),
    });
    screen.wait(1_000);
    seen!("thinking_one", screen.picture());
    for _ in 0..213 {
        screen.told(Told::Thinking {
            text: "a link may point up. ".into(),
        });
    }
    screen.wait(17_000);
    seen!("thinking", screen.picture());
    screen.keys(&["enter"]);
    seen!("thinking_open", screen.picture());
    screen.keys(&["enter"]);
    for word in ["A ", "loop ", "is ", "caught ", "`befo"] {
        screen.told(Told::Token { text: word.into() });
        screen.wait(200);
    }
    seen!("writing", screen.picture());
    screen.keys(&["esc"]);
    screen.done(Err(Failure::interrupted()));
    seen!("stopped", screen.picture());
}

#[test]
fn a_thought_that_was_ended_says_so() {
    let mut screen = Screen::ready(SMALL);
    screen.say("why does a symlink loop not hang the walk?");
    screen.told(Told::Thinking {
        text: "Hm, a link may point up. ".into(),
    });
    screen.wait(9_000);
    screen.told(Told::ThinkingCut {
        tokens: 1_024,
        why: crate::jobs::Cut::Limit,
    });
    screen.told(Told::Token {
        text: "A loop is caught.".into(),
    });
    screen.wait(200);
    seen!("thinking_ended", screen.picture());
}

#[test]
fn an_answer() {
    let mut screen = Screen::ready(SMALL);
    answered(&mut screen, ANSWER);
    seen!("answer", screen.looks());
    screen.resize(40, 12);
    seen!("answer_narrow", screen.picture());
    screen.resize(12, 4);
    seen!("too_small", screen.picture());
    screen.resize(20, 5);
    seen!("smallest", screen.picture());
    screen.resize(80, 24);
    screen.keys(&["tab"]);
    seen!("reading_the_transcript", screen.picture());
}

#[test]
fn without_colours() {
    let mut screen = Screen::bare(SMALL, options(), Depth::None);
    screen.indexed();
    screen.loaded();
    answered(&mut screen, ANSWER);
    let buffer = screen.measure();
    assert!(
        buffer.content().iter().all(|cell| {
            let plain = |color| color == ratatui::style::Color::Reset;
            plain(cell.fg) && plain(cell.bg)
        }),
        "a colour is on the screen"
    );
    planned(&mut screen);
    screen.keys(&["a"]);
    seen!("no_colour", screen.looks());
}

#[test]
fn nothing_found_and_an_error() {
    let mut screen = Screen::ready(SMALL);
    screen.say("where is the frobnicator?");
    screen.told(Told::Context {
        version: 1,
        context: Context {
            budget: 2_000,
            index_complete: false,
            ..Context::default()
        },
    });
    screen.told(Told::Note {
        text: "nothing was found for `where is the frobnicator?` in 4 files, so no code is shown \
               to the model; name a file with @, or use the words the code uses"
            .into(),
    });
    screen.told(Told::Token {
        text: "I see no such thing.".into(),
    });
    screen.done(Ok(Answer::Ask {
        turn: turn("I see no such thing."),
        context: Context {
            budget: 2_000,
            ..Context::default()
        },
        stopped: false,
    }));
    seen!("nothing_found", screen.picture());
    screen.say("and now?");
    screen.done(Err(Failure::model(
        "the prompt takes 33,012 tokens; the context holds 32,768",
    )
    .because("the conversation so far takes 31,400 of them")
    .hint("/new begins another conversation, /drop leaves files out")));
    seen!("error", screen.looks());
}

#[test]
fn a_full_context() {
    let mut screen = Screen::ready(SMALL);
    screen.say("and now?");
    screen.told(Told::Usage(Usage {
        prompt_tokens: 30_000,
        cached_tokens: 0,
        generated_tokens: 1_000,
        prefill_s: 20.0,
        decode_s: 100.0,
        drafted_tokens: 0,
        accepted_tokens: 0,
    }));
    screen.done(Ok(Answer::Ask {
        turn: turn("So it is."),
        context: context(),
        stopped: false,
    }));
    seen!("context_full", screen.looks());
}

#[test]
fn a_code_block_that_is_chosen_is_brought_into_view_and_marked() {
    let mut screen = Screen::ready(SMALL);
    let filler = "A paragraph of the answer.\n\n".repeat(20);
    let answer =
        format!("{filler}```rust\nfirst();\n```\n\n{filler}```rust\nsecond();\n```\n\n{filler}");
    answered(&mut screen, &answer);
    screen.keys(&["["]);
    assert!(!screen.picture().contains("first();"), "it begins above");
    let marked = |screen: &mut Screen, code: &str| {
        let picture = screen.picture();
        let line = picture.lines().find(|line| line.contains(code));
        line.unwrap_or_else(|| panic!("{code} is not seen:\n{picture}"))
            .starts_with('▌')
    };
    screen.keys(&["}"]);
    assert!(marked(&mut screen, "first();"));
    screen.keys(&["}"]);
    assert!(marked(&mut screen, "second();"));
    // Whoever has scrolled away is led back by the same key.
    screen.keys(&["pgup", "pgup", "pgup"]);
    assert!(!screen.picture().contains("second();"));
    screen.keys(&["}"]);
    assert!(marked(&mut screen, "second();"));
    screen.keys(&["{"]);
    assert!(marked(&mut screen, "first();"));
    screen.keys(&["{"]);
    assert_eq!(screen.state.cursor.and_then(|cursor| cursor.code), None);
}

#[test]
fn where_another_key_sends_the_line_says_which() {
    let keys = [("send".to_owned(), vec!["ctrl-s".to_owned()])];
    let options = Options {
        keys: keys.into_iter().collect(),
        ..options()
    };
    let mut screen = Screen::bare(SMALL, options, Depth::True);
    screen.indexed();
    screen.loaded();
    let picture = screen.picture();
    assert!(picture.contains("@ for files, Ctrl-S sends"), "{picture}");
    screen.text("why?");
    screen.keys(&["enter"]);
    let picture = screen.picture();
    assert!(
        picture.contains("Ctrl-S sends; Enter does nothing"),
        "{picture}"
    );
    assert!(screen.state.job.is_none());
}
