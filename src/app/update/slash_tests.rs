//! Tests of the slash commands: each does something, and says so where it cannot.

use super::*;
use crate::app::sample::*;
use crate::app::slash::TABLE;
use crate::app::{Event, Focus, PanelTab, Sent};
use crate::base::LineRange;
use crate::patch::Applied;

#[test]
fn every_command_does_something_that_can_be_seen() {
    for entry in &TABLE {
        for argument in ["", " why", " src/lib.rs"] {
            let mut desk = Harness::ready();
            desk.exchange("why?", "so");
            let before = (desk.state.blocks.clone(), desk.toast().to_owned());
            let out = desk.send(&format!("/{}{argument}", entry.name));
            let told = out.iter().any(|c| !matches!(c, Command::SaveHistory(_)));
            let seen = desk.state.overlay.is_some()
                || desk.state.panel.is_some()
                || (desk.state.blocks.clone(), desk.toast().to_owned()) != before;
            assert!(told || seen, "/{}{argument}", entry.name);
        }
    }
}

#[test]
fn the_last_answer_is_gone_on_with() {
    let mut desk = Harness::ready();
    assert!(started(&desk.send("/continue")).is_none());
    assert!(desk.toast().contains("no answer to go on with"));
    desk.exchange("why?", "so");
    let (_, request) = started(&desk.send("/continue")).expect("a job");
    let Request::Ask(ask) = request else {
        panic!("{request:?}");
    };
    assert!(ask.go_on && ask.question.is_empty());
    assert_eq!(ask.history.len(), 1);
}

#[test]
fn each_command_asks_for_what_it_is_for() {
    let mut desk = Harness::ready();
    desk.exchange("why?", "so");
    assert!(has!(desk.send("/undo"), Command::Undo));
    assert!(has!(desk.send("/init"), Command::WriteInit));
    assert!(has!(
        desk.send("/resume"),
        Command::LoadSession { id: None }
    ));
    assert!(has!(desk.send("/resume 7"), Command::LoadSession { id: Some(id) } if id == "7"));
    assert!(has!(desk.send("/export"), Command::Export { turns, file: None } if turns.len() == 1));
    assert!(
        has!(desk.send("/export a b.md"), Command::Export { file: Some(file), .. } if file == "a b.md")
    );
    assert!(
        has!(desk.send("/theme light"), Command::SetTheme { name, keep: true } if name == "light")
    );
    assert_eq!(copy_of(&desk.send("/copy")), Some("so"));
    assert!(has!(desk.send("/doctor"), Command::Doctor));
    desk.press("esc");
    assert!(has!(desk.send("/sessions"), Command::ListSessions));
    desk.press("esc");
    assert!(has!(desk.send("/models"), Command::ListModels));
    desk.press("esc");
    assert!(has!(desk.send("/model"), Command::ListModels));
    desk.press("esc");
    desk.send("/help");
    assert_eq!(desk.state.overlay_title(), "help");
    desk.press("esc");
    assert!(has!(desk.send("/quit"), Command::Quit));
}

#[test]
fn a_command_that_lacks_something_comes_back_to_be_completed() {
    for (command, what) in [
        ("/ask", "a question"),
        ("/patch", "what to change"),
        ("/search", "words to look for"),
        ("/add", "a path"),
    ] {
        let mut desk = Harness::ready();
        desk.send(command);
        assert_eq!(desk.text(), format!("{command} "));
        assert_eq!(desk.toast(), format!("{command} needs {what}"));
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
        let mut desk = Harness::ready();
        let (_, request) = started(&desk.send(&format!("/review{argument}"))).expect("a job");
        assert!(matches!(request, Request::Review(review) if review.diff == ReviewOf::Repo(diff)));
        let id = desk.state.job.as_ref().expect("it runs").block;
        assert_eq!(desk.review(id).label, label);
    }
    let mut desk = Harness::ready();
    assert!(started(&desk.send("/review the last commit")).is_none());
    assert_eq!(desk.text(), "/review the last commit");
}

#[test]
fn without_git_there_is_no_review_and_no_message() {
    for command in ["/review", "/message"] {
        let mut desk = Harness::ready_with(crate::app::Options {
            git: false,
            ..crate::app::Options::default()
        });
        assert!(started(&desk.send(command)).is_none());
        assert!(desk.toast().contains("needs a git repository"));
    }
}

#[test]
fn paths_are_read_as_they_are_mentioned() {
    let mention = |name: &str, range: Option<(u32, u32)>| Mention {
        path: path(name),
        range: range.map(|(from, to)| LineRange::new(from, to)),
    };
    assert_eq!(
        mentions("a.rs @b.rs:3 c.rs:4-9 @\"d e.rs\":5-6 \"f g\" h:x"),
        Ok(vec![
            mention("a.rs", None),
            mention("b.rs", Some((3, 3))),
            mention("c.rs", Some((4, 9))),
            mention("d e.rs", Some((5, 6))),
            mention("f g", None),
            mention("h:x", None),
        ])
    );
    assert!(mentions("../x").is_err());
    assert!(mentions("/etc/passwd").is_err());
}

#[test]
fn a_file_is_added_pinned_or_dropped_and_never_two_of_them() {
    let mut desk = Harness::ready();
    let lists = |desk: &Harness| {
        (
            desk.state.added.len(),
            desk.state.pins.len(),
            desk.state.drops.len(),
        )
    };
    desk.send("/add src/lib.rs");
    assert_eq!(lists(&desk), (1, 0, 0));
    desk.send("/pin @src/lib.rs:1-5 docs");
    assert_eq!(lists(&desk), (0, 2, 0));
    desk.send("/drop \"docs/a b.md\" src/lib.rs");
    assert_eq!(lists(&desk), (0, 1, 2));
    assert_eq!(
        desk.toast(),
        "docs/a b.md, src/lib.rs: not shown from now on"
    );
    desk.send("/drop");
    assert_eq!(lists(&desk), (0, 1, 0));
    desk.send("/pin");
    assert_eq!(lists(&desk), (0, 0, 0));
    desk.send("/pin");
    assert_eq!(desk.toast(), "nothing is pinned; /pin needs a path");
}

#[test]
fn a_slip_in_a_path_is_told() {
    let mut desk = Harness::ready();
    desk.send("/add src/lbi.rs");
    assert_eq!(desk.toast(), "src/lbi.rs is not in the index");
    desk.send("/drop ../up");
    assert!(desk.toast().contains("not a path inside the repository"));
    assert!(desk.state.added.is_empty() && desk.state.drops.is_empty());
}

#[test]
fn a_slip_in_a_theme_gets_the_nearest() {
    let mut desk = Harness::ready();
    assert!(!has!(desk.send("/theme drak"), Command::SetTheme { .. }));
    assert_eq!(desk.toast(), "drak is no theme; did you mean dark?");
    desk.send("/theme frobnicate");
    assert_eq!(
        desk.toast(),
        "frobnicate is no theme; there are dark, light, terminal"
    );
}

#[test]
fn new_empties_the_conversation_and_keeps_what_is_set() {
    let mut desk = Harness::ready();
    desk.exchange("why?", "so");
    desk.send("/pin src/lib.rs");
    desk.send("/add src/walk.rs");
    desk.press("ctrl-o");
    let out = desk.send("/new");
    assert!(has!(out, Command::NewSession) && has!(out, Command::ResetEngine));
    assert!(desk.state.turns.is_empty() && desk.state.added.is_empty());
    assert_eq!(desk.state.pins.len(), 1);
    assert!(matches!(desk.state.blocks.as_slice(), [only] if matches!(only.body, Body::Welcome)));
    assert_eq!(desk.state.context_used, 0);
}

#[test]
fn a_download_goes_on_through_a_new_conversation() {
    let mut desk = Harness::ready();
    desk.send("/model small");
    desk.send("/new");
    let id = desk.state.pulling.expect("it runs");
    assert!(desk.state.block(id).is_some());
}

#[test]
fn what_runs_or_waits_is_not_thrown_away() {
    let mut desk = Harness::ready();
    desk.ask("why?");
    for command in ["/new", "/resume"] {
        let out = desk.send(command);
        assert!(!has!(out, Command::NewSession) && !has!(out, Command::LoadSession { .. }));
        assert_eq!(desk.toast(), "an answer is being written; Esc stops it");
    }
}

#[test]
fn an_open_patch_is_asked_about_before_it_goes() {
    let mut desk = Harness::ready();
    let id = desk.planned();
    for command in ["/new", "/resume", "/resume 7"] {
        desk.send(command);
        assert!(
            matches!(desk.state.overlay, Some(Overlay::Confirm { .. })),
            "{command}"
        );
        assert!(desk.press("n").is_empty());
    }
    desk.send("/resume 7");
    assert!(has!(desk.press("y"), Command::LoadSession { id: Some(id) } if id == "7"));
    desk.send("/new");
    assert!(has!(desk.press("y"), Command::NewSession));
    assert!(desk.state.block(id).is_none());
    // One that is written needs no question.
    let id = desk.planned();
    desk.press("A enter");
    desk.event(Event::Applied {
        block: id,
        result: Ok(Applied {
            files: Vec::new(),
            record: 1,
            notes: Vec::new(),
        }),
    });
    assert!(has!(desk.send("/new"), Command::NewSession));
}

#[test]
fn context_shows_what_was_sent_without_asking_again() {
    let mut desk = Harness::ready();
    assert!(
        has!(desk.send("/context"), Command::Preview { .. }),
        "nothing was sent yet"
    );
    desk.exchange("why?", "so");
    assert!(!has!(desk.send("/context"), Command::Preview { .. }));
    assert_eq!(
        desk.state.panel.map(|panel| panel.tab),
        Some(PanelTab::Context)
    );
    assert_eq!(desk.state.panel_rows().len(), 3);
    assert!(has!(
        desk.send("/context other words"),
        Command::Preview { .. }
    ));
}

#[test]
fn nothing_to_export_is_said() {
    let mut desk = Harness::ready();
    assert!(!has!(desk.send("/export"), Command::Export { .. }));
    assert!(desk.toast().contains("no conversation to export"));
}

#[test]
fn the_next_place_goes_round() {
    let mut desk = Harness::ready();
    let patch = desk.planned();
    desk.press("esc ctrl-o");
    let mut seen = Vec::new();
    for _ in 0..4 {
        desk.press("f6");
        seen.push(desk.state.focus);
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
    let mut desk = Harness::ready();
    desk.planned();
    assert!(has!(desk.press("ctrl-l"), Command::Redraw));
    desk.press("f1");
    assert!(has!(desk.press("ctrl-l"), Command::Redraw));
    assert!(has!(desk.press("ctrl-z"), Command::Suspend));
    assert!(desk.state.overlay.is_some());
}

#[test]
fn what_is_sent_from_commands_is_shown_as_typed() {
    let mut desk = Harness::ready();
    desk.send("/message");
    let shown = desk
        .state
        .blocks
        .iter()
        .find_map(|block| match &block.body {
            Body::User(turn) => Some((turn.text.as_str(), turn.sent)),
            _ => None,
        });
    assert_eq!(shown, Some(("/message", Sent::Yes)));
}
