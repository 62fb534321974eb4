//! Files that are added, pinned and dropped, and what all is narrowed to.

use super::super::blocks::block::Tone;
use super::super::overlay::Overlay;
use super::super::slash::Slash;
use super::super::state::State;
use super::{compose, slash};
use crate::base::RepoPath;
use crate::base::text::counted;
use crate::jobs::Mention;

/// Parses mentions: `path`, `@path:10-40`, `"with space"`.
fn mentions(argument: &str) -> Result<Vec<Mention>, String> {
    let mut out = Vec::new();
    let mut rest = argument.trim();
    while !rest.is_empty() {
        let word = rest.strip_prefix('@').unwrap_or(rest);
        // A quote that is not closed reaches to the end.
        let (quoted, after) = match word.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => ("", word),
        };
        // Behind the quotes lines may be named, as without them.
        let (bare, after) = after.split_once(char::is_whitespace).unwrap_or((after, ""));
        rest = after.trim_start();
        out.push(mention(&format!("{quoted}{bare}"))?);
    }
    Ok(out)
}

fn mention(word: &str) -> Result<Mention, String> {
    let lines = |text: &str| -> Option<crate::base::LineRange> {
        // A single number is a range of one line.
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        Some(crate::base::LineRange::new(
            from.parse().ok()?,
            to.parse().ok()?,
        ))
    };
    // A colon with no range behind it belongs to the path.
    let (path, range) = match word.rsplit_once(':') {
        Some((path, numbers)) if lines(numbers).is_some() => (path, lines(numbers)),
        _ => (word, None),
    };
    RepoPath::new(path)
        .map(|path| Mention { path, range })
        .map_err(|failure| failure.to_string())
}

/// A mention as it is said: with its lines.
fn told(mention: &Mention) -> String {
    match mention.range {
        Some(range) => format!("{}:{range}", mention.path),
        None => mention.path.to_string(),
    }
}

/// The files and lines of a list, each as it is typed.
pub(super) fn held(list: &[Mention]) -> Vec<String> {
    let typed = |mention: &Mention| {
        let path = mention.path.as_str();
        let bare = !path.contains(|c: char| c.is_whitespace() || c == '"');
        match (bare, mention.range) {
            (true, _) => told(mention),
            (false, Some(range)) => format!("\"{path}\":{range}"),
            (false, None) => format!("\"{path}\""),
        }
    };
    list.iter().map(typed).collect()
}

/// Tells whether a file or folder is in the index; before there is one, anything may be.
fn is_known(state: &State, path: &RepoPath) -> bool {
    state.files.paths.is_empty() || state.files.paths.iter().any(|file| file.is_below(path))
}

/// Reads the paths of a command; says which is not in the index. A slip in a path would otherwise
/// show only by its absence from the answer.
fn read(state: &mut State, argument: &str) -> Option<Vec<Mention>> {
    let mentions = match mentions(argument) {
        Ok(mentions) => mentions,
        Err(why) => {
            state.toast(Tone::Warning, why);
            return None;
        }
    };
    let unknown = mentions.iter().find(|m| !is_known(state, &m.path));
    if let Some(unknown) = unknown {
        let near = crate::jobs::nearest_path(&unknown.path, &state.files.paths);
        let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
        let text = format!("{} is not in the index{near}", unknown.path);
        state.toast(Tone::Warning, text);
        return None;
    }
    Some(mentions)
}

/// Adds, pins or drops files; without any, lists what is pinned and dropped.
pub(super) fn take(state: &mut State, slash: Slash, argument: &str) {
    if argument.is_empty() {
        match slash {
            Slash::Add => slash::needs(state, "/add", "a path"),
            _ => list(state),
        }
        return;
    }
    let Some(mentions) = read(state, argument) else {
        return;
    };
    let mut said = Vec::new();
    for mention in mentions {
        said.push(told(&mention));
        // Other lines of the file stay as they are; what means the same lines gives way.
        let apart = |other: &Mention| match (other.range, mention.range) {
            (Some(a), Some(b)) => other.path != mention.path || !a.overlaps(b),
            _ => other.path != mention.path,
        };
        for list in [&mut state.pins, &mut state.added, &mut state.drops] {
            list.retain(apart);
        }
        match slash {
            Slash::Add => state.added.push(mention),
            Slash::Drop => state.drops.push(mention),
            _ => state.pins.push(mention),
        }
    }
    let what = match slash {
        Slash::Add => "shown with the next question",
        Slash::Drop => "not shown from now on",
        _ => "shown with every question",
    };
    state.toast(Tone::Good, format!("{}: {what}", said.join(", ")));
}

/// Lists what is pinned, added and dropped, and what all is narrowed to.
fn list(state: &mut State) {
    let mut text = String::new();
    let mut part = |title: &str, lines: Vec<String>, hint: &str| {
        if lines.is_empty() {
            return;
        }
        text.push_str(&format!("{title}\n"));
        for line in lines {
            text.push_str(&format!("  {line}\n"));
        }
        text.push_str(&format!("  {hint}\n\n"));
    };
    let all = |list: &[Mention]| list.iter().map(told).collect::<Vec<_>>();
    part(
        "Pinned: shown with every question",
        all(&state.pins),
        "/unpin PATH takes one back, /unpin all each of them",
    );
    part(
        "Added: shown with the next question",
        all(&state.added),
        "/drop PATH takes one back",
    );
    part(
        "Dropped: never shown",
        all(&state.drops),
        "/undrop PATH takes one back, /undrop all each of them",
    );
    let within = state.within.iter().map(ToString::to_string).collect();
    part(
        "Narrowed to",
        within,
        "/in all looks at the whole repository again",
    );
    if text.is_empty() {
        let text = "nothing is pinned or dropped; /pin PATH and /drop PATH do that";
        state.toast(Tone::Plain, text);
        return;
    }
    state.overlay = Some(Overlay::Text {
        title: "pinned and dropped".to_owned(),
        text: text.trim_end().to_owned(),
        top: 0,
    });
}

/// Forgets pins or drops: those named, or all of them.
pub(super) fn forget(state: &mut State, slash: Slash, argument: &str) {
    let (name, word) = match slash {
        Slash::Undrop => ("/undrop", "dropped"),
        _ => ("/unpin", "pinned"),
    };
    let all = match slash {
        Slash::Undrop => &mut state.drops,
        _ => &mut state.pins,
    };
    if all.is_empty() {
        return state.toast(Tone::Plain, format!("nothing is {word}"));
    }
    if argument.is_empty() {
        return slash::needs(state, name, "a path, or `all`");
    }
    if argument == "all" {
        let count = all.len();
        all.clear();
        return state.toast(Tone::Plain, format!("{count} no longer {word}"));
    }
    let wanted = match mentions(argument) {
        Ok(wanted) => wanted,
        Err(why) => return state.toast(Tone::Warning, why),
    };
    let mut gone = Vec::new();
    let mut not = Vec::new();
    for wanted in wanted {
        let meant = |other: &Mention| {
            other.path == wanted.path && (wanted.range.is_none() || other.range == wanted.range)
        };
        let before = all.len();
        all.retain(|other| !meant(other));
        if all.len() == before {
            not.push(told(&wanted));
        } else {
            gone.push(told(&wanted));
        }
    }
    if not.is_empty() {
        state.toast(
            Tone::Plain,
            format!("{}: no longer {word}", gone.join(", ")),
        );
    } else {
        let text = format!(
            "{} is not {word}; {} lists what is",
            not.join(", "),
            name.replace("un", "")
        );
        state.toast(Tone::Warning, text);
    }
}

/// Narrows everything to some files and folders; `all` to nothing less than the repository.
pub(super) fn narrow(state: &mut State, argument: &str) {
    if argument.is_empty() {
        let text = match state.within.as_slice() {
            [] => "the whole repository is looked at; /in PATH narrows it".to_owned(),
            parts => format!("narrowed to {}; /in all widens it again", joined(parts)),
        };
        return state.toast(Tone::Plain, text);
    }
    if matches!(argument, "all" | "." | "/") {
        state.within.clear();
        state.toast(Tone::Good, "the whole repository is looked at again");
    } else {
        let Some(mentions) = read(state, argument) else {
            return;
        };
        state.within.clear();
        for mention in mentions {
            if !state.within.contains(&mention.path) {
                state.within.push(mention.path);
            }
        }
        let within = |path: &&RepoPath| state.within.iter().any(|part| path.is_below(part));
        let files = state.files.paths.iter().filter(within).count();
        let text = format!(
            "narrowed to {}: {}",
            joined(&state.within),
            counted(files, "file")
        );
        state.toast(Tone::Good, text);
    }
    state.awaited.names = None;
    compose::offer_places(state);
}

fn joined(parts: &[RepoPath]) -> String {
    let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
    parts.join(", ")
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
