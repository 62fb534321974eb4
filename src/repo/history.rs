//! The past of a repository: what each commit said, and which lines it changed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use git2::{DiffOptions, Oid, Repository, Sort};
use serde::{Deserialize, Serialize};

use super::Repo;
use super::git::git_failure;
use super::walk::MAX_FILE;
use crate::base::text::truncated;
use crate::base::{Cancel, RepoPath, Result};

/// Commits that are looked at. What is older tells little about the code of today.
const MOST: usize = 2_000;
/// Commits that are kept besides.
const SPARE: usize = 2_000;
/// Commits for which another thread pays.
const EACH: usize = 50;
/// A commit that changes more files than this says little about any of them, and costs most.
const MOST_FILES: usize = 40;
/// Bytes of a message that are kept.
const MESSAGE: usize = 600;
/// Most runs of changed lines of one file that are kept.
const MOST_RUNS: usize = 64;

/// A commit of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// 40 hex digits.
    pub id: String,
    /// When it was committed, in seconds since 1970.
    pub time: i64,
    /// Its message, cut after 600 bytes.
    pub message: String,
    /// The files that it changed against its only parent; none for a merge, and none where it
    /// changed more than 40 or its data is not there (shallow and partial clones).
    pub files: Vec<PastFile>,
}

/// What a commit did to one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastFile {
    /// The file, by its name then.
    pub path: RepoPath,
    /// The runs of lines that it replaced, in order.
    pub runs: Vec<Run>,
}

/// Lines that took the place of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u32; 4]", into = "[u32; 4]")]
pub struct Run {
    /// First line before, from 1; where there were none, the line after which the new ones
    /// stand.
    pub old_start: u32,
    /// Lines before.
    pub old_len: u32,
    /// First line afterwards, from 1; where there are none, the line after which the old ones
    /// stood.
    pub new_start: u32,
    /// Lines afterwards.
    pub new_len: u32,
}

impl From<[u32; 4]> for Run {
    fn from([old_start, old_len, new_start, new_len]: [u32; 4]) -> Self {
        Self {
            old_start,
            old_len,
            new_start,
            new_len,
        }
    }
}

impl From<Run> for [u32; 4] {
    fn from(run: Run) -> Self {
        [run.old_start, run.old_len, run.new_start, run.new_len]
    }
}

/// The past as far as it is known; the default knows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitLog {
    /// The commit that HEAD named, in 40 hex digits; empty for none.
    pub head: String,
    /// The last 2,000 commits that led to it and are no merges, newest first.
    pub commits: Vec<Past>,
    /// Others that were compared once, up to 2,000 of them, newest first: going back and forth
    /// between branches costs nothing.
    pub spare: Vec<Past>,
}

impl Repo {
    /// The past as of now. Commits that are `known` are not compared again, and where HEAD went
    /// on from where it was, only what is new is walked. `progress` is told how many commits of
    /// how many were compared. Empty in a folder without git, and before the first commit.
    ///
    /// # Errors
    /// Of kind interrupted when cancelled; of kind input, if git's data is broken.
    pub fn commit_log(
        &self,
        known: CommitLog,
        cancel: &Cancel,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<CommitLog> {
        let Some(head) = self.head()?.commit else {
            return Ok(CommitLog::default());
        };
        if head == known.head {
            return Ok(known);
        }
        let git = self.git()?;
        let went_on = match (Oid::from_str(&head), Oid::from_str(&known.head)) {
            (Ok(head), Ok(at)) => {
                let went_on = git.graph_descendant_of(head, at).unwrap_or(false);
                went_on.then_some(at)
            }
            _ => None,
        };
        let ids = walked(&git, went_on, cancel)?;
        let (before, others) = match went_on {
            Some(_) => (known.commits, Vec::new()),
            None => (Vec::new(), known.commits),
        };
        let mut compared: HashMap<String, Past> = others
            .into_iter()
            .chain(known.spare)
            .map(|past| (past.id.clone(), past))
            .collect();
        let missing: Vec<Oid> = ids
            .iter()
            .copied()
            .filter(|id| !compared.contains_key(&id.to_string()))
            .collect();
        for past in self.compared(&missing, cancel, progress)? {
            compared.insert(past.id.clone(), past);
        }
        let mut commits: Vec<Past> = ids
            .iter()
            .filter_map(|id| compared.remove(&id.to_string()))
            .chain(before)
            .collect();
        let mut spare = commits.split_off(MOST.min(commits.len()));
        spare.extend(compared.into_values());
        spare.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.id.cmp(&b.id)));
        spare.truncate(SPARE);
        Ok(CommitLog {
            head,
            commits,
            spare,
        })
    }

    /// Compares commits with their parents, on as many threads as pay.
    fn compared(
        &self,
        ids: &[Oid],
        cancel: &Cancel,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<Past>> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = threads.min(8).min(ids.len().div_ceil(EACH));
        let next = AtomicUsize::new(0);
        // Each thread has a view of its own on git's data.
        let work = || -> Result<Vec<Past>> {
            let git = self.git()?;
            let mut all = Vec::new();
            while let Some(id) = ids.get(next.fetch_add(1, Ordering::Relaxed)) {
                cancel.check()?;
                all.extend(past(&git, *id));
            }
            Ok(all)
        };
        if threads < 2 {
            return work();
        }
        std::thread::scope(|scope| {
            let others: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            while others.iter().any(|other| !other.is_finished()) {
                progress(next.load(Ordering::Relaxed).min(ids.len()), ids.len());
                std::thread::sleep(Duration::from_millis(10));
            }
            let mut all = Vec::with_capacity(ids.len());
            for other in others {
                match other.join() {
                    Ok(part) => all.extend(part?),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            Ok(all)
        })
    }
}

/// The commits from HEAD on that are no merges, newest first, down to what `but` is made of.
fn walked(git: &Repository, but: Option<Oid>, cancel: &Cancel) -> Result<Vec<Oid>> {
    let failed = |e: &git2::Error| git_failure("cannot read the history", e);
    let mut walk = git.revwalk().map_err(|e| failed(&e))?;
    // By time alone: an order by topology would read the whole history first.
    walk.set_sorting(Sort::TIME).map_err(|e| failed(&e))?;
    walk.push_head().map_err(|e| failed(&e))?;
    if let Some(but) = but {
        walk.hide(but).map_err(|e| failed(&e))?;
    }
    let mut ids: Vec<Oid> = Vec::new();
    for id in walk {
        cancel.check()?;
        // A shallow clone ends where a parent is missing.
        let Ok(id) = id else { break };
        let Ok(commit) = git.find_commit(id) else {
            break;
        };
        if commit.parent_count() > 1 {
            continue;
        }
        if ids.len() >= MOST {
            break;
        }
        ids.push(id);
    }
    Ok(ids)
}

/// A commit compared with its parent; none if it is not there.
fn past(git: &Repository, id: Oid) -> Option<Past> {
    let commit = git.find_commit(id).ok()?;
    Some(Past {
        id: id.to_string(),
        time: commit.time().seconds(),
        message: truncated(&String::from_utf8_lossy(commit.message_bytes()), MESSAGE).to_owned(),
        files: changed(git, &commit).unwrap_or_default(),
    })
}

/// The runs of lines that a commit changed.
fn changed(git: &Repository, commit: &git2::Commit<'_>) -> Option<Vec<PastFile>> {
    let new = commit.tree().ok()?;
    let old = match commit.parent_count() {
        0 => None,
        _ => Some(commit.parent(0).ok()?.tree().ok()?),
    };
    let mut options = DiffOptions::new();
    options
        .context_lines(0)
        .interhunk_lines(0)
        .include_typechange(false)
        .ignore_submodules(true)
        .skip_binary_check(true)
        .max_size(MAX_FILE as i64);
    let diff = git
        .diff_tree_to_tree(old.as_ref(), Some(&new), Some(&mut options))
        .ok()?;
    if diff.deltas().len() > MOST_FILES {
        return None;
    }
    let mut files: Vec<PastFile> = Vec::new();
    for (at, delta) in diff.deltas().enumerate() {
        if delta.status() == git2::Delta::Deleted {
            continue;
        }
        let Some(path) = delta
            .new_file()
            .path_bytes()
            .and_then(|path| std::str::from_utf8(path).ok())
            .and_then(|path| RepoPath::new(path).ok())
        else {
            continue;
        };
        // One file that cannot be had does not spoil the others.
        let Ok(Some(patch)) = git2::Patch::from_diff(&diff, at) else {
            continue;
        };
        let mut runs = runs_of(&patch);
        runs.truncate(MOST_RUNS);
        if !runs.is_empty() {
            files.push(PastFile { path, runs });
        }
    }
    Some(files)
}

/// The runs of lines that a patch without lines around them replaces.
pub(super) fn runs_of(patch: &git2::Patch<'_>) -> Vec<Run> {
    (0..patch.num_hunks())
        .filter_map(|number| {
            let (hunk, _) = patch.hunk(number).ok()?;
            Some(Run {
                old_start: hunk.old_start(),
                old_len: hunk.old_lines(),
                new_start: hunk.new_start(),
                new_len: hunk.new_lines(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::repo::trial::git;

    fn commit(root: &Path, name: &str, text: &str, message: &str) {
        std::fs::write(root.join(name), text).expect("written");
        git(root, &["add", "."]);
        git(root, &["commit", "-q", "-m", message]);
    }

    fn log(root: &Path, known: CommitLog) -> CommitLog {
        let repo = Repo::open(root).expect("a repository");
        repo.commit_log(known, &Cancel::never(), &mut |_, _| {})
            .expect("a log")
    }

    fn messages(past: &[Past]) -> Vec<&str> {
        past.iter().map(|past| past.message.trim()).collect()
    }

    #[test]
    fn commits_come_with_the_lines_they_changed_however_often_one_asks() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path();
        git(root, &["init", "-q", "-b", "main"]);
        assert_eq!(log(root, CommitLog::default()), CommitLog::default());
        commit(root, "a.txt", "1\n2\n3\n", "begin");
        commit(root, "a.txt", "1\ntwo\n3\n", "change two");
        let first = log(root, CommitLog::default());
        assert_eq!(messages(&first.commits), ["change two", "begin"]);
        let runs = |at: usize| first.commits[at].files[0].runs.clone();
        assert_eq!(runs(0), [Run::from([2, 1, 2, 1])]);
        assert_eq!(runs(1), [Run::from([0, 0, 1, 3])]);
        // The same again, and on from there, over a merge.
        assert_eq!(log(root, first.clone()), first);
        git(root, &["checkout", "-q", "-b", "side", "HEAD~1"]);
        commit(root, "b.txt", "b\n", "beside");
        git(root, &["checkout", "-q", "main"]);
        git(root, &["merge", "-q", "--no-ff", "-m", "both", "side"]);
        let on = log(root, first);
        assert_eq!(messages(&on.commits), ["beside", "change two", "begin"]);
        assert!(on.spare.is_empty());
        // Elsewhere, where HEAD did not go on from there: what is left stays known.
        git(root, &["checkout", "-q", "side"]);
        let aside = log(root, on);
        assert_eq!(messages(&aside.commits), ["beside", "begin"]);
        assert_eq!(messages(&aside.spare), ["change two"]);
    }
}
