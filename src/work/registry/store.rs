//! The models that are on this machine: files in the data folder, and files added by path.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::catalog::{NAME_RULE, good_name, nearest};
use super::checksum;
use super::manifest::{self, Manifest, ManifestEntry};
use super::progress::{Meter, Progress};
use crate::base::failure::io_failure;
use crate::base::places::private_dir;
use crate::base::shard_names::{ShardName, files_of, listed};
use crate::base::text::human_bytes;
use crate::base::{Cancel, Failure, Result};

/// A model that is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// The name that the user types.
    pub name: String,
    /// Path of the GGUF file; of a model that is split over several, of the first.
    pub path: PathBuf,
    /// Size in bytes when the model was installed, of all parts together.
    pub bytes: u64,
    /// SHA-256 in hex when the model was installed, of all parts one after another; none where
    /// nobody has computed it yet.
    pub sha256: Option<String>,
    /// True if homebody put the file there (and may remove it).
    pub owned: bool,
}

impl Installed {
    /// Paths of the files: one, or all parts of a split model.
    pub fn files(&self) -> Vec<PathBuf> {
        files_of(&self.path)
    }
}

/// The outcome of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The model, with its checksum.
    pub model: Installed,
    /// True if there was no checksum to compare with: the one found now is recorded for next time.
    pub first_time: bool,
}

/// The folder of models and its manifest (`models.json`).
#[derive(Debug, Clone)]
pub struct Store {
    /// Path of the folder.
    pub dir: PathBuf,
}

impl Store {
    /// The store in a folder, which need not be there yet.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The models that are here, by name; a file that has gone is left out. GGUF files that
    /// lie in the folder without standing in the manifest are models by their names.
    pub fn installed(&self) -> Result<Vec<Installed>> {
        let manifest = manifest::read(&self.dir)?.manifest;
        let mut models: Vec<Installed> = manifest
            .models
            .iter()
            .map(|entry| self.model(entry))
            .collect();
        for entry in manifest::strays(&self.dir, &manifest) {
            models.push(self.model(&entry));
        }
        models.retain(|model| model.path.is_file());
        models.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(models)
    }

    /// The installed model of that name.
    pub fn get(&self, name: &str) -> Result<Option<Installed>> {
        Ok(self.installed()?.into_iter().find(|m| m.name == name))
    }

    /// The installed model of that name, or a failure that names the nearest.
    pub fn find(&self, name: &str) -> Result<Installed> {
        let here = self.installed()?;
        if let Some(model) = here.iter().find(|m| m.name == name) {
            return Ok(model.clone());
        }
        let failure = Failure::usage(format!("no model `{name}` is installed"));
        Err(match nearest(name, here.iter().map(|m| m.name.as_str())) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint(format!(
                "`homebody models pull {name}` fetches it, if the catalog has it"
            )),
        })
    }

    /// The name chosen with `models use`, where one was.
    pub fn chosen(&self) -> Result<Option<String>> {
        Ok(manifest::read(&self.dir)?.manifest.chosen)
    }

    /// Remembers the model to use from now on, which must be installed.
    pub fn choose(&self, name: &str) -> Result<()> {
        self.find(name)?;
        manifest::change(&self.dir, |manifest| {
            manifest.chosen = Some(name.to_owned());
            Ok(())
        })
    }

    /// Checks that a model could be called `name`.
    ///
    /// # Errors
    /// Of kind usage, with the rule for names.
    pub fn check_name(name: &str) -> Result<()> {
        if good_name(name) {
            Ok(())
        } else {
            Err(Failure::usage(format!("`{name}` cannot be a model's name")).because(NAME_RULE))
        }
    }

    /// Registers a GGUF file where it lies; of a split model, all parts, whichever is given.
    ///
    /// # Errors
    /// Of kind usage for a name that cannot be or is taken, of kind input for a file that is
    /// no GGUF or a part whose siblings are missing.
    pub fn add(&self, name: &str, file: &Path) -> Result<Installed> {
        Self::check_name(name)?;
        let path = settled(file)?;
        let files = files_of(&path);
        for file in &files {
            check_magic(file)?;
        }
        let bytes = sizes_of(&files)?;
        let taken = self.get(name)?;
        // Where the file of that name has gone it has no real path, and is another one.
        if let Some(taken) = &taken
            && taken.path != path
            && fs::canonicalize(&taken.path).ok().as_ref() != Some(&path)
        {
            return Err(Failure::usage(format!(
                "there is a model `{name}` already, {}",
                taken.path.display()
            ))
            .hint(format!(
                "give this one another name, or `homebody models remove {name}` first"
            )));
        }
        if let Some(taken) = taken
            && taken.bytes == bytes
        {
            return Ok(taken);
        }
        let installed = Installed {
            name: name.to_owned(),
            owned: false,
            path,
            bytes,
            sha256: None,
        };
        self.record(&installed)?;
        Ok(installed)
    }

    /// Forgets a model, and deletes its file if homebody put it there.
    pub fn remove(&self, name: &str) -> Result<Installed> {
        let model = self.find(name)?;
        manifest::change(&self.dir, |manifest| {
            // The file first: were it the other way round and failed, a stray would be left.
            for file in model.files().iter().filter(|_| model.owned) {
                if let Err(e) = fs::remove_file(file)
                    && e.kind() != std::io::ErrorKind::NotFound
                {
                    return Err(io_failure(format!("cannot delete {}", file.display()), &e));
                }
            }
            manifest.models.retain(|entry| entry.name != name);
            if manifest.chosen.as_deref() == Some(name) {
                manifest.chosen = None;
            }
            Ok(())
        })?;
        Ok(model)
    }

    /// Reads the whole file, or all parts, and compares size and checksum with what was recorded.
    ///
    /// # Errors
    /// Of kind input, if the file is no longer what was installed; of kind interrupted.
    pub fn verify(
        &self,
        name: &str,
        cancel: &Cancel,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Verified> {
        let mut model = self.find(name)?;
        let again = if model.owned {
            format!("`homebody models remove {name}`, then `homebody models pull {name}`")
        } else {
            format!("`homebody models remove {name}`, then add the file as it is now")
        };
        let files = model.files();
        let missing = ShardName::of(&model.path).map_or_else(Vec::new, |part| part.missing());
        if !missing.is_empty() {
            return Err(Failure::input(format!("model `{name}` is damaged"))
                .because(format!("{} should lie beside the rest", listed(&missing)))
                .hint(again));
        }
        let bytes = sizes_of(&files)?;
        if bytes != model.bytes {
            return Err(Failure::input(format!("model `{name}` is damaged"))
                .because(format!(
                    "{} has {} where {} were installed",
                    model.path.display(),
                    human_bytes(bytes),
                    human_bytes(model.bytes)
                ))
                .hint(again));
        }
        for file in &files {
            check_magic(file)?;
        }
        let mut meter = Meter::new(progress);
        meter.stage("checking", 0, bytes);
        let found = checksum::of_files(&files, cancel, &mut meter)?;
        meter.settle();
        match &model.sha256 {
            Some(recorded) if *recorded != found => {
                Err(Failure::input(format!("model `{name}` is damaged"))
                    .because(format!(
                        "its SHA-256 is {found} where {recorded} was installed"
                    ))
                    .hint(again))
            }
            Some(_) => Ok(Verified {
                model,
                first_time: false,
            }),
            None => {
                model.sha256 = Some(found);
                self.record(&model)?;
                Ok(Verified {
                    model,
                    first_time: true,
                })
            }
        }
    }

    /// Puts a model into the manifest, in the place of one of that name.
    pub(super) fn record(&self, model: &Installed) -> Result<()> {
        private_dir(&self.dir)?;
        let file = match model.path.strip_prefix(&self.dir) {
            Ok(inside) if model.owned => inside.to_owned(),
            _ => model.path.clone(),
        };
        manifest::change(&self.dir, |manifest| {
            manifest.models.retain(|entry| entry.name != model.name);
            manifest.models.push(ManifestEntry {
                name: model.name.clone(),
                file,
                bytes: model.bytes,
                sha256: model.sha256.clone(),
                owned: model.owned,
            });
            Ok(())
        })
    }

    /// The path at which homebody puts a model of that name.
    pub(super) fn place_of(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.gguf"))
    }

    fn model(&self, entry: &ManifestEntry) -> Installed {
        Installed {
            name: entry.name.clone(),
            path: self.dir.join(&entry.file),
            bytes: entry.bytes,
            sha256: entry.sha256.clone(),
            owned: entry.owned,
        }
    }
}

/// A name for a file that is added without one: the file's own, made simple; `model` where
/// nothing is left of that.
pub fn name_for(file: &Path) -> String {
    let stem = match ShardName::of(file) {
        Some(part) => part.stem,
        None => file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
    };
    let name: String = stem
        .to_lowercase()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
                c
            } else {
                '-'
            }
        })
        .take(64)
        .collect();
    let name = name.trim_matches(['-', '_', '.']);
    if name.is_empty() {
        "model".to_owned()
    } else {
        name.to_owned()
    }
}

/// The real path of a file, links followed. Of a split model: that of the first part's folder,
/// and the part's own name, since parts are found by their names, and the file that a link leads
/// to may have another.
pub fn settled(file: &Path) -> Result<PathBuf> {
    let failed = |e| io_failure(format!("cannot read {}", file.display()), &e);
    let Some(part) = ShardName::of(file).filter(|part| part.count > 1) else {
        return fs::canonicalize(file).map_err(failed);
    };
    fs::metadata(file).map_err(failed)?;
    let missing = part.missing();
    if !missing.is_empty() {
        return Err(Failure::input(format!(
            "{} is one of {} parts of a model, and {} missing",
            file.display(),
            part.count,
            match missing.len() {
                1 => "one is".to_owned(),
                n => format!("{n} are"),
            }
        ))
        .because(format!("{} should lie beside it", listed(&missing)))
        .hint(
            "fetch the others into the same folder; if the file is whole, give it another name",
        ));
    }
    let first = part.path(1);
    let (Some(folder), Some(name)) = (first.parent(), first.file_name()) else {
        return Err(Failure::bug("a part without a name"));
    };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    Ok(fs::canonicalize(folder).map_err(failed)?.join(name))
}

/// The size in bytes of some regular files together.
fn sizes_of(files: &[PathBuf]) -> Result<u64> {
    files
        .iter()
        .try_fold(0_u64, |sum, file| Ok(sum.saturating_add(size_of(file)?)))
}

/// The size in bytes of a regular file.
pub(super) fn size_of(path: &Path) -> Result<u64> {
    let failed = |e| io_failure(format!("cannot read {}", path.display()), &e);
    let about = fs::metadata(path).map_err(failed)?;
    if about.is_file() {
        Ok(about.len())
    } else {
        Err(Failure::input(format!("{} is no file", path.display())))
    }
}

/// Checks that the file begins as a GGUF does; the rest is the engine's to judge.
pub(super) fn check_magic(path: &Path) -> Result<()> {
    let failed = |e| io_failure(format!("cannot read {}", path.display()), &e);
    size_of(path)?;
    let mut start = Vec::new();
    File::open(path)
        .map_err(failed)?
        .take(4)
        .read_to_end(&mut start)
        .map_err(failed)?;
    if start == b"GGUF" {
        return Ok(());
    }
    let failure = Failure::input(format!("{} is no GGUF file", path.display()));
    Err(if start.is_empty() {
        failure.because("it is empty")
    } else {
        failure.because(format!(
            "it begins with `{}` where `GGUF` should stand",
            start.escape_ascii()
        ))
    })
}

impl Manifest {
    /// Tells whether a file of the folder stands in the manifest.
    pub(super) fn knows(&self, file: &Path) -> bool {
        self.models.iter().any(|entry| entry.file == file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{CancelSource, Kind};

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::new(dir.path().join("models"));
        (dir, store)
    }

    fn gguf(dir: &Path, name: &str) -> PathBuf {
        let file = dir.join(name);
        fs::write(&file, b"GGUF and so on").expect("written");
        file
    }

    #[test]
    fn an_empty_store_is_empty() {
        let (_dir, store) = store();
        assert_eq!(store.installed().expect("reads"), []);
        assert_eq!(store.chosen().expect("reads"), None);
        assert_eq!(store.find("x").expect_err("none").kind(), Kind::Usage);
    }

    #[test]
    fn added_files_are_known_chosen_and_never_deleted() {
        let (dir, store) = store();
        let file = gguf(dir.path(), "m.gguf");
        let added = store.add("mine", &file).expect("added");
        assert!(!added.owned && added.path.is_absolute());
        store.choose("mine").expect("chosen");
        assert_eq!(store.chosen().expect("reads").as_deref(), Some("mine"));
        assert_eq!(store.add("mine", &file).expect("again"), added);
        let other = gguf(dir.path(), "n.gguf");
        assert_eq!(
            store.add("mine", &other).expect_err("taken").kind(),
            Kind::Usage
        );
        store.remove("mine").expect("removed");
        assert!(file.exists());
        assert_eq!(store.chosen().expect("reads"), None);
        assert_eq!(store.installed().expect("reads"), []);
    }

    #[test]
    fn what_is_no_gguf_is_refused() {
        let (dir, store) = store();
        let file = dir.path().join("page.gguf");
        fs::write(&file, "<html>\u{1b}").expect("written");
        let failure = store.add("page", &file).expect_err("no GGUF");
        assert_eq!(failure.kind(), Kind::Input);
        assert!(failure.to_string().contains("<htm"), "{failure}");
        fs::write(&file, "").expect("written");
        assert!(store.add("page", &file).is_err());
        assert!(store.add("page", dir.path()).is_err());
        assert!(store.add("page", &dir.path().join("none")).is_err());
        let good = gguf(dir.path(), "m.gguf");
        assert_eq!(
            store.add("../up", &good).expect_err("name").kind(),
            Kind::Usage
        );
    }

    #[test]
    fn owned_files_move_with_their_folder_and_go_when_removed() {
        let (dir, store) = store();
        fs::create_dir_all(&store.dir).expect("made");
        let path = gguf(&store.dir, "tiny.gguf");
        let bytes = size_of(&path).expect("there");
        let model = Installed {
            name: "tiny".to_owned(),
            path,
            bytes,
            sha256: None,
            owned: true,
        };
        store.record(&model).expect("recorded");
        let moved = Store::new(dir.path().join("elsewhere"));
        fs::rename(&store.dir, &moved.dir).expect("moved");
        let found = moved.find("tiny").expect("there");
        assert_eq!(found.path, moved.dir.join("tiny.gguf"));
        moved.remove("tiny").expect("removed");
        assert!(!found.path.exists());
    }

    #[test]
    fn files_dropped_into_the_folder_are_models() {
        let (_dir, store) = store();
        fs::create_dir_all(&store.dir).expect("made");
        gguf(&store.dir, "starter.gguf");
        gguf(&store.dir, "half.gguf.part");
        let names: Vec<String> = store
            .installed()
            .expect("reads")
            .into_iter()
            .map(|m| m.name)
            .collect();
        assert_eq!(names, ["starter"]);
        store.choose("starter").expect("chosen");
    }

    #[test]
    fn verification_records_then_compares() {
        let (dir, store) = store();
        let file = gguf(dir.path(), "m.gguf");
        store.add("m", &file).expect("added");
        let mut quiet = |_: &Progress| {};
        let first = store
            .verify("m", &Cancel::never(), &mut quiet)
            .expect("verified");
        assert!(first.first_time && first.model.sha256.is_some());
        let second = store
            .verify("m", &Cancel::never(), &mut quiet)
            .expect("verified");
        assert!(!second.first_time);

        fs::write(&file, b"GGUF and so oN").expect("changed");
        let failure = store
            .verify("m", &Cancel::never(), &mut quiet)
            .expect_err("damaged");
        assert_eq!(failure.kind(), Kind::Input);
        assert!(failure.next_step().is_some());
        fs::write(&file, b"GGUF").expect("cut");
        assert!(store.verify("m", &Cancel::never(), &mut quiet).is_err());
    }

    #[test]
    fn verification_can_be_cancelled() {
        let (dir, store) = store();
        store.add("m", &gguf(dir.path(), "m.gguf")).expect("added");
        let source = CancelSource::new();
        let cancel = source.token();
        source.cancel();
        let failure = store
            .verify("m", &cancel, &mut |_| {})
            .expect_err("stopped");
        assert!(failure.is_interrupted());
    }

    #[test]
    fn a_file_that_has_gone_is_left_out_and_comes_back() {
        let (dir, store) = store();
        let file = gguf(dir.path(), "m.gguf");
        store.add("m", &file).expect("added");
        fs::remove_file(&file).expect("gone");
        assert_eq!(store.installed().expect("reads"), []);
        gguf(dir.path(), "m.gguf");
        assert_eq!(store.installed().expect("reads").len(), 1);
    }

    #[test]
    fn a_split_model_is_one_model() {
        let (dir, store) = store();
        let files: Vec<PathBuf> = (1..=3)
            .map(|n| gguf(dir.path(), &format!("big-{n:05}-of-00003.gguf")))
            .collect();
        let added = store.add("big", &files[1]).expect("added");
        assert_eq!(added.path, fs::canonicalize(&files[0]).expect("there"));
        assert_eq!(added.bytes, 3 * 14);
        assert_eq!(store.add("big", &files[2]).expect("again"), added);
        assert_eq!(name_for(&files[2]), "big");

        let mut quiet = |_: &Progress| {};
        let mut verify = || store.verify("big", &Cancel::never(), &mut quiet);
        assert!(verify().expect("verified").first_time);
        assert!(!verify().expect("verified").first_time);
        fs::write(&files[2], b"GGUF and so oN").expect("changed");
        assert_eq!(verify().expect_err("damaged").kind(), Kind::Input);
        fs::remove_file(&files[2]).expect("removed");
        assert_eq!(verify().expect_err("damaged").kind(), Kind::Input);
        let failure = store
            .add("other", &files[0])
            .expect_err("a part is missing");
        assert!(
            failure.to_string().contains("big-00003-of-00003.gguf"),
            "{failure}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn parts_behind_links_keep_their_names() {
        let (dir, store) = store();
        let folder = dir.path().join("links");
        fs::create_dir_all(&folder).expect("made");
        for n in 1..=2 {
            let blob = gguf(dir.path(), &format!("blob{n}"));
            let link = folder.join(format!("big-{n:05}-of-00002.gguf"));
            std::os::unix::fs::symlink(blob, link).expect("linked");
        }
        let given = folder.join("big-00002-of-00002.gguf");
        let added = store.add("big", &given).expect("added");
        assert!(added.path.ends_with("links/big-00001-of-00002.gguf"));
        assert_eq!(added.bytes, 2 * 14);
    }

    #[test]
    fn parts_dropped_into_the_folder_are_one_model_and_go_together() {
        let (_dir, store) = store();
        fs::create_dir_all(&store.dir).expect("made");
        let files: Vec<PathBuf> = (1..=2)
            .map(|n| gguf(&store.dir, &format!("big-{n:05}-of-00002.gguf")))
            .collect();
        let here = store.installed().expect("reads");
        assert_eq!(here.len(), 1, "{here:?}");
        assert_eq!((here[0].name.as_str(), here[0].bytes), ("big", 2 * 14));
        assert_eq!(here[0].files(), files);
        store.remove("big").expect("removed");
        assert!(files.iter().all(|file| !file.exists()));
    }

    #[test]
    fn names_are_made_of_files() {
        assert_eq!(
            name_for(Path::new("/x/My Model Q4_K_M.gguf")),
            "my-model-q4_k_m"
        );
        assert_eq!(name_for(Path::new("..gguf")), "model");
        assert!(good_name(&name_for(Path::new("--a.gguf"))));
    }
}
