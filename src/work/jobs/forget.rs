//! Removal of what homebody keeps about a repository, or about all.

use std::fs;
use std::path::{Path, PathBuf};

use super::session::Sessions;
use crate::base::beneath::clear;
use crate::base::{Failure, Places, Result};

/// Something that was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// The name of the thing: `index`, `sessions`, `state`.
    pub what: &'static str,
    /// The place where it lay.
    pub path: PathBuf,
    /// The size of the thing in bytes.
    pub bytes: u64,
    /// Files in it.
    pub files: usize,
}

/// Removes index, sessions and state of the repository at `root` (canonical), or of all
/// repositories; with `dry_run`, tells what would be removed. Models and configuration stay. What
/// was not there is not in the answer.
///
/// # Errors
/// Of kind usage, if a running homebody uses it; of kind environment, if something cannot be
/// removed.
pub fn forget(places: &Places, root: Option<&Path>, dry_run: bool) -> Result<Vec<Forgotten>> {
    if !dry_run && are_used(places, root) {
        return Err(Failure::usage("a homebody is running that uses it")
            .hint("end it first, and call this again"));
    }
    let targets = match root {
        Some(root) => {
            let of = places.for_repo(root);
            vec![
                ("index", of.index),
                ("what models have read", of.states),
                ("the copy for checks", of.check),
                ("what reviews have found", of.reviews),
                ("sessions", of.sessions),
                ("undo records", of.undo),
                ("state", of.state),
            ]
        }
        None => vec![
            (
                "indexes, copies, what models have read",
                places.cache.clone(),
            ),
            ("conversations, undo records, history", places.state.clone()),
        ],
    };
    let mut gone: Vec<Forgotten> = Vec::new();
    for (what, path) in targets {
        let Ok(facts) = fs::symlink_metadata(&path) else {
            continue;
        };
        let mut size = (0, 0);
        if facts.is_dir() {
            measure(&path, 0, &mut size);
        } else {
            // A link that somebody put there: the link goes, what it points to stays.
            size = (facts.len(), 1);
        }
        let (above, name) = match (path.parent(), path.file_name()) {
            (Some(above), Some(name)) => (above, Path::new(name)),
            _ => return Err(Failure::bug(format!("{} is no folder", path.display()))),
        };
        if dry_run {
            // What lies in it and was told is not told again.
            let told = |one: &&Forgotten| one.path.starts_with(&path);
            for one in gone.iter().filter(told) {
                size.0 -= one.bytes;
                size.1 -= one.files;
            }
        } else {
            clear(above, name)?;
        }
        // `state` holds the other two; left over alone it is an empty folder.
        if what != "state" || size.1 > 0 {
            gone.push(Forgotten {
                what,
                path,
                bytes: size.0,
                files: size.1,
            });
        }
    }
    Ok(gone)
}

/// Tells whether a running homebody uses what is kept of a repository, or of any.
fn are_used(places: &Places, root: Option<&Path>) -> bool {
    let is_used = |dir: PathBuf| Sessions { dir }.are_in_use();
    if let Some(root) = root {
        return is_used(places.for_repo(root).sessions);
    }
    // Before the first record there is no such folder.
    let all = fs::read_dir(places.state.join("repositories"));
    let mut folders = all.into_iter().flatten().flatten();
    folders.any(|folder| is_used(folder.path().join("sessions")))
}

/// Adds up sizes and files below a folder; links are not followed.
fn measure(dir: &Path, depth: usize, size: &mut (u64, usize)) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(facts) = fs::symlink_metadata(entry.path()) else {
            continue;
        };
        if facts.is_dir() {
            if depth < 64 {
                measure(&entry.path(), depth + 1, size);
            }
        } else {
            size.0 += facts.len();
            size.1 += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::places::write_private;

    #[test]
    fn one_repository_or_all_are_forgotten() {
        let dir = tempfile::tempdir().expect("a folder");
        let below = |name: &str| dir.path().join(name);
        let places = Places {
            config: below("config"),
            data: below("data"),
            cache: below("cache"),
            state: below("state"),
        };
        let keep = places.data.join("models/a.gguf");
        write_private(&keep, b"model").expect("written");
        for root in ["/one", "/two"] {
            let of = places.for_repo(Path::new(root));
            write_private(&of.index.join("deep/er"), b"12345").expect("written");
            write_private(&of.sessions.join("a.jsonl"), b"123").expect("written");
            write_private(&of.state.join("history"), b"1").expect("written");
        }
        let one = Some(Path::new("/one"));
        let would = forget(&places, one, true).expect("told");
        let sessions = Sessions {
            dir: places.for_repo(Path::new("/one")).sessions,
        };
        let used = sessions.in_use().expect("used");
        for root in [one, None] {
            assert!(forget(&places, root, false).is_err(), "it is in use");
        }
        drop(used);
        fs::remove_file(sessions.dir.join("in-use")).expect("removed");
        let gone = forget(&places, one, false).expect("forgotten");
        assert_eq!(gone, would);
        let told: Vec<_> = gone.iter().map(|f| (f.what, f.bytes, f.files)).collect();
        assert_eq!(told, [("index", 5, 1), ("sessions", 3, 1), ("state", 1, 1)]);
        assert!(!places.for_repo(Path::new("/one")).state.exists());
        assert!(places.for_repo(Path::new("/two")).index.exists());
        assert_eq!(
            forget(&places, Some(Path::new("/one")), false).expect("nothing left"),
            []
        );
        let gone = forget(&places, None, false).expect("forgotten");
        assert_eq!(gone.iter().map(|f| f.bytes).sum::<u64>(), 9);
        assert!(!places.for_repo(Path::new("/two")).index.exists());
        assert!(keep.exists());
    }
}
