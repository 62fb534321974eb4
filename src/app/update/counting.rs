//! The tokens of what is typed: counted by the model's own tokenizer on its thread, one text at a
//! time, and estimated meanwhile.

use super::super::blocks::block::{Pasted, Tone};
use super::super::command::Command;
use super::super::editing::pastes::{Paste, estimate};
use super::super::event::EngineFacts;
use super::super::state::{EngineState, State};
use crate::base::Failure;
use crate::jobs::fold::too_long;

/// Bytes from which on a text's tokens are worth a word.
const LEAST: usize = 600;
/// Bytes of texts that are counted; those of a longer one are estimated.
const MOST: usize = 200_000;

/// Counts of the composer's text.
#[derive(Debug, Clone, Default)]
pub(in crate::app) struct Counting {
    /// The revision of the text that is being counted, and the pastes that are with it, each with
    /// its bytes.
    asked: Option<(u64, Vec<(usize, usize)>)>,
    /// The revision that was counted last: its bytes and tokens.
    known: Option<(u64, usize, usize)>,
}

impl State {
    /// The tokens of what is typed, where there is much of it; true if they were counted.
    pub fn composer_tokens(&self) -> Option<(usize, bool)> {
        let bytes = self.composer.whole_len();
        if bytes < LEAST {
            return None;
        }
        Some(match self.counting.known {
            Some((revision, _, tokens)) if revision == self.composer.revision() => (tokens, true),
            // A text has about as many tokens for its bytes as it had a moment ago.
            Some((_, known, tokens)) if known > 0 => (
                (bytes as f64 / known as f64 * tokens as f64).round() as usize,
                false,
            ),
            _ => (estimate(bytes), false),
        })
    }
}

/// Has the text counted, if it has changed and nothing is being counted.
pub(super) fn follow(state: &mut State, out: &mut Vec<Command>) {
    let revision = state.composer.revision();
    let is_known = state
        .counting
        .known
        .is_some_and(|(known, ..)| known == revision);
    let ready = matches!(state.engine, EngineState::Ready(_));
    if is_known || state.counting.asked.is_some() || !ready {
        return;
    }
    let bytes = state.composer.whole_len();
    if !(LEAST..=MOST).contains(&bytes) {
        return;
    }
    let pastes = state.composer.uncounted();
    let mut texts = vec![state.composer.whole()];
    texts.extend(pastes.iter().map(|(_, paste)| paste.text.clone()));
    let pastes = pastes.iter().map(|(at, paste)| (*at, paste.text.len()));
    let pastes = pastes.collect();
    state.counting.asked = Some((revision, pastes));
    out.push(Command::CountTokens { texts });
}

/// Takes the counts.
pub(super) fn counted(state: &mut State, bytes: usize, tokens: &[usize]) {
    let Some((revision, pastes)) = state.counting.asked.take() else {
        return;
    };
    let Some((whole, rest)) = tokens.split_first() else {
        // One that could not be counted is not asked for again at once.
        state.counting.known = Some((revision, bytes, estimate(bytes)));
        return;
    };
    state.counting.known = Some((revision, bytes, *whole));
    for ((paste, bytes), tokens) in pastes.iter().zip(rest) {
        state.composer.counted((*paste, *bytes), *tokens);
    }
}

/// Forgets the counts: another model counts otherwise.
pub(super) fn forget(state: &mut State) {
    state.counting.known = None;
}

/// The failure for a text that is longer than the model takes, before it is sent.
pub(super) fn is_too_long(state: &State) -> Option<Failure> {
    let EngineState::Ready(EngineFacts { context, .. }) = &state.engine else {
        return None;
    };
    let (tokens, exact) = state.composer_tokens()?;
    let room = context.saturating_sub(context / 16);
    // An estimate may be half as much again.
    let least = if exact { tokens } else { tokens * 2 / 3 };
    (*context > 0 && least > room).then(|| too_long((tokens, exact), room, *context))
}

/// Refuses a text that is too long: it stays in the composer, and why stands above, once.
pub(super) fn refuse(state: &mut State, failure: Failure) {
    let said = state.blocks.last().map(|block| &block.body);
    if !matches!(said, Some(super::Body::Error(said)) if *said == failure) {
        state.fail(failure);
    }
    state.toast(Tone::Warning, "the message is too long and was not sent");
    super::scroll::to_bottom(state);
}

/// The places of long pastes in a text that is sent.
pub(super) fn places(text: &str, pastes: &[Paste]) -> Vec<Pasted> {
    let mut from = 0;
    let mut places = Vec::new();
    for paste in pastes {
        // The ends of the whole text are trimmed.
        let wanted = paste.text.trim();
        let found = text.get(from..).and_then(|rest| rest.find(wanted));
        let Some(at) = found.map(|at| from + at) else {
            continue;
        };
        from = at + wanted.len();
        places.push(Pasted {
            at,
            len: wanted.len(),
            of: text.len(),
            lines: paste.lines,
            tokens: paste.tokens.unwrap_or_else(|| estimate(paste.text.len())),
        });
    }
    places
}

#[cfg(test)]
#[path = "counting_tests.rs"]
mod tests;
