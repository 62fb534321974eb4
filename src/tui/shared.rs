//! The things that all workers share, and the way in which their work ends where it breaks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::{Failure, Places, Result};
use crate::index::Index;
use crate::jobs::Workspace;
use crate::jobs::check::Before;

/// The things all workers share.
pub struct Shared {
    /// The opened repository.
    pub workspace: Workspace,
    /// The user's folders.
    pub places: Places,
    /// A script instead of a model.
    pub script: Option<PathBuf>,
    /// The folder homebody was started in.
    pub dir: PathBuf,
    /// The outcome of the check command without a change.
    pub before: Mutex<Before>,
    /// The newest index, and whether it is complete.
    pub index: Mutex<Option<(Arc<Index>, bool)>>,
    /// True while a job runs on the engine's thread.
    pub busy: AtomicBool,
    /// True while a model is loaded.
    pub loaded: AtomicBool,
}

impl Shared {
    /// The things that workers share at the beginning.
    pub fn new(
        workspace: Workspace,
        places: Places,
        script: Option<PathBuf>,
        dir: PathBuf,
    ) -> Arc<Self> {
        Arc::new(Self {
            workspace,
            places,
            script,
            dir,
            before: Mutex::default(),
            index: Mutex::new(None),
            busy: false.into(),
            loaded: false.into(),
        })
    }

    /// The newest index, or one of nothing, and whether it is complete.
    pub fn index(&self) -> (Arc<Index>, bool) {
        self.index
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .unwrap_or_else(|| (Arc::new(Index::empty()), false))
    }
}

/// Runs work that may panic; a panic becomes a failure of kind bug.
pub fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let why = payload
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "it gave no reason".to_owned());
        Err(Failure::bug("something broke inside homebody").because(why))
    })
}
