//! The last act of a process that the system ends for a fault of its own: the terminal is given back.
//!
//! A file that is mapped and was cut short (SIGBUS), memory that is refused (abort, SIGABRT) and bugs
//! in foreign code (SIGSEGV, SIGILL, SIGFPE) end the process where it stands; nothing of ours runs
//! then but a handler, which may do next to nothing (signal-safety(7)): it writes bytes that were
//! made ready, sets the modes that the terminal had, and lets the fault go its way.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, Ordering};

use libc::{SA_ONSTACK, SA_SIGINFO, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, c_int, c_void};

/// Faults that end a process.
const FAULTS: [c_int; 5] = [SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGABRT];
/// The sentence that is left on the plain screen.
const WORDS: &[u8] = b"homebody: error: the system has ended the program for a fault\n  \
    because: a file was cut short while it was read (the model's, or one of the index), memory was \
    refused, or there is a bug\n  \
    hint: conversations are kept: `homebody --resume`\n";

/// The things that the handler needs.
struct Ready {
    /// The bytes that give the terminal back.
    bytes: Vec<u8>,
    /// The modes that it had.
    modes: libc::termios,
}

/// Set while the terminal is taken. What was set is never freed: the handler may hold it.
static READY: AtomicPtr<Ready> = AtomicPtr::new(ptr::null_mut());

/// The handler is set once.
static LISTENING: Once = Once::new();

/// The handlers that were there before, in the order of [`FAULTS`].
static BEFORE: [AtomicPtr<libc::sigaction>; FAULTS.len()] =
    [const { AtomicPtr::new(ptr::null_mut()) }; FAULTS.len()];

/// Makes ready to give the terminal back, which is in its usual modes still; `bytes` do that. Where
/// standard input is no terminal, nothing is done.
pub(super) fn arm(bytes: Vec<u8>) {
    let mut modes = MaybeUninit::uninit();
    // SAFETY: the modes are written where the call gives 0.
    let known = unsafe { libc::tcgetattr(libc::STDIN_FILENO, modes.as_mut_ptr()) } == 0;
    if !known {
        return;
    }
    // SAFETY: they were written.
    let modes = unsafe { modes.assume_init() };
    READY.store(
        Box::into_raw(Box::new(Ready { bytes, modes })),
        Ordering::SeqCst,
    );
    LISTENING.call_once(listen);
}

/// Says that the terminal was given back in order.
pub(super) fn disarm() {
    READY.store(ptr::null_mut(), Ordering::SeqCst);
}

/// Sets the handler in front of those that are there.
fn listen() {
    for (fault, before) in FAULTS.into_iter().zip(&BEFORE) {
        // SAFETY: an action of zeros is a valid one, and the two are read and written in the call.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = give_back as *const () as usize;
            action.sa_flags = SA_SIGINFO | SA_ONSTACK;
            let mut was: libc::sigaction = std::mem::zeroed();
            if libc::sigaction(fault, ptr::null(), &raw mut was) != 0 {
                continue;
            }
            before.store(Box::into_raw(Box::new(was)), Ordering::SeqCst);
            // Where it cannot be set, the fault ends the process as it would anyway.
            libc::sigaction(fault, &raw const action, ptr::null_mut());
        }
    }
}

/// The handler.
extern "C" fn give_back(fault: c_int, info: *mut libc::siginfo_t, _context: *mut c_void) {
    // Somebody else's SIGABRT is heard by the thread for signals, which ends in order.
    // SAFETY: the system gives a valid description of the signal.
    let from_outside = fault == SIGABRT && unsafe { (*info).si_code } == libc::SI_USER;
    let ready = if from_outside {
        ptr::null_mut()
    } else {
        READY.swap(ptr::null_mut(), Ordering::SeqCst)
    };
    // SAFETY: what was set is never freed or written again.
    if let Some(ready) = unsafe { ready.as_ref() } {
        // SAFETY: both calls are safe in a handler, and what they read lives as long as the process.
        unsafe {
            libc::write(
                libc::STDOUT_FILENO,
                ready.bytes.as_ptr().cast(),
                ready.bytes.len(),
            );
            libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &raw const ready.modes);
            libc::write(libc::STDERR_FILENO, WORDS.as_ptr().cast(), WORDS.len());
        }
    }
    if fault == SIGABRT {
        // abort(3) goes on with the usual action by itself.
        return;
    }
    let place = FAULTS.iter().position(|known| *known == fault);
    let before = place.and_then(|place| BEFORE.get(place));
    let before = before.map_or(ptr::null_mut(), |before| before.load(Ordering::SeqCst));
    // SAFETY: an action that was read from the system is put back, or the usual one (of zeros). The
    // fault then comes again; one that was sent is sent again.
    unsafe {
        let sent = (*info).si_code <= 0;
        let usual: libc::sigaction = std::mem::zeroed();
        // Whoever looks at faults takes one that was sent for none of its own, and goes on.
        let before = before.as_ref().filter(|_| !sent);
        libc::sigaction(fault, before.unwrap_or(&usual), ptr::null_mut());
        if sent {
            libc::raise(fault);
        }
    }
}
