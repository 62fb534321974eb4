//! New paths, as far as they are written: legal on all systems, and allowed where they are.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use crate::base::RepoPath;
use crate::base::text::is_hostile;

/// Longest new name, in bytes.
const LONGEST: usize = 160;
/// Longest part of one.
const LONGEST_PART: usize = 80;

/// Which new files there may be.
pub struct NewPaths<'a> {
    /// Tells whether a file may be made there, as far as more than names is concerned.
    may_create: Box<dyn Fn(&RepoPath) -> bool + 'a>,
    /// The only names that there may be, in order; none for any.
    only: Option<Vec<RepoPath>>,
    /// Names that are there already, and those an edit puts there, in lower case: two names that
    /// differ by case alone are one on some systems.
    there: HashSet<String>,
    /// Folders that files stand in.
    folders: HashSet<String>,
    /// Other folders that were looked at, and whether a new file may be made in them.
    looked_at: RefCell<HashMap<String, bool>>,
    /// The last folder that was asked for, and the last name: many tokens ask the same.
    last: RefCell<Option<(String, bool)>>,
    last_made: RefCell<Option<(Vec<u8>, Option<RepoPath>)>>,
}

impl<'a> NewPaths<'a> {
    /// For a repository with these files, where only those of `only` may be made, if any are
    /// named there.
    pub fn new<'p>(
        may_create: Box<dyn Fn(&RepoPath) -> bool + 'a>,
        files: impl Iterator<Item = &'p RepoPath>,
        only: &[RepoPath],
    ) -> Self {
        let mut new = Self {
            may_create,
            only: None,
            there: HashSet::new(),
            folders: HashSet::new(),
            looked_at: RefCell::new(HashMap::new()),
            last: RefCell::new(None),
            last_made: RefCell::new(None),
        };
        for path in files {
            new.add(path);
        }
        let makes = |path: &&RepoPath| new.makes(path.as_str().as_bytes()).is_some();
        let named = (!only.is_empty()).then(|| only.iter().filter(makes).cloned().collect());
        new.only = named;
        new
    }

    /// A new file stands there from now on.
    pub fn add(&mut self, path: &RepoPath) {
        *self.last.borrow_mut() = None;
        *self.last_made.borrow_mut() = None;
        if let Some(only) = &mut self.only {
            only.retain(|other| other != path);
        }
        self.there.insert(path.as_str().to_lowercase());
        let mut folder = path.folder();
        while !folder.is_empty() && self.folders.insert(folder.to_owned()) {
            self.there.insert(folder.to_lowercase());
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        }
    }

    /// Tells whether there may be any.
    pub fn any(&self) -> bool {
        self.only.as_ref().is_none_or(|only| !only.is_empty())
    }

    /// The only names that may be made, where there are such.
    pub(super) fn names(&self) -> Option<&[RepoPath]> {
        self.only.as_deref()
    }

    /// Tells whether only some names may be made.
    pub fn is_narrow(&self) -> bool {
        self.only.is_some()
    }

    /// Tells whether only some names may be made, and then whether one of them goes on so.
    pub fn only(&self, path: &[u8], byte: u8) -> Option<bool> {
        let goes_on = |name: &RepoPath| {
            let rest = name.as_str().as_bytes().strip_prefix(path);
            rest.is_some_and(|rest| rest.first().map_or(byte == b'\n', |next| *next == byte))
        };
        self.only.as_ref().map(|only| only.iter().any(goes_on))
    }

    /// Tells whether a byte may be part of a name.
    pub fn goes_on(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || b"._-+@~".contains(&byte)
    }

    /// Tells whether a name may become longer: only what is written counts, so that the same bytes
    /// may come wherever it may.
    pub fn is_open(committed: usize, path: &[u8]) -> bool {
        let written = path.get(..committed).unwrap_or(path);
        // No part is longer than all of it.
        if written.len() < LONGEST_PART {
            return true;
        }
        let part = written
            .rsplit(|byte| *byte == b'/')
            .next()
            .unwrap_or_default();
        written.len() < LONGEST && part.len() < LONGEST_PART
    }

    /// Tells whether a part of the name may end here, and the name go on in that folder.
    pub fn enters(&self, path: &[u8]) -> bool {
        let Ok(folder) = std::str::from_utf8(path) else {
            return false;
        };
        if let Some((last, may)) = &*self.last.borrow()
            && last == folder
        {
            return *may;
        }
        let may = self.opens(folder);
        *self.last.borrow_mut() = Some((folder.to_owned(), may));
        may
    }

    fn opens(&self, folder: &str) -> bool {
        if self.folders.contains(folder) {
            return folder.len() + 2 < LONGEST;
        }
        if folder.len() + 2 >= LONGEST || !legal(folder) {
            return false;
        }
        // A folder that differs by case alone from one that is there, or a file.
        if self.there.contains(&folder.to_lowercase()) {
            return false;
        }
        if let Some(known) = self.looked_at.borrow().get(folder) {
            return *known;
        }
        let within = RepoPath::new(&format!("{folder}/0"));
        let may = within.is_ok_and(|path| (self.may_create)(&path));
        self.looked_at.borrow_mut().insert(folder.to_owned(), may);
        may
    }

    /// The file that a whole name stands for, if it may be made.
    pub fn made(&self, path: &[u8]) -> Option<RepoPath> {
        if let Some((last, made)) = &*self.last_made.borrow()
            && last == path
        {
            return made.clone();
        }
        let made = self.makes(path);
        *self.last_made.borrow_mut() = Some((path.to_vec(), made.clone()));
        made
    }

    fn makes(&self, path: &[u8]) -> Option<RepoPath> {
        let name = std::str::from_utf8(path).ok()?;
        if !legal(name) || name.chars().any(is_hostile) {
            return None;
        }
        let path = RepoPath::new(name)
            .ok()
            .filter(|path| path.as_str() == name)?;
        if self.there.contains(&name.to_lowercase()) {
            return None;
        }
        // No folder of it may be a file, or one that is there but for case.
        let mut folder = path.folder();
        while !folder.is_empty() {
            if self.there.contains(&folder.to_lowercase()) && !self.folders.contains(folder) {
                return None;
            }
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        }
        (self.may_create)(&path).then_some(path)
    }
}

/// Tells whether every system can have a file of that name: its last part is looked at.
fn legal(path: &str) -> bool {
    let part = path.rsplit('/').next().unwrap_or(path);
    let stem = part.split('.').next().unwrap_or(part).to_ascii_lowercase();
    let port = |name: &str| {
        stem.strip_prefix(name)
            .is_some_and(|rest| matches!(rest.as_bytes(), [b'0'..=b'9']))
    };
    let reserved = matches!(
        stem.as_str(),
        "con" | "prn" | "aux" | "nul" | "conin$" | "conout$"
    ) || port("com")
        || port("lpt");
    // `~` is the home folder to whoever types such a name.
    !part.is_empty()
        && !part.starts_with('~')
        && !part.ends_with(['.', ' '])
        && !reserved
        && !part.eq_ignore_ascii_case(".git")
        && part != ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_some_system_cannot_have_are_none() {
        for name in [
            "con",
            "a/NUL.txt",
            "com1",
            "a/lpt9.rs",
            "a.",
            "a/..",
            ".git",
            "x/.GIT",
            "",
            "a/",
        ] {
            assert!(!legal(name), "{name}");
        }
        for name in ["conf", "a/com.rs", "com10", ".gitignore", "a.b/c"] {
            assert!(legal(name), "{name}");
        }
    }
}
