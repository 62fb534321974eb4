//! The user's own check of a change: `cargo check`, `make test`.
//!
//! The command comes from the user's configuration or the command line, never from the
//! repository or the model. It runs in a copy of the repository, so that nothing there is
//! touched; where it fails, it runs once more without the change, so that what failed before
//! is told apart from what the change broke.

mod cage;
mod command;
mod editable;
mod neighbours;
mod output;
mod proof;
mod scratch;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Patch;
use crate::base::secrets::masked;
use crate::base::{Cancel, Failure, Result};
use crate::patch::Change;
use crate::repo::Repo;
pub use cage::Allowance;
use command::{Confinement, Ran};
pub use proof::{Proof, proof};
use scratch::Scratch;

/// Most bytes of an output that are told to a model or shown.
const MATTERS: usize = 4_000;

/// The verdict of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The command exited with 0.
    Passed,
    /// The command fails, as it does without the change, and says nothing new.
    AsBefore,
    /// The command fails, and did not before, or with more than before.
    Failed,
}

/// The outcome of a check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// The command, safe to show.
    pub command: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The way the command ended, for people: `exit status: 1`, `stopped after 10 min 0 s`.
    pub status: String,
    /// True if the command fails without the change too; none where that was not tried.
    pub before: Option<bool>,
    /// The part of the output that matters (about 4,000 bytes), safe to show: faults that are new.
    pub output: String,
    /// Seconds that both runs took.
    pub seconds: f64,
    /// Sentences for the user: a network that was refused, folders that are not in the copy.
    pub notes: Vec<String>,
}

impl Checked {
    /// The request for another try: the same wish, with the change that failed and what the
    /// check said of it. The repository is as it was: the change is to be written anew.
    pub fn again(&self, request: Patch, change: &Change) -> Patch {
        let (command, status) = (&self.command, &self.status);
        let remark = format!(
            "with it `{command}` fails ({status}). Write the change anew, whole, so that it passes."
        );
        let before = request.piped.map_or_else(String::new, |text| text + "\n");
        let said = &self.output;
        Patch {
            piped: Some(format!(
                "{before}What `{command}` says of that change:\n{said}"
            )),
            again: Some((change.to_unified(), remark)),
            ..request
        }
    }
}

/// A step of a check, told while it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckStep<'a> {
    /// The number of files that were copied so far.
    Copied(usize),
    /// The command begins, with the change or without it.
    Begins {
        /// True if the change is in the copy.
        changed: bool,
    },
    /// The command wrote a line, safe to show.
    Line(&'a str),
}

/// The run of a command without the change, kept from one check to the next: the state of the
/// repository, the command, the outcome.
#[derive(Debug, Default)]
pub struct Before(Option<([u8; 32], String, Ran)>);

/// A check that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Check<'a> {
    /// The command, for the shell.
    pub command: &'a str,
    /// The repository.
    pub repo: &'a Repo,
    /// The folder of copies ([`crate::base::RepoPlaces::check`]).
    pub place: &'a Path,
    /// The change.
    pub change: &'a Change,
    /// True if the change stands in the repository already.
    pub applied: bool,
    /// The files and rights that the command is allowed beside the usual.
    pub allowed: &'a Allowance,
}

/// Makes a check. Nothing in the repository is changed.
///
/// # Errors
/// Of kind usage for a command that is empty or not found; of kind environment, if the copy
/// cannot be made, another check has it, or the command cannot be started; of kind interrupted,
/// if cancelled.
pub fn check(
    asked: &Check<'_>,
    before: &mut Before,
    cancel: &Cancel,
    tell: &mut dyn FnMut(CheckStep<'_>),
) -> Result<Checked> {
    cancel.check()?;
    if asked.command.trim().is_empty() {
        return Err(Failure::usage("the check command is empty")
            .hint("give one with --check, or set `check` in your config.toml"));
    }
    let secrets = cage::secrets(asked.allowed);
    let mut scratch = Scratch::take(asked.repo, asked.place, secrets)?;
    scratch.refresh(asked.repo, cancel, &mut |files| {
        tell(CheckStep::Copied(files))
    })?;
    if !asked.applied {
        scratch.put(asked.change)?;
    }
    tell(CheckStep::Begins { changed: true });
    let now = run(asked, &scratch, cancel, tell)?;
    let mut checked = Checked {
        command: crate::base::text::printable(asked.command).into_owned(),
        verdict: Verdict::Passed,
        status: now.status.clone(),
        before: None,
        output: String::new(),
        seconds: now.seconds,
        notes: open_ways(&scratch, &now),
    };
    let all: Vec<&str> = now.output.lines().collect();
    if now.passed {
        checked.output = output::what_matters(&all, MATTERS);
        return Ok(checked);
    }
    scratch.refresh(asked.repo, cancel, &mut |_| {})?;
    let state = if asked.applied {
        let state = scratch.state();
        scratch.put(&asked.change.reversed())?;
        state
    } else {
        scratch.state()
    };
    let known = before.0.take().filter(|(of, command, _)| {
        // What was taken out of an applied change is no state of the repository's own.
        *of == state && command == asked.command && !asked.applied
    });
    let then = match known {
        Some((_, _, then)) => then,
        None => {
            tell(CheckStep::Begins { changed: false });
            let then = run(asked, &scratch, cancel, tell)?;
            checked.seconds += then.seconds;
            then
        }
    };
    if now.not_run && then.not_run {
        return Err(not_run(&checked.command, &now));
    }
    judge(&mut checked, &now, &then, &scratch);
    if !asked.applied {
        before.0 = Some((state, asked.command.to_owned(), then));
    }
    Ok(checked)
}

/// The failure of a command that no shell can start.
fn not_run(command: &str, now: &Ran) -> Failure {
    // A shell need not say why.
    let said = now.output.lines().last().unwrap_or_default();
    Failure::usage(format!("the check `{command}` cannot be run"))
        .because(said)
        .hint("is it spelled right, and on the PATH?")
}

/// Compares a failing run with one without the change.
fn judge(checked: &mut Checked, now: &Ran, then: &Ran, scratch: &Scratch) {
    let fresh = output::fresh(&now.output, &then.output);
    let worse = then.passed || now.status != then.status;
    let new_faults = fresh.iter().any(|line| output::is_wrong(line));
    checked.before = Some(!then.passed);
    checked.verdict = if worse || new_faults {
        Verdict::Failed
    } else {
        Verdict::AsBefore
    };
    let all: Vec<&str> = now.output.lines().collect();
    // Where it failed before, what is new is what the change did.
    let told = if then.passed || !new_faults {
        &all
    } else {
        &fresh
    };
    checked.output = output::what_matters(told, MATTERS);
    if output::was_refused_a_network(&now.output) {
        checked.notes.push(
            "it was refused a network: what homebody starts may not open sockets; \
             a check that needs one must run outside"
                .to_owned(),
        );
    }
    if let Some(path) = &now.refused {
        let path = crate::base::text::printable(&path.to_string_lossy()).into_owned();
        checked.notes.push(format!(
            "it does not see {path}: `check_read = [\"{path}\"]` in your config.toml lets it read \
             that"
        ));
    }
    if !then.passed && !scratch.built.is_empty() {
        let names: Vec<_> = scratch
            .built
            .iter()
            .filter(|path| path.components().count() == 1)
            .take(4)
            .map(|path| crate::base::text::printable(&path.to_string_lossy()).into_owned())
            .collect();
        if !names.is_empty() {
            checked.notes.push(format!(
                "it runs in a copy of the repository, without what builds have left in {}",
                names.join(", ")
            ));
        }
    }
}

/// Says what a check could do: read neighbours, or, without walls, everything.
fn open_ways(scratch: &Scratch, ran: &Ran) -> Vec<String> {
    if ran.walls.is_some() {
        let names: Vec<_> = scratch
            .neighbours
            .iter()
            .filter_map(|path| path.file_name())
            .map(|name| {
                crate::base::text::printable(&format!("../{}", name.to_string_lossy())).into_owned()
            })
            .collect();
        return match names.len() {
            0 => Vec::new(),
            _ => vec![format!(
                "it could read {} too, which a manifest of the repository names",
                names.join(", ")
            )],
        };
    }
    let mut said = vec![
        "it ran with every right that you have (check_unfenced = true): it could read and write \
         whatever you can"
            .to_owned(),
    ];
    let names: Vec<_> = scratch
        .linked
        .iter()
        .take(4)
        .map(|path| crate::base::text::printable(&path.to_string_lossy()).into_owned())
        .collect();
    if !names.is_empty() {
        said.push(format!(
            "{} in its copy lead to the repository's own, which it could write in",
            names.join(", ")
        ));
    }
    said
}

/// Runs the command in the copy, once.
fn run(
    asked: &Check<'_>,
    scratch: &Scratch,
    cancel: &Cancel,
    tell: &mut dyn FnMut(CheckStep<'_>),
) -> Result<Ran> {
    let root = asked.repo.root();
    let temporary = scratch.temporary()?;
    let mut variables: Vec<(&'static str, Option<OsString>)> = vec![
        // Git looks for no repository above the copy, and takes no locks in the user's.
        (
            "GIT_CEILING_DIRECTORIES",
            Some(scratch.above().into_os_string()),
        ),
        ("GIT_OPTIONAL_LOCKS", Some("0".into())),
        ("TMPDIR", Some(temporary.clone().into_os_string())),
        // A folder shared with other builds would mix theirs and ours.
        ("CARGO_TARGET_DIR", None),
    ];
    if let Some(paths) = editable::python_path(root, scratch.tree()) {
        variables.push(("PYTHONPATH", Some(paths)));
    }
    let place = if asked.allowed.unfenced {
        Confinement::Open(scratch.tree().to_owned(), variables)
    } else {
        let git = asked.repo.own_git_dirs();
        scratch.lend_git(git.first().map(PathBuf::as_path))?;
        let ours = scratch.rooms(temporary)?;
        let beside = &scratch.neighbours;
        let cage = cage::cage(asked.command, root, &git, beside, &ours, asked.allowed);
        let mut environment = cage::environment(asked.allowed);
        let set = variables.into_iter();
        environment.extend(set.filter_map(|(name, value)| Some((name.into(), value?))));
        Confinement::Caged(Box::new(cage), environment)
    };
    // Files are named as in the repository.
    let tree = format!("{}{}", scratch.tree().display(), std::path::MAIN_SEPARATOR);
    let mut ran = command::run(
        asked.command,
        &place,
        asked.allowed.time,
        cancel,
        &mut |line| {
            tell(CheckStep::Line(&line.replace(&tree, "")));
        },
    )?;
    // Tests print what they read; a model may be told of it.
    ran.output = masked(&ran.output.replace(&tree, ""))?.into_owned();
    Ok(ran)
}

#[cfg(test)]
#[cfg(unix)]
#[path = "check_tests.rs"]
mod tests;
