//! A review in the transcript: findings as they come, each to be opened, fixed or dismissed.

use serde::{Deserialize, Serialize};

use crate::app::event::Millis;
use crate::base::text::counted;
use crate::base::{LineRange, RepoPath};
use crate::jobs::{Context, Finding, ReviewOf, Usage};

use crate::app::blocks::block::{Phase, Thinking};

/// Files that the title of a review names.
const NAMED: usize = 4;

/// A finding, with how it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FindingRow {
    /// The finding, as the job reported it.
    pub finding: Finding,
    /// True if code and reason are shown. The code is in [`crate::app::State::code`] under
    /// [`FindingRow::code_range`] once it has been read.
    pub open: bool,
    /// True if the person put the finding away: shown dim, and not in the report.
    pub dismissed: bool,
}

impl FindingRow {
    /// Returns the lines around the finding that are shown when it is open.
    pub fn code_range(&self) -> LineRange {
        let line = self.finding.line.max(1);
        LineRange::new(line.saturating_sub(4), line.saturating_add(4))
    }
}

/// A review with its findings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReviewBlock {
    /// The diff under review.
    pub of: ReviewOf,
    /// The diff's name for people: `what is staged`, `the last commit`.
    pub label: String,
    /// The findings: in the order they come while it runs, worst first at the end.
    pub findings: Vec<FindingRow>,
    /// Index of the finding the cursor stands on.
    pub cursor: usize,
    /// Pieces of the diff done and in all; (0, 0) before the first report.
    pub progress: (usize, usize),
    /// The file and lines being read now.
    pub at: Option<(RepoPath, Option<LineRange>)>,
    /// Files that were read, in order.
    #[serde(default)]
    pub read: Vec<RepoPath>,
    /// Files that were not read, with reasons.
    pub unread: Vec<(RepoPath, String)>,
    /// The stage of the review; [`Phase::Writing`] while findings may come.
    pub phase: Phase,
    /// The model's thinking: only its length and times, no text.
    pub thinking: Thinking,
    /// The context the model was shown.
    pub context: Option<Context>,
    /// Remarks of the job on its way.
    pub notes: Vec<String>,
    /// Token counts and times so far.
    pub usage: Option<Usage>,
    /// Time the job was started.
    pub started: Millis,
    /// Time the first piece was done, and its number: the ETA counts from there.
    pub first_piece: Option<(Millis, usize)>,
    /// Number of tokens written since the review began.
    pub pieces: usize,
}

impl ReviewBlock {
    /// Makes an empty review that starts now.
    pub fn new(of: ReviewOf, label: String, now: Millis) -> Self {
        Self {
            of,
            label,
            findings: Vec::new(),
            cursor: 0,
            progress: (0, 0),
            at: None,
            read: Vec::new(),
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

    /// Returns the seconds left, judged by the time the pieces took so far.
    pub fn left_s(&self, now: Millis) -> Option<f64> {
        let (done, total) = self.progress;
        if !self.phase.is_running() || done == 0 || done >= total {
            return None;
        }
        // The first piece also reads the beginning of the prompt, which the others share.
        let (since, from) = match self.first_piece {
            Some((since, first)) if done > first => (since, first),
            _ => (self.started, 0),
        };
        let seconds = now.saturating_sub(since) as f64 / 1000.0;
        Some(seconds / (done - from) as f64 * (total - done) as f64)
    }

    /// The review in a line, as the title of a conversation that begins with it: the diff, and once
    /// it has ended the number of findings and the files.
    pub fn title(&self) -> String {
        let of = format!("review of {}", self.label);
        if self.phase.is_running() {
            return of;
        }
        let mut files: Vec<&RepoPath> = self.read.iter().collect();
        let found = self.findings.iter().map(|row| &row.finding.path);
        for path in found.chain(self.unread.iter().map(|(path, _)| path)) {
            if !files.contains(&path) {
                files.push(path);
            }
        }
        let findings = counted(self.findings.len(), "finding");
        let names: Vec<&str> = files.iter().take(NAMED).map(|path| path.name()).collect();
        let more = if files.len() > NAMED { " …" } else { "" };
        match files.len() {
            0 => of,
            n => format!(
                "{of} ({}, {findings}): {}{more}",
                counted(n, "file"),
                names.join(", ")
            ),
        }
    }

    /// For each finding, whether it is open, and whether it is dismissed.
    pub fn rows(&self) -> Vec<(bool, bool)> {
        let rows = self.findings.iter();
        rows.map(|row| (row.open, row.dismissed)).collect()
    }

    /// Opens and dismisses findings. Those that it has not are passed over.
    pub(in crate::app) fn set_rows(&mut self, rows: &[(bool, bool)]) {
        for (row, (open, dismissed)) in self.findings.iter_mut().zip(rows) {
            (row.open, row.dismissed) = (*open, *dismissed);
        }
    }

    /// The findings that are not dismissed.
    pub fn standing(&self) -> impl Iterator<Item = &FindingRow> {
        self.findings.iter().filter(|row| !row.dismissed)
    }
}
