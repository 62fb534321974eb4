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
    self, Command, EngineEvent, EngineFacts, Event, Fit, IndexEvent, Key, ModelRow, Options,
    PullEvent, State,
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
            paths: Arc::new(paths),
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
                let letter = LETTERS.iter().find(|(_, role)| {
                    let mut probe = Buffer::empty(Rect::new(0, 0, 1, 1));
                    probe.set_style(probe.area, theme.style(Role::Text));
                    probe.set_style(probe.area, theme.style(*role));
                    probe[(0, 0)].style() == style
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

const CODE: &str = "fn check_symlink_loop(path: &Path) -> Result<(), Error> {\n    let handle = \
    Handle::from_path(path)?;\n    for ancestor in ancestors(path) {\n        if same(&handle, \
    ancestor) {\n            return Err(Error::Loop);\n        }\n    }\n    Ok(())\n}\n";

fn context() -> Context {
    let excerpt = |id, name: &str, from, to, why, symbol: Option<&str>, tokens| Excerpt {
        frame: Vec::new(),
        id,
        path: path(name),
        range: LineRange::new(from, to),
        text: CODE.into(),
        symbol: symbol.map(str::to_owned),
        why,
        tokens,
    };
    Context {
        excerpts: vec![
            excerpt(
                1,
                "crates/ignore/src/walk.rs",
                1480,
                1502,
                Why::Search,
                Some("check_symlink_loop"),
                412,
            ),
            excerpt(
                2,
                "crates/ignore/src/walk.rs",
                1102,
                1102,
                Why::Definition,
                None,
                1260,
            ),
            excerpt(3, "README.md", 1, 30, Why::Mention, None, 88),
        ],
        left_out: vec![
            LeftOut {
                path: path("crates/ignore/src/dir.rs"),
                range: Some(LineRange::new(10, 900)),
                tokens: 9_120,
                reason: "does not fit".into(),
            },
            LeftOut {
                path: path("assets/logo.png"),
                range: None,
                tokens: 0,
                reason: "binary".into(),
            },
        ],
        map: String::new(),
        past: None,
        rules: Some((path("AGENTS.md"), "Write plainly.\n".into())),
        tokens: 1_760,
        budget: 2_000,
        index_complete: true,
    }
}

const ANSWER: &str = "A loop is caught before a directory is read: `check_symlink_loop` walks up \
    the chain of open ancestors and compares device and inode [1]. The error is reported as an \
    entry, and the walk goes on [2].\n\n```rust src/walk.rs:1480-1482\nfn \
    check_symlink_loop(graph: &Ancestors, child_path: &Path, depth: usize) -> Result<(), Error> \
    {\n\tlet hchild = Handle::from_path(child_path)?;\n}\n```\n\n- **device** and *inode* are \
    compared\n- a link to itself is one, too\n";

fn sources() -> Vec<Source> {
    let source = |id, start, end| Source {
        id,
        path: path("crates/ignore/src/walk.rs"),
        start,
        end,
        cited: true,
    };
    vec![source(1, 1480, 1502), source(2, 1102, 1102)]
}

fn turn(answer: &str) -> Turn {
    Turn {
        request: "and now?".into(),
        sent: String::new(),
        answer: answer.into(),
        sources: Vec::new(),
    }
}

/// A question is answered in full.
fn answered(screen: &mut Screen, answer: &str) {
    screen.say("why does a symlink loop not hang the walk?");
    screen.told(Told::Context {
        version: 1,
        context: context(),
    });
    screen.told(Told::Prefill {
        done: 1_870,
        total: 1_870,
        cached: 0,
        rate: 92.0,
    });
    screen.wait(400);
    screen.told(Told::Token {
        text: answer.to_owned(),
    });
    screen.wait(2_000);
    for source in sources() {
        screen.told(Told::Source(source));
    }
    screen.told(Told::Usage(Usage {
        prompt_tokens: 1_870,
        cached_tokens: 0,
        generated_tokens: 110,
        prefill_s: 20.0,
        decode_s: 10.0,
        drafted_tokens: 0,
        accepted_tokens: 0,
    }));
    screen.done(Ok(Answer::Ask {
        turn: Turn {
            request: "why does a symlink loop not hang the walk?".into(),
            sent: "…".into(),
            answer: answer.to_owned(),
            sources: sources(),
        },
        context: context(),
        stopped: false,
    }));
}

/// A patch of two files is planned.
fn planned(screen: &mut Screen) {
    screen.say("/patch keep the path in the error");
    screen.told(Told::Context {
        version: 1,
        context: context(),
    });
    let before: String = (1..=40)
        .map(|n| match n {
            10 => "fn check(path: &Path) -> Result<()> {\n".to_owned(),
            12 => "    open(path).map_err(|e| e.into())?;\n".to_owned(),
            30 => "    close(path);\n".to_owned(),
            n => format!("    // line {n}\n"),
        })
        .collect();
    let after = before
        .replace("|e| e.into()", "|e| Error::from(e).with_path(path)")
        .replace("    close(path);\n", "    close(path);\n    log(path);\n");
    screen.done(Ok(Answer::Patch {
        change: Change {
            files: vec![
                FileChange {
                    path: path("src/walk.rs"),
                    renamed_to: None,
                    before: Some(before),
                    after: Some(after),
                },
                FileChange {
                    path: path("src/log.rs"),
                    renamed_to: None,
                    before: None,
                    after: Some("pub fn log(path: &Path) {}\n".into()),
                },
            ],
        },
        prose: "The error now carries the path, and closing is logged.".into(),
        troubles: vec!["src/old.rs: the old lines do not stand in the file".into()],
        context: context(),
        stopped: false,
    }));
}

fn finding(severity: Severity, file: &str, line: u32, title: &str) -> Finding {
    Finding {
        path: path(file),
        line,
        side: DiffKind::Added,
        severity,
        category: "bug".into(),
        quote: "x".into(),
        title: title.into(),
        reason: "On Windows the handle is closed before the error is made, so the path is lost. \
                 Keep a copy of it."
            .into(),
        verified: severity != Severity::Note,
        rule: None,
        suggestion: None,
    }
}

fn findings() -> Vec<Finding> {
    vec![
        finding(
            Severity::Error,
            "src/walk.rs",
            1482,
            "the error loses its path on Windows",
        ),
        finding(
            Severity::Warning,
            "src/types.rs",
            88,
            "unwrap on user input",
        ),
        finding(
            Severity::Note,
            "crates/ignore/src/a/very/long/way/down/to/lib.rs",
            12,
            "doc comment names the old function, which was renamed long ago and is no more",
        ),
    ]
}

fn model(name: &str, gigabytes: u64, fit: Fit) -> ModelRow {
    ModelRow {
        name: name.into(),
        about: "answers well about code".into(),
        bytes: gigabytes * 1_000_000_000,
        memory: gigabytes * 1_300_000_000,
        free: 6_100_000_000,
        fit,
        installed: false,
        partial: 0,
        from: "huggingface.co/example/model-GGUF".into(),
        license: "Apache-2.0".into(),
        recommended: false,
    }
}

fn models() -> Vec<ModelRow> {
    vec![
        ModelRow {
            recommended: true,
            ..model("qwen3.5-4b", 3, Fit::Yes)
        },
        ModelRow {
            partial: 400_000_000,
            ..model("qwen3.5-2b", 2, Fit::Yes)
        },
        ModelRow {
            installed: true,
            ..model("starter", 1, Fit::Yes)
        },
        model("qwen3-coder-30b", 19, Fit::No),
        model("something-new", 2, Fit::Unsupported),
    ]
}

macro_rules! seen {
    ($name:literal, $text:expr) => {
        insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!($name, $text);
        });
    };
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
    screen.keys(&["2"]);
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

#[test]
fn an_answer_on_its_way() {
    let mut screen = Screen::ready(SMALL);
    screen.say("why does a symlink loop not hang the walk?");
    seen!("choosing", screen.picture());
    screen.told(Told::Context {
        version: 1,
        context: context(),
    });
    screen.told(Told::Prefill {
        done: 412,
        total: 1_870,
        cached: 0,
        rate: 92.0,
    });
    screen.wait(400);
    seen!("reading", screen.looks());
    screen.told(Told::Thinking {
        text: "Hm, ".into(),
    });
    screen.wait(1_000);
    seen!("thinking_one", screen.picture());
    for _ in 0..213 {
        screen.told(Told::Thinking {
            text: "a link may point up. ".into(),
        });
    }
    screen.wait(17_000);
    seen!("thinking", screen.picture());
    screen.keys(&["enter"]);
    seen!("thinking_open", screen.picture());
    screen.keys(&["enter"]);
    for word in ["A ", "loop ", "is ", "caught ", "`befo"] {
        screen.told(Told::Token { text: word.into() });
        screen.wait(200);
    }
    seen!("writing", screen.picture());
    screen.keys(&["esc"]);
    screen.done(Err(Failure::interrupted()));
    seen!("stopped", screen.picture());
}

#[test]
fn a_thought_that_was_ended_says_so() {
    let mut screen = Screen::ready(SMALL);
    screen.say("why does a symlink loop not hang the walk?");
    screen.told(Told::Thinking {
        text: "Hm, a link may point up. ".into(),
    });
    screen.wait(9_000);
    screen.told(Told::ThinkingCut {
        tokens: 1_024,
        why: crate::jobs::Cut::Limit,
    });
    screen.told(Told::Token {
        text: "A loop is caught.".into(),
    });
    screen.wait(200);
    seen!("thinking_ended", screen.picture());
}

#[test]
fn an_answer() {
    let mut screen = Screen::ready(SMALL);
    answered(&mut screen, ANSWER);
    seen!("answer", screen.looks());
    screen.resize(40, 12);
    seen!("answer_narrow", screen.picture());
    screen.resize(12, 4);
    seen!("too_small", screen.picture());
    screen.resize(20, 5);
    seen!("smallest", screen.picture());
    screen.resize(80, 24);
    screen.keys(&["tab"]);
    seen!("reading_the_transcript", screen.picture());
}

#[test]
fn without_colours() {
    let mut screen = Screen::bare(SMALL, options(), Depth::None);
    screen.indexed();
    screen.loaded();
    answered(&mut screen, ANSWER);
    let buffer = screen.measure();
    assert!(
        buffer.content().iter().all(|cell| {
            let plain = |color| color == ratatui::style::Color::Reset;
            plain(cell.fg) && plain(cell.bg)
        }),
        "a colour is on the screen"
    );
    planned(&mut screen);
    screen.keys(&["a"]);
    seen!("no_colour", screen.looks());
}

#[test]
fn nothing_found_and_an_error() {
    let mut screen = Screen::ready(SMALL);
    screen.say("where is the frobnicator?");
    screen.told(Told::Context {
        version: 1,
        context: Context {
            budget: 2_000,
            index_complete: false,
            ..Context::default()
        },
    });
    screen.told(Told::Token {
        text: "I see no such thing.".into(),
    });
    screen.done(Ok(Answer::Ask {
        turn: turn("I see no such thing."),
        context: Context {
            budget: 2_000,
            ..Context::default()
        },
        stopped: false,
    }));
    seen!("nothing_found", screen.picture());
    screen.say("and now?");
    screen.done(Err(Failure::model(
        "the prompt takes 33,012 tokens; the context holds 32,768",
    )
    .because("the conversation so far takes 31,400 of them")
    .hint("/new begins another conversation, /drop leaves files out")));
    seen!("error", screen.looks());
}

#[test]
fn a_full_context() {
    let mut screen = Screen::ready(SMALL);
    screen.say("and now?");
    screen.told(Told::Usage(Usage {
        prompt_tokens: 30_000,
        cached_tokens: 0,
        generated_tokens: 1_000,
        prefill_s: 20.0,
        decode_s: 100.0,
        drafted_tokens: 0,
        accepted_tokens: 0,
    }));
    screen.done(Ok(Answer::Ask {
        turn: turn("So it is."),
        context: context(),
        stopped: false,
    }));
    seen!("context_full", screen.looks());
}

#[test]
fn a_patch() {
    let mut screen = Screen::ready(SMALL);
    planned(&mut screen);
    seen!("patch", screen.looks());
    screen.keys(&["n", "a", "n", "r", "n"]);
    seen!("patch_decided", screen.picture());
    screen.keys(&["c"]);
    screen.wait(3_000);
    seen!("patch_checking", screen.picture());
    let Some(block) = screen.state.checking else {
        panic!("no check runs");
    };
    screen.event(Event::Checking {
        block,
        what: format!(
            "with the change:   Compiling walk v0.1.0 {}",
            "/far".repeat(30)
        ),
    });
    seen!("patch_check_says", screen.picture());
    screen.event(Event::Checked {
        block,
        result: Ok(Checked {
            command: "cargo check".into(),
            verdict: Verdict::Failed,
            status: "exit status: 101".into(),
            before: Some(false),
            seconds: 6.0,
            notes: Vec::new(),
            output: "error[E0425]: cannot find function `log` in this scope\n --> src/walk.rs:31\n"
                .into(),
        }),
    });
    seen!("patch_failed_check", screen.looks());
    screen.keys(&["pgdn", "pgdn"]);
    seen!("patch_failed_check_foot", screen.picture());
    screen.event(Event::Checked {
        block,
        result: Ok(Checked {
            command: "cargo check".into(),
            verdict: Verdict::Passed,
            status: "exit status: 0".into(),
            before: None,
            seconds: 6.0,
            notes: Vec::new(),
            output: String::new(),
        }),
    });
    screen.keys(&["enter"]);
    screen.event(Event::Applied {
        block,
        result: Ok(Applied {
            files: vec![path("src/walk.rs")],
            record: 1,
            notes: Vec::new(),
        }),
    });
    seen!("patch_applied", screen.picture());
    screen.wait(5_000);
    screen.event(Event::Undone(Ok(Undone {
        files: vec![path("src/walk.rs")],
        left: 1,
        notes: Vec::new(),
    })));
    seen!("patch_undone", screen.picture());
}

#[test]
fn a_patch_in_other_sizes() {
    let mut screen = Screen::ready(LARGE);
    planned(&mut screen);
    screen.keys(&["A"]);
    seen!("patch_large", screen.picture());
    screen.resize(40, 12);
    seen!("patch_narrow", screen.picture());
    screen.resize(80, 24);
    screen.keys(&["n", "R"]);
    screen.text("do not log");
    seen!("patch_remark", screen.picture());
}

#[test]
fn the_cursor_of_a_patch_is_always_in_sight() {
    let mut screen = Screen::ready((80, 16));
    planned(&mut screen);
    let picture = screen.picture();
    assert!(
        picture.contains(" patch  2 files"),
        "its head comes first:\n{picture}"
    );
    for (keys, seen) in [
        (&["n"][..], "31 +     log(path);"),
        (&["n"], "pub fn log(path: &Path) {}"),
        (&["p", "p"], "@@ 9,7"),
    ] {
        screen.keys(keys);
        let picture = screen.picture();
        assert!(picture.contains(seen), "{seen} after {keys:?}:\n{picture}");
    }
    // What the person scrolls to stays.
    screen.keys(&["pgup"]);
    let before = screen.picture();
    screen.wait(100);
    assert_eq!(screen.picture(), before);
    screen.keys(&["pgdn", "pgdn"]);
    assert_ne!(screen.picture(), before);
}

#[test]
fn a_patch_that_came_to_nothing() {
    let mut screen = Screen::ready(SMALL);
    screen.say("/patch make it better");
    screen.told(Told::Context {
        version: 1,
        context: context(),
    });
    screen.told(Told::Token {
        text: "*** replace src/a.rs\n<<<<<<<\n    old();\n=======\n    new();\n".into(),
    });
    screen.wait(800);
    seen!("patch_writing", screen.looks());
    screen.done(Ok(Answer::Patch {
        change: Change::default(),
        prose: "I would change this.".into(),
        troubles: vec!["src/a.rs: the old lines do not stand in the file".into()],
        context: context(),
        stopped: false,
    }));
    seen!("patch_nothing", screen.picture());
}

#[test]
fn a_review() {
    let mut screen = Screen::ready(SMALL);
    screen.say("/review");
    screen.told(Told::Progress {
        done: 0,
        total: 4,
        path: Some(path("src/walk.rs")),
        range: None,
    });
    screen.wait(20_000);
    screen.told(Told::Progress {
        done: 1,
        total: 4,
        path: Some(path("src/types.rs")),
        range: None,
    });
    for finding in findings().into_iter().rev() {
        screen.told(Told::Finding(finding));
    }
    seen!("review_running", screen.looks());
    screen.told(Told::Note {
        text: "1 remark was dropped: what is quoted does not stand in the diff".into(),
    });
    screen.told(Told::Progress {
        done: 4,
        total: 4,
        path: None,
        range: None,
    });
    screen.done(Ok(Answer::Review {
        findings: findings(),
        unread: vec![(path("Cargo.lock"), "a lock file".into())],
        stopped: false,
    }));
    seen!("review", screen.picture());
    screen.keys(&["enter"]);
    seen!("review_reading_code", screen.picture());
    screen.event(Event::Code {
        path: path("src/walk.rs"),
        range: LineRange::new(1478, 1486),
        result: Ok(CODE.into()),
    });
    screen.keys(&["down", "d"]);
    seen!("review_open", screen.looks());
    screen.resize(40, 12);
    seen!("review_narrow", screen.picture());
}

#[test]
fn a_review_of_nothing() {
    let mut screen = Screen::ready(SMALL);
    screen.say("/review");
    screen.told(Told::Note {
        text: "nothing is staged; `git add` something first, or review with --unstaged".into(),
    });
    screen.done(Ok(Answer::Review {
        findings: Vec::new(),
        unread: Vec::new(),
        stopped: false,
    }));
    let picture = screen.picture();
    assert!(
        !picture.contains("--unstaged") && !picture.contains("found"),
        "{picture}"
    );
    seen!("review_of_nothing", picture);
    screen.say("/review HEAD");
    screen.told(Told::Progress {
        done: 1,
        total: 1,
        path: None,
        range: None,
    });
    screen.done(Ok(Answer::Review {
        findings: Vec::new(),
        unread: Vec::new(),
        stopped: false,
    }));
    seen!("review_finds_nothing", screen.picture());
}

#[test]
fn the_panel() {
    let mut screen = Screen::ready(LARGE);
    answered(&mut screen, ANSWER);
    screen.keys(&["ctrl-o"]);
    seen!("panel_sources", screen.picture());
    screen.keys(&["right", "down", "p", "down", "x", "down", "down"]);
    seen!("panel_context", screen.picture());
    let picture = screen.picture();
    assert_eq!(picture.matches("x drop").count(), 1, "{picture}");
    screen.resize(80, 24);
    seen!("panel_over", screen.picture());
    let mut screen = Screen::ready(LARGE);
    screen.keys(&["ctrl-o"]);
    seen!("panel_empty", screen.picture());
}

#[test]
fn overlays() {
    let mut screen = Screen::ready(SMALL);
    screen.keys(&["?"]);
    seen!("help", screen.picture());
    screen.resize(40, 12);
    seen!("help_narrow", screen.picture());
    screen.resize(80, 24);
    screen.keys(&["esc"]);
    screen.say("/search symlink loop");
    seen!("search_looking", screen.picture());
    let Some(generation) = screen.asked.iter().find_map(|command| match command {
        Command::Search { generation, .. } => Some(*generation),
        _ => None,
    }) else {
        panic!("nothing is searched");
    };
    let hit = |name: &str, symbol: Option<&str>, why: &str| Hit {
        path: path(name),
        range: LineRange::new(10, 22),
        core: LineRange::new(10, 22),
        symbol: symbol.map(|name| Symbol {
            name: name.into(),
            within: String::new(),
            kind: SymbolKind::Function,
            range: LineRange::new(10, 22),
            signature: String::new(),
        }),
        score: 1.0,
        why: why.into(),
    };
    screen.event(Event::Search {
        generation,
        result: Ok(vec![
            hit("src/walk.rs", Some("check_symlink_loop"), "name"),
            hit(
                "crates/ignore/src/a/very/long/way/down/to/the/walker/in/walk.rs",
                Some("walk"),
                "text",
            ),
            hit("README.md", None, "text"),
        ]),
    });
    screen.keys(&["down"]);
    seen!("search", screen.looks());
    screen.keys(&["esc"]);
    screen.say("/sessions");
    screen.event(Event::Sessions(Ok(vec![
        SessionEntry {
            id: "2".into(),
            title: "why does a symlink loop not hang the walk?".into(),
            turns: 1,
            changed: 999_990,
        },
        SessionEntry {
            id: "1".into(),
            title:
                "a question that is so long that it does not fit into one line of this list at all"
                    .into(),
            turns: 12,
            changed: 900_000,
        },
    ])));
    seen!("sessions", screen.picture());
    screen.keys(&["esc"]);
    screen.say("/new");
    screen.keys(&["ctrl-r"]);
    seen!("history", screen.picture());
}

#[test]
fn not_sealed() {
    let sealed = Sealed::No("this platform has no such thing".into());
    let mut screen = Screen::bare(
        SMALL,
        Options {
            sealed,
            ..options()
        },
        Depth::True,
    );
    screen.indexed();
    screen.loaded();
    seen!("not_sealed", screen.looks());
    screen.keys(&["enter"]);
    seen!("not_sealed_why", screen.picture());
    screen.keys(&["esc"]);
    screen.resize(40, 12);
    seen!("not_sealed_narrow", screen.picture());
}

#[test]
fn completions() {
    let mut screen = Screen::ready(SMALL);
    screen.text("/re");
    seen!("completion_commands", screen.looks());
    screen.keys(&["ctrl-u"]);
    screen.text("what is in @walk");
    seen!("completion_files", screen.picture());
    screen.keys(&["ctrl-u"]);
    screen.text("/");
    screen.resize(40, 12);
    seen!("completion_narrow", screen.picture());
}

#[test]
fn texts_of_all_kinds() {
    let mut screen = Screen::ready(SMALL);
    let wide = "漢字かな交じり文は二桁の幅を取る。".repeat(3);
    let code = "x".repeat(120);
    answered(
        &mut screen,
        &format!(
            "{wide}\n\ne\u{301}tude, \u{5e9}\u{5dc}\u{5d5}\u{5dd} and \u{645}\u{631}\u{62d}\u{628}\u{627}, \
             👩\u{200d}👩\u{200d}👧 beside a\ttab.\n\n```\n\tlet {code} = 漢字;\nend\n```\n\n| name | 幅 |\n|---|---|\n| \
             漢字 | 2 |\n| e\u{301} | 1 |\n"
        ),
    );
    seen!("texts", screen.picture());
    screen.resize(41, 24);
    seen!("texts_narrow", screen.picture());
    screen.resize(80, 24);
    screen.text(
        "wie 漢字 und e\u{301} hier stehen, und das noch eine ganze Weile länger als eine Zeile",
    );
    seen!("composer_wide", screen.picture());
}

#[test]
fn the_main_screen_large() {
    let mut screen = Screen::ready(LARGE);
    answered(&mut screen, ANSWER);
    seen!("answer_large", screen.picture());
}

#[test]
fn toasts_and_questions() {
    let mut screen = Screen::ready(SMALL);
    screen.keys(&["ctrl-c"]);
    seen!("quit_once_more", screen.picture());
    screen.wait(3_000);
    screen.say("what is this?");
    screen.told(Told::Token { text: "It ".into() });
    screen.say("/quit");
    seen!("quit_sure", screen.picture());
}
