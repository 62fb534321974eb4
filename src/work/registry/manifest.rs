//! The manifest of models on disk (`models.json`): read, changed under a lock, never lost.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::catalog::good_name;
use crate::base::failure::io_failure;
use crate::base::places::{private_dir, write_private};
use crate::base::shard_names::{ShardName, files_of};
use crate::base::{Failure, Result};

const FILE: &str = "models.json";
const LOCK: &str = ".models.lock";
const VERSION: u32 = 1;

/// The contents of `models.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Manifest {
    version: u32,
    #[serde(default)]
    pub(super) chosen: Option<String>,
    #[serde(default)]
    pub(super) models: Vec<ManifestEntry>,
}

/// One model of the manifest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ManifestEntry {
    pub(super) name: String,
    /// Path of the GGUF file; relative to the folder where homebody put it there, so that the
    /// folder can be moved.
    pub(super) file: PathBuf,
    pub(super) bytes: u64,
    #[serde(default)]
    pub(super) sha256: Option<String>,
    #[serde(default)]
    pub(super) owned: bool,
}

/// A manifest as it was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) manifest: Manifest,
    /// True if the file is broken, and the manifest a new one.
    broken: bool,
}

impl Default for Manifest {
    fn default() -> Self {
        Self {
            version: VERSION,
            chosen: None,
            models: Vec::new(),
        }
    }
}

/// Reads the manifest. One that is broken is made again from the files in the folder; the
/// broken one is set aside at the next change.
///
/// # Errors
/// Of kind environment, if the file cannot be read or a newer homebody has written it.
pub(super) fn read(dir: &Path) -> Result<Read> {
    let file = dir.join(FILE);
    let text = match fs::read(&file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Read {
                manifest: Manifest::default(),
                broken: false,
            });
        }
        Err(e) => return Err(io_failure(format!("cannot read {}", file.display()), &e)),
    };
    match serde_json::from_slice::<Manifest>(&text) {
        Ok(manifest) if manifest.version > VERSION => Err(Failure::environment(format!(
            "{} was written by a newer homebody",
            file.display()
        ))
        .hint("use that one, or move the file away: models in the folder are found again")),
        Ok(mut manifest) => {
            // Names become file names: what no homebody has written is not believed.
            manifest.models.retain(|entry| good_name(&entry.name));
            Ok(Read {
                manifest,
                broken: false,
            })
        }
        Err(e) => {
            log::warn!(
                "{} is broken ({e}); the models in the folder are found again",
                file.display()
            );
            Ok(Read {
                manifest: Manifest::default(),
                broken: true,
            })
        }
    }
}

/// The GGUF files in the folder that do not stand in the manifest; the parts of a split model
/// are one.
pub(super) fn strays(dir: &Path, manifest: &Manifest) -> Vec<ManifestEntry> {
    // The folder is made when the first model is fetched. A file that goes meanwhile is none.
    let Ok(listing) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut found: Vec<ManifestEntry> = listing
        .filter_map(std::result::Result::ok)
        .filter_map(|item| {
            let file = PathBuf::from(item.file_name());
            let name = match ShardName::of(&file) {
                Some(part) if part.number > 1 => return None,
                Some(part) if part.count > 1 => part.stem,
                _ => file.file_stem()?.to_str()?.to_owned(),
            };
            let about = item.metadata().ok()?;
            // A part that is not there is missed when the model is looked at.
            let bytes = files_of(&dir.join(&file))
                .iter()
                .filter_map(|part| fs::metadata(part).ok())
                .map(|about| about.len())
                .sum();
            let fits = file.extension().is_some_and(|e| e == "gguf")
                && good_name(&name)
                && about.is_file()
                && !manifest.knows(&file)
                && manifest.models.iter().all(|entry| entry.name != name);
            fits.then_some(ManifestEntry {
                name,
                file,
                bytes,
                sha256: None,
                owned: true,
            })
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// Changes the manifest, one process at a time, whole or not at all.
pub(super) fn change<T>(dir: &Path, with: impl FnOnce(&mut Manifest) -> Result<T>) -> Result<T> {
    private_dir(dir)?;
    let lock = lock_file(&dir.join(LOCK))?;
    lock.lock()
        .map_err(|e| io_failure(format!("cannot lock the models in {}", dir.display()), &e))?;
    let Read {
        mut manifest,
        broken,
    } = read(dir)?;
    if broken {
        set_aside(dir)?;
        manifest.models = strays(dir, &manifest);
    }
    let result = with(&mut manifest)?;
    manifest.models.sort_by(|a, b| a.name.cmp(&b.name));
    let mut text = serde_json::to_vec_pretty(&manifest)
        .map_err(|e| Failure::bug("the manifest of models cannot be written").caused_by(&e))?;
    text.push(b'\n');
    write_private(&dir.join(FILE), &text)?;
    Ok(result)
}

/// Opens a file that exists only to be locked.
pub(super) fn lock_file(path: &Path) -> Result<File> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map_err(|e| io_failure(format!("cannot open {}", path.display()), &e))
}

fn set_aside(dir: &Path) -> Result<()> {
    let broken = (0..1000)
        .map(|n| match n {
            0 => dir.join("models.json.broken"),
            n => dir.join(format!("models.json.broken-{n}")),
        })
        .find(|path| !path.exists())
        .ok_or_else(|| {
            Failure::environment(format!("{} is full of broken registers", dir.display()))
                .hint("look at the files models.json.broken… and delete them")
        })?;
    fs::rename(dir.join(FILE), &broken)
        .map_err(|e| io_failure(format!("cannot rename to {}", broken.display()), &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_register_is_kept_and_made_again() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("a.gguf"), "GGUF").expect("written");
        fs::write(dir.path().join(FILE), "{\"version\": 1, \"mod").expect("written");
        assert!(read(dir.path()).expect("reads").broken);
        change(dir.path(), |manifest| {
            assert_eq!(manifest.models.len(), 1);
            manifest.chosen = Some("a".to_owned());
            Ok(())
        })
        .expect("changed");
        let kept = fs::read_to_string(dir.path().join("models.json.broken")).expect("kept");
        assert!(kept.ends_with("\"mod"));
        let again = read(dir.path()).expect("reads");
        assert!(!again.broken);
        assert_eq!(again.manifest.chosen.as_deref(), Some("a"));
        assert_eq!(again.manifest.models.len(), 1);
    }

    #[test]
    fn a_newer_register_is_left_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let text = "{\"version\": 99, \"models\": []}";
        fs::write(dir.path().join(FILE), text).expect("written");
        assert!(change(dir.path(), |_| Ok(())).is_err());
        let still = fs::read_to_string(dir.path().join(FILE)).expect("there");
        assert_eq!(still, text);
    }

    #[test]
    fn a_change_that_fails_changes_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        change(dir.path(), |r| {
            r.chosen = Some("a".to_owned());
            Ok(())
        })
        .expect("changed");
        let failed: Result<()> = change(dir.path(), |r| {
            r.chosen = None;
            Err(Failure::usage("no"))
        });
        assert!(failed.is_err());
        let manifest = read(dir.path()).expect("reads").manifest;
        assert_eq!(manifest.chosen.as_deref(), Some("a"));
    }

    #[test]
    fn many_writers_lose_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        std::thread::scope(|scope| {
            for n in 0..8 {
                let dir = dir.path();
                scope.spawn(move || {
                    change(dir, |manifest| {
                        manifest.models.push(ManifestEntry {
                            name: format!("m{n}"),
                            file: "/x".into(),
                            bytes: 1,
                            sha256: None,
                            owned: false,
                        });
                        Ok(())
                    })
                    .expect("changed");
                });
            }
        });
        assert_eq!(read(dir.path()).expect("reads").manifest.models.len(), 8);
    }

    #[cfg(unix)]
    #[test]
    fn the_register_is_for_this_user_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a folder");
        change(dir.path(), |_| Ok(())).expect("written");
        let mode = fs::metadata(dir.path().join(FILE))
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
