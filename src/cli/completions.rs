//! `completions`: made from the same definition as the parser, and in bash, zsh and fish with the
//! values that only homebody knows, which the script asks `homebody debug complete` for.

use clap::{Arg, Command};
use clap_complete::Shell;

use super::args::{CompletionsArgs, definition};
use super::out::Out;

/// The addition to the script for bash. Values are read a line each and never handed to
/// `compgen -W`, which would run what is in them.
const BASH: &str = r#"
_homebody_values() {
    local value
    COMPREPLY=()
    while IFS=$'\t' read -r value _; do
        COMPREPLY+=("$value")
    done < <("$1" debug complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 0 ]]; then
        _homebody "$@"
    fi
}

if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -F _homebody_values -o nosort -o bashdefault -o default homebody
else
    complete -F _homebody_values -o bashdefault -o default homebody
fi
"#;

/// The addition to the script for zsh, before the function that completes.
const ZSH: &str = r#"_homebody_values() {
    local -a lines values
    local line
    lines=("${(@f)$("${words[1]}" debug complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    lines=(${lines:#})
    (( $#lines )) || return 1
    for line in $lines; do
        values+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done
    compset -P '--*='
    _describe -V 'value' values
}

"#;

/// The head of the function that completes in zsh.
const ZSH_HEAD: &str = "_homebody() {\n";

/// The addition to the script for fish, before what it says of single options.
const FISH: &str = "
function __fish_homebody_values
    set -l words (commandline -opc) (commandline -ct)
    command $words[1] debug complete -- $words[2..-1] 2>/dev/null
end

";

/// The options whose values homebody knows.
const OPTIONS: [&str; 6] = ["model", "theme", "resume", "commit", "range", "base"];

/// The commands with values that homebody knows: the condition under which they stand in fish.
const COMMANDS: [&str; 3] = [
    "__fish_seen_subcommand_from models; and __fish_seen_subcommand_from use verify remove pull try",
    "__fish_seen_subcommand_from sessions; and __fish_seen_subcommand_from show export rename delete",
    "__fish_seen_subcommand_from config; and __fish_seen_subcommand_from get set unset",
];

/// Runs `completions SHELL`.
pub(super) fn completions(args: &CompletionsArgs, out: &mut Out) {
    out.raw(&script(args.shell));
}

/// The script for a shell.
fn script(shell: Shell) -> String {
    let mut text = Vec::new();
    let mut offered = offered(&definition());
    clap_complete::generate(shell, &mut offered, "homebody", &mut text);
    let mut text = String::from_utf8_lossy(&text).into_owned();
    match shell {
        Shell::Bash => text.push_str(BASH),
        Shell::Zsh => {
            let asks = format!("{ZSH}{ZSH_HEAD}    _homebody_values && return 0\n");
            text = text.replacen(ZSH_HEAD, &asks, 1);
        }
        Shell::Fish => {
            text.push_str(FISH);
            for option in OPTIONS {
                // A model may be a file as well.
                let files = if option == "model" { "-r" } else { "-x" };
                text.push_str(&format!(
                    "complete -c homebody -l {option} {files} -k -a '(__fish_homebody_values)'\n"
                ));
            }
            for condition in COMMANDS {
                text.push_str(&format!(
                    "complete -c homebody -n '{condition}' -f -k -a '(__fish_homebody_values)'\n"
                ));
            }
        }
        _ => {}
    }
    text
}

/// The definition without what is hidden: the scripts would offer that, too.
fn offered(command: &Command) -> Command {
    let shown = |arg: &&Arg| !arg.is_hide_set();
    let args: Vec<Arg> = command
        .get_arguments()
        .filter(shown)
        .map(|arg| copied(arg, command))
        .collect();
    let below = command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set());
    let new = Command::new(command.get_name().to_owned())
        .args(args)
        .subcommands(below.map(offered))
        // Those that stand in the definition are copied with the others.
        .disable_help_flag(true)
        .disable_version_flag(true)
        .disable_help_subcommand(true);
    let new = match command.get_version() {
        Some(version) => new.version(version.to_owned()),
        None => new,
    };
    match command.get_about() {
        Some(about) => new.about(about.clone()),
        None => new,
    }
}

/// An argument with all that a script tells of it.
fn copied(arg: &Arg, of: &Command) -> Arg {
    let mut new = Arg::new(arg.get_id().clone())
        .action(arg.get_action().clone())
        .value_parser(arg.get_value_parser().clone())
        .value_hint(arg.get_value_hint())
        .require_equals(arg.is_require_equals_set());
    if let Some(short) = arg.get_short() {
        new = new.short(short);
    }
    if let Some(long) = arg.get_long() {
        new = new.long(long.to_owned());
    }
    for alias in arg.get_visible_aliases().unwrap_or_default() {
        new = new.visible_alias(alias.to_owned());
    }
    if let Some(help) = arg.get_help() {
        new = new.help(help.clone());
    }
    if let Some(names) = arg
        .get_value_names()
        .filter(|_| arg.get_action().takes_values())
    {
        new = new.value_names(names.to_vec());
    }
    if let Some(number) = arg.get_num_args() {
        new = new.num_args(number);
    }
    let against = of.get_arg_conflicts_with(arg);
    let against = against.into_iter().filter(|other| !other.is_hide_set());
    new.conflicts_with_all(against.map(|other| other.get_id().clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hidden_is_offered_and_everything_else_is() {
        for shell in [
            Shell::Bash,
            Shell::Zsh,
            Shell::Fish,
            Shell::Elvish,
            Shell::PowerShell,
        ] {
            let script = script(shell);
            let script = script.replace("debug complete", "");
            for hidden in ["engine ", "engine=", "--hook", "logits", "debug"] {
                assert!(!script.contains(hidden), "{shell}: {hidden}");
            }
            for shown in ["install-hook", "seed", "no-log", "plain-ui", "sessions"] {
                assert!(script.contains(shown), "{shell}: {shown}");
            }
        }
    }

    #[test]
    fn the_scripts_ask_for_values() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = script(shell);
            assert!(script.contains("debug complete --"), "{shell}");
        }
        assert!(script(Shell::Zsh).contains("    _homebody_values && return 0\n"));
    }
}
