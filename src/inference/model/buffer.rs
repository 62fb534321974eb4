//! Room for the rows between two products, used again and again: fresh memory would have to be
//! cleared by the system, page by page, for every product of every layer.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use crate::base::OrBug;

/// Numbers below which room is not worth keeping.
const LEAST: usize = 4096;
/// Most rooms that are kept.
const MOST_KEPT: usize = 16;

/// The rooms that are kept. A thread that panics with the lock leaves them whole.
static KEPT: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

const TOO_LONG: &str = "a buffer is longer than its room";

/// A slice of floats of its own, whose room goes to the next one when it is dropped.
#[derive(Debug, Default)]
pub struct Buffer {
    /// At least `length` numbers, maybe more.
    room: Vec<f32>,
    /// Numbers in use.
    length: usize,
}

impl Buffer {
    /// A buffer of `length` numbers of any value: for what is written before it is read.
    pub fn stale(length: usize) -> Self {
        let kept = || {
            let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
            let fits = kept.iter().enumerate().filter(|(_, r)| r.len() >= length);
            let best = fits.min_by_key(|(_, room)| room.len()).map(|(i, _)| i)?;
            Some(kept.swap_remove(best))
        };
        let room = if length < LEAST { None } else { kept() };
        Self {
            room: room.unwrap_or_else(|| vec![0.0; length]),
            length,
        }
    }

    /// Gives the numbers in use as a vector.
    pub fn into_vec(mut self) -> Vec<f32> {
        let mut room = std::mem::take(&mut self.room);
        room.truncate(self.length);
        room
    }
}

impl From<Vec<f32>> for Buffer {
    fn from(room: Vec<f32>) -> Self {
        let length = room.len();
        Self { room, length }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.room.len() < LEAST {
            return;
        }
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MOST_KEPT {
            kept.push(std::mem::take(&mut self.room));
        }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        self.room.get(..self.length).or_bug(TOO_LONG)
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        self.room.get_mut(..self.length).or_bug(TOO_LONG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_as_long_as_asked_for_whatever_room_they_get() {
        for length in [0, 1, LEAST, 3 * LEAST, 2 * LEAST, 10] {
            let mut buffer = Buffer::stale(length);
            assert_eq!(buffer.len(), length);
            buffer.fill(1.0);
            assert_eq!(buffer.into_vec(), vec![1.0; length]);
            drop(Buffer::from(vec![2.0; 5 * LEAST]));
        }
    }

    #[test]
    fn no_two_have_the_same_room() {
        drop(Buffer::from(vec![0.0; 2 * LEAST]));
        let mut all: Vec<Buffer> = (0..4).map(|_| Buffer::stale(2 * LEAST)).collect();
        for (i, buffer) in all.iter_mut().enumerate() {
            buffer.fill(i as f32);
        }
        for (i, buffer) in all.iter().enumerate() {
            assert_eq!(**buffer, vec![i as f32; 2 * LEAST]);
        }
    }
}
