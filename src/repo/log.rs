//! The log and the blame of a repository, for questions about what changed, when and why.

use std::collections::HashMap;

use git2::{BlameOptions, Oid, Repository, Sort};

use super::Repo;
use super::git::git_failure;
use super::read::blob_id;
use crate::base::{Cancel, Failure, LineRange, RepoPath, Result};

/// Commits that are looked at, at most, for those that touch some files: enough for years of
/// most projects, and some seconds of work in the largest.
const WALKED: usize = 20_000;
/// Lines that are told of at most.
const BLAMED_LINES: u32 = 2_000;

/// From where on commits are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// The first one.
    Beginning,
    /// What a revision does not hold: a tag, a branch, an id.
    Revision(String),
    /// A time, in seconds since 1970.
    Time(i64),
}

/// A commit of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// 40 hex digits.
    pub id: String,
    /// First line of the message.
    pub subject: String,
    /// The rest, trimmed.
    pub body: String,
    /// Who wrote it.
    pub author: String,
    /// When, in seconds since 1970.
    pub time: i64,
    /// Where the author's clock stood then, in minutes east of Greenwich.
    pub zone: i32,
}

/// The newest commits that were wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// Newest first.
    pub commits: Vec<Logged>,
    /// There are more than were wanted, or than were looked at.
    pub more: bool,
}

/// Lines that a commit was the last to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blamed {
    /// The commit; none for lines that are not committed.
    pub commit: Option<Logged>,
    /// The lines as they are now.
    pub range: LineRange,
}

impl Repo {
    /// The newest `most` commits that are no merges, since then, and that touch one of `paths`
    /// (files or folders) where there are any.
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
        let failed = |e: &git2::Error| git_failure("cannot read the history", e);
        let mut walk = git.revwalk().map_err(|e| failed(&e))?;
        walk.set_sorting(Sort::TIME).map_err(|e| failed(&e))?;
        walk.push_head().map_err(|e| failed(&e))?;
        if let Since::Revision(name) = since {
            walk.hide(revision(&git, name)?).map_err(|e| failed(&e))?;
        }
        let mut log = Log::default();
        for (seen, id) in walk.enumerate() {
            cancel.check()?;
            // A shallow clone ends where a parent is missing.
            let Ok(commit) = id.and_then(|id| git.find_commit(id)) else {
                break;
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

    /// Whether git knows a revision of that name.
    pub fn knows_revision(&self, name: &str) -> bool {
        self.git().and_then(|git| revision(&git, name)).is_ok()
    }

    /// Which commits were the last to change some lines of a file as it is in the working tree,
    /// in order of line.
    ///
    /// # Errors
    /// Of kind input, if the file is not committed, in a folder without git, or if git's data is
    /// broken.
    pub fn blame(&self, path: &RepoPath, range: LineRange) -> Result<Vec<Blamed>> {
        let git = self.git()?;
        let failed = |e: &git2::Error| git_failure(format!("cannot tell who wrote {path}"), e);
        let text = self.read_bytes(path)?;
        let lines = text.split_inclusive(|byte| *byte == b'\n').count() as u32;
        let end = range
            .end
            .min(range.start.saturating_add(BLAMED_LINES))
            .min(lines);
        if range.start > end {
            return Ok(Vec::new());
        }
        let mut options = BlameOptions::new();
        options.track_copies_same_file(false);
        // Of a file as it was committed only these lines need be followed, which takes a tenth of
        // the time where the history is long.
        let committed_so = git
            .head()
            .and_then(|head| head.peel_to_tree())
            .and_then(|tree| tree.get_path(std::path::Path::new(path.as_str())))
            .is_ok_and(|entry| entry.id().to_string() == blob_id(&text).0);
        if committed_so {
            options
                .min_line(range.start as usize)
                .max_line(end as usize);
        }
        let committed = git
            .blame_file(std::path::Path::new(path.as_str()), Some(&mut options))
            .map_err(|e| failed(&e))?;
        let edited = (!committed_so).then(|| committed.blame_buffer(&text));
        let edited = edited.transpose().map_err(|e| failed(&e))?;
        let blame = edited.as_ref().unwrap_or(&committed);
        let mut known: HashMap<Oid, Option<Logged>> = HashMap::new();
        let mut found: Vec<Blamed> = Vec::new();
        for line in range.start..=end {
            let Some(hunk) = blame.get_line(line as usize) else {
                break;
            };
            let id = hunk.final_commit_id();
            let commit = known
                .entry(id)
                .or_insert_with(|| git.find_commit(id).ok().map(|commit| logged(&commit)))
                .clone();
            match found.last_mut() {
                Some(last) if last.commit == commit => last.range.end = line,
                _ => found.push(Blamed {
                    commit,
                    range: LineRange::new(line, line),
                }),
            }
        }
        Ok(found)
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

fn logged(commit: &git2::Commit<'_>) -> Logged {
    let message = String::from_utf8_lossy(commit.message_bytes()).into_owned();
    let (subject, body) = message
        .trim_start()
        .split_once('\n')
        .unwrap_or((&message, ""));
    let author = commit.author();
    Logged {
        id: commit.id().to_string(),
        subject: subject.trim().to_owned(),
        body: body.trim().to_owned(),
        author: String::from_utf8_lossy(author.name_bytes()).into_owned(),
        time: author.when().seconds(),
        zone: author.when().offset_minutes(),
    }
}

/// Whether a commit changes one of these files or folders against its parent; any commit does
/// where there are none.
fn touches(commit: &git2::Commit<'_>, paths: &[RepoPath]) -> bool {
    if paths.is_empty() {
        return true;
    }
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

    #[test]
    fn each_line_has_the_commit_that_changed_it_last() {
        let (dir, repo) = place();
        let path = RepoPath::new("src/a.rs").expect("a path");
        let told = |start, end| -> Vec<(Option<String>, u32, u32)> {
            let blamed = repo.blame(&path, LineRange::new(start, end)).expect("told");
            blamed
                .into_iter()
                .map(|b| (b.commit.map(|c| c.subject), b.range.start, b.range.end))
                .collect()
        };
        let by = |subject: &str, line| (Some(subject.to_owned()), line, line);
        // As it was committed, where only the lines asked for are followed.
        assert_eq!(told(2, 3), [by("Count in digits", 2), by("Begin", 3)]);
        assert_eq!(told(3, 9), [by("Begin", 3)]);
        assert_eq!(told(7, 9), []);
        // With a line that is not committed.
        std::fs::write(dir.path().join("src/a.rs"), "one\n2\nthree\nfour\n").expect("written");
        assert_eq!(
            told(1, 9),
            [
                by("Begin", 1),
                by("Count in digits", 2),
                by("Begin", 3),
                (None, 4, 4),
            ]
        );
        let new = RepoPath::new("new.rs").expect("a path");
        std::fs::write(dir.path().join("new.rs"), "x\n").expect("written");
        assert!(repo.blame(&new, LineRange::new(1, 1)).is_err());
    }
}
