//! The editor the person types in: text, cursor, undo.
//!
//! The text never holds anything that could harm a terminal: what is typed or pasted is
//! cleaned on its way in, so that it can be drawn as it is.

use std::ops::Range;

use unicode_segmentation::GraphemeCursor;

pub use crate::app::editing::motion::Motion;
use crate::app::editing::pastes::{Paste, is_sign};
use crate::app::editing::vim::{Mode, Vim};
pub use crate::app::editing::wrapped_rows::{Row, TAB};
use crate::base::OrBug as _;
use crate::base::bug::bug;
use crate::base::text::{is_hostile, is_joiner};

/// Bytes a composer takes at most; more is cut off.
pub const MAX_TEXT: usize = 2_000_000;
/// Bytes kept for undo, together.
const MAX_UNDO: usize = 8_000_000;
/// A grapheme cursor asks for more text only where it was given a part.
const INCOMPLETE: &str = "a grapheme cursor has the whole text and wants more";

/// A multi-line editor. Positions are byte offsets at grapheme boundaries.
#[derive(Debug, Clone, Default)]
pub struct Composer {
    text: String,
    cursor: usize,
    /// The column vertical motion aims for, kept over shorter rows.
    wanted: Option<u16>,
    undo: Vec<Edit>,
    redo: Vec<Edit>,
    kept: usize,
    killed: String,
    /// True if the last thing done was a kill, which the next one adds to.
    killing: bool,
    /// True if the next typed character may join the last undo step.
    typing: bool,
    vim: Option<Vim>,
    /// The long pastes since it was empty; those that were deleted can come back.
    pub(super) pastes: Vec<Paste>,
    /// Grows with every change of the text.
    revision: u64,
}

/// One step that can be undone.
#[derive(Debug, Clone)]
struct Edit {
    at: usize,
    removed: String,
    inserted: String,
    cursor: usize,
}

impl Edit {
    fn size(&self) -> usize {
        self.removed.len() + self.inserted.len() + 64
    }
}

impl Composer {
    /// Makes an empty composer, with vim keys or without.
    pub fn new(vim: bool) -> Self {
        Self {
            vim: vim.then(Vim::default),
            ..Self::default()
        }
    }

    /// Switches vim keys on or off.
    pub fn set_vim(&mut self, on: bool) {
        if on != self.vim.is_some() {
            self.vim = on.then(Vim::default);
        }
    }

    /// The text typed so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A number that grows with every change of the text.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// The byte offset of the cursor.
    pub const fn cursor(&self) -> usize {
        self.cursor
    }

    /// True if nothing is typed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The vim mode; none where vim keys are off.
    pub fn mode(&self) -> Option<Mode> {
        self.vim.as_ref().map(Vim::mode)
    }

    /// Returns the keys typed of a vim command that is not complete yet (`d`, `3c`); empty where
    /// there are none.
    pub fn pending(&self) -> &str {
        self.vim.as_ref().map(Vim::pending).unwrap_or_default()
    }

    /// The text that is selected with vim keys.
    pub fn selected(&self) -> Option<Range<usize>> {
        self.vim.as_ref()?.selected(self)
    }

    /// The number of steps that can be undone.
    pub(super) fn undo_depth(&self) -> usize {
        self.undo.len()
    }

    /// The place of the step that would be redone; none where there is none.
    pub(super) fn redo_at(&self) -> Option<usize> {
        self.redo.last().map(|edit| edit.at)
    }

    /// The number of graphemes in a byte range.
    pub(super) fn graphemes(&self, range: Range<usize>) -> usize {
        let text = self.text.get(range).unwrap_or_default();
        unicode_segmentation::UnicodeSegmentation::graphemes(text, true).count()
    }

    /// The offset, or the nearest boundary before it.
    pub(super) fn boundary(&self, at: usize) -> usize {
        self.boundary_at_or_before(at)
    }

    pub(in crate::app) fn vim_take(&mut self) -> Option<Vim> {
        self.vim.take()
    }

    pub(in crate::app) fn vim_put(&mut self, vim: Vim) {
        self.vim = Some(vim);
    }

    // ----- changing the text

    /// Replaces the whole text, as one step that can be undone; the cursor goes to the end.
    pub fn set(&mut self, text: &str) {
        let text = clean(text);
        self.edit(0..self.text.len(), &text);
        self.typing = false;
    }

    /// Empties the composer, undo and all: the text has been sent, with all pastes in it.
    pub fn take(&mut self) -> String {
        let text = self.whole();
        self.killed = self.written_out(&self.killed).into_owned();
        if let Some(mut vim) = self.vim.take() {
            vim.rewrite_kept(|text| self.written_out(text).into_owned());
            self.vim = Some(vim);
        }
        self.pastes.clear();
        self.text.clear();
        self.revision += 1;
        self.cursor = 0;
        self.wanted = None;
        self.undo.clear();
        self.redo.clear();
        self.kept = 0;
        self.killing = false;
        self.typing = false;
        if let Some(vim) = &mut self.vim {
            vim.reset();
        }
        text
    }

    /// Types a character; hostile ones are left out.
    pub fn type_char(&mut self, c: char) {
        if !matches!(c, '\n' | '\t') && is_hostile(c) && !is_joiner(c) || is_sign(c) {
            return;
        }
        let mut buffer = [0; 4];
        let typed: &str = c.encode_utf8(&mut buffer);
        let joins = self.typing && !c.is_whitespace();
        let at = self.cursor;
        if joins
            && self.text.len() + typed.len() <= MAX_TEXT
            && let Some(last) = self.undo.last_mut()
            && last.removed.is_empty()
            && last.at + last.inserted.len() == at
        {
            last.inserted.push_str(typed);
            self.kept += typed.len();
            self.text.insert(at, c);
            self.cursor = self.boundary_at_or_after(at + typed.len());
            self.revision += 1;
            self.touched();
        } else {
            self.edit(at..at, typed);
        }
        self.typing = true;
    }

    /// Inserts a text, cleaned: newlines made one sort, tabs kept, control characters out. A long
    /// one is folded.
    pub fn paste(&mut self, text: &str) {
        let text = clean(text);
        if !self.fold_paste(&text) {
            self.put(self.cursor..self.cursor, &text);
        }
    }

    /// Replaces a byte range; the cursor goes behind it.
    pub fn replace(&mut self, range: Range<usize>, with: &str) {
        self.put(range, &clean(with));
    }

    /// Replaces a byte range by a text of this composer, in which pastes may be folded.
    pub(super) fn put(&mut self, range: Range<usize>, with: &str) {
        self.edit(range, with);
        self.typing = false;
    }

    /// Deletes from the cursor to the target of a motion.
    pub fn delete(&mut self, motion: Motion) {
        let range = self.span(motion);
        if !range.is_empty() {
            self.edit(range, "");
        }
        self.typing = false;
    }

    /// Deletes like [`Composer::delete`] and keeps the text for [`Composer::yank`].
    pub fn kill(&mut self, motion: Motion) {
        let mut range = self.span(motion);
        // At the end of a line the newline goes, so that lines can be joined.
        if range.is_empty() && motion == Motion::LineEnd {
            range = self.span(Motion::Right);
        }
        let forward = range.start >= self.cursor;
        let text = self.text.get(range.clone());
        let text = text.or_bug("a motion leads into a character").to_owned();
        if text.is_empty() {
            return;
        }
        if !self.killing {
            self.killed.clear();
        }
        if forward {
            self.killed.push_str(&text);
        } else {
            self.killed.insert_str(0, &text);
        }
        self.edit(range, "");
        self.killing = true;
        self.typing = false;
    }

    /// Inserts the killed text.
    pub fn yank(&mut self) {
        let text = std::mem::take(&mut self.killed);
        self.edit(self.cursor..self.cursor, &text);
        self.killed = text;
        self.typing = false;
    }

    pub(in crate::app) fn keep_killed(&mut self, text: String) {
        self.killed = text;
    }

    pub(in crate::app) fn killed(&self) -> &str {
        &self.killed
    }

    /// Undoes the last step. False where there is none.
    pub fn undo(&mut self) -> bool {
        let Some(edit) = self.undo.pop() else {
            return false;
        };
        self.kept = self.kept.saturating_sub(edit.size());
        self.swap(edit.at, edit.inserted.len(), &edit.removed);
        self.cursor = self.boundary_at_or_before(edit.cursor);
        self.redo.push(edit);
        self.touched();
        self.typing = false;
        true
    }

    /// Redoes the last step that was undone. False where there is none.
    pub fn redo(&mut self) -> bool {
        let Some(edit) = self.redo.pop() else {
            return false;
        };
        self.swap(edit.at, edit.removed.len(), &edit.inserted);
        self.cursor = self.boundary_at_or_after(edit.at + edit.inserted.len());
        self.kept += edit.size();
        self.undo.push(edit);
        self.touched();
        self.typing = false;
        true
    }

    fn edit(&mut self, range: Range<usize>, with: &str) {
        let room = MAX_TEXT.saturating_sub(self.text.len().saturating_sub(range.len()));
        let with = crate::base::text::truncated(with, room);
        let Some(removed) = self.text.get(range.clone()) else {
            return bug("an edit begins or ends outside the text", ());
        };
        if removed.is_empty() && with.is_empty() {
            return;
        }
        let edit = Edit {
            at: range.start,
            removed: removed.to_owned(),
            inserted: with.to_owned(),
            cursor: self.cursor,
        };
        self.swap(range.start, range.len(), with);
        self.cursor = self.boundary_at_or_after(range.start + with.len());
        self.kept += edit.size();
        self.undo.push(edit);
        self.redo.clear();
        while self.kept > MAX_UNDO && self.undo.len() > 1 {
            let first = self.undo.remove(0);
            self.kept = self.kept.saturating_sub(first.size());
        }
        self.touched();
    }

    fn swap(&mut self, at: usize, len: usize, with: &str) {
        if self.text.is_char_boundary(at) && self.text.is_char_boundary(at + len) {
            self.text.replace_range(at..at + len, with);
            self.revision += 1;
        } else {
            bug("an undo step is of another text", ());
        }
    }

    fn touched(&mut self) {
        self.wanted = None;
        self.killing = false;
    }

    // ----- moving

    /// Puts the cursor at a byte offset, or the nearest boundary before it.
    pub fn put_cursor(&mut self, offset: usize) {
        self.cursor = self.boundary_at_or_before(offset);
        self.touched();
        self.typing = false;
    }

    /// Moves the cursor by a motion.
    pub fn go(&mut self, motion: Motion) {
        self.put_cursor(self.target(motion));
    }

    /// Moves a row up in a layout of `width` columns. False on the first row.
    pub fn up(&mut self, width: u16) -> bool {
        self.vertical(width, -1)
    }

    /// Moves a row down in a layout of `width` columns. False on the last row.
    pub fn down(&mut self, width: u16) -> bool {
        self.vertical(width, 1)
    }

    fn vertical(&mut self, width: u16, by: isize) -> bool {
        let rows = self.layout(width);
        let (row, column) = self.cursor_cell(&rows);
        let Some(to) = row.checked_add_signed(by).filter(|r| *r < rows.len()) else {
            return false;
        };
        let wanted = self.wanted.unwrap_or(column);
        self.put_cursor(self.offset_at(&rows, to, wanted));
        self.wanted = Some(wanted);
        true
    }

    /// Tells whether the cursor stands on the first line (of the text, not as wrapped).
    pub fn on_first_line(&self) -> bool {
        !self.before().contains('\n')
    }

    /// Tells whether the cursor stands on the last line.
    pub fn on_last_line(&self) -> bool {
        !self.after().contains('\n')
    }

    /// The text before the cursor.
    pub fn before(&self) -> &str {
        let before = self.text.get(..self.cursor);
        before.or_bug("the cursor stands in a character")
    }

    /// The text behind the cursor.
    pub fn after(&self) -> &str {
        let after = self.text.get(self.cursor..);
        after.or_bug("the cursor stands in a character")
    }

    /// Returns the grapheme boundary before `at`; the start of the text stays where it is.
    pub(in crate::app) fn left_of(&self, at: usize) -> usize {
        match GraphemeCursor::new(at, self.text.len(), true).prev_boundary(&self.text, 0) {
            Ok(boundary) => boundary.unwrap_or(0),
            Err(_) => bug(INCOMPLETE, 0),
        }
    }

    /// Returns the grapheme boundary behind `at`; the end of the text stays where it is.
    pub(in crate::app) fn right_of(&self, at: usize) -> usize {
        let end = self.text.len();
        match GraphemeCursor::new(at, end, true).next_boundary(&self.text, 0) {
            Ok(boundary) => boundary.unwrap_or(end),
            Err(_) => bug(INCOMPLETE, end),
        }
    }

    fn is_boundary(&self, at: usize) -> bool {
        self.text.is_char_boundary(at)
            && GraphemeCursor::new(at, self.text.len(), true)
                .is_boundary(&self.text, 0)
                .unwrap_or_else(|_| bug(INCOMPLETE, true))
    }

    fn boundary_at_or_before(&self, at: usize) -> usize {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        if self.is_boundary(at) {
            at
        } else {
            self.left_of(at)
        }
    }

    fn boundary_at_or_after(&self, at: usize) -> usize {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at += 1;
        }
        if self.is_boundary(at) {
            at
        } else {
            self.right_of(at)
        }
    }
}

/// Returns the part of a text that may come into a composer: one sort of newline, tabs, and
/// nothing hostile.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(MAX_TEXT));
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if out.len() >= MAX_TEXT {
            break;
        }
        match c {
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\n' | '\t' => out.push(c),
            // An escape sequence goes whole, not only its first character.
            '\u{1b}' => skip_sequence(&mut chars),
            c if is_hostile(c) && !is_joiner(c) || is_sign(c) => {}
            c => out.push(c),
        }
    }
    out
}

fn skip_sequence(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    if chars.peek() != Some(&'[') {
        return;
    }
    chars.next();
    while let Some(&c) = chars.peek() {
        if c == '\n' || !c.is_ascii() {
            return;
        }
        chars.next();
        if ('\u{40}'..='\u{7e}').contains(&c) {
            return;
        }
    }
}

#[cfg(test)]
#[path = "composer_tests.rs"]
mod tests;
