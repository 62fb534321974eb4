//! Attention held against its definition, in double precision.

use std::sync::atomic::Ordering::SeqCst;

use half::f16;

use super::*;
use crate::kernels::noise::numbers;
use crate::kernels::online_softmax::ROOMY;
use crate::kernels::pages::{Precision, put_rows};

struct Case {
    kv_heads: usize,
    group: usize,
    width: usize,
    before: usize,
    tokens: usize,
    window: Option<usize>,
    precision: Precision,
}

impl Case {
    /// Keys, values and queries: what the pages can hold, so that nothing is lost but in sums.
    fn numbers(&self) -> [Vec<f32>; 3] {
        let held = |seed: u64| -> Vec<f32> {
            let all = (self.before + self.tokens) * self.kv_heads * self.width;
            let numbers = numbers(all, seed).into_iter();
            match self.precision {
                Precision::Half => numbers.map(|x| f16::from_f32(x).to_f32()).collect(),
                Precision::Single => numbers.collect(),
            }
        };
        let queries = self.tokens * self.kv_heads * self.group * self.width;
        [held(1), held(2), numbers(queries, 3)]
    }

    fn scale(&self) -> f32 {
        3.0 / (self.width as f32).sqrt()
    }

    fn attended(&self) -> Vec<f32> {
        let row = self.kv_heads * self.width;
        let [keys, values, queries] = self.numbers();
        let mut pages: Vec<Arc<Page>> = (0..(self.before + self.tokens).div_ceil(PAGE))
            .map(|_| Arc::new(Page::new(self.kv_heads, self.width, self.precision)))
            .collect();
        // As a text is read: a piece, then the new tokens.
        let (old, new) = (self.before * row, self.before);
        put_rows(&mut pages, 0, &keys[..old], &values[..old]);
        put_rows(&mut pages, new, &keys[old..], &values[old..]);
        let attention = Attention {
            pages: &pages,
            position: self.before,
            heads: self.kv_heads * self.group,
            scale: self.scale(),
            window: self.window,
        };
        let mut out = vec![0.0; queries.len()];
        attention.run(&queries, &mut out);
        out
    }

    fn definition(&self) -> Vec<f64> {
        let heads = self.kv_heads * self.group;
        let row = self.kv_heads * self.width;
        let [keys, values, queries] = self.numbers();
        let mut out = Vec::with_capacity(queries.len());
        for (number, q) in queries.chunks(self.width).enumerate() {
            let (t, h) = (number / heads, number % heads);
            let last = self.before + t;
            let first = self.window.map_or(0, |w| (last + 1).saturating_sub(w));
            let of = |from: usize| from * row + h / self.group * self.width;
            let weights: Vec<f64> = (first..=last)
                .map(|at| {
                    let pairs = keys[of(at)..][..self.width].iter().zip(q);
                    let dot: f64 = pairs.map(|(k, q)| f64::from(*k) * f64::from(*q)).sum();
                    (dot * f64::from(self.scale())).exp()
                })
                .collect();
            let total: f64 = weights.iter().sum();
            for i in 0..self.width {
                let weighed = weights.iter().zip(first..);
                out.push(
                    weighed
                        .map(|(weight, at)| weight / total * f64::from(values[of(at) + i]))
                        .sum(),
                );
            }
        }
        out
    }
}

#[test]
fn it_is_attention_at_every_shape() {
    for (kv_heads, group, width) in [
        (1, 1, 8),
        (2, 2, 72),
        (2, 3, 16),
        (2, 4, 80),
        (1, 5, 32),
        (1, 6, 128),
        (3, 1, 24),
    ] {
        for (before, tokens) in [
            (0, 1),
            (0, 70),
            (63, 1),
            (64, 3),
            (100, 40),
            (700, 2),
            (610, 5),
            (600, 14),
        ] {
            for window in [None, Some(1), Some(50), Some(200)] {
                for precision in [Precision::Half, Precision::Single] {
                    let case = Case {
                        kv_heads,
                        group,
                        width,
                        before,
                        tokens,
                        window,
                        precision,
                    };
                    let wanted = case.definition();
                    for roomy in [false, true] {
                        // Another test that runs meanwhile may get either: both are right.
                        ROOMY.store(roomy, SeqCst);
                        Simd::each(|| {
                            let out = case.attended();
                            assert_eq!(out.len(), wanted.len());
                            let pairs = out.iter().zip(&wanted);
                            let far = pairs.map(|(out, wanted)| (f64::from(*out) - wanted).abs());
                            let worst = far.fold(0.0, f64::max);
                            assert!(
                                worst < 2e-6,
                                "{kv_heads} x {group} x {width}, {tokens} after {before}, \
                                 {window:?}, {roomy}, {precision:?}: {worst}"
                            );
                        });
                    }
                }
            }
        }
    }
}

#[test]
fn what_a_page_holds_beyond_the_text_does_not_count() {
    let row = numbers(16, 5);
    // The page held a longer text before, which was taken back.
    let mut page = Page::new(1, 16, Precision::Half);
    for at in 0..PAGE {
        page.put(at, &numbers(16, at as u64), &numbers(16, at as u64));
    }
    let three: Vec<f32> = row.iter().copied().cycle().take(48).collect();
    page.put(0, &three, &three);
    let pages = [Arc::new(page)];
    let attention = Attention {
        pages: &pages,
        position: 2,
        heads: 1,
        scale: 1.0,
        window: None,
    };
    let mut out = vec![0.0; 16];
    attention.run(&row, &mut out);
    for (out, value) in out.iter().zip(&row) {
        let value = f16::from_f32(*value).to_f32();
        assert!((out - value).abs() < 1e-6);
    }
}

#[test]
fn numbers_beyond_half_precision_ruin_only_themselves() {
    Simd::each(|| {
        let mut pages = [Arc::new(Page::new(1, 16, Precision::Half))];
        // Two positions with keys that no query meets; the second has values out of range.
        let mut values = vec![1.0; 16];
        values.extend([1e9; 16]);
        put_rows(&mut pages, 0, &[0.0; 32], &values);
        // A third one whose key is out of range, and so far off that it does not count.
        put_rows(&mut pages, 2, &[-1e9; 16], &[3.0; 16]);
        let mut out = vec![0.0; 32];
        let attention = Attention {
            pages: &pages,
            position: 1,
            heads: 1,
            scale: 1.0,
            window: None,
        };
        attention.run(&[1.0; 32], &mut out);
        let mean = f32::midpoint(1.0, 65_504.0);
        assert!(out.iter().all(|x| (x - mean).abs() < 1.0), "{out:?}");
        // Seen from the first position they do not exist, whatever they are.
        let first = Attention {
            position: 0,
            ..attention
        };
        let mut out = vec![0.0; 16];
        first.run(&[1.0; 16], &mut out);
        assert!(out.iter().all(|x| (x - 1.0).abs() < 1e-6), "{out:?}");
    });
}

#[test]
fn work_in_segments_gives_what_work_in_one_piece_gives() {
    // So many tokens that no segments are made, and the last of them alone, in segments.
    let (kv_heads, heads, width, all) = (2, 4, 32, 64 * 40);
    let (keys, values) = (
        numbers(all * kv_heads * width, 1),
        numbers(all * kv_heads * width, 2),
    );
    let queries = numbers(all * heads * width, 3);
    let mut pages: Vec<Arc<Page>> = (0..all / PAGE)
        .map(|_| Arc::new(Page::new(kv_heads, width, Precision::Half)))
        .collect();
    put_rows(&mut pages, 0, &keys, &values);
    let whole = Attention {
        pages: &pages,
        position: 0,
        heads,
        scale: 0.5,
        window: None,
    };
    let mut wanted = vec![0.0; queries.len()];
    whole.run(&queries, &mut wanted);
    for tokens in [1, 3, 20] {
        let from = (all - tokens) * heads * width;
        let last = Attention {
            position: all - tokens,
            ..whole
        };
        let mut out = vec![0.0; tokens * heads * width];
        last.run(&queries[from..], &mut out);
        for (out, wanted) in out.iter().zip(&wanted[from..]) {
            assert!((out - wanted).abs() < 1e-5, "{out} {wanted}");
        }
        // And the very same when it is done again.
        let mut again = vec![0.0; out.len()];
        last.run(&queries[from..], &mut again);
        assert_eq!(out, again);
    }
}

/// Also in a long text, of tokens that make several blocks, or cross a page, a segment, a window.
#[test]
fn tokens_together_give_to_the_last_bit_what_each_alone_gives() {
    for (kv_heads, group, before, tokens, window) in [
        (2, 4, 900, 4, None),
        (1, 8, 3000, 12, None),
        (2, 7, 3070, 16, None),
        (2, 4, 250, 12, None),
        (1, 6, 1020, 16, Some(300)),
    ] {
        let case = Case {
            kv_heads,
            group,
            width: 64,
            before,
            tokens,
            window,
            precision: Precision::Half,
        };
        let [keys, values, queries] = case.numbers();
        let mut pages: Vec<Arc<Page>> = (0..(before + tokens).div_ceil(PAGE))
            .map(|_| Arc::new(Page::new(kv_heads, case.width, case.precision)))
            .collect();
        put_rows(&mut pages, 0, &keys, &values);
        let width = kv_heads * group * case.width;
        let run = |first: usize, count: usize| {
            let end = (before + first + count).div_ceil(PAGE);
            let attention = Attention {
                pages: &pages[..end],
                position: before + first,
                heads: kv_heads * group,
                scale: case.scale(),
                window,
            };
            let mut out = vec![0.0; count * width];
            attention.run(&queries[first * width..][..count * width], &mut out);
            out
        };
        let together = run(0, tokens);
        for (at, together) in together.chunks_exact(width).enumerate() {
            let alone = run(at, 1);
            let differing = alone
                .iter()
                .zip(together)
                .filter(|(a, b)| a.to_bits() != b.to_bits())
                .count();
            assert_eq!(differing, 0, "token {at} behind {before}");
        }
    }
}
