//! Places below a folder, found without following a link and held open, so that each stays the
//! one that was looked at, whoever moves folders meanwhile.
//!
//! On Linux the kernel walks the way and refuses every link on it (openat2(2) with
//! `RESOLVE_BENEATH` and `RESOLVE_NO_SYMLINKS`, or part by part before 5.6), and what is done goes
//! through the folder that it opened. Elsewhere places are plain paths: who looks at the parts
//! right before leaves a gap of microseconds to somebody who may already write there.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::failure::io_failure;
use super::text::printable;
use super::{Failure, Result};

/// A folder that is held open: the same one wherever it is moved.
#[derive(Debug)]
pub struct Held {
    at: PathBuf,
    #[cfg(target_os = "linux")]
    _open: std::os::fd::OwnedFd,
}

impl Held {
    /// Returns a path to the folder, wherever it is by now; good for as long as this lives.
    pub fn path(&self) -> &Path {
        &self.at
    }
}

/// A name in a folder that is held open.
#[derive(Debug)]
pub struct Spot {
    folder: Held,
    name: OsString,
}

impl Spot {
    /// Returns a path to the place, good for as long as this lives.
    pub fn path(&self) -> PathBuf {
        self.folder.at.join(&self.name)
    }

    /// Returns a path to another name in the same folder.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.at.join(name)
    }

    /// Returns the folder of the place.
    pub const fn folder(&self) -> &Held {
        &self.folder
    }

    /// Returns the metadata of the entry at this place, a link as itself; none where there is none.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn facts(&self) -> io::Result<Option<fs::Metadata>> {
        match fs::symlink_metadata(self.path()) {
            Ok(facts) => Ok(Some(facts)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }
}

/// Makes the failure for a way with a link on it, or with a file where a folder should be.
fn is_link(path: &Path, part: &Path) -> Failure {
    let words = format!(
        "`{}` is not touched: `{}` is a symbolic link",
        path.display(),
        part.display()
    );
    Failure::input(printable(&words).into_owned())
}

/// Finds the place of `path`, whose parts are plain names, below `root`; none where its folder is
/// not there.
///
/// # Errors
/// Of kind input, where a link stands on the way; of kind environment, where the system refuses.
pub fn spot(root: &Path, path: &Path) -> Result<Option<Spot>> {
    let (Some(name), Some(above)) = (path.file_name(), path.parent()) else {
        let words = format!("`{}` is no name below a folder", path.display());
        return Err(Failure::bug(words));
    };
    let name = name.to_owned();
    Ok(folder(root, above)?.map(|folder| Spot { folder, name }))
}

/// Opens the folder `path` below `root`, or `root` itself where `path` is empty; none where that is
/// not there.
///
/// # Errors
/// As [`spot`].
#[cfg(target_os = "linux")]
pub fn folder(root: &Path, path: &Path) -> Result<Option<Held>> {
    use std::os::fd::AsRawFd as _;

    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
    use rustix::io::Errno;

    let failed = |e: Errno| io_failure(format!("cannot look at `{}`", path.display()), &e.into());
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let top = match openat(CWD, root, flags, Mode::empty()) {
        Ok(top) => top,
        Err(Errno::NOENT) => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let open = if path.as_os_str().is_empty() {
        top
    } else {
        match openat2(&top, path, flags, Mode::empty(), resolve) {
            Ok(open) => open,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::XDEV | Errno::NOTDIR) => return Err(is_link(path, path)),
            // A kernel before 5.6, or a filter that knows no such call: one part after the other.
            Err(Errno::NOSYS | Errno::PERM) => {
                let mut open = top;
                for part in path.components() {
                    let std::path::Component::Normal(part) = part else {
                        return Err(is_link(path, part.as_ref()));
                    };
                    open = match openat(&open, part, flags | OFlags::NOFOLLOW, Mode::empty()) {
                        Ok(next) => next,
                        Err(Errno::NOENT) => return Ok(None),
                        Err(Errno::LOOP | Errno::NOTDIR) => {
                            return Err(is_link(path, part.as_ref()));
                        }
                        Err(e) => return Err(failed(e)),
                    };
                }
                open
            }
            Err(e) => return Err(failed(e)),
        }
    };
    Ok(Some(Held {
        at: PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd())),
        _open: open,
    }))
}

/// Opens the folder `path` below `root`, or `root` itself where `path` is empty; none where that is
/// not there.
///
/// # Errors
/// As [`spot`].
#[cfg(not(target_os = "linux"))]
pub fn folder(root: &Path, path: &Path) -> Result<Option<Held>> {
    let mut at = root.to_owned();
    for part in path.components() {
        at.push(part);
        match fs::symlink_metadata(&at) {
            Ok(facts) if facts.is_dir() => {}
            Ok(_) => return Err(is_link(path, part.as_ref())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => {
                return Err(io_failure(
                    format!("cannot look at `{}`", path.display()),
                    &e,
                ));
            }
        }
    }
    Ok(Some(Held { at }))
}

/// Makes a folder below `root`, with those above it; files and links on the way are removed first.
/// For folders that are homebody's own.
///
/// # Errors
/// Of kind environment, where it cannot be made.
pub fn make_folders(root: &Path, path: &Path) -> Result<()> {
    let mut at = PathBuf::new();
    for part in path.components() {
        at.push(part);
        let failed =
            |e: &io::Error| io_failure(format!("cannot make the folder {}", path.display()), e);
        let Some(spot) = spot(root, &at)? else {
            return Err(failed(&io::ErrorKind::NotFound.into()));
        };
        match spot.facts().map_err(|e| failed(&e))? {
            Some(facts) if facts.is_dir() => {
                open_up(root, &at, false);
                continue;
            }
            Some(_) => fs::remove_file(spot.path()).map_err(|e| failed(&e))?,
            None => {}
        }
        fs::create_dir(spot.path()).map_err(|e| failed(&e))?;
    }
    Ok(())
}

/// Removes whatever stands at a path below `root` that is homebody's own; a link goes, and the file
/// it leads to stays.
///
/// # Errors
/// Of kind environment, where it cannot be removed.
pub fn clear(root: &Path, path: &Path) -> Result<()> {
    let failed = |e: &io::Error| io_failure(format!("cannot remove {}", path.display()), e);
    let Some(spot) = spot(root, path)? else {
        return Ok(());
    };
    let at = spot.path();
    let removed = match spot.facts().map_err(|e| failed(&e))? {
        None => return Ok(()),
        // By descriptors of its own, which follow no link.
        Some(facts) if facts.is_dir() => fs::remove_dir_all(&at).or_else(|_| {
            flatten(root, path);
            open_up(root, path, true);
            fs::remove_dir_all(&at)
        }),
        Some(_) => fs::remove_file(&at),
    };
    removed.map_err(|e| failed(&e))
}

/// Moves folders that lie deep in a folder of ours up into it: each step down takes a descriptor,
/// or a part of a path, of which there are only so many. A folder that cannot be moved is told by
/// what is tried next.
fn flatten(root: &Path, path: &Path) {
    /// Depth of folders that are left where they are.
    const DEEP: usize = 12;
    /// The most folders that are moved.
    const MOST: usize = 100_000;
    let mut moved = 0;
    let mut open = vec![(path.to_owned(), 0)];
    while let Some((at, depth)) = open.pop() {
        open_up(root, &at, false);
        let Ok(Some(held)) = folder(root, &at) else {
            continue;
        };
        for entry in fs::read_dir(held.path()).into_iter().flatten().flatten() {
            if moved >= MOST || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let inside = at.join(entry.file_name());
            if depth + 1 < DEEP {
                open.push((inside, depth + 1));
                continue;
            }
            let name = path.join(format!(".moved-{moved}"));
            let (Ok(Some(from)), Ok(Some(to))) = (spot(root, &inside), spot(root, &name)) else {
                continue;
            };
            // A folder that may not be written cannot be moved.
            open_up(root, &inside, false);
            if fs::rename(from.path(), to.path()).is_ok() {
                moved += 1;
                open.push((name, 0));
            }
        }
    }
}

/// Gives back the rights to a folder of ours that a command has taken away, and with `below` to
/// those in it. Rights that cannot be changed are told by what is tried next.
#[cfg(unix)]
fn open_up(root: &Path, path: &Path, below: bool) {
    use std::os::unix::fs::PermissionsExt as _;
    const ALL: u32 = 0o700;
    let Ok(Some(held)) = folder(root, path) else {
        return;
    };
    let Ok(facts) = fs::metadata(held.path()) else {
        return;
    };
    let mode = facts.permissions().mode();
    if mode & ALL != ALL {
        let mode = fs::Permissions::from_mode(mode & 0o7777 | ALL);
        let _ = fs::set_permissions(held.path(), mode);
    }
    if !below {
        return;
    }
    for entry in fs::read_dir(held.path()).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(root, &path.join(entry.file_name()), true);
        }
    }
}

#[cfg(not(unix))]
fn open_up(_: &Path, _: &Path, _: bool) {}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn no_link_on_the_way_is_followed() {
        let dir = tempfile::tempdir().expect("a folder");
        let (root, outside) = (dir.path().join("root"), dir.path().join("outside"));
        fs::create_dir_all(root.join("sub")).expect("made");
        fs::create_dir(&outside).expect("made");
        fs::write(outside.join("f"), "precious").expect("written");
        symlink(&outside, root.join("link")).expect("linked");
        symlink(root.join("sub"), root.join("inner")).expect("linked");
        for way in ["link/f", "inner/f", "../outside/f", "link/sub/f"] {
            assert!(spot(&root, Path::new(way)).is_err(), "{way}");
            assert!(clear(&root, Path::new(way)).is_err(), "{way}");
        }
        assert!(spot(&root, Path::new("none/f")).expect("looked").is_none());
        // Folders that are ours take the place of links.
        make_folders(&root, Path::new("link/deep")).expect("made");
        assert!(root.join("link/deep").is_dir());
        assert!(!outside.join("deep").exists());
        // A link is removed, and what it leads to stays.
        symlink(&outside, root.join("again")).expect("linked");
        clear(&root, Path::new("again")).expect("removed");
        assert!(!root.join("again").exists());
        assert_eq!(fs::read(outside.join("f")).expect("there"), b"precious");
    }

    #[test]
    fn what_holds_a_folder_holds_it_wherever_it_goes() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(dir.path().join("a/b")).expect("made");
        let spot = spot(dir.path(), Path::new("a/b/f"))
            .expect("looked")
            .expect("there");
        fs::rename(dir.path().join("a/b"), dir.path().join("elsewhere")).expect("moved");
        fs::create_dir(dir.path().join("a/b")).expect("made");
        fs::write(spot.path(), "x").expect("written");
        assert!(dir.path().join("elsewhere/f").exists());
        assert!(!dir.path().join("a/b/f").exists());
    }

    #[test]
    fn folders_that_lie_deeper_than_a_path_is_long_are_removed() {
        let dir = tempfile::tempdir().expect("a folder");
        let name = "n".repeat(200);
        let mut at = dir.path().join("x");
        fs::create_dir(&at).expect("made");
        // A tree that is built from its end.
        for n in 0..300 {
            let above = dir.path().join(format!("y{n}"));
            fs::create_dir(&above).expect("made");
            fs::rename(&at, above.join(&name)).expect("moved");
            fs::write(above.join("f"), "x").expect("written");
            at = above;
        }
        let name = at.strip_prefix(dir.path()).expect("inside").to_owned();
        flatten(dir.path(), &name);
        clear(dir.path(), &name).expect("removed");
        assert!(!at.exists());
    }

    #[test]
    fn a_folder_whose_rights_were_taken_away_is_removed() {
        let dir = tempfile::tempdir().expect("a folder");
        let deep = dir.path().join("x/y/z");
        fs::create_dir_all(&deep).expect("made");
        fs::write(deep.join("f"), "x").expect("written");
        let outside = tempfile::tempdir().expect("a folder");
        fs::set_permissions(outside.path(), fs::Permissions::from_mode(0o500)).expect("set");
        symlink(outside.path(), dir.path().join("x/y/link")).expect("linked");
        for closed in ["x/y/z", "x/y", "x"] {
            let closed = dir.path().join(closed);
            fs::set_permissions(closed, fs::Permissions::from_mode(0o0)).expect("set");
        }
        clear(dir.path(), Path::new("x")).expect("removed");
        assert!(!dir.path().join("x").exists());
        let mode = fs::metadata(outside.path())
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o500);
    }
}
