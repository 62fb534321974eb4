//! Keys and lists of the overlay: help, texts, choices, confirmations.

use super::super::blocks::block::Tone;
use super::super::command::{Command, Editable, EditorPurpose, IoCommand, WriteCommand};
use super::super::editing::places::mention_text;
use super::super::event::Generation;
use super::super::help as help_lines;
use super::super::key::{Code, Key};
use super::super::keymap::{Action, Place};
use super::super::overlay::{Confirm, Overlay, Picker, SessionPicker, SettingChange, SettingEntry};
use super::super::state::{Focus, State};
use super::{back, committing, finding, models, palette, sessions, settings, slash, stop};
use crate::base::Failure;
use crate::base::text::truncated;
use crate::index::Hit;

/// Bytes a filter takes at most.
const MOST_FILTER: usize = 500;

/// Takes a key while there is an overlay.
pub(super) fn key(state: &mut State, key: Key, out: &mut Vec<Command>) {
    let action = state.keymap.action(Place::Overlay, key);
    match action {
        Some(Action::Stop) if sessions::keep_title(state) => return,
        Some(Action::Stop) if settings::key(state, key, action, out) => return,
        Some(Action::Stop) => return close(state, out),
        Some(Action::Interrupt) => return stop::interrupt(state, out),
        Some(Action::Redraw) => return out.push(Command::Redraw),
        Some(Action::Suspend) => return out.push(Command::Suspend),
        _ => {}
    }
    if sessions::title_key(state, key, action, out) || settings::key(state, key, action, out) {
        return;
    }
    match &state.overlay {
        Some(Overlay::Confirm { .. }) => {
            if action == Some(Action::Choose) || matches!(key.code, Code::Char('y' | 'Y')) {
                choose(state, out);
            } else if matches!(key.code, Code::Char('n' | 'N' | 'q')) {
                close(state, out);
            }
        }
        Some(Overlay::Help { .. } | Overlay::Text { .. }) => text_key(state, key, action, out),
        Some(_) => list_key(state, key, action, out),
        None => {}
    }
}

fn text_key(state: &mut State, key: Key, action: Option<Action>, out: &mut Vec<Command>) {
    let page = isize::from(state.layout.overlay_rows.max(2) as i16) - 1;
    match (action, key.code) {
        (Some(Action::OverlayUp), _) | (_, Code::Char('k')) => scroll(state, -1),
        (Some(Action::OverlayDown), _) | (_, Code::Char('j')) => scroll(state, 1),
        (Some(Action::PageUp), _) => scroll(state, -page),
        (Some(Action::PageDown), _) | (_, Code::Char(' ')) => scroll(state, page),
        (Some(Action::OverlayTop), _) | (_, Code::Char('g')) => scroll(state, isize::MIN),
        (Some(Action::OverlayBottom), _) | (_, Code::Char('G')) => scroll(state, isize::MAX),
        (Some(Action::Find), _) | (_, Code::Char('/')) => finding::begin(state),
        (_, Code::Char('y')) => {
            if let Some(Overlay::Text { text, .. }) = &state.overlay {
                out.push(Command::Copy(text.clone()));
            }
        }
        (Some(Action::Choose), _) | (_, Code::Char('q' | '?')) => close(state, out),
        (Some(Action::Help), _) => close(state, out),
        _ => {}
    }
}

/// Scrolls the overlay's text, or moves its list's cursor.
pub(super) fn scroll(state: &mut State, by: isize) {
    let rows = usize::from(state.layout.overlay_rows.max(1));
    let help = help_lines::lines(&state.keymap, state.focused_place()).len();
    let measured = state.layout.overlay_total as usize;
    match &mut state.overlay {
        Some(Overlay::Help { top }) => {
            *top = top
                .saturating_add_signed(by)
                .min(measured.max(help).saturating_sub(rows));
        }
        Some(Overlay::Text { top, text, .. }) => {
            let lines = if measured > 0 {
                measured
            } else {
                text.lines().count()
            };
            *top = top
                .saturating_add_signed(by)
                .min(lines.saturating_sub(rows));
        }
        Some(Overlay::Models(picker)) => picker.list.step(by, rows),
        Some(Overlay::Sessions(picker)) => picker.list.step(by, rows),
        Some(Overlay::Themes(picker)) => picker.step(by, rows),
        Some(Overlay::Search(picker)) => picker.step(by, rows),
        Some(Overlay::Back(picker)) => picker.step(by, rows),
        Some(Overlay::Settings(form)) => match &mut form.change {
            None => form.list.step(by, rows),
            Some(SettingChange {
                entry: SettingEntry::Chosen(list),
                ..
            }) => list.step(by, rows),
            Some(_) => {}
        },
        Some(Overlay::Palette(picker)) => picker.step(by, rows),
        Some(Overlay::History(picker)) => picker.step(by, rows),
        Some(Overlay::Confirm { .. }) | None => {}
    }
}

/// Brings a row of the text into view, with a few above it.
pub(super) fn reveal(state: &mut State, line: usize) {
    let rows = usize::from(state.layout.overlay_rows.max(1));
    if let Some(Overlay::Help { top } | Overlay::Text { top, .. }) = &mut state.overlay
        && !(*top..*top + rows).contains(&line)
    {
        *top = line.saturating_sub(rows / 3);
        scroll(state, 0);
    }
}

fn list_key(state: &mut State, key: Key, action: Option<Action>, out: &mut Vec<Command>) {
    let page = isize::from(state.layout.overlay_rows.max(2) as i16) - 1;
    let digit = key.typed().and_then(|c| c.to_digit(10)).filter(|d| *d > 0);
    match (action, digit) {
        (Some(Action::OverlayUp), _) => go(state, -1, out),
        (Some(Action::OverlayDown), _) => go(state, 1, out),
        (Some(Action::PageUp), _) => go(state, -page, out),
        (Some(Action::PageDown), _) => go(state, page, out),
        (Some(Action::OverlayTop), _) => go(state, isize::MIN, out),
        (Some(Action::OverlayBottom), _) => go(state, isize::MAX, out),
        (Some(Action::Choose), _) => choose(state, out),
        (Some(action @ (Action::LookInto | Action::RenameSession | Action::DeleteSession)), _) => {
            sessions::act(state, action, out);
        }
        (Some(action @ (Action::AnswerAnew | Action::OtherModel | Action::ForkHere)), _) => {
            back::act(state, action, out);
        }
        (_, Some(digit)) if at_models(state) => {
            if let Some(Overlay::Models(picker)) = &mut state.overlay
                && (digit as usize) <= picker.list.shown.len()
            {
                picker.list.cursor = digit as usize - 1;
                choose(state, out);
            }
        }
        _ => {
            if key.code == Code::Char('@') && matches!(state.overlay, Some(Overlay::Search(_))) {
                mention_hit(state);
            } else if key.code == Code::Backspace {
                filter(state, out, |filter| {
                    filter.pop();
                });
            } else if key == Key::ctrl('u') {
                filter(state, out, String::clear);
            } else if let Some(c) = key.typed() {
                filter(state, out, |filter| {
                    if filter.len() < MOST_FILTER && !crate::base::text::is_hostile(c) {
                        filter.push(c);
                    }
                });
            }
        }
    }
}

fn at_models(state: &State) -> bool {
    matches!(&state.overlay, Some(Overlay::Models(picker)) if picker.list.filter.is_empty())
}

/// Moves the list's cursor; a theme is shown at once.
pub(super) fn go(state: &mut State, by: isize, out: &mut Vec<Command>) {
    scroll(state, by);
    preview_theme(state, out);
}

fn preview_theme(state: &mut State, out: &mut Vec<Command>) {
    if let Some(Overlay::Themes(picker)) = &state.overlay
        && let Some(name) = picker.chosen()
    {
        out.push(Command::SetTheme {
            name: name.clone(),
            keep: false,
        });
    }
}

/// Pastes a text into the filter.
pub(super) fn paste(state: &mut State, text: &str, out: &mut Vec<Command>) {
    let line = super::super::editing::composer::clean(text).replace(['\n', '\t'], " ");
    if sessions::title_paste(state, &line) || settings::paste(state, &line) {
        return;
    }
    filter(state, out, |filter| {
        let room = MOST_FILTER.saturating_sub(filter.len());
        filter.push_str(truncated(&line, room));
    });
}

fn filter(state: &mut State, out: &mut Vec<Command>, change: impl FnOnce(&mut String)) {
    match &mut state.overlay {
        Some(Overlay::Models(picker)) => {
            picker.list.narrow(change, |row| &row.name);
        }
        Some(Overlay::Sessions(picker)) => sessions::filter(picker, change, out),
        Some(Overlay::Back(picker)) => picker.narrow(change, |row| &row.text),
        Some(Overlay::Palette(picker)) => picker.narrow(change, |item| &item.text),
        Some(Overlay::Settings(form)) => settings::filter(form, change),
        Some(Overlay::Themes(picker)) => {
            picker.narrow(change, |name| name);
            preview_theme(state, out);
        }
        Some(Overlay::Search(picker)) => {
            change(&mut picker.filter);
            let query = picker.filter.clone();
            let generation = state.next_generation();
            state.awaited.search = Some(generation);
            if let Some(Overlay::Search(picker)) = &mut state.overlay {
                picker.loading = true;
            }
            out.push(Command::Io(IoCommand::Search {
                generation,
                query,
                top: 50,
                within: state.within.clone(),
            }));
        }
        Some(Overlay::History(picker)) => {
            change(&mut picker.filter);
            let items = state.history.matching(&picker.filter);
            let filter = std::mem::take(&mut picker.filter);
            *picker = Picker::new(items);
            picker.filter = filter;
        }
        Some(Overlay::Confirm { .. } | Overlay::Help { .. } | Overlay::Text { .. }) | None => {}
    }
}

impl<T> Picker<T> {
    pub(super) fn step(&mut self, by: isize, rows: usize) {
        let last = self.shown.len().saturating_sub(1);
        self.cursor = self.cursor.saturating_add_signed(by).min(last);
        self.top = self
            .top
            .min(self.cursor)
            .max((self.cursor + 1).saturating_sub(rows));
    }

    pub(super) fn narrow(
        &mut self,
        change: impl FnOnce(&mut String),
        text: impl Fn(&T) -> &String,
    ) {
        change(&mut self.filter);
        self.show(text, |_| false);
    }

    /// Shows the items in whose text all words of the filter stand, and those that are `taken`.
    pub(super) fn show(&mut self, text: impl Fn(&T) -> &String, taken: impl Fn(&T) -> bool) {
        let words: Vec<String> = self
            .filter
            .split_whitespace()
            .map(str::to_lowercase)
            .collect();
        let passes = |item: &T| {
            let text = text(item).to_lowercase();
            words.iter().all(|word| text.contains(word.as_str())) || taken(item)
        };
        let items = self.items.iter().enumerate();
        self.shown = items
            .filter_map(|(at, item)| passes(item).then_some(at))
            .collect();
        self.cursor = 0;
        self.top = 0;
    }
}

/// Closes the overlay, as if it had not been opened.
pub(super) fn close(state: &mut State, out: &mut Vec<Command>) {
    match state.overlay.take() {
        Some(Overlay::Themes(_)) => {
            out.push(Command::SetTheme {
                name: state.options.theme.clone(),
                keep: false,
            });
        }
        Some(Overlay::Models(picker)) => {
            state.branches.with_model = None;
            if picker.first {
                state.toast(Tone::Plain, "/models opens the choice of a model again");
            }
        }
        Some(Overlay::Search(_)) => state.awaited.search = None,
        // Whoever looked into one conversation, or was asked about it, goes on looking.
        Some(Overlay::Text { .. } | Overlay::Confirm { .. }) => {
            state.branches.with_model = None;
            state.overlay = state.behind.take().map(Overlay::Sessions)
        }
        _ => {}
    }
}

/// Opens help.
pub(super) fn help(state: &mut State) {
    state.completion = None;
    state.overlay = Some(Overlay::Help { top: 0 });
}

/// Takes the row at the cursor, or says yes.
pub(super) fn choose(state: &mut State, out: &mut Vec<Command>) {
    if matches!(state.overlay, Some(Overlay::Back(_))) {
        return back::act(state, Action::Choose, out);
    }
    if matches!(state.overlay, Some(Overlay::Settings(_))) {
        return settings::choose(state, out);
    }
    match state.overlay.take() {
        Some(Overlay::Models(picker)) => match picker.list.chosen().cloned() {
            Some(row) => models::take_row(state, row, out),
            None => state.overlay = Some(Overlay::Models(picker)),
        },
        Some(Overlay::Sessions(picker)) => {
            if let Some(entry) = picker.list.chosen() {
                slash::resume(state, Some(entry.id.clone()), out);
            }
        }
        Some(Overlay::Themes(picker)) => {
            // Where the filter leaves no theme, the one in use stays.
            let name = picker.chosen().unwrap_or(&state.options.theme).clone();
            out.push(Command::SetTheme { name, keep: true });
        }
        Some(Overlay::Search(picker)) => match picker.chosen() {
            Some(hit) => {
                out.push(Command::OpenEditor {
                    purpose: EditorPurpose::Look,
                    editable: Editable::File {
                        path: hit.path.clone(),
                        line: hit.range.start(),
                    },
                });
                state.overlay = Some(Overlay::Search(picker));
            }
            None => state.overlay = Some(Overlay::Search(picker)),
        },
        Some(Overlay::Palette(picker)) => {
            if let Some(item) = picker.chosen() {
                palette::run(state, item.run, out);
            }
        }
        Some(Overlay::History(picker)) => {
            if let Some(text) = picker.chosen() {
                state.composer.set(text);
                state.history.stop();
                state.focus = Focus::Composer;
                state.popup_closed = true;
            }
        }
        Some(Overlay::Confirm { about, .. }) => confirmed(state, about, out),
        Some(
            Overlay::Back(_) | Overlay::Settings(_) | Overlay::Help { .. } | Overlay::Text { .. },
        )
        | None => {}
    }
}

/// Does what was asked about.
fn confirmed(state: &mut State, about: Confirm, out: &mut Vec<Command>) {
    match about {
        Confirm::Quit => stop::quit(state, out),
        Confirm::New { private } => slash::begin_anew(state, private, out),
        Confirm::Resume(id) => out.push(Command::Io(IoCommand::LoadSession { id })),
        Confirm::DeleteSession(id) => {
            out.push(Command::Io(IoCommand::RemoveSession { id }));
            let picker = state.behind.take().unwrap_or_else(SessionPicker::loading);
            state.overlay = Some(Overlay::Sessions(picker));
            out.push(Command::Io(IoCommand::ListSessions));
        }
        Confirm::Undo(record) => out.push(Command::Write(WriteCommand::UndoRecord(record))),
        Confirm::CommitPart => committing::message(state, out),
        Confirm::LoadAnyway(name) => models::load(state, &name, out),
        Confirm::PullAnyway(name) => models::pull(state, &name, out),
    }
}

fn mention_hit(state: &mut State) {
    let Some(Overlay::Search(picker)) = &state.overlay else {
        return;
    };
    let Some(hit) = picker.chosen() else { return };
    let mention = mention_text(&hit.path);
    let text = format!("{}:{} ", mention.trim_end(), hit.range);
    state.overlay = None;
    state.awaited.search = None;
    state.focus = Focus::Composer;
    if state
        .composer
        .before()
        .chars()
        .next_back()
        .is_some_and(|c| !c.is_whitespace())
    {
        state.composer.type_char(' ');
    }
    state.composer.paste(&text);
}

// ----- lists that have come

/// Opens the choice of a theme.
pub(super) fn open_themes(state: &mut State, out: &mut Vec<Command>) {
    let mut picker = Picker::new(state.themes.clone());
    picker.loading = state.themes.is_empty();
    // The theme in use may have been removed, or the list has not come yet.
    let current = state.options.theme.as_str();
    picker.cursor = picker.items.iter().position(|t| t == current).unwrap_or(0);
    state.overlay = Some(Overlay::Themes(picker));
    out.push(Command::ListThemes);
}

/// Takes the names of the themes, and fills their list if it is open.
pub(super) fn themes(state: &mut State, names: Vec<String>) {
    if let Some(Overlay::Themes(picker)) = &mut state.overlay
        && picker.items != names
    {
        // The theme in use may have been removed.
        let at = names.iter().position(|name| *name == state.options.theme);
        *picker = Picker::new(names.clone());
        picker.cursor = at.unwrap_or(0);
    }
    state.themes = names;
}

/// Fills the list of places found.
pub(super) fn searched(
    state: &mut State,
    generation: Generation,
    result: Result<Vec<Hit>, Failure>,
) {
    if state.awaited.search != Some(generation) {
        return;
    }
    state.awaited.search = None;
    let Some(Overlay::Search(picker)) = &mut state.overlay else {
        return;
    };
    match result {
        Ok(hits) => {
            let filter = std::mem::take(&mut picker.filter);
            *picker = Picker::new(hits);
            picker.filter = filter;
        }
        Err(failure) => {
            state.overlay = None;
            state.fail(failure);
        }
    }
}

#[cfg(test)]
#[path = "overlay_tests.rs"]
mod tests;
