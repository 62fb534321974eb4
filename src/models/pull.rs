//! Fetching a model: progress, resumption, checks.

use serde::{Deserialize, Serialize};

use super::{Installed, Model, Store};
use crate::base::{Cancel, Failure, Result};

/// How far a download is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done, for people: `connecting`, `downloading`, `checking`, `unpacking`.
    pub stage: String,
    /// Bytes that are here.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
    /// Bytes a second over the last seconds.
    pub rate: f64,
    /// Bytes that were here before (a resumed download).
    pub resumed: u64,
}

/// Fetches a model into the store. `progress` is called about ten times a second.
///
/// # Errors
/// Of kind environment when the host cannot be reached (within 5 s), breaks off, lies about
/// the size or sends bytes with another checksum; what is worth keeping stays in a `.part` file.
pub fn pull(
    model: &Model,
    store: &Store,
    cancel: &Cancel,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Installed> {
    let _ = (model, store, cancel, progress);
    Err(Failure::bug("pull is not built"))
}
