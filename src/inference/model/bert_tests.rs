//! A small encoder with random weights, against candle's own.

use std::collections::HashMap;

use candle_core::{DType, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config, HiddenAct};

use super::super::gguf::Value;
use super::super::gguf::write::{Planned, Writer};
use super::*;

const WIDTH: usize = 64;
const INNER: usize = 128;
const LAYERS: usize = 2;
const HEADS: usize = 4;
const POSITIONS: usize = 40;
const WORDS: [&str; 10] = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "\u{2581}walk",
    "ing",
    "\u{2581}a",
    "\u{2581}tree",
    "\u{2581}loop",
    "s",
];

/// Names of ours and of candle's, and rows and columns.
fn tensors() -> Vec<(String, String, Vec<usize>)> {
    let mut all = vec![
        (
            "token_embd.weight",
            "embeddings.word_embeddings.weight",
            vec![WORDS.len(), WIDTH],
        ),
        (
            "position_embd.weight",
            "embeddings.position_embeddings.weight",
            vec![POSITIONS, WIDTH],
        ),
        (
            "token_types.weight",
            "embeddings.token_type_embeddings.weight",
            vec![2, WIDTH],
        ),
        (
            "token_embd_norm.weight",
            "embeddings.LayerNorm.weight",
            vec![WIDTH],
        ),
        (
            "token_embd_norm.bias",
            "embeddings.LayerNorm.bias",
            vec![WIDTH],
        ),
    ]
    .into_iter()
    .map(|(ours, theirs, shape)| (ours.to_owned(), theirs.to_owned(), shape))
    .collect::<Vec<_>>();
    for layer in 0..LAYERS {
        for (ours, theirs, rows, columns) in [
            ("attn_q", "attention.self.query", WIDTH, WIDTH),
            ("attn_k", "attention.self.key", WIDTH, WIDTH),
            ("attn_v", "attention.self.value", WIDTH, WIDTH),
            ("attn_output", "attention.output.dense", WIDTH, WIDTH),
            ("attn_output_norm", "attention.output.LayerNorm", WIDTH, 0),
            ("ffn_up", "intermediate.dense", INNER, WIDTH),
            ("ffn_down", "output.dense", WIDTH, INNER),
            ("layer_output_norm", "output.LayerNorm", WIDTH, 0),
        ] {
            let shape = if columns == 0 {
                vec![rows]
            } else {
                vec![rows, columns]
            };
            let name = |part: &str| {
                (
                    format!("blk.{layer}.{ours}.{part}"),
                    format!("encoder.layer.{layer}.{theirs}.{part}"),
                )
            };
            let (one, other) = name("weight");
            all.push((one, other, shape));
            let (one, other) = name("bias");
            all.push((one, other, vec![rows]));
        }
    }
    all
}

fn numbers(name: &str, count: usize) -> Vec<f32> {
    let mut state = name
        .bytes()
        .fold(7_u64, |s, b| s.wrapping_mul(31).wrapping_add(u64::from(b)));
    let gain = name.contains("norm") && name.ends_with("weight");
    (0..count)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let unit = (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5;
            if gain { 1.0 + unit } else { unit * 0.5 }
        })
        .collect()
}

fn written(file: &Path, change: impl FnOnce(&mut Vec<(String, Value)>)) {
    let text = |text: &str| Value::Text(text.to_owned());
    let mut metadata = vec![
        ("general.architecture".to_owned(), text("bert")),
        (
            "bert.block_count".to_owned(),
            Value::Unsigned(LAYERS as u64),
        ),
        (
            "bert.embedding_length".to_owned(),
            Value::Unsigned(WIDTH as u64),
        ),
        (
            "bert.attention.head_count".to_owned(),
            Value::Unsigned(HEADS as u64),
        ),
        (
            "bert.attention.layer_norm_epsilon".to_owned(),
            Value::Float(1e-12),
        ),
        ("tokenizer.ggml.model".to_owned(), text("bert")),
        (
            "tokenizer.ggml.tokens".to_owned(),
            Value::Array(WORDS.iter().map(|word| text(word)).collect()),
        ),
    ];
    change(&mut metadata);
    let planned: Vec<Planned> = tensors()
        .iter()
        .map(|(ours, _, shape)| Planned {
            name: ours.clone(),
            shape: shape.iter().rev().map(|n| *n as u64).collect(),
            kind: 0,
        })
        .collect();
    let mut writer = Writer::create(file, &metadata, &planned).expect("created");
    for (ours, _, shape) in tensors() {
        let bytes: Vec<u8> = numbers(&ours, shape.iter().product())
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect();
        writer.write(&bytes).expect("written");
    }
    writer.finish().expect("finished");
}

/// What candle's own makes of some tokens.
fn reference(tokens: &[u32]) -> Vec<f32> {
    let device = Device::Cpu;
    let tensors: HashMap<String, Tensor> = tensors()
        .into_iter()
        .map(|(ours, theirs, shape)| {
            let numbers = numbers(&ours, shape.iter().product());
            (
                theirs,
                Tensor::from_vec(numbers, shape, &device).expect("a tensor"),
            )
        })
        .collect();
    let config = Config {
        vocab_size: WORDS.len(),
        hidden_size: WIDTH,
        num_hidden_layers: LAYERS,
        num_attention_heads: HEADS,
        intermediate_size: INNER,
        hidden_act: HiddenAct::Gelu,
        max_position_embeddings: POSITIONS,
        ..Config::default()
    };
    let model = BertModel::load(
        VarBuilder::from_tensors(tensors, DType::F32, &device),
        &config,
    );
    let ids = Tensor::new(tokens, &device)
        .and_then(|ids| ids.unsqueeze(0))
        .expect("ids");
    let kinds = ids.zeros_like().expect("kinds");
    let out = model
        .expect("loaded")
        .forward(&ids, &kinds, None)
        .expect("run");
    let mean: Vec<f32> = out
        .mean(1)
        .and_then(|mean| mean.squeeze(0))
        .and_then(|mean| mean.to_vec1())
        .expect("a mean");
    let length = mean.iter().map(|x| x * x).sum::<f32>().sqrt();
    mean.iter().map(|x| x / length).collect()
}

fn alike(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn vectors_are_those_of_the_reference() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("small.gguf");
    written(&file, |_| {});
    let header = Header::read(&file).expect("a header");
    let bert = Bert::load(&file, &header).expect("loaded");
    let texts = [
        "Walking a tree".to_owned(),
        "LOOPS".to_owned(),
        String::new(),
        "a tree loops, walking ".repeat(20),
    ];
    let cancel = Cancel::never();
    let together = bert.embed(&texts, &cancel).expect("embedded");
    assert_eq!(together.len(), texts.len());
    let first = reference(&[2, 4, 5, 6, 7, 3]);
    assert!(
        alike(&together[0], &first) > 0.998,
        "{}",
        alike(&together[0], &first)
    );
    let second = reference(&[2, 8, 9, 3]);
    assert!(
        alike(&together[1], &second) > 0.998,
        "{}",
        alike(&together[1], &second)
    );
    assert!(alike(&together[0], &second) < 0.99, "they differ");
    for (text, vector) in texts.iter().zip(&together) {
        assert!((alike(vector, vector) - 1.0).abs() < 1e-4);
        // Beside others and alone it is the same.
        let alone = bert
            .embed(std::slice::from_ref(text), &cancel)
            .expect("embedded");
        assert!(alike(vector, &alone[0]) > 0.9999);
    }
    assert_eq!(
        bert.embed(&[], &cancel).expect("nothing"),
        Vec::<Vec<f32>>::new()
    );
    let source = crate::base::CancelSource::new();
    let token = source.token();
    source.cancel();
    assert!(
        bert.embed(&texts, &token)
            .is_err_and(|e| e.is_interrupted())
    );
}

#[test]
fn what_cannot_be_run_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("small.gguf");
    let refused = |key: &str, value: Value| {
        written(&file, |metadata| {
            metadata.retain(|(known, _)| known != key);
            metadata.push((key.to_owned(), value));
        });
        let header = Header::read(&file).expect("a header");
        let failure = Bert::load(&file, &header).err().expect("refused");
        assert_eq!(failure.kind(), crate::base::Kind::Model, "{key}: {failure}");
        failure.to_string() + &failure.causes().join("; ")
    };
    let text = |text: &str| Value::Text(text.to_owned());
    assert!(refused("general.architecture", text("llama")).contains("llama"));
    assert!(refused("bert.pooling_type", Value::Unsigned(2)).contains("pools"));
    assert!(refused("tokenizer.ggml.model", text("t5")).contains("word pieces"));
    assert!(refused("bert.attention.head_count", Value::Unsigned(7)).contains("heads"));
    assert!(refused("bert.block_count", Value::Unsigned(9)).contains("blk.2"));
    let few = Value::Array(vec![text("[CLS]"), text("\u{2581}a")]);
    assert!(refused("tokenizer.ggml.tokens", few).contains("[SEP]"));
}
