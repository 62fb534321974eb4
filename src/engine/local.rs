//! The real engine: GGUF models through candle.

use std::path::PathBuf;

use super::{Engine, Facts, Generate, Generated, Message, Sampling, Step};
use crate::base::{Cancel, Failure, Result, TokenCount};

/// How to load a model.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// The name it was asked for by.
    pub name: String,
    /// The GGUF file.
    pub file: PathBuf,
    /// Context in tokens; 0 for a size that suits the model and the memory.
    pub context: usize,
    /// Threads; 0 for as many as there are physical cores.
    pub threads: usize,
    /// Bytes that may be used; a model that needs more is refused with the figures. 0 to ask
    /// the machine.
    pub memory_limit: u64,
    /// The model card's settings, used where a request leaves them open.
    pub sampling: Sampling,
}

/// A GGUF model run by candle.
pub struct LocalEngine {
    facts: Facts,
}

impl LocalEngine {
    /// Loads a model. `progress` is told how much of the file is in memory, 0 to 1.
    pub fn load(
        options: &LoadOptions,
        cancel: &Cancel,
        progress: &mut dyn FnMut(f32),
    ) -> Result<Self> {
        let _ = (options, cancel, progress);
        Err(Failure::bug("load is not built"))
    }
}

impl TokenCount for LocalEngine {
    fn count(&self, text: &str) -> usize {
        text.len().div_ceil(4)
    }
}

impl Engine for LocalEngine {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn count_messages(&self, messages: &[Message]) -> Result<usize> {
        let _ = messages;
        Err(Failure::bug("generate is not built"))
    }

    fn generate(
        &mut self,
        request: &Generate,
        cancel: &Cancel,
        on: &mut dyn FnMut(Step),
    ) -> Result<Generated> {
        let _ = (request, cancel, on);
        Err(Failure::bug("generate is not built"))
    }

    fn rates(&self) -> Option<(f64, f64)> {
        None
    }

    fn reset(&mut self) {}
}
