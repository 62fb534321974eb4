//! Tests of the slash commands: each does something, and says so where it cannot.

use super::*;
use crate::app::sample::*;
use crate::app::slash::TABLE;
use crate::app::{Event, Focus, PanelTab, Sent};
use crate::jobs::Answer;
use crate::patch::Applied;
use crate::repo::CommitPlan;

#[test]
fn every_command_does_something_that_can_be_seen() {
    for entry in &TABLE {
        for argument in ["", " why", " src/lib.rs"] {
            let mut harness = Harness::ready();
            harness.exchange("why?", "so");
            let before = (harness.state.blocks.clone(), harness.toast().to_owned());
            let out = harness.send(&format!("/{}{argument}", entry.name));
            let told = out
                .iter()
                .any(|c| !matches!(c, Command::Io(IoCommand::SaveHistory(_))));
            let seen = harness.state.overlay.is_some()
                || harness.state.panel.is_some()
                || (harness.state.blocks.clone(), harness.toast().to_owned()) != before;
            assert!(told || seen, "/{}{argument}", entry.name);
        }
    }
}

#[test]
fn the_last_answer_is_gone_on_with() {
    let mut harness = Harness::ready();
    assert!(started(&harness.send("/continue")).is_none());
    assert!(harness.toast().contains("no answer to go on with"));
    harness.exchange("why?", "so");
    let (_, request) = started(&harness.send("/continue")).expect("a job");
    let Request::Ask(ask) = request else {
        panic!("{request:?}");
    };
    assert!(ask.go_on && ask.question.is_empty());
    assert_eq!(ask.history.len(), 1);
}

#[test]
fn each_command_asks_for_what_it_is_for() {
    let mut harness = Harness::ready();
    harness.exchange("why?", "so");
    assert!(has!(
        harness.send("/undo"),
        Command::Write(WriteCommand::Undo { .. })
    ));
    assert!(has!(
        harness.send("/init"),
        Command::Write(WriteCommand::WriteInit)
    ));
    assert!(has!(
        harness.send("/resume"),
        Command::Io(IoCommand::LoadSession { id: None })
    ));
    assert!(
        has!(harness.send("/resume 7"), Command::Io(IoCommand::LoadSession { id: Some(id) }) if id == "7")
    );
    assert!(
        has!(harness.send("/export"), Command::Io(IoCommand::Export { text, file: None }) if text.starts_with("## why?\n\nso"))
    );
    assert!(
        has!(harness.send("/export a b.md"), Command::Io(IoCommand::Export { file: Some(file), .. }) if file == "a b.md")
    );
    assert!(
        has!(harness.send("/theme light"), Command::SetTheme { name, keep: true } if name == "light")
    );
    assert_eq!(copy_of(&harness.send("/copy")), Some("so"));
    assert!(has!(
        harness.send("/doctor"),
        Command::Io(IoCommand::Doctor)
    ));
    harness.press("esc");
    assert!(has!(
        harness.send("/sessions"),
        Command::Io(IoCommand::ListSessions)
    ));
    harness.press("esc");
    assert!(has!(
        harness.send("/models"),
        Command::Io(IoCommand::ListModels)
    ));
    harness.press("esc");
    assert!(has!(
        harness.send("/model"),
        Command::Io(IoCommand::ListModels)
    ));
    harness.press("esc");
    harness.send("/help");
    assert_eq!(harness.state.overlay_title(), "help");
    harness.press("esc");
    assert!(has!(harness.send("/quit"), Command::Quit));
}

#[test]
fn a_command_that_lacks_something_comes_back_to_be_completed() {
    for (command, what) in [
        ("/ask", "a question"),
        ("/patch", "what to change"),
        ("/search", "words to look for"),
        ("/add", "a path"),
    ] {
        let mut harness = Harness::ready();
        harness.send(command);
        assert_eq!(harness.text(), format!("{command} "));
        assert_eq!(harness.toast(), format!("{command} needs {what}"));
    }
}

#[test]
fn a_review_is_of_what_was_said() {
    for (argument, diff, label) in [
        ("", DiffSpec::Staged, "what is staged"),
        (" unstaged", DiffSpec::Unstaged, "what is not staged"),
        (
            " HEAD~2",
            DiffSpec::Commit("HEAD~2".to_owned()),
            "commit HEAD~2",
        ),
        (
            " main..HEAD",
            DiffSpec::Range("main..HEAD".to_owned()),
            "main..HEAD",
        ),
        (
            " --base main",
            DiffSpec::Base("main".to_owned()),
            "everything since main",
        ),
    ] {
        let mut harness = Harness::ready();
        let (_, request) = started(&harness.send(&format!("/review{argument}"))).expect("a job");
        assert!(matches!(request, Request::Review(review) if review.diff == ReviewOf::Repo(diff)));
        let id = harness.state.job.as_ref().expect("it runs").block;
        assert_eq!(harness.review(id).label, label);
    }
    let mut harness = Harness::ready();
    assert!(started(&harness.send("/review the last commit")).is_none());
    assert_eq!(harness.text(), "/review the last commit");
}

#[test]
fn without_git_there_is_no_review_and_no_message() {
    for command in ["/review", "/message"] {
        let mut harness = Harness::ready_with(crate::app::Options {
            git: false,
            ..crate::app::Options::default()
        });
        assert!(started(&harness.send(command)).is_none());
        assert!(harness.toast().contains("needs a git repository"));
    }
}

#[test]
fn a_file_is_added_pinned_or_dropped_and_never_two_of_them() {
    let mut harness = Harness::ready();
    let lists = |harness: &Harness| {
        (
            harness.state.added.len(),
            harness.state.pins.len(),
            harness.state.drops.len(),
        )
    };
    harness.send("/add src/lib.rs");
    assert_eq!(lists(&harness), (1, 0, 0));
    harness.send("/pin @src/lib.rs:1-5 docs");
    assert_eq!(lists(&harness), (0, 2, 0));
    harness.send("/drop \"docs/a b.md\" src/lib.rs");
    assert_eq!(lists(&harness), (0, 1, 2));
    assert_eq!(
        harness.toast(),
        "docs/a b.md, src/lib.rs: not shown from now on"
    );
    harness.send("/undrop all");
    assert_eq!(lists(&harness), (0, 1, 0));
    harness.send("/unpin docs");
    assert_eq!(lists(&harness), (0, 0, 0));
    harness.send("/pin");
    assert!(harness.toast().starts_with("nothing is pinned or dropped"));
}

#[test]
fn a_slip_in_a_path_is_told() {
    let mut harness = Harness::ready();
    harness.send("/add src/lbi.rs");
    assert_eq!(
        harness.toast(),
        "src/lbi.rs is not in the index; did you mean src/lib.rs?"
    );
    harness.send("/drop ../up");
    assert!(harness.toast().contains("not a path inside the repository"));
    assert!(harness.state.added.is_empty() && harness.state.drops.is_empty());
}

#[test]
fn a_slip_in_a_theme_gets_the_nearest() {
    let mut harness = Harness::ready();
    assert!(!has!(harness.send("/theme drak"), Command::SetTheme { .. }));
    assert_eq!(harness.toast(), "drak is no theme; did you mean dark?");
    harness.send("/theme frobnicate");
    assert_eq!(
        harness.toast(),
        "frobnicate is no theme; there are dark, light, terminal"
    );
}

#[test]
fn new_empties_the_conversation_and_keeps_what_is_set() {
    let mut harness = Harness::ready();
    harness.exchange("why?", "so");
    harness.send("/pin src/lib.rs");
    harness.send("/add src/walk.rs");
    harness.press("ctrl-o");
    let out = harness.send("/new");
    assert!(
        has!(out, Command::Io(IoCommand::NewSession))
            && has!(out, Command::ResetEngine { private: false })
    );
    assert!(harness.state.turns.is_empty() && harness.state.added.is_empty());
    assert_eq!(harness.state.pins.len(), 1);
    assert!(
        matches!(harness.state.blocks.as_slice(), [only] if matches!(only.body, Body::Welcome))
    );
    assert_eq!(harness.state.context_used, 0);
}

#[test]
fn a_download_goes_on_through_a_new_conversation() {
    let mut harness = Harness::ready();
    harness.fetch("small");
    harness.send("/new");
    let id = harness.state.pulling.expect("it runs");
    assert!(harness.state.block(id).is_some());
}

#[test]
fn what_runs_or_waits_is_not_thrown_away() {
    let mut harness = Harness::ready();
    harness.ask("why?");
    for command in ["/new", "/resume"] {
        let out = harness.send(command);
        assert!(
            !has!(out, Command::Io(IoCommand::NewSession))
                && !has!(out, Command::Io(IoCommand::LoadSession { .. }))
        );
        assert_eq!(harness.toast(), "an answer is being written; Esc stops it");
    }
}

#[test]
fn an_open_patch_is_asked_about_before_it_goes() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    for command in ["/new", "/resume", "/resume 7"] {
        harness.send(command);
        assert!(
            matches!(harness.state.overlay, Some(Overlay::Confirm { .. })),
            "{command}"
        );
        assert!(harness.press("n").is_empty());
    }
    harness.send("/resume 7");
    assert!(
        has!(harness.press("y"), Command::Io(IoCommand::LoadSession { id: Some(id) }) if id == "7")
    );
    harness.send("/new");
    assert!(has!(harness.press("y"), Command::Io(IoCommand::NewSession)));
    assert!(harness.state.block(id).is_none());
    // One that is written needs no question.
    let id = harness.planned();
    harness.press("A enter");
    harness.event(Event::Applied {
        block: id,
        result: Ok(Applied {
            files: Vec::new(),
            record: 1,
            notes: Vec::new(),
        }),
    });
    assert!(has!(
        harness.send("/new"),
        Command::Io(IoCommand::NewSession)
    ));
}

#[test]
fn context_shows_what_was_sent_without_asking_again() {
    let mut harness = Harness::ready();
    assert!(
        has!(
            harness.send("/context"),
            Command::Io(IoCommand::Preview { .. })
        ),
        "nothing was sent yet"
    );
    harness.exchange("why?", "so");
    assert!(!has!(
        harness.send("/context"),
        Command::Io(IoCommand::Preview { .. })
    ));
    assert_eq!(
        harness.state.panel.map(|panel| panel.tab),
        Some(PanelTab::Context)
    );
    assert_eq!(harness.state.panel_rows().len(), 3);
    assert!(has!(
        harness.send("/context other words"),
        Command::Io(IoCommand::Preview { .. })
    ));
}

#[test]
fn nothing_to_export_is_said() {
    let mut harness = Harness::ready();
    assert!(!has!(
        harness.send("/export"),
        Command::Io(IoCommand::Export { .. })
    ));
    assert!(harness.toast().contains("no conversation to export"));
}

#[test]
fn the_next_place_goes_round() {
    let mut harness = Harness::ready();
    let patch = harness.planned();
    harness.press("esc ctrl-o");
    let mut seen = Vec::new();
    for _ in 0..4 {
        harness.press("f6");
        seen.push(harness.state.focus);
    }
    assert_eq!(
        seen,
        [
            Focus::Transcript,
            Focus::Composer,
            Focus::Patch(patch),
            Focus::Panel
        ]
    );
    let mut empty = Harness::ready();
    empty.press("f6");
    assert_eq!(empty.state.focus, Focus::Composer);
}

#[test]
fn redraw_and_suspend_work_from_everywhere() {
    let mut harness = Harness::ready();
    harness.planned();
    assert!(has!(harness.press("ctrl-l"), Command::Redraw));
    harness.press("f1");
    assert!(has!(harness.press("ctrl-l"), Command::Redraw));
    assert!(has!(harness.press("ctrl-z"), Command::Suspend));
    assert!(harness.state.overlay.is_some());
}

#[test]
fn what_is_sent_from_commands_is_shown_as_typed() {
    let mut harness = Harness::ready();
    harness.send("/message");
    let shown = harness
        .state
        .blocks
        .iter()
        .find_map(|block| match &block.body {
            Body::User(turn) => Some((turn.text.as_str(), turn.sent)),
            _ => None,
        });
    assert_eq!(shown, Some(("/message", Sent::Yes)));
}

#[test]
fn of_a_private_conversation_nothing_is_kept_until_it_ends() {
    let mut harness = Harness::ready();
    let kept = |out: &[Command]| {
        let log = has!(out, Command::Io(IoCommand::Log { .. }));
        log || has!(out, Command::Io(IoCommand::SaveHistory(_)))
    };
    let out = harness.send("why?");
    assert!(kept(&out));
    let generation = started(&out).expect("a job").0;
    harness.send("/private");
    assert!(!harness.state.private, "an answer is being written");
    harness.done(generation, asked("why?", "so"));
    let out = harness.send("/private");
    assert!(has!(out, Command::ResetEngine { private: true }));
    assert!(harness.state.private && harness.state.turns.is_empty());
    let out = harness.send("how?");
    assert!(!kept(&out), "{out:?}");
    let generation = started(&out).expect("a job").0;
    assert!(!kept(&harness.done(generation, asked("how?", "thus"))));
    assert_eq!(harness.state.turns.len(), 1, "it goes on all the same");
    let out = harness.send("/new");
    assert!(has!(out, Command::ResetEngine { private: false }));
    assert!(!harness.state.private && kept(&harness.send("what?")));
}

#[test]
fn an_open_patch_asks_before_a_private_conversation_begins() {
    let mut harness = Harness::ready();
    harness.planned();
    harness.press("esc");
    harness.send("/private");
    assert!(!harness.state.private);
    let out = harness.press("y");
    assert!(has!(out, Command::ResetEngine { private: true }) && harness.state.private);
}

#[test]
fn what_was_applied_is_staged_and_committed_from_the_composer() {
    let mut harness = Harness::ready();
    assert!(!has!(harness.send("/commit"), Command::Write(_)));
    assert!(harness.toast().contains("nothing is applied yet"));
    let id = harness.planned();
    harness.press("A enter");
    harness.event(Event::Applied {
        block: id,
        result: Ok(Applied {
            files: vec![path("src/lib.rs")],
            record: 1,
            notes: Vec::new(),
        }),
    });
    assert!(harness.toast().contains("/commit commits it"));
    assert_eq!(harness.state.focus, Focus::Composer);
    assert!(has!(
        harness.send("/stage"),
        Command::Write(WriteCommand::Stage { block, .. }) if *block == id
    ));
    assert!(has!(
        harness.send("/commit"),
        Command::Write(WriteCommand::PlanCommit { block, .. }) if *block == id
    ));
    // With the message there, the editor opens: nothing was typed meanwhile.
    let plan = CommitPlan {
        files: vec![path("src/lib.rs")],
        both: Vec::new(),
        hooks: Vec::new(),
    };
    let planned = Event::CommitPlanned {
        block: id,
        result: Ok(plan),
    };
    let (generation, _) = started(&harness.event(planned)).expect("a job");
    let message = Answer::Message {
        text: "Add it".to_owned(),
        stopped: false,
    };
    assert!(has!(
        harness.done(generation, message),
        Command::OpenEditor { .. }
    ));
}
