//! Copying through the terminal itself (OSC 52), which works over ssh and in tmux, and needs
//! no other program.

use crate::base::text::human_bytes;
use crate::base::{Failure, OrBug, Result};

/// Bytes of text at most: terminals drop longer sequences without a word.
const MOST: usize = 74_000;

/// The sequence that puts a text on the clipboard. The text itself is encoded and cannot hold
/// a sequence of its own.
///
/// # Errors
/// Of kind usage, if it is longer than terminals take.
pub fn sequence(text: &str) -> Result<String> {
    if text.len() > MOST {
        return Err(Failure::usage(format!(
            "{} are too much for the terminal's clipboard",
            human_bytes(text.len() as u64)
        ))
        .hint("copy a smaller part, or write it to a file with /export"));
    }
    Ok(format!("\x1b]52;c;{}\x07", base64(text.as_bytes())))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        // The last group may be short; what is missing counts as zero bits.
        let at = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let all = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4 {
            let digit = (all >> (18 - 6 * i)) & 63;
            out.push(if i <= three.len() {
                let digit = DIGITS.get(digit as usize).copied();
                char::from(digit.or_bug("six bits name a digit"))
            } else {
                '='
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_encoded_whole() {
        for (text, code) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ] {
            assert_eq!(base64(text.as_bytes()), code);
        }
        assert_eq!(sequence("ü").expect("short"), "\x1b]52;c;w7w=\x07");
    }

    #[test]
    fn too_much_is_refused_aloud() {
        assert!(sequence(&"x".repeat(MOST + 1)).is_err());
    }
}
