//! The place of the word that is being typed: which value of which command is it?

use std::path::PathBuf;

use clap::{Arg, Command};

/// The word that is being typed, and the place where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Typed {
    /// The names of the commands before it.
    pub(super) path: Vec<String>,
    /// The id of the argument that it is a value of.
    pub(super) arg: String,
    /// The word as far as it is typed; of `--name=value` the value.
    pub(super) text: String,
    /// The values of the command that stand before it.
    pub(super) before: Vec<String>,
    /// The folder named with `-C`.
    pub(super) dir: Option<PathBuf>,
}

/// Finds the place of the last of `words`, those behind the program's name; none where it is no
/// value of anything.
pub(super) fn typed(definition: &Command, words: &[String]) -> Option<Typed> {
    let words = joined(words);
    let (text, before) = words.split_last()?;
    let mut walk = Walk {
        command: definition,
        path: Vec::new(),
        pending: None,
        before: Vec::new(),
        dir: None,
        only_values: false,
    };
    for word in before {
        walk.step(word);
    }
    let value = walk.value_of(text);
    let (arg, text) = value?;
    Some(Typed {
        path: walk.path,
        arg: arg.get_id().to_string(),
        text,
        before: walk.before,
        dir: walk.dir,
    })
}

/// The words with `--name`, `=` and `value` put together: bash takes them apart.
fn joined(words: &[String]) -> Vec<String> {
    let mut whole: Vec<String> = Vec::new();
    let mut open = false;
    for word in words {
        match whole.last_mut() {
            Some(last) if word == "=" && last.starts_with("--") && !last.contains('=') => {
                last.push('=');
                open = true;
            }
            Some(last) if open => {
                last.push_str(word);
                open = false;
            }
            _ => whole.push(word.clone()),
        }
    }
    whole
}

/// A walk along the words, as the parser would go.
struct Walk<'a> {
    command: &'a Command,
    path: Vec<String>,
    /// The option whose value comes next.
    pending: Option<&'a Arg>,
    before: Vec<String>,
    dir: Option<PathBuf>,
    /// True behind `--`.
    only_values: bool,
}

impl<'a> Walk<'a> {
    fn step(&mut self, word: &str) {
        if let Some(option) = self.pending.take() {
            self.take(option, word);
        } else if self.only_values || !word.starts_with('-') || word == "-" {
            let inner = self.command.find_subcommand(word);
            match inner.filter(|_| self.before.is_empty() && !self.only_values) {
                Some(inner) => {
                    self.command = inner;
                    self.path.push(inner.get_name().to_owned());
                }
                None => self.before.push(word.to_owned()),
            }
        } else if word == "--" {
            self.only_values = true;
        } else if let Some(long) = word.strip_prefix("--") {
            // With a `=` it has its value already.
            self.pending = self.long(long).filter(|arg| waits(arg));
        } else {
            self.short(word);
        }
    }

    /// Options of one letter, several in a word; the first that takes a value has the rest of it.
    fn short(&mut self, word: &str) {
        let mut letters = word.trim_start_matches('-').chars();
        while let Some(letter) = letters.next() {
            let command = self.command;
            let known = command.get_arguments();
            let option = known
                .filter(|arg| arg.get_short() == Some(letter))
                .find(|arg| waits(arg));
            if let Some(option) = option {
                match letters.as_str() {
                    "" => self.pending = Some(option),
                    rest => self.take(option, rest),
                }
                return;
            }
        }
    }

    /// Takes the value of an option, where it matters here.
    fn take(&mut self, option: &Arg, value: &str) {
        if option.get_id() == "dir" {
            self.dir = Some(PathBuf::from(value));
        }
    }

    fn long(&self, name: &str) -> Option<&'a Arg> {
        let named = |arg: &&Arg| {
            arg.get_long() == Some(name)
                || arg
                    .get_visible_aliases()
                    .is_some_and(|names| names.contains(&name))
        };
        self.command.get_arguments().find(named)
    }

    /// The argument that `word` is a value of, and the value.
    fn value_of(&self, word: &str) -> Option<(&'a Arg, String)> {
        if let Some(option) = self.pending {
            return Some((option, word.to_owned()));
        }
        if word.starts_with('-') && !self.only_values {
            let (name, value) = word.strip_prefix("--")?.split_once('=')?;
            return Some((self.long(name)?, value.to_owned()));
        }
        let places: Vec<&Arg> = self.command.get_positionals().collect();
        let place = match places.get(self.before.len()) {
            Some(place) => Some(*place),
            None => places.last().copied().filter(|last| takes_many(last)),
        };
        Some((place?, word.to_owned()))
    }
}

/// Tells whether the value of an option is the next word.
fn waits(option: &Arg) -> bool {
    option.get_action().takes_values() && !option.is_require_equals_set()
}

fn takes_many(arg: &Arg) -> bool {
    let many = arg.get_num_args().is_some_and(|n| n.max_values() > 1);
    many || matches!(arg.get_action(), clap::ArgAction::Append)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::definition;

    /// The argument and the text of the last word, as `path: arg text`.
    fn told(line: &str) -> String {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        match typed(&definition(), &words) {
            Some(it) => format!("{}: {} {:?}", it.path.join(" "), it.arg, it.text),
            None => "nothing".to_owned(),
        }
    }

    #[test]
    fn the_place_of_a_word_is_found_as_the_parser_would() {
        for (line, wanted) in [
            ("--model q", ": model \"q\""),
            ("--model=q", ": model \"q\""),
            ("ask --model = q", "ask: model \"q\""),
            ("ask --model =", "ask: model \"\""),
            ("--resume=2026", ": resume \"2026\""),
            // Without a `=` its value is no other word.
            ("--resume 2026", ": path \"2026\""),
            ("models use ", "models use: name \"\""),
            ("models -q use st", "models use: name \"st\""),
            ("models use --json st", "models use: name \"st\""),
            ("sessions delete a b", "sessions delete: ids \"b\""),
            ("sessions show a b", "nothing"),
            ("config set theme d", "config set: value \"d\""),
            ("review --commit HE", "review: commit \"HE\""),
            ("review --c", "nothing"),
            ("review -- --c", "nothing"),
            ("ask -- --model", "ask: question \"--model\""),
            ("ask models use ", "ask: question \"\""),
        ] {
            assert_eq!(told(line), wanted, "{line}");
        }
    }

    #[test]
    fn the_folder_and_the_values_before_are_known() {
        for line in ["-C there config set theme ", "-qCthere config set theme "] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let it = typed(&definition(), &words).expect("a place");
            assert_eq!(it.dir, Some("there".into()), "{line}");
            assert_eq!(it.before, ["theme"], "{line}");
        }
    }
}
