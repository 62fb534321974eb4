//! The index as `git diff` and `git status` take it: without entries that are announced only, and
//! with those at their word that are not looked at in the working tree.

use std::collections::HashSet;
use std::path::Path;

use git2::{Diff, DiffOptions, Index, IndexEntry, Repository, Tree};

use super::Repo;
use super::git::git_failure;
use crate::base::Result;

/// The bit of an entry's flags by which it counts as unchanged (`--assume-unchanged`).
const ASSUME_UNCHANGED: u16 = 1 << 15;
/// The bit of an entry's extended flags by which it is not looked at in the working tree: it is
/// outside a sparse checkout, or `--skip-worktree` was set.
const SKIP_WORKTREE: u16 = 1 << 14;
/// The bit of an entry's extended flags by which it has no content yet (`git add -N`).
const INTENT_TO_ADD: u16 = 1 << 13;

/// The share of an entry that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeptIndex {
    /// Nothing: as if it were not there.
    No,
    /// The entry.
    AsItIs,
    /// The entry, and that its file is looked at.
    Seen,
    /// The entry without all that is said of its file.
    Plain,
}

/// The index, and what git does not compare of it.
pub(super) struct IndexView {
    /// The index as it is.
    pub whole: Index,
    /// True in a sparse checkout, where what lies in the working tree anyway is compared.
    sparse: bool,
}

impl IndexView {
    /// The index of a repository.
    pub fn new(git: &Repository) -> Result<Self, git2::Error> {
        let sparse = git.config()?.get_bool("core.sparseCheckout");
        Ok(Self {
            whole: git.index()?,
            // What is not set is an error to git2.
            sparse: sparse.unwrap_or(false),
        })
    }

    /// Tells whether of a file only the index is looked at, whatever lies in the working tree under
    /// `root`.
    pub fn is_staged_only(&self, root: &Path, path: &[u8]) -> bool {
        let path = super::tree::path_of(path);
        let entry = path.and_then(|path| self.whole.get_path(&path, 0));
        entry.is_some_and(|entry| {
            is_taken_at_its_word(&entry) && !(self.sparse && is_there(root, &entry))
        })
    }

    /// The paths that are announced: to git they are changed and not staged.
    pub fn announced(&self) -> impl Iterator<Item = Vec<u8>> {
        let announced = self.whole.iter().filter(is_announced);
        announced.map(|entry| entry.path)
    }

    /// A copy in memory of what `kept` says of the entries; none where all stay as they are.
    fn copy(&self, kept: impl Fn(&IndexEntry) -> KeptIndex) -> Result<Option<Index>, git2::Error> {
        if self
            .whole
            .iter()
            .all(|entry| kept(&entry) == KeptIndex::AsItIs)
        {
            return Ok(None);
        }
        let mut copy = Index::new()?;
        for mut entry in self.whole.iter() {
            match kept(&entry) {
                KeptIndex::No => continue,
                KeptIndex::AsItIs => {}
                KeptIndex::Seen => entry.flags_extended &= !SKIP_WORKTREE,
                KeptIndex::Plain => {
                    entry.flags &= !ASSUME_UNCHANGED;
                    entry.flags_extended &= !SKIP_WORKTREE;
                }
            }
            copy.add(&entry)?;
        }
        Ok(Some(copy))
    }

    /// The share of an entry that counts where files under `root` are compared.
    fn kept(&self, root: &Path, entry: &IndexEntry) -> KeptIndex {
        if is_announced(entry) {
            return KeptIndex::No;
        }
        if !is_taken_at_its_word(entry) {
            return KeptIndex::AsItIs;
        }
        match is_there(root, entry) {
            false => KeptIndex::No,
            // Git, too, looks at what was put there all the same.
            true if self.sparse => KeptIndex::Seen,
            true => KeptIndex::AsItIs,
        }
    }

    /// The index as it is held against a commit, where it is another than git's own. libgit2
    /// passes over a new file that is taken at its word.
    pub fn for_commits(&self) -> Result<Option<Index>, git2::Error> {
        self.copy(|entry| match () {
            () if is_announced(entry) => KeptIndex::No,
            () if is_taken_at_its_word(entry) => KeptIndex::Plain,
            () => KeptIndex::AsItIs,
        })
    }

    /// The index as a status holds it against the files, where it is another than git's own.
    pub fn for_files(&self, root: &Path) -> Result<Option<Index>, git2::Error> {
        self.copy(|entry| match self.kept(root, entry) {
            // What is not there is told by what is known of its entry.
            KeptIndex::No => KeptIndex::AsItIs,
            kept => kept,
        })
    }

    /// Has git compare a tree with the index.
    pub fn against_tree<'a>(
        &self,
        git: &'a Repository,
        tree: Option<&Tree<'_>>,
        options: &mut DiffOptions,
    ) -> Result<Diff<'a>, git2::Error> {
        let reduced = self.for_commits()?;
        let index = reduced.as_ref().unwrap_or(&self.whole);
        git.diff_tree_to_index(tree, Some(index), Some(options))
    }

    /// Has git compare the index with the files under `root`.
    pub fn against_files<'a>(
        &self,
        git: &'a Repository,
        root: &Path,
        options: &mut DiffOptions,
    ) -> Result<Diff<'a>, git2::Error> {
        let reduced = self.copy(|entry| self.kept(root, entry))?;
        let index = reduced.as_ref().unwrap_or(&self.whole);
        git.diff_index_to_workdir(Some(index), Some(options))
    }
}

impl Repo {
    /// The names of the files that git has and that no sparse checkout has laid into the working
    /// tree, in lower case; none in a folder without git.
    ///
    /// # Errors
    /// Of kind input, where the index cannot be read.
    pub fn outside_checkout(&self) -> Result<HashSet<String>> {
        if !self.is_git() {
            return Ok(HashSet::new());
        }
        let index = self.git_with_index()?.index();
        let index = index.map_err(|e| git_failure("cannot read the index", &e))?;
        let outside = index.iter().filter(|entry| {
            entry.flags_extended & SKIP_WORKTREE != 0 && !is_there(&self.root, entry)
        });
        let name = |entry: IndexEntry| String::from_utf8_lossy(&entry.path).to_lowercase();
        Ok(outside.map(name).collect())
    }
}

/// Tells whether an entry counts as unchanged whatever lies in the working tree, or nothing does.
fn is_taken_at_its_word(entry: &IndexEntry) -> bool {
    entry.flags & ASSUME_UNCHANGED != 0 || entry.flags_extended & SKIP_WORKTREE != 0
}

/// Tells whether an entry has no content yet.
fn is_announced(entry: &IndexEntry) -> bool {
    entry.flags_extended & INTENT_TO_ADD != 0
}

/// Tells whether something lies under `root` where an entry says so.
fn is_there(root: &Path, entry: &IndexEntry) -> bool {
    let path = super::tree::path_of(&entry.path);
    path.is_some_and(|path| root.join(path).symlink_metadata().is_ok())
}

#[cfg(test)]
mod tests {
    use crate::repo::diff::tests::{git_repo, write};
    use crate::repo::trial::git as run;
    use crate::repo::{self, DiffSpec, FileStatus, Repo};

    /// The paths of a diff, each with its sort of change.
    fn changed(repo: &Repo, spec: &DiffSpec) -> Vec<(String, FileStatus)> {
        let files = repo.diff(spec, 3).expect("a diff").files;
        let each = files.into_iter();
        each.map(|file| (file.path.as_str().to_owned(), file.status))
            .collect()
    }

    /// A repository of three folders with a file each.
    fn three() -> (tempfile::TempDir, Repo) {
        let (keep, repo, _git) = git_repo();
        for name in ["a", "b", "c"] {
            let text: String = (0..20).map(|n| format!("{name} {n}\n")).collect();
            write(&repo, &format!("{name}/{name}.txt"), &text);
        }
        run(repo.root(), &["add", "-A"]);
        run(repo.root(), &["commit", "-qm", "First"]);
        (keep, repo)
    }

    #[test]
    fn what_lies_outside_a_sparse_checkout_is_neither_lost_nor_renamed() {
        let (_keep, repo) = three();
        run(repo.root(), &["sparse-checkout", "set", "a"]);
        assert!(!repo.root().join("b").exists());
        assert_eq!(repo.status().expect("a status"), repo::Status::default());
        let base = DiffSpec::Base("HEAD".to_owned());
        for spec in [&DiffSpec::Unstaged, &base] {
            assert_eq!(changed(&repo, spec), []);
        }
        // What has the text of a file that is not checked out is new all the same.
        let text: String = (0..20).map(|n| format!("b {n}\n")).collect();
        write(&repo, "a/copy.txt", &text);
        let new = [("a/copy.txt".to_owned(), FileStatus::Added)];
        for spec in [&DiffSpec::Unstaged, &base] {
            assert_eq!(changed(&repo, spec), new);
        }
        // A file that was put there all the same is compared.
        write(&repo, "b/b.txt", "other\n");
        let both = [new[0].clone(), ("b/b.txt".to_owned(), FileStatus::Modified)];
        assert_eq!(changed(&repo, &DiffSpec::Unstaged), both);
        let expected = repo::Status {
            unstaged: 1,
            untracked: 1,
            ..repo::Status::default()
        };
        assert_eq!(repo.status().expect("a status"), expected);
    }

    #[test]
    fn what_lies_outside_a_sparse_checkout_is_known_by_name() {
        let (_keep, repo) = three();
        let outside = |repo: &Repo| {
            let mut names: Vec<String> = repo
                .outside_checkout()
                .expect("names")
                .into_iter()
                .collect();
            names.sort();
            names
        };
        assert_eq!(outside(&repo), [""; 0]);
        for form in ["--no-sparse-index", "--sparse-index"] {
            run(
                repo.root(),
                &["sparse-checkout", "set", "--cone", form, "a"],
            );
            assert_eq!(outside(&repo), ["b/b.txt", "c/c.txt"], "{form}");
        }
        write(&repo, "b/b.txt", "other\n");
        assert_eq!(outside(&repo), ["c/c.txt"]);
    }

    #[test]
    fn what_is_staged_outside_a_sparse_checkout_is_told_by_what_is_staged() {
        let (_keep, repo) = three();
        let root = repo.root();
        run(root, &["branch", "old"]);
        write(&repo, "b/b.txt", "staged\n");
        run(root, &["add", "-A"]);
        run(root, &["update-index", "--skip-worktree", "b/b.txt"]);
        std::fs::remove_file(root.join("b/b.txt")).expect("removed");
        let diff = repo.diff(&DiffSpec::Base("old".to_owned()), 3);
        let diff = diff.expect("a diff");
        assert_eq!(diff.files.len(), 1);
        let lines = &diff.files[0].hunks[0].lines;
        assert_eq!(lines.last().map(|line| line.text.as_str()), Some("staged"));
    }

    #[test]
    fn what_git_is_told_to_take_as_unchanged_is() {
        for flag in ["--assume-unchanged", "--skip-worktree"] {
            let (_keep, repo) = three();
            run(repo.root(), &["update-index", flag, "a/a.txt", "b/b.txt"]);
            write(&repo, "a/a.txt", "other\n");
            std::fs::remove_file(repo.root().join("b/b.txt")).expect("removed");
            assert_eq!(repo.status().expect("a status"), repo::Status::default());
            let base = DiffSpec::Base("HEAD".to_owned());
            for spec in [&DiffSpec::Unstaged, &base] {
                assert_eq!(changed(&repo, spec), [], "{flag}");
            }
            // What is staged of such a file is told.
            run(
                repo.root(),
                &["update-index", "--no-assume-unchanged", "a/a.txt"],
            );
            run(
                repo.root(),
                &["update-index", "--no-skip-worktree", "a/a.txt"],
            );
            run(repo.root(), &["add", "a/a.txt"]);
            run(repo.root(), &["update-index", flag, "a/a.txt"]);
            write(&repo, "a/a.txt", "a third\n");
            let staged = repo.diff(&base, 3).expect("a diff");
            assert_eq!(staged.files.len(), 1, "{flag}");
            let lines: Vec<&str> = (staged.files[0].hunks.iter())
                .flat_map(|hunk| &hunk.lines)
                .filter(|line| line.kind == repo::DiffKind::Added)
                .map(|line| line.text.as_str())
                .collect();
            assert_eq!(lines, ["other"], "{flag}");
            // A new file too is staged.
            write(&repo, "n.txt", "new\n");
            run(repo.root(), &["add", "n.txt"]);
            run(repo.root(), &["update-index", flag, "n.txt"]);
            assert_eq!(repo.status().expect("a status").staged, 2, "{flag}");
            let staged = changed(&repo, &DiffSpec::Staged);
            assert_eq!(staged[1], ("n.txt".to_owned(), FileStatus::Added), "{flag}");
        }
    }

    #[test]
    fn a_conflict_stays_one_beside_what_is_not_looked_at() {
        let (_keep, repo) = three();
        let root = repo.root();
        run(root, &["checkout", "-qb", "other"]);
        write(&repo, "a/a.txt", "theirs\n");
        run(root, &["commit", "-qam", "Theirs"]);
        run(root, &["checkout", "-q", "-"]);
        write(&repo, "a/a.txt", "ours\n");
        run(root, &["commit", "-qam", "Ours"]);
        // A merge that stops.
        let merge = [
            "-c",
            "user.name=T",
            "-c",
            "user.email=t@localhost",
            "merge",
            "other",
        ];
        let merged = std::process::Command::new("git")
            .current_dir(root)
            .args(merge)
            .output();
        assert!(!merged.expect("git runs").status.success());
        let before = (repo.status(), changed(&repo, &DiffSpec::Unstaged));
        run(root, &["update-index", "--skip-worktree", "b/b.txt"]);
        std::fs::remove_file(root.join("b/b.txt")).expect("removed");
        let after = (repo.status(), changed(&repo, &DiffSpec::Unstaged));
        assert_eq!(before.0.expect("a status"), after.0.expect("a status"));
        assert_eq!(before.1, after.1);
        assert_eq!(after.1.len(), 1);
    }

    #[test]
    fn a_file_that_is_announced_is_changed_and_not_staged() {
        let (_keep, repo) = three();
        write(&repo, "n.txt", "new\n");
        run(repo.root(), &["add", "-N", "n.txt"]);
        let expected = repo::Status {
            unstaged: 1,
            ..repo::Status::default()
        };
        assert_eq!(repo.status().expect("a status"), expected);
        assert_eq!(changed(&repo, &DiffSpec::Staged), []);
        let new = [("n.txt".to_owned(), FileStatus::Added)];
        assert_eq!(changed(&repo, &DiffSpec::Unstaged), new);
    }

    #[test]
    fn an_index_with_an_entry_without_a_name_does_no_harm() {
        let (_keep, repo) = three();
        // git itself loses the shared part of such an index, and with it the names.
        run(repo.root(), &["config", "index.skipHash", "true"]);
        run(repo.root(), &["update-index", "--split-index"]);
        let told = repo.status();
        assert!(told.is_ok() || told.is_err_and(|e| !e.what().is_empty()));
        let path = crate::repo::tree::path_of;
        assert_eq!(
            (path(b""), path(b"/a"), path(b"a/../b")),
            (None, None, None)
        );
        assert_eq!(path(b"a/b"), Some("a/b".into()));
    }
}
