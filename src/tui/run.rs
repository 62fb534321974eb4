//! The ring: what happened goes into the state, what the state wants goes to the workers, and
//! what it has become is drawn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, select};
use crossterm::event::{self as term, KeyModifiers, MouseButton, MouseEventKind};

use super::input::{self, Input, Pause};
use super::opening::{folder_name, load_theme, options, theme_wanted, today};
use super::pacer::Pacer;
use super::panic_watch::PanicWatch;
use super::shared::Shared;
use super::terminal::{self, Terminal};
use super::theme::Theme;
use super::view::View;
use super::workers::{TerminalOwner, Workers};
use super::{Start, clipboard, editor, notice, signals};
use crate::app::{
    self, Command, Copied, Event, Layout, Mouse, MouseKind, MouseTarget, Signal, State,
};
use crate::base::bug::bug;
use crate::base::text::printable_block;
use crate::base::{Failure, Result};
use crate::jobs::Workspace;

/// Events of workers that may wait.
const WAITING: usize = 1_024;
/// Events of workers taken in before a frame is drawn, at most.
const AT_ONCE: usize = 4_096;
/// Lines the wheel scrolls.
const WHEEL: i32 = 3;
/// Cells code moves sideways at once.
const ASIDE: i32 = 8;

/// Runs the screen until the user ends it.
pub fn run(start: Start) -> Result<Option<String>> {
    terminal::require()?;
    let workspace = Workspace::open(&start.dir, &start.places, &start.config)?;
    let depth = terminal::depth(workspace.config.color.value);
    let wanted = theme_wanted(&workspace, depth);
    let themes = start.places.config.join("themes");
    let put_back = workspace.put_back_interrupted().into_iter();
    let mut warnings: Vec<Failure> = put_back.map(Failure::environment).collect();
    let theme = load_theme(&wanted, &themes, depth, &mut warnings);
    let name = folder_name(workspace.repo.root());
    let title = format!("homebody · {name}");
    let mut screen = Terminal::take(&title, workspace.config.mouse.value)?;
    let options = options(&start, &workspace, name, theme.name.clone(), screen.size());
    let panic = PanicWatch::set(screen.hold());
    let clock = Instant::now();
    let (state, first) = app::start(options, 0);
    let mut view = View::new(theme);
    view.today = today();
    draw(&mut screen, &mut view, &state)?;

    let (worker_events, from_workers) = bounded(WAITING);
    let (input_events, from_input) = bounded(256);
    let (signal_events, from_signals) = bounded(16);
    signals::listen(signal_events, screen.hold())?;
    let pause = Pause::default();
    input::start(input_events, pause.clone())?;
    let shared = Shared::new(workspace, start.places, start.script, start.dir);
    let workers = Workers::start(Arc::clone(&shared), start.puller, worker_events.clone())?;
    open_grammars(&view, &worker_events);

    let mut ring = Ring {
        state,
        view,
        screen,
        workers,
        shared,
        pause,
        pacer: Pacer::default(),
        clock,
        layout: Layout::default(),
        dragging: false,
        ended_by: None,
        lost: None,
        themes,
    };
    for failure in warnings {
        ring.take_in(Event::Warning(failure));
    }
    ring.carry_out(first);
    let outcome = ring.turn(&from_workers, &from_input, &from_signals);
    let session = ring.state.session.clone();
    let lost = ring.end(from_workers, panic);
    outcome?;
    lost.map_or(Ok(session), Err)
}

/// Opens the grammars behind the first frame; a tick then shows code in colours.
fn open_grammars(view: &View, events: &Sender<Event>) {
    let (highlighter, events) = (view.highlighter().clone(), events.clone());
    // Without the thread code stays plain.
    let _ = std::thread::Builder::new()
        .name("grammars".to_owned())
        .spawn(move || {
            highlighter.open();
            let _ = events.send(Event::Tick);
        });
}

fn draw(screen: &mut Terminal, view: &mut View, state: &State) -> Result<Layout> {
    let mut layout = Layout::default();
    screen
        .draw(|frame| {
            let drawn = view.draw(frame.buffer_mut(), state);
            if let Some(cursor) = drawn.cursor {
                frame.set_cursor_position(cursor);
            }
            layout = drawn.layout;
        })
        .map_err(|e| crate::base::failure::io_failure("the terminal cannot be written", &e))?;
    Ok(layout)
}

/// The ring: the state, and all that it is fed from and acts upon.
struct Ring {
    state: State,
    view: View,
    screen: Terminal,
    workers: Workers,
    shared: Arc<Shared>,
    pause: Pause,
    pacer: Pacer,
    clock: Instant,
    layout: Layout,
    dragging: bool,
    ended_by: Option<i32>,
    lost: Option<Failure>,
    themes: std::path::PathBuf,
}

impl TerminalOwner for Ring {
    fn parts(&mut self) -> (&mut State, &mut Workers, u64) {
        let now = self.now();
        (&mut self.state, &mut self.workers, now)
    }

    fn at_terminal(&mut self, command: Command) -> Option<Event> {
        match command {
            Command::Copy(text) => Some(Event::Copied(self.copy(&text))),
            Command::CopySelection(selection) => {
                let text = self.view.text_of(selection, &self.state);
                if text.is_empty() {
                    return None;
                }
                Some(Event::Copied(self.copy(&text)))
            }
            Command::OpenEditor { purpose, editable } => {
                let root = self.shared.workspace.repo.root().to_path_buf();
                let (pause, screen) = (self.pause.clone(), &mut self.screen);
                let lent = pause.during(|| screen.lend(|| editor::open(&editable, &root)));
                let result = match lent {
                    Ok(result) => result,
                    Err(failure) => {
                        self.lost = Some(failure);
                        return None;
                    }
                };
                let (width, height) = self.screen.size();
                let now = self.now();
                // It may have been resized meanwhile; that asks for nothing to be done.
                app::update(&mut self.state, Event::Resize { width, height }, now);
                Some(Event::EditorDone { purpose, result })
            }
            Command::SetTheme { name, keep } => Some(Event::ThemeSet(self.set_theme(name, keep))),
            Command::ListThemes => Some(Event::Themes(Theme::names(Some(&self.themes)))),
            Command::Redraw => {
                self.screen.forget();
                self.pacer.input();
                None
            }
            Command::Aside { by } => {
                let by = ASIDE.saturating_mul(i32::from(by));
                self.view.aside_at_cursor(&self.state, by);
                None
            }
            Command::Notify(text) => {
                let choice = self.shared.workspace.config.notify.value;
                let var = |name: &str| std::env::var(name).unwrap_or_default();
                // A terminal that is gone is found out by the next drawing.
                let _ = self.screen.send(&notice::sequence(choice, &text, var));
                None
            }
            Command::Suspend => {
                self.suspend();
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

    fn turn(
        &mut self,
        from_workers: &Receiver<Event>,
        from_input: &Receiver<Input>,
        from_signals: &Receiver<i32>,
    ) -> Result<()> {
        self.pacer.input();
        while !self.state.quitting && self.lost.is_none() {
            let now = self.now();
            let tick = self.state.next_tick().map(|at| at.saturating_sub(now));
            // With nothing due, an hour is as good as for ever.
            let wait = [self.pacer.wait(now), tick]
                .into_iter()
                .flatten()
                .min()
                .unwrap_or(3_600_000);
            if wait > 0 {
                select! {
                    recv(from_input) -> input => if let Ok(input) = input { self.input(input); },
                    recv(from_signals) -> signal => if let Ok(signal) = signal { self.signal(signal); },
                    recv(from_workers) -> event => if let Ok(event) = event { self.report(event); },
                    default(Duration::from_millis(wait)) => {}
                }
            }
            // Everything that waits is taken in before anything is drawn; keys first.
            for _ in 0..AT_ONCE {
                if let Ok(signal) = from_signals.try_recv() {
                    self.signal(signal);
                } else if let Ok(input) = from_input.try_recv() {
                    self.input(input);
                } else if let Ok(event) = from_workers.try_recv() {
                    self.report(event);
                } else {
                    break;
                }
            }
            let now = self.now();
            if self.state.next_tick().is_some_and(|at| at <= now) {
                self.take_in(Event::Tick);
                self.pacer.stream();
            }
            if self.pacer.due(self.now()) && !self.state.quitting {
                let layout = draw(&mut self.screen, &mut self.view, &self.state)?;
                let now = self.now();
                self.pacer.drawn(now);
                if layout != self.layout {
                    self.layout = layout.clone();
                    self.take_in(Event::Measured(layout));
                    self.pacer.stream();
                }
            }
        }
        Ok(())
    }

    fn take_in(&mut self, event: Event) {
        let now = self.now();
        let commands = app::update(&mut self.state, event, now);
        self.carry_out(commands);
    }

    fn report(&mut self, event: Event) {
        if let Event::JobDone { generation, .. } = &event {
            self.workers.job_done(*generation);
        }
        self.pacer.stream();
        self.take_in(event);
    }

    fn signal(&mut self, signal: i32) {
        self.pacer.input();
        if signals::is_stop(signal) {
            self.suspend();
            return;
        }
        let Some(meaning) = signals::meaning(signal) else {
            return;
        };
        match meaning {
            Signal::Terminate | Signal::Hangup => self.ended_by = Some(signal),
            Signal::Continue => self.again(),
            Signal::Interrupt => {}
        }
        self.take_in(Event::Signal(meaning));
        if self.ended_by.is_some() {
            self.state.quitting = true;
        }
    }

    fn again(&mut self) {
        let (pause, screen) = (self.pause.clone(), &mut self.screen);
        if let Err(failure) = pause.during(|| screen.again()) {
            self.lost = Some(failure);
        }
    }

    fn suspend(&mut self) {
        let (pause, screen) = (self.pause.clone(), &mut self.screen);
        if let Err(failure) = pause.during(|| screen.lend(signals::stop)) {
            self.lost = Some(failure);
        }
        self.pacer.input();
    }

    fn input(&mut self, input: Input) {
        self.pacer.input();
        let event = match input {
            Input::Lost(failure) => {
                self.lost = Some(failure);
                return;
            }
            Input::Event(event) => event,
        };
        match event {
            term::Event::Key(key) => {
                let Some(key) = input::key(key) else { return };
                self.take_in(Event::Key(key));
            }
            term::Event::Paste(text) => self.take_in(Event::Paste(text)),
            term::Event::Resize(width, height) => self.take_in(Event::Resize { width, height }),
            term::Event::FocusGained => self.take_in(Event::Focus(true)),
            term::Event::FocusLost => self.take_in(Event::Focus(false)),
            term::Event::Mouse(mouse) => self.mouse(mouse),
        }
    }

    fn mouse(&mut self, mouse: term::MouseEvent) {
        let (column, row) = (mouse.column, mouse.row);
        let shift = mouse.modifiers.contains(KeyModifiers::SHIFT);
        let kind = match mouse.kind {
            MouseEventKind::ScrollLeft => return self.view.aside(column, row, -ASIDE),
            MouseEventKind::ScrollRight => return self.view.aside(column, row, ASIDE),
            MouseEventKind::ScrollUp if shift => return self.view.aside(column, row, -ASIDE),
            MouseEventKind::ScrollDown if shift => return self.view.aside(column, row, ASIDE),
            MouseEventKind::ScrollUp => MouseKind::Scroll(-WHEEL),
            MouseEventKind::ScrollDown => MouseKind::Scroll(WHEEL),
            MouseEventKind::Down(MouseButton::Left) => MouseKind::Down,
            MouseEventKind::Drag(MouseButton::Left) => MouseKind::Drag,
            MouseEventKind::Up(MouseButton::Left) => MouseKind::Up,
            _ => return,
        };
        let target = if self.dragging && matches!(kind, MouseKind::Drag | MouseKind::Up) {
            self.view.drag_target(column, row, &self.state)
        } else {
            self.view.target(column, row, &self.state)
        };
        match kind {
            MouseKind::Down => self.dragging = matches!(target, MouseTarget::Transcript { .. }),
            MouseKind::Up => self.dragging = false,
            _ => {}
        }
        self.take_in(Event::Mouse(Mouse {
            kind,
            column,
            row,
            target,
        }));
    }

    fn copy(&mut self, text: &str) -> Result<Copied> {
        // What is pasted somewhere must not end the paste and type.
        let text = &printable_block(text);
        let sequence = clipboard::sequence(text)?;
        self.screen
            .send(&sequence)
            .map_err(|e| crate::base::failure::io_failure("the terminal cannot be written", &e))?;
        Ok(Copied {
            chars: text.chars().count(),
            ways: vec!["the terminal (OSC 52)".to_owned()],
        })
    }

    fn set_theme(&mut self, name: String, keep: bool) -> Result<String> {
        let depth = self.view.theme().depth;
        let mut theme = Theme::load(&name, Some(&self.themes), depth)?;
        theme.ascii = self.view.theme().ascii;
        self.view.set_theme(theme);
        self.pacer.input();
        if keep {
            super::settings::keep_theme(&self.shared.places, &name)?;
        }
        Ok(name)
    }

    /// Gives the terminal back, waits for what must be finished, and ends the process if a signal
    /// asked for it. Returns why the terminal was lost, if it was.
    fn end(self, from_workers: Receiver<Event>, panic: PanicWatch) -> Option<Failure> {
        let Self {
            screen,
            workers,
            ended_by,
            lost,
            ..
        } = self;
        drop(screen);
        drop(from_workers);
        workers.finish();
        panic.lift();
        if let Some(signal) = ended_by {
            signals::end_by(signal);
        }
        lost
    }
}
