//! Constrained decoding: the tokens that may come within a grammar.

use std::borrow::Cow;

use crate::base::bug::bug;
use crate::engine::constraint::token_mask::TokenMask;
use crate::grammar::Grammar;
use crate::model::sample::Allowed;
use crate::model::tokenizer::{TokenKind, Tokenizer};

/// The grammar that constrains one answer; where there is none, every drawable token may come.
pub(in crate::engine) struct Constrained<'a, 'm> {
    grammar: Option<(&'a mut (dyn Grammar + 'm), &'a mut TokenMask)>,
    /// Tokens that end an answer.
    stops: &'a [u32],
    drawable: &'a Allowed,
}

impl<'a, 'm> Constrained<'a, 'm> {
    /// Constrains an answer; the grammar is told what the vocabulary can write.
    pub fn new(
        mut grammar: Option<(&'a mut (dyn Grammar + 'm), &'a mut TokenMask)>,
        stops: &'a [u32],
        drawable: &'a Allowed,
    ) -> Self {
        if let Some((grammar, token_mask)) = &mut grammar {
            grammar.set_alphabet(token_mask.spelled());
        }
        Self {
            grammar,
            stops,
            drawable,
        }
    }

    /// Returns the tokens that may come next; within a thought every drawable one may.
    pub fn allowed(&mut self, thinks: bool) -> Cow<'a, Allowed> {
        match &mut self.grammar {
            Some((grammar, token_mask)) if !thinks => {
                let mut allowed = token_mask.allowed(*grammar);
                if grammar.may_end() {
                    for stop in self.stops {
                        allowed.set(*stop, true);
                    }
                }
                Cow::Owned(allowed)
            }
            _ => Cow::Borrowed(self.drawable),
        }
    }

    /// Tells whether there is a grammar that bars everything.
    pub fn bars(&self, allowed: &Allowed) -> bool {
        self.grammar.is_some() && allowed.is_empty()
    }

    /// Tells the grammar that a token of the answer is written; `left` may still follow.
    pub fn take(&mut self, token: u32, left: usize) {
        if let Some((grammar, token_mask)) = &mut self.grammar
            && !token_mask.take(*grammar, token, left)
        {
            let what = format!("token {token} was written and is not in the grammar");
            bug(&what, ());
        }
    }

    /// Tells whether the next token is the model's own choice, and not prescribed.
    pub fn is_free(&self) -> bool {
        self.grammar
            .as_ref()
            .is_none_or(|(grammar, _)| grammar.region().is_some())
    }
}

/// Makes the mask that asks grammars which tokens of a vocabulary may come.
pub(in crate::engine) fn token_mask(tokenizer: &Tokenizer, stops: &[u32]) -> TokenMask {
    TokenMask::new(texts(tokenizer, stops))
}

/// Returns the bytes of each token, by its id; empty for one that may not be written as text.
pub(in crate::engine) fn texts(tokenizer: &Tokenizer, stops: &[u32]) -> Vec<Vec<u8>> {
    let bytes = (0..tokenizer.len() as u32).map(|id| {
        let ordinary = matches!(tokenizer.kind(id), TokenKind::Normal | TokenKind::Byte);
        if ordinary && !stops.contains(&id) {
            tokenizer.printed(id).to_vec()
        } else {
            Vec::new()
        }
    });
    bytes.collect()
}
