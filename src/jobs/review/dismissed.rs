//! Findings that somebody has put aside: by key or command, by a word in the code, by a file of
//! those that are known.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::super::Finding;
use crate::base::places::write_private;
use crate::base::text::hex;
use crate::base::{Failure, Result};
use crate::repo::{Diff, DiffKind};

/// The version of files of findings.
const VERSION: u32 = 1;
/// In the code, on the line or the one before: nothing is to be found here. With `(category)`
/// behind it, nothing of that category.
const WORD: &str = "homebody: ignore";

/// Prints of findings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dismissed(BTreeSet<String>);

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    /// What one finding has in common with itself after lines have moved.
    fingerprints: BTreeSet<String>,
}

/// What a finding has in common with itself after lines have moved: the file, the category and
/// the line's words. Titles differ from one answer to the next.
pub fn fingerprint(finding: &Finding) -> String {
    let mut hash = Sha256::new();
    hash.update(finding.path.as_str().as_bytes());
    hash.update([0]);
    let kind = finding.rule.as_deref().unwrap_or(&finding.category);
    hash.update(kind.as_bytes());
    for word in finding.quote.split_whitespace() {
        hash.update([0]);
        hash.update(word.as_bytes());
    }
    hex(hash.finalize().get(..16).unwrap_or_default())
}

impl Dismissed {
    /// From a file; one that is not there has none.
    ///
    /// # Errors
    /// Of kind input, if it cannot be read or is no such file.
    pub fn read(file: &Path) -> Result<Self> {
        let bytes = match fs::read(file) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => {
                let what = format!("cannot read {}", file.display());
                return Err(Failure::input(what).caused_by(&e));
            }
        };
        let read: File = serde_json::from_slice(&bytes).map_err(|e| {
            Failure::input(format!("{} is no file of findings", file.display()))
                .caused_by(&e)
                .hint("`homebody review --write-baseline FILE` writes one")
        })?;
        Ok(Self(read.fingerprints))
    }

    /// To a file.
    ///
    /// # Errors
    /// Of kind environment, if it cannot be written.
    pub fn write(&self, file: &Path) -> Result<()> {
        let written = File {
            version: VERSION,
            fingerprints: self.0.clone(),
        };
        let mut bytes = serde_json::to_vec_pretty(&written)
            .map_err(|e| Failure::bug("findings cannot be written").caused_by(&e))?;
        bytes.push(b'\n');
        write_private(file, &bytes)
    }

    /// Puts a finding aside. Tells whether it was not there.
    pub fn add(&mut self, finding: &Finding) -> bool {
        self.0.insert(fingerprint(finding))
    }

    /// Takes a finding back from there.
    pub fn remove(&mut self, finding: &Finding) {
        self.0.remove(&fingerprint(finding));
    }

    /// With those of another.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether a finding is put aside.
    pub fn has(&self, finding: &Finding) -> bool {
        !self.0.is_empty() && self.0.contains(&fingerprint(finding))
    }
}

/// Whether the code says that nothing is to be found at that line.
pub(super) fn is_silenced(finding: &Finding, diff: &Diff) -> bool {
    let file = diff.files.iter().find(|file| file.path == finding.path);
    let lines = file
        .into_iter()
        .flat_map(|file| &file.hunks)
        .flat_map(|hunk| &hunk.lines);
    let says = |text: &str| {
        let Some((_, rest)) = text.split_once(WORD) else {
            return false;
        };
        if rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            return false;
        }
        let rest = rest.trim_start();
        rest.strip_prefix('(').is_none_or(|of| {
            let of = of.split(')').next().unwrap_or_default();
            of.split(',').any(|word| word.trim() == finding.category)
        })
    };
    lines
        .filter(|line| line.kind != DiffKind::Removed)
        .filter(|line| {
            line.new
                .is_some_and(|new| new == finding.line || new + 1 == finding.line)
        })
        .any(|line| says(&line.text))
}
