//! The online softmax (arXiv:1805.02867), as the inner loop of attention by parts
//! (arXiv:2205.14135): some query rows of one head, and the pages of keys and values they go over.
//!
//! Each page is three steps for all rows: scores (rows times keys), weights (the exponential of
//! scores, relative to the largest that the row has seen so far), sums (weights times values).
//! Both products keep a tile of rows times panels in registers.

use std::ops::Range;

use half::f16;

use super::attention::Attention;
use super::exponent::exp;
use super::f32x16::{Lanes, ask_for};
use super::lines::Lines;
use super::pages::{Head, Number, PAGE, PanelRow, key_rows, padded};
use super::simd::Work;
use crate::base::bug::bug;

/// The most rows of a tile.
const TILE: usize = 6;
/// The most rows for which keys and values are made floats at each use, in registers; for more
/// rows they are made floats in the cache, a page at a time, once for all.
const FEW: usize = 12;

/// Numbers of queries that share the first cache with a panel of keys: 16 KiB.
const NEAR: usize = 4 << 10;

/// Buffers of a sweep, f32; kept from one to the next, since most are short.
#[derive(Default)]
pub(super) struct SoftmaxScratch {
    /// Rows of queries, without those that fill the last tile.
    rows: usize,
    /// Numbers of a value with those that fill its last panel.
    padded: usize,
    /// `[rows][width]`, scaled; rows that fill the last tile are zeros.
    queries: Lines,
    /// Scores of a page, then weights: `[rows][PAGE]`.
    scores: Lines,
    /// Weighted sums of values: `[rows][padded]`.
    sums: Lines,
    /// Largest score of each row so far.
    max: Vec<f32>,
    /// Sum of the weights of each row, relative to that of its largest score.
    denominator: Vec<f32>,
    /// Factor of each row by which the page multiplies the sums before it.
    rescale: Vec<f32>,
    /// Keys and values of a page as floats: `[key_rows][16]`, then `[padded / 16][PAGE][16]`.
    floats: Lines,
}

impl SoftmaxScratch {
    /// Makes room for `rows` rows of `width` numbers, which are `all` with those that fill the last
    /// tile.
    fn begin(&mut self, rows: usize, all: usize, width: usize) {
        let padded = padded(width);
        (self.rows, self.padded) = (rows, padded);
        self.queries.reserve(all * width);
        self.queries[rows * width..all * width].fill(0.0);
        self.scores.reserve(all * PAGE);
        self.scores[rows * PAGE..all * PAGE].fill(0.0);
        self.sums.reserve(all * padded);
        self.sums[..all * padded].fill(0.0);
        for (figures, start) in [
            (&mut self.max, f32::NEG_INFINITY),
            (&mut self.denominator, 0.0),
            (&mut self.rescale, 1.0),
        ] {
            figures.clear();
            figures.resize(all, start);
        }
    }

    /// Writes the weighted mean of the values that row `row` has seen.
    #[inline]
    pub fn finish(&self, row: usize, out: &mut [f32]) {
        let scale = 1.0 / self.denominator[row];
        for (out, sum) in out.iter_mut().zip(&self.sums[row * self.padded..]) {
            *out = sum * scale;
        }
    }

    /// Writes what all rows have seen, to be put together with other segments: the sums,
    /// `[rows][padded]`, then the largest scores, `[rows]`, then the sums of weights, `[rows]`.
    pub fn leave(&self, to: &mut [f32]) {
        let (sums, figures) = to.split_at_mut(self.rows * self.padded);
        sums.copy_from_slice(&self.sums[..sums.len()]);
        let (max, denominator) = figures.split_at_mut(self.rows);
        max.copy_from_slice(&self.max[..self.rows]);
        denominator[..self.rows].copy_from_slice(&self.denominator[..self.rows]);
    }
}

/// All queries of some tokens to one head of keys, over some pages.
pub(super) struct Sweep<'a> {
    pub attention: &'a Attention<'a>,
    /// All queries of the call, `tokens × (heads · width)`.
    pub queries: &'a [f32],
    /// The number of the head of keys.
    pub head: usize,
    /// Tokens of the call.
    pub tokens: Range<usize>,
    /// Pages of the layer.
    pub pages: Range<usize>,
    /// Buffers; hold the result then.
    pub scratch: &'a mut SoftmaxScratch,
}

impl Work for Sweep<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        if V::REGISTERS >= 32 || roomy() {
            self.with::<V, 4, 4, 4>();
        } else {
            self.with::<V, 4, 2, 1>();
        }
    }
}

/// True if a test asks for the tiles that need many registers, which any instructions can do.
#[cfg(test)]
pub(super) static ROOMY: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

#[inline(always)]
fn roomy() -> bool {
    #[cfg(test)]
    return ROOMY.load(std::sync::atomic::Ordering::SeqCst);
    #[cfg(not(test))]
    false
}

impl Sweep<'_> {
    /// Sweeps with tiles of `ONE` panels for one row, `TWO` for two or three, `MORE` for more.
    #[inline(always)]
    fn with<V: Lanes, const ONE: usize, const TWO: usize, const MORE: usize>(self) {
        let (_, width) = self.shape();
        let group = self.group();
        let rows = self.tokens.len() * group;
        // Tiles as even as can be.
        let tile = rows.div_ceil(rows.div_ceil(TILE).max(1)).max(1);
        let all = rows.next_multiple_of(tile);
        self.scratch.begin(rows, all, width);
        for (row, to) in self.scratch.queries[..rows * width]
            .chunks_exact_mut(width)
            .enumerate()
        {
            let token = self.tokens.start + row / group;
            let head = self.head * group + row % group;
            let from = (token * self.attention.heads + head) * width;
            for (to, from) in to.iter_mut().zip(&self.queries[from..]) {
                *to = from * self.attention.scale;
            }
        }
        let many = rows > FEW;
        match tile {
            1 => self.of_tiles::<V, 1, ONE>(many),
            2 => self.of_tiles::<V, 2, TWO>(many),
            3 => self.of_tiles::<V, 3, TWO>(many),
            4 => self.of_tiles::<V, 4, MORE>(many),
            5 => self.of_tiles::<V, 5, MORE>(many),
            _ => self.of_tiles::<V, 6, MORE>(many),
        }
    }

    /// Query heads of one head of keys.
    fn group(&self) -> usize {
        self.attention.heads / self.shape().0
    }

    /// Heads of keys, and numbers of a head.
    fn shape(&self) -> (usize, usize) {
        match self.attention.pages {
            [page, ..] => page.shape(),
            [] => bug("a sweep over no pages", (1, 1)),
        }
    }

    /// Sweeps in tiles of `R` rows and `N` panels. Where there are many rows, halves are made
    /// floats once for all of them, in the cache.
    #[inline(always)]
    fn of_tiles<V: Lanes, const R: usize, const N: usize>(mut self, many: bool) {
        let pages = self.attention.pages;
        let (_, width) = self.shape();
        let size = PAGE * (width + padded(width));
        let mut floats = std::mem::take(&mut self.scratch.floats);
        floats.reserve(size);
        let rows: &mut [PanelRow<f32>] = floats[..size].as_chunks_mut().0;
        for at in self.pages.clone() {
            let next = &pages[(at + 1).min(self.pages.end - 1)];
            let start = at * PAGE;
            let halves = match pages[at].head(self.head) {
                Head::Halves(halves) => halves,
                Head::Floats(floats) => {
                    self.page::<V, f32, R, N>(floats, floats, start);
                    continue;
                }
            };
            let upcoming = match next.head(self.head) {
                Head::Halves(upcoming) => upcoming,
                // Floats are not asked for early, see `Number::FAR`.
                Head::Floats(_) => halves,
            };
            if many {
                for ((to, from), upcoming) in rows.iter_mut().zip(halves).zip(upcoming) {
                    ask_for(upcoming);
                    V::load_halves(from).store(to);
                }
                self.page::<V, f32, R, N>(rows, rows, start);
            } else {
                self.page::<V, f16, R, N>(halves, upcoming, start);
            }
        }
        self.scratch.floats = floats;
    }

    /// Goes over one page, whose first position is `start`, in tiles of `R` rows and `N` panels;
    /// asks for rows of the next page before it ends.
    #[allow(
        clippy::too_many_lines,
        reason = "a loop whose sums stay in registers is one function"
    )]
    #[inline(always)]
    fn page<V: Lanes, T: Number, const R: usize, const N: usize>(
        &mut self,
        now: &[PanelRow<T>],
        next: &[PanelRow<T>],
        start: usize,
    ) {
        let (_, width) = self.shape();
        let group = self.group();
        let window = self.attention.window.unwrap_or(usize::MAX);
        let first = self.attention.position + self.tokens.start + 1;
        // The places of the page that a row sees.
        let seen = |row: usize| {
            let end = first + row / group;
            let begin = end.saturating_sub(window).saturating_sub(start);
            let end = end.saturating_sub(start).min(PAGE);
            begin.min(end)..end
        };
        let SoftmaxScratch {
            rows,
            padded,
            queries,
            scores,
            sums,
            max,
            denominator,
            rescale,
            ..
        } = &mut *self.scratch;
        let rows = *rows;
        let columns = *padded / 16;
        let tiles = max.len() / R;
        let seen_by_tile =
            |tile: usize| seen(tile * R).start..seen((tile * R + R).min(rows) - 1).end;
        let (keys, values) = now.split_at(key_rows(width));
        let scores: &mut [PanelRow<f32>] = scores.as_chunks_mut().0;
        // So many tiles at once that their queries stay in the first cache beside a panel.
        let at_once = (NEAR / (R * width)).max(1);
        for first in (0..tiles).step_by(at_once) {
            for panel in (0..PAGE / 16).step_by(N) {
                let place = |n: usize| (panel + n) * width;
                let own = each(|n| &keys[place(n)..][..width]);
                let upcoming = each(|n| ahead(now, next, place(n + N), width));
                for tile in first..tiles.min(first + at_once) {
                    let seen = seen_by_tile(tile);
                    if seen.end <= panel * 16 || (panel + N) * 16 <= seen.start {
                        continue;
                    }
                    let row = |r: usize| &queries[(tile * R + r) * width..][..width];
                    let mut sums = [[V::splat(0.0); N]; R];
                    product::<V, T, R, N>(each(row), own, upcoming, &mut sums);
                    for (r, sums) in sums.iter().enumerate() {
                        let scores = &mut scores[(tile * R + r) * (PAGE / 16) + panel..][..N];
                        for (sum, to) in sums.iter().zip(scores) {
                            sum.store(to);
                        }
                    }
                }
            }
        }
        for (row, scores) in scores.chunks_exact_mut(PAGE / 16).take(rows).enumerate() {
            rescale[row] = weigh(scores, seen(row), &mut max[row], &mut denominator[row]);
        }
        let mut tile = Values {
            weights: scores.as_flattened(),
            rescale,
            sums: sums.as_chunks_mut().0,
            columns,
            now,
            next,
            first: now.len() - values.len(),
        };
        let mut column = 0;
        while column < columns {
            let whole = column + N <= columns;
            for at in 0..tiles {
                let seen = seen_by_tile(at);
                if seen.is_empty() {
                    continue;
                }
                if whole {
                    tile.add::<V, R, N>(at * R, column, seen);
                } else {
                    tile.add::<V, R, 1>(at * R, column, seen);
                }
            }
            column += if whole { N } else { 1 };
        }
    }
}

/// `count` rows from the `first` on, of two pages' rows taken one behind the other; near the end of
/// both, their last `count`.
#[inline(always)]
fn ahead<'a, T>(
    now: &'a [PanelRow<T>],
    next: &'a [PanelRow<T>],
    first: usize,
    count: usize,
) -> &'a [PanelRow<T>] {
    if first + count <= now.len() {
        &now[first..first + count]
    } else {
        &next[first.saturating_sub(now.len()).min(next.len() - count)..][..count]
    }
}

/// Makes weights of a row's scores of a page, of which the row sees the places `seen`; gives the
/// factor by which the sums before are to be multiplied.
#[inline(always)]
fn weigh(
    scores: &mut [PanelRow<f32>],
    seen: Range<usize>,
    max: &mut f32,
    denominator: &mut f32,
) -> f32 {
    if seen.is_empty() {
        scores.as_flattened_mut().fill(0.0);
        return 1.0;
    }
    scores.as_flattened_mut()[..seen.start].fill(f32::NEG_INFINITY);
    scores.as_flattened_mut()[seen.end..].fill(f32::NEG_INFINITY);
    let mut here = [*max; 16];
    for part in scores.iter() {
        for (max, score) in here.iter_mut().zip(part) {
            *max = larger(*max, *score);
        }
    }
    let here = folded::<true>(here);
    let factor = exp(*max - here);
    let mut sum = [0.0_f32; 16];
    for part in scores.iter_mut() {
        for (sum, score) in sum.iter_mut().zip(part) {
            *score = exp(*score - here);
            *sum += *score;
        }
    }
    *max = here;
    *denominator = *denominator * factor + folded::<false>(sum);
    factor
}

/// The product of a page's weights with its values, to be added to the sums.
struct Values<'a, T> {
    /// Weights, `[rows][PAGE]`.
    weights: &'a [f32],
    /// Factor of each row for the sums before, `[rows]`.
    rescale: &'a [f32],
    /// Sums, `[rows][columns]`, of sixteen numbers each.
    sums: &'a mut [PanelRow<f32>],
    columns: usize,
    /// The page, and the one after it.
    now: &'a [PanelRow<T>],
    next: &'a [PanelRow<T>],
    /// Row of the page with which its values begin.
    first: usize,
}

impl<T: Number> Values<'_, T> {
    /// Adds the values of the places that are seen, to `R` rows from `row` on and `N` columns
    /// from `column` on.
    #[inline(always)]
    fn add<V: Lanes, const R: usize, const N: usize>(
        &mut self,
        row: usize,
        column: usize,
        seen: Range<usize>,
    ) {
        let from = |n: usize| self.first + (column + n) * PAGE + seen.start;
        let own = each(|n| &self.now[from(n)..][..seen.len()]);
        let upcoming = each(|n| ahead(self.now, self.next, from(n + N), seen.len()));
        let weights = |r: usize| &self.weights[(row + r) * PAGE..][..PAGE][seen.clone()];
        let place = |r: usize| (row + r) * self.columns + column;
        // Loops and not closures: one that stays a call has not the instructions of its caller.
        let mut sums = [[V::splat(0.0); N]; R];
        for (r, sums) in sums.iter_mut().enumerate() {
            let (from, factor) = (&self.sums[place(r)..][..N], V::splat(self.rescale[row + r]));
            for (sum, from) in sums.iter_mut().zip(from) {
                *sum = V::load(from).times(factor);
            }
        }
        product::<V, T, R, N>(each(weights), own, upcoming, &mut sums);
        for (r, sums) in sums.iter().enumerate() {
            let at = place(r);
            for (sum, to) in sums.iter().zip(&mut self.sums[at..][..N]) {
                sum.store(to);
            }
        }
    }
}

/// The slices that `of` gives for each number below `N`; `std::array::from_fn` may stay a call.
#[inline(always)]
fn each<'a, S, const N: usize>(of: impl Fn(usize) -> &'a [S]) -> [&'a [S]; N] {
    let mut all = [[].as_slice(); N];
    for n in 0..N {
        all[n] = of(n);
    }
    all
}

/// `sums[r] += a[r] · b` for `R` rows of `a`, each as long as the `N` panels of `b` have rows.
/// Asks for the panels that come next at the same pace.
#[inline(always)]
fn product<V: Lanes, T: Number, const R: usize, const N: usize>(
    a: [&[f32]; R],
    b: [&[PanelRow<T>]; N],
    next: [&[PanelRow<T>]; N],
    sums: &mut [[V; N]; R],
) {
    let depth = a[0].len();
    assert!(a.iter().all(|row| row.len() == depth));
    assert!(b.iter().all(|panel| panel.len() == depth));
    assert!(!T::FAR || next.iter().all(|panel| panel.len() == depth));
    let mut own = *sums;
    for k in 0..depth {
        // Two rows of halves are a line.
        if T::FAR && k % 2 == 0 {
            for panel in next {
                // SAFETY: k < depth, the length of each.
                ask_for(unsafe { panel.get_unchecked(k) });
            }
        }
        let mut row = [V::splat(0.0); N];
        for n in 0..N {
            // SAFETY: as above.
            row[n] = T::load(unsafe { b[n].get_unchecked(k) });
        }
        for r in 0..R {
            // SAFETY: as above.
            let a = V::splat(*unsafe { a[r].get_unchecked(k) });
            for n in 0..N {
                own[r][n] = row[n].fused(a, own[r][n]);
            }
        }
    }
    *sums = own;
}

/// The larger of two.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

/// The largest of sixteen numbers, or their sum, put together two by two, so that no step waits
/// for many others.
#[inline(always)]
fn folded<const LARGEST: bool>(mut x: [f32; 16]) -> f32 {
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            x[i] = if LARGEST {
                larger(x[i], x[i + half])
            } else {
                x[i] + x[i + half]
            };
        }
    }
    x[0]
}
