//! What is chosen, and that the budget holds.

use std::fs;
use std::sync::Arc;

use super::super::mentions;
use super::super::pack::pack;
use super::*;
use crate::base::Cancel;
use crate::base::count::RoughCount;
use crate::repo::WalkRules;

fn place() -> (tempfile::TempDir, Repo, Arc<Index>) {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let file = dir.path().join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, text).expect("written");
    };
    write(
        "src/walk.rs",
        "/// Walks.\npub fn walk_tree() {\n    check_loop();\n}\n\n/// Finds a symlink loop.\nfn check_loop() {}\n",
    );
    write(
        "src/print.rs",
        "/// Prints a line.\npub fn print_line() {}\n",
    );
    let long: String = (0..400)
        .map(|i| format!("fn number_{i}() {{ body_of({i}); }}\n"))
        .collect();
    write("src/long.rs", &long);
    let repo = Repo::open(dir.path()).expect("a repository");
    let cache = tempfile::tempdir().expect("a folder");
    let index = crate::index::build(
        &repo,
        cache.path(),
        &WalkRules::default(),
        false,
        &Cancel::never(),
        &mut |_| {},
    )
    .expect("an index");
    (dir, repo, index)
}

fn picked(query: &str, budget: usize, change: impl FnOnce(&mut Wanted)) -> Context {
    let (_dir, repo, index) = place();
    let mut wanted = Wanted {
        query: query.into(),
        mentions: mentions(query),
        budget,
        first_id: 1,
        ..Wanted::default()
    };
    change(&mut wanted);
    let context = pick(&wanted, &repo, &index, &RoughCount).expect("a context");
    assert!(context.tokens <= budget, "{} of {budget}", context.tokens);
    assert!(RoughCount.count(&pack(&context.excerpts)) <= budget);
    for (i, excerpt) in context.excerpts.iter().enumerate() {
        assert_eq!(excerpt.id as usize, wanted.first_id as usize + i);
        let file = repo.read(&excerpt.path).expect("there").text;
        let from = excerpt.range.start as usize - 1;
        let lines: Vec<&str> = file
            .lines()
            .skip(from)
            .take(excerpt.range.len() as usize)
            .collect();
        assert_eq!(excerpt.text.lines().collect::<Vec<_>>(), lines);
    }
    context
}

fn names(context: &Context) -> Vec<String> {
    context
        .excerpts
        .iter()
        .map(|e| format!("{}:{}", e.path, e.range))
        .collect()
}

#[test]
fn what_is_found_is_shown() {
    let context = picked("where is a symlink loop found?", 1000, |_| {});
    assert_eq!(names(&context)[0], "src/walk.rs:6-7");
}

#[test]
fn a_mention_comes_first_and_whole() {
    let context = picked(
        "what has @src/print.rs to do with a symlink loop?",
        1000,
        |_| {},
    );
    assert_eq!(
        names(&context)[..2],
        ["src/print.rs:1-2", "src/walk.rs:6-7"]
    );
    assert_eq!(context.excerpts[0].why, Why::Mention);
    let context = picked("what is in @src/long.rs:3-4?", 1000, |_| {});
    assert_eq!(names(&context)[0], "src/long.rs:3-4");
}

#[test]
fn what_does_not_fit_is_said() {
    let context = picked("what does number_77 in @src/long.rs do?", 300, |_| {});
    assert!(!context.excerpts.is_empty());
    assert!(
        context
            .left_out
            .iter()
            .any(|l| l.path.as_str() == "src/long.rs" && l.reason.contains("fit")),
        "{:?}",
        context.left_out
    );
    let context = picked("and @src/gone.rs?", 300, |_| {});
    assert_eq!(context.left_out[0].reason, "not in the repository");
}

#[test]
fn dropped_and_shown_ones_stay_away() {
    let query = "where is a symlink loop found?";
    let dropped = picked(query, 1000, |wanted| {
        wanted.dropped = mentions("@src/walk.rs")
    });
    assert!(
        !names(&dropped)
            .iter()
            .any(|name| name.starts_with("src/walk.rs"))
    );
    let shown = picked(query, 1000, |wanted| {
        wanted.shown.insert(("src/walk.rs".into(), 6, 7));
        wanted.first_id = 5;
    });
    assert!(!names(&shown).contains(&"src/walk.rs:6-7".to_owned()));
}

#[test]
fn any_budget_holds() {
    for budget in [0, 1, 20, 50, 90, 200, 500] {
        picked(
            "what does number_77 in @src/long.rs and @src/walk.rs do?",
            budget,
            |_| {},
        );
    }
}
