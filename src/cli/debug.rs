//! `debug`: for those who work on homebody, and for the tests.

use super::args::{DebugCommand, GrammarLanguage, GrammarNotation};
use super::bench::local;
use super::desk::Desk;
use super::out::{Tone, bar};
use super::sealing::attempts;
use super::start::{Code, NEGATIVE};
use crate::base::failure::io_failure;
use crate::base::text::human_bytes;
use crate::base::{Failure, RepoPath, Result, seal};
use crate::engine::{Walker, debug};
use crate::grammar::Notation;
use crate::index::Part;
use crate::jobs::{ModelChoice, finding_walks, grammar_walks, replays, walks};
use crate::patch::EditKind;

/// The JSON schema of the events; a test holds real events against it.
pub(super) const SCHEMA: &str = include_str!("events.schema.json");

/// `debug …`.
pub(super) fn run(command: DebugCommand, desk: &mut Desk) -> Result<Code> {
    match command {
        DebugCommand::Schema => desk.out.raw(SCHEMA),
        DebugCommand::Logits { tokens, out } => {
            let mut engine = local(desk, 0)?;
            let cancel = desk.cancel();
            let (rows, columns) = debug::logits(&mut engine, &tokens, &out, &cancel)?;
            desk.out.note(&format!("{rows} rows of {columns}"));
        }
        DebugCommand::Tokenize {
            file,
            special,
            time,
        } => {
            let model = file_of_model(desk)?;
            let (ids, seconds) = debug::tokenize(&model, &file, special)?;
            if time {
                let n = ids.len();
                desk.out
                    .note(&format!("{n} tokens in {:.1} ms", seconds * 1e3));
            }
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            desk.out.line(Tone::Plain, &ids.join(" "));
        }
        DebugCommand::Render { messages, template } => {
            let template = match template {
                Some(file) => {
                    desk.seal()?;
                    file
                }
                None => file_of_model(desk)?,
            };
            let text = debug::render(&template, &messages)?;
            desk.out.raw(&text);
        }
        DebugCommand::Generate { prompt, max } => {
            let mut engine = local(desk, 0)?;
            let cancel = desk.cancel();
            let text = debug::generate(&mut engine, &prompt, max as usize, &cancel)?;
            desk.out.json(&text)?;
        }
        DebugCommand::Without { part, query, top } => {
            let query = std::fs::read_to_string(&query)
                .map_err(|e| io_failure(format!("cannot read {}", query.display()), &e))?;
            let Some((_, part)) = Part::ALL.into_iter().find(|(name, _)| *name == part) else {
                return Err(Failure::usage(format!("the search has no part `{part}`")));
            };
            desk.check_dir()?;
            let workspace = desk.open()?;
            let index = desk.index(&workspace, false)?;
            for hit in index.search_without(&query, top as usize, part)? {
                let (path, range) = (&hit.path, hit.range);
                let line = format!("{path}:{}-{}", range.start(), range.end());
                desk.out.line(Tone::Plain, &line);
            }
        }
        DebugCommand::Candidates { query } => {
            let query = std::fs::read_to_string(&query)
                .map_err(|e| io_failure(format!("cannot read {}", query.display()), &e))?;
            desk.check_dir()?;
            let workspace = desk.open()?;
            let index = desk.index(&workspace, false)?;
            desk.out.json(&index.candidates(&query)?)?;
        }
        DebugCommand::Findings {
            commits,
            walks,
            vocabulary,
        } => {
            desk.check_dir()?;
            let mut walker = Walker::from_file(&file_of_model(desk)?, vocabulary as usize)?;
            let workspace = desk.open()?;
            let index = desk.index(&workspace, false)?;
            let cancel = desk.cancel();
            let plan = finding_walks::Plan {
                commits: commits as usize,
                walks: walks as usize,
                limit: 400,
            };
            let words = &mut desk.out;
            let mut each = |done: usize| words.progress(&format!("{done} of {commits} commits"));
            let (repo, index) = (&workspace.repo, &index);
            let report =
                finding_walks::finding_walks(repo, index, &mut walker, plan, &cancel, &mut each);
            desk.out.clear();
            let report = report?;
            desk.out.json(&report)?;
            if !report.faults.is_empty() {
                return Ok(NEGATIVE);
            }
        }
        DebugCommand::Walks {
            walks: count,
            limit,
            vocabulary,
        } => {
            desk.check_dir()?;
            let mut walker = Walker::from_file(&file_of_model(desk)?, vocabulary as usize)?;
            let workspace = desk.open()?;
            let cancel = desk.cancel();
            let plan = walks::Plan {
                walks: count as usize,
                limit: limit as usize,
                seed: 1,
            };
            let words = &mut desk.out;
            let report = walks::walks(
                &workspace.repo,
                &mut walker,
                plan,
                &cancel,
                &mut |done, _| {
                    words.progress(&format!("{done} of {count} walks"));
                },
            );
            desk.out.clear();
            let report = report?;
            desk.out.json(&report)?;
            if !report.faults.is_empty() {
                return Ok(NEGATIVE);
            }
        }
        DebugCommand::Grammar {
            language,
            files,
            notation,
            strings,
        } => {
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
            desk.check_dir()?;
            let repo = desk.open()?.repo;
            if let Some(count) = strings {
                let mut failed = None;
                let mut each = |tried: &grammar_walks::Tried| {
                    failed = failed.take().or(desk.out.json(tried).err());
                };
                grammar_walks::strings(language, &repo, &files, count as usize, &mut each)?;
                failed.map_or(Ok(()), Err)?;
            } else {
                let text = grammar_walks::printed(language, &repo, &files, notation)?;
                desk.out.raw(&text);
            }
        }
        DebugCommand::Replay { changes } => {
            let mut walker = Walker::from_file(&file_of_model(desk)?, 0)?;
            let text = std::fs::read_to_string(&changes)
                .map_err(|e| io_failure(format!("cannot read {}", changes.display()), &e))?;
            for line in text.lines() {
                let pairs: Vec<replays::Pair> = serde_json::from_str(line)
                    .map_err(|e| Failure::input("a line is no array of files").because(e))?;
                for form in [EditKind::Replace, EditKind::Rewrite] {
                    desk.out.json(&replays::replay(&pairs, form, &mut walker))?;
                }
            }
        }
        DebugCommand::Synthesize {
            shape,
            out,
            quantization,
            vocabulary,
        } => {
            let starter = desk.store().get("starter")?.map(|found| found.path);
            let vocabulary = vocabulary.or(starter);
            desk.catch_signals();
            desk.seal()?;
            let cancel = desk.cancel();
            let words = &mut desk.out;
            let written = debug::synthesize(
                &shape,
                &quantization,
                vocabulary.as_deref(),
                &out,
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
            desk.out.clear();
            desk.out.note(&format!(
                "{} is written: {} of random weights",
                out.display(),
                human_bytes(written?)
            ));
        }
        DebugCommand::Seal {
            open,
            child,
            inherited,
        } => {
            if !open {
                desk.seal()?;
            }
            if inherited {
                for (fd, network) in seal::descriptors() {
                    let what = if network { "network" } else { "other" };
                    desk.out.line(Tone::Plain, &format!("{fd}: {what}"));
                }
                return Ok(0);
            }
            let tried = if child {
                seal::probe_child()?
            } else {
                seal::probe()
            };
            for line in attempts(&tried) {
                desk.out.line(Tone::Plain, &line);
            }
        }
    }
    Ok(0)
}

/// The file of the chosen model.
fn file_of_model(desk: &mut Desk) -> Result<std::path::PathBuf> {
    match desk.model()? {
        ModelChoice::Installed(installed) => Ok(installed.path),
        ModelChoice::File(file) => Ok(file),
        _ => Err(Failure::usage("tokens need a model")),
    }
}
