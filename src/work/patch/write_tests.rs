//! Tests of writing and undoing.

use super::*;
use crate::patch::undo::undo;
use crate::patch::{UndoRequest, Undone};
use std::collections::BTreeMap;

#[path = "attributes_tests.rs"]
mod attributes;
#[path = "write_crash_tests.rs"]
mod crashes;
#[path = "own_encoding_tests.rs"]
mod encodings;
#[path = "undo_tests.rs"]
mod undoing;

struct Place {
    root: tempfile::TempDir,
    records: tempfile::TempDir,
}

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let place = Self {
            root: tempfile::tempdir().expect("a folder"),
            records: tempfile::tempdir().expect("a folder"),
        };
        for (name, text) in files {
            place.put(name, text);
        }
        place
    }
    fn put(&self, name: &str, text: &str) {
        let file = self.root.path().join(name);
        fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
        fs::write(file, text).expect("written");
    }
    fn dir(&self) -> UndoDir {
        UndoDir::new(
            self.records.path().join("undo"),
            self.records.path().join("key"),
        )
    }
    fn apply(&self, change: &Change) -> Result<Applied> {
        apply(self.root.path(), change, &self.dir())
    }
    fn undo(&self) -> Result<Undone> {
        undo(self.root.path(), &self.dir(), &UndoRequest::LAST)
    }
    fn undo_of(&self, number: u64, force: bool) -> Result<Undone> {
        let request = UndoRequest {
            number: Some(number),
            force,
            ..UndoRequest::LAST
        };
        undo(self.root.path(), &self.dir(), &request)
    }
    /// Everything there is: files with their text, folders with none.
    fn all(&self) -> BTreeMap<String, Option<String>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.root.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("readable") {
                let at = entry.expect("an entry").path();
                let name = at
                    .strip_prefix(self.root.path())
                    .expect("below")
                    .to_str()
                    .expect("UTF-8")
                    .to_owned();
                if at.is_dir() && !at.is_symlink() {
                    folders.push(at);
                    found.insert(name, None);
                } else {
                    found.insert(name, Some(fs::read_to_string(&at).unwrap_or_default()));
                }
            }
        }
        found
    }
}

fn path(name: &str) -> RepoPath {
    RepoPath::new(name).expect("a path")
}

fn file(name: &str, to: Option<&str>, before: Option<&str>, after: Option<&str>) -> FileChange {
    FileChange {
        path: path(name),
        renamed_to: to.map(path),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    }
}

const FILES: [(&str, &str); 3] = [("src/a", "1\n"), ("src/old", "o\n"), ("was", "w\n")];

fn every_kind() -> Change {
    Change {
        files: vec![
            file("deep/er/new", None, None, Some("n\n")),
            file("src/a", None, Some("1\n"), Some("2\n")),
            file("src/old", None, Some("o\n"), None),
            file("was", Some("moved/is"), Some("w\n"), Some("i\n")),
        ],
    }
}

#[test]
fn applied_and_undone() {
    let place = Place::new(&FILES);
    let before = place.all();
    let applied = place.apply(&every_kind()).expect("applied");
    assert_eq!(applied.files.len(), 4);
    assert!(applied.notes.is_empty());
    let text = |text: &str| Some(text.to_owned());
    let wanted: BTreeMap<String, Option<String>> = [
        ("deep", None),
        ("deep/er", None),
        ("deep/er/new", text("n\n")),
        ("moved", None),
        ("moved/is", text("i\n")),
        ("src", None),
        ("src/a", text("2\n")),
    ]
    .into_iter()
    .map(|(name, text)| (name.to_owned(), text))
    .collect();
    assert_eq!(place.all(), wanted);
    let undone = place.undo().expect("undone");
    assert_eq!((undone.left, undone.files.len()), (0, 4));
    assert_eq!(place.all(), before);
    assert_eq!(
        place.undo().expect_err("nothing").kind(),
        crate::base::Kind::Usage
    );
}

#[cfg(unix)]
#[test]
fn permissions_are_kept_and_records_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new(&FILES);
    let a = place.root.path().join("src/a");
    let old = place.root.path().join("src/old");
    fs::set_permissions(&a, PermissionsExt::from_mode(0o755)).expect("set");
    fs::set_permissions(&old, PermissionsExt::from_mode(0o640)).expect("set");
    let mode = |at: &Path| fs::metadata(at).expect("there").permissions().mode() & 0o7777;
    place.apply(&every_kind()).expect("applied");
    assert_eq!(mode(&a), 0o755);
    for entry in fs::read_dir(&place.dir().dir).expect("readable") {
        assert_eq!(mode(&entry.expect("an entry").path()), 0o600);
    }
    assert_eq!(mode(&place.dir().dir), 0o700);
    place.undo().expect("undone");
    assert_eq!((mode(&a), mode(&old)), (0o755, 0o640));
}

#[test]
fn files_that_changed_meanwhile_stop_it() {
    let place = Place::new(&FILES);
    place.put("src/old", "other\n");
    let before = place.all();
    let why = place.apply(&every_kind()).expect_err("changed").to_string();
    assert!(
        why.contains("src/old") && why.contains("has changed"),
        "{why}"
    );
    assert_eq!(place.all(), before);
    place.put("src/old", "o\n");
    place.put("moved/is", "in the way\n");
    assert!(
        place
            .apply(&every_kind())
            .expect_err("in the way")
            .to_string()
            .contains("moved/is")
    );
}

#[test]
fn what_changed_meanwhile_elsewhere_in_a_file_is_kept() {
    let text = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
    let place = Place::new(&[("a", text), ("b", text)]);
    let planned = text.replace("2\n", "two\n");
    let change = Change {
        files: vec![
            file("a", None, Some(text), Some(&planned)),
            file("b", Some("c"), Some(text), Some(&planned)),
        ],
    };
    let saved = text.replace("8\n", "eight\n");
    place.put("a", &saved);
    place.put("b", &saved);
    let before = place.all();
    let applied = place.apply(&change).expect("merged");
    assert_eq!(applied.notes.len(), 2);
    assert!(applied.notes[0].contains("both changes are kept"));
    let both = saved.replace("2\n", "two\n");
    let now = place.all();
    assert_eq!(now.get("a"), Some(&Some(both.clone())));
    assert_eq!((now.get("b"), now.get("c")), (None, Some(&Some(both))));
    place.undo().expect("undone");
    assert_eq!(place.all(), before, "the other change stays");

    // In the same lines nobody can say which is meant.
    place.put("a", &text.replace("2\n", "deux\n"));
    let before = place.all();
    let failure = place.apply(&change).expect_err("they meet");
    assert!(
        failure.what().ends_with("in the same lines: 2"),
        "{failure}"
    );
    assert_eq!(place.all(), before);

    // Somebody has done it by hand.
    let first = Change {
        files: change.files[..1].to_vec(),
    };
    place.put("a", &planned);
    let failure = place.apply(&first).expect_err("nothing to do");
    assert!(
        failure.to_string().contains("has the change already"),
        "{failure}"
    );
}

#[test]
fn what_is_not_ours_in_a_made_folder_stays() {
    let place = Place::new(&FILES);
    place.apply(&every_kind()).expect("applied");
    place.put("deep/mine", "x");
    place.undo().expect("undone");
    assert_eq!(place.all().get("deep/mine"), Some(&Some("x".to_owned())));
    assert!(!place.all().contains_key("deep/er"));
}

#[cfg(unix)]
#[test]
fn links_are_refused_in_every_part_of_a_path() {
    let outside = Place::new(&[("secret", "1\n")]);
    let place = Place::new(&[("real/f", "1\n")]);
    let link = |to: &Path, name: &str| {
        std::os::unix::fs::symlink(to, place.root.path().join(name)).expect("a link");
    };
    link(outside.root.path(), "out");
    link(&outside.root.path().join("secret"), "file");
    link(&place.root.path().join("real"), "inner");
    link(Path::new("nowhere"), "dangling");
    for (name, before) in [
        ("out/secret", Some("1\n")),
        ("out/new", None),
        ("file", Some("1\n")),
        ("inner/f", Some("1\n")),
        ("dangling", None),
        ("dangling/x", None),
    ] {
        let change = Change {
            files: vec![file(name, None, before, Some("2\n"))],
        };
        let why = place.apply(&change).expect_err(name).to_string();
        assert!(why.contains("symbolic link"), "{name}: {why}");
    }
    let change = Change {
        files: vec![file("real/f", Some("out/f"), Some("1\n"), Some("1\n"))],
    };
    assert!(place.apply(&change).is_err());
    assert_eq!(outside.all().get("secret"), Some(&Some("1\n".to_owned())));
    assert_eq!(outside.all().len(), 1);
}

#[test]
fn nothing_is_written_into_a_repository_within() {
    let place = Place::new(&[("a", "1\n"), ("sub/b", "1\n"), ("sub/.git", "gitdir: x\n")]);
    let before = place.all();
    for (name, before, after) in [
        ("sub/b", Some("1\n"), Some("2\n")),
        ("sub/deep/new", None, Some("1\n")),
        ("sub/b", Some("1\n"), None),
    ] {
        let change = Change {
            files: vec![
                file("a", None, Some("1\n"), Some("2\n")),
                file(name, None, before, after),
            ],
        };
        let failure = place.apply(&change).expect_err("refused");
        assert!(
            failure.what().contains("a repository of its own"),
            "{failure}"
        );
    }
    assert_eq!(place.all(), before);
}

#[test]
fn a_folder_or_a_file_in_the_way_is_said() {
    let place = Place::new(&[("folder/x", "1\n"), ("file", "1\n")]);
    let change = Change {
        files: vec![file("folder", None, None, Some("2\n"))],
    };
    assert!(
        place
            .apply(&change)
            .expect_err("a folder")
            .to_string()
            .contains("no plain file")
    );
    let change = Change {
        files: vec![file("file/x", None, None, Some("2\n"))],
    };
    assert!(
        place
            .apply(&change)
            .expect_err("a file")
            .to_string()
            .contains("no folder")
    );
}

#[test]
fn only_the_last_records_are_kept_and_numbers_go_on() {
    let place = Place::new(&[("a", "0\n")]);
    for at in 0..55 {
        let (one, two) = (format!("{at}\n"), format!("{}\n", at + 1));
        let change = Change {
            files: vec![file("a", None, Some(&one), Some(&two))],
        };
        assert_eq!(place.apply(&change).expect("applied").record, at + 1);
    }
    let kept = numbers(&place.dir().dir).expect("numbers");
    assert_eq!((kept.len(), kept[0], kept[49]), (50, 6, 55));
    assert_eq!(place.undo().expect("undone").left, 49);
    assert_eq!(place.all().get("a"), Some(&Some("54\n".to_owned())));
}

#[test]
fn two_writers_take_turns() {
    let place = Place::new(&[("a", "0\n"), ("b", "0\n")]);
    std::thread::scope(|scope| {
        for name in ["a", "b"] {
            let place = &place;
            scope.spawn(move || {
                for at in 0..10 {
                    let (one, two) = (format!("{at}\n"), format!("{}\n", at + 1));
                    let change = Change {
                        files: vec![file(name, None, Some(&one), Some(&two))],
                    };
                    place.apply(&change).expect("applied");
                }
            });
        }
    });
    assert_eq!(numbers(&place.dir().dir).expect("numbers").len(), 20);
    let ten = Some("10\n".to_owned());
    assert_eq!(
        (place.all().get("a"), place.all().get("b")),
        (Some(&ten), Some(&ten))
    );
}

#[test]
fn a_read_only_file_is_left_alone_and_said() {
    let place = Place::new(&[("a", "1\n"), ("b", "1\n")]);
    let at = place.root.path().join("b");
    let set = |read_only: bool| {
        let mut allowed = fs::metadata(&at).expect("there").permissions();
        allowed.set_readonly(read_only);
        fs::set_permissions(&at, allowed).expect("set");
    };
    set(true);
    let before = place.all();
    for (to, after) in [(None, Some("2\n")), (None, None), (Some("c"), Some("1\n"))] {
        let change = Change {
            files: vec![
                file("a", None, Some("1\n"), Some("2\n")),
                file("b", to, Some("1\n"), after),
            ],
        };
        let failure = place.apply(&change).expect_err("refused");
        assert!(failure.what().contains("`b` is read-only"), "{failure}");
        assert_eq!(place.all(), before);
    }
    assert_eq!(place.undo().expect_err("nothing").kind(), Kind::Usage);
    set(false);
}

#[cfg(unix)]
#[test]
fn names_with_control_characters_are_written_and_told_safely() {
    let name = "a\nb\u{1b}[2J";
    let place = Place::new(&[(name, "1\r\n2")]);
    let before = place.all();
    let change = Change {
        files: vec![file(name, Some("plain"), Some("1\r\n2"), Some("1\r\nx"))],
    };
    place.apply(&change).expect("applied");
    assert_eq!(place.all().get("plain"), Some(&Some("1\r\nx".to_owned())));
    place.undo().expect("undone");
    assert_eq!(place.all(), before);
    place.put(name, "other");
    let said = place.apply(&change).expect_err("changed").to_string();
    assert!(!said.contains(['\n', '\u{1b}']), "{said:?}");
}

/// Records that somebody else has laid there, changed, or brought from another repository.
#[test]
fn what_is_not_our_record_is_not_put_back() {
    let forged = |place: &Place| {
        let dir = place.dir().dir;
        fs::create_dir_all(&dir).expect("made");
        let hash = hash(b"one\n");
        let text = format!(
            r#"{{"number":9,"state":"applying","files":[{{"path":"a","renamed_to":null,"before":"FORGED\n","after_hash":"{hash}","mode":493}}],"folders":[]}}"#
        );
        (dir.join("00000009.json"), text)
    };
    let put = |place: &Place, text: &str| {
        fs::write(forged(place).0, text).expect("written");
        let notes = put_back_interrupted(place.root.path(), &place.dir()).expect("looked");
        assert!(
            notes[0].contains("not known to be homebody's own"),
            "{notes:?}"
        );
        let failure = place.undo().expect_err("refused");
        assert!(failure.to_string().contains("writes a"), "{failure}");
        let text = fs::read_to_string(place.root.path().join("a")).expect("there");
        assert_eq!(text, "one\n");
    };
    let place = Place::new(&[("a", "one\n")]);
    let (_, text) = forged(&place);
    put(&place, &text);
    put(
        &place,
        &format!("homebody undo record {}\n{text}", "0".repeat(64)),
    );
    put(&place, &format!("homebody undo record \n{text}"));
    // Another repository's own.
    let other = Place::new(&[("a", "one\n")]);
    let record: Record = serde_json::from_str(&text).expect("a record");
    let there = UndoDir::new(other.dir().dir, place.dir().key);
    fs::create_dir_all(&there.dir).expect("made");
    record.save(&there).expect("saved");
    let brought = fs::read_to_string(there.dir.join("00000009.json")).expect("there");
    put(&place, &brought);
    // Who has seen it may want it.
    let wanted = UndoRequest {
        foreign: Foreign::Wanted,
        ..UndoRequest::LAST
    };
    undo(place.root.path(), &place.dir(), &wanted).expect("put back");
    let text = fs::read_to_string(place.root.path().join("a")).expect("there");
    assert_eq!(text, "FORGED\n");
}
