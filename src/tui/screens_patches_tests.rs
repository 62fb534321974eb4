//! The screen with a patch or a review.

use super::*;

#[test]
fn a_patch() {
    let mut screen = Screen::ready(SMALL);
    planned(&mut screen);
    seen!("patch", screen.looks());
    screen.keys(&["n", "a", "n", "r", "n"]);
    seen!("patch_decided", screen.picture());
    screen.keys(&["c"]);
    screen.wait(3_000);
    seen!("patch_checking", screen.picture());
    let Some(block) = screen.state.checking else {
        panic!("no check runs");
    };
    screen.event(Event::Checking {
        block,
        what: format!(
            "with the change:   Compiling walk v0.1.0 {}",
            "/far".repeat(30)
        ),
    });
    seen!("patch_check_says", screen.picture());
    screen.event(Event::Checked {
        block,
        result: Ok(Checked {
            command: "cargo check".into(),
            verdict: Verdict::Failed,
            status: "exit status: 101".into(),
            before: Some(false),
            seconds: 6.0,
            notes: Vec::new(),
            output: "error[E0425]: cannot find function `log` in this scope\n --> src/walk.rs:31\n"
                .into(),
        }),
    });
    seen!("patch_failed_check", screen.looks());
    screen.keys(&["pgdn", "pgdn"]);
    seen!("patch_failed_check_foot", screen.picture());
    screen.event(Event::Checked {
        block,
        result: Ok(Checked {
            command: "cargo check".into(),
            verdict: Verdict::Passed,
            status: "exit status: 0".into(),
            before: None,
            seconds: 6.0,
            notes: Vec::new(),
            output: String::new(),
        }),
    });
    screen.keys(&["enter"]);
    screen.event(Event::Applied {
        block,
        result: Ok(Applied {
            files: vec![path("src/walk.rs")],
            record: 1,
            notes: Vec::new(),
        }),
    });
    seen!("patch_applied", screen.picture());
    screen.wait(5_000);
    screen.event(Event::Undone(Ok(Undone {
        files: vec![path("src/walk.rs")],
        record: None,
        left: 1,
        notes: Vec::new(),
    })));
    seen!("patch_undone", screen.picture());
}

#[test]
fn a_patch_of_which_some_is_written_says_what_comes_next() {
    let mut screen = Screen::ready(SMALL);
    planned(&mut screen);
    screen.keys(&["a", "r", "r", "r", "enter"]);
    let block = screen.state.blocks.last().expect("a block").id;
    let applied = Applied {
        files: vec![path("src/walk.rs")],
        record: 1,
        notes: Vec::new(),
    };
    screen.event(Event::Applied {
        block,
        result: Ok(applied),
    });
    screen.keys(&["pgup"]);
    seen!("patch_written", screen.picture());
}

#[test]
fn a_patch_that_cannot_be_written_says_so_above_the_hunk() {
    let mut screen = Screen::ready(SMALL);
    planned(&mut screen);
    screen.keys(&["n", "a", "enter"]);
    let block = screen.state.blocks.last().expect("a block").id;
    screen.event(Event::Applied {
        block,
        result: Err(Failure::input("src/walk.rs has changed in the same lines")
            .because("line 2 is another now")
            .hint("ask again")),
    });
    seen!("patch_not_written", screen.picture());
}

#[test]
fn a_patch_in_other_sizes() {
    let mut screen = Screen::ready(LARGE);
    planned(&mut screen);
    screen.keys(&["A"]);
    seen!("patch_large", screen.picture());
    screen.resize(40, 12);
    seen!("patch_narrow", screen.picture());
    screen.resize(80, 24);
    screen.keys(&["n", "R"]);
    screen.text("do not log");
    seen!("patch_remark", screen.picture());
}

#[test]
fn the_cursor_of_a_patch_is_always_in_sight() {
    let mut screen = Screen::ready((80, 16));
    planned(&mut screen);
    let picture = screen.picture();
    assert!(
        picture.contains(" patch  2 files"),
        "its head comes first:\n{picture}"
    );
    for (keys, seen) in [
        (&["n"][..], "31 +     log(path);"),
        (&["n"], "pub fn log(path: &Path) {}"),
        (&["p", "p"], "@@ 9,7"),
    ] {
        screen.keys(keys);
        let picture = screen.picture();
        assert!(picture.contains(seen), "{seen} after {keys:?}:\n{picture}");
    }
    // What the person scrolls to stays.
    screen.keys(&["pgup"]);
    let before = screen.picture();
    screen.wait(100);
    assert_eq!(screen.picture(), before);
    screen.keys(&["pgdn", "pgdn"]);
    assert_ne!(screen.picture(), before);
}

#[test]
fn a_patch_that_came_to_nothing() {
    let mut screen = Screen::ready(SMALL);
    screen.say("/patch make it better");
    screen.told(Told::Context {
        version: 1,
        context: context(),
    });
    screen.told(Told::Token {
        text: "*** replace src/a.rs\n<<<<<<<\n    old();\n=======\n    new();\n".into(),
    });
    screen.wait(800);
    seen!("patch_writing", screen.looks());
    screen.done(Ok(Answer::Patch {
        change: Change::default(),
        prose: "I would change this.".into(),
        troubles: vec![
            "the change to src/a.rs:3-4 is left out: the file was changed meanwhile".into(),
        ],
        context: context(),
        stopped: false,
    }));
    seen!("patch_nothing", screen.picture());
}

#[test]
fn a_review() {
    let mut screen = Screen::ready(SMALL);
    screen.say("/review");
    screen.told(Told::Progress {
        done: 0,
        total: 4,
        path: Some(path("src/walk.rs")),
        range: None,
    });
    screen.wait(20_000);
    screen.told(Told::Progress {
        done: 1,
        total: 4,
        path: Some(path("src/types.rs")),
        range: None,
    });
    for finding in findings().into_iter().rev() {
        screen.told(Told::Finding(finding));
    }
    seen!("review_running", screen.looks());
    screen.told(Told::Note {
        text: "1 remark was dropped: what is quoted does not stand in the diff".into(),
    });
    screen.told(Told::Progress {
        done: 4,
        total: 4,
        path: None,
        range: None,
    });
    screen.done(Ok(Answer::Review {
        findings: findings(),
        unread: vec![(path("Cargo.lock"), "a lock file".into())],
        stopped: false,
        failed: None,
    }));
    seen!("review", screen.picture());
    screen.keys(&["enter"]);
    seen!("review_reading_code", screen.picture());
    screen.event(Event::Code {
        path: path("src/walk.rs"),
        range: LineRange::new(1478, 1486),
        result: Ok(CODE.into()),
    });
    screen.keys(&["down", "d"]);
    seen!("review_open", screen.looks());
    screen.resize(40, 12);
    seen!("review_narrow", screen.picture());
}

#[test]
fn a_review_of_nothing() {
    let mut screen = Screen::ready(SMALL);
    screen.say("/review");
    screen.told(Told::Note {
        text: "nothing is staged; `git add` something first, or review with --unstaged".into(),
    });
    screen.done(Ok(Answer::Review {
        findings: Vec::new(),
        unread: Vec::new(),
        stopped: false,
        failed: None,
    }));
    let picture = screen.picture();
    assert!(
        !picture.contains("--unstaged") && !picture.contains("found"),
        "{picture}"
    );
    seen!("review_of_nothing", picture);
    screen.say("/review HEAD");
    screen.told(Told::Progress {
        done: 1,
        total: 1,
        path: None,
        range: None,
    });
    screen.done(Ok(Answer::Review {
        findings: Vec::new(),
        unread: Vec::new(),
        stopped: false,
        failed: None,
    }));
    seen!("review_finds_nothing", screen.picture());
}

#[test]
fn a_long_line_of_a_patch_is_seen_to_its_end() {
    let mut screen = Screen::ready((60, 24));
    screen.say("/patch say more");
    let after = format!("{}and its END\n", "a long line of words ".repeat(6));
    screen.done(Ok(Answer::Patch {
        change: Change {
            files: vec![FileChange {
                path: path("src/walk.rs"),
                renamed_to: None,
                before: Some("short\n".to_owned()),
                after: Some(after),
            }],
        },
        prose: String::new(),
        troubles: Vec::new(),
        context: context(),
        stopped: false,
    }));
    let picture = screen.picture();
    assert!(picture.contains("and its END"), "{picture}");
}
