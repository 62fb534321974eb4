//! A small process that downloads on behalf of one that may not.
//!
//! It is started before the seal goes on, re-executed from our own binary with an
//! environment reduced to what downloads need, its working directory `/`, and one pipe each
//! way. It accepts a catalog name and a cancel, sends progress, and ends with its parent.

use serde::{Deserialize, Serialize};

use super::{Installed, Progress};
use crate::base::{Cancel, Failure, Result};

/// The hidden first argument that turns the binary into a puller.
pub const PULLER_ARG: &str = "__puller";

/// What the puller says, one JSON object a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Said {
    /// How far it is.
    Progress(Progress),
    /// The model is in the store.
    Done(Installed),
    /// It went wrong.
    Failed {
        /// [`crate::base::Kind::word`].
        kind: String,
        /// What happened.
        what: String,
        /// Why.
        causes: Vec<String>,
        /// What to do next.
        hint: Option<String>,
    },
}

/// The parent's side.
#[derive(Debug)]
pub struct Puller {}

impl Puller {
    /// Starts the process. Call before the seal and before the first thread.
    pub fn start() -> Result<Self> {
        Err(Failure::bug("puller is not built"))
    }

    /// Has one model of the catalog fetched, and waits.
    pub fn pull(
        &mut self,
        name: &str,
        cancel: &Cancel,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Installed> {
        let _ = (name, cancel, progress);
        Err(Failure::bug("puller is not built"))
    }
}

/// The child's side: serves requests on standard input until it closes.
pub fn serve() -> Result<()> {
    Err(Failure::bug("puller is not built"))
}
