//! Lines for people: folded, fitted, with bars.

use unicode_width::UnicodeWidthStr as _;

use crate::base::text::{human_count, human_time};

/// A text of several lines with those that are longer than `room` cells broken at blanks; what is
/// carried over stands as far in as its line.
pub(super) fn folded(text: &str, room: usize) -> String {
    let mut out: Vec<String> = Vec::new();
    for line in text.split('\n') {
        if line.width() <= room {
            out.push(line.to_owned());
            continue;
        }
        let body = line.trim_start_matches(' ');
        let lead = " ".repeat((line.len() - body.len()).min(room / 2));
        let lines = wrapped(body, room - lead.len());
        out.extend(lines.iter().map(|line| format!("{lead}{line}")));
    }
    out.join("\n")
}

/// The beginning of a line of progress that fits in `room` cells: whole parts of it, those between
/// ` · `, or where not even one fits, whole words.
pub(super) fn fitted(text: &str, room: usize) -> String {
    for between in [" · ", " "] {
        let mut fits = String::new();
        for part in text.split(between) {
            let before = if fits.is_empty() { "" } else { between };
            if fits.width() + before.width() + part.width() > room {
                break;
            }
            fits.push_str(before);
            fits.push_str(part);
        }
        if !fits.is_empty() {
            return fits;
        }
    }
    String::new()
}

/// A text in lines of at most `room` cells, broken at blanks; a longer word stays whole.
pub(super) fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.width() + 1 + word.width() > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// The progress of reading a prompt in a line: tokens, and tokens a second.
pub(super) fn prefill_line(done: usize, total: usize, cached: usize, rate: f64) -> String {
    let mut line = format!(
        "reading {} of {} tokens {}",
        human_count(done as u64),
        human_count(total as u64),
        bar(done as u64, total as u64, 24)
    );
    if rate > 0.0 {
        let left = total.saturating_sub(done) as f64 / rate;
        line.push_str(&format!(" {rate:.0}/s · {} left", human_time(left)));
    }
    if cached > 0 {
        line.push_str(&format!(" · {} kept", human_count(cached as u64)));
    }
    line
}

/// A bar of `width` cells.
pub(super) fn bar(done: u64, total: u64, width: usize) -> String {
    let full = if total == 0 {
        0
    } else {
        ((done.min(total) as u128 * width as u128) / u128::from(total)) as usize
    };
    format!("{}{}", "━".repeat(full), "─".repeat(width - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_break_at_blanks_and_words_stay_whole() {
        assert_eq!(wrapped("", 10), [""]);
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(
            wrapped("/a/very/long/path it is", 5),
            ["/a/very/long/path", "it is"]
        );
        assert_eq!(wrapped("ああ ああ", 8), ["ああ", "ああ"]);
    }

    #[test]
    fn notes_are_folded_with_their_indent() {
        assert_eq!(folded("one two\n  three four", 20), "one two\n  three four");
        assert_eq!(folded("  three four five", 12), "  three four\n  five");
        assert_eq!(folded("a 漢漢漢漢 b", 9), "a\n漢漢漢漢\nb");
    }

    #[test]
    fn progress_loses_whole_parts_and_never_half_a_word() {
        let line = "reading 40 of 100 tokens ━━ 273/s · 2.8 s left · 539 kept";
        assert_eq!(fitted(line, 200), line);
        assert_eq!(
            fitted(line, line.width() - 1),
            "reading 40 of 100 tokens ━━ 273/s · 2.8 s left"
        );
        assert_eq!(fitted(line, 37), "reading 40 of 100 tokens ━━ 273/s");
        assert_eq!(fitted(line, 20), "reading 40 of 100");
        assert_eq!(fitted(line, 3), "");
    }

    #[test]
    fn bars_never_overflow() {
        assert_eq!(bar(0, 0, 4), "────");
        assert_eq!(bar(2, 4, 4), "━━──");
        assert_eq!(bar(9, 4, 4), "━━━━");
        assert_eq!(bar(u64::MAX, u64::MAX, 4), "━━━━");
    }

    #[test]
    fn the_reading_of_a_prompt_is_told_with_what_is_left() {
        let line = prefill_line(412, 1870, 0, 92.0);
        assert!(line.starts_with("reading 412 of 1,870 tokens ━"), "{line}");
        assert!(line.ends_with("92/s · 16 s left"), "{line}");
    }
}
