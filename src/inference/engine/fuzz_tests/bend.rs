//! Changes to a good model file, at random: to its bytes, and to what it says.

use std::fs;
use std::path::{Path, PathBuf};

use crate::model::gguf::write::{Planned, Writer};
use crate::model::gguf::{Header, Value, type_layout};
use crate::model::network;
use crate::model::synthetic::Random;

/// Draws of the mutations.
struct Dice(Random);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        (self.0.next() % n.max(1) as u64) as usize
    }

    fn of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    /// A number that code may have forgotten.
    fn number(&mut self) -> u64 {
        const ODD: [u64; 22] = [
            0,
            1,
            2,
            3,
            4,
            7,
            8,
            16,
            31,
            32,
            33,
            64,
            255,
            256,
            257,
            65_535,
            1 << 20,
            1 << 31,
            (1 << 32) - 1,
            1 << 40,
            1 << 63,
            u64::MAX,
        ];
        match self.below(4) {
            0 => self.0.next(),
            1 => self.0.next() % 1000,
            _ => ODD[self.below(ODD.len())],
        }
    }
}

/// Changes bytes, wherever they are; mostly those of the header.
fn bend_bytes(bytes: &mut Vec<u8>, header: usize, dice: &mut Dice) {
    for _ in 0..=dice.below(4) {
        let most = if dice.below(4) == 0 {
            bytes.len()
        } else {
            header
        };
        let most = most.min(bytes.len()).max(1);
        // The beginning and the end of the header are its bones; between them are words.
        let at = match dice.below(3) {
            0 => dice.below(most.min(700)),
            1 => most - 1 - dice.below(most.min(2500)),
            _ => dice.below(most),
        };
        match dice.below(8) {
            0 => bytes[at] ^= 1 << dice.below(8),
            1 => bytes[at] = dice.number() as u8,
            2 | 3 => {
                let n = dice.number().to_le_bytes();
                let width = [4, 8][dice.below(2)];
                for (place, byte) in bytes.iter_mut().skip(at).zip(&n[..width]) {
                    *place = *byte;
                }
            }
            4 => {
                let other = dice.below(most);
                let length = dice.below(64).min(bytes.len() - at.max(other));
                for i in 0..length {
                    bytes.swap(at + i, other + i);
                }
            }
            5 => {
                let end = (at + dice.below(40)).min(bytes.len());
                bytes.drain(at..end);
            }
            6 => {
                let n = dice.number().to_le_bytes();
                bytes.splice(at..at, n);
            }
            _ => {
                let end = if dice.below(3) == 0 {
                    bytes.len() - dice.below(64).min(bytes.len())
                } else {
                    at
                };
                bytes.truncate(end);
            }
        }
        if bytes.is_empty() {
            return;
        }
    }
}

/// Templates that do not want to end. Those that make one long text in few steps, by padding
/// or by doubling, are left out: the template engine counts steps, not bytes.
const TEMPLATES: [&str; 6] = [
    "{% for i in range(100000000) %}x{% endfor %}",
    "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "{% for a in range(9999) %}{% for b in range(9999) %}{{ a * b }}{% endfor %}{% endfor %}",
    "{{ 'words' * 1000000000 }}",
    "{% for message in messages %}{{ message.content[10:1:-1] }}{{ message['x'].y }}{% endfor %}",
    "{{ messages[9999].content }}{{ 1 // 0 }}{{ raise_exception('no') }}",
];

/// Another value in the place of one.
fn bend_value(key: &str, value: &mut Value, dice: &mut Dice) {
    let odd = |dice: &mut Dice| match dice.below(7) {
        0 => Value::Signed(dice.number() as i64),
        1 => Value::Float(*dice.of(&[
            &0.0,
            &-1.0,
            &1e-30,
            &1e38,
            &f64::NAN,
            &f64::INFINITY,
            &f64::NEG_INFINITY,
            &1e300,
        ])),
        2 => Value::Bool(dice.below(2) == 0),
        3 => Value::Text(
            dice.of(&["", "x", "\u{0}", "gpt2", "llama", "linear", "yarn"])
                .to_owned(),
        ),
        4 => Value::Array(Vec::new()),
        _ => Value::Unsigned(dice.number()),
    };
    match value {
        Value::Array(values) if dice.below(4) > 0 => {
            let at = dice.below(values.len().max(1));
            match dice.below(6) {
                0 => values.truncate(at),
                1 => {
                    let copy = values.clone();
                    values.extend(copy);
                }
                2 if !values.is_empty() => values.rotate_left(at),
                3 => {
                    for value in values.iter_mut() {
                        if let Value::Signed(n) = value {
                            *n = dice.below(9) as i64;
                        }
                    }
                }
                _ => {
                    for _ in 0..dice.below(20) {
                        let at = dice.below(values.len().max(1));
                        if let Some(value) = values.get_mut(at) {
                            match value {
                                Value::Text(text) => {
                                    *text = dice
                                        .of(&[
                                            "",
                                            " ",
                                            "a",
                                            "\u{120}",
                                            "a b c",
                                            "\u{10ffff}",
                                            "<|im_start|>",
                                            "<0x0A>",
                                            "(?:",
                                            "[[[\\",
                                        ])
                                        .to_owned();
                                }
                                Value::Float(x) => *x = f64::NAN,
                                Value::Signed(n) => *n = dice.number() as i64,
                                Value::Unsigned(n) => *n = dice.number(),
                                _ => {}
                            }
                        }
                    }
                }
            }
        }
        Value::Text(text) if key.ends_with("chat_template") => {
            *text = dice.of(&TEMPLATES).to_owned();
        }
        Value::Text(text) if key.ends_with("tokenizer.ggml.pre") => {
            *text = dice
                .of(&["smollm", "llama-bpe", "tekken", "gpt-4o", "mars"])
                .to_owned();
        }
        value => *value = odd(dice),
    }
}

/// A file of the same kind that says other things, as whole as it can be written.
fn bend_meaning(from: &Path, to: &Path, dice: &mut Dice) -> Option<()> {
    let header = Header::read(from).ok()?;
    let bytes = fs::read(from).ok()?;
    let mut metadata: Vec<(String, Value)> = header
        .metadata
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    metadata.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut tensors: Vec<(Planned, Vec<u8>)> = header
        .tensors
        .iter()
        .map(|tensor| {
            let range = header.range(tensor);
            let planned = Planned {
                name: tensor.name.clone(),
                shape: tensor.shape.clone(),
                kind: tensor.kind,
            };
            (
                planned,
                bytes[range.start as usize..range.end as usize].to_vec(),
            )
        })
        .collect();
    for _ in 0..=dice.below(3) {
        let at = dice.below(metadata.len());
        let which = dice.below(tensors.len());
        match dice.below(12) {
            0..=4 => {
                // Figures are fewer than words, and there is more to break in them.
                let figures = metadata
                    .iter()
                    .position(|(key, _)| key.starts_with(header.architecture()))?;
                let count = metadata
                    .iter()
                    .filter(|(key, _)| key.starts_with(header.architecture()))
                    .count();
                let at = if dice.below(3) == 0 {
                    at
                } else {
                    figures + dice.below(count)
                };
                let (key, value) = metadata.get_mut(at)?;
                bend_value(key, value, dice);
            }
            5 => {
                metadata.remove(at);
            }
            6 => {
                // Another architecture, its figures renamed with it.
                let old = header.architecture();
                let new = dice.of(network::ARCHITECTURES).to_owned();
                for (key, value) in &mut metadata {
                    if let Some(rest) = key.strip_prefix(&format!("{old}.")) {
                        *key = format!("{new}.{rest}");
                    }
                    if key == "general.architecture" {
                        *value = Value::Text(new.clone());
                    }
                }
            }
            7 => {
                let key = format!(
                    "{}.{}",
                    header.architecture(),
                    dice.of(&[
                        "attention.sliding_window",
                        "rope.scaling.factor",
                        "rope.scaling.type",
                        "rope.scaling.original_context_length",
                        "expert_count",
                        "rope.scaling.attn_factor",
                        "nextn_predict_layers"
                    ])
                );
                if metadata.iter().all(|(k, _)| *k != key) {
                    let mut value = Value::Unsigned(dice.number());
                    bend_value(&key, &mut value, dice);
                    metadata.push((key, value));
                }
            }
            8 => {
                tensors.remove(which);
            }
            9 => {
                let planned = &mut tensors.get_mut(which)?.0;
                match dice.below(5) {
                    0 => planned.shape.reverse(),
                    1 => planned.shape.push(1),
                    2 => planned.shape = vec![planned.shape.iter().product()],
                    _ => {
                        let side = dice.below(planned.shape.len());
                        let n = planned.shape.get_mut(side)?;
                        *n = (*n * 2).min(dice.number().clamp(1, 4096));
                    }
                }
            }
            10 => {
                let planned = &mut tensors.get_mut(which)?.0;
                planned.kind = dice.below(42) as u32;
                if let Some((_, block, _)) = type_layout(planned.kind)
                    && let Some(width) = planned.shape.first_mut()
                {
                    *width = width.next_multiple_of(block);
                }
            }
            _ => {
                let name = tensors.get(dice.below(tensors.len()))?.0.name.clone();
                let data = &mut tensors.get_mut(which)?.1;
                if dice.below(2) == 0 {
                    for byte in data.iter_mut() {
                        *byte = dice.0.next() as u8;
                    }
                } else {
                    tensors.get_mut(which)?.0.name = name;
                }
            }
        }
        if metadata.is_empty() || tensors.is_empty() {
            break;
        }
    }
    let planned: Vec<Planned> = tensors.iter().map(|(planned, _)| planned.clone()).collect();
    if planned
        .iter()
        .any(|p| p.bytes().is_none_or(|n| n > 8 << 20))
    {
        return None;
    }
    let mut writer = Writer::create(to, &metadata, &planned).ok()?;
    for (planned, mut data) in tensors {
        data.resize(planned.bytes()? as usize, 0x3c);
        writer.write(&data).ok()?;
    }
    writer.finish().ok()
}

/// Writes the case of that number.
pub(super) fn make(seeds: &[(PathBuf, Vec<u8>, usize)], case: u64, to: &Path) {
    let mut dice = Dice(Random::new(case));
    let (path, bytes, header) = &seeds[dice.below(seeds.len())];
    let mut bytes = bytes.clone();
    if dice.below(2) == 0 && bend_meaning(path, to, &mut dice).is_some() {
        if dice.below(4) > 0 {
            return;
        }
        bytes = fs::read(to).expect("just written");
    }
    bend_bytes(&mut bytes, *header, &mut dice);
    fs::write(to, bytes).expect("written");
}
