//! Submodules that stand at another commit than the one recorded.
//!
//! git's own comparison would read the whole of each submodule to tell whether files of it
//! changed. Only what its HEAD names is read here: that is what a commit would record.

use std::path::Path;

use git2::{Index, Oid, Repository, RepositoryOpenFlags, Tree};

use super::diff::{DiffKind, DiffLine, FileDiff, FileKind, FileStatus, Hunk};
use crate::base::RepoPath;

/// The mode by which the index marks a submodule (gitlink, gitformat-index(5)).
const GITLINK: u32 = 0o160_000;
/// The bits of an index entry's flags that say that the entry is one side of a conflict.
const STAGE: u16 = 0x3000;

/// The bit of an index entry's flags by which git takes it at its word (`--assume-unchanged`).
const ASSUMED: u16 = 0x8000;
/// The bit of the further flags of what a sparse checkout leaves out.
const SKIPPED: u16 = 0x4000;

/// The submodules under `root` that moved or are gone: against `base`, or against what the index
/// records. A submodule whose folder is empty (never fetched) stands where the index says.
pub(super) fn moved(root: &Path, index: &Index, base: Option<&Tree<'_>>) -> Vec<FileDiff> {
    let links = index.iter().filter(|entry| entry.mode == GITLINK);
    links
        .filter(|entry| entry.flags & STAGE == 0)
        .filter_map(|entry| {
            // Where a name is no UTF-8 nobody can speak of the submodule.
            let name = std::str::from_utf8(&entry.path).ok()?;
            let path = RepoPath::new(name).ok()?;
            let old = match base {
                Some(tree) => tree
                    .get_path(Path::new(name))
                    // A new submodule is not in the base.
                    .ok()
                    .filter(|old| old.filemode().cast_unsigned() == GITLINK)
                    .map(|old| old.id()),
                None => Some(entry.id),
            };
            let at = path.under(root);
            let looked_at = entry.flags & ASSUMED == 0 && entry.flags_extended & SKIPPED == 0;
            let gone = looked_at && at.symlink_metadata().is_err();
            let new = (!gone).then(|| head(&at).unwrap_or(entry.id));
            (old != new).then(|| file(path, old, new))
        })
        .collect()
}

/// The commit that a submodule's HEAD names; none where the submodule is not fetched or has no
/// commit. No repository above `folder` is taken for it.
fn head(folder: &Path) -> Option<Oid> {
    let alone = RepositoryOpenFlags::NO_SEARCH;
    let within = Repository::open_ext(folder, alone, &[] as &[&Path]).ok()?;
    within.head().ok()?.target()
}

/// The diff of a submodule that moved, as git writes it: a line for each commit, `old` (none for
/// a new submodule) and `new` (none for one that is gone).
fn file(path: RepoPath, old: Option<Oid>, new: Option<Oid>) -> FileDiff {
    let line = |kind, id: Oid| DiffLine {
        kind,
        old: (kind == DiffKind::Removed).then_some(1),
        new: (kind == DiffKind::Added).then_some(1),
        text: format!("Subproject commit {id}"),
        no_newline: false,
    };
    let removed = old.map(|old| line(DiffKind::Removed, old));
    let added = new.map(|new| line(DiffKind::Added, new));
    let counts = (u32::from(old.is_some()), u32::from(new.is_some()));
    let kind = |side: Option<Oid>| side.map(|_| FileKind::Submodule);
    let place = path.as_str().into();
    FileDiff {
        old_path: new.is_none().then(|| path.clone()),
        path,
        status: match (old, new) {
            (_, None) => FileStatus::Deleted,
            (Some(_), _) => FileStatus::Modified,
            (None, _) => FileStatus::Added,
        },
        kinds: (kind(old), kind(new)),
        binary: false,
        blob: None,
        place,
        bytes: None,
        hunks: vec![Hunk {
            old_start: counts.0,
            old_len: counts.0,
            new_start: counts.1,
            new_len: counts.1,
            section: String::new(),
            lines: removed.into_iter().chain(added).collect(),
        }],
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::diff::tests::{commit, git_repo, write};
    use super::super::{DiffSpec, FileStatus};
    use super::*;

    #[test]
    fn a_submodule_that_moved_is_told_and_one_that_did_not_is_not() {
        let (_keep, repo, git) = git_repo();
        write(&repo, "a.txt", "one\n");
        commit(&git, "First");
        git.branch(
            "old",
            &git.head().expect("head").peel_to_commit().expect("one"),
            false,
        )
        .expect("a branch");
        let inner = Repository::init(repo.root().join("sub")).expect("init");
        let mut config = inner.config().expect("config");
        config.set_str("user.name", "A").expect("set");
        config.set_str("user.email", "a@example.org").expect("set");
        fs::write(repo.root().join("sub/x"), "x\n").expect("written");
        commit(&inner, "Inner");
        let first = inner.head().expect("head").target().expect("an id");
        let mut index = git.index().expect("index");
        index.add_path(Path::new("sub")).expect("a gitlink");
        index.write().expect("written");
        commit(&git, "With a submodule");
        let told = |spec: &DiffSpec| -> Vec<_> {
            let diff = repo.diff(spec, 3).expect("a diff");
            let files = diff
                .files
                .into_iter()
                .filter(|file| file.path.as_str() == "sub");
            files.collect()
        };
        assert!(told(&DiffSpec::Unstaged).is_empty());
        let base = DiffSpec::Base("old".to_owned());
        assert_eq!(told(&base)[0].status, FileStatus::Added);

        fs::write(repo.root().join("sub/x"), "y\n").expect("written");
        assert!(
            told(&DiffSpec::Unstaged).is_empty(),
            "no commit would record it"
        );
        commit(&inner, "Moved");
        let second = inner.head().expect("head").target().expect("an id");
        let moved = told(&DiffSpec::Unstaged);
        assert_eq!(moved.len(), 1);
        assert_eq!(repo.status().expect("a status").unstaged, 1);
        let lines: Vec<&str> = moved[0].hunks[0]
            .lines
            .iter()
            .map(|l| l.text.as_str())
            .collect();
        let ids = [first, second].map(|id| format!("Subproject commit {id}"));
        assert_eq!(lines, ids);
        // The same lines as git makes of it when it is staged.
        index.add_path(Path::new("sub")).expect("a gitlink");
        index.write().expect("written");
        assert_eq!(told(&DiffSpec::Staged), moved);
        assert!(told(&DiffSpec::Unstaged).is_empty());
        assert_eq!(told(&base).len(), 1);

        fs::remove_dir_all(repo.root().join("sub/.git")).expect("removed");
        assert!(
            told(&DiffSpec::Unstaged).is_empty(),
            "one that is not fetched"
        );
        // Without its folder it is gone, as git says.
        fs::remove_dir_all(repo.root().join("sub")).expect("removed");
        let gone = told(&DiffSpec::Unstaged);
        assert_eq!(gone[0].status, FileStatus::Deleted);
        assert_eq!(gone[0].hunks[0].lines[0].text, ids[1]);
        assert_eq!(repo.status().expect("a status").unstaged, 1);
        assert!(told(&base).is_empty(), "the base has none");
    }
}
