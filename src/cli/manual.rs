//! `man`: the manual page, in chapters, made from the definition of the command line and the tables
//! of settings and keys.

use clap::{Arg, Command};
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::args::definition;
use super::settings::facts;
use super::settings_told::{json_value, keys, settings};
use crate::base::Config;

/// Files and folders, with what lies there.
const FILES: &[(&str, &str)] = &[
    (
        "~/.config/homebody/config.toml",
        "your settings; `homebody config edit` opens it",
    ),
    (
        "~/.config/homebody/prompts/",
        "prompts that stand in the place of the built-in ones",
    ),
    ("~/.config/homebody/themes/", "themes of your own"),
    ("~/.local/share/homebody/", "models, and the list of them"),
    (
        "~/.local/state/homebody/",
        "conversations, undo records, findings of reviews",
    ),
    (
        "~/.cache/homebody/",
        "indexes, what models have read, copies for checks: can be made again",
    ),
    (
        ".homebody.toml",
        "settings of a repository: harmless keys only",
    ),
    (
        ".homebodyignore",
        "files that are not read, in the form of gitignore",
    ),
    (
        "AGENTS.md",
        "the rules of a project, shown to the model (`rules_file`)",
    ),
];

/// Variables of the environment besides those of single settings.
const VARIABLES: &[(&str, &str)] = &[
    ("VISUAL, EDITOR", "the editor"),
    ("NO_COLOR", "no colours, where it is set to anything"),
    (
        "XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_STATE_HOME, XDG_CACHE_HOME",
        "the folders that homebody's own are made in",
    ),
];

/// The exit codes.
const CODES: &[(&str, &str)] = &[
    ("0", "done"),
    (
        "1",
        "a negative answer: nothing was found, or something bad was",
    ),
    ("2", "usage, configuration or environment; nothing was done"),
    ("130", "interrupted"),
    ("255", "a bug"),
];

/// Sentences on what leaves the machine, and what stays on it.
const PRIVACY: &[&str] = &[
    "homebody reads the repository, and answers, inside its own process; behind its seal no network \
     socket can be opened by it or by anything it starts. `homebody doctor` tries to, and shows what \
     the kernel answers. On macOS and Windows there is no such filter.",
    "`homebody models pull`, and a download that you agreed to, are the only things that talk to a \
     network, in a process of their own that is given a model's name and sees no repository.",
    "Conversations are kept for 90 days (`sessions.keep`) in your own folders, secrets masked; \
     `--no-save` or `save = false` keeps none. `homebody sessions` deletes single ones, `homebody \
     forget` everything that is kept of a repository.",
    "Files of keys and passwords are neither indexed nor shown to a model unless you name them; keys \
     and tokens within other files are masked.",
];

/// Some commands to begin with.
const EXAMPLES: &[(&str, &str)] = &[
    ("homebody", "opens the screen here"),
    (
        "homebody ask \"where are the settings read?\"",
        "answers, with sources",
    ),
    (
        "git log -5 | homebody ask \"what changed?\"",
        "adds what is piped in",
    ),
    (
        "homebody patch \"return an error here\" --check \"cargo test\" --apply",
        "changes, checked",
    ),
    ("homebody review --fail-on error", "reviews what is staged"),
    ("homebody config set theme light", "changes a setting"),
];

/// The page.
pub(super) fn page(themes: &[String]) -> String {
    let definition = definition();
    let mut page = Roff::new();
    page.control(
        "TH",
        [
            "homebody",
            "1",
            "",
            concat!("homebody ", env!("CARGO_PKG_VERSION")),
        ],
    );
    beginning(&mut page, &definition);
    chapter(&mut page, "COMMANDS");
    commands(&mut page, &definition, "homebody");
    chapter(&mut page, "OPTIONS");
    page.text([roman(
        "These may stand before and behind any command to which they mean something.",
    )]);
    for arg in definition.get_arguments().filter(|arg| !arg.is_hide_set()) {
        option(&mut page, arg);
    }
    setting_chapters(&mut page, themes);
    listed(&mut page, "FILES", FILES);
    listed(&mut page, "ENVIRONMENT", VARIABLES);
    listed(&mut page, "EXIT CODES", CODES);
    chapter(&mut page, "JSON");
    page.text([roman(
        "With --json every command answers by one schema, which `homebody debug schema` prints.",
    )]);
    chapter(&mut page, "PRIVACY");
    for text in PRIVACY {
        page.control("PP", []);
        page.text([roman(*text)]);
    }
    listed(&mut page, "EXAMPLES", EXAMPLES);
    page.render()
}

/// The chapters that every page begins with.
fn beginning(page: &mut Roff, definition: &Command) {
    chapter(page, "NAME");
    let about = definition.get_about().map(ToString::to_string);
    page.text([roman(format!("homebody - {}", about.unwrap_or_default()))]);
    chapter(page, "SYNOPSIS");
    page.text([
        bold("homebody"),
        roman(" ["),
        italic("OPTIONS"),
        roman("] ["),
        italic("PATH"),
        roman("]"),
    ]);
    page.control("br", []);
    page.text([
        bold("homebody"),
        roman(" ["),
        italic("OPTIONS"),
        roman("] "),
        italic("COMMAND"),
        roman(" …"),
    ]);
    chapter(page, "DESCRIPTION");
    page.text([roman(
        "Without a command the screen opens on the repository at PATH. With one, the command is \
         carried out, data goes to standard output and words for people to standard error. Piped \
         input is added to a question or a request.",
    )]);
}

fn chapter(page: &mut Roff, title: &str) {
    page.control("SH", [title]);
}

/// A chapter of terms, each with a few words.
fn listed(page: &mut Roff, title: &str, rows: &[(&str, &str)]) {
    chapter(page, title);
    for (term, words) in rows {
        tagged(page, [bold(*term)], words);
    }
}

fn tagged(page: &mut Roff, term: impl Into<Vec<Inline>>, words: &str) {
    page.control("TP", []);
    page.text(term);
    page.text([roman(words)]);
}

/// A part for each command with the options that are its own; those of its commands behind it.
fn commands(page: &mut Roff, of: &Command, before: &str) {
    for inner in of.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        let name = format!("{before} {}", inner.get_name());
        page.control("SS", [name.as_str()]);
        let mut synopsis = vec![bold(name.clone())];
        if inner.get_subcommands().next().is_some() {
            synopsis.extend([roman(" "), italic("COMMAND")]);
        }
        for arg in inner.get_positionals() {
            let needed = arg.is_required_set();
            let many = arg
                .get_num_args()
                .is_some_and(|range| range.max_values() > 1);
            synopsis.push(roman(if needed { " " } else { " [" }));
            synopsis.push(italic(names(arg).join(" ")));
            synopsis.push(roman(match (many, needed) {
                (true, true) => "…",
                (true, false) => "…]",
                (false, true) => "",
                (false, false) => "]",
            }));
        }
        page.text(synopsis);
        page.control("PP", []);
        page.text([roman(
            inner
                .get_about()
                .map(ToString::to_string)
                .unwrap_or_default(),
        )]);
        let own = inner.get_arguments().filter(|arg| !arg.is_global_set());
        for arg in own.filter(|arg| !arg.is_hide_set() && arg.get_id() != "help") {
            option(page, arg);
        }
        commands(page, inner, &name);
    }
}

/// The names of an argument's values.
fn names(arg: &Arg) -> Vec<String> {
    if !arg.get_action().takes_values() {
        return Vec::new();
    }
    let names = arg.get_value_names().unwrap_or_default();
    names.iter().map(ToString::to_string).collect()
}

/// An option or value with its help, choices and default.
fn option(page: &mut Roff, arg: &Arg) {
    let mut term = Vec::new();
    if let Some(short) = arg.get_short() {
        term.push(bold(format!("-{short}")));
    }
    if let Some(long) = arg.get_long() {
        if !term.is_empty() {
            term.push(roman(", "));
        }
        term.push(bold(format!("--{long}")));
    }
    let values = names(arg).join(" ");
    if !values.is_empty() {
        term.push(roman(if term.is_empty() { "" } else { " " }));
        term.push(italic(values));
    }
    let mut words = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let choices = arg.get_possible_values();
    let choices: Vec<&str> = choices
        .iter()
        .filter(|choice| !choice.is_hide_set())
        .map(clap::builder::PossibleValue::get_name)
        .collect();
    if arg.get_action().takes_values() && !choices.is_empty() {
        words.push_str(&format!(" [{}]", choices.join(", ")));
    }
    let default: Vec<String> = (arg.get_default_values().iter())
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    if arg.get_action().takes_values() && !default.is_empty() {
        words.push_str(&format!(" [default: {}]", default.join(", ")));
    }
    tagged(page, term, &words);
}

/// The chapters on settings and on keys.
fn setting_chapters(page: &mut Roff, themes: &[String]) {
    let config = Config::default();
    chapter(page, "SETTINGS");
    page.text([roman(
        "`homebody config` shows every setting with its value and where it comes from; `config get`, \
         `config set` and `config unset` read and change one, `config edit` opens the file. The \
         command line stands over the environment, that over .homebody.toml of the repository, \
         that over your own file.",
    )]);
    for one in settings(&config, themes) {
        let name = one.name.clone();
        tagged(page, [bold(name)], &format!("{} {}", one.help, facts(&one)));
    }
    chapter(page, "KEYS");
    page.text([roman(
        "Each is a setting: keys.send = [\"ctrl-s\"] gives an action other keys. On the screen `?` \
         shows those in force.",
    )]);
    let mut place = None;
    for one in keys(&config) {
        if one.place != place {
            place = one.place;
            page.control("SS", [place.unwrap_or_default()]);
        }
        let keys = json_value(&one);
        let keys: Vec<&str> = keys
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(serde_json::Value::as_str)
            .collect();
        let words = format!("{}: {}", keys.join(", "), one.help);
        tagged(page, [bold(one.name.clone())], &words);
    }
}
