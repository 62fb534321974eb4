//! Writing: the logits behind a text that grows token by token, whether each token is read when
//! it is there or was drafted and read before.
//!
//! The text does not depend on drafts. Each token is drawn from the logits behind the one
//! before it, in order, with the one sampler; a draft only means that these logits are there
//! already. While the token drawn is the one drafted, the next row is handed out; with the first
//! that is not, or that is followed by tokens the model did not choose, the tokens read too much
//! are taken back.
//!
//! On x86 several tokens read at once give to the last bit what each alone gives, so the text is
//! the same. With NEON and on GPUs they round a little differently; and where inputs are rounded
//! to 8 bits, a trifle can push one to the next number. Where two tokens are so close that this
//! could decide, the greedy choice is made on the token read alone ([`Decoder::alone`]); what that
//! token looks back on may still have been read among others. Above temperature 0 the
//! distribution is the same up to this rounding, and so is the text of a seed but where the draw
//! falls on the border of two tokens.

use std::time::Instant;

use super::cache::prefix_cache::{PrefixCache, common};
use super::speculative::{Drafting, Lookup};
use crate::base::{Cancel, OrBug, Result};

/// Distance of two tokens, in logits, below which the choice is made on the last token read alone.
pub(super) const CLOSE: f32 = 0.1;

/// The figures of drafts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Drafted {
    /// Number of tokens that were drafted.
    pub tokens: usize,
    /// Number of drafted tokens that were accepted.
    pub accepted: usize,
    /// Number of drafts.
    pub drafts: usize,
    /// Number of tokens that were read again alone.
    pub again: usize,
}

/// A text that is being written.
pub(super) struct Decoder<'a> {
    prefix_cache: &'a mut PrefixCache,
    drafting: Option<(&'a mut Drafting, Lookup)>,
    /// Logits behind the tokens of the last read: `tokens × width`, f32, row-major; of a read
    /// without a draft only the last row.
    rows: Vec<f32>,
    /// Numbers in a row: the size of the vocabulary.
    width: usize,
    /// Index of the row behind the text.
    row: usize,
    /// Drafted tokens that were read behind the text.
    ahead: Vec<u32>,
    /// True if the rows are those of a verification: tokens can be taken back.
    verified: bool,
    drafted: Drafted,
}

impl<'a> Decoder<'a> {
    /// Begins to write behind the tokens that `prefix_cache` holds, from the `logits` behind them;
    /// with drafts where the network can take them back.
    pub fn new(
        prefix_cache: &'a mut PrefixCache,
        logits: Vec<f32>,
        drafting: Option<&'a mut Drafting>,
    ) -> Self {
        let drafting = drafting
            .filter(|_| prefix_cache.can_roll_back())
            .map(|drafting| {
                drafting.begin();
                let lookup = Lookup::new(prefix_cache.tokens(), &drafting.odds);
                (drafting, lookup)
            });
        Self {
            width: logits.len(),
            rows: logits,
            prefix_cache,
            drafting,
            row: 0,
            ahead: Vec::new(),
            verified: false,
            drafted: Drafted::default(),
        }
    }

    /// Counts the tokens of the text.
    pub fn len(&self) -> usize {
        self.prefix_cache.tokens().len() - self.ahead.len()
    }

    /// Returns the logits behind the text: `vocabulary`, f32. A change to them lasts until the next
    /// token is read.
    pub fn logits(&mut self) -> &mut [f32] {
        let from = self.row * self.width;
        let row = self.rows.get_mut(from..from + self.width);
        row.or_bug("there are no logits behind the text")
    }

    /// Reads the last token again, alone, if it was read with others; tells whether it was.
    ///
    /// # Errors
    /// Interrupted, if cancelled: the text is then without that token.
    pub fn alone(&mut self, cancel: &Cancel) -> Result<bool> {
        let before = self.len() - 1;
        let last = self.prefix_cache.tokens().get(before).copied();
        let Some(last) = last.filter(|_| self.verified) else {
            return Ok(false);
        };
        self.ahead.clear();
        self.verified = false;
        self.prefix_cache.rollback(before)?;
        self.drafted.again += 1;
        self.rows = self.prefix_cache.read_on(&[last], cancel)?;
        self.row = 0;
        Ok(true)
    }

    /// Goes on with tokens, `more` of which may follow at most: drafts are not longer.
    ///
    /// # Errors
    /// Interrupted, if cancelled: the text ends at the latest with these tokens, and is whole.
    pub fn read_on(&mut self, tokens: &[u32], more: usize, cancel: &Cancel) -> Result<()> {
        let known = common(tokens, &self.ahead);
        self.drafted.accepted += known;
        self.row += known;
        self.ahead.drain(..known);
        if let Some((drafting, lookup)) = &mut self.drafting {
            for token in tokens {
                lookup.push(*token, &mut drafting.odds);
            }
        }
        let (_, tokens) = tokens.split_at(known);
        if tokens.is_empty() {
            return Ok(());
        }
        self.rollback()?;
        let mut draft = Vec::new();
        if let (Some((drafting, lookup)), [_]) = (&self.drafting, tokens)
            && let Some(source) = lookup.next()
        {
            draft = lookup.draft(drafting.length(source, more));
        }
        let begun = Instant::now();
        self.row = 0;
        self.verified = !draft.is_empty();
        if draft.is_empty() {
            self.rows = self.prefix_cache.read_on(tokens, cancel)?;
        } else {
            let all = [tokens, &draft].concat();
            self.rows = self.prefix_cache.verify(&all, cancel)?;
            self.width = self.rows.len() / all.len();
            self.drafted.drafts += 1;
            self.drafted.tokens += draft.len();
        }
        if let (Some((drafting, _)), [_]) = (&mut self.drafting, tokens) {
            drafting.took(1 + draft.len(), begun.elapsed().as_secs_f64());
        }
        self.ahead = draft;
        Ok(())
    }

    /// Takes back the tokens that were read and not written; returns the figures of drafts.
    pub fn finish(mut self) -> Drafted {
        // Nobody reads on: tokens that cannot be taken back are not held either.
        if let Err(failure) = self.rollback() {
            log::error!("{failure}");
        }
        self.drafted
    }

    /// Takes back the tokens that were drafted and read behind the text.
    fn rollback(&mut self) -> Result<()> {
        if self.ahead.is_empty() {
            return Ok(());
        }
        let begun = Instant::now();
        let length = self.len();
        self.ahead.clear();
        self.verified = false;
        self.prefix_cache.rollback(length)?;
        if let Some((drafting, _)) = &mut self.drafting {
            drafting.took_back(begun.elapsed().as_secs_f64());
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
