//! The place of products, shared among threads that each write rows of their own.

use std::marker::PhantomData;

use super::panel::PANEL;

/// The place of the products, `[tokens][rows]`.
#[derive(Clone, Copy)]
pub(super) struct Output<'a> {
    start: *mut f32,
    length: usize,
    rows: usize,
    of: PhantomData<&'a mut [f32]>,
}

// SAFETY: it is a pointer into a slice that is borrowed for as long as it lives; `rows` says who may
// write where.
unsafe impl Send for Output<'_> {}
// SAFETY: as above.
unsafe impl Sync for Output<'_> {}

impl<'a> Output<'a> {
    /// The place `y`, of `rows` products a token.
    pub fn new(y: &'a mut [f32], rows: usize) -> Self {
        Self {
            start: y.as_mut_ptr(),
            length: y.len(),
            rows,
            of: PhantomData,
        }
    }

    /// The places of `count` rows from the `first` on, of all tokens.
    ///
    /// # Safety
    /// Nobody else may have any of these rows while they are held.
    pub unsafe fn rows(self, first: usize, count: usize) -> OutputRows<'a> {
        assert!(first <= self.rows && count <= self.rows - first);
        OutputRows {
            all: self,
            first,
            count,
        }
    }
}

/// The places of some rows, which are its holder's alone; they count from the first of them.
pub(super) struct OutputRows<'a> {
    all: Output<'a>,
    first: usize,
    count: usize,
}

impl OutputRows<'_> {
    /// Writes the product of a token and a row.
    #[inline(always)]
    pub fn put(&mut self, token: usize, row: usize, value: f32) {
        let at = token * self.all.rows + self.first + row;
        debug_assert!(row < self.count && at < self.all.length);
        if row < self.count && at < self.all.length {
            // SAFETY: it lies within the slice, and the row is ours.
            unsafe { *self.all.start.add(at) = value };
        }
    }

    /// Writes the products of a token and the 16 rows of a panel.
    #[inline(always)]
    pub fn put_panel(&mut self, token: usize, panel: usize, values: &[f32; PANEL]) {
        let row = panel * PANEL;
        let at = token * self.all.rows + self.first + row;
        debug_assert!(row + PANEL <= self.count && at + PANEL <= self.all.length);
        if row + PANEL <= self.count && at + PANEL <= self.all.length {
            // SAFETY: all 16 lie within the slice, and the rows are ours.
            unsafe {
                std::ptr::copy_nonoverlapping(values.as_ptr(), self.all.start.add(at), PANEL);
            }
        }
    }

    /// The places of the rows where there is one token.
    pub fn of_one_token(&mut self) -> &mut [f32] {
        assert!(self.all.length == self.all.rows);
        // SAFETY: they lie within the slice, since its length is the number of rows, and are ours.
        unsafe { std::slice::from_raw_parts_mut(self.all.start.add(self.first), self.count) }
    }
}
