//! The rows of the side panel.

use crate::base::{LineRange, RepoPath};

/// A row of the side panel.
#[derive(Debug, Clone, PartialEq)]
pub enum PanelRow {
    /// The project's rules, always shown.
    Rules {
        /// The path of the rules.
        path: RepoPath,
        /// The text of the rules.
        text: String,
    },
    /// Something else that is shown: the history where the question is about it, the file map.
    Told {
        /// The kind, in a word: `history`, `map`, `folded`.
        what: &'static str,
        /// The heading: `2 commits since v1`.
        title: String,
        /// The text as the model is shown it.
        text: String,
        /// Number of tokens; 0 where not counted.
        tokens: usize,
    },
    /// An excerpt that was (or would be) shown.
    Excerpt {
        /// The number the answer cites it by.
        id: u32,
        /// The path of the file.
        path: RepoPath,
        /// The range of lines.
        range: LineRange,
        /// The text, where it is known; else look in [`State::code`].
        text: Option<String>,
        /// The name of the definition the excerpt is.
        symbol: Option<String>,
        /// The reason it was chosen: `named`, `pinned`, `search`, `definition`, `diff`.
        why: Option<&'static str>,
        /// Number of tokens; 0 where not known.
        tokens: usize,
        /// True if the answer cites the excerpt.
        cited: bool,
        /// True if the file is pinned now.
        pinned: bool,
        /// True if the file is dropped from the next question on.
        dropped: bool,
    },
    /// An excerpt that did not get in.
    LeftOut {
        /// The path of the file.
        path: RepoPath,
        /// The range of lines; none for the whole file.
        range: Option<LineRange>,
        /// Number of tokens it would have taken; 0 where not counted.
        tokens: usize,
        /// The reason it was left out.
        reason: String,
    },
}
