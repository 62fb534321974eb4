//! 16 rows of weights, unpacked to whole numbers, for products with many tokens.

use super::matmul::PANEL;

/// 64 bytes on their own line of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Line(pub [u8; 64]);

/// 16 floats on their own line of the cache: one for each row.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Lanes(pub [f32; PANEL]);

/// The numbers of 16 rows: `[width / 4][16][4]`, and the scale and minimum of each run:
/// `[width / SUB][16]`. Kept by its thread and used again.
#[derive(Debug, Default)]
pub struct Panel {
    /// The whole numbers.
    pub q: Vec<Line>,
    /// The scales.
    pub s: Vec<Lanes>,
    /// The minima.
    pub m: Vec<Lanes>,
}

impl Panel {
    /// Makes room for rows of `width` weights in runs of `run`.
    pub fn fit(&mut self, width: usize, run: usize) {
        // A chunk that is not full is unpacked as if it were.
        let width = width.next_multiple_of(256);
        self.q.resize(width / 4, Line([0; 64]));
        self.s.resize(width / run, Lanes([0.0; PANEL]));
        self.m.resize(width / run, Lanes([0.0; PANEL]));
    }
}
