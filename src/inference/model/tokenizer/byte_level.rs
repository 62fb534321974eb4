//! Byte-level BPE: a text is cut to pieces by expressions, and within each neighbouring tokens
//! are merged by rank (Sennrich et al., arXiv 1508.07909; over bytes since GPT-2).

use rustc_hash::FxHashMap;

use super::merge::{Merges, merge};
use super::split::Splitter;

/// A vocabulary of byte-level BPE.
#[derive(Debug)]
pub(super) struct ByteLevel {
    pub splitter: Splitter,
    pub merges: Merges,
}

impl ByteLevel {
    /// Appends the tokens of a text. `ids` are the ordinary tokens by their bytes, `byte_ids`
    /// those of single bytes; a byte without one is left out.
    pub fn encode(
        &self,
        text: &str,
        ids: &FxHashMap<Vec<u8>, u32>,
        byte_ids: &[Option<u32>; 256],
        out: &mut Vec<u32>,
    ) {
        let mut symbols = Vec::new();
        self.splitter.each(text, &mut |piece| {
            if self.splitter.whole_first
                && let Some(id) = ids.get(piece.as_bytes())
            {
                out.push(*id);
                return;
            }
            symbols.clear();
            symbols.extend(
                piece
                    .bytes()
                    .filter_map(|b| byte_ids.get(usize::from(b)).copied().flatten()),
            );
            merge(&mut symbols, |a, b| self.merges.get(&(a, b)).copied());
            out.extend_from_slice(&symbols);
        });
    }
}

/// Returns the bytes that a byte-level token's characters stand for (GPT-2's table: printable
/// Latin-1 stands for itself, U+0100 and up for the other 68 bytes). Other characters stand for
/// none: a token that has one is as it is written, and no merge leads to it.
pub(super) fn unmap(text: &str) -> Option<Vec<u8>> {
    let byte = |c: char| match u32::from(c) {
        code @ (0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff) => Some(code as u8),
        code @ 0x100..=0x120 => Some((code - 0x100) as u8),
        code @ 0x121..=0x142 => Some((code - 0x121 + 0x7f) as u8),
        0x143 => Some(0xad),
        _ => None,
    };
    text.chars().map(byte).collect()
}
