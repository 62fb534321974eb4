//! Reports of workers: index, model, downloads, sessions, clipboard.

use std::sync::Arc;

use super::super::blocks::block::{BlockId, Body, DownloadEnd, JobKind, Tone};
use super::super::command::{Command, IoCommand};
use super::super::editing::places::KnownFiles;
use super::super::event::{Copied, EngineEvent, IndexEvent, ModelRow, PullEvent};
use super::super::log::{Conversation, Log};
use super::super::overlay::{ModelPicker, Overlay, Picker};
use super::super::state::{EngineState, Indexing, State};
use super::{back, notice, send};
use crate::base::text::{counted, human_count};
use crate::base::{Failure, RepoPath, Result};
use crate::index::{Progress, Stats};

/// Takes a report about the index.
pub(super) fn index(state: &mut State, event: IndexEvent) {
    match event {
        IndexEvent::Progress(progress) => index_progressed(state, progress),
        IndexEvent::Ready {
            files,
            stats,
            complete,
        } => {
            index_ready(state, files, stats, complete);
        }
        IndexEvent::Meaning(coverage) => state.meaning = coverage,
        IndexEvent::Failed(failure) => {
            let (usable, _) = state.index_usable();
            state.indexing = Indexing::Failed {
                failure: failure.clone(),
                usable,
            };
            if !failure.is_interrupted() {
                state.fail(failure);
            }
        }
    }
}

fn index_progressed(state: &mut State, progress: Progress) {
    let now = state.now;
    let (usable, _) = state.index_usable();
    // The rate is that of reading: finding files goes at another pace.
    let since = match &state.indexing {
        Indexing::Running {
            since,
            progress: before,
            ..
        } if std::mem::discriminant(before) == std::mem::discriminant(&progress) => *since,
        _ => now,
    };
    let seconds = now.saturating_sub(since) as f64 / 1000.0;
    let rate = match progress {
        Progress::Reading { done, .. } if seconds > 0.3 => done as f64 / seconds,
        _ => 0.0,
    };
    state.indexing = Indexing::Running {
        progress,
        since,
        rate,
        usable,
    };
}

fn index_ready(state: &mut State, files: Arc<KnownFiles>, stats: Box<Stats>, complete: bool) {
    if complete && stats.files == 0 {
        state.toast(Tone::Warning, "no files were found here to answer from");
    }
    let first = state.files.paths.is_empty();
    state.files = files;
    state.names = Default::default();
    // What is typed is asked for anew: there may be definitions of it now.
    state.awaited.names = None;
    super::compose::offer_places(state);
    if complete {
        state.indexing = Indexing::Ready(stats);
    } else if let Indexing::Running { usable, .. } = &mut state.indexing {
        *usable = true;
    } else {
        state.indexing = Indexing::Running {
            progress: Progress::Walking(0),
            since: state.now,
            rate: 0.0,
            usable: true,
        };
    }
    // The popup offers the files there are now; who typed before there were any gets it now.
    if state.completion.is_some() || first && state.overlay.is_none() {
        super::compose::refresh(state);
    }
}

/// Takes a report about the model.
pub(super) fn engine(state: &mut State, event: EngineEvent, out: &mut Vec<Command>) {
    match event {
        EngineEvent::Missing { rows, wanted } => model_missing(state, rows, wanted),
        EngineEvent::Loading {
            name,
            memory,
            fraction,
        } => model_loading(state, name, memory, fraction),
        EngineEvent::Ready(facts) => {
            // Another model reads the conversation from its start, and counts otherwise.
            super::counting::forget(state);
            state.context_used = context_used(state);
            state.rate = None;
            state.memory = state.memory.max(facts.memory);
            state.engine = EngineState::Ready(facts);
            if matches!(&state.overlay, Some(Overlay::Models(picker)) if picker.first) {
                state.overlay = None;
            }
            send::advance(state, out);
        }
        EngineEvent::Failed { name, failure } => {
            state.engine = EngineState::Failed { name };
            if !failure.is_interrupted() {
                state.fail(failure);
            }
        }
    }
}

/// Offers the models that could be loaded or fetched instead.
fn model_missing(state: &mut State, rows: Vec<ModelRow>, wanted: Option<String>) {
    state.engine = EngineState::Missing;
    state.models = rows;
    if state.pulling.is_some() {
        return;
    }
    // The choice does not take the keys from somebody who types.
    let free = state.overlay.is_none() && state.composer.is_empty();
    if free || matches!(state.overlay, Some(Overlay::Models(_))) || !state.queue.is_empty() {
        let mut list = Picker::new(state.models.clone());
        list.cursor = super::models::preferred(state);
        state.overlay = Some(Overlay::Models(ModelPicker {
            list,
            first: true,
            wanted,
            again: back::to_answer(state),
        }));
    } else {
        state.toast(Tone::Warning, "no model is here yet: /models offers some");
    }
}

fn model_loading(state: &mut State, name: String, memory: u64, fraction: f32) {
    let since = match &state.engine {
        EngineState::Loading {
            name: same, since, ..
        } if *same == name => *since,
        // Esc was pressed: reports already on their way are passed over.
        EngineState::Failed { name: stopped } if *stopped == name && fraction > 0.0 => return,
        _ => state.now,
    };
    state.engine = EngineState::Loading {
        name,
        memory,
        fraction: if fraction.is_finite() {
            fraction.clamp(0.0, 1.0)
        } else {
            0.0
        },
        since,
    };
    send::relabel(state, false);
}

/// Takes a report about a download.
pub(super) fn pull(state: &mut State, event: PullEvent, out: &mut Vec<Command>) {
    // Reports of a download that was stopped come late.
    let Some(id) = state.pulling else {
        return;
    };
    let (PullEvent::Progress { name, .. }
    | PullEvent::Done { name }
    | PullEvent::Failed { name, .. }) = &event;
    let named = matches!(
        state.block(id).map(|block| &block.body),
        Some(Body::Download(download)) if download.name == *name
    );
    if !named {
        return;
    }
    match event {
        PullEvent::Progress {
            stage,
            done,
            total,
            rate,
            resumed,
            ..
        } => {
            if let Some(Body::Download(download)) = state.body_mut(id) {
                download.stage = stage;
                download.done = done;
                download.total = total;
                download.rate = rate;
                download.resumed = resumed;
            }
        }
        PullEvent::Done { name } => pulled(state, id, name, out),
        PullEvent::Failed { failure, .. } => {
            state.pulling = None;
            let stopped = failure.is_interrupted();
            if let Some(Body::Download(download)) = state.body_mut(id) {
                download.end = if stopped {
                    DownloadEnd::Stopped
                } else {
                    DownloadEnd::Failed
                };
            }
            if !stopped {
                state.fail(failure);
            }
        }
    }
}

/// Ends a download that is complete, and has the model loaded where none is in use.
fn pulled(state: &mut State, id: BlockId, name: String, out: &mut Vec<Command>) {
    if let Some(Body::Download(download)) = state.body_mut(id) {
        download.end = DownloadEnd::Done;
        download.done = download.total;
    }
    state.pulling = None;
    // Fetching a model is never short enough to wait for.
    notice::unseen(state, 0, "the model is here".to_owned(), out);
    out.push(Command::Io(IoCommand::ListModels));
    // A model in use is not thrown out for one that was fetched beside it.
    if matches!(state.engine, EngineState::Ready(_)) {
        state.toast(
            Tone::Good,
            format!("{name} is here; /model {name} loads it"),
        );
        return;
    }
    state.engine = EngineState::Loading {
        name: name.clone(),
        memory: 0,
        fraction: 0.0,
        since: state.now,
    };
    out.push(Command::LoadModel {
        name: Some(name),
        choose: true,
    });
}

/// Tells how copying to the clipboard went.
pub(super) fn copied(state: &mut State, result: Result<Copied, Failure>) {
    match result {
        Ok(copied) => {
            let way = if copied.ways.is_empty() {
                String::new()
            } else {
                format!(" by {}", copied.ways.join(" and "))
            };
            let chars = human_count(copied.chars as u64);
            state.toast(Tone::Good, format!("{chars} characters copied{way}"));
        }
        Err(failure) => state.toast(Tone::Bad, failure.to_string()),
    }
    state.selection = None;
}

/// Makes a conversation that was loaded the transcript.
pub(super) fn session(
    state: &mut State,
    id: String,
    result: Result<Box<Conversation>, Failure>,
    out: &mut Vec<Command>,
) {
    let loaded = match result {
        Ok(loaded) => *loaded,
        Err(failure) => return state.fail(failure),
    };
    if state.job.is_some() || !state.queue.is_empty() {
        state.toast(Tone::Warning, "an answer is being written; Esc stops it");
        return;
    }
    super::slash::begin_anew(state, false, out);
    // The loaded session goes on: no new one begins.
    out.retain(|command| !matches!(command, Command::Io(IoCommand::NewSession)));
    out.push(Command::Io(IoCommand::GoOn));
    let keep: Vec<BlockId> = state.pulling.into_iter().collect();
    state.blocks.retain(|block| keep.contains(&block.id));
    let kept = state.blocks.len();
    for (_, body) in &loaded.blocks {
        state.push(body.clone());
    }
    state.log = Log::of(&loaded, state.blocks.get(kept..).unwrap_or(&[]));
    if loaded.blocks.is_empty() {
        state.push(Body::Welcome);
    }
    let count = loaded.turns.len();
    state.turns = loaded.turns;
    state.fold = loaded.fold;
    state.branches.of = loaded.branch_of;
    state.context_used = context_used(state);
    if let Some(files) = loaded.files {
        (state.pins, state.drops) = (files.pinned, files.dropped);
        // The command line says it for this time.
        if state.options.within.is_empty() {
            state.within = files.within;
        }
        state.awaited.names = None;
        super::compose::offer_places(state);
    }
    state.session = Some(id);
    let what = match count {
        // One of patches and reviews alone.
        0 => "the conversation".to_owned(),
        count => counted(count, "turn"),
    };
    state.toast(Tone::Good, format!("going on with {what}"));
    super::reviewing::want_open(state, out);
}

/// Tokens of the context that the conversation takes, as it was measured last.
pub(super) fn context_used(state: &State) -> usize {
    let mut bodies = state.blocks.iter().rev().map(|block| &block.body);
    let told = bodies.find_map(|body| match body {
        Body::Fold(fold) => Some(fold.tokens.1),
        Body::Answer(answer) if answer.job == JobKind::Ask => {
            let usage = answer.usage.as_ref()?;
            Some(usage.prompt_tokens + usage.generated_tokens)
        }
        _ => None,
    });
    told.unwrap_or(0)
}

/// Takes in that the conversation could not be kept, which is said once.
pub(super) fn log_failed(state: &mut State, failure: Failure) {
    if state.log.failed(state.now) {
        state.fail(failure);
    }
}

/// Tells whether a file was written.
pub(super) fn written(state: &mut State, result: Result<String, Failure>) {
    match result {
        Ok(file) => {
            state.note(Tone::Good, format!("written to {file}"));
        }
        Err(failure) => state.fail(failure),
    }
}

/// Tells whether `AGENTS.md` was written.
pub(super) fn init_written(
    state: &mut State,
    result: Result<RepoPath, Failure>,
    out: &mut Vec<Command>,
) {
    match result {
        Ok(path) => {
            state.note(
                Tone::Good,
                format!(
                    "{path} is written; it is shown to the model with every question, so \
                         make it say what matters here"
                ),
            );
            out.push(Command::Reindex { rebuild: false });
            out.push(Command::Io(IoCommand::RefreshRepo));
        }
        Err(failure) => state.fail(failure),
    }
}

/// Shows the doctor's report.
pub(super) fn doctor(state: &mut State, result: Result<String, Failure>) {
    match result {
        Ok(report) => {
            // A report whose overlay was closed meanwhile is not waited for any more.
            if let Some(Overlay::Text { title, text, top }) = &mut state.overlay
                && title == "doctor"
            {
                *text = report;
                *top = 0;
            }
        }
        Err(failure) => {
            if matches!(&state.overlay, Some(Overlay::Text { title, .. }) if title == "doctor") {
                state.overlay = None;
            }
            state.fail(failure);
        }
    }
}

/// Takes the theme that is drawn with from now on.
pub(super) fn theme_set(state: &mut State, result: Result<String, Failure>) {
    match result {
        // While the choice is open the theme is only looked at.
        Ok(_) if matches!(state.overlay, Some(Overlay::Themes(_))) => {}
        Ok(name) => state.options.theme = name,
        Err(failure) => state.fail(failure),
    }
}

#[cfg(test)]
#[path = "world_tests.rs"]
mod tests;
