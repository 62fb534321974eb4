//! Folding: the model is shown less of the turns that are long past.

use super::super::blocks::block::{Block, Body, Tone};
use super::super::state::State;
use crate::base::count::RoughCount;
use crate::base::text::human_count;
use crate::jobs::Fold;

/// Takes in that the job which runs has folded the conversation before its question: the line that
/// says so stands before the question, between the turns.
pub(super) fn folded(state: &mut State, fold: Fold) {
    state.fold = fold.clone();
    let Some(block) = state.job.as_ref().map(|job| job.block) else {
        return;
    };
    let Some(at) = state.index_of(block) else {
        return;
    };
    let is_asked = |at: usize| {
        let before = state.blocks.get(at);
        before.is_some_and(|block| matches!(block.body, Body::User(_)))
    };
    let first = match at.checked_sub(1) {
        Some(before) if is_asked(before) => before,
        _ => at,
    };
    // Blocks stand in the order of their ids, so these two get new ones; others keep theirs, for
    // what waits and what is being fetched or checked goes by them.
    let moved: Vec<Block> = state.blocks.drain(first..=at).collect();
    state.push(Body::Fold(fold));
    for old in moved {
        let id = state.push(old.body);
        if let Some(job) = &mut state.job
            && job.block == old.id
        {
            job.block = id;
        }
        if let Some(cursor) = &mut state.cursor
            && cursor.block == old.id
        {
            cursor.block = id;
        }
    }
    scroll_along(state);
}

/// A view that stood on a block which has another id now goes to the end, where it is.
fn scroll_along(state: &mut State) {
    if let super::super::state::Scroll::At { block, .. } = state.scroll
        && state.index_of(block).is_none()
    {
        super::scroll::to_bottom(state);
    }
}

/// Folds all turns but the last, by hand; `keep` says in words what is to stay.
pub(super) fn compact(state: &mut State, keep: &str) {
    if !super::slash::idle(state) {
        return;
    }
    let made = state
        .fold
        .by_hand(&state.turns, keep, &state.pins, &RoughCount);
    let Some(mut fold) = made else {
        let text = if state.fold.is_empty() {
            "there is nothing to fold yet; the last answer always stays"
        } else {
            "all but the last question and its answer is folded already"
        };
        return state.toast(Tone::Warning, text);
    };
    let (before, after) = fold.tokens;
    if state.context_used > 0 {
        // The share is known, and the sum by the last answer: instructions stay as they are.
        let saved = before.saturating_sub(after);
        let left = state.context_used.saturating_sub(saved);
        fold.tokens = (state.context_used, left.max(after));
    }
    state.context_used = fold.tokens.1;
    state.fold = fold.clone();
    state.preview = None;
    state.push(Body::Fold(fold));
    super::scroll::to_bottom(state);
}

/// Undoes all folding.
pub(super) fn full(state: &mut State) {
    if !super::slash::idle(state) {
        return;
    }
    if state.fold.is_empty() {
        return state.toast(Tone::Plain, "nothing is folded");
    }
    let (before, after) = state.fold.tokens;
    state.fold = Fold::undone(&state.turns);
    state.preview = None;
    let more = before.saturating_sub(after);
    let whole = (state.context_used + more).max(before);
    let told = human_count(whole as u64);
    let window = state.facts().map_or(0, |facts| facts.context);
    let text = if window > 0 && whole > window {
        state.context_used = window;
        format!(
            "nothing is folded any more; but all of it takes about {told} of {} tokens, so the \
             next question folds as much as it must",
            human_count(window as u64)
        )
    } else {
        state.context_used = whole;
        format!(
            "nothing is folded any more: with the next question the model reads about {told} \
             tokens anew"
        )
    };
    state.note(Tone::Plain, text);
    super::scroll::to_bottom(state);
}

#[cfg(test)]
#[path = "folding_tests.rs"]
mod tests;
