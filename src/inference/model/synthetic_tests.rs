//! Made models load and run, have the sizes of published ones, and are the same every time.

use candle_core::Device;

use super::*;
use crate::model::chat::ChatTemplate;
use crate::model::network;
use crate::model::tokenizer::{Encoding, Tokenizer};

fn made(shape: &str, quantization: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("m.gguf");
    let mut last = (0, 0);
    let bytes = write(
        Shape::named(shape).expect("a shape"),
        Quantization::named(quantization).expect("a quantization"),
        None,
        &path,
        &Cancel::never(),
        &mut |done, total| last = (done, total),
    )
    .expect("written");
    assert!(last.0 == bytes && last.1 >= bytes, "{last:?}");
    (dir, path)
}

#[test]
fn every_small_shape_runs_and_stays_finite() {
    for shape in SHAPES.iter().filter(|shape| shape.is_tiny()) {
        if !network::ARCHITECTURES.contains(&shape.architecture) {
            continue;
        }
        let (_dir, path) = made(shape.name, "F32");
        let header = Header::read(&path).expect("a header");
        let tokenizer = Tokenizer::from_header(&header).expect("a tokenizer");
        let text = "the words";
        let tokens = tokenizer.encode(text, Encoding::TEXT);
        assert_eq!(tokenizer.decode(&tokens), text);
        assert!(tokens.len() < text.len(), "nothing was merged");
        ChatTemplate::from_header(&header).expect("a template");
        let logits = logits(&path, &tokens);
        assert!(logits.iter().all(|x| x.is_finite()), "{}", shape.name);
        let size = (logits.iter().map(|x| x * x).sum::<f32>() / logits.len() as f32).sqrt();
        assert!((0.2..5.0).contains(&size), "{}: {size}", shape.name);
    }
}

fn logits(path: &Path, tokens: &[u32]) -> Vec<f32> {
    let header = Header::read(path).expect("a header");
    network::load(
        path,
        &header,
        64,
        &Device::Cpu,
        &Cancel::never(),
        &mut |_| {},
    )
    .expect("a network")
    .read(tokens, network::Wanted::Last, &Cancel::never())
    .expect("logits")
}

#[test]
fn every_mixture_runs() {
    for quantization in QUANTIZATIONS {
        for shape in ["qwen3-tiny", "qwen2-tiny"] {
            let (_dir, path) = made(shape, quantization.name);
            let logits = logits(&path, &[1, 2, 3]);
            assert!(
                logits.iter().all(|x| x.is_finite()) && logits.iter().any(|x| *x != 0.0),
                "{shape} {}",
                quantization.name
            );
        }
    }
}

/// Bytes of the tensors of a shape, without writing them.
fn planned(shape: &str, quantization: &str) -> u64 {
    let shape = Shape::named(shape).expect("a shape");
    let quantization = Quantization::named(quantization).expect("a quantization");
    tensors::of(shape, shape.vocabulary)
        .iter()
        .map(|tensor| {
            let kind = quantization.kind(tensor, shape.tied);
            tensor.elements() / kind.block() as u64 * kind.bytes() as u64
        })
        .sum()
}

#[test]
fn sizes_are_those_of_published_files() {
    // Parameters of the text models; F32 takes four bytes for each.
    for (shape, parameters) in [
        ("qwen35-0.8b", 752_393_024),
        ("qwen35-2b", 1_881_825_088),
        ("qwen35-4b", 4_205_751_296),
        ("qwen35-9b", 8_953_803_264),
    ] {
        assert_eq!(planned(shape, "F32"), 4 * parameters, "{shape}");
    }
    // Published files in this mixture have 5.6 GB (nine billion) and 0.5 GB.
    let large = planned("qwen35-9b", "Q4_K_M");
    assert!((5_400_000_000..5_700_000_000).contains(&large), "{large}");
    let small = planned("qwen35-0.8b", "Q4_K_M");
    assert!((500_000_000..530_000_000).contains(&small), "{small}");
}

#[test]
fn large_tensors_repeat_in_rows_that_differ() {
    let mut weights = Weights::new();
    let tensor = tensors::of(Shape::named("qwen3-0.6b").expect("a shape"), 151_936)
        .into_iter()
        .find(|tensor| tensor.content == Content::Table)
        .expect("a table");
    let mut bytes = Vec::new();
    let row = Kind::Q4K.row_bytes(1024).expect("whole blocks");
    weights
        .write(&tensor, Kind::Q4K, &mut |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })
        .expect("written");
    assert_eq!(bytes.len(), row * 151_936);
    let first = &bytes[..row];
    let same = bytes.chunks_exact(row).filter(|other| *other == first);
    assert!(same.count() <= 151_936 * 4 / DRAWN + 1);
    // Every block is a whole one: its scale is the one that was set.
    let scale = &bytes[..2];
    assert!(bytes.chunks_exact(144).all(|block| block[..2] == *scale));
}

#[test]
fn the_same_again_is_the_same_file_and_none_is_written_over() {
    let (_one, first) = made("qwen35-tiny", "Q4_K_M");
    let (_two, second) = made("qwen35-tiny", "Q4_K_M");
    let read = |path| std::fs::read(path).expect("there");
    assert_eq!(read(&first), read(&second));
    let shape = Shape::named("llama-tiny").expect("a shape");
    let refused = write(
        shape,
        &QUANTIZATIONS[0],
        None,
        &first,
        &Cancel::never(),
        &mut |_, _| {},
    );
    assert_eq!(refused.expect_err("there").kind(), crate::base::Kind::Usage);
    assert_eq!(read(&first), read(&second));
}

#[test]
fn another_models_vocabulary_is_filled_up() {
    let (_dir, path) = made("llama-tiny", "Q8_0");
    let from = Header::read(&path).expect("a header");
    let shape = Shape {
        vocabulary: 400,
        ..*Shape::named("qwen35-tiny").expect("a shape")
    };
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().join("n.gguf");
    write(
        &shape,
        &QUANTIZATIONS[0],
        Some(&from),
        &out,
        &Cancel::never(),
        &mut |_, _| {},
    )
    .expect("written");
    let header = Header::read(&out).expect("a header");
    let tokenizer = Tokenizer::from_header(&header).expect("a tokenizer");
    assert_eq!(tokenizer.len(), 400);
    assert_eq!(header.text("tokenizer.ggml.pre"), Some("qwen35"));
    assert_eq!(
        header.tensor("token_embd.weight").map(|t| t.shape.clone()),
        Some(vec![256, 400])
    );
    assert_eq!(header.tensor("token_embd.weight").map(|t| t.kind), Some(14));
}

#[test]
fn a_vocabulary_of_full_size_is_read_at_once() {
    let words = |count: usize, between: &str| {
        let word = |i| Value::Text(format!("{i:x}{between}{:x}", i * 31));
        Value::Array((0..count).map(word).collect())
    };
    let metadata = [
        ("general.architecture", Value::Text("qwen35".to_owned())),
        ("tokenizer.ggml.tokens", words(248_320, "")),
        ("tokenizer.ggml.merges", words(247_587, " ")),
        (
            "tokenizer.ggml.token_type",
            Value::Array(vec![Value::Signed(1); 248_320]),
        ),
    ]
    .map(|(key, value)| (key.to_owned(), value));
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("m.gguf");
    let writer = Writer::create(&path, &metadata, &[]).expect("created");
    writer.finish().expect("finished");
    let begun = std::time::Instant::now();
    let header = Header::read(&path).expect("a header");
    let took = begun.elapsed();
    println!("{} ms", took.as_millis());
    assert_eq!(header.metadata.len(), 4);
    // It takes a small part of that; held against is work that grows with the square.
    assert!(took.as_secs() < 3, "{took:?}");
}
