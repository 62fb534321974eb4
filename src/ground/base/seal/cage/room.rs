//! The file system of a cage: empty, then furnished with the files and folders listed.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind_recursive, mount_change,
    unmount,
};

use super::Cage;
use super::layers::{attributes, escaped, overlaid, read_only};
use crate::base::failure::io_failure;
use crate::base::{Failure, Result};

/// Names at the top that are links into `/usr` on most systems, and folders of their own on others.
const LINKS: [&str; 6] = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/// The devices of a cage, by their names in `/dev`.
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
/// The parts of `/proc` that set up the machine; root of another namespace may write some of them.
const KERNEL: [&str; 5] = [
    "/proc/sys",
    "/proc/irq",
    "/proc/bus",
    "/proc/fs",
    "/proc/sysrq-trigger",
];
/// The name of an empty folder in the cage.
const EMPTY: &str = "/.empty";
/// The name of the one file system in memory while the cage is built.
const SHARED: &str = "/.shared";
/// Folders of the system that are shown as they are: no program keeps a socket in one, or another
/// file system cannot lie over them.
const PLAIN: [&str; 11] = [
    "/usr", "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/sys", "/proc", "/dev",
];

/// Parts from the mounts outside, and checks that anything can be mounted: some systems give
/// namespaces in which nothing can.
pub(super) fn try_mounting(cage: &Cage) -> Result<()> {
    let failed = |e: rustix::io::Errno| io_failure("nothing can be mounted", &e.into());
    mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )
    .and_then(|()| mount("tmpfs", &cage.base, "tmpfs", MountFlags::NOSUID, None))
    .and_then(|()| unmount(&cage.base, UnmountFlags::DETACH))
    .map_err(failed)
}

/// Builds the room on `cage.base` and goes in. For the first process of the namespaces, after
/// [`try_mounting`]. Tells whether all that is shown lies behind another file system.
pub(super) fn build(cage: &Cage) -> Result<bool> {
    let room = Room {
        base: cage.base.clone(),
        most: cage.limits.memory,
        layers: cage.wanted.layers,
    };
    room.begin(&cage.home)?;
    let layered = room.furnish(cage)?;
    room.devices()?;
    room.processes()?;
    room.enter()?;
    Ok(layered)
}

/// Lists the paths of a cage, each with the way it is shown. Shorter paths come first: a path in
/// another one goes over it, and a hidden path over all of its length.
fn listed(cage: &Cage) -> Vec<(&Path, Show)> {
    let mut all: Vec<(&Path, Show)> = Vec::new();
    all.extend(
        cage.caches
            .iter()
            .map(|cache| (cache.at.as_path(), Show::Cache)),
    );
    all.extend(cage.read.iter().map(|path| (path.as_path(), Show::Read)));
    all.extend(
        cage.hidden
            .iter()
            .map(|path| (path.as_path(), Show::Nothing)),
    );
    all.extend(cage.write.iter().map(|path| (path.as_path(), Show::Write)));
    all.sort_by_key(|(path, show)| (path.components().count(), *show));
    all
}

/// The way in which a path is shown; of one path, later ones lie over earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Show {
    Read,
    Cache,
    Nothing,
    Write,
}

/// Makes the failure of a call to the kernel.
fn refused(what: &str, e: rustix::io::Errno) -> Failure {
    io_failure(what, &e.into())
}

/// A room that is being built.
struct Room {
    /// The folder that becomes the root.
    base: PathBuf,
    /// Bytes that a file system in memory may hold; 0 for as many as the system allows.
    most: u64,
    /// True if folders are to be shown through another file system.
    layers: bool,
}

impl Room {
    /// Makes the empty room, with its folders that can be written.
    fn begin(&self, home: &Path) -> Result<()> {
        self.temporary(Path::new("/"), "mode=0755")?;
        for path in LINKS {
            self.link(Path::new(path))?;
        }
        self.make(Path::new(EMPTY))?;
        // One file system in memory for all files written in one, so that its size is a limit.
        self.temporary(Path::new(SHARED), "mode=0700")?;
        self.share(Path::new("/tmp"), 0o1777)?;
        self.share(Path::new("/var/tmp"), 0o1777)?;
        self.share(Path::new("/run"), 0o755)?;
        if home != Path::new("/") {
            self.share(home, 0o700)?;
        }
        Ok(())
    }

    /// Shows the paths that are listed. Tells whether all of them lie behind another file system.
    fn furnish(&self, cage: &Cage) -> Result<bool> {
        let mut layered = true;
        let mut empty = Vec::new();
        for (path, show) in listed(cage) {
            match show {
                Show::Read => layered &= self.bind(path, false)?,
                Show::Write => layered &= self.bind(path, true)?,
                Show::Nothing => empty.extend(self.hide(path, cage)?),
                Show::Cache => {
                    let cache = cage.caches.iter().find(|cache| cache.at == path);
                    let cache = cache.ok_or_else(|| Failure::bug("a cache is not listed"))?;
                    layered &= self.overlay(path, &cache.ours)?;
                }
            }
        }
        for target in empty {
            read_only(&target, false)?;
        }
        Ok(layered)
    }

    /// Shows the processes of the cage in `/proc`, and protects the machine's settings there.
    fn processes(&self) -> Result<()> {
        self.make(Path::new("/proc"))?;
        mount(
            "proc",
            self.at(Path::new("/proc")),
            "proc",
            MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC,
            None,
        )
        .map_err(|e| refused("cannot mount /proc", e))?;
        for part in KERNEL {
            let at = self.at(Path::new(part));
            if fs::symlink_metadata(&at).is_ok() {
                mount_bind_recursive(&at, &at).map_err(|e| refused("cannot protect /proc", e))?;
                read_only(&at, true)?;
            }
        }
        Ok(())
    }

    /// Closes the room, and makes it the root of this process.
    fn enter(&self) -> Result<()> {
        let shared = self.at(Path::new(SHARED));
        unmount(&shared, UnmountFlags::DETACH).map_err(|e| refused("cannot tidy up", e))?;
        read_only(&self.base, false)?;
        rustix::process::chdir(&self.base).map_err(|e| refused("cannot go into the cage", e))?;
        // The old root comes to lie over the new one, and is taken away.
        rustix::process::pivot_root(".", ".").map_err(|e| refused("cannot change the root", e))?;
        unmount(".", UnmountFlags::DETACH).map_err(|e| refused("cannot leave the old root", e))?;
        rustix::process::chdir("/").map_err(|e| refused("cannot go into the cage", e))
    }

    /// Returns the place in the room of a path in the cage.
    fn at(&self, path: &Path) -> PathBuf {
        // A relative path lies below the root, too.
        self.base.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Makes a folder, and those above it.
    fn make(&self, path: &Path) -> Result<()> {
        fs::create_dir_all(self.at(path))
            .map_err(|e| io_failure(format!("cannot make {} in the cage", path.display()), &e))
    }

    /// Mounts a file system in memory.
    fn temporary(&self, path: &Path, options: &str) -> Result<()> {
        self.make(path)?;
        let most = match self.most {
            0 => String::new(),
            bytes => format!("size={bytes},"),
        };
        let options = std::ffi::CString::new(format!("{most}{options}"))
            .map_err(|e| Failure::bug("an option with a zero byte").caused_by(&e))?;
        mount(
            "tmpfs",
            self.at(path),
            "tmpfs",
            MountFlags::NOSUID | MountFlags::NODEV,
            options.as_c_str(),
        )
        .map_err(|e| io_failure(format!("cannot mount {}", path.display()), &e.into()))
    }

    /// Makes a link as the system has it; a folder is shown with what may be read.
    fn link(&self, path: &Path) -> Result<()> {
        let Ok(says) = fs::read_link(path) else {
            return Ok(());
        };
        std::os::unix::fs::symlink(says, self.at(path))
            .map_err(|e| io_failure(format!("cannot link {}", path.display()), &e))
    }

    /// Mounts a folder of the one file system in memory.
    fn share(&self, path: &Path, mode: u32) -> Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        let name = path.to_string_lossy().replace('/', "%");
        let inside = self.at(Path::new(SHARED)).join(name);
        let failed = |e: &std::io::Error| {
            io_failure(format!("cannot make {} in the cage", path.display()), e)
        };
        fs::create_dir(&inside).map_err(|e| failed(&e))?;
        let rights = fs::Permissions::from_mode(mode);
        fs::set_permissions(&inside, rights).map_err(|e| failed(&e))?;
        let target = self.place_for(path, true)?;
        mount_bind_recursive(&inside, &target).map_err(|e| failed(&e.into()))
    }

    /// Shows a folder through another file system, behind which nobody listens: a socket in there
    /// is none of those that programs have bound. False where that cannot be had.
    fn layered(&self, path: &Path, target: &Path) -> Result<bool> {
        if !self.layers {
            return Ok(false);
        }
        let empty = self.at(Path::new(EMPTY));
        let lower = [path, &empty].map(escaped).join(&b':');
        let options = [b"userxattr,lowerdir=".to_vec(), lower].concat();
        overlaid(target, options, MountFlags::RDONLY)
    }

    /// Shows a file or folder; one that is not there is passed over. False where a socket of
    /// somebody else could be in it.
    fn bind(&self, path: &Path, write: bool) -> Result<bool> {
        let Ok(facts) = fs::metadata(path) else {
            return Ok(true);
        };
        let target = self.place_for(path, facts.is_dir())?;
        // What is written is a folder of ours, where nobody else keeps a socket.
        let plain = write || !facts.is_dir() || PLAIN.iter().any(|plain| path.starts_with(plain));
        if !plain && self.layered(path, &target)? {
            return Ok(true);
        }
        mount_bind_recursive(path, &target)
            .map_err(|e| io_failure(format!("cannot show {}", path.display()), &e.into()))?;
        if write {
            attributes(
                &target,
                true,
                libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV,
            )?;
        } else {
            read_only(&target, true)?;
        }
        Ok(plain)
    }

    /// Makes the place on which a file or folder is mounted, where it is not there yet.
    fn place_for(&self, path: &Path, folder: bool) -> Result<PathBuf> {
        let target = self.at(path);
        if fs::symlink_metadata(&target).is_ok() {
            return Ok(target);
        }
        if folder {
            self.make(path)?;
        } else {
            if let Some(above) = path.parent() {
                self.make(above)?;
            }
            fs::write(&target, "")
                .map_err(|e| io_failure(format!("cannot make {}", path.display()), &e))?;
        }
        Ok(target)
    }

    /// Shows a user's cache, with a folder of ours over it that takes the files written. False
    /// where a socket of somebody else could be in it.
    fn overlay(&self, path: &Path, ours: &Path) -> Result<bool> {
        let (upper, work) = (ours.join("up"), ours.join("work"));
        for folder in [&ours.to_owned(), &upper, &work] {
            // An earlier command may have put a link there.
            if fs::symlink_metadata(folder).is_ok_and(|facts| !facts.is_dir()) {
                fs::remove_file(folder)
                    .map_err(|e| io_failure(format!("cannot make {}", folder.display()), &e))?;
            }
            fs::create_dir_all(folder)
                .map_err(|e| io_failure(format!("cannot make {}", folder.display()), &e))?;
        }
        // In a folder that is read alone, where nothing is there, there is no cache.
        let Ok(target) = self.place_for(path, true) else {
            return Ok(true);
        };
        let Ok(facts) = fs::metadata(path) else {
            mount_bind_recursive(&upper, &target)
                .map_err(|e| io_failure(format!("cannot show {}", path.display()), &e.into()))?;
            let set = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
            return attributes(&target, true, set).map(|()| true);
        };
        if !facts.is_dir() {
            return Ok(true);
        }
        let mut options = b"userxattr".to_vec();
        for (name, folder) in [("lowerdir", path), ("upperdir", &upper), ("workdir", &work)] {
            options.extend(format!(",{name}=").bytes());
            options.extend(escaped(folder));
        }
        if overlaid(&target, options, MountFlags::empty())? {
            return Ok(true);
        }
        // A file system that cannot be the upper one: then it is read, and not written.
        self.bind(path, false)
    }

    /// Puts something empty over a path. Returns its place, which has to be protected once all that
    /// is shown in it is there.
    fn hide(&self, path: &Path, cage: &Cage) -> Result<Option<PathBuf>> {
        let target = self.at(path);
        let failed =
            |e: rustix::io::Errno| io_failure(format!("cannot hide {}", path.display()), &e.into());
        // What is not there needs no cover; a link leads to what is listed, or nowhere.
        let Ok(facts) = fs::symlink_metadata(&target) else {
            return Ok(None);
        };
        if facts.is_symlink() {
            return Ok(None);
        }
        if !facts.is_dir() {
            mount_bind_recursive("/dev/null", &target).map_err(failed)?;
            return Ok(Some(target));
        }
        let inside = cage.read.iter().chain(&cage.write);
        let options = if inside.into_iter().any(|other| other.starts_with(path)) {
            "mode=0755"
        } else {
            "mode=0000"
        };
        self.temporary(path, options)?;
        Ok(Some(target))
    }

    /// Makes `/dev`.
    fn devices(&self) -> Result<()> {
        self.temporary(Path::new("/dev"), "mode=0755")?;
        for name in DEVICES {
            let path = Path::new("/dev").join(name);
            let target = self.place_for(&path, false)?;
            mount_bind_recursive(&path, &target)
                .map_err(|e| io_failure(format!("cannot show {}", path.display()), &e.into()))?;
            // Written through, as devices are, but its mode and times are the system's.
            attributes(
                &target,
                false,
                libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID,
            )?;
        }
        self.share(Path::new("/dev/shm"), 0o1777)?;
        self.make(Path::new("/dev/pts"))?;
        // Terminals of its own, for programs that make some; none of ours is among them.
        let pts = mount(
            "devpts",
            self.at(Path::new("/dev/pts")),
            "devpts",
            MountFlags::NOSUID | MountFlags::NOEXEC,
            c"newinstance,ptmxmode=0666,mode=620",
        );
        let mut links = vec![
            ("fd", "/proc/self/fd"),
            ("stdin", "/proc/self/fd/0"),
            ("stdout", "/proc/self/fd/1"),
            ("stderr", "/proc/self/fd/2"),
        ];
        if pts.is_ok() {
            links.push(("ptmx", "pts/ptmx"));
        }
        for (name, says) in links {
            std::os::unix::fs::symlink(says, self.at(&Path::new("/dev").join(name)))
                .map_err(|e| io_failure("cannot make a link in /dev", &e))?;
        }
        // Else a file could be made that is taken for a terminal.
        read_only(&self.at(Path::new("/dev")), false)
    }
}

/// Furnishes the home folder where there are no namespaces: with links to files and folders that
/// may be read, and to folders of ours for files that are written. Returns its path.
pub(super) fn links(cage: &Cage) -> Result<PathBuf> {
    let home = &cage.other_home;
    let failed = |e: &std::io::Error| io_failure("cannot furnish the home folder of a check", e);
    let place = |path: &Path, to: &Path| -> Result<()> {
        let Ok(inside) = path.strip_prefix(&cage.home) else {
            return Ok(());
        };
        let at = home.join(inside);
        // Below what is linked already lies the user's own.
        let linked = at.ancestors().take_while(|above| *above != home.as_path());
        let linked = linked.into_iter().any(Path::is_symlink);
        if inside.as_os_str().is_empty() || linked || fs::symlink_metadata(&at).is_ok() {
            return Ok(());
        }
        if let Some(above) = at.parent() {
            fs::create_dir_all(above).map_err(|e| failed(&e))?;
        }
        std::os::unix::fs::symlink(to, &at).map_err(|e| failed(&e))
    };
    for path in &cage.read {
        let inside = path.starts_with(&cage.home) && fs::metadata(path).is_ok();
        if inside && !cage.hidden.iter().any(|hidden| path.starts_with(hidden)) {
            place(path, path)?;
        }
    }
    for cache in &cage.caches {
        // What the user has is read; where there is nothing, ours is written.
        if fs::metadata(&cache.at).is_ok() {
            place(&cache.at, &cache.at)?;
        } else {
            let ours = cache.ours.join("up");
            fs::create_dir_all(&ours).map_err(|e| failed(&e))?;
            place(&cache.at, &ours)?;
        }
    }
    Ok(home.clone())
}
