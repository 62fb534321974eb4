//! The list of conversations: found by title and text, looked into, renamed, deleted.

use super::super::blocks::block::Tone;
use super::super::command::{Command, IoCommand};
use super::super::key::{Code, Key};
use super::super::keymap::Action;
use super::super::overlay::{Confirm, Overlay, Picker, SessionPicker};
use super::super::state::State;
use crate::base::Failure;
use crate::base::text::{is_hostile, truncated};
use crate::jobs::session::SessionEntry;

/// Characters of a filter from which on the texts of sessions are looked through.
const LEAST_FILTER: usize = 2;
/// Bytes a title takes at most.
const MOST_TITLE: usize = 200;

/// Fills the list of sessions.
pub(super) fn listed(state: &mut State, result: Result<Vec<SessionEntry>, Failure>) {
    let Some(Overlay::Sessions(picker)) = &mut state.overlay else {
        return;
    };
    match result {
        Ok(entries) if entries.is_empty() => {
            state.overlay = None;
            state.toast(Tone::Plain, "there are no earlier conversations here");
        }
        Ok(entries) => {
            let (filter, cursor) = (std::mem::take(&mut picker.list.filter), picker.list.cursor);
            let at = picker.list.chosen().map(|entry| entry.id.clone());
            picker.list = Picker::new(entries);
            picker.list.filter = filter;
            show(picker);
            // One goes on where one was, or, where that is deleted, behind it.
            let place = picker.list.rows().position(|e| Some(&e.id) == at.as_ref());
            picker.list.step(place.unwrap_or(cursor) as isize, 1);
        }
        Err(failure) => {
            state.overlay = None;
            state.fail(failure);
        }
    }
}

/// Shows the sessions whose title has the words of the filter, and those whose text has them.
fn show(picker: &mut SessionPicker) {
    let found = &picker.found;
    picker
        .list
        .show(|entry| &entry.title, |entry| found.contains_key(&entry.id));
}

/// Changes the filter, and has the texts of the sessions looked through for it.
pub(super) fn filter(
    picker: &mut SessionPicker,
    change: impl FnOnce(&mut String),
    out: &mut Vec<Command>,
) {
    change(&mut picker.list.filter);
    picker.found.clear();
    show(picker);
    look(picker, out);
}

/// Has the texts looked through, one search at a time: behind each comes that for what was typed
/// meanwhile.
fn look(picker: &mut SessionPicker, out: &mut Vec<Command>) {
    let words = picker.list.filter.trim();
    if picker.looking.is_none() && words.chars().count() >= LEAST_FILTER {
        let words = words.to_owned();
        picker.looking = Some(words.clone());
        out.push(Command::Io(IoCommand::FindSessions { words }));
    }
}

/// Takes in the sessions in whose texts words were found.
pub(super) fn found(
    state: &mut State,
    words: &str,
    result: Result<Vec<(String, String)>, Failure>,
    out: &mut Vec<Command>,
) {
    let Some(Overlay::Sessions(picker)) = &mut state.overlay else {
        return;
    };
    // An answer to a list that was closed and opened again is no answer to this one.
    if picker.looking.as_deref() != Some(words) {
        return;
    }
    picker.looking = None;
    if picker.list.filter.trim() != words {
        return look(picker, out);
    }
    match result {
        Ok(found) => {
            let at = picker.list.chosen().map(|entry| entry.id.clone());
            picker.found = found.into_iter().collect();
            show(picker);
            // The cursor stays on its session, though others have come above it.
            let place = picker.list.rows().position(|e| Some(&e.id) == at.as_ref());
            picker.list.cursor = place.unwrap_or(0);
        }
        Err(failure) => state.toast(Tone::Bad, failure.to_string()),
    }
}

/// Looks into the session at the cursor, begins a new title for it, or asks whether it is to be
/// deleted.
pub(super) fn act(state: &mut State, action: Action, out: &mut Vec<Command>) {
    let Some(Overlay::Sessions(picker)) = &mut state.overlay else {
        return;
    };
    let Some(entry) = picker.list.chosen().cloned() else {
        return;
    };
    match action {
        Action::LookInto => out.push(Command::Io(IoCommand::ShowSession { id: entry.id })),
        Action::RenameSession => picker.title = Some((entry.id, entry.title)),
        _ if state.session.as_ref() == Some(&entry.id) => {
            state.toast(Tone::Warning, "this one is open; /new begins another first");
        }
        _ => {
            let asked = Overlay::Confirm {
                question: format!("{:?} is deleted for good. Sure?", entry.title),
                about: Confirm::DeleteSession(entry.id),
            };
            if let Some(Overlay::Sessions(picker)) = state.overlay.replace(asked) {
                state.behind = Some(picker);
            }
        }
    }
}

/// Takes a key while a title is typed. False where none is.
pub(super) fn title_key(
    state: &mut State,
    key: Key,
    action: Option<Action>,
    out: &mut Vec<Command>,
) -> bool {
    let Some(Overlay::Sessions(picker)) = &mut state.overlay else {
        return false;
    };
    let Some((_, title)) = &mut picker.title else {
        return false;
    };
    if action == Some(Action::Choose) {
        // A title of the person's own stays.
        if rename(picker, out) == state.session && state.session.is_some() {
            state.log.named();
        }
    } else if key.code == Code::Backspace {
        title.pop();
    } else if key == Key::ctrl('u') {
        title.clear();
    } else if let Some(c) = key.typed()
        && title.len() < MOST_TITLE
        && !is_hostile(c)
    {
        title.push(c);
    }
    true
}

/// Pastes a line into the title. False where none is typed.
pub(super) fn title_paste(state: &mut State, line: &str) -> bool {
    let Some(Overlay::Sessions(SessionPicker {
        title: Some((_, title)),
        ..
    })) = &mut state.overlay
    else {
        return false;
    };
    title.push_str(truncated(line, MOST_TITLE.saturating_sub(title.len())));
    true
}

/// Gives the session the title that was typed; none leaves it as it is. Returns its id.
fn rename(picker: &mut SessionPicker, out: &mut Vec<Command>) -> Option<String> {
    let (id, title) = picker.title.take()?;
    let title = title.trim().to_owned();
    let known = picker.list.items.iter().find(|entry| entry.id == id);
    if title.is_empty() || known.is_some_and(|entry| entry.title == title) {
        return None;
    }
    out.push(Command::Io(IoCommand::RenameSession {
        id: id.clone(),
        title,
    }));
    out.push(Command::Io(IoCommand::ListSessions));
    Some(id)
}

/// Leaves the title as it was. False where none is typed.
pub(super) fn keep_title(state: &mut State) -> bool {
    match &mut state.overlay {
        Some(Overlay::Sessions(picker)) => picker.title.take().is_some(),
        _ => false,
    }
}

/// Shows a session that was looked into.
pub(super) fn shown(state: &mut State, result: Result<(String, String), Failure>) {
    match result {
        Ok((title, text)) => match state.overlay.take() {
            Some(Overlay::Sessions(picker)) => {
                state.behind = Some(picker);
                state.overlay = Some(Overlay::Text {
                    title,
                    text,
                    top: 0,
                });
            }
            // A list that was closed meanwhile waits for nothing.
            other => state.overlay = other,
        },
        Err(failure) => state.toast(Tone::Bad, failure.to_string()),
    }
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod tests;
