//! The help screen, made from the tables of keys and commands.

use super::editing::vim;
use super::key::Key;
use super::keymap::{self, Action, Keymap, Place};
use super::slash;

/// A line of the help screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HelpLine {
    /// The heading of a section.
    Heading(String),
    /// Keys or a command, with their effect.
    Entry {
        /// The keys or the command: `Shift-Enter, Alt-Enter`, `/review [staged|…]`.
        left: String,
        /// The effect, in a line.
        right: String,
    },
    /// A paragraph of prose.
    Text(String),
    /// An empty line.
    Empty,
}

/// Words that can be named behind `@`, and what the model is shown then.
pub(super) const MENTIONS: [(&str, &str); 5] = [
    ("@src/walk.rs, @\"a b.md\"", "a file, whole if it fits"),
    (
        "@src/walk.rs:10-40",
        "lines of it: `:` may be typed right behind a completion",
    ),
    (
        "@src/",
        "an outline of a folder, and what in it suits the question",
    ),
    ("@Task.retry, @retry", "the definition of that name"),
    (
        "@diff, @staged, @HEAD~1, @HEAD~3..",
        "what is not committed, what is staged, a commit, a range",
    ),
];

/// Returns all lines of the help screen; the keys of the place where one is come first.
pub fn lines(keymap: &Keymap, here: Place) -> Vec<HelpLine> {
    let mut lines = vec![HelpLine::Text(
        "Type a question and press Enter. @ names a file, a folder, a definition or changes, \
             / a command. Nothing you type \
             and nothing in this repository leaves the machine."
            .to_owned(),
    )];
    let heading = Place::ALL.iter().find(|(place, _)| *place == here);
    if let Some((_, heading)) = heading.filter(|_| here != Place::Composer) {
        keys(
            &mut lines,
            keymap,
            here,
            &format!("{heading}, where you are"),
        );
    }
    lines.push(HelpLine::Empty);
    lines.push(HelpLine::Heading("Commands".to_owned()));
    for entry in &slash::TABLE {
        let space = if entry.usage.is_empty() { "" } else { " " };
        lines.push(HelpLine::Entry {
            left: format!("/{}{space}{}", entry.name, entry.usage),
            right: entry.about.to_owned(),
        });
    }
    lines.push(HelpLine::Empty);
    lines.push(HelpLine::Heading("Behind @".to_owned()));
    for (left, right) in MENTIONS {
        lines.push(HelpLine::Entry {
            left: left.to_owned(),
            right: right.to_owned(),
        });
    }
    let others = Place::ALL.into_iter();
    for (place, heading) in others.filter(|(place, _)| *place != here || here == Place::Composer) {
        keys(&mut lines, keymap, place, heading);
    }
    lines.push(HelpLine::Empty);
    lines.push(HelpLine::Heading("Typing with vim = true".to_owned()));
    for (left, right) in vim::KEYS {
        lines.push(HelpLine::Entry {
            left: left.to_owned(),
            right: right.to_owned(),
        });
    }
    lines.push(HelpLine::Empty);
    lines.push(HelpLine::Text(
        "Keys are changed in config.toml: keys.send = [\"ctrl-s\"]. The names are those of \
         `homebody config`. The wheel scrolls what is under it, a click puts the cursor, \
         dragging copies; Shift and dragging is the terminal's own."
            .to_owned(),
    ));
    lines
}

/// Adds the keys of a place.
fn keys(lines: &mut Vec<HelpLine>, keymap: &Keymap, place: Place, heading: &str) {
    lines.push(HelpLine::Empty);
    lines.push(HelpLine::Heading(heading.to_owned()));
    for entry in keymap::TABLE.iter().filter(|entry| entry.place == place) {
        let keys = keymap.keys(entry.action).iter().map(Key::to_string);
        let keys = keys.collect::<Vec<_>>().join(", ");
        lines.push(HelpLine::Entry {
            left: if keys.is_empty() {
                "(no key)".to_owned()
            } else {
                keys
            },
            right: entry.about.to_owned(),
        });
    }
}

/// Returns the key hints of a place for one line, most useful first: (key, word).
pub fn hints(keymap: &Keymap, place: Place) -> Vec<(String, &'static str)> {
    let wanted: &[(Action, &'static str)] = match place {
        Place::Patch => &[
            (Action::Accept, "accept"),
            (Action::Reject, "reject"),
            (Action::AcceptAll, "all"),
            (Action::Apply, "apply"),
            (Action::NextHunk, "next"),
            (Action::RunCheck, "check"),
            (Action::EditFile, "edit"),
            (Action::Remark, "remark"),
            (Action::Wrap, "wrap"),
            (Action::Beside, "side by side"),
            (Action::Commit, "commit"),
            (Action::PreviousHunk, "previous"),
        ],
        Place::Review => &[
            (Action::OpenFinding, "open"),
            (Action::Fix, "fix"),
            (Action::Dismiss, "dismiss"),
            (Action::AskAbout, "ask about it"),
            (Action::WriteReport, "write report"),
        ],
        Place::Panel => &[
            (Action::PanelDrop, "drop"),
            (Action::PanelPin, "pin"),
            (Action::PanelOpen, "open"),
            (Action::PanelTab, "sources/context"),
            (Action::TogglePanel, "close"),
        ],
        Place::Transcript => &[
            (Action::PreviousAnswer, "previous"),
            (Action::NextAnswer, "next"),
            (Action::NextCode, "code"),
            (Action::CopyBlock, "copy"),
            (Action::OpenBlock, "open"),
            (Action::CodeRight, "sideways"),
        ],
        Place::Overlay => &[(Action::Choose, "choose"), (Action::Stop, "close")],
        Place::Everywhere | Place::Composer => &[
            (Action::Send, "send"),
            (Action::NewLine, "new line"),
            (Action::Help, "help"),
        ],
    };
    wanted
        .iter()
        .map(|(action, word)| (keymap.hint(*action), *word))
        .filter(|(key, _)| !key.is_empty())
        .collect()
}
