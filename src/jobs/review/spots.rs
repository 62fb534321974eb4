//! What is found in a diff without a model: conflict markers, secrets, what was left over from
//! debugging, files that are too large.

use std::sync::LazyLock;

use fancy_regex::Regex;
use sha2::{Digest as _, Sha256};

use super::super::{Finding, Severity};
use crate::base::text::{hex, hides, human_bytes, truncated};
use crate::repo::{DiffKind, FileDiff, FileStatus};

/// Files of more bytes are said, where they are new.
const LARGE: u64 = 5 << 20;
/// Lines that are longer hold data, and are looked at so far.
const LINE: usize = 2_000;
/// Findings of one rule in one file, at most.
const MOST: usize = 5;

/// What shows a secret: who gives it out, and its form. The forms are those that their makers
/// document; each begins with letters that are its own, so that chance hardly writes one.
const SECRETS: [(&str, &str); 14] = [
    ("an AWS access key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("a GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,}\b"),
    ("a GitHub token", r"\bgithub_pat_[A-Za-z0-9_]{50,}\b"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_\-]{20,}"),
    ("a Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("a Google API key", r"\bAIza[0-9A-Za-z_\-]{35}\b"),
    ("a Stripe key", r"\b[rs]k_live_[0-9A-Za-z]{20,}\b"),
    ("an npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("a PyPI token", r"\bpypi-AgEI[A-Za-z0-9_\-]{50,}"),
    ("an OpenAI key", r"\bsk-(?:proj-)?[A-Za-z0-9_\-]{40,}\b"),
    ("an Anthropic key", r"\bsk-ant-[A-Za-z0-9_\-]{40,}\b"),
    ("a Hugging Face token", r"\bhf_[A-Za-z0-9]{34,}\b"),
    (
        "a private key",
        r"-----BEGIN (?:RSA |EC |DSA |OPENSSH |PGP |ENCRYPTED )?PRIVATE KEY(?: BLOCK)?-----",
    ),
    (
        "a password in an address",
        r#"\b[a-z][a-z0-9+.\-]{1,20}://[^\s:/@"'{}$<>]+:[^\s:/@"'{}$<>*]{3,}@[\w.\-]+"#,
    ),
];

/// What debugging leaves: ends of file names, the form, what it is, and how bad.
const LEFT: [(&[&str], &str, &str, Severity); 9] = [
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

static COMPILED_SECRETS: LazyLock<Vec<(&'static str, Regex)>> = LazyLock::new(|| {
    let compiled = SECRETS.iter().map(|(what, form)| (*what, Regex::new(form)));
    compiled
        .filter_map(|(what, form)| Some((what, form.ok()?)))
        .collect()
});

static COMPILED_LEFT: LazyLock<Vec<(usize, Regex)>> = LazyLock::new(|| {
    let compiled = LEFT
        .iter()
        .map(|(_, form, ..)| Regex::new(form))
        .enumerate();
    compiled
        .filter_map(|(at, form)| Some((at, form.ok()?)))
        .collect()
});

/// Looks through what a diff adds.
pub(super) fn spots(files: &[FileDiff]) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in files {
        let mut here: Vec<Finding> = name(file).into_iter().collect();
        conflict(file, &mut here);
        lines(file, &mut here);
        let mut rules: Vec<(String, usize)> = Vec::new();
        here.retain(|finding: &Finding| {
            let rule = finding.rule.clone().unwrap_or_default();
            match rules.iter_mut().find(|(known, _)| *known == rule) {
                Some((_, count)) => {
                    *count += 1;
                    *count <= MOST
                }
                None => {
                    rules.push((rule, 1));
                    true
                }
            }
        });
        found.append(&mut here);
    }
    found
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

/// A new name with characters in it that nobody sees: it looks like another, or like none.
fn name(file: &FileDiff) -> Option<Finding> {
    let new = matches!(file.status, FileStatus::Added | FileStatus::Renamed);
    let hidden = hides(file.path.as_str());
    let title = "the name holds characters that cannot be seen".to_owned();
    let rule = "hidden-name";
    (new && hidden).then(|| finding(file, 0, "", rule, Severity::Warning, title))
}

/// Conflict markers: all three of them, the sides in order, since rows of equal signs underline
/// headings.
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
                    let number = first.new.unwrap_or(0);
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

fn lines(file: &FileDiff, found: &mut Vec<Finding>) {
    let name = file.path.name();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let added = file.hunks.iter().flat_map(|hunk| &hunk.lines);
    for line in added.filter(|line| line.kind == DiffKind::Added) {
        let text = truncated(&line.text, LINE);
        let number = line.new.unwrap_or(0);
        let quote = masked(text);
        if let Some((what, _)) = secrets(text).first() {
            let title = format!("{what} is written here");
            let (rule, severity) = ("secret", Severity::Error);
            found.push(finding(file, number, &quote, rule, severity, title));
        }
        for (at, form) in COMPILED_LEFT.iter() {
            let Some((endings, _, what, severity)) = LEFT.get(*at) else {
                continue;
            };
            let code = !text.trim_start().starts_with(['#', '*', '/']);
            if endings.contains(&ending) && code && form.is_match(text).unwrap_or(false) {
                let what = (*what).to_owned();
                let rule = "debug-leftover";
                found.push(finding(file, number, &quote, rule, *severity, what));
                break;
            }
        }
    }
}

/// A line with none of its secrets in it, as it may be shown.
pub fn masked(text: &str) -> String {
    let mut shown = text.to_owned();
    for (_, secret) in secrets(text) {
        shown = shown.replace(secret, &hidden(secret));
    }
    shown
}

/// The secrets in a line, and what they are.
fn secrets(text: &str) -> Vec<(&'static str, &str)> {
    let mut found = Vec::new();
    for (what, form) in COMPILED_SECRETS.iter() {
        let matches = form.find_iter(text).filter_map(Result::ok);
        let secrets = matches.map(|matched| matched.as_str());
        found.extend(
            secrets
                .filter(|secret| !is_example(secret))
                .map(|secret| (*what, secret)),
        );
    }
    found
}

/// Whether a match is one of those that manuals show.
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
    format!("{shown}…{}", hex(hash.get(..2).unwrap_or_default()))
}

/// Whether a file is new and too large.
pub(super) fn large(file: &FileDiff) -> Option<Finding> {
    let bytes = file.bytes.filter(|bytes| *bytes > LARGE)?;
    let title = format!("a new file of {}", human_bytes(bytes));
    Some(finding(file, 0, "", "large-file", Severity::Warning, title))
}
