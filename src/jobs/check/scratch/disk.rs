//! Single steps in the folder of a copy: nothing is written through a link.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::time::Duration;

use crate::base::failure::io_failure;
use crate::base::{Failure, Result};

/// Makes a folder; what else stands there is removed.
pub(super) fn real_folder(at: &Path) -> Result<()> {
    match fs::symlink_metadata(at) {
        Ok(facts) if facts.is_dir() => return Ok(()),
        Ok(_) => clear(at)?,
        Err(_) => {}
    }
    fs::create_dir_all(at)
        .map_err(|e| io_failure(format!("cannot make the folder {}", at.display()), &e))
}

/// Removes whatever stands at a path of ours; a link goes, and what it leads to stays.
pub(super) fn clear(at: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(at) {
        Ok(facts) if facts.is_dir() => fs::remove_dir_all(at),
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

/// Takes the lock of the copy, which ends with the process.
pub(super) fn lock(path: &Path) -> Result<File> {
    let failed = |e: &std::io::Error| io_failure(format!("cannot lock {}", path.display()), e);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|e| failed(&e))?;
    // A check that was just stopped needs a moment.
    let mut patience = 40;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if patience > 0 => {
                patience -= 1;
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(
                    Failure::environment("another check of this repository is running")
                        .hint("wait until it has ended, or stop it"),
                );
            }
            Err(TryLockError::Error(e)) => return Err(failed(&e)),
        }
    }
}
