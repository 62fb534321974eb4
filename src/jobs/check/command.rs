//! One run of the check command, in a process group of its own, so that a cancel or the time
//! limit ends it with everything it has started.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, PipeReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use crate::base::failure::io_failure;
use crate::base::seal::{Sealed, keep_out};
use crate::base::text::{human_time, printable};
use crate::base::{Cancel, Failure, Result};

/// Bytes of output that are kept: its end, where compilers say what is wrong.
const KEPT: usize = 32 * 1024;
/// Longest line that is told whole.
const LONGEST_LINE: u64 = 4096;
/// Longest time between two looks at the cancel token.
const SLICE: Duration = Duration::from_millis(50);
/// How long a group that was asked to end may take before it is killed.
const GRACE: Duration = Duration::from_millis(500);

/// Where and how a command runs.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    /// The folder it starts in.
    pub dir: PathBuf,
    /// Variables that are set, or with `None` taken out, besides what we have ourselves.
    pub variables: Vec<(&'static str, Option<std::ffi::OsString>)>,
    /// A folder that it must not write in, and one that stays open to it all the same.
    pub fence: Option<(PathBuf, PathBuf)>,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ran {
    /// Whether it exited with 0.
    pub passed: bool,
    /// Whether the shell found nothing to run, by its code (POSIX: 126, 127).
    pub not_run: bool,
    /// How it ended, for people: `exit status: 1`, `stopped after 10 min 0 s`.
    pub status: String,
    /// The end of what it wrote, safe to show.
    pub output: String,
    /// How long it took.
    pub seconds: f64,
    /// Why the fence does not hold, if it does not.
    pub open: Option<String>,
}

/// Runs `command` by the shell, for at most `limit`. `on_line` is told each line it writes,
/// safe to show.
///
/// # Errors
/// Of kind environment, if it cannot be started; of kind interrupted, if cancelled. A command
/// that fails or takes too long is no error: it has not passed.
pub(super) fn run(
    command: &str,
    place: &Place,
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
    let (mut child, output, open) = start(command, place)?;
    let lines = read_lines(output);
    let mut kept = Tail::default();
    let mut ended: Option<(ExitStatus, Instant)> = None;
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
            && let Some(status) = child
                .try_wait()
                .map_err(|e| io_failure("cannot wait for the check", &e))?
        {
            ended = Some((status, Instant::now()));
        }
        if let Some((status, at)) = ended {
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
                break Ok((status.code(), status.to_string()));
            }
        }
    };
    if ended.is_none() {
        stop(&mut child);
    }
    let (code, status) = outcome?;
    Ok(Ran {
        passed: code == Some(0),
        not_run: matches!(code, Some(126 | 127)),
        status,
        output: kept.text(),
        seconds: begun.elapsed().as_secs_f64(),
        open,
    })
}

/// Starts the shell with both its outputs in one pipe. Gives also why the fence does not hold.
fn start(command: &str, place: &Place) -> Result<(Child, PipeReader, Option<String>)> {
    let failed = |e: &std::io::Error| io_failure(format!("cannot run the check `{command}`"), e);
    let (reader, writer) = std::io::pipe().map_err(|e| failed(&e))?;
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
        .current_dir(&place.dir)
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(second);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    for (name, value) in &place.variables {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    // A fence holds for the thread that puts it up and for what it starts: not for ours.
    let fenced = || {
        let fence = place.fence.as_ref();
        let sealed = fence.map(|(folder, yet)| keep_out(folder, yet));
        (shell.spawn(), sealed)
    };
    let (child, sealed) = std::thread::scope(|scope| scope.spawn(fenced).join())
        .map_err(|_| Failure::bug("the thread that starts a check has panicked"))?;
    let open = match sealed {
        Some(Sealed::No(why)) => Some(why),
        Some(Sealed::Yes) | None => None,
    };
    Ok((child.map_err(|e| failed(&e))?, reader, open))
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
            let text = String::from_utf8_lossy(&bytes);
            let line = printable(text.trim_end_matches(['\n', '\r'])).into_owned();
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
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

    fn place(dir: &tempfile::TempDir) -> Place {
        Place {
            dir: dir.path().to_owned(),
            ..Place::default()
        }
    }

    fn check(command: &str) -> Result<Ran> {
        let dir = tempfile::tempdir().expect("a folder");
        run(command, &place(&dir), LIMIT, &Cancel::never(), &mut |_| {})
    }

    #[test]
    fn a_fence_holds_for_the_command_and_not_for_us() {
        let outer = tempfile::tempdir().expect("a folder");
        let root = outer.path().canonicalize().expect("there");
        for name in ["repo", "scratch", "other"] {
            std::fs::create_dir(root.join(name)).expect("made");
        }
        std::fs::write(root.join("repo/kept"), "as it was").expect("written");
        let place = Place {
            dir: root.join("scratch"),
            variables: vec![("SAID", Some("hello".into()))],
            fence: Some((root.join("repo"), root.join("scratch"))),
        };
        let command = "echo $SAID > in; echo x > ../other/in; echo x > ../repo/in; \
                       echo x > ../repo/kept; rm -f ../repo/kept; cat ../repo/kept";
        let ran = run(command, &place, LIMIT, &Cancel::never(), &mut |_| {}).expect("runs");
        if let Some(why) = ran.open {
            eprintln!("skipped: {why}");
            return;
        }
        assert!(ran.output.ends_with("as it was\n"), "{}", ran.output);
        let text = |name: &str| std::fs::read_to_string(root.join(name)).ok();
        assert_eq!(text("scratch/in").as_deref(), Some("hello\n"));
        assert_eq!(text("other/in").as_deref(), Some("x\n"));
        assert_eq!(text("repo/in"), None);
        std::fs::write(root.join("repo/in"), "we may").expect("written");
    }

    #[test]
    fn a_check_passes_or_fails_and_says_why() {
        let good = check("echo fine; echo also >&2").expect("ran");
        assert!(good.passed);
        assert_eq!(good.output, "fine\nalso\n");
        let bad = check("printf 'wrong \\033[31mred'; exit 3").expect("ran");
        assert!(!bad.passed);
        assert_eq!(bad.output, "wrong \\x1b[31mred\n");
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
