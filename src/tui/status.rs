//! The status line: model, branch, context, speed, memory, seal.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::draw::{Cx, rate_text};
use super::theme::Role;
use super::width::{fit, width};
use crate::app::{EngineState, State, Target};
use crate::base::seal::Sealed;
use crate::base::text::{human_bytes, printable};

/// Draws the status line; returns which cells mean what.
pub fn status(
    buffer: &mut Buffer,
    area: Rect,
    state: &State,
    cx: &Cx<'_>,
) -> Vec<(u16, u16, Target)> {
    let dim = cx.role(Role::Dim);
    // Text, look, meaning, and how soon it gives way where there is no room.
    let mut parts: Vec<(String, Style, Target, u8)> = Vec::new();
    let (model, role) = match &state.engine {
        EngineState::Waiting => ("…".to_owned(), Role::Dim),
        EngineState::Missing => ("no model".to_owned(), Role::Warning),
        EngineState::Loading { name, .. } => (format!("{name}…"), Role::Dim),
        EngineState::Ready(facts) => (facts.name.clone(), Role::Text),
        EngineState::Failed { name } => (format!("{name} failed"), Role::Error),
    };
    parts.push((
        printable(&model).into_owned(),
        cx.role(role),
        Target::Model,
        9,
    ));
    if let Some(head) = &state.head {
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
        parts.push((fit(&text, 30), dim, Target::Nothing, 4));
    }
    if let Some(facts) = state.facts() {
        let used = state.context_used;
        let nearly = facts.context > 0 && used * 10 > facts.context * 9;
        let style = if nearly { cx.role(Role::Warning) } else { dim };
        let text = if used == 0 {
            format!("context {}", thousands(facts.context))
        } else {
            format!(
                "context {} of {}",
                thousands(used),
                thousands(facts.context)
            )
        };
        parts.push((text, style, Target::ContextFigure, 5));
    }
    if let Some(rate) = state.rate {
        parts.push((
            format!("{} tok/s", rate_text(rate)),
            dim,
            Target::Nothing,
            2,
        ));
    }
    let memory = if state.memory > 0 {
        state.memory
    } else {
        state.facts().map_or(0, |f| f.memory)
    };
    if memory > 0 {
        parts.push((human_bytes(memory), dim, Target::Nothing, 1));
    }
    match &state.options.sealed {
        Sealed::Yes => parts.push(("sealed".to_owned(), cx.role(Role::Ok), Target::Seal, 8)),
        Sealed::No(_) => parts.push((
            "not sealed".to_owned(),
            cx.role(Role::Warning).add_modifier(Modifier::BOLD),
            Target::Seal,
            10,
        )),
    }
    if !state.options.save {
        parts.push(("not saved".to_owned(), dim, Target::Nothing, 3));
    }
    let dot = format!(" {} ", cx.theme.glyphs().dot);
    let cells = usize::from(area.width).saturating_sub(4);
    while parts.len() > 1 {
        let used: usize =
            parts.iter().map(|(t, ..)| width(t)).sum::<usize>() + 3 * (parts.len() - 1);
        if used <= cells {
            break;
        }
        let least = parts.iter().map(|p| p.3).min().unwrap_or(0);
        parts.retain(|p| p.3 != least);
    }
    let mut hits = Vec::new();
    let mut x = area.x + 1;
    let end = area.right().saturating_sub(2);
    for (i, (text, style, target, _)) in parts.into_iter().enumerate() {
        if i > 0 {
            x = buffer
                .set_stringn(
                    x,
                    area.y,
                    &dot,
                    usize::from(end.saturating_sub(x)),
                    cx.role(Role::Rule),
                )
                .0;
        }
        let from = x;
        x = buffer
            .set_stringn(x, area.y, &text, usize::from(end.saturating_sub(x)), style)
            .0;
        hits.push((from, x, target));
    }
    if area.width > 3 {
        buffer.set_string(end, area.y, "?", cx.role(Role::Accent));
        hits.push((end, area.right(), Target::Help));
    }
    hits
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
