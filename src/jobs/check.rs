//! Running the user's check command after a change: its words, its output, its verdict.
//!
//! The command comes from the command line or the user's own configuration, never from a
//! repository; it runs in the repository's root, sealed as we are.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::base::{Cancel, Failure, Result};

/// So many bytes of what a check says at its end are kept.
pub const MOST_OUTPUT: usize = 16_000;

/// A line is cut here; what follows counts as the next.
const MOST_LINE: u64 = 4_000;

/// How a check ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// Its exit code was 0.
    pub passed: bool,
    /// How it ended, for people: `exit status: 1`.
    pub status: String,
    /// The end of what it said on both outputs, at most [`MOST_OUTPUT`] bytes.
    pub output: String,
    /// How long it took.
    pub seconds: f64,
}

/// Runs `command` by the system's shell in `root`. Each line it says is told as it comes.
///
/// # Errors
/// Of kind environment, if the shell cannot be started; interrupted, when cancelled (the
/// command is ended).
pub fn run(
    command: &str,
    root: &Path,
    cancel: &Cancel,
    on_line: &mut dyn FnMut(&str),
) -> Result<Checked> {
    let began = Instant::now();
    let mut shell = if cfg!(windows) {
        let mut shell = Command::new("cmd");
        shell.arg("/C");
        shell
    } else {
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c");
        shell
    };
    shell
        .arg(command)
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // A group of its own, so that what the command starts ends with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    let mut child = shell.spawn().map_err(|e| {
        Failure::environment(format!("cannot run the check `{command}`")).caused_by(&e)
    })?;
    let (sender, lines) = mpsc::sync_channel::<String>(64);
    let readers: Vec<_> = [
        child
            .stdout
            .take()
            .map(|o| Box::new(o) as Box<dyn Read + Send>),
        child
            .stderr
            .take()
            .map(|o| Box::new(o) as Box<dyn Read + Send>),
    ]
    .into_iter()
    .flatten()
    .map(|output| {
        let sender = sender.clone();
        thread::spawn(move || read_lines(output, &sender))
    })
    .collect();
    drop(sender);
    let mut kept: VecDeque<String> = VecDeque::new();
    let mut size = 0;
    let status = loop {
        if cancel.is_cancelled() {
            end(&mut child);
            return Err(Failure::interrupted());
        }
        match lines.recv_timeout(Duration::from_millis(50)) {
            Ok(line) => {
                on_line(&line);
                size += line.len() + 1;
                kept.push_back(line);
                while size > MOST_OUTPUT
                    && let Some(first) = kept.pop_front()
                {
                    size -= first.len() + 1;
                }
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                // What the command left running behind may hold the pipes open for ever.
                if let Ok(Some(status)) = child.try_wait() {
                    thread::sleep(Duration::from_millis(50));
                    while let Ok(line) = lines.try_recv() {
                        on_line(&line);
                        kept.push_back(line);
                    }
                    break Ok(status);
                }
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break child.wait(),
        }
    }
    .map_err(|e| Failure::environment("the check was lost").caused_by(&e))?;
    drop(lines);
    // Readers end with their pipes; those that something still holds open are left alone.
    for reader in readers {
        if reader.is_finished() {
            let _ = reader.join();
        }
    }
    Ok(Checked {
        passed: status.success(),
        status: status.to_string(),
        output: kept.into_iter().map(|line| line + "\n").collect(),
        seconds: began.elapsed().as_secs_f64(),
    })
}

fn read_lines(output: impl Read, sender: &mpsc::SyncSender<String>) {
    let mut reader = BufReader::new(output);
    loop {
        let mut bytes = Vec::new();
        match (&mut reader).take(MOST_LINE).read_until(b'\n', &mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&bytes);
        if sender
            .send(text.trim_end_matches(['\n', '\r']).to_owned())
            .is_err()
        {
            return;
        }
    }
}

/// Ends the command and what it has started.
fn end(child: &mut Child) {
    #[cfg(unix)]
    {
        // Asked of the system's own tool, since signals to groups need no code of ours then.
        let _ = Command::new("/bin/sh")
            .arg("-c")
            .arg(format!("kill -TERM -{0} 2>/dev/null", child.id()))
            .status();
        thread::sleep(Duration::from_millis(50));
    }
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::base::CancelSource;

    fn here(command: &str) -> Checked {
        let dir = tempfile::tempdir().expect("a folder");
        run(command, dir.path(), &Cancel::never(), &mut |_| {}).expect("runs")
    }

    #[test]
    fn verdict_and_both_outputs_are_told() {
        let checked = here("echo one; echo two >&2; exit 3");
        assert!(!checked.passed);
        assert!(checked.status.contains('3'), "{}", checked.status);
        assert!(checked.output.contains("one\n") && checked.output.contains("two\n"));
        assert!(here("true").passed);
    }

    #[test]
    fn only_the_end_of_a_long_output_is_kept() {
        let checked = here("i=0; while [ $i -lt 9000 ]; do echo line $i; i=$((i+1)); done");
        assert!(checked.output.len() <= MOST_OUTPUT);
        assert!(checked.output.ends_with("line 8999\n"), "the end is kept");
        let checked = here("head -c 100000 /dev/zero | tr '\\0' x");
        assert!(checked.output.len() <= MOST_OUTPUT + 100);
    }

    #[test]
    fn a_cancel_ends_it_with_what_it_started() {
        let dir = tempfile::tempdir().expect("a folder");
        let source = CancelSource::new();
        let cancel = source.token();
        let began = Instant::now();
        let outcome = run(
            "echo up; sleep 60 & sleep 60",
            dir.path(),
            &cancel,
            &mut |_| source.cancel(),
        );
        assert!(outcome.is_err_and(|failure| failure.is_interrupted()));
        assert!(began.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn something_left_running_does_not_hold_us() {
        let began = Instant::now();
        assert!(here("sleep 20 & echo started").passed);
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}
