//! Tests of taking a patch back.

use super::*;
use crate::app::Overlay;
use crate::patch::Undoable;

#[test]
fn undo_opens_the_patch_again_and_says_what_is_left() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    harness.press("A enter");
    written(&mut harness, id, &["src/lib.rs", "src/walk.rs"]);
    assert!(has!(
        harness.send("/undo"),
        Command::Write(WriteCommand::Undo { .. })
    ));
    let out = harness.event(back(&["src/lib.rs", "src/walk.rs"], 1));
    assert!(harness.patch(id).is_open());
    assert_eq!(decisions(&harness, id), [Undecided; 3]);
    assert!(has!(out, Command::Reindex { .. }));
    assert!(harness.notes()[0].contains("one earlier patch can be taken back too"));
    harness.state.focus = Focus::Patch(id);
    assert_eq!(to_write(&harness.press("A enter")), Some(&a_change()));
}

#[test]
fn undoing_another_patch_does_not_mark_this_one() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    harness.press("A enter");
    written(&mut harness, id, &["src/lib.rs", "src/walk.rs"]);
    harness.event(back(&["README.md"], 0));
    assert!(matches!(
        harness.patch(id).state,
        PatchState::Applied { .. }
    ));
    harness.event(Event::Undone(Err(Failure::usage(
        "there is nothing to undo",
    ))));
    told_at(&harness, id, "there is nothing to undo");
}

/// The patch of the record that an undo is asked for.
fn last_patch(number: u64) -> Event {
    let last = Undoable {
        number,
        time: None,
        files: ["a.rs", "b.rs", "c.rs", "d.rs"]
            .map(|name| (path(name), "changed"))
            .to_vec(),
        own: true,
    };
    Event::UndoAsked {
        last,
        age: Some(7_200),
    }
}

#[test]
fn undo_tells_the_record_that_this_conversation_wrote_last() {
    let mut harness = Harness::ready();
    let own = |out: &[Command]| {
        out.iter().find_map(|command| match command {
            Command::Write(WriteCommand::Undo { own }) => Some(*own),
            _ => None,
        })
    };
    assert_eq!(own(&harness.send("/undo")), Some(None));
    let id = harness.planned();
    harness.press("A enter");
    harness.event(Event::Applied {
        block: id,
        result: Ok(Applied {
            files: vec![path("src/lib.rs")],
            record: 7,
            notes: Vec::new(),
        }),
    });
    assert_eq!(own(&harness.send("/undo")), Some(Some(7)));
    // Whatever its files are called now: the record says which patch was taken back.
    let mut undone = back(&["elsewhere.rs"], 0);
    if let Event::Undone(Ok(undone)) = &mut undone {
        undone.record = Some(7);
    }
    harness.event(undone);
    assert!(harness.patch(id).is_open());
    assert_eq!(own(&harness.send("/undo")), Some(None));
}

#[test]
fn a_patch_of_another_conversation_is_taken_back_when_that_is_wanted() {
    let mut harness = Harness::ready();
    harness.send("/undo");
    harness.event(last_patch(9));
    let Some(Overlay::Confirm { question, .. }) = &harness.state.overlay else {
        panic!("nothing is asked");
    };
    assert_eq!(
        question,
        "The last patch was written outside this conversation 2 h ago: a.rs (changed), b.rs \
         (changed), c.rs (changed), 1 more. Take it back?"
    );
    assert!(harness.press("n").is_empty());
    harness.event(last_patch(9));
    assert!(has!(
        harness.press("y"),
        Command::Write(WriteCommand::UndoRecord(9))
    ));
}
