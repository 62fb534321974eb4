//! Commits of some changes and of nothing else: what else is staged stays staged.

use std::path::{Path, PathBuf};

use git2::build::TreeUpdateBuilder;
use git2::{Commit, FileMode, Repository, RepositoryState, Signature, Tree};

use super::Repo;
use super::git::git_failure;
use super::stage::{Blob, Blobs, Merge, TextChange, TextChanges, in_index, own_index, put};
use crate::base::failure::io_failure;
use crate::base::{Failure, RepoPath, Result};

/// The hooks that may refuse a commit, in the order in which git runs them.
pub const HOOKS: [&str; 2] = ["pre-commit", "commit-msg"];

/// A commit that can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitPlan {
    /// The files whose changes it has.
    pub files: Vec<RepoPath>,
    /// Those of them of which other changes are staged: these stay staged.
    pub both: Vec<RepoPath>,
    /// The hooks that git would run.
    pub hooks: Vec<&'static str>,
}

/// A commit that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCommit {
    /// Its name, shortened as git shortens it.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
    /// The branch it is on; none for a detached head.
    pub branch: Option<String>,
}

/// The parts of a commit before it is made.
struct Prepared<'g> {
    parent: Option<Commit<'g>>,
    tree: Tree<'g>,
    /// The index as it is to be afterwards.
    staged: Blobs,
    plan: CommitPlan,
}

impl Repo {
    /// Plans a commit of some changes on top of the last one.
    ///
    /// # Errors
    /// Of kind usage, where nothing would be committed, or git is in the middle of something; of
    /// kind input, where git has other changes in the same lines.
    pub fn plan_commit(&self, changes: &[TextChange], merge: &Merge<'_>) -> Result<CommitPlan> {
        let git = self.git()?;
        Ok(self.prepared(&git, changes, merge)?.plan)
    }

    /// Makes the commit that [`Repo::plan_commit`] plans. `hooks` is called before, with an index
    /// file of what is committed; where it fails, nothing is changed.
    ///
    /// # Errors
    /// As planning; besides of kind usage for an empty message or an author without a name, of kind
    /// environment where git's data cannot be written, and that of the hooks.
    pub fn commit(
        &self,
        changes: &[TextChange],
        merge: &Merge<'_>,
        message: &str,
        hooks: &mut dyn FnMut(&Path) -> Result<()>,
    ) -> Result<NewCommit> {
        let failed = |e: &git2::Error| git_failure("the commit cannot be made", e);
        let message = git2::message_prettify(message, None).map_err(|e| failed(&e))?;
        if message.trim().is_empty() {
            return Err(Failure::usage("a commit needs a message"));
        }
        let git = self.git()?;
        let prepared = self.prepared(&git, changes, merge)?;
        let (author, committer) = (signature(&git, "AUTHOR")?, signature(&git, "COMMITTER")?);
        {
            let index = HookIndex::new(&git, &prepared.tree)?;
            hooks(&index.0)?;
        }
        // Hooks take their time: what was staged meanwhile is kept, too.
        let prepared = self.prepared(&git, changes, merge)?;
        put(&mut own_index(&git)?, &prepared.staged)?;
        let parents: Vec<&Commit<'_>> = prepared.parent.iter().collect();
        let tree = &prepared.tree;
        let id = git
            .commit(Some("HEAD"), &author, &committer, &message, tree, &parents)
            .map_err(|e| failed(&e))?;
        let object = git.find_object(id, None).map_err(|e| failed(&e))?;
        let short = object.short_id().map_err(|e| failed(&e))?;
        Ok(NewCommit {
            id: String::from_utf8_lossy(&short).into_owned(),
            subject: message.lines().next().unwrap_or_default().to_owned(),
            branch: self.head()?.branch,
        })
    }

    fn prepared<'g>(
        &self,
        git: &'g Repository,
        changes: &[TextChange],
        merge: &Merge<'_>,
    ) -> Result<Prepared<'g>> {
        ready(git)?;
        let failed = |e: &git2::Error| git_failure("the last commit cannot be read", e);
        let parent = match git.head() {
            Ok(head) => Some(head.peel_to_commit().map_err(|e| failed(&e))?),
            // Before the first commit there is none.
            Err(e) if e.code() == git2::ErrorCode::UnbornBranch => None,
            Err(e) => return Err(failed(&e)),
        };
        let before = match &parent {
            Some(parent) => parent.tree().map_err(|e| failed(&e))?,
            None => empty_tree(git).map_err(|e| failed(&e))?,
        };
        let changes = TextChanges {
            repo: self,
            git,
            changes,
            merge,
        };
        let index = own_index(git)?;
        let committed = changes.on("the last commit", &|path| Ok(in_tree(&before, path)))?;
        let staged = changes.on("the index", &|path| in_index(&index, path))?;
        let tree = with(git, &before, &committed).map_err(|e| failed(&e))?;
        if tree.id() == before.id() {
            return Err(Failure::usage(
                "there is nothing to commit: the last commit has it already",
            ));
        }
        let mut both = Vec::new();
        for (path, blob) in &committed {
            let now = in_index(&index, path)?;
            if now != in_tree(&before, path) && now != *blob {
                both.push(path.clone());
            }
        }
        let plan = CommitPlan {
            files: committed.into_iter().map(|(path, _)| path).collect(),
            both,
            hooks: self.hooks()?,
        };
        Ok(Prepared {
            parent,
            tree,
            staged,
            plan,
        })
    }

    /// The hooks that git would run before a commit.
    fn hooks(&self) -> Result<Vec<&'static str>> {
        let dir = self.hooks_dir()?;
        let runs = |name: &&str| is_program(&dir.join(name));
        Ok(HOOKS.into_iter().filter(runs).collect())
    }
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

/// Checks that a commit may be made here now.
fn ready(git: &Repository) -> Result<()> {
    let doing = match git.state() {
        RepositoryState::Clean => None,
        RepositoryState::Merge => Some("a merge"),
        RepositoryState::Revert | RepositoryState::RevertSequence => Some("a revert"),
        RepositoryState::CherryPick | RepositoryState::CherryPickSequence => Some("a cherry-pick"),
        RepositoryState::Bisect => Some("a bisection"),
        _ => Some("a rebase"),
    };
    if let Some(doing) = doing {
        return Err(Failure::usage(format!("git is in the middle of {doing}"))
            .hint("end that first, or `git commit` yourself"));
    }
    let config = git.config().and_then(|mut config| config.snapshot());
    // What is not set is an error to git2.
    if config.is_ok_and(|config| config.get_bool("commit.gpgsign").unwrap_or(false)) {
        return Err(Failure::usage(
            "commits are signed here (commit.gpgsign), and only git can sign them",
        )
        .hint("stage what was applied, and `git commit`"));
    }
    Ok(())
}

/// The file that a tree has at a path.
fn in_tree(tree: &Tree<'_>, path: &RepoPath) -> Option<Blob> {
    // What is not there is an error to git2.
    let entry = tree.get_path(Path::new(path.as_str())).ok()?;
    Some(Blob {
        id: entry.id(),
        mode: u32::try_from(entry.filemode()).ok()?,
    })
}

fn empty_tree(git: &Repository) -> Result<Tree<'_>, git2::Error> {
    git.find_tree(git.treebuilder(None)?.write()?)
}

/// A tree with other files in it.
fn with<'g>(git: &'g Repository, tree: &Tree<'_>, blobs: &Blobs) -> Result<Tree<'g>, git2::Error> {
    let mut update = TreeUpdateBuilder::new();
    for (path, blob) in blobs {
        match blob {
            Some(blob) if blob.mode == u32::from(FileMode::BlobExecutable) => {
                update.upsert(path.as_str(), blob.id, FileMode::BlobExecutable);
            }
            Some(blob) => {
                update.upsert(path.as_str(), blob.id, FileMode::Blob);
            }
            None if in_tree(tree, path).is_some() => {
                update.remove(path.as_str());
            }
            None => {}
        }
    }
    git.find_tree(update.create_updated(git, tree)?)
}

/// The author or the committer, as git names them.
fn signature(git: &Repository, whose: &str) -> Result<Signature<'static>> {
    let named = |what: &str| {
        let value = std::env::var(format!("GIT_{whose}_{what}")).ok();
        value.filter(|value| !value.is_empty())
    };
    let own = git.signature();
    let part = |what: &str, of: fn(&Signature<'static>) -> Option<String>| {
        named(what).or_else(|| own.as_ref().ok().and_then(of))
    };
    let name = part("NAME", |own| own.name().map(str::to_owned).ok());
    let email = part("EMAIL", |own| own.email().map(str::to_owned).ok());
    let unnamed = || {
        Failure::usage("git does not know who commits")
            .hint("`git config --global user.name NAME`, and user.email")
    };
    let (name, email) = name.zip(email).ok_or_else(unnamed)?;
    Signature::now(&name, &email).map_err(|e| git_failure("the commit cannot be made", &e))
}

/// An index file of what is committed, for hooks to look at; gone with its value.
struct HookIndex(PathBuf);

impl HookIndex {
    fn new(git: &Repository, tree: &Tree<'_>) -> Result<Self> {
        // It lies where git itself would lay one.
        let file = git
            .path()
            .join(format!("next-index-{}.homebody", std::process::id()));
        let this = Self(file);
        let written = git2::Index::open(&this.0).and_then(|mut index| {
            index.read_tree(tree)?;
            index.write()
        });
        written.map_err(|e| git_failure("no index can be made for the hooks", &e))?;
        Ok(this)
    }
}

impl Drop for HookIndex {
    fn drop(&mut self) {
        if let Err(e) = std::fs::remove_file(&self.0)
            && e.kind() != std::io::ErrorKind::NotFound
        {
            log::info!(
                "{}",
                io_failure("the index of the hooks is left behind", &e)
            );
        }
    }
}

#[cfg(test)]
#[path = "commit_tests.rs"]
mod tests;
