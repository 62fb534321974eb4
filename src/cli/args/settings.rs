//! The arguments of `config`.

use clap::{Args, Subcommand};

/// The arguments of `config`.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct ConfigArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<ConfigCommand>,
    /// Only what differs from what is built in
    #[arg(long)]
    pub(in crate::cli) changed: bool,
    /// As JSON
    #[arg(long, global = true)]
    pub(in crate::cli) json: bool,
}

/// The commands of `config`.
#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum ConfigCommand {
    /// Show every key with what it takes, its value and where that comes from (the default)
    List,
    /// Print the value of a key
    Get {
        /// The key, as `homebody config` lists it
        #[arg(value_name = "KEY")]
        key: String,
    },
    /// Set a key in your own file; comments and order in it stay
    Set {
        /// The key, as `homebody config` lists it
        #[arg(value_name = "KEY")]
        key: String,
        /// The value; of a list, each item or the list as TOML
        #[arg(value_name = "VALUE", required = true, allow_negative_numbers = true)]
        value: Vec<String>,
    },
    /// Take a key out of your own file
    Unset {
        /// The key
        #[arg(value_name = "KEY")]
        key: String,
    },
    /// Print the path of your own file, be it there or not
    Path,
    /// Open your own file in $VISUAL or $EDITOR, and check it
    Edit,
}
