//! What an event does: state and event to new state and commands.

use super::command::Command;
use super::message::{Event, Millis};
use super::state::{Options, State};

/// Ctrl-C twice within this time ends.
pub const QUIT_MS: Millis = 2_000;

/// The state at the start, and what is to be done first.
pub fn start(options: Options, now: Millis) -> (State, Vec<Command>) {
    let _ = now;
    (State::new(options), Vec::new())
}

/// Takes an event in. The commands are to be carried out in order.
pub fn update(state: &mut State, event: Event, now: Millis) -> Vec<Command> {
    let _ = event;
    state.now = now;
    Vec::new()
}
