//! Tests of writing and undoing.

use super::*;
use crate::patch::undo::{list, undo};
use crate::patch::{UndoRequest, Undone};
use std::collections::BTreeMap;

#[path = "write_crash_tests.rs"]
mod crashes;

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

#[cfg(target_os = "linux")]
#[test]
fn attributes_and_access_lists_are_kept() {
    use rustix::fs::{XattrFlags, getxattr, setxattr};
    const LIST: &str = "system.posix_acl_access";
    let place = Place::new(&FILES);
    let at = |name: &str| place.root.path().join(name);
    // Version 2; of the owner rw-, of user 7 r--, of the group r--, mask r--, of others nothing.
    let entry = |tag: u16, rights: u16, id: u32| {
        let parts = [
            &tag.to_le_bytes()[..],
            &rights.to_le_bytes(),
            &id.to_le_bytes(),
        ];
        parts.concat()
    };
    let list = [
        2_u32.to_le_bytes().to_vec(),
        entry(1, 6, u32::MAX),
        entry(2, 4, 7),
        entry(4, 4, u32::MAX),
        entry(16, 4, u32::MAX),
        entry(32, 0, u32::MAX),
    ]
    .concat();
    for name in ["src/a", "was"] {
        let set = |attribute: &str, value: &[u8]| {
            setxattr(at(name), attribute, value, XattrFlags::empty()).expect("attributes");
        };
        set("user.origin", b"somewhere");
        set(LIST, &list);
    }
    let read = |name: &str, attribute: &str| {
        let mut value = vec![0; 1000];
        let used = getxattr(at(name), attribute, value.as_mut_slice());
        value.truncate(used.expect("there"));
        value
    };
    let kept = |name: &str| {
        assert_eq!(read(name, "user.origin"), b"somewhere", "{name}");
        assert_eq!(read(name, LIST), list, "{name}");
    };
    place.apply(&every_kind()).expect("applied");
    for name in ["src/a", "moved/is"] {
        kept(name);
    }
    place.undo().expect("undone");
    for name in ["src/a", "was"] {
        kept(name);
    }
}

#[cfg(unix)]
#[test]
fn other_names_of_a_file_keep_the_old_text_and_that_is_said() {
    use super::super::attributes::losses;
    let place = Place::new(&FILES);
    let change = every_kind();
    assert_eq!(losses(place.root.path(), &change), [""; 0]);
    let outside = place.records.path().join("b");
    for name in ["src/a", "src/old"] {
        fs::hard_link(place.root.path().join(name), &outside).expect("linked");
        let said = losses(place.root.path(), &change);
        fs::remove_file(&outside).expect("removed");
        // A file that is removed loses nothing: its other names keep what it was.
        assert_eq!(said.len(), usize::from(name == "src/a"), "{said:?}");
        assert!(
            said.iter().all(|text| text.contains("hard link")),
            "{said:?}"
        );
    }
    fs::hard_link(place.root.path().join("src/a"), &outside).expect("linked");
    place.apply(&change).expect("applied");
    assert_eq!(fs::read_to_string(&outside).expect("there"), "1\n");
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

/// The text of a file before and after a patch, in letters that many encodings have.
const LETTERS: (&str, &str) = (
    "// Größe der Liste, für später; naïve façade\nint a;\n\n\n\nint b;\n",
    "// Größe der Liste, für später; naïve façade\nint größer;\n\n\n\nint b;\n",
);

#[test]
fn files_are_written_back_in_their_own_encoding() {
    use crate::base::encoding::TextEncoding;
    for name in ["windows-1252", "UTF-16LE", "UTF-16BE"] {
        let encoding = TextEncoding::named(name).expect("known");
        let bytes = |text: &str| encoding.encode(text).expect("can be written");
        let place = Place::new(&[]);
        let at = place.root.path().join("a.c");
        fs::write(&at, bytes(LETTERS.0)).expect("written");
        let change = Change {
            files: vec![file("a.c", None, Some(LETTERS.0), Some(LETTERS.1))],
        };
        place.apply(&change).expect("applied");
        assert_eq!(fs::read(&at).expect("read"), bytes(LETTERS.1), "{name}");
        // Another change since, in the same encoding, stays.
        let mine = |text: &str| text.replace("int b", "int bär");
        fs::write(&at, bytes(&mine(LETTERS.1))).expect("written");
        place.undo().expect("undone");
        assert_eq!(
            fs::read(&at).expect("read"),
            bytes(&mine(LETTERS.0)),
            "{name}"
        );
    }
}

#[test]
fn a_letter_that_a_file_cannot_hold_is_refused() {
    let place = Place::new(&[]);
    let at = place.root.path().join("a.c");
    fs::write(&at, b"// Gr\xf6\xdfe der Liste, f\xfcr sp\xe4ter\n").expect("written");
    let before = "// Größe der Liste, für später\n";
    let change = Change {
        files: vec![file("a.c", None, Some(before), Some("// a → b\n"))],
    };
    let failure = place.apply(&change).expect_err("refused");
    assert!(
        failure.to_string().contains("`→` cannot be written"),
        "{failure}"
    );
    assert_eq!(fs::read(&at).expect("read").len(), before.chars().count());
}

#[test]
fn a_printed_diff_is_in_the_encoding_of_its_files() {
    let place = Place::new(&[("u.c", LETTERS.0)]);
    let latin = |text: &str| -> Vec<u8> { text.chars().map(|c| c as u8).collect() };
    fs::write(place.root.path().join("a.c"), latin(LETTERS.0)).expect("written");
    let change = Change {
        files: vec![
            file("a.c", None, Some(LETTERS.0), Some(LETTERS.1)),
            file("u.c", None, Some(LETTERS.0), Some(LETTERS.1)),
        ],
    };
    let diff = crate::patch::to_unified_bytes(place.root.path(), &change);
    let halves: Vec<Change> = change
        .files
        .iter()
        .map(|file| Change {
            files: vec![file.clone()],
        })
        .collect();
    let wanted = [
        latin(&halves[0].to_unified()),
        halves[1].to_unified().into_bytes(),
    ];
    assert_eq!(diff, wanted.concat());
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
