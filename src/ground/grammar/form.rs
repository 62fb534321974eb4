//! The graph of a language: which part follows which.

use std::fmt::Debug;
use std::ops::Range;

use super::{ByteSet, FileLines, NewPaths, Part};
use crate::base::OrBug as _;

/// A language, as a graph: at each place a part is written, and what was written leads to the
/// next place. What the history of an answer forbids (lines that are taken, tokens that are left)
/// is in the parts; the places know nothing of it, so that a form can be printed.
pub trait Form {
    /// A place of the graph.
    type At: Clone + Ord + Debug;

    /// Where an answer begins.
    fn start(&self) -> Self::At;

    /// The part at a place, after what was written.
    fn part(&self, at: &Self::At, answer: &Answer<'_, Self::At>) -> Part;

    /// Where a part leads.
    fn after(&self, at: &Self::At, value: Value) -> Self::At;

    /// The part at a place as the history that forbids least would have it.
    fn widest(&self, at: &Self::At) -> Part {
        self.part(at, &Answer::unwritten())
    }

    /// Parts were committed: all that were said but the first `before`.
    fn commit(&mut self, _answer: &Answer<'_, Self::At>, _before: usize) {}

    /// The bytes that can be written at all.
    fn set_alphabet(&mut self, _bytes: ByteSet) {}

    /// A file that parts speak of.
    fn file(&self, _number: u32) -> Option<&FileLines> {
        None
    }

    /// The new paths that there may be.
    fn new_paths(&self) -> Option<&NewPaths<'_>> {
        None
    }
}

/// The outcome of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// The number of the text that was chosen.
    Chosen(u32),
    /// A text of its own: see [`Said::text`].
    Text,
    /// So many bytes.
    Count(u8),
    /// Lines of a file, from 0; the second number is behind the last.
    Lines(u32, u32),
}

/// A part that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said<At> {
    /// Its place in the form.
    pub at: At,
    /// The outcome of the part.
    pub value: Value,
    /// Where in the answer its text is: the words without the head, the line without its end, the
    /// lines without the fence.
    pub text: Range<usize>,
    /// Where in the answer it ends.
    pub end: usize,
}

/// An answer so far.
#[derive(Debug)]
pub struct Answer<'a, At> {
    /// All bytes.
    pub written: &'a [u8],
    /// The parts that are complete.
    pub said: &'a [Said<At>],
    /// How many tokens may still be written.
    pub left: usize,
}

impl<'a, At> Answer<'a, At> {
    /// Nothing yet, and room for everything.
    pub const fn unwritten() -> Self {
        Self {
            written: &[],
            said: &[],
            left: usize::MAX,
        }
    }

    /// The text of a part.
    pub fn text(&self, said: &Said<At>) -> &'a [u8] {
        let text = self.written.get(said.text.clone());
        text.or_bug("a part lies outside of the answer")
    }
}
