//! Answers without a model: tokens by chance within a grammar, to prove grammars and to measure
//! them.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::constraint::constrained;
use super::constraint::token_mask::TokenMask;
use super::local::stop_tokens;
use crate::base::{OrBug, Result};
use crate::grammar::Grammar;
use crate::model::gguf::Header;
use crate::model::sample::split_mix;
use crate::model::tokenizer::Tokenizer;

/// Chance, of 1,000, that a token that belongs to an edit's form is tried first: by pure
/// chance among 100,000 tokens no fence would ever be whole.
const FORMAL: u64 = 300;
/// Chance, of 1,000, that a byte that might end free text is begun where it can be.
const BEGIN: u64 = 150;
/// Chance, of 1,000, that such a byte comes again once it has come.
const STAY: u64 = 960;
/// The most bytes of a token with which a text is spelled.
const LONGEST: usize = 64;
/// The texts of tokens that belong to the forms of edits.
const FORMAL_TEXTS: [&str; 14] = [
    "\n", "*", "***", " ", "=======", "=", "<", "<<<<<<<", ">", ">>>>>>>", "re", "place", "create",
    "end",
];

/// The outcome of a walk.
#[derive(Debug, Clone, Default)]
pub struct Walked {
    /// The bytes that were written.
    pub text: Vec<u8>,
    /// Number of tokens that were written.
    pub tokens: usize,
    /// True if the walk came to an end, and not to the limit.
    pub ended: bool,
    /// True if nothing could come next though the text could not end either: a fault of the
    /// grammar.
    pub stuck: bool,
    /// The times that asking the grammar took where it prescribes the text.
    pub strict: Vec<Duration>,
    /// The times that asking the grammar took in free text.
    pub free: Vec<Duration>,
}

/// Walks through grammars with one vocabulary.
pub struct Walker {
    token_mask: TokenMask,
    /// The bytes of each token, by its id.
    bytes: Vec<Vec<u8>>,
    /// Ids of the tokens that belong to the forms of edits.
    formal: Vec<u32>,
    ids: HashMap<Vec<u8>, u32>,
}

impl Walker {
    /// Takes the vocabulary of a model's file, filled up to `size` with tokens made of two of its
    /// own where it has fewer.
    ///
    /// # Errors
    /// Errors of reading the file.
    pub fn from_file(file: &Path, size: usize) -> Result<Self> {
        let header = Header::read(file)?;
        let tokenizer = Tokenizer::from_header(&header)?;
        let mut bytes = constrained::texts(&tokenizer, &stop_tokens(&header, &tokenizer));
        // Large vocabularies are large by their words: tokens that cross lines are in small ones
        // too.
        let plain = |token: &&Vec<u8>| {
            let text = std::str::from_utf8(token);
            text.is_ok_and(|text| !text.is_empty() && !text.contains(char::is_control))
        };
        let words: Vec<Vec<u8>> = bytes.iter().filter(plain).cloned().collect();
        let mut random = 1;
        while bytes.len() < size && !words.is_empty() {
            let mut half = || {
                let at = split_mix(&mut random) as usize % words.len();
                words.get(at).cloned().or_bug("there is no such word")
            };
            let both = [half(), half()].concat();
            bytes.push(both);
        }
        Ok(Self::new(bytes))
    }

    /// Takes a vocabulary: the bytes of each token, by its id.
    pub fn new(bytes: Vec<Vec<u8>>) -> Self {
        let formal = (0..)
            .zip(&bytes)
            .filter(|(_, token)| FORMAL_TEXTS.iter().any(|text| text.as_bytes() == *token))
            .map(|(id, _)| id)
            .collect();
        Self {
            token_mask: TokenMask::new(bytes.clone()),
            ids: bytes.iter().cloned().zip(0..).collect(),
            bytes,
            formal,
        }
    }

    /// Counts the tokens of the vocabulary.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Tells whether the vocabulary has no token.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Spells a text with few tokens, the longest one that the grammar takes each time. Returns the
    /// bytes that were taken, all of them where the text belongs to the grammar, and the tokens.
    pub fn spell(
        &mut self,
        grammar: &mut dyn Grammar,
        text: &[u8],
        limit: usize,
    ) -> (usize, usize) {
        grammar.set_alphabet(self.token_mask.spelled());
        let (mut rest, mut tokens) = (text, 0);
        while !rest.is_empty() {
            let allowed = self.token_mask.allowed(grammar);
            let longest = rest.len().min(LONGEST);
            let best = (1..=longest).rev().find_map(|length| {
                let (token, behind) = rest.split_at_checked(length)?;
                let id = self.ids.get(token)?;
                allowed.get(*id).then_some((*id, behind))
            });
            let Some((id, behind)) = best else {
                break;
            };
            tokens += 1;
            if !self
                .token_mask
                .take(grammar, id, limit.saturating_sub(tokens))
            {
                break;
            }
            rest = behind;
        }
        (text.len() - rest.len(), tokens)
    }

    /// Writes tokens by chance until the grammar lets the text end or `limit` tokens are there.
    pub fn walk(&mut self, grammar: &mut dyn Grammar, limit: usize, seed: u64) -> Walked {
        let mut walked = Walked::default();
        let mut random = seed;
        grammar.set_alphabet(self.token_mask.spelled());
        while walked.tokens < limit {
            let region = grammar.region();
            let begun = Instant::now();
            let allowed = self.token_mask.allowed(grammar);
            let took = begun.elapsed();
            match region {
                Some(_) => walked.free.push(took),
                None => walked.strict.push(took),
            }
            if grammar.may_end()
                && (allowed.is_empty() || split_mix(&mut random).is_multiple_of(40))
            {
                walked.ended = true;
                return walked;
            }
            // What has begun like a fence mostly goes on like one.
            let guard = region.and_then(|region| region.guard);
            let mut token = guard.and_then(|guard| {
                let begun = walked.text.last() == Some(&guard);
                let often = if begun { STAY } else { BEGIN };
                let id = self.formal.iter().find(|id| {
                    let token = self.bytes.get(**id as usize);
                    token.is_some_and(|token| token.as_slice() == [guard])
                });
                id.copied()
                    .filter(|id| split_mix(&mut random) % 1000 < often && allowed.get(*id))
            });
            if token.is_none() && split_mix(&mut random) % 1000 < FORMAL && !self.formal.is_empty()
            {
                let at = split_mix(&mut random) as usize % self.formal.len();
                token = self.formal.get(at).copied().filter(|id| allowed.get(*id));
            }
            let from = (split_mix(&mut random) % self.bytes.len().max(1) as u64) as u32;
            let token = token
                .or_else(|| allowed.first_from(from))
                .or_else(|| allowed.first_from(0));
            let Some(token) = token else {
                walked.stuck = true;
                return walked;
            };
            walked.tokens += 1;
            let bytes = self.bytes.get(token as usize).map(Vec::as_slice);
            let bytes = bytes.or_bug("a token is not in the vocabulary");
            walked.text.extend_from_slice(bytes);
            if !self.token_mask.take(grammar, token, limit - walked.tokens) {
                walked.stuck = true;
                return walked;
            }
        }
        walked
    }
}
