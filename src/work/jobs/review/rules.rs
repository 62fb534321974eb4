//! Findings without a model: conflict markers, secrets, leftovers of debugging, files that are too
//! large.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use fancy_regex::Regex;
use sha2::{Digest as _, Sha256};

use super::super::{Finding, Severity};
use crate::base::secrets::{Secret, masked, secrets};
use crate::base::text::{hex, hides, human_bytes, truncated};
use crate::base::{Failure, OrBug, RepoPath, Result};
use crate::repo::{DiffKind, FileDiff, FileStatus, Repo};

/// Most bytes of a new file that nothing is said of.
const LARGE: u64 = 5 << 20;
/// Bytes of a line that are looked at: longer ones hold data.
const LINE: usize = 2_000;
/// Findings of one rule in one file, at most.
const MOST: usize = 5;

/// A leftover of debugging: see [`LEFT`].
type Leftover = (
    &'static [&'static str],
    &'static str,
    &'static str,
    Severity,
);

/// The leftovers of debugging: ends of file names, the form, what it is, and how bad.
const LEFT: [Leftover; 9] = [
    (
        &["js", "jsx", "ts", "tsx", "mjs", "cjs", "vue", "svelte"],
        r"^\s*debugger\s*;?\s*$",
        "`debugger` stops whoever runs this",
        Severity::Warning,
    ),
    (
        &["js", "jsx", "ts", "tsx", "mjs", "cjs"],
        r"\b(?:describe|it|test|context)\.only\s*\(",
        "`.only` leaves all other tests out",
        Severity::Warning,
    ),
    (
        &["py"],
        r"^\s*(?:breakpoint\(\)|import\s+i?pdb\b|i?pdb\.set_trace\(\))",
        "a breakpoint stops whoever runs this",
        Severity::Warning,
    ),
    (
        &["rb"],
        r"^\s*(?:binding\.(?:pry|irb|break)|byebug|debugger)\s*$",
        "a breakpoint stops whoever runs this",
        Severity::Warning,
    ),
    (
        &["rs"],
        r"(?<![\w!])dbg!\s*\(",
        "`dbg!` writes to standard error",
        Severity::Warning,
    ),
    (
        &["rs"],
        r"(?<![\w!])(?:todo|unimplemented)!\s*\(",
        "this panics when it is reached",
        Severity::Note,
    ),
    (
        &["php"],
        r"(?<![\w$>:])(?:var_dump|dd|print_r)\s*\(",
        "a dump is left over",
        Severity::Note,
    ),
    (
        &["go"],
        r"\bspew\.Dump\s*\(",
        "a dump is left over",
        Severity::Note,
    ),
    (
        &["ex", "exs"],
        r"\bIEx\.pry\b",
        "a breakpoint stops whoever runs this",
        Severity::Warning,
    ),
];

/// The leftovers of debugging, compiled.
type Leftovers = Vec<(&'static Leftover, Regex)>;

static LEFTOVERS: LazyLock<std::result::Result<Leftovers, String>> = LazyLock::new(|| {
    let compiled = LEFT.iter().map(|rule| {
        let form = Regex::new(rule.1).map_err(|e| format!("{}: {e}", rule.1))?;
        Ok((rule, form))
    });
    compiled.collect()
});

/// The leftovers of debugging, compiled once.
///
/// # Errors
/// Of kind bug, where one is no regular expression: silence would be worst here.
fn leftovers() -> Result<&'static Leftovers> {
    let wrong = |e: &String| Failure::bug("a rule of reviews cannot be read").because(e);
    LEFTOVERS.as_ref().map_err(wrong)
}

/// Looks through what a diff adds.
///
/// # Errors
/// Of kind bug, where a rule cannot be read.
pub(super) fn spots(files: &[FileDiff]) -> Result<Vec<Finding>> {
    look(files, true)
}

/// Looks through files that somebody else wrote or a program made: for secrets and conflicts alone.
///
/// # Errors
/// Those of [`spots`].
pub(super) fn of_others(files: &[FileDiff]) -> Result<Vec<Finding>> {
    look(files, false)
}

fn look(files: &[FileDiff], own: bool) -> Result<Vec<Finding>> {
    let leftovers = leftovers()?;
    let mut found = Vec::new();
    for file in files {
        let mut here: Vec<Finding> = name(file).into_iter().collect();
        conflict(file, &mut here);
        lines(file, leftovers, own, &mut here)?;
        let mut counts: BTreeMap<Option<String>, usize> = BTreeMap::new();
        here.retain(|finding: &Finding| {
            let count = counts.entry(finding.rule.clone()).or_default();
            *count += 1;
            *count <= MOST
        });
        found.append(&mut here);
    }
    Ok(found)
}

fn finding(
    file: &FileDiff,
    line: u32,
    quote: &str,
    rule: &str,
    severity: Severity,
    title: String,
) -> Finding {
    let category = match rule {
        "secret" => "security",
        _ => "bug",
    };
    Finding {
        path: file.path.clone(),
        line,
        side: DiffKind::Added,
        severity,
        category: category.to_owned(),
        quote: quote.to_owned(),
        title,
        reason: String::new(),
        verified: true,
        rule: Some(rule.to_owned()),
        suggestion: None,
        secret: None,
    }
}

/// Finds a new name with characters in it that nobody sees: it looks like another, or like none.
fn name(file: &FileDiff) -> Option<Finding> {
    let new = matches!(file.status, FileStatus::Added | FileStatus::Renamed);
    let hidden = hides(file.path.as_str());
    let title = "the name holds characters that cannot be seen".to_owned();
    let rule = "hidden-name";
    (new && hidden).then(|| finding(file, 0, "", rule, Severity::Warning, title))
}

/// Finds conflict markers: all three of them, the sides in order, since rows of equal signs
/// underline headings.
fn conflict(file: &FileDiff, found: &mut Vec<Finding>) {
    for hunk in &file.hunks {
        let mut begun = None;
        let mut parted = false;
        for line in hunk
            .lines
            .iter()
            .filter(|line| line.kind != DiffKind::Removed)
        {
            let text = line.text.trim_end();
            if text.starts_with("<<<<<<< ") && line.kind == DiffKind::Added {
                begun = Some(line);
                parted = false;
            } else if text == "=======" && begun.is_some() {
                parted = true;
            } else if text.starts_with(">>>>>>> ") && parted {
                if let Some(first) = begun.take() {
                    let number = first.new.or_bug("an added line has no number");
                    let title = "a conflict is not resolved".to_owned();
                    let rule = "conflict-marker";
                    let quote = &first.text;
                    found.push(finding(file, number, quote, rule, Severity::Error, title));
                }
                parted = false;
            }
        }
    }
}

fn lines(
    file: &FileDiff,
    leftovers: &Leftovers,
    own: bool,
    found: &mut Vec<Finding>,
) -> Result<()> {
    let name = file.path.name();
    // Names such as `Makefile` have no ending.
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let added = file.hunks.iter().flat_map(|hunk| &hunk.lines);
    for line in added.filter(|line| line.kind == DiffKind::Added) {
        let number = line.new.or_bug("an added line has no number");
        if let Some(secret) = secrets(&line.text)?.first() {
            found.push(of_secret(file, number, &line.text, secret)?);
        }
        let text = truncated(&line.text, LINE);
        for ((endings, _, what, severity), form) in leftovers.iter().filter(|_| own) {
            let code = !text.trim_start().starts_with(['#', '*', '/']);
            // A line that takes too much backtracking is passed over.
            let matches = || form.is_match(text).unwrap_or(false);
            if endings.contains(&ending) && code && matches() {
                let what = (*what).to_owned();
                let rule = "debug-leftover";
                let quote = masked(text)?;
                found.push(finding(file, number, &quote, rule, *severity, what));
                break;
            }
        }
    }
    Ok(())
}

/// The finding of a secret in a line.
fn of_secret(file: &FileDiff, number: u32, line: &str, secret: &Secret) -> Result<Finding> {
    let title = format!("{} is written here", secret.kind);
    // A secret that the end cuts is one all the same: first the mask, then the end.
    let quote = masked(line)?;
    let quote = truncated(&quote, LINE);
    Ok(Finding {
        secret: Some(told_apart(secret.text(line))),
        ..finding(file, number, quote, "secret", Severity::Error, title)
    })
}

/// A little of a secret's hash, by which another in its place is told from it.
fn told_apart(secret: &str) -> String {
    hex(Sha256::digest(secret).as_slice().split_at(2).0)
}

/// Files that were not read, with the reasons.
type Unread = Vec<(RepoPath, String)>;

/// Finds secrets in files of which no lines are known: binary ones, and such as are too large for a
/// diff or are kept out of it.
///
/// Files that cannot be read are given too, with the reasons.
///
/// # Errors
/// Of kind bug, where a rule cannot be read.
pub(super) fn in_bytes(files: &[FileDiff], repo: &Repo) -> Result<(Vec<Finding>, Unread)> {
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    let now = |file: &&FileDiff| {
        use FileStatus::{Added, Modified, Renamed};
        file.hunks.is_empty() && matches!(file.status, Added | Modified | Renamed)
    };
    for file in files.iter().filter(now) {
        let text = match repo.content_of(file) {
            Ok(content) => text_of(&content),
            Err(failure) => {
                unread.push((file.path.clone(), failure.to_string()));
                continue;
            }
        };
        for secret in secrets(&text)?.iter().take(MOST) {
            let before = text.get(..secret.range.start);
            let before = before.or_bug("a secret is not in its text");
            let number = before.matches('\n').count() as u32 + 1;
            let whole = text
                .get(secret.range.clone())
                .or_bug("a secret lies nowhere");
            let alone = Secret {
                range: 0..whole.len(),
                ..secret.clone()
            };
            found.push(of_secret(file, number, whole, &alone)?);
        }
    }
    Ok((found, unread))
}

/// Bytes as text, by their byte-order mark.
fn text_of(bytes: &[u8]) -> String {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let pairs = rest.as_chunks::<2>().0;
        let units = pairs.iter().map(|pair| unit(*pair));
        char::decode_utf16(units)
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    };
    match bytes {
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Finds a file that is new and too large.
pub(super) fn large(file: &FileDiff) -> Option<Finding> {
    let bytes = file.bytes.filter(|bytes| *bytes > LARGE)?;
    let title = format!("a new file of {}", human_bytes(bytes));
    Some(finding(file, 0, "", "large-file", Severity::Warning, title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leftover_can_be_read() {
        assert_eq!(leftovers().expect("each").len(), LEFT.len());
    }

    #[test]
    fn wide_text_is_read_by_its_mark() {
        let text = "a: ü\n";
        let wide: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        assert_eq!(text_of(&wide), text);
    }
}
