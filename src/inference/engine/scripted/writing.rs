//! An answer of a script as it is written: within its grammar, and up to its stop texts.

use super::super::{Finish, Step};
use crate::base::text::truncated;
use crate::base::{Failure, Result};
use crate::grammar::Grammar;

/// An answer as it grows, with the texts that end it and the grammar it must belong to.
pub(super) struct Writing<'a, 'g> {
    pub text: String,
    /// Bytes of `text` that were told.
    pub told: usize,
    pub stop: &'a [String],
    pub grammar: Option<&'g mut dyn Grammar>,
}

impl Writing<'_, '_> {
    /// Adds a piece and tells it. Returns why the answer ends with it, if it does: by a stop text,
    /// or where nothing may come next. The end of a piece that could begin a stop text is held
    /// back.
    ///
    /// # Errors
    /// Of kind model, if the grammar does not allow it.
    pub fn add(&mut self, piece: &str, on: &mut dyn FnMut(Step)) -> Result<Option<Finish>> {
        let before = self.text.len();
        self.text.push_str(piece);
        let hit = self
            .stop
            .iter()
            .filter(|s| !s.is_empty())
            .filter_map(|s| Some((self.text.find(s.as_str())?, s.len())))
            .min();
        // A model has to write a stop text too.
        let end = hit.map_or(self.text.len(), |(at, length)| at + length);
        let allowed = self.allowed(before, end)?;
        if allowed < end {
            self.text.truncate(allowed);
            self.tell(allowed, on);
            return Ok(Some(Finish::Length));
        }
        if let Some((at, _)) = hit {
            self.text.truncate(at);
            self.tell(self.text.len(), on);
            return Ok(Some(Finish::Stop));
        }
        let held = self
            .stop
            .iter()
            .filter_map(|s| {
                (1..s.len())
                    .rev()
                    .find(|n| s.get(..*n).is_some_and(|head| self.text.ends_with(head)))
            })
            .max()
            .unwrap_or(0);
        self.tell(self.text.len() - held, on);
        Ok(None)
    }

    /// Takes the bytes `from..to` of the text into the grammar, up to where nothing may come next.
    /// Returns where that is, at the end of a character.
    fn allowed(&mut self, from: usize, to: usize) -> Result<usize> {
        let Some(grammar) = &mut self.grammar else {
            return Ok(to);
        };
        for (at, byte) in self.text.bytes().enumerate().take(to).skip(from) {
            if !grammar.push(byte) {
                let next: Vec<u8> = grammar.next().iter().collect();
                let stuck = |byte: &u8| !grammar.push(*byte);
                if next.iter().all(stuck) {
                    return Ok(self.text.floor_char_boundary(at));
                }
                let next = String::from_utf8_lossy(next.get(..40).unwrap_or(&next)).into_owned();
                let failure = Failure::model(format!(
                    "the script says what the grammar does not allow, at its byte {at}"
                ))
                .because(format!("it says {:?}", behind(&self.text, at)))
                .because(format!("behind {:?}", before(&self.text, at)))
                .because(format!("where one of these bytes may come: {next:?}"));
                return Err(match grammar.refusal(byte) {
                    Some(rule) => failure.because(rule),
                    None => failure,
                });
            }
            grammar.commit(usize::MAX);
        }
        Ok(to)
    }

    /// Checks that the answer may end where it does.
    ///
    /// # Errors
    /// Of kind model, if the grammar does not allow it.
    pub fn may_end(&self) -> Result<()> {
        if self
            .grammar
            .as_ref()
            .is_none_or(|grammar| grammar.may_end())
        {
            return Ok(());
        }
        Err(
            Failure::model("the script ends where the grammar does not let it end")
                .because(format!("behind {:?}", before(&self.text, self.text.len()))),
        )
    }

    /// Tells the text up to the byte `end`, as far as it was not told.
    pub fn tell(&mut self, end: usize, on: &mut dyn FnMut(Step)) {
        if let Some(new) = self.text.get(self.told..end).filter(|new| !new.is_empty()) {
            on(Step::Text(new.to_owned()));
            self.told = end;
        }
    }
}

/// Returns a few characters before a byte of a text.
fn before(text: &str, at: usize) -> &str {
    let mut from = at.saturating_sub(80);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    // A byte inside a character has no text before it.
    text.get(from..at).unwrap_or_default()
}

/// Returns a few characters from a byte of a text on; none where it lies inside a character.
fn behind(text: &str, at: usize) -> &str {
    truncated(text.get(at..).unwrap_or_default(), 40)
}
