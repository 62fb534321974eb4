//! Typing: the composer, its popup and its history.

use std::sync::Arc;

use super::super::blocks::block::Tone;
use super::super::command::{Command, Editable, EditorPurpose, IoCommand};
use super::super::editing::complete::{self, Offers, Subject, WIDE};
use super::super::editing::motion::Motion;
use super::super::editing::vim;
use super::super::key::Key;
use super::super::keymap::{Action, Place};
use super::super::overlay::{Overlay, Picker};
use super::super::state::{Composing, Focus, State};
use super::{scroll, send};
use crate::base::{OrBug as _, RepoPath};
use crate::index::Symbol;

/// Arguments of `/review` and their descriptions, for completion.
const REVIEWS: [(&str, &str); 4] = [
    ("staged", "what is staged (as without a word)"),
    ("unstaged", "what is changed and not staged"),
    ("HEAD", "the last commit"),
    ("main..HEAD", "a range of commits"),
];

/// Types a character into the composer. The blank that completion has put behind a word gives
/// way to what belongs to the word: lines behind `:`, and marks of the sentence.
pub(super) fn typed(state: &mut State, c: char) {
    let behind = state.blank.take() == Some(state.composer.cursor());
    if behind && matches!(c, ':' | ',' | ';' | '?' | ')') && state.composer.before().ends_with(' ')
    {
        state.composer.delete(Motion::Left);
    }
    state.composer.type_char(c);
    state.history.stop();
    changed(state);
}

/// Pastes a text into the overlay's filter, else into the composer.
pub(super) fn paste(state: &mut State, text: &str, out: &mut Vec<Command>) {
    if super::finding::paste(state, text) {
        return;
    }
    if state.overlay.is_some() {
        super::overlay::paste(state, text, out);
        return;
    }
    state.focus = Focus::Composer;
    let before = state.composer.pasted().len();
    state.composer.paste(text);
    if state.composer.pasted().len() > before {
        let keys = [Action::OpenPaste, Action::DeleteLeft].map(|action| state.keymap.hint(action));
        let [open, delete] = keys;
        state.toast(
            Tone::Plain,
            format!("{open} opens what was pasted, {delete} deletes it"),
        );
    }
    state.history.stop();
    state.completion = None;
    state.popup_closed = true;
}

/// Has the popup follow a text that has changed.
pub(super) fn changed(state: &mut State) {
    state.popup_closed = false;
    refresh(state);
}

/// Opens, narrows or closes the popup by what stands before the cursor.
pub(super) fn refresh(state: &mut State) {
    let before = state.completion.take();
    if state.popup_closed || !state.composing.is_request() {
        return;
    }
    // A popup for a long text would mean looking through it at every key.
    if state.composer.text().len() > 20_000 {
        return;
    }
    let models: Vec<(String, String)> = state
        .models
        .iter()
        .map(|row| (row.name.clone(), row.about.clone()))
        .collect();
    let held = [&state.pins, &state.drops].map(|list| super::files::held(list));
    let offers = Offers {
        places: &state.places,
        names: state.names_typed(),
        git: state.options.git,
        models: &models,
        themes: &state.themes,
        reviews: &REVIEWS,
        held: (&held[0], &held[1]),
    };
    let text = state.composer.text();
    state.completion = complete::complete(text, state.composer.cursor(), offers, before.as_ref());
}

/// Makes the list of files and folders that are offered.
pub(super) fn offer_places(state: &mut State) {
    state.places = state.files.places(&state.within);
}

/// Asks for the definitions that begin with what is typed behind `@`, once for each text.
pub(super) fn want_names(state: &mut State, out: &mut Vec<Command>) {
    let Some(typed) = complete::typed_name(state.composer.before()) else {
        return;
    };
    let closed = state.popup_closed || state.composing != Composing::Request;
    if closed || state.focus != Focus::Composer || state.awaited.names.as_deref() == Some(typed) {
        return;
    }
    state.awaited.names = Some(typed.to_owned());
    out.push(Command::Io(IoCommand::FindNames {
        typed: typed.to_owned(),
        within: state.within.clone(),
    }));
}

/// Asks for the lines that show what the row of the popup names, once for each row.
pub(super) fn want_shown(state: &mut State, out: &mut Vec<Command>) {
    let chosen = state.completion.as_ref().and_then(|popup| {
        let item = popup.items.get(popup.cursor)?;
        item.shows.clone()
    });
    let wide = state.size.0 >= WIDE;
    if let Some(lines) = chosen.filter(|_| wide)
        && state.awaited.shown.as_ref() != Some(&lines)
    {
        state.awaited.shown = Some(lines.clone());
        super::panel::want_code(state, lines, out);
    }
}

/// Takes the definitions that were found, if they are still asked for.
pub(super) fn names_found(state: &mut State, typed: String, found: Vec<(RepoPath, Symbol)>) {
    if state.awaited.names.as_deref() != Some(typed.as_str()) {
        return;
    }
    state.names = (typed, Arc::new(found));
    // Who has gone down the list keeps his row.
    let chosen = state.completion.as_ref().and_then(|popup| {
        let item = popup.items.get(popup.cursor);
        item.filter(|_| popup.cursor > 0).cloned()
    });
    if state.focus == Focus::Composer && state.overlay.is_none() {
        refresh(state);
    }
    if let (Some(popup), Some(chosen)) = (&mut state.completion, chosen)
        && let Some(at) = popup.items.iter().position(|item| *item == chosen)
    {
        popup.cursor = at;
    }
}

impl State {
    /// The definitions known for what is typed: those found for it, or for its beginning.
    fn names_typed(&self) -> &[(RepoPath, Symbol)] {
        let now = complete::typed_name(self.composer.before());
        match now {
            Some(now) if now == self.names.0 => &self.names.1,
            _ => &[],
        }
    }
}

/// Moves the popup's cursor, round at its ends.
pub(super) fn popup_move(state: &mut State, by: isize) {
    if let Some(popup) = &mut state.completion {
        let len = popup.items.len().max(1) as isize;
        popup.cursor = (popup.cursor as isize + by).rem_euclid(len) as usize;
    }
}

/// Takes the row under the cursor. By Enter a command that takes nothing is sent at once, and
/// a word that is there already is no reason not to send.
pub(super) fn accept(state: &mut State, by_enter: bool, out: &mut Vec<Command>) {
    let Some(popup) = state.completion.take() else {
        return;
    };
    let Some(item) = popup.items.get(popup.cursor) else {
        return;
    };
    let there = state
        .composer
        .text()
        .get(popup.range.clone())
        .or_bug("the popup is of another text")
        .trim_end()
        .to_owned();
    let whole = complete::is_whole(&there, &item.insert);
    // Nothing is typed and nothing chosen: Enter sends the command as it is.
    let bare = popup.subject == Subject::Path && there.is_empty() && popup.cursor == 0;
    // Nor is a file meant that only has the letters of what is typed, unless it was gone to.
    let typed = there.trim_matches('"').to_lowercase();
    let scattered = popup.subject == Subject::Path
        && popup.cursor == 0
        && !item.label.to_lowercase().contains(&typed);
    if by_enter && (bare || scattered) {
        send::send(state, out);
        return;
    }
    state.popup_closed = whole;
    if !(by_enter && whole) {
        let mut insert = item.insert.as_str();
        if state.composer.after().starts_with(' ') {
            insert = insert.trim_end();
        }
        state.composer.replace(popup.range.clone(), insert);
        state.history.stop();
        state.blank = insert.ends_with(' ').then(|| state.composer.cursor());
    }
    let done = !item.insert.ends_with(' ');
    if by_enter && (whole || (popup.subject == Subject::Command && done)) {
        send::send(state, out);
    } else if popup.subject == Subject::Command || !whole && item.insert.ends_with('/') {
        // What the command takes, or what lies in the folder.
        changed(state);
    }
}

/// Takes a key for vim's normal mode, or Esc out of its insert mode. False where vim is off or
/// does not know the key.
pub(super) fn vim_key(state: &mut State, key: Key) -> bool {
    if state.composer.mode().is_none() {
        return false;
    }
    // Keys that scroll, stop and send stay as they are: vim takes letters, and Esc.
    let bound = state.keymap.action(Place::Composer, key);
    let runs = state.job.as_ref().is_some_and(|job| !job.stopping) || !state.queue.is_empty();
    if bound == Some(Action::Stop) && runs {
        return false;
    }
    // Esc leaves the text alone in normal mode, and still closes what is open.
    let open = state.selection.is_some()
        || state.cursor.is_some()
        || state.composing != Composing::Request;
    if bound == Some(Action::Stop) && open && state.composer.mode() == Some(vim::Mode::Normal) {
        return false;
    }
    let before = state.composer.revision();
    match vim::key(&mut state.composer, key, bound) {
        vim::Outcome::Taken => {
            if state.composer.revision() != before {
                state.history.stop();
            }
            state.completion = None;
            true
        }
        vim::Outcome::Rows { by, history } => {
            rows(state, by, history);
            true
        }
        vim::Outcome::Absent(words) => {
            state.toast(Tone::Warning, words);
            true
        }
        vim::Outcome::Not => false,
    }
}

/// Moves the cursor so many rows, into the history beyond the ends if that is meant.
fn rows(state: &mut State, by: isize, history: bool) {
    if history {
        return if by < 0 { up(state) } else { down(state) };
    }
    let width = width(state);
    for _ in 0..by.unsigned_abs() {
        let moved = if by < 0 {
            state.composer.up(width)
        } else {
            state.composer.down(width)
        };
        if !moved {
            break;
        }
    }
}

/// Does an action of the composer.
pub(super) fn act(state: &mut State, action: Action, out: &mut Vec<Command>) {
    let empty = state.composer.is_empty();
    match action {
        Action::Send => send::send(state, out),
        Action::Complete if empty => match state.open_patch() {
            Some(patch) => {
                state.focus = Focus::Patch(patch);
                scroll::show(state, patch);
            }
            None => scroll::answer(state, -1),
        },
        Action::Complete => complete_word(state, out),
        Action::HistorySearch => search_history(state),
        Action::Editor => open_editor(state, out),
        Action::Up => up(state),
        Action::Down => down(state),
        Action::LineStart if empty => scroll::to_top(state),
        Action::LineEnd if empty => scroll::to_bottom(state),
        Action::Left => go(state, Motion::Left),
        Action::Right => go(state, Motion::Right),
        Action::WordLeft => go(state, Motion::WordLeft),
        Action::WordRight => go(state, Motion::WordRight),
        Action::LineStart => go(state, Motion::LineStart),
        Action::LineEnd => go(state, Motion::LineEnd),
        Action::TextStart => go(state, Motion::TextStart),
        Action::TextEnd => go(state, Motion::TextEnd),
        _ => change(state, action),
    }
}

fn go(state: &mut State, motion: Motion) {
    state.composer.go(motion);
    refresh(state);
}

/// Opens the popup, also where Esc closed it.
fn complete_word(state: &mut State, out: &mut Vec<Command>) {
    state.popup_closed = false;
    refresh(state);
    // One candidate needs no choice.
    if state
        .completion
        .as_ref()
        .is_some_and(|p| p.items.len() == 1)
    {
        accept(state, false, out);
    }
}

fn search_history(state: &mut State) {
    let mut picker = Picker::new(state.history.matching(state.composer.text()));
    picker.filter = state.composer.text().to_owned();
    state.overlay = Some(Overlay::History(picker));
    state.completion = None;
}

fn open_editor(state: &mut State, out: &mut Vec<Command>) {
    let before = state.composer.written_out(state.composer.before());
    let line = before.matches('\n').count() + 1;
    out.push(Command::OpenEditor {
        purpose: EditorPurpose::Composer,
        editable: Editable::Text {
            text: state.composer.whole(),
            name: "question.md".to_owned(),
            line: line as u32,
        },
    });
}

/// The columns the composer wraps at; before the first drawing, what will be about right.
fn width(state: &State) -> u16 {
    match state.layout.composer_width {
        0 => state.size.0.saturating_sub(3),
        width => width,
    }
}

/// Moves a row up; on the first row, back in the history.
fn up(state: &mut State) {
    let width = width(state);
    if (state.history.is_walking() && state.composer.on_first_line() || !state.composer.up(width))
        && let Some(text) = state.history.older(&state.composer.whole())
    {
        recall(state, &text);
    }
}

/// Moves a row down; on the last row, forward in the history.
fn down(state: &mut State) {
    let width = width(state);
    if (state.history.is_walking() && state.composer.on_last_line() || !state.composer.down(width))
        && let Some(text) = state.history.newer()
    {
        recall(state, &text);
    }
}

/// Does an action that changes the text.
fn change(state: &mut State, action: Action) {
    let composer = &mut state.composer;
    match action {
        Action::NewLine => composer.type_char('\n'),
        Action::OpenPaste => drop(composer.open_paste()),
        Action::DeleteLeft => composer.delete(Motion::Left),
        Action::DeleteRight => composer.delete(Motion::Right),
        Action::KillWordLeft => composer.kill(Motion::WordLeft),
        Action::KillWordRight => composer.kill(Motion::WordRight),
        Action::KillToStart => composer.kill(Motion::LineStart),
        Action::KillToEnd => composer.kill(Motion::LineEnd),
        Action::Yank => composer.yank(),
        Action::UndoTyping => drop(composer.undo()),
        Action::RedoTyping => drop(composer.redo()),
        _ => return,
    }
    state.history.stop();
    changed(state);
}

fn recall(state: &mut State, text: &str) {
    state.composer.set(text);
    state.completion = None;
    state.popup_closed = true;
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "popup_tests.rs"]
mod popup_tests;
