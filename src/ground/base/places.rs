//! The folders of homebody: those of XDG, never the repository.

mod marks;

use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::cancel::Cancel;
use super::failure::{Failure, Result, io_failure};
use super::text::{hex, truncated};

pub use marks::{FolderMarks, mark};

/// The folders of this user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// `config.toml`, `prompts/`, `themes/`.
    pub config: PathBuf,
    /// The folder of models.
    pub data: PathBuf,
    /// The folder of indexes: can be made again.
    pub cache: PathBuf,
    /// The folder of sessions, undo records, history: cannot be made again.
    pub state: PathBuf,
}

/// The folders of one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoPlaces {
    /// The folder of the index.
    pub index: PathBuf,
    /// The states of models behind texts they have read: can be made again.
    pub states: PathBuf,
    /// The copy of the repository in which checks run: can be made again.
    pub check: PathBuf,
    /// The findings of reviews: can be found again.
    pub reviews: PathBuf,
    /// The conversations.
    pub sessions: PathBuf,
    /// The conversations and reports that were written out without a place of the user's own.
    pub exports: PathBuf,
    /// The records for `undo`.
    pub undo: PathBuf,
    /// The key by which records are known to be ours, of all repositories.
    pub key: PathBuf,
    /// The file of findings that were dismissed.
    pub dismissed: PathBuf,
    /// The folder of this repository under `state`.
    pub state: PathBuf,
}

impl Places {
    /// Finds the folders by the platform's custom; on Linux and macOS `XDG_CONFIG_HOME`,
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
                    Failure::environment("no home folder was found").hint(format!(
                        "set HOME or {variable} to a folder, named from the root of the system"
                    ))
                })
        };
        // A relative one would lie wherever homebody is called: in the repository.
        let home = dirs::home_dir().filter(|home| home.is_absolute());
        let below = |rest: &str| home.as_ref().map(|home| home.join(rest));
        let own = |dir: Option<PathBuf>| dir.filter(|dir| dir.is_absolute());
        Ok(Self {
            config: pick(
                "XDG_CONFIG_HOME",
                own(dirs::config_dir()).or_else(|| below(".config")),
            )?,
            data: pick(
                "XDG_DATA_HOME",
                own(dirs::data_dir()).or_else(|| below(".local/share")),
            )?,
            cache: pick(
                "XDG_CACHE_HOME",
                own(dirs::cache_dir()).or_else(|| below(".cache")),
            )?,
            state: pick(
                "XDG_STATE_HOME",
                own(dirs::state_dir()).or_else(|| below(".local/state")),
            )?,
        })
    }

    /// Returns the user's file of settings; it need not be there.
    pub fn settings(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// Returns the file that keeps the theme chosen on the screen.
    pub fn theme(&self) -> PathBuf {
        self.state.join("theme")
    }

    /// Checks that homebody's folders belong to this user and that nobody else can change anything
    /// in them or on the way to them, as ssh demands of its own (`StrictModes`): records in them
    /// are believed.
    ///
    /// # Errors
    /// Of kind environment, naming the folder and what to type.
    pub fn check_owner(&self) -> Result<()> {
        for dir in [&self.config, &self.data, &self.cache, &self.state] {
            owner::check(dir)?;
        }
        Ok(())
    }

    /// Returns the folder of models.
    pub fn models(&self) -> PathBuf {
        self.data.join("models")
    }

    /// Returns the folders of the repository at `root` (canonical): named by the folder's name and
    /// the hash of its whole path, so that two clones do not mix.
    pub fn for_repo(&self, root: &Path) -> RepoPlaces {
        let digest = hex(&Sha256::digest(root.as_os_str().as_encoded_bytes()));
        // The digits of eight bytes.
        let hash = truncated(&digest, 16);
        // The root of a file system has no name.
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
            exports: state.join("exports"),
            undo: state.join("undo"),
            key: self.data.join("key"),
            dismissed: state.join("dismissed.json"),
            state,
        }
    }
}

#[cfg(unix)]
mod owner {
    use std::fs::{self, Metadata};
    use std::os::unix::fs::MetadataExt as _;
    use std::path::Path;

    use crate::base::{Failure, Result};

    /// The right of others to write.
    const OTHERS: u32 = 0o002;
    /// The right of the group to write.
    const GROUP: u32 = 0o020;
    /// The bit of a folder whose entries only their owners can move.
    const STICKY: u32 = 0o1000;

    /// The number of users unknown in a user namespace (user_namespaces(7), overflowuid).
    const NOBODY: u32 = 65534;

    /// Tells whether this process sees other users' numbers than the system's.
    fn in_namespace() -> bool {
        // A system without `/proc`, or without namespaces, has no such file.
        let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        let mut parts = map.split_whitespace();
        parts.next().is_some() && (parts.next(), parts.next()) != (Some("0"), Some("4294967295"))
    }

    /// Checks a folder of ours, where it is there, and those above it.
    pub(super) fn check(dir: &Path) -> Result<()> {
        let mut there = dir;
        while fs::symlink_metadata(there).is_err() {
            match there.parent() {
                Some(above) => there = above,
                None => return Ok(()),
            }
        }
        let refuse = |path: &Path, why: &str, hint: String| {
            Err(Failure::environment(format!(
                "homebody does not use {}, since others could change what is in it",
                dir.display()
            ))
            .because(format!("{} {why}", path.display()))
            .hint(hint))
        };
        let (user, group) = ids();
        // Links are followed as far as who made them is trusted: both ways are looked at. A link to
        // nothing has one way.
        let real = there.canonicalize();
        let ways = [Some(there), real.as_deref().ok()];
        for path in ways.into_iter().flatten().flat_map(Path::ancestors) {
            let Ok(facts) = fs::symlink_metadata(path) else {
                continue;
            };
            let ours = path == dir
                || real
                    .as_deref()
                    .is_ok_and(|real| path == real && there == dir);
            // In a user namespace the system's own folders belong to nobody.
            let system = facts.uid() == 0 || facts.uid() == NOBODY && in_namespace();
            let trusted = facts.uid() == user || system;
            if !trusted || ours && facts.uid() != user {
                let hint = "set XDG_STATE_HOME, XDG_CACHE_HOME, XDG_DATA_HOME and XDG_CONFIG_HOME \
                            (or HOME) to folders of your own";
                return refuse(path, "belongs to somebody else", hint.to_owned());
            }
            if !facts.is_symlink() && is_open(&facts, group, ours) {
                let hint = format!("chmod go-w '{}'", path.display());
                return refuse(path, "can be written by others", hint);
            }
        }
        Ok(())
    }

    /// Tells whether others may change the entries of a folder. A group of the user's own is nobody
    /// else.
    fn is_open(facts: &Metadata, group: u32, ours: bool) -> bool {
        let mode = facts.mode();
        let sticky = mode & STICKY != 0 && !ours;
        let by_group = mode & GROUP != 0 && facts.gid() != group && facts.gid() != 0;
        (mode & OTHERS != 0 || by_group) && !sticky
    }

    /// Returns the numbers of the user and the group of this process.
    #[cfg(target_os = "linux")]
    fn ids() -> (u32, u32) {
        (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        )
    }

    /// Returns the numbers of the user and the group of this process, by a file of ours: to ask the
    /// system for them takes unsafe code here.
    #[cfg(not(target_os = "linux"))]
    fn ids() -> (u32, u32) {
        let ours = tempfile::tempfile().and_then(|file| file.metadata());
        // Where no file can be made, nobody but root is trusted.
        ours.map_or((0, 0), |facts| (facts.uid(), facts.gid()))
    }
}

#[cfg(not(unix))]
mod owner {
    use std::path::Path;

    use crate::base::Result;

    #[expect(clippy::unnecessary_wraps, reason = "elsewhere there are owners")]
    pub(super) fn check(_: &Path) -> Result<()> {
        Ok(())
    }
}

/// Makes a folder that only this user may look into (0700), with those above it.
///
/// # Errors
/// Of kind environment, where it cannot be made, or is another user's or open to one.
pub fn private_dir(dir: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(dir)
        .map_err(|e| io_failure(format!("cannot make the folder {}", dir.display()), &e))?;
    // Somebody may have made it first.
    owner::check(dir)
}

/// Takes the lock of a file, waiting as long as `patience`; none if another process keeps the lock.
/// The lock is let go when the file is closed, also by a process that dies.
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
    fn folders_that_others_can_write_are_not_believed() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().canonicalize().expect("there");
        let made = |name: &str, mode: u32| {
            let path = root.join(name);
            fs::create_dir_all(&path).expect("made");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
            path
        };
        made("good", 0o755);
        made("open", 0o777);
        made("sticky", 0o1777);
        made("sticky/homebody", 0o700);
        made("bad", 0o755);
        made("bad/homebody", 0o1777);
        symlink(root.join("open"), root.join("good/link")).expect("linked");
        for (name, believed) in [
            ("good/homebody", true),
            ("sticky/homebody", true),
            ("sticky/other/homebody", true),
            ("open/homebody", false),
            ("bad/homebody", false),
            ("good/link/homebody", false),
        ] {
            let outcome = owner::check(&root.join(name));
            assert_eq!(outcome.is_ok(), believed, "{name}: {outcome:?}");
        }
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
