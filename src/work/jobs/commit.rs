//! Applied changes put into git: staged, or committed with the hooks that the user has.

use std::path::Path;

use super::check::{self, Allowance, Before, Check, CheckStep, Verdict};
use crate::base::text::printable;
use crate::base::{Cancel, Failure, RepoPath, Result};
use crate::patch::{Change, merged};
use crate::repo::{CommitPlan, NewCommit, Repo, TextChange};

/// Lines of what a hook says that are told.
const TOLD: usize = 20;
/// The line of a draft that says whether hooks run.
const HOOKS: &str = "# hooks:";

/// A commit that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Committing<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// The folder of copies, in which hooks run ([`crate::base::RepoPlaces::check`]).
    pub place: &'a Path,
    /// The change, which stands in the working tree.
    pub change: &'a Change,
    /// The message.
    pub message: &'a str,
    /// True if the hooks are to run.
    pub hooks: bool,
    /// The files and rights that hooks are allowed beside the usual.
    pub allowed: &'a Allowance,
}

/// A commit that was made, and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The commit.
    pub commit: NewCommit,
    /// The doings of the hooks, in sentences.
    pub notes: Vec<String>,
}

/// Stages a change that stands in the working tree, and nothing else. Gives its files.
///
/// # Errors
/// As [`Repo::stage`].
pub fn stage(repo: &Repo, change: &Change) -> Result<Vec<RepoPath>> {
    repo.stage(&texts(change), &merge)
}

/// Plans a commit of a change, and of nothing else.
///
/// # Errors
/// As [`Repo::plan_commit`].
pub fn plan(repo: &Repo, change: &Change) -> Result<CommitPlan> {
    repo.plan_commit(&texts(change), &merge)
}

/// Makes a commit of a change, and of nothing else, once the hooks let it pass. They run as checks
/// do: in a cage, on a copy of the working tree.
///
/// # Errors
/// As [`Repo::commit`]; of kind input, where a hook refuses it.
pub fn commit(
    asked: &Committing<'_>,
    cancel: &Cancel,
    tell: &mut dyn FnMut(String),
) -> Result<Committed> {
    let mut notes = Vec::new();
    let changes = texts(asked.change);
    let hooks = asked.repo.plan_commit(&changes, &merge)?.hooks;
    let mut run = |index: &Path| -> Result<()> {
        for hook in &hooks {
            if asked.hooks {
                notes.push(hook_passed(asked, hook, index, cancel, tell)?);
            } else {
                notes.push(format!("the hook {hook} was not run, as you chose"));
            }
        }
        Ok(())
    };
    let commit = asked
        .repo
        .commit(&changes, &merge, asked.message, &mut run)?;
    Ok(Committed { commit, notes })
}

/// Runs a hook; says that it let the commit pass.
fn hook_passed(
    asked: &Committing<'_>,
    hook: &str,
    index: &Path,
    cancel: &Cancel,
    tell: &mut dyn FnMut(String),
) -> Result<String> {
    let program = asked.repo.hooks_dir()?.join(hook);
    let command = command(&program, hook, index, asked.message);
    tell(format!("the hook {hook} runs"));
    let checked = check::check(
        &Check {
            command: &command,
            repo: asked.repo,
            place: asked.place,
            change: asked.change,
            applied: true,
            allowed: asked.allowed,
        },
        &mut Before::default(),
        cancel,
        &mut |step| {
            if let CheckStep::Line(line) = step {
                tell(format!("{hook}: {line}"));
            }
        },
    )
    .map_err(|failure| {
        if failure.is_interrupted() {
            return failure;
        }
        Failure::new(failure.kind(), format!("the hook {hook} cannot be run"))
            .because(failure.to_string())
            .hint(without())
    })?;
    let place = if asked.allowed.unfenced {
        "with every right that you have (check_unfenced = true)"
    } else {
        "in a cage, on a copy"
    };
    if checked.verdict == Verdict::Passed {
        return Ok(format!("the hook {hook} ran {place}, and let it pass"));
    }
    let what = format!("the hook {hook} refuses the commit ({})", checked.status);
    let failure = Failure::input(what).because(format!("it ran {place}"));
    let said = checked.output.lines().take(TOLD);
    let failure = said.fold(failure, |failure, line| failure.because(printable(line)));
    Err(failure.hint(without()))
}

fn without() -> String {
    format!("mend it, or write `{HOOKS} no` in the message: git's own hooks are then passed over")
}

/// The command that runs a hook as git would.
fn command(program: &Path, hook: &str, index: &Path, message: &str) -> String {
    let index = quoted(&index.to_string_lossy());
    let program = quoted(&program.to_string_lossy());
    let run = format!("GIT_INDEX_FILE={index} GIT_EDITOR=: {program}");
    if hook != "commit-msg" {
        return run;
    }
    // A message that it writes anew could not be taken over unseen.
    let message = quoted(&format!("{}\n", message.trim_end()));
    format!(
        "f=\"${{TMPDIR:-/tmp}}/COMMIT_EDITMSG\"; printf %s {message} >\"$f\" && cp \"$f\" \"$f.was\" && \
         {run} \"$f\" && {{ cmp -s \"$f\" \"$f.was\" || {{ echo 'it would change the message to:'; \
         cat \"$f\"; exit 1; }}; }}"
    )
}

/// A text as a word of the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn merge(before: &str, now: &str, after: &str) -> Option<String> {
    // Most files are as they were.
    if now == before || now == after {
        return Some(after.to_owned());
    }
    merged(before, now, after).ok()
}

/// A change as git is told it.
fn texts(change: &Change) -> Vec<TextChange> {
    let files = change.files.iter().map(|file| TextChange {
        path: file.path.clone(),
        renamed_to: file.renamed_to.clone(),
        before: file.before.clone(),
        after: file.after.clone(),
    });
    files.collect()
}

/// The text that a message is edited in: lines with `#` say what is committed and are left out.
pub fn draft(message: &str, plan: &CommitPlan) -> String {
    let mut out = format!("{}\n\n", message.trim());
    let mut say = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    say("# Lines that begin with # are left out. An empty message commits nothing.");
    say("# This is committed, and nothing else; what else is staged stays staged:");
    for file in &plan.files {
        let other = if plan.both.contains(file) {
            "  (other changes of it stay staged)"
        } else {
            ""
        };
        say(&format!("#   {}{other}", printable(file.as_str())));
    }
    if !plan.hooks.is_empty() {
        say("#");
        say(&format!(
            "# {}: run as checks do, in a cage and on a copy. Write `no` to pass them over.",
            plan.hooks.join(" and ")
        ));
        say(&format!("{HOOKS} yes"));
    }
    out
}

/// The message of an edited draft, and whether hooks run.
pub fn read_draft(text: &str) -> (String, bool) {
    let said = text.lines().rev().find_map(|line| line.strip_prefix(HOOKS));
    let hooks = !said.is_some_and(|said| said.trim().eq_ignore_ascii_case("no"));
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let message: Vec<&str> = lines.map(str::trim_end).collect();
    (message.join("\n").trim().to_owned(), hooks)
}

#[cfg(test)]
#[path = "commit_tests.rs"]
mod tests;
