//! The settings in a form: looked through, changed one by one, taken back.

use super::super::blocks::block::Tone;
use super::super::command::{Command, IoCommand};
use super::super::key::{Code, Key};
use super::super::keymap::{Action, Keymap};
use super::super::overlay::{
    Overlay, Picker, SettingChange, SettingEntry, SettingRow, SettingsForm,
};
use super::super::settings::{Settings, Told};
use super::super::state::State;
use crate::base::Failure;
use crate::base::config::Origin;
use crate::base::text::{is_hostile, truncated};

/// Bytes a value that is typed takes at most.
const MOST_VALUE: usize = 2_000;

/// Opens the form. The settings are read anew each time: the file is the user's.
pub(super) fn open(state: &mut State, out: &mut Vec<Command>) {
    state.completion = None;
    state.overlay = Some(Overlay::Settings(SettingsForm {
        list: Picker::loading(),
        file: String::new(),
        trouble: None,
        change: None,
    }));
    out.push(Command::Io(IoCommand::ListSettings));
}

/// Takes the settings that were read.
pub(super) fn listed(state: &mut State, result: Result<Settings, Failure>) {
    match result {
        Ok(settings) => fill(state, settings),
        Err(failure) => {
            if matches!(state.overlay, Some(Overlay::Settings(_))) {
                state.overlay = None;
            }
            state.fail(failure);
        }
    }
}

/// Fills the form, the cursor where it was.
fn fill(state: &mut State, settings: Settings) {
    let Some(Overlay::Settings(form)) = &mut state.overlay else {
        return;
    };
    let at = form.list.chosen().map(|row| row.told.name.clone());
    let (filter, top) = (std::mem::take(&mut form.list.filter), form.list.top);
    let rows = settings.rows.into_iter().map(|told| SettingRow {
        text: format!("{} {} {}", told.name, told.value, told.help),
        told,
    });
    form.list = Picker::new(rows.collect());
    form.list.filter = filter;
    form.list.show(|row| &row.text, |_| false);
    let cursor = form
        .list
        .rows()
        .position(|row| Some(&row.told.name) == at.as_ref());
    form.list.cursor = cursor.unwrap_or(0);
    form.list.top = top;
    form.file = settings.file;
    form.trouble = settings.trouble;
}

fn form(state: &mut State) -> Option<&mut SettingsForm> {
    match &mut state.overlay {
        Some(Overlay::Settings(form)) => Some(form),
        _ => None,
    }
}

/// Takes a key of the form that is none of every list. False for the others.
pub(super) fn key(
    state: &mut State,
    key: Key,
    action: Option<Action>,
    out: &mut Vec<Command>,
) -> bool {
    let rows = usize::from(state.layout.overlay_rows.max(1));
    let Some(form) = form(state) else {
        return false;
    };
    let Some(change) = &mut form.change else {
        if action == Some(Action::DeleteSession) {
            take_back(state, out);
            return true;
        }
        return false;
    };
    match (&mut change.entry, action) {
        (_, Some(Action::Stop)) => form.change = None,
        (SettingEntry::Typed(text), Some(Action::Choose)) => {
            let value = text.clone();
            save(&change.name, Some(value), out);
        }
        (SettingEntry::Chosen(list), Some(Action::Choose)) => {
            if let Some(value) = list.chosen().cloned() {
                save(&change.name, Some(value), out);
            }
        }
        (SettingEntry::Chosen(list), Some(Action::OverlayUp)) => list.step(-1, rows),
        (SettingEntry::Chosen(list), Some(Action::OverlayDown)) => list.step(1, rows),
        (SettingEntry::Chosen(list), Some(Action::OverlayTop)) => list.step(isize::MIN, rows),
        (SettingEntry::Chosen(list), Some(Action::OverlayBottom)) => list.step(isize::MAX, rows),
        _ => typed(change, key),
    }
    true
}

/// Types into the value, or into the filter of its choices.
fn typed(change: &mut SettingChange, key: Key) {
    let edit = |text: &mut String| {
        if key.code == Code::Backspace {
            text.pop();
        } else if key == Key::ctrl('u') {
            text.clear();
        } else if let Some(c) = key.typed().filter(|c| !is_hostile(*c))
            && text.len() < MOST_VALUE
        {
            text.push(c);
        }
    };
    change.wrong = None;
    match &mut change.entry {
        SettingEntry::Typed(text) => edit(text),
        SettingEntry::Chosen(list) => list.narrow(edit, |choice| choice),
    }
}

/// Pastes into the value that is typed. False where none is.
pub(super) fn paste(state: &mut State, line: &str) -> bool {
    let Some(change) = form(state).and_then(|form| form.change.as_mut()) else {
        return false;
    };
    let put = |text: &mut String| {
        text.push_str(truncated(line, MOST_VALUE.saturating_sub(text.len())));
    };
    change.wrong = None;
    match &mut change.entry {
        SettingEntry::Typed(text) => put(text),
        SettingEntry::Chosen(list) => list.narrow(put, |choice| choice),
    }
    true
}

/// Narrows the list by what is typed.
pub(super) fn filter(form: &mut SettingsForm, change: impl FnOnce(&mut String)) {
    form.list.narrow(change, |row| &row.text);
}

/// Changes the setting at the cursor: what is on goes off, a choice opens its list, the rest is
/// typed.
pub(super) fn choose(state: &mut State, out: &mut Vec<Command>) {
    let Some(form) = form(state) else { return };
    let Some(told) = form.list.chosen().map(|row| &row.told) else {
        return;
    };
    let now = told.as_typed();
    if told.is_flag() {
        let other = if now == "true" { "false" } else { "true" };
        return save(&told.name, Some(other.to_owned()), out);
    }
    let entry = if told.choices.is_empty() {
        SettingEntry::Typed(now)
    } else {
        let mut list = Picker::new(told.choices.clone());
        list.cursor = told.choices.iter().position(|c| *c == now).unwrap_or(0);
        SettingEntry::Chosen(list)
    };
    form.change = Some(SettingChange {
        name: told.name.clone(),
        entry,
        wrong: None,
    });
}

fn save(name: &str, value: Option<String>, out: &mut Vec<Command>) {
    let name = name.to_owned();
    out.push(Command::Io(IoCommand::SaveSetting { name, value }));
}

/// Takes the setting at the cursor out of the user's file.
fn take_back(state: &mut State, out: &mut Vec<Command>) {
    let chosen = form(state).and_then(|form| form.list.chosen());
    if let Some(row) = chosen {
        let name = row.told.name.clone();
        save(&name, None, out);
    }
}

/// Takes what became of a change. What can be in force at once is; of the rest it is said.
pub(super) fn saved(
    state: &mut State,
    name: &str,
    result: Result<Settings, Failure>,
    out: &mut Vec<Command>,
) {
    let settings = match result {
        Ok(settings) => settings,
        Err(failure) => return refused(state, name, &failure),
    };
    if let Some(form) = form(state) {
        form.change = None;
    }
    let told = settings.rows.iter().find(|told| told.name == name).cloned();
    if name.starts_with("keys.") {
        state.options.keys.clone_from(&settings.keys);
        state.keymap = Keymap::with(&state.options.keys).0;
    }
    fill(state, settings);
    let Some(told) = told else { return };
    let at_once = name.starts_with("keys.") || in_force(state, &told, out);
    let value = if told.value.is_empty() {
        "not set".to_owned()
    } else {
        format!("{name} = {}", told.value)
    };
    let when = if at_once {
        "from now on"
    } else {
        "from the next start"
    };
    match &told.origin {
        Origin::Environment(_) | Origin::CommandLine | Origin::Repo(..) => {
            let text = format!("written; in force stays {value}: {}", told.origin);
            state.toast(Tone::Warning, text);
        }
        Origin::Default | Origin::Kept(_) => {
            let text = format!("{name} is taken out: {value}, {when}");
            state.toast(Tone::Good, text);
        }
        Origin::User(..) => state.toast(Tone::Good, format!("{value}, {when}")),
    }
}

/// Has a setting in force at once, where that can be. False for those that count from the next
/// start.
fn in_force(state: &mut State, told: &Told, out: &mut Vec<Command>) -> bool {
    let value = told.as_typed();
    match told.name.as_str() {
        // The terminal is asked for its colours before the screen begins only.
        "theme" if value != "auto" => {
            out.push(Command::SetTheme {
                name: value,
                keep: false,
            });
            true
        }
        "vim" => {
            let on = value == "true";
            state.options.vim = on;
            state.composer.set_vim(on);
            true
        }
        _ => false,
    }
}

/// Says why a value is not taken, where it is typed.
fn refused(state: &mut State, name: &str, failure: &Failure) {
    let hint = failure.next_step().map(|hint| format!(": {hint}"));
    let text = format!("{failure}{}", hint.unwrap_or_default());
    if let Some(change) = form(state).and_then(|form| form.change.as_mut())
        && change.name == name
    {
        change.wrong = Some(text);
        return;
    }
    state.toast(Tone::Warning, text);
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
