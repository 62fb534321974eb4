//! The files that git tracks: they belong to the repository, whatever a rule says of their names.

use std::fmt;
use std::path::Path;
use std::sync::OnceLock;

use git2::Index;

use super::super::Repo;

/// The entries of the index, read when the first entry is asked about.
pub(super) struct Tracked {
    repo: Repo,
    names: OnceLock<Names>,
}

/// The names of all entries in git's order, one behind the other: there may be millions.
#[derive(Default)]
struct Names {
    bytes: Vec<u8>,
    /// The end of each name.
    ends: Vec<usize>,
}

impl Names {
    fn of(index: &Index) -> Self {
        let mut names = Self::default();
        for entry in index.iter() {
            names.bytes.extend_from_slice(&entry.path);
            names.ends.push(names.bytes.len());
        }
        names
    }

    fn get(&self, at: usize) -> Option<&[u8]> {
        let end = *self.ends.get(at)?;
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before));
        self.bytes.get(start.copied().unwrap_or(0)..end)
    }

    /// The first name that is not before another.
    fn first_from(&self, name: &[u8]) -> Option<&[u8]> {
        let (mut low, mut high) = (0, self.ends.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.get(middle) {
                Some(found) if found < name => low = middle + 1,
                _ => high = middle,
            }
        }
        self.get(low)
    }
}

impl fmt::Debug for Tracked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracked").finish_non_exhaustive()
    }
}

impl Tracked {
    /// The files of a repository.
    pub(super) fn of(repo: &Repo) -> Self {
        Self {
            repo: repo.clone(),
            names: OnceLock::new(),
        }
    }

    /// Tells whether git tracks a file, or something in a folder.
    pub(super) fn has(&self, path: &Path, folder: bool) -> bool {
        let Some(name) = name_of(path.strip_prefix(self.repo.root()).unwrap_or(path)) else {
            return false;
        };
        let names = self.names.get_or_init(|| {
            let git = self.repo.is_git().then(|| self.repo.git_with_index());
            let index = git.and_then(|git| git.ok()?.index().ok());
            // Whoever needs the index is told why it cannot be read; the rules count alone then.
            index.as_ref().map(Names::of).unwrap_or_default()
        });
        let within = [&name, &b"/"[..]].concat();
        names.first_from(&name) == Some(&name)
            || folder
                && names
                    .first_from(&within)
                    .is_some_and(|first| first.starts_with(&within))
    }
}

/// A path as git writes it.
fn name_of(path: &Path) -> Option<Vec<u8>> {
    if cfg!(windows) {
        return Some(path.to_str()?.replace('\\', "/").into_bytes());
    }
    Some(path.as_os_str().as_encoded_bytes().to_vec())
}
