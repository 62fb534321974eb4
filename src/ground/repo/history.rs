//! The past of a repository: the message of each commit, and the lines that it changed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use git2::{DiffOptions, ObjectType, Oid, Repository, Sort, Tree, TreeEntry};
use serde::{Deserialize, Serialize};

use super::Repo;
use super::git::{git_failure, text_of};
use super::walk::MAX_FILE;
use crate::base::bug::bug;
use crate::base::secrets::masked;
use crate::base::text::truncated;
use crate::base::{Cancel, RepoPath, Result};

/// Commits that are looked at. Older ones tell little about the code of today.
const MOST: usize = 2_000;
/// Commits that are kept besides.
const SPARE: usize = 2_000;
/// Commits for which another thread pays.
const EACH: usize = 50;
/// A commit that changes more files than this says little about any of them, and costs most.
const MOST_FILES: usize = 40;
/// Trees that are entered for one commit.
const MOST_TREES: usize = 5_000;
/// Trees that may lie in each other.
const DEEPEST: usize = 200;
/// Bytes of a message that are kept.
const MESSAGE: usize = 600;
/// Most runs of changed lines of one file that are kept.
const MOST_RUNS: usize = 64;

/// A commit of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// The commit's id, 40 hex digits.
    pub id: String,
    /// The time of the commit, in seconds since 1970.
    pub time: i64,
    /// The commit's message, cut after 600 bytes.
    pub message: String,
    /// The files that the commit changed against its only parent; none for a merge, and none where
    /// more than 40 changed or git's data is not there (shallow and partial clones).
    pub files: Vec<PastFile>,
}

/// The changes of a commit to one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastFile {
    /// The file, by the name it had then.
    pub path: RepoPath,
    /// The runs of lines that the commit replaced, in order.
    pub runs: Vec<Run>,
}

/// Lines that took the place of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u32; 4]", into = "[u32; 4]")]
pub struct Run {
    /// First line before the change, from 1; where there were none, the line after which the new
    /// ones stand.
    pub old_start: u32,
    /// Lines before the change.
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
    /// Returns the past as of now. Commits that are `known` are not compared again, and where HEAD
    /// went on from where it was, only new commits are walked. `progress` is told how many commits
    /// of how many were compared. Empty in a folder without git, and before the first commit.
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
                // The commit that was known may be gone since.
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
            let git = self.git_with_index()?;
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

/// The commits from HEAD on that are no merges, newest first, without those that `but` is made
/// of.
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

/// A commit compared with its parent; none if git does not have the commit (a partial clone).
fn past(git: &Repository, id: Oid) -> Option<Past> {
    let commit = git.find_commit(id).ok()?;
    // Kept on disk, and read by models: without the secrets that somebody wrote down.
    let message = masked(&text_of(&commit)).map(|text| truncated(&text, MESSAGE).to_owned());
    Some(Past {
        id: id.to_string(),
        time: commit.time().seconds(),
        message: message.unwrap_or_else(|e| bug(&e.to_string(), String::new())),
        // No files where too much changed, or git's data is not there.
        files: changed(git, &commit).unwrap_or_default(),
    })
}

/// The runs of lines that a commit changed, by file; none if too much changed, or a tree is not
/// there.
fn changed(git: &Repository, commit: &git2::Commit<'_>) -> Option<Vec<PastFile>> {
    let new = commit.tree().ok()?;
    let old = match commit.parent_count() {
        0 => None,
        _ => Some(commit.parent(0).ok()?.tree().ok()?),
    };
    let mut changes = Changes::default();
    changes.compare(git, old.as_ref(), Some(&new), "")?;
    let mut options = DiffOptions::new();
    options
        .context_lines(0)
        .interhunk_lines(0)
        .skip_binary_check(true);
    let mut files: Vec<PastFile> = Vec::new();
    for (path, old, new) in changes.files {
        let Ok(path) = RepoPath::new(&path) else {
            continue;
        };
        // One file that cannot be had does not spoil the others.
        let Some(mut runs) = between(git, old, new, &mut options) else {
            continue;
        };
        runs.truncate(MOST_RUNS);
        if !runs.is_empty() {
            files.push(PastFile { path, runs });
        }
    }
    Some(files)
}

/// The runs of lines between two contents of a file, `old` missing for a new one: an empty list
/// for bytes that are no text; none where a content is not there or too large.
fn between(
    git: &Repository,
    old: Option<Oid>,
    new: Oid,
    options: &mut DiffOptions,
) -> Option<Vec<Run>> {
    let found = |id| {
        let blob = git.find_blob(id).ok()?;
        (blob.size() as u64 <= MAX_FILE).then_some(blob)
    };
    let new = found(new)?;
    let Some(old) = old else {
        let text = new.content();
        let lines = text.split_inclusive(|byte| *byte == b'\n').count();
        let run = Run::from([0, 0, 1, lines as u32]);
        let nothing = lines == 0 || new.is_binary();
        return Some(if nothing { Vec::new() } else { vec![run] });
    };
    let old = found(old)?;
    let patch = git2::Patch::from_blobs(&old, None, &new, None, Some(options)).ok()?;
    Some(runs_of(&patch))
}

/// The differences of two trees. git2's own comparison walks both of them whole; here equal trees
/// are not entered, and the walk ends where too much differs.
#[derive(Default)]
struct Changes {
    /// Path, blob before (none for a new file) and blob now of each file that differs.
    files: Vec<(String, Option<Oid>, Oid)>,
    /// Files that are gone.
    gone: usize,
    /// Trees that were entered.
    entered: usize,
    /// Trees around the one that is compared now.
    depth: usize,
}

impl Changes {
    /// Adds what differs between two trees at `prefix`, in order; nothing if that is more than a
    /// commit may change, or a tree is not there.
    fn compare(
        &mut self,
        git: &Repository,
        old: Option<&Tree<'_>>,
        new: Option<&Tree<'_>>,
        prefix: &str,
    ) -> Option<()> {
        // A repository can be made to say that it has more folders than anybody could walk.
        self.entered += 1;
        if self.entered > MOST_TREES || self.depth > DEEPEST {
            return None;
        }
        self.depth += 1;
        for entry in new.into_iter().flatten() {
            // A file without a name in UTF-8 is not indexed either.
            let Ok(name) = std::str::from_utf8(entry.name_bytes()) else {
                continue;
            };
            let before = old.and_then(|old| old.get_name(name));
            if before.as_ref().is_some_and(|old| old.id() == entry.id()) {
                continue;
            }
            let path = format!("{prefix}{name}");
            let before = |kind| before.as_ref().filter(|old| old.kind() == Some(kind));
            match entry.kind() {
                Some(ObjectType::Tree) => {
                    let now = git.find_tree(entry.id()).ok()?;
                    let then = match before(ObjectType::Tree) {
                        Some(old) => Some(git.find_tree(old.id()).ok()?),
                        None => None,
                    };
                    self.compare(git, then.as_ref(), Some(&now), &format!("{path}/"))?;
                }
                Some(ObjectType::Blob) => {
                    let old = before(ObjectType::Blob).map(TreeEntry::id);
                    self.files.push((path, old, entry.id()));
                }
                _ => {}
            }
            self.check()?;
        }
        for entry in old.into_iter().flatten() {
            let stays = new.and_then(|new| new.get_name_bytes(entry.name_bytes()));
            if stays.is_some_and(|now| now.kind() == entry.kind()) {
                continue;
            }
            match entry.kind() {
                Some(ObjectType::Tree) => {
                    let then = git.find_tree(entry.id()).ok()?;
                    self.compare(git, Some(&then), None, "")?;
                }
                Some(ObjectType::Blob) => self.gone += 1,
                _ => {}
            }
            self.check()?;
        }
        self.depth -= 1;
        Some(())
    }

    /// None as soon as more files differ than a commit may change.
    fn check(&self) -> Option<()> {
        (self.files.len() + self.gone <= MOST_FILES).then_some(())
    }
}

/// The runs of lines that a patch without lines around them replaces.
pub(super) fn runs_of(patch: &git2::Patch<'_>) -> Vec<Run> {
    (0..patch.num_hunks())
        .filter_map(|number| match patch.hunk(number) {
            Ok((hunk, _)) => Some(Run {
                old_start: hunk.old_start(),
                old_len: hunk.old_lines(),
                new_start: hunk.new_start(),
                new_len: hunk.new_lines(),
            }),
            Err(_) => bug("a patch has not as many hunks as it says", None),
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

    /// What git's own program says of the last commit: its files and how often each changed.
    fn by_git(root: &Path) -> Vec<String> {
        let done = std::process::Command::new("git")
            .args(["-C"])
            .arg(root)
            .args(["show", "--format=", "--no-renames", "-U0", "--root"])
            .output()
            .expect("git");
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        let mut files = Vec::new();
        let mut at = String::new();
        for line in text.lines() {
            if let Some(path) = line.strip_prefix("+++ ") {
                at = path.strip_prefix("b/").unwrap_or(path).to_owned();
            } else if line.starts_with("@@ ") && at != "/dev/null" {
                let mut parts = line.split(' ').skip(1);
                let mut part = || parts.next().unwrap_or("").trim_start_matches(['-', '+']);
                let full = |part: &str| match part.split_once(',') {
                    Some((start, len)) => format!("{start},{len}"),
                    None => format!("{part},1"),
                };
                files.push(format!("{at} {} {}", full(part()), full(part())));
            }
        }
        files
    }

    #[test]
    fn trees_are_compared_as_git_does() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path();
        git(root, &["init", "-q", "-b", "main"]);
        let write = |name: &str, text: &str| {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        let remove = |name: &str| {
            let path = root.join(name);
            if path.is_dir() {
                std::fs::remove_dir_all(path).expect("removed");
            } else {
                std::fs::remove_file(path).expect("removed");
            }
        };
        let numbers = |n: u32| (1..=n).map(|n| format!("{n}\n")).collect::<String>();
        let steps: [&dyn Fn(); 6] = [
            &|| {
                write("src/deep/down/a.rs", &numbers(20));
                write("src/b.rs", &numbers(9));
                // Sorted otherwise as a file than as a folder.
                write("src.rs", "x\n");
                write("empty", "");
            },
            &|| {
                let text = numbers(20).replace("7\n8\n", "seven\n").replace("12\n", "");
                write("src/deep/down/a.rs", &text);
                write("src/deep/new/c.rs", "1\n2");
            },
            // A folder where a file was, and the other way round.
            &|| {
                remove("src.rs");
                write("src.rs/mod.rs", "y\n");
                remove("src/deep");
                write("src/deep", "file\n");
            },
            &|| write("bytes", "\u{0}\u{1}\n"),
            &|| remove("src/b.rs"),
            &|| write("src/deep", "file\nmore\n"),
        ];
        for (number, step) in steps.into_iter().enumerate() {
            step();
            git(root, &["add", "-A"]);
            git(root, &["commit", "-q", "-m", "step"]);
            let log = log(root, CommitLog::default());
            let told: Vec<String> = log.commits[0]
                .files
                .iter()
                .flat_map(|file| {
                    let path = &file.path;
                    let runs = file.runs.iter();
                    runs.map(move |r| {
                        let (old, new) = ((r.old_start, r.old_len), (r.new_start, r.new_len));
                        format!("{path} {},{} {},{}", old.0, old.1, new.0, new.1)
                    })
                })
                .collect();
            let mut git = by_git(root);
            let mut told = told;
            git.sort();
            told.sort();
            assert_eq!(told, git, "step {number}");
            // Of bytes, and of what is gone, there are no lines.
            assert_eq!(told.is_empty(), number == 3 || number == 4);
        }
    }

    #[test]
    fn a_commit_of_too_much_says_nothing_soon() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path();
        git(root, &["init", "-q"]);
        for n in 0..=MOST_FILES {
            std::fs::write(root.join(format!("{n}.txt")), "x\n").expect("written");
        }
        git(root, &["add", "."]);
        git(root, &["commit", "-q", "-m", "many"]);
        // Folders of the same folder: two to the fortieth of them, in forty trees.
        let repository = Repository::open(root).expect("a repository");
        let mut id = repository.treebuilder(None).and_then(|b| b.write());
        for _ in 0..40 {
            let inner = id.expect("a tree");
            let mut builder = repository.treebuilder(None).expect("a builder");
            for name in ["a", "b"] {
                builder.insert(name, inner, 0o040_000).expect("put in");
            }
            id = builder.write();
        }
        let tree = repository.find_tree(id.expect("a tree")).expect("there");
        let who = git2::Signature::now("a", "b").expect("a name");
        let parent = repository.head().and_then(|head| head.peel_to_commit());
        let parent = parent.expect("a commit");
        repository
            .commit(Some("HEAD"), &who, &who, "bomb", &tree, &[&parent])
            .expect("made");
        let log = log(root, CommitLog::default());
        assert_eq!(messages(&log.commits), ["bomb", "many"]);
        assert!(log.commits.iter().all(|past| past.files.is_empty()));
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
