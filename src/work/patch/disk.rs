//! Single steps on the working tree, each with its look at what stands there.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::Path;
#[cfg(test)]
use std::path::PathBuf;

use super::attributes;
use super::record::sync_folder;
use crate::base::beneath::{self, Spot};
use crate::base::failure::io_failure;
use crate::base::{Failure, RepoPath, Result};

/// Bytes of a file that is changed, at the most: larger ones are never ours.
const LARGEST: u64 = 64 << 20;

/// A file that stands at a path, or nothing.
pub(super) enum Stands {
    Nothing,
    File {
        bytes: Vec<u8>,
        /// Permission bits, on Unix.
        mode: Option<u32>,
        read_only: bool,
    },
}

/// The facts about the file at a place; none where nothing is there. A link and a folder are
/// refused.
fn facts(spot: &Spot, path: &RepoPath) -> Result<Option<fs::Metadata>> {
    match spot.facts() {
        Ok(Some(facts)) if facts.is_symlink() => Err(is_link(path, path.name())),
        Ok(Some(facts)) if !facts.is_file() => {
            Err(Failure::input(format!("`{path}` is no plain file")))
        }
        Ok(facts) => Ok(facts),
        Err(e) => Err(io_failure(format!("cannot look at `{path}`"), &e)),
    }
}

/// The name under which a new text waits beside its place.
fn waiting_name(number: u64, index: usize) -> String {
    format!(".homebody-{number}-{index}.tmp")
}

fn is_link(path: &RepoPath, part: &str) -> Failure {
    Failure::input(format!(
        "`{path}` is not touched: `{part}` is a symbolic link"
    ))
}

/// The place of a path, if no part of it is a link and all folders are folders; none where its
/// folder is not there.
pub(super) fn spot(root: &Path, path: &RepoPath) -> Result<Option<Spot>> {
    let mut at = root.to_owned();
    for part in path.folder().split('/').filter(|part| !part.is_empty()) {
        at.push(part);
        match fs::symlink_metadata(&at) {
            Ok(facts) if facts.is_symlink() => return Err(is_link(path, part)),
            Ok(facts) if !facts.is_dir() => {
                return Err(Failure::input(format!(
                    "`{path}` cannot be written: `{part}` is a file, and no folder"
                )));
            }
            // A submodule, or a repository that lies here: its changes are its own.
            Ok(_) if fs::symlink_metadata(at.join(".git")).is_ok() => {
                return Err(Failure::input(format!(
                    "`{path}` is not touched: `{part}` is a repository of its own"
                ))
                .hint("run homebody there"));
            }
            Ok(_) => {}
            // What is below something that is not there is not there either.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(io_failure(format!("cannot look at `{path}`"), &e)),
        }
    }
    beneath::spot(root, Path::new(path.as_str()))
}

/// The place of a path whose folder has to be there.
fn there(root: &Path, path: &RepoPath) -> Result<Spot> {
    spot(root, path)?
        .ok_or_else(|| Failure::input(format!("the folder of `{path}` is gone meanwhile")))
}

/// Reads the file at a path, without following links.
pub(super) fn stands(root: &Path, path: &RepoPath) -> Result<Stands> {
    let Some(spot) = spot(root, path)? else {
        return Ok(Stands::Nothing);
    };
    let failed = |e: &std::io::Error| io_failure(format!("cannot read `{path}`"), e);
    let Some(facts) = facts(&spot, path)? else {
        return Ok(Stands::Nothing);
    };
    if facts.len() > LARGEST {
        return Err(Failure::input(format!(
            "`{path}` is too large to be changed"
        )));
    }
    let mut options = File::options();
    options.read(true);
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::OFlags;
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags as i32);
    }
    let mut bytes = Vec::new();
    options
        .open(spot.path())
        .and_then(|file| file.take(LARGEST).read_to_end(&mut bytes))
        .map_err(|e| failed(&e))?;
    Ok(Stands::File {
        bytes,
        mode: mode(&facts),
        read_only: facts.permissions().readonly(),
    })
}

/// The permission bits of a file, where the system has such.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere there is none")]
pub(super) fn mode(meta: &fs::Metadata) -> Option<u32> {
    Some(std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o7777)
}

#[cfg(not(unix))]
pub(super) fn mode(_: &fs::Metadata) -> Option<u32> {
    None
}

/// Writes a whole file under a name that was free, through to the disk.
pub(super) fn write_beside(path: &Path, bytes: &[u8], mode: Option<u32>) -> std::io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    // A text that others may not read they may not read while it is written either. A new file
    // has no mode yet.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode.unwrap_or(0o666) & 0o777);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    #[cfg(unix)]
    if let Some(mode) = mode {
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
    }
    #[cfg(not(unix))]
    let _ = mode;
    file.sync_data()
}

/// Lays a new text ready beside its place.
pub(super) fn lay_ready(
    root: &Path,
    target: &RepoPath,
    (number, index): (u64, usize),
    bytes: &[u8],
    mode: Option<u32>,
) -> Result<()> {
    let spot = there(root, target)?;
    let beside = spot.beside(&waiting_name(number, index));
    // A text may be left from a process that was killed and whose record is gone.
    let _ = fs::remove_file(&beside);
    write_beside(&beside, bytes, mode)
        .map_err(|e| io_failure(format!("cannot write beside `{target}`"), &e))
}

/// Gives a text that was laid ready what the file `from`, which it is to replace, has besides its
/// own text and rights.
pub(super) fn dress_ready(
    root: &Path,
    from: &RepoPath,
    target: &RepoPath,
    (number, index): (u64, usize),
) -> Result<()> {
    let (from, to) = (there(root, from)?, there(root, target)?);
    let ready = to.beside(&waiting_name(number, index));
    attributes::copy(&from.path(), &ready).map_err(|e| {
        let what = format!("the attributes of `{target}` cannot be kept");
        io_failure(what, &e).hint("change the file by hand, or take its attributes away")
    })
}

/// The facts about the file at a path, without following links; none where nothing is there.
pub(super) fn facts_of(root: &Path, path: &RepoPath) -> Result<Option<fs::Metadata>> {
    match spot(root, path)? {
        Some(spot) => facts(&spot, path),
        None => Ok(None),
    }
}

/// Takes a text away that was laid ready; usually none is there.
pub(super) fn clear_ready(root: &Path, target: &RepoPath, number: u64, index: usize) {
    if let Ok(Some(spot)) = spot(root, target) {
        let _ = fs::remove_file(spot.beside(&waiting_name(number, index)));
    }
}

/// Renames a waiting text into its place. A `fresh` one must not take the place of anything.
pub(super) fn move_in(
    root: &Path,
    target: &RepoPath,
    (number, index): (u64, usize),
    fresh: bool,
) -> Result<()> {
    let spot = there(root, target)?;
    facts(&spot, target)?;
    let (beside, at) = (spot.beside(&waiting_name(number, index)), spot.path());
    let failed = |e: &std::io::Error| io_failure(format!("cannot write `{target}`"), e);
    if fresh {
        // A hard link, unlike a rename, fails if something came there meanwhile.
        match fs::hard_link(&beside, &at) {
            Ok(()) => {
                fs::remove_file(&beside).map_err(|e| failed(&e))?;
                sync_folder(spot.folder().path());
                return Ok(());
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => return Err(failed(&e)),
            // Not every file system has hard links.
            Err(_) => {
                if fs::symlink_metadata(&at).is_ok() {
                    return Err(Failure::input(format!("`{target}` exists already")));
                }
            }
        }
    }
    fs::rename(&beside, &at).map_err(|e| failed(&e))?;
    sync_folder(spot.folder().path());
    Ok(())
}

/// Makes a folder, unless it is there; those above it have to be there.
pub(super) fn make_folder(root: &Path, folder: &RepoPath) -> Result<()> {
    let spot = there(root, folder)?;
    let at = spot.path();
    let is_folder = || fs::symlink_metadata(&at).is_ok_and(|facts| facts.is_dir());
    fs::create_dir(&at)
        .or_else(|e| if is_folder() { Ok(()) } else { Err(e) })
        .map_err(|e| io_failure(format!("cannot make the folder `{folder}`"), &e))
}

/// Removes a folder if it is empty.
pub(super) fn remove_folder(root: &Path, folder: &RepoPath) {
    if let Ok(Some(spot)) = spot(root, folder) {
        let _ = fs::remove_dir(spot.path());
    }
}

/// Makes the folders above a file that is put back: they may have been removed since.
pub(super) fn restore_folders(root: &Path, path: &RepoPath) -> Result<()> {
    let mut above = String::new();
    for part in path.folder().split('/').filter(|part| !part.is_empty()) {
        if !above.is_empty() {
            above.push('/');
        }
        above.push_str(part);
        make_folder(root, &RepoPath::new(&above)?)?;
    }
    Ok(())
}

/// Removes a file.
pub(super) fn remove(root: &Path, path: &RepoPath) -> Result<()> {
    let spot = there(root, path)?;
    facts(&spot, path)?;
    fs::remove_file(spot.path()).map_err(|e| io_failure(format!("cannot remove `{path}`"), &e))?;
    sync_folder(spot.folder().path());
    Ok(())
}

/// The place where a new text waits, for tests that leave one there.
#[cfg(test)]
pub(super) fn waiting(root: &Path, target: &RepoPath, number: u64, index: usize) -> PathBuf {
    let name = waiting_name(number, index);
    match target.folder() {
        "" => root.join(name),
        folder => root.join(folder).join(name),
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::fs::{CWD, RenameFlags, renameat_with};

    use super::*;

    /// A neighbour that swaps a folder with a link to another, as fast as it can.
    #[test]
    fn nothing_is_written_behind_a_folder_that_becomes_a_link() {
        /// As often as one would have to be lucky.
        const TRIES: u64 = 10_000;
        let shared = Path::new("/dev/shm");
        let dir = if shared.is_dir() {
            tempfile::tempdir_in(shared)
        } else {
            tempfile::tempdir()
        };
        let dir = dir.expect("a folder");
        let (root, outside) = (dir.path().join("repo"), dir.path().join("outside"));
        fs::create_dir_all(root.join("sub")).expect("made");
        fs::create_dir(&outside).expect("made");
        fs::write(outside.join("f"), "precious").expect("written");
        std::os::unix::fs::symlink(&outside, root.join("link")).expect("linked");
        let path = RepoPath::new("sub/f").expect("a path");
        let done = AtomicBool::new(false);
        let (mut written, mut refused) = (0, 0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (a, b) = (root.join("sub"), root.join("link"));
                while !done.load(Ordering::Relaxed) {
                    let _ = renameat_with(CWD, &a, CWD, &b, RenameFlags::EXCHANGE);
                }
            });
            for number in 0..TRIES {
                let outcome = lay_ready(&root, &path, (number, 0), b"new", Some(0o600))
                    .and_then(|()| move_in(&root, &path, (number, 0), false))
                    .and_then(|()| remove(&root, &path));
                match outcome {
                    Ok(()) => written += 1,
                    Err(_) => refused += 1,
                }
                clear_ready(&root, &path, number, 0);
                let _ = make_folder(&root, &RepoPath::new("sub/g").expect("a path"));
                remove_folder(&root, &RepoPath::new("sub/g").expect("a path"));
            }
            done.store(true, Ordering::Relaxed);
        });
        let names: Vec<_> = fs::read_dir(&outside)
            .expect("read")
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        assert_eq!(names, ["f"], "{written} written, {refused} refused");
        assert_eq!(
            fs::read_to_string(outside.join("f")).expect("there"),
            "precious"
        );
        assert!(
            written > 0 && refused > 0,
            "{written} written, {refused} refused"
        );
    }
}
