//! Model files that are damaged or made to harm: nothing may panic, hang, or take far more
//! memory than the file justifies.
//!
//! Small valid files are changed at random, byte by byte and in what they say, and then taken
//! through all that a model's file goes through. The cases run in a child process with a
//! limited address space and under a watch, so that an allocation without bounds and an
//! endless loop are found too. `HOMEBODY_FUZZ_SECONDS` makes it run long,
//! `HOMEBODY_FUZZ_SEED` begins elsewhere, `HOMEBODY_FUZZ_FILE` runs one file.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use candle_core::Device;

use super::inspect;
use crate::base::Cancel;
use crate::model::chat::{ChatMessage, ChatTemplate};
use crate::model::gguf::write::{Planned, Writer};
use crate::model::gguf::{Header, Value, type_layout};
use crate::model::network;
use crate::model::synthetic::{self, Quantization, Random, SHAPES};
use crate::model::tokenizer::{Encoding, Tokenizer};

/// Address space of the child, in KiB.
const SPACE: u64 = 2_000_000;
/// Memory that one case may add beyond what the process had, in KiB.
const GROWTH: u64 = 200_000;
/// Seconds that one case may take.
const SECONDS: u64 = 20;
/// What tells a process that it is the child.
const CHILD: &str = "HOMEBODY_FUZZ_CHILD";

/// Everything that a model's file goes through. Says how far it came.
fn take(file: &Path) -> &'static str {
    let _ = inspect(file);
    let Ok(header) = Header::read(file) else {
        return "refused";
    };
    let tokenizer = Tokenizer::from_header(&header);
    let template = ChatTemplate::new(header.text("tokenizer.chat_template"), "<s>", "</s>");
    if let Ok(tokenizer) = &tokenizer {
        let ids = tokenizer.encode("a <|im_start|> word\n", Encoding::TEMPLATE);
        let _ = tokenizer.decode(&ids);
        if let Ok(template) = &template {
            let messages = ["system", "user"].map(|role| ChatMessage {
                role: role.to_owned(),
                content: "words".to_owned(),
            });
            let _ = template.encode(tokenizer, &messages, true, true, &|_| None);
        }
    }
    let loaded = network::load(
        file,
        &header,
        64,
        &Device::Cpu,
        &Cancel::never(),
        &mut |_| {},
    );
    match loaded {
        Err(_) => "read",
        Ok(mut network) => match network.read(&[1, 2], network::Wanted::Last, &Cancel::never()) {
            Err(_) => "loaded",
            Ok(_) => "ran",
        },
    }
}

/// The valid files to begin with.
fn seeds(dir: &Path) -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models");
    let mut files: Vec<PathBuf> = ["llama", "qwen2", "qwen3"]
        .iter()
        .map(|name| fixtures.join(format!("{name}-tiny.F32.gguf")))
        .collect();
    for (i, shape) in SHAPES.iter().filter(|shape| shape.is_tiny()).enumerate() {
        for quantization in [["F32", "Q8_0", "Q4_0"][i % 3], ["Q4_K_M", "IQ4_XS"][i % 2]] {
            let file = dir.join(format!("{}-{quantization}.gguf", shape.name));
            let quantization = Quantization::named(quantization).expect("known");
            synthetic::write(
                shape,
                quantization,
                None,
                &file,
                &Cancel::never(),
                &mut |_, _| {},
            )
            .expect("written");
            files.push(file);
        }
    }
    files
}

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
fn make(seeds: &[(PathBuf, Vec<u8>, usize)], case: u64, to: &Path) {
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

/// A figure of this process in KiB, by its name in `/proc/self/status`.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}

/// The child: runs cases until the time is over or one fails.
fn child(order: &str) {
    let mut words = order.split(' ');
    let dir = PathBuf::from(words.next().expect("a folder"));
    let mut number = || words.next().and_then(|w| w.parse().ok()).expect("a number");
    let (seconds, first, most): (u64, u64, u64) = (number(), number(), number());
    if let Ok(file) = std::env::var("HOMEBODY_FUZZ_FILE") {
        println!("{}", take(Path::new(&file)));
        return;
    }
    let seeds: Vec<(PathBuf, Vec<u8>, usize)> = seeds(&dir)
        .into_iter()
        .map(|file| {
            let header = Header::read(&file).expect("a seed");
            // candle's GLM 4 knows no IQ4.
            let candles =
                header.architecture() == "glm4" && header.tensors.iter().any(|t| t.kind == 20);
            if network::check(&header).is_ok() && !candles {
                assert_eq!(take(&file), "ran", "{}", file.display());
            }
            let start = header.parts[0].data_start as usize;
            (file.clone(), fs::read(file).expect("a seed"), start)
        })
        .collect();
    let now = Arc::new(AtomicU64::new(0));
    let watched = Arc::clone(&now);
    std::thread::spawn(move || {
        let (mut last, mut since) = (0, Instant::now());
        loop {
            std::thread::sleep(Duration::from_millis(100));
            let case = watched.load(Ordering::Relaxed);
            if case != last {
                (last, since) = (case, Instant::now());
            } else if since.elapsed() > Duration::from_secs(SECONDS) {
                println!("case {case} does not end");
                std::process::abort();
            }
        }
    });
    let panics = Arc::new(Mutex::new(BTreeMap::new()));
    let (found, at) = (Arc::clone(&panics), Arc::clone(&now));
    std::panic::set_hook(Box::new(move |info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        if let Ok(mut found) = found.lock() {
            found
                .entry(place)
                .or_insert_with(|| at.load(Ordering::Relaxed));
        }
    }));
    let file = dir.join("case.gguf");
    let begun = Instant::now();
    let mut counts = BTreeMap::new();
    let mut case = first;
    while case < first + most && begun.elapsed() < Duration::from_secs(seconds) {
        make(&seeds, case, &file);
        println!("case {case}");
        now.store(case, Ordering::Relaxed);
        // Writing 5 there sets the peak back to what is held now.
        let _ = fs::write("/proc/self/clear_refs", "5");
        let before = memory("VmRSS");
        let came = catch_unwind(AssertUnwindSafe(|| take(&file)));
        let came = came.unwrap_or("panicked");
        let grown = memory("VmHWM").saturating_sub(before);
        if grown > GROWTH {
            println!("case {case} takes {grown} KiB more");
            std::process::abort();
        }
        *counts.entry(came).or_insert(0_u64) += 1;
        case += 1;
    }
    println!("cases {} {counts:?}", case - first);
    // One case for each place that panics: the others may be of other kinds.
    let panics = panics.lock().expect("no panic in the hook").clone();
    if !panics.is_empty() {
        println!("cases that panic: {panics:?}");
        std::process::abort();
    }
}

#[test]
fn no_file_can_do_harm() {
    if let Ok(order) = std::env::var(CHILD) {
        child(&order);
        return;
    }
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let seconds = number("HOMEBODY_FUZZ_SECONDS");
    let first = number("HOMEBODY_FUZZ_SEED").unwrap_or(1);
    let most = if seconds.is_some() { u64::MAX / 2 } else { 60 };
    let dir = tempfile::tempdir().expect("a folder");
    let order = format!(
        "{} {} {first} {most}",
        dir.path().display(),
        seconds.unwrap_or(60)
    );
    let program = std::env::current_exe().expect("this test");
    let mut command = std::process::Command::new("sh");
    let limit = if cfg!(target_os = "linux") {
        format!("ulimit -v {SPACE}; ulimit -c 0; ")
    } else {
        String::new()
    };
    command
        .arg("-c")
        .arg(format!("{limit}exec \"$0\" \"$@\""))
        .arg(program)
        .args([
            "--exact",
            "engine::fuzz_tests::no_file_can_do_harm",
            "--nocapture",
        ])
        .env(CHILD, order);
    let out = command.output().expect("a shell");
    let said = String::from_utf8_lossy(&out.stdout);
    let last = said
        .lines()
        .rev()
        .find(|line| line.contains("case"))
        .unwrap_or_default();
    if out.status.success() {
        println!("{last}");
        return;
    }
    // The file stays, to be looked at.
    let kept = std::env::temp_dir().join(format!("homebody-fuzz-{}.gguf", std::process::id()));
    let _ = fs::copy(dir.path().join("case.gguf"), &kept);
    let errors = String::from_utf8_lossy(&out.stderr);
    let errors: Vec<&str> = errors.lines().collect();
    let tail = errors[errors.len().saturating_sub(30)..].join("\n");
    panic!(
        "{last} ({}), kept as {}\n{tail}",
        out.status,
        kept.display()
    );
}
