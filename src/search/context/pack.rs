//! Writing excerpts out for the prompt, and fitting them into a budget.
//!
//! The form, chosen because small models cite lines better when each carries its number, and
//! because a line that begins with a number cannot be taken for a heading or a fence,
//! whatever the file holds:
//!
//! ````text
//! [3] src/walk.rs:10-12 Walk::next
//! ```
//! 10| fn next(&mut self) {
//! 11|     self.at += 1;
//! 12| }
//! ```
//! ````
//!
//! Lines it belongs to stand before its own, parted from them by a line with `…`.
//!
//! Control characters and invisible ones are shown as visible escapes, so what a model copies
//! from such a line does not stand in the file; only clean text can be copied exactly.

use std::fmt::Write as _;

use super::Excerpt;
use crate::base::text::{printable, printable_block};
use crate::base::{LineRange, RepoPath, TokenCount};

/// The longest symbol shown in a heading, in characters.
const LONGEST_SYMBOL: usize = 80;

/// The line between lines that do not follow each other.
const GAP: &str = "…\n";

/// Writes one excerpt as it stands in a prompt: heading, fence, numbered lines, fence.
pub fn write_out(excerpt: &Excerpt) -> String {
    let mut out = heading(excerpt);
    out.push_str("\n```\n");
    if !excerpt.frame.is_empty() {
        for line in &excerpt.frame {
            number_lines(&mut out, line.number, &line.text);
        }
        out.push_str(GAP);
    }
    number_lines(&mut out, excerpt.range.start(), &excerpt.text);
    out.push_str("```\n");
    out
}

/// Writes excerpts as they stand in a prompt, in order, a blank line between them. The empty string
/// for none.
pub fn pack<'a>(excerpts: impl IntoIterator<Item = &'a Excerpt>) -> String {
    let mut out = String::new();
    for excerpt in excerpts {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&write_out(excerpt));
    }
    out
}

/// Tells whether a prompt shows, under the number `id`, these lines of a file as they are in
/// `text`, the file's text now.
pub fn shows(prompt: &str, id: u32, path: &RepoPath, range: LineRange, text: &str) -> bool {
    let mut lines = String::new();
    let those = text.split_inclusive('\n').skip(range.start() as usize - 1);
    let those: String = those.take(range.len() as usize).collect();
    number_lines(&mut lines, range.start(), &those);
    let begins = format!("[{id}] {path}:{range}");
    let wanted = format!("{lines}```\n");
    prompt.match_indices(&begins).any(|(at, _)| {
        prompt
            .get(at..)
            .and_then(|excerpt| excerpt.split_once('\n'))
            .and_then(|(_, body)| body.strip_prefix("```\n"))
            .is_some_and(|body| {
                // No line of a file begins so: each begins with its number.
                let own = body.split_once(GAP).map(|(frame, own)| {
                    let whole = !frame.contains("```");
                    if whole { own } else { body }
                });
                body.starts_with(&wanted) || own.is_some_and(|own| own.starts_with(&wanted))
            })
    })
}

/// Writes the heading of an excerpt: `[3] src/walk.rs:10-12 Walk::next`
fn heading(excerpt: &Excerpt) -> String {
    let mut out = format!("[{}] {}:{}", excerpt.id, excerpt.path, excerpt.range);
    if let Some(symbol) = &excerpt.symbol {
        let short: String = symbol.chars().take(LONGEST_SYMBOL).collect();
        out.push(' ');
        out.push_str(&printable(&short));
    }
    out
}

/// Writes lines with their numbers, counted from `first`.
pub(super) fn number_lines(out: &mut String, first: u32, text: &str) {
    let mut number = first;
    for line in text.split_inclusive('\n') {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        // Writing to a String cannot fail.
        if line.is_empty() {
            let _ = writeln!(out, "{number}|");
        } else {
            let _ = writeln!(out, "{number}| {}", printable_block(line));
        }
        number = number.saturating_add(1);
    }
}

/// Counts the tokens of one excerpt as written out, with the blank line before it.
pub(super) fn cost(excerpt: &Excerpt, count: &dyn TokenCount) -> usize {
    count.count(&format!("\n{}", write_out(excerpt)))
}

#[cfg(test)]
mod tests {
    use super::super::Why;
    use super::*;

    #[test]
    fn a_prompt_shows_what_was_packed_until_it_changes() {
        let text = "one\ntwo\n\u{1b}three\nfour";
        let path = RepoPath::new("a\nb.rs").expect("a path");
        let excerpt = |id, start, end, text: &str| Excerpt {
            id,
            path: path.clone(),
            range: LineRange::new(start, end),
            text: text.to_owned(),
            frame: Vec::new(),
            symbol: Some("f".to_owned()),
            why: Why::Search,
            tokens: 0,
        };
        let all = [
            excerpt(1, 2, 3, "two\n\u{1b}three\n"),
            excerpt(2, 4, 4, "four\n"),
        ];
        let prompt = format!("Words.\n\n{}\nmore", pack(&all));
        let shown = |id, start, end, text: &str| {
            shows(&prompt, id, &path, LineRange::new(start, end), text)
        };
        assert!(shown(1, 2, 3, text) && shown(2, 4, 4, text));
        assert!(shown(1, 2, 3, "other\ntwo\n\u{1b}three\nand\nmore\n"));
        assert!(!shown(1, 2, 3, "one\ntwo!\n\u{1b}three\nfour"));
        assert!(!shown(1, 2, 3, "one\ntwo"));
        assert!(!shown(1, 2, 3, "new\none\ntwo\n\u{1b}three\nfour"));
        let framed = Excerpt {
            frame: vec![super::super::FrameLine {
                number: 1,
                text: "one".to_owned(),
            }],
            ..excerpt(3, 2, 3, "two\n\u{1b}three\n")
        };
        let prompt = pack([&framed]);
        assert!(prompt.contains("```\n1| one\n…\n2| two\n"), "{prompt}");
        let lines = LineRange::new(2, 3);
        assert!(shows(&prompt, 3, &path, lines, text));
        assert!(!shows(&prompt, 3, &path, lines, "one\ntwo!\n"));
        assert!(!shown(2, 2, 3, text) && !shown(1, 4, 4, text) && !shown(1, 2, 4, text));
    }
}
