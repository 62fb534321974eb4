//! The networks that run: tokens in, logits out.
//!
//! Most are our own code, one file an architecture: on the CPU our kernels on the weights as
//! they lie in the file, on other devices candle's tensors. The others come from
//! candle-transformers, see [`candle_models`].

use std::path::Path;
use std::sync::Arc;

use candle_core::Device;

use super::checkpoint::Checkpoint;
use super::gguf::{Header, type_name};
use super::hyperparameters::Hyperparameters;
use super::mapping::Mapping;
use super::transformer::Transformer;
pub use super::transformer::Wanted;
use super::weights::{Weights, kind_of};
use super::{candle_models, gemma3, llama, phi3, qwen2, qwen3, qwen35};
use crate::base::{Cancel, Failure, Result};

/// The architectures this build runs, as `general.architecture` names them.
pub const ARCHITECTURES: &[&str] = &crate::base::architectures::WRITING;

/// A network with the state of one text.
///
/// A call that is cancelled or fails leaves the state as it was, or empty where it cannot be had
/// back.
pub trait Network: Send {
    /// Counts the tokens that the state stands for.
    fn n_past(&self) -> usize;

    /// Reads tokens behind those held and gives the logits after the last one, or after each:
    /// `rows × vocabulary`, row by row.
    ///
    /// # Errors
    /// Interrupted, if cancelled: within some milliseconds on the CPU.
    fn read(&mut self, tokens: &[u32], wanted: Wanted, cancel: &Cancel) -> Result<Vec<f32>>;

    /// Reads a few tokens that may turn out wrong, and gives the logits after each. Where
    /// [`Network::can_roll_back`], [`Network::truncate`] can take back any number of them, once and
    /// before the next are read.
    ///
    /// # Errors
    /// As [`Network::read`].
    fn verify(&mut self, tokens: &[u32], cancel: &Cancel) -> Result<Vec<f32>> {
        self.read(tokens, Wanted::All, cancel)
    }

    /// Forgets all but the first `tokens` of those read; returns how many are kept: fewer, or
    /// none, where the state cannot be cut back to that length.
    fn truncate(&mut self, tokens: usize) -> usize;

    /// Tells whether the state can be cut back to any length.
    fn can_truncate(&self) -> bool {
        false
    }

    /// Tells whether tokens that were only verified can be taken back.
    fn can_roll_back(&self) -> bool {
        self.can_truncate()
    }

    /// Returns the state as it is now; none where it cannot be kept.
    fn checkpoint(&mut self) -> Option<Checkpoint> {
        None
    }

    /// Takes up a checkpoint of this network; says whether it fits.
    fn restore(&mut self, _checkpoint: &Checkpoint) -> bool {
        false
    }

    /// Forgets all tokens read.
    fn reset(&mut self) {
        self.truncate(0);
    }
}

/// Tells whether the network of an architecture is our own code.
pub fn is_ours(architecture: &str) -> bool {
    ARCHITECTURES.contains(&architecture) && !is_candles(architecture)
}

/// Tells whether the network of an architecture is candle's code: slower, and with its weights
/// copied.
fn is_candles(architecture: &str) -> bool {
    candle_models::ARCHITECTURES.contains(&architecture)
}

/// Returns the longest context that the network of an architecture has room for, in tokens; none
/// where there is no limit but the model's own.
pub fn most_context(architecture: &str) -> Option<usize> {
    candle_models::most_context(architecture)
}

/// Says why a file cannot be run by this build, from its header.
///
/// # Errors
/// Of kind model: architecture, tensor type, split file or companion file not supported.
pub fn check(header: &Header) -> Result<()> {
    let architecture = header.architecture();
    let supported = || format!("this build runs {}", ARCHITECTURES.join(", "));
    if matches!(architecture, "clip" | "mmproj") {
        return Err(Failure::model("the file is the vision part of a model")
            .hint("give the model's own file, not its mmproj"));
    }
    if architecture.is_empty() {
        return Err(Failure::model("the file does not name its architecture").because(supported()));
    }
    let candles = is_candles(architecture);
    if candles && header.parts.len() > 1 {
        return Err(Failure::model(format!(
            "a model of the architecture `{architecture}` must be in one file"
        ))
        .because(format!("this one is split over {}", header.parts.len()))
        .hint("join the parts with `llama-gguf-split --merge`, or use a file in one piece"));
    }
    if !ARCHITECTURES.contains(&architecture) {
        return Err(Failure::model(format!(
            "models of the architecture `{}` cannot be run by this build",
            crate::base::text::printable(architecture)
        ))
        .because(supported())
        .hint("`homebody models list` shows models that run"));
    }
    // Mixtures of experts by other names are other architectures.
    if let Some(experts) = header.arch_number("expert_count").filter(|n| *n > 1) {
        return Err(
            Failure::model("a mixture of experts cannot be run by this build")
                .because(format!("each of its layers has {experts}"))
                .hint("`homebody models list` shows models that run"),
        );
    }
    let is_read = |kind| kind_of(kind).is_some() && (!candles || candle_models::is_read(kind));
    if let Some(tensor) = header.tensors.iter().find(|t| !is_read(t.kind)) {
        return Err(Failure::model(format!(
            "tensors of the type {} cannot be read by this build",
            type_name(tensor.kind)
        ))
        .because(format!(
            "`{}` is one",
            crate::base::text::printable(&tensor.name)
        ))
        .hint("use a Q4_K_M or Q8_0 file of the same model"));
    }
    Ok(())
}

/// Loads the network of a file for a context of so many tokens. `progress` goes from 0 to 1.
///
/// # Errors
/// Of kind model, if the file's tensors do not fit its architecture.
pub fn load(
    file: &Path,
    header: &Header,
    context: usize,
    device: &Device,
    cancel: &Cancel,
    progress: &mut dyn FnMut(f32),
) -> Result<Box<dyn Network>> {
    check(header)?;
    let hyper = Hyperparameters::from_header(header)?;
    if is_candles(&hyper.architecture) {
        let figures = (hyper, context);
        return candle_models::load(file, header, figures, device, cancel, progress);
    }
    let mappings = map(header, device.is_cpu(), cancel, progress)?;
    let weights = Weights::new(header, mappings, device.clone());
    let transformer = match hyper.architecture.as_str() {
        "llama" => llama::load(&weights, hyper, context),
        "qwen2" => qwen2::load(&weights, hyper, context),
        "qwen3" => qwen3::load(&weights, hyper, context),
        "qwen35" => qwen35::load(&weights, hyper, context),
        "gemma3" => gemma3::load(&weights, hyper, context),
        _ => phi3::load(&weights, hyper, context),
    };
    progress(1.0);
    Ok(Box::new(transformer.map_err(|e| stopped(cancel, &e))?))
}

/// Maps the files of a model, and brings them in where they are read in place.
fn map(
    header: &Header,
    bring_in: bool,
    cancel: &Cancel,
    progress: &mut dyn FnMut(f32),
) -> Result<Vec<Arc<Mapping>>> {
    let total = header.file_bytes().max(1) as f32;
    let mut before = 0_u64;
    let mut mappings = Vec::with_capacity(header.parts.len());
    for part in &header.parts {
        let mapping = Mapping::open(&part.path)?;
        if bring_in {
            mapping.bring_in(cancel, &mut |done| {
                progress((before as f32 + done * part.bytes as f32) / total);
            })?;
        }
        before += part.bytes;
        mappings.push(Arc::new(mapping));
    }
    Ok(mappings)
}

/// Returns the failure of a computation.
pub(super) fn failed(error: &candle_core::Error) -> Failure {
    Failure::model("the model's arithmetic failed").because(short(error))
}

impl Network for Transformer {
    fn n_past(&self) -> usize {
        Self::n_past(self)
    }

    fn read(&mut self, tokens: &[u32], wanted: Wanted, cancel: &Cancel) -> Result<Vec<f32>> {
        let logits = Self::read(self, tokens, wanted, false, cancel).map_err(|e| failed(&e))?;
        logits.ok_or_else(Failure::interrupted)
    }

    fn verify(&mut self, tokens: &[u32], cancel: &Cancel) -> Result<Vec<f32>> {
        let logits = Self::read(self, tokens, Wanted::All, true, cancel).map_err(|e| failed(&e))?;
        logits.ok_or_else(Failure::interrupted)
    }

    fn truncate(&mut self, tokens: usize) -> usize {
        // A state that cannot be cut back counts for nothing: reading anew is always right.
        Self::truncate(self, tokens).unwrap_or_else(|_| {
            self.forget();
            0
        })
    }

    fn can_truncate(&self) -> bool {
        !self.is_recurrent()
    }

    fn can_roll_back(&self) -> bool {
        true
    }

    fn checkpoint(&mut self) -> Option<Checkpoint> {
        // A device may have no room for the copy; then there is nothing to come back to.
        Self::checkpoint(self).ok()
    }

    fn restore(&mut self, checkpoint: &Checkpoint) -> bool {
        Self::restore(self, checkpoint).is_ok()
    }
}

/// Returns the failure of a model that could not be loaded.
pub(super) fn stopped(cancel: &Cancel, error: &candle_core::Error) -> Failure {
    if cancel.is_cancelled() {
        return Failure::interrupted();
    }
    Failure::model("the model cannot be loaded")
        .because(short(error))
        .hint("`homebody models verify` tells whether the file is whole")
}

/// Returns the first line of an error; empty where it has no words. candle's errors may carry a
/// backtrace, and one line is enough.
fn short(error: &candle_core::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
#[path = "network_tests.rs"]
mod tests;
