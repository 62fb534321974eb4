//! Tiny models of every architecture that carry a published template, with the control tokens
//! that it writes and a part of a real vocabulary.

use std::path::Path;

use homebody_ground::base::Cancel;
use homebody_ground::base::architectures::WRITING;
use homebody_inference::engine::{LoadOptions, LocalEngine};
use homebody_inference::model::gguf::Header;
use homebody_inference::model::synthetic::{self, Quantization, Shape};

use crate::fetched::{folder, header};

/// Merges that are taken of the vocabulary of GPT-2.
const MERGES: usize = 4096;

/// The architectures that are run: all whose context has room for some turns of a conversation.
pub fn architectures() -> Vec<&'static str> {
    let all = WRITING.into_iter();
    all.filter(|name| *name != "phi2").collect()
}

/// The vocabulary of a model with that template: bytes, merges, control tokens.
pub fn vocabulary(template: &str) -> Header {
    let published = folder().join("vocabularies/ggml-vocab-gpt-2.gguf");
    let published = Header::read(&published).expect("a header");
    let texts = |key: &str, most: usize| -> Vec<String> {
        let texts = published.texts(key).expect("texts");
        texts
            .iter()
            .take(most)
            .map(|text| (*text).to_owned())
            .collect()
    };
    header(
        "gpt-2",
        &texts("tokenizer.ggml.tokens", 256 + MERGES),
        texts("tokenizer.ggml.merges", MERGES),
        &control_words(template),
        Some(template),
    )
}

/// What in a template's text looks like a control token: words in angles and brackets. Some put
/// theirs together from roles, so these are there too.
pub fn control_words(template: &str) -> Vec<String> {
    let mut words: Vec<String> = [
        "<s>",
        "</s>",
        "<|endoftext|>",
        "<|user|>",
        "<|assistant|>",
        "<|system|>",
        "<|end|>",
    ]
    .map(str::to_owned)
    .to_vec();
    for (at, open) in template.char_indices() {
        let close = match open {
            '<' => '>',
            '[' => ']',
            _ => continue,
        };
        let rest = &template[at..];
        let Some(end) = rest.find(close).filter(|end| (2..48).contains(end)) else {
            continue;
        };
        let word = &rest[..=end];
        let inner = &word[1..word.len() - 1];
        let plain = |c: char| c.is_alphanumeric() || "|_-/｜▁:".contains(c);
        let fits = match open {
            '<' => inner.chars().all(plain),
            _ => inner
                .chars()
                .all(|c| c.is_ascii_uppercase() || "_/".contains(c)),
        };
        if fits && !words.iter().any(|found| found == word) {
            words.push(word.to_owned());
        }
    }
    words
}

/// Writes such a model.
pub fn write(architecture: &str, vocabulary: &Header, file: &Path) {
    let shape = Shape::named(&format!("{architecture}-tiny")).expect("a shape");
    let quantization = Quantization::named("F32").expect("a mixture");
    let never = Cancel::never();
    synthetic::write(
        shape,
        quantization,
        Some(vocabulary),
        file,
        &never,
        &mut |_, _| {},
    )
    .expect("written");
}

/// Loads it; what it reads is kept in a folder.
pub fn load(file: &Path, states: &Path) -> LocalEngine {
    let options = LoadOptions {
        name: "tiny".to_owned(),
        file: file.to_owned(),
        context: 16_384,
        drafts: true,
        states: Some(states.to_owned()),
        states_limit: 1 << 30,
        ..LoadOptions::default()
    };
    LocalEngine::load(&options, &Cancel::never(), &mut |_| {}).expect("a model")
}
