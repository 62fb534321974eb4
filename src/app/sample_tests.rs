//! What the tests of the state are built from: a harness that keys are pressed at, and small
//! values of what jobs tell.

use std::sync::Arc;

use super::*;
pub(super) use super::{IoCommand, WriteCommand};
use crate::base::{LineRange, RepoPath};
use crate::index::Stats;
use crate::jobs::{self, Answer, Context, Excerpt, Finding, Request, Severity, Source, Turn, Why};
use crate::patch::{Applied, Change, FileChange};
use crate::repo::DiffKind;

/// A state, a clock, and the commands that nobody carries out.
pub(super) struct Harness {
    pub state: State,
    pub now: Millis,
    /// The log of the session that goes on.
    pub log: Vec<log::Record>,
    /// The log of the session that is loaded next.
    pub kept: Vec<log::Record>,
    /// The matches that the next measuring tells.
    pub matches: Vec<crate::app::Match>,
}

impl Harness {
    /// As at the start, nothing heard yet.
    pub fn fresh(options: Options) -> Self {
        let (state, _) = start(options, 1_000);
        Self {
            state,
            now: 1_000,
            log: Vec::new(),
            kept: Vec::new(),
            matches: Vec::new(),
        }
    }

    /// A model is loaded and the index is ready.
    pub fn ready() -> Self {
        Self::ready_with(Options::default())
    }

    pub fn ready_with(options: Options) -> Self {
        let mut harness = Self::fresh(options);
        harness.event(Event::Index(indexed(&[
            "README.md",
            "src/walk.rs",
            "src/lib.rs",
            "docs/a b.md",
        ])));
        harness.event(Event::Engine(EngineEvent::Ready(facts("starter"))));
        harness.event(Event::Models(Ok(vec![
            a_model("starter", Fit::Yes, true),
            a_model("small", Fit::Yes, false),
            a_model("large", Fit::No, true),
            a_model("odd", Fit::Unsupported, true),
        ])));
        harness.event(Event::Themes(
            ["dark", "light", "terminal"].map(str::to_owned).to_vec(),
        ));
        harness.measure();
        harness
    }

    pub fn event(&mut self, event: Event) -> Vec<Command> {
        let commands = update(&mut self.state, event, self.now);
        for command in &commands {
            match command {
                Command::Io(IoCommand::NewSession) => self.log.clear(),
                Command::Io(IoCommand::GoOn) => self.log.clone_from(&self.kept),
                Command::Io(IoCommand::Log { records, .. }) => {
                    self.log.extend(records.iter().map(log::written_and_read));
                }
                _ => {}
            }
        }
        commands
    }

    /// The conversation as its log makes it, and as it is on the screen.
    pub fn made_and_shown(&self) -> (Conversation, Vec<Body>) {
        let kept = |body: &&Body| !matches!(body, Body::Welcome | Body::Download(_));
        let blocks = self.state.blocks.iter().map(|block| &block.body);
        let mut shown: Vec<Body> = blocks.filter(kept).cloned().collect();
        shown.iter_mut().for_each(log::settle);
        (log::replay(self.log.clone()), shown)
    }

    pub fn wait(&mut self, ms: Millis) {
        self.now += ms;
        self.event(Event::Tick);
    }

    /// Presses keys, as they are written in the configuration, with spaces between.
    pub fn press(&mut self, keys: &str) -> Vec<Command> {
        let mut out = Vec::new();
        for key in keys.split_whitespace() {
            let key = Key::parse(key).unwrap_or_else(|| panic!("{key} is no key"));
            out.extend(self.event(Event::Key(key)));
        }
        out
    }

    /// Types a text.
    pub fn type_text(&mut self, text: &str) -> Vec<Command> {
        let mut out = Vec::new();
        for c in text.chars() {
            out.extend(self.event(Event::Key(Key::char(c))));
        }
        out
    }

    /// Pastes a text and sends it: no popup is in the way.
    pub fn send(&mut self, text: &str) -> Vec<Command> {
        self.event(Event::Paste(text.to_owned()));
        self.press("enter")
    }

    /// Has a model fetched.
    pub fn fetch(&mut self, name: &str) -> Vec<Command> {
        self.send(&format!("/model {name}"));
        self.press("y")
    }

    /// Sends a question and gives the generation of its job.
    pub fn ask(&mut self, text: &str) -> Generation {
        started(&self.send(text)).expect("a job begins").0
    }

    pub fn job(&mut self, generation: Generation, event: jobs::Event) {
        let event = Box::new(event);
        self.event(Event::Job { generation, event });
    }

    pub fn token(&mut self, generation: Generation, text: &str) {
        let text = text.to_owned();
        self.job(generation, jobs::Event::Token { text });
    }

    pub fn done(&mut self, generation: Generation, answer: Answer) -> Vec<Command> {
        self.event(Event::JobDone {
            generation,
            result: Ok(Box::new(answer)),
        })
    }

    /// Asks, and has it answered.
    pub fn exchange(&mut self, question: &str, text: &str) -> Vec<Command> {
        let generation = self.ask(question);
        self.token(generation, text);
        self.done(generation, asked(question, text))
    }

    /// Has a patch of two files and three hunks planned; gives its block.
    pub fn planned(&mut self) -> BlockId {
        let generation = started(&self.send("/patch fix it")).expect("a job").0;
        self.done(generation, patched(a_change()));
        self.last_patch()
    }

    pub fn last_patch(&self) -> BlockId {
        let is_patch = |block: &&Block| matches!(block.body, Body::Patch(_));
        self.state
            .blocks
            .iter()
            .rfind(is_patch)
            .expect("a patch")
            .id
    }

    pub fn patch(&self, id: BlockId) -> &PatchBlock {
        match &self.state.block(id).expect("a block").body {
            Body::Patch(patch) => patch,
            other => panic!("no patch: {other:?}"),
        }
    }

    /// Has a review made with two findings; gives its block.
    pub fn reviewed(&mut self) -> BlockId {
        let generation = started(&self.send("/review")).expect("a job").0;
        for finding in [a_finding("src/walk.rs", 12), a_finding("src/lib.rs", 3)] {
            self.job(generation, jobs::Event::Finding(finding));
        }
        self.done(
            generation,
            Answer::Review {
                findings: vec![a_finding("src/walk.rs", 12), a_finding("src/lib.rs", 3)],
                unread: Vec::new(),
                stopped: false,
                failed: None,
            },
        );
        let is_review = |block: &&Block| matches!(block.body, Body::Review(_));
        self.state.blocks.iter().rfind(is_review).expect("one").id
    }

    pub fn review(&self, id: BlockId) -> &ReviewBlock {
        match &self.state.block(id).expect("a block").body {
            Body::Review(review) => review,
            other => panic!("no review: {other:?}"),
        }
    }

    /// The last answer.
    pub fn answer(&self) -> &AnswerBlock {
        let answer = |block: &'_ Block| matches!(block.body, Body::Answer(_));
        match self
            .state
            .blocks
            .iter()
            .rfind(|b| answer(b))
            .map(|b| &b.body)
        {
            Some(Body::Answer(answer)) => answer,
            _ => panic!("no answer"),
        }
    }

    /// Every block is ten rows tall, in a window of twelve rows and 80 columns.
    pub fn measure(&mut self) {
        self.measure_as(80, 12, 10);
    }

    pub fn measure_as(&mut self, width: u16, rows: u16, height: u32) {
        let heights = self.state.blocks.iter().map(|b| (b.id, height)).collect();
        self.event(Event::Measured(Layout {
            width,
            rows,
            heights,
            composer_width: 40,
            panel_rows: 4,
            overlay_rows: 5,
            overlay_total: 0,
            cursor_rows: None,
            matches: (
                self.state
                    .find
                    .as_ref()
                    .map_or_else(String::new, |f| f.words.clone()),
                self.matches.clone(),
            ),
        }));
    }

    pub fn text(&self) -> &str {
        self.state.composer.text()
    }

    pub fn toast(&self) -> &str {
        self.state.toast.as_ref().map_or("", |toast| &toast.text)
    }

    /// The texts of the errors in the transcript.
    pub fn errors(&self) -> Vec<String> {
        let text = |block: &Block| match &block.body {
            Body::Error(failure) => Some(failure.to_string()),
            _ => None,
        };
        self.state.blocks.iter().filter_map(text).collect()
    }

    /// The texts of the program's own words in the transcript.
    pub fn notes(&self) -> Vec<String> {
        let text = |block: &Block| match &block.body {
            Body::Note(note) => Some(note.text.clone()),
            _ => None,
        };
        self.state.blocks.iter().filter_map(text).collect()
    }
}

/// The job that begins, if one does.
pub(super) fn started(commands: &[Command]) -> Option<(Generation, Request)> {
    commands.iter().find_map(|command| match command {
        Command::StartJob {
            generation,
            request,
        } => Some((*generation, (**request).clone())),
        _ => None,
    })
}

/// What is copied.
pub(super) fn copy_of(commands: &[Command]) -> Option<&str> {
    commands.iter().find_map(|command| match command {
        Command::Copy(text) => Some(text.as_str()),
        _ => None,
    })
}

/// Whether one of the commands is such.
macro_rules! has {
    ($commands:expr, $pattern:pat $(if $guard:expr)?) => {
        $commands.iter().any(|command| matches!(command, $pattern $(if $guard)?))
    };
}
pub(super) use has;

pub(super) fn path(text: &str) -> RepoPath {
    RepoPath::new(text).expect("a good path")
}

pub(super) fn indexed(files: &[&str]) -> IndexEvent {
    IndexEvent::Ready {
        files: Arc::new(KnownFiles::new(
            files.iter().map(|name| path(name)).collect(),
            Vec::new(),
        )),
        stats: Box::new(Stats {
            files: files.len(),
            ..Stats::default()
        }),
        complete: true,
    }
}

pub(super) fn facts(name: &str) -> EngineFacts {
    EngineFacts {
        name: name.to_owned(),
        context: 1_000,
        memory: 5_000,
        ..EngineFacts::default()
    }
}

pub(super) fn a_model(name: &str, fit: Fit, installed: bool) -> ModelRow {
    ModelRow {
        name: name.to_owned(),
        about: format!("{name}, a model"),
        bytes: 100,
        memory: 200,
        free: 150,
        fit,
        installed,
        partial: 0,
        from: "somewhere".to_owned(),
        license: "MIT".to_owned(),
        recommended: false,
    }
}

pub(super) fn a_turn(request: &str, answer: &str) -> Turn {
    Turn {
        request: request.to_owned(),
        sent: format!("sent: {request}"),
        answer: answer.to_owned(),
        sources: Vec::new(),
        continues: false,
        whole: false,
    }
}

/// Turns as the command line keeps them, made into a conversation.
pub(super) fn a_conversation(turns: &[(&str, &str)]) -> Conversation {
    log::replay(turns.iter().map(|turn| a_record(*turn)).collect())
}

pub(super) fn a_record((request, answer): (&str, &str)) -> log::Record {
    log::Record::Turn {
        turn: Box::new(a_turn(request, answer)),
        shown: false,
    }
}

pub(super) fn has_turn(records: &[log::Record]) -> bool {
    let turn = |record: &log::Record| matches!(record, log::Record::Turn { .. });
    records.iter().any(turn)
}

pub(super) fn asked(question: &str, text: &str) -> Answer {
    Answer::Ask {
        turn: a_turn(question, text),
        context: a_context(),
        stopped: false,
    }
}

pub(super) fn an_excerpt(id: u32, name: &str, from: u32, to: u32) -> Excerpt {
    Excerpt {
        frame: Vec::new(),
        id,
        path: path(name),
        range: LineRange::new(from, to),
        text: format!("text of {name}"),
        symbol: None,
        why: Why::Search,
        tokens: 10,
    }
}

pub(super) fn a_context() -> Context {
    Context {
        told: Vec::new(),
        excerpts: vec![
            an_excerpt(1, "src/walk.rs", 1, 9),
            an_excerpt(2, "src/lib.rs", 3, 4),
        ],
        left_out: vec![crate::context::LeftOut {
            path: path("README.md"),
            range: Some(LineRange::new(1, 2)),
            tokens: 30,
            reason: "does not fit".to_owned(),
        }],
        rules: None,
        map: String::new(),
        past: None,
        tokens: 20,
        budget: 100,
        index_complete: true,
    }
}

pub(super) fn a_source(id: u32, name: &str, cited: bool) -> Source {
    Source {
        id,
        path: path(name),
        start: 1,
        end: 9,
        cited,
    }
}

pub(super) fn a_finding(name: &str, line: u32) -> Finding {
    Finding {
        path: path(name),
        line,
        side: DiffKind::Added,
        severity: Severity::Warning,
        category: "bug".to_owned(),
        quote: format!("line {line} of {name}"),
        title: format!("wrong in {name}"),
        reason: "since it is.".to_owned(),
        verified: true,
        rule: None,
        suggestion: None,
        secret: None,
    }
}

fn numbered(count: usize, changed: &[usize]) -> String {
    let line = |n: usize| {
        let word = if changed.contains(&n) { "new" } else { "old" };
        format!("{word} {n}\n")
    };
    (1..=count).map(line).collect()
}

/// A change of one file in two hunks, and of another in one.
pub(super) fn a_change() -> Change {
    let file = |name: &str, changed: &[usize]| FileChange {
        path: path(name),
        renamed_to: None,
        before: Some(numbered(40, &[])),
        after: Some(numbered(40, changed)),
    };
    Change {
        files: vec![file("src/lib.rs", &[5]), file("src/walk.rs", &[2, 30])],
    }
}

pub(super) fn patched(change: Change) -> Answer {
    Answer::Patch {
        change,
        prose: "so it is done".to_owned(),
        troubles: Vec::new(),
        context: a_context(),
        stopped: false,
    }
}

/// Has what was accepted of a patch written.
pub(super) fn written(harness: &mut Harness, id: BlockId, files: &[&str]) -> Vec<Command> {
    harness.event(Event::Applied {
        block: id,
        result: Ok(Applied {
            files: files.iter().map(|name| path(name)).collect(),
            record: 1,
            notes: Vec::new(),
        }),
    })
}
