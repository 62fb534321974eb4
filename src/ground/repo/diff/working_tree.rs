//! Changes of files of the working tree.
//!
//! Their content is read here and not by libgit2, which maps it into memory: a file that somebody
//! cuts short meanwhile would end the process. libgit2 is asked where an attribute has it convert
//! content in a way of its own, or say what lines there are.

use std::cell::RefCell;
use std::path::Path;

use git2::{Delta, DiffDelta, DiffOptions, ErrorClass, FileMode, Oid, Patch, Repository};

use super::super::Repo;
use super::super::conversion::{Conversions, Stored, is_blob};
use super::super::ignored::Ignoring;
use super::super::index_view::IndexView;
use super::super::tree::path_of;
use super::hunks::{content, told};
use super::{FileDiff, cannot_diff, changes, file_diff, options};
use crate::base::Result;

/// The reason why a file with a filter is not read.
const FILTERED: &str = "a filter changes it on its way into git, and only git can compare it";

/// The working tree, as the new side of a diff.
pub(super) struct WorkingTree<'a> {
    git: &'a Repository,
    root: &'a Path,
    index: &'a IndexView,
    /// Git's rules, which libgit2 does not read as git does.
    ignoring: RefCell<Ignoring>,
    conversions: Conversions<'a>,
    /// True where the old side is a commit, and not the index.
    against_base: bool,
    context: u32,
}

impl<'a> WorkingTree<'a> {
    /// The working tree of a repository, for diffs with `context` lines around changes.
    pub(super) fn new(
        repo: &'a Repo,
        git: &'a Repository,
        index: &'a IndexView,
        against_base: bool,
        context: u32,
    ) -> Result<Self> {
        let root = repo.root();
        Ok(Self {
            git,
            root,
            index,
            ignoring: RefCell::new(repo.ignoring_as_git()?),
            conversions: Conversions::new(git, root).map_err(|e| cannot_diff(&e))?,
            against_base,
            context,
        })
    }

    /// The file of `delta`, the `i`th of a diff; none for one that has no changes. The inner error
    /// is the reason why the file cannot be read, which keeps nobody from the others.
    pub(super) fn file(
        &self,
        diff: &git2::Diff<'_>,
        i: usize,
        delta: &DiffDelta<'_>,
    ) -> Result<std::result::Result<Option<FileDiff>, String>> {
        let ignores = |path| self.ignoring.borrow_mut().leaves_out_found(path);
        if delta.status() == Delta::Untracked && ignores(delta.new_file().path_bytes()) {
            return Ok(Ok(None));
        }
        if self.is_phantom(delta) {
            return Ok(Ok(None));
        }
        let stored = self.new_side(delta).map_err(|e| cannot_diff(&e))?;
        let changes = match stored {
            Stored::As(bytes) => return self.converted(delta, &bytes).map(Ok),
            Stored::Unknown => return Ok(Err(FILTERED.to_owned())),
            Stored::Unreadable(why) => return Ok(Err(why)),
            Stored::Plain => changes(self.git, diff, i, delta, self.context),
        };
        match changes {
            Ok(changes) => Ok(Ok(file_diff(self.git, changes, delta))),
            Err(e) if e.class() == ErrorClass::Os => Ok(Err(e.message().to_owned())),
            Err(e) => Err(cannot_diff(&e)),
        }
    }

    /// Tells whether a new file of a diff against a base is not there: where another type of file
    /// was staged than the base has, and that is gone from the working tree, libgit2 tells of it as
    /// gone and as new.
    fn is_phantom(&self, delta: &DiffDelta<'_>) -> bool {
        let bytes = delta.new_file().path_bytes().unwrap_or_default();
        let is_away = |path| self.root.join(path).symlink_metadata().is_err();
        self.against_base
            && delta.status() == Delta::Added
            && delta.new_file().mode() != FileMode::Commit
            && !self.index.is_staged_only(self.root, bytes)
            && path_of(bytes).is_some_and(is_away)
    }

    /// The content of the new side of a change.
    fn new_side(&self, delta: &DiffDelta<'_>) -> std::result::Result<Stored, git2::Error> {
        let bytes = delta.new_file().path_bytes().unwrap_or_default().to_owned();
        let path = path_of(&bytes);
        // Against a base a conflict is told as such, and not by its text.
        let untold = delta.status() == Delta::Deleted
            || self.against_base && delta.status() == Delta::Conflicted;
        let (Some(path), false) = (path, untold) else {
            return Ok(Stored::Plain);
        };
        let plain = [FileMode::Blob, FileMode::BlobExecutable];
        if !plain.contains(&delta.new_file().mode()) {
            return Ok(Stored::Plain);
        }
        let entry = self.index.whole.get_path(&path, 0);
        let indexed = entry.map(|entry| entry.id);
        // Against a base, libgit2 shows what is staged of a file of which another type was there.
        let new = self.against_base && delta.status() == Delta::Added;
        let told = self.conversions.leaves_lines(&path)?
            || new && self.conversions.has_plain_driver(&path)?;
        if !told {
            return Ok(Stored::Plain);
        }
        let is_away = || self.root.join(&path).symlink_metadata().is_err();
        if let Some(staged) = indexed
            && (self.index.is_staged_only(self.root, &bytes) || is_away())
        {
            // Nothing is looked at in the working tree, and what is staged counts.
            return content(self.git, staged).map(Stored::As);
        }
        let id = indexed.unwrap_or(Oid::ZERO_SHA1);
        let stored = self.conversions.stored(&path, id)?;
        Ok(match (stored, indexed) {
            // A file that git does not have yet is shown as it is.
            (Stored::Unknown | Stored::Plain, None) | (Stored::Plain, Some(_)) => {
                self.conversions.read_for_diff(&path, id)?
            }
            (stored, _) => stored,
        })
    }

    /// The id of our own side of a conflict, or of theirs where we have none.
    fn ours(&self, delta: &DiffDelta<'_>) -> Oid {
        let path = delta.new_file().path_bytes().and_then(path_of);
        let entry = path.and_then(|path| {
            let side = |stage| self.index.whole.get_path(&path, stage);
            side(2).or_else(|| side(3))
        });
        entry.map_or(Oid::ZERO_SHA1, |entry| entry.id)
    }

    /// The change of a file to `bytes`; none where there is none.
    fn converted(&self, delta: &DiffDelta<'_>, bytes: &[u8]) -> Result<Option<FileDiff>> {
        let failed = |e: git2::Error| cannot_diff(&e);
        let (old, new) = (delta.old_file(), delta.new_file());
        let before = match delta.status() {
            // Of a conflict the text is held against what stood here before the merge.
            Delta::Conflicted => self.ours(delta),
            _ => old.id(),
        };
        if is_blob(bytes, before) {
            let same = delta.status() == Delta::Modified && old.mode() == new.mode();
            let changes = (false, Vec::new());
            return Ok((!same)
                .then(|| file_diff(self.git, Some(changes), delta))
                .flatten());
        }
        let before = content(self.git, before).map_err(failed)?;
        let path = |file: &git2::DiffFile<'_>| file.path_bytes().and_then(path_of);
        let (old, new) = (path(&old), path(&new));
        let mut options: DiffOptions = options(self.context);
        let patch = Patch::from_buffers(
            &before,
            old.as_deref(),
            bytes,
            new.as_deref(),
            Some(&mut options),
        );
        let changes = patch.and_then(|patch| told(&patch)).map_err(failed)?;
        Ok(file_diff(self.git, Some(changes), delta))
    }
}
