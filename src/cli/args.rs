//! The command line as values: one definition feeds parser, help, manual and completions.

mod debug;
mod jobs;
#[cfg(feature = "lab")]
mod lab;
mod meaning;
mod sessions;
mod settings;

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{
    Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum, ValueHint,
};

use crate::base::config::{ColorChoice, Overrides};

pub(super) use debug::DebugCommand;
pub(super) use jobs::{
    AskArgs, MessageArgs, PartArgs, PatchArgs, ReviewArgs, ReviewFormat, UndoArgs,
};
#[cfg(feature = "lab")]
pub(super) use lab::{GrammarLanguage, GrammarNotation, LabCommand};
pub(super) use sessions::{ForgetArgs, SessionsArgs, SessionsCommand};
pub(super) use settings::{ConfigArgs, ConfigCommand};

/// The colours of the help.
const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// The words behind the help.
const AFTER: &str = "Without a command the screen opens on the repository at PATH.\n\
Piped input is added: git log -5 | homebody ask \"what changed?\"\n\n\
Exit codes: 0 done, 1 a negative answer, 2 usage, configuration or environment,\n\
130 interrupted, 255 a bug.";

/// A coding assistant for the terminal that never leaves the machine.
#[derive(Debug, Parser)]
#[command(
    name = "homebody",
    version,
    about,
    styles = STYLES,
    after_help = AFTER,
    override_usage = "homebody [OPTIONS] [PATH]\n       homebody [OPTIONS] <COMMAND>",
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(super) struct CommandLine {
    #[command(flatten)]
    pub(super) screen: Screen,
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// The arguments of the screen.
#[derive(Debug, Args)]
#[command(next_help_heading = "The screen")]
pub(super) struct Screen {
    /// The folder to open [default: here]
    #[arg(value_name = "PATH", value_hint = ValueHint::DirPath)]
    pub(super) path: Option<PathBuf>,
    /// Go on with a conversation: the last one, or the one named
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "", require_equals = true)]
    pub(super) resume: Option<String>,
    /// Lines in order instead of a screen, for screen readers
    #[arg(long)]
    pub(super) plain_ui: bool,
    /// The theme
    #[arg(long, value_name = "NAME")]
    pub(super) theme: Option<String>,
    #[command(flatten)]
    pub(super) part: PartArgs,
}

/// The options that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(super) struct Global {
    /// Work in DIR
    #[arg(short = 'C', value_name = "DIR", global = true, value_hint = ValueHint::DirPath)]
    pub(super) dir: Option<PathBuf>,
    /// The model: a name of `models list`, or a GGUF file
    #[arg(long, value_name = "NAME|FILE.gguf", global = true)]
    pub(super) model: Option<String>,
    /// Threads to compute with; 0 for one a core
    #[arg(long, value_name = "N", global = true, value_parser = number(0, 1024))]
    pub(super) threads: Option<u64>,
    /// Context in tokens; 0 for what suits model and memory
    #[arg(long, value_name = "N", global = true, value_parser = number(0, 16_000_000))]
    pub(super) ctx: Option<u64>,
    /// Tokens that excerpts may take; 0 to choose by the measured speed
    #[arg(long, value_name = "TOKENS", global = true, value_parser = number(0, 16_000_000))]
    pub(super) budget: Option<u64>,
    /// Same seed, same text
    #[arg(long, value_name = "N", global = true)]
    pub(super) seed: Option<u64>,
    /// 0 takes the most likely token
    #[arg(long, value_name = "T", global = true, value_parser = temperature)]
    pub(super) temperature: Option<f32>,
    /// When to colour
    #[arg(long, value_name = "WHEN", global = true)]
    pub(super) color: Option<When>,
    /// Leave nothing of what is asked and answered on disk
    #[arg(long, visible_alias = "no-log", global = true)]
    pub(super) no_save: bool,
    /// Fetch a model that is needed without asking
    #[arg(short, long, global = true)]
    pub(super) yes: bool,
    /// No progress, no notes
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Say more: figures, thinking, what was chosen
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(super) verbose: bool,
    /// Play a script instead of a model
    #[arg(long, value_name = "script:FILE", global = true, hide = true, value_parser = script)]
    pub(super) engine: Option<PathBuf>,
}

/// The choice of when to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Answer a question about the code, with sources
    Ask(AskArgs),
    /// Propose a change as a unified diff, or apply it
    Patch(PatchArgs),
    /// Take back the last applied patch, or another
    Undo(UndoArgs),
    /// Review what is staged, or another diff
    Review(ReviewArgs),
    /// Write a commit message for what is staged
    Message(MessageArgs),
    /// Find files and definitions
    Search(SearchArgs),
    /// Show what the model would be shown; runs no model
    Context(ContextArgs),
    /// Bring the index up to date
    Index(IndexArgs),
    /// List, fetch and choose models
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Measure the speed and memory of the engine
    Bench(BenchArgs),
    /// Say what was found, what fits, and prove that no socket can be opened
    Doctor(DoctorArgs),
    /// Show, explain and change settings
    Config(ConfigArgs),
    /// List, search, show, export, rename and delete conversations
    Sessions(SessionsArgs),
    /// Remove the index, conversations and undo records of this repository
    Forget(ForgetArgs),
    /// Print a script that completes commands in a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
    /// For those who work on homebody
    #[command(subcommand, hide = true)]
    Debug(DebugCommand),
}

/// The arguments of `search`.
#[derive(Debug, Clone, Args)]
pub(super) struct SearchArgs {
    /// What to look for, in words or code
    #[arg(value_name = "QUERY", required_unless_present = "query_file")]
    pub(super) query: Vec<String>,
    #[command(flatten)]
    pub(super) part: PartArgs,
    /// So many results
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = number(1, 1000))]
    pub(super) top: u64,
    /// How to print
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: SearchFormat,
    /// As JSON, one hit a line
    #[arg(long, conflicts_with = "format")]
    pub(super) json: bool,
    /// Read the query from a file
    #[arg(long, value_name = "F", conflicts_with = "query", value_hint = ValueHint::FilePath)]
    pub(super) query_file: Option<PathBuf>,
}

/// The way in which hits are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SearchFormat {
    /// For people
    Text,
    /// Paths, each once
    Paths,
    /// path:start-end
    Ranges,
    /// One object a line
    Json,
}

/// The arguments of `context`.
#[derive(Debug, Clone, Args)]
pub(super) struct ContextArgs {
    /// Print the messages whole, as the model would be sent them
    #[arg(long)]
    pub(super) full: bool,
    #[command(subcommand)]
    pub(super) of: ContextOf,
}

/// The job whose context is shown.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum ContextOf {
    /// Of a question
    Ask(AskArgs),
    /// Of a change
    Patch(PatchArgs),
    /// Of a review
    Review(ReviewArgs),
}

/// The arguments of `index`.
#[derive(Debug, Clone, Args)]
pub(super) struct IndexArgs {
    /// Throw away what is there and begin anew
    #[arg(long)]
    pub(super) rebuild: bool,
    /// Say what it holds
    #[arg(long)]
    pub(super) stats: bool,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// The commands of `models`.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum ModelsCommand {
    /// What there is, what is here, what fits
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Fetch a model of the list, or of any GGUF repository of the Hugging Face hub
    Pull {
        /// A name of the list, OWNER/REPO to see what it has, or OWNER/REPO:FILE, where a part of
        /// the file's name such as Q4_K_M will do
        #[arg(value_name = "NAME|OWNER/REPO[:FILE]")]
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Run every job once, short and for real, and say what came of it
    Try {
        /// The model [default: the one in use]
        name: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a GGUF file known where it lies
    Add {
        /// The file
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// The name to give it [default: the file's]
        #[arg(long)]
        name: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Check a model's file against its size and checksum
    Verify {
        /// The model
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Forget a model; a file that homebody fetched is deleted
    Remove {
        /// The model
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Use this model from now on
    Use {
        /// The model
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

impl ModelsCommand {
    /// Tells whether the answer is wanted as JSON.
    pub(super) const fn json(&self) -> bool {
        match self {
            Self::List { json }
            | Self::Pull { json, .. }
            | Self::Try { json, .. }
            | Self::Add { json, .. }
            | Self::Verify { json, .. }
            | Self::Remove { json, .. }
            | Self::Use { json, .. } => *json,
        }
    }
}

/// The arguments of `bench`.
#[derive(Debug, Clone, Args)]
pub(super) struct BenchArgs {
    /// Tokens to read
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = number(1, 1_000_000))]
    pub(super) prompt: u64,
    /// Tokens to write; 0 for none
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = number(0, 1_000_000))]
    pub(super) r#gen: u64,
    /// Tokens to hold before writing; what the prompt lacks is read too, but not timed
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = number(0, 1_000_000))]
    pub(super) depth: u64,
    /// Measure what drafts from the text are worth instead: an edited function, and prose
    #[arg(long)]
    #[cfg(feature = "lab")]
    pub(super) drafts: bool,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// The arguments of `doctor`.
#[derive(Debug, Clone, Args)]
pub(super) struct DoctorArgs {
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// The arguments of `completions`.
#[derive(Debug, Clone, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    pub(super) shell: clap_complete::Shell,
}

impl Global {
    /// The settings that the options override.
    pub(super) fn overrides(&self, theme: Option<String>) -> Overrides {
        Overrides {
            model: self.model.clone(),
            threads: self.threads.map(|n| n as usize),
            ctx: self.ctx.map(|n| n as usize),
            budget: self.budget.map(|n| n as usize),
            seed: self.seed,
            temperature: self.temperature,
            theme,
            color: self.color.map(|when| match when {
                When::Auto => ColorChoice::Auto,
                When::Always => ColorChoice::Always,
                When::Never => ColorChoice::Never,
            }),
            save: self.no_save.then_some(false),
        }
    }
}

/// The definition as clap holds it, for parser, help, manual and completions: every command shows
/// the options that mean something to it, and takes the others all the same.
pub(super) fn definition() -> clap::Command {
    let mut whole = CommandLine::command();
    // Only then does every command have the options of all.
    whole.build();
    meaning::shown(whole)
}

/// The names of the options that every command takes.
fn everywhere() -> Vec<String> {
    let global = Global::augment_args(clap::Command::new("global"));
    let ids = global.get_arguments().map(|arg| arg.get_id().to_string());
    ids.collect()
}

/// Reads a command line.
pub(super) fn parsed(words: &[std::ffi::OsString]) -> Result<CommandLine, clap::Error> {
    let mut definition = definition();
    let matches = definition.try_get_matches_from_mut(words)?;
    CommandLine::from_arg_matches(&matches).map_err(|error| error.format(&mut definition))
}

/// A parser of numbers in a range.
fn number(least: u64, most: u64) -> clap::builder::RangedU64ValueParser<u64> {
    clap::builder::RangedU64ValueParser::<u64>::new().range(least..=most)
}

/// Parses a temperature.
fn temperature(text: &str) -> Result<f32, String> {
    text.parse::<f32>()
        .ok()
        .filter(|t| (0.0..=10.0).contains(t))
        .ok_or_else(|| "it takes a number from 0 to 10".to_owned())
}

/// Parses `script:FILE`.
fn script(text: &str) -> Result<PathBuf, String> {
    text.strip_prefix("script:")
        .filter(|file| !file.is_empty())
        .map(PathBuf::from)
        .ok_or_else(|| "it takes script:FILE".to_owned())
}

/// Parses a time to seconds: `90`, `90s`, `2m`, `1h`.
fn seconds(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 's')) => (text.get(..at), 1),
        Some((at, 'm')) => (text.get(..at), 60),
        Some((at, 'h')) => (text.get(..at), 3600),
        _ => (Some(text), 1),
    };
    digits
        .and_then(|digits| digits.parse::<u64>().ok())
        .filter(|n| (1..=1_000_000).contains(n))
        .map(|n| n * unit)
        .ok_or_else(|| "it takes a time such as 90, 90s or 2m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_holds_together() {
        definition().debug_assert();
    }

    #[test]
    fn times_are_read() {
        assert_eq!(seconds("90"), Ok(90));
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("2m"), Ok(120));
        for wrong in ["", "m", "0", "-1", "1x", "2ü", "99999999999999999999h"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn settings_may_stand_before_and_after_the_command() {
        let line =
            CommandLine::try_parse_from(["homebody", "-C", "x", "ask", "why", "--seed", "3"])
                .expect("good");
        assert_eq!(line.global.seed, Some(3));
        assert_eq!(line.global.dir, Some("x".into()));
        assert!(matches!(line.command, Some(Command::Ask(ask)) if ask.question == ["why"]));
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for wrong in [
            &["homebody", "patch", "x", "--rounds", "21"][..],
            &["homebody", "review", "--staged", "--unstaged"],
            &["homebody", "ask", "x", "-q", "-v"],
            &["homebody", "search"],
            &["homebody", "ask", "x", "--temperature", "-1"],
            &["homebody", "ask", "x", "--engine", "file"],
        ] {
            assert!(CommandLine::try_parse_from(wrong).is_err(), "{wrong:?}");
        }
    }
}
