//! The stems of words: what words of one family have in common.

/// Endings that make one word of another: `validation` and `validate`, `parser` and `parse`.
/// Longer ones come first. The number is how many letters must be left.
const ENDINGS: &[(&str, usize)] = &[
    ("ization", 3),
    ("isation", 3),
    ("ation", 4),
    ("ments", 4),
    ("ingly", 4),
    ("ment", 4),
    ("able", 4),
    ("ible", 4),
    ("ness", 4),
    ("ings", 4),
    ("edly", 4),
    ("ions", 4),
    ("ing", 3),
    ("ion", 4),
    ("ive", 4),
    ("ors", 4),
    ("ers", 4),
    ("ate", 4),
    ("ize", 3),
    ("ise", 4),
    ("ed", 3),
    ("er", 4),
    ("or", 4),
    ("ly", 4),
];

/// Returns the stem of a word, with which all words of its family begin. A stem need not be a
/// word: the index and the query are treated alike.
pub(in crate::index) fn stem(word: &str) -> &str {
    if !word.is_ascii() || word.len() < 4 {
        return word;
    }
    let mut stem = word;
    if let Some(rest) = stem.strip_suffix('s')
        && !rest.ends_with(['s', 'u', 'i'])
    {
        stem = rest;
    }
    for (ending, least) in ENDINGS {
        if let Some(rest) = stem.strip_suffix(ending)
            && rest.len() >= *least
            && rest.bytes().any(|byte| b"aeiouy".contains(&byte))
        {
            // `validated` and `validator` are of `validate`, which lost three letters too.
            stem = match *ending {
                "ed" | "ing" | "ings" | "er" | "ers" | "or" | "ors" => rest
                    .strip_suffix("at")
                    .filter(|shorter| shorter.len() >= 4)
                    .unwrap_or(rest),
                _ => rest,
            };
            break;
        }
    }
    // `stopped` and `stop`, but not `call` and `cal`.
    if let [.., a, b] = stem.as_bytes()
        && a == b
        && stem.len() > 3
        && !b"aeioulsz".contains(b)
        && let Some(rest) = stem.strip_suffix(char::from(*b))
    {
        stem = rest;
    }
    if stem.len() > 3
        && let Some(rest) = stem.strip_suffix(['e', 'y', 'i'])
    {
        // `entries`, `entry`; `handle`, `handling`.
        return rest
            .strip_suffix('i')
            .filter(|r| r.len() > 3)
            .unwrap_or(rest);
    }
    stem
}
