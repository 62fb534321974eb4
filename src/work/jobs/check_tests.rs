use std::fs;

use super::*;
use crate::base::Config;
use crate::base::{Places, RepoPath};
use crate::jobs::trial::Trial;
use crate::patch::FileChange;

/// A repository with what git ignores: packages, settings, what builds have left.
fn trial() -> Trial {
    let trial = Trial::new(&[
        ("a.txt", "one\n"),
        ("run.sh", "#!/bin/sh\ncat a.txt\n"),
        (".gitignore", "node_modules/\ntarget/\n*.env\n"),
    ]);
    trial.put("node_modules/p/index.js", "packages\n");
    trial.put("node_modules/p/dist/main.js", "what it consists of\n");
    trial.put("target/debug/out", "built\n");
    trial.put("secret.env", "KEY=1\n");
    trial
}

fn file(path: &str, before: Option<&str>, after: Option<&str>) -> FileChange {
    FileChange {
        path: RepoPath::new(path).expect("a path"),
        renamed_to: None,
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    }
}

fn two() -> Change {
    Change {
        files: vec![file("a.txt", Some("one\n"), Some("two\n"))],
    }
}

struct Harness {
    place: tempfile::TempDir,
    before: Before,
    runs: Vec<bool>,
    allowed: Allowance,
}

/// What is allowed where nothing is set, with a home of homebody's below `place`.
fn allowance(place: &Path) -> Allowance {
    let own = |name: &str| place.join("own").join(name);
    let places = Places {
        config: own("config"),
        data: own("data"),
        cache: own("cache"),
        state: own("state"),
    };
    Allowance::new(&Config::default(), &places)
}

impl Harness {
    fn new() -> Self {
        let place = tempfile::tempdir().expect("a folder");
        Self {
            allowed: allowance(place.path()),
            place,
            before: Before::default(),
            runs: Vec::new(),
        }
    }

    fn check(&mut self, trial: &Trial, command: &str, change: &Change, applied: bool) -> Checked {
        self.runs.clear();
        let place = self.place.path().canonicalize().expect("there");
        let asked = Check {
            command,
            repo: &trial.repo,
            place: &place,
            change,
            applied,
            allowed: &self.allowed,
        };
        let runs = &mut self.runs;
        check(&asked, &mut self.before, &Cancel::never(), &mut |step| {
            if let CheckStep::Begins { changed } = step {
                runs.push(changed);
            }
        })
        .expect("a check")
    }
}

/// Everything in a repository but git's own.
fn all(trial: &Trial) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut folders = vec![trial.dir.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("read").flatten() {
            if entry.file_name() == ".git" {
                continue;
            }
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).expect("text");
                all.push((path.display().to_string(), text));
            }
        }
    }
    all.sort();
    all
}

#[test]
fn a_check_sees_the_change_and_the_repository_stays() {
    let trial = trial();
    let before = all(&trial);
    let mut harness = Harness::new();
    let command = "test \"$(cat a.txt)\" = two && cat secret.env \
                   node_modules/p/index.js node_modules/p/dist/main.js && test ! -e target && mkdir target && \
                   echo x > target/made && echo y > a.txt && git ls-files && echo fine";
    let checked = harness.check(&trial, command, &two(), false);
    assert_eq!(checked.verdict, Verdict::Passed, "{checked:?}");
    assert_eq!(harness.runs, [true], "the rest was not needed");
    assert!(checked.output.contains("fine"), "{}", checked.output);
    assert_eq!(all(&trial), before);
    // What builds have written is there the next time; what was done to files is not.
    let again = "test -e target/made && test \"$(cat a.txt)\" = two && grep cat run.sh && \
                 echo broken > run.sh && sleep 0.02 && touch -d @1 run.sh";
    for _ in 0..2 {
        let checked = harness.check(&trial, again, &two(), false);
        assert_eq!(checked.verdict, Verdict::Passed, "{checked:?}");
    }
}

#[test]
fn files_are_named_as_in_the_repository() {
    let trial = trial();
    let mut harness = Harness::new();
    let checked = harness.check(
        &trial,
        "echo \"error in $PWD/a.txt:1\"; exit 1",
        &two(),
        false,
    );
    assert_eq!(checked.output, "error in a.txt:1\n");
}

#[test]
fn what_failed_before_is_told_apart() {
    let trial = trial();
    let mut harness = Harness::new();
    // Fails with the change alone.
    let checked = harness.check(
        &trial,
        "grep -q one a.txt || echo error: none; grep -q one a.txt",
        &two(),
        false,
    );
    assert_eq!(
        (checked.verdict, checked.before),
        (Verdict::Failed, Some(false))
    );
    assert_eq!(checked.output, "error: none\n");
    assert_eq!(harness.runs, [true, false]);
    // Fails always, with the same words but for figures.
    let always = "echo \"error at $(date +%N)\"; exit 3";
    let checked = harness.check(&trial, always, &two(), false);
    assert_eq!(
        (checked.verdict, checked.before),
        (Verdict::AsBefore, Some(true))
    );
    // Known by now.
    let checked = harness.check(&trial, always, &two(), false);
    assert_eq!(checked.verdict, Verdict::AsBefore);
    assert_eq!(harness.runs, [true], "the repository is as it was");
    // Fails before, and with more after: only that is told.
    let more = "echo error: old; grep -q one a.txt || echo error: new; exit 1";
    let checked = harness.check(&trial, more, &two(), false);
    assert_eq!(
        (checked.verdict, checked.before),
        (Verdict::Failed, Some(true))
    );
    assert_eq!(checked.output, "error: new\n");
    // A change in the repository makes it another one.
    trial.put("b.txt", "new\n");
    harness.check(&trial, more, &two(), false);
    assert_eq!(harness.runs, [true, false]);
}

#[test]
fn a_change_that_is_applied_is_taken_out_for_the_run_without_it() {
    let trial = trial();
    trial.put("a.txt", "two\n");
    let mut harness = Harness::new();
    let checked = harness.check(&trial, "grep -q one a.txt", &two(), true);
    assert_eq!(
        (checked.verdict, checked.before),
        (Verdict::Failed, Some(false))
    );
}

#[test]
fn the_copy_follows_the_repository() {
    let trial = trial();
    let mut harness = Harness::new();
    let kinds = Change {
        files: vec![
            file("run.sh", Some("#!/bin/sh\ncat a.txt\n"), None),
            file("new/deep/x", None, Some("made\n")),
            FileChange {
                renamed_to: Some(RepoPath::new("b.txt").expect("a path")),
                ..file("a.txt", Some("one\n"), Some("two\n"))
            },
        ],
    };
    let checked = harness.check(
        &trial,
        "test ! -e run.sh && cat new/deep/x && test ! -e a.txt && grep two b.txt",
        &kinds,
        false,
    );
    assert_eq!(checked.verdict, Verdict::Passed, "{checked:?}");
    // All of that is gone again; what the user did is there.
    fs::remove_file(trial.dir.path().join("secret.env")).expect("removed");
    trial.put("mine", "kept\n");
    std::os::unix::fs::symlink("mine", trial.dir.path().join("link")).expect("linked");
    let checked = harness.check(
        &trial,
        "test -e run.sh && test ! -e new && test ! -e b.txt && test ! -e secret.env && \
         test \"$(readlink link)\" = mine && cat link",
        &two(),
        false,
    );
    assert_eq!(checked.verdict, Verdict::Passed, "{checked:?}");
}

#[test]
fn large_ignored_folders_are_links_that_cannot_be_written_through() {
    let trial = trial();
    let packages = trial.dir.path().join("node_modules/big");
    fs::create_dir_all(&packages).expect("made");
    for n in 0..2_100 {
        fs::write(packages.join(format!("{n}.js")), "x").expect("written");
    }
    let own = trial.dir.path().join("node_modules/@scope");
    fs::create_dir_all(&own).expect("made");
    std::os::unix::fs::symlink("../..", own.join("self")).expect("linked");
    let mut harness = Harness::new();
    let command = "test -L node_modules/big && cat node_modules/big/7.js && \
                   mkdir node_modules/.cache && grep two node_modules/@scope/self/a.txt && \
                   cat node_modules/p/index.js && \
                   if echo y 2>/dev/null > node_modules/big/7.js; then echo wrote; fi";
    let checked = harness.check(&trial, command, &two(), false);
    assert_eq!(checked.verdict, Verdict::Passed, "{checked:?}");
    assert!(!checked.output.contains("wrote"), "{}", checked.output);
    let text = fs::read_to_string(packages.join("7.js")).expect("there");
    assert_eq!(text, "x");
    assert!(!trial.dir.path().join("node_modules/.cache").exists());
    // Grown small, it becomes a copy, and nothing is written where the links led.
    for n in 10..2_100 {
        fs::remove_file(packages.join(format!("{n}.js"))).expect("removed");
    }
    let command = "test ! -L node_modules/big && echo y > node_modules/big/7.js";
    let checked = harness.check(&trial, command, &two(), false);
    assert_eq!(checked.verdict, Verdict::Passed, "{checked:?}");
    let text = fs::read_to_string(packages.join("7.js")).expect("there");
    assert_eq!(text, "x");
}

#[test]
fn a_copy_left_half_made_is_made_anew_and_two_checks_do_not_mix() {
    let trial = trial();
    let mut harness = Harness::new();
    harness.check(&trial, "echo x > stray", &two(), false);
    let list = harness.place.path().join("list.json");
    let text = fs::read_to_string(&list).expect("a list");
    fs::write(&list, text.replace("\"whole\":true", "\"whole\":false")).expect("written");
    let checked = harness.check(&trial, "test ! -e stray && cat run.sh", &two(), false);
    assert_eq!(checked.verdict, Verdict::Passed, "{checked:?}");
    let place = harness.place.path().canonicalize().expect("there");
    let allowed = allowance(&place);
    let held = Scratch::take(&trial.repo, &place, Vec::new()).expect("free");
    let failure = Scratch::take(&trial.repo, &place, Vec::new()).expect_err("taken");
    assert!(failure.what().contains("another check"), "{failure}");
    drop(held);
    let empty = Check {
        command: "  ",
        repo: &trial.repo,
        place: &place,
        change: &two(),
        applied: false,
        allowed: &allowed,
    };
    let none = check(&empty, &mut harness.before, &Cancel::never(), &mut |_| {});
    assert!(none.is_err());
    let misspelt = Check {
        command: "nosuchprogram --check",
        ..empty
    };
    let none = check(
        &misspelt,
        &mut harness.before,
        &Cancel::never(),
        &mut |_| {},
    );
    let failure = none.expect_err("cannot be run");
    assert!(failure.what().contains("cannot be run"), "{failure}");
}

#[test]
fn what_lies_beside_the_repository_is_beside_its_copy() {
    let outer = tempfile::tempdir().expect("a folder");
    let outer = outer.path().canonicalize().expect("there");
    fs::create_dir(outer.join("app")).expect("made");
    fs::write(outer.join("app/a.txt"), "one\n").expect("written");
    fs::create_dir(outer.join("beside")).expect("made");
    fs::write(outer.join("beside/Makefile"), "beside: ;\n").expect("written");
    let repo = Repo::open(&outer.join("app")).expect("a folder");
    fs::write(
        outer.join("app/Makefile"),
        "all:\n\tcat ../beside ../other\n",
    )
    .expect("written");
    let place = tempfile::tempdir().expect("a folder");
    let allowed = allowance(place.path());
    let run = |command: &str| {
        let asked = Check {
            command,
            repo: &repo,
            place: &place.path().canonicalize().expect("there"),
            change: &two(),
            applied: false,
            allowed: &allowed,
        };
        let cancel = Cancel::never();
        let checked = check(&asked, &mut Before::default(), &cancel, &mut |_| {});
        checked.expect("a check").verdict
    };
    assert_eq!(
        run("grep beside ../beside/Makefile && test -e ../app/a.txt"),
        Verdict::Passed
    );
    // What goes there goes here.
    fs::rename(outer.join("beside"), outer.join("other")).expect("renamed");
    assert_eq!(
        run("test ! -e ../beside && cat ../other/Makefile"),
        Verdict::Passed
    );
}
