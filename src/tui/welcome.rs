//! The first screen of a conversation: where one is, and what can be done here. Who has asked before is
//! told less.

use ratatui::text::Span;

use super::draw::Cx;
use super::styled_rows::Row;
use super::text::{MEASURE, plain};
use super::theme::Role;
use super::width::fit;
use crate::app::{Action, Indexing, State};
use crate::base::seal::Sealed;
use crate::base::text::{counted, printable};

/// Cells below which less is said.
const NARROW: usize = 60;
/// Languages that are named.
const LANGUAGES: usize = 3;

/// The rows of the first screen; those that there is no room for are left out, the least important
/// first.
pub(super) fn rows(state: &State, cx: &Cx<'_>) -> Vec<Row> {
    let cells = cx.width.min(MEASURE);
    let words = |text: &str| {
        plain(
            &text.replace('·', cx.theme.glyphs().dot),
            cx.role(Role::Dim),
            cells,
        )
    };
    let head = Row::text(vec![
        Span::styled("homebody", cx.role(Role::Heading)),
        Span::styled(
            format!(
                " {} {}",
                cx.theme.glyphs().dot,
                printable(&state.options.folder)
            ),
            cx.role(Role::Text),
        ),
    ]);
    let new = state.options.history.is_empty();
    let mut facts = Vec::new();
    if new && let Some(text) = facts_of(state) {
        facts = words(&text);
    }
    let mut examples = Vec::new();
    if new {
        let asked = examples_of(state);
        examples.extend(
            asked
                .iter()
                .map(|(text, about)| example(text, about, cells, cx)),
        );
    }
    let mut keys = Vec::new();
    if examples.is_empty() {
        keys.extend(words(
            "Ask about this code. @ names a file, / a command, ? shows every key.",
        ));
        keys.extend(words(
            "/patch plans a change you accept hunk by hunk; /review reads what is staged.",
        ));
    } else {
        keys.extend(words(&hints(state, cells)));
    }
    let mut end = words(sealed(state, cells < NARROW));
    if !state.options.git {
        end.extend(words(
            "This folder is no git repository: everything works but diffs and reviews.",
        ));
    }
    fitted(state, [vec![head], facts, examples, keys, end])
}

/// Puts blank rows between the parts, and leaves out what there is no room for: examples, facts.
fn fitted(state: &State, mut parts: [Vec<Row>; 5]) -> Vec<Row> {
    // Before anything was drawn, there is room.
    let room = match state.layout.rows {
        0 => usize::MAX,
        rows => usize::from(rows).saturating_sub(1),
    };
    let rows = |parts: &[Vec<Row>]| parts.iter().map(Vec::len).sum::<usize>();
    let over = rows(&parts).saturating_sub(room);
    let [_, facts, examples, ..] = &mut parts;
    let left = examples.len().saturating_sub(over).max(1);
    if over > examples.len().saturating_sub(left) {
        facts.clear();
    }
    examples.truncate(left);
    let blanks = parts.iter().filter(|part| !part.is_empty()).count();
    let airy = rows(&parts) + blanks <= room;
    let mut out: Vec<Row> = Vec::new();
    for (at, part) in parts.into_iter().enumerate() {
        // The facts stand right below the name.
        if airy && at > 1 && !part.is_empty() {
            out.push(Row::blank());
        }
        out.extend(part);
    }
    out
}

/// The files there are, and their languages.
fn facts_of(state: &State) -> Option<String> {
    let Indexing::Ready(stats) = &state.indexing else {
        return None;
    };
    let known = stats.languages.iter().map(|(name, _)| name.as_str());
    let languages: Vec<&str> = known
        .filter(|name| *name != "text")
        .take(LANGUAGES)
        .collect();
    let files = counted(stats.files, "file");
    Some(if languages.is_empty() {
        files
    } else {
        format!("{files} · {}", languages.join(", "))
    })
}

/// Things that can be asked here, each with a word on it, made of names that are there.
fn examples_of(state: &State) -> Vec<(String, String)> {
    let mut examples = Vec::new();
    let notable = &state.files.notable;
    // Before the files are known, or where there is no code, there is nothing to make them of.
    if notable.is_empty() {
        return examples;
    }
    if let Some((_, name)) = notable.first() {
        examples.push((format!("what does {name} do?"), "a question".to_owned()));
    }
    if let Some((path, _)) = notable.get(1).or(notable.first()) {
        let about = "@ names files and changes".to_owned();
        examples.push((format!("explain @{path}"), about));
    }
    let status = &state.repo_status;
    if status.staged > 0 {
        let about = format!("{} staged", counted(status.staged, "file"));
        examples.push(("/review".to_owned(), about));
    } else if status.unstaged > 0 {
        let about = format!("{} changed", counted(status.unstaged, "file"));
        examples.push(("/review unstaged".to_owned(), about));
    } else if state.head.is_some() {
        let about = "the last three commits".to_owned();
        examples.push(("what changed in @HEAD~3..?".to_owned(), about));
    }
    if let Some((_, name)) = notable.get(2).or(notable.last()) {
        let about = "a change, accepted hunk by hunk".to_owned();
        examples.push((format!("/patch describe {name} in a comment"), about));
    }
    examples
}

/// A row with something to ask, and a word on it where there is room.
fn example(text: &str, about: &str, cells: usize, cx: &Cx<'_>) -> Row {
    const LEFT: usize = 44;
    let shown = fit(&printable(text), cells.saturating_sub(2));
    let mut body = vec![
        Span::raw("  "),
        Span::styled(shown.clone(), cx.role(Role::Accent)),
    ];
    let used = super::width::width(&shown);
    if used < LEFT && LEFT + 2 + super::width::width(about) <= cells {
        body.push(Span::raw(" ".repeat(LEFT - used)));
        body.push(Span::styled(about.to_owned(), cx.role(Role::Dim)));
    }
    Row::text(body)
}

/// The keys that lead to all others.
fn hints(state: &State, cells: usize) -> String {
    let key = |action| state.keymap.hint(action);
    let all = format!("? keys · / commands · {} finds both", key(Action::Palette));
    if cells < NARROW {
        return all;
    }
    let panel = key(Action::TogglePanel);
    format!("{all} · {panel} what the model is shown")
}

const fn sealed(state: &State, short: bool) -> &'static str {
    match &state.options.sealed {
        Sealed::Yes if short => "Nothing leaves this machine: the kernel sees to that.",
        Sealed::Yes => {
            "Nothing leaves this machine: the kernel refuses this process every network socket."
        }
        Sealed::No(_) => {
            "Nothing is sent anywhere, but this process is not sealed against it: Enter says why."
        }
    }
}
