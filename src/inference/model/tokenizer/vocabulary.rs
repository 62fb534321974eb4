//! The vocabulary of a GGUF and how its texts become tokens.

use rustc_hash::FxHashMap;

use super::byte_level::{ByteLevel, unmap};
use super::char_level::{CharLevel, Order, Tokens};
use super::encoder::Encoding;
use super::merge::Merges;
use super::special::Specials;
use super::split::Splitter;
use super::token_kind::{TokenKind, kind_by_text};
use crate::base::text::{printable, truncated};
use crate::base::{Failure, Result};
use crate::model::gguf::{Header, Value};

#[derive(Debug)]
enum Family {
    ByteLevel(ByteLevel),
    CharLevel(CharLevel),
}

/// A vocabulary and how to use it.
#[derive(Debug)]
pub struct Tokenizer {
    family: Family,
    /// The bytes each token stands for.
    bytes: Vec<Vec<u8>>,
    kinds: Vec<TokenKind>,
    /// Ordinary tokens by their bytes.
    ids: FxHashMap<Vec<u8>, u32>,
    byte_ids: [Option<u32>; 256],
    specials: Specials,
    /// True if special tokens take the blanks behind them (Phi 3).
    takes_blanks: bool,
    /// The token a text begins with, where the file has one.
    pub bos: Option<u32>,
    /// The token the file names as the end.
    pub eos: Option<u32>,
    /// True if every prompt begins with `bos`.
    pub add_bos: bool,
}

impl Tokenizer {
    /// Checks that the header's vocabulary is of a kind that is known, without building it.
    ///
    /// # Errors
    /// Of kind model: a family or a pre-tokenizer that is not known, or none.
    pub fn check(header: &Header) -> Result<()> {
        if is_byte_level(header)? {
            Splitter::check(pre_of(header)?)?;
        }
        Ok(())
    }

    /// Builds the tokenizer from the header's `tokenizer.*` keys.
    ///
    /// # Errors
    /// Of kind model, if the vocabulary is missing, broken, or of a family or pre-tokenizer that
    /// is not known.
    pub fn from_header(header: &Header) -> Result<Self> {
        let byte_level = is_byte_level(header)?;
        let tokens = header
            .texts("tokenizer.ggml.tokens")
            .filter(|tokens| !tokens.is_empty())
            .ok_or_else(|| broken("`tokenizer.ggml.tokens` is missing"))?;
        let kinds = kinds_of(header, &tokens);
        let bytes = bytes_of(&tokens, &kinds, byte_level);
        let Ids { ids, byte_ids } = Ids::of(&tokens, &kinds, &bytes, byte_level);
        let family = if byte_level {
            Family::ByteLevel(byte_level_of(header, &ids)?)
        } else {
            Family::CharLevel(char_level_of(header, &ids, tokens.len())?)
        };
        let adds_bos = match &family {
            Family::ByteLevel(family) => family.splitter.adds_bos,
            Family::CharLevel(_) => true,
        };
        let known = |key: &str| {
            let id = header.number(key)?;
            (id < tokens.len() as u64).then_some(id as u32)
        };
        // A file may bring no template; then no word of one steers.
        let template = header.text("tokenizer.chat_template").unwrap_or("");
        Ok(Self {
            takes_blanks: takes_blanks(header),
            specials: Specials::new(&tokens, &kinds, template)?,
            family,
            ids,
            byte_ids,
            bos: known("tokenizer.ggml.bos_token_id"),
            eos: known("tokenizer.ggml.eos_token_id"),
            add_bos: match header.metadata.get("tokenizer.ggml.add_bos_token") {
                Some(Value::Bool(add)) => *add,
                _ => adds_bos,
            },
            bytes,
            kinds,
        })
    }

    /// Counts the tokens of the vocabulary.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Tells whether the vocabulary is empty, which none is.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Returns the sort of a token; unused beyond the vocabulary, where rows of logits may be
    /// longer.
    pub fn kind(&self, id: u32) -> TokenKind {
        self.kinds
            .get(id as usize)
            .copied()
            .unwrap_or(TokenKind::Unused)
    }

    /// Finds the control or user-defined token with exactly this text.
    pub fn special(&self, text: &str) -> Option<u32> {
        self.specials.get(text)
    }

    /// Returns the bytes a token stands for; none for control tokens, which are not printed, and
    /// beyond the vocabulary.
    pub fn printed(&self, id: u32) -> &[u8] {
        match self.kind(id) {
            TokenKind::Control | TokenKind::Unused => &[],
            _ => self.bytes.get(id as usize).map_or(&[], Vec::as_slice),
        }
    }

    /// Returns the text of a token as it stands in the vocabulary, control tokens included; empty
    /// beyond the vocabulary.
    pub fn text(&self, id: u32) -> String {
        let bytes = self.bytes.get(id as usize).map_or(&[][..], Vec::as_slice);
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// Returns the text of some tokens; control tokens leave nothing, broken UTF-8 is replaced.
    pub fn decode(&self, ids: &[u32]) -> String {
        let bytes: Vec<u8> = ids
            .iter()
            .flat_map(|id| self.printed(*id))
            .copied()
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Tells whether characters are composed (NFC) before a text is cut.
    pub(super) fn composes(&self) -> bool {
        matches!(&self.family, Family::ByteLevel(family) if family.splitter.composes)
    }

    /// Tells whether the blanks behind a special token belong to it.
    pub(super) fn takes_blanks(&self, id: u32) -> bool {
        self.takes_blanks
            && self.bos != Some(id)
            && !matches!(self.text(id).as_str(), "<unk>" | "<s>" | "<|endoftext|>")
    }

    /// Finds the special tokens of a text: start and end in bytes, and id of each.
    pub(super) fn specials<'s>(
        &'s self,
        text: &'s str,
        how: Encoding,
    ) -> impl Iterator<Item = (usize, usize, u32)> + use<'s> {
        self.specials.find(text, how)
    }

    /// Appends the tokens of a text without special tokens.
    pub(super) fn encode_run(&self, text: &str, behind_special: bool, out: &mut Vec<u32>) {
        match &self.family {
            Family::ByteLevel(family) => family.encode(text, &self.ids, &self.byte_ids, out),
            Family::CharLevel(family) => {
                let tokens = Tokens {
                    ids: &self.ids,
                    bytes: &self.bytes,
                    kinds: &self.kinds,
                    byte_ids: &self.byte_ids,
                };
                family.encode(text, behind_special, &tokens, out);
            }
        }
    }
}

/// Tokens by what they stand for.
struct Ids {
    /// Ordinary tokens by their bytes.
    ids: FxHashMap<Vec<u8>, u32>,
    /// Tokens of single bytes.
    byte_ids: [Option<u32>; 256],
}

impl Ids {
    fn of(tokens: &[&str], kinds: &[TokenKind], bytes: &[Vec<u8>], byte_level: bool) -> Self {
        let mut ids = FxHashMap::default();
        ids.reserve(bytes.len());
        let mut byte_ids = [None; 256];
        let all = tokens.iter().zip(bytes).zip(kinds);
        for (id, ((text, token), kind)) in (0_u32..).zip(all) {
            if byte_level && unmap(text).is_none() {
                continue;
            }
            let single = matches!(kind, TokenKind::Byte) || byte_level && token.len() == 1;
            if let ([byte], true) = (token.as_slice(), single)
                && let Some(slot) = byte_ids.get_mut(usize::from(*byte))
            {
                slot.get_or_insert(id);
            }
            if matches!(kind, TokenKind::Normal) {
                ids.entry(token.clone()).or_insert(id);
            }
        }
        Self { ids, byte_ids }
    }
}

/// Returns the bytes that each token stands for.
fn bytes_of(tokens: &[&str], kinds: &[TokenKind], byte_level: bool) -> Vec<Vec<u8>> {
    tokens
        .iter()
        .zip(kinds)
        .map(|(text, kind)| match (byte_level, kind) {
            (_, TokenKind::Control | TokenKind::UserDefined | TokenKind::Unused) => {
                text.as_bytes().to_vec()
            }
            (true, _) => unmap(text).unwrap_or_else(|| text.as_bytes().to_vec()),
            // A byte's token whose text names no byte stands for nothing.
            (false, TokenKind::Byte) => byte_token(text).map_or_else(Vec::new, |b| vec![b]),
            (false, _) => blanks(text),
        })
        .collect()
}

fn byte_level_of(header: &Header, ids: &FxHashMap<Vec<u8>, u32>) -> Result<ByteLevel> {
    let splitter = Splitter::named(pre_of(header)?)?;
    let merges = merges_of(header, ids, unmap)?;
    Ok(ByteLevel { splitter, merges })
}

fn char_level_of(
    header: &Header,
    ids: &FxHashMap<Vec<u8>, u32>,
    tokens: usize,
) -> Result<CharLevel> {
    let order = if header.text("tokenizer.ggml.model") == Some("gemma4") {
        Order::Ranks(merges_of(header, ids, |text| Some(blanks(text)))?)
    } else {
        Order::Scores(scores_of(header, tokens))
    };
    let prefix = header.metadata.get("tokenizer.ggml.add_space_prefix");
    Ok(CharLevel {
        order,
        space_prefix: !matches!(prefix, Some(Value::Bool(false))),
    })
}

/// Returns the bytes of a text in which bars (U+2581) stand for blanks.
fn blanks(text: &str) -> Vec<u8> {
    text.replace('\u{2581}', " ").into_bytes()
}

fn broken(what: &str) -> Failure {
    Failure::model("the model's vocabulary cannot be used")
        .because(what)
        .hint("download the file again, or use another conversion of the model")
}

/// Tells whether the vocabulary is of the byte-level family; the others are over characters.
fn is_byte_level(header: &Header) -> Result<bool> {
    match header.text("tokenizer.ggml.model") {
        Some("gpt2") => Ok(true),
        Some("llama" | "gemma4") => Ok(false),
        None => Err(broken("the file has none")),
        Some(other) => {
            let other = printable(truncated(other, 60));
            Err(broken(&format!("a tokenizer of the family `{other}`")).hint(
                "supported are the families gpt2 (byte-level BPE), llama (SentencePiece) and gemma4",
            ))
        }
    }
}

/// Returns the name of the pre-tokenizer.
fn pre_of(header: &Header) -> Result<&str> {
    header
        .text("tokenizer.ggml.pre")
        .ok_or_else(no_pre_tokenizer)
}

/// The failure for early conversions, which do not say how a text is cut: a guess would make a
/// good model answer badly.
fn no_pre_tokenizer() -> Failure {
    broken("it does not say how a text is cut into words (`tokenizer.ggml.pre` is missing)")
        .hint("the file is an early conversion: use a newer one of the same model")
}

/// Returns the kind of each token, by the file's word, where it says one, and by its text.
fn kinds_of(header: &Header, tokens: &[&str]) -> Vec<TokenKind> {
    let types = header
        .metadata
        .get("tokenizer.ggml.token_type")
        .and_then(Value::as_array);
    tokens
        .iter()
        .enumerate()
        .map(|(i, text)| {
            let number = types.and_then(|types| types.get(i)).and_then(Value::as_u64);
            kind_by_text(text, number.map_or(TokenKind::Normal, TokenKind::of))
        })
        .collect()
}

/// Returns the score of each token; zero where the file gives none.
fn scores_of(header: &Header, tokens: usize) -> Vec<f32> {
    let scores = header
        .metadata
        .get("tokenizer.ggml.scores")
        .and_then(Value::as_array);
    let score = |i: usize| scores?.get(i)?.as_f64();
    (0..tokens)
        .map(|i| score(i).unwrap_or(0.0) as f32)
        .collect()
}

/// Returns the ranked merges, by the ids of the tokens they merge. `bytes_of` gives the bytes that
/// a text of the file stands for; a merge of a text that stands for none is left out, as one of
/// texts that are no tokens is.
fn merges_of(
    header: &Header,
    ids: &FxHashMap<Vec<u8>, u32>,
    bytes_of: impl Fn(&str) -> Option<Vec<u8>>,
) -> Result<Merges> {
    let list = header
        .texts("tokenizer.ggml.merges")
        .ok_or_else(|| broken("`tokenizer.ggml.merges` is missing"))?;
    let mut merges = Merges::default();
    merges.reserve(list.len());
    for (rank, pair) in (0_u32..).zip(&list) {
        // Blanks are mapped to another character here, so the first one parts the two.
        let Some((left, right)) = pair.split_once(' ') else {
            return Err(broken("a merge that is no pair"));
        };
        let (Some(left), Some(right)) = (bytes_of(left), bytes_of(right)) else {
            continue;
        };
        let whole = [left.as_slice(), right.as_slice()].concat();
        if let (Some(a), Some(b), Some(c)) = (ids.get(&left), ids.get(&right), ids.get(&whole)) {
            merges.entry((*a, *b)).or_insert((rank, *c));
        }
    }
    Ok(merges)
}

/// Tells whether special tokens take the blanks behind them. They do with Phi 3 and 3.5, whose
/// published tokenizers say it; a GGUF does not. The models of the family that came after them
/// are byte-level.
fn takes_blanks(header: &Header) -> bool {
    header.architecture() == "phi3" && header.text("tokenizer.ggml.model") == Some("llama")
}

/// Returns the byte that a text like `<0x0A>` names; none for other texts.
pub(super) fn byte_token(text: &str) -> Option<u8> {
    let hex = text.strip_prefix("<0x")?.strip_suffix('>')?;
    u8::from_str_radix(hex, 16).ok()
}
