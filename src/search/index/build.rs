//! Building and updating the index.

use std::path::Path;
use std::sync::Arc;

use tantivy::TantivyError;

use super::history::History;
use super::snapshot::{Index, failed, register, schema};
use super::store::{self, Manifest, OpenedIndex};
use super::update::{Update, UpdatePlan, WRITER_BYTES};
use crate::base::memory::address_space;
use crate::base::text::human_bytes;
use crate::base::{Cancel, Failure, Result};
use crate::repo::{Repo, Walk, WalkRules};

/// Bytes of address space that an index takes to be written: threads set aside far more than they
/// fill. Seen on a repository of 230 files with two cores.
const ADDRESS_SPACE: u64 = 640 << 20;

/// Progress of the indexer.
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
    /// Comparing commits, each with its parent.
    History {
        /// Commits done.
        done: usize,
        /// Commits to do.
        total: usize,
    },
    /// Writing to disk.
    Writing,
}

/// Opens the index of `repo` kept under `dir` and brings it up to date; files whose size and
/// time, or whose blob id, are as before are not read (parsed) again. Where `dir` cannot be
/// written the index is built in memory, and where what is there is damaged it is made anew;
/// both are said in [`super::Stats::note`]. `rebuild` throws away the index that is there.
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
    let walk = repo.walk_names(rules, cancel, &mut |n| progress(Progress::Walking(n)))?;
    match on_disk(repo, dir, &walk, rebuild, cancel, progress) {
        Err(failure) if failure.is_interrupted() => Err(failure),
        Err(failure) => {
            let note = format!("the index is kept in memory only: {failure}");
            in_memory(repo, &walk, note, cancel, progress)
        }
        Ok(index) => Ok(index),
    }
}

/// Opens the last snapshot as it is, if there is one that can be read, without looking at the
/// repository's files.
///
/// # Errors
/// None today: what cannot be read is as if it were not there, since [`build`] makes it anew.
pub fn open(dir: &Path) -> Result<Option<Arc<Index>>> {
    match store::load(dir) {
        Ok(Some(kept)) => Ok(Some(Arc::new(kept.into_index(dir, None)))),
        Ok(None) => Ok(None),
        Err(damage) => {
            log::warn!("{damage}");
            Ok(None)
        }
    }
}

/// Brings the index under `dir` up to date, or hands out the last one while another process does.
fn on_disk(
    repo: &Repo,
    dir: &Path,
    walk: &Walk,
    rebuild: bool,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Arc<Index>> {
    let now = if rebuild { Ok(None) } else { store::load(dir) };
    let head = head(repo);
    if let Ok(Some(kept)) = now {
        let plan = UpdatePlan::new(walk, &kept.manifest, head.clone());
        if kept.manifest.head == head
            && let Some(manifest) = plan.settled(repo)
        {
            return Ok(Arc::new(kept.with(manifest).into_index(dir, None)));
        }
    }
    crate::base::places::private_dir(dir)?;
    let Some(_lock) = store::lock(dir, cancel)? else {
        let busy = "another homebody is indexing this repository";
        return match store::load(dir) {
            Ok(Some(kept)) => {
                let note = format!("{busy}; this is the index before");
                Ok(Arc::new(kept.into_index(dir, Some(note))))
            }
            _ => Err(Failure::environment(busy)),
        };
    };
    // Whoever had the lock before us has written something newer than what we looked at.
    let (kept, note) = match store::load(dir) {
        Ok(Some(kept)) => (kept, None),
        Ok(None) => (store::create(dir)?, None),
        Err(damage) => {
            store::clear(dir)?;
            let note = format!("{damage}; it was made anew");
            (
                store::create(dir)?,
                (!store::is_old(&damage)).then_some(note),
            )
        }
    };
    match write(repo, dir, walk, kept, rebuild, cancel, progress) {
        Ok(kept) => Ok(Arc::new(kept.into_index(dir, note))),
        Err(failure) => Err(failure),
    }
}

/// Checks that the threads which read and write find room: memory that cannot be had there ends the
/// process, and takes the words along.
fn check_address_space() -> Result<()> {
    match address_space() {
        Some(left) if left < ADDRESS_SPACE => Err(Failure::environment(format!(
            "the index needs {} of address space, and this process may take {} more",
            human_bytes(ADDRESS_SPACE),
            human_bytes(left)
        ))
        .hint("`ulimit -v unlimited` takes the limit away, where it may be")),
        _ => Ok(()),
    }
}

/// Writes what has changed to disk, in one step for whoever reads it.
fn write(
    repo: &Repo,
    dir: &Path,
    walk: &Walk,
    kept: OpenedIndex,
    rebuild: bool,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<OpenedIndex> {
    let cannot = |e: TantivyError| failed("the index cannot be written", &e);
    check_address_space()?;
    let mut writer = kept
        .index
        .writer_with_num_threads(1, WRITER_BYTES)
        .map_err(cannot)?;
    let nothing = Manifest::default();
    let before = if rebuild { &nothing } else { &kept.manifest };
    if rebuild {
        writer.delete_all_documents().map_err(cannot)?;
    }
    let history = past(repo, Some(dir), cancel, progress)?;
    let mut plan = UpdatePlan::new(walk, before, head(repo));
    plan.retell(walk, &history);
    let update = Update {
        repo,
        writer: &writer,
        fields: kept.fields,
        history: &history,
    };
    let (manifest, changed) = update.run(plan, cancel, progress)?;
    let same = manifest.files == kept.manifest.files && manifest.head == kept.manifest.head;
    if !changed && !rebuild && same && kept.is_committed() {
        return Ok(kept.with(manifest));
    }
    // Who cancels while the last file is read keeps the old index too.
    cancel.check()?;
    progress(Progress::Writing);
    let number = store::write_list(dir, &manifest)?;
    let mut commit = writer.prepare_commit().map_err(cannot)?;
    commit.set_payload(&number.to_string());
    commit.commit().map_err(cannot)?;
    writer.wait_merging_threads().map_err(cannot)?;
    store::tidy(dir, number);
    history.save(dir);
    kept.committed(dir, manifest)
}

/// Builds the whole index in memory; `note` tells the user why.
fn in_memory(
    repo: &Repo,
    walk: &Walk,
    note: String,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Arc<Index>> {
    let cannot = |e: TantivyError| failed("the index cannot be built", &e);
    check_address_space()?;
    let (schema, fields) = schema();
    let index = tantivy::Index::create_in_ram(schema);
    register(&index);
    let mut writer = index
        .writer_with_num_threads(1, WRITER_BYTES)
        .map_err(cannot)?;
    let history = past(repo, None, cancel, progress)?;
    let plan = UpdatePlan::new(walk, &Manifest::default(), head(repo));
    let update = Update {
        repo,
        writer: &writer,
        fields,
        history: &history,
    };
    let (manifest, _) = update.run(plan, cancel, progress)?;
    writer.commit().map_err(cannot)?;
    let kept = OpenedIndex::in_memory(index, fields)?;
    Ok(Arc::new(kept.reloaded(manifest)?.into_memory_index(note)))
}

/// The id of the commit that is checked out; a broken repository has none.
fn head(repo: &Repo) -> Option<String> {
    repo.head().ok().and_then(|head| head.commit)
}

/// Reads the history, kept under `dir` where there is one. Where git's data is broken there is
/// none, and the files can still be searched.
fn past(
    repo: &Repo,
    dir: Option<&Path>,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<History> {
    let mut told = |done, total| progress(Progress::History { done, total });
    match History::read(repo, dir, cancel, &mut told) {
        Err(failure) if !failure.is_interrupted() => {
            log::warn!("{failure}");
            Ok(History::default())
        }
        other => other,
    }
}

/// The index of a small repository, for tests: built whole, by the usual rules.
#[cfg(any(test, feature = "lab"))]
pub fn built(repo: &Repo, dir: &Path) -> Result<Arc<Index>> {
    let rules = WalkRules::default();
    build(repo, dir, &rules, false, &Cancel::never(), &mut |_| {})
}

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;
