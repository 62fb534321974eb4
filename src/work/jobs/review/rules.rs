//! Findings without a model: conflict markers, secrets, leftovers of debugging, files that are too
//! large.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use fancy_regex::{Match, Regex};
use sha2::{Digest as _, Sha256};

use super::super::{Finding, Severity};
use crate::base::text::{hex, hides, human_bytes, truncated};
use crate::base::{Failure, OrBug, RepoPath, Result};
use crate::repo::{DiffKind, FileDiff, FileStatus, Repo};

/// Most bytes of a new file that nothing is said of.
const LARGE: u64 = 5 << 20;
/// Bytes of a line that are looked at: longer ones hold data.
const LINE: usize = 2_000;
/// Findings of one rule in one file, at most.
const MOST: usize = 5;

/// The secrets that are known: whose each is, and its form. The forms are those that their makers
/// document; each begins with letters that are its own, so that chance hardly writes one.
///
/// A text that one rule has found is found by no later one. No letter or digit may stand right
/// before or behind (see [`stands_free`]).
const SECRETS: [(&str, &str); 14] = [
    ("an AWS access key", r"(?:AKIA|ASIA)[0-9A-Z]{16}"),
    ("a GitHub token", r"gh[pousr]_[A-Za-z0-9]{36,}"),
    ("a GitHub token", r"github_pat_[A-Za-z0-9_]{50,}"),
    ("a GitLab token", r"glpat-[A-Za-z0-9_\-]{20,}"),
    ("a Slack token", r"xox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("a Google API key", r"AIza[0-9A-Za-z_\-]{35}"),
    ("a Stripe key", r"[rs]k_live_[0-9A-Za-z]{20,}"),
    ("an npm token", r"npm_[A-Za-z0-9]{36}"),
    ("a PyPI token", r"pypi-AgEI[A-Za-z0-9_\-]{50,}"),
    ("an Anthropic key", r"sk-ant-[A-Za-z0-9_\-]{40,}"),
    ("an OpenAI key", r"sk-[A-Za-z0-9_\-]{40,}"),
    ("a Hugging Face token", r"hf_[A-Za-z0-9]{34,}"),
    (
        "a private key",
        r"-----BEGIN (?:RSA |EC |DSA |OPENSSH |PGP |ENCRYPTED )?PRIVATE KEY(?: BLOCK)?-----",
    ),
    (
        "a password in an address",
        r#"[a-z][a-z0-9+.\-]{1,20}://[^\s:/@"'{}$<>]+:[^\s:/@"'{}$<>*]{3,}@[\w.\-]+"#,
    ),
];

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

/// The rules, compiled.
struct Compiled {
    secrets: Vec<(&'static str, Regex)>,
    left: Vec<(&'static Leftover, Regex)>,
}

static COMPILED: LazyLock<std::result::Result<Compiled, String>> = LazyLock::new(|| {
    let form = |form: &str| Regex::new(form).map_err(|e| format!("{form}: {e}"));
    let secrets = SECRETS.iter().map(|(what, text)| Ok((*what, form(text)?)));
    let left = LEFT.iter().map(|rule| Ok((rule, form(rule.1)?)));
    Ok(Compiled {
        secrets: secrets.collect::<std::result::Result<_, String>>()?,
        left: left.collect::<std::result::Result<_, String>>()?,
    })
});

/// The rules, compiled once.
///
/// # Errors
/// Of kind bug, where a rule is no regular expression: silence would be worst here.
fn compiled() -> Result<&'static Compiled> {
    let wrong = |e: &String| Failure::bug("a rule of reviews cannot be read").because(e);
    COMPILED.as_ref().map_err(wrong)
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
    let rules = compiled()?;
    let mut found = Vec::new();
    for file in files {
        let mut here: Vec<Finding> = name(file).into_iter().collect();
        conflict(file, &mut here);
        lines(file, rules, own, &mut here);
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

fn lines(file: &FileDiff, rules: &Compiled, own: bool, found: &mut Vec<Finding>) {
    let name = file.path.name();
    // Names such as `Makefile` have no ending.
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let added = file.hunks.iter().flat_map(|hunk| &hunk.lines);
    for line in added.filter(|line| line.kind == DiffKind::Added) {
        let number = line.new.or_bug("an added line has no number");
        let known = secrets(&line.text, rules);
        let text = truncated(&line.text, LINE);
        let quote = hide(text, rules);
        if let Some((what, _)) = known.first() {
            let title = format!("{what} is written here");
            let (rule, severity) = ("secret", Severity::Error);
            found.push(finding(file, number, &quote, rule, severity, title));
        }
        for ((endings, _, what, severity), form) in rules.left.iter().filter(|_| own) {
            let code = !text.trim_start().starts_with(['#', '*', '/']);
            // A line that takes too much backtracking is passed over.
            let matches = || form.is_match(text).unwrap_or(false);
            if endings.contains(&ending) && code && matches() {
                let what = (*what).to_owned();
                let rule = "debug-leftover";
                found.push(finding(file, number, &quote, rule, *severity, what));
                break;
            }
        }
    }
}

/// A line with none of its secrets in it, as it may be shown.
///
/// # Errors
/// Of kind bug, where a rule cannot be read.
pub fn masked(text: &str) -> Result<String> {
    Ok(hide(text, compiled()?))
}

fn hide(text: &str, rules: &Compiled) -> String {
    let mut shown = text.to_owned();
    for (_, secret) in secrets(text, rules) {
        shown = shown.replace(secret, &hidden(secret));
    }
    shown
}

/// The secrets in a text, and what they are.
fn secrets<'t>(text: &'t str, rules: &Compiled) -> Vec<(&'static str, &'t str)> {
    let mut found: Vec<(&'static str, Match<'t>)> = Vec::new();
    for (what, form) in &rules.secrets {
        // Only backtracking can fail, by its limit, and these forms need none.
        for matched in form.find_iter(text).filter_map(std::result::Result::ok) {
            let taken = |(_, other): &(&str, Match<'_>)| {
                other.start() < matched.end() && matched.start() < other.end()
            };
            if !is_example(matched.as_str())
                && stands_free(text, &matched.range())
                && !found.iter().any(taken)
            {
                found.push((what, matched));
            }
        }
    }
    found.sort_by_key(|(_, matched)| matched.start());
    found
        .into_iter()
        .map(|(what, matched)| (what, matched.as_str()))
        .collect()
}

/// Tells whether a match is no part of a longer word. Letters beyond ASCII belong to no key, nor do
/// those of an escape in front: `\n`, or a colour of a terminal.
fn stands_free(text: &str, range: &Range<usize>) -> bool {
    let before = text.get(..range.start).or_bug("a match has no beginning");
    let behind = text.get(range.end..).or_bug("a match has no end");
    let escape = || {
        let mut letters = before.chars().rev();
        match letters.next() {
            Some('n' | 'r' | 't' | 'b' | 'f' | 'v' | '0') => letters.next() == Some('\\'),
            Some('m') => {
                let rest = before.trim_end_matches('m');
                rest.trim_end_matches(|c: char| c.is_ascii_digit() || c == ';')
                    .ends_with('[')
            }
            _ => false,
        }
    };
    let part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    (!part(before.chars().next_back()) || escape()) && !part(behind.chars().next())
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
    let rules = compiled()?;
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
        for (what, secret) in secrets(&text, rules).into_iter().take(MOST) {
            let line = line_of(&text, secret);
            let title = format!("{what} is written here");
            let quote = hidden(secret);
            let (rule, severity) = ("secret", Severity::Error);
            found.push(finding(file, line, &quote, rule, severity, title));
        }
    }
    Ok((found, unread))
}

/// The line, from 1, of a part of a text: that of this very part, for the same may stand before it.
fn line_of(text: &str, part: &str) -> u32 {
    let at = part.as_ptr() as usize - text.as_ptr() as usize;
    let before = text.get(..at).or_bug("a secret is not in its text");
    before.matches('\n').count() as u32 + 1
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

/// Tells whether a match is one of those that manuals show.
fn is_example(secret: &str) -> bool {
    let small = secret.to_lowercase();
    let words = [
        "example",
        "xxxx",
        "0000000",
        "1234567890",
        "placeholder",
        "your",
    ];
    let address = secret.contains("://");
    words.iter().any(|word| small.contains(word))
        || address
            && ["localhost", "127.0.0.1", "user:pass", ":password@"]
                .iter()
                .any(|word| small.contains(word))
}

/// A secret by its beginning and a little of its hash, so that another is told from it: findings
/// are printed, kept, and sent to where builds are watched.
fn hidden(secret: &str) -> String {
    if secret.starts_with("-----") {
        return secret.to_owned();
    }
    let shown: String = secret.chars().take(6).collect();
    let hash = Sha256::digest(secret);
    format!("{shown}…{}", hex(hash.as_slice().split_at(2).0))
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
    fn a_secret_that_stands_twice_is_told_at_both_places() {
        let key = format!("ghp_{}", "aB3".repeat(12));
        let text = format!("a: {key}\n\nb: {key}\n");
        let rules = compiled().expect("rules");
        let lines = secrets(&text, rules)
            .into_iter()
            .map(|(_, key)| line_of(&text, key));
        assert_eq!(lines.collect::<Vec<_>>(), [1, 3]);
    }

    /// A secret of each rule, in its order. None is anybody's; they are put together here, so that
    /// no scanner of this repository takes them for one.
    fn samples() -> [String; 14] {
        let letters = |n: usize| "aB3dE6gH9jK2".chars().cycle().take(n).collect::<String>();
        [
            "AKIA".to_owned() + "QX7RZ2LMN4TBWY5V",
            "ghp_".to_owned() + &letters(36),
            "github_pat_".to_owned() + &letters(60),
            "glpat-".to_owned() + &letters(20),
            "xoxb-".to_owned() + &letters(24),
            "AIza".to_owned() + &letters(35),
            "sk_live_".to_owned() + &letters(24),
            "npm_".to_owned() + &letters(36),
            "pypi-AgEI".to_owned() + &letters(60),
            "sk-ant-api03-".to_owned() + &letters(60),
            "sk-proj-".to_owned() + &letters(48),
            "hf_".to_owned() + &letters(34),
            "-----BEGIN OPENSSH PRIVATE ".to_owned() + "KEY-----",
            "postgres://admin:".to_owned() + "hunter22@db.internal",
        ]
    }

    #[test]
    fn each_rule_finds_its_own_and_no_other_does() {
        let rules = compiled().expect("every rule can be read");
        for ((what, _), sample) in SECRETS.iter().zip(samples()) {
            for line in [
                format!("key = \"{sample}\";"),
                format!("KEY={sample}"),
                sample.clone(),
            ] {
                let found = secrets(&line, rules);
                assert_eq!(found, [(*what, sample.as_str())], "{line}");
                assert!(
                    sample.starts_with("-----") || !hide(&line, rules).contains(&sample),
                    "{line}"
                );
            }
            // Cut short, it is none.
            let cut: String = sample.chars().take(sample.len() / 2).collect();
            assert_eq!(secrets(&cut, rules), [], "{cut}");
        }
    }

    #[test]
    fn older_keys_and_other_letters_of_a_maker_are_found_too() {
        let rules = compiled().expect("every rule can be read");
        let long = "aB3".repeat(20);
        for (what, text) in [
            ("an AWS access key", format!("ASIA{}", "QX7RZ2LMN4TBWY5V")),
            ("an OpenAI key", format!("sk-{long}")),
            ("a GitHub token", format!("gho_{long}")),
            ("a Slack token", format!("xoxp-{long}")),
            (
                "a private key",
                format!("-----BEGIN {}-----", "PRIVATE KEY"),
            ),
            (
                "a private key",
                format!("-----BEGIN PGP {} BLOCK-----", "PRIVATE KEY"),
            ),
        ] {
            assert_eq!(secrets(&text, rules), [(what, text.as_str())]);
        }
    }

    #[test]
    fn a_secret_is_found_wherever_it_stands_free() {
        let rules = compiled().expect("every rule can be read");
        let key = "AKIA".to_owned() + "QX7RZ2LMN4TBWY5V";
        for (before, behind) in [
            ("密钥", "は"),
            ("\"start\\n", "\""),
            ("\\t", ""),
            ("_", "_"),
            ("\\u001b[0;31m", ""),
            ("\r", "\r"),
            (&"x".repeat(100_000), ""),
        ] {
            let free = if before.len() > 1000 { " " } else { "" };
            let line = format!("{before}{free}{key}{behind}");
            let found = secrets(&line, rules);
            assert_eq!(found.len(), 1, "{}", truncated(&line, 80));
        }
        for line in [format!("x{key}"), format!("{key}1"), format!("\\x{key}")] {
            assert_eq!(secrets(&line, rules), [], "{line}");
        }
        let wide: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain(key.encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        assert_eq!(text_of(&wide), key);
    }

    #[test]
    fn what_manuals_show_is_none() {
        let rules = compiled().expect("every rule can be read");
        for text in [
            "AKIAIOSFODNN7EXAMPLE",
            "postgres://user:pass@localhost/db",
            "https://example.org/a:b@c",
            "sk-ant-short",
            "the gh_ prefix",
            "-----BEGIN PUBLIC KEY-----",
        ] {
            assert_eq!(secrets(text, rules), [], "{text}");
        }
    }
}
