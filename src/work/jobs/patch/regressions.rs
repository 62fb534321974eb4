//! Complaints about what a planned change would leave worse: places that the language's grammar
//! cannot make sense of, and lines indented in another way than their file.

use std::collections::{BTreeSet, HashSet};

use crate::base::text::{printable, truncated};
use crate::index::symbols::{Language, errors};
use crate::patch::{Change, FileChange};

/// Most complaints about one file.
const MOST: usize = 3;

/// Complaints about a change, in words that a model can act on; none where nothing gets worse.
pub(super) fn worse(change: &Change) -> Vec<String> {
    let mut found = Vec::new();
    for file in &change.files {
        let (Some(before), Some(after)) = (&file.before, &file.after) else {
            continue;
        };
        found.extend(syntax(file, before, after));
        found.extend(indentation(file, before, after));
    }
    found
}

/// Complaints about syntax errors that were not there before, by the lines they stand in.
fn syntax(file: &FileChange, before: &str, after: &str) -> Vec<String> {
    // An empty text has no first line.
    let first = before.lines().next().unwrap_or("");
    let Some(language) = Language::of(&file.path, first) else {
        return Vec::new();
    };
    let (Some(old), Some(new)) = (errors(before, language), errors(after, language)) else {
        return Vec::new();
    };
    let added = new.len().saturating_sub(old.len());
    if added == 0 {
        return Vec::new();
    }
    let (before, after) = (Lines::of(before), Lines::of(after));
    let known: HashSet<&str> = old.iter().map(|line| before.at(*line)).collect();
    let path = &file.path;
    let mut found: Vec<String> = new
        .iter()
        .filter(|line| !known.contains(after.at(**line)))
        .collect::<BTreeSet<&u32>>()
        .into_iter()
        .take(added.min(MOST))
        .map(|line| {
            let text = printable(truncated(after.at(*line).trim(), 120));
            format!("{path}:{line} would be a syntax error: `{text}`")
        })
        .collect();
    if found.is_empty() {
        found.push(format!("{path} would have a syntax error more"));
    }
    found
}

/// A text's lines, by their numbers from 1.
struct Lines<'a>(Vec<&'a str>);

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self(text.lines().collect())
    }

    fn at(&self, line: u32) -> &'a str {
        // An error at the end of a text may stand behind its last line.
        let at = (line as usize).checked_sub(1);
        at.and_then(|at| self.0.get(at)).copied().unwrap_or("")
    }
}

/// The complaint about lines that begin with blanks where the file has tabs, or the other way
/// round.
fn indentation(file: &FileChange, before: &str, after: &str) -> Option<String> {
    let any = |text: &str, start: &str| text.lines().any(|line| line.starts_with(start));
    let path = &file.path;
    // One blank does not count: comments of several lines are aligned by it in files of tabs too.
    if any(before, "\t") && !any(before, "  ") && any(after, "  ") {
        return Some(format!(
            "{path} is indented by tabs, and the new lines by blanks"
        ));
    }
    if any(before, " ") && !any(before, "\t") && any(after, "\t") {
        return Some(format!(
            "{path} is indented by blanks, and the new lines by tabs"
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::RepoPath;

    fn change(path: &str, before: &str, after: &str) -> Vec<String> {
        worse(&Change {
            files: vec![FileChange {
                path: RepoPath::new(path).expect("a path"),
                renamed_to: None,
                before: Some(before.to_owned()),
                after: Some(after.to_owned()),
            }],
        })
    }

    #[test]
    fn a_new_syntax_error_is_told_with_its_line() {
        let before = "fn a() {\n    b();\n}\n";
        assert_eq!(
            change("a.rs", before, "fn a() {\n    c();\n}\n"),
            [] as [&str; 0]
        );
        let told = change("a.rs", before, "fn a() {\n    c(;\n}\n");
        assert_eq!(told, ["a.rs:2 would be a syntax error: `c(;`"]);
        // One that was there before is nobody's fault, and a text without a grammar has none.
        assert_eq!(change("a.rs", "fn a( {\n", "fn b( {\n"), [] as [&str; 0]);
        assert_eq!(change("a.txt", "a", "(((("), [] as [&str; 0]);
    }

    #[test]
    fn indentation_of_another_kind_is_told() {
        let tabs = "func a() {\n\tb()\n}\n";
        assert_eq!(
            change("a.go", tabs, "func a() {\n\tc()\n}\n"),
            [] as [&str; 0]
        );
        let told = change("a.go", tabs, "func a() {\n    c()\n}\n");
        assert_eq!(
            told,
            ["a.go is indented by tabs, and the new lines by blanks"]
        );
        let told = change("a.txt", "a\n  b\n", "a\n\tb\n");
        assert_eq!(
            told,
            ["a.txt is indented by blanks, and the new lines by tabs"]
        );
    }
}
