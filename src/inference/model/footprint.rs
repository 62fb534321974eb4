//! The memory that the state of a text takes, from the figures of a model alone.

use super::hyperparameters::{Hyperparameters, LayerKind};
use crate::kernels::pages::Precision;

/// Bytes of state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Bytes for each token: keys and values of the layers with attention, as they lie on the
    /// CPU.
    pub per_token: u64,
    /// Bytes whatever the length of the text: the matrices of layers with a delta rule, and the
    /// rows before convolutions.
    pub fixed: u64,
}

impl Footprint {
    /// Computes the footprint of a model whose keys and values are kept in `precision`.
    pub fn of(hyper: &Hyperparameters, precision: Precision) -> Self {
        let mut own = Self::default();
        for kind in &hyper.kinds {
            match kind {
                LayerKind::Attention => {
                    let numbers = (hyper.kv_heads as u64).saturating_mul(hyper.head as u64);
                    let bytes = numbers.saturating_mul(2 * precision.bytes() as u64);
                    own.per_token = own.per_token.saturating_add(bytes);
                }
                LayerKind::Delta(delta) => {
                    own.fixed = own
                        .fixed
                        .saturating_add((delta.state() as u64).saturating_mul(4));
                }
                LayerKind::Convolution { taps } => {
                    let numbers = (hyper.width as u64).saturating_mul(*taps as u64);
                    own.fixed = own.fixed.saturating_add(numbers.saturating_mul(4));
                }
            }
        }
        own
    }
}

#[cfg(test)]
mod tests {
    use super::super::hyperparameters::Delta;
    use super::*;
    use crate::kernels::delta;
    use crate::model::gguf::Header;
    use crate::model::synthetic::{self, Quantization, Shape};

    /// Qwen 3.5 of 9 billion parameters: 24 layers with a delta rule, 8 with attention.
    #[test]
    fn a_hybrid_keeps_keys_in_a_quarter_of_its_layers() {
        let delta = Delta {
            shape: delta::Shape {
                key_heads: 16,
                value_heads: 32,
                key: 128,
                value: 128,
            },
            taps: 4,
        };
        let kinds = (1..=32)
            .map(|layer| match layer % 4 {
                0 => LayerKind::Attention,
                _ => LayerKind::Delta(delta),
            })
            .collect();
        let hyper = Hyperparameters {
            architecture: "qwen35".into(),
            width: 4096,
            layers: 32,
            kinds,
            heads: 16,
            kv_heads: 4,
            head: 256,
            rotary: 64,
            context: 262_144,
            vocabulary: 248_320,
            epsilon: 1e-6,
            rope_base: 1e7,
            stretch: None,
        };
        let footprint = Footprint::of(&hyper, Precision::Half);
        assert_eq!(footprint.per_token, 32 << 10);
        let exact = Footprint::of(&hyper, Precision::Single);
        assert_eq!(exact.per_token, 64 << 10);
        assert_eq!(exact.fixed, footprint.fixed);
        // 48 MiB of matrices, 2.25 MiB of rows.
        assert_eq!(footprint.fixed, (48 << 20) + (9 << 18));
    }

    /// A layer of attention with two heads of 16, three convolutions over 3 rows of 64.
    #[test]
    fn convolutions_keep_the_rows_that_they_see() {
        let shape = Shape::named("lfm2-tiny").expect("a shape");
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("m.gguf");
        let quantization = Quantization::named("F32").expect("a quantization");
        synthetic::write_header(shape, quantization, &path).expect("written");
        let header = Header::read(&path).expect("a header");
        let hyper = Hyperparameters::from_header(&header).expect("figures");
        let footprint = Footprint::of(&hyper, Precision::Single);
        assert_eq!(footprint.per_token, 2 * 2 * 16 * 4);
        assert_eq!(footprint.fixed, 3 * 3 * 64 * 4);
    }
}
