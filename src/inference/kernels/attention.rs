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
use super::f32x16::Lanes;
use super::lines::Lines;
use super::online_softmax::{SoftmaxScratch, Sweep};
use super::pages::{PAGE, Page, padded};
use super::pool;
use super::simd::{Simd, Work};

/// Query rows of one piece of work, about: the cost of fetching a page is little beside that of so
/// many rows.
const ROWS: usize = 64;
/// Pieces of work below which the pages are parted too: enough for many threads to end together.
const PIECES: usize = 64;
/// Pages of a segment, each of which begins at a multiple of it. The parting must depend neither on
/// the number of threads nor on the tokens of the call: so a token's sums are put together in the
/// same order, and come out the same to the last bit, whether it is read alone or behind drafts.
const SEGMENT: usize = 4;

thread_local! {
    /// Buffers of a thread, kept between pieces.
    static SCRATCH: RefCell<SoftmaxScratch> = RefCell::default();
    /// Sums of segments, kept between calls: `[works][segments][size]`, see [`Plan`].
    static PARTS: RefCell<Lines> = RefCell::default();
}

/// The attention of some queries, one behind the other in the text, to all keys up to their own.
#[derive(Debug, Clone, Copy)]
pub struct Attention<'a> {
    /// Pages of keys and values, the new tokens' among them.
    pub pages: &'a [Arc<Page>],
    /// Position of the first query.
    pub position: usize,
    /// Query heads; a multiple of the heads of keys.
    pub heads: usize,
    /// Factor of the scores.
    pub scale: f32,
    /// Positions that a query sees, its own among them; none for all up to its own.
    pub window: Option<usize>,
}

impl Attention<'_> {
    /// Attends with `queries` into `out`: both `tokens × (heads · width)`, f32, row-major.
    pub fn run(&self, queries: &[f32], out: &mut [f32]) {
        // Without keys there are no tokens that could ask for any.
        let Some(page) = self.pages.first() else {
            return;
        };
        let plan = Plan::new(self, page, queries.len());
        let mut kept = PARTS.take();
        if plan.segments > 1 {
            kept.reserve(plan.works * plan.segments * plan.size);
        }
        let parts = Disjoint::new(&mut kept);
        let out = Disjoint::new(out);
        pool::run(plan.works * plan.segments, |piece| {
            // SAFETY: the pool does each piece once.
            unsafe { self.sweep(&plan, piece, queries, parts, out) };
        });
        if plan.segments > 1 {
            pool::run(plan.works, |work| {
                // SAFETY: the pool does each work once, and the sweeps have come to their end.
                unsafe { plan.join(work, parts, out) };
            });
        }
        PARTS.set(kept);
    }

    /// Sweeps over the pages of one piece; its result goes to its place in `parts` where there
    /// are several segments, else to the rows of its tokens in `out`.
    ///
    /// # Safety
    /// No other thread may have the same piece.
    unsafe fn sweep(
        &self,
        plan: &Plan,
        piece: usize,
        queries: &[f32],
        parts: Disjoint<'_, f32>,
        out: Disjoint<'_, f32>,
    ) {
        let (head, tokens) = plan.block(piece / plan.segments);
        let seen = self.seen_by(tokens.start, tokens.end);
        let start = plan.pages.start + piece % plan.segments * plan.segment;
        SCRATCH.with_borrow_mut(|scratch| {
            plan.simd.run(Sweep {
                attention: self,
                queries,
                head,
                tokens: tokens.clone(),
                pages: start.max(seen.start)..(start + plan.segment).min(seen.end),
                scratch,
            });
            if plan.segments > 1 {
                // SAFETY: each piece has a part of its own.
                scratch.leave(unsafe { parts.part(piece * plan.size, plan.size) });
                return;
            }
            for (i, token) in tokens.enumerate() {
                let at = plan.place(token, head);
                // SAFETY: no other piece has this head of this token.
                let out = unsafe { out.part(at, plan.group * plan.width) };
                for (j, out) in out.chunks_exact_mut(plan.width).enumerate() {
                    scratch.finish(i * plan.group + j, out);
                }
            }
        });
    }

    /// The pages in which the queries from `first` to before `end` see anything.
    fn seen_by(&self, first: usize, end: usize) -> Range<usize> {
        let window = self.window.unwrap_or(usize::MAX);
        let begin = (self.position + first + 1).saturating_sub(window);
        begin / PAGE..(self.position + end).div_ceil(PAGE)
    }
}

/// The pieces that one call is parted into: a *work* is a block of tokens with one head of keys, a
/// *piece* a work with one segment of the pages.
struct Plan {
    /// Query heads.
    heads: usize,
    /// Query heads of one head of keys.
    group: usize,
    /// Numbers of a head.
    width: usize,
    /// Tokens, `queries / (heads × width)`.
    tokens: usize,
    /// Tokens of a block; the last may have fewer.
    at_once: usize,
    blocks: usize,
    works: usize,
    /// The pages that any token sees, from the beginning of a segment.
    pages: Range<usize>,
    /// Pages of a segment; the last may have fewer.
    segment: usize,
    segments: usize,
    /// Numbers that a piece leaves for [`Join`].
    size: usize,
    simd: Simd,
}

impl Plan {
    /// Parts the work of a call; `queries` is the length of all its queries, in numbers.
    fn new(attention: &Attention<'_>, page: &Page, queries: usize) -> Self {
        let heads = attention.heads;
        let (kv_heads, width) = page.shape();
        let group = heads / kv_heads;
        let tokens = queries / (heads * width);
        let at_once = (ROWS / group).max(1);
        let blocks = tokens.div_ceil(at_once);
        let pages = attention.seen_by(0, tokens);
        let works = blocks * kv_heads;
        let (pages, segment) = if works < PIECES {
            (pages.start / SEGMENT * SEGMENT..pages.end, SEGMENT)
        } else {
            let all = pages.len();
            (pages, all)
        };
        Self {
            heads,
            group,
            width,
            tokens,
            at_once,
            blocks,
            works,
            segment,
            segments: pages.len().div_ceil(segment.max(1)),
            pages,
            size: at_once.min(tokens) * group * (padded(width) + 2),
            simd: Simd::best(),
        }
    }

    /// The head of keys and the tokens of a work.
    ///
    /// One head comes after the other, so that its keys stay near; in each the last tokens first:
    /// they see the most, and no thread is left with such a piece at the end.
    fn block(&self, work: usize) -> (usize, Range<usize>) {
        let head = work / self.blocks;
        let first = (self.blocks - 1 - work % self.blocks) * self.at_once;
        (head, first..self.tokens.min(first + self.at_once))
    }

    /// The place in the output at which a token's rows begin, of the query heads of a head of keys.
    fn place(&self, token: usize, head: usize) -> usize {
        (token * self.heads + head * self.group) * self.width
    }

    /// Puts the segments of one work together, into the rows of its tokens in `out`.
    ///
    /// # Safety
    /// No other thread may have the same work, and none may sweep any more.
    unsafe fn join(&self, work: usize, parts: Disjoint<'_, f32>, out: Disjoint<'_, f32>) {
        let (head, tokens) = self.block(work);
        let own = self.segments * self.size;
        // SAFETY: nobody writes parts any more, and each work has its own.
        let parts = unsafe { parts.part(work * own, own) };
        let rows = tokens.len() * self.group;
        for (i, token) in tokens.enumerate() {
            let at = self.place(token, head);
            // SAFETY: no other work has this head of this token.
            let out = unsafe { out.part(at, self.group * self.width) };
            for (j, out) in out.chunks_exact_mut(self.width).enumerate() {
                self.simd.run(Join {
                    parts,
                    size: self.size,
                    rows,
                    row: i * self.group + j,
                    out,
                });
            }
        }
    }
}

/// One row to be put together from its segments.
struct Join<'a> {
    /// The segments' parts, `[segments][size]`; see [`SoftmaxScratch::leave`].
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
            // 0 for a segment that has seen nothing.
            let weight = exp(own - most);
            total += weight * sum;
            for (out, sum) in out.iter_mut().zip(&part[row * padded..]) {
                *out += weight * sum;
            }
        }
        // The same steps as where there is one segment, see `SoftmaxScratch::finish`.
        let scale = 1.0 / total;
        for out in out.iter_mut() {
            *out *= scale;
        }
    }
}

#[cfg(test)]
#[path = "attention_tests.rs"]
mod tests;
