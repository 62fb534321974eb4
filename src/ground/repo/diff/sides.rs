//! The two sides of a diff, from the revisions that are asked for.

use std::collections::BTreeSet;
use std::path::Path;

use git2::{DiffOptions, Repository, Tree};

use super::super::git::git_failure;
use super::super::index_view::IndexView;
use super::DiffSpec;
use crate::base::{Failure, Result};

/// The failure of a diff that git cannot make.
pub(super) fn cannot_diff(error: &git2::Error) -> Failure {
    git_failure("git cannot make the diff", error)
}

/// Has git compare the two sides that are asked for; `base` is the older one of
/// [`DiffSpec::Base`]. What a working tree is asked for lies under `root`. Of a diff that is made
/// of two the one with the working tree comes along: files that git does not know are not in both.
pub(super) fn compared<'a>(
    git: &'a Repository,
    root: &Path,
    index: &IndexView,
    spec: &DiffSpec,
    base: Option<&Tree<'_>>,
    options: &mut DiffOptions,
) -> Result<(git2::Diff<'a>, Option<git2::Diff<'a>>)> {
    let failed = |e: git2::Error| cannot_diff(&e);
    let whole = match spec {
        DiffSpec::Staged => {
            let head = head_tree(git)?;
            index.against_tree(git, head.as_ref(), options)
        }
        DiffSpec::Unstaged => index.against_files(git, root, options),
        DiffSpec::Commit(rev) => {
            let commit = commit_of(git, rev)?;
            let parent = match commit.parent_count() {
                0 => None,
                _ => Some(commit.parent(0).and_then(|p| p.tree()).map_err(failed)?),
            };
            let tree = commit.tree().map_err(failed)?;
            git.diff_tree_to_tree(parent.as_ref(), Some(&tree), Some(options))
        }
        DiffSpec::Range(range) => {
            let (old, new) = range_trees(git, range)?;
            git.diff_tree_to_tree(Some(&old), Some(&new), Some(options))
        }
        DiffSpec::Base(_) => {
            let mut diff = index.against_tree(git, base, options).map_err(failed)?;
            let files = index.against_files(git, root, options).map_err(failed)?;
            diff.merge(&files).map_err(failed)?;
            return Ok((diff, Some(files)));
        }
    };
    Ok((whole.map_err(failed)?, None))
}

/// The tree of HEAD; none before the first commit.
fn head_tree(git: &Repository) -> Result<Option<Tree<'_>>> {
    match git.head() {
        Ok(head) => head
            .peel_to_tree()
            .map(Some)
            .map_err(|e| git_failure("cannot read HEAD", &e)),
        Err(e)
            if matches!(
                e.code(),
                git2::ErrorCode::UnbornBranch | git2::ErrorCode::NotFound
            ) =>
        {
            Ok(None)
        }
        Err(e) => Err(git_failure("cannot read HEAD", &e)),
    }
}

/// The commit that a revision names.
fn commit_of<'a>(git: &'a Repository, rev: &str) -> Result<git2::Commit<'a>> {
    git.revparse_single(rev)
        .and_then(|object| object.peel_to_commit())
        .map_err(|e| {
            let failure = Failure::usage(format!("`{rev}` is no commit here")).because(e.message());
            match nearest_branch(git, rev) {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint("`git log --oneline` lists commits, `git branch` branches"),
            }
        })
}

/// The branch that somebody may have meant with a name that is none, for a hint.
fn nearest_branch(git: &Repository, rev: &str) -> Option<String> {
    let names: BTreeSet<String> = git
        .branches(None)
        .ok()?
        .filter_map(|branch| branch.ok()?.0.name().ok()?.map(str::to_owned))
        .take(1000)
        .collect();
    names
        .into_iter()
        .map(|name| (strsim::osa_distance(&name, rev), name))
        .filter(|(distance, name)| *distance <= 1 + name.chars().count() / 4)
        .min()
        .map(|(_, name)| name)
}

/// The trees of `A..B` or `A...B`, older first.
fn range_trees<'a>(git: &'a Repository, range: &str) -> Result<(Tree<'a>, Tree<'a>)> {
    let (old, new, from_base) = match (range.split_once("..."), range.split_once("..")) {
        (Some((old, new)), _) => (old, new, true),
        (None, Some((old, new))) => (old, new, false),
        (None, None) => {
            return Err(Failure::usage(format!("`{range}` is no range of commits"))
                .hint("write it as A..B, or A...B to count from where they parted"));
        }
    };
    let end = |name: &str| commit_of(git, if name.is_empty() { "HEAD" } else { name });
    let (mut old, new) = (end(old)?, end(new)?);
    let failed = |e: git2::Error| git_failure("cannot read the commits of the range", &e);
    if from_base {
        old = parting(git, &old, &new)?;
    }
    Ok((old.tree().map_err(failed)?, new.tree().map_err(failed)?))
}

/// The tree of the commit where HEAD and a branch parted.
pub(super) fn base_tree<'a>(git: &'a Repository, branch: &str) -> Result<Tree<'a>> {
    let base = commit_of(git, branch)?;
    let head = commit_of(git, "HEAD")?;
    parting(git, &base, &head)?
        .tree()
        .map_err(|e| git_failure("cannot read the commit where the branches parted", &e))
}

/// The commit where two others parted (their merge base).
fn parting<'a>(
    git: &'a Repository,
    a: &git2::Commit<'a>,
    b: &git2::Commit<'a>,
) -> Result<git2::Commit<'a>> {
    git.merge_base(a.id(), b.id())
        .and_then(|id| git.find_commit(id))
        .map_err(|e| {
            git_failure("the two have no commit in common", &e)
                .hint("compare them directly with --range A..B")
        })
}
