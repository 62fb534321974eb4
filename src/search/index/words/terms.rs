//! Code-aware words: identifiers whole and in parts, lower case, lightly stemmed.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use crate::index::words::abbreviations::SAME;
use crate::index::words::scripts::{each_unspaced, is_word};
use crate::index::words::stem::stem;

/// Longest word in bytes; what is longer is no word.
const LONGEST: usize = 64;
/// Bytes of one line that are looked at: minified files have lines of megabytes.
const LINE: usize = 4_000;
/// Most words, and most pairs, of a query.
const MOST: usize = 96;

/// Words of questions and of commits that say nothing about code.
pub(in crate::index) const STOP: &[&str] = &[
    "a",
    "about",
    "add",
    "added",
    "adding",
    "adds",
    "after",
    "again",
    "all",
    "allow",
    "allowed",
    "allows",
    "also",
    "always",
    "an",
    "and",
    "any",
    "are",
    "as",
    "at",
    "be",
    "because",
    "been",
    "before",
    "being",
    "better",
    "between",
    "both",
    "but",
    "by",
    "can",
    "cannot",
    "change",
    "changed",
    "changes",
    "code",
    "could",
    "did",
    "do",
    "does",
    "doing",
    "done",
    "ensure",
    "etc",
    "every",
    "explain",
    "file",
    "find",
    "fix",
    "fixed",
    "fixes",
    "for",
    "from",
    "get",
    "gets",
    "give",
    "given",
    "had",
    "has",
    "have",
    "her",
    "here",
    "his",
    "how",
    "however",
    "i",
    "if",
    "improve",
    "in",
    "instead",
    "into",
    "is",
    "it",
    "its",
    "just",
    "let",
    "like",
    "made",
    "make",
    "makes",
    "making",
    "may",
    "me",
    "might",
    "more",
    "most",
    "must",
    "my",
    "need",
    "needed",
    "needs",
    "new",
    "no",
    "not",
    "now",
    "of",
    "off",
    "on",
    "once",
    "one",
    "only",
    "or",
    "other",
    "our",
    "out",
    "over",
    "own",
    "per",
    "please",
    "project",
    "properly",
    "put",
    "remove",
    "removed",
    "removes",
    "same",
    "set",
    "sets",
    "should",
    "show",
    "since",
    "so",
    "some",
    "still",
    "such",
    "support",
    "supported",
    "supports",
    "sure",
    "tell",
    "than",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "this",
    "those",
    "through",
    "to",
    "too",
    "under",
    "until",
    "up",
    "update",
    "updated",
    "updates",
    "us",
    "use",
    "used",
    "uses",
    "using",
    "very",
    "via",
    "want",
    "was",
    "way",
    "we",
    "were",
    "what",
    "when",
    "where",
    "whether",
    "which",
    "while",
    "who",
    "why",
    "will",
    "with",
    "within",
    "without",
    "work",
    "works",
    "would",
    "yet",
    "you",
    "your",
];

/// Calls `take` with every word of `text`: identifiers whole, then their parts; of scripts
/// without blanks every two neighbours.
pub fn each(text: &str, mut take: impl FnMut(&str)) {
    let mut lower = String::new();
    for line in text.lines() {
        let line = crate::base::text::truncated(line, LINE);
        each_unspaced(line, &mut take);
        for word in line.split(|c: char| !is_word(c)) {
            let word = word.trim_matches('_');
            if word.is_empty() || word.len() > LONGEST * 2 {
                continue;
            }
            let mut parts = 0;
            for part in split(word) {
                parts += 1;
                emit(part, &mut lower, &mut take);
            }
            if parts > 1 && word.len() <= LONGEST {
                lower.clear();
                lower.extend(
                    word.chars()
                        .filter(|c| *c != '_')
                        .flat_map(char::to_lowercase),
                );
                take(&lower);
            }
        }
    }
}

/// Counts the words of a text.
pub fn count(text: &str) -> u32 {
    let mut words = 0;
    each(text, |_| words += 1);
    words
}

/// Returns the word that [`each`] gives for an identifier of several parts as a whole; none for
/// one of a single part, which is a word that anything may hold.
pub fn whole(identifier: &str) -> Option<String> {
    let identifier = identifier.trim_matches('_');
    let simple = !identifier.is_empty()
        && identifier.len() <= LONGEST
        && identifier.chars().all(|c| c.is_alphanumeric() || c == '_');
    (simple && split(identifier).nth(1).is_some()).then(|| {
        identifier
            .chars()
            .filter(|c| *c != '_')
            .flat_map(char::to_lowercase)
            .collect()
    })
}

/// Joins the words of a text by blanks: the form the index stores.
pub fn joined(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    each(text, |word| add(&mut out, word));
    out
}

/// Joins the pairs of neighbouring words of a text by blanks, each pair as one word.
pub fn joined_pairs(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    each_pair(text, |pair| add(&mut out, pair));
    out
}

/// Adds a word behind a blank, or without one at the beginning.
fn add(out: &mut String, word: &str) {
    if !out.is_empty() {
        out.push(' ');
    }
    out.push_str(word);
}

/// Calls `take` with every two words that stand next to each other in `text`, as one word:
/// parts of an identifier, or words with a single character between them.
fn each_pair(text: &str, mut take: impl FnMut(&str)) {
    let mut lower = String::new();
    let mut pair = String::new();
    for line in text.lines() {
        let line = crate::base::text::truncated(line, LINE);
        // The word before, and where it ended.
        let mut before: Option<(String, usize)> = None;
        for word in line.split(|c: char| !is_word(c)) {
            let at = word.as_ptr() as usize - line.as_ptr() as usize;
            let end = at + word.len();
            let word = word.trim_matches('_');
            if word.is_empty() || word.len() > LONGEST * 2 {
                continue;
            }
            if before.as_ref().is_some_and(|(_, end)| at > end + 1) {
                before = None;
            }
            for part in split(word) {
                emit(part, &mut lower, &mut |stem: &str| {
                    if let Some((before, _)) = &before {
                        pair.clear();
                        pair.push_str(before);
                        pair.push('_');
                        pair.push_str(stem);
                        take(&pair);
                    }
                    before = Some((stem.to_owned(), end));
                });
            }
        }
    }
}

/// Returns the pairs of neighbouring words of a text, in order, as the index stores them.
pub fn pairs_of_text(text: &str) -> Vec<String> {
    let mut pairs = Vec::new();
    each_pair(text, |pair| pairs.push(pair.to_owned()));
    pairs.truncate(MOST);
    pairs
}

/// Returns the pairs of a query, each once: words that stand next to each other when those that
/// say nothing are left out.
pub fn pairs_of_query(query: &str) -> Vec<String> {
    let mut pairs: Vec<String> = Vec::new();
    let mut lower = String::new();
    for line in query.lines() {
        let mut before: Option<String> = None;
        for word in line.split(|c: char| !is_word(c)) {
            for part in split(word) {
                emit(part, &mut lower, &mut |stem: &str| {
                    if is_stop(stem) {
                        return;
                    }
                    if let Some(before) = &before {
                        let pair = format!("{before}_{stem}");
                        if !pairs.contains(&pair) {
                            pairs.push(pair);
                        }
                    }
                    before = Some(stem.to_owned());
                });
            }
        }
    }
    pairs.truncate(MOST);
    pairs
}

/// Returns the words of a query, each once, stop words left out; if nothing else is left, they
/// stay.
pub fn of_query(query: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    each(query, |word| {
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    });
    let telling: Vec<String> = words
        .iter()
        .filter(|word| !is_stop(word))
        .cloned()
        .collect();
    let mut words = if telling.is_empty() { words } else { telling };
    words.truncate(MOST);
    words
}

/// Tells whether a word, as [`each`] gives it, says nothing about code.
fn is_stop(word: &str) -> bool {
    static STEMS: OnceLock<HashSet<String>> = OnceLock::new();
    let stems = STEMS.get_or_init(|| STOP.iter().map(|word| stem(word).to_owned()).collect());
    stems.contains(word)
}

/// Returns the identifiers of a query as they are written: with an underscore, an inner capital, a
/// call's parenthesis, or in quotes.
pub fn identifiers(query: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    let mut rest = query;
    while let Some(start) = rest.find(|c: char| is_word(c) && !c.is_numeric()) {
        let (before, from) = rest.split_at(start);
        let quoted = before.ends_with(['`', '\'', '"']);
        let end = from.find(|c: char| !is_word(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        let inner = word.contains('_')
            || word.chars().skip(1).any(char::is_uppercase) && word.chars().any(char::is_lowercase);
        let called = after.starts_with("()") || after.starts_with("::") || after.starts_with('(');
        if (inner || called || quoted) && word.len() > 1 && !found.contains(&word) {
            found.push(word);
        }
        rest = after;
    }
    found
}

/// Calls `take` with the stem of a part of an identifier; `lower` is room to write in.
fn emit(part: &str, lower: &mut String, take: &mut impl FnMut(&str)) {
    if part.len() > LONGEST {
        return;
    }
    lower.clear();
    lower.extend(part.chars().flat_map(char::to_lowercase));
    let stem = stem(lower);
    take(same().get(stem).map_or(stem, String::as_str));
}

/// The words that are written in several ways: by the stem of each way, the stem that stands for
/// all of them.
fn same() -> &'static HashMap<String, String> {
    static SAME_STEMS: OnceLock<HashMap<String, String>> = OnceLock::new();
    SAME_STEMS.get_or_init(|| {
        let mut map = HashMap::new();
        for group in SAME {
            let Some((first, others)) = group.split_first() else {
                continue;
            };
            for other in others {
                map.insert(stem(other).to_owned(), stem(first).to_owned());
            }
        }
        map
    })
}

/// Splits an identifier into parts: at underscores, at capitals, at digits.
fn split(word: &str) -> impl Iterator<Item = &str> {
    word.split('_')
        .filter(|part| !part.is_empty())
        .flat_map(|part| {
            let mut cuts = vec![0];
            let chars: Vec<(usize, char)> = part.char_indices().collect();
            for window in chars.windows(2) {
                let [(_, before), (at, c)] = window else {
                    continue;
                };
                if c.is_uppercase() && before.is_lowercase()
                    || c.is_numeric() != before.is_numeric()
                {
                    cuts.push(*at);
                }
            }
            // `HTTPServer`: the last capital of a run begins the next word.
            for window in chars.windows(3) {
                let [(_, a), (at, b), (_, c)] = window else {
                    continue;
                };
                if a.is_uppercase() && b.is_uppercase() && c.is_lowercase() {
                    cuts.push(*at);
                }
            }
            cuts.sort_unstable();
            cuts.dedup();
            cuts.push(part.len());
            let pieces: Vec<&str> = cuts
                .windows(2)
                .filter_map(|pair| match pair {
                    [from, to] => part.get(*from..*to),
                    _ => None,
                })
                .filter(|piece| !piece.is_empty())
                .collect();
            pieces
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_come_whole_and_in_parts() {
        assert_eq!(
            joined("parse_HTTPHeader2"),
            "pars http head 2 parsehttpheader2"
        );
        assert_eq!(joined("a.b(c)"), "a b c");
    }

    #[test]
    fn endings_meet() {
        for group in [
            ["handle", "handles", "handled", "handling"],
            ["parse", "parses", "parser", "parsing"],
            ["validate", "validation", "validates", "validator"],
            ["entry", "entries", "entry", "entries"],
            ["stop", "stops", "stopped", "stopping"],
            ["compress", "compression", "compressed", "compressor"],
        ] {
            let stems: Vec<String> = group.iter().map(|word| joined(word)).collect();
            assert!(stems.iter().all(|s| *s == stems[0]), "{stems:?}");
        }
        assert_eq!(joined("class status this bus"), "class status this bus");
    }

    #[test]
    fn pairs_are_neighbours() {
        assert_eq!(
            joined_pairs("walkTree(node) of  a_b"),
            "walk_tre tre_nod a_b"
        );
        assert_eq!(joined_pairs("one\ntwo"), "");
        assert_eq!(
            pairs_of_query("the policy of connections\nand walk_tree"),
            ["polic_connect", "walk_tre"]
        );
    }

    #[test]
    fn short_words_meet_long_ones() {
        assert_eq!(
            joined("cfgDir"),
            format!("{} cfgdir", joined("configuration directory"))
        );
        assert_eq!(joined("ctx.err"), joined("Context errors"));
        let mut seen = HashSet::new();
        for word in SAME.iter().flat_map(|group| group.iter()) {
            assert!(seen.insert(word), "{word} stands in two groups");
        }
    }

    #[test]
    fn questions_lose_their_stop_words() {
        assert_eq!(
            of_query("How does the walk handle symlinks?"),
            ["walk", "handl", "symlink"]
        );
        assert_eq!(of_query("what is this"), ["what", "is", "this"]);
    }

    #[test]
    fn identifiers_of_a_query() {
        assert_eq!(
            identifiers("why does check_loop call `walk` or fooBar() in Rust?"),
            ["check_loop", "walk", "fooBar"]
        );
    }

    #[test]
    fn a_line_of_megabytes_costs_little() {
        let text = "word ".repeat(1_000_000);
        assert!(joined(&text).len() < 8_000);
    }
}
