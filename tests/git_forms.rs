//! Repositories in the forms that git knows: what is said of them is what git says, or that it is
//! not read, and what to type.

use std::fs;

use crate::cli::{Place, code, stderr, stdout};

/// What a review may find of itself: a merge that was left as it was.
const MARKERS: &str = "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x\n";

fn reviewer(place: &Place) -> String {
    place.script("{\"steps\":[{\"text\":\"No findings.\"}],\"repeat\":true}\n")
}

#[test]
fn data_that_is_not_read_is_named_with_what_can_be_done_all_the_same() {
    for form in ["--object-format=sha256", "--ref-format=reftable"] {
        let place = Place::plain();
        if !place.run_git(&["init", "-q", form]).status.success() {
            // git learned of reftables in 2.45.
            assert!(form.contains("reftable"), "git knows SHA-256 since 2.29");
            continue;
        }
        place.run_git(&["add", "-A"]);
        for args in [
            &["review", &reviewer(&place)][..],
            &["review", "--install-hook"],
        ] {
            let output = place.run(args);
            assert_eq!(code(&output), 2, "{form}");
            let words = stderr(&output);
            assert!(
                words.contains("in a form that only git reads"),
                "{form}: {words}"
            );
            assert!(words.contains("review --stdin"), "{form}: {words}");
            assert!(!words.contains("git init"), "{form}: {words}");
        }
        let words = stdout(&place.run(&["doctor"]));
        assert!(
            words.contains("in a form that only git reads"),
            "{form}: {words}"
        );
        assert_eq!(code(&place.run(&["search", "next_entry"])), 0, "{form}");
    }
}

#[test]
fn what_the_environment_names_is_what_git_would_use() {
    let place = Place::plain();
    let dot = place.home.path().join("dot");
    let named = |args: &[&str]| {
        let mut command = place.command(args);
        let root = place.repo.path();
        command.env("GIT_DIR", &dot).env("GIT_WORK_TREE", root);
        command.output().expect("runs")
    };
    place.run_git(&["init", "-q", "--bare", &dot.to_string_lossy()]);
    place.write("d.txt", MARKERS);
    let (dir, tree) = (dot.to_string_lossy(), place.repo.path().to_string_lossy());
    let dir = format!("--git-dir={dir}");
    let tree = format!("--work-tree={tree}");
    let added = place.run_git(&[&dir, &tree, "add", "d.txt"]);
    assert!(added.status.success(), "{added:?}");
    let output = named(&["review", &reviewer(&place)]);
    assert!(stdout(&output).contains("d.txt"), "{}", stderr(&output));
    assert!(stdout(&named(&["doctor"])).contains("1 staged"));
    // It names nothing for a folder that is not of its working tree.
    let other = Place::committed();
    let output = (other.command(&["doctor"]))
        .env("GIT_DIR", &dot)
        .env("GIT_WORK_TREE", place.repo.path())
        .output()
        .expect("runs");
    assert!(stdout(&output).contains("0 staged"), "{}", stdout(&output));
}

#[test]
fn an_index_elsewhere_is_used_where_git_would_use_it() {
    let place = Place::committed();
    let index = place.home.path().join("an-index");
    fs::copy(place.repo.path().join(".git/index"), &index).expect("copied");
    place.write("d.txt", MARKERS);
    let added = (place.git_command(&["add", "d.txt"]))
        .env("GIT_INDEX_FILE", &index)
        .output()
        .expect("git runs");
    assert!(added.status.success(), "{added:?}");
    let engine = reviewer(&place);
    let output = (place.command(&["review", &engine]))
        .env("GIT_INDEX_FILE", &index)
        .output()
        .expect("runs");
    assert!(stdout(&output).contains("d.txt"), "{}", stderr(&output));
    let words = stderr(&place.run(&["review", &engine]));
    assert!(words.contains("nothing is staged"), "{words}");
}

#[test]
fn a_home_that_is_no_place_of_its_own_leaves_nothing_in_the_repository() {
    let place = Place::committed();
    let mut command = place.command(&["search", "next_entry"]);
    for variable in [
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_CACHE_HOME",
        "XDG_STATE_HOME",
    ] {
        command.env_remove(variable);
    }
    let output = command.env("HOME", "rel").output().expect("runs");
    let words = stderr(&output);
    assert!(words.contains("set HOME"), "{words}");
    assert!(!place.repo.path().join("rel").exists());
}

#[test]
fn a_partial_clone_is_told_from_a_shallow_one() {
    let place = Place::committed();
    place.write("src/walk.rs", "fn other() {}\n");
    place.run_git(&["commit", "-qam", "Second"]);
    place.run_git(&["config", "uploadpack.allowFilter", "true"]);
    let from = format!("file://{}", place.repo.path().display());
    // The commit at the cut of a shallow one is told as git tells it: as one without a parent.
    for (how, status, told) in [
        (
            &["--filter=blob:none"][..],
            2,
            "git fetch --refetch --no-filter",
        ),
        (&["--depth=1"], 0, "no findings"),
    ] {
        let other = Place::plain();
        let to = other.home.path().join("clone");
        let to = to.to_string_lossy();
        let clone = ["-c", "protocol.file.allow=always", "clone", "-q"];
        let cloned = other.run_git(&[&clone, how, &[&from, &to]].concat());
        assert!(cloned.status.success(), "{cloned:?}");
        let engine = reviewer(&other);
        let output = other.run(&["-C", &to, "review", "--commit", "HEAD", &engine]);
        let words = format!("{}{}", stdout(&output), stderr(&output));
        assert_eq!(code(&output), status, "{how:?}: {words}");
        assert!(words.contains(told), "{how:?}: {words}");
        assert!(!words.contains("unshallow"), "{how:?}: {words}");
    }
}
