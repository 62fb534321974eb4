//! Tests of what jobs tell.

use super::*;
use crate::app::sample::*;
use crate::app::{Event as Happened, Options, Thinking};

fn prefill(done: usize, rate: f64) -> Event {
    Event::Prefill {
        done,
        total: 100,
        cached: 10,
        rate,
    }
}

fn usage() -> Event {
    Event::Usage(Usage {
        prompt_tokens: 100,
        cached_tokens: 10,
        generated_tokens: 50,
        prefill_s: 1.0,
        decode_s: 5.0,
        drafted_tokens: 0,
        accepted_tokens: 0,
    })
}

#[test]
fn an_answer_goes_through_its_phases() {
    let mut harness = Harness::ready();
    let generation = harness.ask("why?");
    assert_eq!(harness.answer().phase, Phase::Choosing);
    harness.job(
        generation,
        Event::Context {
            version: 1,
            context: a_context(),
        },
    );
    harness.job(generation, prefill(60, 20.0));
    let reading = harness.state.reading().expect("it reads");
    assert_eq!(reading.left_s(), Some(2.0));
    assert_eq!(reading.cached, 10);
    harness.job(
        generation,
        Event::Thinking {
            text: "hm".to_owned(),
        },
    );
    harness.wait(2_000);
    harness.job(
        generation,
        Event::Thinking {
            text: ", so".to_owned(),
        },
    );
    assert_eq!(harness.answer().phase, Phase::Thinking);
    assert_eq!(harness.answer().thinking.tokens, 2);
    assert_eq!(harness.answer().thinking.text, "hm, so");
    harness.token(generation, "Be");
    harness.wait(1_000);
    harness.token(generation, "cause");
    harness.token(generation, ".");
    assert_eq!(harness.answer().phase, Phase::Writing);
    assert_eq!(harness.answer().text, "Because.");
    assert!((harness.answer().thinking.seconds(harness.now) - 2.0).abs() < 1e-9);
    assert_eq!(
        harness.state.rate,
        Some(2.0),
        "pieces a second while they come"
    );
    harness.job(generation, Event::Source(a_source(1, "src/walk.rs", false)));
    harness.job(generation, usage());
    assert_eq!(harness.state.rate, Some(10.0), "as measured in the end");
    assert_eq!(harness.state.context_used, 150);
    harness.done(generation, asked("why?", "Because."));
    assert_eq!(harness.answer().phase, Phase::Done);
    assert_eq!(harness.answer().sources.len(), 1);
    assert!(harness.state.job.is_none());
    assert_eq!(harness.state.turns, [a_turn("why?", "Because.")]);
}

#[test]
fn every_report_makes_the_block_anew_for_who_draws_it() {
    let mut harness = Harness::ready();
    let generation = harness.ask("why?");
    let revision = |harness: &Harness| harness.state.blocks.last().expect("one").revision;
    let before = revision(&harness);
    harness.token(generation, "x");
    assert!(revision(&harness) > before);
}

#[test]
fn reports_of_an_older_job_change_nothing() {
    let mut harness = Harness::ready();
    let first = harness.ask("one");
    harness.press("esc");
    harness.done(first, asked("one", ""));
    let second = harness.ask("two");
    let before = harness.state.blocks.clone();
    harness.token(first, "late");
    harness.job(first, usage());
    let out = harness.done(first, asked("one", "late"));
    assert!(out.is_empty());
    assert_eq!(harness.state.blocks, before);
    assert_eq!(harness.state.context_used, 0);
    assert!(
        harness
            .state
            .job
            .as_ref()
            .is_some_and(|job| job.generation == second)
    );
}

#[test]
fn after_esc_the_picture_stays_and_sources_still_come() {
    let mut harness = Harness::ready();
    let generation = harness.ask("why?");
    harness.token(generation, "half");
    harness.press("esc");
    harness.token(generation, " more");
    harness.job(generation, prefill(3, 1.0));
    harness.job(generation, Event::Source(a_source(1, "src/walk.rs", true)));
    assert_eq!(harness.answer().text, "half");
    assert_eq!(harness.answer().phase, Phase::Stopped);
    assert_eq!(harness.answer().sources.len(), 1);
    let mut answer = asked("why?", "half");
    if let Answer::Ask { stopped, .. } = &mut answer {
        *stopped = true;
    }
    let out = harness.done(generation, answer);
    assert_eq!(harness.answer().phase, Phase::Stopped);
    assert_eq!(
        harness.state.turns.len(),
        1,
        "it belongs to the conversation"
    );
    assert!(has!(out, Command::Io(IoCommand::Log { records, .. }) if has_turn(records)));
}

#[test]
fn what_was_stopped_before_its_first_word_is_no_turn() {
    let mut harness = Harness::ready();
    let generation = harness.ask("why?");
    harness.press("esc");
    let mut answer = asked("why?", "");
    if let Answer::Ask { stopped, .. } = &mut answer {
        *stopped = true;
    }
    assert!(!has!(
        harness.done(generation, answer),
        Command::Io(IoCommand::Log { records, .. }) if has_turn(records)
    ));
    assert!(harness.state.turns.is_empty());
}

#[test]
fn the_kept_answer_is_the_one_that_is_shown() {
    let mut harness = Harness::ready();
    let generation = harness.ask("why?");
    harness.token(generation, "So ");
    let mut kept = a_turn("why?", "So it is [1].");
    kept.sources = vec![a_source(1, "src/walk.rs", true)];
    harness.done(
        generation,
        Answer::Ask {
            turn: kept,
            context: a_context(),
            stopped: false,
        },
    );
    assert_eq!(harness.answer().text, "So it is [1].");
    assert!(harness.answer().sources[0].cited);
}

#[test]
fn a_failure_stands_below_and_the_next_goes_on() {
    let mut harness = Harness::ready();
    let first = harness.ask("one");
    harness.send("two");
    let out = harness.event(Happened::JobDone {
        generation: first,
        result: Err(Failure::model("the model went away").hint("load it again")),
    });
    assert_eq!(harness.errors(), ["the model went away"]);
    assert!(started(&out).is_some());
    let failed = |b: &super::super::Block| matches!(&b.body, Body::Answer(answer) if answer.phase == Phase::Failed);
    assert_eq!(harness.state.blocks.iter().filter(|b| failed(b)).count(), 1);
    assert!(harness.state.turns.is_empty());
}

#[test]
fn a_failure_after_esc_is_the_stop_that_was_asked_for() {
    let mut harness = Harness::ready();
    let generation = harness.ask("why?");
    harness.press("esc");
    harness.event(Happened::JobDone {
        generation,
        result: Err(Failure::interrupted()),
    });
    assert!(harness.errors().is_empty());
    assert_eq!(harness.answer().phase, Phase::Stopped);
}

#[test]
fn a_review_or_a_patch_takes_nothing_of_the_conversations_context() {
    let usage = |prompt_tokens| {
        Event::Usage(Usage {
            prompt_tokens,
            cached_tokens: 0,
            generated_tokens: 0,
            prefill_s: 0.0,
            decode_s: 0.0,
            drafted_tokens: 0,
            accepted_tokens: 0,
        })
    };
    let mut harness = Harness::ready();
    let generation = harness.ask("why?");
    harness.job(generation, usage(300));
    harness.done(generation, asked("why?", "so"));
    for request in ["/review", "/patch fix it", "/message"] {
        let generation = started(&harness.send(request)).expect("a job").0;
        harness.job(generation, usage(26_000));
        assert_eq!(harness.state.context_used, 300, "{request}");
        harness.event(super::super::super::Event::JobDone {
            generation,
            result: Err(Failure::model("no")),
        });
    }
}

#[test]
fn a_context_that_is_nearly_full_is_said_with_what_to_do() {
    let mut harness = Harness::ready();
    let generation = harness.ask("why?");
    harness.job(
        generation,
        Event::Usage(Usage {
            prompt_tokens: 800,
            cached_tokens: 0,
            generated_tokens: 50,
            prefill_s: 1.0,
            decode_s: 1.0,
            drafted_tokens: 0,
            accepted_tokens: 0,
        }),
    );
    harness.done(generation, asked("why?", "so"));
    let notes = harness.notes();
    assert!(
        notes[0].contains("850 of 1,000 tokens") && notes[0].contains("/new"),
        "{notes:?}"
    );
}

#[test]
fn a_long_job_rings_only_where_nobody_looks() {
    for (focus, ms, rings) in [
        (true, 20_000, false),
        (false, 20_000, true),
        (false, 500, false),
    ] {
        let mut harness = Harness::ready();
        harness.event(Happened::Focus(focus));
        let generation = harness.ask("why?");
        harness.wait(ms);
        let out = harness.done(generation, asked("why?", "so"));
        let said = has!(out, Command::Notify(said) if said == "homebody: the answer is there");
        assert_eq!(said, rings, "{focus} {ms}");
    }
    // Who has stopped it knows that it has ended.
    let mut harness = Harness::ready();
    let generation = harness.ask("why?");
    harness.wait(20_000);
    harness.press("esc");
    harness.event(Happened::Focus(false));
    let out = harness.event(Happened::JobDone {
        generation,
        result: Err(Failure::interrupted()),
    });
    assert!(!has!(out, Command::Notify(_)));
}

#[test]
fn turns_are_kept_on_disk_unless_they_may_not_be() {
    assert!(has!(
        Harness::ready().exchange("a", "b"),
        Command::Io(IoCommand::Log { records, .. }) if has_turn(records)
    ));
    let mut harness = Harness::ready_with(Options {
        save: false,
        ..Options::default()
    });
    assert!(!has!(
        harness.exchange("a", "b"),
        Command::Io(IoCommand::Log { records, .. }) if has_turn(records)
    ));
    assert_eq!(
        harness.state.turns.len(),
        1,
        "the conversation goes on all the same"
    );
}

#[test]
fn a_patch_job_shows_its_edits_and_then_the_patch() {
    let mut harness = Harness::ready();
    let (generation, _) = started(&harness.send("/patch fix it")).expect("a job");
    harness.token(generation, "```edit");
    harness.job(
        generation,
        Event::Edit {
            path: path("src/lib.rs"),
            form: crate::patch::EditKind::Replace,
            start: 3,
            end: 5,
        },
    );
    assert_eq!(harness.answer().edits, ["src/lib.rs:3-5"]);
    harness.done(generation, patched(a_change()));
    assert_eq!(harness.answer().text, "so it is done");
    let id = harness.last_patch();
    assert_eq!(harness.patch(id).hunks.len(), 3);
    assert_eq!(harness.patch(id).request, "fix it");
    assert_eq!(
        harness.state.focus,
        Focus::Patch(id),
        "it can be decided on at once"
    );
    assert!(harness.state.turns.is_empty());
}

#[test]
fn a_patch_does_not_take_the_keys_from_who_types_or_reads() {
    let mut harness = Harness::ready();
    let (generation, _) = started(&harness.send("/patch fix it")).expect("a job");
    harness.type_text("a");
    harness.done(generation, patched(a_change()));
    assert_eq!(harness.state.focus, Focus::Composer);
    let mut harness = Harness::ready();
    harness.exchange("a", "b");
    let (generation, _) = started(&harness.send("/patch fix it")).expect("a job");
    harness.measure();
    harness.press("pgup");
    harness.done(generation, patched(a_change()));
    assert_eq!(harness.state.focus, Focus::Composer);
}

#[test]
fn no_change_is_said_with_reasons() {
    let mut harness = Harness::ready();
    let (generation, _) = started(&harness.send("/patch fix it")).expect("a job");
    let mut answer = patched(crate::patch::Change::default());
    if let Answer::Patch { troubles, .. } = &mut answer {
        troubles.push("src/x.rs is not there".to_owned());
    }
    harness.done(generation, answer);
    assert_eq!(
        harness.notes(),
        ["no change was planned\n- src/x.rs is not there"]
    );
}

#[test]
fn a_commit_message_is_an_answer() {
    let mut harness = Harness::ready();
    let (generation, request) = started(&harness.send("/message")).expect("a job");
    assert!(matches!(request, crate::jobs::Request::Message));
    harness.token(generation, "\"Add x\"");
    harness.done(
        generation,
        Answer::Message {
            text: "Add x".to_owned(),
            stopped: false,
        },
    );
    assert_eq!(harness.answer().text, "Add x");
    assert_eq!(copy_of(&harness.send("/copy")), Some("Add x"));
}

#[test]
fn thinking_is_timed_to_its_end() {
    let thinking = Thinking {
        since: Some(1_000),
        until: None,
        ..Thinking::default()
    };
    assert!((thinking.seconds(3_500) - 2.5).abs() < 1e-9);
    assert!((Thinking::default().seconds(9)).abs() < 1e-9);
}
