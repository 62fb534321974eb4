//! Motions of the composer's cursor: by graphemes, words, lines.

use std::ops::Range;

use super::composer::Composer;

/// How a word or character can be stepped over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// One grapheme to the left.
    Left,
    /// One grapheme to the right.
    Right,
    /// To the start of the word before.
    WordLeft,
    /// Behind the end of the next word.
    WordRight,
    /// To the start of the line.
    LineStart,
    /// To the end of the line.
    LineEnd,
    /// To the start of the text.
    TextStart,
    /// To the end of the text.
    TextEnd,
}

impl Composer {
    /// From the cursor to where a motion leads, in order.
    pub(super) fn span(&self, motion: Motion) -> Range<usize> {
        let to = self.target(motion);
        self.cursor().min(to)..self.cursor().max(to)
    }

    pub(super) fn target(&self, motion: Motion) -> usize {
        match motion {
            Motion::Left => self.left_of(self.cursor()),
            Motion::Right => self.right_of(self.cursor()),
            Motion::WordLeft => {
                let before = self.before();
                let word = before.trim_end();
                let class = word.chars().next_back().map(class);
                word.trim_end_matches(|c| Some(self::class(c)) == class)
                    .len()
            }
            Motion::WordRight => {
                let after = self.after();
                let rest = after.trim_start();
                let class = rest.chars().next().map(class);
                let end = rest.trim_start_matches(|c| Some(self::class(c)) == class);
                self.boundary_at_or_after(self.text().len() - end.len())
            }
            Motion::LineStart => self.before().rfind('\n').map_or(0, |at| at + 1),
            Motion::LineEnd => self
                .after()
                .find('\n')
                .map_or(self.text().len(), |at| self.cursor() + at),
            Motion::TextStart => 0,
            Motion::TextEnd => self.text().len(),
        }
    }
}

/// Space, part of a word, or neither.
pub(super) fn class(c: char) -> u8 {
    if c.is_whitespace() {
        0
    } else if c.is_alphanumeric() || c == '_' {
        1
    } else {
        2
    }
}
