//! Tests of the choice of a model.

use super::*;
use crate::app::sample::*;
use crate::app::{EngineEvent, Event, Layout, Options};

fn list(desk: &Harness) -> &Picker<ModelRow> {
    match &desk.state.overlay {
        Some(Overlay::Models(picker)) => &picker.list,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_digit_takes_the_row_of_that_number() {
    let mut desk = Harness::ready();
    assert!(has!(desk.send("/models"), Command::ListModels));
    assert_eq!(list(&desk).cursor, 0, "it begins at the one in use");
    let out = desk.press("2");
    assert!(has!(out, Command::Pull { name } if name == "small"));
    assert!(desk.state.overlay.is_none());
    desk.send("/models");
    desk.press("9");
    assert!(desk.state.overlay.is_some(), "there is no ninth");
    desk.press("0");
    assert_eq!(list(&desk).filter, "0", "no row has that number");
}

#[test]
fn behind_a_letter_digits_are_part_of_the_name() {
    let mut desk = Harness::ready();
    desk.event(Event::Models(Ok(vec![
        a_model("qwen-4b", Fit::Yes, true),
        a_model("qwen-9b", Fit::Yes, true),
    ])));
    desk.send("/models");
    assert!(desk.type_text("qwen 9").is_empty());
    assert_eq!(
        list(&desk).chosen().map(|row| row.name.as_str()),
        Some("qwen-9b")
    );
    // News keep the filter and the row.
    desk.event(Event::Models(Ok(vec![
        a_model("qwen-9b", Fit::Yes, true),
        a_model("qwen-9b-coder", Fit::Yes, true),
        a_model("other", Fit::Yes, true),
    ])));
    assert_eq!(list(&desk).filter, "qwen 9");
    assert_eq!(list(&desk).shown, [0, 1]);
    assert_eq!(
        list(&desk).chosen().map(|row| row.name.as_str()),
        Some("qwen-9b")
    );
}

#[test]
fn news_keep_the_cursor_on_its_row() {
    let mut desk = Harness::ready();
    desk.send("/models");
    desk.press("down down");
    let mut rows = desk.state.models.clone();
    rows.insert(0, a_model("newest", Fit::Yes, false));
    desk.event(Event::Models(Ok(rows)));
    assert_eq!(
        list(&desk).chosen().map(|row| row.name.as_str()),
        Some("large")
    );
}

#[test]
fn the_row_to_start_at_is_in_sight() {
    let mut desk = Harness::ready();
    let mut rows: Vec<ModelRow> = (0..20)
        .map(|n| a_model(&format!("m{n}"), Fit::Yes, true))
        .collect();
    rows.push(a_model("starter", Fit::Yes, true));
    desk.event(Event::Models(Ok(rows)));
    desk.send("/models");
    desk.event(Event::Measured(Layout {
        overlay_rows: 6,
        ..desk.state.layout.clone()
    }));
    assert_eq!((list(&desk).cursor, list(&desk).top), (20, 15));
    // News come in the same room, and nothing is measured anew.
    let rows = desk.state.models.clone();
    desk.event(Event::Models(Ok(rows)));
    assert_eq!((list(&desk).cursor, list(&desk).top), (20, 15));
}

#[test]
fn a_model_is_loaded_by_its_name_and_what_runs_on_the_other_is_stopped() {
    let mut desk = Harness::ready();
    desk.event(Event::Models(Ok(vec![a_model("other", Fit::Yes, true)])));
    let generation = desk.ask("why?");
    let out = desk.send("/model other");
    assert!(has!(out, Command::Cancel { generation: g } if *g == generation));
    assert!(has!(out, Command::LoadModel { name: Some(name), choose: true } if name == "other"));
    assert!(matches!(&desk.state.engine, EngineState::Loading { name, .. } if name == "other"));
    let mut desk = Harness::ready();
    assert!(
        desk.send("/model starter")
            .iter()
            .all(|c| matches!(c, Command::SaveHistory(_)))
    );
    assert_eq!(desk.toast(), "starter is loaded already");
}

#[test]
fn a_file_is_left_to_the_loader_and_a_slip_gets_the_nearest() {
    let mut desk = Harness::ready();
    assert!(
        has!(desk.send("/model ./x.gguf"), Command::LoadModel { name: Some(name), .. } if name == "./x.gguf")
    );
    let mut desk = Harness::ready();
    assert!(!has!(desk.send("/model smal"), Command::LoadModel { .. }));
    assert_eq!(desk.toast(), "smal is no model; did you mean small?");
    desk.send("/model frobnicate");
    assert_eq!(desk.toast(), "frobnicate is no model; /models lists them");
}

#[test]
fn what_does_not_fit_is_asked_about_with_figures() {
    let mut desk = Harness::ready();
    desk.send("/model large");
    match &desk.state.overlay {
        Some(Overlay::Confirm { question, about }) => {
            assert!(
                question.contains("200") && question.contains("150"),
                "{question}"
            );
            assert_eq!(*about, Confirm::LoadAnyway("large".to_owned()));
        }
        other => panic!("{other:?}"),
    }
    assert!(desk.press("n").is_empty());
    desk.send("/model large");
    assert!(has!(desk.press("y"), Command::LoadModel { .. }));
    let mut desk = Harness::ready();
    desk.event(Event::Models(Ok(vec![a_model("huge", Fit::No, false)])));
    desk.send("/model huge");
    assert!(has!(desk.press("y"), Command::Pull { name } if name == "huge"));
}

#[test]
fn what_cannot_be_run_leads_back_to_the_choice() {
    let mut desk = Harness::ready();
    desk.send("/model odd");
    assert_eq!(desk.toast(), "odd cannot be run by this build");
    assert!(matches!(desk.state.overlay, Some(Overlay::Models(_))));
}

#[test]
fn where_nothing_can_be_fetched_it_says_what_to_do() {
    let mut desk = Harness::ready_with(Options {
        no_pull: Some("the puller did not start".to_owned()),
        ..Options::default()
    });
    assert!(!has!(desk.send("/model small"), Command::Pull { .. }));
    assert!(desk.errors()[0].contains("the puller did not start"));
}

#[test]
fn one_download_at_a_time() {
    let mut desk = Harness::ready();
    desk.send("/model small");
    assert!(!has!(desk.send("/model small"), Command::Pull { .. }));
    assert!(desk.toast().contains("being fetched already"));
}

#[test]
fn the_first_choice_opens_by_itself_and_goes_when_a_model_comes() {
    let mut desk = Harness::fresh(Options::default());
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
    desk.event(missing(Some("c")));
    assert_eq!(list(&desk).cursor, 1, "the one recommended");
    assert!(
        matches!(&desk.state.overlay, Some(Overlay::Models(picker)) if picker.wanted.as_deref() == Some("c"))
    );
    desk.press("esc");
    assert_eq!(desk.toast(), "/models opens the choice of a model again");
    desk.event(missing(None));
    desk.event(Event::Engine(EngineEvent::Ready(facts("a"))));
    assert!(desk.state.overlay.is_none());
}

#[test]
fn models_that_cannot_be_listed_are_an_error() {
    let mut desk = Harness::ready();
    desk.send("/models");
    desk.event(Event::Models(Err(Failure::config("the catalog is broken"))));
    assert!(desk.state.overlay.is_none());
    assert_eq!(desk.errors(), ["the catalog is broken"]);
}
