//! The review job: findings by rules, which need no model, and a diff in pieces, with findings for
//! each. Every finding of a model quotes a line of the diff and is put to the model once more,
//! alone.

mod dismissed;
mod finding_form;
mod findings;
mod memory;
mod reading;
mod rules;
mod tally;
mod verdict;

use std::cmp::Reverse;
use std::collections::HashSet;
use std::time::Instant;

pub use self::dismissed::{Dismissed, fingerprint};
#[cfg(feature = "lab")]
pub(super) use self::finding_form::{CATEGORIES, FindingForm, NONE};
use self::memory::Memory;
use self::reading::read;
use self::tally::Tally;
#[cfg(feature = "lab")]
pub(super) use self::verdict::VerdictForm;
use super::model_calls;
use super::prompt::{ReviewValues, ReviewingValues, fence_for};
use super::{Answer, Event, Finding, JobCx, Review, ReviewOf, ask::Parts};
use crate::base::text::human_time;
use crate::base::{Failure, Kind, LineRange, RepoPath, Result};
use crate::context::changes::{DiffPiece, DiffPieces, Surroundings, diff_pieces};
use crate::context::pack::pack;
use crate::engine::{Message, Role};
use crate::index::{FileClass, Index, is_lock_file};
use crate::repo::{Confidential, Diff, DiffKind, DiffSpec, FileDiff, FileStatus, Globs};

/// Most tokens of the findings of one piece, where the user sets no limit.
const ANSWER: usize = 600;
/// Most tokens of a piece where the user sets no budget: small models lose their way in more.
const PIECE: usize = 1200;
/// Fewest tokens a piece is cut to.
const LEAST: usize = 200;
/// Lines shown around a change.
pub(super) const AROUND: u32 = 5;

/// Runs the job: see [`super::run`].
pub(super) fn run(
    request: &Review,
    cx: &mut JobCx<'_>,
    emit: &mut dyn FnMut(Event),
) -> Result<Answer> {
    cx.cancel.check()?;
    let parts = Parts::of(cx);
    let Wanted {
        mut diff,
        mut unread,
        large,
        passed,
    } = wanted(request, &parts)?;
    let mut tally = Tally::new(request);
    if let Some(file) = &cx.settings.dismissed {
        tally.dismissed.extend(Dismissed::read(file)?);
    }
    // What no model is needed for takes no time: it is there before the first piece is read.
    tally.take(large, &diff, emit);
    tally.take(rules::spots(&diff.files)?, &diff, emit);
    tally.take(rules::spots(&diff.unnamed)?, &diff, emit);
    tally.take(rules::of_others(&passed)?, &diff, emit);
    if matches!(request.diff, ReviewOf::Repo(_)) {
        for files in [&diff.unnamed, &passed] {
            let (found, closed) = rules::in_bytes(files, cx.repo)?;
            tally.take(found, &diff, emit);
            unread.extend(closed);
        }
    }
    // The rules have seen what nobody else is to see.
    diff.mask_secrets()?;
    tell_unnamed(diff.unnamed.len(), emit);
    if diff.files.is_empty() {
        if diff.unnamed.is_empty() {
            let text = if unread.is_empty() {
                nothing(&request.diff)
            } else {
                "every changed file is passed over; there is nothing to read".to_owned()
            };
            emit(Event::Note { text });
        }
        tally.tell(0, emit);
        return Ok(answer(tally, unread, false, None));
    }
    if request.rules_only {
        emit(Event::Note {
            text: "no model has read this change; the rules alone have looked".to_owned(),
        });
        leave_files(&diff, "no model has read it", &mut unread);
        tally.tell(0, emit);
        return Ok(answer(tally, unread, false, None));
    }
    let (stopped, failed) = match by_model(&diff, request, &mut tally, &mut unread, cx, emit) {
        Ok(ended) => ended,
        Err(failure) if failure.is_interrupted() => return Err(failure),
        Err(failure) => {
            leave_files(&diff, &failure.to_string(), &mut unread);
            tally.tell(0, emit);
            (false, Some(failure))
        }
    };
    Ok(answer(tally, unread, stopped, failed))
}

/// Says how many changed files no model can read, for want of a name that is text.
fn tell_unnamed(files: usize, emit: &mut dyn FnMut(Event)) {
    let (who, names) = match files {
        0 => return,
        1 => ("1 changed file is".to_owned(), "its name is"),
        n => (format!("{n} changed files are"), "their names are"),
    };
    emit(Event::Note {
        text: format!("{who} read by no model: {names} no UTF-8; the rules have looked"),
    });
}

/// The answer of the job, its findings in order.
fn answer(
    tally: Tally,
    unread: Vec<(RepoPath, String)>,
    stopped: bool,
    failed: Option<Failure>,
) -> Answer {
    let mut findings = tally.found;
    findings::sort(&mut findings);
    Answer::Review {
        findings,
        unread,
        stopped,
        failed,
    }
}

/// Has a model read a diff, piece by piece. Returns true if the reading was stopped, and the
/// failure for which nothing was read, where nothing could be.
fn by_model(
    diff: &Diff,
    request: &Review,
    tally: &mut Tally,
    unread: &mut Vec<(RepoPath, String)>,
    cx: &mut JobCx<'_>,
    emit: &mut dyn FnMut(Event),
) -> Result<(bool, Option<Failure>)> {
    let begun = Instant::now();
    let fixes = fixes(cx.engine.facts().rewrites);
    let system = told(model_calls::system(cx, false)?.message, fixes, cx.prompts)?;
    let held = cx.engine.count_before(std::slice::from_ref(&system))?;
    let window = cx.engine.facts().context;
    let parts = Parts::of(cx);
    let cut = pieces(diff, &parts, held, window, cx.engine.rates())?;
    for left in cut.left_out {
        unread.push((left.path, left.reason));
    }
    let mut told: HashSet<RepoPath> = unread.iter().map(|(path, _)| path.clone()).collect();
    let total = cut.pieces.len();
    let memory = Memory::new(cx.settings.reviews.as_deref(), request.anew);
    let mut stopped: Option<&str> = None;
    let mut failures: Vec<Failure> = Vec::new();
    let mut surroundings = Surroundings::new(diff, cx.repo, cx.index, 1);
    for (at, mut piece) in cut.pieces.into_iter().enumerate() {
        let late = request.max_time_s > 0 && begun.elapsed().as_secs() >= request.max_time_s;
        if stopped.is_none() && (late || cx.cancel.is_cancelled()) {
            stopped = Some(if late { "out of time" } else { "stopped" });
        }
        if let Some(reason) = stopped {
            leave(&piece, reason, unread, &mut told);
            continue;
        }
        if let [.., before, last] = failures.as_slice()
            && before.kind() == last.kind()
            && last.kind() != Kind::Input
        {
            leave(&piece, &last.to_string(), unread, &mut told);
            continue;
        }
        emit(progress(at, total, Some(&piece)));
        surroundings.add(&mut piece, cut.budget, &*cx.engine);
        match read(&piece, diff, &system, &memory, tally, cx, emit) {
            Ok((findings, whole)) => {
                failures.clear();
                tally.read += 1;
                tally.take(findings, diff, emit);
                if !whole {
                    stopped = Some("stopped");
                    leave(&piece, "stopped", unread, &mut told);
                }
            }
            Err(failure) if failure.is_interrupted() => return Err(failure),
            // One piece that fails takes nothing away from the others.
            Err(failure) => {
                leave(&piece, &failure.to_string(), unread, &mut told);
                failures.push(failure);
            }
        }
    }
    memory.prune();
    tell_end(stopped, begun, tally.read, total, emit);
    tally.tell(total, emit);
    let failed = failures.pop().filter(|_| tally.read == 0);
    Ok((stopped.is_some(), failed))
}

/// Says where the reading ended: `stopped` is the reason, where that was before the last piece.
fn tell_end(
    stopped: Option<&str>,
    begun: Instant,
    read: usize,
    total: usize,
    emit: &mut dyn FnMut(Event),
) {
    emit(match stopped {
        Some(reason) => Event::Note {
            text: format!(
                "{reason} after {}: {read} of {total} pieces were read",
                human_time(begun.elapsed().as_secs_f64())
            ),
        },
        None => progress(total, total, None),
    });
}

/// The files that a review is of, and those that it leaves out.
pub(super) struct Wanted {
    /// The diff that is to be read.
    pub diff: Diff,
    /// The files that are passed over, with the reasons.
    pub unread: Vec<(RepoPath, String)>,
    /// New files that are too large, most of which are passed over.
    large: Vec<Finding>,
    /// The files that no model reads, for the rules.
    passed: Vec<FileDiff>,
}

/// Makes the diff, and settles which of its files are read.
pub(super) fn wanted(request: &Review, parts: &Parts<'_>) -> Result<Wanted> {
    let mut diff = match &request.diff {
        ReviewOf::Given(diff) => diff.clone(),
        ReviewOf::Repo(_) if !parts.repo.is_git() => return Err(parts.repo.no_git()),
        ReviewOf::Repo(spec) => parts.repo.diff(spec, AROUND)?,
    };
    if !request.within.is_empty() {
        let within = |path: &RepoPath| request.within.iter().any(|part| path.is_below(part));
        diff.files.retain(|file| within(&file.path));
        diff.unread.retain(|(path, _)| within(path));
    }
    let (mut unread, mut large, mut passed) = (Vec::new(), Vec::new(), Vec::new());
    unread.extend(diff.unread);
    let mut kept = Diff {
        unnamed: diff.unnamed,
        ..Diff::default()
    };
    let skipped = Globs::new(
        parts.repo.root(),
        &parts.settings.review_skip,
        "review.skip",
    )?;
    let confidential = Confidential::new(parts.repo, &parts.settings.rules)?;
    for file in diff.files {
        if confidential.is_change(&file) {
            unread.push((file.path.clone(), "a file of keys or passwords".to_owned()));
            passed.push(file);
            continue;
        }
        if skipped.mean(&file.path) {
            unread.push((file.path.clone(), "skipped by configuration".to_owned()));
            passed.push(file);
            continue;
        }
        large.extend(rules::large(&file));
        match passed_over(&file, parts.index) {
            Some(reason) => {
                unread.push((file.path.clone(), reason.to_owned()));
                passed.push(file);
            }
            None => kept.files.push(file),
        }
    }
    // Code first, and what changed most: where time runs out, it is what was read.
    kept.files.sort_by_key(|file| {
        let class = match parts.index.class(&file.path) {
            Some(FileClass::Test) => 1,
            Some(FileClass::Build) => 2,
            Some(FileClass::Docs) => 3,
            _ => 0,
        };
        let lines = file.hunks.iter().flat_map(|hunk| &hunk.lines);
        let changed = lines.filter(|line| line.kind != DiffKind::Context);
        (class, Reverse(changed.count()))
    });
    Ok(Wanted {
        diff: kept,
        unread,
        large,
        passed,
    })
}

/// The reason why a file is not read; none if it is.
fn passed_over(file: &FileDiff, index: &Index) -> Option<&'static str> {
    let path = &file.path;
    if is_lock_file(path) {
        return Some("a lock file");
    }
    if file.binary {
        return Some("binary");
    }
    if file.hunks.is_empty() {
        return Some(match file.status {
            FileStatus::Renamed => "only renamed",
            FileStatus::ModeChanged => "only its mode changed",
            FileStatus::Conflicted => "in conflict: resolve it, and `git add` it",
            FileStatus::Added | FileStatus::Deleted | FileStatus::Modified => {
                "empty, or too large for a diff"
            }
        });
    }
    if file.status == FileStatus::Deleted {
        return Some("deleted as a whole");
    }
    match index.class(path) {
        Some(FileClass::Generated) => Some("generated"),
        Some(FileClass::Vendored) => Some("somebody else's code"),
        _ => None,
    }
}

/// The words for a diff that is empty.
fn nothing(of: &ReviewOf) -> String {
    match of {
        ReviewOf::Given(_) => "the diff is empty; there is nothing to review".to_owned(),
        ReviewOf::Repo(DiffSpec::Staged) => "nothing is staged; `git add` something first, or \
             review with --unstaged, --commit HEAD or --range A..B"
            .to_owned(),
        ReviewOf::Repo(DiffSpec::Unstaged) => "nothing differs from what is staged; review that \
             with --staged, or the last commit with --commit HEAD"
            .to_owned(),
        ReviewOf::Repo(DiffSpec::Commit(rev)) => format!("the commit {rev} changes nothing"),
        ReviewOf::Repo(DiffSpec::Range(range)) => format!("nothing differs in {range}"),
        ReviewOf::Repo(DiffSpec::Base(branch)) => format!("nothing differs from {branch}"),
    }
}

/// Cuts the diff into pieces that fit a context of `window` tokens behind `held` others.
///
/// # Errors
/// Of kind model, if the context is too small for any.
pub(super) fn pieces(
    diff: &Diff,
    parts: &Parts<'_>,
    held: usize,
    window: usize,
    rates: Option<(f64, f64)>,
) -> Result<DiffPieces> {
    let bare = parts.prompts.review(&ReviewValues::default())?;
    let taken = held + parts.count.count(&bare) + ANSWER.min(window / 4) + 32;
    let room = window.saturating_sub(taken);
    if room < LEAST {
        return Err(model_calls::context_full(taken, window));
    }
    let budget = match parts.settings.budget {
        0 => model_calls::budget(parts.settings, window, taken, rates).min(PIECE),
        asked => asked,
    };
    let budget = budget.clamp(LEAST, room);
    Ok(diff_pieces(diff, true, budget, parts.count))
}

/// Tells whether new text for lines is asked for: small models have enough to do.
pub(super) const fn fixes(rewrites: bool) -> bool {
    !rewrites
}

/// The standing instructions with how to review: the part that all pieces have in common is read
/// once.
pub(super) fn told(mut system: Message, fixes: bool, prompts: &super::Prompts) -> Result<Message> {
    let how = prompts.reviewing(ReviewingValues { fixes })?;
    system.content = format!("{}\n\n{}", system.content.trim_end(), how.trim_end());
    Ok(system)
}

/// The user's message for a piece.
pub(super) fn message(piece: &DiffPiece, prompts: &super::Prompts) -> Result<Message> {
    let content = prompts.review(&ReviewValues {
        diff: piece.text.trim_end(),
        around: pack(&piece.around).trim_end(),
        fence: &fence_for(&piece.text),
    })?;
    Ok(Message {
        role: Role::User,
        content,
    })
}

/// The progress of a review as an event.
fn progress(done: usize, total: usize, piece: Option<&DiffPiece>) -> Event {
    let part = piece.and_then(|piece| piece.parts.first());
    Event::Progress {
        done,
        total,
        path: part.map(|part| part.path.clone()),
        range: part.and_then(|part| -> Option<LineRange> { part.new.or(part.old) }),
    }
}

/// Says of every file that it was not read.
fn leave_files(diff: &Diff, reason: &str, unread: &mut Vec<(RepoPath, String)>) {
    for file in &diff.files {
        unread.push((file.path.clone(), reason.to_owned()));
    }
}

/// Says of every file of a piece that it was not read (to the end), unless that is `told`.
fn leave(
    piece: &DiffPiece,
    reason: &str,
    unread: &mut Vec<(RepoPath, String)>,
    told: &mut HashSet<RepoPath>,
) {
    for part in &piece.parts {
        if told.insert(part.path.clone()) {
            unread.push((part.path.clone(), reason.to_owned()));
        }
    }
}

#[cfg(test)]
#[path = "review_tests.rs"]
mod tests;
