//! Tests of writing that is broken off: by a kill, by a disk, by somebody else.

use super::*;
use crate::patch::disk::{waiting, write_beside};

/// The record of a change that is about to be applied, under number 1.
fn begun(root: &Path, change: &Change) -> Record {
    let mut record = Record {
        number: 1,
        state: WriteStage::Applying,
        files: Vec::new(),
        folders: Vec::new(),
        undoes: None,
        keeps: false,
        own: true,
    };
    for file in &change.files {
        let entry = checked_entry(root, file).expect("as planned");
        note_folders(root, entry.target(), &mut record.folders).expect("noted");
        record.files.push(entry);
    }
    record
}

/// Stops a patch after each of its steps, as SIGKILL would, and sees that the next start goes
/// back to where it began.
#[test]
fn a_patch_that_was_killed_at_any_step_is_taken_back() {
    let change = every_kind();
    // How far each file has come: nothing, waiting beside, moved in, old one removed.
    for stage in (0..4_usize.pow(4)).step_by(7) {
        let place = Place::new(&FILES);
        let before = place.all();
        let (root, dir) = (place.root.path(), place.dir());
        drop(lock(&dir, PATIENCE).expect("locked"));
        let record = begun(root, &change);
        record.save(&dir).expect("saved");
        for folder in &record.folders {
            fs::create_dir(folder.under(root)).expect("made");
        }
        for (index, (file, entry)) in change.files.iter().zip(&record.files).enumerate() {
            let reached = stage / 4_usize.pow(index as u32) % 4;
            let beside = waiting(root, entry.target(), 1, index);
            if let Some(after) = &file.after {
                if reached >= 1 {
                    write_beside(&beside, after.as_bytes(), entry.mode).expect("written");
                }
                if reached >= 2 {
                    fs::rename(&beside, entry.target().under(root)).expect("moved");
                }
            }
            if reached >= 3 && (file.after.is_none() || entry.renamed_to.is_some()) {
                fs::remove_file(entry.path.under(root)).expect("removed");
            }
        }
        let undone = place.undo().expect("recovered");
        assert_eq!(undone.notes.len(), 1, "{stage}");
        assert!(undone.notes[0].contains("interrupted"));
        assert_eq!(place.all(), before, "{stage}");
        assert!(place.undo().is_err(), "the record is gone");
        place.apply(&change).expect("applied after all");
    }
}

#[test]
fn an_undo_that_was_killed_is_finished_at_the_next_start() {
    let place = Place::new(&FILES);
    let before = place.all();
    place.apply(&every_kind()).expect("applied");
    let mut record = Record::load(&place.dir(), 1).expect("a record");
    record.state = WriteStage::Undoing;
    record.save(&place.dir()).expect("saved");
    place.put("src/a", "1\n");
    let change = Change {
        files: vec![file("src/a", None, Some("1\n"), Some("9\n"))],
    };
    let applied = place.apply(&change).expect("applied");
    assert!(
        applied.notes[0].contains("undo that was interrupted"),
        "{:?}",
        applied.notes
    );
    place.undo().expect("undone");
    assert_eq!(place.all(), before);
}

/// Stops an undo at its steps: before all files are written it is taken back, after that it is
/// finished.
#[test]
fn an_undo_that_was_killed_is_taken_back_or_finished() {
    for written in [false, true] {
        let place = Place::new(&FILES);
        let before = place.all();
        place.apply(&every_kind()).expect("applied");
        let after = place.all();
        let done = Record::load(&place.dir(), 1).expect("a record");
        place.undo().expect("undone");
        done.save(&place.dir()).expect("saved");
        // As it was right after the first file had been put back, or the last.
        let inverse = Change {
            files: vec![
                file("deep/er/new", None, Some("n\n"), None),
                file("moved/is", Some("was"), Some("i\n"), Some("w\n")),
                file("src/a", None, Some("2\n"), Some("1\n")),
                file("src/old", None, None, Some("o\n")),
            ],
        };
        let mut entries = Vec::new();
        for change in &inverse.files {
            entries.push(Entry {
                path: change.path.clone(),
                renamed_to: change.renamed_to.clone(),
                before: change.before.clone(),
                after: change.after.clone(),
                after_hash: change.after.as_ref().map(|after| hash(after.as_bytes())),
                encoding: None,
                mode: None,
            });
        }
        let record = Record {
            number: 2,
            state: if written {
                WriteStage::Undoing
            } else {
                WriteStage::Applying
            },
            files: entries,
            folders: Vec::new(),
            undoes: Some(1),
            keeps: false,
            own: true,
        };
        record.save(&place.dir()).expect("saved");
        let notes = put_back_interrupted(place.root.path(), &place.dir()).expect("done");
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert_eq!(
            place.all(),
            if written { before } else { after },
            "{notes:?}"
        );
        let left = numbers(&place.dir().dir).expect("numbers");
        assert_eq!(left, if written { vec![] } else { vec![1] });
    }
}

#[test]
fn a_half_written_patch_somebody_worked_on_is_set_aside_aloud() {
    let place = Place::new(&FILES);
    place.apply(&every_kind()).expect("applied");
    let mut record = Record::load(&place.dir(), 1).expect("a record");
    record.state = WriteStage::Applying;
    record.save(&place.dir()).expect("saved");
    place.put("src/a", "my own work\n");
    let undone = place.undo().expect("recovered");
    assert!(
        undone.notes[0].contains("`src/a`") && undone.notes[0].contains(".unfinished"),
        "{:?}",
        undone.notes
    );
    assert_eq!(
        place.all().get("src/a"),
        Some(&Some("my own work\n".to_owned()))
    );
    assert_eq!(place.all().get("src/old"), Some(&Some("o\n".to_owned())));
}

#[cfg(unix)]
#[test]
fn a_failure_on_the_way_puts_everything_back() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new(&[("a", "1\n"), ("locked/b", "1\n")]);
    let locked = place.root.path().join("locked");
    fs::set_permissions(&locked, PermissionsExt::from_mode(0o555)).expect("set");
    let before = place.all();
    let change = Change {
        files: vec![
            file("a", None, Some("1\n"), Some("2\n")),
            file("fresh/new", None, None, Some("n\n")),
            file("locked/b", None, Some("1\n"), None),
        ],
    };
    let outcome = place.apply(&change);
    let after = place.all();
    fs::set_permissions(&locked, PermissionsExt::from_mode(0o755)).expect("set");
    // Root may write everywhere.
    if let Err(failure) = outcome {
        assert!(
            failure.to_string().contains("nothing was changed"),
            "{failure}"
        );
        assert_eq!(after, before);
        assert!(place.undo().is_err());
    }
}

#[test]
fn what_cannot_be_laid_ready_changes_nothing() {
    let place = Place::new(&FILES);
    // Where the second text would wait, as little can be written as on a full disk.
    place.put("src/.homebody-1-1.tmp/x", "in the way\n");
    let before = place.all();
    let failure = place.apply(&every_kind()).expect_err("no room");
    let said = failure.to_string();
    assert!(
        said.contains("src/a") && said.contains("nothing was changed"),
        "{said}"
    );
    assert_eq!(place.all(), before);
    // A file that a killed process left there is no trouble.
    fs::remove_dir_all(place.root.path().join("src/.homebody-1-1.tmp")).expect("removed");
    place.put("src/.homebody-1-1.tmp", "left\n");
    place.apply(&every_kind()).expect("applied");
    assert!(!place.all().contains_key("src/.homebody-1-1.tmp"));
}

#[test]
fn a_file_that_changes_on_the_way_is_not_written_over() {
    let place = Place::new(&FILES);
    let (root, change) = (place.root.path(), every_kind());
    let record = begun(root, &change);
    // Somebody saves the third file after it was looked at.
    place.put("src/old", "my own work\n");
    let before = place.all();
    let mut reached = 0;
    let failure = carry_out(root, &change, &record, &mut reached).expect_err("changed");
    assert!(failure.what().contains("src/old"), "{failure}");
    assert_eq!(reached, 2, "only what was reached is put back");
    take_back(root, &record, reached).expect("put back");
    assert_eq!(place.all(), before);
}
