//! The threads that work: engine, index, writer, I/O worker, puller. The ring gives them commands
//! and hears of them in events.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::engine_thread::{self, EngineThread, Task};
use super::indexer::{self, Indexer};
use super::io_worker::{self, IoWorker};
use super::reports;
use super::shared::{Shared, guarded};
use crate::app::{
    self, Command, Event, Generation, IoCommand, Millis, PullEvent, State, WriteCommand,
};
use crate::base::failure::io_failure;
use crate::base::text::truncated;
use crate::base::{Cancel, CancelSource, Failure, Result};
use crate::jobs::Request;
use crate::jobs::check::{Check, CheckStep, Checked};
use crate::jobs::commit;
use crate::patch::{self, UndoDir, UndoRequest};
use crate::registry::Puller;

/// Time between two words about a check.
const TELLING: Duration = Duration::from_millis(120);

/// The threads and the ways to them.
pub struct Workers {
    shared: Arc<Shared>,
    events: Sender<Event>,
    engine: Sender<Task>,
    index: Sender<bool>,
    io_worker: Option<Sender<IoCommand>>,
    writer: Option<Sender<(WriteCommand, Cancel)>>,
    puller: Option<Sender<(String, Cancel)>>,
    job: CancelSource,
    load: CancelSource,
    pull: CancelSource,
    check: CancelSource,
    /// Cancels the hooks of a commit.
    hooks: CancelSource,
    building: CancelSource,
    embedding: CancelSource,
    running: Option<Generation>,
    /// Threads whose work must be finished before the process ends.
    to_finish: Vec<JoinHandle<()>>,
}

/// Whoever has the terminal, the state and the workers.
pub(super) trait TerminalOwner {
    /// The state, the workers, and the time.
    fn parts(&mut self) -> (&mut State, &mut Workers, Millis);

    /// Carries out what only the owner of the terminal can do; returns what came of it at once.
    fn at_terminal(&mut self, command: Command) -> Option<Event>;

    /// Carries commands out in order; what they report at once is taken in after them.
    fn carry_out(&mut self, commands: Vec<Command>) {
        let mut waiting: VecDeque<Command> = commands.into();
        while let Some(command) = waiting.pop_front() {
            let Some(command) = self.parts().1.carry_out(command) else {
                continue;
            };
            if let Some(event) = self.at_terminal(command) {
                let (state, _, now) = self.parts();
                waiting.extend(app::update(state, event, now));
            }
        }
    }
}

impl Workers {
    /// Starts the threads.
    pub fn start(
        shared: Arc<Shared>,
        puller: Option<Puller>,
        events: Sender<Event>,
    ) -> Result<Self> {
        let (engine, engine_tasks) = unbounded();
        let (index, index_tasks) = unbounded();
        let (io_worker, io_commands) = unbounded();
        let (writer, writer_commands) = unbounded();
        let (building, embedding) = (CancelSource::new(), CancelSource::new());
        let hooks = CancelSource::new();
        let mut to_finish = Vec::new();
        let thread = EngineThread::new(Arc::clone(&shared), events.clone());
        spawn("engine", move || {
            engine_thread::serve(thread, &engine_tasks)
        })?;
        {
            let indexer = Indexer {
                shared: Arc::clone(&shared),
                wishes: index_tasks,
                events: events.clone(),
                building: building.clone(),
                embedding: embedding.clone(),
            };
            spawn("indexer", move || indexer::serve(&indexer))?;
        }
        {
            let io_worker = IoWorker::new(Arc::clone(&shared), events.clone());
            to_finish.push(spawn("io-worker", move || {
                io_worker::serve(io_worker, &io_commands)
            })?);
        }
        {
            let (shared, events) = (Arc::clone(&shared), events.clone());
            to_finish.push(spawn("writer", move || {
                write(&shared, &writer_commands, &events)
            })?);
        }
        let pulls = match puller {
            None => None,
            Some(puller) => {
                let (pulls, pull_tasks) = bounded(1);
                let events = events.clone();
                spawn("puller", move || fetch(puller, &pull_tasks, &events))?;
                Some(pulls)
            }
        };
        Ok(Self {
            shared,
            events,
            engine,
            index,
            io_worker: Some(io_worker),
            writer: Some(writer),
            puller: pulls,
            job: CancelSource::new(),
            load: CancelSource::new(),
            pull: CancelSource::new(),
            check: CancelSource::new(),
            hooks,
            building,
            embedding,
            running: None,
            to_finish,
        })
    }

    /// Carries a command out, or has it carried out. A command that needs the terminal is not
    /// for workers and is given back.
    pub fn carry_out(&mut self, command: Command) -> Option<Command> {
        match command {
            Command::StartJob {
                generation,
                request,
            } => self.start_job(generation, request),
            Command::Cancel { generation } => {
                // A cancel that comes late must not hit the job after.
                if self.running == Some(generation) {
                    self.job.cancel();
                }
            }
            Command::Io(IoCommand::Preview {
                generation,
                request,
            }) => self.preview(generation, request),
            Command::LoadModel { name, choose } => {
                self.load.cancel();
                let cancel = self.load.token();
                self.to_engine(Task::Load {
                    name,
                    choose,
                    cancel,
                });
            }
            Command::CancelLoad => self.load.cancel(),
            Command::ResetEngine { private } => self.to_engine(Task::Reset { private }),
            Command::CountTokens { texts } => self.to_engine(Task::Count(texts)),
            Command::Reindex { rebuild } => {
                // What is under way is finished first: changes that come all the time would
                // otherwise keep a long build from ever coming to its end.
                if rebuild {
                    self.building.cancel();
                }
                self.embedding.cancel();
                let _ = self.index.send(rebuild);
            }
            Command::Pull { name } => self.start_pull(name),
            Command::CancelPull => self.pull.cancel(),
            Command::Write(command) => self.to_writer(command),
            Command::RunCheck {
                block,
                change,
                applied,
            } => self.start_check(block, change, applied),
            Command::CancelCheck => self.check.cancel(),
            Command::CancelCommit => self.hooks.cancel(),
            Command::Io(command) => self.to_io_worker(command),
            other => return Some(other),
        }
        None
    }

    fn start_job(&mut self, generation: Generation, request: Box<Request>) {
        self.running = Some(generation);
        self.shared.busy.store(true, Ordering::Release);
        self.embedding.cancel();
        let cancel = self.job.token();
        self.to_engine(Task::Job {
            generation,
            request,
            cancel,
        });
    }

    fn preview(&self, generation: Generation, request: Box<Request>) {
        // While a job has the engine, the I/O worker answers with an estimate.
        if self.shared.busy.load(Ordering::Acquire) || !self.shared.loaded.load(Ordering::Acquire) {
            self.to_io_worker(IoCommand::Preview {
                generation,
                request,
            });
        } else {
            self.to_engine(Task::Preview {
                generation,
                request,
            });
        }
    }

    /// Takes in that a job has returned.
    pub fn job_done(&mut self, generation: Generation) {
        if self.running == Some(generation) {
            self.running = None;
        }
    }

    fn to_engine(&self, task: Task) {
        let _ = self.engine.send(task);
    }

    fn to_io_worker(&self, command: IoCommand) {
        if let Some(io_worker) = &self.io_worker {
            let _ = io_worker.send(command);
        }
    }

    fn to_writer(&self, command: WriteCommand) {
        if let Some(writer) = &self.writer {
            let _ = writer.send((command, self.hooks.token()));
        }
    }

    fn start_pull(&self, name: String) {
        let sent = self
            .puller
            .as_ref()
            .is_some_and(|p| p.try_send((name.clone(), self.pull.token())).is_ok());
        if !sent {
            let failure = if self.puller.is_some() {
                Failure::usage("another model is being fetched")
            } else {
                Failure::environment("no model can be fetched from here")
                    .because("the process that may use the network could not be started")
                    .hint(format!("in another terminal: homebody models pull {name}"))
            };
            self.later(Event::Pull(PullEvent::Failed { name, failure }));
        }
    }

    fn start_check(
        &mut self,
        block: crate::app::BlockId,
        change: Box<patch::Change>,
        applied: bool,
    ) {
        let (shared, events, cancel) = (
            Arc::clone(&self.shared),
            self.events.clone(),
            self.check.token(),
        );
        let started = spawn("check", move || {
            let mut told = Instant::now();
            let mut tell = |what: String| {
                // A screen is read a few times a second, at most.
                if told.elapsed() >= TELLING {
                    told = Instant::now();
                    let _ = events.try_send(Event::Checking { block, what });
                }
            };
            let result = guarded(|| check(&shared, &change, applied, &cancel, &mut tell));
            let _ = events.send(Event::Checked { block, result });
        });
        match started {
            // What it has started must be ended before the end.
            Ok(thread) => self.to_finish.push(thread),
            Err(failure) => self.later(Event::Checked {
                block,
                result: Err(failure),
            }),
        }
    }

    /// Tells something without waiting: the ring itself is the reader.
    fn later(&self, event: Event) {
        let events = self.events.clone();
        if let Err(crossbeam_channel::TrySendError::Full(event)) = events.try_send(event) {
            thread::spawn(move || events.send(event));
        }
    }

    /// Cancels what runs and waits for what must not be cut off: files being written. The
    /// receiver of events must be gone before, so that nobody waits for it.
    pub fn finish(mut self) {
        for source in [
            &self.job,
            &self.load,
            &self.pull,
            &self.check,
            &self.hooks,
            &self.building,
            &self.embedding,
        ] {
            source.cancel();
        }
        self.io_worker = None;
        self.writer = None;
        for thread in self.to_finish.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Starts a named thread.
fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|e| io_failure("no thread can be started", &e))
}

/// Carries out the commands that write, until nobody can send any.
fn write(shared: &Shared, commands: &Receiver<(WriteCommand, Cancel)>, events: &Sender<Event>) {
    let root = shared.workspace.repo.root();
    let undo = UndoDir::of(&shared.workspace.places);
    while let Ok((command, cancel)) = commands.recv() {
        let event = match command {
            WriteCommand::Apply { block, change } => Event::Applied {
                block,
                result: guarded(|| patch::write::apply(root, &change, &undo)),
            },
            WriteCommand::Stage { block, change } => Event::Staged {
                block,
                result: guarded(|| commit::stage(&shared.workspace.repo, &change)),
            },
            WriteCommand::PlanCommit { block, change } => Event::CommitPlanned {
                block,
                result: guarded(|| commit::plan(&shared.workspace.repo, &change)),
            },
            WriteCommand::Commit {
                block,
                change,
                message,
                hooks,
            } => {
                let workspace = &shared.workspace;
                let asked = commit::Committing {
                    repo: &workspace.repo,
                    place: &workspace.places.check,
                    change: &change,
                    message: &message,
                    hooks,
                    allowed: &workspace.allowance,
                };
                // Hooks have the time of checks, and end with the program.
                let mut tell = |what| {
                    let _ = events.try_send(Event::Committing { block, what });
                };
                let result = guarded(|| commit::commit(&asked, &cancel, &mut tell));
                Event::Committed { block, result }
            }
            WriteCommand::Undo { own } => match guarded(|| patch::undo::last(&undo)) {
                Ok(Some(last)) if last.own && own != Some(last.number) => {
                    let age = last.time.and_then(|time| time.elapsed().ok());
                    let age = age.map(|age| age.as_secs());
                    Event::UndoAsked { last, age }
                }
                _ => Event::Undone(guarded(|| {
                    patch::undo::undo(root, &undo, &UndoRequest::LAST)
                })),
            },
            WriteCommand::UndoRecord(number) => Event::Undone(guarded(|| {
                let request = UndoRequest {
                    number: Some(number),
                    ..UndoRequest::LAST
                };
                patch::undo::undo(root, &undo, &request)
            })),
            WriteCommand::WriteInit => Event::InitWritten(guarded(|| reports::init(shared, &undo))),
        };
        // Nobody hears at the end, and what is asked is still done.
        let _ = events.send(event);
    }
}

/// Fetches models until nobody can ask for any.
fn fetch(mut puller: Puller, tasks: &Receiver<(String, Cancel)>, events: &Sender<Event>) {
    while let Ok((name, cancel)) = tasks.recv() {
        let fetched = guarded(|| {
            puller.pull(&name, &cancel, &mut |p| {
                let _ = events.send(Event::Pull(PullEvent::Progress {
                    name: name.clone(),
                    stage: p.stage.clone(),
                    done: p.done,
                    total: p.total,
                    rate: p.rate,
                    resumed: p.resumed,
                }));
            })
        });
        let event = match fetched {
            Ok(_) => PullEvent::Done { name },
            Err(failure) => PullEvent::Failed { name, failure },
        };
        if events.send(Event::Pull(event)).is_err() {
            return;
        }
    }
}

/// Runs the user's check.
fn check(
    shared: &Shared,
    change: &patch::Change,
    applied: bool,
    cancel: &Cancel,
    tell: &mut dyn FnMut(String),
) -> Result<Checked> {
    let workspace = &shared.workspace;
    let command = workspace.config.check.value.as_ref().ok_or_else(|| {
        Failure::usage("no check command is set")
            .hint("put one into config.toml: check = \"cargo check\"")
    })?;
    let asked = Check {
        command,
        repo: &workspace.repo,
        place: &workspace.places.check,
        change,
        applied,
        allowed: &workspace.allowance,
    };
    let mut before = shared.before.lock().unwrap_or_else(PoisonError::into_inner);
    let mut run = "with the change";
    crate::jobs::check::check(&asked, &mut before, cancel, &mut |step| match step {
        CheckStep::Copied(files) => tell(format!("copying the repository: {files} files")),
        CheckStep::Begins { changed: true } => {}
        CheckStep::Begins { changed: false } => run = "without it",
        CheckStep::Line(line) => tell(format!("{run}: {}", truncated(line, 200))),
    })
}
