//! The marks of a repository's own folder, by which it is known again when it was moved.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::write_private;

/// The name of the file of marks.
const FILE: &str = "place.json";
/// Most bytes of such a file.
const MOST: u64 = 64 << 10;

/// The marks of a folder, which a move within a file system leaves as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderMarks {
    /// Where the folder lay when they were taken.
    pub root: PathBuf,
    device: u64,
    number: u64,
    /// Nanoseconds since 1970: another folder that gets the number later is not taken for this one.
    made: i128,
}

impl FolderMarks {
    /// The marks of a folder; none where the system gives none that last.
    pub fn of(root: &Path) -> Option<Self> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;

            use super::super::file_stamp::nanoseconds;
            let facts = fs::symlink_metadata(root).ok()?;
            Some(Self {
                root: root.to_owned(),
                device: facts.dev(),
                number: facts.ino(),
                made: nanoseconds(facts.created().ok()?),
            })
        }
        #[cfg(not(unix))]
        {
            let _ = root;
            None
        }
    }

    /// The marks that are kept in a folder of ours; none where there are none that can be read.
    pub fn read(state: &Path) -> Option<Self> {
        let file = state.join(FILE);
        let small = fs::metadata(&file).is_ok_and(|facts| facts.len() <= MOST);
        serde_json::from_slice(&fs::read(file).ok().filter(|_| small)?).ok()
    }

    /// Tells whether these are of the same folder, wherever it lies.
    pub fn same(&self, other: &Self) -> bool {
        (self.device, self.number, self.made) == (other.device, other.number, other.made)
    }
}

/// Keeps the marks of the folder `root` in the folder `state` of ours, where that is there.
pub fn mark(root: &Path, state: &Path) {
    if !state.is_dir() {
        return;
    }
    let Some(marks) = FolderMarks::of(root) else {
        return;
    };
    if FolderMarks::read(state).as_ref() == Some(&marks) {
        return;
    }
    // Without them the records stay where they are, as they would without a move.
    let written = serde_json::to_vec(&marks).map(|text| write_private(&state.join(FILE), &text));
    log::debug!("marks of {}: {written:?}", root.display());
}
