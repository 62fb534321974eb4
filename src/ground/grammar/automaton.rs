//! The automaton of a form: forward by bytes, and back.

use std::rc::Rc;

use super::form::{Answer, Form, Said};
use super::part::HEAD;
use super::step::{Inside, Mark, Open, Step};
use super::{ByteSet, Grammar, NewPaths, Part, Region};
use crate::base::bug::bug;

/// Keys of regions, one for each kind of place in free text.
const WORDS_BEGIN: u32 = 0;
const WORDS_HEAD: u32 = 1;
const WORDS_LINE: u32 = 2;
/// The same where the next line must be a head.
const WORDS_LAST_LINE: u32 = 3;
/// And two more with [`STRICT`].
const BLOCK_BEGIN: u32 = 4;
const BLOCK_LINE: u32 = 5;
const STRICT: u32 = 2;
const LINE_BEGIN: u32 = 8;
const LINE: u32 = 9;
const NEW_PATH: u32 = 10;

/// Where an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    /// Which part, by how many were complete before it.
    part: u32,
    /// Where it begins.
    begun: u32,
    inside: Inside,
}

/// An answer that is written in a form.
pub struct FormGrammar<F: Form> {
    form: F,
    /// The parts of `states`, the last one being written, each with its place in the form.
    parts: Vec<(F::At, Part)>,
    /// The parts that are complete.
    said: Vec<Said<F::At>>,
    written: Vec<u8>,
    /// How many bytes, and how many parts that are complete, are committed.
    committed: usize,
    kept: usize,
    /// Behind what is committed, and behind each byte since.
    states: Vec<State>,
    /// Tokens that may still follow.
    left: usize,
    alphabet: ByteSet,
}

impl<F: Form> FormGrammar<F> {
    /// An answer in a form that may take `left` tokens.
    pub fn new(form: F, left: usize) -> Self {
        let mut grammar = Self {
            form,
            parts: Vec::new(),
            said: Vec::new(),
            written: Vec::new(),
            committed: 0,
            kept: 0,
            states: Vec::new(),
            left,
            alphabet: ByteSet::ALL,
        };
        grammar.begin_anew();
        grammar
    }

    /// The form.
    pub const fn form(&self) -> &F {
        &self.form
    }

    /// Returns the answer so far.
    pub fn answer(&self) -> Answer<'_, F::At> {
        Answer {
            written: &self.written,
            said: &self.said,
            left: self.left,
        }
    }

    /// The place of the form that is being written, and where its text begins.
    pub fn at(&self) -> Option<(&F::At, usize)> {
        let state = self.states.last()?;
        let (at, _) = self.part_of(state)?;
        Some((at, state.begun as usize))
    }

    /// Tells whether a block goes on without end, so that nothing may follow.
    pub fn is_endless(&self) -> bool {
        match self.open() {
            Some(open) => match open.inside {
                Inside::Block { utf8, .. } => open.is_endless(utf8),
                _ => false,
            },
            None => false,
        }
    }

    fn part_of(&self, state: &State) -> Option<&(F::At, Part)> {
        self.parts
            .get((state.part as usize).checked_sub(self.kept)?)
    }

    /// The part at a place, such of it as can be written.
    fn part(&self, at: &F::At) -> Part {
        let part = self.form.part(at, &self.answer());
        match part {
            Part::OneOf { choices, may_end } if !choices.are_within(&self.alphabet) => {
                Part::OneOf {
                    choices: Rc::new(choices.within(&self.alphabet)),
                    may_end,
                }
            }
            part => part,
        }
    }

    /// Begins the part at a place.
    fn begin(&mut self, at: F::At) -> State {
        let part = self.part(&at);
        let file = match &part {
            Part::LinesOf { file, .. } | Part::LinesBy { file, .. } => self.form.file(*file),
            _ => None,
        };
        let state = State {
            part: self.said.len() as u32,
            begun: self.written.len() as u32,
            inside: Inside::start(&part, file),
        };
        self.parts.push((at, part));
        state
    }

    /// Begins the answer.
    fn begin_anew(&mut self) {
        self.parts.clear();
        self.said.clear();
        let first = self.begin(self.form.start());
        self.states = vec![first];
    }

    /// The part that is being written.
    #[inline]
    pub(super) fn open(&self) -> Option<Open<'_, F>> {
        let state = self.states.last()?;
        let (_, part) = self.part_of(state)?;
        let begun = state.begun as usize;
        Some(Open {
            form: &self.form,
            part,
            text: self.written.get(begun..)?,
            committed: self.committed.saturating_sub(begun),
            fresh: self.written.len() - self.committed,
            begun: begun <= self.committed,
            inside: state.inside,
        })
    }

    /// The part that `state` was in has ended with the last byte written.
    fn end(&mut self, state: State, value: super::Value, besides: usize) -> Option<State> {
        let at = self.part_of(&state)?.0.clone();
        let end = self.written.len();
        let next = self.form.after(&at, value);
        self.said.push(Said {
            at,
            value,
            text: state.begun as usize..end - besides,
            end,
        });
        Some(self.begin(next))
    }

    /// Asks the form anew for the part being written: fewer tokens are left, and what was said
    /// counts.
    fn renew(&mut self) {
        let Some(state) = self.states.last().copied() else {
            return;
        };
        let fresh = state.begun as usize == self.written.len();
        let Some((at, part)) = self.parts.pop() else {
            return;
        };
        if fresh {
            let state = self.begin(at);
            self.states = vec![state];
            return;
        }
        let part = match part {
            Part::Words { .. } => self.part(&at),
            part => part,
        };
        self.parts.push((at, part));
    }
}

impl<F: Form> Grammar for FormGrammar<F> {
    fn push(&mut self, byte: u8) -> bool {
        let Some(step) = self.open().and_then(|open| open.step(byte)) else {
            return false;
        };
        let Some(state) = self.states.last().copied() else {
            return false;
        };
        self.written.push(byte);
        let next = match step {
            Step::Within(inside) => Some(State { inside, ..state }),
            Step::Ended(value, besides) => self.end(state, value, besides),
        };
        let Some(next) = next else {
            self.written.pop();
            return bug("the part being written is not known", false);
        };
        self.states.push(next);
        true
    }

    fn pop(&mut self, count: usize) {
        let count = count.min(self.written.len() - self.committed);
        let length = self.written.len() - count;
        self.written.truncate(length);
        self.states.truncate(self.states.len() - count);
        while self.said.last().is_some_and(|said| said.end > length) {
            self.said.pop();
            self.parts.pop();
        }
    }

    fn commit(&mut self, left: usize) {
        self.left = left;
        self.committed = self.written.len();
        self.states.drain(..self.states.len().saturating_sub(1));
        let before = self.kept;
        if before < self.said.len() {
            self.kept = self.said.len();
            self.parts.drain(..self.parts.len().saturating_sub(1));
            let answer = Answer {
                written: &self.written,
                said: &self.said,
                left,
            };
            self.form.commit(&answer, before);
        }
        self.renew();
    }

    fn next(&self) -> ByteSet {
        self.open().map(|open| open.next()).unwrap_or_default()
    }

    fn may_end(&self) -> bool {
        let Some(open) = self.open() else {
            return false;
        };
        match (open.part, open.inside) {
            (Part::OneOf { may_end, .. }, _) => *may_end && open.text.is_empty(),
            (Part::Words { may_end, .. }, Inside::Words { mark, utf8 }) => {
                *may_end && utf8.is_boundary() && !matches!(mark, Mark::At(1..))
            }
            _ => false,
        }
    }

    fn region(&self) -> Option<Region> {
        let open = self.open()?;
        match (open.part, open.inside) {
            (Part::Words { most, .. }, Inside::Words { mark, utf8 }) if utf8.is_boundary() => {
                let long = open.is_longer(*most, 0);
                match mark {
                    // What may be a head is looked at each time.
                    Mark::At(1..) if open.fresh > 0 => None,
                    Mark::At(_) if long => None,
                    Mark::At(at) => {
                        let guard = HEAD.get(usize::from(at)).copied();
                        let head = guard == Some(b' ');
                        let key = if head { WORDS_HEAD } else { WORDS_BEGIN };
                        let exits: &[u8] = if head { b" " } else { b"*" };
                        Some(region(key, guard, exits))
                    }
                    Mark::Not if open.is_last_line(*most) => None,
                    Mark::Not if long => Some(region(WORDS_LAST_LINE, None, b"")),
                    Mark::Not => Some(region(WORDS_LINE, None, b"")),
                }
            }
            (Part::Line { most }, Inside::Line { utf8, solid }) if utf8.is_boundary() => {
                match solid {
                    true if open.committed > *most => None,
                    true => Some(region(LINE, None, b"")),
                    false => Some(region(LINE_BEGIN, None, b"")),
                }
            }
            (Part::Block { fence, lines, .. }, Inside::Block { mark, utf8, .. })
                if utf8.is_boundary() && !open.is_endless(utf8) && !open.is_full() =>
            {
                // As long as it is what it must not be, the fence may not come at its end; and
                // where lines are counted, nothing else behind the last.
                let was_same = self.states.first().is_some_and(|state| {
                    matches!(state.inside, Inside::Block { same: Some(_), .. })
                });
                let strict = was_same || lines.is_some();
                let more = if strict { STRICT } else { 0 };
                match mark {
                    // What may be the fence is looked at each time.
                    Mark::At(1..) if open.fresh > 0 => None,
                    Mark::At(_) if open.fresh > 0 && strict => None,
                    Mark::At(length) if length == *fence => None,
                    Mark::At(_) => Some(region(BLOCK_BEGIN | more, Some(b'>'), b">")),
                    Mark::Not => Some(region(BLOCK_LINE | more, None, b"")),
                }
            }
            (Part::NewPath, _) => {
                let narrow = self.form.new_paths().is_none_or(NewPaths::is_narrow);
                let is_open = NewPaths::is_open(open.committed, open.text);
                (is_open && !narrow).then_some(Region {
                    key: NEW_PATH,
                    plain: false,
                    guard: None,
                    exits: b"/\n",
                })
            }
            _ => None,
        }
    }

    fn set_alphabet(&mut self, bytes: ByteSet) {
        self.alphabet = bytes;
        self.form.set_alphabet(bytes);
        self.begin_anew();
    }

    fn refusal(&self, byte: u8) -> Option<&'static str> {
        self.beyond(Some(byte)).map(super::Beyond::words)
    }
}

/// A region of free text. Whether what begins with the guard may come hangs on more than the
/// key.
const fn region(key: u32, guard: Option<u8>, exits: &'static [u8]) -> Region {
    Region {
        key,
        plain: true,
        guard,
        exits,
    }
}

#[cfg(test)]
#[path = "automaton_tests.rs"]
mod tests;
