//! Which of the options that every command takes mean something to which.

use clap::Command;

/// The options of all that are said anywhere.
const WORDS: &[&str] = &["color", "quiet", "verbose"];
/// The options of commands that read the repository.
const READING: &[&str] = &["dir", "color", "yes", "quiet", "verbose"];
/// The options of commands that have a model answer.
const ANSWERING: &[&str] = &[
    "dir",
    "model",
    "threads",
    "ctx",
    "budget",
    "seed",
    "temperature",
    "color",
    "yes",
    "quiet",
    "verbose",
];

/// The options of all that mean something to a command, by its name and those above it; none where
/// all do.
fn of(path: &[&str]) -> Option<&'static [&'static str]> {
    Some(match path {
        ["ask"] | [] | ["debug", ..] => return None,
        ["patch" | "review" | "message"] => ANSWERING,
        ["search" | "index"] => READING,
        ["context", ..] => &[
            "dir", "model", "ctx", "budget", "color", "yes", "quiet", "verbose",
        ],
        ["undo" | "forget"] | ["sessions", ..] => &["dir", "color", "yes", "quiet"],
        ["config", ..] => &["dir", "color", "quiet"],
        ["models", "try"] => &[
            "model", "threads", "ctx", "seed", "color", "quiet", "verbose",
        ],
        ["models", "remove"] => &["color", "yes", "quiet"],
        ["models", "add" | "verify" | "pull"] => &["threads", "color", "quiet", "verbose"],
        ["models", ..] => WORDS,
        ["bench"] => &[
            "model", "threads", "ctx", "color", "yes", "quiet", "verbose",
        ],
        ["doctor"] => &["dir", "model", "threads", "color", "verbose"],
        _ => &[],
    })
}

/// Options of jobs that mean nothing where only the context is shown.
const NOT_OF_CONTEXT: &[&str] = &[
    "show_context",
    "go_on",
    "apply",
    "check",
    "rounds",
    "fail_on",
    "max_time",
    "dismiss",
    "write_baseline",
    "anew",
    "install_hook",
    "remove_hook",
];

/// Hides in a built definition what means nothing where it stands.
pub(super) fn shown(whole: Command) -> Command {
    below(whole, &mut Vec::new())
}

fn below(command: Command, path: &mut Vec<String>) -> Command {
    let everywhere: Vec<String> = super::everywhere();
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    let meant = of(&names);
    let context = names.first() == Some(&"context");
    let hidden = |id: &str| {
        let global = everywhere.iter().any(|one| one == id);
        (global && meant.is_some_and(|meant| !meant.contains(&id)))
            || (context && NOT_OF_CONTEXT.contains(&id))
    };
    let command = command.mut_args(|arg| {
        let hide = arg.is_hide_set() || hidden(arg.get_id().as_str());
        arg.hide(hide)
    });
    command.mut_subcommands(|inner| {
        path.push(inner.get_name().to_owned());
        let inner = below(inner, path);
        path.pop();
        inner
    })
}

#[cfg(test)]
mod tests {
    use super::super::{definition, parsed};

    fn help(path: &[&str]) -> String {
        let mut command = definition();
        for name in path {
            command = command.find_subcommand(name).expect("there").clone();
        }
        command.render_long_help().to_string()
    }

    #[test]
    fn a_command_shows_the_options_that_mean_something_to_it() {
        for path in [
            &["completions"][..],
            &["man"],
            &["undo"],
            &["config"],
            &["config", "set"],
            &["doctor"],
            &["forget"],
            &["models", "list"],
        ] {
            let help = help(path);
            for option in ["--seed", "--temperature", "--budget", "--no-save", "--ctx"] {
                assert!(!help.contains(option), "{path:?}: {option}");
            }
        }
        let ask = help(&["ask"]);
        assert!(ask.contains("--seed") && ask.contains("--no-save"), "{ask}");
        let own = ask.find("--show-context").expect("told");
        assert!(
            own < ask.find("--seed").expect("told"),
            "its own come first"
        );
        for path in [
            &["context", "ask"][..],
            &["context", "patch"],
            &["context", "review"],
        ] {
            let help = help(path);
            for option in [
                "--show-context",
                "--continue",
                "--apply",
                "--fail-on",
                "--rounds",
            ] {
                assert!(!help.contains(option), "{path:?}: {option}");
            }
        }
    }

    #[test]
    fn an_option_that_means_nothing_is_taken_all_the_same() {
        let words = ["homebody", "doctor", "--seed", "3"].map(Into::into);
        let line = parsed(&words).expect("taken");
        assert_eq!(line.global.seed, Some(3));
        let words = ["homebody", "--seed", "4", "models", "list", "--json"].map(Into::into);
        assert_eq!(parsed(&words).expect("taken").global.seed, Some(4));
    }
}
