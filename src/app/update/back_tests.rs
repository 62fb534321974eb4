use crate::app::log::replay;
use crate::app::sample::*;
use crate::app::{
    BackTo, Body, Command, Composing, Event, IoCommand, Options, Overlay, PatchState, State,
};
use crate::jobs::{self, Fold, Request};

fn request_of(commands: &[Command]) -> jobs::Ask {
    match started(commands).expect("a job").1 {
        Request::Ask(ask) => ask,
        other => panic!("{other:?}"),
    }
}

/// A conversation of three questions, with its session begun.
fn talk() -> Harness {
    talk_in(Harness::ready())
}

fn talk_in(mut harness: Harness) -> Harness {
    harness.event(Event::SessionBegun("1".to_owned()));
    for n in ["one", "two", "three"] {
        harness.exchange(&format!("question {n}?"), &format!("answer {n}"));
    }
    harness
}

fn asked_in(state: &State) -> Vec<&str> {
    let texts = state.blocks.iter().filter_map(|block| match &block.body {
        Body::User(turn) => Some(&*turn.text),
        _ => None,
    });
    texts.collect()
}

fn rows(harness: &Harness) -> Vec<String> {
    match &harness.state.overlay {
        Some(Overlay::Back(picker)) => picker.rows().map(|row| row.text.clone()).collect(),
        other => panic!("{other:?}"),
    }
}

/// The log makes what the screen shows.
fn kept(harness: &Harness) {
    let (made, shown) = harness.made_and_shown();
    let bodies: Vec<Body> = made.blocks.iter().map(|(_, body)| body.clone()).collect();
    assert_eq!(bodies, shown);
    assert_eq!(made.turns, harness.state.turns);
    assert_eq!(made.branch_of, harness.state.branches.of);
}

fn begins_anew(commands: &[Command]) -> bool {
    let new = |command: &Command| matches!(command, Command::Io(IoCommand::NewSession));
    commands.iter().any(new)
}

#[test]
fn escape_twice_lists_the_questions_and_keys_between_do_not() {
    let mut harness = talk();
    harness.press("esc");
    assert!(harness.toast().starts_with("Esc once more"));
    harness.press("esc");
    assert_eq!(
        rows(&harness),
        ["question one?", "question two?", "question three?"]
    );
    harness.press("esc");
    assert!(harness.state.overlay.is_none());
    harness.press("alt-esc");
    assert_eq!(rows(&harness).len(), 3);
    harness.press("esc");
    // Another key between, or a long while, and nothing opens.
    harness.press("esc x backspace esc");
    assert!(harness.state.overlay.is_none());
    harness.wait(3_000);
    harness.press("esc");
    assert!(harness.state.overlay.is_none());
    // Nothing was asked: there is nothing to go back to.
    let mut fresh = Harness::ready();
    fresh.press("esc esc esc");
    assert!(fresh.state.overlay.is_none());
    fresh.send("/back");
    assert_eq!(fresh.toast(), "nothing has been asked yet");
}

#[test]
fn an_earlier_question_is_changed_and_sent_in_a_branch() {
    let mut harness = talk();
    let before = harness.log.clone();
    harness.type_text("half a thought");
    harness.event(Event::Key(crate::app::Key::parse("f2").expect("a key")));
    harness.type_text("/back");
    harness.press("enter up enter");
    assert_eq!(harness.text(), "question two?");
    // Until it is sent nothing has changed.
    assert_eq!(asked_in(&harness.state).len(), 3);
    harness.press("backspace");
    let commands = harness.type_text(" or not?");
    assert!(!begins_anew(&commands));
    let commands = harness.press("enter");
    assert!(begins_anew(&commands));
    let ask = request_of(&commands);
    assert_eq!(ask.question, "question two or not?");
    assert_eq!(ask.history.len(), 1);
    assert_eq!(ask.reseed, 0);
    assert_eq!(
        asked_in(&harness.state),
        ["question one?", "question two or not?"]
    );
    assert!(harness.notes()[0].contains("before “question two?”; /sessions has"));
    assert_eq!(harness.text(), "half a thought");
    assert_eq!(harness.state.branches.of.as_deref(), Some("1"));
    let (generation, _) = started(&commands).expect("a job");
    harness.done(generation, asked("question two or not?", "so"));
    kept(&harness);
    // The other branch stands as it was.
    assert_eq!(replay(before).turns.len(), 3);
    // A branch of a branch.
    harness.event(Event::SessionBegun("2".to_owned()));
    harness.press("ctrl-u esc esc up enter");
    let (generation, _) = started(&harness.press("enter")).expect("a job");
    harness.done(generation, asked("question one?", "so"));
    assert_eq!(harness.state.branches.of.as_deref(), Some("2"));
    harness.send("/new");
    assert_eq!(harness.state.branches.of, None);
}

#[test]
fn escape_leaves_a_question_as_it_was() {
    let mut harness = talk();
    harness.send("/back");
    harness.press("enter");
    assert!(matches!(harness.state.composing, Composing::Again { .. }));
    harness.type_text(" more");
    harness.press("esc");
    assert_eq!(harness.state.composing, Composing::Request);
    assert_eq!(harness.text(), "");
    assert_eq!(asked_in(&harness.state).len(), 3);
    harness.press("up");
    assert_eq!(harness.text(), "question three? more");
    // A command that asks nothing parts nothing.
    harness.press("ctrl-u esc esc enter ctrl-u");
    let commands = harness.send("/theme dark");
    assert!(!begins_anew(&commands));
    assert_eq!(harness.state.composing, Composing::Request);
    assert_eq!(asked_in(&harness.state).len(), 3);
}

#[test]
fn a_question_is_answered_anew_with_another_seed() {
    let mut harness = talk();
    for times in 1..=3 {
        let commands = harness.send("/again");
        let ask = request_of(&commands);
        assert_eq!(
            (ask.question.as_str(), ask.reseed),
            ("question three?", times)
        );
        assert_eq!(ask.history.len(), 2);
        let (generation, _) = started(&commands).expect("a job");
        harness.done(generation, asked("question three?", "otherwise"));
        assert_eq!(asked_in(&harness.state).len(), 3);
        assert_eq!(harness.notes().len(), 1);
    }
    kept(&harness);
    // The first one, from the list.
    harness.press("esc esc home");
    let ask = request_of(&harness.press("ctrl-a"));
    assert_eq!((ask.question.as_str(), ask.reseed), ("question one?", 1));
    assert!(ask.history.is_empty());
    // Not while it is being written.
    assert!(started(&harness.send("/again")).is_none());
    assert!(harness.toast().contains("is being written"));
    assert_eq!(asked_in(&harness.state), ["question one?"]);
}

#[test]
fn a_patch_is_planned_anew() {
    let mut harness = Harness::ready();
    harness.exchange("why?", "so");
    harness.planned();
    let commands = harness.send("/again");
    match started(&commands).expect("a job").1 {
        Request::Patch(patch) => assert_eq!(patch.reseed, 1),
        other => panic!("{other:?}"),
    }
    assert!(!harness.state.has_open_patch());
    assert_eq!(harness.state.turns.len(), 1);
}

#[test]
fn another_model_answers_anew() {
    let mut harness = talk();
    harness.press("esc esc ctrl-x");
    let Some(Overlay::Models(picker)) = &harness.state.overlay else {
        panic!("the models are offered");
    };
    assert_eq!(picker.again.as_deref(), Some("question three?"));
    // One that does not fit asks first.
    harness.type_text("large");
    harness.press("enter");
    assert!(matches!(
        harness.state.overlay,
        Some(Overlay::Confirm { .. })
    ));
    let commands = harness.press("y");
    assert!(
        matches!(
            commands[..],
            [.., Command::LoadModel { .. }, _, _, _] | [Command::LoadModel { .. }, ..]
        ),
        "{commands:?}"
    );
    assert_eq!(harness.state.queue.len(), 1);
    let commands = harness.event(Event::Engine(crate::app::EngineEvent::Ready(facts(
        "large",
    ))));
    let ask = request_of(&commands);
    assert_eq!(
        (ask.question.as_str(), ask.history.len()),
        ("question three?", 2)
    );
    // Before the question it is said which model stays, and how the former comes back.
    let blocks = &harness.state.blocks;
    let asked = blocks
        .iter()
        .rposition(|block| matches!(block.body, Body::User(_)));
    let told = asked
        .and_then(|asked| blocks.get(asked - 1))
        .map(|block| &block.body);
    let Some(Body::Note(note)) = told else {
        panic!("{told:?}");
    };
    assert_eq!(
        note.text,
        "large stays loaded; /model starter loads the former again"
    );
    // A choice for its own sake says nothing of the kind.
    harness.send("/models");
    let Some(Overlay::Models(picker)) = &harness.state.overlay else {
        panic!("the models are offered");
    };
    assert_eq!(picker.again, None);
    // Closed, it answers nothing; a choice later on is only a choice.
    let mut harness = talk();
    harness.press("esc esc ctrl-x esc");
    harness.send("/model large");
    harness.press("y");
    assert!(harness.state.queue.is_empty());
    // By name; a slip is told, and forgotten.
    let mut harness = talk();
    harness.send("/again lrge");
    assert!(harness.toast().contains("did you mean large"));
    harness.send("/model large");
    harness.press("y");
    assert!(harness.state.queue.is_empty());
    let mut harness = talk();
    assert_eq!(request_of(&harness.send("/again starter")).reseed, 1);
}

#[test]
fn a_branch_goes_on_behind_an_answer() {
    let mut harness = talk();
    harness.press("esc esc up");
    let commands = harness.press("ctrl-f");
    assert!(begins_anew(&commands));
    assert_eq!(asked_in(&harness.state), ["question one?", "question two?"]);
    assert_eq!(harness.state.turns.len(), 2);
    kept(&harness);
    assert_eq!(request_of(&harness.send("and?")).history.len(), 2);
    let mut harness = talk();
    harness.send("/fork");
    assert_eq!(harness.state.turns.len(), 3);
    assert!(harness.notes()[0].starts_with("a branch begins here"));
    kept(&harness);
}

#[test]
fn where_nothing_is_kept_the_other_branch_is_in_memory() {
    let options = Options {
        save: false,
        ..Options::default()
    };
    let mut harness = talk_in(Harness::ready_with(options));
    harness.press("esc esc home enter");
    harness.press("ctrl-u");
    harness.type_text("another?");
    let commands = harness.press("enter");
    assert!(!begins_anew(&commands));
    let (generation, _) = started(&commands).expect("a job");
    harness.done(generation, asked("another?", "yes"));
    assert_eq!(harness.state.turns.len(), 1);
    harness.press("esc esc");
    assert_eq!(rows(&harness), ["question three?", "another?"]);
    harness.press("home ctrl-a");
    assert!(harness.toast().contains("Enter goes back"));
    harness.press("home enter");
    assert_eq!(asked_in(&harness.state).len(), 3);
    assert_eq!(harness.state.turns.len(), 3);
    // The one that was left is there now.
    match &harness.state.overlay {
        None => harness.press("esc esc"),
        other => panic!("{other:?}"),
    };
    assert_eq!(rows(&harness)[0], "another?");
    match &harness.state.overlay {
        Some(Overlay::Back(picker)) => assert_eq!(picker.items[0].to, BackTo::Branch(0)),
        other => panic!("{other:?}"),
    }
    harness.press("esc");
    harness.send("/new");
    assert!(harness.state.branches.left.is_empty());
}

#[test]
fn the_fold_is_that_of_the_time() {
    let mut harness = Harness::ready();
    for n in 0..3 {
        harness.exchange(&format!("question {n}?"), "answer");
    }
    let generation = harness.ask("folded?");
    let fold = Fold {
        names: 2,
        at: 3,
        tokens: (5_000, 900),
        ..Fold::default()
    };
    harness.job(generation, jobs::Event::Folded(fold.clone()));
    harness.done(generation, asked("folded?", "yes"));
    // Behind the fold it stays, and the prompt begins as it did.
    let ask = request_of(&harness.send("/again"));
    assert_eq!((ask.fold.clone(), ask.history.len()), (fold, 3));
    harness.press("esc");
    let generation = harness.state.job.as_ref().expect("a job").generation;
    harness.done(generation, asked("folded?", ""));
    // Before it there was none.
    harness.press("esc esc home");
    assert_eq!(request_of(&harness.press("ctrl-a")).fold, Fold::default());
}

#[test]
fn long_pastes_are_folded_again() {
    let mut harness = Harness::ready();
    let paste = "a line of it\n".repeat(40);
    harness.type_text("why is ");
    harness.event(Event::Paste(paste.clone()));
    harness.type_text(" so long?");
    let (generation, request) = started(&harness.press("enter")).expect("a job");
    let Request::Ask(ask) = request else { panic!() };
    harness.done(generation, asked(&ask.question, "it is"));
    harness.send("/back");
    harness.press("enter");
    assert_eq!(harness.state.composer.pasted().len(), 1);
    assert_eq!(harness.state.composer.whole(), ask.question);
}

#[test]
fn a_conversation_of_an_older_log_parts_as_well() {
    let mut harness = talk();
    for block in &mut harness.state.blocks {
        if let Body::User(turn) = &mut block.body {
            turn.before = None;
        }
    }
    harness.press("esc esc up");
    assert_eq!(request_of(&harness.press("ctrl-a")).history.len(), 1);
}

#[test]
fn nothing_parts_while_a_patch_is_written() {
    let mut harness = Harness::ready();
    harness.exchange("why?", "so");
    let patch = harness.planned();
    harness.press("A enter");
    assert_eq!(harness.patch(patch).state, PatchState::Applying);
    harness.send("/fork");
    assert!(harness.toast().contains("is being written; once more"));
    assert!(started(&harness.send("/again")).is_none());
}

#[test]
fn a_branch_that_could_not_be_written_stays_in_memory() {
    let mut harness = talk();
    let failure = crate::base::Failure::environment("the disk is full");
    harness.event(Event::LogFailed(failure));
    harness.send("/again");
    assert_eq!(harness.state.branches.left.len(), 1);
}

#[test]
fn a_fix_can_be_asked_for_again() {
    let mut harness = Harness::ready();
    harness.reviewed();
    let (generation, request) = started(&harness.press("f")).expect("a job");
    let Request::Patch(fix) = request else {
        panic!("{request:?}")
    };
    harness.done(generation, patched(a_change()));
    harness.press("esc");
    harness.send("/back");
    let last = rows(&harness).pop().expect("a row");
    assert_eq!(last, "fix src/walk.rs:12: wrong in src/walk.rs");
    // Another seed, and the same words.
    let (_, request) = started(&harness.press("ctrl-a")).expect("a job");
    let Request::Patch(again) = request else {
        panic!("{request:?}")
    };
    assert_eq!((again.request, again.reseed), (fix.request, 1));
    kept(&harness);
}
