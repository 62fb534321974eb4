//! Proof of the edit language on a repository: answers by chance, and what becomes of their edits.

use std::time::Duration;

use serde::Serialize;

use super::edits::{KINDS, definitions};
use super::texts::RepoTexts;
use crate::base::{Cancel, Failure, LineRange, RepoPath, Result};
use crate::engine::{Walked, Walker};
use crate::grammar::FormGrammar;
use crate::index::symbols::{Language, errors};
use crate::patch::{Change, Edit, EditGrammar, EditKind, EditLanguage, Scope, ScopeFile, Texts};
use crate::repo::{Repo, WalkRules};

/// Files that an answer may change, at most.
const FILES: u64 = 6;

/// What to try.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many answers.
    pub walks: usize,
    /// Tokens of each.
    pub limit: usize,
    /// Where chance begins.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Answers.
    pub walks: usize,
    /// Of these, such as came to an end before their limit.
    pub ended: usize,
    /// Tokens.
    pub tokens: usize,
    /// Edits that were complete.
    pub edits: usize,
    /// Edits that the limit cut off, and which were dropped.
    pub dropped: usize,
    /// Lines taken out and put in.
    pub changed_lines: usize,
    /// Changed files with a grammar.
    pub parsed: usize,
    /// Of these, such as have no more errors than before.
    pub still_parse: usize,
    /// What should not be: answers that were stuck, edits that did not apply.
    pub faults: Vec<String>,
    /// Microseconds to ask the grammar in heads and old text: mean, 99th of 100, most.
    pub strict_us: [f64; 3],
    /// The same in free text.
    pub free_us: [f64; 3],
}

/// Walks through grammars over files of a repository; `each` is told how many were done before,
/// and what one walk would change.
///
/// # Errors
/// Of kind input, where the repository has no text; interrupted when cancelled.
pub fn walks(
    repo: &Repo,
    walker: &mut Walker,
    plan: Plan,
    cancel: &Cancel,
    each: &mut dyn FnMut(usize, &Change),
) -> Result<Report> {
    let names = repo.walk_names(&WalkRules::default(), cancel, &mut |_| ())?;
    let texts = RepoTexts::new(repo, &[], &[]);
    let paths: Vec<RepoPath> = names.files.iter().map(|file| file.path.clone()).collect();
    if paths.is_empty() {
        return Err(Failure::input("there is no file"));
    }
    let mut report = Report::default();
    let (mut strict, mut free) = (Vec::new(), Vec::new());
    for number in 0..plan.walks {
        cancel.check()?;
        let seed = plan
            .seed
            .wrapping_add(number as u64)
            .wrapping_mul(0x9e37_79b9);
        let files = chosen(&paths, &texts, seed);
        let language = EditLanguage::new(Scope {
            files,
            texts: &texts,
            only: Vec::new(),
            kinds: KINDS.to_vec(),
            limit: plan.limit,
            lines: None,
            must_edit: true,
        });
        let mut grammar = FormGrammar::new(language, plan.limit);
        let walked = walker.walk(&mut grammar, plan.limit, seed);
        strict.extend_from_slice(&walked.strict);
        free.extend_from_slice(&walked.free);
        report.walks += 1;
        report.tokens += walked.tokens;
        report.ended += usize::from(walked.ended);
        report.dropped += usize::from(grammar.begun().is_some());
        let change = judge(&mut report, number, &walked, &grammar, &texts);
        each(number, &change);
    }
    report.strict_us = told(strict);
    report.free_us = told(free);
    Ok(report)
}

/// Some files by chance, with some lines of each shown.
fn chosen(paths: &[RepoPath], texts: &RepoTexts<'_>, seed: u64) -> Vec<ScopeFile> {
    let mut random = seed | 1;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let count = 1 + next() % FILES;
    let mut files = Vec::new();
    for _ in 0..count {
        let Some(path) = paths.get(next() as usize % paths.len()) else {
            continue;
        };
        let Ok(text) = texts.text(path) else {
            continue;
        };
        let lines = text.lines().count().max(1) as u64;
        let start = 1 + next() % lines;
        let end = (start + next() % 40).min(lines);
        files.push(ScopeFile {
            definitions: definitions(path, &text),
            path: path.clone(),
            text,
            shown: vec![LineRange::new(start as u32, end as u32)],
        });
    }
    files
}

fn judge(
    report: &mut Report,
    number: usize,
    walked: &Walked,
    grammar: &EditGrammar<'_>,
    texts: &RepoTexts<'_>,
) -> Change {
    let mut fault = |what: String| {
        let text = String::from_utf8_lossy(&walked.text);
        report
            .faults
            .push(format!("walk {number}: {what}: {text:?}"));
    };
    if walked.stuck && !grammar.is_endless() {
        fault("nothing could come next".to_owned());
    }
    let edits: Vec<Edit> = grammar.edits().to_vec();
    for edit in &edits {
        if let Edit::Lines {
            path,
            range,
            old,
            kind: EditKind::Replace,
            ..
        } = edit
        {
            // A file that an edit before has renamed is not there by that name.
            let Ok(text) = texts.text(path) else {
                continue;
            };
            let starts = starts(&text, old);
            if starts != [range.start()] {
                fault(format!("{path}:{range} stands at the lines {starts:?}"));
            }
        }
    }
    let change = match Change::plan(&edits, texts) {
        Ok(change) => change,
        Err(failure) => {
            fault(failure.to_string());
            return Change::default();
        }
    };
    let mut changed: Vec<&RepoPath> = edits.iter().map(Edit::path).collect();
    changed.sort();
    changed.dedup();
    let moved = edits
        .iter()
        .filter(|edit| matches!(edit, Edit::Rename { .. }));
    if change.files.len() + moved.count() < changed.len() {
        fault(format!(
            "{} files of {} change",
            change.files.len(),
            changed.len()
        ));
    }
    for file in &change.files {
        if file.before == file.after && file.renamed_to.is_none() {
            fault(format!("{} does not change", file.path));
        }
        let (Some(before), Some(after)) = (&file.before, &file.after) else {
            continue;
        };
        let first = before.lines().next().unwrap_or("");
        let Some(language) = Language::of(&file.path, first) else {
            continue;
        };
        if let (Some(before), Some(after)) = (errors(before, language), errors(after, language)) {
            report.parsed += 1;
            report.still_parse += usize::from(after.len() <= before.len());
        }
    }
    let (added, removed) = change.line_counts();
    report.edits += edits.len();
    report.changed_lines += added + removed;
    change
}

/// The lines of a text, from 1, at which others begin.
fn starts(text: &str, lines: &str) -> Vec<u32> {
    let file: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    let wanted: Vec<&str> = lines.lines().collect();
    let windows = file.windows(wanted.len().max(1));
    (1..)
        .zip(windows)
        .filter(|(_, window)| *window == wanted)
        .map(|(line, _)| line)
        .collect()
}

/// Mean, 99th of 100 and most, in microseconds.
pub(super) fn told(mut times: Vec<Duration>) -> [f64; 3] {
    times.sort_unstable();
    let us = |time: &Duration| time.as_secs_f64() * 1e6;
    let at = |share: usize| times.get(times.len() * share / 100).map_or(0.0, us);
    let mean = times.iter().map(us).sum::<f64>() / times.len().max(1) as f64;
    [mean, at(99), times.last().map_or(0.0, us)]
}

#[cfg(test)]
#[path = "walks_tests.rs"]
mod tests;
