//! Attention held against its definition, in double precision.

use super::*;
use crate::kernels::noise::numbers;

struct Case {
    kv_heads: usize,
    group: usize,
    width: usize,
    before: usize,
    tokens: usize,
    window: Option<usize>,
}

impl Case {
    /// The largest distance to the definition.
    fn distance(&self) -> f64 {
        let heads = self.kv_heads * self.group;
        let all = self.before + self.tokens;
        let row = self.kv_heads * self.width;
        let (keys, values) = (numbers(all * row, 1), numbers(all * row, 2));
        let queries = numbers(self.tokens * heads * self.width, 3);
        let mut pages: Vec<Page> = (0..all.div_ceil(PAGE))
            .map(|_| Page::new(self.kv_heads, self.width))
            .collect();
        for at in 0..all {
            pages[at / PAGE].put(
                at % PAGE,
                &keys[at * row..][..row],
                &values[at * row..][..row],
            );
        }
        let pages: Vec<Arc<Page>> = pages.into_iter().map(Arc::new).collect();
        let attention = Attention {
            pages: &pages,
            position: self.before,
            heads,
            scale: 3.0 / (self.width as f32).sqrt(),
            window: self.window,
        };
        let mut out = vec![0.0; queries.len()];
        attention.run(&queries, &mut out);
        let mut worst = 0.0_f64;
        for t in 0..self.tokens {
            let last = self.before + t;
            let first = self.window.map_or(0, |w| (last + 1).saturating_sub(w));
            for h in 0..heads {
                let q = &queries[(t * heads + h) * self.width..][..self.width];
                let of = |from: &[f32], at: usize| -> Vec<f64> {
                    from[at * row + h / self.group * self.width..][..self.width]
                        .iter()
                        .map(|x| f64::from(*x))
                        .collect()
                };
                let weights: Vec<f64> = (first..=last)
                    .map(|at| {
                        let dot: f64 = of(&keys, at)
                            .iter()
                            .zip(q)
                            .map(|(k, q)| k * f64::from(*q))
                            .sum();
                        (dot * f64::from(attention.scale)).exp()
                    })
                    .collect();
                let total: f64 = weights.iter().sum();
                for i in 0..self.width {
                    let wanted: f64 = weights
                        .iter()
                        .zip(first..)
                        .map(|(weight, at)| weight / total * of(&values, at)[i])
                        .sum();
                    let found = out[(t * heads + h) * self.width + i];
                    worst = worst.max((f64::from(found) - wanted).abs());
                }
            }
        }
        worst
    }
}

#[test]
fn it_is_attention_at_every_shape() {
    for (kv_heads, group, width) in [(1, 1, 8), (2, 3, 16), (2, 4, 80), (1, 8, 128), (3, 1, 24)] {
        for (before, tokens) in [
            (0, 1),
            (0, 70),
            (63, 1),
            (64, 3),
            (100, 40),
            (700, 2),
            (610, 5),
        ] {
            for window in [None, Some(1), Some(50), Some(200)] {
                let case = Case {
                    kv_heads,
                    group,
                    width,
                    before,
                    tokens,
                    window,
                };
                Simd::each(|| {
                    let worst = case.distance();
                    assert!(
                        worst < 2e-6,
                        "{kv_heads} x {group} x {width}, {tokens} after {before}, {window:?}: {worst}"
                    );
                });
            }
        }
    }
}

#[test]
fn what_a_page_holds_beyond_the_text_does_not_count() {
    let row = numbers(16, 5);
    // The page held a longer text before, which was taken back.
    let mut page = Page::new(1, 16);
    for at in 0..PAGE {
        page.put(at, &numbers(16, at as u64), &numbers(16, at as u64));
    }
    for at in 0..3 {
        page.put(at, &row, &row);
    }
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
        assert!((out - value).abs() < 1e-6);
    }
}
