//! The user's check of a patch: begun, followed, ended.

use super::super::blocks::block::{BlockId, Check, Tone};
use super::super::blocks::patch_block::{Decision, PatchState};
use super::super::command::Command;
use super::super::keymap::Action;
use super::super::state::State;
use super::notice;
use super::patching::patch_mut;
use crate::base::{Failure, Result};
use crate::jobs::check::{Checked, Verdict};

/// Begins a check of what is written, or is not rejected.
pub(super) fn check(state: &mut State, id: BlockId, out: &mut Vec<Command>) {
    if state.options.check.is_none() {
        state.toast(
            Tone::Warning,
            "no check command is set: `check = \"cargo check\"` in config.toml",
        );
        return;
    }
    if state.checking.is_some() {
        state.toast(Tone::Plain, "a check runs already; Esc stops it");
        return;
    }
    let now = state.now;
    let Some(patch) = patch_mut(state, id) else {
        return;
    };
    let applied = matches!(patch.state, PatchState::Applied { .. });
    let change = if applied {
        patch.selected(|decision| decision == Decision::Written)
    } else {
        patch.beyond_written(|decision| decision != Decision::Rejected)
    };
    if change.is_empty() {
        state.toast(
            Tone::Warning,
            "all of it was rejected: nothing is left to check",
        );
        return;
    }
    patch.check = Check::Running {
        since: now,
        what: String::new(),
    };
    state.checking = Some(id);
    out.push(Command::RunCheck {
        block: id,
        change: Box::new(change),
        applied,
    });
}

/// Notes the step a check is at.
pub(super) fn checking(state: &mut State, id: BlockId, now: String) {
    if let Some(patch) = patch_mut(state, id)
        && let Check::Running { what, .. } = &mut patch.check
    {
        *what = now;
    }
}

/// Takes the result of a check.
pub(super) fn checked(
    state: &mut State,
    id: BlockId,
    result: Result<Checked, Failure>,
    out: &mut Vec<Command>,
) {
    state.checking = state.checking.filter(|block| *block != id);
    let began = match patch_mut(state, id).map(|patch| &patch.check) {
        Some(Check::Running { since, .. }) => Some(*since),
        _ => None,
    };
    if let (Some(since), Some(said)) = (began, notice::of_check(&result)) {
        notice::unseen(state, since, said, out);
    }
    // The verdict stands at the patch's foot, which may be out of sight.
    match &result {
        Ok(checked) if checked.verdict == Verdict::Passed => {
            state.toast(Tone::Good, "the check passed");
        }
        Ok(checked) if checked.verdict == Verdict::AsBefore => {
            state.toast(
                Tone::Warning,
                "the check fails, as it does without the change",
            );
        }
        Ok(_) => {
            let key = state.keymap.hint(Action::Remark);
            let text = format!("the check failed; {key} and Enter ask again with what it said");
            state.toast(Tone::Bad, text);
        }
        Err(_) => {}
    }
    if let Some(patch) = patch_mut(state, id) {
        patch.check = match result {
            Ok(report) => Check::Done(report),
            Err(failure) if failure.is_interrupted() => Check::None,
            Err(failure) => Check::Failed(failure),
        };
    }
}

#[cfg(test)]
#[path = "checking_tests.rs"]
mod tests;
