//! A review in the transcript: findings as they come, each to be opened, fixed or dismissed.

use super::message::Millis;
use crate::base::{LineRange, RepoPath};
use crate::jobs::{Context, Finding, ReviewOf, Usage};

use super::block::{Phase, Thinking};

/// A finding with what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingRow {
    /// The remark.
    pub finding: Finding,
    /// Whether code and reason are shown. The code is in [`super::State::code`] under
    /// [`FindingRow::code_range`] once it has been read.
    pub open: bool,
    /// Whether the person put it away: shown dim, and not in the report.
    pub dismissed: bool,
}

impl FindingRow {
    /// The lines around the finding that are shown when it is open.
    pub fn code_range(&self) -> LineRange {
        let line = self.finding.line.max(1);
        LineRange::new(line.saturating_sub(4), line.saturating_add(4))
    }
}

/// A review.
#[derive(Debug, Clone, PartialEq)]
pub struct ReviewBlock {
    /// Of what.
    pub of: ReviewOf,
    /// The same for people: `what is staged`, `the last commit`.
    pub label: String,
    /// The findings: in the order they come while it runs, worst first at the end.
    pub findings: Vec<FindingRow>,
    /// The finding the cursor stands on.
    pub cursor: usize,
    /// Pieces done and in all; (0, 0) before the first report.
    pub progress: (usize, usize),
    /// What is read now.
    pub at: Option<(RepoPath, Option<LineRange>)>,
    /// Files that were not read, with reasons.
    pub unread: Vec<(RepoPath, String)>,
    /// Where it stands; [`Phase::Writing`] while findings may come.
    pub phase: Phase,
    /// Thinking, counted.
    pub thinking: Thinking,
    /// What the model was shown.
    pub context: Option<Context>,
    /// What the job remarked on its way.
    pub notes: Vec<String>,
    /// The figures so far.
    pub usage: Option<Usage>,
    /// When it was sent.
    pub started: Millis,
    /// When the first piece was done, and which it was: the ETA counts from there.
    pub first_piece: Option<(Millis, usize)>,
    /// Tokens written since it began.
    pub pieces: usize,
}

impl ReviewBlock {
    /// A fresh one.
    pub fn new(of: ReviewOf, label: String, now: Millis) -> Self {
        Self {
            of,
            label,
            findings: Vec::new(),
            cursor: 0,
            progress: (0, 0),
            at: None,
            unread: Vec::new(),
            phase: Phase::Choosing,
            thinking: Thinking::default(),
            context: None,
            notes: Vec::new(),
            usage: None,
            started: now,
            first_piece: None,
            pieces: 0,
        }
    }

    /// Seconds left by the time the pieces took so far.
    pub fn left_s(&self, now: Millis) -> Option<f64> {
        let (done, total) = self.progress;
        if !self.phase.is_running() || done == 0 || done >= total {
            return None;
        }
        // The first piece waits for the prompt's beginning, which the others share.
        let (since, from) = match self.first_piece {
            Some((since, first)) if done > first => (since, first),
            _ => (self.started, 0),
        };
        let seconds = now.saturating_sub(since) as f64 / 1000.0;
        Some(seconds / (done - from) as f64 * (total - done) as f64)
    }

    /// Findings that are not dismissed.
    pub fn standing(&self) -> impl Iterator<Item = &FindingRow> {
        self.findings.iter().filter(|row| !row.dismissed)
    }
}
