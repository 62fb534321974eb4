//! The sorts of things that names stand for in git.

use serde::{Deserialize, Serialize};

/// The sort of thing that a name stands for, by git's modes (gitformat-index(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// A file that cannot be run.
    Plain,
    /// A file that can be run.
    Executable,
    /// A symbolic link: its text is where it leads.
    Link,
    /// A commit of another repository.
    Submodule,
}

impl FileKind {
    /// By a mode of git; none for that of nothing, and for folders.
    pub const fn of_mode(mode: u32) -> Option<Self> {
        match mode {
            0o100_644 | 0o100_664 => Some(Self::Plain),
            0o100_755 => Some(Self::Executable),
            0o120_000 => Some(Self::Link),
            0o160_000 => Some(Self::Submodule),
            _ => None,
        }
    }

    /// By a mode as diffs write it, in octal digits.
    pub fn of_digits(digits: &str) -> Option<Self> {
        u32::from_str_radix(digits.trim(), 8)
            .ok()
            .and_then(Self::of_mode)
    }

    /// The kinds before and after a change; none where both are plain files.
    pub fn worth_telling(
        before: Option<Self>,
        after: Option<Self>,
    ) -> (Option<Self>, Option<Self>) {
        match (before, after) {
            (Some(Self::Plain), Some(Self::Plain)) => (None, None),
            both => both,
        }
    }

    /// The mode of git, in octal digits.
    pub const fn digits(self) -> &'static str {
        match self {
            Self::Plain => "100644",
            Self::Executable => "100755",
            Self::Link => "120000",
            Self::Submodule => "160000",
        }
    }

    /// The kind in words, as it is told of one that is no plain file.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Plain => "a file",
            Self::Executable => "executable",
            Self::Link => "a link",
            Self::Submodule => "a submodule",
        }
    }
}
