//! The arguments of `debug`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Subcommand;

use super::number;

/// The commands of `debug`.
#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum DebugCommand {
    /// The JSON schema of the events
    Schema,
    /// The logits of some tokens, as float32, a row of the vocabulary a token
    Logits {
        /// A file of token ids, separated by blanks
        #[arg(long, value_name = "FILE")]
        tokens: PathBuf,
        /// Where to write
        #[arg(long, value_name = "FILE.f32")]
        out: PathBuf,
    },
    /// The token ids of a text, on one line
    Tokenize {
        /// The text
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Take control tokens for what they say
        #[arg(long)]
        special: bool,
        /// Say how long it took
        #[arg(long, hide = true)]
        time: bool,
    },
    /// A conversation as the chat template writes it
    Render {
        /// A JSON file: a list of messages, or an object with all variables of the template
        #[arg(long, value_name = "FILE")]
        messages: PathBuf,
        /// A template in a file of its own, instead of the model's
        #[arg(long, value_name = "FILE.jinja")]
        template: Option<PathBuf>,
    },
    /// Greedy text behind a raw prompt, as JSON
    Generate {
        /// The prompt
        #[arg(long, value_name = "FILE")]
        prompt: PathBuf,
        /// Tokens to write
        #[arg(long, value_name = "N", value_parser = number(1, 1_000_000))]
        max: u64,
    },
    /// What an unsealed process (--open) or a sealed one may do
    Seal {
        /// Do not put the seal on
        #[arg(long)]
        open: bool,
        /// Try from a child process too
        #[arg(long)]
        child: bool,
        /// List the open descriptors instead
        #[arg(long)]
        inherited: bool,
    },
    /// The values that may stand in place of the last word, with what is said of each
    Complete {
        /// The words behind the program's name, as far as they are typed
        #[arg(
            value_name = "WORD",
            trailing_var_arg = true,
            allow_hyphen_values = true
        )]
        words: Vec<OsString>,
    },
    #[cfg(feature = "lab")]
    #[command(flatten)]
    Lab(super::lab::LabCommand),
}
