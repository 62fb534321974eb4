//! The first screen of who has never asked anything.

use super::*;

#[test]
fn it_shows_what_can_be_done_with_this_repository() {
    for (size, name) in [
        ((40, 12), "welcome_narrow"),
        (SMALL, "welcome"),
        ((120, 40), "welcome_wide"),
        ((200, 60), "welcome_widest"),
    ] {
        let mut screen = Screen::bare(size, options(), Depth::True);
        let first = screen.picture();
        screen.event(Event::Index(IndexEvent::Ready {
            files: Arc::new(
                KnownFiles::new(vec![path("src/walk.rs")], Vec::new()).with_notable(vec![
                    (path("src/walk.rs"), "Walk".into()),
                    (path("crates/ignore/src/overrides.rs"), "Override".into()),
                    (path("crates/ignore/src/types.rs"), "TypesBuilder".into()),
                ]),
            ),
            stats: Box::new(Stats {
                files: 1_204,
                languages: vec![
                    ("Rust".into(), 1_000),
                    ("text".into(), 150),
                    ("Bash".into(), 54),
                ],
                ..Stats::default()
            }),
            complete: true,
        }));
        screen.loaded();
        let known = screen.picture();
        screen.text("w");
        screen.keys(&["enter"]);
        let asked = screen.picture();
        assert!(!asked.contains("what does Walk do?"), "{asked}");
        insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!(name, format!("{first}\n====\n{known}"));
        });
    }
}

#[test]
fn who_has_asked_before_is_told_less() {
    let history = vec!["why?".to_owned()];
    let mut screen = Screen::bare(
        SMALL,
        Options {
            history,
            ..options()
        },
        Depth::True,
    );
    screen.indexed();
    assert!(!screen.picture().contains("what does"));
    assert!(screen.picture().contains("Ask about this code."));
}
