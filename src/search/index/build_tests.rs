//! Building, updating and searching small repositories.

use std::fs;

use super::super::store::FORMAT;
use super::*;
use crate::base::RepoPath;
use crate::repo::trial::git;

struct Place {
    repo: tempfile::TempDir,
    cache: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            repo: tempfile::tempdir().expect("a folder"),
            cache: tempfile::tempdir().expect("a folder"),
        };
        place.write("src/walk.rs", "/// Walks a tree.\npub fn walk_tree() {\n    check_loop();\n}\n\n/// Finds a symlink loop.\nfn check_loop() {}\n");
        place.write(
            "src/print.rs",
            "/// Prints lines.\npub fn print_line(text: &str) {}\n",
        );
        place.write(
            "tests/walk.rs",
            "#[test]\nfn walk_tree_works() {\n    let tree = new();\n    walk_tree();\n    assert!(tree.seen());\n}\n",
        );
        place.write("README.md", "# Walking\nIt walks a tree.\n");
        place
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.repo.path().join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, text).expect("written");
    }

    /// Writes other text of the same size, dated back to when the old text was written.
    fn change_in_silence(&self) {
        let file = self.repo.path().join("src/walk.rs");
        let time = fs::metadata(&file).and_then(|m| m.modified());
        let text = fs::read_to_string(&file).expect("read");
        self.write("src/walk.rs", &text.replace("symlink", "zebraed"));
        let opened = fs::File::open(&file).expect("opened");
        opened.set_modified(time.expect("time")).expect("set");
    }

    fn build(&self) -> Arc<Index> {
        let repo = Repo::open(self.repo.path()).expect("a repository");
        build(
            &repo,
            self.cache.path(),
            &WalkRules::default(),
            false,
            &Cancel::never(),
            &mut |_| {},
        )
        .expect("an index")
    }
}

fn found(index: &Index, query: &str) -> Vec<String> {
    let hits = index.search(query, 5).expect("a search");
    hits.iter()
        .map(|hit| {
            let symbol = hit.symbol.as_ref().map(|symbol| symbol.range);
            format!("{}:{}", hit.path, symbol.unwrap_or(hit.range))
        })
        .collect()
}

#[test]
fn the_definition_asked_for_comes_first() {
    let index = Place::new().build();
    assert_eq!(
        found(&index, "where is a symlink loop found?")[0],
        "src/walk.rs:6-7"
    );
    assert_eq!(
        found(&index, "how does walk_tree work")[0],
        "src/walk.rs:1-4"
    );
    assert_eq!(found(&index, "tests of walk_tree")[0], "tests/walk.rs:1-6");
    assert!(found(&index, "zebra").is_empty());
    assert!(found(&index, "").is_empty());
    assert_eq!(index.named("check_loop").len(), 1);
    assert_eq!(index.stats().files, 4);
}

#[test]
fn what_is_said_about_the_whole_comes_first_when_that_is_asked() {
    let place = Place::new();
    let lines = "It walks a tree, and a tree of trees, and tells what it has seen.\n".repeat(8);
    place.write("README.md", &format!("# Walking\n\n{lines}"));
    let index = place.build();
    let first = |query| found(&index, query).first().cloned().unwrap_or_default();
    assert_eq!(first("what does this project walk?"), "README.md:1-10");
    assert_eq!(first("what does walk_tree walk?"), "src/walk.rs:1-4");
}

#[test]
fn tests_in_the_file_they_test_come_behind_it() {
    let place = Place::new();
    place.write(
        "src/lock.rs",
        "/// Takes the lock of a door.\npub fn lock_door() {\n    turn_key();\n    pull();\n}\n\n\
         #[cfg(test)]\nmod tests {\n    #[test]\n    fn lock_door_locks_the_door() {\n        \
         lock_door();\n        assert!(locked_door());\n    }\n}\n",
    );
    let index = place.build();
    let first = |query| found(&index, query).first().cloned().unwrap_or_default();
    assert_eq!(first("how does it lock the door?"), "src/lock.rs:1-5");
    assert_eq!(
        first("is there a test for lock the door?"),
        "src/lock.rs:9-13"
    );
}

#[test]
fn what_changes_is_found_and_what_goes_is_not() {
    let place = Place::new();
    place.build();
    place.write(
        "src/print.rs",
        "/// Prints zebras.\npub fn print_zebra() {}\n",
    );
    fs::remove_file(place.repo.path().join("src/walk.rs")).expect("removed");
    let index = place.build();
    assert_eq!(found(&index, "zebra"), ["src/print.rs:1-2"]);
    assert!(found(&index, "symlink").is_empty());
    assert!(!index.contains(&RepoPath::new("src/walk.rs").expect("a path")));
    assert!(index.named("print_line").is_empty());
}

#[test]
fn a_snapshot_stays_as_it_is() {
    let place = Place::new();
    let before = place.build();
    place.write("src/walk.rs", "fn other() {}\n");
    let after = place.build();
    assert_eq!(found(&before, "symlink"), ["src/walk.rs:6-7"]);
    assert!(found(&after, "symlink").is_empty());
}

#[test]
fn the_last_snapshot_opens_without_looking_at_files() {
    let place = Place::new();
    assert!(open(place.cache.path()).expect("nothing yet").is_none());
    place.build();
    fs::remove_file(place.repo.path().join("src/walk.rs")).expect("removed");
    let index = open(place.cache.path()).expect("opens").expect("there");
    assert_eq!(found(&index, "symlink"), ["src/walk.rs:6-7"]);
}

#[test]
fn damage_is_repaired() {
    let place = Place::new();
    place.build();
    for entry in fs::read_dir(place.cache.path())
        .expect("a folder")
        .flatten()
    {
        if entry.path().is_file() {
            fs::write(entry.path(), "garbage").expect("written");
        }
    }
    assert_eq!(found(&place.build(), "symlink"), ["src/walk.rs:6-7"]);
    for entry in fs::read_dir(place.cache.path().join("tantivy"))
        .expect("a folder")
        .flatten()
    {
        fs::write(entry.path(), "garbage").expect("written");
    }
    assert_eq!(found(&place.build(), "symlink"), ["src/walk.rs:6-7"]);
}

#[test]
fn without_a_cache_folder_it_is_kept_in_memory_and_says_so() {
    let place = Place::new();
    let file = place.cache.path().join("file");
    fs::write(&file, "").expect("written");
    let repo = Repo::open(place.repo.path()).expect("a repository");
    let index = build(
        &repo,
        &file.join("x"),
        &WalkRules::default(),
        false,
        &Cancel::never(),
        &mut |_| {},
    )
    .expect("an index");
    assert_eq!(found(&index, "symlink"), ["src/walk.rs:6-7"]);
    assert!(
        index
            .stats()
            .note
            .as_ref()
            .is_some_and(|note| note.contains("memory"))
    );
}

#[test]
fn a_cancel_leaves_the_old_snapshot() {
    let place = Place::new();
    place.build();
    place.write("src/new.rs", "fn zebra() {}\n");
    let repo = Repo::open(place.repo.path()).expect("a repository");
    let source = crate::base::CancelSource::new();
    let cancel = source.token();
    source.cancel();
    let stopped = build(
        &repo,
        place.cache.path(),
        &WalkRules::default(),
        false,
        &cancel,
        &mut |_| {},
    );
    assert!(stopped.is_err_and(|failure| failure.is_interrupted()));
    let index = open(place.cache.path()).expect("opens").expect("there");
    assert_eq!(found(&index, "symlink"), ["src/walk.rs:6-7"]);
}

#[test]
fn what_is_unchanged_is_neither_read_nor_written_again() {
    let place = Place::new();
    place.build();
    let list = |dir: &Path| {
        let mut names: Vec<_> = fs::read_dir(dir)
            .expect("a folder")
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        names.sort();
        names
    };
    let before = list(&place.cache.path().join("tantivy"));
    assert_eq!(found(&place.build(), "symlink"), ["src/walk.rs:6-7"]);
    assert_eq!(list(&place.cache.path().join("tantivy")), before);
    assert!(place.cache.path().join("files-1.json").exists());

    // Once enough time has passed, as it is set to have here, a file is not read for its marks.
    let mut manifest = store::load(place.cache.path())
        .expect("read")
        .expect("there")
        .manifest;
    for record in manifest.files.values_mut() {
        record.settled = true;
    }
    let to_read = || {
        let repo = Repo::open(place.repo.path()).expect("a repository");
        let walk = repo
            .walk(&WalkRules::default(), &Cancel::never(), &mut |_| {})
            .expect("a walk");
        UpdatePlan::new(&walk, &manifest, None).to_read()
    };
    assert_eq!(to_read(), [""; 0]);
    place.change_in_silence();
    assert_eq!(to_read(), ["src/walk.rs"]);
}

#[test]
fn a_change_right_after_reading_is_seen_even_if_the_clock_stood_still() {
    let place = Place::new();
    place.build();
    place.change_in_silence();
    assert_eq!(found(&place.build(), "zebraed"), ["src/walk.rs:6-7"]);
}

#[test]
fn a_rebuild_keeps_the_old_snapshot_until_the_new_one_stands() {
    let place = Place::new();
    place.build();
    let repo = Repo::open(place.repo.path()).expect("a repository");
    let source = crate::base::CancelSource::new();
    let mut seen = None;
    let stopped = build(
        &repo,
        place.cache.path(),
        &WalkRules::default(),
        true,
        &source.token(),
        &mut |progress| {
            if matches!(progress, Progress::Reading { .. }) {
                let index = open(place.cache.path()).expect("opens").expect("there");
                seen = Some(found(&index, "symlink"));
                source.cancel();
            }
        },
    );
    assert!(stopped.is_err_and(|failure| failure.is_interrupted()));
    assert_eq!(seen, Some(vec!["src/walk.rs:6-7".to_owned()]));
    let again = build(
        &repo,
        place.cache.path(),
        &WalkRules::default(),
        true,
        &Cancel::never(),
        &mut |_| {},
    )
    .expect("an index");
    assert_eq!(found(&again, "symlink"), ["src/walk.rs:6-7"]);
    assert_eq!(again.named("check_loop").len(), 1);
}

#[test]
fn damage_is_said_and_another_version_is_not() {
    let place = Place::new();
    place.build();
    let list = place.cache.path().join("files-1.json");
    let text = super::super::checked::read(&list).expect("read");
    let text = String::from_utf8(text).expect("a text");
    let text = text.replacen(&format!("\"format\":{FORMAT}"), "\"format\":1", 1);
    // Versions before wrote no checksum; those to come will.
    fs::write(&list, &text).expect("written");
    assert!(open(place.cache.path()).expect("opens").is_none());
    assert_eq!(place.build().stats().note, None);
    let list = place.cache.path().join("files-2.json");
    super::super::checked::write(&list, text.into_bytes()).expect("written");
    assert!(open(place.cache.path()).expect("opens").is_none());
    assert_eq!(place.build().stats().note, None);
    for entry in fs::read_dir(place.cache.path())
        .expect("a folder")
        .flatten()
    {
        if entry.path().extension().is_some_and(|e| e == "json") {
            fs::write(entry.path(), "garbage").expect("written");
        }
    }
    let note = place.build().stats().note.clone().unwrap_or_default();
    assert!(note.contains("damaged") && note.contains("anew"), "{note}");
}

#[test]
fn two_at_once_end_with_one_whole_index() {
    let place = Place::new();
    for i in 0..40 {
        place.write(&format!("src/m{i}.rs"), &format!("fn only_{i}() {{}}\n"));
    }
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| place.build());
        }
    });
    let index = place.build();
    for i in 0..40 {
        assert_eq!(index.named(&format!("only_{i}")).len(), 1, "{i}");
    }
    assert_eq!(index.stats().note, None);
}

#[cfg(unix)]
#[test]
fn only_this_user_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let cache = place.cache.path().join("below");
    let repo = Repo::open(place.repo.path()).expect("a repository");
    build(
        &repo,
        &cache,
        &WalkRules::default(),
        false,
        &Cancel::never(),
        &mut |_| {},
    )
    .expect("an index");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o077;
    let mut seen = 0;
    for dir in [cache.clone(), cache.join("tantivy")] {
        assert_eq!(mode(&dir), 0);
        for entry in fs::read_dir(&dir).expect("a folder").flatten() {
            assert_eq!(mode(&entry.path()), 0, "{:?}", entry.path());
            seen += 1;
        }
    }
    assert!(seen > 5);
}

#[test]
fn hostile_files_do_no_harm() {
    let place = Place::new();
    place.write("a\nb\u{1b}[31m.rs", "fn odd_name() {}\n");
    place.write(
        "long.js",
        &format!("var zebra = [{}]\n", "1,".repeat(450_000)),
    );
    place.write("huge.txt", &"x".repeat(50_000_000));
    let file = place.repo.path().join("latin.rs");
    fs::write(file, b"// caf\xe9 olive\nfn latin_one() {}\n").expect("written");
    fs::write(place.repo.path().join("pic.png"), b"\x89PNG\0\0").expect("written");
    let index = place.build();
    assert_eq!(found(&index, "odd_name"), ["a\\nb\\x1b[31m.rs:1"]);
    assert_eq!(found(&index, "olive"), ["latin.rs:1-2"]);
    assert_eq!(found(&index, "zebra"), ["long.js:1"]);
    let skipped = &index.stats().skipped;
    assert_eq!((skipped.large, skipped.binary), (1, 1));
    assert!(index.stats().disk_bytes < 1_000_000);
}

#[test]
fn commits_tell_of_the_lines_they_touched() {
    let place = Place::new();
    git(place.repo.path(), &["init", "-q"]);
    git(place.repo.path(), &["add", "."]);
    git(place.repo.path(), &["commit", "-q", "-m", "begin"]);
    place.write(
        "src/print.rs",
        "/// Prints lines.\npub fn print_line(text: &str) {\n    flush();\n}\n",
    );
    let index = place.build();
    assert!(found(&index, "survive a full terminal").is_empty());
    // The content is indexed already when the commit is made.
    git(
        place.repo.path(),
        &["commit", "-q", "-am", "Survive a full terminal"],
    );
    let index = place.build();
    assert_eq!(
        found(&index, "survive a full terminal"),
        ["src/print.rs:1-4"]
    );
    let hit = &index.search("survive a full terminal", 1).expect("hits")[0];
    assert_eq!(hit.why, "history");
    // Nothing is read again for that.
    let before = fs::read_dir(place.cache.path()).expect("a folder").count();
    place.build();
    assert_eq!(
        fs::read_dir(place.cache.path()).expect("a folder").count(),
        before
    );
    // What is in no commit yet moves those lines.
    let print = "/// Prints lines.\npub fn print_line(text: &str) {\n    flush();\n}\n";
    place.write("src/print.rs", &("// New.\n".repeat(100) + "\n" + print));
    assert_eq!(
        found(&place.build(), "survive a full terminal"),
        ["src/print.rs:102-105"]
    );
}

#[test]
fn a_broken_history_does_not_keep_files_from_being_found() {
    let place = Place::new();
    git(place.repo.path(), &["init", "-q"]);
    git(place.repo.path(), &["add", "."]);
    git(place.repo.path(), &["commit", "-q", "-m", "begin"]);
    fs::write(place.cache.path().join("past.json"), "garbage").expect("written");
    for entry in walk_files(&place.repo.path().join(".git/objects")) {
        // git makes its objects read-only.
        fs::remove_file(&entry).expect("removed");
        fs::write(&entry, "garbage").expect("written");
    }
    assert_eq!(found(&place.build(), "symlink"), ["src/walk.rs:6-7"]);
}

#[test]
fn no_file_of_an_index_holds_a_secret() {
    let place = Place::new();
    let key = |end: &str| format!("ghp_{}{end}", "aB3".repeat(12));
    let (told, written) = (key("told"), key("written"));
    place.write("src/key.rs", &format!("fn {written}() {{}} // {written}\n"));
    git(place.repo.path(), &["init", "-q"]);
    git(place.repo.path(), &["add", "."]);
    git(
        place.repo.path(),
        &["commit", "-q", "-m", &format!("begin with {told}")],
    );
    place.build();
    let files = walk_files(place.cache.path());
    assert!(files.iter().any(|file| file.ends_with("past.json")));
    for file in files {
        let bytes = fs::read(&file).expect("read");
        for key in [&told, &written] {
            let found = bytes.windows(key.len()).any(|part| part == key.as_bytes());
            assert!(!found, "{key} lies in {}", file.display());
        }
    }
}

fn walk_files(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).expect("a folder").flatten() {
        if entry.path().is_dir() {
            files.extend(walk_files(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files
}

#[test]
fn what_is_told_of_candidates_has_a_name_for_each_number() {
    let index = Place::new().build();
    let told = index.candidates("a symlink loop").expect("candidates");
    let names = told["features"].as_array().expect("names").len();
    let rows = told["candidates"].as_array().expect("rows");
    assert!(!rows.is_empty());
    for row in rows {
        let row = row.as_array().expect("a row");
        assert_eq!(row.len(), 2 + names);
        let file = &told["files"][row[0].as_u64().expect("a file") as usize];
        assert!(
            file["path"]
                .as_str()
                .is_some_and(|path| path.starts_with("src/"))
        );
        assert!(file["pieces"][row[1].as_u64().expect("a piece") as usize].is_array());
    }
    assert!(index.candidates("").is_err());
}

#[test]
fn neighbouring_words_and_the_first_line_are_views_of_their_own() {
    let place = Place::new();
    place.write("src/a.rs", "fn a() {\n    connection_policy();\n}\n");
    place.write(
        "src/b.rs",
        "fn b() {\n    policy();\n    connection();\n}\n",
    );
    let index = place.build();
    let told = index
        .candidates("the policy of connection\nwalk_tree")
        .expect("candidates");
    let names = told["features"].as_array().expect("names");
    let of = |path: &str, name: &str| {
        let column = names.iter().position(|n| n == name).expect("a feature");
        let rows = told["candidates"].as_array().expect("rows");
        let values = rows
            .iter()
            .filter(|row| told["files"][row[0].as_u64().expect("a file") as usize]["path"] == path);
        values
            .filter_map(|row| row[2 + column].as_f64())
            .fold(0.0, f64::max)
    };
    // `policy connection` stands in neither, `walk_tree` only in one.
    assert!(of("src/a.rs", "pairs") <= 0.0 && of("src/b.rs", "pairs") <= 0.0);
    assert!(of("src/walk.rs", "pairs") > 0.0);
    assert!(of("src/a.rs", "head_words") > 0.0 && of("src/b.rs", "head_words") > 0.0);
    assert!(of("src/walk.rs", "head_words") <= 0.0 && of("src/walk.rs", "body") > 0.0);
    let told = index.candidates("connection policy").expect("candidates");
    let rows = told["candidates"].as_array().expect("rows");
    let column = names.iter().position(|n| n == "pairs").expect("a feature");
    for row in rows {
        let path = &told["files"][row[0].as_u64().expect("a file") as usize]["path"];
        let pairs = row[2 + column].as_f64().expect("a number");
        assert_eq!(pairs > 0.0, *path == "src/a.rs", "{path}: {pairs}");
    }
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("read").flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("copied");
        }
    }
}

/// Whatever is wrong in whichever file: the next one finds everything, and nothing panics.
#[test]
fn a_file_that_was_damaged_is_found_out_and_the_index_made_anew() {
    let place = Place::new();
    git(place.repo.path(), &["init", "-q"]);
    git(place.repo.path(), &["add", "-A"]);
    git(place.repo.path(), &["commit", "-q", "-m", "Walk trees"]);
    let looked = |index: &Index| {
        let finds = ["where is a symlink loop found?", "walk_tree", "print lines"];
        let finds = finds.map(|query| found(index, query));
        (
            finds,
            index.paths(),
            index.symbols(&RepoPath::new("src/walk.rs").expect("a path")),
        )
    };
    let whole = looked(&place.build());
    let good = tempfile::tempdir().expect("a folder");
    copy(place.cache.path(), good.path());
    let files = walk_files(good.path());
    let meta = good.path().join("tantivy/meta.json");
    let list = fs::read_to_string(&meta).expect("read");
    for (from, to) in [
        ("\"max_doc\": ", "\"max_doc\": 1"),
        ("\"max_doc\": ", "\"max_doc\": 0, \"was\": "),
        ("\"segments\": [", "\"segments\": [], \"was\": ["),
    ] {
        let wrong = list.replace(from, to);
        assert!(wrong != list, "{list}");
        let dir = tempfile::tempdir().expect("a folder");
        copy(good.path(), dir.path());
        fs::write(dir.path().join("tantivy/meta.json"), wrong).expect("written");
        let opened = open(dir.path()).expect("opened");
        assert!(opened.is_none_or(|index| looked(&index) == whole), "{to}");
    }
    assert!(files.len() > 8, "{files:?}");
    for file in &files {
        let bytes = fs::read(file).expect("read");
        let name = file.strip_prefix(good.path()).expect("inside");
        for (at, with) in [
            (bytes.len() / 2, &[0xff; 8][..]),
            (bytes.len() / 2, &[0; 8]),
            (bytes.len() / 3, b"9"),
            (0, b"9"),
            (bytes.len().saturating_sub(40), &[0xff; 8]),
        ] {
            let mut other = bytes.clone();
            other.splice(at..(at + with.len()).min(bytes.len()), with.iter().copied());
            let dir = tempfile::tempdir().expect("a folder");
            copy(good.path(), dir.path());
            fs::write(dir.path().join(name), other).expect("written");
            let repo = Repo::open(place.repo.path()).expect("a repository");
            // Who only opens it gets the right one, or none.
            if let Some(index) = open(dir.path()).expect("opened") {
                assert_eq!(looked(&index), whole, "{}: {at}", name.display());
            }
            let rules = WalkRules::default();
            let index = build(
                &repo,
                dir.path(),
                &rules,
                false,
                &Cancel::never(),
                &mut |_| {},
            );
            let index = index.expect("an index");
            assert_eq!(looked(&index), whole, "{}: {at}", name.display());
            assert!(
                !index
                    .stats()
                    .note
                    .as_deref()
                    .is_some_and(|note| note.contains("memory")),
                "{}: {at}: {:?}",
                name.display(),
                index.stats().note
            );
        }
    }
}
