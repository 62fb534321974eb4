//! The places in an answer with edits.

use super::super::EditKind;

/// The place that new text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A new file.
    File,
    /// Lines of a file, from 0, the last number behind them.
    Lines(EditKind, u32, u32, u32),
    /// Lines of a file that are still to be said.
    Place(u32),
}

/// The places in an answer with edits. Files are told by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EditAt {
    /// The text between edits.
    Words,
    /// The word behind `*** `.
    Verb,
    /// The name of a file that is there, in an edit of that kind.
    Path(EditKind),
    /// The name of a new file, or the new name of a file that is there.
    NewPath(Option<u32>),
    /// The name of a definition, or the numbers of lines, of a file.
    Lines(u32),
    /// The fence before a text.
    Fence(Target),
    /// The lines of a file that are replaced; with the length of the fence.
    Old(u32, u8),
    /// New text; with the length of the fence.
    New(Target, u8),
    /// The end, behind the last edit.
    End,
}
