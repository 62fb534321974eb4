//! Reading and parsing what has changed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tantivy::{IndexWriter, TantivyDocument, Term};

use super::build::Progress;
use super::history::{History, Touch};
use super::ranking::named::folded;
use super::snapshot::{Fields, FileRecord, failed};
use super::store::Manifest;
use super::table::packed;
use super::words::terms;
use super::{FileClass, Symbol, class, pieces};
use crate::base::file_stamp::nanoseconds;
use crate::base::secrets::masked;
use crate::base::text::truncated;
use crate::base::{Cancel, Failure, RepoPath, Result};
use crate::repo::{AtHead, FileEntry, Repo, Walk};

/// Bytes tantivy may gather before it writes a segment.
pub(super) const WRITER_BYTES: usize = 60_000_000;
/// A file changed this shortly before it was read may change again within one tick of the
/// file system's clock: its time proves nothing yet.
const RACY_NS: i128 = 2_000_000_000;
/// Most files that are read again each time, rather than the list written anew.
const FEW: usize = 200;
/// Longest definition that is stored, in bytes of JSON.
const SYMBOL_BYTES: usize = 2_000;

/// The plan of an update.
pub(super) struct UpdatePlan {
    /// Files to be looked into, with what was known of them.
    read: Vec<(FileEntry, Option<FileRecord>)>,
    /// Files that the index knows and the walk has not found.
    gone: Vec<RepoPath>,
    /// The list of the files that stay as they are.
    pub manifest: Manifest,
}

impl UpdatePlan {
    /// Compares what the walk found with what was known.
    pub(super) fn new(walk: &Walk, before: &Manifest, head: Option<String>) -> Self {
        let mut known: BTreeMap<&RepoPath, &FileRecord> = before.files.iter().collect();
        let mut manifest = Manifest::new(walk.skipped.clone(), head);
        let mut read = Vec::new();
        for entry in &walk.files {
            match known.remove(&entry.path) {
                Some(record)
                    if record.settled
                        && record.stamp == entry.stamp
                        && entry.stamp.last_change() != 0 =>
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

    /// The paths of the files that are looked into.
    #[cfg(test)]
    pub(super) fn to_read(&self) -> Vec<String> {
        let paths = self.read.iter().map(|(entry, _)| entry.path.to_string());
        paths.collect()
    }

    /// The plan when it comes to nothing: every file that has to be looked into holds what it
    /// held. None if there are others, or too many to look at each time.
    pub(super) fn settled(&self, repo: &Repo) -> Option<Manifest> {
        if !self.gone.is_empty() || self.read.len() > FEW {
            return None;
        }
        let mut manifest = self.manifest.clone();
        for (entry, record) in &self.read {
            let size = entry.stamp.bytes();
            let record = record.as_ref();
            let record = record.filter(|record| record.stamp.bytes() == size)?;
            // A file that cannot be read is no longer what it was.
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

/// The outcome for one file.
enum Done {
    /// The file's pieces are written.
    Indexed(FileRecord),
    /// The file is as it was, or is passed over and was so before.
    Unchanged(FileRecord),
    /// The file is no text now.
    Binary(FileRecord),
    /// The file could not be read, for this reason.
    Unreadable(String),
}

/// The work of bringing an index up to date: whence it reads, and whither it writes.
pub(super) struct Update<'a> {
    pub repo: &'a Repo,
    pub writer: &'a IndexWriter,
    pub fields: Fields,
    pub history: &'a History,
}

impl Update<'_> {
    /// Reads, parses and hands to the writer whatever the plan says, on all cores. Returns what is
    /// known now, and whether the writer was given anything.
    pub(super) fn run(
        &self,
        plan: UpdatePlan,
        cancel: &Cancel,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Manifest, bool)> {
        let UpdatePlan {
            read,
            gone,
            mut manifest,
        } = plan;
        let mut changed = !gone.is_empty();
        for path in &gone {
            self.forget(path);
        }
        let results = self.read(&read, cancel, progress);
        cancel.check()?;
        progress(Progress::Reading {
            done: read.len(),
            total: read.len(),
        });
        for (path, done) in results {
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

    /// Looks into files on all cores, until a cancel.
    fn read(
        &self,
        files: &[(FileEntry, Option<FileRecord>)],
        cancel: &Cancel,
        progress: &mut dyn FnMut(Progress),
    ) -> Vec<(RepoPath, Result<Done>)> {
        let total = files.len();
        let next = AtomicUsize::new(0);
        let results: Mutex<Vec<(RepoPath, Result<Done>)>> = Mutex::new(Vec::with_capacity(total));
        // Where the system does not tell, one will do.
        let threads = std::thread::available_parallelism()
            .map_or(1, std::num::NonZero::get)
            .min(8);
        std::thread::scope(|scope| {
            let mut workers = Vec::new();
            for number in 0..threads.min(total) {
                let job = || {
                    // git's data is for one thread each.
                    let head = self.repo.at_head();
                    while let Some((entry, before)) =
                        files.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        if cancel.is_cancelled() {
                            return;
                        }
                        let done = self.look(head.as_ref(), entry, before.as_ref());
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
        results.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the pieces of a file out of the index.
    fn forget(&self, path: &RepoPath) {
        self.writer
            .delete_term(Term::from_field_text(self.fields.path, path.as_str()));
    }

    /// Looks into one file, of which `before` was known, and writes its pieces if it has changed.
    fn look(
        &self,
        head: Option<&AtHead>,
        entry: &FileEntry,
        before: Option<&FileRecord>,
    ) -> Result<Done> {
        let path = &entry.path;
        let was_indexed = before.is_some_and(FileRecord::is_indexed);
        // Made before the reading: what changes after it cannot look settled.
        let unindexed = unindexed(entry);
        let bytes = match self.repo.read_bytes(path) {
            Ok(bytes) => bytes,
            Err(failure) => {
                if was_indexed {
                    self.forget(path);
                }
                return Ok(Done::Unreadable(format!("{}: {failure}", path.as_str())));
            }
        };
        let Some(file) = crate::base::encoding::decode(&bytes) else {
            if before.is_some() && !was_indexed {
                return Ok(Done::Unchanged(unindexed));
            }
            if was_indexed {
                self.forget(path);
            }
            return Ok(Done::Binary(unindexed));
        };
        let blob = crate::repo::blob_id(&bytes).0;
        if let Some(before) = before.filter(|before| before.blob == blob)
            && !self.history.has_news(path)
        {
            return Ok(Done::Unchanged(FileRecord {
                stamp: unindexed.stamp,
                settled: unindexed.settled,
                ..before.clone()
            }));
        }
        if was_indexed {
            self.forget(path);
        }
        // Outside git, and for a file that no commit changed, there is nothing to follow.
        let since = head
            .filter(|_| self.history.knows(path))
            .map(|head| head.replaced(path, &blob, &bytes))
            .unwrap_or_default();
        let touches = self.history.touches(path, &since);
        // No secret is kept but in its file.
        let text = masked(&file.text)?;
        let (symbols, language) = pieces::definitions(path, &text);
        let pieces = self.add_pieces(path, &text, &symbols, &touches)?;
        Ok(Done::Indexed(FileRecord {
            blob,
            class: class::classify(path, truncated(&file.text, 1000)),
            language: language.to_owned(),
            symbols: symbols.len() as u32,
            pieces,
            ..unindexed
        }))
    }

    /// Writes the pieces of a file with these definitions and this past; returns how many they are.
    fn add_pieces(
        &self,
        path: &RepoPath,
        text: &str,
        symbols: &[Symbol],
        touches: &[Touch],
    ) -> Result<u32> {
        let fields = self.fields;
        let lines: Vec<&str> = text.lines().collect();
        let place = terms::joined(path.as_str());
        let mut count = 0;
        for piece in pieces::cut(lines.len() as u32, symbols) {
            count += 1;
            let body = pieces::lines_of(&lines, piece.range).join("\n");
            let mut document = TantivyDocument::new();
            document.add_text(fields.path, path.as_str());
            document.add_u64(fields.start, piece.range.start().into());
            document.add_u64(fields.end, piece.range.end().into());
            document.add_text(fields.place, &place);
            document.add_text(fields.body, terms::joined(&body));
            document.add_text(fields.pairs, terms::joined_pairs(&body));
            let told = self.history.told(touches, piece.range);
            document.add_u64(fields.touched, told.touched.into());
            document.add_u64(fields.last, told.last);
            document.add_text(fields.told, told.words);
            let kind = piece.symbol.as_ref().map(|symbol| symbol.kind);
            let test = piece.symbol.as_ref().is_some_and(is_test);
            document.add_u64(fields.kind, packed(kind, piece.head, test));
            if let Some(symbol) = &piece.symbol {
                add_symbol(&mut document, fields, symbol, piece.head)?;
            }
            self.writer
                .add_document(document)
                .map_err(|e| failed("the index cannot be written", &e))?;
        }
        Ok(count)
    }
}

/// Makes the record of a file as it is found now, as if it were left out for its content.
fn unindexed(entry: &FileEntry) -> FileRecord {
    let now = nanoseconds(SystemTime::now());
    FileRecord {
        stamp: entry.stamp,
        settled: now - entry.stamp.last_change() > RACY_NS,
        blob: "-".to_owned(),
        class: FileClass::Build,
        language: "binary".to_owned(),
        symbols: 0,
        pieces: 0,
    }
}

/// Adds to a piece the definition it is of, which begins there if it is the `head`.
fn add_symbol(
    document: &mut TantivyDocument,
    fields: Fields,
    symbol: &Symbol,
    head: bool,
) -> Result<()> {
    if head {
        document.add_text(fields.exact, &symbol.name);
        document.add_text(fields.folded, folded(&symbol.name));
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
    Ok(())
}

/// Tells whether a definition is a test that stands in the file it tests.
fn is_test(symbol: &Symbol) -> bool {
    let mut modules = symbol.within.split("::").chain([symbol.name.as_str()]);
    modules.any(|module| matches!(module, "test" | "tests"))
}
