//! Exchanges in fewer words: with names for their excerpts, and in a few lines.

use serde::Serialize;

use super::super::{Source, Turn};
use super::answer;
use crate::base::LineRange;
use crate::base::text::truncated;
use crate::context::Mention;

/// Bytes of a question that stay.
const QUESTION: usize = 200;
/// Bytes of the first lines of an answer that stay.
const ANSWER: usize = 320;
/// Bytes of an answer that stay because of the words in them.
const WORDS: usize = 1200;
/// Words that say nothing of what is to be kept.
const EMPTY: &[&str] = &[
    "about",
    "all",
    "and",
    "are",
    "everything",
    "for",
    "from",
    "how",
    "keep",
    "that",
    "the",
    "their",
    "this",
    "was",
    "what",
    "where",
    "which",
    "why",
    "with",
];

/// An exchange in a few lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(in crate::jobs) struct Short {
    /// The question.
    pub question: String,
    /// Names of the excerpts.
    pub shown: String,
    /// Excerpts that stay, written out.
    pub excerpts: String,
    /// The gist of the answer.
    pub answer: String,
}

impl Short {
    /// One of which every part is there.
    pub fn sample() -> Self {
        let part = || "x".to_owned();
        Self {
            question: part(),
            shown: part(),
            excerpts: part(),
            answer: part(),
        }
    }

    /// As people read it.
    pub fn text(&self) -> String {
        let mut text = format!("Question: {}\n", self.question);
        if !self.shown.is_empty() {
            text += &format!("Shown: {}\n", self.shown);
        }
        if !self.excerpts.is_empty() {
            text += &format!("\n{}\n", self.excerpts);
        }
        text + "Answer: " + &self.answer
    }
}

/// The things that stay.
pub(super) struct Kept<'a> {
    words: Vec<String>,
    paths: Vec<&'a str>,
    pinned: &'a [Mention],
}

impl<'a> Kept<'a> {
    /// All that is to be kept: said in words, and pinned.
    pub fn new(keep: &'a str, pinned: &'a [Mention]) -> Self {
        let is_path = |word: &&str| word.contains(['/', '.']) && word.len() > 2;
        let bare = |c: char| !c.is_alphanumeric() && c != '_';
        let words = keep.split(|c: char| c.is_whitespace() || bare(c));
        let words = words.map(str::to_lowercase);
        Self {
            words: words
                .filter(|word| word.len() > 2 && !EMPTY.contains(&word.as_str()))
                .collect(),
            paths: keep
                .split_whitespace()
                .map(|word| word.trim_matches(|c: char| bare(c) && c != '/'))
                .filter(is_path)
                .collect(),
            pinned,
        }
    }

    /// Tells whether the excerpt of a source stays.
    fn source(&self, source: &Source) -> bool {
        let lines = LineRange::new(source.start, source.end);
        let pinned = |mention: &Mention| {
            mention.names(&source.path) && mention.range.is_none_or(|range| range.overlaps(lines))
        };
        let path = source.path.as_str();
        self.pinned.iter().any(pinned) || self.paths.iter().any(|kept| path.contains(kept))
    }

    /// Tells whether a line has one of the words.
    fn line(&self, line: &str) -> bool {
        let line = line.to_lowercase();
        self.words.iter().any(|word| line.contains(word.as_str()))
    }
}

/// The place of a source's excerpt in a message: its heading, and all of it with its fence.
fn excerpt<'s>(sent: &'s str, source: &Source) -> Option<(&'s str, std::ops::Range<usize>)> {
    let lines = LineRange::new(source.start, source.end);
    let begins = format!("[{}] {}:{lines}", source.id, source.path);
    sent.match_indices(&begins).find_map(|(at, _)| {
        let from_here = sent.get(at..)?;
        let starts_line = at == 0 || sent.get(..at)?.ends_with('\n');
        let (heading, rest) = from_here.split_once('\n')?;
        let body = rest.strip_prefix("```\n")?;
        // A longer number begins with the same digits.
        let next = heading.get(begins.len()..)?;
        if !starts_line || !(next.is_empty() || next.starts_with(' ')) {
            return None;
        }
        // No line of a file begins so: each begins with its number.
        let fence = if body.starts_with("```") {
            0
        } else {
            body.find("\n```")? + 1
        };
        let end = at + heading.len() + 1 + "```\n".len() + fence + "```".len();
        Some((heading, at..end))
    })
}

/// The question of an exchange as it was sent, with names for the excerpts that do not stay.
pub(super) fn named(turns: &[Turn], kept: &Kept<'_>) -> String {
    let Some(turn) = turns.first() else {
        return String::new();
    };
    let mut sent = turn.sent.clone();
    for source in turn.sources.iter().filter(|source| !kept.source(source)) {
        if let Some((heading, range)) = excerpt(&sent, source) {
            let name = format!("{heading} (no longer shown)");
            sent.replace_range(range, &name);
        }
    }
    sent
}

/// An exchange in a few lines.
pub(super) fn shortened(turns: &[Turn], kept: &Kept<'_>) -> Short {
    let Some(turn) = turns.first() else {
        return Short::default();
    };
    let mut short = Short {
        question: one_line(&turn.request, QUESTION),
        answer: gist(&answer(turns), kept),
        ..Short::default()
    };
    for source in &turn.sources {
        let written = excerpt(&turn.sent, source).and_then(|(_, range)| turn.sent.get(range));
        if let (true, Some(written)) = (kept.source(source), written) {
            short.excerpts += written;
            short.excerpts.push('\n');
            continue;
        }
        if !short.shown.is_empty() {
            short.shown += ", ";
        }
        let lines = LineRange::new(source.start, source.end);
        short.shown += &format!("[{}] {}:{lines}", source.id, source.path);
    }
    short
}

/// A text in one line of so many bytes.
fn one_line(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let short = truncated(&line, most);
    let more = if short.len() < line.len() { " …" } else { "" };
    format!("{short}{more}")
}

/// The first lines of an answer, and those that are to be kept for their words.
fn gist(answer: &str, kept: &Kept<'_>) -> String {
    let (mut out, mut first, mut rest) = (String::new(), ANSWER, WORDS);
    let (mut code, mut cut) = (false, false);
    for line in answer.lines().map(str::trim_end) {
        if line.trim_start().starts_with("```") {
            code = !code;
            cut = true;
            continue;
        }
        if line.is_empty() {
            continue;
        }
        let wanted = kept.line(line);
        let room = match (code, wanted) {
            (false, _) if first > 0 => &mut first,
            (_, true) if rest > 0 => &mut rest,
            _ => {
                cut = true;
                continue;
            }
        };
        let short = truncated(line, *room);
        *room = room.saturating_sub(line.len() + 1);
        cut |= short.len() < line.len();
        if !out.is_empty() {
            out.push('\n');
        }
        out += short;
    }
    if cut {
        out += " …";
    }
    out
}
