//! Completion: files behind `@`, commands behind `/`, and what commands take.

mod names;

use std::ops::Range;
use std::sync::Arc;

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::places::Place;
use crate::app::slash::{self, Argument, Slash};
use crate::base::bug::bug;
use crate::base::{LineRange, RepoPath};
use crate::index::Symbol;

/// Most rows a popup offers.
pub const MOST: usize = 50;
/// Columns of the screen from which on lines are shown beside the popup.
pub const WIDE: u16 = 110;
/// Lines that show what a row names.
pub const SHOWN: u32 = 8;
/// Rows of files that stand before changes where nothing is typed yet.
const NEAREST: usize = 4;
/// Rows of files that stand before definitions at most.
const STRONG: usize = 4;

/// The kind of thing being completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A file, a folder, a definition or changes behind `@`.
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
    /// The lines that show what the row names, where it has some.
    pub shows: Option<(RepoPath, LineRange)>,
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
    of: Arc<Vec<Place>>,
}

/// The candidates completion chooses from.
#[derive(Debug, Clone, Copy)]
pub struct Offers<'a> {
    /// The files of the index, and their folders.
    pub places: &'a Arc<Vec<Place>>,
    /// The definitions whose names begin with what is typed behind `@`.
    pub names: &'a [(RepoPath, Symbol)],
    /// True where git knows changes to be named.
    pub git: bool,
    /// Models, as name and description.
    pub models: &'a [(String, String)],
    /// Names of themes.
    pub themes: &'a [String],
    /// Arguments of `/review`, with descriptions.
    pub reviews: &'a [(&'static str, &'static str)],
    /// Files and lines that are pinned, and those that are dropped, each as it is typed.
    pub held: (&'a [String], &'a [String]),
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
        return named(word, range, offers, before);
    }
    let (name, rest) = head.strip_prefix('/')?.split_once(char::is_whitespace)?;
    let entry = slash::named(&name.to_lowercase())?;
    let word = rest
        .rsplit_once(char::is_whitespace)
        .map_or(rest, |(_, word)| word);
    let range = at - word.len()..at;
    match entry.argument {
        // Behind the first path a blank asks for nothing: Enter sends what is there.
        Argument::Paths if word.is_empty() && !rest.trim().is_empty() => None,
        // A word of the command's own is meant, whatever has its letters.
        Argument::Paths if word == "all" && entry.usage.contains("all") => None,
        Argument::Paths => files(word, range, Subject::Path, offers.places, before),
        Argument::Model if entry.slash == Slash::Model => words(
            word,
            range,
            offers.models.iter().map(|(a, b)| (a.as_str(), b.as_str())),
        ),
        Argument::Theme => words(word, range, offers.themes.iter().map(|t| (t.as_str(), ""))),
        Argument::Review => words(word, range, offers.reviews.iter().copied()),
        Argument::Pinned => held(word, range, rest, offers.held.0),
        Argument::Dropped => held(word, range, rest, offers.held.1),
        _ => None,
    }
}

/// Returns the popup of what can be named behind `@`: what is typed in full first, then changes
/// that git knows, definitions of that name, files and folders, and other definitions.
fn named(
    word: &str,
    range: Range<usize>,
    offers: Offers<'_>,
    before: Option<&Completion>,
) -> Option<Completion> {
    let files = files(word, range.clone(), Subject::File, offers.places, before);
    let mut popup = files.unwrap_or(Completion {
        subject: Subject::File,
        range,
        items: Vec::new(),
        cursor: 0,
        more: 0,
        narrowed: None,
    });
    let changes = if offers.git {
        names::changes(word)
    } else {
        Vec::new()
    };
    let own = |item: &CompletionItem| is_whole(&format!("@{word}"), &item.insert);
    let whole = usize::from(!word.is_empty() && popup.items.first().is_some_and(own));
    let at = if word.is_empty() {
        popup.items.len().min(NEAREST)
    } else {
        whole
    };
    let (same, others) = names::definitions(word, offers.names);
    // Weak matches of files stand behind names that begin with what is typed.
    let low = word.to_lowercase();
    let strong = popup.items.iter().skip(whole).take(STRONG);
    let strong = strong
        .take_while(|item| item.label.to_lowercase().contains(&low))
        .count();
    let behind = whole + strong;
    popup.items.splice(behind..behind, others);
    popup.items.splice(at..at, changes.into_iter().chain(same));
    (!popup.items.is_empty()).then_some(popup)
}

/// Returns what is typed behind an `@` that may be the beginning of a definition's name.
pub fn typed_name(head: &str) -> Option<&str> {
    let (_, word) = mention(head)?;
    let word_of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '.' | '#' | ':');
    (!word.is_empty() && word.chars().all(word_of_name)).then_some(word)
}

/// Tells whether what stands there is what a row would put there: a folder with its slash or
/// without.
pub fn is_whole(there: &str, insert: &str) -> bool {
    let bare = |text: &str| text.trim_end().trim_end_matches('/').to_owned();
    bare(there) == bare(insert)
}

/// Returns the byte range from the last `@` that begins a word, and the pattern behind it.
fn mention(head: &str) -> Option<(Range<usize>, &str)> {
    let at = head.rfind('@')?;
    let before = head.get(..at)?.chars().next_back();
    if before.is_some_and(|c| !c.is_whitespace() && !matches!(c, '(' | '[' | ',' | '"' | '\'')) {
        return None;
    }
    let word = head.get(at + 1..)?;
    // Behind `:` come lines, which are typed by hand; behind `::` goes a name on.
    let plain = !word.contains(char::is_whitespace) && !word.replace("::", "").contains(':');
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
                shows: None,
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
            shows: None,
        })
        .take(MOST)
        .collect();
    popup(Subject::Word, range, items)
}

/// Returns the popup of what is pinned or dropped, all of it at last; without anything there is
/// nothing to offer. `rest` is all that is typed behind the command.
fn held(word: &str, range: Range<usize>, rest: &str, all: &[String]) -> Option<Completion> {
    let named = rest.strip_suffix(word).unwrap_or_default();
    let open = all.iter().filter(|one| !named.contains(one.as_str()));
    let open = open.map(|one| (one.as_str(), ""));
    let whole = (named.is_empty() && !all.is_empty()).then_some(("all", "each of them"));
    words(word, range, open.chain(whole))
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
    places: &Arc<Vec<Place>>,
    before: Option<&Completion>,
) -> Option<Completion> {
    if word.is_empty() {
        return first_files(range, subject, places);
    }
    // Out of the repository there is nothing to offer, least of all a file whose name has the
    // same letters.
    if word.starts_with(['/', '~']) || word.split('/').any(|part| part == "..") {
        return None;
    }
    let mut matcher = Matcher::new(Config::DEFAULT.match_paths());
    let pattern = Pattern::parse(word, CaseMatching::Smart, Normalization::Smart);
    let narrowed = before
        .and_then(|popup| popup.narrowed.as_ref())
        .filter(|narrowed| Arc::ptr_eq(&narrowed.of, places) && narrows(&narrowed.pattern, word));
    let mut scored = scored(places, narrowed, &pattern, &mut matcher);
    let left: Vec<u32> = scored.iter().map(|file| file.at).collect();
    // What is typed in full is meant, and a folder before what lies in it.
    let key = |file: &Scored<'_>| {
        let whole = is_whole(word, &file.place.text);
        (
            !whole,
            u32::MAX - file.score,
            file.place.text.len(),
            file.at,
        )
    };
    if scored.len() > MOST {
        scored.select_nth_unstable_by_key(MOST - 1, key);
        scored.truncate(MOST);
    }
    scored.sort_unstable_by_key(key);
    let mut buffer = Vec::new();
    let mut items = Vec::new();
    for Scored { place, .. } in scored {
        let mut matched = Vec::new();
        let haystack = Utf32Str::new(&place.text, &mut buffer);
        pattern.indices(haystack, &mut matcher, &mut matched);
        matched.sort_unstable();
        matched.dedup();
        items.push(file_item(place, subject, matched));
    }
    let shown = items.len();
    let mut popup = popup(subject, range, items)?;
    popup.more = left.len() - shown;
    popup.narrowed = Some(Narrowed {
        pattern: word.to_owned(),
        left: Arc::new(left),
        of: Arc::clone(places),
    });
    Some(popup)
}

/// Returns the popup for an empty word. With nothing to rank by, what is nearest to the root
/// comes first, as a way in, and last what nobody writes by hand.
fn first_files(range: Range<usize>, subject: Subject, places: &[Place]) -> Option<Completion> {
    let mut first: Vec<&Place> = places.iter().collect();
    let most = MOST.min(first.len());
    if most == 0 {
        return None;
    }
    let depth = |place: &Place| place.text.trim_end_matches('/').matches('/').count();
    let key = |place: &&Place| {
        let (folder, other) = (place.is_folder(), is_other(&place.text));
        (other, depth(place), folder, place.text.len())
    };
    first.select_nth_unstable_by_key(most - 1, key);
    first.truncate(most);
    first.sort_by_key(|place| (key(place), place.text.as_str()));
    let items = first
        .into_iter()
        .map(|place| file_item(place, subject, Vec::new()))
        .collect();
    let mut popup = popup(subject, range, items)?;
    popup.more = places.len() - most;
    Some(popup)
}

/// Tells whether something is hidden, or the lock file of a package manager.
fn is_other(text: &str) -> bool {
    let locked = text.ends_with(".lock") || text.ends_with("-lock.json");
    text.starts_with('.') || locked || text.ends_with(".sum")
}

/// A path that matches the pattern.
struct Scored<'a> {
    /// The matcher's score; more is better.
    score: u32,
    /// Index in the list of places.
    at: u32,
    place: &'a Place,
}

/// Scores the places, or of them only those that matched a shorter pattern, in their order.
fn scored<'a>(
    places: &'a [Place],
    narrowed: Option<&Narrowed>,
    pattern: &Pattern,
    matcher: &mut Matcher,
) -> Vec<Scored<'a>> {
    let mut buffer = Vec::new();
    let mut scored = Vec::new();
    let mut score = |at: u32, place: &'a Place| {
        let haystack = Utf32Str::new(&place.text, &mut buffer);
        if let Some(score) = pattern.score(haystack, matcher) {
            scored.push(Scored { score, at, place });
        }
    };
    match narrowed {
        Some(narrowed) => {
            for at in narrowed.left.iter().copied() {
                match places.get(at as usize) {
                    Some(place) => score(at, place),
                    None => bug("a path that matched is none of the list", ()),
                }
            }
        }
        None => (0..).zip(places).for_each(|(at, place)| score(at, place)),
    }
    scored
}

fn file_item(place: &Place, subject: Subject, matched: Vec<u32>) -> CompletionItem {
    CompletionItem {
        insert: place.insert(subject == Subject::File),
        label: place.text.clone(),
        about: place.about(),
        matched,
        shows: place.first_lines(SHOWN),
    }
}

/// Tells whether all that matches `longer` matched `shorter` too. Smart case makes an upper-case
/// letter narrow the rest as well, and never the other way round.
fn narrows(shorter: &str, longer: &str) -> bool {
    let special = |c: char| matches!(c, '!' | '^' | '$' | '\'' | '\\' | ' ');
    longer.starts_with(shorter) && !longer.contains(special)
}

#[cfg(test)]
#[path = "complete_tests.rs"]
mod tests;
