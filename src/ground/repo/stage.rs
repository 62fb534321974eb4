//! Changes of texts put into git, into the index or on top of a commit. What else git has of the
//! same files stays as it is.

use std::path::Path;

use git2::{Index, IndexEntry, IndexTime, Oid, Repository};

use super::Repo;
use super::conversion::Conversions;
use super::git::git_failure;
use crate::base::encoding::{TextEncoding, decode};
use crate::base::text::counted;
use crate::base::{Failure, RepoPath, Result};

/// The modes of files in git.
const FILE: u32 = 0o100_644;
const PROGRAM: u32 = 0o100_755;
/// Set on an entry that `git add -N` has announced.
const INTENT_TO_ADD: u16 = 1 << 13;

/// A change of a file, with its texts as they stand in the working tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextChange {
    /// The name before; for a new file, the new one.
    pub path: RepoPath,
    /// The name after, where the file is renamed.
    pub renamed_to: Option<RepoPath>,
    /// The text before; none for a new file.
    pub before: Option<String>,
    /// The text after; none for a file that goes.
    pub after: Option<String>,
}

/// Brings two changes of a text together: of `before`, `now` and `after` the one to `now` and the
/// one to `after`; none where they meet.
pub type Merge<'a> = dyn Fn(&str, &str, &str) -> Option<String> + 'a;

/// A file as git has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blob {
    pub id: Oid,
    pub mode: u32,
}

/// Files with what git is to have of them: none for those that go.
pub(super) type Blobs = Vec<(RepoPath, Option<Blob>)>;

/// Changes to be put into git.
pub(super) struct TextChanges<'a> {
    pub repo: &'a Repo,
    pub git: &'a Repository,
    pub changes: &'a [TextChange],
    pub merge: &'a Merge<'a>,
}

impl Repo {
    /// Stages changes: the index has them then, besides all that it had before. Gives the files.
    ///
    /// # Errors
    /// Of kind input, where git has other changes in the same lines, or has a file in a form that
    /// only git writes; of kind environment, where the index cannot be written.
    pub fn stage(&self, changes: &[TextChange], merge: &Merge<'_>) -> Result<Vec<RepoPath>> {
        let git = self.git()?;
        let mut index = own_index(&git)?;
        let changes = TextChanges {
            repo: self,
            git: &git,
            changes,
            merge,
        };
        let blobs = changes.on("the index", &|path| in_index(&index, path))?;
        put(&mut index, &blobs)?;
        Ok(blobs.into_iter().map(|(path, _)| path).collect())
    }
}

/// The index of git's own.
pub(super) fn own_index(git: &Repository) -> Result<Index> {
    git.index().map_err(|e| {
        git_failure("the index cannot be written here", &e)
            .hint("`git add` the files, and `git commit` them")
    })
}

/// The file that an index has at a path.
pub(super) fn in_index(index: &Index, path: &RepoPath) -> Result<Option<Blob>> {
    let at = Path::new(path.as_str());
    if (1..=3).any(|stage| index.get_path(at, stage).is_some()) {
        return Err(
            Failure::input(format!("`{path}` is in conflict")).hint("resolve it, and `git add` it")
        );
    }
    let entry = index.get_path(at, 0);
    let entry = entry.filter(|entry| entry.flags_extended & INTENT_TO_ADD == 0);
    Ok(entry.map(|entry| Blob {
        id: entry.id,
        mode: entry.mode,
    }))
}

/// Puts files into an index, and writes it.
pub(super) fn put(index: &mut Index, blobs: &Blobs) -> Result<()> {
    let failed = |e: &git2::Error| git_failure("the index cannot be written", e);
    for (path, blob) in blobs {
        let at = Path::new(path.as_str());
        let Some(blob) = blob else {
            if index.get_path(at, 0).is_some() {
                index.remove(at, 0).map_err(|e| failed(&e))?;
            }
            continue;
        };
        let known = index.get_path(at, 0);
        let mut entry = known.unwrap_or_else(|| empty(path));
        // Git looks at the file again, for nothing is said of how it lies there.
        (entry.ctime, entry.mtime) = (IndexTime::new(0, 0), IndexTime::new(0, 0));
        entry.file_size = 0;
        (entry.id, entry.mode) = (blob.id, blob.mode);
        entry.flags_extended &= !INTENT_TO_ADD;
        index.add(&entry).map_err(|e| failed(&e))?;
    }
    index.write().map_err(|e| failed(&e))
}

fn empty(path: &RepoPath) -> IndexEntry {
    IndexEntry {
        ctime: IndexTime::new(0, 0),
        mtime: IndexTime::new(0, 0),
        dev: 0,
        ino: 0,
        mode: FILE,
        uid: 0,
        gid: 0,
        file_size: 0,
        id: Oid::ZERO_SHA1,
        flags: 0,
        flags_extended: 0,
        path: path.as_str().as_bytes().to_vec(),
    }
}

impl TextChanges<'_> {
    /// The files with the changes in them, where git `has` of each what it has now. `place` says in
    /// failures where that is.
    pub fn on(
        &self,
        place: &str,
        has: &dyn Fn(&RepoPath) -> Result<Option<Blob>>,
    ) -> Result<Blobs> {
        let (mut blobs, mut refused) = (Vec::new(), Vec::new());
        for change in self.changes {
            match self.one(change, place, has) {
                Ok(mut of) => blobs.append(&mut of),
                Err(failure) if failure.causes().is_empty() => refused.push(failure.to_string()),
                Err(failure) => return Err(failure),
            }
        }
        if refused.is_empty() {
            return Ok(blobs);
        }
        let what = format!("{} cannot be put into git", counted(refused.len(), "file"));
        let failure = Failure::input(what).hint("`git add -p` takes it line by line");
        Err(refused.into_iter().fold(failure, Failure::because))
    }

    fn one(
        &self,
        change: &TextChange,
        place: &str,
        has: &dyn Fn(&RepoPath) -> Result<Option<Blob>>,
    ) -> Result<Blobs> {
        let path = &change.path;
        let target = change.renamed_to.as_ref().unwrap_or(path);
        let refused = |path: &RepoPath, why: &str| Err(Failure::input(format!("`{path}` {why}")));
        for path in [path, target] {
            if self.is_filtered(path)? {
                return refused(path, "passes a filter that only git runs");
            }
        }
        let was = has(path)?;
        match (&change.before, &change.after) {
            (None, Some(after)) => {
                let blob = self.new_blob(path, after)?;
                if was.is_some_and(|was| was.id != blob.id) {
                    return refused(path, &format!("has another text in {place}"));
                }
                Ok(vec![(path.clone(), Some(was.unwrap_or(blob)))])
            }
            (Some(before), None) => {
                let Some(was) = was else {
                    return Ok(Vec::new());
                };
                let (text, _) = self.text(path, was)?;
                if text != manner(before, &text) {
                    return refused(path, &format!("has other changes in {place}"));
                }
                Ok(vec![(path.clone(), None)])
            }
            (Some(before), Some(after)) => {
                let Some(was) = was else {
                    return refused(path, &format!("is not in {place} yet"));
                };
                let (text, encoding) = self.text(path, was)?;
                let (before, after) = (manner(before, &text), manner(after, &text));
                let Some(both) = (self.merge)(&before, &text, &after) else {
                    return refused(
                        path,
                        &format!("has other changes in {place}, in the same lines"),
                    );
                };
                let Some(bytes) = encoding.encode(&both) else {
                    return refused(path, "has letters that its encoding has not");
                };
                let id = self.write(&bytes)?;
                let mode = was.mode;
                let gone = change.renamed_to.as_ref().map(|_| (path.clone(), None));
                let there = (target.clone(), Some(Blob { id, mode }));
                Ok(gone.into_iter().chain([there]).collect())
            }
            (None, None) => Ok(Vec::new()),
        }
    }

    fn is_filtered(&self, path: &RepoPath) -> Result<bool> {
        let conversions = Conversions::new(self.git, self.repo.root());
        let filtered = conversions.and_then(|all| all.runs_a_filter(Path::new(path.as_str())));
        filtered
            .map_err(|e| git_failure(format!("git's attributes of `{path}` cannot be read"), &e))
    }

    /// A new file as git stores it.
    fn new_blob(&self, path: &RepoPath, text: &str) -> Result<Blob> {
        let text = if self.repo.form_of_new(path)?.crlf {
            text.replace("\r\n", "\n")
        } else {
            text.to_owned()
        };
        let mode = if self.is_program(path) { PROGRAM } else { FILE };
        let id = self.write(text.as_bytes())?;
        Ok(Blob { id, mode })
    }

    #[cfg(unix)]
    fn is_program(&self, path: &RepoPath) -> bool {
        use std::os::unix::fs::PermissionsExt as _;
        let file = self.repo.root().join(path.as_str());
        file.symlink_metadata()
            .is_ok_and(|meta| meta.permissions().mode() & 0o100 != 0)
    }

    #[cfg(not(unix))]
    fn is_program(&self, _path: &RepoPath) -> bool {
        false
    }

    fn write(&self, bytes: &[u8]) -> Result<Oid> {
        let written = self.git.blob(bytes);
        written.map_err(|e| git_failure("git's data cannot be written", &e))
    }

    /// The text that git has of a file, and its encoding.
    fn text(&self, path: &RepoPath, blob: Blob) -> Result<(String, TextEncoding)> {
        if blob.mode != FILE && blob.mode != PROGRAM {
            return Err(Failure::input(format!("`{path}` is no file to git")));
        }
        let found = self.git.find_blob(blob.id);
        let found =
            found.map_err(|e| git_failure(format!("git's data of `{path}` cannot be read"), &e))?;
        let decoded = decode(found.content()).filter(|decoded| !decoded.lossy);
        let decoded =
            decoded.ok_or_else(|| Failure::input(format!("`{path}` is no text to git")))?;
        Ok((decoded.text, decoded.encoding))
    }
}

/// A text of the working tree with the ends of lines that git's has.
fn manner(text: &str, of: &str) -> String {
    if of.contains("\r\n") {
        text.to_owned()
    } else {
        text.replace("\r\n", "\n")
    }
}

#[cfg(test)]
#[path = "stage_tests.rs"]
pub(in crate::repo) mod tests;
