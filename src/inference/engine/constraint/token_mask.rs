//! From bytes to tokens: which tokens of a vocabulary a grammar takes.
//!
//! In free text nearly all of them come, so the answer is kept for each region of it: tokens of
//! whole plain characters are known beforehand, the others are tried once, and only those that
//! could lead out of the free text are tried each time.

use std::collections::HashMap;

use crate::base::OrBug;
use crate::engine::constraint::trie::Trie;
use crate::grammar::{ByteSet, Grammar, Region};
use crate::model::sample::Allowed;

/// Regions whose tokens are kept.
const MOST_KEPT: usize = 256;

/// The tokens of one region of free text.
struct RegionTokens {
    /// Tokens that stay in the region.
    inside: Allowed,
    /// Tokens that may lead out of the region.
    across: Trie,
}

/// Asks grammars which tokens of a vocabulary may come.
pub(in crate::engine) struct TokenMask {
    trie: Trie,
    /// The bytes of each token, by its id.
    bytes: Vec<Vec<u8>>,
    /// Tokens of whole characters with no control character but tabs.
    plain: Allowed,
    /// Tokens that are not plain.
    others: Vec<u32>,
    /// Plain tokens by their first byte: 256 lists.
    by_first: Vec<Vec<u32>>,
    kept: HashMap<Region, RegionTokens>,
    /// Bytes that can be written.
    spelled: ByteSet,
}

impl TokenMask {
    /// Takes over a vocabulary: the bytes of each token that may be written as text, empty for one
    /// that may not.
    pub fn new(bytes: Vec<Vec<u8>>) -> Self {
        let trie = Trie::new((0..).zip(bytes.iter().map(Vec::as_slice)));
        let mut plain = Allowed::none(bytes.len());
        let mut others = Vec::new();
        let mut by_first = vec![Vec::new(); 256];
        let mut spelled = ByteSet::default();
        for (id, token) in (0_u32..).zip(&bytes) {
            let Some(first) = token.first() else {
                continue;
            };
            if let [byte] = token.as_slice() {
                spelled.insert(*byte);
            }
            let steers = |c: char| c.is_control() && c != '\t';
            if std::str::from_utf8(token).is_ok_and(|text| !text.contains(steers)) {
                plain.set(id, true);
                if let Some(list) = by_first.get_mut(usize::from(*first)) {
                    list.push(id);
                }
            } else {
                others.push(id);
            }
        }
        Self {
            trie,
            bytes,
            plain,
            others,
            by_first,
            kept: HashMap::new(),
            spelled,
        }
    }

    /// Returns the bytes that the vocabulary can write, each as a token of its own.
    pub fn spelled(&self) -> ByteSet {
        self.spelled
    }

    /// Returns the tokens that may come next.
    pub fn allowed(&mut self, grammar: &mut dyn Grammar) -> Allowed {
        let Some(region) = grammar.region() else {
            let mut allowed = Allowed::none(self.bytes.len());
            self.trie.walk(grammar, &mut allowed);
            return allowed;
        };
        if self.kept.len() >= MOST_KEPT && !self.kept.contains_key(&region) {
            self.kept.clear();
        }
        let kept = self.kept.entry(region).or_insert_with(|| {
            let all = Allowed::none(self.bytes.len());
            let mut inside = if region.plain {
                self.plain.clone()
            } else {
                all
            };
            let mut across = Vec::new();
            let tried =
                |byte: &usize| !region.plain || region.guard.map(usize::from) == Some(*byte);
            let plain = (0..self.by_first.len()).filter(tried);
            let plain = plain.filter_map(|byte| self.by_first.get(byte)).flatten();
            for id in self.others.iter().chain(plain) {
                let bytes = bytes_of(&self.bytes, *id);
                let fate = fate(grammar, bytes, region.exits);
                inside.set(*id, fate == Fate::Inside);
                if fate == Fate::Across {
                    across.push((*id, bytes));
                }
            }
            RegionTokens {
                inside,
                across: Trie::new(across.into_iter()),
            }
        });
        let mut allowed = kept.inside.clone();
        kept.across.walk(grammar, &mut allowed);
        allowed
    }

    /// Writes a token of the vocabulary, behind which `left` may follow. False where the grammar
    /// does not take it.
    pub fn take(&self, grammar: &mut dyn Grammar, token: u32, left: usize) -> bool {
        for (count, byte) in bytes_of(&self.bytes, token).iter().enumerate() {
            if !grammar.push(*byte) {
                grammar.pop(count);
                return false;
            }
        }
        grammar.commit(left);
        true
    }
}

/// Returns the bytes of a token of the vocabulary; empty for one that may not be written as text.
fn bytes_of(vocabulary: &[Vec<u8>], token: u32) -> &[u8] {
    let bytes = vocabulary.get(token as usize).map(Vec::as_slice);
    bytes.or_bug("a token is not in the vocabulary")
}

/// The way that a token of a region leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The token leads to another place of the free text.
    Inside,
    /// The token may lead out of the free text: that depends on more than the region.
    Across,
    /// The grammar does not take the token.
    Nowhere,
}

/// Tries a token from a region, and takes it back.
fn fate(grammar: &mut dyn Grammar, bytes: &[u8], exits: &[u8]) -> Fate {
    if bytes.first().is_some_and(|byte| exits.contains(byte)) {
        return Fate::Across;
    }
    let mut fate = Fate::Inside;
    let mut pushed = 0;
    for byte in bytes {
        if !grammar.push(*byte) {
            if fate == Fate::Inside {
                fate = Fate::Nowhere;
            }
            break;
        }
        pushed += 1;
        if grammar.region().is_none() {
            fate = Fate::Across;
            break;
        }
    }
    grammar.pop(pushed);
    fate
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn takes(grammar: &mut dyn Grammar, bytes: &[u8]) -> bool {
        let pushed = bytes.iter().take_while(|byte| grammar.push(**byte)).count();
        grammar.pop(pushed);
        pushed == bytes.len()
    }

    /// Lines of free text; one that begins with `# ` names one of some words, and nothing else.
    struct Lines {
        states: Vec<NumberState>,
        words: Vec<&'static str>,
    }

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum NumberState {
        Begin,
        Sign,
        Free,
        Word(u8, u8),
    }

    impl Lines {
        fn new() -> Self {
            Self {
                states: vec![NumberState::Begin],
                words: vec!["alpha\n", "alps\n", "b\n", "é\n"],
            }
        }
        fn next_state(&self, byte: u8) -> Option<NumberState> {
            let first = |depth: u8, bits: u8| {
                let mut left = 0;
                for (at, word) in self.words.iter().enumerate() {
                    let this = word.as_bytes().get(depth as usize);
                    if bits >> at & 1 == 1 && this == Some(&byte) {
                        if byte == b'\n' {
                            return Some(NumberState::Begin);
                        }
                        left |= 1 << at;
                    }
                }
                (left != 0).then_some(NumberState::Word(left, depth + 1))
            };
            match (self.states.last()?, byte) {
                (NumberState::Begin, b'#') => Some(NumberState::Sign),
                (NumberState::Sign, b' ') => Some(NumberState::Word(15, 0)),
                (NumberState::Word(bits, depth), _) => first(*depth, *bits),
                (_, b'\n') => Some(NumberState::Begin),
                (_, 0..b' ' | 0x80..) => None,
                _ => Some(NumberState::Free),
            }
        }
    }

    impl Grammar for Lines {
        fn push(&mut self, byte: u8) -> bool {
            let state = self.next_state(byte);
            self.states.extend(state);
            state.is_some()
        }
        fn pop(&mut self, count: usize) {
            self.states.truncate(self.states.len() - count);
        }
        fn commit(&mut self, _: usize) {
            self.states.drain(..self.states.len() - 1);
        }
        fn next(&self) -> ByteSet {
            (0..=u8::MAX)
                .filter(|byte| self.next_state(*byte).is_some())
                .collect()
        }
        fn may_end(&self) -> bool {
            true
        }
        fn region(&self) -> Option<Region> {
            let (key, guard) = match self.states.last()? {
                NumberState::Begin => (0, Some(b'#')),
                NumberState::Free => (1, None),
                _ => return None,
            };
            Some(Region {
                key,
                plain: true,
                guard,
                exits: b"",
            })
        }
        fn set_alphabet(&mut self, _: ByteSet) {}
    }

    proptest! {
        /// What is kept and what is walked at once is what each token alone says.
        #[test]
        fn the_tokens_are_those_that_the_mask_takes(
            tokens in proptest::collection::vec("[#ab lp\né]{0,4}|# a|# alp", 1..60),
            choices in proptest::collection::vec(any::<u16>(), 0..30),
        ) {
            // Letters that are ASCII alone are free here.
            let bytes: Vec<Vec<u8>> = tokens.iter().map(|text| text.replace('é', "~").into_bytes()).collect();
            let mut token_mask = TokenMask::new(bytes.clone());
            let mut grammar = Lines::new();
            for choice in choices {
                let allowed = token_mask.allowed(&mut grammar);
                let mut open = Vec::new();
                for (id, token) in (0_u32..).zip(&bytes) {
                    let may = !token.is_empty() && takes(&mut grammar, token);
                    prop_assert_eq!(allowed.get(id), may, "{:?}", token);
                    if may {
                        open.push(id);
                    }
                }
                let Some(token) = open.get(usize::from(choice) % open.len().max(1)) else {
                    break;
                };
                prop_assert!(token_mask.take(&mut grammar, *token, 10));
                prop_assert_eq!(grammar.states.len(), 1);
            }
        }
    }
}
