//! What is chosen, and that the budget holds.

use std::fs;
use std::sync::Arc;

use super::super::pack::pack;
use super::super::shows;
use super::super::{Mention, mentions};
use super::*;
use crate::base::count::RoughCount;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

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
    let index = crate::index::built(&repo, cache.path()).expect("an index");
    (dir, repo, index)
}

fn picked(query: &str, budget: usize, change: impl FnOnce(&mut Wanted)) -> Context {
    let (_dir, repo, index) = place();
    let mut wanted = Wanted {
        query: query.into(),
        mentions: mentions(query),
        budget,
        first_id: 1,
        whole: false,
        ..Wanted::default()
    };
    change(&mut wanted);
    let context = pick(&wanted, &repo, &index, &RoughCount).expect("a context");
    assert!(context.tokens <= budget, "{} of {budget}", context.tokens);
    assert!(RoughCount.count(&pack(&context.excerpts)) <= budget);
    for (i, excerpt) in context.excerpts.iter().enumerate() {
        assert_eq!(excerpt.id as usize, wanted.first_id as usize + i);
        let file = repo.read(&excerpt.path).expect("there").text;
        let from = excerpt.range.start() as usize - 1;
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
    assert_eq!(names(&context)[0], "src/walk.rs:1-7");
}

#[test]
fn the_file_to_be_changed_is_whole_where_it_leaves_room() {
    let whole = |query: &str, budget| picked(query, budget, |wanted| wanted.whole = true);
    let context = whole("print_line and check_loop", 1000);
    let all = names(&context);
    assert!(
        all.contains(&"src/print.rs:1-2".to_owned()) && all.contains(&"src/walk.rs:1-7".to_owned()),
        "{all:?}"
    );
    // The long one fits, and would leave less room than it takes.
    let long = whole("number_77", 60_000).excerpts[0].tokens;
    let first = |budget| names(&whole("number_77", budget))[0].clone();
    assert_eq!(first(long * 2), "src/long.rs:1-400");
    assert_ne!(first(long * 2 - 1), "src/long.rs:1-400");
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
        ["src/print.rs:1-2", "src/walk.rs:1-7"]
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
    let context = picked("and @src/wlak.rs:3?", 300, |_| {});
    assert_eq!(
        context.left_out[0].reason,
        "not in the repository; did you mean src/walk.rs?"
    );
}

#[test]
fn what_is_asked_for_beside_what_is_shown_is_shown_in_its_rest() {
    let context = picked("see @src/long.rs:5-8 and @src/long.rs:3-10", 1000, |_| {});
    assert_eq!(
        names(&context)[..3],
        ["src/long.rs:5-8", "src/long.rs:3-4", "src/long.rs:9-10"]
    );
    let context = picked("see @src/long.rs:3-10", 1000, |wanted| {
        wanted.shown.insert(("src/long.rs".into(), 4, 10));
    });
    assert_eq!(names(&context)[0], "src/long.rs:3");
    let context = picked("see @src/print.rs", 1000, |wanted| {
        wanted.dropped = mentions("@src/print.rs");
    });
    assert_eq!(context.left_out[0].reason, "dropped");
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

/// Mentions of what is there, what is not, and lines that are and are not.
fn mention() -> impl Strategy<Value = Mention> {
    let path = prop::sample::select(vec![
        "src/walk.rs",
        "src/print.rs",
        "src/long.rs",
        "src",
        "src/gone.rs",
        "gone",
    ]);
    let range = prop::option::of((1..420_u32, 0..90_u32));
    (path, range).prop_map(|(path, range)| Mention {
        path: RepoPath::new(path).expect("a path"),
        range: range.map(|(start, more)| LineRange::new(start, start + more)),
    })
}

fn some_mentions(most: usize) -> impl Strategy<Value = Vec<Mention>> {
    prop::collection::vec(mention(), 0..most)
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let words = prop::sample::select(vec![
        "",
        "where is a symlink loop found",
        "what does number_77 do",
        "print_line and walk_tree and number_3",
        "zebra",
    ]);
    let shown = prop::collection::vec((mention(), 1..40_u32, 0..40_u32), 0..3);
    (
        words,
        some_mentions(4),
        some_mentions(3),
        some_mentions(3),
        shown,
        (0..9_u32, 0..2500_usize, 0..6_usize),
    )
        .prop_map(
            |(query, mentions, pinned, dropped, shown, (first_id, budget, most))| Wanted {
                whole: budget.is_multiple_of(2),
                near: Vec::new(),
                query: query.to_owned(),
                mentions,
                pinned,
                dropped,
                shown: shown
                    .into_iter()
                    .map(|(m, start, more)| (m.path.as_str().to_owned(), start, start + more))
                    .collect(),
                first_id,
                budget,
                most,
            },
        )
}

/// What must hold of every choice.
fn check(wanted: &Wanted, context: &Context, repo: &Repo) -> Result<(), TestCaseError> {
    let excerpts = &context.excerpts;
    let sum: usize = excerpts.iter().map(|e| e.tokens).sum();
    let told: usize = context.told.iter().map(|told| told.tokens).sum();
    prop_assert_eq!(context.tokens, sum + told);
    prop_assert!(sum + told <= wanted.budget, "{} of {}", sum, wanted.budget);
    prop_assert!(RoughCount.count(&pack(excerpts)) <= sum);
    let rank = |why: Why| match why {
        Why::Mention => 0,
        Why::Pinned => 1,
        _ => 2,
    };
    prop_assert!(excerpts.is_sorted_by_key(|e| rank(e.why)));
    let packed = pack(excerpts);
    for (at, excerpt) in excerpts.iter().enumerate() {
        prop_assert_eq!(excerpt.id, wanted.first_id.max(1) + at as u32);
        let text = repo.read(&excerpt.path).expect("there").text;
        let (id, path) = (excerpt.id, &excerpt.path);
        prop_assert!(shows(&packed, id, path, excerpt.range, &text));
        let others = excerpts.iter().skip(at + 1).filter(|e| e.path == *path);
        for other in others {
            prop_assert!(!other.range.overlaps(excerpt.range), "{:?}", names(context));
        }
        for dropped in wanted.dropped.iter().filter(|d| d.names(path)) {
            let all = dropped.range.is_none();
            prop_assert!(!all && !dropped.range.is_some_and(|d| d.overlaps(excerpt.range)));
        }
    }
    // What was asked for is shown, was shown, or is left out with a reason.
    let stays_out = |path: &RepoPath, line: u32| {
        context.left_out.iter().any(|l| {
            l.path == *path && l.range.is_none_or(|r| r.contains(line)) && !l.reason.is_empty()
        })
    };
    for mention in wanted.mentions.iter().chain(&wanted.pinned) {
        for name in ["src/walk.rs", "src/print.rs", "src/long.rs", "src/gone.rs"] {
            let path = RepoPath::new(name).expect("a path");
            if !mention.names(&path) || (mention.path != path && name == "src/gone.rs") {
                continue;
            }
            // Of a folder there may be an outline alone, or a word that it does not fit.
            let folder = format!("{}/:", mention.path);
            let outlined = context.told.iter().any(|t| t.title.starts_with(&folder));
            if mention.path != path && (outlined || stays_out(&mention.path, 1)) {
                continue;
            }
            let lines = repo
                .read(&path)
                .map_or(1, |f| f.text.lines().count() as u32);
            // A folder has no lines.
            let range = mention.range.filter(|_| mention.path == path);
            let range = range.unwrap_or(LineRange::new(1, lines));
            let seen = |line: u32| {
                let here = |e: &Excerpt| e.path == path && e.range.contains(line);
                let before = wanted
                    .shown
                    .iter()
                    .any(|(shown, start, end)| shown == name && (*start..=*end).contains(&line));
                excerpts.iter().any(here) || before
            };
            for line in range.start()..=range.end().min(lines.max(range.start())) {
                prop_assert!(
                    seen(line) || stays_out(&path, line),
                    "{}:{} of {:?} and {:?}",
                    name,
                    line,
                    names(context),
                    context.left_out
                );
            }
        }
    }
    Ok(())
}

#[test]
fn every_choice_keeps_the_rules() {
    let (_dir, repo, index) = place();
    let mut runner = TestRunner::new_with_rng(
        Config::with_cases(200),
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    runner
        .run(&wanted(), |wanted| {
            let context = pick(&wanted, &repo, &index, &RoughCount).expect("a context");
            check(&wanted, &context, &repo)?;
            let again = pick(&wanted, &repo, &index, &RoughCount).expect("a context");
            prop_assert_eq!(context, again);
            Ok(())
        })
        .expect("every choice");
}

#[test]
fn definitions_come_before_what_stands_around_them() {
    let first = |budget| {
        let context = picked("where is a symlink loop found?", budget, |_| {});
        names(&context).first().cloned().unwrap_or_default()
    };
    // With little room the definition alone, with more its neighbours too.
    assert_eq!(first(32), "src/walk.rs:6-7");
    assert_eq!(first(1000), "src/walk.rs:1-7");
}

#[test]
fn of_a_small_repository_something_is_shown_whatever_the_words() {
    let context = picked("quel est le but de tout cela?", 3000, |_| {});
    let mut paths: Vec<&str> = context.excerpts.iter().map(|e| e.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["src/long.rs", "src/print.rs", "src/walk.rs"]);
    // What does not fit is said, what was dropped stays out.
    assert!(
        context
            .left_out
            .iter()
            .any(|left| left.reason == "does not fit")
    );
    let context = picked("quel est le but?", 3000, |wanted| {
        wanted.dropped = mentions("@src/long.rs");
    });
    assert!(names(&context).iter().all(|name| !name.contains("long")));
    // In a conversation that has shown something, words as “merci” bring nothing.
    let context = picked("merci", 3000, |wanted| {
        wanted.shown = [("src/walk.rs".to_owned(), 1, 2)].into();
    });
    assert!(context.excerpts.is_empty());
}
