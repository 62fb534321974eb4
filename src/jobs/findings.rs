//! From what a model writes about a diff to findings whose quotes stand in it.
//!
//! The form asked for is three lines: `path:line: severity: category: title`, `> the line`,
//! and the reason. Small models come near it, so marks around it, lists and missing fields are
//! tolerated; the quote is not: what it says must stand in the diff, or the finding is dropped.

use super::{Finding, Severity};
use crate::base::text::truncated;
use crate::repo::{Diff, DiffKind, DiffLine, FileDiff};

/// Most findings of one answer that are looked at.
const MOST: usize = 60;
/// Letters and digits that a quote needs to be looked for beyond the line it names.
const TELLING: usize = 4;
/// Letters and digits that a part of a line needs to stand for it.
const TELLING_PART: usize = 10;

/// A finding as the model wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Raw {
    /// The file, as written.
    pub path: String,
    /// The line, as written.
    pub line: u32,
    /// How bad.
    pub severity: Severity,
    /// One word.
    pub category: String,
    /// In a few words.
    pub title: String,
    /// The line quoted; empty for none.
    pub quote: String,
    /// Why.
    pub reason: String,
}

/// The findings in an answer.
pub(super) fn parse(answer: &str) -> Vec<Raw> {
    let mut found: Vec<Raw> = Vec::new();
    for line in answer.lines() {
        let bare = line.trim();
        if let Some(raw) = header(bare) {
            if found.len() == MOST {
                break;
            }
            found.push(raw);
            continue;
        }
        let Some(raw) = found.last_mut() else {
            continue;
        };
        if bare.is_empty() || bare.starts_with("```") {
            continue;
        }
        if let Some(quote) = quoted(line)
            && raw.quote.is_empty()
        {
            quote.clone_into(&mut raw.quote);
        } else if raw.reason.len() < 2000 {
            if !raw.reason.is_empty() {
                raw.reason.push(' ');
            }
            raw.reason.push_str(plain(bare));
        }
    }
    found
}

/// `path:line: severity: category: title`, with or without marks of a list around it.
fn header(line: &str) -> Option<Raw> {
    let line = unlisted(line);
    let (path, rest) = split_place(line)?;
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number: u32 = rest.get(..digits)?.parse().ok()?;
    let rest = rest.get(digits..)?;
    // `12-14:` names a range, `12+:` copies the sign of the diff.
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || "-–+".contains(c));
    let rest = rest.trim_start_matches(['*', '`', ')', ']', ' ']);
    let rest = rest.strip_prefix([':', '-', '–', '—']).unwrap_or(rest);
    let fields: Vec<&str> = rest.splitn(3, ':').map(plain).collect();
    let (severity, category, title) = match fields.as_slice() {
        [first, second, third] => match severity(first) {
            Some(severity) if is_word(second) => (severity, *second, (*third).to_owned()),
            Some(severity) => (severity, "", format!("{second}: {third}")),
            None => (Severity::Warning, "", plain(rest).to_owned()),
        },
        [first, second] => match severity(first) {
            Some(severity) => (severity, "", (*second).to_owned()),
            None => (Severity::Warning, "", plain(rest).to_owned()),
        },
        _ => return None,
    };
    if title.trim().is_empty() {
        return None;
    }
    Some(Raw {
        path: path.to_owned(),
        line: number,
        severity,
        category: if category.is_empty() {
            "bug".to_owned()
        } else {
            category.to_lowercase()
        },
        title: truncated(title.trim(), 300).to_owned(),
        quote: String::new(),
        reason: String::new(),
    })
}

/// A line without the marks of a list: `- `, `1. `, `**`.
fn unlisted(line: &str) -> &str {
    let line = line.trim_start_matches(['-', '*', '•', '#', ' ', '`', '[']);
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let after = line.get(digits..).unwrap_or("");
    match after
        .strip_prefix(". ")
        .or_else(|| after.strip_prefix(") "))
    {
        Some(rest) if digits > 0 => rest.trim_start_matches(['*', ' ', '`', '[']),
        _ => line,
    }
}

/// The path in front of the first `:` that a number follows, and what follows the colon.
fn split_place(line: &str) -> Option<(&str, &str)> {
    let at = line.char_indices().find_map(|(at, c)| {
        (c == ':'
            && line
                .get(at + 1..)
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())))
        .then_some(at)
    })?;
    let path = line.get(..at)?.trim();
    let good = !path.is_empty() && path.len() <= 512 && !path.contains(['(', '>', '"']);
    // A path with blanks is rare; a sentence with a time in it is not.
    (good && (!path.contains(' ') || path.contains('/'))).then_some((path, line.get(at + 1..)?))
}

/// A quoted line: `> text`, or a line that is nothing but inline code.
fn quoted(line: &str) -> Option<&str> {
    let bare = line.trim();
    if let Some(rest) = bare.strip_prefix('>') {
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        return Some(rest).filter(|rest| !rest.trim().is_empty());
    }
    bare.strip_prefix('`')
        .and_then(|rest| rest.strip_suffix('`'))
        .filter(|inner| !inner.trim().is_empty() && !inner.contains('`'))
}

fn plain(text: &str) -> &str {
    text.trim().trim_matches(['*', '`', ' ', '[', ']'])
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 24
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || c == '-' || c == '_')
}

fn severity(word: &str) -> Option<Severity> {
    match word.to_lowercase().as_str() {
        "error" | "critical" | "high" | "blocker" | "major" | "bug" => Some(Severity::Error),
        "warning" | "warn" | "medium" | "moderate" => Some(Severity::Warning),
        "note" | "info" | "low" | "minor" | "nit" | "hint" | "suggestion" => Some(Severity::Note),
        _ => None,
    }
}

/// Looks for the quote in the diff: the line named, else the nearest that reads the same.
pub(super) fn verify(raw: &Raw, diff: &Diff) -> Option<Finding> {
    let file = file_of(&raw.path, diff)?;
    let readings = readings(&raw.quote);
    let lines = || file.hunks.iter().flat_map(|hunk| &hunk.lines);
    let named = lines().find(|line| {
        line.number() == Some(raw.line) && readings.iter().any(|r| *r == squeezed(&line.text))
    });
    let nearest = |fits: &dyn Fn(&DiffLine) -> bool| {
        lines().filter(|line| fits(line)).min_by_key(|line| {
            let far = line.number().map_or(u32::MAX, |n| n.abs_diff(raw.line));
            // A remark is about what changed sooner than about what stands around it.
            (line.kind == DiffKind::Context, far)
        })
    };
    let line = named
        .or_else(|| {
            nearest(&|line: &DiffLine| {
                readings
                    .iter()
                    .any(|r| telling(r) >= TELLING && *r == squeezed(&line.text))
            })
        })
        .or_else(|| {
            nearest(&|line: &DiffLine| {
                let text = squeezed(&line.text);
                readings
                    .iter()
                    .any(|r| telling(r) >= TELLING_PART && text.contains(r.as_str()))
            })
        })?;
    Some(Finding {
        path: file.path.clone(),
        line: line.number()?,
        side: line.kind,
        severity: raw.severity,
        category: raw.category.clone(),
        quote: line.text.clone(),
        title: raw.title.clone(),
        reason: raw.reason.trim().to_owned(),
        verified: true,
        rule: None,
        suggestion: None,
    })
}

/// The file meant: its path, one with the diff's prefix, or the only one that ends with it.
fn file_of<'d>(path: &str, diff: &'d Diff) -> Option<&'d FileDiff> {
    let path = path.trim_start_matches("./");
    let short = path
        .strip_prefix("a/")
        .or_else(|| path.strip_prefix("b/"))
        .unwrap_or(path);
    let exact = |wanted: &str| {
        diff.files.iter().find(|file| {
            file.path.as_str() == wanted
                || file
                    .old_path
                    .as_ref()
                    .is_some_and(|old| old.as_str() == wanted)
        })
    };
    exact(path).or_else(|| exact(short)).or_else(|| {
        let tail = format!("/{short}");
        let mut ending = diff
            .files
            .iter()
            .filter(|file| file.path.as_str().ends_with(&tail));
        let only = ending.next()?;
        ending.next().is_none().then_some(only)
    })
}

/// What a quote may mean: as it is, without the number and sign that it was shown with.
fn readings(quote: &str) -> Vec<String> {
    let quote = quote.trim();
    let mut all = Vec::new();
    let mut add = |text: &str| {
        let text = squeezed(text);
        if !text.is_empty() && !all.contains(&text) {
            all.push(text);
        }
    };
    let inner = quote
        .strip_prefix('`')
        .and_then(|rest| rest.strip_suffix('`'))
        .unwrap_or(quote);
    for text in [quote, inner] {
        add(text);
        add(text.trim_start_matches(['+', '-']));
        let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
        if rest.len() < text.len()
            && let Some(rest) = rest.strip_prefix(['+', '-', '|', ' ', ':'])
        {
            add(rest);
        }
    }
    all
}

/// Runs of blanks as one, none at the ends.
fn squeezed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

fn telling(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphanumeric()).count()
}

/// Adds a finding unless the same was said; the worse one of two alike stays. Tells whether
/// it is new.
pub(super) fn add(finding: Finding, to: &mut Vec<Finding>) -> bool {
    let same = to.iter_mut().find(|known| {
        known.path == finding.path
            && known.line == finding.line
            && known.side == finding.side
            && (known.category == finding.category
                || strsim::normalized_levenshtein(&known.title, &finding.title) > 0.7)
    });
    if let Some(known) = same {
        known.severity = known.severity.max(finding.severity);
        return false;
    }
    to.push(finding);
    true
}

/// Worst first, then by place.
pub(super) fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| a.path.cmp(&b.path))
            .then_with(|| a.line.cmp(&b.line))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::RepoPath;
    use crate::repo::{FileStatus, Hunk};
    use proptest::prelude::*;

    fn line(kind: DiffKind, old: u32, new: u32, text: &str) -> DiffLine {
        DiffLine {
            kind,
            old: (kind != DiffKind::Added).then_some(old),
            new: (kind != DiffKind::Removed).then_some(new),
            text: text.to_owned(),
            no_newline: false,
        }
    }

    fn diff() -> Diff {
        Diff {
            unnamed: Vec::new(),
            files: vec![FileDiff {
                old_path: None,
                path: RepoPath::new("src/a.rs").expect("good path"),
                status: FileStatus::Modified,
                binary: false,
                bytes: None,
                content: Vec::new(),
                hunks: vec![Hunk {
                    old_start: 10,
                    old_len: 3,
                    new_start: 10,
                    new_len: 4,
                    section: String::new(),
                    lines: vec![
                        line(DiffKind::Context, 10, 10, "fn f() {"),
                        line(DiffKind::Removed, 11, 0, "    let x = read()?;"),
                        line(DiffKind::Added, 0, 11, "    let x = read().unwrap();"),
                        line(DiffKind::Added, 0, 12, "    log(x);"),
                        line(DiffKind::Context, 12, 13, "}"),
                    ],
                }],
            }],
        }
    }

    fn one(answer: &str) -> Option<Finding> {
        let raw = parse(answer);
        assert_eq!(raw.len(), 1, "{raw:?}");
        verify(&raw[0], &diff())
    }

    #[test]
    fn the_form_asked_for_is_read() {
        let found = one(
            "src/a.rs:11: error: error-handling: it panics on bad input\n\
             >     let x = read().unwrap();\nThe error was passed on before.\nNow it is not.\n",
        )
        .expect("verified");
        assert_eq!((found.line, found.side), (11, DiffKind::Added));
        assert_eq!(found.severity, Severity::Error);
        assert_eq!(found.category, "error-handling");
        assert_eq!(found.title, "it panics on bad input");
        assert_eq!(found.quote, "    let x = read().unwrap();");
        assert_eq!(
            found.reason,
            "The error was passed on before. Now it is not."
        );
    }

    #[test]
    fn what_models_write_near_it_is_read_too() {
        for near in [
            "- **src/a.rs:11**: warning: bug: title\n> 11+     let x = read().unwrap();\nwhy",
            "1. `src/a.rs:11`: High: title\n   `let x = read().unwrap();`\nwhy",
            "b/src/a.rs:11-12: error: bug: title\n> + let x = read().unwrap();",
            "a.rs:99: note: bug: title\n> read().unwrap()",
            "src/a.rs:11: the title alone: with a colon\n> let x = read().unwrap();",
        ] {
            let found = one(near).unwrap_or_else(|| panic!("{near}"));
            assert_eq!(found.line, 11, "{near}");
        }
    }

    #[test]
    fn a_quote_that_does_not_stand_there_is_dropped() {
        for wrong in [
            "src/a.rs:11: error: bug: title\n> let y = write();",
            "src/a.rs:11: error: bug: title\nno quote at all",
            "src/b.rs:11: error: bug: title\n> let x = read().unwrap();",
            "src/a.rs:99: error: bug: title\n> }",
        ] {
            assert_eq!(one(wrong), None, "{wrong}");
        }
        assert!(one("src/a.rs:13: note: style: title\n> }").is_some());
        assert_eq!(parse("No findings."), []);
    }

    #[test]
    fn a_removed_line_is_found_on_its_side() {
        let found = one("src/a.rs:11: error: bug: t\n> let x = read()?;").expect("verified");
        assert_eq!((found.line, found.side), (11, DiffKind::Removed));
    }

    #[test]
    fn the_same_is_said_once_and_the_worst_comes_first() {
        let finding = |line: u32, severity, title: &str| Finding {
            path: RepoPath::new("src/a.rs").expect("good path"),
            line,
            side: DiffKind::Added,
            severity,
            category: "bug".to_owned(),
            quote: String::new(),
            title: title.to_owned(),
            reason: String::new(),
            verified: true,
            rule: None,
            suggestion: None,
        };
        let mut all = Vec::new();
        assert!(add(finding(2, Severity::Note, "a"), &mut all));
        assert!(!add(finding(2, Severity::Warning, "b"), &mut all));
        assert!(add(finding(1, Severity::Error, "c"), &mut all));
        sort(&mut all);
        let told: Vec<_> = all.iter().map(|f| (f.line, f.severity)).collect();
        assert_eq!(told, [(1, Severity::Error), (2, Severity::Warning)]);
    }

    proptest! {
        #[test]
        fn nothing_a_model_writes_breaks_it(text in "(\\PC|[\n:>`-]){0,300}") {
            for raw in parse(&text) {
                let _ = verify(&raw, &diff());
            }
        }
    }
}
