//! Tests of the choice of a model.

use super::*;
use crate::app::sample::*;
use crate::app::{EngineEvent, Event, Layout, Options};

fn list(harness: &Harness) -> &Picker<ModelRow> {
    match &harness.state.overlay {
        Some(Overlay::Models(picker)) => &picker.list,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_digit_takes_the_row_of_that_number() {
    let mut harness = Harness::ready();
    assert!(has!(
        harness.send("/models"),
        Command::Io(IoCommand::ListModels)
    ));
    assert_eq!(list(&harness).cursor, 0, "it begins at the one in use");
    // What is fetched is asked about first.
    assert!(!has!(harness.press("2"), Command::Pull { .. }));
    assert!(matches!(
        harness.state.overlay,
        Some(Overlay::Confirm { .. })
    ));
    let out = harness.press("y");
    assert!(has!(out, Command::Pull { name } if name == "small"));
    assert!(harness.state.overlay.is_none());
    harness.send("/models");
    harness.press("9");
    assert!(harness.state.overlay.is_some(), "there is no ninth");
    harness.press("0");
    assert_eq!(list(&harness).filter, "0", "no row has that number");
}

#[test]
fn behind_a_letter_digits_are_part_of_the_name() {
    let mut harness = Harness::ready();
    harness.event(Event::Models(Ok(vec![
        a_model("qwen-4b", Fit::Yes, true),
        a_model("qwen-9b", Fit::Yes, true),
    ])));
    harness.send("/models");
    assert!(harness.type_text("qwen 9").is_empty());
    assert_eq!(
        list(&harness).chosen().map(|row| row.name.as_str()),
        Some("qwen-9b")
    );
    // News keep the filter and the row.
    harness.event(Event::Models(Ok(vec![
        a_model("qwen-9b", Fit::Yes, true),
        a_model("qwen-9b-coder", Fit::Yes, true),
        a_model("other", Fit::Yes, true),
    ])));
    assert_eq!(list(&harness).filter, "qwen 9");
    assert_eq!(list(&harness).shown, [0, 1]);
    assert_eq!(
        list(&harness).chosen().map(|row| row.name.as_str()),
        Some("qwen-9b")
    );
}

#[test]
fn news_keep_the_cursor_on_its_row() {
    let mut harness = Harness::ready();
    harness.send("/models");
    harness.press("down down");
    let mut rows = harness.state.models.clone();
    rows.insert(0, a_model("newest", Fit::Yes, false));
    harness.event(Event::Models(Ok(rows)));
    assert_eq!(
        list(&harness).chosen().map(|row| row.name.as_str()),
        Some("large")
    );
}

#[test]
fn the_row_to_start_at_is_in_sight() {
    let mut harness = Harness::ready();
    let mut rows: Vec<ModelRow> = (0..20)
        .map(|n| a_model(&format!("m{n}"), Fit::Yes, true))
        .collect();
    rows.push(a_model("starter", Fit::Yes, true));
    harness.event(Event::Models(Ok(rows)));
    harness.send("/models");
    harness.event(Event::Measured(Layout {
        overlay_rows: 6,
        ..harness.state.layout.clone()
    }));
    assert_eq!((list(&harness).cursor, list(&harness).top), (20, 15));
    // News come in the same room, and nothing is measured anew.
    let rows = harness.state.models.clone();
    harness.event(Event::Models(Ok(rows)));
    assert_eq!((list(&harness).cursor, list(&harness).top), (20, 15));
}

#[test]
fn a_model_is_loaded_by_its_name_and_what_runs_on_the_other_is_stopped() {
    let mut harness = Harness::ready();
    harness.event(Event::Models(Ok(vec![a_model("other", Fit::Yes, true)])));
    let generation = harness.ask("why?");
    let out = harness.send("/model other");
    assert!(has!(out, Command::Cancel { generation: g } if *g == generation));
    assert!(has!(out, Command::LoadModel { name: Some(name), choose: true } if name == "other"));
    assert!(matches!(&harness.state.engine, EngineState::Loading { name, .. } if name == "other"));
    let mut harness = Harness::ready();
    assert!(
        harness
            .send("/model starter")
            .iter()
            .all(|c| matches!(c, Command::Io(IoCommand::SaveHistory(_))))
    );
    assert_eq!(harness.toast(), "starter is loaded already");
}

#[test]
fn a_file_is_left_to_the_loader_and_a_slip_gets_the_nearest() {
    let mut harness = Harness::ready();
    assert!(
        has!(harness.send("/model ./x.gguf"), Command::LoadModel { name: Some(name), .. } if name == "./x.gguf")
    );
    let mut harness = Harness::ready();
    assert!(!has!(
        harness.send("/model smal"),
        Command::LoadModel { .. }
    ));
    assert_eq!(harness.toast(), "smal is no model; did you mean small?");
    harness.send("/model frobnicate");
    assert_eq!(
        harness.toast(),
        "frobnicate is no model; /models lists them"
    );
}

#[test]
fn what_does_not_fit_is_asked_about_with_figures() {
    let mut harness = Harness::ready();
    harness.send("/model large");
    match &harness.state.overlay {
        Some(Overlay::Confirm { question, about }) => {
            assert!(
                question.contains("200") && question.contains("150"),
                "{question}"
            );
            assert_eq!(*about, Confirm::LoadAnyway("large".to_owned()));
        }
        other => panic!("{other:?}"),
    }
    assert!(harness.press("n").is_empty());
    harness.send("/model large");
    assert!(has!(harness.press("y"), Command::LoadModel { .. }));
    let mut harness = Harness::ready();
    harness.event(Event::Models(Ok(vec![a_model("huge", Fit::No, false)])));
    harness.send("/model huge");
    assert!(has!(harness.press("y"), Command::Pull { name } if name == "huge"));
}

#[test]
fn what_cannot_be_run_leads_back_to_the_choice() {
    let mut harness = Harness::ready();
    harness.send("/model odd");
    assert_eq!(harness.toast(), "odd cannot be run by this build");
    assert!(matches!(harness.state.overlay, Some(Overlay::Models(_))));
}

#[test]
fn where_nothing_can_be_fetched_it_says_what_to_do() {
    let mut harness = Harness::ready_with(Options {
        no_pull: Some("the puller did not start".to_owned()),
        ..Options::default()
    });
    assert!(!has!(harness.send("/model small"), Command::Pull { .. }));
    assert!(harness.errors()[0].contains("the puller did not start"));
}

#[test]
fn one_download_at_a_time() {
    let mut harness = Harness::ready();
    harness.send("/model small");
    harness.press("y");
    assert!(!has!(harness.send("/model small"), Command::Pull { .. }));
    assert!(harness.toast().contains("being fetched already"));
}

#[test]
fn the_first_choice_opens_by_itself_and_goes_when_a_model_comes() {
    let mut harness = Harness::fresh(Options::default());
    let missing = |wanted: Option<&str>| {
        Event::Engine(EngineEvent::Missing {
            rows: vec![
                a_model("a", Fit::Yes, false),
                ModelRow {
                    recommended: true,
                    ..a_model("b", Fit::Yes, false)
                },
            ],
            wanted: wanted.map(str::to_owned),
        })
    };
    harness.event(missing(Some("c")));
    assert_eq!(list(&harness).cursor, 1, "the one recommended");
    assert!(
        matches!(&harness.state.overlay, Some(Overlay::Models(picker)) if picker.wanted.as_deref() == Some("c"))
    );
    harness.press("esc");
    assert_eq!(harness.toast(), "/models opens the choice of a model again");
    harness.event(missing(None));
    harness.event(Event::Engine(EngineEvent::Ready(facts("a"))));
    assert!(harness.state.overlay.is_none());
}

#[test]
fn models_that_cannot_be_listed_are_an_error() {
    let mut harness = Harness::ready();
    harness.send("/models");
    harness.event(Event::Models(Err(Failure::config("the catalog is broken"))));
    assert!(harness.state.overlay.is_none());
    assert_eq!(harness.errors(), ["the catalog is broken"]);
}
