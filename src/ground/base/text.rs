//! Making hostile text safe to show.
//!
//! File names, file contents, model output and terminal input may hold escape
//! sequences. What goes to a terminal passes through here first.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Makes one line of safe text: every control character, newline and tab included, and everything
/// that nobody sees or that turns the direction of writing is shown as a visible escape such as
/// `\n`, `\x1b` or `\u{202e}`. Characters that join emoji or the letters of a script stay.
pub fn printable(text: &str) -> Cow<'_, str> {
    escape(text, |_| false)
}

/// Makes safe text of several lines: `\n` and `\t` are kept, `\r\n` becomes `\n`, everything
/// else is as in [`printable`].
pub fn printable_block(text: &str) -> Cow<'_, str> {
    let unix: Cow<'_, str> = if text.contains("\r\n") {
        Cow::Owned(text.replace("\r\n", "\n"))
    } else {
        Cow::Borrowed(text)
    };
    match unix {
        Cow::Borrowed(text) => escape(text, |c| c == '\n' || c == '\t'),
        Cow::Owned(text) => Cow::Owned(escape(&text, |c| c == '\n' || c == '\t').into_owned()),
    }
}

/// Tells whether [`printable`] shows a text otherwise than it is.
pub fn hides(text: &str) -> bool {
    matches!(printable(text), Cow::Owned(_))
}

/// Tells whether a character can change the doings of a terminal or hide text: the controls, the
/// separators of lines, and by their Unicode properties (UAX 44) `Bidi_Control`,
/// `Default_Ignorable_Code_Point` and all of category Cf but the marks that stand before numbers.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Tells whether a character is one of those that join emoji, choose their look, or join letters:
/// hostile alone, a part of the visible text between the right neighbours.
pub const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe0e}' | '\u{fe0f}')
}

/// Tells whether a joiner stands where it is a part of the visible text.
fn joins(before: Option<char>, c: char, after: Option<char>) -> bool {
    const fn is_picture(c: char) -> bool {
        matches!(c, '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
            | '\u{2190}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}'
            | '\u{1f000}'..='\u{1faff}')
    }
    /// Numbers the scripts whose letters take other forms beside each other.
    const fn script(c: char) -> Option<u8> {
        match c {
            '\u{600}'..='\u{61b}' | '\u{61d}'..='\u{8ff}' => Some(0),
            '\u{900}'..='\u{dff}' => Some(1),
            '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17b3}' | '\u{17b6}'..='\u{17ff}' => Some(2),
            _ => None,
        }
    }
    // The end of a text joins as little as a blank.
    let (Some(before), after) = (before, after.unwrap_or(' ')) else {
        return false;
    };
    let letters = script(before).is_some() && script(before) == script(after);
    match c {
        '\u{200c}' => letters,
        '\u{200d}' => letters || (is_picture(before) || before == '\u{fe0f}') && is_picture(after),
        '\u{fe0e}' | '\u{fe0f}' => {
            is_picture(before) || matches!(before, '0'..='9' | '#' | '*') && after == '\u{20e3}'
        }
        _ => false,
    }
}

/// Replaces hostile characters by visible escapes, but for those to `keep`.
fn escape(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(|c| is_hostile(c) && !keep(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut escaped = false;
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let safe = !is_hostile(c) || keep(c) || joins(before, c, chars.peek().copied());
        escaped |= !safe;
        match c {
            c if safe => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x100 => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
        }
        before = safe.then_some(c);
    }
    if escaped {
        Cow::Owned(out)
    } else {
        Cow::Borrowed(text)
    }
}

/// Writes bytes as hexadecimal digits, two each, lower case.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Returns the beginning of `text`: at most `bytes` bytes, cut at a character boundary.
pub fn truncated(text: &str, bytes: usize) -> &str {
    let (head, _) = text.split_at(text.floor_char_boundary(bytes));
    head
}

/// Writes a size in bytes for people: `98 MB`, `5.7 GB` (powers of ten).
pub fn human_bytes(bytes: u64) -> String {
    const LARGER: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let (mut unit, mut larger) = ("B", LARGER.into_iter());
    while value >= 999.5
        && let Some(next) = larger.next()
    {
        value /= 1000.0;
        unit = next;
    }
    if unit == "B" || value >= 99.5 {
        format!("{value:.0} {unit}")
    } else {
        format!("{value:.1} {unit}")
    }
}

/// Writes a whole number with thousands separated: `1,870`.
pub fn human_count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A number with its noun: `1 token`, `2,048 tokens`.
pub fn counted(n: usize, word: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {word}{plural}", human_count(n as u64))
}

/// A time that has passed since, in whole minutes, hours or days.
pub fn human_ago(seconds: u64) -> String {
    match seconds {
        0..60 => "just now".to_owned(),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// Writes a span of time for people: `0.4 s`, `16 s`, `2 min 5 s`, `1 h 3 min`.
pub fn human_time(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "?".to_owned();
    }
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_become_visible() {
        assert_eq!(printable("a\u{1b}[2Jb"), "a\\x1b[2Jb");
        assert_eq!(printable("a\nb\u{9b}"), "a\\nb\\x9b");
        assert_eq!(printable("\u{202e}gnp"), "\\u{202e}gnp");
        assert!(matches!(printable("plain ü 漢"), Cow::Borrowed(_)));
    }

    #[test]
    fn blocks_keep_lines_and_tabs() {
        assert_eq!(printable_block("a\r\n\tb\rc"), "a\n\tb\\rc");
    }

    /// Against the properties of Unicode themselves, for every code point there is.
    #[test]
    fn everything_that_nobody_sees_is_hostile() {
        let property = fancy_regex::Regex::new(
            r"[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Cc}\p{Zl}\p{Zp}[\p{Cf}--\p{Prepended_Concatenation_Mark}]]",
        )
        .expect("an expression");
        let mut buffer = [0; 4];
        for c in '\0'..=char::MAX {
            let one: &str = c.encode_utf8(&mut buffer);
            let named = property.is_match(one).expect("tried");
            assert_eq!(is_hostile(c), named, "{:x}", c as u32);
            let shown = printable(one);
            assert!(!shown.chars().any(is_hostile), "{:x}", c as u32);
            assert_eq!(hides(one), named);
        }
    }

    #[test]
    fn what_joins_stays_and_what_hides_does_not() {
        for whole in [
            "👩\u{200d}💻",
            "⚠\u{fe0f} 1\u{fe0f}\u{20e3}",
            "❤\u{fe0f}\u{200d}🔥",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
        ] {
            assert_eq!(printable(whole), whole);
        }
        for (text, shown) in [
            ("a\u{200d}b", "a\\u{200d}b"),
            ("a\u{fe0f}", "a\\u{fe0f}"),
            ("ad\u{ad}min", "ad\\xadmin"),
            ("1\u{fe0f}2", "1\\u{fe0f}2"),
            ("⚠\u{fe0f}\u{fe0f}", "⚠\u{fe0f}\\u{fe0f}"),
            ("\u{200d}💻", "\\u{200d}💻"),
            ("می\u{200c}", "می\\u{200c}"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }

    #[test]
    fn truncation_keeps_characters_whole() {
        assert_eq!(truncated("aü", 2), "a");
        assert_eq!(truncated("aü", 3), "aü");
    }

    #[test]
    fn figures_read_well() {
        assert_eq!(human_bytes(97_800_000), "97.8 MB");
        assert_eq!(human_bytes(5_680_522_464), "5.7 GB");
        assert_eq!(human_bytes(999_600), "1.0 MB");
        assert_eq!(human_count(1_870), "1,870");
        assert_eq!(human_time(125.0), "2 min 5 s");
        assert_eq!(human_time(0.42), "0.4 s");
    }
}
