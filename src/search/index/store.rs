//! The index on disk: `tantivy/` with the pieces, and `files-N.json` with what is known of
//! each file.
//!
//! A commit of tantivy's names its `N`, so both change in one step: whoever is killed leaves
//! the last good pair. Readers take no lock; whoever writes holds `lock`, which the system
//! gives back should the writer die.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tantivy::directory::MmapDirectory;
use tantivy::{ReloadPolicy, Searcher, TantivyError};

use super::checked;
use super::snapshot::{Fields, FileRecord, failed, register, schema};
use super::{Index, Stats};
use crate::base::failure::io_failure;
use crate::base::places::{self, private_dir};
use crate::base::{Cancel, Failure, RepoPath, Result};
use crate::repo::Skipped;

/// The form of what is on disk; another number is built anew.
pub(super) const FORMAT: u32 = 10;
/// Longest wait for another process that writes the same index.
const LOCK_WAIT: Duration = Duration::from_secs(20);
/// Cause of the failure that says that an index is in another form.
const OLD: &str = "it was written by another version";

/// The list of files of an index: what is known of each.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// Form of the index, [`FORMAT`].
    pub format: u32,
    /// Record of each file.
    pub files: BTreeMap<RepoPath, FileRecord>,
    /// Files that the walk left out.
    pub skipped: Skipped,
    /// The commit whose past was looked at.
    pub head: Option<String>,
}

impl Manifest {
    /// Number of documents of all files.
    fn pieces(&self) -> u64 {
        let pieces = self.files.values().map(|record| u64::from(record.pieces));
        pieces.sum()
    }

    /// Makes a list without files, in today's form.
    pub(super) fn new(skipped: Skipped, head: Option<String>) -> Self {
        Self {
            format: FORMAT,
            skipped,
            head,
            files: BTreeMap::new(),
        }
    }
}

/// An index as it was opened.
pub(super) struct OpenedIndex {
    pub index: tantivy::Index,
    pub fields: Fields,
    pub manifest: Manifest,
    searcher: Searcher,
    /// True if the pieces and the list were ever committed.
    committed: bool,
}

impl OpenedIndex {
    fn new(
        index: tantivy::Index,
        fields: Fields,
        manifest: Manifest,
        committed: bool,
    ) -> Result<Self> {
        let searcher = searcher(&index)?;
        Ok(Self {
            index,
            fields,
            manifest,
            searcher,
            committed,
        })
    }

    /// Makes an index that is on no disk.
    pub(super) fn in_memory(index: tantivy::Index, fields: Fields) -> Result<Self> {
        Self::new(index, fields, Manifest::default(), false)
    }

    /// True if the index was ever written.
    pub(super) const fn is_committed(&self) -> bool {
        self.committed
    }

    /// Keeps the pieces, and takes over a newer list of the same files.
    pub(super) fn with(self, manifest: Manifest) -> Self {
        Self { manifest, ..self }
    }

    /// Opens what was just committed to disk, with its list.
    pub(super) fn committed(self, dir: &Path, manifest: Manifest) -> Result<Self> {
        checked::verify(dir, &self.index, manifest.pieces())?;
        self.reloaded(manifest)
    }

    /// Opens what was just committed, on disk or not, with its list.
    pub(super) fn reloaded(self, manifest: Manifest) -> Result<Self> {
        Self::new(self.index, self.fields, manifest, true)
    }

    /// Makes the snapshot that is handed out.
    pub(super) fn into_index(self, dir: &Path, note: Option<String>) -> Index {
        let disk_bytes = size_of(dir);
        self.finished(disk_bytes, note)
    }

    /// Makes the snapshot of an index that is on no disk.
    pub(super) fn into_memory_index(self, note: String) -> Index {
        self.finished(0, Some(note))
    }

    fn finished(self, disk_bytes: u64, note: Option<String>) -> Index {
        let mut stats = Stats {
            skipped: self.manifest.skipped,
            disk_bytes,
            note,
            ..Stats::default()
        };
        let mut languages: BTreeMap<&str, usize> = BTreeMap::new();
        for record in self.manifest.files.values() {
            if record.is_indexed() {
                stats.files += 1;
                stats.symbols += record.symbols as usize;
                stats.source_bytes += record.stamp.bytes();
                *languages.entry(&record.language).or_default() += 1;
            } else {
                stats.skipped.binary += 1;
            }
        }
        let mut languages: Vec<(String, usize)> = languages
            .into_iter()
            .map(|(name, n)| (name.to_owned(), n))
            .collect();
        languages.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        stats.languages = languages;
        Index {
            files: self.manifest.files,
            stats,
            searcher: Some((self.searcher, self.fields)),
            table: std::sync::OnceLock::new(),
            meaning: None,
        }
    }
}

fn searcher(index: &tantivy::Index) -> Result<Searcher> {
    let reader = index
        .reader_builder()
        .reload_policy(ReloadPolicy::Manual)
        .try_into()
        .map_err(|e: TantivyError| damaged(&e))?;
    Ok(reader.searcher())
}

/// Folder of tantivy's files in the folder of an index.
pub(super) fn pieces_dir(dir: &Path) -> PathBuf {
    dir.join("tantivy")
}

fn damaged(error: &TantivyError) -> Failure {
    failed("the index was damaged", error)
}

/// True if a failure says that the index is in order, but of another version.
pub(super) fn is_old(failure: &Failure) -> bool {
    failure.causes().iter().any(|cause| cause == OLD)
}

/// True if there is something to open, good or not.
pub(super) fn is_there(dir: &Path) -> bool {
    pieces_dir(dir).join("meta.json").exists()
}

/// Opens what is there; none before the first commit.
///
/// # Errors
/// If it is damaged or of another version.
pub(super) fn load(dir: &Path) -> Result<Option<OpenedIndex>> {
    let folder = pieces_dir(dir);
    if !is_there(dir) {
        return Ok(None);
    }
    // A commit between our looks would pair one list with other pieces; then look again.
    let mut last = None;
    for _ in 0..5 {
        let (index, fields) = open_pieces(&folder)?;
        let Some(number) = list_number(&index)? else {
            return Ok(None);
        };
        let pair = read_list(dir, number).and_then(|list| {
            checked::verify(dir, &index, list.pieces())?;
            OpenedIndex::new(index, fields, list, true)
        });
        match pair {
            Ok(kept) if list_number(&kept.index)? == Some(number) => return Ok(Some(kept)),
            Ok(_) => {}
            Err(failure) if list_number_of(&folder).is_ok_and(|now| now != Some(number)) => {
                last = Some(failure);
            }
            Err(failure) => return Err(failure),
        }
    }
    Err(last.unwrap_or_else(|| Failure::environment("the index changes all the time")))
}

/// Makes an empty index. Nothing stands there until the first commit.
pub(super) fn create(dir: &Path) -> Result<OpenedIndex> {
    let folder = pieces_dir(dir);
    private_dir(&folder)?;
    let (index, fields) = open_pieces(&folder)?;
    OpenedIndex::new(index, fields, Manifest::default(), false)
}

/// Removes a damaged index.
pub(super) fn clear(dir: &Path) -> Result<()> {
    let folder = pieces_dir(dir);
    match fs::remove_dir_all(&folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(io_failure(format!("cannot clear {}", folder.display()), &e))
        }
        _ => Ok(()),
    }
}

/// Waits for the right to write; none if another process keeps it.
pub(super) fn lock(dir: &Path, cancel: &Cancel) -> Result<Option<File>> {
    places::lock(&dir.join("lock"), LOCK_WAIT, cancel)
}

fn open_pieces(folder: &Path) -> Result<(tantivy::Index, Fields)> {
    let (schema, fields) = schema();
    let directory = MmapDirectory::open(folder).map_err(|e| damaged(&e.into()))?;
    let index = tantivy::Index::open_or_create(directory, schema).map_err(|e| match e {
        TantivyError::SchemaError(_) => Failure::environment("the index is old").because(OLD),
        e => damaged(&e),
    })?;
    register(&index);
    Ok((index, fields))
}

/// The number of the list that belongs to the last commit; none before the first.
fn list_number(index: &tantivy::Index) -> Result<Option<u64>> {
    let metas = index.load_metas().map_err(|e| damaged(&e))?;
    // Our commits have a number; what has none is no commit of ours.
    Ok(metas.payload.and_then(|text| text.parse().ok()))
}

fn list_number_of(folder: &Path) -> Result<Option<u64>> {
    list_number(&open_pieces(folder)?.0)
}

fn list_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("files-{number}.json"))
}

fn read_list(dir: &Path, number: u64) -> Result<Manifest> {
    let damaged = || Failure::environment("the index was damaged");
    let file = list_path(dir, number);
    // The form comes first: a list of another version may have other fields, or no checksum.
    let old = |bytes: &[u8]| {
        serde_json::from_slice::<FormatMark>(bytes).is_ok_and(|form| form.format != FORMAT)
    };
    let bytes = checked::read(&file).map_err(|e| match fs::read(&file) {
        Ok(bytes) if old(&bytes) => Failure::environment("the index is old").because(OLD),
        _ => damaged().because(e),
    })?;
    if old(&bytes) {
        return Err(Failure::environment("the index is old").because(OLD));
    }
    serde_json::from_slice(&bytes).map_err(|e| damaged().because(e))
}

/// The one field that lists of all versions have.
#[derive(Deserialize)]
struct FormatMark {
    format: u32,
}

/// Writes a list under a new number, which counts once a commit names it.
pub(super) fn write_list(dir: &Path, manifest: &Manifest) -> Result<u64> {
    // The first list is number 1.
    let number = list_numbers(dir).into_iter().max().unwrap_or(0) + 1;
    let json = serde_json::to_vec(manifest)
        .map_err(|e| Failure::bug("the list of files cannot be written").because(e))?;
    checked::write(&list_path(dir, number), json)?;
    Ok(number)
}

/// Numbers of all lists in a folder, among the other files that stand there.
fn list_numbers(dir: &Path) -> Vec<u64> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.strip_prefix("files-")?
                .strip_suffix(".json")?
                .parse()
                .ok()
        })
        .collect()
}

/// After a commit: takes away older lists, but for the one just before, which a reader may be
/// about to open, and keeps all files to this user.
pub(super) fn tidy(dir: &Path, number: u64) {
    let mut old: Vec<u64> = list_numbers(dir)
        .into_iter()
        .filter(|n| *n < number)
        .collect();
    old.sort_unstable();
    old.pop();
    for number in old {
        // What cannot be removed now is removed next time.
        let _ = fs::remove_file(list_path(dir, number));
    }
    #[cfg(unix)]
    for entry in fs::read_dir(pieces_dir(dir))
        .into_iter()
        .flatten()
        .flatten()
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The folder is closed to others in any case.
        let _ = fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o600));
    }
}

/// Bytes of a folder's files, one level of folders deep. Files that are gone again, or that cannot
/// be looked at, count nothing.
fn size_of(dir: &Path) -> u64 {
    let list = |dir: &Path| fs::read_dir(dir).into_iter().flatten().flatten();
    let mut sum = 0;
    for entry in list(dir) {
        if entry.path().is_dir() {
            let inner = list(&entry.path())
                .filter_map(|e| e.metadata().ok())
                .map(|m| m.len());
            sum += inner.sum::<u64>();
        } else {
            sum += entry.metadata().map_or(0, |m| m.len());
        }
    }
    sum
}
