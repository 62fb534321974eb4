//! `forget`: what is kept of a repository, or of all, is removed.

use serde_json::json;

use super::Code;
use super::args::ForgetArgs;
use super::invocation::Invocation;
use super::out::{Out, Tone};
use crate::base::Result;
use crate::base::text::human_bytes;
use crate::jobs::forget::{Forgotten, forget};

/// The word for a thing that is gone.
const REMOVED: &str = "removed";

/// Tells what is there, or was.
fn tell(word: &str, all: &[Forgotten], as_json: bool, out: &mut Out) -> Result<()> {
    for one in all {
        if as_json {
            out.json(&json!({
                "type": "kept",
                "what": one.what,
                "path": one.path.display().to_string(),
                "bytes": one.bytes,
                "removed": word == REMOVED,
            }))?;
            continue;
        }
        let (path, size) = (one.path.display(), human_bytes(one.bytes));
        out.line(
            Tone::Plain,
            &format!("{word} {}: {path} ({size})", one.what),
        );
    }
    Ok(())
}

/// Runs `forget`.
pub(super) fn run(args: &ForgetArgs, invocation: &mut Invocation) -> Result<Code> {
    let root = if args.all {
        None
    } else {
        invocation.check_dir()?;
        invocation.seal()?;
        // The folders are named by the root alone: a repository that is broken in other ways,
        // or whose settings are, can be forgotten too.
        Some(crate::repo::Repo::open(&invocation.dir)?.root().to_owned())
    };
    let there = forget(&invocation.places, root.as_deref(), true)?;
    if there.is_empty() {
        invocation.out.note("nothing was kept");
        return Ok(0);
    }
    if args.dry_run {
        tell("would remove", &there, args.json, &mut invocation.out)?;
        return Ok(0);
    }
    if !invocation.yes && !args.json {
        tell("kept", &there, false, &mut invocation.out)?;
    }
    invocation.leave_to_remove("remove it all, for good?")?;
    let gone = forget(&invocation.places, root.as_deref(), false)?;
    tell(REMOVED, &gone, args.json, &mut invocation.out)?;
    invocation
        .out
        .detail("models and your config.toml stay; see `homebody models remove`");
    Ok(0)
}
