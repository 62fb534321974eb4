//! The names of revisions, for those who begin to type one.

use git2::Repository;

use super::Repo;
use super::git::message_of;
use crate::base::Result;

/// References that are looked at, at most: enough for any name that is typed by hand.
const LOOKED_AT: usize = 20_000;
/// Commits behind HEAD that are offered.
const BEHIND: usize = 10;

/// A name for a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionName {
    /// The name, as git takes it.
    pub name: String,
    /// The first line of the commit's message; empty where it is not read.
    pub about: String,
}

impl Repo {
    /// Returns at most `most` names that begin with `typed`: branches, tags, branches of others, then
    /// `HEAD` and the commits behind it.
    ///
    /// # Errors
    /// Of kind input, in a folder without git or if git's data is broken.
    pub fn revisions_like(&self, typed: &str, most: usize) -> Result<Vec<RevisionName>> {
        let git = self.git()?;
        let mut found = Vec::new();
        for (folder, kind) in [
            ("refs/heads/", "branch"),
            ("refs/tags/", "tag"),
            ("refs/remotes/", "branch of another"),
        ] {
            found.extend(named(&git, folder, kind, typed));
        }
        found.extend(behind_head(&git, typed));
        found.truncate(most);
        Ok(found)
    }
}

/// The references of a folder whose short names begin with `typed`.
fn named(git: &Repository, folder: &str, kind: &str, typed: &str) -> Vec<RevisionName> {
    let Ok(mut all) = git.references_glob(&format!("{folder}*")) else {
        return Vec::new();
    };
    let mut found: Vec<RevisionName> = all
        .names()
        .take(LOOKED_AT)
        // A name that is no UTF-8 cannot be typed.
        .filter_map(std::result::Result::ok)
        .filter_map(|name| name.strip_prefix(folder))
        .filter(|name| name.starts_with(typed) && !name.ends_with("/HEAD"))
        .map(|name| RevisionName {
            name: name.to_owned(),
            about: kind.to_owned(),
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// `HEAD`, `HEAD~1` and so on, as far as there are commits, each with its message's first line.
fn behind_head(git: &Repository, typed: &str) -> Vec<RevisionName> {
    let head = git.head().and_then(|head| head.peel_to_commit());
    let mut commit = head.ok();
    let mut found = Vec::new();
    for n in 0..=BEHIND {
        let Some(this) = commit else { break };
        let name = match n {
            0 => "HEAD".to_owned(),
            n => format!("HEAD~{n}"),
        };
        if name.starts_with(typed) {
            let about = message_of(&this).0;
            found.push(RevisionName { name, about });
        }
        commit = this.parent(0).ok();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::trial::git;

    #[test]
    fn branches_tags_and_commits_behind_head_are_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path();
        git(root, &["init", "-q", "-b", "main"]);
        let names = |typed: &str| {
            let repo = Repo::open(root).expect("opens");
            let found = repo.revisions_like(typed, 20).expect("read");
            let found = found.into_iter().map(|one| (one.name, one.about));
            found.collect::<Vec<_>>()
        };
        assert!(names("").is_empty(), "nothing is committed yet");
        git(root, &["commit", "-q", "--allow-empty", "-m", "Begin"]);
        git(root, &["commit", "-q", "--allow-empty", "-m", "Go on"]);
        git(root, &["branch", "fix/walk"]);
        git(root, &["tag", "v1.0"]);
        let all = names("");
        let all: Vec<(&str, &str)> = all.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(
            all,
            [
                ("fix/walk", "branch"),
                ("main", "branch"),
                ("v1.0", "tag"),
                ("HEAD", "Go on"),
                ("HEAD~1", "Begin"),
            ]
        );
        assert_eq!(names("fix/").len(), 1);
        assert_eq!(names("HEAD~")[0].0, "HEAD~1");
    }
}
