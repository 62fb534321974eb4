//! The form of the findings of a piece of a diff: at lines that are in it, each quoting its line,
//! of fixed severities and categories; or that there are none.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::{Finding, Severity};
use crate::base::bug::bug;
use crate::base::text::{hides, truncated};
use crate::base::{OrBug, RepoPath};
use crate::context::changes::DiffPiece;
use crate::grammar::{Answer, Choices, FENCE, Form, Part, Said, Value};
use crate::repo::{Diff, DiffKind};

/// The categories of findings.
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
/// The severities of findings, by their words.
const SEVERITIES: [(&str, Severity); 3] = [
    ("error", Severity::Error),
    ("note", Severity::Note),
    ("warning", Severity::Warning),
];
/// The answer where nothing is wrong.
pub(in crate::jobs) const NONE: &str = "No findings.";
/// The fence that begins new text for a line.
const FIX: &str = "<<<<<<<\n";
/// Bytes of a title, about.
const TITLE: usize = 120;
/// Bytes of a reason, about.
const REASON: usize = 400;
/// Bytes of a fix, about.
const NEW_TEXT: usize = 1200;
/// Most bytes of a line that are quoted.
const QUOTE: usize = 200;
/// Tokens that must be left for a finding to be begun.
const LEAST: usize = 120;
/// Most findings of one piece.
const MOST: usize = 12;

/// A line that a finding may be about.
#[derive(Debug, Clone)]
struct QuotedLine {
    path: RepoPath,
    number: u32,
    side: DiffKind,
    text: String,
}

impl QuotedLine {
    fn head(&self) -> Vec<u8> {
        format!("{}:{}:", self.path, self.number).into_bytes()
    }

    fn quote(&self) -> Vec<u8> {
        format!("> {}\n", truncated(&self.text, QUOTE)).into_bytes()
    }
}

/// A place in the text of findings. Lines are told by the number of their head, the text that
/// begins a finding about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::jobs) enum FindingAt {
    /// At the beginning of the answer.
    First,
    /// Behind the place of a finding.
    Severity(u32),
    /// Behind the severity of a finding.
    Category(u32),
    /// Behind the category of a finding.
    Title(u32),
    /// Before the quote of the line that a finding is about.
    Quote(u32),
    /// Behind the quote: the head, and the number of the line among those with the same head.
    Reason(u32, u32),
    /// Behind a finding that new text may be given for.
    Behind(u32, u32),
    /// In new text for the line of a finding.
    Fix(u32, u32),
    /// Behind new text.
    Fixed,
    /// Behind an empty line.
    Next,
    /// Behind all findings.
    End,
}

/// The form of the findings of a piece.
pub(in crate::jobs) struct FindingForm {
    /// The lines by their heads, in order: a head may mean a line on either side.
    lines: Vec<(Vec<u8>, Vec<QuotedLine>)>,
    /// True if new text for a line may be given.
    fixes: bool,
}

impl FindingForm {
    /// The form for a piece of a diff; with fixes, where the model can write them.
    pub fn new(piece: &DiffPiece, diff: &Diff, fixes: bool) -> Self {
        let mut lines: BTreeMap<Vec<u8>, Vec<QuotedLine>> = BTreeMap::new();
        for part in &piece.parts {
            let file = diff.files.get(part.file);
            let hunk = file.and_then(|file| file.hunks.get(part.hunk));
            let shown = hunk.and_then(|hunk| hunk.lines.get(part.lines.clone()));
            for line in shown.or_bug("a piece is of another diff") {
                // What steers a terminal cannot be written, nor can what is no name of one line.
                let hostile = |text: &str| text.split('\t').any(hides);
                let text = line.text.trim_end_matches('\r');
                let named = !hostile(text) && !hostile(part.path.as_str()) && !text.is_empty();
                let Some(number) = line.number().filter(|_| named) else {
                    continue;
                };
                let line = QuotedLine {
                    path: part.path.clone(),
                    number,
                    side: line.kind,
                    text: text.to_owned(),
                };
                lines.entry(line.head()).or_default().push(line);
            }
        }
        Self {
            lines: lines.into_iter().collect(),
            fixes,
        }
    }

    /// Tells whether nothing can be said of the piece.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The numbers of the choices beside the heads: 0 an empty line, 1 new text, 2 that nothing is
    /// wrong.
    fn other(&self, which: u32) -> u32 {
        self.lines.len() as u32 + which
    }

    /// The lines with a head.
    fn lines(&self, head: u32) -> &[QuotedLine] {
        let lines = self.lines.get(head as usize);
        lines
            .map(|(_, lines)| lines.as_slice())
            .or_bug("nothing begins so")
    }

    /// The line of a finding. Where both sides read the same, the newer is meant.
    fn line(&self, head: u32, quote: u32) -> Option<&QuotedLine> {
        let lines = self.lines(head);
        let quoted = lines.get(quote as usize)?.quote();
        let mut same = lines.iter().filter(|line| line.quote() == quoted);
        let newer = same.clone().find(|line| line.side != DiffKind::Removed);
        newer.or_else(|| same.next())
    }

    /// The findings that are complete, in order.
    pub fn findings(&self, answer: &Answer<'_, FindingAt>) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        let mut whole = false;
        for (number, said) in answer.said.iter().enumerate() {
            match said.at {
                FindingAt::Reason(head, quote) => {
                    let parts = number
                        .checked_sub(4)
                        .and_then(|from| answer.said.get(from..));
                    let finding = parts.and_then(|parts| self.finding(head, quote, parts, answer));
                    whole = finding.is_some();
                    findings.extend(finding);
                }
                FindingAt::Fix(..) if whole => {
                    let text = String::from_utf8_lossy(answer.text(said)).into_owned();
                    if let Some(finding) = findings.last_mut() {
                        finding.suggestion = Some(text);
                    }
                }
                _ => {}
            }
        }
        findings
    }

    /// A finding by its parts, from its severity on.
    fn finding(
        &self,
        head: u32,
        quote: u32,
        parts: &[Said<FindingAt>],
        answer: &Answer<'_, FindingAt>,
    ) -> Option<Finding> {
        let [severity, category, title, _, reason, ..] = parts else {
            return bug("a finding lacks parts", None);
        };
        let text = |said: &Said<FindingAt>| {
            let text = std::str::from_utf8(answer.text(said)).ok();
            text.or_bug("a line that is whole ends inside a character")
        };
        let (title, reason) = (text(title).trim(), text(reason).trim());
        if title.is_empty() || reason.is_empty() {
            // Blanks that are not the plain one.
            return None;
        }
        let (Value::Chosen(severity), Value::Chosen(category)) = (severity.value, category.value)
        else {
            return bug("a word of a finding was not chosen", None);
        };
        let line = self.line(head, quote)?;
        Some(Finding {
            path: line.path.clone(),
            line: line.number,
            side: line.side,
            severity: SEVERITIES.get(severity as usize)?.1,
            category: (*CATEGORIES.get(category as usize)?).to_owned(),
            quote: line.text.clone(),
            title: title.to_owned(),
            reason: reason.to_owned(),
            verified: true,
            rule: None,
            suggestion: None,
            secret: None,
        })
    }

    /// The choices behind what was said: findings about lines that have none, and what else may
    /// come.
    fn heads(&self, at: FindingAt, answer: &Answer<'_, FindingAt>) -> Part {
        let heads = answer.said.iter().filter_map(|said| match said.at {
            FindingAt::Severity(head) => Some(head),
            _ => None,
        });
        // No line has two findings.
        let taken: Vec<u32> = heads.collect();
        let more = taken.len() < MOST && (answer.left >= LEAST || taken.is_empty());
        let mut texts: Vec<(Vec<u8>, u32)> = Vec::new();
        if more {
            let free = (0..)
                .zip(&self.lines)
                .filter(|(head, _)| !taken.contains(head));
            texts.extend(free.map(|(head, (text, _))| (text.clone(), head)));
        }
        let first = at == FindingAt::First;
        if first {
            texts.push((NONE.into(), self.other(2)));
        } else if more && at != FindingAt::Next {
            texts.push((b"\n".to_vec(), self.other(0)));
        }
        if let FindingAt::Behind(head, quote) = at
            && answer.left >= LEAST
            && self.fixes
            && self
                .line(head, quote)
                .is_some_and(|line| line.side != DiffKind::Removed)
        {
            texts.push((FIX.into(), self.other(1)));
        }
        Part::OneOf {
            choices: Rc::new(Choices::numbered(texts)),
            may_end: !first,
        }
    }
}

/// The words of a list, each as it stands in a finding.
fn words<'a>(list: impl Iterator<Item = &'a str>) -> Part {
    Part::one_of(list.map(|word| format!(" {word}:").into_bytes()))
}

impl Form for FindingForm {
    type At = FindingAt;

    fn start(&self) -> FindingAt {
        FindingAt::First
    }

    fn part(&self, at: &FindingAt, answer: &Answer<'_, FindingAt>) -> Part {
        match *at {
            FindingAt::Severity(_) => words(SEVERITIES.iter().map(|(word, _)| *word)),
            FindingAt::Category(_) => words(CATEGORIES.into_iter()),
            FindingAt::Title(_) => Part::Line { most: TITLE },
            FindingAt::Quote(head) => Part::one_of(self.lines(head).iter().map(QuotedLine::quote)),
            FindingAt::Reason(..) => Part::Line { most: REASON },
            FindingAt::Fix(head, quote) => {
                let old = self
                    .line(head, quote)
                    .map(|line| format!("{}\n", line.text));
                Part::Block {
                    fence: FENCE,
                    most: NEW_TEXT,
                    forced: true,
                    lines: None,
                    unlike: old.map(|old| Rc::from(old.into_bytes())),
                }
            }
            FindingAt::First | FindingAt::Behind(..) | FindingAt::Fixed | FindingAt::Next => {
                self.heads(*at, answer)
            }
            FindingAt::End => Part::end(),
        }
    }

    fn after(&self, at: &FindingAt, value: Value) -> FindingAt {
        match (*at, value) {
            (FindingAt::Severity(head), _) => FindingAt::Category(head),
            (FindingAt::Category(head), _) => FindingAt::Title(head),
            (FindingAt::Title(head), _) => FindingAt::Quote(head),
            (FindingAt::Quote(head), Value::Chosen(quote)) => FindingAt::Reason(head, quote),
            (FindingAt::Reason(head, quote), _) => FindingAt::Behind(head, quote),
            (FindingAt::Fix(..), _) => FindingAt::Fixed,
            (FindingAt::Behind(head, quote), Value::Chosen(chosen)) if chosen == self.other(1) => {
                FindingAt::Fix(head, quote)
            }
            (_, Value::Chosen(chosen)) if chosen == self.other(0) => FindingAt::Next,
            (_, Value::Chosen(chosen)) if chosen < self.other(0) => FindingAt::Severity(chosen),
            _ => FindingAt::End,
        }
    }
}
