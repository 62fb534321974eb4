//! The definition that a change stands in: the text behind the second `@@` of a hunk.

use crate::base::secrets::masked;
use crate::base::text::truncated;

/// Lines above a hunk that are looked through.
const MOST_LINES: usize = 2_000;
/// Most bytes of the text: git shows as many.
const MOST_BYTES: usize = 80;
/// Words before the one that says what is defined.
const BEFORE: &[&str] = &[
    "pub",
    "async",
    "const",
    "unsafe",
    "export",
    "default",
    "static",
    "public",
    "private",
    "protected",
    "internal",
    "final",
    "abstract",
    "override",
];
/// Words that begin a definition.
const WORDS: &[&str] = &[
    "fn",
    "def",
    "class",
    "struct",
    "enum",
    "union",
    "trait",
    "impl",
    "mod",
    "func",
    "function",
    "interface",
    "module",
    "namespace",
    "sub",
    "proc",
];

/// The nearest line above `start` (from 0) of `lines` that begins a definition around a line that
/// reads `changed`; empty where there is none.
///
/// A definition begins at the left margin with a letter, as git takes it, or further in with a word
/// of one, if what is changed stands further in still.
pub(super) fn section(lines: &[&str], start: usize, changed: &str) -> String {
    let within = margin(changed);
    let above = lines.iter().take(start).rev().take(MOST_LINES);
    let found = above.copied().find(|line| match margin(line) {
        None => false,
        Some(0) => begins_at_the_left(line),
        Some(cells) => within.is_none_or(|within| cells < within) && is_defined(line),
    });
    // Masked first: half of a secret would not be known as one.
    let line = masked(found.map_or("", str::trim)).unwrap_or_default();
    let line = truncated(line.trim_end_matches(['{', ' ']), MOST_BYTES);
    line.trim_end().to_owned()
}

/// Blanks at the beginning of a line; none where it has nothing else.
fn margin(line: &str) -> Option<usize> {
    let text = line.trim_start();
    (!text.trim_end().is_empty()).then(|| line.len() - text.len())
}

fn begins_at_the_left(line: &str) -> bool {
    line.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$')
        && (!line.trim_end().ends_with(':') || is_defined(line))
}

/// Tells whether a line begins with the word of a definition.
fn is_defined(line: &str) -> bool {
    let mut words = line
        .split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '<'))
        .filter(|word| !word.is_empty())
        .skip_while(|word| BEFORE.contains(word) || matches!(*word, "crate" | "super"));
    words.next().is_some_and(|word| WORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_around_a_change_is_found() {
        let rust = "use a;\n\nimpl Walk {\n    pub(crate) fn next(&mut self) -> u8 {\n        \
                    let a = 1;\n        fn inner() {}\n        a\n    }\n}\n\nfn other() {\n    1\n}\n";
        let lines: Vec<&str> = rust.split_inclusive('\n').collect();
        let next = "pub(crate) fn next(&mut self) -> u8";
        assert_eq!(section(&lines, 7, "        a\n"), next);
        assert_eq!(section(&lines, 7, "    x\n"), "impl Walk");
        assert_eq!(section(&lines, 11, "    1\n"), "fn other()");
        assert_eq!(section(&lines, 0, "use a;\n"), "");
        let python =
            "class A:\r\n    def f(self):\r\n        try:\r\n            a\r\nelse:\r\n    b\r\n";
        let lines: Vec<&str> = python.split_inclusive('\n').collect();
        assert_eq!(section(&lines, 4, "            a\r\n"), "def f(self):");
        assert_eq!(section(&lines, 6, "    b\r\n"), "class A:");
    }

    #[test]
    fn it_is_short_and_ends_between_characters() {
        let long = format!("fn {}()\n", "ä".repeat(200));
        assert!(section(&[&long], 1, "x").len() <= MOST_BYTES);
    }
}
