//! The slash commands: one table that completion, help and sending are made from.

/// A slash command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slash {
    /// A question.
    Ask,
    /// The rest of the last answer.
    Continue,
    /// A change.
    Patch,
    /// A review.
    Review,
    /// A commit message.
    Message,
    /// Takes the last patch back.
    Undo,
    /// What would be shown.
    Context,
    /// Shows a file with the next question.
    Add,
    /// Never shows a file.
    Drop,
    /// Shows a file with every question.
    Pin,
    /// Searches the index.
    Search,
    /// Loads a model by name.
    Model,
    /// Lists models.
    Models,
    /// Chooses a theme.
    Theme,
    /// A new conversation.
    New,
    /// Lists sessions.
    Sessions,
    /// Goes on with a session.
    Resume,
    /// Copies the last answer.
    Copy,
    /// Writes the conversation to a file.
    Export,
    /// Writes a first AGENTS.md.
    Init,
    /// Checks machine and seal.
    Doctor,
    /// Help.
    Help,
    /// Ends.
    Quit,
}

/// What is written behind a command, for completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// Nothing.
    None,
    /// Words.
    Words,
    /// Paths of files.
    Paths,
    /// A model's name.
    Model,
    /// A theme's name.
    Theme,
    /// What to review.
    Review,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Which.
    pub slash: Slash,
    /// As typed, without the slash.
    pub name: &'static str,
    /// What is written behind it, for people; empty for nothing.
    pub usage: &'static str,
    /// What is written behind it, for completion.
    pub argument: Argument,
    /// What it does, in a line.
    pub about: &'static str,
}

const fn entry(
    slash: Slash,
    name: &'static str,
    usage: &'static str,
    argument: Argument,
    about: &'static str,
) -> Entry {
    Entry {
        slash,
        name,
        usage,
        argument,
        about,
    }
}

/// All commands, in the order shown.
pub const TABLE: [Entry; 23] = [
    entry(
        Slash::Ask,
        "ask",
        "QUESTION",
        Argument::Words,
        "ask about the code; the slash may be left out",
    ),
    entry(
        Slash::Continue,
        "continue",
        "",
        Argument::None,
        "go on with the last answer where it ends",
    ),
    entry(
        Slash::Patch,
        "patch",
        "REQUEST",
        Argument::Words,
        "have a change planned, to be accepted hunk by hunk",
    ),
    entry(
        Slash::Review,
        "review",
        "[staged|unstaged|REV|A..B]",
        Argument::Review,
        "review what is staged, or another diff",
    ),
    entry(
        Slash::Message,
        "message",
        "",
        Argument::None,
        "write a commit message for what is staged",
    ),
    entry(
        Slash::Undo,
        "undo",
        "",
        Argument::None,
        "take the last applied patch back",
    ),
    entry(
        Slash::Context,
        "context",
        "[QUESTION]",
        Argument::Words,
        "see what the model is shown, with tokens",
    ),
    entry(
        Slash::Add,
        "add",
        "PATH…",
        Argument::Paths,
        "show a file with the next question",
    ),
    entry(
        Slash::Drop,
        "drop",
        "PATH…",
        Argument::Paths,
        "never show a file; without a path, forget drops",
    ),
    entry(
        Slash::Pin,
        "pin",
        "PATH…",
        Argument::Paths,
        "show a file with every question; without a path, forget pins",
    ),
    entry(
        Slash::Search,
        "search",
        "WORDS",
        Argument::Words,
        "find places in the index",
    ),
    entry(
        Slash::Model,
        "model",
        "[NAME]",
        Argument::Model,
        "load another model",
    ),
    entry(
        Slash::Models,
        "models",
        "",
        Argument::None,
        "models that are here or can be fetched",
    ),
    entry(
        Slash::Theme,
        "theme",
        "[NAME]",
        Argument::Theme,
        "choose colours, with a preview",
    ),
    entry(
        Slash::New,
        "new",
        "",
        Argument::None,
        "begin a new conversation",
    ),
    entry(
        Slash::Sessions,
        "sessions",
        "",
        Argument::None,
        "earlier conversations about this repository",
    ),
    entry(
        Slash::Resume,
        "resume",
        "",
        Argument::None,
        "go on with the last conversation",
    ),
    entry(
        Slash::Copy,
        "copy",
        "",
        Argument::None,
        "copy the last answer as Markdown",
    ),
    entry(
        Slash::Export,
        "export",
        "[FILE]",
        Argument::Words,
        "write the conversation as Markdown",
    ),
    entry(
        Slash::Init,
        "init",
        "",
        Argument::None,
        "write a first AGENTS.md",
    ),
    entry(
        Slash::Doctor,
        "doctor",
        "",
        Argument::None,
        "what was found, what fits, and the proof of the seal",
    ),
    entry(Slash::Help, "help", "", Argument::None, "keys and commands"),
    entry(Slash::Quit, "quit", "", Argument::None, "end"),
];

/// What a line that begins with a slash says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// No command: a question.
    Plain(&'a str),
    /// A command and what stands behind it, trimmed.
    Command(Slash, &'a str),
    /// A command nobody knows, and the nearest there is.
    Unknown(&'a str, Option<&'static str>),
}

/// The table's row of a name.
pub fn named(name: &str) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.name == name)
}

/// Takes a line apart. Only a slash in front of a word makes a command: a path such as
/// `/usr/lib` does not.
pub fn parse(text: &str) -> Parsed<'_> {
    let text = text.trim();
    let Some(rest) = text.strip_prefix('/') else {
        return Parsed::Plain(text);
    };
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let (name, argument) = rest.split_at(end);
    if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '-') {
        return Parsed::Plain(text);
    }
    if let Some(entry) = named(&name.to_lowercase()) {
        return Parsed::Command(entry.slash, argument.trim());
    }
    Parsed::Unknown(name, nearest(&name.to_lowercase()))
}

/// The command nearest to a word, if one is near: one it begins, else one a slip or two away.
pub fn nearest(name: &str) -> Option<&'static str> {
    if let Some(entry) = TABLE
        .iter()
        .find(|e| name.len() >= 2 && e.name.starts_with(name))
    {
        return Some(entry.name);
    }
    TABLE
        .iter()
        .map(|entry| (strsim::damerau_levenshtein(name, entry.name), entry.name))
        .filter(|(distance, known)| *distance <= 1 + known.len() / 4)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_question_or_a_command() {
        assert_eq!(parse("why?"), Parsed::Plain("why?"));
        assert_eq!(parse(" /quit "), Parsed::Command(Slash::Quit, ""));
        assert_eq!(
            parse("/PATCH  fix it"),
            Parsed::Command(Slash::Patch, "fix it")
        );
        assert_eq!(
            parse("/patch\nfix it"),
            Parsed::Command(Slash::Patch, "fix it")
        );
        assert_eq!(
            parse("/usr/lib is what?"),
            Parsed::Plain("/usr/lib is what?")
        );
        assert_eq!(parse("/"), Parsed::Plain("/"));
    }

    #[test]
    fn unknown_ones_come_with_the_nearest() {
        assert_eq!(
            parse("/reveiw x"),
            Parsed::Unknown("reveiw", Some("review"))
        );
        assert_eq!(parse("/sess"), Parsed::Unknown("sess", Some("sessions")));
        assert_eq!(parse("/frobnicate"), Parsed::Unknown("frobnicate", None));
    }

    #[test]
    fn names_stand_once_and_each_has_a_line_of_help() {
        for (i, entry) in TABLE.iter().enumerate() {
            assert!(!entry.about.is_empty());
            assert!(TABLE[..i].iter().all(|other| other.name != entry.name));
            assert!(TABLE[..i].iter().all(|other| other.slash != entry.slash));
        }
    }
}
