//! Cancellation by generation number.
//!
//! A source holds the number of the generation that runs now. A token remembers the
//! generation it was made in and is cancelled as soon as the source has moved on, so a
//! late cancel can never hit the job that comes after.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::failure::{Failure, Result};

/// The side that cancels. Cheap to clone; clones share the generation.
#[derive(Debug, Clone, Default)]
pub struct CancelSource {
    generation: Arc<AtomicU64>,
}

/// The side that is asked. Cheap to clone and to check.
#[derive(Debug, Clone)]
pub struct Cancel {
    source: Arc<AtomicU64>,
    generation: u64,
}

impl CancelSource {
    /// Makes a source with nothing cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a token of the generation that runs now.
    pub fn token(&self) -> Cancel {
        Cancel {
            generation: self.generation.load(Ordering::Acquire),
            source: Arc::clone(&self.generation),
        }
    }

    /// Cancels every token handed out so far.
    ///
    /// The call is one atomic addition, so a signal handler may make it.
    pub fn cancel(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

impl Cancel {
    /// Makes a token that nobody can cancel.
    pub fn never() -> Self {
        CancelSource::new().token()
    }

    /// Tells whether the work should stop.
    pub fn is_cancelled(&self) -> bool {
        self.source.load(Ordering::Acquire) != self.generation
    }

    /// Fails with kind interrupted once cancelled.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            Err(Failure::interrupted())
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_cancel_does_not_hit_the_next_generation() {
        let source = CancelSource::new();
        let first = source.token();
        source.cancel();
        let second = source.token();
        assert!(first.is_cancelled());
        assert!(!second.is_cancelled());
        assert!(first.check().is_err_and(|f| f.is_interrupted()));
    }

    #[test]
    fn never_is_never() {
        assert!(Cancel::never().check().is_ok());
    }
}
