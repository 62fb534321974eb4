//! The findings of pieces that were read before: the same words to the same model need not be read
//! again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::super::Finding;
use crate::base::places::write_private;
use crate::base::text::hex;
use crate::engine::{Facts, Generate};

/// The version of what is kept: it changes with how findings are come to (the form, the second
/// look, what is kept).
const VERSION: u32 = 2;
/// Pieces that are kept, at most.
const MOST: usize = 2_000;

/// A folder of findings, a file for each piece.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    dir: Option<PathBuf>,
    /// True if nothing is taken from the folder, and all is put there anew.
    anew: bool,
}

/// The findings of a piece, as they are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    pub findings: Vec<Finding>,
    /// Findings that did not stand a second look.
    pub fallen: usize,
    /// Tokens that were read and written for the piece.
    pub tokens: usize,
}

impl Memory {
    /// A memory in a folder, or one that remembers nothing.
    pub fn new(dir: Option<&Path>, anew: bool) -> Self {
        Self {
            dir: dir.map(Path::to_owned),
            anew,
        }
    }

    /// The key of a piece: a hash of everything that the model is told for both looks, how tokens
    /// are drawn, and which model it is.
    pub fn key(request: &Generate, facts: &Facts) -> String {
        let mut hash = Sha256::new();
        hash.update(VERSION.to_le_bytes());
        hash.update([u8::from(facts.rewrites)]);
        hash.update((request.next.len() as u64).to_le_bytes());
        let drawn = format!("{:?} {}", request.sampling, request.max_tokens);
        let messages = request.messages.iter().chain(&request.next);
        for text in [&facts.name, &facts.architecture, &drawn]
            .into_iter()
            .chain(messages.map(|message| &message.content))
        {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        hex(hash.finalize().as_slice().split_at(16).0)
    }

    /// The findings that a piece had before; none where it is not known.
    pub fn get(&self, key: &str) -> Option<Known> {
        let file = self.file(key).filter(|_| !self.anew)?;
        // A file that cannot be read is as good as none: the piece is read again.
        let bytes = fs::read(file).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Keeps the findings of a piece. A folder that cannot be written costs only that.
    pub fn put(&self, key: &str, known: &Known) {
        let Some(file) = self.file(key) else {
            return;
        };
        let kept = serde_json::to_vec(known)
            .map_err(|e| e.to_string())
            .and_then(|bytes| write_private(&file, &bytes).map_err(|e| e.to_string()));
        if let Err(why) = kept {
            log::info!("what was found is not kept: {why}");
        }
    }

    /// Removes the oldest pieces where there are too many.
    pub fn prune(&self) {
        // There is no folder before anything was kept.
        let entries = self.dir.as_ref().and_then(|dir| fs::read_dir(dir).ok());
        let mut files: Vec<(SystemTime, PathBuf)> = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        files.sort();
        for (_, file) in files.iter().take(files.len().saturating_sub(MOST)) {
            // Another process may have removed it.
            let _ = fs::remove_file(file);
        }
    }

    fn file(&self, key: &str) -> Option<PathBuf> {
        Some(self.dir.as_ref()?.join(format!("{key}.json")))
    }
}
