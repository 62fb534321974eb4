//! Records and conversations follow a repository whose folder is moved.
//!
//! The folders of a repository are named by its path. Beside its records stand the marks of its own
//! folder, which a move within a file system leaves as they are: where a repository has no records
//! and those of a path at which nothing is any more bear its marks, they are its own.

use std::fs;
use std::path::{Path, PathBuf};

use crate::base::failure::io_failure;
use crate::base::places::{FolderMarks, mark};
use crate::base::{Places, RepoPlaces, Result};
use crate::patch::UndoDir;

/// Takes over what was kept of the repository at `root` while it lay elsewhere, and gives that
/// place; none where there is nothing of that kind.
///
/// # Errors
/// Of kind environment, where it cannot be moved.
pub(super) fn follow(root: &Path, places: &Places, of: &RepoPlaces) -> Result<Option<PathBuf>> {
    if of.state.exists() {
        return Ok(None);
    }
    let (Some(marks), Ok(entries)) = (
        FolderMarks::of(root),
        // Before the first record there is no such folder.
        fs::read_dir(places.state.join("repositories")),
    ) else {
        return Ok(None);
    };
    let before = entries.flatten().find_map(|entry| {
        let known = FolderMarks::read(&entry.path())?;
        let gone = || FolderMarks::of(&known.root).is_none_or(|there| !there.same(&known));
        (known.same(&marks) && known.root != root && gone()).then_some(known.root)
    });
    let Some(before) = before else {
        return Ok(None);
    };
    let old = places.for_repo(&before);
    take(&old.state, &of.state)?;
    UndoDir::of(of).follow(&UndoDir::of(&old))?;
    for (from, to) in [
        (&old.index, &of.index),
        (&old.states, &of.states),
        (&old.reviews, &of.reviews),
    ] {
        // It can be made again.
        if let Err(failure) = take(from, to) {
            log::info!("{failure}");
        }
    }
    mark(root, &of.state);
    Ok(Some(before))
}

/// Gives a folder another name, where it is there and the name is free.
fn take(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() || to.exists() {
        return Ok(());
    }
    fs::rename(from, to).map_err(|e| {
        let what = format!("{} does not become {}", from.display(), to.display());
        io_failure(what, &e)
    })
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::super::trial;
    use super::super::workspace::Workspace;
    use crate::base::{Cancel, Config, RepoPath};
    use crate::patch::undo::undo;
    use crate::patch::write::apply;
    use crate::patch::{Change, FileChange, UndoDir, UndoRequest};
    use std::fs;
    use std::path::{Path, PathBuf};

    fn open(root: &Path, places: &Path) -> Workspace {
        let config = Config::default();
        Workspace::open(root, &trial::places(places), &config).expect("a workspace")
    }

    /// A folder with the repository `old`, to which a patch was applied.
    fn begun() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a folder");
        let all = dir.path().canonicalize().expect("there");
        fs::create_dir(all.join("old")).expect("made");
        fs::write(all.join("old/a"), "one\n").expect("written");
        let work = open(&all.join("old"), &all.join("places"));
        let change = Change {
            files: vec![FileChange {
                path: RepoPath::new("a").expect("a path"),
                renamed_to: None,
                before: Some("one\n".to_owned()),
                after: Some("two\n".to_owned()),
            }],
        };
        apply(work.repo.root(), &change, &UndoDir::of(&work.places)).expect("applied");
        (dir, all)
    }

    #[test]
    fn records_follow_a_repository_that_was_moved() {
        let (_dir, all) = begun();
        let (places, old, new) = (all.join("places"), all.join("old"), all.join("far/new"));
        fs::create_dir(all.join("far")).expect("made");
        let before = open(&old, &places);
        before
            .index(false, &Cancel::never(), &mut |_| {})
            .expect("an index");

        // A copy is another repository.
        let copy = all.join("copy");
        fs::create_dir(&copy).expect("made");
        fs::copy(old.join("a"), copy.join("a")).expect("copied");
        let other = open(&copy, &places);
        assert!(other.config.notes.is_empty() && !other.places.undo.exists());

        fs::rename(&old, &new).expect("moved");
        // Somebody else's folder stands where it was.
        fs::create_dir(&old).expect("made");
        let work = open(&new, &places);
        let told = work.config.notes.join("\n");
        assert!(
            told.contains(&format!("lay at {}", old.display())),
            "{told}"
        );
        assert!(work.places.index.exists() && !before.places.state.exists());
        let done = undo(&new, &UndoDir::of(&work.places), &UndoRequest::LAST);
        assert_eq!(done.expect("taken back").files.len(), 1);
        assert_eq!(fs::read_to_string(new.join("a")).expect("read"), "one\n");
        // Said once.
        assert!(open(&new, &places).config.notes.is_empty());
        assert!(open(&old, &places).config.notes.is_empty());
    }

    #[test]
    fn a_record_that_was_not_ours_does_not_become_ours_by_a_move() {
        let (_dir, all) = begun();
        let (places, old, new) = (all.join("places"), all.join("old"), all.join("new"));
        let record = open(&old, &places).places.undo.join("00000001.json");
        let text = fs::read_to_string(&record).expect("read");
        fs::write(&record, text.replacen("one", "bad", 1)).expect("written");
        fs::rename(&old, &new).expect("moved");
        let work = open(&new, &places);
        assert!(!work.config.notes.is_empty());
        let done = undo(&new, &UndoDir::of(&work.places), &UndoRequest::LAST);
        assert!(done.is_err(), "{done:?}");
    }
}
