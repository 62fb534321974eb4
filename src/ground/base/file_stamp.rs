//! Marks that tell a file that was looked at from another one of its name.

use std::fs::Metadata;
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Size in bytes, time of writing and time of the last change of any sort (both in nanoseconds since
/// 1970), and the file's number on the disk. Times and number are 0 where the system does not tell;
/// the default is no file's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp(u64, i128, i128, u64);

impl FileStamp {
    /// The marks of a file as it is now.
    ///
    /// # Errors
    /// Those of the system.
    pub fn of(file: &Path) -> io::Result<Self> {
        Ok(Self::from(&file.metadata()?))
    }

    /// Size in bytes.
    pub const fn bytes(&self) -> u64 {
        self.0
    }

    /// The time of the change that came last, in nanoseconds since 1970; 0 where the system does
    /// not tell. Programs can set a file's time of writing, but not that of its last change, which
    /// counts alone where there is one.
    pub const fn last_change(&self) -> i128 {
        if self.2 == 0 { self.1 } else { self.2 }
    }

    /// The marks as bytes, to be hashed.
    pub fn to_bytes(&self) -> [u8; 48] {
        let mut all = [0; 48];
        all[..8].copy_from_slice(&self.0.to_le_bytes());
        all[8..24].copy_from_slice(&self.1.to_le_bytes());
        all[24..40].copy_from_slice(&self.2.to_le_bytes());
        all[40..].copy_from_slice(&self.3.to_le_bytes());
        all
    }
}

impl From<&Metadata> for FileStamp {
    fn from(facts: &Metadata) -> Self {
        let (changed, number) = changed(facts);
        // Not every file system keeps times.
        let written = facts.modified().map_or(0, nanoseconds);
        Self(facts.len(), written, changed, number)
    }
}

/// A time in nanoseconds since 1970; a file may say that it was written before that.
pub fn nanoseconds(time: SystemTime) -> i128 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

#[cfg(unix)]
fn changed(facts: &Metadata) -> (i128, u64) {
    use std::os::unix::fs::MetadataExt as _;
    let seconds = i128::from(facts.ctime());
    let nanoseconds = seconds * 1_000_000_000 + i128::from(facts.ctime_nsec());
    (nanoseconds, facts.ino())
}

#[cfg(not(unix))]
const fn changed(_: &Metadata) -> (i128, u64) {
    (0, 0)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn another_file_of_the_same_size_and_time_is_another() {
        let dir = tempfile::tempdir().expect("a folder");
        let (file, other) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::write(&file, "one").expect("written");
        let first = FileStamp::of(&file).expect("there");
        assert_eq!(FileStamp::of(&file).expect("there"), first);
        let time = file.metadata().and_then(|facts| facts.modified());
        std::fs::write(&other, "two").expect("written");
        let opened = std::fs::File::options().write(true).open(&other);
        let opened = opened.expect("opened");
        opened.set_modified(time.expect("a time")).expect("set");
        std::fs::rename(&other, &file).expect("renamed");
        let second = FileStamp::of(&file).expect("there");
        assert_eq!((second.0, second.1), (first.0, first.1));
        assert_ne!(second, first);
    }
}
