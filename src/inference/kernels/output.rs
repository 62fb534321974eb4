//! The place of products, shared among threads that each write rows of their own.

use super::panel::PANEL;

/// The place of the products, `[tokens][rows]`, shared among threads that each write rows of their
/// own.
#[derive(Clone, Copy)]
pub(super) struct Output {
    start: *mut f32,
    length: usize,
    rows: usize,
}

// SAFETY: it is a pointer into a slice that `multiply` borrows for as long as the threads run;
// `put` and `put_panel` say who may write where.
unsafe impl Send for Output {}
// SAFETY: as above.
unsafe impl Sync for Output {}

impl Output {
    /// The place `y`, of `rows` products a token.
    pub fn new(y: &mut [f32], rows: usize) -> Self {
        Self {
            start: y.as_mut_ptr(),
            length: y.len(),
            rows,
        }
    }

    /// Writes the product of a token and a row.
    ///
    /// # Safety
    /// No other thread may have the same row.
    pub unsafe fn put(self, token: usize, row: usize, value: f32) {
        let at = token * self.rows + row;
        debug_assert!(row < self.rows && at < self.length);
        if row < self.rows && at < self.length {
            // SAFETY: it lies within the slice, and by the caller's word nobody else has it.
            unsafe { *self.start.add(at) = value };
        }
    }

    /// The rows from the `first` on.
    pub const fn from(self, first: usize) -> Rows {
        Rows { all: self, first }
    }

    /// The places of `count` rows from `first` on, where there is one token.
    ///
    /// # Safety
    /// No other thread may have these rows.
    pub unsafe fn rows_of_one<'a>(self, first: usize, count: usize) -> &'a mut [f32] {
        assert!(self.length == self.rows && first + count <= self.length);
        // SAFETY: they lie within the slice, and by the caller's word nobody else has them.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(first), count) }
    }

    /// Writes the products of a token and 16 rows from `first` on.
    ///
    /// # Safety
    /// No other thread may have these rows.
    pub unsafe fn put_panel(self, token: usize, first: usize, values: &[f32; PANEL]) {
        let at = token * self.rows + first;
        debug_assert!(first + PANEL <= self.rows && at + PANEL <= self.length);
        if first + PANEL <= self.rows && at + PANEL <= self.length {
            // SAFETY: all 16 lie within the slice, and by the caller's word nobody else has them.
            unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), self.start.add(at), PANEL) };
        }
    }
}

/// The places of the rows from one on, which count from there.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    all: Output,
    first: usize,
}

impl Rows {
    /// Writes the product of a token and a row.
    ///
    /// # Safety
    /// No other thread may have the same row.
    #[inline(always)]
    pub unsafe fn put(self, token: usize, row: usize, value: f32) {
        // SAFETY: by the caller's word.
        unsafe { self.all.put(token, self.first + row, value) };
    }

    /// Writes the products of a token and the 16 rows of a panel.
    ///
    /// # Safety
    /// No other thread may have these rows.
    #[inline(always)]
    pub unsafe fn put_panel(self, token: usize, panel: usize, values: &[f32; PANEL]) {
        // SAFETY: by the caller's word.
        unsafe {
            self.all
                .put_panel(token, self.first + panel * PANEL, values)
        };
    }
}
