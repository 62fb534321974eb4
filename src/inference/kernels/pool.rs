//! The threads that compute. Work is claimed in small pieces, so that a thread whose core
//! was taken away holds up nobody but the piece it has; a thread that finds nothing to do
//! spins for a moment (the next product follows within microseconds) and then sleeps. So does
//! the one who waits for the others: on a core that is shared with another program, time spent
//! on looking is time that the scheduler then gives to that program.
//!
//! A caller may say who can cancel it ([`until`]): then no further piece is begun once that
//! has happened, and what was computed is worth nothing.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use super::disjoint::Disjoint;
use crate::base::Cancel;

/// Time that a thread looks for work before it sleeps.
const SPIN: Duration = Duration::from_micros(100);
/// Numbers of a piece of simple work on rows: some microseconds, well above the cost of handing
/// one out.
const ROWS_PIECE: usize = 16 << 10;

thread_local! {
    /// The token by which the work of this thread can be cancelled.
    static CANCEL: RefCell<Option<Cancel>> = const { RefCell::new(None) };
}

/// Does a work whose calls of [`run`], on this thread, begin no piece once it is cancelled.
pub fn until<R>(cancel: &Cancel, work: impl FnOnce() -> R) -> R {
    /// Puts back the token that was there before, also when the work panics.
    struct Before(Option<Cancel>);
    impl Drop for Before {
        fn drop(&mut self) {
            CANCEL.with_borrow_mut(|slot| *slot = self.0.take());
        }
    }
    let _before = Before(CANCEL.with_borrow_mut(|slot| slot.replace(cancel.clone())));
    work()
}

/// Tells whether the work of this thread has been cancelled.
pub fn cancelled() -> bool {
    CANCEL.with_borrow(|cancel| cancel.as_ref().is_some_and(Cancel::is_cancelled))
}

/// The most strips that a job is cut into; more threads share them.
const STRIPS: usize = 8;

/// Neighbouring pieces, on a line of the cache of their own.
#[derive(Default)]
#[repr(align(128))]
struct Strip {
    next: AtomicUsize,
    end: usize,
}

impl Strip {
    /// Claims the next piece that nobody has; none when all are claimed.
    fn claim(&self) -> Option<usize> {
        // The counter is looked at first, so that it cannot grow without end.
        let left = self.next.load(SeqCst) < self.end;
        let at = left.then(|| self.next.fetch_add(1, SeqCst))?;
        (at < self.end).then_some(at)
    }
}

/// One call of [`run`]: the work on a piece, and the pieces that are claimed.
///
/// Each thread has a strip of neighbours of its own, so that it reads memory in one stream,
/// which the processor sees coming; when that is done it helps with the strips of the others.
struct Job<'a> {
    piece: &'a (dyn Fn(usize) + Sync),
    cancel: Option<Cancel>,
    strips: [Strip; STRIPS],
    /// Strips that are used, the first of them.
    count: usize,
    panicked: AtomicBool,
}

impl<'a> Job<'a> {
    fn new(piece: &'a (dyn Fn(usize) + Sync), total: usize, threads: usize) -> Self {
        let count = threads.clamp(1, STRIPS);
        let mut strips: [Strip; STRIPS] = Default::default();
        for (i, strip) in strips[..count].iter_mut().enumerate() {
            *strip.next.get_mut() = i * total / count;
            strip.end = (i + 1) * total / count;
        }
        Self {
            piece,
            cancel: CANCEL.with_borrow(Clone::clone),
            strips,
            count,
            panicked: AtomicBool::new(false),
        }
    }

    /// Claims pieces until none is left; `thread` says whose strip comes first.
    fn work(&self, thread: usize) {
        for i in 0..self.count {
            let strip = &self.strips[(thread + i) % self.count];
            while let Some(at) = strip.claim() {
                let cancelled = self.cancel.as_ref().is_some_and(Cancel::is_cancelled);
                if cancelled || self.panicked.load(SeqCst) {
                    return;
                }
                (self.piece)(at);
            }
        }
    }
}

/// State that the threads and the one who runs a job share.
struct Shared {
    /// The job that is open, else null. It lies on the stack of the thread that calls [`run`].
    job: AtomicPtr<Job<'static>>,
    /// Threads that may hold that pointer.
    inside: AtomicUsize,
    /// Grows with every job, so that a thread does not enter the same one again.
    epoch: AtomicUsize,
    sleeping: AtomicUsize,
    /// True while the one who runs a job sleeps until nobody is inside.
    waiting: AtomicBool,
    /// Guards the sleep of both sides and no data, so that a poisoned one is as good.
    lock: Mutex<()>,
    /// Signals that there is a job.
    wake: Condvar,
    /// Signals that nobody is inside.
    left: Condvar,
    /// Held by the one who runs a job.
    turn: Mutex<()>,
}

static SHARED: Shared = Shared {
    job: AtomicPtr::new(ptr::null_mut()),
    inside: AtomicUsize::new(0),
    epoch: AtomicUsize::new(0),
    sleeping: AtomicUsize::new(0),
    waiting: AtomicBool::new(false),
    lock: Mutex::new(()),
    wake: Condvar::new(),
    left: Condvar::new(),
    turn: Mutex::new(()),
};

/// The number of threads, the caller's among them; starts the others at the first call.
pub fn threads() -> usize {
    static STARTED: OnceLock<usize> = OnceLock::new();
    *STARTED.get_or_init(|| {
        let mut number = 1;
        for i in 1..super::threads::number() {
            let builder = std::thread::Builder::new().name(format!("compute-{i}"));
            // With fewer threads it is slower and as right.
            number += usize::from(builder.spawn(move || serve(i)).is_ok());
        }
        number
    })
}

/// Calls `piece` with every number below `total`, on all threads, and returns when all are done.
/// Which thread does which piece is not determined, and the result of a piece must not depend on
/// it. Once cancelled (see [`until`]) the call returns early, with pieces left undone.
pub fn run(total: usize, piece: impl Fn(usize) + Sync) {
    let alone = || (0..total).take_while(|_| !cancelled()).for_each(&piece);
    if total <= 1 || threads() <= 1 {
        return alone();
    }
    // Only one job at a time; a nested or second call does its work alone.
    let _turn = match SHARED.turn.try_lock() {
        Ok(turn) => turn,
        // It guards no data: after a piece that panicked it is as good as before.
        Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
        Err(TryLockError::WouldBlock) => return alone(),
    };
    let job = Job::new(&piece, total, threads());
    SHARED.job.store((&raw const job).cast_mut().cast(), SeqCst);
    SHARED.epoch.fetch_add(1, SeqCst);
    if SHARED.sleeping.load(SeqCst) > 0 {
        let _lock = SHARED.lock.lock().unwrap_or_else(PoisonError::into_inner);
        SHARED.wake.notify_all();
    }
    let own = catch_unwind(AssertUnwindSafe(|| job.work(0)));
    if own.is_err() {
        job.panicked.store(true, SeqCst);
    }
    // Whoever counts itself in after this finds the null.
    SHARED.job.store(ptr::null_mut(), SeqCst);
    until_left();
    if let Err(panic) = own {
        resume_unwind(panic);
    }
    // The panic of a piece is passed on, whoever had the piece.
    assert!(!job.panicked.load(SeqCst), "a computing thread panicked");
}

/// Calls `work` with the first row and the rows of each part of `rows` (each of `width` numbers)
/// that is worth a piece of its own; on this thread alone where all of it is not.
pub fn run_rows<T: Send>(rows: &mut [T], width: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    let count = rows.len() / width.max(1);
    let at_once = (ROWS_PIECE / width.max(1)).max(1);
    if count <= at_once {
        work(0, rows);
        return;
    }
    let rows = Disjoint::new(rows);
    run(count.div_ceil(at_once), |piece| {
        let first = piece * at_once;
        let count = at_once.min(count - first);
        // SAFETY: pieces have rows of their own, and each is done once.
        work(first, unsafe { rows.part(first * width, count * width) });
    });
}

/// Works on one job after the other, for ever: the life of each further thread, the `thread`-th.
fn serve(thread: usize) {
    let mut seen = 0;
    loop {
        seen = wait(seen);
        SHARED.inside.fetch_add(1, SeqCst);
        let job = SHARED.job.load(SeqCst);
        if !job.is_null() {
            // SAFETY: `run` makes the pointer null and then waits until `inside` is zero before
            // its stack frame, on which the job lies, goes away. This thread counted itself in
            // before it read the pointer, all in one total order, so the job lives until it
            // counts itself out. The job is shared only: its parts are atomics and a `Sync` call.
            let job = unsafe { &*job };
            if catch_unwind(AssertUnwindSafe(|| job.work(thread))).is_err() {
                job.panicked.store(true, SeqCst);
            }
        }
        // Whoever waits says so before he looks whether somebody is inside.
        if SHARED.inside.fetch_sub(1, SeqCst) == 1 && SHARED.waiting.load(SeqCst) {
            let _lock = SHARED.lock.lock().unwrap_or_else(PoisonError::into_inner);
            SHARED.left.notify_all();
        }
    }
}

/// Waits for a moment, awake, until `is` says yes; tells whether it did.
fn soon(is: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    loop {
        for _ in 0..64 {
            if is() {
                return true;
            }
            std::hint::spin_loop();
        }
        if begun.elapsed() > SPIN {
            return false;
        }
    }
}

/// Returns when no thread holds the job any more.
fn until_left() {
    let empty = || SHARED.inside.load(SeqCst) == 0;
    if soon(empty) {
        return;
    }
    let mut lock = SHARED.lock.lock().unwrap_or_else(PoisonError::into_inner);
    SHARED.waiting.store(true, SeqCst);
    while !empty() {
        lock = SHARED
            .left
            .wait(lock)
            .unwrap_or_else(PoisonError::into_inner);
    }
    SHARED.waiting.store(false, SeqCst);
}

/// Returns when the epoch is another than `seen`, with the new one.
fn wait(seen: usize) -> usize {
    if soon(|| SHARED.epoch.load(SeqCst) != seen) {
        return SHARED.epoch.load(SeqCst);
    }
    let mut lock = SHARED.lock.lock().unwrap_or_else(PoisonError::into_inner);
    SHARED.sleeping.fetch_add(1, SeqCst);
    let now = loop {
        let now = SHARED.epoch.load(SeqCst);
        if now != seen {
            break now;
        }
        lock = SHARED
            .wake
            .wait(lock)
            .unwrap_or_else(PoisonError::into_inner);
    };
    SHARED.sleeping.fetch_sub(1, SeqCst);
    now
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_done_once() {
        for total in [0, 1, 2, 3, 100, 1000] {
            let done: Vec<AtomicUsize> = (0..total).map(|_| AtomicUsize::new(0)).collect();
            for _ in 0..50 {
                run(total, |i| {
                    done[i].fetch_add(1, SeqCst);
                });
            }
            assert!(done.iter().all(|n| n.load(SeqCst) == 50), "{total}");
        }
    }

    #[test]
    fn all_threads_compute_after_a_panic() {
        let panicked = catch_unwind(|| run(8, |i| assert!(i != 3, "as planned")));
        assert!(panicked.is_err());
        if threads() < 2 {
            return;
        }
        let own = std::thread::current().id();
        let others = AtomicUsize::new(0);
        // Another test may have its turn just now; then this one computes alone.
        for _ in 0..1000 {
            run(16, |_| {
                std::thread::sleep(std::time::Duration::from_micros(200));
                others.fetch_add(usize::from(std::thread::current().id() != own), SeqCst);
            });
            if others.load(SeqCst) > 0 {
                return;
            }
        }
        panic!("one thread computes alone");
    }

    #[test]
    fn jobs_within_jobs_and_beside_them_are_done() {
        let sum = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    run(20, |_| {
                        run(10, |i| {
                            sum.fetch_add(i, SeqCst);
                        });
                    });
                });
            }
        });
        assert_eq!(sum.load(SeqCst), 3 * 20 * 45);
    }

    #[test]
    fn what_is_cancelled_begins_no_further_piece() {
        let source = crate::base::CancelSource::new();
        let token = source.token();
        let begun = AtomicUsize::new(0);
        until(&token, || {
            run(1000, |i| {
                begun.fetch_add(1, SeqCst);
                if i == 10 {
                    source.cancel();
                }
                // However long this thread is kept waiting, no other gets ahead of it.
                while i > 10 && !token.is_cancelled() {
                    std::thread::yield_now();
                }
            });
            assert!(cancelled());
        });
        // The pieces up to that one, and at most one on each further thread.
        assert!(begun.load(SeqCst) <= 10 + threads(), "{begun:?}");
        assert!(!cancelled());
        // What comes after is not concerned.
        begun.store(0, SeqCst);
        run(1000, |_| {
            begun.fetch_add(1, SeqCst);
        });
        assert_eq!(begun.load(SeqCst), 1000);
    }

    #[test]
    fn rows_are_visited_once_each() {
        for (count, width) in [(0, 7), (1, 7), (50, 16 << 10), (3000, 40)] {
            let mut rows = vec![0_u32; count * width];
            run_rows(&mut rows, width, |first, part| {
                for (i, row) in part.chunks_exact_mut(width).enumerate() {
                    for x in row.iter_mut() {
                        *x += (first + i) as u32 + 1;
                    }
                }
            });
            let right = |(i, x): (usize, &u32)| *x == (i / width) as u32 + 1;
            assert!(rows.iter().enumerate().all(right));
        }
    }

    #[test]
    fn a_panic_comes_back_and_the_pool_goes_on() {
        let panicked = catch_unwind(|| {
            run(100, |i| assert!(i != 57, "planted"));
        });
        assert!(panicked.is_err());
        let count = AtomicUsize::new(0);
        run(10, |_| {
            count.fetch_add(1, SeqCst);
        });
        assert_eq!(count.load(SeqCst), 10);
    }
}
