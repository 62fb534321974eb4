//! Encodings of files: text is read from its own and written back in it, byte for byte where nothing
//! was changed.
//!
//! UTF-8 is told by itself and UTF-16 by its mark. Of the older ones a file does not say which it is
//! in; it is guessed from its bytes (the `chardetng` crate, by the letters and words that languages
//! have), and the guess counts only where it gives back every byte.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Share of control characters, one in so many, from which bytes are no text.
const MOST_CONTROLS: usize = 20;

/// Encodings that source code is found in, besides Unicode, by the names of the Encoding Standard.
const OLDER: &[&str] = &[
    "windows-1252",
    "windows-1251",
    "windows-1250",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "windows-874",
    "ISO-8859-2",
    "ISO-8859-5",
    "ISO-8859-7",
    "KOI8-R",
    "KOI8-U",
    "IBM866",
    "Shift_JIS",
    "EUC-JP",
    "GBK",
    "gb18030",
    "Big5",
    "EUC-KR",
];

/// The encoding of a file's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextEncoding {
    encoding: &'static Encoding,
}

impl TextEncoding {
    /// The encoding that nobody has to be told of. A byte-order mark in it is a character of the
    /// text.
    pub const UTF_8: Self = Self { encoding: UTF_8 };

    /// The encoding of that name, as [`Self::name`] gives it.
    pub fn named(name: &str) -> Option<Self> {
        let encoding = Encoding::for_label(name.as_bytes())?;
        Some(Self { encoding })
    }

    /// The name, by the Encoding Standard. UTF-16 has a byte-order mark.
    pub fn name(&self) -> &'static str {
        self.encoding.name()
    }

    /// Tells whether this is UTF-8.
    pub fn is_utf8(&self) -> bool {
        self.encoding == UTF_8
    }

    /// The bytes of a text; none where a character of it cannot be written in this encoding.
    pub fn encode(&self, text: &str) -> Option<Vec<u8>> {
        let units = |to: fn(u16) -> [u8; 2]| {
            let marked = std::iter::once(0xfeff).chain(text.encode_utf16());
            marked.flat_map(to).collect()
        };
        if self.encoding == UTF_16LE {
            return Some(units(u16::to_le_bytes));
        }
        if self.encoding == UTF_16BE {
            return Some(units(u16::to_be_bytes));
        }
        let (bytes, _, unmappable) = self.encoding.encode(text);
        (!unmappable).then(|| bytes.into_owned())
    }

    /// The text of a line; what is no text in this encoding is replaced.
    pub fn shown<'a>(&self, line: &'a [u8]) -> Cow<'a, str> {
        self.encoding.decode_without_bom_handling(line).0
    }

    /// The text of bytes that are whole in this encoding; none where they are not.
    pub fn decode(&self, bytes: &[u8]) -> Option<String> {
        let rest = match utf16(bytes) {
            Some((marked, units)) if marked == *self => units,
            _ => bytes,
        };
        let text = self
            .encoding
            .decode_without_bom_handling_and_without_replacement(rest)?;
        (self.encode(&text).as_deref() == Some(bytes)).then(|| text.into_owned())
    }

    /// The encoding in which some bytes are that text: the one that would be guessed, or another
    /// in which they are; none where there is none.
    pub fn in_which(bytes: &[u8], text: &str) -> Option<Self> {
        let is = |encoding: &Self| encoding.encode(text).as_deref() == Some(bytes);
        let guessed = || decode(bytes).map(|decoded| decoded.encoding);
        let utf8 = std::iter::once(Self::UTF_8);
        let known = OLDER.iter().filter_map(|name| Self::named(name));
        utf8.chain(std::iter::once_with(guessed).flatten())
            .chain(known)
            .find(is)
    }

    /// The first character of a text that cannot be written in this encoding.
    pub fn first_unmappable(&self, text: &str) -> Option<char> {
        let mut buffer = [0; 4];
        text.chars()
            .find(|c| self.encode(c.encode_utf8(&mut buffer)).is_none())
    }
}

/// The text of some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text, newlines as they are.
    pub text: String,
    /// The encoding it is in.
    pub encoding: TextEncoding,
    /// True if bytes were replaced or their encoding cannot be told: the text cannot be written
    /// back, and is only shown.
    pub lossy: bool,
}

/// Reads bytes as text; none for bytes that are no text.
pub fn decode(bytes: &[u8]) -> Option<Decoded> {
    if let Some((encoding, units)) = utf16(bytes) {
        return decode_utf16(encoding, units, bytes);
    }
    if bytes.contains(&0) {
        return None;
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Some(Decoded {
            text: text.to_owned(),
            encoding: TextEncoding::UTF_8,
            lossy: false,
        });
    }
    let is_odd = |b: u8| b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b | 0x08);
    let odd = bytes.iter().filter(|b| is_odd(**b)).count();
    if odd * MOST_CONTROLS > bytes.len() {
        return None;
    }
    Some(decode_unmarked(bytes))
}

/// Reads bytes that are neither UTF-8 nor marked.
fn decode_unmarked(bytes: &[u8]) -> Decoded {
    let (mut whole, mut bad) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    // Mostly UTF-8 with a few bad bytes is UTF-8 that was damaged.
    if whole > bad {
        return Decoded {
            text: String::from_utf8_lossy(bytes).into_owned(),
            encoding: TextEncoding::UTF_8,
            lossy: true,
        };
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let encoding = detector.guess(None, Utf8Detection::Deny);
    let encoding = TextEncoding { encoding };
    let (text, failed) = encoding.encoding.decode_without_bom_handling(bytes);
    let text = text.into_owned();
    // Characters that no text has (C1 controls) say that the guess is wrong.
    let sound = !failed && !text.chars().any(|c| matches!(c, '\u{80}'..='\u{9f}'));
    let lossy = !sound || encoding.encode(&text).as_deref() != Some(bytes);
    Decoded {
        text,
        encoding,
        lossy,
    }
}

/// UTF-16 behind its byte-order mark, and its code units, two bytes each; none if no mark says so.
pub fn utf16(bytes: &[u8]) -> Option<(TextEncoding, &[u8])> {
    let (encoding, units) = match bytes {
        // FF FE 00 00 is UTF-32, which nobody writes code in.
        [0xff, 0xfe, 0, 0, ..] => return None,
        [0xff, 0xfe, units @ ..] => (UTF_16LE, units),
        [0xfe, 0xff, units @ ..] => (UTF_16BE, units),
        _ => return None,
    };
    Some((TextEncoding { encoding }, units))
}

fn decode_utf16(encoding: TextEncoding, units: &[u8], bytes: &[u8]) -> Option<Decoded> {
    let (text, _) = encoding.encoding.decode_without_bom_handling(units);
    if text.contains('\0') {
        return None;
    }
    let text = text.into_owned();
    Some(Decoded {
        // Half a code unit at the end, and halves of a pair, are not written back.
        lossy: encoding.encode(&text).as_deref() != Some(bytes),
        text,
        encoding,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Option<(String, &'static str, bool)> {
        decode(bytes).map(|decoded| (decoded.text, decoded.encoding.name(), decoded.lossy))
    }

    #[test]
    fn unicode_is_read_by_itself_and_by_its_mark() {
        let some = |text: &str, name, lossy| Some((text.to_owned(), name, lossy));
        assert_eq!(read("aü".as_bytes()), some("aü", "UTF-8", false));
        assert_eq!(read(b""), some("", "UTF-8", false));
        assert_eq!(read("äöü\u{fffd}x".as_bytes()).map(|t| t.2), Some(false));
        let mut damaged = "äöü".as_bytes().to_vec();
        damaged.push(0xff);
        assert_eq!(read(&damaged), some("äöü\u{fffd}", "UTF-8", true));
        assert_eq!(read(b"\xff\xfea\0\xfc\0"), some("aü", "UTF-16LE", false));
        assert_eq!(read(b"\xfe\xff\0a\0\xfc"), some("aü", "UTF-16BE", false));
        // Half a code unit, and half a pair.
        assert_eq!(read(b"\xff\xfea\0\xfc").map(|t| t.2), Some(true));
        assert_eq!(read(b"\xff\xfea\0\0\xd8").map(|t| t.2), Some(true));
        assert_eq!(read(b"\xff\xfea\0\0\0"), None);
        assert_eq!(read(b"a\0b"), None);
        assert_eq!(read(b"\x01\x02\x03\xff\xfe\xfd"), None);
    }

    #[test]
    fn older_encodings_are_told_from_their_letters() {
        for (name, text) in [
            (
                "windows-1252",
                "// Größe der Liste, für später; naïve façade\nint größe;\n",
            ),
            (
                "windows-1251",
                "// Размер списка, потом будет больше\nint x;\n",
            ),
            (
                "Shift_JIS",
                "// リストの大きさを返す。日本語のコメント\nint x;\n",
            ),
            (
                "EUC-JP",
                "// リストの大きさを返す。日本語のコメント\nint x;\n",
            ),
            ("GBK", "// 返回列表的大小，这是一个中文注释\nint x;\n"),
            ("Big5", "// 傳回清單的大小，這是一個中文註解\nint x;\n"),
            ("EUC-KR", "// 목록의 크기를 돌려준다. 한국어 주석\nint x;\n"),
        ] {
            let encoding = TextEncoding::named(name).expect("known");
            let bytes = encoding.encode(text).expect("can be written");
            assert_eq!(
                read(&bytes),
                Some((text.to_owned(), encoding.name(), false))
            );
        }
        assert_eq!(
            read(b"caf\xe9\n").map(|t| (t.0, t.2)),
            Some(("café\n".to_owned(), false))
        );
    }

    #[test]
    fn a_character_that_an_encoding_lacks_is_named() {
        let latin = TextEncoding::named("windows-1252").expect("known");
        assert_eq!(latin.encode("größe €"), Some(b"gr\xf6\xdfe \x80".to_vec()));
        assert_eq!(latin.encode("→"), None);
        assert_eq!(latin.first_unmappable("größe → x"), Some('→'));
        assert_eq!(latin.first_unmappable("größe"), None);
        assert_eq!(TextEncoding::UTF_8.first_unmappable("→"), None);
    }

    proptest! {
        #[test]
        fn whatever_is_not_lossy_comes_back_to_the_byte(bytes: Vec<u8>) {
            if let Some(decoded) = decode(&bytes)
                && !decoded.lossy
            {
                prop_assert_eq!(decoded.encoding.encode(&decoded.text), Some(bytes));
            }
        }
    }
}
