//! An answer in Markdown, shown while it is written: a terminal's lines are written once, word by
//! word, and never drawn again.
//!
//! Of a block its beginning is shown as it looks by then, up to the last word before any sign
//! that is still open; a table waits until it is whole.

use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag};
use unicode_width::UnicodeWidthChar as _;

use super::markdown::{Line, lines};
use super::out::Tone;
use crate::app::markdown::{keep_definitions, options};

/// An answer as far as it has come.
pub(super) struct Stream {
    room: usize,
    colors: bool,
    /// The text behind the blocks that are shown whole.
    text: String,
    /// The text of the open block as it stands on the terminal, without tones.
    shown: String,
    /// True if a block was shown before: a blank line stands between two.
    second: bool,
}

impl Stream {
    /// An empty answer for lines of `room` cells.
    pub(super) const fn new(room: usize, colors: bool) -> Self {
        Self {
            room,
            colors,
            text: String::new(),
            shown: String::new(),
            second: false,
        }
    }

    /// Takes a piece of the answer. Returns what is to be written to the terminal now.
    pub(super) fn take(&mut self, piece: &str) -> String {
        self.text.push_str(piece);
        let mut out = self.whole_blocks();
        // Of a block that is not certain yet nothing is shown.
        let safe = safe_end(&self.text).min(self.second_block().unwrap_or(usize::MAX));
        if let Some(part) = self.text.get(..safe).map(str::to_owned) {
            out.push_str(&self.grown(&part));
        }
        out
    }

    /// Ends the answer. Returns the rest of it.
    pub(super) fn end(&mut self) -> String {
        let mut out = self.whole_blocks();
        let rest = std::mem::take(&mut self.text);
        out.push_str(&self.grown(&rest));
        if !self.shown.is_empty() {
            out.push('\n');
            self.shown.clear();
            self.second = true;
        }
        out
    }

    /// Shows the blocks behind which another has begun: nothing can change them any more.
    fn whole_blocks(&mut self) -> String {
        let mut out = String::new();
        loop {
            let certain = |end: &usize| is_certain(&self.text, *end);
            let Some(end) = self.second_block().filter(certain) else {
                return out;
            };
            let rest = self.text.split_off(end);
            let block = std::mem::replace(&mut self.text, rest);
            out.push_str(&self.grown(&block));
            if self.shown.is_empty() {
                continue;
            }
            out.push('\n');
            self.shown.clear();
            self.second = true;
        }
    }

    /// The byte at which the block behind the open one begins, where there is one.
    fn second_block(&self) -> Option<usize> {
        let source = keep_definitions(&self.text);
        let begun = blocks(&source).get(1).map(|(range, _)| range.start)?;
        // The escapes that were put in are no lines of their own.
        let line = source.get(..begun)?.matches('\n').count();
        Some(start_of_line(&self.text, line)).filter(|end| *end > 0)
    }

    /// The writing by which the open block grows from what is shown of it to `text`.
    fn grown(&mut self, text: &str) -> String {
        let lines = lines(text, self.room, self.colors);
        let whole = flat(&lines);
        if whole.is_empty() || whole == self.shown {
            return String::new();
        }
        let mut out = String::new();
        let from = if self.shown.is_empty() {
            if self.second {
                out.push('\n');
            }
            0
        } else if whole.starts_with(&self.shown) {
            self.shown.len()
        } else {
            // The beginning has got another meaning since. Said twice, nothing is lost.
            out.push('\n');
            0
        };
        out.push_str(&written(&lines, from, self.colors));
        self.shown = whole;
        out
    }
}

/// Lines as a text without tones and without blanks at their ends.
fn flat(lines: &[Line]) -> String {
    let mut out = String::new();
    for line in lines {
        for (_, text) in line {
            out.push_str(text);
        }
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out
}

/// The part of lines behind `from` bytes of [`flat`], in tones.
fn written(lines: &[Line], from: usize, colors: bool) -> String {
    let end = flat(lines).len();
    let mut out = String::new();
    let mut at = 0;
    for (number, line) in lines.iter().enumerate() {
        if number > 0 {
            if at >= from && at < end {
                out.push('\n');
            }
            at += 1;
        }
        let length: usize = line.iter().map(|(_, text)| text.len()).sum();
        let joined: String = line.iter().map(|(_, text)| text.as_str()).collect();
        let mut room = length.min(joined.trim_end_matches(' ').len());
        for (tone, text) in line {
            let text = text.get(..room.min(text.len())).unwrap_or(text);
            room -= text.len();
            let skipped = from.saturating_sub(at).min(text.len());
            at += text.len();
            let new = text.get(skipped..).unwrap_or_default();
            if new.is_empty() {
                continue;
            }
            if colors && *tone != Tone::Plain {
                out.push_str(&format!("{}{new}\x1b[0m", tone.code()));
            } else {
                out.push_str(new);
            }
        }
    }
    out
}

/// The blocks at the top of a text, each with whether it is a table or code.
fn blocks(text: &str) -> Vec<(Range<usize>, Kind)> {
    let mut out = Vec::new();
    let mut depth = 0;
    for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
        match event {
            Event::Start(tag) => {
                if depth == 0 {
                    let kind = match tag {
                        Tag::Table(_) => Kind::Table,
                        Tag::CodeBlock(_) => Kind::Code,
                        _ => Kind::Words,
                    };
                    out.push((range, kind));
                }
                depth += 1;
            }
            Event::End(_) => depth -= 1,
            _ if depth == 0 => out.push((range, Kind::Words)),
            _ => {}
        }
    }
    out
}

/// The kind of a block, as far as it matters to what may be shown of its beginning.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Words,
    Code,
    Table,
}

/// The byte at which a line begins.
fn start_of_line(text: &str, line: usize) -> usize {
    let lines = text.split_inclusive('\n').take(line);
    lines.map(str::len).sum()
}

/// Tells whether a block has come far enough to be known for one: a number or a sign alone may yet
/// go on with the list before it.
fn is_certain(text: &str, from: usize) -> bool {
    let begun = text.get(from..).unwrap_or_default().trim_start();
    let first = begun.find(char::is_whitespace);
    first.is_some_and(|at| {
        begun.contains('\n') || begun.get(at..).is_some_and(|rest| !rest.trim().is_empty())
    })
}

/// The end of the part of an open block that looks the same whatever comes behind it.
fn safe_end(text: &str) -> usize {
    let last_line = text.rfind('\n').map_or(0, |at| at + 1);
    match blocks(&keep_definitions(text)).last() {
        None | Some((_, Kind::Table)) => return 0,
        // The last line may yet be the fence that ends it.
        Some((_, Kind::Code)) => return last_line,
        Some((_, Kind::Words)) => {}
    }
    // The last word may go on; so may the fence of code inside a list.
    let words = text.char_indices().rev().find_map(|(at, c)| {
        let wide = c.width().unwrap_or(0) > 1;
        (c.is_whitespace() || wide).then_some(at + c.len_utf8())
    });
    let mut end = words.unwrap_or(0);
    let before = text.get(..last_line.saturating_sub(1)).unwrap_or_default();
    let above = before.rfind('\n').map_or(0, |at| at + 1);
    for line in [above, last_line] {
        // The head of a table looks like any line until its second one is there.
        let (this, _) = text.split_at_checked(line).map_or(("", ""), |(_, rest)| {
            rest.split_once('\n').unwrap_or((rest, ""))
        });
        if this.contains('|') {
            end = end.min(line);
        }
    }
    // A line of signs alone may become an item, a rule, or the line under a heading.
    let begun = text.get(..end).unwrap_or_default();
    let line = begun.rfind('\n').map_or(0, |at| at + 1);
    let sign = |c: char| c.is_ascii_digit() || c.is_whitespace() || "-=*+_#>.)".contains(c);
    if begun.get(line..).unwrap_or_default().chars().all(sign) {
        end = line;
    }
    end.min(open_sign(text.get(..end).unwrap_or_default()))
}

/// Takes a bracket of a link into the signs that are open.
fn bracket(open: &mut Vec<(u8, usize, usize)>, sign: u8, at: usize, behind: Option<&u8>) {
    let last = |wanted: u8| open.iter().rposition(|(sign, ..)| *sign == wanted);
    match sign {
        b'[' => open.push((sign, 1, at)),
        b']' => match (last(b'['), behind) {
            // The place that a link leads to comes behind it.
            (Some(from), Some(b'(')) => {
                if let Some((sign, ..)) = open.get_mut(from) {
                    *sign = b'(';
                }
            }
            (Some(from), Some(_)) => open.truncate(from),
            _ => {}
        },
        _ => {
            if let Some(from) = last(b'(') {
                open.truncate(from);
            }
        }
    }
}

/// The byte of the first sign in the last paragraph that nothing has closed yet; the end of the text
/// where none is open.
fn open_sign(text: &str) -> usize {
    let paragraph = text.rfind("\n\n").map_or(0, |at| at + 2);
    let bytes = text.as_bytes();
    let mut open: Vec<(u8, usize, usize)> = Vec::new();
    let mut at = paragraph;
    while let Some(&sign) = bytes.get(at) {
        if sign == b'\\' {
            at += 2;
            continue;
        }
        let length = bytes[at..].iter().take_while(|byte| **byte == sign).count();
        let blank = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_whitespace);
        let word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let (before, behind) = (
            at.checked_sub(1).and_then(|at| bytes.get(at)),
            bytes.get(at + length),
        );
        let code = open.iter().any(|(sign, ..)| *sign == b'`');
        let closes = |open: &[(u8, usize, usize)]| {
            let same = |(other, many, _): &(u8, usize, usize)| *other == sign && *many == length;
            open.iter().rposition(same)
        };
        match sign {
            b'`' => match closes(&open) {
                Some(from) => open.truncate(from),
                None if !code => open.push((sign, length, at)),
                None => {}
            },
            b'*' | b'_' | b'~' if !code => {
                let inside = sign == b'_' && word(before) && word(behind);
                match closes(&open) {
                    Some(from) if !blank(before) && !inside => open.truncate(from),
                    _ if !blank(behind) && !inside => open.push((sign, length, at)),
                    _ => {}
                }
            }
            b'[' | b']' | b')' if !code => bracket(&mut open, sign, at, behind),
            _ => {}
        }
        at += if matches!(sign, b'[' | b']' | b')') {
            1
        } else {
            length
        };
    }
    open.first().map_or(text.len(), |(_, _, at)| *at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An answer shown in pieces.
    fn streamed(text: &str, pieces: &[usize], room: usize, colors: bool) -> String {
        let mut stream = Stream::new(room, colors);
        let mut out = String::new();
        let chars: Vec<char> = text.chars().collect();
        let mut at = 0;
        for length in pieces.iter().cycle() {
            if at >= chars.len() {
                break;
            }
            let end = (at + length).min(chars.len());
            let piece: String = chars[at..end].iter().collect();
            out.push_str(&stream.take(&piece));
            at = end;
        }
        out + &stream.end()
    }

    const ANSWER: &str = "# Walking on\n\nIt **goes on** by `one`, see [1] and the [manual](https://x.y/z) \
        where snake_case_names and 2 * 3 stand.\nStill the same.\n\n1. first *item*\n2. second item, which is long\n   - inner\n\n\
        3. after a blank line\n\n```rust\nfn a() {\n    1\n}\n```\n\nName | Size\n--- | ---\nx | 10\n\n[1]: src/a.rs\n[2]: src/b.rs\n\nThe end **is open";

    #[test]
    fn however_it_comes_in_pieces_it_looks_the_same() {
        for colors in [false, true] {
            for room in [20, 33, 80] {
                let whole = streamed(ANSWER, &[100_000], room, colors);
                for pieces in [&[1][..], &[2, 5], &[7], &[1, 30, 3]] {
                    let shown = streamed(ANSWER, pieces, room, colors);
                    // Tones may begin anew between two pieces.
                    let plain = |text: &str| {
                        let tones = [Tone::Bold, Tone::Italic, Tone::Cyan, Tone::Dim];
                        let text = text.replace("\x1b[0m", "");
                        tones
                            .iter()
                            .fold(text, |text, tone| text.replace(tone.code(), ""))
                    };
                    assert_eq!(plain(&shown), plain(&whole), "{pieces:?} in {room}");
                }
            }
        }
        let shown = streamed(ANSWER, &[3], 40, true);
        assert!(shown.contains("\x1b[1mgoes on\x1b[0m"), "{shown}");
        assert!(shown.contains("10\n\n[1]: src/a.rs"), "{shown}");
    }

    #[test]
    fn words_are_shown_as_soon_as_they_are_whole() {
        let mut stream = Stream::new(40, true);
        assert_eq!(stream.take("It goes"), "It");
        assert_eq!(stream.take(" on **by"), " goes on");
        assert_eq!(stream.take(" one** and"), " \x1b[1mby one\x1b[0m");
        assert_eq!(stream.take(" a\n\n`"), " and a");
        assert_eq!(stream.take("b` c"), "\n\n\x1b[36mb\x1b[0m");
        assert_eq!(stream.end(), " c\n");
    }

    #[test]
    fn a_beginning_that_gets_another_meaning_is_said_again_and_not_lost() {
        let shown = streamed("Title here\n===\n\nx\n", &[1], 40, false);
        assert!(
            shown.contains("# Title here") && shown.ends_with("x\n"),
            "{shown}"
        );
    }

    proptest! {
        #[test]
        fn no_word_is_lost_and_no_escape_comes_through(
            text in "[ab1 \n*_`#>|\\-\\[\\]()~.\u{1b}\u{9b}漢]{0,60}", piece in 1usize..9
        ) {
            let shown = streamed(&text, &[piece], 30, false);
            prop_assert!(!shown.contains(|c: char| c != '\n' && crate::base::text::is_hostile(c)));
            let words = |c: &char| matches!(c, 'a' | 'b' | '漢');
            let said = text.chars().filter(words).count();
            prop_assert!(shown.chars().filter(words).count() >= said, "{shown:?}");
        }
    }
}
