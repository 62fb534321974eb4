//! Code-aware words: identifiers whole and in parts, lower case, lightly stemmed.

/// Longest word in bytes; what is longer is no word.
const LONGEST: usize = 64;
/// Bytes of one line that are looked at: minified files have lines of megabytes.
const LINE: usize = 4_000;

/// Words of questions that say nothing about code.
const STOP: &[&str] = &[
    "a", "about", "add", "all", "an", "and", "any", "are", "as", "at", "be", "because", "but",
    "by", "can", "code", "could", "did", "do", "doe", "does", "explain", "file", "find", "for",
    "from", "get", "had", "has", "have", "how", "i", "if", "in", "into", "is", "it", "its", "just",
    "make", "me", "my", "not", "of", "on", "or", "our", "out", "please", "project", "should",
    "show", "so", "some", "such", "tell", "than", "that", "the", "their", "them", "then", "there",
    "these", "they", "this", "those", "to", "u", "up", "us", "use", "used", "using", "wa", "was",
    "we", "what", "when", "where", "which", "who", "why", "will", "with", "work", "would", "you",
    "your",
];

/// Calls `take` with every word of `text`: identifiers whole, then their parts.
pub fn each(text: &str, mut take: impl FnMut(&str)) {
    let mut lower = String::new();
    for line in text.lines() {
        let line = crate::base::text::truncated(line, LINE);
        for word in line.split(|c: char| !c.is_alphanumeric() && c != '_') {
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

/// The words of a text, joined by blanks: the form the index stores.
pub fn joined(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    each(text, |word| {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    });
    out
}

/// The words of a query, each once, stop words left out; if nothing else is left, they stay.
pub fn of_query(query: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    each(query, |word| {
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    });
    let telling: Vec<String> = words
        .iter()
        .filter(|word| STOP.binary_search(&word.as_str()).is_err())
        .cloned()
        .collect();
    let mut words = if telling.is_empty() { words } else { telling };
    words.truncate(96);
    words
}

/// The identifiers of a query as they are written: with an underscore, an inner capital, a
/// call's parenthesis, or in back quotes.
pub fn identifiers(query: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    let mut rest = query;
    while let Some(start) = rest.find(|c: char| c.is_alphabetic() || c == '_') {
        let quoted = rest
            .get(..start)
            .is_some_and(|before| before.ends_with(['`', '\'', '"']));
        let from = rest.get(start..).unwrap_or("");
        let end = from
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(from.len());
        let (word, after) = from.split_at_checked(end).unwrap_or((from, ""));
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

fn emit(part: &str, lower: &mut String, take: &mut impl FnMut(&str)) {
    if part.len() > LONGEST {
        return;
    }
    lower.clear();
    lower.extend(part.chars().flat_map(char::to_lowercase));
    take(stem(lower));
}

/// Takes off the commonest English endings, where enough is left.
fn stem(word: &str) -> &str {
    if !word.is_ascii() {
        return word;
    }
    for (ending, least) in [("ing", 6), ("ies", 5), ("ed", 5), ("es", 5), ("s", 4)] {
        if let Some(rest) = word.strip_suffix(ending)
            && word.len() >= least
            && !(ending == "s" && rest.ends_with(['s', 'u', 'i']))
        {
            // `handles`, `handled`, `handling` and `handle` meet without the last letter.
            return rest
                .strip_suffix('e')
                .filter(|r| r.len() >= 4)
                .unwrap_or(rest);
        }
    }
    word.strip_suffix('e')
        .filter(|rest| rest.len() >= 4)
        .unwrap_or(word)
}

/// The parts of an identifier: at underscores, at capitals, at digits.
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
            "pars http header 2 parsehttpheader2"
        );
        assert_eq!(joined("a.b(c)"), "a b c");
    }

    #[test]
    fn endings_meet() {
        for group in [
            ["handle", "handles", "handled", "handling"],
            ["parse", "parses", "parsed", "parsing"],
        ] {
            let stems: Vec<String> = group.iter().map(|word| joined(word)).collect();
            assert!(stems.iter().all(|s| *s == stems[0]), "{stems:?}");
        }
        assert_eq!(joined("class status this"), "class status this");
    }

    #[test]
    fn questions_lose_their_stop_words() {
        assert!(STOP.is_sorted());
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
