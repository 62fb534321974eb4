//! Vectors by the content of files, and the file they are kept in.
//!
//! The file (`meaning.bin`, little-endian): `HBMEAN2\n`, the form of the index, which says how files
//! are cut, the length of the model's name and the name, the width of a vector; then for each content its blob id (20 bytes), how many pieces
//! it has, and of each piece the scale and the numbers in 8 bits: a vector of length 1 is off by
//! less than a hundredth then, at a quarter of the room.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::store::FORMAT;
use crate::base::Embed;

/// What the file begins with.
const MAGIC: &[u8; 8] = b"HBMEAN2\n";
/// The largest file that is read, in bytes: several times what a large repository takes.
const LARGEST: u64 = 200_000_000;

/// A file's content by its blob id.
pub(super) type Blob = [u8; 20];

/// The vectors that there are.
#[derive(Default)]
pub(super) struct Vectors {
    width: usize,
    bytes: Vec<u8>,
    /// Where in `bytes` the vectors of a content begin, and how many there are.
    pub places: HashMap<Blob, (usize, u32)>,
}

impl Vectors {
    /// What a model has written to a file; none where it was another model, or the file is
    /// damaged.
    pub(super) fn read(file: &Path, embed: &dyn Embed) -> Option<Self> {
        if std::fs::metadata(file).ok()?.len() > LARGEST {
            return None;
        }
        let bytes = std::fs::read(file).ok()?;
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
            let end = at.checked_add((count as usize).checked_mul(width + 4)?)?;
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
        })
    }

    /// The scale and the numbers of one vector of a content.
    pub(super) fn get(&self, at: usize, number: usize) -> Option<(f32, &[u8])> {
        let at = at + number * (self.width + 4);
        let (scale, rest) = self.bytes.get(at..)?.split_first_chunk::<4>()?;
        Some((f32::from_le_bytes(*scale), rest.get(..self.width)?))
    }

    /// Adds the vectors of a content, in the order of its pieces.
    pub(super) fn insert(&mut self, blob: Blob, width: usize, vectors: &[Vec<f32>]) {
        self.width = width;
        let at = self.bytes.len();
        for vector in vectors {
            let (scale, numbers) = rounded(vector);
            self.bytes.extend_from_slice(&scale.to_le_bytes());
            let numbers = numbers.iter().map(|n| n.cast_unsigned());
            self.bytes
                .extend(numbers.chain(std::iter::repeat(0)).take(width));
        }
        self.places.insert(blob, (at, vectors.len() as u32));
    }

    /// Forgets all contents but these.
    pub(super) fn keep(&mut self, current: &BTreeSet<Blob>) {
        self.places.retain(|blob, _| current.contains(blob));
    }

    /// The bytes of the file.
    pub(super) fn written(&self, embed: &dyn Embed) -> Vec<u8> {
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
            let end = at + *count as usize * (self.width + 4);
            if let Some(vectors) = self.bytes.get(*at..end) {
                out.extend_from_slice(blob);
                out.extend_from_slice(&count.to_le_bytes());
                out.extend_from_slice(vectors);
            }
        }
        out
    }
}

/// A blob id in hex as bytes.
pub(super) fn parsed(hex: &str) -> Option<Blob> {
    let mut blob = [0; 20];
    if hex.len() != 40 {
        return None;
    }
    for (byte, pair) in blob.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(blob)
}

/// A vector in 8 bits, and what its numbers are multiples of.
pub(super) fn rounded(vector: &[f32]) -> (f32, Vec<i8>) {
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
