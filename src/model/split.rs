//! Pre-tokenization: where a text is cut before pairs are merged, per `tokenizer.ggml.pre`.
//!
//! The expressions are facts of the published tokenizers; the names are those GGUF writes.
//! Each of them ends in `\s+(?!\S)|\s+`: blanks before a word leave the last one to it. That
//! look ahead is done by hand here, since expressions without it are matched many times faster.

use fancy_regex::Regex;

use crate::base::{Failure, Result};

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+";
const QWEN35: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+";
const GPT4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+";
const DIGIT: &str = r"\p{N}";
/// Blanks up to the end of a line, where an expression cuts them apart from others.
const LINES: &str = r"|\s*[\r\n]+";

/// One expression.
#[derive(Debug)]
struct Stage {
    expression: Regex,
    /// Whether blanks that end a line are a piece of their own.
    lines: bool,
}

impl Stage {
    /// A match without its last blank, if it is blanks before a word (`more` says that the text
    /// goes on) and more than one.
    fn without_last_blank<'t>(&self, found: &'t str, more: bool) -> &'t str {
        let blank = found
            .chars()
            .next_back()
            .filter(|c| more && c.is_whitespace() && !(self.lines && matches!(c, '\r' | '\n')));
        match blank.and_then(|c| found.get(..found.len() - c.len_utf8())) {
            Some(rest) if !rest.is_empty() && rest.chars().all(char::is_whitespace) => rest,
            _ => found,
        }
    }
}

/// How texts are cut for one vocabulary.
#[derive(Debug)]
pub struct Splitter {
    /// Applied one after the other, each to the pieces of the one before.
    stages: Vec<Stage>,
    /// Whether the original tokenizer composes characters first (NFC).
    pub composes: bool,
    /// Whether a piece that is a token as a whole is taken without merging.
    pub whole_first: bool,
}

impl Splitter {
    /// The splitter of that name.
    ///
    /// # Errors
    /// Of kind model, listing the names that are known.
    pub fn named(pre: &str) -> Result<Self> {
        let (stages, composes, whole_first): (&[&str], bool, bool) = match pre {
            "smollm" | "starcoder" | "refact" | "command-r" | "codeshell" | "exaone" => {
                (&[DIGIT, GPT2], false, false)
            }
            "gpt-2" | "gpt2" | "mpt" | "olmo" | "jais" | "phi-2" | "default" | "" => {
                (&[GPT2], false, false)
            }
            "llama-bpe" | "llama3" | "llama-v3" | "falcon3" | "lfm2" => (&[LLAMA3], false, true),
            "dbrx" | "smaug-bpe" | "glm4" | "chatglm-bpe" => (&[LLAMA3], false, false),
            "qwen2" | "deepseek-r1-qwen" | "hunyuan" | "megrez" => (&[QWEN2], true, false),
            "qwen35" => (&[QWEN35], true, false),
            "gpt-4o" | "llama4" => (&[GPT4O], false, false),
            "tekken" => (&[TEKKEN], false, true),
            other => {
                return Err(Failure::model(format!(
                    "the pre-tokenizer `{other}` is not supported"
                ))
                .because("known are smollm, gpt-2, llama-bpe, qwen2, qwen35, glm4, gpt-4o, tekken")
                .hint("use a model of the Qwen, Llama or SmolLM families"));
            }
        };
        let stages = stages
            .iter()
            .map(|text| {
                let expression = Regex::new(text)
                    .map_err(|e| Failure::bug("a pre-tokenizer expression is wrong").because(e))?;
                Ok(Stage {
                    expression,
                    lines: text.contains(LINES),
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            stages,
            composes,
            whole_first,
        })
    }

    /// The pieces of `text`, in order; together they are the text.
    pub fn pieces<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let mut pieces = vec![text];
        for stage in &self.stages {
            let mut cut = Vec::with_capacity(pieces.len() * 4);
            for piece in pieces {
                let mut last = 0;
                // An error can only be the engine giving up on a piece; it then stays whole.
                while let Ok(Some(found)) = stage.expression.find_from_pos(piece, last) {
                    if let Some(before) = piece.get(last..found.start()).filter(|s| !s.is_empty()) {
                        cut.push(before);
                    }
                    let start = found.start();
                    let found = stage.without_last_blank(found.as_str(), found.end() < piece.len());
                    if found.is_empty() {
                        break;
                    }
                    cut.push(found);
                    last = start + found.len();
                }
                if let Some(rest) = piece.get(last..).filter(|s| !s.is_empty()) {
                    cut.push(rest);
                }
            }
            pieces = cut;
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_cuts() {
        let qwen = Splitter::named("qwen2").expect("known");
        assert_eq!(
            qwen.pieces("I'm  12 x"),
            ["I", "'m", " ", " ", "1", "2", " x"]
        );
        let smollm = Splitter::named("smollm").expect("known");
        assert_eq!(smollm.pieces("ab 12"), ["ab", " ", "1", "2"]);
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
                prop_assert_eq!(splitter.pieces(&text), plainly(expression, &text), "{}", name);
            }
        }

        #[test]
        fn nothing_is_lost(text in "\\PC*[ \\n\\t]*\\PC*") {
            for name in ["smollm", "gpt-2", "llama-bpe", "qwen2", "qwen35", "gpt-4o", "tekken"] {
                let splitter = Splitter::named(name).expect("known");
                prop_assert_eq!(splitter.pieces(&text).concat(), text.clone());
            }
        }
    }
}
