//! `forget`: what is kept of a repository, or of all, is removed.

use super::Code;
use super::args::ForgetArgs;
use super::invocation::Invocation;
use super::out::Tone;
use crate::base::Result;
use crate::base::text::human_bytes;

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
    let gone = crate::jobs::forget::forget(&invocation.places, root.as_deref())?;
    let removed = !gone.is_empty();
    for one in gone {
        invocation.out.line(
            Tone::Plain,
            &format!(
                "removed {}: {} ({})",
                one.what,
                one.path.display(),
                human_bytes(one.bytes)
            ),
        );
    }
    if !removed {
        invocation.out.note("nothing was kept");
    }
    invocation
        .out
        .detail("models and your config.toml stay; see `homebody models remove`");
    Ok(0)
}
