//! Floor 1: the languages that answers are written in, and what may come next in each.
//!
//! Law: a [`Form`] says which [`Part`] follows which; one automaton ([`FormGrammar`]) writes every
//! form, byte by byte, forward and back; one printer gives a form as text for engines that take
//! grammars so. What the automaton lets through is what a form means: nobody reads an answer
//! again. It knows no model, no token and no disk: what may be made is told to it.

mod automaton;
mod beyond;
mod byte_set;
mod choices;
mod file_lines;
mod form;
mod new_paths;
mod next;
mod part;
mod print;
mod sorted;
mod step;
mod suffixes;
mod utf8;

pub use automaton::FormGrammar;
pub use beyond::Beyond;
pub use byte_set::ByteSet;
pub use choices::Choices;
pub use file_lines::FileLines;
pub use form::{Answer, Form, Said, Value};
pub use new_paths::NewPaths;
pub use part::{FENCE, Part};
pub use print::{Notation, print};
pub use utf8::Utf8State;

/// Where much may come: free text, or a name that is new. What may come next depends on `key`
/// alone as long as the text stays there, so that whoever asks can keep the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Region {
    /// Two states with the same key take the same bytes, as far as these stay in free text.
    pub key: u32,
    /// True if every text of whole characters that holds no control character but tabs, and does
    /// not begin with `guard`, may come here and stays here.
    pub plain: bool,
    /// See `plain`.
    pub guard: Option<u8>,
    /// Bytes that lead out if they come first; whether they may hangs on more than the key.
    pub exits: &'static [u8],
}

/// A language that a text must belong to: an automaton over bytes that can be tried forward and
/// taken back. The engine asks it which tokens may come next.
pub trait Grammar {
    /// Takes a byte. False where it may not come; then nothing has changed.
    fn push(&mut self, byte: u8) -> bool;

    /// Takes back the last so many bytes that were pushed since the last [`Grammar::commit`].
    fn pop(&mut self, count: usize);

    /// Commits the bytes pushed: they are written and stay. `left` tokens may still follow.
    fn commit(&mut self, left: usize);

    /// The bytes that may come next: every one that [`Grammar::push`] takes, perhaps some more.
    fn next(&self) -> ByteSet;

    /// Tells whether the text may end here.
    fn may_end(&self) -> bool;

    /// The region of free text here; none where what may come is told by [`Grammar::push`] alone.
    fn region(&self) -> Option<Region>;

    /// The bytes that can be written at all; to be told before the first push.
    fn set_alphabet(&mut self, bytes: ByteSet);

    /// Why a byte may not come, where that is more than that it is none of the bytes that may.
    fn refusal(&self, _byte: u8) -> Option<&'static str> {
        None
    }
}
