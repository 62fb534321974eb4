//! The size of the pieces in which a prompt is read, so that progress is shown a few times a
//! second. (A cancel does not wait for a piece to end.)
//!
//! A piece takes a fixed time, for waking threads and passing over the weights, and a time per
//! token. Only the second shrinks with the piece, and on a busy machine the first is by far
//! the larger: sizing pieces by their mean rate would end at one token a piece and never read
//! the prompt. So both are estimated, by least squares over the last pieces.

use std::collections::VecDeque;

/// Seconds that the tokens of a piece should take.
const PIECE_S: f64 = 0.4;
/// Most tokens of a piece; the attention's scratch grows with it.
const MOST: usize = 512;
/// Tokens in the first piece.
const FIRST: usize = 32;
/// Pieces that are remembered.
const REMEMBERED: usize = 8;

/// Sizes pieces by what the last ones took.
#[derive(Debug, Clone, Default)]
pub(super) struct ChunkSize {
    /// The last pieces: tokens and seconds of each.
    seen: VecDeque<(f64, f64)>,
    /// Tokens to read next; 0 before the first piece.
    size: usize,
    /// Seconds that one token more costs, as last estimated; 0 before.
    slope: f64,
}

impl ChunkSize {
    /// Returns the number of tokens to read next, at least one.
    pub fn size(&self) -> usize {
        if self.size == 0 { FIRST } else { self.size }
    }

    /// Takes in the seconds that a piece of `tokens` tokens took.
    pub fn took(&mut self, tokens: usize, seconds: f64) {
        if tokens == 0 || !seconds.is_finite() || seconds < 0.0 {
            return;
        }
        if self.seen.len() == REMEMBERED {
            self.seen.pop_front();
        }
        self.seen.push_back((tokens as f64, seconds));
        self.slope = self.per_token();
        let per_token = self.slope;
        let wanted = if per_token > 0.0 {
            (PIECE_S / per_token) as usize
        } else {
            MOST
        };
        // Never more than doubled, so that one lucky piece does not make a cancel wait; and
        // no more than halved, so that one that was interrupted does not stall the prompt.
        let now = self.size();
        self.size = wanted.clamp(now.div_ceil(2), now * 2).clamp(1, MOST);
    }

    /// Estimates the seconds that one token more costs: the slope of least squares.
    fn per_token(&self) -> f64 {
        let n = self.seen.len() as f64;
        let (sum_x, sum_y) = self
            .seen
            .iter()
            .fold((0.0, 0.0), |(x, y), s| (x + s.0, y + s.1));
        let (mean_x, mean_y) = (sum_x / n, sum_y / n);
        let spread: f64 = self.seen.iter().map(|s| (s.0 - mean_x).powi(2)).sum();
        if spread < 1.0 {
            // All of one size tell nothing about the fixed part: what was known stays; before
            // anything is, half the time is taken for it, so that sizes begin to differ.
            let half = mean_y / mean_x / 2.0;
            return if self.slope > 0.0 { self.slope } else { half };
        }
        let common: f64 = self
            .seen
            .iter()
            .map(|s| (s.0 - mean_x) * (s.1 - mean_y))
            .sum();
        common / spread
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces on a machine with that fixed time and time per token; gives the last size.
    fn settled(fixed: f64, per_token: f64) -> usize {
        let mut pacing = ChunkSize::default();
        for _ in 0..40 {
            let size = pacing.size();
            pacing.took(size, fixed + per_token * size as f64);
        }
        pacing.size()
    }

    #[test]
    fn a_piece_takes_a_part_of_a_second() {
        for per_token in [0.002, 0.005, 0.02] {
            let size = settled(0.002, per_token);
            let seconds = size as f64 * per_token;
            assert!((0.2..0.81).contains(&seconds), "{per_token}: {size}");
        }
    }

    #[test]
    fn a_slow_model_is_read_token_by_token() {
        assert!(settled(0.0, 0.5) <= 2);
    }

    #[test]
    fn a_busy_machine_does_not_end_at_one_token_a_piece() {
        // Each piece waits 0.8 s for the processor, whatever its size.
        assert!(settled(0.8, 0.002) >= 32);
    }
}
