//! One round through the repository, to bring its copy up to date.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use super::CopiedEntry;
use crate::base::beneath::{Spot, clear, make_folders, spot};
use crate::base::failure::io_failure;
use crate::base::file_stamp::{FileStamp, nanoseconds};
use crate::base::{Cancel, Failure, Result};
use crate::repo::{TreeEntry, TreeKind};

/// The most files and bytes of an ignored folder that is copied and not linked.
const SMALL: (usize, u64) = (2_000, 64 << 20);

/// The state of one run of [`Scratch::refresh`].
pub(super) struct Refresh<'a> {
    pub root: &'a Path,
    pub place: &'a Path,
    /// Files and folders that are not copied.
    pub secrets: &'a [PathBuf],
    pub tree: &'a Path,
    /// The path of the copy below `place`.
    pub below: &'a Path,
    /// The time when the round before was begun, in nanoseconds since 1970; 0 for none.
    pub since: i128,
    pub begun: i128,
    pub old: BTreeMap<String, CopiedEntry>,
    pub new: BTreeMap<String, CopiedEntry>,
    pub copied: usize,
    pub linked: &'a mut Vec<PathBuf>,
    pub built: &'a mut Vec<PathBuf>,
    pub progress: &'a mut dyn FnMut(usize),
}

impl Refresh<'_> {
    /// Takes one entry over. Returns true if it is to be gone into.
    pub fn entry(&mut self, entry: TreeEntry, cancel: &Cancel) -> Result<bool> {
        let from = self.root.join(&entry.path);
        if from == self.place || self.secrets.contains(&from) {
            return Ok(false);
        }
        match entry.kind {
            TreeKind::Folder => self.folder(&entry.path).map(|()| true),
            TreeKind::Built => {
                // A link would lead what is written there into the repository.
                if self.facts(&entry.path)?.is_some() {
                    self.folder(&entry.path)?;
                }
                self.built.push(entry.path.clone());
                Ok(true)
            }
            TreeKind::Ignored => {
                cancel.check()?;
                if is_small(&self.root.join(&entry.path)) {
                    return self.folder(&entry.path).map(|()| true);
                }
                self.linked.push(entry.path.clone());
                self.link_entries(&entry.path).map(|()| false)
            }
            TreeKind::Link(says) => self.link(&entry.path, says).map(|()| false),
            TreeKind::File { stamp, modified } => {
                self.file(&entry.path, stamp, modified)?;
                Ok(false)
            }
        }
    }

    /// Makes a folder of the copy; what else stands there goes.
    fn folder(&self, path: &Path) -> Result<()> {
        make_folders(self.place, &self.below.join(path))
    }

    /// The metadata of what stands at a path of the copy, a link as itself.
    fn facts(&self, path: &Path) -> Result<Option<Metadata>> {
        let at = self.below.join(path);
        let spot = spot(self.place, &at)?;
        let facts = spot.map(|spot| spot.facts()).transpose();
        let failed = |e| io_failure(format!("cannot look at {}", at.display()), &e);
        facts.map(Option::flatten).map_err(failed)
    }

    /// Makes a folder whose entries are links. Those that are links already say what they said, so
    /// that packages of the repository itself, linked among the others, lead to the copy.
    fn link_entries(&mut self, path: &Path) -> Result<()> {
        self.folder(path)?;
        let entries = fs::read_dir(self.root.join(path))
            .map_err(|e| io_failure(format!("cannot read {}", path.display()), &e))?;
        for entry in entries.flatten() {
            let inside = path.join(entry.file_name());
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            let scope = entry.file_name().to_string_lossy().starts_with('@');
            if kind.is_symlink() {
                if let Ok(says) = fs::read_link(entry.path()) {
                    self.link(&inside, says)?;
                }
            } else if kind.is_dir() && scope {
                self.link_entries(&inside)?;
            } else {
                self.link(&inside, entry.path())?;
            }
        }
        Ok(())
    }

    fn link(&mut self, path: &Path, says: PathBuf) -> Result<()> {
        // An absolute one into the repository is meant for what stands there in the copy, but
        // for our own, whose folder the copy lacks.
        let at = self.root.join(path);
        let says = match says.strip_prefix(self.root) {
            Ok(inside) if says != at => self.tree.join(inside),
            _ if leads_out(path, &says) => {
                let folder = at.parent();
                let folder = folder.ok_or_else(|| Failure::bug("a link lies in no folder"))?;
                folder.join(says)
            }
            _ => says,
        };
        link(self.place, &says, &self.below.join(path))?;
        if let Some(name) = path.to_str() {
            self.old.remove(name);
            self.new.insert(name.to_owned(), CopiedEntry::Link(says));
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, from: FileStamp, modified: Option<SystemTime>) -> Result<()> {
        let name = path.to_str();
        let old = name.and_then(|name| self.old.remove(name));
        let stands = self.facts(path)?;
        let is_file = stands.as_ref().is_some_and(Metadata::is_file);
        if let (
            Some(CopiedEntry::File {
                from: was,
                to: copy,
            }),
            Some(facts),
            Some(name),
        ) = (&old, &stands, name)
            && is_file
            && *was == from
            && *copy == FileStamp::from(facts)
        {
            self.new
                .insert(name.to_owned(), CopiedEntry::File { from, to: *copy });
            return Ok(());
        }
        let at = self.below.join(path);
        // Not into what stands there: it may have other names.
        clear(self.place, &at)?;
        if let Some(folder) = path.parent() {
            self.folder(folder)?;
        }
        let failed = |e: &io::Error| {
            io_failure(format!("cannot copy {}", path.display()), e)
                .hint("the check runs in a copy of the repository below the cache folder")
        };
        // What builds have made of another text must look older than this one.
        let time = match modified {
            Some(time) if nanoseconds(time) > self.since => time,
            _ => SystemTime::now(),
        };
        let spot = spot(self.place, &at)?;
        let spot = spot.ok_or_else(|| failed(&io::ErrorKind::NotFound.into()))?;
        // What is gone meanwhile, or closed to us, no check could read either.
        let Ok(source) = File::open(self.root.join(path)) else {
            return Ok(());
        };
        let facts = copy(source, &spot, time).map_err(|e| failed(&e))?;
        if let Some(name) = name {
            let to = FileStamp::from(&facts);
            self.new
                .insert(name.to_owned(), CopiedEntry::File { from, to });
        }
        self.copied += 1;
        if self.copied.is_multiple_of(64) {
            (self.progress)(self.copied);
        }
        Ok(())
    }

    /// Removes what was copied or put there and is no longer in the repository.
    pub fn remove_gone(&mut self) -> Result<()> {
        for name in std::mem::take(&mut self.old).into_keys() {
            // Below a link lies what is not ours.
            let Ok(Some(facts)) = self.facts(Path::new(&name)) else {
                continue;
            };
            if facts.is_dir() {
                continue;
            }
            clear(self.place, &self.below.join(&name))?;
            for folder in Path::new(&name).ancestors().skip(1) {
                // The copy itself stays.
                if folder.as_os_str().is_empty() {
                    break;
                }
                let spot = spot(self.place, &self.below.join(folder))?;
                if spot.is_none_or(|spot| fs::remove_dir(spot.path()).is_err()) {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Copies a file to a name that is free, with its rights and that time of writing.
fn copy(mut from: File, to: &Spot, time: SystemTime) -> io::Result<Metadata> {
    let mut file = File::create_new(to.path())?;
    // In the kernel, or by shared blocks, where it can do that.
    io::copy(&mut from, &mut file)?;
    file.set_permissions(from.metadata()?.permissions())?;
    file.set_modified(time)?;
    file.metadata()
}

/// Makes a link at a path below `place`, unless it is there.
pub(super) fn link(place: &Path, says: &Path, path: &Path) -> Result<()> {
    let failed = |e: &io::Error| io_failure(format!("cannot make the link {}", path.display()), e);
    let gone = || failed(&io::ErrorKind::NotFound.into());
    let spot = spot(place, path)?.ok_or_else(gone)?;
    let at = spot.path();
    if fs::read_link(&at).is_ok_and(|there| there == says) {
        return Ok(());
    }
    clear(place, path)?;
    #[cfg(unix)]
    let made = std::os::unix::fs::symlink(says, at);
    #[cfg(windows)]
    let made = if says.is_dir() {
        std::os::windows::fs::symlink_dir(says, at)
    } else {
        std::os::windows::fs::symlink_file(says, at)
    };
    made.map_err(|e| failed(&e))
}

/// Tells whether a link at `path` that says `says` leads above the root.
fn leads_out(path: &Path, says: &Path) -> bool {
    let mut depth = path.components().count().saturating_sub(1);
    for part in says.components() {
        match part {
            Component::ParentDir if depth == 0 => return true,
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    false
}

/// Tells whether a folder holds little enough to be copied.
fn is_small(folder: &Path) -> bool {
    let (mut files, mut bytes) = (0, 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(facts) = entry.metadata() else {
                continue;
            };
            files += 1;
            bytes += facts.len();
            if files > SMALL.0 || bytes > SMALL.1 {
                return false;
            }
            if facts.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    true
}
