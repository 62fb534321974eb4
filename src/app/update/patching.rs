//! Deciding on a patch, writing it, checking it, editing it.

use super::super::blocks::block::{BlockId, Body, Check, Tone};
use super::super::blocks::patch_block::{
    Decision, FileFate, PatchBlock, PatchHunk, PatchRow, PatchState,
};
use super::super::command::{Command, Editable, EditorPurpose, IoCommand, WriteCommand};
use super::super::keymap::Action;
use super::super::state::{Composing, Focus, State};
use super::{checking, committing, scroll, send};
use crate::base::text::counted;
use crate::base::{Failure, Result};
use crate::jobs::check::Verdict;
use crate::jobs::{Patch, Request};
use crate::patch::{Applied, Change};

pub(super) fn patch_mut(state: &mut State, id: BlockId) -> Option<&mut PatchBlock> {
    match state.body_mut(id) {
        Some(Body::Patch(patch)) => Some(patch),
        _ => None,
    }
}

/// Does an action on the patch that has the keys.
pub(super) fn act(state: &mut State, action: Action, out: &mut Vec<Command>) {
    let Focus::Patch(id) = state.focus else {
        return;
    };
    let Some(patch) = patch_mut(state, id) else {
        return;
    };
    patch.failure = None;
    match action {
        Action::PatchUp => step(patch, -1),
        Action::PatchDown => step(patch, 1),
        Action::NextHunk => hunk(patch, 1),
        Action::PreviousHunk => hunk(patch, -1),
        Action::Fold => fold(patch),
        Action::CopyPatch => out.push(Command::Copy(patch.change.to_unified())),
        Action::RunCheck => checking::check(state, id, out),
        Action::Stage => committing::stage(state, id, out),
        Action::Commit => committing::begin(state, id, out),
        Action::Accept if !patch.is_open() && patch.reopen() => reopened(state, id),
        _ if !patch.is_open() => closed(state, id),
        Action::Accept => decide(state, id, Decision::Accepted),
        Action::Reject => decide(state, id, Decision::Rejected),
        Action::AcceptAll => patch.accept_rest(),
        Action::Remark => remark(state, id),
        Action::EditFile => edit(state, id, out),
        Action::Apply => apply(state, id, out),
        _ => {}
    }
}

/// Says that a patch on which all was decided is open again.
fn reopened(state: &mut State, id: BlockId) {
    let enter = state.keymap.hint(Action::Apply);
    let accepted = |decision: Decision| decision == Decision::Accepted;
    let accepts = patch_mut(state, id).is_some_and(|patch| patch.count(accepted) > 0);
    let text = if accepts {
        format!("open again: {enter} writes what is accepted")
    } else {
        "open again: nothing of it is decided".to_owned()
    };
    state.toast(Tone::Plain, text);
}

/// Says why a patch takes no decision, and what can be done with it.
fn closed(state: &mut State, id: BlockId) {
    let accept = state.keymap.hint(Action::Accept);
    let Some(patch) = patch_mut(state, id) else {
        return;
    };
    let rejected = patch.count(|decision| decision == Decision::Rejected) > 0;
    let why = match (&patch.state, rejected && patch.can_reopen()) {
        (PatchState::Applying, _) => "it is being written".to_owned(),
        (PatchState::Applied { .. }, false) => "it is applied; /undo takes it back".to_owned(),
        (PatchState::Applied { .. }, true) => {
            format!(
                "it is applied; {accept} on a rejected hunk takes that too, /undo takes it back"
            )
        }
        (PatchState::Discarded | PatchState::Open, true) => {
            format!("all of it was rejected; {accept} opens it again")
        }
        (PatchState::Discarded | PatchState::Open, false) => "nothing of it is left".to_owned(),
    };
    state.toast(Tone::Plain, why);
}

fn step(patch: &mut PatchBlock, by: isize) {
    let rows = patch.rows();
    // The editor may leave the cursor on a hunk of a folded file, which is no row.
    let at = rows.iter().position(|row| *row == patch.cursor);
    let to = at
        .unwrap_or(0)
        .saturating_add_signed(by)
        .min(rows.len().saturating_sub(1));
    if let Some(row) = rows.get(to) {
        patch.cursor = *row;
    }
}

/// Moves to the next hunk (or file without hunks), opening its file.
fn hunk(patch: &mut PatchBlock, by: isize) {
    let mut stops = Vec::new();
    for (i, file) in patch.files.iter().enumerate() {
        if file.hunks.0 == file.hunks.1 {
            stops.push(PatchRow::File(i));
        }
        stops.extend((file.hunks.0..file.hunks.1).map(PatchRow::Hunk));
    }
    let to = match (patch.cursor, stops.iter().position(|s| *s == patch.cursor)) {
        (_, Some(at)) => at
            .saturating_add_signed(by)
            .min(stops.len().saturating_sub(1)),
        (PatchRow::File(file), None) => {
            let first = patch.files.get(file).map(|f| PatchRow::Hunk(f.hunks.0));
            // A patch that the editor made empty has neither files nor hunks.
            let at = stops.iter().position(|s| Some(*s) == first).unwrap_or(0);
            if by < 0 { at.saturating_sub(1) } else { at }
        }
        (PatchRow::Hunk(_), None) => 0,
    };
    if let Some(row) = stops.get(to) {
        patch.cursor = *row;
        if let Some(file) = patch.file_of(*row)
            && let Some(file) = patch.files.get_mut(file)
        {
            file.folded = false;
        }
    }
}

fn fold(patch: &mut PatchBlock) {
    let Some(at) = patch.file_of(patch.cursor) else {
        return;
    };
    if let Some(file) = patch.files.get_mut(at) {
        file.folded = !file.folded;
        if file.folded {
            patch.cursor = PatchRow::File(at);
        }
    }
}

fn decide(state: &mut State, id: BlockId, decision: Decision) {
    let Some(patch) = patch_mut(state, id) else {
        return;
    };
    patch.decide(patch.cursor, decision);
    if let PatchRow::Hunk(_) = patch.cursor {
        hunk(patch, 1);
    } else {
        step(patch, 1);
    }
    patch.decided();
    match patch.state {
        PatchState::Discarded => {
            state.toast(Tone::Plain, "all rejected: nothing is written");
            scroll::leave(state);
        }
        PatchState::Applied { .. } => {
            state.toast(Tone::Plain, "the rest is rejected; what is written stays");
            scroll::leave(state);
        }
        PatchState::Open | PatchState::Applying => {}
    }
}

fn remark(state: &mut State, id: BlockId) {
    let Some(patch) = patch_mut(state, id) else {
        return;
    };
    let hunk = match patch.cursor {
        PatchRow::Hunk(hunk) => Some(hunk),
        PatchRow::File(file) => patch
            .files
            .get(file)
            .filter(|file| file.hunks.0 < file.hunks.1)
            .map(|file| file.hunks.0),
    };
    let Some(hunk) = hunk else {
        state.toast(Tone::Warning, "this file has no hunk to remark on");
        return;
    };
    // A question that is half typed waits until the remark is sent or left.
    state.draft = state.composer.take();
    state.composing = Composing::Remark { block: id, hunk };
    state.focus = Focus::Composer;
}

/// Ends a remark, sent or not: returns its text, and restores the composer's text from before.
pub(super) fn end_remark(state: &mut State) -> String {
    let remark = state.composer.take();
    state.composing = Composing::Request;
    let draft = std::mem::take(&mut state.draft);
    state.composer.set(&draft);
    remark
}

/// Asks again for a rejected hunk, with a remark (or none).
pub(super) fn ask_again(
    state: &mut State,
    id: BlockId,
    hunk: usize,
    remark: &str,
    out: &mut Vec<Command>,
) {
    let Some(patch) = patch_mut(state, id) else {
        return;
    };
    // Whoever leaves the remark has rejected nothing.
    patch.decide(PatchRow::Hunk(hunk), Decision::Rejected);
    let failed = match &patch.check {
        Check::Done(checked) if checked.verdict == Verdict::Failed => Some(checked),
        _ => None,
    };
    let (asked, shown) = match (patch.hunks.get(hunk), failed, remark) {
        // Editing the file meanwhile may have left fewer hunks.
        (None, ..) => return,
        // The whole change failed, and the whole is to be written anew.
        (Some(_), Some(checked), "") => {
            let shown = format!("{} (so that `{}` passes)", patch.request, checked.command);
            let wish = Patch {
                request: patch.request.clone(),
                ..Patch::default()
            };
            (checked.again(wish, &patch.change), shown)
        }
        (Some(row), _, "") => {
            let shown = format!("{} (another way)", patch.request);
            (wish(patch, row, "do it another way"), shown)
        }
        (Some(row), _, remark) => (wish(patch, row, remark), remark.to_owned()),
    };
    send::submit(state, Request::Patch(asked), &shown, out);
    // Where nothing is left to decide on, the new patch takes the place of this one.
    if let Some(patch) = patch_mut(state, id)
        && patch.is_open()
    {
        patch.decided();
    }
}

/// Makes the request for another version of a hunk.
fn wish(patch: &PatchBlock, row: &PatchHunk, remark: &str) -> Patch {
    let mut text = String::new();
    for (sign, line) in &row.hunk.lines {
        text.push(match sign {
            1 => '+',
            -1 => '-',
            _ => ' ',
        });
        text.push_str(line);
        text.push('\n');
    }
    // A file that the patch would create is not there to be shown.
    let file = patch
        .files
        .get(row.hunk.file)
        .filter(|file| file.what != FileFate::Created);
    Patch {
        request: patch.request.clone(),
        files: file.map(|file| file.path.clone()).into_iter().collect(),
        again: Some((text, remark.to_owned())),
        ..Patch::default()
    }
}

fn edit(state: &mut State, id: BlockId, out: &mut Vec<Command>) {
    let Some(patch) = patch_mut(state, id) else {
        return;
    };
    let line = match patch.cursor {
        PatchRow::Hunk(hunk) => patch.hunks.get(hunk).map_or(1, |hunk| {
            let first = hunk.hunk.lines.iter().take_while(|(sign, _)| *sign == 0);
            let start = hunk.hunk.new.map_or(1, crate::base::LineRange::start);
            start + first.count() as u32
        }),
        PatchRow::File(_) => 1,
    };
    let editable = patch.file_of(patch.cursor).and_then(|file| {
        let change = patch.change.files.get(file)?;
        Some((file, change.path.name().to_owned(), change.after.clone()?))
    });
    match editable {
        Some((file, name, text)) => out.push(Command::OpenEditor {
            purpose: EditorPurpose::PatchFile { block: id, file },
            editable: Editable::Text { text, name, line },
        }),
        None => state.toast(Tone::Warning, "a file that is taken away cannot be edited"),
    }
}

/// Takes the text back from `$EDITOR`.
pub(super) fn editor_done(
    state: &mut State,
    purpose: &EditorPurpose,
    result: Result<Option<String>, Failure>,
    out: &mut Vec<Command>,
) {
    let text = match (result, purpose) {
        (Ok(text), _) => text,
        (Err(failure), EditorPurpose::PatchFile { block, .. }) => {
            return fail(state, Some(*block), failure);
        }
        (Err(failure), EditorPurpose::CommitMessage) => {
            let block = state.committing.as_ref().map(|commit| commit.block);
            return fail(state, block, failure);
        }
        (Err(failure), _) => return state.fail(failure),
    };
    match (purpose, text) {
        (EditorPurpose::Composer, Some(text)) => {
            state.composer.set(text.trim_end());
            state.focus = Focus::Composer;
            state.completion = None;
        }
        (EditorPurpose::PatchFile { block, file }, Some(text)) => {
            if let Some(patch) = patch_mut(state, *block)
                && patch.is_open()
            {
                patch.edit(*file, text);
            }
        }
        (EditorPurpose::CommitMessage, text) => committing::edited(state, text, out),
        (EditorPurpose::Look, _) => {
            // The file may have been changed there.
            out.push(Command::Reindex { rebuild: false });
            out.push(Command::Io(IoCommand::RefreshRepo));
        }
        (_, None) => state.toast(Tone::Plain, "nothing was changed in the editor"),
    }
}

fn apply(state: &mut State, id: BlockId, out: &mut Vec<Command>) {
    let Some(patch) = patch_mut(state, id) else {
        return;
    };
    let change: Change = patch.beyond_written(|decision| decision == Decision::Accepted);
    if change.is_empty() {
        let (accept, all) = (
            state.keymap.hint(Action::Accept),
            state.keymap.hint(Action::AcceptAll),
        );
        let text = format!("nothing is accepted yet: {accept} accepts a hunk, {all} all");
        state.toast(Tone::Warning, text);
        return;
    }
    patch.state = PatchState::Applying;
    out.push(Command::Write(WriteCommand::Apply {
        block: id,
        change: Box::new(change),
    }));
}

/// Takes the result of writing a change.
pub(super) fn applied(
    state: &mut State,
    id: BlockId,
    result: Result<Applied, Failure>,
    out: &mut Vec<Command>,
) {
    let git = state.options.git;
    match result {
        Ok(applied) => {
            let files = counted(applied.files.len(), "file");
            let mut open = 0;
            // The block may have gone with its conversation; what was written has not.
            if let Some(patch) = patch_mut(state, id) {
                patch.written(applied.files, applied.record);
                open = patch.count(|decision| decision == Decision::Undecided);
            }
            notes(state, applied.notes);
            let text = match open {
                // The keys go back to the composer, where the patch's own are letters.
                0 if git => {
                    format!("{files} written; /commit commits it, /undo takes it back")
                }
                0 => format!("{files} written; /undo takes it back"),
                open => format!("{files} written, {open} open; /undo takes it back"),
            };
            state.toast(Tone::Good, text);
            if open == 0 && state.focus == Focus::Patch(id) {
                scroll::leave(state);
            }
            out.push(Command::Reindex { rebuild: false });
            out.push(Command::Io(IoCommand::RefreshRepo));
        }
        Err(failure) => {
            if let Some(patch) = patch_mut(state, id) {
                patch.state = PatchState::Open;
            }
            fail(state, Some(id), failure);
        }
    }
}

/// Says what went wrong with a patch where the eye is: in it, at its cursor, and in a toast.
pub(super) fn fail(state: &mut State, id: Option<BlockId>, failure: Failure) {
    let Some(id) = id.filter(|id| state.block(*id).is_some()) else {
        return state.fail(failure);
    };
    state.toast(Tone::Bad, failure.to_string());
    if let Some(patch) = patch_mut(state, id) {
        patch.failure = Some(failure);
    }
}

/// Adds notes on what else happened while files were written.
pub(super) fn notes(state: &mut State, notes: Vec<String>) {
    for note in notes {
        state.note(Tone::Warning, note);
    }
}

#[cfg(test)]
#[path = "patching_tests.rs"]
mod tests;
