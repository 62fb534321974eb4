//! Reading the header of one GGUF file.
//!
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>, versions 2 and 3, little
//! endian. The file is not trusted: every count is held against the bytes that are left
//! before anything is allocated, and every tensor against the size of the file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::{Header, Shard, TensorInfo, Value, type_layout, type_name};
use crate::base::failure::io_failure;
use crate::base::text::{human_bytes, human_count, printable, truncated};
use crate::base::{Failure, Result};

/// Deepest nesting of arrays; files in use have one level.
const MAX_DEPTH: u32 = 4;
/// Bytes by which a file that is no GGUF is recognized.
const FIRST: u64 = 64;
/// Longest key or tensor name in bytes.
const MAX_NAME: u64 = 65_535;
/// Longest text in bytes; the longest in use, chat templates, have some ten thousand.
const MAX_TEXT: u64 = 64 << 20;
/// Most values of all metadata together: a value takes 32 bytes in memory and may take one in
/// the file. The largest vocabularies in use have less than two million.
const MAX_VALUES: u64 = 8 << 20;
/// Most dimensions of a tensor, as the format says.
const MAX_DIMENSIONS: u32 = 4;
/// Alignment in bytes where the file does not say it, as the format has it.
const ALIGNMENT: u64 = 32;
/// Largest alignment in bytes.
const MAX_ALIGNMENT: u64 = 1 << 20;

/// Reads the header of a file, of this file alone.
pub(super) fn header(file: &Path) -> Result<Header> {
    let name = file.display().to_string();
    // A pipe would be waited for until somebody writes into it.
    if std::fs::metadata(file).is_ok_and(|facts| !facts.is_file()) {
        return Err(Failure::input(format!("{name} is not a file")));
    }
    let opened = File::open(file).map_err(|e| {
        let failure = io_failure(format!("cannot open the model {name}"), &e);
        if e.kind() == std::io::ErrorKind::NotFound {
            failure.hint("`homebody models list` shows the models that are here")
        } else {
            failure
        }
    })?;
    let facts = opened
        .metadata()
        .map_err(|e| io_failure(format!("cannot read {name}"), &e))?;
    if !facts.is_file() {
        return Err(Failure::input(format!("{name} is not a file")));
    }
    let mut reader = Reader {
        from: BufReader::with_capacity(1 << 16, opened),
        at: 0,
        size: facts.len(),
        values: 0,
        name,
    };
    let mut header = reader.header()?;
    if let Some(part) = header.parts.first_mut() {
        part.path = file.to_owned();
    }
    Ok(header)
}

struct Reader {
    from: BufReader<File>,
    at: u64,
    size: u64,
    /// Values read so far, those in arrays included.
    values: u64,
    name: String,
}

impl Reader {
    fn broken(&self, what: impl std::fmt::Display) -> Failure {
        Failure::input(format!("{} is a broken GGUF", self.name))
            .because(format!("{what} (at byte {})", human_count(self.at)))
            .hint("download it again, or `homebody models verify` it")
    }

    fn left(&self) -> u64 {
        self.size.saturating_sub(self.at)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        if self.left() < N as u64 {
            return Err(self.broken("it ends in the middle of its header"));
        }
        self.from
            .read_exact(&mut bytes)
            .map_err(|e| io_failure(format!("cannot read {}", self.name), &e))?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    fn text(&mut self, most: u64) -> Result<String> {
        let length = self.u64()?;
        if length > most || length > self.left() {
            return Err(self.broken(format!(
                "a text of {} bytes, more than the file holds or any text has",
                human_count(length)
            )));
        }
        let mut bytes = vec![0; length as usize];
        self.from
            .read_exact(&mut bytes)
            .map_err(|e| io_failure(format!("cannot read {}", self.name), &e))?;
        self.at += length;
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
    }

    fn value(&mut self, kind: u32, depth: u32) -> Result<Value> {
        Ok(match kind {
            0 => Value::Unsigned(u8::from_le_bytes(self.bytes()?).into()),
            1 => Value::Signed(i8::from_le_bytes(self.bytes()?).into()),
            2 => Value::Unsigned(u16::from_le_bytes(self.bytes()?).into()),
            3 => Value::Signed(i16::from_le_bytes(self.bytes()?).into()),
            4 => Value::Unsigned(self.u32()?.into()),
            5 => Value::Signed(i32::from_le_bytes(self.bytes()?).into()),
            6 => Value::Float(f32::from_le_bytes(self.bytes()?).into()),
            7 => Value::Bool(u8::from_le_bytes(self.bytes()?) != 0),
            8 => Value::Text(self.text(MAX_TEXT)?),
            9 => {
                if depth >= MAX_DEPTH {
                    return Err(self.broken("arrays within arrays within arrays"));
                }
                let inner = self.u32()?;
                let count = self.u64()?;
                let least = match inner {
                    0 | 1 | 7 => 1,
                    2 | 3 => 2,
                    4..=6 => 4,
                    8 | 10..=12 => 8,
                    9 => 12,
                    _ => return Err(self.broken(format!("metadata of type {inner}"))),
                };
                if count
                    .checked_mul(least)
                    .is_none_or(|bytes| bytes > self.left())
                {
                    return Err(self.broken(format!(
                        "an array of {} values, more than the file holds",
                        human_count(count)
                    )));
                }
                self.values = self.values.saturating_add(count);
                if self.values > MAX_VALUES {
                    return Err(self.broken(format!(
                        "metadata of more than {} values",
                        human_count(MAX_VALUES)
                    )));
                }
                let mut values = Vec::with_capacity((count as usize).min(1 << 18));
                for _ in 0..count {
                    values.push(self.value(inner, depth + 1)?);
                }
                Value::Array(values)
            }
            10 => Value::Unsigned(self.u64()?),
            11 => Value::Signed(i64::from_le_bytes(self.bytes()?)),
            12 => Value::Float(f64::from_le_bytes(self.bytes()?)),
            other => return Err(self.broken(format!("metadata of type {other}"))),
        })
    }

    fn header(&mut self) -> Result<Header> {
        self.magic()?;
        let version = self.version()?;
        let tensor_count = self.u64()?;
        let metadata_count = self.u64()?;
        // The shortest tensor entry takes 8+4+8+4+8 bytes, the shortest pair 8+4+1.
        if tensor_count > self.left() / 32 || metadata_count > self.left() / 13 {
            return Err(self.broken(format!(
                "it claims {} tensors and {} keys in {}",
                human_count(tensor_count),
                human_count(metadata_count),
                human_bytes(self.size)
            )));
        }
        let metadata = self.metadata(metadata_count)?;
        let mut tensors = Vec::with_capacity((tensor_count as usize).min(1 << 16));
        for _ in 0..tensor_count {
            tensors.push(self.tensor()?);
        }
        let alignment = self.alignment(&metadata, &tensors)?;
        let data_start = self.at.div_ceil(alignment) * alignment;
        let header = Header {
            version,
            metadata,
            tensors,
            parts: vec![Shard {
                path: PathBuf::new(),
                data_start,
                bytes: self.size,
            }],
        };
        self.check_extent(&header)?;
        Ok(header)
    }

    /// Reads the four letters that a GGUF begins with.
    fn magic(&mut self) -> Result<()> {
        if self.size == 0 {
            return Err(Failure::input(format!("{} is empty", self.name))
                .hint("download it again, or give another file"));
        }
        let mut begins = Vec::with_capacity(FIRST as usize);
        self.from
            .by_ref()
            .take(FIRST)
            .read_to_end(&mut begins)
            .map_err(|e| io_failure(format!("cannot read {}", self.name), &e))?;
        if !begins.starts_with(b"GGUF") {
            return Err(Failure::input(format!("{} is not a GGUF file", self.name))
                .because(format!("it looks like {}", looks_like(&begins)))
                .hint("homebody runs GGUF files; `homebody models list` shows some"));
        }
        self.from
            .seek(SeekFrom::Start(4))
            .map_err(|e| io_failure(format!("cannot read {}", self.name), &e))?;
        self.at = 4;
        Ok(())
    }

    fn version(&mut self) -> Result<u32> {
        let version = self.u32()?;
        if version.swap_bytes() == 2 || version.swap_bytes() == 3 {
            return Err(
                Failure::input(format!("{} is a big-endian GGUF", self.name))
                    .hint("use the little-endian file of the same model"),
            );
        }
        if !(2..=3).contains(&version) {
            return Err(
                Failure::input(format!("{} is a GGUF of version {version}", self.name))
                    .because("versions 2 and 3 are supported")
                    .hint("convert the model anew, or download a newer file"),
            );
        }
        Ok(version)
    }

    fn metadata(&mut self, count: u64) -> Result<HashMap<String, Value>> {
        let mut metadata = HashMap::new();
        for _ in 0..count {
            let key = self.text(MAX_NAME)?;
            let kind = self.u32()?;
            let value = self.value(kind, 0)?;
            if metadata.contains_key(&key) {
                return Err(self.broken(format!("the key `{}` stands twice", printable(&key))));
            }
            metadata.insert(key, value);
        }
        Ok(metadata)
    }

    /// Returns the alignment of tensors in bytes, if all of them keep to it.
    fn alignment(&self, metadata: &HashMap<String, Value>, tensors: &[TensorInfo]) -> Result<u64> {
        let alignment = metadata
            .get("general.alignment")
            .and_then(Value::as_u64)
            .unwrap_or(ALIGNMENT);
        if !alignment.is_power_of_two() || !(8..=MAX_ALIGNMENT).contains(&alignment) {
            return Err(self.broken(format!("an alignment of {alignment}")));
        }
        if let Some(tensor) = tensors
            .iter()
            .find(|tensor| !tensor.offset.is_multiple_of(alignment))
        {
            return Err(self.broken(format!(
                "the tensor `{}` lies at {} where tensors are aligned to {alignment} bytes",
                printable(truncated(&tensor.name, 80)),
                tensor.offset
            )));
        }
        Ok(alignment)
    }

    fn tensor(&mut self) -> Result<TensorInfo> {
        let name = self.text(MAX_NAME)?;
        let shown = printable(truncated(&name, 80)).into_owned();
        let dimensions = self.u32()?;
        if dimensions > MAX_DIMENSIONS {
            return Err(self.broken(format!("the tensor `{shown}` has {dimensions} dimensions")));
        }
        let mut shape = Vec::with_capacity(dimensions as usize);
        for _ in 0..dimensions {
            shape.push(self.u64()?);
        }
        let kind = self.u32()?;
        let offset = self.u64()?;
        let Some((_, block, block_bytes)) = type_layout(kind) else {
            return Err(Failure::input(format!(
                "{} holds a tensor of a type that is not known",
                self.name
            ))
            .because(format!("`{shown}` is of the type {}", type_name(kind)))
            .hint("use a Q4_K_M or Q8_0 file of the same model"));
        };
        // Rows are whole blocks, and no dimension is nothing. A tensor of no dimensions is one
        // number.
        let width = shape.first().copied().unwrap_or(1);
        let elements = shape
            .iter()
            .try_fold(1_u64, |product, n| product.checked_mul(*n))
            .filter(|n| *n > 0 && width.is_multiple_of(block))
            .and_then(|n| (n / block).checked_mul(block_bytes));
        let Some(bytes) = elements else {
            return Err(self.broken(format!("the tensor `{shown}` has the shape {shape:?}")));
        };
        Ok(TensorInfo {
            name,
            shape,
            kind,
            part: 0,
            offset,
            bytes,
        })
    }

    fn check_extent(&self, header: &Header) -> Result<()> {
        let mut needed = 0;
        for tensor in &header.tensors {
            let end = header.range(tensor).end;
            if end == u64::MAX {
                return Err(self.broken("a tensor lies beyond all bounds"));
            }
            needed = needed.max(end);
        }
        if needed > self.size {
            return Err(Failure::input(format!("{} is truncated", self.name))
                .because(format!(
                    "it should have {} bytes and has {}",
                    human_count(needed),
                    human_count(self.size)
                ))
                .hint("download it again"));
        }
        Ok(())
    }
}

/// Guesses the kind of a file that is no GGUF, by its first bytes.
fn looks_like(bytes: &[u8]) -> &'static str {
    let text: String = String::from_utf8_lossy(bytes).trim_start().to_lowercase();
    if bytes.starts_with(b"PK\x03\x04") {
        "a zip archive (a PyTorch file or a wheel?)"
    } else if text.starts_with("<!doctype") || text.starts_with("<html") {
        "an HTML page (was it saved from a browser?)"
    } else if text.starts_with("version https://git-lfs") {
        "a git LFS pointer (run `git lfs pull`)"
    } else if bytes.starts_with(b"ggml") || bytes.starts_with(b"lmgg") || bytes.starts_with(b"tjgg")
    {
        "an old GGML file from before GGUF"
    } else if bytes.get(8..9) == Some(b"{") {
        "a safetensors file"
    } else if text.starts_with('{') {
        "a JSON text"
    } else if bytes.starts_with(b"\x1f\x8b") {
        "a gzip archive"
    } else if bytes.iter().all(|b| *b == 0) {
        "nothing but zeros (an unfinished download?)"
    } else {
        "something else"
    }
}
