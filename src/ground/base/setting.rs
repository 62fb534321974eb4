//! A value of the configuration and where it comes from.

use std::fmt;
use std::path::PathBuf;

/// The origin of a value. Later ones win.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The built-in value.
    Default,
    /// The user's `config.toml`.
    User(PathBuf),
    /// `.homebody.toml` in the repository (harmless keys only).
    Repo(PathBuf),
    /// An environment variable.
    Environment(&'static str),
    /// The command line.
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("built in"),
            Self::User(file) | Self::Repo(file) => {
                f.write_str(&super::text::printable(&file.to_string_lossy()))
            }
            Self::Environment(name) => f.write_str(name),
            Self::CommandLine => f.write_str("command line"),
        }
    }
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
