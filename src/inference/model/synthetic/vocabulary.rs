//! The vocabulary of a made model: another model's, filled up, or a small one of bytes.

use super::Shape;
use crate::base::OrBug as _;
use crate::model::gguf::{Header, Value};

/// The number of tokens that are never written, in the format.
const UNUSED: i64 = 5;
/// The number of tokens that steer, in the format.
const CONTROL: i64 = 3;
/// A template of the usual form.
const TEMPLATE: &str = "{% for message in messages %}<|im_start|>{{ message.role }}\n\
    {{ message.content }}<|im_end|>\n{% endfor %}\
    {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// Returns the metadata of the vocabulary, and how many tokens it has.
pub(super) fn metadata(shape: &Shape, from: Option<&Header>) -> (Vec<(String, Value)>, u64) {
    let mut metadata = match from {
        Some(header) => copied(header),
        None => small(),
    };
    // The other model may have no vocabulary: then there is none to fill up.
    let have = metadata
        .iter()
        .find(|(key, _)| key == "tokenizer.ggml.tokens")
        .and_then(|(_, value)| value.as_array())
        .map_or(0, <[Value]>::len);
    let rows = have.max(shape.vocabulary as usize);
    let byte_level = metadata
        .iter()
        .any(|(key, value)| key == "tokenizer.ggml.model" && value.as_str() == Some("gpt2"));
    for (key, value) in &mut metadata {
        match (key.as_str(), value) {
            ("tokenizer.ggml.tokens", Value::Array(tokens)) => {
                tokens.extend((0..rows - have).map(|i| Value::Text(format!("[PAD{i}]"))));
            }
            ("tokenizer.ggml.token_type", Value::Array(kinds)) => {
                kinds.resize(rows, Value::Signed(UNUSED));
            }
            ("tokenizer.ggml.scores", Value::Array(scores)) => {
                scores.resize(rows, Value::Float(0.0));
            }
            ("tokenizer.ggml.pre", value) if byte_level => {
                *value = Value::Text(splitter(shape.architecture).to_owned());
            }
            _ => {}
        }
    }
    (metadata, rows as u64)
}

/// Returns the name of the pre-tokenizer that the architecture's models have.
fn splitter(architecture: &str) -> &'static str {
    match architecture {
        "qwen35" => "qwen35",
        "qwen2" | "qwen3" => "qwen2",
        "glm4" => "glm4",
        "phi2" => "phi-2",
        "lfm2" => "lfm2",
        _ => "default",
    }
}

/// Copies all that a header says of its vocabulary, in a fixed order.
fn copied(header: &Header) -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = header
        .metadata
        .iter()
        .filter(|(key, _)| key.starts_with("tokenizer."))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

/// Makes a vocabulary of the 256 bytes, a few merges, and the tokens of a conversation.
fn small() -> Vec<(String, Value)> {
    let text = |text: &str| Value::Text(text.to_owned());
    let mut tokens: Vec<Value> = (0..=u8::MAX)
        .map(|byte| Value::Text(letter(byte).to_string()))
        .collect();
    let merges = ["h e", "t he", "\u{120} t", "\u{120}t he"];
    tokens.extend(["he", "the", "\u{120}t", "\u{120}the"].map(text));
    let mut kinds = vec![Value::Signed(1); tokens.len()];
    let control = tokens.len() as u64;
    tokens.extend(["<|endoftext|>", "<|im_start|>", "<|im_end|>"].map(text));
    kinds.extend([const { Value::Signed(CONTROL) }; 3]);
    [
        ("tokenizer.chat_template", text(TEMPLATE)),
        ("tokenizer.ggml.add_bos_token", Value::Bool(false)),
        ("tokenizer.ggml.bos_token_id", Value::Unsigned(control)),
        ("tokenizer.ggml.eos_token_id", Value::Unsigned(control + 2)),
        (
            "tokenizer.ggml.merges",
            Value::Array(merges.map(text).to_vec()),
        ),
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.pre", text("default")),
        ("tokenizer.ggml.token_type", Value::Array(kinds)),
        ("tokenizer.ggml.tokens", Value::Array(tokens)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .to_vec()
}

/// Returns the character that stands for a byte in byte-level vocabularies: that of the same
/// number where it can be seen, else one from 256 on.
fn letter(byte: u8) -> char {
    let seen = |b: u8| matches!(b, 33..=126 | 161..=172 | 174..=255);
    if seen(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|b| !seen(*b)).count() as u32;
    char::from_u32(256 + before).or_bug("a byte has no letter")
}
