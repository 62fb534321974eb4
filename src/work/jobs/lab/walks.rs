//! Proof of the edit language on a repository: random answers, and what becomes of their edits.

use std::time::Duration;

use serde::Serialize;

use super::Random;
use crate::base::bug::bug;
use crate::base::{Cancel, Failure, LineRange, RepoPath, Result};
use crate::engine::{Walked, Walker};
use crate::grammar::FormGrammar;
use crate::index::symbols::{Language, errors};
use crate::jobs::patch::edits::definitions;
use crate::jobs::texts::RepoTexts;
use crate::patch::{
    Change, Edit, EditAnswer as _, EditGrammar, EditKind, EditLanguage, FileChange, Scope,
    ScopeFile, Texts,
};
use crate::repo::{Repo, WalkRules};

/// Files that an answer may change, at most.
const FILES: u64 = 6;

/// The size of a proof.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The number of random answers.
    pub walks: usize,
    /// Most tokens of each answer.
    pub limit: usize,
    /// The seed of the random numbers.
    pub seed: u64,
}

/// The outcome of a proof.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Random answers.
    pub walks: usize,
    /// Answers that came to an end before their limit.
    pub ended: usize,
    /// Tokens.
    pub tokens: usize,
    /// Edits that were complete.
    pub edits: usize,
    /// Edits that the limit cut off, and which were dropped.
    pub dropped: usize,
    /// Lines taken out and put in.
    pub changed_lines: usize,
    /// Changed files of a language that can be parsed.
    pub parsed: usize,
    /// Changed files that have no more syntax errors than before.
    pub still_parse: usize,
    /// Faults, in words: answers that were stuck, edits that did not apply.
    pub faults: Vec<String>,
    /// Microseconds to ask the grammar in heads and old text: mean, 99th percentile, maximum.
    pub strict_us: [f64; 3],
    /// Microseconds to ask it in free text, likewise.
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
    let texts = RepoTexts::new(repo, &[], &WalkRules::default());
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
            kinds: EditKind::ALL.to_vec(),
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

/// Chooses some files at random, with some lines of each shown.
fn chosen(paths: &[RepoPath], texts: &RepoTexts<'_>, seed: u64) -> Vec<ScopeFile> {
    let mut random = Random(seed | 1);
    let mut next = || random.next();
    let count = 1 + next() % FILES;
    let mut files = Vec::new();
    for _ in 0..count {
        let Some(path) = paths.get(next() as usize % paths.len()) else {
            bug("chance has chosen a file that there is not", ());
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

/// Plans the edits of an answer, and counts and faults them in the report. Gives the change.
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
        if let Some(what) = misplaced(edit, texts) {
            fault(what);
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
    }
    for parses in change.files.iter().filter_map(still_parses) {
        report.parsed += 1;
        report.still_parse += usize::from(parses);
    }
    let (added, removed) = change.line_counts();
    report.edits += edits.len();
    report.changed_lines += added + removed;
    change
}

/// The fault of a replacement whose old text stands elsewhere than it says, or more than once;
/// none where it has no such fault.
fn misplaced(edit: &Edit, texts: &RepoTexts<'_>) -> Option<String> {
    let Edit::Lines {
        path,
        range,
        old,
        kind: EditKind::Replace,
        ..
    } = edit
    else {
        return None;
    };
    // A file that an edit before has renamed is not there by that name.
    let text = texts.text(path).ok()?;
    let starts = starts(&text, old);
    (starts != [range.start()]).then(|| format!("{path}:{range} stands at the lines {starts:?}"))
}

/// Tells whether a changed file has no more syntax errors than before; none where there is no
/// grammar to tell, or no text on one side.
fn still_parses(file: &FileChange) -> Option<bool> {
    let (before, after) = (file.before.as_ref()?, file.after.as_ref()?);
    // An empty text has no first line.
    let first = before.lines().next().unwrap_or("");
    let language = Language::of(&file.path, first)?;
    Some(errors(after, language)?.len() <= errors(before, language)?.len())
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

/// Mean, 99th percentile and maximum of some times, in microseconds.
pub(in crate::jobs) fn told(mut times: Vec<Duration>) -> [f64; 3] {
    times.sort_unstable();
    let us = |time: &Duration| time.as_secs_f64() * 1e6;
    // There are no times where nothing was asked.
    let at = |share: usize| times.get(times.len() * share / 100).map_or(0.0, us);
    let mean = times.iter().map(us).sum::<f64>() / times.len().max(1) as f64;
    [mean, at(99), times.last().map_or(0.0, us)]
}

#[cfg(test)]
#[path = "walks_tests.rs"]
mod tests;
