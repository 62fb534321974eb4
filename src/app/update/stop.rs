//! Esc, Ctrl-C and the end.

use super::super::blocks::block::{Body, DownloadEnd, Phase, Sent, Tone};
use super::super::command::Command;
use super::super::overlay::{Confirm, Overlay};
use super::super::state::{Composing, EngineState, Focus, PanelTab, State};

/// Does Esc: one thing at a time, what runs before what is open before what is typed.
pub(super) fn stop(state: &mut State, out: &mut Vec<Command>) {
    if state.overlay.is_some() {
        super::overlay::close(state, out);
        return;
    }
    if state.completion.take().is_some() {
        state.popup_closed = true;
        return;
    }
    if state.selection.take().is_some() {
        return;
    }
    if stop_work(state, out) {
        return;
    }
    if let Composing::Remark { block, .. } = state.composing {
        let remark = super::patching::end_remark(state);
        state.history.add(&remark);
        state.focus = Focus::Patch(block);
        return;
    }
    if state.focus != Focus::Composer {
        if state.focus == Focus::Panel {
            state.panel = None;
        }
        super::scroll::leave(state);
        return;
    }
    if let Composing::Again { .. } = state.composing {
        return super::back::leave(state);
    }
    if state.cursor.take().is_some() {
        return;
    }
    if !state.composer.is_empty() {
        put_away(state);
        state.history.stop();
        super::compose::changed(state);
        state.toast(Tone::Plain, "put away; Up brings it back");
        return;
    }
    if state.panel.take().is_some() {
        return;
    }
    super::back::escape(state);
}

/// Stops the job that runs. False where none does, or it is stopping already.
pub(super) fn stop_job(state: &mut State, out: &mut Vec<Command>) -> bool {
    let Some(job) = state.job.as_mut().filter(|job| !job.stopping) else {
        return false;
    };
    job.stopping = true;
    let block = job.block;
    out.push(Command::Cancel {
        generation: job.generation,
    });
    mark_stopped(state, block);
    true
}

/// Stops whatever runs. False where nothing does.
pub(super) fn stop_work(state: &mut State, out: &mut Vec<Command>) -> bool {
    let mut stopped = stop_job(state, out);
    if withdraw(state) {
        stopped = true;
    }
    if stopped {
        return true;
    }
    if state.checking.is_some() {
        out.push(Command::CancelCheck);
        state.toast(Tone::Plain, "stopping the check");
        state.checking = None;
        return true;
    }
    if state.is_committing() {
        out.push(Command::CancelCommit);
        state.toast(Tone::Plain, "stopping the hooks");
        return true;
    }
    if let EngineState::Loading { name, .. } = &state.engine {
        let name = name.clone();
        out.push(Command::CancelLoad);
        state.engine = EngineState::Failed { name };
        state.toast(Tone::Plain, "loading stopped; /model loads one");
        return true;
    }
    if let Some(block) = state.pulling.take() {
        out.push(Command::CancelPull);
        if let Some(Body::Download(download)) = state.body_mut(block) {
            download.end = DownloadEnd::Stopped;
        }
        state.toast(
            Tone::Plain,
            "download stopped; what is here is kept, /models goes on with it",
        );
        return true;
    }
    false
}

/// Marks a running block as stopped; what is there stays.
pub(super) fn mark_stopped(state: &mut State, block: super::super::blocks::block::BlockId) {
    let now = state.now;
    match state.body_mut(block) {
        Some(Body::Answer(answer)) if answer.phase.is_running() => {
            answer.phase = Phase::Stopped;
            if answer.thinking.is_some() {
                answer.thinking.until.get_or_insert(now);
            }
        }
        Some(Body::Review(review)) if review.phase.is_running() => {
            review.phase = Phase::Stopped;
            if review.thinking.is_some() {
                review.thinking.until.get_or_insert(now);
            }
        }
        _ => {}
    }
}

/// Takes back the requests that wait; the last text goes back into an empty composer.
pub(super) fn withdraw(state: &mut State) -> bool {
    let waiting: Vec<_> = state.queue.drain(..).collect();
    for queued in &waiting {
        if let Some(Body::User(turn)) = state.body_mut(queued.block) {
            turn.sent = Sent::Withdrawn;
        }
    }
    if let Some(last) = waiting.last() {
        super::send::put_back(state, &last.request, &last.text);
    }
    !waiting.is_empty()
}

/// Empties the composer; Up brings back what stood there, and so does taking typing back.
fn put_away(state: &mut State) {
    state.history.add(&state.composer.whole());
    state.composer.set("");
}

/// Does Ctrl-C: stops what runs, else empties the composer; twice in a row ends the program.
pub(super) fn interrupt(state: &mut State, out: &mut Vec<Command>) {
    if state.armed_quit.is_some() {
        quit(state, out);
        return;
    }
    if state.overlay.is_some() {
        super::overlay::close(state, out);
    }
    state.completion = None;
    let stopped = stop_work(state, out);
    if !stopped {
        if state.composing == Composing::Request {
            put_away(state);
        } else if let Composing::Again { .. } = state.composing {
            super::back::leave(state);
        } else {
            super::patching::end_remark(state);
        }
        state.history.stop();
        super::compose::changed(state);
    }
    state.armed_quit = Some(state.now);
    let what = if stopped { "stopped; " } else { "" };
    state.toast(Tone::Plain, format!("{what}Ctrl-C once more ends"));
    if let Some(toast) = &mut state.toast {
        toast.until = state.now + super::QUIT_MS;
    }
}

/// Ends the program, asking first where a job or a download would be lost.
pub(super) fn ask_quit(state: &mut State, out: &mut Vec<Command>) {
    let busy = if state.job.as_ref().is_some_and(|job| !job.stopping) {
        Some("An answer is being written.")
    } else if state.pulling.is_some() {
        Some("A model is being fetched; what is here is kept.")
    } else if state.is_committing() {
        Some("A commit is being made; its hooks run.")
    } else if state.has_open_patch() {
        Some(if state.keeps() {
            "A patch is not applied yet; --resume brings it back."
        } else {
            "A patch is not applied yet, and would be gone."
        })
    } else {
        None
    };
    match busy {
        Some(busy) => {
            state.overlay = Some(Overlay::Confirm {
                question: format!("{busy} End all the same?"),
                about: Confirm::Quit,
            });
        }
        None => quit(state, out),
    }
}

/// Ends the program.
pub(super) fn quit(state: &mut State, out: &mut Vec<Command>) {
    if let Some(job) = &state.job
        && !job.stopping
    {
        out.push(Command::Cancel {
            generation: job.generation,
        });
    }
    if state.pulling.is_some() {
        out.push(Command::CancelPull);
    }
    if state.checking.is_some() {
        out.push(Command::CancelCheck);
    }
    state.quitting = true;
    out.push(Command::Quit);
}

/// Says why the seal is not on.
pub(super) fn explain_seal(state: &mut State) {
    use crate::base::seal::Sealed;
    let (title, text) = match &state.options.sealed {
        Sealed::Yes => (
            "sealed",
            "The kernel refuses this process and everything it starts every network socket. \
             /doctor tries it and reports."
                .to_owned(),
        ),
        Sealed::No(why) => (
            "not sealed",
            format!(
                "This process could open a network socket, since {why}.\n\nhomebody opens none: \
                 only the puller process talks to a network, and it reads no repository. But \
                 nothing outside homebody holds it to that here.\n\n/doctor shows what was \
                 tried."
            ),
        ),
    };
    state.overlay = Some(Overlay::Text {
        title: title.to_owned(),
        text,
        top: 0,
    });
}

/// Opens the panel on the context that was, or would be, shown.
pub(super) fn show_context(state: &mut State) {
    let panel = state.panel.get_or_insert(super::super::state::Panel {
        tab: PanelTab::Context,
        cursor: 0,
        top: 0,
    });
    panel.tab = PanelTab::Context;
    panel.cursor = 0;
    panel.top = 0;
}

#[cfg(test)]
#[path = "stop_tests.rs"]
mod tests;
