//! The status line: model, branch, context, speed, memory, seal.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::draw::{Cx, rate_text};
use super::theme::Role;
use super::width::{fit, fit_end, width};
use crate::app::{EngineState, MouseTarget, State};
use crate::base::seal::Sealed;
use crate::base::text::{human_bytes, printable};

/// A piece of the status line.
struct StatusPiece {
    text: String,
    style: Style,
    /// The meaning of a click on the piece.
    target: MouseTarget,
    /// The worth of the piece: where there is no room, the least gives way first.
    worth: u8,
}

impl StatusPiece {
    fn new(text: impl Into<String>, style: Style, target: MouseTarget, worth: u8) -> Self {
        Self {
            text: text.into(),
            style,
            target,
            worth,
        }
    }
}

/// Draws the status line; returns which cells mean what.
pub fn status(
    buffer: &mut Buffer,
    area: Rect,
    state: &State,
    cx: &Cx<'_>,
) -> Vec<(u16, u16, MouseTarget)> {
    let cells = usize::from(area.width).saturating_sub(4);
    let mut pieces = pieces(state, cx);
    while pieces.len() > 1 && cells_of(&pieces) > cells {
        let least = pieces.iter().map(|piece| piece.worth).min();
        pieces.retain(|piece| Some(piece.worth) != least);
    }
    let dot = format!(" {} ", cx.theme.glyphs().dot);
    let mut hits = Vec::new();
    let mut x = area.x + 1;
    let end = area.right().saturating_sub(2);
    for (i, piece) in pieces.into_iter().enumerate() {
        if i > 0 {
            let room = usize::from(end.saturating_sub(x));
            (x, _) = buffer.set_stringn(x, area.y, &dot, room, cx.role(Role::Rule));
        }
        let from = x;
        let room = usize::from(end.saturating_sub(x));
        (x, _) = buffer.set_stringn(x, area.y, &piece.text, room, piece.style);
        hits.push((from, x, piece.target));
    }
    if area.width > 3 {
        buffer.set_string(end, area.y, "?", cx.role(Role::Accent));
        hits.push((end, area.right(), MouseTarget::Help));
    }
    hits
}

/// Cells that pieces take with the dots between them.
fn cells_of(pieces: &[StatusPiece]) -> usize {
    let texts: usize = pieces.iter().map(|piece| width(&piece.text)).sum();
    texts + 3 * pieces.len().saturating_sub(1)
}

/// All pieces, in their order.
fn pieces(state: &State, cx: &Cx<'_>) -> Vec<StatusPiece> {
    let dim = cx.role(Role::Dim);
    let mut pieces = vec![model(state, cx)];
    pieces.extend(head(state, cx));
    pieces.extend(files(state, cx));
    pieces.extend(context(state, cx));
    if let Some(rate) = state.rate {
        let text = format!("{} tok/s", rate_text(rate));
        pieces.push(StatusPiece::new(text, dim, MouseTarget::Nothing, 2));
    }
    let memory = if state.memory > 0 {
        state.memory
    } else {
        state.facts().map_or(0, |f| f.memory)
    };
    if memory > 0 {
        let text = human_bytes(memory);
        pieces.push(StatusPiece::new(text, dim, MouseTarget::Nothing, 1));
    }
    pieces.push(match &state.options.sealed {
        Sealed::Yes => StatusPiece::new("sealed", cx.role(Role::Ok), MouseTarget::Seal, 8),
        Sealed::No(_) => {
            let style = cx.role(Role::Warning).add_modifier(Modifier::BOLD);
            StatusPiece::new("not sealed", style, MouseTarget::Seal, 10)
        }
    });
    if state.private {
        let style = cx.role(Role::Accent);
        pieces.push(StatusPiece::new("private", style, MouseTarget::Nothing, 7));
    } else if !state.options.save {
        pieces.push(StatusPiece::new("not saved", dim, MouseTarget::Nothing, 3));
    }
    pieces
}

/// The model, or why there is none.
fn model(state: &State, cx: &Cx<'_>) -> StatusPiece {
    let (model, role) = match &state.engine {
        EngineState::Waiting => ("…".to_owned(), Role::Dim),
        EngineState::Missing => ("no model".to_owned(), Role::Warning),
        EngineState::Loading { name, .. } => (format!("{name}…"), Role::Dim),
        EngineState::Ready(facts) => (facts.name.clone(), Role::Text),
        EngineState::Failed { name } => (format!("{name} failed"), Role::Error),
    };
    let text = printable(&model).into_owned();
    StatusPiece::new(text, cx.role(role), MouseTarget::Model, 9)
}

/// The branch or commit that is checked out, and how many files differ from it.
fn head(state: &State, cx: &Cx<'_>) -> Option<StatusPiece> {
    let head = state.head.as_ref()?;
    let mut text = match (&head.branch, &head.commit) {
        (Some(branch), _) => printable(branch).into_owned(),
        (None, Some(commit)) => commit.chars().take(8).collect(),
        (None, None) => "no commit yet".to_owned(),
    };
    let status = state.repo_status;
    let differ = status.staged + status.unstaged + status.untracked;
    if differ > 0 {
        text.push_str(&format!(" {}{differ}", cx.theme.glyphs().differs));
    }
    let text = fit(&text, 30);
    Some(StatusPiece::new(
        text,
        cx.role(Role::Dim),
        MouseTarget::Nothing,
        4,
    ))
}

/// The part of the repository that is looked at, and what is pinned and dropped.
fn files(state: &State, cx: &Cx<'_>) -> Vec<StatusPiece> {
    let mut pieces = Vec::new();
    if let [first, others @ ..] = state.within.as_slice() {
        let more = match others.len() {
            0 => String::new(),
            more => format!(" +{more}"),
        };
        let text = format!("in {}{more}", fit_end(&first.to_string(), 24));
        let style = cx.role(Role::Accent);
        pieces.push(StatusPiece::new(text, style, MouseTarget::Nothing, 7));
    }
    let counts = [(state.pins.len(), "pinned"), (state.drops.len(), "dropped")];
    let said: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if !said.is_empty() {
        let text = said.join(", ");
        pieces.push(StatusPiece::new(
            text,
            cx.role(Role::Dim),
            MouseTarget::Nothing,
            6,
        ));
    }
    pieces
}

/// The tokens of context there are and used.
fn context(state: &State, cx: &Cx<'_>) -> Option<StatusPiece> {
    let facts = state.facts()?;
    let used = state.context_used;
    let nearly = facts.context > 0 && used * 10 > facts.context * 9;
    let style = cx.role(if nearly { Role::Warning } else { Role::Dim });
    let text = if used == 0 {
        format!("context {}", thousands(facts.context))
    } else {
        format!(
            "context {} of {}",
            thousands(used),
            thousands(facts.context)
        )
    };
    Some(StatusPiece::new(text, style, MouseTarget::ContextFigure, 5))
}

fn thousands(n: usize) -> String {
    if n < 1_000 {
        n.to_string()
    } else if n < 10_000 {
        format!("{:.1}k", n as f64 / 1_000.0)
    } else {
        format!("{}k", n / 1_000)
    }
}
