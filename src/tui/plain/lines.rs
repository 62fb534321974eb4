//! The blocks of a conversation as lines for reading in order: printed as they grow, never again.

use std::collections::HashMap;

use super::words::here;
use crate::app::{
    AnswerBlock, Block, BlockId, Body, Check, Download, DownloadEnd, JobKind, Millis, Note,
    PatchBlock, PatchState, Phase, ReviewBlock, Sent, State, Tone, UserTurn, next_step_here,
};
use crate::base::Failure;
use crate::base::text::{counted, human_bytes, human_time, printable, printable_block};
use crate::jobs::check::Verdict;

/// Time between two words about the same piece of work.
const AGAIN_MS: Millis = 15_000;

/// Lines of a failed check's output that are read out.
const CHECK_LINES: usize = 12;

/// The part of a block that is printed.
#[derive(Debug, Default)]
struct Said {
    revision: Option<u64>,
    /// Bytes of the text that are printed.
    text: usize,
    /// Notes that are printed.
    notes: usize,
    /// The last word on how far it is, and the time it was said.
    stage: Option<(String, Millis)>,
    /// Words that are said once.
    once: Vec<String>,
}

/// The lines that are not printed yet.
#[derive(Debug, Default)]
pub struct Lines {
    said: HashMap<BlockId, Said>,
    /// True if requests are repeated: those that were typed here stand there already.
    resumed: bool,
    toast: Option<(String, Millis)>,
    out: Vec<String>,
}

impl Lines {
    /// Says that blocks to come were there before, so that requests among them are to be told.
    pub const fn resumed(&mut self, resumed: bool) {
        self.resumed = resumed;
    }

    /// Adds a line of ours.
    pub fn say(&mut self, line: impl Into<String>) {
        self.out.push(line.into());
    }

    /// Returns what is new in the state, in lines.
    pub fn fresh(&mut self, state: &State) -> Vec<String> {
        for block in &state.blocks {
            self.block(block, state.now);
        }
        self.said.retain(|id, _| state.block(*id).is_some());
        if let Some(toast) = &state.toast {
            let key = (toast.text.clone(), toast.until);
            if self.toast.as_ref() != Some(&key) {
                self.out.push(here(&printable(&toast.text)));
                self.toast = Some(key);
            }
        }
        std::mem::take(&mut self.out)
    }

    fn block(&mut self, block: &Block, now: Millis) {
        let said = self.said.entry(block.id).or_default();
        let running = matches!(
            &block.body,
            Body::Answer(answer) if answer.phase.is_running()
        ) || matches!(&block.body, Body::Review(review) if review.phase.is_running());
        if said.revision == Some(block.revision) && !running {
            return;
        }
        said.revision = Some(block.revision);
        let out = &mut self.out;
        match &block.body {
            Body::Welcome => {}
            Body::User(turn) => said.user(turn, self.resumed, out),
            Body::Answer(answer) => said.answer(answer, now, out),
            Body::Patch(patch) => said.patch(patch, out),
            Body::Review(review) => said.review(review, now, out),
            Body::Download(download) => said.download(download, now, out),
            Body::Fold(fold) => said.once(format!("{}; /full undoes it", fold.line()), out),
            Body::Note(note) => said.once(self::note(note), out),
            Body::Error(failure) => {
                for line in self::failure(failure) {
                    said.once(line, out);
                }
            }
        }
    }
}

impl Said {
    fn once(&mut self, line: String, out: &mut Vec<String>) {
        if !self.once.contains(&line) {
            out.push(line.clone());
            self.once.push(line);
        }
    }

    /// Says how far something is: at once where that is another stage, else from time to time.
    fn stage(&mut self, stage: &str, more: &str, now: Millis, out: &mut Vec<String>) {
        let due = self.stage.as_ref().is_none_or(|(before, at)| {
            before != stage || !more.is_empty() && now.saturating_sub(*at) >= AGAIN_MS
        });
        if due {
            out.push(format!("{stage}…{more}"));
            self.stage = Some((stage.to_owned(), now));
        }
    }

    fn user(&mut self, turn: &UserTurn, resumed: bool, out: &mut Vec<String>) {
        if resumed {
            self.once(format!("> {}", printable_block(&turn.shown())), out);
        }
        match turn.sent {
            Sent::Yes => {}
            Sent::WaitsForModel => self.once("the question waits for the model".to_owned(), out),
            Sent::WaitsForJob => self.once("it waits for the job before it".to_owned(), out),
            Sent::Withdrawn => self.once("the question was taken back".to_owned(), out),
        }
    }

    fn notes(&mut self, notes: &[String], out: &mut Vec<String>) {
        for note in notes.iter().skip(self.notes) {
            out.push(printable(note).into_owned());
        }
        self.notes = notes.len();
    }

    fn running(&mut self, phase: Phase, now: Millis, out: &mut Vec<String>) {
        match phase {
            Phase::Choosing => self.stage("choosing what to show the model", "", now, out),
            Phase::Reading(reading) => {
                let left = reading.left_s().filter(|left| *left >= 1.0);
                let more = left.map_or_else(String::new, |left| {
                    format!(
                        " {} of {}, {} left",
                        reading.done,
                        counted(reading.total, "token"),
                        human_time(left)
                    )
                });
                self.stage("reading", &more, now, out);
            }
            Phase::Thinking => self.stage("thinking", "", now, out),
            Phase::Writing => self.stage("writing", "", now, out),
            Phase::Stopped | Phase::Failed | Phase::Done => {}
        }
    }

    fn answer(&mut self, answer: &AnswerBlock, now: Millis, out: &mut Vec<String>) {
        self.notes(&answer.notes, out);
        self.running(answer.phase, now, out);
        let over = !answer.phase.is_running();
        // Edits in their protocol are no reading; the patch comes whole, behind them.
        let readable = answer.job != JobKind::Patch || answer.phase == Phase::Done;
        if readable {
            self.text(&answer.text, over, out);
        }
        if !over {
            return;
        }
        if answer.phase == Phase::Stopped {
            self.once("stopped".to_owned(), out);
        }
        if !answer.index_complete {
            let said = "the index was not complete yet: some files could not be found";
            self.once(said.to_owned(), out);
        }
        for source in answer.sources.iter().filter(|source| source.cited) {
            self.once(source_line(source), out);
        }
    }

    /// Prints the lines of a text that are whole, and all of it at its end.
    fn text(&mut self, text: &str, over: bool, out: &mut Vec<String>) {
        // The kept text may be another than the one that came: then all of it is said.
        let from = if text.is_char_boundary(self.text) && self.text <= text.len() {
            self.text
        } else {
            0
        };
        let rest = text.get(from..).unwrap_or_default();
        let whole = if over {
            rest.len()
        } else {
            rest.rfind('\n').map_or(0, |at| at + 1)
        };
        let piece = rest.get(..whole).unwrap_or_default();
        if !piece.is_empty() {
            let shown = printable_block(piece);
            let shown = if over {
                shown.trim_end()
            } else {
                shown.strip_suffix('\n').unwrap_or(&shown)
            };
            out.extend(shown.split('\n').map(str::to_owned));
        }
        self.text = from + whole;
    }

    fn patch(&mut self, patch: &PatchBlock, out: &mut Vec<String>) {
        if self.once.is_empty() {
            let files = counted(patch.files.len(), "file");
            let hunks = counted(patch.hunks.len(), "hunk");
            self.once(format!("patch: {files}, {hunks}"), out);
            for trouble in &patch.troubles {
                self.once(printable(trouble).into_owned(), out);
            }
        }
        if let Some(step) = &patch.committing {
            self.once(printable(step).into_owned(), out);
        }
        if let Some(failure) = &patch.failure {
            for line in self::failure(failure) {
                self.once(line, out);
            }
        }
        match &patch.check {
            Check::Running { .. } => self.once("the check runs…".to_owned(), out),
            Check::Done(checked) if checked.verdict != Verdict::Passed => {
                let lines: Vec<&str> = checked.output.lines().collect();
                let from = lines.len().saturating_sub(CHECK_LINES);
                for line in lines.iter().skip(from) {
                    self.once(format!("check: {line}"), out);
                }
            }
            Check::Failed(failure) => {
                for line in self::failure(failure) {
                    self.once(line, out);
                }
            }
            Check::None | Check::Done(_) => {}
        }
        if patch.state == PatchState::Discarded {
            self.once("the patch is rejected as a whole".to_owned(), out);
        }
    }

    fn review(&mut self, review: &ReviewBlock, now: Millis, out: &mut Vec<String>) {
        self.once(format!("review of {}", printable(&review.label)), out);
        self.notes(&review.notes, out);
        if review.phase.is_running() {
            let (done, total) = review.progress;
            let more = match review.left_s(now) {
                Some(left) if total > 0 => {
                    format!(" piece {done} of {total}, {} left", human_time(left))
                }
                _ => String::new(),
            };
            self.stage("reading what has changed", &more, now, out);
            return;
        }
        for (path, why) in &review.unread {
            self.once(format!("not read: {path}: {}", printable(why)), out);
        }
        if review.phase == Phase::Stopped {
            self.once("stopped; what stands here was found before".to_owned(), out);
        }
        // The order is settled at the end, and so are the numbers.
        for (number, row) in (1..).zip(&review.findings) {
            if row.dismissed {
                continue;
            }
            for line in finding_lines(number, &row.finding) {
                self.once(line, out);
            }
        }
        if review.phase == Phase::Done && review.findings.is_empty() {
            self.once("nothing found".to_owned(), out);
        }
    }

    fn download(&mut self, download: &Download, now: Millis, out: &mut Vec<String>) {
        let name = printable(&download.name).into_owned();
        match download.end {
            DownloadEnd::Running => {
                let more = if download.total > 0 {
                    format!(
                        " {} of {}",
                        human_bytes(download.done),
                        human_bytes(download.total)
                    )
                } else {
                    String::new()
                };
                self.stage(
                    &format!("{} {name}", printable(&download.stage)),
                    &more,
                    now,
                    out,
                );
            }
            DownloadEnd::Done => self.once(format!("{name} is here"), out),
            DownloadEnd::Stopped => self.once(format!("fetching {name} was stopped"), out),
            DownloadEnd::Failed => {}
        }
    }
}

/// A source as a line.
fn source_line(source: &crate::jobs::Source) -> String {
    let lines = if source.start == source.end {
        source.start.to_string()
    } else {
        format!("{}-{}", source.start, source.end)
    };
    format!("source {}: {}:{lines}", source.id, source.path)
}

/// A finding as lines.
fn finding_lines(number: usize, finding: &crate::jobs::Finding) -> Vec<String> {
    let mut lines = vec![format!(
        "{number}. {}, {}: {}",
        finding.severity.word(),
        finding.place(),
        printable(&finding.title)
    )];
    if !finding.quote.trim().is_empty() {
        lines.push(format!("   the line: {}", printable(finding.quote.trim())));
    }
    let reason = printable_block(finding.reason.trim());
    lines.extend(reason.lines().map(|line| format!("   {line}")));
    lines
}

fn note(note: &Note) -> String {
    let sign = match note.tone {
        Tone::Plain | Tone::Good => "",
        Tone::Warning => "warning: ",
        Tone::Bad => "error: ",
    };
    format!("{sign}{}", here(&printable_block(&note.text)))
}

/// A failure as lines: what went wrong, why, and what to do.
pub fn failure(failure: &Failure) -> Vec<String> {
    let mut lines = vec![format!("error: {}", printable(failure.what()))];
    for cause in failure.causes() {
        lines.push(format!("because: {}", printable(cause)));
    }
    if let Some(hint) = next_step_here(failure) {
        lines.push(format!("what to do: {}", printable(&hint)));
    }
    lines
}
