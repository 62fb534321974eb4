//! An engine that plays a script, so that jobs and screens are tested without a model.

use std::path::Path;

use super::{Engine, Facts, Generate, Generated, Message, Step};
use crate::base::{Cancel, Failure, Result, TokenCount};

/// Plays pieces, failures and waits from a script (JSON lines, one answer after another).
pub struct ScriptedEngine {
    facts: Facts,
}

impl ScriptedEngine {
    /// Reads a script.
    pub fn from_file(file: &Path) -> Result<Self> {
        let _ = file;
        Err(Failure::bug("scripted is not built"))
    }
}

impl TokenCount for ScriptedEngine {
    fn count(&self, text: &str) -> usize {
        text.len().div_ceil(4)
    }
}

impl Engine for ScriptedEngine {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn count_messages(&self, messages: &[Message]) -> Result<usize> {
        Ok(messages
            .iter()
            .map(|m| self.count(&m.content) + self.per_message())
            .sum())
    }

    fn generate(
        &mut self,
        request: &Generate,
        cancel: &Cancel,
        on: &mut dyn FnMut(Step),
    ) -> Result<Generated> {
        let _ = (request, cancel, on);
        Err(Failure::bug("scripted is not built"))
    }

    fn rates(&self) -> Option<(f64, f64)> {
        None
    }

    fn reset(&mut self) {}
}
