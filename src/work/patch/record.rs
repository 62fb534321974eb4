//! Records of applied patches, from which `undo` works; kept outside the repository.
//!
//! A record says which text is to be written where, so each bears a code over its folder and its
//! text that only the holder of this user's key can make (HMAC-SHA-256, RFC 2104): a record that
//! somebody else has laid there, or brought from another repository, is told from ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::own_encoding::encoded;
use super::write::UndoDir;
use crate::base::encoding::TextEncoding;
use crate::base::failure::io_failure;
use crate::base::places::{private_dir, write_private};
use crate::base::text::hex;
use crate::base::{Failure, RepoPath, Result};

/// Records that are kept.
const MOST: usize = 50;
/// Bytes of the largest record that is read back.
const LARGEST: u64 = 1 << 30;

/// The stages in the writing of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WriteStage {
    /// Files are being changed: found at a start, this is a patch that was interrupted.
    Applying,
    /// All files are written.
    Applied,
    /// Files are put back, and their record is about to go: found at a start, this is an undo that
    /// was interrupted. Older versions said so in the record of the patch itself.
    Undoing,
}

/// A file of a record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The file, by its name before; for a new file, the new one.
    pub path: RepoPath,
    /// The name after, where the file was renamed.
    pub renamed_to: Option<RepoPath>,
    /// The text before; none for a new file.
    pub before: Option<String>,
    /// The hash of the text after (SHA-256 in hex); none for a deleted file.
    pub after_hash: Option<String>,
    /// The text after, from which an undo tells what was changed since; none for a deleted file,
    /// and in records of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The name of the file's encoding; none for UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Permissions before, on Unix.
    pub mode: Option<u32>,
}

impl Entry {
    /// The path at which the text after stands.
    pub fn target(&self) -> &RepoPath {
        self.renamed_to.as_ref().unwrap_or(&self.path)
    }

    /// The encoding of the file.
    pub fn encoding(&self) -> Result<TextEncoding> {
        let Some(name) = &self.encoding else {
            return Ok(TextEncoding::UTF_8);
        };
        TextEncoding::named(name).ok_or_else(|| {
            Failure::environment("an undo record names an encoding that is not known").because(name)
        })
    }

    /// The bytes of a text in the encoding of the file.
    pub fn bytes(&self, text: &str) -> Result<Vec<u8>> {
        encoded(&self.path, self.encoding()?, text)
    }
}

/// The changes of a patch, with all that is needed to take them back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub number: u64,
    pub state: WriteStage,
    pub files: Vec<Entry>,
    /// Folders that were made, outermost first.
    pub folders: Vec<RepoPath>,
    /// The number of the record that this one takes back: it is the record of an undo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<u64>,
    /// True if the record stays when its undo is done, since it holds what would be lost.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keeps: bool,
    /// True if the record is ours by its code, or was made by this process.
    #[serde(skip)]
    pub own: bool,
}

/// The text before the code in the first line of a record.
const MARK: &str = "homebody undo record ";

/// Reads the key, or makes it at the first use.
fn key(file: &Path) -> Result<Vec<u8>> {
    if let Some(folder) = file.parent() {
        private_dir(folder)?;
    }
    let failed = |e: &std::io::Error| io_failure(format!("cannot read {}", file.display()), e);
    match fs::read(file) {
        Ok(key) if key.len() == KEY => return Ok(key),
        // By a key that is cut off no record is known to be ours, and by a new one neither.
        Ok(_) => {}
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(failed(&e)),
    }
    let mut key = vec![0; KEY];
    getrandom::fill(&mut key)
        .map_err(|e| Failure::environment("the system gives no random bytes").caused_by(&e))?;
    write_private(file, &key)?;
    Ok(key)
}

/// Bytes of the key.
const KEY: usize = 32;

/// The code of a record with that text, still open.
fn code(undo: &UndoDir, text: &[u8]) -> Result<Hmac<Sha256>> {
    let mut code = Hmac::<Sha256>::new_from_slice(&key(&undo.key)?)
        .map_err(|e| Failure::bug("a key of no length").caused_by(&e))?;
    let dir = undo.dir.as_os_str().as_encoded_bytes();
    code.update(&(dir.len() as u64).to_le_bytes());
    code.update(dir);
    code.update(text);
    Ok(code)
}

/// The text of a record, and the code that it bears; none where it bears no code, or one that is
/// no code.
fn parts(bytes: &[u8]) -> (&[u8], Option<Vec<u8>>) {
    let marked = bytes.strip_prefix(MARK.as_bytes());
    let Some((line, text)) = marked.and_then(|rest| {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        Some((rest.get(..end)?, rest.get(end + 1..)?))
    }) else {
        return (bytes, None);
    };
    let digits = line.chunks_exact(2).map(|two| {
        let two = std::str::from_utf8(two).ok()?;
        u8::from_str_radix(two, 16).ok()
    });
    (text, digits.collect())
}

/// The SHA-256 of some bytes, in hex.
pub(super) fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The file of the record with that number.
fn file_of(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:08}.json"))
}

/// The numbers of the records there are, oldest first.
pub(super) fn numbers(dir: &Path) -> Result<Vec<u64>> {
    let failed = |e: &std::io::Error| io_failure(format!("cannot read {}", dir.display()), e);
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir).map_err(|e| failed(&e))? {
        let name = entry.map_err(|e| failed(&e))?.file_name();
        // Other files (the lock, records set aside) are no records.
        if let Some(number) = name
            .to_str()
            .and_then(|name| name.strip_suffix(".json"))
            .and_then(|stem| stem.parse().ok())
        {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

impl Record {
    /// Reads a record, and checks its code.
    pub fn load(undo: &UndoDir, number: u64) -> Result<Self> {
        let file = file_of(&undo.dir, number);
        let failed = |e: &std::io::Error| io_failure(format!("cannot read {}", file.display()), e);
        if fs::metadata(&file).map_err(|e| failed(&e))?.len() > LARGEST {
            return Err(Failure::environment(format!(
                "{} is too large to be an undo record",
                file.display()
            )));
        }
        let bytes = fs::read(&file).map_err(|e| failed(&e))?;
        let (text, said) = parts(&bytes);
        let mut record: Self = serde_json::from_slice(text).map_err(|e| {
            Failure::environment(format!("the undo record {} is broken", file.display()))
                .because(e)
                .hint("move it away; the patches before it can then be undone")
        })?;
        record.own = match said {
            Some(said) => code(undo, text)?.verify_slice(&said).is_ok(),
            None => false,
        };
        Ok(record)
    }

    /// The stage of a patch, without the rest of its record; none where the record cannot be read
    /// ([`Record::load`] says why).
    pub fn state_of(dir: &Path, number: u64) -> Option<WriteStage> {
        #[derive(Deserialize)]
        struct Only {
            state: WriteStage,
        }
        let bytes = fs::read(file_of(dir, number)).ok()?;
        let only: Only = serde_json::from_slice(parts(&bytes).0).ok()?;
        Some(only.state)
    }

    /// Writes the record through to the disk.
    pub fn save(&self, undo: &UndoDir) -> Result<()> {
        let text = serde_json::to_vec(self)
            .map_err(|e| Failure::bug("an undo record cannot be written as JSON").because(e))?;
        let code = hex(&code(undo, &text)?.finalize().into_bytes());
        let bytes = [MARK.as_bytes(), code.as_bytes(), b"\n", &text].concat();
        write_private(&file_of(&undo.dir, self.number), &bytes)?;
        sync_folder(&undo.dir);
        Ok(())
    }

    /// Removes the record.
    pub fn remove(&self, dir: &Path) -> Result<()> {
        let file = file_of(dir, self.number);
        fs::remove_file(&file)
            .map_err(|e| io_failure(format!("cannot remove {}", file.display()), &e))?;
        sync_folder(dir);
        Ok(())
    }

    /// Puts the record out of the way, where a person can still find the texts in it.
    pub fn set_aside(&self, dir: &Path) -> Result<PathBuf> {
        let aside = dir.join(format!("{:08}.unfinished", self.number));
        fs::rename(file_of(dir, self.number), &aside)
            .map_err(|e| io_failure(format!("cannot write {}", aside.display()), &e))?;
        sync_folder(dir);
        Ok(aside)
    }
}

impl UndoDir {
    /// Makes records that have come here, folder and all, from another place ours, as far as they
    /// were so there.
    ///
    /// # Errors
    /// Of kind environment, where a record cannot be read or written.
    pub fn follow(&self, from: &Self) -> Result<()> {
        // Without a folder there are none.
        for number in numbers(&self.dir).unwrap_or_default() {
            let bytes = fs::read(file_of(&self.dir, number))
                .map_err(|e| io_failure("an undo record cannot be read", &e))?;
            let (text, said) = parts(&bytes);
            let ours = said.is_some_and(|said| {
                code(from, text).is_ok_and(|code| code.verify_slice(&said).is_ok())
            });
            if ours {
                // Its time is that of the patch.
                let time = time_of(&self.dir, number);
                Record::load(self, number)?.save(self)?;
                set_time(&file_of(&self.dir, number), time);
            }
        }
        Ok(())
    }
}

/// Gives a file back its time; one that stays new does no harm.
fn set_time(file: &Path, time: Option<SystemTime>) {
    if let (Some(time), Ok(file)) = (time, fs::File::options().write(true).open(file)) {
        let _ = file.set_modified(time);
    }
}

/// The time when a record was written last; none where the system does not tell.
pub(super) fn time_of(dir: &Path, number: u64) -> Option<SystemTime> {
    fs::metadata(file_of(dir, number)).ok()?.modified().ok()
}

/// Removes the oldest records beyond the number that is kept.
pub(super) fn prune(dir: &Path) {
    if let Ok(numbers) = numbers(dir) {
        for number in numbers.iter().rev().skip(MOST) {
            // An old record that stays does no harm.
            let _ = fs::remove_file(file_of(dir, *number));
        }
    }
}

/// Makes renames in a folder last through a crash, where the system can do that.
pub(super) fn sync_folder(dir: &Path) {
    #[cfg(unix)]
    if let Ok(dir) = fs::File::open(dir) {
        // Some file systems refuse it; the renames are done all the same.
        let _ = dir.sync_all();
    }
    #[cfg(not(unix))]
    let _ = dir;
}
