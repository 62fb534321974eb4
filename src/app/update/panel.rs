//! The side panel: sources and context, dropping and pinning.

use super::super::blocks::block::Tone;
use super::super::command::{Command, Editable, EditorPurpose, IoCommand};
use super::super::event::Generation;
use super::super::panel_row::PanelRow;
use super::super::state::{Focus, Panel, PanelTab, State};
use super::whole;
use crate::base::{Failure, LineRange, RepoPath, Result};
use crate::jobs::{Mention, Preview};

/// Most texts kept; the rest is read again when wanted.
const MOST_CODE: usize = 200;

/// Opens or closes the panel; once open, the panel takes the keys.
pub(super) fn toggle(state: &mut State, out: &mut Vec<Command>) {
    if state.panel.take().is_some() {
        if state.focus == Focus::Panel {
            state.focus = Focus::Composer;
        }
        return;
    }
    state.panel = Some(Panel {
        tab: PanelTab::Sources,
        cursor: 0,
        top: 0,
    });
    state.focus = Focus::Panel;
    // Where the last thing said is that turns were folded, it opens on them.
    let last = state
        .blocks
        .iter()
        .rev()
        .find_map(|block| match &block.body {
            super::Body::Fold(_) => Some(true),
            super::Body::Answer(answer) => (!answer.phase.is_running()).then_some(false),
            _ => None,
        });
    if last == Some(true) {
        let rows = state.panel_rows();
        let at = rows
            .iter()
            .position(|row| matches!(row, PanelRow::Told { what: "folded", .. }));
        if let (Some(panel), Some(at)) = (&mut state.panel, at) {
            panel.cursor = at;
        }
        clamp(state);
    }
    look(state, out);
}

/// Turns to the panel's other list.
pub(super) fn turn(state: &mut State, out: &mut Vec<Command>) {
    if let Some(panel) = &mut state.panel {
        panel.tab = match panel.tab {
            PanelTab::Sources => PanelTab::Context,
            PanelTab::Context => PanelTab::Sources,
        };
        panel.cursor = 0;
        panel.top = 0;
        look(state, out);
    }
}

/// Moves the panel's cursor by rows.
pub(super) fn step(state: &mut State, by: isize, out: &mut Vec<Command>) {
    if let Some(panel) = &mut state.panel {
        panel.cursor = panel.cursor.saturating_add_signed(by);
    }
    clamp(state);
    look(state, out);
}

/// Puts the panel's cursor on a row.
pub(super) fn go(state: &mut State, row: usize, out: &mut Vec<Command>) {
    if let Some(panel) = &mut state.panel {
        panel.cursor = row;
        state.focus = Focus::Panel;
    }
    clamp(state);
    look(state, out);
}

/// Keeps the panel's cursor within the rows, and in sight.
pub(super) fn clamp(state: &mut State) {
    let rows = state.panel_rows().len();
    let seen = usize::from(state.layout.panel_rows).max(1);
    if let Some(panel) = &mut state.panel {
        panel.cursor = panel.cursor.min(rows.saturating_sub(1));
        panel.top = panel
            .top
            .min(panel.cursor)
            .max((panel.cursor + 1).saturating_sub(seen));
    }
}

fn row(state: &State) -> Option<PanelRow> {
    let at = state.panel?.cursor;
    state.panel_rows().into_iter().nth(at)
}

/// Asks for the code of the row at the cursor, where it is not known.
fn look(state: &mut State, out: &mut Vec<Command>) {
    match row(state) {
        Some(PanelRow::Excerpt {
            path,
            range,
            text: None,
            ..
        })
        | Some(PanelRow::LeftOut {
            path,
            range: Some(range),
            ..
        }) => want_code(state, (path, range), out),
        _ => {}
    }
}

/// Asks for lines of a file, unless they are known or asked for.
pub(super) fn want_code(state: &mut State, key: (RepoPath, LineRange), out: &mut Vec<Command>) {
    if state.code.contains_key(&key) {
        return;
    }
    if state.code.len() >= MOST_CODE {
        state.code.clear();
    }
    out.push(Command::Io(IoCommand::ReadCode {
        path: key.0,
        range: key.1,
    }));
}

/// Takes the code that was read.
pub(super) fn code(
    state: &mut State,
    path: RepoPath,
    range: LineRange,
    result: Result<String, Failure>,
) {
    let result = result.map_err(|failure| failure.to_string());
    state.code.insert((path, range), result);
    // An open finding may show them: reviews are drawn again.
    for block in &mut state.blocks {
        if let super::Body::Review(review) = &block.body
            && review.findings.iter().any(|row| row.open)
        {
            block.revision += 1;
        }
    }
}

/// Drops the file of the row from the next questions, or takes it back.
pub(super) fn drop_row(state: &mut State) {
    let Some(path) = row(state).and_then(path_of) else {
        return;
    };
    state.pins.retain(|mention| mention.path != path);
    state.added.retain(|mention| mention.path != path);
    let dropped = State::toggle(&mut state.drops, whole(path.clone()));
    let text = if dropped {
        format!("{path}: not shown from the next question on")
    } else {
        format!("{path}: may be shown again")
    };
    state.toast(Tone::Plain, text);
}

/// Pins the lines of the row to the next questions, or takes them back.
pub(super) fn pin_row(state: &mut State) {
    let Some(row) = row(state) else { return };
    let range = match &row {
        PanelRow::Excerpt { range, .. } => Some(*range),
        PanelRow::LeftOut { range, .. } => *range,
        PanelRow::Rules { .. } | PanelRow::Told { .. } => None,
    };
    let what = match &row {
        PanelRow::Told { what, .. } => *what,
        _ => "rules",
    };
    let Some(path) = path_of(row) else {
        let text = match what {
            "history" => "the history is shown where a question is about it",
            "map" => "the map is shown with every question",
            "folder" | "changes" => "name it again with @ to have it shown again",
            "folded" => "/full shows the model all of it again",
            _ => "the rules are shown with every question",
        };
        state.toast(Tone::Plain, text);
        return;
    };
    state.drops.retain(|mention| mention.path != path);
    let lines = range.map_or_else(String::new, |range| format!(":{range}"));
    let mention = Mention { path, range };
    let path = &mention.path;
    let before = state.pins.len();
    let whole = |pin: &Mention| pin.path == *path && pin.range.is_none();
    let text = if range.is_some() && state.pins.iter().any(whole) {
        format!("all of {path} is pinned: /unpin {path} takes it back")
    } else {
        // These lines and no others: more of the file may be pinned.
        state.pins.retain(|pin| *pin != mention);
        if state.pins.len() < before {
            format!("{path}{lines}: no longer pinned")
        } else {
            let text = format!("{path}{lines}: shown with every question");
            state.pins.push(mention);
            text
        }
    };
    state.toast(Tone::Plain, text);
}

fn path_of(row: PanelRow) -> Option<RepoPath> {
    match row {
        PanelRow::Excerpt { path, .. } | PanelRow::LeftOut { path, .. } => Some(path),
        PanelRow::Rules { .. } | PanelRow::Told { .. } => None,
    }
}

/// Opens the place of the row in `$EDITOR`.
pub(super) fn open_row(state: &mut State, out: &mut Vec<Command>) {
    let (path, line) = match row(state) {
        Some(PanelRow::Excerpt { path, range, .. }) => (path, range.start()),
        Some(PanelRow::LeftOut { path, range, .. }) => {
            (path, range.map_or(1, crate::base::LineRange::start))
        }
        Some(PanelRow::Rules { path, .. }) => (path, 1),
        Some(PanelRow::Told { .. }) | None => return,
    };
    out.push(Command::OpenEditor {
        purpose: EditorPurpose::Look,
        editable: Editable::File { path, line },
    });
}

/// Copies the excerpt of the row.
pub(super) fn copy_row(state: &mut State, out: &mut Vec<Command>) {
    let text = match row(state) {
        Some(PanelRow::Excerpt {
            text: Some(text), ..
        })
        | Some(PanelRow::Rules { text, .. } | PanelRow::Told { text, .. }) => Some(text),
        Some(PanelRow::Excerpt { path, range, .. }) => match state.code.get(&(path, range)) {
            Some(Ok(text)) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    };
    match text {
        Some(text) => out.push(Command::Copy(text)),
        None => state.toast(Tone::Warning, "there is no text to copy here"),
    }
}

/// Shows the context that a preview gathered.
pub(super) fn previewed(
    state: &mut State,
    generation: Generation,
    result: Result<Box<Preview>, Failure>,
) {
    if state.awaited.preview != Some(generation) {
        return;
    }
    state.awaited.preview = None;
    match result {
        Ok(preview) => {
            let context = &preview.context;
            let told = context.told.is_empty() && context.left_out.is_empty();
            if let Some(note) = preview.notes.first() {
                state.toast(Tone::Warning, note.clone());
            } else if context.excerpts.is_empty() && told {
                state.toast(Tone::Warning, "nothing in the index was found for that");
            }
            state.preview = Some(*preview);
            super::stop::show_context(state);
            if state.overlay.is_none() && state.composer.is_empty() {
                state.focus = Focus::Panel;
            }
        }
        Err(failure) => state.fail(failure),
    }
    clamp(state);
}

/// Opens the panel on a source of an answer.
pub(super) fn open_source(state: &mut State, id: u32, out: &mut Vec<Command>) {
    let panel = state.panel.get_or_insert(Panel {
        tab: PanelTab::Sources,
        cursor: 0,
        top: 0,
    });
    panel.tab = PanelTab::Sources;
    let at = state
        .panel_rows()
        .iter()
        .position(|row| matches!(row, PanelRow::Excerpt { id: other, .. } if *other == id));
    // An answer may cite a number that is none of its sources.
    go(state, at.unwrap_or(0), out);
}

#[cfg(test)]
#[path = "panel_tests.rs"]
mod tests;
