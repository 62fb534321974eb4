//! One round through the repository, to bring its copy up to date.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use super::disk::{clear, link, real_folder};
use super::{Kept, Stamp, nanoseconds};
use crate::base::failure::io_failure;
use crate::base::{Cancel, Result};
use crate::repo::{TreeEntry, TreeKind};

/// The most files and bytes of an ignored folder that is copied and not linked.
const SMALL: (usize, u64) = (2_000, 64 << 20);

/// The state of one run of [`Scratch::refresh`].
pub(super) struct Refresh<'a> {
    pub root: &'a Path,
    pub place: &'a Path,
    /// What is not copied.
    pub secrets: &'a [PathBuf],
    pub tree: &'a Path,
    /// When the last one was begun; 0 for none.
    pub since: u64,
    pub begun: u64,
    pub old: BTreeMap<String, Kept>,
    pub new: BTreeMap<String, Kept>,
    pub copied: usize,
    pub linked: &'a mut Vec<PathBuf>,
    pub built: &'a mut Vec<PathBuf>,
    pub progress: &'a mut dyn FnMut(usize),
}

impl Refresh<'_> {
    /// Takes one entry over. Says whether to go into it.
    pub fn entry(&mut self, entry: TreeEntry, cancel: &Cancel) -> Result<bool> {
        let to = self.tree.join(&entry.path);
        let from = self.root.join(&entry.path);
        if from == self.place || self.secrets.contains(&from) {
            return Ok(false);
        }
        match entry.kind {
            TreeKind::Folder => real_folder(&to).map(|()| true),
            TreeKind::Built => {
                // A link would lead what is written there into the repository.
                if fs::symlink_metadata(&to).is_ok() {
                    real_folder(&to)?;
                }
                self.built.push(entry.path.clone());
                Ok(true)
            }
            TreeKind::Ignored => {
                cancel.check()?;
                if is_small(&self.root.join(&entry.path)) {
                    return real_folder(&to).map(|()| true);
                }
                self.linked.push(entry.path.clone());
                self.link_entries(&entry.path).map(|()| false)
            }
            TreeKind::Link(says) => self.link(&entry.path, says).map(|()| false),
            TreeKind::File { bytes, modified } => {
                let from = Stamp(bytes, modified.map_or(0, nanoseconds));
                self.file(&entry.path, from, modified)?;
                Ok(false)
            }
        }
    }

    /// A folder whose entries are links. Those that are links already say what they said, so
    /// that packages of the repository itself, linked among the others, lead to the copy.
    fn link_entries(&mut self, path: &Path) -> Result<()> {
        real_folder(&self.tree.join(path))?;
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
            _ if leads_out(path, &says) => at.parent().unwrap_or(&at).join(says),
            _ => says,
        };
        link(&says, &self.tree.join(path))?;
        if let Some(name) = path.to_str() {
            self.old.remove(name);
            self.new.insert(name.to_owned(), Kept::Link(says));
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, from: Stamp, modified: Option<SystemTime>) -> Result<()> {
        let to = self.tree.join(path);
        let name = path.to_str();
        let old = name.and_then(|name| self.old.remove(name));
        let stands = fs::symlink_metadata(&to).ok();
        let is_file = stands.as_ref().is_some_and(Metadata::is_file);
        if let (
            Some(Kept::File {
                from: was,
                to: copy,
            }),
            Some(facts),
            Some(name),
        ) = (&old, &stands, name)
            && is_file
            && *was == from
            && *copy == Stamp::of(facts)
        {
            self.new
                .insert(name.to_owned(), Kept::File { from, to: *copy });
            return Ok(());
        }
        if !is_file && stands.is_some() {
            clear(&to)?;
        }
        let failed = |e: &std::io::Error| {
            io_failure(format!("cannot copy {}", path.display()), e)
                .hint("the check runs in a copy of the repository below the cache folder")
        };
        let source = self.root.join(path);
        // Not into what stands there: it may have other names.
        let _ = fs::remove_file(&to);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(|e| failed(&e))?;
        }
        if let Err(e) = fs::copy(&source, &to) {
            // What is gone meanwhile, or closed to us, no check could read either.
            return match File::open(&source) {
                Ok(_) => Err(failed(&e)),
                Err(_) => Ok(()),
            };
        }
        // What builds have made of another text must look older than this one.
        let time = match modified {
            Some(time) if nanoseconds(time) > self.since => time,
            _ => SystemTime::now(),
        };
        let facts = File::options()
            .append(true)
            .open(&to)
            .and_then(|file| file.set_modified(time).and_then(|()| file.metadata()))
            // A read-only one keeps the time of its copying.
            .or_else(|_| fs::symlink_metadata(&to))
            .map_err(|e| failed(&e))?;
        if let Some(name) = name {
            let to = Stamp::of(&facts);
            self.new.insert(name.to_owned(), Kept::File { from, to });
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
            let mut at = self.tree.to_owned();
            let parts: Vec<_> = Path::new(&name).components().collect();
            // Below a link lies what is not ours.
            let ours = parts.iter().enumerate().all(|(i, part)| {
                let Component::Normal(part) = part else {
                    return false;
                };
                at.push(part);
                i + 1 == parts.len() || fs::symlink_metadata(&at).is_ok_and(|facts| facts.is_dir())
            });
            if !ours || fs::symlink_metadata(&at).is_ok_and(|facts| facts.is_dir()) {
                continue;
            }
            clear(&at)?;
            while at.pop() && at != *self.tree && fs::remove_dir(&at).is_ok() {}
        }
        Ok(())
    }
}

/// Whether a link at `path` that says `says` leads above the root.
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

/// Whether a folder holds little enough to be copied.
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
