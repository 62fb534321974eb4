//! Tones: the colours and weights of what is printed.

/// A colour or weight, for a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// Text as it is.
    Plain,
    /// Headings.
    Bold,
    /// Text that is stressed.
    Italic,
    /// Less important text.
    Dim,
    /// Errors, removed lines.
    Red,
    /// Added lines, good news.
    Green,
    /// Warnings.
    Yellow,
    /// Names and places.
    Cyan,
}

impl Tone {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "\x1b[1m",
            Self::Italic => "\x1b[3m",
            Self::Dim => "\x1b[2m",
            Self::Red => "\x1b[31m",
            Self::Green => "\x1b[32m",
            Self::Yellow => "\x1b[33m",
            Self::Cyan => "\x1b[36m",
        }
    }
}
