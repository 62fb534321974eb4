//! Taking a written patch back.

use super::super::blocks::block::{Block, Body, Tone};
use super::super::blocks::patch_block::PatchBlock;
use super::super::blocks::patch_marks::{InGit, Writing};
use super::super::command::{Command, IoCommand, WriteCommand};
use super::super::overlay::{Confirm, Overlay};
use super::super::state::State;
use super::patching::{fail, notes, patch_mut};
use super::scroll;
use crate::base::text::human_ago;
use crate::base::{Failure, Result};
use crate::patch::{Undoable, Undone};

/// Takes back the last patch; the worker asks first where that is not of this conversation.
pub(super) fn undo(state: &State, out: &mut Vec<Command>) {
    let writings = state.blocks.iter().filter_map(|block| match &block.body {
        Body::Patch(patch) => patch.writings.last(),
        _ => None,
    });
    let own = writings.filter_map(|writing| writing.record).max();
    out.push(Command::Write(WriteCommand::Undo { own }));
}

/// Asks whether a patch that this conversation has not written is to be taken back.
pub(super) fn undo_asked(state: &mut State, last: &Undoable, age: Option<u64>) {
    const NAMED: usize = 3;
    let named = last.files.iter().take(NAMED);
    let mut files: Vec<String> = named
        .map(|(path, word)| format!("{path} ({word})"))
        .collect();
    if let Some(more) = last.files.len().checked_sub(NAMED).filter(|more| *more > 0) {
        files.push(format!("{more} more"));
    }
    let age = age.map_or_else(String::new, |age| format!(" {}", human_ago(age)));
    state.overlay = Some(Overlay::Confirm {
        question: format!(
            "The last patch was written outside this conversation{age}: {}. Take it back?",
            files.join(", ")
        ),
        about: Confirm::Undo(last.number),
    });
}

/// Takes the result of taking the last patch back.
pub(super) fn undone(state: &mut State, result: Result<Undone, Failure>, out: &mut Vec<Command>) {
    let undone = match result {
        Ok(undone) => undone,
        Err(failure) => {
            let written = |block: &&Block| match &block.body {
                Body::Patch(patch) => !patch.writings.is_empty(),
                _ => false,
            };
            let last = state.blocks.iter().rfind(written).map(|block| block.id);
            return fail(state, last, failure);
        }
    };
    let last = state
        .blocks
        .iter()
        .rev()
        .find_map(|block| match &block.body {
            Body::Patch(patch) => {
                let same = |writing: &Writing| match (writing.record, undone.record) {
                    (Some(own), Some(record)) => own == record,
                    _ => writing.files == undone.files,
                };
                let last = patch.writings.last();
                last.is_some_and(same).then_some(block.id)
            }
            _ => None,
        });
    let last = last.and_then(|id| patch_mut(state, id));
    let in_git = last.map(PatchBlock::taken_back);
    notes(state, undone.notes);
    let files: Vec<String> = undone.files.iter().map(ToString::to_string).collect();
    let more = match undone.left {
        0 => String::new(),
        1 => "; one earlier patch can be taken back too".to_owned(),
        n => format!("; {n} earlier patches can be taken back too"),
    };
    scroll::to_bottom(state);
    state.note(
        Tone::Good,
        format!("put back as before: {}{more}", files.join(", ")),
    );
    // What git was given stays there.
    if let Some(stays) = in_git.as_ref().and_then(InGit::stays) {
        state.note(Tone::Warning, stays);
    }
    out.push(Command::Reindex { rebuild: false });
    out.push(Command::Io(IoCommand::RefreshRepo));
}
