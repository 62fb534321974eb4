//! Tokens that were read before and need not be read again: the state that goes on, checkpoints of
//! it that were kept, and checkpoints on disk.
//!
//! A state with attention alone can be cut back to any length. A state with a delta rule cannot, so
//! checkpoints are kept where the next prompt is known to part from this one: behind the system
//! block, before each question and each answer, and every few thousand tokens on the way.

use std::thread::JoinHandle;
use std::time::Instant;

use crate::base::bug::bug;
use crate::base::text::human_count;
use crate::base::{Cancel, Failure, Result};
use crate::engine::Step;
use crate::engine::cache::checkpoints::{Checkpoints, Why};
use crate::engine::cache::disk_cache::{DiskCache, Found, Purpose};
use crate::engine::chunk_size::ChunkSize;
use crate::model::checkpoint::Checkpoint;
use crate::model::network::{Network, Wanted};

/// Tokens between checkpoints inside a long prompt.
const STRIDE: usize = 2048;
/// Tokens that a checkpoint on disk must save, so that loading it is worth it.
const WORTH: usize = 48;

/// The places where the next prompt may part from this one, in tokens of this one.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::engine) struct Breakpoints {
    /// The place behind the system block.
    pub system: Option<usize>,
    /// The place before the last question; only where the state cannot be cut back.
    pub question: Option<usize>,
    /// The place before the answer; only where the state cannot be cut back.
    pub answer: Option<usize>,
    /// The place where another prompt that is expected parts from this one; only where the state
    /// cannot be cut back.
    pub next: Option<usize>,
}

/// A network, and the tokens it has read.
pub(in crate::engine) struct PrefixCache {
    network: Box<dyn Network>,
    /// The tokens the network's state stands for.
    held: Vec<u32>,
    checkpoints: Checkpoints,
    states: Option<DiskCache>,
    /// False while what is read may not be written to disk.
    keep: bool,
    /// The states on disk; none before they were looked for.
    on_disk: Option<Vec<Found>>,
    writing: Option<JoinHandle<()>>,
    pacing: ChunkSize,
}

/// A prompt that was read.
#[derive(Debug)]
pub(in crate::engine) struct Read {
    /// The logits behind the last token: `vocabulary`, f32.
    pub logits: Vec<f32>,
    /// Tokens that were not read again.
    pub cached: usize,
    /// Seconds that reading took.
    pub seconds: f64,
}

impl PrefixCache {
    /// Takes over a network that has read nothing, and the folder of states, where there is one.
    pub fn new(network: Box<dyn Network>, states: Option<DiskCache>) -> Self {
        Self {
            network,
            held: Vec::new(),
            checkpoints: Checkpoints::default(),
            states,
            keep: true,
            on_disk: None,
            writing: None,
            pacing: ChunkSize::default(),
        }
    }

    /// Returns the network itself, for measuring; call [`PrefixCache::reset`] before and after.
    pub fn network(&mut self) -> &mut dyn Network {
        &mut *self.network
    }

    /// Tells whether the state can be cut back to any length.
    pub fn can_truncate(&self) -> bool {
        self.network.can_truncate()
    }

    /// Returns the tokens that the state stands for.
    pub fn tokens(&self) -> &[u32] {
        &self.held
    }

    /// Forgets the text, and all checkpoints but those behind a system block.
    pub fn reset(&mut self) {
        self.network.reset();
        self.held.clear();
        self.checkpoints.forget();
    }

    /// Has states written to disk from now on, or none.
    pub fn keep_states(&mut self, keep: bool) {
        self.keep = keep;
    }

    /// Reads further tokens of an answer and returns the logits behind the last one: `vocabulary`,
    /// f32.
    ///
    /// # Errors
    /// Interrupted, if cancelled, with the state as it was; of kind model, if the arithmetic
    /// fails.
    pub fn read_on(&mut self, tokens: &[u32], cancel: &Cancel) -> Result<Vec<f32>> {
        let logits = self.network.read(tokens, Wanted::Last, cancel);
        self.hold(tokens, logits)
    }

    /// Adds tokens to those held, if they were read.
    fn hold(&mut self, tokens: &[u32], logits: Result<Vec<f32>>) -> Result<Vec<f32>> {
        if logits.is_ok() {
            self.held.extend_from_slice(tokens);
        } else {
            self.held.truncate(self.network.n_past());
        }
        logits
    }

    /// Tells whether tokens that were only verified can be taken back.
    pub fn can_roll_back(&self) -> bool {
        self.network.can_roll_back()
    }

    /// Reads tokens of which the last may turn out wrong, and returns the logits behind each:
    /// `tokens × vocabulary`, f32, row-major.
    ///
    /// # Errors
    /// As [`PrefixCache::read_on`].
    pub fn verify(&mut self, tokens: &[u32], cancel: &Cancel) -> Result<Vec<f32>> {
        let rows = self.network.verify(tokens, cancel);
        self.hold(tokens, rows)
    }

    /// Takes back all that was verified last but the first `tokens` of the whole text. Once
    /// only, until the next are read.
    ///
    /// # Errors
    /// A bug, where the network could not; what is held then is what it still has.
    pub fn rollback(&mut self, tokens: usize) -> Result<()> {
        let kept = self.network.truncate(tokens);
        self.held.truncate(kept);
        if kept == tokens {
            Ok(())
        } else {
            Err(Failure::bug("what was drafted cannot be taken back"))
        }
    }

    /// Brings the state to `tokens` and returns the logits behind the last one; none when cancelled
    /// on the way, with the tokens read until then kept.
    #[cfg(feature = "lab")]
    pub fn read(
        &mut self,
        tokens: &[u32],
        breakpoints: Breakpoints,
        cancel: &Cancel,
        on: &mut dyn FnMut(Step),
    ) -> Result<Option<Read>> {
        let cached = self.go_back(tokens, on);
        self.read_from(cached, tokens, breakpoints, cancel, on)
    }

    /// Reads the rest of a prompt of which [`PrefixCache::go_back`] has kept `cached` tokens.
    pub fn read_from(
        &mut self,
        cached: usize,
        tokens: &[u32],
        breakpoints: Breakpoints,
        cancel: &Cancel,
        on: &mut dyn FnMut(Step),
    ) -> Result<Option<Read>> {
        let total = tokens.len();
        let begun = Instant::now();
        let mut logits = Vec::new();
        on(Step::Prefill {
            done: cached,
            total,
            cached,
            rate: 0.0,
        });
        while self.held.len() < total {
            let at = self.held.len();
            let mut end = (at + self.pacing.size()).min(total);
            if self.network.can_truncate() && at + 1 < total {
                // The last token is read by itself, as it will be where all before it is kept:
                // the same question gets the same answer again, to the bit.
                end = end.min(total - 1);
            }
            // A checkpoint can only be kept where a piece ends.
            for stop in self.stops(breakpoints, total) {
                if stop > at && stop < end {
                    end = stop;
                }
            }
            let piece = tokens
                .get(at..end)
                .ok_or_else(|| Failure::bug("a piece of the prompt lies outside it"))?;
            let started = Instant::now();
            match self.network.read(piece, Wanted::Last, cancel) {
                Ok(found) => logits = found,
                Err(failure) => {
                    self.held.truncate(self.network.n_past());
                    return if failure.is_interrupted() {
                        Ok(None)
                    } else {
                        Err(failure)
                    };
                }
            }
            self.held.extend_from_slice(piece);
            self.pacing
                .took(piece.len(), started.elapsed().as_secs_f64());
            self.keep_checkpoint(breakpoints, total);
            let done = self.held.len();
            let mean = (done - cached) as f64 / begun.elapsed().as_secs_f64().max(1e-6);
            on(Step::Prefill {
                done,
                total,
                cached,
                rate: mean,
            });
        }
        Ok(Some(Read {
            logits,
            cached,
            seconds: begun.elapsed().as_secs_f64(),
        }))
    }

    /// Brings the state to the longest prefix of `tokens` that can be had without reading; returns
    /// its length. At least the last token is left, for its logits.
    pub fn go_back(&mut self, tokens: &[u32], on: &mut dyn FnMut(Step)) -> usize {
        let most = tokens.len().saturating_sub(1);
        let before = self.held.len();
        let same = common(&self.held, tokens).min(most);
        let can_truncate = self.network.can_truncate();
        let usable = |known: &[u32]| {
            let same = common(known, tokens).min(most);
            if can_truncate || same == known.len() {
                same
            } else {
                0
            }
        };
        let own = if can_truncate || same == self.held.len() {
            same
        } else {
            0
        };
        let kept = self.checkpoints.longest(usable);
        let kept = kept.filter(|(length, _)| *length > own);
        let least = kept.map_or(own, |(length, _)| length);
        let stored = self
            .stored()
            .iter()
            .enumerate()
            .map(|(i, found)| (usable(&found.tokens), i))
            .max()
            .filter(|(length, _)| *length >= least + WORTH);
        let restored = match (stored, kept) {
            (Some((_, i)), _) if self.take_up(i) => true,
            (_, Some((_, i))) => self.restore_checkpoint(i),
            _ => false,
        };
        if !restored {
            self.network.truncate(own);
            self.held.truncate(self.network.n_past());
        }
        let wanted = common(&self.held, tokens).min(most);
        let cached = self.network.truncate(wanted);
        if cached == 0 && before > 0 {
            on(Step::StartOver(format!(
                "the conversation differs after {} of {} tokens, so it is read from its beginning",
                human_count(same as u64),
                human_count(before as u64)
            )));
        }
        self.held.truncate(cached);
        cached
    }

    /// Brings the network to a checkpoint in memory; false where it does not take it.
    fn restore_checkpoint(&mut self, i: usize) -> bool {
        let Some((tokens, checkpoint)) = self.checkpoints.get(i) else {
            return bug("there is no such checkpoint", false);
        };
        let restored = self.network.restore(checkpoint);
        self.held.clear();
        if restored {
            self.held.extend_from_slice(tokens);
        }
        restored
    }

    /// Brings the network to a state on disk; false where the file is no longer good, or the
    /// network does not take it.
    fn take_up(&mut self, i: usize) -> bool {
        let (Some(states), Some(on_disk)) = (&self.states, &mut self.on_disk) else {
            return bug("there are no states on disk", false);
        };
        if i >= on_disk.len() {
            return bug("there is no such state on disk", false);
        }
        // A file is read once; from then on its state is in memory.
        let found = on_disk.swap_remove(i);
        let Some(checkpoint) = states.load(&found) else {
            return false;
        };
        let restored = self.network.restore(&checkpoint);
        self.held.clear();
        if restored {
            self.held = found.tokens;
            if !self.network.can_truncate() {
                self.checkpoints.keep(Why::Stride, &self.held, checkpoint);
            }
        }
        restored
    }

    /// Returns the states on disk of this model; none where none are kept.
    fn stored(&mut self) -> &[Found] {
        let states = &self.states;
        self.on_disk
            .get_or_insert_with(|| states.as_ref().map(DiskCache::list).unwrap_or_default())
    }

    /// Returns the places in a prompt of `total` tokens at which checkpoints are to be kept.
    fn stops(&self, breakpoints: Breakpoints, total: usize) -> Vec<usize> {
        let breakpoints = breakpoints
            .system
            .into_iter()
            .chain(breakpoints.question)
            .chain(breakpoints.answer)
            .chain(breakpoints.next);
        if self.network.can_truncate() {
            return Vec::new();
        }
        breakpoints
            .chain((1..=total / STRIDE).map(|i| i * STRIDE))
            .collect()
    }

    /// Keeps a checkpoint, if this is a place for one.
    fn keep_checkpoint(&mut self, breakpoints: Breakpoints, total: usize) {
        let at = self.held.len();
        if !self.stops(breakpoints, total).contains(&at) {
            return;
        }
        let why = if breakpoints.system == Some(at) {
            Why::System
        } else if breakpoints.answer == Some(at) || breakpoints.next == Some(at) {
            Why::Answer
        } else if breakpoints.question == Some(at) {
            Why::Question
        } else {
            Why::Stride
        };
        if let Some(checkpoint) = self.network.checkpoint() {
            self.checkpoints.keep(why, &self.held, checkpoint);
        }
    }

    /// Writes to disk, on a thread of its own, the state behind the system block and that of this
    /// conversation. A state that cannot be written is not kept, that is all.
    pub fn store(&mut self, tokens: &[u32], breakpoints: Breakpoints) {
        let Some(states) = self.states.clone().filter(|_| self.keep) else {
            return;
        };
        let held = &self.held;
        let begins = |n: usize| {
            let part = tokens.get(..n).filter(|part| held.starts_with(part));
            part.map(<[u32]>::to_vec)
        };
        let system = breakpoints.system.and_then(begins);
        let last = if self.network.can_truncate() {
            Some(held.clone())
        } else {
            breakpoints.answer.and_then(begins)
        };
        let mut jobs: Vec<(Purpose, Vec<u32>, Checkpoint)> = Vec::new();
        for (purpose, tokens) in [(Purpose::System, system), (Purpose::Last, last)] {
            if let Some(tokens) = tokens
                && tokens.len() >= WORTH
                && !states.has(purpose, &tokens)
                && let Some(checkpoint) = self.checkpoint_at(&tokens)
            {
                jobs.push((purpose, tokens, checkpoint));
            }
        }
        if jobs.is_empty() {
            return;
        }
        self.wait();
        let write = move || {
            for (purpose, tokens, checkpoint) in jobs {
                if let Err(error) = states.save(purpose, &tokens, &checkpoint) {
                    log::info!("the state of the model is not kept: {error}");
                }
            }
        };
        let builder = std::thread::Builder::new().name("states".to_owned());
        // Where the system gives no thread, nothing is kept either.
        self.writing = builder.spawn(write).ok();
    }

    /// Returns the state behind `tokens`, a prefix of those held; none where it cannot be had.
    fn checkpoint_at(&mut self, tokens: &[u32]) -> Option<Checkpoint> {
        if let Some(kept) = self.checkpoints.of(tokens) {
            return Some(kept.clone());
        }
        if !self.network.can_truncate() && self.held != tokens {
            return None;
        }
        let checkpoint = self.network.checkpoint()?;
        checkpoint.cut(tokens.len())
    }

    /// Waits until the states that are being written are on disk.
    fn wait(&mut self) {
        if let Some(writing) = self.writing.take() {
            let _ = writing.join();
        }
    }
}

impl Drop for PrefixCache {
    fn drop(&mut self) {
        self.wait();
    }
}

/// Counts the tokens of the common prefix of two texts.
pub(in crate::engine) fn common(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
#[path = "prefix_cache_tests.rs"]
mod tests;
