//! Single steps in the folder of a copy: nothing is written through a link.

use std::fs;
use std::path::Path;

use crate::base::Result;
use crate::base::failure::io_failure;

/// Makes a folder; what else stands there is removed.
pub(super) fn real_folder(at: &Path) -> Result<()> {
    match fs::symlink_metadata(at) {
        Ok(facts) if facts.is_dir() => {
            open_up(at, false);
            return Ok(());
        }
        Ok(_) => clear(at)?,
        Err(_) => {}
    }
    fs::create_dir_all(at)
        .map_err(|e| io_failure(format!("cannot make the folder {}", at.display()), &e))
}

/// Gives back the rights to a folder of ours that a command has taken away, and to those in it.
#[cfg(unix)]
fn open_up(folder: &Path, below: bool) {
    use std::os::unix::fs::PermissionsExt as _;
    const ALL: u32 = 0o700;
    let Ok(facts) = fs::symlink_metadata(folder) else {
        return;
    };
    let mode = facts.permissions().mode();
    if facts.is_dir() && mode & ALL != ALL {
        // What cannot be changed is told by what is tried next.
        let _ = fs::set_permissions(folder, fs::Permissions::from_mode(mode & 0o7777 | ALL));
    }
    if !below {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path(), true);
        }
    }
}

#[cfg(not(unix))]
fn open_up(_: &Path, _: bool) {}

/// Removes whatever stands at a path of ours; a link goes, and what it leads to stays.
pub(super) fn clear(at: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(at) {
        Ok(facts) if facts.is_dir() => fs::remove_dir_all(at).or_else(|_| {
            open_up(at, true);
            fs::remove_dir_all(at)
        }),
        Ok(_) => fs::remove_file(at),
        Err(_) => return Ok(()),
    };
    removed.map_err(|e| io_failure(format!("cannot remove {}", at.display()), &e))
}

/// Makes a link, unless it is there.
pub(super) fn link(says: &Path, at: &Path) -> Result<()> {
    if fs::read_link(at).is_ok_and(|there| there == says) {
        return Ok(());
    }
    clear(at)?;
    #[cfg(unix)]
    let made = std::os::unix::fs::symlink(says, at);
    #[cfg(windows)]
    let made = if says.is_dir() {
        std::os::windows::fs::symlink_dir(says, at)
    } else {
        std::os::windows::fs::symlink_file(says, at)
    };
    made.map_err(|e| io_failure(format!("cannot make the link {}", at.display()), &e))
}
