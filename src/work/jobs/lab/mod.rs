//! Proofs and measures of jobs without a model.
//!
//! Law: nothing of it is in the released program.

pub mod finding_walks;
pub mod grammar_walks;
pub mod replays;
pub mod walks;

/// A generator of random numbers (Marsaglia 2003); its state must not be 0.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `count`; 0 where that is 0.
    fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }
}
