//! The networks that run: tokens in, logits out.
//!
//! Most are our own code, one file an architecture: on the CPU our kernels on the weights as
//! they lie in the file, on other devices candle's tensors. GLM 4 comes from
//! candle-transformers.
//!
//! Others of candle's quantized models were tried and left out, because what they hold goes
//! wrong when a prompt is read in pieces: the convolution of `lfm2` forgets the piece before,
//! `gemma3` masks all that lies before a piece, `qwen3` loses what was written when the next
//! turn is read (and turns positions in half precision).

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use candle_core::quantized::gguf_file::Content;
use candle_core::{DType, Device, Tensor};
use candle_transformers::models::quantized_glm4;

use super::checkpoint::Checkpoint;
use super::gguf::{Header, type_name};
use super::hyperparameters::Hyperparameters;
use super::mapping::Mapping;
use super::transformer::Transformer;
pub use super::transformer::Wanted;
use super::weights::{Weights, kind_of};
use super::{gemma3, glm4, llama, phi3, qwen2, qwen3, qwen35};
use crate::base::failure::io_failure;
use crate::base::{Cancel, Failure, Result};

/// The architectures this build runs, as `general.architecture` names them.
pub const ARCHITECTURES: &[&str] = &crate::base::architectures::WRITING;

/// A network with the state of one text.
///
/// A call that is cancelled or fails leaves the state as it was.
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
    ARCHITECTURES.contains(&architecture) && architecture != "glm4"
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
    if architecture == "glm4" && header.parts.len() > 1 {
        return Err(
            Failure::model("a model of the architecture `glm4` must be in one file")
                .because(format!("this one is split over {}", header.parts.len()))
                .hint("join the parts with `llama-gguf-split --merge`, or use a file in one piece"),
        );
    }
    if !ARCHITECTURES.contains(&architecture) {
        return Err(Failure::model(format!(
            "models of the architecture `{}` cannot be run by this build",
            crate::base::text::printable(architecture)
        ))
        .because(supported())
        .hint("`homebody models list` shows models that run"));
    }
    if let Some(tensor) = header.tensors.iter().find(|t| kind_of(t.kind).is_none()) {
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
    if hyper.architecture == "glm4" {
        glm4::check(header, &hyper)?;
        let loaded = candles_glm4(file, header, device, cancel, progress)?;
        return loaded.map_err(|e| stopped(cancel, &e));
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

/// Reads a GLM 4 into memory by candle's code. The outer result is that of opening the file, the
/// inner one candle's.
fn candles_glm4(
    file: &Path,
    header: &Header,
    device: &Device,
    cancel: &Cancel,
    progress: &mut dyn FnMut(f32),
) -> Result<candle_core::Result<Box<dyn Network>>> {
    let opened =
        File::open(file).map_err(|e| io_failure(format!("cannot open {}", file.display()), &e))?;
    let mut reader = Watched {
        from: BufReader::with_capacity(1 << 20, opened),
        read: 0,
        total: header.file_bytes().max(1),
        cancel: cancel.clone(),
        progress,
    };
    let mut build = || -> candle_core::Result<Box<dyn Network>> {
        let content = Content::read(&mut reader)?;
        let model =
            quantized_glm4::ModelWeights::from_gguf(content, &mut reader, device, DType::F32)?;
        Ok(Box::new(Glm4 {
            model,
            device: device.clone(),
            held: 0,
        }))
    };
    Ok(build())
}

fn failed(error: &candle_core::Error) -> Failure {
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

/// candle's GLM 4: drops what it holds when it reads at position 0, and keeps all or nothing.
struct Glm4 {
    model: quantized_glm4::ModelWeights,
    device: Device,
    held: usize,
}

impl Network for Glm4 {
    fn n_past(&self) -> usize {
        self.held
    }

    fn read(&mut self, tokens: &[u32], wanted: Wanted, cancel: &Cancel) -> Result<Vec<f32>> {
        let at_once = match wanted {
            Wanted::Last => tokens.len().max(1),
            Wanted::All => 1,
        };
        let mut rows = Vec::new();
        for tokens in tokens.chunks(at_once) {
            cancel.check()?;
            let mut run = || -> candle_core::Result<Vec<f32>> {
                let input = Tensor::new(tokens, &self.device)?.unsqueeze(0)?;
                let logits = self.model.forward(&input, self.held)?;
                logits.flatten_all()?.to_dtype(DType::F32)?.to_vec1()
            };
            let logits = run().map_err(|e| {
                self.held = 0;
                failed(&e)
            })?;
            rows.extend(logits);
            self.held += tokens.len();
        }
        Ok(rows)
    }

    fn truncate(&mut self, tokens: usize) -> usize {
        if tokens < self.held {
            self.held = 0;
        }
        self.held
    }
}

/// A reader that reports its progress and stops when cancelled.
struct Watched<'a> {
    from: BufReader<File>,
    read: u64,
    total: u64,
    cancel: Cancel,
    progress: &'a mut dyn FnMut(f32),
}

impl Read for Watched<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(std::io::Error::other("cancelled"));
        }
        // Large reads in pieces, so that a cancel does not wait for a gigabyte.
        let n = self.from.by_ref().take(16 << 20).read(into)?;
        self.read += n as u64;
        (self.progress)((self.read as f32 / self.total as f32).min(1.0));
        Ok(n)
    }
}

impl Seek for Watched<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.from.seek(to)
    }
}

fn stopped(cancel: &Cancel, error: &candle_core::Error) -> Failure {
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
