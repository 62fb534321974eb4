//! The look of patches: wrapped or not, one side below or beside the other.

use super::super::blocks::block::Tone;
use super::super::keymap::Action;
use super::super::state::State;

/// Columns of the screen from which on old and new stand side by side.
const BESIDE: u16 = 120;

/// Wraps long lines, or no longer.
pub(super) fn wrap(state: &mut State) {
    let look = &mut state.diff_look;
    look.wrap = !look.wrap;
    let text = if look.wrap {
        "long lines are wrapped".to_owned()
    } else {
        let [left, right] =
            [Action::LinesLeft, Action::LinesRight].map(|action| state.keymap.hint(action));
        format!("long lines are not wrapped: {left} and {right} scroll them")
    };
    state.toast(Tone::Plain, text);
}

/// Shows old and new side by side, or one below the other.
pub(super) fn beside(state: &mut State) {
    state.diff_look.beside = !state.diff_look.beside;
    if state.diff_look.beside && state.size.0 < BESIDE {
        let text = format!("old and new stand side by side from {BESIDE} columns on");
        state.toast(Tone::Warning, text);
    }
}

#[cfg(test)]
mod tests {
    use crate::app::Command;
    use crate::app::sample::*;

    #[test]
    fn long_lines_are_wrapped_until_they_are_not() {
        let mut harness = Harness::ready();
        harness.planned();
        assert!(harness.state.diff_look.wrap);
        harness.press("w");
        assert!(!harness.state.diff_look.wrap);
        assert_eq!(
            harness.toast(),
            "long lines are not wrapped: < and > scroll them"
        );
        assert!(has!(harness.press(">"), Command::Aside { by: 1 }));
        assert!(has!(harness.press("<"), Command::Aside { by: -1 }));
        harness.press("w");
        assert!(harness.state.diff_look.wrap);
    }

    #[test]
    fn side_by_side_needs_a_wide_screen_and_says_so() {
        let mut harness = Harness::ready();
        harness.planned();
        harness.press("s");
        assert!(harness.state.diff_look.beside);
        assert_eq!(
            harness.toast(),
            "old and new stand side by side from 120 columns on"
        );
        harness.press("s");
        assert!(!harness.state.diff_look.beside);
    }
}
