//! The tokens that an answer may have.

use crate::model::sample::Allowed;
use crate::model::tokenizer::{TokenKind, Tokenizer};

/// Returns the tokens that may be drawn: all but control tokens, except those that end an answer,
/// and ids that only fill the table up.
pub(in crate::engine) fn drawable(tokenizer: &Tokenizer, stops: &[u32]) -> Allowed {
    let mut allowed = Allowed::all(tokenizer.len());
    for id in 0..tokenizer.len() as u32 {
        let kind = tokenizer.kind(id);
        let never = matches!(kind, TokenKind::Unused | TokenKind::Unknown)
            || kind == TokenKind::Control && !stops.contains(&id);
        allowed.set(id, !never);
    }
    allowed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::gguf::{Header, Value};
    use crate::model::sample::{Sampler, Settings};

    /// The fixture's vocabulary with fillers at its end: one that says that it is unused, one
    /// that passes for text and one for a control token.
    fn filled_up() -> Tokenizer {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/fixtures/tokenizer/crossing.gguf"
        );
        let mut header = Header::read(std::path::Path::new(file)).expect("the fixture");
        for (i, kind) in [5, 1, 3].into_iter().enumerate() {
            let text = Value::Text(format!("[PAD{}]", 2211 + i));
            for (key, value) in [("tokens", text), ("token_type", Value::Signed(kind))] {
                let list = header.metadata.get_mut(&format!("tokenizer.ggml.{key}"));
                let Some(Value::Array(list)) = list else {
                    panic!("no list of {key}");
                };
                list.push(value);
            }
        }
        Tokenizer::from_header(&header).expect("a tokenizer")
    }

    #[test]
    fn fillers_control_tokens_and_what_lies_beyond_are_never_drawn() {
        let tokenizer = filled_up();
        assert_eq!(tokenizer.len(), 2214);
        let end = tokenizer.special("<|im_end|>").expect("a token");
        let start = tokenizer.special("<|im_start|>").expect("a token");
        let allowed = drawable(&tokenizer, &[end]);
        assert!(allowed.get(end) && !allowed.get(start));
        // The rows of logits are longer than the vocabulary, and what may not be drawn has the
        // largest numbers.
        let mut logits: Vec<f32> = (0..2300).map(|i| i as f32).collect();
        logits[start as usize] = 1e9;
        for (temperature, top_k) in [(0.0, 0), (1.0, 0), (2.0, 1)] {
            let settings = Settings {
                temperature,
                top_k,
                top_p: 1.0,
                min_p: 0.0,
                presence_penalty: 0.0,
                repetition_penalty: 1.0,
            };
            let mut sampler = Sampler::new(settings, 3, &[]);
            for _ in 0..50 {
                let token = sampler.draw(&mut logits.clone(), &allowed).expect("drawn");
                assert!(token < 2211 && token != start, "{token}");
            }
        }
    }
}
