//! Tests of staging and committing what was applied.

use super::*;
use crate::app::Event;
use crate::app::sample::*;
use crate::jobs::Answer;
use crate::patch::Undone;
use crate::repo::NewCommit;

/// A patch of which the hunk of the first file is written.
fn half_written() -> (Harness, BlockId) {
    let mut harness = Harness::ready();
    let id = harness.planned();
    harness.press("a enter");
    crate::app::sample::written(&mut harness, id, &["src/lib.rs"]);
    (harness, id)
}

fn plan(both: &[&str]) -> CommitPlan {
    CommitPlan {
        files: vec![path("src/lib.rs")],
        both: both.iter().map(|name| path(name)).collect(),
        hooks: vec!["pre-commit"],
    }
}

fn plans(harness: &mut Harness, id: BlockId, both: &[&str]) -> Vec<Command> {
    let result = Ok(plan(both));
    harness.event(Event::CommitPlanned { block: id, result })
}

/// The text that an editor is opened on.
fn opened(commands: &[Command]) -> Option<&str> {
    commands.iter().find_map(|command| match command {
        Command::OpenEditor {
            purpose: EditorPurpose::CommitMessage,
            editable: Editable::Text { text, .. },
        } => Some(text.as_str()),
        _ => None,
    })
}

fn undone(name: &str) -> Event {
    Event::Undone(Ok(Undone {
        files: vec![path(name)],
        record: None,
        left: 0,
        notes: Vec::new(),
    }))
}

fn to_commit(commands: &[Command]) -> Option<(&Change, &str, bool)> {
    commands.iter().find_map(|command| match command {
        Command::Write(WriteCommand::Commit {
            change,
            message,
            hooks,
            ..
        }) => Some((&**change, message.as_str(), *hooks)),
        _ => None,
    })
}

fn message(harness: &mut Harness, commands: &[Command], text: &str) -> Vec<Command> {
    let (generation, request) = started(commands).expect("a job");
    assert!(matches!(request, Request::MessageOf(_)));
    let text = text.to_owned();
    harness.done(
        generation,
        Answer::Message {
            text,
            stopped: false,
        },
    )
}

fn edited(harness: &mut Harness, text: Option<&str>) -> Vec<Command> {
    harness.event(Event::EditorDone {
        purpose: EditorPurpose::CommitMessage,
        result: Ok(text.map(str::to_owned)),
    })
}

#[test]
fn what_is_applied_is_staged_and_nothing_else() {
    let mut harness = Harness::ready();
    harness.planned();
    assert!(harness.press("t").is_empty());
    assert_eq!(
        harness.toast(),
        "nothing is applied yet: Enter writes what is accepted"
    );
    let (mut harness, id) = half_written();
    let out = harness.press("t");
    let Some(Command::Write(WriteCommand::Stage { change, .. })) = out.first() else {
        panic!("{out:?}");
    };
    assert_eq!(change.files.len(), 1);
    let result = Ok(vec![path("src/lib.rs")]);
    let out = harness.event(Event::Staged { block: id, result });
    assert!(has!(out, Command::Io(IoCommand::RefreshRepo)));
    assert_eq!(harness.toast(), "staged: src/lib.rs");
    assert!(harness.patch(id).writings[0].in_git.staged);
}

#[test]
fn a_commit_has_the_message_that_the_model_made_and_the_person_edited() {
    let (mut harness, id) = half_written();
    let out = harness.press("C");
    assert!(has!(out, Command::Write(WriteCommand::PlanCommit { .. })));
    let out = plans(&mut harness, id, &[]);
    let out = message(&mut harness, &out, "Mend it");
    let draft = opened(&out).expect("an editor").to_owned();
    assert!(draft.starts_with("Mend it\n"), "{draft}");
    let out = edited(
        &mut harness,
        Some(&draft.replace("Mend it", "Mend all of it")),
    );
    let (change, message, hooks) = to_commit(&out).expect("a commit");
    assert_eq!((message, hooks), ("Mend all of it", true));
    assert_eq!(change.files.len(), 1);
    let result = Ok(Committed {
        commit: NewCommit {
            id: "1a2b3c4".to_owned(),
            subject: "Mend all of it".to_owned(),
            branch: Some("main".to_owned()),
        },
        notes: vec!["the hook pre-commit ran".to_owned()],
    });
    harness.event(Event::Committed { block: id, result });
    assert_eq!(
        harness.notes(),
        [
            "committed as 1a2b3c4 on main: Mend all of it",
            "the hook pre-commit ran"
        ]
    );
    let in_git = |harness: &Harness, at: usize| harness.patch(id).writings[at].in_git.words();
    assert_eq!(in_git(&harness, 0).as_deref(), Some("committed as 1a2b3c4"));
    // What is written later is not in it, and undone first.
    harness.state.focus = Focus::Patch(id);
    harness.press("n a enter");
    crate::app::sample::written(&mut harness, id, &["src/walk.rs"]);
    assert_eq!(in_git(&harness, 1), None);
    harness.event(undone("src/walk.rs"));
    let last = harness.notes().pop().expect("a note");
    assert!(!last.contains("stays"), "{last}");
    // Undo takes back the files, and says that the commit stays.
    harness.event(undone("src/lib.rs"));
    let last = harness.notes().pop().expect("a note");
    assert!(last.contains("the commit 1a2b3c4 stays"), "{last}");
    assert!(harness.patch(id).writings.is_empty());
}

#[test]
fn a_file_with_other_staged_changes_asks_first() {
    let (mut harness, id) = half_written();
    harness.press("C");
    let out = plans(&mut harness, id, &["src/lib.rs"]);
    assert!(started(&out).is_none());
    let Some(Overlay::Confirm { question, .. }) = &harness.state.overlay else {
        panic!("nothing is asked");
    };
    assert!(question.contains("staged in src/lib.rs"), "{question}");
    assert!(started(&harness.press("esc")).is_none());
    harness.press("C");
    plans(&mut harness, id, &["src/lib.rs"]);
    let out = harness.press("y");
    let out = message(&mut harness, &out, "Mend it");
    let draft = opened(&out).expect("an editor");
    assert!(draft.contains("other changes of it stay staged"), "{draft}");
}

#[test]
fn an_empty_message_commits_nothing_and_one_that_was_refused_is_kept() {
    let (mut harness, id) = half_written();
    harness.press("C");
    let out = plans(&mut harness, id, &[]);
    let out = message(&mut harness, &out, "Mend it");
    let draft = opened(&out).expect("an editor").to_owned();
    assert!(to_commit(&edited(&mut harness, Some(&draft.replace("Mend it", "")))).is_none());
    assert_eq!(
        harness.toast(),
        "the message is empty: nothing is committed"
    );
    harness.press("C");
    let out = plans(&mut harness, id, &[]);
    message(&mut harness, &out, "Mend it");
    let without = draft
        .replace("Mend it", "By hand")
        .replace("hooks: yes", "hooks: no");
    let out = edited(&mut harness, Some(&without));
    assert_eq!(
        to_commit(&out).map(|(_, m, h)| (m, h)),
        Some(("By hand", false))
    );
    let result = Err(Failure::input("the hook refuses it"));
    harness.event(Event::Committed { block: id, result });
    assert_eq!(harness.toast(), "the hook refuses it");
    let out = harness.press("C");
    assert!(opened(&out).is_some_and(|text| text.starts_with("By hand\n")));
    // What was not changed is taken as it is.
    let out = edited(&mut harness, None);
    assert_eq!(
        to_commit(&out).map(|(_, m, h)| (m, h)),
        Some(("By hand", true))
    );
}

#[test]
fn the_editor_does_not_come_between_a_person_and_what_they_type() {
    let (mut harness, id) = half_written();
    harness.press("C");
    let out = plans(&mut harness, id, &[]);
    harness.press("tab");
    harness.type_text("and now");
    let out = message(&mut harness, &out, "Mend it");
    assert!(opened(&out).is_none());
    assert_eq!(
        harness.toast(),
        "C on the patch edits the message, and commits"
    );
    harness.state.focus = Focus::Patch(id);
    assert!(opened(&harness.press("C")).is_some());
}

#[test]
fn without_a_model_the_person_writes_the_message() {
    let (mut harness, id) = half_written();
    harness.state.engine = EngineState::Missing;
    harness.press("C");
    let out = plans(&mut harness, id, &[]);
    assert!(opened(&out).is_some_and(|text| text.starts_with('\n')));
}

#[test]
fn one_message_is_written_at_a_time() {
    let (mut harness, id) = half_written();
    harness.state.focus = Focus::Patch(id);
    harness.press("C");
    let out = plans(&mut harness, id, &[]);
    assert!(started(&out).is_some());
    harness.state.focus = Focus::Patch(id);
    assert!(harness.press("C").is_empty());
    assert_eq!(harness.toast(), "the message of a commit is being written");
    assert!(harness.state.queue.is_empty());
}

#[test]
fn esc_stops_the_hooks_and_the_message_stays() {
    let (mut harness, id) = half_written();
    harness.state.focus = Focus::Patch(id);
    harness.press("C");
    let out = plans(&mut harness, id, &[]);
    message(&mut harness, &out, "Add x");
    edited(&mut harness, Some("Add x, and why"));
    // While it is being committed nothing else is done to it, and the end asks.
    harness.state.focus = Focus::Patch(id);
    assert!(harness.press("C").is_empty());
    harness.press("ctrl-d");
    assert_eq!(harness.state.overlay_title(), "sure?");
    harness.press("esc");
    let out = harness.press("esc");
    assert!(has!(out, Command::CancelCommit));
    let result = Err(Failure::interrupted());
    harness.event(Event::Committed { block: id, result });
    assert!(harness.toast().starts_with("nothing is committed"));
    assert!(harness.errors().is_empty());
    harness.state.focus = Focus::Patch(id);
    let out = harness.press("C");
    assert!(opened(&out).is_some_and(|text| text.starts_with("Add x, and why")));
}
