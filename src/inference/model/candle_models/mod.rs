//! Networks by candle-transformers: the architectures of GGUF files that it runs on a CPU and
//! that are not our own code. They are slower: candle copies the weights, some of them twice, and
//! keeps keys and values in tensors that it puts together anew for each token.
//!
//! One file an architecture. candle's code trusts the file, so each has a `check` that comes
//! before it; and it reads the figures that were checked, in the place of the file's own. What
//! goes wrong in candle when a text is read in pieces is kept away from it here, see
//! [`Model::at_once`] and [`Model::can_begin`].
//!
//! Not run from here:
//!
//! - `quantized_qwen3_moe`: its experts are multiplied by a function that only CUDA has.
//! - `quantized_llama`, `quantized_qwen2`, `quantized_qwen3`, `quantized_gemma3`,
//!   `quantized_phi3`: their architectures are our own code. (`gemma3` masks all that lies before
//!   a piece, `qwen3` loses what was written when the next turn is read.)
//! - The mixtures of experts that `quantized_llama` reads, of files with a tensor for each expert:
//!   those that are published today hold all experts in one tensor.
//! - `quantized_mpt`, `mixformer`, `moondream`, `rwkv`, `stable_lm`, `recurrent_gemma`, `t5`,
//!   `blip`, `metavoice`, `llama2_c`, `mistral`: their tensors have candle's own names and their
//!   figures stand in code, so that no published GGUF can be run by them.

mod glm4;
mod lfm2;
mod phi2;
mod shapes;

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::{DType, Device, Tensor};

use super::gguf::Header;
use super::hyperparameters::Hyperparameters;
use super::network::{Network, Wanted, failed, stopped};
use crate::base::failure::io_failure;
use crate::base::text::human_count;
use crate::base::{Cancel, Failure, Result};
pub(super) use shapes::is_read;

/// The architectures that candle runs.
pub(super) const ARCHITECTURES: [&str; 3] = ["glm4", "phi2", "lfm2"];

/// Most tokens that are read at once: the scratch of candle's attention grows with them.
const AT_ONCE: usize = 512;

/// One of candle's models, with what it holds of a text.
trait Model: Send {
    /// Reads tokens (`1 × tokens`) behind those held and gives the logits after the last:
    /// `vocabulary` numbers. At position 0 all that is held is dropped.
    fn forward(&mut self, tokens: &Tensor, position: usize) -> candle_core::Result<Tensor>;

    /// Counts how many of `tokens` that follow at a position may be read as one piece; at least
    /// one of them.
    fn at_once(&self, _position: usize, tokens: usize) -> usize {
        tokens
    }

    /// Tells whether a text may begin with a piece of so many tokens. Where it may not, the model
    /// is to be opened anew.
    fn can_begin(&self, _piece: usize) -> bool {
        true
    }
}

/// Returns the longest context of an architecture, in tokens; none where there is no limit but
/// the model's own.
pub(super) fn most_context(architecture: &str) -> Option<usize> {
    (architecture == "phi2").then_some(phi2::MOST_CONTEXT)
}

/// Loads a model of one of [`ARCHITECTURES`] for a context of so many tokens. `progress` goes from
/// 0 to 1.
///
/// # Errors
/// Of kind model, if the file's tensors or figures are none that candle can take, or the context
/// is more than it has tables for; interrupted, if cancelled.
pub(super) fn load(
    file: &Path,
    header: &Header,
    (hyper, context): (Hyperparameters, usize),
    device: &Device,
    cancel: &Cancel,
    progress: &mut dyn FnMut(f32),
) -> Result<Box<dyn Network>> {
    if let Some(most) = most_context(&hyper.architecture).filter(|most| context > *most) {
        return Err(Failure::model(format!(
            "a context of {} tokens is more than this build has for `{}`",
            human_count(context as u64),
            hyper.architecture
        ))
        .hint(format!("give a smaller one: --ctx {most}")));
    }
    match hyper.architecture.as_str() {
        "glm4" => glm4::check(header, &hyper),
        "phi2" => phi2::check(header, &hyper),
        _ => lfm2::check(header, &hyper),
    }?;
    let source = CheckedFile {
        file: File::open(file)
            .map_err(|e| io_failure(format!("cannot open {}", file.display()), &e))?,
        bytes: header.file_bytes().max(1),
        hyper,
        context,
        device: device.clone(),
    };
    let model = source.open(cancel, progress)?;
    Ok(Box::new(CandleModel {
        model: Some(model),
        source,
        held: 0,
    }))
}

/// A file that was checked, from which the model can be read again.
struct CheckedFile {
    file: File,
    /// Size of the file, at least 1.
    bytes: u64,
    hyper: Hyperparameters,
    /// Tokens that there are to be tables for.
    context: usize,
    device: Device,
}

impl CheckedFile {
    /// Reads the model into memory.
    fn open(&self, cancel: &Cancel, progress: &mut dyn FnMut(f32)) -> Result<Box<dyn Model>> {
        let file = self.file.try_clone();
        let file = file.map_err(|e| io_failure("cannot open the model's file again", &e))?;
        let mut reader = Watched {
            from: BufReader::with_capacity(1 << 20, file),
            read: 0,
            total: self.bytes,
            cancel: cancel.clone(),
            progress,
            failed: false,
        };
        let opened = self.read(&mut reader);
        // candle takes another tensor, or none, where one of several names cannot be read.
        let failed = reader.failed;
        match opened {
            Ok(_) if failed => Err(Failure::model(
                "the model's file could not be read to its end",
            )),
            opened => opened,
        }
        .map_err(|failure| {
            if cancel.is_cancelled() {
                Failure::interrupted()
            } else {
                failure
            }
        })
    }

    fn read(&self, reader: &mut Watched<'_>) -> Result<Box<dyn Model>> {
        let cancel = reader.cancel.clone();
        let mut read = || -> candle_core::Result<Box<dyn Model>> {
            reader.seek(SeekFrom::Start(0))?;
            let mut content = Content::read(reader)?;
            content.metadata.extend(self.figures());
            match self.hyper.architecture.as_str() {
                "glm4" => glm4::open(content, reader, &self.device),
                "phi2" => phi2::open(content, reader, &self.device),
                _ => lfm2::open(content, reader, &self.device),
            }
        };
        read().map_err(|e| stopped(&cancel, &e))
    }

    /// Lists the figures that were checked, under the keys and in the types that candle wants.
    fn figures(&self) -> Vec<(String, Value)> {
        let hyper = &self.hyper;
        let number = |n: usize| Value::U32(u32::try_from(n).unwrap_or(u32::MAX));
        let epsilon = Value::F32(hyper.epsilon as f32);
        let mut figures = vec![
            ("embedding_length", number(hyper.width)),
            ("block_count", number(hyper.layers)),
            ("context_length", number(self.context.max(1))),
            ("attention.head_count", number(hyper.heads)),
            ("attention.head_count_kv", number(hyper.kv_heads)),
            ("attention.key_length", number(hyper.head)),
            ("rope.dimension_count", number(hyper.rotary)),
            ("rope.freq_base", Value::F32(hyper.rope_base as f32)),
            ("attention.layer_norm_epsilon", epsilon.clone()),
            ("attention.layer_norm_rms_epsilon", epsilon),
        ];
        if hyper.architecture == "lfm2" {
            figures.extend(lfm2::own_figures(hyper));
        }
        figures
            .into_iter()
            .map(|(key, value)| (format!("{}.{key}", hyper.architecture), value))
            .collect()
    }
}

/// A network by candle: keeps all of a text or nothing.
struct CandleModel {
    /// None after one was dropped and the next could not be opened.
    model: Option<Box<dyn Model>>,
    source: CheckedFile,
    /// Tokens that the model holds.
    held: usize,
}

impl CandleModel {
    /// Reads the first of some tokens that may be read as one piece; gives their count, and the
    /// logits after the last of them.
    fn step(&mut self, tokens: &[u32], cancel: &Cancel) -> Result<(usize, Vec<f32>)> {
        let held = self.held;
        let at_once = |model: &dyn Model| model.at_once(held, tokens.len().min(AT_ONCE));
        // The old one is let go first: both together may be more than there is memory for.
        self.model = self
            .model
            .take()
            .filter(|model| held > 0 || model.can_begin(at_once(&**model)));
        let model = match &mut self.model {
            Some(model) => model,
            none => none.insert(self.source.open(cancel, &mut |_| {})?),
        };
        let count = at_once(&**model);
        let piece = tokens.get(..count).unwrap_or(tokens);
        let device = &self.source.device;
        let mut run = || -> candle_core::Result<Vec<f32>> {
            let input = Tensor::new(piece, device)?.unsqueeze(0)?;
            let logits = model.forward(&input, held)?;
            logits.flatten_all()?.to_dtype(DType::F32)?.to_vec1()
        };
        let logits = run().map_err(|e| failed(&e))?;
        Ok((piece.len(), logits))
    }
}

impl Network for CandleModel {
    fn n_past(&self) -> usize {
        self.held
    }

    fn read(&mut self, tokens: &[u32], wanted: Wanted, cancel: &Cancel) -> Result<Vec<f32>> {
        if tokens.len() > self.source.context.saturating_sub(self.held) {
            return Err(Failure::model("the text is longer than the context")
                .because(format!(
                    "{} tokens are held, {} follow, and the context is of {}",
                    human_count(self.held as u64),
                    human_count(tokens.len() as u64),
                    human_count(self.source.context as u64)
                ))
                .hint("give a larger context, with --ctx"));
        }
        let before = self.held;
        let mut rest = tokens;
        let mut rows = Vec::new();
        while !rest.is_empty() {
            let next = match wanted {
                Wanted::Last => rest,
                Wanted::All => rest.get(..1).unwrap_or(rest),
            };
            let step = cancel.check().and_then(|()| self.step(next, cancel));
            let (count, logits) = step.inspect_err(|failure| {
                // What was read of this call cannot be taken back, nor half a piece: reading anew
                // is always right.
                if self.held > before || !failure.is_interrupted() {
                    self.held = 0;
                }
            })?;
            self.held += count;
            rest = rest.get(count..).unwrap_or_default();
            if wanted == Wanted::Last {
                rows.clear();
            }
            rows.extend(logits);
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
    /// True once something could not be read.
    failed: bool,
}

impl Read for Watched<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.cancel.is_cancelled() {
            self.failed = true;
            return Err(std::io::Error::other("cancelled"));
        }
        // Large reads in pieces, so that a cancel does not wait for a gigabyte.
        let read = self.from.by_ref().take(16 << 20).read(into);
        self.failed |= !matches!(read, Ok(1..));
        let n = read?;
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

#[cfg(test)]
mod tests;
