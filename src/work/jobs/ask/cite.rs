//! Checking what an answer cites: excerpt numbers, and paths with lines.

use std::ops::RangeInclusive;

use super::super::Source;
use crate::base::{LineRange, RepoPath};
use crate::repo::Repo;

/// The citations of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Citations {
    /// Numbers of sources that are cited and were shown.
    pub cited: Vec<u32>,
    /// Citations of what was not shown or does not exist, as they are written.
    pub wrong: Vec<String>,
}

/// Finds and checks the citations of an answer: `[3]`, `[1, 2]`, `path:12`, `path:12-20`.
/// `sources` are all that were shown in the conversation.
pub(super) fn check(answer: &str, sources: &[Source], repo: &Repo) -> Citations {
    let mut found = Citations::default();
    let prose = without_code(answer);
    for number in bracketed(&prose) {
        if sources.iter().any(|source| source.id == number) {
            add(&mut found.cited, number);
        } else {
            add(&mut found.wrong, format!("[{number}]"));
        }
    }
    for (path, range) in located(&prose) {
        let Ok(path) = RepoPath::new(&path) else {
            continue;
        };
        let mut known = false;
        for source in sources
            .iter()
            .filter(|source| same_file(&source.path, &path))
        {
            if range.overlaps(LineRange::new(source.start, source.end)) {
                add(&mut found.cited, source.id);
                known = true;
            }
        }
        if known {
            continue;
        }
        let exists = sources
            .iter()
            .map(|s| &s.path)
            .find(|shown| same_file(shown, &path))
            .unwrap_or(&path);
        // A file that is not there has no line that could be cited.
        let lines = repo
            .read(exists)
            .map_or(0, |file| file.text.lines().count() as u32);
        if range.end() > lines {
            add(&mut found.wrong, format!("{path}:{range}"));
        }
    }
    found
}

/// The ids that an answer names as commits, shortened to the digits that git shows.
pub(super) fn commits(answer: &str) -> impl Iterator<Item = String> + '_ {
    let words = answer.split(|c: char| !c.is_ascii_alphanumeric());
    let mut after_commit = false;
    words
        .filter(|word| !word.is_empty())
        .filter_map(move |word| {
            let named = std::mem::replace(
                &mut after_commit,
                word.eq_ignore_ascii_case("commit") || word.eq_ignore_ascii_case("commits"),
            );
            let is_id = (7..=40).contains(&word.len())
                && word.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            (named && is_id).then(|| word.chars().take(7).collect())
        })
}

/// Tells whether `named` is the file or the end of its path, as people shorten it.
fn same_file(path: &RepoPath, named: &RepoPath) -> bool {
    path == named
        || path
            .as_str()
            .strip_suffix(named.as_str())
            .is_some_and(|before| before.ends_with('/'))
}

/// Adds a thing to a list unless it is there.
fn add<T: PartialEq>(to: &mut Vec<T>, what: T) {
    if !to.contains(&what) {
        to.push(what);
    }
}

/// The text without fenced code: `a[1]` in code is an index, no citation.
fn without_code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut fence: Option<RangeInclusive<usize>> = None;
    for line in text.lines() {
        let ticks = line.trim_start().bytes().take_while(|b| *b == b'`').count();
        match &fence {
            None if ticks >= 3 => fence = Some(ticks..=usize::MAX),
            Some(closing) if closing.contains(&ticks) => fence = None,
            Some(_) => {}
            None => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}

/// The numbers in `[1]`, `[1, 2]`, `[1][2]`, where the bracket does not follow a word.
fn bracketed(text: &str) -> Vec<u32> {
    let mut numbers = Vec::new();
    for (at, _) in text.match_indices('[') {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ')')) {
            continue;
        }
        let Some((inner, _)) = text.get(at + 1..).and_then(|rest| rest.split_once(']')) else {
            continue;
        };
        // What else stands in brackets cites nothing.
        let list: Option<Vec<u32>> = inner.split(',').map(|n| n.trim().parse().ok()).collect();
        numbers.extend(list.unwrap_or_default());
    }
    numbers
}

/// The `path:line` and `path:line-line` of a text.
fn located(text: &str) -> Vec<(String, LineRange)> {
    let mut found = Vec::new();
    for word in text.split(|c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '(' | ')' | '`' | '[' | ']' | '"' | '\'' | ',' | ';' | '*'
            )
    }) {
        let word = word.trim_end_matches(['.', ':', '!', '?']);
        let Some((path, lines)) = word.rsplit_once(':') else {
            continue;
        };
        if !path.contains('.') || path.contains("://") || path.contains("::") {
            continue;
        }
        let (from, to) = lines.split_once(['-', '–']).unwrap_or((lines, lines));
        let number = |text: &str| {
            text.trim_start_matches('L')
                .parse::<u32>()
                .ok()
                .filter(|n| *n > 0)
        };
        if let (Some(from), Some(to)) = (number(from), number(to)) {
            found.push((path.to_owned(), LineRange::new(from, to)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_told_from_other_numbers() {
        let answer = "It came with commit 1a2b3c4d5e (see `commit abcdef1`), not 12345678; a \
            commit message is no commit deadbeef0.";
        let found: Vec<String> = commits(answer).collect();
        assert_eq!(found, ["1a2b3c4", "abcdef1", "deadbee"]);
    }

    fn place() -> (tempfile::TempDir, Repo, Vec<Source>) {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(dir.path().join("src")).expect("made");
        std::fs::write(dir.path().join("src/a.rs"), "1\n2\n3\n4\n5\n").expect("written");
        let repo = Repo::open(dir.path()).expect("a repository");
        let path = RepoPath::new("src/a.rs").expect("a path");
        let source = |id, start, end| Source {
            id,
            path: path.clone(),
            start,
            end,
            cited: false,
        };
        (dir, repo, vec![source(1, 1, 2), source(2, 3, 4)])
    }

    #[test]
    fn good_citations_are_found_in_every_form() {
        let (_dir, repo, sources) = place();
        for (text, cited) in [
            ("It is so [1].", vec![1]),
            ("Both [1, 2] and [2][1].", vec![1, 2]),
            ("See src/a.rs:3.", vec![2]),
            ("See `a.rs:1-4`:", vec![1, 2]),
            ("```\nx [1]\n```\nno", vec![]),
            ("an index x[1]", vec![]),
        ] {
            let found = check(text, &sources, &repo);
            assert_eq!(found.cited, cited, "{text}");
            assert!(found.wrong.is_empty(), "{text}: {found:?}");
        }
    }

    #[test]
    fn what_does_not_exist_is_found_out() {
        let (_dir, repo, sources) = place();
        let found = check(
            "As in [7], src/a.rs:99, src/b.rs:1 and src/a.rs:5.",
            &sources,
            &repo,
        );
        assert_eq!(found.wrong, ["[7]", "src/a.rs:99", "src/b.rs:1"]);
        assert_eq!(
            check("at http://x.y:80 and std::fmt:3", &sources, &repo),
            Citations::default()
        );
    }
}
