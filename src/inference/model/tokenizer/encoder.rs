//! A text in parts, each taken as its writer may be believed, to tokens.

use unicode_normalization::{UnicodeNormalization as _, is_nfc};

use super::vocabulary::Tokenizer;
use crate::base::OrBug as _;

const PARTED: &str = "special tokens overlap, or part a character";

/// The way in which a text is turned into tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    /// True if control tokens in the text are taken for what they say. Never for text that
    /// a person or a file wrote.
    pub control: bool,
    /// True if user-defined tokens that steer the conversation (`<think>`, `</tool_call>`) are
    /// taken for what they say.
    pub steering: bool,
    /// True if characters are composed first where the original tokenizer does (Qwen: NFC).
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
    /// Text byte for byte, without control tokens, with all user-defined ones.
    pub const PLAIN: Self = Self {
        control: false,
        steering: true,
        compose: false,
    };
}

/// Takes the parts of a text one after the other and gives its tokens.
///
/// Parts that no special token stands between are one text to the tokenizer, wherever they
/// come from: where a template's line ends and somebody's begins, the tokens are those that the
/// model was trained on.
#[derive(Debug)]
pub struct Encoder<'t> {
    tokenizer: &'t Tokenizer,
    tokens: Vec<u32>,
    /// Text that is not yet tokens.
    run: String,
    /// True if `run` begins behind a special token, or at the beginning.
    behind_special: bool,
    /// True if blanks that come next belong to the special token before them.
    strip: bool,
}

impl<'t> Encoder<'t> {
    /// An encoder at the beginning of a text.
    pub fn new(tokenizer: &'t Tokenizer) -> Self {
        Self {
            tokenizer,
            tokens: Vec::new(),
            run: String::new(),
            behind_special: true,
            strip: false,
        }
    }

    /// An encoder that goes on behind other tokens.
    pub fn behind(tokenizer: &'t Tokenizer, tokens: Vec<u32>) -> Self {
        Self {
            behind_special: tokens.is_empty(),
            tokens,
            ..Self::new(tokenizer)
        }
    }

    /// Takes a part of the text.
    pub fn text(&mut self, text: &str, how: Encoding) {
        let composed: String;
        let text = if how.compose && self.tokenizer.composes() && !is_nfc(text) {
            composed = text.nfc().collect();
            &composed
        } else {
            text
        };
        let mut last = 0;
        for (start, end, id) in self.tokenizer.specials(text, how) {
            self.plain(text.get(last..start).or_bug(PARTED));
            self.special(id);
            last = end;
        }
        self.plain(text.get(last..).or_bug(PARTED));
    }

    /// Takes tokens as they are: an answer as it was written.
    pub fn ids(&mut self, ids: &[u32]) {
        self.flush();
        self.tokens.extend_from_slice(ids);
        self.behind_special = false;
        self.strip = false;
    }

    /// Gives the tokens of all parts.
    pub fn finish(mut self) -> Vec<u32> {
        self.flush();
        self.tokens
    }

    fn special(&mut self, id: u32) {
        self.flush();
        self.tokens.push(id);
        self.behind_special = true;
        self.strip = self.tokenizer.takes_blanks(id);
    }

    fn plain(&mut self, text: &str) {
        let text = if self.strip {
            text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}')
        } else {
            text
        };
        if !text.is_empty() {
            self.strip = false;
            self.run.push_str(text);
        }
    }

    fn flush(&mut self) {
        if self.run.is_empty() {
            return;
        }
        self.tokenizer
            .encode_run(&self.run, self.behind_special, &mut self.tokens);
        self.run.clear();
        self.behind_special = false;
    }
}

impl Tokenizer {
    /// Returns the tokens of a text by itself.
    pub fn encode(&self, text: &str, how: Encoding) -> Vec<u32> {
        let mut encoder = Encoder::new(self);
        encoder.text(text, how);
        encoder.finish()
    }

    /// Returns the tokens of a text that follows on other text.
    pub fn encode_on(&self, text: &str, how: Encoding) -> Vec<u32> {
        let mut encoder = Encoder::new(self);
        encoder.behind_special = false;
        encoder.text(text, how);
        encoder.finish()
    }
}
