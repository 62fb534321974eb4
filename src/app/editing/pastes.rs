//! Long pastes in the composer: a sign stands in the text for each, and its text is kept beside, so
//! that it is drawn as one thing, passed over and deleted as one, and sent whole.

use std::borrow::Cow;

use super::composer::{Composer, MAX_TEXT};
use super::wrapped_rows::cell_width;
use crate::base::text::{counted, human_count};

/// Lines that a paste may have without being folded.
const LINES: usize = 10;
/// The first sign: the end of the last plane of private use, where nothing else is. The signs are
/// cleaned out of all that is typed, pasted and loaded.
const FIRST: u32 = 0x10_F000;
/// Number of signs.
const SIGNS: u32 = 0xFF0;

/// A long paste.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paste {
    /// The text.
    pub text: String,
    /// Number of lines.
    pub lines: usize,
    /// Number of tokens; none before they are counted.
    pub tokens: Option<usize>,
}

impl Paste {
    /// The paste as it is shown while it is folded: `[pasted 500 lines · 14,947 tokens]`.
    pub fn label(&self) -> String {
        label(self.lines, self.tokens, self.text.len())
    }
}

/// The words that stand for a long paste of so many bytes.
pub fn label(lines: usize, tokens: Option<usize>, bytes: usize) -> String {
    let tokens = match tokens {
        Some(tokens) => counted(tokens, "token"),
        None => format!("~{} tokens", human_count(estimate(bytes) as u64)),
    };
    format!("[pasted {} · {tokens}]", counted(lines, "line"))
}

/// Tokens that a text of so many bytes will have, roughly.
pub const fn estimate(bytes: usize) -> usize {
    bytes.div_ceil(4)
}

/// Tells whether a character is a sign that stands for a paste.
pub fn is_sign(c: char) -> bool {
    (FIRST..FIRST + SIGNS).contains(&u32::from(c))
}

impl Composer {
    /// The text with all pastes in their places, as it is sent.
    pub fn whole(&self) -> String {
        self.written_out(self.text()).into_owned()
    }

    /// Bytes of the text with all pastes in their places.
    pub fn whole_len(&self) -> usize {
        // All signs are four bytes long.
        let more = self.signs().map(|(_, paste)| paste.text.len() - 4);
        self.text().len() + more.sum::<usize>()
    }

    /// The pastes that stand in the text, in order.
    pub fn pasted(&self) -> Vec<Paste> {
        self.signs().map(|(_, paste)| paste.clone()).collect()
    }

    /// The words that stand for a grapheme: itself, or the label of the paste.
    pub fn shown<'g>(&self, grapheme: &'g str) -> Cow<'g, str> {
        match self.paste_of(grapheme) {
            Some(paste) => Cow::Owned(paste.label()),
            None => Cow::Borrowed(grapheme),
        }
    }

    /// Returns the columns that a grapheme takes when drawn at a column.
    pub fn cell_width(&self, grapheme: &str, at: u16) -> u16 {
        match self.paste_of(grapheme) {
            Some(paste) => paste.label().chars().count() as u16,
            None => cell_width(grapheme, at),
        }
    }

    /// Takes a long paste in as one sign. False for one that is short, or where there is no room.
    pub(super) fn fold_paste(&mut self, text: &str) -> bool {
        let lines = text.lines().count();
        let room = MAX_TEXT.saturating_sub(self.whole_len());
        let sign = u32::try_from(self.pastes.len()).ok();
        let sign = sign.filter(|at| *at < SIGNS);
        let Some(sign) = sign.and_then(|at| char::from_u32(FIRST + at)) else {
            return false;
        };
        if lines <= LINES || text.len() > room {
            return false;
        }
        self.pastes.push(Paste {
            text: text.to_owned(),
            lines,
            tokens: None,
        });
        self.put(self.cursor()..self.cursor(), sign.encode_utf8(&mut [0; 4]));
        true
    }

    /// Puts the text of a paste in the place of its sign: of the one at the cursor, else the last
    /// one before it, else the first. False where there is none.
    pub fn open_paste(&mut self) -> bool {
        let cursor = self.cursor();
        let signs: Vec<(usize, &Paste)> = self.signs().collect();
        let here = signs.iter().find(|(at, _)| *at == cursor);
        let before = signs.iter().rfind(|(at, _)| *at < cursor);
        let Some(&(at, paste)) = here.or(before).or(signs.first()) else {
            return false;
        };
        let text = paste.text.clone();
        let len = self.text().get(at..).and_then(|rest| rest.chars().next());
        self.put(at..at + len.map_or(0, char::len_utf8), &text);
        true
    }

    /// The pastes whose tokens are not counted yet.
    pub fn uncounted(&self) -> Vec<(usize, &Paste)> {
        let all = self.pastes.iter().enumerate();
        all.filter(|(_, paste)| paste.tokens.is_none()).collect()
    }

    /// Takes in how many tokens a paste of so many bytes has; another that stands there by now is
    /// not meant.
    pub(in crate::app) fn counted(&mut self, (at, bytes): (usize, usize), tokens: usize) {
        if let Some(paste) = self.pastes.get_mut(at)
            && paste.text.len() == bytes
        {
            paste.tokens = Some(tokens);
        }
    }

    /// A text of this composer with the pastes in the places of their signs.
    pub(in crate::app) fn written_out<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.pastes.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match self.paste_by(c) {
                Some(paste) => out.push_str(&paste.text),
                None => out.push(c),
            }
        }
        Cow::Owned(out)
    }

    /// The signs in the text, with their places.
    fn signs(&self) -> impl Iterator<Item = (usize, &Paste)> {
        // Without a paste the text need not be looked through.
        let text = if self.pastes.is_empty() {
            ""
        } else {
            self.text()
        };
        let all = text.char_indices();
        all.filter_map(|(at, c)| Some((at, self.paste_by(c)?)))
    }

    fn paste_of(&self, grapheme: &str) -> Option<&Paste> {
        self.paste_by(grapheme.chars().next()?)
    }

    fn paste_by(&self, c: char) -> Option<&Paste> {
        let at = u32::from(c).checked_sub(FIRST)?;
        self.pastes.get(usize::try_from(at).ok()?)
    }
}

#[cfg(test)]
#[path = "pastes_tests.rs"]
mod tests;
