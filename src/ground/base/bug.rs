//! Bugs made loud without ending the program: a debug build stops at them, so every test does; a
//! release says them in its log, with their place, and goes on with a value that is empty.
//!
//! They are for values that cannot be missing unless the code is wrong, where there is no
//! [`super::Result`] to carry a [`super::Failure::bug`]. A value that may truly be missing has a
//! default, and a word why.

use std::panic::Location;

/// Logs a bug, and stops a debug build; returns the value that is gone on with.
#[track_caller]
pub fn bug<T>(what: &str, instead: T) -> T {
    log::error!("bug at {}: {what}", Location::caller());
    debug_assert!(false, "{what}");
    instead
}

/// A value that cannot be missing unless the code is wrong.
pub trait OrBug<T> {
    /// Returns the value; where it is missing that is a bug, told as `what`, and the default stands
    /// in.
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
