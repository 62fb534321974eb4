//! Texts in the encodings of their files.

use std::path::Path;

use super::Change;
use super::disk::{Stands, stands};
use crate::base::encoding::{TextEncoding, utf16};
use crate::base::{Failure, RepoPath, Result};

/// The bytes of a text in a file's encoding.
///
/// # Errors
/// Of kind input, where a character of the text cannot be written in it.
pub(super) fn encoded(path: &RepoPath, encoding: TextEncoding, text: &str) -> Result<Vec<u8>> {
    encoding.encode(text).ok_or_else(|| {
        let c = encoding.first_unmappable(text);
        let c = c.map_or_else(String::new, |c| {
            format!(": `{c}` cannot be written in that")
        });
        Failure::input(format!("`{path}` is in {}{c}", encoding.name()))
            .hint("ask for the change in letters that the file can hold, or convert it to UTF-8")
    })
}

/// The unified diff of a change with the lines of each file in that file's encoding, as `git apply`
/// wants them. A file in UTF-16 is binary to git, and its lines are in UTF-8.
pub fn to_unified_bytes(root: &Path, change: &Change) -> Vec<u8> {
    let mut all = Vec::new();
    for file in &change.files {
        let alone = Change {
            files: vec![file.clone()],
        };
        let text = alone.to_unified();
        let encoding = file.before.as_ref().and_then(|before| {
            // What cannot be read any more is shown as it was planned.
            let Ok(Stands::File { bytes, .. }) = stands(root, &file.path) else {
                return None;
            };
            utf16(&bytes).is_none().then_some(())?;
            TextEncoding::in_which(&bytes, before)
        });
        let bytes = encoding.and_then(|encoding| encoding.encode(&text));
        all.extend(bytes.unwrap_or_else(|| text.into_bytes()));
    }
    all
}
