//! Marks that tell a file that was looked at from another one of its name.

use std::fs::Metadata;
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

/// Size in bytes, time of writing and time of the last change of any sort (both in nanoseconds since
/// 1970), and the file's number on the disk. The last two are 0 where the system does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp(u64, i128, i128, u64);

impl FileStamp {
    /// The marks of a file as it is now.
    ///
    /// # Errors
    /// Those of the system.
    pub fn of(file: &Path) -> io::Result<Self> {
        let facts = file.metadata()?;
        // A file may say that it was written before 1970.
        let written = facts.modified()?.duration_since(UNIX_EPOCH);
        let written = written.map_or(0, |time| time.as_nanos() as i128);
        let (changed, number) = changed(&facts);
        Ok(Self(facts.len(), written, changed, number))
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
