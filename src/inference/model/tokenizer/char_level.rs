//! BPE over characters, with a token for each byte of those that the vocabulary lacks:
//! SentencePiece, where the score of what two tokens make decides, and Gemma 4, where merges are
//! ranked.

use rustc_hash::FxHashMap;

use super::merge::{Merges, merge};
use super::token_kind::TokenKind;

/// The order in which neighbours are merged.
#[derive(Debug)]
pub(super) enum Order {
    /// Higher scores first, of the token that two make (`tokenizer.ggml.scores`).
    Scores(Vec<f32>),
    /// Lower ranks first, of the merge (`tokenizer.ggml.merges`).
    Ranks(Merges),
}

/// A vocabulary of BPE over characters.
#[derive(Debug)]
pub(super) struct CharLevel {
    pub order: Order,
    /// True if a blank is put before text that stands behind a special token or begins a text.
    pub space_prefix: bool,
}

/// The parts of a vocabulary that encoding needs.
pub(super) struct Tokens<'t> {
    /// Ids of ordinary tokens by their bytes.
    pub ids: &'t FxHashMap<Vec<u8>, u32>,
    /// The bytes of each token.
    pub bytes: &'t [Vec<u8>],
    /// The kind of each token.
    pub kinds: &'t [TokenKind],
    /// The tokens of single bytes.
    pub byte_ids: &'t [Option<u32>; 256],
}

impl CharLevel {
    /// Appends the tokens of a text.
    pub fn encode(
        &self,
        text: &str,
        behind_special: bool,
        tokens: &Tokens<'_>,
        out: &mut Vec<u32>,
    ) {
        let prefixed: String;
        let text = if behind_special && self.space_prefix {
            prefixed = format!(" {text}");
            &prefixed
        } else {
            text
        };
        match &self.order {
            Order::Scores(scores) => {
                let mut symbols = symbols_of(text, tokens);
                merge(&mut symbols, |a, b| {
                    let id = joined(a, b, tokens)?;
                    Some((order_of(*scores.get(id as usize)?), id))
                });
                out.append(&mut symbols);
            }
            Order::Ranks(merges) => {
                for line in lines(text) {
                    if line.starts_with('\n')
                        && let Some(id) = tokens.ids.get(line.as_bytes())
                    {
                        out.push(*id);
                        continue;
                    }
                    let mut symbols = symbols_of(line, tokens);
                    merge(&mut symbols, |a, b| merges.get(&(a, b)).copied());
                    out.append(&mut symbols);
                }
            }
        }
    }
}

/// Parts a text into runs of line feeds and the texts between them.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = rest.find(|c| (c == '\n') != (first == '\n'));
        let (piece, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some(piece)
    })
}

/// Returns the tokens of single characters, or of their bytes where a character has none; a byte
/// without a token is left out.
fn symbols_of(text: &str, tokens: &Tokens<'_>) -> Vec<u32> {
    let mut symbols = Vec::with_capacity(text.len());
    let mut buffer = [0; 4];
    for c in text.chars() {
        let bytes = c.encode_utf8(&mut buffer).as_bytes();
        match tokens.ids.get(bytes) {
            Some(id) => symbols.push(*id),
            None => symbols.extend(
                bytes
                    .iter()
                    .filter_map(|b| tokens.byte_ids.get(usize::from(*b)).copied().flatten()),
            ),
        }
    }
    symbols
}

/// Returns the token that two make, if they make one; the token of a byte makes none with any
/// other.
fn joined(a: u32, b: u32, tokens: &Tokens<'_>) -> Option<u32> {
    let is_byte = |id: u32| tokens.kinds.get(id as usize) == Some(&TokenKind::Byte);
    if is_byte(a) || is_byte(b) {
        return None;
    }
    let (left, right) = (tokens.bytes.get(a as usize)?, tokens.bytes.get(b as usize)?);
    let whole = [left.as_slice(), right.as_slice()].concat();
    tokens.ids.get(&whole).copied()
}

/// Turns a score into a rank: the higher the score, the lower the rank.
pub(super) fn order_of(score: f32) -> u32 {
    let bits = score.to_bits();
    let ascending = if bits >> 31 == 0 {
        bits | 1 << 31
    } else {
        !bits
    };
    !ascending
}
