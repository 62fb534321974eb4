//! Floats that begin at a line of the cache: state that kernels stream through.

use std::ops::{Deref, DerefMut};

/// Floats of one line.
const LINE: usize = 16;

#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// A slice of floats aligned to 64 bytes.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    lines: Vec<Line>,
    length: usize,
}

impl Lines {
    /// So many zeros.
    pub fn zeros(length: usize) -> Self {
        Self {
            lines: vec![Line([0.0; LINE]); length.div_ceil(LINE)],
            length,
        }
    }
}

impl Deref for Lines {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: a line is sixteen floats without gaps (`repr(C)`, 64 bytes aligned to 64), so
        // the lines one behind the other are floats; `length` is no more than there are.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }
}

impl DerefMut for Lines {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and `self` is borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_aligned_and_of_the_length_asked_for() {
        for length in [0, 1, 15, 16, 17, 1000] {
            let mut lines = Lines::zeros(length);
            assert_eq!(lines.len(), length);
            assert_eq!(lines.as_ptr() as usize % 64, 0);
            lines.fill(2.0);
            assert!(lines.iter().sum::<f32>() as usize == 2 * length);
        }
    }
}
