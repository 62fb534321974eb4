//! Rows of the popup for what is no path: definitions, and changes that git knows.

use super::{CompletionItem, SHOWN};
use crate::base::text::{counted, truncated};
use crate::base::{LineRange, RepoPath};
use crate::index::Symbol;

/// Changes that are offered behind `@`.
const CHANGES: [(&str, &str); 4] = [
    ("diff", "all that is not committed"),
    ("staged", "what the next commit holds"),
    ("HEAD", "the last commit; HEAD~1 the one before"),
    ("HEAD~3..", "the last three commits"),
];

/// Rows of the changes whose names begin with what is typed.
pub(super) fn changes(word: &str) -> Vec<CompletionItem> {
    let low = word.to_lowercase();
    let fitting = CHANGES
        .iter()
        .filter(|(name, _)| name.to_lowercase().starts_with(&low));
    let item = |(name, about): &(&str, &str)| CompletionItem {
        insert: format!("@{name} "),
        label: (*name).to_owned(),
        about: (*about).to_owned(),
        matched: (0..word.chars().count() as u32).collect(),
        shows: None,
    };
    fitting.map(item).collect()
}

/// Rows of definitions: those whose name is what is typed, and the others.
pub(super) fn definitions(
    word: &str,
    names: &[(RepoPath, Symbol)],
) -> (Vec<CompletionItem>, Vec<CompletionItem>) {
    let typed = word.rsplit(['.', ':', '#']).next().unwrap_or(word);
    let full: Vec<String> = names.iter().map(|(_, symbol)| dotted(symbol)).collect();
    let mut same = Vec::new();
    let mut others = Vec::new();
    for ((path, symbol), name) in names.iter().zip(&full) {
        // A name of several definitions would mean all of them: lines name one.
        let several = full.iter().filter(|other| *other == name).count() > 1;
        let plain = !path
            .as_str()
            .contains(|c: char| c.is_whitespace() || c == '"');
        let insert = match (several, plain) {
            (false, _) => format!("@{name} "),
            (true, true) => format!("@{}:{} ", path.as_str(), symbol.range),
            (true, false) => format!("@\"{}\":{} ", path.as_str(), symbol.range),
        };
        let lines = counted(symbol.range.len() as usize, "line");
        let end = name.chars().count() as u32;
        let start = end.saturating_sub(symbol.name.chars().count() as u32);
        let item = CompletionItem {
            insert,
            label: name.clone(),
            about: format!("{path}:{} {lines}", symbol.range.start()),
            matched: (start..end.min(start + typed.chars().count() as u32)).collect(),
            shows: Some((path.clone(), first_of(symbol.range))),
        };
        if symbol.name == typed {
            same.push(item);
        } else {
            others.push(item);
        }
    }
    (same, others)
}

/// The first lines of a range, as many as are shown.
fn first_of(range: LineRange) -> LineRange {
    range.up_to(range.end().min(range.start() + SHOWN - 1))
}

/// The name of a definition behind those around it, as most languages write it.
fn dotted(symbol: &Symbol) -> String {
    let name = symbol.full_name();
    truncated(&name.replace("::", "."), 200).to_owned()
}
