//! Words that are looked for in what is shown: typed, gone through, ended.

use super::super::blocks::block::Tone;
use super::super::find::{Find, Match};
use super::super::key::{Code, Key};
use super::super::keymap::{Action, Place};
use super::super::overlay::Overlay;
use super::super::slash;
use super::super::state::{Cursor, Focus, Scroll, State};
use super::scroll;
use crate::base::text::{is_hostile, truncated};

/// Bytes the words take at most.
const MOST_WORDS: usize = 200;

/// Begins a search, or goes on with the one that is open.
pub(super) fn begin(state: &mut State) {
    let text = match &state.overlay {
        Some(Overlay::Help { top } | Overlay::Text { top, .. }) => Some(*top as u64),
        // A list has its own line to type in.
        Some(_) => return,
        None => None,
    };
    state.completion = None;
    let words = state.find.take().map(|find| find.words);
    state.find = Some(Find {
        words: words.unwrap_or_default(),
        typing: true,
        at: None,
        from: state.scroll,
        over: text.is_some(),
        row: text.unwrap_or_else(|| scroll::first_row(state)),
    });
    seek(state);
}

/// Takes a key of a search. False for one that is none of its own.
pub(super) fn key(state: &mut State, key: Key) -> bool {
    let place = if state.overlay.is_some() {
        Place::Overlay
    } else {
        Place::Transcript
    };
    let action = state.keymap.action(place, key);
    let Some(find) = &mut state.find else {
        return false;
    };
    if !find.typing {
        let typed = state.focus == Focus::Composer && state.overlay.is_none();
        if typed && action != Some(Action::Stop) {
            return false;
        }
        match state.keymap.action(Place::Transcript, key) {
            Some(Action::FindNext) => step(state, false),
            Some(Action::FindPrevious) => step(state, true),
            Some(Action::Stop) => state.find = None,
            _ => return false,
        }
        return true;
    }
    match (action, key.code) {
        (Some(Action::Stop | Action::Interrupt), _) => cancel(state),
        (Some(Action::Redraw | Action::Suspend), _) => return false,
        (_, Code::Enter) if find.words.is_empty() => cancel(state),
        (_, Code::Enter) => settle(state),
        (_, Code::Up) => step(state, true),
        (_, Code::Down) => step(state, false),
        (_, Code::Backspace) if find.words.is_empty() => cancel(state),
        (_, Code::Backspace) => change(state, |words| {
            words.pop();
        }),
        _ if key == Key::ctrl('u') => change(state, String::clear),
        _ => {
            if let Some(c) = key.typed()
                && !is_hostile(c)
            {
                paste(state, c.encode_utf8(&mut [0; 4]));
            }
        }
    }
    true
}

/// Adds to the words; a text of several lines with its first. False where none are typed.
pub(super) fn paste(state: &mut State, text: &str) -> bool {
    if !state.find.as_ref().is_some_and(|find| find.typing) {
        return false;
    }
    let text = super::super::editing::composer::clean(text);
    let line = text.lines().next().unwrap_or_default().to_owned();
    change(state, |words| {
        words.push_str(truncated(&line, MOST_WORDS.saturating_sub(words.len())));
    });
    true
}

/// Changes the words. The matches are told once they are drawn.
fn change(state: &mut State, how: impl FnOnce(&mut String)) {
    if let Some(find) = &mut state.find {
        how(&mut find.words);
        find.at = None;
    }
}

/// Ends the search as if it had not been begun.
fn cancel(state: &mut State) {
    if let Some(find) = state.find.take() {
        back(state, find.from, find.row);
    }
}

/// Shows what was in view before the search.
fn back(state: &mut State, from: Scroll, row: u64) {
    match &mut state.overlay {
        Some(Overlay::Help { top } | Overlay::Text { top, .. }) => *top = row as usize,
        _ => state.scroll = from,
    }
}

/// Ends a search in something that is not shown any more.
pub(super) fn heal(state: &mut State) {
    let over = match &state.overlay {
        None => Some(false),
        Some(Overlay::Help { .. } | Overlay::Text { .. }) => Some(true),
        // Lists and questions have keys of their own.
        Some(_) => None,
    };
    if state.find.as_ref().is_some_and(|f| Some(f.over) != over) {
        state.find = None;
    }
}

/// Ends the typing; the matches stay marked, and keys go through them.
fn settle(state: &mut State) {
    if let Some(find) = &mut state.find {
        find.typing = false;
    }
    settled(state);
}

/// Goes where the keys reach the matches of words that are not typed any more; of none that is
/// told. Whoever types fast waits for the drawing that tells them.
fn settled(state: &mut State) {
    let Some(find) = &state.find else { return };
    if find.typing || find.words != state.layout.matches.0 {
        return;
    }
    match find.at {
        None => {
            let words = std::mem::take(&mut state.find).map_or_else(String::new, |f| f.words);
            let name = words.split(char::is_whitespace).next().unwrap_or_default();
            // A command that was typed away from the composer looks as a search does.
            if slash::named(name).is_some() && state.composer.is_empty() {
                state.composer.set(&format!("/{words}"));
                state.focus = Focus::Composer;
                state.toast(Tone::Plain, format!("Enter once more does /{name}"));
            } else {
                state.toast(Tone::Warning, format!("{words:?} is nowhere here"));
            }
        }
        // Elsewhere `n` would be typed.
        Some(at) => {
            if let (Some(block), Focus::Composer | Focus::Panel) = (at.block, state.focus) {
                state.cursor = Some(Cursor { block, code: None });
                state.focus = Focus::Transcript;
            }
        }
    }
}

/// Goes to the next match, or the one before; behind the last comes the first.
pub(super) fn step(state: &mut State, back: bool) {
    let (_, matches) = &state.layout.matches;
    let (Some(first), Some(last)) = (matches.first(), matches.last()) else {
        return;
    };
    let Some(find) = &state.find else { return };
    let next = match find.at {
        None if back => matches.iter().rev().find(|m| row(state, m) < find.row),
        None => matches.iter().find(|m| row(state, m) >= find.row),
        Some(at) if back => matches.iter().rev().find(|m| **m < at),
        Some(at) => matches.iter().find(|m| **m > at),
    };
    let (to, around) = match next {
        Some(to) => (*to, false),
        None if back => (*last, true),
        None => (*first, true),
    };
    if around && find.at.is_some() && matches.len() > 1 {
        let text = if back {
            "on from the end"
        } else {
            "on from the beginning"
        };
        state.toast(Tone::Plain, text);
    }
    go(state, to);
}

/// The row of a match, counted from the beginning of what is searched.
fn row(state: &State, of: &Match) -> u64 {
    match of.block {
        Some(block) => scroll::row_of(state, block) + u64::from(of.line),
        None => u64::from(of.line),
    }
}

fn go(state: &mut State, to: Match) {
    if let Some(find) = &mut state.find {
        find.at = Some(to);
    }
    match to.block {
        Some(block) => {
            if state.focus == Focus::Transcript {
                state.cursor = Some(Cursor { block, code: None });
            }
            scroll::reveal_row(state, block, to.line);
        }
        None => super::overlay::reveal(state, to.line as usize),
    }
}

/// Takes new matches in: while words are typed, the first behind where the search began is gone
/// to; later the match at the cursor stays, or the nearest behind it.
pub(super) fn seek(state: &mut State) {
    let Some(find) = &state.find else { return };
    let (words, matches) = &state.layout.matches;
    if *words != find.words {
        return;
    }
    match find.at {
        Some(at) if matches.binary_search(&at).is_ok() => {}
        Some(at) => {
            let near = matches.iter().find(|m| **m > at).or(matches.last());
            let near = near.copied();
            if let Some(find) = &mut state.find {
                find.at = near;
            }
        }
        None if matches.is_empty() => {
            // With one letter too many the eye is back where it was.
            if find.typing {
                back(state, find.from, find.row);
            }
        }
        None => step(state, false),
    }
    settled(state);
}

#[cfg(test)]
#[path = "finding_tests.rs"]
mod tests;
