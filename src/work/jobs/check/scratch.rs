//! A copy of the working tree beside the index, in which checks run.
//!
//! The copy is kept from one check to the next, with what builds have written in it, and brought up
//! to date by sizes and times. What git ignores is there too: small folders as copies, large
//! ones (packages, environments) as folders of links into the repository, which the command
//! must not write in. Folders that builds write are its own. Copies share their blocks with
//! the originals where the file system can do that, since [`std::fs::copy`] asks for it.

mod refresh;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata, Permissions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use self::refresh::Refresh;
use super::cage::Ours;
use super::neighbours;
use crate::base::beneath::{clear, make_folders, spot};
use crate::base::failure::io_failure;
use crate::base::file_stamp::{FileStamp, nanoseconds};
use crate::base::places::{self, private_dir, write_private};
use crate::base::{Cancel, Failure, Result};
use crate::patch::Change;
use crate::repo::Repo;

/// The name of the folder that the copy lies in.
const WORK: &str = "work";
/// The time that another check is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// The copy of a working tree. Whatever is done in it goes through [`crate::base::beneath`]: a
/// check may have put links wherever it could write.
#[derive(Debug)]
pub(super) struct Scratch {
    /// Our folder: the copy's parent, the list, what is temporary.
    place: PathBuf,
    /// The path of the copy below our folder.
    below: PathBuf,
    tree: PathBuf,
    list: List,
    /// Files and folders that are not copied.
    secrets: Vec<PathBuf>,
    /// The projects beside the repository that are linked beside the copy: those that its manifests
    /// name as they are, whatever a change makes of them.
    pub neighbours: Vec<PathBuf>,
    /// Ignored folders that are links into the repository.
    pub linked: Vec<PathBuf>,
    /// Ignored folders that are left out, for builds to write anew.
    pub built: Vec<PathBuf>,
    _lock: File,
}

/// The list of what lies in the copy.
#[derive(Debug, Default, Serialize, Deserialize)]
struct List {
    /// True if the copy was brought up to date to the end.
    whole: bool,
    /// The time when that was begun last, in nanoseconds since 1970.
    begun: i128,
    entries: BTreeMap<String, CopiedEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum CopiedEntry {
    /// The marks of the original, and of the copy right after it was made.
    File { from: FileStamp, to: FileStamp },
    /// A link, by what it says.
    Link(PathBuf),
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
        // A list that is missing or broken is not whole, so that the copy is made anew.
        let list: List = fs::read(place.join("list.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let list = if list.whole {
            list
        } else {
            // Somebody was killed while it was written: nobody knows what is in there.
            clear(place, Path::new(WORK))?;
            List::default()
        };
        // A folder of ours, and no link that somebody has put there.
        make_folders(place, Path::new(WORK))?;
        let below = Path::new(WORK).join(name);
        Ok(Self {
            place: place.to_owned(),
            tree: place.join(&below),
            below,
            list,
            secrets,
            neighbours: Vec::new(),
            linked: Vec::new(),
            built: Vec::new(),
            _lock: lock,
        })
    }

    /// The folder of the copy.
    pub fn tree(&self) -> &Path {
        &self.tree
    }

    /// The folder above the copy.
    pub fn above(&self) -> PathBuf {
        self.place.join(WORK)
    }

    /// Makes an empty folder for what is temporary.
    pub fn temporary(&self) -> Result<PathBuf> {
        self.empty("tmp")
    }

    /// Makes the folders of ours for a cage: empty ones, and one for what was written into caches.
    ///
    /// # Errors
    /// Of kind environment, if the folders cannot be made.
    pub fn rooms(&self, temporary: PathBuf) -> Result<Ours> {
        let caches = "caches";
        make_folders(&self.place, Path::new(caches))?;
        Ok(Ours {
            tree: self.tree.clone(),
            above: self.above(),
            temporary,
            base: self.empty("room")?,
            home: self.empty("home")?,
            caches: self.place.join(caches),
        })
    }

    /// Makes a folder of ours with nothing in it.
    fn empty(&self, name: &str) -> Result<PathBuf> {
        clear(&self.place, Path::new(name))?;
        let dir = self.place.join(name);
        private_dir(&dir)?;
        Ok(dir)
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
            below: &self.below,
            since: if fresh { 0 } else { old.begun },
            begun: nanoseconds(SystemTime::now()),
            old: old.entries,
            new: BTreeMap::new(),
            copied: 0,
            linked: &mut self.linked,
            built: &mut self.built,
            progress,
        };
        let done = make_folders(&self.place, &self.below)
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

    /// The hash of the state of the repository: of the paths and marks of the files that were copied.
    pub fn state(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (path, kept) in &self.list.entries {
            hash.update(path.as_bytes());
            match kept {
                CopiedEntry::File { from, .. } => {
                    hash.update([0]);
                    hash.update(from.to_bytes());
                }
                CopiedEntry::Link(says) => {
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
                let other = CopiedEntry::File {
                    from: FileStamp::default(),
                    to: FileStamp::default(),
                };
                self.list.entries.insert(path.as_str().to_owned(), other);
            }
        }
        self.save(&self.list, true)?;
        for file in &change.files {
            let path = self.below.join(file.path.as_str());
            let failed = |e: &std::io::Error| {
                io_failure(format!("cannot write the copy of `{}`", file.path), e)
            };
            self.folders_above(&path)?;
            // What cannot be looked at has no rights to be kept.
            let stands = spot(&self.place, &path)?.and_then(|spot| spot.facts().ok().flatten());
            if file.after.is_none() || file.renamed_to.is_some() {
                clear(&self.place, &path)?;
            }
            if let Some(after) = &file.after {
                let to = file.renamed_to.as_ref().unwrap_or(&file.path);
                let mode = stands.filter(Metadata::is_file).map(|f| f.permissions());
                let to = self.below.join(to.as_str());
                self.folders_above(&to)?;
                self.write(&to, after.as_bytes(), mode, &failed)?;
            }
        }
        Ok(())
    }

    /// Lets git, called in the copy, read the repository's data, where there are some to lend.
    pub fn lend_git(&self, git_dir: Option<&Path>) -> Result<()> {
        let path = self.below.join(".git");
        let Some(git_dir) = git_dir else {
            return clear(&self.place, &path);
        };
        let mut text = b"gitdir: ".to_vec();
        text.extend(git_dir.as_os_str().as_encoded_bytes());
        text.push(b'\n');
        self.write(&path, &text, None, &|e| {
            io_failure("cannot lend git its data", e)
        })
    }

    /// Writes a file of the copy, in the place of what stands there.
    fn write(
        &self,
        path: &Path,
        bytes: &[u8],
        mode: Option<Permissions>,
        failed: &dyn Fn(&std::io::Error) -> Failure,
    ) -> Result<()> {
        clear(&self.place, path)?;
        let gone = || failed(&std::io::ErrorKind::NotFound.into());
        let spot = spot(&self.place, path)?.ok_or_else(gone)?;
        // Not through what came there since: it may be a link.
        let mut file = File::create_new(spot.path()).map_err(|e| failed(&e))?;
        file.write_all(bytes).map_err(|e| failed(&e))?;
        match mode {
            Some(mode) => file.set_permissions(mode).map_err(|e| failed(&e)),
            None => Ok(()),
        }
    }

    /// Writes the list, as whole or not.
    fn save(&self, list: &List, whole: bool) -> Result<()> {
        #[derive(Serialize)]
        struct Saved<'a> {
            whole: bool,
            begun: i128,
            entries: &'a BTreeMap<String, CopiedEntry>,
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

    /// Makes the folders above a file of the copy; none of them stays a link.
    fn folders_above(&self, path: &Path) -> Result<()> {
        let folder = path.parent();
        let folder = folder.ok_or_else(|| Failure::bug("a file of the copy has no folder"))?;
        make_folders(&self.place, folder)
    }

    /// Links what lies beside the repository, where its manifests say `../other`.
    fn link_neighbours(&mut self, root: &Path) -> Result<()> {
        let own = self.tree.file_name();
        let own = own.ok_or_else(|| Failure::bug("the copy has no name"))?;
        let files = self.list.entries.keys().map(String::as_str);
        self.neighbours = neighbours::named(&self.tree, files, root);
        let names: BTreeSet<_> = self
            .neighbours
            .iter()
            .filter_map(|path| path.file_name())
            .collect();
        for entry in fs::read_dir(self.above()).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name != own && !names.contains(name.as_os_str()) {
                clear(&self.place, &Path::new(WORK).join(name))?;
            }
        }
        for path in &self.neighbours {
            if let Some(name) = path.file_name().filter(|name| *name != own) {
                refresh::link(&self.place, path, &Path::new(WORK).join(name))?;
            }
        }
        Ok(())
    }
}
