//! Writing a GGUF file: the header at once, then the tensors' bytes as they come, so that a
//! file of any size takes no memory.
//!
//! The order is fixed by the list of tensors; [`Writer::write`] takes their bytes one tensor
//! after another, in pieces of any size. A file that is not finished is deleted.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::{TensorInfo, Value, type_layout};
use crate::base::failure::io_failure;
use crate::base::{Failure, Result};

/// Version of the format that is written.
const VERSION: u32 = 3;
/// Alignment of tensors, in bytes.
const ALIGNMENT: u64 = 32;
/// Bytes collected before the system is asked to write them.
const BUFFER: usize = 1 << 20;

/// A tensor that will be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The tensor's name.
    pub name: String,
    /// The tensor's shape in the file's order, the fastest dimension first.
    pub shape: Vec<u64>,
    /// The number of the tensor's type, see [`super::type_name`].
    pub kind: u32,
}

impl From<&TensorInfo> for Planned {
    fn from(tensor: &TensorInfo) -> Self {
        Self {
            name: tensor.name.clone(),
            shape: tensor.shape.clone(),
            kind: tensor.kind,
        }
    }
}

impl Planned {
    /// Counts the bytes of the tensor; none where its rows are no whole blocks or its type is not
    /// known.
    pub fn bytes(&self) -> Option<u64> {
        let (_, block, block_bytes) = type_layout(self.kind)?;
        let width = *self.shape.first()?;
        let elements = self
            .shape
            .iter()
            .try_fold(1_u64, |product, n| product.checked_mul(*n))?;
        (elements > 0 && width.is_multiple_of(block))
            .then(|| (elements / block).checked_mul(block_bytes))?
    }
}

/// A GGUF file that is being written.
#[derive(Debug)]
pub struct Writer {
    to: BufWriter<File>,
    path: PathBuf,
    /// Bytes of each tensor that is not written yet, the next one last.
    left: Vec<u64>,
    /// Bytes of the next tensor that were written.
    written: u64,
    /// Bytes of all tensors, the padding between them included.
    total: u64,
    finished: bool,
}

impl Writer {
    /// Creates the file, in the place of one that is there, and writes its header. Numbers
    /// take the narrowest of the format's usual types that holds them: 32 bits, else 64.
    ///
    /// # Errors
    /// Of kind environment, if it cannot be written; of kind bug for a tensor whose rows are
    /// no whole blocks, and for an array of values of several types.
    pub fn create(path: &Path, metadata: &[(String, Value)], tensors: &[Planned]) -> Result<Self> {
        let (header, sizes) = header(metadata, tensors)?;
        let file = File::create(path).map_err(|e| failed(path, &e))?;
        let mut writer = Self {
            to: BufWriter::with_capacity(BUFFER, file),
            path: path.to_owned(),
            total: sizes.iter().map(|n| n.next_multiple_of(ALIGNMENT)).sum(),
            left: sizes.into_iter().rev().collect(),
            written: 0,
            finished: false,
        };
        writer.put(&header)?;
        Ok(writer)
    }

    /// Counts the bytes of all tensors, the padding between them included.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Writes the next bytes of the next tensor.
    ///
    /// # Errors
    /// Of kind environment, if the disk takes no more; of kind bug for bytes beyond the
    /// tensor's end.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let too_many = || Failure::bug("more bytes than the tensor has");
        let size = self.left.last().copied().ok_or_else(too_many)?;
        self.written += bytes.len() as u64;
        if self.written > size {
            return Err(too_many());
        }
        self.put(bytes)?;
        if self.written == size {
            let padding = size.next_multiple_of(ALIGNMENT) - size;
            self.put(&vec![0; padding as usize])?;
            self.left.pop();
            self.written = 0;
        }
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// Of kind environment, if the disk takes no more; of kind bug, if tensors are missing.
    pub fn finish(mut self) -> Result<()> {
        if !self.left.is_empty() {
            return Err(Failure::bug("not all tensors were written"));
        }
        self.to.flush().map_err(|e| failed(&self.path, &e))?;
        self.finished = true;
        Ok(())
    }

    /// Ends the file with a hole in the place of all tensors, which reads as zeros and takes no
    /// room where the file system knows holes.
    ///
    /// # Errors
    /// Of kind environment, if the file cannot be so long.
    pub fn leave_hole(mut self) -> Result<()> {
        let whole = self
            .to
            .flush()
            .and_then(|()| self.to.stream_position())
            .and_then(|end| self.to.get_ref().set_len(end + self.total));
        whole.map_err(|e| failed(&self.path, &e))?;
        self.finished = true;
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.to.write_all(bytes).map_err(|e| failed(&self.path, &e))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // A device is no file of ours, whatever was tried with it.
        if !self.finished && self.path.is_file() {
            // Nothing is lost where it stays: it is refused as truncated.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    io_failure(format!("cannot write {}", path.display()), error)
}

/// Returns the bytes of the header, padded to where the first tensor begins, and the size of each
/// tensor in bytes.
fn header(metadata: &[(String, Value)], tensors: &[Planned]) -> Result<(Vec<u8>, Vec<u64>)> {
    let mut out = b"GGUF".to_vec();
    out.extend(VERSION.to_le_bytes());
    out.extend((tensors.len() as u64).to_le_bytes());
    out.extend((metadata.len() as u64).to_le_bytes());
    for (key, value) in metadata {
        text(&mut out, key);
        let kind = kind_of(std::slice::from_ref(value))?;
        out.extend(kind.to_le_bytes());
        put_value(&mut out, value, kind)?;
    }
    let mut sizes = Vec::with_capacity(tensors.len());
    let mut offset = 0_u64;
    for tensor in tensors {
        let bytes = tensor.bytes().ok_or_else(|| {
            Failure::bug(format!(
                "the tensor {} of type {} cannot have the shape {:?}",
                tensor.name, tensor.kind, tensor.shape
            ))
        })?;
        text(&mut out, &tensor.name);
        out.extend((tensor.shape.len() as u32).to_le_bytes());
        for n in &tensor.shape {
            out.extend(n.to_le_bytes());
        }
        out.extend(tensor.kind.to_le_bytes());
        out.extend(offset.to_le_bytes());
        offset += bytes.next_multiple_of(ALIGNMENT);
        sizes.push(bytes);
    }
    out.resize(out.len().next_multiple_of(ALIGNMENT as usize), 0);
    Ok((out, sizes))
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

/// Returns the number of the narrowest usual type that holds all of the values.
fn kind_of(values: &[Value]) -> Result<u32> {
    type Fits = fn(&Value) -> bool;
    let all = |fits: Fits| values.iter().all(fits);
    let kinds: [(u32, Fits); 9] = [
        (
            4,
            |v| matches!(v, Value::Unsigned(n) if u32::try_from(*n).is_ok()),
        ),
        (10, |v| matches!(v, Value::Unsigned(_))),
        (
            5,
            |v| matches!(v, Value::Signed(n) if i32::try_from(*n).is_ok()),
        ),
        (11, |v| matches!(v, Value::Signed(_))),
        (6, |v| matches!(v, Value::Float(x) if narrow(*x))),
        (12, |v| matches!(v, Value::Float(_))),
        (7, |v| matches!(v, Value::Bool(_))),
        (8, |v| matches!(v, Value::Text(_))),
        (9, |v| matches!(v, Value::Array(_))),
    ];
    kinds
        .into_iter()
        .find(|(_, fits)| all(*fits))
        .map(|(kind, _)| kind)
        .ok_or_else(|| Failure::bug("an array of values of several types"))
}

/// Tells whether a float of 32 bits is that very number.
fn narrow(x: f64) -> bool {
    x.is_nan() || f64::from(x as f32).to_bits() == x.to_bits()
}

fn put_value(out: &mut Vec<u8>, value: &Value, kind: u32) -> Result<()> {
    match (value, kind) {
        (Value::Unsigned(n), 4) => out.extend((*n as u32).to_le_bytes()),
        (Value::Unsigned(n), _) => out.extend(n.to_le_bytes()),
        (Value::Signed(n), 5) => out.extend((*n as i32).to_le_bytes()),
        (Value::Signed(n), _) => out.extend(n.to_le_bytes()),
        (Value::Float(x), 6) => out.extend((*x as f32).to_le_bytes()),
        (Value::Float(x), _) => out.extend(x.to_le_bytes()),
        (Value::Bool(yes), _) => out.push(u8::from(*yes)),
        (Value::Text(words), _) => text(out, words),
        (Value::Array(values), _) => {
            let inner = kind_of(values)?;
            out.extend(inner.to_le_bytes());
            out.extend((values.len() as u64).to_le_bytes());
            for value in values {
                put_value(out, value, inner)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Kind;
    use crate::model::gguf::Header;

    fn planned(name: &str, shape: &[u64], kind: u32) -> Planned {
        Planned {
            name: name.to_owned(),
            shape: shape.to_vec(),
            kind,
        }
    }

    fn metadata() -> Vec<(String, Value)> {
        let text = |text: &str| Value::Text(text.to_owned());
        [
            ("general.architecture", text("llama")),
            ("small", Value::Unsigned(7)),
            ("large", Value::Unsigned(1 << 40)),
            ("below", Value::Signed(-3)),
            ("far", Value::Signed(-(1 << 40))),
            ("narrow", Value::Float(f64::from(1e-6_f32))),
            ("wide", Value::Float(0.1)),
            ("yes", Value::Bool(true)),
            ("words", Value::Array(vec![text("a"), text("ä\u{0}")])),
            (
                "mixed",
                Value::Array(vec![Value::Unsigned(1), Value::Unsigned(1 << 33)]),
            ),
            (
                "nested",
                Value::Array(vec![
                    Value::Array(vec![Value::Bool(false)]),
                    Value::Array(vec![]),
                ]),
            ),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .to_vec()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("m.gguf");
        // Every type that there is, with sizes that need padding.
        let tensors: Vec<Planned> = (0..64)
            .filter_map(|kind| type_layout(kind).map(|(name, block, _)| (name, block, kind)))
            .map(|(name, block, kind)| planned(name, &[block * 3, 1], kind))
            .collect();
        let mut writer = Writer::create(&path, &metadata(), &tensors).expect("created");
        for (i, tensor) in tensors.iter().enumerate() {
            let bytes = vec![i as u8 + 1; tensor.bytes().expect("a size") as usize];
            for piece in bytes.chunks(7) {
                writer.write(piece).expect("written");
            }
        }
        let total = writer.total();
        writer.finish().expect("finished");
        let header = Header::read(&path).expect("a header");
        for (key, value) in metadata() {
            assert_eq!(header.metadata.get(&key), Some(&value), "{key}");
        }
        assert_eq!(header.metadata.len(), metadata().len());
        let file = std::fs::read(&path).expect("there");
        assert_eq!(file.len() as u64, header.parts[0].data_start + total);
        assert_eq!(header.tensors.len(), tensors.len());
        for (i, (found, wanted)) in header.tensors.iter().zip(&tensors).enumerate() {
            assert_eq!((&found.name, &found.shape), (&wanted.name, &wanted.shape));
            assert_eq!(Some(found.bytes), wanted.bytes());
            let range = header.range(found);
            assert!(range.start.is_multiple_of(ALIGNMENT));
            let bytes = &file[range.start as usize..range.end as usize];
            assert!(bytes.iter().all(|b| *b == i as u8 + 1), "{}", found.name);
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("m.gguf");
        for wrong in [
            planned("odd", &[33], 8),
            planned("none", &[], 0),
            planned("zero", &[32, 0], 0),
            planned("unknown", &[32], 99),
            planned("huge", &[u64::MAX, 2], 0),
        ] {
            let made = Writer::create(&path, &[], std::slice::from_ref(&wrong));
            assert!(made.is_err(), "{}", wrong.name);
        }
        let mixed = Value::Array(vec![Value::Bool(true), Value::Unsigned(1)]);
        assert!(Writer::create(&path, &[("x".to_owned(), mixed)], &[]).is_err());
        assert!(!path.exists());
    }

    #[test]
    fn an_unfinished_file_is_deleted() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("m.gguf");
        let tensors = [planned("a", &[32], 0), planned("b", &[8], 0)];
        let mut writer = Writer::create(&path, &[], &tensors).expect("created");
        writer.write(&[0; 128]).expect("written");
        assert!(writer.finish().is_err());
        assert!(!path.exists());
        let mut writer = Writer::create(&path, &[], &tensors).expect("created");
        assert!(writer.write(&[0; 129]).is_err());
        drop(writer);
        assert!(!path.exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_says_so() {
        let tensors = [planned("a", &[1 << 20], 0)];
        let mut writer = Writer::create(Path::new("/dev/full"), &[], &tensors).expect("created");
        let failure = writer.write(&vec![1; 4 << 20]).expect_err("full");
        assert_eq!(failure.kind(), Kind::Environment);
        assert!(
            failure
                .next_step()
                .is_some_and(|h| h.contains("disk space"))
        );
    }
}
