//! The choice of a model: the rows, loading one, fetching one.

use super::super::blocks::block::{Body, Download, DownloadEnd, Tone};
use super::super::command::{Command, IoCommand};
use super::super::event::{Fit, ModelRow};
use super::super::overlay::{Confirm, ModelPicker, Overlay, Picker};
use super::super::state::{EngineState, State};
use super::{back, stop};
use crate::base::text::human_bytes;
use crate::base::{Failure, Result};

/// Opens the choice of a model with what is known, and asks for news.
pub(super) fn open_models(state: &mut State, first: bool, out: &mut Vec<Command>) {
    let mut list = Picker::new(state.models.clone());
    list.loading = state.models.is_empty();
    list.cursor = preferred(state);
    state.completion = None;
    state.overlay = Some(Overlay::Models(ModelPicker {
        list,
        first,
        wanted: None,
        again: back::to_answer(state),
    }));
    out.push(Command::Io(IoCommand::ListModels));
}

/// Returns the row to start at: the model in use, else the one recommended, else one that is here,
/// else the first.
pub(super) fn preferred(state: &State) -> usize {
    let current = state.facts().map(|facts| facts.name.as_str());
    let rows = &state.models;
    rows.iter()
        .position(|row| Some(row.name.as_str()) == current)
        .or_else(|| rows.iter().position(|row| row.recommended))
        .or_else(|| rows.iter().position(|row| row.installed))
        .unwrap_or(0)
}

/// Takes a model by its name (or a path, which only the loader can judge).
pub(super) fn take_model(state: &mut State, name: &str, out: &mut Vec<Command>) {
    if let Some(row) = state.models.iter().find(|row| row.name == name) {
        let row = row.clone();
        take_row(state, row, out);
        return;
    }
    let path = name.contains(['/', '\\']) || name.ends_with(".gguf");
    if !path && !state.models.is_empty() {
        let near =
            super::super::keymap::nearest(name, state.models.iter().map(|r| r.name.as_str()));
        let text = near.map_or_else(
            || format!("{name} is no model; /models lists them"),
            |near| format!("{name} is no model; did you mean {near}?"),
        );
        state.toast(Tone::Warning, text);
        return;
    }
    load(state, name, out);
}

pub(super) fn take_row(state: &mut State, row: ModelRow, out: &mut Vec<Command>) {
    let figures = format!(
        "it takes {} of memory and {} is free",
        human_bytes(row.memory),
        human_bytes(row.free)
    );
    match (row.fit, row.installed) {
        (Fit::Unsupported, _) => {
            let text = format!("{} cannot be run by this build", row.name);
            state.toast(Tone::Warning, text);
            open_models(state, false, out);
        }
        (Fit::Yes, true) => load(state, &row.name, out),
        // A key too many, or one that was meant for a question, begins no download.
        (Fit::Yes, false) if state.pulling.is_none() && state.options.no_pull.is_none() => {
            let size = human_bytes(row.bytes.saturating_sub(row.partial));
            state.overlay = Some(Overlay::Confirm {
                question: format!("{} is not here. Fetch it, {size}?", row.name),
                about: Confirm::PullAnyway(row.name),
            });
        }
        (Fit::Yes, false) => pull(state, &row.name, out),
        (Fit::No, here) => {
            let (what, about) = if here {
                ("Load", Confirm::LoadAnyway(row.name.clone()))
            } else {
                ("Fetch", Confirm::PullAnyway(row.name.clone()))
            };
            state.overlay = Some(Overlay::Confirm {
                question: format!(
                    "{} does not fit: {figures}. {what} it all the same?",
                    row.name
                ),
                about,
            });
        }
    }
}

/// Loads a model, stopping the job that runs on the one before.
pub(super) fn load(state: &mut State, name: &str, out: &mut Vec<Command>) {
    if state.facts().is_some_and(|facts| facts.name == name) {
        if back::chosen(state, out) {
            return;
        }
        let text = format!("{name} is loaded already");
        state.toast(Tone::Plain, text);
        return;
    }
    state.branches.stays = state.facts().map(|facts| {
        let former = &facts.name;
        format!("{name} stays loaded; /model {former} loads the former again")
    });
    stop::stop_job(state, out);
    state.engine = EngineState::Loading {
        name: name.to_owned(),
        memory: 0,
        fraction: 0.0,
        since: state.now,
    };
    super::send::relabel(state, false);
    out.push(Command::LoadModel {
        name: Some(name.to_owned()),
        choose: true,
    });
    back::chosen(state, out);
    state.branches.stays = None;
}

/// Fetches a model.
pub(super) fn pull(state: &mut State, name: &str, out: &mut Vec<Command>) {
    // Until it is here, much may have been asked.
    state.branches.with_model = None;
    if let Some(why) = state.options.no_pull.clone() {
        state.fail(
            Failure::environment(format!("`{name}` cannot be fetched from here"))
                .because(why)
                .hint(format!(
                    "run `homebody models pull {name}` in another terminal"
                )),
        );
        return;
    }
    if state.pulling.is_some() {
        state.toast(
            Tone::Warning,
            "a model is being fetched already; Esc stops it",
        );
        return;
    }
    let partial = state.models.iter().find(|row| row.name == name);
    // The list of models may have changed since this one was asked about.
    let (done, total) = partial.map_or((0, 0), |row| (row.partial, row.bytes));
    let id = state.push(Body::Download(Download {
        name: name.to_owned(),
        stage: "connecting".to_owned(),
        done,
        total,
        rate: 0.0,
        resumed: done,
        end: DownloadEnd::Running,
    }));
    state.pulling = Some(id);
    super::scroll::to_bottom(state);
    out.push(Command::Pull {
        name: name.to_owned(),
    });
}

/// Takes the list of models, and fills the picker if it is open.
pub(super) fn rows(state: &mut State, result: Result<Vec<ModelRow>, Failure>) {
    match result {
        Ok(rows) => {
            state.models = rows;
            let at = preferred(state);
            let seen = usize::from(state.layout.overlay_rows.max(1));
            if let Some(Overlay::Models(picker)) = &mut state.overlay {
                let chosen = picker.list.chosen().map(|row| row.name.clone());
                let filter = std::mem::take(&mut picker.list.filter);
                let mut list = Picker::new(state.models.clone());
                // A filter that is typed narrows what has come, too.
                list.narrow(|f| *f = filter, |row| &row.name);
                let same = list
                    .rows()
                    .position(|row| Some(&row.name) == chosen.as_ref());
                // The row may be gone, or be the first of a list that was empty.
                list.cursor = same.unwrap_or(if list.filter.is_empty() { at } else { 0 });
                list.step(0, seen);
                picker.list = list;
            }
        }
        Err(failure) => {
            if matches!(state.overlay, Some(Overlay::Models(_))) {
                state.overlay = None;
            }
            state.fail(failure);
        }
    }
}

#[cfg(test)]
#[path = "models_tests.rs"]
mod tests;
