//! Tests of commits with hooks.

use super::*;
use crate::jobs::check::Allowance;
use crate::patch::FileChange;
use crate::repo::trial::git;

fn path(name: &str) -> RepoPath {
    RepoPath::new(name).expect("a path")
}

#[test]
fn a_draft_says_what_is_committed_and_is_read_back() {
    let plan = CommitPlan {
        files: vec![path("src/a.rs"), path("b")],
        both: vec![path("b")],
        hooks: vec!["pre-commit", "commit-msg"],
    };
    let text = draft("Say it\n\nin words\n", &plan);
    insta::assert_snapshot!(text);
    assert_eq!(read_draft(&text), ("Say it\n\nin words".to_owned(), true));
    let without = text.replace("# hooks: yes", "# hooks: No ");
    assert!(!read_draft(&without).1);
    let emptied = text.replace("Say it", "").replace("in words", "");
    assert_eq!(read_draft(&emptied).0, "");
    assert!(
        read_draft("# a\nwords").1,
        "without a word on them they run"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn hooks_run_in_the_cage_and_may_refuse() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path().join("repo");
    std::fs::create_dir_all(&root).expect("a folder");
    std::fs::write(root.join("a"), "1\n").expect("written");
    std::fs::write(root.join("b"), "1\n").expect("written");
    git(&root, &["init", "-q", "-b", "main"]);
    git(&root, &["config", "user.name", "A"]);
    git(&root, &["config", "user.email", "a@example.org"]);
    git(&root, &["add", "."]);
    git(&root, &["commit", "-qm", "one"]);
    std::fs::write(root.join("b"), "staged\n").expect("written");
    git(&root, &["add", "b"]);
    std::fs::write(root.join("a"), "2\n").expect("written");
    let hook = |name: &str, script: &str| {
        let file = root.join(".git/hooks").join(name);
        std::fs::create_dir_all(root.join(".git/hooks")).expect("a folder");
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("written");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&file, mode).expect("set");
    };
    let repo = Repo::open(&root).expect("opened");
    let change = Change {
        files: vec![FileChange {
            path: path("a"),
            renamed_to: None,
            before: Some("1\n".to_owned()),
            after: Some("2\n".to_owned()),
        }],
    };
    let places = crate::base::Places {
        config: dir.path().join("config"),
        data: dir.path().join("data"),
        cache: dir.path().join("cache"),
        state: dir.path().join("state"),
    };
    let allowed = Allowance::new(&crate::base::Config::default(), &places);
    let place = dir.path().join("check");
    let with = |message: &str, hooks: bool| {
        let asked = Committing {
            repo: &repo,
            place: &place,
            change: &change,
            message,
            hooks,
            allowed: &allowed,
        };
        commit(&asked, &Cancel::never(), &mut |_| {})
    };
    // It sees what is committed, and cannot write into the repository.
    hook(
        "pre-commit",
        "git diff --cached --name-only; echo x > \"$PWD/../../x\"; exit 3",
    );
    let failure = with("m", true).expect_err("refused");
    assert!(
        failure
            .to_string()
            .contains("the hook pre-commit refuses the commit"),
        "{failure:?}"
    );
    assert!(
        failure.causes().iter().any(|line| line == "a"),
        "{failure:?}"
    );
    assert!(
        !failure.causes().iter().any(|line| line == "b"),
        "{failure:?}"
    );
    hook("pre-commit", "exit 0");
    hook("commit-msg", "grep -q fix \"$1\"");
    let failure = with("it's new", true).expect_err("refused");
    assert!(failure.to_string().contains("commit-msg"), "{failure:?}");
    let made = with("it's a fix", true).expect("made");
    assert_eq!(made.commit.subject, "it's a fix");
    assert_eq!(made.commit.branch.as_deref(), Some("main"));
    assert_eq!(
        made.notes,
        [
            "the hook pre-commit ran in a cage, on a copy, and let it pass",
            "the hook commit-msg ran in a cage, on a copy, and let it pass"
        ]
    );
    let status = repo.status().expect("a status");
    assert_eq!((status.staged, status.unstaged), (1, 0), "b stays staged");
}
