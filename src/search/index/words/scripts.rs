//! Scripts that are written without blanks between words, and languages other than English.

use crate::index::words::terms::STOP;

/// Tells whether a character belongs to a word that blanks part from others.
pub(in crate::index) fn is_word(c: char) -> bool {
    (c.is_alphanumeric() || c == '_') && !is_unspaced(c)
}

/// Tells whether a character is of a script that is written without blanks between words: Chinese
/// characters and Japanese syllables.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{3005}'..='\u{3007}'
        | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// Calls `take` with every two neighbours of scripts without blanks, which is how their words
/// are found again wherever they begin (Nie et al., bigrams for Chinese retrieval); one that
/// stands alone is a word.
pub(in crate::index) fn each_unspaced(line: &str, take: &mut impl FnMut(&str)) {
    if line.is_ascii() {
        return;
    }
    let mut pair = String::new();
    for run in line.split(|c: char| !is_unspaced(c)) {
        let chars: Vec<char> = run.chars().collect();
        match chars.as_slice() {
            [] => {}
            [_] => take(run),
            chars => {
                for two in chars.windows(2) {
                    pair.clear();
                    pair.extend(two);
                    take(&pair);
                }
            }
        }
    }
}

/// Tells whether a question seems to be in English: its words are of Latin letters without accents,
/// and among three there is one of those that hold English together.
pub fn is_english(question: &str) -> bool {
    let mut all = 0;
    let mut small = 0;
    for word in question.split(|c: char| !c.is_alphanumeric() && c != '_') {
        if word.is_empty() {
            continue;
        }
        if word.chars().any(|c| c.is_alphabetic() && !c.is_ascii()) {
            return false;
        }
        all += 1;
        small += usize::from(STOP.contains(&word.to_lowercase().as_str()));
    }
    all < 3 || small * 3 >= all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_stand_for_words_without_blanks() {
        let of = |line: &str| {
            let mut found = Vec::new();
            each_unspaced(line, &mut |word: &str| found.push(word.to_owned()));
            found
        };
        assert_eq!(of("parse関数はx 走"), ["関数", "数は", "走"]);
        assert!(of("plain Größe").is_empty());
    }

    #[test]
    fn english_is_told_from_other_languages() {
        for english in [
            "where are the settings read?",
            "why does it hang",
            "explain parse_config",
        ] {
            assert!(is_english(english), "{english}");
        }
        for other in [
            "Wo beginnt der Durchlauf der Dateien?",
            "¿Dónde se leen los ajustes?",
            "走査はどこで始まりますか",
            "איפה מתחיל המעבר?",
        ] {
            assert!(!is_english(other), "{other}");
        }
    }
}
