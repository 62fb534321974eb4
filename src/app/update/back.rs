//! Going back: an earlier question is asked again, and the conversation parts there.

use std::borrow::Cow;

use super::super::blocks::block::{Block, BlockId, Body, JobKind, Phase, Tone};
use super::super::blocks::patch_block::PatchState;
use super::super::branches::{BackTo, Branch};
use super::super::command::{Command, IoCommand};
use super::super::keymap::Action;
use super::super::log::{self, Log};
use super::super::overlay::{Overlay, Picker};
use super::super::state::{Composing, Focus, State};
use super::{models, scroll, send, slash, world};
use crate::jobs::Fold;
use crate::jobs::session::line;

/// The beginning of the word that a branch begins.
const BEGINS: &str = "a branch begins";

/// Does Esc where nothing is left to stop: the second one opens the choice of a question.
pub(super) fn escape(state: &mut State) {
    scroll::to_bottom(state);
    if state.branches.armed.take().is_some() {
        return open(state);
    }
    if !state.back_rows().is_empty() {
        state.branches.armed = Some(state.now);
        state.toast(
            Tone::Plain,
            "Esc once more goes back to an earlier question",
        );
        if let Some(toast) = &mut state.toast {
            toast.until = state.now + super::QUIT_MS;
        }
    }
}

/// Opens the choice of an earlier question, at the last one.
pub(super) fn open(state: &mut State) {
    let rows = state.back_rows();
    let Some(last) = rows.len().checked_sub(1) else {
        return state.toast(Tone::Plain, "nothing has been asked yet");
    };
    state.completion = None;
    state.toast = None;
    let mut picker = Picker::new(rows);
    let seen = usize::from(state.layout.overlay_rows.max(1));
    picker.step(last as isize, seen.max(5));
    state.overlay = Some(Overlay::Back(picker));
}

/// Does with the row at the cursor as the action says; choosing it puts the question into the
/// composer.
pub(super) fn act(state: &mut State, action: Action, out: &mut Vec<Command>) {
    let Some(Overlay::Back(picker)) = &state.overlay else {
        return;
    };
    let Some(to) = picker.chosen().map(|row| row.to) else {
        return;
    };
    state.overlay = None;
    match (to, action) {
        (BackTo::Branch(at), Action::Choose) => return_to(state, at, out),
        (BackTo::Branch(_), _) => {
            open(state);
            state.toast(Tone::Plain, "Enter goes back to this branch");
        }
        (BackTo::Question(block, _), Action::Choose) => edit(state, block),
        (BackTo::Question(block, _), Action::AnswerAnew) => anew(state, block, out),
        (BackTo::Question(block, _), Action::OtherModel) => {
            if free(state) {
                state.branches.with_model = Some(block);
                models::open_models(state, false, out);
            }
        }
        (BackTo::Question(block, _), _) => fork(state, block, out),
    }
}

/// Puts a question into the composer, to be changed and sent again.
fn edit(state: &mut State, block: BlockId) {
    let Some((at, turn)) = asked(state, block) else {
        return;
    };
    let Some(typed) = turn.typed().map(Cow::into_owned) else {
        return;
    };
    let pastes: Vec<String> = turn
        .pastes
        .iter()
        .filter(|paste| paste.of == turn.text.len())
        .filter_map(|paste| turn.text.get(paste.at..paste.at + paste.len))
        .map(str::to_owned)
        .collect();
    let shown = state.blocks.get(at).map(|block| block.id);
    if let Composing::Remark { .. } = state.composing {
        super::patching::end_remark(state);
    }
    if state.composing == Composing::Request {
        state.draft = state.composer.take();
    }
    state.composing = Composing::Again { block };
    state.focus = Focus::Composer;
    state.composer.set("");
    let mut rest = typed.as_str();
    for paste in &pastes {
        if let Some((before, after)) = rest.split_once(paste.as_str()) {
            state.composer.replace(end(state)..end(state), before);
            state.composer.paste(paste);
            rest = after;
        }
    }
    state.composer.replace(end(state)..end(state), rest);
    state.popup_closed = true;
    if let Some(id) = shown {
        scroll::show(state, id);
        super::job::mark(state, id);
    }
}

fn end(state: &State) -> usize {
    state.composer.text().len()
}

/// Leaves a question as it was: the text goes into the history, and what was being typed before
/// comes back.
pub(super) fn leave(state: &mut State) {
    let text = state.composer.whole();
    state.history.add(&text);
    state.history.stop();
    state.cursor = None;
    super::patching::end_remark(state);
    super::compose::changed(state);
}

/// Parts the conversation before a question that is about to be sent again. False where that
/// cannot be done now; the person was told.
pub(super) fn part_before(state: &mut State, block: BlockId, out: &mut Vec<Command>) -> bool {
    let Some((at, turn)) = asked(state, block) else {
        // It went with a conversation that was left: there is nothing to part.
        return true;
    };
    let words = line(&turn.text);
    if !free(state) {
        return false;
    }
    part(state, at, out);
    told(state, &format!("before “{words}”"));
    true
}

/// Answers a question anew, with another seed or by the model that is loaded now.
pub(super) fn anew(state: &mut State, block: BlockId, out: &mut Vec<Command>) {
    let Some((_, turn)) = asked(state, block) else {
        return;
    };
    let Some(text) = turn.typed().map(Cow::into_owned) else {
        return;
    };
    let again = turn.reseed + 1;
    let stays = state.branches.stays.take();
    if !part_before(state, block, out) {
        return;
    }
    if let Some(stays) = stays {
        state.note(Tone::Plain, stays);
    }
    state.branches.reseed = again;
    send::dispatch(state, &text, out);
    state.branches.reseed = 0;
}

/// Answers the last question anew, by a model where one is named.
pub(super) fn anew_last(state: &mut State, model: &str, out: &mut Vec<Command>) {
    // Another version of a hunk is asked for where it belongs.
    let asked = state
        .blocks
        .iter()
        .rev()
        .find_map(|block| match &block.body {
            Body::User(turn) => Some(turn.typed().is_some()),
            _ => None,
        });
    if asked == Some(false) {
        let text = "the last request belongs to a hunk: ask again there; Esc Esc lists the others";
        return state.toast(Tone::Warning, text);
    }
    let last = state
        .back_rows()
        .into_iter()
        .rev()
        .find_map(|row| match row.to {
            BackTo::Question(block, _) => Some(block),
            BackTo::Branch(_) => None,
        });
    let Some(block) = last else {
        return state.toast(Tone::Plain, "nothing has been asked yet");
    };
    if model.is_empty() {
        return anew(state, block, out);
    }
    if !free(state) {
        return;
    }
    state.branches.with_model = Some(block);
    models::take_model(state, model, out);
    // A name of no model was told; a question is still to be answered.
    if state.overlay.is_none() {
        state.branches.with_model = None;
    }
}

/// Answers the question for which a model was chosen, once it is loaded or being loaded.
pub(super) fn chosen(state: &mut State, out: &mut Vec<Command>) -> bool {
    let Some(block) = state.branches.with_model.take() else {
        return false;
    };
    anew(state, block, out);
    true
}

/// The question that the next choice of a model answers anew, in a line.
pub(super) fn to_answer(state: &State) -> Option<String> {
    let (_, turn) = asked(state, state.branches.with_model?)?;
    Some(line(&turn.text))
}

/// Parts the conversation behind a question and its answer: one goes on from there, and what
/// follows stays in another branch.
fn fork(state: &mut State, block: BlockId, out: &mut Vec<Command>) {
    let Some((at, turn)) = asked(state, block) else {
        return;
    };
    let words = line(&turn.text);
    if !free(state) {
        return;
    }
    let is_next = |block: &Block| matches!(block.body, Body::User(_));
    let rest = state.blocks.iter().skip(at + 1);
    let next = rest.clone().position(is_next);
    let next = next.map_or(state.blocks.len(), |next| at + 1 + next);
    part(state, next, out);
    told(state, &format!("behind the answer to “{words}”"));
}

/// Parts the conversation behind its last answer.
pub(super) fn fork_here(state: &mut State, out: &mut Vec<Command>) {
    let begun = |block: &Block| matches!(block.body, Body::User(_));
    if !state.blocks.iter().any(begun) {
        return state.toast(Tone::Plain, "nothing has been asked yet");
    }
    if free(state) {
        part(state, state.blocks.len(), out);
        told(state, "here");
    }
}

/// Goes on with a branch that is in memory; the one that is left takes its place there.
fn return_to(state: &mut State, at: usize, out: &mut Vec<Command>) {
    if at >= state.branches.left.len() || !free(state) {
        return;
    }
    let branch = state.branches.left.remove(at);
    part(state, 0, out);
    for block in branch.blocks {
        state.push(block.body);
    }
    state.turns = branch.turns;
    state.fold = branch.fold;
    state.context_used = world::context_used(state);
}

/// The place and the request of a question's block.
fn asked(state: &State, block: BlockId) -> Option<(usize, super::super::UserTurn)> {
    let at = state.index_of(block)?;
    match &state.blocks.get(at)?.body {
        Body::User(turn) => Some((at, turn.clone())),
        _ => None,
    }
}

/// Tells whether the conversation can part now; else says why not.
fn free(state: &mut State) -> bool {
    let writes = |block: &Block| match &block.body {
        Body::Patch(patch) => patch.state == PatchState::Applying,
        _ => false,
    };
    if state.is_committing() || state.blocks.iter().any(writes) {
        state.toast(
            Tone::Warning,
            "a patch is being written; once more in a moment",
        );
        return false;
    }
    slash::idle(state)
}

/// Cuts the conversation off before block `at`; all of it stays as a branch, on disk or, where
/// nothing is kept there, in memory.
fn part(state: &mut State, at: usize, out: &mut Vec<Command>) {
    if state.checking.take().is_some() {
        out.push(Command::CancelCheck);
    }
    let begun = state
        .blocks
        .iter()
        .any(|block| matches!(block.body, Body::User(_)));
    if state.keeps() {
        state.log.retry();
        log::write(state, out);
    }
    if begun && (!state.keeps() || state.log.is_failing()) {
        state.branches.left.push(Branch {
            blocks: state.blocks.clone(),
            turns: state.turns.clone(),
            fold: state.fold.clone(),
        });
    }
    let turns = turns_before(state, at);
    let pulling = state.pulling;
    let cut: Vec<Block> = state.blocks.drain(at..).collect();
    // What is being fetched goes on in this branch.
    state
        .blocks
        .extend(cut.into_iter().filter(|block| Some(block.id) == pulling));
    state.turns.truncate(turns);
    if !state.fold.is_of(&state.turns) {
        state.fold = fold_of(state);
    }
    if state.keeps() && begun {
        state.branches.of = state.session.take().or(state.branches.of.take());
        state.log = Log::default();
        out.push(Command::Io(IoCommand::NewSession));
    }
    state.context_used = world::context_used(state);
    state.preview = None;
    state.selection = None;
    if let Some(panel) = &mut state.panel {
        (panel.cursor, panel.top) = (0, 0);
    }
    scroll::leave(state);
    scroll::to_bottom(state);
}

/// Turns of the conversation before block `at`.
fn turns_before(state: &State, at: usize) -> usize {
    let rest = state.blocks.get(at..).unwrap_or(&[]);
    let known = rest.iter().find_map(|block| match &block.body {
        Body::User(turn) => Some(turn.before),
        _ => None,
    });
    match known {
        None => state.turns.len(),
        Some(Some(before)) => before.min(state.turns.len()),
        // A log of before it was told: the answers that are there are counted.
        Some(None) => {
            let before = state.blocks.get(..at).unwrap_or(&[]);
            let answers = before.iter().filter(|block| match &block.body {
                Body::Answer(answer) => {
                    let ended = matches!(answer.phase, Phase::Done | Phase::Stopped);
                    answer.job == JobKind::Ask && ended && !answer.text.is_empty()
                }
                _ => false,
            });
            answers.count().min(state.turns.len())
        }
    }
}

/// The way in which what is left was folded, as its last fold tells.
fn fold_of(state: &State) -> Fold {
    let mut folds = state
        .blocks
        .iter()
        .rev()
        .filter_map(|block| match &block.body {
            Body::Fold(fold) if fold.is_of(&state.turns) => Some(fold.clone()),
            _ => None,
        });
    // Without one nothing was folded.
    folds.next().unwrap_or_default()
}

/// Says where the conversation has parted, and where the other branch is.
fn told(state: &mut State, place: &str) {
    let other = if state.keeps() {
        "/sessions has the other branch"
    } else {
        "Esc Esc has the other branch, until homebody ends"
    };
    // One that begins where another did takes the place of its word.
    let said =
        |block: &Block| matches!(&block.body, Body::Note(note) if note.text.starts_with(BEGINS));
    state.blocks.pop_if(|last| said(last));
    state.note(Tone::Plain, format!("{BEGINS} {place}; {other}"));
}

#[cfg(test)]
#[path = "back_tests.rs"]
mod tests;
