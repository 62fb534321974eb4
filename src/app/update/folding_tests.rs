use crate::app::sample::*;
use crate::app::{Body, Command, Event, PanelRow, Scroll};
use crate::jobs::{self, Fold, Request};

fn a_fold() -> Fold {
    Fold {
        names: 2,
        gists: 1,
        at: 3,
        tokens: (5_210, 900),
        ..Fold::default()
    }
}

fn kinds(harness: &Harness) -> Vec<&'static str> {
    let kind = |body: &Body| match body {
        Body::User(_) => "user",
        Body::Answer(_) => "answer",
        Body::Fold(_) => "fold",
        _ => "other",
    };
    harness
        .state
        .blocks
        .iter()
        .map(|block| kind(&block.body))
        .collect()
}

fn request_of(commands: &[Command]) -> jobs::Ask {
    match started(commands).expect("a job").1 {
        Request::Ask(ask) => ask,
        other => panic!("{other:?}"),
    }
}

/// A conversation of three turns that is folded with the fourth question.
fn talk() -> Harness {
    let mut harness = Harness::ready();
    for n in 0..3 {
        let answer = format!("answer {n}\n{}", "and so on\n".repeat(60));
        harness.exchange(&format!("question {n}?"), &answer);
    }
    let generation = harness.ask("why?");
    harness.job(generation, jobs::Event::Folded(a_fold()));
    harness.token(generation, "so it is");
    harness.done(generation, asked("why?", "so it is"));
    harness
}

#[test]
fn a_fold_is_told_between_the_turns_and_goes_with_the_next_question() {
    let mut harness = talk();
    assert_eq!(kinds(&harness)[6..], ["fold", "user", "answer"]);
    assert_eq!(harness.answer().text, "so it is");
    assert_eq!(request_of(&harness.send("and?")).fold, a_fold());
    harness.send("/new");
    harness.press("y");
}

#[test]
fn a_fold_is_resumed() {
    let harness = talk();
    let (made, shown) = harness.made_and_shown();
    assert_eq!(made.fold, a_fold());
    let bodies: Vec<Body> = made.blocks.iter().map(|(_, body)| body.clone()).collect();
    assert_eq!(bodies, shown);
    let mut later = Harness::ready();
    later.event(Event::SessionLoaded {
        id: "7".to_owned(),
        result: Ok(Box::new(made)),
    });
    assert_eq!(later.state.context_used, 900);
    assert_eq!(request_of(&later.send("and?")).fold, a_fold());
    // Another conversation is not folded.
    let mut other = talk();
    other.send("/new");
    assert_eq!(other.state.fold, Fold::default());
}

#[test]
fn compact_folds_by_hand_and_full_undoes_it() {
    let mut harness = Harness::ready();
    harness.send("/compact");
    assert!(harness.toast().starts_with("there is nothing to fold yet"));
    harness.exchange("first?", &"The guard stops it.\nMore of it.\n".repeat(40));
    harness.exchange("second?", "so");
    harness.send("/full");
    assert_eq!(harness.toast(), "nothing is folded");
    harness.send("/compact the guard");
    let fold = harness.state.fold.clone();
    assert_eq!(
        (fold.names, fold.gists, fold.at, fold.keep.as_str()),
        (1, 1, 2, "the guard")
    );
    assert!(fold.tokens.1 < fold.tokens.0, "{:?}", fold.tokens);
    assert_eq!(kinds(&harness).last(), Some(&"fold"));
    harness.send("/compact the guard");
    assert!(harness.toast().contains("folded already"));
    harness.send("/full");
    assert!(harness.state.fold.is_empty());
    assert!(harness.notes()[0].starts_with("nothing is folded any more"));
    let (made, _) = harness.made_and_shown();
    assert_eq!(made.fold, harness.state.fold);
    // While an answer is written nothing is folded.
    harness.ask("why?");
    harness.send("/compact");
    assert!(harness.toast().contains("is being written"));
}

#[test]
fn the_panel_opens_on_what_was_folded() {
    let mut harness = talk();
    harness.send("/compact");
    harness.press("ctrl-o");
    let at = harness.state.panel.expect("open").cursor;
    match &harness.state.panel_rows()[at] {
        PanelRow::Told { what, text, .. } => {
            assert_eq!(*what, "folded");
            assert!(text.contains("Question: question 0?"), "{text}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_view_that_was_scrolled_up_stays_where_it_was() {
    let mut harness = Harness::ready();
    for n in 0..3 {
        harness.exchange(&format!("question {n}?"), "so");
    }
    harness.measure();
    let generation = harness.ask("why?");
    harness.measure();
    harness.press("pgup");
    let before = harness.state.scroll;
    assert!(matches!(before, Scroll::At { .. }));
    harness.job(generation, jobs::Event::Folded(a_fold()));
    harness.measure();
    assert_eq!(harness.state.scroll, before);
}

#[test]
fn what_waits_behind_a_question_that_folds_is_sent_after_it() {
    let mut harness = Harness::ready();
    harness.exchange("question 0?", "so");
    let generation = harness.ask("why?");
    harness.send("and then?");
    harness.job(generation, jobs::Event::Folded(a_fold()));
    let waits = harness.state.queue[0].block;
    assert!(
        harness.state.block(waits).is_some(),
        "it is the one that waits"
    );
    harness.token(generation, "so it is");
    let out = harness.done(generation, asked("why?", "so it is"));
    assert_eq!(request_of(&out).question, "and then?");
    assert_eq!(
        kinds(&harness)[2..],
        ["fold", "user", "answer", "user", "answer"]
    );
    let waiting =
        |body: &Body| matches!(body, Body::User(turn) if turn.sent != crate::app::Sent::Yes);
    assert!(
        !harness
            .state
            .blocks
            .iter()
            .any(|block| waiting(&block.body))
    );
}
