//! The arguments of `ask`, `patch`, `review` and `message`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::{number, seconds};
use crate::base::{RepoPath, Result};
use crate::jobs::Severity;

/// The arguments of `ask`.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct AskArgs {
    /// The question; @path, @path:10-40, @Type.method, @diff and @HEAD~1 name what it is about
    #[arg(value_name = "QUESTION")]
    pub(in crate::cli) question: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) part: PartArgs,
    /// List the excerpts that the model is shown
    #[arg(long)]
    pub(in crate::cli) show_context: bool,
    /// Go on with the last conversation; without a question, with the answer that was cut off
    #[arg(long = "continue")]
    pub(in crate::cli) go_on: bool,
    /// One event a line as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// The part of the repository that is looked at.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct PartArgs {
    /// Look at this file or folder alone (may be repeated)
    #[arg(long = "in", value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(in crate::cli) paths: Vec<String>,
}

impl PartArgs {
    /// The paths, as the repository has them.
    ///
    /// # Errors
    /// Of kind usage, for a path that leads out of the repository.
    pub(in crate::cli) fn within(&self) -> Result<Vec<RepoPath>> {
        // The root is all of it.
        let parts = self
            .paths
            .iter()
            .filter(|path| !matches!(path.as_str(), "." | "./"));
        parts.map(|path| RepoPath::new(path)).collect()
    }
}

/// The arguments of `patch`.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct PatchArgs {
    /// The change wanted; @path, @path:10-40, @Type.method and @diff name what it is about
    #[arg(value_name = "REQUEST")]
    pub(in crate::cli) request: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) part: PartArgs,
    /// Write the change to the working tree
    #[arg(long)]
    pub(in crate::cli) apply: bool,
    /// Change only this file (may be repeated)
    #[arg(long = "file", value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) files: Vec<String>,
    /// Run CMD with the change, in a copy of the repository; if it fails, and not as it does
    /// without the change, 1 is returned and --apply writes nothing
    #[arg(long, value_name = "CMD", value_hint = ValueHint::CommandString)]
    pub(in crate::cli) check: Option<String>,
    /// Try so many times to satisfy the check, each time with what it said
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = number(1, 20))]
    pub(in crate::cli) rounds: u64,
    /// One event a line as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// The arguments of `review`.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct ReviewArgs {
    #[command(flatten)]
    pub(in crate::cli) of: ReviewDiff,
    #[command(flatten)]
    pub(in crate::cli) part: PartArgs,
    /// How to print
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(in crate::cli) format: ReviewFormat,
    /// As JSON
    #[arg(long, conflicts_with = "format")]
    pub(in crate::cli) json: bool,
    /// Return 1 if a finding is at least so bad
    #[arg(long, value_name = "LEVEL")]
    pub(in crate::cli) fail_on: Option<Level>,
    /// Begin no further piece after T (90, 90s, 2m)
    #[arg(long, value_name = "T", value_parser = seconds)]
    pub(in crate::cli) max_time: Option<u64>,
    /// Have finding N of the last review fixed, and apply the fix
    #[arg(long, value_name = "N", value_parser = number(1, 10_000))]
    pub(in crate::cli) apply: Option<u64>,
    /// Put finding N of the last review aside, for good
    #[arg(long, value_name = "N", value_parser = number(1, 10_000), conflicts_with = "apply")]
    pub(in crate::cli) dismiss: Option<u64>,
    /// Say nothing of the findings that FILE lists
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) baseline: Option<PathBuf>,
    /// Write what is found to FILE, for --baseline
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) write_baseline: Option<PathBuf>,
    /// Called by a git hook: without a model the rules decide
    #[arg(long, hide = true)]
    pub(in crate::cli) hook: bool,
    /// Read again what was read before
    #[arg(long)]
    pub(in crate::cli) anew: bool,
    /// Have git run `homebody review` before each commit
    #[arg(long, conflicts_with_all = ["apply", "remove_hook"])]
    pub(in crate::cli) install_hook: bool,
    /// Take that back
    #[arg(long, conflicts_with = "apply")]
    pub(in crate::cli) remove_hook: bool,
}

/// The choice of the diff that is reviewed.
#[derive(Debug, Clone, Default, Args)]
#[group(multiple = false)]
pub(in crate::cli) struct ReviewDiff {
    /// What is staged (the default)
    #[arg(long)]
    pub(in crate::cli) staged: bool,
    /// What is not staged, new files included
    #[arg(long)]
    pub(in crate::cli) unstaged: bool,
    /// A commit
    #[arg(long, value_name = "REV")]
    pub(in crate::cli) commit: Option<String>,
    /// What lies between two commits
    #[arg(long, value_name = "A..B")]
    pub(in crate::cli) range: Option<String>,
    /// Everything since a branch
    #[arg(long, value_name = "BRANCH")]
    pub(in crate::cli) base: Option<String>,
    /// A unified diff on standard input
    #[arg(long)]
    pub(in crate::cli) stdin: bool,
}

/// The way in which a review is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ReviewFormat {
    /// For people
    #[default]
    Text,
    /// One object with the findings
    Json,
    /// For code hosts and editors
    Sarif,
}

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Level {
    /// Any finding
    Note,
    /// Warnings and errors
    Warning,
    /// Errors only
    Error,
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::Note => Self::Note,
            Level::Warning => Self::Warning,
            Level::Error => Self::Error,
        }
    }
}

/// The arguments of `undo`.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct UndoArgs {
    /// The patch, by its number in `--list` [default: the last one]
    #[arg(value_name = "N")]
    pub(in crate::cli) number: Option<u64>,
    /// List the patches that can be taken back
    #[arg(long, conflicts_with_all = ["number", "force"])]
    pub(in crate::cli) list: bool,
    /// Put the files back whatever stands there by now; that is kept, to be undone in its turn
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// As JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// The arguments of `message`.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct MessageArgs {
    /// One event a line as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

impl ReviewArgs {
    /// The format that is asked for, in either way.
    pub(in crate::cli) const fn wanted(&self) -> ReviewFormat {
        if self.json {
            ReviewFormat::Json
        } else {
            self.format
        }
    }
}
