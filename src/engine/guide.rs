//! Writing within a mask: which tokens may come, and what is told to the mask.

use std::borrow::Cow;

use super::lift::Lift;
use crate::base::Mask;
use crate::model::sample::Allowed;
use crate::model::tokenizer::{TokenKind, Tokenizer};

/// The mask of one answer; or none, and then everything drawable may come.
pub(super) struct Guide<'a, 'm> {
    mask: Option<(&'a mut (dyn Mask + 'm), &'a mut Lift)>,
    /// Tokens that end an answer.
    stops: &'a [u32],
    drawable: &'a Allowed,
}

impl<'a, 'm> Guide<'a, 'm> {
    /// A guide; the mask is told what the vocabulary can write.
    pub fn new(
        mut mask: Option<(&'a mut (dyn Mask + 'm), &'a mut Lift)>,
        stops: &'a [u32],
        drawable: &'a Allowed,
    ) -> Self {
        if let Some((mask, lift)) = &mut mask {
            mask.spell(lift.spelled());
        }
        Self {
            mask,
            stops,
            drawable,
        }
    }

    /// The tokens that may come next; a thought is free.
    pub fn allowed(&mut self, thinks: bool) -> Cow<'a, Allowed> {
        match &mut self.mask {
            Some((mask, lift)) if !thinks => {
                let mut allowed = lift.allowed(*mask);
                if mask.may_end() {
                    for stop in self.stops {
                        allowed.set(*stop, true);
                    }
                }
                Cow::Owned(allowed)
            }
            _ => Cow::Borrowed(self.drawable),
        }
    }

    /// Whether there is a mask that bars everything.
    pub fn bars(&self, allowed: &Allowed) -> bool {
        self.mask.is_some() && allowed.is_empty()
    }

    /// A token of the answer is written; `left` may still follow.
    pub fn take(&mut self, token: u32, left: usize) {
        if let Some((mask, lift)) = &mut self.mask
            && !lift.take(*mask, token, left)
        {
            log::warn!("token {token} was written and is not in the mask");
        }
    }

    /// Whether what comes next is the model's own choice, and not prescribed.
    pub fn is_free(&self) -> bool {
        self.mask
            .as_ref()
            .is_none_or(|(mask, _)| mask.region().is_some())
    }
}

/// What lifts masks to a vocabulary.
pub(super) fn lift(tokenizer: &Tokenizer, stops: &[u32]) -> Lift {
    Lift::new(texts(tokenizer, stops))
}

/// The bytes of each token that may be written as text; empty for others.
pub(super) fn texts(tokenizer: &Tokenizer, stops: &[u32]) -> Vec<Vec<u8>> {
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
