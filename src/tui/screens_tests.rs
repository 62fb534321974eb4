//! The screen in every state that was designed: events go in, a picture comes out.

use std::fmt::Write as _;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::color::Depth;
use super::theme::{Role, Theme};
use super::view::View;
use super::width::width;
use crate::app::{
    self, Command, EngineEvent, EngineFacts, Event, Fit, IndexEvent, Key, KnownFiles, ModelRow,
    Options, PullEvent, State,
};
use crate::base::seal::Sealed;
use crate::base::{Failure, LineRange, RepoPath};
use crate::context::{Context, Excerpt, LeftOut, Why};
use crate::engine::Usage;
use crate::index::{Hit, Progress, Stats, Symbol, SymbolKind};
use crate::jobs::check::{Checked, Verdict};
use crate::jobs::session::SessionEntry;
use crate::jobs::{Answer, Event as Told, Finding, Severity, Source, Turn};
use crate::patch::{Applied, Change, FileChange, Undone};
use crate::repo::{DiffKind, Head, Status};

macro_rules! seen {
    ($name:literal, $text:expr) => {
        insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!($name, $text);
        });
    };
}

#[path = "screens_answers_tests.rs"]
mod answers;
#[path = "screens_back_tests.rs"]
mod back;
#[path = "screens_diffs_tests.rs"]
mod diffs;
#[path = "screens_folds_tests.rs"]
mod folds;
#[path = "screens_over_tests.rs"]
mod over;
#[path = "screens_patches_tests.rs"]
mod patches;
#[path = "screens_sample_tests.rs"]
mod samples;
#[path = "screens_themes_tests.rs"]
mod themes;
#[path = "screens_welcome_tests.rs"]
mod welcome;

use samples::*;

/// The screen with somebody at the keys and a world that answers as it is told to.
struct Screen {
    state: State,
    view: View,
    now: u64,
    size: (u16, u16),
    /// The number of the job started last.
    job: u64,
    /// What was asked of the world last.
    asked: Vec<Command>,
}

const SMALL: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (200, 60);

impl Screen {
    /// A fresh start, nothing heard of index and model.
    fn bare(size: (u16, u16), options: Options, depth: Depth) -> Self {
        let (state, asked) = app::start(Options { size, ..options }, 0);
        let theme = Theme::load("dark", None, depth).expect("it is built in");
        let mut view = View::new(theme);
        view.today = 1_000_000;
        let mut screen = Self {
            state,
            view,
            now: 0,
            size,
            job: 0,
            asked,
        };
        screen.event(Event::Repo {
            head: Some(Head {
                branch: Some("main".into()),
                commit: None,
                detached: false,
            }),
            status: Status {
                staged: 1,
                unstaged: 2,
                untracked: 0,
                filtered: 0,
            },
        });
        screen
    }

    /// With index and model.
    fn ready(size: (u16, u16)) -> Self {
        let mut screen = Self::bare(size, options(), Depth::True);
        screen.indexed();
        screen.loaded();
        screen
    }

    fn indexed(&mut self) {
        let paths = [
            "src/app/main.rs",
            "src/walk.rs",
            "src/walk/entry.rs",
            "README.md",
        ];
        let paths = paths.iter().map(|p| path(p)).collect();
        self.event(Event::Index(IndexEvent::Ready {
            files: Arc::new(KnownFiles::new(
                paths,
                [(1_204, 40_120), (310, 9_200), (77, 2_000), (40, 1_300)]
                    .map(|(lines, bytes)| crate::index::FileSize { lines, bytes })
                    .to_vec(),
            )),
            stats: Box::new(Stats {
                files: 4,
                ..Stats::default()
            }),
            complete: true,
        }));
    }

    fn loaded(&mut self) {
        self.event(Event::Engine(EngineEvent::Ready(EngineFacts {
            name: "qwen3.5-4b".into(),
            context: 32_768,
            memory: 2_800_000_000,
            ..EngineFacts::default()
        })));
    }

    fn event(&mut self, event: Event) {
        let commands = app::update(&mut self.state, event, self.now);
        for command in &commands {
            if let Command::StartJob { generation, .. } = command {
                self.job = *generation;
            }
            if let Command::Aside { by } = command {
                self.view.aside_at_cursor(&self.state, 8 * i32::from(*by));
            }
        }
        if !commands.is_empty() {
            self.asked = commands;
        }
    }

    fn keys(&mut self, keys: &[&str]) {
        for key in keys {
            self.event(Event::Key(Key::parse(key).expect("a key")));
            self.measure();
        }
    }

    fn text(&mut self, text: &str) {
        for c in text.chars() {
            let key = Key::plain(app::Code::Char(c));
            self.event(Event::Key(key));
        }
    }

    /// Types a line and sends it.
    fn say(&mut self, text: &str) {
        self.text(text);
        if self.state.completion.is_some() {
            self.keys(&["esc"]);
        }
        self.keys(&["enter"]);
    }

    fn wait(&mut self, ms: u64) {
        self.now += ms;
        self.event(Event::Tick);
    }

    fn told(&mut self, event: Told) {
        self.event(Event::Job {
            generation: self.job,
            event: Box::new(event),
        });
    }

    fn done(&mut self, result: Result<Answer, Failure>) {
        self.event(Event::JobDone {
            generation: self.job,
            result: result.map(Box::new),
        });
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.size = (width, height);
        self.event(Event::Resize { width, height });
    }

    fn measure(&mut self) -> Buffer {
        loop {
            let area = Rect::new(0, 0, self.size.0, self.size.1);
            let mut buffer = Buffer::empty(area);
            let drawn = self.view.draw(&mut buffer, &self.state);
            if drawn.layout == self.state.layout {
                if let Some(cursor) = drawn.cursor {
                    assert!(area.contains(cursor), "the cursor is off the screen");
                }
                return buffer;
            }
            self.event(Event::Measured(drawn.layout));
        }
    }

    /// The screen as text.
    fn picture(&mut self) -> String {
        let buffer = self.measure();
        let mut out = String::new();
        for y in 0..buffer.area.height {
            let mut line = String::new();
            for (x, symbol) in row(&buffer, y) {
                assert!(
                    x + width(symbol) as u16 <= buffer.area.width,
                    "{symbol:?} is cut by the edge"
                );
                line.push_str(symbol);
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    /// The screen as text, and below each line a letter for the look of each cell.
    fn looks(&mut self) -> String {
        let buffer = self.measure();
        let theme = self.view.theme();
        let mut out = String::new();
        for y in 0..buffer.area.height {
            let (mut line, mut letters) = (String::new(), String::new());
            for (x, symbol) in row(&buffer, y) {
                line.push_str(symbol);
                let style = buffer[(x, y)].style();
                let looks = |role: Role, ground: Role| {
                    let mut probe = Buffer::empty(Rect::new(0, 0, 1, 1));
                    probe.set_style(probe.area, theme.on(ground));
                    probe.set_style(probe.area, theme.style(role));
                    probe[(0, 0)].style() == style
                };
                let letter = LETTERS.iter().find(|(_, role)| {
                    let grounds = [Role::Background, Role::Raised, Role::CodeBackground];
                    grounds.iter().any(|ground| looks(*role, *ground))
                });
                let letter = letter.map_or('?', |(letter, _)| *letter);
                letters.push_str(&letter.to_string().repeat(width(symbol).max(1)));
            }
            let _ = writeln!(out, "{}", line.trim_end());
            let letters = letters.trim_end_matches('.');
            if !letters.is_empty() {
                let _ = writeln!(out, "{letters}");
            }
        }
        out
    }
}

const LETTERS: [(char, Role); 17] = [
    ('.', Role::Text),
    ('d', Role::Dim),
    ('a', Role::Accent),
    ('u', Role::User),
    ('r', Role::Rule),
    ('S', Role::Selection),
    ('+', Role::Added),
    ('-', Role::Removed),
    ('P', Role::AddedWord),
    ('M', Role::RemovedWord),
    ('E', Role::Error),
    ('W', Role::Warning),
    ('n', Role::Note),
    ('k', Role::Ok),
    ('H', Role::Heading),
    ('c', Role::Code),
    ('b', Role::CodeBackground),
];

/// The symbols of a row with where they stand; what a wide one covers is left out.
fn row(buffer: &Buffer, y: u16) -> Vec<(u16, &str)> {
    let mut out = Vec::new();
    let mut x = 0;
    while x < buffer.area.width {
        let symbol = buffer[(x, y)].symbol();
        out.push((x, symbol));
        x += width(symbol).max(1) as u16;
    }
    out
}

fn options() -> Options {
    Options {
        folder: "ripgrep".into(),
        check: Some("cargo check".into()),
        ..Options::default()
    }
}

fn path(text: &str) -> RepoPath {
    RepoPath::new(text).expect("a path")
}

#[test]
fn the_first_frame() {
    let mut screen = Screen::bare(SMALL, options(), Depth::True);
    seen!("first_frame", screen.picture());
    let mut screen = Screen::bare(
        SMALL,
        Options {
            git: false,
            ..options()
        },
        Depth::True,
    );
    screen.indexed();
    screen.loaded();
    seen!("no_repository", screen.picture());
}

#[test]
fn no_model_yet() {
    let mut screen = Screen::bare(SMALL, options(), Depth::True);
    screen.indexed();
    screen.event(Event::Engine(EngineEvent::Missing {
        rows: models(),
        wanted: None,
    }));
    seen!("models_first", screen.looks());
    screen.resize(40, 12);
    seen!("models_first_narrow", screen.picture());
    screen.resize(80, 24);
    screen.keys(&["esc"]);
    seen!("models_later", screen.picture());
}

#[test]
fn a_download() {
    let mut screen = Screen::bare(SMALL, options(), Depth::True);
    screen.indexed();
    screen.event(Event::Engine(EngineEvent::Missing {
        rows: models(),
        wanted: None,
    }));
    screen.keys(&["2", "y"]);
    screen.event(Event::Pull(PullEvent::Progress {
        name: "qwen3.5-2b".into(),
        stage: "downloading".into(),
        done: 910_000_000,
        total: 2_000_000_000,
        rate: 11_200_000.0,
        resumed: 400_000_000,
    }));
    screen.say("what is this?");
    seen!("download", screen.picture());
    screen.resize(40, 12);
    seen!("download_narrow", screen.picture());
    screen.resize(80, 24);
    screen.event(Event::Pull(PullEvent::Failed {
        name: "qwen3.5-2b".into(),
        failure: Failure::environment("the connection was lost")
            .because("connection reset by peer")
            .hint("/models goes on from where it was"),
    }));
    seen!("download_failed", screen.picture());
}

#[test]
fn indexing_and_loading() {
    let mut screen = Screen::bare(SMALL, options(), Depth::True);
    screen.event(Event::Index(IndexEvent::Progress(Progress::Walking(812))));
    screen.loaded();
    seen!("indexing_walk", screen.picture());
    screen.event(Event::Index(IndexEvent::Progress(Progress::Reading {
        done: 0,
        total: 4_000,
    })));
    screen.wait(2_000);
    screen.event(Event::Index(IndexEvent::Progress(Progress::Reading {
        done: 1_200,
        total: 4_000,
    })));
    seen!("indexing", screen.picture());
    screen.event(Event::Engine(EngineEvent::Loading {
        name: "qwen3.5-4b".into(),
        memory: 2_800_000_000,
        fraction: 0.0,
    }));
    screen.wait(3_000);
    screen.event(Event::Engine(EngineEvent::Loading {
        name: "qwen3.5-4b".into(),
        memory: 2_800_000_000,
        fraction: 0.4,
    }));
    screen.say("what is this?");
    seen!("loading", screen.picture());
}
