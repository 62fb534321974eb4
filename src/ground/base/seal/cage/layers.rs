//! Layers of file systems over a place, and the attributes of mounts.

use std::os::fd::AsFd as _;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::mount::{MountFlags, mount};

use crate::base::failure::io_failure;
use crate::base::{Failure, Result};

/// Writes a path as it stands in the options of overlayfs.
pub(super) fn escaped(path: &Path) -> Vec<u8> {
    let mut escaped = Vec::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        if matches!(byte, b',' | b':' | b'\\') {
            escaped.push(b'\\');
        }
        escaped.push(*byte);
    }
    escaped
}

/// Mounts layers at a place; false where that cannot be had.
pub(super) fn overlaid(target: &Path, options: Vec<u8>, flags: MountFlags) -> Result<bool> {
    let options = std::ffi::CString::new(options)
        .map_err(|e| Failure::bug("a path with a zero byte").caused_by(&e))?;
    let flags = flags | MountFlags::NOSUID | MountFlags::NODEV;
    Ok(mount("overlay", target, "overlay", flags, options.as_c_str()).is_ok())
}

/// Protects a mount from being written, and with `below` those below it.
pub(super) fn read_only(target: &Path, below: bool) -> Result<()> {
    attributes(
        target,
        below,
        libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV,
    )
}

/// Sets attributes of a mount, and with `below` of those below it.
pub(super) fn attributes(target: &Path, below: bool, set: u64) -> Result<()> {
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
