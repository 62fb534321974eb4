//! What the past says, on a small repository.

use super::super::mentions;
use super::*;
use crate::base::count::RoughCount;
use crate::repo::trial::git;

fn place() -> (tempfile::TempDir, Repo) {
    let dir = tempfile::tempdir().expect("a folder");
    git(dir.path(), &["init", "-q", "-b", "main"]);
    let commit = |name: &str, text: &str, message: &str| {
        std::fs::write(dir.path().join(name), text).expect("written");
        git(dir.path(), &["add", "."]);
        git(dir.path(), &["commit", "-q", "-m", message]);
    };
    commit("walk.rs", "fn walk() {\n    step();\n}\n", "Walk");
    git(dir.path(), &["tag", "v1"]);
    commit("print.rs", "fn print() {}\n", "Print\u{1b}[31m");
    commit(
        "walk.rs",
        "fn walk() {\n    check_loop();\n    step();\n}\n",
        "Follow no loop\n\nA link to its own folder never ended.",
    );
    let repo = Repo::open(dir.path()).expect("a repository");
    (dir, repo)
}

fn told(repo: &Repo, question: &str, budget: usize) -> Option<Past> {
    let asked = asks(question, &mentions(question), 0, &|name| {
        repo.knows_revision(name)
    })?;
    past(&asked, repo, budget, &RoughCount, &Cancel::never()).expect("told")
}

#[test]
fn commits_are_listed_and_the_ones_asked_about_are_shown() {
    let (_dir, repo) = place();
    let past = told(&repo, "what changed since v1 about the loop?", 500).expect("something");
    assert_eq!(past.title, "2 commits since v1");
    assert_eq!(past.commits.len(), 2);
    let at = |words: &str| {
        past.text
            .find(words)
            .unwrap_or_else(|| panic!("{words}: {}", past.text))
    };
    assert!(at("Test: Follow no loop") < at("Test: Print\\x1b[31m"));
    assert!(at("  A link to its own folder never ended.") > 0);
    assert!(at("2+     check_loop();") > 0);
    assert!(!past.text.contains("Test: Walk") && !past.text.contains('\u{1b}'));
    assert!(past.tokens <= 500);
    let of_file = told(&repo, "recent changes in @print.rs", 500).expect("something");
    assert_eq!(of_file.title, "1 commit of print.rs");
    let none = told(&repo, "what changed in @print.rs since HEAD", 500).expect("something");
    assert_eq!(none.text, "No commits of print.rs since HEAD.\n");
}

#[test]
fn a_line_has_an_author_and_a_reason() {
    let (_dir, repo) = place();
    let past = told(&repo, "why is this here? @walk.rs:2", 500).expect("something");
    assert_eq!(past.title, "who changed walk.rs:2");
    assert!(
        past.text
            .starts_with("Who changed walk.rs:2 last:\n\n2: commit "),
        "{}",
        past.text
    );
    assert!(past.text.contains("never ended"), "{}", past.text);
}

#[test]
fn where_the_history_is_cut_off_or_replaced_is_said() {
    let (whole, repo) = place();
    let cut = "The history is cut off at commit";
    for question in ["why is this here? @walk.rs:1", "what changed recently?"] {
        let past = told(&repo, question, 500).expect("something");
        assert!(!past.text.contains(cut), "{}", past.text);
    }
    let dir = tempfile::tempdir().expect("a folder");
    let from = format!("file://{}", whole.path().display());
    git(dir.path(), &["clone", "-q", "--depth", "1", &from, "clone"]);
    let clone = Repo::open(&dir.path().join("clone")).expect("a repository");
    for question in ["why is this here? @walk.rs:1", "what changed recently?"] {
        let past = told(&clone, question, 500).expect("something");
        assert!(past.text.contains(cut), "{}", past.text);
    }
    git(whole.path(), &["replace", "HEAD", "HEAD~1"]);
    let past = told(&repo, "what changed recently?", 500).expect("something");
    assert!(past.text.contains("`git replace`"), "{}", past.text);
}

#[test]
fn any_budget_holds_and_without_git_there_is_no_past() {
    let (_dir, repo) = place();
    for budget in [0, 10, 79, 80, 90, 120, 200, 400] {
        if let Some(past) = told(&repo, "what changed since v1?", budget) {
            assert!(past.tokens <= budget, "{} of {budget}", past.tokens);
            assert!(RoughCount.count(&past.text) == past.tokens);
        }
    }
    let plain = tempfile::tempdir().expect("a folder");
    let repo = Repo::open(plain.path()).expect("a folder is enough");
    assert_eq!(told(&repo, "what are the recent changes?", 500), None);
}
