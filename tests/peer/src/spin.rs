//! Load on purpose: one busy thread for every core, as another program would be that computes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::Result;

/// Busy threads, one bound to each core that this process may use, until this is dropped. To
/// the kernel they are what as many processes are, and end with this program however it ends.
#[derive(Debug)]
pub struct Spinners {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Spinners {
    /// Starts them.
    ///
    /// # Errors
    /// When the kernel does not say which cores there are, or binds no thread to one.
    pub fn start() -> Result<Self> {
        let mut all = Self {
            stop: Arc::default(),
            threads: Vec::new(),
        };
        let (bound, told) = std::sync::mpsc::channel();
        for core in cores()? {
            let (stop, bound) = (Arc::clone(&all.stop), bound.clone());
            all.threads.push(std::thread::spawn(move || {
                let mut one = CpuSet::new();
                one.set(core);
                let done = sched_setaffinity(None, &one).is_ok();
                let told = bound.send(done).is_ok();
                // Whoever counts waits until the last of these is gone.
                drop(bound);
                while done && told && !stop.load(Ordering::Relaxed) {
                    std::hint::black_box(0);
                }
            }));
        }
        drop(bound);
        let running = told.iter().filter(|&done| done).count();
        if running == all.threads.len() {
            Ok(all)
        } else {
            Err("a thread could not be bound to a core".into())
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.threads.len()
    }
}

impl Drop for Spinners {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // One that panicked spins no more either.
            let _ = thread.join();
        }
    }
}

/// The cores that this process may use.
fn cores() -> Result<Vec<usize>> {
    let all = sched_getaffinity(None)?;
    Ok((0..CpuSet::MAX_CPU).filter(|&c| all.is_set(c)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::ticks_of_this;
    use std::time::{Duration, Instant};

    #[test]
    fn they_take_every_core_until_dropped() {
        let spinners = Spinners::start().expect("started");
        assert_eq!(spinners.count(), cores().expect("cores").len());
        let before = ticks_of_this();
        let begun = Instant::now();
        while ticks_of_this() < before + 10 && begun.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(ticks_of_this() >= before + 10, "nothing spins");
        drop(spinners);
    }
}
