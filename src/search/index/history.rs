//! The past of lines of today: the commits that touched them, and the words in which those speak
//! of them.
//!
//! Each commit is compared with its parent once and kept; where its lines stand now follows
//! from the changes made since, by arithmetic alone.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::OnceLock;

use super::checked;
use super::meaning::commit_embeddings::Touched;
use super::words::terms;
use crate::base::bug::bug;
use crate::base::{Cancel, Failure, LineRange, OrBug, RepoPath, Result};
use crate::repo::{CommitLog, Repo, Run};

/// Commits of one file that are looked at.
const MOST_OF_FILE: usize = 200;
/// A commit that changes more files than this speaks of none of them in particular.
pub(super) const MOST_FILES: usize = 12;
/// The file the past is kept in.
const NAME: &str = "past.json";
/// The file it was kept in before, with the secrets of its messages.
const OLD_NAME: &str = "history.json";

/// The past of a repository, by file.
#[derive(Debug, Default)]
pub(super) struct History {
    log: CommitLog,
    /// For each commit, the words of its message once they are asked for; empty where they speak
    /// of too many files.
    words: Vec<OnceLock<String>>,
    /// For each file the commits that changed it, newest first, and where in them.
    by_file: HashMap<RepoPath, Vec<(u32, u32)>>,
    /// Files that commits changed which were not known before.
    news: HashSet<RepoPath>,
    /// True if the log on disk is older than this one.
    unsaved: bool,
}

/// A commit and the lines of today that it touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Touch {
    /// Number of the commit: 0 is the newest.
    pub commit: u32,
    /// Ranges of the file's lines of today.
    pub ranges: Vec<LineRange>,
}

/// The past of a range of lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Number of commits that touched the lines.
    pub touched: u32,
    /// Time of the last of these commits, in seconds since 1970; 0 for never.
    pub last: u64,
    /// Words of these commits, joined by blanks.
    pub words: String,
}

impl History {
    /// Reads the past as of now, from what was kept under `dir` on; all of it where nothing was.
    ///
    /// # Errors
    /// As [`Repo::commit_log`].
    pub(super) fn read(
        repo: &Repo,
        dir: Option<&Path>,
        cancel: &Cancel,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self> {
        let kept = dir.and_then(kept).unwrap_or_default();
        let all = kept.commits.iter().chain(&kept.spare);
        let known: HashSet<String> = all.map(|past| past.id.clone()).collect();
        let head = kept.head.clone();
        let mut history = Self::new(repo.commit_log(kept, cancel, progress)?);
        let new = history.log.commits.iter();
        history.news = new
            .filter(|past| !known.contains(&past.id))
            .flat_map(|past| past.files.iter().map(|file| file.path.clone()))
            .collect();
        history.unsaved = history.log.head != head;
        Ok(history)
    }

    /// Keeps the log for the next time. To be called when the index holds what the log tells:
    /// commits that are known here are not told again.
    pub(super) fn save(&self, dir: &Path) {
        if !self.unsaved {
            return;
        }
        let written = serde_json::to_vec(&self.log)
            .map_err(|e| Failure::bug("the past cannot be written").because(e))
            .and_then(|bytes| checked::write(&dir.join(NAME), bytes))
            .and_then(|()| Touched::of(&self.log).save(dir));
        // Where there is none any more, nothing is to be done.
        let _ = std::fs::remove_file(dir.join(OLD_NAME));
        // Without it the next time takes longer, no more.
        if let Err(failure) = written {
            log::warn!("{failure}");
        }
    }

    /// Sorts a log by file.
    fn new(log: CommitLog) -> Self {
        let mut by_file: HashMap<RepoPath, Vec<(u32, u32)>> = HashMap::new();
        for (number, past) in log.commits.iter().enumerate() {
            for (at, file) in past.files.iter().enumerate() {
                let list = by_file.entry(file.path.clone()).or_default();
                if list.len() < MOST_OF_FILE {
                    list.push((number as u32, at as u32));
                }
            }
        }
        Self {
            words: log.commits.iter().map(|_| OnceLock::new()).collect(),
            log,
            by_file,
            news: HashSet::new(),
            unsaved: false,
        }
    }

    /// True if commits that were not known before changed the file.
    pub(super) fn has_news(&self, path: &RepoPath) -> bool {
        self.news.contains(path)
    }

    /// True if any commit is known to have changed the file.
    pub(super) fn knows(&self, path: &RepoPath) -> bool {
        self.by_file.contains_key(path)
    }

    /// Returns the commits that changed a file, newest first, with the lines of today they touched;
    /// `since` is what was changed after all of them.
    pub(super) fn touches(&self, path: &RepoPath, since: &[Run]) -> Vec<Touch> {
        let mut newer: Vec<&[Run]> = vec![since];
        let mut touches = Vec::new();
        for (commit, at) in self.by_file.get(path).into_iter().flatten() {
            let file = self.log.commits.get(*commit as usize);
            let file = file.and_then(|past| past.files.get(*at as usize));
            let runs = file.map(|file| file.runs.as_slice());
            let runs = runs.or_bug("a file's commit is not in the log");
            let mut ranges: Vec<LineRange> = runs.iter().map(after).collect();
            for later in newer.iter().rev() {
                for range in &mut ranges {
                    *range = carried(*range, later);
                }
            }
            touches.push(Touch {
                commit: *commit,
                ranges,
            });
            newer.push(runs);
        }
        touches
    }

    /// Sums up the past of some lines of a file, whose `touches` are those of [`History::touches`].
    pub(super) fn told(&self, touches: &[Touch], range: LineRange) -> Told {
        let mut told = Told::default();
        for touch in touches {
            if !touch.ranges.iter().any(|r| r.overlaps(range)) {
                continue;
            }
            told.touched += 1;
            let at = touch.commit as usize;
            let (Some(past), Some(words)) = (self.log.commits.get(at), self.words.get(at)) else {
                bug("a touch's commit is not in the log", ());
                continue;
            };
            // A commit may say that it was made before 1970.
            told.last = told.last.max(u64::try_from(past.time).unwrap_or(0));
            let words = words.get_or_init(|| {
                if past.files.len() <= MOST_FILES {
                    terms::joined(&telling(&past.message))
                } else {
                    String::new()
                }
            });
            if !words.is_empty() {
                if !told.words.is_empty() {
                    told.words.push(' ');
                }
                told.words.push_str(words);
            }
        }
        told
    }
}

/// Reads the log that was kept in the folder of an index; none where there is none, or where it is
/// damaged.
pub(super) fn kept(dir: &Path) -> Option<CommitLog> {
    let bytes = checked::read(&dir.join(NAME)).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Returns a commit's message without what says nothing of the code: trailers, and quoted mail.
pub(super) fn telling(message: &str) -> String {
    let mut out = String::new();
    for line in message.lines() {
        let line = line.trim();
        let trailer = line
            .split_once(": ")
            .is_some_and(|(key, _)| key.contains('-') && !key.contains(' '));
        if trailer || line.starts_with('>') || line.contains("://") && !line.contains(' ') {
            continue;
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// The lines that a run of changes left; one at least, also where it only took some out.
fn after(run: &Run) -> LineRange {
    let start = run.new_start.max(1);
    LineRange::new(start, start + run.new_len.max(1) - 1)
}

/// Follows lines through later changes; of lines that were replaced, to those that took their
/// place.
fn carried(range: LineRange, runs: &[Run]) -> LineRange {
    let start = carried_line(range.start(), runs, false);
    let end = carried_line(range.end(), runs, true);
    LineRange::new(start, end.max(start))
}

/// Follows one line through later changes; where it was replaced, to the `last` or the first line
/// of those that took its place.
fn carried_line(line: u32, runs: &[Run], last: bool) -> u32 {
    let mut shift = 0_i64;
    for run in runs {
        let first = run.old_start + u32::from(run.old_len == 0);
        if line < first {
            break;
        }
        if line < first + run.old_len {
            let left = after(run);
            return if last { left.end() } else { left.start() };
        }
        shift += i64::from(run.new_len) - i64::from(run.old_len);
    }
    u32::try_from((i64::from(line) + shift).max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::Past;

    fn past(id: &str, time: i64, message: &str, path: &str, runs: &[[u32; 4]]) -> Past {
        Past {
            id: id.to_owned(),
            time,
            message: message.to_owned(),
            files: vec![crate::repo::PastFile {
                path: RepoPath::new(path).expect("a path"),
                runs: runs.iter().copied().map(Run::from).collect(),
            }],
        }
    }

    #[test]
    fn lines_are_followed_through_later_changes() {
        // Oldest first: ten lines; line 5 changed; three lines put in before line 1; line 8
        // (once 5) taken out.
        let commits = vec![
            past("d", 4, "take it out", "a.rs", &[[8, 1, 7, 0]]),
            past(
                "c",
                3,
                "a heading\n\nSigned-off-by: X",
                "a.rs",
                &[[0, 0, 1, 3]],
            ),
            past("b", 2, "change five", "a.rs", &[[5, 1, 5, 1]]),
            past("a", 1, "begin", "a.rs", &[[0, 0, 1, 10]]),
        ];
        let history = History::new(CommitLog {
            commits,
            ..CommitLog::default()
        });
        let path = RepoPath::new("a.rs").expect("a path");
        let touches = history.touches(&path, &[]);
        let ranges: Vec<(u32, String)> = touches
            .iter()
            .map(|touch| (touch.commit, touch.ranges[0].to_string()))
            .collect();
        assert_eq!(
            ranges,
            [
                (0, "7".to_owned()),
                (1, "1-3".to_owned()),
                (2, "7".to_owned()),
                (3, "4-12".to_owned())
            ]
        );
        // Two lines before all that is in no commit yet.
        let later = history.touches(&path, &[Run::from([0, 0, 1, 2])]);
        let told = history.told(&later, LineRange::new(1, 2));
        assert_eq!(told, Told::default());
        assert_eq!(later[2].ranges[0].to_string(), "9");
        let told = history.told(&touches, LineRange::new(1, 3));
        assert_eq!(
            (told.touched, told.last, told.words.as_str()),
            (1, 3, "a head")
        );
        let told = history.told(&touches, LineRange::new(6, 8));
        assert_eq!((told.touched, told.last), (3, 4));
        assert_eq!(
            history.told(&touches, LineRange::new(40, 50)),
            Told::default()
        );
    }
}
