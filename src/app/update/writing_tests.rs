//! Tests of writing a patch in parts.

use super::*;

#[test]
fn what_is_accepted_is_written_and_the_rest_stays_open() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    harness.press("n a");
    let out = harness.press("enter");
    let first = to_write(&out).expect("a change").clone();
    written(&mut harness, id, &["src/walk.rs"]);
    assert_eq!(decisions(&harness, id), [Undecided, Written, Undecided]);
    assert_eq!(
        harness.toast(),
        "1 file written, 2 open; /undo takes it back"
    );
    assert_eq!(
        harness.state.focus,
        Focus::Patch(id),
        "there is more to decide on"
    );
    // What is written is decided. The next change begins where the first one ended.
    harness.press("p p n n a");
    assert_eq!(decisions(&harness, id), [Undecided, Written, Accepted]);
    let out = harness.press("enter");
    let second = to_write(&out).expect("a change").clone();
    assert_eq!(second.files[0].before, first.files[0].after);
    assert_eq!(second.files[0].after, a_change().files[1].after);
    written(&mut harness, id, &["src/walk.rs"]);
    // The last is rejected, and so nothing is open.
    harness.state.focus = Focus::Patch(id);
    harness.press("p p r");
    assert!(matches!(&harness.patch(id).state,
        PatchState::Applied { files } if *files == [path("src/walk.rs")]));
    // Each is taken back by itself.
    harness.event(back(&["src/walk.rs"], 1));
    assert_eq!(decisions(&harness, id), [Rejected, Written, Undecided]);
    harness.event(back(&["src/walk.rs"], 0));
    assert_eq!(decisions(&harness, id), [Rejected, Undecided, Undecided]);
    assert!(harness.patch(id).is_open());
    harness.state.focus = Focus::Patch(id);
    let out = harness.press("A enter");
    assert_eq!(
        to_write(&out).expect("a change").files,
        a_change().files[1..]
    );
}

#[test]
fn what_is_edited_beside_a_written_hunk_is_written_behind_it() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    harness.press("n a enter");
    written(&mut harness, id, &["src/walk.rs"]);
    let by_hand = a_change().files[1].after.clone().expect("a text");
    let by_hand = by_hand.replace("new 30", "by hand 30");
    harness.event(Event::EditorDone {
        purpose: EditorPurpose::PatchFile { block: id, file: 1 },
        result: Ok(Some(by_hand.clone())),
    });
    assert_eq!(decisions(&harness, id), [Undecided, Written, Undecided]);
    harness.state.focus = Focus::Patch(id);
    harness.press("A");
    let out = harness.press("enter");
    let change = to_write(&out).expect("a change");
    assert_eq!(change.files[1].after.as_ref(), Some(&by_hand));
    assert!(
        change.files[1]
            .before
            .as_ref()
            .is_some_and(|text| text.contains("new 2\n"))
    );
    written(&mut harness, id, &["src/lib.rs", "src/walk.rs"]);
    harness.event(back(&["src/lib.rs", "src/walk.rs"], 1));
    harness.event(back(&["src/walk.rs"], 0));
    assert_eq!(decisions(&harness, id), [Undecided; 3]);
}

#[test]
fn what_was_rejected_can_be_taken_after_all() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    harness.press("a r r enter");
    written(&mut harness, id, &["src/lib.rs"]);
    assert!(matches!(
        harness.patch(id).state,
        PatchState::Applied { .. }
    ));
    harness.state.focus = Focus::Patch(id);
    // The written one is no reason to open it again.
    harness.press("p p p a");
    assert!(!harness.patch(id).is_open());
    assert!(
        harness
            .toast()
            .contains("a on a rejected hunk takes that too")
    );
    harness.press("n a");
    assert_eq!(decisions(&harness, id), [Written, Accepted, Rejected]);
    assert!(harness.patch(id).is_open());
    let out = harness.press("enter");
    let change = to_write(&out).expect("a change");
    assert_eq!(change.files.len(), 1);
    assert_eq!(change.files[0].path, path("src/walk.rs"));
    written(&mut harness, id, &["src/walk.rs"]);
    assert_eq!(decisions(&harness, id), [Written, Written, Rejected]);
}

#[test]
fn a_patch_that_was_rejected_as_a_whole_can_be_opened_again() {
    let mut harness = Harness::ready();
    let id = harness.planned();
    harness.press("r r r");
    assert_eq!(harness.patch(id).state, PatchState::Discarded);
    harness.state.focus = Focus::Patch(id);
    harness.press("enter");
    assert!(harness.toast().contains("a opens it again"));
    harness.press("a");
    assert_eq!(decisions(&harness, id), [Undecided; 3]);
    assert!(harness.patch(id).is_open());
}
