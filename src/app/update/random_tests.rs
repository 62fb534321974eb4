//! Whatever is pressed, in whatever order things come: no panic, and what must hold holds.

use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation as _;

use super::*;
use crate::app::sample::*;
use crate::app::{
    BlockPart, Code, Focus, Key, Mouse, MouseKind, MouseTarget, Overlay, PatchRow, Scroll, Spot,
};
use crate::base::LineRange;
use crate::index::Hit;
use crate::jobs::commit::Committed;
use crate::jobs::{self, Answer, Preview};
use crate::patch::{Applied, Undoable, Undone};
use crate::repo::{CommitPlan, NewCommit};

/// What the world may do.
#[derive(Debug, Clone)]
enum Happening {
    Key(Key),
    Paste(String),
    Mouse(MouseKind, MouseTarget),
    Measure(u16, u16, u32),
    Wait(u64),
    /// The world answers what was asked of it, well or not.
    Answer(bool),
    Job(u8),
    Focus(bool),
}

fn key() -> impl Strategy<Value = Key> {
    let codes = vec![
        Code::Enter,
        Code::Tab,
        Code::Backspace,
        Code::Delete,
        Code::Left,
        Code::Right,
        Code::Up,
        Code::Down,
        Code::Home,
        Code::End,
        Code::PageUp,
        Code::PageDown,
        Code::Esc,
        Code::F(1),
        Code::F(2),
        Code::F(3),
        Code::F(6),
    ];
    let letters: Vec<char> = "abcdefghijknprstwxyACRG<>[]{}/@?! 1239日\u{301}👩"
        .chars()
        .collect();
    prop_oneof![
        4 => prop::sample::select(codes).prop_map(Key::plain),
        5 => prop::sample::select(letters).prop_map(Key::char),
        2 => prop::sample::select("agkluwyrpneo_".chars().collect::<Vec<_>>()).prop_map(Key::ctrl),
        1 => (any::<char>(), any::<bool>(), any::<bool>())
            .prop_map(|(c, ctrl, alt)| Key::new(Code::Char(c), ctrl, alt, false)),
    ]
}

fn target() -> impl Strategy<Value = MouseTarget> {
    let part = prop_oneof![
        Just(BlockPart::Text),
        Just(BlockPart::Thinking),
        (0..4u32).prop_map(BlockPart::Source),
        (0..3usize).prop_map(BlockPart::Code),
        (0..3usize).prop_map(BlockPart::PatchFile),
        (0..4usize).prop_map(BlockPart::Hunk),
        (0..3usize).prop_map(BlockPart::Finding),
    ];
    prop_oneof![
        4 => (0..20u64, 0..12u32, part).prop_map(|(block, line, part)| MouseTarget::Transcript {
            spot: Spot { block: BlockId(block), line, column: 3 },
            part,
        }),
        1 => (0..30usize).prop_map(MouseTarget::Composer),
        1 => (0..6usize).prop_map(MouseTarget::Completion),
        1 => (0..6usize).prop_map(MouseTarget::PanelRow),
        1 => (0..6usize).prop_map(MouseTarget::OverlayRow),
        1 => prop::sample::select(vec![
            MouseTarget::Nothing, MouseTarget::Beyond(-1), MouseTarget::Beyond(1), MouseTarget::Panel,
            MouseTarget::Overlay, MouseTarget::Seal, MouseTarget::Model, MouseTarget::ContextFigure, MouseTarget::Help,
        ]),
    ]
}

fn step() -> impl Strategy<Value = Happening> {
    let texts = vec![
        "why?",
        "/patch fix it",
        "/review",
        "/message",
        "/models",
        "/theme",
        "/sessions",
        "/search x",
        "/context x",
        "/new",
        "/private",
        "/resume",
        "/add src/lib.rs",
        "/doctor",
        "@src/w",
        "a\nb\tc",
        "\u{1b}[2J日本",
        "/model small",
        "/help",
        "/drop README.md",
        "/undo",
        "/nope",
        "/again",
        "/again large",
        "/back",
        "/fork",
    ];
    let kinds = vec![
        MouseKind::Down,
        MouseKind::Up,
        MouseKind::Drag,
        MouseKind::Scroll(-3),
        MouseKind::Scroll(3),
    ];
    prop_oneof![
        12 => key().prop_map(Happening::Key),
        4 => prop::sample::select(texts).prop_map(|text| Happening::Paste(text.to_owned())),
        4 => Just(Happening::Key(Key::plain(Code::Enter))),
        3 => (prop::sample::select(kinds), target()).prop_map(|(kind, at)| Happening::Mouse(kind, at)),
        2 => (1..120u16, 0..30u16, 0..20u32).prop_map(|(w, r, h)| Happening::Measure(w, r, h)),
        1 => (0..9_000u64).prop_map(Happening::Wait),
        5 => any::<bool>().prop_map(Happening::Answer),
        4 => (0..6u8).prop_map(Happening::Job),
        1 => any::<bool>().prop_map(Happening::Focus),
    ]
}

/// What the worker of a command would report.
fn report(command: &Command, well: bool) -> Option<Event> {
    let trouble = || Failure::environment("it did not work");
    let sure = |event: Event, failed: Event| Some(if well { event } else { failed });
    match command.clone() {
        Command::StartJob {
            generation,
            request,
        } => {
            let answer = match *request {
                jobs::Request::Ask(ask) => asked(&ask.question, "so"),
                jobs::Request::Patch(_) => patched(a_change()),
                jobs::Request::Review(_) => Answer::Review {
                    findings: vec![a_finding("src/walk.rs", 2)],
                    unread: Vec::new(),
                    stopped: false,
                    failed: None,
                },
                jobs::Request::Message | jobs::Request::MessageOf(_) => Answer::Message {
                    text: "Add x".to_owned(),
                    stopped: false,
                },
            };
            let result = if well {
                Ok(Box::new(answer))
            } else {
                Err(trouble())
            };
            Some(Event::JobDone { generation, result })
        }
        Command::Io(IoCommand::Preview { generation, .. }) => {
            let result = if well {
                Ok(Box::new(Preview {
                    context: a_context(),
                    ..Preview::default()
                }))
            } else {
                Err(trouble())
            };
            Some(Event::Preview { generation, result })
        }
        Command::Io(IoCommand::Search { generation, .. }) => Some(Event::Search {
            generation,
            result: Ok(vec![Hit {
                path: path("src/walk.rs"),
                range: LineRange::new(1, 2),
                core: LineRange::new(1, 2),
                symbol: None,
                score: 1.0,
                why: String::new(),
                namesakes: 0,
            }]),
        }),
        Command::Io(IoCommand::ReadCode { path, range }) => Some(Event::Code {
            path,
            range,
            result: if well {
                Ok("code".to_owned())
            } else {
                Err(trouble())
            },
        }),
        Command::Write(WriteCommand::Apply { block, change }) => Some(Event::Applied {
            block,
            result: if well {
                Ok(Applied {
                    files: change.files.iter().map(|file| file.path.clone()).collect(),
                    record: 1,
                    notes: Vec::new(),
                })
            } else {
                Err(trouble())
            },
        }),
        Command::Write(WriteCommand::Stage { block, .. }) => Some(Event::Staged {
            block,
            result: well.then(|| vec![path("src/lib.rs")]).ok_or_else(trouble),
        }),
        Command::Write(WriteCommand::PlanCommit { block, .. }) => {
            let plan = CommitPlan {
                files: vec![path("src/lib.rs")],
                both: vec![path("src/lib.rs")],
                hooks: Vec::new(),
            };
            let result = well.then_some(plan).ok_or_else(trouble);
            Some(Event::CommitPlanned { block, result })
        }
        Command::Write(WriteCommand::Commit { block, message, .. }) => {
            let commit = NewCommit {
                id: "1a2b3c4".to_owned(),
                subject: message,
                branch: None,
            };
            let committed = Committed {
                commit,
                notes: Vec::new(),
            };
            let result = well.then_some(committed).ok_or_else(trouble);
            Some(Event::Committed { block, result })
        }
        Command::Write(WriteCommand::Undo { own: None }) => Some(Event::UndoAsked {
            last: Undoable {
                number: 1,
                time: None,
                files: vec![(path("src/lib.rs"), "changed")],
                own: true,
            },
            age: Some(60),
        }),
        Command::Write(WriteCommand::Undo { .. } | WriteCommand::UndoRecord(_)) => sure(
            Event::Undone(Ok(Undone {
                files: vec![path("src/lib.rs")],
                record: None,
                left: 0,
                notes: Vec::new(),
            })),
            Event::Undone(Err(trouble())),
        ),
        Command::OpenEditor { purpose, .. } => Some(Event::EditorDone {
            purpose,
            result: Ok(well.then(|| "edited\ntext\n".to_owned())),
        }),
        Command::Io(IoCommand::Doctor) => Some(Event::Doctor(Ok("all well".to_owned()))),
        Command::SetTheme { name, .. } => Some(Event::ThemeSet(Ok(name))),
        Command::LoadModel { name, .. } => {
            let name = name.unwrap_or_else(|| "starter".to_owned());
            sure(
                Event::Engine(super::super::EngineEvent::Ready(facts(&name))),
                Event::Engine(super::super::EngineEvent::Failed {
                    name: name.clone(),
                    failure: trouble(),
                }),
            )
        }
        Command::Pull { name } => sure(
            Event::Pull(super::super::PullEvent::Done { name: name.clone() }),
            Event::Pull(super::super::PullEvent::Failed {
                name,
                failure: trouble(),
            }),
        ),
        Command::Io(IoCommand::LoadSession { id }) => Some(Event::SessionLoaded {
            id: id.unwrap_or_default(),
            result: if well {
                Ok(Box::new(a_conversation(&[("a", "b")])))
            } else {
                Err(trouble())
            },
        }),
        _ => None,
    }
}

fn told(harness: &Harness, what: u8) -> Option<Event> {
    let generation = harness.state.job.as_ref()?.generation;
    let text = "text ".to_owned();
    let event = match what {
        0 => jobs::Event::Token { text },
        1 => jobs::Event::Thinking { text },
        2 => jobs::Event::Prefill {
            done: 3,
            total: 9,
            cached: 1,
            rate: 2.0,
        },
        3 => jobs::Event::Source(a_source(1, "src/walk.rs", true)),
        4 => jobs::Event::Finding(a_finding("src/lib.rs", 3)),
        _ => jobs::Event::Context {
            version: 1,
            context: a_context(),
        },
    };
    let event = Box::new(event);
    Some(Event::Job { generation, event })
}

/// The cursor of the list that is open, its rows, and the first that is seen.
fn list(state: &State) -> Option<(usize, usize, usize)> {
    match state.overlay.as_ref()? {
        Overlay::Models(picker) => {
            Some((picker.list.cursor, picker.list.shown.len(), picker.list.top))
        }
        Overlay::Sessions(picker) => {
            Some((picker.list.cursor, picker.list.shown.len(), picker.list.top))
        }
        Overlay::Themes(picker) => Some((picker.cursor, picker.shown.len(), picker.top)),
        Overlay::Search(picker) => Some((picker.cursor, picker.shown.len(), picker.top)),
        Overlay::Palette(picker) => Some((picker.cursor, picker.shown.len(), picker.top)),
        Overlay::History(picker) => Some((picker.cursor, picker.shown.len(), picker.top)),
        _ => None,
    }
}

#[track_caller]
fn holds(state: &State) {
    let text = state.composer.text();
    let mut ends = text
        .grapheme_indices(true)
        .map(|(i, _)| i)
        .chain([text.len()]);
    assert!(
        ends.any(|end| end == state.composer.cursor()),
        "the cursor in {text:?}"
    );
    if let Some(popup) = &state.completion {
        assert!(popup.cursor < popup.items.len());
        assert!(
            text.get(popup.range.clone()).is_some(),
            "the popup is about {text:?}"
        );
        assert_eq!(state.focus, Focus::Composer);
    }
    if let Some((cursor, rows, top)) = list(state) {
        assert!(
            cursor < rows.max(1) && top <= cursor,
            "{cursor} of {rows} from {top}"
        );
    }
    if let Some(panel) = state.panel {
        assert!(panel.top <= panel.cursor, "{panel:?}");
    }
    // Blocks stand in the order of their names, each once.
    assert!(state.blocks.windows(2).all(|two| two[0].id < two[1].id));
    for block in &state.blocks {
        match &block.body {
            Body::Patch(patch) => match patch.cursor {
                PatchRow::Hunk(at) => assert!(at < patch.hunks.len()),
                PatchRow::File(at) => assert!(at < patch.files.len().max(1)),
            },
            Body::Review(review) => {
                assert!(review.cursor < review.findings.len().max(1));
            }
            _ => {}
        }
    }
    if let Scroll::At { block, .. } = state.scroll {
        assert!(block.0 <= state.last_block);
    }
    // What runs has a block, and what waits is shown.
    if let Some(job) = &state.job {
        assert!(state.block(job.block).is_some());
    }
    for queued in &state.queue {
        assert!(state.block(queued.block).is_some());
    }
    // Whoever asks may ask anything.
    let _ = (state.activity(), state.next_tick(), state.waiting());
    let _ = (state.panel_rows(), state.overlay_title(), state.is_quiet());
}

/// Whatever was done, the log makes the same screen.
fn agrees(harness: &Harness) -> Result<(), TestCaseError> {
    let (made, shown) = harness.made_and_shown();
    let state = &harness.state;
    if state.private {
        prop_assert_eq!(made.last, 0, "nothing of it is kept");
        return Ok(());
    }
    if made.last == 0 {
        let request = |body: &Body| matches!(body, Body::User(_));
        prop_assert!(!shown.iter().any(request));
        return Ok(());
    }
    let blocks: Vec<Body> = made.blocks.into_iter().map(|(_, body)| body).collect();
    prop_assert_eq!(blocks, shown);
    prop_assert_eq!(made.turns.get(..state.turns.len()), Some(&state.turns[..]));
    let files = made.files.unwrap_or_default();
    prop_assert_eq!((&files.pinned, &files.dropped), (&state.pins, &state.drops));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn nothing_breaks_whatever_is_done(
        steps in prop::collection::vec(step(), 0..120),
        vim in any::<bool>(),
    ) {
        let mut harness = Harness::ready_with(Options {
            vim,
            check: Some("check".to_owned()),
            history: vec!["before".to_owned(), "two\nlines".to_owned()],
            ..Options::default()
        });
        let mut asked: Vec<Command> = Vec::new();
        harness.kept = vec![a_record(("a", "b"))];
        for step in steps {
            let starts = harness.state.job.as_ref().map(|job| job.generation);
            let out = match step {
                Happening::Key(key) => harness.event(Event::Key(key)),
                Happening::Paste(text) => harness.event(Event::Paste(text)),
                Happening::Mouse(kind, target) => harness.event(Event::Mouse(Mouse {
                    kind,
                    column: 0,
                    row: 0,
                    target,
                })),
                Happening::Measure(width, rows, height) => {
                    harness.measure_as(width, rows, height);
                    Vec::new()
                }
                Happening::Wait(ms) => {
                    harness.wait(ms);
                    Vec::new()
                }
                Happening::Answer(well) => {
                    let event = (!asked.is_empty())
                        .then(|| asked.remove(0))
                        .and_then(|command| report(&command, well));
                    event.map_or_else(Vec::new, |event| harness.event(event))
                }
                Happening::Job(what) => {
                    let event = told(&harness, what);
                    event.map_or_else(Vec::new, |event| harness.event(event))
                }
                Happening::Focus(focus) => harness.event(Event::Focus(focus)),
            };
            // A job is never begun while another runs.
            let begun = out.iter().filter(|c| matches!(c, Command::StartJob { .. })).count();
            prop_assert!(begun <= 1);
            if begun == 1 {
                prop_assert!(starts.is_none() || harness.state.job.as_ref().map(|j| j.generation) != starts);
            }
            asked.extend(out);
            holds(&harness.state);
        }
        harness.event(Event::Signal(Signal::Terminate));
        agrees(&harness)?;
    }

    #[test]
    fn esc_leads_back_to_quiet(steps in prop::collection::vec(step(), 0..60)) {
        let mut harness = Harness::ready();
        for step in steps {
            match step {
                Happening::Key(key) => drop(harness.event(Event::Key(key))),
                Happening::Paste(text) => drop(harness.event(Event::Paste(text))),
                Happening::Job(what) => {
                    if let Some(event) = told(&harness, what) {
                        harness.event(event);
                    }
                }
                _ => {}
            }
        }
        // Once it is quiet, Esc twice goes back.
        for _ in 0..12 {
            if !harness.state.is_quiet() {
                harness.press("esc");
            }
        }
        prop_assert!(harness.state.is_quiet(), "{:?}", harness.state.focus);
    }
}
