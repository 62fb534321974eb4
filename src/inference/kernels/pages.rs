//! Keys and values of a layer, kept in pages of [`PAGE`] positions. Mostly in half precision: a
//! token written far into a text has to read all of them, which takes the longer the more bytes
//! they have. Sums over them are in single precision.

use std::sync::Arc;

use half::f16;

use super::disjoint::Disjoint;
use super::f32x16::Lanes;
use super::lines::{Lines, LinesOf};
use super::pool;
use super::simd::{Simd, Work};
use crate::base::bug::bug;

/// Positions of a page.
pub const PAGE: usize = 64;
/// Columns of a panel, which lie side by side.
const PANEL: usize = 16;

/// A row of a panel: sixteen numbers.
pub(super) type PanelRow<T> = [T; PANEL];

/// The precision in which keys and values are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Half precision, 16 bits.
    Half,
    /// Single precision, 32 bits.
    Single,
}

impl Precision {
    /// Bytes of a number.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Half => 2,
            Self::Single => 4,
        }
    }
}

/// The numbers of a page.
#[derive(Debug, Clone)]
pub enum Numbers {
    /// Numbers of half precision.
    Halves(LinesOf<f16>),
    /// Numbers of single precision.
    Floats(Lines),
}

/// Keys and values of one head of a page, one behind the other; the keys are the first
/// [`key_rows`].
#[derive(Debug, Clone, Copy)]
pub(super) enum Head<'a> {
    /// Numbers of half precision.
    Halves(&'a [PanelRow<f16>]),
    /// Numbers of single precision.
    Floats(&'a [PanelRow<f32>]),
}

/// Keys and values of [`PAGE`] positions of one layer.
///
/// Keys lie position beside position and values position behind position, both in panels of
/// sixteen columns, so that scores and sums are products of few rows with panels that are read
/// from their first byte to their last.
#[derive(Debug, Clone)]
pub struct Page {
    heads: usize,
    width: usize,
    /// Keys, `[PAGE / 16][width][16]`, then values, `[padded / 16][PAGE][16]`, for each head.
    numbers: Numbers,
}

impl Page {
    /// An empty page for `heads` heads of `width` numbers.
    pub fn new(heads: usize, width: usize, precision: Precision) -> Self {
        let size = Self::size(heads, width);
        Self {
            heads,
            width,
            numbers: match precision {
                Precision::Half => Numbers::Halves(LinesOf::zeros(size)),
                Precision::Single => Numbers::Floats(Lines::zeros(size)),
            },
        }
    }

    /// Numbers of a page for `heads` heads of `width` numbers.
    pub const fn size(heads: usize, width: usize) -> usize {
        heads * PAGE * (width + padded(width))
    }

    /// The number of heads, and numbers of a head.
    pub const fn shape(&self) -> (usize, usize) {
        (self.heads, self.width)
    }

    /// All numbers of the page, for keeping them elsewhere.
    pub const fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// All numbers of the page, for bringing them back.
    pub const fn numbers_mut(&mut self) -> &mut Numbers {
        &mut self.numbers
    }

    /// Keys and values of a head.
    #[inline]
    pub(super) fn head(&self, head: usize) -> Head<'_> {
        match &self.numbers {
            Numbers::Halves(numbers) => Head::Halves(self.rows(numbers, head)),
            Numbers::Floats(numbers) => Head::Floats(self.rows(numbers, head)),
        }
    }

    fn rows<'a, T>(&self, numbers: &'a [T], head: usize) -> &'a [PanelRow<T>] {
        let size = Self::size(1, self.width);
        numbers[head * size..][..size].as_chunks().0
    }

    /// Puts keys and values (`positions × (heads · width)` each, f32, row-major) in the places from
    /// `at` on; rows beyond the last place are left out.
    pub fn put(&mut self, at: usize, keys: &[f32], values: &[f32]) {
        Simd::best().run(Put {
            page: self,
            at,
            keys,
            values,
        });
    }
}

/// Numbers of a value of `width` with those that fill its last panel.
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
        let shape = self.page.shape();
        let new = (self.at, self.keys, self.values);
        match &mut self.page.numbers {
            Numbers::Halves(numbers) => put::<V, f16>(numbers, shape, new),
            Numbers::Floats(numbers) => put::<V, f32>(numbers, shape, new),
        }
    }
}

/// A number that a page may hold.
pub(super) trait Number: Copy + Default {
    /// True if such numbers come from far, so that it pays to ask for them early. Floats are mostly
    /// a copy that lies in the cache.
    const FAR: bool;

    /// Loads sixteen such numbers as floats.
    fn load<V: Lanes>(from: &PanelRow<Self>) -> V;

    /// Stores sixteen floats as such numbers.
    fn store<V: Lanes>(floats: V, to: &mut PanelRow<Self>);
}

impl Number for f32 {
    const FAR: bool = false;

    #[inline(always)]
    fn load<V: Lanes>(from: &PanelRow<Self>) -> V {
        V::load(from)
    }

    #[inline(always)]
    fn store<V: Lanes>(floats: V, to: &mut PanelRow<Self>) {
        floats.store(to);
    }
}

impl Number for f16 {
    const FAR: bool = true;

    #[inline(always)]
    fn load<V: Lanes>(from: &PanelRow<Self>) -> V {
        V::load_halves(from)
    }

    #[inline(always)]
    fn store<V: Lanes>(floats: V, to: &mut PanelRow<Self>) {
        floats.store_halves(to);
    }
}

/// Does [`Page::put`] on the numbers of a page. Its shape is that of [`Page::shape`]; the last
/// argument has the place, the keys and the values.
#[inline(always)]
fn put<V: Lanes, T: Number>(
    numbers: &mut [T],
    (heads, width): (usize, usize),
    (at, new_keys, new_values): (usize, &[f32], &[f32]),
) {
    let row = heads * width;
    let sixteen = |from: &[f32], count: usize| {
        let mut floats = [0.0; PANEL];
        floats[..count].copy_from_slice(&from[..count]);
        floats
    };
    for (head, numbers) in numbers.chunks_exact_mut(Page::size(1, width)).enumerate() {
        let rows: &mut [PanelRow<T>] = numbers.as_chunks_mut().0;
        let (keys, values) = rows.split_at_mut(key_rows(width));
        for first in (0..width).step_by(PANEL) {
            let count = PANEL.min(width - first);
            let panel = &mut values[first / PANEL * PAGE..][..PAGE];
            let new = new_keys.chunks_exact(row).zip(new_values.chunks_exact(row));
            for (place, (key, value)) in (at..PAGE).zip(new) {
                let value = sixteen(&value[head * width + first..], count);
                T::store(V::load(&value), &mut panel[place]);
                let key = sixteen(&key[head * width + first..], count);
                let mut numbers = [T::default(); PANEL];
                T::store(V::load(&key), &mut numbers);
                let columns = &mut keys[place / PANEL * width + first..][..count];
                for (column, key) in columns.iter_mut().zip(numbers) {
                    column[place % PANEL] = key;
                }
            }
        }
    }
}

/// Puts keys and values (`positions × (heads · width)` each, f32, row-major) into pages that are
/// there, from `position` on. Pages that others share are copied first.
pub fn put_rows(pages: &mut [Arc<Page>], position: usize, keys: &[f32], values: &[f32]) {
    let Some(page) = pages.first() else {
        if !keys.is_empty() {
            bug("there is no page for these keys", ());
        }
        return;
    };
    let row = page.heads * page.width;
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
