//! Building and updating the index.
//!
//! On disk: `tantivy/` with the pieces, and `files-N.json` with what is known of each file.
//! A commit of tantivy's names its `N`, so both change in one step: whoever is killed leaves
//! the last good pair.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};
use tantivy::directory::MmapDirectory;
use tantivy::directory::error::LockError;
use tantivy::{IndexWriter, ReloadPolicy, TantivyDocument, TantivyError, Term};

use super::snapshot::{Fields, FileRecord, failed, register, schema};
use super::{Index, Stats, class, pieces, terms};
use crate::base::places::{private_dir, write_private};
use crate::base::text::truncated;
use crate::base::{Cancel, Failure, RepoPath, Result};
use crate::repo::{FileEntry, Repo, Skipped, WalkRules};

/// The form of what is on disk; another number is built anew.
const FORMAT: u32 = 1;
/// Bytes tantivy may gather before it writes a segment.
const WRITER_BYTES: usize = 60_000_000;
/// How long to wait for another process that writes the same index.
const LOCK_WAIT: Duration = Duration::from_secs(20);
/// A file changed this shortly before it was read may change again within one tick of the
/// file system's clock: its time proves nothing.
const RACY_NS: i128 = 2_000_000_000;
/// Bytes of a line that are indexed; see `terms`.
const SYMBOL_BYTES: usize = 2_000;

/// How far the indexer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Finding files; so many so far.
    Walking(usize),
    /// Reading and parsing what has changed.
    Reading {
        /// Files done.
        done: usize,
        /// Files to do.
        total: usize,
    },
    /// Writing to disk.
    Writing,
}

/// What is kept beside tantivy's own files.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    files: BTreeMap<RepoPath, FileRecord>,
    skipped: Skipped,
    source_bytes: u64,
}

/// Opens the index of `repo` kept under `dir` and brings it up to date; files whose size and
/// time, or whose blob id, are as before are not read (parsed) again. Without a writable
/// `dir` the index is built in memory. `rebuild` throws away what is there.
///
/// # Errors
/// Of kind interrupted when cancelled (the old snapshot stays); of kind environment when the
/// repository cannot be read.
pub fn build(
    repo: &Repo,
    dir: &Path,
    rules: &WalkRules,
    rebuild: bool,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Arc<Index>> {
    match on_disk(repo, dir, rules, rebuild, cancel, progress) {
        Err(failure) if !failure.is_interrupted() => {
            // Damaged, or left by another version: it can be made again.
            let again = if rebuild {
                Err(failure)
            } else {
                on_disk(repo, dir, rules, true, cancel, progress)
            };
            again.or_else(|failure| {
                if failure.is_interrupted() {
                    return Err(failure);
                }
                let note = format!("kept in memory only: {failure}");
                in_memory(repo, rules, note, cancel, progress)
            })
        }
        other => other,
    }
}

/// Opens the last snapshot as it is, if there is one, without looking at the files.
///
/// # Errors
/// Of kind environment, if it is damaged.
pub fn open(dir: &Path) -> Result<Option<Arc<Index>>> {
    let folder = dir.join("tantivy");
    if !folder.join("meta.json").exists() {
        return Ok(None);
    }
    let (index, fields) = open_tantivy(&folder)?;
    let manifest = load_manifest(dir, &index)?;
    Ok(Some(Arc::new(snapshot(
        &index,
        fields,
        manifest,
        Some(dir),
        None,
    )?)))
}

fn on_disk(
    repo: &Repo,
    dir: &Path,
    rules: &WalkRules,
    rebuild: bool,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Arc<Index>> {
    private_dir(dir)?;
    let folder = dir.join("tantivy");
    if rebuild && folder.exists() {
        fs::remove_dir_all(&folder).map_err(|e| {
            crate::base::failure::io_failure(format!("cannot clear {}", folder.display()), &e)
        })?;
    }
    private_dir(&folder)?;
    let (index, fields) = open_tantivy(&folder)?;
    let manifest = load_manifest(dir, &index)?;
    let walk = repo.walk_names(rules, cancel, &mut |n| progress(Progress::Walking(n)))?;
    let plan = Plan::new(&walk.files, manifest, walk.skipped);
    if plan.read.is_empty() && plan.gone.is_empty() && index_has_commit(&index) {
        return Ok(Arc::new(snapshot(
            &index,
            fields,
            plan.manifest,
            Some(dir),
            None,
        )?));
    }
    let Some(mut writer) = writer_of(&index, cancel)? else {
        let note = Some(
            "another homebody is indexing this repository; this is the index before".to_owned(),
        );
        return Ok(Arc::new(snapshot(
            &index,
            fields,
            plan.before,
            Some(dir),
            note,
        )?));
    };
    let manifest = work(repo, &writer, fields, plan, cancel, progress)?;
    progress(Progress::Writing);
    let number = next_number(dir);
    let json = serde_json::to_vec(&manifest)
        .map_err(|e| Failure::bug("the list of files cannot be written").because(e))?;
    write_private(&manifest_path(dir, number), &json)?;
    let cannot = |e: TantivyError| failed("the index cannot be written", &e);
    let mut commit = writer.prepare_commit().map_err(cannot)?;
    commit.set_payload(&number.to_string());
    commit.commit().map_err(cannot)?;
    clean_up(dir, number);
    let merged = writer.wait_merging_threads();
    let index = snapshot(&index, fields, manifest, Some(dir), None)?;
    merged.map_err(cannot)?;
    Ok(Arc::new(index))
}

fn in_memory(
    repo: &Repo,
    rules: &WalkRules,
    note: String,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Arc<Index>> {
    let (schema, fields) = schema();
    let index = tantivy::Index::create_in_ram(schema);
    register(&index);
    let walk = repo.walk_names(rules, cancel, &mut |n| progress(Progress::Walking(n)))?;
    let plan = Plan::new(&walk.files, Manifest::default(), walk.skipped);
    let cannot = |e: TantivyError| failed("the index cannot be built", &e);
    let mut writer = index
        .writer_with_num_threads(1, WRITER_BYTES)
        .map_err(cannot)?;
    let manifest = work(repo, &writer, fields, plan, cancel, progress)?;
    writer.commit().map_err(cannot)?;
    Ok(Arc::new(snapshot(
        &index,
        fields,
        manifest,
        None,
        Some(note),
    )?))
}

fn open_tantivy(folder: &Path) -> Result<(tantivy::Index, Fields)> {
    let cannot = |e: &TantivyError| failed("the index cannot be opened", e);
    let (schema, fields) = schema();
    let directory = MmapDirectory::open(folder).map_err(|e| cannot(&e.into()))?;
    let index = tantivy::Index::open_or_create(directory, schema).map_err(|e| cannot(&e))?;
    register(&index);
    Ok((index, fields))
}

fn index_has_commit(index: &tantivy::Index) -> bool {
    index
        .load_metas()
        .is_ok_and(|metas| metas.payload.is_some())
}

fn manifest_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("files-{number}.json"))
}

fn load_manifest(dir: &Path, index: &tantivy::Index) -> Result<Manifest> {
    let metas = index
        .load_metas()
        .map_err(|e| failed("the index cannot be read", &e))?;
    let Some(number) = metas.payload.and_then(|text| text.parse().ok()) else {
        return Ok(Manifest::default());
    };
    let damaged = || Failure::environment("the index is damaged");
    let bytes = fs::read(manifest_path(dir, number)).map_err(|e| damaged().because(e))?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|e| damaged().because(e))?;
    if manifest.format == FORMAT {
        Ok(manifest)
    } else {
        Err(damaged().because("it was written by another version"))
    }
}

fn next_number(dir: &Path) -> u64 {
    let numbers = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.strip_prefix("files-")?
                .strip_suffix(".json")?
                .parse::<u64>()
                .ok()
        });
    numbers.max().unwrap_or(0) + 1
}

/// Takes away the lists of files before this one; the one just before stays for readers that
/// have read the old commit and not yet its list.
fn clean_up(dir: &Path, number: u64) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let old = name
            .strip_prefix("files-")
            .and_then(|rest| rest.strip_suffix(".json"))
            .and_then(|n| n.parse::<u64>().ok())
            .is_some_and(|n| n + 1 < number);
        if old {
            // What cannot be removed now is removed next time.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The writer, once no other process has it; none if it does not come free.
fn writer_of(index: &tantivy::Index, cancel: &Cancel) -> Result<Option<IndexWriter>> {
    let begun = Instant::now();
    loop {
        match index.writer_with_num_threads(1, WRITER_BYTES) {
            Ok(writer) => return Ok(Some(writer)),
            Err(TantivyError::LockFailure(LockError::LockBusy, _)) => {
                cancel.check()?;
                if begun.elapsed() > LOCK_WAIT {
                    return Ok(None);
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(error) => return Err(failed("the index cannot be written", &error)),
        }
    }
}

/// What has to be done.
struct Plan {
    /// Files to be looked into, with what was known of them.
    read: Vec<(FileEntry, Option<FileRecord>)>,
    /// Files that are gone.
    gone: Vec<RepoPath>,
    /// What stays as it is.
    manifest: Manifest,
    /// What was known before.
    before: Manifest,
}

impl Plan {
    fn new(files: &[FileEntry], before: Manifest, skipped: Skipped) -> Self {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |d| d.as_nanos() as i128);
        let mut known = before.files.clone();
        let mut manifest = Manifest {
            format: FORMAT,
            skipped,
            ..Manifest::default()
        };
        let mut read = Vec::new();
        for entry in files {
            match known.remove(&entry.path) {
                Some(record)
                    if record.size == entry.size
                        && record.modified_ns == entry.modified_ns
                        && entry.modified_ns != 0
                        && now - entry.modified_ns > RACY_NS =>
                {
                    manifest.files.insert(entry.path.clone(), record);
                }
                record => read.push((entry.clone(), record)),
            }
        }
        Self {
            read,
            gone: known.into_keys().collect(),
            manifest,
            before,
        }
    }
}

/// What became of one file.
enum Done {
    Indexed(FileRecord),
    Unchanged(FileRecord),
    Binary(FileRecord),
    Unreadable(String),
}

/// Reads, parses and hands to the writer whatever the plan says, on all cores.
fn work(
    repo: &Repo,
    writer: &IndexWriter,
    fields: Fields,
    plan: Plan,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Manifest> {
    let Plan {
        read,
        gone,
        mut manifest,
        ..
    } = plan;
    for path in &gone {
        writer.delete_term(Term::from_field_text(fields.path, path.as_str()));
    }
    let total = read.len();
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(RepoPath, Result<Done>)>> = Mutex::new(Vec::with_capacity(total));
    let threads = std::thread::available_parallelism()
        .map_or(1, std::num::NonZero::get)
        .min(8);
    std::thread::scope(|scope| {
        let mut workers = Vec::new();
        for number in 0..threads.min(total) {
            let job = || {
                while let Some((entry, before)) = read.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if cancel.is_cancelled() {
                        return;
                    }
                    let done = one(repo, writer, fields, entry, before.as_ref());
                    results
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((entry.path.clone(), done));
                }
            };
            let name = format!("index-{number}");
            match std::thread::Builder::new()
                .name(name)
                .spawn_scoped(scope, job)
            {
                Ok(worker) => workers.push(worker),
                Err(_) => job(),
            }
        }
        while workers.iter().any(|worker| !worker.is_finished()) {
            let done = next.load(Ordering::Relaxed).min(total);
            progress(Progress::Reading { done, total });
            std::thread::sleep(Duration::from_millis(if total < 200 { 1 } else { 20 }));
        }
    });
    cancel.check()?;
    progress(Progress::Reading { done: total, total });
    for (path, done) in results.into_inner().unwrap_or_else(PoisonError::into_inner) {
        match done? {
            Done::Indexed(record) | Done::Unchanged(record) | Done::Binary(record) => {
                manifest.files.insert(path, record);
            }
            Done::Unreadable(why) => manifest.skipped.unreadable(why),
        }
    }
    Ok(manifest)
}

fn one(
    repo: &Repo,
    writer: &IndexWriter,
    fields: Fields,
    entry: &FileEntry,
    before: Option<&FileRecord>,
) -> Result<Done> {
    let path = &entry.path;
    let record = |blob: String, class, language: &str, symbols| FileRecord {
        size: entry.size,
        modified_ns: entry.modified_ns,
        blob,
        class,
        language: language.to_owned(),
        symbols,
    };
    let forget = || {
        if before.is_some_and(FileRecord::is_indexed) {
            writer.delete_term(Term::from_field_text(fields.path, path.as_str()));
        }
    };
    let bytes = match repo.read_bytes(path) {
        Ok(bytes) => bytes,
        Err(failure) => {
            forget();
            return Ok(Done::Unreadable(format!("{}: {failure}", path.as_str())));
        }
    };
    let Some(file) = crate::repo::read::decode(&bytes) else {
        forget();
        return Ok(Done::Binary(record(
            "-".to_owned(),
            super::FileClass::Build,
            "binary",
            0,
        )));
    };
    let blob = crate::repo::blob_id(&bytes).0;
    if let Some(before) = before.filter(|before| before.blob == blob) {
        return Ok(Done::Unchanged(record(
            blob,
            before.class,
            &before.language,
            before.symbols,
        )));
    }
    forget();
    let text = file.text;
    let class = class::classify(path, truncated(&text, 1000));
    let (symbols, language) = pieces::definitions(path, &text);
    let lines: Vec<&str> = text.lines().collect();
    let place = terms::joined(path.as_str());
    for piece in pieces::cut(lines.len() as u32, &symbols) {
        let from = piece.range.start as usize - 1;
        let body = lines
            .get(from..(piece.range.end as usize).min(lines.len()))
            .unwrap_or(&[])
            .join("\n");
        let mut document = TantivyDocument::new();
        document.add_text(fields.path, path.as_str());
        document.add_u64(fields.start, piece.range.start.into());
        document.add_u64(fields.end, piece.range.end.into());
        document.add_text(fields.place, &place);
        document.add_text(fields.body, terms::joined(&body));
        if let Some(symbol) = &piece.symbol {
            if piece.head {
                document.add_text(fields.exact, &symbol.name);
            }
            document.add_text(
                fields.name,
                terms::joined(&format!("{} {}", symbol.within, symbol.name)),
            );
            document.add_text(fields.signature, terms::joined(&symbol.signature));
            let json = serde_json::to_string(symbol)
                .map_err(|e| Failure::bug("a definition cannot be written").because(e))?;
            if json.len() <= SYMBOL_BYTES {
                document.add_text(fields.symbol, json);
            }
        }
        writer
            .add_document(document)
            .map_err(|e| failed("the index cannot be written", &e))?;
    }
    Ok(Done::Indexed(record(
        blob,
        class,
        language,
        symbols.len() as u32,
    )))
}

/// An immutable view of what is committed.
fn snapshot(
    index: &tantivy::Index,
    fields: Fields,
    manifest: Manifest,
    dir: Option<&Path>,
    note: Option<String>,
) -> Result<Index> {
    let reader = index
        .reader_builder()
        .reload_policy(ReloadPolicy::Manual)
        .try_into()
        .map_err(|e| failed("the index cannot be opened", &e))?;
    let mut stats = Stats {
        skipped: manifest.skipped,
        note,
        ..Stats::default()
    };
    let mut languages: BTreeMap<&str, usize> = BTreeMap::new();
    for record in manifest.files.values() {
        if record.is_indexed() {
            stats.files += 1;
            stats.symbols += record.symbols as usize;
            stats.source_bytes += record.size;
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
    stats.disk_bytes = dir.map_or(0, size_of);
    Ok(Index {
        files: manifest.files,
        stats,
        searcher: Some((reader.searcher(), fields)),
    })
}

/// Bytes of a folder's files, one level of folders deep.
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

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;
