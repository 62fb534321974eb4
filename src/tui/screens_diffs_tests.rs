//! The lines of patches on the screen: wrapped or scrolled, side by side, in colours, and while they
//! are written.

use super::*;

/// A patch of one file is planned, from one text to another.
fn changed(screen: &mut Screen, before: &str, after: &str) {
    screen.say("/patch say more");
    screen.done(Ok(Answer::Patch {
        change: Change {
            files: vec![FileChange {
                path: path("src/walk.rs"),
                renamed_to: None,
                before: Some(before.to_owned()),
                after: Some(after.to_owned()),
            }],
        },
        prose: String::new(),
        troubles: Vec::new(),
        context: context(),
        stopped: false,
    }));
}

#[test]
fn lines_that_are_not_wrapped_are_scrolled_to_the_end_of_the_longest() {
    let mut screen = Screen::ready((60, 14));
    let long = format!("{}and its END", "a long line of words ".repeat(6));
    changed(&mut screen, "short\n", &format!("short\n{long}\n"));
    assert!(screen.picture().contains("and its END"), "wrapped at first");
    screen.keys(&["w"]);
    let picture = screen.picture();
    assert!(
        !picture.contains("END") && picture.contains('›'),
        "{picture}"
    );
    screen.keys(&[">"]);
    assert!(screen.picture().contains("‹"));
    screen.keys(&[">"; 30]);
    let picture = screen.picture();
    assert!(picture.contains("and its END\n"), "{picture}");
    assert!(!picture.contains('›'), "{picture}");
    screen.wait(5_000);
    seen!("patch_sideways", screen.picture());
    screen.keys(&["<"; 40]);
    let picture = screen.picture();
    assert!(
        picture.contains("short") && !picture.contains('‹'),
        "{picture}"
    );
}

#[test]
fn code_is_scrolled_by_itself() {
    let mut screen = Screen::ready((60, 30));
    let long = "x".repeat(70);
    let answer = format!(
        "One:\n\n```rust\nlet a = {long};\nlet end = 1;\n```\n\nTwo:\n\n```diff\n+ little\n```\n"
    );
    answered(&mut screen, &answer);
    screen.keys(&["[", "right", "right", "right", "right", "right"]);
    let picture = screen.picture();
    assert!(picture.contains("xxx;"), "its end is seen:\n{picture}");
    assert!(picture.contains("+ little"), "the other stays:\n{picture}");
    assert_eq!(picture.matches('‹').count(), 2, "{picture}");
    screen.keys(&["}", "}", "right"]);
    assert!(screen.picture().contains("+ little"), "it has no more");
    screen.keys(&["{", "left", "left", "left", "left", "left"]);
    assert!(!screen.picture().contains('‹'));
}

#[test]
fn old_and_new_stand_side_by_side() {
    let mut screen = Screen::ready((120, 40));
    planned(&mut screen);
    screen.keys(&["s"]);
    seen!("patch_beside", screen.looks());
    screen.resize(200, 60);
    seen!("patch_beside_wide", screen.picture());
    screen.resize(80, 24);
    let picture = screen.picture();
    assert!(!picture.contains(" │ "), "it is too narrow:\n{picture}");
}

#[test]
fn what_is_selected_beside_is_of_one_side() {
    let mut screen = Screen::ready((120, 40));
    planned(&mut screen);
    screen.keys(&["s"]);
    let picture = screen.picture();
    let row = picture.lines().position(|line| line.contains("with_path"));
    let row = row.expect("the new line") as u16;
    let Some(app::MouseTarget::Transcript { spot, .. }) =
        Some(screen.view.target(70, row, &screen.state))
    else {
        panic!("no row of the transcript");
    };
    let selection = app::Selection {
        from: spot,
        to: app::Spot {
            column: 119,
            ..spot
        },
    };
    let text = screen.view.text_of(selection, &screen.state);
    assert!(
        text.contains("with_path") && !text.contains("into"),
        "{text}"
    );
}

#[test]
fn changed_code_has_the_colours_of_its_language_on_a_ground() {
    use ratatui::style::Color;
    let colours = |depth: Depth| {
        let mut screen = Screen::bare((100, 30), options(), depth);
        screen.indexed();
        screen.loaded();
        screen.view.highlighter().open();
        changed(
            &mut screen,
            "fn walk() {\n    let a = \"one\";\n}\n",
            "fn walk() {\n    let b = \"one\";\n}\n",
        );
        let buffer = screen.measure();
        let look = |what: &str| {
            let rows = 0..buffer.area.height;
            let row = rows.into_iter().find(|y| {
                let text: String = row(&buffer, *y).iter().map(|(_, s)| *s).collect();
                text.contains(what)
            });
            let y = row.expect("a row");
            let cells = 10..40;
            let mut seen: Vec<Color> = cells.clone().map(|x| buffer[(x, y)].fg).collect();
            seen.sort_by_key(|colour| format!("{colour:?}"));
            seen.dedup();
            (seen.len(), buffer[(17, y)].bg)
        };
        [look("fn walk"), look("- "), look("+     let b")]
    };
    let [around, removed, added] = colours(Depth::True);
    assert!(
        around.0 > 2 && removed.0 > 2 && added.0 > 2,
        "{around:?} {removed:?} {added:?}"
    );
    let ground = |depth| {
        let theme = Theme::load("dark", None, depth).expect("loads");
        theme.style(Role::Background).bg.expect("it is painted")
    };
    assert_eq!(around.1, ground(Depth::True));
    assert_ne!(removed.1, added.1);
    assert_ne!(added.1, around.1);
    let [around, removed, added] = colours(Depth::Ansi256);
    assert!(around.0 > 2, "{around:?}");
    let plain = ground(Depth::Ansi256);
    assert_eq!((removed.1, added.1), (plain, plain));
    for (seen, ground) in colours(Depth::None) {
        assert_eq!((seen, ground), (1, Color::Reset));
    }
}

#[test]
fn a_patch_grows_as_a_diff() {
    let mut screen = Screen::ready(SMALL);
    screen.say("/patch call it twice");
    screen.told(Told::Context {
        version: 1,
        context: context(),
    });
    let said = "I call it twice.\n\n*** rewrite crates/ignore/src/walk.rs:1482-1485\n<<<<<<<\n    \
                for ancestor in ancestors(path) {\n        if twice(&handle, ancestor) {\n";
    for end in 0..=said.len() {
        let so_far = screen.state.blocks.len();
        if end > 0 {
            let text = said.get(end - 1..end).expect("a letter").to_owned();
            screen.told(Told::Token { text });
        }
        if end % 7 == 0 {
            let picture = screen.picture();
            let marks = ["***", "<<<<", "====", ">>>>"];
            assert!(
                !marks.iter().any(|m| picture.contains(m)),
                "{so_far}:\n{picture}"
            );
        }
    }
    screen.wait(800);
    seen!("patch_grows", screen.looks());
    screen.told(Told::Token {
        text: "            return Err(Error::Loop);\n        }\n>>>>>>>\n*** create src/new.rs\n<<<<<<<\nfn".into(),
    });
    seen!("patch_grows_on", screen.picture());
    screen.resize(40, 12);
    seen!("patch_grows_narrow", screen.picture());
}

#[test]
fn words_at_the_right_of_two_sides_are_found_and_marked_there() {
    let mut screen = Screen::ready((120, 40));
    planned(&mut screen);
    screen.keys(&["s", "/"]);
    screen.text("with_path");
    let picture = screen.picture();
    assert!(picture.contains("1 of 1"), "{picture}");
    let found = screen.state.layout.matches.1.clone();
    assert!(found.len() == 1 && found[0].right, "{found:?}");
    let buffer = screen.measure();
    let chosen = screen
        .view
        .theme()
        .style(Role::Selection)
        .bg
        .expect("a ground");
    let y = picture.lines().position(|line| line.contains("with_path"));
    let y = y.expect("a row") as u16;
    let marked: String = row(&buffer, y)
        .into_iter()
        .filter(|(x, _)| buffer[(*x, y)].bg == chosen)
        .map(|(_, symbol)| symbol)
        .collect();
    assert_eq!(marked, "with_path");
}
