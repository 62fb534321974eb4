//! Processes that are killed while they write, and disks that are full: nothing is lost.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::cli::{Place, code, stderr};

/// Files that one patch changes.
const FILES: usize = 24;
/// Kills.
const ROUNDS: u64 = 40;

fn name(file: usize) -> String {
    format!("src/part_{file}.rs")
}

/// A text of some pages, so that writing takes its time.
fn text(file: usize) -> String {
    let mut text = String::new();
    for line in 0..1_500 {
        let _ = writeln!(text, "pub fn f_{file}_{line}() -> usize {{ {line} }}");
    }
    text
}

/// A repository, and an answer that changes every file of it, makes one, removes one and
/// renames one.
fn place() -> (Place, String) {
    let place = Place::plain();
    let mut answer = String::new();
    for file in 0..FILES {
        place.write(&name(file), &text(file));
        let old = format!("pub fn f_{file}_7() -> usize {{ 7 }}");
        let new = format!("pub fn f_{file}_7() -> usize {{ 70 }}");
        let path = name(file);
        let _ = write!(
            answer,
            "*** replace {path}\n<<<<<<<\n{old}\n=======\n{new}\n>>>>>>>\n"
        );
    }
    place.write("src/gone.rs", "fn gone() {}\n");
    place.write("src/moved.rs", "fn moved() {}\n");
    answer.push_str("*** create new/deep/made.rs\n<<<<<<<\nfn made() {}\n>>>>>>>\n");
    answer.push_str("*** delete src/gone.rs\n*** rename src/moved.rs -> other/moved.rs\n");
    let said = serde_json::to_string(&answer).expect("JSON");
    let engine = place.script(&format!("{said}\n"));
    (place, engine)
}

/// Everything in the repository; what waits to be moved in is there too.
fn all(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("read").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                all.insert(path.clone(), fs::read(path).expect("read"));
            }
        }
    }
    all
}

/// Waits until a record of a patch is there, or the process has ended.
fn wait_for_the_record(place: &Place, child: &mut Child) {
    let state = place.home.path().join("state/homebody/repositories");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        let records = fs::read_dir(&state).into_iter().flatten().flatten();
        let mut names = records.flat_map(|dir| {
            let undo = fs::read_dir(dir.path().join("undo"));
            undo.into_iter().flatten().flatten()
        });
        if names.any(|entry| entry.path().extension().is_some_and(|e| e == "json"))
            || child.try_wait().expect("asked").is_some()
        {
            return;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

#[test]
fn a_patch_that_is_killed_at_any_moment_is_there_whole_or_not_at_all() {
    let (place, engine) = place();
    let root = place.repo.path();
    let before = all(root);
    let args = ["patch", "seventy", "--apply", &engine];
    let whole = place.run(&args);
    assert_eq!(code(&whole), 0, "{}", stderr(&whole));
    let after = all(root);
    assert_eq!(code(&place.run(&["undo"])), 0);
    assert_eq!(all(root), before);
    let (mut old, mut new, mut halves) = (0, 0, 0);
    for round in 0..ROUNDS {
        let mut child = place.command(&args).spawn().expect("runs");
        wait_for_the_record(&place, &mut child);
        // Up to 9 ms, in an order without a pattern.
        std::thread::sleep(Duration::from_micros(round * 7_919 % ROUNDS * 150));
        let _ = child.kill();
        let _ = child.wait();
        let found = all(root);
        halves += usize::from(found != before && found != after);
        if round % 3 == 0 {
            // Whoever puts things back is killed too.
            let mut child = place.command(&["search", "seven"]).spawn().expect("runs");
            std::thread::sleep(Duration::from_micros(round * 211));
            let _ = child.kill();
            let _ = child.wait();
        }
        let next = place.run(&["search", "seven"]);
        let found = all(root);
        if found == after {
            new += 1;
            assert_eq!(code(&place.run(&["undo"])), 0);
        } else {
            let names: Vec<_> = found.keys().filter(|k| !before.contains_key(*k)).collect();
            assert!(found == before, "{names:?} {}", stderr(&next));
            old += 1;
        }
        assert_eq!(all(root), before, "round {round}");
    }
    // Otherwise this tests nothing.
    assert!(halves > 0, "{halves} halves, {old} old, {new} new");
}

/// A file system of some kilobytes, as far as we may make one.
struct Small(PathBuf);

impl Small {
    fn mount(at: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir_all(&at).expect("made");
        let size = format!("size={size}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "none"]).arg(&at);
        if mount.output().is_ok_and(|done| done.status.success()) {
            return Some(Self(at));
        }
        crate::left_out("this user may not mount a small file system");
        None
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

#[test]
fn a_full_disk_changes_nothing_and_is_said() {
    let (place, _) = place();
    let root = place.repo.path().join("small");
    let Some(_small) = Small::mount(root.clone(), "400k") else {
        return;
    };
    fs::write(root.join("a.rs"), text(0)).expect("written");
    fs::write(root.join("b.rs"), text(1)).expect("written");
    let mut answer = String::new();
    for file in ["a.rs", "b.rs"] {
        let n = usize::from(file == "b.rs");
        let _ = write!(
            answer,
            "*** replace {file}\n<<<<<<<\npub fn f_{n}_7() -> usize {{ 7 }}\n=======\nfn x() {{}}\n>>>>>>>\n"
        );
    }
    let said = serde_json::to_string(&answer).expect("JSON");
    let engine = place.script(&format!("{said}\n"));
    // Room for one text beside the old ones, and not for two.
    let held: u64 = [0, 1].iter().map(|n| text(*n).len() as u64).sum();
    fs::write(
        root.join("fill"),
        vec![b'x'; (400 * 1024 - held - 100 * 1024) as usize],
    )
    .expect("written");
    let before = all(&root);
    let dir = root.display().to_string();
    let args = ["-C", &dir, "patch", "x", "--apply", &engine];
    let output = place.run(&args);
    let said = stderr(&output);
    assert!(
        code(&output) > 1 && said.contains("No space left"),
        "{said}"
    );
    assert!(said.contains("nothing was changed"), "{said}");
    assert_eq!(all(&root), before);
    assert_eq!(code(&place.run(&["-C", &dir, "undo"])), 2);
    fs::remove_file(root.join("fill")).expect("removed");
    let output = place.run(&args);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(code(&place.run(&["-C", &dir, "undo"])), 0);
}

#[test]
fn where_no_record_can_be_kept_nothing_is_written() {
    let (place, engine) = place();
    let state = place.home.path().join("state");
    let Some(_small) = Small::mount(state.clone(), "200k") else {
        return;
    };
    let before = all(place.repo.path());
    let output = place.run(&["patch", "seventy", "--apply", &engine]);
    let said = stderr(&output);
    assert!(
        code(&output) > 1 && said.contains("No space left"),
        "{said}"
    );
    assert_eq!(all(place.repo.path()), before);
}

/// A write past a limit on the size of files ends a process, where nobody listens.
#[cfg(unix)]
#[test]
fn a_limit_on_the_size_of_files_is_told_and_no_sudden_end() {
    let place = Place::committed();
    for n in 0..60 {
        let text = format!("pub fn number_{n}() {{}}\n").repeat(40);
        place.write(&format!("src/n{n}.rs"), &text);
    }
    let output = place.limited("-f 8", &["index", "--rebuild"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let said = stderr(&output);
    assert!(said.contains("the index is kept in memory only"), "{said}");
    assert_eq!(code(&place.run(&["index"])), 0);
}
