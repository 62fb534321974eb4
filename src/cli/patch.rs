//! `patch`: a change as a diff, written on demand and checked.

use std::path::Path;

use super::args::PatchArgs;
use super::ask::{input_is_given, piped};
use super::follow::{Ready, Show, follow, ready};
use super::invocation::Invocation;
use super::{Code, NEGATIVE};
use crate::base::text::{counted, human_count, human_time, printable, truncated};
use crate::base::{Failure, Kind, RepoPath, Result};
use crate::jobs::check::{self, Before, Check, CheckStep, Checked, Verdict};
use crate::jobs::{Answer, Event, Patch, Request};
use crate::patch::{Change, UndoDir, to_unified_bytes, write};

/// Runs `patch REQUEST…`.
pub(super) fn run(args: &PatchArgs, invocation: &mut Invocation) -> Result<Code> {
    let request = request(args)?;
    let mut ready = ready(invocation, None)?;
    let piped = piped(invocation)?;
    let request = match (request, piped) {
        (None, Some(text)) => Patch {
            request: text,
            files: files(args)?,
            within: args.part.within()?,
            ..Patch::default()
        },
        (None, None) => return Err(nothing_wanted()),
        (Some(request), piped) => Patch {
            request,
            piped,
            files: files(args)?,
            within: args.part.within()?,
            ..Patch::default()
        },
    };
    carry_out(args, request, invocation, &mut ready)
}

/// The request as typed; none where it must come through a pipe.
fn request(args: &PatchArgs) -> Result<Option<String>> {
    files(args)?;
    let said = args.request.join(" ");
    match said.trim() {
        "" | "-" if input_is_given() => Ok(None),
        "" | "-" => Err(nothing_wanted()),
        said => Ok(Some(said.to_owned())),
    }
}

fn nothing_wanted() -> Failure {
    Failure::usage("there is no change to make")
        .hint("say it: `homebody patch \"return an error instead of panicking in @src/walk.rs\"`")
}

/// The files of `--file`, checked.
pub(super) fn files(args: &PatchArgs) -> Result<Vec<RepoPath>> {
    args.files.iter().map(|path| RepoPath::new(path)).collect()
}

/// Asks for the change; shows it; on demand checks it in a copy and asks again with what the
/// check said; on demand writes what passed.
pub(super) fn carry_out(
    args: &PatchArgs,
    request: Patch,
    invocation: &mut Invocation,
    ready: &mut Ready,
) -> Result<Code> {
    let command = command(args, ready)?;
    let mut before = Before::default();
    let mut wanted = request.clone();
    for round in 1..=args.rounds {
        let (change, stopped, troubles) = proposed(args.json, wanted.clone(), invocation, ready)?;
        if stopped {
            say_diff(invocation, ready.workspace.repo.root(), &change, args.json);
            invocation.out.note("stopped; nothing was written");
            return Ok(Kind::Interrupted.exit_code());
        }
        if change.is_empty() {
            invocation
                .out
                .warn("the model proposed no change that can be used");
            return Ok(NEGATIVE);
        }
        let checked = match &command {
            Some(command) => Some(checked(command, &change, &mut before, invocation, ready)?),
            None => None,
        };
        // What failed before may be just what is to be mended: every round tries to.
        if let Some(checked) = &checked
            && checked.verdict != Verdict::Passed
            && round < args.rounds
        {
            tell(invocation, checked, args.json)?;
            invocation
                .out
                .note(&format!("round {} of {}", round + 1, args.rounds));
            wanted = checked.again(request.clone(), &change);
            continue;
        }
        // Of several rounds, what is offered is the last.
        return offer(args, &change, troubles, checked.as_ref(), invocation, ready);
    }
    Err(Failure::bug("a change was asked for in no round"))
}

/// The command that a change is checked with: that of `--check`; where it matters, the configured
/// one.
///
/// # Errors
/// Of kind usage, where there is none and `--rounds` needs one.
fn command(args: &PatchArgs, ready: &Ready) -> Result<Option<String>> {
    let command = match &args.check {
        Some(command) => Some(command.clone()),
        None if args.apply || args.rounds > 1 => ready.workspace.config.check.value.clone(),
        None => None,
    };
    if command.is_none() && args.rounds > 1 {
        return Err(Failure::usage("there is no check for --rounds to satisfy")
            .hint("give one with --check, or set `check` in your config.toml"));
    }
    Ok(command)
}

/// Has a change proposed, and shows what the model says around it. Gives the change, true if it was
/// stopped, and how many edits of it cannot be used.
fn proposed(
    json: bool,
    wanted: Patch,
    invocation: &mut Invocation,
    ready: &mut Ready,
) -> Result<(Change, bool, usize)> {
    let show = if json { Show::Json } else { Show::Progress };
    let answer = follow(invocation, ready, &Request::Patch(wanted), show, false)?;
    let Answer::Patch {
        change,
        prose,
        troubles,
        stopped,
        ..
    } = answer
    else {
        return Err(Failure::bug(
            "a request for a change was answered with something else",
        ));
    };
    let unusable = troubles.len();
    if json {
        invocation.out.json(&Event::Diff {
            text: change.to_unified(),
            troubles,
        })?;
    } else {
        say_words(invocation, &prose, &troubles);
    }
    Ok((change, stopped, unusable))
}

/// Shows a change with how its check came out; writes it on demand, unless the check failed.
fn offer(
    args: &PatchArgs,
    change: &Change,
    unusable: usize,
    checked: Option<&Checked>,
    invocation: &mut Invocation,
    ready: &Ready,
) -> Result<Code> {
    say_diff(invocation, ready.workspace.repo.root(), change, args.json);
    if let Some(checked) = checked {
        tell(invocation, checked, args.json)?;
    }
    if checked.is_some_and(|checked| checked.verdict == Verdict::Failed) {
        if args.apply {
            invocation.out.note(
                "nothing was written; `git apply` takes the diff, and so does --apply \
                 without a check",
            );
        }
        return Ok(NEGATIVE);
    }
    if args.apply && unusable > 0 {
        invocation.out.note(&format!(
            "nothing was written, since {} cannot be used: a patch is written whole; `git apply` \
             takes the rest of it from the diff",
            counted(unusable, "edit")
        ));
        return Ok(NEGATIVE);
    }
    if args.apply {
        apply(invocation, ready, change, args.json)?;
        invocation.out.note("take it back with `homebody undo`");
    }
    Ok(0)
}

fn say_words(invocation: &mut Invocation, prose: &str, troubles: &[String]) {
    let prose = prose.trim();
    if !prose.is_empty() {
        invocation.out.note(prose);
    }
    for trouble in troubles {
        invocation.out.warn(trouble);
    }
}

/// Writes the diff of a change to the files at `root`: for a reader in UTF-8, for a program in the
/// encodings of the files.
fn say_diff(invocation: &mut Invocation, root: &Path, change: &Change, json: bool) {
    if json || change.is_empty() {
        return;
    }
    let out = &mut invocation.out;
    if out.is_read() {
        out.diff(&change.to_unified());
    } else {
        out.bytes(&to_unified_bytes(root, change));
    }
}

/// Says how a check came out, with its output.
fn tell(invocation: &mut Invocation, checked: &Checked, json: bool) -> Result<()> {
    let out = &mut invocation.out;
    if json {
        return out.json(&Event::Check(checked.clone()));
    }
    let time = human_time(checked.seconds);
    let (command, status) = (&checked.command, &checked.status);
    match checked.verdict {
        Verdict::Passed => out.note(&format!("check passed in {time}: {command}")),
        Verdict::AsBefore => out.warn(&format!(
            "the check fails ({status}) with the change as without it, {time}: {command}"
        )),
        Verdict::Failed => {
            let before = match checked.before {
                Some(true) => "; it failed before too, in another way",
                Some(false) => "; without the change it passes",
                None => "",
            };
            out.warn(&format!(
                "the check failed ({status}) in {time}: {command}{before}"
            ));
        }
    }
    if checked.verdict != Verdict::Passed && !out.verbose() {
        for line in checked.output.lines() {
            out.note(&format!("  {line}"));
        }
    }
    for note in &checked.notes {
        out.note(note);
    }
    Ok(())
}

/// Writes a change to the working tree, and says so.
fn apply(invocation: &mut Invocation, ready: &Ready, change: &Change, json: bool) -> Result<()> {
    let applied = write::apply(
        ready.workspace.repo.root(),
        change,
        &UndoDir::of(&ready.workspace.places),
    )?;
    for note in &applied.notes {
        invocation.out.warn(note);
    }
    let (added, removed) = change.line_counts();
    let names: Vec<String> = applied.files.iter().map(ToString::to_string).collect();
    let text = format!("applied to {} (+{added} −{removed})", names.join(", "));
    if json {
        invocation.out.json(&Event::Note { text })?;
    } else {
        invocation.out.note(&text);
    }
    Ok(())
}

/// Checks a change in a copy of the repository, with progress.
fn checked(
    command: &str,
    change: &Change,
    before: &mut Before,
    invocation: &mut Invocation,
    ready: &Ready,
) -> Result<Checked> {
    let cancel = invocation.cancel();
    let asked = Check {
        command,
        repo: &ready.workspace.repo,
        place: &ready.workspace.places.check,
        change,
        applied: false,
        allowed: &ready.workspace.allowance,
    };
    let out = &mut invocation.out;
    let mut what = "check";
    let outcome = check::check(&asked, before, &cancel, &mut |step| match step {
        CheckStep::Copied(files) => out.progress(&format!(
            "copying the repository for the check: {} files",
            human_count(files as u64)
        )),
        CheckStep::Begins { changed } => {
            what = if changed {
                "check"
            } else {
                "check without the change"
            };
            out.progress(&format!("{what}: {}", printable(command)));
        }
        CheckStep::Line(line) => {
            out.detail(&format!("  {line}"));
            out.progress(&format!("{what}: {}", truncated(line, 200)));
        }
    });
    out.clear();
    outcome
}
