//! Attention of queries over keys and values that are kept in pages, softmax by parts
//! (arXiv:2205.14135, arXiv:1805.02867).
//!
//! A piece of work is some query rows of one head of keys, all queries of its group among them,
//! and a segment of the pages: each key and value is fetched once for all of these rows. Where
//! there are tokens enough, a segment is all pages; where there are few, the segments' sums are
//! put together afterwards.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use super::disjoint::Disjoint;
use super::exponent::exp;
use super::lanes::Lanes;
use super::lines::Lines;
use super::pages::{PAGE, Page, padded};
use super::pool;
use super::simd::{Simd, Work};
use super::sweep::{Scratch, Sweep};

/// Query rows of one piece of work, about: what a page costs to fetch is little beside what
/// they cost.
const ROWS: usize = 64;
/// Pieces below which the pages are parted too: enough for many threads to end together. How
/// work is parted must not depend on their number, or they would change what is answered.
const PIECES: usize = 64;
/// Pages of a segment at least.
const LEAST: usize = 2;

thread_local! {
    /// What a thread keeps between pieces.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
    /// Sums of segments, kept between calls.
    static PARTS: RefCell<Lines> = RefCell::default();
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
        let (kv_heads, width) = page.shape();
        let group = self.heads / kv_heads;
        let tokens = queries.len() / (self.heads * width);
        let at_once = (ROWS / group).max(1);
        let blocks = tokens.div_ceil(at_once);
        let pages = self.seen_by(0, tokens);
        let works = blocks * kv_heads;
        let segment = if works < PIECES {
            (pages.len() * works).div_ceil(PIECES).max(LEAST)
        } else {
            pages.len()
        };
        let segments = pages.len().div_ceil(segment.max(1));
        let size = at_once.min(tokens) * group * (padded(width) + 2);
        let mut kept = PARTS.take();
        if segments > 1 {
            kept.reserve(works * segments * size);
        }
        let parts = Disjoint::new(&mut kept);
        let out = Disjoint::new(out);
        let simd = Simd::best();
        // One head after the other, so that its keys stay near; in each the last tokens first:
        // they see the most, and no thread is left with such a piece at the end.
        let block = |work: usize| {
            let (head, block) = (work / blocks, blocks - 1 - work % blocks);
            let first = block * at_once;
            (head, first..tokens.min(first + at_once))
        };
        pool::run(works * segments, |piece| {
            let (head, tokens) = block(piece / segments);
            let seen = self.seen_by(tokens.start, tokens.end);
            let start = pages.start + piece % segments * segment;
            let sweep = |scratch: &mut Scratch| {
                simd.run(Sweep {
                    attention: self,
                    queries,
                    head,
                    tokens: tokens.clone(),
                    pages: start.max(seen.start)..(start + segment).min(seen.end),
                    scratch,
                });
                if segments > 1 {
                    // SAFETY: each piece has a part of its own.
                    scratch.leave(unsafe { parts.part(piece * size, size) });
                    return;
                }
                for (i, token) in tokens.clone().enumerate() {
                    let at = (token * self.heads + head * group) * width;
                    // SAFETY: no other piece has this head of this token.
                    let out = unsafe { out.part(at, group * width) };
                    for (j, out) in out.chunks_exact_mut(width).enumerate() {
                        scratch.finish(i * group + j, out);
                    }
                }
            };
            SCRATCH.with_borrow_mut(sweep);
        });
        if segments > 1 {
            pool::run(works, |work| {
                let (head, tokens) = block(work);
                // SAFETY: nobody writes parts any more, and each work has its own.
                let parts = unsafe { parts.part(work * segments * size, segments * size) };
                let rows = tokens.len() * group;
                for (i, token) in tokens.enumerate() {
                    let at = (token * self.heads + head * group) * width;
                    // SAFETY: no other work has this head of this token.
                    let out = unsafe { out.part(at, group * width) };
                    for (j, out) in out.chunks_exact_mut(width).enumerate() {
                        simd.run(Join {
                            parts,
                            size,
                            rows,
                            row: i * group + j,
                            out,
                        });
                    }
                }
            });
        }
        PARTS.set(kept);
    }

    /// The pages in which the queries from `first` to before `end` see anything.
    fn seen_by(&self, first: usize, end: usize) -> Range<usize> {
        let window = self.window.unwrap_or(usize::MAX);
        let begin = (self.position + first + 1).saturating_sub(window);
        begin / PAGE..(self.position + end).div_ceil(PAGE)
    }
}

/// Puts together what the segments have of one row.
struct Join<'a> {
    /// See [`Scratch::leave`].
    parts: &'a [f32],
    /// Numbers of a part.
    size: usize,
    /// Rows that a part has.
    rows: usize,
    row: usize,
    out: &'a mut [f32],
}

impl Work for Join<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        let Self {
            parts,
            size,
            rows,
            row,
            out,
        } = self;
        let padded = padded(out.len());
        let figures = |part: &[f32]| (part[rows * padded + row], part[rows * (padded + 1) + row]);
        let parts = parts.chunks_exact(size);
        let most = parts
            .clone()
            .map(|part| figures(part).0)
            .fold(f32::NEG_INFINITY, f32::max);
        let mut total = 0.0;
        out.fill(0.0);
        for part in parts {
            let (own, sum) = figures(part);
            // 0 for one that has seen nothing.
            let weight = exp(own - most);
            total += weight * sum;
            for (out, sum) in out.iter_mut().zip(&part[row * padded..]) {
                *out += weight * sum;
            }
        }
        for out in out.iter_mut() {
            *out /= total;
        }
    }
}

#[cfg(test)]
#[path = "attention_tests.rs"]
mod tests;
