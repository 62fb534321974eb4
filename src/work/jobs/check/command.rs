//! One run of the check command: in a cage, or, where the user wants it so, with every right of
//! the user and in a process group of its own. A cancel or the time limit ends it with everything
//! it has started.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, PipeReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use super::output::refused_path;
use crate::base::failure::io_failure;
use crate::base::seal::cage::{Cage, Caged, Walls};
use crate::base::text::{human_time, printable};
use crate::base::{Cancel, Failure, Result};

/// Most bytes of output that are kept: its end, where compilers say what is wrong.
const KEPT: usize = 32 * 1024;
/// Bytes of the longest line that is told whole.
const LONGEST_LINE: u64 = 4096;
/// The longest time between two looks at the cancel token.
const SLICE: Duration = Duration::from_millis(50);
/// The time that a group that was asked to end may take before it is killed.
const GRACE: Duration = Duration::from_millis(500);

/// The place where a command runs, and its environment.
#[derive(Debug, Clone)]
pub(super) enum Confinement {
    /// A cage, with this environment.
    Caged(Box<Cage>, Vec<(OsString, OsString)>),
    /// A folder, with every right of the user and our own environment, but for variables that are
    /// set, or with `None` taken out.
    Open(PathBuf, Vec<(&'static str, Option<OsString>)>),
}

impl Confinement {
    /// The path that a command wanted and was not shown, by its output.
    fn refused(&self, output: &str) -> Option<PathBuf> {
        match self {
            Self::Caged(cage, _) => refused_path(output, cage),
            Self::Open(..) => None,
        }
    }
}

/// The outcome of a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ran {
    /// True if the command exited with 0.
    pub passed: bool,
    /// True if the shell found nothing to run, by its code (POSIX: 126, 127).
    pub not_run: bool,
    /// The way the command ended, for people: `exit status: 1`, `stopped after 10 min 0 s`.
    pub status: String,
    /// The end of the output, safe to show.
    pub output: String,
    /// Seconds that the run took.
    pub seconds: f64,
    /// The walls that stood around the command; none where it ran with every right.
    pub walls: Option<Walls>,
    /// A path that the cage does not show, and that the command wanted.
    pub refused: Option<PathBuf>,
}

/// Runs `command` by the shell, for at most `limit`. `on_line` is told each line it writes,
/// safe to show.
///
/// # Errors
/// Of kind environment, if it cannot be started; of kind interrupted, if cancelled. A command
/// that fails or takes too long is no error: it has not passed.
pub(super) fn run(
    command: &str,
    place: &Confinement,
    limit: Duration,
    cancel: &Cancel,
    on_line: &mut dyn FnMut(&str),
) -> Result<Ran> {
    cancel.check()?;
    if command.trim().is_empty() {
        return Err(Failure::usage("the check command is empty")
            .hint("give one with --check, or set `check` in your config.toml"));
    }
    let begun = Instant::now();
    let (mut running, output) = start(command, place)?;
    let lines = read_lines(output);
    let mut kept = Tail::default();
    let mut ended: Option<(Option<i32>, String, Instant)> = None;
    let outcome = loop {
        match lines.recv_timeout(SLICE) {
            Ok(line) => {
                on_line(&line);
                kept.add(&line);
            }
            // Everybody who could write is gone; the command itself may live on.
            Err(RecvTimeoutError::Disconnected) if ended.is_none() => std::thread::sleep(SLICE),
            Err(_) => {}
        }
        if cancel.is_cancelled() {
            break Err(Failure::interrupted());
        }
        if begun.elapsed() >= limit {
            let words = format!("stopped after {}", human_time(limit.as_secs_f64()));
            break Ok((None, words));
        }
        if ended.is_none()
            && let Some((code, words)) = running.ended()?
        {
            ended = Some((code, words, Instant::now()));
        }
        if let Some((code, words, at)) = &ended {
            // What is in the pipe is read out; a child left behind with it open is not waited for.
            let drained = loop {
                match lines.try_recv() {
                    Ok(line) => {
                        on_line(&line);
                        kept.add(&line);
                    }
                    Err(std::sync::mpsc::TryRecvError::Disconnected) => break true,
                    Err(std::sync::mpsc::TryRecvError::Empty) => break false,
                }
            };
            if drained || at.elapsed() >= GRACE {
                break Ok((*code, words.clone()));
            }
        }
    };
    let walls = running.walls();
    // Whatever still runs ends here.
    drop(running);
    let (code, status) = outcome?;
    let output = kept.text();
    Ok(Ran {
        passed: code == Some(0),
        not_run: matches!(code, Some(126 | 127)),
        status,
        refused: place.refused(&output),
        output,
        seconds: begun.elapsed().as_secs_f64(),
        walls,
    })
}

/// A command that runs. Dropped, it ends, with what it has started.
enum RunningCommand {
    Caged(Caged),
    Open { child: Child, over: bool },
}

impl RunningCommand {
    /// The end of the command, if it has ended: its code, and words for people.
    fn ended(&mut self) -> Result<Option<(Option<i32>, String)>> {
        match self {
            Self::Caged(caged) => Ok(caged.ended()?.map(|(code, why)| match why {
                Some(why) => (None, format!("stopped: {why}")),
                None if code > 128 => (Some(code), format!("signal: {}", code - 128)),
                None => (Some(code), format!("exit status: {code}")),
            })),
            Self::Open { child, over } => {
                let status = child
                    .try_wait()
                    .map_err(|e| io_failure("cannot wait for the check", &e))?;
                *over = status.is_some();
                Ok(status.map(|status| (status.code(), status.to_string())))
            }
        }
    }

    /// The walls around the command.
    const fn walls(&self) -> Option<Walls> {
        match self {
            Self::Caged(caged) => Some(caged.walls),
            Self::Open { .. } => None,
        }
    }
}

impl Drop for RunningCommand {
    fn drop(&mut self) {
        if let Self::Open { child, over: false } = self {
            stop(child);
        }
    }
}

/// Starts the shell with both its outputs in one pipe.
fn start(command: &str, place: &Confinement) -> Result<(RunningCommand, PipeReader)> {
    let failed = |e: &std::io::Error| io_failure(format!("cannot run the check `{command}`"), e);
    let (reader, writer) = std::io::pipe().map_err(|e| failed(&e))?;
    let (dir, variables) = match place {
        Confinement::Caged(cage, environment) => {
            let caged = Caged::start(cage, environment.clone(), writer)?;
            return Ok((RunningCommand::Caged(caged), reader));
        }
        Confinement::Open(dir, variables) => (dir, variables),
    };
    let second = writer.try_clone().map_err(|e| failed(&e))?;
    let mut shell = if cfg!(windows) {
        let mut shell = Command::new("cmd");
        shell.arg("/C");
        shell
    } else {
        let mut shell = Command::new("sh");
        shell.arg("-c");
        shell
    };
    shell
        .arg(command)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(second);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    for (name, value) in variables {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let child = shell.spawn().map_err(|e| failed(&e))?;
    Ok((RunningCommand::Open { child, over: false }, reader))
}

/// Reads lines on a thread of their own. A line that is too long comes in parts.
fn read_lines(output: PipeReader) -> Receiver<String> {
    let (send, receive) = sync_channel(64);
    std::thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            match (&mut output)
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut bytes)
            {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            if send.send(shown(&bytes)).is_err() {
                return;
            }
        }
    });
    receive
}

/// A line of output as people read it: without its colours, with blanks for tabs, and with nothing
/// in it that a terminal would obey.
fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches(['\n', '\r']);
    let plain = anstream::adapter::strip_str(text).to_string();
    printable(&plain.replace('\t', "    ")).into_owned()
}

/// Ends the command and everything in its group.
fn stop(child: &mut Child) {
    #[cfg(unix)]
    {
        // The child is not waited for yet, so its number cannot be anybody else's.
        let signal = |name: &str| {
            Command::new("sh")
                .args(["-c", "kill -s \"$1\" -- \"-$2\"", "sh", name])
                .arg(child.id().to_string())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
        };
        let _ = signal("TERM");
        std::thread::sleep(GRACE / 5);
        let _ = signal("KILL");
    }
    // The shell may have ended by now.
    let _ = child.kill();
    let _ = child.wait();
}

/// The end of an output.
#[derive(Default)]
struct Tail {
    lines: std::collections::VecDeque<String>,
    bytes: usize,
    dropped: usize,
}

impl Tail {
    fn add(&mut self, line: &str) {
        self.bytes += line.len() + 1;
        self.lines.push_back(line.to_owned());
        while self.bytes > KEPT
            && self.lines.len() > 1
            && let Some(first) = self.lines.pop_front()
        {
            self.bytes -= first.len() + 1;
            self.dropped += 1;
        }
    }

    fn text(self) -> String {
        let mut out = String::with_capacity(self.bytes + 40);
        if self.dropped > 0 {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "[{} lines before this]", self.dropped);
        }
        for line in &self.lines {
            out.push_str(line);
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::base::CancelSource;

    const LIMIT: Duration = Duration::from_mins(1);

    fn place(dir: &tempfile::TempDir) -> Confinement {
        Confinement::Open(dir.path().to_owned(), Vec::new())
    }

    fn check(command: &str) -> Result<Ran> {
        let dir = tempfile::tempdir().expect("a folder");
        run(command, &place(&dir), LIMIT, &Cancel::never(), &mut |_| {})
    }

    #[test]
    fn a_check_passes_or_fails_and_says_why() {
        let good = check("echo fine; echo also >&2").expect("ran");
        assert!(good.passed);
        assert_eq!(good.output, "fine\nalso\n");
        let bad = check("printf 'wrong \\033[31mred'; exit 3").expect("ran");
        assert!(!bad.passed);
        assert_eq!(bad.output, "wrong red\n");
        let odd = check("printf 'ok\\tx\\033]0;title\\007 \\342\\200\\256y'").expect("ran");
        assert_eq!(odd.output, "ok    x \\u{202e}y\n");
        assert!(check("  ").is_err());
    }

    #[test]
    fn the_end_of_a_long_output_is_kept() {
        let long = check("i=0; while [ $i -lt 5000 ]; do echo line number $i; i=$((i+1)); done")
            .expect("ran");
        assert!(long.output.len() <= KEPT + 64);
        assert!(long.output.ends_with("line number 4999\n"));
        assert!(long.output.contains("lines before this]"));
    }

    #[test]
    fn a_cancel_ends_the_whole_group() {
        let dir = tempfile::tempdir().expect("a folder");
        let mark = dir.path().join("mark");
        let source = CancelSource::new();
        let token = source.token();
        let begun = Instant::now();
        let command = format!("(sleep 2; touch {}) & echo ready; wait", mark.display());
        let failure = run(&command, &place(&dir), LIMIT, &token, &mut |line| {
            if line == "ready" {
                source.cancel();
            }
        })
        .expect_err("cancelled");
        assert!(failure.is_interrupted());
        assert!(begun.elapsed() < Duration::from_secs(2));
        std::thread::sleep(Duration::from_millis(2500));
        assert!(!mark.exists(), "a child went on");
    }

    #[test]
    fn the_time_limit_holds() {
        let dir = tempfile::tempdir().expect("a folder");
        let done = run(
            "sleep 30",
            &place(&dir),
            Duration::from_millis(200),
            &Cancel::never(),
            &mut |_| {},
        )
        .expect("no error");
        assert!(!done.passed);
        assert!(done.status.contains("stopped after"), "{}", done.status);
        assert!(done.seconds < 10.0);
    }

    #[test]
    fn a_child_left_behind_is_not_waited_for() {
        let begun = Instant::now();
        let done = check("sleep 20 & echo done").expect("ran");
        assert!(done.passed);
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
