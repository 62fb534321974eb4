//! Actions on the findings of a review.

use std::fmt::Write as _;

use super::super::blocks::block::{BlockId, Body, Phase, Tone};
use super::super::blocks::patch_block::PatchBlock;
use super::super::blocks::review_block::{FindingRow, ReviewBlock};
use super::super::command::{Command, Editable, EditorPurpose, IoCommand};
use super::super::editing::motion::Motion;
use super::super::editing::places::mention_text;
use super::super::keymap::Action;
use super::super::state::{Focus, State};
use super::{scroll, send};
use crate::jobs::Finding;
use crate::patch::Change;

fn review_mut(state: &mut State, id: BlockId) -> Option<&mut ReviewBlock> {
    match state.body_mut(id) {
        Some(Body::Review(review)) => Some(review),
        _ => None,
    }
}

/// Does an action on the review that has the keys.
pub(super) fn act(state: &mut State, action: Action, out: &mut Vec<Command>) {
    let Focus::Review(id) = state.focus else {
        return;
    };
    let Some(review) = review_mut(state, id) else {
        return;
    };
    let last = review.findings.len().saturating_sub(1);
    match action {
        Action::FindingUp => review.cursor = review.cursor.saturating_sub(1),
        Action::FindingDown => review.cursor = (review.cursor + 1).min(last),
        Action::WriteReport if !review.phase.is_running() => {
            let text = report(review);
            out.push(Command::Io(IoCommand::WriteReport(text)));
        }
        Action::WriteReport => state.toast(Tone::Warning, "the review has not ended yet"),
        Action::OpenFinding => toggle(state, id, out),
        Action::Dismiss => {
            let at = review.cursor;
            if let Some(row) = review.findings.get_mut(at) {
                row.dismissed = !row.dismissed;
                out.push(Command::Io(IoCommand::Dismiss {
                    finding: Box::new(row.finding.clone()),
                    aside: row.dismissed,
                }));
                if row.dismissed {
                    row.open = false;
                    review.cursor = (at + 1).min(last);
                }
            }
        }
        _ => {
            let Some(row) = review.findings.get(review.cursor).cloned() else {
                return;
            };
            on_finding(state, action, &row.finding, out);
        }
    }
}

fn on_finding(state: &mut State, action: Action, finding: &Finding, out: &mut Vec<Command>) {
    match action {
        Action::Fix if finding.suggestion.is_some() => {
            out.push(Command::Io(IoCommand::Suggest(Box::new(finding.clone()))));
        }
        Action::Fix if finding.is_of_file() => state.toast(
            Tone::Warning,
            "it is about the whole file, and no edit mends that: d puts it away",
        ),
        Action::Fix => fix(state, finding, out),
        Action::AskAbout => {
            let text = format!("{} “{}”: ", place(finding), finding.title);
            scroll::leave(state);
            // The text typed so far becomes the question.
            state.composer.go(Motion::TextStart);
            state.composer.paste(&text);
            state.composer.go(Motion::TextEnd);
            state.history.stop();
        }
        Action::EditFinding => out.push(Command::OpenEditor {
            purpose: EditorPurpose::Look,
            editable: Editable::File {
                path: finding.path.clone(),
                line: finding.line.max(1),
            },
        }),
        Action::CopyFinding => out.push(Command::Copy(entry(finding))),
        _ => {}
    }
}

/// Asks for a patch that mends a finding.
fn fix(state: &mut State, finding: &Finding, out: &mut Vec<Command>) {
    let place = place(finding);
    let request = format!(
        "Fix this in {place}: {}. {} The line reads: `{}`",
        finding.title.trim_end_matches('.'),
        finding.reason.trim(),
        finding.quote.trim()
    );
    scroll::leave(state);
    send::patch(state, &request, &shown(finding), out);
}

fn shown(finding: &Finding) -> String {
    format!("fix {}: {}", finding.place(), finding.title)
}

/// Adds the change that came with a finding as a patch. Where the
/// line reads otherwise by now, the model is asked.
pub(super) fn suggested(
    state: &mut State,
    finding: &Finding,
    change: Option<Change>,
    out: &mut Vec<Command>,
) {
    match change {
        Some(change) => {
            let patch = PatchBlock::new(shown(finding), change, Vec::new());
            let id = state.push(Body::Patch(Box::new(patch)));
            scroll::leave(state);
            state.focus = Focus::Patch(id);
        }
        None => fix(state, finding, out),
    }
}

/// Returns a mention of the lines around a finding.
fn place(finding: &Finding) -> String {
    let (from, to) = (finding.line.saturating_sub(10).max(1), finding.line + 10);
    let mention = mention_text(&finding.path);
    format!("{}:{from}-{to}", mention.trim_end())
}

/// Opens or folds the finding at the cursor; its code is read when it is opened first.
pub(super) fn toggle(state: &mut State, id: BlockId, out: &mut Vec<Command>) {
    let Some(review) = review_mut(state, id) else {
        return;
    };
    let at = review.cursor;
    let Some(row) = review.findings.get_mut(at) else {
        return;
    };
    row.open = !row.open;
    if row.open {
        let key = (row.finding.path.clone(), row.code_range());
        super::panel::want_code(state, key, out);
    }
}

/// Has the code of the findings read that stand open in a conversation that is gone on with.
pub(super) fn want_open(state: &mut State, out: &mut Vec<Command>) {
    let reviews = state.blocks.iter().filter_map(|block| match &block.body {
        Body::Review(review) => Some(review),
        _ => None,
    });
    let open = reviews.flat_map(|review| review.findings.iter().filter(|row| row.open));
    let keys: Vec<_> = open
        .map(|row| (row.finding.path.clone(), row.code_range()))
        .collect();
    for key in keys {
        super::panel::want_code(state, key, out);
    }
}

/// Writes a finding as Markdown.
fn entry(finding: &Finding) -> String {
    let quote = finding.quote.trim_end();
    // A fence longer than any run of backticks in the line.
    let runs = quote.split(|c| c != '`').map(str::len);
    let longest = runs.fold(0, usize::max);
    let fence = "`".repeat(longest.max(2) + 1);
    format!(
        "**{}** `{}` {}\n\n{}{fence}\n{quote}\n{fence}\n",
        finding.severity.word(),
        finding.place(),
        finding.title.trim(),
        match finding.reason.trim() {
            "" => String::new(),
            reason => format!("{reason}\n\n"),
        },
    )
}

/// Writes the findings that stand as Markdown.
pub(in crate::app) fn report(review: &ReviewBlock) -> String {
    let standing: Vec<&FindingRow> = review.standing().collect();
    let mut out = format!("# Review of {}\n\n", review.label);
    if review.phase == Phase::Stopped {
        out.push_str("The review was stopped before its end.\n\n");
    }
    if review.phase == Phase::Failed {
        out.push_str("The review ended with an error before its end.\n\n");
    }
    if standing.is_empty() {
        out.push_str("Nothing was found.\n");
    }
    for row in standing {
        out.push_str(&entry(&row.finding));
        out.push('\n');
    }
    if !review.unread.is_empty() {
        out.push_str("Not read:\n\n");
        for (path, why) in &review.unread {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "- `{path}`: {why}");
        }
    }
    out
}

#[cfg(test)]
#[path = "reviewing_tests.rs"]
mod tests;
