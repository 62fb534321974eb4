//! Bugs made loud without ending the program: a debug build stops at them, so every test does; a
//! release says them in its log, with their place, and goes on with a value that is empty.
//!
//! For what cannot be missing unless the code is wrong, where there is no [`super::Result`] to
//! carry a [`super::Failure::bug`]. What may truly be missing has a default, and a word why.

use std::panic::Location;

/// Says a bug, and gives back what is gone on with.
#[track_caller]
pub fn bug<T>(what: &str, instead: T) -> T {
    log::error!("bug at {}: {what}", Location::caller());
    debug_assert!(false, "{what}");
    instead
}

/// A value that cannot be missing unless the code is wrong.
pub trait OrBug<T> {
    /// The value; where it is missing that is a bug, told as `what`, and the default stands in.
    fn or_bug(self, what: &str) -> T;
}

impl<T: Default> OrBug<T> for Option<T> {
    #[track_caller]
    fn or_bug(self, what: &str) -> T {
        match self {
            Some(value) => value,
            None => bug(what, T::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "no row")]
    fn a_bug_ends_a_test() {
        let none: Option<u32> = None;
        let _ = none.or_bug("no row");
    }

    #[test]
    fn what_is_there_is_given() {
        assert_eq!(Some(3).or_bug("no row"), 3);
    }
}
