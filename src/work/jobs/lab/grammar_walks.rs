//! The grammars of answers as text, and texts that belong to them or nearly do: to hold other
//! engines for grammars against the automaton.

use serde::Serialize;

use super::Random;
use crate::base::count::RoughCount;
use crate::base::{Failure, LineRange, RepoPath, Result};
use crate::context::changes::diff_pieces;
use crate::engine::Walker;
use crate::grammar::{Form, FormGrammar, Grammar as _, Notation, print};
use crate::jobs::patch::edits::definitions;
use crate::jobs::review::{FindingForm, VerdictForm};
use crate::jobs::texts::RepoTexts;
use crate::patch::{EditKind, EditLanguage, Scope, ScopeFile, Texts};
use crate::repo::{DiffSpec, Repo, WalkRules};

/// Most tokens of a text.
const LIMIT: usize = 400;
/// Tokens that an answer may have, so that none is refused for want of them.
const ROOM: usize = 100_000;
/// Lines of a file that may be named by their numbers.
const SHOWN: u32 = 60;
/// Tokens of a piece of a diff.
const BUDGET: usize = 600;
/// Texts of the forms, as tokens of random answers.
const FORMAL: [&str; 24] = [
    "*** ",
    "replace ",
    "rewrite ",
    "create ",
    "delete ",
    "rename ",
    "end",
    "\n",
    "<<<<<<<\n",
    "=======\n",
    ">>>>>>>\n",
    " -> ",
    ":",
    "-",
    "    ",
    "src/",
    " error:",
    " bug:",
    " note:",
    " security:",
    "> ",
    "No findings.",
    "Verdict: stands",
    "é",
];

/// A language of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Answers with edits of some files.
    Patch,
    /// Findings about what the last commit changed.
    Review,
    /// Verdicts of a second look.
    Verdict,
}

/// A text, and what the automaton says of it.
#[derive(Debug, Clone, Serialize)]
pub struct Tried {
    /// The text.
    pub text: String,
    /// True if the text is an answer.
    pub accepted: bool,
    /// The rule that refuses a text that is no answer, where it is one that no grammar in text can
    /// hold.
    pub beyond: Option<String>,
}

/// A language as a grammar in text.
///
/// # Errors
/// Those of reading the repository.
pub fn printed(
    language: Language,
    repo: &Repo,
    files: &[RepoPath],
    notation: Notation,
) -> Result<String> {
    let texts = RepoTexts::new(repo, &[], &WalkRules::default());
    Ok(match language {
        Language::Patch => print(&edits(&texts, files)?, notation),
        Language::Review => print(&findings(repo)?, notation),
        Language::Verdict => print(&VerdictForm, notation),
    })
}

/// Makes random texts: half of them answers, half of them answers in which something was changed.
///
/// # Errors
/// Those of reading the repository.
pub fn strings(
    language: Language,
    repo: &Repo,
    files: &[RepoPath],
    count: usize,
    each: &mut dyn FnMut(&Tried),
) -> Result<()> {
    let texts = RepoTexts::new(repo, &[], &WalkRules::default());
    match language {
        Language::Patch => chance(|| edits(&texts, files), count, each),
        Language::Review => chance(|| findings(repo), count, each),
        Language::Verdict => chance(|| Ok(VerdictForm), count, each),
    }
}

fn edits<'a>(texts: &'a RepoTexts<'_>, files: &[RepoPath]) -> Result<EditLanguage<'a>> {
    let mut given = Vec::new();
    for path in files {
        let text = texts.text(path)?;
        let lines = (text.lines().count() as u32).clamp(1, SHOWN);
        given.push(ScopeFile {
            definitions: definitions(path, &text),
            path: path.clone(),
            text,
            shown: vec![LineRange::new(1, lines)],
        });
    }
    Ok(EditLanguage::new(Scope {
        files: given,
        texts,
        only: Vec::new(),
        kinds: EditKind::ALL.to_vec(),
        limit: ROOM,
        lines: None,
        must_edit: true,
    }))
}

fn findings(repo: &Repo) -> Result<FindingForm> {
    let commits = repo.recent_commits(1)?;
    let commit = commits
        .first()
        .ok_or_else(|| Failure::input("there is no commit"))?;
    let diff = repo.diff(&DiffSpec::Commit(commit.id.clone()), 3)?;
    let cut = diff_pieces(&diff, false, BUDGET, &RoughCount);
    let piece = cut
        .pieces
        .first()
        .ok_or_else(|| Failure::input("the last commit changes no line"))?;
    Ok(FindingForm::new(piece, &diff, true))
}

fn chance<F: Form>(
    make: impl Fn() -> Result<F>,
    count: usize,
    each: &mut dyn FnMut(&Tried),
) -> Result<()> {
    let bytes = (b' '..=b'~').map(|byte| vec![byte]);
    let formal = FORMAL.iter().map(|text| text.as_bytes().to_vec());
    let mut walker = Walker::new(bytes.chain(formal).collect());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut told = 0;
    let mut seed = 0;
    while told < count {
        seed += 1;
        let mut grammar = FormGrammar::new(make()?, ROOM);
        let walked = walker.walk(&mut grammar, LIMIT, seed);
        let text = String::from_utf8_lossy(&walked.text).into_owned();
        if walked.ended {
            each(&tried(make()?, &text));
            told += 1;
        }
        if told < count {
            each(&tried(make()?, &changed(&text, &mut random)));
            told += 1;
        }
    }
    Ok(())
}

/// Holds a text against the automaton.
fn tried<F: Form>(form: F, text: &str) -> Tried {
    let mut grammar = FormGrammar::new(form, ROOM);
    let refused = text.bytes().find(|byte| {
        let taken = grammar.push(*byte);
        grammar.commit(ROOM);
        !taken
    });
    let accepted = refused.is_none() && grammar.may_end();
    let beyond = (!accepted).then(|| grammar.beyond(refused)).flatten();
    Tried {
        text: text.to_owned(),
        accepted,
        beyond: beyond.map(|rule| format!("{rule:?}")),
    }
}

/// Changes something in a text, at random.
fn changed(text: &str, random: &mut Random) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (at, other) = (random.below(lines.len()), random.below(lines.len()));
    match random.below(6) {
        0 if !lines.is_empty() => {
            lines.remove(at);
        }
        1 => lines
            .splice(at..at, lines.get(other).copied())
            .for_each(drop),
        2 if !lines.is_empty() => lines.swap(at, other),
        3 => lines.extend_from_within(at..),
        4 => lines.truncate(at),
        _ => {
            let mut chars: Vec<char> = text.chars().collect();
            let at = random.below(chars.len());
            let new = char::from(b' ' + random.below(95) as u8);
            if let Some(slot) = chars.get_mut(at) {
                *slot = new;
            }
            return chars.into_iter().collect();
        }
    }
    lines.concat()
}
