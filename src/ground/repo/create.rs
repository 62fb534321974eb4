//! Makes a small repository, for trials that need one.

use std::fs;
use std::path::Path;

use git2::{IndexAddOption, Repository, RepositoryInitOptions, Signature, Time};

use super::Repo;
use crate::base::failure::io_failure;
use crate::base::{Failure, Result};

/// A file by its path and its text.
pub type NewFile<'a> = (&'a str, &'a str);

impl Repo {
    /// Makes a git repository in an empty folder, with some files in its first commit and others
    /// staged on top. Nothing of the user's configuration has a say in it.
    ///
    /// # Errors
    /// Of kind environment, where the folder cannot be written.
    pub fn create(
        dir: &Path,
        subject: &str,
        committed: &[NewFile<'_>],
        staged: &[NewFile<'_>],
    ) -> Result<Self> {
        let failed = |e: git2::Error| {
            Failure::environment(format!("cannot make a repository in {}", dir.display()))
                .because(e.message())
        };
        let mut options = RepositoryInitOptions::new();
        options.external_template(false).initial_head("main");
        let repository = Repository::init_opts(dir, &options).map_err(failed)?;
        write(dir, committed)?;
        stage(&repository).map_err(failed)?;
        commit(&repository, subject).map_err(failed)?;
        write(dir, staged)?;
        stage(&repository).map_err(failed)?;
        Self::open(dir)
    }
}

fn write(dir: &Path, files: &[NewFile<'_>]) -> Result<()> {
    for (name, text) in files {
        let file = dir.join(name);
        let failed = |e| io_failure(format!("cannot write {}", file.display()), &e);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        fs::write(&file, text).map_err(failed)?;
    }
    Ok(())
}

/// Stages every file of the working tree, ignored ones too.
fn stage(repository: &Repository) -> Result<(), git2::Error> {
    let mut index = repository.index()?;
    index.add_all(["*"], IndexAddOption::FORCE, None)?;
    index.write()
}

/// Makes the first commit of what is staged.
fn commit(repository: &Repository, subject: &str) -> Result<(), git2::Error> {
    let tree = repository.index()?.write_tree()?;
    let tree = repository.find_tree(tree)?;
    let who = Signature::new(
        "homebody",
        "homebody@localhost",
        &Time::new(1_700_000_000, 0),
    )?;
    repository.commit(Some("HEAD"), &who, &who, subject, &tree, &[])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::RepoPath;
    use crate::repo::DiffSpec;

    #[test]
    fn a_repository_is_made_with_a_commit_and_what_is_staged() {
        let dir = tempfile::tempdir().expect("a folder");
        let repo = Repo::create(
            dir.path(),
            "Begin",
            &[("src/a.py", "a = 1\n"), ("README.md", "# A\n")],
            &[("src/a.py", "a = 2\n")],
        )
        .expect("made");
        assert_eq!(repo.recent_commits(5).expect("read").len(), 1);
        let diff = repo.diff(&DiffSpec::Staged, 3).expect("a diff");
        assert_eq!(diff.files.len(), 1);
        assert_eq!(diff.files[0].path, RepoPath::new("src/a.py").expect("good"));
        assert!(
            repo.diff(&DiffSpec::Unstaged, 3)
                .expect("a diff")
                .files
                .is_empty()
        );
    }
}
