//! States of models on disk, so that a text that was read once is not read again by the next
//! process. The files hold the text that the model was told: private files in a private folder.
//!
//! A file is: a mark (16 bytes), the key of the model (32 bytes), the number of tokens (8 bytes),
//! the tokens (4 bytes each), the state, and a checksum (SHA-256, 32 bytes) of all before it.
//! Numbers are little-endian.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

use crate::base::OrBug;
use crate::base::places::private_dir;
use crate::base::text::{hex, truncated};
use crate::model::checkpoint::Checkpoint;
use crate::model::gguf::Header;

/// The first bytes of a file; another form of the state gets another number.
const MARK: &[u8; 16] = b"homebody state 2";
/// The extension of a file's name.
const SUFFIX: &str = "state";
/// Bytes of weights that go into a model's key, from each of three places.
const SAMPLE: u64 = 1 << 20;
/// Age at which a file half written by a process that was killed is removed.
const STALE: Duration = Duration::from_secs(3600);

/// The purpose for which a state is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Purpose {
    /// The system block: every conversation begins with it.
    System,
    /// The last conversation: the next one to be kept takes its place.
    Last,
}

impl Purpose {
    const fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Last => "last",
        }
    }
}

/// The name of a model file by its content: a hash (SHA-256).
pub(in crate::engine) type ModelKey = [u8; 32];

/// The states of one model in one folder.
#[derive(Debug, Clone)]
pub(in crate::engine) struct DiskCache {
    dir: PathBuf,
    key: ModelKey,
    /// Bytes that all files of `dir` and the folders beside it may take.
    most: u64,
}

/// A state on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct Found {
    path: PathBuf,
    /// The tokens that the state stands for.
    pub tokens: Vec<u32>,
}

impl DiskCache {
    /// Takes a folder for the states of the model with that key; all files there and in the folders
    /// beside it may take `most` bytes.
    pub const fn new(dir: PathBuf, key: ModelKey, most: u64) -> Self {
        Self { dir, key, most }
    }

    /// Returns the path of a state's file: one for each system block; one for all conversations.
    fn path(&self, purpose: Purpose, tokens: &[u32]) -> PathBuf {
        // The digits of eight bytes.
        let short = |bytes: &[u8]| truncated(&hex(bytes), 16).to_owned();
        let mut name = format!("{}-{}", short(&self.key), purpose.word());
        if purpose == Purpose::System {
            let mut hash = Sha256::new();
            for token in tokens {
                hash.update(token.to_le_bytes());
            }
            name = format!("{name}-{}", short(&hash.finalize()));
        }
        self.dir.join(format!("{name}.{SUFFIX}"))
    }

    /// Lists the states of this model. A file that cannot be read is passed over: without it only
    /// time is lost.
    pub fn list(&self) -> Vec<Found> {
        let Ok(entries) = fs::read_dir(&self.dir) else {
            return Vec::new();
        };
        let mut found: Vec<Found> = entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                path.extension()
                    .is_some_and(|e| e == SUFFIX)
                    .then_some(())?;
                let tokens = self.tokens_of(&path).ok()?;
                Some(Found { path, tokens })
            })
            .collect();
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found
    }

    /// Reads the tokens of a file, if it is one of this model.
    fn tokens_of(&self, path: &Path) -> io::Result<Vec<u32>> {
        let size = fs::metadata(path)?.len();
        let mut from = BufReader::new(File::open(path)?);
        self.head(&mut from, size)
    }

    /// Reads a file's mark, key and tokens, and returns the tokens.
    fn head(&self, from: &mut dyn Read, size: u64) -> io::Result<Vec<u32>> {
        let broken = || io::Error::from(io::ErrorKind::InvalidData);
        let mut head = [0; 16 + 32 + 8];
        from.read_exact(&mut head)?;
        let (mark, rest) = head.split_at(16);
        let (key, count) = rest.split_at(32);
        if mark != MARK || key != self.key {
            return Err(broken());
        }
        let count = u64::from_le_bytes(count.try_into().map_err(|_| broken())?);
        if count.checked_mul(4).is_none_or(|bytes| bytes > size) {
            return Err(broken());
        }
        let mut bytes = vec![0; count as usize * 4];
        from.read_exact(&mut bytes)?;
        let tokens = bytes.as_chunks::<4>().0.iter();
        Ok(tokens.map(|b| u32::from_le_bytes(*b)).collect())
    }

    /// Loads a state. None where the file is gone, broken or of another model; then it is removed.
    pub fn load(&self, found: &Found) -> Option<Checkpoint> {
        let read = || -> io::Result<Checkpoint> {
            let size = fs::metadata(&found.path)?.len();
            let mut from = Hashed {
                inner: BufReader::with_capacity(1 << 20, File::open(&found.path)?),
                hash: Sha256::new(),
            };
            let tokens = self.head(&mut from, size)?;
            let checkpoint = Checkpoint::read(&mut from, size)?;
            let mut sum = [0; 32];
            from.inner.read_exact(&mut sum)?;
            let right = from.hash.finalize().as_slice() == sum
                && tokens == found.tokens
                && checkpoint.tokens() == tokens.len();
            if right {
                Ok(checkpoint)
            } else {
                Err(io::ErrorKind::InvalidData.into())
            }
        };
        match read() {
            Ok(checkpoint) => {
                // The file was of use: others go before it.
                let used = File::options().append(true).open(&found.path);
                let _ = used.and_then(|file| file.set_modified(SystemTime::now()));
                Some(checkpoint)
            }
            Err(_) => {
                let _ = fs::remove_file(&found.path);
                None
            }
        }
    }

    /// Tells whether the state behind the tokens is here for a purpose.
    pub fn has(&self, purpose: Purpose, tokens: &[u32]) -> bool {
        let held = self.tokens_of(&self.path(purpose, tokens));
        held.is_ok_and(|held| held == tokens)
    }

    /// Keeps a state; the oldest others go until all fit.
    ///
    /// # Errors
    /// Errors of the disk; unsupported, where the state cannot be written. Nothing is left behind.
    pub fn save(
        &self,
        purpose: Purpose,
        tokens: &[u32],
        checkpoint: &Checkpoint,
    ) -> io::Result<()> {
        let bytes = (MARK.len() + 32 + 8 + 32 + tokens.len() * 4 + checkpoint.file_bytes()) as u64;
        if bytes > self.most {
            return Ok(());
        }
        private_dir(&self.dir).map_err(|e| io::Error::other(e.to_string()))?;
        let path = self.path(purpose, tokens);
        self.make_room(bytes, &path)?;
        // A file that only its owner may read (0600), which takes its name when it is whole.
        let mut file = tempfile::Builder::new()
            .prefix(".writing-")
            .tempfile_in(&self.dir)?;
        self.write(file.as_file_mut(), tokens, checkpoint)?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    }

    /// Writes the content of a file.
    fn write(&self, file: &mut File, tokens: &[u32], checkpoint: &Checkpoint) -> io::Result<()> {
        let mut out = Hashed {
            inner: BufWriter::with_capacity(1 << 20, file),
            hash: Sha256::new(),
        };
        out.write_all(MARK)?;
        out.write_all(&self.key)?;
        out.write_all(&(tokens.len() as u64).to_le_bytes())?;
        for token in tokens {
            out.write_all(&token.to_le_bytes())?;
        }
        checkpoint.write(&mut out)?;
        let sum = out.hash.finalize();
        out.inner.write_all(&sum)?;
        out.inner.flush()
    }

    /// Removes the oldest files until `bytes` more fit in place of the one at `instead`, and the
    /// files that killed processes left.
    fn make_room(&self, bytes: u64, instead: &Path) -> io::Result<()> {
        let mut files = Vec::new();
        // Beside the root of a file system there is nothing.
        let around = self.dir.parent().unwrap_or(&self.dir);
        let folders = fs::read_dir(around)?.flatten();
        let folders = folders.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        // Another process may remove a folder meanwhile.
        for entry in folders
            .filter_map(|dir| fs::read_dir(dir.path()).ok())
            .flatten()
        {
            let entry = entry?;
            let facts = entry.metadata()?;
            // Where the file system keeps no times, every file is the oldest.
            let age = facts.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            if entry.path() == instead {
                continue;
            }
            if entry.path().extension().is_some_and(|e| e == SUFFIX) {
                files.push((age, facts.len(), entry.path()));
            } else if age.elapsed().is_ok_and(|age| age > STALE) {
                let _ = fs::remove_file(entry.path());
            }
        }
        files.sort();
        let mut taken: u64 = files.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in files {
            if taken + bytes <= self.most {
                break;
            }
            fs::remove_file(path)?;
            taken -= size;
        }
        Ok(())
    }
}

/// Hashes the key of a model: the sizes of its files, their whole headers, and some of their
/// weights.
///
/// # Errors
/// Errors of reading the files.
pub(in crate::engine) fn model_key(header: &Header) -> io::Result<ModelKey> {
    let mut hash = Sha256::new();
    hash.update(env!("CARGO_PKG_VERSION"));
    for part in &header.parts {
        let mut from = File::open(&part.path)?;
        hash.update(part.bytes.to_le_bytes());
        let mut head = Vec::new();
        Read::by_ref(&mut from)
            .take(part.data_start)
            .read_to_end(&mut head)?;
        hash.update(&head);
        let last = part.bytes.saturating_sub(SAMPLE);
        for place in [part.data_start, u64::midpoint(part.data_start, last), last] {
            from.seek(SeekFrom::Start(place))?;
            let mut sample = Vec::new();
            Read::by_ref(&mut from)
                .take(SAMPLE)
                .read_to_end(&mut sample)?;
            hash.update(&sample);
        }
    }
    Ok(hash.finalize().into())
}

/// A reader or writer that hashes the bytes that pass.
struct Hashed<T> {
    inner: T,
    hash: Sha256,
}

impl<T: Write> Write for Hashed<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(bytes)?;
        let written = bytes.get(..n);
        self.hash
            .update(written.or_bug("more was written than there is"));
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Hashed<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(bytes)?;
        let read = bytes.get(..n);
        self.hash
            .update(read.or_bug("more was read than was asked for"));
        Ok(n)
    }
}
