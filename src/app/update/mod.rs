//! What an event does: state and event to new state and commands.

mod compose;
mod job;
mod keys;
mod models;
mod mouse;
mod overlay;
mod panel;
mod patching;
mod reviewing;
mod scroll;
mod send;
mod slash;
mod stop;
mod world;

use super::block::{Block, BlockId, Body, Note, Tone};
use super::command::Command;
use super::message::{Event, Generation, Millis, Signal};
use super::state::{Focus, Options, State, Toast};
use crate::base::{Failure, RepoPath};
use crate::jobs::Mention;

/// Ctrl-C twice within this time ends.
pub const QUIT_MS: Millis = 2_000;
/// How long a toast stays.
const TOAST_MS: Millis = 3_500;

/// The state at the start, and what is to be done first.
pub fn start(options: Options, now: Millis) -> (State, Vec<Command>) {
    let mut commands = vec![
        Command::RefreshRepo,
        Command::Reindex { rebuild: false },
        Command::LoadModel {
            name: None,
            choose: false,
        },
        Command::ListThemes,
    ];
    if let Some(id) = &options.resume {
        commands.push(Command::LoadSession {
            id: (!id.is_empty()).then(|| id.clone()),
        });
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

/// Takes an event in. The commands are to be carried out in order.
pub fn update(state: &mut State, event: Event, now: Millis) -> Vec<Command> {
    state.now = state.now.max(now);
    let now = state.now;
    if state.toast.as_ref().is_some_and(|t| t.until <= now) {
        state.toast = None;
    }
    if state.armed_quit.is_some_and(|since| since + QUIT_MS <= now) {
        state.armed_quit = None;
    }
    let mut out = Vec::new();
    match event {
        Event::Key(key) => keys::key(state, key, &mut out),
        Event::Paste(text) => compose::paste(state, &text, &mut out),
        Event::Mouse(mouse) => mouse::mouse(state, &mouse, &mut out),
        Event::Resize { width, height } => {
            state.size = (width, height);
            state.selection = None;
        }
        Event::Focus(focus) => state.window_focus = focus,
        Event::Measured(layout) => scroll::measured(state, layout),
        Event::Tick => {}
        Event::Changed => {
            out.push(Command::Reindex { rebuild: false });
            out.push(Command::RefreshRepo);
        }
        Event::Index(event) => world::index(state, event, &mut out),
        Event::Engine(event) => world::engine(state, event, &mut out),
        Event::Models(result) => models::rows(state, result),
        Event::Pull(event) => world::pull(state, event, &mut out),
        Event::Job { generation, event } => job::event(state, generation, *event),
        Event::JobDone { generation, result } => job::done(state, generation, result, &mut out),
        Event::Preview { generation, result } => panel::previewed(state, generation, result),
        Event::Search { generation, result } => overlay::searched(state, generation, result),
        Event::Code {
            path,
            range,
            result,
        } => panel::code(state, path, range, result),
        Event::Applied { block, result } => patching::applied(state, block, result, &mut out),
        Event::Undone(result) => patching::undone(state, result, &mut out),
        Event::Checking { block, what } => patching::checking(state, block, what),
        Event::Checked { block, result } => patching::checked(state, block, result, &mut out),
        Event::EditorDone { purpose, result } => {
            patching::editor_done(state, &purpose, result, &mut out);
        }
        Event::Copied(result) => world::copied(state, result),
        Event::Sessions(result) => overlay::sessions(state, result),
        Event::SessionLoaded { id, result } => world::session(state, id, result, &mut out),
        Event::SaveFailed(failure) | Event::Warning(failure) => {
            state.push(Body::Error(failure));
        }
        Event::Written(result) => world::written(state, result),
        Event::Suggested { finding, change } => {
            reviewing::suggested(state, &finding, change, &mut out);
        }
        Event::InitWritten(result) => world::init_written(state, result, &mut out),
        Event::Doctor(result) => world::doctor(state, result),
        Event::ThemeSet(result) => world::theme_set(state, result),
        Event::Themes(names) => overlay::themes(state, names),
        Event::Repo { head, status } => {
            state.head = head;
            state.repo_status = status;
        }
        Event::Memory(bytes) => state.memory = bytes,
        Event::Sealed(sealed) => state.options.sealed = sealed,
        Event::Signal(signal) => match signal {
            Signal::Interrupt => stop::interrupt(state, &mut out),
            Signal::Terminate | Signal::Hangup => stop::quit(state, &mut out),
            Signal::Continue => out.push(Command::Redraw),
        },
    }
    // The popup belongs to who types.
    if state.focus != Focus::Composer {
        state.completion = None;
    }
    out
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

    /// A block's body, to be changed: its revision grows.
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
        self.toast = Some(Toast {
            text: text.into(),
            tone,
            until: self.now + TOAST_MS,
        });
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        self.push(Body::Error(failure));
    }

    pub(super) fn next_generation(&mut self) -> Generation {
        self.last_generation += 1;
        self.last_generation
    }

    /// Takes a mention in or out of a list; true if it is in it now.
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

/// A whole file as a mention.
fn whole(path: RepoPath) -> Mention {
    Mention { path, range: None }
}

#[cfg(test)]
#[path = "random_tests.rs"]
mod tests;
