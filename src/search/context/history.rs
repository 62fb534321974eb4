//! Questions about the past: what changed since then, who wrote this line and why. What the log,
//! the blame and the commits themselves say is shown beside the code.

mod ask;

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::changes::diff_overview;
use crate::base::secrets::masked;
use crate::base::text::{printable, printable_block};
use crate::base::{Cancel, LineRange, RepoPath, Result, TokenCount};
use crate::repo::{DiffSpec, HistoryEdges, Log, Logged, Repo};

pub use ask::{Asked, asks};

/// Commits among which those are sought that speak of what was asked.
const LISTED: usize = 400;
/// Part of the room that the list may take, in percent; the rest is for what the commits changed.
const LIST: usize = 50;
/// Fewest tokens that are worth a diff.
const LEAST: usize = 80;
/// Commits that are shown whole at most.
const WHOLE: usize = 6;
/// Characters of an id that are shown: enough to name a commit to git.
const ID: usize = 9;
/// Characters of a body that are shown.
const BODY: usize = 600;

/// The past as the model is shown it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// Title of the text, in a few words: `12 commits since v1.2`.
    pub title: String,
    /// The text in the prompt.
    pub text: String,
    /// Ids of the commits shown, short, as they stand in the text.
    pub commits: Vec<String>,
    /// Tokens of the text.
    pub tokens: usize,
}

/// Tells what was asked about the past, within `budget` tokens; none where nothing is known:
/// no git, no commits, nothing that fits.
///
/// # Errors
/// Of kind interrupted when cancelled; of kind input, if git's data is broken.
pub fn past(
    asked: &Asked,
    repo: &Repo,
    budget: usize,
    count: &dyn TokenCount,
    cancel: &Cancel,
) -> Result<Option<Past>> {
    if !repo.is_git() || budget < LEAST {
        return Ok(None);
    }
    let mut told = Told {
        repo,
        edges: repo.history_edges(),
        budget,
        count,
        past: Past::default(),
        whole: Vec::new(),
    };
    for (path, range) in &asked.lines {
        told.blame(path, *range, cancel)?;
    }
    if told.past.text.is_empty() {
        let log = repo.log(&asked.since, &asked.paths, LISTED, cancel)?;
        told.list(&log, asked);
    }
    told.changes(&asked.paths, cancel)?;
    if told.past.text.is_empty() {
        return Ok(None);
    }
    // What people wrote of commits, and their names.
    told.past.text = masked(&told.past.text)?.into_owned();
    told.past.tokens = count.count(&told.past.text);
    Ok(Some(told.past))
}

/// The past while it is told.
struct Told<'a> {
    repo: &'a Repo,
    edges: HistoryEdges,
    budget: usize,
    count: &'a dyn TokenCount,
    past: Past,
    /// Commits to be shown whole, first ones first.
    whole: Vec<Logged>,
}

impl Told<'_> {
    /// Adds a text if it leaves the budget whole.
    fn add(&mut self, text: &str, budget: usize) -> bool {
        let longer = format!("{}{text}", self.past.text);
        let fits = self.count.count(&longer) <= budget;
        if fits {
            self.past.text = longer;
        }
        fits
    }

    /// Notes that a commit is shown.
    fn know(&mut self, commit: &Logged) {
        let id = short(commit).to_owned();
        if !self.past.commits.contains(&id) {
            self.past.commits.push(id);
        }
    }

    /// Tells who changed which of these lines last.
    fn blame(&mut self, path: &RepoPath, range: LineRange, cancel: &Cancel) -> Result<()> {
        let blamed = match self.repo.blame(path, range, cancel) {
            Ok(blamed) if !blamed.is_empty() => blamed,
            Ok(_) => return Ok(()),
            Err(failure) if failure.is_interrupted() => return Err(failure),
            // A file that was never committed has no past.
            Err(failure) => {
                log::info!("{failure}");
                return Ok(());
            }
        };
        let mut text = format!("Who changed {path}:{range} last:\n\n");
        for part in &blamed {
            let who = part.commit.as_ref().map_or_else(
                || "not committed yet".to_owned(),
                |commit| format!("commit {}", line_of(commit)),
            );
            let _ = writeln!(text, "{}: {who}", part.range);
        }
        let commits = blamed.iter().filter_map(|part| part.commit.as_ref());
        self.tell_edges(&mut text, commits);
        text.push('\n');
        if self.add(&text, self.budget) {
            self.past.title = format!("who changed {path}:{range}");
            for commit in blamed.iter().filter_map(|part| part.commit.as_ref()) {
                self.know(commit);
                if !self.whole.iter().any(|known| known.id == commit.id) {
                    self.whole.push(commit.clone());
                }
            }
            // The newest says most about why it is as it is.
            self.whole
                .sort_by_key(|commit| std::cmp::Reverse(commit.time));
        }
        Ok(())
    }

    /// Says where the history ends that these commits were found in.
    fn tell_edges<'c>(&self, text: &mut String, commits: impl Iterator<Item = &'c Logged>) {
        let mut cut = commits.filter(|commit| self.edges.cut.contains(&commit.id));
        if let Some(commit) = cut.next() {
            let _ = writeln!(
                text,
                "The history is cut off at commit {} (a shallow clone): its lines may be older. \
                 `git fetch --unshallow` brings the rest.",
                short(commit)
            );
        }
        if self.edges.replaced {
            text.push_str(
                "Commits are replaced here (`git replace`), which is not followed: `git log` may \
                 say otherwise.\n",
            );
        }
    }

    /// Lists the commits, a line each, as many as fit.
    fn list(&mut self, log: &Log, asked: &Asked) {
        let scope = scope(asked);
        if log.commits.is_empty() {
            let text = format!("No commits{scope}.\n");
            if (asked.since_words.is_some() || !asked.paths.is_empty())
                && self.add(&text, self.budget)
            {
                self.past.title = format!("no commits{scope}");
            }
            return;
        }
        // Those that speak of what was asked come first; the newest of them, then of the others.
        let mut commits: Vec<(usize, &Logged)> = log
            .commits
            .iter()
            .map(|commit| (speaks(commit, &asked.words), commit))
            .collect();
        commits.sort_by_key(|(hits, _)| std::cmp::Reverse(*hits));
        let lines = self.lines(&commits, self.budget * LIST / 100);
        let all = lines.len() == log.commits.len() && !log.more;
        let count = if log.more {
            format!("more than {}", log.commits.len())
        } else {
            log.commits.len().to_string()
        };
        let title = match (lines.len(), all) {
            (1, true) => format!("1 commit{scope}"),
            (n, true) => format!("{n} commits{scope}"),
            (n, false) => format!("{n} of {count} commits{scope}"),
        };
        let order = if commits.iter().any(|(hits, _)| *hits > 0) {
            "those that speak of it first"
        } else {
            "newest first"
        };
        let mut text = format!("{}, {order}:\n\n{}", capital(&title), lines.concat());
        self.tell_edges(&mut text, log.commits.iter());
        text.push('\n');
        if self.add(&text, self.budget) {
            self.past.title = title;
            for (_, commit) in commits.iter().take(lines.len()) {
                self.know(commit);
                self.whole.push((*commit).clone());
            }
        }
    }

    /// Writes a line for each commit, as many as fit into `room` tokens together.
    fn lines(&self, commits: &[(usize, &Logged)], room: usize) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for (_, commit) in commits {
            let line = format!("commit {}\n", line_of(commit));
            let longer: String = lines
                .iter()
                .map(String::as_str)
                .chain([line.as_str()])
                .collect();
            if self.count.count(&longer) > room {
                break;
            }
            lines.push(line);
        }
        lines
    }

    /// Tells what the commits that matter most said and changed, while there is room.
    fn changes(&mut self, paths: &[RepoPath], cancel: &Cancel) -> Result<()> {
        for commit in std::mem::take(&mut self.whole).into_iter().take(WHOLE) {
            cancel.check()?;
            let left = self
                .budget
                .saturating_sub(self.count.count(&self.past.text));
            if left < LEAST {
                break;
            }
            let mut text = format!("commit {}\n", line_of(&commit));
            for line in printable_block(&commit.body.chars().take(BODY).collect::<String>()).lines()
            {
                let _ = writeln!(text, "  {line}");
            }
            // A shallow or a broken clone may not have what is compared.
            let Ok(mut diff) = self.repo.diff(&DiffSpec::Commit(commit.id.clone()), 2) else {
                continue;
            };
            diff.mask_secrets()?;
            let asked = |path: &RepoPath| {
                paths.is_empty()
                    || paths.iter().any(|p| {
                        path.as_str()
                            .strip_prefix(p.as_str())
                            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                    })
            };
            if diff.files.iter().any(|file| asked(&file.path)) {
                diff.files.retain(|file| asked(&file.path));
            }
            // One commit does not take the room of all others.
            let share = (left / 2).max(LEAST.min(left));
            let room = share.saturating_sub(self.count.count(&text));
            text.push_str(&diff_overview(&diff, room, self.count).text);
            let text = format!("{}\n\n", text.trim_end());
            self.add(&text, self.budget);
        }
        Ok(())
    }
}

/// Names the commits that are listed: ` of src/walk.rs since v1.2`, or nothing.
fn scope(asked: &Asked) -> String {
    let of = match asked.paths.as_slice() {
        [] => String::new(),
        paths => {
            let names: Vec<&str> = paths.iter().map(RepoPath::as_str).collect();
            format!(" of {}", printable(&names.join(", ")))
        }
    };
    let since = match &asked.since_words {
        Some(words) => format!(" since {}", printable(words)),
        None => String::new(),
    };
    of + &since
}

/// Counts the words that a commit's message holds.
fn speaks(commit: &Logged, words: &[String]) -> usize {
    let said = format!("{} {}", commit.subject, commit.body).to_lowercase();
    words.iter().filter(|word| said.contains(*word)).count()
}

/// The beginning of a commit's id.
fn short(commit: &Logged) -> &str {
    commit.id.get(..ID).unwrap_or(&commit.id)
}

/// Writes a commit in one line: `3f2a1bc04 2026-11-20 Jane Doe: Fix the walk`
fn line_of(commit: &Logged) -> String {
    format!(
        "{} {} {}: {}",
        short(commit),
        day(commit.time, commit.zone),
        printable(&commit.author),
        printable(&commit.subject)
    )
}

/// The date of a time, in seconds since 1970, at the author's `zone`, in minutes from UTC; `?` for
/// one beyond all calendars, which a commit may have.
fn day(time: i64, zone: i32) -> String {
    let local = time.saturating_add(i64::from(zone) * 60);
    time::OffsetDateTime::from_unix_timestamp(local)
        .map_or_else(|_| "?".to_owned(), |moment| moment.date().to_string())
}

/// Makes the first letter a capital.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
