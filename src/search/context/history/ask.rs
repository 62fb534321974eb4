//! Tells whether a question is about the past, and about which part of it.

use super::super::Mention;
use crate::base::{LineRange, RepoPath};
use crate::repo::Since;

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Words that say nothing of what a commit is about.
const EMPTY: &[&str] = &[
    "what",
    "which",
    "when",
    "who",
    "why",
    "was",
    "were",
    "the",
    "this",
    "that",
    "these",
    "those",
    "has",
    "have",
    "had",
    "did",
    "does",
    "and",
    "since",
    "last",
    "recent",
    "recently",
    "commit",
    "commits",
    "change",
    "changed",
    "changes",
    "history",
    "file",
    "line",
    "lines",
    "for",
    "with",
    "from",
    "into",
    "our",
    "show",
    "list",
    "how",
    "about",
    "there",
    "been",
    "any",
    "all",
    "most",
    "new",
    "its",
    "then",
    "than",
    "done",
    "happened",
    "work",
    "days",
    "day",
    "week",
    "weeks",
    "month",
    "months",
    "year",
    "years",
    "ago",
    "today",
    "yesterday",
    "summarize",
    "tell",
    "give",
    "are",
    "latest",
    "git",
    "log",
    "blame",
    "here",
];

/// The part of the past that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Time or revision from which on the past is asked for.
    pub since: Since,
    /// The time or revision of `since` in the question's words: `v1.2`, `last week`.
    pub since_words: Option<String>,
    /// Files and folders that the question is about; none for all.
    pub paths: Vec<RepoPath>,
    /// Lines whose authors are asked for.
    pub lines: Vec<(RepoPath, LineRange)>,
    /// Words that say what commits are looked for, in lower case.
    pub words: Vec<String>,
}

/// Reads what of the past a question asks for; none where it is about the code as it is. `now` is
/// in seconds since 1970; `revision` says whether git knows a name.
pub fn asks(
    question: &str,
    mentions: &[Mention],
    now: i64,
    revision: &dyn Fn(&str) -> bool,
) -> Option<Asked> {
    let words: Vec<String> = question
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '?' | '!' | '(' | ')' | '"'))
        .map(|word| word.trim_matches(['.', ':', '`', '\'']).to_owned())
        .filter(|word| !word.is_empty())
        .collect();
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    // `today` may be a name in the code: a time alone does not ask for the past.
    let since = since(&words, &lower, now, revision)
        .filter(|(since, _)| !matches!(since, Since::Time(_)) || speaks_of_work(&lower));
    let lines: Vec<(RepoPath, LineRange)> = mentions
        .iter()
        .filter_map(|mention| Some((mention.path.clone(), mention.range?)))
        .collect();
    let about_lines = !lines.is_empty() && has(&lower, &["why", "who", "when", "blame", "author"]);
    if since.is_none() && !about_lines && !of_the_past(&lower) {
        return None;
    }
    let (since, since_words) = since.map_or((Since::Beginning, None), |(since, words)| {
        (since, Some(words))
    });
    Some(Asked {
        since,
        since_words,
        paths: mentions
            .iter()
            .filter(|mention| mention.looks_like_path())
            .map(|mention| mention.path.clone())
            .collect(),
        lines: if about_lines { lines } else { Vec::new() },
        words: lower
            .into_iter()
            .filter(|word| word.len() > 2 && !word.starts_with('@'))
            .filter(|word| !EMPTY.contains(&word.as_str()))
            .collect(),
    })
}

/// Tells whether any of some words is among these.
fn has(words: &[String], some: &[&str]) -> bool {
    words.iter().any(|word| some.contains(&word.as_str()))
}

/// Tells whether the words speak of work that is done on code.
fn speaks_of_work(words: &[String]) -> bool {
    has(
        words,
        &[
            "changed",
            "change",
            "changes",
            "happened",
            "happen",
            "done",
            "did",
            "commit",
            "commits",
            "committed",
            "work",
            "worked",
            "merged",
            "added",
            "removed",
            "fixed",
            "new",
            "summarize",
            "summary",
            "news",
        ],
    )
}

/// Tells whether the words ask for what was, not for what is.
fn of_the_past(words: &[String]) -> bool {
    const DONE: &[&str] = &[
        "changed",
        "added",
        "removed",
        "introduced",
        "deleted",
        "renamed",
        "rewritten",
        "broke",
        "broken",
        "reverted",
        "fixed",
        "modified",
        "touched",
        "written",
        "wrote",
        "moved",
        "merged",
        "committed",
    ];
    if has(words, &["commit", "commits", "changelog", "blame"]) {
        return true;
    }
    let next_to = |first: &[&str], second: &[&str]| {
        let mut pairs = words.iter().zip(words.iter().skip(1));
        pairs.any(|(a, b)| first.contains(&a.as_str()) && second.contains(&b.as_str()))
    };
    // `recent changes`, `git log`, `what changed`, `who wrote`
    if next_to(
        &["recent", "latest", "last", "newest", "recently"],
        &[
            "change", "changes", "changed", "work", "edits", "added", "history",
        ],
    ) || next_to(&["git"], &["log", "history", "show"])
        || next_to(&["what", "what's", "whats"], &["changed", "changes"])
        || next_to(&["who"], DONE)
    {
        return true;
    }
    // `when was … added`, `why has … been removed`: asked with a past tense of the sort.
    let asks = next_to(
        &["when", "why", "how"],
        &["was", "were", "did", "has", "have"],
    ) || next_to(&["what", "has"], &["has", "been"]);
    let did = has(words, &["did"]) && has(words, &["change", "add", "remove", "move", "break"]);
    asks && (has(words, DONE) || did)
}

/// Reads from where on the past is asked for, and the words that say so: `since v1.2`, `since last
/// week`, `in the last 3 days`, `yesterday`, `today`. `lower` are the `words` in lower case.
fn since(
    words: &[String],
    lower: &[String],
    now: i64,
    revision: &dyn Fn(&str) -> bool,
) -> Option<(Since, String)> {
    let time = |(days, said): (i64, String)| (Since::Time(now - days * DAY), said);
    for at in 0..lower.len() {
        let (before, from) = lower.split_at(at);
        let [word, behind @ ..] = from else {
            break;
        };
        let next = behind.first().map(String::as_str);
        let found = match word.as_str() {
            "since" => {
                // `since the release v1.2`, `since tag v1.2`
                let skipped = behind
                    .iter()
                    .take(3)
                    .take_while(|word| {
                        matches!(
                            word.as_str(),
                            "the" | "tag" | "release" | "version" | "commit" | "branch"
                        )
                    })
                    .count();
                let name = words.get(at + 1 + skipped);
                match name.filter(|name| !name.starts_with('-') && revision(name)) {
                    Some(name) => Some((Since::Revision(name.clone()), name.clone())),
                    None => ago(behind).map(time),
                }
            }
            "last" | "past"
                if before
                    .last()
                    .is_some_and(|word| matches!(word.as_str(), "the" | "in" | "this")) =>
            {
                ago(from).map(time)
            }
            "today" => Some(time((1, word.clone()))),
            "yesterday" => Some(time((2, word.clone()))),
            "last" | "this" if matches!(next, Some("week" | "month")) => ago(from).map(time),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Reads how many days back words say, and those words: `last week`, `2 weeks ago`, `last 3 days`.
fn ago(words: &[String]) -> Option<(i64, String)> {
    let mut count = 1;
    let mut said: Vec<&str> = Vec::new();
    for word in words.iter().take(5) {
        let days = match word.trim_end_matches('s') {
            "yesterday" => Some(2),
            "today" => Some(1),
            "day" => Some(1),
            "week" => Some(7),
            "month" => Some(31),
            "year" => Some(366),
            // `this`, without its `s`, among them.
            "last" | "past" | "the" | "a" | "an" | "thi" => None,
            number => {
                // A word that is no number, or one beyond all sense, says no time.
                count = number
                    .parse::<i64>()
                    .ok()
                    .filter(|n| (1..10_000).contains(n))
                    .or_else(|| {
                        let names = [
                            "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
                            "ten",
                        ];
                        let at = names.iter().position(|name| *name == word)?;
                        Some(at as i64 + 1)
                    })?;
                None
            }
        };
        said.push(word);
        if let Some(days) = days {
            return Some((days * count, said.join(" ")));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::super::mentions;
    use super::*;

    const NOW: i64 = 1_000_000_000;

    fn asked(question: &str) -> Option<Asked> {
        let known = |name: &str| matches!(name, "v1.2" | "main" | "HEAD~3");
        asks(question, &mentions(question), NOW, &known)
    }

    #[test]
    fn questions_about_what_was_are_told_from_those_about_what_is() {
        for question in [
            "what changed since v1.2?",
            "what are the recent changes in @src/walk.rs",
            "who wrote the parser?",
            "when was symlink support added?",
            "why was the cache removed?",
            "which commit broke the build?",
            "why does this look so? @src/walk.rs:10-14",
            "summarize the work of the last week",
            "what happened yesterday?",
            "what has been fixed lately in the walker?",
        ] {
            assert!(asked(question).is_some(), "{question}");
        }
        for question in [
            "where are symlinks followed?",
            "how does the cache work?",
            "what happens when a file is added?",
            "why does walk return None? @src/walk.rs",
            "which function changes the theme?",
            "how is the last line of a file read?",
            "what does this function do since it takes no input?",
            "how many items has the list?",
            "what does today() return?",
            "how are rows of the last 3 days filtered?",
        ] {
            assert_eq!(asked(question), None, "{question}");
        }
    }

    #[test]
    fn it_is_told_from_when_on_and_where() {
        let since = |question: &str| {
            let asked = asked(question).expect("about the past");
            (asked.since, asked.since_words.unwrap_or_default())
        };
        let days = |n: i64| Since::Time(NOW - n * DAY);
        assert_eq!(
            since("what changed since the release v1.2"),
            (Since::Revision("v1.2".into()), "v1.2".into())
        );
        assert_eq!(
            since("changes since last week?"),
            (days(7), "last week".into())
        );
        assert_eq!(
            since("what changed in the last 3 days"),
            (days(3), "last 3 days".into())
        );
        assert_eq!(
            since("what was done since two months ago"),
            (days(62), "two months".into())
        );
        let told = asked("who changed @src/a.rs:3-9 and why, in the retry logic?").expect("asked");
        assert_eq!(told.lines.len(), 1);
        assert_eq!(told.paths.len(), 1);
        assert_eq!(told.words, ["retry", "logic"]);
    }
}
