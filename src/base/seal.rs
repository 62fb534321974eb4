//! The seal: after it, this process and its children cannot open a network socket.

use super::failure::{Failure, Result};

/// Whether the seal is on, and if not, why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sealed {
    /// The kernel refuses.
    Yes,
    /// It does not, because…
    No(String),
}

/// Puts the seal on. Call before the first thread and before the first repository file is
/// read. It cannot be taken off. Where the platform has no such thing it says so and goes on.
///
/// # Errors
/// Of kind environment, if the platform has it and refuses it.
pub fn put_on() -> Result<Sealed> {
    Err(Failure::bug("the seal is not built"))
}

/// What an attempt to break the seal brought, for `doctor` and the tests: (what was tried,
/// whether it was refused, the system's words).
pub fn probe() -> Vec<(String, bool, String)> {
    Vec::new()
}
