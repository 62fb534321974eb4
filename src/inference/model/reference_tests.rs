//! The networks held against reference logits: small random models with the logits of a float32
//! implementation.
//!
//! Quantized files are compared with float arithmetic on their own dequantized weights. The bars
//! are the distances of llama.cpp on the same files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::Device;

use super::gguf::Header;
use super::hyperparameters::Hyperparameters;
use super::mapping::Mapping;
use super::network::{self, Network, Wanted};
use super::weights::Weights;
use crate::base::Cancel;
use crate::kernels::pages::Precision;

mod places;
use places::keeps_its_place;

/// What a quantized file may be off: mean and largest divergence, least cosine.
struct Bar {
    file: &'static str,
    mean: f64,
    most: f64,
    cosine: f64,
}

/// llama.cpp's distances over all positions of all sequences, by version 0.6.0 of its library.
const BARS: [Bar; 5] = [
    Bar {
        file: "qwen35-tiny-bq.Q4_0",
        mean: 1.46e-3,
        most: 1.68e-2,
        cosine: 0.99792,
    },
    Bar {
        file: "qwen35-tiny-bq.Q8_0",
        mean: 1.38e-3,
        most: 9.58e-3,
        cosine: 0.99892,
    },
    Bar {
        file: "qwen35-tiny-bq.Q4_K_M",
        mean: 3.52e-3,
        most: 1.15e-2,
        cosine: 0.99834,
    },
    Bar {
        file: "qwen35-tiny-bq.Q5_K_M",
        mean: 3.39e-3,
        most: 1.35e-2,
        cosine: 0.99719,
    },
    Bar {
        file: "qwen35-tiny-bq.Q6_K",
        mean: 3.46e-3,
        most: 2.14e-2,
        cosine: 0.99832,
    },
];

/// The files in full precision.
const FLOATS: [&str; 6] = [
    "llama-tiny.F32",
    "qwen2-tiny.F32",
    "qwen3-tiny.F32",
    "qwen35-tiny-a.F32",
    "qwen35-tiny-b.F32",
    "qwen35-tiny-mtp.F32",
];

/// Lengths of the sequences.
const LENGTHS: [usize; 6] = [1, 7, 64, 65, 130, 300];

fn ours() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/models")
}

/// Where a model and its reference lie.
fn place(name: &str) -> PathBuf {
    let path = ours().join(name);
    assert!(
        path.with_file_name(format!("{name}.gguf")).exists(),
        "{name} is missing"
    );
    path
}

fn load(path: &Path) -> Box<dyn Network> {
    let file = path.with_file_name(format!(
        "{}.gguf",
        path.file_name().expect("a name").to_string_lossy()
    ));
    let header = Header::read(&file).expect("a header");
    network::load(
        &file,
        &header,
        512,
        &Device::Cpu,
        &Cancel::never(),
        &mut |_| {},
    )
    .expect("a network")
}

/// The reference's arrays of an uncompressed npz: a zip whose members are stored as they are.
struct Reference(HashMap<String, Vec<u8>>);

impl Reference {
    fn read(path: &Path) -> Self {
        let name = path.file_name().expect("a name").to_string_lossy();
        let bytes = std::fs::read(path.with_file_name(format!("{name}.ref.npz"))).expect("there");
        let number = |at: usize, n: usize| {
            bytes[at..at + n]
                .iter()
                .rev()
                .fold(0_usize, |sum, b| sum << 8 | usize::from(*b))
        };
        let mut arrays = HashMap::new();
        let mut at = 0;
        while bytes[at..].starts_with(b"PK\x03\x04") {
            let (name_len, extra_len) = (number(at + 26, 2), number(at + 28, 2));
            let name = String::from_utf8_lossy(&bytes[at + 30..at + 30 + name_len]).into_owned();
            let start = at + 30 + name_len + extra_len;
            let header = 10 + number(start + 8, 2);
            // The size may stand in the zip64 extra field only.
            let mut size = number(at + 18, 4);
            if size == 0xffff_ffff {
                size = number(at + 30 + name_len + 4, 8);
            }
            arrays.insert(
                name.trim_end_matches(".npy").to_owned(),
                bytes[start + header..start + size].to_vec(),
            );
            at = start + size;
        }
        Self(arrays)
    }

    fn tokens(&self, length: usize) -> Vec<u32> {
        let bytes = &self.0[&format!("tokens_{length}")];
        bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| u32::from_le_bytes(*b))
            .collect()
    }

    /// The logits that it has of a sequence: of all positions, or of the last.
    fn logits(&self, length: usize) -> Vec<f32> {
        let all = self.0.get(&format!("logits_{length}"));
        let bytes = all.unwrap_or_else(|| &self.0[&format!("last_{length}")]);
        bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect()
    }
}

/// How far rows of logits are from those of the reference.
#[derive(Debug, Default)]
struct Distance {
    divergences: Vec<f64>,
    least_cosine: f64,
    /// Largest difference by the spread of the reference.
    most: f64,
    rows: usize,
    same_best: usize,
}

impl Distance {
    fn take(&mut self, found: &[f32], wanted: &[f32], columns: usize) {
        assert_eq!(found.len(), wanted.len());
        let mean = wanted.iter().map(|x| f64::from(*x)).sum::<f64>() / wanted.len() as f64;
        let variance: f64 = wanted.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum();
        let spread = (variance / wanted.len() as f64).sqrt();
        for (found, wanted) in found.chunks(columns).zip(wanted.chunks(columns)) {
            let logs = |row: &[f32]| -> Vec<f64> {
                let most = row.iter().copied().fold(f32::MIN, f32::max);
                let sum: f64 = row.iter().map(|x| f64::from(x - most).exp()).sum();
                row.iter().map(|x| f64::from(x - most) - sum.ln()).collect()
            };
            let (p, q) = (logs(wanted), logs(found));
            self.divergences
                .push(p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).sum());
            let dot = |a: &[f32], b: &[f32]| -> f64 {
                a.iter()
                    .zip(b)
                    .map(|(a, b)| f64::from(*a) * f64::from(*b))
                    .sum()
            };
            let cosine = dot(found, wanted) / (dot(found, found) * dot(wanted, wanted)).sqrt();
            self.least_cosine = if self.rows == 0 {
                cosine
            } else {
                self.least_cosine.min(cosine)
            };
            let worst = found
                .iter()
                .zip(wanted)
                .map(|(a, b)| f64::from((a - b).abs()));
            self.most = self.most.max(worst.fold(0.0, f64::max) / spread);
            let best = |row: &[f32]| {
                let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
                best.map(|(i, _)| i)
            };
            self.same_best += usize::from(best(found) == best(wanted));
            self.rows += 1;
        }
    }

    fn mean(&self) -> f64 {
        self.divergences.iter().sum::<f64>() / self.rows as f64
    }

    fn worst(&self) -> f64 {
        self.divergences.iter().copied().fold(0.0, f64::max)
    }
}

/// Reads tokens in pieces of the given lengths, over and over, from an empty text on.
fn read(network: &mut dyn Network, tokens: &[u32], pieces: &[usize]) -> Vec<f32> {
    network.reset();
    let mut rows = Vec::new();
    let mut rest = tokens;
    for piece in pieces.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at((*piece).min(rest.len()));
        rows.extend(
            network
                .read(now, Wanted::All, &Cancel::never())
                .expect("logits"),
        );
        rest = later;
    }
    rows
}

/// The distance over all sequences, read in such pieces.
fn distance(network: &mut dyn Network, reference: &Reference, pieces: &[usize]) -> Distance {
    let mut distance = Distance::default();
    for length in LENGTHS {
        let tokens = reference.tokens(length);
        let rows = read(network, &tokens, pieces);
        let columns = rows.len() / length;
        let wanted = reference.logits(length);
        let found = &rows[rows.len() - wanted.len()..];
        distance.take(found, &wanted, columns);
    }
    distance
}

#[test]
fn in_full_precision_they_equal_the_reference() {
    for name in FLOATS {
        let path = place(name);
        let (mut network, reference) = (load(&path), Reference::read(&path));
        for pieces in [&[512][..], &[1], &[7], &[64], &[9, 1, 1, 30]] {
            let far = distance(&mut *network, &reference, pieces);
            eprintln!("{name} by {pieces:?}: {:.1e} of the spread", far.most);
            assert!(far.most < 1e-3, "{name} by {pieces:?}: {}", far.most);
            assert!(
                far.least_cosine >= 0.999_999,
                "{name}: {}",
                far.least_cosine
            );
            assert_eq!(far.same_best, far.rows, "{name}");
        }
    }
}

#[test]
fn quantized_they_are_as_near_to_it_as_llama_cpp() {
    for bar in &BARS {
        let path = place(bar.file);
        let (mut network, reference) = (load(&path), Reference::read(&path));
        for pieces in [&[512][..], &[1], &[7], &[64]] {
            let far = distance(&mut *network, &reference, pieces);
            eprintln!(
                "{} by {pieces:?}: divergence {:.2e} (bar {:.2e}), largest {:.2e} ({:.2e}), cosine \
                 {:.5} ({:.5}), best {} of {}",
                bar.file,
                far.mean(),
                bar.mean,
                far.worst(),
                bar.most,
                far.least_cosine,
                bar.cosine,
                far.same_best,
                far.rows
            );
            assert!(far.mean() <= 1.2 * bar.mean, "{}: {}", bar.file, far.mean());
            assert!(
                far.worst() <= 1.2 * bar.most,
                "{}: {}",
                bar.file,
                far.worst()
            );
            assert!(far.least_cosine >= bar.cosine - 0.001, "{}", bar.file);
        }
    }
}

/// What is lost where keys and values are kept in half precision, as those of quantized files
/// are: far less than quantizing loses, and the tokens stay the same.
#[test]
fn keys_in_half_precision_stay_near_to_the_reference() {
    for name in FLOATS {
        let path = place(name);
        let reference = Reference::read(&path);
        let mut network = with(&path, |mut weights| {
            weights.precision = Precision::Half;
            weights
        });
        for pieces in [&[512][..], &[9, 1, 1, 30]] {
            let far = distance(&mut network, &reference, pieces);
            eprintln!(
                "{name} with halves by {pieces:?}: {:.1e} of the spread, divergence {:.1e}, best {} of {}",
                far.most,
                far.mean(),
                far.same_best,
                far.rows
            );
            assert!(far.most < 2e-2, "{name} by {pieces:?}: {}", far.most);
            assert!(far.mean() < 1e-5, "{name} by {pieces:?}: {}", far.mean());
        }
        // One of each kind of state.
        if ["llama-tiny.F32", "qwen35-tiny-mtp.F32"].contains(&name) {
            keeps_its_place(&mut network, &reference.tokens(130));
        }
    }
}

/// The network of a file whose weights are looked at in some other way.
fn with(
    path: &Path,
    other: impl Fn(Weights<'_>) -> Weights<'_>,
) -> super::transformer::Transformer {
    let name = path.file_name().expect("a name").to_string_lossy();
    let file = path.with_file_name(format!("{name}.gguf"));
    let header = Header::read(&file).expect("a header");
    let hyper = Hyperparameters::from_header(&header).expect("figures");
    let mapping = Arc::new(Mapping::open(&file).expect("there"));
    let weights = other(Weights::new(&header, vec![mapping], Device::Cpu));
    let loaded = match header.architecture() {
        "llama" => super::llama::load(&weights, hyper, 512),
        "qwen2" => super::qwen2::load(&weights, hyper, 512),
        "qwen3" => super::qwen3::load(&weights, hyper, 512),
        _ => super::qwen35::load(&weights, hyper, 512),
    };
    loaded.expect("a network")
}

/// The code for other devices, tried with candle's tensors on the CPU.
#[test]
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "named by its path the method has one lifetime only"
)]
fn as_tensors_they_equal_the_reference_too() {
    for name in [
        "qwen2-tiny.F32",
        "qwen3-tiny.F32",
        "llama-tiny.F32",
        "qwen35-tiny-mtp.F32",
    ] {
        let path = ours().join(name);
        let mut network = with(&path, |weights| weights.as_tensors());
        let reference = Reference::read(&path);
        for pieces in [&[512][..], &[9, 1, 1, 30]] {
            let far = distance(&mut network, &reference, pieces);
            assert!(far.most < 1e-3, "{name} by {pieces:?}: {}", far.most);
        }
        keeps_its_place(&mut network, &reference.tokens(130));
    }
}
