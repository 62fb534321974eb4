//! Changes since HEAD that are in no commit, so that what commits say of lines can be told of the
//! lines as they are.

use git2::{DiffOptions, Oid, Patch, Repository};

use super::Repo;
use super::history::{Run, runs_of};
use super::walk::MAX_FILE;
use crate::base::RepoPath;

/// The files of HEAD, to compare those of the working tree with. For one thread.
pub struct AtHead {
    git: Repository,
    tree: Oid,
}

impl Repo {
    /// The files of HEAD; none in a folder without git, before the first commit, and where git's
    /// data cannot be read.
    pub fn at_head(&self) -> Option<AtHead> {
        let git = self.git_with_index().ok()?;
        let tree = git.head().ok()?.peel_to_tree().ok()?.id();
        Some(AtHead { git, tree })
    }
}

impl AtHead {
    /// The runs of lines that a file, which is `bytes` now, has replaced; `blob` is its id as
    /// git would have it. None for files that HEAD does not have or that cannot be compared.
    pub fn replaced(&self, path: &RepoPath, blob: &str, bytes: &[u8]) -> Vec<Run> {
        self.compared(path, blob, bytes).unwrap_or_default()
    }

    /// The runs of [`Self::replaced`]; none where there is nothing to compare.
    fn compared(&self, path: &RepoPath, blob: &str, bytes: &[u8]) -> Option<Vec<Run>> {
        let tree = self.git.find_tree(self.tree).ok()?;
        let entry = tree.get_path(path.as_str().as_ref()).ok()?;
        if entry.id().to_string() == blob {
            return None;
        }
        let old = self.git.find_blob(entry.id()).ok()?;
        let mut options = DiffOptions::new();
        options
            .context_lines(0)
            .interhunk_lines(0)
            // Line ends that git converts at a checkout are no change.
            .ignore_whitespace_eol(true)
            .max_size(MAX_FILE as i64);
        let patch =
            Patch::from_blob_and_buffer(&old, None, bytes, None, Some(&mut options)).ok()?;
        Some(runs_of(&patch))
    }
}

#[cfg(test)]
mod tests {
    use super::super::diff::tests::{commit, git_repo, write};
    use super::super::read::blob_id;
    use super::*;

    #[test]
    fn what_is_in_no_commit_is_told_by_lines() {
        let (_keep, repo, git) = git_repo();
        assert!(repo.at_head().is_none());
        write(&repo, "a.txt", "1\n2\n3\n4\n");
        commit(&git, "First");
        let head = repo.at_head().expect("HEAD");
        let runs = |name: &str, text: &str| -> Vec<[u32; 4]> {
            let path = RepoPath::new(name).expect("a path");
            let blob = blob_id(text.as_bytes()).0;
            let runs = head.replaced(&path, &blob, text.as_bytes());
            runs.into_iter().map(<[u32; 4]>::from).collect()
        };
        let none: [[u32; 4]; 0] = [];
        assert_eq!(runs("a.txt", "1\n2\n3\n4\n"), none);
        assert_eq!(runs("a.txt", "1\r\n2\r\n3\r\n4\r\n"), none);
        assert_eq!(
            runs("a.txt", "x\ny\n1\n2\n4\n"),
            [[0, 0, 1, 2], [3, 1, 4, 0]]
        );
        assert_eq!(runs("new.txt", "1\n"), none);
    }
}
