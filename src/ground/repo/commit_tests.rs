//! Tests of commits beside what is staged.

use super::*;
use crate::repo::diff::tests::{commit, git_repo, stage, write};
use crate::repo::stage::tests::{TEXT, changed, merge, path, staged};

fn text_of(git: &Repository, name: &str) -> Option<String> {
    let tree = git.head().expect("a head").peel_to_tree().expect("a tree");
    let entry = tree.get_path(Path::new(name)).ok()?;
    let blob = git.find_blob(entry.id()).expect("a blob");
    Some(String::from_utf8_lossy(blob.content()).into_owned())
}

/// A repository with two files that have other staged changes, `a` in the middle of one.
fn half_staged() -> (tempfile::TempDir, Repo, Repository) {
    let (dir, repo, git) = git_repo();
    write(&repo, "a", TEXT);
    write(&repo, "b", "b\n");
    stage(&git);
    commit(&git, "one");
    write(&repo, "a", TEXT.replace("2\n", "two\n"));
    write(&repo, "b", "b staged\n");
    write(&repo, "new", "staged\n");
    stage(&git);
    (dir, repo, git)
}

#[test]
fn only_the_change_is_committed_and_what_else_is_staged_stays_staged() {
    let (_dir, repo, git) = half_staged();
    let after = TEXT.replace("8\n", "eight\n");
    let changes = [changed("a", TEXT, &after)];
    let plan = repo.plan_commit(&changes, &merge).expect("a plan");
    assert_eq!((plan.files, plan.both), (vec![path("a")], vec![path("a")]));
    let mut seen = Vec::new();
    let made = repo
        .commit(&changes, &merge, "Say eight\n\nin words\n", &mut |index| {
            let index = git2::Index::open(index).expect("an index");
            let entry = index.get_path(Path::new("a"), 0).expect("an entry");
            seen.push((
                index.len(),
                git.find_blob(entry.id).expect("a blob").content().to_vec(),
            ));
            Ok(())
        })
        .expect("committed");
    assert_eq!(made.subject, "Say eight");
    assert_eq!(
        seen,
        [(2, after.clone().into_bytes())],
        "hooks see what is committed"
    );
    assert_eq!(text_of(&git, "a"), Some(after.clone()));
    assert_eq!(text_of(&git, "b").as_deref(), Some("b\n"));
    assert_eq!(text_of(&git, "new"), None);
    let both = after.replace("2\n", "two\n");
    assert_eq!(staged(&git, "a"), Some(both));
    assert_eq!(staged(&git, "b").as_deref(), Some("b staged\n"));
    assert_eq!(staged(&git, "new").as_deref(), Some("staged\n"));
    let head = git
        .head()
        .expect("a head")
        .peel_to_commit()
        .expect("a commit");
    assert_eq!(head.message(), Ok("Say eight\n\nin words\n"));
    assert_eq!(head.parent_count(), 1);
    let left = std::fs::read_dir(git.path()).expect("a folder");
    let left: Vec<String> = left
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name.contains("homebody"))
        .collect();
    assert_eq!(left, [] as [&str; 0], "the index of the hooks is gone");
    let failure = repo.plan_commit(&changes, &merge).expect_err("done");
    assert!(
        failure.to_string().contains("nothing to commit"),
        "{failure}"
    );
}

#[test]
fn a_hook_that_fails_leaves_all_as_it_was() {
    let (_dir, repo, git) = half_staged();
    let before = git.head().expect("a head").target();
    let changes = [changed("a", TEXT, &TEXT.replace("8\n", "eight\n"))];
    let failure = repo
        .commit(&changes, &merge, "m", &mut |_| Err(Failure::usage("no")))
        .expect_err("refused");
    assert_eq!(failure.to_string(), "no");
    assert_eq!(git.head().expect("a head").target(), before);
    assert_eq!(staged(&git, "a"), Some(TEXT.replace("2\n", "two\n")));
}

#[test]
fn what_was_staged_of_the_change_itself_does_not_count_as_another() {
    let (_dir, repo, git) = git_repo();
    write(&repo, "a", TEXT);
    stage(&git);
    commit(&git, "one");
    let after = TEXT.replace("8\n", "eight\n");
    let changes = [changed("a", TEXT, &after)];
    repo.stage(&changes, &merge).expect("staged");
    let plan = repo.plan_commit(&changes, &merge).expect("a plan");
    assert_eq!(plan.both, []);
    repo.commit(&changes, &merge, "m", &mut |_| Ok(()))
        .expect("made");
    let status = repo.status().expect("a status");
    assert_eq!(status.staged, 0);
}

#[test]
fn the_first_commit_has_no_parent() {
    let (_dir, repo, git) = git_repo();
    let new = TextChange {
        path: path("dir/n"),
        renamed_to: None,
        before: None,
        after: Some("n\n".to_owned()),
    };
    repo.commit(&[new], &merge, "first", &mut |_| Ok(()))
        .expect("made");
    let head = git
        .head()
        .expect("a head")
        .peel_to_commit()
        .expect("a commit");
    assert_eq!(head.parent_count(), 0);
    assert_eq!(text_of(&git, "dir/n").as_deref(), Some("n\n"));
}

#[test]
fn what_only_git_can_do_is_left_to_git() {
    let (_dir, repo, git) = half_staged();
    let changes = [changed("a", TEXT, &TEXT.replace("8\n", "eight\n"))];
    let refused = |what: &str| {
        let failure = repo.plan_commit(&changes, &merge).expect_err("refused");
        assert!(failure.to_string().contains(what), "{failure}");
    };
    let mut config = git.config().expect("config");
    config.set_bool("commit.gpgsign", true).expect("set");
    refused("are signed here");
    config.set_bool("commit.gpgsign", false).expect("set");
    std::fs::write(
        git.path().join("MERGE_HEAD"),
        format!("{}\n", git2::Oid::ZERO_SHA1),
    )
    .expect("written");
    refused("in the middle of a merge");
    std::fs::remove_file(git.path().join("MERGE_HEAD")).expect("removed");
    let empty = repo.commit(&changes, &merge, " \n", &mut |_| Ok(()));
    assert!(
        empty
            .expect_err("empty")
            .to_string()
            .contains("needs a message")
    );
}

#[cfg(unix)]
#[test]
fn hooks_are_those_that_git_would_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, repo, git) = half_staged();
    let hooks = git.path().join("hooks");
    std::fs::create_dir_all(&hooks).expect("a folder");
    for (name, mode) in [("pre-commit", 0o755), ("commit-msg", 0o644)] {
        std::fs::write(hooks.join(name), "#!/bin/sh\n").expect("written");
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(hooks.join(name), mode).expect("set");
    }
    let changes = [changed("a", TEXT, &TEXT.replace("8\n", "eight\n"))];
    let plan = repo.plan_commit(&changes, &merge).expect("a plan");
    assert_eq!(plan.hooks, ["pre-commit"]);
}
