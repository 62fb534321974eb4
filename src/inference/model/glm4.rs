//! `glm4`: the checks that a file must pass before candle's code sees it.
//!
//! That code trusts the file: it panics on shapes that do not fit together, on rows of an odd
//! number of blocks in some formats, and makes tables for the whole context the file claims.

use super::gguf::{Header, TensorInfo, type_name};
use super::hyperparameters::Hyperparameters;
use super::weights::kind_of;
use crate::base::text::{human_count, printable};
use crate::base::{Failure, Result};
use crate::kernels::blocks::Kind;

/// Longest context: the tables of its positions are made at once.
const MOST_CONTEXT: usize = 1 << 20;
/// Numbers that rows of blocks must be a multiple of.
const ROW: u64 = 64;

/// Says what is wrong with a file, if anything is.
///
/// # Errors
/// Of kind model, naming the tensor or figure.
pub(super) fn check(header: &Header, hyper: &Hyperparameters) -> Result<()> {
    if hyper.context > MOST_CONTEXT {
        return Err(wrong(format!(
            "it claims a context of {} tokens",
            human_count(hyper.context as u64)
        )));
    }
    if hyper.rotary != hyper.head / 2 || !hyper.rotary.is_multiple_of(2) {
        return Err(wrong(format!(
            "{} numbers of {} of a head are turned by position, not half of them",
            hyper.rotary, hyper.head
        )));
    }
    let width = hyper.width as u64;
    let vocabulary = hyper.vocabulary as u64;
    let queries = (hyper.heads * hyper.head) as u64;
    let keys = (hyper.kv_heads * hyper.head) as u64;
    let check = Check { header };
    check.matrix("token_embd.weight", vocabulary, width)?;
    if header.tensor("output.weight").is_some() {
        check.matrix("output.weight", vocabulary, width)?;
    }
    check.vector("output_norm.weight", width)?;
    for layer in 0..hyper.layers {
        let name = |part: &str| format!("blk.{layer}.{part}");
        for part in [
            "attn_norm.weight",
            "post_attention_norm.weight",
            "ffn_norm.weight",
            "post_ffw_norm.weight",
        ] {
            check.vector(&name(part), width)?;
        }
        for (part, rows) in [("attn_q", queries), ("attn_k", keys), ("attn_v", keys)] {
            check.matrix(&name(&format!("{part}.weight")), rows, width)?;
            let bias = name(&format!("{part}.bias"));
            if header.tensor(&bias).is_some() {
                check.vector(&bias, rows)?;
            }
        }
        check.matrix(&name("attn_output.weight"), width, queries)?;
        let down = name("ffn_down.weight");
        // A file may lack the tensor: the next check says so.
        let inner = header
            .tensor(&down)
            .and_then(|tensor| tensor.shape.first().copied())
            .unwrap_or(0);
        check.matrix(&down, width, inner)?;
        check.matrix(&name("ffn_up.weight"), inner.saturating_mul(2), width)?;
    }
    Ok(())
}

struct Check<'a> {
    header: &'a Header,
}

impl Check<'_> {
    fn matrix(&self, name: &str, rows: u64, columns: u64) -> Result<()> {
        let tensor = self.shaped(name, &[columns, rows])?;
        match kind_of(tensor.kind) {
            Some(Kind::IQ4NL | Kind::IQ4XS) | None => Err(wrong(format!(
                "{} is of the type {}",
                printable(name),
                type_name(tensor.kind)
            ))),
            Some(kind) if !kind.is_float() && !columns.is_multiple_of(ROW) => Err(wrong(format!(
                "{} has rows of {columns}, which is no multiple of {ROW}",
                printable(name)
            ))),
            Some(_) => Ok(()),
        }
    }

    fn vector(&self, name: &str, size: u64) -> Result<()> {
        self.shaped(name, &[size])?;
        Ok(())
    }

    /// Returns the tensor of that name, if its shape is `wanted`, in the file's order.
    fn shaped(&self, name: &str, wanted: &[u64]) -> Result<&TensorInfo> {
        match self.header.tensor(name) {
            None => Err(wrong(format!("the file has no tensor {}", printable(name)))),
            Some(tensor) if tensor.shape == wanted => Ok(tensor),
            Some(tensor) => Err(wrong(format!(
                "{} has the shape {:?}, not {wanted:?}",
                printable(name),
                tensor.shape
            ))),
        }
    }
}

fn wrong(what: String) -> Failure {
    Failure::model("the model cannot be loaded")
        .because(what)
        .hint("use a Q4_K_M or Q8_0 file of the same model")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Cancel;
    use crate::model::synthetic::{Quantization, Shape, write};

    fn header() -> Header {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("m.gguf");
        write(
            Shape::named("glm4-tiny").expect("a shape"),
            Quantization::named("Q8_0").expect("a quantization"),
            None,
            &path,
            &Cancel::never(),
            &mut |_, _| {},
        )
        .expect("written");
        Header::read(&path).expect("a header")
    }

    #[test]
    fn what_candle_would_stumble_over_is_refused() {
        let good = header();
        let hyper = Hyperparameters::from_header(&good).expect("figures");
        check(&good, &hyper).expect("good");
        let change = |name: &str, with: &dyn Fn(&mut Vec<u64>, &mut u32)| {
            let mut header = good.clone();
            for tensor in &mut header.tensors {
                if tensor.name == name {
                    with(&mut tensor.shape, &mut tensor.kind);
                }
            }
            check(&header, &hyper).expect_err(name).to_string()
        };
        let why = change("blk.0.attn_k.weight", &|shape, _| shape[1] = 1);
        assert!(why.contains("attn_k.weight has the shape"), "{why}");
        let why = change("blk.1.ffn_up.weight", &|_, kind| *kind = 23);
        assert!(why.contains("IQ4_XS"), "{why}");
        let why = change("blk.1.ffn_down.weight", &|shape, _| shape[0] = 96);
        assert!(why.contains("no multiple of 64"), "{why}");
        let why = change("output_norm.weight", &|shape, _| shape.push(1));
        assert!(why.contains("output_norm"), "{why}");
        let long = Hyperparameters {
            context: 1 << 40,
            ..hyper.clone()
        };
        assert!(check(&good, &long).is_err());
        let turned = Hyperparameters { rotary: 2, ..hyper };
        assert!(check(&good, &turned).is_err());
    }
}
