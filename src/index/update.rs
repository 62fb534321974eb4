//! Reading and parsing what has changed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tantivy::{IndexWriter, TantivyDocument, Term};

use super::build::Progress;
use super::history::History;
use super::snapshot::{Fields, FileRecord, failed};
use super::store::Manifest;
use super::table::packed;
use super::{class, pieces, terms};
use crate::base::text::truncated;
use crate::base::{Cancel, Failure, RepoPath, Result};
use crate::repo::{AtHead, FileEntry, Repo, Walk};

/// Bytes tantivy may gather before it writes a segment.
pub(super) const WRITER_BYTES: usize = 60_000_000;
/// A file changed this shortly before it was read may change again within one tick of the
/// file system's clock: its time proves nothing yet.
const RACY_NS: i128 = 2_000_000_000;
/// So many files are read again rather than written down as read.
const FEW: usize = 200;
/// Longest definition that is stored, in bytes of JSON.
const SYMBOL_BYTES: usize = 2_000;

/// What has to be done.
pub(super) struct Plan {
    /// Files to be looked into, with what was known of them.
    read: Vec<(FileEntry, Option<FileRecord>)>,
    /// Files that are gone.
    gone: Vec<RepoPath>,
    /// What stays as it is.
    pub manifest: Manifest,
}

impl Plan {
    /// Compares what the walk found with what was known.
    pub(super) fn new(walk: &Walk, before: &Manifest, head: Option<String>) -> Self {
        let mut known: BTreeMap<&RepoPath, &FileRecord> = before.files.iter().collect();
        let mut manifest = Manifest::new(walk.skipped.clone(), head);
        let mut read = Vec::new();
        for entry in &walk.files {
            match known.remove(&entry.path) {
                Some(record)
                    if record.settled
                        && record.size == entry.size
                        && record.modified_ns == entry.modified_ns
                        && entry.modified_ns != 0 =>
                {
                    manifest.files.insert(entry.path.clone(), record.clone());
                }
                record => read.push((entry.clone(), record.cloned())),
            }
        }
        Self {
            read,
            gone: known.into_keys().cloned().collect(),
            manifest,
        }
    }

    /// Adds the files that new commits speak of, though their content may be as it was.
    pub(super) fn retell(&mut self, walk: &Walk, history: &History) {
        for entry in &walk.files {
            if history.has_news(&entry.path)
                && let Some(record) = self.manifest.files.remove(&entry.path)
            {
                self.read.push((entry.clone(), Some(record)));
            }
        }
    }

    /// The plan when it comes to nothing: every file that has to be looked into holds what it
    /// held. None if there are others, or too many to look at each time.
    pub(super) fn settled(&self, repo: &Repo) -> Option<Manifest> {
        if !self.gone.is_empty() || self.read.len() > FEW {
            return None;
        }
        let mut manifest = self.manifest.clone();
        for (entry, record) in &self.read {
            let record = record.as_ref().filter(|record| record.size == entry.size)?;
            let bytes = repo.read_bytes(&entry.path).ok()?;
            let same = record.is_indexed() && crate::repo::blob_id(&bytes).0 == record.blob;
            if !same {
                return None;
            }
            manifest.files.insert(entry.path.clone(), record.clone());
        }
        Some(manifest)
    }
}

/// What became of one file.
enum Done {
    /// Its pieces are written.
    Indexed(FileRecord),
    /// It is as it was, or is passed over and was so before.
    Unchanged(FileRecord),
    /// It is no text now.
    Binary(FileRecord),
    /// It could not be read.
    Unreadable(String),
}

/// Reads, parses and hands to the writer whatever the plan says, on all cores. Says what is
/// known now, and whether the writer was given anything.
pub(super) fn update(
    repo: &Repo,
    to: (&IndexWriter, Fields),
    plan: Plan,
    history: &History,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Manifest, bool)> {
    let (writer, fields) = to;
    let Plan {
        read,
        gone,
        mut manifest,
    } = plan;
    let mut changed = !gone.is_empty();
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
                // git's data is for one thread each.
                let head = repo.at_head();
                while let Some((entry, before)) = read.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if cancel.is_cancelled() {
                        return;
                    }
                    let done = one((repo, head.as_ref()), to, history, entry, before.as_ref());
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
        let done = done?;
        changed |= !matches!(done, Done::Unchanged(_) | Done::Unreadable(_));
        match done {
            Done::Indexed(record) | Done::Unchanged(record) | Done::Binary(record) => {
                manifest.files.insert(path, record);
            }
            Done::Unreadable(why) => {
                // Then its pieces were taken out.
                changed |= read
                    .iter()
                    .any(|(entry, before)| entry.path == path && before.is_some());
                manifest.skipped.unreadable(why);
            }
        }
    }
    Ok((manifest, changed))
}

fn one(
    (repo, head): (&Repo, Option<&AtHead>),
    (writer, fields): (&IndexWriter, Fields),
    history: &History,
    entry: &FileEntry,
    before: Option<&FileRecord>,
) -> Result<Done> {
    let path = &entry.path;
    // Taken before the reading: what changes after it cannot look settled.
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |d| d.as_nanos() as i128);
    let record = |blob: String, class, language: &str, (symbols, pieces)| FileRecord {
        size: entry.size,
        modified_ns: entry.modified_ns,
        settled: now - entry.modified_ns > RACY_NS,
        blob,
        class,
        language: language.to_owned(),
        symbols,
        pieces,
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
        let record = record("-".to_owned(), super::FileClass::Build, "binary", (0, 0));
        return Ok(if before.is_some_and(|before| !before.is_indexed()) {
            Done::Unchanged(record)
        } else {
            forget();
            Done::Binary(record)
        });
    };
    let blob = crate::repo::blob_id(&bytes).0;
    if let Some(before) = before.filter(|before| before.blob == blob)
        && !history.has_news(path)
    {
        return Ok(Done::Unchanged(record(
            blob,
            before.class,
            &before.language,
            (before.symbols, before.pieces),
        )));
    }
    forget();
    let text = file.text;
    let class = class::classify(path, truncated(&text, 1000));
    let (symbols, language) = pieces::definitions(path, &text);
    let lines: Vec<&str> = text.lines().collect();
    let place = terms::joined(path.as_str());
    let since = head
        .filter(|_| history.knows(path))
        .map(|head| head.replaced(path, &blob, &bytes))
        .unwrap_or_default();
    let touches = history.touches(path, &since);
    let mut count = 0;
    for piece in pieces::cut(lines.len() as u32, &symbols) {
        count += 1;
        let from = piece.range.start() as usize - 1;
        let body = lines
            .get(from..(piece.range.end() as usize).min(lines.len()))
            .unwrap_or(&[])
            .join("\n");
        let mut document = TantivyDocument::new();
        document.add_text(fields.path, path.as_str());
        document.add_u64(fields.start, piece.range.start().into());
        document.add_u64(fields.end, piece.range.end().into());
        document.add_text(fields.place, &place);
        document.add_text(fields.body, terms::joined(&body));
        document.add_text(fields.pairs, terms::joined_pairs(&body));
        let told = history.told(&touches, piece.range);
        document.add_u64(fields.touched, told.touched.into());
        document.add_u64(fields.last, told.last);
        document.add_text(fields.told, told.words);
        let kind = piece.symbol.as_ref().map(|symbol| symbol.kind);
        let test = piece.symbol.as_ref().is_some_and(is_test);
        document.add_u64(fields.kind, packed(kind, piece.head, test));
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
        (symbols.len() as u32, count),
    )))
}

/// Whether a definition is a test that stands in the file it tests.
fn is_test(symbol: &super::Symbol) -> bool {
    let mut modules = symbol.within.split("::").chain([symbol.name.as_str()]);
    modules.any(|module| matches!(module, "test" | "tests"))
}
