//! Checkpoints in memory. Few of them are certain to be kept; more are while memory is free, so that
//! one can go back far in a conversation.

use crate::base::memory;
use crate::model::checkpoint::Checkpoint;

/// The checkpoints that are kept in memory whatever else it holds.
pub(in crate::engine) const CERTAIN: usize = 4;
/// The most checkpoints that are kept while memory is free.
pub(super) const MOST: usize = 32;
/// Bytes of memory that checkpoints beyond the certain ones leave free.
const LEFT_FREE: u64 = 2 << 30;

/// The reason for which a checkpoint is kept; the least is given up first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// On the way through a long prompt.
    Stride,
    /// A question begins here.
    Question,
    /// An answer begins here.
    Answer,
    /// The system block ends here.
    System,
}

/// A state of the network that was kept.
#[derive(Debug)]
struct CachedCheckpoint {
    why: Why,
    /// The tokens that the state stands for.
    tokens: Vec<u32>,
    checkpoint: Checkpoint,
}

/// The states that were kept.
#[derive(Debug)]
pub(super) struct Checkpoints {
    kept: Vec<CachedCheckpoint>,
    /// Bytes of memory that are free.
    pub(super) available: fn() -> u64,
}

impl Default for Checkpoints {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            available: memory::available,
        }
    }
}

impl Checkpoints {
    /// Forgets all but those behind a system block.
    pub fn forget(&mut self) {
        self.kept.retain(|kept| kept.why == Why::System);
    }

    /// The one of which most tokens can be used, by a function that counts them: this number, and
    /// its place.
    pub fn longest(&self, usable: impl Fn(&[u32]) -> usize) -> Option<(usize, usize)> {
        let kept = self.kept.iter().enumerate();
        kept.map(|(at, kept)| (usable(&kept.tokens), at)).max()
    }

    /// The tokens and the state of the one at a place.
    pub fn get(&self, at: usize) -> Option<(&[u32], &Checkpoint)> {
        let kept = self.kept.get(at)?;
        Some((&kept.tokens, &kept.checkpoint))
    }

    /// The state behind these tokens, if it was kept.
    pub fn of(&self, tokens: &[u32]) -> Option<&Checkpoint> {
        let kept = self.kept.iter().find(|kept| kept.tokens == tokens);
        kept.map(|kept| &kept.checkpoint)
    }

    /// Keeps the state behind some tokens; where there are too many, another one goes.
    pub fn keep(&mut self, why: Why, tokens: &[u32], checkpoint: Checkpoint) {
        self.kept.retain(|kept| kept.tokens != tokens);
        while self.kept.len() >= self.most(&checkpoint) {
            // Those on the way first, then questions, then answers; the oldest of them.
            let all = self.kept.iter().enumerate();
            let least = all.min_by_key(|(at, kept)| (kept.why, *at));
            let Some((at, _)) = least else { break };
            self.kept.remove(at);
        }
        self.kept.push(CachedCheckpoint {
            why,
            tokens: tokens.to_vec(),
            checkpoint,
        });
    }

    /// Counts the states that may be kept with another one.
    fn most(&self, another: &Checkpoint) -> usize {
        let free =
            self.kept.len() < MOST && (self.available)() >= LEFT_FREE + another.own_bytes() as u64;
        if free { MOST } else { CERTAIN }
    }

    /// Counts those that are kept.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Forgets all.
    #[cfg(test)]
    pub fn clear(&mut self) {
        self.kept.clear();
    }
}
