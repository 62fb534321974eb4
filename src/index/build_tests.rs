//! Building, updating and searching small repositories.

use super::*;

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
            "#[test]\nfn walk_tree_works() { walk_tree(); }\n",
        );
        place.write("README.md", "# Walking\nIt walks a tree.\n");
        place
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.repo.path().join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, text).expect("written");
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
        .map(|hit| format!("{}:{}", hit.path, hit.range))
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
    assert_eq!(found(&index, "tests of walk_tree")[0], "tests/walk.rs:1-2");
    assert!(found(&index, "zebra").is_empty());
    assert!(found(&index, "").is_empty());
    assert_eq!(index.named("check_loop").len(), 1);
    assert_eq!(index.stats().files, 4);
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
