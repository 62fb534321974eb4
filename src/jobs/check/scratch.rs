//! A copy of the working tree beside the index, in which checks run.
//!
//! It is kept from one check to the next, with what builds have written in it, and brought up
//! to date by sizes and times. What git ignores is there too: small folders as copies, large
//! ones (packages, environments) as folders of links into the repository, which the command
//! must not write in. Folders that builds write are its own. Copies share their blocks with
//! the originals where the file system can do that, since [`std::fs::copy`] asks for it.

mod disk;
mod refresh;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use self::disk::{clear, link, real_folder};
use self::refresh::Refresh;
use super::cage::{self, Ours};
use crate::base::failure::io_failure;
use crate::base::places::{self, private_dir, write_private};
use crate::base::{Cancel, Failure, Result};
use crate::patch::Change;
use crate::repo::Repo;

/// How long another check is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// The copy.
#[derive(Debug)]
pub(super) struct Scratch {
    /// Our folder: the copy's parent, the list, what is temporary.
    place: PathBuf,
    tree: PathBuf,
    list: List,
    /// Files and folders that are not copied.
    secrets: Vec<PathBuf>,
    /// Ignored folders that are links into the repository.
    pub linked: Vec<PathBuf>,
    /// Ignored folders that are left out, for builds to write anew.
    pub built: Vec<PathBuf>,
    _lock: File,
}

/// What lies in the copy.
#[derive(Debug, Default, Serialize, Deserialize)]
struct List {
    /// Whether it was brought up to date to the end.
    whole: bool,
    /// When that was begun last, in nanoseconds since 1970.
    begun: u64,
    entries: BTreeMap<String, Kept>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Kept {
    /// Sizes and times of the original, and of the copy right after it was made.
    File { from: Stamp, to: Stamp },
    /// What a link says.
    Link(PathBuf),
}

/// Size, and time of writing in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp(u64, u64);

impl Stamp {
    fn of(facts: &Metadata) -> Self {
        Self(facts.len(), facts.modified().map_or(0, nanoseconds))
    }
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl Scratch {
    /// Takes the copy in `place` for oneself; it may be empty or old. `secrets` never come into it.
    ///
    /// # Errors
    /// Of kind environment, if another check has it or the folder cannot be made.
    pub fn take(repo: &Repo, place: &Path, secrets: Vec<PathBuf>) -> Result<Self> {
        private_dir(place)?;
        // A check that was just stopped needs a moment.
        let lock = places::lock(&place.join("lock"), PATIENCE, &Cancel::never())?;
        let lock = lock.ok_or_else(|| {
            Failure::environment("another check of this repository is running")
                .hint("wait until it has ended, or stop it")
        })?;
        let name = repo.root().file_name().unwrap_or("tree".as_ref());
        let work = place.join("work");
        let list: List = fs::read(place.join("list.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let list = if list.whole {
            list
        } else {
            // Somebody was killed while it was written: nobody knows what is in there.
            clear(&work)?;
            List::default()
        };
        // A folder of ours, and no link that somebody has put there.
        real_folder(&work)?;
        Ok(Self {
            place: place.to_owned(),
            tree: work.join(name),
            list,
            secrets,
            linked: Vec::new(),
            built: Vec::new(),
            _lock: lock,
        })
    }

    /// Where the copy is.
    pub fn tree(&self) -> &Path {
        &self.tree
    }

    /// The folder above the copy.
    pub fn above(&self) -> PathBuf {
        self.place.join("work")
    }

    /// A folder for what is temporary.
    pub fn temporary(&self) -> Result<PathBuf> {
        let dir = self.place.join("tmp");
        clear(&dir)?;
        private_dir(&dir)?;
        Ok(dir)
    }

    /// Folders of ours for a cage: empty ones, and one for what was written into caches.
    ///
    /// # Errors
    /// Of kind environment, if they cannot be made.
    pub fn rooms(&self, temporary: PathBuf) -> Result<Ours> {
        let empty = |name: &str| -> Result<PathBuf> {
            let dir = self.place.join(name);
            clear(&dir)?;
            private_dir(&dir)?;
            Ok(dir)
        };
        let caches = self.place.join("caches");
        real_folder(&caches)?;
        Ok(Ours {
            tree: self.tree.clone(),
            above: self.above(),
            temporary,
            base: empty("room")?,
            home: empty("home")?,
            caches,
        })
    }

    /// What lies beside the repository and is linked beside the copy.
    pub fn neighbours(&self, root: &Path) -> Vec<PathBuf> {
        let parent = root.parent().unwrap_or(root);
        let names = cage::neighbours(&self.tree, self.list.entries.keys().map(String::as_str));
        let all = names.into_iter().map(|name| parent.join(name));
        all.filter(|path| path != root && path.exists()).collect()
    }

    /// Brings the copy up to date, and back to what the repository has: what a change or a
    /// check did to its files is undone. `progress` is told how many files were copied.
    ///
    /// # Errors
    /// Of kind interrupted when cancelled, of kind environment, if something cannot be read or
    /// written.
    pub fn refresh(
        &mut self,
        repo: &Repo,
        cancel: &Cancel,
        progress: &mut dyn FnMut(usize),
    ) -> Result<()> {
        let fresh = self.list.begun == 0;
        let old = std::mem::take(&mut self.list);
        self.save(&old, false)?;
        self.linked.clear();
        self.built.clear();
        let mut refresh = Refresh {
            root: repo.root(),
            place: &self.place,
            secrets: &self.secrets,
            tree: &self.tree,
            since: if fresh { 0 } else { old.begun },
            begun: nanoseconds(SystemTime::now()),
            old: old.entries,
            new: BTreeMap::new(),
            copied: 0,
            linked: &mut self.linked,
            built: &mut self.built,
            progress,
        };
        let done = real_folder(refresh.tree)
            .and_then(|()| repo.tree(cancel, &mut |entry| refresh.entry(entry, cancel)))
            .and_then(|()| refresh.remove_gone());
        let Refresh {
            begun, old, new, ..
        } = refresh;
        let mut list = List {
            whole: true,
            begun,
            entries: new,
        };
        if done.is_err() {
            // What was not come to is as it was.
            for (path, kept) in old {
                list.entries.entry(path).or_insert(kept);
            }
        }
        self.list = list;
        self.save(&self.list, true)?;
        done?;
        self.link_neighbours(repo.root())
    }

    /// What tells one state of the repository from another.
    pub fn state(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (path, kept) in &self.list.entries {
            hash.update(path.as_bytes());
            match kept {
                Kept::File { from, .. } => {
                    hash.update([0]);
                    hash.update(from.0.to_le_bytes());
                    hash.update(from.1.to_le_bytes());
                }
                Kept::Link(says) => {
                    hash.update([1]);
                    hash.update(says.as_os_str().as_encoded_bytes());
                }
            }
        }
        hash.finalize().into()
    }

    /// Writes a change into the copy, which [`Scratch::refresh`] takes out again.
    ///
    /// # Errors
    /// Of kind environment, if something cannot be written; of kind input, if a folder on the
    /// way is a link.
    pub fn put(&mut self, change: &Change) -> Result<()> {
        for file in &change.files {
            for path in std::iter::once(&file.path).chain(file.renamed_to.as_ref()) {
                let other = Kept::File {
                    from: Stamp::default(),
                    to: Stamp::default(),
                };
                self.list.entries.insert(path.as_str().to_owned(), other);
            }
        }
        self.save(&self.list, true)?;
        for file in &change.files {
            let from = file.path.under(&self.tree);
            let failed = |e: &std::io::Error| {
                io_failure(format!("cannot write the copy of `{}`", file.path), e)
            };
            self.real_parents(&from)?;
            let mode = fs::symlink_metadata(&from).map(|facts| facts.permissions());
            if file.after.is_none() || file.renamed_to.is_some() {
                clear(&from)?;
            }
            if let Some(after) = &file.after {
                let to = file.renamed_to.as_ref().unwrap_or(&file.path);
                let to = to.under(&self.tree);
                self.real_parents(&to)?;
                // Not through what stands there: it may be a link.
                clear(&to)?;
                fs::write(&to, after).map_err(|e| failed(&e))?;
                if let Ok(mode) = mode {
                    fs::set_permissions(&to, mode).map_err(|e| failed(&e))?;
                }
            }
        }
        Ok(())
    }

    /// Lets git, called in the copy, read the repository's data.
    pub fn lend_git(&self, git_dir: &Path) -> Result<()> {
        let file = self.tree.join(".git");
        clear(&file)?;
        let mut text = b"gitdir: ".to_vec();
        text.extend(git_dir.as_os_str().as_encoded_bytes());
        text.push(b'\n');
        fs::write(&file, text).map_err(|e| io_failure("cannot lend git its data", &e))
    }

    fn save(&self, list: &List, whole: bool) -> Result<()> {
        #[derive(Serialize)]
        struct Saved<'a> {
            whole: bool,
            begun: u64,
            entries: &'a BTreeMap<String, Kept>,
        }
        let saved = Saved {
            whole,
            begun: list.begun,
            entries: &list.entries,
        };
        let bytes = serde_json::to_vec(&saved)
            .map_err(|e| Failure::bug("the list of a copy cannot be written").caused_by(&e))?;
        write_private(&self.place.join("list.json"), &bytes)
    }

    /// Makes the folders above a file of the copy; none of them may be a link.
    fn real_parents(&self, file: &Path) -> Result<()> {
        let below = file.strip_prefix(&self.tree).unwrap_or(file);
        let mut at = self.tree.clone();
        let mut parts = below.components().peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                break;
            }
            at.push(part);
            real_folder(&at)?;
        }
        Ok(())
    }

    /// Links what lies beside the repository, where its manifests say `../other`.
    fn link_neighbours(&self, root: &Path) -> Result<()> {
        let work = self.above();
        let own = self.tree.file_name().unwrap_or_default();
        let all = self.neighbours(root);
        let names: BTreeSet<_> = all.iter().filter_map(|path| path.file_name()).collect();
        for entry in fs::read_dir(&work).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name != own && !names.contains(name.as_os_str()) {
                clear(&entry.path())?;
            }
        }
        for path in &all {
            if let Some(name) = path.file_name().filter(|name| *name != own) {
                link(path, &work.join(name))?;
            }
        }
        Ok(())
    }
}
