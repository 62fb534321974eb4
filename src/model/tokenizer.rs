//! Text to token ids and back, by the vocabulary of the GGUF.
//!
//! Two families: byte-level BPE with ranked merges (`tokenizer.ggml.model` = `gpt2`) and
//! SentencePiece BPE with scores and byte fallback (`llama`).

use std::collections::HashMap;

use fancy_regex::Regex;
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

use super::gguf::{Header, Value};
use super::merge::{Merges, merge};
use super::split::Splitter;
use crate::base::{Failure, Result};

pub use super::pieces::TextStream;
pub use super::token_kind::TokenKind;
use super::token_kind::{kind_by_text, steers};

/// How a text is turned into tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    /// Whether control tokens in the text are taken for what they say. Never for text that
    /// a person or a file wrote.
    pub control: bool,
    /// Whether user-defined tokens that steer the conversation too (`<think>`,
    /// `</tool_call>`) are taken for what they say.
    pub steering: bool,
    /// Whether characters are composed first where the original tokenizer does (Qwen: NFC).
    pub compose: bool,
}

impl Encoding {
    /// Text from people, files and models: whatever it spells steers nothing.
    pub const TEXT: Self = Self {
        control: false,
        steering: false,
        compose: true,
    };
    /// Text of the chat template itself.
    pub const TEMPLATE: Self = Self {
        control: true,
        steering: true,
        compose: true,
    };
    /// Exactly these bytes, no control tokens, all user-defined ones.
    pub const PLAIN: Self = Self {
        control: false,
        steering: true,
        compose: false,
    };
}

enum Family {
    ByteLevel {
        splitter: Splitter,
        merges: Merges,
    },
    Scored {
        scores: Vec<f32>,
        space_prefix: bool,
    },
}

/// A vocabulary and how to use it.
pub struct Tokenizer {
    family: Family,
    /// The bytes each token stands for.
    bytes: Vec<Vec<u8>>,
    kinds: Vec<TokenKind>,
    ids: HashMap<Vec<u8>, u32>,
    byte_ids: [Option<u32>; 256],
    /// User-defined tokens that steer nothing.
    ordinary: Option<Regex>,
    /// All user-defined tokens.
    user: Option<Regex>,
    /// Control and user-defined tokens.
    control: Option<Regex>,
    /// Control tokens and those that steer.
    guarded: Option<Regex>,
    literal: HashMap<String, u32>,
    /// The token a text begins with, where the file has one.
    pub bos: Option<u32>,
    /// The token the file names as the end.
    pub eos: Option<u32>,
    /// Whether every prompt begins with `bos`.
    pub add_bos: bool,
}

impl Tokenizer {
    /// Builds it from the header's `tokenizer.*` keys.
    ///
    /// # Errors
    /// Of kind model, if the vocabulary is missing, broken or of a family not supported.
    pub fn from_header(header: &Header) -> Result<Self> {
        let broken = |what: &str| {
            Failure::model("the model's vocabulary cannot be used")
                .because(what)
                .hint("download the file again, or use another conversion of the model")
        };
        let model = header
            .text("tokenizer.ggml.model")
            .ok_or_else(|| broken("the file has none"))?;
        let tokens = header
            .texts("tokenizer.ggml.tokens")
            .filter(|tokens| !tokens.is_empty())
            .ok_or_else(|| broken("`tokenizer.ggml.tokens` is missing"))?;
        let types = header
            .metadata
            .get("tokenizer.ggml.token_type")
            .and_then(Value::as_array);
        let kinds: Vec<TokenKind> = (0..tokens.len())
            .map(|i| {
                let number = types.and_then(|types| types.get(i)).and_then(Value::as_u64);
                let kind = number.map_or(TokenKind::Normal, TokenKind::of);
                kind_by_text(tokens.get(i).copied().unwrap_or(""), kind)
            })
            .collect();
        let byte_level = match model {
            "gpt2" => true,
            "llama" => false,
            other => {
                return Err(broken(&format!("a tokenizer of the family `{other}`"))
                    .hint("supported are the families gpt2 (byte-level BPE) and llama (SentencePiece)"));
            }
        };
        let bytes: Vec<Vec<u8>> = tokens
            .iter()
            .zip(&kinds)
            .map(|(text, kind)| match (byte_level, kind) {
                (_, TokenKind::Control | TokenKind::UserDefined | TokenKind::Unused) => {
                    text.as_bytes().to_vec()
                }
                (true, _) => unmap(text),
                (false, TokenKind::Byte) => byte_token(text).map_or_else(Vec::new, |b| vec![b]),
                (false, _) => text.replace('\u{2581}', " ").into_bytes(),
            })
            .collect();
        let mut ids = HashMap::with_capacity(bytes.len());
        let mut byte_ids = [None; 256];
        for (id, (token, kind)) in bytes.iter().zip(&kinds).enumerate() {
            let single = matches!(kind, TokenKind::Byte) || byte_level && token.len() == 1;
            if let ([byte], true) = (token.as_slice(), single)
                && let Some(slot) = byte_ids.get_mut(usize::from(*byte))
            {
                slot.get_or_insert(id as u32);
            }
            if matches!(kind, TokenKind::Normal) {
                ids.entry(token.clone()).or_insert(id as u32);
            }
        }
        let family = if byte_level {
            let splitter = Splitter::named(header.text("tokenizer.ggml.pre").unwrap_or("default"))?;
            let list = header
                .texts("tokenizer.ggml.merges")
                .ok_or_else(|| broken("`tokenizer.ggml.merges` is missing"))?;
            let mut merges = Merges::with_capacity(list.len());
            for (rank, pair) in list.iter().enumerate() {
                // Blanks are mapped to another character here, so the first one parts the two.
                let Some((left, right)) = pair.split_once(' ') else {
                    return Err(broken("a merge that is no pair"));
                };
                let (left, right) = (unmap(left), unmap(right));
                let whole = [left.as_slice(), right.as_slice()].concat();
                if let (Some(a), Some(b), Some(c)) =
                    (ids.get(&left), ids.get(&right), ids.get(&whole))
                {
                    merges.entry((*a, *b)).or_insert((rank as u32, *c));
                }
            }
            Family::ByteLevel { splitter, merges }
        } else {
            let scores = header
                .metadata
                .get("tokenizer.ggml.scores")
                .and_then(Value::as_array);
            let scores = (0..bytes.len())
                .map(|i| {
                    let score = scores
                        .and_then(|scores| scores.get(i))
                        .and_then(Value::as_f64);
                    score.unwrap_or(0.0) as f32
                })
                .collect();
            let space_prefix = !matches!(
                header.metadata.get("tokenizer.ggml.add_space_prefix"),
                Some(Value::Bool(false))
            );
            Family::Scored {
                scores,
                space_prefix,
            }
        };
        let of_kind = |wanted: &[TokenKind]| {
            let mut found: Vec<(&str, u32)> = tokens
                .iter()
                .zip(&kinds)
                .enumerate()
                .filter(|(_, (text, kind))| wanted.contains(kind) && !text.is_empty())
                .map(|(id, (text, _))| (*text, id as u32))
                .collect();
            // The longest first: the expression takes the first that fits.
            found.sort_by_key(|(text, id)| (std::cmp::Reverse(text.len()), *id));
            found
        };
        let user = of_kind(&[TokenKind::UserDefined]);
        let both = of_kind(&[TokenKind::UserDefined, TokenKind::Control]);
        let template = header.text("tokenizer.chat_template").unwrap_or("");
        let (steering, ordinary): (Vec<_>, Vec<_>) = user
            .iter()
            .copied()
            .partition(|(text, _)| steers(text, template));
        let guarded: Vec<_> = both
            .iter()
            .filter(|token| steering.contains(token) || !user.contains(token))
            .copied()
            .collect();
        let known = |key: &str| {
            let id = header.number(key)?;
            (id < tokens.len() as u64).then_some(id as u32)
        };
        Ok(Self {
            family,
            ordinary: alternatives(&ordinary)?,
            user: alternatives(&user)?,
            control: alternatives(&both)?,
            guarded: alternatives(&guarded)?,
            literal: both
                .iter()
                .map(|(text, id)| ((*text).to_owned(), *id))
                .collect(),
            ids,
            byte_ids,
            bos: known("tokenizer.ggml.bos_token_id"),
            eos: known("tokenizer.ggml.eos_token_id"),
            add_bos: match header.metadata.get("tokenizer.ggml.add_bos_token") {
                Some(Value::Bool(add)) => *add,
                _ => !byte_level,
            },
            bytes,
            kinds,
        })
    }

    /// Tokens of the vocabulary.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the vocabulary is empty; it never is.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What sort a token is.
    pub fn kind(&self, id: u32) -> TokenKind {
        self.kinds
            .get(id as usize)
            .copied()
            .unwrap_or(TokenKind::Unused)
    }

    /// The control or user-defined token with exactly this text.
    pub fn special(&self, text: &str) -> Option<u32> {
        self.literal.get(text).copied()
    }

    /// The bytes a token stands for; none for control tokens, which are not printed.
    pub fn printed(&self, id: u32) -> &[u8] {
        match self.kind(id) {
            TokenKind::Control | TokenKind::Unused => &[],
            _ => self.bytes.get(id as usize).map_or(&[], Vec::as_slice),
        }
    }

    /// The text of a token as it stands in the vocabulary, control tokens included.
    pub fn text(&self, id: u32) -> String {
        let bytes = self.bytes.get(id as usize).map_or(&[][..], Vec::as_slice);
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// Appends the tokens of `text` to `out`. `first` says that nothing stands before it
    /// (SentencePiece puts a blank there).
    pub fn encode_into(&self, text: &str, how: Encoding, first: bool, out: &mut Vec<u32>) {
        let composed: String;
        let text = if how.compose && self.composes() && !is_nfc(text) {
            composed = text.nfc().collect();
            &composed
        } else {
            text
        };
        let specials = match (how.control, how.steering) {
            (true, _) => &self.control,
            (false, true) => &self.user,
            (false, false) => &self.ordinary,
        };
        let mut last = 0;
        let mut first = first;
        if let Some(specials) = specials {
            for found in specials.find_iter(text).flatten() {
                if let Some(before) = text.get(last..found.start()).filter(|s| !s.is_empty()) {
                    self.encode_ordinary(before, first, out);
                }
                out.extend(self.literal.get(found.as_str()));
                last = found.end();
                first = false;
            }
        }
        if let Some(rest) = text.get(last..).filter(|s| !s.is_empty()) {
            self.encode_ordinary(rest, first, out);
        }
    }

    /// The tokens of a text by itself.
    pub fn encode(&self, text: &str, how: Encoding) -> Vec<u32> {
        let mut out = Vec::with_capacity(text.len() / 3 + 1);
        self.encode_into(text, how, true, &mut out);
        out
    }

    /// Where the texts of tokens that steer the conversation stand in `text`, as byte ranges.
    pub fn control_texts(&self, text: &str) -> Vec<(usize, usize)> {
        let Some(guarded) = &self.guarded else {
            return Vec::new();
        };
        guarded
            .find_iter(text)
            .flatten()
            .map(|found| (found.start(), found.end()))
            .collect()
    }

    /// The text of some tokens; control tokens leave nothing, broken UTF-8 is replaced.
    pub fn decode(&self, ids: &[u32]) -> String {
        let bytes: Vec<u8> = ids
            .iter()
            .flat_map(|id| self.printed(*id))
            .copied()
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn composes(&self) -> bool {
        matches!(&self.family, Family::ByteLevel { splitter, .. } if splitter.composes)
    }

    fn encode_ordinary(&self, text: &str, first: bool, out: &mut Vec<u32>) {
        match &self.family {
            Family::ByteLevel { splitter, merges } => {
                for piece in splitter.pieces(text) {
                    if splitter.whole_first
                        && let Some(id) = self.ids.get(piece.as_bytes())
                    {
                        out.push(*id);
                        continue;
                    }
                    // A byte without a token is left out, as the reference does.
                    let mut symbols: Vec<u32> = piece
                        .bytes()
                        .filter_map(|b| self.byte_ids.get(usize::from(b)).copied().flatten())
                        .collect();
                    merge(&mut symbols, |a, b| merges.get(&(a, b)).copied());
                    out.append(&mut symbols);
                }
            }
            Family::Scored {
                scores,
                space_prefix,
            } => {
                let prefixed: String;
                let text = if first && *space_prefix {
                    prefixed = format!(" {text}");
                    &prefixed
                } else {
                    text
                };
                self.encode_scored(text, scores, out);
            }
        }
    }

    fn encode_scored(&self, text: &str, scores: &[f32], out: &mut Vec<u32>) {
        let mut symbols = Vec::with_capacity(text.len());
        let mut buffer = [0; 4];
        for c in text.chars() {
            let bytes = c.encode_utf8(&mut buffer).as_bytes();
            match self.ids.get(bytes) {
                Some(id) => symbols.push(*id),
                None => symbols.extend(
                    bytes
                        .iter()
                        .filter_map(|b| self.byte_ids.get(usize::from(*b)).copied().flatten()),
                ),
            }
        }
        let joined = |a: u32, b: u32| {
            let (left, right) = (self.bytes.get(a as usize)?, self.bytes.get(b as usize)?);
            if self.kind(a) == TokenKind::Byte || self.kind(b) == TokenKind::Byte {
                return None;
            }
            let whole = [left.as_slice(), right.as_slice()].concat();
            let id = *self.ids.get(&whole)?;
            Some((order_of(*scores.get(id as usize)?), id))
        };
        merge(&mut symbols, joined);
        out.append(&mut symbols);
    }
}

/// Higher scores first, as a number where lower comes first and the order of floats is kept.
fn order_of(score: f32) -> u32 {
    let bits = score.to_bits();
    let ascending = if bits >> 31 == 0 {
        bits | 1 << 31
    } else {
        !bits
    };
    !ascending
}

fn alternatives(tokens: &[(&str, u32)]) -> Result<Option<Regex>> {
    if tokens.is_empty() {
        return Ok(None);
    }
    let expression: Vec<_> = tokens
        .iter()
        .map(|(text, _)| fancy_regex::escape(text))
        .collect();
    Regex::new(&expression.join("|"))
        .map(Some)
        .map_err(|e| Failure::model("the model's special tokens cannot be used").because(e))
}

/// `<0x0A>` to its byte.
fn byte_token(text: &str) -> Option<u8> {
    let hex = text.strip_prefix("<0x")?.strip_suffix('>')?;
    u8::from_str_radix(hex, 16).ok()
}

/// The bytes that a byte-level token's characters stand for (GPT-2's table: printable Latin-1
/// stands for itself, the other 68 bytes for U+0100 and up); other characters stay as they are.
fn unmap(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut buffer = [0; 4];
    for c in text.chars() {
        match u32::from(c) {
            code @ (0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff) => bytes.push(code as u8),
            code @ 0x100..=0x120 => bytes.push((code - 0x100) as u8),
            code @ 0x121..=0x142 => bytes.push((code - 0x121 + 0x7f) as u8),
            0x143 => bytes.push(0xad),
            _ => bytes.extend(c.encode_utf8(&mut buffer).as_bytes()),
        }
    }
    bytes
}

#[cfg(test)]
#[path = "tokenizer_tests.rs"]
mod tests;

#[cfg(test)]
pub(crate) use tests::starter;
