//! Updates: state and event to new state and commands.

mod back;
mod checking;
mod committing;
mod compose;
pub(super) mod counting;
mod files;
mod finding;
mod folding;
mod job;
mod keys;
mod look;
mod models;
mod mouse;
mod notice;
mod overlay;
mod palette;
mod panel;
mod patching;
mod reviewing;
mod scroll;
mod send;
mod sessions;
mod settings;
mod slash;
mod stop;
mod undoing;
mod world;

use super::blocks::block::{Block, BlockId, Body, Note, Tone};
use super::command::{Command, IoCommand};
use super::event::{Event, Generation, Millis, Signal};
use super::log;
use super::state::{Focus, Options, State, Toast};
use crate::base::{Failure, RepoPath};
use crate::jobs::Mention;

pub use committing::Commit;
pub(super) use reviewing::report;

/// Two Ctrl-C within this time end the program.
pub const QUIT_MS: Millis = 2_000;
/// Time a toast stays.
const TOAST_MS: Millis = 3_500;
/// Characters of a toast that are read in that time, and the time for each one more.
const TOAST_READ: (usize, Millis) = (60, 40);

/// Makes the state at the start, and the first commands.
pub fn start(options: Options, now: Millis) -> (State, Vec<Command>) {
    let mut commands = vec![
        Command::Io(IoCommand::RefreshRepo),
        Command::Reindex { rebuild: false },
        Command::LoadModel {
            name: None,
            choose: false,
        },
        Command::ListThemes,
        // So that a slip in a name is told before the model in use is let go.
        Command::Io(IoCommand::ListModels),
    ];
    if let Some(id) = &options.resume {
        commands.push(Command::Io(IoCommand::LoadSession {
            id: (!id.is_empty()).then(|| id.clone()),
        }));
    }
    let (_, troubles) = super::Keymap::with(&options.keys);
    let mut state = State::new(options);
    state.now = now;
    state.push(Body::Welcome);
    for trouble in troubles {
        state.push(Body::Error(trouble));
    }
    (state, commands)
}

/// Takes an event into the state. The commands are to be carried out in order.
pub fn update(state: &mut State, event: Event, now: Millis) -> Vec<Command> {
    state.now = state.now.max(now);
    let now = state.now;
    if state.toast.as_ref().is_some_and(|t| t.until <= now) {
        state.toast = None;
    }
    if state.armed_quit.is_some_and(|since| since + QUIT_MS <= now) {
        state.armed_quit = None;
    }
    if state
        .branches
        .armed
        .is_some_and(|since| since + QUIT_MS <= now)
    {
        state.branches.armed = None;
    }
    let mut out = Vec::new();
    take(state, event, &mut out);
    finding::heal(state);
    // The popup is the composer's: it closes when the keys go elsewhere.
    if state.focus != Focus::Composer {
        state.completion = None;
    }
    counting::follow(state, &mut out);
    compose::want_names(state, &mut out);
    compose::want_shown(state, &mut out);
    log::write(state, &mut out);
    out
}

/// Dispatches an event to the module it concerns.
#[allow(clippy::too_many_lines, reason = "a table")]
fn take(state: &mut State, event: Event, out: &mut Vec<Command>) {
    match event {
        Event::Key(key) => keys::key(state, key, out),
        Event::Paste(text) => compose::paste(state, &text, out),
        Event::Mouse(mouse) => mouse::mouse(state, &mouse, out),
        Event::Resize { width, height } => {
            state.size = (width, height);
            state.selection = None;
        }
        Event::Focus(focus) => state.window_focus = focus,
        Event::Measured(layout) => {
            scroll::measured(state, layout);
            finding::seek(state);
        }
        Event::Tick => {}
        Event::Changed => {
            out.push(Command::Reindex { rebuild: false });
            out.push(Command::Io(IoCommand::RefreshRepo));
        }
        Event::Index(event) => world::index(state, event),
        Event::Engine(event) => world::engine(state, event, out),
        Event::Models(result) => models::rows(state, result),
        Event::Pull(event) => world::pull(state, event, out),
        Event::Job { generation, event } => job::event(state, generation, *event),
        Event::JobDone { generation, result } => job::done(state, generation, result, out),
        Event::Preview { generation, result } => panel::previewed(state, generation, result),
        Event::Names { typed, found } => compose::names_found(state, typed, found),
        Event::Search { generation, result } => overlay::searched(state, generation, result),
        Event::Code {
            path,
            range,
            result,
        } => panel::code(state, path, range, result),
        Event::Applied { block, result } => patching::applied(state, block, result, out),
        Event::Undone(result) => undoing::undone(state, result, out),
        Event::UndoAsked { last, age } => undoing::undo_asked(state, &last, age),
        Event::Staged { block, result } => committing::staged(state, block, result, out),
        Event::CommitPlanned { block, result } => committing::planned(state, block, result, out),
        Event::Committing { block, what } => committing::goes_on(state, block, Some(what)),
        Event::Committed { block, result } => committing::committed(state, block, result, out),
        Event::Checking { block, what } => checking::checking(state, block, what),
        Event::Checked { block, result } => checking::checked(state, block, result, out),
        Event::EditorDone { purpose, result } => {
            patching::editor_done(state, &purpose, result, out);
        }
        Event::Counted { bytes, tokens } => counting::counted(state, bytes, &tokens),
        Event::Copied(result) => world::copied(state, result),
        Event::Sessions(result) => sessions::listed(state, result),
        Event::SessionShown(result) => sessions::shown(state, result),
        Event::SessionsFound { words, result } => sessions::found(state, &words, result, out),
        Event::SessionBegun(id) => state.session = Some(id),
        Event::SessionLoaded { id, result } => world::session(state, id, result, out),
        Event::SaveFailed(failure) | Event::Warning(failure) => state.fail(failure),
        Event::LogFailed(failure) => world::log_failed(state, failure),
        Event::Written(result) => world::written(state, result),
        Event::Suggested { finding, change } => {
            reviewing::suggested(state, &finding, change, out);
        }
        Event::InitWritten(result) => world::init_written(state, result, out),
        Event::Doctor(result) => world::doctor(state, result),
        Event::ThemeSet(result) => world::theme_set(state, result),
        Event::Settings(result) => settings::listed(state, result),
        Event::SettingSaved { name, result } => settings::saved(state, &name, result, out),
        Event::Themes(names) => overlay::themes(state, names),
        Event::Repo { head, status } => {
            state.head = head;
            state.repo_status = status;
        }
        Event::Memory(bytes) => state.memory = bytes,
        Event::Sealed(sealed) => state.options.sealed = sealed,
        Event::Signal(signal) => heed(state, signal, out),
    }
}

/// Does what a signal of the operating system asks for.
fn heed(state: &mut State, signal: Signal, out: &mut Vec<Command>) {
    match signal {
        Signal::Interrupt => stop::interrupt(state, out),
        Signal::Terminate | Signal::Hangup => stop::quit(state, out),
        Signal::Continue => out.push(Command::Redraw),
    }
}

impl State {
    /// Adds a block to the transcript.
    pub(super) fn push(&mut self, body: Body) -> BlockId {
        self.last_block += 1;
        let id = BlockId(self.last_block);
        self.blocks.push(Block {
            id,
            revision: 0,
            body,
        });
        id
    }

    /// Returns a block's body, to be changed: its revision grows.
    pub(super) fn body_mut(&mut self, id: BlockId) -> Option<&mut Body> {
        let index = self.index_of(id)?;
        let block = self.blocks.get_mut(index)?;
        block.revision += 1;
        Some(&mut block.body)
    }

    pub(super) fn note(&mut self, tone: Tone, text: impl Into<String>) -> BlockId {
        self.push(Body::Note(Note {
            text: text.into(),
            tone,
        }))
    }

    pub(super) fn toast(&mut self, tone: Tone, text: impl Into<String>) {
        let text = text.into();
        let (read, each) = TOAST_READ;
        let more = text.chars().count().saturating_sub(read) as Millis * each;
        self.toast = Some(Toast {
            text,
            tone,
            until: self.now + TOAST_MS + more,
        });
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        self.push(Body::Error(failure));
    }

    pub(super) fn next_generation(&mut self) -> Generation {
        self.last_generation += 1;
        self.last_generation
    }

    /// Takes a mention into a list, or out of it if there; true if it is in it now.
    pub(super) fn toggle(list: &mut Vec<Mention>, mention: Mention) -> bool {
        let before = list.len();
        list.retain(|other| other.path != mention.path);
        if list.len() < before {
            return false;
        }
        list.push(mention);
        true
    }
}

/// Makes a mention of a whole file.
fn whole(path: RepoPath) -> Mention {
    Mention { path, range: None }
}

#[cfg(test)]
#[path = "random_tests.rs"]
mod tests;
