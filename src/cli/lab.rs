//! The lab: proofs and measures of parts, behind `debug`. Not in the released program.

use std::path::{Path, PathBuf};

use super::args::{GrammarLanguage, GrammarNotation, LabCommand};
use super::debug::file_of_model;
use super::invocation::Invocation;
use super::out::{Tone, bar};
use super::{Code, NEGATIVE};
use crate::base::failure::io_failure;
use crate::base::text::human_bytes;
use crate::base::{Failure, RepoPath, Result};
use crate::engine::{Walker, debug};
use crate::grammar::Notation;
use crate::index::SearchPart;
use crate::jobs::lab::{finding_walks, grammar_walks, replays, walks};
use crate::patch::{Change, EditKind};

/// Runs a command of the lab.
pub(super) fn run(command: LabCommand, invocation: &mut Invocation) -> Result<Code> {
    match command {
        LabCommand::Without { part, query, top } => {
            without(&part, &query, top as usize, invocation)
        }
        LabCommand::Candidates { query } => candidates(&query, invocation),
        LabCommand::Findings {
            commits,
            walks,
            vocabulary,
        } => {
            let plan = finding_walks::Plan {
                commits: commits as usize,
                walks: walks as usize,
                limit: 400,
            };
            walk_findings(plan, vocabulary as usize, invocation)
        }
        LabCommand::Walks {
            walks: count,
            limit,
            vocabulary,
        } => {
            let plan = walks::Plan {
                walks: count as usize,
                limit: limit as usize,
                seed: 1,
            };
            walk_edits(plan, vocabulary as usize, invocation)
        }
        LabCommand::Grammar {
            language,
            files,
            notation,
            strings,
        } => grammar(language, &files, notation, strings, invocation),
        LabCommand::Replay { changes } => replay(&changes, invocation),
        LabCommand::Synthesize {
            shape,
            out,
            quantization,
            vocabulary,
        } => synthesize(&shape, &out, &quantization, vocabulary, invocation),
    }
}

/// Runs `debug without`.
fn without(part: &str, query: &Path, top: usize, invocation: &mut Invocation) -> Result<Code> {
    let query = text_of(query)?;
    let Some((_, part)) = SearchPart::ALL.into_iter().find(|(name, _)| *name == part) else {
        return Err(Failure::usage(format!("the search has no part `{part}`")));
    };
    invocation.check_dir()?;
    let workspace = invocation.open()?;
    let index = invocation.index(&workspace, false)?;
    for hit in index.search_without(&query, top, part)? {
        let (path, range) = (&hit.path, hit.range);
        let line = format!("{path}:{}-{}", range.start(), range.end());
        invocation.out.line(Tone::Plain, &line);
    }
    Ok(0)
}

/// Runs `debug candidates`.
fn candidates(query: &Path, invocation: &mut Invocation) -> Result<Code> {
    let query = text_of(query)?;
    invocation.check_dir()?;
    let workspace = invocation.open()?;
    let index = invocation.index(&workspace, false)?;
    invocation.out.json(&index.candidates(&query)?)?;
    Ok(0)
}

/// Runs `debug findings`.
fn walk_findings(
    plan: finding_walks::Plan,
    vocabulary: usize,
    invocation: &mut Invocation,
) -> Result<Code> {
    invocation.check_dir()?;
    let mut walker = Walker::from_file(&file_of_model(invocation)?, vocabulary)?;
    let workspace = invocation.open()?;
    let index = invocation.index(&workspace, false)?;
    let cancel = invocation.cancel();
    let words = &mut invocation.out;
    let commits = plan.commits;
    let mut each = |done: usize| words.progress(&format!("{done} of {commits} commits"));
    let (repo, index) = (&workspace.repo, &index);
    let report = finding_walks::finding_walks(repo, index, &mut walker, plan, &cancel, &mut each);
    invocation.out.clear();
    let report = report?;
    invocation.out.json(&report)?;
    Ok(verdict(&report.faults))
}

/// Runs `debug walks`.
fn walk_edits(plan: walks::Plan, vocabulary: usize, invocation: &mut Invocation) -> Result<Code> {
    invocation.check_dir()?;
    let mut walker = Walker::from_file(&file_of_model(invocation)?, vocabulary)?;
    let workspace = invocation.open()?;
    let cancel = invocation.cancel();
    let words = &mut invocation.out;
    let count = plan.walks;
    let mut each = |done: usize, _: &Change| words.progress(&format!("{done} of {count} walks"));
    let report = walks::walks(&workspace.repo, &mut walker, plan, &cancel, &mut each);
    invocation.out.clear();
    let report = report?;
    invocation.out.json(&report)?;
    Ok(verdict(&report.faults))
}

/// The exit code of a proof with such faults.
fn verdict(faults: &[String]) -> Code {
    if faults.is_empty() { 0 } else { NEGATIVE }
}

/// Runs `debug grammar`.
fn grammar(
    language: GrammarLanguage,
    files: &[String],
    notation: GrammarNotation,
    strings: Option<u64>,
    invocation: &mut Invocation,
) -> Result<Code> {
    let files: Vec<RepoPath> = files
        .iter()
        .map(|file| RepoPath::new(file))
        .collect::<Result<_>>()?;
    let language = match language {
        GrammarLanguage::Patch => grammar_walks::Language::Patch,
        GrammarLanguage::Review => grammar_walks::Language::Review,
        GrammarLanguage::Verdict => grammar_walks::Language::Verdict,
    };
    let notation = match notation {
        GrammarNotation::Gbnf => Notation::Gbnf,
        GrammarNotation::Lark => Notation::Lark,
    };
    invocation.check_dir()?;
    let repo = invocation.open()?.repo;
    let Some(count) = strings else {
        let text = grammar_walks::printed(language, &repo, &files, notation)?;
        invocation.out.raw(&text);
        return Ok(0);
    };
    let mut failed = None;
    let mut each = |tried: &grammar_walks::Tried| {
        failed = failed.take().or(invocation.out.json(tried).err());
    };
    grammar_walks::strings(language, &repo, &files, count as usize, &mut each)?;
    failed.map_or(Ok(0), Err)
}

/// Runs `debug replay`.
fn replay(changes: &Path, invocation: &mut Invocation) -> Result<Code> {
    let mut walker = Walker::from_file(&file_of_model(invocation)?, 0)?;
    for line in text_of(changes)?.lines() {
        let pairs: Vec<replays::Pair> = serde_json::from_str(line)
            .map_err(|e| Failure::input("a line is no array of files").because(e))?;
        for form in [EditKind::Replace, EditKind::Rewrite] {
            invocation
                .out
                .json(&replays::replay(&pairs, form, &mut walker))?;
        }
    }
    Ok(0)
}

/// Runs `debug synthesize`.
fn synthesize(
    shape: &str,
    out: &Path,
    quantization: &str,
    vocabulary: Option<PathBuf>,
    invocation: &mut Invocation,
) -> Result<Code> {
    let starter = invocation.store().get("starter")?.map(|found| found.path);
    let vocabulary = vocabulary.or(starter);
    invocation.catch_signals();
    invocation.seal()?;
    let cancel = invocation.cancel();
    let words = &mut invocation.out;
    let written = debug::synthesize(
        shape,
        quantization,
        vocabulary.as_deref(),
        out,
        &cancel,
        &mut |done, total| {
            words.progress(&format!(
                "writing {} {} of {}",
                bar(done, total, 24),
                human_bytes(done),
                human_bytes(total)
            ));
        },
    );
    invocation.out.clear();
    invocation.out.note(&format!(
        "{} is written: {} of random weights",
        out.display(),
        human_bytes(written?)
    ));
    Ok(0)
}

/// Reads a file of text.
fn text_of(file: &Path) -> Result<String> {
    std::fs::read_to_string(file)
        .map_err(|e| io_failure(format!("cannot read {}", file.display()), &e))
}
