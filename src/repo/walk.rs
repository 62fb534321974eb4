//! Finding the files that count, and reading them.

use serde::{Deserialize, Serialize};

use super::Repo;
use crate::base::{Cancel, Failure, RepoPath, Result};

/// Files over this size in bytes are left out and counted.
pub const MAX_FILE: u64 = 1_000_000;

/// The content of a file by its git blob id (SHA-1 over `blob SIZE\0` and the bytes), in
/// lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlobId(pub String);

/// A file the walk found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Where it is.
    pub path: RepoPath,
    /// Size in bytes.
    pub size: u64,
    /// Last change in nanoseconds since 1970, 0 where unknown.
    pub modified_ns: i128,
}

/// What was left out, by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Files with NUL bytes or in no known encoding.
    pub binary: usize,
    /// Files over [`MAX_FILE`].
    pub large: usize,
    /// Names that are not UTF-8.
    pub unnamed: usize,
    /// Symbolic links (never followed).
    pub links: usize,
    /// What could not be read, with the reasons of the first few.
    pub unreadable: Vec<String>,
}

/// What the walk found, in order of path.
#[derive(Debug, Clone, Default)]
pub struct Walk {
    /// The files that count.
    pub files: Vec<FileEntry>,
    /// What was left out.
    pub skipped: Skipped,
}

/// What to leave out besides `.gitignore` and `.homebodyignore`.
#[derive(Debug, Clone, Default)]
pub struct WalkRules {
    /// Globs in gitignore form, from the configuration.
    pub exclude: Vec<String>,
}

/// A file's text, with what is needed to write it back in its own manner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileText {
    /// The text, newlines as in the file.
    pub text: String,
    /// Whether bytes had to be converted or replaced; such a file is shown, never edited.
    pub lossy: bool,
}

impl Repo {
    /// Walks the repository. `progress` is called now and then with the files found so far.
    pub fn walk(
        &self,
        rules: &WalkRules,
        cancel: &Cancel,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Walk> {
        let _ = (rules, cancel, progress);
        Err(Failure::bug("walk is not built"))
    }
}

/// See [`Repo::read`].
pub(super) fn read(repo: &Repo, path: &RepoPath) -> Result<FileText> {
    let _ = (repo, path);
    Err(Failure::bug("read is not built"))
}

/// The git blob id of some bytes.
pub fn blob_id(bytes: &[u8]) -> BlobId {
    let _ = bytes;
    BlobId(String::new())
}
