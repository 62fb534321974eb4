//! Tests of what workers report: index, model, downloads, sessions, repository.

use super::*;
use crate::app::sample::*;
use crate::app::{Activity, Event, Options};
use crate::repo::{Head, Status};

fn progress(progress: Progress) -> Event {
    Event::Index(IndexEvent::Progress(progress))
}

#[test]
fn indexing_says_how_far_it_is_and_how_long_it_takes() {
    let mut harness = Harness::fresh(Options::default());
    harness.event(progress(Progress::Walking(40)));
    assert!(matches!(
        harness.state.activity(),
        Activity::Indexing { left_s: None, .. }
    ));
    harness.wait(5_000);
    // The rate is that of reading.
    harness.event(progress(Progress::Reading {
        done: 0,
        total: 100,
    }));
    harness.wait(2_000);
    harness.event(progress(Progress::Reading {
        done: 50,
        total: 100,
    }));
    match harness.state.activity() {
        Activity::Indexing { rate, left_s, .. } => {
            assert!((rate - 25.0).abs() < 1e-9);
            assert_eq!(left_s, Some(2.0));
        }
        other => panic!("{other:?}"),
    }
    assert!(harness.state.next_tick().is_some(), "its figures run");
    assert_eq!(harness.state.index_usable(), (false, false));
    harness.event(progress(Progress::Writing));
    harness.event(Event::Index(indexed(&["a"])));
    assert_eq!(harness.state.index_usable(), (true, true));
    assert_eq!(harness.state.activity(), Activity::Idle);
    assert_eq!(harness.state.next_tick(), None);
}

#[test]
fn who_typed_before_the_index_was_there_is_offered_files_then() {
    let mut harness = Harness::fresh(Options::default());
    harness.type_text("what is in @wal");
    assert!(harness.state.completion.is_none());
    harness.event(Event::Index(indexed(&["src/walk.rs"])));
    assert!(harness.state.completion.is_some());
}

#[test]
fn the_making_of_vectors_is_told_while_it_lasts() {
    let mut harness = Harness::ready();
    let coverage = crate::index::Coverage { done: 3, total: 9 };
    harness.event(Event::Index(IndexEvent::Meaning(Some(coverage))));
    assert_eq!(harness.state.meaning, Some(coverage));
    assert_eq!(harness.state.activity(), Activity::Idle);
    harness.event(Event::Index(IndexEvent::Meaning(None)));
    assert_eq!(harness.state.meaning, None);
}

#[test]
fn an_older_index_is_used_while_it_is_brought_up_to_date() {
    let mut harness = Harness::fresh(Options::default());
    let mut older = indexed(&["a"]);
    if let IndexEvent::Ready { complete, .. } = &mut older {
        *complete = false;
    }
    harness.event(Event::Index(older));
    assert_eq!(harness.state.index_usable(), (true, false));
    assert_eq!(harness.state.files.paths.len(), 1);
    harness.event(progress(Progress::Walking(1)));
    assert_eq!(harness.state.index_usable(), (true, false));
    harness.event(Event::Index(IndexEvent::Failed(Failure::environment(
        "no disk",
    ))));
    assert_eq!(harness.state.index_usable(), (true, false));
    assert_eq!(harness.errors(), ["no disk"]);
    harness.event(Event::Index(indexed(&["a", "b"])));
    assert_eq!(harness.state.index_usable(), (true, true));
}

#[test]
fn a_folder_without_files_is_said() {
    let mut harness = Harness::fresh(Options::default());
    harness.event(Event::Index(indexed(&[])));
    assert!(harness.toast().contains("no files were found"));
}

#[test]
fn a_popup_that_is_open_offers_what_has_come() {
    let mut harness = Harness::fresh(Options::default());
    harness.event(Event::Index(indexed(&["walk.rs"])));
    harness.type_text("@wa");
    harness.event(Event::Index(indexed(&["walk.rs", "wander.rs"])));
    assert_eq!(
        harness
            .state
            .completion
            .as_ref()
            .map(|popup| popup.items.len()),
        Some(2)
    );
}

#[test]
fn loading_says_what_it_takes_and_how_long() {
    let mut harness = Harness::fresh(Options::default());
    let loading = |fraction| {
        Event::Engine(EngineEvent::Loading {
            name: "starter".to_owned(),
            memory: 500,
            fraction,
        })
    };
    harness.event(loading(0.0));
    harness.wait(3_000);
    harness.event(loading(0.25));
    match harness.state.activity() {
        Activity::Loading { memory, left_s, .. } => {
            assert_eq!(memory, 500);
            assert!((left_s.expect("it can be told") - 9.0).abs() < 0.01);
        }
        other => panic!("{other:?}"),
    }
    harness.event(loading(f32::NAN));
    assert!(
        matches!(harness.state.engine, EngineState::Loading { fraction, .. } if fraction == 0.0)
    );
    harness.event(Event::Engine(EngineEvent::Ready(facts("starter"))));
    assert_eq!(
        harness.state.facts().map(|facts| facts.name.as_str()),
        Some("starter")
    );
    assert_eq!(harness.state.memory, 5_000);
}

#[test]
fn a_model_that_cannot_be_loaded_is_an_error_and_what_waits_stays() {
    let mut harness = Harness::fresh(Options::default());
    harness.send("why?");
    harness.event(Event::Engine(EngineEvent::Failed {
        name: "starter".to_owned(),
        failure: Failure::model("the file is cut off"),
    }));
    assert_eq!(harness.errors(), ["the file is cut off"]);
    assert_eq!(harness.state.queue.len(), 1);
    harness.send("and?");
    assert!(
        matches!(harness.state.overlay, Some(Overlay::Models(_))),
        "sending offers another"
    );
}

fn pulled(done: u64, rate: f64) -> Event {
    Event::Pull(PullEvent::Progress {
        name: "small".to_owned(),
        stage: "downloading".to_owned(),
        done,
        total: 100,
        rate,
        resumed: 10,
    })
}

fn download(harness: &Harness) -> &crate::app::Download {
    let found = harness
        .state
        .blocks
        .iter()
        .rev()
        .find_map(|block| match &block.body {
            Body::Download(download) => Some(download),
            _ => None,
        });
    found.expect("a download")
}

#[test]
fn a_download_says_how_far_it_is_and_loads_what_has_come() {
    let mut harness = Harness::fresh(Options::default());
    harness.event(Event::Models(Ok(vec![a_model(
        "small",
        crate::app::Fit::Yes,
        false,
    )])));
    harness.fetch("small");
    harness.event(pulled(60, 20.0));
    assert_eq!(download(&harness).left_s(), Some(2.0));
    assert_eq!(download(&harness).resumed, 10);
    assert!(matches!(harness.state.activity(), Activity::Pulling { .. }));
    harness.event(Event::Focus(false));
    harness.wait(20_000);
    let out = harness.event(Event::Pull(PullEvent::Done {
        name: "small".to_owned(),
    }));
    assert_eq!(
        (download(&harness).end, download(&harness).done),
        (DownloadEnd::Done, 100)
    );
    assert!(has!(out, Command::LoadModel { name: Some(name), choose: true } if name == "small"));
    assert!(has!(out, Command::Notify(_)) && has!(out, Command::Io(IoCommand::ListModels)));
}

#[test]
fn a_download_beside_a_loaded_model_does_not_throw_it_out() {
    let mut harness = Harness::ready();
    harness.fetch("small");
    let out = harness.event(Event::Pull(PullEvent::Done {
        name: "small".to_owned(),
    }));
    assert!(!has!(out, Command::LoadModel { .. }));
    assert_eq!(harness.toast(), "small is here; /model small loads it");
}

#[test]
fn a_download_that_fails_says_why_and_late_reports_change_nothing() {
    let mut harness = Harness::ready();
    harness.fetch("small");
    harness.event(Event::Pull(PullEvent::Failed {
        name: "small".to_owned(),
        failure: Failure::environment("no network"),
    }));
    assert_eq!(download(&harness).end, DownloadEnd::Failed);
    assert_eq!(harness.errors(), ["no network"]);
    let before = harness.state.blocks.clone();
    harness.event(pulled(99, 1.0));
    assert_eq!(harness.state.blocks, before);
}

#[test]
fn what_git_says_and_what_memory_is_held_are_shown() {
    let mut harness = Harness::ready();
    let head = Head {
        branch: Some("main".to_owned()),
        commit: None,
        detached: false,
    };
    let status = Status {
        staged: 1,
        unstaged: 2,
        untracked: 3,
        filtered: 0,
    };
    harness.event(Event::Repo {
        head: Some(head.clone()),
        status,
    });
    assert_eq!(
        (&harness.state.head, harness.state.repo_status),
        (&Some(head), status)
    );
    harness.event(Event::Memory(77));
    assert_eq!(harness.state.memory, 77);
}

#[test]
fn the_start_asks_for_all_that_is_needed() {
    let (state, commands) = crate::app::start(
        Options {
            resume: Some(String::new()),
            keys: [("snd".to_owned(), vec!["ctrl-s".to_owned()])].into(),
            ..Options::default()
        },
        5,
    );
    assert!(has!(commands, Command::Reindex { rebuild: false }));
    assert!(has!(
        commands,
        Command::LoadModel {
            name: None,
            choose: false
        }
    ));
    assert!(
        has!(commands, Command::Io(IoCommand::RefreshRepo)) && has!(commands, Command::ListThemes)
    );
    assert!(has!(
        commands,
        Command::Io(IoCommand::LoadSession { id: None })
    ));
    assert_eq!(state.now, 5);
    assert!(
        state
            .blocks
            .iter()
            .any(|block| matches!(&block.body, Body::Error(_))),
        "a slip in the keys"
    );
}

#[test]
fn a_session_takes_the_place_of_the_conversation() {
    let mut harness = Harness::ready();
    harness.exchange("old?", "old");
    harness.send("/pin src/lib.rs");
    let out = harness.event(Event::SessionLoaded {
        id: "7".to_owned(),
        result: Ok(Box::new(a_conversation(&[("one?", "1"), ("two?", "2")]))),
    });
    assert_eq!(harness.state.session.as_deref(), Some("7"));
    assert_eq!(harness.state.turns.len(), 2);
    assert_eq!(harness.state.blocks.len(), 4);
    assert_eq!(harness.answer().text, "2");
    assert!(has!(out, Command::ResetEngine { private: false }));
    assert!(
        !has!(out, Command::Io(IoCommand::NewSession)),
        "what comes is added to it"
    );
    assert_eq!(harness.state.pins.len(), 1);
    assert_eq!(harness.toast(), "going on with 2 turns");
    let Some((_, crate::jobs::Request::Ask(ask))) = started(&harness.send("three?")) else {
        panic!("no question")
    };
    assert_eq!(ask.history.len(), 2);
}

#[test]
fn a_session_that_comes_in_the_middle_of_an_answer_is_left_alone() {
    let mut harness = Harness::ready();
    harness.ask("why?");
    harness.event(Event::SessionLoaded {
        id: "7".to_owned(),
        result: Ok(Box::new(a_conversation(&[("one?", "1")]))),
    });
    assert!(harness.state.turns.is_empty());
    assert!(harness.state.job.is_some());
    harness.event(Event::SessionLoaded {
        id: "7".to_owned(),
        result: Err(Failure::input("it is broken")),
    });
    assert_eq!(harness.errors(), ["it is broken"]);
}

#[test]
fn an_empty_session_shows_how_to_begin() {
    let mut harness = Harness::ready();
    harness.event(Event::SessionLoaded {
        id: "7".to_owned(),
        result: Ok(Box::new(a_conversation(&[]))),
    });
    assert!(matches!(harness.state.blocks[0].body, Body::Welcome));
}

#[test]
fn copying_says_how_it_was_done() {
    let mut harness = Harness::ready();
    harness.event(Event::Copied(Ok(Copied {
        chars: 1_234,
        ways: vec!["the terminal (OSC 52)".to_owned(), "wl-copy".to_owned()],
    })));
    assert_eq!(
        harness.toast(),
        "1,234 characters copied by the terminal (OSC 52) and wl-copy"
    );
    harness.wait(10_000);
    assert_eq!(harness.toast(), "", "a toast goes by itself");
    harness.event(Event::Copied(Err(Failure::environment("no clipboard"))));
    assert_eq!(harness.toast(), "no clipboard");
}

#[test]
fn a_first_agents_file_is_told_of_and_indexed() {
    let mut harness = Harness::ready();
    let out = harness.event(Event::InitWritten(Ok(path("AGENTS.md"))));
    assert!(harness.notes()[0].starts_with("AGENTS.md is written"));
    assert!(has!(out, Command::Reindex { .. }));
    harness.event(Event::InitWritten(Err(Failure::usage(
        "AGENTS.md is there already",
    ))));
    assert_eq!(harness.errors(), ["AGENTS.md is there already"]);
}

#[test]
fn trouble_with_saving_is_said() {
    let mut harness = Harness::ready();
    harness.event(Event::SaveFailed(Failure::environment("the disk is full")));
    harness.event(Event::ThemeSet(Err(Failure::config("no such theme"))));
    assert_eq!(harness.errors(), ["the disk is full", "no such theme"]);
}

#[test]
fn time_never_goes_back() {
    let mut harness = Harness::ready();
    harness.wait(500);
    let now = harness.state.now;
    crate::app::update(&mut harness.state, Event::Tick, 3);
    assert_eq!(harness.state.now, now);
}
