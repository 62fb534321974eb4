//! The arguments of `sessions` and `forget`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

/// The arguments of `sessions`.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct SessionsArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<SessionsCommand>,
    /// As JSON
    #[arg(long, global = true)]
    pub(in crate::cli) json: bool,
}

/// The commands of `sessions`.
#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum SessionsCommand {
    /// List the conversations about this repository, newest first (the default)
    List,
    /// Search in all that was said, proposed and found
    Search {
        /// The words, as they stand there; upper and lower case are one
        #[arg(value_name = "WORDS", required = true)]
        words: Vec<String>,
    },
    /// Print a conversation as Markdown
    Show {
        /// The conversation: its id, or as much of it as no other has
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Write a conversation to a file, as Markdown or, with --json, with everything in it
    Export {
        /// The conversation: its id, or as much of it as no other has
        #[arg(value_name = "ID")]
        id: String,
        /// The file; it must not be there yet
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Give a conversation a title
    Rename {
        /// The conversation: its id, or as much of it as no other has
        #[arg(value_name = "ID")]
        id: String,
        /// The title
        #[arg(value_name = "TITLE", required = true)]
        title: Vec<String>,
    },
    /// Delete conversations
    Delete {
        /// The conversations: their ids, or as much of each as no other has
        #[arg(value_name = "ID", required_unless_present = "all")]
        ids: Vec<String>,
        /// All about this repository
        #[arg(long, conflicts_with = "ids")]
        all: bool,
        /// Say what would be deleted, and delete nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// The arguments of `forget`.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct ForgetArgs {
    /// Of all repositories
    #[arg(long)]
    pub(in crate::cli) all: bool,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// As JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
