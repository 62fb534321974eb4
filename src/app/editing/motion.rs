//! Motions of the composer's cursor: by graphemes, words, lines.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::app::editing::composer::Composer;
use crate::base::OrBug as _;

/// Words are looked for from a cursor, or from where an earlier step led.
const OFF: &str = "a word is looked for from within a character";

/// A motion of the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// A grapheme to the left.
    Left,
    /// A grapheme to the right.
    Right,
    /// Start of the word before.
    WordLeft,
    /// End of the next word.
    WordRight,
    /// Start of the line.
    LineStart,
    /// End of the line.
    LineEnd,
    /// Start of the text.
    TextStart,
    /// End of the text.
    TextEnd,
}

impl Composer {
    /// Returns the byte range between the cursor and the target of a motion, in order.
    pub(in crate::app) fn span(&self, motion: Motion) -> Range<usize> {
        let to = self.target(motion);
        self.cursor().min(to)..self.cursor().max(to)
    }

    pub(in crate::app) fn target(&self, motion: Motion) -> usize {
        match motion {
            Motion::Left => self.left_of(self.cursor()),
            Motion::Right => self.right_of(self.cursor()),
            Motion::WordLeft => word_left(self.text(), self.cursor()),
            Motion::WordRight => word_right(self.text(), self.cursor()),
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

/// Tells the class of a grapheme; 0 is space.
pub(in crate::app) type Class = fn(&str) -> u8;

/// The class of a grapheme: 0 for space, 1 for a part of a word, 2 for the rest. The first
/// character decides, so that what is joined to it (an accent, the parts of an emoji) is never
/// parted from it.
pub(in crate::app) fn class(grapheme: &str) -> u8 {
    match grapheme.chars().next() {
        Some(c) if c.is_whitespace() => 0,
        Some(c) if c.is_alphanumeric() || c == '_' => 1,
        _ => 2,
    }
}

/// The class of a grapheme where only space parts words.
pub(in crate::app) fn whole_class(grapheme: &str) -> u8 {
    class(grapheme).min(1)
}

/// Returns the start of the word before the byte offset `at`.
fn word_left(text: &str, at: usize) -> usize {
    word_left_by(text, at, class)
}

/// Returns the end of the word that `at` is in, or of the next one.
fn word_right(text: &str, at: usize) -> usize {
    word_right_by(text, at, class)
}

/// Returns the start of the word before the byte offset `at`, by classes of graphemes.
pub(in crate::app) fn word_left_by(text: &str, at: usize, class: Class) -> usize {
    let before = text.get(..at).or_bug(OFF);
    let mut graphemes = before
        .grapheme_indices(true)
        .rev()
        .skip_while(|(_, g)| class(g) == 0);
    let Some((last, grapheme)) = graphemes.next() else {
        return 0;
    };
    let wanted = class(grapheme);
    graphemes
        .take_while(|(_, g)| class(g) == wanted)
        .last()
        .map_or(last, |(start, _)| start)
}

/// Returns the end of the word that `at` is in, or of the next one, by classes of graphemes.
pub(in crate::app) fn word_right_by(text: &str, at: usize, class: Class) -> usize {
    let mut wanted = 0;
    for (i, grapheme) in text.get(at..).or_bug(OFF).grapheme_indices(true) {
        let class = class(grapheme);
        if wanted != 0 && class != wanted {
            return at + i;
        }
        wanted = class;
    }
    text.len()
}

/// Returns the start of the next word behind the byte offset `at`, by classes of graphemes.
pub(in crate::app) fn next_word_by(text: &str, at: usize, class: Class) -> usize {
    let mut wanted = None;
    for (i, grapheme) in text.get(at..).or_bug(OFF).grapheme_indices(true) {
        let class = class(grapheme);
        if class != 0 && wanted.is_some_and(|wanted| wanted != class) {
            return at + i;
        }
        // Behind a space any word is the next one.
        wanted = Some(class);
    }
    text.len()
}
