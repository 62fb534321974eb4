//! The header of a GGUF file: metadata and the list of tensors.
//!
//! A model may be split over several files. Then the header is that of all of them: the
//! first one's metadata, and every tensor with the part it lies in.

mod join;
mod read;
#[cfg(feature = "lab")]
pub mod write;

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::base::{OrBug as _, Result};

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
    /// Returns the value as an unsigned number, if it is an integer that is not negative.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Unsigned(n) => Some(*n),
            Self::Signed(n) => u64::try_from(*n).ok(),
            _ => None,
        }
    }

    /// Returns the value as a float, integers included.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Float(x) => Some(*x),
            Self::Unsigned(n) => Some(*n as f64),
            Self::Signed(n) => Some(*n as f64),
            _ => None,
        }
    }

    /// Returns the value as text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value as an array, if it is one.
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
    /// The tensor's name: `blk.0.attn_q.weight`.
    pub name: String,
    /// The tensor's shape in the file's order, the fastest dimension first.
    pub shape: Vec<u64>,
    /// The number of the tensor's type, see [`type_name`].
    pub kind: u32,
    /// The file the tensor lies in, as an index into [`Header::parts`].
    pub part: usize,
    /// Bytes from the start of that file's data section.
    pub offset: u64,
    /// Bytes the tensor takes.
    pub bytes: u64,
}

impl TensorInfo {
    /// Counts the numbers of the tensor.
    pub fn elements(&self) -> u64 {
        self.shape.iter().product()
    }
}

/// A file of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// The path of the file.
    pub path: PathBuf,
    /// Bytes before the file's data section.
    pub data_start: u64,
    /// The file's size in bytes.
    pub bytes: u64,
}

/// The header of a model: of one GGUF file, or of all parts of a split one.
#[derive(Debug, Clone)]
pub struct Header {
    /// The version of the format, 2 or 3.
    pub version: u32,
    /// Metadata by key.
    pub metadata: HashMap<String, Value>,
    /// The tensors in the order of the parts and of the tensors in them.
    pub tensors: Vec<TensorInfo>,
    /// The files, at least one.
    pub parts: Vec<Shard>,
}

impl Header {
    /// Reads the header of a file and checks it against the file's size. Of a split model any
    /// part may be given: the others are found by their names beside it.
    ///
    /// # Errors
    /// Of kind input, naming what was found where a GGUF was expected, or the parts that are
    /// missing.
    pub fn read(file: &Path) -> Result<Self> {
        join::header(file)
    }

    /// Counts the bytes of all files together.
    pub fn file_bytes(&self) -> u64 {
        self.parts
            .iter()
            .fold(0, |sum, part| part.bytes.saturating_add(sum))
    }

    /// Returns the bytes of its part's file that one of this header's tensors takes.
    pub fn range(&self, tensor: &TensorInfo) -> Range<u64> {
        let part = self.parts.get(tensor.part);
        let start = part.map(|part| part.data_start);
        let start = start.or_bug("a tensor lies in a part that its header has not");
        let start = start.saturating_add(tensor.offset);
        start..start.saturating_add(tensor.bytes)
    }

    /// Returns `general.architecture`; an empty text where the file does not say it.
    pub fn architecture(&self) -> &str {
        self.text("general.architecture").unwrap_or_default()
    }

    /// Returns a text by key.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).and_then(Value::as_str)
    }

    /// Returns a whole number by key, if it is not negative.
    pub fn number(&self, key: &str) -> Option<u64> {
        self.metadata.get(key).and_then(Value::as_u64)
    }

    /// Returns a whole number under the architecture's prefix: `attention.head_count`; where the
    /// file has an array (one number per layer), the largest.
    pub fn arch_number(&self, key: &str) -> Option<u64> {
        let value = self
            .metadata
            .get(&format!("{}.{key}", self.architecture()))?;
        value.as_u64().or_else(|| {
            let values = value.as_array()?;
            values.iter().filter_map(Value::as_u64).max()
        })
    }

    /// Returns a float under the architecture's prefix, integers included.
    pub fn arch_float(&self, key: &str) -> Option<f64> {
        self.metadata
            .get(&format!("{}.{key}", self.architecture()))?
            .as_f64()
    }

    /// Returns the array of texts under a key; none where a value is no text.
    pub fn texts(&self, key: &str) -> Option<Vec<&str>> {
        let values = self.metadata.get(key)?.as_array()?;
        values.iter().map(Value::as_str).collect()
    }

    /// Finds a tensor by name.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.tensors.iter().find(|t| t.name == name)
    }
}

/// Returns name, elements per block and bytes per block of a tensor type, by its number in the
/// format; none for a number that is not known.
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

/// The name of a tensor type; its number where it is not known.
pub fn type_name(kind: u32) -> String {
    // Types that once were, so that old files are refused by name.
    let once = match kind {
        4 => "Q4_2",
        5 => "Q4_3",
        31 => "Q4_0_4_4",
        32 => "Q4_0_4_8",
        33 => "Q4_0_8_8",
        36 => "IQ4_NL_4_4",
        37 => "IQ4_NL_4_8",
        38 => "IQ4_NL_8_8",
        _ => "",
    };
    match type_layout(kind) {
        Some((name, ..)) => name.to_owned(),
        None if !once.is_empty() => format!("{once}, which is no longer in use"),
        None => format!("number {kind}"),
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
                let read = read(&bytes);
                let magic = at < 4 && bytes[at] != whole[at];
                assert!(!magic || read.is_err(), "byte {at} is {value:#x}");
                if let Err(failure) = read {
                    use crate::base::Kind::{Input, Model};

                    assert!(
                        matches!(failure.kind(), Input | Model),
                        "byte {at}: {failure}"
                    );
                }
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
    fn types_that_are_not_known_are_refused_by_name_or_number() {
        let whole = small();
        let at = whole.windows(4).rposition(|w| w == 8_u32.to_le_bytes());
        let at = at.expect("the type of the tensor");
        for (kind, word) in [
            (4, "Q4_2"),
            (31, "Q4_0_4_4"),
            (38, "IQ4_NL_8_8"),
            (41, "41"),
            (u32::MAX, "4294967295"),
        ] {
            let mut bytes = whole.clone();
            bytes[at..at + 4].copy_from_slice(&kind.to_le_bytes());
            let failure = read(&bytes).expect_err("unknown");
            assert!(failure.to_string().contains(word), "{failure}");
            assert!(failure.next_step().is_some_and(|h| h.contains("Q4_K_M")));
        }
    }

    /// A header with one value and one tensor, as they are given.
    fn with(kind: u32, value: &[u8], shape: &[u64], offset: u64) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3_u32.to_le_bytes());
        out.extend(1_u64.to_le_bytes());
        out.extend(1_u64.to_le_bytes());
        text(&mut out, "general.alignment");
        out.extend(kind.to_le_bytes());
        out.extend(value);
        text(&mut out, "w");
        out.extend((shape.len() as u32).to_le_bytes());
        for n in shape {
            out.extend(n.to_le_bytes());
        }
        out.extend(0_u32.to_le_bytes());
        out.extend(offset.to_le_bytes());
        out.resize(out.len().next_multiple_of(64) + 256, 0);
        out
    }

    #[test]
    fn what_the_format_does_not_allow_is_refused() {
        let aligned = |n: u32, shape: &[u64], offset| with(4, &n.to_le_bytes(), shape, offset);
        assert!(read(&aligned(64, &[4, 2], 64)).is_ok());
        let wrong = [
            (aligned(0, &[4], 0), "alignment of 0"),
            (aligned(24, &[4], 0), "alignment of 24"),
            (aligned(1, &[4], 0), "alignment of 1"),
            (aligned(1 << 31, &[4], 0), "alignment of 2147483648"),
            (aligned(64, &[4], 32), "aligned to 64"),
            (aligned(32, &[4, 0], 0), "shape [4, 0]"),
            (aligned(32, &[1, 1, 1, 1, 1], 0), "5 dimensions"),
            (aligned(32, &[u64::MAX, 2], 0), "shape"),
            (aligned(32, &[1 << 62], 0), "shape"),
            (aligned(32, &[1 << 50], 0), "truncated"),
            (aligned(32, &[4], u64::MAX - 31), "beyond all bounds"),
            (aligned(32, &[4], 1 << 40), "truncated"),
        ];
        for (bytes, word) in wrong {
            let failure = read(&bytes).expect_err(word);
            assert!(failure.to_string().contains(word), "{word}: {failure}");
        }
    }

    #[test]
    fn arrays_are_bounded_in_depth_and_in_number() {
        let array = |inner: u32, count: u64| {
            let mut bytes = inner.to_le_bytes().to_vec();
            bytes.extend(count.to_le_bytes());
            bytes
        };
        // Arrays of arrays of arrays, one in another.
        let deep: Vec<u8> = (0..100).flat_map(|_| array(9, 1)).collect();
        let failure = read(&with(9, &deep, &[4], 0)).expect_err("deep");
        assert!(failure.to_string().contains("within"), "{failure}");
        let failure = read(&with(9, &array(4, 1 << 60), &[4], 0)).expect_err("long");
        assert!(failure.to_string().contains("an array of"), "{failure}");
        // Bytes that would take 32 times as much in memory.
        let mut many = array(0, 9 << 20);
        many.resize(many.len() + (9 << 20), 1);
        let failure = read(&with(9, &many, &[4], 0)).expect_err("many");
        assert!(failure.to_string().contains("values"), "{failure}");
    }

    #[test]
    fn no_two_tensors_have_one_name() {
        let mut bytes = small();
        let at = bytes.windows(9).position(|w| w == b"\x01\0\0\0\0\0\0\0w");
        let at = at.expect("the tensor");
        let tensor = bytes[at..at + 9 + 4 + 8 + 4 + 8].to_vec();
        bytes.splice(at..at, tensor);
        bytes[8] = 2;
        let failure = read(&bytes).expect_err("twice");
        assert!(failure.to_string().contains("stands twice"), "{failure}");
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
