//! Vim keys in the composer, as an option: modes, commands with counts, operators with motions and
//! text objects, selections, and the last change once more.
//!
//! `parse` reads keys, `motions` and `objects` say what they mean in the text, `edits` changes it,
//! `registers` keep what was cut, `undo` takes changes back, and `absent` has words for what is not
//! there.

mod absent;
mod edits;
mod motions;
mod objects;
mod parse;
mod registers;
mod undo;

use std::ops::Range;

use self::edits::{Effect, Stretch};
use self::motions::Sought;
use self::parse::{Command, Move, Parsed, Verb, parse};
use self::registers::Registers;
use crate::app::editing::composer::{Composer, Motion};
use crate::app::key::{Code, Key};
use crate::app::keymap::{Action, Place, TABLE};

/// Bytes of a line of keys that are kept.
const LONGEST: usize = 200;

/// Keys of vim mode and what they do, for help.
pub(in crate::app) const KEYS: [(&str, &str); 11] = [
    (
        "Esc",
        "out of typing, or of a selection; i a I A o O type again",
    ),
    (
        "h j k l w b e W B E ge 0 ^ $ gg G { } %",
        "move, as in vim; a number before them repeats",
    ),
    (
        "f F t T, then ; ,",
        "to a character of the line, and on, or back",
    ),
    (
        "d c y",
        "cut, change, keep what a motion or a text object covers",
    ),
    (
        "iw aw iW aW i\" a\" i' i` i( i[ i{ i< ip ap",
        "words, what stands in quotes or brackets, paragraphs",
    ),
    (
        "dd cc yy D C Y S x X s",
        "the same for lines and characters",
    ),
    (
        "p P r ~ J >> <<",
        "put in what was cut, replace, change case, join, shift lines",
    ),
    (
        "gU gu g~",
        "capitals, small letters, each as the other: with a motion, a text object",
    ),
    (
        "\"a to \"z",
        "before a command: cut into that register, put in out of it; \"A adds",
    ),
    (
        "v V",
        "select characters or lines: then d c y x p ~ u U J > <",
    ),
    ("u Ctrl-R .", "undo, redo, the last change once more"),
];

/// The vim mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Insert mode: keys type.
    #[default]
    Insert,
    /// Normal mode: keys move and change.
    Normal,
    /// Keys extend a selection of characters, or change it.
    Visual,
    /// The same with whole lines.
    VisualLines,
}

impl Mode {
    /// The mode in a word or two.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Normal => "normal",
            Self::Visual => "visual",
            Self::VisualLines => "visual lines",
        }
    }

    const fn selects(self) -> bool {
        matches!(self, Self::Visual | Self::VisualLines)
    }
}

/// The mode and the pending command of vim keys.
#[derive(Debug, Clone, Default)]
pub struct Vim {
    mode: Mode,
    /// The keys of a command that is not complete.
    keys: String,
    /// The end of the selection that stays.
    anchor: usize,
    sought: Option<Sought>,
    registers: Registers,
    /// True behind `q` and a name: the next `q` alone would end the recording, and takes no name.
    records: bool,
    last: Option<Change>,
    typing: Option<Typing>,
    /// Undo steps there were before each change: one `u` takes a change back whole.
    marks: Vec<usize>,
    undone: Vec<usize>,
}

/// A change that can be done once more.
#[derive(Debug, Clone)]
struct Change {
    command: Command,
    /// The extent of the selection that it was done to: graphemes, or lines.
    extent: Option<(usize, bool)>,
    typed: String,
}

/// The text around what is being typed.
#[derive(Debug, Clone)]
struct Typing {
    before: String,
    after: String,
    times: usize,
}

/// The outcome of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Taken: vim has done what there was to do.
    Taken,
    /// Rows down, or up where negative. `history`: beyond the ends comes what was typed before or
    /// after.
    Rows {
        /// The number of rows.
        by: isize,
        /// True if the history lies beyond the ends.
        history: bool,
    },
    /// The keys do nothing here; says why.
    Absent(String),
    /// Not vim's: the key means what it means without vim.
    Not,
}

/// Takes a key for a composer with vim keys. `bound` is the key's action without vim.
pub fn key(composer: &mut Composer, key: Key, bound: Option<Action>) -> Outcome {
    let Some(mut vim) = composer.vim_take() else {
        return Outcome::Not;
    };
    let outcome = match vim.mode {
        Mode::Insert if bound == Some(Action::Stop) => {
            vim.leave_typing(composer);
            Outcome::Taken
        }
        Mode::Insert => Outcome::Not,
        _ => vim.command_key(composer, key, bound),
    };
    composer.vim_put(vim);
    outcome
}

impl Vim {
    /// The present mode.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns the keys of a command that is not complete yet.
    pub fn pending(&self) -> &str {
        &self.keys
    }

    /// Goes back to insert mode, nothing pending; the text has been sent.
    pub fn reset(&mut self) {
        *self = Self {
            sought: self.sought,
            last: self.last.take(),
            registers: std::mem::take(&mut self.registers),
            ..Self::default()
        };
    }

    /// Has the texts that are kept written anew.
    pub(in crate::app) fn rewrite_kept(&mut self, how: impl Fn(&str) -> String) {
        self.registers.rewrite(how);
    }

    /// The text that is selected, in order.
    pub(in crate::app) fn selected(&self, composer: &Composer) -> Option<Range<usize>> {
        self.mode.selects().then(|| self.stretch(composer).0)
    }

    fn stretch(&self, composer: &Composer) -> Stretch {
        let (text, at) = (composer.text(), composer.cursor());
        // The text may have been changed by other keys than vim's.
        let anchor = composer.boundary(self.anchor);
        let (from, to) = (at.min(anchor), at.max(anchor));
        if self.mode == Mode::VisualLines {
            let lines = motions::line_start(text, from)..motions::line_end(text, to);
            (lines, true)
        } else {
            (from..composer.right_of(to), false)
        }
    }

    fn command_key(&mut self, composer: &mut Composer, key: Key, bound: Option<Action>) -> Outcome {
        if bound == Some(Action::Stop) {
            let open = !self.keys.is_empty() || self.mode.selects();
            self.keys.clear();
            self.mode = Mode::Normal;
            // With nothing to leave and nothing typed it is the screen's.
            return if open || !composer.is_empty() {
                Outcome::Taken
            } else {
                Outcome::Not
            };
        }
        if parse(&self.keys, self.mode.selects()) == Parsed::Line {
            return self.line_key(key, bound);
        }
        if key == Key::ctrl('r') {
            self.keys.clear();
            self.redo(composer);
            return Outcome::Taken;
        }
        if key.code == Code::Backspace {
            // What is begun is dropped; with nothing begun it is a motion.
            if self.keys.is_empty() {
                composer.go(Motion::Left);
            }
            self.keys.clear();
            return Outcome::Taken;
        }
        let Some(c) = key.typed() else {
            return Outcome::Not;
        };
        // Help and the walk between answers stay within reach where nothing is typed.
        if composer.is_empty() && self.keys.is_empty() && matches!(c, '?' | '[' | ']' | '/' | '@') {
            if matches!(c, '/' | '@') {
                self.mode = Mode::Insert;
            }
            return Outcome::Not;
        }
        if c == 'q' && self.keys.is_empty() && std::mem::take(&mut self.records) {
            return Outcome::Taken;
        }
        self.keys.push(c);
        match parse(&self.keys, self.mode.selects()) {
            Parsed::More | Parsed::Line => Outcome::Taken,
            Parsed::Unknown => self.absent(),
            Parsed::Whole(command) => {
                let known = command.register.is_none_or(Registers::has);
                if !known {
                    return self.absent();
                }
                self.keys.clear();
                self.run(composer, command)
            }
        }
    }

    /// Drops keys that do nothing, with a word.
    fn absent(&mut self) -> Outcome {
        let keys = std::mem::take(&mut self.keys);
        self.records |= keys.starts_with('q');
        Outcome::Absent(absent::words(&keys))
    }

    /// Takes a key of a line that Enter ends, so that none of it does anything else.
    fn line_key(&mut self, key: Key, bound: Option<Action>) -> Outcome {
        match (key.code, key.typed()) {
            (Code::Enter, _) => return self.absent(),
            (Code::Backspace, _) => drop(self.keys.pop()),
            (_, Some(c)) if self.keys.len() < LONGEST => self.keys.push(c),
            (_, Some(_)) => {}
            // What scrolls and ends stays as it is.
            _ => {
                let binding = TABLE.iter().find(|row| Some(row.action) == bound);
                if binding.is_some_and(|row| row.place == Place::Everywhere) {
                    return Outcome::Not;
                }
            }
        }
        Outcome::Taken
    }

    fn run(&mut self, composer: &mut Composer, command: Command) -> Outcome {
        if let Some(register) = self.registers.lacks(command) {
            return Outcome::Absent(absent::empty(register));
        }
        match command.verb {
            Verb::Go(motion) => return self.go(composer, motion, command.count),
            Verb::Select(object) => {
                let at = composer.cursor();
                let found = objects::find(composer.text(), at, object, command.times());
                if let Some((range, whole)) = found.filter(|(range, _)| !range.is_empty()) {
                    if whole {
                        self.mode = Mode::VisualLines;
                    }
                    self.anchor = range.start;
                    let end = range.end;
                    composer.put_cursor(if whole { end } else { composer.left_of(end) });
                }
            }
            Verb::Do('v' | 'V') => self.select(composer, command.verb == Verb::Do('V')),
            Verb::Do('o' | 'O') if self.mode.selects() => {
                let at = composer.cursor();
                composer.put_cursor(self.anchor);
                self.anchor = at;
            }
            Verb::Do('u') if !self.mode.selects() => self.undo(composer, command.times()),
            Verb::Do('.') => self.again(composer, command.count),
            _ => self.change(composer, command),
        }
        Outcome::Taken
    }

    /// Begins a selection, changes its sort, or ends it.
    fn select(&mut self, composer: &Composer, lines: bool) {
        let wanted = if lines {
            Mode::VisualLines
        } else {
            Mode::Visual
        };
        if !self.mode.selects() {
            self.anchor = composer.cursor();
        }
        self.mode = if self.mode == wanted {
            Mode::Normal
        } else {
            wanted
        };
    }

    fn go(&mut self, composer: &mut Composer, motion: Move, count: Option<usize>) -> Outcome {
        if let 'j' | 'k' = motion.key {
            let by = count.unwrap_or(1) as isize;
            return Outcome::Rows {
                by: if motion.key == 'j' { by } else { -by },
                history: !self.mode.selects() && count.is_none(),
            };
        }
        self.seek(motion);
        if let Some(reach) = motions::reach(composer, motion, count, self.sought, None) {
            composer.put_cursor(reach.to);
        }
        Outcome::Taken
    }

    /// Remembers the character that a motion looks for.
    const fn seek(&mut self, motion: Move) {
        if let (key @ ('f' | 'F' | 't' | 'T'), Some(c)) = (motion.key, motion.with) {
            self.sought = Some((key, c));
        }
    }

    /// Does a command that changes the text, and remembers it.
    fn change(&mut self, composer: &mut Composer, command: Command) {
        if let Verb::Operate(_, parse::Target::To(motion)) = command.verb {
            self.seek(motion);
        }
        let stretch = self.mode.selects().then(|| self.stretch(composer));
        let extent = stretch.as_ref().map(|(range, whole)| {
            let text = composer.text().get(range.clone()).unwrap_or_default();
            let lines = text.matches('\n').count() + 1;
            let graphemes = composer.graphemes(range.clone());
            (if *whole { lines } else { graphemes }, *whole)
        });
        // As in vim a change of a selection begins at its start, which undo leads to.
        if stretch.is_some() {
            composer.put_cursor(self.anchor.min(composer.cursor()));
        }
        self.marks.push(composer.undo_depth());
        let effect = self.edit(composer, command, stretch);
        self.mode = Mode::Normal;
        if matches!(effect, Effect::Nothing | Effect::Kept) {
            self.marks.pop();
            return;
        }
        self.undone.clear();
        self.last = Some(Change {
            command,
            extent,
            typed: String::new(),
        });
        if effect == Effect::Types {
            self.mode = Mode::Insert;
            let repeats = matches!(command.verb, Verb::Do('i' | 'a' | 'I' | 'A'));
            self.typing = Some(Typing {
                before: composer.before().to_owned(),
                after: composer.after().to_owned(),
                times: if repeats { command.times() } else { 1 },
            });
        }
    }

    /// Does a command to a stretch of the text, or to what it covers by itself.
    fn edit(
        &mut self,
        composer: &mut Composer,
        command: Command,
        stretch: Option<Stretch>,
    ) -> Effect {
        let sought = self.sought;
        let run = |composer: &mut Composer| match stretch {
            Some(stretch) => edits::visual(composer, command.verb, stretch),
            None => edits::normal(composer, command, sought),
        };
        self.registers.with(composer, command, run)
    }

    /// Ends typing: what was typed belongs to the change that began it.
    fn leave_typing(&mut self, composer: &mut Composer) {
        self.mode = Mode::Normal;
        if let Some(typing) = self.typing.take() {
            let typed = composer
                .text()
                .strip_prefix(typing.before.as_str())
                .and_then(|text| text.strip_suffix(typing.after.as_str()))
                .unwrap_or_default()
                .to_owned();
            if typing.times > 1 && !typed.is_empty() {
                put_typed(composer, &typed, typing.times - 1);
            }
            if let Some(last) = &mut self.last {
                last.typed = typed;
            }
        }
        step_back(composer);
    }

    /// Does the last change once more, at the cursor.
    fn again(&mut self, composer: &mut Composer, count: Option<usize>) {
        let Some(mut change) = self.last.take() else {
            return;
        };
        change.command.count = count.or(change.command.count);
        self.marks.push(composer.undo_depth());
        let stretch = change.extent.map(|(extent, whole)| {
            let at = composer.cursor();
            let range = if whole {
                edits::lines(composer.text(), at, extent)
            } else {
                at..motions::repeat(at, extent, |at| composer.right_of(at))
            };
            (range, whole)
        });
        let effect = self.edit(composer, change.command, stretch);
        match effect {
            Effect::Types => {
                let repeats = matches!(change.command.verb, Verb::Do('i' | 'a' | 'I' | 'A'));
                let times = if repeats { change.command.times() } else { 1 };
                put_typed(composer, &change.typed, times);
                step_back(composer);
                self.undone.clear();
            }
            Effect::Done => self.undone.clear(),
            Effect::Nothing | Effect::Kept => drop(self.marks.pop()),
        }
        self.last = Some(change);
    }
}

/// Puts in what was typed, so many times.
fn put_typed(composer: &mut Composer, typed: &str, times: usize) {
    let at = composer.cursor();
    let times = times.min(100_000 / typed.len().max(1));
    composer.put(at..at, &typed.repeat(times));
}

/// As in vim, the cursor goes back onto what was typed last.
fn step_back(composer: &mut Composer) {
    if composer.target(Motion::LineStart) < composer.cursor() {
        composer.go(Motion::Left);
    }
}

#[cfg(test)]
#[path = "vim_tests.rs"]
mod tests;
