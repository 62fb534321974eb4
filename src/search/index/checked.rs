//! Checksums of what is kept on disk: what was damaged is found before it is believed, and made
//! anew.
//!
//! Files of ours end with a checksum (CRC-32) of all before it. Those of tantivy's have their own,
//! which it does not look at when it opens them: a wrong length in one of them then asks for
//! gigabytes, or ends in a panic. They are never written again once they are there, so each is
//! looked at once, and a list says which were found in order, by size, time and number: what a
//! search costs does not grow with the index.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::snapshot::failed;
use crate::base::file_stamp::FileStamp;
use crate::base::places::write_private;
use crate::base::{Failure, Result};

/// Bytes that stand before the checksum.
const MARK: &[u8] = b"\ncrc32 ";
/// Digits of a checksum.
const DIGITS: usize = 8;
/// The file that says which files of tantivy's are in order.
const LIST: &str = "checked.json";

/// Writes a private file that ends with its checksum.
///
/// # Errors
/// Of kind environment, where it cannot be written.
pub(super) fn write(file: &Path, mut bytes: Vec<u8>) -> Result<()> {
    let sum = format!("{:0DIGITS$x}", crc32fast::hash(&bytes));
    bytes.extend_from_slice(MARK);
    bytes.extend_from_slice(sum.as_bytes());
    write_private(file, &bytes)
}

/// Reads a file that [`write`] has written.
///
/// # Errors
/// Those of the disk; of invalid data, where it is another file than was written.
pub(super) fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = fs::read(file)?;
    let body = body(&bytes).ok_or(io::ErrorKind::InvalidData)?.len();
    bytes.truncate(body);
    Ok(bytes)
}

/// Returns the bytes before the checksum; none if it is not theirs, or missing.
fn body(bytes: &[u8]) -> Option<&[u8]> {
    let (rest, sum) = bytes.split_at_checked(bytes.len().checked_sub(DIGITS)?)?;
    let body = rest.strip_suffix(MARK)?;
    let sum = u32::from_str_radix(std::str::from_utf8(sum).ok()?, 16).ok()?;
    (crc32fast::hash(body) == sum).then_some(body)
}

/// Looks at the checksums of an index's files in `dir/tantivy` that were not looked at before, and
/// checks that there are `pieces` documents by tantivy's list, which has no checksum of its own.
///
/// # Errors
/// Of kind environment, where one is not as it was written.
pub(super) fn verify(dir: &Path, index: &tantivy::Index, pieces: u64) -> Result<()> {
    let damaged = |name: &Path| {
        Failure::environment("the index was damaged")
            .because(format!("{} is not as it was written", name.display()))
    };
    let list = dir.join(LIST);
    // Where there is no list, or a damaged one, nothing was looked at before.
    let known: BTreeMap<String, FileStamp> = read(&list)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let mut now = BTreeMap::new();
    let metas = index.load_metas();
    let metas = metas.map_err(|e| failed("the index was damaged", &e))?;
    let there: u64 = metas
        .segments
        .iter()
        .map(|segment| u64::from(segment.num_docs()))
        .sum();
    if there != pieces {
        return Err(damaged(Path::new("meta.json")));
    }
    for name in metas.list_segment_files() {
        let file = super::store::pieces_dir(dir).join(&name);
        // Not every segment has each of them; those that must be there are missed when it is
        // opened.
        let Ok(stamp) = FileStamp::of(&file) else {
            continue;
        };
        let key = name.to_string_lossy().into_owned();
        if known.get(&key) != Some(&stamp) {
            match index.directory().validate_checksum(&name) {
                Ok(true) => {}
                Ok(false) => return Err(damaged(&name)),
                // A merge has just taken it away; or it is broken.
                Err(_) if FileStamp::of(&file).is_err() => {}
                Err(e) => return Err(damaged(&name).because(e)),
            }
        }
        now.insert(key, stamp);
    }
    if now != known {
        let bytes = serde_json::to_vec(&now)
            .map_err(|e| Failure::bug("a list of files cannot be written").because(e))?;
        // Where it cannot be kept, all are looked at again next time.
        if let Err(failure) = write(&list, bytes) {
            log::info!("{failure}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_byte_that_changes_is_found() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("f");
        write(&file, b"some words".to_vec()).expect("written");
        assert_eq!(read(&file).expect("read"), b"some words");
        let whole = fs::read(&file).expect("read");
        for at in 0..whole.len() {
            for flip in [1, 0x20, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                // Digits of a checksum in other letters say the same.
                if bytes.eq_ignore_ascii_case(&whole) && at > whole.len() - DIGITS {
                    continue;
                }
                fs::write(&file, bytes).expect("written");
                assert!(read(&file).is_err(), "{at} {flip}");
            }
        }
        for end in 0..whole.len() {
            fs::write(&file, &whole[..end]).expect("written");
            assert!(read(&file).is_err(), "{end}");
        }
    }
}
