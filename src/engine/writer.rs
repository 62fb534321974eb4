//! Writing: the logits behind a text that grows token by token, whether each token is read when
//! it is there or was drafted and read before.
//!
//! What is written does not depend on drafts. Each token is drawn from the logits behind the one
//! before it, in order, with the one sampler; a draft only means that these logits are there
//! already. While the token drawn is the one drafted, the next row is handed out; with the first
//! that is not, or that is followed by tokens the model did not choose, what was read too much is
//! taken back.
//!
//! On x86 several tokens read at once give to the last bit what each alone gives, so the text is
//! the same. With NEON and on GPUs they round a little differently; and where inputs are rounded
//! to 8 bits, a trifle can push one to the next number. Where two tokens are so close that this
//! could decide, the greedy choice is made on the token read alone ([`Writer::alone`]); what that
//! token looks back on may still have been read among others. Above temperature 0 the
//! distribution is the same up to this rounding, and so is the text of a seed but where the draw
//! falls on the border of two tokens.

use std::time::Instant;

use super::draft::{Drafting, Lookup};
use super::recall::{Recall, common};
use crate::base::{Cancel, Result};

/// Nearer than this, in logits, the choice between two tokens is made on the token read alone.
pub(super) const CLOSE: f32 = 0.1;

/// What came of drafts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Drafted {
    /// Tokens that were drafted.
    pub tokens: usize,
    /// Of these, what was written indeed.
    pub accepted: usize,
    /// Drafts.
    pub drafts: usize,
    /// Tokens read again alone.
    pub again: usize,
}

/// A text that is being written.
pub(super) struct Writer<'a> {
    recall: &'a mut Recall,
    drafting: Option<(&'a mut Drafting, Lookup)>,
    /// Logits behind the tokens of the last read, row by row.
    rows: Vec<f32>,
    /// Numbers of a row.
    width: usize,
    /// The row behind the text.
    row: usize,
    /// What was drafted and read behind the text.
    ahead: Vec<u32>,
    /// Whether the rows are of a read of several tokens that can be taken back.
    verified: bool,
    drafted: Drafted,
}

impl<'a> Writer<'a> {
    /// One that writes behind what `recall` holds, with the logits behind it; with drafts where
    /// the network can take them back.
    pub fn new(
        recall: &'a mut Recall,
        logits: Vec<f32>,
        drafting: Option<&'a mut Drafting>,
    ) -> Self {
        let drafting = drafting.filter(|_| recall.can_take_back()).map(|drafting| {
            drafting.begin();
            let lookup = Lookup::new(recall.held(), &drafting.odds);
            (drafting, lookup)
        });
        Self {
            width: logits.len(),
            rows: logits,
            recall,
            drafting,
            row: 0,
            ahead: Vec::new(),
            verified: false,
            drafted: Drafted::default(),
        }
    }

    /// Tokens of the text.
    pub fn len(&self) -> usize {
        self.recall.held().len() - self.ahead.len()
    }

    /// The logits behind the text; who changes them has changed them.
    pub fn logits(&mut self) -> &mut [f32] {
        let from = self.row * self.width;
        self.rows
            .get_mut(from..from + self.width)
            .unwrap_or_default()
    }

    /// Reads the last token again, alone, if it was read with others; says whether it was.
    ///
    /// # Errors
    /// Interrupted, if cancelled: the text is then without that token.
    pub fn alone(&mut self, cancel: &Cancel) -> Result<bool> {
        let before = self.len() - 1;
        let last = self.recall.held().get(before).copied();
        let Some(last) = last.filter(|_| self.verified) else {
            return Ok(false);
        };
        self.ahead.clear();
        self.verified = false;
        self.recall.take_back(before)?;
        self.drafted.again += 1;
        self.rows = self.recall.read_on(&[last], cancel)?;
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
        let tokens = tokens.get(known..).unwrap_or_default();
        if tokens.is_empty() {
            return Ok(());
        }
        self.take_back()?;
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
            self.rows = self.recall.read_on(tokens, cancel)?;
        } else {
            let all = [tokens, &draft].concat();
            self.rows = self.recall.verify(&all, cancel)?;
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

    /// Takes back what was read and not written, and tells what came of drafts.
    pub fn finish(mut self) -> Drafted {
        // What cannot be taken back is not held either.
        let _ = self.take_back();
        self.drafted
    }

    fn take_back(&mut self) -> Result<()> {
        if self.ahead.is_empty() {
            return Ok(());
        }
        let begun = Instant::now();
        let length = self.len();
        self.ahead.clear();
        self.verified = false;
        self.recall.take_back(length)?;
        if let Some((drafting, _)) = &mut self.drafting {
            drafting.took_back(begun.elapsed().as_secs_f64());
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
