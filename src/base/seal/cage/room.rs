//! The file system of a cage: empty, then what is listed.

use std::fs;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind_recursive, mount_change,
    unmount,
};

use super::Cage;
use crate::base::failure::io_failure;
use crate::base::{Failure, Result};

/// Names at the top that are links into `/usr` on most systems, and folders of their own on others.
const LINKS: [&str; 6] = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
/// What of `/proc` sets up the machine; root of another namespace may write some of it.
const KERNEL: [&str; 5] = [
    "/proc/sys",
    "/proc/irq",
    "/proc/bus",
    "/proc/fs",
    "/proc/sysrq-trigger",
];
/// Names in the cage that lead to nothing of use.
const EMPTY: &str = "/.empty";
const SHARED: &str = "/.shared";
/// Folders of the system that are shown as they are: no program keeps a socket in one, or another
/// file system cannot lie over them.
const PLAIN: [&str; 11] = [
    "/usr", "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/sys", "/proc", "/dev",
];

/// Parts from the mounts outside, and sees whether anything can be mounted: some systems give
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
/// [`try_mounting`]. Says whether all that is shown lies behind another file system.
pub(super) fn build(cage: &Cage) -> Result<bool> {
    let failed = |what: &str, e: rustix::io::Errno| io_failure(what, &e.into());
    let room = Room {
        base: cage.base.clone(),
        most: cage.limits.memory,
        layers: cage.wanted.layers,
    };
    let mut layered = true;
    room.temporary(Path::new("/"), "mode=0755")?;
    for path in LINKS {
        room.link(Path::new(path))?;
    }
    room.make(Path::new(EMPTY))?;
    // One file system in memory for all that is written in one, so that its size is a limit.
    room.temporary(Path::new(SHARED), "mode=0700")?;
    room.share(Path::new("/tmp"), 0o1777)?;
    room.share(Path::new("/var/tmp"), 0o1777)?;
    room.share(Path::new("/run"), 0o755)?;
    if cage.home != Path::new("/") {
        room.share(&cage.home, 0o700)?;
    }
    // Shorter ones first: what lies in another goes over it, and what is hidden over all of its
    // length.
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
    let mut empty = Vec::new();
    for (path, show) in all {
        match show {
            Show::Read => layered &= room.bind(path, false)?,
            Show::Write => layered &= room.bind(path, true)?,
            Show::Nothing => empty.extend(room.hide(path, cage)?),
            Show::Cache => {
                let of = cage.caches.iter().find(|cache| cache.at == path);
                of.map_or(Ok(()), |cache| room.overlay(path, &cache.ours))?;
            }
        }
    }
    for target in empty {
        read_only(&target, false)?;
    }
    room.devices()?;
    room.make(Path::new("/proc"))?;
    mount(
        "proc",
        room.at(Path::new("/proc")),
        "proc",
        MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC,
        None,
    )
    .map_err(|e| failed("cannot mount /proc", e))?;
    for part in KERNEL {
        let at = room.at(Path::new(part));
        if fs::symlink_metadata(&at).is_ok() {
            mount_bind_recursive(&at, &at).map_err(|e| failed("cannot protect /proc", e))?;
            read_only(&at, true)?;
        }
    }
    let shared = room.at(Path::new(SHARED));
    unmount(&shared, UnmountFlags::DETACH).map_err(|e| failed("cannot tidy up", e))?;
    read_only(&room.base, false)?;
    rustix::process::chdir(&room.base).map_err(|e| failed("cannot go into the cage", e))?;
    // The old root comes to lie over the new one, and is taken away.
    rustix::process::pivot_root(".", ".").map_err(|e| failed("cannot change the root", e))?;
    unmount(".", UnmountFlags::DETACH).map_err(|e| failed("cannot leave the old root", e))?;
    rustix::process::chdir("/").map_err(|e| failed("cannot go into the cage", e))?;
    Ok(layered)
}

/// What is shown at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Show {
    Read,
    Cache,
    Nothing,
    Write,
}

struct Room {
    base: PathBuf,
    /// Bytes that a file system in memory may hold; 0 for what the system allows.
    most: u64,
    /// Whether folders are to be shown through another file system.
    layers: bool,
}

impl Room {
    fn at(&self, path: &Path) -> PathBuf {
        self.base.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Makes a folder, and those above it.
    fn make(&self, path: &Path) -> Result<()> {
        fs::create_dir_all(self.at(path))
            .map_err(|e| io_failure(format!("cannot make {} in the cage", path.display()), &e))
    }

    /// A file system in memory.
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

    /// A folder in the one file system in memory.
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

    /// Shows a folder through another file system, which nobody listens behind: a socket in there
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

    /// Shows a file or folder. What is not there is passed over. False where a socket of somebody
    /// else could be in it.
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

    fn place_for(&self, path: &Path, folder: bool) -> Result<PathBuf> {
        let target = self.at(path);
        if fs::symlink_metadata(&target).is_ok() {
            return Ok(target);
        }
        if folder {
            self.make(path)?;
        } else {
            path.parent().map_or(Ok(()), |above| self.make(above))?;
            fs::write(&target, "")
                .map_err(|e| io_failure(format!("cannot make {}", path.display()), &e))?;
        }
        Ok(target)
    }

    /// Shows a user's cache, with a folder of ours over it that takes what is written.
    fn overlay(&self, path: &Path, ours: &Path) -> Result<()> {
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
            return Ok(());
        };
        let Ok(facts) = fs::metadata(path) else {
            mount_bind_recursive(&upper, &target)
                .map_err(|e| io_failure(format!("cannot show {}", path.display()), &e.into()))?;
            return attributes(
                &target,
                true,
                libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV,
            );
        };
        if !facts.is_dir() {
            return Ok(());
        }
        let mut options = b"userxattr".to_vec();
        for (name, folder) in [("lowerdir", path), ("upperdir", &upper), ("workdir", &work)] {
            options.extend(format!(",{name}=").bytes());
            options.extend(escaped(folder));
        }
        if overlaid(&target, options, MountFlags::empty())? {
            return Ok(());
        }
        // A file system that cannot be the upper one: then it is read, and not written.
        mount_bind_recursive(path, &target)
            .map_err(|e| io_failure(format!("cannot show {}", path.display()), &e.into()))
            .and_then(|()| read_only(&target, true))
    }

    /// Puts something empty over a path. Gives the place of a folder, which has to be protected
    /// once what is shown in it is there.
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

/// A path as it stands in the options of overlayfs.
fn escaped(path: &Path) -> Vec<u8> {
    let mut escaped = Vec::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        if matches!(byte, b',' | b':' | b'\\') {
            escaped.push(b'\\');
        }
        escaped.push(*byte);
    }
    escaped
}

/// Mounts layers at a place, if that can be had.
fn overlaid(target: &Path, options: Vec<u8>, flags: MountFlags) -> Result<bool> {
    let options = std::ffi::CString::new(options)
        .map_err(|e| Failure::bug("a path with a zero byte").caused_by(&e))?;
    let flags = flags | MountFlags::NOSUID | MountFlags::NODEV;
    Ok(mount("overlay", target, "overlay", flags, options.as_c_str()).is_ok())
}

fn read_only(target: &Path, below: bool) -> Result<()> {
    attributes(
        target,
        below,
        libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV,
    )
}

/// Sets attributes of a mount, and of those below it.
fn attributes(target: &Path, below: bool, set: u64) -> Result<()> {
    let failed = |e: &std::io::Error| {
        io_failure(
            format!("cannot protect {} in the cage", target.display()),
            e,
        )
    };
    let mount = openat(CWD, target, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .map_err(|e| failed(&e.into()))?;
    let wanted = libc::mount_attr {
        attr_set: set,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    let mut flags = libc::AT_EMPTY_PATH;
    if below {
        flags |= libc::AT_RECURSIVE;
    }
    // SAFETY: the path is a constant text with its zero byte, the structure is as large as is
    // said, and both outlive the call.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            std::os::fd::AsRawFd::as_raw_fd(&mount.as_fd()),
            c"".as_ptr(),
            flags,
            &raw const wanted,
            size_of::<libc::mount_attr>(),
        )
    };
    if done == 0 {
        Ok(())
    } else {
        Err(failed(&std::io::Error::last_os_error()))
    }
}

/// The home folder where there are no namespaces: links to what may be read, and to folders of
/// ours for what is written. Gives where it is.
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
