//! An error as it is shown to a person: a kind, what happened, why, and what to do next.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The result of everything in this crate that can fail.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// The kind of a failure. The kind alone decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A command line or a request in the UI that cannot be understood.
    Usage,
    /// A configuration file, theme or prompt template that is wrong.
    Config,
    /// Trouble with the machine: no memory, no disk, no permission, no network.
    Environment,
    /// A file or repository that is broken or of an unsupported form.
    Input,
    /// A model that cannot be found, loaded or run.
    Model,
    /// A stop by the user.
    Interrupted,
    /// A mistake of this program.
    Bug,
}

impl Kind {
    /// Returns the process exit code for a failure of this kind.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Usage | Self::Config | Self::Environment | Self::Input | Self::Model => 2,
            Self::Interrupted => 130,
            Self::Bug => 255,
        }
    }

    /// Returns the kind in one lower-case word, as it stands in JSON events.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Config => "config",
            Self::Environment => "environment",
            Self::Input => "input",
            Self::Model => "model",
            Self::Interrupted => "interrupted",
            Self::Bug => "bug",
        }
    }
}

/// An error a person can act on.
///
/// `what` is one sentence without a full stop, in lower case, naming the thing concerned.
/// `causes` go from the nearest to the root. `hint` is the next step, where there is one.
/// The texts may hold names from the repository: whoever shows them passes them through
/// [`crate::base::text::printable`] first. [`fmt::Display`] does that already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    kind: Kind,
    what: String,
    causes: Vec<String>,
    hint: Option<String>,
}

impl Failure {
    /// Makes a failure of the given kind.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            causes: Vec::new(),
            hint: None,
        }
    }

    /// Makes a failure for a command line or request that cannot be understood.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Kind::Usage, what)
    }

    /// Makes a failure for a configuration, theme or template that is wrong.
    pub fn config(what: impl Into<String>) -> Self {
        Self::new(Kind::Config, what)
    }

    /// Makes a failure for trouble with the machine.
    pub fn environment(what: impl Into<String>) -> Self {
        Self::new(Kind::Environment, what)
    }

    /// Makes a failure for a broken or unsupported file or repository.
    pub fn input(what: impl Into<String>) -> Self {
        Self::new(Kind::Input, what)
    }

    /// Makes a failure for a model that cannot be found, loaded or run.
    pub fn model(what: impl Into<String>) -> Self {
        Self::new(Kind::Model, what)
    }

    /// Makes a failure for a stop by the user.
    pub fn interrupted() -> Self {
        Self::new(Kind::Interrupted, "stopped")
    }

    /// Makes a failure for a mistake of this program.
    pub fn bug(what: impl Into<String>) -> Self {
        Self::new(Kind::Bug, what)
            .hint("this is a bug in homebody; please report it with the command that led here")
    }

    /// Adds the next cause behind those that are there.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    /// Adds an error and its whole chain of sources as causes.
    #[must_use]
    pub fn caused_by(mut self, error: &dyn std::error::Error) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            // Many libraries repeat their source's text in their own.
            if self.causes.last().is_none_or(|last| !last.contains(&text)) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Sets the next step for the user.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns the kind of the failure.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the sentence that tells the failure.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Returns the causes, from the nearest to the root.
    pub fn causes(&self) -> &[String] {
        &self.causes
    }

    /// Returns the next step for the user, where there is one.
    pub fn next_step(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Tells whether the failure is a stop by the user.
    pub fn is_interrupted(&self) -> bool {
        self.kind == Kind::Interrupted
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::base::text::printable(&self.what))?;
        for cause in &self.causes {
            write!(f, ": {}", crate::base::text::printable(cause))?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

/// Puts an I/O error under a sentence that names the thing that was being done.
pub fn io_failure(what: impl Into<String>, error: &std::io::Error) -> Failure {
    use std::io::ErrorKind;
    let failure = Failure::environment(what).because(error);
    match error.kind() {
        ErrorKind::StorageFull => failure.hint("free some disk space and try again"),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            failure.hint("check the permissions of that path")
        }
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_map_to_the_documented_exit_codes() {
        assert_eq!(Kind::Usage.exit_code(), 2);
        assert_eq!(Kind::Interrupted.exit_code(), 130);
        assert_eq!(Kind::Bug.exit_code(), 255);
    }

    #[test]
    fn display_joins_causes_and_hides_escapes() {
        let failure = Failure::input("cannot read \u{1b}[31mx").because("gone");
        let text = failure.to_string();
        assert!(text.ends_with(": gone"), "{text}");
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn repeated_source_texts_are_not_listed_twice() {
        let inner = std::io::Error::other("disk on fire");
        let failure = Failure::environment("cannot save").caused_by(&inner);
        assert_eq!(failure.causes(), ["disk on fire"]);
    }
}
