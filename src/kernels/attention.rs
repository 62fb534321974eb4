//! Attention of queries over keys and values that are kept in pages, softmax by parts
//! (arXiv:2205.14135, arXiv:1805.02867).
//!
//! In a page keys lie position beside position and values position behind position, so that
//! scores and sums are both products of few rows with a page, sixteen columns at a time.

use std::sync::Arc;

use super::disjoint::Disjoint;
use super::exponent::exp;
use super::lanes::{Lanes, product};
use super::lines::Lines;
use super::pool;
use super::simd::{Simd, Work};

/// Positions of a page.
pub const PAGE: usize = 64;
/// Query rows that meet a page together: products keep four rows in registers.
const TILE: usize = 4;
/// Query rows of one piece of work, about.
const PIECE_ROWS: usize = 16;
/// Where there are few queries, so many pages make a piece of their own.
const SEGMENT: usize = 8;
/// Tokens up to which the pages are parted among pieces; above there are pieces enough.
const FEW: usize = 4;

/// Keys and values of [`PAGE`] positions of one layer.
#[derive(Debug, Clone)]
pub struct Page {
    heads: usize,
    width: usize,
    /// `[heads]` times keys `[width][PAGE]`, then `[heads]` times values `[PAGE][padded]`.
    numbers: Lines,
}

impl Page {
    /// An empty one for `heads` heads of `width` numbers.
    pub fn new(heads: usize, width: usize) -> Self {
        Self {
            heads,
            width,
            numbers: Lines::zeros(Self::floats(heads, width)),
        }
    }

    /// Floats that one takes.
    pub const fn floats(heads: usize, width: usize) -> usize {
        heads * PAGE * (width + width.next_multiple_of(16))
    }

    /// All its numbers, for keeping it.
    pub fn numbers(&self) -> &[f32] {
        &self.numbers
    }

    /// The same, for taking it up again.
    pub fn numbers_mut(&mut self) -> &mut [f32] {
        &mut self.numbers
    }

    /// Puts the key and the value of one position (`heads · width` numbers each) in place `at`.
    pub fn put(&mut self, at: usize, key: &[f32], value: &[f32]) {
        let (heads, width, padded) = (self.heads, self.width, self.width.next_multiple_of(16));
        let (keys, values) = self.numbers.split_at_mut(heads * width * PAGE);
        for (column, key) in keys.chunks_exact_mut(PAGE).zip(key) {
            column[at] = *key;
        }
        for (head, value) in values
            .chunks_exact_mut(PAGE * padded)
            .zip(value.chunks_exact(width))
        {
            head[at * padded..][..width].copy_from_slice(value);
        }
    }

    /// `[width][PAGE]`.
    fn keys(&self, head: usize) -> &[f32] {
        let size = self.width * PAGE;
        &self.numbers[head * size..][..size]
    }

    /// `[PAGE][padded width]`.
    fn values(&self, head: usize) -> &[f32] {
        let size = self.width.next_multiple_of(16) * PAGE;
        &self.numbers[self.heads * self.width * PAGE + head * size..][..size]
    }
}

/// Puts keys and values (rows of `heads · width` numbers, a position each) into pages that are
/// there, from `position` on. Pages that others share are copied first.
pub fn put_rows(pages: &mut [Arc<Page>], position: usize, keys: &[f32], values: &[f32]) {
    let row = pages.first().map_or(1, |page| page.heads * page.width);
    let end = position + keys.len() / row;
    let first = position / PAGE;
    let mut own: Vec<&mut Page> = pages[first..end.div_ceil(PAGE).max(first)]
        .iter_mut()
        .map(Arc::make_mut)
        .collect();
    let lent = Disjoint::new(&mut own);
    pool::run(lent.len(), |i| {
        // SAFETY: each piece has a page of its own.
        let page = unsafe { lent.part(i, 1) };
        let start = (first + i) * PAGE;
        for at in start.max(position)..(start + PAGE).min(end) {
            let from = (at - position) * row;
            page[0].put(at - start, &keys[from..][..row], &values[from..][..row]);
        }
    });
}

/// What attends to what.
#[derive(Debug, Clone, Copy)]
pub struct Attention<'a> {
    /// Keys and values, the new tokens' among them.
    pub pages: &'a [Arc<Page>],
    /// Position of the first query.
    pub position: usize,
    /// Query heads; a multiple of the heads of keys.
    pub heads: usize,
    /// Multiplies scores.
    pub scale: f32,
    /// Positions that a query sees, its own among them; none for all.
    pub window: Option<usize>,
}

impl Attention<'_> {
    /// Attends with `queries` (rows of `heads · width`, a token each) into `out` (as large).
    pub fn run(&self, queries: &[f32], out: &mut [f32]) {
        let Some(page) = self.pages.first() else {
            return;
        };
        let (kv_heads, width) = (page.heads, page.width);
        let group = self.heads / kv_heads;
        let row = self.heads * width;
        let tokens = queries.len() / row;
        let pages = (self.position + tokens).div_ceil(PAGE);
        if tokens <= FEW && pages > SEGMENT {
            self.in_segments(queries, out);
            return;
        }
        let at_once = (PIECE_ROWS / group).max(1);
        let blocks = tokens.div_ceil(at_once);
        let out = Disjoint::new(out);
        let simd = Simd::best();
        // The last blocks see the most: they come first, so that no thread is left with one.
        pool::run(blocks * kv_heads, |piece| {
            let (block, head) = (blocks - 1 - piece / kv_heads, piece % kv_heads);
            let first = block * at_once;
            let count = at_once.min(tokens - first);
            let mut rows = Rows::new(self, queries, head, first, count);
            simd.run(Pass {
                attention: self,
                head,
                pages: 0..pages,
                rows: &mut rows,
            });
            for t in 0..count {
                let at = (first + t) * row + head * group * width;
                // SAFETY: no other piece has this head of this token.
                let out = unsafe { out.part(at, group * width) };
                for (j, out) in out.chunks_exact_mut(width).enumerate() {
                    rows.finish(t * group + j, out);
                }
            }
        });
    }

    /// For few tokens: the pages are parted among the pieces, whose sums are put together then.
    fn in_segments(&self, queries: &[f32], out: &mut [f32]) {
        let Some(page) = self.pages.first() else {
            return;
        };
        let (kv_heads, width) = (page.heads, page.width);
        let group = self.heads / kv_heads;
        let tokens = queries.len() / (self.heads * width);
        let pages = (self.position + tokens).div_ceil(PAGE);
        let segments = pages.div_ceil(SEGMENT);
        let mut parts: Vec<Option<Rows>> = (0..segments * kv_heads).map(|_| None).collect();
        let lent = Disjoint::new(&mut parts);
        let simd = Simd::best();
        pool::run(segments * kv_heads, |piece| {
            let (segment, head) = (piece / kv_heads, piece % kv_heads);
            let mut rows = Rows::new(self, queries, head, 0, tokens);
            simd.run(Pass {
                attention: self,
                head,
                pages: segment * SEGMENT..pages.min((segment + 1) * SEGMENT),
                rows: &mut rows,
            });
            // SAFETY: each piece has a place of its own.
            let place = unsafe { lent.part(piece, 1) };
            place[0] = Some(rows);
        });
        for head in 0..kv_heads {
            let mut whole: Option<Rows> = None;
            for part in parts.iter_mut().skip(head).step_by(kv_heads) {
                match (&mut whole, part.take()) {
                    (Some(whole), Some(part)) => whole.join(&part),
                    (whole, part) => *whole = part,
                }
            }
            let Some(whole) = whole else { return };
            for t in 0..tokens {
                for j in 0..group {
                    let at = (t * self.heads + head * group + j) * width;
                    whole.finish(t * group + j, &mut out[at..][..width]);
                }
            }
        }
    }
}

/// Some query rows of one head of keys, with what they have seen so far.
struct Rows {
    width: usize,
    padded: usize,
    /// `[rows][width]`, scaled; rows that fill the last tile are zeros.
    queries: Vec<f32>,
    /// Position of each row.
    positions: Vec<usize>,
    /// Largest score so far.
    most: Vec<f32>,
    /// Sum of the weights, relative to the largest.
    total: Vec<f32>,
    /// Weighted sums of values: `[rows][padded]`.
    sums: Vec<f32>,
}

impl Rows {
    fn new(
        attention: &Attention<'_>,
        queries: &[f32],
        head: usize,
        first: usize,
        count: usize,
    ) -> Self {
        let (kv_heads, width) = attention
            .pages
            .first()
            .map_or((1, 1), |p| (p.heads, p.width));
        let padded = width.next_multiple_of(16);
        let group = attention.heads / kv_heads;
        let rows = (count * group).next_multiple_of(TILE);
        let mut own = Self {
            width,
            padded,
            queries: vec![0.0; rows * width],
            // Rows that only fill up look at the first position.
            positions: vec![0; rows],
            most: vec![f32::NEG_INFINITY; rows],
            total: vec![0.0; rows],
            sums: vec![0.0; rows * padded],
        };
        for r in 0..count * group {
            let (t, j) = (first + r / group, r % group);
            let from = &queries[(t * attention.heads + head * group + j) * width..][..width];
            for (to, from) in own.queries[r * width..][..width].iter_mut().zip(from) {
                *to = from * attention.scale;
            }
            own.positions[r] = attention.position + t;
        }
        own
    }

    /// Adds what another pass over other pages has seen with the same queries.
    fn join(&mut self, other: &Self) {
        for r in 0..self.most.len() {
            let most = self.most[r].max(other.most[r]);
            if most == f32::NEG_INFINITY {
                continue;
            }
            let (own, new) = (exp(self.most[r] - most), exp(other.most[r] - most));
            self.most[r] = most;
            self.total[r] = self.total[r] * own + other.total[r] * new;
            let sums = self.sums[r * self.padded..][..self.padded].iter_mut();
            for (sum, other) in sums.zip(&other.sums[r * self.padded..]) {
                *sum = *sum * own + other * new;
            }
        }
    }

    /// What row `r` has seen, as a mean.
    fn finish(&self, r: usize, out: &mut [f32]) {
        let scale = 1.0 / self.total[r];
        for (out, sum) in out.iter_mut().zip(&self.sums[r * self.padded..]) {
            *out = sum * scale;
        }
    }
}

/// One head's pages with some rows.
struct Pass<'a> {
    attention: &'a Attention<'a>,
    head: usize,
    pages: std::ops::Range<usize>,
    rows: &'a mut Rows,
}

impl Work for Pass<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        let rows = self.rows;
        let (width, padded) = (rows.width, rows.padded);
        let window = self.attention.window.unwrap_or(usize::MAX);
        for at in self.pages {
            let page = &self.attention.pages[at];
            let (keys, values) = (page.keys(self.head), page.values(self.head));
            let start = at * PAGE;
            for tile in 0..rows.most.len() / TILE {
                let first = tile * TILE;
                let positions = &rows.positions[first..][..TILE];
                // What this row sees of the page: a range of its places.
                let seen: [(usize, usize); TILE] = std::array::from_fn(|r| {
                    let end = (positions[r] + 1).saturating_sub(start).min(PAGE);
                    let begin = (positions[r] + 1)
                        .saturating_sub(window)
                        .saturating_sub(start);
                    (begin.min(end), end)
                });
                if seen.iter().all(|(begin, end)| begin == end) {
                    continue;
                }
                let mut scores = [[[0.0_f32; 16]; PAGE / 16]; TILE];
                let queries: [&[f32]; TILE] =
                    std::array::from_fn(|r| &rows.queries[(first + r) * width..][..width]);
                product::<V, TILE, { PAGE / 16 }>(queries, keys, PAGE, &mut scores);
                let mut fades = [1.0_f32; TILE];
                for r in 0..TILE {
                    let scores = scores[r].as_flattened_mut();
                    let (begin, end) = seen[r];
                    scores[..begin].fill(f32::NEG_INFINITY);
                    scores[end..].fill(f32::NEG_INFINITY);
                    let mut most = [f32::NEG_INFINITY; 16];
                    for part in scores.as_chunks::<16>().0 {
                        for (most, score) in most.iter_mut().zip(part) {
                            *most = if *score > *most { *score } else { *most };
                        }
                    }
                    let here = most.iter().copied().fold(rows.most[first + r], f32::max);
                    if here == f32::NEG_INFINITY {
                        // It sees nothing of this page, and nothing before.
                        scores.fill(0.0);
                        continue;
                    }
                    fades[r] = exp(rows.most[first + r] - here);
                    rows.most[first + r] = here;
                    let mut total = [0.0_f32; 16];
                    for part in scores.as_chunks_mut::<16>().0 {
                        for (total, score) in total.iter_mut().zip(part) {
                            *score = exp(*score - here);
                            *total += *score;
                        }
                    }
                    let total: f32 = total.iter().sum();
                    rows.total[first + r] = rows.total[first + r] * fades[r] + total;
                }
                let weights: [&[f32]; TILE] = std::array::from_fn(|r| scores[r].as_flattened());
                let sums = &mut rows.sums[first * padded..][..TILE * padded];
                let mut column = 0;
                while column + 64 <= padded {
                    weigh::<V, 4>(weights, values, padded, column, fades, sums);
                    column += 64;
                }
                while column < padded {
                    weigh::<V, 1>(weights, values, padded, column, fades, sums);
                    column += 16;
                }
            }
        }
    }
}

/// `sums = fade · sums + weights · values`, `16 N` columns from `column` on.
#[inline(always)]
fn weigh<V: Lanes, const N: usize>(
    weights: [&[f32]; TILE],
    values: &[f32],
    padded: usize,
    column: usize,
    fades: [f32; TILE],
    sums: &mut [f32],
) {
    let mut own = [[[0.0_f32; 16]; N]; TILE];
    for ((own, sums), fade) in own.iter_mut().zip(sums.chunks_exact(padded)).zip(fades) {
        for (own, sum) in own
            .as_flattened_mut()
            .iter_mut()
            .zip(&sums[column..][..16 * N])
        {
            *own = sum * fade;
        }
    }
    product::<V, TILE, N>(weights, &values[column..], padded, &mut own);
    for (own, sums) in own.iter().zip(sums.chunks_exact_mut(padded)) {
        sums[column..][..16 * N].copy_from_slice(own.as_flattened());
    }
}

#[cfg(test)]
#[path = "attention_tests.rs"]
mod tests;
