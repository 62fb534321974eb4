//! Tests of staging changes beside what is staged already.

use super::*;
use crate::repo::diff::tests::{commit, git_repo, stage, write};

pub(in crate::repo) const TEXT: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";

pub(in crate::repo) fn path(name: &str) -> RepoPath {
    RepoPath::new(name).expect("a path")
}

/// A change of a file that both sides have.
pub(in crate::repo) fn changed(name: &str, before: &str, after: &str) -> TextChange {
    TextChange {
        path: path(name),
        renamed_to: None,
        before: Some(before.to_owned()),
        after: Some(after.to_owned()),
    }
}

/// Takes lines from both where they differ from before; texts have as many lines.
pub(in crate::repo) fn merge(before: &str, now: &str, after: &str) -> Option<String> {
    let mut out = String::new();
    // Ends of lines count, as they do where texts are really brought together.
    let ends = |text| str::split_inclusive(text, '\n');
    let lines = ends(before).zip(ends(now).zip(ends(after)));
    for (before, (now, after)) in lines {
        let line = match (now == before, after == before) {
            (true, _) => after,
            (_, true) => now,
            _ if now == after => now,
            _ => return None,
        };
        out.push_str(line);
    }
    Some(out)
}

/// The text that the index has of a file.
pub(in crate::repo) fn staged(git: &Repository, name: &str) -> Option<String> {
    let index = git2::Index::open(&git.path().join("index")).expect("an index");
    let entry = index.get_path(Path::new(name), 0)?;
    let blob = git.find_blob(entry.id).expect("a blob");
    Some(String::from_utf8_lossy(blob.content()).into_owned())
}

#[test]
fn a_change_is_staged_beside_what_is_staged_and_without_what_is_not() {
    let (_dir, repo, git) = git_repo();
    write(&repo, "a", TEXT);
    write(&repo, "b", "b\n");
    stage(&git);
    commit(&git, "one");
    let theirs = TEXT.replace("2\n", "two\n");
    write(&repo, "a", &theirs);
    stage(&git);
    let after = TEXT.replace("8\n", "eight\n");
    // Of what lies in the file besides nothing is staged.
    write(
        &repo,
        "a",
        theirs.replace("8\n", "eight\n").replace("5\n", "five\n"),
    );
    let files = repo
        .stage(&[changed("a", TEXT, &after)], &merge)
        .expect("staged");
    assert_eq!(files, [path("a")]);
    let both = theirs.replace("8\n", "eight\n");
    assert_eq!(staged(&git, "a").as_deref(), Some(both.as_str()));
    // Once more is once.
    repo.stage(&[changed("a", TEXT, &after)], &merge)
        .expect("staged");
    assert_eq!(staged(&git, "a").as_deref(), Some(both.as_str()));
    let status = repo.status().expect("a status");
    assert_eq!((status.staged, status.unstaged), (1, 1));
}

#[test]
fn new_gone_and_renamed_files_are_staged() {
    let (_dir, repo, git) = git_repo();
    write(&repo, "old", "o\n");
    write(&repo, "was", TEXT);
    stage(&git);
    commit(&git, "one");
    let new = TextChange {
        path: path("dir/new"),
        renamed_to: None,
        before: None,
        after: Some("n\n".to_owned()),
    };
    let gone = TextChange {
        path: path("old"),
        renamed_to: None,
        before: Some("o\n".to_owned()),
        after: None,
    };
    let after = TEXT.replace("1\n", "one\n");
    let renamed = TextChange {
        renamed_to: Some(path("is")),
        ..changed("was", TEXT, &after)
    };
    repo.stage(&[new, gone, renamed], &merge).expect("staged");
    assert_eq!(staged(&git, "dir/new").as_deref(), Some("n\n"));
    assert_eq!(staged(&git, "old"), None);
    assert_eq!(staged(&git, "was"), None);
    assert_eq!(staged(&git, "is"), Some(after));
}

#[test]
fn what_meets_a_staged_change_is_refused_whole() {
    let (_dir, repo, git) = git_repo();
    write(&repo, "a", TEXT);
    write(&repo, "b", TEXT);
    stage(&git);
    commit(&git, "one");
    write(&repo, "a", TEXT.replace("8\n", "acht\n"));
    stage(&git);
    let after = TEXT.replace("8\n", "eight\n");
    let changes = [changed("b", TEXT, &after), changed("a", TEXT, &after)];
    let failure = repo.stage(&changes, &merge).expect_err("they meet");
    let told = failure.causes().join(" ");
    assert!(
        told.contains("`a` has other changes in the index, in the same lines"),
        "{told}"
    );
    assert_eq!(staged(&git, "b").as_deref(), Some(TEXT), "none is staged");
}

#[test]
fn lines_end_in_git_as_they_do_there() {
    let (_dir, repo, git) = git_repo();
    write(&repo, ".gitattributes", "* text eol=crlf\n");
    let crlf = |text: &str| text.replace('\n', "\r\n");
    write(&repo, "a", crlf(TEXT));
    stage(&git);
    commit(&git, "one");
    assert_eq!(staged(&git, "a").as_deref(), Some(TEXT));
    let after = TEXT.replace("8\n", "eight\n");
    let new = TextChange {
        path: path("n"),
        renamed_to: None,
        before: None,
        after: Some("n\r\n".to_owned()),
    };
    let changes = [changed("a", &crlf(TEXT), &crlf(&after)), new];
    repo.stage(&changes, &merge).expect("staged");
    assert_eq!(staged(&git, "a"), Some(after));
    assert_eq!(staged(&git, "n").as_deref(), Some("n\n"));
}

#[test]
fn what_only_git_can_write_is_left_to_git() {
    let (_dir, repo, git) = git_repo();
    write(&repo, ".gitattributes", "*.bin filter=lfs\n");
    write(&repo, "a.bin", TEXT);
    stage(&git);
    commit(&git, "one");
    let mut config = git.config().expect("config");
    config
        .set_str("filter.lfs.clean", "git-lfs clean")
        .expect("set");
    let after = TEXT.replace("8\n", "eight\n");
    let failure = repo.stage(&[changed("a.bin", TEXT, &after)], &merge);
    let told = failure.expect_err("a filter").causes().join(" ");
    assert!(
        told.contains("passes a filter that only git runs"),
        "{told}"
    );
    let failure = repo.stage(&[changed("nowhere", TEXT, &after)], &merge);
    let told = failure.expect_err("unknown").causes().join(" ");
    assert!(told.contains("`nowhere` is not in the index yet"), "{told}");
}
