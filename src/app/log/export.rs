//! A conversation as a document.

use std::fmt::Write as _;

use super::super::blocks::block::{AnswerBlock, Body, JobKind, Phase};
use super::super::blocks::patch_block::{PatchBlock, PatchState};
use super::super::update::report;
use crate::base::text::{printable, printable_block};
use crate::jobs::prompt::fence_for;

/// Writes blocks as Markdown: requests as headings, sources under each answer, patches as diffs,
/// the findings of reviews. Remarks of the program are left out.
pub fn export<'b>(blocks: impl IntoIterator<Item = &'b Body>) -> String {
    let mut out = String::new();
    for body in blocks {
        let part = match body {
            Body::User(turn) => request(&turn.text),
            Body::Answer(answer) => written(answer),
            Body::Patch(patch) => proposed(patch),
            Body::Review(review) => report(review),
            Body::Welcome | Body::Download(_) | Body::Fold(_) | Body::Note(_) | Body::Error(_) => {
                continue;
            }
        };
        if !out.is_empty() && !part.is_empty() {
            out.push('\n');
        }
        out += &part;
    }
    out
}

fn request(text: &str) -> String {
    let mut lines = text.trim().lines();
    // A request that was read from a file may be empty.
    let first = lines.next().unwrap_or("");
    let mut out = format!("## {}\n", printable(first));
    for (n, line) in lines.enumerate() {
        let before = if n == 0 { "\n" } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{before}> {}", printable(line));
    }
    out
}

fn written(answer: &AnswerBlock) -> String {
    let text = printable_block(answer.text.trim()).into_owned();
    if text.is_empty() {
        return text;
    }
    let mut out = match answer.job {
        JobKind::Message => format!("```\n{text}\n```\n"),
        _ => format!("{text}\n"),
    };
    if answer.phase == Phase::Stopped {
        out += "\n(stopped)\n";
    }
    if !answer.sources.is_empty() {
        out += "\nSources:\n\n";
    }
    for source in &answer.sources {
        let cited = if source.cited { ", cited" } else { "" };
        let (path, start, end) = (&source.path, source.start, source.end);
        // Writing to a String cannot fail.
        let _ = writeln!(out, "- [{}] `{path}:{start}-{end}`{cited}", source.id);
    }
    out
}

fn proposed(patch: &PatchBlock) -> String {
    let state = match &patch.state {
        PatchState::Open | PatchState::Applying if !patch.writings.is_empty() => "applied in part",
        PatchState::Open | PatchState::Applying => "not applied",
        PatchState::Applied { .. } => "applied",
        PatchState::Discarded => "discarded",
    };
    let diff = printable_block(&patch.change.to_unified()).into_owned();
    let fence = fence_for(&diff);
    let mut out = format!(
        "A patch, {state}:\n\n{fence}diff\n{}\n{fence}\n",
        diff.trim_end()
    );
    for trouble in &patch.troubles {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "\n- {}", printable(trouble));
    }
    out
}
