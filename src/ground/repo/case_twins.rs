//! Names that differ in the case of letters alone: many systems take the two for one.

use std::collections::HashMap;
use std::path::PathBuf;

use super::Repo;
use crate::base::RepoPath;

/// The names in the folders of a working tree that were asked about: each is listed once.
#[derive(Debug)]
pub struct CaseTwins {
    root: PathBuf,
    /// Of each folder its entries, by their names in lower case.
    folders: HashMap<PathBuf, HashMap<String, String>>,
}

impl CaseTwins {
    /// The names in the working tree of a repository.
    pub fn new(repo: &Repo) -> Self {
        Self {
            root: repo.root().to_owned(),
            folders: HashMap::new(),
        }
    }

    /// The entry that a path differs from in the case of letters alone, as it is spelled; none where
    /// there is no such.
    pub fn of(&mut self, path: &RepoPath) -> Option<String> {
        let mut at = self.root.clone();
        for part in path.as_str().split('/') {
            if at.join(part).symlink_metadata().is_ok() {
                at.push(part);
                continue;
            }
            let names = self.folders.entry(at.clone()).or_insert_with(|| {
                // A folder that is not there has no entries, and one that cannot be read shows none.
                let entries = std::fs::read_dir(&at).into_iter().flatten().flatten();
                let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
                names.map(|name| (name.to_lowercase(), name)).collect()
            });
            let twin = names.get(&part.to_lowercase())?;
            let twin = at.strip_prefix(&self.root).ok()?.join(twin);
            return Some(twin.to_string_lossy().into_owned());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_case_alone_are_twins() {
        let dir = tempfile::tempdir().expect("a folder");
        for name in ["a", "b"] {
            std::fs::create_dir(dir.path().join(name)).expect("made");
            std::fs::write(dir.path().join(name).join("x.txt"), "x\n").expect("written");
        }
        let repo = Repo::open(dir.path()).expect("opened");
        let mut twins = CaseTwins::new(&repo);
        let mut twin = |path: &str| twins.of(&RepoPath::new(path).expect("a path"));
        assert_eq!(twin("a/X.TXT"), Some("a/x.txt".to_owned()));
        assert_eq!(twin("B/new.txt"), Some("b".to_owned()));
        assert_eq!(twin("a/new.txt"), None);
        assert_eq!(twin("new/x.txt"), None);
        assert_eq!(twin("a/x.txt"), None);
    }
}
