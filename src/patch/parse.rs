//! Edit blocks out of an answer's text.

use super::Edit;

/// What an answer holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The edits in order.
    pub edits: Vec<Edit>,
    /// Blocks that could not be read, each with the reason, for the user and for a second try.
    pub troubles: Vec<String>,
    /// The text around the blocks, for the user.
    pub prose: String,
}

/// Finds the edit blocks in an answer.
pub fn parse(answer: &str) -> Parsed {
    Parsed {
        prose: answer.to_owned(),
        ..Parsed::default()
    }
}
