//! Tests of the form of settings.

use crate::app::overlay::{Overlay, SettingEntry, SettingsForm};
use crate::app::sample::{Harness, has};
use crate::app::settings::{Settings, keys, settings};
use crate::app::{Command, Event, IoCommand};
use crate::base::{Config, Failure};

/// The settings that a file of that text gives.
fn told(text: &str) -> Settings {
    let mut config = Config::default();
    let file = std::path::Path::new("/home/me/config.toml");
    let wrong = config.add_user_text(text, file);
    assert!(wrong.is_empty(), "{wrong:?}");
    let mut rows = settings(&config, &["dark".to_owned(), "light".to_owned()]);
    rows.extend(keys(&config));
    Settings {
        rows,
        keys: config.keys.value,
        file: file.display().to_string(),
        trouble: None,
    }
}

fn opened() -> Harness {
    let mut harness = Harness::ready();
    let out = harness.send("/settings");
    assert!(has!(out, Command::Io(IoCommand::ListSettings)));
    harness.event(Event::Settings(Ok(told("threads = 2\n"))));
    harness
}

fn form(harness: &Harness) -> &SettingsForm {
    match &harness.state.overlay {
        Some(Overlay::Settings(form)) => form,
        other => panic!("{other:?}"),
    }
}

/// The setting and value that are to be written.
fn asked(out: &[Command]) -> Option<(String, Option<String>)> {
    out.iter().find_map(|command| match command {
        Command::Io(IoCommand::SaveSetting { name, value }) => Some((name.clone(), value.clone())),
        _ => None,
    })
}

#[test]
fn a_number_is_typed_refused_with_words_and_written() {
    let mut harness = opened();
    harness.type_text("threads");
    assert_eq!(
        form(&harness).list.chosen().expect("a row").told.name,
        "threads"
    );
    harness.press("enter");
    harness.type_text("x");
    let out = harness.press("enter");
    assert_eq!(asked(&out), Some(("threads".into(), Some("2x".into()))));
    harness.event(Event::SettingSaved {
        name: "threads".into(),
        result: Err(Failure::config("threads takes a number")),
    });
    let change = form(&harness).change.as_ref().expect("it goes on");
    assert_eq!(change.wrong.as_deref(), Some("threads takes a number"));
    harness.press("backspace");
    harness.press("backspace");
    harness.event(Event::Paste("8".into()));
    let out = harness.press("enter");
    assert_eq!(asked(&out), Some(("threads".into(), Some("8".into()))));
    harness.event(Event::SettingSaved {
        name: "threads".into(),
        result: Ok(told("threads = 8\n")),
    });
    assert!(form(&harness).change.is_none());
    assert_eq!(harness.toast(), "threads = 8, from the next start");
    let row = form(&harness).list.chosen().expect("the cursor stays");
    assert_eq!(
        (row.told.name.as_str(), row.told.value.as_str()),
        ("threads", "8")
    );
}

#[test]
fn a_flag_is_switched_and_vim_counts_at_once() {
    let mut harness = opened();
    harness.type_text("vim");
    let out = harness.press("enter");
    assert_eq!(asked(&out), Some(("vim".into(), Some("true".into()))));
    harness.event(Event::SettingSaved {
        name: "vim".into(),
        result: Ok(told("vim = true\n")),
    });
    assert_eq!(harness.toast(), "vim = true, from now on");
    assert!(harness.state.composer.mode().is_some());
}

#[test]
fn a_choice_is_taken_from_its_list_and_drawn_at_once() {
    let mut harness = opened();
    harness.type_text("theme");
    harness.press("enter");
    let change = form(&harness).change.as_ref().expect("a list");
    let SettingEntry::Chosen(list) = &change.entry else {
        panic!("{change:?}");
    };
    assert_eq!(list.items, ["auto", "dark", "light"]);
    harness.type_text("lig");
    let out = harness.press("enter");
    assert_eq!(asked(&out), Some(("theme".into(), Some("light".into()))));
    let out = harness.event(Event::SettingSaved {
        name: "theme".into(),
        result: Ok(told("theme = \"light\"\n")),
    });
    assert!(has!(out, Command::SetTheme { keep: false, .. }));
    harness.event(Event::ThemeSet(Ok("light".into())));
    assert_eq!(harness.state.options.theme, "light");
}

#[test]
fn keys_count_at_once_and_delete_takes_them_back() {
    let mut harness = opened();
    harness.type_text("keys.send");
    harness.press("enter");
    harness.press("ctrl-u");
    harness.type_text("ctrl-s");
    let out = harness.press("enter");
    assert_eq!(
        asked(&out),
        Some(("keys.send".into(), Some("ctrl-s".into())))
    );
    harness.event(Event::SettingSaved {
        name: "keys.send".into(),
        result: Ok(told("keys.send = [\"ctrl-s\"]\n")),
    });
    assert_eq!(
        harness.state.keymap.hint(crate::app::Action::Send),
        "Ctrl-S"
    );
    let out = harness.press("delete");
    assert_eq!(asked(&out), Some(("keys.send".into(), None)));
    harness.event(Event::SettingSaved {
        name: "keys.send".into(),
        result: Ok(told("")),
    });
    assert_eq!(harness.state.keymap.hint(crate::app::Action::Send), "Enter");
    assert!(
        harness.toast().starts_with("keys.send is taken out"),
        "{}",
        harness.toast()
    );
}

#[test]
fn esc_leaves_the_value_and_then_the_form() {
    let mut harness = opened();
    harness.type_text("threads");
    harness.press("enter");
    harness.press("esc");
    assert!(form(&harness).change.is_none());
    harness.press("esc");
    assert!(harness.state.overlay.is_none());
    // What comes late opens nothing.
    harness.event(Event::Settings(Ok(told(""))));
    assert!(harness.state.overlay.is_none());
}
