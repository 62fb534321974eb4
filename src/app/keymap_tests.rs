//! Tests of the table of keys and the user's own.

use super::*;
use crate::app::help;
use crate::app::key::Code;

fn with(bindings: &[(&str, &[&str])]) -> (Keymap, Vec<String>) {
    let own = bindings
        .iter()
        .map(|(name, keys)| {
            let keys = keys.iter().map(|key| (*key).to_owned()).collect();
            ((*name).to_owned(), keys)
        })
        .collect();
    let (keymap, troubles) = Keymap::with(&own);
    let told = troubles.iter().map(|failure| {
        let hint = failure.next_step().unwrap_or("");
        format!("{failure} {hint}")
    });
    (keymap, told.collect())
}

fn key(text: &str) -> Key {
    Key::parse(text).expect("a key")
}

#[test]
fn the_table_holds_together() {
    for (i, entry) in TABLE.iter().enumerate() {
        assert!(
            !entry.about.is_empty() && !entry.keys.is_empty(),
            "{}",
            entry.name
        );
        assert!(TABLE[..i].iter().all(|other| other.name != entry.name));
        for text in entry.keys {
            let key = Key::parse(text).unwrap_or_else(|| panic!("{text} is no key"));
            let taken = Keymap::default().action(entry.place, key);
            assert_eq!(
                taken,
                Some(entry.action),
                "{text} of {} is taken",
                entry.name
            );
        }
    }
}

#[test]
fn every_key_of_the_design_is_bound() {
    use Action::*;
    let keymap = Keymap::default();
    for (place, text, action) in [
        (Place::Composer, "enter", Send),
        (Place::Composer, "shift-enter", NewLine),
        (Place::Composer, "alt-enter", NewLine),
        (Place::Composer, "ctrl-j", NewLine),
        (Place::Composer, "up", Up),
        (Place::Composer, "ctrl-r", HistorySearch),
        (Place::Composer, "ctrl-g", Editor),
        (Place::Composer, "tab", Complete),
        (Place::Composer, "pgup", PageUp),
        (Place::Composer, "pgdn", PageDown),
        (Place::Composer, "home", LineStart),
        (Place::Composer, "end", LineEnd),
        (Place::Composer, "ctrl-l", Redraw),
        (Place::Composer, "ctrl-o", TogglePanel),
        (Place::Composer, "esc", Stop),
        (Place::Composer, "ctrl-c", Interrupt),
        (Place::Transcript, "[", PreviousAnswer),
        (Place::Transcript, "]", NextAnswer),
        (Place::Transcript, "y", CopyBlock),
        (Place::Patch, "a", Accept),
        (Place::Patch, "r", Reject),
        (Place::Patch, "A", AcceptAll),
        (Place::Patch, "e", EditFile),
        (Place::Patch, "c", RunCheck),
        (Place::Patch, "n", NextHunk),
        (Place::Patch, "p", PreviousHunk),
        (Place::Patch, "enter", Apply),
        (Place::Review, "enter", OpenFinding),
        (Place::Review, "f", Fix),
        (Place::Review, "d", Dismiss),
        (Place::Review, "a", AskAbout),
        (Place::Review, "w", WriteReport),
        (Place::Panel, "x", PanelDrop),
        (Place::Panel, "p", PanelPin),
    ] {
        assert_eq!(
            keymap.action(place, key(text)),
            Some(action),
            "{text} in {place:?}"
        );
    }
}

#[test]
fn the_users_keys_take_the_place_of_the_defaults() {
    let (keymap, troubles) = with(&[("send", &["ctrl-s", "alt-s"])]);
    assert!(troubles.is_empty());
    assert_eq!(
        keymap.action(Place::Composer, key("ctrl-s")),
        Some(Action::Send)
    );
    assert_eq!(keymap.action(Place::Composer, key("enter")), None);
    assert_eq!(keymap.hint(Action::Send), "Ctrl-S");
    let (keymap, _) = with(&[("send", &[])]);
    assert!(keymap.keys(Action::Send).is_empty());
}

#[test]
fn a_default_on_the_same_key_gives_way() {
    let (keymap, troubles) = with(&[("yank", &["ctrl-k"])]);
    assert!(troubles.is_empty());
    assert_eq!(
        keymap.action(Place::Composer, key("ctrl-k")),
        Some(Action::Yank)
    );
    assert!(
        keymap.keys(Action::KillToEnd).is_empty(),
        "help must not name it"
    );
}

#[test]
fn what_is_bound_everywhere_holds_where_a_default_was() {
    let (keymap, troubles) = with(&[("panel", &["ctrl-g"])]);
    assert!(troubles.is_empty());
    assert_eq!(
        keymap.action(Place::Composer, key("ctrl-g")),
        Some(Action::TogglePanel)
    );
    assert!(keymap.keys(Action::Editor).is_empty());
    // The user's own binding of one place still goes before it.
    let (keymap, _) = with(&[("panel", &["ctrl-g"]), ("send", &["ctrl-g"])]);
    assert_eq!(
        keymap.action(Place::Composer, key("ctrl-g")),
        Some(Action::Send)
    );
    assert_eq!(
        keymap.action(Place::Patch, key("ctrl-g")),
        Some(Action::TogglePanel)
    );
}

#[test]
fn conflicts_and_slips_are_told_and_change_nothing() {
    let (_, troubles) = with(&[("send", &["ctrl-s"]), ("new-line", &["ctrl-s"])]);
    assert_eq!(troubles.len(), 1);
    assert!(
        troubles[0].contains("Ctrl-S is bound to both"),
        "{troubles:?}"
    );
    let (_, troubles) = with(&[("snd", &["ctrl-s"])]);
    assert!(
        troubles[0].contains("did you mean `keys.send`?"),
        "{troubles:?}"
    );
    let (_, troubles) = with(&[("frobnicate", &["ctrl-s"])]);
    assert!(!troubles[0].contains("did you mean"), "{troubles:?}");
    let (keymap, troubles) = with(&[("send", &["ctrl-s", "ctrl-entr"])]);
    assert!(
        troubles[0].contains("did you mean `enter`?"),
        "{troubles:?}"
    );
    assert_eq!(
        keymap.action(Place::Composer, key("enter")),
        Some(Action::Send)
    );
    assert_eq!(keymap.action(Place::Composer, key("ctrl-s")), None);
}

#[test]
fn help_lists_what_the_keymap_says() {
    let (keymap, _) = with(&[("send", &["ctrl-s"]), ("yank", &["ctrl-k"])]);
    let lines = help::lines(&keymap, Place::Composer);
    let left = |about: &str| {
        lines.iter().find_map(|line| match line {
            help::HelpLine::Entry { left, right } if right == about => Some(left.clone()),
            _ => None,
        })
    };
    assert_eq!(left("send").as_deref(), Some("Ctrl-S"));
    assert_eq!(
        left("cut to the end of the line").as_deref(),
        Some("(no key)")
    );
    let entries = lines
        .iter()
        .filter(|line| matches!(line, help::HelpLine::Entry { .. }));
    assert_eq!(
        entries.count(),
        TABLE.len()
            + crate::app::slash::TABLE.len()
            + help::MENTIONS.len()
            + crate::app::editing::vim::KEYS.len()
    );
    let hints = help::hints(&keymap, Place::Composer);
    assert_eq!(hints[0], ("Ctrl-S".to_owned(), "send"));
}

#[test]
fn keys_are_read_as_they_are_shown() {
    for entry in TABLE {
        for text in entry.keys {
            let key = key(text);
            assert_eq!(Key::parse(&key.to_string()), Some(key), "{key}");
        }
    }
    for (text, code) in [
        ("ctrl--", Code::Char('-')),
        ("f12", Code::F(12)),
        ("S-Tab", Code::Tab),
    ] {
        assert_eq!(Key::parse(text).map(|key| key.code), Some(code), "{text}");
    }
    for text in ["", "ctrl-", "hyper-x", "f25", "entre", "ab"] {
        assert_eq!(Key::parse(text), None, "{text}");
    }
    assert_eq!(key("shift-a"), Key::char('A'));
    assert_eq!(key("Ctrl-X"), Key::ctrl('x'));
}
