//! candle's models held against themselves in pieces and against a plain computation, and files
//! that candle would stumble over.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::base::{CancelSource, Kind};
use crate::model::gguf::write::{Planned, Writer};
use crate::model::gguf::{self, type_layout};
use crate::model::network;
use crate::model::synthetic::{self, Quantization, Shape};

/// Tokens that the tiny vocabularies have.
const VOCABULARY: usize = 320;

/// A tiny model in a folder of its own.
struct Made {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

fn made(architecture: &str, quantization: &str) -> Made {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("m.gguf");
    synthetic::write(
        Shape::named(&format!("{architecture}-tiny")).expect("a shape"),
        Quantization::named(quantization).expect("a quantization"),
        None,
        &path,
        &Cancel::never(),
        &mut |_, _| {},
    )
    .expect("written");
    Made { _dir: dir, path }
}

fn open(file: &Path, context: usize) -> Result<Box<dyn Network>> {
    let header = Header::read(file)?;
    let never = Cancel::never();
    network::load(file, &header, context, &Device::Cpu, &never, &mut |_| {})
}

fn opened(made: &Made) -> Box<dyn Network> {
    open(&made.path, 1024).expect("a network")
}

fn prompt(count: usize) -> Vec<u32> {
    (0..count).map(|i| (i * 37 % VOCABULARY) as u32).collect()
}

fn read(network: &mut dyn Network, tokens: &[u32]) -> Vec<f32> {
    let logits = network.read(tokens, Wanted::Last, &Cancel::never());
    logits.expect("logits")
}

fn far(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    apart.fold(0.0, f32::max)
}

#[test]
fn whole_in_pieces_and_token_by_token_are_the_same() {
    for architecture in ARCHITECTURES {
        for quantization in ["F32", "Q8_0"] {
            let made = made(architecture, quantization);
            let mut network = opened(&made);
            let tokens = prompt(90);
            let wanted = read(&mut *network, &tokens);
            assert_eq!(network.n_past(), 90);
            assert!(wanted.iter().all(|x| x.is_finite()), "{architecture}");
            for piece in [1, 2, 3, 17, 32, 33, 64] {
                network.reset();
                let mut found = Vec::new();
                for part in tokens.chunks(piece) {
                    found = read(&mut *network, part);
                }
                let apart = far(&found, &wanted);
                assert!(apart < 2e-4, "{architecture} by {piece}: {apart}");
            }
            network.reset();
            let all = network.read(&tokens, Wanted::All, &Cancel::never());
            let all = all.expect("logits");
            assert_eq!(all.len(), 90 * VOCABULARY);
            let apart = far(&all[89 * VOCABULARY..], &wanted);
            assert!(apart < 2e-4, "{architecture}: {apart}");
            let mut other = tokens.clone();
            other[0] += 1;
            network.reset();
            let found = read(&mut *network, &other);
            assert!(far(&found, &wanted) > 1e-3, "{architecture}");
        }
    }
}

/// The figures are those of a program in another language, in double precision, that was written
/// from the definitions of the architectures.
#[test]
fn the_logits_are_those_of_a_plain_computation() {
    let phi2 = [
        1.425_348, 0.280_037, -0.285_047, 1.663_461, 2.066_967, -2.049_121, -1.072_52, 1.246_722,
    ];
    let lfm2 = [
        0.051_721, 0.273_451, 0.560_971, -0.757_512, 0.661_137, -0.398_864, 0.523_219, 1.204_192,
    ];
    for (architecture, wanted) in [("phi2", phi2), ("lfm2", lfm2)] {
        let made = made(architecture, "F32");
        let found = read(&mut *opened(&made), &prompt(40));
        let apart = far(&found[..8], &wanted);
        assert!(apart < 1e-4, "{architecture}: {apart}");
    }
}

#[test]
fn nothing_of_a_text_is_left_for_the_next() {
    for architecture in ARCHITECTURES {
        let made = made(architecture, "F32");
        let mut network = opened(&made);
        let first: Vec<f32> = read(&mut *network, &[7]);
        for begin in [1, 2, 40] {
            let tokens = prompt(begin);
            let wanted = read(&mut *opened(&made), &tokens);
            network.reset();
            read(&mut *network, &prompt(50));
            network.truncate(49);
            assert_eq!(network.n_past(), 0, "all or nothing");
            let found = read(&mut *network, &tokens);
            assert_eq!(found, wanted, "{architecture} {begin}");
        }
        network.reset();
        assert_eq!(read(&mut *network, &[7]), first, "{architecture}");
        assert_eq!(network.truncate(1), 1);
    }
}

#[test]
fn a_cancel_stops_loading_and_reading() {
    for architecture in ARCHITECTURES {
        let made = made(architecture, "F32");
        let header = Header::read(&made.path).expect("a header");
        let source = CancelSource::new();
        let loaded = network::load(
            &made.path,
            &header,
            1024,
            &Device::Cpu,
            &source.token(),
            &mut |_| source.cancel(),
        );
        let failure = loaded.err().expect("cancelled");
        assert!(failure.is_interrupted(), "{failure}");

        let mut network = opened(&made);
        let wanted = read(&mut *network, &[1, 2, 3]);
        let cancelled = source.token();
        source.cancel();
        let failure = network.read(&[4], Wanted::Last, &cancelled);
        assert!(failure.expect_err("cancelled").is_interrupted());
        assert_eq!(network.n_past(), 3, "the state is as it was");

        let go = source.token();
        let read_on = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(20));
                source.cancel();
            });
            network.read(&prompt(1000), Wanted::All, &go)
        });
        let failure = read_on.expect_err("cancelled on the way");
        assert!(failure.is_interrupted(), "{failure}");
        assert_eq!(network.n_past(), 0, "half a piece cannot be taken back");
        let again = read(&mut *network, &[1, 2, 3]);
        assert_eq!(again, wanted, "{architecture}");
    }
}

#[test]
fn a_text_longer_than_the_context_is_refused() {
    for architecture in ARCHITECTURES {
        let made = made(architecture, "F32");
        let mut network = open(&made.path, 8).expect("a network");
        read(&mut *network, &[1; 8]);
        let failure = network.read(&[1], Wanted::Last, &Cancel::never());
        let failure = failure.expect_err("full");
        assert!(failure.to_string().contains("longer"), "{failure}");
        assert_eq!(network.n_past(), 8);
    }
    let made = made("phi2", "F32");
    assert!(open(&made.path, 4096).is_ok());
    let failure = open(&made.path, 4097).err().expect("too long");
    assert!(failure.to_string().contains("context"), "{failure}");
    assert!(failure.next_step().is_some_and(|h| h.contains("4096")));
}

#[test]
fn a_token_that_is_none_is_an_error_and_the_next_text_is_right() {
    for architecture in ARCHITECTURES {
        let made = made(architecture, "F32");
        let mut network = opened(&made);
        let wanted = read(&mut *network, &[5]);
        let failure = network.read(&[3, VOCABULARY as u32], Wanted::Last, &Cancel::never());
        assert!(failure.is_err(), "{architecture}");
        assert_eq!(network.n_past(), 0);
        assert_eq!(read(&mut *network, &[5]), wanted);
    }
}

/// Metadata in an order of its own.
type Metadata = Vec<(String, gguf::Value)>;

/// A file with one thing changed; none where no file can be written so.
fn changed(
    good: &Header,
    bytes: &[u8],
    to: &Path,
    change: &dyn Fn(&mut Metadata, &mut Vec<Planned>),
) -> Option<()> {
    let mut metadata: Metadata = good.metadata.clone().into_iter().collect();
    metadata.sort_by(|a, b| a.0.cmp(&b.0));
    let mut planned: Vec<Planned> = good.tensors.iter().map(Planned::from).collect();
    change(&mut metadata, &mut planned);
    let mut writer = Writer::create(to, &metadata, &planned).ok()?;
    for planned in &planned {
        // Those that were renamed or grew take what lies at the beginning.
        let tensor = good.tensor(&planned.name).unwrap_or(&good.tensors[0]);
        let start = good.range(tensor).start as usize;
        let size = planned.bytes()? as usize;
        let content = bytes[start..]
            .iter()
            .chain(std::iter::repeat(&0))
            .take(size);
        writer.write(&content.copied().collect::<Vec<_>>()).ok()?;
    }
    writer.finish().ok()
}

/// Loads a file that may be damaged and reads with it; tells whether it ran.
fn ran(file: &Path, what: &str) -> bool {
    let run = || -> Result<()> {
        let mut network = open(file, 64)?;
        network.read(&[1, 2, 3], Wanted::Last, &Cancel::never())?;
        network.read(&[4], Wanted::Last, &Cancel::never()).map(drop)
    };
    let came = catch_unwind(AssertUnwindSafe(run));
    came.unwrap_or_else(|_| panic!("{what} panicked")).is_ok()
}

#[test]
fn any_tensor_may_be_damaged() {
    for architecture in ARCHITECTURES {
        let made = made(architecture, "Q8_0");
        let good = Header::read(&made.path).expect("a header");
        let bytes = std::fs::read(&made.path).expect("there");
        let file = made.path.with_extension("damaged");
        let mut refused = 0;
        for (at, tensor) in good.tensors.iter().enumerate() {
            // These are as those of the first.
            if tensor.name.starts_with("blk.1.") || tensor.name.starts_with("blk.3.") {
                continue;
            }
            let shape = &tensor.shape;
            let mut shapes: Vec<Vec<u64>> = vec![
                shape.iter().rev().copied().collect(),
                vec![tensor.elements()],
                shape.iter().copied().chain([1]).collect(),
                [1].into_iter().chain(shape.iter().copied()).collect(),
            ];
            for axis in 0..shape.len() {
                let n = shape[axis];
                for n in [1, n / 2, n - 1, n + 1, n + 32, n * 2] {
                    let mut other = shape.clone();
                    other[axis] = n.max(1);
                    shapes.push(other);
                }
            }
            shapes.retain(|other| other != shape);
            for shape in shapes {
                let change = |_: &mut Vec<_>, planned: &mut Vec<Planned>| {
                    planned[at].shape.clone_from(&shape);
                };
                if changed(&good, &bytes, &file, &change).is_some() {
                    let what = format!("{architecture}: {} of {shape:?}", tensor.name);
                    let rows = tensor.name == "token_embd.weight" && shape[0] == tensor.shape[0];
                    // A tied head has as many rows as it has.
                    let ran = ran(&file, &what);
                    assert!(!ran || (rows && shape.len() == 2), "{what} ran");
                    refused += usize::from(!ran);
                }
            }
            for kind in (0..=40).filter(|kind| type_layout(*kind).is_some()) {
                let change = |_: &mut Vec<_>, planned: &mut Vec<Planned>| planned[at].kind = kind;
                if changed(&good, &bytes, &file, &change).is_some() {
                    ran(&file, &format!("{architecture}: {} as {kind}", tensor.name));
                }
            }
            for name in ["lm_head.weight", "blk.0.ffn_norm", "blk.0.attn_q.bias"] {
                let change =
                    |_: &mut Vec<_>, planned: &mut Vec<Planned>| planned[at].name = name.into();
                if changed(&good, &bytes, &file, &change).is_some() {
                    ran(&file, &format!("{architecture}: {} is {name}", tensor.name));
                }
            }
        }
        assert!(refused > 100, "{architecture}: {refused}");
    }
}

#[test]
fn any_figure_may_be_damaged() {
    use gguf::Value::{Array, Bool, Float, Signed, Text, Unsigned};

    let mut values: Vec<Option<gguf::Value>> = vec![
        None,
        Some(Signed(-1)),
        Some(Float(-1.0)),
        Some(Float(f64::from(f32::NAN))),
        Some(Float(f64::from(f32::MAX))),
        Some(Float(0.5)),
        Some(Bool(true)),
        Some(Text("64".into())),
        Some(Array(Vec::new())),
    ];
    let whole = [0, 1, 2, 3, 4, 5, 8, 16, 17, 32, 64, 128, 4096];
    values.extend(whole.map(|n| Some(Unsigned(n))));
    values.extend([1 << 20, u64::from(u32::MAX), 1 << 40, u64::MAX].map(|n| Some(Unsigned(n))));
    for list in [
        &[0, 0, 0, 0][..],
        &[2, 2, 2, 2],
        &[0, 0, 3, 0],
        &[0, 2, 0, 0],
        &[2],
        &[0],
        &[0, 0, 2],
        &[0, 0, 2, 0, 0],
        &[0, 0, 2, u64::MAX],
    ] {
        values.push(Some(Array(list.iter().map(|n| Unsigned(*n)).collect())));
    }
    for architecture in ARCHITECTURES {
        let made = made(architecture, "F32");
        let good = Header::read(&made.path).expect("a header");
        let bytes = std::fs::read(&made.path).expect("there");
        let file = made.path.with_extension("damaged");
        let keys = good.metadata.keys().filter_map(|key| {
            let own = key.strip_prefix(&format!("{architecture}."))?;
            Some(own.to_owned())
        });
        let more = [
            "attention.sliding_window",
            "rope.scaling.factor",
            "rope.scaling.type",
            "nextn_predict_layers",
            "shortconv.l_cache",
            "attention.layer_norm_epsilon",
        ];
        let mut keys: Vec<String> = keys.chain(more.map(str::to_owned)).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            for value in &values {
                // Lists are known by layer, and of these figures alone.
                if matches!(value, Some(Array(_))) && !key.contains("head_count") {
                    continue;
                }
                let key = format!("{architecture}.{key}");
                let change = |metadata: &mut Metadata, _: &mut Vec<_>| {
                    metadata.retain(|(name, _)| *name != key);
                    metadata.extend(value.clone().map(|value| (key.clone(), value)));
                };
                if changed(&good, &bytes, &file, &change).is_some() {
                    ran(&file, &format!("{key} = {value:?}"));
                }
            }
        }
    }
}

#[test]
fn figures_and_tensors_that_candle_does_not_heed_are_refused() {
    use gguf::Value::{Float, Unsigned};

    for (key, value, word) in [
        ("phi2.attention.head_count_kv", Unsigned(2), "its own"),
        ("phi2.rope.freq_base", Float(1e6), "turned"),
        ("phi2.attention.key_length", Unsigned(32), "numbers"),
        ("lfm2.attention.key_length", Unsigned(32), "numbers"),
        ("lfm2.rope.dimension_count", Unsigned(8), "turned"),
        ("lfm2.attention.sliding_window", Unsigned(8), "window"),
        ("lfm2.shortconv.l_cache", Unsigned(4), "shortconv.conv"),
        ("lfm2.shortconv.l_cache", Unsigned(64), "64 tokens"),
        ("glm4.rope.dimension_count", Unsigned(16), "turned"),
    ] {
        let (architecture, _) = key.split_once('.').expect("a prefix");
        let made = made(architecture, "F32");
        let mut header = Header::read(&made.path).expect("a header");
        header.metadata.insert(key.to_owned(), value);
        let never = Cancel::never();
        let loaded = network::load(&made.path, &header, 64, &Device::Cpu, &never, &mut |_| {});
        let failure = loaded.err().expect(key);
        assert!(failure.to_string().contains(word), "{failure}");
    }
    for architecture in ["phi2", "lfm2"] {
        let made = made(architecture, "F32");
        let mut header = Header::read(&made.path).expect("a header");
        let mut other = header.tensors[1].clone();
        other.name = "blk.0.attn_q.bias".into();
        header.tensors.push(other);
        let never = Cancel::never();
        let loaded = network::load(&made.path, &header, 64, &Device::Cpu, &never, &mut |_| {});
        let failure = loaded.err().expect("refused");
        assert_eq!(failure.kind(), Kind::Model);
        assert!(failure.to_string().contains("attn_q.bias"), "{failure}");
    }
}
