//! Dispatch of keys to actions, by the place they are pressed in.

use super::super::blocks::block::{Body, Tone};
use super::super::command::Command;
use super::super::key::{Code, Key};
use super::super::keymap::{Action, Place};
use super::super::state::{Focus, State};
use super::{compose, finding, look, overlay, palette, panel, patching, reviewing, scroll, stop};

/// Takes a key to the place that has the keys.
pub(super) fn key(state: &mut State, key: Key, out: &mut Vec<Command>) {
    // A terminal sends the same for Esc twice in a row and for Alt with Esc.
    if key
        == (Key {
            alt: true,
            ..Key::plain(Code::Esc)
        })
    {
        let once = Key::plain(Code::Esc);
        self::key(state, once, out);
        return self::key(state, once, out);
    }
    disarm(state, key);
    if finding::key(state, key) {
        return;
    }
    if state.overlay.is_some() {
        overlay::key(state, key, out);
        return;
    }
    // A block that has gone, or a panel that is closed, cannot have the keys.
    heal_focus(state);
    let place = state.place();
    if place == Place::Composer {
        composer_key(state, key, out);
        return;
    }
    if let Some(action) = state.keymap.action(place, key) {
        act(state, action, out);
        return;
    }
    // The keys that go from answer to answer work everywhere.
    if let Some(action @ (Action::PreviousAnswer | Action::NextAnswer)) =
        state.keymap.action(Place::Transcript, key)
    {
        act(state, action, out);
        return;
    }
    // So do Home and End, which lead to the ends; letters on the same actions are typed.
    if key.typed().is_none()
        && let Some(action @ (Action::ScrollTop | Action::ScrollBottom)) =
            state.keymap.action(Place::Transcript, key)
    {
        act(state, action, out);
        return;
    }
    if key == Key::char('?') {
        overlay::help(state);
        return;
    }
    if key == Key::char('/') {
        finding::begin(state);
        return;
    }
    // A question typed here would begin with the keys that do something here.
    if key.typed().is_some() {
        unknown(state, place, key);
    }
}

/// Says that a key does nothing where one is, and which leads to the composer.
fn unknown(state: &mut State, place: Place, key: Key) {
    let leave = match place {
        Place::Patch => Action::LeavePatch,
        Place::Review => Action::LeaveReview,
        Place::Panel => Action::LeavePanel,
        _ => Action::LeaveTranscript,
    };
    let keys = state.keymap.keys(leave).iter().map(Key::to_string);
    let mut keys: Vec<String> = keys.take(2).collect();
    if keys.is_empty() {
        keys.push(state.keymap.hint(Action::Stop));
    }
    let text = format!("{key} has no meaning here · {} to write", keys.join(" or "));
    state.toast(Tone::Plain, text);
}

/// Forgets a key that means more when it is pressed twice, unless this is it again.
fn disarm(state: &mut State, key: Key) {
    let interrupts = state.keymap.action(Place::Everywhere, key) == Some(Action::Interrupt);
    if !interrupts && state.armed_quit.take().is_some() {
        state.toast = None;
    }
    if state.keymap.action(Place::Everywhere, key) != Some(Action::Stop)
        && state.branches.armed.take().is_some()
    {
        state.toast = None;
    }
}

fn heal_focus(state: &mut State) {
    let holds = match state.focus {
        Focus::Composer => true,
        Focus::Transcript => state.cursor.is_some(),
        Focus::Panel => state.panel.is_some(),
        Focus::Patch(id) => matches!(state.block(id).map(|b| &b.body), Some(Body::Patch(_))),
        Focus::Review(id) => matches!(state.block(id).map(|b| &b.body), Some(Body::Review(_))),
    };
    if !holds {
        state.focus = Focus::Composer;
    }
}

fn composer_key(state: &mut State, key: Key, out: &mut Vec<Command>) {
    if state.completion.is_some() && popup_key(state, key, out) {
        return;
    }
    if compose::vim_key(state, key) {
        return;
    }
    if state.composer.is_empty() && state.composing.is_request() {
        let transcript = state.keymap.action(Place::Transcript, key);
        match (key.code, transcript) {
            (Code::Char('?'), _) if key == Key::char('?') => return overlay::help(state),
            (_, Some(action @ (Action::PreviousAnswer | Action::NextAnswer)))
                if state.keymap.action(Place::Composer, key).is_none() =>
            {
                return act(state, action, out);
            }
            _ => {}
        }
    }
    if let Some(action) = state.keymap.action(Place::Composer, key) {
        act(state, action, out);
    } else if key.code == Code::Enter && !state.composer.is_empty() {
        // Another key sends, by the settings, and the hand has forgotten.
        let text = match state.keymap.hint(Action::Send) {
            send if send.is_empty() => "no key sends: keys.send is empty".to_owned(),
            send => format!("{send} sends; {key} does nothing"),
        };
        state.toast(Tone::Plain, text);
    } else if let Some(c) = key.typed() {
        compose::typed(state, c);
    }
}

/// Takes the popup's own keys. False for those that go to the composer.
fn popup_key(state: &mut State, key: Key, out: &mut Vec<Command>) -> bool {
    match state.keymap.action(Place::Composer, key) {
        Some(Action::Up) => compose::popup_move(state, -1),
        Some(Action::Down) => compose::popup_move(state, 1),
        Some(Action::Complete) => compose::accept(state, false, out),
        Some(Action::Send) => compose::accept(state, true, out),
        _ => return false,
    }
    true
}

/// Does an action, in the module of the place it belongs to.
#[allow(clippy::too_many_lines, reason = "a table")]
pub(super) fn act(state: &mut State, action: Action, out: &mut Vec<Command>) {
    match action {
        Action::Stop => stop::stop(state, out),
        Action::Interrupt => stop::interrupt(state, out),
        Action::EndOfInput => {
            if state.composer.is_empty() {
                stop::ask_quit(state, out);
            } else {
                compose::act(state, Action::DeleteRight, out);
            }
        }
        Action::Redraw => out.push(Command::Redraw),
        Action::TogglePanel => panel::toggle(state, out),
        Action::Suspend => out.push(Command::Suspend),
        Action::PageUp if state.focus == Focus::Panel => panel::step(state, -10, out),
        Action::PageDown if state.focus == Focus::Panel => panel::step(state, 10, out),
        Action::ScrollTop if state.focus == Focus::Panel => panel::step(state, isize::MIN, out),
        Action::ScrollBottom if state.focus == Focus::Panel => panel::step(state, isize::MAX, out),
        Action::PageUp => scroll::page(state, -1),
        Action::PageDown => scroll::page(state, 1),
        Action::Help => overlay::help(state),
        Action::NextPlace => next_place(state),
        Action::Palette => palette::open(state),
        Action::Find => finding::begin(state),
        Action::FindNext => finding::step(state, false),
        Action::FindPrevious => finding::step(state, true),

        Action::PreviousAnswer => scroll::answer(state, -1),
        Action::NextAnswer => scroll::answer(state, 1),
        Action::PreviousCode => scroll::code(state, -1),
        Action::NextCode => scroll::code(state, 1),
        Action::CopyBlock => scroll::copy(state, out),
        Action::OpenBlock => scroll::open(state, out),
        Action::ScrollUp => scroll::by(state, -1),
        Action::ScrollDown => scroll::by(state, 1),
        Action::ScrollTop => scroll::to_top(state),
        Action::ScrollBottom => scroll::to_bottom(state),
        Action::CodeLeft | Action::LinesLeft | Action::FindingLeft => {
            out.push(Command::Aside { by: -1 });
        }
        Action::CodeRight | Action::LinesRight | Action::FindingRight => {
            out.push(Command::Aside { by: 1 });
        }
        Action::Wrap => look::wrap(state),
        Action::Beside => look::beside(state),
        Action::LeaveTranscript | Action::LeavePatch | Action::LeaveReview | Action::LeavePanel => {
            scroll::leave(state)
        }

        Action::Accept
        | Action::Reject
        | Action::AcceptAll
        | Action::Remark
        | Action::EditFile
        | Action::RunCheck
        | Action::NextHunk
        | Action::PreviousHunk
        | Action::PatchUp
        | Action::PatchDown
        | Action::Fold
        | Action::Apply
        | Action::Stage
        | Action::Commit
        | Action::CopyPatch => patching::act(state, action, out),

        Action::OpenFinding
        | Action::Fix
        | Action::Dismiss
        | Action::AskAbout
        | Action::WriteReport
        | Action::FindingUp
        | Action::FindingDown
        | Action::EditFinding
        | Action::CopyFinding => reviewing::act(state, action, out),

        Action::PanelUp => panel::step(state, -1, out),
        Action::PanelDown => panel::step(state, 1, out),
        Action::PanelDrop => panel::drop_row(state),
        Action::PanelPin => panel::pin_row(state),
        Action::PanelOpen => panel::open_row(state, out),
        Action::PanelTab => panel::turn(state, out),
        Action::PanelCopy => panel::copy_row(state, out),

        // Overlays look their keys up themselves.
        Action::OverlayUp
        | Action::OverlayDown
        | Action::OverlayTop
        | Action::OverlayBottom
        | Action::LookInto
        | Action::RenameSession
        | Action::DeleteSession
        | Action::AnswerAnew
        | Action::OtherModel
        | Action::ForkHere
        | Action::Choose => {}

        Action::Send
        | Action::NewLine
        | Action::Complete
        | Action::OpenPaste
        | Action::HistorySearch
        | Action::Editor
        | Action::Up
        | Action::Down
        | Action::Left
        | Action::Right
        | Action::WordLeft
        | Action::WordRight
        | Action::LineStart
        | Action::LineEnd
        | Action::TextStart
        | Action::TextEnd
        | Action::DeleteLeft
        | Action::DeleteRight
        | Action::KillWordLeft
        | Action::KillWordRight
        | Action::KillToStart
        | Action::KillToEnd
        | Action::Yank
        | Action::UndoTyping
        | Action::RedoTyping => compose::act(state, action, out),
    }
}

/// Moves the focus: the composer, the newest patch or review, the panel, the transcript, and
/// round again.
fn next_place(state: &mut State) {
    let work = state
        .blocks
        .iter()
        .rev()
        .find_map(|block| match &block.body {
            Body::Patch(_) => Some(Focus::Patch(block.id)),
            Body::Review(_) => Some(Focus::Review(block.id)),
            _ => None,
        });
    let panel = state.panel.map(|_| Focus::Panel);
    let read = scroll::has_answers(state).then_some(Focus::Transcript);
    let order: Vec<Focus> = [Some(Focus::Composer), work, panel, read]
        .into_iter()
        .flatten()
        .collect();
    // Behind the last comes the composer, and behind an older patch or review, too.
    let mut from = order.iter().skip_while(|focus| **focus != state.focus);
    state.focus = from.nth(1).copied().unwrap_or(Focus::Composer);
    if let Focus::Patch(block) | Focus::Review(block) = state.focus {
        scroll::show(state, block);
    }
    if state.focus == Focus::Transcript && state.cursor.is_none() {
        scroll::answer(state, -1);
    }
}
