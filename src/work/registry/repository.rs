//! Any GGUF repository of the hub: the list of its models, and fetching one of them by name.
//!
//! Only the command `models pull OWNER/REPO` comes here, in a process that opens no repository
//! of the user's: what the screen's puller fetches stands in a list that it read itself.

use std::path::Path;

use serde::Deserialize;
use ureq::http::Uri;

use super::address::escape;
use super::card::CardSampling;
use super::catalog::{EditForm, Source, is_sha256};
use super::endpoints::Route;
use super::hub::Remote;
use super::manifest::lock_file;
use super::network_errors::Next;
use super::progress::Meter;
use super::pull::{hold, pull_by};
use super::store::name_for;
use super::transfer;
use super::{Installed, Model, Progress, Store};
use crate::base::places::private_dir;
use crate::base::shard_names::ShardName;
use crate::base::text::{human_bytes, printable, truncated};
use crate::base::{Cancel, Failure, OrBug as _, Result};

/// Bytes of the longest page of a list of files that is believed.
const MOST_LISTING: usize = 16 << 20;
/// The most pages of a list that are followed.
const MOST_PAGES: usize = 50;
/// Bytes of memory that a model takes beside its weights, where only its size is known:
/// activations, the cache of a short conversation, the program.
const BESIDES: u64 = 500_000_000;

/// A repository of the hub, and the file of it that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The repository, `OWNER/REPO`.
    pub repo: String,
    /// A file, or a part of its name such as `Q4_K_M`.
    pub file: Option<String>,
}

impl Address {
    /// Reads `OWNER/REPO` or `OWNER/REPO:FILE`; none for what is no address, as a name of the
    /// catalog.
    pub fn read(text: &str) -> Option<Self> {
        let text = text
            .strip_prefix("https://huggingface.co/")
            .or_else(|| text.strip_prefix("hf.co/"))
            .unwrap_or(text);
        let (repo, file) = match text.split_once(':') {
            Some((repo, file)) => (repo, Some(file)),
            None => (text, None),
        };
        let (owner, name) = repo.split_once('/')?;
        let good = |part: &str| {
            !part.is_empty()
                && part.len() <= 96
                && !part.starts_with(['.', '-'])
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        };
        let file_is_good = file.is_none_or(|file| {
            !file.is_empty()
                && file.len() <= 300
                && !file.starts_with('/')
                && !file.split('/').any(|part| part == "..")
                && !file.contains(|c: char| c.is_control())
        });
        (good(owner) && good(name) && file_is_good).then(|| Self {
            repo: repo.to_owned(),
            file: file.map(str::to_owned),
        })
    }
}

/// A model of a repository: one file, or all parts of a split one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteModel {
    /// The repository.
    pub repo: String,
    /// The files in order, at least one.
    pub files: Vec<RemoteFile>,
}

/// A file of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// The path in the repository.
    pub path: String,
    /// The size in bytes.
    pub bytes: u64,
    /// The SHA-256 in hex, where the hub states it.
    pub sha256: Option<String>,
}

impl RemoteModel {
    /// The path of the first file.
    fn first(&self) -> &Path {
        let first = self.files.first().map(|file| file.path.as_str());
        Path::new(first.or_bug("a model of no files"))
    }

    /// The name to show: the file's, without folder, part number and ending.
    pub fn label(&self) -> String {
        match ShardName::of(self.first()) {
            Some(part) => part.stem,
            // A file of a model ends in `.gguf`, so that something stands before the ending.
            None => self
                .first()
                .file_stem()
                .or_bug("a model's file has no name")
                .to_string_lossy()
                .into_owned(),
        }
    }

    /// The name under which the model is installed.
    pub fn name(&self) -> String {
        name_for(self.first())
    }

    /// Bytes of all its files.
    pub fn bytes(&self) -> u64 {
        // The hub says the sizes, and may say anything.
        let sizes = self.files.iter().map(|file| file.bytes);
        sizes.fold(0, u64::saturating_add)
    }

    /// Bytes of memory that the model will take, about: only its header, which is not here, tells.
    pub fn memory_bytes(&self) -> u64 {
        self.bytes().saturating_add(BESIDES)
    }

    /// The download in words, for people.
    pub fn offer(&self) -> String {
        let parts = match self.files.len() {
            1 => String::new(),
            n => format!(" in {n} parts"),
        };
        format!(
            "{}, {}{parts} from Hugging Face, {}",
            self.label(),
            human_bytes(self.bytes()),
            self.repo
        )
    }

    /// The entry of a catalog that one of the files would have.
    fn entry(&self, name: &str, file: &RemoteFile) -> Model {
        Model {
            name: name.to_owned(),
            about: self.label(),
            source: Source::Hub {
                repo: self.repo.clone(),
                file: file.path.clone(),
            },
            bytes: file.bytes,
            download_bytes: file.bytes,
            sha256: file.sha256.clone(),
            license: String::new(),
            architecture: String::new(),
            context: 0,
            state_bytes_per_token: 0,
            weight_bytes: file.bytes,
            other_bytes: BESIDES,
            rank: 0,
            sampling: CardSampling::default(),
            thinking: CardSampling::default(),
            thinking_limit: None,
            edits: EditForm::default(),
            runs: true,
            embeds: false,
        }
    }
}

/// One entry of the hub's listing of a repository.
#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "type")]
    kind: String,
    path: String,
    #[serde(default)]
    size: u64,
    /// The pointer to a large file; a small one lies in git itself.
    lfs: Option<Lfs>,
}

/// The pointer to a large file, by Git LFS: its SHA-256 and its bytes.
#[derive(Deserialize)]
struct Lfs {
    oid: String,
    size: u64,
}

/// The models of a repository, the smallest first: its GGUF files but for the eyes of vision
/// models and drafting heads, which are no models by themselves.
///
/// # Errors
/// Of kind environment, where the hub cannot be reached, refuses, or says what is no list; of
/// kind usage, where there is no such repository or no GGUF file in it.
pub fn models_of(
    route: &Route,
    repo: &str,
    cancel: &Cancel,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Vec<RemoteModel>> {
    let mut meter = Meter::new(progress);
    meter.stage("asking what there is", 0, 0);
    let files = listing(route, repo, cancel, &mut meter)?;
    let models = grouped(repo, files);
    if models.is_empty() {
        return Err(
            Failure::usage(format!("`{repo}` has no GGUF file that is a model")).hint(
                "conversions usually stand in a repository of their own, whose name ends in -GGUF",
            ),
        );
    }
    Ok(models)
}

fn listing(
    route: &Route,
    repo: &str,
    cancel: &Cancel,
    meter: &mut Meter<'_>,
) -> Result<Vec<Listed>> {
    let mut remote = Remote::api(
        route,
        repo,
        &format!("api/models/{}/tree/main?recursive=true", escape(repo)),
    )?;
    let mut all = Vec::new();
    for _ in 0..MOST_PAGES {
        let mut tries = 0;
        let (text, next) = loop {
            tries += 1;
            match remote.text(MOST_LISTING, cancel, meter)? {
                Ok(page) => break page,
                Err(trouble) if matches!(trouble.next, Next::Again(_)) && tries < 3 => {
                    std::thread::sleep(route.pause * tries);
                }
                Err(trouble) => return Err(trouble.failure),
            }
        };
        let page: Vec<Listed> = serde_json::from_str(&text).map_err(|e| {
            Failure::environment(format!("{} sent no list of files", remote.host()))
                .because(e)
                .hint("try again later, or another mirror with HF_ENDPOINT")
        })?;
        all.extend(page);
        match next {
            Some(next) => remote = remote.page(next),
            None => break,
        }
    }
    Ok(all)
}

/// The models among the files of a repository, the parts of a split one together.
fn grouped(repo: &str, files: Vec<Listed>) -> Vec<RemoteModel> {
    let mut models: Vec<RemoteModel> = Vec::new();
    let mut files: Vec<Listed> = files.into_iter().filter(is_model).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    for file in files {
        let lfs = file.lfs.as_ref();
        let remote = RemoteFile {
            bytes: lfs.map_or(file.size, |lfs| lfs.size),
            sha256: lfs
                .map(|lfs| lfs.oid.to_ascii_lowercase())
                .filter(|sum| is_sha256(sum)),
            path: file.path,
        };
        let part = ShardName::of(Path::new(&remote.path)).filter(|part| part.count > 1);
        let before = part.filter(|part| part.number > 1).and_then(|part| {
            let first = part.path(1).to_string_lossy().into_owned();
            models
                .iter_mut()
                .find(|model| model.files.first().is_some_and(|file| file.path == first))
        });
        match before {
            Some(model) => model.files.push(remote),
            None => models.push(RemoteModel {
                repo: repo.to_owned(),
                files: vec![remote],
            }),
        }
    }
    // Of a split model that is not whole nothing can be run.
    models.retain(|model| {
        let first = model.files.first();
        let parts = first.and_then(|file| ShardName::of(Path::new(&file.path)));
        parts.is_none_or(|part| part.count == model.files.len())
    });
    models.sort_by_key(|model| (model.bytes(), model.label()));
    models
}

fn is_model(file: &Listed) -> bool {
    let path = file.path.as_str();
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let name = name.to_lowercase();
    let aside = ["mmproj", "imatrix", "mtp-"];
    file.kind == "file"
        && name.ends_with(".gguf")
        && !aside.iter().any(|word| name.starts_with(word))
        && !path.to_lowercase().starts_with("mtp/")
}

/// The model that a file, or a part of its name, means.
///
/// # Errors
/// Of kind usage, naming the models that there are, where none or several are meant.
pub fn chosen<'m>(models: &'m [RemoteModel], wanted: &str) -> Result<&'m RemoteModel> {
    let exact = models.iter().find(|model| {
        let has =
            |file: &RemoteFile| file.path == wanted || file.path.ends_with(&format!("/{wanted}"));
        model.files.iter().any(has)
    });
    if let Some(model) = exact {
        return Ok(model);
    }
    let lower = wanted.to_lowercase();
    let labelled = |model: &&RemoteModel| {
        // `Q4_K_M` is no part of `UD-Q4_K_M`, which is another file.
        let label = model.label().to_lowercase();
        label == lower
            || label.ends_with(&format!("-{lower}")) && !label.ends_with(&format!("-ud-{lower}"))
            || label.ends_with(&format!(".{lower}"))
    };
    let found: Vec<&RemoteModel> = models.iter().filter(labelled).collect();
    match found.as_slice() {
        [one] => Ok(one),
        _ => {
            let names: Vec<String> = models.iter().map(RemoteModel::label).collect();
            let shown = printable(truncated(wanted, 100)).into_owned();
            Err(Failure::usage(if found.is_empty() {
                format!("there is no file `{shown}`")
            } else {
                format!("`{shown}` could be several files")
            })
            .hint(format!("there are {}", printable(&names.join(", ")))))
        }
    }
}

/// Fetches a model of a repository into the store: its one file, or all parts.
///
/// # Errors
/// As [`super::pull`].
pub fn pull_remote(
    route: &Route,
    model: &RemoteModel,
    store: &Store,
    cancel: &Cancel,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Installed> {
    let name = model.name();
    if let [file] = model.files.as_slice() {
        return pull_by(route, &model.entry(&name, file), store, cancel, progress);
    }
    cancel.check()?;
    private_dir(&store.dir)?;
    let lock = lock_file(&store.dir.join(format!(".{name}.lock")))?;
    let alone = hold(&lock, &name, store)?;
    if !alone && model.files.iter().any(|file| file.sha256.is_none()) {
        let why = "two at once would write the same parts, and the hub states no checksum of them";
        return Err(
            Failure::environment(format!("{} knows no locks", store.dir.display()))
                .because(why)
                .hint("set XDG_DATA_HOME to a folder on a local disk"),
        );
    }
    transfer::check_space(&store.dir, missing(model, store, &name))?;
    let mut first = None;
    for (i, file) in model.files.iter().enumerate() {
        let part = format!("{name}-{:05}-of-{:05}", i + 1, model.files.len());
        let target = store.dir.join(format!("{part}.gguf"));
        first.get_or_insert_with(|| target.clone());
        if std::fs::metadata(&target).is_ok_and(|about| about.len() == file.bytes) {
            continue;
        }
        let mut told = |one: &Progress| {
            progress(&Progress {
                stage: format!("{} part {} of {}", one.stage, i + 1, model.files.len()),
                ..one.clone()
            });
        };
        let mut meter = Meter::new(&mut told);
        let remote = Remote::new(route, &model.repo, &file.path)?;
        let upload = match remote.describe(cancel, &mut meter)? {
            Ok(upload) => upload,
            Err(trouble) => return Err(trouble.failure),
        };
        let entry = model.entry(&part, file);
        let fetched =
            transfer::fetch(route, &remote, &upload, &entry, &target, cancel, &mut meter)?;
        transfer::settle(&fetched.part, &target)?;
    }
    let installed = Installed {
        name,
        path: first.ok_or_else(|| Failure::bug("a model of no parts"))?,
        bytes: model.bytes(),
        // Each part was checked; the sum of all together is recorded by `models verify`.
        sha256: None,
        owned: true,
    };
    store.record(&installed)?;
    Ok(installed)
}

/// Bytes of the parts of a split model that are not here yet.
fn missing(model: &RemoteModel, store: &Store, name: &str) -> u64 {
    let parts = model.files.iter().enumerate().filter(|(i, file)| {
        let part = format!("{name}-{:05}-of-{:05}.gguf", i + 1, model.files.len());
        let here = std::fs::metadata(store.dir.join(part));
        !here.is_ok_and(|about| about.len() == file.bytes)
    });
    let sizes = parts.map(|(_, file)| file.bytes);
    sizes.fold(0, u64::saturating_add)
}

/// The address of the next page of a list, by the header `Link` (RFC 8288).
pub(super) fn next_page(link: &str, base: &Uri) -> Option<Uri> {
    let next = link.split(',').find(|part| part.contains("rel=\"next\""))?;
    let (_, rest) = next.split_once('<')?;
    let (to, _) = rest.split_once('>')?;
    super::address::joined(base, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_names() {
        let read = |text: &str| Address::read(text).map(|a| (a.repo, a.file));
        let some =
            |repo: &str, file: Option<&str>| Some((repo.to_owned(), file.map(str::to_owned)));
        assert_eq!(read("a/b"), some("a/b", None));
        assert_eq!(read("a/b:Q4_K_M"), some("a/b", Some("Q4_K_M")));
        assert_eq!(
            read("hf.co/a/b-1.5:x/y.gguf"),
            some("a/b-1.5", Some("x/y.gguf"))
        );
        assert_eq!(read("https://huggingface.co/a/b"), some("a/b", None));
        for text in [
            "starter",
            "a/b/c",
            "../b",
            "a/..",
            "/etc/passwd",
            "a/b:",
            "a/b:../x",
            "a/b:/x",
            "a b/c",
            "a/b?x",
            "a/b:x\ny",
            "-a/b",
            "https://evil.example/a/b",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    fn listed(path: &str, bytes: u64) -> Listed {
        Listed {
            kind: "file".to_owned(),
            path: path.to_owned(),
            size: 100,
            lfs: Some(Lfs {
                oid: "a".repeat(64),
                size: bytes,
            }),
        }
    }

    #[test]
    fn files_are_grouped_to_models() {
        let models = grouped(
            "o/r",
            vec![
                listed("README.md", 1),
                listed("mmproj-F16.gguf", 5),
                listed("MTP/mtp-M-Q4_0.gguf", 6),
                listed("M-UD-Q4_K_M.gguf", 41),
                listed("M-Q4_K_M.gguf", 40),
                listed("BF16/M-BF16-00002-of-00002.gguf", 60),
                listed("BF16/M-BF16-00001-of-00002.gguf", 50),
                listed("half-00001-of-00003.gguf", 1),
                Listed {
                    kind: "directory".to_owned(),
                    ..listed("x.gguf", 0)
                },
            ],
        );
        let seen: Vec<_> = models
            .iter()
            .map(|m| (m.label(), m.bytes(), m.files.len()))
            .collect();
        assert_eq!(
            seen,
            [
                ("M-Q4_K_M".to_owned(), 40, 1),
                ("M-UD-Q4_K_M".to_owned(), 41, 1),
                ("M-BF16".to_owned(), 110, 2),
            ]
        );
        let pick = |wanted: &str| chosen(&models, wanted).map(RemoteModel::label);
        assert_eq!(pick("Q4_K_M").as_deref(), Ok("M-Q4_K_M"));
        assert_eq!(pick("ud-q4_k_m").as_deref(), Ok("M-UD-Q4_K_M"));
        assert_eq!(pick("M-BF16-00002-of-00002.gguf").as_deref(), Ok("M-BF16"));
        assert_eq!(models[2].name(), "m-bf16");
        let failure = pick("Q8_0").expect_err("none");
        assert!(
            failure
                .next_step()
                .is_some_and(|hint| hint.contains("M-BF16"))
        );
    }

    #[test]
    fn the_next_page_is_on_the_same_server() {
        let base: Uri = "https://h.example/api?x=1".parse().expect("an address");
        let next = |link: &str| next_page(link, &base).map(|uri| uri.to_string());
        assert_eq!(
            next("<https://h.example/api?cursor=2>; rel=\"next\"").as_deref(),
            Some("https://h.example/api?cursor=2")
        );
        assert_eq!(
            next("</p>; rel=\"prev\", </n>; rel=\"next\"").as_deref(),
            Some("https://h.example/n")
        );
        assert_eq!(next("nonsense"), None);
    }
}
