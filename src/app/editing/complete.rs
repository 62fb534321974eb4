//! Completion: files behind `@`, commands behind `/`, and what commands take.

use std::ops::Range;
use std::sync::Arc;

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::app::slash::{self, Argument, Slash};
use crate::base::RepoPath;
use crate::base::bug::bug;

/// Most rows a popup offers.
pub const MOST: usize = 50;

/// The kind of thing being completed.
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
    /// The text put into the composer.
    pub insert: String,
    /// The text shown (pass it through `printable`: names are hostile).
    pub label: String,
    /// A description, in a line; empty where there is none.
    pub about: String,
    /// Indices of the characters of `label` that matched, for marking.
    pub matched: Vec<u32>,
}

/// The completion popup.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The kind of thing being completed.
    pub subject: Subject,
    /// The byte range of the composer's text that is replaced.
    pub range: Range<usize>,
    /// The rows, best first; never empty.
    pub items: Vec<CompletionItem>,
    /// Index of the row the cursor stands on.
    pub cursor: usize,
    /// Number of candidates beyond [`MOST`].
    pub more: usize,
    /// The candidates that matched, so that typing on searches only these.
    pub(in crate::app) narrowed: Option<Narrowed>,
}

/// The paths that matched a shorter pattern.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::app) struct Narrowed {
    pattern: String,
    /// Indices into the list of paths, rising.
    left: Arc<Vec<u32>>,
    /// The list the indices belong to; another list is searched anew.
    of: Arc<Vec<RepoPath>>,
}

/// The candidates completion chooses from.
#[derive(Debug, Clone, Copy)]
pub struct Offers<'a> {
    /// The files of the index.
    pub paths: &'a Arc<Vec<RepoPath>>,
    /// Models, as name and description.
    pub models: &'a [(String, String)],
    /// Names of themes.
    pub themes: &'a [String],
    /// Arguments of `/review`, with descriptions.
    pub reviews: &'a [(&'static str, &'static str)],
}

/// Returns the popup for a text with the cursor at byte `at`; `before` is the one that is open.
pub fn complete(
    text: &str,
    at: usize,
    offers: Offers<'_>,
    before: Option<&Completion>,
) -> Option<Completion> {
    let (head, behind) = text.split_at_checked(at)?;
    if let Some(name) = head.strip_prefix('/')
        && !name.contains(|c: char| c.is_whitespace() || c == '/')
    {
        // The rest of the word goes, too: what is taken is a whole command.
        let end = behind.find(char::is_whitespace).unwrap_or(behind.len());
        return commands_for(name, at + end);
    }
    if let Some((range, word)) = mention(head) {
        return files(word, range, Subject::File, offers.paths, before);
    }
    let (name, rest) = head.strip_prefix('/')?.split_once(char::is_whitespace)?;
    let entry = slash::named(&name.to_lowercase())?;
    let word = rest
        .rsplit_once(char::is_whitespace)
        .map_or(rest, |(_, word)| word);
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

/// Returns the byte range from the last `@` that begins a word, and the pattern behind it.
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
    for entry in &slash::TABLE {
        let rank = if entry.name.starts_with(&name) {
            0
        } else if name.len() >= 2 && entry.name.contains(&name) {
            1
        } else if name.len() >= 3 && slash::nearest(&name) == Some(entry.name) {
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
                // A name that is only near holds no part of the pattern to mark.
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
    if word.is_empty() {
        return first_files(range, subject, paths);
    }
    let mut matcher = Matcher::new(Config::DEFAULT.match_paths());
    let pattern = Pattern::parse(word, CaseMatching::Smart, Normalization::Smart);
    let narrowed = before
        .and_then(|popup| popup.narrowed.as_ref())
        .filter(|narrowed| Arc::ptr_eq(&narrowed.of, paths) && narrows(&narrowed.pattern, word));
    let mut scored = scored(paths, narrowed, &pattern, &mut matcher);
    let left: Vec<u32> = scored.iter().map(|file| file.at).collect();
    let key = |file: &Scored<'_>| (u32::MAX - file.score, file.path.as_str().len(), file.at);
    if scored.len() > MOST {
        scored.select_nth_unstable_by_key(MOST - 1, key);
        scored.truncate(MOST);
    }
    scored.sort_unstable_by_key(key);
    let mut buffer = Vec::new();
    let mut items = Vec::new();
    for Scored { path, .. } in scored {
        let mut matched = Vec::new();
        let haystack = Utf32Str::new(path.as_str(), &mut buffer);
        pattern.indices(haystack, &mut matcher, &mut matched);
        matched.sort_unstable();
        matched.dedup();
        items.push(file_item(path, subject, matched));
    }
    let shown = items.len();
    let mut popup = popup(subject, range, items)?;
    popup.more = left.len() - shown;
    popup.narrowed = Some(Narrowed {
        pattern: word.to_owned(),
        left: Arc::new(left),
        of: Arc::clone(paths),
    });
    Some(popup)
}

/// Returns the popup for an empty word. With nothing to rank by, the files nearest to the root
/// come first, as a way in.
fn first_files(range: Range<usize>, subject: Subject, paths: &[RepoPath]) -> Option<Completion> {
    let mut first: Vec<&RepoPath> = paths.iter().collect();
    let most = MOST.min(first.len());
    if most == 0 {
        return None;
    }
    let key = |path: &&RepoPath| (path.as_str().matches('/').count(), path.as_str().len());
    first.select_nth_unstable_by_key(most - 1, key);
    first.truncate(most);
    first.sort_by_key(|path| (key(path), path.as_str()));
    let items = first
        .into_iter()
        .map(|path| file_item(path, subject, Vec::new()))
        .collect();
    let mut popup = popup(subject, range, items)?;
    popup.more = paths.len() - most;
    Some(popup)
}

/// A path that matches the pattern.
struct Scored<'a> {
    /// The matcher's score; more is better.
    score: u32,
    /// Index in the list of paths.
    at: u32,
    path: &'a RepoPath,
}

/// Scores the paths, or of them only those that matched a shorter pattern, in their order.
fn scored<'a>(
    paths: &'a [RepoPath],
    narrowed: Option<&Narrowed>,
    pattern: &Pattern,
    matcher: &mut Matcher,
) -> Vec<Scored<'a>> {
    let mut buffer = Vec::new();
    let mut scored = Vec::new();
    let mut score = |at: u32, path: &'a RepoPath| {
        let haystack = Utf32Str::new(path.as_str(), &mut buffer);
        if let Some(score) = pattern.score(haystack, matcher) {
            scored.push(Scored { score, at, path });
        }
    };
    match narrowed {
        Some(narrowed) => {
            for at in narrowed.left.iter().copied() {
                match paths.get(at as usize) {
                    Some(path) => score(at, path),
                    None => bug("a path that matched is none of the list", ()),
                }
            }
        }
        None => (0..).zip(paths).for_each(|(at, path)| score(at, path)),
    }
    scored
}

fn file_item(path: &RepoPath, subject: Subject, matched: Vec<u32>) -> CompletionItem {
    CompletionItem {
        insert: mention_text(path, subject == Subject::File),
        label: path.as_str().to_owned(),
        about: String::new(),
        matched,
    }
}

/// Tells whether all that matches `longer` matched `shorter` too. Smart case makes an upper-case
/// letter narrow the rest as well, and never the other way round.
fn narrows(shorter: &str, longer: &str) -> bool {
    let special = |c: char| matches!(c, '!' | '^' | '$' | '\'' | '\\' | ' ');
    longer.starts_with(shorter) && !longer.contains(special)
}

/// Returns a path as it is mentioned: in quotes where it holds spaces.
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
