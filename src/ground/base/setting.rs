//! A value of the configuration and where it comes from.

use std::fmt;
use std::path::{Path, PathBuf};

/// The origin of a value. Later ones win.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The built-in value.
    Default,
    /// A theme chosen on the screen, kept in this file while the user's says nothing.
    Kept(PathBuf),
    /// The user's `config.toml`, and the line, from 1; 0 for the file as a whole.
    User(PathBuf, usize),
    /// `.homebody.toml` in the repository (harmless keys only), and the line.
    Repo(PathBuf, usize),
    /// An environment variable.
    Environment(&'static str),
    /// The command line.
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("built in"),
            Self::Kept(file) => {
                write!(f, "kept by /theme in {}", shown(file))
            }
            Self::User(file, 0) | Self::Repo(file, 0) => f.write_str(&shown(file)),
            Self::User(file, line) | Self::Repo(file, line) => {
                write!(f, "{}:{line}", shown(file))
            }
            Self::Environment(name) => f.write_str(name),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}

impl Origin {
    /// The same origin at a line of its file; one that is no file stays as it is.
    #[must_use]
    pub fn at(&self, line: usize) -> Self {
        match self {
            Self::User(file, _) => Self::User(file.clone(), line),
            Self::Repo(file, _) => Self::Repo(file.clone(), line),
            other => other.clone(),
        }
    }

    /// A word for the kind of origin, as programs read it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Kept(_) => "kept",
            Self::User(..) => "user",
            Self::Repo(..) => "repository",
            Self::Environment(_) => "environment",
            Self::CommandLine => "command_line",
        }
    }

    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Kept(file) | Self::User(file, _) | Self::Repo(file, _) => Some(file),
            _ => None,
        }
    }

    /// The line in the file, where it is known.
    pub const fn line(&self) -> Option<usize> {
        match self {
            Self::User(_, line) | Self::Repo(_, line) if *line > 0 => Some(*line),
            _ => None,
        }
    }
}

/// A path with nothing in it that a terminal obeys.
fn shown(file: &Path) -> String {
    super::text::printable(&file.to_string_lossy()).into_owned()
}

/// A value with its origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// The origin of the value.
    pub origin: Origin,
}

impl<T> Setting<T> {
    /// Makes a setting with its built-in value.
    pub const fn default_of(value: T) -> Self {
        Self {
            value,
            origin: Origin::Default,
        }
    }
}

impl<T> Setting<T> {
    /// Takes over a value with its origin.
    pub fn set(&mut self, value: T, origin: Origin) {
        self.value = value;
        self.origin = origin;
    }
}
