//! The prompt templates, embedded and overridable by the user.

use std::path::Path;

use crate::base::{Failure, Result};

/// The templates of all jobs.
#[derive(Debug, Clone)]
pub struct Prompts {}

impl Prompts {
    /// The embedded templates, each replaced by a file of the same name in `folder` (the
    /// user's configuration, never the repository) where there is one.
    ///
    /// # Errors
    /// Of kind config, naming file and line, if a template is wrong.
    pub fn load(folder: Option<&Path>) -> Result<Self> {
        let _ = folder;
        Err(Failure::bug("prompts are not built"))
    }
}
