//! Where in an answer a text is.

use std::ops::Range;

use super::super::Form;
use crate::base::Letter;

/// What an edit's head begins with, and the end of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Verb {
    Create,
    Delete,
    End,
    Rename,
    Replace,
    Rewrite,
}

impl Verb {
    pub const ALL: [Self; 6] = [
        Self::Create,
        Self::Delete,
        Self::End,
        Self::Rename,
        Self::Replace,
        Self::Rewrite,
    ];
    /// Those that name a file that is there.
    pub const OF_FILES: [Self; 4] = [Self::Delete, Self::Rename, Self::Replace, Self::Rewrite];

    /// As it is written.
    pub const fn word(self) -> &'static [u8] {
        match self {
            Self::Create => b"create ",
            Self::Delete => b"delete ",
            Self::End => b"end",
            Self::Rename => b"rename ",
            Self::Replace => b"replace ",
            Self::Rewrite => b"rewrite ",
        }
    }

    /// The form of the edit.
    pub const fn form(self) -> Form {
        match self {
            Self::Create | Self::End => Form::Create,
            Self::Delete => Form::Delete,
            Self::Rename => Form::Rename,
            Self::Replace => Form::Replace,
            Self::Rewrite => Form::Rewrite,
        }
    }
}

/// What an edit is about, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct About {
    pub verb: Verb,
    /// The file: a number.
    pub file: u32,
    /// Its first line, from 0.
    pub first: u32,
    /// The line behind its last one.
    pub last: u32,
    /// Where in the answer the edit begins.
    pub begun: u32,
    /// Where a new name begins and ends.
    pub name_at: u32,
    pub name_end: u32,
    /// Where the new text begins.
    pub new_at: u32,
    /// The length of the fence.
    pub fence: u8,
}

impl About {
    /// An edit of which only the verb is known.
    pub const fn new(verb: Verb, begun: u32) -> Self {
        Self {
            verb,
            file: u32::MAX,
            first: 0,
            last: 0,
            begun,
            name_at: 0,
            name_end: 0,
            new_at: 0,
            fence: 7,
        }
    }

    /// The bytes of the answer that are the new name.
    pub const fn name(&self) -> Range<usize> {
        self.name_at as usize..self.name_end as usize
    }
}

/// How much of what begins a line specially has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// So many bytes of it, from the line's beginning on.
    At(u8),
    /// The line is another one.
    Not,
}

/// Where in an answer a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Between edits; `begun` is where that began, the mark `*** `.
    Prose {
        begun: u32,
        mark: Mark,
        letter: Letter,
    },
    /// In a verb: those that it may be, and bytes of it.
    Word { begun: u32, verbs: u8, depth: u8 },
    /// In the name of a file that is there: those of the list that it may be.
    Path {
        about: About,
        low: u32,
        high: u32,
        depth: u32,
    },
    /// Between two names.
    Arrow { about: About, depth: u8 },
    /// In a new name.
    New { about: About },
    /// Behind the colon, in the name of a definition: those that it may be.
    Name {
        about: About,
        low: u32,
        high: u32,
        depth: u32,
    },
    /// In the number of the first line, from 1.
    First { about: About, value: u32 },
    /// In the number of the last line, from 1.
    Last { about: About, value: u32 },
    /// In the opening fence.
    Open { about: About, length: u8 },
    /// In the text to be replaced, which may still be at several places.
    Old {
        about: About,
        low: u32,
        high: u32,
        depth: u32,
        lines: u32,
    },
    /// In the text to be replaced, at one place: in which line, how far, and how much of the
    /// separator these bytes could be.
    Only {
        about: About,
        line: u32,
        depth: u32,
        mark: Mark,
    },
    /// In the separator.
    Middle { about: About, length: u8 },
    /// In new text, the mark being the closing fence. `same` are bytes as in the old text; none
    /// once it differs.
    Text {
        about: About,
        mark: Mark,
        letter: Letter,
        same: Option<u32>,
    },
    /// Behind the end.
    End,
}

impl State {
    /// Between edits, at the beginning of a line.
    pub const fn start(begun: u32) -> Self {
        Self::Prose {
            begun,
            mark: Mark::At(0),
            letter: Letter::WHOLE,
        }
    }

    /// Whether an answer may end here, if it is one.
    pub const fn is_between(self) -> bool {
        match self {
            Self::Prose { letter, mark, .. } => letter.is_whole() && !matches!(mark, Mark::At(1..)),
            Self::End => true,
            _ => false,
        }
    }

    /// Where the edit begins that this is in.
    pub const fn begun(self) -> Option<u32> {
        match self {
            Self::Prose { .. } | Self::End => None,
            Self::Word { begun, .. } => Some(begun),
            Self::Path { about, .. }
            | Self::Arrow { about, .. }
            | Self::New { about }
            | Self::Name { about, .. }
            | Self::First { about, .. }
            | Self::Last { about, .. }
            | Self::Open { about, .. }
            | Self::Old { about, .. }
            | Self::Only { about, .. }
            | Self::Middle { about, .. }
            | Self::Text { about, .. } => Some(about.begun),
        }
    }
}
