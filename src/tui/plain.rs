//! The conversation as lines in order, for screen readers and terminals that only print: nothing is
//! drawn or moved, and the terminal itself edits the line that is typed.
//!
//! State and workers are those of the screen. A typed line becomes the keys that would do the same
//! there; what is new in the state is printed.

mod lines;
mod patch;
mod typed;
mod words;

use std::io::{self, BufRead as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, select};

use self::lines::{Lines, failure};
use super::opening::{folder_name, options};
use super::panic_watch::PanicWatch;
use super::shared::Shared;
use super::terminal::{self, Hold};
use super::theme::Theme;
use super::workers::{TerminalOwner, Workers};
use super::{Start, editor, signals};
use crate::app::{
    self, Activity, Body, Command, EngineState, Event, Focus, Overlay, PatchRow, PatchState,
    Signal, State,
};
use crate::base::bug::bug;
use crate::base::failure::io_failure;
use crate::base::seal::Sealed;
use crate::base::text::{printable, printable_block};
use crate::base::{Failure, Result};
use crate::jobs::Workspace;

/// Events of workers that may wait.
const WAITING: usize = 1_024;
/// Time without news after which it is the person's turn.
const CALM: Duration = Duration::from_millis(120);
/// The columns that the state is told of: lines are as long as they are.
const COLUMNS: (u16, u16) = (100, 1_000);

/// The things that come from the terminal.
enum Typed {
    Line(String),
    End,
}

/// Runs the conversation in lines until the user ends it. `why`: a line that says why it is in
/// lines, where nobody asked for that.
pub fn run(start: Start, why: Option<&str>) -> Result<Option<String>> {
    terminal::require()?;
    let workspace = Workspace::open(&start.dir, &start.places, &start.config)?;
    let warnings: Vec<String> = workspace.put_back_interrupted();
    let name = folder_name(workspace.repo.root());
    let mut options = options(&start, &workspace, name, "terminal".to_owned(), COLUMNS);
    // The terminal edits the line, and what stands in for keys is not the user's to change.
    options.vim = false;
    options.keys.clear();
    let hold = Arc::new(Hold::never());
    let panic = PanicWatch::set(Arc::clone(&hold));
    let (worker_events, from_workers) = bounded(WAITING);
    let (signal_events, from_signals) = bounded(16);
    signals::listen(signal_events, hold)?;
    let (wanted, from_input) = read_lines()?;
    let (state, first) = app::start(options, 0);
    let shared = Shared::new(workspace, start.places, start.script, start.dir);
    let workers = Workers::start(Arc::clone(&shared), start.puller, worker_events)?;
    let mut ring = Ring {
        state,
        workers,
        shared,
        lines: Lines::default(),
        clock: Instant::now(),
        wanted,
        asked: None,
        shown: None,
        chosen: None,
        writings: 0,
        engine: String::new(),
        news: Instant::now(),
        begun: String::new(),
        ended_by: None,
        lost: None,
    };
    ring.welcome(why);
    for warning in warnings {
        ring.take_in(Event::Warning(Failure::environment(warning)));
    }
    ring.carry_out(first);
    ring.turn(&from_workers, &from_input, &from_signals);
    let session = ring.state.session.clone();
    let lost = ring.end(from_workers, panic);
    lost.map_or(Ok(session), Err)
}

/// Reads lines on a thread, each when it is asked for: an editor that has the terminal meanwhile
/// reads alone.
fn read_lines() -> Result<(Sender<()>, Receiver<Typed>)> {
    let (wanted, asked) = bounded::<()>(1);
    let (to, lines) = bounded(1);
    std::thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || {
            for () in &asked {
                let mut line = Vec::new();
                let typed = match io::stdin().lock().read_until(b'\n', &mut line) {
                    // Bytes of another encoding are no reason to end.
                    Ok(n) if n > 0 => Typed::Line(String::from_utf8_lossy(&line).into_owned()),
                    // A terminal that is gone has come to its end, too.
                    _ => Typed::End,
                };
                if to.send(typed).is_err() {
                    break;
                }
            }
        })
        .map_err(|e| io_failure("no thread can be started", &e))?;
    Ok((wanted, lines))
}

/// The ring: the state, and all that it is fed from and acts upon.
struct Ring {
    state: State,
    workers: Workers,
    shared: Arc<Shared>,
    lines: Lines,
    clock: Instant,
    /// Asks for a line.
    wanted: Sender<()>,
    /// The prompt that waits for a line.
    asked: Option<&'static str>,
    /// The question, list or hunk that was told last, so that it is told once.
    shown: Option<String>,
    /// The hunk that was gone to by its number.
    chosen: Option<PatchRow>,
    /// Writings that were begun and are not reported yet.
    writings: usize,
    /// The state of the model that was told last.
    engine: String,
    /// Time something was heard last.
    news: Instant,
    /// Lines that end with a backslash, to be gone on with.
    begun: String,
    ended_by: Option<i32>,
    lost: Option<Failure>,
}

impl TerminalOwner for Ring {
    fn parts(&mut self) -> (&mut State, &mut Workers, u64) {
        let now = self.now();
        (&mut self.state, &mut self.workers, now)
    }

    fn at_terminal(&mut self, command: Command) -> Option<Event> {
        match command {
            Command::Copy(_) | Command::CopySelection(_) => {
                let failure = Failure::usage("nothing is copied where there are lines alone");
                Some(Event::Copied(Err(
                    failure.hint("/export FILE writes the conversation to a file")
                )))
            }
            Command::OpenEditor { purpose, editable } => {
                let root = self.shared.workspace.repo.root().to_path_buf();
                let result = editor::open(&editable, &root);
                Some(Event::EditorDone { purpose, result })
            }
            Command::SetTheme { .. } => None,
            Command::ListThemes => Some(Event::Themes(Theme::names(None))),
            Command::Redraw => {
                self.write(self.asked.unwrap_or_default());
                None
            }
            // Whoever listens hears each line.
            Command::Notify(_) | Command::Aside { .. } => None,
            Command::Suspend => {
                signals::stop();
                None
            }
            Command::Quit => {
                self.state.quitting = true;
                None
            }
            // All others were taken by a worker.
            _ => bug("a command that nobody carries out", None),
        }
    }
}

impl Ring {
    fn now(&self) -> u64 {
        self.clock.elapsed().as_millis() as u64
    }

    fn welcome(&mut self, why: Option<&str>) {
        let folder = printable(&self.state.options.folder).into_owned();
        self.lines.say(format!("homebody in {folder}"));
        if let Some(why) = why {
            self.lines.say(why);
        }
        self.lines.say(match &self.state.options.sealed {
            Sealed::Yes => "sealed: nothing leaves this machine".to_owned(),
            Sealed::No(why) => format!("not sealed, since {why}"),
        });
        self.lines.say(
            "Type a question, or /help. A line that ends with a backslash goes on. Ctrl-C stops, \
             Ctrl-D ends.",
        );
    }

    fn turn(
        &mut self,
        from_workers: &Receiver<Event>,
        from_input: &Receiver<Typed>,
        from_signals: &Receiver<i32>,
    ) {
        while !self.state.quitting && self.lost.is_none() {
            self.tell();
            let now = self.now();
            let tick = self.state.next_tick().map(|at| at.saturating_sub(now));
            let mut wait = Duration::from_millis(tick.unwrap_or(3_600_000).max(1));
            if self.asked.is_none() && self.is_calm() {
                match CALM.checked_sub(self.news.elapsed()) {
                    Some(left) if !left.is_zero() => wait = wait.min(left),
                    _ => self.ask(),
                }
            }
            select! {
                recv(from_input) -> typed => if let Ok(typed) = typed { self.typed(typed); },
                recv(from_signals) -> signal => if let Ok(signal) = signal { self.signal(signal); },
                recv(from_workers) -> event => if let Ok(event) = event { self.report(event); },
                default(wait) => {}
            }
            while let Ok(event) = from_workers.try_recv() {
                self.report(event);
            }
            let now = self.now();
            if self.state.next_tick().is_some_and(|at| at <= now) {
                self.take_in(Event::Tick);
            }
        }
        self.tell();
    }

    /// Tells whether it is the person's turn: nothing runs that says something soon.
    fn is_calm(&self) -> bool {
        if let Some(overlay) = &self.state.overlay {
            return match overlay {
                Overlay::Models(picker) => !picker.list.loading,
                Overlay::Sessions(picker) => !picker.list.loading,
                Overlay::Search(picker) => !picker.loading,
                _ => true,
            };
        }
        let writing = self.state.blocks.iter().any(
            |block| matches!(&block.body, Body::Patch(patch) if patch.state == PatchState::Applying),
        );
        let idle = matches!(
            self.state.activity(),
            Activity::Idle | Activity::Indexing { .. }
        );
        // An editor that is about to open is not to find the terminal read by somebody else.
        idle && !writing
            && self.writings == 0
            && self.state.queue.is_empty()
            && !matches!(self.state.engine, EngineState::Waiting)
    }

    /// Prints what is new.
    fn tell(&mut self) {
        let engine = match &self.state.engine {
            EngineState::Waiting | EngineState::Missing => String::new(),
            EngineState::Loading { name, .. } => format!("loading {}…", printable(name)),
            EngineState::Ready(facts) => format!("the model is {}", printable(&facts.name)),
            EngineState::Failed { name } => format!("{} is not loaded", printable(name)),
        };
        if engine != self.engine {
            if !engine.is_empty() {
                self.lines.say(engine.clone());
            }
            self.engine = engine;
        }
        let fresh = self.lines.fresh(&self.state);
        self.print(&fresh);
    }

    /// Prints lines; a prompt that waits is said again behind them.
    fn print(&mut self, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        let columns = terminal::columns();
        let mut text = String::new();
        if self.asked.is_some() {
            text.push('\n');
        }
        for line in lines {
            // All that is foreign in a line is made harmless here, wherever it came from.
            let line = printable_block(line);
            text +=
                &columns.map_or_else(|| line.to_string(), |columns| words::broken(&line, columns));
            text.push('\n');
        }
        text += self.asked.unwrap_or_default();
        self.write(&text);
    }

    fn write(&mut self, text: &str) {
        let mut out = io::stdout().lock();
        if let Err(e) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            self.lost = Some(io_failure("the terminal cannot be written", &e));
        }
    }

    /// Says what is asked, and waits for a line.
    fn ask(&mut self) {
        let prompt = self.question();
        self.tell();
        // A text was told and closed, which may ask for something else now.
        if self.lost.is_some() || !self.is_calm() {
            return;
        }
        self.write(prompt);
        self.asked = Some(prompt);
        let _ = self.wanted.try_send(());
    }

    fn typed(&mut self, typed: Typed) {
        self.asked = None;
        match typed {
            // Who ends the input has said so: as with two Ctrl-C, what is there is kept.
            Typed::End => {
                self.write("\n");
                self.take_in(Event::Signal(Signal::Terminate));
                self.state.quitting = true;
            }
            Typed::Line(line) => {
                let line = line.trim_end_matches(['\n', '\r']);
                if let Some(begun) = line.strip_suffix('\\') {
                    self.begun += begun;
                    self.begun.push('\n');
                    return self.go_on();
                }
                let whole = std::mem::take(&mut self.begun) + line;
                self.line(whole.trim());
                self.news = Instant::now();
            }
        }
    }

    /// Asks for the next line of a text.
    fn go_on(&mut self) {
        const MORE: &str = "… ";
        self.write(MORE);
        self.asked = Some(MORE);
        let _ = self.wanted.try_send(());
    }

    fn take_in(&mut self, event: Event) {
        let now = self.now();
        let loaded = matches!(event, Event::SessionLoaded { .. });
        if is_written(&event) {
            self.writings = self.writings.saturating_sub(1);
        }
        let commands = app::update(&mut self.state, event, now);
        let writes = |command: &&Command| matches!(command, Command::Write(_));
        self.writings += commands.iter().filter(writes).count();
        if loaded {
            self.lines.resumed(true);
            self.tell();
            self.lines.resumed(false);
        }
        self.carry_out(commands);
    }

    fn report(&mut self, event: Event) {
        if let Event::JobDone { generation, .. } = &event {
            self.workers.job_done(*generation);
        }
        self.news = Instant::now();
        self.take_in(event);
    }

    fn signal(&mut self, signal: i32) {
        if signals::is_stop(signal) {
            signals::stop();
            return;
        }
        let Some(meaning) = signals::meaning(signal) else {
            return;
        };
        match meaning {
            Signal::Terminate | Signal::Hangup => self.ended_by = Some(signal),
            Signal::Continue | Signal::Interrupt => {}
        }
        // The terminal throws the line away at Ctrl-C, and so what was begun before it.
        self.begun.clear();
        self.take_in(Event::Signal(meaning));
        if self.ended_by.is_some() {
            self.state.quitting = true;
        }
    }

    /// Waits for what must be finished, and ends the process if a signal asked for it. Returns why
    /// the terminal was lost, if it was.
    fn end(self, from_workers: Receiver<Event>, panic: PanicWatch) -> Option<Failure> {
        let Self {
            workers,
            ended_by,
            lost,
            ..
        } = self;
        drop(from_workers);
        workers.finish();
        panic.lift();
        if let Some(signal) = ended_by {
            signals::end_by(signal);
        }
        lost
    }

    /// The patch that has the keys and can be decided on.
    fn open_patch(&self) -> Option<&app::PatchBlock> {
        let Focus::Patch(id) = self.state.focus else {
            return None;
        };
        match self.state.block(id).map(|block| &block.body) {
            Some(Body::Patch(patch)) if patch.is_open() => Some(patch),
            _ => None,
        }
    }

    /// Tells a failure of a line that was typed.
    fn refuse(&mut self, what: &Failure) {
        for line in failure(what) {
            self.lines.say(line);
        }
    }
}

/// Tells whether an event is the report of a writing.
const fn is_written(event: &Event) -> bool {
    matches!(
        event,
        Event::Applied { .. }
            | Event::Undone(_)
            | Event::Staged { .. }
            | Event::CommitPlanned { .. }
            | Event::Committed { .. }
            | Event::InitWritten(_)
    )
}
