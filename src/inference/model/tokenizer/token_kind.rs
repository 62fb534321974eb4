//! The sort of a token: the file's word on it, and that of its text.

use crate::model::chat::TAGS;

/// The sort of a token, as GGUF numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Ordinary text.
    Normal,
    /// The token for unknown text.
    Unknown,
    /// A token that steers the conversation; parsed only where the template wrote it, never
    /// printed.
    Control,
    /// A token matched as a whole wherever it stands, and printed.
    UserDefined,
    /// A token never to be written (`[PAD…]`).
    Unused,
    /// A token for a single byte.
    Byte,
}

impl TokenKind {
    /// Returns the kind that GGUF gives this number; ordinary text for one that GGUF does not
    /// know.
    pub(in crate::model) const fn of(number: u64) -> Self {
        match number {
            2 => Self::Unknown,
            3 => Self::Control,
            4 => Self::UserDefined,
            5 => Self::Unused,
            6 => Self::Byte,
            _ => Self::Normal,
        }
    }
}

/// The tags around calls of tools and their results, which steer a conversation although they
/// are printed.
const TOOL_TAGS: [&str; 4] = [
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
];

fn is_thinking_tag(text: &str) -> bool {
    TAGS.iter()
        .any(|tags| text == tags.open || text == tags.close)
}

/// Returns the kind of a token, corrected where its text says more than the file: the tags around
/// a thought are written and seen by all, and tokens that only fill the table up are never
/// written.
pub(super) fn kind_by_text(text: &str, kind: TokenKind) -> TokenKind {
    let filler = text
        .strip_prefix("[PAD")
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    match kind {
        _ if filler => TokenKind::Unused,
        TokenKind::Control if is_thinking_tag(text) => TokenKind::UserDefined,
        kind => kind,
    }
}

/// Tells whether a user-defined token steers the conversation. The others are runs of blanks, HTML
/// tags and the like, which some vocabularies hold as a whole.
pub(super) fn steers(text: &str, template: &str) -> bool {
    let between = |open: char, close: char| text.starts_with(open) && text.ends_with(close);
    let tag = between('<', '>') || between('[', ']');
    is_thinking_tag(text)
        || TOOL_TAGS.contains(&text)
        || tag && (between('<', '>') && text.contains('|') || template.contains(text))
}
