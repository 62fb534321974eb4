//! Where homebody keeps things: the XDG folders, never the repository.

use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::cancel::Cancel;
use super::failure::{Failure, Result, io_failure};
use super::text::hex;

/// The folders of this user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// `config.toml`, `prompts/`, `themes/`.
    pub config: PathBuf,
    /// Models.
    pub data: PathBuf,
    /// Indexes: can be made again.
    pub cache: PathBuf,
    /// Sessions, undo records, history: cannot be made again.
    pub state: PathBuf,
}

/// The folders of one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoPlaces {
    /// The index.
    pub index: PathBuf,
    /// What models have read, so that it is not read again: can be made again.
    pub states: PathBuf,
    /// The copy of the repository in which checks run: can be made again.
    pub check: PathBuf,
    /// What reviews have found: can be found again.
    pub reviews: PathBuf,
    /// Conversations.
    pub sessions: PathBuf,
    /// Records for `undo`.
    pub undo: PathBuf,
    /// Findings of reviews that were put aside.
    pub dismissed: PathBuf,
    /// Everything of this repository under `state`.
    pub state: PathBuf,
}

impl Places {
    /// The folders by the platform's custom; on Linux and macOS `XDG_CONFIG_HOME`,
    /// `XDG_DATA_HOME`, `XDG_CACHE_HOME` and `XDG_STATE_HOME` come first.
    ///
    /// # Errors
    /// Of kind environment, if there is no home folder.
    pub fn find() -> Result<Self> {
        let pick = |variable: &str, fallback: Option<PathBuf>| {
            std::env::var_os(variable)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
                .or(fallback)
                .map(|base| base.join("homebody"))
                .ok_or_else(|| {
                    Failure::environment("no home folder was found")
                        .hint(format!("set HOME or {variable}"))
                })
        };
        let home = dirs::home_dir();
        let below = |rest: &str| home.as_ref().map(|home| home.join(rest));
        Ok(Self {
            config: pick(
                "XDG_CONFIG_HOME",
                dirs::config_dir().or_else(|| below(".config")),
            )?,
            data: pick(
                "XDG_DATA_HOME",
                dirs::data_dir().or_else(|| below(".local/share")),
            )?,
            cache: pick(
                "XDG_CACHE_HOME",
                dirs::cache_dir().or_else(|| below(".cache")),
            )?,
            state: pick(
                "XDG_STATE_HOME",
                dirs::state_dir().or_else(|| below(".local/state")),
            )?,
        })
    }

    /// The folder of models.
    pub fn models(&self) -> PathBuf {
        self.data.join("models")
    }

    /// The folders of the repository at `root` (canonical): named by the folder's name and
    /// the hash of its whole path, so that two clones do not mix.
    pub fn for_repo(&self, root: &Path) -> RepoPlaces {
        let digest = Sha256::digest(root.as_os_str().as_encoded_bytes());
        let hash = hex(digest.get(..8).unwrap_or_default());
        let name: String = root
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
                    c
                } else {
                    '_'
                }
            })
            .take(40)
            .collect();
        let key = format!("{name}-{hash}");
        let state = self.state.join("repositories").join(&key);
        RepoPlaces {
            index: self.cache.join("index").join(&key),
            states: self.cache.join("states").join(&key),
            check: self.cache.join("checks").join(&key),
            reviews: self.cache.join("reviews").join(&key),
            sessions: state.join("sessions"),
            undo: state.join("undo"),
            dismissed: state.join("dismissed.json"),
            state,
        }
    }
}

/// Makes a folder, and those above it, that only this user may look into (0700).
pub fn private_dir(dir: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(dir)
        .map_err(|e| io_failure(format!("cannot make the folder {}", dir.display()), &e))
}

/// Takes the lock of a file, waiting for it as long as `patience`; none if another process keeps
/// it. It is let go when the file is closed, also by a process that dies.
///
/// # Errors
/// Of kind environment, if there cannot be such a file; of kind interrupted, if cancelled.
pub fn lock(path: &Path, patience: Duration, cancel: &Cancel) -> Result<Option<File>> {
    let failed = |e: &std::io::Error| io_failure(format!("cannot lock {}", path.display()), e);
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(|e| failed(&e))?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) if begun.elapsed() >= patience => return Ok(None),
            Err(TryLockError::WouldBlock) => {
                cancel.check()?;
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(TryLockError::Error(e)) => return Err(failed(&e)),
        }
    }
}

/// Writes a file that only this user may read (0600), whole or not at all: beside it first,
/// synced, then renamed into place.
pub fn write_private(file: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |e: &std::io::Error| io_failure(format!("cannot write {}", file.display()), e);
    let dir = file
        .parent()
        .ok_or_else(|| Failure::bug(format!("{} has no folder", file.display())))?;
    private_dir(dir)?;
    // tempfile makes files 0600 on Unix.
    let mut beside = tempfile::NamedTempFile::new_in(dir).map_err(|e| failed(&e))?;
    beside.write_all(bytes).map_err(|e| failed(&e))?;
    beside.as_file().sync_data().map_err(|e| failed(&e))?;
    beside.persist(file).map_err(|e| failed(&e.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clones_of_one_name_do_not_mix() {
        let places = Places {
            config: "/c".into(),
            data: "/d".into(),
            cache: "/x".into(),
            state: "/s".into(),
        };
        let a = places.for_repo(Path::new("/one/repo"));
        let b = places.for_repo(Path::new("/two/repo"));
        assert_ne!(a.index, b.index);
        assert!(a.index.starts_with("/x/index"));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_written_is_for_this_user_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("a/b.json");
        write_private(&file, b"x").expect("written");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&file), 0o600);
        assert_eq!(mode(&dir.path().join("a")), 0o700);
    }
}
