//! `undo`: patches are listed and taken back.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::Code;
use super::args::UndoArgs;
use super::invocation::Invocation;
use super::out::Tone;
use crate::base::Result;
use crate::base::text::human_ago;
use crate::patch::undo::{Undoable, list, undo};
use crate::patch::{Foreign, UndoDir, UndoRequest};

/// Files of a patch that are named in the list.
const NAMED: usize = 4;

/// Runs `undo [N]` and `undo --list`.
pub(super) fn run(args: &UndoArgs, invocation: &mut Invocation) -> Result<Code> {
    invocation.check_dir()?;
    let workspace = invocation.open_as_it_is()?;
    let dir = UndoDir::of(&workspace.places);
    if args.list {
        let all = list(&dir)?;
        if all.is_empty() {
            invocation.out.note("there is no applied patch to undo");
        }
        for patch in &all {
            if args.json {
                invocation.out.json(&object(patch))?;
                continue;
            }
            invocation.out.line(Tone::Plain, &line(patch));
        }
        return Ok(0);
    }
    let request = UndoRequest {
        number: args.number,
        foreign: if invocation.yes {
            Foreign::Wanted
        } else {
            Foreign::Refused
        },
        force: args.force,
    };
    let undone = undo(workspace.repo.root(), &dir, &request)?;
    for note in &undone.notes {
        invocation.out.warn(note);
    }
    if args.json {
        invocation.out.json(&json!({
            "type": "undone",
            "files": undone.files,
            "left": undone.left,
            "notes": undone.notes,
        }))?;
        return Ok(0);
    }
    let names: Vec<String> = undone.files.iter().map(ToString::to_string).collect();
    let out = &mut invocation.out;
    out.note(&format!("put back: {}", names.join(", ")));
    out.note(&match undone.left {
        0 => "no earlier patch is left to undo".to_owned(),
        1 => "one patch is left that can be undone".to_owned(),
        n => format!("{n} patches are left that can be undone"),
    });
    Ok(0)
}

/// A patch as JSON.
fn object(patch: &Undoable) -> Value {
    let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).ok();
    let files = patch.files.iter();
    json!({
        "type": "patch",
        "number": patch.number,
        "time": patch.time.and_then(since).map(|since| since.as_secs()),
        "files": files
            .map(|(path, change)| json!({"path": path, "change": change}))
            .collect::<Vec<_>>(),
        "own": patch.own,
    })
}

/// A patch in a line: its number, its age, and its files.
fn line(patch: &Undoable) -> String {
    // By a clock that was set back since, it has just been written.
    let age = patch.time.map_or_else(String::new, |time| {
        let age = SystemTime::now().duration_since(time).unwrap_or_default();
        human_ago(age.as_secs())
    });
    let named = patch.files.iter().take(NAMED);
    let mut files: Vec<String> = named
        .map(|(path, word)| format!("{path} ({word})"))
        .collect();
    let more = patch.files.len().saturating_sub(NAMED);
    if more > 0 {
        files.push(format!("and {more} more"));
    }
    let strange = if patch.own {
        ""
    } else {
        "  not known to be homebody's own"
    };
    format!(
        "{:>4}  {age:<12}  {}{strange}",
        patch.number,
        files.join(", ")
    )
}
