//! Vim keys in the composer, as an option.

use crate::app::editing::composer::Composer;
use crate::app::editing::motion::{Motion, next_word, word_left, word_right};
use crate::app::key::{Code, Key};
use crate::app::keymap::Action;
use crate::base::OrBug as _;

/// The vim mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Insert mode: keys type.
    #[default]
    Insert,
    /// Normal mode: keys move and change.
    Normal,
}

/// The mode and the pending command of vim keys.
#[derive(Debug, Clone, Default)]
pub struct Vim {
    mode: Mode,
    pub(in crate::app) count: Option<usize>,
    pub(in crate::app) operator: Option<char>,
    /// A first `g`, `r`, `f`, `F`, `t` or `T` waiting for a character.
    pub(in crate::app) prefix: Option<char>,
    pub(in crate::app) operator_count: usize,
}

impl Vim {
    /// The present mode.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns the keys of a command that is not complete yet.
    pub fn pending(&self) -> String {
        let mut out = String::new();
        if let Some(operator) = self.operator {
            if self.operator_count > 1 {
                out.push_str(&self.operator_count.to_string());
            }
            out.push(operator);
        }
        if let Some(count) = self.count {
            out.push_str(&count.to_string());
        }
        out.extend(self.prefix);
        out
    }

    pub(in crate::app) fn set_mode(&mut self, mode: Mode) {
        *self = Self {
            mode,
            ..Self::default()
        };
    }

    /// Goes back to insert mode, nothing pending.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

/// The outcome of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Taken: vim has done what there was to do.
    Taken,
    /// A row up, or what was typed before.
    Up,
    /// A row down, or what was typed after.
    Down,
    /// Not vim's: the key means what it means without vim.
    Not,
}

/// Takes a key for a composer with vim keys. `bound` is the key's action without vim.
pub fn key(composer: &mut Composer, key: Key, bound: Option<Action>) -> Outcome {
    let Some(mut vim) = composer.vim_take() else {
        return Outcome::Not;
    };
    let outcome = match vim.mode {
        Mode::Insert => {
            if bound == Some(Action::Stop) {
                vim.set_mode(Mode::Normal);
                // As in vim, the cursor goes back onto what was typed last.
                if composer.target(Motion::LineStart) < composer.cursor() {
                    composer.go(Motion::Left);
                }
                Outcome::Taken
            } else {
                Outcome::Not
            }
        }
        Mode::Normal => normal(&mut vim, composer, key, bound),
    };
    composer.vim_put(vim);
    outcome
}

fn normal(vim: &mut Vim, composer: &mut Composer, key: Key, bound: Option<Action>) -> Outcome {
    if bound == Some(Action::Stop) {
        let pending = vim.is_pending();
        vim.set_mode(Mode::Normal);
        return if pending {
            Outcome::Taken
        } else {
            Outcome::Not
        };
    }
    if key == Key::ctrl('r') {
        composer.redo();
        return Outcome::Taken;
    }
    if key.code == Code::Backspace {
        composer.go(Motion::Left);
        return Outcome::Taken;
    }
    let Some(c) = key.typed() else {
        return Outcome::Not;
    };
    // Help and the walk between answers stay within reach where nothing is typed.
    if composer.is_empty() && matches!(c, '?' | '[' | ']' | '/' | '@') {
        if matches!(c, '/' | '@') {
            vim.set_mode(Mode::Insert);
        }
        return Outcome::Not;
    }
    command(vim, composer, c)
}

impl Vim {
    fn is_pending(&self) -> bool {
        self.count.is_some() || self.operator.is_some() || self.prefix.is_some()
    }

    /// Returns the repeat count, limited so that nothing takes long.
    fn times(&self) -> usize {
        let own = self.count.unwrap_or(1);
        own.saturating_mul(self.operator_count.max(1)).min(10_000)
    }
}

fn command(vim: &mut Vim, composer: &mut Composer, c: char) -> Outcome {
    if let Some(prefix) = vim.prefix.take() {
        prefixed(vim, composer, prefix, c);
        return Outcome::Taken;
    }
    if let Some(digit) = c.to_digit(10).filter(|d| *d > 0 || vim.count.is_some()) {
        let count = vim.count.unwrap_or(0);
        vim.count = Some((count.saturating_mul(10) + digit as usize).min(10_000));
        return Outcome::Taken;
    }
    if matches!(c, 'g' | 'r' | 'f' | 't' | 'F' | 'T') && !(c == 'r' && vim.operator.is_some()) {
        vim.prefix = Some(c);
        return Outcome::Taken;
    }
    if let Some(operator) = vim.operator {
        if c == operator {
            whole_lines(vim, composer, operator);
        } else if let Some(range) = reach(vim, composer, c) {
            operate(vim, composer, operator, range);
        } else {
            vim.set_mode(Mode::Normal);
        }
        return Outcome::Taken;
    }
    match c {
        'd' | 'c' | 'y' => {
            vim.operator = Some(c);
            vim.operator_count = vim.count.take().unwrap_or(1);
            return Outcome::Taken;
        }
        'j' | 'k' => {
            vim.set_mode(Mode::Normal);
            return if c == 'j' { Outcome::Down } else { Outcome::Up };
        }
        _ => {}
    }
    simple(vim, composer, c);
    Outcome::Taken
}

fn prefixed(vim: &mut Vim, composer: &mut Composer, prefix: char, c: char) {
    let at = composer.cursor();
    match prefix {
        'g' if c == 'g' => match vim.operator {
            Some(operator) => operate(vim, composer, operator, 0..at),
            None => {
                composer.go(Motion::TextStart);
                vim.set_mode(Mode::Normal);
            }
        },
        'r' => {
            put_over(composer, c, vim.times());
            vim.set_mode(Mode::Normal);
        }
        'f' | 't' | 'F' | 'T' => {
            let to = seek(composer, prefix, c, vim.times());
            match (to, vim.operator) {
                (Some(to), Some(operator)) => {
                    let range = if to < at {
                        to..at
                    } else {
                        at..composer.right_of(to)
                    };
                    operate(vim, composer, operator, range);
                }
                (Some(to), None) => {
                    composer.put_cursor(to);
                    vim.set_mode(Mode::Normal);
                }
                (None, _) => vim.set_mode(Mode::Normal),
            }
        }
        _ => vim.set_mode(Mode::Normal),
    }
}

/// Replaces so many characters by `c` each; does nothing where the line ends before.
fn put_over(composer: &mut Composer, c: char, times: usize) {
    let at = composer.cursor();
    let line = composer.target(Motion::LineEnd);
    let mut end = at;
    for _ in 0..times {
        if end >= line {
            return;
        }
        end = composer.right_of(end);
    }
    composer.replace(at..end, &c.to_string().repeat(times));
    composer.put_cursor(at + c.len_utf8() * (times - 1));
}

/// Returns the offset `f`, `t`, `F` or `T` leads to within the line.
fn seek(composer: &Composer, prefix: char, c: char, times: usize) -> Option<usize> {
    let at = composer.cursor();
    if prefix.is_lowercase() {
        let from = composer.right_of(at);
        let end = composer.target(Motion::LineEnd);
        let line = composer.text().get(from..end)?;
        let found = from + line.match_indices(c).nth(times - 1)?.0;
        Some(if prefix == 'f' {
            found
        } else {
            composer.left_of(found)
        })
    } else {
        let start = composer.target(Motion::LineStart);
        let line = composer.text().get(start..at)?;
        let found = start + line.rmatch_indices(c).nth(times - 1)?.0;
        Some(if prefix == 'F' {
            found
        } else {
            composer.right_of(found)
        })
    }
}

/// Returns the byte range an operator takes with a motion.
fn reach(vim: &Vim, composer: &Composer, c: char) -> Option<std::ops::Range<usize>> {
    let at = composer.cursor();
    let times = vim.times();
    let text = composer.text();
    let to = match c {
        // `cw` leaves the space behind the word, as in vim.
        'w' if vim.operator == Some('c') => repeat(at, times, |at| word_right(text, at)),
        'w' => repeat(at, times, |at| next_word(text, at)).min(
            // The last word of a line does not take the newline with it.
            if times == 1 {
                composer.target(Motion::LineEnd).max(at)
            } else {
                text.len()
            },
        ),
        'e' => repeat(at, times, |at| word_right(text, at)),
        'b' => repeat(at, times, |at| word_left(text, at)),
        'h' => repeat(at, times, |at| composer.left_of(at)).max(composer.target(Motion::LineStart)),
        'l' => repeat(at, times, |at| composer.right_of(at)).min(composer.target(Motion::LineEnd)),
        '0' | '^' => composer.target(Motion::LineStart),
        '$' => composer.target(Motion::LineEnd),
        'G' => text.len(),
        _ => return None,
    };
    Some(at.min(to)..at.max(to))
}

fn repeat(mut at: usize, times: usize, step: impl Fn(usize) -> usize) -> usize {
    for _ in 0..times {
        let next = step(at);
        if next == at {
            break;
        }
        at = next;
    }
    at
}

fn operate(vim: &mut Vim, composer: &mut Composer, operator: char, range: std::ops::Range<usize>) {
    let text = composer.text().get(range.clone());
    let text = text.or_bug("a motion leads into a character").to_owned();
    if !text.is_empty() {
        composer.keep_killed(text);
    }
    let start = range.start;
    if operator != 'y' && !range.is_empty() {
        composer.replace(range, "");
    }
    composer.put_cursor(start);
    vim.set_mode(if operator == 'c' {
        Mode::Insert
    } else {
        Mode::Normal
    });
}

/// Does `dd`, `cc` or `yy`.
fn whole_lines(vim: &mut Vim, composer: &mut Composer, operator: char) {
    let start = composer.target(Motion::LineStart);
    let text = composer.text();
    let rest = text.get(start..).or_bug("a line starts in a character");
    let mut taken: String = rest.split_inclusive('\n').take(vim.times()).collect();
    let end = start + taken.len();
    let whole = taken.ends_with('\n');
    let range = match operator {
        // The line stays, empty.
        'c' => start..end - usize::from(whole),
        // The last line goes with the newline before it.
        _ if end == text.len() && !text.ends_with('\n') => start.saturating_sub(1)..end,
        _ => start..end,
    };
    if !whole {
        taken.push('\n');
    }
    composer.keep_killed(taken);
    if operator != 'y' && !range.is_empty() {
        let at = range.start;
        composer.replace(range, "");
        composer.put_cursor(at);
        if operator == 'd' {
            composer.go(Motion::LineStart);
        }
    }
    vim.set_mode(if operator == 'c' {
        Mode::Insert
    } else {
        Mode::Normal
    });
}

/// Moves the cursor by a motion without an operator.
fn travel(vim: &Vim, composer: &mut Composer, c: char) {
    let at = composer.cursor();
    let to = match c {
        // Without an operator `w` goes on from the last word to the next line.
        'w' => repeat(at, vim.times(), |at| next_word(composer.text(), at)),
        'e' => repeat(at, vim.times(), |at| {
            let end = word_right(composer.text(), composer.right_of(at));
            composer.left_of(end).max(at)
        }),
        _ => match reach(vim, composer, c) {
            Some(range) if range.start < at => range.start,
            Some(range) => range.end,
            None => return,
        },
    };
    composer.put_cursor(to);
}

/// Does a command that stands alone: no operator is pending.
fn simple(vim: &mut Vim, composer: &mut Composer, c: char) {
    let times = vim.times();
    let mut mode = Mode::Normal;
    match c {
        'h' | 'l' | 'w' | 'b' | 'e' | '0' | '^' | '$' | 'G' => travel(vim, composer, c),
        'x' | 's' | 'X' => {
            let range = reach(vim, composer, if c == 'X' { 'h' } else { 'l' });
            if let Some(range) = range {
                let operator = if c == 's' { 'c' } else { 'd' };
                return operate(vim, composer, operator, range);
            }
        }
        'D' | 'C' => {
            let range = composer.span(Motion::LineEnd);
            let operator = if c == 'C' { 'c' } else { 'd' };
            return operate(vim, composer, operator, range);
        }
        'J' => {
            let end = composer.target(Motion::LineEnd);
            if end < composer.text().len() {
                composer.replace(end..end + 1, " ");
                // As in vim, the cursor stands where the lines were joined.
                composer.put_cursor(end);
            }
        }
        'p' | 'P' => put(composer, c == 'p', times),
        'u' => {
            for _ in 0..times {
                if !composer.undo() {
                    break;
                }
            }
        }
        _ => {
            if insert(composer, c) {
                mode = Mode::Insert;
            }
        }
    }
    vim.set_mode(mode);
}

/// Does the commands that begin to type. False for a key that is none of them.
fn insert(composer: &mut Composer, c: char) -> bool {
    match c {
        'i' => {}
        'a' if composer.cursor() < composer.target(Motion::LineEnd) => composer.go(Motion::Right),
        'a' => {}
        'I' => composer.go(Motion::LineStart),
        'A' => composer.go(Motion::LineEnd),
        'o' => {
            composer.go(Motion::LineEnd);
            composer.type_char('\n');
        }
        'O' => {
            composer.go(Motion::LineStart);
            composer.type_char('\n');
            composer.go(Motion::Left);
        }
        'S' => {
            composer.go(Motion::LineStart);
            composer.delete(Motion::LineEnd);
        }
        _ => return false,
    }
    true
}

/// Inserts the killed text behind or before the cursor; whole lines below or above.
fn put(composer: &mut Composer, behind: bool, times: usize) {
    let cut = composer.killed().to_owned();
    if cut.is_empty() {
        return;
    }
    let times = times.min(100_000 / cut.len().max(1)).max(1);
    let lines = cut.ends_with('\n');
    let at = match (lines, behind) {
        (false, false) => composer.cursor(),
        (false, true) => {
            let end = composer.target(Motion::LineEnd);
            composer.right_of(composer.cursor()).min(end)
        }
        (true, false) => composer.target(Motion::LineStart),
        (true, true) => composer.target(Motion::LineEnd),
    };
    let text = cut.repeat(times);
    let text = match (lines, behind) {
        (true, true) => format!("\n{}", text.trim_end_matches('\n')),
        _ => text,
    };
    composer.put(at..at, &text);
    if lines {
        composer.put_cursor(at + usize::from(behind));
    } else {
        composer.go(Motion::Left);
    }
}

#[cfg(test)]
#[path = "vim_tests.rs"]
mod tests;
