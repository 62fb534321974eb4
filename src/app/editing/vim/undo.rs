//! Changes taken back whole, and done again.

use super::Vim;
use crate::app::editing::composer::Composer;

impl Vim {
    /// Takes whole changes back.
    pub(super) fn undo(&mut self, composer: &mut Composer, times: usize) {
        for _ in 0..times {
            let depth = composer.undo_depth();
            if depth == 0 {
                return;
            }
            while self.marks.last().is_some_and(|mark| *mark >= depth) {
                self.marks.pop();
            }
            let to = self.marks.pop().unwrap_or(depth - 1);
            self.undone.push(depth);
            while composer.undo_depth() > to && composer.undo() {}
        }
    }

    pub(super) fn redo(&mut self, composer: &mut Composer) {
        let depth = composer.undo_depth();
        while self.undone.last().is_some_and(|to| *to <= depth) {
            self.undone.pop();
        }
        let to = self.undone.pop().unwrap_or(depth + 1);
        self.marks.push(depth);
        // The cursor goes where the change is, not behind it.
        let mut first = None;
        while composer.undo_depth() < to {
            let Some(at) = composer.redo_at() else {
                break;
            };
            composer.redo();
            first = Some(first.map_or(at, |first: usize| first.min(at)));
        }
        if let Some(first) = first {
            composer.put_cursor(first);
        }
    }
}
