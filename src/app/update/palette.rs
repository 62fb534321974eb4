//! The palette: every command, and every key of the place where one is, to be found by its words.

use super::super::command::Command;
use super::super::editing::motion::Motion;
use super::super::key::Key;
use super::super::keymap::{self, Action, Place};
use super::super::overlay::{Overlay, PaletteItem, PaletteRun, Picker};
use super::super::slash;
use super::super::state::{Composing, Focus, State};

/// Opens the palette: what can be done where one is comes first, then commands, then the rest.
pub(super) fn open(state: &mut State) {
    let place = state.focused_place();
    let actions = |of: Place| {
        let rows = keymap::TABLE.iter().filter(move |row| row.place == of);
        rows.filter(|row| !matches!(row.action, Action::Palette))
            .map(|row| {
                let keys = state.keymap.keys(row.action).iter().map(Key::to_string);
                PaletteItem {
                    text: format!("{}: {}", row.name, row.about),
                    keys: keys.collect::<Vec<_>>().join(", "),
                    run: PaletteRun::Action(row.action),
                }
            })
    };
    let commands = slash::TABLE.iter().map(|entry| PaletteItem {
        text: format!("/{}: {}", entry.name, entry.about),
        keys: entry.usage.to_owned(),
        run: PaletteRun::Slash(entry.slash),
    });
    // Moving in a text is done by keys, or not at all.
    let here = actions(place).filter(|_| place != Place::Composer);
    let items = here.chain(commands).chain(actions(Place::Everywhere));
    let items = items.collect();
    state.completion = None;
    state.overlay = Some(Overlay::Palette(Picker::new(items)));
}

/// Does what was chosen. A command that needs words is put into the composer for them.
pub(super) fn run(state: &mut State, run: PaletteRun, out: &mut Vec<Command>) {
    let slash = match run {
        PaletteRun::Action(action) => return super::keys::act(state, action, out),
        PaletteRun::Slash(slash) => slash,
    };
    let Some(entry) = slash::TABLE.iter().find(|entry| entry.slash == slash) else {
        return;
    };
    if entry.usage.is_empty() || entry.usage.starts_with('[') {
        let text = format!("/{}", entry.name);
        super::slash::run(state, slash, "", &text, out);
    } else {
        if state.composing != Composing::Request {
            super::patching::end_remark(state);
        }
        state.focus = Focus::Composer;
        // What is typed already, or pasted, is what the command is about.
        state.composer.replace(0..0, &format!("/{} ", entry.name));
        state.composer.go(Motion::TextEnd);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample::{Harness, has};
    use crate::app::{Body, Command, IoCommand};

    fn rows(harness: &Harness) -> Vec<&str> {
        match &harness.state.overlay {
            Some(Overlay::Palette(picker)) => picker.rows().map(|item| &*item.text).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn commands_are_found_by_their_words_and_run() {
        let mut harness = Harness::ready();
        harness.press("f2");
        assert!(rows(&harness)[0].starts_with("/ask"));
        harness.type_text("earlier conv");
        assert_eq!(rows(&harness).len(), 1);
        let out = harness.press("enter");
        assert!(has!(out, Command::Io(IoCommand::ListSessions)));
        assert!(matches!(harness.state.overlay, Some(Overlay::Sessions(_))));
    }

    #[test]
    fn a_command_that_needs_words_takes_those_that_are_typed() {
        let mut harness = Harness::ready();
        harness.type_text("rename it");
        harness.press("alt-p");
        harness.type_text("/patch");
        harness.press("enter");
        assert_eq!(harness.text(), "/patch rename it");
        assert!(harness.state.overlay.is_none());
    }

    #[test]
    fn where_one_is_comes_first_and_its_keys_do_what_they_say() {
        let mut harness = Harness::ready();
        let block = harness.planned();
        assert_eq!(harness.state.focus, Focus::Patch(block));
        harness.press("f2");
        assert!(
            rows(&harness)[0].starts_with("accept:"),
            "{:?}",
            rows(&harness)
        );
        harness.press("enter");
        let accepted = match harness.state.block(block).map(|b| &b.body) {
            Some(Body::Patch(patch)) => (0..patch.files.len())
                .map(|file| patch.accepted_of(file).0)
                .sum::<usize>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(accepted, 1);
        // The palette leaves the place as it was.
        harness.press("f2");
        harness.press("esc");
        assert_eq!(harness.state.focus, Focus::Patch(block));
    }

    #[test]
    fn a_paste_and_a_remark_outlive_the_palette() {
        let mut harness = Harness::ready();
        let paste = "a line\n".repeat(50);
        harness.event(crate::app::Event::Paste(paste.clone()));
        harness.press("f2");
        harness.type_text("/patch");
        harness.press("enter");
        assert_eq!(harness.state.composer.whole(), format!("/patch {paste}"));
        // In a remark a command is none: the remark ends.
        let mut harness = Harness::ready();
        harness.planned();
        harness.press("R");
        harness.press("f2");
        harness.type_text("/patch");
        harness.press("enter");
        assert_eq!(harness.state.composing, Composing::Request);
        assert_eq!(harness.text(), "/patch ");
    }
}
