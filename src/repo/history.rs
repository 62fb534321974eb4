//! The past of a repository: what each commit said, and which lines it changed.

use std::collections::HashMap;

use git2::{DiffOptions, Oid, Repository, Sort};
use serde::{Deserialize, Serialize};

use super::Repo;
use super::git::git_failure;
use super::walk::MAX_FILE;
use crate::base::text::truncated;
use crate::base::{Cancel, RepoPath, Result};

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

impl Repo {
    /// The last `most` commits reachable from HEAD that are no merges, newest first. `before` is
    /// what this gave when HEAD was elsewhere, with that commit: where HEAD went on from there
    /// only what is new is walked. Commits in it or in `known` are not compared again. None in a
    /// folder without git, and none before the first commit.
    ///
    /// # Errors
    /// Of kind interrupted when cancelled; of kind input, if git's data is broken.
    pub fn past(
        &self,
        most: usize,
        before: Option<(String, Vec<Past>)>,
        known: Vec<Past>,
        cancel: &Cancel,
    ) -> Result<Vec<Past>> {
        let Some(head) = (if self.is_git() {
            self.head()?.commit
        } else {
            None
        }) else {
            return Ok(Vec::new());
        };
        let (at, commits) = before.unwrap_or_default();
        if at == head {
            return Ok(commits);
        }
        let git = self.git()?;
        let went_on = match (Oid::from_str(&head), Oid::from_str(&at)) {
            (Ok(head), Ok(at)) => git
                .graph_descendant_of(head, at)
                .unwrap_or(false)
                .then_some(at),
            _ => None,
        };
        let ids = walked(&git, most, went_on, cancel)?;
        let mut all: HashMap<String, Past> = known
            .into_iter()
            .chain(commits.iter().cloned())
            .map(|past| (past.id.clone(), past))
            .collect();
        let missing: Vec<Oid> = ids
            .iter()
            .copied()
            .filter(|id| !all.contains_key(&id.to_string()))
            .collect();
        for past in self.compared(&git, &missing, cancel)? {
            all.insert(past.id.clone(), past);
        }
        let mut list: Vec<Past> = ids
            .iter()
            .filter_map(|id| all.remove(&id.to_string()))
            .collect();
        if went_on.is_some() {
            list.extend(commits);
            list.truncate(most);
        }
        Ok(list)
    }

    /// Compares commits with their parents, on as many threads as pay.
    fn compared(&self, git: &Repository, ids: &[Oid], cancel: &Cancel) -> Result<Vec<Past>> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = threads.min(8).min(ids.len() / 50 + 1);
        if threads < 2 {
            return one_by_one(git, ids, cancel);
        }
        let share = ids.len().div_ceil(threads);
        std::thread::scope(|scope| {
            let others: Vec<_> = ids
                .chunks(share)
                .map(|part| scope.spawn(move || one_by_one(&self.git()?, part, cancel)))
                .collect();
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
fn walked(git: &Repository, most: usize, but: Option<Oid>, cancel: &Cancel) -> Result<Vec<Oid>> {
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
        if ids.len() >= most {
            break;
        }
        ids.push(id);
    }
    Ok(ids)
}

fn one_by_one(git: &Repository, ids: &[Oid], cancel: &Cancel) -> Result<Vec<Past>> {
    let mut all = Vec::with_capacity(ids.len());
    for id in ids {
        cancel.check()?;
        let Ok(commit) = git.find_commit(*id) else {
            continue;
        };
        all.push(Past {
            id: id.to_string(),
            time: commit.time().seconds(),
            message: truncated(&String::from_utf8_lossy(commit.message_bytes()), MESSAGE)
                .to_owned(),
            // What is not there, or broken, has no lines; its message still counts for nothing.
            files: changed(git, &commit).unwrap_or_default(),
        });
    }
    Ok(all)
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
        let mut runs = Vec::new();
        for number in 0..patch.num_hunks().min(MOST_RUNS) {
            if let Ok((hunk, _)) = patch.hunk(number) {
                runs.push(Run {
                    old_start: hunk.old_start(),
                    old_len: hunk.old_lines(),
                    new_start: hunk.new_start(),
                    new_len: hunk.new_lines(),
                });
            }
        }
        if !runs.is_empty() {
            files.push(PastFile { path, runs });
        }
    }
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Trial(tempfile::TempDir);

    impl Trial {
        fn git(&self, arguments: &[&str]) {
            let done = std::process::Command::new("git")
                .args(["-c", "user.name=a", "-c", "user.email=a@b.c"])
                .args([
                    "-c",
                    "commit.gpgsign=false",
                    "-c",
                    "core.hooksPath=/dev/null",
                ])
                .args(arguments)
                .current_dir(self.0.path())
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("GIT_CONFIG_SYSTEM", "/dev/null")
                .output()
                .expect("git runs");
            assert!(done.status.success(), "{done:?}");
        }

        fn commit(&self, name: &str, text: &str, message: &str) {
            std::fs::write(self.0.path().join(name), text).expect("written");
            self.git(&["add", "."]);
            self.git(&["commit", "-q", "-m", message]);
        }

        fn past(&self, before: Option<(String, Vec<Past>)>) -> (String, Vec<Past>) {
            let repo = Repo::open(self.0.path()).expect("a repository");
            let past = repo
                .past(100, before, Vec::new(), &Cancel::never())
                .expect("a past");
            let head = repo.head().expect("a head").commit.unwrap_or_default();
            (head, past)
        }
    }

    fn messages(past: &[Past]) -> Vec<&str> {
        past.iter().map(|past| past.message.trim()).collect()
    }

    #[test]
    fn commits_come_with_the_lines_they_changed_however_often_one_asks() {
        let trial = Trial(tempfile::tempdir().expect("a folder"));
        trial.git(&["init", "-q", "-b", "main"]);
        assert!(trial.past(None).1.is_empty());
        trial.commit("a.txt", "1\n2\n3\n", "begin");
        trial.commit("a.txt", "1\ntwo\n3\n", "change two");
        let first = trial.past(None);
        assert_eq!(messages(&first.1), ["change two", "begin"]);
        assert_eq!(first.1[0].files.len(), 1);
        assert_eq!(first.1[0].files[0].runs, [Run::from([2, 1, 2, 1])]);
        assert_eq!(first.1[1].files[0].runs, [Run::from([0, 0, 1, 3])]);
        // The same again, and on from there, over a merge.
        assert_eq!(trial.past(Some(first.clone())), first);
        trial.git(&["checkout", "-q", "-b", "side", "HEAD~1"]);
        trial.commit("b.txt", "b\n", "beside");
        trial.git(&["checkout", "-q", "main"]);
        trial.git(&["merge", "-q", "--no-ff", "-m", "both", "side"]);
        let on = trial.past(Some(first.clone()));
        assert_eq!(messages(&on.1), ["beside", "change two", "begin"]);
        // Elsewhere, from which HEAD did not go on.
        trial.git(&["checkout", "-q", "side"]);
        assert_eq!(messages(&trial.past(Some(on)).1), ["beside", "begin"]);
    }
}
