//! A process of our own program that works on hostile data: it has no files, no network, little
//! memory and little time. The data takes down no more than that process.
//!
//! Parent and child speak in frames over the child's standard input and output: a length (8 bytes,
//! little-endian), then that many bytes. Limits of memory are those of Linux and macOS
//! (`RLIMIT_AS`); time is limited everywhere.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use crate::base::failure::io_failure;
use crate::base::{Failure, Result};

/// The hidden first argument that makes our own program a worker.
pub const WORKER_ARG: &str = "__work";

/// Bytes of memory that a worker may use, its program included.
const MEMORY: u64 = 768 << 20;
/// Seconds of computing that a worker may take in all.
const SECONDS: u64 = 30;
/// The most bytes of a frame.
const LONGEST: u64 = 256 << 20;

/// True if the running program serves as a worker when it is asked to by [`WORKER_ARG`].
static OFFERED: AtomicBool = AtomicBool::new(false);

/// Says that this program's `main` calls [`serve`] where its first argument is [`WORKER_ARG`].
pub fn offer() {
    OFFERED.store(true, Ordering::Relaxed);
}

/// Tells whether there can be workers: in a program that is not ours there is none to start.
pub fn is_offered() -> bool {
    OFFERED.load(Ordering::Relaxed)
}

/// The reason for which a worker gave no answer.
#[derive(Debug)]
pub enum Silence {
    /// The worker took too long, and was ended.
    Late,
    /// The worker has ended: by a limit, or by a fault.
    Gone,
}

/// A worker that waits for questions. Dropped, it ends.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    /// The child's standard input; none once it was ended.
    input: Option<ChildStdin>,
    answers: Receiver<Vec<u8>>,
}

impl Worker {
    /// Starts a worker.
    ///
    /// # Errors
    /// Of kind environment, where the system starts no process.
    pub fn start() -> Result<Self> {
        let failed = |e: &io::Error| io_failure("cannot start a process of homebody", e);
        let program = super::own_program().map_err(|e| failed(&e))?;
        let mut child = Command::new(program)
            .arg(WORKER_ARG)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| failed(&e))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (Some(input), Some(mut output)) = (input, output) else {
            return Err(Failure::bug("a process has no pipes"));
        };
        let (send, answers) = sync_channel(1);
        std::thread::spawn(move || {
            while let Ok(Some(frame)) = read_frame(&mut output) {
                if send.send(frame).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            input: Some(input),
            answers,
        })
    }

    /// Puts a question to the worker, and waits for the answer as long as `limit`.
    ///
    /// # Errors
    /// The reason for which there is no answer; the worker was ended then, and gives none any more.
    pub fn ask(
        &mut self,
        question: &[u8],
        limit: Duration,
    ) -> std::result::Result<Vec<u8>, Silence> {
        let input = self.input.as_mut().ok_or(Silence::Gone)?;
        // A worker reads a question whole before it answers, so this does not wait for long.
        let asked = write_frame(input, question).map_err(|_| RecvTimeoutError::Disconnected);
        let answer = asked.and_then(|()| self.answers.recv_timeout(limit));
        answer.map_err(|e| {
            self.end();
            match e {
                RecvTimeoutError::Timeout => Silence::Late,
                RecvTimeoutError::Disconnected => Silence::Gone,
            }
        })
    }

    /// Ends the process.
    fn end(&mut self) {
        self.input = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}

/// Serves as a worker: answers each question until there are no more. Returns the exit code.
pub fn serve(mut answer: impl FnMut(&[u8]) -> Vec<u8>) -> u8 {
    if confine().is_err() {
        return 1;
    }
    // Whoever asks may be gone while an answer is worked on: then nobody wants it.
    let (send, questions) = sync_channel(1);
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        while let Ok(Some(question)) = read_frame(&mut input) {
            if send.send(question).is_err() {
                break;
            }
        }
        std::process::abort();
    });
    let mut output = io::stdout().lock();
    while let Ok(question) = questions.recv() {
        if write_frame(&mut output, &answer(&question)).is_err() {
            break;
        }
    }
    0
}

/// Writes a frame.
fn write_frame(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(&(bytes.len() as u64).to_le_bytes())?;
    to.write_all(bytes)?;
    to.flush()
}

/// Reads the next frame; none at the end.
fn read_frame(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 8];
    match from.read_exact(&mut length) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u64::from_le_bytes(length);
    if length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(bytes))
}

/// Puts the limits of a worker on this process.
#[cfg(target_os = "linux")]
fn confine() -> Result<()> {
    use landlock::{Access as _, AccessFs, Ruleset, RulesetAttr as _};
    use rustix::process::{Resource, Rlimit, setrlimit};

    let failed = |e: rustix::io::Errno| io_failure("cannot limit a process", &e.into());
    for (resource, most) in [
        (Resource::As, MEMORY),
        (Resource::Cpu, SECONDS),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
    ] {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, limit).map_err(failed)?;
    }
    super::put_on()?;
    // No file at all, where the kernel can say so; the seal has no new privileges for it.
    let _ = Ruleset::default()
        .handle_access(AccessFs::from_all(landlock::ABI::V5))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self);
    Ok(())
}

/// Puts the limits of a worker on this process, as far as the platform has them.
#[cfg(not(target_os = "linux"))]
fn confine() -> Result<()> {
    #[cfg(unix)]
    {
        let limit = libc::rlimit {
            rlim_cur: MEMORY as libc::rlim_t,
            rlim_max: MEMORY as libc::rlim_t,
        };
        // SAFETY: a plain value is handed over. Where it is refused, time is still limited.
        unsafe {
            libc::setrlimit(libc::RLIMIT_AS, &raw const limit);
        }
    }
    super::put_on().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_as_they_went_and_broken_ones_are_told() {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, b"one").expect("written");
        write_frame(&mut bytes, b"").expect("written");
        let mut from = bytes.as_slice();
        assert_eq!(read_frame(&mut from).expect("read"), Some(b"one".to_vec()));
        assert_eq!(read_frame(&mut from).expect("read"), Some(Vec::new()));
        assert_eq!(read_frame(&mut from).expect("read"), None);
        assert!(read_frame(&mut &bytes[..9]).is_err());
        assert!(read_frame(&mut &[0xff; 20][..]).is_err());
    }
}
