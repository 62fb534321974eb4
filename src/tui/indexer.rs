//! The indexer's thread: brings the index up to date when asked, hands it out, and makes the
//! vectors of meaning while nothing else is to be done.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::shared::{Shared, guarded};
use super::watcher::Watcher;
use crate::app::{Event, IndexEvent, KnownFiles};
use crate::base::{CancelSource, RepoPath, Result};
use crate::index::Index;

/// Time between two looks whether vectors can be made.
const LOOK: Duration = Duration::from_millis(500);

/// Builds that take less go unsaid.
const SHORT: Duration = Duration::from_millis(500);

/// Files that are named as a way in.
const NOTABLE: usize = 3;

/// The things the indexer's thread works with.
pub(super) struct Indexer {
    /// The things all workers share.
    pub shared: Arc<Shared>,
    /// Wishes; true to build the index anew.
    pub wishes: Receiver<bool>,
    /// The way to the ring.
    pub events: Sender<Event>,
    /// Stops a build, for a newer wish.
    pub building: CancelSource,
    /// Stops the making of vectors, for anything else.
    pub embedding: CancelSource,
}

/// Works until nobody wishes for anything any more.
pub(super) fn serve(indexer: &Indexer) {
    let mut first = true;
    let repo = &indexer.shared.workspace.repo;
    let events = indexer.events.clone();
    let mut watcher = Watcher::start(repo.root(), repo.git_dir(), events);
    // The index whose vectors are still to be made.
    let mut unfinished = None;
    while let Some(wish) = indexer.next(unfinished.is_some()) {
        let alive = match wish {
            Wish::Build(rebuild) => {
                if first && !rebuild && !indexer.last() {
                    return;
                }
                let built = indexer.build(rebuild, first || rebuild);
                first = false;
                match built {
                    Ok(index) => {
                        if let Some(watcher) = &mut watcher {
                            watcher.follow(&index.paths());
                        }
                        let embeds = indexer.shared.workspace.embedder.is_some();
                        unfinished = embeds.then(|| Arc::clone(&index));
                        indexer.publish(index, true)
                    }
                    // A newer wish is waiting, or the end.
                    Err(failure) if failure.is_interrupted() => true,
                    Err(failure) => indexer.tell(IndexEvent::Failed(failure)),
                }
            }
            Wish::Meaning => indexer.embed(&mut unfinished),
        };
        if !alive {
            return;
        }
    }
}

enum Wish {
    Build(bool),
    Meaning,
}

/// Files that are a way into the repository, each with something it defines; none where the index
/// is damaged, which whoever uses it is told.
fn notable(index: &Index) -> Vec<(RepoPath, String)> {
    let files = index.notable(NOTABLE).unwrap_or_default().into_iter();
    files
        .filter_map(|file| Some((file.path, file.names.into_iter().next()?)))
        .collect()
}

impl Indexer {
    /// Waits for what is to be done next: wishes first, then, where `idle` says that vectors are
    /// left to make, those while no job runs. None at the end.
    fn next(&self, idle: bool) -> Option<Wish> {
        let mut rebuild = loop {
            if !idle {
                break self.wishes.recv().ok()?;
            }
            match self.wishes.recv_timeout(LOOK) {
                Ok(rebuild) => break rebuild,
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    if !self.shared.busy.load(Ordering::Acquire) {
                        return Some(Wish::Meaning);
                    }
                }
            }
        };
        // Wishes that came meanwhile are one wish.
        while let Ok(more) = self.wishes.try_recv() {
            rebuild |= more;
        }
        Some(Wish::Build(rebuild))
    }

    /// Hands out the index as it was left. False if the ring has ended.
    fn last(&self) -> bool {
        // A broken snapshot is no trouble: it is about to be built anew.
        match catch_unwind(AssertUnwindSafe(|| self.shared.workspace.last_index())) {
            Ok(Ok(Some(index))) => self.publish(index, false),
            _ => true,
        }
    }

    /// Brings the index up to date. A short build says nothing of its progress unless it is
    /// `aloud`: it would flicker at every change of a file.
    fn build(&self, rebuild: bool, aloud: bool) -> Result<Arc<Index>> {
        let cancel = self.building.token();
        let began = Instant::now();
        guarded(|| {
            self.shared
                .workspace
                .index(rebuild, &cancel, &mut |progress| {
                    if aloud || began.elapsed() > SHORT {
                        self.tell(IndexEvent::Progress(progress));
                    }
                })
        })
    }

    /// Makes vectors until a job or a wish needs the processor. False if the ring has ended.
    fn embed(&self, unfinished: &mut Option<Arc<Index>>) -> bool {
        let Some(index) = unfinished.clone() else {
            return true;
        };
        let cancel = self.embedding.token();
        // The wish or the job may have come before the token.
        if self.shared.busy.load(Ordering::Acquire) || !self.wishes.is_empty() {
            return true;
        }
        let made = guarded(|| {
            self.shared
                .workspace
                .complete_meaning(index, &cancel, &mut |coverage| {
                    self.tell(IndexEvent::Meaning(Some(coverage)));
                })
        });
        self.tell(IndexEvent::Meaning(None));
        match made {
            Ok(index) => {
                *unfinished = None;
                self.publish(index, true)
            }
            Err(failure) if failure.is_interrupted() => true,
            Err(failure) => {
                // Words find most: it is no reason to tell of a failed index.
                log::warn!("{failure}");
                *unfinished = None;
                true
            }
        }
    }

    fn publish(&self, index: Arc<Index>, complete: bool) -> bool {
        let ready = IndexEvent::Ready {
            // Without sizes nothing is missing but a word in a list.
            files: Arc::new(
                KnownFiles::new(index.paths(), index.sizes().unwrap_or_default())
                    .with_notable(notable(&index)),
            ),
            stats: Box::new(index.stats().clone()),
            complete,
        };
        let mut shared = self
            .shared
            .index
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *shared = Some((index, complete));
        drop(shared);
        self.tell(ready)
    }

    fn tell(&self, event: IndexEvent) -> bool {
        self.events.send(Event::Index(event)).is_ok()
    }
}
