//! The drafting block held against its definition in double precision, written out from the
//! weights of a small file.

use std::path::Path;
use std::sync::Arc;

use candle_core::Device;

use super::*;
use crate::base::Cancel;
use crate::model::gguf::Header;
use crate::model::mapping::Mapping;
use crate::model::qwen35;
use crate::model::transformer::Wanted;

/// Rows of doubles.
type Matrix = Vec<Vec<f64>>;

struct Definition<'a> {
    weights: &'a Weights<'a>,
    hyper: Hyperparameters,
}

impl Definition<'_> {
    fn tensor(&self, name: &str) -> Matrix {
        let shape = self.weights.shape(name).expect("there");
        let size = shape.iter().product();
        let columns = shape.last().copied().expect("a dimension");
        let floats = self.weights.floats(name, size).expect("floats");
        floats
            .chunks(columns)
            .map(|row| row.iter().map(|x| f64::from(*x)).collect())
            .collect()
    }

    fn own(&self, part: &str) -> Matrix {
        self.tensor(&format!("blk.{}.{part}.weight", self.hyper.layers))
    }

    fn times(x: &[f64], by: &Matrix) -> Vec<f64> {
        by.iter()
            .map(|row| row.iter().zip(x).map(|(w, x)| w * x).sum())
            .collect()
    }

    fn norm(x: &[f64], gain: &[f64]) -> Vec<f64> {
        let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
        let scale = 1.0 / (mean + 1e-6).sqrt();
        x.iter().zip(gain).map(|(x, g)| x * scale * g).collect()
    }

    fn turned(&self, head: &[f64], position: usize) -> Vec<f64> {
        let half = self.hyper.rotary / 2;
        let mut out = head.to_vec();
        for i in 0..half {
            let angle = position as f64
                * self
                    .hyper
                    .rope_base
                    .powf(-(2.0 * i as f64) / self.hyper.rotary as f64);
            out[i] = head[i] * angle.cos() - head[i + half] * angle.sin();
            out[i + half] = head[i + half] * angle.cos() + head[i] * angle.sin();
        }
        out
    }

    /// The block's rows for tokens, given the hidden rows before them.
    fn rows(&self, tokens: &[u32], hidden: &Matrix) -> Matrix {
        let table = self.tensor("token_embd.weight");
        let (head, heads, kv) = (self.hyper.head, self.hyper.heads, self.hyper.kv_heads);
        let (mut keys, mut values): (Vec<Matrix>, Vec<Matrix>) = (Vec::new(), Vec::new());
        let mut out = Vec::new();
        for (t, (token, hidden)) in tokens.iter().zip(hidden).enumerate() {
            let position = t;
            let mut both = Self::norm(&table[*token as usize], &self.own("nextn.enorm")[0]);
            both.extend(Self::norm(hidden, &self.own("nextn.hnorm")[0]));
            let x = Self::times(&both, &self.own("nextn.eh_proj"));
            let y = Self::norm(&x, &self.own("attn_norm")[0]);
            let q = Self::times(&y, &self.own("attn_q"));
            let normed = |row: &[f64], name: &str| -> Matrix {
                let gain = &self.own(name)[0];
                row.chunks(head)
                    .map(|head| self.turned(&Self::norm(head, gain), position))
                    .collect()
            };
            keys.push(normed(&Self::times(&y, &self.own("attn_k")), "attn_k_norm"));
            let v = Self::times(&y, &self.own("attn_v"));
            values.push(v.chunks(head).map(<[f64]>::to_vec).collect());
            let mut seen = Vec::new();
            for (h, pair) in q.chunks(2 * head).enumerate() {
                let (query, gate) = pair.split_at(head);
                let query = self.turned(&Self::norm(query, &self.own("attn_q_norm")[0]), position);
                let group = h / (heads / kv);
                let weights: Vec<f64> = keys
                    .iter()
                    .map(|keys| {
                        let dot: f64 = keys[group].iter().zip(&query).map(|(k, q)| k * q).sum();
                        (dot / (head as f64).sqrt()).exp()
                    })
                    .collect();
                let total: f64 = weights.iter().sum();
                for i in 0..head {
                    let mean: f64 = weights
                        .iter()
                        .zip(&values)
                        .map(|(w, values)| w / total * values[group][i])
                        .sum();
                    seen.push(mean / (1.0 + (-gate[i]).exp()));
                }
            }
            let mixed = Self::times(&seen, &self.own("attn_output"));
            let x: Vec<f64> = x.iter().zip(mixed).map(|(x, m)| x + m).collect();
            let y = Self::norm(&x, &self.own("post_attention_norm")[0]);
            let gate = Self::times(&y, &self.own("ffn_gate"));
            let up = Self::times(&y, &self.own("ffn_up"));
            let inner: Vec<f64> = gate
                .iter()
                .zip(up)
                .map(|(g, u)| g / (1.0 + (-g).exp()) * u)
                .collect();
            let fed = Self::times(&inner, &self.own("ffn_down"));
            let x: Vec<f64> = x.iter().zip(fed).map(|(x, f)| x + f).collect();
            out.push(Self::norm(&x, &self.own("nextn.shared_head_norm")[0]));
        }
        out
    }
}

#[test]
fn it_drafts_as_defined() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/models/qwen35-tiny-mtp.F32.gguf");
    let header = Header::read(&file).expect("a header");
    let hyper = Hyperparameters::from_header(&header).expect("figures");
    assert_eq!(hyper.layers, 4);
    let mapping = Arc::new(Mapping::open(&file).expect("there"));
    let weights = Weights::new(&header, vec![mapping], Device::Cpu);
    let mut trunk = qwen35::load(&weights, hyper.clone(), 64).expect("a trunk");
    let mut drafter = qwen35::drafter(&weights, &hyper)
        .expect("good tensors")
        .expect("the file has one");
    let tokens: Vec<u32> = (0..20).map(|i| i * 31 % 600).collect();
    let rows = trunk
        .rows(&tokens, Wanted::All, &Cancel::never())
        .expect("rows")
        .expect("not cancelled");
    // In two parts, the state carried on.
    let width = rows.width();
    // Before the first token there is nothing.
    let mut all = vec![0.0; width];
    all.extend_from_slice(rows.on_host().expect("floats"));
    let part =
        |from: usize, to: usize| Activations::host(all[from * width..to * width].to_vec(), width);
    let mut found = Vec::new();
    for (from, to) in [(0, 12), (12, 20)] {
        let drafted = drafter
            .forward(&trunk, &tokens[from..to], &part(from, to), from)
            .expect("drafted");
        assert_eq!(drafted.count(), to - from);
        let logits = trunk.logits(&drafted).expect("logits");
        assert_eq!(logits.len(), (to - from) * hyper.vocabulary);
        found.extend(drafted.into_vec().expect("rows"));
    }
    let hidden: Matrix = all
        .chunks(width)
        .take(20)
        .map(|row| row.iter().map(|x| f64::from(*x)).collect())
        .collect();
    let definition = Definition {
        weights: &weights,
        hyper,
    };
    let wanted = definition.rows(&tokens, &hidden);
    for (found, wanted) in found.iter().zip(wanted.iter().flatten()) {
        assert!(
            (f64::from(*found) - wanted).abs() < 1e-4,
            "{found} {wanted}"
        );
    }
    assert!(drafter.forward(&trunk, &[1, 2], &part(0, 1), 20).is_err());
}

#[test]
fn a_file_without_one_has_none() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/models/qwen35-tiny-bq.Q4_K_M.gguf");
    let header = Header::read(&file).expect("a header");
    let hyper = Hyperparameters::from_header(&header).expect("figures");
    let mapping = Arc::new(Mapping::open(&file).expect("there"));
    let weights = Weights::new(&header, vec![mapping], Device::Cpu);
    assert!(qwen35::drafter(&weights, &hyper).expect("good").is_none());
}
