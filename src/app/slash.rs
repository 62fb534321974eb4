//! The slash commands: one table that completion, help and sending are made from.

/// A slash command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slash {
    /// Asks a question.
    Ask,
    /// Goes on with the last answer.
    Continue,
    /// Has a change planned.
    Patch,
    /// Has a diff reviewed.
    Review,
    /// Has a commit message written.
    Message,
    /// Stages what was applied.
    Stage,
    /// Commits what was applied.
    Commit,
    /// Takes the last applied patch back.
    Undo,
    /// Shows the context the model would be given.
    Context,
    /// Shows a file with the next question.
    Add,
    /// Never shows a file again.
    Drop,
    /// Shows a file with every question.
    Pin,
    /// Forgets a pin.
    Unpin,
    /// Forgets a drop.
    Undrop,
    /// Narrows everything to a part of the repository.
    In,
    /// Searches the index.
    Search,
    /// Loads a model by name.
    Model,
    /// Lists models.
    Models,
    /// Chooses a theme.
    Theme,
    /// Goes back to an earlier question.
    Back,
    /// Answers the last question anew.
    Again,
    /// Goes on in a branch.
    Fork,
    /// Shows and changes settings.
    Settings,
    /// Folds the conversation for the model.
    Compact,
    /// Undoes folding.
    Full,
    /// Begins a new conversation.
    New,
    /// Begins a conversation of which nothing is kept.
    Private,
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
    /// Checks the machine and the seal.
    Doctor,
    /// Shows help.
    Help,
    /// Ends the program.
    Quit,
}

/// The kind of argument a command takes, for completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// No argument.
    None,
    /// Free text, not completed.
    Words,
    /// Paths of files in the repository.
    Paths,
    /// Something that is pinned, or `all`.
    Pinned,
    /// Something that is dropped, or `all`.
    Dropped,
    /// A model's name.
    Model,
    /// A theme's name.
    Theme,
    /// A diff to review: `staged`, a revision, a range.
    Review,
}

/// A row of the table of commands.
#[derive(Debug, Clone, Copy)]
pub struct SlashCommand {
    /// The command the row is about.
    pub slash: Slash,
    /// The name as typed, without the slash.
    pub name: &'static str,
    /// The argument as help shows it; empty where the command takes none.
    pub usage: &'static str,
    /// The kind of argument, for completion.
    pub argument: Argument,
    /// The effect, in a line.
    pub about: &'static str,
}

const fn entry(
    slash: Slash,
    name: &'static str,
    usage: &'static str,
    argument: Argument,
    about: &'static str,
) -> SlashCommand {
    SlashCommand {
        slash,
        name,
        usage,
        argument,
        about,
    }
}

/// All commands, in the order shown.
pub const TABLE: [SlashCommand; 35] = [
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
        Slash::Stage,
        "stage",
        "",
        Argument::None,
        "stage what the last applied patch changed",
    ),
    entry(
        Slash::Commit,
        "commit",
        "",
        Argument::None,
        "commit what the last applied patch changed, and nothing else",
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
        "show a file, a folder or lines (PATH:10-40) with the next question",
    ),
    entry(
        Slash::Drop,
        "drop",
        "[PATH…]",
        Argument::Paths,
        "never show a file; without a path, list drops and pins",
    ),
    entry(
        Slash::Pin,
        "pin",
        "[PATH…]",
        Argument::Paths,
        "show a file or lines with every question; without a path, list pins and drops",
    ),
    entry(
        Slash::Unpin,
        "unpin",
        "PATH…|all",
        Argument::Pinned,
        "no longer show a pinned file with every question",
    ),
    entry(
        Slash::Undrop,
        "undrop",
        "PATH…|all",
        Argument::Dropped,
        "let a dropped file be shown again",
    ),
    entry(
        Slash::In,
        "in",
        "[PATH…|all]",
        Argument::Paths,
        "narrow everything to a part of the repository",
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
        Slash::Settings,
        "settings",
        "",
        Argument::None,
        "look through the settings and keys, and change them",
    ),
    entry(
        Slash::Back,
        "back",
        "",
        Argument::None,
        "ask an earlier question again, in a branch (also Esc Esc)",
    ),
    entry(
        Slash::Again,
        "again",
        "[MODEL]",
        Argument::Model,
        "answer the last question anew, with another seed or by another model",
    ),
    entry(
        Slash::Fork,
        "fork",
        "",
        Argument::None,
        "go on in a branch; what stands stays as it is",
    ),
    entry(
        Slash::Compact,
        "compact",
        "[WHAT TO KEEP]",
        Argument::Words,
        "show the model earlier turns in a few lines only",
    ),
    entry(
        Slash::Full,
        "full",
        "",
        Argument::None,
        "show the model the whole conversation again",
    ),
    entry(
        Slash::New,
        "new",
        "",
        Argument::None,
        "begin a new conversation",
    ),
    entry(
        Slash::Private,
        "private",
        "",
        Argument::None,
        "begin a conversation of which nothing is kept",
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

/// A line from the composer, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// A question: the line is no command.
    Plain(&'a str),
    /// A command and the trimmed text behind it.
    Command(Slash, &'a str),
    /// An unknown command, and the nearest that exists.
    Unknown(&'a str, Option<&'static str>),
}

/// Returns the table's row of a name.
pub fn named(name: &str) -> Option<&'static SlashCommand> {
    TABLE.iter().find(|entry| entry.name == name)
}

/// Parses a line. Only a slash in front of a word makes a command: a path such as
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

/// Returns the command nearest to a word, if one is near: one it begins, else one a slip or two
/// away.
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
