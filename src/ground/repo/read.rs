//! Reading files, with care about what they are and where they lead.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use super::Repo;
use super::walk::MAX_FILE;
use crate::base::encoding::utf16;
use crate::base::failure::io_failure;
use crate::base::secrets::masked_copy;
use crate::base::{Failure, RepoPath, Result};

/// Bytes at the beginning of a file that tell text from binary, as many as git looks at.
pub(super) const SNIFF: usize = 8000;

/// The content of a file by its git blob id (SHA-1 over `blob SIZE\0` and the bytes), in
/// lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlobId(pub String);

/// The git blob id of some bytes; for those that git refuses to hash one of our own, which no blob
/// has.
pub fn blob_id(bytes: &[u8]) -> BlobId {
    // libgit2 refuses bytes that were made to collide under SHA-1.
    let refused = |_| {
        let hash = sha2::Sha256::digest(bytes);
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let id = git2::Oid::hash_object(git2::ObjectType::Blob, bytes);
    BlobId(id.map_or_else(refused, |id| id.to_string()))
}

impl Repo {
    /// The bytes of a file, under the same rules as [`Repo::read`] but for the encoding.
    ///
    /// # Errors
    /// As [`Repo::read`].
    pub fn read_bytes(&self, path: &RepoPath) -> Result<Vec<u8>> {
        let (mut file, size) = self.open_file(path)?;
        if size > MAX_FILE {
            return Err(too_large(path));
        }
        let mut bytes = Vec::with_capacity(size as usize + 1);
        file.by_ref()
            .take(MAX_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| cannot_read(path, &e))?;
        // The file may have grown since.
        if bytes.len() as u64 > MAX_FILE {
            return Err(too_large(path));
        }
        Ok(bytes)
    }

    /// The text of a file as it may be shown to a model and kept: with the mask in the place of
    /// its secrets.
    ///
    /// # Errors
    /// As [`Repo::read`].
    pub fn shown_text(&self, path: &RepoPath) -> Result<String> {
        let text = self.read(path)?.text;
        Ok(masked_copy(&text)?.unwrap_or(text))
    }

    /// Opens a regular file that lies inside the root, and gives its size.
    fn open_file(&self, path: &RepoPath) -> Result<(File, u64)> {
        self.open_at(&path.under(&self.root), path)
    }

    /// Opens a regular file inside the root by where it lies; `path` names it in failures.
    pub(super) fn open_at(&self, given: &Path, path: &RepoPath) -> Result<(File, u64)> {
        let real = given.canonicalize().map_err(|e| match e.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => {
                Failure::input(format!("there is no file `{}`", path.as_str()))
            }
            _ => cannot_read(path, &e),
        })?;
        self.check_inside(&real, path)?;
        let file = open_quietly(&real).map_err(|e| cannot_read(path, &e))?;
        let meta = file.metadata().map_err(|e| cannot_read(path, &e))?;
        if meta.is_dir() {
            return Err(Failure::input(format!("`{}` is a folder", path.as_str())));
        }
        if !meta.is_file() {
            return Err(Failure::input(format!(
                "`{}` is not a regular file",
                path.as_str()
            )));
        }
        // A folder on the way may have become a link between the check and the opening.
        if let Some(opened) = where_opened(&file) {
            self.check_inside(&opened, path)?;
        }
        Ok((file, meta.len()))
    }

    fn check_inside(&self, real: &Path, path: &RepoPath) -> Result<()> {
        let refuse = |why: &str| {
            Err(Failure::input(format!("`{}` is not read", path.as_str())).because(why))
        };
        match real.strip_prefix(&self.root) {
            Err(_) => refuse("it is a link that leads out of the repository"),
            Ok(rest) if rest.components().any(|part| part.as_os_str() == ".git") => {
                refuse("it is a link into git's own folder")
            }
            Ok(_) => Ok(()),
        }
    }
}

fn too_large(path: &RepoPath) -> Failure {
    Failure::input(format!("`{}` is too large to read", path.as_str())).because(format!(
        "files over {} are left out",
        crate::base::text::human_bytes(MAX_FILE)
    ))
}

pub(super) fn cannot_read(path: &RepoPath, error: &std::io::Error) -> Failure {
    io_failure(format!("cannot read `{}`", path.as_str()), error)
}

/// Opens a file for reading without following a last link and without ever waiting, should
/// it turn out to be a pipe.
pub(super) fn open_quietly(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC,
    );
    options.open(path)
}

/// The path that an open file really has, where the system tells.
#[cfg(target_os = "linux")]
fn where_opened(file: &File) -> Option<PathBuf> {
    use std::os::fd::AsRawFd as _;
    std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))
        .ok()
        // A file removed meanwhile is named with a remark behind it, and that is no harm.
        .filter(|path| path.is_absolute())
}

#[cfg(not(target_os = "linux"))]
const fn where_opened(_: &File) -> Option<PathBuf> {
    None
}

/// Tells whether the first bytes are those of a binary file. UTF-16 with a byte-order mark is not.
pub(super) fn looks_binary(start: &[u8]) -> bool {
    let start = start.get(..SNIFF).unwrap_or(start);
    utf16(start).is_none() && start.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::new(text).expect("good path")
    }

    fn repo() -> (tempfile::TempDir, Repo) {
        let dir = tempfile::tempdir().expect("a folder");
        let repo = Repo::open(dir.path()).expect("opened");
        (dir, repo)
    }

    #[test]
    fn blob_ids_are_gits() {
        assert_eq!(blob_id(b"").0, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        assert_eq!(
            blob_id(b"hello\n").0,
            "ce013625030ba8dba906f756967f9e9ca394464a"
        );
    }

    #[test]
    fn large_and_missing_files_and_folders_are_refused() {
        let (dir, repo) = repo();
        std::fs::write(dir.path().join("large"), vec![b'a'; MAX_FILE as usize + 1]).expect("w");
        std::fs::write(dir.path().join("fits"), vec![b'a'; MAX_FILE as usize]).expect("w");
        std::fs::create_dir(dir.path().join("folder")).expect("dir");
        assert!(
            repo.read(&path("large"))
                .is_err_and(|f| f.what().contains("too large"))
        );
        assert!(repo.read(&path("fits")).is_ok());
        assert!(
            repo.read(&path("folder"))
                .is_err_and(|f| f.what().contains("folder"))
        );
        assert!(
            repo.read(&path("none"))
                .is_err_and(|f| f.what().contains("no file"))
        );
        assert!(repo.read(&path("fits/x")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_inside_and_refused_outside() {
        use std::os::unix::fs::symlink;
        let (dir, repo) = repo();
        let outside = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(dir.path().join("real"), "text").expect("written");
        std::fs::create_dir_all(dir.path().join(".git/x")).expect("dir");
        std::fs::write(dir.path().join(".git/x/secret"), "text").expect("written");
        symlink("real", dir.path().join("inside")).expect("link");
        symlink(outside.path(), dir.path().join("outside")).expect("link");
        symlink("/etc", dir.path().join("etc")).expect("link");
        symlink(".git/x", dir.path().join("git")).expect("link");
        symlink("loop", dir.path().join("loop")).expect("link");
        assert_eq!(repo.read(&path("inside")).expect("read").text, "text");
        for bad in ["outside", "etc/passwd", "git/secret", "loop"] {
            assert!(repo.read(&path(bad)).is_err(), "{bad}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_refused_and_never_waited_for() {
        let (dir, repo) = repo();
        let made = std::process::Command::new("mkfifo")
            .arg(dir.path().join("pipe"))
            .status();
        if made.is_ok_and(|status| status.success()) {
            assert!(repo.read(&path("pipe")).is_err());
        }
    }
}
