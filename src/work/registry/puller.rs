//! A small process that downloads on behalf of one that may not.
//!
//! The puller is started before the seal goes on, re-executed from our own binary with an
//! environment reduced to what downloads need, its working directory `/`, and one pipe each
//! way. It accepts a catalog name and a cancel, sends progress, and ends with its parent.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read as _, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::environment;
use super::{Catalog, Installed, Progress, Store};
use crate::base::{Cancel, CancelSource, Failure, Kind, Places, Result};

/// The hidden first argument that turns the binary into a puller.
pub const PULLER_ARG: &str = "__puller";

/// Bytes of the longest line that either side believes.
const LINE: u64 = 64 << 10;

/// Time between two looks of the waiting parent for a cancel.
const LOOK: Duration = Duration::from_millis(50);

/// Time that a cancelled puller has to say so.
const GRACE: Duration = Duration::from_secs(5);

/// A message of the puller, one JSON object a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Said {
    /// The progress of the download.
    Progress(Progress),
    /// The model is in the store.
    Done(Installed),
    /// The failure of the download.
    Failed {
        /// The word of the failure's kind, [`crate::base::Kind::word`].
        kind: String,
        /// The sentence that says what happened.
        what: String,
        /// The causes, outermost first.
        causes: Vec<String>,
        /// The advice what to do next.
        hint: Option<String>,
    },
}

impl Said {
    fn failed(failure: &Failure) -> Self {
        Self::Failed {
            kind: failure.kind().word().to_owned(),
            what: failure.what().to_owned(),
            causes: failure.causes().to_vec(),
            hint: failure.next_step().map(str::to_owned),
        }
    }
}

/// A request to the puller, one JSON object a line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum PullerRequest {
    /// Fetches the model of that name in the catalog; never an address or a path.
    Pull(String),
    /// Stops the download that runs.
    Cancel(bool),
}

/// The puller as its parent sees it.
#[derive(Debug)]
pub struct Puller {
    child: Child,
    ask: Option<ChildStdin>,
    /// The puller's output until the first use: starting must start no thread.
    output: Option<ChildStdout>,
    /// Messages of the puller, from the first use on.
    said: Option<Receiver<Said>>,
}

impl Puller {
    /// Starts our own program as the puller. Call before the seal and before the first thread.
    pub fn start() -> Result<Self> {
        let program = std::env::current_exe()
            .map_err(|e| Failure::environment("cannot find our own program").because(e))?;
        Self::start_as(&program, std::env::vars_os())
    }

    /// Starts `program` as the puller, with the variables of `all` that downloads need.
    pub fn start_as(
        program: &std::path::Path,
        all: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self> {
        let pip = super::endpoints::pip_environment();
        let kept = environment::kept(all, pip, environment::here().as_deref());
        let mut command = Command::new(program);
        command
            .arg(PULLER_ARG)
            .env_clear()
            .envs(kept)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // Ctrl-C is for the parent, which says cancel; were both stopped, pip would be left.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|e| {
            Failure::environment("cannot start the process that downloads").because(e)
        })?;
        let (ask, output) = (child.stdin.take(), child.stdout.take());
        Ok(Self {
            child,
            ask,
            output,
            said: None,
        })
    }

    /// Has one model of the catalog fetched, and waits for the end.
    pub fn pull(
        &mut self,
        name: &str,
        cancel: &Cancel,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Installed> {
        cancel.check()?;
        self.listen()?;
        self.tell(&PullerRequest::Pull(name.to_owned()))?;
        let mut cancelled: Option<Instant> = None;
        loop {
            if cancelled.is_none() && cancel.is_cancelled() {
                cancelled = Some(Instant::now());
                self.tell(&PullerRequest::Cancel(true))?;
            }
            if cancelled.is_some_and(|since| since.elapsed() > GRACE) {
                self.end();
                return Err(Failure::interrupted());
            }
            let said = self.said.as_ref().map(|said| said.recv_timeout(LOOK));
            match said {
                Some(Ok(Said::Progress(how_far))) => {
                    if cancelled.is_none() {
                        progress(&how_far);
                    }
                }
                Some(Ok(Said::Done(installed))) => return Ok(installed),
                Some(Ok(Said::Failed {
                    kind,
                    what,
                    causes,
                    hint,
                })) => return Err(failure_of(&kind, what, causes, hint)),
                Some(Err(RecvTimeoutError::Timeout)) => {}
                Some(Err(RecvTimeoutError::Disconnected)) | None => return Err(self.gone()),
            }
        }
    }

    fn listen(&mut self) -> Result<()> {
        let Some(output) = self.output.take() else {
            return Ok(());
        };
        let (tell, said) = channel();
        thread::Builder::new()
            .name("puller".to_owned())
            .spawn(move || {
                let mut lines = BufReader::new(output);
                while let Some(line) = line_of(&mut lines) {
                    match serde_json::from_slice(&line) {
                        Ok(said) => {
                            if tell.send(said).is_err() {
                                return;
                            }
                        }
                        Err(e) => log::warn!("the puller said something odd: {e}"),
                    }
                }
            })
            .map_err(|e| Failure::environment("cannot start a thread").because(e))?;
        self.said = Some(said);
        Ok(())
    }

    fn tell(&mut self, asked: &PullerRequest) -> Result<()> {
        let told = self.ask.as_mut().map(|ask| say(ask, asked));
        match told {
            Some(Ok(())) => Ok(()),
            _ => Err(self.gone()),
        }
    }

    fn gone(&mut self) -> Failure {
        self.end();
        Failure::environment("the process that downloads has ended")
            .hint("restart homebody, or use `homebody models pull NAME` in a shell")
    }

    fn end(&mut self) {
        self.ask = None;
        self.said = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Puller {
    fn drop(&mut self) {
        // The end of its input is its end; it has a moment to take pip with it.
        self.ask = None;
        let until = Instant::now() + Duration::from_millis(500);
        while Instant::now() < until {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves requests on standard input until it closes: the whole work of the child.
pub fn serve() -> Result<()> {
    // Who started it is sealed by now, and must not write into it (`/proc/PID/mem`).
    crate::base::seal::close_to_others();
    serve_on(std::io::stdin(), std::io::stdout(), &mut fetch)
}

/// Fetches one model of the user's catalog into the user's store.
fn fetch(name: &str, cancel: &Cancel, progress: &mut dyn FnMut(&Progress)) -> Result<Installed> {
    let places = Places::find()?;
    let catalog = Catalog::load(&places.config)?;
    let model = catalog.find(name)?;
    super::pull(model, &Store::new(places.models()), cancel, progress)
}

type Fetch<'a> = dyn FnMut(&str, &Cancel, &mut dyn FnMut(&Progress)) -> Result<Installed> + 'a;

fn serve_on(
    input: impl std::io::Read + Send + 'static,
    mut output: impl Write,
    fetch: &mut Fetch<'_>,
) -> Result<()> {
    let source = CancelSource::new();
    let (tell, requests) = channel();
    let reader = source.clone();
    thread::Builder::new()
        .name("requests".to_owned())
        .spawn(move || {
            let mut lines = BufReader::new(input);
            while let Some(line) = line_of(&mut lines) {
                match serde_json::from_slice::<PullerRequest>(&line) {
                    // The token is taken here, so that a cancel read next hits it.
                    Ok(PullerRequest::Pull(name)) => {
                        if tell.send((name, reader.token())).is_err() {
                            return;
                        }
                    }
                    Ok(PullerRequest::Cancel(_)) => reader.cancel(),
                    // The parent writes nothing else; whoever else did is not answered.
                    Err(_) => {}
                }
            }
            // The parent has gone: whatever runs stops, and so do we.
            reader.cancel();
        })
        .map_err(|e| Failure::environment("cannot start a thread").because(e))?;
    for (name, cancel) in requests {
        let mut gone = false;
        let result = fetch(&name, &cancel, &mut |how_far| {
            if !gone && say(&mut output, &Said::Progress(how_far.clone())).is_err() {
                gone = true;
                source.cancel();
            }
        });
        let last = match result {
            Ok(installed) => Said::Done(installed),
            Err(failure) => Said::failed(&failure),
        };
        if say(&mut output, &last).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn say(to: &mut impl Write, what: &impl Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    to.write_all(&line)?;
    to.flush()
}

/// The next line; none at the end, when the pipe is broken, or when a line is longer than anybody
/// would write.
fn line_of(lines: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    let n = lines
        .by_ref()
        .take(LINE)
        .read_until(b'\n', &mut line)
        .ok()?;
    (n > 0 && line.last() == Some(&b'\n')).then_some(line)
}

fn failure_of(kind: &str, what: String, causes: Vec<String>, hint: Option<String>) -> Failure {
    let kind = [
        Kind::Usage,
        Kind::Config,
        Kind::Environment,
        Kind::Input,
        Kind::Model,
        Kind::Interrupted,
    ]
    .into_iter()
    .find(|known| known.word() == kind)
    // What is none of these is a bug, by its own word or by its being unknown.
    .unwrap_or(Kind::Bug);
    let mut failure = Failure::new(kind, what);
    for cause in causes {
        failure = failure.because(cause);
    }
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str) -> Installed {
        Installed {
            name: name.to_owned(),
            path: "/m".into(),
            bytes: 1,
            sha256: None,
            owned: true,
        }
    }

    fn replies(output: &[u8]) -> Vec<Said> {
        output
            .split(|b| *b == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).expect("JSON"))
            .collect()
    }

    #[test]
    fn requests_are_names_and_cancels_and_nothing_else() {
        let read = |line: &str| serde_json::from_str::<PullerRequest>(line).ok();
        assert_eq!(
            read("{\"pull\":\"starter\"}"),
            Some(PullerRequest::Pull("starter".to_owned()))
        );
        assert_eq!(read("{\"cancel\":true}"), Some(PullerRequest::Cancel(true)));
        assert_eq!(read("{\"fetch\":\"http://x\"}"), None);
        assert_eq!(read("{\"pull\":\"a\",\"endpoint\":\"http://x\"}"), None);
    }

    #[test]
    fn requests_are_served_one_after_the_other() {
        let mut output = Vec::new();
        let mut served = Vec::new();
        // Reading ends only after both were served, else the end would cancel them.
        let (done, wait) = std::sync::mpsc::channel::<()>();
        struct Patient(std::io::Cursor<Vec<u8>>, Receiver<()>);
        impl std::io::Read for Patient {
            fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
                match self.0.read(to)? {
                    0 => {
                        let _ = self.1.recv_timeout(Duration::from_secs(5));
                        Ok(0)
                    }
                    n => Ok(n),
                }
            }
        }
        let input = b"{\"pull\":\"a\"}\nnonsense\n{\"pull\":\"b\"}\n".to_vec();
        serve_on(
            Patient(std::io::Cursor::new(input), wait),
            &mut output,
            &mut |name, _, progress| {
                served.push(name.to_owned());
                if name == "b" {
                    done.send(()).expect("heard");
                    return Err(Failure::environment("no disk")
                        .because("full")
                        .hint("free some"));
                }
                progress(&Progress {
                    stage: "downloading".to_owned(),
                    done: 1,
                    total: 2,
                    rate: 3.0,
                    resumed: 0,
                });
                Ok(model(name))
            },
        )
        .expect("served");
        assert_eq!(served, ["a", "b"]);
        let said = replies(&output);
        assert!(matches!(said.first(), Some(Said::Progress(p)) if p.done == 1));
        assert_eq!(said.get(1), Some(&Said::Done(model("a"))));
        let Some(Said::Failed {
            kind,
            what,
            causes,
            hint,
        }) = said.get(2).cloned()
        else {
            panic!("{said:?}");
        };
        let failure = failure_of(&kind, what, causes, hint);
        assert_eq!(
            failure,
            Failure::environment("no disk")
                .because("full")
                .hint("free some")
        );
    }

    #[test]
    fn the_end_of_the_parent_stops_what_runs() {
        let mut output = Vec::new();
        let mut stopped = false;
        serve_on(
            std::io::Cursor::new(b"{\"pull\":\"a\"}\n".to_vec()),
            &mut output,
            &mut |_, cancel, _| {
                let until = Instant::now() + Duration::from_secs(5);
                while !cancel.is_cancelled() && Instant::now() < until {
                    thread::sleep(Duration::from_millis(2));
                }
                stopped = cancel.is_cancelled();
                Err(Failure::interrupted())
            },
        )
        .expect("served");
        assert!(stopped);
    }

    #[test]
    fn lines_without_end_are_not_read_to_their_end() {
        let mut lines = BufReader::new(std::io::repeat(b'x'));
        assert_eq!(line_of(&mut lines), None);
    }
}
