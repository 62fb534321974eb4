//! A slice that several threads fill at once, each places of its own.

use std::marker::PhantomData;

/// A slice lent to pieces of work that write different parts of it.
#[derive(Clone, Copy)]
pub(super) struct Disjoint<'a, T> {
    start: *mut T,
    length: usize,
    lent: PhantomData<&'a mut [T]>,
}

// SAFETY: this stands for `&mut [T]`, which may go to another thread where `T` may; `part` says
// who may take what.
unsafe impl<T: Send> Send for Disjoint<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Disjoint<'_, T> {}

impl<'a, T> Disjoint<'a, T> {
    /// Lends the slice out.
    pub fn new(slice: &'a mut [T]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            length: slice.len(),
            lent: PhantomData,
        }
    }

    /// The length of the slice.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// The part of `length` places from `first` on.
    ///
    /// # Panics
    /// Where the part does not lie within the slice.
    ///
    /// # Safety
    /// As long as the part lives, nobody else may have one that shares a place with it.
    pub unsafe fn part(&self, first: usize, length: usize) -> &'a mut [T] {
        assert!(first <= self.length && length <= self.length - first);
        // SAFETY: it lies within the slice, which is borrowed for 'a, and by the caller's word
        // nobody else has any of it.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(first), length) }
    }
}
