//! Notices of the desktop: that something long has ended while the window had no focus.
//!
//! The words are our own, with counts in them at most: a notice leaves the window, and what a
//! repository or a model says is not let out of it.

use super::super::blocks::block::JobKind;
use super::super::command::Command;
use super::super::event::Millis;
use super::super::state::State;
use crate::base::Failure;
use crate::base::text::counted;
use crate::jobs::Answer;
use crate::jobs::check::{Checked, Verdict};

/// The least duration of what is told when it ends unseen.
const LONG_MS: Millis = 10_000;

/// Tells of an end, where it was long in coming and nobody looks.
pub(super) fn unseen(state: &State, began: Millis, said: String, out: &mut Vec<Command>) {
    if !state.window_focus && state.now.saturating_sub(began) >= LONG_MS {
        out.push(Command::Notify(format!("homebody: {said}")));
    }
}

/// The end of a job in words; none for one that was stopped.
pub(super) fn of_job(kind: JobKind, result: Result<&Answer, &Failure>) -> Option<String> {
    let said = match result {
        Err(failure) if failure.is_interrupted() => return None,
        Err(_) => match kind {
            JobKind::Ask => "the question could not be answered".to_owned(),
            JobKind::Patch => "the patch could not be made".to_owned(),
            JobKind::Review => "the review has failed".to_owned(),
            JobKind::Message => "the message could not be written".to_owned(),
        },
        Ok(Answer::Ask { .. }) => "the answer is there".to_owned(),
        Ok(Answer::Patch { change, .. }) if change.is_empty() => "no change was planned".to_owned(),
        Ok(Answer::Patch { change, .. }) => {
            format!(
                "the patch is there: {}",
                counted(change.files.len(), "file")
            )
        }
        Ok(Answer::Review { findings, .. }) => {
            format!(
                "the review has ended: {}",
                counted(findings.len(), "finding")
            )
        }
        Ok(Answer::Message { .. }) => "the message is written".to_owned(),
    };
    Some(said)
}

/// The end of a check in words; none for one that was stopped.
pub(super) fn of_check(result: &Result<Checked, Failure>) -> Option<String> {
    let said = match result {
        Err(failure) if failure.is_interrupted() => return None,
        Err(_) => "the check could not be run",
        Ok(checked) if checked.verdict == Verdict::Passed => "the check passed",
        Ok(checked) if checked.verdict == Verdict::AsBefore => {
            "the check fails, as it does without the change"
        }
        Ok(_) => "the check failed",
    };
    Some(said.to_owned())
}
