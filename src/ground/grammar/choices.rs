//! Some texts of which one is written.

use super::ByteSet;

/// Texts to choose from, in the order of their bytes. None begins another, so that the last byte
/// of one ends the choice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices {
    /// Each with the number it was given by.
    texts: Vec<(Vec<u8>, u32)>,
    /// All bytes of all texts.
    bytes: ByteSet,
}

impl Choices {
    /// Of texts that are numbered from 0 in the order they come in.
    pub fn new(texts: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self::numbered(texts.into_iter().zip(0..))
    }

    /// Of texts with numbers. Empty ones are dropped, and so are those that another one begins:
    /// they could not be reached.
    pub fn numbered(texts: impl IntoIterator<Item = (Vec<u8>, u32)>) -> Self {
        let mut texts: Vec<(Vec<u8>, u32)> = texts
            .into_iter()
            .filter(|(text, _)| !text.is_empty())
            .collect();
        texts.sort();
        texts.dedup_by(|later, before| later.0.starts_with(&before.0));
        let bytes = texts.iter().flat_map(|(text, _)| text).copied().collect();
        Self { texts, bytes }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The text at a place of the order, and its number.
    pub fn get(&self, place: u32) -> Option<(&[u8], u32)> {
        let (text, number) = self.texts.get(place as usize)?;
        Some((text, *number))
    }

    /// All texts in order, with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u32)> {
        self.texts
            .iter()
            .map(|(text, number)| (text.as_slice(), *number))
    }

    /// A byte of the text at a place of the order.
    pub(super) fn byte(&self, place: u32, depth: usize) -> Option<u8> {
        self.texts.get(place as usize)?.0.get(depth).copied()
    }

    /// Tells whether all of them can be written with these bytes.
    pub(super) fn are_within(&self, alphabet: &ByteSet) -> bool {
        self.bytes.is_subset(alphabet)
    }

    /// Those of them that can be written with these bytes.
    pub(super) fn within(&self, alphabet: &ByteSet) -> Self {
        let can = |(text, _): &&(Vec<u8>, u32)| text.iter().all(|byte| alphabet.contains(*byte));
        Self::numbered(self.texts.iter().filter(can).cloned())
    }
}
