//! Panics while the screen is open.

use std::panic;
use std::sync::{Arc, Mutex, PoisonError};

use super::terminal::Hold;

/// Gives the terminal back when its owner panics, and keeps the panics of workers off the
/// screen: they come back as failures.
pub struct PanicWatch {
    previous: Arc<Hook>,
    last: Arc<Mutex<Option<String>>>,
}

type Hook = Box<dyn Fn(&panic::PanicHookInfo<'_>) + Sync + Send + 'static>;

impl PanicWatch {
    /// Puts the watch on; call it as the owner of the terminal.
    pub fn set(hold: Arc<Hold>) -> Self {
        let previous: Arc<Hook> = Arc::new(panic::take_hook());
        let last = Arc::new(Mutex::new(None));
        let owner = std::thread::current().id();
        let (before, keep) = (Arc::clone(&previous), Arc::clone(&last));
        panic::set_hook(Box::new(move |info| {
            if std::thread::current().id() == owner {
                hold.leave();
                before(info);
            } else {
                log::error!("{info}");
                *keep.lock().unwrap_or_else(PoisonError::into_inner) = Some(info.to_string());
            }
        }));
        Self { previous, last }
    }

    /// Puts the hook back that was there.
    pub fn lift(self) {
        let previous = self.previous;
        panic::set_hook(Box::new(move |info| previous(info)));
        if let Some(text) = self
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            log::error!("while the screen was open: {text}");
        }
    }
}
