//! Completion: files behind `@`, commands behind `/`, and what commands take.

use std::ops::Range;
use std::sync::Arc;

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::commands::{self, Argument, Slash};
use crate::base::RepoPath;

/// Rows a popup offers at most.
pub const MOST: usize = 50;

/// What is completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A file behind `@`.
    File,
    /// A file as an argument, without `@`.
    Path,
    /// A command behind `/`.
    Command,
    /// A word that a command takes.
    Word,
}

/// A row of the popup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletionItem {
    /// What is put into the composer.
    pub insert: String,
    /// What is shown (pass it through `printable`: names are hostile).
    pub label: String,
    /// A line about it; empty where there is none.
    pub about: String,
    /// Characters of `label` that matched, for marking.
    pub matched: Vec<u32>,
}

/// The popup.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// What is completed.
    pub subject: Subject,
    /// The bytes of the composer that are replaced.
    pub range: Range<usize>,
    /// The rows, best first; never empty.
    pub items: Vec<CompletionItem>,
    /// The row the cursor stands on.
    pub cursor: usize,
    /// How many there would be beyond [`MOST`].
    pub more: usize,
    /// Candidates that matched, so that typing on searches only these.
    pub(super) narrowed: Option<Narrowed>,
}

/// What matched a shorter pattern.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Narrowed {
    pattern: String,
    /// Indices in the paths.
    left: Arc<Vec<u32>>,
    /// Of which list; another index begins anew.
    of: usize,
}

/// What completion may offer.
#[derive(Debug, Clone, Copy)]
pub struct Offers<'a> {
    /// The files of the index.
    pub paths: &'a Arc<Vec<RepoPath>>,
    /// Models, by name and line.
    pub models: &'a [(String, String)],
    /// Themes.
    pub themes: &'a [String],
    /// Branch names and the like for `/review`.
    pub reviews: &'a [(&'static str, &'static str)],
}

/// The popup for a text with the cursor at `at`; `before` is the one that is open.
pub fn complete(
    text: &str,
    at: usize,
    offers: Offers<'_>,
    before: Option<&Completion>,
) -> Option<Completion> {
    let head = text.get(..at)?;
    if let Some(name) = head.strip_prefix('/')
        && !name.contains(|c: char| c.is_whitespace() || c == '/')
    {
        // The rest of the word goes, too: what is taken is a whole command.
        let rest = text.get(at..).unwrap_or("");
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        return commands_for(name, at + end);
    }
    if let Some((range, word)) = mention(head) {
        return files(word, range, Subject::File, offers.paths, before);
    }
    let (name, rest) = head.strip_prefix('/')?.split_once(char::is_whitespace)?;
    let entry = commands::named(&name.to_lowercase())?;
    let word = rest.rsplit(char::is_whitespace).next().unwrap_or_default();
    let range = at - word.len()..at;
    match entry.argument {
        Argument::Paths => files(word, range, Subject::Path, offers.paths, before),
        Argument::Model if entry.slash == Slash::Model => words(
            word,
            range,
            offers.models.iter().map(|(a, b)| (a.as_str(), b.as_str())),
        ),
        Argument::Theme => words(word, range, offers.themes.iter().map(|t| (t.as_str(), ""))),
        Argument::Review => words(word, range, offers.reviews.iter().copied()),
        _ => None,
    }
}

/// What follows the last `@` that begins a word: its bytes with the `@`, and the pattern.
fn mention(head: &str) -> Option<(Range<usize>, &str)> {
    let at = head.rfind('@')?;
    let before = head.get(..at)?.chars().next_back();
    if before.is_some_and(|c| !c.is_whitespace() && !matches!(c, '(' | '[' | ',' | '"' | '\'')) {
        return None;
    }
    let word = head.get(at + 1..)?;
    // Behind `:` come lines, which are typed by hand.
    let plain = !word.contains(|c: char| c.is_whitespace() || c == ':');
    let (word, ok) = match word.strip_prefix('"') {
        Some(quoted) => (quoted, !quoted.contains(['"', '\n'])),
        None => (word, plain),
    };
    (ok && word.len() <= 300).then_some((at..head.len(), word))
}

fn commands_for(name: &str, end: usize) -> Option<Completion> {
    let name = name.to_lowercase();
    let mut items: Vec<(usize, CompletionItem)> = Vec::new();
    for entry in &commands::TABLE {
        let rank = if entry.name.starts_with(&name) {
            0
        } else if name.len() >= 2 && entry.name.contains(&name) {
            1
        } else if name.len() >= 3 && commands::nearest(&name) == Some(entry.name) {
            2
        } else {
            continue;
        };
        let space = if entry.usage.is_empty() { "" } else { " " };
        let matched = entry.name.find(&name).map(|from| {
            (from + 1..from + 1 + name.len())
                .map(|i| i as u32)
                .collect()
        });
        items.push((
            rank,
            CompletionItem {
                insert: format!("/{}{space}", entry.name),
                label: format!("/{}{space}{}", entry.name, entry.usage),
                about: entry.about.to_owned(),
                matched: matched.unwrap_or_default(),
            },
        ));
    }
    items.sort_by_key(|(rank, _)| *rank);
    popup(
        Subject::Command,
        0..end,
        items.into_iter().map(|(_, item)| item).collect(),
    )
}

fn words<'a>(
    word: &str,
    range: Range<usize>,
    known: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) -> Option<Completion> {
    // A word that is whole is meant, although it may stand in another: `staged`, `unstaged`.
    if known.clone().any(|(name, _)| name == word) {
        return None;
    }
    let low = word.to_lowercase();
    let items = known
        .filter(|(name, _)| name.to_lowercase().contains(&low))
        .map(|(name, about)| CompletionItem {
            insert: name.to_owned(),
            label: name.to_owned(),
            about: about.to_owned(),
            matched: Vec::new(),
        })
        .take(MOST)
        .collect();
    popup(Subject::Word, range, items)
}

fn popup(subject: Subject, range: Range<usize>, items: Vec<CompletionItem>) -> Option<Completion> {
    (!items.is_empty()).then_some(Completion {
        subject,
        range,
        items,
        cursor: 0,
        more: 0,
        narrowed: None,
    })
}

fn files(
    word: &str,
    range: Range<usize>,
    subject: Subject,
    paths: &Arc<Vec<RepoPath>>,
    before: Option<&Completion>,
) -> Option<Completion> {
    let of = Arc::as_ptr(paths).addr();
    let insert = |path: &RepoPath| mention_text(path, subject == Subject::File);
    let item = |path: &RepoPath, matched| CompletionItem {
        insert: insert(path),
        label: path.as_str().to_owned(),
        about: String::new(),
        matched,
    };
    if word.is_empty() {
        // Nothing to rank by: those nearest to the root, as a way in.
        let mut first: Vec<&RepoPath> = paths.iter().collect();
        let most = MOST.min(first.len());
        if most == 0 {
            return None;
        }
        let key = |path: &&RepoPath| (path.as_str().matches('/').count(), path.as_str().len());
        first.select_nth_unstable_by_key(most - 1, key);
        first.truncate(most);
        first.sort_by_key(|path| (key(path), path.as_str()));
        let mut popup = popup(
            subject,
            range,
            first.into_iter().map(|p| item(p, Vec::new())).collect(),
        )?;
        popup.more = paths.len() - most;
        return Some(popup);
    }
    let mut matcher = Matcher::new(Config::DEFAULT.match_paths());
    let pattern = Pattern::parse(word, CaseMatching::Smart, Normalization::Smart);
    let narrowed = before
        .and_then(|popup| popup.narrowed.as_ref())
        .filter(|narrowed| narrowed.of == of && narrows(&narrowed.pattern, word));
    let mut buffer = Vec::new();
    let mut scored: Vec<(u32, u32)> = Vec::new();
    let mut try_path = |i: u32| {
        if let Some(path) = paths.get(i as usize)
            && let Some(score) =
                pattern.score(Utf32Str::new(path.as_str(), &mut buffer), &mut matcher)
        {
            scored.push((score, i));
        }
    };
    match narrowed {
        Some(narrowed) => narrowed.left.iter().copied().for_each(&mut try_path),
        None => (0..paths.len() as u32).for_each(&mut try_path),
    }
    let left: Vec<u32> = scored.iter().map(|(_, i)| *i).collect();
    let length = |i: u32| paths.get(i as usize).map_or(0, |path| path.as_str().len());
    let key = |&(score, i): &(u32, u32)| (u32::MAX - score, length(i), i);
    if scored.len() > MOST {
        scored.select_nth_unstable_by_key(MOST - 1, key);
        scored.truncate(MOST);
    }
    scored.sort_unstable_by_key(key);
    let mut items = Vec::new();
    for (_, i) in scored {
        let Some(path) = paths.get(i as usize) else {
            continue;
        };
        let mut matched = Vec::new();
        let haystack = Utf32Str::new(path.as_str(), &mut buffer);
        pattern.indices(haystack, &mut matcher, &mut matched);
        matched.sort_unstable();
        matched.dedup();
        items.push(item(path, matched));
    }
    let shown = items.len();
    let mut popup = popup(subject, range, items)?;
    popup.more = left.len() - shown;
    popup.narrowed = Some(Narrowed {
        pattern: word.to_owned(),
        left: Arc::new(left),
        of,
    });
    Some(popup)
}

/// Whether all that matches `longer` matched `shorter` too. Smart case makes an upper-case
/// letter narrow the rest as well, and never the other way round.
fn narrows(shorter: &str, longer: &str) -> bool {
    let special = |c: char| matches!(c, '!' | '^' | '$' | '\'' | '\\' | ' ');
    longer.starts_with(shorter) && !longer.contains(special)
}

/// A path as it is mentioned: in quotes where it holds spaces.
pub fn mention_text(path: &RepoPath, at: bool) -> String {
    let sign = if at { "@" } else { "" };
    let path = path.as_str();
    if path.contains(|c: char| c.is_whitespace() || c == '"') {
        format!("{sign}\"{path}\" ")
    } else {
        format!("{sign}{path} ")
    }
}

#[cfg(test)]
#[path = "complete_tests.rs"]
mod tests;
