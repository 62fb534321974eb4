//! Architectures without a reference of their own, held against candle's models where those
//! are right (a prompt in one piece, within the window), and against themselves in pieces.

use std::fs::File;
use std::io::Cursor;

use candle_core::Tensor;
use candle_core::quantized::gguf_file::{Content, Value, write};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_transformers::models::{quantized_gemma3, quantized_phi3};

use super::*;
use crate::model::gguf::{
    self,
    write::{Planned, Writer},
};

const WIDTH: usize = 32;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;
const INNER: usize = 48;
const TOKENS: usize = 40;
const LAYERS: usize = 7;

/// Numbers that look random and are the same every time.
fn numbers(seed: usize, count: usize, around: f32, spread: f32) -> Vec<f32> {
    let mut state = seed as u64 + 1;
    (0..count)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let unit = (state >> 40) as f32 / (1u64 << 24) as f32;
            around + spread * (2.0 * unit - 1.0)
        })
        .collect()
}

struct Made {
    metadata: Vec<(String, Value)>,
    tensors: Vec<(String, QTensor)>,
}

impl Made {
    fn new(architecture: &str, window: u32, head: usize) -> Self {
        let mut made = Self {
            metadata: vec![(
                "general.architecture".into(),
                Value::String(architecture.into()),
            )],
            tensors: Vec::new(),
        };
        for (key, n) in [
            ("embedding_length", WIDTH),
            ("block_count", LAYERS),
            ("context_length", 512),
            ("feed_forward_length", INNER),
            ("attention.head_count", HEADS),
            ("attention.head_count_kv", KV_HEADS),
            ("attention.key_length", head),
            ("attention.value_length", head),
            ("rope.dimension_count", head),
        ] {
            made.number(&format!("{architecture}.{key}"), n as u32);
        }
        if window > 0 {
            made.number(&format!("{architecture}.attention.sliding_window"), window);
        }
        made.metadata.push((
            format!("{architecture}.attention.layer_norm_rms_epsilon"),
            Value::F32(1e-6),
        ));
        made
    }

    fn number(&mut self, key: &str, n: u32) {
        self.metadata.push((key.to_owned(), Value::U32(n)));
    }

    fn matrix(&mut self, name: &str, rows: usize, columns: usize) {
        let spread = 1.5 / (columns as f32).sqrt();
        let data = numbers(self.tensors.len(), rows * columns, 0.0, spread);
        let tensor = Tensor::from_vec(data, (rows, columns), &Device::Cpu).expect("a tensor");
        let tensor = QTensor::quantize(&tensor, GgmlDType::F32).expect("stored");
        self.tensors.push((name.to_owned(), tensor));
    }

    fn norm(&mut self, name: &str, size: usize) {
        let data = numbers(self.tensors.len(), size, 1.0, 0.3);
        let tensor = Tensor::from_vec(data, size, &Device::Cpu).expect("a tensor");
        let tensor = QTensor::quantize(&tensor, GgmlDType::F32).expect("stored");
        self.tensors.push((name.to_owned(), tensor));
    }

    fn file(&self) -> tempfile::NamedTempFile {
        let mut bytes = Cursor::new(Vec::new());
        let metadata: Vec<(&str, &Value)> =
            self.metadata.iter().map(|(k, v)| (k.as_str(), v)).collect();
        let tensors: Vec<(&str, &QTensor)> =
            self.tensors.iter().map(|(k, v)| (k.as_str(), v)).collect();
        write(&mut bytes, &metadata, &tensors).expect("written");
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes.into_inner()).expect("written");
        file
    }
}

fn gemma(window: u32) -> Made {
    let head = 16;
    let mut made = Made::new("gemma3", window, head);
    made.matrix("token_embd.weight", TOKENS, WIDTH);
    for layer in 0..LAYERS {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        made.norm(&name("attn_norm"), WIDTH);
        made.matrix(&name("attn_q"), HEADS * head, WIDTH);
        made.matrix(&name("attn_k"), KV_HEADS * head, WIDTH);
        made.matrix(&name("attn_v"), KV_HEADS * head, WIDTH);
        made.matrix(&name("attn_output"), WIDTH, HEADS * head);
        made.norm(&name("attn_q_norm"), head);
        made.norm(&name("attn_k_norm"), head);
        made.norm(&name("post_attention_norm"), WIDTH);
        made.norm(&name("ffn_norm"), WIDTH);
        made.matrix(&name("ffn_gate"), INNER, WIDTH);
        made.matrix(&name("ffn_up"), INNER, WIDTH);
        made.matrix(&name("ffn_down"), WIDTH, INNER);
        made.norm(&name("post_ffw_norm"), WIDTH);
    }
    made.norm("output_norm.weight", WIDTH);
    made
}

fn phi3(window: u32) -> Made {
    let head = WIDTH / HEADS;
    let mut made = Made::new("phi3", window, head);
    made.matrix("token_embd.weight", TOKENS, WIDTH);
    for layer in 0..LAYERS {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        made.norm(&name("attn_norm"), WIDTH);
        made.matrix(&name("attn_qkv"), (HEADS + 2 * KV_HEADS) * head, WIDTH);
        made.matrix(&name("attn_output"), WIDTH, HEADS * head);
        made.norm(&name("ffn_norm"), WIDTH);
        made.matrix(&name("ffn_up"), 2 * INNER, WIDTH);
        made.matrix(&name("ffn_down"), WIDTH, INNER);
    }
    made.norm("output_norm.weight", WIDTH);
    made.matrix("output.weight", TOKENS, WIDTH);
    made
}

fn ours(file: &Path) -> Box<dyn Network> {
    let header = Header::read(file).expect("a header");
    load(
        file,
        &header,
        512,
        &Device::Cpu,
        &Cancel::never(),
        &mut |_| {},
    )
    .expect("a network")
}

/// The logits behind the last token of a text.
fn read(network: &mut dyn Network, tokens: &[u32]) -> Vec<f32> {
    network.reset();
    network
        .read(tokens, Wanted::Last, &Cancel::never())
        .expect("logits")
}

fn prompt(count: usize) -> Vec<u32> {
    (0..count).map(|i| (i * 7 % TOKENS) as u32).collect()
}

fn far(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

fn candles(file: &Path, tokens: &[u32]) -> Vec<f32> {
    let mut reader = File::open(file).expect("there");
    let content = Content::read(&mut reader).expect("a header");
    let input = Tensor::new(tokens, &Device::Cpu)
        .and_then(|ids| ids.unsqueeze(0))
        .expect("ids");
    let device = Device::Cpu;
    let logits = if content.metadata.contains_key("gemma3.block_count") {
        quantized_gemma3::ModelWeights::from_gguf(content, &mut reader, &device)
            .and_then(|mut model| model.forward(&input, 0))
    } else {
        quantized_phi3::ModelWeights::from_gguf(false, content, &mut reader, &device)
            .and_then(|mut model| model.forward(&input, 0))
    };
    logits
        .and_then(|logits| logits.flatten_all()?.to_vec1())
        .expect("logits")
}

#[test]
fn in_one_piece_they_equal_candles() {
    let file = phi3(0).file();
    let tokens = prompt(50);
    let wanted = candles(file.path(), &tokens);
    let found = read(&mut *ours(file.path()), &tokens);
    assert!(far(&found, &wanted) < 1e-3, "{}", far(&found, &wanted));
    // candle's Gemma has SiLU where the model has GELU, and a window one token too long: it
    // is compared with the first taken over, and within the window.
    let file = gemma(64).file();
    let wanted = candles(file.path(), &tokens);
    let header = Header::read(file.path()).expect("a header");
    let mut hyper = Hyperparameters::from_header(&header).expect("figures");
    let style = crate::model::transformer::Style {
        gate: crate::kernels::rowwise::Gate::Silu,
        ..gemma3::style(&header, &mut hyper)
    };
    let mapping = Arc::new(Mapping::open(file.path()).expect("there"));
    let weights = Weights::new(&header, vec![mapping], Device::Cpu);
    let mut loaded = Transformer::load(&weights, hyper, &style, 512).expect("loaded");
    let found = read(&mut loaded, &tokens);
    assert!(far(&found, &wanted) < 1e-3, "{}", far(&found, &wanted));
}

#[test]
fn pieces_and_single_tokens_give_the_same() {
    for made in [gemma(8), gemma(64), phi3(0), phi3(10)] {
        let file = made.file();
        let mut network = ours(file.path());
        let tokens = prompt(40);
        let go = Cancel::never();
        let wanted = network.read(&tokens, Wanted::All, &go).expect("logits");
        for piece in [1, 3, 11] {
            network.reset();
            let mut found = Vec::new();
            for part in tokens.chunks(piece) {
                found.extend(network.read(part, Wanted::All, &go).expect("logits"));
            }
            assert!(far(&found, &wanted) < 1e-3, "by {piece}");
        }
    }
}

#[test]
fn a_window_hides_what_lies_before_it() {
    let file = phi3(4).file();
    let mut network = ours(file.path());
    // Seven layers of four tokens reach back at most 21 tokens; the 30th sees not the first.
    let mut tokens = prompt(30);
    let one = read(&mut *network, &tokens);
    tokens[0] += 1;
    let other = read(&mut *network, &tokens);
    assert!(far(&one, &other) < 1e-6);
    tokens[28] += 1;
    let third = read(&mut *network, &tokens);
    assert!(far(&one, &third) > 1e-3);
}

#[test]
fn figures_that_cannot_be_are_refused() {
    for (key, value) in [
        ("phi3.attention.head_count", 0),
        ("phi3.attention.head_count", 3),
        ("phi3.attention.head_count_kv", 3),
        ("phi3.block_count", 9),
        ("phi3.block_count", u32::MAX),
        ("phi3.embedding_length", 64),
        ("phi3.rope.dimension_count", 7),
        ("phi3.attention.key_length", 16),
    ] {
        let mut made = phi3(0);
        for (name, slot) in &mut made.metadata {
            if name == key {
                *slot = Value::U32(value);
            }
        }
        let file = made.file();
        let header = Header::read(file.path()).expect("a header");
        let loaded = load(
            file.path(),
            &header,
            512,
            &Device::Cpu,
            &Cancel::never(),
            &mut |_| {},
        );
        assert!(loaded.is_err(), "{key} = {value}");
    }
}

/// A model's file cut into parts of some tensors each, as models are published.
fn split(file: &Path, dir: &Path, counts: &[usize]) -> Vec<std::path::PathBuf> {
    let header = Header::read(file).expect("a header");
    let bytes = std::fs::read(file).expect("there");
    let mut tensors = header.tensors.iter();
    let mut paths = Vec::new();
    for (no, count) in counts.iter().enumerate() {
        let number = |n: usize| gguf::Value::Unsigned(n as u64);
        let mut metadata: Vec<(String, gguf::Value)> = vec![
            ("split.no".into(), number(no)),
            ("split.count".into(), number(counts.len())),
            ("split.tensors.count".into(), number(header.tensors.len())),
        ];
        if no == 0 {
            metadata.extend(header.metadata.clone());
        }
        let part: Vec<_> = tensors.by_ref().take(*count).collect();
        let planned: Vec<Planned> = part.iter().copied().map(Planned::from).collect();
        let path = dir.join(format!("m-{:05}-of-{:05}.gguf", no + 1, counts.len()));
        let mut writer = Writer::create(&path, &metadata, &planned).expect("created");
        for tensor in part {
            let range = header.range(tensor);
            writer
                .write(&bytes[range.start as usize..range.end as usize])
                .expect("written");
        }
        writer.finish().expect("finished");
        paths.push(path);
    }
    assert!(tensors.next().is_none(), "all tensors were given out");
    paths
}

#[test]
fn a_split_model_is_the_same_model() {
    let whole = phi3(0).file();
    let count = Header::read(whole.path()).expect("a header").tensors.len();
    let dir = tempfile::tempdir().expect("a folder");
    let parts = split(whole.path(), dir.path(), &[5, 0, 20, count - 25]);
    let tokens = prompt(20);
    let wanted = read(&mut *ours(whole.path()), &tokens);
    for part in [&parts[0], &parts[3]] {
        let found = read(&mut *ours(part), &tokens);
        assert_eq!(found, wanted);
    }
}

#[test]
fn progress_over_several_parts_goes_up_to_one() {
    let whole = phi3(0).file();
    let count = Header::read(whole.path()).expect("a header").tensors.len();
    let dir = tempfile::tempdir().expect("a folder");
    let parts = split(whole.path(), dir.path(), &[1, count - 1]);
    let header = Header::read(&parts[0]).expect("a header");
    let mut said = Vec::new();
    load(
        &parts[0],
        &header,
        64,
        &Device::Cpu,
        &Cancel::never(),
        &mut |done| said.push(done),
    )
    .expect("a network");
    assert!(said.is_sorted() && said.last() == Some(&1.0), "{said:?}");
}

#[test]
fn types_this_build_does_not_calculate_with_are_refused_by_name() {
    let run = [0, 1, 2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 20, 23, 30];
    let mut header = Header::read(phi3(0).file().path()).expect("a header");
    let mut refused = Vec::new();
    for kind in 0..200 {
        header.tensors[3].kind = kind;
        match check(&header) {
            Ok(()) => assert!(run.contains(&kind), "{kind}"),
            Err(failure) => {
                assert!(!run.contains(&kind), "{failure}");
                assert!(failure.to_string().contains(&type_name(kind)), "{failure}");
                assert!(failure.to_string().contains(&header.tensors[3].name));
                assert!(failure.next_step().is_some_and(|h| h.contains("Q4_K_M")));
                if gguf::type_layout(kind).is_some() {
                    refused.push(type_name(kind));
                }
            }
        }
    }
    let names = [
        "Q8_1", "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ3_S", "IQ2_S", "I8", "I16",
        "I32", "I64", "F64", "IQ1_M", "TQ1_0", "TQ2_0", "MXFP4", "NVFP4",
    ];
    assert_eq!(refused, names);
}

#[test]
fn candles_models_in_parts_are_refused_with_what_to_do() {
    for architecture in candle_models::ARCHITECTURES {
        let mut header = Header::read(phi3(0).file().path()).expect("a header");
        header.metadata.insert(
            "general.architecture".into(),
            gguf::Value::Text(architecture.into()),
        );
        assert!(!is_ours(architecture) && check(&header).is_ok());
        header.parts.push(header.parts[0].clone());
        let failure = check(&header).expect_err("split");
        assert!(failure.to_string().contains(architecture), "{failure}");
        assert!(failure.next_step().is_some_and(|h| h.contains("--merge")));
        header.parts.pop();
        header.tensors[3].kind = 20;
        let failure = check(&header).expect_err("a type that candle does not know");
        assert!(failure.to_string().contains("IQ4_NL"), "{failure}");
    }
}
