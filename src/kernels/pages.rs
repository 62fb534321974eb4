//! Keys and values of a layer, kept in pages of so many positions, in half precision: a token
//! written at depth has to read all of them, and that takes as long as they have bytes. Sums
//! over them are in full precision.

use std::sync::Arc;

use half::f16;

use super::disjoint::Disjoint;
use super::lanes::Lanes;
use super::lines::LinesOf;
use super::pool;
use super::simd::{Simd, Work};

/// Positions of a page.
pub const PAGE: usize = 64;
/// Columns that lie side by side.
const PANEL: usize = 16;

/// A row of a panel.
pub(super) type Row<T> = [T; PANEL];

/// Keys and values of [`PAGE`] positions of one layer.
///
/// Keys lie position beside position and values position behind position, both in panels of
/// sixteen columns, so that scores and sums are products of few rows with panels that are read
/// from their first byte to their last.
#[derive(Debug, Clone)]
pub struct Page {
    heads: usize,
    width: usize,
    /// For each head keys, `[PAGE / 16][width][16]`, then values, `[padded / 16][PAGE][16]`.
    numbers: LinesOf<f16>,
}

impl Page {
    /// An empty one for `heads` heads of `width` numbers.
    pub fn new(heads: usize, width: usize) -> Self {
        Self {
            heads,
            width,
            numbers: LinesOf::zeros(Self::size(heads, width)),
        }
    }

    /// Numbers that one has.
    pub const fn size(heads: usize, width: usize) -> usize {
        heads * PAGE * (width + padded(width))
    }

    /// Heads, and numbers of a head.
    pub const fn shape(&self) -> (usize, usize) {
        (self.heads, self.width)
    }

    /// All its numbers, for keeping it.
    pub fn numbers(&self) -> &[f16] {
        &self.numbers
    }

    /// The same, for taking it up again.
    pub fn numbers_mut(&mut self) -> &mut [f16] {
        &mut self.numbers
    }

    /// Keys and values of a head, one behind the other; the keys are the first [`key_rows`].
    pub(super) fn head(&self, head: usize) -> &[Row<f16>] {
        let size = Self::size(1, self.width);
        self.numbers[head * size..][..size].as_chunks().0
    }

    /// Puts keys and values (rows of `heads · width` numbers, a position each) in the places
    /// from `at` on.
    pub fn put(&mut self, at: usize, keys: &[f32], values: &[f32]) {
        Simd::best().run(Put {
            page: self,
            at,
            keys,
            values,
        });
    }
}

/// The numbers of a value with those that fill its last panel.
pub(super) const fn padded(width: usize) -> usize {
    width.next_multiple_of(PANEL)
}

/// Rows of panels that the keys of a head take.
pub(super) const fn key_rows(width: usize) -> usize {
    PAGE / PANEL * width
}

struct Put<'a> {
    page: &'a mut Page,
    at: usize,
    keys: &'a [f32],
    values: &'a [f32],
}

impl Work for Put<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        let (heads, width) = self.page.shape();
        let row = heads * width;
        let numbers = self.page.numbers.chunks_exact_mut(Page::size(1, width));
        for (head, numbers) in numbers.enumerate() {
            let rows: &mut [Row<f16>] = numbers.as_chunks_mut().0;
            let (keys, values) = rows.split_at_mut(key_rows(width));
            for first in (0..width).step_by(PANEL) {
                let count = PANEL.min(width - first);
                let halves = |from: &[f32]| {
                    let mut floats = [0.0; PANEL];
                    floats[..count].copy_from_slice(&from[head * width + first..][..count]);
                    let mut halves = [f16::ZERO; PANEL];
                    V::load(&floats).store_halves(&mut halves);
                    halves
                };
                let panel = &mut values[first / PANEL * PAGE..][..PAGE];
                let new = self
                    .keys
                    .chunks_exact(row)
                    .zip(self.values.chunks_exact(row));
                for (place, (key, value)) in (self.at..PAGE).zip(new) {
                    panel[place] = halves(value);
                    let key = halves(key);
                    let columns = &mut keys[place / PANEL * width + first..][..count];
                    for (column, key) in columns.iter_mut().zip(key) {
                        column[place % PANEL] = key;
                    }
                }
            }
        }
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
        let (from, to) = (start.max(position), (start + PAGE).min(end));
        let new = (from - position) * row..(to - position) * row;
        page[0].put(from - start, &keys[new.clone()], &values[new]);
    });
}
