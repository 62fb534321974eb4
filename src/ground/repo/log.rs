//! The log of a repository, for questions about changes, their time and their reasons.

use std::collections::BTreeSet;

use git2::{ErrorCode, Oid, Repository};

use super::Repo;
use super::git::{git_failure, message_of};
use crate::base::{Cancel, Failure, RepoPath, Result};

/// Commits that are looked at, at most, for those that touch some files: enough for years of
/// most projects, and some seconds of work in the largest.
const WALKED: usize = 20_000;

/// The point from which on commits are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// The first one.
    Beginning,
    /// The commits that a revision (a tag, a branch, an id) does not hold.
    Revision(String),
    /// A time, in seconds since 1970.
    Time(i64),
}

/// A commit of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// The commit's id, 40 hex digits.
    pub id: String,
    /// The first line of the message.
    pub subject: String,
    /// The message without its first line, trimmed.
    pub body: String,
    /// The author's name.
    pub author: String,
    /// The time at which the author made the commit, in seconds since 1970.
    pub time: i64,
    /// The author's time zone then, in minutes east of Greenwich.
    pub zone: i32,
}

/// The places at which the history that is read here is not all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryEdges {
    /// Ids of the commits behind which a shallow clone holds nothing.
    pub cut: BTreeSet<String>,
    /// True where objects are replaced by others (`git replace`), which is not followed here.
    pub replaced: bool,
}

/// The newest commits that were wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// The commits, newest first.
    pub commits: Vec<Logged>,
    /// True if there are more commits than were wanted, or than were looked at.
    pub more: bool,
}

impl Repo {
    /// Returns the newest `most` commits after `since` that are no merges and that touch one of
    /// `paths` (files or folders) where there are any.
    ///
    /// # Errors
    /// Of kind usage, if the revision is not known; of kind input, in a folder without git or if
    /// git's data is broken; of kind interrupted when cancelled.
    pub fn log(
        &self,
        since: &Since,
        paths: &[RepoPath],
        most: usize,
        cancel: &Cancel,
    ) -> Result<Log> {
        if self.head()?.commit.is_none() {
            return Ok(Log::default());
        }
        let git = self.git()?;
        let failed = |e: &git2::Error| self.missing(git_failure("cannot read the history", e));
        let mut walk = git.revwalk().map_err(|e| failed(&e))?;
        // git's own order: sorted by time alone, what a rebase made in one second has none.
        walk.push_head().map_err(|e| failed(&e))?;
        if let Since::Revision(name) = since {
            walk.hide(revision(&git, name)?).map_err(|e| failed(&e))?;
        }
        let mut log = Log::default();
        for (seen, id) in walk.enumerate() {
            cancel.check()?;
            let commit = match id.and_then(|id| git.find_commit(id)) {
                Ok(commit) => commit,
                // A shallow clone ends where a parent is missing.
                Err(e) if e.code() == ErrorCode::NotFound => break,
                Err(e) => return Err(failed(&e)),
            };
            if seen >= WALKED {
                log.more = true;
                break;
            }
            if matches!(since, Since::Time(time) if commit.time().seconds() < *time) {
                break;
            }
            if commit.parent_count() > 1 || !touches(&commit, paths) {
                continue;
            }
            if log.commits.len() == most {
                log.more = true;
                break;
            }
            log.commits.push(logged(&commit));
        }
        Ok(log)
    }

    /// The places at which the history that is read here ends, or is another than git's.
    pub fn history_edges(&self) -> HistoryEdges {
        let Ok(git) = self.git() else {
            return HistoryEdges::default();
        };
        // Whole clones have no such file.
        let cut = std::fs::read_to_string(git.commondir().join("shallow")).unwrap_or_default();
        let replaced = git.references_glob("refs/replace/*");
        HistoryEdges {
            cut: cut.lines().map(|id| id.trim().to_owned()).collect(),
            replaced: replaced.is_ok_and(|mut replaced| replaced.next().is_some()),
        }
    }

    /// Returns the commit that a revision names.
    ///
    /// # Errors
    /// Of kind usage, if the revision is not known; of kind input, if git's data is broken.
    pub fn commit_named(&self, name: &str) -> Result<Logged> {
        let git = self.git()?;
        let commit = git.find_commit(revision(&git, name)?);
        let commit = commit.map_err(|e| git_failure("cannot read a commit", &e))?;
        Ok(logged(&commit))
    }

    /// Tells whether git knows a revision of that name.
    pub fn knows_revision(&self, name: &str) -> bool {
        self.git().and_then(|git| revision(&git, name)).is_ok()
    }
}

/// The commit that a revision names.
fn revision(git: &Repository, name: &str) -> Result<Oid> {
    let object = git
        .revparse_single(name)
        .and_then(|found| found.peel_to_commit())
        .map_err(|e| {
            Failure::usage(format!("git knows no revision `{name}`"))
                .because(e.message())
                .hint("`git log --oneline` and `git tag` show those that there are")
        })?;
    Ok(object.id())
}

/// A commit as it stands in the log.
pub(super) fn logged(commit: &git2::Commit<'_>) -> Logged {
    let (subject, body) = message_of(commit);
    let author = commit.author();
    Logged {
        id: commit.id().to_string(),
        subject,
        body,
        author: String::from_utf8_lossy(author.name_bytes()).into_owned(),
        time: author.when().seconds(),
        zone: author.when().offset_minutes(),
    }
}

/// Tells whether a commit changes one of `paths`, files or folders, against its parent; any
/// commit does where there are no paths.
fn touches(commit: &git2::Commit<'_>, paths: &[RepoPath]) -> bool {
    if paths.is_empty() {
        return true;
    }
    // The first commit has no parent, and in a partial clone trees may be missing.
    let (Some(now), before) = (
        commit.tree().ok(),
        commit.parent(0).and_then(|parent| parent.tree()).ok(),
    ) else {
        return false;
    };
    // Ids of trees tell without a comparison of files.
    let id = |tree: Option<&git2::Tree<'_>>, path: &RepoPath| {
        tree.and_then(|tree| tree.get_path(std::path::Path::new(path.as_str())).ok())
            .map(|entry| entry.id())
    };
    paths
        .iter()
        .any(|path| id(Some(&now), path) != id(before.as_ref(), path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::trial::git;

    fn place() -> (tempfile::TempDir, Repo) {
        let dir = tempfile::tempdir().expect("a folder");
        git(dir.path(), &["init", "-q", "-b", "main"]);
        let commit = |name: &str, text: &str, message: &str| {
            std::fs::create_dir_all(dir.path().join("src")).expect("made");
            std::fs::write(dir.path().join(name), text).expect("written");
            git(dir.path(), &["add", "."]);
            git(dir.path(), &["commit", "-q", "-m", message]);
        };
        commit("src/a.rs", "one\ntwo\nthree\n", "Begin\n\nBecause.");
        commit("b.txt", "b\n", "Say b");
        git(dir.path(), &["tag", "v1"]);
        commit("src/a.rs", "one\n2\nthree\n", "Count in digits");
        let repo = Repo::open(dir.path()).expect("a repository");
        (dir, repo)
    }

    fn subjects(log: &Log) -> Vec<&str> {
        log.commits.iter().map(|c| c.subject.as_str()).collect()
    }

    #[test]
    fn the_log_goes_back_to_where_it_was_asked() {
        let (_dir, repo) = place();
        let log = |since: Since, paths: &[&str], most| {
            let paths: Vec<RepoPath> = paths
                .iter()
                .map(|path| RepoPath::new(path).expect("a path"))
                .collect();
            repo.log(&since, &paths, most, &Cancel::never())
                .expect("a log")
        };
        let all = log(Since::Beginning, &[], 9);
        assert_eq!(subjects(&all), ["Count in digits", "Say b", "Begin"]);
        assert_eq!(all.commits[2].body, "Because.");
        assert_eq!(all.commits[2].author, "Test");
        assert!(!all.more);
        let since = log(Since::Revision("v1".into()), &[], 9);
        assert_eq!(subjects(&since), ["Count in digits"]);
        let of_file = log(Since::Beginning, &["src/a.rs"], 1);
        assert_eq!(
            (subjects(&of_file), of_file.more),
            (vec!["Count in digits"], true)
        );
        assert_eq!(subjects(&log(Since::Beginning, &["src"], 9)).len(), 2);
        assert!(log(Since::Time(i64::MAX), &[], 9).commits.is_empty());
        let unknown = repo.log(&Since::Revision("v9".into()), &[], 9, &Cancel::never());
        assert!(unknown.is_err_and(|e| e.what().contains("v9")));
    }
}
