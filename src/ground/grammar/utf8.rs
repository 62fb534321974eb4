//! UTF-8 byte by byte: whole characters, and none that steers a terminal.

use super::ByteSet;

/// The bytes that begin a character.
const BEGINS: ByteSet = ByteSet::range(b'\t', b'\n')
    .union(&ByteSet::range(b' ', b'~'))
    .union(&ByteSet::range(0xc2, 0xf4));

/// Where in a character a text is: bytes that must still come, and what the next may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Utf8State {
    left: u8,
    low: u8,
    high: u8,
}

impl Utf8State {
    /// Between two characters.
    pub const BOUNDARY: Self = Self {
        left: 0,
        low: 0,
        high: 0,
    };

    /// Tells whether no character is begun.
    pub const fn is_boundary(self) -> bool {
        self.left == 0
    }

    /// Goes on with a byte; none where it cannot be (RFC 3629, and no control character but
    /// tab and newline).
    pub fn push(self, byte: u8) -> Option<Self> {
        if self.left > 0 {
            return (self.low..=self.high).contains(&byte).then_some(Self {
                left: self.left - 1,
                low: 0x80,
                high: 0xbf,
            });
        }
        let of = |left, low, high| Some(Self { left, low, high });
        match byte {
            b'\t' | b'\n' | b' '..=b'~' => Some(Self::BOUNDARY),
            // The first two of the upper half would be controls (U+0080 to U+009F).
            0xc2 => of(1, 0xa0, 0xbf),
            0xc3..=0xdf => of(1, 0x80, 0xbf),
            0xe0 => of(2, 0xa0, 0xbf),
            0xe1..=0xec | 0xee..=0xef => of(2, 0x80, 0xbf),
            0xed => of(2, 0x80, 0x9f),
            0xf0 => of(3, 0x90, 0xbf),
            0xf1..=0xf3 => of(3, 0x80, 0xbf),
            0xf4 => of(3, 0x80, 0x8f),
            _ => None,
        }
    }

    /// The bytes that may come next.
    pub fn next(self) -> ByteSet {
        if self.left > 0 {
            return ByteSet::range(self.low, self.high);
        }
        BEGINS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(bytes: &[u8]) -> bool {
        let end = bytes
            .iter()
            .try_fold(Utf8State::BOUNDARY, |state, byte| state.push(*byte));
        end.is_some_and(Utf8State::is_boundary)
    }

    #[test]
    fn what_may_come_next_is_what_is_taken() {
        for begun in [
            &b""[..],
            b"\xc2",
            b"\xe0",
            b"\xed",
            b"\xe2\x82",
            b"\xf0",
            b"\xf4",
        ] {
            let state = begun
                .iter()
                .try_fold(Utf8State::BOUNDARY, |state, byte| state.push(*byte));
            let state = state.expect("it begins a character");
            for byte in 0..=u8::MAX {
                let taken = state.push(byte).is_some();
                assert_eq!(state.next().contains(byte), taken, "{begun:?} {byte:#x}");
            }
        }
    }

    #[test]
    fn every_character_is_taken_and_nothing_else() {
        for letter in ('\0'..=char::MAX)
            .step_by(7)
            .chain("\t\n~é€😀\u{ffff}".chars())
        {
            let hostile = letter.is_control() && !"\t\n".contains(letter);
            let mut bytes = [0; 4];
            let bytes = letter.encode_utf8(&mut bytes).as_bytes();
            assert_eq!(takes(bytes), !hostile, "{letter:?}");
        }
        for bytes in [
            &b"\xc0\x80"[..],
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"\x80",
            b"\xe2\x82",
        ] {
            assert!(!takes(bytes), "{bytes:?}");
        }
    }
}
