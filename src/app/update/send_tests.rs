//! Tests of sending: what becomes a job, what waits, and what goes with it.

use super::*;
use crate::app::sample::*;
use crate::app::{EngineEvent, Event, Options, Overlay};
use crate::base::seal::Sealed;

fn sent(harness: &Harness) -> Vec<(String, Sent)> {
    let turn = |block: &super::super::Block| match &block.body {
        Body::User(turn) => Some((turn.text.clone(), turn.sent)),
        _ => None,
    };
    harness.state.blocks.iter().filter_map(turn).collect()
}

#[test]
fn a_question_becomes_a_job_and_takes_the_place_of_the_welcome() {
    let mut harness = Harness::ready();
    assert!(matches!(harness.state.blocks[0].body, Body::Welcome));
    let out = harness.send("  why?\n");
    let (_, request) = started(&out).expect("a job");
    assert!(matches!(request, Request::Ask(ask) if ask.question == "why?"));
    assert_eq!(sent(&harness), [("why?".to_owned(), Sent::Yes)]);
    assert!(matches!(harness.state.blocks[1].body, Body::Answer(_)));
    assert_eq!(harness.state.blocks.len(), 2);
    assert_eq!(harness.text(), "");
}

#[test]
fn ask_may_be_said_and_a_path_is_no_command() {
    for (typed, question) in [
        ("/ask why?", "why?"),
        ("/ASK  why?", "why?"),
        ("/usr/lib is what?", "/usr/lib is what?"),
        ("/", "/"),
        ("/ask /patch is what?", "/patch is what?"),
    ] {
        let mut harness = Harness::ready();
        let (_, request) = started(&harness.send(typed)).expect("a job");
        assert!(
            matches!(request, Request::Ask(ask) if ask.question == question),
            "{typed}"
        );
    }
}

#[test]
fn nothing_is_sent_where_nothing_is_typed() {
    let mut harness = Harness::ready();
    for text in ["", "   ", "\n\n"] {
        assert!(harness.send(text).is_empty());
        assert!(harness.state.queue.is_empty());
        harness.press("ctrl-c");
        harness.wait(5_000);
    }
}

#[test]
fn an_unknown_command_stays_to_be_mended() {
    let mut harness = Harness::ready();
    assert!(harness.send("/reveiw HEAD").is_empty());
    assert_eq!(harness.text(), "/reveiw HEAD");
    assert_eq!(
        harness.toast(),
        "/reveiw is no command; did you mean /review?"
    );
    harness.press("ctrl-c");
    harness.send("/frobnicate");
    assert_eq!(
        harness.toast(),
        "/frobnicate is no command; /help lists the commands"
    );
}

#[test]
fn what_is_sent_while_a_job_runs_waits_and_goes_in_order() {
    let mut harness = Harness::ready();
    let first = harness.ask("one");
    assert!(started(&harness.send("two")).is_none());
    harness.send("three");
    assert_eq!(harness.state.queue.len(), 2);
    assert_eq!(sent(&harness)[1], ("two".to_owned(), Sent::WaitsForJob));
    assert_eq!(harness.state.waiting(), Some("waits for the job before it"));
    harness.token(first, "1");
    let out = harness.done(first, asked("one", "1"));
    let (_, request) = started(&out).expect("the next");
    match request {
        Request::Ask(ask) => {
            assert_eq!(ask.question, "two");
            assert_eq!(
                ask.history,
                [a_turn("one", "1")],
                "as it is when it is sent"
            );
        }
        other => panic!("{other:?}"),
    }
    // Words and answer stand together, the waiting ones below.
    let texts: Vec<String> = sent(&harness).into_iter().map(|(text, _)| text).collect();
    assert_eq!(texts, ["one", "three", "two"]);
    assert!(matches!(
        harness.state.blocks.last().map(|b| &b.body),
        Some(Body::Answer(_))
    ));
    assert!(
        harness
            .state
            .blocks
            .windows(2)
            .all(|two| two[0].id < two[1].id)
    );
}

#[test]
fn only_so_many_wait_and_the_next_stays_in_the_composer() {
    let mut harness = Harness::ready();
    harness.ask("runs");
    for n in 0..MOST_WAITING {
        harness.send(&format!("waits {n}"));
    }
    for text in [
        "one more",
        "/patch fix it",
        "/message",
        "/ask /quit means what?",
    ] {
        harness.send(text);
        assert_eq!(harness.state.queue.len(), MOST_WAITING);
        assert_eq!(harness.text(), text, "nothing typed is lost");
        assert!(harness.toast().contains("wait already"));
        harness.press("ctrl-u");
    }
}

#[test]
fn without_a_model_it_waits_aloud_and_is_sent_when_one_is_there() {
    let mut harness = Harness::fresh(Options::default());
    assert!(started(&harness.send("why?")).is_none());
    assert_eq!(sent(&harness), [("why?".to_owned(), Sent::WaitsForModel)]);
    assert_eq!(harness.state.waiting(), Some("waits for the model"));
    let out = harness.event(Event::Engine(EngineEvent::Ready(facts("starter"))));
    assert!(started(&out).is_some());
    assert_eq!(sent(&harness), [("why?".to_owned(), Sent::Yes)]);
}

#[test]
fn where_no_model_is_here_sending_opens_the_choice() {
    let mut harness = Harness::fresh(Options::default());
    harness.type_text("wh");
    harness.event(Event::Engine(EngineEvent::Missing {
        rows: vec![a_model("starter", crate::app::Fit::Yes, false)],
        wanted: None,
    }));
    assert!(
        harness.state.overlay.is_none(),
        "not under the fingers of who types"
    );
    let out = harness.send("y?");
    assert!(matches!(&harness.state.overlay, Some(Overlay::Models(picker)) if picker.first));
    assert!(has!(out, Command::Io(IoCommand::ListModels)));
}

#[test]
fn pins_drops_and_added_files_go_with_it() {
    let mut harness = Harness::ready();
    harness.send("/pin src/lib.rs");
    harness.send("/add src/walk.rs:3-9");
    harness.send("/drop README.md");
    let first = started(&harness.send("why?")).expect("a job");
    let names = |mentions: &[crate::jobs::Mention]| -> Vec<String> {
        mentions.iter().map(|m| m.path.to_string()).collect()
    };
    let Request::Ask(ask) = first.1 else {
        panic!("no question")
    };
    assert_eq!(names(&ask.pinned), ["src/lib.rs", "src/walk.rs"]);
    assert_eq!(ask.pinned[1].range, Some(crate::base::LineRange::new(3, 9)));
    assert_eq!(names(&ask.dropped), ["README.md"]);
    harness.done(first.0, asked("why?", "so"));
    // What was added goes with one question only.
    let (_, request) = started(&harness.send("/patch it")).expect("a job");
    let Request::Patch(patch) = request else {
        panic!("no patch")
    };
    assert_eq!(names(&patch.pinned), ["src/lib.rs"]);
    assert_eq!(names(&patch.dropped), ["README.md"]);
}

#[test]
fn enter_on_nothing_opens_the_thinking_that_runs() {
    let mut harness = Harness::ready();
    let generation = harness.ask("why?");
    harness.press("enter");
    assert!(!harness.answer().thinking.open, "there is none yet");
    let text = "hm".to_owned();
    harness.job(generation, crate::jobs::Event::Thinking { text });
    harness.press("enter");
    assert!(harness.answer().thinking.open);
    harness.press("enter");
    assert!(!harness.answer().thinking.open);
}

#[test]
fn enter_on_nothing_explains_why_it_is_not_sealed() {
    let mut harness = Harness::ready();
    harness.press("enter");
    assert!(harness.state.overlay.is_none());
    harness.event(Event::Sealed(Sealed::No(
        "the kernel is too old".to_owned(),
    )));
    harness.press("enter");
    assert!(matches!(&harness.state.overlay,
        Some(Overlay::Text { text, .. }) if text.contains("the kernel is too old")));
}

#[test]
fn the_history_is_kept_on_disk_unless_it_may_not_be() {
    let mut harness = Harness::ready();
    assert!(
        has!(harness.send("why?"), Command::Io(IoCommand::SaveHistory(text)) if text == "why?")
    );
    let mut harness = Harness::ready_with(Options {
        save: false,
        ..Options::default()
    });
    assert!(!has!(
        harness.send("why?"),
        Command::Io(IoCommand::SaveHistory(_))
    ));
    harness.press("up");
    assert_eq!(harness.text(), "why?", "kept while it runs");
}
