//! SHA-256 of files, with progress.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::progress::Meter;
use crate::base::failure::io_failure;
use crate::base::{Cancel, Failure, Result};

/// Bytes read at a time.
pub(super) const PIECE: usize = 256 << 10;

/// The hexadecimal digits of a finished sum.
pub(super) fn hex(sum: Sha256) -> String {
    crate::base::text::hex(&sum.finalize())
}

/// The SHA-256 of whole files, one after another, in hexadecimal digits.
pub(super) fn of_files(
    paths: &[PathBuf],
    cancel: &Cancel,
    meter: &mut Meter<'_>,
) -> Result<String> {
    let mut sum = Sha256::new();
    let mut before = 0;
    for path in paths {
        meter.from(before);
        before += add_file(&mut sum, path, u64::MAX, cancel, meter)?;
    }
    Ok(hex(sum))
}

/// Adds the first `limit` bytes of a file to a sum; returns how many there were.
pub(super) fn add_file(
    sum: &mut Sha256,
    path: &Path,
    limit: u64,
    cancel: &Cancel,
    meter: &mut Meter<'_>,
) -> Result<u64> {
    let failed = |e| io_failure(format!("cannot read {}", path.display()), &e);
    let mut file = File::open(path).map_err(failed)?.take(limit);
    let mut piece = vec![0; PIECE];
    let mut done = 0;
    loop {
        cancel.check()?;
        let n = match file.read(&mut piece) {
            Ok(0) => return Ok(done),
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(failed(e)),
        };
        let read = piece
            .get(..n)
            .ok_or_else(|| Failure::bug("a read was longer than its buffer"))?;
        sum.update(read);
        done += n as u64;
        meter.at(done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_known_one() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("x");
        std::fs::write(&file, "abc").expect("written");
        let mut quiet = |_: &super::super::Progress| {};
        let mut sum = |files: &[PathBuf]| {
            of_files(files, &Cancel::never(), &mut Meter::new(&mut quiet)).expect("summed")
        };
        let parts = [dir.path().join("1"), dir.path().join("2")];
        std::fs::write(&parts[0], "a").expect("written");
        std::fs::write(&parts[1], "bc").expect("written");
        assert_eq!(sum(&parts), sum(std::slice::from_ref(&file)));
        assert_eq!(
            sum(&[file]),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
