//! `patch` and `undo`: a change as a diff, written on demand, checked, and taken back.

use super::args::PatchArgs;
use super::ask::{input_is_given, piped};
use super::desk::Desk;
use super::follow::{Ready, Show, follow, ready};
use super::start::{Code, NEGATIVE};
use crate::base::text::{human_time, printable, truncated};
use crate::base::{Failure, Kind, RepoPath, Result};
use crate::jobs::check::{self, Checked};
use crate::jobs::{Answer, Event, Patch, Request};
use crate::patch::{Change, UndoDir, write};

/// So much of what a check said goes into the next try.
const MOST_SAID: usize = 4_000;

/// `patch REQUEST…`.
pub(super) fn run(args: &PatchArgs, desk: &mut Desk) -> Result<Code> {
    let request = request(args)?;
    let mut ready = ready(desk, None)?;
    let piped = piped(desk)?;
    let mut request = match (request, piped) {
        (None, Some(text)) => Patch {
            request: text,
            files: files(args)?,
            ..Patch::default()
        },
        (None, None) => return Err(nothing_wanted()),
        (Some(request), piped) => Patch {
            request,
            piped,
            files: files(args)?,
            ..Patch::default()
        },
    };
    request.unmasked = args.unmasked;
    carry_out(args, request, desk, &mut ready)
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

/// Asks for the change; shows it; on demand applies it, checks it and tries again.
pub(super) fn carry_out(
    args: &PatchArgs,
    mut request: Patch,
    desk: &mut Desk,
    ready: &mut Ready,
) -> Result<Code> {
    let show = if args.json {
        Show::Json
    } else {
        Show::Progress
    };
    let command = args
        .check
        .clone()
        .or_else(|| ready.workspace.config.check.value.clone())
        .filter(|_| args.apply);
    let mut applied = 0usize;
    for round in 1..=args.rounds {
        let answer = follow(desk, ready, &Request::Patch(request.clone()), show, false)?;
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
        if !args.json {
            say(desk, &change, &prose, &troubles);
        }
        if stopped {
            desk.out.note("stopped; nothing was written");
            return Ok(Kind::Interrupted.exit_code());
        }
        if change.is_empty() {
            desk.out
                .warn("the model proposed no change that can be used");
            undo_hint(desk, applied);
            return Ok(NEGATIVE);
        }
        if !args.apply {
            return Ok(0);
        }
        apply(desk, ready, &change, args.json)?;
        applied += 1;
        let Some(command) = &command else {
            undo_hint(desk, applied);
            return Ok(0);
        };
        let checked = checked(command, desk, ready)?;
        if checked.passed {
            desk.out.note(&format!(
                "check passed in {}: {command}",
                human_time(checked.seconds)
            ));
            undo_hint(desk, applied);
            return Ok(0);
        }
        desk.out.warn(&format!(
            "the check failed ({}) in {}: {command}",
            checked.status,
            human_time(checked.seconds)
        ));
        if round == args.rounds {
            break;
        }
        desk.out
            .note(&format!("round {} of {}", round + 1, args.rounds));
        request = again(&request, command, &checked);
        // The next round must see the files as they are now.
        ready.index = desk.index(&ready.workspace, false)?;
    }
    undo_hint(desk, applied);
    Ok(NEGATIVE)
}

/// The request for the next round: the same wish, and what the check said of the last try.
fn again(request: &Patch, command: &str, checked: &Checked) -> Patch {
    let mut from = checked.output.len().saturating_sub(MOST_SAID);
    while !checked.output.is_char_boundary(from) {
        from += 1;
    }
    let said = checked.output.get(from..).unwrap_or_default();
    Patch {
        piped: Some(format!(
            "A first change for this request is in the files already. The check `{command}` \
             fails with it ({}); its last words:\n{said}",
            checked.status
        )),
        again: None,
        ..request.clone()
    }
}

fn say(desk: &mut Desk, change: &Change, prose: &str, troubles: &[String]) {
    let prose = prose.trim();
    if !prose.is_empty() {
        desk.out.note(prose);
    }
    for trouble in troubles {
        desk.out.warn(trouble);
    }
    if !change.is_empty() {
        desk.out.diff(&change.to_unified());
    }
}

fn apply(desk: &mut Desk, ready: &Ready, change: &Change, json: bool) -> Result<()> {
    let applied = write::apply(
        ready.workspace.repo.root(),
        change,
        &UndoDir(ready.workspace.places.undo.clone()),
    )?;
    for note in &applied.notes {
        desk.out.warn(note);
    }
    let (added, removed) = change.line_counts();
    let names: Vec<String> = applied.files.iter().map(ToString::to_string).collect();
    let text = format!("applied to {} (+{added} −{removed})", names.join(", "));
    if json {
        desk.out.json(&Event::Note { text })?;
    } else {
        desk.out.note(&text);
    }
    Ok(())
}

fn checked(command: &str, desk: &mut Desk, ready: &Ready) -> Result<Checked> {
    let cancel = desk.cancel();
    let root = ready.workspace.repo.root().to_path_buf();
    let out = &mut desk.out;
    out.progress(&format!("check: {command}"));
    let outcome = check::run(command, &root, &cancel, &mut |line| {
        out.detail(&format!("  {line}"));
        out.progress(&format!("check: {}", printable(truncated(line, 200))));
    });
    out.clear();
    let checked = outcome?;
    if !checked.passed && !out.verbose() {
        const MOST: usize = 20;
        let lines: Vec<&str> = checked.output.lines().collect();
        for line in lines.iter().skip(lines.len().saturating_sub(MOST)) {
            out.note(&format!("  {line}"));
        }
    }
    Ok(checked)
}

fn undo_hint(desk: &mut Desk, applied: usize) {
    match applied {
        0 => {}
        1 => desk.out.note("take it back with `homebody undo`"),
        n => desk
            .out
            .note(&format!("take it back with `homebody undo`, {n} times")),
    }
}

/// `undo`.
pub(super) fn undo(desk: &mut Desk) -> Result<Code> {
    desk.check_dir()?;
    let workspace = desk.open_as_it_is()?;
    let undone = write::undo(
        workspace.repo.root(),
        &UndoDir(workspace.places.undo.clone()),
    )?;
    for note in &undone.notes {
        desk.out.warn(note);
    }
    let names: Vec<String> = undone.files.iter().map(ToString::to_string).collect();
    desk.out.note(&format!("put back: {}", names.join(", ")));
    desk.out.note(&match undone.left {
        0 => "no earlier patch is left to undo".to_owned(),
        1 => "one earlier patch can be undone".to_owned(),
        n => format!("{n} earlier patches can be undone"),
    });
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_round_is_told_what_the_check_said() {
        let checked = Checked {
            passed: false,
            status: "exit status: 1".to_owned(),
            output: format!("{}ü the end\n", "x".repeat(2 * MOST_SAID)),
            seconds: 1.0,
        };
        let first = Patch {
            request: "do it".to_owned(),
            ..Patch::default()
        };
        let next = again(&first, "make", &checked);
        let piped = next.piped.expect("told");
        assert_eq!(next.request, "do it");
        assert!(piped.contains("`make`") && piped.ends_with("ü the end\n"));
        assert!(piped.len() < MOST_SAID + 400);
    }
}
