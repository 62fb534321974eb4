//! Making hostile text safe to show.
//!
//! File names, file contents, model output and terminal input may hold escape
//! sequences. What goes to a terminal passes through here first.

use std::borrow::Cow;
use std::fmt::Write as _;

/// One line of safe text: every control character, newline and tab included, every
/// bidirectional override and every invisible format character is shown as a visible
/// escape such as `\n`, `\x1b` or `\u{202e}`.
pub fn printable(text: &str) -> Cow<'_, str> {
    escape(text, |_| false)
}

/// Safe text of several lines: `\n` and `\t` are kept, `\r\n` becomes `\n`, everything
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

/// Whether a character can change what a terminal does or hide what stands there.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200c}'
            | '\u{200e}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

fn escape(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(|c| is_hostile(c) && !keep(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if !is_hostile(c) || keep(c) => out.push(c),
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
    }
    Cow::Owned(out)
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// `text` cut to at most `bytes` bytes, at a character boundary.
pub fn truncated(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while end > 0 && !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}

/// A size in bytes for people: `98 MB`, `5.7 GB` (powers of ten).
pub fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or("B");
    if unit == 0 || value >= 99.5 {
        format!("{value:.0} {name}")
    } else {
        format!("{value:.1} {name}")
    }
}

/// A whole number with thousands separated: `1,870`.
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

/// A span of time for people: `0.4 s`, `16 s`, `2 min 5 s`, `1 h 3 min`.
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

    #[test]
    fn emoji_joined_with_zwj_stay_whole() {
        assert_eq!(printable("👩\u{200d}💻"), "👩\u{200d}💻");
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
