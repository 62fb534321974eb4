//! Applied changes put into git: staged, or committed with a message that the model proposes and
//! the person edits.

use super::super::blocks::block::{Block, BlockId, Body, Phase, Tone};
use super::super::blocks::patch_block::{Decision, PatchState};
use super::super::command::{Command, Editable, EditorPurpose, IoCommand, WriteCommand};
use super::super::keymap::Action;
use super::super::overlay::{Confirm, Overlay};
use super::super::state::{Composing, EngineState, Focus, Queued, State};
use super::patching::{fail, notes, patch_mut};
use super::send;
use crate::base::{Failure, RepoPath, Result};
use crate::jobs::Request;
use crate::jobs::commit::{Committed, draft, read_draft};
use crate::patch::Change;
use crate::repo::{CommitPlan, Diff};

/// A commit that is being made ready.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// The block of the patch.
    pub block: BlockId,
    /// The part of the change that is written.
    pub change: Change,
    /// The commit that can be made.
    pub plan: CommitPlan,
    /// The proposed message; none while it is being written.
    pub message: Option<String>,
}

/// The written part of a patch; says why there is none.
fn applied(state: &mut State, id: BlockId) -> Option<Box<Change>> {
    let patch = patch_mut(state, id)?;
    let change = patch.selected(|decision| decision == Decision::Written);
    let (writing, commits) = (
        patch.state == PatchState::Applying,
        patch.committing.is_some(),
    );
    if writing || commits || change.is_empty() {
        let enter = state.keymap.hint(Action::Apply);
        let why = if writing {
            "it is being written".to_owned()
        } else if commits {
            "it is being committed; Esc stops the hooks".to_owned()
        } else {
            format!("nothing is applied yet: {enter} writes what is accepted")
        };
        state.toast(Tone::Warning, why);
        return None;
    }
    Some(Box::new(change))
}

/// The last patch of the conversation of which something is written; says where there is none.
fn last_applied(state: &mut State) -> Option<BlockId> {
    let written = |block: &&Block| match &block.body {
        Body::Patch(patch) => patch.count(|decision| decision == Decision::Written) > 0,
        _ => false,
    };
    let last = state.blocks.iter().rfind(written).map(|block| block.id);
    if last.is_none() {
        let text = "nothing is applied yet in this conversation; git has commands for all else";
        state.toast(Tone::Warning, text);
    }
    last
}

/// Stages what was applied last, wherever the keys go.
pub(super) fn stage_last(state: &mut State, out: &mut Vec<Command>) {
    if let Some(id) = last_applied(state) {
        stage(state, id, out);
    }
}

/// Begins a commit of what was applied last, wherever the keys go.
pub(super) fn begin_last(state: &mut State, out: &mut Vec<Command>) {
    if let Some(id) = last_applied(state) {
        begin(state, id, out);
    }
}

/// Stages what is applied.
pub(super) fn stage(state: &mut State, id: BlockId, out: &mut Vec<Command>) {
    if let Some(change) = applied(state, id) {
        out.push(Command::Write(WriteCommand::Stage { block: id, change }));
    }
}

/// Takes in that it is staged.
pub(super) fn staged(
    state: &mut State,
    id: BlockId,
    result: Result<Vec<RepoPath>, Failure>,
    out: &mut Vec<Command>,
) {
    match result {
        Ok(files) => {
            if let Some(patch) = patch_mut(state, id) {
                patch.staged();
            }
            let names: Vec<String> = files.iter().map(ToString::to_string).collect();
            state.toast(Tone::Good, format!("staged: {}", names.join(", ")));
            out.push(Command::Io(IoCommand::RefreshRepo));
        }
        Err(failure) => fail(state, Some(id), failure),
    }
}

/// Begins a commit of what is applied, or goes on with the one that was begun.
pub(super) fn begin(state: &mut State, id: BlockId, out: &mut Vec<Command>) {
    let Some(change) = applied(state, id) else {
        return;
    };
    // One message at a time, or it could come to another commit.
    let asked = |queued: &Queued| matches!(queued.request, Request::MessageOf(_));
    if state.job.as_ref().is_some_and(|job| job.commits) || state.queue.iter().any(asked) {
        return state.toast(Tone::Plain, "the message of a commit is being written");
    }
    let begun = state.committing.as_ref();
    let begun = begun.filter(|commit| commit.block == id && commit.change == *change);
    if begun.is_some_and(|commit| commit.message.is_some()) {
        return edit(state, out);
    }
    out.push(Command::Write(WriteCommand::PlanCommit {
        block: id,
        change,
    }));
}

/// Takes in the commit that can be made: asks where other changes of its files are staged, else has
/// its message written.
pub(super) fn planned(
    state: &mut State,
    id: BlockId,
    result: Result<CommitPlan, Failure>,
    out: &mut Vec<Command>,
) {
    let plan = match result {
        Ok(plan) => plan,
        Err(failure) => return fail(state, Some(id), failure),
    };
    let Some(change) = applied(state, id) else {
        return;
    };
    let both: Vec<String> = plan.both.iter().map(ToString::to_string).collect();
    state.committing = Some(Box::new(Commit {
        block: id,
        change: *change,
        plan,
        message: None,
    }));
    if both.is_empty() {
        return message(state, out);
    }
    state.overlay = Some(Overlay::Confirm {
        question: format!(
            "Other changes are staged in {}. Commit only what was applied here? They stay staged.",
            both.join(", ")
        ),
        about: Confirm::CommitPart,
    });
}

/// Has the message of the commit written; without a model the person writes it.
pub(super) fn message(state: &mut State, out: &mut Vec<Command>) {
    let Some(commit) = &state.committing else {
        return;
    };
    let diff = Diff::parse(&commit.change.to_unified());
    match (diff, &state.engine) {
        (Ok(diff), EngineState::Ready(_)) => {
            let words = "a message for the commit of what was applied";
            send::submit(state, Request::MessageOf(diff), words, out);
        }
        _ => {
            set_message(state, String::new());
            edit(state, out);
        }
    }
}

/// Takes the message from the answer that it was written in. Where the person has gone on to
/// something else, the editor does not come in between.
pub(super) fn written(state: &mut State, answer: BlockId, out: &mut Vec<Command>) {
    let text = match state.block(answer).map(|block| &block.body) {
        Some(Body::Answer(answer)) if answer.phase == Phase::Done => answer.text.clone(),
        // It was stopped, or failed, which is said there.
        _ => String::new(),
    };
    let Some(block) = state.committing.as_ref().map(|commit| commit.block) else {
        return;
    };
    let stopped = text.is_empty();
    set_message(state, text);
    // Behind /commit nothing is typed yet.
    let idle = state.focus == Focus::Composer
        && state.composing == Composing::Request
        && state.composer.is_empty();
    let here = state.focus == Focus::Patch(block) || idle;
    if here && state.overlay.is_none() && !stopped {
        return edit(state, out);
    }
    let key = state.keymap.hint(Action::Commit);
    state.toast(
        Tone::Plain,
        format!("{key} on the patch edits the message, and commits"),
    );
}

fn set_message(state: &mut State, text: String) {
    if let Some(commit) = &mut state.committing {
        commit.message = Some(text);
    }
}

fn edit(state: &State, out: &mut Vec<Command>) {
    let Some(commit) = &state.committing else {
        return;
    };
    let message = commit.message.as_deref().unwrap_or_default();
    out.push(Command::OpenEditor {
        purpose: EditorPurpose::CommitMessage,
        editable: Editable::Text {
            text: draft(message, &commit.plan),
            name: "COMMIT_EDITMSG".to_owned(),
            line: 1,
        },
    });
}

/// Takes the message back from the editor, and commits. A message that was not changed is as good
/// as one that was.
pub(super) fn edited(state: &mut State, text: Option<String>, out: &mut Vec<Command>) {
    let Some(commit) = state.committing.take() else {
        return;
    };
    let proposed = commit.message.as_deref().unwrap_or_default();
    let text = text.unwrap_or_else(|| draft(proposed, &commit.plan));
    let (message, hooks) = read_draft(&text);
    if message.is_empty() {
        return state.toast(Tone::Warning, "the message is empty: nothing is committed");
    }
    let block = commit.block;
    let change = Box::new(commit.change.clone());
    // Where a hook refuses it, what was written is not lost.
    state.committing = Some(Box::new(Commit {
        message: Some(message.clone()),
        ..*commit
    }));
    goes_on(state, block, Some("being committed".to_owned()));
    out.push(Command::Write(WriteCommand::Commit {
        block,
        change,
        message,
        hooks,
    }));
}

/// Takes in the step that the commit of a patch is at; none where it has ended.
pub(super) fn goes_on(state: &mut State, id: BlockId, what: Option<String>) {
    if let Some(patch) = patch_mut(state, id) {
        patch.committing = what;
    }
}

/// Takes in that the commit is made.
pub(super) fn committed(
    state: &mut State,
    id: BlockId,
    result: Result<Committed, Failure>,
    out: &mut Vec<Command>,
) {
    goes_on(state, id, None);
    let Committed {
        commit,
        notes: said,
    } = match result {
        Ok(committed) => committed,
        Err(failure) if failure.is_interrupted() => {
            let key = state.keymap.hint(Action::Commit);
            let text =
                format!("nothing is committed; {key} on the patch takes the message up again");
            return state.toast(Tone::Plain, text);
        }
        Err(failure) => return fail(state, Some(id), failure),
    };
    state.committing = None;
    if let Some(patch) = patch_mut(state, id) {
        patch.committed(&commit.id);
        patch.failure = None;
    }
    let text = format!("committed as {}", commit.id);
    state.toast(Tone::Good, text);
    let on = commit
        .branch
        .map_or_else(String::new, |branch| format!(" on {branch}"));
    state.note(
        Tone::Good,
        format!("committed as {}{on}: {}", commit.id, commit.subject),
    );
    notes(state, said);
    out.push(Command::Io(IoCommand::RefreshRepo));
}

#[cfg(test)]
#[path = "committing_tests.rs"]
mod tests;
