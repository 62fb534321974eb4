//! Looking into the engine: logits, token ids, raw greedy text. Behind `homebody debug`.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{Engine as _, LocalEngine};
use crate::base::failure::io_failure;
use crate::base::text::human_count;
use crate::base::{Cancel, Failure, Result};
use crate::model::chat;
use crate::model::gguf::Header;
use crate::model::network::Wanted;
use crate::model::sample::{Sampler, Settings};
#[cfg(feature = "lab")]
use crate::model::synthetic::{self, Quantization, Shape};
use crate::model::tokenizer::{Encoding, Tokenizer};

/// The outcome of [`generate`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawText {
    /// Token ids of the prompt.
    pub prompt_ids: Vec<u32>,
    /// Token ids that were written, the end token included where it came.
    pub ids: Vec<u32>,
    /// The text of `ids`.
    pub text: String,
}

/// Reads token ids (numbers apart by white space or commas, brackets ignored) from the file
/// `tokens` and writes the logits behind each to the file `out`: `tokens × vocabulary`, f32,
/// little-endian, row-major. Returns (rows, columns).
pub fn logits(
    engine: &mut LocalEngine,
    tokens: &Path,
    out: &Path,
    cancel: &Cancel,
) -> Result<(usize, usize)> {
    let text = fs::read_to_string(tokens)
        .map_err(|e| io_failure(format!("cannot read {}", tokens.display()), &e))?;
    let ids = numbers(&text)?;
    let vocabulary = engine.tokenizer.len() as u32;
    if let Some(id) = ids.iter().find(|id| **id >= vocabulary) {
        return Err(Failure::usage(format!("the vocabulary has no token {id}"))
            .because(format!("it has {vocabulary}")));
    }
    let context = engine.facts().context;
    if ids.is_empty() || ids.len() > context {
        return Err(Failure::usage(format!(
            "{} tokens were given",
            human_count(ids.len() as u64)
        ))
        .because(format!(
            "between 1 and {} can be read",
            human_count(context as u64)
        )));
    }
    let failed = |e: &std::io::Error| io_failure(format!("cannot write {}", out.display()), e);
    let mut file = BufWriter::new(fs::File::create(out).map_err(|e| failed(&e))?);
    engine.reset();
    let mut columns = 0;
    for piece in ids.chunks(64) {
        let rows = engine
            .prefix_cache
            .network()
            .read(piece, Wanted::All, cancel)?;
        columns = rows.len() / piece.len();
        for value in rows {
            file.write_all(&value.to_le_bytes())
                .map_err(|e| failed(&e))?;
        }
    }
    file.flush().map_err(|e| failed(&e))?;
    engine.reset();
    Ok((ids.len(), columns))
}

/// Tokenizes a text file with the vocabulary of the GGUF `model`; loads no weights.
/// With `special`, control tokens in the text are parsed and the text is normalized as the
/// model's own tokenizer does; without, the text is taken byte for byte. Returns the token ids, and
/// the seconds that encoding took, the vocabulary's loading left out.
pub fn tokenize(model: &Path, file: &Path, special: bool) -> Result<(Vec<u32>, f64)> {
    let bytes =
        fs::read(file).map_err(|e| io_failure(format!("cannot read {}", file.display()), &e))?;
    let text = String::from_utf8(bytes)
        .map_err(|e| Failure::input(format!("{} is not UTF-8", file.display())).because(e))?;
    let tokenizer = Tokenizer::from_header(&Header::read(model)?)?;
    let how = if special {
        Encoding::TEMPLATE
    } else {
        Encoding::PLAIN
    };
    let begun = Instant::now();
    let ids = tokenizer.encode(&text, how);
    Ok((ids, begun.elapsed().as_secs_f64()))
}

/// Generates greedy text after a raw prompt (control tokens parsed, no template), `max` tokens or
/// until an end token.
pub fn generate(
    engine: &mut LocalEngine,
    prompt: &Path,
    max: usize,
    cancel: &Cancel,
) -> Result<RawText> {
    let text = fs::read_to_string(prompt)
        .map_err(|e| io_failure(format!("cannot read {}", prompt.display()), &e))?;
    let prompt_ids = engine.tokenizer.encode(&text, Encoding::TEMPLATE);
    if prompt_ids.is_empty() || prompt_ids.len() + max > engine.facts().context {
        return Err(Failure::usage(
            "the prompt is empty or does not fit the context",
        ));
    }
    engine.reset();
    let greedy = Settings {
        temperature: 0.0,
        top_k: 0,
        top_p: 1.0,
        min_p: 0.0,
        presence_penalty: 0.0,
        repetition_penalty: 1.0,
    };
    let mut sampler = Sampler::new(greedy, 0, &prompt_ids);
    let network = engine.prefix_cache.network();
    let mut logits = Vec::new();
    for piece in prompt_ids.chunks(256) {
        logits = network.read(piece, Wanted::Last, cancel)?;
    }
    let mut ids = Vec::new();
    while ids.len() < max {
        let Some(token) = sampler.draw(&mut logits, &engine.allowed) else {
            return Err(Failure::model("the model gave no next token"));
        };
        ids.push(token);
        if engine.stops.contains(&token) || ids.len() == max {
            break;
        }
        logits = network.read(&[token], Wanted::Last, cancel)?;
    }
    engine.reset();
    let text = engine.tokenizer.decode(&ids);
    Ok(RawText {
        prompt_ids,
        ids,
        text,
    })
}

/// Writes a model of a known shape with random weights to `out`. The vocabulary is that of the
/// GGUF `vocabulary`; small shapes have their own. `progress` is told bytes written and bytes
/// in all. Returns the bytes of the tensors.
///
/// # Errors
/// Of kind usage for an unknown shape or quantization, a missing vocabulary, and a file that is
/// there already; of kind environment, if the file cannot be written.
#[cfg(feature = "lab")]
pub fn synthesize(
    shape: &str,
    quantization: &str,
    vocabulary: Option<&Path>,
    out: &Path,
    cancel: &Cancel,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<u64> {
    let shape = Shape::named(shape)?;
    let quantization = Quantization::named(quantization)?;
    let from = match vocabulary {
        // A shape for tests has a vocabulary of its own, which is as small.
        _ if shape.is_tiny() => None,
        Some(file) => Some(Header::read(file)?),
        None => {
            return Err(
                Failure::usage(format!("{} needs the vocabulary of a model", shape.name)).hint(
                    "give one with --vocabulary, or install one: `homebody models pull starter`",
                ),
            );
        }
    };
    synthetic::write(shape, quantization, from.as_ref(), out, cancel, progress)
}

/// Renders the chat template of a GGUF, or one in a file of its own, as Python would: `messages`
/// is a JSON file with a list of messages, or an object with all variables of the template.
///
/// # Errors
/// Of kind usage for a file that is no such JSON, of kind model with the template's own words.
pub fn render(template: &Path, messages: &Path) -> Result<String> {
    let read = |file: &Path| {
        fs::read(file).map_err(|e| io_failure(format!("cannot read {}", file.display()), &e))
    };
    let variables = match serde_json::from_slice(&read(messages)?) {
        Ok(serde_json::Value::Array(list)) => {
            serde_json::json!({ "messages": list, "add_generation_prompt": true })
        }
        Ok(object @ serde_json::Value::Object(_)) => object,
        Ok(_) => return Err(Failure::usage("that is neither messages nor variables")),
        Err(e) => {
            return Err(Failure::usage(format!("{} is no JSON", messages.display())).because(e));
        }
    };
    if template.extension().is_some_and(|e| e == "jinja") {
        let source = String::from_utf8(read(template)?)
            .map_err(|e| Failure::input("the template is not UTF-8").because(e))?;
        return chat::render(&source, &variables);
    }
    let header = Header::read(template)?;
    let source = header
        .text("tokenizer.chat_template")
        .ok_or_else(|| Failure::model("the file has no chat template"))?;
    chat::render(source, &variables)
}

/// Parses a list of token ids.
fn numbers(text: &str) -> Result<Vec<u32>> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']'))
        .filter(|word| !word.is_empty())
        .map(|word| {
            word.parse().map_err(|_| {
                let word = crate::base::text::printable(crate::base::text::truncated(word, 40));
                Failure::usage(format!("`{word}` is no token id"))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_from_any_usual_form() {
        assert_eq!(numbers("[1, 2,3]\n4").expect("numbers"), [1, 2, 3, 4]);
        assert!(numbers("1 x").is_err());
        assert!(numbers("-1").is_err());
    }
}
