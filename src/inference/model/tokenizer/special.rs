//! The tokens of a vocabulary that stand in a text as a whole: control tokens and those that
//! the vocabulary's makers have defined.

use aho_corasick::{AhoCorasick, MatchKind};

use super::encoder::Encoding;
use super::token_kind::{TokenKind, steers};
use crate::base::{Failure, Result};

/// Finds special tokens by their texts: the leftmost, of several there the longest.
#[derive(Debug)]
pub(super) struct Specials {
    /// Control and user-defined tokens.
    all: Finder,
    /// User-defined tokens.
    user: Finder,
    /// User-defined tokens that steer nothing.
    ordinary: Finder,
}

impl Specials {
    /// The special tokens of a vocabulary, by its texts and kinds and by its chat template, whose
    /// words steer.
    pub fn new(tokens: &[&str], kinds: &[TokenKind], template: &str) -> Result<Self> {
        let of = |wanted: &dyn Fn(TokenKind, &str) -> bool| {
            let found = (0_u32..).zip(tokens.iter().zip(kinds));
            let found = found.filter(|(_, (text, kind))| !text.is_empty() && wanted(**kind, text));
            Finder::new(found.map(|(id, (text, _))| (*text, id)).collect())
        };
        Ok(Self {
            all: of(&|kind, _| matches!(kind, TokenKind::Control | TokenKind::UserDefined))?,
            user: of(&|kind, _| kind == TokenKind::UserDefined)?,
            ordinary: of(&|kind, text| kind == TokenKind::UserDefined && !steers(text, template))?,
        })
    }

    /// Finds the tokens of a text that `how` has taken for what they say: start and end in bytes,
    /// and id of each; no two overlap.
    pub fn find<'s>(
        &'s self,
        text: &'s str,
        how: Encoding,
    ) -> impl Iterator<Item = (usize, usize, u32)> + use<'s> {
        let finder = match (how.control, how.steering) {
            (true, _) => &self.all,
            (false, true) => &self.user,
            (false, false) => &self.ordinary,
        };
        finder.find(text)
    }

    /// Finds the token with exactly this text.
    pub fn get(&self, text: &str) -> Option<u32> {
        let mut found = self.all.find(text);
        found
            .next()
            .filter(|(start, end, _)| *start == 0 && *end == text.len())
            .map(|(_, _, id)| id)
    }
}

#[derive(Debug)]
struct Finder {
    automaton: Option<AhoCorasick>,
    ids: Vec<u32>,
}

impl Finder {
    fn new(tokens: Vec<(&str, u32)>) -> Result<Self> {
        let automaton = if tokens.is_empty() {
            None
        } else {
            let built = AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(tokens.iter().map(|(text, _)| text));
            Some(built.map_err(|e| {
                Failure::model("the model's special tokens cannot be used").because(e)
            })?)
        };
        Ok(Self {
            automaton,
            ids: tokens.into_iter().map(|(_, id)| id).collect(),
        })
    }

    fn find<'s>(&'s self, text: &'s str) -> impl Iterator<Item = (usize, usize, u32)> + use<'s> {
        let found = self.automaton.iter().flat_map(move |a| a.find_iter(text));
        found.filter_map(|found| {
            let id = self.ids.get(found.pattern().as_usize())?;
            Some((found.start(), found.end(), *id))
        })
    }
}
