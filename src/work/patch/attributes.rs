//! Properties of a file beside its text and its rights, of which a new text in its place knows
//! nothing: other names, owner and group, extended attributes and access lists.
//!
//! A new text is a new file that takes the place of the old one. On Linux it gets owner, group,
//! access list and attributes of the old one, or is not written; elsewhere it has those of any new
//! file. Other names of the old file stay with the old text: to write through them would change
//! files that may lie outside the repository.

use std::fs::Metadata;
use std::path::Path;

use super::disk::facts_of;
use super::{Change, FileChange};
use crate::base::RepoPath;

/// Says what a change would take from the files it touches, each in a sentence; to be told before
/// it is written. A file that cannot be looked at is not spoken of: writing refuses it.
pub fn losses(root: &Path, change: &Change) -> Vec<String> {
    let replaced = |file: &&FileChange| file.before.is_some() && file.after.is_some();
    let each = change.files.iter().filter(replaced);
    each.filter_map(|file| {
        let facts = facts_of(root, &file.path).ok().flatten()?;
        loss(&file.path, &facts)
    })
    .collect()
}

#[cfg(unix)]
fn loss(path: &RepoPath, facts: &Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;

    let mut what = Vec::new();
    match facts.nlink() {
        0 | 1 => {}
        names => what.push(format!(
            "it is a hard link, one of {names} names of one file: only this one gets the new text, \
             and they are one no longer"
        )),
    }
    if is_anothers(facts) {
        what.push("it belongs to another user, and will belong to you".to_owned());
    }
    (!what.is_empty()).then(|| format!("`{path}`: {}", what.join("; ")))
}

/// Tells whether a file belongs to a user for whom this process cannot make files.
#[cfg(target_os = "linux")]
fn is_anothers(facts: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let user = rustix::process::geteuid();
    !user.is_root() && user.as_raw() != facts.uid()
}

#[cfg(all(unix, not(target_os = "linux")))]
const fn is_anothers(_: &Metadata) -> bool {
    false
}

#[cfg(not(unix))]
const fn loss(_: &RepoPath, _: &Metadata) -> Option<String> {
    None
}

/// Gives a new file owner, group, access list and attributes of the one that it is to replace.
///
/// # Errors
/// Those of the system, where an attribute or an access list cannot be given: rights that a list
/// takes away would come back with it.
#[cfg(target_os = "linux")]
pub(super) fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    use std::fs::File;
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

    use rustix::fs::{Gid, OFlags, Uid, XattrFlags, fchown, fgetxattr, flistxattr, fsetxattr};
    use rustix::io::Errno;

    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    let from = File::options().read(true).custom_flags(flags).open(from)?;
    let to = File::options().write(true).custom_flags(flags).open(to)?;
    let (old, new) = (from.metadata()?, to.metadata()?);
    // Who is not root may give files to none, and to groups of their own only.
    if old.uid() != new.uid() {
        let _ = fchown(&to, Some(Uid::from_raw(old.uid())), None);
    }
    if old.gid() != new.gid() {
        let _ = fchown(&to, None, Some(Gid::from_raw(old.gid())));
    }
    let mut names = vec![0; LONGEST];
    let used = match flistxattr(&from, names.as_mut_slice()) {
        Ok(used) => used,
        Err(Errno::OPNOTSUPP) => return Ok(()),
        Err(e) => return Err(e.into()),
    };
    let names = names.get(..used).unwrap_or_default();
    let mut value = vec![0; LONGEST];
    for name in names.split(|byte| *byte == 0) {
        if !name.starts_with(b"user.") && name != b"system.posix_acl_access" {
            continue;
        }
        let used = fgetxattr(&from, name, value.as_mut_slice())?;
        let value = value.get(..used).unwrap_or_default();
        fsetxattr(&to, name, value, XattrFlags::empty())?;
    }
    Ok(())
}

/// Bytes of an attribute, and of the names of all of a file, at the most (xattr(7)).
#[cfg(target_os = "linux")]
const LONGEST: usize = 64 << 10;

#[cfg(not(target_os = "linux"))]
pub(super) const fn copy(_: &Path, _: &Path) -> std::io::Result<()> {
    Ok(())
}
