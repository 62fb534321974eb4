//! A model file in memory, without a copy: its pages are the system's own, shared by all
//! processes that run the same model, and given up first when memory is short.

use std::fs::File;
use std::path::Path;

use crate::base::failure::io_failure;
use crate::base::{Cancel, Failure, Result};

/// Bytes that are brought in between two looks at the cancel.
const STEP: usize = 16 << 20;
/// Size of the smallest pages of memory that systems have, in bytes.
const PAGE: usize = 4096;

/// The bytes of a file.
#[derive(Debug)]
pub struct Mapping {
    map: Bytes,
}

#[derive(Debug)]
enum Bytes {
    Mapped(memmap2::Mmap),
    /// Bytes made from a file's, for code that reads mappings.
    Owned(Vec<u8>),
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl Mapping {
    /// Maps a file.
    ///
    /// # Errors
    /// Of kind environment, if it cannot be opened or mapped.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |e: &std::io::Error| io_failure(format!("cannot open {}", path.display()), e);
        let file = File::open(path).map_err(|e| failed(&e))?;
        // SAFETY: the map is only read, as bytes, for which every value is good. What no
        // program can rule out is that another one shortens the file meanwhile: then a read
        // beyond its end ends this process (SIGBUS); it harms nothing else. homebody's own
        // downloads never write to a file that has its final name.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(|e| failed(&e))?;
        Ok(Self {
            map: Bytes::Mapped(map),
        })
    }

    /// A mapping of bytes that lie in no file.
    pub const fn owned(bytes: Vec<u8>) -> Self {
        Self {
            map: Bytes::Owned(bytes),
        }
    }

    /// Brings the file in, so that the first token does not wait for the disk. `progress` goes
    /// from 0 to 1.
    ///
    /// # Errors
    /// Interrupted, if cancelled.
    pub fn bring_in(&self, cancel: &Cancel, progress: &mut dyn FnMut(f32)) -> Result<()> {
        #[cfg(unix)]
        {
            // A hint to the system; nothing depends on it.
            if let Bytes::Mapped(map) = &self.map {
                let _ = map.advise(memmap2::Advice::WillNeed);
            }
        }
        let mut sum = 0_u8;
        for (i, step) in self.map.chunks(STEP).enumerate() {
            if cancel.is_cancelled() {
                return Err(Failure::interrupted());
            }
            for byte in step.iter().step_by(PAGE) {
                sum ^= byte;
            }
            let done = (i + 1) * STEP;
            progress((done as f32 / self.map.len() as f32).min(1.0));
        }
        std::hint::black_box(sum);
        Ok(())
    }

    /// Returns all bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }
}
