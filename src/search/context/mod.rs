//! Floor 3: the context, which is what the model is shown within a budget, and what is left out,
//! said aloud.
//!
//! Law: pure choice and packing over values of `repo` and `index`; every excerpt knows where
//! it comes from; tokens are counted with the model's own tokenizer (`base::TokenCount`);
//! nothing like a clock or a random number goes into a prompt.

pub mod changes;
mod did_you_mean;
mod enclosing;
mod folder;
pub mod history;
pub mod map;
pub mod mention;
pub mod pack;
pub mod pick;
pub mod resolve;
pub mod rules;
pub mod told;

use serde::{Deserialize, Serialize};

use crate::base::{LineRange, RepoPath};

pub use changes::{
    DiffOverview, DiffPart, DiffPiece, DiffPieces, Surroundings, diff_overview, diff_pieces,
};
pub use did_you_mean::nearest;
pub use history::{Past, past};
pub use map::map;
pub use mention::{Changes, Mention, Named, mentions, named};
pub use pack::{pack, shows};
pub use pick::{Wanted, pick};
pub use resolve::{Resolved, resolve};
pub use rules::{Rules, rules};
pub use told::{Told, ToldKind, changes_told};

/// Why an excerpt is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The question names the file with `@`.
    Mention,
    /// The user pinned the file.
    Pinned,
    /// The search found the lines.
    Search,
    /// The lines are a definition around a change or a hit.
    Definition,
    /// The lines are part of the diff.
    Diff,
    /// The repository is small, and nothing in it was found.
    Small,
}

/// A line that an excerpt belongs to, though it lies outside its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameLine {
    /// Number of the line, from 1.
    pub number: u32,
    /// Text of the line, without its end.
    pub text: String,
}

/// Lines of a file as the model is shown them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// The number the model cites it by, from 1; numbers go on through a conversation.
    pub id: u32,
    /// Path of the file.
    pub path: RepoPath,
    /// Lines of the file.
    pub range: LineRange,
    /// Text of the lines, each with its newline.
    pub text: String,
    /// Lines above the excerpt that it belongs to, shown before it: imports that it uses, the
    /// first lines of the definitions it lies in.
    #[serde(default)]
    pub frame: Vec<FrameLine>,
    /// Full name of the definition that the excerpt is, if it is one: `Walk::next`.
    pub symbol: Option<String>,
    /// Reason why the excerpt is shown.
    pub why: Why,
    /// Tokens that the excerpt takes in the prompt, its heading included.
    pub tokens: usize,
}

/// Something that was wanted and is not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Path of the file.
    pub path: RepoPath,
    /// Lines of the file; none for all of it.
    pub range: Option<LineRange>,
    /// Tokens that these lines would have taken; 0 where not counted.
    pub tokens: usize,
    /// Reason in a few words: `does not fit`, `not in the repository`, `binary`.
    pub reason: String,
}

/// All that the model is shown for one request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// The excerpts in the order shown.
    pub excerpts: Vec<Excerpt>,
    /// Files and lines that were wanted and did not get in.
    pub left_out: Vec<LeftOut>,
    /// The project's rules as shown (path and text), in the stable part of the prompt.
    pub rules: Option<(RepoPath, String)>,
    /// The map of the repository, in the stable part of the prompt; empty for none.
    #[serde(default)]
    pub map: String,
    /// The history, where the question is about it.
    #[serde(default)]
    pub past: Option<Past>,
    /// The outlines of folders, and the changes, that the request names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<Told>,
    /// Tokens of the excerpts and outlines together.
    pub tokens: usize,
    /// Most tokens that the excerpts may take.
    pub budget: usize,
    /// True if the index was complete when the excerpts were chosen.
    pub index_complete: bool,
}
