//! Reading the header of a GGUF file: metadata and the list of tensors.
//!
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>, versions 2 and 3, little
//! endian. The file is not trusted: every count is held against the bytes that are left
//! before anything is allocated, and every tensor against the size of the file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

use crate::base::failure::io_failure;
use crate::base::text::{human_bytes, human_count, printable, truncated};
use crate::base::{Failure, Result};

/// Deepest nesting of arrays; files in use have one level.
const MAX_DEPTH: u32 = 4;
/// Longest key or tensor name in bytes.
const MAX_NAME: u64 = 65_535;

/// A metadata value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Any unsigned integer.
    Unsigned(u64),
    /// Any signed integer.
    Signed(i64),
    /// Either float type.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Text; bytes that are not UTF-8 are replaced.
    Text(String),
    /// Values of one type.
    Array(Vec<Value>),
}

impl Value {
    /// As an unsigned number, if it is an integer that is not negative.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Unsigned(n) => Some(*n),
            Self::Signed(n) => u64::try_from(*n).ok(),
            _ => None,
        }
    }

    /// As a float, integers included.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Float(x) => Some(*x),
            Self::Unsigned(n) => Some(*n as f64),
            Self::Signed(n) => Some(*n as f64),
            _ => None,
        }
    }

    /// As text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// As an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(values) => Some(values),
            _ => None,
        }
    }
}

/// A tensor of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name: `blk.0.attn_q.weight`.
    pub name: String,
    /// Its shape in the file's order, the fastest dimension first.
    pub shape: Vec<u64>,
    /// The number of its type, see [`type_name`].
    pub kind: u32,
    /// Bytes from the start of the data section.
    pub offset: u64,
    /// Bytes it takes.
    pub bytes: u64,
}

impl TensorInfo {
    /// Numbers in it.
    pub fn elements(&self) -> u64 {
        self.shape.iter().product()
    }
}

/// The header of a GGUF file.
#[derive(Debug, Clone)]
pub struct Header {
    /// 2 or 3.
    pub version: u32,
    /// Metadata by key.
    pub metadata: HashMap<String, Value>,
    /// The tensors in the file's order.
    pub tensors: Vec<TensorInfo>,
    /// Where the data section begins.
    pub data_start: u64,
    /// Size of the file.
    pub file_bytes: u64,
}

impl Header {
    /// Reads the header of a file and checks it against the file's size.
    ///
    /// # Errors
    /// Of kind input, naming what was found where a GGUF was expected.
    pub fn read(file: &Path) -> Result<Self> {
        let name = file.display().to_string();
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
            name,
        };
        reader.header()
    }

    /// `general.architecture`, or nothing.
    pub fn architecture(&self) -> &str {
        self.text("general.architecture").unwrap_or_default()
    }

    /// A text by key.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).and_then(Value::as_str)
    }

    /// A number by key.
    pub fn number(&self, key: &str) -> Option<u64> {
        self.metadata.get(key).and_then(Value::as_u64)
    }

    /// A number under the architecture's prefix: `attention.head_count`; where the file has
    /// an array (one number per layer), its largest.
    pub fn arch_number(&self, key: &str) -> Option<u64> {
        let value = self
            .metadata
            .get(&format!("{}.{key}", self.architecture()))?;
        value.as_u64().or_else(|| {
            let values = value.as_array()?;
            values.iter().filter_map(Value::as_u64).max()
        })
    }

    /// A float under the architecture's prefix.
    pub fn arch_float(&self, key: &str) -> Option<f64> {
        self.metadata
            .get(&format!("{}.{key}", self.architecture()))?
            .as_f64()
    }

    /// The array of texts under a key.
    pub fn texts(&self, key: &str) -> Option<Vec<&str>> {
        let values = self.metadata.get(key)?.as_array()?;
        values.iter().map(Value::as_str).collect()
    }

    /// A tensor by name.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.tensors.iter().find(|t| t.name == name)
    }
}

/// Name, elements per block and bytes per block of a tensor type, by its number in the format.
pub const fn type_layout(kind: u32) -> Option<(&'static str, u64, u64)> {
    Some(match kind {
        0 => ("F32", 1, 4),
        1 => ("F16", 1, 2),
        2 => ("Q4_0", 32, 18),
        3 => ("Q4_1", 32, 20),
        6 => ("Q5_0", 32, 22),
        7 => ("Q5_1", 32, 24),
        8 => ("Q8_0", 32, 34),
        9 => ("Q8_1", 32, 36),
        10 => ("Q2_K", 256, 84),
        11 => ("Q3_K", 256, 110),
        12 => ("Q4_K", 256, 144),
        13 => ("Q5_K", 256, 176),
        14 => ("Q6_K", 256, 210),
        15 => ("Q8_K", 256, 292),
        16 => ("IQ2_XXS", 256, 66),
        17 => ("IQ2_XS", 256, 74),
        18 => ("IQ3_XXS", 256, 98),
        19 => ("IQ1_S", 256, 50),
        20 => ("IQ4_NL", 32, 18),
        21 => ("IQ3_S", 256, 110),
        22 => ("IQ2_S", 256, 82),
        23 => ("IQ4_XS", 256, 136),
        24 => ("I8", 1, 1),
        25 => ("I16", 1, 2),
        26 => ("I32", 1, 4),
        27 => ("I64", 1, 8),
        28 => ("F64", 1, 8),
        29 => ("IQ1_M", 256, 56),
        30 => ("BF16", 1, 2),
        34 => ("TQ1_0", 256, 54),
        35 => ("TQ2_0", 256, 66),
        39 => ("MXFP4", 32, 17),
        40 => ("NVFP4", 64, 36),
        _ => return None,
    })
}

/// The name of a tensor type.
pub fn type_name(kind: u32) -> String {
    type_layout(kind).map_or_else(|| format!("type {kind}"), |(name, ..)| name.to_owned())
}

struct Reader {
    from: BufReader<File>,
    at: u64,
    size: u64,
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
            return Err(self.broken(format!("a text of {} bytes", human_count(length))));
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
            8 => Value::Text(self.text(u64::MAX)?),
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
                    return Err(self.broken(format!("an array of {} values", human_count(count))));
                }
                // A value takes up to 32 bytes in memory for one in the file: grow as they come.
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
        if self.size == 0 {
            return Err(Failure::input(format!("{} is empty", self.name))
                .hint("download it again, or give another file"));
        }
        let mut first = [0; 64];
        let have = read_up_to(&mut self.from, &mut first)
            .map_err(|e| io_failure(format!("cannot read {}", self.name), &e))?;
        let begins = first.get(..have).unwrap_or(&first);
        if !begins.starts_with(b"GGUF") {
            return Err(Failure::input(format!("{} is not a GGUF file", self.name))
                .because(format!("it looks like {}", looks_like(begins)))
                .hint("homebody runs GGUF files; `homebody models list` shows some"));
        }
        self.from
            .seek(SeekFrom::Start(4))
            .map_err(|e| io_failure(format!("cannot read {}", self.name), &e))?;
        self.at = 4;
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
        let mut metadata = HashMap::new();
        for _ in 0..metadata_count {
            let key = self.text(MAX_NAME)?;
            let kind = self.u32()?;
            let value = self.value(kind, 0)?;
            if metadata.contains_key(&key) {
                return Err(self.broken(format!("the key `{}` stands twice", printable(&key))));
            }
            metadata.insert(key, value);
        }
        let mut tensors = Vec::with_capacity((tensor_count as usize).min(1 << 16));
        for _ in 0..tensor_count {
            tensors.push(self.tensor()?);
        }
        let alignment = metadata
            .get("general.alignment")
            .and_then(Value::as_u64)
            .unwrap_or(32);
        if alignment == 0 || alignment > 1 << 20 {
            return Err(self.broken(format!("an alignment of {alignment}")));
        }
        let data_start = self.at.div_ceil(alignment) * alignment;
        let header = Header {
            version,
            metadata,
            tensors,
            data_start,
            file_bytes: self.size,
        };
        self.check_extent(&header)?;
        Ok(header)
    }

    fn tensor(&mut self) -> Result<TensorInfo> {
        let name = self.text(MAX_NAME)?;
        let shown = printable(truncated(&name, 80)).into_owned();
        let dimensions = self.u32()?;
        if dimensions > 8 {
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
            .because(format!("`{shown}` is of type {kind}"))
            .hint("use a Q4_K_M or Q8_0 file of the same model"));
        };
        let elements = shape
            .iter()
            .try_fold(1_u64, |product, n| product.checked_mul(*n))
            .filter(|n| n.is_multiple_of(block))
            .and_then(|n| (n / block).checked_mul(block_bytes));
        let Some(bytes) = elements else {
            return Err(self.broken(format!("the tensor `{shown}` has the shape {shape:?}")));
        };
        Ok(TensorInfo {
            name,
            shape,
            kind,
            offset,
            bytes,
        })
    }

    fn check_extent(&self, header: &Header) -> Result<()> {
        let mut needed = header.data_start;
        for tensor in &header.tensors {
            let end = header
                .data_start
                .checked_add(tensor.offset)
                .and_then(|start| start.checked_add(tensor.bytes));
            let Some(end) = end else {
                return Err(self.broken("a tensor lies beyond all bounds"));
            };
            needed = needed.max(end);
        }
        if needed > self.size && !header.tensors.is_empty() {
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

fn read_up_to(from: &mut impl Read, into: &mut [u8]) -> std::io::Result<usize> {
    let mut have = 0;
    while let Some(rest) = into.get_mut(have..).filter(|rest| !rest.is_empty()) {
        match from.read(rest)? {
            0 => break,
            n => have += n,
        }
    }
    Ok(have)
}

/// What a file is, by its first bytes.
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
        out.extend((text.len() as u64).to_le_bytes());
        out.extend(text.as_bytes());
    }

    fn small() -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3_u32.to_le_bytes());
        out.extend(1_u64.to_le_bytes());
        out.extend(2_u64.to_le_bytes());
        text(&mut out, "general.architecture");
        out.extend(8_u32.to_le_bytes());
        text(&mut out, "llama");
        text(&mut out, "llama.block_count");
        out.extend(4_u32.to_le_bytes());
        out.extend(2_u32.to_le_bytes());
        text(&mut out, "w");
        out.extend(1_u32.to_le_bytes());
        out.extend(32_u64.to_le_bytes());
        out.extend(8_u32.to_le_bytes());
        out.extend(0_u64.to_le_bytes());
        let start = out.len().div_ceil(32) * 32;
        out.resize(start + 34, 7);
        out
    }

    fn read(bytes: &[u8]) -> Result<Header> {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(bytes).expect("written");
        Header::read(file.path())
    }

    #[test]
    fn a_good_file_is_read() {
        let header = read(&small()).expect("good");
        assert_eq!(header.architecture(), "llama");
        assert_eq!(header.arch_number("block_count"), Some(2));
        assert_eq!(header.tensor("w").map(|t| t.bytes), Some(34));
    }

    #[test]
    fn every_cut_of_it_is_refused_and_none_panics() {
        let whole = small();
        for end in 0..whole.len() {
            let failure = read(&whole[..end]).expect_err("cut");
            assert_eq!(failure.kind(), crate::base::Kind::Input, "{end}");
        }
    }

    #[test]
    fn any_byte_may_be_wrong() {
        let whole = small();
        for at in 0..whole.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                let _ = read(&bytes);
            }
        }
    }

    #[test]
    fn counts_that_the_file_cannot_hold_are_refused_before_allocating() {
        let mut out = b"GGUF".to_vec();
        out.extend(3_u32.to_le_bytes());
        out.extend(u64::MAX.to_le_bytes());
        out.extend(u64::MAX.to_le_bytes());
        assert!(read(&out).is_err());
    }

    #[test]
    fn other_files_are_named() {
        for (bytes, word) in [
            (&b"PK\x03\x04aaaaaaaaaaaa"[..], "zip"),
            (b"<!DOCTYPE html>", "HTML"),
            (b"version https://git-lfs.github.com/spec/v1", "LFS"),
            (b"\x40\0\0\0\0\0\0\0{\"a\":1}", "safetensors"),
        ] {
            let failure = read(bytes).expect_err("no GGUF");
            assert!(failure.to_string().contains(word), "{failure}");
        }
        assert!(read(b"").expect_err("empty").to_string().contains("empty"));
    }
}
