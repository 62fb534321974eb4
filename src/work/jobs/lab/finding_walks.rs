//! Proof of reviews on a repository's history: that pieces are the diff, whole and once, and that
//! random walks of the grammar are findings at lines that are there.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::base::count::RoughCount;
use crate::base::{Cancel, OrBug, Result};
use crate::context::changes::{DiffPieces, Surroundings, diff_pieces};
use crate::engine::Walker;
use crate::grammar::FormGrammar;
use crate::index::Index;
use crate::jobs::lab::walks::told;
use crate::jobs::review::{CATEGORIES, FindingForm};
use crate::jobs::{Finding, review};
use crate::repo::{Diff, DiffLine, DiffSpec, Repo};

/// Tokens of a piece, in turns.
const BUDGETS: [usize; 3] = [200, 700, 1_200];

/// The size of a proof.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Commits, from the newest on.
    pub commits: usize,
    /// Random answers for each piece.
    pub walks: usize,
    /// Most tokens of each answer.
    pub limit: usize,
}

/// The outcome of a proof.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Diffs with lines.
    pub diffs: usize,
    /// Pieces they were cut to.
    pub pieces: usize,
    /// Lines in these pieces.
    pub lines: usize,
    /// Lines that no piece has, and that are said to be left out.
    pub left_out: usize,
    /// Random answers.
    pub walks: usize,
    /// Answers that say that nothing is wrong.
    pub none: usize,
    /// Findings.
    pub findings: usize,
    /// Findings that came with new text for their line.
    pub suggestions: usize,
    /// Faults: what should not be, in words.
    pub faults: Vec<String>,
    /// Microseconds to ask the grammar where it prescribes: mean, 99th percentile, maximum.
    pub strict_us: [f64; 3],
    /// Microseconds to ask it in free text, likewise.
    pub free_us: [f64; 3],
}

/// Goes through the history; `each` is told how many commits are done.
///
/// # Errors
/// Those of reading the history; interrupted when cancelled.
pub fn finding_walks(
    repo: &Repo,
    index: &Index,
    walker: &mut Walker,
    plan: Plan,
    cancel: &Cancel,
    each: &mut dyn FnMut(usize),
) -> Result<Report> {
    let mut report = Report::default();
    let (mut strict, mut free) = (Vec::new(), Vec::new());
    let commits = repo.recent_commits(plan.commits)?;
    let budgets = BUDGETS.into_iter().cycle();
    for (number, (commit, budget)) in commits.iter().zip(budgets).enumerate() {
        cancel.check()?;
        each(number);
        let diff = repo.diff(&DiffSpec::Commit(commit.id.clone()), review::AROUND)?;
        if diff.files.iter().all(|file| file.hunks.is_empty()) {
            continue;
        }
        report.diffs += 1;

        let cut = diff_pieces(&diff, true, budget, &RoughCount);
        for fault in is_whole(&diff, &cut, &mut report) {
            report.faults.push(format!("{}: {fault}", commit.id));
        }
        let mut surroundings = Surroundings::new(&diff, repo, index, 1);
        for (at, mut piece) in cut.pieces.into_iter().enumerate() {
            surroundings.add(&mut piece, cut.budget, &RoughCount);
            let piece = &piece;
            report.pieces += 1;
            for walk in 0..plan.walks {
                let form = FindingForm::new(piece, &diff, true);
                if form.is_empty() {
                    continue;
                }
                let mut grammar = FormGrammar::new(form, plan.limit);
                let seed = (number * 1_000_003 + at * 1_009 + walk) as u64;
                let walked = walker.walk(&mut grammar, plan.limit, seed);
                strict.extend_from_slice(&walked.strict);
                free.extend_from_slice(&walked.free);
                report.walks += 1;
                let text = String::from_utf8_lossy(&walked.text);
                report.none += usize::from(text.starts_with(review::NONE));
                if walked.stuck {
                    report
                        .faults
                        .push(format!("{}: stuck: {text:?}", commit.id));
                }
                let found = grammar.form().findings(&grammar.answer());
                report.findings += found.len();
                report.suggestions += found.iter().filter(|f| f.suggestion.is_some()).count();
                for fault in are_valid(&found, &diff) {
                    report
                        .faults
                        .push(format!("{}: {fault}: {text:?}", commit.id));
                }
            }
        }
    }
    report.strict_us = told(strict);
    report.free_us = told(free);
    Ok(report)
}

/// The faults of pieces: a line of the diff that is in none and not said to be, one that is in two,
/// a text that is not the diff's. Counts lines in the report.
fn is_whole(diff: &Diff, cut: &DiffPieces, report: &mut Report) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for piece in &cut.pieces {
        let mut wanted = Vec::new();
        for part in &piece.parts {
            let file = diff.files.get(part.file);
            let hunk = file.and_then(|file| file.hunks.get(part.hunk));
            for at in part.lines.clone() {
                if !seen.insert((part.file, part.hunk, at)) {
                    faults.push(format!("{} {at} is shown twice", part.path));
                }
                match hunk.and_then(|hunk| hunk.lines.get(at)) {
                    Some(line) => wanted.push(shown(line)),
                    None => faults.push(format!("{} has no line {at}", part.path)),
                }
            }
        }
        let numbered = |line: &&str| line.starts_with(|c: char| c.is_ascii_digit());
        let found: Vec<&str> = piece.text.lines().filter(numbered).collect();
        let same = found.len() == wanted.len()
            && found.iter().zip(&wanted).all(|(found, (head, letters))| {
                found.starts_with(head.as_str()) && plain(found) == *letters
            });
        if !same {
            faults.push(format!("a piece is not the diff: {:?}", piece.text));
        }
        report.lines += wanted.len();
    }
    for (at, file) in diff.files.iter().enumerate() {
        for (number, hunk) in file.hunks.iter().enumerate() {
            for (line, text) in hunk.lines.iter().enumerate() {
                if seen.contains(&(at, number, line)) {
                    continue;
                }
                let place = text.number().or_bug("a line of a diff has no number");
                let said = cut.left_out.iter().any(|left| {
                    left.path == file.path && left.range.is_none_or(|range| range.contains(place))
                });
                if said {
                    report.left_out += 1;
                } else {
                    faults.push(format!("{}:{place} is lost", file.path));
                }
            }
        }
    }
    faults
}

/// The way a line is shown: its number with its sign, and all its letters and digits.
fn shown(line: &DiffLine) -> (String, String) {
    let number = line.number().or_bug("a line of a diff has no number");
    let head = format!("{number}{}", line.kind.sign());
    let head = head.trim_end().to_owned();
    let all = format!(
        "{head} {}",
        crate::base::text::printable_block(line.text.trim_end_matches('\r'))
    );
    let letters = plain(&all);
    (head, letters)
}

/// The letters and digits of a text.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The faults of findings.
fn are_valid(found: &[Finding], diff: &Diff) -> Vec<String> {
    let mut faults = Vec::new();
    let mut places = BTreeSet::new();
    for finding in found {
        let file = diff.files.iter().find(|file| file.path == finding.path);
        let lines = file
            .into_iter()
            .flat_map(|file| &file.hunks)
            .flat_map(|hunk| &hunk.lines);
        let stands = |line: &DiffLine| {
            line.kind == finding.side
                && line.number() == Some(finding.line)
                && line.text.trim_end_matches('\r') == finding.quote
        };
        if !lines.clone().any(stands) {
            faults.push(format!("{}:{} reads otherwise", finding.path, finding.line));
        }
        if !CATEGORIES.contains(&finding.category.as_str()) {
            faults.push(format!("there is no category {}", finding.category));
        }
        if finding.title.is_empty() || finding.title.contains('\n') || finding.reason.is_empty() {
            faults.push("a finding says nothing".to_owned());
        }
        if !places.insert((finding.path.clone(), finding.line)) {
            faults.push("a line has two findings".to_owned());
        }
        if finding.suggestion.as_deref() == Some(&format!("{}\n", finding.quote)) {
            faults.push("a suggestion changes nothing".to_owned());
        }
    }
    faults
}

#[cfg(test)]
#[path = "finding_walks_tests.rs"]
mod tests;
