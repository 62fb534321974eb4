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
/// The word in the code, on the line or the one before, by which nothing is to be found there. With
/// `(category)` behind it, nothing of that category.
const WORD: &str = "homebody: ignore";

/// Fingerprints of findings that are put aside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dismissed(BTreeSet<String>);

#[derive(Serialize, Deserialize)]
struct DismissedFile {
    version: u32,
    /// Fingerprints: see [`fingerprint`].
    fingerprints: BTreeSet<String>,
}

/// The fingerprint of a finding, which stays the same when lines move: a hash of the file, the
/// category and the line's words, and of the secret where it is about one. Titles differ from one answer to the next.
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
    if let Some(secret) = &finding.secret {
        hash.update([0]);
        hash.update(secret.as_bytes());
    }
    hex(hash.finalize().as_slice().split_at(16).0)
}

impl Dismissed {
    /// Reads a file of fingerprints; one that is not there has none.
    ///
    /// # Errors
    /// Of kind input, if the file cannot be read or holds something else.
    pub fn read(file: &Path) -> Result<Self> {
        let bytes = match fs::read(file) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => {
                let what = format!("cannot read {}", file.display());
                return Err(Failure::input(what).caused_by(&e));
            }
        };
        let read: DismissedFile = serde_json::from_slice(&bytes).map_err(|e| {
            Failure::input(format!("{} is no file of findings", file.display()))
                .caused_by(&e)
                .hint("`homebody review --write-baseline FILE` writes one")
        })?;
        Ok(Self(read.fingerprints))
    }

    /// Writes the fingerprints to a file.
    ///
    /// # Errors
    /// Of kind environment, if the file cannot be written.
    pub fn write(&self, file: &Path) -> Result<()> {
        let written = DismissedFile {
            version: VERSION,
            fingerprints: self.0.clone(),
        };
        let mut bytes = serde_json::to_vec_pretty(&written)
            .map_err(|e| Failure::bug("findings cannot be written").caused_by(&e))?;
        bytes.push(b'\n');
        write_private(file, &bytes)
    }

    /// Puts a finding aside. Returns true if it was not there.
    pub fn add(&mut self, finding: &Finding) -> bool {
        self.0.insert(fingerprint(finding))
    }

    /// Takes a finding back, so that it is no longer put aside.
    pub fn remove(&mut self, finding: &Finding) {
        self.0.remove(&fingerprint(finding));
    }

    /// Adds the fingerprints of another.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Tells whether a finding is put aside.
    pub fn has(&self, finding: &Finding) -> bool {
        !self.0.is_empty() && self.0.contains(&fingerprint(finding))
    }
}

/// Tells whether the code says that nothing is to be found at the line of a finding.
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
            let of = of.split_once(')').map_or(of, |(inside, _)| inside);
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
