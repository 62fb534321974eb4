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
//! Control characters and invisible ones are shown as visible escapes, so what a model copies
//! from such a line does not stand in the file; only clean text can be copied exactly.

use std::fmt::Write as _;

use super::Excerpt;
use crate::base::TokenCount;
use crate::base::text::{printable, printable_block};

/// The longest symbol shown in a heading, in characters.
const LONGEST_SYMBOL: usize = 80;

/// One excerpt as it stands in a prompt: heading, fence, numbered lines, fence.
pub fn write_out(excerpt: &Excerpt) -> String {
    let mut out = heading(excerpt);
    out.push_str("\n```\n");
    number_lines(&mut out, excerpt.range.start, &excerpt.text);
    out.push_str("```\n");
    out
}

/// Excerpts as they stand in a prompt, in order, a blank line between them. The empty string
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

/// `[3] src/walk.rs:10-12 Walk::next`
fn heading(excerpt: &Excerpt) -> String {
    let mut out = format!("[{}] {}:{}", excerpt.id, excerpt.path, excerpt.range);
    if let Some(symbol) = &excerpt.symbol {
        let short: String = symbol.chars().take(LONGEST_SYMBOL).collect();
        out.push(' ');
        out.push_str(&printable(&short));
    }
    out
}

/// Lines with their numbers, counted from `first`.
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

/// Tokens of one excerpt as written out, with the blank line before it.
pub(super) fn cost(excerpt: &Excerpt, count: &dyn TokenCount) -> usize {
    count.count(&format!("\n{}", write_out(excerpt)))
}
