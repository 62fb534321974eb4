//! Secrets in texts: keys, tokens and passwords by the forms that their makers give them; what
//! stands in their place where a text is shown; and how they come back into an edit of it.

mod private_key;
mod restore;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use fancy_regex::Regex;

use super::{Failure, OrBug as _, Result};

pub use restore::restored;

/// The text that stands in the place of a secret.
pub const MASK: &str = "‹secret›";

/// The secrets that are known by their first letters: whose each is, and its form. The forms are
/// those that their makers document; each begins with letters that are its own, so that chance
/// hardly writes one. Where two begin at one place, the earlier counts.
///
/// No letter or digit may stand right before or behind (see [`stands_free`]).
const FORMS: [(&str, &str); 13] = [
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
        PRIVATE_KEY,
        r"-----BEGIN (?:RSA |EC |DSA |OPENSSH |PGP |ENCRYPTED )?PRIVATE KEY(?: BLOCK)?-----",
    ),
];

/// The name of private keys among the [`FORMS`].
const PRIVATE_KEY: &str = "a private key";
/// The name of passwords within addresses.
const IN_ADDRESS: &str = "a password in an address";
/// The form of an address with a password. It begins with no letters of its own, and is looked for
/// only where a scheme ends.
const ADDRESS: &str =
    r#"[A-Za-z][A-Za-z0-9+.\-]{1,20}://[^\s:/@"'{}$<>]*:[^\s/@"'{}$<>*]{3,}@[\w.\-]+"#;
/// The end of a scheme.
const SCHEME: &str = "://";
/// Most bytes of a scheme.
const LONGEST_SCHEME: usize = 21;
/// Most bytes of an address that are looked at.
const LONGEST_ADDRESS: usize = 1_000;

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// The name of its kind, with its article: `a GitHub token`.
    pub kind: &'static str,
    /// The bytes by which it is known: of a private key its first line, of others all of it.
    pub range: Range<usize>,
}

impl Secret {
    /// The secret, or its first line, in the text that it was found in.
    pub fn text<'t>(&self, of: &'t str) -> &'t str {
        let text = of.get(self.range.clone());
        text.or_bug("a secret lies outside of its text")
    }
}

/// The forms, compiled.
struct Compiled {
    /// All [`FORMS`], each a group of its own.
    forms: Regex,
    address: Regex,
}

static COMPILED: LazyLock<std::result::Result<Compiled, String>> = LazyLock::new(|| {
    let compile = |form: &str| Regex::new(form).map_err(|e| format!("{form}: {e}"));
    let groups: Vec<String> = FORMS.iter().map(|(_, form)| format!("({form})")).collect();
    Ok(Compiled {
        forms: compile(&groups.join("|"))?,
        address: compile(ADDRESS)?,
    })
});

/// The forms, compiled once.
fn compiled() -> Result<&'static Compiled> {
    let wrong = |e: &String| Failure::bug("a form of secrets cannot be read").because(e);
    COMPILED.as_ref().map_err(wrong)
}

/// Finds the secrets of a text, in order. What manuals show as examples is none.
///
/// # Errors
/// Of kind bug, where a form cannot be read: silence would be worst here.
pub fn secrets(text: &str) -> Result<Vec<Secret>> {
    let forms = compiled()?;
    let mut found = Vec::new();
    by_their_letters(text, &forms.forms, &mut found)?;
    let known = found.len();
    for address in addresses(text, &forms.address) {
        let taken =
            |other: &Secret| other.range.start < address.end && address.start < other.range.end;
        if !found.iter().take(known).any(taken) {
            found.push(Secret {
                kind: IN_ADDRESS,
                range: address,
            });
        }
    }
    found.sort_by_key(|secret| secret.range.start);
    Ok(found)
}

/// Finds those that are known by their first letters.
fn by_their_letters(text: &str, forms: &Regex, found: &mut Vec<Secret>) -> Result<()> {
    // Backtracking alone can fail, by its limit, and these forms need none.
    let failed = |e| Failure::bug("secrets cannot be looked for").caused_by(&e);
    let mut from = 0;
    while let Some(matched) = forms.find_from_pos(text, from).map_err(failed)? {
        let range = matched.range();
        // The first line of a key ends by itself.
        let ended = matched.as_str().ends_with("-----");
        if is_example(matched.as_str()) || !ended && !stands_free(text, &range) {
            // Another may begin within.
            from = range.start + 1;
            continue;
        }
        let groups = forms.captures_from_pos(text, range.start).map_err(failed)?;
        let kind = groups.and_then(|groups| {
            let mut kinds = (1..).zip(FORMS);
            kinds.find_map(|(group, (kind, _))| groups.get(group).map(|_| kind))
        });
        from = range.end;
        found.push(Secret {
            kind: kind.or_bug("a secret is of no form"),
            range,
        });
    }
    Ok(())
}

/// Finds the addresses that hold passwords.
fn addresses(text: &str, form: &Regex) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.match_indices(SCHEME) {
        if found.last().is_some_and(|last| at < last.end) {
            continue;
        }
        let first = text.floor_char_boundary(at.saturating_sub(LONGEST_SCHEME));
        let last = text.floor_char_boundary(at + LONGEST_ADDRESS);
        let window = text.get(first..last).or_bug("an address has no place");
        let behind = text.get(at..last).or_bug("an address has no end");
        let behind = behind.split(char::is_whitespace).next().unwrap_or("");
        if !behind.contains('@') {
            continue;
        }
        // One that takes too much backtracking is none.
        let Ok(Some(matched)) = form.find(window) else {
            continue;
        };
        let range = first + matched.start()..first + matched.end();
        if range.contains(&at) && !is_example(matched.as_str()) && stands_free(text, &range) {
            found.push(range);
        }
    }
    found
}

/// Finds what of a text must not be shown, in order, no place over the end of a line: secrets, all
/// lines of private keys, and whatever reads like the mask already.
///
/// # Errors
/// Of kind bug: see [`secrets`].
pub fn places(text: &str) -> Result<Vec<Range<usize>>> {
    let mut places: Vec<Range<usize>> = Vec::new();
    for secret in secrets(text)? {
        if secret.kind == PRIVATE_KEY {
            places.extend(private_key::body(text, secret.range.end));
        } else {
            places.push(secret.range);
        }
    }
    let masks = text.match_indices(MASK);
    places.extend(masks.map(|(at, _)| at..at + MASK.len()));
    Ok(apart(places))
}

/// As [`places`], for a text that may begin or end within a private key: a part of a diff.
///
/// # Errors
/// Of kind bug: see [`secrets`].
pub fn places_of_part(text: &str) -> Result<Vec<Range<usize>>> {
    let mut places = places(text)?;
    places.extend(private_key::rows(text));
    Ok(apart(places))
}

/// Places in order, and none within another.
fn apart(mut places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    places.sort_by_key(|place| (place.start, std::cmp::Reverse(place.end)));
    let mut end = 0;
    places.retain(|place| {
        let apart = place.start >= end;
        end = end.max(place.end);
        apart
    });
    places
}

/// A text with the [`MASK`] in each of some places. Its lines stay as many as they are.
pub fn without<'t>(text: &'t str, places: &[Range<usize>]) -> Cow<'t, str> {
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for place in places {
        let before = text.get(from..place.start);
        out.push_str(before.or_bug("a secret lies outside of its text"));
        out.push_str(MASK);
        from = place.end;
    }
    out.push_str(text.get(from..).or_bug("a secret ends outside of its text"));
    Cow::Owned(out)
}

/// A text as it may be shown, stored and quoted: with the [`MASK`] for each secret. Its lines stay
/// as many as they are.
///
/// # Errors
/// Of kind bug: see [`secrets`].
pub fn masked(text: &str) -> Result<Cow<'_, str>> {
    Ok(without(text, &places(text)?))
}

/// As [`masked`]; none for a text without secrets.
///
/// # Errors
/// Of kind bug: see [`secrets`].
pub fn masked_copy(text: &str) -> Result<Option<String>> {
    Ok(match masked(text)? {
        Cow::Borrowed(_) => None,
        Cow::Owned(masked) => Some(masked),
    })
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
    let address = secret.contains(SCHEME);
    words.iter().any(|word| small.contains(word))
        || address
            && ["localhost", "127.0.0.1", "user:pass", ":password@"]
                .iter()
                .any(|word| small.contains(word))
}

#[cfg(any(test, feature = "lab"))]
pub use samples::samples;

/// A secret of each kind, for tests.
#[cfg(any(test, feature = "lab"))]
mod samples {
    /// A secret of each form, in their order, and of an address: its kind, the text around, and
    /// what of it must never be seen. None is anybody's; they are put together here, so that no
    /// scanner of this repository takes them for one.
    pub fn samples() -> [(&'static str, String); 14] {
        let letters = |n: usize| "aB3dE6gH9jK2".chars().cycle().take(n).collect::<String>();
        let texts = [
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
        ];
        let mut kinds = super::FORMS.iter().map(|(kind, _)| *kind);
        texts.map(|text| (kinds.next().unwrap_or(super::IN_ADDRESS), text))
    }
}

#[cfg(test)]
#[path = "secrets_tests.rs"]
mod tests;
