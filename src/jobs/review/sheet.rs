//! What may be written of a piece of a diff: findings at lines that are in it, each quoting its
//! line, of fixed severities and categories; or that there are none.

use std::collections::BTreeMap;

use super::super::form::{Form, Part, Said};
use super::super::{Finding, Severity};
use crate::base::RepoPath;
use crate::base::text::{hides, truncated};
use crate::context::changes::DiffPiece;
use crate::repo::{Diff, DiffKind};

/// What a finding may be about.
pub(in crate::jobs) const CATEGORIES: [&str; 8] = [
    "api",
    "bug",
    "concurrency",
    "docs",
    "error-handling",
    "performance",
    "security",
    "test",
];
/// How bad it may be.
const SEVERITIES: [(&str, Severity); 3] = [
    ("error", Severity::Error),
    ("note", Severity::Note),
    ("warning", Severity::Warning),
];
/// What is written where nothing is wrong.
pub(in crate::jobs) const NONE: &str = "No findings.";
/// What begins new text for a line.
const FIX: &[u8] = b"<<<<<<<\n";
/// Bytes of a title, of a reason and of a fix, about.
const TITLE: usize = 120;
const REASON: usize = 400;
const NEW_TEXT: usize = 1200;
/// Bytes of a line that are quoted, where it is longer.
const QUOTE: usize = 200;
/// Tokens that must be left for a finding to be begun.
const LEAST: usize = 120;
/// Findings of one piece.
const MOST: usize = 12;

/// A line that a finding may be about.
#[derive(Debug, Clone)]
struct Place {
    path: RepoPath,
    line: u32,
    side: DiffKind,
    text: String,
}

impl Place {
    fn head(&self) -> Vec<u8> {
        format!("{}:{}:", self.path, self.line).into_bytes()
    }

    fn quote(&self) -> Vec<u8> {
        format!("> {}\n", truncated(&self.text, QUOTE)).into_bytes()
    }
}

/// The form of the findings of a piece.
pub(in crate::jobs) struct Sheet {
    /// By what begins a finding about them: a number may mean a line on either side.
    places: BTreeMap<Vec<u8>, Vec<Place>>,
    /// Whether new text for a line may be given.
    fixes: bool,
}

impl Sheet {
    /// The form for a piece of a diff; with fixes, where the model can write them.
    pub fn new(piece: &DiffPiece, diff: &Diff, fixes: bool) -> Self {
        let mut places: BTreeMap<Vec<u8>, Vec<Place>> = BTreeMap::new();
        for part in &piece.parts {
            let file = diff.files.get(part.file);
            let hunk = file.and_then(|file| file.hunks.get(part.hunk));
            let lines = hunk.and_then(|hunk| hunk.lines.get(part.lines.clone()));
            for line in lines.unwrap_or_default() {
                // What steers a terminal cannot be written, nor can what is no name of one line.
                let hostile = |text: &str| text.split('\t').any(hides);
                let text = line.text.trim_end_matches('\r');
                let named = !hostile(text) && !hostile(part.path.as_str()) && !text.is_empty();
                let Some(number) = line.number().filter(|_| named) else {
                    continue;
                };
                let place = Place {
                    path: part.path.clone(),
                    line: number,
                    side: line.kind,
                    text: text.to_owned(),
                };
                places.entry(place.head()).or_default().push(place);
            }
        }
        Self { places, fixes }
    }

    /// Whether anything can be said at all.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The findings that are complete, in order.
    pub fn findings(&self, said: &[Said]) -> Vec<Finding> {
        let (groups, _) = groups(said);
        groups
            .iter()
            .filter_map(|group| self.finding(group))
            .collect()
    }

    fn finding(&self, group: &[&Said]) -> Option<Finding> {
        let text = |at: usize| {
            let said = group.get(at)?;
            std::str::from_utf8(&said.text).ok()
        };
        let head = group.first()?;
        let severity = text(1)?.trim_matches([' ', ':']);
        let severity = SEVERITIES.iter().find(|(word, _)| *word == severity)?.1;
        let quote = group.get(4)?;
        let places = self.places.get(&head.text)?;
        // Where both sides read the same, the newer is meant.
        let mut same = places.iter().filter(|place| place.quote() == quote.text);
        let place = same.clone().find(|place| place.side != DiffKind::Removed);
        let place = place.or_else(|| same.next())?;
        let (title, reason) = (text(3)?.trim(), text(5)?.trim());
        if title.is_empty() || reason.is_empty() {
            // Blanks that are not the plain one.
            return None;
        }
        Some(Finding {
            path: place.path.clone(),
            line: place.line,
            side: place.side,
            severity,
            category: text(2)?.trim_matches([' ', ':']).to_owned(),
            quote: place.text.clone(),
            title: title.to_owned(),
            reason: reason.to_owned(),
            verified: true,
            rule: None,
            suggestion: text(6).map(str::to_owned),
        })
    }

    /// Whether the line of a group may be given new text.
    fn can_be_fixed(&self, group: &[&Said]) -> bool {
        self.fixes
            && self
                .finding(group)
                .is_some_and(|finding| finding.side != DiffKind::Removed)
    }
}

/// What was said, by finding; the new text of one, if there is any, as its seventh part. And what
/// came behind the last one's reason, if something did: a word that begins what follows.
fn groups(said: &[Said]) -> (Vec<Vec<&Said>>, Option<&Said>) {
    let mut groups: Vec<Vec<&Said>> = Vec::new();
    let mut behind = None;
    let mut rest = said.iter();
    while let Some(head) = rest.next() {
        behind = None;
        if head.text == b"\n" {
            behind = Some(head);
        } else if head.text == FIX {
            behind = Some(head);
            if let (Some(group), Some(text)) = (groups.last_mut(), rest.next()) {
                behind = None;
                group.push(text);
            }
        } else {
            let mut group = vec![head];
            group.extend(rest.by_ref().take(5));
            groups.push(group);
        }
    }
    (groups, behind)
}

impl Form for Sheet {
    fn next(&self, said: &[Said], left: usize) -> Part {
        let (groups, behind) = groups(said);
        let none = said
            .first()
            .is_some_and(|first| first.text == NONE.as_bytes());
        if none {
            return Part::one_of_or_end([]);
        }
        let words = |list: &[&str]| -> Vec<Vec<u8>> {
            let word = |word: &&str| format!(" {word}:").into_bytes();
            list.iter().map(word).collect()
        };
        let last = groups.last();
        match last.map(Vec::len) {
            Some(1) => return Part::one_of(words(&SEVERITIES.map(|(word, _)| word))),
            Some(2) => return Part::one_of(words(&CATEGORIES)),
            Some(3) => return Part::Line { most: TITLE },
            Some(4) => {
                let head = last.and_then(|group| group.first());
                let places = head.and_then(|head| self.places.get(&head.text));
                let places = places.into_iter().flatten();
                return Part::one_of(places.map(Place::quote));
            }
            Some(5) => return Part::Line { most: REASON },
            _ => {}
        }
        if behind.is_some_and(|behind| behind.text == FIX) {
            let finding = last.and_then(|group| self.finding(group));
            return Part::Block {
                most: NEW_TEXT,
                unlike: finding.map_or_else(Vec::new, |finding| {
                    format!("{}\n", finding.quote).into_bytes()
                }),
            };
        }
        // No line has two findings.
        let taken = |head: &Vec<u8>| {
            let of = |group: &Vec<&Said>| group.first().is_some_and(|first| first.text == *head);
            groups.iter().any(of)
        };
        let more = groups.len() < MOST && (left >= LEAST || groups.is_empty());
        let mut texts: Vec<Vec<u8>> = self
            .places
            .keys()
            .filter(|head| more && !taken(head))
            .cloned()
            .collect();
        let Some(last) = last else {
            texts.push(NONE.into());
            return Part::one_of(texts);
        };
        if behind.is_none() && more {
            texts.push(b"\n".into());
        }
        if behind.is_none() && last.len() == 6 && left >= LEAST && self.can_be_fixed(last) {
            texts.push(FIX.into());
        }
        Part::one_of_or_end(texts)
    }
}
