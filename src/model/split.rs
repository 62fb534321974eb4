//! Pre-tokenization: where a text is cut before pairs are merged, per `tokenizer.ggml.pre`.
//!
//! The expressions are facts of the published tokenizers; the names are those GGUF writes.

use fancy_regex::Regex;

use crate::base::{Failure, Result};

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN35: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const GPT4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const DIGIT: &str = r"\p{N}";

/// How texts are cut for one vocabulary.
#[derive(Debug)]
pub struct Splitter {
    /// Applied one after the other, each to the pieces of the one before.
    stages: Vec<Regex>,
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
            .map(|expression| {
                Regex::new(expression)
                    .map_err(|e| Failure::bug("a pre-tokenizer expression is wrong").because(e))
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
                for found in stage.find_iter(piece).flatten() {
                    if let Some(before) = piece.get(last..found.start()).filter(|s| !s.is_empty()) {
                        cut.push(before);
                    }
                    if !found.as_str().is_empty() {
                        cut.push(found.as_str());
                    }
                    last = found.end();
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

    #[test]
    fn unknown_names_are_refused() {
        assert!(Splitter::named("martian").is_err());
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "\\PC*[ \\n\\t]*\\PC*") {
            for name in ["smollm", "gpt-2", "llama-bpe", "qwen2", "qwen35", "gpt-4o", "tekken"] {
                let splitter = Splitter::named(name).expect("known");
                prop_assert_eq!(splitter.pieces(&text).concat(), text.clone());
            }
        }
    }
}
