//! The work of reading and writing tokens, from the header of a model alone: products to be
//! computed, bytes to be brought from memory. Held against the most that a processor can do, they
//! say how much of it is used.

use super::footprint::Footprint;
use super::gguf::{Header, TensorInfo};
use super::hyperparameters::Hyperparameters;
use super::kv_cache;

/// The work of every token, of every prompt, and for the text that is held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Multiplications of weights that each token takes, the head's left out.
    per_token: u64,
    /// Multiplications of the head, which a prompt meets once, behind its last token.
    head: u64,
    /// Bytes of the weights that every written token reads.
    weights: u64,
    /// The state that is read beside the weights.
    state: Footprint,
}

impl Work {
    /// Computes the work of a model. The blocks behind the trunk, which predict further tokens,
    /// count for nothing, and of a table of embeddings that is not the head too a token reads but
    /// a row.
    pub fn of(header: &Header, hyper: &Hyperparameters) -> Self {
        let tied = header.tensor("output.weight").is_none();
        let mut own = Self {
            state: Footprint::of(hyper, kv_cache::precision(header)),
            ..Self::default()
        };
        for tensor in &header.tensors {
            let name = tensor.name.as_str();
            let table = name == "token_embd.weight";
            let behind = block_of(name).is_some_and(|block| block >= hyper.layers);
            if behind || (table && !tied) {
                continue;
            }
            own.weights = own.weights.saturating_add(tensor.bytes);
            if table || name == "output.weight" {
                own.head = own.head.saturating_add(tensor.elements());
            } else if is_product(tensor) {
                own.per_token = own.per_token.saturating_add(tensor.elements());
            }
        }
        own
    }

    /// Counts the multiplications of weights, each with its addition, that reading a prompt of so
    /// many tokens takes. Those of attention and of recurrent states are not of weights, and not
    /// counted.
    pub const fn products(&self, prompt: u64) -> u64 {
        self.per_token
            .saturating_mul(prompt)
            .saturating_add(self.head)
    }

    /// Counts the bytes that writing one more token moves where `held` tokens are held: the
    /// weights, the keys and values of those tokens (as if every layer saw all), and the recurrent
    /// states, read and written.
    pub const fn bytes(&self, held: u64) -> u64 {
        self.weights
            .saturating_add(self.state.fixed.saturating_mul(2))
            .saturating_add(self.state.per_token.saturating_mul(held))
    }
}

/// Returns the number of the block that a tensor belongs to; none where it belongs to none.
fn block_of(name: &str) -> Option<usize> {
    let (block, _) = name.strip_prefix("blk.")?.split_once('.')?;
    block.parse().ok()
}

/// Tells whether rows of numbers are multiplied with a tensor. The taps of a convolution have
/// two dimensions too, but each meets one number only.
fn is_product(tensor: &TensorInfo) -> bool {
    tensor.shape.len() >= 2
        && tensor.name.ends_with(".weight")
        && !tensor.name.ends_with("conv1d.weight")
        && !tensor.name.ends_with("shortconv.conv.weight")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Cancel;
    use crate::model::synthetic::{self, Quantization, Shape};

    fn of(shape: &str, quantization: &str) -> Work {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("m.gguf");
        synthetic::write(
            Shape::named(shape).expect("a shape"),
            Quantization::named(quantization).expect("a quantization"),
            None,
            &path,
            &Cancel::never(),
            &mut |_, _| {},
        )
        .expect("written");
        let header = Header::read(&path).expect("a header");
        Work::of(
            &header,
            &Hyperparameters::from_header(&header).expect("figures"),
        )
    }

    /// A width of 256 and 512 within, 4 heads of 64 and 2 for keys, 320 tokens, 2 layers.
    #[test]
    fn a_tied_head_is_read_and_multiplied_once() {
        let work = of("qwen3-tiny", "F32");
        let layer = 256 * (256 + 2 * 128) + 256 * 256 + 3 * 256 * 512;
        assert_eq!(work.per_token, 2 * layer);
        assert_eq!(work.head, 320 * 256);
        assert_eq!(work.products(10), 20 * layer + 320 * 256);
        let norms = 2 * (2 * 256 + 2 * 64) + 256;
        assert_eq!(work.weights, 4 * (2 * layer + 320 * 256 + norms));
        // Keys and values of 2 layers, 2 heads of 64.
        let per_token = work.state.per_token;
        assert_eq!(per_token % (2 * 2 * 2 * 64), 0);
        assert_eq!(work.bytes(7), work.weights + 7 * per_token);
    }

    #[test]
    fn of_an_untied_table_nothing_is_read() {
        let work = of("llama-tiny", "F32");
        assert_eq!(work.head, 320 * 64);
        let layer = 64 * (64 + 2 * 32) + 64 * 64 + 3 * 64 * 96;
        assert_eq!(work.per_token, 2 * layer);
        assert_eq!(
            work.weights,
            4 * (2 * layer + 320 * 64 + 2 * 2 * 64 + 64),
            "the table of 320 · 64 would be as much again"
        );
    }

    /// 4 layers, the last with attention; 2 key heads and 4 value heads of 64 in the others.
    #[test]
    fn a_recurrent_state_is_read_and_written_and_its_taps_are_no_product() {
        let work = of("qwen35-tiny", "F32");
        let recurrent = 256 * (512 + 256 + 4 + 4) + 256 * 256;
        let attention = 256 * (2 * 128 + 2 * 64) + 128 * 256;
        assert_eq!(
            work.per_token,
            3 * recurrent + attention + 4 * 3 * 256 * 256
        );
        let states = 3 * (4 * 64 * 64 + 3 * 512) * 4;
        assert_eq!(work.state.fixed, states);
        assert_eq!(work.bytes(0), work.weights + 2 * states);
    }

    #[test]
    fn blocks_behind_the_trunk_count_for_nothing() {
        assert_eq!(block_of("blk.12.attn_q.weight"), Some(12));
        assert_eq!(block_of("output.weight"), None);
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("m.gguf");
        synthetic::write(
            Shape::named("qwen3-tiny").expect("a shape"),
            Quantization::named("F32").expect("a quantization"),
            None,
            &path,
            &Cancel::never(),
            &mut |_, _| {},
        )
        .expect("written");
        let header = Header::read(&path).expect("a header");
        let mut hyper = Hyperparameters::from_header(&header).expect("figures");
        let whole = Work::of(&header, &hyper);
        hyper.layers -= 1;
        let less = Work::of(&header, &hyper);
        assert_eq!(whole.per_token, 2 * less.per_token);
        assert_eq!(whole.head, less.head);
        assert!(less.weights < whole.weights);
    }
}
