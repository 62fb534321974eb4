//! What may be written next, a byte at a time, without knowing who writes it.

/// A set of bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ByteSet([u64; 4]);

impl ByteSet {
    /// Every byte.
    pub const ALL: Self = Self([u64::MAX; 4]);

    /// Puts a byte in.
    pub fn insert(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }

    /// Takes a byte out.
    pub fn remove(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word &= !(1 << (byte & 63));
        }
    }

    /// Whether a byte is in it.
    pub fn contains(&self, byte: u8) -> bool {
        self.0
            .get(usize::from(byte >> 6))
            .is_some_and(|word| word >> (byte & 63) & 1 == 1)
    }

    /// The bytes in order.
    pub fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        (0..=u8::MAX).filter(|byte| self.contains(*byte))
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }
}

impl Extend<u8> for ByteSet {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        for byte in bytes {
            self.insert(byte);
        }
    }
}

impl<'a> Extend<&'a u8> for ByteSet {
    fn extend<I: IntoIterator<Item = &'a u8>>(&mut self, bytes: I) {
        self.extend(bytes.into_iter().copied());
    }
}

impl FromIterator<u8> for ByteSet {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        let mut set = Self::default();
        set.extend(bytes);
        set
    }
}

/// Where much may come: free text, or a name that is new. What may come next depends on `key`
/// alone as long as the text stays there, so that whoever asks can keep the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Region {
    /// Two states with the same key take the same bytes, as far as these stay in free text.
    pub key: u32,
    /// Whether every text of whole characters that holds no control character but tabs, and does
    /// not begin with `guard`, may come here and stays here.
    pub plain: bool,
    /// See `plain`.
    pub guard: Option<u8>,
    /// Bytes that lead out if they come first; whether they may hangs on more than the key.
    pub exits: &'static [u8],
}

/// A language that a text must belong to: an automaton over bytes that can be tried forward and
/// taken back. The engine asks it which tokens may come next.
pub trait Mask {
    /// Takes a byte. False where it may not come; then nothing has changed.
    fn push(&mut self, byte: u8) -> bool;

    /// Takes back the last so many bytes that were pushed since the last [`Mask::settle`].
    fn pop(&mut self, count: usize);

    /// What was pushed is written and stays. `left` tokens may still follow.
    fn settle(&mut self, left: usize);

    /// The bytes that may come next: every one that [`Mask::push`] takes, perhaps some more.
    fn next(&self) -> ByteSet;

    /// Whether the text may end here.
    fn may_end(&self) -> bool;

    /// The region of free text here; none where what may come is told by [`Mask::push`] alone.
    fn region(&self) -> Option<Region>;

    /// The bytes that can be written at all; to be told before the first push.
    fn spell(&mut self, bytes: ByteSet);
}
