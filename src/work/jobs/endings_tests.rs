//! Answers that are empty, cut short, or gone on with.

use super::trial::{Trial, notes};
use super::*;
use crate::base::Kind;
use crate::engine::ScriptedEngine;

fn trial() -> Trial {
    let trial = Trial::new(&[("src/walk.rs", "/// Walks.\nfn walk() {}\n")]);
    trial.put("src/walk.rs", "/// Walks on.\nfn walk() {}\n");
    trial.git(&["add", "-A"]);
    trial
}

fn ask() -> Request {
    Request::Ask(Ask {
        question: "what does walk do?".to_owned(),
        ..Ask::default()
    })
}

fn patch() -> Request {
    Request::Patch(Patch {
        request: "let walk run".to_owned(),
        ..Patch::default()
    })
}

fn engine(lines: &[&str]) -> ScriptedEngine {
    ScriptedEngine::from_text(&lines.join("\n"), "test").expect("a script")
}

const NOTHING: &str = r#"{"steps":[]}"#;
const BLANKS: &str = r#"{"steps":[{"text":" \n\n"}]}"#;
const THOUGHT: &str = r#"{"steps":[{"thinking":"hm, hm"}]}"#;

#[test]
fn an_empty_answer_is_said_and_asked_for_once_more_without_thinking() {
    for empty in [NOTHING, BLANKS, THOUGHT] {
        let mut trial = trial();
        trial.settings.thinking = true;
        trial.settings.sampling.seed = Some(7);
        trial.settings.sampling.temperature = Some(0.0);
        let mut engine = engine(&[empty, r#""It walks.""#]);
        let (answer, events) = trial.run(&ask(), &mut engine);
        let Ok(Answer::Ask { turn, .. }) = answer else {
            panic!("{empty}: {answer:?}");
        };
        assert_eq!(turn.answer, "It walks.");
        assert!(
            notes(&events).contains("wrote no answer"),
            "{}",
            notes(&events)
        );
        let asked = engine.asked();
        assert_eq!(asked.len(), 2);
        assert_eq!((asked[0].thinking, asked[1].thinking), (true, false));
        assert_eq!(asked[1].sampling.seed, Some(8));
        // The likeliest again would be nothing again.
        assert_eq!(asked[1].sampling.temperature, Some(0.7));
        assert_eq!(asked[0].messages, asked[1].messages);
    }
}

#[test]
fn an_answer_that_stays_empty_is_a_failure_with_the_likely_reason() {
    for (request, empty, wanted) in [
        (ask(), NOTHING, "models try"),
        (ask(), BLANKS, "nothing but blanks"),
        (Request::Message, BLANKS, "models try"),
        // Where an edit must come, a model comes to no end without one but by its limit.
        (patch(), r#"{"steps":[],"finish":"length"}"#, "models try"),
    ] {
        let trial = trial();
        let mut engine = engine(&[empty, empty, empty, empty]);
        let (answer, _) = trial.run(&request, &mut engine);
        let failure = answer.expect_err(empty);
        assert_eq!(failure.kind(), Kind::Model);
        let told = format!("{failure} {}", failure.next_step().unwrap_or_default());
        assert!(told.contains("the model wrote no answer"), "{told}");
        assert!(told.contains(wanted), "{wanted}: {told}");
        assert_eq!(engine.asked().len(), 2);
    }
    // Where the context is nearly full, that is the reason.
    let trial = trial();
    let mut small = engine(&[r#"{"model":{"context":700}}"#, NOTHING, NOTHING]);
    let (answer, _) = trial.run(&ask(), &mut small);
    let tokens = small.asked().first().map_or(0, |asked| {
        use crate::engine::CountMessages as _;
        small.count_messages(&asked.messages).expect("counted")
    });
    let mut full = engine(&[
        &format!(r#"{{"model":{{"context":{}}}}}"#, tokens + 65),
        NOTHING,
        NOTHING,
    ]);
    assert!(answer.is_err());
    let (answer, _) = trial.run(&ask(), &mut full);
    assert!(answer.is_err());
}

#[test]
fn a_stopped_answer_is_not_empty() {
    let trial = trial();
    let source = crate::base::CancelSource::new();
    let trial = Trial {
        cancel: source.token(),
        ..trial
    };
    source.cancel();
    let mut engine = engine(&[NOTHING]);
    let (answer, events) = trial.run(&ask(), &mut engine);
    assert!(!notes(&events).contains("wrote no answer"), "{answer:?}");
}

#[test]
fn an_answer_at_its_limit_says_how_to_go_on() {
    let trial = trial();
    let mut engine = engine(&[r#"{"steps":[{"text":"It walks and"}],"finish":"length"}"#]);
    let (answer, events) = trial.run(&ask(), &mut engine);
    assert!(answer.is_ok());
    let told = notes(&events);
    assert!(
        told.contains("reached 700 tokens") && told.contains("/continue"),
        "{told}"
    );
}

#[test]
fn an_answer_is_gone_on_with_where_it_ends() {
    let trial = trial();
    let cut = r#"{"steps":[{"text":"It walks and"}],"finish":"length"}"#;
    let mut engine = engine(&[cut, r#"" then it runs.""#, r#""Yes.""#]);
    let (answer, _) = trial.run(&ask(), &mut engine);
    let Ok(Answer::Ask { turn, .. }) = answer else {
        panic!("{answer:?}");
    };
    let on = |history: Vec<Turn>, go_on, question: &str| {
        Request::Ask(Ask {
            question: question.to_owned(),
            history,
            go_on,
            ..Ask::default()
        })
    };
    let (answer, events) = trial.run(&on(vec![turn.clone()], true, ""), &mut engine);
    let Ok(Answer::Ask { turn: more, .. }) = answer else {
        panic!("{answer:?}");
    };
    assert!(more.continues && more.answer == " then it runs.");
    assert!(
        !events
            .iter()
            .any(|event| matches!(event, Event::Context { .. }))
    );
    let asked = engine.asked();
    assert_eq!(asked[1].messages, asked[0].messages);
    assert_eq!(asked[1].prefill, "It walks and");
    assert!(!asked[1].thinking);
    // To the next question both are one answer.
    let history = vec![turn, more];
    let (answer, _) = trial.run(&on(history, false, "does it?"), &mut engine);
    assert!(answer.is_ok());
    let last = &engine.asked()[2].messages;
    assert_eq!(last.len(), 4);
    assert_eq!(last[2].content, "It walks and then it runs.");
    // Without an answer there is nothing to go on with.
    let (answer, _) = trial.run(&on(Vec::new(), true, ""), &mut engine);
    assert_eq!(answer.expect_err("nothing").kind(), Kind::Usage);
}

#[test]
fn an_answer_that_is_whole_is_not_gone_on_with() {
    let trial = trial();
    let (answer, _) = trial.run(&ask(), &mut engine(&[r#""It walks.""#]));
    let Ok(Answer::Ask { turn, .. }) = answer else {
        panic!("{answer:?}");
    };
    assert!(turn.whole);
    let on = Request::Ask(Ask {
        history: vec![turn],
        go_on: true,
        ..Ask::default()
    });
    let (answer, _) = trial.run(&on, &mut engine(&[r#""more""#]));
    let failure = answer.expect_err("whole");
    assert!(failure.what().contains("is whole"), "{failure}");
}
