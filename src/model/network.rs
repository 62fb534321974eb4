//! The networks that run: tokens in, logits of the last one out.
//!
//! So far they are candle-transformers' quantized models, each behind one small trait.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use candle_core::quantized::gguf_file::Content;
use candle_core::{DType, Device, Tensor};
use candle_transformers::models::{
    quantized_gemma3, quantized_glm4, quantized_lfm2, quantized_llama, quantized_phi3,
    quantized_qwen2, quantized_qwen3,
};

use super::gguf::{Header, type_name};
use crate::base::failure::io_failure;
use crate::base::{Cancel, Failure, Result};

/// The architectures this build runs, as `general.architecture` names them.
pub const ARCHITECTURES: &[&str] = &[
    "llama", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "phi3", "glm4", "lfm2",
];

/// Tensor types candle reads, by number in the format.
const READABLE: &[u32] = &[0, 1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 30];

/// A network with the state of one conversation. The state only grows; [`Network::reset`]
/// empties it.
pub trait Network: Send {
    /// Reads `tokens` at `position` (the number of tokens read before) and gives the logits
    /// after the last one, one per token of the vocabulary.
    fn forward(&mut self, tokens: &[u32], position: usize) -> Result<Vec<f32>>;

    /// Forgets everything read.
    fn reset(&mut self);
}

/// Most tokens of context the network of an architecture can take in this build, where that
/// is less than the model's own.
pub fn context_limit(architecture: &str) -> usize {
    match architecture {
        // candle computes its rotary tables for this many positions.
        "llama" => quantized_llama::MAX_SEQ_LEN,
        _ => usize::MAX,
    }
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
    if header.number("split.count").is_some_and(|n| n > 1) {
        return Err(Failure::model("the model is split over several files")
            .hint("join them with `llama-gguf-split --merge`, or use a file in one piece"));
    }
    if !ARCHITECTURES.contains(&architecture) {
        return Err(Failure::model(format!(
            "models of the architecture `{}` cannot be run by this build",
            crate::base::text::printable(architecture)
        ))
        .because(supported())
        .hint("`homebody models list` shows models that run"));
    }
    if let Some(tensor) = header.tensors.iter().find(|t| !READABLE.contains(&t.kind)) {
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

/// Loads the network of a file. `progress` goes from 0 to 1.
///
/// # Errors
/// Of kind model, if the file's tensors do not fit its architecture.
pub fn load(
    file: &Path,
    header: &Header,
    device: &Device,
    cancel: &Cancel,
    progress: &mut dyn FnMut(f32),
) -> Result<Box<dyn Network>> {
    check(header)?;
    let opened =
        File::open(file).map_err(|e| io_failure(format!("cannot open {}", file.display()), &e))?;
    let mut reader = Watched {
        from: BufReader::with_capacity(1 << 20, opened),
        read: 0,
        total: header.file_bytes.max(1),
        cancel: cancel.clone(),
        progress,
    };
    let content = Content::read(&mut reader).map_err(|e| stopped(cancel, &e))?;
    let name = header.architecture().to_owned();
    let loaded = build(&name, content, &mut reader, device);
    loaded.map_err(|e| stopped(cancel, &e))
}

fn build<R: Read + Seek>(
    architecture: &str,
    content: Content,
    reader: &mut R,
    device: &Device,
) -> candle_core::Result<Box<dyn Network>> {
    let device_of = device.clone();
    let on = |forward: Forward| -> Box<dyn Network> {
        Box::new(Through {
            forward,
            device: device_of,
        })
    };
    Ok(match architecture {
        "llama" => {
            let mut model = quantized_llama::ModelWeights::from_gguf(content, reader, device)?;
            on(Box::new(move |x: &Tensor, at| model.forward(x, at)))
        }
        "qwen2" => {
            let mut model = quantized_qwen2::ModelWeights::from_gguf(content, reader, device)?;
            on(Box::new(move |x: &Tensor, at| model.forward(x, at)))
        }
        "qwen3" => {
            let mut model = quantized_qwen3::ModelWeights::from_gguf(content, reader, device)?;
            on(Box::new(move |x: &Tensor, at| {
                if at == 0 {
                    model.clear_kv_cache();
                }
                model.forward(x, at)
            }))
        }
        "gemma" | "gemma2" | "gemma3" => {
            let mut model = quantized_gemma3::ModelWeights::from_gguf(content, reader, device)?;
            on(Box::new(move |x: &Tensor, at| model.forward(x, at)))
        }
        "phi3" => {
            let mut model =
                quantized_phi3::ModelWeights::from_gguf(false, content, reader, device)?;
            on(Box::new(move |x: &Tensor, at| model.forward(x, at)))
        }
        "glm4" => {
            let mut model =
                quantized_glm4::ModelWeights::from_gguf(content, reader, device, DType::F32)?;
            on(Box::new(move |x: &Tensor, at| model.forward(x, at)))
        }
        "lfm2" => {
            let mut model = quantized_lfm2::ModelWeights::from_gguf(content, reader, device)?;
            on(Box::new(move |x: &Tensor, at| model.forward(x, at)))
        }
        other => candle_core::bail!("{other} is not supported"),
    })
}

type Forward = Box<dyn FnMut(&Tensor, usize) -> candle_core::Result<Tensor> + Send>;

/// A network of candle's. All of them drop what they hold when they read at position 0.
struct Through {
    forward: Forward,
    device: Device,
}

impl Network for Through {
    fn forward(&mut self, tokens: &[u32], position: usize) -> Result<Vec<f32>> {
        let run = |forward: &mut Forward| -> candle_core::Result<Vec<f32>> {
            let input = Tensor::new(tokens, &self.device)?.unsqueeze(0)?;
            let logits = forward(&input, position)?;
            logits.flatten_all()?.to_dtype(DType::F32)?.to_vec1()
        };
        run(&mut self.forward)
            .map_err(|e| Failure::model("the model's arithmetic failed").because(short(&e)))
    }

    fn reset(&mut self) {
        // Position 0 of the next piece does it.
    }
}

/// A reader that tells how far it is and stops when cancelled.
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
        let most = into.len().min(16 << 20);
        let n = self.from.read(into.get_mut(..most).unwrap_or(&mut []))?;
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

/// candle's errors may carry a backtrace; one line of it is enough.
fn short(error: &candle_core::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}
