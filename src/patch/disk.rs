//! Single steps on the working tree, each with its look at what stands there.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::record::sync_folder;
use crate::base::failure::io_failure;
use crate::base::{Failure, RepoPath, Result};

/// Larger files are never ours.
const LARGEST: u64 = 64 << 20;

/// What stands at a path.
pub(super) enum Stands {
    Nothing,
    File {
        bytes: Vec<u8>,
        mode: Option<u32>,
        read_only: bool,
    },
}

/// The path on disk, if no part of it is a link and all folders are folders.
///
/// std has no `openat`; each part is looked at right before it is used, which leaves a gap of
/// microseconds to somebody who may already write to the repository.
pub(super) fn safe_path(root: &Path, path: &RepoPath) -> Result<PathBuf> {
    let mut at = root.to_owned();
    let mut parts = path.as_str().split('/').peekable();
    while let Some(part) = parts.next() {
        at.push(part);
        match fs::symlink_metadata(&at) {
            Ok(meta) if meta.file_type().is_symlink() => {
                return Err(Failure::input(format!(
                    "`{path}` is not touched: `{part}` is a symbolic link"
                )));
            }
            Ok(meta) if parts.peek().is_some() && !meta.is_dir() => {
                return Err(Failure::input(format!(
                    "`{path}` cannot be written: `{part}` is a file, and no folder"
                )));
            }
            // A submodule, or a repository that lies here: its changes are its own.
            Ok(_) if parts.peek().is_some() && fs::symlink_metadata(at.join(".git")).is_ok() => {
                return Err(Failure::input(format!(
                    "`{path}` is not touched: `{part}` is a repository of its own"
                ))
                .hint("run homebody there"));
            }
            Ok(meta) if parts.peek().is_none() && !meta.is_file() => {
                return Err(Failure::input(format!("`{path}` is no plain file")));
            }
            Ok(_) => {}
            // What is below something that is not there is not there either.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => break,
            Err(e) => return Err(io_failure(format!("cannot look at `{path}`"), &e)),
        }
    }
    Ok(path.under(root))
}

pub(super) fn stands(root: &Path, path: &RepoPath) -> Result<Stands> {
    let at = safe_path(root, path)?;
    let failed = |e: &std::io::Error| io_failure(format!("cannot read `{path}`"), e);
    let meta = match fs::symlink_metadata(&at) {
        Ok(meta) => meta,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Stands::Nothing),
        Err(e) => return Err(failed(&e)),
    };
    if meta.len() > LARGEST {
        return Err(Failure::input(format!(
            "`{path}` is too large to be changed"
        )));
    }
    let bytes = fs::read(&at).map_err(|e| failed(&e))?;
    Ok(Stands::File {
        bytes,
        mode: mode(&meta),
        read_only: meta.permissions().readonly(),
    })
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere there is none")]
pub(super) fn mode(meta: &fs::Metadata) -> Option<u32> {
    Some(std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o7777)
}

#[cfg(not(unix))]
pub(super) fn mode(_: &fs::Metadata) -> Option<u32> {
    None
}

/// The name under which a new text waits beside its place.
pub(super) fn waiting(root: &Path, target: &RepoPath, number: u64, index: usize) -> PathBuf {
    let name = format!(".homebody-{number}-{index}.tmp");
    match target.folder() {
        "" => root.join(name),
        folder => root.join(folder).join(name),
    }
}

/// Writes a whole file under a name that was free, through to the disk.
pub(super) fn write_beside(path: &Path, bytes: &[u8], mode: Option<u32>) -> std::io::Result<()> {
    let mut file = File::options().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    #[cfg(unix)]
    if let Some(mode) = mode {
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
    }
    #[cfg(not(unix))]
    let _ = mode;
    file.sync_data()
}

/// Renames a waiting text into its place. A `fresh` one must not take the place of anything.
pub(super) fn move_in(root: &Path, beside: &Path, target: &RepoPath, fresh: bool) -> Result<()> {
    let at = safe_path(root, target)?;
    let failed = |e: &std::io::Error| io_failure(format!("cannot write `{target}`"), e);
    if fresh {
        // A hard link, unlike a rename, fails if something came there meanwhile.
        match fs::hard_link(beside, &at) {
            Ok(()) => {
                fs::remove_file(beside).map_err(|e| failed(&e))?;
                at.parent().map(sync_folder);
                return Ok(());
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => return Err(failed(&e)),
            // Not every file system has them.
            Err(_) => {
                if fs::symlink_metadata(&at).is_ok() {
                    return Err(Failure::input(format!("`{target}` exists already")));
                }
            }
        }
    }
    fs::rename(beside, &at).map_err(|e| failed(&e))?;
    at.parent().map(sync_folder);
    Ok(())
}

/// A deleted file's folder may have been removed since.
pub(super) fn restore_folders(root: &Path, path: &RepoPath) -> Result<()> {
    safe_path(root, path)?;
    match path.folder() {
        "" => Ok(()),
        folder => fs::create_dir_all(root.join(folder))
            .map_err(|e| io_failure(format!("cannot make the folder of `{path}`"), &e)),
    }
}

pub(super) fn remove(root: &Path, path: &RepoPath) -> Result<()> {
    let at = safe_path(root, path)?;
    fs::remove_file(&at).map_err(|e| io_failure(format!("cannot remove `{path}`"), &e))?;
    at.parent().map(sync_folder);
    Ok(())
}
