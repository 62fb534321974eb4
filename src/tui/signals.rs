//! Signals of the system to the process: to end, to stop, to go on.

#[cfg(unix)]
mod unix {
    use std::sync::Arc;
    use std::thread;
    use std::time::{Duration, Instant};

    use crossbeam_channel::Sender;
    use signal_hook::consts::{SIGABRT, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    use crate::base::Result;
    use crate::base::failure::io_failure;
    use crate::tui::terminal::Hold;

    /// Time an orderly end may take before the process ends anyway.
    const PATIENCE: Duration = Duration::from_secs(3);

    /// Signals that are listened for.
    const HEARD: [i32; 7] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGTSTP, SIGCONT];

    /// Listens on a thread; each signal is passed on as its number.
    pub fn listen(to: Sender<i32>, hold: Arc<Hold>) -> Result<()> {
        let failed = |e: &std::io::Error| io_failure("signals cannot be received", e);
        let mut signals = Signals::new(HEARD).map_err(|e| failed(&e))?;
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                for signal in signals.forever() {
                    let heard = to.send_timeout(signal, PATIENCE).is_ok();
                    if !matches!(signal, SIGTERM | SIGHUP | SIGQUIT | SIGABRT) {
                        continue;
                    }
                    let since = Instant::now();
                    while heard && hold.is_taken() && since.elapsed() < PATIENCE {
                        thread::sleep(Duration::from_millis(20));
                    }
                    if hold.is_taken() {
                        hold.leave();
                        let _ = emulate_default_handler(signal);
                    }
                }
            })
            .map(|_| ())
            .map_err(|e| failed(&e))
    }

    /// Stops the process as Ctrl-Z does, until it is told to go on.
    pub fn stop() {
        let _ = emulate_default_handler(SIGTSTP);
    }

    /// Ends the process as the signal would have, so that the parent sees it.
    pub fn end_by(signal: i32) {
        let _ = emulate_default_handler(signal);
    }

    /// The meaning of a signal to the state; none for those it does not hear of.
    pub fn meaning(signal: i32) -> Option<crate::app::Signal> {
        use crate::app::Signal;
        match signal {
            SIGINT => Some(Signal::Interrupt),
            // Asked for a trace of itself it ends as orderly, and leaves one.
            SIGTERM | SIGQUIT | SIGABRT => Some(Signal::Terminate),
            SIGHUP => Some(Signal::Hangup),
            SIGCONT => Some(Signal::Continue),
            _ => None,
        }
    }

    /// Tells whether the signal asks the process to stop for a while.
    pub const fn is_stop(signal: i32) -> bool {
        signal == SIGTSTP
    }
}

#[cfg(unix)]
pub use unix::{end_by, is_stop, listen, meaning, stop};

#[cfg(not(unix))]
mod elsewhere {
    use std::sync::Arc;

    use crossbeam_channel::Sender;

    use crate::base::Result;
    use crate::tui::terminal::Hold;

    /// Keeps the sender, so that nobody sees a closed channel: there are no signals here.
    pub fn listen(to: Sender<i32>, _hold: Arc<Hold>) -> Result<()> {
        std::mem::forget(to);
        Ok(())
    }

    /// Does nothing: a process cannot be stopped here.
    pub fn stop() {}
    /// Does nothing: no signal ends the process here.
    pub fn end_by(_signal: i32) {}
    /// Returns none: there are no signals here.
    pub fn meaning(_signal: i32) -> Option<crate::app::Signal> {
        None
    }

    /// Returns false: there are no signals here.
    pub const fn is_stop(_signal: i32) -> bool {
        false
    }
}

#[cfg(not(unix))]
pub use elsewhere::{end_by, is_stop, listen, meaning, stop};
