//! Tests of taking patches back, with what was changed since.

use super::*;
use crate::patch::undo::list;

#[test]
fn undo_refuses_what_changed_since_and_names_it() {
    let place = Place::new(&FILES);
    place.apply(&every_kind()).expect("applied");
    place.put("src/a", "3\n");
    place.put("was", "again\n");
    let before = place.all();
    let why = place.undo().expect_err("changed").to_string();
    assert!(why.contains("`src/a`") && why.contains("`was`"), "{why}");
    assert_eq!(place.all(), before);
    place.put("src/a", "2\n");
    fs::remove_file(place.root.path().join("was")).expect("removed");
    place.undo().expect("undone");
}

#[test]
fn what_was_changed_since_elsewhere_in_a_file_stays() {
    let text = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
    let place = Place::new(&[("a", text), ("b", text)]);
    let patched = text.replace("2\n", "two\n");
    let change = Change {
        files: vec![
            file("a", None, Some(text), Some(&patched)),
            file("b", Some("c"), Some(text), Some(&patched)),
        ],
    };
    place.apply(&change).expect("applied");
    let mine = |text: &str| text.replace("8\n", "eight\n");
    place.put("a", &mine(&patched));
    place.put("c", &mine(&patched));
    let undone = place.undo().expect("undone");
    assert_eq!(undone.notes.len(), 2, "{:?}", undone.notes);
    let now = place.all();
    for name in ["a", "b"] {
        assert_eq!(now.get(name), Some(&Some(mine(text))), "{name}");
    }
    assert!(!now.contains_key("c"));
    assert_eq!(list(&place.dir()).expect("a list"), []);
}

#[test]
fn a_patch_before_the_last_is_taken_back_by_its_number() {
    let text = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
    let place = Place::new(&[("a", text)]);
    let first = text.replace("2\n", "two\n");
    let second = first.replace("8\n", "eight\n");
    for (before, after) in [(text, &first), (&first, &second)] {
        let change = Change {
            files: vec![file("a", None, Some(before), Some(after))],
        };
        place.apply(&change).expect("applied");
    }
    let listed = list(&place.dir()).expect("a list");
    let numbers: Vec<u64> = listed.iter().map(|patch| patch.number).collect();
    assert_eq!(numbers, [2, 1]);
    assert_eq!(listed[0].files, [(path("a"), "changed")]);
    let undone = place.undo_of(1, false).expect("undone");
    assert_eq!(undone.left, 1);
    let wanted = text.replace("8\n", "eight\n");
    assert_eq!(place.all().get("a"), Some(&Some(wanted)));
    let failure = place.undo_of(1, false).expect_err("gone");
    assert_eq!(failure.kind(), Kind::Usage, "{failure}");
    place.undo().expect("undone");
    assert_eq!(place.all().get("a"), Some(&Some(text.to_owned())));
}

#[test]
fn by_force_everything_is_put_back_and_what_stood_there_is_kept() {
    let place = Place::new(&FILES);
    let before = place.all();
    place.apply(&every_kind()).expect("applied");
    place.put("deep/er/new", "mine\n");
    place.put("src/a", "mine too\n");
    place.put("src/old", "back\n");
    place.put("was", "again\n");
    let mine = place.all();
    assert!(place.undo().is_err());
    assert_eq!(place.all(), mine);
    let undone = place.undo_of(1, true).expect("undone");
    assert_eq!(undone.left, 1);
    assert!(
        undone.notes[0].contains("kept as patch 2"),
        "{:?}",
        undone.notes
    );
    assert_eq!(place.all(), before);
    place.undo().expect("undone");
    assert_eq!(place.all(), mine);
}

#[cfg(unix)]
#[test]
fn a_file_that_was_removed_comes_back_with_its_rights() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new(&[("a", "1\n")]);
    let at = place.root.path().join("a");
    fs::set_permissions(&at, PermissionsExt::from_mode(0o750)).expect("set");
    let change = Change {
        files: vec![file("a", None, Some("1\n"), None)],
    };
    place.apply(&change).expect("applied");
    place.undo().expect("undone");
    let mode = fs::metadata(&at).expect("there").permissions().mode() & 0o7777;
    assert_eq!(mode, 0o750);
}
