//! Texts besides excerpts, shown because a request names them: outlines of folders, changes that
//! git knows.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::changes::diff_overview;
use super::{Changes, LeftOut};
use crate::base::secrets::masked;
use crate::base::text::{counted, printable};
use crate::base::{Cancel, RepoPath, Result, TokenCount};
use crate::repo::{Confidential, Diff, DiffSpec, Logged, Repo, Since, WalkRules};

/// Fewest tokens that are worth a diff.
const LEAST: usize = 60;
/// Commits of a range that are named at most.
const COMMITS: usize = 20;
/// Characters of a commit's id: enough to name it to git.
const ID: usize = 9;
/// Lines around a change.
const AROUND: u32 = 3;

/// A text that the model is shown because the request names what it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The kind of text.
    pub kind: ToldKind,
    /// The title in a few words: `docs/: 263 files`, `not committed: 3 files`.
    pub title: String,
    /// The text in the prompt, its heading included.
    pub text: String,
    /// Tokens of the text.
    pub tokens: usize,
}

/// The kinds of text that are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToldKind {
    /// The outline of a folder.
    Folder,
    /// Changes that git knows.
    Changes,
}

impl ToldKind {
    /// The kind in a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Changes => "changes",
        }
    }
}

impl Changes {
    /// The words that name the changes, behind the `@`.
    pub fn word(&self) -> &str {
        match self {
            Self::Uncommitted => "diff",
            Self::Staged => "staged",
            Self::Commit(revision) | Self::Range(revision) => revision,
        }
    }
}

/// Writes changes out as one text of at most `budget` tokens, secrets masked and confidential
/// files only named; also what of them does not fit. None where there is no room. `parts` are the
/// files and folders it is about; empty for all.
///
/// # Errors
/// As [`Repo::diff`].
pub fn changes_told(
    of: &Changes,
    parts: &[RepoPath],
    (repo, rules): (&Repo, &WalkRules),
    budget: usize,
    count: &dyn TokenCount,
) -> Result<Option<(Told, Vec<LeftOut>)>> {
    if budget < LEAST {
        return Ok(None);
    }
    let mut diff = diff_of(of, repo)?;
    let within = |path: &RepoPath| parts.is_empty() || parts.iter().any(|part| path.is_below(part));
    diff.files
        .retain(|file| within(&file.path) || file.old_path.as_ref().is_some_and(within));
    let confidential = Confidential::new(repo, rules)?;
    for file in &mut diff.files {
        if confidential.is_change(file) {
            // That it changed may be said, and nothing of what it says.
            file.hunks.clear();
        }
    }
    diff.mask_secrets()?;
    let (title, mut text) = heading(of, &diff, repo)?;
    if diff.files.is_empty() {
        let tokens = count.count(&text);
        let kind = ToldKind::Changes;
        let told = Told {
            kind,
            title,
            text,
            tokens,
        };
        return Ok(Some((told, Vec::new())));
    }
    let overview = diff_overview(&diff, budget.saturating_sub(count.count(&text)), count);
    text.push_str(overview.text.trim_end());
    text.push('\n');
    let told = Told {
        kind: ToldKind::Changes,
        title,
        tokens: count.count(&text),
        text,
    };
    Ok(Some((told, overview.left_out)))
}

fn diff_of(of: &Changes, repo: &Repo) -> Result<Diff> {
    let spec = match of {
        // Before the first commit there is nothing to compare with.
        Changes::Uncommitted if repo.head()?.commit.is_none() => DiffSpec::Staged,
        Changes::Uncommitted => DiffSpec::Base("HEAD".to_owned()),
        Changes::Staged => DiffSpec::Staged,
        Changes::Commit(revision) => DiffSpec::Commit(revision.clone()),
        Changes::Range(range) => DiffSpec::Range(range.clone()),
    };
    repo.diff(&spec, AROUND)
}

/// Title and heading of changes: of commits, what was said of them.
fn heading(of: &Changes, diff: &Diff, repo: &Repo) -> Result<(String, String)> {
    let (what, commits) = match of {
        Changes::Uncommitted => ("not committed".to_owned(), Vec::new()),
        Changes::Staged => ("staged".to_owned(), Vec::new()),
        Changes::Commit(revision) => {
            let one = repo.commit_named(revision)?;
            (format!("commit {}", printable(revision)), vec![one])
        }
        Changes::Range(range) => {
            let old = range.split_once("..").map_or("", |(old, _)| old);
            let since = Since::Revision(old.to_owned());
            // Commits of another branch than that of HEAD are not told one by one.
            let to_head = range.ends_with("..") || range.ends_with("..HEAD");
            let log = if to_head {
                repo.log(&since, &[], COMMITS, &Cancel::never())?.commits
            } else {
                Vec::new()
            };
            (printable(range).into_owned(), log)
        }
    };
    let files = counted(diff.files.len(), "file");
    let title = format!("{what}: {files}");
    let mut text = format!(
        "Changes named @{} ({title}). In diffs `21+` is a line added, `20-` a line removed.\n",
        printable(of.word())
    );
    for commit in &commits {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", line_of(commit)?);
    }
    if diff.files.is_empty() {
        text.push_str("Nothing is changed there.\n");
    }
    text.push('\n');
    Ok((title, text))
}

/// A commit in a line.
fn line_of(commit: &Logged) -> Result<String> {
    let id: String = commit.id.chars().take(ID).collect();
    let subject = masked(&commit.subject)?;
    let subject: String = subject.chars().take(120).collect();
    Ok(format!("commit {id} {}", printable(&subject)))
}
