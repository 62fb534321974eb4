//! The lines of private keys: what stands between their first and their last one.

use std::ops::Range;

use super::super::OrBug as _;

/// Most lines of a key.
const MOST_LINES: usize = 400;
/// Fewest letters of a key that stands in the line of its beginning.
const LEAST: usize = 16;
/// The beginning of the line that ends a key.
const END: &str = "-----END ";
/// Letters of a full row of a key: writers break them at 64, 70 or 76.
const ROW: Range<usize> = 60..77;

/// The places of the letters of a key whose first line ends at `from`: in the rest of that line, as
/// strings in programs hold keys, and in the lines below, as files do.
pub(super) fn body(text: &str, from: usize) -> Vec<Range<usize>> {
    let rest = text.get(from..).or_bug("a key begins outside of its text");
    let mut places = Vec::new();
    let mut at = from;
    for (number, whole) in rest.split_inclusive('\n').take(MOST_LINES).enumerate() {
        let (line, ends) = match whole.find(END) {
            Some(end) => (whole.get(..end).or_bug("a line is cut in a letter"), true),
            None => (whole, false),
        };
        let goes_on = if number == 0 {
            runs(line, at, LEAST, &mut places);
            if ends && !places.is_empty() {
                // The last row may be short.
                places.clear();
                runs(line, at, 1, &mut places);
            }
            strip(line, line.len()).is_empty() || !places.is_empty()
        } else {
            let begins = places.is_empty();
            let goes_on = row(line, at, &mut places);
            // A row of a few letters begins no key: it is a word.
            let word = begins && places.first().is_some_and(|row| row.len() < LEAST);
            if word {
                places.clear();
            }
            goes_on && !word
        };
        if ends || !goes_on {
            break;
        }
        at += whole.len();
    }
    places
}

/// The places of lines that read like full rows of a key, and of those that stand right before the
/// last line of one: of a text that may begin within it.
pub(super) fn rows(text: &str) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    // A last row is short; what makes it one is what stands before and behind.
    let mut short: Option<Range<usize>> = None;
    for whole in text.split_inclusive('\n') {
        if whole.contains(END) {
            places.extend(short.take());
        }
        short = None;
        let mut found = Vec::new();
        if row(whole, at, &mut found)
            && let [place] = found.as_slice()
        {
            let letters = text.get(place.clone()).or_bug("a row lies nowhere");
            if ROW.contains(&letters.len()) && is_mixed(letters) {
                places.push(place.clone());
            } else {
                short = Some(place.clone());
            }
        }
        at += whole.len();
    }
    places
}

/// Tells whether letters are as those of a key: small, large, and digits.
fn is_mixed(letters: &str) -> bool {
    let any = |of: fn(&char) -> bool| letters.chars().any(|c| of(&c));
    any(char::is_ascii_lowercase) && any(char::is_ascii_uppercase) && any(char::is_ascii_digit)
}

/// Finds the letters of a line that holds nothing else, and tells whether a key may go on there.
fn row(line: &str, at: usize, places: &mut Vec<Range<usize>>) -> bool {
    let own = strip(line, line.len());
    // A key for a password has lines of its own in front: `Proc-Type: 4,ENCRYPTED`.
    if own.is_empty() || own.contains(": ") {
        return true;
    }
    if !own.bytes().all(is_letter) {
        return false;
    }
    let start = at + (own.as_ptr() as usize - line.as_ptr() as usize);
    places.push(start..start + own.len());
    true
}

/// Finds the runs of at least so many letters of keys.
fn runs(line: &str, at: usize, least: usize, places: &mut Vec<Range<usize>>) {
    let mut from = 0;
    for part in line.split(|c: char| !(c.is_ascii() && is_letter(c as u8))) {
        let start = part.as_ptr() as usize - line.as_ptr() as usize;
        let escape = start > from && line.as_bytes().get(start - 1) == Some(&b'\\');
        // Of `\nMII…` the first letter is none of the key's.
        let skipped = usize::from(escape && part.starts_with(['n', 'r', 't']));
        if part.len() >= least + skipped {
            places.push(at + start + skipped..at + start + part.len());
        }
        from = start + part.len();
    }
}

/// A line without the blanks, quotes, signs and escapes that programs, lists and comments put
/// around the rows of a key.
fn strip(line: &str, mut end: usize) -> &str {
    let around = |c: char| c.is_whitespace() || "\"'`,;#*|>\\-".contains(c);
    loop {
        let own = line.get(..end).or_bug("a line is cut in a letter");
        let own = own.trim_end_matches(around);
        let bare = own.strip_suffix("\\n").or(own.strip_suffix("\\r"));
        // Of `…=\n" +` the sign is around, and within a row a letter.
        let bare = bare.or_else(|| own.strip_suffix(" +"));
        match bare {
            Some(bare) => end = bare.len(),
            None => {
                let own = own.trim_start_matches(around);
                let own = own.strip_prefix("// ").unwrap_or(own).trim_start();
                // Of `b'…\n'` the first letter is Python's.
                let bytes = ["b'", "b\""].iter().find_map(|b| own.strip_prefix(b));
                return bytes.unwrap_or(own);
            }
        }
    }
}

/// Tells whether a byte is one of those that keys are written in: those of base64.
const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}
