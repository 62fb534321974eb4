//! Pre-tokenization: where a text is cut before pairs are merged, per `tokenizer.ggml.pre`.
//!
//! The expressions are facts of the published tokenizers; the names are those GGUF writes.
//! Most of them end in `\s+(?!\S)|\s+`: blanks before a word leave the last one to it. That
//! look ahead is done by hand here, since expressions without it are matched many times faster.

use fancy_regex::Regex;

use crate::base::text::{printable, truncated};
use crate::base::{Failure, Result};

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+";
const QWEN35: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+";
const GPT4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+";
const SEED_CODER: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+";
const MINICPM5: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+";
const DEEPSEEK3: &str = r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+"##;
const BLOOM: &str = r" ?[^(\s|.,!?…。，、।۔،)]+";
const CONTIGUOUS_PUNCTUATION: &str = r"[\p{P}\$\+<=>\^~\|`]+";
const DIGIT: &str = r"\p{N}";
const DIGITS: &str = r"\p{N}+";
const UP_TO_THREE_DIGITS: &str = r"\p{N}{1,3}";
const THREE_DIGITS: &str = r"[0-9][0-9][0-9]";
const LINE_FEED: &str = r"[\r\n]";
const HAN_AND_KANA: &str = "[一-龥\u{3040}-ゟ゠-ヿ]+";
/// Chinese characters, and Korean syllables, as DeepSeek's first tokenizers cut them: two of the
/// ranges go from their first character to a number that is no character.
const CJK: &str = "[一-龥\u{800}-一가-\u{d7ff}]+";
/// Letters with case, as DeepSeek's first tokenizer lists them.
const CASED: &str = "\\s?[A-Za-z\u{b5}\u{c0}-\u{d6}\u{d8}-\u{f6}\u{f8}-\u{1ba}\u{1bc}-\u{1bf}\u{1c4}-\u{293}\
    \u{295}-\u{2af}\u{370}-\u{373}\u{376}\u{377}\u{37b}-\u{37d}\u{37f}\u{386}\u{388}-\u{38a}\
    \u{38c}\u{38e}-\u{3a1}\u{3a3}-\u{3f5}\u{3f7}-\u{481}\u{48a}-\u{52f}\u{531}-\u{556}\
    \u{10a0}-\u{10c5}\u{13a0}-\u{13f5}\u{13f8}-\u{13fd}\u{1c90}-\u{1cba}\u{1cbd}-\u{1cbf}\
    \u{1d00}-\u{1d2b}\u{1d6b}-\u{1d77}\u{1d79}-\u{1d9a}\u{1e00}-\u{1f15}\u{1f18}-\u{1f1d}\
    \u{1f20}-\u{1f45}\u{1f48}-\u{1f4d}\u{1f50}-\u{1f57}\u{1f59}\u{1f5b}\u{1f5d}\
    \u{1f5f}-\u{1f7d}\u{1f80}-\u{1fb4}\u{1fb6}-\u{1fbc}\u{1fbe}\u{1fc2}-\u{1fc4}\
    \u{1fc6}-\u{1fcc}\u{1fd0}-\u{1fd3}\u{1fd6}-\u{1fdb}\u{1fe0}-\u{1fec}\u{1ff2}-\u{1ff4}\
    \u{1ff6}-\u{1ffc}\u{2102}\u{2107}\u{210a}-\u{2113}\u{2115}\u{2119}-\u{211d}\u{2124}\
    \u{2126}\u{2128}\u{212a}-\u{212d}\u{212f}-\u{2134}\u{2139}\u{213c}-\u{213f}\
    \u{2145}-\u{2149}\u{214e}\u{2183}\u{2184}\u{2c00}-\u{2c7b}\u{2c7e}-\u{2ce4}\
    \u{2ceb}-\u{2cee}\u{2cf2}\u{2cf3}\u{a640}-\u{a66d}\u{a680}-\u{a69b}\u{a722}-\u{a76f}\
    \u{a771}-\u{a787}\u{a78b}-\u{a78e}\u{ab70}-\u{abbf}\u{fb00}-\u{fb06}\u{fb13}-\u{fb17}\
    \u{ff21}-\u{ff3a}\u{ff41}-\u{ff5a}\u{10400}-\u{1044f}\u{104b0}-\u{104d3}\
    \u{104d8}-\u{104fb}\u{10c80}-\u{10cb2}\u{10cc0}-\u{10cf2}\u{118a0}-\u{118df}\
    \u{1e900}-\u{1e943}]+";
const WIDE_PUNCTUATION: &str = r"\s?[!-/:-~！-／：-～‘-‟　-。]+";
/// Blanks up to the end of a line, where an expression cuts them apart from others.
const LINES: &str = r"|\s*[\r\n]+";
/// The end of expressions that have the look ahead.
const BLANKS: &str = r"|\s+";

/// One expression of a splitter.
#[derive(Debug)]
struct Stage {
    expression: Regex,
    /// True if blanks before a word leave the last one to it.
    leaves_blank: bool,
    /// True if blanks that end a line are a piece of their own.
    lines: bool,
}

impl Stage {
    fn new(text: &str) -> Result<Self> {
        let expression = Regex::new(text)
            .map_err(|e| Failure::bug("a pre-tokenizer expression is wrong").because(e))?;
        Ok(Self {
            expression,
            leaves_blank: text.ends_with(BLANKS),
            lines: text.contains(LINES),
        })
    }

    /// Returns a match without its last blank, if the match is blanks before a word (`more` says
    /// that the text goes on) and more than one.
    fn without_last_blank<'t>(&self, found: &'t str, more: bool) -> &'t str {
        if !self.leaves_blank || !more {
            return found;
        }
        let blank = found
            .chars()
            .next_back()
            .filter(|c| c.is_whitespace() && !(self.lines && matches!(c, '\r' | '\n')));
        match blank.and_then(|c| found.get(..found.len() - c.len_utf8())) {
            Some(rest) if !rest.is_empty() && rest.chars().all(char::is_whitespace) => rest,
            _ => found,
        }
    }

    /// Gives `on` the matches of a text and the pieces between them, in order.
    fn each<'t>(&self, text: &'t str, on: &mut dyn FnMut(&'t str)) {
        let mut last = 0;
        // An error can only be the engine giving up on a piece; it then stays whole.
        while let Ok(Some(found)) = self.expression.find_from_pos(text, last) {
            if let Some(before) = text.get(last..found.start()).filter(|s| !s.is_empty()) {
                on(before);
            }
            let start = found.start();
            let found = self.without_last_blank(found.as_str(), found.end() < text.len());
            if found.is_empty() {
                break;
            }
            on(found);
            last = start + found.len();
        }
        if let Some(rest) = text.get(last..).filter(|s| !s.is_empty()) {
            on(rest);
        }
    }
}

/// The cuts of texts for one vocabulary.
#[derive(Debug)]
pub(super) struct Splitter {
    /// Expressions, applied one after the other, each to the pieces of the one before.
    stages: Vec<Stage>,
    /// True if the original tokenizer composes characters first (NFC).
    pub composes: bool,
    /// True if a piece that is a token as a whole is taken without merging.
    pub whole_first: bool,
    /// True if every text begins with the token for it, where the file does not say.
    pub adds_bos: bool,
}

/// The facts of a pre-tokenizer, which its name stands for.
struct Known {
    stages: &'static [&'static str],
    composes: bool,
    whole_first: bool,
    adds_bos: bool,
}

const fn known(stages: &'static [&'static str]) -> Known {
    Known {
        stages,
        composes: false,
        whole_first: false,
        adds_bos: false,
    }
}

impl Known {
    const fn composed(mut self) -> Self {
        self.composes = true;
        self
    }

    const fn whole(mut self) -> Self {
        self.whole_first = true;
        self
    }

    const fn with_bos(mut self) -> Self {
        self.adds_bos = true;
        self
    }

    /// Returns the facts of a pre-tokenizer by its name.
    fn named(pre: &str) -> Option<Self> {
        Some(match pre {
            "default" => known(&[CONTIGUOUS_PUNCTUATION_OF_OLD, GPT2, DIGITS, THREE_DIGITS]),
            "smollm" | "starcoder" | "refact" | "command-r" | "codeshell" | "exaone"
            | "minerva-7b" | "mellum2" => known(&[DIGIT, GPT2]),
            "gpt-2" | "gpt2" | "mpt" | "olmo" | "jais" | "phi-2" | "trillion" | "exaone4"
            | "gigachat" | "mellum" | "modern-bert" | "a.x-4.0" => known(&[GPT2]),
            "llama-bpe" | "llama3" | "llama-v3" | "falcon3" | "falcon-h1" | "pixtral"
            | "midm-2.0" | "lfm2" => known(&[LLAMA3]).whole().with_bos(),
            "dbrx" | "smaug-bpe" | "chatglm-bpe" => known(&[LLAMA3]),
            "glm4" | "glm5" => known(&[LLAMA3]).whole(),
            "qwen2" | "deepseek-r1-qwen" | "hunyuan" | "megrez" | "kormo" | "stablelm2" => {
                known(&[QWEN2]).composed()
            }
            "qwen35" => known(&[QWEN35]).composed(),
            "gpt-4o" | "llama4" | "kanana2" => known(&[GPT4O]),
            "tekken" => known(&[TEKKEN]).whole().with_bos(),
            "seed-coder" => known(&[SEED_CODER]),
            "minicpm5" => known(&[UP_TO_THREE_DIGITS, MINICPM5]).whole(),
            "deepseek-llm" => known(&[LINE_FEED, CASED, WIDE_PUNCTUATION, r"\s+$", CJK, DIGITS]),
            "deepseek-coder" => known(&[LINE_FEED, r"\s?\p{L}+", r"\s?\p{P}+", CJK, DIGIT]),
            "deepseek-v3" => known(&[UP_TO_THREE_DIGITS, HAN_AND_KANA, DEEPSEEK3]),
            "falcon" => known(&[CONTIGUOUS_PUNCTUATION, GPT2, THREE_DIGITS]),
            "poro-chat" | "bloom" | "gpt3-finnish" => known(&[BLOOM]),
            "viking" => known(&[BLOOM, DIGIT]),
            _ => return None,
        })
    }
}

/// The expression [`CONTIGUOUS_PUNCTUATION`] without the accent that was added later.
const CONTIGUOUS_PUNCTUATION_OF_OLD: &str = r"[\p{P}\$\+<=>\^~\|]+";

fn unknown(pre: &str) -> Failure {
    let name = printable(truncated(pre, 60));
    Failure::model(format!("the pre-tokenizer `{name}` is not supported"))
        .because(
            "how this model's texts are cut into words is not known, and a guess would make it \
             answer badly",
        )
        .hint("use a model of the Qwen, Llama, Mistral, Gemma, Phi, DeepSeek or SmolLM families")
}

impl Splitter {
    /// Checks that there is a splitter of that name.
    ///
    /// # Errors
    /// As [`Splitter::named`].
    pub fn check(pre: &str) -> Result<()> {
        Known::named(pre).map(drop).ok_or_else(|| unknown(pre))
    }

    /// Makes the splitter of that name.
    ///
    /// # Errors
    /// Of kind model, for a name that is not known.
    pub fn named(pre: &str) -> Result<Self> {
        let known = Known::named(pre).ok_or_else(|| unknown(pre))?;
        let stages = known.stages.iter().map(|text| Stage::new(text));
        Ok(Self {
            stages: stages.collect::<Result<_>>()?,
            composes: known.composes,
            whole_first: known.whole_first,
            adds_bos: known.adds_bos,
        })
    }

    /// Gives `on` the pieces of `text`, in order; together they are the text.
    pub fn each<'t>(&self, text: &'t str, on: &mut dyn FnMut(&'t str)) {
        match self.stages.as_slice() {
            [] => on(text),
            [only] => only.each(text, on),
            [first, rest @ ..] => {
                let mut pieces = Vec::new();
                first.each(text, &mut |piece| pieces.push(piece));
                for stage in rest {
                    let mut cut = Vec::with_capacity(pieces.len() * 4);
                    for piece in pieces {
                        stage.each(piece, &mut |piece| cut.push(piece));
                    }
                    pieces = cut;
                }
                pieces.into_iter().for_each(on);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pieces<'t>(splitter: &Splitter, text: &'t str) -> Vec<&'t str> {
        let mut pieces = Vec::new();
        splitter.each(text, &mut |piece| pieces.push(piece));
        pieces
    }

    #[test]
    fn known_cuts() {
        let qwen = Splitter::named("qwen2").expect("known");
        assert_eq!(
            pieces(&qwen, "I'm  12 x"),
            ["I", "'m", " ", " ", "1", "2", " x"]
        );
        let smollm = Splitter::named("smollm").expect("known");
        assert_eq!(pieces(&smollm, "ab 12"), ["ab", " ", "1", "2"]);
    }

    /// The expressions as they are published, with their look ahead.
    fn plainly<'t>(expression: &str, text: &'t str) -> Vec<&'t str> {
        let whole = format!("{expression}(?!\\S)|\\s+");
        let found = Regex::new(&whole).expect("good");
        let all = found.find_iter(text).map(|m| m.expect("found").as_str());
        all.collect()
    }

    #[test]
    fn unknown_names_are_refused() {
        assert!(Splitter::named("martian").is_err());
    }

    proptest! {
        #[test]
        fn blanks_are_cut_as_with_the_look_ahead(
            text in "([ \\t\\n\\r\u{a0}\u{3000}]{0,3}[a1.'é\u{301}漢]{0,2}){0,8}",
        ) {
            for (name, expression) in [
                ("gpt-2", GPT2), ("llama3", LLAMA3), ("qwen2", QWEN2), ("qwen35", QWEN35),
                ("gpt-4o", GPT4O), ("tekken", TEKKEN),
            ] {
                let splitter = Splitter::named(name).expect("known");
                prop_assert_eq!(pieces(&splitter, &text), plainly(expression, &text), "{}", name);
            }
        }

        #[test]
        fn nothing_is_lost(text in "\\PC*[ \\n\\t]*\\PC*") {
            for name in ["smollm", "gpt-2", "llama-bpe", "qwen2", "qwen35", "gpt-4o", "tekken"] {
                let splitter = Splitter::named(name).expect("known");
                prop_assert_eq!(pieces(&splitter, &text).concat(), text.clone());
            }
        }
    }
}
