//! The events that a job tells while it runs: one enumeration for the screen and for `--json`.

use serde::{Deserialize, Serialize};

use super::Fold;
use super::check::Checked;
use crate::base::{Failure, LineRange, RepoPath};
use crate::context::Context;
use crate::engine::{Cut, Usage};
use crate::patch::{Change, Edit, EditKind};
use crate::repo::{DiffKind, Repo, WalkRules};

/// The version of the event format.
pub const VERSION: u32 = 1;

/// An excerpt that was shown, as a source of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The number it is cited by.
    pub id: u32,
    /// The file.
    pub path: RepoPath,
    /// First line.
    pub start: u32,
    /// Last line.
    pub end: u32,
    /// True if the answer names it.
    pub cited: bool,
}

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something worth knowing.
    Note,
    /// Something that is probably wrong.
    Warning,
    /// Something that is wrong.
    Error,
}

impl Severity {
    /// The severity as a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A review remark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The file.
    pub path: RepoPath,
    /// The line, on `side`; 0 where it is about the whole file.
    pub line: u32,
    /// The side of the diff that the line is on.
    #[serde(with = "side")]
    pub side: DiffKind,
    /// The severity.
    pub severity: Severity,
    /// The category in one word: `bug`, `security`, `style`…
    pub category: String,
    /// The line as it stands in the file, with the mask in the place of secrets.
    pub quote: String,
    /// The finding in a few words.
    pub title: String,
    /// The reason: why it is wrong.
    pub reason: String,
    /// True if the quote was found in the diff (a finding that fails is dropped) and, where a
    /// second look is taken, held.
    pub verified: bool,
    /// The rule that found it, where no model did: `secret`, `conflict-marker`…
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// New text for the line (lines with their ends, none to take it away), where one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    /// A little of the hash of the secret that the rules found, which the quote does not show: by
    /// it another in its place is told from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl Finding {
    /// The place for people: file and line; the file alone where the finding is about the whole of
    /// it.
    pub fn place(&self) -> String {
        if self.is_of_file() {
            self.path.to_string()
        } else {
            format!("{}:{}", self.path, self.line)
        }
    }

    /// Tells whether the finding is about a whole file, which no edit mends.
    pub const fn is_of_file(&self) -> bool {
        self.line == 0
    }

    /// The change that the suggestion makes; none where there is none, or the line reads otherwise
    /// by now.
    pub fn change(&self, repo: &Repo) -> Option<Change> {
        if self.side == DiffKind::Removed || self.is_of_file() {
            return None;
        }
        let edit = Edit::Lines {
            path: self.path.clone(),
            range: LineRange::new(self.line, self.line),
            old: format!("{}\n", self.quote),
            new: self.suggestion.clone()?,
            kind: EditKind::Rewrite,
        };
        let only = std::slice::from_ref(&self.path);
        let texts = super::texts::RepoTexts::new(repo, only, &WalkRules::default());
        Change::plan(&[edit], &texts).ok()
    }
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The excerpts that the model is shown.
    Context {
        /// The event format's version.
        version: u32,
        /// Excerpts, tokens and what is left out.
        #[serde(flatten)]
        context: Context,
    },
    /// The conversation before the question is folded from now on.
    Folded(Fold),
    /// The prompt is being read.
    Prefill {
        /// Tokens read.
        done: usize,
        /// Tokens in all.
        total: usize,
        /// Tokens kept from before.
        cached: usize,
        /// Tokens a second; 0 where not known yet.
        rate: f64,
    },
    /// Something the user should know: the conversation starts over, a piece is left out.
    Note {
        /// The note in a sentence.
        text: String,
    },
    /// A piece of thinking.
    Thinking {
        /// The piece, of whole characters.
        text: String,
    },
    /// The thought was ended for the model; what follows is the answer.
    ThinkingCut {
        /// Tokens that the thought had.
        tokens: usize,
        /// The reason for which the thought was ended.
        why: Cut,
    },
    /// A piece of the answer.
    Token {
        /// The piece, of whole characters.
        text: String,
    },
    /// A source of the answer, after it.
    Source(Source),
    /// A planned edit.
    Edit {
        /// The file.
        path: RepoPath,
        /// The kind of the edit.
        form: EditKind,
        /// First line concerned, 0 for a whole file.
        start: u32,
        /// Last line concerned, 0 for a whole file.
        end: u32,
    },
    /// A planned change as a whole.
    Diff {
        /// A unified diff as `git apply` takes it; empty where nothing could be changed.
        text: String,
        /// Edits that could not be used, with reasons.
        troubles: Vec<String>,
    },
    /// A check of a planned change.
    Check(Checked),
    /// A review remark.
    Finding(Finding),
    /// The progress of a review.
    Progress {
        /// Pieces done.
        done: usize,
        /// Pieces in all.
        total: usize,
        /// The file that is read now.
        path: Option<RepoPath>,
        /// The lines of the file that are read now.
        range: Option<LineRange>,
    },
    /// The figures of an answer.
    Usage(Usage),
    /// A failure.
    Error {
        /// The kind of the failure in a word: [`crate::base::Kind::word`].
        kind: String,
        /// The failure with its causes: what happened and why.
        cause: String,
        /// The next step, where there is one.
        hint: Option<String>,
    },
    /// The end: nothing comes after this.
    Done,
}

impl Event {
    /// A failure as an event.
    pub fn error(failure: &Failure) -> Self {
        Self::Error {
            kind: failure.kind().word().to_owned(),
            cause: failure.to_string(),
            hint: failure.next_step().map(str::to_owned),
        }
    }
}

/// A side of a diff in a lower-case word, as everything else in the events is written.
mod side {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::repo::DiffKind;

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde calls it with a reference"
    )]
    pub(super) fn serialize<S: Serializer>(side: &DiffKind, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(match side {
            DiffKind::Context => "context",
            DiffKind::Added => "added",
            DiffKind::Removed => "removed",
        })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<DiffKind, D::Error> {
        match String::deserialize(from)?.as_str() {
            "context" => Ok(DiffKind::Context),
            "added" => Ok(DiffKind::Added),
            "removed" => Ok(DiffKind::Removed),
            other => Err(D::Error::unknown_variant(
                other,
                &["context", "added", "removed"],
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Excerpt, LeftOut, Why};

    fn path(text: &str) -> RepoPath {
        RepoPath::new(text).expect("good path")
    }

    fn events() -> Vec<Event> {
        vec![
            Event::Context {
                version: VERSION,
                context: Context {
                    excerpts: vec![Excerpt {
                        frame: Vec::new(),
                        id: 1,
                        path: path("src/a.rs"),
                        range: LineRange::new(3, 4),
                        text: "a\nb\n".to_owned(),
                        symbol: Some("a".to_owned()),
                        why: Why::Search,
                        tokens: 12,
                    }],
                    left_out: vec![LeftOut {
                        path: path("b"),
                        range: None,
                        tokens: 0,
                        reason: "does not fit".to_owned(),
                    }],
                    map: String::new(),
                    told: Vec::new(),
                    past: None,
                    rules: Some((path("AGENTS.md"), "tabs".to_owned())),
                    tokens: 12,
                    budget: 2000,
                    index_complete: true,
                },
            },
            Event::Folded(Fold {
                names: 3,
                gists: 2,
                at: 4,
                tokens: (5000, 900),
                ..Fold::default()
            }),
            Event::Prefill {
                done: 5,
                total: 10,
                cached: 2,
                rate: 92.5,
            },
            Event::Note {
                text: "n".to_owned(),
            },
            Event::Thinking {
                text: "t".to_owned(),
            },
            Event::ThinkingCut {
                tokens: 1024,
                why: Cut::Limit,
            },
            Event::Token {
                text: "x".to_owned(),
            },
            Event::Source(Source {
                id: 1,
                path: path("src/a.rs"),
                start: 3,
                end: 4,
                cited: true,
            }),
            Event::Edit {
                path: path("src/a.rs"),
                form: EditKind::Replace,
                start: 3,
                end: 4,
            },
            Event::Diff {
                text: "--- a/x\n".to_owned(),
                troubles: vec!["t".to_owned()],
            },
            Event::Check(Checked {
                command: "make".to_owned(),
                verdict: super::super::check::Verdict::AsBefore,
                status: "exit status: 2".to_owned(),
                before: Some(true),
                output: "o".to_owned(),
                seconds: 0.5,
                notes: vec!["n".to_owned()],
            }),
            Event::Finding(Finding {
                path: path("src/a.rs"),
                line: 3,
                side: DiffKind::Added,
                severity: Severity::Warning,
                category: "bug".to_owned(),
                quote: "a".to_owned(),
                title: "t".to_owned(),
                reason: "r".to_owned(),
                verified: true,
                rule: None,
                suggestion: None,
                secret: None,
            }),
            Event::Progress {
                done: 1,
                total: 2,
                path: Some(path("src/a.rs")),
                range: Some(LineRange::new(1, 2)),
            },
            Event::Usage(Usage {
                prompt_tokens: 10,
                cached_tokens: 2,
                generated_tokens: 3,
                prefill_s: 0.5,
                decode_s: 0.25,
                drafted_tokens: 2,
                accepted_tokens: 1,
            }),
            Event::error(&Failure::usage("bad").because("why").hint("do")),
            Event::Done,
        ]
    }

    #[test]
    fn every_event_is_one_line_of_json_and_comes_back() {
        let mut lines = String::new();
        for event in events() {
            let line = serde_json::to_string(&event).expect("written");
            assert!(!line.contains('\n'));
            let back: Event = serde_json::from_str(&line).expect("read");
            assert_eq!(back, event);
            lines.push_str(&line);
            lines.push('\n');
        }
        insta::assert_snapshot!(lines);
    }
}
