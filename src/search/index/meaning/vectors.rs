//! Vectors by the content of files, and the file they are kept in.
//!
//! The file (`meaning.bin`, little-endian): `HBMEAN3\n`, the form of the index, which says how
//! files are cut, the length of the model's name and the name, the width of a vector; then for
//! each content its blob id (20 bytes), how many pieces it has, and of each piece a hash of what
//! the model read (8 bytes), the scale and the numbers in 8 bits: a vector of length 1 is off by
//! less than a hundredth then, at a quarter of the room. It ends as [`crate::index::checked`] says.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use crate::base::Embed;
use crate::index::checked;
use crate::index::store::FORMAT;

/// The first bytes of the file.
const MAGIC: &[u8; 8] = b"HBMEAN3\n";
/// The largest file that is read, in bytes: several times what a large repository takes.
const LARGEST: u64 = 200_000_000;

/// Bytes of a piece before its numbers: hash and scale.
const HEAD: usize = 12;

/// The id of a content: git's id of the blob, or of a commit, whose message is the content.
pub(in crate::index) type Blob = [u8; 20];

/// The vectors of all contents that have any.
#[derive(Default)]
pub(in crate::index) struct Vectors {
    /// Numbers in a vector.
    width: usize,
    /// The pieces of all contents, in the form of the file.
    bytes: Vec<u8>,
    /// For each content, the place in `bytes` at which its pieces begin, and how many there are.
    pub places: HashMap<Blob, (usize, u32)>,
    /// For the hash of a text, the place in `bytes` of a piece with that text; empty before
    /// [`Vectors::recall`].
    like: HashMap<u64, usize>,
}

/// One piece in the form of the file: hash, scale, numbers.
pub(in crate::index) struct StoredVector(Vec<u8>);

impl StoredVector {
    /// Makes a piece of the hash of its text and the vector of that; a vector of fewer than `width`
    /// numbers (none, for a text that says nothing) is filled up with zeros.
    pub(in crate::index) fn new(hash: u64, vector: &[f32], width: usize) -> Self {
        let (scale, numbers) = rounded(vector);
        let mut bytes = Vec::with_capacity(HEAD + width);
        bytes.extend_from_slice(&hash.to_le_bytes());
        bytes.extend_from_slice(&scale.to_le_bytes());
        let numbers = numbers.iter().map(|n| n.cast_unsigned());
        bytes.extend(numbers.chain(std::iter::repeat(0)).take(width));
        Self(bytes)
    }
}

impl Vectors {
    /// Reads a file that a model's vectors were written to; none where it was another model, or
    /// the file is damaged.
    pub(in crate::index) fn read(file: &Path, embed: &dyn Embed) -> Option<Self> {
        if std::fs::metadata(file).ok()?.len() > LARGEST {
            return None;
        }
        let bytes = checked::read(file).ok()?;
        let name = embed.name().as_bytes();
        let rest = bytes.strip_prefix(MAGIC)?;
        let (form, rest) = rest.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (own, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let (width, _) = rest.split_first_chunk::<4>()?;
        let width = u32::from_le_bytes(*width) as usize;
        let same_form = u32::from_le_bytes(*form) == FORMAT;
        if !same_form || own != name || width != embed.width() || width == 0 {
            return None;
        }
        let mut at = MAGIC.len() + 4 + 4 + name.len() + 4;
        let mut places = HashMap::new();
        while at < bytes.len() {
            let (blob, rest) = bytes.get(at..)?.split_first_chunk::<20>()?;
            let (count, _) = rest.split_first_chunk::<4>()?;
            let count = u32::from_le_bytes(*count);
            at += 24;
            let end = at.checked_add((count as usize).checked_mul(width + HEAD)?)?;
            if end > bytes.len() {
                return None;
            }
            places.insert(*blob, (at, count));
            at = end;
        }
        Some(Self {
            width,
            bytes,
            places,
            like: HashMap::new(),
        })
    }

    /// Returns the product of vector `number` of the content whose pieces begin at `at` with
    /// another, which is given in 8 bits with its scale.
    pub(in crate::index) fn product(
        &self,
        at: usize,
        number: usize,
        scale: f32,
        other: &[i8],
    ) -> Option<f32> {
        let at = at + number * (self.width + HEAD) + 8;
        let (own, rest) = self.bytes.get(at..)?.split_first_chunk::<4>()?;
        let sum: i32 = rest
            .get(..self.width)?
            .iter()
            .zip(other)
            .map(|(a, b)| i32::from(a.cast_signed()) * i32::from(*b))
            .sum();
        Some(sum as f32 * f32::from_le_bytes(*own) * scale)
    }

    /// Learns which texts have vectors, for [`Vectors::like`].
    pub(in crate::index) fn recall(&mut self) {
        let step = self.width + HEAD;
        for (at, count) in self.places.values() {
            for at in (0..*count as usize).map(|number| at + number * step) {
                let hash = self.bytes.get(at..).and_then(<[u8]>::first_chunk::<8>);
                if let Some(hash) = hash {
                    self.like.insert(u64::from_le_bytes(*hash), at);
                }
            }
        }
    }

    /// Finds a piece whose text has this hash, in whatever content.
    pub(in crate::index) fn like(&self, hash: u64) -> Option<StoredVector> {
        let at = *self.like.get(&hash)?;
        let bytes = self.bytes.get(at..at + self.width + HEAD)?;
        Some(StoredVector(bytes.to_vec()))
    }

    /// Adds the vectors of a content, in the order of its pieces.
    pub(in crate::index) fn insert(&mut self, blob: Blob, width: usize, pieces: &[StoredVector]) {
        self.width = width;
        let at = self.bytes.len();
        for StoredVector(bytes) in pieces {
            self.bytes.extend_from_slice(bytes);
        }
        self.places.insert(blob, (at, pieces.len() as u32));
    }

    /// Forgets all contents but these.
    pub(in crate::index) fn keep(&mut self, current: &BTreeSet<Blob>) {
        self.places.retain(|blob, _| current.contains(blob));
    }

    /// Returns the bytes of the file, without its checksum.
    pub(in crate::index) fn written(&self, embed: &dyn Embed) -> Vec<u8> {
        let name = embed.name().as_bytes();
        let mut out = Vec::with_capacity(self.bytes.len() + 1024);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&(name.len() as u32).to_le_bytes());
        out.extend_from_slice(name);
        out.extend_from_slice(&(embed.width() as u32).to_le_bytes());
        let mut places: Vec<_> = self.places.iter().collect();
        places.sort_unstable();
        for (blob, (at, count)) in places {
            let end = at + *count as usize * (self.width + HEAD);
            if let Some(vectors) = self.bytes.get(*at..end) {
                out.extend_from_slice(blob);
                out.extend_from_slice(&count.to_le_bytes());
                out.extend_from_slice(vectors);
            }
        }
        out
    }
}

/// Parses an id of 40 hexadecimal digits; none for anything else.
pub(in crate::index) fn parsed(hex: &str) -> Option<Blob> {
    let mut blob = [0; 20];
    if hex.len() != 40 {
        return None;
    }
    for (byte, pair) in blob.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(blob)
}

/// Rounds a vector to 8 bits: the scale, of which its numbers are multiples, and the multiples.
pub(in crate::index) fn rounded(vector: &[f32]) -> (f32, Vec<i8>) {
    let most = vector.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    if most <= 0.0 {
        return (0.0, vec![0; vector.len()]);
    }
    let scale = most / 127.0;
    (
        scale,
        vector.iter().map(|x| (x / scale).round() as i8).collect(),
    )
}
