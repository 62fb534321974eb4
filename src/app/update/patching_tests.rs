//! Tests of deciding on a patch, writing it and taking it back.

use super::*;
use crate::app::sample::*;
use crate::app::{Event, FileFate, JobKind};
use crate::base::RepoPath;
use crate::patch::{FileChange, Undone};

use Decision::{Accepted, Rejected, Undecided, Written};

#[path = "undoing_tests.rs"]
mod undoing;
#[path = "writing_tests.rs"]
mod writing;

fn decisions(harness: &Harness, id: BlockId) -> Vec<Decision> {
    harness
        .patch(id)
        .hunks
        .iter()
        .map(|hunk| hunk.decision)
        .collect()
}

fn to_write(commands: &[Command]) -> Option<&Change> {
    commands.iter().find_map(|command| match command {
        Command::Write(WriteCommand::Apply { change, .. }) => Some(&**change),
        _ => None,
    })
}

/// What went wrong is told at the cursor of the patch and in a toast, and goes with the next key.
#[track_caller]
fn told_at(harness: &Harness, id: BlockId, what: &str) {
    let failure = harness.patch(id).failure.as_ref();
    assert_eq!(failure.map(ToString::to_string).as_deref(), Some(what));
    assert_eq!(harness.toast(), what);
    assert!(harness.errors().is_empty());
    let mut harness = Harness {
        state: harness.state.clone(),
        now: harness.now,
        log: Vec::new(),
        kept: Vec::new(),
        matches: Vec::new(),
    };
    harness.state.focus = Focus::Patch(id);
    harness.press("n");
    assert!(harness.patch(id).failure.is_none());
}

fn back(files: &[&str], left: usize) -> Event {
    Event::Undone(Ok(Undone {
        files: files.iter().map(|name| path(name)).collect(),
        record: None,
        left,
        notes: Vec::new(),
    }))
}

#[test]
fn hunks_stand_in_the_order_of_files_and_lines() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    let patch = harness.patch(id);
    let names: Vec<&str> = patch.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(names, ["src/lib.rs", "src/walk.rs"]);
    assert!(
        patch
            .files
            .iter()
            .all(|file| file.what == FileFate::Changed)
    );
    let ranges: Vec<u32> = (0..3)
        .map(|at| patch.range_of(at).expect("lines").start())
        .collect();
    assert_eq!(ranges, [2, 1, 27]);
    assert_eq!(
        patch.rows(),
        [
            PatchRow::File(0),
            PatchRow::Hunk(0),
            PatchRow::File(1),
            PatchRow::Hunk(1),
            PatchRow::Hunk(2),
        ]
    );
    assert_eq!((patch.files[1].added, patch.files[1].removed), (2, 2));
}

#[test]
fn accepting_and_rejecting_go_on_to_the_next_hunk() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    harness.press("a r a");
    assert_eq!(decisions(&harness, id), [Accepted, Rejected, Accepted]);
    assert_eq!(harness.patch(id).accepted_of(0), (1, 1));
    assert_eq!(harness.patch(id).accepted_of(1), (1, 2));
    // A decision can be changed.
    harness.press("p a");
    assert_eq!(decisions(&harness, id), [Accepted, Accepted, Accepted]);
}

#[test]
fn a_heading_stands_for_all_its_hunks() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    harness.press("down a");
    assert_eq!(decisions(&harness, id), [Undecided, Accepted, Accepted]);
}

#[test]
fn all_accepts_what_is_not_rejected() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    harness.press("r A");
    assert_eq!(decisions(&harness, id), [Rejected, Accepted, Accepted]);
}

#[test]
fn only_what_is_accepted_is_written() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    assert!(to_write(&harness.press("enter")).is_none());
    assert_eq!(
        harness.toast(),
        "nothing is accepted yet: a accepts a hunk, A all"
    );
    harness.press("n a");
    let out = harness.press("enter");
    let change = to_write(&out).expect("it is written");
    assert_eq!(change.files.len(), 1);
    assert_eq!(change.files[0].path, path("src/walk.rs"));
    let after = change.files[0].after.as_deref().expect("a text");
    assert!(
        after.contains("new 2\n") && after.contains("old 30\n"),
        "{after}"
    );
    assert_eq!(harness.patch(id).state, PatchState::Applying);
    assert!(
        to_write(&harness.press("enter")).is_none(),
        "once is enough"
    );
    let out = written(&mut harness, id, &["src/walk.rs"]);
    assert!(has!(out, Command::Reindex { rebuild: false }));
    assert!(has!(out, Command::Io(IoCommand::RefreshRepo)));
    assert_eq!(
        harness.toast(),
        "1 file written, 2 open; /undo takes it back"
    );
    assert_eq!(decisions(&harness, id), [Undecided, Written, Undecided]);
}

#[test]
fn what_cannot_be_written_stays_open() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    harness.press("A enter");
    harness.event(Event::Applied {
        block: id,
        result: Err(Failure::input("src/lib.rs has changed")),
    });
    assert!(harness.patch(id).is_open());
    assert_eq!(decisions(&harness, id), [Accepted; 3]);
    told_at(&harness, id, "src/lib.rs has changed");
}

#[test]
fn what_else_happened_while_writing_is_said() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    harness.press("A enter");
    harness.event(Event::Applied {
        block: id,
        result: Ok(Applied {
            files: vec![path("src/lib.rs")],
            record: 1,
            notes: vec!["an older patch was taken back".to_owned()],
        }),
    });
    assert_eq!(harness.notes(), ["an older patch was taken back"]);
}

#[test]
fn what_is_written_counts_also_when_its_block_has_gone() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    harness.press("A enter");
    harness.send("/new");
    assert!(harness.state.block(id).is_none());
    assert!(has!(
        written(&mut harness, id, &["src/lib.rs"]),
        Command::Reindex { .. }
    ));
    harness.event(Event::Applied {
        block: id,
        result: Err(Failure::input("src/lib.rs has changed")),
    });
    assert_eq!(harness.errors(), ["src/lib.rs has changed"]);
}

#[test]
fn rejecting_all_discards_it() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    harness.press("r r");
    assert!(harness.patch(id).is_open());
    harness.press("r");
    assert_eq!(harness.patch(id).state, PatchState::Discarded);
    assert_eq!(harness.state.focus, Focus::Composer);
    harness.state.focus = Focus::Patch(id);
    assert!(harness.press("A enter c").is_empty());
}

#[test]
fn a_rejected_hunk_is_asked_again_with_a_remark() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    // Whoever leaves the remark has rejected nothing.
    harness.press("n R esc");
    assert_eq!(decisions(&harness, id), [Undecided; 3]);
    harness.press("R");
    assert_eq!(
        harness.state.composing,
        Composing::Remark { block: id, hunk: 1 }
    );
    // It is a remark, not a command, and has no popup.
    harness.type_text("/use @x instead");
    assert!(harness.state.completion.is_none());
    let (_, request) = started(&harness.press("enter")).expect("a job");
    let Request::Patch(patch) = request else {
        panic!("no patch")
    };
    let (hunk, remark) = patch.again.expect("again");
    assert_eq!(remark, "/use @x instead");
    assert_eq!(decisions(&harness, id), [Undecided, Rejected, Undecided]);
    assert!(hunk.contains("-old 2\n+new 2\n"), "{hunk}");
    assert_eq!(patch.request, "fix it");
    assert_eq!(patch.files, [path("src/walk.rs")]);
    assert_eq!(harness.state.composing, Composing::Request);
    assert!(harness.patch(id).is_open(), "the others can still be taken");
}

#[test]
fn a_remark_may_be_empty_and_the_draft_comes_back() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    harness.event(Event::Paste("a draft".to_owned()));
    harness.state.focus = Focus::Patch(id);
    harness.press("R");
    let (_, request) = started(&harness.press("enter")).expect("a job");
    assert!(matches!(request, Request::Patch(patch)
        if patch.again.as_ref().is_some_and(|(_, remark)| remark == "do it another way")));
    assert_eq!(harness.text(), "a draft");
}

#[test]
fn the_only_hunk_asked_again_leaves_nothing_open() {
    let mut harness = Harness::ready();
    let (generation, _) = started(&harness.send("/patch fix it")).expect("a job");
    let mut change = a_change();
    change.files.truncate(1);
    harness.done(generation, patched(change));
    let id = harness.last_patch();
    harness.press("R");
    assert!(harness.patch(id).is_open(), "it can be left");
    harness.press("enter");
    assert_eq!(harness.patch(id).state, PatchState::Discarded);
    assert!(
        harness
            .state
            .job
            .as_ref()
            .is_some_and(|job| job.kind == JobKind::Patch)
    );
}

#[test]
fn folding_hides_hunks_and_the_next_hunk_opens_its_file() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    harness.press("n space");
    assert_eq!(harness.patch(id).cursor, PatchRow::File(1));
    assert_eq!(harness.patch(id).rows().len(), 3);
    harness.press("n");
    assert_eq!(harness.patch(id).cursor, PatchRow::Hunk(1));
    assert!(!harness.patch(id).files[1].folded);
    harness.press("up up up up up");
    assert_eq!(harness.patch(id).cursor, PatchRow::File(0));
    harness.press("down down down down down down");
    assert_eq!(harness.patch(id).cursor, PatchRow::Hunk(2));
}

#[test]
fn it_is_copied_as_a_diff() {
    let mut harness = Harness::ready();
    harness.planned();
    let out = harness.press("y");
    let diff = copy_of(&out).expect("a text");
    assert!(
        diff.contains("--- a/src/lib.rs") && diff.contains("+new 30"),
        "{diff}"
    );
}

#[test]
fn an_edited_file_keeps_the_decisions_on_equal_hunks() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    harness.press("n a");
    let out = harness.press("e");
    let (purpose, text) = out
        .iter()
        .find_map(|command| match command {
            Command::OpenEditor {
                purpose,
                editable: Editable::Text { text, name, line },
            } => {
                assert_eq!((name.as_str(), *line), ("walk.rs", 30));
                Some((purpose.clone(), text.clone()))
            }
            _ => None,
        })
        .expect("an editor");
    harness.event(Event::EditorDone {
        purpose: purpose.clone(),
        result: Ok(Some(text.replace("new 30", "newer 30"))),
    });
    assert_eq!(decisions(&harness, id), [Undecided, Accepted, Undecided]);
    assert!(
        harness.patch(id).hunks[2]
            .hunk
            .lines
            .contains(&(1, "newer 30".to_owned()))
    );
    // As it was before: nothing of the file is left.
    let before = harness.patch(id).change.files[1].before.clone();
    harness.event(Event::EditorDone {
        purpose,
        result: Ok(before),
    });
    assert_eq!(harness.patch(id).files.len(), 1);
    assert!(harness.patch(id).is_open());
}

fn mixed() -> Change {
    let file = |name: &str, before: Option<&str>, after: Option<&str>| FileChange {
        path: path(name),
        renamed_to: None,
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    };
    Change {
        files: vec![
            file("a.rs", None, Some("new\n")),
            file("b.rs", Some("old\n"), None),
            FileChange {
                renamed_to: Some(path("d.rs")),
                ..file("c.rs", Some("same\n"), Some("same\n"))
            },
        ],
    }
}

#[test]
fn new_deleted_and_renamed_files_are_taken_as_one() {
    let mut harness = Harness::ready();
    let (generation, _) = started(&harness.send("/patch it")).expect("a job");
    harness.done(generation, patched(mixed()));
    let id = harness.last_patch();
    let fates: Vec<FileFate> = harness
        .patch(id)
        .files
        .iter()
        .map(|f| f.what.clone())
        .collect();
    assert_eq!(
        fates,
        [
            FileFate::Created,
            FileFate::Deleted,
            FileFate::Renamed(path("d.rs"))
        ]
    );
    harness.press("a r a");
    let out = harness.press("enter");
    let change = to_write(&out).expect("it is written");
    let names: Vec<&RepoPath> = change.files.iter().map(|file| &file.path).collect();
    assert_eq!(names, [&path("a.rs"), &path("c.rs")]);
}

#[test]
fn an_accepted_hunk_that_is_edited_stays_accepted_and_under_the_eye() {
    for (decide, decision) in [("a", Accepted), ("r", Undecided), ("n", Undecided)] {
        let mut harness = Harness::ready();
        let id = harness.planned();
        harness.press(&format!("n n {decide}"));
        harness.state.focus = Focus::Patch(id);
        if let Some(patch) = patch_mut(&mut harness.state, id) {
            patch.cursor = PatchRow::Hunk(2);
        }
        let after = harness.patch(id).change.files[1].after.clone();
        let text = after.expect("a text").replace("new 30", "by hand");
        harness.event(Event::EditorDone {
            purpose: EditorPurpose::PatchFile { block: id, file: 1 },
            result: Ok(Some(text)),
        });
        assert_eq!(decisions(&harness, id), [Undecided, Undecided, decision]);
        assert_eq!(harness.patch(id).cursor, PatchRow::Hunk(2));
    }
}

#[test]
fn a_file_that_is_taken_away_cannot_be_edited() {
    let mut harness = Harness::ready();
    let (generation, _) = started(&harness.send("/patch it")).expect("a job");
    harness.done(generation, patched(mixed()));
    assert!(harness.press("n e").is_empty());
    assert!(harness.toast().contains("cannot be edited"));
}

#[test]
fn looking_into_a_file_brings_the_index_up_to_date() {
    let mut harness = Harness::ready();
    let out = harness.event(Event::EditorDone {
        purpose: EditorPurpose::Look,
        result: Ok(None),
    });
    assert!(has!(out, Command::Reindex { .. }) && has!(out, Command::Io(IoCommand::RefreshRepo)));
    harness.event(Event::EditorDone {
        purpose: EditorPurpose::Look,
        result: Err(Failure::environment("no editor")),
    });
    assert_eq!(harness.errors(), ["no editor"]);
}
