//! Runs embedding models: texts to vectors of meaning.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::base::{Cancel, Embed, Failure, Result};
use crate::model::bert::{self, Bert};
use crate::model::gguf::Header;

/// An embedding model; its weights are read when they are first needed.
pub struct Embedder {
    file: PathBuf,
    header: Header,
    name: String,
    /// The weights, or the failure to read them, once that was tried.
    model: OnceLock<Result<Bert, Failure>>,
}

impl std::fmt::Debug for Embedder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedder")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Embedder {
    /// Reads the header of a GGUF file.
    ///
    /// # Errors
    /// Of kind input, if the file is no GGUF; of kind model, if the model cannot be run.
    pub fn open(name: &str, file: &Path) -> Result<Self> {
        let header = Header::read(file)?;
        bert::check(&header)?;
        Ok(Self {
            // Another file of that name gives other vectors.
            name: format!("{name}, {} bytes", header.file_bytes()),
            file: file.to_owned(),
            header,
            model: OnceLock::new(),
        })
    }
}

impl Embed for Embedder {
    fn name(&self) -> &str {
        &self.name
    }

    fn width(&self) -> usize {
        bert::width(&self.header)
    }

    fn embed(&self, texts: &[String], cancel: &Cancel) -> Result<Vec<Vec<f32>>> {
        let model = self
            .model
            .get_or_init(|| Bert::load(&self.file, &self.header));
        model.as_ref().map_err(Clone::clone)?.embed(texts, cancel)
    }
}
