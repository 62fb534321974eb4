//! What lies beside or over the conversation, and texts of all kinds.

use super::*;
use crate::app::IoCommand;

#[test]
fn the_panel() {
    let mut screen = Screen::ready(LARGE);
    answered(&mut screen, ANSWER);
    screen.keys(&["ctrl-o"]);
    seen!("panel_sources", screen.picture());
    screen.keys(&["right", "down", "p", "down", "x", "down", "down"]);
    seen!("panel_context", screen.picture());
    let picture = screen.picture();
    assert_eq!(picture.matches("x drop").count(), 1, "{picture}");
    screen.resize(80, 24);
    seen!("panel_over", screen.picture());
    let mut screen = Screen::ready(LARGE);
    screen.keys(&["ctrl-o"]);
    seen!("panel_empty", screen.picture());
}

#[test]
fn overlays() {
    let mut screen = Screen::ready(SMALL);
    screen.keys(&["?"]);
    seen!("help", screen.picture());
    screen.resize(40, 12);
    seen!("help_narrow", screen.picture());
    screen.resize(80, 24);
    screen.keys(&["esc"]);
    screen.say("/search symlink loop");
    seen!("search_looking", screen.picture());
    let Some(generation) = screen.asked.iter().find_map(|command| match command {
        Command::Io(IoCommand::Search { generation, .. }) => Some(*generation),
        _ => None,
    }) else {
        panic!("nothing is searched");
    };
    let hit = |name: &str, symbol: Option<&str>, why: &str| Hit {
        path: path(name),
        range: LineRange::new(10, 22),
        core: LineRange::new(10, 22),
        symbol: symbol.map(|name| Symbol {
            name: name.into(),
            within: String::new(),
            kind: SymbolKind::Function,
            range: LineRange::new(10, 22),
            signature: String::new(),
        }),
        score: 1.0,
        why: why.into(),
        namesakes: 0,
    };
    screen.event(Event::Search {
        generation,
        result: Ok(vec![
            hit("src/walk.rs", Some("check_symlink_loop"), "name"),
            hit(
                "crates/ignore/src/a/very/long/way/down/to/the/walker/in/walk.rs",
                Some("walk"),
                "text",
            ),
            hit("README.md", None, "text"),
        ]),
    });
    screen.keys(&["down"]);
    seen!("search", screen.looks());
    screen.keys(&["esc"]);
    screen.say("/sessions");
    screen.event(Event::Sessions(Ok(vec![
        SessionEntry {
            id: "2".into(),
            title: "why does a symlink loop not hang the walk?".into(),
            turns: 1,
            changed: 999_990,
            bytes: 1_000,
            ..SessionEntry::default()
        },
        SessionEntry {
            id: "1".into(),
            title:
                "a question that is so long that it does not fit into one line of this list at all"
                    .into(),
            turns: 12,
            changed: 900_000,
            bytes: 1_000,
            ..SessionEntry::default()
        },
        SessionEntry {
            id: "3".into(),
            title: "why does a symlink loop not hang the walk?".into(),
            branch_of: Some("2".into()),
            last: "who reads that?".into(),
            turns: 2,
            changed: 900_000,
            bytes: 1_000,
        },
    ])));
    seen!("sessions", screen.picture());
    screen.keys(&["esc"]);
    screen.say("/new");
    screen.keys(&["ctrl-r"]);
    seen!("history", screen.picture());
}

#[test]
fn not_sealed() {
    let sealed = Sealed::No("this platform has no such thing".into());
    let mut screen = Screen::bare(
        SMALL,
        Options {
            sealed,
            ..options()
        },
        Depth::True,
    );
    screen.indexed();
    screen.loaded();
    seen!("not_sealed", screen.looks());
    screen.keys(&["enter"]);
    seen!("not_sealed_why", screen.picture());
    screen.keys(&["esc"]);
    screen.resize(40, 12);
    seen!("not_sealed_narrow", screen.picture());
}

#[test]
fn completions() {
    let mut screen = Screen::ready(SMALL);
    screen.text("/re");
    seen!("completion_commands", screen.looks());
    screen.keys(&["ctrl-u"]);
    screen.text("what is in @walk");
    seen!("completion_files", screen.picture());
    screen.keys(&["ctrl-u"]);
    screen.text("/");
    screen.resize(40, 12);
    seen!("completion_narrow", screen.picture());
    let mut screen = Screen::ready((120, 40));
    screen.text("explain @wal");
    screen.keys(&["down"]);
    screen.event(Event::Code {
        path: path("src/walk.rs"),
        range: LineRange::new(1, 8),
        result: Ok(
            "//! Walks.\n\nuse std::fs;\n\n/// Walks a folder.\npub fn walk() {\n\tgo();\n}\n"
                .into(),
        ),
    });
    seen!("completion_wide", screen.picture());
}

#[test]
fn texts_of_all_kinds() {
    let mut screen = Screen::ready(SMALL);
    let wide = "漢字かな交じり文は二桁の幅を取る。".repeat(3);
    let code = "x".repeat(120);
    answered(
        &mut screen,
        &format!(
            "{wide}\n\ne\u{301}tude, \u{5e9}\u{5dc}\u{5d5}\u{5dd} and \u{645}\u{631}\u{62d}\u{628}\u{627}, \
             👩\u{200d}👩\u{200d}👧 beside a\ttab.\n\n```\n\tlet {code} = 漢字;\nend\n```\n\n| name | 幅 |\n|---|---|\n| \
             漢字 | 2 |\n| e\u{301} | 1 |\n"
        ),
    );
    seen!("texts", screen.picture());
    screen.resize(41, 24);
    seen!("texts_narrow", screen.picture());
    screen.resize(80, 24);
    screen.text(
        "wie 漢字 und e\u{301} hier stehen, und das noch eine ganze Weile länger als eine Zeile",
    );
    seen!("composer_wide", screen.picture());
}

#[test]
fn the_main_screen_large() {
    let mut screen = Screen::ready(LARGE);
    answered(&mut screen, ANSWER);
    seen!("answer_large", screen.picture());
}

#[test]
fn toasts_and_questions() {
    let mut screen = Screen::ready(SMALL);
    screen.keys(&["ctrl-c"]);
    seen!("quit_once_more", screen.picture());
    screen.wait(3_000);
    screen.say("what is this?");
    screen.told(Told::Token { text: "It ".into() });
    screen.say("/quit");
    seen!("quit_sure", screen.picture());
}

#[test]
fn a_toast_is_read_whole_beside_what_is_asked_in_its_row() {
    const WHY: &str = "the clipboard cannot be reached: copy with the mouse while Shift is held";
    let mut screen = Screen::ready(SMALL);
    answered(&mut screen, ANSWER);
    let toast = |screen: &mut Screen, why: &str| {
        screen.event(Event::Copied(Err(Failure::environment(why))));
    };
    screen.keys(&["f3", "w"]);
    toast(&mut screen, WHY);
    let picture = screen.picture();
    assert!(picture.contains(WHY) && picture.contains("Enter keeps"));
    seen!("toast_above_find", picture);
    screen.resize(40, 12);
    seen!("toast_above_find_narrow", screen.picture());
    // Longer than the screen is wide, it is wrapped.
    screen.resize(80, 24);
    screen.keys(&["esc"]);
    toast(
        &mut screen,
        &format!("{WHY}, or write it to a file with /export"),
    );
    seen!("toast_long", screen.picture());
    // What a remark is asked for stays to be read.
    let mut screen = Screen::ready(SMALL);
    planned(&mut screen);
    screen.keys(&["R"]);
    toast(&mut screen, "the clipboard cannot be reached");
    let picture = screen.picture();
    assert!(picture.contains("the clipboard cannot be reached"));
    assert!(picture.contains("what should hunk 1 of src/walk.rs be instead? Esc goes back"));
    // One that has room in the rule takes no row of the transcript.
    screen.keys(&["esc"]);
    toast(&mut screen, "no");
    seen!("toast_in_the_rule", screen.picture());
}

#[test]
fn the_choice_of_a_model_says_that_it_answers_again() {
    let mut screen = Screen::ready(SMALL);
    answered(&mut screen, ANSWER);
    screen.keys(&["esc", "esc", "ctrl-x"]);
    seen!("models_again", screen.picture());
    screen.resize(40, 12);
    seen!("models_again_narrow", screen.picture());
}

#[test]
fn words_are_found_and_marked() {
    let mut screen = Screen::ready(SMALL);
    answered(&mut screen, ANSWER);
    screen.keys(&["f3", "w", "a", "l", "k"]);
    screen.picture();
    seen!("find", screen.looks());
    screen.keys(&["enter", "n"]);
    seen!("find_next", screen.picture());
    screen.resize(40, 12);
    seen!("find_narrow", screen.picture());
    screen.resize(80, 24);
    screen.keys(&["esc", "esc", "f1", "/", "h", "u", "n", "k"]);
    screen.picture();
    seen!("find_in_help", screen.picture());
}

#[test]
fn the_palette() {
    let mut screen = Screen::ready(SMALL);
    screen.keys(&["f2"]);
    seen!("palette", screen.picture());
    screen.resize(40, 12);
    screen.keys(&["c", "o", "p"]);
    seen!("palette_narrow", screen.picture());
}

#[test]
fn the_form_of_settings() {
    use crate::app::settings::{Settings, keys, settings};
    let told = |text: &str| {
        let mut config = crate::base::Config::default();
        config.add_user_text(
            text,
            std::path::Path::new("/home/me/.config/homebody/config.toml"),
        );
        let mut rows = settings(&config, &["dark".to_owned(), "light".to_owned()]);
        rows.extend(keys(&config));
        Settings {
            rows,
            keys: config.keys.value,
            file: "/home/me/.config/homebody/config.toml".to_owned(),
            trouble: None,
        }
    };
    let mut screen = Screen::ready(SMALL);
    screen.say("/settings");
    screen.event(Event::Settings(Ok(told("threads = 2\nvim = true\n"))));
    seen!("settings", screen.looks());
    screen.resize(40, 12);
    seen!("settings_narrow", screen.picture());
    screen.resize(120, 40);
    screen.text("send");
    seen!("settings_wide", screen.picture());
    screen.resize(80, 24);
    screen.keys(&["ctrl-u"]);
    screen.text("threads");
    screen.keys(&["enter", "x"]);
    screen.event(Event::SettingSaved {
        name: "threads".into(),
        result: Err(Failure::config(
            "threads = \"2x\": takes a whole number from 0 to 1024",
        )),
    });
    seen!("settings_refused", screen.looks());
    screen.keys(&["esc", "ctrl-u"]);
    screen.text("the theme");
    screen.keys(&["enter"]);
    seen!("settings_choice", screen.picture());
}

#[test]
fn a_command_of_vim_is_seen_below_a_toast() {
    let mut screen = Screen::bare(
        SMALL,
        Options {
            vim: true,
            ..options()
        },
        Depth::True,
    );
    screen.text("one");
    screen.keys(&["esc"]);
    screen.text("qa:w");
    let picture = screen.picture();
    let rule = picture.lines().rev().nth(2).expect("a rule");
    assert!(rule.contains("normal · :w"), "{picture}");
    assert!(picture.contains("! qa: there are no macros"), "{picture}");
}

#[test]
fn what_vim_keys_select_is_marked() {
    let mut screen = Screen::bare(
        SMALL,
        Options {
            vim: true,
            ..options()
        },
        Depth::True,
    );
    screen.indexed();
    screen.loaded();
    screen.text("one two");
    screen.keys(&["ctrl-j"]);
    screen.text("three");
    screen.keys(&["esc", "g", "g", "w", "v", "j"]);
    let looks = screen.looks();
    assert!(looks.contains("❯ one two\na.....SSSS"), "{looks}");
    assert!(looks.contains("  three\n..SSSSS"), "{looks}");
    assert!(looks.contains("visual"), "{looks}");
}
