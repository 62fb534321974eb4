//! Slices of numbers that begin at a line of the cache: state that kernels stream through.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use half::f16;

/// Bytes of one line.
const LINE: usize = 64;

/// 64 bytes on their own line of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct CacheLine(pub(super) [u8; LINE]);

/// A number that lines may hold.
///
/// # Safety
/// Size and alignment of the type divide those of a line, every pattern of bits is one of its
/// values, and all bits zero are its zero.
pub unsafe trait Number: Copy {}

// SAFETY: four bytes of which each pattern is a float.
unsafe impl Number for f32 {}
// SAFETY: two bytes, of the same form as `u16`.
unsafe impl Number for f16 {}

/// A slice of numbers aligned to 64 bytes.
#[derive(Debug, Clone)]
pub struct LinesOf<T> {
    lines: Vec<CacheLine>,
    length: usize,
    numbers: PhantomData<T>,
}

/// A slice of floats aligned to 64 bytes.
pub type Lines = LinesOf<f32>;

impl<T: Number> LinesOf<T> {
    /// `length` zeros.
    pub fn zeros(length: usize) -> Self {
        let lines = (length * size_of::<T>()).div_ceil(LINE);
        Self {
            lines: vec![CacheLine([0; LINE]); lines],
            length,
            numbers: PhantomData,
        }
    }

    /// Makes the slice at least so long; its numbers become zeros where it has to grow.
    pub fn reserve(&mut self, length: usize) {
        if length > self.length {
            *self = Self::zeros(length);
        }
    }
}

impl<T: Number> Default for LinesOf<T> {
    fn default() -> Self {
        Self::zeros(0)
    }
}

impl<T: Number> Deref for LinesOf<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: lines lie one behind the other without gaps (`repr(C)`, 64 bytes aligned to
        // 64), so they are numbers by the word of `Number`; `length` is no more than there are.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }
}

impl<T: Number> DerefMut for LinesOf<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and `self` is borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_aligned_and_of_the_length_asked_for() {
        for length in [0, 1, 15, 16, 17, 31, 33, 1000] {
            let mut lines = Lines::zeros(length);
            assert_eq!(lines.len(), length);
            assert_eq!(lines.as_ptr() as usize % 64, 0);
            lines.fill(2.0);
            assert!(lines.iter().sum::<f32>() as usize == 2 * length);
            let mut halves = LinesOf::<f16>::zeros(length);
            assert_eq!(halves.len(), length);
            assert_eq!(halves.as_ptr() as usize % 64, 0);
            assert!(halves.iter().all(|x| x.to_bits() == 0));
            halves.fill(f16::ONE);
            halves.reserve(length);
            assert!(halves.iter().all(|x| *x == f16::ONE));
            halves.reserve(length + 1);
            assert_eq!(halves.len(), length + 1);
        }
    }
}
