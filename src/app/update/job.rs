//! Events of a job, and its end.

use super::super::blocks::block::{
    AnswerBlock, BlockId, Body, JobKind, Note, Phase, Reading, Sent, Tone,
};
use super::super::blocks::patch_block::PatchBlock;
use super::super::blocks::review_block::{FindingRow, ReviewBlock};
use super::super::command::Command;
use super::super::event::{Generation, Millis};
use super::super::state::{Composing, Cursor, Focus, RunningJob, Scroll, State};
use super::{committing, notice, send};
use crate::base::text::human_count;
use crate::base::{Failure, Kind, Result};
use crate::jobs::{Answer, Context, Event, Usage};

/// The share of the context, in per cent, from which a full context is warned of.
const NEARLY_FULL: usize = 85;

/// Takes an event of a running job.
pub(super) fn event(state: &mut State, generation: Generation, event: Event) {
    let Some(job) = state.job.as_ref().filter(|j| j.generation == generation) else {
        return;
    };
    let (block, stopping) = (job.block, job.stopping);
    if let Event::Usage(usage) = &event {
        used(state, usage);
    }
    if let Event::Folded(fold) = event {
        super::folding::folded(state, fold);
        return;
    }
    // What was on the screen when Esc was pressed stays as it was; sources and figures still
    // belong to it.
    if stopping && !matches!(event, Event::Usage(_) | Event::Source(_)) {
        return;
    }
    let now = state.now;
    match state.body_mut(block) {
        Some(Body::Answer(answer)) => answer_event(answer, event, now),
        Some(Body::Review(review)) => review_event(review, event, now),
        _ => {}
    }
    if let Some(Body::Answer(answer)) = state.block(block).map(|block| &block.body)
        && let Some(rate) = answer.rate(now)
    {
        state.rate = Some(rate);
    }
}

fn used(state: &mut State, usage: &Usage) {
    // Patches, reviews and messages are no part of the conversation.
    if state
        .job
        .as_ref()
        .is_some_and(|job| job.kind == JobKind::Ask)
    {
        let used = usage.prompt_tokens + usage.generated_tokens;
        // A prompt that was counted before it was folded may have been larger.
        let window = state.facts().map(|facts| facts.context);
        let window = window.filter(|window| *window > 0);
        state.context_used = used.min(window.unwrap_or(usize::MAX));
    }
    if usage.decode_s > 0.0 && usage.generated_tokens > 0 {
        state.rate = Some(usage.generated_tokens as f64 / usage.decode_s);
    }
}

fn answer_event(answer: &mut AnswerBlock, event: Event, now: Millis) {
    match event {
        Event::Context { context, .. } => {
            answer.index_complete = context.index_complete;
            answer.context = Some(context);
        }
        Event::Prefill {
            done,
            total,
            cached,
            rate,
        } => {
            answer.phase = Phase::Reading(Reading {
                done,
                total,
                cached,
                rate,
            });
        }
        Event::Note { text } => answer.notes.push(text),
        Event::Thinking { text } => {
            answer.phase = Phase::Thinking;
            answer.thinking.since.get_or_insert(now);
            answer.thinking.until = None;
            answer.thinking.tokens += 1;
            answer.thinking.text.push_str(&text);
        }
        Event::ThinkingCut { tokens, why } => answer.thinking.cut = Some((tokens, why)),
        Event::Token { text } => {
            answer.phase = Phase::Writing;
            if answer.thinking.is_some() {
                answer.thinking.until.get_or_insert(now);
            }
            answer.first_token.get_or_insert(now);
            answer.pieces += 1;
            answer.text.push_str(&text);
        }
        Event::Source(source) => {
            answer.sources.retain(|other| other.id != source.id);
            answer.sources.push(source);
        }
        Event::Edit {
            path, start, end, ..
        } => answer.edits.push(if start == 0 {
            path.to_string()
        } else {
            format!("{path}:{start}-{end}")
        }),
        Event::Usage(usage) => answer.usage = Some(usage),
        // The failure comes whole with the job's end.
        Event::Error { .. }
        | Event::Folded(_)
        | Event::Diff { .. }
        | Event::Check(_)
        | Event::Finding(_)
        | Event::Progress { .. }
        | Event::Done => {}
    }
}

fn review_event(review: &mut ReviewBlock, event: Event, now: Millis) {
    match event {
        Event::Context { context, .. } => review.context = Some(context),
        Event::Prefill {
            done,
            total,
            cached,
            rate,
        } => {
            review.phase = Phase::Reading(Reading {
                done,
                total,
                cached,
                rate,
            });
        }
        Event::Note { text } => review.notes.push(text),
        Event::Thinking { .. } => {
            review.phase = Phase::Thinking;
            review.thinking.since.get_or_insert(now);
            review.thinking.until = None;
            review.thinking.tokens += 1;
        }
        Event::ThinkingCut { tokens, why } => review.thinking.cut = Some((tokens, why)),
        Event::Token { .. } => {
            if review.thinking.is_some() {
                review.thinking.until.get_or_insert(now);
            }
            review.phase = Phase::Writing;
            review.pieces += 1;
        }
        Event::Finding(finding) => review.findings.push(FindingRow {
            finding,
            open: false,
            dismissed: false,
        }),
        Event::Progress {
            done,
            total,
            path,
            range,
        } => {
            review.progress = (done, total);
            if let Some(path) = path.as_ref().filter(|path| !review.read.contains(path)) {
                review.read.push(path.clone());
            }
            review.at = path.map(|path| (path, range));
            if done > 0 {
                review.first_piece.get_or_insert((now, done));
            }
        }
        Event::Usage(usage) => review.usage = Some(usage),
        Event::Source(_)
        | Event::Folded(_)
        | Event::Edit { .. }
        | Event::Diff { .. }
        | Event::Check(_)
        | Event::Error { .. }
        | Event::Done => {}
    }
}

/// Takes the result of a job.
pub(super) fn done(
    state: &mut State,
    generation: Generation,
    result: Result<Box<Answer>, Failure>,
    out: &mut Vec<Command>,
) {
    let Some(job) = state.job.take_if(|job| job.generation == generation) else {
        return;
    };
    let started = match state.block(job.block).map(|block| &block.body) {
        Some(Body::Answer(answer)) => answer.started,
        Some(Body::Review(review)) => review.started,
        _ => state.now,
    };
    let said = (!job.stopping).then(|| notice::of_job(job.kind, result.as_deref()));
    match result.map(|answer| *answer) {
        Ok(answer) => finish(state, &job, answer),
        Err(failure) => failed(state, &job, failure),
    }
    if job.commits {
        committing::written(state, job.block, out);
    }
    if let Some(said) = said.flatten() {
        notice::unseen(state, started, said, out);
    }
    send::advance(state, out);
}

fn failed(state: &mut State, job: &RunningJob, failure: Failure) {
    if failure.is_interrupted() || job.stopping {
        super::stop::mark_stopped(state, job.block);
        return;
    }
    // A question that cannot be sent as it is goes back, to be changed.
    if job.kind == JobKind::Ask && failure.kind() == Kind::Usage {
        withdraw(state, job);
    }
    let now = state.now;
    match state.body_mut(job.block) {
        Some(Body::Answer(answer)) => {
            answer.phase = Phase::Failed;
            if answer.thinking.is_some() {
                answer.thinking.until.get_or_insert(now);
            }
        }
        Some(Body::Review(review)) => review.phase = Phase::Failed,
        _ => {}
    }
    state.fail(failure);
}

/// Puts the question of a job back into an empty composer, as not sent.
fn withdraw(state: &mut State, job: &RunningJob) {
    let at = state.index_of(job.block).and_then(|at| at.checked_sub(1));
    let asked = at.and_then(|at| state.blocks.get(at)).map(|block| block.id);
    if let Some(Body::User(turn)) = asked.and_then(|id| state.body_mut(id)) {
        turn.sent = Sent::Withdrawn;
    }
    if state.composer.is_empty() && state.composing == Composing::Request {
        state.composer.paste(&job.request);
    }
}

fn finish(state: &mut State, job: &RunningJob, answer: Answer) {
    match answer {
        Answer::Ask {
            turn,
            context,
            stopped,
        } => {
            end_answer(state, job, stopped, None, Some(context));
            if let Some(Body::Answer(answer)) = state.body_mut(job.block) {
                // The turn knows which sources are cited in the end.
                if !turn.sources.is_empty() {
                    answer.sources.clone_from(&turn.sources);
                }
                // The text shown is the one that is kept, whatever went wrong with the
                // stream.
                if answer.phase == Phase::Done && answer.text != turn.answer {
                    answer.text.clone_from(&turn.answer);
                }
            }
            if turn.answer.is_empty() && stopped {
                return;
            }
            state.turns.push(turn);
            warn_of_context(state);
        }
        Answer::Patch {
            change,
            prose,
            troubles,
            context,
            stopped,
        } => {
            end_answer(state, job, stopped, Some(&prose), Some(context));
            planned(state, job, change, troubles, stopped);
        }
        Answer::Review {
            mut findings,
            unread,
            stopped,
            failed: none_read,
        } => {
            findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
            end_review(state, job.block, findings, unread, stopped);
            if let Some(failure) = none_read {
                failed(state, job, failure);
            }
        }
        Answer::Message { text, stopped } => {
            end_answer(state, job, stopped, Some(&text), None);
        }
    }
}

fn end_answer(
    state: &mut State,
    job: &RunningJob,
    stopped: bool,
    text: Option<&str>,
    context: Option<Context>,
) {
    let now = state.now;
    let Some(Body::Answer(answer)) = state.body_mut(job.block) else {
        return;
    };
    if answer.thinking.is_some() {
        answer.thinking.until.get_or_insert(now);
    }
    answer.phase = if stopped || job.stopping {
        Phase::Stopped
    } else {
        Phase::Done
    };
    if let Some(text) = text
        && !job.stopping
    {
        text.clone_into(&mut answer.text);
    }
    if let Some(context) = context {
        answer.context = Some(context);
    }
}

fn planned(
    state: &mut State,
    job: &RunningJob,
    change: crate::patch::Change,
    troubles: Vec<String>,
    stopped: bool,
) {
    if change.is_empty() {
        if job.stopping || stopped {
            return;
        }
        let mut text = "no change was planned".to_owned();
        for trouble in &troubles {
            text.push_str("\n- ");
            text.push_str(trouble);
        }
        if troubles.is_empty() {
            text.push_str("; say more exactly what to change, or name the file with @");
        }
        state.push(Body::Note(Note {
            text,
            tone: Tone::Warning,
        }));
        return;
    }
    let patch = PatchBlock::new(job.request.clone(), change, troubles);
    let id = state.push(Body::Patch(Box::new(patch)));
    take_focus(state, Focus::Patch(id));
}

/// Gives the keys to a new patch or review, unless the person is in the middle of
/// something else.
pub(super) fn take_focus(state: &mut State, focus: Focus) {
    let free = matches!(state.focus, Focus::Composer) && state.composer.is_empty();
    if free && state.overlay.is_none() && state.scroll == Scroll::Bottom {
        state.focus = focus;
    }
}

fn end_review(
    state: &mut State,
    id: BlockId,
    findings: Vec<crate::jobs::Finding>,
    unread: Vec<(crate::base::RepoPath, String)>,
    stopped: bool,
) {
    let Some(Body::Review(review)) = state.body_mut(id) else {
        return;
    };
    // The findings come again in another order: each stays open or put away, and the cursor
    // stays on its finding, if there is one yet.
    let at = review.findings.get(review.cursor).cloned();
    let rows: Vec<FindingRow> = findings
        .into_iter()
        .map(|finding| {
            let before = review.findings.iter().find(|row| row.finding == finding);
            FindingRow {
                open: before.is_some_and(|row| row.open),
                dismissed: before.is_some_and(|row| row.dismissed),
                finding,
            }
        })
        .collect();
    review.cursor = at
        .and_then(|at| rows.iter().position(|row| row.finding == at.finding))
        .unwrap_or(0);
    let found = !rows.is_empty();
    review.findings = rows;
    review.unread = unread;
    review.at = None;
    if review.phase.is_running() {
        review.phase = if stopped { Phase::Stopped } else { Phase::Done };
    }
    if found {
        take_focus(state, Focus::Review(id));
    }
}

fn warn_of_context(state: &mut State) {
    let Some(context) = state.facts().map(|facts| facts.context) else {
        return;
    };
    // Once it has been folded, that it will be again is nothing new.
    let first = state.fold.is_empty();
    if first && context > 0 && state.context_used * 100 >= context * NEARLY_FULL {
        let text = format!(
            "this conversation takes {} of {} tokens of context: the next question folds earlier \
             turns; /compact does so now, /new begins another",
            human_count(state.context_used as u64),
            human_count(context as u64)
        );
        state.note(Tone::Warning, text);
    }
}

/// Puts the transcript's cursor on a block.
pub(super) fn mark(state: &mut State, block: BlockId) {
    state.cursor = Some(Cursor { block, code: None });
}

#[cfg(test)]
#[path = "job_tests.rs"]
mod tests;
