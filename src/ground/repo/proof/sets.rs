//! Sets of files, counts and commits of lines held against git's.

use std::collections::BTreeSet;
use std::path::Path;

use super::expected::{OFF, fields};
use super::state::State;
use super::{Fault, Tally};
use crate::base::RepoPath;
use crate::repo::walk::MAX_FILE;
use crate::repo::{Blamed, Confidential, Repo, Status, Walk, WalkRules};

/// Counts what `git status` tells.
pub(super) fn status(state: &State, ours: Status, tally: &mut Tally) -> Result<(), Fault> {
    let asked = [
        "status",
        "--porcelain=v2",
        "-z",
        "--untracked-files=all",
        "--no-renames",
        "--ignore-submodules=dirty",
    ];
    let output = state.ask(&[OFF, &asked].concat());
    let mut git = Status::default();
    let lines = fields(&output.stdout);
    for line in &lines {
        let mut words = line.split(' ');
        let kind = words.next().unwrap_or_default();
        let both = words.next().unwrap_or_default();
        match kind {
            "1" => {
                git.staged += usize::from(!both.starts_with('.'));
                git.unstaged += usize::from(!both.ends_with('.'));
            }
            "u" => git.unstaged += 1,
            "?" => git.untracked += 1,
            _ => panic!("a line of git status: {line}"),
        }
    }
    if ours == git {
        return Ok(());
    }
    let inside = lines
        .iter()
        .filter(|line| line.starts_with('?') && line.ends_with('/'));
    let known = Status {
        untracked: git.untracked - inside.count(),
        ..git
    };
    if (known.untracked..git.untracked).contains(&ours.untracked)
        && (known.staged, known.unstaged) == (ours.staged, ours.unstaged)
    {
        tally.count("status: a repository inside of which all is ignored is not counted");
        return Ok(());
    }
    let text = format!("homebody: {ours:?}\n  git: {git:?}\n  {lines:?}");
    Err(Fault::new("counts", text))
}

/// Tells whether a path lies in a repository inside the working tree, or behind a link or a file.
pub(super) fn is_elsewhere(root: &Path, path: &str) -> bool {
    let mut at = root.to_owned();
    let mut parts = Path::new(path).iter().peekable();
    while let Some(part) = parts.next() {
        at.push(part);
        let facts = at.symlink_metadata();
        let folder = facts.as_ref().is_ok_and(std::fs::Metadata::is_dir);
        if parts.peek().is_some() && facts.is_ok() && !folder {
            return true;
        }
        if folder && at.join(".git").symlink_metadata().is_ok() {
            return true;
        }
    }
    false
}

/// Holds the files of a walk against those that git tracks or would add.
pub(super) fn walk(state: &State, ours: &Walk) -> Result<(), Fault> {
    let counts = |path: &String| {
        let facts = state.root.join(path).symlink_metadata();
        let plain = facts.is_ok_and(|facts| facts.is_file() && facts.len() <= MAX_FILE);
        plain && !is_elsewhere(&state.root, path) && RepoPath::new(path).is_ok()
    };
    let tracked = state.names(&["ls-files", "-z"]);
    let others = state.names(&["ls-files", "-o", "--exclude-standard", "-z"]);
    let mut theirs: BTreeSet<String> = tracked
        .iter()
        .filter(|path| counts(path))
        .cloned()
        .collect();
    let ours: BTreeSet<String> = (ours.files.iter())
        .map(|entry| entry.path.as_str().to_owned())
        .filter(|path| !is_elsewhere(&state.root, path))
        .collect();
    theirs.extend(others.into_iter().filter(counts));
    let repo = Repo::open(&state.root).expect("a repository");
    let confidential = Confidential::new(&repo, &WalkRules::default()).expect("rules");
    // Files of keys and passwords are no part of it.
    theirs.retain(|path| {
        let path = RepoPath::new(path).expect("a path");
        let start = repo.read_bytes(&path).unwrap_or_default();
        ours.contains(path.as_str()) || !confidential.is(&path, &start)
    });
    if ours == theirs {
        return Ok(());
    }
    let here: Vec<_> = ours.difference(&theirs).collect();
    let there: Vec<_> = theirs.difference(&ours).collect();
    let text = format!("only homebody: {here:?}\n  only git: {there:?}");
    Err(Fault::new("files", text))
}

/// Holds what is said of lines against `git blame`.
pub(super) fn blame(
    state: &State,
    path: &RepoPath,
    ours: &[Blamed],
    tally: &mut Tally,
) -> Result<(), Fault> {
    let Some(theirs) = state.blame(path.as_str()) else {
        tally.count("blame: git does not tell");
        return Ok(());
    };
    let ours: Vec<Option<&str>> = ours
        .iter()
        .flat_map(|part| {
            let id = part.commit.as_ref().map(|commit| commit.id.as_str());
            (part.range.start()..=part.range.end()).map(move |_| id)
        })
        .collect();
    // No more than some lines are followed.
    if ours.len() != theirs.len().min(2001) {
        let text = format!("{path}: {} lines, and not {}", ours.len(), theirs.len());
        return Err(Fault::new("lines", text));
    }
    for (n, (ours, (id, name))) in ours.iter().zip(&theirs).enumerate() {
        let id = id.bytes().any(|digit| digit != b'0').then_some(id.as_str());
        if *ours == id {
            continue;
        }
        // A file that was renamed is followed to that commit.
        let before = |id: &str| {
            let before = format!("{id}^");
            state.lines(&["ls-tree", "--name-only", &before, "--", path.as_str()])
        };
        if name != path.as_str() || ours.is_some_and(|id| before(id).is_empty()) {
            tally.count("blame: lines from before a rename");
            continue;
        }
        let text = format!("{path}, line {}: {ours:?}, and not {id:?}", n + 1);
        return Err(Fault::new("lines", text));
    }
    Ok(())
}
