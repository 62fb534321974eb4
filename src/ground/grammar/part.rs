//! The parts that a form is made of.

use std::rc::Rc;

use super::Choices;

/// The shortest fence.
pub const FENCE: u8 = 7;
/// The beginning of a line that ends words: the head of something else.
pub(super) const HEAD: &[u8] = b"*** ";

/// A part of a form. Sizes are in bytes, and about: they are looked at between tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// One of some texts; the answer may end before it where `may_end` says so. No texts: nothing
    /// more may come.
    OneOf {
        /// The texts.
        choices: Rc<Choices>,
        /// True if the answer may end here.
        may_end: bool,
    },
    /// Words for people, in lines, up to a line that begins with `*** `, which belongs to it.
    Words {
        /// True if the answer may end here.
        may_end: bool,
        /// True if such a line may begin; never before what was written so far is committed.
        opens: bool,
        /// How many bytes there may be before such a line must begin.
        most: Option<usize>,
    },
    /// A line of more than blanks, and its end. What follows must not be another line. It is cheap
    /// where the text before it ends with no blank: most tokens begin with one.
    Line {
        /// Its length at the most.
        most: usize,
    },
    /// A line of one byte again and again.
    Fence {
        /// The byte.
        byte: u8,
        /// How many there must be.
        least: u8,
        /// How many there may be.
        most: u8,
    },
    /// Whole lines of a file that stand at one place of it, going on as long as one likes, and a
    /// line of `=` behind them.
    LinesOf {
        /// The file's number.
        file: u32,
        /// Their length at the most.
        most: usize,
        /// How long the line behind them is.
        fence: u8,
    },
    /// Lines of a file by the name of a definition, or by their numbers from 1: `12-34`. And the
    /// end of the line.
    LinesBy {
        /// The file's number.
        file: u32,
        /// The length of the lines at the most.
        most: usize,
    },
    /// The path of a file that may be made, and the end of the line.
    NewPath,
    /// Lines up to one of `>`.
    Block {
        /// How long that line is.
        fence: u8,
        /// The length of the lines at the most. What is longer is without end: then only that line
        /// may come.
        most: usize,
        /// True if a line that is too long may be ended, so that the block ends; else nothing may
        /// come in it.
        forced: bool,
        /// How many lines there may be.
        lines: Option<u32>,
        /// A text that the block must not be.
        unlike: Option<Rc<[u8]>>,
    },
}

impl Part {
    /// One of some texts.
    pub fn one_of(texts: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self::OneOf {
            choices: Rc::new(Choices::new(texts)),
            may_end: false,
        }
    }

    /// The end: nothing may come.
    pub fn end() -> Self {
        Self::OneOf {
            choices: Rc::new(Choices::default()),
            may_end: true,
        }
    }
}
