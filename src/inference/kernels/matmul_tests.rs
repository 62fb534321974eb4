//! Every format and every set of instructions against plain sums in double precision.

use super::*;

/// Numbers that look random: SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Between -1 and 1, mostly small.
    pub fn float(&mut self) -> f32 {
        let x = (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0;
        x * x * x
    }
}

const KINDS: [Kind; 15] = [
    Kind::F32,
    Kind::F16,
    Kind::BF16,
    Kind::Q4_0,
    Kind::Q4_1,
    Kind::Q5_0,
    Kind::Q5_1,
    Kind::Q8_0,
    Kind::Q2K,
    Kind::Q3K,
    Kind::Q4K,
    Kind::Q5K,
    Kind::Q6K,
    Kind::IQ4NL,
    Kind::IQ4XS,
];

/// Where the halves stand in a block that must be sensible numbers.
const fn halves(kind: Kind) -> &'static [usize] {
    match kind {
        Kind::F32 => &[],
        Kind::Q4_1 | Kind::Q5_1 | Kind::Q4K | Kind::Q5K => &[0, 2],
        Kind::Q2K => &[80, 82],
        Kind::Q3K => &[108],
        Kind::Q6K => &[208],
        _ => &[0],
    }
}

/// Random blocks whose scales are sensible.
fn weights(kind: Kind, rows: usize, width: usize, random: &mut Random) -> Vec<u8> {
    let bytes = rows * kind.row_bytes(width).expect("whole blocks");
    if kind == Kind::F32 {
        return (0..bytes / 4)
            .flat_map(|_| random.float().to_le_bytes())
            .collect();
    }
    let mut out: Vec<u8> = (0..bytes).map(|_| random.next() as u8).collect();
    for block in out.chunks_exact_mut(kind.bytes()) {
        for &at in halves(kind) {
            let scale = random.float() * 0.05;
            let bytes = if kind == Kind::BF16 {
                half::bf16::from_f32(scale).to_le_bytes()
            } else {
                half::f16::from_f32(scale).to_le_bytes()
            };
            block[at..at + 2].copy_from_slice(&bytes);
        }
    }
    out
}

#[test]
fn products_are_what_the_weights_and_the_rounded_inputs_say() {
    let mut random = Random(7);
    for kind in KINDS {
        for (rows, width, tokens) in [
            (16, 256, 1),
            (33, 512, 13),
            (17, 768, 2),
            (48, 256, 37),
            (5, 256, 3),
            (64, 1024, 12),
        ] {
            let widths = if kind.block() < 256 {
                vec![width, width + 32, width + 64]
            } else {
                vec![width]
            };
            for width in widths {
                check(kind, rows, width, tokens, &mut random);
            }
        }
    }
}

fn check(kind: Kind, rows: usize, width: usize, tokens: usize, random: &mut Random) {
    let bytes = weights(kind, rows, width, random);
    let matrix = Matrix::new(kind, &bytes, rows, width).expect("it fits");
    let mut x: Vec<f32> = (0..tokens * width).map(|_| random.float() * 3.0).collect();
    // A row of zeros has no scale.
    if tokens > 2 {
        x[width..2 * width].fill(0.0);
    }
    for simd in Simd::all() {
        let mut y = vec![f32::NAN; tokens * rows];
        matrix.multiply_with(&x, &mut y, simd);
        for (t, x) in x.chunks_exact(width).enumerate() {
            let rounded = rounded(x, matrix.group(), kind);
            for row in 0..rows {
                let mut w = vec![0.0; width];
                matrix.dequantize_row(row, &mut w);
                let products = w.iter().zip(&rounded).map(|(w, x)| f64::from(*w) * x);
                let exact: f64 = products.clone().sum();
                let size: f64 = products.map(f64::abs).sum();
                let got = f64::from(y[t * rows + row]);
                assert!(
                    (got - exact).abs() <= 1e-5 * size + 1e-9,
                    "{kind:?} {} rows {rows} width {width} token {t} of {tokens} row {row}: {got} {exact}",
                    simd.name()
                );
            }
        }
    }
}

/// The inputs as the product sees them, worked out plainly.
fn rounded(x: &[f32], group: usize, kind: Kind) -> Vec<f64> {
    if kind.is_float() {
        return x.iter().map(|x| f64::from(*x)).collect();
    }
    x.chunks(group)
        .flat_map(|group| {
            let most = group.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
            let scale = most / 127.0;
            let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
            group
                .iter()
                .map(move |x| f64::from((x * inverse).round_ties_even()) * f64::from(scale))
                .collect::<Vec<f64>>()
        })
        .collect()
}

#[test]
fn products_are_the_same_to_the_last_bit_for_any_number_of_tokens_and_any_instructions() {
    // NEON adds up in another order where it takes row by row.
    if cfg!(target_arch = "aarch64") {
        return;
    }
    let mut random = Random(9);
    let bits = |y: Vec<f32>| y.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    for kind in KINDS.into_iter().filter(|kind| !kind.is_float()) {
        let (rows, width) = (37, 768);
        let bytes = weights(kind, rows, width, &mut random);
        let matrix = Matrix::new(kind, &bytes, rows, width).expect("it fits");
        let x: Vec<f32> = (0..29 * width).map(|_| random.float() * 3.0).collect();
        let product = |tokens: &[f32], simd| {
            let mut y = vec![f32::NAN; tokens.len() / width * rows];
            matrix.multiply_with(tokens, &mut y, simd);
            bits(y)
        };
        let alone: Vec<u32> = x
            .chunks_exact(width)
            .flat_map(|token| product(token, Simd::all()[0]))
            .collect();
        for simd in Simd::all() {
            for tokens in [1, 2, 5, 6, 7, 12, 21, 29] {
                assert!(
                    product(&x[..tokens * width], simd) == alone[..tokens * rows],
                    "{kind:?} {} {tokens}",
                    simd.name()
                );
            }
        }
    }
}

#[test]
fn formats_mean_what_candle_takes_them_for() {
    use candle_core::quantized::{GgmlDType as D, QStorage, QTensor};
    let pairs = [
        (Kind::Q4_0, D::Q4_0),
        (Kind::Q4_1, D::Q4_1),
        (Kind::Q5_0, D::Q5_0),
        (Kind::Q5_1, D::Q5_1),
        (Kind::Q8_0, D::Q8_0),
        (Kind::Q2K, D::Q2K),
        (Kind::Q3K, D::Q3K),
        (Kind::Q4K, D::Q4K),
        (Kind::Q5K, D::Q5K),
        (Kind::Q6K, D::Q6K),
        (Kind::F16, D::F16),
        (Kind::BF16, D::BF16),
    ];
    let device = candle_core::Device::Cpu;
    for (kind, theirs) in pairs {
        let bytes = weights(kind, 3, 512, &mut Random(11));
        let storage = QStorage::from_data(bytes.clone().into(), &device, theirs).expect("storage");
        let tensor = QTensor::new(storage, (3, 512)).expect("a tensor");
        let expected: Vec<Vec<f32>> = tensor
            .dequantize(&device)
            .and_then(|floats| floats.to_vec2())
            .expect("floats");
        let matrix = Matrix::new(kind, &bytes, 3, 512).expect("it fits");
        for (row, expected) in expected.iter().enumerate() {
            let mut got = vec![0.0; 512];
            matrix.dequantize_row(row, &mut got);
            for (got, expected) in got.iter().zip(expected) {
                let close = (got - expected).abs() <= 1e-6 * expected.abs().max(1e-3);
                assert!(close, "{kind:?}: {got} {expected}");
            }
        }
    }
}

#[test]
fn the_curved_formats_mean_what_the_reference_says() {
    // Every sixteenth part of one block, and the sum, as the Python package `gguf` gives them.
    let nl = [
        -17.5, 56.5, 6.5, -32.5, 34.5, -5.0, -52.0, 19.0, -17.5, 6.5, 44.5, -32.5, -5.0, 26.5,
        -52.0, -17.5,
    ];
    let xs = [
        32.5, 32.5, 227.5, -3.5, 390.0, -414.0, 130.0, 166.0, -292.5, -45.0, -455.0, 371.0, -975.0,
        -1560.0, 520.0, 176.0,
    ];
    for (kind, wanted, sum) in [(Kind::IQ4NL, nl, -128.5), (Kind::IQ4XS, xs, -5502.5)] {
        let mut block: Vec<u8> = (0..kind.bytes()).map(|i| (i * 37 + 11) as u8).collect();
        block[..2].copy_from_slice(&half::f16::from_f32(0.5).to_le_bytes());
        let mut got = vec![0.0_f32; kind.block()];
        dequantize(kind, &block, &mut got);
        let some: Vec<f32> = got.iter().step_by(got.len() / 16).copied().collect();
        assert_eq!(some, wanted, "{kind:?}");
        assert!((got.iter().sum::<f32>() - sum).abs() < 0.01, "{kind:?}");
    }
}

#[test]
fn bytes_that_do_not_fit_are_refused() {
    let bytes = vec![0; 144 * 4];
    assert!(Matrix::new(Kind::Q4K, &bytes, 4, 256).is_some());
    assert!(Matrix::new(Kind::Q4K, &bytes, 3, 256).is_none());
    assert!(Matrix::new(Kind::Q4K, &bytes, 4, 128).is_none());
    assert!(Matrix::new(Kind::Q4K, &bytes, usize::MAX, 256).is_none());
}
