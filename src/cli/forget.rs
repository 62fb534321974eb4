//! `forget`: what is kept of a repository, or of all, is removed.

use std::fs;
use std::path::Path;

use super::args::ForgetArgs;
use super::desk::Desk;
use super::out::Tone;
use super::start::Code;
use crate::base::Result;
use crate::base::text::human_bytes;

/// `forget`.
pub(super) fn run(args: &ForgetArgs, desk: &mut Desk) -> Result<Code> {
    let root = if args.all {
        None
    } else {
        desk.check_dir()?;
        desk.seal()?;
        // The folders are named by the root alone: a repository that is broken in other ways,
        // or whose settings are, can be forgotten too.
        Some(crate::repo::Repo::open(&desk.dir)?.root().to_owned())
    };
    let gone = crate::jobs::forget::forget(&desk.places, root.as_deref())?;
    let removed = !gone.is_empty();
    for one in gone {
        desk.out.line(
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
        desk.out.note("nothing was kept");
    }
    desk.out
        .detail("models and your config.toml stay; see `homebody models remove`");
    Ok(0)
}

/// Bytes of the files below a folder; links are not followed.
pub(super) fn size(folder: &Path) -> u64 {
    let mut bytes = 0;
    let mut open = vec![folder.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(facts) if facts.is_dir() => open.push(entry.path()),
                Ok(facts) => bytes += facts.len(),
                Err(_) => {}
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_summed_without_following_links() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("a")).expect("made");
        fs::write(dir.path().join("a/x"), "12345").expect("written");
        #[cfg(unix)]
        std::os::unix::fs::symlink(dir.path(), dir.path().join("a/loop")).expect("linked");
        let bytes = size(dir.path());
        assert!((5..5000).contains(&bytes), "{bytes}");
    }
}
