//! Where in a file the text to be replaced stands: exactly, at one place, or nowhere.

use std::ops::Range;

use crate::base::{Failure, Result};

/// The bytes of `text` that `old` names: whole lines, exactly one place.
///
/// # Errors
/// Of kind input: nowhere (with the nearest lines) or at several places (with their lines).
pub fn locate(text: &str, old: &str) -> Result<Range<usize>> {
    let _ = (text, old);
    Err(Failure::bug("locate is not built"))
}
